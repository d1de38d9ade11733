#include "policy/check.h"

#include <stdlib.h>
#include <string.h>

struct checker {
	const struct plan *p;
	const struct table_input *t;
	const struct policy_params *params;
	enum guarantee level;
	size_t office_dim; /* SIZE_MAX: none */
	uint32_t virt;     /* next virtual sum in order of the relations */
	uint32_t
	    *touched; /* by code of the office dimension: turn in which a move touched it; last: the turn */
	struct err *e;
};

static bool fails(const struct checker *c, const char *step)
{
	return err_set(c->e, ERR_INTERNAL, "our own check failed: %s", step);
}

/* What a reader sees in place of the cell. */
static char shown(const struct checker *c, uint32_t cell)
{
	const struct grid *g = c->p->g;
	if (g->mark[cell] != 'P')
		return g->mark[cell];
	return g->primary[cell] != 0 || g->sticky[cell] != 0 || g->use[cell] != 0 ? 'H' : 'P';
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

static size_t lines_of(const struct checker *c, const struct entry *entry, struct sum *out)
{
	size_t n = 0;
	uint64_t base = 0;
	for (size_t d = 0; d < c->t->n_dims; d++) {
		const struct dim *dim = &c->t->dim[d];
		uint32_t code = (uint32_t)(entry->cell / c->t->stride[d] % dim->n_codes);
		for (uint32_t i = 0; i < list_size(&dim->down, code); i++) {
			if (out != NULL)
				out[n] =
				    (struct sum){ (base + list_at(&dim->down, code)[i]) << 32 | entry->cell,
					    entry->by };
			n++;
		}
		for (uint32_t i = 0; i < list_size(&dim->up, code); i++) {
			uint32_t b = list_at(&dim->up, code)[i];
			uint64_t parent = entry->cell + (uint64_t)dim->breakdown[b].parent * c->t->stride[d] -
					  (uint64_t)code * c->t->stride[d];
			if (out != NULL)
				out[n] = (struct sum){ (base + b) << 32 | parent, -(int64_t)entry->by };
			n++;
		}
		base += dim->n_breakdowns;
	}
	return n;
}

static bool adds_up(const struct checker *c, const struct move *m, bool *ok)
{
	size_t n = 0;
	for (uint32_t i = 0; i < m->n; i++)
		n += lines_of(c, &m->entry[i], NULL);
	struct sum *s = malloc((n + 1) * sizeof *s);
	if (s == NULL)
		return err_set(c->e, ERR_MEMORY, "no memory for the check");
	n = 0;
	for (uint32_t i = 0; i < m->n; i++)
		n += lines_of(c, &m->entry[i], s + n);
	qsort(s, n, sizeof *s, by_line);
	*ok = true;
	for (size_t i = 0; i < n;) {
		uint64_t line = s[i].line;
		int64_t total = 0;
		for (; i < n && s[i].line == line; i++)
			total += s[i].by;
		*ok = *ok && total == 0;
	}
	free(s);
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
		return fails(c, "a move does not add up");
	for (uint32_t i = 0; i < m->n; i++) {
		uint32_t cell = m->entry[i].cell;
		char mark = shown(c, cell);
		if (mark == 'P' || mark == 'Z' || inner_is_fixed(c, cell))
			return fails(c, "a move changes what is printed");
		if (c->level > LEVEL_1 && c->t->value[cell] + m->entry[i].by < (mark == 'H' ? floor : 0))
			return fails(c, "a move goes below the floor");
		if (i > 0 && m->entry[i - 1].cell >= cell)
			return fails(c, "a move names a cell twice");
	}
	return true;
}

/* ---- the rules again ---- */

struct thing { /* a cell, or some children of one */
	uint32_t cell;
	const struct breakdown *b;
	size_t dim;
	const uint8_t *in; /* by child; NULL: the cell */
};

/* The grid cell of part j of a thing; j is 0 for a plain cell. */
static uint32_t part_cell(const struct checker *c, const struct thing *t, uint32_t j)
{
	if (t->in == NULL)
		return t->cell;
	int64_t child = c->t->dim[t->dim].child[t->b->first + j];
	return (uint32_t)((int64_t)t->cell + (child - (int64_t)t->b->parent) * (int64_t)c->t->stride[t->dim]);
}

/* Value of a thing, or of what an office owns of it (NONE: all). *alive: something of that can move. */
static int64_t value_at(const struct checker *c, const struct thing *t, uint32_t office, bool *alive)
{
	int64_t sum = 0;
	uint32_t n = t->in == NULL ? 1 : t->b->n;
	*alive = false;
	for (uint32_t j = 0; j < n; j++) {
		int64_t cell = part_cell(c, t, j);
		if (t->in != NULL && t->in[j] == 0)
			continue;
		if (office != NONE) {
			const struct dim *d = &c->t->dim[c->office_dim];
			int64_t stride = (int64_t)c->t->stride[c->office_dim];
			int64_t code = cell / stride % d->n_codes;
			if (!dim_is_above(d, (uint32_t)code, office))
				continue;
			cell += ((int64_t)office - code) * stride;
		}
		sum += c->t->value[cell];
		*alive = *alive || c->p->g->kind[cell] != KIND_DEAD;
	}
	return sum;
}

static int64_t moved(const struct checker *c, const struct thing *t, const struct move *m)
{
	int64_t sum = 0;
	for (uint32_t i = 0; i < m->n; i++) {
		if (t->in == NULL && m->entry[i].cell == t->cell)
			sum += m->entry[i].by;
		for (uint32_t j = 0; t->in != NULL && j < t->b->n; j++) {
			int64_t child = c->t->dim[t->dim].child[t->b->first + j];
			if (t->in[j] != 0 &&
			    (int64_t)m->entry[i].cell == (int64_t)t->cell + (child - (int64_t)t->b->parent) *
										(int64_t)c->t->stride[t->dim])
				sum += m->entry[i].by;
		}
	}
	return sum;
}

/* Does a move leave alone every unknown of this office? */
static bool leaves_alone(const struct checker *c, const struct move *m, uint32_t office)
{
	for (uint32_t i = 0; i < m->n; i++)
		if (m->entry[i].cell / c->t->stride[c->office_dim] % c->t->dim[c->office_dim].n_codes ==
		    office)
			return false;
	return true;
}

static bool small(const struct checker *c, int64_t v)
{
	return (v == 0 && c->params->zeros == ZEROS_SENSITIVE) ||
	       (v >= 1 && v < (int64_t)c->params->threshold);
}

/* First need of a group served for this thing; needs of a cell hang in a chain, those of a virtual sum are
 * found. */
static bool is_need_of(const struct need *n, const struct thing *t, uint32_t virt)
{
	return n->dir > 0 && (t->in == NULL ? n->virt == NONE && n->cell == t->cell : n->virt == virt);
}

/* Is there a served need whose move changes the thing by at least amp and leaves the office alone (NONE:
 * any)? */
static bool someone(const struct checker *c, const struct thing *t, uint32_t virt, int64_t amp,
    uint32_t office, uint32_t from)
{
	for (uint32_t i = from; i != NONE;) {
		const struct need *n = &c->p->n->need[i];
		if (is_need_of(n, t, virt) && n->move != NONE) {
			const struct move *m = &c->p->move[n->move];
			int64_t by = moved(c, t, m);
			if ((c->level == LEVEL_1 ? by != 0 : by >= amp) &&
			    (office == NONE || leaves_alone(c, m, office)))
				return true;
		}
		if (t->in == NULL)
			i = n->next;
		else
			i = i + 1 < c->p->n->n && c->p->n->need[i + 1].cell == n->cell ? i + 1 : NONE;
	}
	return false;
}

/* With coalitions: as many moves that share no office (but the exempt) as could be needed. */
static bool enough_slots(const struct checker *c, const struct thing *t, uint32_t virt, int64_t amp,
    uint32_t exempt, uint32_t from)
{
	for (uint32_t i = from; i != NONE; i = t->in == NULL ? c->p->n->need[i].next : i + 1) {
		if (i >= c->p->n->n)
			return false;
		const struct need *n = &c->p->n->need[i];
		if (!is_need_of(n, t, virt) || n->slot != 0 || n->slots <= c->params->coalition)
			continue;
		bool ok = true;
		for (uint32_t a = i; ok && a < i + n->slots; a++) {
			const struct need *na = &c->p->n->need[a];
			ok = na->move != NONE && moved(c, t, &c->p->move[na->move]) >= amp;
			for (uint32_t b = i; ok && b < a; b++) {
				const struct move *ma = &c->p->move[na->move];
				for (uint32_t k = 0; ok && k < ma->n; k++) {
					uint32_t code =
					    (uint32_t)(ma->entry[k].cell / c->t->stride[c->office_dim] %
						       c->t->dim[c->office_dim].n_codes);
					if (code != exempt && dim_is_leaf(&c->t->dim[c->office_dim], code))
						ok =
						    leaves_alone(c, &c->p->move[c->p->n->need[b].move], code);
				}
			}
		}
		if (ok)
			return true;
	}
	return false;
}

static int64_t larger(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

/* Any served need's move, its offices noted in touched. */
static const struct move *largest_move(
    const struct checker *c, const struct thing *t, uint32_t virt, uint32_t from)
{
	const struct dim *d = &c->t->dim[c->office_dim];
	for (uint32_t i = from; i != NONE && i < c->p->n->n;
	     i = t->in == NULL ? c->p->n->need[i].next : i + 1) {
		const struct need *n = &c->p->n->need[i];
		if (!is_need_of(n, t, virt) || n->move == NONE || n->avoid != NONE)
			continue;
		const struct move *m = &c->p->move[n->move];
		c->touched[d->n_codes]++; /* a new turn */
		for (uint32_t k = 0; k < m->n; k++)
			c->touched[m->entry[k].cell / c->t->stride[c->office_dim] % d->n_codes] =
			    c->touched[d->n_codes];
		return m;
	}
	return NULL;
}

/* Every office that does not own the whole thing must be left with a move it cannot rule out. */
static bool safe_from_offices(const struct checker *c, const struct thing *t, uint32_t virt, uint32_t from)
{
	const struct dim *d = &c->t->dim[c->office_dim];
	uint32_t code = (uint32_t)(t->cell / c->t->stride[c->office_dim] % d->n_codes);
	bool alive = false;
	int64_t v = value_at(c, t, NONE, &alive);
	int64_t k = c->params->threshold;
	int64_t width = c->params->width;
	uint32_t owner = NONE;
	uint32_t n = 0;
	uint32_t whole = NONE;
	for (uint32_t i = 0; i < list_size(&d->atoms, code); i++) {
		uint32_t office = list_at(&d->atoms, code)[i];
		int64_t own = value_at(c, t, office, &alive);
		if (!alive)
			continue;
		owner = office;
		n++;
		if (v > 0 && own == v && c->params->residual != RESIDUAL_ZEROS)
			whole = office;
	}
	if (c->params->coalition > 1)
		return enough_slots(c, t, virt, larger(k - v, width), n == 1 ? owner : whole, from);
	const struct move *first = largest_move(c, t, virt, from);
	for (uint32_t i = 0; first != NULL && i < d->n_codes; i++) {
		if (!dim_is_leaf(d, i) || (n == 1 && i == owner) || i == whole)
			continue;
		int64_t own = value_at(c, t, i, &alive);
		int64_t amp = larger(k - (v - own), width);
		if (c->touched[i] != c->touched[d->n_codes] && moved(c, t, first) >= amp)
			continue; /* the first move will do for all it does not touch */
		if (!someone(c, t, virt, amp, i, from))
			return false;
	}
	return first != NULL;
}

static bool check_thing(const struct checker *c, const struct thing *t, uint32_t virt, const char *rule)
{
	uint32_t from = t->in == NULL ? c->p->n->first[t->cell] : NONE;
	bool alive = false;
	int64_t v = value_at(c, t, NONE, &alive);
	for (uint32_t i = 0; t->in != NULL && i < c->p->n->n && from == NONE; i++)
		if (c->p->n->need[i].virt == virt)
			from = i;
	if (t->in == NULL && shown(c, t->cell) == 'P')
		return fails(c, rule);
	if (!someone(c, t, virt, larger((int64_t)c->params->threshold - v, c->params->width), NONE, from))
		return fails(c, rule);
	if (c->level >= LEVEL_3 && c->office_dim != SIZE_MAX && !safe_from_offices(c, t, virt, from))
		return fails(c, rule);
	return true;
}

/* R3 for an aggregate that nobody but an office could learn something from. */
static bool check_rests(const struct checker *c, uint32_t cell)
{
	const struct dim *d = &c->t->dim[c->office_dim];
	uint32_t code = (uint32_t)(cell / c->t->stride[c->office_dim] % d->n_codes);
	struct thing t = { .cell = cell };
	uint32_t live = 0;
	bool alive = false;
	for (uint32_t i = 0; i < list_size(&d->atoms, code); i++) {
		value_at(c, &t, list_at(&d->atoms, code)[i], &alive);
		live += alive;
	}
	for (uint32_t i = 0; i < list_size(&d->atoms, code); i++) {
		int64_t rest = c->t->value[cell] - value_at(c, &t, list_at(&d->atoms, code)[i], &alive);
		bool sole = live == 1 && alive;
		if (rest >= (int64_t)c->params->threshold ||
		    (rest == 0 && (c->params->residual != RESIDUAL_ZEROS || sole)))
			continue;
		if (shown(c, cell) == 'P' ||
		    !someone(c, &t, NONE, larger((int64_t)c->params->threshold - rest, c->params->width),
			list_at(&d->atoms, code)[i], c->p->n->first[cell]))
			return fails(c, "R3 residual");
	}
	return true;
}

static bool check_cells(const struct checker *c)
{
	for (uint32_t cell = 0; cell < c->t->n_cells; cell++) {
		struct thing t = { .cell = cell };
		char mark = shown(c, cell);
		if (mark != 'P' && mark != 'H')
			continue;
		if (c->p->g->kind[cell] == KIND_DEAD)
			continue;
		if (small(c, c->t->value[cell])) {
			if (!check_thing(c, &t, NONE, "R1 or R2"))
				return false;
		} else if (c->level >= LEVEL_3 && c->office_dim != SIZE_MAX && c->t->value[cell] > 0 &&
			   c->params->residual != RESIDUAL_NO && c->params->coalition == 1 &&
			   !check_rests(c, cell)) {
			return false;
		}
	}
	return true;
}

static uint32_t count(const uint8_t *in, uint32_t n, uint32_t *last)
{
	uint32_t total = 0;
	for (uint32_t j = 0; j < n; j++)
		if (in[j] != 0) {
			total++;
			*last = j;
		}
	return total;
}

/* A sum of children that a reader gets by subtraction: one child is a cell like any other. */
static bool check_part(struct checker *c, struct thing *t, uint8_t *alive, const char *rule)
{
	uint32_t last = 0;
	uint32_t n = count(alive, t->b->n, &last);
	if (n == 0)
		return true;
	if (n == 1) {
		int64_t child = c->t->dim[t->dim].child[t->b->first + last];
		struct thing one = { .cell =
					 (uint32_t)((int64_t)t->cell + (child - (int64_t)t->b->parent) *
									   (int64_t)c->t->stride[t->dim]) };
		return check_thing(c, &one, NONE, rule);
	}
	return check_thing(c, t, c->virt++, rule);
}

/* R4, all of a group in one category: where noughts are published the base is protected, where they are not but
 * need no protection of their own (R2) those of this breakdown are. */
static bool check_full(const struct checker *c, const struct relation *r)
{
	struct thing base = { .cell = r->parent };
	if (c->params->zeros == ZEROS_PUBLISHED)
		return check_thing(c, &base, NONE, "R4 base");
	for (uint32_t j = 0; c->params->zeros == ZEROS_CAMOUFLAGE && j < r->b->n; j++) {
		struct thing zero = { .cell = relation_child(c->p->g, r, j) };
		if (c->t->value[zero.cell] == 0 && c->p->g->kind[zero.cell] != KIND_DEAD &&
		    !check_thing(c, &zero, NONE, "R4 nought"))
			return false;
	}
	return true;
}

static bool is_group(const struct checker *c, size_t dim)
{
	for (uint32_t i = 0; i < c->params->n_group_dims; i++)
		if (strcmp(c->params->group_dim[i], c->t->dim[dim].name) == 0)
			return true;
	return c->params->n_group_dims == 0 && dim != c->office_dim &&
	       strcmp(c->t->dim[dim].name, c->params->office_dim) != 0;
}

static bool check_line(struct checker *c, const struct relation *r, uint8_t *in, uint8_t *alive)
{
	const struct grid *g = c->p->g;
	struct thing t = { .cell = r->parent, .b = r->b, .dim = r->dim, .in = in };
	int64_t base = c->t->value[r->parent];
	uint32_t shown_parts = 0;
	uint32_t live = 0;
	uint32_t last = 0;
	int64_t sum = 0;
	bool moves = false;
	for (uint32_t j = 0; j < r->b->n; j++)
		sum += c->t->value[relation_child(g, r, j)];
	if (sum != base)
		return fails(c, "a relation does not add up");
	if (g->mark[r->parent] != 'P' || g->kind[r->parent] == KIND_DEAD)
		return true;
	for (uint32_t j = 0; j < r->b->n; j++) {
		uint32_t child = relation_child(g, r, j);
		bool dead = g->kind[child] == KIND_DEAD;
		live += !dead;
		shown_parts += g->mark[child] == 'P' && !dead;
		in[j] = alive[j] = g->mark[child] != 'P' && !dead;
	}
	if (shown_parts > 0 && count(alive, r->b->n, &last) > 0 && small(c, value_at(c, &t, NONE, &moves)) &&
	    !check_part(c, &t, alive, "R12 rest"))
		return false;
	if (c->params->group_min == 0 || base < (int64_t)c->params->group_min || !is_group(c, r->dim) ||
	    live < 2)
		return true;
	for (uint32_t i = 0; i < r->b->n; i++) {
		uint32_t child = relation_child(g, r, i);
		int64_t rest = base - c->t->value[child];
		if (g->mark[child] != 'P' || g->kind[child] == KIND_DEAD ||
		    rest >= (int64_t)c->params->threshold)
			continue;
		if (rest == 0) {
			if (!check_full(c, r))
				return false;
			continue;
		}
		for (uint32_t j = 0; j < r->b->n; j++) {
			in[j] = j != i;
			alive[j] = j != i && g->kind[relation_child(g, r, j)] != KIND_DEAD;
		}
		if (!check_part(c, &t, alive, "R4 group"))
			return false;
	}
	return true;
}

static bool check_relations(struct checker *c)
{
	struct relation_walk w;
	struct relation r;
	uint32_t widest = 1;
	for (size_t d = 0; d < c->t->n_dims; d++)
		for (uint32_t i = 0; i < c->t->dim[d].n_breakdowns; i++)
			if (c->t->dim[d].breakdown[i].n > widest)
				widest = c->t->dim[d].breakdown[i].n;
	uint8_t *in = malloc((size_t)widest * 2);
	if (in == NULL)
		return err_set(c->e, ERR_MEMORY, "no memory for the check");
	bool ok = true;
	relation_begin(&w, c->p->g);
	while (ok && relation_next(&w, &r))
		ok = check_line(c, &r, in, in + widest);
	free(in);
	return ok;
}

bool check_result(const struct plan *p, enum guarantee level, struct err *e)
{
	struct checker c = {
		.p = p, .t = p->g->t, .params = p->g->p, .level = level, .office_dim = SIZE_MAX, .e = e
	};
	if (c.t->added_office && c.params->offices)
		c.office_dim = c.t->n_dims - 1;
	for (size_t d = 0; d < c.t->n_dims && c.params->offices && !c.t->added_office; d++)
		if (strcmp(c.t->dim[d].name, c.params->office_dim) == 0)
			c.office_dim = d;
	for (uint32_t i = 0; i < p->n_moves; i++)
		if (p->move[i].entry != NULL && p->move[i].active && !check_move(&c, &p->move[i]))
			return false;
	if (c.office_dim != SIZE_MAX) {
		c.touched = calloc((size_t)c.t->dim[c.office_dim].n_codes + 1, sizeof *c.touched);
		if (c.touched == NULL)
			return err_set(e, ERR_MEMORY, "no memory for the check");
	}
	bool ok = check_cells(&c) && check_relations(&c);
	free(c.touched);
	return ok;
}
