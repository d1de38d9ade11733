/* recode - what coarser codes would save: a price list, never applied by itself.
 *
 * For each code whose parts stand nowhere else, the parts are left out of the whole release (their code is
 * printed instead), the rules are applied and the needs served anew, without clean-up. */
#ifndef POLICY_RECODE_H
#define POLICY_RECODE_H
#include "policy/release.h"

/* recode.csv, what saves most first:
 *
 *     dimension,code,parts,printed,printed_value,secondary,secondary_value,freed,freed_value,served
 *
 * parts: codes that would not be printed. printed...: figures shown, and their sum. secondary...: hidden for other
 * cells' sake. freed...: how much less that is than today. served: 1 where every need could be met. The first
 * line has no dimension and no code: today, counted the same quick way. Confidential: it tells sums of hidden counts.
 * False: no memory, bad input, ERR_REFUSED where a cell that must be printed is protected. */
bool recode_propose(const struct table_input *t, const struct policy_params *p, const uint8_t choice_key[32],
    const struct release_options *o, struct buf *csv, struct err *e);
#endif
