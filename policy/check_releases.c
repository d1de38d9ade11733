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

/* Who asks what a difference is: the public, or offices that pool what they know. */
struct asker {
	uint32_t cell;
	int64_t value;
	uint32_t code;    /* of the office dimension */
	uint32_t changed; /* offices below the cell that sent other figures */
	uint32_t who[10];
	uint32_t n;
};

static bool is_among(const struct asker *q, uint32_t office)
{
	for (uint32_t i = 0; i < q->n; i++)
		if (q->who[i] == office)
			return true;
	return false;
}

/* The stored move of a served need of this cell that changes it by at least amp in the direction of `way`, and
 * touches none of the offices; NULL: there is none. */
static const struct move *answer(const struct joint *c, const struct asker *q, int64_t way, int64_t amp)
{
	for (uint32_t i = c->p->n->first[q->cell]; i != NONE; i = c->p->n->need[i].next) {
		const struct need *need = &c->p->n->need[i];
		if (need->move == NONE)
			continue;
		const struct move *m = &c->p->move[need->move];
		int64_t by = 0;
		bool apart = true;
		for (uint32_t k = 0; k < m->n; k++) {
			by += move_cell(m, k) == q->cell ? move_by(m, k) : 0;
			apart = apart && (q->n == 0 || !is_among(q, table_coord(c->g->t, move_cell(m, k),
									c->g->office_dim)));
		}
		if (apart && (c->level == LEVEL_1 ? by != 0 : (way < 0 ? -by : by) >= amp))
			return m;
	}
	return NULL;
}

/* Offices' own part of the difference, if they sent other figures. */
static bool own_change(const struct joint *c, const struct asker *q, uint32_t office, int64_t *own)
{
	const struct dim *d = &c->g->t->dim[c->g->office_dim];
	if (!dim_is_leaf(d, office) || !dim_is_above(d, q->code, office))
		return false;
	uint32_t part = grid_with(c->g, q->cell, c->g->office_dim, office);
	*own = value_of(c, part);
	return c->g->kind[part] != KIND_DEAD;
}

static bool touches(const struct joint *c, const struct move *m, uint32_t office)
{
	for (uint32_t k = 0; m != NULL && k < m->n; k++)
		if (table_coord(c->g->t, move_cell(m, k), c->g->office_dim) == office)
			return true;
	return false;
}

/* What is left to them; false: nothing, since nobody else changed. */
static bool left_to(const struct joint *c, const struct asker *q, int64_t *rest)
{
	uint32_t held = 0;
	*rest = q->value;
	for (uint32_t i = 0; i < q->n; i++) {
		int64_t own = 0;
		if (own_change(c, q, q->who[i], &own)) {
			*rest -= own;
			held++;
		}
	}
	return q->n == 0 || held < q->changed;
}

/* A few that are left to these offices stay open by a move that they cannot rule out, and so for every larger pool. Only
 * offices that changed here, from `from` on, or that the move touches, can learn more than the pool. */
static bool stands(const struct joint *c, struct asker *q, uint32_t from)
{
	const struct move *m = NULL;
	int64_t rest = 0;
	if (!left_to(c, q, &rest))
		return true;
	int64_t k = (int64_t)c->g->p->threshold - size_of(rest);
	if (rest != 0 && k > 0 && (c->g->p->residual != RESIDUAL_NO || rest == q->value) &&
	    (m = answer(c, q, rest, k > (int64_t)c->g->p->width ? k : (int64_t)c->g->p->width)) == NULL)
		return fails(c, "a difference between releases");
	if (c->level < LEVEL_3 || c->g->office_dim == SIZE_MAX || q->n == c->g->p->coalition)
		return true;
	const struct dim *d = &c->g->t->dim[c->g->office_dim];
	for (uint32_t o = 0; o < d->n_codes; o++) {
		int64_t own = 0;
		bool changed = own_change(c, q, o, &own) && own != 0 && o >= from;
		if (!dim_is_leaf(d, o) || is_among(q, o) || (!changed && !touches(c, m, o)))
			continue;
		q->who[q->n++] = o;
		bool ok = stands(c, q, changed ? o + 1 : from);
		q->n--;
		if (!ok)
			return false;
	}
	return true;
}

static bool check_difference(const struct joint *c, uint32_t cell)
{
	struct asker q = { .cell = cell, .value = value_of(c, cell) };
	if (c->g->office_dim == SIZE_MAX)
		return stands(c, &q, 0);
	const struct dim *d = &c->g->t->dim[c->g->office_dim];
	q.code = table_coord(c->g->t, cell, c->g->office_dim);
	for (uint32_t i = 0; i < list_size(&d->atoms, q.code); i++) {
		uint32_t office = list_at(&d->atoms, q.code)[i];
		q.changed += c->g->kind[grid_with(c->g, cell, c->g->office_dim, office)] != KIND_DEAD;
	}
	return stands(c, &q, 0);
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
		if (!check_difference(c, cell))
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
