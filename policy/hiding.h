/* hiding - a set of hidden cells, the space of changes it leaves open, and the way back to an earlier one.
 *
 * Internal to policy/. In the bag are the open cells that are hidden now and could be shown: not those a rule
 * protects or wants hidden. grid.use is 1 for them and 0 for all other open cells until hiding_end. Only cells that are
 * or were hidden have a place in the space, and each virtual sum has one. */
#ifndef POLICY_HIDING_H
#define POLICY_HIDING_H
#include "policy/search.h"
#include "policy/space.h"

enum { HIDING_ADDED, HIDING_DROPPED, HIDING_HID, HIDING_SHOWN };

struct hiding_step { /* for taking it back */
	uint32_t what, cell;
	uint32_t first, n; /* added or dropped: the vector in kept */
};

struct hiding {
	struct grid *g;
	const struct needs *n;
	struct space space;
	double cost;
	uint32_t *bag;
	uint32_t n_bag, room_bag;
	struct hiding_step *step;
	uint32_t n_steps, room_steps;
	/* inside */
	uint32_t *place_of;         /* by cell: its place in the space, or NONE */
	uint32_t *cell_of, *bag_at; /* by place: its cell, NONE for a sum; where it is in the bag, or NONE */
	uint32_t room_cells, room_at;
	uint32_t *
	    sum_first; /* by cell: items [first, next) of sum_of whose virtual sum holds the cell; NULL: no sums */
	uint32_t *sum_of; /* virtual sum * 2, + 1 where the cell is taken off it */
	struct space_item *vector, *kept;
	uint32_t room_vector, n_kept, room_kept;
};

/* g and n outlive it; grid.use is 0. False: no memory; hiding_free in any case. */
bool hiding_init(struct hiding *h, struct grid *g, const struct needs *n);
void hiding_free(struct hiding *h);
/* Begins with what grid.use hides. Again with another pattern: the space is made anew. False: no memory. */
bool hiding_load(struct hiding *h);
/* These cells in the bag instead, with all changes that they leave open. */
bool hiding_reload(struct hiding *h, const uint32_t *cell, uint32_t n);
/* grid.use is 0 again. */
void hiding_end(struct hiding *h);

static inline bool hiding_has(const struct hiding *h, uint32_t cell)
{
	return h->place_of[cell] != NONE && h->bag_at[h->place_of[cell]] != NONE;
}
/* What a need is about, as a place of the space. */
static inline uint32_t hiding_place(const struct hiding *h, const struct need *n)
{
	return n->virt == NONE ? h->place_of[n->cell] : h->space.first_sum + n->virt;
}

/* Steps; h->space.failed tells of no memory. Drop: the place, and what hangs on it, becomes exact. Show: a cell that is
 * exact. Add: one more vector, hiding the cells it passes. */
void hiding_drop(struct hiding *h, uint32_t place);
void hiding_show(struct hiding *h, uint32_t cell);
void hiding_add(struct hiding *h, const struct term *term, uint32_t n);
/* Undoes all steps since the last hiding_keep. */
void hiding_take_back(struct hiding *h);
void hiding_keep(struct hiding *h);
#endif
