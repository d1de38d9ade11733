#include "client/form/workbook.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void test_plain_numbers(void **state)
{
	(void)state;
	static const struct {
		const char *text, *want;
	} cases[] = {
		{ "48", "48" },
		{ "0", "0" },
		{ "-5", "-5" },
		{ "2.5", "2.5" },
		{ "2.50", "2.5" },
		{ "2.4999999999999996", "2.5" },
		{ "0.30000000000000004", "0.3" },
		{ "9.9999999999999999", "10" },
		{ "1.00425E6", "1004250" },
		{ "1.5e-2", "0.015" },
		{ "1E+3", "1000" },
		{ "1e99", "" },
		{ "1e", "" },
		{ "x", "" },
		{ "", "" },
		{ "1.2.3", "" },
		{ "00012", "12" },
		{ "0.000", "0" },
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		char out[64];
		workbook_plain_number(cases[i].text, out);
		assert_string_equal(out, cases[i].want);
	}
}

static void test_dates(void **state)
{
	(void)state;
	char out[16];
	workbook_date("45301", out);
	assert_string_equal(out, "2024-01-10");
	workbook_date("45351", out);
	assert_string_equal(out, "2024-02-29");
	workbook_date("61", out);
	assert_string_equal(out, "1900-03-01");
	workbook_date("99999999", out);
	assert_string_equal(out, "");
}

#define SHEET_XML(rows) "<worksheet xmlns=\"m\"><sheetData>" rows "</sheetData></worksheet>"

static void test_xlsx_cells(void **state)
{
	(void)state;
	static const char strings[] = "<sst xmlns=\"m\"><si><t>en</t></si><si><r><t>tv</t></r><r><t>\xc3\xa5 "
				      "</t></r><rPh><t>x</t></rPh></si></sst>";
	static const char styles[] = "<styleSheet xmlns=\"m\"><numFmts><numFmt numFmtId=\"164\" "
				     "formatCode=\"0.00\"/><numFmt numFmtId=\"165\" "
				     "formatCode=\"d\\-mmm\"/><numFmt numFmtId=\"166\" "
				     "formatCode=\"[Red]0&quot; day&quot;\"/></numFmts>"
				     "<cellStyleXfs><xf numFmtId=\"14\"/></cellStyleXfs>"
				     "<cellXfs><xf numFmtId=\"0\"/><xf numFmtId=\"165\"/><xf "
				     "numFmtId=\"166\"/><xf numFmtId=\"9\"/></cellXfs></styleSheet>";
	static const char sheet[] =
	    SHEET_XML("<row r=\"3\"><c r=\"A3\" t=\"s\"><v>1</v></c><c r=\"C3\"><v>2.5</v></c><c "
		      "t=\"inlineStr\"><is><t>d</t></is></c></row>"
		      "<row><c s=\"1\"><v>45301</v></c><c s=\"2\"><v>7</v></c><c><f>A1+1</f><v>8</v></c><c "
		      "t=\"b\"><v>1</v></c>"
		      "<c t=\"e\"><v>#REF!</v></c><c s=\"3\"><v>0.5</v></c>"
		      "<c t=\"d\"><v>2024-01-31T00:00:00</v></c></row>");
	struct err e = { 0 };
	struct sheet s;
	assert_true(sheet_new(&s, &e));
	assert_true(xlsx_read(bytes_text(strings), bytes_text(styles), bytes_text(sheet), &s, &e));
	assert_int_equal(s.n_rows, 2);
	assert_int_equal(s.row[0].line, 3);
	assert_string_equal(sheet_at(&s.row[0], 0), "tv\xc3\xa5");
	assert_string_equal(sheet_at(&s.row[0], 1), "");
	assert_string_equal(sheet_at(&s.row[0], 2), "2.5");
	assert_int_equal(s.row[0].cell[2].kind, SHEET_NUMBER);
	assert_string_equal(sheet_at(&s.row[0], 3), "d");
	assert_int_equal(s.row[1].line, 4);
	assert_int_equal(s.row[1].cell[0].kind, SHEET_DATE);
	assert_string_equal(sheet_at(&s.row[1], 0), "2024-01-10");
	assert_int_equal(s.row[1].cell[1].kind, SHEET_NUMBER);
	assert_int_equal(s.row[1].cell[2].kind, SHEET_FORMULA);
	assert_string_equal(sheet_at(&s.row[1], 2), "8");
	assert_string_equal(sheet_at(&s.row[1], 3), "true");
	assert_string_equal(sheet_at(&s.row[1], 4), "#REF!");
	assert_string_equal(sheet_at(&s.row[1], 5), "0.5%");
	assert_int_equal(s.row[1].cell[5].kind, SHEET_TEXT);
	assert_int_equal(s.row[1].cell[6].kind, SHEET_DATE);
	sheet_free(&s);
}

static void test_xlsx_sheet(void **state)
{
	(void)state;
	struct err e = { 0 };
	char path[256];
	static const char workbook[] =
	    "<workbook xmlns=\"m\" xmlns:r=\"r\"><sheets><sheet name=\"a\" state=\"hidden\" r:id=\"x1\"/>"
	    "<sheet name=\"b\" r:id=\"x2\"/></sheets></workbook>";
	static const char relations[] =
	    "<Relationships xmlns=\"p\"><Relationship Id=\"x1\" Target=\"a.xml\"/>"
	    "<Relationship Id=\"x2\" Target=\"worksheets/b.xml\"/></Relationships>";
	assert_true(xlsx_find_sheet(bytes_text(workbook), bytes_text(relations), 0, path, &e));
	assert_string_equal(path, "xl/worksheets/b.xml");
	assert_false(xlsx_find_sheet(bytes_text(workbook), bytes_text(relations), 1, path, &e));
	assert_int_equal(e.code, ERR_NOT_FOUND);
	assert_false(xlsx_find_sheet(bytes_text("<workbook/>"), bytes_text(relations), 0, path, &e));
}

static bool refused(const char *xml)
{
	struct err e = { 0 };
	struct sheet s;
	assert_true(sheet_new(&s, &e));
	bool ok = xlsx_read(bytes_text(""), bytes_text(""), bytes_text(xml), &s, &e);
	sheet_free(&s);
	return !ok && e.code != ERR_NONE;
}

static void test_bad_xml(void **state)
{
	(void)state;
	assert_true(refused("<worksheet>"));
	assert_true(refused("<!DOCTYPE x [<!ENTITY a \"b\">]><worksheet>&a;</worksheet>"));
	assert_true(refused(SHEET_XML("<row><c t=\"s\"><v>5</v></c></row>")));
	assert_true(refused(SHEET_XML("<row><c r=\"ZZZ1\"><v>5</v></c></row>")));
	assert_false(refused(SHEET_XML("<row><c r=\"ZZZ1\"/></row>")));
}

#define ODS_XML(rows)                                                                                        \
	"<o:document xmlns:o=\"o\" xmlns:t=\"t\" xmlns:x=\"x\"><o:body><t:table>" rows                       \
	"</t:table><t:table><t:table-row><t:table-cell><x:p>other</x:p></t:table-cell></t:table-row></"      \
	"t:table>"                                                                                           \
	"</o:body></o:document>"

static void test_ods(void **state)
{
	(void)state;
	static const char content[] = ODS_XML(
	    "<t:table-row t:number-rows-repeated=\"2\"><t:table-cell "
	    "t:number-columns-repeated=\"16384\"/></t:table-row>"
	    "<t:table-row><t:table-cell "
	    "o:value-type=\"string\"><o:annotation><x:p>no</x:p></o:annotation><x:p>a<x:s "
	    "x:c=\"2\"/>b</x:p><x:p>c</x:p></t:table-cell><t:covered-table-cell "
	    "t:number-columns-repeated=\"2\"/>"
	    "<t:table-cell o:value-type=\"float\" o:value=\"1004250\"><x:p>1 004 250</x:p></t:table-cell>"
	    "<t:table-cell t:number-columns-repeated=\"2\" o:value-type=\"float\" "
	    "o:value=\"0\"><x:p>0</x:p></t:table-cell>"
	    "<t:table-cell o:value-type=\"date\" o:date-value=\"2024-06-01\"><x:p>1 jun</x:p></t:table-cell>"
	    "<t:table-cell t:formula=\"of:=1\" o:value-type=\"float\" "
	    "o:value=\"8\"><x:p>8</x:p></t:table-cell>"
	    "</t:table-row>");
	struct err e = { 0 };
	struct sheet s;
	assert_true(sheet_new(&s, &e));
	assert_true(ods_read(bytes_text(content), 0, &s, &e));
	assert_int_equal(s.n_rows, 1);
	assert_int_equal(s.row[0].line, 3);
	assert_string_equal(sheet_at(&s.row[0], 0), "a  b\nc");
	assert_string_equal(sheet_at(&s.row[0], 3), "1004250");
	assert_string_equal(sheet_at(&s.row[0], 4), "0");
	assert_string_equal(sheet_at(&s.row[0], 5), "0");
	assert_int_equal(s.row[0].cell[6].kind, SHEET_DATE);
	assert_string_equal(sheet_at(&s.row[0], 6), "2024-06-01");
	assert_int_equal(s.row[0].cell[7].kind, SHEET_FORMULA);
	sheet_free(&s);
}

/* A heading over two columns; a merge over rows only, over nothing, and of cells that are not there. */
static void test_merged(void **state)
{
	(void)state;
	static const char xlsx[] =
	    "<worksheet><sheetData><row r=\"2\"><c r=\"A2\"><v>1</v></c><c r=\"B2\"><v>2</v>"
	    "</c><c r=\"C2\"/></row></sheetData><mergeCells><mergeCell ref=\"B2:C2\"/>"
	    "<mergeCell ref=\"A2:A9\"/><mergeCell ref=\"A7:B7\"/><mergeCell ref=\"B2\"/>"
	    "<mergeCell ref=\"\"/><mergeCell/></mergeCells></worksheet>";
	static const char ods[] =
	    ODS_XML("<t:table-row><t:table-cell><x:p>1</x:p></t:table-cell><t:table-cell "
		    "t:number-columns-spanned=\"2\"><x:p>2</x:p></t:table-cell>"
		    "<t:covered-table-cell/></t:table-row>");
	struct err e = { 0 };
	struct sheet s;
	for (int k = 0; k < 2; k++) {
		assert_true(sheet_new(&s, &e));
		assert_true(k == 0 ? xlsx_read(bytes_text(""), bytes_text(""), bytes_text(xlsx), &s, &e)
				   : ods_read(bytes_text(ods), 0, &s, &e));
		assert_true(s.row[0].cell[0].span <= 1);
		assert_int_equal(s.row[0].cell[1].span, 2);
		sheet_free(&s);
	}
}

static void test_ods_sheets(void **state)
{
	(void)state;
	static const char content[] =
	    "<o:document xmlns:o=\"o\" xmlns:t=\"t\" xmlns:x=\"x\" xmlns:s=\"s\"><o:automatic-styles>"
	    "<s:style s:name=\"ta1\" s:family=\"table\"><s:table-properties t:display=\"true\"/></s:style>"
	    "<s:style s:name=\"ta2\" s:family=\"table\"><s:table-properties t:display=\"false\"/></s:style>"
	    "</o:automatic-styles><o:body>"
	    "<t:table "
	    "t:style-name=\"ta2\"><t:table-row><t:table-cell><x:p>hidden</x:p></t:table-cell></t:table-row></"
	    "t:table>"
	    "<t:table "
	    "t:style-name=\"ta1\"><t:table-row><t:table-cell><x:p>first</x:p></t:table-cell></t:table-row></"
	    "t:table>"
	    "<t:table><t:table-row><t:table-cell><x:p>second</x:p></t:table-cell></t:table-row></t:table>"
	    "</o:body></o:document>";
	static const char *const want[] = { "first", "second" };
	struct err e = { 0 };
	struct sheet s;
	for (unsigned n = 0; n < 3; n++) {
		assert_true(sheet_new(&s, &e));
		assert_int_equal(ods_read(bytes_text(content), n, &s, &e), n < 2);
		if (n < 2)
			assert_string_equal(sheet_at(&s.row[0], 0), want[n]);
		else
			assert_int_equal(e.code, ERR_NOT_FOUND);
		sheet_free(&s);
	}
}

static void test_no_workbook(void **state)
{
	(void)state;
	struct err e = { 0 };
	struct sheet s;
	assert_true(sheet_new(&s, &e));
	assert_false(workbook_read(bytes_text("PK\x03\x04 and nothing"), 0, &s, &e));
	assert_int_equal(e.code, ERR_MALFORMED);
	sheet_free(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plain_numbers),
		cmocka_unit_test(test_dates),
		cmocka_unit_test(test_xlsx_cells),
		cmocka_unit_test(test_xlsx_sheet),
		cmocka_unit_test(test_bad_xml),
		cmocka_unit_test(test_ods),
		cmocka_unit_test(test_merged),
		cmocka_unit_test(test_ods_sheets),
		cmocka_unit_test(test_no_workbook),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
