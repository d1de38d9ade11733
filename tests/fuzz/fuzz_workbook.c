/* fuzz: client
 * First byte: what the rest is. A zip archive, the XML of an XLSX sheet (with texts and styles of its own),
 * or the content of an ODS. */
#include "client/form/workbook.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char strings[] = "<sst><si><t>a</t></si><si><t>b</t></si></sst>";
	static const char styles[] = "<s><cellXfs><xf numFmtId=\"0\"/><xf numFmtId=\"14\"/></cellXfs></s>";
	struct err e = { 0 };
	struct sheet s;
	bool ok = false;
	if (size == 0 || !sheet_new(&s, &e))
		return 0;
	struct bytes rest = bytes_of(data + 1, size - 1);
	switch (data[0]) {
	case 'z':
		ok = workbook_read(rest, 0, &s, &e);
		break;
	case 'x':
		ok = xlsx_read(bytes_text(strings), bytes_text(styles), rest, &s, &e);
		break;
	case 't':
		ok = xlsx_read(rest, rest, bytes_of("<a/>", 4), &s, &e);
		break;
	case 'f':
		ok = workbook_read(rest, 0, &s, &e); /* a flat one, if it says so */
		break;
	default:
		ok = ods_read(rest, 0, &s, &e);
	}
	if (!ok && e.code == ERR_NONE)
		abort();
	for (uint32_t i = 0; i < s.n_rows; i++)
		if (s.row[i].n_cells > SHEET_COLUMNS || s.row[i].cell[0].text == NULL)
			abort();
	sheet_free(&s);
	return 0;
}
