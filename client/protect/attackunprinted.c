/* What no table prints, and what readers know of it all the same: rules R9 and R12 of docs/disclosure.md. */
#include <stdlib.h>

#include "client/protect/attackpart.h"

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

static uint64_t part_of(const struct attack_sum *s, uint32_t i)
{
	return s->parent + (s->b->child[i] - (uint64_t)s->b->parent) * s->stride;
}

/* A cell, or a sum, by what is taken off. */
static int64_t total(
    const struct attack *a, uint64_t cell, int64_t (*of)(const struct attack *a, uint64_t cell))
{
	if (!is_sum(a, cell))
		return of(a, cell);
	const struct attack_sum *s = &a->sum[cell - a->g.n_cells];
	int64_t left = of(a, s->parent);
	for (uint32_t i = 0; i < s->b->n; i++)
		left -= is_counted(a, part_of(s, i)) ? of(a, part_of(s, i)) : 0;
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

/* Of the public a nought can be kept as well, where the policy does. */
static bool is_few(const struct attack *a, int64_t rest)
{
	bool nought = rest == 0 && a->own == NULL && a->p.zeros == ZEROS_SENSITIVE && knows_all(a);
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
	return is_few(a, rest) || (rest == 0 && a->own == NULL && a->judged);
}

/* Known exactly and few; of the public also: known to be few. */
bool attack_unprinted_discloses(const struct attack *a, uint64_t cell, int64_t lo, int64_t hi)
{
	if (hi == SYSTEM_UNBOUNDED)
		return false;
	if (lo == hi)
		return is_few(a, lo - attack_own_of(a, cell));
	return a->judged && a->own == NULL && a->moved.how == MOVED_NOT && hi < a->threshold;
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

/* Something is printed or hidden of it, and more than one part that may count somebody is not. A single one is a cell. */
static bool is_asked(const struct attack *a, const struct attack_sum *s)
{
	uint32_t shown = 0;
	uint32_t left = 0;
	if (!is_counted(a, s->parent))
		return false;
	for (uint32_t i = 0; i < s->b->n; i++) {
		shown += is_counted(a, part_of(s, i));
		left += is_unknown(a, part_of(s, i)) && attack_is_live(a, part_of(s, i));
	}
	return shown > 0 && left > 1;
}

static bool sum_add(
    struct attack *a, struct system *s, const uint32_t *var, const struct attack_sum *sum, struct err *e)
{
	int64_t rhs = 0;
	if ((a->n_sums & (a->n_sums - 1)) == 0) {
		size_t room = a->n_sums == 0 ? 1 : 2 * (size_t)a->n_sums;
		struct attack_sum *more = realloc(a->sum, room * sizeof *more);
		if (more == NULL)
			return err_set(e, ERR_MEMORY, "no memory");
		a->sum = more;
	}
	uint64_t cell = a->g.n_cells + a->n_sums;
	a->sum[a->n_sums++] = *sum;
	if (!attack_unprinted_asked(a, cell)) {
		a->n_sums--;
		return true;
	}
	uint32_t left = system_add_var(s, cell, 0, SYSTEM_UNBOUNDED, true);
	bool ok = left != UINT32_MAX && attack_term(a, s, var, sum->parent, 1, &rhs) &&
		  system_add_term(s, left, -1);
	for (uint32_t i = 0; ok && i < sum->b->n; i++)
		ok = !is_counted(a, part_of(sum, i)) || attack_term(a, s, var, part_of(sum, i), -1, &rhs);
	return (ok && system_end_relation(s, rhs)) || err_set(e, ERR_MEMORY, "no memory");
}

bool attack_sums_make(struct attack *a, struct system *s, const uint32_t *var, struct err *e)
{
	const struct lattice *g = &a->g;
	uint64_t n = a->all != NULL ? a->all->n_released : g->n_cells;
	a->n_sums = 0;
	for (uint32_t d = 0; d < g->n_dims; d++) {
		uint64_t stride = g->stride[d];
		uint64_t block = stride * g->dim[d].n_codes;
		for (uint32_t b = 0; b < g->dim[d].n_breakdowns; b++)
			for (uint64_t high = 0; high < n; high += block)
				for (uint64_t low = high; low < high + stride; low++) {
					struct attack_sum sum = { .stride = stride,
						.b = &g->dim[d].breakdown[b] };
					sum.parent = low + sum.b->parent * stride;
					if (is_asked(a, &sum) && !sum_add(a, s, var, &sum, e))
						return false;
				}
	}
	return true;
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
	const struct attack_sum *s = &a->sum[cell - a->g.n_cells];
	put_cell(&a->g, s->parent, out);
	for (uint32_t i = 0; i < s->b->n; i++)
		if (is_counted(a, part_of(s, i))) {
			buf_put_text(out, " - ");
			put_cell(&a->g, part_of(s, i), out);
		}
}
