#include "client/form/form.h"

#include "client/form/csv.h"
#include "client/form/filekind.h"
#include "client/form/formread.h"
#include "client/form/label.h"
#include "client/form/number.h"
#include "client/form/textcode.h"
#include "client/form/workbook.h"
#include "proto/name.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* snprintf that never cuts a character in two. */
static void put_text(char *out, size_t room, const char *text)
{
	size_t n = strlen(text);
	if (n >= room) {
		n = room - 1;
		while (n > 0 && ((unsigned char)text[n] & 0xc0) == 0x80)
			n--;
	}
	memcpy(out, text, n);
	out[n] = '\0';
}

static void add_field(char *out, size_t room, const char *text)
{
	char joined[2048];
	if (text[0] == '\0')
		return;
	snprintf(joined, sizeof joined, "%s%s%s", out, out[0] == '\0' ? "" : " / ", text);
	put_text(out, room, joined);
}

/* Section, block and row, as the form calls them. */
static void put_field(char *out, size_t room, struct place place)
{
	out[0] = '\0';
	if (place.section == NULL)
		return;
	add_field(out, room, place.section->title);
	if (place.row == NULL)
		return;
	if (place.row->block != NO_PLACE)
		add_field(out, room, place.section->row[place.row->block].label);
	add_field(out, room, place.row->label);
}

const char *formread_cell(const struct formread *f, uint32_t line, uint16_t column)
{
	char name[24];
	char letters[4] = "";
	size_t n = sizeof letters - 1;
	if (!f->sheet->is_workbook || line == 0)
		return "";
	for (unsigned left = column + 1u; left > 0; left = (left - 1) / 26)
		letters[--n] = (char)('A' + (left - 1) % 26);
	int len = snprintf(name, sizeof name, "%s%u", letters + n, line);
	const char *copy = arena_text(f->sheet->arena, name, (size_t)len);
	return copy == NULL ? "" : copy;
}

struct place formread_nowhere(void)
{
	return (struct place){ 0, "", "", NULL, NULL };
}

struct place formread_place(const struct formread *f, uint32_t i)
{
	const struct box *box = &f->box[i];
	return (struct place){ box->line, box->column, box->cell, box->section, box->row };
}

void formread_tell_text(struct formread *f, enum finding_code code, enum severity severity,
    struct place place, const char *sv, const char *en)
{
	struct finding finding = { .code = code, .severity = severity, .line = place.line };
	finding.open =
	    code == FINDING_DASH || (code == FINDING_BLANK_UNDER_TOTAL && !f->options->blanks_not_reported);
	put_text(finding.column, sizeof finding.column, place.column);
	put_text(finding.cell, sizeof finding.cell, place.cell);
	put_field(finding.field, sizeof finding.field, place);
	put_text(finding.sv, sizeof finding.sv, sv);
	put_text(finding.en, sizeof finding.en, en);
	findings_add(f->findings, &finding);
}

void formread_tell(struct formread *f, enum finding_code code, enum severity severity, struct place place,
    const char *sv, const char *en, ...)
{
	char text_sv[1024];
	char text_en[1024];
	va_list args;
	va_start(args, en);
	vsnprintf(text_sv, sizeof text_sv, sv, args);
	va_end(args);
	va_start(args, en);
	vsnprintf(text_en, sizeof text_en, en, args);
	va_end(args);
	formread_tell_text(f, code, severity, place, text_sv, text_en);
}

static void tell_number(
    struct formread *f, enum number_kind kind, unsigned decimals, const char *shown, struct place place)
{
	switch (kind) {
	case NUMBER_POINT:
		formread_tell(f, FINDING_DECIMAL_POINT, SEVERITY_WARNING, place,
		    "decimalpunkt i stället för decimalkomma; läses som %s",
		    "decimal point instead of decimal comma; read as %s", shown);
		return;
	case NUMBER_WITH_DECIMALS:
		formread_tell(f, FINDING_WRITTEN_WITH_DECIMALS, SEVERITY_WARNING, place,
		    "ett heltal skrivet med decimaler; läses som %s",
		    "a whole number written with decimals; read as %s", shown);
		return;
	case NUMBER_DASH:
		formread_tell(f, FINDING_DASH, SEVERITY_WARNING, place,
		    "streck i en talruta: är det 0 eller ej lämnad uppgift?",
		    "a dash in a box for a number: is it 0 or not reported?");
		return;
	case NUMBER_NEGATIVE:
		formread_tell(f, FINDING_NEGATIVE, SEVERITY_ERROR, place, "negativt tal", "negative number");
		return;
	case NUMBER_DECIMAL:
		formread_tell(f, FINDING_DECIMAL, SEVERITY_ERROR, place, "decimaltal där ett heltal väntas",
		    "decimals where a whole number is expected");
		return;
	case NUMBER_TOO_MANY_DECIMALS:
		formread_tell(f, FINDING_TOO_MANY_DECIMALS, SEVERITY_ERROR, place, "fler än %u decimaler",
		    "more than %u decimals", decimals);
		return;
	case NUMBER_TOO_LARGE:
		formread_tell(f, FINDING_NUMBER_TOO_LARGE, SEVERITY_ERROR, place, "talet är för stort",
		    "the number is too large");
		return;
	case NUMBER_FORMULA:
		formread_tell(f, FINDING_FORMULA, SEVERITY_ERROR, place, "en formel där ett tal väntas",
		    "a formula where a number is expected");
		return;
	case NUMBER_DATE:
		formread_tell(f, FINDING_DATE, SEVERITY_ERROR, place, "ett datum där ett tal väntas",
		    "a date where a number is expected");
		return;
	default:
		formread_tell(f, FINDING_TEXT, SEVERITY_ERROR, place,
		    decimals == 0 ? "text där ett heltal väntas" : "text där ett tal väntas",
		    decimals == 0 ? "text where a whole number is expected"
				  : "text where a number is expected");
	}
}

/* 250 with two decimals: 2,50. */
static void show_value(char *out, size_t room, const struct measure *m, uint64_t value)
{
	struct buf text = { .max = 64 };
	config_put_value(&text, m, value);
	snprintf(out, room, "%.*s", (int)text.size, text.data == NULL ? "" : (const char *)text.data);
	buf_free(&text);
	char *point = strchr(out, '.');
	if (point != NULL)
		*point = ',';
}

void formread_number(
    struct formread *f, uint32_t i, const struct sheet_cell *cell, bool point, struct place place)
{
	const struct measure *m = &f->config->measure[f->config->asked[i].measure];
	struct box *box = &f->box[i];
	char shown[64] = "";
	uint64_t value = 0;
	enum number_kind kind = number_read(cell->text, place.row == NULL ? NULL : place.row->unit,
	    m->decimals, m->max, point || cell->kind == SHEET_NUMBER || cell->kind == SHEET_FORMULA, &value);
	bool formula = cell->kind == SHEET_FORMULA;
	if (formula && kind > NUMBER_WITH_DECIMALS)
		kind = NUMBER_FORMULA;
	if (cell->kind == SHEET_DATE && kind != NUMBER_BLANK)
		kind = NUMBER_DATE;
	box->line = place.line;
	box->column = place.column;
	box->cell = place.cell;
	if (kind == NUMBER_BLANK) {
		box->state = BOX_BLANK;
		return;
	}
	if (kind <= NUMBER_WITH_DECIMALS) {
		box->state = BOX_VALUE;
		f->figures->state[i] = FIGURE_VALUE;
		f->figures->value[i] = value;
		if (kind == NUMBER_VALUE && !formula)
			return;
		show_value(shown, sizeof shown, m, value);
		if (formula) {
			formread_tell(f, FINDING_FORMULA, SEVERITY_NOTE, place, "en formel; läses som %s",
			    "a formula; read as %s", shown);
			return;
		}
	} else {
		box->state = kind == NUMBER_DASH ? BOX_DASH : BOX_BAD;
	}
	tell_number(f, kind, m->decimals, shown, place);
}

void formread_period(struct formread *f, const char *text, struct place place)
{
	if (text[0] == '\0')
		return;
	if (!name_is_period(bytes_text(text))) {
		formread_tell(f, FINDING_PERIOD_UNREADABLE, SEVERITY_ERROR, place, "året är inte ett årtal",
		    "the year is not a year");
		put_text(f->period, sizeof f->period, "?");
		return;
	}
	put_text(f->period, sizeof f->period, text);
	if (f->options->period != NULL && strcmp(f->options->period, f->period) != 0)
		formread_tell(f, FINDING_PERIOD_OTHER, SEVERITY_ERROR, place, "formuläret avser %s, inte %s",
		    "the form is about %s, not %s", f->period, f->options->period);
	else if (!config_period_in(f->config, f->period))
		formread_tell(f, FINDING_PERIOD_OTHER, SEVERITY_ERROR, place, "blanketten gäller inte för %s",
		    "this form version is not for %s", f->period);
}

/* After everything was read: the period the form is for. */
static void settle_period(struct formread *f)
{
	struct place nowhere = formread_nowhere();
	if (f->period[0] == '?') { /* told already; checks go by the period asked for */
		f->period[0] = '\0';
		if (f->options->period != NULL)
			put_text(f->period, sizeof f->period, f->options->period);
		return;
	}
	if (f->period[0] != '\0')
		return;
	if (f->options->period != NULL)
		formread_period(f, f->options->period, nowhere);
	else
		formread_tell(
		    f, FINDING_PERIOD_MISSING, SEVERITY_ERROR, nowhere, "året saknas", "the year is missing");
}

/* Cells the period does not ask must be empty. */
static void settle_unasked(struct formread *f)
{
	for (uint32_t i = 0; f->period[0] != '\0' && i < f->config->n_asked; i++) {
		const struct box *box = &f->box[i];
		if (content_asked_in(f->config, i, f->period))
			continue;
		if (box->state == BOX_VALUE)
			formread_tell(f, FINDING_NOT_ASKED, SEVERITY_ERROR, formread_place(f, i),
			    "uppgiften efterfrågas inte för %s", "not asked for %s", f->period);
		f->figures->state[i] = FIGURE_NOT_ASKED;
		f->figures->value[i] = 0;
		f->box[i].state = BOX_UNSEEN;
	}
}

/* Each asked cell's box in the layout. */
static void place_boxes(struct formread *f)
{
	const struct layout *layout = f->config->layout;
	for (uint16_t s = 0; layout != NULL && s < layout->n_sections; s++)
		for (uint16_t r = 0; r < layout->section[s].n_rows; r++) {
			const struct layout_row *row = &layout->section[s].row[r];
			if (row->kind < LAYOUT_FIGURE || row->kind == LAYOUT_DATE)
				continue;
			uint16_t n = row->by == NO_PLACE ? 1 : row->columns->n_columns;
			for (uint16_t c = 0; c < n; c++) {
				struct cell_id id = row->cell;
				if (row->by != NO_PLACE)
					id.code[row->by] = row->columns->column[c].code;
				uint32_t i = model_asked(f->config, &id);
				if (i == UINT32_MAX || f->box[i].row != NULL)
					continue;
				f->box[i].section = &layout->section[s];
				f->box[i].row = row;
			}
		}
}

static void tell_file(
    struct formread *f, enum finding_code code, uint32_t line, const char *sv, const char *en)
{
	struct place place = formread_nowhere();
	place.line = line;
	formread_tell_text(f, code, SEVERITY_ERROR, place, sv, en);
}

/* A reader's error: memory is ours, the rest is a finding. */
static bool tell_reader_error(struct formread *f, const char *sv, const char *en)
{
	if (f->e->code == ERR_MEMORY)
		return false;
	if (f->e->code == ERR_LIMIT)
		tell_file(f, FINDING_TOO_LARGE_FILE, f->e->detail, "filen har för många rader eller kolumner",
		    "the file has too many rows or columns");
	else if (f->e->code == ERR_CRYPTO && filekind_trouble(FILEKIND_LOCKED, &sv, &en))
		tell_file(f, FINDING_STRUCTURE, 0, sv, en);
	else
		tell_file(f, FINDING_STRUCTURE, f->e->detail, sv, en);
	*f->e = (struct err){ 0 }; /* told */
	return true;
}

/* Bytes into a sheet. True with nothing told: go on. */
static bool read_text(struct formread *f, struct bytes file, struct sheet *sheet, bool *usable)
{
	bool ok = true;
	struct buf text = { .max = 0 };
	enum textcode code = textcode_decode(file, &text);
	*usable = false;
	if (text.failed) {
		ok = err_set(f->e, ERR_MEMORY, "out of memory");
	} else if (code == TEXTCODE_UNKNOWN) {
		tell_file(f, FINDING_ENCODING, 0, "texten har en okänd teckenkodning",
		    "the text's encoding is unknown");
	} else if (label_trim(buf_bytes(&text)).len == 0) {
		tell_file(f, FINDING_EMPTY_FILE, 0, "filen är tom", "the file is empty");
	} else if (textcode_is_double(buf_bytes(&text))) {
		tell_file(
		    f, FINDING_DOUBLE_ENCODED, 0, "texten är kodad två gånger", "the text is encoded twice");
	} else {
		*usable = csv_read(buf_bytes(&text), sheet, f->e);
		if (!*usable)
			ok = tell_reader_error(
			    f, "ett citattecken avslutas aldrig", "a quotation mark never ends");
	}
	buf_free(&text);
	return ok;
}

/* How much a sheet looks like what is wanted. */
static bool weigh(struct formread *f, const struct sheet *sheet, uint32_t *likeness)
{
	uint16_t label;
	*likeness = 0;
	if (formread_is_tidy(sheet))
		*likeness = UINT32_MAX / 2;
	else if (f->config->layout != NULL)
		return formread_likeness(f->config, sheet, likeness, &label, f->e);
	return true;
}

/* Leaves the sheet that looks most like the form in *sheet. Tells when a second one looks nearly as much. */
static bool choose_sheet(struct formread *f, struct bytes file, struct sheet *sheet, bool *usable)
{
	uint32_t best = 0;
	uint32_t second = 0;
	uint32_t likeness;
	bool ok = true;
	*usable = workbook_read(file, 0, sheet, f->e);
	size_t unpacked = sheet->unpacked;
	ok = !*usable || weigh(f, sheet, &best);
	for (unsigned n = 1; ok && *usable && n < WORKBOOK_SHEETS; n++) {
		struct sheet other;
		struct err none = { 0 };
		ok = sheet_new(&other, f->e);
		bool found = ok && workbook_read(file, n, &other, &none);
		unpacked += other.unpacked;
		if (unpacked > WORKBOOK_BYTES)
			*usable =
			    err_set(f->e, ERR_LIMIT, "the sheets are larger than %u bytes", WORKBOOK_BYTES);
		if (!found) {
			sheet_free(&other);
			if (none.code == ERR_NOT_FOUND)
				break;
			continue; /* a picture, a chart: not the form */
		}
		ok = weigh(f, &other, &likeness);
		if (likeness > best) {
			struct sheet swap = *sheet;
			*sheet = other;
			other = swap;
			second = best;
			best = likeness;
		} else if (likeness > second) {
			second = likeness;
		}
		sheet_free(&other);
	}
	if (ok && *usable && second > best / 2) {
		*usable = false;
		tell_file(f, FINDING_SHEETS, 0, "mer än ett blad ser ut som blanketten",
		    "more than one sheet looks like the form");
		return true;
	}
	return ok;
}

static bool read_workbook(struct formread *f, struct bytes file, struct sheet *sheet, bool *usable)
{
	uint32_t told = f->findings->n;
	if (!choose_sheet(f, file, sheet, usable))
		return false;
	if (!*usable && f->findings->n == told)
		return tell_reader_error(f, "arbetsboken kan inte läsas", "the workbook cannot be read");
	if (*usable && sheet->n_rows == 0) {
		*usable = false;
		tell_file(f, FINDING_EMPTY_FILE, 0, "bladet är tomt", "the sheet is empty");
	}
	return true;
}

static bool read_file(struct formread *f, struct bytes file, struct sheet *sheet, bool *usable)
{
	enum filekind kind = filekind_of(file);
	const char *sv = "";
	const char *en = "";
	*usable = false;
	if (file.len > SHEET_FILE_BYTES)
		tell_file(f, FINDING_TOO_LARGE_FILE, 0, "filen är för stor", "the file is too large");
	else if (filekind_trouble(kind, &sv, &en))
		tell_file(f, FINDING_STRUCTURE, 0, sv, en);
	else if (kind != FILEKIND_TEXT)
		return read_workbook(f, file, sheet, usable);
	else
		return read_text(f, file, sheet, usable);
	return true;
}

static bool read_sheet(struct formread *f, const char *office)
{
	f->tidy = formread_is_tidy(f->sheet);
	if (f->tidy)
		return formread_tidy(f, office);
	if (f->config->layout == NULL)
		return err_set(
		    f->e, ERR_INVALID, "the configuration has no layout: only tidy tables can be read");
	return formread_paper(f);
}

bool form_read(const char *path, struct bytes file, const struct config *config, const char *office,
    const struct form_options *options, struct form_result *result, struct findings *findings, struct err *e)
{
	bool ok = false;
	bool usable = false;
	struct sheet sheet = { .row = NULL };
	struct err local = { 0 };
	struct formread f = { .config = config,
		.options = options,
		.sheet = &sheet,
		.findings = findings,
		.figures = &result->figures,
		.e = e == NULL ? &local : e };
	*result = (struct form_result){ .period = "" };
	findings_init(findings, path);
	f.box = calloc(config->n_asked + 1u, sizeof *f.box);
	if (f.box == NULL || !figures_new(&result->figures, config, f.e) || !sheet_new(&sheet, f.e)) {
		err_set(f.e, ERR_MEMORY, "out of memory");
		goto done;
	}
	for (uint32_t i = 0; i < config->n_asked; i++)
		f.box[i].column = f.box[i].cell = "";
	place_boxes(&f);
	if (!read_file(&f, file, &sheet, &usable))
		goto done;
	ok = true;
	if (!usable)
		goto done;
	ok = read_sheet(&f, office);
	if (!ok || f.strange)
		goto done;
	settle_period(&f);
	settle_unasked(&f);
	ok = formread_check(&f);
	if (ok)
		formread_years(&f);
	put_text(result->period, sizeof result->period, f.period);
done:
	sheet_free(&sheet);
	free(f.box);
	if (ok)
		return true;
	figures_free(&result->figures);
	return false;
}
