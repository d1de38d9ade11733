#include "policy/insider.h"

#include <stdlib.h>
#include <string.h>

#include "policy/shares.h"
#include "policy/told.h"

#define POOL_MAX 8u

struct insider {
	struct grid *g;
	struct needs *n;
	uint8_t *open;   /* by cell: the public does not know it, as far as subtractions go */
	uint8_t *unseen; /* the same for the offices at hand */
	uint32_t office[POOL_MAX], n_offices;
	uint64_t work;
	bool found;
};

/* The relation's only unknown cell is known from now on. */
static bool solve(struct insider *in, uint8_t *unknown, const struct relation *r)
{
	uint32_t which = unknown[r->parent] != 0 ? r->parent : NONE;
	for (uint32_t j = 0; j < r->b->n; j++) {
		uint32_t child = relation_child(in->g, r, j);
		if (unknown[child] == 0)
			continue;
		if (which != NONE)
			return false;
		which = child;
	}
	if (which == NONE)
		return false;
	unknown[which] = 0;
	return true;
}

static void solve_all(struct insider *in, uint8_t *unknown)
{
	for (bool more = true; more;) {
		struct relation_walk w;
		struct relation r;
		more = false;
		relation_begin(&w, in->g);
		while (relation_next(&w, &r)) {
			in->work += r.b->n;
			more |= !relation_of_releases(in->g, &r) && solve(in, unknown, &r);
		}
	}
}

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

/* Is there a need against these offices already? Then its move was not enough, and another would not be. */
static bool has_need(const struct insider *in, uint32_t cell)
{
	for (uint32_t i = in->n->first[cell]; i != NONE; i = in->n->need[i].next) {
		bool all = true;
		for (uint32_t k = 0; k < in->n_offices; k++)
			all = all && need_avoids(in->n, &in->n->need[i], in->office[k]);
		if (all)
			return true;
	}
	return false;
}

static bool judge(struct insider *in, struct err *e)
{
	const struct grid *g = in->g;
	for (uint32_t c = 0; c < g->n_own; c++) {
		if (in->open[c] == 0 || in->unseen[c] != 0 || g->kind[c] != KIND_FREE ||
		    told_has_left(g, c) || is_member(in, grid_office(g, c)) || has_need(in, c))
			continue;
		int64_t rest = rest_of(in, c);
		if (rest >= 1 && rest < (int64_t)g->p->threshold && !add(in, c, e))
			return false;
	}
	return true;
}

static bool attack(struct insider *in, struct err *e)
{
	memcpy(in->unseen, in->open, in->g->n_cells);
	for (uint32_t c = 0; c < in->g->n_cells; c++)
		if (in->open[c] != 0 && is_member(in, grid_office(in->g, c)))
			in->unseen[c] = 0;
	solve_all(in, in->unseen);
	return judge(in, e);
}

/* Sets of so many more offices beside those at hand, from code `from` on. */
static bool attack_sets(struct insider *in, uint32_t from, uint32_t more, struct err *e)
{
	const struct dim *d = &in->g->t->dim[in->g->office_dim];
	for (uint32_t o = from; o < d->n_codes && in->work < INSIDER_WORK_MAX; o++) {
		if (!dim_is_leaf(d, o))
			continue;
		in->office[in->n_offices++] = o;
		bool ok = more == 1 ? attack(in, e) : attack_sets(in, o + 1, more - 1, e);
		in->n_offices--;
		if (!ok)
			return false;
	}
	return true;
}

static bool is_unprinted(const struct grid *g)
{
	for (uint32_t c = 0; c < g->n_own; c++)
		if (g->kind[c] == KIND_FREE && g->value[c] > 0)
			return true;
	return false;
}

bool insider_find(struct grid *g, struct needs *n, bool *found, struct err *e)
{
	struct insider in = { .g = g, .n = n };
	*found = false;
	if (g->office_dim == SIZE_MAX || g->p->residual == RESIDUAL_NO || g->p->threshold == 0 ||
	    g->p->figures == FIGURES_AMOUNTS || !is_unprinted(g))
		return true;
	in.open = calloc((size_t)g->n_cells + 1, 1);
	in.unseen = calloc((size_t)g->n_cells + 1, 1);
	bool ok = (in.open != NULL && in.unseen != NULL) ||
		  err_set(e, ERR_MEMORY, "no memory for what offices know");
	for (uint32_t c = 0; ok && c < g->n_cells; c++)
		in.open[c] = g->kind[c] != KIND_DEAD && grid_loose(g, c);
	if (ok)
		solve_all(&in, in.open);
	for (uint32_t n_pool = 1; ok && n_pool <= g->p->coalition && n_pool <= POOL_MAX; n_pool++)
		ok = attack_sets(&in, 0, n_pool, e);
	free(in.open);
	free(in.unseen);
	*found = in.found;
	return ok;
}
