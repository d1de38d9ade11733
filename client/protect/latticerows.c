#include "client/protect/latticerows.h"

#include <stdlib.h>
#include <string.h>

#include "client/protect/latticepart.h"
#include "client/protect/suppressed.h"

/* What no table lists, but for the walk over tables.csv: a cell that is looked for. */
#define NO_CELL UINT64_MAX

struct rows {
	const struct lattice *g;
	const char *dir, *result;
	uint8_t *listed;                  /* by cell */
	bool *named[LATTICE_DIMS_MAX];    /* by code: stands for its parts */
	bool *left_out[LATTICE_DIMS_MAX]; /* by code: is such a part, or a part of one */
	bool told;                        /* named is what a manifest says */
	uint64_t wanted;                  /* which line lists it? */
	unsigned line;
};

static bool no_memory(struct err *e)
{
	return err_set(e, ERR_MEMORY, "no memory");
}

static bool has_row(const struct lattice *g, uint64_t cell)
{
	return strchr("PHZNAR", g->mark[cell]) != NULL;
}

/* ---- tables.csv ---- */

struct listing { /* a table: by dimension the codes it prints */
	char id[130];
	unsigned line; /* 0: no table yet */
	uint32_t *code[LATTICE_DIMS_MAX], n[LATTICE_DIMS_MAX];
	bool given[LATTICE_DIMS_MAX];
};

static void table_begin(const struct lattice *g, struct listing *t, const struct csvlines *c)
{
	memcpy(t->id, c->field[0], strlen(c->field[0]) + 1); /* bounded by the caller */
	t->line = c->line;
	for (uint32_t d = 0; d < g->n_dims; d++) {
		t->n[d] = 1;
		t->code[d][0] = 0; /* the total */
		t->given[d] = false;
	}
}

/* Every cell that the table prints. */
static void table_ends(struct rows *r, const struct listing *t)
{
	const struct lattice *g = r->g;
	uint32_t at[LATTICE_DIMS_MAX] = { 0 };
	uint32_t d = t->line == 0 ? 0 : g->n_dims;
	while (d > 0) {
		uint64_t cell = 0;
		for (uint32_t i = 0; i < g->n_dims; i++)
			cell += t->code[i][at[i]] * g->stride[i];
		r->listed[cell] = 1;
		if (cell == r->wanted && r->line == 0)
			r->line = t->line;
		for (d = g->n_dims; d > 0 && ++at[d - 1] == t->n[d - 1]; d--)
			at[d - 1] = 0;
	}
}

/* codes: parted by bars, or * for all. */
static bool codes_take(
    const struct latticedim *dim, const char *codes, uint32_t *out, uint32_t *n, struct err *e)
{
	*n = 0;
	for (; strcmp(codes, "*") == 0 && *n < dim->n_codes; ++*n)
		out[*n] = *n;
	char *copy = *n > 0 ? NULL : strdup(codes);
	char *next = copy;
	bool ok = *n > 0 || copy != NULL || no_memory(e);
	while (ok && next != NULL) {
		uint32_t place = lattice_code(dim, strsep(&next, "|"));
		ok = (place != UINT32_MAX && *n < dim->n_codes) ||
		     err_set(e, ERR_INVALID, "codes: one that hier_%s.csv lacks, or one twice", dim->name);
		if (ok)
			out[(*n)++] = place;
	}
	free(copy);
	return ok;
}

static bool table_line(struct rows *r, struct listing *t, const struct csvlines *c, struct err *e)
{
	uint32_t d = lattice_dim(r->g, c->field[1]);
	if (strlen(c->field[0]) >= sizeof t->id)
		return err_set(e, ERR_MALFORMED, "table: the name is too long");
	if (t->line == 0 || strcmp(t->id, c->field[0]) != 0) {
		table_ends(r, t);
		table_begin(r->g, t, c);
	}
	if (d == UINT32_MAX || r->g->dim[d].synthetic || t->given[d])
		return err_set(e, ERR_MALFORMED, "dim: no such dimension, or one twice");
	t->given[d] = true;
	return codes_take(&r->g->dim[d], c->field[2], t->code[d], &t->n[d], e);
}

static bool tables_take(struct rows *r, struct csvlines *c, struct listing *t, struct err *e)
{
	struct err end = { 0 };
	if (c->n_columns != 3 || strcmp(c->field[0], "table") != 0 || strcmp(c->field[1], "dim") != 0 ||
	    strcmp(c->field[2], "codes") != 0)
		return err_set(e, ERR_MALFORMED, "the header is table,dim,codes") || csvlines_at(c, e);
	while (csvlines_next(c, &end))
		if (!table_line(r, t, c, e))
			return csvlines_at(c, e);
	if (end.code == ERR_NONE)
		table_ends(r, t);
	else
		*e = end;
	return end.code == ERR_NONE;
}

/* Without the file all is printed that the result has columns for. */
static void list_all(struct rows *r)
{
	const struct lattice *g = r->g;
	for (uint64_t cell = 0; cell < g->n_cells; cell++) {
		r->listed[cell] = 1;
		for (uint32_t d = 0; d < g->n_dims; d++)
			if (g->dim[d].synthetic && lattice_place(g, cell, d) != 0)
				r->listed[cell] = 0;
	}
}

/* Fills listed, and line where a cell is wanted. */
static bool tables_read(struct rows *r, struct err *e)
{
	const struct lattice *g = r->g;
	struct csvlines c = { 0 };
	struct listing t = { 0 };
	char own[160];
	size_t codes = 0;
	for (uint32_t d = 0; d < g->n_dims; d++)
		codes += g->dim[d].n_codes;
	uint32_t *room = malloc((codes + 1) * sizeof *room);
	bool ok = room != NULL || no_memory(e);
	for (uint32_t d = 0; ok && d < g->n_dims; d++)
		t.code[d] = d == 0 ? room : t.code[d - 1] + g->dim[d - 1].n_codes;
	if (ok && csvlines_open(&c, r->dir, lattice_file_name(r->dir, "tables.csv", own), e)) {
		ok = tables_take(r, &c, &t, e);
	} else if (ok && e->code == ERR_NOT_FOUND) {
		*e = (struct err){ 0 };
		list_all(r);
	} else {
		ok = false;
	}
	csvlines_close(&c);
	free(room);
	return ok;
}

/* ---- codes that stand for their parts ---- */

/* By code, of one dimension: is there a row with it? */
static void find_shown(const struct lattice *g, uint32_t dim, bool *shown)
{
	for (uint64_t cell = 0; cell < g->n_cells; cell++)
		if (has_row(g, cell))
			shown[lattice_place(g, cell, dim)] = true;
}

/* Without a manifest: which codes are printed, and nothing below them? Not what is below by a view alone. */
static void find_named(const struct latticedim *d, const bool *shown, bool *some_below, bool *named)
{
	for (uint32_t i = 0; i < d->n_codes; i++) {
		uint32_t code = d->order[i]; /* parts before the whole */
		bool parts = false;
		bool some = false;
		for (uint32_t h = d->held_from[code]; h < d->held_from[code + 1]; h++) {
			const struct breakdown *b = &d->breakdown[d->held[h] / 2];
			for (uint32_t j = 0; d->held[h] % 2 == 0 && j < b->n; j++) {
				bool below = shown[b->child[j]] || some_below[b->child[j]];
				some_below[code] = some_below[code] || below;
				some = some || (!b->view && below);
				parts = parts || !b->view;
			}
		}
		named[code] = shown[code] && parts && !some;
	}
}

/* Is the code a part of one that stands for its parts, or of such a part? Without a manifest, of no other code. */
static bool is_left_out(const struct rows *r, uint32_t dim, uint32_t code)
{
	const struct latticedim *d = &r->g->dim[dim];
	bool left = false;
	for (uint32_t h = d->held_from[code]; h < d->held_from[code + 1]; h++) {
		const struct breakdown *b = &d->breakdown[d->held[h] / 2];
		if (d->held[h] % 2 == 0)
			continue;
		if (!r->left_out[dim][b->parent] && !r->named[dim][b->parent] && !r->told)
			return false;
		left = left || r->left_out[dim][b->parent] || (r->named[dim][b->parent] && !b->view);
	}
	return left;
}

static bool find_left_out(struct rows *r, uint32_t dim)
{
	const struct latticedim *d = &r->g->dim[dim];
	bool *shown = calloc(d->n_codes, sizeof *shown);
	bool *some_below = calloc(d->n_codes, sizeof *some_below);
	bool ok = shown != NULL && some_below != NULL;
	if (ok && !r->told) {
		find_shown(r->g, dim, shown);
		find_named(d, shown, some_below, r->named[dim]);
	}
	for (uint32_t i = d->n_codes; ok && i-- > 0;) /* the whole before its parts */
		r->left_out[dim][d->order[i]] = is_left_out(r, dim, d->order[i]);
	free(shown);
	free(some_below);
	return ok;
}

static bool take_named(void *context, const char *dimension, const char *code, struct err *e)
{
	struct rows *r = context;
	uint32_t dim = lattice_dim(r->g, dimension);
	uint32_t place = dim == UINT32_MAX ? UINT32_MAX : lattice_code(&r->g->dim[dim], code);
	if (place == UINT32_MAX)
		return err_set(e, ERR_CRYPTO, "ladder: a code that the table does not have");
	r->named[dim][place] = true;
	return true;
}

/* Is the cell one that coarser codes leave out? */
static bool is_coarse(const struct rows *r, uint64_t cell)
{
	for (uint32_t d = 0; d < r->g->n_dims; d++)
		if (!r->g->dim[d].synthetic && r->left_out[d][lattice_place(r->g, cell, d)])
			return true;
	return false;
}

/* ---- findings ---- */

static bool is_row(const struct lattice *g, const struct csvlines *c, uint64_t cell)
{
	for (uint32_t d = 0; d < g->n_dims; d++)
		if (!g->dim[d].synthetic &&
		    strcmp(c->field[d], g->dim[d].code[lattice_place(g, cell, d)]) != 0)
			return false;
	return true;
}

/* Which line of the result is the cell's? */
static bool at_row(const struct rows *r, uint64_t cell, struct err *e)
{
	struct csvlines c = { 0 };
	struct err unheard = { 0 };
	bool found = lattice_open_path(&c, r->result, &unheard);
	while (found && csvlines_next(&c, &unheard))
		if (is_row(r->g, &c, cell))
			break;
	if (found)
		csvlines_at(&c, e);
	csvlines_close(&c);
	return false;
}

static bool needless(const struct rows *r, uint64_t cell, struct err *e)
{
	const char *rule = r->listed[cell] == 0
			       ? "a row of a cell that tables.csv does not list"
			       : "a row of a code that another stands for, as the manifest says";
	err_set(e, ERR_CRYPTO, "%s", rule);
	return at_row(r, cell, e);
}

static bool lacking(struct rows *r, uint64_t cell, struct err *e)
{
	struct buf name = { 0 };
	struct err unheard = { 0 };
	r->wanted = cell;
	tables_read(r, &unheard);
	lattice_name(r->g, cell, &name);
	err_set(e, ERR_CRYPTO, "%s: no row of cell %.*s, which %s", r->result, (int)name.size,
	    (const char *)name.data, r->line == 0 ? "the grid has" : "tables.csv lists");
	if (r->line != 0)
		err_wrap(e, "tables.csv:%u", r->line);
	buf_free(&name);
	return false;
}

/* Is everything marked A that absent.csv names, and Z only what was declared to be nought? Of a folder with counts that is
 * asked where they are read: there a status in cells.csv declares it, too. */
static bool marks_hold(const struct rows *r, struct err *e)
{
	if (r->g->not_absent != UINT64_MAX) {
		err_set(e, ERR_CRYPTO, "a cell of absent.csv, marked as another than A");
		return at_row(r, r->g->not_absent, e);
	}
	return !lattice_is_release(r->dir) || lattice_noughts_declared(r->g, e);
}

/* A row for each cell that is listed, and for no other; but for coarser codes. */
static bool compare(struct rows *r, struct err *e)
{
	const struct lattice *g = r->g;
	bool some_lack = r->told;
	for (uint64_t cell = 0; cell < g->n_cells; cell++) {
		if (has_row(g, cell) && r->listed[cell] == 0)
			return needless(r, cell, e);
		some_lack = some_lack || (!has_row(g, cell) && r->listed[cell] != 0);
	}
	for (uint32_t d = 0; some_lack && d < g->n_dims; d++)
		if (!g->dim[d].synthetic && !find_left_out(r, d))
			return no_memory(e);
	for (uint64_t cell = 0; some_lack && cell < g->n_cells; cell++) {
		if (r->listed[cell] == 0 || has_row(g, cell) != is_coarse(r, cell))
			continue;
		return has_row(g, cell) ? needless(r, cell, e) : lacking(r, cell, e);
	}
	return true;
}

bool lattice_rows_hold(
    const struct lattice *g, const char *dir, const char *result, struct bytes manifest, struct err *e)
{
	char own[LATTICE_PATH_MAX];
	struct rows r = { .g = g, .dir = dir, .result = result, .told = manifest.len > 0, .wanted = NO_CELL };
	if (result == NULL && !lattice_result_path(dir, own))
		return err_set(e, ERR_LIMIT, "the name of the folder is too long");
	r.result = result == NULL ? own : result;
	r.listed = calloc(g->n_cells, 1);
	bool ok = r.listed != NULL;
	for (uint32_t d = 0; d < g->n_dims; d++) {
		r.named[d] = calloc(g->dim[d].n_codes, sizeof *r.named[d]);
		r.left_out[d] = calloc(g->dim[d].n_codes, sizeof *r.left_out[d]);
		ok = ok && r.named[d] != NULL && r.left_out[d] != NULL;
	}
	ok = ok || no_memory(e);
	ok = ok && suppressed_coarsened(manifest, take_named, &r, e) && tables_read(&r, e) &&
	     compare(&r, e) && marks_hold(&r, e);
	for (uint32_t d = 0; d < g->n_dims; d++) {
		free(r.named[d]);
		free(r.left_out[d]);
	}
	free(r.listed);
	return ok;
}
