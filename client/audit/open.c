/* `cellveil audit open` and `audit explain`: the sealed manifest of a release, compared and asked. */
#include "client/audit/session.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Release, manifest, comparison. *m is to be closed in any case. */
static int open_release(struct session *s, struct session_release *r, struct sealed_manifest *m,
    const char *file, struct buf *plain, struct err *e)
{
	int code = sealed_open(m, &s->source, &r->leaf, file, plain, e);

	return code == AUDIT_HOLDS ? sealed_compare(m, &r->files, r->config, &s->verdicts, r->where, e)
				   : code;
}

static int put(struct buf *out, struct err *e)
{
	bool ok = text_put(out);

	buf_free(out);
	if (!ok)
		(void)err_set(e, ERR_SYSTEM, "%s", _("the output cannot be written"));
	return ok ? AUDIT_HOLDS : AUDIT_UNCHECKED;
}

static int tell_opened(const struct session_release *r, const struct sealed_manifest *m, struct err *e)
{
	struct buf out = { 0 };

	buf_printf(&out,
	    _("%s: the manifest is the one leaf %llu of the log binds; its %zu cells are the hidden "
	      "cells of the release.\n"),
	    r->where, (unsigned long long)r->leaf.index, json_array_size(m->cells));
	return put(&out, e);
}

int audit_open(const struct args *args)
{
	struct err e = { 0 };
	struct sealed_manifest m = { 0 };
	struct session_release *r = NULL;
	struct buf plain = { 0 };
	const char *output = args_value(args, "output");
	int code;
	struct session *s = session_open(args, &code, &e);

	if (code == AUDIT_HOLDS)
		r = session_fetch(s, args->at[0], &code, &e);
	if (code == AUDIT_HOLDS)
		code = open_release(s, r, &m, args_value(args, "file"), &plain, &e);
	if (code == AUDIT_HOLDS && output != NULL && !file_put(output, 0600, buf_bytes(&plain), &e))
		code = AUDIT_UNCHECKED;
	if (code == AUDIT_HOLDS)
		code = tell_opened(r, &m, &e);
	buf_free(&plain);
	sealed_close(&m);
	session_drop(r);
	return session_close(s, code, &e);
}

/* --- explain --- */

static void put_decision(struct buf *out, const struct session *s, const struct session_release *r)
{
	struct log_entry seal;

	buf_put_text(out, _("Decided: "));
	text_time(out, r->leaf.time_s);
	buf_printf(out, _(", leaf %llu of the log; policy and form: configuration "),
	    (unsigned long long)r->leaf.index);
	buf_put_hex(out, bytes_of(r->files.manifest.config, 8));
	if (loglist_entry(&s->log, r->files.manifest.seal, &seal, NULL))
		buf_printf(out, _("\nFrom %llu forms, sealed as leaf %llu"), (unsigned long long)seal.n,
		    (unsigned long long)seal.index);
	buf_put_text(out, "\n");
}

static void put_json(struct buf *out, const json_t *value)
{
	char *text = json_dumps(value, JSON_COMPACT);

	if (text == NULL)
		out->failed = true;
	else
		buf_put_text(out, text);
	free(text);
	buf_put_byte(out, '\n');
}

/* The facts about all cells, as a last line: when, as which leaf, under which configuration, from how many forms. */
static void put_json_decision(struct buf *out, const struct session *s, const struct session_release *r)
{
	struct log_entry seal;

	buf_printf(out, "{\"decided\":%llu,\"leaf\":%llu,\"config\":\"", (unsigned long long)r->leaf.time_s,
	    (unsigned long long)r->leaf.index);
	buf_put_hex(out, bytes_of(r->files.manifest.config, 32));
	buf_put_byte(out, '"');
	if (loglist_entry(&s->log, r->files.manifest.seal, &seal, NULL))
		buf_printf(out, ",\"forms\":%llu,\"seal\":%llu", (unsigned long long)seal.n,
		    (unsigned long long)seal.index);
	buf_put_text(out, "}\n");
}

/* leaf: that of the release, where `audit log` and `audit policy` tell the rest. */
static void put_csv_line(struct buf *out, const json_t *line, uint64_t leaf)
{
	struct buf field[4] = { 0 };

	sealed_cell_name(&field[0], json_object_get(line, "cell"));
	if (strcmp(sealed_class(line), "primary") == 0)
		sealed_rules(&field[1], line);
	else
		sealed_protects(&field[1], line);
	sealed_against(&field[2], line);
	sealed_through(&field[3], line);
	for (size_t i = 0; i < 4; i++) {
		buf_put_byte(&field[i], 0);
		if (!field[i].failed)
			verdicts_csv_field(out, (const char *)field[i].data);
		if (i == 0)
			buf_printf(out, ",%s", sealed_class(line));
		buf_put_byte(out, ',');
		buf_free(&field[i]);
	}
	buf_printf(out, "%llu\n", (unsigned long long)leaf);
}

static void put_lines(struct buf *out, const struct sealed_manifest *m, const json_t *only, uint64_t leaf,
    const struct args *args)
{
	json_t *line;
	size_t i;

	if (args_flag(args, "csv"))
		buf_put_text(out, "cell,class,why,against,through,leaf\n");
	for (i = 0; (line = json_array_get(m->cells, i)) != NULL; i++) {
		if (only != NULL && line != only)
			continue;
		if (args_flag(args, "json"))
			put_json(out, line);
		else if (args_flag(args, "csv"))
			put_csv_line(out, line, leaf);
		else
			sealed_explain(out, line);
	}
}

/* The words of a cell without the totals. */
static void put_words(struct buf *out, const char *cell)
{
	buf_clear(out);
	for (size_t len; *cell != 0; cell += len + (cell[len] == '|')) {
		len = strcspn(cell, "|");
		if (len == 2 && memcmp(cell, "_T", 2) == 0)
			continue;
		buf_printf(out, "%s%.*s", out->size > 0 ? "|" : "", (int)len, cell);
	}
	buf_put_byte(out, 0);
}

static void put_row(struct buf *out, const struct config *config, const struct release_rows_table *table,
    const struct release_row *row)
{
	struct buf whole = { 0 };

	buf_printf(&whole, "%s", config->measure[row->measure].name);
	for (uint16_t d = 0; d < table->n_dims; d++)
		buf_printf(
		    &whole, "|%s", config->list[model_list(config, table->dim[d])].code[row->code[d]].code);
	buf_put_byte(&whole, 0);
	if (whole.failed)
		out->failed = true;
	else
		put_words(out, (const char *)whole.data);
	buf_free(&whole);
}

/* What the release says of a cell that is not hidden; NULL: it has no such cell. Totals may be left out. */
static const char *state_of(const struct session_release *r, const char *cell)
{
	static const char *const text[] = { [RELEASE_PUBLISHED] = N_("it is printed"),
		[RELEASE_NOT_REPORTED] = N_("it was not reported"),
		[RELEASE_NOT_ASKED] = N_("it was not asked for"),
		[RELEASE_STRUCTURAL] = N_("it is nought by definition"),
		[RELEASE_PERTURBED] = N_("it is printed, rounded or moved by noise") };
	const char *found = NULL;
	struct buf name = { 0 }, asked = { 0 };

	put_words(&asked, cell);
	for (size_t t = 0; t < r->files.rows.n_tables && found == NULL; t++) {
		const struct release_rows_table *table = &r->files.rows.table[t];

		for (size_t i = 0; i < table->n_rows && found == NULL; i++) {
			const struct release_row *row = &table->row[i];

			put_row(&name, r->config, table, row);
			if (!name.failed && !asked.failed && row->state < sizeof text / sizeof *text &&
			    sealed_same_cell((const char *)name.data, (const char *)asked.data))
				found = text[row->state];
		}
	}
	buf_free(&name);
	buf_free(&asked);
	return found;
}

static int not_hidden(
    const struct session_release *r, const struct sealed_manifest *m, const char *cell, struct err *e)
{
	const char *state = state_of(r, cell);

	if (state != NULL)
		(void)err_set(e, ERR_NOT_FOUND, _("%s is not hidden: %s"), cell, _(state));
	else
		(void)err_set(e, ERR_NOT_FOUND,
		    _("%s is not a hidden cell of this release; a cell is its codes joined by |: %s"), cell,
		    (const char *)m->columns.data);
	return AUDIT_USAGE;
}

static int explain(struct session *s, const struct session_release *r, const struct sealed_manifest *m,
    const struct args *args, struct err *e)
{
	struct buf out = { 0 };
	const json_t *only = NULL;

	if (args->n > 1) {
		only = sealed_find(m, args->at[1]);
		if (only == NULL)
			return not_hidden(r, m, args->at[1], e);
	}
	put_lines(&out, m, only, r->leaf.index, args);
	if (args_flag(args, "json"))
		put_json_decision(&out, s, r);
	else if (!args_flag(args, "csv"))
		put_decision(&out, s, r);
	return put(&out, e);
}

int audit_explain(const struct args *args)
{
	struct err e = { 0 };
	struct sealed_manifest m = { 0 };
	struct session_release *r = NULL;
	struct buf plain = { 0 };
	int code;
	struct session *s = session_open(args, &code, &e);

	if (code == AUDIT_HOLDS)
		r = session_fetch(s, args->at[0], &code, &e);
	if (code == AUDIT_HOLDS)
		code = open_release(s, r, &m, NULL, &plain, &e);
	if (code == AUDIT_HOLDS)
		code = explain(s, r, &m, args, &e);
	buf_free(&plain);
	sealed_close(&m);
	session_drop(r);
	return session_close(s, code, &e);
}
