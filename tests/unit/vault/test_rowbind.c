/* rowbind on tables of the test's own: sums follow the database wherever it goes, and a later migration is taken in. */
#include "daemon/vault/rowbind.h"

#include <setjmp.h>
#include <sodium.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

static const uint8_t master[32] = { 1, 2, 3 };

static void run(sqlite3 *db, const char *sql)
{
	if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
		fail_msg("%s: %s", sql, sqlite3_errmsg(db));
}

static sqlite3 *make(void)
{
	sqlite3 *db = NULL;

	assert_true(sodium_init() >= 0);
	assert_int_equal(sqlite3_open(":memory:", &db), SQLITE_OK);
	run(db,
	    "PRAGMA trusted_schema=OFF;"
	    "CREATE TABLE migration(number INTEGER PRIMARY KEY, digest BLOB NOT NULL, taken_s INTEGER NOT "
	    "NULL) STRICT;"
	    "CREATE TABLE tag(tbl TEXT NOT NULL, row TEXT NOT NULL, tag BLOB NOT NULL, PRIMARY KEY(tbl, row))"
	    " STRICT, WITHOUT ROWID;"
	    "CREATE TABLE bound(tbl TEXT PRIMARY KEY, n INTEGER NOT NULL, code BLOB NOT NULL) STRICT, "
	    "WITHOUT ROWID;"
	    "CREATE TABLE office(name TEXT PRIMARY KEY, row INTEGER, more BLOB UNIQUE) STRICT, WITHOUT ROWID;"
	    "INSERT INTO migration VALUES(1, x'01', 5)");
	return db;
}

static struct rowbind *taken(sqlite3 *db)
{
	struct err e = { 0 };
	struct rowbind *b = rowbind_open(db, master, &e);

	assert_non_null(b);
	run(db, "BEGIN");
	assert_true(rowbind_take(b, &e) && rowbind_write(b, &e));
	run(db, "COMMIT");
	return b;
}

/* A fresh look; word NULL: it holds. */
static void held(sqlite3 *db, struct rowbind *b, uint64_t new_step, const char *word)
{
	struct err e = { 0 };
	enum rowbind_state state = ROWBIND_EMPTY;

	run(db,
	    "DROP TRIGGER IF EXISTS temp.\"office in\"; DROP TRIGGER IF EXISTS temp.\"office out\";"
	    "DROP TRIGGER IF EXISTS temp.\"office over\"; DROP TRIGGER IF EXISTS temp.\"migration in\";"
	    "DROP TRIGGER IF EXISTS temp.\"migration out\"; DROP TRIGGER IF EXISTS temp.\"migration over\"");
	rowbind_close(b);
	b = rowbind_open(db, master, &e);
	assert_true(b != NULL && rowbind_state(b, &state, &e));
	assert_int_equal(state, ROWBIND_BOUND);
	bool ok = rowbind_hold(b, new_step, &e);
	if (ok != (word == NULL) || (word != NULL && strstr(e.text, word) == NULL))
		fail_msg("wanted %s: %s", word ? word : "to hold", e.text);
	rowbind_close(b);
}

static void commit(sqlite3 *db, struct rowbind *b, const char *sql)
{
	struct err e = { 0 };

	run(db, "BEGIN");
	run(db, sql);
	assert_true(rowbind_write(b, &e));
	run(db, "COMMIT");
}

/* Every way a statement can change rows: with an upsert, under another key, many at once, and what is undone. */
static void test_sums_follow(void **state)
{
	sqlite3 *db = make();
	struct rowbind *b = taken(db);

	(void)state;
	commit(db, b, "INSERT INTO office VALUES('a', 1, x'01'), ('b', NULL, NULL), ('c', -1, x'')");
	commit(db, b, "INSERT INTO office VALUES('a', 7, NULL) ON CONFLICT DO UPDATE SET row = excluded.row");
	commit(db, b, "INSERT INTO office VALUES('a', 9, NULL) ON CONFLICT DO NOTHING");
	commit(db, b, "UPDATE office SET name = name || 'x', row = coalesce(row, 0) + 1");
	commit(db, b, "DELETE FROM office WHERE name = 'bx'");
	run(db, "BEGIN");
	rowbind_remember(b, ROWBIND_BEGUN);
	run(db, "DELETE FROM office");
	run(db, "ROLLBACK");
	rowbind_return(b, ROWBIND_BEGUN);
	run(db, "BEGIN; SAVEPOINT one");
	rowbind_remember(b, ROWBIND_SAVEPOINT);
	run(db, "INSERT INTO office VALUES('d', 1, NULL)");
	run(db, "ROLLBACK TO one; COMMIT");
	rowbind_return(b, ROWBIND_SAVEPOINT);
	/* a statement that fails half-way: its first row was counted */
	rowbind_remember(b, ROWBIND_STATEMENT);
	assert_int_not_equal(
	    sqlite3_exec(db, "INSERT INTO office VALUES('e', 1, NULL), ('ax', 1, NULL)", NULL, NULL, NULL),
	    SQLITE_OK);
	rowbind_return(b, ROWBIND_STATEMENT);
	commit(db, b, "INSERT INTO office VALUES('f', 1, x'05'); DELETE FROM office WHERE name = 'cx'");
	held(db, b, 0, NULL);
	sqlite3_close(db);
}

/* An office is told by its place, every other row by its key; the text never says what is in it. */
static void test_told(void **state)
{
	sqlite3 *db = make();
	struct rowbind *b = taken(db);

	(void)state;
	commit(db, b, "INSERT INTO office VALUES('north', 1, NULL), ('south', 2, NULL)");
	run(db, "DROP TRIGGER temp.\"office over\"; UPDATE office SET row = 3 WHERE name = 'south'");
	held(db, b, 0, "store: table office, row 2 by name: it was changed");
	run(db, "UPDATE office SET row = 2 WHERE name = 'south'; UPDATE migration SET taken_s = 6");
	held(db, NULL, 0, "store: table migration, row 1: it was changed");
	run(db, "UPDATE migration SET taken_s = 5; DELETE FROM office WHERE name = 'north'");
	held(db, NULL, 0, "store: table office, row 1 by name: it is missing");
	sqlite3_close(db);
}

/* A program that knows one step more has taken it: its row and its table are bound, nothing else is let in with it. */
static void test_a_later_migration(void **state)
{
	sqlite3 *db = make();
	struct rowbind *b = taken(db);

	(void)state;
	commit(db, b, "INSERT INTO office VALUES('north', 1, NULL)");
	rowbind_close(b);
	run(db, "DROP TRIGGER temp.\"migration in\"; CREATE TABLE later(a INTEGER PRIMARY KEY) STRICT;"
		"INSERT INTO migration VALUES(2, x'02', 9)");
	held(db, NULL, 0, "table migration, row 2: the vault wrote no such row");
	held(db, NULL, 2, NULL);
	run(db, "DROP TRIGGER temp.\"later in\"; DROP TRIGGER temp.\"later out\"; DROP TRIGGER temp.\"later "
		"over\"");
	held(db, NULL, 0, NULL);
	run(db, "DROP TRIGGER temp.\"later in\"; INSERT INTO later VALUES(1)");
	run(db, "DROP TRIGGER temp.\"later out\"; DROP TRIGGER temp.\"later over\"");
	held(db, NULL, 0, "table later, row 1: the vault wrote no such row");
	sqlite3_close(db);
}

/* Time grows with the rows, not with their square: each tag is found by its index. */
static void test_many_rows(void **state)
{
	sqlite3 *db = make();
	struct rowbind *b = NULL;

	(void)state;
	run(db, "CREATE TABLE leaf(i INTEGER PRIMARY KEY, entry BLOB NOT NULL) STRICT;"
		"CREATE TABLE pair(a INTEGER, b TEXT, PRIMARY KEY(a, b)) STRICT, WITHOUT ROWID");
	b = taken(db);
	commit(db, b,
	    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000)"
	    " INSERT INTO leaf SELECT i, x'05' FROM n; INSERT INTO pair SELECT i, 'x' FROM leaf");
	clock_t before = clock();
	run(db,
	    "DROP TRIGGER temp.\"leaf in\"; DROP TRIGGER temp.\"leaf out\"; DROP TRIGGER temp.\"leaf over\";"
	    "DROP TRIGGER temp.\"pair in\"; DROP TRIGGER temp.\"pair out\"; DROP TRIGGER temp.\"pair over\"");
	held(db, b, 0, NULL);
	assert_true((double)(clock() - before) / CLOCKS_PER_SEC < 5);
	sqlite3_close(db);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_sums_follow), cmocka_unit_test(test_told),
		cmocka_unit_test(test_a_later_migration), cmocka_unit_test(test_many_rows) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
