/* ranks - the cheapest pattern for L1: nobody can work out a protected cell exactly.
 *
 * Internal to policy/. At L1 how much a cell holds does not matter, only which combinations of hidden cells can
 * change: linear algebra. The space of all changes (space.h) says at once which cells become exact together when
 * one is shown, so that no stored move has to stand for any of them. */
#ifndef POLICY_RANKS_H
#define POLICY_RANKS_H
#include "policy/protect.h"

/* Gives all needs a move that hides as little as it finds; moves they had are gone. Starts from everything hidden that
 * may be, in large tables from two hidden cells a relation (cover.h), and shows what is not needed. effort: turns a
 * secondary cell. False, and no need has a move:
 *   - p->unserved: whatever is hidden, that need can be worked out,
 *   - or the work limit was reached, there was no memory (p->memory_failed), or the first pattern left something exact,
 *     or there is no proof in small whole numbers: another way may find one. */
bool ranks_serve(struct plan *p, unsigned effort);
/* The same, where the caller says where to start. */
bool ranks_serve_from(struct plan *p, bool all, unsigned effort);
#endif
