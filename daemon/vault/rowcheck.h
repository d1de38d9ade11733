/* rowcheck - at start: what the rows say was decided is what the log says, and nothing the log says is missing.
 *
 * The leaves are bound by guard and checkpoint; a row that somebody changed while the vault was stopped
 * is told here by what it is and where, before anything is sealed or published from it, also if it was bound again
 * (rowbind.h) by somebody with the vault's keys. Rows that no leaf names (who may log in, keys) are out of its reach. */
#ifndef DAEMON_VAULT_ROWCHECK_H
#define DAEMON_VAULT_ROWCHECK_H
#include "daemon/vault/vault.h"

/* After the log check. ERR_REFUSED names the first row or leaf that has no fellow. */
bool rowcheck(struct vault *v, struct err *e);
#endif
