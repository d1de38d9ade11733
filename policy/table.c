#include "policy/table.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "policy/array.h"
#include "policy/input.h"

static bool no_memory(struct err *e)
{
	return err_set(e, ERR_MEMORY, "no memory for the table");
}

static bool at_line(unsigned line, struct err *e)
{
	return line == 0 ? false : err_wrap(e, "line %u", line);
}

static bool grow(void *array, uint32_t *room, size_t n, size_t size)
{
	return n < UINT32_MAX && array_room(array, room, (uint32_t)n + 1, size);
}

struct table_input *table_new(void)
{
	return calloc(1, sizeof(struct table_input));
}

static void printed_free(struct printed *p)
{
	for (size_t d = 0; d < TABLE_DIMS_MAX; d++)
		free(p->set[d]);
}

void table_free(struct table_input *t)
{
	if (t == NULL)
		return;
	for (size_t d = 0; d < t->n_dims; d++)
		dim_free(&t->dim[d]);
	dim_free(&t->offices);
	if (t->cell != NULL)
		sodium_memzero(t->cell, t->n_given * sizeof *t->cell);
	if (t->value != NULL)
		sodium_memzero(t->value, t->n_cells * sizeof *t->value);
	for (size_t i = 0; i < t->n_printed; i++)
		printed_free(&t->printed[i]);
	for (size_t i = 0; i < t->n_earlier; i++) {
		table_free(t->earlier[i].input);
		buf_free(&t->earlier[i].result_csv);
		buf_free(&t->earlier[i].certificate);
		buf_free(&t->earlier[i].auditor);
	}
	free(t->cell);
	free(t->pattern);
	free(t->printed);
	free(t->derived);
	free(t->earlier);
	free(t->value);
	free(t->status);
	free(t);
}

static bool name_ok(const char *name)
{
	size_t n = strlen(name);
	return n > 0 && n <= TABLE_CODE_MAX &&
	       strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-") == n;
}

bool table_add_dimension(struct table_input *t, const char *name, unsigned line, struct err *e)
{
	if (t->frozen) {
		err_set(e, ERR_INVALID, "dimension %.64s comes after the cells", name);
		return at_line(line, e);
	}
	if (t->n_dims + 1 >= TABLE_DIMS_MAX) {
		err_set(e, ERR_LIMIT, "more than %d dimensions", TABLE_DIMS_MAX - 1);
		return at_line(line, e);
	}
	if (!name_ok(name)) {
		err_set(e, ERR_INVALID, "not a dimension's name");
		return at_line(line, e);
	}
	for (size_t d = 0; d < t->n_dims; d++)
		if (strcmp(t->dim[d].name, name) == 0) {
			err_set(e, ERR_INVALID, "dimension %s stands twice", name);
			return at_line(line, e);
		}
	return dim_init(&t->dim[t->n_dims++], name, e);
}

bool table_add_code(struct table_input *t, unsigned level, const char *code, uint32_t from_month,
    uint32_t to_month, bool view, unsigned line, struct err *e)
{
	(void)from_month; /* which codes are valid in a period is the caller's choice of lines and cells */
	(void)to_month;
	if (t->n_dims == 0 || t->frozen) {
		err_set(e, ERR_INVALID, "a code without its dimension");
		return at_line(line, e);
	}
	return dim_add_line(&t->dim[t->n_dims - 1], level, code, view, line, e) || at_line(line, e);
}

/* Dimensions are complete once anything else comes. */
bool table_end_dimensions(struct table_input *t, size_t *dim, struct err *e)
{
	*dim = 0;
	if (t->frozen)
		return true;
	if (t->n_dims == 0)
		return err_set(e, ERR_INVALID, "a table without a dimension");
	t->frozen = true;
	t->n_cells = 1;
	for (size_t d = t->n_dims; d-- > 0;) {
		*dim = d;
		if (!dim_finish(&t->dim[d], e))
			return false;
		t->stride[d] = t->n_cells;
		t->n_cells *= t->dim[d].n_codes;
		if (t->n_cells > TABLE_CELLS_MAX)
			return err_set(e, ERR_LIMIT, "the table has more than %u cells", TABLE_CELLS_MAX);
	}
	return dim_init(&t->offices, "office", e) && dim_add_line(&t->offices, 1, "_T", false, 0, e);
}

static bool freeze(struct table_input *t, struct err *e)
{
	size_t dim;
	return table_end_dimensions(t, &dim, e);
}

static bool find_code(const struct table_input *t, size_t d, const char *code, uint32_t *out, struct err *e)
{
	*out = dim_find(&t->dim[d], code);
	return *out != NONE ||
	       err_set(e, ERR_INVALID, "dimension %s has no such code: %.64s", t->dim[d].name, code);
}

static bool cell_place(
    const struct table_input *t, const char *const *code, bool leaves, uint64_t *at, struct err *e)
{
	uint32_t c = 0;
	*at = 0;
	for (size_t d = 0; d < t->n_dims; d++) {
		if (!find_code(t, d, code[d], &c, e))
			return false;
		if (leaves && !dim_is_leaf(&t->dim[d], c))
			return err_set(e, ERR_INVALID,
			    "%s of dimension %s is a total: only inner cells are given", t->dim[d].code[c],
			    t->dim[d].name);
		*at += c * t->stride[d];
	}
	return true;
}

static bool cell_office(struct table_input *t, const char *office, uint32_t *out, struct err *e)
{
	*out = NONE;
	if (t->office_known && t->office_column != (office != NULL))
		return err_set(e, ERR_INVALID, "an office is named for some cells and not for others");
	t->office_known = true;
	t->office_column = office != NULL;
	if (office == NULL)
		return true;
	if (!name_ok(office) || strcmp(office, "_T") == 0)
		return err_set(e, ERR_INVALID, "not an office's code");
	*out = dim_find(&t->offices, office);
	if (*out == NONE) {
		if (!dim_add_line(&t->offices, 2, office, false, 0, e))
			return false;
		*out = t->offices.n_codes - 1;
	}
	return true;
}

static bool add_cell(struct table_input *t, const char *const *code, const char *office,
    enum cell_status status, uint64_t freq, unsigned line, struct err *e)
{
	struct inner_cell cell = { .freq = freq, .line = line, .status = (uint8_t)status };
	if (t->finished)
		return err_set(e, ERR_INVALID, "the table is finished");
	if (!freeze(t, e) || !cell_place(t, code, true, &cell.at, e) ||
	    !cell_office(t, office, &cell.office, e))
		return false;
	if (freq >= LIMIT_VALUE)
		return err_set(e, ERR_LIMIT, "a count is too large");
	if (freq != 0 && status != CELL_VALUE && status != CELL_BLANK)
		return err_set(
		    e, ERR_INVALID, "a cell that is not reported, not asked or structural holds a count");
	if (!grow(&t->cell, &t->room_given, t->n_given, sizeof *t->cell))
		return no_memory(e);
	t->cell[t->n_given++] = cell;
	return true;
}

bool table_add_cell(struct table_input *t, const char *const *code, const char *office,
    enum cell_status status, uint64_t freq, unsigned line, struct err *e)
{
	return add_cell(t, code, office, status, freq, line, e) || at_line(line, e);
}

/* "a|b|c" or "*" into one byte a code. */
static bool read_set(const struct table_input *t, size_t d, const char *codes, uint8_t *set, struct err *e)
{
	char code[TABLE_CODE_MAX + 1];
	uint32_t c = 0;
	if (codes == NULL) {
		set[0] = 1;
		return true;
	}
	if (strcmp(codes, "*") == 0) {
		memset(set, 1, t->dim[d].n_codes);
		return true;
	}
	for (const char *end = codes; end != NULL; codes = end == NULL ? codes : end + 1) {
		end = strchr(codes, '|');
		size_t len = end == NULL ? strlen(codes) : (size_t)(end - codes);
		if (len == 0 || len > TABLE_CODE_MAX)
			return err_set(e, ERR_INVALID, "dimension %s: a code is %s", t->dim[d].name,
			    len == 0 ? "missing" : "too long");
		memcpy(code, codes, len);
		code[len] = '\0';
		if (!find_code(t, d, code, &c, e))
			return false;
		set[c] = 1;
	}
	return true;
}

static bool add_printed(struct table_input *t, const char *id, const char *const *codes, struct err *e)
{
	if (t->finished || !freeze(t, e))
		return t->finished ? err_set(e, ERR_INVALID, "the table is finished") : false;
	if (!name_ok(id))
		return err_set(e, ERR_INVALID, "not a table's name");
	if (t->n_printed == TABLE_PRINTED_MAX)
		return err_set(e, ERR_LIMIT, "more than %d tables", TABLE_PRINTED_MAX);
	for (size_t i = 0; i < t->n_printed; i++)
		if (strcmp(t->printed[i].id, id) == 0)
			return err_set(e, ERR_INVALID, "table %s stands twice: its lines stand together", id);
	if (!grow(&t->printed, &t->room_printed, t->n_printed, sizeof *t->printed))
		return no_memory(e);
	struct printed *p = &t->printed[t->n_printed++];
	memset(p, 0, sizeof *p);
	memcpy(p->id, id, strlen(id) + 1);
	for (size_t d = 0; d < t->n_dims; d++) {
		p->set[d] = calloc(t->dim[d].n_codes, 1);
		if (p->set[d] == NULL)
			return no_memory(e);
		if (!read_set(t, d, codes[d], p->set[d], e))
			return false;
	}
	return true;
}

bool table_add_printed(
    struct table_input *t, const char *id, const char *const *codes, unsigned line, struct err *e)
{
	return add_printed(t, id, codes, e) || at_line(line, e);
}

static bool add_pattern(
    struct table_input *t, enum pattern_kind kind, const char *const *code, unsigned line, struct err *e)
{
	struct pattern p = { .kind = kind, .line = line };
	bool ok = false;
	if (t->finished)
		return err_set(e, ERR_INVALID, "the table is finished");
	if (!freeze(t, e))
		goto done;
	for (size_t d = 0; d < TABLE_DIMS_MAX; d++)
		p.code[d] = NONE;
	for (size_t d = 0; d < t->n_dims; d++)
		if (strcmp(code[d], "*") != 0 && !find_code(t, d, code[d], &p.code[d], e))
			goto done;
	if (!grow(&t->pattern, &t->room_patterns, t->n_patterns, sizeof *t->pattern)) {
		no_memory(e);
		goto done;
	}
	t->pattern[t->n_patterns++] = p;
	ok = true;
done:
	return ok || at_line(line, e);
}

bool table_add_forced(struct table_input *t, const char *const *code, unsigned line, struct err *e)
{
	return add_pattern(t, PATTERN_FORCED, code, line, e);
}

bool table_add_structural(struct table_input *t, const char *const *code, unsigned line, struct err *e)
{
	return add_pattern(t, PATTERN_STRUCTURAL, code, line, e);
}

bool table_add_absent(struct table_input *t, const char *const *code, unsigned line, struct err *e)
{
	return add_pattern(t, PATTERN_ABSENT, code, line, e);
}

bool table_add_covered(struct table_input *t, const char *const *code, unsigned line, struct err *e)
{
	return add_pattern(t, PATTERN_COVERED, code, line, e);
}

static bool add_derived(struct table_input *t, const char *id, const char *const *numerator,
    const char *const *denominator, struct derived_figure *f, struct err *e)
{
	if (t->finished || !freeze(t, e))
		return t->finished ? err_set(e, ERR_INVALID, "the table is finished") : false;
	if (!name_ok(id))
		return err_set(e, ERR_INVALID, "not a derived figure's name");
	if (f->digits > 9 || f->factor == 0 || (denominator == NULL && f->constant == 0))
		return err_set(
		    e, ERR_INVALID, "derived figure %s: factor, digits or constant out of range", id);
	memcpy(f->id, id, strlen(id) + 1);
	f->denominator = UINT64_MAX;
	if (!cell_place(t, numerator, false, &f->numerator, e))
		return err_wrap(e, "derived figure %s", id);
	if (denominator != NULL && !cell_place(t, denominator, false, &f->denominator, e))
		return err_wrap(e, "derived figure %s", id);
	if (!grow(&t->derived, &t->room_derived, t->n_derived, sizeof *t->derived))
		return no_memory(e);
	t->derived[t->n_derived++] = *f;
	return true;
}

bool table_add_derived(struct table_input *t, const char *id, const char *const *numerator,
    const char *const *denominator, uint64_t constant, uint32_t factor, unsigned digits, unsigned line,
    struct err *e)
{
	struct derived_figure f = { .constant = constant, .factor = factor, .digits = digits, .line = line };
	return add_derived(t, id, numerator, denominator, &f, e) || at_line(line, e);
}

bool table_add_earlier(
    struct table_input *t, struct table_input *earlier, const struct earlier_facts *facts, struct err *e)
{
	struct earlier_release r = { .input = earlier, .revision = facts->revision };
	if (strlen(facts->period) > LIMIT_PERIOD)
		return err_set(e, ERR_INVALID, "not a period");
	memcpy(r.period, facts->period, strlen(facts->period) + 1);
	if (!grow(&t->earlier, &t->room_earlier, t->n_earlier, sizeof *t->earlier))
		return no_memory(e);
	buf_put_bytes(&r.result_csv, facts->result_csv);
	buf_put_bytes(&r.certificate, facts->certificate);
	buf_put_bytes(&r.auditor, facts->auditor);
	if (r.result_csv.failed || r.certificate.failed || r.auditor.failed) {
		buf_free(&r.auditor);
		buf_free(&r.result_csv);
		buf_free(&r.certificate);
		return no_memory(e);
	}
	t->earlier[t->n_earlier++] = r;
	return true;
}

void walk_begin(struct walk *w, const struct table_input *t, const uint32_t *code, bool leaves_only)
{
	*w = (struct walk){ .t = t, .leaves_only = leaves_only };
	for (size_t d = 0; d < t->n_dims; d++) {
		bool any = code == NULL || code[d] == NONE;
		w->from[d] = any ? 0 : code[d];
		w->to[d] = any ? t->dim[d].n_codes : code[d] + 1;
		w->at[d] = w->from[d];
	}
}

static bool walk_fits(const struct walk *w, uint64_t *cell)
{
	*cell = 0;
	for (size_t d = 0; d < w->t->n_dims; d++) {
		if (w->leaves_only && !dim_is_leaf(&w->t->dim[d], w->at[d]))
			return false;
		*cell += w->at[d] * w->t->stride[d];
	}
	return true;
}

bool walk_next(struct walk *w, uint64_t *cell)
{
	while (!w->ended) {
		bool fits = walk_fits(w, cell);
		size_t d = w->t->n_dims;
		while (d-- > 0) {
			if (++w->at[d] < w->to[d])
				break;
			w->at[d] = w->from[d];
		}
		w->ended = d == SIZE_MAX;
		if (fits)
			return true;
	}
	return false;
}

bool table_is_inner(const struct table_input *t, uint64_t cell)
{
	for (size_t d = 0; d < t->n_dims; d++)
		if (!dim_is_leaf(&t->dim[d], table_coord(t, cell, d)))
			return false;
	return true;
}

unsigned table_forced_line(const struct table_input *t, uint64_t cell)
{
	for (size_t i = 0; i < t->n_patterns; i++) {
		const struct pattern *p = &t->pattern[i];
		bool fits = p->kind == PATTERN_FORCED;
		for (size_t d = 0; fits && d < t->n_dims; d++)
			fits = p->code[d] == NONE || p->code[d] == table_coord(t, cell, d);
		if (fits)
			return p->line;
	}
	return 0;
}

void table_put_cell(const struct table_input *t, uint64_t cell, char sep, struct buf *b)
{
	size_t first =
	    t->releases && table_coord(t, cell, 0) == 0 ? 1 : 0; /* of this release: its own codes do */
	for (size_t d = first; d < t->n_dims; d++) {
		if (d > first)
			buf_put_byte(b, (uint8_t)sep);
		buf_put_text(b, t->dim[d].code[table_coord(t, cell, d)]);
	}
}

enum table_part table_fault(const struct table_input *t)
{
	return t->fault;
}

size_t table_dimensions(const struct table_input *t)
{
	return t->n_dims;
}

const char *table_dimension_name(const struct table_input *t, size_t dim)
{
	return t->dim[dim].name;
}

const char *table_code(const struct table_input *t, size_t dim, size_t code)
{
	return t->dim[dim].code[code];
}

bool table_find_code(const struct table_input *t, size_t dim, const char *code, size_t *out)
{
	uint32_t c = dim_find(&t->dim[dim], code);
	*out = c;
	return c != NONE;
}
