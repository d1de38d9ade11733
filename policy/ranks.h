/* ranks - the cheapest pattern for L1: nobody can work out a protected cell exactly.
 *
 * Internal to policy/. At L1 how much a cell holds does not matter, only which combinations of hidden cells can
 * change: linear algebra. The space of all changes (space.h) says at once which cells become exact together when
 * one is shown, so that no stored move has to stand for any of them. */
#ifndef POLICY_RANKS_H
#define POLICY_RANKS_H
#include "policy/protect.h"

/* Gives all needs moves that hide as little as it finds. Starts from everything hidden that may be, in large tables from
 * what plan_serve_all hides if that serves everything; effort: turns a secondary cell. False:
 *   - p->unserved: whatever is hidden, that need can be worked out,
 *   - or the work limit was reached, there was no memory (p->memory_failed), the table is too large, or there is no
 *     proof in small whole numbers. */
bool ranks_serve(struct plan *p, unsigned effort);
#endif
