/* bound - what a reader knows of cells that no table prints and that follow from nothing: no more than so many.
 *
 * Internal to policy/. A client counted as new is a client, so 25 clients of whom 20 are young and 5 new ones who are
 * old leave nobody in between. Each relation says of each of its cells "at least" and "at most", given what is said of
 * the others; BOUND_ROUNDS times, every relation from what was said the round before. Cells that rules protect say
 * nothing any more. Nor does a relation of which less than the threshold is left to its unknown cells: their sum is
 * protected by R12, or each of them by itself.
 *
 * Where noughts are published, a nought is left alone if it is one by all the offices' figures together, reckoned likewise:
 * there is nobody whom a reader's doubt could concern. */
#ifndef POLICY_BOUND_H
#define POLICY_BOUND_H
#include "policy/told.h"

#define BOUND_ROUNDS 8

/* Sets grid.told to TOLD_SMALL where a cell is known to be less than the threshold. After all other rules. */
bool bound_find(struct grid *g, struct err *e);
#endif
