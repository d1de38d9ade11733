#include "client/form/form.h"
#include "proto/layout.h"

#include <string.h>

static void put_cell(struct buf *out, const char *text)
{
	bool quote = strpbrk(text, ";\"\r\n") != NULL;
	if (!quote) {
		buf_put_text(out, text);
		return;
	}
	buf_put_byte(out, '"');
	for (; *text != '\0'; text++) {
		if (*text == '"')
			buf_put_byte(out, '"');
		buf_put_byte(out, (uint8_t)*text);
	}
	buf_put_byte(out, '"');
}

/* The label and `width` more boxes: headings where columns are given, a value in the first where one is. */
static void put_row(struct buf *out, const char *label, const struct layout_columns *columns,
    const char *value, uint16_t width)
{
	put_cell(out, label);
	for (uint16_t c = 0; c < width; c++) {
		buf_put_byte(out, ';');
		if (columns != NULL && c < columns->n_columns)
			put_cell(out, columns->column[c].heading);
		else if (c == 0 && value != NULL)
			put_cell(out, value);
	}
	buf_put_text(out, "\r\n");
}

static uint16_t width_of(const struct layout *layout)
{
	uint16_t width = 1;
	for (uint16_t s = 0; s < layout->n_sections; s++)
		for (uint16_t r = 0; r < layout->section[s].n_rows; r++) {
			const struct layout_columns *columns = layout->section[s].row[r].columns;
			if (columns != NULL && columns->n_columns > width)
				width = columns->n_columns;
		}
	return width;
}

bool form_template(const struct config *config, const char *period, struct buf *out, struct err *e)
{
	const struct layout *layout = config->layout;
	unsigned number = 0;
	if (layout == NULL)
		return err_set(e, ERR_INVALID, "the configuration has no layout");
	uint16_t width = width_of(layout);
	buf_put_text(out, "\xef\xbb\xbf");
	for (uint16_t s = 0; s < layout->n_sections; s++) {
		const struct layout_section *section = &layout->section[s];
		if (section->title[0] != '\0') {
			put_row(out, "", NULL, NULL, width);
			buf_printf(out, "%u. ", ++number);
			put_row(out, section->title, NULL, NULL, width);
		}
		for (uint16_t r = 0; r < section->n_rows; r++) {
			const struct layout_row *row = &section->row[r];
			put_row(out, row->label, row->kind == LAYOUT_COLUMNS ? row->columns : NULL,
			    row->kind == LAYOUT_PERIOD ? period : NULL, width);
		}
	}
	return !out->failed || err_set(e, ERR_MEMORY, "out of memory");
}
