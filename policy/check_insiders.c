/* The built-in checker's part about what offices work out of cells that no table prints, by subtraction from everything printed
 * and their own figures: for each such cell a stored move stands that they cannot rule out. Shares no arithmetic with the
 * engine. */
#include <stdlib.h>

#include "policy/check.h"
#include "policy/check_part.h"
#include "policy/told.h"

#define SETS_OF_MAX 8u

struct knower { /* the public, then sets of offices */
	const struct checker *c;
	const struct grid *g;
	uint32_t size;   /* cells, of earlier releases too */
	uint8_t *knows;  /* by cell */
	uint32_t *facts; /* cells known beside the public */
	uint32_t n_facts;
	uint32_t who[SETS_OF_MAX], n_who;
	uint64_t total; /* facts of all sets so far */
};

/* ---- facts ---- */

static void note(struct knower *k, uint64_t cell)
{
	if (k->knows[cell] != 0)
		return;
	k->knows[cell] = 1;
	k->facts[k->n_facts++] = (uint32_t)cell;
}

/* One line of a breakdown of dimension d: base has the dimension's first code. If a single cell is left, it is known. */
static void subtract(struct knower *k, size_t d, const struct breakdown *b, uint64_t base)
{
	const struct dim *dim = &k->c->t->dim[d];
	uint64_t stride = k->c->t->stride[d];
	uint64_t left = base + b->parent * stride;
	bool some = k->knows[left] == 0;
	for (uint32_t i = 0; i < b->n; i++) {
		uint64_t child = base + dim->child[b->first + i] * stride;
		if (k->knows[child] != 0)
			continue;
		if (some)
			return;
		some = true;
		left = child;
	}
	if (some)
		note(k, left);
}

/* Every relation of which the cell is a total; part: or a part. */
static void subtract_around(struct knower *k, uint32_t cell, bool part)
{
	for (size_t d = 0; d < k->c->t->n_dims; d++) {
		const struct dim *dim = &k->c->t->dim[d];
		uint32_t code = table_coord(k->c->t, cell, d);
		uint64_t base = cell - code * k->c->t->stride[d];
		for (uint32_t i = 0; i < list_size(&dim->down, code); i++)
			subtract(k, d, &dim->breakdown[list_at(&dim->down, code)[i]], base);
		for (uint32_t i = 0; part && i < list_size(&dim->up, code); i++)
			subtract(k, d, &dim->breakdown[list_at(&dim->up, code)[i]], base);
	}
}

static void go_on(struct knower *k, uint32_t from)
{
	for (uint32_t i = from; i < k->n_facts; i++)
		subtract_around(k, k->facts[i], true);
}

/* ---- the pattern without moves that stand for nothing else ---- */

static bool is_insiders(const struct need *n)
{
	return n->rules == RULE_DERIVABLE && (n->avoid != NONE || n->band != NONE);
}

static void forget_moved(struct knower *k)
{
	const struct plan *p = k->c->p;
	for (uint32_t i = 0; i < p->n->n; i++) {
		const struct need *n = &p->n->need[i];
		if (n->move == NONE || is_insiders(n))
			continue;
		for (uint32_t j = 0; j < p->move[n->move].n; j++)
			k->knows[move_cell(&p->move[n->move], j)] = 0;
	}
}

static void know_public(struct knower *k)
{
	const struct grid *g = k->g;
	for (uint32_t c = 0; c < k->size; c++)
		k->knows[c] =
		    g->kind[c] != KIND_FREE && (g->kind[c] != KIND_OPEN || (!g->primary[c] && !g->frozen[c]));
	forget_moved(k);
	for (uint32_t c = 0; c < k->size; c++)
		subtract_around(k, c, false);
	go_on(k, 0);
	k->n_facts = 0;
}

static void know_office(struct knower *k, uint32_t office)
{
	uint64_t stride = k->c->t->stride[k->c->office_dim];
	uint64_t block = stride * k->c->t->dim[k->c->office_dim].n_codes;
	uint32_t from = k->n_facts;
	for (uint64_t row = office * stride; row < k->size; row += block)
		for (uint64_t i = 0; i < stride; i++)
			note(k, row + i);
	go_on(k, from);
}

static void unlearn(struct knower *k, uint32_t from)
{
	while (k->n_facts > from)
		k->knows[k->facts[--k->n_facts]] = 0;
}

/* ---- what they must not know ---- */

static bool leaves_alone(const struct knower *k, const struct move *m)
{
	for (uint32_t i = 0; i < m->n; i++) {
		uint32_t code = table_coord(k->c->t, move_cell(m, i), k->c->office_dim);
		for (uint32_t j = 0; j < k->n_who; j++)
			if (code == k->who[j])
				return false;
	}
	return true;
}

static bool has_room(const struct knower *k, uint32_t cell)
{
	const struct plan *p = k->c->p;
	for (uint32_t i = p->n->first[cell]; i != NONE; i = p->n->need[i].next) {
		const struct move *m = p->n->need[i].move == NONE ? NULL : &p->move[p->n->need[i].move];
		int64_t by = 0;
		for (uint32_t j = 0; m != NULL && j < m->n; j++)
			by = move_cell(m, j) == cell ? move_by(m, j) : by;
		if (by >= (int64_t)k->c->params->width && leaves_alone(k, m))
			return true;
	}
	return false;
}

static bool fact_holds(const struct knower *k, uint32_t cell)
{
	const struct dim *offices = &k->c->t->dim[k->c->office_dim];
	uint64_t stride = k->c->t->stride[k->c->office_dim];
	uint32_t code = table_coord(k->c->t, cell, k->c->office_dim);
	int64_t others = k->c->t->value[cell];
	if (k->g->kind[cell] != KIND_FREE || grid_is_delta(k->g, cell) || told_has_left(k->g, cell))
		return true;
	for (uint32_t i = 0; i < k->n_who; i++) {
		if (k->who[i] == code)
			return true; /* their own */
		if (dim_is_above(offices, code, k->who[i]))
			others -= k->c->t->value[cell - code * stride + k->who[i] * stride];
	}
	return others < 1 || others >= (int64_t)k->c->params->threshold || has_room(k, cell) ||
	       check_fails(k->c, "R12 insiders");
}

static bool check_set(struct knower *k)
{
	k->total += k->n_facts;
	for (uint32_t i = 0; i < k->n_facts; i++)
		if (!fact_holds(k, k->facts[i]))
			return false;
	return true;
}

/* Sets of those at hand and so many offices more. */
static bool check_sets(struct knower *k, uint32_t from, uint32_t more)
{
	const struct dim *offices = &k->c->t->dim[k->c->office_dim];
	for (uint32_t o = from; o < offices->n_codes; o++) {
		if (!dim_is_leaf(offices, o))
			continue;
		if (k->n_who + more > 1 && k->total > CHECK_FACTS_MAX)
			return true;
		uint32_t before = k->n_facts;
		k->who[k->n_who++] = o;
		know_office(k, o);
		bool ok = more == 1 ? check_set(k) : check_sets(k, o + 1, more - 1);
		unlearn(k, before);
		k->n_who--;
		if (!ok)
			return false;
	}
	return true;
}

static bool is_asked(const struct checker *c)
{
	const struct grid *g = c->p->g;
	if (c->office_dim == SIZE_MAX || c->level < LEVEL_3 || c->params->residual == RESIDUAL_NO ||
	    c->params->threshold == 0 || c->params->figures == FIGURES_AMOUNTS)
		return false;
	for (uint32_t i = 0; i < g->n_cells; i++)
		if (g->kind[i] == KIND_FREE && !grid_is_delta(g, i) && c->t->value[i] > 0)
			return true;
	return false;
}

bool check_insiders(const struct checker *c)
{
	struct knower k = { .c = c, .g = c->p->g, .size = c->p->g->n_cells };
	if (!is_asked(c))
		return true;
	k.knows = calloc((size_t)k.size + 1, 1);
	k.facts = calloc((size_t)k.size + 1, sizeof *k.facts);
	bool ok =
	    (k.knows != NULL && k.facts != NULL) || err_set(c->e, ERR_MEMORY, "no memory for the check");
	if (ok)
		know_public(&k);
	for (uint32_t n = 1; ok && n <= c->params->coalition && n <= SETS_OF_MAX; n++)
		ok = check_sets(&k, 0, n);
	free(k.knows);
	free(k.facts);
	return ok;
}
