#include "policy/vague.h"

#include <stdlib.h>
#include <string.h>

#include "policy/certificate.h"
#include "policy/derived.h"

#define MANY (INT64_C(1) << 54) /* more than any sum (LIMIT_HASH_TOTAL) */
#define FAR  (INT64_C(1) << 60) /* where adding up ends: many cells that may be anything */

enum side { LEAST = 1, MOST = 2 };

struct bound {
	int64_t least, most;
};

struct reader {
	struct grid *g;
	struct bound *without;   /* by cell: what follows from the printed counts alone */
	struct bound *is, *next; /* with the figures: after the last round, and in this one */
	uint8_t *asked;          /* by cell, set of enum side: bounds that are to be explained */
	bool changed;
};

static int64_t larger(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

static int64_t smaller(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* ---- what is known ---- */

static struct bound at_first(const struct grid *g, uint32_t cell)
{
	char mark = proof_mark(g, cell);
	if (g->kind[cell] == KIND_DEAD || mark == 'P')
		return (struct bound){ g->value[cell], g->value[cell] };
	return (struct bound){ mark == 'H' ? (int64_t)g->floor : 0, MANY };
}

static struct bound sum_of(const struct reader *k, const struct relation *r)
{
	struct bound sum = { 0, 0 };
	for (uint32_t j = 0; j < r->b->n; j++) {
		const struct bound *s = &k->is[relation_child(k->g, r, j)];
		sum.least = smaller(sum.least + s->least, FAR);
		sum.most = smaller(sum.most + s->most, FAR);
	}
	return sum;
}

/* What a relation leaves to one of its children. */
static struct bound rest_of(struct bound parent, struct bound sum, struct bound child)
{
	return (struct bound){ sum.most < FAR ? parent.least - (sum.most - child.most) : -FAR,
		parent.most - (sum.least - child.least) };
}

static void narrow(struct reader *k, uint32_t cell, struct bound to)
{
	struct bound *s = &k->next[cell];
	k->changed = k->changed || to.least > s->least || to.most < s->most;
	*s = (struct bound){ larger(s->least, to.least), smaller(s->most, to.most) };
}

static void say(struct reader *k, const struct relation *r)
{
	struct bound sum = sum_of(k, r);
	narrow(k, r->parent, sum);
	for (uint32_t j = 0; j < r->b->n; j++) {
		uint32_t child = relation_child(k->g, r, j);
		narrow(k, child, rest_of(k->is[r->parent], sum, k->is[child]));
	}
}

typedef void with_relation(struct reader *k, const struct relation *r);

static void each_relation(struct reader *k, with_relation *with)
{
	struct relation_walk w;
	struct relation r;
	relation_begin(&w, k->g);
	while (relation_next(&w, &r))
		with(k, &r);
}

static void reckon(struct reader *k)
{
	size_t size = k->g->n_cells * sizeof *k->is;
	k->changed = true;
	for (unsigned i = 0; k->changed && i < VAGUE_ROUNDS; i++) {
		k->changed = false;
		memcpy(k->next, k->is, size);
		each_relation(k, say);
		memcpy(k->is, k->next, size);
	}
}

static void read_figures(struct reader *k)
{
	memcpy(k->is, k->without, k->g->n_cells * sizeof *k->is);
	for (size_t i = 0; i < k->g->t->n_derived; i++) {
		const struct derived_figure *f = &k->g->t->derived[i];
		struct bound *s = &k->is[f->numerator];
		struct bound told;
		if (!derived_tells(k->g, f, &told.least, &told.most))
			continue;
		*s = (struct bound){ larger(s->least, told.least), smaller(s->most, told.most) };
	}
	reckon(k);
}

/* ---- which figures make cells known to be small ---- */

static bool is_small(const struct grid *g, int64_t most)
{
	return most > 0 && most < (int64_t)g->p->threshold;
}

static bool ask_small(struct reader *k)
{
	const struct grid *g = k->g;
	bool some = false;
	memset(k->asked, 0, g->n_cells);
	for (uint32_t c = 0; c < g->n_cells; c++) {
		char mark = proof_mark(g, c);
		if (g->kind[c] == KIND_DEAD || mark == 'P' || mark == 'H' || !is_small(g, k->is[c].most) ||
		    is_small(g, k->without[c].most))
			continue;
		k->asked[c] = MOST;
		some = true;
	}
	return some;
}

/* Bounds that are the same without figures need no explanation. */
static void ask(struct reader *k, uint32_t cell, enum side side)
{
	bool news = side == MOST ? k->is[cell].most < k->without[cell].most
				 : k->is[cell].least > k->without[cell].least;
	if (!news || (k->asked[cell] & side) != 0)
		return;
	k->asked[cell] |= (uint8_t)side;
	k->changed = true;
}

/* Is that bound of this child asked for, and the one that the relation gives? */
static bool is_given(const struct reader *k, uint32_t child, struct bound rest, enum side side)
{
	return (k->asked[child] & side) != 0 &&
	       (side == MOST ? rest.most == k->is[child].most : rest.least == k->is[child].least);
}

/* Such a bound of a child comes from the same one of the parent and the other one of the other children. */
static void explain_children(struct reader *k, const struct relation *r, struct bound sum, enum side side)
{
	uint32_t given = 0;
	uint32_t only = NONE;
	for (uint32_t j = 0; j < r->b->n; j++) {
		uint32_t child = relation_child(k->g, r, j);
		if (!is_given(k, child, rest_of(k->is[r->parent], sum, k->is[child]), side))
			continue;
		only = ++given == 1 ? child : NONE;
	}
	if (given == 0)
		return;
	ask(k, r->parent, side);
	for (uint32_t j = 0; j < r->b->n; j++)
		if (relation_child(k->g, r, j) != only)
			ask(k, relation_child(k->g, r, j), side == MOST ? LEAST : MOST);
}

static void explain(struct reader *k, const struct relation *r)
{
	struct bound sum = sum_of(k, r);
	bool least = (k->asked[r->parent] & LEAST) != 0 && k->is[r->parent].least == sum.least;
	bool most = (k->asked[r->parent] & MOST) != 0 && k->is[r->parent].most == sum.most;
	for (uint32_t j = 0; j < r->b->n && (least || most); j++) {
		if (least)
			ask(k, relation_child(k->g, r, j), LEAST);
		if (most)
			ask(k, relation_child(k->g, r, j), MOST);
	}
	explain_children(k, r, sum, LEAST);
	explain_children(k, r, sum, MOST);
}

/* ---- withholding ---- */

enum whom { VAGUE, ASKED, ALL };

/* Does the figure give one of the bounds that are asked for? */
static bool is_cause(const struct reader *k, const struct derived_figure *f, struct bound told)
{
	uint8_t asked = k->asked[f->numerator];
	return ((asked & LEAST) != 0 && told.least == k->is[f->numerator].least) ||
	       ((asked & MOST) != 0 && told.most == k->is[f->numerator].most);
}

static bool withhold(struct reader *k, enum whom whom)
{
	struct grid *g = k->g;
	bool some = false;
	memset(k->next, 0, g->n_cells * sizeof *k->next);
	for (size_t i = 0; i < g->t->n_derived; i++) {
		const struct derived_figure *f = &g->t->derived[i];
		const struct bound *s = &k->is[f->numerator];
		struct bound told;
		if (derived_tells(g, f, &told.least, &told.most) && (whom == ALL || is_cause(k, f, told)) &&
		    (whom != VAGUE || s->least < s->most))
			k->next[f->numerator].least = 1;
	}
	for (uint32_t c = 0; c < g->n_cells; c++)
		if (k->next[c].least != 0) {
			g->mark[c] = 'i';
			some = true;
		}
	return some;
}

/* False: nothing was withheld. */
static bool turn(struct reader *k, bool last)
{
	read_figures(k);
	if (!ask_small(k))
		return false;
	k->changed = true;
	while (k->changed) {
		k->changed = false;
		each_relation(k, explain);
	}
	return (!last && (withhold(k, VAGUE) || withhold(k, ASKED))) || withhold(k, ALL);
}

static bool has_figures(const struct grid *g)
{
	int64_t least;
	int64_t most;
	for (size_t i = 0; i < g->t->n_derived; i++)
		if (derived_tells(g, &g->t->derived[i], &least, &most))
			return true;
	return false;
}

bool vague_withhold(struct grid *g, struct err *e)
{
	struct reader k = { .g = g };
	if (g->p->figures == FIGURES_AMOUNTS || !has_figures(g))
		return true;
	k.without = calloc(g->n_cells, sizeof *k.without);
	k.is = calloc(g->n_cells, sizeof *k.is);
	k.next = calloc(g->n_cells, sizeof *k.next);
	k.asked = calloc(g->n_cells, 1);
	bool ok = (k.without != NULL && k.is != NULL && k.next != NULL && k.asked != NULL) ||
		  err_set(e, ERR_MEMORY, "no memory for the figures");
	if (ok) {
		for (uint32_t c = 0; c < g->n_cells; c++)
			k.is[c] = at_first(g, c);
		reckon(&k);
		memcpy(k.without, k.is, g->n_cells * sizeof *k.is);
		for (unsigned i = 1; turn(&k, i >= VAGUE_TURNS);)
			i++;
	}
	free(k.without);
	free(k.is);
	free(k.next);
	free(k.asked);
	return ok;
}
