/* The built-in checker's part about what earlier releases gave away: who knows a cell from one of them, because all that
 * changed since is his. Shares no code with since.c. */
#include <string.h>

#include "policy/check_part.h"
#include "policy/ledger.h"
#include "policy/told.h"

static bool is_nothing_new(const struct grid *g, uint32_t cell)
{
	return told_has_left(g, cell) || g->kind[cell] == KIND_DEAD;
}

/* Did the release whose cells stand `later` cells further give away what the thing is reckoned from? */
static bool gave_away(const struct checker *c, const struct thing *t, uint32_t later)
{
	const struct grid *g = c->p->g;
	bool ok = t->block != NULL || told_has_left(g, t->cell + later);
	for (uint32_t i = 0; ok && t->block != NULL && i < t->block->n_known; i++)
		ok = is_nothing_new(g, t->block->known[i] + later);
	for (uint32_t i = 0; ok && t->b != NULL && i < t->b->n; i++) {
		uint32_t child = c->t->dim[t->dim].child[t->b->first + i];
		uint32_t part = t->cell + (child - t->b->parent) * (uint32_t)c->t->stride[t->dim];
		if ((t->in != NULL ? t->in[i] == 0 : i == t->off) && g->kind[part] != KIND_DEAD)
			ok = is_nothing_new(g, part + later);
	}
	return ok;
}

/* Notes the offices that sent other figures of the cell, in that difference of two releases. */
static void note_open(const struct checker *c, uint32_t span, uint32_t cell, uint8_t *open)
{
	const struct grid *g = c->p->g;
	const struct dim *d = &c->t->dim[c->office_dim];
	uint32_t change = ledger_span_code(g->ledger, span) * g->n_own + cell % g->n_own;
	for (uint32_t o = 0; o < d->n_codes; o++)
		open[o] |= dim_is_leaf(d, o) && dim_is_above(d, grid_coord(g, change, c->office_dim), o) &&
			   g->kind[grid_with(g, change, c->office_dim, o)] != KIND_DEAD;
}

uint32_t check_open(const struct checker *c, const struct thing *t, uint8_t *open)
{
	const struct grid *g = c->p->g;
	const struct dim *d = &c->t->dim[c->office_dim];
	uint32_t n = 0;
	if (g->ledger == NULL || t->cell / g->n_own >= g->ledger->n)
		return 0; /* one release, the oldest one, or a difference */
	uint32_t to = g->ledger->n - t->cell / g->n_own;
	uint32_t from = to;
	memset(open, 0, d->n_codes);
	while (from > 0 && !gave_away(c, t, (to - from + 1) * g->n_own))
		from--;
	for (uint32_t i = 0; from > 0 && i < g->ledger->n_spans; i++) {
		const struct span *s = &g->ledger->span[i];
		if (s->from != from - 1 || s->to != to)
			continue;
		for (uint32_t k = 0; k < (t->block == NULL ? 1 : t->block->n_parts); k++)
			note_open(c, i, t->block == NULL ? t->cell : t->block->part[k], open);
	}
	for (uint32_t o = 0; o < d->n_codes; o++)
		n += open[o];
	return n;
}
