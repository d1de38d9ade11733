#include "policy/told.h"

#include <stdlib.h>

struct line { /* what one relation says */
	uint32_t unknown, n_unknown;
};

static void look_at(const struct grid *g, uint32_t cell, bool left, struct line *l)
{
	bool known = left ? grid_is_out(g, cell) || g->told[cell] == TOLD_LEFT : told_is_known(g, cell);
	if (g->kind[cell] == KIND_DEAD || known)
		return;
	l->unknown = cell;
	l->n_unknown++;
}

/* The relation's only unknown cell follows from the others. left: from what earlier releases said alone. */
static bool tell(const struct grid *g, const struct relation *r, bool left)
{
	struct line l = { 0, 0 };
	look_at(g, r->parent, left, &l);
	for (uint32_t j = 0; j < r->b->n && l.n_unknown < 2; j++)
		look_at(g, relation_child(g, r, j), left, &l);
	if (l.n_unknown != 1)
		return false;
	g->told[l.unknown] = left ? TOLD_LEFT : TOLD_BY_OTHERS;
	return true;
}

static void tell_all(const struct grid *g, bool left)
{
	for (bool more = true; more;) {
		struct relation_walk w;
		struct relation r;
		more = false;
		relation_begin(&w, g);
		while (relation_next(&w, &r))
			if (!relation_of_releases(g, &r) && tell(g, &r, left))
				more = true;
	}
}

/* A parent with one child in which something can be is that child: one of the two is judged. */
static void find_same(const struct grid *g)
{
	struct relation_walk w;
	struct relation r;
	relation_begin(&w, g);
	while (relation_next(&w, &r)) {
		uint32_t child = 0;
		uint32_t live = 0;
		for (uint32_t j = 0; j < r.b->n && live < 2; j++)
			if (g->kind[relation_child(g, &r, j)] != KIND_DEAD) {
				child = relation_child(g, &r, j);
				live++;
			}
		if (live != 1 || relation_of_releases(g, &r))
			continue;
		if (g->told[child] == TOLD_BY_OTHERS && !grid_counted(g, child))
			g->told[child] = TOLD_SAME;
		else if (g->told[r.parent] == TOLD_BY_OTHERS && grid_counted(g, child))
			g->told[r.parent] = TOLD_SAME;
	}
}

bool told_find(struct grid *g, struct err *e)
{
	uint32_t c = 0;
	while (c < g->n_cells && (g->kind[c] == KIND_DEAD || grid_counted(g, c)))
		c++;
	if (c == g->n_cells)
		return true;
	g->told = calloc(g->n_cells, 1);
	if (g->told == NULL)
		return err_set(e, ERR_MEMORY, "no memory for what follows");
	if (g->out != NULL)
		tell_all(g, true);
	tell_all(g, false);
	find_same(g);
	return true;
}
