/* Figures that are moved instead of hidden: the table of noise, the table of multiples, what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "policy/noise.h"
#include "policy/release.h"
#include "policy/rounding.h"

#define LEAVES 4

/* ---- noise: the table of chances ---- */

/* Chances add up to less than the whole, and the variance is what was asked for, or that of even chances. */
static void test_noise_rows(void **state)
{
	(void)state;
	for (uint32_t reach = 1; reach <= PARAMS_NOISE_MAX; reach++)
		for (uint32_t permille = 250; permille <= reach * (reach + 1) * 1000 / 3; permille += 750) {
			struct noise_row row = noise_row_make(reach, permille);
			double sum = 0;
			double squares = 0;
			for (uint32_t d = 1; d <= reach; d++) {
				assert_true(row.chance[d] <= row.chance[d - 1]);
				sum += 2.0 * row.chance[d];
				squares += 2.0 * row.chance[d] * d * d;
			}
			assert_true(sum + row.chance[0] <= 4294967296.0);
			double variance = squares / 4294967296.0;
			assert_true(variance > permille / 1000.0 * 0.99 - 0.002);
			assert_true(variance < permille / 1000.0 * 1.01 + 0.002);
		}
}

/* Every draw up is matched by one down: the mean is 0, exactly. */
static void test_noise_is_symmetric(void **state)
{
	(void)state;
	struct noise_row row = noise_row_make(3, 2000);
	uint32_t from = 0;
	for (int32_t d = 3; d > 0; d--) {
		assert_int_equal(noise_pick(&row, from), d);
		assert_int_equal(noise_pick(&row, from + row.chance[d] - 1), d);
		assert_int_equal(noise_pick(&row, from + row.chance[d]), -d);
		assert_int_equal(noise_pick(&row, from + 2 * row.chance[d] - 1), -d);
		from += 2 * row.chance[d];
	}
	assert_int_equal(noise_pick(&row, from), 0);
	assert_int_equal(noise_pick(&row, UINT32_MAX), 0);
}

/* A reader's interval holds exactly the counts that can be shown like this. */
static void test_noise_box(void **state)
{
	(void)state;
	struct policy_params p = policy_params_default();
	for (p.noise_max = 1; p.noise_max <= 7; p.noise_max++)
		for (int64_t shown = 0; shown < 30; shown++) {
			int64_t lo = 0;
			int64_t hi = 0;
			noise_box(&p, shown, &lo, &hi);
			for (int64_t v = 0; v < 60; v++) {
				int64_t most = v < (int64_t)p.noise_max ? v : (int64_t)p.noise_max;
				bool can = llabs(shown - v) <= most;
				assert_int_equal(can, v >= lo && v <= hi);
			}
		}
}

/* ---- a small table: two dimensions of four, one of them in two halves ---- */

static void add_hierarchy(struct table_input *t, const char *name, bool halves)
{
	static const char *const code[] = { "a", "b", "c", "d" };
	struct err e = { 0 };
	assert_true(table_add_dimension(t, name, 0, &e));
	assert_true(table_add_code(t, 1, "_T", 0, UINT32_MAX, false, 0, &e));
	for (int i = 0; i < LEAVES; i++) {
		if (halves && i % 2 == 0)
			assert_true(
			    table_add_code(t, 2, i == 0 ? "low" : "high", 0, UINT32_MAX, false, 0, &e));
		assert_true(table_add_code(t, halves ? 3 : 2, code[i], 0, UINT32_MAX, false, 0, &e));
	}
}

static struct table_input *make_table(const uint64_t count[LEAVES][LEAVES])
{
	static const char *const code[] = { "a", "b", "c", "d" };
	struct err e = { 0 };
	struct table_input *t = table_new();
	assert_non_null(t);
	add_hierarchy(t, "office", false);
	add_hierarchy(t, "age", true);
	for (int i = 0; i < LEAVES; i++)
		for (int j = 0; j < LEAVES; j++) {
			const char *at[] = { code[i], code[j] };
			assert_true(table_add_cell(t, at, NULL, CELL_VALUE, count[i][j], 0, &e));
		}
	assert_true(table_finish(t, &e));
	return t;
}

static uint64_t draw(uint64_t *seed, uint32_t n)
{
	*seed = *seed * 6364136223846793005u + 1442695040888963407u;
	return (*seed >> 33) % n;
}

static int64_t shown_at(const struct safe_table *s, const char *office, const char *age)
{
	const char *const code[] = { office, age };
	char state = 0;
	uint64_t value = 0;
	assert_true(safe_table_find(s, code, &state, &value));
	assert_int_equal(state, MARK_PERTURBED);
	return (int64_t)value;
}

/* All sums of a released table, and each figure against the truth. */
static void check_rounded(const struct safe_table *s, const uint64_t count[LEAVES][LEAVES], int64_t base)
{
	static const char *const code[] = { "a", "b", "c", "d" };
	int64_t all = 0;
	for (int i = 0; i < LEAVES; i++) {
		int64_t row = 0;
		int64_t column = 0;
		for (int j = 0; j < LEAVES; j++) {
			int64_t v = shown_at(s, code[i], code[j]);
			int64_t error = v - (int64_t)count[i][j];
			assert_int_equal(v % base, 0);
			assert_true(error > -base && error < base);
			assert_true(count[i][j] % (uint64_t)base != 0 || error == 0);
			row += v;
			column += shown_at(s, code[j], code[i]);
		}
		assert_int_equal(row, shown_at(s, code[i], "_T"));
		assert_int_equal(shown_at(s, code[i], "low") + shown_at(s, code[i], "high"), row);
		assert_int_equal(column, shown_at(s, "_T", code[i]));
		all += row;
	}
	assert_int_equal(all, shown_at(s, "_T", "_T"));
}

static void test_rounding_random(void **state)
{
	(void)state;
	uint64_t seed = 20261122;
	unsigned released = 0;
	for (int n = 0; n < 60; n++) {
		uint64_t count[LEAVES][LEAVES];
		uint8_t key[32] = { (uint8_t)n };
		struct policy_params p = policy_params_default();
		struct release_result *r = NULL;
		struct release_result *again = NULL;
		struct err e = { 0 };
		p.method = METHOD_ROUNDING;
		p.base = n % 2 == 0 ? 5 : 3;
		for (int i = 0; i < LEAVES; i++)
			for (int j = 0; j < LEAVES; j++)
				count[i][j] = draw(&seed, n % 3 == 0 ? 8 : 40);
		struct table_input *t = make_table((const uint64_t(*)[LEAVES])count);
		assert_true(release_build(t, &p, key, NULL, &r, &e));
		if (r->refusal == REFUSAL_NONE) {
			released++;
			check_rounded(r->table, (const uint64_t(*)[LEAVES])count, p.base);
			assert_true(release_build(t, &p, key, NULL, &again, &e));
			assert_int_equal(again->result_csv.size, r->result_csv.size);
			assert_memory_equal(again->result_csv.data, r->result_csv.data, r->result_csv.size);
			assert_memory_equal(again->auditor.data, r->auditor.data, r->auditor.size);
		}
		release_result_free(r);
		release_result_free(again);
		table_free(t);
	}
	assert_true(released > 40);
}

/* A code with one part is the same cell as that part: the same noise. A nought stays one. */
static void test_noise_same_cell(void **state)
{
	(void)state;
	struct err e = { 0 };
	struct table_input *t = table_new();
	assert_true(table_add_dimension(t, "area", 0, &e));
	for (int i = 0; i < 41; i++) {
		char code[8];
		snprintf(code, sizeof code, "%c%d", i % 2 == 1 ? 'p' : 'c', (i + 1) / 2);
		assert_true(table_add_code(t,
		    i == 0       ? 1
		    : i % 2 == 1 ? 2
				 : 3,
		    i == 0 ? "_T" : code, 0, UINT32_MAX, false, 0, &e));
	}
	/* p1 > c1, p2 > c2 ... */
	for (int i = 1; i <= 20; i++) {
		char code[8];
		const char *at[] = { code };
		snprintf(code, sizeof code, "c%d", i);
		assert_true(table_add_cell(t, at, NULL, CELL_VALUE, i == 7 ? 0 : (uint64_t)(20 + i), 0, &e));
	}
	assert_true(table_finish(t, &e));
	struct policy_params p = policy_params_default();
	p.method = METHOD_NOISE;
	struct release_result *r = NULL;
	const uint8_t key[32] = { 9 };
	assert_true(release_build(t, &p, key, NULL, &r, &e));
	assert_int_equal(r->refusal, REFUSAL_NONE);
	unsigned moved = 0;
	for (int i = 1; i <= 20; i++) {
		char code[2][8];
		uint64_t value[2] = { 0 };
		char mark = 0;
		for (int k = 0; k < 2; k++) {
			const char *at[] = { code[k] };
			snprintf(code[k], sizeof code[k], "%c%d", k == 0 ? 'p' : 'c', i);
			assert_true(safe_table_find(r->table, at, &mark, &value[k]));
			assert_int_equal(mark, MARK_PERTURBED);
		}
		assert_int_equal(value[0], value[1]);
		moved += value[0] != (uint64_t)(i == 7 ? 0 : 20 + i);
		if (i == 7)
			assert_int_equal(value[0], 0);
	}
	assert_true(moved > 5);
	release_result_free(r);
	table_free(t);
}

/* ---- what is refused ---- */

static void test_params(void **state)
{
	(void)state;
	static const struct {
		const char *name[3], *value[3];
		enum err_code code;
		const char *says;
	} cases[] = {
		{ { "method" }, { "rounding" }, ERR_NONE, "" },
		{ { "method", "base" }, { "rounding", "3" }, ERR_NONE, "" },
		{ { "method", "base" }, { "rounding", "4" }, ERR_REFUSED, "base must be 3 or 5" },
		{ { "method", "base", "width" }, { "rounding", "3", "3" }, ERR_REFUSED, "width" },
		{ { "method", "zero_reach" }, { "rounding", "yes" }, ERR_REFUSED, "zero_reach" },
		{ { "method", "min_offices" }, { "rounding", "3" }, ERR_REFUSED, "min_offices" },
		{ { "method" }, { "blur" }, ERR_INVALID, "line 1: policy: method has no such value" },
		{ { "method", "noise_max" }, { "noise", "33" }, ERR_INVALID, "line 2: policy: noise_max" },
		{ { "method", "noise_max" }, { "noise", "1" }, ERR_REFUSED,
		    "width must not be more than noise_max" },
		{ { "method", "noise_variance" }, { "noise", "11" }, ERR_REFUSED, "noise_variance" },
		{ { "method", "noise_variance" }, { "noise", "0.1" }, ERR_REFUSED, "noise_variance" },
		{ { "method", "noise_variance" }, { "noise", "much" }, ERR_INVALID,
		    "line 2: policy: noise_variance" },
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct setting s[3] = { 0 };
		struct policy_params p;
		struct err e = { 0 };
		size_t n = 0;
		for (; n < 3 && cases[i].name[n] != NULL; n++) {
			s[n].name = cases[i].name[n];
			s[n].value = cases[i].value[n];
			s[n].line = (unsigned)n + 1;
		}
		bool ok = policy_params_from_settings(&p, s, n, &e);
		assert_int_equal(ok, cases[i].code == ERR_NONE);
		assert_int_equal(e.code, cases[i].code);
		assert_non_null(strstr(e.text, cases[i].says));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_noise_rows),
		cmocka_unit_test(test_noise_is_symmetric),
		cmocka_unit_test(test_noise_box),
		cmocka_unit_test(test_rounding_random),
		cmocka_unit_test(test_noise_same_cell),
		cmocka_unit_test(test_params),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
