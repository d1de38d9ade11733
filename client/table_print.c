#include "client/table_print.h"
#include "client/text.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NBSP "\xc2\xa0"

enum word {
	WORD_HIDDEN,
	WORD_MOVED,
	WORD_NOT_REPORTED,
	WORD_NOT_ASKED,
	WORD_NEITHER,
	WORD_MEASURE,
	WORD_NOTHING,
	WORDS
};
static const char *const words[WORDS][2] = {
	/* LANGUAGE_SV, LANGUAGE_EN */
	[WORD_HIDDEN] = { "dold, f\xc3\xb6r att skydda enskilda personer", "hidden, to protect individuals" },
	[WORD_MOVED] = { "Antalen \xc3\xa4r avrundade eller \xc3\xa4ndrade n\xc3\xa5got, f\xc3\xb6r att "
			 "skydda enskilda personer",
	    "The counts are rounded or slightly changed, to protect individuals" },
	[WORD_NOT_REPORTED] = { "uppgiften har inte l\xc3\xa4mnats", "not reported" },
	[WORD_NOT_ASKED] = { "uppgiften har inte efterfr\xc3\xa5gats", "not asked" },
	[WORD_NEITHER] = { "uppgiften har inte l\xc3\xa4mnats eller inte efterfr\xc3\xa5gats",
	    "not reported or not asked" },
	[WORD_NOTHING] = { "Inga uppgifter", "Nothing reported" },
	[WORD_MEASURE] = { "M\xc3\xa5tt", "Measure" },
};

struct layout_grid { /* how the table is laid out; lists[i] is dimension i's */
	const struct config *config;
	const struct release_rows_table *table;
	const struct codelist *list[RELEASE_DIMS];
	enum language language;
	bool has_measure; /* several measures: a label of its own */
	uint16_t across;  /* dimension whose codes are columns; RELEASE_DIMS: none */
	uint16_t column[TABLE_COLUMNS_MAX];
	size_t n_columns; /* 1 without a dimension across */
	struct release_row *row;
	size_t label_width[RELEASE_DIMS + 1], column_width[TABLE_COLUMNS_MAX];
	bool seen[RELEASE_PERTURBED + 1];
};

static const char *label_of(struct label label, enum language language)
{
	return language == LANGUAGE_SV ? label.sv : label.en;
}

void table_put_number(struct buf *out, uint64_t value, unsigned decimals, enum language language)
{
	char digits[32];
	int n = snprintf(digits, sizeof digits, "%0*llu", (int)decimals + 1, (unsigned long long)value);
	int whole = n - (int)decimals;

	for (int i = 0; i < whole; i++) {
		if (i > 0 && (whole - i) % 3 == 0)
			buf_put_text(out, language == LANGUAGE_SV ? NBSP : ",");
		buf_put_byte(out, (uint8_t)digits[i]);
	}
	if (decimals > 0)
		buf_printf(out, "%c%s", language == LANGUAGE_SV ? ',' : '.', digits + whole);
}

static void put_cell(struct buf *out, const struct layout_grid *g, const struct release_row *row)
{
	switch (row->state) {
	case RELEASE_PUBLISHED:
	case RELEASE_PERTURBED:
		table_put_number(out, row->value, g->config->measure[row->measure].decimals, g->language);
		break;
	case RELEASE_STRUCTURAL:
		buf_put_text(out, "0");
		break;
	case RELEASE_SUPPRESSED:
		buf_put_text(out, "..");
		break;
	default:
		buf_put_text(out, ".");
		break;
	}
}

static unsigned depth_of(const struct codelist *list, uint16_t code)
{
	unsigned depth = 0;

	while (list->code[code].n_parents > 0 && depth < 8) {
		code = list->code[code].parent[0].of;
		depth++;
	}
	return depth;
}

/* How many different codes dimension d has in the rows, up to TABLE_COLUMNS_MAX + 1; code gets them. */
static size_t codes_of(const struct release_rows_table *t, uint16_t d, uint16_t code[TABLE_COLUMNS_MAX + 1])
{
	size_t n = 0;

	for (size_t i = 0; i < t->n_rows && n <= TABLE_COLUMNS_MAX; i++) {
		size_t at = 0;
		while (at < n && code[at] < t->row[i].code[d])
			at++;
		if (at < n && code[at] == t->row[i].code[d])
			continue;
		memmove(code + at + 1, code + at, (n - at) * sizeof *code);
		code[at] = t->row[i].code[d];
		n++;
	}
	return n;
}

static void choose_across(struct layout_grid *g)
{
	uint16_t code[TABLE_COLUMNS_MAX + 2];

	g->across = RELEASE_DIMS;
	g->n_columns = 1;
	for (uint16_t d = 0; d < g->table->n_dims; d++) {
		size_t n = codes_of(g->table, d, code);
		if (n > TABLE_COLUMNS_MAX || (g->across != RELEASE_DIMS && n > g->n_columns))
			continue;
		g->across = d;
		g->n_columns = n;
		memcpy(g->column, code, n * sizeof *code);
	}
}

/* By measure, then the dimensions that go down, then the one across. */
static int compare_rows(const void *a, const void *b, void *grid)
{
	const struct release_row *x = a, *y = b;
	const struct layout_grid *g = grid;

	if (x->measure != y->measure)
		return x->measure < y->measure ? -1 : 1;
	for (uint16_t d = 0; d < g->table->n_dims; d++) {
		if (d != g->across && x->code[d] != y->code[d])
			return x->code[d] < y->code[d] ? -1 : 1;
	}
	if (g->across == RELEASE_DIMS)
		return 0;
	return x->code[g->across] < y->code[g->across] ? -1 : x->code[g->across] > y->code[g->across];
}

static bool same_line(const struct layout_grid *g, const struct release_row *x, const struct release_row *y)
{
	if (x->measure != y->measure || g->across == RELEASE_DIMS)
		return false;
	for (uint16_t d = 0; d < g->table->n_dims; d++) {
		if (d != g->across && x->code[d] != y->code[d])
			return false;
	}
	return true;
}

/* How many rows from the i-th on make one line. */
static size_t line_length(const struct layout_grid *g, size_t i)
{
	size_t n = 1;

	while (i + n < g->table->n_rows && same_line(g, &g->row[i], &g->row[i + n]))
		n++;
	return n;
}

static bool says_nothing(const struct release_row *row, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (row[i].state != RELEASE_NOT_REPORTED && row[i].state != RELEASE_NOT_ASKED)
			return false;
	}
	return true;
}

/* Label number k of a row (0 is the measure if there are several), with its indentation; NULL past the last.
 * d gets the dimension, RELEASE_DIMS for the measure. */
static const char *row_label(
    const struct layout_grid *g, const struct release_row *row, size_t k, unsigned *indent, uint16_t *d)
{
	*indent = 0;
	*d = RELEASE_DIMS;
	if (g->has_measure && k-- == 0)
		return label_of(g->config->measure[row->measure].label, g->language);
	for (uint16_t i = 0; i < g->table->n_dims; i++) {
		if (i == g->across || k-- > 0)
			continue;
		*d = i;
		*indent = 2 * depth_of(g->list[i], row->code[i]);
		return label_of(g->list[i]->code[row->code[i]].label, g->language);
	}
	return NULL;
}

static const char *heading(const struct layout_grid *g, size_t k)
{
	unsigned indent;
	uint16_t d;

	if (row_label(g, g->row, k, &indent, &d) == NULL)
		return NULL;
	return d == RELEASE_DIMS ? words[WORD_MEASURE][g->language]
				 : label_of(g->list[d]->label, g->language);
}

static const char *column_heading(const struct layout_grid *g, size_t c)
{
	if (g->across == RELEASE_DIMS)
		return g->has_measure ? ""
				      : label_of(g->config->measure[g->row[0].measure].label, g->language);
	return label_of(g->list[g->across]->code[g->column[c]].label, g->language);
}

static size_t place_across(const struct layout_grid *g, const struct release_row *row)
{
	size_t c = 0;

	while (g->across != RELEASE_DIMS && c + 1 < g->n_columns && g->column[c] != row->code[g->across])
		c++;
	return c;
}

static void widen(size_t *width, size_t to)
{
	if (*width < to)
		*width = to;
}

static void measure_widths(struct layout_grid *g, struct buf *scratch)
{
	const char *label;
	unsigned indent;
	uint16_t d;

	for (size_t k = 0; (label = heading(g, k)) != NULL; k++)
		widen(&g->label_width[k], text_width(label));
	for (size_t c = 0; c < g->n_columns; c++)
		widen(&g->column_width[c], text_width(column_heading(g, c)));
	for (size_t i = 0; i < g->table->n_rows; i++) {
		const struct release_row *row = &g->row[i];
		for (size_t k = 0; (label = row_label(g, row, k, &indent, &d)) != NULL; k++)
			widen(&g->label_width[k], indent + text_width(label));
		buf_clear(scratch);
		put_cell(scratch, g, row);
		buf_put_byte(scratch, 0);
		if (!scratch->failed)
			widen(
			    &g->column_width[place_across(g, row)], text_width((const char *)scratch->data));
	}
}

static void spaces(struct buf *out, size_t n)
{
	while (n-- > 0)
		buf_put_byte(out, ' ');
}

static void put_left(struct buf *out, const char *text, unsigned indent, size_t width)
{
	size_t used = indent + text_width(text);

	spaces(out, indent);
	buf_put_text(out, text);
	spaces(out, width > used ? width - used : 0);
}

static void put_right(struct buf *out, const char *text, size_t width)
{
	size_t used = text_width(text);

	spaces(out, 2 + (width > used ? width - used : 0));
	buf_put_text(out, text);
}

static void put_heading(struct buf *out, const struct layout_grid *g)
{
	size_t total = 0;
	const char *label;

	for (size_t k = 0; (label = heading(g, k)) != NULL; k++) {
		if (k > 0)
			spaces(out, 2);
		put_left(out, label, 0, g->label_width[k]);
		total += g->label_width[k] + (k > 0 ? 2 : 0);
	}
	for (size_t c = 0; c < g->n_columns; c++) {
		put_right(out, column_heading(g, c), g->column_width[c]);
		total += g->column_width[c] + 2;
	}
	buf_put_text(out, "\n");
	for (size_t i = 0; i < total; i++)
		buf_put_text(out, "\xe2\x94\x80");
	buf_put_text(out, "\n");
}

/* The labels of a line; a label that repeats the line above is left out, unless it is the last. */
static void put_labels(struct buf *out, const struct layout_grid *g, const struct release_row *row,
    const struct release_row *above)
{
	unsigned indent, ignored;
	uint16_t d;
	const char *label, *next;
	bool repeats = above != NULL;

	for (size_t k = 0; (label = row_label(g, row, k, &indent, &d)) != NULL; k++) {
		next = row_label(g, row, k + 1, &ignored, &d);
		repeats = repeats && next != NULL && label == row_label(g, above, k, &ignored, &d);
		if (k > 0)
			spaces(out, 2);
		put_left(out, repeats ? "" : label, repeats ? 0 : indent, g->label_width[k]);
	}
}

static void put_line(struct buf *out, const struct layout_grid *g, const struct release_row *row, size_t n,
    const struct release_row *above, struct buf *scratch)
{
	size_t at = 0;

	put_labels(out, g, row, above);
	for (size_t c = 0; c < g->n_columns; c++) {
		buf_clear(scratch);
		if (at < n && place_across(g, &row[at]) == c)
			put_cell(scratch, g, &row[at++]);
		buf_put_byte(scratch, 0);
		if (!scratch->failed)
			put_right(out, (const char *)scratch->data, g->column_width[c]);
	}
	while (out->size > 0 && out->data[out->size - 1] == ' ') /* a cell that is not printed comes last */
		out->size--;
	buf_put_text(out, "\n");
}

/* Rows from i on whose first label is the same; *empty says whether none of their lines has a figure. */
static size_t group_length(const struct layout_grid *g, size_t i, bool *empty)
{
	unsigned indent;
	uint16_t d;
	const char *first = row_label(g, &g->row[i], 0, &indent, &d);
	size_t at = i;

	*empty = true;
	while (at < g->table->n_rows && row_label(g, &g->row[at], 0, &indent, &d) == first) {
		size_t n = line_length(g, at);
		*empty = *empty && says_nothing(&g->row[at], n);
		at += n;
	}
	return at - i;
}

/* The labels of a line that was left out: all but the first, or the only one. */
static void put_left_out(struct buf *out, const struct layout_grid *g, const struct release_row *row)
{
	unsigned indent;
	uint16_t d;
	const char *label;
	size_t k = row_label(g, row, 1, &indent, &d) != NULL;

	for (; (label = row_label(g, row, k, &indent, &d)) != NULL; k++)
		buf_printf(out, " %s", label);
}

/* One line that names the lines left out: whole groups by their first label, else line by line. */
static void put_nothing(struct buf *out, const struct layout_grid *g)
{
	const char *between = ":";
	unsigned indent;
	uint16_t d;
	size_t n;
	bool empty;

	for (size_t i = 0; i < g->table->n_rows; i += n) {
		const char *first = row_label(g, &g->row[i], 0, &indent, &d);
		const char *inside = "";

		n = group_length(g, i, &empty);
		for (size_t at = i; at < i + n; at += line_length(g, at)) {
			if (!says_nothing(&g->row[at], line_length(g, at)) || (empty && at > i))
				continue;
			if (*inside == 0) {
				buf_printf(out, "%s%s",
				    *between == ':' ? words[WORD_NOTHING][g->language] : "", between);
				between = ";";
				if (first != NULL && row_label(g, &g->row[i], 1, &indent, &d) != NULL)
					buf_printf(out, " %s%s", first, empty ? "" : " \xe2\x80\x93");
			}
			buf_put_text(out, inside);
			inside = ",";
			if (!empty || row_label(g, &g->row[i], 1, &indent, &d) == NULL)
				put_left_out(out, g, &g->row[at]);
		}
	}
	if (*between == ';')
		buf_put_text(out, "\n");
}

static void put_legend(struct buf *out, const struct layout_grid *g)
{
	bool not_reported = g->seen[RELEASE_NOT_REPORTED], not_asked = g->seen[RELEASE_NOT_ASKED];

	if (g->seen[RELEASE_SUPPRESSED])
		buf_printf(out, "..  %s\n", words[WORD_HIDDEN][g->language]);
	if (g->seen[RELEASE_PERTURBED])
		buf_printf(out, "%s\n", words[WORD_MOVED][g->language]);
	if (not_reported && not_asked)
		buf_printf(out, ".   %s\n", words[WORD_NEITHER][g->language]);
	else if (not_reported || not_asked)
		buf_printf(
		    out, ".   %s\n", words[not_asked ? WORD_NOT_ASKED : WORD_NOT_REPORTED][g->language]);
}

static void put_title(struct buf *out, const struct layout_grid *g, const struct release_rows *rows)
{
	struct label label = { g->table->id, g->table->id };

	for (uint16_t i = 0; i < g->config->n_tables; i++) {
		if (strcmp(g->config->table[i].id, g->table->id) == 0)
			label = g->config->table[i].label;
	}
	buf_printf(out, "%s, %s", label_of(label, g->language), rows->period);
	if (rows->revision > 0)
		buf_printf(out, " (%s %llu)", g->language == LANGUAGE_SV ? "version" : "revision",
		    (unsigned long long)rows->revision);
	buf_put_text(out, "\n\n");
}

static bool lay_out(struct layout_grid *g, const struct config *config, struct err *e)
{
	const struct release_rows_table *t = g->table;

	for (uint16_t d = 0; d < t->n_dims; d++) {
		uint16_t place = model_list(config, t->dim[d]);
		if (place == NO_PLACE) {
			(void)err_set(e, ERR_INVALID, "table %s: unknown dimension", t->id);
			return false;
		}
		g->list[d] = &config->list[place];
	}
	g->row = malloc(t->n_rows * sizeof *g->row);
	if (g->row == NULL) {
		(void)err_set(e, ERR_MEMORY, "no memory for the table");
		return false;
	}
	memcpy(g->row, t->row, t->n_rows * sizeof *g->row);
	for (size_t i = 1; i < t->n_rows; i++)
		g->has_measure = g->has_measure || t->row[i].measure != t->row[0].measure;
	choose_across(g);
	qsort_r(g->row, t->n_rows, sizeof *g->row, compare_rows, g);
	return true;
}

bool table_print(struct buf *out, const struct config *config, const struct release_rows *rows, size_t table,
    enum language language, struct err *e)
{
	struct layout_grid g = { .config = config, .table = &rows->table[table], .language = language };
	struct buf scratch = { 0 };
	size_t n, above = SIZE_MAX;
	bool left_out = false;

	put_title(out, &g, rows);
	if (g.table->n_rows == 0)
		return true;
	if (!lay_out(&g, config, e))
		return false;
	measure_widths(&g, &scratch);
	put_heading(out, &g);
	for (size_t i = 0; i < g.table->n_rows; i += n) {
		n = line_length(&g, i);
		left_out = says_nothing(&g.row[i], n) || left_out;
		if (says_nothing(&g.row[i], n))
			continue;
		for (size_t k = i; k < i + n; k++)
			if (g.row[k].state <= RELEASE_PERTURBED)
				g.seen[g.row[k].state] = true;
		put_line(out, &g, &g.row[i], n, above == SIZE_MAX ? NULL : &g.row[above], &scratch);
		above = i;
	}
	if (left_out || g.seen[RELEASE_PERTURBED] || g.seen[RELEASE_SUPPRESSED] ||
	    g.seen[RELEASE_NOT_REPORTED] || g.seen[RELEASE_NOT_ASKED])
		buf_put_text(out, "\n");
	put_nothing(out, &g);
	put_legend(out, &g);
	buf_free(&scratch);
	free(g.row);
	return !out->failed || err_set(e, ERR_MEMORY, "no memory for the table");
}
