/* moveddoubt - does every attacker keep a doubt about every small count where figures were moved?
 *
 * Part of movedaudit: walks through the counts that must be in doubt and through all who must be left in it, and asks for the
 * tables of the auditors' part one by one, as they are needed. A table serves every attacker whose offices it leaves alone; who is
 * in doubt by those before is asked no more. So the file's order is given, and no table in it can be about something else.
 * Written from docs/disclosure.md, "Methods" and "Certificates"; shares no code with policy/. */
#ifndef CLIENT_PROTECT_MOVEDDOUBT_H
#define CLIENT_PROTECT_MOVEDDOUBT_H
#include "client/protect/certificate.h"
#include "policy/params.h"

/* Whose doubt about what the next table is for: the first cell less the others; codes of offices, rising, none: the public. */
struct moveddoubt_asked {
	const uint64_t *cell;
	uint32_t n_cells;
	const uint32_t *office;
	uint32_t n_offices;
	bool
	    second; /* the table before was for them too: that led up, this one leads down, from the same table */
};
/* The next table, which must be for what is asked: how far it leads the count from the true one, and, by code of the offices'
 * dimension, what it touches. False: it is another, or there is none; e says which line. */
typedef bool moveddoubt_next(void *context, const struct moveddoubt_asked *asked, int64_t *led,
    const uint8_t **touched, struct err *e);

/* g holds the truth. office_dim UINT32_MAX: none. False: e names the count and the attacker who sees through, or a table that
 * shows no more than those before it. */
bool moveddoubt_check(const struct lattice *g, const struct policy_params *p,
    const struct certificate_report *claims, uint32_t office_dim, moveddoubt_next *next, void *context,
    struct err *e);
#endif
