/* equations - what a reader knows of the cells that are not printed: one equation a relation, and their solution.
 *
 * Internal to policy/. Unknowns are the loose cells (grid_loose), without those that a relation gives away because all
 * its other cells are known: what goes with them is found first, and they are 0 in every change of the pattern. */
#ifndef POLICY_EQUATIONS_H
#define POLICY_EQUATIONS_H
#include "policy/echelon.h"
#include "policy/grid.h"

struct equations {
	const struct grid *g;
	uint64_t *open;   /* by cell, a bit: an unknown, and not 0 by one relation after the other */
	uint32_t *before; /* unknowns in front of each word */
	uint32_t n_unknowns;
	struct echelon x; /* columns: unknowns in the order of their cells */
};

/* Takes the pattern as it is now, and solves it; longest: as in echelon_solve. False: no memory; equations_free in any case. */
bool equations_solve(struct equations *q, const struct grid *g, uint32_t longest);
void equations_free(struct equations *q);

static inline bool equations_is_open(const struct equations *q, uint32_t cell)
{
	return (q->open[cell / 64] >> (cell % 64) & 1) != 0;
}
/* The column of a cell that is open. */
static inline uint32_t equations_column(const struct equations *q, uint32_t cell)
{
	uint64_t lower = q->open[cell / 64] & ((UINT64_C(1) << (cell % 64)) - 1);
	return q->before[cell / 64] + (uint32_t)__builtin_popcountll(lower);
}
#endif
