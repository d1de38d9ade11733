#include "policy/unprinted.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "policy/array.h"
#include "policy/moves.h"
#include "policy/shares.h"
#include "policy/since.h"
#include "policy/told.h"

#define POOL_MAX 8u

struct passing { /* one of the moves through a cell */
	uint32_t move, next;
};

struct unprinted {
	struct plan *p;
	const struct grid *g;
	uint32_t *head; /* by cell: the first of its moves; NONE: none, or not asked about */
	uint8_t *asked; /* by cell */
	struct passing *node;
	uint32_t n_nodes, room_nodes;
	uint32_t office[POOL_MAX], n_offices, most; /* who looks at the cell, and how many may */
	int64_t *own;    /* by code of the office dimension: its part of the cell */
	uint8_t *seen;   /* the same: 0, or how many looked when it was looked at as the last of them */
	uint32_t change; /* of the cell since an earlier release gave it away */
	bool open;
};

/* ---- which counts ---- */

static bool is_unprinted(const struct grid *g, uint32_t cell)
{
	return g->kind[cell] == KIND_FREE && g->value[cell] > 0 && !grid_is_delta(g, cell) &&
	       !told_has_left(g, cell);
}

static void look_at(struct unprinted *u, uint32_t cell)
{
	const struct grid *g = u->g;
	struct subject s = { cell, NULL, NONE };
	bool live = false;
	u->n_offices = 0;
	u->change = u->most == 0 ? NONE : since_change(g, &s);
	for (uint32_t o = 0; u->most > 0 && o < g->t->dim[g->office_dim].n_codes; o++)
		u->own[o] = dim_is_leaf(&g->t->dim[g->office_dim], o) ? shares_value(g, &s, o, &live) : 0;
}

static bool is_member(const struct unprinted *u, uint32_t office)
{
	for (uint32_t i = 0; i < u->n_offices; i++)
		if (u->office[i] == office)
			return true;
	return false;
}

static int64_t rest_of(const struct unprinted *u, uint32_t cell)
{
	int64_t rest = u->g->value[cell];
	for (uint32_t i = 0; i < u->n_offices; i++)
		rest -= u->own[u->office[i]];
	return rest;
}

/* Could they, with others that may join them, be left with a few that are not theirs? */
static bool may_be_few(const struct unprinted *u, int64_t rest)
{
	int64_t top[POOL_MAX] = { 0 };
	uint32_t more = u->most - u->n_offices;
	if (rest < (int64_t)u->g->p->threshold)
		return rest > 0;
	for (uint32_t o = 0; more > 0 && o < u->g->t->dim[u->g->office_dim].n_codes; o++) {
		int64_t own = is_member(u, o) ? 0 : u->own[o];
		for (uint32_t i = 0; i < more && own > 0; i++)
			if (own > top[i]) {
				int64_t lesser = top[i];
				top[i] = own;
				own = lesser;
			}
	}
	for (uint32_t i = 0; i < more; i++)
		rest -= top[i];
	return rest < (int64_t)u->g->p->threshold;
}

/* ---- their moves ---- */

static bool note(struct unprinted *u, uint32_t move)
{
	const struct move *m = &u->p->move[move];
	for (uint32_t i = 0; i < m->n; i++) {
		uint32_t cell = move_cell(m, i);
		if (!u->asked[cell])
			continue;
		if (!array_room(&u->node, &u->room_nodes, u->n_nodes + 1, sizeof *u->node))
			return false;
		u->node[u->n_nodes] = (struct passing){ move, u->head[cell] };
		u->head[cell] = u->n_nodes++;
	}
	return true;
}

static bool touches_them(const struct unprinted *u, const struct move *m)
{
	for (uint32_t i = 0; i < u->n_offices; i++)
		if (move_touches(m, u->office[i]))
			return true;
	return false;
}

/* Of the moves that they cannot rule out the one with fewest offices; NONE: there is none. */
static uint32_t move_for(const struct unprinted *u, uint32_t cell)
{
	uint32_t best = NONE;
	for (uint32_t at = u->head[cell]; at != NONE; at = u->node[at].next) {
		uint32_t move = u->node[at].move;
		const struct move *m = &u->p->move[move];
		if ((best == NONE || m->n_offices < u->p->move[best].n_offices) && !touches_them(u, m))
			best = move;
	}
	return best;
}

/* ---- needs ---- */

/* They knew it from an earlier release: all that changed since is theirs. */
static bool knew(const struct unprinted *u)
{
	const struct dim *d = u->most == 0 ? NULL : &u->g->t->dim[u->g->office_dim];
	bool some = false;
	for (uint32_t o = 0; u->change != NONE && o < d->n_codes; o++) {
		if (!dim_is_leaf(d, o) || !since_is_open(u->g, u->change, o, false))
			continue;
		if (!is_member(u, o))
			return false;
		some = true;
	}
	return some;
}

/* Larger by the width, or by one, or smaller by one: for nothing, or the first of these later. */
static bool serve(struct unprinted *u, uint32_t number)
{
	struct need *need = &u->p->n->need[number];
	int32_t width = need->amp;
	if (need_serve_freely(u->p, number, width == 1))
		return true;
	for (int dir = width == 1 ? -1 : 1; dir >= -1 && !u->p->memory_failed; dir -= 2) {
		need->amp = 1;
		need->dir = (int8_t)dir;
		if (need_serve_freely(u->p, number, true))
			return true;
	}
	need->amp = width;
	need->dir = 1;
	return false;
}

/* A need against those who look, from now on. *move: what serves it, or NONE. */
static bool demand(struct unprinted *u, uint32_t cell, uint32_t *move, struct err *e)
{
	struct needs *n = u->p->n;
	struct need need = { .cell = cell,
		.virt = NONE,
		.avoid = u->n_offices == 1 ? u->office[0] : NONE,
		.exempt = NONE,
		.band = NONE,
		.dir = 1,
		.slots = 1,
		.rules = RULE_DERIVABLE,
		.amp = (int32_t)u->g->p->width };
	if (u->n_offices > 1 &&
	    (need.band = needs_add_band(n, u->office, u->n_offices, (1u << u->n_offices) - 1)) == NONE)
		return err_set(e, ERR_MEMORY, "no memory for the requirements");
	if (!needs_add(n, need, e))
		return false;
	uint32_t number = n->n - 1;
	n->need[number].next = n->first[cell];
	n->first[cell] = number;
	if (!serve(u, number)) {
		u->open = true;
		return !u->p->memory_failed || err_set(e, ERR_MEMORY, "no memory for the moves");
	}
	*move = n->need[number].move;
	return note(u, *move) || err_set(e, ERR_MEMORY, "no memory for the moves");
}

static bool cover(struct unprinted *u, uint32_t cell, struct err *e);

static bool cover_with(struct unprinted *u, uint32_t cell, uint32_t office, struct err *e)
{
	if (is_member(u, office) || u->seen[office] != 0)
		return true;
	u->office[u->n_offices++] = office;
	bool ok = cover(u, cell, e);
	u->seen[office] = (uint8_t)u->n_offices--;
	return ok;
}

/* Whoever was seen beside those at hand may be in sets without all of these again. */
static void forget(struct unprinted *u)
{
	const struct dim *d = &u->g->t->dim[u->g->office_dim];
	for (uint32_t o = 0; o < d->n_codes; o++)
		if (u->seen[o] == u->n_offices + 1)
			u->seen[o] = 0;
}

/* Whoever joins those who look still has the move, but for the offices that it touches; where there is no move yet, and need not
 * be, those who own some of the cell. No set is looked at twice: whoever was seen is in none that is looked at later. */
static bool cover(struct unprinted *u, uint32_t cell, struct err *e)
{
	int64_t rest = rest_of(u, cell);
	bool ok = true;
	if (!may_be_few(u, rest) || knew(u))
		return true;
	uint32_t move = move_for(u, cell);
	if (move == NONE && rest < (int64_t)u->g->p->threshold && !demand(u, cell, &move, e))
		return false;
	if (u->n_offices == u->most || (move == NONE && rest < (int64_t)u->g->p->threshold))
		return true;
	if (move == NONE) {
		const struct dim *d = &u->g->t->dim[u->g->office_dim];
		for (uint32_t o = 0; ok && o < d->n_codes; o++)
			ok = u->own[o] == 0 || cover_with(u, cell, o, e);
	} else {
		uint32_t own_row = grid_office(u->g, cell);
		for (uint32_t i = 0; ok && i < u->p->move[move].n_offices; i++) {
			uint32_t office = move_offices(&u->p->move[move])[i];
			ok = office == own_row || cover_with(u, cell, office, e);
		}
	}
	forget(u);
	return ok;
}

/* ---- all of them ---- */

static void unprinted_free(struct unprinted *u)
{
	if (u->own != NULL)
		sodium_memzero(u->own, u->g->t->dim[u->g->office_dim].n_codes * sizeof *u->own);
	free(u->head);
	free(u->asked);
	free(u->node);
	free(u->own);
	free(u->seen);
}

static bool find_moves(struct unprinted *u)
{
	const struct plan *p = u->p;
	for (uint32_t i = 0; i < p->n_moves; i++)
		if (p->move[i].word != NULL && p->move[i].active && !note(u, i))
			return false;
	return true;
}

static bool find_all(struct unprinted *u, struct err *e)
{
	if (!plan_list(u->p) || !find_moves(u))
		return err_set(e, ERR_MEMORY, "no memory for what no table prints");
	grid_see_all(u->p->g);
	for (uint32_t c = 0; c < u->g->n_cells; c++) {
		if (!u->asked[c])
			continue;
		if (plan_over_limit(u->p)) { /* the table is refused */
			u->open = true;
			return true;
		}
		look_at(u, c);
		if (!cover(u, c, e))
			return false;
	}
	return true;
}

bool unprinted_find(struct plan *p, enum guarantee level, bool *open, struct err *e)
{
	const struct grid *g = p->g;
	struct unprinted u = { .p = p, .g = g };
	uint32_t asked = 0;
	*open = false;
	if (level < LEVEL_2 || g->p->threshold == 0 || g->p->figures == FIGURES_AMOUNTS)
		return true;
	if (level >= LEVEL_3 && g->office_dim != SIZE_MAX && g->p->residual != RESIDUAL_NO)
		u.most = g->p->coalition < POOL_MAX ? g->p->coalition : POOL_MAX;
	u.head = malloc(((size_t)g->n_cells + 1) * sizeof *u.head);
	u.asked = calloc((size_t)g->n_cells + 1, 1);
	uint32_t codes = u.most == 0 ? 0 : g->t->dim[g->office_dim].n_codes;
	u.own = codes == 0 ? NULL : calloc(codes, sizeof *u.own);
	u.seen = codes == 0 ? NULL : calloc(codes, 1);
	bool ok = (u.head != NULL && u.asked != NULL && (codes == 0 || (u.own != NULL && u.seen != NULL))) ||
		  err_set(e, ERR_MEMORY, "no memory for what no table prints");
	for (uint32_t c = 0; ok && c < g->n_cells; c++) {
		u.head[c] = NONE;
		u.asked[c] = is_unprinted(g, c);
		asked += u.asked[c];
	}
	if (ok && asked > 0)
		ok = find_all(&u, e);
	unprinted_free(&u);
	*open = u.open;
	return ok;
}
