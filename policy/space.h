/* space - the changes that a pattern leaves room for: null vectors of the hidden cells, in reduced form.
 *
 * Internal to policy/. A null vector changes hidden cells only and keeps every relation; a cell can be worked out
 * exactly when all of them are 0 there. The space keeps free places, one for each dimension, and for every place its
 * row: the place's change as a sum over the free ones. A place is a cell that is hidden or may be, or a virtual sum; the
 * caller knows which (hiding.h).
 * Arithmetic is modulo 2^31 - 1: a chance coincidence makes the space wrong, so nothing rests on it alone: what is
 * found here is proved anew by modular.c. */
#ifndef POLICY_SPACE_H
#define POLICY_SPACE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/echelon.h"

#define SPACE_PRIME UINT32_C(2147483647)

struct space_item {
	uint32_t at; /* a free place in a row; a place in a vector */
	uint32_t by; /* modulo SPACE_PRIME, never 0 */
};

struct space_part { /* of an arena: words of a row, places of a column */
	uint32_t first, n, room;
};

/* Rows are kept in words: an item's place, and behind it what to take it by, which is nearly always small; else it is 0, and a word of
 * its own follows, told by its uppermost bit. */
#define SPACE_WIDE     (UINT32_C(1) << 31)
#define SPACE_BITS_MIN 3u

struct space {
	uint32_t n, room;           /* places */
	uint32_t first_sum, n_sums; /* the virtual sums among them */
	unsigned shift;             /* bits of a small number in a word of a row */
	uint32_t half;              /* stands for 0 in them */
	bool any_wide;              /* some item has, or had, two words */
	struct space_part
	    *row; /* ascending free places; {itself, 1} for a free place; empty: never changes */
	struct space_part *column; /* places whose row has (or had) this free place */
	uint32_t *word;            /* of the rows */
	uint32_t *place;           /* of the columns */
	uint32_t n_words, room_words, lost_words, n_placed, room_placed, lost_placed;
	struct space_item *scratch, *vector; /* vector: the one last taken out */
	uint32_t room_scratch, n_vector, room_vector;
	uint32_t *packed; /* a row that is being put together */
	uint32_t room_packed;
	uint32_t *seen, turn; /* by place: met in this turn */
	uint32_t *sum;        /* by place, all 0 between calls */
	uint64_t work;        /* items touched */
	bool failed;          /* no memory: the space is of no use any more */
};

/* Places for so many cells, the virtual sums behind them; there will be so many places at most. False: no memory. */
bool space_init(struct space *s, uint32_t cells, uint32_t sums, uint32_t most);
void space_free(struct space *s);
/* One more place, for a cell; NONE, and failed, without memory. */
uint32_t space_new(struct space *s);
static inline bool space_is_sum(const struct space *s, uint32_t place)
{
	return place - s->first_sum < s->n_sums;
}

/* Into an empty space: all vectors that keep the equations, of which a few of the shortest are solved (more make for
 * longer rows). place: by the equations' columns. False: no memory. */
bool space_load(struct space *s, const struct echelon *x, const uint32_t *place);
/* Adds a cell's row to that of a virtual sum, or takes it off. */
void space_define(struct space *s, uint32_t place, uint32_t cell, bool off);
/* Keeps only the vectors in which the sum of by * change over the items is 0. */
void space_impose(struct space *s, const struct space_item *item, uint32_t n);
/* Keeps only the vectors that are 0 at the place. One that was not stays in s->vector. */
void space_drop(struct space *s, uint32_t place);
/* Adds a vector: all places it changes, virtual sums too. False if the space held it already. To take it back, impose
 * what then stands in s->vector. */
bool space_add(struct space *s, const struct space_item *item, uint32_t n);

/* Places that are 0 in the same vectors as this one, itself first: what becomes exact when it does. Answers how many;
 * they stand in out, which has room for s->n. */
uint32_t space_class(struct space *s, uint32_t place, uint32_t *out);
/* The same for rows that are multiples of each other, and hardly ever for others. The place can change. */
uint64_t space_mark(const struct space *s, uint32_t place);
/* Afterwards the free place's column holds each place once that is changed by the vector that is 1 there and 0 at the
 * others. */
void space_tidy(struct space *s, uint32_t at);
/* by * d as a whole number near 0. False if it is none. */
bool space_whole(uint32_t by, uint32_t d, int64_t *out);
/* The place's change in that vector; 0: none. */
uint32_t space_change(const struct space *s, uint32_t place, uint32_t at);
/* Goes through a row's items; no row may change meanwhile. */
struct space_walk {
	const uint32_t *at, *end;
};
static inline struct space_walk space_walk(const struct space *s, uint32_t place)
{
	const uint32_t *at = s->row[place].n == 0 ? NULL : s->word + s->row[place].first;
	return (struct space_walk){ at, at == NULL ? NULL : at + s->row[place].n };
}
static inline bool space_next(const struct space *s, struct space_walk *w, struct space_item *out)
{
	if (w->at == w->end)
		return false;
	uint32_t word = *w->at++;
	uint32_t code = word & ((UINT32_C(1) << s->shift) - 1);
	uint32_t by = code - s->half;
	out->at = word >> s->shift;
	out->by = by + (SPACE_PRIME & -(by >> 31)); /* below 0: modulo the prime */
	if (code == 0)
		out->by = *w->at++ & ~SPACE_WIDE;
	return true;
}
/* How many items. */
uint32_t space_length(const struct space *s, uint32_t place);
static inline bool space_is_free(const struct space *s, uint32_t place)
{
	return s->row[place].n == 1 && s->word[s->row[place].first] >> s->shift == place;
}
/* Of a free place's column, as far as it is up to date. */
static inline const uint32_t *space_places(const struct space *s, uint32_t at)
{
	return s->place + s->column[at].first;
}
static inline bool space_moves(const struct space *s, uint32_t place)
{
	return s->row[place].n != 0;
}
#endif
