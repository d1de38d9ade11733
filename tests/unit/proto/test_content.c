#include "proto/config.h"
#include "proto/content.h"
#include "proto/submission.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* measures: 0 n [sex], 1 part [sex, age], 2 posts, 3 old (until 2024), 4 unasked */
static const char file[] =
    "cellveil-config: 1\norigin: a.example/l\ndataset: d\nform: {id: f, version: \"1\"}\nperiod: YYYY\n"
    "codes:\n"
    "  sex: [{code: _T}, {code: F, of: [_T]}, {code: M, of: [_T]}]\n"
    "  age: [{code: _T}, {code: Y, of: [_T]}, {code: O, of: [_T]}]\n"
    "  office: [{code: _T}, {code: o, of: [_T]}]\n"
    "measures:\n"
    "  - {id: n, dims: [sex], max: 50, unit: person}\n"
    "  - {id: part, dims: [sex, age], max: 50, unit: person, within: n}\n"
    "  - {id: posts, decimals: 2, max: 10, unit: post}\n"
    "  - {id: old, max: 1, unit: bool, valid: \"..2024\"}\n"
    "  - {id: unasked, max: 1, unit: bool}\n"
    "asked: [\"n|F,M\", \"part|F|*\", posts, old]\n"
    "checks: [{id: 2, rule: \"sum(part, age) = part[_T]\"}, {id: 7, rule: \"part <= n\"}]\n";

#define MAX_ENTRIES 16

struct form { /* a payload and its memory */
	struct payload p;
	uint32_t row_start[MAX_ENTRIES + 1], blank_start[MAX_ENTRIES + 1];
	uint64_t row[MAX_ENTRIES * 5], blank[MAX_ENTRIES * 5];
};

/* Reads "0 1 7; 0 2 8" */
static void fill_list(struct payload_list *list, uint32_t *start, uint64_t *element, const char *text)
{
	uint32_t n = 0;
	uint32_t at = 0;
	start[0] = 0;
	while (*text != '\0') {
		if (*text == ';') {
			start[++n] = at;
			text++;
		} else if (*text == ' ') {
			text++;
		} else {
			char *end;
			element[at++] = strtoull(text, &end, 10);
			text = end;
		}
	}
	*list = (struct payload_list){ n, start, element };
}

static void make(struct form *f, const char *rows, const char *blank)
{
	memset(f, 0, sizeof *f);
	f->p.act = ACT_FIGURES;
	f->p.has_figures = true;
	f->p.blind[31] = 1;
	fill_list(&f->p.rows, f->row_start, f->row, rows);
	fill_list(&f->p.blank, f->blank_start, f->blank, blank);
	f->p.n_cells = f->p.rows.n + f->p.blank.n;
	for (uint32_t i = 0; i < f->p.rows.n; i++)
		if (f->row_start[i + 1] > f->row_start[i])
			f->p.hash_total += f->row[f->row_start[i + 1] - 1];
}

#define GOOD "0 1 9; 0 2 4; 1 1 0 5; 1 1 1 2; 1 1 2 3; 2 250; 3 1;"

static void test_rules(void **state)
{
	(void)state;
	static const struct {
		const char *name, *rows, *blank, *period;
		unsigned rule;
	} cases[] = {
		{ "good", GOOD, "", "2024", 0 },
		{ "all blank", "", "0 1; 0 2; 1 1 0; 1 1 1; 1 1 2; 2; 3;", "2024", 0 },
		{ "an old question in its year", "0 1 9; 0 2 4; 1 1 0 5; 1 1 1 2; 1 1 2 3; 2 250;", "",
		    "2025", 0 },
		{ "an old question later", GOOD, "", "2025", 7 },
		{ "hash total too large", "0 1 9007199254740992;", "", "2024", 4 },
		{ "unknown measure", "0 1 9; 9 1;", "", "2024", 5 },
		{ "too few codes", "0 9;", "", "2024", 5 },
		{ "too many codes", "0 1 1 9;", "", "2024", 5 },
		{ "empty row", ";", "", "2024", 5 },
		{ "blank with a value", "", "0 1 9;", "2024", 5 },
		{ "code outside", "0 3 9;", "", "2024", 6 },
		{ "code far outside", "0 65537 9;", "", "2024", 6 },
		{ "not asked", "0 0 9;", "", "2024", 7 },
		{ "measure not asked", "4 1;", "", "2024", 7 },
		{ "blank not asked", GOOD, "4;", "2024", 7 },
		{ "rows descend", "0 2 4; 0 1 9;", "", "2024", 8 },
		{ "row twice", "0 1 9; 0 1 9;", "", "2024", 8 },
		{ "blanks descend", "", "0 2; 0 1;", "2024", 8 },
		{ "row and blank", "0 1 9; 0 2 4; 1 1 0 5; 1 1 1 2; 1 1 2 3; 2 250; 3 1;", "3;", "2024", 9 },
		{ "missing", "0 1 9; 0 2 4; 1 1 0 5; 1 1 1 2; 1 1 2 3; 2 250;", "", "2024", 10 },
		{ "too large", "0 1 51; 0 2 4; 1 1 0 5; 1 1 1 2; 1 1 2 3; 2 250; 3 1;", "", "2024", 11 },
		{ "too large, scaled", "0 1 9; 0 2 4; 1 1 0 5; 1 1 1 2; 1 1 2 3; 2 1001; 3 1;", "", "2024",
		    11 },
		{ "missing comes before too large", "0 1 51; 0 2 4;", "", "2024", 10 },
		{ "sum wrong", "0 1 9; 0 2 4; 1 1 0 5; 1 1 1 2; 1 1 2 2; 2 250; 3 1;", "", "2024", 102 },
		{ "a part blank: skipped", "0 1 9; 0 2 4; 1 1 0 5; 1 1 1 2; 2 250; 3 1;", "1 1 2;", "2024",
		    0 },
		{ "a part blank, rest too large", "0 1 9; 0 2 4; 1 1 0 5; 1 1 1 6; 2 250; 3 1;", "1 1 2;",
		    "2024", 102 },
		{ "total blank: skipped", "0 1 9; 0 2 4; 1 1 1 2; 1 1 2 2; 2 250; 3 1;", "1 1 0;", "2024",
		    0 },
		{ "more than its base", "0 1 4; 0 2 4; 1 1 0 5; 1 1 1 2; 1 1 2 3; 2 250; 3 1;", "", "2024",
		    107 },
		{ "base blank: skipped", "0 2 4; 1 1 0 5; 1 1 1 2; 1 1 2 3; 2 250; 3 1;", "0 1;", "2024", 0 },
		{ "both checks: the lower", "0 1 4; 0 2 4; 1 1 0 5; 1 1 1 2; 1 1 2 2; 2 250; 3 1;", "",
		    "2024", 102 },
	};
	struct err e = { 0 };
	struct config *c = config_parse(bytes_text(file), &e);
	if (c == NULL)
		fail_msg("%s", e.text);
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct form f;
		struct figures out;
		make(&f, cases[i].rows, cases[i].blank);
		e = (struct err){ 0 };
		bool ok = content_check(c, cases[i].period, &f.p, &out, &e);
		if (ok != (cases[i].rule == 0) || e.detail != cases[i].rule)
			fail_msg("%s: rule %u: %s", cases[i].name, e.detail, e.text);
		assert_true(ok ? out.n == c->n_asked : out.state == NULL);
		figures_free(&out);
	}
	config_free(c);
}

static void test_head_rules(void **state)
{
	(void)state;
	struct err e = { 0 };
	struct form f;
	struct figures out;
	struct config *c = config_parse(bytes_text(file), &e);
	assert_non_null(c);
	make(&f, GOOD, "");
	f.p.blind[31] = 0;
	f.p.n_cells = 0;
	assert_false(content_check(c, "2024", &f.p, &out, &e));
	assert_int_equal(e.detail, 1);
	f.p.blind[0] = 1;
	assert_false(content_check(c, "2024", &f.p, &out, &e));
	assert_int_equal(e.detail, 3);
	make(&f, GOOD, "");
	f.p.hash_total++;
	assert_false(content_check(c, "2024", &f.p, &out, &e));
	assert_int_equal(e.detail, 4);
	make(&f, "", "");
	f.p.act = ACT_WITHDRAWAL;
	assert_false(content_check(c, "2024", &f.p, &out, &e));
	assert_int_equal(e.detail, 12);
	f.p.has_figures = false;
	assert_true(content_check(c, "2024", &f.p, &out, &e));
	assert_int_equal(out.n, 0);
	figures_free(&out);
	config_free(c);
}

static void test_figures(void **state)
{
	(void)state;
	struct err e = { 0 };
	struct form f;
	struct figures out;
	struct config *c = config_parse(bytes_text(file), &e);
	assert_non_null(c);
	make(&f, "0 1 9; 1 1 0 5; 1 1 1 2; 1 1 2 3;", "0 2; 2;");
	assert_true(content_check(c, "2025", &f.p, &out, &e));
	static const uint8_t states[] = { FIGURE_VALUE, FIGURE_BLANK, FIGURE_VALUE, FIGURE_VALUE,
		FIGURE_VALUE, FIGURE_BLANK, FIGURE_NOT_ASKED };
	static const uint64_t values[] = { 9, 0, 5, 2, 3, 0, 0 };
	assert_memory_equal(out.state, states, sizeof states);
	assert_memory_equal(out.value, values, sizeof values);
	figures_free(&out);
	config_free(c);
}

/* Two ways to part one total: both are held against it. */
static void test_groupings(void **state)
{
	(void)state;
	static const char two[] =
	    "cellveil-config: 1\norigin: a.example/l\ndataset: d\nform: {id: f, version: \"1\"}\nperiod: "
	    "YYYY\n"
	    "codes:\n"
	    "  age: [{code: _T}, {code: Y, of: [_T]}, {code: O, of: [_T]}, {code: a, of: [_T], grouping: "
	    "fine},\n"
	    "        {code: b, of: [_T], grouping: fine}, {code: b1, of: [b]}, {code: b2, of: [b]}]\n"
	    "  office: [{code: _T}, {code: o, of: [_T]}]\n"
	    "measures: [{id: n, dims: [age], max: 50, unit: person}]\n"
	    "asked: [\"n|_T,Y,O,a,b1,b2\"]\n"
	    "checks: [{id: 1, rule: \"sum(n, age) = n[_T]\"}]\n";
	struct err e = { 0 };
	struct form f;
	struct figures out;
	struct config *c = config_parse(bytes_text(two), &e);
	if (c == NULL)
		fail_msg("%s", e.text);
	make(&f, "0 0 9; 0 1 4; 0 2 5; 0 3 2; 0 5 3; 0 6 4;", "");
	assert_true(content_check(c, "2024", &f.p, &out, &e));
	figures_free(&out);
	make(&f, "0 0 9; 0 1 4; 0 2 5; 0 3 2; 0 5 3; 0 6 3;", "");
	assert_false(content_check(c, "2024", &f.p, &out, &e));
	assert_int_equal(e.detail, 101);
	make(&f, "0 0 9; 0 1 4; 0 2 4; 0 3 2; 0 5 3; 0 6 4;", "");
	assert_false(content_check(c, "2024", &f.p, &out, &e));
	config_free(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rules),
		cmocka_unit_test(test_head_rules),
		cmocka_unit_test(test_figures),
		cmocka_unit_test(test_groupings),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
