/* fits - do a table and a policy fit together? Asked before anything is computed.
 *
 * A name that the policy spells otherwise than the table would turn a rule off in silence: groups (R4) that are
 * no dimension's, offices that are none's. Internal to policy/. Errors name the parameter, or forced.csv and its line. */
#ifndef POLICY_FITS_H
#define POLICY_FITS_H
#include "policy/input.h"
#include "policy/params.h"

/* group_dims and office_dim are dimensions of the table. Its default, `office`, need not be: then nobody is an
 * attacker but the public. */
bool fits_names(const struct table_input *t, const struct policy_params *p, struct err *e);
/* All of it; offices: how many the table has. */
bool fits_check(const struct table_input *t, const struct policy_params *p, uint32_t offices, struct err *e);
#endif
