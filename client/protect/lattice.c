#include "client/protect/latticepart.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/protect/csvlines.h"
#include "client/protect/moved.h"
#include "client/protect/protectfiles.h"
#include "proto/limits.h"

uint32_t lattice_dim(const struct lattice *g, const char *name)
{
	for (uint32_t i = 0; i < g->n_dims; i++)
		if (strcmp(g->dim[i].name, name) == 0)
			return i;
	return UINT32_MAX;
}

uint32_t lattice_place(const struct lattice *g, uint64_t cell, uint32_t dim)
{
	return (uint32_t)(cell / g->stride[dim] % g->dim[dim].n_codes);
}

void lattice_name(const struct lattice *g, uint64_t cell, struct buf *out)
{
	for (uint32_t i = 0; i < g->n_dims; i++) {
		if (g->dim[i].synthetic)
			continue;
		if (i > 0)
			buf_put_byte(out, '|');
		buf_put_text(out, g->dim[i].code[lattice_place(g, cell, i)]);
	}
}

bool lattice_is_leaf(const struct latticedim *d, uint32_t code)
{
	for (uint32_t i = 0; i < d->n_breakdowns; i++)
		if (d->breakdown[i].parent == code)
			return false;
	return true;
}

bool lattice_is_inner(const struct lattice *g, uint64_t cell)
{
	for (uint32_t d = 0; d < g->n_dims; d++)
		if (!g->dim[d].synthetic && !lattice_is_leaf(&g->dim[d], lattice_place(g, cell, d)))
			return false;
	return true;
}

void lattice_leaves(const struct latticedim *d, uint32_t code, bool *out)
{
	/* order has children first: walk it backwards, from parents down */
	bool *in = calloc(d->n_codes, sizeof *in);
	memset(out, 0, d->n_codes * sizeof *out);
	if (in == NULL)
		return;
	in[code] = true;
	for (uint32_t i = d->n_codes; i-- > 0;) {
		uint32_t at = d->order[i];
		if (!in[at])
			continue;
		out[at] = lattice_is_leaf(d, at);
		for (uint32_t b = 0; b < d->n_breakdowns; b++)
			for (uint32_t c = 0; d->breakdown[b].parent == at && c < d->breakdown[b].n; c++)
				in[d->breakdown[b].child[c]] = true;
	}
	free(in);
}

/* ---- marks ---- */

static bool cell_of(const struct lattice *g, const char *const *code, uint64_t *cell, struct err *e)
{
	uint64_t at = 0;
	for (uint32_t i = 0; i < g->n_dims; i++) {
		uint32_t place = g->dim[i].synthetic ? 0 : lattice_code(&g->dim[i], code[i]);
		if (place == UINT32_MAX)
			return err_set(e, ERR_INVALID, "%s: a code that hier_%s.csv lacks", g->dim[i].name,
			    g->dim[i].name);
		at += place * g->stride[i];
	}
	*cell = at;
	return true;
}

bool lattice_number(const char *text, int64_t *out)
{
	int64_t value = 0;
	if (text[0] == '\0')
		return false;
	for (; *text != '\0'; text++) {
		if (*text < '0' || *text > '9' || value > (int64_t)LIMIT_HASH_TOTAL)
			return false;
		value = 10 * value + (*text - '0');
	}
	*out = value;
	return true;
}

/* before: the cell of the line before, plus 1. */
static bool result_line(struct lattice *g, const struct csvlines *c, uint64_t *before, struct err *e)
{
	const char *code[LATTICE_DIMS_MAX] = { 0 };
	uint64_t cell = 0;
	const char *status = c->field[c->n_columns - 1];
	for (uint32_t i = 0; i < g->n_dims; i++)
		code[i] = g->dim[i].synthetic ? "" : c->field[i];
	if (!cell_of(g, code, &cell, e))
		return false;
	g->out_of_order = g->out_of_order || cell < *before;
	*before = cell + 1;
	if (status[0] == '\0' || status[1] != '\0' || strchr("PHZNAR", status[0]) == NULL)
		return err_set(e, ERR_MALFORMED, "status: P, H, Z, N, A or R is expected");
	if (g->mark[cell] != '-')
		return err_set(e, ERR_MALFORMED, "the cell stands twice");
	const char *freq = c->field[c->n_columns - 2];
	if ((status[0] == 'Z' && strcmp(freq, "0") != 0) ||
	    (strchr("NA", status[0]) != NULL && freq[0] != '\0'))
		return err_set(e, ERR_MALFORMED, "freq: nothing is expected, or 0 for Z");
	g->mark[cell] = (uint8_t)status[0];
	g->shows_hidden = g->shows_hidden || (status[0] == 'H' && freq[0] != '\0');
	g->not_plain = g->not_plain || (freq[0] == '0' && freq[1] != '\0');
	if (status[0] == 'Z')
		g->value[cell] = 0;
	if (status[0] == 'R' && g->near == NULL && (g->near = calloc(g->n_cells, sizeof *g->near)) == NULL)
		return err_set(e, ERR_MEMORY, "no memory");
	if ((status[0] == 'R' && !lattice_number(c->field[c->n_columns - 2], &g->near[cell])) ||
	    (status[0] == 'P' && !lattice_number(c->field[c->n_columns - 2], &g->value[cell])))
		return err_set(e, ERR_MALFORMED, "freq: a whole number is expected");
	return true;
}

bool lattice_open_path(struct csvlines *c, const char *path, struct err *e)
{
	const char *slash = strrchr(path, '/');
	char *dir = slash == NULL ? strdup(".") : strndup(path, (size_t)(slash - path) + 1);
	bool ok = dir != NULL || err_set(e, ERR_MEMORY, "no memory");
	ok = ok && csvlines_open(c, dir, slash == NULL ? path : slash + 1, e);
	free(dir);
	return ok;
}

/* Opens a result and checks its last columns. */
static bool result_open(struct csvlines *c, const char *path, struct err *e)
{
	bool ok = lattice_open_path(c, path, e);
	if (!ok || (c->n_columns >= 3 && strcmp(c->field[c->n_columns - 1], "status") == 0 &&
		       strcmp(c->field[c->n_columns - 2], "freq") == 0))
		return ok;
	err_set(e, ERR_MALFORMED, "the last columns are freq and status");
	return csvlines_at(c, e);
}

/* Dimension i is column i, as header_read found it. */
static bool same_columns(const struct lattice *g, const struct csvlines *c)
{
	bool same = true;
	for (uint32_t i = 0; same && i < g->n_dims; i++)
		same =
		    g->dim[i].synthetic || (i + 2 < c->n_columns && strcmp(g->dim[i].name, c->field[i]) == 0);
	return same;
}

static bool result_read(struct lattice *g, const char *path, struct err *e)
{
	struct csvlines c = { 0 };
	struct err end = { 0 };
	uint64_t before = 0;
	bool ok = result_open(&c, path, e) &&
		  (same_columns(g, &c) || err_set(e, ERR_MALFORMED, "%s: has changed meanwhile", path));
	while (ok && csvlines_next(&c, &end))
		ok = result_line(g, &c, &before, e) || csvlines_at(&c, e);
	if (ok && end.code != ERR_NONE) {
		*e = end;
		ok = false;
	}
	csvlines_close(&c);
	return ok;
}

/* ---- the whole ---- */

static bool shape(struct lattice *g, struct err *e)
{
	g->n_cells = 1;
	for (uint32_t i = g->n_dims; i-- > 0;) {
		g->stride[i] = g->n_cells;
		if (g->dim[i].n_codes == 0 || g->n_cells > LATTICE_CELLS_MAX / g->dim[i].n_codes)
			return err_set(e, ERR_LIMIT, "the table has no cell, or too many");
		g->n_cells *= g->dim[i].n_codes;
	}
	g->mark = malloc(g->n_cells);
	g->value = malloc(g->n_cells * sizeof *g->value);
	if (g->mark == NULL || g->value == NULL)
		return err_set(e, ERR_MEMORY, "no memory");
	memset(g->mark, '-', g->n_cells);
	memset(g->value, 0xff, g->n_cells * sizeof *g->value);
	return true;
}

/* The dimensions, in the order of the result's columns: all but the last two, freq and status. */
static bool header_read(struct lattice *g, const char *dir, const char *result, struct err *e)
{
	struct csvlines c = { 0 };
	bool ok = false;
	if (!result_open(&c, result, e))
		goto done;
	for (size_t i = 0; i + 2 < c.n_columns; i++) {
		if (g->n_dims == LATTICE_DIMS_MAX - 1) {
			err_set(e, ERR_LIMIT, "%s: too many dimensions", c.path);
			goto done;
		}
		if (lattice_dim(g, c.field[i]) != UINT32_MAX) {
			err_set(e, ERR_MALFORMED, "%s: a column stands twice", c.path);
			goto done;
		}
		if (!latticedim_read(&g->dim[g->n_dims++], dir, c.field[i], e))
			goto done;
	}
	ok = g->n_dims > 0 || err_set(e, ERR_MALFORMED, "%s: no dimension", c.path);
done:
	csvlines_close(&c);
	return ok;
}

static bool file_is_there(const char *dir, const char *name)
{
	char path[LATTICE_PATH_MAX];
	snprintf(path, sizeof path, "%s/%s", dir, name);
	return access(path, F_OK) == 0;
}

bool lattice_read(struct lattice *g, const char *dir, const char *result, bool own_offices, struct err *e)
{
	struct buf file = { 0 };
	char own[LATTICE_PATH_MAX];
	*g = (struct lattice){ 0 };
	if (result == NULL && !lattice_result_path(dir, own))
		return err_set(e, ERR_LIMIT, "the name of the folder is too long");
	result = result == NULL ? own : result;
	g->has_forced = file_is_there(dir, "forced.csv") || file_is_there(dir, "grid-forced.csv");
	if (!header_read(g, dir, result, e) || (own_offices && !lattice_offices_read(g, dir, e)) ||
	    !shape(g, e) || !result_read(g, result, e) || !lattice_declared(g, dir, e) ||
	    !lattice_figures(g, dir, result, e) || !lattice_folder_digest(dir, g->digest, e))
		return false;
	bool ok = (g->near == NULL || moved_beside(&g->moved, result, e)) &&
		  protectfiles_read(&file, result, CSVLINES_FILE_MAX, e);
	if (ok)
		crypto_hash_sha256(g->result_digest, file.data, file.size);
	buf_free(&file);
	return ok;
}

void latticedim_free(struct latticedim *d)
{
	for (uint32_t k = 0; k < d->n_codes; k++)
		free(d->code[k]);
	for (uint32_t k = 0; k < d->n_breakdowns; k++)
		free(d->breakdown[k].child);
	free(d->code);
	free(d->breakdown);
	free(d->order);
	free(d->held_from);
	free(d->held);
	free(d->slot);
	free(d->name);
}

void lattice_free(struct lattice *g)
{
	lattice_figures_free(g);
	for (uint32_t i = 0; i < g->n_dims; i++)
		latticedim_free(&g->dim[i]);
	for (uint32_t i = 0; i < LATTICE_DIMS_MAX; i++)
		free(g->born[i]);
	if (g->truth != NULL)
		sodium_memzero(g->truth, g->n_cells * sizeof *g->truth);
	free(g->truth);
	free(g->live);
	free(g->noted);
	free(g->structural);
	free(g->value);
	free(g->mark);
	free(g->near);
	*g = (struct lattice){ 0 };
}
