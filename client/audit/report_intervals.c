/* The intervals of `cellveil audit report`: for each attacker a chart and its table. */
#include "client/audit/report.h"
#include "client/protect/attack.h"
#include "client/protect/system.h"
#include "client/protect/verifycert.h"
#include "policy/params.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BARS_MAX   400u /* of one attacker; the table has them all */
#define BARS       40u  /* of one drawing: a page of paper holds it */
#define BAR_HEIGHT 18u
#define NAME_WIDTH 300u
#define BAR_WIDTH  420u
#define FIGURES    "cells.csv"

struct interval {
	char *who, *cell;
	int64_t lo, hi;
	bool open; /* no upper end */
	bool exact;
};

struct intervals {
	struct interval *at;
	size_t n, room;
	struct verdicts *verdicts;
	const char *where;
};

static bool take(void *context, const struct attack_line *l)
{
	struct intervals *x = context;

	if (x->n == x->room) {
		size_t room = x->room ? 2 * x->room : 256;
		struct interval *more = realloc(x->at, room * sizeof *more);

		if (more == NULL)
			return false;
		x->at = more;
		x->room = room;
	}
	x->at[x->n] = (struct interval){ .who = strdup(l->who),
		.cell = strdup(l->cell),
		.lo = l->lo,
		.hi = l->hi,
		.open = l->hi == SYSTEM_UNBOUNDED,
		.exact = l->exact };
	if (l->discloses)
		verdicts_add(x->verdicts, VERDICT_FAILS, "attack", x->where, _("%s learns too much of %s"),
		    l->who, l->cell);
	x->n++;
	return x->at[x->n - 1].who != NULL && x->at[x->n - 1].cell != NULL;
}

static void intervals_free(struct intervals *x)
{
	for (size_t i = 0; i < x->n; i++) {
		free(x->at[i].who);
		free(x->at[i].cell);
	}
	free(x->at);
}

static uint64_t width_of(const struct interval *x)
{
	return x->open ? UINT64_MAX : (uint64_t)(x->hi - x->lo);
}

/* Readers before offices; of each the narrowest first. */
static int compare(const void *a, const void *b)
{
	const struct interval *x = a, *y = b;
	bool office = strcmp(x->who, "public") != 0, other = strcmp(y->who, "public") != 0;
	int order = office != other ? (int)office - (int)other : strcmp(x->who, y->who);

	if (order != 0)
		return order;
	if (width_of(x) != width_of(y))
		return width_of(x) < width_of(y) ? -1 : 1;
	return strcmp(x->cell, y->cell);
}

static int64_t widest(const struct interval *at, size_t n)
{
	int64_t top = 1;

	for (size_t i = 0; i < n; i++) {
		int64_t end = at[i].open ? at[i].lo + 1 : at[i].hi;

		top = end > top ? end : top;
	}
	return top;
}

/* --- drawing --- */

static void put_bar(struct buf *out, const struct interval *x, size_t row, int64_t top)
{
	double from = (double)x->lo / (double)top * BAR_WIDTH;
	double to = x->open ? BAR_WIDTH : (double)x->hi / (double)top * BAR_WIDTH;

	buf_printf(
	    out, "<text x=\"%u\" y=\"%zu\" text-anchor=\"end\">", NAME_WIDTH - 8, row * BAR_HEIGHT + 14);
	report_html(out, x->cell);
	buf_printf(out, "</text><rect class=\"%s\" x=\"%.1f\" y=\"%zu\" width=\"%.1f\" height=\"%u\"/>",
	    x->exact  ? "known"
	    : x->open ? "open"
		      : "bar",
	    NAME_WIDTH + from, row * BAR_HEIGHT + 3, to - from < 2 ? 2 : to - from, BAR_HEIGHT - 6);
	buf_printf(out, "<text x=\"%.1f\" y=\"%zu\">", NAME_WIDTH + to + 5, row * BAR_HEIGHT + 14);
	if (x->exact)
		buf_printf(out, "%lld</text>\n", (long long)x->lo);
	else if (x->open)
		buf_printf(out, "%lld–</text>\n", (long long)x->lo);
	else
		buf_printf(out, "%lld–%lld</text>\n", (long long)x->lo, (long long)x->hi);
}

static void put_chart(
    struct buf *out, const struct interval *at, size_t n, const char *title, const char *id, int64_t top)
{
	buf_printf(out,
	    "<svg role=\"img\" aria-labelledby=\"%s-t %s-d\" width=\"100%%\" viewBox=\"0 0 %u %zu\">"
	    "<title id=\"%s-t\">",
	    id, id, NAME_WIDTH + BAR_WIDTH + 90, n * BAR_HEIGHT + 10, id);
	report_html(out, title);
	buf_printf(out, "</title><desc id=\"%s-d\">", id);
	report_html(
	    out, _("One bar for each hidden cell: from the least to the greatest count that can be computed. "
		   "The same numbers stand in the table below."));
	buf_put_text(out, "</desc>\n");
	for (size_t i = 0; i < n; i++)
		put_bar(out, &at[i], i, top);
	buf_put_text(out, "</svg>\n");
}

static void put_row(
    struct buf *out, const struct interval *x, const struct sealed_manifest *m, struct buf *text)
{
	const json_t *line = m ? sealed_find(m, x->cell) : NULL;

	buf_put_text(out, "<tr><th scope=\"row\">");
	report_html(out, x->cell);
	buf_printf(out, "</th><td class=\"n\">%lld</td><td class=\"n\">", (long long)x->lo);
	if (x->open)
		report_html(out, _("no end"));
	else
		buf_printf(out, "%lld", (long long)x->hi);
	buf_put_text(out, "</td>");
	if (line != NULL && strcmp(sealed_class(line), "primary") == 0) {
		sealed_rules(text, line);
	} else if (line != NULL) {
		buf_printf(text, "%s ", _("hidden to protect:"));
		sealed_protects(text, line);
	}
	if (m != NULL)
		report_cell(out, text, NULL);
	buf_put_text(out, "</tr>\n");
}

static void put_table(
    struct buf *out, const struct interval *at, size_t n, const struct sealed_manifest *m, const char *title)
{
	const char *const head[] = { _("Hidden cell"), _("At least"), _("At most"), _("Why it is hidden") };
	struct buf text = { 0 };
	char caption[256];

	(void)snprintf(caption, sizeof caption,
	    _("%s: what can be computed about each hidden cell, narrowest first"), title);
	report_table(out, caption, head, m ? 4 : 3);
	for (size_t i = 0; i < n; i++)
		put_row(out, &at[i], m, &text);
	buf_put_text(out, "</tbody></table>\n");
	buf_free(&text);
}

/* --- one attacker, one release --- */

static void put_attacker(struct buf *out, const struct interval *at, size_t n,
    const struct sealed_manifest *m, const char *where, const char *id)
{
	size_t shown = n < BARS_MAX ? n : BARS_MAX;
	char title[200], part[48];

	if (strcmp(at[0].who, "public") == 0)
		(void)snprintf(title, sizeof title, _("%s, every reader"), where);
	else
		(void)snprintf(title, sizeof title, "%s, %s", where, at[0].who);
	buf_put_text(out, "<h4>");
	report_html(out, title);
	buf_put_text(out, "</h4>\n");
	for (size_t i = 0; i < shown; i += BARS) {
		(void)snprintf(part, sizeof part, "%s-%zu", id, i / BARS);
		put_chart(out, at + i, shown - i < BARS ? shown - i : BARS, title, part, widest(at, n));
	}
	if (shown < n)
		buf_printf(
		    out, _("<p>The chart shows the %zu narrowest; the table all %zu.</p>\n"), shown, n);
	put_table(out, at, n, m, title);
}

static void put_all(struct buf *out, struct intervals *x, const struct sealed_manifest *m, size_t number)
{
	char id[32];

	if (x->n > 1)
		qsort(x->at, x->n, sizeof *x->at, compare);
	for (size_t i = 0, end; i < x->n; i = end) {
		for (end = i + 1; end < x->n && strcmp(x->at[end].who, x->at[i].who) == 0; end++)
			;
		(void)snprintf(id, sizeof id, "c%zu-%zu", number, i);
		put_attacker(out, x->at + i, end - i, m, x->where, id);
	}
}

static bool ask(
    struct intervals *x, const struct session_release *r, const char *dir, const char *figures, struct err *e)
{
	struct certificate_report certificate;
	struct policy_params policy;

	if (!policy_params_from_settings(&policy, r->config->policy, r->config->n_policy, e) ||
	    (!verifycert_folder(dir, &certificate, e) && !err_wrap(e, "%s", _("certificate"))))
		return false;
	const struct attack_question q = { .folder = dir,
		.figures = figures,
		.policy = &policy,
		.coalition = figures != NULL,
		.judged = policy.offices && strcmp(certificate.level, "L1") != 0,
		.floor = certificate.floor,
		.line = take,
		.context = x };

	return attack_ask(&q, e);
}

/* The period's cells.csv; false if there is none. */
static bool find_figures(char path[FILE_PATH], const char *folder, const char *period)
{
	char inside[FILE_PATH];

	return folder != NULL && file_path(inside, folder, period, NULL) &&
	       file_path(path, inside, FIGURES, NULL) && access(path, R_OK) == 0;
}

int report_intervals(struct buf *out, struct session *s, const struct session_release *r,
    const struct sealed_manifest *m, const char *figures, size_t number, struct err *e)
{
	struct intervals x = { .verdicts = &s->verdicts, .where = r->where };
	char dir[FILE_PATH], path[FILE_PATH];
	int code = AUDIT_UNCHECKED;

	if (!releasecheck_unpack(&r->files, &s->source, dir, e))
		return code;
	bool offices = find_figures(path, figures, r->leaf.period);
	if (ask(&x, r, dir, offices ? path : NULL, e)) {
		put_all(out, &x, m, number);
		code = AUDIT_HOLDS;
	}
	if (!offices) {
		buf_put_text(out, "<p>");
		report_html(out, _("What an office can compute depends on its own figures, which are not in "
				   "this report."));
		buf_put_text(out, "</p>\n");
	}
	releasecheck_remove(dir);
	intervals_free(&x);
	return code;
}
