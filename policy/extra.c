#include "policy/extra.h"

#include <stdlib.h>

#include "policy/moves.h"

#define DRAWS 16u /* cells looked at for one redundant one; the cheapest is taken */

static bool may_hide(const struct grid *g, uint32_t cell)
{
	return g->kind[cell] == KIND_OPEN && !grid_hidden(g, cell) && g->value[cell] >= (int64_t)g->floor;
}

/* Hides a cell by a move of its own; false: none was found, and nothing changed. */
static bool hide(struct plan *p, enum guarantee level, uint32_t cell, uint16_t rule)
{
	struct needs *n = p->n;
	struct err unused = { 0 };
	struct need need = { .cell = cell,
		.virt = NONE,
		.avoid = NONE,
		.exempt = NONE,
		.band = NONE,
		.dir = 1,
		.slots = 1,
		.rules = rule,
		.amp = level == LEVEL_1 ? 0 : 1 };
	if (!needs_add(n, need, &unused)) {
		p->memory_failed = true;
		return false;
	}
	n->need[n->n - 1].next = n->first[cell];
	n->first[cell] = n->n - 1;
	if (need_serve(p, n->n - 1, true))
		return true;
	n->first[cell] = n->need[n->n - 1].next;
	n->n--;
	return false;
}

static uint32_t count_secondaries(const struct grid *g)
{
	uint32_t n = 0;
	for (uint32_t c = 0; c < g->n_cells; c++)
		n += grid_hidden(g, c) && g->primary[c] == 0;
	return n;
}

static uint32_t draw_cell(const struct plan *p, uint32_t turn)
{
	const struct grid *g = p->g;
	uint32_t best = NONE;
	for (uint32_t i = 0; i < DRAWS; i++) {
		uint32_t c = (uint32_t)(grid_random(g, 21, turn, i) % g->n_cells);
		if (may_hide(g, c) && (best == NONE || g->price[c] < g->price[best]))
			best = c;
	}
	return best;
}

void extra_redundant(struct plan *p, enum guarantee level)
{
	uint64_t permille = (uint64_t)count_secondaries(p->g) * p->g->p->redundancy_permille;
	uint32_t more = (uint32_t)((permille + grid_random(p->g, 20, 0, 0) % 1000) / 1000);
	for (uint32_t i = 0; i < more && !p->memory_failed && !plan_over_limit(p); i++) {
		uint32_t c = draw_cell(p, i);
		if (c != NONE)
			hide(p, level, c, RULE_REDUNDANT);
	}
}

/* The cheapest child that may be hidden and was not tried; NONE: the relation is none of R7's, or has no other. */
static uint32_t next_child(const struct plan *p, const struct relation *r, int64_t least)
{
	const struct grid *g = p->g;
	int64_t sum = 0;
	uint32_t hidden = 0;
	uint32_t best = NONE;
	if (g->kind[r->parent] == KIND_FREE || grid_hidden(g, r->parent))
		return NONE;
	for (uint32_t j = 0; j < r->b->n; j++) {
		uint32_t c = relation_child(g, r, j);
		if (g->kind[c] == KIND_FREE)
			return NONE;
		if (grid_hidden(g, c)) {
			hidden++;
			sum += g->value[c];
		} else if (may_hide(g, c) && p->sum_tried[c] == 0 &&
			   (best == NONE || g->price[c] < g->price[best])) {
			best = c;
		}
	}
	return hidden > 0 && sum < least ? best : NONE;
}

bool extra_hidden_sums(struct plan *p, enum guarantee level)
{
	int64_t least = policy_params_hidden_sum_min(p->g->p);
	struct relation_walk w;
	struct relation r;
	free(p->sum_tried);
	p->sum_tried = calloc(p->g->n_cells, 1);
	if (p->sum_tried == NULL)
		return false;
	for (bool more = true; more;) { /* what is hidden for one sum's sake may leave another one small */
		more = false;
		relation_begin(&w, p->g);
		while (relation_next(&w, &r) && !p->memory_failed && !plan_over_limit(p))
			for (uint32_t c = 0; (c = next_child(p, &r, least)) != NONE; p->sum_tried[c] = 1)
				more = hide(p, level, c, RULE_SUM) || more;
	}
	return !p->memory_failed;
}
