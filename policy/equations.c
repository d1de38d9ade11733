#include "policy/equations.h"

#include <stdlib.h>
#include <string.h>

#include "policy/array.h"

struct cells { /* a list */
	uint32_t *cell;
	uint32_t n, room;
};

static bool push(struct cells *l, uint32_t cell)
{
	if (!array_room(&l->cell, &l->room, l->n + 1, sizeof *l->cell))
		return false;
	l->cell[l->n++] = cell;
	return true;
}

/* The relation's only open cell, or NONE: there is none, or more than one. */
static uint32_t only_open(const struct equations *q, const struct relation *r)
{
	uint32_t found = equations_is_open(q, r->parent) ? r->parent : NONE;
	for (uint32_t j = 0; j < r->b->n; j++) {
		uint32_t child = relation_child(q->g, r, j);
		if (!equations_is_open(q, child))
			continue;
		if (found != NONE)
			return NONE;
		found = child;
	}
	return found;
}

static bool push_only(const struct equations *q, const struct relation *r, struct cells *told)
{
	uint32_t cell = only_open(q, r);
	return cell == NONE || push(told, cell);
}

/* The cell is known: so may be another in its relations. */
static bool tell(struct equations *q, uint32_t cell, struct cells *told)
{
	const struct table_input *t = q->g->t;
	if (!equations_is_open(q, cell))
		return true;
	q->open[cell / 64] &= ~(UINT64_C(1) << (cell % 64));
	for (size_t d = 0; d < t->n_dims; d++) {
		const struct dim *dim = &t->dim[d];
		uint32_t code = table_coord(t, cell, d);
		for (uint32_t i = 0; i < list_size(&dim->down, code); i++) {
			struct relation r = { d, dim_down(dim, code, i), cell };
			if (!push_only(q, &r, told))
				return false;
		}
		for (uint32_t i = 0; i < list_size(&dim->up, code); i++) {
			const struct breakdown *b = &dim->breakdown[list_at(&dim->up, code)[i]];
			struct relation r = { d, b, grid_with(q->g, cell, d, b->parent) };
			if (!push_only(q, &r, told))
				return false;
		}
	}
	return true;
}

static bool tell_all(struct equations *q)
{
	struct cells told = { 0 };
	struct relation_walk w;
	struct relation r;
	bool ok = true;
	relation_begin(&w, q->g);
	while (ok && relation_next(&w, &r))
		ok = push_only(q, &r, &told);
	while (ok && told.n > 0)
		ok = tell(q, told.cell[--told.n], &told);
	free(told.cell);
	return ok;
}

static bool mark_open(struct equations *q)
{
	uint32_t n = q->g->n_cells;
	q->open = calloc((size_t)n / 64 + 1, sizeof *q->open);
	q->before = malloc(((size_t)n / 64 + 1) * sizeof *q->before);
	if (q->open == NULL || q->before == NULL)
		return false;
	for (uint32_t c = 0; c < n; c++)
		q->open[c / 64] |= (uint64_t)grid_loose(q->g, c) << (c % 64);
	return true;
}

static void number_open(struct equations *q)
{
	for (uint32_t i = 0; i <= q->g->n_cells / 64; i++) {
		q->before[i] = q->n_unknowns;
		q->n_unknowns += (uint32_t)__builtin_popcountll(q->open[i]);
	}
}

static int by_item(const void *a, const void *b)
{
	const uint32_t *x = a;
	const uint32_t *y = b;
	return (*x > *y) - (*x < *y);
}

static bool add_relation(struct equations *q, const struct relation *r, struct cells *item)
{
	struct echelon *x = &q->x;
	bool rising = true;
	item->n = 0;
	for (uint32_t j = 0; j <= r->b->n; j++) {
		uint32_t cell = j == 0 ? r->parent : relation_child(q->g, r, j - 1);
		if (!equations_is_open(q, cell))
			continue;
		if (!push(item, echelon_item(x, equations_column(q, cell), j == 0 ? -1 : 1)))
			return false;
		rising = rising && (item->n < 2 || item->cell[item->n - 2] < item->cell[item->n - 1]);
	}
	if (!rising)
		qsort(item->cell, item->n, sizeof *item->cell, by_item);
	return item->n == 0 || echelon_add(x, item->cell, item->n);
}

bool equations_solve(struct equations *q, const struct grid *g, uint32_t longest)
{
	struct cells item = { 0 };
	struct relation_walk w;
	struct relation r;
	memset(q, 0, sizeof *q);
	q->g = g;
	bool ok = mark_open(q) && tell_all(q);
	if (ok)
		number_open(q);
	ok = ok && echelon_init(&q->x, q->n_unknowns, ECHELON_BITS);
	relation_begin(&w, g);
	while (ok && relation_next(&w, &r))
		ok = add_relation(q, &r, &item);
	free(item.cell);
	return ok && echelon_solve(&q->x, longest);
}

void equations_free(struct equations *q)
{
	free(q->open);
	free(q->before);
	echelon_free(&q->x);
	memset(q, 0, sizeof *q);
}
