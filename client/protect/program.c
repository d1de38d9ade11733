#include "client/protect/program.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WHOLE     1e-6
#define WIDE      16.0 /* times the need: as far as a column goes */
#define FREE_COST 1e-3 /* so that an answer goes no further than it must */

/* ---- columns to relations ---- */

bool adjacency_make(struct adjacency *a, const struct choice_question *q)
{
	uint32_t entries = q->start[q->n_relations];
	*a = (struct adjacency){ 0 };
	a->start = calloc((size_t)q->n_columns + 2, sizeof *a->start);
	a->at = calloc((size_t)entries + 1, sizeof *a->at);
	a->relation = calloc((size_t)entries + 1, sizeof *a->relation);
	if (a->start == NULL || a->at == NULL || a->relation == NULL)
		return false;
	for (uint32_t i = 0; i < entries; i++)
		a->start[q->entry[i].column + 2]++;
	for (uint32_t c = 2; c < q->n_columns + 2; c++)
		a->start[c] += a->start[c - 1];
	for (uint32_t r = 0; r < q->n_relations; r++)
		for (uint32_t i = q->start[r]; i < q->start[r + 1]; i++) {
			a->relation[i] = r;
			a->at[a->start[q->entry[i].column + 1]++] = i;
		}
	return true;
}

void adjacency_free(struct adjacency *a)
{
	free(a->start);
	free(a->at);
	free(a->relation);
	*a = (struct adjacency){ 0 };
}

/* ---- the neighbourhood ---- */

struct ball {
	const struct program_ask *p;
	const struct adjacency *a;
	const struct choice_need *need;
	uint32_t *place; /* by column: in column[], or CHOICE_NONE */
	uint32_t *column, n;
	uint32_t *row; /* by relation: its row, or CHOICE_NONE */
	int n_rows;
	size_t n_entries;
};

static bool may_move(const struct ball *b, uint32_t column)
{
	const struct choice_question *q = b->p->q;
	return b->p->price[column] >= 0 && !choice_avoids(q, b->need, q->group[column]);
}

static void take(struct ball *b, uint32_t column)
{
	if (b->place[column] != CHOICE_NONE || b->n == b->p->max_columns || !may_move(b, column))
		return;
	b->place[column] = b->n;
	b->column[b->n++] = column;
}

static bool ball_make(struct ball *b)
{
	const struct choice_question *q = b->p->q;
	b->place = malloc(((size_t)q->n_columns + 1) * sizeof *b->place);
	b->column = malloc(((size_t)q->n_columns + 1) * sizeof *b->column);
	b->row = malloc(((size_t)q->n_relations + 1) * sizeof *b->row);
	if (b->place == NULL || b->column == NULL || b->row == NULL)
		return false;
	memset(b->place, 0xff, q->n_columns * sizeof *b->place);
	memset(b->row, 0xff, q->n_relations * sizeof *b->row);
	for (uint32_t i = 0; i < b->need->n; i++)
		take(b, q->term[b->need->first + i].column);
	for (uint32_t i = 0; i < b->n; i++)
		for (uint32_t k = b->a->start[b->column[i]]; k < b->a->start[b->column[i] + 1]; k++) {
			uint32_t r = b->a->relation[b->a->at[k]];
			if (b->row[r] == CHOICE_NONE)
				b->row[r] = (uint32_t)b->n_rows++;
			for (uint32_t m = q->start[r]; m < q->start[r + 1]; m++)
				take(b, q->entry[m].column);
			b->n_entries++;
		}
	return b->n > 0;
}

static void ball_free(struct ball *b)
{
	free(b->place);
	free(b->column);
	free(b->row);
}

/* ---- the program: columns 2i and 2i + 1 are column i upwards and downwards; the last row is the need's ---- */

struct model {
	int n_columns, n_rows;
	int *start, *index;
	double *value, *low, *high, *cost, *row_low, *row_high;
};

static void model_free(struct model *m)
{
	free(m->start);
	free(m->index);
	free(m->value);
	free(m->low);
	free(m->high);
	free(m->cost);
	free(m->row_low);
	free(m->row_high);
}

static double bounded(int64_t room, double wide, bool any)
{
	return any || (double)room > wide ? wide : (double)room;
}

static void model_column(struct model *m, const struct ball *b, uint32_t i, int sign, int *at)
{
	const struct choice_question *q = b->p->q;
	uint32_t column = b->column[i];
	int64_t amp = b->need->amp == 0 ? 1 : b->need->amp;
	int k = (int)(2 * i) + (sign < 0);
	m->start[k] = *at;
	for (uint32_t t = b->a->start[column]; t < b->a->start[column + 1]; t++) {
		uint32_t entry = b->a->at[t];
		m->index[*at] = (int)b->row[b->a->relation[entry]];
		m->value[(*at)++] = sign * q->entry[entry].coef;
	}
	for (uint32_t t = b->need->first; t < b->need->first + b->need->n; t++)
		if (q->term[t].column == column) {
			m->index[*at] = b->n_rows;
			m->value[(*at)++] = sign * q->term[t].coef;
		}
	m->high[k] =
	    bounded(sign > 0 ? q->up[column] : q->down[column], WIDE * (double)amp + WIDE, b->need->amp == 0);
	m->cost[k] = FREE_COST + b->p->price[column] / (double)amp;
}

static bool model_make(struct model *m, const struct ball *b)
{
	int at = 0;
	*m = (struct model){ .n_columns = (int)(2 * b->n), .n_rows = b->n_rows + 1 };
	size_t columns = (size_t)m->n_columns + 1;
	size_t rows = (size_t)m->n_rows + 1;
	size_t entries = 2 * (b->n_entries + b->need->n) + 1;
	m->start = calloc(columns, sizeof *m->start);
	m->index = calloc(entries, sizeof *m->index);
	m->value = calloc(entries, sizeof *m->value);
	m->low = calloc(columns, sizeof *m->low);
	m->high = calloc(columns, sizeof *m->high);
	m->cost = calloc(columns, sizeof *m->cost);
	m->row_low = calloc(rows, sizeof *m->row_low);
	m->row_high = calloc(rows, sizeof *m->row_high);
	if (m->start == NULL || m->index == NULL || m->value == NULL || m->low == NULL || m->high == NULL ||
	    m->cost == NULL || m->row_low == NULL || m->row_high == NULL)
		return false;
	for (uint32_t i = 0; i < b->n; i++) {
		model_column(m, b, i, 1, &at);
		model_column(m, b, i, -1, &at);
	}
	m->start[m->n_columns] = at;
	m->row_low[b->n_rows] = b->need->amp == 0 ? 1.0 : (double)b->need->amp;
	m->row_high[b->n_rows] = HUGE_VAL;
	return true;
}

enum solved { SOLVED, IMPOSSIBLE, UNDECIDED };

static enum solved solve_linear(const struct model *m, const struct patience *patience, double *x)
{
	Clp_Simplex *clp = Clp_newModel();
	if (clp == NULL)
		return UNDECIDED;
	Clp_setLogLevel(clp, 0);
	Clp_loadProblem(clp, m->n_columns, m->n_rows, m->start, m->index, m->value, m->low, m->high, m->cost,
	    m->row_low, m->row_high);
	patience_clp(patience, clp);
	Clp_dual(clp, 0);
	int status = patience_over(patience) ? -1 : Clp_status(clp);
	enum solved s = status == 0 ? SOLVED : status == 1 ? IMPOSSIBLE : UNDECIDED;
	if (s == SOLVED)
		memcpy(x, Clp_primalColumnSolution(clp), (size_t)m->n_columns * sizeof *x);
	Clp_deleteModel(clp);
	return s;
}

static enum solved solve_whole(const struct model *m, const struct program_ask *p, double *x)
{
	char most[16];
	Cbc_Model *cbc = Cbc_newModel();
	if (cbc == NULL)
		return UNDECIDED;
	snprintf(most, sizeof most, "%u", p->nodes);
	Cbc_loadProblem(cbc, m->n_columns, m->n_rows, m->start, m->index, m->value, m->low, m->high, m->cost,
	    m->row_low, m->row_high);
	for (int i = 0; i < m->n_columns; i++)
		Cbc_setInteger(cbc, i);
	Cbc_setParameter(cbc, "log", "0");
	Cbc_setParameter(cbc, "threads", "0");
	Cbc_setParameter(cbc, "maxNodes", most);
	patience_cbc(p->patience, cbc);
	Cbc_solve(cbc);
	const double *best = Cbc_bestSolution(cbc);
	bool none = Cbc_isProvenInfeasible(cbc) != 0 && !patience_over(p->patience);
	enum solved s = best != NULL ? SOLVED : none ? IMPOSSIBLE : UNDECIDED;
	if (s == SOLVED)
		memcpy(x, best, (size_t)m->n_columns * sizeof *x);
	Cbc_deleteModel(cbc);
	return s;
}

/* ---- the answer ---- */

static bool is_whole(const double *x, int n)
{
	for (int i = 0; i < n; i++)
		if (fabs(x[i] - nearbyint(x[i])) > WHOLE)
			return false;
	return true;
}

/* The rounded move, if it is one. */
static struct choice_step *steps_of(const struct ball *b, uint32_t need, const double *x, uint32_t *n)
{
	struct choice_step *step = calloc((size_t)b->n + 1, sizeof *step);
	uint32_t *start = calloc((size_t)need + 2, sizeof *start);
	uint32_t count = 0;
	for (uint32_t i = 0; step != NULL && i < b->n; i++) {
		int64_t by = llround(x[2 * i]) - llround(x[2 * i + 1]);
		if (by != 0)
			step[count++] = (struct choice_step){ b->column[i], by };
	}
	bool ok = step != NULL && start != NULL && count > 0;
	if (ok) {
		start[need + 1] = count;
		ok = choice_holds(b->p->q, &(struct choice_answer){ .start = start, .step = step }, need);
	}
	free(start);
	if (!ok) {
		free(step);
		return NULL;
	}
	*n = count;
	return step;
}

struct choice_step *program_move(
    const struct program_ask *p, const struct adjacency *a, uint32_t need, uint32_t *n)
{
	struct ball b = { .p = p, .a = a, .need = &p->q->need[need] };
	struct model m = { 0 };
	struct choice_step *step = NULL;
	double *x = NULL;
	enum solved s = UNDECIDED;
	*n = 0;
	if (!ball_make(&b) || !model_make(&m, &b))
		goto done;
	x = calloc((size_t)m.n_columns + 1, sizeof *x);
	if (x == NULL || (s = solve_linear(&m, p->patience, x)) != SOLVED)
		goto done;
	if (is_whole(x, m.n_columns))
		step = steps_of(&b, need, x, n);
	if (step == NULL && p->nodes > 0 && (s = solve_whole(&m, p, x)) == SOLVED)
		step = steps_of(&b, need, x, n);
done:
	if (step == NULL && p->unsure != NULL)
		*p->unsure |= s != IMPOSSIBLE;
	model_free(&m);
	ball_free(&b);
	free(x);
	return step;
}
