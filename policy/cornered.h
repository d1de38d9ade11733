/* cornered - what offices know of cells that no table prints where "at least" and "at most" meet.
 *
 * Internal to policy/. No equation gives such a cell, but the bounds that everything printed and the offices' own figures set
 * leave one number: an area prints 15 new clients, an office there has 8 of them, so the other has 7 at most; by another table
 * that one has 32 new clients, of its other ages no more than 25; so it is 7. Each relation says of each of its cells "at least" and
 * "at most", as in bound.h, until nothing changes or CORNERED_ROUNDS times. What counts as known is insider.h's. */
#ifndef POLICY_CORNERED_H
#define POLICY_CORNERED_H
#include "policy/grid.h"

#define CORNERED_ROUNDS   16
#define CORNERED_WORK_MAX UINT64_C(300000000) /* cells of relations visited, for all sets of offices */

struct span;
struct cornered {
	const struct grid *g;
	struct span *is; /* by cell */
	uint64_t work;
	bool changed;
};

bool cornered_begin(struct cornered *c, const struct grid *g, struct err *e);
void cornered_end(struct cornered *c);
/* unknown: by cell, 0: its value is known. False: no work is left for it, and nothing was reckoned. */
bool cornered_reckon(struct cornered *c, const uint8_t *unknown);
/* After cornered_reckon: is one number left of a cell that was unknown? */
bool cornered_tells(const struct cornered *c, uint32_t cell);
#endif
