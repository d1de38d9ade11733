/* check - the built-in checker: looks at the finished pattern and its moves with code of its own.
 *
 * Internal to policy/. Shares with the engine the input, the parameters and the numbers of cells, and none of
 * the arithmetic: it adds up every move along every relation, applies the rules again, and asks for every
 * protected cell and attacker whether a move stands for it. See docs/disclosure.md, "The checker". */
#ifndef POLICY_CHECK_H
#define POLICY_CHECK_H
#include "policy/protect.h"

#define CHECK_SHARES 6u
#define CHECK_PARTS  (2 + 2 * CHECK_SHARES)

/* One part of the check; the pattern stands when all parts, each a job (team.h), have answered true. ERR_INTERNAL, naming the
 * step that failed, never a cell or a count. */
bool check_part(const struct plan *p, enum guarantee level, uint32_t part, struct err *e);
/* What concerns several releases of the period: check_releases.c. Called by check_part. */
bool check_releases(const struct plan *p, enum guarantee level, struct err *e);
#endif
