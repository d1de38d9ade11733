#include "client/protect/latticepart.h"

#include <stdlib.h>
#include <string.h>

typedef void pattern_visit(struct lattice *g, uint8_t *flag, uint64_t cell);

static void set_flag(struct lattice *g, uint8_t *flag, uint64_t cell)
{
	(void)g;
	flag[cell] = 1;
}

/* Every cell a line of patterns names; `*` is any code. */
static bool pattern_line(struct lattice *g, const struct csvlines *c, const size_t *place,
    pattern_visit *visit, uint8_t *flag, struct err *e)
{
	uint32_t from[LATTICE_DIMS_MAX] = { 0 };
	uint32_t to[LATTICE_DIMS_MAX] = { 0 };
	uint32_t at[LATTICE_DIMS_MAX] = { 0 };
	for (uint32_t d = 0; d < g->n_dims; d++) {
		const char *code = g->dim[d].synthetic ? "*" : c->field[place[d]];
		bool any = strcmp(code, "*") == 0;
		from[d] = any ? 0 : lattice_code(&g->dim[d], code);
		if (from[d] == UINT32_MAX)
			return err_set(e, ERR_INVALID, "%s: unknown code", g->dim[d].name);
		to[d] = any ? g->dim[d].n_codes : from[d] + 1;
		at[d] = from[d];
	}
	for (;;) {
		uint64_t cell = 0;
		uint32_t d = g->n_dims;
		for (uint32_t i = 0; i < g->n_dims; i++)
			cell += at[i] * g->stride[i];
		visit(g, flag, cell);
		while (d > 0 && ++at[d - 1] == to[d - 1]) {
			at[d - 1] = from[d - 1];
			d--;
		}
		if (d == 0)
			return true;
	}
}

static bool patterns_read(
    struct lattice *g, const char *dir, const char *name, pattern_visit *visit, uint8_t *flag, struct err *e)
{
	struct csvlines c;
	struct err end = { 0 };
	size_t place[LATTICE_DIMS_MAX] = { 0 };
	bool ok = false;
	char own[160];
	if (!csvlines_open(&c, dir, lattice_file_name(dir, name, own), e)) {
		ok = e->code == ERR_NOT_FOUND;
		if (ok)
			*e = (struct err){ 0 }; /* the file need not be there */
		goto done;
	}
	for (size_t i = 0; i < c.n_columns; i++) {
		uint32_t dim = lattice_dim(g, c.field[i]);
		if (dim == UINT32_MAX) {
			err_set(e, ERR_MALFORMED, "%s: no such dimension", c.field[i]);
			csvlines_at(&c, e);
			goto done;
		}
		place[dim] = i;
	}
	while (csvlines_next(&c, &end))
		if (!pattern_line(g, &c, place, visit, flag, e)) {
			csvlines_at(&c, e);
			goto done;
		}
	ok = end.code == ERR_NONE;
	if (!ok)
		*e = end;
done:
	csvlines_close(&c);
	return ok;
}

/* Along one dimension: every code takes over what its children have (up), or gives them what it has. */
void lattice_spread(const struct lattice *g, uint32_t dim, bool up, uint8_t *flag)
{
	const struct latticedim *d = &g->dim[dim];
	uint64_t stride = g->stride[dim];
	for (uint32_t i = 0; i < d->n_codes; i++) {
		uint32_t code = d->order[up ? i : d->n_codes - 1 - i];
		for (uint32_t b = 0; b < d->n_breakdowns; b++) {
			const struct breakdown *k = &d->breakdown[b];
			for (uint32_t c = 0; k->parent == code && c < k->n; c++) {
				uint8_t *to = flag + (up ? code : k->child[c]) * stride;
				const uint8_t *from = flag + (up ? k->child[c] : code) * stride;
				for (uint64_t base = 0; base < g->n_cells; base += stride * d->n_codes)
					for (uint64_t low = base; low < base + stride; low++)
						to[low] |= from[low];
			}
		}
	}
}

/* Codes of which an office reports as a whole: leaves, and those with nothing but yes/no views. */
static void find_bases(const struct latticedim *d, bool *base)
{
	for (uint32_t i = 0; i < d->n_codes; i++)
		base[i] = true;
	for (uint32_t b = 0; b < d->n_breakdowns; b++)
		base[d->breakdown[b].parent] &= d->breakdown[b].view;
}

/* Parts of sums that are printed, or hidden. */
static void find_parts(const struct lattice *g, uint8_t *part)
{
	for (uint32_t d = 0; d < g->n_dims; d++)
		for (uint32_t b = 0; b < g->dim[d].n_breakdowns; b++) {
			const struct breakdown *k = &g->dim[d].breakdown[b];
			uint64_t stride = g->stride[d];
			for (uint64_t high = 0; high < g->n_cells; high += stride * g->dim[d].n_codes)
				for (uint64_t low = high; low < high + stride; low++)
					for (uint32_t i = 0; i < k->n; i++)
						part[low + k->child[i] * stride] |=
						    strchr("PHR", g->mark[low + k->parent * stride]) != NULL;
		}
}

/* Some part of a base is printed, so there may be persons there: whatever was not reported of the same base by another
 * view may be some of them. */
static void spread_views(const struct lattice *g, uint32_t dim, const uint8_t *missing, uint8_t *alive)
{
	const struct latticedim *d = &g->dim[dim];
	uint64_t stride = g->stride[dim];
	for (uint32_t i = d->n_codes; i-- > 0;)
		for (uint32_t b = 0; b < d->n_breakdowns; b++) {
			const struct breakdown *k = &d->breakdown[b];
			for (uint32_t c = 0; k->view && k->parent == d->order[i] && c < k->n; c++)
				for (uint64_t base = 0; base < g->n_cells; base += stride * d->n_codes)
					for (uint64_t low = base; low < base + stride; low++)
						alive[low + k->child[c] * stride] |=
						    alive[low + k->parent * stride] &
						    missing[low + k->child[c] * stride];
		}
}

/* Rule R12 as a reader can see it. A figure marked not reported or not asked adds nothing to any printed sum,
 * nor do its parts, unless it, or one of them that no table prints, may be a part of a total that was reported (covered.csv),
 * or some part of it is printed. A sum over several offices or groups carries the mark for the sake of one of them: it is
 * unknown, unless it is part of a sum that was printed without it; and so is what is only left out of the tables (absent.csv). */
static bool close_missing(struct lattice *g, const uint8_t *absent, uint8_t *alive, uint8_t *missing)
{
	uint8_t *part = calloc(g->n_cells, 1);
	if (part == NULL)
		return false;
	find_parts(g, part);
	for (uint32_t d = 0; d < g->n_dims; d++)
		lattice_spread(g, d, false, alive);
	for (uint64_t c = 0; c < g->n_cells; c++) {
		missing[c] = g->mark[c] == 'N' || g->mark[c] == 'A';
		alive[c] = ((alive[c] != 0 || (absent[c] != 0 && g->value[c] != 0)) && missing[c] != 0) ||
			   (alive[c] != 0 && g->mark[c] == '-') || strchr("PHR", g->mark[c]) != NULL;
	}
	for (uint32_t d = 0; d < g->n_dims; d++)
		lattice_spread(g, d, true, alive);
	for (uint32_t d = 0; d < g->n_dims; d++)
		spread_views(g, d, missing, alive);
	for (uint32_t d = 0; d < g->n_dims; d++) {
		bool *base = calloc(g->dim[d].n_codes, sizeof *base);
		if (base == NULL) {
			free(part);
			return false;
		}
		find_bases(&g->dim[d], base);
		for (uint64_t c = 0; c < g->n_cells; c++)
			missing[c] &= base[lattice_place(g, c, d)] || (g->dim[d].synthetic && part[c] != 0);
		free(base);
	}
	free(part);
	for (uint64_t c = 0; c < g->n_cells; c++)
		missing[c] &= !alive[c];
	for (uint32_t d = 0; d < g->n_dims; d++)
		lattice_spread(g, d, false, missing);
	for (uint64_t c = 0; c < g->n_cells; c++)
		if (missing[c] != 0 && strchr("PHR", g->mark[c]) == NULL)
			g->value[c] = 0;
	return true;
}

/* What is declared of a total holds for every cell below it. */
static void set_structural(struct lattice *g, uint8_t *structural)
{
	for (uint32_t d = 0; d < g->n_dims; d++)
		lattice_spread(g, d, false, structural);
	for (uint64_t c = 0; c < g->n_cells; c++)
		if (structural[c] != 0 && strchr("-NA", g->mark[c]) != NULL)
			g->value[c] = 0;
}

/* absent.csv: never printed, whatever the tables say; so a row of such a cell is marked A. */
static uint64_t find_not_absent(const struct lattice *g, const uint8_t *absent)
{
	for (uint64_t c = 0; c < g->n_cells; c++)
		if (absent[c] != 0 && strchr("A-", g->mark[c]) == NULL)
			return c;
	return UINT64_MAX;
}

bool lattice_declared(struct lattice *g, const char *dir, struct err *e)
{
	uint8_t *alive = malloc(g->n_cells);
	uint8_t *missing = calloc(g->n_cells, 1);
	uint8_t *absent = calloc(g->n_cells, 1);
	uint8_t *structural = calloc(g->n_cells, 1);
	g->noted = calloc(g->n_cells, 1);
	bool ok =
	    (alive != NULL && missing != NULL && absent != NULL && structural != NULL && g->noted != NULL) ||
	    err_set(e, ERR_MEMORY, "no memory");
	ok = ok && patterns_read(g, dir, "structural.csv", set_flag, structural, e) &&
	     patterns_read(g, dir, "covered.csv", set_flag, g->noted, e) &&
	     patterns_read(g, dir, "absent.csv", set_flag, absent, e);
	if (ok) {
		g->not_absent = find_not_absent(g, absent);
		set_structural(g, structural);
		memcpy(alive, g->noted, g->n_cells);
		ok = close_missing(g, absent, alive, missing) || err_set(e, ERR_MEMORY, "no memory");
	}
	free(alive);
	free(absent);
	free(missing);
	g->structural = structural;
	return ok;
}
