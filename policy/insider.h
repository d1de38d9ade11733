/* insider - what offices get by subtraction from everything printed and their own figures, of cells that no table prints.
 *
 * Internal to policy/. Rule R12 for who knows more than the public: in every relation of which all but one cell is printed,
 * hidden from nobody or the attacker's own, that one follows, and so on. Where it is no table's and 1 to k-1 of it is not
 * the attacker's, it gets a need against these offices. Asked of the finished pattern, so what is hidden is unknown. */
#ifndef POLICY_INSIDER_H
#define POLICY_INSIDER_H
#include "policy/needs.h"

#define INSIDER_WORK_MAX                                                                                     \
	UINT64_C(400000000) /* cells of relations looked at; larger sets of offices are left out then */

/* *found: needs were added, after all others. */
bool insider_find(struct grid *g, struct needs *n, bool *found, struct err *e);
#endif
