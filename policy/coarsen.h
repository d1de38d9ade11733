/* coarsen - a table of which some codes are not printed: their parent stands for them.
 *
 * Internal to policy/. The grid stays as it is, with all its unknowns, rules and attackers; only what is printed
 * shrinks, in the whole release. A code may take its parts' place if they are ordinary parts (no view's) and stand
 * nowhere else. */
#ifndef POLICY_COARSEN_H
#define POLICY_COARSEN_H
#include "policy/grid.h"

struct coarse {
	struct table_input t;             /* borrows everything of the first input but what is printed */
	uint8_t *dropped[TABLE_DIMS_MAX]; /* by code: not printed */
	struct coarse_step {
		size_t dim;
		uint32_t code;
	} * step; /* in the order taken */
	uint32_t n_steps, room_steps;
};

/* Begins with all of `from`, which must outlive it. coarse_free also after false. */
bool coarse_begin(struct coarse *c, const struct table_input *from, struct err *e);
void coarse_free(struct coarse *c);

/* May the code stand for its parts? Also that none of them is in a derived figure. */
bool coarse_may(const struct coarse *c, size_t dim, uint32_t code);
/* The code whose parts are to go so that the cell is no longer printed: of all that may and are printed in its place, the one
 * that costs fewest printed cells. false: there is none. */
bool coarse_choose(const struct coarse *c, const struct grid *g, uint32_t cell, size_t *dim, uint32_t *code);
bool coarse_take(struct coarse *c, size_t dim, uint32_t code, struct err *e);
/* Strictly below the code: out has n_codes places. */
void coarse_below(const struct dim *d, uint32_t code, uint8_t *out);
#endif
