/* Public tables: from the published file alone, consistent with it, far enough apart. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "policy/witness.h"

#define SIDE 4u /* a total and three codes */

/* 3 x 3 with margins; the corner of two by two inner cells is hidden. */
static struct table_input *square(void)
{
	static const uint64_t count[3][3] = { { 2, 7, 9 }, { 6, 3, 8 }, { 12, 9, 20 } };
	static const char *const row[] = { "a", "b", "c" };
	static const char *const col[] = { "x", "y", "z" };
	struct err e = { 0 };
	struct table_input *t = table_new();
	assert_non_null(t);
	for (int d = 0; d < 2; d++) {
		assert_true(table_add_dimension(t, d == 0 ? "row" : "col", 0, &e));
		assert_true(table_add_code(t, 1, "_T", 0, UINT32_MAX, false, 0, &e));
		for (int i = 0; i < 3; i++)
			assert_true(
			    table_add_code(t, 2, d == 0 ? row[i] : col[i], 0, UINT32_MAX, false, 0, &e));
	}
	for (int i = 0; i < 3; i++)
		for (int j = 0; j < 3; j++) {
			const char *code[] = { row[i], col[j] };
			assert_true(table_add_cell(t, code, NULL, CELL_VALUE, count[i][j], 0, &e));
		}
	if (!table_finish(t, &e))
		fail_msg("%s", e.text);
	return t;
}

static void hide(struct grid *g, unsigned rows)
{
	for (unsigned i = 1; i <= rows; i++)
		for (unsigned j = 1; j <= 2; j++)
			g->frozen[i * SIDE + j] = 1;
}

static void run(const struct grid *g, struct buf *tables, struct buf *open, struct witness_report *r)
{
	struct err e = { 0 };
	struct witness *w = witness_open(g, NULL, &e);
	if (w == NULL)
		fail_msg("%s", e.text);
	for (uint32_t i = 0; i < witness_jobs(w); i++)
		witness_try(w, i);
	assert_true(witness_put(w, tables, open, r));
	witness_free(w);
}

/* Reads each line's table back: sums must be those printed, and the four cells must move enough. */
static void check_tables(struct buf *tables, const int64_t *value)
{
	static const unsigned cell[4] = { SIDE + 1, SIDE + 2, 2 * SIDE + 1, 2 * SIDE + 2 };
	int64_t least[4];
	int64_t most[4] = { 0 };
	unsigned n = 0;
	buf_put(tables, "", 1);
	for (char *line = strtok((char *)tables->data, "\n"); line != NULL; line = strtok(NULL, "\n"), n++) {
		unsigned c[4];
		long long v[4];
		assert_int_equal(sscanf(line, "w %*u 0 4 %u=%lld %u=%lld %u=%lld %u=%lld", &c[0], &v[0],
				     &c[1], &v[1], &c[2], &v[2], &c[3], &v[3]),
		    8);
		for (int i = 0; i < 4; i++) {
			assert_int_equal(c[i], cell[i]);
			assert_true(v[i] >= 0);
			least[i] = n == 0 || v[i] < least[i] ? v[i] : least[i];
			most[i] = v[i] > most[i] ? v[i] : most[i];
		}
		assert_int_equal(v[0] + v[1], value[cell[0]] + value[cell[1]]);
		assert_int_equal(v[2] + v[3], value[cell[2]] + value[cell[3]]);
		assert_int_equal(v[0] + v[2], value[cell[0]] + value[cell[2]]);
	}
	assert_true(n >= 2);
	for (int i = 0; i < 4; i++)
		assert_true(most[i] >= 5 && most[i] - least[i] >= 2);
}

static void test_tables(void **state)
{
	uint8_t key[32] = { 1 };
	struct policy_params p = policy_params_default();
	struct table_input *t = square();
	struct witness_report r;
	struct buf tables = { 0 };
	struct buf open = { 0 };
	struct grid g;
	struct err e = { 0 };
	(void)state;
	assert_true(grid_init(&g, t, &p, key, &e));
	hide(&g, 2);
	run(&g, &tables, &open, &r);
	assert_int_equal(r.components, 1);
	assert_int_equal(r.open, 0);
	assert_int_equal(open.size, 0);
	check_tables(&tables, g.value);
	buf_free(&tables);
	buf_free(&open);
	grid_free(&g);
	table_free(t);
}

/* Other hidden counts, another key: the same bytes, since neither is looked at. */
static void test_truth_is_not_used(void **state)
{
	uint8_t key[32] = { 1 };
	int64_t other[SIDE * SIDE];
	struct policy_params p = policy_params_default();
	struct table_input *t = square();
	struct witness_report r;
	struct buf tables[2] = { 0 };
	struct buf open[2] = { 0 };
	struct err e = { 0 };
	(void)state;
	for (int i = 0; i < 2; i++) {
		struct grid g;
		key[0] = (uint8_t)i;
		assert_true(grid_init(&g, t, &p, key, &e));
		hide(&g, 2);
		memcpy(other, g.value, sizeof other);
		for (unsigned c = 0; i == 1 && c < SIDE * SIDE; c++)
			if (grid_hidden(&g, c))
				other[c] = -77;
		g.value = other;
		run(&g, &tables[i], &open[i], &r);
		grid_free(&g);
	}
	assert_true(tables[0].size > 0 && tables[0].size == tables[1].size);
	assert_memory_equal(tables[0].data, tables[1].data, tables[0].size);
	for (int i = 0; i < 2; i++) {
		buf_free(&tables[i]);
		buf_free(&open[i]);
	}
	table_free(t);
}

/* One row's two cells follow from nothing but each other; a single cell follows exactly: no tables. */
static void test_open(void **state)
{
	uint8_t key[32] = { 1 };
	struct policy_params p = policy_params_default();
	struct table_input *t = square();
	struct witness_report r;
	struct buf tables = { 0 };
	struct buf open = { 0 };
	struct grid g;
	struct err e = { 0 };
	(void)state;
	assert_true(grid_init(&g, t, &p, key, &e));
	hide(&g, 1);
	run(&g, &tables, &open, &r);
	assert_int_equal(r.components, 1);
	assert_int_equal(r.open, 1);
	assert_int_equal(tables.size, 0);
	buf_put(&open, "", 1);
	assert_string_equal((char *)open.data, "o 0 2\n");
	buf_free(&tables);
	buf_free(&open);
	grid_free(&g);
	table_free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_tables),
		cmocka_unit_test(test_truth_is_not_used), cmocka_unit_test(test_open) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
