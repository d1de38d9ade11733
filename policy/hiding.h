/* hiding - a set of hidden cells, the space of changes it leaves open, and the way back to an earlier one.
 *
 * Internal to policy/. In the bag are the open cells that are hidden now and could be shown: not those a rule
 * protects or wants hidden. grid.use is 1 for them and 0 for all other open cells until hiding_end. Virtual sums are
 * places of the space behind the cells. */
#ifndef POLICY_HIDING_H
#define POLICY_HIDING_H
#include "policy/search.h"
#include "policy/space.h"

enum { HIDING_ADDED, HIDING_DROPPED, HIDING_HID, HIDING_SHOWN };

struct hiding_step { /* for taking it back */
	uint32_t what, place;
	uint32_t first, n; /* added or dropped: the vector in kept */
};

struct hiding {
	struct grid *g;
	const struct needs *n;
	struct space space;
	double cost;
	uint32_t *bag, *bag_at; /* by cell its place in the bag, or NONE */
	uint32_t n_bag;
	struct hiding_step *step;
	uint32_t n_steps, room_steps;
	/* inside */
	uint32_t *was;       /* grid.use before */
	uint32_t *sum_first; /* by cell: items [first, next) of sum_of whose virtual sum holds the cell */
	uint32_t *sum_of;    /* virtual sum * 2, + 1 where the cell is taken off it */
	struct space_item *vector, *kept;
	uint32_t room_vector, n_kept, room_kept;
};

/* g and n outlive it. False: no memory; hiding_free in any case. */
bool hiding_init(struct hiding *h, struct grid *g, const struct needs *n);
void hiding_free(struct hiding *h);
/* What grid.use hides, or all: every cell that may be hidden. Once, after hiding_init. False: no memory. */
bool hiding_load(struct hiding *h, bool all);
/* These cells in the bag instead, with all changes that they leave open. */
bool hiding_reload(struct hiding *h, const uint32_t *cell, uint32_t n);
/* grid.use as it was before. */
void hiding_end(struct hiding *h);

static inline bool hiding_has(const struct hiding *h, uint32_t cell)
{
	return h->bag_at[cell] != NONE;
}
/* What a need is about, as a place of the space. */
uint32_t hiding_place(const struct hiding *h, const struct need *n);

/* Steps; h->space.failed tells of no memory. Drop: the place, and what hangs on it, becomes exact. Show: a cell that is
 * exact. Add: one more vector, hiding the cells it passes. */
void hiding_drop(struct hiding *h, uint32_t place);
void hiding_show(struct hiding *h, uint32_t cell);
void hiding_add(struct hiding *h, const struct term *term, uint32_t n);
/* Undoes all steps since the last hiding_keep. */
void hiding_take_back(struct hiding *h);
void hiding_keep(struct hiding *h);
#endif
