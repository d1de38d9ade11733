#include "client/protect/latticepart.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/limits.h"

/* value[parent] = sum of the children of its first breakdown, one dimension after another. */
static void sum_up(struct lattice *g)
{
	for (uint32_t d = 0; d < g->n_dims; d++) {
		const struct latticedim *dim = &g->dim[d];
		uint64_t stride = g->stride[d];
		for (uint32_t i = 0; i < dim->n_codes; i++) {
			const struct breakdown *b = dim->breakdown;
			uint32_t k = 0;
			while (k < dim->n_breakdowns && b[k].parent != dim->order[i])
				k++;
			if (k == dim->n_breakdowns)
				continue;
			for (uint64_t base = 0; base < g->n_cells; base += stride * dim->n_codes)
				for (uint64_t low = base; low < base + stride; low++) {
					int64_t sum = 0;
					for (uint32_t c = 0; c < b[k].n; c++)
						sum += g->truth[low + b[k].child[c] * stride];
					g->truth[low + dim->order[i] * stride] = sum;
				}
		}
	}
}

/* One relation: a parent without a live part is dead, parts of a dead parent are. True if that changed anything. */
static bool settle(struct lattice *g, const struct breakdown *b, uint64_t base, uint64_t stride)
{
	uint8_t *parent = &g->live[base + b->parent * stride];
	uint8_t any = 0;
	for (uint32_t i = 0; i < b->n; i++)
		any |= g->live[base + b->child[i] * stride];
	if (*parent == any)
		return false;
	*parent = 0;
	for (uint32_t i = 0; i < b->n; i++)
		g->live[base + b->child[i] * stride] = 0;
	return true;
}

/* What is live above live leaves; then dead cells take their parts and their totals along. */
static void live_up(struct lattice *g)
{
	for (uint32_t d = 0; d < g->n_dims; d++)
		lattice_spread(g, d, true, g->live);
	for (bool changed = true; changed;) {
		changed = false;
		for (uint32_t d = 0; d < g->n_dims; d++)
			for (uint32_t b = 0; b < g->dim[d].n_breakdowns; b++) {
				uint64_t block = g->stride[d] * g->dim[d].n_codes;
				for (uint64_t high = 0; high < g->n_cells; high += block)
					for (uint64_t low = high; low < high + g->stride[d]; low++)
						changed |=
						    settle(g, &g->dim[d].breakdown[b], low, g->stride[d]);
			}
	}
}

/* Before cells.csv is read: every inner cell that is not zero by definition; a printed nought is no declaration, Z or not. */
static void live_begin(struct lattice *g)
{
	for (uint64_t c = 0; c < g->n_cells; c++) {
		bool only_said = g->mark[c] == 'Z' && g->structural != NULL && g->structural[c] == 0;
		g->live[c] = g->value[c] != 0 || g->mark[c] == 'P' || only_said;
		for (uint32_t d = 0; g->live[c] != 0 && d < g->n_dims; d++)
			g->live[c] = lattice_is_leaf(&g->dim[d], lattice_place(g, c, d));
	}
}

/* The cell of a line of cells.csv: inner codes only. */
static bool truth_cell(
    const struct lattice *g, const struct csvlines *c, const size_t *place, uint64_t *cell, struct err *e)
{
	for (uint32_t i = 0; i < g->n_dims; i++) {
		uint32_t code = lattice_code(&g->dim[i], c->field[place[i]]);
		if (code == UINT32_MAX)
			return err_set(e, ERR_INVALID, "%s: unknown code", g->dim[i].name);
		if (!lattice_is_leaf(&g->dim[i], code))
			return err_set(
			    e, ERR_INVALID, "%s: a total: only inner cells are given", g->dim[i].name);
		*cell += code * g->stride[i];
	}
	return true;
}

/* total: of all lines so far, so that no sum can pass 2^62. */
static bool truth_value(const char *text, int64_t *total, int64_t *value, struct err *e)
{
	*value = 0;
	if (text[0] != '\0' && !lattice_number(text, value))
		return err_set(e, ERR_MALFORMED, "freq: a whole number is expected");
	if (*value >= (int64_t)LIMIT_VALUE || *value > INT64_MAX / 2 - *total)
		return err_set(e, ERR_LIMIT, "freq: larger than any count of people");
	*total += *value;
	return true;
}

static bool truth_once(uint8_t *seen, uint64_t cell, struct err *e)
{
	if (seen[cell] != 0)
		return err_set(e, ERR_INVALID, "this cell was given before");
	seen[cell] = 1;
	return true;
}

bool lattice_truth(struct lattice *g, const char *dir, struct err *e)
{
	char path[LATTICE_PATH_MAX];
	snprintf(path, sizeof path, "%s/cells.csv", dir);
	return lattice_truth_file(g, path, e);
}

bool lattice_truth_file(struct lattice *g, const char *path, struct err *e)
{
	struct csvlines c;
	struct err end = { 0 };
	size_t place[LATTICE_DIMS_MAX];
	size_t freq = SIZE_MAX;
	size_t status = SIZE_MAX;
	uint32_t n_places = 0;
	int64_t total = 0;
	bool parts = false; /* a cell is parted among contributors that are no dimension here */
	bool ok = false;
	for (uint32_t i = 0; i < LATTICE_DIMS_MAX; i++)
		place[i] = SIZE_MAX;
	uint8_t *seen = calloc(g->n_cells, 1);
	g->truth = calloc(g->n_cells, sizeof *g->truth);
	g->live = calloc(g->n_cells, 1);
	if (g->truth == NULL || g->live == NULL || seen == NULL) {
		free(seen);
		return err_set(e, ERR_MEMORY, "no memory");
	}
	if (!lattice_open_path(&c, path, e)) {
		free(seen);
		return false;
	}
	for (size_t i = 0; i < c.n_columns; i++) {
		uint32_t dim = lattice_dim(g, c.field[i]);
		if (dim != UINT32_MAX) {
			n_places += place[dim] == SIZE_MAX;
			place[dim] = i;
		} else if (strcmp(c.field[i], "freq") == 0)
			freq = i;
		else if (strcmp(c.field[i], "status") == 0)
			status = i;
		else
			parts = true;
	}
	live_begin(g);
	if (freq == SIZE_MAX || n_places != g->n_dims) {
		err_set(e, ERR_MALFORMED, "%s: its columns are the dimensions and freq", c.path);
		goto done;
	}
	while (csvlines_next(&c, &end)) {
		uint64_t cell = 0;
		int64_t value = 0;
		if (!truth_cell(g, &c, place, &cell, e) || !truth_value(c.field[freq], &total, &value, e) ||
		    (!parts && !truth_once(seen, cell, e))) {
			csvlines_at(&c, e);
			goto done;
		}
		g->truth[cell] += value;
		if (status == SIZE_MAX || c.field[status][0] == '\0')
			continue;
		if (strcmp(c.field[status], "blank") == 0)
			g->noted[cell] |= 2;
		else
			g->live[cell] = 0;
	}
	ok = end.code == ERR_NONE;
	if (ok) {
		sum_up(g);
		live_up(g);
	} else {
		*e = end;
	}
done:
	free(seen);
	csvlines_close(&c);
	return ok;
}

bool lattice_noughts_declared(const struct lattice *g, struct err *e)
{
	struct lattice own = *g;
	if (memchr(g->mark, 'Z', g->n_cells) == NULL)
		return true;
	own.live = calloc(g->n_cells, 1);
	bool ok = own.live != NULL || err_set(e, ERR_MEMORY, "no memory");
	if (ok) {
		live_begin(&own);
		live_up(&own);
		ok = lattice_noughts_hold(&own, e);
	}
	free(own.live);
	return ok;
}

bool lattice_noughts_hold(const struct lattice *g, struct err *e)
{
	struct buf name = { 0 };
	uint64_t c = 0;
	while (c < g->n_cells && (g->mark[c] != 'Z' || g->live[c] == 0))
		c++;
	if (c == g->n_cells)
		return true;
	lattice_name(g, c, &name);
	err_set(e, ERR_CRYPTO, "cell %.*s: Z, but something can be there", (int)name.size,
	    (const char *)name.data);
	buf_free(&name);
	return false;
}
