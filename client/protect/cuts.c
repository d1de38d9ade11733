#include "client/protect/cuts.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define FAR     1e4  /* times the need: further no column goes */
#define SMALL   1e-9 /* weights below are rounding */
#define BROKEN  1e-4 /* by how much a cut must be broken to count */
#define ENOUGH  1e-6
#define SAFE_UP 1e-7 /* weights are rounded up by this, so that no cut is too strong */

/* Column i of the question is i upwards and n_columns + i downwards, so that no change is a vertex and changes found touch
 * little. */
struct cuts {
	const struct choice_question *q;
	Clp_Simplex *clp;
	double *high, *cost;
	const struct patience *patience;
	uint64_t programs, work;
};

struct columns { /* as CLP wants them */
	int *start, *index;
	double *value;
};

static void columns_fill(const struct choice_question *q, struct columns *k)
{
	uint32_t n = q->n_columns;
	uint32_t entries = q->start[q->n_relations];
	for (uint32_t i = 0; i < entries; i++)
		k->start[q->entry[i].column + 2]++;
	for (uint32_t i = 2; i < n + 2; i++)
		k->start[i] += k->start[i - 1];
	for (uint32_t r = 0; r < q->n_relations; r++)
		for (uint32_t i = q->start[r]; i < q->start[r + 1]; i++) {
			int at = k->start[q->entry[i].column + 1]++;
			k->index[at] = (int)r;
			k->value[at] = q->entry[i].coef;
		}
	for (uint32_t i = 0; i < entries; i++) {
		k->index[entries + i] = k->index[i];
		k->value[entries + i] = -k->value[i];
	}
	for (uint32_t i = 1; i <= n; i++)
		k->start[n + i] = (int)entries + k->start[i];
}

static bool load(struct cuts *c)
{
	const struct choice_question *q = c->q;
	size_t entries = 2 * (size_t)q->start[q->n_relations];
	struct columns k = { calloc(2 * (size_t)q->n_columns + 2, sizeof *k.start),
		calloc(entries + 1, sizeof *k.index), calloc(entries + 1, sizeof *k.value) };
	double *zero = calloc((size_t)q->n_relations + 1, sizeof *zero);
	bool ok =
	    k.start != NULL && k.index != NULL && k.value != NULL && zero != NULL && entries < INT32_MAX;
	if (ok) {
		columns_fill(q, &k);
		Clp_setLogLevel(c->clp, 0);
		Clp_loadProblem(c->clp, (int)(2 * q->n_columns), (int)q->n_relations, k.start, k.index,
		    k.value, NULL, c->high, c->cost, zero, zero);
		Clp_setOptimizationDirection(c->clp, -1.0);
	}
	free(k.start);
	free(k.index);
	free(k.value);
	free(zero);
	return ok;
}

struct cuts *cuts_open(const struct choice_question *q, const struct patience *patience)
{
	struct cuts *c = calloc(1, sizeof *c);
	if (c == NULL)
		return NULL;
	c->q = q;
	c->patience = patience;
	c->clp = Clp_newModel();
	c->high = calloc(2 * (size_t)q->n_columns + 1, sizeof *c->high);
	c->cost = calloc(2 * (size_t)q->n_columns + 1, sizeof *c->cost);
	if (c->clp != NULL && c->high != NULL && c->cost != NULL && load(c))
		return c;
	cuts_close(c);
	return NULL;
}

void cuts_close(struct cuts *c)
{
	if (c == NULL)
		return;
	if (c->clp != NULL)
		Clp_deleteModel(c->clp);
	free(c->high);
	free(c->cost);
	free(c);
}

uint64_t cuts_work(const struct cuts *c)
{
	return c->work;
}

uint64_t cuts_programs(const struct cuts *c)
{
	return c->programs;
}

void cut_free(struct cut *c)
{
	free(c->column);
	free(c->weight);
	*c = (struct cut){ 0 };
}

static double wanted(const struct choice_need *n)
{
	return n->amp == 0 ? 1.0 : (double)n->amp;
}

/* How far a hidden column goes; at L1 what it holds does not matter. */
static double reach(const struct choice_need *n, int64_t room, double most)
{
	return n->amp == 0 || (double)room > most ? most : (double)room;
}

static bool stays(
    const struct choice_question *q, const struct choice_need *n, uint32_t column, const uint8_t *avoid)
{
	uint32_t g = q->group[column];
	return g != CHOICE_NONE && (avoid[g] != 0 || choice_avoids(q, n, g));
}

static void set_bounds(
    struct cuts *c, const double *z, const struct choice_need *n, const uint8_t *avoid, bool gentle)
{
	const struct choice_question *q = c->q;
	for (uint32_t i = 0; i < q->n_columns; i++) {
		bool priced = q->price[i] > 0;
		double most = wanted(n) * (gentle && priced ? 1.0 : FAR);
		double part = stays(q, n, i, avoid) ? 0.0 : priced ? z[i] : 1.0;
		c->high[i] = reach(n, q->up[i], most) * part;
		c->high[q->n_columns + i] = reach(n, q->down[i], most) * part;
	}
}

static bool solve(struct cuts *c, const struct choice_need *n)
{
	const struct choice_question *q = c->q;
	memset(c->cost, 0, 2 * (size_t)q->n_columns * sizeof *c->cost);
	for (uint32_t t = n->first; t < n->first + n->n; t++) {
		c->cost[q->term[t].column] += q->term[t].coef;
		c->cost[q->n_columns + q->term[t].column] -= q->term[t].coef;
	}
	Clp_chgColumnUpper(c->clp, c->high);
	Clp_chgObjCoefficients(c->clp, c->cost);
	patience_clp(c->patience, c->clp);
	Clp_primal(c->clp, 0);
	c->programs++;
	c->work += (uint64_t)Clp_numberIterations(c->clp) * (q->n_columns + q->n_relations);
	return Clp_status(c->clp) == 0;
}

/* Weights from the duals: what is left of the need's sum once multiples of relations, which are 0, are taken off. */
static bool weigh(const struct cuts *c, const struct choice_need *n, const uint8_t *avoid, bool rounded,
    double *weight, double *base)
{
	const struct choice_question *q = c->q;
	const double *dual = Clp_dualRowSolution(c->clp);
	memcpy(weight, c->cost, q->n_columns * sizeof *weight);
	for (uint32_t r = 0; r < q->n_relations; r++) {
		/* duals of most tables are small fractions: rounded, they leave no dust behind */
		double y = rounded ? nearbyint(dual[r] * 5040.0) / 5040.0 : dual[r];
		for (uint32_t i = q->start[r]; y != 0 && i < q->start[r + 1]; i++)
			weight[q->entry[i].column] -= y * q->entry[i].coef;
	}
	*base = 0;
	for (uint32_t i = 0; i < q->n_columns; i++) {
		double most = wanted(n) * FAR;
		double w = stays(q, n, i, avoid) || fabs(weight[i]) < SMALL ? 0.0 : weight[i];
		weight[i] = w > 0 ? w * reach(n, q->up[i], most) : -w * reach(n, q->down[i], most);
		if (q->price[i] <= 0)
			*base += weight[i];
	}
	return *base < wanted(n) - ENOUGH;
}

static double cut_weight(const struct choice_question *q, const double *weight, double least, uint32_t i)
{
	return q->price[i] <= 0 || weight[i] <= 0 ? 0.0 : fmin(1.0, weight[i] / least + SAFE_UP);
}

/* Of weights that add up to what a pattern can reach at most, the cut; CUT_NONE if z keeps it. */
static enum cut_answer make(
    const struct cuts *c, const double *z, const double *weight, double least, struct cut *out)
{
	const struct choice_question *q = c->q;
	double sum = 0;
	for (uint32_t i = 0; i < q->n_columns; i++)
		sum += cut_weight(q, weight, least, i) * z[i];
	if (sum >= 1.0 - BROKEN)
		return CUT_NONE;
	*out = (struct cut){ .column = calloc((size_t)q->n_columns + 1, sizeof *out->column),
		.weight = calloc((size_t)q->n_columns + 1, sizeof *out->weight) };
	if (out->column == NULL || out->weight == NULL) {
		cut_free(out);
		return CUT_FAILED;
	}
	for (uint32_t i = 0; i < q->n_columns; i++) {
		double w = cut_weight(q, weight, least, i);
		if (w > 0) {
			out->column[out->n] = i;
			out->weight[out->n++] = w;
		}
	}
	return CUT_FOUND;
}

enum cut_answer cuts_find(struct cuts *c, const double *z, uint32_t need, const uint8_t *avoid, bool gentle,
    struct cut *out, uint8_t *touched)
{
	const struct choice_question *q = c->q;
	const struct choice_need *n = &q->need[need];
	double base;
	*out = (struct cut){ 0 };
	set_bounds(c, z, n, avoid, gentle);
	if (!solve(c, n))
		return CUT_FAILED;
	const double *x = Clp_primalColumnSolution(c->clp);
	for (uint32_t i = 0; touched != NULL && i < q->n_columns; i++)
		if (q->group[i] != CHOICE_NONE && fabs(x[i] - x[q->n_columns + i]) > ENOUGH)
			touched[q->group[i]] = 1;
	if (Clp_objectiveValue(c->clp) >= wanted(n) * (1.0 - ENOUGH))
		return CUT_NONE;
	double *weight = calloc((size_t)q->n_columns + 1, sizeof *weight);
	if (weight == NULL)
		return CUT_FAILED;
	enum cut_answer answer = CUT_NONE;
	for (int rounded = 1; answer == CUT_NONE && rounded >= 0; rounded--)
		if (weigh(c, n, avoid, rounded != 0, weight, &base))
			answer = make(c, z, weight, wanted(n) - base, out);
	free(weight);
	/* not possible, yet the duals are too inexact to say why */
	return answer == CUT_NONE && !gentle ? CUT_FAILED : answer;
}
