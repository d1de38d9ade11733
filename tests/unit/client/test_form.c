#include "client/form/csv.h"
#include "client/form/form.h"
#include "client/form/label.h"
#include "client/form/number.h"
#include "client/form/workbook.h"
#include "formfixture.h"
#include "policy/params.h"
#include "proto/config.h"
#include "proto/content.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static void print_findings(const struct findings *f)
{
	struct buf out = { 0 };
	findings_print(f, &out, LANGUAGE_SV);
	fwrite(out.data, 1, out.size, stdout);
	buf_free(&out);
}

static void read_bytes(const char *name, struct bytes file, const struct config *c, const char *office,
    struct form_options options, struct form_result *result, struct findings *f)
{
	struct err e = { 0 };
	if (!form_read(name, file, c, office, &options, result, f, &e))
		fail_msg("%s: %s", name, e.text);
}

static void read_form(const char *name, const struct config *c, const char *office,
    struct form_options options, struct form_result *result, struct findings *f)
{
	struct buf file = { 0 };
	load(&file, TEST_DATA, name);
	read_bytes(name, buf_bytes(&file), c, office, options, result, f);
	buf_free(&file);
}

static void end(struct form_result *result, struct findings *f)
{
	figures_free(&result->figures);
	findings_free(f);
}

/* ---- the made-up office and its 22 variants ---- */

static enum severity severity_of(const char *word)
{
	return strcmp(word, "error") == 0 ? SEVERITY_ERROR : SEVERITY_WARNING;
}

static void assert_same(
    const struct config *c, const struct figures *a, const struct figures *b, const char *name)
{
	assert_int_equal(a->n, b->n);
	for (uint32_t i = 0; i < a->n; i++)
		if (a->state[i] != b->state[i] || a->value[i] != b->value[i]) {
			struct buf cell = { 0 };
			config_put_cell(&cell, c, &c->asked[i]);
			fail_msg("%s: %.*s differs (%u/%u)", name, (int)cell.size, (const char *)cell.data,
			    a->state[i], b->state[i]);
		}
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

static unsigned count_code(const struct findings *f, enum finding_code code, enum severity severity)
{
	unsigned n = 0;
	for (uint32_t i = 0; i < f->n; i++)
		n += f->at[i].code == code && f->at[i].severity == severity;
	return n;
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

/* An empty form (five boxes are ticked in print): every other box is told, nothing is read as 0. */
static void test_empty_forms(void **state)
{
	(void)state;
	static const char *const names[] = { "forms/po-redovisning-mall.csv",
		"forms/po-redovisning-mall.xlsx", "forms/po-redovisning-mall.ods" };
	struct config *c = preset("2024");
	for (size_t i = 0; i < 3; i++) {
		struct form_result r;
		struct findings f;
		read_form(names[i], c, NULL, (struct form_options){ .period = "2024" }, &r, &f);
		unsigned n_values = 0;
		for (uint32_t k = 0; k < r.figures.n; k++)
			n_values += r.figures.state[k] == FIGURE_VALUE;
		assert_int_equal(n_values, 5);
		assert_int_equal(count_code(&f, FINDING_BLANK, SEVERITY_ERROR), f.n);
		assert_true(f.n > 40);
		end(&r, &f);
	}
	config_free(c);
}

/* What we write as an empty form we read as one. */
static void test_template(void **state)
{
	(void)state;
	static const char *const years[] = { "2020", "2022", "2023", "2024" };
	for (size_t i = 0; i < 4; i++) {
		struct err e = { 0 };
		struct buf out = { 0 };
		struct form_result r;
		struct findings f;
		struct config *c = preset(years[i]);
		assert_true(form_template(c, years[i], &out, &e));
		read_bytes("mall.csv", buf_bytes(&out), c, NULL, (struct form_options){ 0 }, &r, &f);
		assert_string_equal(r.period, years[i]);
		unsigned blanks = count_code(&f, FINDING_BLANK, SEVERITY_ERROR) +
				  count_code(&f, FINDING_BLANK, SEVERITY_WARNING);
		if (blanks != f.n)
			print_findings(&f);
		assert_int_equal(blanks, f.n);
		for (uint32_t k = 0; k < r.figures.n; k++)
			assert_int_equal(r.figures.state[k], FIGURE_BLANK);
		end(&r, &f);
		buf_free(&out);
		config_free(c);
	}
}

/* The workbooks have the same rows as the text, cell by cell, and the same bytes each time. */
static void test_template_workbooks(void **state)
{
	(void)state;
	static const char *const formats[] = { "xlsx", "ods" };
	struct err e = { 0 };
	struct config *c = preset("2024");
	struct buf text = { 0 };
	struct sheet want;
	assert_true(form_template(c, "2024", &text, &e));
	assert_true(sheet_new(&want, &e));
	assert_true(csv_read(bytes_of(text.data + 3, text.size - 3), &want, &e));
	for (size_t k = 0; k < 2; k++) {
		struct buf book = { 0 };
		struct buf again = { 0 };
		struct sheet got;
		assert_true(form_template_as(c, "2024", formats[k], &book, &e));
		assert_true(form_template_as(c, "2024", formats[k], &again, &e));
		assert_int_equal(book.size, again.size);
		assert_memory_equal(book.data, again.data, book.size);
		assert_true(sheet_new(&got, &e));
		assert_true(workbook_read(buf_bytes(&book), 0, &got, &e));
		uint32_t row = 0;
		for (uint32_t i = 0; i < want.n_rows; i++) {
			bool blank = true;
			for (uint16_t x = 0; x < want.row[i].n_cells; x++)
				blank = blank && want.row[i].cell[x].text[0] == 0;
			while (row < got.n_rows && got.row[row].line < want.row[i].line)
				row++;
			for (uint16_t x = 0; !blank && x < want.row[i].n_cells; x++) {
				assert_true(row < got.n_rows);
				assert_int_equal(got.row[row].line, want.row[i].line);
				assert_string_equal(sheet_at(&got.row[row], x), sheet_at(&want.row[i], x));
			}
		}
		sheet_free(&got);
		buf_free(&book);
		buf_free(&again);
	}
	assert_false(form_template_as(c, "2024", "xls", &text, &e));
	assert_int_equal(e.code, ERR_INVALID);
	sheet_free(&want);
	buf_free(&text);
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

/* ---- single lines ---- */

/* The example with one line (1 = first) replaced; NULL takes it out. */
static void edited(struct buf *out, unsigned line, const char *text)
{
	struct buf file = { 0 };
	load(&file, TEST_DATA, "forms/po-redovisning-2024-exempel.csv");
	buf_clear(out);
	unsigned at = 1;
	for (size_t i = 0; i < file.size; i++) {
		if (at != line)
			buf_put_byte(out, file.data[i]);
		if (file.data[i] == '\n' && ++at == line && text != NULL)
			buf_printf(out, "%s\r\n", text);
	}
	buf_free(&file);
}

static void test_boxes(void **state)
{
	(void)state;
	static const struct {
		unsigned line;
		const char *text;
		enum finding_code code;
		const char *column;
	} cases[] = {
		{ 36, "därav mellan 18 och 29 år;1e3;5;", FINDING_TEXT, "Kvinnor" },
		{ 36, "därav mellan 18 och 29 år;6,0;5;", FINDING_WRITTEN_WITH_DECIMALS, "Kvinnor" },
		{ 36, "därav mellan 18 och 29 år;6.000;5;", FINDING_DECIMAL, "Kvinnor" },
		{ 36, "därav mellan 18 och 29 år;=3+3;5;", FINDING_FORMULA, "Kvinnor" },
		{ 36, "därav mellan 18 och 29 år;6-jan;5;", FINDING_DATE, "Kvinnor" },
		{ 36, "därav mellan 18 och 29 år;2024-06-01;5;", FINDING_DATE, "Kvinnor" },
		{ 36, "därav mellan 18 och 29 år;1 2;5;", FINDING_TEXT, "Kvinnor" },
		{ 36, "därav mellan 18 och 29 år;;5;", FINDING_BREAKDOWN, "Kvinnor" },
		{ 36, "därav mellan 18 och 29 år;6;5;7", FINDING_COLUMN_UNKNOWN, "" },
		{ 34, ";Kvinnor;Barn;", FINDING_COLUMN_UNKNOWN, "Barn" },
		{ 59, "Ekonomi;;;", FINDING_BLANK, "Kvinnor, Män" },
		{ 24, "Ombuden har erbjudits utbildning.;kanske;;", FINDING_NOT_A_TICK, "Ja" },
		{ 24, "Ombuden har erbjudits utbildning.;;;", FINDING_BLANK, "" },
		{ 24, "Ombuden har erbjudits utbildning.;;Ja;", FINDING_NOT_A_TICK, "Nej" },
		{ 19, "Totalt antal ombudstjänster i kommunen;2,505;;", FINDING_UNKNOWN_ROW, "" },
		{ 3, "Statsbidrag avseende år;2023;;", FINDING_PERIOD_OTHER, "" },
		{ 3, "Statsbidrag avseende år;;;", FINDING_PERIOD_MISSING, "" },
		{ 128, "Datum;2024-11-30;;", FINDING_DATED_EARLY, "" },
		{ 6, "Personnummer;1;;", FINDING_UNKNOWN_ROW, "" },
	};
	struct config *c = preset("2024");
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct buf file = { 0 };
		struct form_result r;
		struct findings f;
		edited(&file, cases[i].line, cases[i].text);
		read_bytes("fil.csv", buf_bytes(&file), c, NULL, (struct form_options){ 0 }, &r, &f);
		bool found = false;
		for (uint32_t k = 0; k < f.n; k++)
			found = found || (f.at[k].code == cases[i].code &&
					     strcmp(f.at[k].column, cases[i].column) == 0);
		if (!found) {
			print_findings(&f);
			fail_msg("case %zu (%s)", i, cases[i].text);
		}
		end(&r, &f);
		buf_free(&file);
	}
	config_free(c);
}

static void test_harmless(void **state)
{
	(void)state;
	static const struct {
		unsigned line;
		const char *text;
	} cases[] = {
		{ 36, "Därav  mellan 18 och 29 årk;6;5;" },
		{ 24, "Ombuden har erbjudits utbildning;Ja;;" },
		{ 75, "Har ni haft kö eller väntetid för personer som söker kontakt med kommunens verksamhet "
		      "för personliga "
		      "ombud under 2024?;3;9;" },
		{ 76, "Om ja, uppskatta hur lång väntetiden har varit under 2024.;30 dagar;;" },
		{ 69, "\"Om annan orsak, ange vilken.\";\"första\nandra \"\"raden\"\"\";;" },
		{ 10, "Kontaktperson;någon;;" },
		{ 58, "Kontaktorsak;Kvinnor;Ma\xcc\x88n;" },
		{ 36, "da\xcc\x88rav mellan 18 och 29 a\xcc\x8ar;6;5;" },
		{ 4, NULL },
	};
	struct config *c = preset("2024");
	struct form_result good;
	struct findings f;
	read_form("forms/po-redovisning-2024-exempel.csv", c, NULL, (struct form_options){ 0 }, &good, &f);
	findings_free(&f);
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct buf file = { 0 };
		struct form_result r;
		edited(&file, cases[i].line, cases[i].text);
		read_bytes("fil.csv", buf_bytes(&file), c, NULL, (struct form_options){ 0 }, &r, &f);
		if (f.n != 0)
			print_findings(&f);
		assert_int_equal(f.n, 0);
		assert_same(c, &good.figures, &r.figures, "harmless");
		end(&r, &f);
		buf_free(&file);
	}
	figures_free(&good.figures);
	config_free(c);
}

/* Physical lines count on after a line feed inside quotes. */
static void test_line_numbers(void **state)
{
	(void)state;
	struct config *c = preset("2024");
	struct buf file = { 0 };
	struct buf twice = { 0 };
	struct form_result r;
	struct findings f;
	edited(&file, 25, "\"Om ja, ange vilken/vilka utbildningar.\";\"a\nb\nc\";;");
	/* and a fault on what is now line 37 + 2 */
	const char *at = strstr((buf_put_byte(&file, '\0'), (const char *)file.data), "50 och 64 år;14");
	assert_non_null(at);
	size_t head = (size_t)(at - (const char *)file.data);
	buf_put(&twice, file.data, head);
	buf_put_text(&twice, "50 och 64 år;x4");
	buf_put(&twice, file.data + head + strlen("50 och 64 år;14"),
	    file.size - 1 - head - strlen("50 och 64 år;14"));
	read_bytes("fil.csv", buf_bytes(&twice), c, NULL, (struct form_options){ 0 }, &r, &f);
	assert_int_equal(f.n, 1);
	assert_int_equal(f.at[0].line, 40);
	end(&r, &f);
	buf_free(&file);
	buf_free(&twice);
	config_free(c);
}

/* Blank cells may go on for ever, a value may not. */
static void test_wide_lines(void **state)
{
	(void)state;
	struct buf text = { 0 };
	struct sheet s;
	struct err e = { 0 };
	for (unsigned i = 0; i < SHEET_COLUMNS + 100; i++)
		buf_put_text(&text, i < SHEET_COLUMNS ? "7;" : ";");
	assert_true(sheet_new(&s, &e));
	assert_true(csv_read(buf_bytes(&text), &s, &e));
	assert_int_equal(s.row[0].n_cells, SHEET_COLUMNS);
	buf_put_text(&text, "7");
	assert_false(csv_read(buf_bytes(&text), &s, &e));
	assert_int_equal(e.code, ERR_LIMIT);
	sheet_free(&s);
	buf_free(&text);
}

/* Megabytes in one cell cost what megabytes in many do. */
static void test_long_cell(void **state)
{
	(void)state;
	size_t len = 2000000;
	char *text = malloc(len + 1);
	char normal[LABEL_ROOM];
	uint64_t value;
	clock_t before = clock();
	assert_non_null(text);
	memset(text, '"', len);
	text[len] = '\0';
	label_normal(normal, text);
	assert_string_equal(normal, "");
	memset(text, '1', len);
	assert_int_equal(number_read(text, NULL, 0, 1000, false, &value), NUMBER_TOO_LARGE);
	assert_true((clock() - before) / CLOCKS_PER_SEC < 5);
	free(text);
}

static void test_wrong_files(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		size_t len;
		enum finding_code code;
	} cases[] = {
		{ "", 0, FINDING_EMPTY_FILE },
		{ "\xef\xbb\xbf\r\n", 5, FINDING_EMPTY_FILE },
		{ "a;b\n1;2\n", 8, FINDING_NOT_THE_FORM },
		{ "\xff\xfe"
		  "a",
		    3, FINDING_ENCODING },
		{ "a\0b", 3, FINDING_ENCODING },
		{ "a;\"b\n", 5, FINDING_STRUCTURE },
		{ "%PDF-1.7\n", 9, FINDING_STRUCTURE },
		{ "\n<HTML><table>", 14, FINDING_STRUCTURE },
		{ "<?xml version=\"1.0\"?><Workbook/>", 33, FINDING_STRUCTURE },
		{ "PK\x03\x04", 4, FINDING_STRUCTURE },
		{ "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", 8, FINDING_STRUCTURE },
		{ "<5;3\n", 5, FINDING_NOT_THE_FORM },
		{ "M\xc3\x83\xc2\xa4n;1\n", 9, FINDING_DOUBLE_ENCODED },
	};
	struct config *c = preset("2024");
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct form_result r;
		struct findings f;
		read_bytes("fil.csv", bytes_of(cases[i].text, cases[i].len), c, NULL,
		    (struct form_options){ 0 }, &r, &f);
		assert_int_equal(f.n, 1);
		assert_int_equal(f.at[0].code, cases[i].code);
		assert_int_equal(f.at[0].severity, SEVERITY_ERROR);
		end(&r, &f);
	}
	config_free(c);
}

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

static void test_tidy(void **state)
{
	(void)state;
	static const struct {
		const char *from, *to;
		enum finding_code code;
	} cases[] = {
		{ "clients,F,_T,_Z,48", "clients,F,_T,_Z,48x", FINDING_TEXT },
		{ "clients,F,_T,_Z,48", "clients,F,_T,_Z,49", FINDING_SUM },
		{ "clients,F,_T,_Z,48", "clients,K,_T,_Z,48", FINDING_UNKNOWN_ROW },
		{ "clients,F,_T,_Z,48", "clients,_T,_T,_Z,48", FINDING_NOT_ASKED },
		{ "clients,F,_T,_Z,48", "clients,F,Y18-29,_Z,48", FINDING_CELL_TWICE },
		{ "clients,F,_T,_Z,48", "klienter,F,_T,_Z,48", FINDING_UNKNOWN_ROW },
		{ "exempel,2024,clients,F,_T", "annan,2024,clients,F,_T", FINDING_OFFICE },
		{ "exempel,2024,clients,F,_T", "exempel,2025,clients,F,_T", FINDING_PERIOD_OTHER },
		{ "exempel,2024,clients,F,_T,_Z,48\n", "", FINDING_ROW_MISSING },
		{ "measure,sex", "measure,kind", FINDING_COLUMN_UNKNOWN },
		{ "ombud_posts_fte,_Z,_Z,_Z,2.50", "ombud_posts_fte,_Z,_Z,_Z,2,50", FINDING_COLUMN_UNKNOWN },
	};
	struct config *c = preset("2024");
	struct buf file = { 0 };
	load(&file, TEST_DATA, "seeds/exempel-2024.csv");
	buf_put_byte(&file, '\0');
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct buf other = { 0 };
		struct form_result r;
		struct findings f;
		const char *at = strstr((char *)file.data, cases[i].from);
		assert_non_null(at);
		buf_put(&other, file.data, (size_t)(at - (char *)file.data));
		buf_put_text(&other, cases[i].to);
		buf_put_text(&other, at + strlen(cases[i].from));
		read_bytes("tabell.csv", buf_bytes(&other), c, NULL, (struct form_options){ 0 }, &r, &f);
		bool found = false;
		for (uint32_t k = 0; k < f.n; k++)
			found = found || f.at[k].code == cases[i].code;
		if (!found) {
			print_findings(&f);
			fail_msg("case %zu (%s)", i, cases[i].to);
		}
		end(&r, &f);
		buf_free(&other);
	}
	buf_free(&file);
	config_free(c);
}

/* One finding, not two: the year is not missing, only the office is. */
static void test_tidy_of_another_office(void **state)
{
	(void)state;
	struct config *c = preset("2024");
	struct form_result r;
	struct findings f;
	read_bytes("tabell.csv", bytes_text("office,year,measure,value\nannan,2024,waiting_days,3\n"), c,
	    "exempel", (struct form_options){ 0 }, &r, &f);
	assert_int_equal(f.n, 1);
	assert_int_equal(f.at[0].code, FINDING_OFFICE);
	end(&r, &f);
	config_free(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_variants),
		cmocka_unit_test(test_real_forms),
		cmocka_unit_test(test_workbooks),
		cmocka_unit_test(test_empty_forms),
		cmocka_unit_test(test_template),
		cmocka_unit_test(test_template_workbooks),
		cmocka_unit_test(test_preset_policies),
		cmocka_unit_test(test_open_boxes),
		cmocka_unit_test(test_broken_base),
		cmocka_unit_test(test_boxes),
		cmocka_unit_test(test_harmless),
		cmocka_unit_test(test_line_numbers),
		cmocka_unit_test(test_wide_lines),
		cmocka_unit_test(test_long_cell),
		cmocka_unit_test(test_wrong_files),
		cmocka_unit_test(test_output),
		cmocka_unit_test(test_tidy),
		cmocka_unit_test(test_tidy_of_another_office),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
