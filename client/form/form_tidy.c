/* A tidy table: a line for each cell, columns office, year (or period), measure, one for each code list,
 * value. */
#include "client/form/formread.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define NO_COLUMN     UINT16_MAX
#define MISSING_NAMED 6u

struct tidy {
	struct formread *f;
	const char *office;
	uint16_t office_column, period_column, measure_column, value_column;
	uint16_t *list_column; /* for each code list: its column or NO_COLUMN */
	char seen_office[LIMIT_NAME + 1];
	bool told_office;
};

static uint16_t find_column(const struct sheet_row *head, const char *name)
{
	for (uint16_t c = 0; c < head->n_cells; c++)
		if (strcasecmp(head->cell[c].text, name) == 0)
			return c;
	return NO_COLUMN;
}

bool formread_is_tidy(const struct sheet *sheet)
{
	return sheet->n_rows > 0 && find_column(&sheet->row[0], "measure") != NO_COLUMN &&
	       find_column(&sheet->row[0], "value") != NO_COLUMN;
}

/* A cell of the table; column NO_COLUMN: the line. */
static struct place at_line(
    const struct tidy *t, const struct sheet_row *row, uint16_t column, const char *name)
{
	return (struct place){ row->line, name,
		formread_cell(t->f, row->line, column == NO_COLUMN ? 0 : column), NULL, NULL };
}

static bool read_head(struct tidy *t)
{
	const struct sheet_row *head = &t->f->sheet->row[0];
	const struct config *config = t->f->config;
	t->office_column = find_column(head, config->list[config->office_list].name);
	t->measure_column = find_column(head, "measure");
	t->value_column = find_column(head, "value");
	t->period_column = find_column(head, "period");
	if (t->period_column == NO_COLUMN)
		t->period_column = find_column(head, "year");
	t->list_column = calloc(config->n_lists + 1u, sizeof *t->list_column);
	if (t->list_column == NULL)
		return err_set(t->f->e, ERR_MEMORY, "out of memory");
	for (uint16_t i = 0; i < config->n_lists; i++)
		t->list_column[i] =
		    i == config->office_list ? NO_COLUMN : find_column(head, config->list[i].name);
	return true;
}

static void tell_columns(struct tidy *t)
{
	const struct sheet_row *head = &t->f->sheet->row[0];
	for (uint16_t c = 0; c < head->n_cells; c++) {
		bool known = c == t->office_column || c == t->period_column || c == t->measure_column ||
			     c == t->value_column || head->cell[c].text[0] == '\0';
		for (uint16_t i = 0; i < t->f->config->n_lists; i++)
			known = known || t->list_column[i] == c;
		if (!known)
			formread_tell(t->f, FINDING_COLUMN_UNKNOWN, SEVERITY_ERROR,
			    at_line(t, head, c, head->cell[c].text), "okänd kolumn", "unknown column");
	}
}

/* Lines of other offices and periods are passed over where one was asked for. */
static bool is_ours(struct tidy *t, const struct sheet_row *row)
{
	const char *office = t->office_column == NO_COLUMN ? "" : sheet_at(row, t->office_column);
	const char *period = t->period_column == NO_COLUMN ? "" : sheet_at(row, t->period_column);
	const char *wanted = t->f->options->period;
	if (t->office != NULL && office[0] != '\0' && strcmp(office, t->office) != 0)
		return false;
	if (wanted != NULL && period[0] != '\0' && strcmp(period, wanted) != 0)
		return false;
	if (strlen(office) > LIMIT_NAME)
		office = "?";
	if (t->seen_office[0] == '\0')
		snprintf(t->seen_office, sizeof t->seen_office, "%s", office);
	if (strcmp(t->seen_office, office) != 0 && !t->told_office) {
		t->told_office = true;
		formread_tell(t->f, FINDING_OFFICE, SEVERITY_ERROR,
		    at_line(t, row, t->office_column, "office"), "filen har rader för mer än en verksamhet",
		    "the file has lines of more than one office");
	}
	return true;
}

static bool same_period(struct tidy *t, const struct sheet_row *row)
{
	const char *period = t->period_column == NO_COLUMN ? "" : sheet_at(row, t->period_column);
	if (period[0] == '\0' || t->f->period[0] == '?')
		return true;
	if (t->f->period[0] == '\0')
		formread_period(t->f, period, at_line(t, row, t->period_column, "year"));
	else if (strcmp(period, t->f->period) != 0) {
		formread_tell(t->f, FINDING_PERIOD_OTHER, SEVERITY_ERROR,
		    at_line(t, row, t->period_column, "year"), "filen har rader för mer än en period",
		    "the file has lines of more than one period");
		return false;
	}
	return true;
}

/* A column of a list the measure does not have: empty, _Z (not applicable) or the total. */
static bool is_beside(const struct codelist *list, const char *text)
{
	return text[0] == '\0' || strcmp(text, "_Z") == 0 ||
	       strcmp(text, list->code[model_total(list)].code) == 0;
}

static bool read_codes(struct tidy *t, const struct sheet_row *row, struct cell_id *id)
{
	const struct config *config = t->f->config;
	const struct measure *m = &config->measure[id->measure];
	for (uint16_t i = 0; i < config->n_lists; i++) {
		const struct codelist *list = &config->list[i];
		const char *text = t->list_column[i] == NO_COLUMN ? "" : sheet_at(row, t->list_column[i]);
		uint16_t d = 0;
		while (d < m->n_dims && m->dim[d] != i)
			d++;
		if (d == m->n_dims && (i == config->office_list || is_beside(list, text)))
			continue;
		uint16_t code = model_code(list, text);
		if (d == m->n_dims || code == NO_PLACE) {
			formread_tell(t->f, FINDING_UNKNOWN_ROW, SEVERITY_ERROR,
			    at_line(t, row, t->list_column[i], list->name), "okänd kod för %s",
			    "unknown code for %s", m->name);
			return false;
		}
		id->code[d] = code;
	}
	return true;
}

/* A value right of the table: most often a decimal comma in a file that separates with commas. */
static bool is_stray(const struct tidy *t, const struct sheet_row *row)
{
	bool stray = false;
	for (uint16_t c = 0; c < row->n_cells && !stray; c++)
		stray = row->cell[c].text[0] != '\0' && sheet_at(&t->f->sheet->row[0], c)[0] == '\0';
	if (stray)
		formread_tell(t->f, FINDING_COLUMN_UNKNOWN, SEVERITY_ERROR,
		    at_line(t, row, t->value_column, "value"), "ett värde står inte under någon rubrik",
		    "a value stands under no heading");
	return stray;
}

static void read_line(struct tidy *t, const struct sheet_row *row)
{
	static const struct sheet_cell empty = { .text = "" };
	const struct config *config = t->f->config;
	struct cell_id id = { .measure = model_measure(config, sheet_at(row, t->measure_column)) };
	if (!same_period(t, row))
		return;
	if (id.measure == NO_PLACE) {
		formread_tell(t->f, FINDING_UNKNOWN_ROW, SEVERITY_ERROR,
		    at_line(t, row, t->measure_column, "measure"), "okänd uppgift", "unknown measure");
		return;
	}
	if (!read_codes(t, row, &id))
		return;
	uint32_t i = model_asked(config, &id);
	struct place place = at_line(t, row, t->value_column, "value");
	if (i == UINT32_MAX) {
		formread_tell(t->f, FINDING_NOT_ASKED, SEVERITY_ERROR, place, "uppgiften efterfrågas inte",
		    "this cell is not asked");
		return;
	}
	place.section = t->f->box[i].section;
	place.row = t->f->box[i].row;
	if (t->f->box[i].state != BOX_UNSEEN) {
		formread_tell(t->f, FINDING_CELL_TWICE, SEVERITY_ERROR, place, "samma uppgift två gånger",
		    "the same cell twice");
		return;
	}
	if (is_stray(t, row)) {
		t->f->box[i].state = BOX_BAD;
		return;
	}
	formread_number(
	    t->f, i, t->value_column < row->n_cells ? &row->cell[t->value_column] : &empty, true, place);
	t->f->box[i].column = "value";
}

static bool is_missing(const struct tidy *t, uint32_t i)
{
	const char *period = t->f->period;
	bool asked = period[0] == '\0' || period[0] == '?' || content_asked_in(t->f->config, i, period);
	return asked && t->f->box[i].state == BOX_UNSEEN;
}

/* Those of the measure asked first at i: "clients|F|_T, clients|F|Y18-29, ..." */
static uint32_t list_missing(const struct tidy *t, uint32_t i, uint32_t end, struct buf *cells)
{
	uint32_t n = 0;
	for (; i < end; i++) {
		if (!is_missing(t, i))
			continue;
		if (n++ >= MISSING_NAMED)
			continue;
		buf_put_text(cells, n > 1 ? ", " : "");
		config_put_cell(cells, t->f->config, &t->f->config->asked[i]);
	}
	if (n > MISSING_NAMED)
		buf_put_text(cells, ", ...");
	buf_put_byte(cells, '\0');
	return n;
}

/* A truncated export must not pass for a short form. One finding for each measure. */
static void tell_missing(struct tidy *t)
{
	const struct config *config = t->f->config;
	struct place place = formread_nowhere();
	place.column = "measure";
	for (uint32_t i = 0, end; i < config->n_asked; i = end) {
		struct buf cells = { .max = 4096 };
		for (end = i;
		     end < config->n_asked && config->asked[end].measure == config->asked[i].measure;)
			end++;
		uint32_t n = list_missing(t, i, end, &cells);
		if (n > 0)
			formread_tell(t->f, FINDING_ROW_MISSING,
			    t->f->options->blanks_not_reported ? SEVERITY_WARNING : SEVERITY_ERROR, place,
			    n == 1 ? "%u rad saknas: %s" : "%u rader saknas: %s",
			    n == 1 ? "%u line is missing: %s" : "%u lines are missing: %s", n,
			    cells.failed ? "" : (const char *)cells.data);
		buf_free(&cells);
	}
}

bool formread_tidy(struct formread *f, const char *office)
{
	struct tidy t = { .f = f, .office = office };
	uint32_t n = 0;
	if (!read_head(&t))
		return false;
	tell_columns(&t);
	for (uint32_t i = 1; i < f->sheet->n_rows; i++)
		if (is_ours(&t, &f->sheet->row[i])) {
			read_line(&t, &f->sheet->row[i]);
			n++;
		}
	free(t.list_column);
	if (n > 0) {
		tell_missing(&t);
		return true;
	}
	formread_tell(f, FINDING_OFFICE, SEVERITY_ERROR, formread_nowhere(),
	    "filen har inga rader för verksamheten och perioden",
	    "the file has no lines for this office and period");
	if (f->options->period == NULL)
		f->period[0] = '?'; /* not "the year is missing" as well */
	return true;
}
