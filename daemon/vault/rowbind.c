/* rowbind - see rowbind.h. Format: docs/protocol.md "Storage". */
#include "daemon/vault/rowbind.h"
#include <sodium.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TABLES_MAX 48
#define NAME_ROOM  32
#define SUM_BYTES  32
#define TAG_BYTES  8
#define MAC_BYTES  32
#define WHERE_ROOM 120 /* of a row's name in a message */
#define CHANGED    "; bring a good store back (docs/operator.md)"

struct sum {
	uint64_t n;
	uint8_t of[SUM_BYTES]; /* of the rows' digests, as one number modulo 2^256 */
	bool dirty;            /* its entry in `bound` is another's */
};

struct secrets {
	uint8_t rows[32], tables[32];
};

struct rowbind {
	sqlite3 *db;
	struct secrets *keys; /* sodium_malloc */
	char table[TABLES_MAX][NAME_ROOM];
	unsigned n;
	struct sum now[TABLES_MAX], kept[ROWBIND_MARKS][TABLES_MAX];
};

static bool fail(struct rowbind *b, struct err *e)
{
	return err_set(e, ERR_SYSTEM, "store: binding of rows: %s", sqlite3_errmsg(b->db));
}

/* --- the digest of a row --- */

static void put_u64(crypto_generichash_state *h, uint64_t value)
{
	uint8_t le[8];

	for (unsigned i = 0; i < sizeof le; i++)
		le[i] = (uint8_t)(value >> (8 * i));
	crypto_generichash_update(h, le, sizeof le);
}

static void put_value(crypto_generichash_state *h, sqlite3_value *value)
{
	int type = sqlite3_value_type(value);
	uint8_t letter = type == SQLITE_INTEGER ? 'i'
			 : type == SQLITE_TEXT  ? 't'
			 : type == SQLITE_BLOB  ? 'b'
						: 'n';

	crypto_generichash_update(h, &letter, 1);
	if (letter == 'i')
		put_u64(h, (uint64_t)sqlite3_value_int64(value));
	if (letter != 't' && letter != 'b')
		return;
	const void *at = letter == 't' ? sqlite3_value_text(value) : sqlite3_value_blob(value);
	uint64_t len = (uint64_t)sqlite3_value_bytes(value);
	put_u64(h, len);
	if (at != NULL)
		crypto_generichash_update(h, at, len);
}

/* sum ± digest, little-endian. */
static void add(uint8_t sum[SUM_BYTES], const uint8_t digest[SUM_BYTES])
{
	unsigned carry = 0;

	for (unsigned i = 0; i < SUM_BYTES; i++) {
		carry += (unsigned)sum[i] + digest[i];
		sum[i] = (uint8_t)carry;
		carry >>= 8;
	}
}

static void subtract(uint8_t sum[SUM_BYTES], const uint8_t digest[SUM_BYTES])
{
	unsigned borrow = 0;

	for (unsigned i = 0; i < SUM_BYTES; i++) {
		unsigned less = (unsigned)digest[i] + borrow;
		borrow = sum[i] < less;
		sum[i] = (uint8_t)(sum[i] - less);
	}
}

/* row_in(table, column, …): the row joins the sum; answers its tag. row_out: it leaves; answers nothing. */
static void account(sqlite3_context *context, int n, sqlite3_value **value, bool in)
{
	struct rowbind *b = sqlite3_user_data(context);
	int at = sqlite3_value_int(value[0]);
	struct sum *sum = &b->now[at];
	crypto_generichash_state h;
	uint8_t digest[SUM_BYTES + TAG_BYTES];

	crypto_generichash_init(&h, b->keys->rows, sizeof b->keys->rows, sizeof digest);
	crypto_generichash_update(&h, (const uint8_t *)b->table[at], strlen(b->table[at]) + 1);
	for (int i = 1; i < n; i++)
		put_value(&h, value[i]);
	crypto_generichash_final(&h, digest, sizeof digest);
	if (in)
		add(sum->of, digest);
	else
		subtract(sum->of, digest);
	sum->n = in ? sum->n + 1 : sum->n - 1;
	sum->dirty = true;
	if (in)
		sqlite3_result_blob(context, digest + SUM_BYTES, TAG_BYTES, SQLITE_TRANSIENT);
	sodium_memzero(digest, sizeof digest);
}

static void row_in(sqlite3_context *context, int n, sqlite3_value **value)
{
	account(context, n, value, true);
}

static void row_out(sqlite3_context *context, int n, sqlite3_value **value)
{
	account(context, n, value, false);
}

/* --- statements made from the schema --- */

/* A statement of text that was made for it; frees text. */
static sqlite3_stmt *prepare(struct rowbind *b, char *sql)
{
	sqlite3_stmt *stmt = NULL;

	if (sql != NULL && sqlite3_prepare_v2(b->db, sql, -1, &stmt, NULL) != SQLITE_OK)
		stmt = NULL;
	sqlite3_free(sql);
	return stmt;
}

static bool run(struct rowbind *b, char *sql, struct err *e)
{
	bool ok = sql != NULL && sqlite3_exec(b->db, sql, NULL, NULL, NULL) == SQLITE_OK;

	sqlite3_free(sql);
	return ok || fail(b, e);
}

/* First column of the first row, 0 if there is none. */
static bool number(struct rowbind *b, char *sql, uint64_t *out, struct err *e)
{
	sqlite3_stmt *stmt = prepare(b, sql);
	int rc = stmt == NULL ? SQLITE_ERROR : sqlite3_step(stmt);

	*out = rc == SQLITE_ROW ? (uint64_t)sqlite3_column_int64(stmt, 0) : 0;
	sqlite3_finalize(stmt);
	return rc == SQLITE_ROW || rc == SQLITE_DONE || fail(b, e);
}

static bool find_tables(struct rowbind *b, struct err *e)
{
	sqlite3_stmt *stmt =
	    prepare(b, sqlite3_mprintf("SELECT name FROM main.sqlite_schema WHERE type = 'table'"
				       " AND name NOT IN ('tag', 'bound') ORDER BY name"));
	int rc = SQLITE_ERROR;

	while (stmt != NULL && (rc = sqlite3_step(stmt)) == SQLITE_ROW) {
		if (b->n == TABLES_MAX || sqlite3_column_bytes(stmt, 0) >= NAME_ROOM)
			break;
		snprintf(b->table[b->n++], NAME_ROOM, "%s", (const char *)sqlite3_column_text(stmt, 0));
	}
	sqlite3_finalize(stmt);
	if (rc == SQLITE_ROW)
		return err_set(
		    e, ERR_INTERNAL, "store: more tables, or a longer name, than rowbind.c has room for");
	return rc == SQLITE_DONE || fail(b, e);
}

/* Two expressions about a row of a table, whose columns are spelled with prefix (NEW., OLD. or t.): all its columns,
 * and what names it, which is its primary key, with what is an office's name put behind " of " (see told). */
struct spelled {
	char *columns, *key; /* sqlite3_free both */
};

/* As text, all of it: a number compared with the text in tag would make the index there useless. */
static void spell_column(sqlite3_stmt *info, const char *table, const char *prefix, sqlite3_str *columns,
    sqlite3_str *key, sqlite3_str *office)
{
	const char *name = (const char *)sqlite3_column_text(info, 0);
	bool blob = strcmp((const char *)sqlite3_column_text(info, 1), "BLOB") == 0;

	sqlite3_str_appendf(columns, ", %s\"%w\"", prefix, name);
	if (sqlite3_column_int(info, 2) == 0)
		return;
	if (strcmp(name, "office") == 0 || strcmp(table, "office") == 0)
		sqlite3_str_appendf(office, " || ' of ' || %s\"%w\"", prefix, name);
	else
		sqlite3_str_appendf(key, "%s%s%s\"%w\"%s", sqlite3_str_length(key) > 0 ? " || '/' || " : "",
		    blob ? "lower(hex(" : "CAST(", prefix, name, blob ? "))" : " AS TEXT)");
}

static bool spell(
    struct rowbind *b, const char *table, const char *prefix, struct spelled *out, struct err *e)
{
	sqlite3_stmt *info = prepare(
	    b, sqlite3_mprintf("SELECT name, type, pk FROM pragma_table_info(%Q) ORDER BY cid", table));
	sqlite3_str *columns = sqlite3_str_new(b->db), *key = sqlite3_str_new(b->db),
		    *office = sqlite3_str_new(b->db);
	int rc = SQLITE_ERROR;

	while (info != NULL && (rc = sqlite3_step(info)) == SQLITE_ROW)
		spell_column(info, table, prefix, columns, key, office);
	sqlite3_finalize(info);
	if (sqlite3_str_length(key) == 0)
		sqlite3_str_appendall(key, "''");
	if (sqlite3_str_length(office) > 0)
		sqlite3_str_appendall(key, sqlite3_str_value(office));
	sqlite3_free(sqlite3_str_finish(office));
	*out = (struct spelled){ sqlite3_str_finish(columns), sqlite3_str_finish(key) };
	return (rc == SQLITE_DONE && out->columns != NULL && out->key != NULL) || fail(b, e);
}

static void spelled_free(struct spelled *s)
{
	sqlite3_free(s->columns);
	sqlite3_free(s->key);
}

/* The triggers of one table. Temporary: they are not in the file, where they could be changed. */
static bool watch_table(struct rowbind *b, unsigned at, struct err *e)
{
	const char *t = b->table[at];
	struct spelled new = { 0 }, old = { 0 };
	bool ok =
	    spell(b, t, "NEW.", &new, e) && spell(b, t, "OLD.", &old, e) &&
	    run(b,
		sqlite3_mprintf("CREATE TEMP TRIGGER \"%w in\" AFTER INSERT ON main.\"%w\" BEGIN "
				"INSERT INTO tag VALUES(%Q, %s, row_in(%u%s)); END",
		    t, t, t, new.key, at, new.columns),
		e) &&
	    run(b,
		sqlite3_mprintf("CREATE TEMP TRIGGER \"%w out\" AFTER DELETE ON main.\"%w\" BEGIN "
				"SELECT row_out(%u%s); DELETE FROM tag WHERE tbl = %Q AND row = %s; END",
		    t, t, at, old.columns, t, old.key),
		e) &&
	    run(b,
		sqlite3_mprintf("CREATE TEMP TRIGGER \"%w over\" AFTER UPDATE ON main.\"%w\" BEGIN "
				"SELECT row_out(%u%s); DELETE FROM tag WHERE tbl = %Q AND row = %s; "
				"INSERT INTO tag VALUES(%Q, %s, row_in(%u%s)); END",
		    t, t, at, old.columns, t, old.key, t, new.key, at, new.columns),
		e);

	spelled_free(&new);
	spelled_free(&old);
	return ok;
}

static bool watch(struct rowbind *b, struct err *e)
{
	for (unsigned i = 0; i < b->n; i++) {
		if (!watch_table(b, i, e))
			return false;
	}
	return true;
}

/* --- entries --- */

static void table_code(const struct rowbind *b, unsigned at, uint8_t out[MAC_BYTES])
{
	crypto_generichash_state h;

	crypto_generichash_init(&h, b->keys->tables, sizeof b->keys->tables, MAC_BYTES);
	crypto_generichash_update(&h, (const uint8_t *)b->table[at], strlen(b->table[at]) + 1);
	put_u64(&h, b->now[at].n);
	crypto_generichash_update(&h, b->now[at].of, SUM_BYTES);
	crypto_generichash_final(&h, out, MAC_BYTES);
}

/* Over the codes of all tables that have rows, so that one of them cannot go back without the others. */
static void store_code(const struct rowbind *b, uint8_t out[MAC_BYTES])
{
	crypto_generichash_state h;
	uint8_t code[MAC_BYTES];

	crypto_generichash_init(&h, b->keys->tables, sizeof b->keys->tables, MAC_BYTES);
	crypto_generichash_update(&h, (const uint8_t *)"\0store", 7);
	for (unsigned i = 0; i < b->n; i++) {
		if (b->now[i].n == 0)
			continue;
		table_code(b, i, code);
		crypto_generichash_update(&h, code, sizeof code);
	}
	crypto_generichash_final(&h, out, MAC_BYTES);
}

/* Says whether the master key is the one the entries were made with. */
static void key_code(const struct rowbind *b, uint8_t out[MAC_BYTES])
{
	crypto_generichash(
	    out, MAC_BYTES, (const uint8_t *)"\0key", 5, b->keys->tables, sizeof b->keys->tables);
}

static bool put_entry(
    struct rowbind *b, const char *name, uint64_t n, const uint8_t code[MAC_BYTES], struct err *e)
{
	sqlite3_stmt *stmt = prepare(b,
	    sqlite3_mprintf("INSERT INTO bound VALUES(%Q, %lld, ?) ON CONFLICT DO UPDATE SET n = excluded.n, "
			    "code = excluded.code",
		name, (long long)n));
	bool ok = stmt != NULL && sqlite3_bind_blob(stmt, 1, code, MAC_BYTES, SQLITE_STATIC) == SQLITE_OK &&
		  sqlite3_step(stmt) == SQLITE_DONE;

	sqlite3_finalize(stmt);
	return ok || fail(b, e);
}

bool rowbind_write(struct rowbind *b, struct err *e)
{
	uint8_t code[MAC_BYTES];
	bool any = false;

	for (unsigned i = 0; i < b->n; i++) {
		if (!b->now[i].dirty)
			continue;
		any = true;
		table_code(b, i, code);
		if (!put_entry(b, b->table[i], b->now[i].n, code, e))
			return false;
		b->now[i].dirty = false;
	}
	store_code(b, code);
	return !any || put_entry(b, "/store", 0, code, e);
}

/* --- holding --- */

/* What a message calls a row: its primary key, without an office's name, since messages are read by many; where nothing
 * else names it, its place in the order of names. */
static bool told(struct rowbind *b, const char *table, const char *row, char out[WHERE_ROOM], struct err *e)
{
	const char *of = strstr(row, " of ");
	uint64_t place = 0;

	if (of == NULL || of > row) {
		snprintf(out, WHERE_ROOM, "%.*s", of == NULL ? WHERE_ROOM - 1 : (int)(of - row), row);
		return true;
	}
	bool ok = number(b,
	    sqlite3_mprintf("SELECT count(*) FROM tag WHERE tbl = %Q AND row <= %Q", table, row), &place, e);
	snprintf(out, WHERE_ROOM, "%llu by name", (unsigned long long)place);
	return ok;
}

static bool refuse(struct rowbind *b, const char *table, const char *row, const char *what, struct err *e)
{
	char where[WHERE_ROOM];

	return told(b, table, row, where, e) &&
	       err_set(e, ERR_REFUSED, "store: table %s, row %s: %s" CHANGED, table, where, what);
}

/* Reads the rows of a table into its sum, each held against its tag. */
static bool hold_rows(struct rowbind *b, unsigned at, const char *which, struct err *e)
{
	const char *t = b->table[at];
	struct spelled s = { 0 };
	sqlite3_stmt *stmt = NULL;
	bool ok = spell(b, t, "t.", &s, e);
	int rc = SQLITE_ERROR;

	if (ok)
		stmt = prepare(
		    b, sqlite3_mprintf("SELECT %s, row_in(%u%s), g.tag FROM main.\"%w\" t LEFT JOIN tag g ON"
				       " g.tbl = %Q AND g.row = %s%s",
			   s.key, at, s.columns, t, t, s.key, which));
	while (ok && stmt != NULL && (rc = sqlite3_step(stmt)) == SQLITE_ROW) {
		const char *row = (const char *)sqlite3_column_text(stmt, 0);
		const void *is = sqlite3_column_blob(stmt, 1), *was = sqlite3_column_blob(stmt, 2);

		if (was == NULL)
			ok = refuse(b, t, row ? row : "", "the vault wrote no such row", e);
		else if (sqlite3_column_bytes(stmt, 2) != TAG_BYTES || memcmp(is, was, TAG_BYTES) != 0)
			ok = refuse(b, t, row ? row : "", "it was changed", e);
	}
	sqlite3_finalize(stmt);
	spelled_free(&s);
	return ok && (rc == SQLITE_DONE || fail(b, e));
}

/* A tag without its row. */
static bool hold_tags(struct rowbind *b, unsigned at, struct err *e)
{
	const char *t = b->table[at];
	struct spelled s = { 0 };
	sqlite3_stmt *stmt = NULL;
	bool ok = spell(b, t, "t.", &s, e);
	int rc = SQLITE_ERROR;

	if (ok)
		stmt = prepare(
		    b, sqlite3_mprintf("SELECT row FROM tag WHERE tbl = %Q AND row NOT IN (SELECT %s FROM "
				       "main.\"%w\" t)",
			   t, s.key, t));
	if (stmt != NULL && (rc = sqlite3_step(stmt)) == SQLITE_ROW)
		ok = refuse(b, t, (const char *)sqlite3_column_text(stmt, 0), "it is missing", e);
	sqlite3_finalize(stmt);
	spelled_free(&s);
	return ok && (rc == SQLITE_DONE || fail(b, e));
}

/* *found false: no such entry. */
static bool entry_is(struct rowbind *b, const char *name, uint64_t n, const uint8_t code[MAC_BYTES],
    bool *found, bool *is, struct err *e)
{
	sqlite3_stmt *stmt = prepare(b, sqlite3_mprintf("SELECT n, code FROM bound WHERE tbl = %Q", name));
	int rc = stmt == NULL ? SQLITE_ERROR : sqlite3_step(stmt);

	*found = rc == SQLITE_ROW;
	*is = *found && (uint64_t)sqlite3_column_int64(stmt, 0) == n &&
	      sqlite3_column_bytes(stmt, 1) == MAC_BYTES &&
	      sodium_memcmp(sqlite3_column_blob(stmt, 1), code, MAC_BYTES) == 0;
	sqlite3_finalize(stmt);
	return rc == SQLITE_ROW || rc == SQLITE_DONE || fail(b, e);
}

static bool hold_entry(struct rowbind *b, unsigned at, uint64_t new_step, struct err *e)
{
	uint8_t code[MAC_BYTES];
	bool found = false, is = false;

	table_code(b, at, code);
	if (!entry_is(b, b->table[at], b->now[at].n, code, &found, &is, e))
		return false;
	b->now[at].dirty = !found;
	if (is || (!found && new_step > 0 && b->now[at].n == 0))
		return true;
	return err_set(e, ERR_REFUSED,
	    "store: table %s: each row holds, but not all together: rows were taken away or put back with "
	    "their "
	    "tags, or its row in table bound was changed" CHANGED,
	    b->table[at]);
}

static bool hold_code(
    struct rowbind *b, const char *name, const uint8_t code[MAC_BYTES], const char *what, struct err *e)
{
	bool found = false, is = false;

	return entry_is(b, name, 0, code, &found, &is, e) &&
	       (is || err_set(e, ERR_REFUSED, "store: table bound, row %s: %s", name, what));
}

/* What stands in tag and bound and belongs to no table. */
static bool hold_rest(struct rowbind *b, struct err *e)
{
	static const char *const rest[] = {
		"SELECT 'tag, row ' || tbl || '/' || row FROM tag WHERE tbl NOT IN (SELECT name FROM "
		"main.sqlite_schema WHERE name NOT IN ('tag', 'bound'))",
		"SELECT 'bound, row ' || tbl FROM bound WHERE tbl NOT IN (SELECT name FROM "
		"main.sqlite_schema "
		"WHERE name NOT IN ('tag', 'bound')) AND tbl NOT IN ('/store', '/key')"
	};
	bool ok = true;

	for (unsigned i = 0; ok && i < sizeof rest / sizeof *rest; i++) {
		sqlite3_stmt *stmt = prepare(b, sqlite3_mprintf("%s", rest[i]));
		int rc = stmt == NULL ? SQLITE_ERROR : sqlite3_step(stmt);

		if (rc == SQLITE_ROW)
			ok = err_set(e, ERR_REFUSED, "store: table %s: the vault wrote no such row" CHANGED,
			    (const char *)sqlite3_column_text(stmt, 0));
		else
			ok = rc == SQLITE_DONE || fail(b, e);
		sqlite3_finalize(stmt);
	}
	return ok;
}

/* All tables' rows; those of migration that came just now are not bound yet. */
static bool hold_tables(struct rowbind *b, uint64_t new_step, struct err *e)
{
	char old[48] = "";
	bool ok = true;

	memset(b->now, 0, sizeof b->now);
	for (unsigned i = 0; ok && i < b->n; i++) {
		bool steps = new_step > 0 && strcmp(b->table[i], "migration") == 0;

		if (steps)
			snprintf(old, sizeof old, " WHERE number < %llu", (unsigned long long)new_step);
		ok = hold_rows(b, i, steps ? old : "", e) && hold_tags(b, i, e);
	}
	for (unsigned i = 0; ok && i < b->n; i++)
		ok = hold_entry(b, i, new_step, e);
	return ok;
}

static bool bind_rows(struct rowbind *b, unsigned at, const char *which, struct err *e)
{
	const char *t = b->table[at];
	struct spelled s = { 0 };
	bool ok = spell(b, t, "t.", &s, e) &&
		  run(b,
		      sqlite3_mprintf("INSERT INTO tag SELECT %Q, %s, row_in(%u%s) FROM main.\"%w\" t%s", t,
			  s.key, at, s.columns, t, which),
		      e);

	b->now[at].dirty = true;
	spelled_free(&s);
	return ok;
}

static bool bind_steps(struct rowbind *b, uint64_t new_step, struct err *e)
{
	char which[48];
	bool ok = run(b, sqlite3_mprintf("BEGIN IMMEDIATE"), e);

	snprintf(which, sizeof which, " WHERE number >= %llu", (unsigned long long)new_step);
	for (unsigned i = 0; ok && i < b->n; i++)
		ok = strcmp(b->table[i], "migration") != 0 || bind_rows(b, i, which, e);
	return ok && rowbind_write(b, e) && run(b, sqlite3_mprintf("COMMIT"), e);
}

bool rowbind_hold(struct rowbind *b, uint64_t new_step, struct err *e)
{
	uint8_t code[MAC_BYTES];

	key_code(b, code);
	if (!hold_code(
		b, "/key", code, "is this the right master key? If it is, the row was changed" CHANGED, e) ||
	    !hold_tables(b, new_step, e) || !hold_rest(b, e))
		return false;
	store_code(b, code);
	if (!hold_code(b, "/store", code, "the tables are of different times, or it was changed" CHANGED, e))
		return false;
	return (new_step == 0 || bind_steps(b, new_step, e)) && watch(b, e);
}

bool rowbind_take(struct rowbind *b, struct err *e)
{
	uint8_t code[MAC_BYTES];

	memset(b->now, 0, sizeof b->now);
	for (unsigned i = 0; i < b->n; i++) {
		if (!bind_rows(b, i, "", e))
			return false;
	}
	key_code(b, code);
	return put_entry(b, "/key", 0, code, e) && watch(b, e);
}

bool rowbind_state(struct rowbind *b, enum rowbind_state *out, struct err *e)
{
	uint64_t any = 0;

	if (!number(b, sqlite3_mprintf("SELECT EXISTS(SELECT 1 FROM bound) OR EXISTS(SELECT 1 FROM tag)"),
		&any, e))
		return false;
	*out = any ? ROWBIND_BOUND : ROWBIND_EMPTY;
	for (unsigned i = 0; *out == ROWBIND_EMPTY && i < b->n; i++) {
		if (strcmp(b->table[i], "migration") == 0)
			continue;
		if (!number(
			b, sqlite3_mprintf("SELECT EXISTS(SELECT 1 FROM main.\"%w\")", b->table[i]), &any, e))
			return false;
		if (any)
			*out = ROWBIND_NONE;
	}
	return true;
}

/* --- sums set back --- */

void rowbind_remember(struct rowbind *b, enum rowbind_mark mark)
{
	memcpy(b->kept[mark], b->now, b->n * sizeof b->now[0]);
}

void rowbind_return(struct rowbind *b, enum rowbind_mark mark)
{
	memcpy(b->now, b->kept[mark], b->n * sizeof b->now[0]);
}

/* --- opening --- */

struct rowbind *rowbind_open(struct sqlite3 *db, const uint8_t *master, struct err *e)
{
	struct rowbind *b = calloc(1, sizeof *b);

	if (b == NULL || (b->keys = sodium_malloc(sizeof *b->keys)) == NULL) {
		free(b);
		err_set(e, ERR_MEMORY, "store: out of memory");
		return NULL;
	}
	b->db = db;
	crypto_kdf_derive_from_key(b->keys->rows, sizeof b->keys->rows, 1, ROWBIND_CONTEXT, master);
	crypto_kdf_derive_from_key(b->keys->tables, sizeof b->keys->tables, 2, ROWBIND_CONTEXT, master);
	bool ok = sqlite3_create_function_v2(db, "row_in", -1, SQLITE_UTF8, b, row_in, NULL, NULL, NULL) ==
		      SQLITE_OK &&
		  sqlite3_create_function_v2(db, "row_out", -1, SQLITE_UTF8, b, row_out, NULL, NULL, NULL) ==
		      SQLITE_OK;
	if (!ok)
		fail(b, e);
	if (ok && find_tables(b, e))
		return b;
	rowbind_close(b);
	return NULL;
}

void rowbind_close(struct rowbind *b)
{
	if (b == NULL)
		return;
	sodium_free(b->keys);
	sodium_memzero(b, sizeof *b);
	free(b);
}
