/* Small tables with known answers from the literature on cell suppression. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "policy/release.h"

static void must(bool ok, const struct err *e)
{
	if (!ok)
		fail_msg("%s", e->text);
}

static void code(struct table_input *t, unsigned level, const char *name)
{
	struct err e = { 0 };
	must(table_add_code(t, level, name, 0, UINT32_MAX, false, 0, &e), &e);
}

static struct table_input *two_way(
    const char *const *rows, int n_rows, const char *const *columns, int n_columns, const uint64_t *value)
{
	struct err e = { 0 };
	struct table_input *t = table_new();
	assert_non_null(t);
	must(table_add_dimension(t, "row", 0, &e), &e);
	code(t, 1, "_T");
	for (int i = 0; i < n_rows; i++)
		code(t, 2, rows[i]);
	must(table_add_dimension(t, "column", 0, &e), &e);
	code(t, 1, "_T");
	for (int j = 0; j < n_columns; j++)
		code(t, 2, columns[j]);
	for (int i = 0; i < n_rows; i++)
		for (int j = 0; j < n_columns; j++) {
			const char *at[] = { rows[i], columns[j] };
			must(table_add_cell(t, at, NULL, CELL_VALUE, value[i * n_columns + j], 0, &e), &e);
		}
	must(table_finish(t, &e), &e);
	return t;
}

static struct policy_params plain_params(uint32_t threshold)
{
	struct policy_params p = policy_params_default();
	p.threshold = threshold;
	p.width = 1;
	p.zeros = ZEROS_PUBLISHED;
	p.offices = false;
	p.group_min = 0;
	p.hidden_sum_min = 0;
	p.redundancy_permille = 0;
	return p;
}

static struct release_result *release(
    const struct table_input *t, const struct policy_params *p, int level, uint8_t key_byte)
{
	struct err e = { 0 };
	struct release_result *r = NULL;
	struct release_options o = { .level = (enum guarantee)level };
	uint8_t key[32] = { key_byte };
	must(release_build(t, p, key, &o, &r, &e), &e);
	return r;
}

static char state_of(const struct release_result *r, const char *a, const char *b)
{
	const char *at[] = { a, b };
	char state = 0;
	uint64_t value = 0;
	assert_true(safe_table_find(r->table, at, &state, &value));
	return state;
}

/* I-1: one small cell in a three by three table; the cheapest rectangle is worth 59 with it. */
static void test_rectangle(void **state)
{
	static const char *const rows[] = { "A", "B", "C" };
	static const char *const columns[] = { "I", "II", "III" };
	static const uint64_t value[] = { 20, 50, 10, 8, 19, 22, 17, 32, 12 };
	struct policy_params p = plain_params(9);
	uint64_t best = UINT64_MAX;
	(void)state;
	p.price_count = 0;
	struct table_input *t = two_way(rows, 3, columns, 3, value);
	for (uint8_t key = 0; key < 16; key++) {
		struct release_result *r = release(t, &p, 1, key);
		assert_int_equal(r->refusal, REFUSAL_NONE);
		assert_int_equal(r->summary.primary, 1);
		assert_int_equal(state_of(r, "B", "I"), MARK_HIDDEN);
		assert_true(r->summary.secondary_value >= 51);
		if (r->summary.secondary_value < best) {
			best = r->summary.secondary_value;
			if (best == 51) {
				assert_int_equal(state_of(r, "B", "III"), MARK_HIDDEN);
				assert_int_equal(state_of(r, "C", "I"), MARK_HIDDEN);
				assert_int_equal(state_of(r, "C", "III"), MARK_HIDDEN);
				assert_int_equal(r->summary.hidden, 4);
			}
		}
		release_result_free(r);
	}
	assert_int_equal(best, 51);
	table_free(t);
}

/* I-4: two groupings of the same regions. Either alone needs nothing more; both give K away unless N goes too. */
static struct table_input *regions(bool county, bool size)
{
	static const char *const name[] = { "A", "B", "I", "J", "K", "L", "M", "N" };
	static const uint64_t value[] = { 2, 2, 8, 8, 3, 3, 3, 7 };
	struct err e = { 0 };
	struct table_input *t = table_new();
	assert_non_null(t);
	must(table_add_dimension(t, "region", 0, &e), &e);
	code(t, 1, "_T");
	if (county) {
		code(t, 2, "county1");
		for (int i = 0; i < 4; i++)
			code(t, 3, name[i]);
		code(t, 2, "county2");
		for (int i = 4; i < 8; i++)
			code(t, 3, name[i]);
	}
	if (county && size)
		code(t, 1, "_T");
	if (size) {
		code(t, 2, "big");
		code(t, 3, "L");
		code(t, 3, "M");
		code(t, 2, "small");
		for (int i = 0; i < 8; i++)
			if (i != 5 && i != 6)
				code(t, 3, name[i]);
	}
	for (int i = 0; i < 8; i++)
		must(table_add_cell(t, &name[i], NULL, CELL_VALUE, value[i], 0, &e), &e);
	must(table_finish(t, &e), &e);
	return t;
}

static void test_two_groupings(void **state)
{
	struct policy_params p = plain_params(4);
	(void)state;
	for (int which = 1; which <= 3; which++) {
		struct table_input *t = regions((which & 1) != 0, (which & 2) != 0);
		struct release_result *r = release(t, &p, 1, 0);
		assert_int_equal(r->refusal, REFUSAL_NONE);
		assert_int_equal(r->summary.primary, 5);
		assert_int_equal(r->summary.secondary, which == 3 ? 1 : 0);
		if (which == 3) {
			const char *n = "N";
			char mark = 0;
			uint64_t value = 0;
			assert_true(safe_table_find(r->table, &n, &mark, &value));
			assert_int_equal(mark, MARK_HIDDEN);
			assert_int_equal(r->summary.secondary_value, 7);
		}
		release_result_free(r);
		table_free(t);
	}
}

/* I-5: every inner cell is an office's own; an office that knows its 1 must not get another small cell exactly. */
static const uint64_t singles[2][5] = { { 1, 1, 7, 1, 0 }, { 1, 0, 0, 2, 8 } };
static const char *const single_rows[] = { "r", "s" };
static const char *const single_columns[] = { "a", "b", "c", "d", "e" };

static struct table_input *offices_of_their_own(void)
{
	struct err e = { 0 };
	struct table_input *t = table_new();
	char office[10][4];
	assert_non_null(t);
	must(table_add_dimension(t, "row", 0, &e), &e);
	code(t, 1, "_T");
	code(t, 2, "r");
	code(t, 2, "s");
	must(table_add_dimension(t, "column", 0, &e), &e);
	code(t, 1, "_T");
	for (int j = 0; j < 5; j++)
		code(t, 2, single_columns[j]);
	must(table_add_dimension(t, "office", 0, &e), &e);
	code(t, 1, "_T");
	for (int i = 0; i < 10; i++) {
		snprintf(office[i], sizeof office[i], "o%d", i);
		code(t, 2, office[i]);
	}
	for (int i = 0; i < 2; i++)
		for (int j = 0; j < 5; j++)
			for (int o = 0; o < 10; o++) {
				const char *at[] = { single_rows[i], single_columns[j], office[o] };
				bool own = o == i * 5 + j;
				must(table_add_cell(t, at, NULL, own ? CELL_VALUE : CELL_STRUCTURAL,
					 own ? singles[i][j] : 0, 0, &e),
				    &e);
			}
	const char *all[] = { "*", "*", NULL };
	must(table_add_printed(t, "t", all, 0, &e), &e);
	must(table_finish(t, &e), &e);
	return t;
}

struct hunt { /* all tables that agree with what is printed and with one office's cell */
	int64_t x[10];
	int64_t cell[18]; /* value, or -1 hidden */
	int knows;
	int64_t floor;
	int64_t least[10], most[10];
};

static int64_t hunt_sum(const struct hunt *h, int c)
{
	int row = c / 6;
	int column = c % 6;
	int64_t sum = 0;
	for (int i = 0; i < 2; i++)
		for (int j = 0; j < 5; j++)
			if ((row == 0 || row == i + 1) && (column == 0 || column == j + 1))
				sum += h->x[i * 5 + j];
	return sum;
}

static bool hunt_exceeds(const struct hunt *h)
{
	for (int c = 0; c < 18; c++)
		if (h->cell[c] >= 0 && hunt_sum(h, c) > h->cell[c])
			return true;
	return false;
}

static void hunt_from(struct hunt *h, int u)
{
	if (u == 10) {
		for (int c = 0; c < 18; c++) {
			int64_t sum = hunt_sum(h, c);
			if (h->cell[c] >= 0 ? sum != h->cell[c] : sum < h->floor)
				return;
		}
		for (int i = 0; i < 10; i++) {
			h->least[i] = h->x[i] < h->least[i] ? h->x[i] : h->least[i];
			h->most[i] = h->x[i] > h->most[i] ? h->x[i] : h->most[i];
		}
		return;
	}
	int64_t printed = h->cell[(u / 5 + 1) * 6 + u % 5 + 1];
	int64_t value = (int64_t)singles[u / 5][u % 5];
	int64_t from = printed >= 0 ? printed : u == h->knows ? value : 0;
	int64_t to = printed >= 0 ? printed : u == h->knows ? value : 9;
	for (h->x[u] = from; h->x[u] <= to && !hunt_exceeds(h); h->x[u]++)
		hunt_from(h, u + 1);
	h->x[u] = 0;
}

static void test_singles(void **state)
{
	struct policy_params p = policy_params_default();
	(void)state;
	p.threshold = 3;
	p.width = 1;
	p.zeros = ZEROS_CAMOUFLAGE;
	p.group_min = 0;
	struct table_input *t = offices_of_their_own();
	struct release_result *r = release(t, &p, 3, 0);
	assert_int_equal(r->refusal, REFUSAL_NONE);
	for (int o = 0; o < 10; o++) {
		struct hunt h = { .knows = o };
		for (int i = 0; i < 10; i++) {
			h.least[i] = INT64_MAX;
			h.most[i] = -1;
		}
		for (int c = 0; c < 18; c++) {
			const char *at[] = { c / 6 == 0 ? "_T" : single_rows[c / 6 - 1],
				c % 6 == 0 ? "_T" : single_columns[c % 6 - 1], "_T" };
			char mark = 0;
			uint64_t value = 0;
			assert_true(safe_table_find(r->table, at, &mark, &value));
			h.cell[c] = mark == MARK_PUBLISHED ? (int64_t)value : -1;
		}
		hunt_from(&h, 0);
		for (int i = 0; i < 10; i++) {
			int64_t v = (int64_t)singles[i / 5][i % 5];
			if (i != o && v > 0 && v < 3)
				assert_true(h.least[i] < h.most[i]);
		}
	}
	release_result_free(r);
	table_free(t);
}

/* I-6: hidden cells of which a reader knows that they are noughts, or ones. */
static void test_noughts_and_ones(void **state)
{
	static const uint64_t value[3][4] = { { 0, 0, 0, 0 }, { 10, 5, 0, 0 }, { 10, 3, 1, 1 } };
	static const char *const name[] = { "a", "b", "c", "d" };
	(void)state;
	for (int i = 0; i < 3; i++) {
		struct err e = { 0 };
		struct policy_params p = policy_params_default();
		struct table_input *t = table_new();
		p.offices = false;
		assert_non_null(t);
		must(table_add_dimension(t, "d", 0, &e), &e);
		code(t, 1, "_T");
		for (int j = 0; j < 4; j++)
			code(t, 2, name[j]);
		for (int j = 0; j < 4; j++)
			must(table_add_cell(t, &name[j], NULL, CELL_VALUE, value[i][j], 0, &e), &e);
		must(table_finish(t, &e), &e);
		for (int zeros = 0; zeros < 3; zeros++) {
			p.zeros = (enum zeros_rule)zeros;
			struct release_result *r = release(t, &p, 3, 0);
			uint64_t small = 0;
			for (int j = 0; j < 4; j++)
				small += value[i][j] < 5 && (value[i][j] > 0 || zeros == ZEROS_SENSITIVE);
			/* Hiding the small cells alone would tell them. Only 3 + 1 + 1, when a nought may hide
			 * among them, leave each of the three anything from 0 to 5. */
			bool enough = i == 2 && zeros != ZEROS_PUBLISHED;
			if (r->refusal == REFUSAL_NONE && small > 0)
				assert_true(r->summary.hidden > small || (enough && r->summary.hidden == 3));
			release_result_free(r);
		}
		table_free(t);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rectangle),
		cmocka_unit_test(test_two_groupings),
		cmocka_unit_test(test_singles),
		cmocka_unit_test(test_noughts_and_ones),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
