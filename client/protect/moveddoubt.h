/* moveddoubt - does every attacker keep a doubt about every small count where figures were moved?
 *
 * Part of movedaudit: takes the tables of the auditors' part, count by count. A table serves every attacker whose offices it
 * leaves alone, whoever it was written for. Written from docs/disclosure.md, "Methods"; shares no code with policy/. */
#ifndef CLIENT_PROTECT_MOVEDDOUBT_H
#define CLIENT_PROTECT_MOVEDDOUBT_H
#include "client/protect/certificate.h"
#include "policy/params.h"

struct moveddoubt;

/* g holds the truth. office_dim UINT32_MAX: none. NULL: no memory. */
struct moveddoubt *moveddoubt_new(const struct lattice *g, const struct policy_params *p,
    const struct certificate_report *claims, uint32_t office_dim);
void moveddoubt_free(struct moveddoubt *d); /* NULL allowed */

/* A table of the count at hand, of which it changes the first cell less the others by led; touched: by code of the
 * offices' dimension, NULL where there is none. */
bool moveddoubt_table(struct moveddoubt *d, const uint64_t *cell, uint32_t n_cells, int64_t led,
    const uint8_t *touched, struct err *e);
/* No further table of the count at hand follows. False: e names the count and the attacker who sees through. */
bool moveddoubt_count_ends(struct moveddoubt *d, struct err *e);
/* Were there tables for every count that must be in doubt for somebody? */
bool moveddoubt_complete(struct moveddoubt *d, struct err *e);
#endif
