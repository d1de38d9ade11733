/* A sheet that looks like the paper form, held against the configuration's layout. */
#include "client/form/formread.h"
#include "client/form/label.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define NOT_MET    0u
#define NO_HEADING UINT16_MAX

/* A layout row while the sheet is read. */
struct met {
	char *normal;  /* its label, comparable */
	uint32_t line; /* where it stood; NOT_MET */
};

struct met_section {
	char *normal;
	uint32_t line;
	struct met *row;
	uint16_t cursor; /* the row met last */
	bool begun;      /* cursor says something */
};

struct paper {
	struct formread *f;
	const struct layout *layout;
	struct arena *arena;
	struct met_section *section;
	uint16_t at;                          /* the section we are in */
	const struct layout_columns *heading; /* in force; NULL before the first heading row */
	uint16_t
	    heading_of[SHEET_COLUMNS]; /* for each sheet column: place in heading->column, or NO_HEADING */
	const char *heading_text[SHEET_COLUMNS];
};

static struct place at_row(const struct paper *p, uint32_t line, uint16_t row)
{
	const struct layout_section *s = &p->layout->section[p->at];
	return (struct place){ line, "", s, row == NO_PLACE ? NULL : &s->row[row] };
}

/* ---- preparing ---- */

static char *keep_normal(struct arena *arena, const char *text)
{
	char normal[LABEL_ROOM];
	label_normal(normal, text);
	return arena_text(arena, normal, strlen(normal));
}

static bool prepare(struct paper *p)
{
	p->section = arena_alloc(p->arena, p->layout->n_sections, sizeof *p->section);
	for (uint16_t s = 0; p->section != NULL && s < p->layout->n_sections; s++) {
		const struct layout_section *section = &p->layout->section[s];
		struct met_section *met = &p->section[s];
		met->normal = keep_normal(p->arena, section->title);
		met->row = arena_alloc(p->arena, section->n_rows, sizeof *met->row);
		if (met->normal == NULL || met->row == NULL)
			return false;
		for (uint16_t r = 0; r < section->n_rows; r++) {
			met->row[r].normal = keep_normal(p->arena, section->row[r].label);
			if (met->row[r].normal == NULL)
				return false;
		}
	}
	return p->section != NULL;
}

/* ---- headings ---- */

/* A heading as people name it: without what stands in brackets after it. */
static const char *short_heading(struct paper *p, const char *text)
{
	size_t len = strcspn(text, "(");
	struct bytes head = label_trim(bytes_of(text, len == 0 ? strlen(text) : len));
	const char *copy = arena_text(p->f->sheet->arena, head.at, head.len); /* findings need it later */
	return copy == NULL ? "" : copy;
}

static uint16_t match_heading(const struct layout_columns *columns, const char *text)
{
	char normal[LABEL_ROOM];
	char wanted[LABEL_ROOM];
	uint16_t close = NO_HEADING;
	label_normal(normal, text);
	for (uint16_t c = 0; c < columns->n_columns; c++) {
		label_normal(wanted, columns->column[c].heading);
		enum label_match match = label_compare(normal, wanted);
		if (match == LABEL_SAME)
			return c;
		if (match == LABEL_CLOSE)
			close = c;
	}
	return close;
}

static unsigned count_headings(const struct layout_columns *columns, const struct sheet_row *row)
{
	unsigned n = 0;
	for (uint16_t c = 1; c < row->n_cells; c++)
		n += row->cell[c].text[0] != '\0' && match_heading(columns, row->cell[c].text) != NO_HEADING;
	return n;
}

/* Takes row as the heading row q of this section. */
static void take_headings(struct paper *p, const struct sheet_row *row, uint16_t q)
{
	const struct layout_columns *columns = p->layout->section[p->at].row[q].columns;
	bool seen[SHEET_COLUMNS] = { false };
	p->heading = columns;
	for (uint16_t c = 0; c < SHEET_COLUMNS; c++) {
		const char *text = c == 0 ? "" : sheet_at(row, c);
		struct place place = at_row(p, row->line, q);
		p->heading_of[c] = text[0] == '\0' ? NO_HEADING : match_heading(columns, text);
		p->heading_text[c] = text[0] == '\0' ? "" : short_heading(p, text);
		place.column = p->heading_text[c];
		if (text[0] == '\0')
			continue;
		if (p->heading_of[c] == NO_HEADING)
			formread_tell(p->f, FINDING_COLUMN_UNKNOWN, SEVERITY_ERROR, place,
			    "okänd kolumnrubrik", "unknown heading");
		else if (seen[p->heading_of[c]])
			formread_tell(p->f, FINDING_COLUMN_UNKNOWN, SEVERITY_ERROR, place,
			    "samma kolumnrubrik två gånger", "the same heading twice");
		else
			seen[p->heading_of[c]] = true;
	}
	for (uint16_t c = 0; c < columns->n_columns && c < SHEET_COLUMNS; c++) {
		struct place place = at_row(p, row->line, q);
		place.column = columns->column[c].heading;
		if (!seen[c] && !columns->column[c].text)
			formread_tell(p->f, FINDING_COLUMN_MISSING, SEVERITY_ERROR, place, "kolumnen saknas",
			    "the column is missing");
	}
}

/* ---- boxes ---- */

static uint32_t asked_at(const struct paper *p, const struct layout_row *row, uint16_t column)
{
	struct cell_id id = row->cell;
	if (row->by != NO_PLACE)
		id.code[row->by] = row->columns->column[column].code;
	return model_asked(p->f->config, &id);
}

static void set_value(struct paper *p, uint32_t i, uint64_t value, struct place place)
{
	struct box *box = &p->f->box[i];
	box->line = place.line;
	box->column = place.column;
	box->state = BOX_VALUE;
	p->f->figures->state[i] = FIGURE_VALUE;
	p->f->figures->value[i] = value;
}

static void set_state(struct paper *p, uint32_t i, enum box_state state, struct place place)
{
	struct box *box = &p->f->box[i];
	box->line = place.line;
	box->column = place.column;
	box->state = state;
}

/* The headings this row needs are in force. Otherwise tells it, once for each heading row that is missing. */
static bool has_headings(struct paper *p, const struct layout_row *row, struct place place)
{
	if (p->heading == row->columns)
		return true;
	formread_tell(p->f, FINDING_COLUMN_MISSING, SEVERITY_ERROR, place, "rubrikraden ovanför saknas",
	    "the heading row above is missing");
	for (uint16_t c = 0; row->by != NO_PLACE && c < row->columns->n_columns; c++) {
		uint32_t i = row->columns->column[c].text ? UINT32_MAX : asked_at(p, row, c);
		if (i != UINT32_MAX)
			set_state(p, i, BOX_BAD, place);
	}
	if (row->by == NO_PLACE)
		set_state(p, asked_at(p, row, 0), BOX_BAD, place);
	return false;
}

static void tell_stray(struct paper *p, struct place place)
{
	place.column = "";
	formread_tell(p->f, FINDING_COLUMN_UNKNOWN, SEVERITY_ERROR, place,
	    "ett värde står inte under någon rubrik", "a value stands under no heading");
}

static void read_figures(struct paper *p, const struct sheet_row *sheet_row, uint16_t q)
{
	const struct layout_row *row = &p->layout->section[p->at].row[q];
	struct place place = at_row(p, sheet_row->line, q);
	static const struct sheet_cell empty = { .text = "" };
	if (!has_headings(p, row, place))
		return;
	for (uint16_t c = 1; c < SHEET_COLUMNS; c++) {
		const struct sheet_cell *cell = c < sheet_row->n_cells ? &sheet_row->cell[c] : &empty;
		uint16_t column = p->heading_of[c];
		if (column == NO_HEADING && cell->text[0] != '\0')
			tell_stray(p, place);
		if (column == NO_HEADING || row->columns->column[column].text)
			continue;
		place.column = p->heading_text[c];
		formread_number(p->f, asked_at(p, row, column), cell, false, place);
	}
}

/* One box beside the label, wherever it stands. */
static const struct sheet_cell *only_cell(struct paper *p, const struct sheet_row *row, struct place place)
{
	static const struct sheet_cell empty = { .text = "" };
	const struct sheet_cell *found = &empty;
	for (uint16_t c = 1; c < row->n_cells; c++) {
		if (row->cell[c].text[0] == '\0')
			continue;
		if (found != &empty)
			tell_stray(p, place);
		else
			found = &row->cell[c];
	}
	return found;
}

enum tick { TICK_NONE, TICK_YES, TICK_NUMBER, TICK_NOUGHT, TICK_DASH, TICK_TEXT };

static enum tick read_tick(const struct sheet_cell *cell, const char *heading)
{
	static const char *const ticks[] = { "x", "ja", "\xc3\x97", "\xe2\x9c\x93", "\xe2\x9c\x94",
		"\xe2\x98\x92", "\xe2\x98\x91", "true", "sant" };
	char text[LABEL_ROOM];
	char wanted[LABEL_ROOM];
	if (cell->text[0] == '\0' ||
	    strcmp(cell->text, "false") == 0) /* an empty box, a check box not ticked */
		return TICK_NONE;
	if (strcmp(cell->text, "-") == 0 || strcmp(cell->text, "\xe2\x80\x93") == 0)
		return TICK_DASH;
	if (strspn(cell->text, "0123456789") == strlen(cell->text))
		return strspn(cell->text, "0") == strlen(cell->text) ? TICK_NOUGHT : TICK_NUMBER;
	label_normal(text, cell->text);
	label_normal(wanted, heading);
	if (text[0] != '\0' && strcmp(text, wanted) == 0)
		return TICK_YES;
	for (size_t i = 0; i < sizeof ticks / sizeof ticks[0]; i++)
		if (strcasecmp(cell->text, ticks[i]) == 0)
			return i == 1 && strcmp(wanted, "nej") == 0 ? TICK_TEXT : TICK_YES;
	return TICK_TEXT;
}

/* What the columns of one yes/no row say together. */
struct answer {
	unsigned n_ticks, n_numbers;
	bool bad, dash;
	uint64_t value;    /* of the first tick or number */
	char columns[160]; /* headings of what was filled in: "Ja, Nej" */
};

static void add_heading(struct answer *a, const char *heading)
{
	size_t len = strlen(a->columns);
	snprintf(a->columns + len, sizeof a->columns - len, "%s%s", len == 0 ? "" : ", ", heading);
}

static void add_answer(
    struct paper *p, struct answer *a, const struct sheet_cell *cell, uint16_t c, struct place place)
{
	const struct layout_column *column = &p->heading->column[p->heading_of[c]];
	enum tick tick = read_tick(cell, p->heading_text[c]);
	place.column = p->heading_text[c];
	if (tick == TICK_YES || tick == TICK_NUMBER) {
		if (a->n_ticks + a->n_numbers == 0)
			a->value = column->value;
		a->n_ticks += tick == TICK_YES;
		a->n_numbers += tick == TICK_NUMBER;
		add_heading(a, p->heading_text[c]);
	} else if (tick == TICK_DASH) {
		a->dash = true;
		formread_tell(p->f, FINDING_DASH, SEVERITY_WARNING, place,
		    "streck i en svarsruta: betyder det nej eller ej lämnad uppgift?",
		    "a dash in a box for a tick: does it mean no or not reported?");
	} else if (tick == TICK_TEXT) {
		a->bad = true;
		formread_tell(p->f, FINDING_NOT_A_TICK, SEVERITY_ERROR, place, "text där ett kryss väntas",
		    "text where a tick is expected");
	}
}

/* Numbers of municipalities may stand under both Ja and Nej; then the first heading that has one counts. */
static void read_answer(struct paper *p, const struct sheet_row *sheet_row, uint16_t q)
{
	const struct layout_row *row = &p->layout->section[p->at].row[q];
	struct place place = at_row(p, sheet_row->line, q);
	struct answer a = { .columns = "" };
	uint32_t i = asked_at(p, row, 0);
	if (!has_headings(p, row, place))
		return;
	for (uint16_t c = 1; c < sheet_row->n_cells; c++) {
		uint16_t column = p->heading_of[c];
		if (column == NO_HEADING && sheet_row->cell[c].text[0] != '\0')
			tell_stray(p, place);
		if (column != NO_HEADING && !row->columns->column[column].text)
			add_answer(p, &a, &sheet_row->cell[c], c, place);
	}
	place.column = a.columns;
	if (a.n_ticks > 1 || (a.n_ticks == 1 && a.n_numbers > 0)) {
		formread_tell(p->f, FINDING_BOTH_ANSWERS, SEVERITY_ERROR, place, "mer än ett svar är ifyllt",
		    "more than one answer is filled in");
		a.bad = true;
	}
	place.column = "";
	if (a.bad)
		set_state(p, i, BOX_BAD, place);
	else if (a.n_ticks + a.n_numbers > 0)
		set_value(p, i, a.value, place);
	else
		set_state(p, i, a.dash ? BOX_DASH : BOX_BLANK, place);
}

/* A row that is ticked or not: a choice among rows, or a tick of its own. */
static void read_tick_row(struct paper *p, const struct sheet_row *sheet_row, uint16_t q)
{
	const struct layout_row *row = &p->layout->section[p->at].row[q];
	struct place place = at_row(p, sheet_row->line, q);
	uint32_t i = asked_at(p, row, 0);
	enum tick tick = read_tick(only_cell(p, sheet_row, place), "");
	struct box *box = &p->f->box[i];
	uint64_t value = row->kind == LAYOUT_CHOICE ? row->value : 1;
	if (tick == TICK_TEXT || tick == TICK_NUMBER) {
		formread_tell(p->f, FINDING_NOT_A_TICK, SEVERITY_ERROR, place, "text där ett kryss väntas",
		    "text where a tick is expected");
		set_state(p, i, BOX_BAD, place);
	} else if (tick == TICK_YES && box->state == BOX_VALUE) {
		formread_tell(p->f, FINDING_BOTH_ANSWERS, SEVERITY_ERROR, place, "mer än ett svar är ifyllt",
		    "more than one answer is filled in");
		set_state(p, i, BOX_BAD, place);
		p->f->figures->state[i] = FIGURE_BLANK;
		p->f->figures->value[i] = 0;
	} else if (tick == TICK_YES && box->state != BOX_BAD) {
		set_value(p, i, value, place);
		box->row = row;
	} else if (box->state == BOX_UNSEEN) {
		set_state(p, i, BOX_BLANK, place);
	}
}

static bool read_iso_date(const char *text, uint32_t *month)
{
	char period[8]; /* 2024-01 */
	uint32_t n;
	if (strlen(text) < 10 || text[7] != '-')
		return false;
	memcpy(period, text, 7);
	period[7] = '\0';
	return model_period_months(period, month, &n) && n == 1;
}

/* Signed in a month of the period or before it: the figures cannot be final. */
static void read_date(struct paper *p, const struct sheet_row *sheet_row, uint16_t q)
{
	uint32_t first;
	uint32_t n;
	uint32_t month;
	struct place place = at_row(p, sheet_row->line, q);
	if (read_iso_date(sheet_at(sheet_row, 1), &month) && model_period_months(p->f->period, &first, &n) &&
	    month < first + n)
		formread_tell(p->f, FINDING_DATED_EARLY, SEVERITY_WARNING, place,
		    "undertecknat innan perioden var slut", "signed before the period had ended");
}

static void read_row(struct paper *p, const struct sheet_row *sheet_row, uint16_t q)
{
	const struct layout_row *row = &p->layout->section[p->at].row[q];
	struct place place = at_row(p, sheet_row->line, q);
	switch (row->kind) {
	case LAYOUT_TEXT:
		return;
	case LAYOUT_PERIOD:
		formread_period(p->f, only_cell(p, sheet_row, place)->text, place);
		return;
	case LAYOUT_COLUMNS:
		take_headings(p, sheet_row, q);
		return;
	case LAYOUT_FIGURE:
		if (row->by == NO_PLACE)
			formread_number(
			    p->f, asked_at(p, row, 0), only_cell(p, sheet_row, place), false, place);
		else
			read_figures(p, sheet_row, q);
		return;
	case LAYOUT_ANSWER:
		read_answer(p, sheet_row, q);
		return;
	case LAYOUT_CHOICE:
	case LAYOUT_TICK:
		read_tick_row(p, sheet_row, q);
		return;
	case LAYOUT_DATE:
		read_date(p, sheet_row, q);
		return;
	}
}

/* ---- finding the row a label means ---- */

enum where { IN_BLOCK, AT_TOP, IN_TEXT_BLOCK };

/* Is row q of the section in this part of it? */
static bool is_where(const struct paper *p, uint16_t q, enum where where, uint16_t block)
{
	const struct layout_section *s = &p->layout->section[p->at];
	uint16_t of = s->row[q].block;
	switch (where) {
	case IN_BLOCK:
		return block != NO_PLACE && of == block;
	case AT_TOP:
		return of == NO_PLACE;
	case IN_TEXT_BLOCK:
		return of != NO_PLACE && of != block && s->row[of].kind == LAYOUT_TEXT;
	}
	return false;
}

/* The first row of that part after the cursor, else before it, that matches and was (not) met. */
static uint16_t find_row(const struct paper *p, const char *normal, enum label_match least, enum where where,
    uint16_t block, bool met)
{
	const struct layout_section *s = &p->layout->section[p->at];
	const struct met_section *m = &p->section[p->at];
	uint16_t start = m->begun ? (uint16_t)(m->cursor + 1) : 0;
	for (uint32_t k = 0; k < s->n_rows; k++) {
		uint16_t q = (uint16_t)((start + k) % s->n_rows);
		if ((m->row[q].line != NOT_MET) != met || !is_where(p, q, where, block) ||
		    s->row[q].label[0] == '\0')
			continue;
		if (label_compare(m->row[q].normal, normal) >= least)
			return q;
	}
	return NO_PLACE;
}

/* First the block we are in, then the section's own rows, then blocks under a plain heading; a row met before
 * is told as twice. Exact labels everywhere before close ones anywhere. */
static uint16_t find_label(const struct paper *p, const char *normal, bool *twice)
{
	const struct layout_section *s = &p->layout->section[p->at];
	const struct met_section *m = &p->section[p->at];
	uint16_t block = NO_PLACE;
	if (m->begun)
		block = s->row[m->cursor].block == NO_PLACE ? m->cursor : s->row[m->cursor].block;
	for (enum label_match least = LABEL_SAME; least >= LABEL_CLOSE; least--)
		for (enum where where = IN_BLOCK; where <= IN_TEXT_BLOCK; where++) {
			*twice = false;
			uint16_t q = find_row(p, normal, least, where, block, false);
			if (q != NO_PLACE)
				return q;
			*twice = true;
			q = find_row(p, normal, least, where, block, true);
			if (q != NO_PLACE)
				return q;
		}
	return NO_PLACE;
}

/* A heading row without a label of its own: the next one in the section whose headings are there. */
static uint16_t find_headings(const struct paper *p, const struct sheet_row *row)
{
	const struct layout_section *s = &p->layout->section[p->at];
	const struct met_section *m = &p->section[p->at];
	uint16_t start = m->begun ? (uint16_t)(m->cursor + 1) : 0;
	for (uint16_t q = start; q < s->n_rows; q++)
		if (s->row[q].kind == LAYOUT_COLUMNS && m->row[q].line == NOT_MET &&
		    s->row[q].label[0] == '\0' && count_headings(s->row[q].columns, row) > 0)
			return q;
	return NO_PLACE;
}

static uint16_t find_section(const struct paper *p, const char *text, enum label_match least)
{
	char normal[LABEL_ROOM];
	label_normal(normal, text);
	for (uint16_t s = 0; s < p->layout->n_sections; s++)
		if (p->section[s].normal[0] != '\0' && label_compare(p->section[s].normal, normal) >= least)
			return s;
	return NO_PLACE;
}

static void enter_section(struct paper *p, uint16_t s, uint32_t line)
{
	struct place place = { line, "", &p->layout->section[s], NULL };
	if (p->section[s].line != NOT_MET)
		formread_tell(p->f, FINDING_ROW_TWICE, SEVERITY_ERROR, place, "samma avsnitt två gånger",
		    "the same section twice");
	p->section[s].line = line;
	p->at = s;
	p->heading = NULL;
}

static void met_row(struct paper *p, const struct sheet_row *row, uint16_t q)
{
	struct met_section *m = &p->section[p->at];
	m->row[q].line = row->line;
	m->cursor = q;
	m->begun = true;
	read_row(p, row, q);
}

/* ---- the sheet, row by row ---- */

static void read_unlabelled(struct paper *p, const struct sheet_row *row)
{
	const struct layout_section *s = &p->layout->section[p->at];
	const struct met_section *m = &p->section[p->at];
	uint16_t q = find_headings(p, row);
	if (q != NO_PLACE) {
		met_row(p, row, q);
		return;
	}
	if (m->begun && s->row[m->cursor].kind == LAYOUT_TEXT)
		return; /* free text that runs on */
	formread_tell(p->f, FINDING_UNKNOWN_ROW, SEVERITY_ERROR, at_row(p, row->line, NO_PLACE),
	    "värden utan radtext", "values without a row label");
}

static void read_labelled(struct paper *p, const struct sheet_row *row)
{
	char normal[LABEL_ROOM];
	const char *text = row->cell[0].text;
	bool twice;
	uint16_t s = label_is_numbered(text) ? find_section(p, text, LABEL_CLOSE) : NO_PLACE;
	if (s != NO_PLACE) {
		enter_section(p, s, row->line);
		return;
	}
	label_normal(normal, text);
	uint16_t q = find_label(p, normal, &twice);
	if (q == NO_PLACE) {
		s = find_section(p, text, LABEL_SAME);
		if (s != NO_PLACE)
			enter_section(p, s, row->line);
		else
			formread_tell(p->f, FINDING_UNKNOWN_ROW, SEVERITY_ERROR,
			    at_row(p, row->line, NO_PLACE), "okänd rad", "unknown row");
	} else if (!twice) {
		met_row(p, row, q);
	} else if (p->layout->section[p->at].row[q].kind != LAYOUT_TEXT) {
		formread_tell(p->f, FINDING_ROW_TWICE, SEVERITY_ERROR, at_row(p, row->line, q),
		    "samma rad två gånger", "the same row twice");
	}
}

/* ---- what is missing ---- */

static bool carries_figures(const struct layout_row *row)
{
	return row->kind >= LAYOUT_FIGURE && row->kind != LAYOUT_DATE;
}

static void tell_missing_row(struct paper *p, uint16_t q)
{
	const struct layout_section *s = &p->layout->section[p->at];
	const struct met_section *m = &p->section[p->at];
	const struct layout_row *row = &s->row[q];
	uint32_t line = m->line;
	const char *under = s->title;
	if (row->block != NO_PLACE && m->row[row->block].line != NOT_MET) {
		line = m->row[row->block].line;
		under = s->row[row->block].label;
	}
	formread_tell(p->f, FINDING_ROW_MISSING, SEVERITY_ERROR, at_row(p, line, q),
	    "raden %s saknas under %s", "the row %s is missing under %s", row->label, under);
}

static void tell_missing(struct paper *p)
{
	for (p->at = 0; p->at < p->layout->n_sections; p->at++) {
		const struct layout_section *s = &p->layout->section[p->at];
		const struct met_section *m = &p->section[p->at];
		bool wanted = false;
		for (uint16_t q = 0; q < s->n_rows; q++)
			wanted = wanted || carries_figures(&s->row[q]);
		if (wanted && m->line == NOT_MET && s->title[0] != '\0') {
			formread_tell(p->f, FINDING_SECTION_MISSING, SEVERITY_ERROR, at_row(p, 0, NO_PLACE),
			    "avsnittet %s saknas", "the section %s is missing", s->title);
			continue;
		}
		for (uint16_t q = 0; q < s->n_rows; q++)
			if (carries_figures(&s->row[q]) && m->row[q].line == NOT_MET)
				tell_missing_row(p, q);
	}
}

/* A wrong file gives one finding, not hundreds. */
static bool looks_like_the_form(const struct paper *p)
{
	for (uint32_t i = 0; i < p->f->sheet->n_rows; i++)
		if (find_section(p, p->f->sheet->row[i].cell[0].text, LABEL_CLOSE) != NO_PLACE)
			return true;
	return p->layout->n_sections == 1 && p->section[0].normal[0] == '\0';
}

bool formread_paper(struct formread *f)
{
	struct paper p = { .f = f, .layout = f->config->layout, .arena = arena_new(64u * 1024 * 1024) };
	bool ok = p.arena != NULL && p.layout->n_sections > 0 && prepare(&p);
	if (!ok) {
		err_set(f->e, ERR_MEMORY, "out of memory");
		goto done;
	}
	if (!looks_like_the_form(&p)) {
		f->strange = true;
		formread_tell(f, FINDING_NOT_THE_FORM, SEVERITY_ERROR, (struct place){ 0, "", NULL, NULL },
		    "filen ser inte ut som blanketten", "the file does not look like the form");
		goto done;
	}
	for (uint32_t i = 0; i < f->sheet->n_rows; i++) {
		const struct sheet_row *row = &f->sheet->row[i];
		if (row->cell[0].text[0] == '\0')
			read_unlabelled(&p, row);
		else
			read_labelled(&p, row);
	}
	tell_missing(&p);
done:
	arena_free(p.arena);
	return ok;
}
