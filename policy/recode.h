/* recode - what coarser codes would save: a price list, never applied by itself.
 *
 * For each code whose parts stand nowhere else, the parts are left out of the whole release (their code is
 * printed instead) and the needs are served anew, without clean-up. */
#ifndef POLICY_RECODE_H
#define POLICY_RECODE_H
#include "policy/release.h"

/* recode.csv, the best proposal first:
 *
 *     dimension,code,parts,secondary,secondary_value,freed,freed_value,lost,lost_value,served
 *
 * secondary...: what stays hidden for others' sake when the parts of the code are left out; freed...: how much
 * less that is than today; lost...: cells that are printed today and would not be; served: 1 where every
 * need could be met. The first line has the empty code: today. Confidential: it tells sums of hidden counts.
 * False: no memory, bad input. */
bool recode_propose(const struct table_input *t, const struct policy_params *p, const uint8_t choice_key[32],
    const struct release_options *o, struct buf *csv, struct err *e);
#endif
