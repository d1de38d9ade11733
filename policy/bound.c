#include "policy/bound.h"

#include <stdlib.h>
#include <string.h>

#define MANY (INT64_C(1) << 54) /* more than any sum (LIMIT_HASH_TOTAL) */
#define FAR  (INT64_C(1) << 60) /* where adding up ends: many children that may be anything */

struct span {
	int64_t least, most;
};

struct bounds {
	struct grid *g;
	struct span *is, *next; /* by cell: after the last round, and in this one */
	bool all;               /* whatever is counted is known, as it is to all offices together */
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

/* Rules protect it, so it will be able to be more. */
static bool is_withheld(const struct bounds *b, uint32_t cell)
{
	return b->g->primary[cell] != 0 && !b->all;
}

/* Its value is known from the beginning. */
static bool is_given(const struct bounds *b, uint32_t cell)
{
	return b->g->kind[cell] == KIND_DEAD || (told_is_known(b->g, cell) && !is_withheld(b, cell));
}

static struct span at_first(const struct bounds *b, uint32_t cell)
{
	const struct grid *g = b->g;
	if (is_given(b, cell))
		return (struct span){ g->value[cell], g->value[cell] };
	if (grid_is_delta(g, cell))
		return (struct span){ -MANY, MANY };
	return (struct span){ is_withheld(b, cell) ? grid_floor(g, cell) : 0, MANY };
}

static void narrow(struct bounds *b, uint32_t cell, int64_t least, int64_t most)
{
	struct span *s = &b->next[cell];
	if (is_withheld(b, cell))
		return;
	least = larger(s->least, least);
	most = smaller(s->most, most);
	b->changed = b->changed || least > s->least || most < s->most;
	*s = (struct span){ least, most };
}

/* What the children are together. *open: some of them are not known for certain. */
static struct span sum_of(const struct bounds *b, const struct relation *r, bool *open)
{
	struct span sum = { 0, 0 };
	*open = false;
	for (uint32_t j = 0; j < r->b->n; j++) {
		const struct span *s = &b->is[relation_child(b->g, r, j)];
		sum.least = larger(sum.least + s->least, -FAR);
		sum.most = smaller(sum.most + s->most, FAR);
		*open = *open || s->least < s->most;
	}
	return sum;
}

/* Less than the threshold is left beside the cells known from the beginning: the rules have that sum, or its parts. Not of
 * a nought, where noughts are published: all its parts are noughts, and no rule minds. Two releases' figures are no sum of persons. */
static bool is_protected(const struct bounds *b, const struct relation *r)
{
	const struct grid *g = b->g;
	int64_t rest = g->value[r->parent];
	if (b->all || relation_of_releases(g, r) || !is_given(b, r->parent) ||
	    (rest == 0 && g->p->zeros == ZEROS_PUBLISHED))
		return false;
	for (uint32_t j = 0; j < r->b->n; j++) {
		uint32_t child = relation_child(g, r, j);
		rest -= is_given(b, child) ? g->value[child] : 0;
	}
	return rest < (int64_t)g->p->threshold;
}

static void say(struct bounds *b, const struct relation *r)
{
	bool open = false;
	struct span sum = sum_of(b, r, &open);
	struct span parent = b->is[r->parent];
	if ((!open && parent.least == parent.most) || is_protected(b, r))
		return;
	narrow(b, r->parent, sum.least, sum.most);
	for (uint32_t j = 0; j < r->b->n; j++) {
		uint32_t child = relation_child(b->g, r, j);
		struct span s = b->is[child];
		narrow(b, child, sum.most < FAR ? parent.least - (sum.most - s.most) : -FAR,
		    sum.least > -FAR ? parent.most - (sum.least - s.least) : FAR);
	}
}

static void say_all(struct bounds *b)
{
	struct relation_walk w;
	struct relation r;
	b->changed = false;
	memcpy(b->next, b->is, b->g->n_cells * sizeof *b->is);
	relation_begin(&w, b->g);
	while (relation_next(&w, &r))
		say(b, &r);
	memcpy(b->is, b->next, b->g->n_cells * sizeof *b->is);
}

/* It is known to be small, and it is not another kind of nothing. */
static bool is_small(const struct grid *g, uint32_t cell, int64_t most)
{
	return g->kind[cell] != KIND_DEAD && !told_is_known(g, cell) && g->primary[cell] == 0 &&
	       !grid_is_delta(g, cell) && most < (int64_t)g->p->threshold &&
	       (most > 0 || g->p->zeros == ZEROS_SENSITIVE);
}

static void reckon(struct bounds *b)
{
	b->changed = true;
	for (uint32_t c = 0; c < b->g->n_cells; c++)
		b->is[c] = at_first(b, c);
	for (unsigned i = 0; b->changed && i < BOUND_ROUNDS; i++)
		say_all(b);
}

/* Where noughts are published, one that follows from the offices' own figures is no secret: nobody minds what is made of it. */
static void drop_noughts(struct bounds *b)
{
	bool some = false;
	for (uint32_t c = 0; c < b->g->n_cells; c++)
		some = some || (b->g->told[c] == TOLD_SMALL && b->g->value[c] == 0);
	if (!some || b->g->p->zeros != ZEROS_PUBLISHED)
		return;
	b->all = true;
	reckon(b);
	for (uint32_t c = 0; c < b->g->n_cells; c++)
		if (b->g->told[c] == TOLD_SMALL && b->is[c].most == 0)
			b->g->told[c] = TOLD_NOT;
}

bool bound_find(struct grid *g, struct err *e)
{
	struct bounds b = { .g = g };
	if (g->told == NULL)
		return true;
	b.is = calloc(g->n_cells, sizeof *b.is);
	b.next = calloc(g->n_cells, sizeof *b.next);
	bool ok = (b.is != NULL && b.next != NULL) || err_set(e, ERR_MEMORY, "no memory for what is known");
	if (ok) {
		reckon(&b);
		for (uint32_t c = 0; c < g->n_cells; c++)
			if (is_small(g, c, b.is[c].most))
				g->told[c] = TOLD_SMALL;
		drop_noughts(&b);
	}
	free(b.is);
	free(b.next);
	return ok;
}
