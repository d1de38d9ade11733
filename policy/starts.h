/* starts - improvement from several beginnings, where a pattern has few secondary cells.
 *
 * Internal to policy/. The search ends where no step is cheaper; in a small pattern chance decides which of the places
 * like that it meets, and another beginning costs next to nothing. The cheapest outcome stays. */
#ifndef POLICY_STARTS_H
#define POLICY_STARTS_H
#include "policy/protect.h"

/* Improves a served plan. False: a need is open (then p->unserved tells), or there is no memory. Never dearer than
 * plan_improve alone, and never beyond the plan's work limit where that keeps within it. */
bool starts_improve(struct plan *p, unsigned effort);
#endif
