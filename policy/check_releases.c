/* The built-in checker's part about several releases of a period: nothing that left is moved or hidden again,
 * differences of a few persons stay open for everybody who could ask. Shares no arithmetic with the engine. */
#include <stdlib.h>
#include <string.h>

#include "policy/check.h"
#include "policy/ledger.h"

struct joint {
	const struct plan *p;
	const struct grid *g;
	const struct ledger *l;
	enum guarantee level;
	uint64_t size;    /* cells of a release */
	uint8_t *changed; /* find_changed */
	uint32_t n_offices;
	struct err *e;
};

static bool fails(const struct joint *c, const char *step)
{
	return err_set(c->e, ERR_INTERNAL, "our own check failed: %s", step);
}

static const struct table_input *table_of(const struct joint *c, uint32_t release)
{
	return release < c->l->n ? c->l->past[release].t : c->l->t;
}

/* Value of a cell of the joint grid, from the figures of the releases themselves. */
static int64_t value_of(const struct joint *c, uint64_t cell)
{
	uint32_t code = (uint32_t)(cell / c->size);
	uint64_t own = cell % c->size;
	if (code <= c->l->n)
		return table_of(c, c->l->n - code)->value[own];
	const struct span *s = &c->l->span[code - c->l->n - 1];
	return table_of(c, s->to)->value[own] - table_of(c, s->from)->value[own];
}

static bool is_fixed(const struct table_input *t, uint64_t cell)
{
	return table_is_inner(t, cell) && t->status[cell] != CELL_VALUE && t->status[cell] != CELL_BLANK;
}

/* Did the release's list have all codes of the cell? Where lists grew, totals are not asked about: their parts may be
 * others. */
static bool is_listed(const struct joint *c, uint32_t release, uint64_t own)
{
	const struct lift *lift = release < c->l->n ? &c->l->past[release].lift : NULL;
	if (lift == NULL || lift->t == NULL)
		return true;
	for (size_t d = 0; d < c->l->t->n_dims; d++)
		if (lift_is_born(lift, d, table_coord(c->l->t, own, d)))
			return false;
	return table_is_inner(c->l->t, own);
}

static bool is_common(const struct joint *c, const struct span *s, uint64_t own)
{
	return is_listed(c, s->from, own) && is_listed(c, s->to, own);
}

/* A move may touch a printed cell of no release, nothing that a release has no figure of, and no difference of
 * an office whose figures are the same. */
static bool check_entry(const struct joint *c, struct entry entry)
{
	uint32_t code = (uint32_t)(entry.cell / c->size);
	uint64_t own = entry.cell % c->size;
	if (value_of(c, entry.cell) != c->g->value[entry.cell])
		return fails(c, "the releases' figures have changed");
	if (code <= c->l->n) {
		uint32_t release = c->l->n - code;
		if (release < c->l->n && c->l->past[release].state[own] == 'P')
			return fails(c, "a move changes what has left");
		return !is_fixed(table_of(c, release), own) ||
		       fails(c, "a move changes what a release has not");
	}
	const struct span *s = &c->l->span[code - c->l->n - 1];
	uint32_t office = c->l->office_dim == SIZE_MAX ? 0 : table_coord(c->l->t, own, c->l->office_dim);
	if (c->l->office_dim != SIZE_MAX && !dim_is_leaf(&c->l->t->dim[c->l->office_dim], office))
		return true; /* its parts are in the move as well */
	return !is_common(c, s, own) || c->changed[(size_t)(s - c->l->span) * c->n_offices + office] != 0 ||
	       fails(c, "a move changes an office that did not change");
}

/* By span and code of the office dimension: are any figures of that row other ones? */
static bool find_changed(struct joint *c)
{
	c->n_offices = c->l->office_dim == SIZE_MAX ? 1 : c->l->t->dim[c->l->office_dim].n_codes;
	c->changed = calloc((size_t)c->l->n_spans * c->n_offices, 1);
	if (c->changed == NULL)
		return err_set(c->e, ERR_MEMORY, "no memory for the check");
	for (uint32_t i = 0; i < c->l->n_spans; i++) {
		const struct span *s = &c->l->span[i];
		const struct table_input *a = table_of(c, s->from);
		const struct table_input *b = table_of(c, s->to);
		for (uint64_t own = 0; own < c->size; own++) {
			uint32_t office = c->n_offices == 1 ? 0 : table_coord(c->l->t, own, c->l->office_dim);
			if (!is_common(c, s, own))
				continue;
			if (a->value[own] != b->value[own] || a->status[own] != b->status[own] ||
			    c->l->g[s->from].known[own] != c->l->g[s->to].known[own])
				c->changed[i * c->n_offices + office] = 1;
		}
	}
	return true;
}

static bool check_moves(const struct joint *c)
{
	for (uint32_t i = 0; i < c->p->n_moves; i++) {
		const struct move *m = &c->p->move[i];
		for (uint32_t k = 0; m->word != NULL && m->active && k < m->n; k++)
			if (!check_entry(c, move_entry(m, k)))
				return false;
	}
	return true;
}

/* What left is printed again where this release prints it: its mark cannot be taken back. */
static bool check_marks(const struct joint *c)
{
	for (uint32_t v = 0; v < c->l->n; v++)
		for (uint64_t i = 0; i < c->size; i++) {
			uint64_t cell = (c->l->n - v) * c->size + i;
			bool hidden = c->g->kind[cell] == KIND_OPEN && c->g->mark[cell] == 'P';
			char state = c->l->past[v].state[i];
			if (state == 'H' && !hidden && !grid_is_out(c->g, (uint32_t)cell))
				return fails(c, "an earlier release's hidden cell is taken for printed");
			if (state == 'P' && (hidden || c->g->value[cell] != table_of(c, v)->value[i]))
				return fails(c, "an earlier release's printed cell is taken for hidden");
		}
	return true;
}

static int64_t size_of(int64_t v)
{
	return v < 0 ? -v : v;
}

/* Is there a served need of this cell whose move changes it by at least amp in the direction of `way`, and
 * touches none of the offices? */
static bool someone(
    const struct joint *c, uint32_t cell, int64_t way, int64_t amp, const uint32_t *office, uint32_t n)
{
	for (uint32_t i = c->p->n->first[cell]; i != NONE; i = c->p->n->need[i].next) {
		const struct need *need = &c->p->n->need[i];
		if (need->move == NONE)
			continue;
		const struct move *m = &c->p->move[need->move];
		int64_t by = 0;
		bool apart = true;
		for (uint32_t k = 0; k < m->n; k++) {
			by += move_cell(m, k) == cell ? move_by(m, k) : 0;
			for (uint32_t o = 0; o < n; o++)
				apart = apart &&
					table_coord(c->g->t, move_cell(m, k), c->g->office_dim) != office[o];
		}
		if (apart && (c->level == LEVEL_1 ? by != 0 : (way < 0 ? -by : by) >= amp))
			return true;
	}
	return false;
}

static bool stands(const struct joint *c, uint32_t cell, int64_t rest, const uint32_t *office, uint32_t n)
{
	int64_t k = (int64_t)c->g->p->threshold - size_of(rest);
	int64_t amp = k > (int64_t)c->g->p->width ? k : (int64_t)c->g->p->width;
	if (rest == 0 || size_of(rest) >= (int64_t)c->g->p->threshold)
		return true;
	return someone(c, cell, rest, amp, office, n) || fails(c, "a difference between releases");
}

/* Every office alone, and every pair where coalitions count, must be left with a move of its own rest. Larger
 * coalitions rest on the slots, which touch different offices. */
static bool check_offices(const struct joint *c, uint32_t cell)
{
	const struct dim *d = &c->g->t->dim[c->g->office_dim];
	int64_t all = value_of(c, cell);
	uint32_t code = table_coord(c->g->t, cell, c->g->office_dim);
	uint32_t changed = 0;
	for (uint32_t i = 0; i < list_size(&d->atoms, code); i++)
		changed += c->g->kind[grid_with(c->g, cell, c->g->office_dim, list_at(&d->atoms, code)[i])] !=
			   KIND_DEAD;
	for (uint32_t o = 0; o < d->n_codes; o++) {
		uint32_t part = grid_with(c->g, cell, c->g->office_dim, o);
		bool below = dim_is_leaf(d, o) && dim_is_above(d, code, o);
		bool own = below && c->g->kind[part] != KIND_DEAD;
		int64_t rest = all - (own ? value_of(c, part) : 0);
		if (!dim_is_leaf(d, o) || (own && changed == 1) ||
		    (own && c->g->p->residual == RESIDUAL_NO && rest != all))
			continue;
		if (!stands(c, cell, rest, &o, 1))
			return false;
		for (uint32_t q = 0; c->g->p->coalition > 1 && below && own && q < o; q++) {
			uint32_t other = grid_with(c->g, cell, c->g->office_dim, q);
			uint32_t pair[] = { o, q };
			if (dim_is_leaf(d, q) && dim_is_above(d, code, q) && c->g->kind[other] != KIND_DEAD &&
			    changed > 2 && c->g->p->residual != RESIDUAL_NO &&
			    !stands(c, cell, rest - value_of(c, other), pair, 2))
				return false;
		}
	}
	return true;
}

static bool check_span(const struct joint *c, uint32_t i)
{
	const struct span *s = &c->l->span[i];
	for (uint64_t own = 0; own < c->size; own++) {
		uint64_t from = (c->l->n - s->from) * c->size + own;
		uint64_t to = (c->l->n - s->to) * c->size + own;
		uint32_t cell = (uint32_t)((c->l->n + 1 + i) * c->size + own);
		if (c->g->mark[from] != 'P' || c->g->mark[to] != 'P' || c->g->kind[from] == KIND_DEAD ||
		    c->g->kind[to] == KIND_DEAD || c->g->kind[cell] == KIND_DEAD ||
		    (grid_is_out(c->g, (uint32_t)from) && grid_is_out(c->g, (uint32_t)to)))
			continue;
		if (!stands(c, cell, value_of(c, cell), NULL, 0))
			return false;
		if (c->level >= LEVEL_3 && c->g->office_dim != SIZE_MAX && !check_offices(c, cell))
			return false;
	}
	return true;
}

bool check_releases(const struct plan *p, enum guarantee level, struct err *e)
{
	struct joint c = {
		.p = p, .g = p->g, .l = p->g->ledger, .level = level, .size = p->g->n_own, .e = e
	};
	bool ok = find_changed(&c) && check_moves(&c) && check_marks(&c);
	for (uint32_t i = 0; ok && i < c.l->n_spans; i++)
		ok = check_span(&c, i);
	free(c.changed);
	return ok;
}
