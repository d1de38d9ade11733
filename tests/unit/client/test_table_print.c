#include "client/table_print.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static const struct code_parent under_total = { 0, 0 };
static const struct code sex_codes[] = {
	{ "_T", { "Totalt", "Total" }, NULL, 0, { 0, UINT32_MAX } },
	{ "F", { "Kvinnor", "Women" }, &under_total, 1, { 0, UINT32_MAX } },
	{ "M", { "M\xc3\xa4n", "Men" }, &under_total, 1, { 0, UINT32_MAX } },
};
static const struct code office_codes[] = {
	{ "_T", { "Hela staden", "Whole city" }, NULL, 0, { 0, UINT32_MAX } },
	{ "north", { "Norr", "North" }, &under_total, 1, { 0, UINT32_MAX } },
	{ "south",
	    { "S\xc3\xb6"
	      "der",
		"South" },
	    &under_total, 1, { 0, UINT32_MAX } },
	{ "west", { "V\xc3\xa4ster", "West" }, &under_total, 1, { 0, UINT32_MAX } },
};
static const struct codelist lists[] = {
	{ "office", { "Enhet", "Office" }, office_codes, COUNT(office_codes) },
	{ "sex", { "K\xc3\xb6n", "Sex" }, sex_codes, COUNT(sex_codes) },
};
static const struct measure measures[] = {
	{ .name = "clients", .label = { "Klienter", "Clients" }, .within = NO_PLACE },
	{ .name = "posts", .label = { "Tj\xc3\xa4nster", "Posts" }, .decimals = 2, .within = NO_PLACE },
};
static const struct release_table tables[] = { { .id = "clients",
    .label = { "Klienter efter enhet och k\xc3\xb6n", "Clients by office and sex" } } };
static const struct config config = { .list = lists,
	.n_lists = COUNT(lists),
	.measure = measures,
	.n_measures = COUNT(measures),
	.table = tables,
	.n_tables = COUNT(tables) };

static void expect(struct release_rows_table *t, uint64_t revision, enum language language, const char *want)
{
	struct release_rows rows = { .period = "2024", .revision = revision, .table = t, .n_tables = 1 };
	struct buf out = { 0 };
	struct err e = { 0 };

	assert_true(table_print(&out, &config, &rows, 0, language, &e));
	buf_put_byte(&out, 0);
	assert_string_equal((const char *)out.data, want);
	buf_free(&out);
}

static struct release_row office_by_sex[] = {
	{ 0, { 0, 0 }, RELEASE_PUBLISHED, 1234567 },
	{ 0, { 0, 1 }, RELEASE_PUBLISHED, 300 },
	{ 0, { 0, 2 }, RELEASE_PUBLISHED, 0 },
	{ 0, { 1, 0 }, RELEASE_PUBLISHED, 31 },
	{ 0, { 1, 1 }, RELEASE_SUPPRESSED, 0 },
	{ 0, { 1, 2 }, RELEASE_SUPPRESSED, 0 },
	{ 0, { 2, 0 }, RELEASE_PUBLISHED, 12 },
	{ 0, { 2, 1 }, RELEASE_STRUCTURAL, 0 },
	{ 0, { 2, 2 }, RELEASE_PUBLISHED, 12 },
	{ 0, { 3, 0 }, RELEASE_NOT_REPORTED, 0 },
	{ 0, { 3, 1 }, RELEASE_NOT_REPORTED, 0 },
	{ 0, { 3, 2 }, RELEASE_NOT_ASKED, 0 },
};
static struct release_rows_table two_dims = { "clients", { "office", "sex" }, 2, office_by_sex,
	COUNT(office_by_sex) };

#define LINE10                                                                                               \
	"\xe2\x94\x80\xe2\x94\x80\xe2\x94\x80\xe2\x94\x80\xe2\x94\x80\xe2\x94\x80\xe2\x94\x80\xe2\x94\x80"   \
	"\xe2\x94\x80\xe2\x94\x80"
#define LINE1 "\xe2\x94\x80"

static void test_swedish(void **state)
{
	(void)state;
	expect(&two_dims, 0, LANGUAGE_SV,
	    "Klienter efter enhet och k\xc3\xb6n, 2024\n"
	    "\n"
	    "Enhet           Totalt  Kvinnor  M\xc3\xa4n\n" LINE10 LINE10 LINE10 LINE1 LINE1 LINE1 LINE1 LINE1
		LINE1 "\n"
	    "Hela staden  1\xc2\xa0"
	    "234\xc2\xa0"
	    "567      300    0\n"
	    "  Norr              31       ..   ..\n"
	    "  S\xc3\xb6"
	    "der             12        0   12\n"
	    "\n"
	    "Inga uppgifter: V\xc3\xa4ster\n"
	    "..  dold, f\xc3\xb6r att skydda enskilda personer\n");
}

static void test_english(void **state)
{
	(void)state;
	expect(&two_dims, 1, LANGUAGE_EN,
	    "Clients by office and sex, 2024 (revision 1)\n"
	    "\n"
	    "Office          Total  Women  Men\n" LINE10 LINE10 LINE10 LINE1 LINE1 LINE1 "\n"
	    "Whole city  1,234,567    300    0\n"
	    "  North            31     ..   ..\n"
	    "  South            12      0   12\n"
	    "\n"
	    "Nothing reported: West\n"
	    "..  hidden, to protect individuals\n");
}

static void test_lines_left_out(void **state)
{
	(void)state;
	struct release_row row[] = {
		{ 0, { 0, 0 }, RELEASE_PUBLISHED, 9 },
		{ 0, { 0, 1 }, RELEASE_NOT_REPORTED, 0 },
		{ 0, { 1, 0 }, RELEASE_NOT_REPORTED, 0 },
		{ 0, { 1, 1 }, RELEASE_NOT_REPORTED, 0 },
		{ 1, { 0, 0 }, RELEASE_NOT_REPORTED, 0 },
		{ 1, { 0, 1 }, RELEASE_NOT_ASKED, 0 },
		{ 1, { 1, 0 }, RELEASE_NOT_REPORTED, 0 },
		{ 1, { 1, 1 }, RELEASE_NOT_REPORTED, 0 },
	};
	struct release_rows_table t = { "clients", { "office", "sex" }, 2, row, COUNT(row) };

	expect(&t, 0, LANGUAGE_EN,
	    "Clients by office and sex, 2024\n"
	    "\n"
	    "Measure  Office      Total  Women\n" LINE10 LINE10 LINE10 LINE1 LINE1 LINE1 "\n"
	    "Clients  Whole city      9      .\n"
	    "\n"
	    "Nothing reported: Clients \xe2\x80\x93 North; Posts\n"
	    ".   not reported\n");
}

/* Several measures, one of them with decimals; a cell that the release does not print stays empty. */
static void test_measures(void **state)
{
	(void)state;
	struct release_row row[] = {
		{ 0, { 0 }, RELEASE_PUBLISHED, 9 },
		{ 0, { 1 }, RELEASE_PUBLISHED, 5 },
		{ 1, { 0 }, RELEASE_PUBLISHED, 250 },
		{ 1, { 2 }, RELEASE_PUBLISHED, 5 },
	};
	struct release_rows_table t = { "mixed", { "sex" }, 1, row, COUNT(row) };

	expect(&t, 0, LANGUAGE_SV,
	    "mixed, 2024\n"
	    "\n"
	    "M\xc3\xa5tt      Totalt  Kvinnor   M\xc3\xa4n\n" LINE10 LINE10 LINE10 LINE1 "\n"
	    "Klienter       9        5\n"
	    "Tj\xc3\xa4nster    2,50           0,05\n");
}

/* No dimension at all: the measure's name heads the one column. */
static void test_single(void **state)
{
	(void)state;
	struct release_row row[] = { { 0, { 0 }, RELEASE_PUBLISHED, 1000 } };
	struct release_rows_table t = { "clients", { "" }, 0, row, 1 };
	struct release_rows_table none = { "clients", { "" }, 0, NULL, 0 };

	expect(&t, 0, LANGUAGE_EN,
	    "Clients by office and sex, 2024\n\n  Clients\n" LINE1 LINE1 LINE1 LINE1 LINE1 LINE1 LINE1 LINE1
		LINE1 "\n    1,000\n");
	expect(&none, 0, LANGUAGE_EN, "Clients by office and sex, 2024\n\n");
}

static void test_numbers(void **state)
{
	(void)state;
	const struct {
		uint64_t value;
		unsigned decimals;
		enum language language;
		const char *want;
	} cases[] = {
		{ 0, 0, LANGUAGE_EN, "0" },
		{ 999, 0, LANGUAGE_EN, "999" },
		{ 1000, 0, LANGUAGE_SV,
		    "1\xc2\xa0"
		    "000" },
		{ 5, 2, LANGUAGE_SV, "0,05" },
		{ 100000, 2, LANGUAGE_EN, "1,000.00" },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct buf out = { 0 };
		table_put_number(&out, cases[i].value, cases[i].decimals, cases[i].language);
		buf_put_byte(&out, 0);
		assert_string_equal((const char *)out.data, cases[i].want);
		buf_free(&out);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_swedish),
		cmocka_unit_test(test_english),
		cmocka_unit_test(test_lines_left_out),
		cmocka_unit_test(test_measures),
		cmocka_unit_test(test_single),
		cmocka_unit_test(test_numbers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
