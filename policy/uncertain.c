#include "policy/uncertain.h"

#include <stdlib.h>
#include <string.h>

#include "policy/primary.h"

struct look {
	struct spread sp;
	struct uncertain *out;
	uint8_t *nought;     /* by cell: a nought that rule R4 protects, though the policy protects none */
	bool added, gave_up; /* tables of the count at hand, since the walk began; nobody will serve it */
	uint64_t max_work;
};

/* ---- attackers ---- */

/* The others' part of the subject, and whether any of it can be. */
static int64_t rest_of(const struct look *l, const struct doubted *s, bool *live)
{
	const struct grid *g = l->sp.g;
	int64_t rest = spread_value(g, s, g->value, NONE);
	*live = g->kind[s->cell] != KIND_DEAD;
	if (l->sp.n_members == 0)
		return rest;
	const struct dim *d = &g->t->dim[g->office_dim];
	uint32_t code = grid_coord(g, s->cell, g->office_dim);
	*live = false;
	for (uint32_t i = 0; i < list_size(&d->atoms, code); i++) {
		uint32_t office = list_at(&d->atoms, code)[i];
		uint32_t own = grid_with(g, s->cell, g->office_dim, office);
		if (l->sp.avoid[office] == 0)
			*live = *live || g->kind[own] != KIND_DEAD;
		else
			rest -= spread_value(g, s, g->value, office);
	}
	return rest;
}

static bool is_named_nought(const struct look *l, const struct doubted *s)
{
	return s->minus == NONE && !s->rest && l->nought[s->cell] != 0;
}

/* Must this attacker be left in doubt of the subject? */
static bool matters(const struct look *l, const struct doubted *s)
{
	bool live = false;
	int64_t value = spread_value(l->sp.g, s, l->sp.g->value, NONE);
	int64_t rest = rest_of(l, s, &live);
	const struct policy_params *p = l->sp.g->p;
	if (!live || rest >= p->threshold)
		return false;
	if (rest == 0 && l->sp.n_members > 0 && value > 0)
		return p->residual == RESIDUAL_ZEROS;
	if (l->sp.n_members > 0 && p->residual == RESIDUAL_NO && value >= (int64_t)p->threshold)
		return false;
	return rest > 0 || is_named_nought(l, s) || p->zeros == ZEROS_SENSITIVE;
}

static void fail(struct look *l, uint32_t cell)
{
	struct uncertain *u = l->out;
	if (u->failed++ == 0) {
		u->first_cell = cell;
		u->n_avoid = l->sp.n_members;
		memcpy(u->avoid, l->sp.member, sizeof l->sp.member);
	}
	if (u->n_cells > 0 && u->cell[u->n_cells - 1] == cell)
		return;
	if (u->n_cells == u->room_cells) {
		uint32_t room = u->room_cells == 0 ? 64 : 2 * u->room_cells;
		uint32_t *more = realloc(u->cell, room * sizeof *more);
		l->sp.memory_failed = l->sp.memory_failed || more == NULL;
		if (more == NULL)
			return;
		u->cell = more;
		u->room_cells = room;
	}
	u->cell[u->n_cells++] = cell;
}

/* The attacker at hand, unless the tables there are will do, then those with more offices, from code `from` on. Who owns
 * nothing of it and is touched by no table learns no more than those he pools with. */
static void look_as(struct look *l, const struct doubted *s, uint32_t from)
{
	const struct grid *g = l->sp.g;
	spread_find_reach(&l->sp);
	if (matters(l, s) && !spread_is_wide(&l->sp)) {
		l->gave_up = l->max_work != 0 && l->sp.work > l->max_work;
		if (!l->gave_up && !spread_find_tables(&l->sp, s)) {
			l->gave_up = true;
			fail(l, s->cell);
		}
		l->added = true;
	}
	for (uint32_t o = from;
	     g->office_dim != SIZE_MAX && l->sp.n_members < g->p->coalition && o < l->sp.n_codes; o++) {
		if (l->gave_up || l->sp.memory_failed)
			return;
		if (l->sp.learns[o] == 0 || !dim_is_leaf(&g->t->dim[g->office_dim], o))
			continue;
		l->sp.avoid[o] = 1;
		l->sp.member[l->sp.n_members++] = o;
		look_as(l, s, o + 1);
		l->sp.n_members--;
		l->sp.avoid[o] = 0;
	}
}

/* Against everybody, until no more tables are asked for: those for one may touch another's who came before. */
static void look_at(struct look *l, const struct doubted *s)
{
	const struct grid *g = l->sp.g;
	l->sp.n_tables = 0;
	l->gave_up = false;
	memset(l->sp.learns, 0, l->sp.n_codes);
	for (uint32_t o = 0; g->office_dim != SIZE_MAX && o < l->sp.n_codes; o++)
		l->sp.learns[o] =
		    dim_is_above(&g->t->dim[g->office_dim], grid_coord(g, s->cell, g->office_dim), o) &&
		    spread_value(g, s, g->value, o) > 0;
	do {
		l->added = false;
		look_as(l, s, 0);
	} while (l->added && !l->gave_up && !l->sp.memory_failed);
}

/* Largest part of a cell that so many offices have together. */
static int64_t largest_share(const struct look *l, uint32_t cell)
{
	const struct grid *g = l->sp.g;
	int64_t most[8] = { 0 };
	int64_t sum = 0;
	if (g->office_dim == SIZE_MAX)
		return 0;
	const struct dim *d = &g->t->dim[g->office_dim];
	uint32_t code = grid_coord(g, cell, g->office_dim);
	for (uint32_t i = 0; i < list_size(&d->atoms, code); i++) {
		int64_t v = g->value[grid_with(g, cell, g->office_dim, list_at(&d->atoms, code)[i])];
		for (uint32_t j = 0; j < g->p->coalition; j++)
			if (v > most[j]) {
				int64_t kept = most[j];
				most[j] = v;
				v = kept;
			}
	}
	for (uint32_t j = 0; j < g->p->coalition; j++)
		sum += most[j];
	return sum;
}

static bool is_subject(const struct look *l, uint32_t cell)
{
	const struct grid *g = l->sp.g;
	if (g->kind[cell] == KIND_DEAD)
		return false;
	if (l->nought[cell] != 0 || primary_is_small(g->p, g->value[cell]))
		return true;
	return g->value[cell] > 0 && grid_office(g, cell) == NONE &&
	       g->value[cell] - largest_share(l, cell) < g->p->threshold;
}

static void look_at_cells(struct look *l)
{
	for (uint32_t c = 0; c < l->sp.g->n_cells && !l->sp.memory_failed; c++) {
		const struct doubted s = { .cell = c, .minus = NONE };
		if (!is_subject(l, c))
			continue;
		l->out->subjects++;
		look_at(l, &s);
	}
}

static bool is_group_dim(const struct grid *g, size_t d)
{
	for (uint32_t i = 0; i < g->p->n_group_dims; i++)
		if (strcmp(g->p->group_dim[i], g->t->dim[d].name) == 0)
			return true;
	return g->p->n_group_dims == 0 && d != g->office_dim &&
	       strcmp(g->t->dim[d].name, g->p->office_dim) != 0;
}

/* Parts where something can be. */
static uint32_t count_live(const struct grid *g, const struct relation *r)
{
	uint32_t live = 0;
	for (uint32_t j = 0; j < r->b->n; j++)
		live += g->kind[relation_child(g, r, j)] != KIND_DEAD;
	return live;
}

static bool is_group(const struct grid *g, const struct relation *r)
{
	return g->p->group_min > 0 && is_group_dim(g, r->dim) && count_live(g, r) >= 2 &&
	       g->value[r->parent] >= (int64_t)g->p->group_min;
}

static void look_at_sum(struct look *l, const struct doubted *s)
{
	int64_t rest = spread_value(l->sp.g, s, l->sp.g->value, NONE);
	if (rest < 0 || rest >= (int64_t)l->sp.g->p->threshold ||
	    (rest == 0 && l->sp.g->p->zeros != ZEROS_SENSITIVE))
		return;
	l->out->subjects++;
	look_at(l, s);
}

/* R4: all of a group in one part. The others say "nobody", each of them; where noughts are protected they are anyway. */
static void find_noughts(struct look *l)
{
	const struct grid *g = l->sp.g;
	struct relation_walk w;
	struct relation r;
	relation_begin(&w, g);
	while (g->p->zeros == ZEROS_CAMOUFLAGE && relation_next(&w, &r)) {
		bool full = false;
		if (!spread_is_number(g, r.parent) || !is_group(g, &r))
			continue;
		for (uint32_t j = 0; j < r.b->n; j++) {
			uint32_t child = relation_child(g, &r, j);
			full = full || (spread_is_number(g, child) && g->value[child] == g->value[r.parent]);
		}
		for (uint32_t j = 0; full && j < r.b->n; j++) {
			uint32_t child = relation_child(g, &r, j);
			l->nought[child] |= g->kind[child] != KIND_DEAD && g->value[child] == 0;
		}
	}
}

/* R4: all but a few of a group of three or more parts in one of them. Of two parts the other is a cell. R12: the parts
 * that are not printed, together. */
static void look_at_sums(struct look *l)
{
	const struct grid *g = l->sp.g;
	struct relation_walk w;
	struct relation r;
	relation_begin(&w, g);
	while (!l->sp.memory_failed && relation_next(&w, &r)) {
		uint32_t loose = 0;
		uint32_t live = count_live(g, &r);
		for (uint32_t j = 0; j < r.b->n; j++)
			loose += g->kind[relation_child(g, &r, j)] == KIND_FREE;
		if (loose > 1 && loose < live && spread_is_number(g, r.parent))
			look_at_sum(l, &(struct doubted){ r.parent, NONE, true, r });
		if (live < 3 || !is_group(g, &r))
			continue;
		for (uint32_t j = 0; j < r.b->n; j++) /* nought: each part is looked at by itself */
			if (g->value[relation_child(g, &r, j)] < g->value[r.parent])
				look_at_sum(
				    l, &(struct doubted){ r.parent, relation_child(g, &r, j), false, r });
	}
}

void uncertain_free(struct uncertain *u)
{
	free(u->cell);
	memset(u, 0, sizeof *u);
}

bool uncertain_check(const struct boxes *b, uint64_t attempt, uint64_t max_work, struct uncertain *out,
    struct buf *witness, struct err *e)
{
	const struct grid *g = b->g;
	struct look l = { .out = out, .max_work = max_work };
	memset(out, 0, sizeof *out);
	bool ok = spread_init(&l.sp, b, attempt, witness, e);
	l.nought = calloc((size_t)g->n_cells + 1, 1);
	ok = ok && (l.nought != NULL || err_set(e, ERR_MEMORY, "no memory for the check"));
	if (ok) {
		spread_put_other(&l.sp);
		find_noughts(&l);
		look_at_cells(&l);
		look_at_sums(&l);
		ok = !l.sp.memory_failed || err_set(e, ERR_MEMORY, "no memory for the check");
	}
	out->work = l.sp.work;
	free(l.nought);
	spread_free(&l.sp);
	return ok;
}
