/* migration - the steps that make the store's tables, in order, each with a digest.
 *
 * Numbered, additive, never edited once released: a store remembers number and digest of each step it has
 * taken, and a store that remembers another digest, or a step we do not know, is refused. Until the first
 * release the steps may still be edited. */
#ifndef DAEMON_VAULT_MIGRATION_H
#define DAEMON_VAULT_MIGRATION_H
#include "proto/err.h"
#include <stdint.h>

struct sqlite3;

/* Takes the steps that db lacks, in one transaction each; now_s is noted beside them. *first: the first that was taken,
 * 0 for none. Then nothing may stand in the schema but what the steps make: ERR_REFUSED names it. */
bool migration_run(struct sqlite3 *db, unsigned long long now_s, uint64_t *first, struct err *e);
#endif
