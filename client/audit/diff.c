/* `cellveil audit diff A B`: cells hidden in the first and not in the second, or printed there and hidden here. Public
 * facts only. */
#include "client/audit/session.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Rows are told apart by table, measure and codes in words: configurations may differ. */
static void row_name(struct buf *out, const struct session_release *r, const struct release_rows_table *t,
    const struct release_row *row)
{
	buf_clear(out);
	buf_printf(out, "%s|%s", t->id, r->config->measure[row->measure].name);
	for (uint16_t d = 0; d < t->n_dims; d++)
		buf_printf(
		    out, "|%s", r->config->list[model_list(r->config, t->dim[d])].code[row->code[d]].code);
	buf_put_byte(out, 0);
}

static json_t *states(const struct session_release *r)
{
	json_t *all = json_object();
	struct buf name = { 0 };

	for (size_t t = 0; t < r->files.rows.n_tables; t++) {
		const struct release_rows_table *table = &r->files.rows.table[t];

		for (size_t i = 0; i < table->n_rows; i++) {
			row_name(&name, r, table, &table->row[i]);
			if (!name.failed)
				(void)json_object_set_new(
				    all, (const char *)name.data, json_integer(table->row[i].state));
		}
	}
	buf_free(&name);
	return all;
}

static bool is_printed(json_int_t state)
{
	return state == RELEASE_PUBLISHED || state == RELEASE_STRUCTURAL || state == RELEASE_PERTURBED;
}

/* What became of a cell, for programs and for people. is: an enum release_state, 0 where the release has no such cell. */
static const char *now_word(json_int_t is)
{
	static const char *const word[] = { "gone", "printed", "hidden", "not-reported", "not-asked",
		"printed", "printed" };

	return is >= 0 && (size_t)is < sizeof word / sizeof *word ? word[is] : "gone";
}

static const char *now_text(json_int_t is)
{
	static const char *const text[] = { N_("hidden then, gone now"), N_("hidden then, printed now"),
		N_("printed then, hidden now"), N_("hidden then, not reported now"),
		N_("hidden then, not asked for now"), N_("hidden then, printed now"),
		N_("hidden then, printed now") };

	return _(text[is >= 0 && (size_t)is < sizeof text / sizeof *text ? is : 0]);
}

static void put_change(struct buf *out, const char *cell, json_int_t is, const struct args *args)
{
	if (args_flag(args, "csv")) {
		verdicts_csv_field(out, cell);
		buf_printf(out, ",%s\n", now_word(is));
	} else if (args_flag(args, "json")) {
		buf_put_text(out, "{\"cell\":");
		text_json(out, cell);
		buf_printf(out, ",\"now\":\"%s\"}\n", now_word(is));
	} else {
		buf_printf(out, "%s: %s\n", cell, now_text(is));
	}
}

static int compare(
    const struct session_release *a, const struct session_release *b, const struct args *args, struct err *e)
{
	json_t *then = states(a), *now = states(b);
	struct buf out = { 0 };
	size_t n = 0;
	bool ok;

	if (args_flag(args, "csv"))
		buf_put_text(&out, "cell,now\n");
	for (void *it = json_object_iter(then); it != NULL; it = json_object_iter_next(then, it)) {
		const char *cell = json_object_iter_key(it);
		json_int_t was = json_integer_value(json_object_iter_value(it)),
			   is = json_integer_value(json_object_get(now, cell));

		if (!(was == RELEASE_SUPPRESSED && is != RELEASE_SUPPRESSED) &&
		    !(is_printed(was) && is == RELEASE_SUPPRESSED))
			continue;
		put_change(&out, cell, is, args);
		n++;
	}
	ok = text_put(&out);
	text_say(_("%zu cells differ between %s and %s"), n, a->where, b->where);
	json_decref(then);
	json_decref(now);
	buf_free(&out);
	return ok || err_set(e, ERR_SYSTEM, "%s", _("the output cannot be written")) ? AUDIT_HOLDS
										     : AUDIT_UNCHECKED;
}

int audit_diff(const struct args *args)
{
	struct err e = { 0 };
	struct session_release *a = NULL, *b = NULL;
	int code;
	struct session *s = session_open(args, &code, &e);

	if (code == AUDIT_HOLDS)
		a = session_fetch(s, args->at[0], &code, &e);
	if (code == AUDIT_HOLDS)
		b = session_fetch(s, args->at[1], &code, &e);
	if (code == AUDIT_HOLDS)
		code = compare(a, b, args, &e);
	session_drop(a);
	session_drop(b);
	return session_close(s, code, &e);
}
