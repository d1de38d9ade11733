#include "policy/cornered.h"

#include <stdlib.h>

#define MANY (INT64_C(1) << 54) /* more than any sum (LIMIT_HASH_TOTAL) */
#define FAR  (INT64_C(1) << 60) /* where adding up ends: many children that may be anything */

struct span {
	int64_t least, most;
};

bool cornered_begin(struct cornered *c, const struct grid *g, struct err *e)
{
	*c = (struct cornered){ .g = g, .is = calloc((size_t)g->n_cells + 1, sizeof *c->is) };
	return c->is != NULL || err_set(e, ERR_MEMORY, "no memory for what offices know");
}

void cornered_end(struct cornered *c)
{
	free(c->is);
	c->is = NULL;
}

static struct span at_first(const struct grid *g, uint32_t cell, bool unknown)
{
	if (!unknown)
		return (struct span){ g->value[cell], g->value[cell] };
	if (grid_is_delta(g, cell))
		return (struct span){ -MANY, MANY };
	return (struct span){ g->kind[cell] == KIND_FREE ? 0 : grid_floor(g, cell), MANY };
}

static void narrow(struct cornered *c, uint32_t cell, int64_t least, int64_t most)
{
	struct span *s = &c->is[cell];
	if (least > s->least) {
		s->least = least;
		c->changed = true;
	}
	if (most < s->most) {
		s->most = most;
		c->changed = true;
	}
}

static int64_t capped(int64_t n)
{
	return n > FAR ? FAR : n < -FAR ? -FAR : n;
}

/* What the parent and the other children leave to each child, and all children to the parent. */
static void say(struct cornered *c, const struct relation *r)
{
	struct span sum = { 0, 0 };
	for (uint32_t j = 0; j < r->b->n; j++) {
		const struct span *s = &c->is[relation_child(c->g, r, j)];
		sum = (struct span){ capped(sum.least + s->least), capped(sum.most + s->most) };
	}
	c->work += r->b->n;
	narrow(c, r->parent, sum.least, sum.most);
	struct span parent = c->is[r->parent];
	for (uint32_t j = 0; j < r->b->n; j++) {
		uint32_t child = relation_child(c->g, r, j);
		struct span s = c->is[child];
		if (s.least == s.most)
			continue;
		narrow(c, child, sum.most < FAR ? parent.least - (sum.most - s.most) : -FAR,
		    sum.least > -FAR ? parent.most - (sum.least - s.least) : FAR);
	}
}

bool cornered_reckon(struct cornered *c, const uint8_t *unknown)
{
	struct relation_walk w;
	struct relation r;
	if (c->work > CORNERED_WORK_MAX)
		return false;
	for (uint32_t i = 0; i < c->g->n_cells; i++)
		c->is[i] = at_first(c->g, i, unknown[i] != 0);
	c->changed = true;
	for (unsigned i = 0; c->changed && i < CORNERED_ROUNDS; i++) {
		c->changed = false;
		relation_begin(&w, c->g);
		while (relation_next(&w, &r))
			say(c, &r);
	}
	return true;
}

bool cornered_tells(const struct cornered *c, uint32_t cell)
{
	return c->is[cell].least == c->is[cell].most;
}
