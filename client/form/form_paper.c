/* A sheet that looks like the paper form, held against the configuration's layout. */
#include "client/form/formpaper.h"
#include "client/form/label.h"

#include <stdlib.h>
#include <string.h>

#define LOOK_ROWS    2000u /* enough to know a form by */
#define LOOK_COLUMNS 16u
#define LETTERS      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

struct place paper_at_row(const struct paper *p, uint32_t line, uint16_t row)
{
	const struct layout_section *s = &p->layout->section[p->at];
	return (struct place){ line, "", formread_cell(p->f, line, p->label), s,
		row == NO_PLACE ? NULL : &s->row[row] };
}

struct place paper_at_cell(const struct paper *p, struct place place, uint16_t column)
{
	place.cell = formread_cell(p->f, place.line, column);
	return place;
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
		    s->row[q].label[0] == '\0' && paper_count_headings(p, s->row[q].columns, row) > 0)
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
	struct place place = paper_at_row(p, line, NO_PLACE);
	place.section = &p->layout->section[s];
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
	paper_read_row(p, row, q);
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
	formread_tell(p->f, FINDING_UNKNOWN_ROW, SEVERITY_ERROR, paper_at_row(p, row->line, NO_PLACE),
	    "värden utan radtext", "values without a row label");
}

/* A line of words and nothing beside it: a note. Its label may be a mistyped one, which is then told as missing. */
static bool is_note(const struct paper *p, const struct sheet_row *row)
{
	const char *text = sheet_at(row, p->label);
	bool letter = false;
	for (uint16_t c = 0; c < row->n_cells; c++)
		if (c != p->label && row->cell[c].text[0] != '\0')
			return false;
	for (; *text != '\0'; text++)
		letter = letter || (unsigned char)*text >= 0x80 || strchr(LETTERS, *text) != NULL;
	return letter;
}

static void tell_unknown(struct paper *p, const struct sheet_row *row)
{
	struct place place = paper_at_row(p, row->line, NO_PLACE);
	if (is_note(p, row))
		formread_tell(p->f, FINDING_REMARK, SEVERITY_NOTE, place,
		    "text utanför blankettens rader: läses och skickas inte",
		    "text outside the form's rows: it is not read and not sent");
	else
		formread_tell(p->f, FINDING_UNKNOWN_ROW, SEVERITY_ERROR, place, "okänd rad", "unknown row");
}

static void read_labelled(struct paper *p, const struct sheet_row *row)
{
	char normal[LABEL_ROOM];
	const char *text = sheet_at(row, p->label);
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
			tell_unknown(p, row);
	} else if (!twice) {
		met_row(p, row, q);
	} else if (p->layout->section[p->at].row[q].kind != LAYOUT_TEXT) {
		formread_tell(p->f, FINDING_ROW_TWICE, SEVERITY_ERROR, paper_at_row(p, row->line, q),
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
	formread_tell(p->f, FINDING_ROW_MISSING, SEVERITY_ERROR, paper_at_row(p, line, q),
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
			formread_tell(p->f, FINDING_SECTION_MISSING, SEVERITY_ERROR,
			    paper_at_row(p, 0, NO_PLACE), "avsnittet %s saknas", "the section %s is missing",
			    s->title);
			continue;
		}
		for (uint16_t q = 0; q < s->n_rows; q++)
			if (carries_figures(&s->row[q]) && m->row[q].line == NOT_MET)
				tell_missing_row(p, q);
	}
}

/* ---- which sheet, which column ---- */

struct labels {
	const char **normal;
	uint32_t n;
};

static bool collect_labels(const struct layout *layout, struct arena *arena, struct labels *out)
{
	uint32_t room = 0;
	for (uint16_t s = 0; s < layout->n_sections; s++)
		room += 1u + layout->section[s].n_rows;
	*out = (struct labels){ arena_alloc(arena, room, sizeof *out->normal), 0 };
	for (uint16_t s = 0; out->normal != NULL && s < layout->n_sections; s++)
		for (uint32_t r = 0; r <= layout->section[s].n_rows; r++) {
			const char *text =
			    r == 0 ? layout->section[s].title : layout->section[s].row[r - 1].label;
			const char *normal = keep_normal(arena, text);
			if (normal == NULL)
				return false;
			if (normal[0] != '\0')
				out->normal[out->n++] = normal;
		}
	return out->normal != NULL;
}

static bool is_label(const struct labels *labels, const char *text)
{
	char normal[LABEL_ROOM];
	label_normal(normal, text);
	for (uint32_t i = 0; i < labels->n; i++)
		if (strcmp(labels->normal[i], normal) == 0)
			return true;
	return false;
}

bool formread_likeness(
    const struct config *config, const struct sheet *sheet, uint32_t *n, uint16_t *label, struct err *e)
{
	struct arena *arena = arena_new(64u * 1024 * 1024);
	struct labels labels;
	uint32_t found[LOOK_COLUMNS] = { 0 };
	*n = *label = 0;
	if (arena == NULL || !collect_labels(config->layout, arena, &labels)) {
		arena_free(arena);
		return err_set(e, ERR_MEMORY, "out of memory");
	}
	for (uint32_t i = 0; i < sheet->n_rows && i < LOOK_ROWS; i++)
		for (uint16_t c = 0; c < sheet->row[i].n_cells && c < LOOK_COLUMNS; c++)
			found[c] += sheet->row[i].cell[c].text[0] != '\0' &&
				    is_label(&labels, sheet->row[i].cell[c].text);
	for (uint16_t c = 0; c < LOOK_COLUMNS; c++)
		if (found[c] > *n) {
			*n = found[c];
			*label = c;
		}
	arena_free(arena);
	return true;
}

/* A wrong file gives one finding, not hundreds. */
static bool looks_like_the_form(const struct paper *p)
{
	for (uint32_t i = 0; i < p->f->sheet->n_rows; i++)
		if (find_section(p, sheet_at(&p->f->sheet->row[i], p->label), LABEL_CLOSE) != NO_PLACE)
			return true;
	return p->layout->n_sections == 1 && p->section[0].normal[0] == '\0';
}

bool formread_paper(struct formread *f)
{
	struct paper p = { .f = f, .layout = f->config->layout, .arena = arena_new(64u * 1024 * 1024) };
	uint32_t likeness;
	bool ok = p.arena != NULL && p.layout->n_sections > 0 && prepare(&p) &&
		  formread_likeness(f->config, f->sheet, &likeness, &p.label, f->e);
	if (!ok) {
		err_set(f->e, ERR_MEMORY, "out of memory");
		goto done;
	}
	if (!looks_like_the_form(&p)) {
		f->strange = true;
		formread_tell(f, FINDING_NOT_THE_FORM, SEVERITY_ERROR, formread_nowhere(),
		    "filen ser inte ut som blanketten", "the file does not look like the form");
		goto done;
	}
	for (uint32_t i = 0; i < f->sheet->n_rows; i++) {
		const struct sheet_row *row = &f->sheet->row[i];
		if (sheet_at(row, p.label)[0] == '\0')
			read_unlabelled(&p, row);
		else
			read_labelled(&p, row);
	}
	tell_missing(&p);
done:
	arena_free(p.arena);
	return ok;
}
