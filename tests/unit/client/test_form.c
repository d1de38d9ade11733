/* Whole forms: the made-up office and its 22 variants, real forms against expected figures, and what is said of them. */
#include "client/form/csv.h"
#include "formfixture.h"
#include "policy/params.h"

/* ---- the made-up office and its 22 variants ---- */

static enum severity severity_of(const char *word)
{
	return strcmp(word, "error") == 0 ? SEVERITY_ERROR : SEVERITY_WARNING;
}

static void check_variant(const struct config *c, const struct figures *good, const struct sheet_row *want)
{
	char name[128];
	struct form_result result;
	struct findings f;
	const char *line = sheet_at(want, 1);
	const char *column = sheet_at(want, 2);
	const char *severity = sheet_at(want, 3);
	snprintf(name, sizeof name, "forms/fel/%s", sheet_at(want, 0));
	read_form(name, c, NULL, (struct form_options){ 0 }, &result, &f);
	if (strcmp(severity, "ok") == 0) {
		if (f.n != 0)
			print_findings(&f);
		assert_int_equal(f.n, 0);
		assert_same(c, good, &result.figures, name);
	} else {
		if (f.n != 1 || f.at[0].severity != severity_of(severity) ||
		    f.at[0].line != (uint32_t)strtoul(line, NULL, 10) ||
		    strcmp(f.at[0].column, column) != 0) {
			print_findings(&f);
			fail_msg(
			    "%s: one %s on line %s, column '%s' is expected", name, severity, line, column);
		}
	}
	end(&result, &f);
}

static void test_variants(void **state)
{
	(void)state;
	struct err e = { 0 };
	struct config *c = preset("2024");
	struct form_result good;
	struct findings f;
	read_form("forms/po-redovisning-2024-exempel.csv", c, NULL, (struct form_options){ 0 }, &good, &f);
	if (f.n != 0)
		print_findings(&f);
	assert_int_equal(f.n, 0);
	assert_string_equal(good.period, "2024");
	struct buf file = { 0 };
	struct sheet expected;
	load(&file, TEST_DATA, "forms/fel/expected.csv");
	assert_true(sheet_new(&expected, &e));
	assert_true(csv_read(buf_bytes(&file), &expected, &e));
	assert_int_equal(expected.n_rows, 23);
	for (uint32_t i = 1; i < expected.n_rows; i++)
		check_variant(c, &good.figures, &expected.row[i]);
	sheet_free(&expected);
	buf_free(&file);
	end(&good, &f);
	config_free(c);
}

/* ---- real forms against the expected figures ---- */

static uint32_t cell_at(const struct config *c, const char *text)
{
	struct cell_id id;
	assert_true(config_read_cell(c, bytes_text(text), &id));
	return model_asked(c, &id);
}

static void forget(const struct config *c, struct figures *f, const char *cell)
{
	uint32_t i = cell_at(c, cell);
	f->state[i] = FIGURE_BLANK;
	f->value[i] = 0;
}

static void compare_form(const char *year, const char *form, const char *expected)
{
	struct config *c = preset(year);
	struct form_result a;
	struct form_result b;
	struct findings fa;
	struct findings fb;
	struct form_options open = { .blanks_not_reported = true };
	read_form(form, c, NULL, open, &a, &fa);
	read_form(expected, c, NULL, open, &b, &fb);
	assert_string_equal(a.period, year);
	assert_string_equal(b.period, year);
	if (strcmp(year, "2020") == 0) { /* the sex of the staff: tests/data/forms/README.md */
		forget(c, &a.figures, "ombud_persons|M");
		forget(c, &b.figures, "ombud_persons|_X");
	}
	assert_same(c, &a.figures, &b.figures, form);
	end(&a, &fa);
	end(&b, &fb);
	config_free(c);
}

static void test_real_forms(void **state)
{
	(void)state;
	compare_form("2020", "forms/po-redovisning-2020-spanga-tensta.csv", "seeds/spanga-tensta-2020.csv");
	compare_form("2020", "forms/po-redovisning-2020-spanga-tensta.txt", "seeds/spanga-tensta-2020.csv");
	compare_form("2022", "forms/po-redovisning-2022-efh.csv", "seeds/efh-2022.csv");
	compare_form("2022", "forms/po-redovisning-2022-efh.xlsx", "seeds/efh-2022.csv");
	compare_form("2023", "forms/po-redovisning-2023-efh.csv", "seeds/efh-2023.csv");
	compare_form("2023", "forms/po-redovisning-2023-efh.xlsx", "seeds/efh-2023.csv");
	compare_form("2023", "forms/po-redovisning-2023-efh.ods", "seeds/efh-2023.csv");
	compare_form("2024", "forms/po-redovisning-2024-exempel.csv", "seeds/exempel-2024.csv");
	compare_form("2024", "forms/po-redovisning-2024-exempel.xlsx", "seeds/exempel-2024.csv");
	compare_form("2024", "forms/po-redovisning-2024-exempel.ods", "seeds/exempel-2024.csv");
}

/* The same form as a workbook says the same, and nothing more. */
static void test_workbooks(void **state)
{
	(void)state;
	static const char *const names[] = { "forms/po-redovisning-2024-exempel.xlsx",
		"forms/po-redovisning-2024-exempel.ods" };
	struct config *c = preset("2024");
	for (size_t i = 0; i < 2; i++) {
		struct form_result r;
		struct findings f;
		read_form(names[i], c, NULL, (struct form_options){ 0 }, &r, &f);
		if (f.n != 0)
			print_findings(&f);
		assert_int_equal(f.n, 0);
		assert_string_equal(r.period, "2024");
		end(&r, &f);
	}
	config_free(c);
}

static void test_preset_policies(void **state)
{
	(void)state;
	static const char *const years[] = { "2020", "2022", "2023", "2024" };
	for (size_t i = 0; i < 4; i++) {
		struct err e = { 0 };
		struct policy_params p;
		struct config *c = preset(years[i]);
		if (!policy_params_from_settings(&p, c->policy, c->n_policy, &e))
			fail_msg("%s: %s", years[i], e.text);
		config_free(c);
	}
}

/* What the findings of a form with many blanks come to, without and with the office's word that they are
 * meant. */
static void test_open_boxes(void **state)
{
	(void)state;
	struct config *c = preset("2023");
	struct form_result r;
	struct findings f;
	read_form("forms/po-redovisning-2023-efh.csv", c, NULL, (struct form_options){ 0 }, &r, &f);
	assert_int_equal(findings_worst(&f), SEVERITY_ERROR);
	assert_int_equal(count_code(&f, FINDING_BREAKDOWN, SEVERITY_ERROR), 4);
	assert_int_equal(count_code(&f, FINDING_BLANK_UNDER_TOTAL, SEVERITY_WARNING), 1);
	assert_int_equal(count_code(&f, FINDING_BLANK, SEVERITY_ERROR), 8);
	assert_int_equal(count_code(&f, FINDING_DATED_EARLY, SEVERITY_WARNING), 1);
	assert_int_equal(f.n, 14);
	assert_true(findings_open(&f));
	end(&r, &f);
	read_form("forms/po-redovisning-2023-efh.csv", c, NULL,
	    (struct form_options){ .blanks_not_reported = true }, &r, &f);
	if (findings_worst(&f) != SEVERITY_WARNING)
		print_findings(&f);
	assert_int_equal(findings_worst(&f), SEVERITY_WARNING);
	assert_false(findings_open(&f));
	assert_int_equal(f.n, 14);
	end(&r, &f);
	config_free(c);
}

/* The 2020 form counts reasons of all clients, not of the new ones: an error that no option takes away. */
static void test_broken_base(void **state)
{
	(void)state;
	struct config *c = preset("2020");
	struct form_result r;
	struct findings f;
	read_form("forms/po-redovisning-2020-spanga-tensta.csv", c, NULL,
	    (struct form_options){ .blanks_not_reported = true }, &r, &f);
	assert_int_equal(count_code(&f, FINDING_CHECK, SEVERITY_ERROR), 8);
	assert_int_equal(findings_count(&f, SEVERITY_ERROR), 8);
	assert_int_equal(count_code(&f, FINDING_WRITTEN_WITH_DECIMALS, SEVERITY_WARNING), 1);
	assert_int_equal(count_code(&f, FINDING_RATIO, SEVERITY_NOTE), 1); /* clients for each post */
	end(&r, &f);
	config_free(c);
}

/* ---- what is said of it ---- */

static void test_output(void **state)
{
	(void)state;
	struct config *c = preset("2024");
	struct form_result r;
	struct findings f;
	struct buf out = { 0 };
	read_form(
	    "forms/fel/fel-05-ofullstandig-fordelning.csv", c, NULL, (struct form_options){ 0 }, &r, &f);
	findings_print(&f, &out, LANGUAGE_SV);
	buf_put_byte(&out, '\0');
	assert_string_equal((char *)out.data, "forms/fel/fel-05-ofullstandig-fordelning.csv:41: Kvinnor: FEL "
					      "fördelning saknas under en total (20 av 23)\n"
					      "    Klienter / Antal nya klienter\n"
					      "    Fyll i raderna under totalen. Ska de stå tomma: --blanks "
					      "not-reported. [incomplete-breakdown]\n");
	buf_clear(&out);
	findings_json(&f, &out);
	buf_put_byte(&out, '\0');
	assert_non_null(strstr((char *)out.data, "\"errors\":1,\"warnings\":0,\"notes\":0"));
	assert_non_null(strstr((char *)out.data, "\"code\":\"incomplete-breakdown\",\"severity\":\"error\""));
	buf_free(&out);
	end(&r, &f);
	config_free(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_variants),
		cmocka_unit_test(test_real_forms),
		cmocka_unit_test(test_workbooks),
		cmocka_unit_test(test_preset_policies),
		cmocka_unit_test(test_open_boxes),
		cmocka_unit_test(test_broken_base),
		cmocka_unit_test(test_output),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
