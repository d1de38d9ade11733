/* space_rows - how a space keeps its rows and columns (space_rows.c), for what is done with it (space.c) and how it begins
 * (space_load.c).
 *
 * For these three only.
 * Shapes: a row and a column are parts of two arenas, s->word and s->place, of which s->row and s->column say where. A row is
 * words of items whose free places ascend (space.h says what is in a word); it is empty or has no item that is 0. A column is a
 * list of places: each whose row has the free place stands in it, some twice, and some whose row has it no more. Until
 * space_list_columns, while equations are loaded, the rows laid are missing.
 * Units: the room of a row and its `n` count words, one or two for each item; lists of struct space_item count items, columns
 * places. `by` is modulo SPACE_PRIME, less than it.
 * Ownership: all that a space points to is its own. The arenas and lists move when they grow: a function that adds to rows may
 * move any row (pointers from space_walk end with it) and any column (space_places). Only space_copy_row and
 * space_functional write to a list of the caller's, `*to` with room for *room: from malloc or NULL, let it grow, the caller frees
 * it whatever happens; the list may be one of the space's.
 * Errors: there is one, no memory. It sets s->failed, for good; what answers then answers 0 or false, and what was to be changed
 * may be half done. Further steps over rows do no harm, so it is enough to ask before a result is believed; but where
 * space_list_columns failed, the space can only be freed. */
#ifndef POLICY_SPACE_ROWS_H
#define POLICY_SPACE_ROWS_H
#include "policy/array.h"
#include "policy/space.h"

/* ---- rows ---- */

/* row := row + factor * f, where f's items ascend. Columns of new items list the place. */
void space_add_to_row(
    struct space *s, uint32_t place, const struct space_item *f, uint32_t n, uint32_t factor);
void space_add_item(struct space *s, uint32_t place, uint32_t at, uint32_t by);
/* The row, empty before, becomes the n words in s->packed, as it will stay for long: without room to spare. Columns do not
 * list it. */
void space_lay_row(struct space *s, uint32_t place, uint32_t n);
/* A row's items into *to; how many. */
uint32_t space_copy_row(struct space *s, uint32_t place, struct space_item **to, uint32_t *room);
/* The sum of by * row over the items, a functional of its own over free places, into *to, ascending; how many. Takes a turn;
 * needs s->sum all 0 and leaves it so, unless it fails. */
uint32_t space_functional(
    struct space *s, const struct space_item *item, uint32_t n, struct space_item **to, uint32_t *room);

/* ---- columns ---- */

/* Lists all columns anew from the rows, with room for more: what is shown adds to some of them. False: no memory. */
bool space_list_columns(struct space *s);
/* Gives back the list of what is no free place any more. */
void space_clear_column(struct space *s, uint32_t at);

/* A number that s->seen has nowhere: who writes it there sees each place once. Good until the next; space_tidy and
 * space_functional take one too. */
uint32_t space_turn(struct space *s);

/* ---- what all three reckon with ---- */

static inline uint32_t times(uint32_t a, uint32_t b)
{
	uint64_t x = (uint64_t)a * b;
	uint64_t y = (x & SPACE_PRIME) + (x >> 31);
	return (uint32_t)(y >= SPACE_PRIME ? y - SPACE_PRIME : y);
}

static inline uint32_t plus(uint32_t a, uint32_t b)
{
	uint32_t x = a + b;
	return x >= SPACE_PRIME ? x - SPACE_PRIME : x;
}

/* As array_room, for a list of the space or one on its behalf: without memory the space has failed. */
static inline bool grow(struct space *s, void *array, uint32_t *room, uint32_t need, size_t size)
{
	if (array_room(array, room, need, size))
		return true;
	s->failed = true;
	return false;
}

/* An item behind what is put together in s->packed, which has room for two words more; what comes behind it. */
static inline uint32_t *put_item(struct space *s, uint32_t *to, uint32_t at, uint32_t by)
{
	uint32_t code = plus(by, s->half);
	if (code >> s->shift != 0)
		code = 0;
	*to++ = at << s->shift | code;
	if (code == 0) {
		*to++ = by | SPACE_WIDE;
		s->any_wide = true;
	}
	return to;
}
#endif
