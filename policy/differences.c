/* What two releases of a period tell together: needs on the joint grid's differences (ledger.h). */
#include <stdlib.h>

#include "policy/ledger.h"

#define COALITION_SETS_MAX 100000u /* of changed offices below one cell that are looked at */

struct difference {
	const struct grid *g;
	uint32_t cell;
	int64_t value;
	uint32_t changed; /* offices below it that sent other figures */
	uint32_t sole;    /* the only one, or NONE */
	uint32_t whole;   /* one whose own change is all there is, or NONE */
	uint32_t *office; /* the changed ones */
	int64_t *own;     /* the change of each */
};

static int64_t size_of(int64_t v)
{
	return v < 0 ? -v : v;
}

/* A change of a few persons. None at all is no secret: that an office did not change is known. */
static bool is_few(const struct grid *g, int64_t v)
{
	return v != 0 && size_of(v) < (int64_t)g->p->threshold;
}

static int32_t amplitude(const struct grid *g, int64_t v)
{
	int64_t up = (int64_t)g->p->threshold - size_of(v);
	return (int32_t)(up > (int64_t)g->p->width ? up : (int64_t)g->p->width);
}

static void find_shares(struct difference *d)
{
	const struct grid *g = d->g;
	d->changed = 0;
	d->sole = d->whole = NONE;
	if (g->office_dim == SIZE_MAX)
		return;
	const struct dim *dim = &g->t->dim[g->office_dim];
	uint32_t code = grid_coord(g, d->cell, g->office_dim);
	for (uint32_t i = 0; i < list_size(&dim->atoms, code); i++) {
		uint32_t office = list_at(&dim->atoms, code)[i];
		uint32_t part = grid_with(g, d->cell, g->office_dim, office);
		if (g->kind[part] == KIND_DEAD)
			continue;
		d->office[d->changed] = office;
		d->own[d->changed++] = g->value[part];
		if (g->value[part] == d->value && d->value != 0)
			d->whole = office;
	}
	if (d->changed == 1)
		d->sole = d->office[0];
}

static bool push(const struct difference *d, struct needs *n, struct need need, int64_t v, struct err *e)
{
	need.cell = d->cell;
	need.virt = NONE;
	need.band = NONE;
	need.rules = RULE_DIFFERENCE;
	need.dir = v < 0 ? -1 : 1;
	for (need.slot = 0; need.slot < need.slots; need.slot++)
		if (!needs_add(n, need, e))
			return false;
	return true;
}

/* Against everybody: moves in the difference's own direction, enough of them that no office touches all. */
static bool against_all(
    const struct difference *d, struct needs *n, enum guarantee level, uint32_t exempt, struct err *e)
{
	bool offices = level >= LEVEL_3 && d->g->office_dim != SIZE_MAX;
	struct need need = { .avoid = NONE,
		.exempt = offices ? exempt : NONE,
		.slots = (uint8_t)(offices ? d->g->p->coalition + 1 : 1),
		.amp = level == LEVEL_1 ? 0 : amplitude(d->g, d->value) };
	return push(d, n, need, d->value, e);
}

/* R3 for differences: who takes off his own change must not be left with a few. Who changed nothing here has nothing to
 * take off: the moves against everybody stand for him. */
static bool against_offices(const struct difference *d, struct needs *n, struct err *e)
{
	for (uint32_t i = 0; i < d->changed; i++) {
		int64_t rest = d->value - d->own[i];
		struct need need = {
			.avoid = d->office[i], .exempt = NONE, .slots = 1, .amp = amplitude(d->g, rest)
		};
		if (d->office[i] != d->sole && d->own[i] != 0 && is_few(d->g, rest) &&
		    !push(d, n, need, rest, e))
			return false;
	}
	return true;
}

/* Is there a set of at most `left` of the changed offices from place `from` on, but not of all, that would be
 * left with a few? Depth is bounded by the coalition's size. More sets than the bound: taken for yes. */
static bool coalition_learns(
    const struct difference *d, uint32_t from, uint32_t left, int64_t rest, uint32_t taken, uint32_t *sets)
{
	if (++*sets > COALITION_SETS_MAX)
		return true;
	if (taken > 0 && taken < d->changed && is_few(d->g, rest))
		return true;
	for (uint32_t i = from; left > 0 && i < d->changed; i++)
		if (coalition_learns(d, i + 1, left - 1, rest - d->own[i], taken + 1, sets))
			return true;
	return false;
}

/* Coalitions get disjoint slots in both directions, each as far as any rest could ask for. */
static bool against_coalitions(const struct difference *d, struct needs *n, struct err *e)
{
	uint32_t sets = 0;
	if (!is_few(d->g, d->value) && !coalition_learns(d, 0, d->g->p->coalition, d->value, 0, &sets))
		return true;
	struct need need = { .avoid = NONE,
		.exempt = d->sole,
		.slots = (uint8_t)(d->g->p->coalition + 1),
		.amp = amplitude(d->g, 1) };
	return push(d, n, need, 1, e) && push(d, n, need, -1, e);
}

static bool find_difference(struct difference *d, struct needs *n, enum guarantee level, struct err *e)
{
	const struct grid *g = d->g;
	bool offices = level >= LEVEL_3 && g->office_dim != SIZE_MAX;
	find_shares(d);
	if (offices && g->p->coalition > 1 && g->p->residual != RESIDUAL_NO)
		return against_coalitions(d, n, e);
	if (is_few(g, d->value) && !against_all(d, n, level, d->sole != NONE ? d->sole : d->whole, e))
		return false;
	return !offices || g->p->residual == RESIDUAL_NO || against_offices(d, n, e);
}

/* A difference counts where both releases have the cell in their tables; where both printed it, it has left. */
static bool is_asked(const struct ledger *l, const struct grid *g, const struct span *s, uint32_t c)
{
	uint32_t from = ledger_release_code(l, s->from) * l->size + c;
	uint32_t to = ledger_release_code(l, s->to) * l->size + c;
	return g->mark[from] == 'P' && g->mark[to] == 'P' && g->kind[from] != KIND_DEAD &&
	       g->kind[to] != KIND_DEAD && !(grid_is_out(g, from) && grid_is_out(g, to));
}

bool differences_find(struct grid *g, enum guarantee level, struct needs *n, struct err *e)
{
	const struct ledger *l = g->ledger;
	struct difference d = { .g = g };
	bool ok = true;
	if (l == NULL)
		return true;
	uint32_t most = g->office_dim == SIZE_MAX ? 1 : g->t->dim[g->office_dim].n_codes;
	d.office = calloc(most, sizeof *d.office);
	d.own = calloc(most, sizeof *d.own);
	if (d.office == NULL || d.own == NULL)
		ok = err_set(e, ERR_MEMORY, "no memory for the differences");
	for (uint32_t i = 0; ok && i < l->n_spans; i++)
		for (uint32_t c = 0; ok && c < l->size; c++) {
			d.cell = ledger_span_code(l, i) * l->size + c;
			d.value = g->value[d.cell];
			if (g->kind[d.cell] != KIND_DEAD && is_asked(l, g, &l->span[i], c))
				ok = find_difference(&d, n, level, e);
		}
	free(d.office);
	free(d.own);
	return ok;
}
