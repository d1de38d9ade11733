/* told - what a reader gets by subtraction alone from everything that may be printed, and no table prints.
 *
 * Internal to policy/. Rules R9 and R12: where all of a relation but one cell is known, that cell is known too; so on,
 * until nothing more follows. Cells that are told are judged as if they were printed, and so are sums of the cells of a
 * relation that are not, if the rest of it is known. Nothing is hidden yet: what is hidden later takes facts away. */
#ifndef POLICY_TOLD_H
#define POLICY_TOLD_H
#include "policy/grid.h"

/* Fills grid.told. A table of which everything is printed has none. */
bool told_find(struct grid *g, struct err *e);

/* Has a value that follows or is known to be small, and is not the same cell as one that is judged already. */
static inline bool told_is_subject(const struct grid *g, uint32_t cell)
{
	return g->told != NULL && (g->told[cell] == TOLD_BY_OTHERS || g->told[cell] == TOLD_SMALL);
}
/* An earlier release of the period gave its value away. */
static inline bool told_has_left(const struct grid *g, uint32_t cell)
{
	return grid_is_out(g, cell) || (g->told != NULL && g->told[cell] == TOLD_LEFT);
}
/* Printed, unless we hide it, or told. Cells in which nothing can be are not. */
static inline bool told_is_known(const struct grid *g, uint32_t cell)
{
	return g->kind[cell] != KIND_DEAD &&
	       (grid_counted(g, cell) ||
		   (g->told != NULL && g->told[cell] != TOLD_NOT && g->told[cell] != TOLD_SMALL));
}
#endif
