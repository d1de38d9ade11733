/* A preview as a picture: each table of the release as a grid of boxes for the office alone. */
#include "client/preview_print.h"
#include "client/table_print.h"
#include "client/text.h"
#include <string.h>

#define SHADE      "\xe2\x96\x92\xe2\x96\x92\xe2\x96\x92" /* three boxes of medium shade */
#define ELLIPSIS   "\xe2\x80\xa6"
#define NO_DIM     UINT16_MAX
#define CELL_LEAST 7u /* columns of the smallest box */
#define LABEL_MIN  12u

struct picture {
	const struct preview *p;
	const struct preview_style *style;
	const struct release_table *table;
	const struct release_rows_table *rows;
	uint16_t across; /* dimension whose codes are columns; NO_DIM */
	uint16_t column[TABLE_COLUMNS_MAX];
	size_t width[TABLE_COLUMNS_MAX]; /* without the blank at both sides */
	size_t n_columns, label_width;
	bool hidden, missing; /* seen: explained below */
};

static const char *word(const struct picture *g, struct label label)
{
	return g->style->language == LANGUAGE_SV ? label.sv : label.en;
}

static const struct codelist *list_of(const struct picture *g, uint16_t d)
{
	return &g->p->config.list[g->table->dim[d]];
}

static bool has_column(const struct picture *g, uint16_t code)
{
	for (size_t c = 0; c < g->n_columns; c++)
		if (g->column[c] == code)
			return true;
	return false;
}

/* Of the dimensions that are not the office, the one with the fewest codes goes across. */
static void choose_across(struct picture *g)
{
	g->across = NO_DIM;
	for (uint16_t d = 0; d < g->table->n_dims; d++) {
		if (g->table->dim[d] == g->p->config.office_list ||
		    list_of(g, d)->n_codes > TABLE_COLUMNS_MAX)
			continue;
		if (g->across == NO_DIM || list_of(g, d)->n_codes < list_of(g, g->across)->n_codes)
			g->across = d;
	}
	for (size_t i = 0; i < g->rows->n_rows; i++) {
		uint16_t code = g->across == NO_DIM ? 0 : g->rows->row[i].code[g->across];
		if (!has_column(g, code) && g->n_columns < TABLE_COLUMNS_MAX)
			g->column[g->n_columns++] = code;
	}
}

/* The row of the line in column c; NULL if the table prints none. */
static const struct release_row *row_in(const struct picture *g, const struct release_row *line, size_t c)
{
	struct release_row want = *line;

	if (g->across != NO_DIM)
		want.code[g->across] = g->column[c];
	return preview_find_row(g->rows, &want);
}

/* The row of a line that stands for it: the first. */
static bool begins_line(const struct picture *g, const struct release_row *line)
{
	for (size_t c = 0; c < g->n_columns; c++)
		if (row_in(g, line, c) != NULL)
			return row_in(g, line, c) == line;
	return true;
}

static bool is_part(const struct codelist *list, uint16_t code)
{
	return list->code[code].n_parents > 0;
}

/* "  18–29": the codes that go down, parts set in; the measure where nothing goes down. */
static void put_label(struct buf *out, const struct picture *g, const struct release_row *row)
{
	const struct measure *m = &g->p->config.measure[row->measure];
	const char *between = "";

	if (g->table->n_measures > 1) {
		buf_put_text(out, word(g, m->label));
		between = ", ";
	}
	for (uint16_t d = 0; d < g->table->n_dims; d++) {
		if (d == g->across || g->table->dim[d] == g->p->config.office_list)
			continue;
		const struct codelist *list = list_of(g, d);
		buf_put_text(out, *between != 0 ? between : is_part(list, row->code[d]) ? "  " : "");
		buf_put_text(out, word(g, list->code[row->code[d]].label));
		between = ", ";
	}
	if (*between == 0)
		buf_put_text(out, word(g, m->label));
}

static void put_value(struct buf *out, const struct picture *g, const struct release_row *row)
{
	if (row == NULL)
		return;
	if (row->state == RELEASE_SUPPRESSED)
		buf_put_text(out, SHADE);
	else if (row->state == RELEASE_PUBLISHED)
		table_put_number(
		    out, row->value, g->p->config.measure[row->measure].decimals, g->style->language);
	else
		buf_put_text(out, row->state == RELEASE_STRUCTURAL ? "0" : ".");
}

/* Text up to width columns, the last of which says that it was cut. */
static void put_cut(struct buf *out, const char *text, size_t width)
{
	size_t n = strlen(text);
	char part[512];

	if (n >= sizeof part)
		n = sizeof part - 1;
	memcpy(part, text, n);
	part[n] = 0;
	bool cut = text_width(part) > width;
	while (n > 0 && text_width(part) + cut > width) {
		do
			n--;
		while (n > 0 && ((unsigned char)part[n] & 0xc0) == 0x80);
		part[n] = 0;
	}
	buf_put_text(out, part);
	buf_put_text(out, cut ? ELLIPSIS : "");
	for (size_t used = text_width(part) + cut; used < width; used++)
		buf_put_byte(out, ' ');
}

static size_t width_of(struct buf *text)
{
	buf_put_byte(text, 0);
	size_t width = text->failed ? 0 : text_width((const char *)text->data);
	buf_clear(text);
	return width;
}

static void widen(size_t *width, size_t to)
{
	*width = to > *width ? to : *width;
}

static const char *heading(const struct picture *g, size_t c)
{
	return g->across == NO_DIM ? "" : word(g, list_of(g, g->across)->code[g->column[c]].label);
}

static void measure_widths(struct picture *g, struct buf *text)
{
	size_t boxes = 4; /* frame and blanks of the label */

	for (size_t i = 0; i < g->rows->n_rows; i++) {
		put_label(text, g, &g->rows->row[i]);
		widen(&g->label_width, width_of(text));
	}
	for (size_t c = 0; c < g->n_columns; c++) {
		g->width[c] = CELL_LEAST;
		widen(&g->width[c], text_width(heading(g, c)));
		for (size_t i = 0; i < g->rows->n_rows; i++)
			if (g->across == NO_DIM || g->rows->row[i].code[g->across] == g->column[c]) {
				put_value(text, g, &g->rows->row[i]);
				widen(&g->width[c], width_of(text));
			}
		boxes += g->width[c] + 3;
	}
	if (g->style->width > 0 && g->label_width + boxes > g->style->width)
		g->label_width = g->style->width > boxes + LABEL_MIN ? g->style->width - boxes : LABEL_MIN;
}

static void put_rule(
    struct buf *out, const struct picture *g, const char *left, const char *middle, const char *right)
{
	buf_put_text(out, left);
	for (size_t k = 0; k < g->label_width + 2; k++)
		buf_put_text(out, "\xe2\x94\x80");
	for (size_t c = 0; c < g->n_columns; c++) {
		buf_put_text(out, middle);
		for (size_t k = 0; k < g->width[c] + 2; k++)
			buf_put_text(out, "\xe2\x94\x80");
	}
	buf_printf(out, "%s\n", right);
}

static void put_box(struct buf *out, const struct picture *g, const char *text, size_t c, const char *color)
{
	size_t used = text_width(text);

	buf_put_text(out, "\xe2\x94\x82 ");
	for (; used < g->width[c]; used++)
		buf_put_byte(out, ' ');
	buf_printf(out, "%s%s%s ", color, text, *color != 0 ? "\x1b[0m" : "");
}

static void put_line(struct buf *out, struct picture *g, const struct release_row *line, struct buf *text)
{
	put_label(text, g, line);
	buf_put_byte(text, 0);
	buf_put_text(out, "\xe2\x94\x82 ");
	put_cut(out, text->failed ? "" : (const char *)text->data, g->label_width);
	buf_put_byte(out, ' ');
	for (size_t c = 0; c < g->n_columns; c++) {
		const struct release_row *row = row_in(g, line, c);
		const char *color = "";
		bool hidden = row != NULL && row->state == RELEASE_SUPPRESSED;
		g->hidden = g->hidden || hidden;
		g->missing =
		    g->missing ||
		    (row != NULL && (row->state == RELEASE_NOT_REPORTED || row->state == RELEASE_NOT_ASKED));
		if (g->style->color && row != NULL)
			color = hidden ? "\x1b[33m" : row->state == RELEASE_PUBLISHED ? "\x1b[32m" : "";
		buf_clear(text);
		put_value(text, g, row);
		buf_put_byte(text, 0);
		put_box(out, g, text->failed ? "" : (const char *)text->data, c, color);
	}
	buf_put_text(out, "\xe2\x94\x82\n");
	buf_clear(text);
}

static bool says_nothing(const struct picture *g, const struct release_row *line)
{
	for (size_t c = 0; c < g->n_columns; c++) {
		const struct release_row *row = row_in(g, line, c);
		if (row != NULL && row->state != RELEASE_NOT_REPORTED && row->state != RELEASE_NOT_ASKED)
			return false;
	}
	return true;
}

static void put_grid(struct buf *out, struct picture *g)
{
	struct buf text = { 0 };

	measure_widths(g, &text);
	put_rule(out, g, "\xe2\x94\x8c", "\xe2\x94\xac", "\xe2\x94\x90");
	if (g->across != NO_DIM) {
		buf_put_text(out, "\xe2\x94\x82 ");
		put_cut(out, "", g->label_width + 1);
		for (size_t c = 0; c < g->n_columns; c++)
			put_box(out, g, heading(g, c), c, "");
		buf_put_text(out, "\xe2\x94\x82\n");
		put_rule(out, g, "\xe2\x94\x9c", "\xe2\x94\xbc", "\xe2\x94\xa4");
	}
	for (size_t i = 0; i < g->rows->n_rows; i++)
		if (begins_line(g, &g->rows->row[i]) && !says_nothing(g, &g->rows->row[i]))
			put_line(out, g, &g->rows->row[i], &text);
	put_rule(out, g, "\xe2\x94\x94", "\xe2\x94\xb4", "\xe2\x94\x98");
	buf_free(&text);
}

bool preview_put_picture(
    struct buf *out, const struct preview *p, const struct preview_style *style, struct err *e)
{
	bool hidden = false;
	bool missing = false;

	for (size_t t = 0; t < p->rows.n_tables; t++) {
		struct picture g = {
			.p = p, .style = style, .table = &p->config.table[t], .rows = &p->rows.table[t]
		};
		buf_printf(out, "%s, %s\n", word(&g, g.table->label), p->rows.period);
		if (g.rows->n_rows == 0)
			continue;
		choose_across(&g);
		put_grid(out, &g);
		buf_put_text(out, "\n");
		hidden = hidden || g.hidden;
		missing = missing || g.missing;
	}
	if (hidden)
		buf_printf(out, SHADE "  %s\n", _("hidden, to protect individuals"));
	if (missing)
		buf_printf(out, ".    %s\n", _("not reported"));
	return !out->failed || err_set(e, ERR_MEMORY, "no memory for the preview");
}
