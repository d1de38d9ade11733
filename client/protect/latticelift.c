#include "client/protect/latticepart.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct lift {
	struct lattice *g;
	const struct lattice *to;
	uint32_t *place[LATTICE_DIMS_MAX]; /* by code of g: the same code in `to` */
	bool *born[LATTICE_DIMS_MAX];      /* by code of `to`: g has none of it */
	struct err *e;
};

static bool no_memory(struct err *e)
{
	return err_set(e, ERR_MEMORY, "no memory");
}

/* ---- do the lists go together? ---- */

static bool find_codes(struct lift *l, uint32_t dim)
{
	const struct latticedim *old = &l->g->dim[dim];
	const struct latticedim *now = &l->to->dim[dim];
	l->place[dim] = malloc(old->n_codes * sizeof *l->place[dim]);
	l->born[dim] = malloc(now->n_codes * sizeof *l->born[dim]);
	if (l->place[dim] == NULL || l->born[dim] == NULL)
		return no_memory(l->e);
	for (uint32_t i = 0; i < now->n_codes; i++)
		l->born[dim][i] = true;
	for (uint32_t i = 0; i < old->n_codes; i++) {
		uint32_t at = l->place[dim][i] = lattice_code(now, old->code[i]);
		if (at == UINT32_MAX)
			return err_set(l->e, ERR_INVALID, "dimension %s: the later release lacks code %s",
			    old->name, old->code[i]);
		l->born[dim][at] = false;
	}
	return true;
}

static uint32_t count_views(const struct latticedim *d, uint32_t code)
{
	uint32_t n = 0;
	for (uint32_t b = 0; b < d->n_breakdowns; b++)
		n += d->breakdown[b].parent == code && d->breakdown[b].view;
	return n;
}

static bool has_view(const struct lift *l, uint32_t dim, const struct breakdown *v)
{
	const struct latticedim *now = &l->to->dim[dim];
	for (uint32_t b = 0; b < now->n_breakdowns; b++) {
		const struct breakdown *k = &now->breakdown[b];
		bool same = k->view && k->parent == l->place[dim][v->parent] && k->n == v->n;
		for (uint32_t i = 0; same && i < v->n; i++)
			same = k->child[i] == l->place[dim][v->child[i]];
		if (same)
			return true;
	}
	return false;
}

/* A code means the same where the same old leaves are below it, and it is asked the same questions. */
static bool means_the_same(const struct lift *l, uint32_t dim, uint32_t code, bool *before, bool *after)
{
	const struct latticedim *old = &l->g->dim[dim];
	const struct latticedim *now = &l->to->dim[dim];
	uint32_t at = l->place[dim][code];
	uint32_t n = 0;
	lattice_leaves(old, code, before);
	lattice_leaves(now, at, after);
	for (uint32_t i = 0; i < old->n_codes; i++) {
		if (before[i] && !after[l->place[dim][i]])
			return false;
		n += before[i];
	}
	for (uint32_t i = 0; i < now->n_codes; i++)
		n -= after[i] && !l->born[dim][i];
	return n == 0 && count_views(old, code) == count_views(now, at);
}

static bool dim_fits(struct lift *l, uint32_t dim)
{
	const struct latticedim *old = &l->g->dim[dim];
	bool *before = calloc(old->n_codes, sizeof *before);
	bool *after = calloc(l->to->dim[dim].n_codes, sizeof *after);
	bool ok = (before != NULL && after != NULL) || no_memory(l->e);
	for (uint32_t i = 0; ok && i < old->n_codes; i++)
		ok = means_the_same(l, dim, i, before, after) ||
		     err_set(l->e, ERR_INVALID, "dimension %s: %s is something else in the later release",
			 old->name, old->code[i]);
	for (uint32_t b = 0; ok && b < old->n_breakdowns; b++)
		ok = !old->breakdown[b].view || has_view(l, dim, &old->breakdown[b]) ||
		     err_set(l->e, ERR_INVALID, "dimension %s: a view of %s is another in the later release",
			 old->name, old->code[old->breakdown[b].parent]);
	free(before);
	free(after);
	return ok;
}

static bool lists_fit(struct lift *l)
{
	bool ok = l->g->n_dims == l->to->n_dims;
	for (uint32_t d = 0; ok && d < l->g->n_dims; d++)
		ok = strcmp(l->g->dim[d].name, l->to->dim[d].name) == 0 &&
		     l->g->dim[d].synthetic == l->to->dim[d].synthetic;
	if (!ok)
		return err_set(l->e, ERR_INVALID, "other dimensions than the later release");
	for (uint32_t d = 0; ok && d < l->g->n_dims; d++)
		ok = find_codes(l, d) && dim_fits(l, d);
	return ok;
}

/* ---- the cells ---- */

static uint64_t cell_in(const struct lift *l, uint64_t cell)
{
	uint64_t at = 0;
	for (uint32_t d = 0; d < l->g->n_dims; d++) {
		assert(l->place[d] != NULL); /* lists_fit made one for each */
		at += l->place[d][lattice_place(l->g, cell, d)] * l->to->stride[d];
	}
	return at;
}

/* Where the earlier release had nobody: no old leaf below the cell. */
static bool find_empty(const struct lift *l, uint8_t *some)
{
	for (uint64_t c = 0; c < l->to->n_cells; c++) {
		some[c] = 1;
		for (uint32_t d = 0; some[c] != 0 && d < l->to->n_dims; d++) {
			uint32_t code = lattice_place(l->to, c, d);
			some[c] = !l->born[d][code] && lattice_is_leaf(&l->to->dim[d], code);
		}
	}
	for (uint32_t d = 0; d < l->to->n_dims; d++)
		lattice_spread(l->to, d, true, some);
	return true;
}

static bool lift_cells(struct lift *l)
{
	struct lattice *g = l->g;
	uint64_t n = l->to->n_cells;
	uint8_t *mark = malloc(n);
	int64_t *value = malloc(n * sizeof *value);
	uint8_t *noted = calloc(n, 1);
	uint8_t *some = calloc(n, 1);
	bool ok = (mark != NULL && value != NULL && noted != NULL && some != NULL && find_empty(l, some)) ||
		  no_memory(l->e);
	for (uint64_t c = 0; ok && c < n; c++) {
		mark[c] = '-';
		value[c] = some[c] != 0 ? -1 : 0;
	}
	for (uint64_t c = 0; ok && c < g->n_cells; c++) {
		uint64_t at = cell_in(l, c);
		mark[at] = g->mark[c];
		value[at] = g->value[c];
		noted[at] = g->noted[c];
	}
	for (uint32_t i = 0; ok && i < g->n_figures; i++) {
		g->figure[i].numerator = cell_in(l, g->figure[i].numerator);
		if (g->figure[i].denominator != UINT64_MAX)
			g->figure[i].denominator = cell_in(l, g->figure[i].denominator);
	}
	free(some);
	free(ok ? g->mark : mark);
	free(ok ? g->value : value);
	free(ok ? g->noted : noted);
	free(g->structural);
	g->structural = NULL;
	if (ok) {
		g->mark = mark;
		g->value = value;
		g->noted = noted;
	}
	return ok;
}

/* ---- the dimensions ---- */

static bool copy_codes(struct latticedim *out, const struct latticedim *d)
{
	out->code = calloc(d->n_codes, sizeof *out->code);
	for (; out->code != NULL && out->n_codes < d->n_codes; out->n_codes++)
		if ((out->code[out->n_codes] = strdup(d->code[out->n_codes])) == NULL)
			return false;
	out->order = malloc(d->n_codes * sizeof *d->order);
	out->slot = malloc((d->n_slots + (size_t)1) * sizeof *d->slot);
	if (out->code == NULL || out->order == NULL || out->slot == NULL)
		return false;
	memcpy(out->order, d->order, d->n_codes * sizeof *d->order);
	memcpy(out->slot, d->slot, d->n_slots * sizeof *d->slot);
	out->n_slots = d->n_slots;
	return true;
}

static bool copy_breakdowns(struct latticedim *out, const struct latticedim *d)
{
	out->breakdown = calloc(d->n_breakdowns + (size_t)1, sizeof *out->breakdown);
	if (out->breakdown == NULL)
		return false;
	for (uint32_t i = 0; i < d->n_breakdowns; i++) {
		struct breakdown *b = &out->breakdown[i];
		*b = d->breakdown[i];
		b->child = malloc(b->n * sizeof *b->child);
		out->n_breakdowns = i + 1;
		if (b->child == NULL)
			return false;
		memcpy(b->child, d->breakdown[i].child, b->n * sizeof *b->child);
	}
	return true;
}

static bool lift_dimensions(struct lift *l)
{
	for (uint32_t i = 0; i < l->to->n_dims; i++) {
		struct latticedim *d = &l->g->dim[i];
		const struct latticedim *from = &l->to->dim[i];
		char *name = d->name;
		d->name = NULL;
		latticedim_free(d);
		*d = (struct latticedim){ .name = name, .synthetic = from->synthetic };
		if (!copy_codes(d, from) || !copy_breakdowns(d, from) || !latticedim_index(d))
			return no_memory(l->e);
		l->g->stride[i] = l->to->stride[i];
	}
	l->g->n_cells = l->to->n_cells;
	return true;
}

bool lattice_lift(struct lattice *g, const struct lattice *to, struct err *e)
{
	struct lift l = { .g = g, .to = to, .e = e };
	if (g->near != NULL || g->truth != NULL)
		return err_set(e, ERR_UNSUPPORTED, "other lists of codes than the later release");
	bool ok = lists_fit(&l) && lift_cells(&l) && lift_dimensions(&l);
	for (uint32_t d = 0; d < LATTICE_DIMS_MAX; d++) {
		free(l.place[d]);
		free(g->born[d]);
		g->born[d] = l.born[d];
	}
	return ok;
}

bool lattice_is_listed(const struct lattice *g, uint64_t cell)
{
	for (uint32_t d = 0; d < g->n_dims; d++)
		if (g->born[d] != NULL && g->born[d][lattice_place(g, cell, d)])
			return false;
	return true;
}

void lattice_between(const struct lattice *a, const struct lattice *b, uint8_t *out)
{
	bool counted = a->live != NULL && b->live != NULL;
	for (uint64_t c = 0; c < a->n_cells; c++) {
		bool inner = lattice_is_listed(a, c) != lattice_is_listed(b, c) &&
			     (!counted || a->live[c] != 0 || b->live[c] != 0);
		for (uint32_t d = 0; inner && d < a->n_dims; d++)
			inner = lattice_is_leaf(&a->dim[d], lattice_place(a, c, d));
		if (inner)
			out[c] = 1;
	}
	for (uint32_t d = 0; d < a->n_dims; d++)
		lattice_spread(a, d, true, out);
}
