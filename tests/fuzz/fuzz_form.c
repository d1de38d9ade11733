/* fuzz: client
 * A form of any bytes, read by a small configuration: findings, never a fault; what may be sent passes the
 * rules. */
#include "client/form/form.h"
#include "proto/config.h"
#include "proto/content.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char file[] =
    "cellveil-config: 1\norigin: a.example/l\ndataset: d\nform: {id: f, version: \"1\"}\nperiod: YYYY\n"
    "codes:\n"
    "  sex: [{code: _T}, {code: F, of: [_T]}, {code: M, of: [_T]}]\n"
    "  age: [{code: _T}, {code: Y, of: [_T]}, {code: O, of: [_T]}]\n"
    "  office: [{code: _T}, {code: o, of: [_T]}]\n"
    "measures:\n"
    "  - {id: n, dims: [sex, age], max: 50, unit: person}\n"
    "  - {id: posts, decimals: 2, max: 10, unit: post}\n"
    "  - {id: queue, max: 1, unit: bool}\n"
    "  - {id: tick, max: 1, unit: bool}\n"
    "  - {id: pick, max: 2, unit: code, valid: \"..2024\"}\n"
    "asked: [\"n|F,M|*\", posts, queue, tick, pick]\n"
    "checks: [{id: 1, rule: \"sum(n, age) = n[_T]\"}]\n"
    "layout:\n"
    "  columns: [{id: sexes, list: sex, headings: {F: Fru, M: Man}}, {id: yn, headings: {1: Ja, 0: Nej}}]\n"
    "  sections:\n"
    "    - {title: \"\", rows: [{period: Year}]}\n"
    "    - title: One\n"
    "      rows:\n"
    "        - {columns: sexes}\n"
    "        - {figure: \"n|*|_T\", label: All, rows: [{figure: \"n|*|Y\", label: Young}, {figure: "
    "\"n|*|O\", label: Old}]}\n"
    "        - {figure: posts, label: Posts, unit: st, only_if: queue}\n"
    "        - {columns: yn}\n"
    "        - {answer: queue, label: Queue, blank: warning}\n"
    "        - {tick: tick, label: Tick}\n"
    "        - {choice: pick, value: 1, label: Alpha}\n"
    "        - {choice: pick, value: 2, label: Beta}\n"
    "        - {date: Signed}\n";

static void demand(bool condition)
{
	if (!condition)
		abort();
}

/* A form without errors breaks no hard check and no maximum. */
static void check_figures(const struct config *c, const struct form_result *r)
{
	struct err e = { 0 };
	struct comparisons all;
	for (uint32_t i = 0; i < c->n_asked; i++)
		demand(r->figures.value[i] <= c->measure[c->asked[i].measure].max);
	demand(content_compare(c, &c->check[0], &r->figures, &all, &e));
	for (uint32_t i = 0; i < all.n; i++)
		demand(!all.at[i].failed);
	comparisons_free(&all);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct config *c;
	struct err e = { 0 };
	struct form_result r;
	struct findings f;
	struct buf out = { 0 };
	if (c == NULL)
		c = config_parse(bytes_of(file, sizeof file - 1), &e);
	demand(c != NULL);
	struct form_options options = { .blanks_not_reported = size > 0 && data[0] % 2 == 1 };
	if (form_read("f", bytes_of(data, size), c, NULL, &options, &r, &f, &e)) {
		if (findings_worst(&f) != SEVERITY_ERROR)
			check_figures(c, &r);
		findings_print(&f, &out, LANGUAGE_SV);
		findings_json(&f, &out);
		figures_free(&r.figures);
	}
	findings_free(&f);
	buf_free(&out);
	return 0;
}
