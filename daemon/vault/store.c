#include "daemon/vault/store.h"

#include "daemon/vault/migration.h"
#include "daemon/vault/rowbind.h"

#include <sqlite3.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define STORE_STATEMENTS 128 /* statements of the program, all literals */

struct cached {
	const char *sql; /* its address is the key */
	sqlite3_stmt *stmt;
	bool busy;
};

struct store {
	sqlite3 *db;
	bool broken;
	uint64_t new_step;    /* the first migration taken at this opening; 0: none */
	struct rowbind *bind; /* NULL until rows are bound */
	struct cached cache[STORE_STATEMENTS];
	unsigned n_cached;
};

/* Trouble that memory must not survive: the disk, or a file that is not what we wrote. */
static bool is_fatal(int rc)
{
	int primary = rc & 0xff;
	return primary == SQLITE_IOERR || primary == SQLITE_CORRUPT || primary == SQLITE_FULL ||
	       primary == SQLITE_NOTADB || primary == SQLITE_READONLY || primary == SQLITE_CANTOPEN;
}

/* SQLite's own texts name tables and columns, never values. */
static bool fail(struct store *s, struct err *e, const char *what)
{
	int rc = sqlite3_extended_errcode(s->db);
	if (is_fatal(rc))
		s->broken = true;
	if ((rc & 0xff) == SQLITE_NOMEM)
		return err_set(e, ERR_MEMORY, "store: %s: out of memory", what);
	return err_set(e, ERR_SYSTEM, "store: %s: %s (%d)", what, sqlite3_errmsg(s->db), rc);
}

bool store_broken(const struct store *s)
{
	return s->broken;
}

static bool exec(struct store *s, const char *sql, struct err *e)
{
	return sqlite3_exec(s->db, sql, NULL, NULL, NULL) == SQLITE_OK || fail(s, e, sql);
}

/* First column of the first row as text, "" if none. */
static bool ask(struct store *s, const char *sql, char *out, size_t room, struct err *e)
{
	sqlite3_stmt *stmt = NULL;
	bool ok = false;
	*out = '\0';
	if (sqlite3_prepare_v2(s->db, sql, -1, &stmt, NULL) != SQLITE_OK)
		goto done;
	int rc = sqlite3_step(stmt);
	if (rc == SQLITE_ROW && sqlite3_column_text(stmt, 0) != NULL)
		snprintf(out, room, "%s", (const char *)sqlite3_column_text(stmt, 0));
	ok = rc == SQLITE_ROW || rc == SQLITE_DONE;
done:
	if (!ok)
		fail(s, e, sql);
	sqlite3_finalize(stmt);
	return ok;
}

/* Sets a pragma and reads it back: a switch that fails says nothing and leaves the old mode. */
static bool set_pragma(struct store *s, const char *name, const char *value, const char *reads, struct err *e)
{
	char sql[96];
	char got[32];
	snprintf(sql, sizeof sql, "PRAGMA %s=%s", name, value);
	if (!exec(s, sql, e))
		return false;
	snprintf(sql, sizeof sql, "PRAGMA %s", name);
	if (!ask(s, sql, got, sizeof got, e))
		return false;
	return strcmp(got, reads) == 0 ||
	       err_set(e, ERR_SYSTEM, "store: %s does not take the value it must have", name);
}

static bool set_pragmas(struct store *s, struct err *e)
{
	return set_pragma(s, "journal_mode", "WAL", "wal", e) &&
	       set_pragma(s, "synchronous", "FULL", "2", e) && set_pragma(s, "foreign_keys", "ON", "1", e) &&
	       set_pragma(s, "trusted_schema", "OFF", "0", e) &&
	       set_pragma(s, "cell_size_check", "ON", "1", e) &&
	       set_pragma(s, "secure_delete", "ON", "1", e) &&
	       set_pragma(s, "locking_mode", "EXCLUSIVE", "exclusive", e) &&
	       set_pragma(s, "wal_autocheckpoint", "0", "0", e);
}

/* Indices too: one that leads past a row would hide it, though the row itself holds. */
static bool check_file(struct store *s, struct err *e)
{
	char answer[160];
	if (!ask(s, "PRAGMA integrity_check(1)", answer, sizeof answer, e))
		return false;
	if (strcmp(answer, "ok") == 0)
		return true;
	s->broken = true;
	return err_set(e, ERR_SYSTEM, "store: the file is damaged: %s; bring a good store back", answer);
}

struct store *store_open(const struct os *os, const char *path, struct err *e)
{
	struct store *s = calloc(1, sizeof *s);
	if (s == NULL) {
		err_set(e, ERR_MEMORY, "store: out of memory");
		return NULL;
	}
	mode_t old = umask(0077);
	int rc = sqlite3_open_v2(path, &s->db,
	    SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_NOFOLLOW, NULL);
	umask(old);
	if (rc != SQLITE_OK) {
		fail(s, e, "cannot open");
		goto failed;
	}
	sqlite3_extended_result_codes(s->db, 1);
	if (set_pragmas(s, e) && check_file(s, e) && migration_run(s->db, os_wall_s(os), &s->new_step, e))
		return s;
failed:
	store_close(s);
	return NULL;
}

void store_close(struct store *s)
{
	if (s == NULL)
		return;
	for (unsigned i = 0; i < s->n_cached; i++)
		sqlite3_finalize(s->cache[i].stmt);
	rowbind_close(s->bind);
	sqlite3_close(s->db);
	free(s);
}

bool store_in_transaction(const struct store *s)
{
	return sqlite3_get_autocommit(s->db) == 0;
}

bool store_begin(struct store *s, struct err *e)
{
	if (s->broken)
		return err_set(e, ERR_SYSTEM, "store: broken by an earlier failure");
	if (s->bind != NULL)
		rowbind_remember(s->bind, ROWBIND_BEGUN);
	return exec(s, "BEGIN IMMEDIATE", e);
}

bool store_commit(struct store *s, struct err *e)
{
	if ((s->bind == NULL || rowbind_write(s->bind, e)) && exec(s, "COMMIT", e))
		return true;
	s->broken = true; /* it may be durable all the same: only a fresh start can tell */
	return false;
}

void store_rollback(struct store *s)
{
	if (s == NULL || !store_in_transaction(s))
		return;
	if (sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL) != SQLITE_OK)
		s->broken = true;
	if (s->bind != NULL)
		rowbind_return(s->bind, ROWBIND_BEGUN);
}

bool store_savepoint(struct store *s, struct err *e)
{
	if (s->bind != NULL)
		rowbind_remember(s->bind, ROWBIND_SAVEPOINT);
	return exec(s, "SAVEPOINT one", e);
}

bool store_keep(struct store *s, struct err *e)
{
	return exec(s, "RELEASE one", e);
}

bool store_undo(struct store *s, struct err *e)
{
	if (s->bind != NULL)
		rowbind_return(s->bind, ROWBIND_SAVEPOINT);
	return exec(s, "ROLLBACK TO one", e) && exec(s, "RELEASE one", e);
}

/* --- binding --- */

static bool bind_new(struct store *s, struct err *e)
{
	if (store_begin(s, e) && rowbind_take(s->bind, e) && store_commit(s, e))
		return true;
	store_rollback(s);
	return false;
}

bool store_bind(struct store *s, const uint8_t *master, bool older, struct err *e)
{
	enum rowbind_state state;
	s->bind = rowbind_open(s->db, master, e);
	if (s->bind == NULL || !rowbind_state(s->bind, &state, e))
		return false;
	if (state == ROWBIND_BOUND)
		return rowbind_hold(s->bind, s->new_step, e);
	if (state == ROWBIND_EMPTY)
		return bind_new(s, e);
	rowbind_close(s->bind);
	s->bind = NULL;
	return older || err_set(e, ERR_REFUSED,
			    "store: its rows are not bound: an older program's store, or tables tag and "
			    "bound were emptied. For the "
			    "first, see --bind-rows (docs/operator.md); else bring a good store back");
}

bool store_bound(const struct store *s)
{
	return s->bind != NULL;
}

bool store_bind_as_is(struct store *s, const uint8_t *master, struct err *e)
{
	s->bind = rowbind_open(s->db, master, e);
	if (s->bind == NULL)
		return false;
	rowbind_remember(s->bind, ROWBIND_BEGUN);
	return rowbind_take(s->bind, e);
}

/* The statement of a literal: from the cache, or made. *own: not cached, the caller finalizes it. */
static sqlite3_stmt *statement(struct store *s, const char *sql, bool *own)
{
	sqlite3_stmt *stmt = NULL;
	bool known = false;
	*own = false;
	for (unsigned i = 0; i < s->n_cached; i++) {
		if (s->cache[i].sql != sql)
			continue;
		known = true;
		if (s->cache[i].busy)
			break;
		s->cache[i].busy = true;
		return s->cache[i].stmt;
	}
	*own = known || s->n_cached == STORE_STATEMENTS;
	if (sqlite3_prepare_v3(s->db, sql, -1, *own ? 0 : SQLITE_PREPARE_PERSISTENT, &stmt, NULL) !=
	    SQLITE_OK)
		return NULL;
	if (!*own)
		s->cache[s->n_cached++] = (struct cached){ .sql = sql, .stmt = stmt, .busy = true };
	return stmt;
}

static void give_back(struct store *s, sqlite3_stmt *stmt, bool own)
{
	if (stmt == NULL)
		return;
	if (own) {
		sqlite3_finalize(stmt);
		return;
	}
	sqlite3_reset(stmt);
	sqlite3_clear_bindings(stmt);
	for (unsigned i = 0; i < s->n_cached; i++)
		if (s->cache[i].stmt == stmt)
			s->cache[i].busy = false;
}

/* Bytes are not copied: they outlive the statement's use, except in rows_open, which copies. */
static bool bind(sqlite3_stmt *stmt, const char *types, va_list args, sqlite3_destructor_type keep)
{
	for (int i = 1; types[i - 1] != '\0'; i++) {
		int rc = SQLITE_MISUSE;
		if (types[i - 1] == 'i') {
			uint64_t value = va_arg(args, uint64_t);
			rc = value > INT64_MAX ? SQLITE_MISUSE
					       : sqlite3_bind_int64(stmt, i, (sqlite3_int64)value);
		} else if (types[i - 1] == 't') {
			rc = sqlite3_bind_text(stmt, i, va_arg(args, const char *), -1, keep);
		} else if (types[i - 1] == 'b') {
			struct bytes value = va_arg(args, struct bytes);
			rc = sqlite3_bind_blob64(
			    stmt, i, value.len == 0 ? (const void *)"" : value.at, value.len, keep);
		}
		if (rc != SQLITE_OK)
			return false;
	}
	return true;
}

bool store_run(struct store *s, struct err *e, const char *sql, const char *types, ...)
{
	bool own;
	va_list args;
	if (s->bind != NULL && !store_in_transaction(s)) /* or the binding would not be written with it */
		return err_set(e, ERR_INTERNAL, "store: a change outside a transaction");
	sqlite3_stmt *stmt = statement(s, sql, &own);
	if (s->bind != NULL)
		rowbind_remember(s->bind, ROWBIND_STATEMENT);
	va_start(args, types);
	bool ok = stmt != NULL && bind(stmt, types, args, SQLITE_STATIC) && sqlite3_step(stmt) == SQLITE_DONE;
	va_end(args);
	if (!ok)
		fail(s, e, sql);
	if (!ok && s->bind != NULL)
		rowbind_return(s->bind, ROWBIND_STATEMENT);
	give_back(s, stmt, own);
	return ok;
}

static void rows_fail(struct rows *r, const char *what)
{
	if (!r->failed)
		fail(r->store, &r->error, what);
	r->failed = true;
}

void rows_open(struct rows *r, struct store *s, const char *sql, const char *types, ...)
{
	va_list args;
	*r = (struct rows){ .store = s };
	r->stmt = statement(s, sql, &r->own);
	va_start(args, types);
	if (r->stmt == NULL || !bind(r->stmt, types, args, SQLITE_TRANSIENT))
		rows_fail(r, sql);
	va_end(args);
}

bool rows_next(struct rows *r)
{
	if (r->failed)
		return false;
	int rc = sqlite3_step(r->stmt);
	if (rc != SQLITE_ROW && rc != SQLITE_DONE)
		rows_fail(r, "cannot read");
	return rc == SQLITE_ROW;
}

uint64_t rows_uint(const struct rows *r, int column)
{
	sqlite3_int64 value = sqlite3_column_int64(r->stmt, column);
	return value < 0 ? 0 : (uint64_t)value;
}

struct bytes rows_bytes(const struct rows *r, int column)
{
	const void *at = sqlite3_column_blob(r->stmt, column);
	return (struct bytes){ at, (size_t)sqlite3_column_bytes(r->stmt, column) };
}

const char *rows_text(const struct rows *r, int column)
{
	const unsigned char *text = sqlite3_column_text(r->stmt, column);
	return text == NULL ? "" : (const char *)text;
}

bool rows_copy(struct rows *r, int column, void *out, size_t len)
{
	struct bytes value = rows_bytes(r, column);
	if (value.len == len) {
		memcpy(out, value.at, len);
		return true;
	}
	if (!r->failed)
		err_set(&r->error, ERR_SYSTEM, "store: a column has the wrong length");
	r->failed = true;
	return false;
}

bool rows_copy_text(struct rows *r, int column, char *out, size_t room)
{
	const char *text = rows_text(r, column);
	size_t len = strlen(text);
	if (len < room) {
		memcpy(out, text, len + 1);
		return true;
	}
	if (!r->failed)
		err_set(&r->error, ERR_SYSTEM, "store: a text is longer than it can be");
	r->failed = true;
	return false;
}

bool rows_close(struct rows *r, struct err *e)
{
	give_back(r->store, r->stmt, r->own);
	r->stmt = NULL;
	if (r->failed && e != NULL)
		*e = r->error;
	return !r->failed;
}

bool store_counter(struct store *s, const char *name, uint64_t *value, struct err *e)
{
	struct rows r;
	*value = 0;
	rows_open(&r, s, "SELECT value FROM counter WHERE name = ?", "t", name);
	if (rows_next(&r))
		*value = rows_uint(&r, 0);
	return rows_close(&r, e);
}

bool store_set_counter(struct store *s, const char *name, uint64_t value, struct err *e)
{
	return store_run(s, e,
	    "INSERT INTO counter VALUES(?, ?) ON CONFLICT DO UPDATE SET value = excluded.value", "ti", name,
	    value);
}

uint64_t store_changes(const struct store *s)
{
	return (uint64_t)sqlite3_changes(s->db);
}

bool store_checkpoint(struct store *s, struct err *e)
{
	int rc = sqlite3_wal_checkpoint_v2(s->db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
	if ((rc & 0xff) == SQLITE_FULL) /* everything is in the write-ahead log: a later one takes it over */
		return err_set(e, ERR_FULL, "store: cannot checkpoint: %s", sqlite3_errstr(rc));
	return rc == SQLITE_OK || fail(s, e, "cannot checkpoint");
}
