/* carry - serves a need by a move of the release before (hints.h).
 *
 * Internal to policy/. */
#ifndef POLICY_CARRY_H
#define POLICY_CARRY_H
#include "policy/protect.h"

/* The cheapest hint that serves the need, with cells that it leaves below their floor raised again by moves of
 * their own. True: the delta holds the answer. False: none, or no earlier release; the delta is reset. */
bool carry_find(struct plan *p, const struct need *n, int64_t amp, bool may_pay);
#endif
