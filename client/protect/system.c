#include "client/protect/system.h"

#include <coin/Clp_C_Interface.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define ROUNDS_MAX 200 /* of propagation; what is left is the programs' work */
#define SLACK      1e-6

static bool grow(void **array, size_t size, size_t n, size_t *room)
{
	if (n < *room)
		return true;
	size_t more = *room == 0 ? 64 : 2 * *room;
	void *memory = realloc(*array, more * size);
	if (memory == NULL)
		return false;
	*array = memory;
	*room = more;
	return true;
}

uint32_t system_add_var(struct system *s, uint64_t cell, int64_t lo, int64_t hi, bool wanted)
{
	size_t room = s->room_vars;
	if (s->n_vars == UINT32_MAX - 1 || !grow((void **)&s->var, sizeof *s->var, s->n_vars, &room))
		return UINT32_MAX;
	s->room_vars = (uint32_t)room;
	s->var[s->n_vars] = (struct system_var){ cell, lo, hi, wanted, WHY_NOTHING };
	return s->n_vars++;
}

bool system_add_term(struct system *s, uint32_t var, int32_t coef)
{
	if (!grow((void **)&s->term, sizeof *s->term, s->n_terms, &s->room_terms))
		return false;
	s->term[s->n_terms++] = (struct system_term){ var, coef };
	return true;
}

bool system_end_relation(struct system *s, int64_t rhs)
{
	size_t begin = s->n_relations == 0 ? 0 : s->start[s->n_relations];
	if (s->n_terms == begin)
		return true;
	if (s->n_relations + 1 >= s->room_relations) {
		uint32_t room = s->room_relations == 0 ? 64 : 2 * s->room_relations;
		size_t *start = realloc(s->start, (room + 1) * sizeof *start);
		if (start == NULL)
			return false;
		s->start = start;
		int64_t *more = realloc(s->rhs, room * sizeof *more);
		if (more == NULL)
			return false;
		s->rhs = more;
		s->room_relations = room;
	}
	s->start[s->n_relations] = begin;
	s->rhs[s->n_relations++] = rhs;
	s->start[s->n_relations] = s->n_terms;
	return true;
}

void system_free(struct system *s)
{
	free(s->var);
	free(s->term);
	free(s->start);
	free(s->rhs);
	free(s->component);
	*s = (struct system){ 0 };
}

/* ---- propagation ---- */

/* Sums of the smallest and largest values of a relation's terms, with the number of unbounded ones. */
struct span {
	int64_t lo, hi;
	uint32_t lo_open, hi_open;
};

static struct span span_of(const struct system *s, uint32_t r)
{
	struct span sum = { 0 };
	for (size_t i = s->start[r]; i < s->start[r + 1]; i++) {
		const struct system_var *v = &s->var[s->term[i].var];
		int64_t c = s->term[i].coef;
		bool open = v->hi == SYSTEM_UNBOUNDED;
		if (c > 0) {
			sum.lo += c * v->lo;
			sum.hi += open ? 0 : c * v->hi;
			sum.hi_open += open;
		} else {
			sum.hi += c * v->lo;
			sum.lo += open ? 0 : c * v->hi;
			sum.lo_open += open;
		}
	}
	return sum;
}

static int64_t floor_div(int64_t a, int64_t b)
{
	int64_t q = a / b;
	return q - (a % b != 0 && (a < 0) != (b < 0));
}

/* New bounds of one term from all the others: c * x = rhs - rest, rest in [sum - own]. */
static bool narrow(struct system *s, struct system_term t, struct span sum, int64_t rhs)
{
	struct system_var *v = &s->var[t.var];
	int64_t c = t.coef;
	bool open = v->hi == SYSTEM_UNBOUNDED;
	int64_t lo = v->lo;
	int64_t hi = v->hi;
	if (c == 0)
		return false;
	/* c > 0: x <= (rhs - rest_lo) / c, x >= (rhs - rest_hi) / c; c < 0 the other way round */
	uint32_t lo_open = sum.lo_open - (c < 0 && open);
	uint32_t hi_open = sum.hi_open - (c > 0 && open);
	int64_t rest_lo = sum.lo - (c > 0 ? c * v->lo : open ? 0 : c * v->hi);
	int64_t rest_hi = sum.hi - (c > 0 ? (open ? 0 : c * v->hi) : c * v->lo);
	if (lo_open == 0) {
		int64_t bound = c > 0 ? floor_div(rhs - rest_lo, c) : -floor_div(-(rhs - rest_lo), c);
		if (c > 0 && (hi == SYSTEM_UNBOUNDED || bound < hi))
			hi = bound;
		if (c < 0 && bound > lo)
			lo = bound;
	}
	if (hi_open == 0) {
		int64_t bound = c > 0 ? -floor_div(-(rhs - rest_hi), c) : floor_div(rhs - rest_hi, c);
		if (c > 0 && bound > lo)
			lo = bound;
		if (c < 0 && (hi == SYSTEM_UNBOUNDED || bound < hi))
			hi = bound;
	}
	if (lo == v->lo && hi == v->hi)
		return false;
	v->lo = lo;
	v->hi = hi;
	v->why = WHY_PROPAGATION;
	return true;
}

static bool propagate(struct system *s, struct err *e)
{
	bool changed = true;
	for (unsigned round = 0; changed && round < ROUNDS_MAX; round++) {
		changed = false;
		for (uint32_t r = 0; r < s->n_relations; r++) {
			struct span sum = span_of(s, r);
			for (size_t i = s->start[r]; i < s->start[r + 1]; i++) {
				const struct system_var *v = &s->var[s->term[i].var];
				if (!narrow(s, s->term[i], sum, s->rhs[r]))
					continue;
				if (v->hi < v->lo)
					return err_set(e, ERR_INVALID, "no table fits what was published");
				sum = span_of(s, r);
				changed = true;
			}
		}
	}
	return true;
}

/* ---- components ---- */

static uint32_t root(uint32_t *up, uint32_t i)
{
	while (up[i] != i) {
		up[i] = up[up[i]];
		i = up[i];
	}
	return i;
}

/* What propagation has fixed is a constant from here on: it ties nothing together. */
static bool loose(const struct system *s, uint32_t var)
{
	return s->var[var].lo < s->var[var].hi;
}

/* The first variable of a relation that is not fixed; UINT32_MAX: none. */
static uint32_t first_loose(const struct system *s, uint32_t r)
{
	for (size_t i = s->start[r]; i < s->start[r + 1]; i++)
		if (loose(s, s->term[i].var))
			return s->term[i].var;
	return UINT32_MAX;
}

static bool components(struct system *s)
{
	uint32_t *up = malloc((s->n_vars + 1) * sizeof *up);
	s->component = malloc((s->n_vars + 1) * sizeof *s->component);
	if (up == NULL || s->component == NULL) {
		free(up);
		return false;
	}
	for (uint32_t i = 0; i < s->n_vars; i++) {
		up[i] = i;
		s->component[i] = UINT32_MAX;
	}
	for (uint32_t r = 0; r < s->n_relations; r++) {
		uint32_t first = first_loose(s, r);
		for (size_t i = s->start[r]; first != UINT32_MAX && i < s->start[r + 1]; i++)
			if (loose(s, s->term[i].var))
				up[root(up, s->term[i].var)] = root(up, first);
	}
	for (uint32_t i = 0; i < s->n_vars; i++) {
		uint32_t top = root(up, i);
		if (s->component[top] == UINT32_MAX)
			s->component[top] = s->n_components++;
		s->component[i] = s->component[top];
	}
	free(up);
	return true;
}

/* ---- linear programs ---- */

struct program {          /* of one component */
	uint32_t n;       /* variables */
	uint32_t *var;    /* their places in the system */
	uint32_t *column; /* the system's variable -> column; shared */
	double *cost, *low, *high;
	double *least, *largest; /* met in any table so far */
	Clp_Simplex *clp;
};

struct rows { /* a component's relations, column by column as CLP wants them */
	int *start, *index;
	double *value, *rhs;
	int n;
};

static void rows_free(struct rows *k)
{
	free(k->start);
	free(k->index);
	free(k->value);
	free(k->rhs);
}

/* Which relations belong to component c: those of its first term. */
static bool rows_make(
    const struct system *s, const struct program *p, const uint32_t *relation, uint32_t n, struct rows *k)
{
	size_t entries = 0;
	for (uint32_t i = 0; i < n; i++)
		entries += s->start[relation[i] + 1] - s->start[relation[i]];
	*k = (struct rows){ .n = (int)n };
	k->start = calloc(p->n + 2, sizeof *k->start);
	k->index = calloc(entries + 1, sizeof *k->index);
	k->value = calloc(entries + 1, sizeof *k->value);
	k->rhs = calloc(n + 1, sizeof *k->rhs);
	if (k->start == NULL || k->index == NULL || k->value == NULL || k->rhs == NULL)
		return false;
	for (uint32_t i = 0; i < n; i++)
		for (size_t t = s->start[relation[i]]; t < s->start[relation[i] + 1]; t++)
			if (loose(s, s->term[t].var))
				k->start[p->column[s->term[t].var] + 2]++;
	for (uint32_t i = 2; i < p->n + 2; i++)
		k->start[i] += k->start[i - 1];
	for (uint32_t i = 0; i < n; i++) {
		k->rhs[i] = (double)s->rhs[relation[i]];
		for (size_t t = s->start[relation[i]]; t < s->start[relation[i] + 1]; t++) {
			const struct system_var *v = &s->var[s->term[t].var];
			if (v->lo == v->hi) {
				k->rhs[i] -= (double)s->term[t].coef * (double)v->lo;
				continue;
			}
			int at = k->start[p->column[s->term[t].var] + 1]++;
			k->index[at] = (int)i;
			k->value[at] = s->term[t].coef;
		}
	}
	return true;
}

static void program_free(struct program *p)
{
	if (p->clp != NULL)
		Clp_deleteModel(p->clp);
	free(p->cost);
	free(p->low);
	free(p->high);
	free(p->least);
	free(p->largest);
}

static bool program_open(struct system *s, struct program *p, const uint32_t *relation, uint32_t n)
{
	struct rows k = { 0 };
	bool ok = false;
	p->cost = calloc(p->n, sizeof *p->cost);
	p->low = calloc(p->n, sizeof *p->low);
	p->high = calloc(p->n, sizeof *p->high);
	p->least = calloc(p->n, sizeof *p->least);
	p->largest = calloc(p->n, sizeof *p->largest);
	if (p->cost == NULL || p->low == NULL || p->high == NULL || p->least == NULL || p->largest == NULL ||
	    !rows_make(s, p, relation, n, &k))
		goto done;
	for (uint32_t i = 0; i < p->n; i++) {
		const struct system_var *v = &s->var[p->var[i]];
		p->low[i] = (double)v->lo;
		p->high[i] = v->hi == SYSTEM_UNBOUNDED ? HUGE_VAL : (double)v->hi;
		p->least[i] = HUGE_VAL;
		p->largest[i] = -HUGE_VAL;
	}
	p->clp = Clp_newModel();
	if (p->clp == NULL)
		goto done;
	Clp_setLogLevel(p->clp, 0);
	Clp_loadProblem(
	    p->clp, (int)p->n, k.n, k.start, k.index, k.value, p->low, p->high, p->cost, k.rhs, k.rhs);
	ok = true;
done:
	rows_free(&k);
	return ok;
}

/* Solves for the costs as they stand. The table found joins those met before. False: nothing fits. */
static bool program_solve(struct system *s, struct program *p)
{
	Clp_chgObjCoefficients(p->clp, p->cost);
	Clp_primal(p->clp, 0);
	s->n_programs++;
	if (Clp_status(p->clp) == 2) /* unbounded: no table at hand */
		return true;
	const double *x = Clp_primalColumnSolution(p->clp);
	for (uint32_t i = 0; i < p->n; i++) {
		p->least[i] = fmin(p->least[i], x[i]);
		p->largest[i] = fmax(p->largest[i], x[i]);
	}
	return Clp_status(p->clp) == 0;
}

/* Least (sign 1) or largest (sign -1) value of a column; ±HUGE_VAL if unbounded. False: nothing fits. */
static bool program_extreme(struct system *s, struct program *p, uint32_t column, int sign, double *out)
{
	p->cost[column] = sign;
	bool ok = program_solve(s, p);
	p->cost[column] = 0;
	*out = Clp_status(p->clp) == 2 ? -sign * HUGE_VAL : Clp_primalColumnSolution(p->clp)[column];
	return ok;
}

static bool is_shown(
    const struct system *s, const struct program *p, const struct system_plan *plan, uint32_t i)
{
	if (plan->enough == NULL || p->least[i] > p->largest[i])
		return false;
	int64_t lo = (int64_t)ceil(p->least[i] - SLACK);
	int64_t hi = (int64_t)floor(p->largest[i] + SLACK);
	return lo < hi && plan->enough(plan->context, s->var[p->var[i]].cell, lo, hi);
}

#define TOURS_MAX 40 /* vertices asked for at once, before cells are asked for one by one */

/* Vertices in the directions of cells nothing is shown for yet, each up or down by turns: many cells at a time. */
static bool program_tour(struct system *s, struct program *p, const struct system_plan *plan, struct err *e)
{
	uint64_t turn = 0x9E3779B97F4A7C15u;
	size_t before = SIZE_MAX;
	for (unsigned tour = 0; plan->enough != NULL && tour < TOURS_MAX; tour++) {
		size_t left = 0;
		for (uint32_t i = 0; i < p->n; i++) {
			bool want =
			    s->var[p->var[i]].wanted && loose(s, p->var[i]) && !is_shown(s, p, plan, i);
			turn ^= turn << 13, turn ^= turn >> 7, turn ^= turn << 17;
			/* every second tour is the way back of the one before */
			p->cost[i] = !want                              ? 0
				     : tour % 2 == 1 && p->cost[i] != 0 ? -p->cost[i]
				     : turn & 1                         ? 1
									: -1;
			left += want;
		}
		if (left == 0 || (tour % 4 == 3 && left == before))
			break;
		before = tour % 4 == 3 ? left : before;
		if (!program_solve(s, p))
			return err_set(e, ERR_INVALID, "no table fits what was published");
	}
	memset(p->cost, 0, p->n * sizeof *p->cost);
	return true;
}

static bool variable_run(struct system *s, struct program *p, uint32_t i, struct err *e)
{
	struct system_var *v = &s->var[p->var[i]];
	double least;
	double largest;
	if (!program_extreme(s, p, i, 1, &least) || !program_extreme(s, p, i, -1, &largest))
		return err_set(e, ERR_INVALID, "no table fits what was published");
	int64_t lo = (int64_t)ceil(least - SLACK);
	if (lo > v->lo) {
		v->lo = lo;
		v->why = WHY_PROGRAM;
	}
	if (largest < 9e15 && (v->hi == SYSTEM_UNBOUNDED || (int64_t)floor(largest + SLACK) < v->hi)) {
		v->hi = (int64_t)floor(largest + SLACK);
		v->why = WHY_PROGRAM;
	}
	return v->hi >= v->lo || err_set(e, ERR_INVALID, "no whole number fits what was published");
}

static bool program_run(struct system *s, struct program *p, const struct system_plan *plan, struct err *e)
{
	bool ok = program_tour(s, p, plan, e);
	for (uint32_t i = 0; ok && i < p->n; i++) {
		struct system_var *v = &s->var[p->var[i]];
		if (!v->wanted || v->lo == v->hi)
			continue;
		if (!is_shown(s, p, plan, i)) {
			ok = variable_run(s, p, i, e);
			continue;
		}
		v->lo = (int64_t)ceil(p->least[i] - SLACK);
		v->hi = (int64_t)floor(p->largest[i] + SLACK);
		v->why = WHY_WITNESS;
	}
	return ok;
}

/* Variables and relations sorted by component, by counting. */
struct sorted {
	uint32_t *var, *var_start, *relation, *relation_start, *column;
};

static void sorted_free(struct sorted *k)
{
	free(k->var);
	free(k->var_start);
	free(k->relation);
	free(k->relation_start);
	free(k->column);
}

static void count_sort(uint32_t *start, uint32_t *out, const uint32_t *key, uint32_t n, uint32_t keys)
{
	for (uint32_t i = 0; i < n; i++)
		start[key[i] + 1]++;
	for (uint32_t i = 0; i < keys; i++)
		start[i + 1] += start[i];
	for (uint32_t i = n; i-- > 0;)
		out[--start[key[i] + 1]] = i;
	/* start[k + 1] now holds the begin of key k: shift back */
	for (uint32_t i = 0; i < keys; i++)
		start[i] = start[i + 1];
	start[keys] = n;
}

static bool sorted_make(const struct system *s, struct sorted *k)
{
	uint32_t *key = calloc(s->n_relations + 1, sizeof *key);
	k->var = calloc(s->n_vars + 1, sizeof *k->var);
	k->column = calloc(s->n_vars + 1, sizeof *k->column);
	k->relation = calloc(s->n_relations + 1, sizeof *k->relation);
	k->var_start = calloc(s->n_components + 2, sizeof *k->var_start);
	k->relation_start = calloc(s->n_components + 3, sizeof *k->relation_start);
	bool ok = key != NULL && k->var != NULL && k->column != NULL && k->relation != NULL &&
		  k->var_start != NULL && k->relation_start != NULL;
	if (ok) {
		for (uint32_t r = 0; r < s->n_relations; r++)
			key[r] = first_loose(s, r) == UINT32_MAX ? s->n_components
								 : s->component[first_loose(s, r)];
		count_sort(k->var_start, k->var, s->component, s->n_vars, s->n_components);
		count_sort(k->relation_start, k->relation, key, s->n_relations, s->n_components + 1);
		for (uint32_t c = 0; c < s->n_components; c++)
			for (uint32_t i = k->var_start[c]; i < k->var_start[c + 1]; i++)
				k->column[k->var[i]] = i - k->var_start[c];
	}
	free(key);
	return ok;
}

static bool component_solve(
    struct system *s, const struct sorted *k, uint32_t c, const struct system_plan *plan, struct err *e)
{
	struct program p = { .n = k->var_start[c + 1] - k->var_start[c],
		.var = k->var + k->var_start[c],
		.column = k->column };
	uint32_t n = k->relation_start[c + 1] - k->relation_start[c];
	bool wanted = false;
	for (uint32_t i = 0; i < p.n; i++)
		wanted |= s->var[p.var[i]].wanted && loose(s, p.var[i]);
	if (!wanted || n == 0 || p.n > plan->max_program)
		return true;
	bool ok =
	    program_open(s, &p, k->relation + k->relation_start[c], n) || err_set(e, ERR_MEMORY, "no memory");
	ok = ok && program_run(s, &p, plan, e);
	program_free(&p);
	return ok;
}

bool system_solve(struct system *s, const struct system_plan *plan, struct err *e)
{
	struct sorted k = { 0 };
	bool ok = propagate(s, e);
	if (ok && (!components(s) || !sorted_make(s, &k)))
		ok = err_set(e, ERR_MEMORY, "no memory");
	for (uint32_t c = 0; ok && c < s->n_components; c++) {
		ok = component_solve(s, &k, c, plan, e);
		if (plan->progress != NULL)
			plan->progress(plan->context, (double)k.var_start[c + 1] / s->n_vars);
	}
	sorted_free(&k);
	return ok;
}
