/* Empty forms: those that offices were sent, and those we write. */
#include "client/form/csv.h"
#include "client/form/workbook.h"
#include "formfixture.h"

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_empty_forms),
		cmocka_unit_test(test_template),
		cmocka_unit_test(test_template_workbooks),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
