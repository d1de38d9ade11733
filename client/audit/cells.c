/* `audit log` with filters of cells: every hidden cell of every release, from the sealed manifests. */
#include "client/audit/cells.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct listing {
	const struct filter *filter;
	const struct args *args;
	struct buf out;
	size_t n;
};

struct decision {
	const struct session_release *release;
	const struct sealed_manifest *manifest;
	const json_t *line, *cell;
	const char *tables;
};

static bool has_word(const char *words, const char *word)
{
	size_t len = strlen(word);

	for (const char *at = words; *at != 0; at += strcspn(at, " "), at += *at == ' ') {
		if (strcspn(at, " ") == len && memcmp(at, word, len) == 0)
			return true;
	}
	return false;
}

static bool array_has(const json_t *array, const char *prefix, const char *word)
{
	json_t *item;
	size_t i, len = strlen(prefix);

	for (i = 0; (item = json_array_get(array, i)) != NULL; i++) {
		const char *text = json_string_value(item);

		if (text != NULL && strncmp(text, prefix, len) == 0 && strcmp(text + len, word) == 0)
			return true;
	}
	return false;
}

/* The office's own cells, and those that are kept from it by name. */
static bool of_office(const struct decision *d, const char *office)
{
	const struct config *config = d->release->config;
	const char *dimension = config->list[config->office_list].name;

	return strcmp(sealed_code(d->manifest, d->cell, dimension), office) == 0 ||
	       array_has(json_object_get(d->line, "against"), "office:", office);
}

static bool wants(const struct filter *f, const struct decision *d)
{
	const char *class = sealed_class(d->line);

	return (f->office == NULL || of_office(d, f->office)) &&
	       (f->table == NULL || has_word(d->tables, f->table)) &&
	       (f->rule == NULL || array_has(json_object_get(d->line, "rules"), "", f->rule)) &&
	       (f->outcome == NULL || strcmp(f->outcome, "hidden") == 0 || strcmp(f->outcome, class) == 0);
}

static void put_why(struct buf *out, const json_t *line)
{
	if (strcmp(sealed_class(line), "primary") == 0)
		sealed_rules(out, line);
	else
		sealed_protects(out, line);
}

/* ,"name":"text" or ,text */
static void put_field(struct buf *out, const char *name, struct buf *text, bool json)
{
	buf_put_byte(text, 0);
	if (text->failed)
		out->failed = true;
	else if (json) {
		buf_printf(out, ",\"%s\":", name);
		text_json(out, (const char *)text->data);
	} else {
		buf_put_byte(out, ',');
		verdicts_csv_field(out, (const char *)text->data);
	}
	buf_free(text);
}

static void put_for_people(
    struct buf *out, const struct decision *d, const struct buf *cell, const struct buf *why)
{
	buf_printf(out, "%6llu  %-8s %-16s %-9s ", (unsigned long long)d->release->leaf.index,
	    d->release->leaf.period, d->tables, sealed_class(d->line));
	buf_put_bytes(out, buf_bytes(cell));
	buf_put_text(out, ": ");
	buf_put_bytes(out, buf_bytes(why));
	buf_put_byte(out, '\n');
}

static void put_numbers(struct buf *out, const struct log_entry *x, bool json)
{
	unsigned long long leaf = x->index, time = x->time_s, revision = x->revision;

	if (json)
		buf_printf(out,
		    "{\"leaf\":%llu,\"time\":%llu,\"dataset\":\"%s\",\"period\":\"%s\",\"revision\":%llu",
		    leaf, time, x->dataset, x->period, revision);
	else
		buf_printf(out, "%llu,%llu,%s,%s,%llu", leaf, time, x->dataset, x->period, revision);
}

static void put_decision(struct listing *l, const struct decision *d)
{
	bool json = args_flag(l->args, "json"), csv = args_flag(l->args, "csv");
	struct buf cell = { 0 }, why = { 0 }, against = { 0 }, tables = { 0 }, class = { 0 };
	struct buf *out = &l->out;

	sealed_cell_name(&cell, d->cell);
	put_why(&why, d->line);
	sealed_against(&against, d->line);
	buf_put_text(&tables, d->tables);
	buf_put_text(&class, sealed_class(d->line));
	if (json || csv) {
		if (json)
			buf_put_text(out, l->n > 0 ? ",\n" : "\n");
		put_numbers(out, &d->release->leaf, json);
		put_field(out, "tables", &tables, json);
		put_field(out, "outcome", &class, json);
		put_field(out, "cell", &cell, json);
		put_field(out, "why", &why, json);
		put_field(out, "against", &against, json);
		buf_put_text(out, json ? "}" : "\n");
	} else {
		put_for_people(out, d, &cell, &why);
	}
	l->n++;
	buf_free(&cell);
	buf_free(&why);
	buf_free(&against);
	buf_free(&tables);
	buf_free(&class);
}

static void list_cells(struct listing *l, const struct session_release *r, const struct sealed_manifest *m)
{
	json_t *tables = sealed_tables(m, &r->files.rows, r->config), *line;
	struct buf name = { 0 };
	size_t i;

	for (i = 0; (line = json_array_get(m->cells, i)) != NULL; i++) {
		struct decision d = {
			.release = r, .manifest = m, .line = line, .cell = json_object_get(line, "cell")
		};

		buf_clear(&name);
		sealed_cell_name(&name, d.cell);
		buf_put_byte(&name, 0);
		d.tables =
		    name.failed ? NULL : json_string_value(json_object_get(tables, (const char *)name.data));
		d.tables = d.tables != NULL ? d.tables : "";
		if (wants(l->filter, &d))
			put_decision(l, &d);
	}
	buf_free(&name);
	json_decref(tables);
}

static int list_release(struct listing *l, struct session *s, const struct log_entry *x, struct err *e)
{
	char name[160];
	struct sealed_manifest m = { 0 };
	struct buf plain = { 0 };
	int code;

	(void)snprintf(
	    name, sizeof name, "%s/%s/%llu", x->dataset, x->period, (unsigned long long)x->revision);
	struct session_release *r = session_fetch(s, name, &code, e);
	if (code == AUDIT_HOLDS)
		code = sealed_open(&m, &s->source, x, NULL, &plain, e);
	if (code == AUDIT_HOLDS)
		code = sealed_compare(&m, &r->files, r->config, &s->verdicts, r->where, e);
	if (code == AUDIT_HOLDS)
		list_cells(l, r, &m);
	else if (r != NULL)
		err_wrap(e, "%s", r->where);
	buf_free(&plain);
	sealed_close(&m);
	session_drop(r);
	return code;
}

int cells_list(struct session *s, const struct filter *f, const struct args *args, struct err *e)
{
	struct listing l = { .filter = f, .args = args };
	bool json = args_flag(args, "json");
	struct log_entry x;
	int code = AUDIT_HOLDS;

	if (args_flag(args, "csv"))
		buf_put_text(&l.out, "leaf,time,dataset,period,revision,tables,outcome,cell,why,against\n");
	if (json)
		buf_put_text(&l.out, "[");
	for (uint64_t i = 0; code == AUDIT_HOLDS && i < s->log.n; i++) {
		if (loglist_entry_of(&s->log, i, LOG_RELEASE, &x) && filter_wants_period(f, &x) &&
		    !releasecheck_withdrawn(&s->log, &x))
			code = list_release(&l, s, &x, e);
	}
	if (json)
		buf_put_text(&l.out, "\n]\n");
	if (!text_put(&l.out) && code == AUDIT_HOLDS) {
		(void)err_set(e, ERR_SYSTEM, "%s", _("the output cannot be written"));
		code = AUDIT_UNCHECKED;
	}
	buf_free(&l.out);
	return code;
}
