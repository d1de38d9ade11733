/* store - the vault's one SQLite file: opening, migrations, transactions, and a small way to run statements.
 *
 * One process, one thread. The schema is in migration.c and told in daemon/README.md. journal_mode=WAL and
 * synchronous=FULL are read back and anything else is refused. After a failed commit, an I/O error or a full
 * disk the store is broken (store_broken): the process stops with exit code 74 and starts again from disk.
 * Memory never runs ahead of the file.
 *
 * Parameters are given by a string of types, one letter each:
 *     i  uint64_t (at most INT64_MAX)      t  const char * (NULL for SQL NULL)      b  struct bytes
 * `sql` must be a string literal: prepared statements are kept by its address. */
#ifndef DAEMON_VAULT_STORE_H
#define DAEMON_VAULT_STORE_H
#include "daemon/os.h"

struct store;
struct sqlite3_stmt;

/* Opens or makes the file. Borrows os. NULL with e filled. */
struct store *store_open(const struct os *os, const char *path, struct err *e);
void store_close(struct store *s); /* NULL allowed */
bool store_broken(const struct store *s);

/* Holds every row against what binds it (rowbind.h) and binds what is written from here on; a new store is bound as it
 * begins. master: 32 bytes. ERR_REFUSED names the row; also an older program's store, whose rows nothing binds,
 * unless `older` lets it pass: then store_bound is false. */
bool store_bind(struct store *s, const uint8_t *master, bool older, struct err *e);
bool store_bound(const struct store *s);
/* Binds the rows of such a store as they are. In a transaction. */
bool store_bind_as_is(struct store *s, const uint8_t *master, struct err *e);

bool store_begin(struct store *s, struct err *e); /* BEGIN IMMEDIATE */
bool store_commit(struct store *s, struct err *e);
void store_rollback(struct store *s); /* nothing to do outside a transaction */
bool store_in_transaction(const struct store *s);

/* One level of savepoint, inside a transaction: a submission of a batch succeeds or leaves no trace. */
bool store_savepoint(struct store *s, struct err *e);
bool store_keep(struct store *s, struct err *e); /* RELEASE */
bool store_undo(struct store *s, struct err *e); /* ROLLBACK TO and RELEASE */

/* A statement without result. e comes before the parameters because they are many. */
bool store_run(struct store *s, struct err *e, const char *sql, const char *types, ...);

/* A statement with result:
 *     rows_open(&r, store, "SELECT …", "t", name);
 *     while (rows_next(&r)) use(rows_uint(&r, 0));
 *     if (!rows_close(&r, e)) …                        the first failure of the three is told here
 * Text and bytes returned live until the next rows_next or rows_close. */
struct rows {
	struct store *store;
	struct sqlite3_stmt *stmt;
	bool failed;
	bool own; /* prepared for this use only */
	struct err error;
};
void rows_open(struct rows *r, struct store *s, const char *sql, const char *types, ...);
bool rows_next(struct rows *r);
uint64_t rows_uint(const struct rows *r, int column); /* 0 for NULL */
struct bytes rows_bytes(const struct rows *r, int column);
const char *rows_text(const struct rows *r, int column); /* "" for NULL */
/* Copies a blob of exactly len bytes; else r fails. */
bool rows_copy(struct rows *r, int column, void *out, size_t len);
bool rows_copy_text(struct rows *r, int column, char *out, size_t room);
bool rows_close(struct rows *r, struct err *e);

/* The named counters (log_size, registry_serial, high_water_s, clean_stop …). Missing ones are 0. */
bool store_counter(struct store *s, const char *name, uint64_t *value, struct err *e);
bool store_set_counter(struct store *s, const char *name, uint64_t value, struct err *e);

uint64_t store_changes(const struct store *s); /* rows changed by the last store_run */
/* Moves the WAL into the file. ERR_FULL: no room; nothing is lost, and a later one may do it. */
bool store_checkpoint(struct store *s, struct err *e);
#endif
