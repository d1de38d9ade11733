/* Known answers for `attack`: small tables whose intervals can be worked out by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/protect/attack.h"
#include "client/protect/protectfiles.h"

static char dir[] = "/tmp/cellveil-attack-XXXXXX";

static void put(const char *name, const char *text)
{
	char path[256];
	struct err e = { 0 };
	snprintf(path, sizeof path, "%s/%s", dir, name);
	assert_true(protectfiles_put(path, bytes_text(text), &e));
}

static void hier(const char *dim, const char *codes)
{
	struct buf out = { 0 };
	char name[64];
	buf_put_text(&out, "level,code\n@,_T\n");
	for (const char *c = codes; *c != '\0'; c++)
		buf_printf(&out, "@@,%c\n", *c);
	buf_put_byte(&out, '\0');
	snprintf(name, sizeof name, "hier_%s.csv", dim);
	put(name, (const char *)out.data);
	buf_free(&out);
}

/* A two-way table with margins; pattern has one letter an inner cell, row by row: H hidden, P published, - not printed.
 * Margins are published. */
static void table(const char *rows, const char *columns, const int *count, const char *pattern)
{
	struct buf cells = { 0 };
	struct buf result = { 0 };
	size_t n = strlen(rows);
	size_t m = strlen(columns);
	hier("row", rows);
	hier("col", columns);
	buf_put_text(&cells, "row,col,freq\n");
	buf_put_text(&result, "row,col,freq,status\n");
	for (size_t i = 0; i <= n; i++)
		for (size_t k = 0; k <= m; k++) {
			int sum = 0;
			for (size_t x = 0; x < n; x++)
				for (size_t y = 0; y < m; y++)
					if ((i == 0 || x == i - 1) && (k == 0 || y == k - 1))
						sum += count[x * m + y];
			char r[3] = { i == 0 ? '_' : rows[i - 1], i == 0 ? 'T' : '\0' };
			char c[3] = { k == 0 ? '_' : columns[k - 1], k == 0 ? 'T' : '\0' };
			bool inner = i > 0 && k > 0;
			if (inner)
				buf_printf(&cells, "%s,%s,%d\n", r, c, sum);
			if (inner && pattern[(i - 1) * m + k - 1] == '-')
				continue;
			if (inner && pattern[(i - 1) * m + k - 1] == 'H')
				buf_printf(&result, "%s,%s,,H\n", r, c);
			else
				buf_printf(&result, "%s,%s,%d,P\n", r, c, sum);
		}
	buf_put_byte(&cells, '\0');
	buf_put_byte(&result, '\0');
	put("cells.csv", (const char *)cells.data);
	put("RESULT.csv", (const char *)result.data);
	buf_free(&cells);
	buf_free(&result);
}

/* Runs the command; the intervals stand in out afterwards. */
static int attack(struct buf *out, const char *option, const char *value)
{
	const struct program program = { .name = "cellveil", .command = &attack_command, .n_commands = 1 };
	char result[256];
	char file[256];
	struct err e = { 0 };
	snprintf(result, sizeof result, "%s/RESULT.csv", dir);
	snprintf(file, sizeof file, "%s/intervals.csv", dir);
	char *argv[] = { (char *)(uintptr_t) "cellveil", (char *)(uintptr_t) "attack", dir, result,
		(char *)(uintptr_t) "-o", file, (char *)(uintptr_t)option, (char *)(uintptr_t)value, NULL };
	int argc = option == NULL ? 6 : value == NULL ? 7 : 8;
	int code = command_main(&program, argc, argv);
	buf_clear(out);
	if (code < 2)
		assert_true(protectfiles_read(out, file, 1 << 20, &e));
	buf_put_byte(out, '\0');
	return code;
}

static void assert_has(const struct buf *out, const char *line)
{
	if (strstr((const char *)out->data, line) == NULL)
		fail_msg("no line %s in\n%s", line, (const char *)out->data);
}

static void four_cells_of_nine(void **state)
{
	(void)state;
	static const int count[] = { 20, 50, 10, 8, 19, 22, 17, 32, 12 };
	struct buf out = { 0 };
	table("ABC", "xyz", count, "PPPHPHHPH");
	assert_int_equal(attack(&out, NULL, NULL), 0);
	assert_has(&out, "B|x,0,25,0,");
	assert_has(&out, "B|z,5,30,0,");
	assert_has(&out, "C|x,0,25,0,");
	assert_has(&out, "C|z,4,29,0,");
	buf_free(&out);
}

static void bounds_count_and_not_only_equations(void **state)
{
	(void)state;
	static const int count[] = { 5, 2, 1, 2, 3, 3 };
	struct buf out = { 0 };
	table("ABC", "xy", count, "HHHHPP");
	assert_int_equal(attack(&out, NULL, NULL), 0);
	assert_has(&out, "A|x,3,6,0,");
	assert_has(&out, "A|y,1,4,0,");
	assert_has(&out, "B|x,0,3,0,");
	assert_has(&out, "B|y,0,3,0,");
	buf_free(&out);
}

static void two_hidden_in_each_line_may_still_fix_one(void **state)
{
	(void)state;
	static const int count[] = { 30, 47, 64, 89, 90, 124, 5, 31, 92, 100, 59, 85, 800, 991, 651, 685 };
	struct buf out = { 0 };
	table("wxyz", "abcd", count, "HHHPHPHPPHPHPHPH");
	assert_int_equal(attack(&out, NULL, NULL), 1);
	assert_has(&out, "w|b,47,47,1,");
	table("wxyz", "abcd", count, "HHHPHHHPPHPHPHPH");
	assert_int_equal(attack(&out, NULL, NULL), 0);
	assert_has(&out, "w|b,0,141,0,");
	buf_free(&out);
}

static void what_no_table_prints_may_follow(void **state)
{
	(void)state;
	static const int count[] = { 20, 4, 30, 11, 12, 13, 15, 16, 17 };
	struct buf out = { 0 };
	table("ABC", "xyz", count, "P-PPPPPPP");
	assert_int_equal(attack(&out, NULL, NULL), 1);
	assert_has(&out, "A|y,4,4,1,told,public");
	table("ABC", "xyz", count, "PP-PPPPPP"); /* many */
	assert_int_equal(attack(&out, NULL, NULL), 0);
	table("ABC", "xyz", count, "---------"); /* nothing is exact */
	assert_int_equal(attack(&out, NULL, NULL), 0);
	buf_free(&out);
}

static void a_sum_that_no_table_prints_may_follow(void **state)
{
	(void)state;
	static const int count[] = { 20, 1, 2, 11, 12, 13, 15, 16, 17 };
	struct buf out = { 0 };
	table("ABC", "xyz", count, "P--------");
	assert_int_equal(attack(&out, NULL, NULL), 1);
	assert_has(&out, "A|_T - A|x,3,3,1,told,public");
	table("ABC", "xyz", count, "H--------"); /* nor does it where the part is hidden */
	assert_int_equal(attack(&out, NULL, NULL), 0);
	buf_free(&out);
}

static void a_floor_is_knowledge(void **state)
{
	(void)state;
	static const int count[] = { 2, 0, 9, 9 };
	struct buf out = { 0 };
	table("AB", "xy", count, "HHPP");
	assert_int_equal(attack(&out, NULL, NULL), 1); /* the columns give both away */
	static const int wide[] = { 1, 1, 9, 9 };
	table("AB", "xy", wide, "HHHH");
	assert_int_equal(attack(&out, NULL, NULL), 0);
	assert_has(&out, "A|x,0,2,0,");
	assert_int_equal(attack(&out, "--floor", "1"), 1);
	assert_has(&out, "A|x,1,1,1,");
	buf_free(&out);
}

static void an_office_subtracts_itself(void **state)
{
	(void)state;
	static const int count[] = { 12, 9, 3, 8, 20, 30 };
	const struct program program = { .name = "cellveil", .command = &attack_command, .n_commands = 1 };
	struct buf out = { 0 };
	struct err e = { 0 };
	char policy[256];
	char file[256];
	char result[256];
	(void)e;
	table("ABC", "xy", count, "HPHPPP");
	put("policy.yaml", "office_dim: row\n");
	snprintf(policy, sizeof policy, "%s/policy.yaml", dir);
	snprintf(result, sizeof result, "%s/RESULT.csv", dir);
	snprintf(file, sizeof file, "%s/intervals.csv", dir);
	char *argv[] = { (char *)(uintptr_t) "cellveil", (char *)(uintptr_t) "attack", dir, result,
		(char *)(uintptr_t) "--all-offices", (char *)(uintptr_t) "--policy", policy,
		(char *)(uintptr_t) "-o", file, NULL };
	assert_int_equal(command_main(&program, 9, argv), 1);
	assert_true(protectfiles_read(&out, file, 1 << 20, &e));
	buf_put_byte(&out, '\0');
	assert_has(&out, "B|x,3,3,1,propagation,office:A");
	buf_free(&out);
}

static int folder_make(void **state)
{
	(void)state;
	return mkdtemp(dir) == NULL;
}

static int folder_remove(void **state)
{
	(void)state;
	static const char *const name[] = { "cells.csv", "RESULT.csv", "intervals.csv", "policy.yaml",
		"hier_row.csv", "hier_col.csv" };
	for (size_t i = 0; i < sizeof name / sizeof name[0]; i++) {
		char path[256];
		snprintf(path, sizeof path, "%s/%s", dir, name[i]);
		unlink(path);
	}
	return rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(four_cells_of_nine),
		cmocka_unit_test(bounds_count_and_not_only_equations),
		cmocka_unit_test(two_hidden_in_each_line_may_still_fix_one),
		cmocka_unit_test(what_no_table_prints_may_follow),
		cmocka_unit_test(a_sum_that_no_table_prints_may_follow),
		cmocka_unit_test(a_floor_is_knowledge),
		cmocka_unit_test(an_office_subtracts_itself),
	};
	return cmocka_run_group_tests(tests, folder_make, folder_remove);
}
