/* ledgerdir - what left before, as a folder of folders, for `protect --ledger`.
 *
 * LEDGER/000001, 000002, ... each one release: the table folder's files, cells.csv too, RESULT.csv, both parts of
 * the certificate, and entry.json (series, period, revision, digest of the policy, level). It tells counts: mode
 * 0700. Format: docs/disclosure.md "Files". */
#ifndef CLIENT_PROTECT_LEDGERDIR_H
#define CLIENT_PROTECT_LEDGERDIR_H
#include "policy/params.h"
#include "policy/release.h"
#include "policy/table.h"

struct ledgerdir {
	const char *dir; /* borrowed, as the next two */
	const char *period;
	const char *table; /* the table folder */
	uint32_t revision;
	uint8_t policy[32];
	char series[PARAMS_NAME_MAX + 1];
	unsigned n;        /* releases it holds */
	unsigned n_period; /* those of this period */
	int lock;          /* of the folder; -1: none */
	char made[64];     /* name of the folder that was added, or empty */
};

/* Opens the folder, making it if absent, and keeps others out until ledgerdir_close. Adds what it holds of this
 * series and period to the table. ERR_REFUSED where a release of the period was made by another policy, or
 * where this revision stands there already. */
bool ledgerdir_open(struct ledgerdir *l, const struct policy_params *p, struct table_input *t, struct err *e);
/* Adds this release as the next folder. */
bool ledgerdir_add(struct ledgerdir *l, const struct release_result *r, struct err *e);
/* Takes the folder added away again: what it tells of did not leave after all. */
void ledgerdir_undo(const struct ledgerdir *l);
void ledgerdir_close(struct ledgerdir *l);
#endif
