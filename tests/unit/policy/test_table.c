/* What a table's builder and the parameters refuse, and how they say it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "policy/release.h"

struct line {
	unsigned level;
	const char *code;
	bool view;
};

/* Builds one dimension; answers whether table_finish was content. */
static bool build(const struct line *line, size_t n, struct err *e)
{
	struct table_input *t = table_new();
	assert_non_null(t);
	bool ok = table_add_dimension(t, "d", 1, e);
	for (size_t i = 0; ok && i < n; i++)
		ok = table_add_code(
		    t, line[i].level, line[i].code, 0, UINT32_MAX, line[i].view, (unsigned)i + 2, e);
	ok = ok && table_finish(t, e);
	table_free(t);
	return ok;
}

static void refused(const struct line *line, size_t n, const char *part)
{
	struct err e = { 0 };
	assert_false(build(line, n, &e));
	if (strstr(e.text, part) == NULL)
		fail_msg("expected '%s' in: %s", part, e.text);
}

#define REFUSED(lines, part) refused(lines, sizeof(lines) / sizeof((lines)[0]), part)

static void test_hierarchies(void **state)
{
	static const struct line good[] = { { 1, "_T", false }, { 2, "a", false }, { 2, "b", false } };
	static const struct line two[] = { { 1, "_T", false }, { 2, "p", false }, { 3, "a", false },
		{ 3, "b", false }, { 2, "c", false }, { 1, "_T", false }, { 2, "q", false },
		{ 3, "a", false }, { 3, "c", false }, { 2, "b", false } };
	static const struct line orphan[] = { { 1, "_T", false }, { 3, "a", false } };
	static const struct line total[] = { { 1, "_T", false }, { 2, "a", false }, { 1, "_U", false } };
	static const struct line twice[] = { { 1, "_T", false }, { 2, "a", false }, { 2, "a", false } };
	static const struct line circle[] = { { 1, "_T", false }, { 2, "a", false }, { 3, "b", false },
		{ 4, "a", false }, { 5, "c", false } };
	static const struct line overlap[] = { { 1, "_T", false }, { 2, "p", false }, { 3, "a", false },
		{ 3, "b", false }, { 2, "q", false }, { 3, "a", false }, { 3, "c", false } };
	static const struct line uneven[] = { { 1, "_T", false }, { 2, "a", false }, { 2, "b", false },
		{ 1, "_T", false }, { 2, "a", false }, { 2, "c", false } };
	static const struct line view[] = { { 1, "_T", true }, { 2, "a", false } };
	struct err e = { 0 };
	(void)state;
	assert_true(build(good, 3, &e));
	if (!build(two, 10, &e))
		fail_msg("%s", e.text);
	REFUSED(orphan, "line 3: dimension d: level of a has no parent");
	REFUSED(total, "second total");
	REFUSED(twice, "stands twice");
	REFUSED(circle, "its own ancestor");
	REFUSED(overlap, "holds a twice");
	REFUSED(uneven, "do not hold the same codes");
	REFUSED(view, "does not have two children");
}

/* A chain of single codes, each a grouping of its own below the total: no line is deep, and yet the last code stands
 * below all of them. */
static bool build_chain(unsigned codes, struct err *e)
{
	struct line *line = calloc((size_t)3 * codes, sizeof *line);
	char(*name)[16] = calloc(codes, sizeof *name);
	size_t n = 0;
	assert_non_null(line);
	assert_non_null(name);
	for (unsigned i = 0; i < codes; i++)
		assert_true(snprintf(name[i], sizeof name[i], "c%u", i) > 0);
	for (unsigned i = 0; i + 1 < codes; i++) {
		line[n++] = (struct line){ 1, "_T", false };
		line[n++] = (struct line){ 2, name[i], false };
		line[n++] = (struct line){ 3, name[i + 1], false };
	}
	bool ok = build(line, n, e);
	free(line);
	free(name);
	return ok;
}

static void test_chain(void **state)
{
	struct err e = { 0 };
	(void)state;
	if (!build_chain(TABLE_ABOVE_MAX - 1, &e)) /* and the total */
		fail_msg("%s", e.text);
	assert_false(build_chain(TABLE_ABOVE_MAX, &e));
	assert_int_equal(e.code, ERR_INVALID);
	if (strstr(e.text, "dimension d: c255 has more than 255 codes above it") == NULL ||
	    strncmp(e.text, "line ", 5) != 0)
		fail_msg("%s", e.text);
}

static struct table_input *start(void)
{
	struct err e = { 0 };
	struct table_input *t = table_new();
	assert_non_null(t);
	assert_true(table_add_dimension(t, "d", 0, &e));
	assert_true(table_add_code(t, 1, "_T", 0, UINT32_MAX, false, 0, &e));
	assert_true(table_add_code(t, 2, "a", 0, UINT32_MAX, false, 0, &e));
	assert_true(table_add_code(t, 2, "b", 0, UINT32_MAX, false, 0, &e));
	return t;
}

static void test_cells(void **state)
{
	const char *a = "a";
	const char *total = "_T";
	const char *nobody = "x";
	struct err e = { 0 };
	(void)state;
	struct table_input *t = start();
	assert_false(table_add_cell(t, &total, NULL, CELL_VALUE, 1, 7, &e));
	assert_non_null(strstr(e.text, "line 7: _T of dimension d is a total"));
	assert_false(table_add_cell(t, &nobody, NULL, CELL_VALUE, 1, 8, &e));
	assert_non_null(strstr(e.text, "line 8: dimension d has no such code: x"));
	assert_false(table_add_cell(t, &a, NULL, CELL_VALUE, LIMIT_VALUE, 9, &e));
	assert_int_equal(e.code, ERR_LIMIT);
	assert_false(table_add_cell(t, &a, NULL, CELL_NR, 1, 9, &e));
	assert_true(table_add_cell(t, &a, NULL, CELL_VALUE, 1, 9, &e));
	assert_false(table_add_cell(t, &a, "office", CELL_VALUE, 1, 10, &e));
	assert_true(table_add_cell(t, &a, NULL, CELL_VALUE, 1, 11, &e));
	assert_false(table_finish(t, &e));
	assert_non_null(strstr(e.text, "line 11: this cell was given before"));
	table_free(t);
	t = start();
	assert_true(table_add_cell(t, &a, NULL, CELL_VALUE, 1, 3, &e));
	assert_true(table_add_structural(t, &total, 4, &e));
	assert_false(table_finish(t, &e));
	assert_non_null(strstr(e.text, "line 4: a cell declared structural holds a count"));
	table_free(t);
	t = start();
	assert_true(table_finish(t, &e));
	assert_false(table_add_cell(t, &a, NULL, CELL_VALUE, 1, 3, &e));
	table_free(t);
}

/* Views of one base that disagree are an error of the input. */
static void test_views(void **state)
{
	static const struct line lines[] = { { 1, "_T", true }, { 2, "n", false }, { 2, "o", false },
		{ 1, "_T", true }, { 2, "e", false }, { 2, "k", false } };
	static const char *const code[] = { "n", "o", "e", "k" };
	struct err e = { 0 };
	(void)state;
	for (uint64_t k = 0; k < 2; k++) {
		uint64_t value[] = { 3, 4, 5, 2 + k };
		struct table_input *t = table_new();
		assert_non_null(t);
		assert_true(table_add_dimension(t, "d", 0, &e));
		for (size_t i = 0; i < 6; i++)
			assert_true(table_add_code(
			    t, lines[i].level, lines[i].code, 0, UINT32_MAX, lines[i].view, 0, &e));
		for (size_t i = 0; i < 4; i++)
			assert_true(table_add_cell(t, &code[i], NULL, CELL_VALUE, value[i], 0, &e));
		assert_int_equal(table_finish(t, &e), k == 0);
		table_free(t);
	}
	assert_non_null(strstr(e.text, "do not add up alike"));
}

static void test_parameters(void **state)
{
	static const struct setting bad[] = { { "threshold", "5", 3 }, { "threshold", "5", 9 } };
	static const struct setting low[] = { { "threshold", "2", 3 } };
	static const struct setting thin[] = { { "width", "0", 3 } };
	static const struct setting reach[] = { { "zeros", "published", 1 }, { "zero_reach", "yes", 2 } };
	static const struct setting unknown[] = { { "treshold", "5", 4 } };
	static const struct setting good[] = { { "threshold", "10", 1 }, { "zeros", "camouflage", 2 },
		{ "group_dims", "[sex, age]", 3 }, { "redundancy", "3", 4 }, { "posterior_max", "0.85", 5 },
		{ "ladder", "camouflage, withhold", 6 }, { "residual", "zeros", 7 } };
	struct policy_params p;
	struct policy_params q;
	struct err e = { 0 };
	uint8_t one[32];
	uint8_t two[32];
	(void)state;
	assert_false(policy_params_from_settings(&p, bad, 2, &e));
	assert_non_null(strstr(e.text, "line 9: policy: threshold stands twice"));
	assert_false(policy_params_from_settings(&p, low, 1, &e));
	assert_int_equal(e.code, ERR_REFUSED);
	assert_false(policy_params_from_settings(&p, thin, 1, &e));
	assert_int_equal(e.code, ERR_REFUSED);
	assert_false(policy_params_from_settings(&p, reach, 2, &e));
	assert_int_equal(e.code, ERR_REFUSED);
	assert_false(policy_params_from_settings(&p, unknown, 1, &e));
	assert_non_null(strstr(e.text, "line 4: policy: no parameter of this name"));
	if (!policy_params_from_settings(&p, good, 7, &e))
		fail_msg("%s", e.text);
	assert_int_equal(p.threshold, 10);
	assert_int_equal(p.redundancy_permille, 30);
	assert_int_equal(p.posterior_permille, 850);
	assert_int_equal(p.ladder[0], LADDER_CAMOUFLAGE);
	assert_int_equal(p.ladder[2], LADDER_END);
	assert_int_equal(p.n_group_dims, 2);
	assert_string_equal(p.group_dim[1], "age");
	assert_int_equal(policy_params_hidden_sum_min(&p), 10);
	policy_params_digest(&p, one);
	q = p;
	policy_params_digest(&q, two);
	assert_memory_equal(one, two, 32);
	q.width = 3;
	policy_params_digest(&q, two);
	assert_memory_not_equal(one, two, 32);
}

/* Below the floor nothing is built, however it got there; tables of nothing are fine. */
static void test_build_refuses(void **state)
{
	struct policy_params p = policy_params_default();
	struct release_result *r = NULL;
	struct release_options o = { .period = "2024", .revision = 1 };
	uint8_t key[32] = { 0 };
	struct err e = { 0 };
	(void)state;
	struct table_input *t = start();
	assert_false(release_build(t, &p, key, NULL, &r, &e)); /* not finished */
	assert_true(table_finish(t, &e));
	p.threshold = 1;
	assert_false(release_build(t, &p, key, NULL, &r, &e));
	assert_int_equal(e.code, ERR_REFUSED);
	p = policy_params_default();
	assert_true(release_build(t, &p, key, &o, &r, &e)); /* a revision, and no ledger */
	assert_int_equal(r->refusal, REFUSAL_LEDGER);
	assert_null(r->table);
	assert_int_equal(r->result_csv.size, 0);
	assert_non_null(strstr((char *)r->manifest.data, "{\"refused\":\"ledger\""));
	release_result_free(r);
	assert_true(
	    release_build(t, &p, key, NULL, &r, &e)); /* all noughts: nothing can be shown, nor protected */
	assert_true(r->refusal != REFUSAL_NONE || r->summary.published == 0);
	release_result_free(r);
	table_free(t);
}

/* Too few offices: a refusal, and the manifest says which rule. */
static void test_min_reporting(void **state)
{
	struct policy_params p = policy_params_default();
	struct release_result *r = NULL;
	uint8_t key[32] = { 0 };
	struct err e = { 0 };
	const char *a = "a";
	const char *b = "b";
	(void)state;
	memcpy(p.office_dim, "d", 2);
	struct table_input *t = start();
	assert_true(table_add_cell(t, &a, NULL, CELL_VALUE, 40, 0, &e));
	assert_true(table_add_cell(t, &b, NULL, CELL_NR, 0, 0, &e));
	assert_true(table_finish(t, &e));
	assert_true(release_build(t, &p, key, NULL, &r, &e));
	assert_int_equal(r->refusal, REFUSAL_MIN_REPORTING);
	release_result_free(r);
	p.coalition = 2;
	assert_false(release_build(t, &p, key, NULL, &r, &e));
	assert_int_equal(e.code, ERR_REFUSED);
	table_free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hierarchies),
		cmocka_unit_test(test_chain),
		cmocka_unit_test(test_cells),
		cmocka_unit_test(test_views),
		cmocka_unit_test(test_parameters),
		cmocka_unit_test(test_build_refuses),
		cmocka_unit_test(test_min_reporting),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
