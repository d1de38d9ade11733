#include "client/form/workbook.h"
#include "client/form/xmlread.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STRINGS_MAX 1000000u
#define STYLES_MAX  70000u
#define FORMATS_MAX 1000u
#define TEXT_BYTES  65536u

/* ---- which sheet ---- */

struct finder {
	unsigned left;     /* visible sheets before the one wanted */
	char relation[64]; /* id of that sheet */
	char target[200];
};

static bool nothing(void *context, const char *name)
{
	(void)context;
	(void)name;
	return true;
}

static bool find_relation(void *context, const char *name, const char *const *attribute)
{
	struct finder *f = context;
	const char *state = xmlread_attribute(attribute, "state");
	const char *id = xmlread_attribute(attribute, "id");
	if (strcmp(name, "sheet") != 0 || f->relation[0] != '\0' || id == NULL ||
	    (state != NULL && strcmp(state, "visible") != 0))
		return true;
	if (f->left-- == 0)
		snprintf(f->relation, sizeof f->relation, "%s", id);
	return true;
}

static bool find_target(void *context, const char *name, const char *const *attribute)
{
	struct finder *f = context;
	const char *id = xmlread_attribute(attribute, "Id");
	const char *target = xmlread_attribute(attribute, "Target");
	if (strcmp(name, "Relationship") == 0 && id != NULL && target != NULL && strcmp(id, f->relation) == 0)
		snprintf(f->target, sizeof f->target, "%s", target);
	return true;
}

bool xlsx_find_sheet(struct bytes workbook, struct bytes relations, unsigned n, char path[256], struct err *e)
{
	struct finder f = { .left = n, .relation = "" };
	struct xmlread x = { .context = &f, .start = find_relation, .end = nothing };
	if (!xmlread_run(&x, workbook, e))
		return false;
	if (f.relation[0] == '\0')
		return err_set(e, ERR_NOT_FOUND, "the workbook has no such visible sheet");
	x.start = find_target;
	if (!xmlread_run(&x, relations, e))
		return false;
	if (f.target[0] == '\0')
		return err_set(e, ERR_MALFORMED, "the workbook does not say where its sheet is");
	snprintf(path, 256, "%s%s", f.target[0] == '/' ? "" : "xl/", f.target + (f.target[0] == '/'));
	return true;
}

/* ---- shared strings ---- */

/* What a number is shown as. */
enum shown { SHOWN_NUMBER, SHOWN_DATE, SHOWN_PERCENT };

struct book {
	struct sheet *out;
	struct err *e;
	struct buf text; /* of the string or cell at hand */
	bool in_text;
	unsigned phonetic; /* inside <rPh>: a reading aid, not text */

	const char **string;
	uint32_t n_strings, strings_room;

	struct {
		uint16_t id;
		uint8_t shown;
	} format[FORMATS_MAX]; /* custom number formats that show other than numbers */
	uint32_t n_formats;
	bool in_styles; /* inside cellXfs */
	uint8_t *shown; /* enum shown, for each cell style */
	uint32_t n_styles, styles_room;

	struct sheet_cell cell[SHEET_COLUMNS];
	uint16_t n_cells;
	uint32_t row;
	uint32_t column; /* of the cell at hand; SHEET_COLUMNS if beyond */
	char type[16];
	uint32_t style;
	bool formula;
};

static bool no_memory(struct book *b)
{
	return err_set(b->e, ERR_MEMORY, "out of memory");
}

static bool take_text(void *context, const char *at, size_t len)
{
	struct book *b = context;
	if (b->in_text && b->phonetic == 0 && b->text.size < TEXT_BYTES)
		buf_put(&b->text, at, len);
	return !b->text.failed || no_memory(b);
}

static bool strings_start(void *context, const char *name, const char *const *attribute)
{
	struct book *b = context;
	(void)attribute;
	if (strcmp(name, "si") == 0)
		buf_clear(&b->text);
	b->phonetic += strcmp(name, "rPh") == 0;
	b->in_text = strcmp(name, "t") == 0;
	return true;
}

static bool add_string(struct book *b)
{
	if (b->n_strings == STRINGS_MAX)
		return err_set(b->e, ERR_LIMIT, "more than %u texts", STRINGS_MAX);
	if (b->n_strings == b->strings_room) {
		uint32_t room = b->strings_room == 0 ? 256 : 2 * b->strings_room;
		const char **string = realloc(b->string, room * sizeof *string);
		if (string == NULL)
			return no_memory(b);
		b->string = string;
		b->strings_room = room;
	}
	b->string[b->n_strings] = sheet_text(b->out, buf_bytes(&b->text));
	return b->string[b->n_strings++] != NULL || no_memory(b);
}

static bool strings_end(void *context, const char *name)
{
	struct book *b = context;
	b->in_text = false;
	if (strcmp(name, "rPh") == 0 && b->phonetic > 0)
		b->phonetic--;
	return strcmp(name, "si") != 0 || add_string(b);
}

/* ---- styles: which of them show a date or a percentage ---- */

/* By what stands in a number format outside quotes, brackets and escapes. */
static enum shown shown_by(const char *format)
{
	bool quoted = false;
	bool bracket = false;
	for (; *format != '\0'; format++) {
		if (*format == '"')
			quoted = !quoted;
		else if (*format == '\\' && format[1] != '\0')
			format++;
		else if (*format == '[' || *format == ']')
			bracket = *format == '[';
		else if (!quoted && !bracket && strchr("yYmMdDhH", *format) != NULL)
			return SHOWN_DATE;
		else if (!quoted && !bracket && *format == '%')
			return SHOWN_PERCENT;
	}
	return SHOWN_NUMBER;
}

static uint32_t number_of(const char *text)
{
	unsigned long value = text == NULL ? 0 : strtoul(text, NULL, 10);
	return value > UINT32_MAX ? UINT32_MAX : (uint32_t)value;
}

static enum shown shown_as(const struct book *b, uint32_t format)
{
	if (format == 9 || format == 10)
		return SHOWN_PERCENT;
	if ((format >= 14 && format <= 22) || (format >= 27 && format <= 36) ||
	    (format >= 45 && format <= 47))
		return SHOWN_DATE;
	for (uint32_t i = 0; i < b->n_formats; i++)
		if (b->format[i].id == format)
			return (enum shown)b->format[i].shown;
	return SHOWN_NUMBER;
}

static bool add_style(struct book *b, uint32_t format)
{
	if (b->n_styles == STYLES_MAX)
		return true;
	if (b->n_styles == b->styles_room) {
		uint32_t room = b->styles_room == 0 ? 64 : 2 * b->styles_room;
		uint8_t *shown = realloc(b->shown, room);
		if (shown == NULL)
			return no_memory(b);
		b->shown = shown;
		b->styles_room = room;
	}
	b->shown[b->n_styles++] = (uint8_t)shown_as(b, format);
	return true;
}

static bool styles_start(void *context, const char *name, const char *const *attribute)
{
	struct book *b = context;
	uint32_t format = number_of(xmlread_attribute(attribute, "numFmtId"));
	const char *code = xmlread_attribute(attribute, "formatCode");
	enum shown shown = code == NULL ? SHOWN_NUMBER : shown_by(code);
	if (strcmp(name, "numFmt") == 0 && shown != SHOWN_NUMBER && format <= UINT16_MAX &&
	    b->n_formats < FORMATS_MAX) {
		b->format[b->n_formats].id = (uint16_t)format;
		b->format[b->n_formats++].shown = (uint8_t)shown;
	}
	b->in_styles = b->in_styles || strcmp(name, "cellXfs") == 0;
	return strcmp(name, "xf") != 0 || !b->in_styles || add_style(b, format);
}

static bool styles_end(void *context, const char *name)
{
	struct book *b = context;
	if (strcmp(name, "cellXfs") == 0)
		b->in_styles = false;
	return true;
}

/* ---- cells ---- */

/* "AB12" gives 27; SHEET_COLUMNS if it is beyond, UINT32_MAX if it is no name of a cell. */
static uint32_t column_of(const char *name)
{
	uint32_t column = 0;
	size_t n = 0;
	for (; name[n] >= 'A' && name[n] <= 'Z' && n < 4; n++)
		column = 26 * column + (uint32_t)(name[n] - 'A') + 1;
	if (n == 0 || name[n] < '0' || name[n] > '9')
		return UINT32_MAX;
	return column - 1 < SHEET_COLUMNS ? column - 1 : SHEET_COLUMNS;
}

static void start_row(struct book *b, const char *const *attribute)
{
	const char *r = xmlread_attribute(attribute, "r");
	b->row = r == NULL ? b->row + 1 : number_of(r);
	b->n_cells = 0;
	b->column = UINT32_MAX; /* the next cell is 0 */
}

static void start_cell(struct book *b, const char *const *attribute)
{
	const char *r = xmlread_attribute(attribute, "r");
	const char *t = xmlread_attribute(attribute, "t");
	uint32_t column = r == NULL ? UINT32_MAX : column_of(r);
	if (column != UINT32_MAX)
		b->column = column;
	else
		b->column = b->column == UINT32_MAX     ? 0
			    : b->column < SHEET_COLUMNS ? b->column + 1
							: SHEET_COLUMNS;
	snprintf(b->type, sizeof b->type, "%s", t == NULL ? "n" : t);
	b->style = number_of(xmlread_attribute(attribute, "s"));
	b->formula = false;
	buf_clear(&b->text);
}

/* "B16:C16", after all rows. */
static void take_merge(struct book *b, const char *ref)
{
	const char *colon = ref == NULL ? NULL : strchr(ref, ':');
	uint32_t first = colon == NULL ? UINT32_MAX : column_of(ref);
	uint32_t last = colon == NULL ? UINT32_MAX : column_of(colon + 1);
	if (first < SHEET_COLUMNS && last != UINT32_MAX && last > first)
		sheet_span(b->out, number_of(ref + strspn(ref, "ABCDEFGHIJKLMNOPQRSTUVWXYZ")), first,
		    last - first + 1);
}

static bool cells_start(void *context, const char *name, const char *const *attribute)
{
	struct book *b = context;
	if (strcmp(name, "row") == 0)
		start_row(b, attribute);
	else if (strcmp(name, "c") == 0)
		start_cell(b, attribute);
	else if (strcmp(name, "mergeCell") == 0)
		take_merge(b, xmlread_attribute(attribute, "ref"));
	b->formula = b->formula || strcmp(name, "f") == 0;
	b->phonetic += strcmp(name, "rPh") == 0;
	b->in_text = strcmp(name, "v") == 0 || strcmp(name, "t") == 0;
	return true;
}

/* The text of the cell that has ended, by its type. */
static bool finish_text(struct book *b, struct sheet_cell *cell)
{
	char plain[64];
	char raw[64];
	char date[16];
	if (strcmp(b->type, "n") != 0 && strcmp(b->type, "s") != 0 && strcmp(b->type, "b") != 0) {
		cell->kind = strcmp(b->type, "d") == 0 ? SHEET_DATE : SHEET_TEXT; /* 2024-01-31T00:00:00 */
		cell->text = sheet_text(b->out, buf_bytes(&b->text));
		return cell->text != NULL || no_memory(b);
	}
	snprintf(raw, sizeof raw, "%.*s", (int)(b->text.size > 63 ? 63 : b->text.size),
	    b->text.data == NULL ? "" : (const char *)b->text.data);
	if (strcmp(b->type, "s") == 0) {
		uint32_t i = number_of(raw);
		if (i >= b->n_strings)
			return err_set(b->e, ERR_MALFORMED, "a cell names a text that does not exist");
		cell->text = b->string[i];
		return true;
	}
	if (strcmp(b->type, "b") == 0) {
		cell->text = strcmp(raw, "1") == 0 ? "true" : "false";
		return true;
	}
	workbook_plain_number(raw, plain);
	cell->kind = SHEET_NUMBER;
	enum shown shown = b->style < b->n_styles ? (enum shown)b->shown[b->style] : SHOWN_NUMBER;
	if (shown == SHOWN_DATE) {
		cell->kind = SHEET_DATE;
		workbook_date(plain, date);
		memcpy(plain, date, sizeof date);
	} else if (shown == SHOWN_PERCENT && plain[0] != '\0') {
		workbook_percent(cell, plain);
	}
	cell->text = sheet_text(b->out, bytes_text(plain[0] == '\0' ? raw : plain));
	return cell->text != NULL || no_memory(b);
}

static bool finish_cell(struct book *b)
{
	struct sheet_cell cell = { .text = "", .line = b->row };
	if (b->column >= SHEET_COLUMNS)
		return b->text.size == 0 ||
		       err_set_detail(b->e, ERR_LIMIT, b->row, "more than %u columns", SHEET_COLUMNS);
	if (b->text.size > 0 && !finish_text(b, &cell))
		return false;
	if (b->formula)
		cell.kind = SHEET_FORMULA;
	for (; b->n_cells <= b->column; b->n_cells++)
		b->cell[b->n_cells] = (struct sheet_cell){ .text = "", .line = b->row };
	b->cell[b->column] = cell;
	return true;
}

static bool cells_end(void *context, const char *name)
{
	struct book *b = context;
	b->in_text = false;
	if (strcmp(name, "rPh") == 0 && b->phonetic > 0)
		b->phonetic--;
	if (strcmp(name, "c") == 0)
		return finish_cell(b);
	return strcmp(name, "row") != 0 || sheet_add(b->out, b->row, b->cell, b->n_cells, b->e);
}

bool xlsx_read(
    struct bytes strings, struct bytes styles, struct bytes sheet, struct sheet *out, struct err *e)
{
	struct book *b = calloc(1, sizeof *b);
	if (b == NULL)
		return err_set(e, ERR_MEMORY, "out of memory");
	b->out = out;
	b->e = e;
	struct xmlread x = { b, strings_start, strings_end, take_text };
	bool ok = strings.len == 0 || xmlread_run(&x, strings, e);
	x = (struct xmlread){ b, styles_start, styles_end, NULL };
	ok = ok && (styles.len == 0 || xmlread_run(&x, styles, e));
	x = (struct xmlread){ b, cells_start, cells_end, take_text };
	ok = ok && xmlread_run(&x, sheet, e);
	buf_free(&b->text);
	free(b->string);
	free(b->shown);
	free(b);
	return ok;
}
