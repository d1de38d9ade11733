#include "client/form/workbook.h"
#include "client/form/xmlread.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_BYTES 65536u
#define STYLE_NAME 64u
#define HIDDEN_MAX 64u

struct content {
	struct sheet *out;
	struct err *e;
	unsigned wanted;                     /* which visible sheet */
	unsigned tables;                     /* visible sheets begun */
	bool reading;                        /* inside the one that is wanted */
	char style[STYLE_NAME];              /* of tables, whose properties are being read; "" if none */
	char hidden[HIDDEN_MAX][STYLE_NAME]; /* styles of hidden sheets */
	unsigned n_hidden;
	unsigned depth;      /* inside table elements: 1 is the sheet itself */
	unsigned annotation; /* inside a comment: not the cell's text */
	bool in_cell, in_paragraph;
	unsigned paragraphs;
	struct buf text;
	struct sheet_cell now; /* the cell at hand, without text */
	const char *value;     /* of a typed cell, in the sheet's arena; "" if none */
	uint32_t repeat;       /* of the cell */
	struct sheet_cell cell[SHEET_COLUMNS];
	uint32_t n_cells; /* may pass SHEET_COLUMNS: blanks */
	uint32_t row, rows_repeat;
};

static uint32_t repeat_of(const char *const *attribute, const char *name)
{
	const char *text = xmlread_attribute(attribute, name);
	unsigned long n = text == NULL ? 1 : strtoul(text, NULL, 10);
	return n < 1 ? 1 : n > 2000000 ? 2000000 : (uint32_t)n;
}

static bool keep_value(struct content *c, const char *text)
{
	c->value = sheet_text(c->out, bytes_text(text));
	return c->value != NULL || err_set(c->e, ERR_MEMORY, "out of memory");
}

static bool start_cell(struct content *c, const char *const *attribute)
{
	char plain[64];
	const char *type = xmlread_attribute(attribute, "value-type");
	const char *value = xmlread_attribute(attribute, "value");
	const char *truth = xmlread_attribute(attribute, "boolean-value");
	c->in_cell = true;
	c->paragraphs = 0;
	c->repeat = repeat_of(attribute, "number-columns-repeated");
	c->now = (struct sheet_cell){ .text = "", .line = c->row };
	c->now.span = (uint16_t)(repeat_of(attribute, "number-columns-spanned") & UINT16_MAX);
	c->value = "";
	buf_clear(&c->text);
	if (type != NULL && (strcmp(type, "date") == 0 || strcmp(type, "time") == 0))
		c->now.kind = SHEET_DATE;
	const char *date = xmlread_attribute(attribute, "date-value");
	if (c->now.kind == SHEET_DATE && date != NULL && !keep_value(c, date))
		return false;
	if (type != NULL && truth != NULL && strcmp(type, "boolean") == 0)
		return keep_value(c, truth);
	if (type != NULL && value != NULL && c->now.kind != SHEET_DATE && strcmp(type, "string") != 0) {
		c->now.kind = SHEET_NUMBER;
		workbook_plain_number(value, plain);
		if (strcmp(type, "percentage") == 0)
			workbook_percent(&c->now, plain);
		if (!keep_value(c, plain[0] == '\0' ? value : plain))
			return false;
	}
	if (xmlread_attribute(attribute, "formula") != NULL)
		c->now.kind = SHEET_FORMULA;
	return true;
}

static void start_text(struct content *c, const char *name, const char *const *attribute)
{
	if (strcmp(name, "p") == 0 && c->annotation == 0) {
		if (c->paragraphs++ > 0)
			buf_put_byte(&c->text, '\n');
		c->in_paragraph = true;
	} else if (c->in_paragraph && strcmp(name, "s") == 0) {
		for (uint32_t n = repeat_of(attribute, "c"); n > 0 && c->text.size < TEXT_BYTES; n--)
			buf_put_byte(&c->text, ' ');
	} else if (c->in_paragraph && (strcmp(name, "line-break") == 0 || strcmp(name, "tab") == 0)) {
		buf_put_byte(&c->text, ' ');
	}
}

/* Which styles hide a sheet: <style name= family="table"><table-properties display="false"/>. */
static void start_style(struct content *c, const char *name, const char *const *attribute)
{
	const char *text = xmlread_attribute(attribute, strcmp(name, "style") == 0 ? "name" : "display");
	const char *family = xmlread_attribute(attribute, "family");
	if (strcmp(name, "style") == 0)
		snprintf(c->style, sizeof c->style, "%s",
		    text != NULL && family != NULL && strcmp(family, "table") == 0 ? text : "");
	else if (strcmp(name, "table-properties") == 0 && c->style[0] != '\0' && text != NULL &&
		 strcmp(text, "false") == 0 && c->n_hidden < HIDDEN_MAX)
		memcpy(c->hidden[c->n_hidden++], c->style, sizeof c->style);
}

static bool is_hidden(const struct content *c, const char *const *attribute)
{
	const char *style = xmlread_attribute(attribute, "style-name");
	for (unsigned i = 0; style != NULL && i < c->n_hidden; i++)
		if (strcmp(c->hidden[i], style) == 0)
			return true;
	return false;
}

static void start_table(struct content *c, const char *const *attribute)
{
	if (c->depth++ > 0 || is_hidden(c, attribute))
		return;
	c->reading = c->tables == c->wanted;
	c->tables++;
}

static bool content_start(void *context, const char *name, const char *const *attribute)
{
	struct content *c = context;
	if (c->depth == 0)
		start_style(c, name, attribute);
	if (strcmp(name, "table") == 0)
		start_table(c, attribute);
	if (!c->reading || c->depth != 1)
		return true;
	if (strcmp(name, "annotation") == 0) {
		c->annotation++;
	} else if (strcmp(name, "table-row") == 0) {
		c->row += c->rows_repeat;
		c->rows_repeat = repeat_of(attribute, "number-rows-repeated");
		c->n_cells = 0;
	} else if (strcmp(name, "table-cell") == 0 || strcmp(name, "covered-table-cell") == 0) {
		return start_cell(c, attribute);
	} else if (c->in_cell) {
		start_text(c, name, attribute);
	}
	return true;
}

static bool content_text(void *context, const char *at, size_t len)
{
	struct content *c = context;
	if (c->in_paragraph && c->annotation == 0 && c->reading && c->depth == 1 && c->text.size < TEXT_BYTES)
		buf_put(&c->text, at, len);
	return !c->text.failed || err_set(c->e, ERR_MEMORY, "out of memory");
}

static bool end_cell(struct content *c)
{
	struct sheet_cell cell = c->now;
	c->in_cell = false;
	cell.text = c->value[0] != '\0' ? c->value : sheet_text(c->out, buf_bytes(&c->text));
	if (cell.text == NULL)
		return err_set(c->e, ERR_MEMORY, "out of memory");
	if (cell.text[0] != '\0' && (c->n_cells >= SHEET_COLUMNS || c->repeat > SHEET_COLUMNS - c->n_cells))
		return err_set_detail(c->e, ERR_LIMIT, c->row, "more than %u columns", SHEET_COLUMNS);
	for (uint32_t i = 0; i < c->repeat && c->n_cells < SHEET_COLUMNS; i++)
		c->cell[c->n_cells++] = cell;
	return true;
}

static bool end_row(struct content *c)
{
	bool blank = true;
	for (uint32_t i = 0; i < c->n_cells; i++)
		blank = blank && c->cell[i].text[0] == '\0';
	for (uint32_t i = 0; !blank && i < c->rows_repeat; i++)
		if (!sheet_add(c->out, c->row + i, c->cell, (uint16_t)c->n_cells, c->e))
			return false;
	return true;
}

static bool content_end(void *context, const char *name)
{
	struct content *c = context;
	bool ok = true;
	if (c->reading && c->depth == 1) {
		if (strcmp(name, "annotation") == 0 && c->annotation > 0)
			c->annotation--;
		else if (strcmp(name, "p") == 0 && c->annotation == 0)
			c->in_paragraph = false;
		else if (strcmp(name, "table-cell") == 0 || strcmp(name, "covered-table-cell") == 0)
			ok = end_cell(c);
		else if (strcmp(name, "table-row") == 0)
			ok = end_row(c);
	}
	c->depth -= strcmp(name, "table") == 0 && c->depth > 0;
	c->reading = c->reading && c->depth > 0;
	return ok;
}

bool ods_read(struct bytes content, unsigned n, struct sheet *out, struct err *e)
{
	struct content *c = calloc(1, sizeof *c);
	if (c == NULL)
		return err_set(e, ERR_MEMORY, "out of memory");
	*c = (struct content){ .out = out, .e = e, .wanted = n, .row = 1, .value = "" };
	struct xmlread x = { c, content_start, content_end, content_text };
	bool ok = xmlread_run(&x, content, e) &&
		  (c->tables > n || err_set(e, ERR_NOT_FOUND, "the workbook has no such visible sheet"));
	buf_free(&c->text);
	free(c);
	return ok;
}
