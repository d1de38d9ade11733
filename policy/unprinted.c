#include "policy/unprinted.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "policy/array.h"
#include "policy/moves.h"
#include "policy/shares.h"
#include "policy/told.h"

#define POOL_MAX 8u

enum { OF_ITSELF = 1, OF_BLOCK = 2 }; /* why a cell's moves are noted */

struct passing { /* one of the moves through a cell */
	uint32_t move, next;
};

struct unprinted {
	struct plan *p;
	const struct grid *g;
	uint32_t *head; /* by cell: the first of its moves; NONE: none, or not asked about */
	uint8_t *asked; /* by cell: OF_ITSELF, OF_BLOCK */
	struct passing *node;
	uint32_t n_nodes, room_nodes;
	struct block_list sums; /* asked about */
	struct subject s;       /* the count at hand, and what it is */
	int64_t value;
	uint32_t office[POOL_MAX], n_offices, most; /* who looks at it, and how many may */
	int64_t *own;                               /* by code of the office dimension: its part of it */
	uint8_t *seen; /* the same: 0, or how many looked when it was looked at as the last of them */
	bool open;
};

/* Cells that the count at hand is the sum of. */
static uint32_t n_parts(const struct unprinted *u)
{
	return u->s.virt == NULL ? 1 : u->s.virt->r.b->n;
}

static uint32_t part(const struct unprinted *u, uint32_t i)
{
	return u->s.virt == NULL ? u->s.cell : virt_part(u->g, u->s.virt, i);
}

/* ---- which counts ---- */

static bool is_unprinted(const struct grid *g, uint32_t cell)
{
	return g->kind[cell] == KIND_FREE && g->value[cell] > 0 && !grid_is_delta(g, cell) &&
	       !told_has_left(g, cell);
}

/* virt: NULL, or the block that begins with the cell. */
static void look_at(struct unprinted *u, uint32_t cell, const struct virt *virt)
{
	const struct grid *g = u->g;
	bool live = false;
	u->s = (struct subject){ cell, virt, NONE };
	u->value = shares_value(g, &u->s, NONE, &live);
	u->n_offices = 0;
	for (uint32_t o = 0; u->most > 0 && o < g->t->dim[g->office_dim].n_codes; o++)
		u->own[o] = dim_is_leaf(&g->t->dim[g->office_dim], o) ? shares_value(g, &u->s, o, &live) : 0;
}

static bool is_member(const struct unprinted *u, uint32_t office)
{
	for (uint32_t i = 0; i < u->n_offices; i++)
		if (u->office[i] == office)
			return true;
	return false;
}

static int64_t rest_of(const struct unprinted *u)
{
	int64_t rest = u->value;
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
		if (u->asked[cell] == 0)
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

/* A move through one of its parts may leave the sum as it is. */
static bool changes_it(const struct unprinted *u, const struct move *m)
{
	int64_t by = 0;
	for (uint32_t i = 0; u->s.virt != NULL && i < m->n; i++)
		by += block_holds(u->g, u->s.virt->block, move_cell(m, i)) ? move_by(m, i) : 0;
	return u->s.virt == NULL || by != 0;
}

/* Of the moves that they cannot rule out the one with fewest offices; NONE: there is none. */
static uint32_t move_for(const struct unprinted *u)
{
	uint32_t best = NONE;
	for (uint32_t i = 0; i < n_parts(u); i++)
		for (uint32_t at = u->head[part(u, i)]; at != NONE; at = u->node[at].next) {
			uint32_t move = u->node[at].move;
			const struct move *m = &u->p->move[move];
			if ((best == NONE || m->n_offices < u->p->move[best].n_offices) &&
			    !touches_them(u, m) && changes_it(u, m))
				best = move;
		}
	return best;
}

/* ---- needs ---- */

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
static bool demand(struct unprinted *u, uint32_t *move, struct err *e)
{
	struct needs *n = u->p->n;
	if (u->s.virt != NULL && u->s.place == NONE)
		u->s.place = needs_add_block(u->g, n, u->s.virt->block);
	if (u->s.virt != NULL && u->s.place == NONE)
		return err_set(e, ERR_MEMORY, "no memory for the requirements");
	struct need need = { .cell = u->s.cell,
		.virt = u->s.place,
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
	if (u->s.virt == NULL) {
		n->need[number].next = n->first[u->s.cell];
		n->first[u->s.cell] = number;
	}
	if (!serve(u, number)) {
		u->open = true;
		return !u->p->memory_failed || err_set(e, ERR_MEMORY, "no memory for the moves");
	}
	*move = n->need[number].move;
	return note(u, *move) || err_set(e, ERR_MEMORY, "no memory for the moves");
}

/* In whose row it stands, whole; NONE: in nobody's. */
static uint32_t row_of(const struct unprinted *u)
{
	bool several =
	    u->s.virt != NULL && u->g->office_dim != SIZE_MAX && virt_lies_along(u->s.virt, u->g->office_dim);
	return several ? NONE : grid_office(u->g, u->s.cell);
}

static bool cover(struct unprinted *u, struct err *e);

static bool cover_with(struct unprinted *u, uint32_t office, struct err *e)
{
	if (is_member(u, office) || u->seen[office] != 0)
		return true;
	u->office[u->n_offices++] = office;
	bool ok = cover(u, e);
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
static bool cover(struct unprinted *u, struct err *e)
{
	int64_t rest = rest_of(u);
	bool ok = true;
	if (!may_be_few(u, rest))
		return true;
	uint32_t move = move_for(u);
	if (move == NONE && rest < (int64_t)u->g->p->threshold && !demand(u, &move, e))
		return false;
	if (u->n_offices == u->most || (move == NONE && rest < (int64_t)u->g->p->threshold))
		return true;
	if (move == NONE) {
		const struct dim *d = &u->g->t->dim[u->g->office_dim];
		for (uint32_t o = 0; ok && o < d->n_codes; o++)
			ok = u->own[o] == 0 || cover_with(u, o, e);
	} else {
		uint32_t own_row = row_of(u);
		for (uint32_t i = 0; ok && i < u->p->move[move].n_offices; i++) {
			uint32_t office = move_offices(&u->p->move[move])[i];
			ok = office == own_row || cover_with(u, office, e);
		}
	}
	forget(u);
	return ok;
}

/* ---- all of them ---- */

static void unprinted_free(struct unprinted *u)
{
	block_list_free(&u->sums);
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

static struct virt virt_of(struct block *b)
{
	return (struct virt){ { SIZE_MAX, &b->whole, b->part[0] }, NONE, b };
}

/* Keeps a sum of which somebody may be left with a few. */
static bool take_block(void *context, struct block *b, struct err *e)
{
	struct unprinted *u = context;
	struct virt v = virt_of(b);
	look_at(u, b->part[0], &v);
	if (!may_be_few(u, u->value))
		return true;
	if (!block_list_add(&u->sums, u->g, b))
		return err_set(e, ERR_MEMORY, "no memory for what several lists leave");
	for (uint32_t i = 0; i < b->n_parts; i++)
		u->asked[b->part[i]] |= OF_BLOCK;
	return true;
}

/* The table is refused. */
static bool is_over(struct unprinted *u)
{
	bool over = plan_over_limit(u->p);
	u->open = u->open || over;
	return over;
}

static bool find_all(struct unprinted *u, struct err *e)
{
	if (!plan_list(u->p) || !find_moves(u))
		return err_set(e, ERR_MEMORY, "no memory for what no table prints");
	grid_see_all(u->p->g);
	for (uint32_t c = 0; c < u->g->n_cells && !is_over(u); c++) {
		if ((u->asked[c] & OF_ITSELF) == 0)
			continue;
		look_at(u, c, NULL);
		if (!cover(u, e))
			return false;
	}
	for (uint32_t i = 0; i < u->sums.n && !is_over(u); i++) {
		struct virt v = virt_of(u->sums.item[i].is);
		look_at(u, v.r.parent, &v);
		if (!cover(u, e))
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
		u.asked[c] = is_unprinted(g, c) ? OF_ITSELF : 0;
		asked += u.asked[c];
	}
	ok = ok && blocks_visit(g, take_block, &u, &p->s.work, e);
	if (ok && asked + u.sums.n > 0)
		ok = find_all(&u, e);
	unprinted_free(&u);
	*open = u.open;
	return ok;
}
