/* The boxes of the paper form: headings, numbers, answers, ticks and dates beside a row's label. */
#include "client/form/formpaper.h"
#include "client/form/label.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

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

unsigned paper_count_headings(
    const struct paper *p, const struct layout_columns *columns, const struct sheet_row *row)
{
	unsigned n = 0;
	for (uint16_t c = 0; c < row->n_cells; c++)
		n += c != p->label && row->cell[c].text[0] != '\0' &&
		     match_heading(columns, row->cell[c].text) != NO_HEADING;
	return n;
}

/* Takes the cell in column c as a heading; seen: those taken from this row before. */
static void take_heading(
    struct paper *p, const struct sheet_cell *cell, uint16_t c, struct place place, bool *seen)
{
	struct paper_heading *h = &p->column[c];
	h->text = short_heading(p, cell->text);
	h->place = match_heading(p->heading, cell->text);
	h->span = cell->span > 1 ? cell->span : 1;
	place = paper_at_cell(p, place, c);
	place.column = h->text;
	if (h->place == NO_HEADING)
		formread_tell(p->f, FINDING_COLUMN_UNKNOWN, SEVERITY_ERROR, place, "okänd kolumnrubrik",
		    "unknown heading");
	else if (seen[h->place])
		formread_tell(p->f, FINDING_COLUMN_UNKNOWN, SEVERITY_ERROR, place,
		    "samma kolumnrubrik två gånger", "the same heading twice");
	else
		seen[h->place] = true;
}

/* Takes row as the heading row q of this section. */
static void take_headings(struct paper *p, const struct sheet_row *row, uint16_t q)
{
	const struct layout_columns *columns = p->layout->section[p->at].row[q].columns;
	bool seen[SHEET_COLUMNS] = { false };
	struct place place = paper_at_row(p, row->line, q);
	p->heading = columns;
	for (uint16_t c = 0; c < SHEET_COLUMNS; c++) {
		p->column[c] = (struct paper_heading){ NO_HEADING, 1, "" };
		if (c != p->label && sheet_at(row, c)[0] != '\0')
			take_heading(p, &row->cell[c], c, place, seen);
	}
	for (uint16_t c = 0; c < columns->n_columns && c < SHEET_COLUMNS; c++) {
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
	box->cell = place.cell;
	box->state = BOX_VALUE;
	p->f->figures->state[i] = FIGURE_VALUE;
	p->f->figures->value[i] = value;
}

static void set_state(struct paper *p, uint32_t i, enum box_state state, struct place place)
{
	struct box *box = &p->f->box[i];
	box->line = place.line;
	box->column = place.column;
	box->cell = place.cell;
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

/* Words, no number and no tick: a remark somebody wrote for themselves. */
static bool is_remark(const struct sheet_cell *cell)
{
	return cell->kind == SHEET_TEXT && strpbrk(cell->text, "0123456789") == NULL &&
	       read_tick(cell, "") == TICK_TEXT;
}

/* What stands beside the boxes. A number or a tick may have slipped; a remark is passed over, and said to be. */
static void tell_stray(struct paper *p, const struct sheet_row *row, struct place place, uint16_t c)
{
	place = paper_at_cell(p, place, c);
	place.column = "";
	if (is_remark(&row->cell[c]))
		formread_tell(p->f, FINDING_REMARK, SEVERITY_NOTE, place,
		    "text bredvid rutorna: läses och skickas inte",
		    "text beside the boxes: it is not read and not sent");
	else
		formread_tell(p->f, FINDING_COLUMN_UNKNOWN, SEVERITY_ERROR, place,
		    "ett värde står inte under någon rubrik", "a value stands under no heading");
}

/* The next column from *c on that stands under a heading, *c moved past it; false at the end. cell is what
 * stands there: of the columns a merged heading covers, the one that is filled in. Tells what stands under none. */
static bool next_box(struct paper *p, const struct sheet_row *row, struct place *place, uint16_t *c,
    const struct paper_heading **heading, const struct sheet_cell **cell)
{
	static const struct sheet_cell empty = { .text = "" };
	while (*c < SHEET_COLUMNS) {
		uint16_t at = (*c)++;
		*heading = &p->column[at];
		if (at == p->label)
			continue;
		if ((*heading)->place == NO_HEADING) {
			if (sheet_at(row, at)[0] != '\0')
				tell_stray(p, row, *place, at);
			continue;
		}
		*cell = at < row->n_cells ? &row->cell[at] : &empty;
		*place = paper_at_cell(p, *place, at);
		for (uint16_t k = 1; k < (*heading)->span && *c < SHEET_COLUMNS; k++) {
			uint16_t covered = (*c)++;
			if (sheet_at(row, covered)[0] == '\0')
				continue;
			if ((*cell)->text[0] != '\0')
				tell_stray(p, row, *place, covered);
			else
				*place = paper_at_cell(p, *place, covered), *cell = &row->cell[covered];
		}
		place->column = (*heading)->text;
		return true;
	}
	return false;
}

static void read_figures(struct paper *p, const struct sheet_row *sheet_row, uint16_t q)
{
	const struct layout_row *row = &p->layout->section[p->at].row[q];
	struct place place = paper_at_row(p, sheet_row->line, q);
	const struct paper_heading *heading;
	const struct sheet_cell *cell;
	if (!has_headings(p, row, place))
		return;
	for (uint16_t c = 0; next_box(p, sheet_row, &place, &c, &heading, &cell);)
		if (!row->columns->column[heading->place].text)
			formread_number(p->f, asked_at(p, row, heading->place), cell, false, place);
}

/* One box beside the label, wherever it stands; place becomes its own. */
static const struct sheet_cell *only_cell(struct paper *p, const struct sheet_row *row, struct place *place)
{
	static const struct sheet_cell empty = { .text = "" };
	const struct sheet_cell *found = &empty;
	for (uint16_t c = 0; c < row->n_cells; c++) {
		if (c == p->label || row->cell[c].text[0] == '\0')
			continue;
		if (found != &empty) {
			tell_stray(p, row, *place, c);
		} else {
			found = &row->cell[c];
			*place = paper_at_cell(p, *place, c);
		}
	}
	if (found == &empty)
		*place = paper_at_cell(p, *place, (uint16_t)(p->label + 1));
	return found;
}

/* What the columns of one yes/no row say together. */
struct answer {
	unsigned n_ticks, n_numbers;
	bool bad, dash;
	uint64_t value;    /* of the first tick or number */
	char columns[160]; /* headings of what was filled in: "Ja, Nej" */
	char cells[48];    /* and their cells */
};

static void add_name(char *list, size_t room, const char *name)
{
	size_t len = strlen(list);
	snprintf(list + len, room - len, "%s%s", len == 0 ? "" : ", ", name);
}

static void add_answer(struct paper *p, struct answer *a, const struct sheet_cell *cell,
    const struct paper_heading *heading, struct place place)
{
	const struct layout_column *column = &p->heading->column[heading->place];
	enum tick tick = read_tick(cell, heading->text);
	if (tick == TICK_YES || tick == TICK_NUMBER) {
		if (a->n_ticks + a->n_numbers == 0)
			a->value = column->value;
		a->n_ticks += tick == TICK_YES;
		a->n_numbers += tick == TICK_NUMBER;
		add_name(a->columns, sizeof a->columns, heading->text);
		add_name(a->cells, sizeof a->cells, place.cell);
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
	struct place place = paper_at_row(p, sheet_row->line, q);
	struct place at = place;
	struct answer a = { .columns = "", .cells = "" };
	const struct paper_heading *heading;
	const struct sheet_cell *cell;
	uint32_t i = asked_at(p, row, 0);
	if (!has_headings(p, row, place))
		return;
	for (uint16_t c = 0; next_box(p, sheet_row, &at, &c, &heading, &cell);)
		if (!row->columns->column[heading->place].text)
			add_answer(p, &a, cell, heading, at);
	if (a.n_ticks > 1 || (a.n_ticks == 1 && a.n_numbers > 0)) {
		at = place;
		at.column = a.columns;
		at.cell = a.cells;
		formread_tell(p->f, FINDING_BOTH_ANSWERS, SEVERITY_ERROR, at, "mer än ett svar är ifyllt",
		    "more than one answer is filled in");
		a.bad = true;
	}
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
	struct place place = paper_at_row(p, sheet_row->line, q);
	uint32_t i = asked_at(p, row, 0);
	enum tick tick = read_tick(only_cell(p, sheet_row, &place), "");
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

/* The first box that is filled in beside the label, in silence about others: a signature's row. */
static const struct sheet_cell *first_cell(
    const struct paper *p, const struct sheet_row *row, struct place *place)
{
	static const struct sheet_cell empty = { .text = "" };
	for (uint16_t c = 0; c < row->n_cells; c++)
		if (c != p->label && row->cell[c].text[0] != '\0') {
			*place = paper_at_cell(p, *place, c);
			return &row->cell[c];
		}
	return &empty;
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
	struct place place = paper_at_row(p, sheet_row->line, q);
	const struct sheet_cell *cell = first_cell(p, sheet_row, &place);
	if (read_iso_date(cell->text, &month) && model_period_months(p->f->period, &first, &n) &&
	    month < first + n)
		formread_tell(p->f, FINDING_DATED_EARLY, SEVERITY_WARNING, place,
		    "undertecknat innan perioden var slut", "signed before the period had ended");
}

void paper_read_row(struct paper *p, const struct sheet_row *sheet_row, uint16_t q)
{
	const struct layout_row *row = &p->layout->section[p->at].row[q];
	struct place place = paper_at_row(p, sheet_row->line, q);
	const struct sheet_cell *cell;
	switch (row->kind) {
	case LAYOUT_TEXT:
		return;
	case LAYOUT_PERIOD:
		cell = only_cell(p, sheet_row, &place);
		formread_period(p->f, cell->text, place);
		return;
	case LAYOUT_COLUMNS:
		take_headings(p, sheet_row, q);
		return;
	case LAYOUT_FIGURE:
		if (row->by != NO_PLACE) {
			read_figures(p, sheet_row, q);
			return;
		}
		cell = only_cell(p, sheet_row, &place);
		formread_number(p->f, asked_at(p, row, 0), cell, false, place);
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
