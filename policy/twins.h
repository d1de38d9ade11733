/* twins - which hidden cells become exact together: places of the space whose rows are multiples of each other.
 *
 * Internal to policy/. For many cells at once: each row is given a mark that its multiples share, and other rows only by a
 * chance of one in 2^62. space_class() answers for one cell without a doubt. */
#ifndef POLICY_TWINS_H
#define POLICY_TWINS_H
#include "policy/hiding.h"

struct twins {
	uint64_t *
	    mark; /* a table of places; lowest bit: whether something guarded is a twin; 0: nothing is here */
	uint32_t size; /* a power of 2 */
};

typedef bool twins_guarded(const void *context, uint32_t place);

/* The cells in the bag, and which of them have a guarded twin. False: no memory. */
bool twins_find(struct twins *t, const struct hiding *h, twins_guarded *is_guarded, const void *context);
void twins_free(struct twins *t);
/* Where the place's twins stand in the table; NONE: it cannot change, or no cell in the bag is its twin. */
uint32_t twins_slot(const struct twins *t, const struct space *s, uint32_t place);
/* Would something guarded become exact with the cell, which was in the bag? */
bool twins_is_tied(const struct twins *t, const struct hiding *h, uint32_t cell);
#endif
