#include "policy/insider.h"

#include <stdlib.h>
#include <string.h>

#include "policy/cornered.h"
#include "policy/shares.h"
#include "policy/told.h"

#define POOL_MAX 8u

struct insider {
	struct grid *g;
	struct needs *n;
	/* by cell, of earlier releases too: not known to the offices at hand, as far as subtractions go */
	uint8_t *unknown;
	uint32_t *learned; /* cells that they know beside the public, in the order of learning */
	uint32_t n_learned;
	uint32_t office[POOL_MAX], n_offices;
	uint64_t work; /* cells learned, by all sets */
	struct cornered bounds;
	bool found;
};

/* ---- what follows ---- */

/* The relation's only unknown cell is known from now on. */
static void solve(struct insider *in, const struct relation *r)
{
	uint32_t which = in->unknown[r->parent] != 0 ? r->parent : NONE;
	for (uint32_t j = 0; j < r->b->n; j++) {
		uint32_t child = relation_child(in->g, r, j);
		if (in->unknown[child] == 0)
			continue;
		if (which != NONE)
			return;
		which = child;
	}
	if (which == NONE)
		return;
	in->unknown[which] = 0;
	in->learned[in->n_learned++] = which;
}

/* All relations that the cell stands in. */
static void solve_at(struct insider *in, uint32_t cell)
{
	const struct grid *g = in->g;
	for (size_t d = 0; d < g->t->n_dims; d++) {
		const struct dim *dim = &g->t->dim[d];
		uint32_t code = grid_coord(g, cell, d);
		struct relation r = { d, NULL, cell };
		for (uint32_t i = 0; i < list_size(&dim->down, code); i++) {
			r.b = dim_down(dim, code, i);
			solve(in, &r);
		}
		for (uint32_t i = 0; i < list_size(&dim->up, code); i++) {
			r.b = &dim->breakdown[list_at(&dim->up, code)[i]];
			r.parent = grid_with(g, cell, d, r.b->parent);
			solve(in, &r);
		}
	}
}

/* What follows from the cells learned as number `from` and later. */
static void follow(struct insider *in, uint32_t from)
{
	for (uint32_t i = from; i < in->n_learned; i++)
		solve_at(in, in->learned[i]);
}

/* What everybody knows. */
static void learn_public(struct insider *in)
{
	struct relation_walk w;
	struct relation r;
	relation_begin(&w, in->g);
	while (relation_next(&w, &r))
		solve(in, &r);
	follow(in, 0);
	in->n_learned = 0;
}

static void learn_office(struct insider *in, uint32_t office)
{
	const struct grid *g = in->g;
	uint32_t stride = (uint32_t)g->t->stride[g->office_dim];
	uint32_t block = stride * g->t->dim[g->office_dim].n_codes;
	uint32_t from = in->n_learned;
	for (uint32_t high = office * stride; high < g->n_cells; high += block)
		for (uint32_t cell = high; cell < high + stride; cell++)
			if (in->unknown[cell] != 0) {
				in->unknown[cell] = 0;
				in->learned[in->n_learned++] = cell;
			}
	follow(in, from);
}

static void forget(struct insider *in, uint32_t from)
{
	while (in->n_learned > from)
		in->unknown[in->learned[--in->n_learned]] = 1;
}

/* ---- what that discloses ---- */

static bool is_member(const struct insider *in, uint32_t office)
{
	for (uint32_t i = 0; i < in->n_offices; i++)
		if (in->office[i] == office)
			return true;
	return false;
}

/* What is not theirs. */
static int64_t rest_of(const struct insider *in, uint32_t cell)
{
	struct subject s = { cell, NULL, NONE };
	int64_t rest = in->g->value[cell];
	for (uint32_t i = 0; i < in->n_offices; i++) {
		bool live = false;
		rest -= shares_value(in->g, &s, in->office[i], &live);
	}
	return rest;
}

/* As for what follows for everybody. */
static bool add(struct insider *in, uint32_t cell, struct err *e)
{
	struct grid *g = in->g;
	struct needs *n = in->n;
	struct need need = { .cell = cell,
		.virt = NONE,
		.avoid = in->n_offices == 1 ? in->office[0] : NONE,
		.exempt = NONE,
		.band = NONE,
		.dir = 1,
		.slots = 1,
		.rules = RULE_DERIVABLE,
		.amp = (int32_t)g->p->width };
	if (in->n_offices > 1 &&
	    (need.band = needs_add_band(n, in->office, in->n_offices, (1u << in->n_offices) - 1)) == NONE)
		return err_set(e, ERR_MEMORY, "no memory for the requirements");
	if (!needs_add(n, need, e))
		return false;
	n->need[n->n - 1].next = n->first[cell];
	n->first[cell] = n->n - 1;
	in->found = true;
	return true;
}

/* Is there a need against these offices already? */
static bool has_need(const struct insider *in, uint32_t cell)
{
	for (uint32_t i = in->n->first[cell]; i != NONE; i = in->n->need[i].next) {
		const struct need *need = &in->n->need[i];
		bool all = need->dir > 0 && need->amp >= (int32_t)in->g->p->width;
		for (uint32_t k = 0; all && k < in->n_offices; k++)
			all = need_avoids(in->n, need, in->office[k]);
		if (all)
			return true;
	}
	return false;
}

/* They know the cell. */
static bool judge_cell(struct insider *in, uint32_t cell, struct err *e)
{
	const struct grid *g = in->g;
	if (g->kind[cell] != KIND_FREE || grid_is_delta(g, cell) || told_has_left(g, cell) ||
	    is_member(in, grid_office(g, cell)))
		return true;
	int64_t rest = rest_of(in, cell);
	return rest < 1 || rest >= (int64_t)g->p->threshold || has_need(in, cell) || add(in, cell, e);
}

static bool judge(struct insider *in, struct err *e)
{
	in->work += in->n_learned;
	for (uint32_t i = 0; i < in->n_learned; i++)
		if (!judge_cell(in, in->learned[i], e))
			return false;
	if (!cornered_reckon(&in->bounds, in->unknown))
		return true;
	for (uint32_t c = 0; c < in->g->n_cells; c++)
		if (in->unknown[c] != 0 && cornered_tells(&in->bounds, c) && !judge_cell(in, c, e))
			return false;
	return true;
}

/* Sets of so many more offices beside those at hand, from code `from` on. */
static bool attack(struct insider *in, uint32_t from, uint32_t more, struct err *e)
{
	const struct dim *d = &in->g->t->dim[in->g->office_dim];
	bool ok = true;
	for (uint32_t o = from; ok && o < d->n_codes; o++) {
		if (!dim_is_leaf(d, o))
			continue;
		if (in->n_offices + more > 1 && in->work > INSIDER_LEARNED_MAX)
			return true;
		uint32_t before = in->n_learned;
		in->office[in->n_offices++] = o;
		learn_office(in, o);
		ok = more == 1 ? judge(in, e) : attack(in, o + 1, more - 1, e);
		forget(in, before);
		in->n_offices--;
	}
	return ok;
}

/* ---- the pattern of all other needs ---- */

static bool is_against_insiders(const struct need *need)
{
	return need->rules == RULE_DERIVABLE && (need->avoid != NONE || need->band != NONE);
}

/* Not printed as a number, nor hidden for the sake of such needs alone. */
static void find_unknown(struct insider *in, const struct plan *p)
{
	const struct grid *g = in->g;
	for (uint32_t c = 0; c < g->n_cells; c++)
		in->unknown[c] = g->kind[c] == KIND_FREE ||
				 (g->kind[c] == KIND_OPEN && (g->primary[c] != 0 || g->frozen[c] != 0));
	for (uint32_t i = 0; i < in->n->n; i++) {
		const struct need *need = &in->n->need[i];
		if (need->move == NONE || is_against_insiders(need))
			continue;
		const struct move *m = &p->move[need->move];
		for (uint32_t k = 0; k < m->n; k++)
			in->unknown[move_cell(m, k)] = 1;
	}
}

static bool is_unprinted(const struct grid *g)
{
	for (uint32_t c = 0; c < g->n_cells; c++)
		if (g->kind[c] == KIND_FREE && !grid_is_delta(g, c) && g->value[c] > 0)
			return true;
	return false;
}

bool insider_find(struct plan *p, bool *found, struct err *e)
{
	struct grid *g = p->g;
	struct insider in = { .g = g, .n = p->n };
	*found = false;
	if (g->office_dim == SIZE_MAX || g->p->residual == RESIDUAL_NO || g->p->threshold == 0 ||
	    g->p->figures == FIGURES_AMOUNTS || !is_unprinted(g))
		return true;
	in.unknown = calloc((size_t)g->n_cells + 1, 1);
	in.learned = calloc((size_t)g->n_cells + 1, sizeof *in.learned);
	bool ok = (in.unknown != NULL && in.learned != NULL) ||
		  err_set(e, ERR_MEMORY, "no memory for what offices know");
	ok = ok && cornered_begin(&in.bounds, g, e);
	if (ok) {
		find_unknown(&in, p);
		learn_public(&in);
	}
	for (uint32_t n_pool = 1; ok && n_pool <= g->p->coalition && n_pool <= POOL_MAX; n_pool++)
		ok = attack(&in, 0, n_pool, e);
	cornered_end(&in.bounds);
	free(in.unknown);
	free(in.learned);
	*found = in.found;
	return ok;
}
