/* rowbind - every row of every table bound by keys that the store does not hold.
 *
 * Each row has a tag (table `tag`: which row, a keyed digest of it), each table an entry (table `bound`: how many
 * rows, and a code over the keyed sum of all of them), and all entries together one (`store`). Who can write the file
 * but has no master key can neither change, add nor take away a row, nor put back one of before, nor a whole
 * table: the sums are of values that the file never shows. Only the store as a whole can go back in time, and
 * that is what the log's guard is for (journal.h). Format: docs/protocol.md "Storage".
 *
 * Temporary triggers on every table keep tags and sums while the program runs, so that no statement of the program
 * knows of this, and a table made by a later migration is bound like the others. */
#ifndef DAEMON_VAULT_ROWBIND_H
#define DAEMON_VAULT_ROWBIND_H
#include "proto/err.h"
#include <stddef.h>
#include <stdint.h>

#define ROWBIND_CONTEXT "CVrows__" /* of master's subkeys 1 (rows) and 2 (tables), for crypto_kdf */

struct sqlite3;
struct rowbind;

enum rowbind_state {
	ROWBIND_EMPTY, /* a new store: no rows yet, none bound */
	ROWBIND_NONE,  /* rows, none of them bound: an older program's store, or the binding was taken away */
	ROWBIND_BOUND
};

/* Borrows db, copies what it needs of master (32 bytes). NULL with e filled. */
struct rowbind *rowbind_open(struct sqlite3 *db, const uint8_t *master, struct err *e);
void rowbind_close(struct rowbind *b); /* NULL allowed; before db is closed */
bool rowbind_state(struct rowbind *b, enum rowbind_state *out, struct err *e);

/* Holds every row against its tag and every table against its entry, then watches. new_step: the first step of
 * migration.c taken since, 0 for none; its row and its tables are bound now. Outside a transaction of the caller's.
 * ERR_REFUSED names table and row, never what is in it. */
bool rowbind_hold(struct rowbind *b, uint64_t new_step, struct err *e);
/* Binds the rows as they are, then watches. In a transaction of the caller's, who writes. */
bool rowbind_take(struct rowbind *b, struct err *e);

/* Before COMMIT: the entries of the tables that changed. */
bool rowbind_write(struct rowbind *b, struct err *e);

/* What the sums are set back to when the database is: after BEGIN, at a savepoint, before a statement. */
enum rowbind_mark { ROWBIND_BEGUN, ROWBIND_SAVEPOINT, ROWBIND_STATEMENT, ROWBIND_MARKS };
void rowbind_remember(struct rowbind *b, enum rowbind_mark mark);
void rowbind_return(struct rowbind *b, enum rowbind_mark mark);
#endif
