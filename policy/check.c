#include "policy/check.h"

#include <stdlib.h>
#include <string.h>

#include "policy/check_part.h"
#include "policy/told.h"

bool check_fails(const struct checker *c, const char *step)
{
	return err_set(c->e, ERR_INTERNAL, "our own check failed: %s", step);
}

char check_shown(const struct checker *c, uint32_t cell)
{
	const struct grid *g = c->p->g;
	if (!grid_counted(g, cell))
		return g->mark[cell];
	return g->primary[cell] != 0 || g->frozen[cell] != 0 || g->use[cell] != 0 ? 'H' : 'P';
}

bool check_less_before(const struct checker *c, const struct relation *r, uint32_t off)
{
	const struct grid *g = c->p->g;
	const struct dim *d = &c->t->dim[r->dim];
	for (uint32_t k = 0; k < list_size(&d->down, r->b->parent); k++) {
		const struct breakdown *b = dim_down(d, r->b->parent, k);
		struct relation other = { r->dim, b, r->parent };
		uint32_t parts = 0;
		if (b >= r->b || !dim_is_child(d, b, grid_coord(g, off, r->dim)))
			continue;
		for (uint32_t i = 0; i < b->n && parts < 2; i++) {
			uint32_t cell = relation_child(g, &other, i);
			parts += cell != off && g->kind[cell] != KIND_DEAD;
		}
		if (parts > 1)
			return true;
	}
	return false;
}

/* Is the cell, which is not dead, one of those that the relation's rest leaves out: one of its parts, and known? */
static bool left_out(const struct checker *c, const struct relation *r, uint32_t cell)
{
	const struct grid *g = c->p->g;
	return told_is_known(g, cell) && dim_is_child(&c->t->dim[r->dim], r->b, grid_coord(g, cell, r->dim));
}

bool check_rest_before(const struct checker *c, const struct relation *r, const uint8_t *in)
{
	const struct grid *g = c->p->g;
	const struct dim *d = &c->t->dim[r->dim];
	uint32_t out = 0;
	for (uint32_t i = 0; i < r->b->n; i++)
		out += in[i] == 0 && g->kind[relation_child(g, r, i)] != KIND_DEAD;
	for (uint32_t k = 0; k < list_size(&d->down, r->b->parent); k++) {
		const struct breakdown *b = dim_down(d, r->b->parent, k);
		struct relation other = { r->dim, b, r->parent };
		uint32_t same = 0;
		uint32_t parts = 0;
		for (uint32_t i = 0; b < r->b && i < b->n; i++) {
			uint32_t cell = relation_child(g, &other, i);
			bool known = g->kind[cell] != KIND_DEAD && left_out(c, r, cell);
			same += known;
			parts += !known && g->kind[cell] != KIND_DEAD;
			if (!known && told_is_known(g, cell))
				same = out + 1; /* leaves out more */
		}
		if (b < r->b && same == out && parts > 1)
			return true;
	}
	return false;
}

/* ---- moves ---- */

struct sum {
	uint64_t line; /* which relation */
	int64_t by;
};

static int by_line(const void *a, const void *b)
{
	const struct sum *x = a;
	const struct sum *y = b;
	return (x->line > y->line) - (x->line < y->line);
}

/* The relations of one dimension that an entry stands in. */
static size_t lines_of(const struct checker *c, size_t d, struct entry entry, struct sum *out)
{
	const struct dim *dim = &c->t->dim[d];
	uint32_t code = (uint32_t)(entry.cell / c->t->stride[d] % dim->n_codes);
	uint32_t down = list_size(&dim->down, code);
	uint32_t up = list_size(&dim->up, code);
	for (uint32_t i = 0; out != NULL && i < down; i++)
		out[i] = (struct sum){ (uint64_t)list_at(&dim->down, code)[i] << 32 | entry.cell, entry.by };
	for (uint32_t i = 0; out != NULL && i < up; i++) {
		uint32_t b = list_at(&dim->up, code)[i];
		uint64_t parent = entry.cell + (uint64_t)dim->breakdown[b].parent * c->t->stride[d] -
				  (uint64_t)code * c->t->stride[d];
		out[down + i] = (struct sum){ (uint64_t)b << 32 | parent, -(int64_t)entry.by };
	}
	return (size_t)down + up;
}

static bool sums_are_zero(struct sum *s, size_t n)
{
	qsort(s, n, sizeof *s, by_line);
	for (size_t i = 0; i < n;) {
		uint64_t line = s[i].line;
		int64_t total = 0;
		for (; i < n && s[i].line == line; i++)
			total += s[i].by;
		if (total != 0)
			return false;
	}
	return true;
}

static bool adds_up(const struct checker *c, const struct move *m, bool *ok)
{
	*ok = true;
	for (size_t d = 0; *ok && d < c->t->n_dims; d++) {
		size_t n = 0;
		for (uint32_t i = 0; i < m->n; i++)
			n += lines_of(c, d, move_entry(m, i), NULL);
		struct sum *s = malloc((n + 1) * sizeof *s);
		if (s == NULL)
			return err_set(c->e, ERR_MEMORY, "no memory for the check");
		n = 0;
		for (uint32_t i = 0; i < m->n; i++)
			n += lines_of(c, d, move_entry(m, i), s + n);
		*ok = sums_are_zero(s, n);
		free(s);
	}
	return true;
}

static bool inner_is_fixed(const struct checker *c, uint32_t cell)
{
	return table_is_inner(c->t, cell) && c->t->status[cell] != CELL_VALUE &&
	       c->t->status[cell] != CELL_BLANK;
}

static bool check_move(const struct checker *c, const struct move *m)
{
	bool sums = false;
	int64_t floor = c->params->zeros == ZEROS_PUBLISHED ? 1 : 0;
	if (!adds_up(c, m, &sums))
		return false;
	if (!sums)
		return check_fails(c, "a move does not add up");
	for (uint32_t i = 0; i < m->n; i++) {
		uint32_t cell = move_cell(m, i);
		char mark = check_shown(c, cell);
		if (mark == 'P' || mark == 'Z' || inner_is_fixed(c, cell))
			return check_fails(c, "a move changes what is printed");
		if (c->level > LEVEL_1 && !grid_is_delta(c->p->g, cell) &&
		    c->t->value[cell] + move_by(m, i) < (mark == 'H' ? floor : 0))
			return check_fails(c, "a move goes below the floor");
		if (i > 0 && move_cell(m, i - 1) >= cell)
			return check_fails(c, "a move names a cell twice");
	}
	return true;
}

static struct checker checker_of(const struct plan *p, enum guarantee level, struct err *e)
{
	struct checker c = {
		.p = p, .t = p->g->t, .params = p->g->p, .level = level, .office_dim = SIZE_MAX, .e = e
	};
	if (c.t->added_office && c.params->offices)
		c.office_dim = c.t->n_dims - 1;
	for (size_t d = 0; d < c.t->n_dims && c.params->offices && !c.t->added_office; d++)
		if (strcmp(c.t->dim[d].name, c.params->office_dim) == 0)
			c.office_dim = d;
	return c;
}

/* Where share number `share` of so many things begins. */
static uint32_t share_begin(uint32_t share, uint32_t n)
{
	return (uint32_t)((uint64_t)n * share / CHECK_SHARES);
}

static bool check_moves(const struct checker *c, uint32_t share)
{
	const struct plan *p = c->p;
	for (uint32_t i = share_begin(share, p->n_moves); i < share_begin(share + 1, p->n_moves); i++)
		if (p->move[i].word != NULL && p->move[i].active && !check_move(c, &p->move[i]))
			return false;
	return true;
}

bool check_part(const struct plan *p, enum guarantee level, uint32_t part, struct err *e)
{
	struct checker c = checker_of(p, level, e);
	if (part == 0)
		return check_relations(&c) && (p->g->ledger == NULL || check_releases(p, level, e));
	if (part <= CHECK_SHARES)
		return check_moves(&c, part - 1);
	if (part == CHECK_PARTS - 1)
		return check_unprinted(&c);
	uint32_t share = part - 1 - CHECK_SHARES;
	uint32_t n = (uint32_t)c.t->n_cells;
	return check_cells(&c, share_begin(share, n), share_begin(share + 1, n));
}
