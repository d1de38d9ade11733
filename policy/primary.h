/* primary - which cells the rules protect, against whom, and how far each must be able to move.
 *
 * Internal to policy/. Rules R1-R5 and R12 of docs/disclosure.md, one small function each. The outcome is a
 * list of needs: "there must be a move of at least amp at this cell that this attacker cannot rule out". */
#ifndef POLICY_PRIMARY_H
#define POLICY_PRIMARY_H
#include "policy/needs.h"

/* Fills needs, sets grid.primary. ERR_REFUSED if a forced cell is sensitive and the policy's ladder does not
 * allow to unfreeze it. */
bool primary_find(struct grid *g, enum guarantee level, struct needs *out, struct err *e);
/* Adds an L1 need for a cell that is not printed but can be derived (last check). */
bool primary_add_derivable(
    struct grid *g, struct needs *n, enum guarantee level, uint32_t cell, struct err *e);
/* True if a count of this size is sensitive under R1 or R2. */
bool primary_is_small(const struct policy_params *p, int64_t value);
#endif
