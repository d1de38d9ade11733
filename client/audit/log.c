/* `cellveil audit log`: the leaves, filtered. The log is verified first; if it does not hold, that is said. */
#include "client/audit/cells.h"
#include "client/audit/leaftext.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void put_text(struct buf *out, const struct log_entry *x)
{
	char number[24];

	(void)snprintf(number, sizeof number, "%llu", (unsigned long long)x->index);
	buf_printf(out, "%6s  ", number);
	text_time(out, x->time_s);
	buf_printf(out, "  %-24s ", x->dataset[0] ? x->dataset : "-");
	buf_printf(out, "%-8s ", x->period[0] ? x->period : "-");
	leaftext_put(out, x);
	buf_put_byte(out, '\n');
}

static void put_csv(struct buf *out, const struct log_entry *x)
{
	struct buf words = { 0 };

	buf_printf(out, "%llu,%llu,%s,%s,%s,", (unsigned long long)x->index, (unsigned long long)x->time_s,
	    log_kind_name(x->kind), x->dataset, x->period);
	if (x->kind == LOG_RELEASE || x->kind == LOG_PERIOD_SEAL || x->kind == LOG_NO_RELEASE ||
	    x->kind == LOG_SUPERSEDE || x->kind == LOG_WITHDRAW)
		buf_printf(out, "%llu", (unsigned long long)x->revision);
	buf_put_byte(out, ',');
	leaftext_put(&words, x);
	buf_put_byte(&words, 0);
	if (!words.failed)
		verdicts_csv_field(out, (const char *)words.data);
	buf_put_byte(out, ',');
	leaftext_put_object(out, x);
	buf_put_byte(out, '\n');
	buf_free(&words);
}

static bool put_leaves(
    struct buf *out, const struct loglist *l, const struct filter *f, const struct args *args, struct err *e)
{
	bool json = args_flag(args, "json"), csv = args_flag(args, "csv");
	struct log_entry x;
	size_t n = 0;

	if (csv)
		buf_put_text(out, "index,time,kind,dataset,period,revision,text,object\n");
	if (json)
		buf_put_text(out, "[");
	for (uint64_t i = 0; i < l->n; i++) {
		if (f->kind != NULL && l->kind != NULL && strcmp(f->kind, log_kind_name(l->kind[i])) != 0)
			continue;
		if (!loglist_entry(l, i, &x, e))
			return err_wrap(e, "leaf %llu", (unsigned long long)i);
		if (!filter_wants_leaf(f, &x))
			continue;
		if (json) {
			buf_put_text(out, n++ > 0 ? ",\n" : "\n");
			buf_put_bytes(out, loglist_bytes(l, i));
		} else if (csv) {
			put_csv(out, &x);
		} else {
			put_text(out, &x);
		}
	}
	if (json)
		buf_put_text(out, "\n]\n");
	return text_put(out) || err_set(e, ERR_SYSTEM, "%s", _("the output cannot be written"));
}

int audit_log(const struct args *args)
{
	struct filter f;
	struct session *s;
	struct buf out = { 0 };
	struct err e = { 0 };
	int code;

	if (!filter_take(&f, args))
		return AUDIT_USAGE;
	s = session_open(args, &code, &e);
	if (code == AUDIT_HOLDS && filter_asks_cells(&f))
		code = cells_list(s, &f, args, &e);
	else if (s != NULL && s->log.n > 0 && !filter_asks_cells(&f) &&
		 !put_leaves(&out, &s->log, &f, args, &e))
		code = code == AUDIT_HOLDS ? AUDIT_FAILS : code;
	buf_free(&out);
	return session_close(s, code, &e);
}
