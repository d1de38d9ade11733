#include "daemon/vault/migration.h"

#include <sodium.h>
#include <sqlite3.h>
#include <string.h>

/* 1: registry, configurations, periods, submissions, log, keys. All digests are 32 bytes, all times seconds.
 * Row contents that are confidential are encrypted (proto/atrest.h) with the data key of their period. */
static const char step_core[] =
    "CREATE TABLE counter(name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;"

    /* registry: a principal is whoever owns one CURVE key */
    "CREATE TABLE principal(key_id BLOB PRIMARY KEY, curve_key BLOB NOT NULL UNIQUE, roles INTEGER NOT NULL,"
    " age TEXT, added_s INTEGER NOT NULL, disabled_s INTEGER NOT NULL DEFAULT 0) STRICT, WITHOUT ROWID;"
    "CREATE TABLE office(name TEXT PRIMARY KEY, added_s INTEGER NOT NULL,"
    " disabled_s INTEGER NOT NULL DEFAULT 0) STRICT, WITHOUT ROWID;"
    "CREATE TABLE office_key(key_id BLOB PRIMARY KEY, office TEXT NOT NULL REFERENCES office(name),"
    " public_key BLOB NOT NULL UNIQUE, added_s INTEGER NOT NULL,"
    " revoked_s INTEGER NOT NULL DEFAULT 0) STRICT, WITHOUT ROWID;"
    "CREATE TABLE principal_office(key_id BLOB NOT NULL REFERENCES principal(key_id),"
    " office TEXT NOT NULL REFERENCES office(name), PRIMARY KEY(key_id, office)) STRICT, WITHOUT ROWID;"

    /* configurations and datasets; feed_seq and feed_link are those of the last row in feed */
    "CREATE TABLE config(n INTEGER PRIMARY KEY, digest BLOB NOT NULL UNIQUE, dataset TEXT NOT NULL,"
    " bytes BLOB NOT NULL, added_s INTEGER NOT NULL) STRICT;"
    "CREATE TABLE dataset(name TEXT PRIMARY KEY, config BLOB NOT NULL REFERENCES config(digest),"
    " feed_id BLOB NOT NULL, feed_seq INTEGER NOT NULL DEFAULT 0, feed_link BLOB NOT NULL)"
    " STRICT, WITHOUT ROWID;"
    "CREATE TABLE principal_dataset(key_id BLOB NOT NULL REFERENCES principal(key_id),"
    " dataset TEXT NOT NULL REFERENCES dataset(name), PRIMARY KEY(key_id, dataset)) STRICT, WITHOUT ROWID;"

    /* periods: data_key is wrapped by a subkey of master, NULL once destroyed */
    "CREATE TABLE period(id INTEGER PRIMARY KEY, dataset TEXT NOT NULL REFERENCES dataset(name),"
    " name TEXT NOT NULL, state INTEGER NOT NULL, opens_s INTEGER NOT NULL, closes_s INTEGER NOT NULL,"
    " grace_s INTEGER NOT NULL, publish_s INTEGER NOT NULL, config BLOB NOT NULL REFERENCES config(digest),"
    " late INTEGER NOT NULL, released INTEGER NOT NULL DEFAULT 0, data_key BLOB, UNIQUE(dataset, name)) "
    "STRICT;"

    /* submissions, in order of arrival; row: header, signature and payload, encrypted */
    "CREATE TABLE submission(seq INTEGER PRIMARY KEY, period INTEGER NOT NULL REFERENCES period(id),"
    " office TEXT NOT NULL REFERENCES office(name), id BLOB NOT NULL, revision INTEGER NOT NULL,"
    " act INTEGER NOT NULL, outcome INTEGER NOT NULL, late INTEGER NOT NULL, received_s INTEGER NOT NULL,"
    " statement BLOB NOT NULL, envelope BLOB NOT NULL, row BLOB NOT NULL, receipt BLOB NOT NULL,"
    " signature BLOB NOT NULL, leaf INTEGER NOT NULL, UNIQUE(office, id), UNIQUE(office, period, revision))"
    " STRICT;"
    "CREATE INDEX submission_period ON submission(period, office, revision);"
    "CREATE TABLE blind(office TEXT NOT NULL, hash BLOB NOT NULL, period INTEGER NOT NULL,"
    " PRIMARY KEY(office, hash)) STRICT, WITHOUT ROWID;"

    "CREATE TABLE intake_key(key_id BLOB PRIMARY KEY, public_key BLOB NOT NULL, secret BLOB,"
    " state INTEGER NOT NULL, not_before_s INTEGER NOT NULL, not_after_s INTEGER NOT NULL)"
    " STRICT, WITHOUT ROWID;"

    /* the log: index from a counter row, never from a sequence */
    "CREATE TABLE leaf(i INTEGER PRIMARY KEY, entry BLOB NOT NULL) STRICT;";

/* 2: what is published. Belongs to publish.c and journal.c. */
static const char step_publication[] =
    /* a sealed set: rows of the period with seq <= upto, those held only if held */
    "CREATE TABLE seal(period INTEGER NOT NULL REFERENCES period(id), revision INTEGER NOT NULL,"
    " n INTEGER NOT NULL, root BLOB NOT NULL, upto INTEGER NOT NULL, held INTEGER NOT NULL,"
    " leaf INTEGER NOT NULL, sealed_s INTEGER NOT NULL, PRIMARY KEY(period, revision)) STRICT, WITHOUT ROWID;"
    /* stage: enum release_stage; done: publication steps carried out since the commit */
    "CREATE TABLE release(period INTEGER NOT NULL REFERENCES period(id), revision INTEGER NOT NULL,"
    " stage INTEGER NOT NULL, done INTEGER NOT NULL DEFAULT 0, object BLOB, bytes INTEGER, seq INTEGER,"
    " leaf INTEGER, published_s INTEGER, PRIMARY KEY(period, revision)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE release_file(period INTEGER NOT NULL, revision INTEGER NOT NULL, name TEXT NOT NULL,"
    " data BLOB NOT NULL, PRIMARY KEY(period, revision, name),"
    " FOREIGN KEY(period, revision) REFERENCES release(period, revision)) STRICT;"
    "CREATE TABLE sealed_manifest(digest BLOB PRIMARY KEY, age BLOB NOT NULL) STRICT;"
    "CREATE TABLE ledger(n INTEGER PRIMARY KEY, dataset TEXT NOT NULL REFERENCES dataset(name),"
    " period INTEGER NOT NULL REFERENCES period(id), revision INTEGER NOT NULL, entry BLOB NOT NULL,"
    " digest BLOB NOT NULL) STRICT;"
    "CREATE TABLE feed(dataset TEXT NOT NULL REFERENCES dataset(name), seq INTEGER NOT NULL,"
    " kind INTEGER NOT NULL, envelope BLOB NOT NULL, signature BLOB NOT NULL, PRIMARY KEY(dataset, seq))"
    " STRICT;";

/* 3: key sets signed by the root, as they came. Belongs to publish_keys.c. */
static const char step_keyset[] = "CREATE TABLE keyset(serial INTEGER PRIMARY KEY, note BLOB NOT NULL,"
				  " added_s INTEGER NOT NULL) STRICT;";

/* 4: witnesses. Belongs to registry.c; cosigned: a checkpoint's note with the lines that came, journal.c. */
static const char step_witness[] =
    "CREATE TABLE witness(key_id BLOB PRIMARY KEY REFERENCES principal(key_id), name TEXT NOT NULL,"
    " public_key BLOB NOT NULL, added_s INTEGER NOT NULL) STRICT, WITHOUT ROWID;"
    "CREATE TABLE cosigned(size INTEGER PRIMARY KEY, note BLOB NOT NULL) STRICT;";

/* 5: which witnesses have signed a log that holds the leaf of a release which waits for them. Belongs to
 * journal.c (rows) and publish.c (how many). */
static const char step_witnessed[] =
    "CREATE TABLE witnessed(period INTEGER NOT NULL, revision INTEGER NOT NULL, key BLOB NOT NULL,"
    " PRIMARY KEY(period, revision, key),"
    " FOREIGN KEY(period, revision) REFERENCES release(period, revision)) STRICT, WITHOUT ROWID;";

/* 6: what binds every row of the tables above and of those to come. Belongs to rowbind.c. */
static const char step_rowbind[] =
    "CREATE TABLE tag(tbl TEXT NOT NULL, row TEXT NOT NULL, tag BLOB NOT NULL, PRIMARY KEY(tbl, row))"
    " STRICT, WITHOUT ROWID;"
    "CREATE TABLE bound(tbl TEXT PRIMARY KEY, n INTEGER NOT NULL, code BLOB NOT NULL) STRICT, WITHOUT ROWID;";

static const char *const steps[] = { step_core, step_publication, step_keyset, step_witness, step_witnessed,
	step_rowbind };
#define N_STEPS ((sqlite3_int64)(sizeof steps / sizeof *steps))

static bool fail(sqlite3 *db, const char *what, struct err *e)
{
	return err_set(e, ERR_SYSTEM, "store: migration: %s: %s", what, sqlite3_errmsg(db));
}

static void digest_of(const char *sql, unsigned char out[32])
{
	crypto_generichash(out, 32, (const unsigned char *)sql, strlen(sql), NULL, 0);
}

/* Compares what the store says about step n with ours. *taken false: the store has no such step. */
static bool check_step(sqlite3 *db, sqlite3_int64 n, bool *taken, struct err *e)
{
	unsigned char digest[32];
	sqlite3_stmt *stmt = NULL;
	bool ok = false;
	digest_of(steps[n - 1], digest);
	if (sqlite3_prepare_v2(db, "SELECT digest FROM migration WHERE number = ?", -1, &stmt, NULL) !=
		SQLITE_OK ||
	    sqlite3_bind_int64(stmt, 1, n) != SQLITE_OK) {
		fail(db, "cannot ask", e);
		goto done;
	}
	int rc = sqlite3_step(stmt);
	if (rc != SQLITE_ROW && rc != SQLITE_DONE) {
		fail(db, "cannot ask", e);
		goto done;
	}
	*taken = rc == SQLITE_ROW;
	ok = !*taken ||
	     (sqlite3_column_bytes(stmt, 0) == 32 && memcmp(sqlite3_column_blob(stmt, 0), digest, 32) == 0);
	if (!ok)
		err_set(e, ERR_REFUSED,
		    "store: table migration, row %lld: taken in another form: another program's store, or "
		    "changed",
		    (long long)n);
done:
	sqlite3_finalize(stmt);
	return ok;
}

static bool note_step(sqlite3 *db, sqlite3_int64 n, sqlite3_int64 now_s, struct err *e)
{
	unsigned char digest[32];
	sqlite3_stmt *stmt = NULL;
	digest_of(steps[n - 1], digest);
	bool ok =
	    sqlite3_prepare_v2(db, "INSERT INTO migration VALUES(?, ?, ?)", -1, &stmt, NULL) == SQLITE_OK &&
	    sqlite3_bind_int64(stmt, 1, n) == SQLITE_OK &&
	    sqlite3_bind_blob(stmt, 2, digest, 32, SQLITE_TRANSIENT) == SQLITE_OK &&
	    sqlite3_bind_int64(stmt, 3, now_s) == SQLITE_OK && sqlite3_step(stmt) == SQLITE_DONE;
	if (!ok)
		fail(db, "cannot note the step", e);
	sqlite3_finalize(stmt);
	return ok;
}

static bool take_step(sqlite3 *db, sqlite3_int64 n, sqlite3_int64 now_s, struct err *e)
{
	if (sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL) != SQLITE_OK)
		return fail(db, "cannot begin", e);
	if (sqlite3_exec(db, steps[n - 1], NULL, NULL, NULL) != SQLITE_OK) {
		if (sqlite3_errcode(db) == SQLITE_ERROR) /* "already exists" */
			err_set(e, ERR_REFUSED,
			    "store: table migration, row %lld: it is missing, and its tables are there; "
			    "bring a good store back",
			    (long long)n);
		else
			fail(db, "cannot change the tables", e);
		goto failed;
	}
	if (!note_step(db, n, now_s, e))
		goto failed;
	if (sqlite3_exec(db, "COMMIT", NULL, NULL, NULL) == SQLITE_OK)
		return true;
	fail(db, "cannot commit", e);
failed:
	sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
	return false;
}

/* A step we have never heard of: a newer program's store. */
static bool refuse_newer(sqlite3 *db, struct err *e)
{
	sqlite3_stmt *stmt = NULL;
	if (sqlite3_prepare_v2(db, "SELECT coalesce(max(number), 0) FROM migration", -1, &stmt, NULL) !=
		SQLITE_OK ||
	    sqlite3_step(stmt) != SQLITE_ROW) {
		sqlite3_finalize(stmt);
		return fail(db, "cannot ask", e);
	}
	sqlite3_int64 last = sqlite3_column_int64(stmt, 0);
	sqlite3_finalize(stmt);
	return last <= N_STEPS || err_set(e, ERR_REFUSED,
				      "store: table migration, row %lld: made by a newer version; this "
				      "program cannot go back: use that version",
				      (long long)last);
}

static bool make_tables(sqlite3 *db, sqlite3_int64 now_s, uint64_t *first, struct err *e)
{
	static const char table[] = "CREATE TABLE IF NOT EXISTS migration(number INTEGER PRIMARY KEY,"
				    " digest BLOB NOT NULL, taken_s INTEGER NOT NULL) STRICT";
	*first = 0;
	if (sqlite3_exec(db, table, NULL, NULL, NULL) != SQLITE_OK)
		return fail(db, "cannot make its table", e);
	if (!refuse_newer(db, e))
		return false;
	for (sqlite3_int64 n = 1; n <= N_STEPS; n++) {
		bool taken = false;
		if (!check_step(db, n, &taken, e))
			return false;
		if (!taken && !take_step(db, n, now_s, e))
			return false;
		if (!taken && *first == 0)
			*first = (uint64_t)n;
	}
	return true;
}

/* Tables, indices, triggers and views, one a line, in order. */
static bool list_schema(sqlite3 *db, sqlite3_stmt **out, struct err *e)
{
	return sqlite3_prepare_v2(db,
		   "SELECT type || ' ' || name, sql FROM main.sqlite_schema ORDER BY type, name", -1, out,
		   NULL) == SQLITE_OK ||
	       fail(db, "cannot read the schema", e);
}

static const char *text_at(sqlite3_stmt *stmt, int column)
{
	const char *text = (const char *)sqlite3_column_text(stmt, column);
	return text == NULL ? "" : text;
}

/* Something that the steps do not make could change rows behind our back: a trigger, or a column that is another. */
static bool same_schema(sqlite3 *db, sqlite3 *pristine, struct err *e)
{
	sqlite3_stmt *is = NULL;
	sqlite3_stmt *want = NULL;
	bool ok = list_schema(db, &is, e) && list_schema(pristine, &want, e);
	while (ok) {
		bool more = sqlite3_step(is) == SQLITE_ROW;
		bool wanted = sqlite3_step(want) == SQLITE_ROW;
		if (!more && !wanted)
			break;
		int order = !more ? 1 : !wanted ? -1 : strcmp(text_at(is, 0), text_at(want, 0));
		ok = order == 0 && strcmp(text_at(is, 1), text_at(want, 1)) == 0;
		if (!ok)
			err_set(e, ERR_REFUSED, "store: %s: it is %s; bring a good store back",
			    order > 0 ? text_at(want, 0) : text_at(is, 0),
			    order > 0   ? "missing"
			    : order < 0 ? "nothing that this program makes"
					: "another than this program makes");
	}
	sqlite3_finalize(is);
	sqlite3_finalize(want);
	return ok;
}

bool migration_run(struct sqlite3 *db, unsigned long long now_s, uint64_t *first, struct err *e)
{
	sqlite3 *pristine = NULL;
	uint64_t all;
	bool ok = make_tables(db, (sqlite3_int64)now_s, first, e);
	if (ok && sqlite3_open(":memory:", &pristine) != SQLITE_OK)
		ok = fail(pristine, "cannot compare", e);
	ok = ok && make_tables(pristine, 0, &all, e) && same_schema(db, pristine, e);
	sqlite3_close(pristine);
	return ok;
}
