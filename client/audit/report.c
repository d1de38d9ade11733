/* `cellveil audit report`: one HTML file for people. No script, nothing from the network; every chart has its
 * table. Without --reasons it holds public facts only. */
#include "client/audit/report.h"
#include "client/audit/leaftext.h"
#include "client/audit/session.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const char style[] =
    "body{font:16px/1.5 system-ui,sans-serif;color:#1a1a1a;background:#fff;max-width:64rem;margin:0 auto;"
    "padding:1rem}table{border-collapse:collapse;margin:1rem "
    "0;width:100%}caption{text-align:left;font-weight:"
    "bold;padding:.3rem 0}th,td{border:1px solid #767676;padding:.25rem .5rem;text-align:left;vertical-align:"
    "top;overflow-wrap:anywhere}thead th{background:#f0f0f0}td.n{text-align:right;font-variant-numeric:"
    "tabular-nums}.fails{font-weight:bold;background:#fde7e7;color:#7a0000}.unchecked{background:#fff6d6;"
    "color:"
    "#4d3b00}.holds{color:#0b4f1c}svg text{font:12px system-ui,sans-serif;fill:#1a1a1a}svg .bar{fill:#1f5fa8}"
    "svg .open{fill:#1f5fa8;fill-opacity:.55}svg "
    ".known{fill:#7a0000}svg{display:block;break-inside:avoid}h3,h4,caption{break-after:avoid}a:focus{"
    "outline:3px solid #1f5fa8}@media "
    "print{body{max-width:none}"
    "thead{display:table-header-group}tr{break-inside:avoid}}";

void report_html(struct buf *out, const char *text)
{
	for (; *text != 0; text++) {
		if (*text == '<')
			buf_put_text(out, "&lt;");
		else if (*text == '>')
			buf_put_text(out, "&gt;");
		else if (*text == '&')
			buf_put_text(out, "&amp;");
		else if (*text == '"')
			buf_put_text(out, "&quot;");
		else
			buf_put_byte(out, (uint8_t)*text);
	}
}

void report_cell(struct buf *out, struct buf *text, const char *class)
{
	buf_put_byte(text, 0);
	buf_printf(out, "<td%s%s%s>", class ? " class=\"" : "", class ? class : "", class ? "\"" : "");
	if (!text->failed)
		report_html(out, (const char *)text->data);
	buf_put_text(out, "</td>");
	buf_clear(text);
}

void report_table(struct buf *out, const char *caption, const char *const *head, size_t n)
{
	buf_put_text(out, "<table><caption>");
	report_html(out, caption);
	buf_put_text(out, "</caption><thead><tr>");
	for (size_t i = 0; i < n; i++) {
		buf_put_text(out, "<th scope=\"col\">");
		report_html(out, head[i]);
		buf_put_text(out, "</th>");
	}
	buf_put_text(out, "</tr></thead><tbody>\n");
}

/* --- parts --- */

static void put_verdicts(struct buf *out, const struct verdicts *v)
{
	const char *const head[] = { _("Result"), _("What"), _("Where"), _("Finding") };
	const char *const word[] = { _("holds"), _("DOES NOT HOLD"), _("not checked") };

	report_table(out, _("What was computed again, and what came of it"), head, 4);
	for (size_t i = 0; i < v->n; i++) {
		const struct verdict_line *l = &v->at[i];

		buf_printf(out, "<tr><th scope=\"row\" class=\"%s\">", verdict_name(l->verdict));
		report_html(out, word[l->verdict]);
		buf_put_text(out, "</th><td>");
		report_html(out, l->what);
		buf_put_text(out, "</td><td>");
		report_html(out, l->where);
		buf_put_text(out, "</td><td>");
		report_html(out, l->text);
		buf_put_text(out, "</td></tr>\n");
	}
	buf_put_text(out, "</tbody></table>\n");
}

static void put_leaves(struct buf *out, const struct loglist *l)
{
	const char *const head[] = { _("Leaf"), _("Time"), _("Dataset"), _("Period"), _("Decision") };
	struct buf text = { 0 };
	struct log_entry x;

	report_table(out, _("Decisions, from the log; received forms are counted, not listed"), head, 5);
	for (uint64_t i = 0; i < l->n; i++) {
		if (!loglist_entry(l, i, &x, NULL) || x.kind == LOG_SUBMISSION)
			continue;
		buf_printf(out, "<tr><th scope=\"row\">%llu</th>", (unsigned long long)i);
		text_time(&text, x.time_s);
		report_cell(out, &text, NULL);
		buf_put_text(&text, x.dataset);
		report_cell(out, &text, NULL);
		buf_put_text(&text, x.period);
		report_cell(out, &text, NULL);
		leaftext_put(&text, &x);
		report_cell(out, &text, NULL);
		buf_put_text(out, "</tr>\n");
	}
	buf_put_text(out, "</tbody></table>\n");
	buf_free(&text);
}

struct wish {
	bool reasons;
	const char *figures; /* a folder with one per period; NULL: none */
};

static int put_release(struct buf *out, struct session *s, const struct log_entry *x, const struct wish *w,
    size_t number, struct err *e)
{
	char name[128];
	struct sealed_manifest m = { 0 };
	struct buf plain = { 0 };
	int code;

	(void)snprintf(
	    name, sizeof name, "%s/%s/%llu", x->dataset, x->period, (unsigned long long)x->revision);
	struct session_release *r = session_fetch(s, name, &code, e);
	if (code == AUDIT_HOLDS && w->reasons)
		code = sealed_open(&m, &s->source, x, NULL, &plain, e);
	if (code == AUDIT_HOLDS && w->reasons)
		code = sealed_compare(&m, &r->files, r->config, &s->verdicts, r->where, e);
	if (code == AUDIT_HOLDS) {
		buf_put_text(out, "<h3>");
		report_html(out, r->where);
		buf_put_text(out, "</h3>\n<p>");
		buf_printf(out, _("%llu cells, %llu of them hidden; leaf %llu of the log."),
		    (unsigned long long)x->cells, (unsigned long long)x->suppressed,
		    (unsigned long long)x->index);
		buf_put_text(out, "</p>\n");
		if (x->suppressed > 0)
			code = report_intervals(out, s, r, w->reasons ? &m : NULL, w->figures, number, e);
	}
	buf_free(&plain);
	sealed_close(&m);
	session_drop(r);
	return code;
}

static int put_releases(struct buf *out, struct session *s, const struct wish *w, struct err *e)
{
	struct log_entry x;
	char where[128];
	int code, worst = AUDIT_HOLDS;
	size_t number = 0;

	for (uint64_t i = 0; i < s->log.n; i++) {
		if (!loglist_entry_of(&s->log, i, LOG_RELEASE, &x))
			continue;
		code = put_release(out, s, &x, w, ++number, e);
		if (code == AUDIT_HOLDS)
			continue;
		verdicts_add_code(&s->verdicts, code, "report", releasecheck_name(where, &x), "", e);
		worst = worst == AUDIT_HOLDS ? code : worst;
	}
	return worst;
}

static void put_page(
    struct buf *out, const struct session *s, const struct buf *releases, const struct wish *w)
{
	uint64_t forms = 0;
	struct log_entry x;

	for (uint64_t i = 0; i < s->log.n; i++)
		forms += loglist_entry_of(&s->log, i, LOG_SUBMISSION, &x);
	buf_printf(out,
	    "<!DOCTYPE html>\n<html lang=\"%s\">\n<head>\n<meta charset=\"utf-8\">\n"
	    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>",
	    text_language() == LANGUAGE_SV ? "sv" : "en");
	report_html(out, _("Audit report"));
	buf_printf(out, " – %s</title>\n<style>%s</style>\n</head>\n<body>\n<main>\n<h1>",
	    s->log.checkpoint.origin, style);
	report_html(out, _("Audit report"));
	buf_put_text(out, "</h1>\n<p>");
	buf_printf(out, _("Log %s, %llu entries, %llu forms received. Made "), s->log.checkpoint.origin,
	    (unsigned long long)s->log.n, (unsigned long long)forms);
	text_time(out, (uint64_t)time(NULL));
	buf_put_text(out, ".</p>\n");
	if (w->reasons || w->figures != NULL) {
		buf_put_text(out, "<p><strong>");
		report_html(out, w->figures != NULL
				     ? _("Confidential: this report tells what offices can compute from "
					 "their own figures.")
				     : _("Confidential: this report tells why cells are hidden."));
		buf_put_text(out, "</strong></p>\n");
	}
	buf_put_text(out, "<h2>");
	report_html(out, _("Proofs"));
	buf_put_text(out, "</h2>\n");
	put_verdicts(out, &s->verdicts);
	buf_put_text(out, "<h2>");
	report_html(out, _("Releases"));
	buf_put_text(out, "</h2>\n");
	buf_put_bytes(out, buf_bytes(releases));
	buf_put_text(out, "<h2>");
	report_html(out, _("Decisions"));
	buf_put_text(out, "</h2>\n");
	put_leaves(out, &s->log);
	buf_put_text(out, "</main>\n</body>\n</html>\n");
}

int audit_report(const struct args *args)
{
	struct err e = { 0 };
	struct buf page = { 0 }, releases = { 0 };
	const char *output = args_value(args, "output");
	const struct wish w = { .reasons = args_flag(args, "reasons"),
		.figures = args_value(args, "figures") };
	bool ok;
	int code;
	struct session *s = session_open(args, &code, &e);

	if (s == NULL || !s->log.whole) /* nothing to show; told already */
		return session_close(s, code == AUDIT_HOLDS ? AUDIT_UNCHECKED : code, &e);
	(void)releasecheck_all(&s->log, &s->source, &s->verdicts, &e);
	(void)put_releases(&releases, s, &w, &e);
	put_page(&page, s, &releases, &w);
	e.text[0] = 0;
	ok = !page.failed && (output ? file_put(output, 0600, buf_bytes(&page), &e) : text_put(&page));
	code = ok ? verdicts_code(&s->verdicts) : AUDIT_UNCHECKED;
	buf_free(&page);
	buf_free(&releases);
	return session_close(s, code, &e);
}
