/* Small counts that no table prints, and offices that know their own: moves are added where the other requirements' do not do,
 * and something more is hidden where these need it. The built-in checker refuses a pattern without. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "policy/check.h"
#include "policy/primary.h"
#include "policy/unprinted.h"
#include "policy/zones.h"

#define UNPRINTED (CHECK_PARTS - 1) /* the part of the check */

struct row {
	const char *office;
	uint64_t new, not_new;
};

static void add_codes(struct table_input *t, const char *name, const char *const *line, size_t n)
{
	struct err e = { 0 };
	assert_true(table_add_dimension(t, name, 0, &e));
	for (size_t i = 0; i < n; i++) {
		unsigned level = (unsigned)strspn(line[i], "@");
		bool view = strchr(line[i], '*') != NULL;
		assert_true(
		    table_add_code(t, level, line[i] + level + (view ? 1 : 0), 0, UINT32_MAX, view, 0, &e));
	}
}

/* The north prints 30 clients, another table 22 new ones of a: b, who has 6 of the clients, sees that 2 of a's are not new. The
 * south is large. With c in the north as well two offices must pool to see it. */
static struct table_input *make_table(bool pair)
{
	static const char *const alone[] = { "@_T", "@@north", "@@@a", "@@@b", "@@south", "@@@c", "@@@d" };
	static const char *const pooled[] = { "@_T", "@@north", "@@@a", "@@@b", "@@@c", "@@south", "@@@d" };
	static const char *const measures[] = { "@*clients", "@@new", "@@not" };
	static const struct row row[] = { { "a", 22, 2 }, { "b", 0, 6 }, { "c", 9, 11 }, { "d", 20, 17 } };
	static const char *const clients[] = { "_T|north|south", "clients" };
	static const char *const new[] = { "a|d", "new" };
	struct err e = { 0 };
	struct table_input *t = table_new();
	assert_non_null(t);
	add_codes(t, "office", pair ? pooled : alone, sizeof alone / sizeof *alone);
	add_codes(t, "measure", measures, sizeof measures / sizeof *measures);
	for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
		const char *code[] = { row[i].office, "new" };
		assert_true(table_add_cell(t, code, NULL, CELL_VALUE, row[i].new, 0, &e));
		code[1] = "not";
		assert_true(table_add_cell(t, code, NULL, CELL_VALUE, row[i].not_new, 0, &e));
	}
	assert_true(table_add_printed(t, "clients", clients, 0, &e));
	assert_true(table_add_printed(t, "new", new, 0, &e));
	if (!table_finish(t, &e))
		fail_msg("%s", e.text);
	return t;
}

static bool check(const struct plan *p, uint32_t part)
{
	struct err e = { 0 };
	if (check_part(p, LEVEL_3, part, &e))
		return true;
	assert_int_equal(e.code, ERR_INTERNAL);
	assert_string_equal(e.text, "our own check failed: R12 unprinted");
	return false;
}

/* Serves what the other rules ask for, then what is needed for what no table prints; answers whether that hid anything. */
static bool hides_more(bool pair, uint32_t coalition)
{
	static const uint8_t key[32] = { 0 };
	struct err e = { 0 };
	struct policy_params params = policy_params_default();
	struct table_input *t = make_table(pair);
	struct grid g;
	struct needs n = { 0 };
	struct plan p;
	bool open = false;
	bool again = false;
	params.zeros = ZEROS_CAMOUFLAGE;
	params.coalition = coalition;
	if (!grid_init(&g, t, &params, key, &e) || !primary_find(&g, LEVEL_3, &n, &e) ||
	    !plan_init(&p, &g, &n, &e))
		fail_msg("%s", e.text);
	assert_true(zones_serve(&p, 0, NULL));
	for (uint32_t part = 0; part < UNPRINTED; part++)
		assert_true(check(&p, part));
	assert_false(check(&p, UNPRINTED)); /* the 2 that are not new, at least */
	uint32_t before = n.n;
	p.max_work = 1;
	p.s.work += 2; /* it is spent: nothing is looked at, and nothing is taken for safe */
	assert_true(unprinted_find(&p, LEVEL_3, &open, &e));
	assert_true(open && n.n == before);
	p.max_work = 0;
	assert_true(unprinted_find(&p, LEVEL_3, &open, &e));
	assert_int_equal(check(&p, UNPRINTED), !open);
	assert_true(zones_serve(&p, 0, NULL));
	assert_true(unprinted_find(&p, LEVEL_3, &again, &e));
	assert_false(again);
	for (uint32_t part = 0; part < CHECK_PARTS; part++)
		assert_true(check(&p, part));
	plan_free(&p);
	needs_free(&n);
	grid_free(&g);
	table_free(t);
	return open;
}

static void test_one_office(void **state)
{
	(void)state;
	assert_true(hides_more(false, 1));
	assert_true(hides_more(false, 2));
}

static void test_offices_that_pool(void **state)
{
	(void)state;
	assert_false(hides_more(true, 1));
	assert_true(hides_more(true, 2));
}

int main(void)
{
	static const struct CMUnitTest tests[] = { cmocka_unit_test(test_one_office),
		cmocka_unit_test(test_offices_that_pool) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
