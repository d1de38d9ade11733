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

static bool write_plain(const char *path, const struct buf *plain, struct err *e)
{
	char dir[FILE_PATH];
	const char *slash = strrchr(path, '/');

	(void)snprintf(dir, sizeof dir, "%.*s", slash ? (int)(slash - path) : 1, slash ? path : ".");
	return file_write(dir, slash ? slash + 1 : path, 0600, buf_bytes(plain), e);
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
	if (code == AUDIT_HOLDS && output != NULL && !write_plain(output, &plain, &e))
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

static void put_csv_line(struct buf *out, const json_t *line)
{
	struct buf field[3] = { 0 };

	sealed_cell_name(&field[0], json_object_get(line, "cell"));
	if (strcmp(sealed_class(line), "primary") == 0)
		sealed_rules(&field[1], line);
	else
		sealed_protects(&field[1], line);
	sealed_against(&field[2], line);
	for (size_t i = 0; i < 3; i++) {
		buf_put_byte(&field[i], 0);
		if (!field[i].failed)
			verdicts_csv_field(out, (const char *)field[i].data);
		if (i == 0)
			buf_printf(out, ",%s", sealed_class(line));
		buf_put_text(out, i < 2 ? "," : "\n");
		buf_free(&field[i]);
	}
}

static void put_lines(
    struct buf *out, const struct sealed_manifest *m, const json_t *only, const struct args *args)
{
	json_t *line;
	size_t i;

	if (args_flag(args, "csv"))
		buf_put_text(out, "cell,class,why,against\n");
	for (i = 0; (line = json_array_get(m->cells, i)) != NULL; i++) {
		if (only != NULL && line != only)
			continue;
		if (args_flag(args, "json"))
			put_json(out, line);
		else if (args_flag(args, "csv"))
			put_csv_line(out, line);
		else
			sealed_explain(out, line);
	}
}

static int explain(struct session *s, const struct session_release *r, const struct sealed_manifest *m,
    const struct args *args, struct err *e)
{
	struct buf out = { 0 };
	const json_t *only = NULL;

	if (args->n > 1) {
		only = sealed_find(m, args->at[1]);
		if (only == NULL) {
			(void)err_set(e, ERR_NOT_FOUND,
			    _("%s is not a hidden cell of this release; a cell is its codes joined by |: %s"),
			    args->at[1], (const char *)m->columns.data);
			return AUDIT_USAGE;
		}
	}
	put_lines(&out, m, only, args);
	if (!args_flag(args, "json") && !args_flag(args, "csv"))
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
