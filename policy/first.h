/* first - where an L1 pattern begins: one that leaves nothing protected exact, with more in it than is needed.
 *
 * Internal to policy/. One random change of the pattern (modular.h) says what follows exactly; a move bought for that is
 * added to it, so nothing else is computed anew. */
#ifndef POLICY_FIRST_H
#define POLICY_FIRST_H
#include "policy/protect.h"

/* Sets grid.use, which is 0, for the cells to be hidden: all that may be, or two in each relation that has one (cover.h)
 * and what else it takes. False: there is no such pattern for p->unserved, or none was found, or no memory. */
bool first_pattern(struct plan *p, bool all);
/* A move through a cell, or one of the cells of a virtual sum, in the search's terms; any room will do. */
bool first_find(struct plan *p, uint32_t cell, const struct virt *v);
#endif
