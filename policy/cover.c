#include "policy/cover.h"

#include <stdlib.h>
#include <string.h>

#include "policy/array.h"

#define MANY 2u /* hidden cells in a relation: more are not counted */

/* Relations are numbered as relation_next meets them. */
struct cover {
	struct grid *g;
	uint32_t *start[TABLE_DIMS_MAX]; /* by breakdown: the first relation's number */
	uint32_t n_lines;
	uint8_t *hidden; /* by relation: cells not printed, at most MANY */
	uint32_t *todo;  /* relations with one cell hidden, as they came up; not always up to date */
	uint32_t n_todo, room_todo;
	bool failed;
};

bool cover_may_hide(const struct grid *g, uint32_t cell)
{
	return g->kind[cell] == KIND_OPEN && !grid_hidden(g, cell) && (g->value[cell] != 0 || g->floor == 0);
}

static uint32_t number(const struct cover *v, size_t dim, uint32_t breakdown, uint32_t cell)
{
	const struct table_input *t = v->g->t;
	uint32_t inner = (uint32_t)t->stride[dim];
	return v->start[dim][breakdown] + cell / (inner * t->dim[dim].n_codes) * inner + cell % inner;
}

typedef void visit(struct cover *v, uint32_t line, uint32_t *out);

/* Visits the relations that a cell stands in. */
static void walk_lines(struct cover *v, uint32_t cell, visit *each, uint32_t *out)
{
	const struct table_input *t = v->g->t;
	for (size_t d = 0; d < t->n_dims; d++) {
		const struct dim *dim = &t->dim[d];
		uint32_t code = table_coord(t, cell, d);
		for (uint32_t k = 0; k < list_size(&dim->down, code); k++)
			each(v, number(v, d, list_at(&dim->down, code)[k], cell), out);
		for (uint32_t k = 0; k < list_size(&dim->up, code); k++)
			each(v, number(v, d, list_at(&dim->up, code)[k], cell), out);
	}
}

static struct relation relation_of(const struct cover *v, uint32_t line)
{
	const struct table_input *t = v->g->t;
	size_t d = t->n_dims - 1;
	while (t->dim[d].n_breakdowns == 0 || v->start[d][0] > line)
		d--;
	uint32_t low = 0;
	uint32_t high = t->dim[d].n_breakdowns - 1;
	while (low < high) {
		uint32_t mid = (low + high + 1) / 2;
		if (v->start[d][mid] <= line)
			low = mid;
		else
			high = mid - 1;
	}
	const struct breakdown *b = &t->dim[d].breakdown[low];
	uint32_t rest = line - v->start[d][low];
	uint32_t inner = (uint32_t)t->stride[d];
	return (
	    struct relation){ d, b, (rest / inner * t->dim[d].n_codes + b->parent) * inner + rest % inner };
}

static bool cover_init(struct cover *v, struct grid *g)
{
	uint64_t n = 0;
	*v = (struct cover){ .g = g };
	for (size_t d = 0; d < g->t->n_dims; d++) {
		const struct dim *dim = &g->t->dim[d];
		v->start[d] = malloc(((size_t)dim->n_breakdowns + 1) * sizeof *v->start[d]);
		if (v->start[d] == NULL)
			return false;
		for (uint32_t b = 0; b < dim->n_breakdowns; b++) {
			v->start[d][b] = (uint32_t)n;
			n += g->n_cells / dim->n_codes;
			if (n > UINT32_MAX)
				return false;
		}
	}
	v->n_lines = (uint32_t)n;
	v->hidden = calloc((size_t)n + 1, 1);
	return v->hidden != NULL;
}

static void cover_free(struct cover *v)
{
	for (size_t d = 0; d < TABLE_DIMS_MAX; d++)
		free(v->start[d]);
	free(v->hidden);
	free(v->todo);
}

static void one_more(struct cover *v, uint32_t line, uint32_t *unused)
{
	(void)unused;
	if (v->hidden[line] >= MANY)
		return;
	if (++v->hidden[line] != 1)
		return;
	if (array_room(&v->todo, &v->room_todo, v->n_todo + 1, sizeof *v->todo))
		v->todo[v->n_todo++] = line;
	else
		v->failed = true;
}

static void look(struct cover *v, uint32_t line, uint32_t *n)
{
	if (v->hidden[line] < MANY)
		n[v->hidden[line]]++;
}

/* What hiding the cell comes to: its price, and the relations that it alone would then be hidden in; shared, with
 * `share`, by all the relations it helps. */
static double worth(struct cover *v, uint32_t cell, double share)
{
	const struct policy_params *p = v->g->p;
	double alone = (double)p->price_count + 2.0 * (double)p->price_value * (double)p->threshold;
	uint32_t n[MANY] = { 0, 0 };
	walk_lines(v, cell, look, n);
	return ((double)v->g->price[cell] + alone * (double)n[0]) / (1.0 + share * ((double)n[1] - 1.0));
}

static void help(struct cover *v, uint32_t line, double share, uint8_t *chosen)
{
	struct relation r = relation_of(v, line);
	uint32_t best = NONE;
	double least = 0.0;
	for (uint32_t j = 0; j <= r.b->n; j++) {
		uint32_t c = j < r.b->n ? relation_child(v->g, &r, j) : r.parent;
		if (chosen[c] != 0 || !cover_may_hide(v->g, c))
			continue;
		double w = worth(v, c, share);
		if (best == NONE || w < least) {
			best = c;
			least = w;
		}
	}
	if (best == NONE)
		return;
	chosen[best] = 1;
	walk_lines(v, best, one_more, NULL);
}

static bool cover_once(struct grid *g, double share, uint8_t *chosen)
{
	struct cover v;
	bool ok = cover_init(&v, g);
	for (uint32_t c = 0; ok && c < g->n_cells; c++)
		if (grid_loose(g, c))
			walk_lines(&v, c, one_more, NULL);
	for (uint32_t i = 0; ok && i < v.n_todo && !v.failed; i++)
		if (v.hidden[v.todo[i]] == 1)
			help(&v, v.todo[i], share, chosen);
	ok = ok && !v.failed;
	cover_free(&v);
	return ok;
}

bool cover_lines(struct grid *g)
{
	static const double share[] = { 1.0, 0.0 };
	uint8_t *chosen[2] = { calloc((size_t)g->n_cells + 1, 1), calloc((size_t)g->n_cells + 1, 1) };
	bool ok = chosen[0] != NULL && chosen[1] != NULL;
	for (int i = 0; ok && i < 2; i++)
		ok = cover_once(g, share[i], chosen[i]);
	for (uint32_t c = 0; ok && c < g->n_cells; c++)
		if (chosen[0][c] != 0 || chosen[1][c] != 0)
			g->use[c] = 1;
	free(chosen[0]);
	free(chosen[1]);
	return ok;
}

uint32_t cover_around(struct grid *g, uint32_t cell, uint8_t *around)
{
	const struct table_input *t = g->t;
	uint32_t n = 0;
	for (size_t d = 0; d < t->n_dims; d++) {
		const struct dim *dim = &t->dim[d];
		uint32_t code = table_coord(t, cell, d);
		uint32_t up = list_size(&dim->up, code);
		uint32_t down = list_size(&dim->down, code);
		for (uint32_t k = 0; k < up + down; k++) {
			const struct breakdown *b = k < up ? &dim->breakdown[list_at(&dim->up, code)[k]]
							   : dim_down(dim, code, k - up);
			for (uint32_t j = 0; j <= b->n; j++) {
				uint32_t c =
				    grid_with(g, cell, d, j < b->n ? dim->child[b->first + j] : b->parent);
				if (cover_may_hide(g, c))
					g->use[c] = 1;
				else if (!grid_loose(g, c))
					continue;
				n += around[c] == 0;
				around[c] = around[c] == 0 ? 1 : around[c];
			}
		}
	}
	return n;
}
