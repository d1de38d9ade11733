/* movedaudit - the auditors' part of figures that were rounded or moved by noise, held against the true counts.
 *
 * Its tables are read, not searched for: each must keep every relation, agree with every printed figure and leave alone what
 * its attacker owns. Every small count, and every small sum that rules R4 and R12 name, must be left in doubt by them for the public,
 * each office and each coalition (moveddoubt), and none may stand there that this does not ask for.
 * Format: docs/disclosure.md "Certificates". */
#ifndef CLIENT_PROTECT_MOVEDAUDIT_H
#define CLIENT_PROTECT_MOVEDAUDIT_H
#include "client/protect/certificate.h"
#include "policy/params.h"

/* g holds the truth; report is of the public part, whose bytes certificate are. *tables: how many were read. False: e says
 * which line and what rule; never a count. */
bool movedaudit_check(const struct lattice *g, const struct policy_params *p,
    const struct certificate_report *report, struct bytes certificate, struct bytes file, uint64_t *tables,
    struct err *e);
#endif
