/* What no table prints, and what readers know of it all the same: rules R9 and R12 of docs/disclosure.md. */
#include <stdlib.h>

#include "client/protect/attackpart.h"
#include "client/protect/listsums.h"

/* Stands in the result as a count, shown or not. */
static bool is_counted(const struct attack *a, uint64_t cell)
{
	return a->g.mark[cell] == 'P' || a->g.mark[cell] == 'H';
}

static bool is_sum(const struct attack *a, uint64_t cell)
{
	return cell >= a->g.n_cells;
}

bool attack_is_unprinted(const struct attack *a, uint64_t cell)
{
	return is_sum(a, cell) ||
	       (!attack_is_difference(a, cell) && !is_counted(a, cell) && a->g.mark[cell] != 'R');
}

static const struct attack_sum *sum_of(const struct attack *a, uint64_t cell)
{
	return &a->sum[cell - a->g.n_cells];
}

/* A cell, or a sum, by what is taken off. */
static int64_t total(
    const struct attack *a, uint64_t cell, int64_t (*of)(const struct attack *a, uint64_t cell))
{
	if (!is_sum(a, cell))
		return of(a, cell);
	const struct attack_sum *s = sum_of(a, cell);
	int64_t left = 0;
	for (size_t i = s->first; i < s->first + s->n; i++)
		left += a->sign[i] * of(a, a->term[i]);
	return left;
}

static int64_t true_value(const struct attack *a, uint64_t cell)
{
	return a->g.truth[cell];
}

int64_t attack_own_of(const struct attack *a, uint64_t cell)
{
	return a->own == NULL ? 0 : total(a, cell, attack_own_part);
}

static bool knows_all(const struct attack *a)
{
	return a->g.truth != NULL && !a->partial;
}

static bool is_live(const struct attack *a, uint64_t cell)
{
	return is_sum(a, cell) || attack_is_live(a, cell);
}

static bool is_several(const struct attack *a, uint64_t cell)
{
	return is_sum(a, cell) && sum_of(a, cell)->several;
}

/* Of the public a nought can be kept as well, where the policy does. */
static bool is_few(const struct attack *a, uint64_t cell, int64_t rest)
{
	bool nought = rest == 0 && !is_several(a, cell) && a->own == NULL && a->p.zeros == ZEROS_SENSITIVE &&
		      knows_all(a);
	return nought || (rest >= 1 && rest < a->threshold);
}

bool attack_unprinted_asked(const struct attack *a, uint64_t cell)
{
	if (a->threshold == 0 || (a->own != NULL && (a->symbols || a->p.residual == RESIDUAL_NO)) ||
	    !is_live(a, cell))
		return false;
	if (!knows_all(a))
		return true;
	int64_t value = total(a, cell, true_value);
	int64_t rest = value - attack_own_of(a, cell);
	return is_few(a, cell, rest) || (rest == 0 && a->own == NULL && a->judged && !is_several(a, cell));
}

/* Known exactly and few; of the public also: known to be few, but for what several lists leave. */
bool attack_unprinted_discloses(const struct attack *a, uint64_t cell, int64_t lo, int64_t hi)
{
	if (hi == SYSTEM_UNBOUNDED)
		return false;
	if (lo == hi)
		return is_few(a, cell, lo - attack_own_of(a, cell));
	return a->judged && a->own == NULL && a->moved.how == MOVED_NOT && hi < a->threshold &&
	       !is_several(a, cell);
}

/* ---- noughts that nothing hides ---- */

static bool is_doubted(const struct attack *a, const struct system_var *v)
{
	return v->wanted && attack_is_unprinted(a, v->cell) && v->lo < v->hi &&
	       a->p.zeros == ZEROS_PUBLISHED && knows_all(a) && total(a, v->cell, true_value) == 0 &&
	       attack_unprinted_discloses(a, v->cell, v->lo, v->hi);
}

static bool is_nought(const struct system *known, uint64_t cell)
{
	for (uint32_t i = 0; i < known->n_vars; i++)
		if (known->var[i].cell == cell)
			return known->var[i].hi == 0;
	return true; /* no variable: its value is known */
}

bool attack_noughts_drop(struct attack *a, struct system *s, const struct system_plan *plan, struct err *e)
{
	struct system known = { 0 };
	uint32_t *var = NULL;
	uint32_t first = 0;
	while (first < s->n_vars && !is_doubted(a, &s->var[first]))
		first++;
	if (first == s->n_vars)
		return true;
	var = malloc(a->g.n_cells * sizeof *var);
	a->reveal = true;
	bool ok = var != NULL || err_set(e, ERR_MEMORY, "no memory");
	ok = ok && attack_system(a, &known, var, e) && system_solve(&known, plan, e);
	a->reveal = false;
	for (uint32_t i = first; ok && i < s->n_vars; i++)
		if (is_doubted(a, &s->var[i]) && is_nought(&known, s->var[i].cell))
			s->var[i].wanted = false;
	system_free(&known);
	free(var);
	return ok;
}

/* ---- sums ---- */

static bool is_unknown(const struct attack *a, uint64_t cell)
{
	int64_t value;
	return attack_is_unprinted(a, cell) && !attack_known(a, cell, &value);
}

static bool term_add(struct attack *a, uint64_t cell, int8_t sign)
{
	if (a->n_terms == a->room_terms) {
		size_t room = a->room_terms == 0 ? 64 : 2 * a->room_terms;
		uint64_t *term = realloc(a->term, room * sizeof *term);
		if (term == NULL)
			return false;
		a->term = term;
		int8_t *signs = realloc(a->sign, room * sizeof *signs);
		if (signs == NULL)
			return false;
		a->sign = signs;
		a->room_terms = room;
	}
	a->term[a->n_terms] = cell;
	a->sign[a->n_terms++] = sign;
	return true;
}

struct asking { /* while sums join an attacker's system */
	struct attack *a;
	struct system *s;
	const uint32_t *var;
	struct err *e;
};

/* The terms from `first` on are a sum. */
static bool sum_add(const struct asking *k, size_t first, bool several)
{
	struct attack *a = k->a;
	int64_t rhs = 0;
	if ((a->n_sums & (a->n_sums - 1)) == 0) {
		size_t room = a->n_sums == 0 ? 1 : 2 * (size_t)a->n_sums;
		struct attack_sum *more = realloc(a->sum, room * sizeof *more);
		if (more == NULL)
			return err_set(k->e, ERR_MEMORY, "no memory");
		a->sum = more;
	}
	uint64_t cell = a->g.n_cells + a->n_sums;
	a->sum[a->n_sums++] = (struct attack_sum){ first, (uint32_t)(a->n_terms - first), several };
	if (!attack_unprinted_asked(a, cell)) {
		a->n_sums--;
		a->n_terms = first;
		return true;
	}
	uint32_t left = system_add_var(k->s, cell, 0, SYSTEM_UNBOUNDED, true);
	bool ok = left != UINT32_MAX && system_add_term(k->s, left, -1);
	for (size_t i = first; ok && i < a->n_terms; i++)
		ok = attack_term(a, k->s, k->var, a->term[i], a->sign[i], &rhs);
	return (ok && system_end_relation(k->s, rhs)) || err_set(k->e, ERR_MEMORY, "no memory");
}

/* Something is printed or hidden of the cell, and more than one part that may count somebody is not. A single one is a cell. */
static bool rest_add(const struct asking *k, const struct breakdown *b, uint64_t base, uint64_t stride)
{
	struct attack *a = k->a;
	size_t first = a->n_terms;
	uint32_t left = 0;
	uint64_t parent = base + b->parent * stride;
	if (!is_counted(a, parent))
		return true;
	bool ok = term_add(a, parent, 1);
	for (uint32_t i = 0; ok && i < b->n; i++) {
		uint64_t part = base + b->child[i] * stride;
		ok = !is_counted(a, part) || term_add(a, part, -1);
		left += is_unknown(a, part) && attack_is_live(a, part);
	}
	if (ok && a->n_terms - first > 1 && left > 1)
		return sum_add(k, first, false);
	a->n_terms = first;
	return ok || err_set(k->e, ERR_MEMORY, "no memory");
}

static bool is_settled(const void *context, uint64_t cell)
{
	const struct attack *a = ((const struct asking *)context)->a;
	return is_counted(a, cell) || !attack_is_live(a, cell);
}

static bool several_add(void *context, const struct listsum *sum)
{
	const struct asking *k = context;
	size_t first = k->a->n_terms;
	bool ok = true;
	for (size_t i = 0; ok && i < sum->n_from; i++)
		ok = !attack_is_live(k->a, sum->from[i]) || term_add(k->a, sum->from[i], sum->sign[i]);
	if (ok && k->a->n_terms - first > 1)
		return sum_add(k, first, true);
	k->a->n_terms = first; /* nothing can be in what is taken off: it is a cell, and judged as one */
	return ok || err_set(k->e, ERR_MEMORY, "no memory");
}

bool attack_sums_make(struct attack *a, struct system *s, const uint32_t *var, struct err *e)
{
	const struct lattice *g = &a->g;
	uint64_t n = a->all != NULL ? a->all->n_released : g->n_cells;
	struct asking k = { a, s, var, e };
	struct listsums_question q = { .g = g,
		.first_dim = a->all != NULL,
		.n_counts = n,
		.settled = is_settled,
		.take = several_add,
		.context = &k,
		.e = e };
	a->n_sums = 0;
	a->n_terms = 0;
	for (uint32_t d = 0; d < g->n_dims; d++) {
		uint64_t stride = g->stride[d];
		uint64_t block = stride * g->dim[d].n_codes;
		for (uint32_t b = 0; b < g->dim[d].n_breakdowns; b++)
			for (uint64_t high = 0; high < n; high += block)
				for (uint64_t low = high; low < high + stride; low++)
					if (!rest_add(&k, &g->dim[d].breakdown[b], low, stride))
						return false;
	}
	return a->p.figures == FIGURES_AMOUNTS || listsums_visit(&q);
}

/* Of offices in a column of cells.csv nothing is printed, so the result's names of cells leave them out. */
static void put_cell(const struct lattice *g, uint64_t cell, struct buf *out)
{
	lattice_name(g, cell, out);
	for (uint32_t d = 0; d < g->n_dims; d++)
		if (g->dim[d].synthetic && lattice_place(g, cell, d) != 0) {
			buf_put_byte(out, '|');
			buf_put_text(out, g->dim[d].code[lattice_place(g, cell, d)]);
		}
}

void attack_name(const struct attack *a, uint64_t cell, struct buf *out)
{
	if (!is_sum(a, cell)) {
		put_cell(&a->g, cell, out);
		return;
	}
	const struct attack_sum *s = sum_of(a, cell);
	for (size_t i = s->first; i < s->first + s->n; i++) {
		if (i > s->first)
			buf_put_text(out, a->sign[i] > 0 ? " + " : " - ");
		put_cell(&a->g, a->term[i], out);
	}
}
