/* admin - see admin.h. */
#include "proto/admin.h"
#include "proto/mpread.h"
#include "proto/mpwrite.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINES_MAX   1000u
#define FACTS_MAX   1000u
#define COLUMNS_MAX 32u
#define CELLS_MAX   LIMIT_REPLY_BYTES /* a cell is a byte at least */

/* Keys of a request's map. */
enum field {
	DATASET = 0,
	PERIOD = 2,
	OFFICE = 4,
	LINE = 6,
	BYTES = 8,
	MODE = 10,
	REASON = 12,
	DRY_RUN = 14,
	OPENS = 16,
	CLOSES = 18,
	KEY_ID = 20
};
#define BIT(field) (1u << ((field) / 2))

static const struct rule {
	enum admin_kind kind;
	unsigned need, may; /* BIT() of each field */
	const char *class;
} rules[] = {
	{ ADMIN_STATUS, 0, 0, NULL },
	{ ADMIN_PART, BIT(BYTES), 0, NULL },
	{ ADMIN_MODE, BIT(MODE), 0, "mode" },
	{ ADMIN_OFFICE_ADD, BIT(LINE), BIT(DATASET), "enrol" },
	{ ADMIN_OFFICE_LIST, 0, 0, NULL },
	{ ADMIN_OFFICE_DISABLE, BIT(OFFICE), 0, "disable" },
	{ ADMIN_READER_DISABLE, BIT(KEY_ID), 0, "disable" },
	{ ADMIN_KEY_LIST, 0, BIT(OFFICE), NULL },
	{ ADMIN_KEY_REVOKE, BIT(OFFICE) | BIT(KEY_ID), 0, "revoke" },
	{ ADMIN_CONFIG_ADD, 0, 0, "config" },
	{ ADMIN_CONFIG_LIST, 0, 0, NULL },
	{ ADMIN_KEYSET_INSTALL, 0, 0, "keyset" },
	{ ADMIN_PERIOD_OPEN, BIT(PERIOD), BIT(DATASET) | BIT(OPENS) | BIT(CLOSES), "period" },
	{ ADMIN_PERIOD_CLOSE, BIT(PERIOD), BIT(DATASET), "period" },
	{ ADMIN_PERIOD_STATUS, 0, BIT(DATASET) | BIT(PERIOD), NULL },
	{ ADMIN_PERIOD_VOID, BIT(PERIOD), BIT(DATASET), "period" },
	{ ADMIN_RELEASE_PUBLISH, BIT(PERIOD), BIT(DATASET) | BIT(DRY_RUN), "publish" },
	{ ADMIN_RELEASE_SHOW, BIT(PERIOD), BIT(DATASET), NULL },
	{ ADMIN_RELEASE_WITHDRAW, BIT(PERIOD) | BIT(REASON), BIT(DATASET), "withdraw" },
	{ ADMIN_RELEASE_TABLE, BIT(PERIOD), BIT(DATASET), "table" },
};

static const struct rule *rule_of(uint64_t kind)
{
	for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
		if ((uint64_t)rules[i].kind == kind)
			return &rules[i];
	}
	return NULL;
}

const char *admin_class(enum admin_kind kind)
{
	const struct rule *rule = rule_of(kind);

	return rule ? rule->class : NULL;
}

static unsigned present(const struct admin_request *q)
{
	return (q->dataset[0] ? BIT(DATASET) : 0) | (q->period[0] ? BIT(PERIOD) : 0) |
	       (q->office[0] ? BIT(OFFICE) : 0) | (q->line.len ? BIT(LINE) : 0) |
	       (q->bytes.len ? BIT(BYTES) : 0) | (q->mode ? BIT(MODE) : 0) | (q->reason ? BIT(REASON) : 0) |
	       (q->dry_run ? BIT(DRY_RUN) : 0) | (q->opens_s ? BIT(OPENS) : 0) |
	       (q->closes_s ? BIT(CLOSES) : 0) | (q->has_key_id ? BIT(KEY_ID) : 0);
}

static bool check_fields(const struct admin_request *q, struct err *e)
{
	const struct rule *rule = rule_of(q->kind);

	if (!rule)
		return err_set(e, ERR_UNSUPPORTED, "admin: a command this version does not know");
	if ((present(q) & rule->need) != rule->need)
		return err_set(e, ERR_MALFORMED, "admin: a field of the command is missing");
	if (present(q) & ~(rule->need | rule->may))
		return err_set(e, ERR_MALFORMED, "admin: a field that the command does not take");
	return true;
}

static void put_head(struct buf *out, uint64_t kind, const uint8_t rid[ADMIN_RID_BYTES])
{
	mpwrite_array(out, 4);
	mpwrite_uint(out, 1);
	mpwrite_uint(out, kind);
	mpwrite_bin(out, bytes_of(rid, ADMIN_RID_BYTES));
}

static size_t count_bits(unsigned set)
{
	size_t n = 0;

	for (; set; set &= set - 1)
		n++;
	return n;
}

bool admin_request_encode(struct buf *out, const struct admin_request *q, struct err *e)
{
	unsigned has = present(q);

	if (!check_fields(q, e))
		return false;
	put_head(out, q->kind, q->rid);
	mpwrite_map(out, count_bits(has));
	if (has & BIT(DATASET))
		mpwrite_key_str(out, DATASET, q->dataset);
	if (has & BIT(PERIOD))
		mpwrite_key_str(out, PERIOD, q->period);
	if (has & BIT(OFFICE))
		mpwrite_key_str(out, OFFICE, q->office);
	if (has & BIT(LINE)) {
		mpwrite_uint(out, LINE);
		mpwrite_str_bytes(out, q->line);
	}
	if (has & BIT(BYTES))
		mpwrite_key_bin(out, BYTES, q->bytes);
	if (has & BIT(MODE))
		mpwrite_key_uint(out, MODE, q->mode);
	if (has & BIT(REASON))
		mpwrite_key_uint(out, REASON, q->reason);
	if (has & BIT(DRY_RUN))
		mpwrite_key_uint(out, DRY_RUN, 1);
	if (has & BIT(OPENS))
		mpwrite_key_uint(out, OPENS, q->opens_s);
	if (has & BIT(CLOSES))
		mpwrite_key_uint(out, CLOSES, q->closes_s);
	if (has & BIT(KEY_ID))
		mpwrite_key_raw(out, KEY_ID, q->key_id, sizeof q->key_id);
	return mpwrite_done(out, "admin request", e);
}

static void read_fields(struct mpread *r, struct mpmap *m, struct admin_request *out)
{
	if (mpmap_has(r, m, DATASET))
		mpread_name(r, "dataset", out->dataset);
	if (mpmap_has(r, m, PERIOD))
		mpread_period(r, "period", out->period);
	if (mpmap_has(r, m, OFFICE))
		mpread_name(r, "office", out->office);
	if (mpmap_has(r, m, LINE))
		out->line = mpread_str(r, "line", LIMIT_IDENTITY_LINE);
	if (mpmap_has(r, m, BYTES))
		out->bytes = mpread_bin(r, "bytes", 1, ADMIN_PART_BYTES);
	if (mpmap_has(r, m, MODE))
		out->mode = mpread_uint(r, "mode", 1, 3);
	if (mpmap_has(r, m, REASON))
		out->reason = mpread_uint(r, "reason", 1, 3);
	if (mpmap_has(r, m, DRY_RUN))
		out->dry_run = mpread_uint(r, "dry run", 1, 1) == 1;
	if (mpmap_has(r, m, OPENS))
		out->opens_s = mpread_uint(r, "opens", 1, LIMIT_UINT);
	if (mpmap_has(r, m, CLOSES))
		out->closes_s = mpread_uint(r, "closes", 1, LIMIT_UINT);
	out->has_key_id = mpmap_has(r, m, KEY_ID);
	if (out->has_key_id)
		mpread_bin_exact(r, "key id", out->key_id, sizeof out->key_id);
}

bool admin_request_decode(struct admin_request *out, struct bytes in, struct err *e)
{
	struct mpread r = mpread_open(in, LIMIT_NODES);

	*out = (struct admin_request){ 0 };
	mpread_array(&r, "request", 4, 4);
	mpread_choice(&r, "version", 1, 1);
	out->kind = (enum admin_kind)mpread_choice(&r, "kind", 1, 255);
	mpread_bin_exact(&r, "rid", out->rid, sizeof out->rid);
	struct mpmap m = mpread_map(&r, "fields");
	read_fields(&r, &m, out);
	mpmap_end(&r, &m);
	return mpread_close(&r, e) && check_fields(out, e);
}

/* Text of the profile has no control characters; ours should have none, a quoted name of a file might. */
__attribute__((format(printf, 2, 0))) static void put_text(struct buf *out, const char *fmt, va_list args)
{
	char text[LIMIT_IDENTITY_LINE + 64];

	if (vsnprintf(text, sizeof text, fmt, args) < 0)
		text[0] = '\0';
	for (char *at = text; *at; at++) {
		if ((unsigned char)*at < 0x20 || *at == 0x7f)
			*at = ' ';
	}
	if (!name_is_text(bytes_text(text))) { /* cut inside a character, or never UTF-8 */
		for (char *at = text; *at; at++) {
			if ((unsigned char)*at >= 0x80)
				*at = '?';
		}
	}
	mpwrite_str(out, text);
}

void admin_answer_say(struct admin_answer *a, const char *fmt, ...)
{
	va_list args;

	if (a->n_lines >= LINES_MAX)
		return;
	va_start(args, fmt);
	put_text(&a->lines, fmt, args);
	va_end(args);
	a->n_lines++;
}

void admin_answer_fact(struct admin_answer *a, const char *name, const char *fmt, ...)
{
	va_list args;

	if (a->n_facts >= FACTS_MAX)
		return;
	mpwrite_array(&a->facts, 2);
	mpwrite_str(&a->facts, name);
	va_start(args, fmt);
	put_text(&a->facts, fmt, args);
	va_end(args);
	a->n_facts++;
}

void admin_answer_columns(struct admin_answer *a, const char *const *column, size_t n)
{
	buf_clear(&a->columns);
	for (size_t i = 0; i < n; i++)
		mpwrite_str(&a->columns, column[i]);
	a->n_columns = n;
}

/* Rows stop well before the bound, so that head, lines and facts always find room. */
#define ROWS_BYTES (ADMIN_ANSWER_BYTES - 256 * 1024)

void admin_answer_cell(struct admin_answer *a, const char *fmt, ...)
{
	va_list args;

	if (a->n_columns == 0)
		return;
	if (a->n_cells % a->n_columns == 0 && a->rows.size > ROWS_BYTES)
		a->cut = true;
	if (a->cut)
		return;
	va_start(args, fmt);
	put_text(&a->rows, fmt, args);
	va_end(args);
	a->n_cells++;
	if (a->n_cells % a->n_columns == 0)
		a->whole = a->rows.size;
}

/* Three quarters of what a text of the profile may be, and a multiple of three: no padding inside a file. */
#define PIECE_BYTES 3072u

void admin_answer_file(struct admin_answer *a, const char *name, struct bytes content)
{
	struct buf text = { 0 };

	do {
		size_t n = content.len < PIECE_BYTES ? content.len : PIECE_BYTES;

		a->cut = a->cut || a->rows.size > ADMIN_FILES_BYTES - 256 * 1024;
		if (a->cut)
			break;
		buf_clear(&text);
		buf_put_base64(&text, bytes_of(content.at, n));
		mpwrite_str(&a->rows, name);
		mpwrite_str_bytes(&a->rows, buf_bytes(&text));
		a->rows.failed = a->rows.failed || text.failed;
		a->n_cells += 2;
		a->whole = a->rows.size;
		content = bytes_of(content.at + n, content.len - n);
	} while (content.len > 0);
	buf_free(&text);
}

static enum admin_outcome outcome_of(enum err_code code)
{
	switch (code) {
	case ERR_NONE:
		return ADMIN_OK;
	case ERR_REFUSED:
		return ADMIN_REFUSED;
	case ERR_NOT_FOUND:
		return ADMIN_NOT_FOUND;
	case ERR_MALFORMED:
	case ERR_UNSUPPORTED:
	case ERR_INVALID:
	case ERR_LIMIT:
	case ERR_CRYPTO:
		return ADMIN_INVALID;
	case ERR_MEMORY:
	case ERR_SYSTEM:
	case ERR_FULL:
	case ERR_INTERNAL:
		break;
	}
	return ADMIN_FAILED;
}

void admin_answer_fail(struct admin_answer *a, const struct err *why)
{
	a->outcome = outcome_of(why->code);
	admin_answer_say(a, "%s", why->text);
}

bool admin_answer_encode(
    struct buf *out, const struct admin_answer *a, const uint8_t rid[ADMIN_RID_BYTES], struct err *e)
{
	size_t n_rows = a->n_columns ? a->n_cells / a->n_columns : 0;

	if (a->lines.failed || a->facts.failed || a->columns.failed || a->rows.failed)
		return err_set(e, ERR_MEMORY, "admin answer: no memory");
	put_head(out, ADMIN_ANSWER, rid);
	mpwrite_map(out, 6);
	mpwrite_key_uint(out, 0, a->outcome);
	mpwrite_uint(out, 2);
	mpwrite_array(out, a->n_lines);
	buf_put_bytes(out, buf_bytes(&a->lines));
	mpwrite_uint(out, 4);
	mpwrite_array(out, a->n_facts);
	buf_put_bytes(out, buf_bytes(&a->facts));
	mpwrite_uint(out, 6);
	mpwrite_array(out, a->n_columns);
	buf_put_bytes(out, buf_bytes(&a->columns));
	mpwrite_uint(out, 8);
	mpwrite_array(out, n_rows * a->n_columns);
	buf_put(out, a->rows.data, a->whole);
	mpwrite_uint(out, 10);
	mpwrite_bool(out, a->cut);
	return mpwrite_done(out, "admin answer", e);
}

void admin_answer_free(struct admin_answer *a)
{
	buf_free(&a->lines);
	buf_free(&a->facts);
	buf_free(&a->columns);
	buf_free(&a->rows);
	*a = (struct admin_answer){ 0 };
}

/* Letters, digits, '.', '_', '-', not beginning with '.': never a path. */
static bool name_is_table_file(struct bytes text)
{
	for (size_t i = 0; i < text.len; i++) {
		uint8_t c = text.at[i];
		bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');

		if (!letter && (i == 0 || (c != '.' && c != '_' && c != '-')))
			return false;
	}
	return text.len > 0;
}

/* An array of texts into memory of its own; n is bounded by what the profile check found in the input. */
static struct bytes *read_texts(struct mpread *r, const char *what, size_t max, size_t *n)
{
	size_t count = mpread_array(r, what, 0, max);
	struct bytes *text = count ? calloc(count, sizeof *text) : NULL;

	*n = 0;
	if (count && !text) {
		mpread_fail(r, ERR_MEMORY, what, "no memory");
		return NULL;
	}
	for (size_t i = 0; i < count; i++)
		text[i] = mpread_str(r, what, LIMIT_REPLY_BYTES);
	*n = count;
	return text;
}

static void read_facts(struct mpread *r, struct admin_reply *out)
{
	size_t n = mpread_array(r, "facts", 0, FACTS_MAX);

	out->fact = n ? calloc(n, sizeof *out->fact) : NULL;
	if (n && !out->fact) {
		mpread_fail(r, ERR_MEMORY, "facts", "no memory");
		return;
	}
	out->n_facts = n;
	for (size_t i = 0; i < n; i++) {
		mpread_array(r, "fact", 2, 2);
		out->fact[i].name = mpread_str(r, "name", LIMIT_REPLY_BYTES);
		out->fact[i].value = mpread_str(r, "value", LIMIT_REPLY_BYTES);
	}
}

static void read_answer(struct mpread *r, struct mpmap *m, struct admin_reply *out)
{
	size_t n_cells = 0;

	mpmap_need(r, m, 0, "outcome");
	out->outcome = (enum admin_outcome)mpread_uint(r, "outcome", ADMIN_OK, ADMIN_WITHHELD);
	mpmap_need(r, m, 2, "lines");
	out->line = read_texts(r, "lines", LINES_MAX, &out->n_lines);
	mpmap_need(r, m, 4, "facts");
	read_facts(r, out);
	mpmap_need(r, m, 6, "columns");
	out->column = read_texts(r, "columns", COLUMNS_MAX, &out->n_columns);
	mpmap_need(r, m, 8, "cells");
	out->cell = read_texts(r, "cells", CELLS_MAX, &n_cells);
	mpmap_need(r, m, 10, "cut");
	out->cut = mpread_bool(r, "cut");
	if (out->n_columns ? n_cells % out->n_columns : n_cells)
		mpread_fail(r, ERR_MALFORMED, "cells", "the last row is not whole");
	out->n_rows = out->n_columns ? n_cells / out->n_columns : 0;
}

bool admin_reply_decode(struct admin_reply *r, struct bytes in, struct err *e)
{
	struct mpread cursor = mpread_open(in, LIMIT_NODES_LARGE);

	*r = (struct admin_reply){ 0 };
	mpread_array(&cursor, "answer", 4, 4);
	mpread_choice(&cursor, "version", 1, 1);
	mpread_choice(&cursor, "kind", ADMIN_ANSWER, ADMIN_ANSWER);
	mpread_bin_exact(&cursor, "rid", r->rid, sizeof r->rid);
	struct mpmap m = mpread_map(&cursor, "fields");
	read_answer(&cursor, &m, r);
	mpmap_end(&cursor, &m);
	return mpread_close(&cursor, e);
}

bool admin_reply_file(
    const struct admin_reply *r, size_t *row, char *name, size_t room, struct buf *content, struct err *e)
{
	uint8_t piece[PIECE_BYTES];
	size_t len, first = *row;

	*e = (struct err){ 0 };
	if (r->n_columns != 2 || first >= r->n_rows)
		return false;
	struct bytes file = r->cell[2 * first];
	if (!name_is_table_file(file) || file.len >= room)
		return err_set(e, ERR_MALFORMED, "a file has no name that a table's file can have");
	memcpy(name, file.at, file.len);
	name[file.len] = '\0';
	for (; *row < r->n_rows && bytes_equal(r->cell[2 * *row], file); ++*row) {
		if (!base64_decode(piece, sizeof piece, &len, r->cell[2 * *row + 1]))
			return err_set(e, ERR_MALFORMED, "%s: not base64", name);
		buf_put(content, piece, len);
	}
	memset(piece, 0, sizeof piece);
	return !content->failed || err_set(e, ERR_MEMORY, "%s: no memory", name);
}

void admin_reply_free(struct admin_reply *r)
{
	free(r->line);
	free(r->fact);
	free(r->column);
	free(r->cell);
	*r = (struct admin_reply){ 0 };
}

void admin_put_frame(struct buf *out, struct bytes body)
{
	for (int shift = 24; shift >= 0; shift -= 8)
		buf_put_byte(out, (uint8_t)(body.len >> shift));
	buf_put_bytes(out, body);
}

bool admin_length(const uint8_t head[ADMIN_LENGTH_BYTES], size_t max, size_t *len, struct err *e)
{
	uint32_t n =
	    ((uint32_t)head[0] << 24) | ((uint32_t)head[1] << 16) | ((uint32_t)head[2] << 8) | head[3];

	*len = n;
	if (n == 0)
		return err_set(e, ERR_MALFORMED, "admin: an empty frame");
	return n <= max || err_set(e, ERR_LIMIT, "admin: the frame is longer than allowed");
}
