/* Forms one line at a time: what a box may hold, what is harmless, and files that are no form. */
#include "client/form/csv.h"
#include "client/form/label.h"
#include "client/form/number.h"
#include "formfixture.h"

#include <time.h>

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_boxes),
		cmocka_unit_test(test_harmless),
		cmocka_unit_test(test_line_numbers),
		cmocka_unit_test(test_wide_lines),
		cmocka_unit_test(test_long_cell),
		cmocka_unit_test(test_wrong_files),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
