/* insider - what offices get by subtraction from everything printed and their own figures, of cells that no table prints.
 *
 * Internal to policy/. Rule R12 for who knows more than the public: in every relation of which all but one cell is printed,
 * hidden from nobody or the attacker's own, that one follows, and so on. Where it is no table's and 1 to k-1 of it is not
 * the attacker's, it gets a need against these offices. Asked of the pattern as all other needs make it: what only moves for
 * such cells hide counts as printed, so whether a need of this kind is due does not depend on those that are there. */
#ifndef POLICY_INSIDER_H
#define POLICY_INSIDER_H
#include "policy/protect.h"

/* Cells that sets of offices know beside the public, all sets together: beyond that larger sets are left out. Whoever checks
 * looks half as far (docs/disclosure.md, "Limits"). */
#define INSIDER_LEARNED_MAX UINT64_C(200000000)

/* *found: needs were added, after all others. */
bool insider_find(struct plan *p, bool *found, struct err *e);
#endif
