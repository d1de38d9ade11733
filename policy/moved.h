/* moved - a release whose figures are rounded or moved by noise instead of hidden.
 *
 * Internal to policy/: release_build() calls it. Nothing is hidden, every figure carries the mark R. */
#ifndef POLICY_MOVED_H
#define POLICY_MOVED_H
#include "policy/grid.h"
#include "policy/release.h"

/* A period's releases are all of one method; rounding and noise know one release a period. False: refused, r says
 * why. */
bool moved_ledger_allows(const struct table_input *t, const struct policy_params *p,
    const struct release_options *o, struct release_result *r);
/* Fills r, or sets its refusal and reasons. */
bool moved_release(const struct table_input *t, const struct policy_params *p, const uint8_t choice_key[32],
    const struct release_options *o, enum guarantee level, struct release_result *r, struct err *e);

/* release.c has it. */
void release_put_manifest_head(
    struct buf *out, const struct release_options *o, enum guarantee level, const struct release_result *r);
#endif
