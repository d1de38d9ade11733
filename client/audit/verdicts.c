#include "client/audit/verdicts.h"
#include "client/audit/audit.h"
#include "client/audit/source.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const names[] = { "holds", "fails", "unchecked" };

const char *verdict_name(enum verdict verdict)
{
	return names[verdict];
}

static struct verdict_line *grow(struct verdicts *v)
{
	if (v->n == v->room) {
		size_t room = v->room ? v->room * 2 : 32;
		struct verdict_line *grown = realloc(v->at, room * sizeof *grown);

		if (grown == NULL) {
			v->failed = true;
			return NULL;
		}
		v->at = grown;
		v->room = room;
	}
	return &v->at[v->n++];
}

void verdicts_add(
    struct verdicts *v, enum verdict verdict, const char *what, const char *where, const char *fmt, ...)
{
	struct verdict_line *line = grow(v);
	va_list list;

	if (line == NULL)
		return;
	line->verdict = verdict;
	(void)snprintf(line->what, sizeof line->what, "%s", what);
	(void)snprintf(line->where, sizeof line->where, "%s", where);
	va_start(list, fmt);
	(void)vsnprintf(line->text, sizeof line->text, fmt, list);
	va_end(list);
}

void verdicts_add_code(struct verdicts *v, int audit_code, const char *what, const char *where,
    const char *text, const struct err *e)
{
	if (audit_code == AUDIT_HOLDS)
		verdicts_add(v, VERDICT_HOLDS, what, where, "%s", text);
	else
		verdicts_add(v,
		    audit_code == AUDIT_FAILS || audit_code == SOURCE_ABSENT ? VERDICT_FAILS
									     : VERDICT_UNCHECKED,
		    what, where, "%s", e->text[0] ? e->text : _("it is not there"));
}

int verdicts_code(const struct verdicts *v)
{
	int code = v->failed ? AUDIT_UNCHECKED : AUDIT_HOLDS;

	for (size_t i = 0; i < v->n; i++) {
		if (v->at[i].verdict == VERDICT_FAILS)
			return AUDIT_FAILS;
		if (v->at[i].verdict == VERDICT_UNCHECKED)
			code = AUDIT_UNCHECKED;
	}
	return code;
}

void verdicts_put(struct buf *out, const struct verdicts *v)
{
	const char *const mark[] = { _("holds"), _("DOES NOT HOLD"), _("not checked") };

	for (size_t i = 0; i < v->n; i++) {
		const struct verdict_line *l = &v->at[i];

		buf_printf(out, "%s%*s  %s%s%s: %s\n", mark[l->verdict],
		    (int)(14 - (text_width(mark[l->verdict]) < 14 ? text_width(mark[l->verdict]) : 14)), "",
		    l->what, l->where[0] ? " " : "", l->where, l->text);
	}
}

void verdicts_put_json(struct buf *out, const struct verdicts *v)
{
	buf_printf(out, "{\"holds\":%s,\"checks\":[", verdicts_code(v) == AUDIT_HOLDS ? "true" : "false");
	for (size_t i = 0; i < v->n; i++) {
		buf_printf(out, "%s{\"verdict\":\"%s\",\"what\":", i ? "," : "", names[v->at[i].verdict]);
		text_json(out, v->at[i].what);
		buf_put_text(out, ",\"where\":");
		text_json(out, v->at[i].where);
		buf_put_text(out, ",\"text\":");
		text_json(out, v->at[i].text);
		buf_put_text(out, "}");
	}
	buf_put_text(out, "]}\n");
}

void verdicts_csv_field(struct buf *out, const char *text)
{
	if (strpbrk(text, ",\"\r\n") == NULL) {
		buf_put_text(out, text);
		return;
	}
	buf_put_byte(out, '"');
	for (; *text != 0; text++) {
		if (*text == '"')
			buf_put_byte(out, '"');
		buf_put_byte(out, (uint8_t)*text);
	}
	buf_put_byte(out, '"');
}

void verdicts_put_csv(struct buf *out, const struct verdicts *v)
{
	buf_put_text(out, "verdict,what,where,text\n");
	for (size_t i = 0; i < v->n; i++) {
		buf_printf(out, "%s,", names[v->at[i].verdict]);
		verdicts_csv_field(out, v->at[i].what);
		buf_put_byte(out, ',');
		verdicts_csv_field(out, v->at[i].where);
		buf_put_byte(out, ',');
		verdicts_csv_field(out, v->at[i].text);
		buf_put_byte(out, '\n');
	}
}

bool verdicts_tell(const struct verdicts *v, const struct args *args)
{
	struct buf out = { 0 };
	if (args_flag(args, "json"))
		verdicts_put_json(&out, v);
	else if (args_flag(args, "csv"))
		verdicts_put_csv(&out, v);
	else
		verdicts_put(&out, v);
	bool ok = text_put(&out);
	buf_free(&out);
	return ok;
}

void verdicts_free(struct verdicts *v)
{
	free(v->at);
	*v = (struct verdicts){ 0 };
}
