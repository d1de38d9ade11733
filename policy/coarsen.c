#include "policy/coarsen.h"

#include <stdlib.h>
#include <string.h>

static bool no_memory(struct err *e)
{
	return err_set(e, ERR_MEMORY, "no memory for a coarser table");
}

/* ---- what is printed, as lists of its own ---- */

static bool copy_printed(struct printed *to, const struct table_input *t, const struct printed *from)
{
	*to = (struct printed){ 0 };
	if (from != NULL)
		memcpy(to->id, from->id, sizeof to->id);
	else
		memcpy(to->id, "all", sizeof "all");
	for (size_t d = 0; d < t->n_dims; d++) {
		bool added = t->added_office && d + 1 == t->n_dims;
		to->set[d] = calloc((size_t)t->dim[d].n_codes + 1, 1);
		if (to->set[d] == NULL)
			return false;
		if (from != NULL)
			memcpy(to->set[d], from->set[d], t->dim[d].n_codes);
		else
			memset(to->set[d], 1, added ? 1 : t->dim[d].n_codes);
	}
	return true;
}

bool coarse_begin(struct coarse *c, const struct table_input *from, struct err *e)
{
	size_t n = from->n_printed == 0 ? 1 : from->n_printed;
	memset(c, 0, sizeof *c);
	c->t = *from;
	c->t.n_printed = 0;
	c->t.printed = calloc(n, sizeof *c->t.printed);
	if (c->t.printed == NULL)
		return no_memory(e);
	for (size_t i = 0; i < n; i++) {
		c->t.n_printed++;
		if (!copy_printed(&c->t.printed[i], from, from->n_printed == 0 ? NULL : &from->printed[i]))
			return no_memory(e);
	}
	for (size_t d = 0; d < from->n_dims; d++) {
		c->dropped[d] = calloc((size_t)from->dim[d].n_codes + 1, 1);
		if (c->dropped[d] == NULL)
			return no_memory(e);
	}
	return true;
}

void coarse_free(struct coarse *c)
{
	for (size_t i = 0; i < c->t.n_printed; i++)
		for (size_t d = 0; d < TABLE_DIMS_MAX; d++)
			free(c->t.printed[i].set[d]);
	for (size_t d = 0; d < TABLE_DIMS_MAX; d++)
		free(c->dropped[d]);
	free(c->t.printed);
	free(c->step);
	memset(c, 0, sizeof *c);
}

/* ---- which codes ---- */

void coarse_below(const struct dim *d, uint32_t code, uint8_t *out)
{
	memset(out, 0, d->n_codes);
	for (uint32_t i = d->n_codes; i-- > 0;) { /* parents before children */
		uint32_t parent = d->order[i];
		if (parent != code && out[parent] == 0)
			continue;
		for (uint32_t k = 0; k < list_size(&d->down, parent); k++) {
			const struct breakdown *b = dim_down(d, parent, k);
			for (uint32_t j = 0; j < b->n && (parent != code || !b->view); j++)
				out[d->child[b->first + j]] = 1;
		}
	}
}

/* None of the codes stands under another parent too. */
static bool stand_nowhere_else(const struct dim *d, uint32_t code, const uint8_t *below)
{
	for (uint32_t i = 0; i < d->n_codes; i++) {
		if (below[i] == 0)
			continue;
		for (uint32_t k = 0; k < list_size(&d->up, i); k++) {
			uint32_t parent = d->breakdown[list_at(&d->up, i)[k]].parent;
			if (parent != code && below[parent] == 0)
				return false;
		}
	}
	return true;
}

static bool in_derived(const struct table_input *t, size_t dim, const uint8_t *below)
{
	for (size_t i = 0; i < t->n_derived; i++) {
		const struct derived_figure *f = &t->derived[i];
		if (below[table_coord(t, f->numerator, dim)] != 0 ||
		    (f->denominator != UINT64_MAX && below[table_coord(t, f->denominator, dim)] != 0))
			return true;
	}
	return false;
}

bool coarse_may(const struct coarse *c, size_t dim, uint32_t code)
{
	const struct dim *d = &c->t.dim[dim];
	if (dim_is_atom(d, code) || c->dropped[dim][code] != 0 ||
	    (c->t.added_office && dim + 1 == c->t.n_dims))
		return false;
	uint8_t *below = malloc((size_t)d->n_codes + 1);
	if (below == NULL)
		return false;
	coarse_below(d, code, below);
	uint32_t left = 0;
	for (uint32_t i = 0; i < d->n_codes; i++)
		left += below[i] != 0 && c->dropped[dim][i] == 0;
	bool may = left > 0 && stand_nowhere_else(d, code, below) && !in_derived(&c->t, dim, below);
	free(below);
	return may;
}

static uint64_t printed_below(const struct grid *g, size_t dim, uint32_t code)
{
	const struct dim *d = &g->t->dim[dim];
	uint64_t n = 0;
	uint8_t *below = malloc((size_t)d->n_codes + 1);
	if (below == NULL)
		return UINT64_MAX;
	coarse_below(d, code, below);
	for (uint32_t c = 0; c < g->n_cells; c++)
		n += g->mark[c] != '-' && below[grid_coord(g, c, dim)] != 0;
	free(below);
	return n;
}

bool coarse_choose(const struct coarse *c, const struct grid *g, uint32_t cell, size_t *dim, uint32_t *code)
{
	uint64_t least = UINT64_MAX;
	for (size_t d = 0; d < g->t->n_dims; d++) {
		const struct dim *dm = &g->t->dim[d];
		uint32_t own = grid_coord(g, cell, d);
		for (uint32_t i = 1; i < list_size(&dm->above, own); i++) { /* nearest first */
			uint32_t upper = list_at(&dm->above, own)[i];
			if (g->mark[grid_with(g, cell, d, upper)] == '-' || !coarse_may(c, d, upper))
				continue;
			uint64_t n = printed_below(g, d, upper);
			if (n < least) {
				least = n;
				*dim = d;
				*code = upper;
			}
			break;
		}
	}
	return least != UINT64_MAX;
}

bool coarse_take(struct coarse *c, size_t dim, uint32_t code, struct err *e)
{
	const struct dim *d = &c->t.dim[dim];
	if (c->n_steps == c->room_steps) {
		uint32_t room = c->room_steps == 0 ? 16 : 2 * c->room_steps;
		struct coarse_step *more = realloc(c->step, room * sizeof *more);
		if (more == NULL)
			return no_memory(e);
		c->step = more;
		c->room_steps = room;
	}
	c->step[c->n_steps++] = (struct coarse_step){ dim, code };
	uint8_t *below = malloc((size_t)d->n_codes + 1);
	if (below == NULL)
		return no_memory(e);
	coarse_below(d, code, below);
	for (uint32_t i = 0; i < d->n_codes; i++) {
		if (below[i] == 0)
			continue;
		c->dropped[dim][i] = 1;
		for (size_t k = 0; k < c->t.n_printed; k++)
			c->t.printed[k].set[dim][i] = 0;
	}
	free(below);
	return true;
}
