/* `cellveil audit report`: one HTML file for people. No script, nothing from the network; every chart has its
 * table. Without --reasons it holds public facts only. */
#include "client/audit/leaftext.h"
#include "client/audit/session.h"
#include "client/protect/attack.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define INTERVALS_MAX 400u /* bars of one chart; the table has them all */
#define BAR_HEIGHT    18u
#define NAME_WIDTH    300u
#define BAR_WIDTH     420u

static const char style[] =
    "body{font:16px/1.5 system-ui,sans-serif;color:#1a1a1a;background:#fff;max-width:64rem;margin:0 auto;"
    "padding:1rem}table{border-collapse:collapse;margin:1rem "
    "0;width:100%}caption{text-align:left;font-weight:"
    "bold;padding:.3rem 0}th,td{border:1px solid #767676;padding:.25rem .5rem;text-align:left;vertical-align:"
    "top;overflow-wrap:anywhere}thead th{background:#f0f0f0}td.n{text-align:right;font-variant-numeric:"
    "tabular-nums}.fails{font-weight:bold;background:#fde7e7;color:#7a0000}.unchecked{background:#fff6d6;"
    "color:"
    "#4d3b00}.holds{color:#0b4f1c}svg text{font:12px system-ui,sans-serif;fill:#1a1a1a}svg .bar{fill:#1f5fa8}"
    "svg .open{fill:#1f5fa8;fill-opacity:.55}a:focus{outline:3px solid #1f5fa8}@media "
    "print{body{max-width:none}"
    "thead{display:table-header-group}tr{break-inside:avoid}}";

static void put_html(struct buf *out, const char *text)
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

static void put_cell(struct buf *out, struct buf *text, const char *class)
{
	buf_put_byte(text, 0);
	buf_printf(out, "<td%s%s%s>", class ? " class=\"" : "", class ? class : "", class ? "\"" : "");
	if (!text->failed)
		put_html(out, (const char *)text->data);
	buf_put_text(out, "</td>");
	buf_clear(text);
}

static void open_table(struct buf *out, const char *caption, const char *const *head, size_t n)
{
	buf_put_text(out, "<table><caption>");
	put_html(out, caption);
	buf_put_text(out, "</caption><thead><tr>");
	for (size_t i = 0; i < n; i++) {
		buf_put_text(out, "<th scope=\"col\">");
		put_html(out, head[i]);
		buf_put_text(out, "</th>");
	}
	buf_put_text(out, "</tr></thead><tbody>\n");
}

/* --- parts --- */

static void put_verdicts(struct buf *out, const struct verdicts *v)
{
	const char *const head[] = { _("Result"), _("What"), _("Where"), _("Finding") };
	const char *const word[] = { _("holds"), _("DOES NOT HOLD"), _("not checked") };

	open_table(out, _("What was computed again, and what came of it"), head, 4);
	for (size_t i = 0; i < v->n; i++) {
		const struct verdict_line *l = &v->at[i];

		buf_printf(out, "<tr><th scope=\"row\" class=\"%s\">", verdict_name(l->verdict));
		put_html(out, word[l->verdict]);
		buf_put_text(out, "</th><td>");
		put_html(out, l->what);
		buf_put_text(out, "</td><td>");
		put_html(out, l->where);
		buf_put_text(out, "</td><td>");
		put_html(out, l->text);
		buf_put_text(out, "</td></tr>\n");
	}
	buf_put_text(out, "</tbody></table>\n");
}

static void put_leaves(struct buf *out, const struct loglist *l)
{
	const char *const head[] = { _("Leaf"), _("Time"), _("Dataset"), _("Period"), _("Decision") };
	struct buf text = { 0 };
	struct log_entry x;

	open_table(out, _("Decisions, from the log; received forms are counted, not listed"), head, 5);
	for (uint64_t i = 0; i < l->n; i++) {
		if (!loglist_entry(l, i, &x, NULL) || x.kind == LOG_SUBMISSION)
			continue;
		buf_printf(out, "<tr><th scope=\"row\">%llu</th>", (unsigned long long)i);
		text_time(&text, x.time_s);
		put_cell(out, &text, NULL);
		buf_put_text(&text, x.dataset);
		put_cell(out, &text, NULL);
		buf_put_text(&text, x.period);
		put_cell(out, &text, NULL);
		leaftext_put(&text, &x);
		put_cell(out, &text, NULL);
		buf_put_text(out, "</tr>\n");
	}
	buf_put_text(out, "</tbody></table>\n");
	buf_free(&text);
}

/* --- intervals --- */

struct interval {
	char cell[160];
	unsigned long long lo, hi;
	bool open; /* no upper end */
};

/* Lines "cell,lo,hi,exact,why,attacker" of the public attacker. */
static size_t parse_intervals(char *csv, struct interval *at, size_t room)
{
	char *save = NULL;
	size_t n = 0;

	for (char *line = strtok_r(csv, "\n", &save); line != NULL; line = strtok_r(NULL, "\n", &save)) {
		char *lo = strchr(line, ','), *hi = lo ? strchr(lo + 1, ',') : NULL;

		if (hi == NULL || lo[1] < '0' || lo[1] > '9' || n == room)
			continue;
		(void)snprintf(at[n].cell, sizeof at[n].cell, "%.*s", (int)(lo - line), line);
		at[n].lo = strtoull(lo + 1, NULL, 10);
		at[n].open = hi[1] == ',';
		at[n].hi = at[n].open ? 0 : strtoull(hi + 1, NULL, 10);
		n++;
	}
	return n;
}

static unsigned long long width_of(const struct interval *x)
{
	return x->open ? ~0ull : x->hi - x->lo;
}

/* Worst first: the narrowest. */
static int compare_width(const void *a, const void *b)
{
	unsigned long long x = width_of(a), y = width_of(b);

	return x < y ? -1 : x > y;
}

static unsigned long long widest(const struct interval *at, size_t n)
{
	unsigned long long top = 1;

	for (size_t i = 0; i < n; i++) {
		unsigned long long end = at[i].open ? at[i].lo + 1 : at[i].hi;

		top = end > top ? end : top;
	}
	return top;
}

static void put_chart(struct buf *out, const struct interval *at, size_t n, const char *where, size_t number)
{
	unsigned long long top = widest(at, n);
	size_t shown = n < INTERVALS_MAX ? n : INTERVALS_MAX;

	buf_printf(out,
	    "<svg role=\"img\" aria-labelledby=\"c%zu-t c%zu-d\" width=\"100%%\" viewBox=\"0 0 %u %zu\">"
	    "<title id=\"c%zu-t\">",
	    number, number, NAME_WIDTH + BAR_WIDTH + 90, shown * BAR_HEIGHT + 10, number);
	put_html(out, where);
	buf_printf(out, "</title><desc id=\"c%zu-d\">", number);
	put_html(
	    out, _("One bar for each hidden cell: from the least to the greatest count a reader can compute. "
		   "The same numbers stand in the table below."));
	buf_put_text(out, "</desc>\n");
	for (size_t i = 0; i < shown; i++) {
		double from = (double)at[i].lo / (double)top * BAR_WIDTH;
		double to = at[i].open ? BAR_WIDTH : (double)at[i].hi / (double)top * BAR_WIDTH;

		buf_printf(out, "<text x=\"%u\" y=\"%zu\" text-anchor=\"end\">", NAME_WIDTH - 8,
		    i * BAR_HEIGHT + 14);
		put_html(out, at[i].cell);
		buf_printf(out,
		    "</text><rect class=\"%s\" x=\"%.1f\" y=\"%zu\" width=\"%.1f\" height=\"%u\"/>",
		    at[i].open ? "open" : "bar", NAME_WIDTH + from, i * BAR_HEIGHT + 3,
		    to - from < 2 ? 2 : to - from, BAR_HEIGHT - 6);
		if (at[i].open)
			buf_printf(out, "<text x=\"%.1f\" y=\"%zu\">%llu–</text>\n", NAME_WIDTH + to + 5,
			    i * BAR_HEIGHT + 14, at[i].lo);
		else
			buf_printf(out, "<text x=\"%.1f\" y=\"%zu\">%llu–%llu</text>\n", NAME_WIDTH + to + 5,
			    i * BAR_HEIGHT + 14, at[i].lo, at[i].hi);
	}
	buf_put_text(out, "</svg>\n");
}

static void put_table(struct buf *out, const struct interval *at, size_t n, const struct sealed_manifest *m)
{
	const char *const head[] = { _("Hidden cell"), _("At least"), _("At most"), _("Why it is hidden") };
	struct buf text = { 0 };

	open_table(
	    out, _("What a reader can compute about each hidden cell, narrowest first"), head, m ? 4 : 3);
	for (size_t i = 0; i < n; i++) {
		const json_t *line = m ? sealed_find(m, at[i].cell) : NULL;

		buf_put_text(out, "<tr><th scope=\"row\">");
		put_html(out, at[i].cell);
		buf_printf(out, "</th><td class=\"n\">%llu</td><td class=\"n\">", at[i].lo);
		if (at[i].open)
			put_html(out, _("no end"));
		else
			buf_printf(out, "%llu", at[i].hi);
		buf_put_text(out, "</td>");
		if (line != NULL && strcmp(sealed_class(line), "primary") == 0)
			sealed_rules(&text, line);
		else if (line != NULL) {
			buf_printf(&text, "%s ", _("hidden to protect:"));
			sealed_protects(&text, line);
		}
		if (m != NULL)
			put_cell(out, &text, NULL);
		buf_put_text(out, "</tr>\n");
	}
	buf_put_text(out, "</tbody></table>\n");
	buf_free(&text);
}

static int put_intervals(struct buf *out, struct session *s, const struct session_release *r,
    const struct sealed_manifest *m, size_t number, struct err *e)
{
	struct interval *at = calloc(r->leaf.suppressed * 4 + 64, sizeof *at);
	struct buf csv = { 0 };
	char dir[FILE_PATH];
	int code = AUDIT_UNCHECKED;
	bool ok =
	    at != NULL && releasecheck_unpack(&r->files, &s->source, dir, e) && attack_public(dir, &csv, e);

	buf_put_byte(&csv, 0);
	if (ok && !csv.failed) {
		size_t n = parse_intervals((char *)csv.data, at, r->leaf.suppressed * 4 + 64);

		qsort(at, n, sizeof *at, compare_width);
		put_chart(out, at, n, r->where, number);
		put_table(out, at, n, m);
		code = AUDIT_HOLDS;
	}
	if (at != NULL)
		releasecheck_remove(dir);
	buf_free(&csv);
	free(at);
	return code;
}

static int put_release(
    struct buf *out, struct session *s, const struct log_entry *x, bool reasons, size_t number, struct err *e)
{
	char name[128];
	struct sealed_manifest m = { 0 };
	struct buf plain = { 0 };
	int code;

	(void)snprintf(
	    name, sizeof name, "%s/%s/%llu", x->dataset, x->period, (unsigned long long)x->revision);
	struct session_release *r = session_fetch(s, name, &code, e);
	if (code == AUDIT_HOLDS && reasons)
		code = sealed_open(&m, &s->source, x, NULL, &plain, e);
	if (code == AUDIT_HOLDS && reasons)
		code = sealed_compare(&m, &r->files, r->config, &s->verdicts, r->where, e);
	if (code == AUDIT_HOLDS) {
		buf_put_text(out, "<h3>");
		put_html(out, r->where);
		buf_put_text(out, "</h3>\n<p>");
		buf_printf(out, _("%llu cells, %llu of them hidden; leaf %llu of the log."),
		    (unsigned long long)x->cells, (unsigned long long)x->suppressed,
		    (unsigned long long)x->index);
		buf_put_text(out, "</p>\n");
		if (x->suppressed > 0)
			code = put_intervals(out, s, r, reasons ? &m : NULL, number, e);
	}
	buf_free(&plain);
	sealed_close(&m);
	session_drop(r);
	return code;
}

static int put_releases(struct buf *out, struct session *s, bool reasons, struct err *e)
{
	struct log_entry x;
	char where[128];
	int code, worst = AUDIT_HOLDS;
	size_t number = 0;

	for (uint64_t i = 0; i < s->log.n; i++) {
		if (!loglist_entry_of(&s->log, i, LOG_RELEASE, &x))
			continue;
		code = put_release(out, s, &x, reasons, ++number, e);
		if (code == AUDIT_HOLDS)
			continue;
		verdicts_add_code(&s->verdicts, code, "report", releasecheck_name(where, &x), "", e);
		worst = worst == AUDIT_HOLDS ? code : worst;
	}
	return worst;
}

static void put_page(struct buf *out, const struct session *s, const struct buf *releases, bool reasons)
{
	uint64_t forms = 0;
	struct log_entry x;

	for (uint64_t i = 0; i < s->log.n; i++)
		forms += loglist_entry_of(&s->log, i, LOG_SUBMISSION, &x);
	buf_printf(out,
	    "<!DOCTYPE html>\n<html lang=\"%s\">\n<head>\n<meta charset=\"utf-8\">\n"
	    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>",
	    text_language() == LANGUAGE_SV ? "sv" : "en");
	put_html(out, _("Audit report"));
	buf_printf(out, " – %s</title>\n<style>%s</style>\n</head>\n<body>\n<main>\n<h1>",
	    s->log.checkpoint.origin, style);
	put_html(out, _("Audit report"));
	buf_put_text(out, "</h1>\n<p>");
	buf_printf(out, _("Log %s, %llu entries, %llu forms received. Made "), s->log.checkpoint.origin,
	    (unsigned long long)s->log.n, (unsigned long long)forms);
	text_time(out, (uint64_t)time(NULL));
	buf_put_text(out, ".</p>\n");
	if (reasons) {
		buf_put_text(out, "<p><strong>");
		put_html(out, _("Confidential: this report tells why cells are hidden."));
		buf_put_text(out, "</strong></p>\n");
	}
	buf_put_text(out, "<h2>");
	put_html(out, _("Proofs"));
	buf_put_text(out, "</h2>\n");
	put_verdicts(out, &s->verdicts);
	buf_put_text(out, "<h2>");
	put_html(out, _("Releases"));
	buf_put_text(out, "</h2>\n");
	buf_put_bytes(out, buf_bytes(releases));
	buf_put_text(out, "<h2>");
	put_html(out, _("Decisions"));
	buf_put_text(out, "</h2>\n");
	put_leaves(out, &s->log);
	buf_put_text(out, "</main>\n</body>\n</html>\n");
}

static bool write_page(const char *path, const struct buf *page, struct err *e)
{
	char dir[FILE_PATH];
	const char *slash = strrchr(path, '/');

	(void)snprintf(dir, sizeof dir, "%.*s", slash ? (int)(slash - path) : 1, slash ? path : ".");
	return file_write(dir, slash ? slash + 1 : path, 0600, buf_bytes(page), e);
}

int audit_report(const struct args *args)
{
	struct err e = { 0 };
	struct buf page = { 0 }, releases = { 0 };
	const char *output = args_value(args, "output");
	bool reasons = args_flag(args, "reasons"), ok;
	int code;
	struct session *s = session_open(args, &code, &e);

	if (s == NULL || !s->log.whole) /* nothing to show; told already */
		return session_close(s, code == AUDIT_HOLDS ? AUDIT_UNCHECKED : code, &e);
	(void)releasecheck_all(&s->log, &s->source, &s->verdicts, &e);
	(void)put_releases(&releases, s, reasons, &e);
	put_page(&page, s, &releases, reasons);
	e.text[0] = 0;
	ok = !page.failed && (output ? write_page(output, &page, &e) : text_put(&page));
	code = ok ? verdicts_code(&s->verdicts) : AUDIT_UNCHECKED;
	buf_free(&page);
	buf_free(&releases);
	return session_close(s, code, &e);
}
