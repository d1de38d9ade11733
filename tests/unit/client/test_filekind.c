#include "client/form/filekind.h"
#include "client/form/workbook.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define OLD "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
#define FLAT                                                                                                 \
	"<office:document xmlns:office=\"urn:oasis:names:tc:opendocument:xmlns:office:1.0\""                 \
	" xmlns:table=\"t\" xmlns:text=\"x\">"

static void test_kinds(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		size_t len;
		enum filekind want;
	} cases[] = {
#define CASE(text, want) { text, sizeof(text) - 1, want }
		CASE("", FILEKIND_TEXT),
		CASE("<", FILEKIND_TEXT),
		CASE("<5;3\n", FILEKIND_TEXT),
		CASE("a;b\n", FILEKIND_TEXT),
		CASE("PK", FILEKIND_TEXT),
		CASE("PK\x03\x04", FILEKIND_WORKBOOK),
		CASE(OLD, FILEKIND_OLD),
		CASE(OLD "\0\0E\0n\0c\0r\0y\0p\0t\0e\0d\0P\0a\0c\0k\0a\0g\0e\0\0", FILEKIND_LOCKED),
		CASE("%PDF-1.7", FILEKIND_PDF),
		CASE("<html>", FILEKIND_WEB),
		CASE("\xef\xbb\xbf \r\n<!DOCTYPE html>", FILEKIND_WEB),
		CASE("<?xml version=\"1.0\"?><html>", FILEKIND_WEB),
		CASE("<?xml version=\"1.0\"?><Workbook/>", FILEKIND_XML),
		CASE(FLAT, FILEKIND_FLAT),
		CASE("\xef\xbb\xbf<?xml version=\"1.0\"?>\n" FLAT, FILEKIND_FLAT),
#undef CASE
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		uint8_t *exact =
		    malloc(cases[i].len + (cases[i].len == 0)); /* a byte beyond is seen by asan */
		assert_non_null(exact);
		memcpy(exact, cases[i].text, cases[i].len);
		assert_int_equal(filekind_of(bytes_of(exact, cases[i].len)), cases[i].want);
		free(exact);
	}
}

static void test_trouble(void **state)
{
	(void)state;
	const char *sv;
	const char *en;
	assert_false(filekind_trouble(FILEKIND_TEXT, &sv, &en));
	assert_false(filekind_trouble(FILEKIND_WORKBOOK, &sv, &en));
	assert_false(filekind_trouble(FILEKIND_FLAT, &sv, &en));
	for (enum filekind kind = FILEKIND_OLD; kind <= FILEKIND_PDF; kind++)
		assert_true(filekind_trouble(kind, &sv, &en) && strlen(sv) > 5 && strlen(en) > 5);
}

static void test_flat(void **state)
{
	(void)state;
	static const char file[] =
	    FLAT "<office:body><office:spreadsheet><table:table><table:table-row>"
		 "<table:table-cell table:number-columns-repeated=\"2\">"
		 "<text:p>a</text:p></table:table-cell>"
		 "<table:table-cell office:value-type=\"percentage\" office:value=\"1\"/>"
		 "</table:table-row></table:table></office:spreadsheet></office:body>"
		 "</office:document>";
	struct err e = { 0 };
	struct sheet s;
	assert_true(sheet_new(&s, &e));
	assert_true(workbook_read(bytes_text(file), 0, &s, &e));
	assert_true(s.is_workbook);
	assert_int_equal(s.n_rows, 1);
	assert_int_equal(s.row[0].n_cells, 3);
	assert_string_equal(s.row[0].cell[1].text, "a");
	assert_string_equal(s.row[0].cell[2].text, "1%");
	assert_int_equal(s.row[0].cell[2].kind, SHEET_TEXT);
	assert_false(workbook_read(bytes_text(file), 1, &s, &e));
	assert_int_equal(e.code, ERR_NOT_FOUND);
	assert_false(workbook_read(bytes_of(file, sizeof file - 20), 0, &s, &e));
	assert_int_equal(e.code, ERR_MALFORMED);
	sheet_free(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kinds),
		cmocka_unit_test(test_trouble),
		cmocka_unit_test(test_flat),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
