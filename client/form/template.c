/* The empty form of a layout, as rows; template_xlsx.c and template_ods.c write workbooks of them. */
#include "client/form/template.h"

#include <stdlib.h>
#include <string.h>

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

static enum template_kind kind_of(const struct config *config, const struct layout_row *row)
{
	switch (row->kind) {
	case LAYOUT_COLUMNS:
		return TEMPLATE_HEADINGS;
	case LAYOUT_FIGURE:
		return config->measure[row->cell.measure].decimals > 0 ? TEMPLATE_DECIMALS : TEMPLATE_NUMBERS;
	case LAYOUT_ANSWER:
	case LAYOUT_CHOICE:
	case LAYOUT_TICK:
		return TEMPLATE_TICKS;
	case LAYOUT_PERIOD:
		return TEMPLATE_PERIOD;
	case LAYOUT_DATE:
		return TEMPLATE_DATE;
	case LAYOUT_TEXT:
		break;
	}
	return TEMPLATE_TEXT;
}

static struct template_row row_of(
    const struct config *config, const struct layout_row *row, const char *period, uint16_t width)
{
	struct template_row out = { .kind = kind_of(config, row),
		.label = row->label,
		.columns = row->columns,
		.value = "",
		.n_boxes = 1,
		.width = width };
	if (out.kind == TEMPLATE_TEXT || out.kind == TEMPLATE_HEADINGS)
		out.n_boxes = 0;
	else if (row->columns != NULL && (row->kind == LAYOUT_ANSWER || row->by != NO_PLACE))
		out.n_boxes = row->columns->n_columns;
	if (out.kind == TEMPLATE_PERIOD && period != NULL)
		out.value = period;
	if (out.kind == TEMPLATE_DECIMALS)
		out.decimals = config->measure[row->cell.measure].decimals;
	return out;
}

static bool put_title(
    template_put *put, void *to, const char *title, unsigned number, uint16_t width, struct err *e)
{
	struct buf text = { .max = 4096 };
	struct template_row row = { .kind = TEMPLATE_TEXT, .label = "", .value = "", .width = width };
	bool ok = false;
	buf_printf(&text, "%u. %s", number, title);
	buf_put_byte(&text, '\0');
	if (text.failed) {
		err_set(e, ERR_MEMORY, "out of memory");
		goto done;
	}
	if (!put(to, &row, e))
		goto done;
	row.kind = TEMPLATE_TITLE;
	row.label = (const char *)text.data;
	ok = put(to, &row, e);
done:
	buf_free(&text);
	return ok;
}

bool template_rows(
    const struct config *config, const char *period, template_put *put, void *to, struct err *e)
{
	const struct layout *layout = config->layout;
	unsigned number = 0;
	if (layout == NULL)
		return err_set(e, ERR_INVALID, "the configuration has no layout");
	uint16_t width = width_of(layout);
	for (uint16_t s = 0; s < layout->n_sections; s++) {
		const struct layout_section *section = &layout->section[s];
		if (section->title[0] != '\0' && !put_title(put, to, section->title, ++number, width, e))
			return false;
		for (uint16_t r = 0; r < section->n_rows; r++) {
			struct template_row row = row_of(config, &section->row[r], period, width);
			if (!put(to, &row, e))
				return false;
		}
	}
	return true;
}

const char *template_cell(const struct template_row *row, uint16_t c)
{
	if (row->kind == TEMPLATE_HEADINGS && row->columns != NULL && c < row->columns->n_columns)
		return row->columns->column[c].heading;
	return c == 0 ? row->value : "";
}

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

static bool put_csv(void *to, const struct template_row *row, struct err *e)
{
	struct buf *out = to;
	put_cell(out, row->label);
	for (uint16_t c = 0; c < row->width; c++) {
		buf_put_byte(out, ';');
		put_cell(out, template_cell(row, c));
	}
	buf_put_text(out, "\r\n");
	return !out->failed || err_set(e, ERR_MEMORY, "out of memory");
}

bool form_template(const struct config *config, const char *period, struct buf *out, struct err *e)
{
	buf_put_text(out, "\xef\xbb\xbf");
	return template_rows(config, period, put_csv, out, e);
}

bool form_template_as(
    const struct config *config, const char *period, const char *format, struct buf *out, struct err *e)
{
	if (strcmp(format, "csv") == 0)
		return form_template(config, period, out, e);
	if (strcmp(format, "xlsx") == 0)
		return template_xlsx(config, period, out, e);
	if (strcmp(format, "ods") == 0)
		return template_ods(config, period, out, e);
	return err_set(e, ERR_INVALID, "a form is written as csv, xlsx or ods");
}
