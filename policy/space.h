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

#define SPACE_PRIME UINT32_C(2147483647)

struct space_item {
	uint32_t at; /* a free place in a row; a place in a vector */
	uint32_t by; /* modulo SPACE_PRIME, never 0 */
};

struct space_row { /* ascending free places; {itself, 1} for a free place; empty: never changes */
	struct space_item *item;
	uint32_t n, room;
};

struct space_column { /* places whose row has (or had) this free place */
	uint32_t *place;
	uint32_t n, room;
};

struct space {
	uint32_t n, room;           /* places */
	uint32_t first_sum, n_sums; /* the virtual sums among them */
	struct space_row *row;
	struct space_column *column;
	struct space_item *scratch, *vector; /* vector: the one last taken out */
	uint32_t room_scratch, n_vector, room_vector;
	uint32_t *seen, turn; /* by place: met in this turn */
	uint32_t *sum;        /* by place, all 0 between calls */
	uint64_t work;        /* items touched */
	bool failed;          /* no memory: the space is of no use any more */
};

/* Places for so many cells, the virtual sums behind them. */
bool space_init(struct space *s, uint32_t cells, uint32_t sums);
void space_free(struct space *s);
/* One more place, for a cell; NONE, and failed, without memory. */
uint32_t space_new(struct space *s);
static inline bool space_is_sum(const struct space *s, uint32_t place)
{
	return place - s->first_sum < s->n_sums;
}

/* Makes a place free that never changed: before anything is imposed, each loose cell. */
void space_release(struct space *s, uint32_t place);
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
/* How many places the vector changes that is 1 at this free place and 0 at the others; they stand in its column. */
uint32_t space_column_size(struct space *s, uint32_t at);
/* The place's change in that vector times d, as a whole number near 0. False if it is none. */
bool space_whole(const struct space *s, uint32_t place, uint32_t at, uint32_t d, int64_t *by);
static inline bool space_moves(const struct space *s, uint32_t place)
{
	return s->row[place].n != 0;
}
#endif
