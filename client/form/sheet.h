/* sheet - rows and cells of a spreadsheet, whatever file they came from.
 *
 * A reader (csv.h, xlsx.h, ods.h) fills it once; afterwards it is only read. Texts are UTF-8 without control
 * characters other than line feed and tab. Blank cells at the end of a row may be absent. */
#ifndef CLIENT_FORM_SHEET_H
#define CLIENT_FORM_SHEET_H
#include "proto/arena.h"
#include "proto/bytes.h"
#include "proto/err.h"

#define SHEET_FILE_BYTES (16u * 1024 * 1024) /* 200,000 cells as a tidy table are 12 MB */
#define SHEET_ROWS       300000u
#define SHEET_CELLS      2000000u
#define SHEET_COLUMNS    256u

enum sheet_kind {
	SHEET_TEXT,
	SHEET_NUMBER /* from a typed cell: decimal point, no grouping */,
	SHEET_FORMULA,
	SHEET_DATE
};

struct sheet_cell {
	const char *text; /* never NULL; trimmed of blanks at both ends */
	enum sheet_kind kind;
	uint32_t line; /* physical line in a text file, row in a workbook; first = 1 */
	uint16_t span; /* columns it covers, of merged cells; 0 is 1 */
};

struct sheet_row {
	struct sheet_cell *cell;
	uint32_t line;
	uint16_t n_cells;
};

struct sheet {
	struct sheet_row *row;
	uint32_t n_rows, room, n_cells;
	struct arena *arena;
	size_t unpacked;  /* bytes of XML it was read from */
	bool is_workbook; /* cells have names: B17 */
};

bool sheet_new(struct sheet *s, struct err *e);
void sheet_free(struct sheet *s);
/* Copies n cells (the array; texts must live in s->arena). ERR_LIMIT or ERR_MEMORY. */
bool sheet_add(struct sheet *s, uint32_t line, const struct sheet_cell *cell, uint16_t n, struct err *e);
/* The cell covers span columns. Nothing if the sheet has no such cell. */
void sheet_span(struct sheet *s, uint32_t line, uint32_t column, uint32_t span);
/* A trimmed copy in the sheet's arena; NULL without memory. */
const char *sheet_text(struct sheet *s, struct bytes text);
/* Text of a cell, "" beyond the row's end. */
const char *sheet_at(const struct sheet_row *row, uint16_t column);
#endif
