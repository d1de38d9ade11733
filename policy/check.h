/* check - the built-in checker: looks at the finished pattern and its moves with code of its own.
 *
 * Internal to policy/. Shares with the engine the input, the parameters and the numbers of cells, and none of
 * the arithmetic: it adds up every move along every relation, applies the rules again, and asks for every
 * protected cell and attacker whether a move stands for it. See docs/disclosure.md, "The checker". */
#ifndef POLICY_CHECK_H
#define POLICY_CHECK_H
#include "policy/protect.h"

/* ERR_INTERNAL, naming the step that failed, never a cell or a count. */
bool check_result(const struct plan *p, enum guarantee level, struct err *e);
/* What concerns several releases of the period: check_releases.c. Called by check_result. */
bool check_releases(const struct plan *p, enum guarantee level, struct err *e);
#endif
