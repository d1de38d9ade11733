/* The built-in checker's part about small counts that no table prints, and what several lists leave together (blocks.h, whose
 * list of these it shares): the public, and every set of offices to whom a few of such a count are others', are left with a stored
 * move that changes it and touches none of them. Shares no arithmetic with the engine. */
#include <stdlib.h>

#include "policy/blocks.h"
#include "policy/check.h"
#include "policy/check_part.h"
#include "policy/told.h"

#define SETS_OF_MAX 8u

enum { ALONE = 1, IN_SUM = 2 }; /* why a cell's moves are listed */

struct doubt { /* what the moves leave open of the cell at hand */
	const struct checker *c;
	uint8_t *asked; /* by cell: ALONE, IN_SUM */
	struct block_list sums;
	size_t *first;          /* by cell, one more than there are: where its moves begin in `by` */
	uint32_t *by;           /* moves through counts that are asked about */
	const uint32_t *part;   /* the count at hand: its cells */
	uint32_t n_parts, one;  /* where part stands, of one cell */
	const struct block *of; /* NULL: one cell */
	int64_t value;
	uint32_t who[SETS_OF_MAX], n_who, pool;
};

static bool is_asked(const struct checker *c, uint32_t cell)
{
	const struct grid *g = c->p->g;
	return g->kind[cell] == KIND_FREE && c->t->value[cell] >= 1 && !grid_is_delta(g, cell) &&
	       !told_has_left(g, cell);
}

/* ---- moves by cell ---- */

/* Of every count asked about: how many moves pass it, or, once there is room, which. */
static void put_moves(struct doubt *d, bool which)
{
	const struct plan *p = d->c->p;
	for (uint32_t i = 0; i < p->n_moves; i++)
		for (uint32_t j = 0; p->move[i].word != NULL && p->move[i].active && j < p->move[i].n; j++) {
			uint32_t cell = move_cell(&p->move[i], j);
			if (d->asked[cell] == 0 || move_by(&p->move[i], j) == 0)
				continue;
			if (which)
				d->by[d->first[cell]++] = i;
			else
				d->first[cell + 1]++;
		}
}

static bool index_moves(struct doubt *d)
{
	size_t n = d->c->p->g->n_cells;
	d->first = calloc(n + 2, sizeof *d->first);
	if (d->first == NULL)
		return false;
	put_moves(d, false);
	for (size_t i = 0; i < n; i++)
		d->first[i + 1] += d->first[i];
	d->by = malloc((d->first[n] + 1) * sizeof *d->by);
	if (d->by == NULL)
		return false;
	put_moves(d, true); /* each cell's begin is where the next one's was */
	for (size_t i = n; i > 0; i--)
		d->first[i] = d->first[i - 1];
	d->first[0] = 0;
	return true;
}

/* ---- one count ---- */

static bool passes_by(const struct doubt *d, const struct move *m, uint32_t office)
{
	for (uint32_t i = 0; i < m->n; i++)
		if (table_coord(d->c->t, move_cell(m, i), d->c->office_dim) == office)
			return false;
	return true;
}

static bool leaves_alone(const struct doubt *d, const struct move *m)
{
	for (uint32_t i = 0; i < d->n_who; i++)
		if (!passes_by(d, m, d->who[i]))
			return false;
	return true;
}

static int64_t part_of(const struct doubt *d, uint32_t office)
{
	const struct table_input *t = d->c->t;
	uint64_t stride = t->stride[d->c->office_dim];
	int64_t own = 0;
	for (uint32_t i = 0; i < d->n_parts; i++) {
		uint32_t code = table_coord(t, d->part[i], d->c->office_dim);
		if (dim_is_above(&t->dim[d->c->office_dim], code, office))
			own += t->value[d->part[i] - code * stride + office * stride];
	}
	return own;
}

static bool is_in(const struct doubt *d, uint32_t office)
{
	for (uint32_t i = 0; i < d->n_who; i++)
		if (d->who[i] == office)
			return true;
	return false;
}

/* May this office's joining them matter? It touches the move they are left with, or, without one, owns some of the cell. */
static bool matters(const struct doubt *d, const struct move *m, uint32_t office)
{
	bool all_his = true;
	for (uint32_t i = 0; i < d->n_parts; i++)
		all_his = all_his && office == table_coord(d->c->t, d->part[i], d->c->office_dim);
	return !is_in(d, office) && !all_his &&
	       (m == NULL ? part_of(d, office) > 0 : !passes_by(d, m, office));
}

/* Not only parts of it against each other. */
static bool changes(const struct doubt *d, const struct move *m)
{
	int64_t sum = 0;
	for (uint32_t i = 0; d->of != NULL && i < d->n_parts; i++)
		sum += move_change_at(m, d->part[i]);
	return d->of == NULL || sum != 0;
}

/* They, and all that they may pool with. */
static bool is_open_to(struct doubt *d)
{
	const struct checker *c = d->c;
	const struct move *m = NULL;
	int64_t others = d->value;
	for (uint32_t i = 0; i < d->n_who; i++)
		others -= part_of(d, d->who[i]);
	if (others < 1)
		return true;
	for (uint32_t p = 0; m == NULL && p < d->n_parts; p++)
		for (size_t i = d->first[d->part[p]]; m == NULL && i < d->first[d->part[p] + 1]; i++)
			if (leaves_alone(d, &c->p->move[d->by[i]]) && changes(d, &c->p->move[d->by[i]]))
				m = &c->p->move[d->by[i]];
	if (m == NULL && others < (int64_t)c->params->threshold)
		return check_fails(c, "R12 unprinted");
	const struct dim *offices = d->n_who == d->pool ? NULL : &c->t->dim[c->office_dim];
	for (uint32_t o = 0; offices != NULL && o < offices->n_codes; o++) {
		if (!dim_is_leaf(offices, o) || !matters(d, m, o))
			continue;
		d->who[d->n_who++] = o;
		bool ok = is_open_to(d);
		d->n_who--;
		if (!ok)
			return false;
	}
	return true;
}

/* Can it be a few to anybody at all? The largest parts are theirs. */
static bool can_be_few(const struct doubt *d)
{
	const struct checker *c = d->c;
	const struct dim *offices = d->pool == 0 ? NULL : &c->t->dim[c->office_dim];
	int64_t largest[SETS_OF_MAX] = { 0 };
	int64_t others = d->value;
	for (uint32_t o = 0; offices != NULL && o < offices->n_codes; o++) {
		uint32_t at = d->pool;
		int64_t part = dim_is_leaf(offices, o) ? part_of(d, o) : 0;
		while (at > 0 && largest[at - 1] < part)
			at--;
		for (uint32_t i = d->pool; i-- > at + 1;)
			largest[i] = largest[i - 1];
		if (at < d->pool)
			largest[at] = part;
	}
	for (uint32_t i = 0; i < d->pool; i++)
		others -= largest[i];
	return others < (int64_t)c->params->threshold;
}

static void look_at(struct doubt *d, const uint32_t *part, uint32_t n, const struct block *of)
{
	d->part = part;
	d->n_parts = n;
	d->of = of;
	d->n_who = 0;
	d->value = 0;
	for (uint32_t i = 0; i < n; i++)
		d->value += d->c->t->value[part[i]];
}

static bool check_count(struct doubt *d, const uint32_t *part, uint32_t n, const struct block *of)
{
	look_at(d, part, n, of);
	return !can_be_few(d) || is_open_to(d);
}

static bool keep_sum(void *context, struct block *b, struct err *e)
{
	struct doubt *d = context;
	look_at(d, b->part, b->n_parts, b);
	if (!can_be_few(d))
		return true;
	if (!block_list_add(&d->sums, d->c->p->g, b))
		return err_set(e, ERR_MEMORY, "no memory for the check");
	for (uint32_t i = 0; i < b->n_parts; i++)
		d->asked[b->part[i]] |= IN_SUM;
	return true;
}

static bool check_all(struct doubt *d)
{
	bool ok = true;
	for (d->one = 0; ok && d->one < d->c->p->g->n_cells; d->one++)
		ok = (d->asked[d->one] & ALONE) == 0 || check_count(d, &d->one, 1, NULL);
	for (uint32_t i = 0; ok && i < d->sums.n; i++) {
		const struct block *sum = d->sums.item[i].is;
		ok = check_count(d, sum->part, sum->n_parts, sum);
	}
	return ok;
}

static void doubt_free(struct doubt *d)
{
	block_list_free(&d->sums);
	free(d->asked);
	free(d->first);
	free(d->by);
}

bool check_unprinted(const struct checker *c)
{
	const struct grid *g = c->p->g;
	struct doubt d = { .c = c };
	uint64_t work = 0;
	uint32_t n = 0;
	if (c->level < LEVEL_2 || c->params->threshold == 0 || c->params->figures == FIGURES_AMOUNTS)
		return true;
	if (c->level >= LEVEL_3 && c->office_dim != SIZE_MAX && c->params->residual != RESIDUAL_NO)
		d.pool = c->params->coalition < SETS_OF_MAX ? c->params->coalition : SETS_OF_MAX;
	d.asked = calloc((size_t)g->n_cells + 1, 1);
	for (uint32_t i = 0; d.asked != NULL && i < g->n_cells; i++)
		n += d.asked[i] = is_asked(c, i) ? ALONE : 0;
	bool ok = d.asked != NULL || err_set(c->e, ERR_MEMORY, "no memory for the check");
	ok = ok && blocks_visit(g, keep_sum, &d, &work, c->e);
	if (ok && n + d.sums.n > 0)
		ok = (index_moves(&d) || err_set(c->e, ERR_MEMORY, "no memory for the check")) &&
		     check_all(&d);
	doubt_free(&d);
	return ok;
}
