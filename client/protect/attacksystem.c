#include "client/protect/attackpart.h"

#include <stdlib.h>
#include <string.h>

static bool owned(const struct attack *a, uint64_t cell)
{
	return a->own != NULL && a->own[lattice_place(&a->g, cell, a->office_dim)];
}

/* Printed by the newest release, while that does not count. */
static bool is_to_come(const struct attack *a, uint64_t cell)
{
	return a->so_far && cell >= a->all->n_released - a->all->n_cells && a->g.mark[cell] == 'P';
}

/* Printed, or plain to see; in another release it is the same cell if nobody below it sent other figures. */
bool attack_printed(const struct attack *a, uint64_t cell, uint64_t *where)
{
	uint64_t n = a->all != NULL ? a->all->n_cells : a->g.n_cells;
	uint64_t end = a->all != NULL ? a->all->n_released : cell + 1;
	uint64_t first = a->all != NULL ? together_earliest(a->all, cell) : cell;
	for (*where = first; *where < end; *where += n)
		if (a->g.value[*where] >= 0 &&
		    (a->all == NULL || together_earliest(a->all, *where) == first) && !is_to_come(a, *where))
			return true;
	return false;
}

/* Hidden here, or in another release where it is the same cell. */
static bool is_hidden(const struct attack *a, uint64_t cell, uint64_t *where)
{
	uint64_t n = a->all != NULL ? a->all->n_cells : a->g.n_cells;
	uint64_t end = a->all != NULL ? a->all->n_released : cell + 1;
	uint64_t first = a->all != NULL ? together_earliest(a->all, cell) : cell;
	for (*where = first; *where < end; *where += n)
		if (a->g.mark[*where] == 'H' &&
		    (a->all == NULL || together_earliest(a->all, *where) == first))
			return true;
	return false;
}

bool attack_known(const struct attack *a, uint64_t cell, int64_t *value)
{
	uint64_t where;
	if (attack_printed(a, cell, &where)) {
		*value = a->g.value[where];
		return true;
	}
	if (a->reveal && is_hidden(a, cell, &where)) {
		*value = a->g.truth[where];
		return true;
	}
	if (!owned(a, cell))
		return false;
	*value = a->symbols ? 0 : a->g.truth[cell];
	return true;
}

/* The same cell in a later release: hidden in one is hidden. */
static void hidden_again(const struct attack *a, struct system_var *v, uint64_t cell, int64_t lo, bool hidden)
{
	if (!hidden)
		return;
	if (a->g.mark[v->cell] != 'H')
		v->cell = cell;
	v->wanted = true;
	v->lo = lo > v->lo ? lo : v->lo;
}

/* What printed figures of one release tell of cells from first on. */
static void figures_bind(const struct lattice *g, uint64_t first, struct system *s, const uint32_t *var)
{
	for (uint32_t i = 0; i < g->n_figures; i++) {
		uint64_t cell;
		int64_t lo;
		int64_t hi;
		if (!figure_bounds(g, &g->figure[i], &cell, &lo, &hi) || var[first + cell] == UINT32_MAX)
			continue;
		struct system_var *v = &s->var[var[first + cell]];
		v->lo = lo > v->lo ? lo : v->lo;
		v->hi = v->hi == SYSTEM_UNBOUNDED || hi < v->hi ? hi : v->hi;
	}
}

static bool vars_make(struct attack *a, struct system *s, uint32_t *var, struct err *e)
{
	int64_t value;
	uint64_t n = a->all != NULL ? a->all->n_released : a->g.n_cells;
	for (uint64_t c = 0; c < n; c++) {
		uint64_t first = a->all != NULL ? together_earliest(a->all, c) : c;
		bool hidden = a->g.mark[c] == 'H';
		int64_t lo = hidden ? a->floor : 0;
		int64_t hi = SYSTEM_UNBOUNDED;
		var[c] = first < c ? var[first] : UINT32_MAX;
		if (var[c] != UINT32_MAX)
			hidden_again(a, &s->var[var[c]], c, lo, hidden);
		if (var[c] != UINT32_MAX || attack_known(a, c, &value))
			continue;
		if (a->g.mark[c] == 'R')
			moved_interval(&a->moved, lattice_is_inner(&a->g, c), a->g.near[c], &lo, &hi);
		bool wanted = hidden || a->g.mark[c] == 'R' || attack_unprinted_asked(a, c);
		var[c] = system_add_var(s, c, lo, hi, wanted);
		if (var[c] == UINT32_MAX)
			return err_set(e, ERR_MEMORY, "no memory");
	}
	figures_bind(&a->g, 0, s, var);
	for (uint32_t v = 0; a->all != NULL && v < a->all->n; v++)
		figures_bind(&a->all->release[v], v * a->all->n_cells, s, var);
	return true;
}

bool attack_term(
    const struct attack *a, struct system *s, const uint32_t *var, uint64_t cell, int32_t coef, int64_t *rhs)
{
	int64_t value = 0;
	if (var[cell] != UINT32_MAX)
		return system_add_term(s, var[cell], coef);
	attack_known(a, cell, &value);
	*rhs -= coef * value;
	return true;
}

/* parent - sum of children = 0 at one combination of the other dimensions. */
static bool relation_add(struct attack *a, struct system *s, const uint32_t *var, const struct breakdown *b,
    uint64_t base, uint64_t stride)
{
	int64_t rhs = 0;
	uint64_t parent = base + b->parent * stride;
	if (a->all != NULL && together_earliest(a->all, parent) != parent)
		return true; /* an earlier release's */
	bool ok = attack_term(a, s, var, parent, 1, &rhs);
	for (uint32_t i = 0; ok && i < b->n; i++)
		ok = attack_term(a, s, var, base + b->child[i] * stride, -1, &rhs);
	return ok && system_end_relation(s, rhs);
}

static bool relations_make(struct attack *a, struct system *s, const uint32_t *var, struct err *e)
{
	const struct lattice *g = &a->g;
	uint64_t n = a->all != NULL ? a->all->n_released : g->n_cells;
	for (uint32_t d = 0; d < g->n_dims; d++) {
		uint64_t stride = g->stride[d];
		uint64_t block = stride * g->dim[d].n_codes;
		for (uint32_t b = 0; b < g->dim[d].n_breakdowns; b++)
			for (uint64_t high = 0; high < n; high += block)
				for (uint64_t low = high; low < high + stride; low++)
					if (!relation_add(a, s, var, &g->dim[d].breakdown[b], low, stride))
						return err_set(e, ERR_MEMORY, "no memory");
	}
	return true;
}

/* The attacker's own part of a cell: the sum over its offices below the cell's office code. */
int64_t attack_own_part(const struct attack *a, uint64_t cell)
{
	const struct latticedim *d = &a->g.dim[a->office_dim];
	uint64_t base = cell - lattice_place(&a->g, cell, a->office_dim) * a->g.stride[a->office_dim];
	bool *below = calloc(d->n_codes, sizeof *below);
	int64_t sum = 0;
	if (below == NULL)
		return 0;
	lattice_leaves(d, lattice_place(&a->g, cell, a->office_dim), below);
	for (uint32_t i = 0; i < a->n_offices; i++)
		if (a->own[a->office[i]] && below[a->office[i]])
			sum += a->g.truth[base + a->office[i] * a->g.stride[a->office_dim]];
	free(below);
	return sum;
}

bool attack_is_live(const struct attack *a, uint64_t cell)
{
	const struct lattice *g = a->all == NULL ? &a->g : &a->all->release[cell / a->all->n_cells];
	return g->live == NULL || g->live[a->all == NULL ? cell : cell % a->all->n_cells] != 0;
}

bool attack_others_live(const struct attack *a, uint64_t cell)
{
	const struct latticedim *d = &a->g.dim[a->office_dim];
	uint32_t code = lattice_place(&a->g, cell, a->office_dim);
	uint64_t base = cell - code * a->g.stride[a->office_dim];
	bool *below = calloc(d->n_codes, sizeof *below);
	bool live = below == NULL;
	if (below != NULL)
		lattice_leaves(d, code, below);
	for (uint32_t i = 0; !live && i < a->n_offices; i++)
		live = below[a->office[i]] && !a->own[a->office[i]] &&
		       attack_is_live(a, base + a->office[i] * a->g.stride[a->office_dim]);
	free(below);
	return live;
}

/* ---- differences of two releases ---- */

bool attack_is_difference(const struct attack *a, uint64_t cell)
{
	return a->all != NULL && cell >= a->all->n_released && cell < a->g.n_cells;
}

/* What the attacker takes off a difference. */
static int64_t own_change(const struct attack *a, uint64_t cell)
{
	return a->own == NULL ? 0 : attack_own_part(a, cell);
}

/* A few persons that are not the attacker's, in a cell that both releases' tables have. rest: what is left of the
 * difference without his own. Under `residual: no` nothing is asked against one who has a change of his own to take off. */
bool attack_difference_asked(const struct attack *a, uint64_t cell, int64_t *rest)
{
	uint64_t end[2];
	together_ends(a->all, cell, &end[0], &end[1]);
	for (int i = 0; i < 2; i++)
		if (a->g.mark[end[i]] != 'P' && a->g.mark[end[i]] != 'H')
			return false;
	int64_t mine = own_change(a, cell);
	if (!together_foreign(a->all, cell, a->own) || (a->own != NULL && a->g.truth[cell] == mine) ||
	    (mine != 0 && a->p.residual == RESIDUAL_NO))
		return false;
	*rest = a->g.truth[cell] - mine;
	return *rest != 0 && *rest < a->threshold && -*rest < a->threshold;
}

static bool differences_make(struct attack *a, struct system *s, const uint32_t *var, struct err *e)
{
	uint64_t first = a->all != NULL ? a->all->n_released : a->g.n_cells;
	for (uint64_t c = first; c < a->g.n_cells; c++) {
		int64_t rest;
		int64_t rhs = -a->all->shift;
		uint64_t before;
		uint64_t after;
		together_ends(a->all, c, &before, &after);
		if ((var[before] == UINT32_MAX && var[after] == UINT32_MAX) ||
		    !attack_difference_asked(a, c, &rest))
			continue;
		uint32_t d = system_add_var(s, c, 0, SYSTEM_UNBOUNDED, true);
		if (d == UINT32_MAX || !attack_term(a, s, var, after, 1, &rhs) ||
		    !attack_term(a, s, var, before, -1, &rhs) || !system_add_term(s, d, -1) ||
		    !system_end_relation(s, rhs))
			return err_set(e, ERR_MEMORY, "no memory");
	}
	return true;
}

/* The difference must be able to be larger in its own direction, as a small count must. */
bool attack_discloses_difference(const struct attack *a, uint64_t cell, int64_t lo, int64_t hi)
{
	int64_t mine = own_change(a, cell);
	int64_t rest = a->g.truth[cell] - mine;
	int64_t few = rest < 0 ? -rest : rest;
	int64_t target = few + a->width > a->threshold ? few + a->width : a->threshold;
	bool open = hi == SYSTEM_UNBOUNDED;
	if (!a->judged)
		return lo == hi;
	return rest > 0 ? !open && hi < mine + target : lo > mine - target;
}

bool attack_equations(struct attack *a, struct system *s, uint32_t *var, struct err *e)
{
	return vars_make(a, s, var, e) && relations_make(a, s, var, e);
}

bool attack_system(struct attack *a, struct system *s, uint32_t *var, struct err *e)
{
	return attack_equations(a, s, var, e) && differences_make(a, s, var, e) &&
	       attack_sums_make(a, s, var, e);
}
