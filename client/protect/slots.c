#include "client/protect/program.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WIDE 16.0 /* times the need: as far as a column goes */

/* ---- one slot after the other, each away from the groups of those before ---- */

static bool one_by_one(const struct program_ask *p, const struct adjacency *a, uint32_t need,
    struct choice_step **step, uint32_t *n)
{
	const struct choice_question *q = p->q;
	const struct choice_need *first = &q->need[need];
	double *price = calloc((size_t)q->n_columns + 1, sizeof *price);
	uint8_t *taken = calloc((size_t)q->n_groups + 1, 1);
	bool ok = price != NULL && taken != NULL;
	struct program_ask own = *p;
	own.price = price;
	own.unsure = NULL; /* the way in which this fails says nothing */
	for (uint32_t s = 0; ok && s < first->slots; s++) {
		for (uint32_t c = 0; c < q->n_columns; c++) {
			uint32_t g = q->group[c];
			bool out = g != CHOICE_NONE && taken[g] != 0 && !choice_exempts(q, first, g);
			price[c] = out ? PROGRAM_BANNED : p->price[c];
		}
		step[s] = program_move(&own, a, need + s, &n[s]);
		ok = step[s] != NULL;
		for (uint32_t i = 0; ok && i < n[s]; i++)
			if (q->group[step[s][i].column] != CHOICE_NONE)
				taken[q->group[step[s][i].column]] = 1;
	}
	free(price);
	free(taken);
	return ok;
}

/* ---- all together: groups are dealt out by variables of their own ---- */

struct together {
	const struct choice_question *q;
	const struct choice_need *need;
	uint32_t *usable, n;       /* columns that may move */
	uint32_t *place;           /* by column: in usable[], or CHOICE_NONE */
	uint32_t *group, n_groups; /* that must be dealt out */
	uint32_t *deal;            /* by group: in group[], or CHOICE_NONE */
	Cbc_Model *cbc;
	int *index;
	double *value;
};

static int up(const struct together *t, uint32_t slot, uint32_t i)
{
	return (int)(2 * (slot * t->n + i)); /* downwards: the one after it */
}

static int dealt(const struct together *t, uint32_t slot, uint32_t g)
{
	return (int)(2 * t->need->slots * t->n + slot * t->n_groups + g);
}

static bool together_make(struct together *t, const struct program_ask *p)
{
	const struct choice_question *q = t->q;
	t->usable = calloc((size_t)q->n_columns + 1, sizeof *t->usable);
	t->place = malloc(((size_t)q->n_columns + 1) * sizeof *t->place);
	t->group = calloc((size_t)q->n_groups + 1, sizeof *t->group);
	t->deal = malloc(((size_t)q->n_groups + 1) * sizeof *t->deal);
	t->index = calloc(2 * ((size_t)q->n_columns + PROGRAM_SLOTS_MAX) + 2, sizeof *t->index);
	t->value = calloc(2 * ((size_t)q->n_columns + PROGRAM_SLOTS_MAX) + 2, sizeof *t->value);
	t->cbc = Cbc_newModel();
	if (t->usable == NULL || t->place == NULL || t->group == NULL || t->deal == NULL ||
	    t->index == NULL || t->value == NULL || t->cbc == NULL)
		return false;
	memset(t->deal, 0xff, ((size_t)q->n_groups + 1) * sizeof *t->deal);
	for (uint32_t c = 0; c < q->n_columns; c++) {
		uint32_t g = q->group[c];
		t->place[c] = CHOICE_NONE;
		if (p->price[c] < 0 || choice_avoids(q, t->need, g))
			continue;
		t->place[c] = t->n;
		t->usable[t->n++] = c;
		if (g != CHOICE_NONE && !choice_exempts(q, t->need, g) && t->deal[g] == CHOICE_NONE) {
			t->deal[g] = t->n_groups;
			t->group[t->n_groups++] = g;
		}
	}
	return t->n < (1u << 20) && t->n_groups < (1u << 20);
}

static double reach(const struct together *t, int64_t room)
{
	double most = WIDE * (t->need->amp == 0 ? 1.0 : (double)t->need->amp) + WIDE;
	return t->need->amp == 0 || (double)room > most ? most : (double)room;
}

static void put_columns(struct together *t)
{
	for (uint32_t s = 0; s < t->need->slots; s++)
		for (uint32_t i = 0; i < t->n; i++) {
			uint32_t c = t->usable[i];
			Cbc_addCol(t->cbc, "", 0.0, reach(t, t->q->up[c]), 1.0, 1, 0, NULL, NULL);
			Cbc_addCol(t->cbc, "", 0.0, reach(t, t->q->down[c]), 1.0, 1, 0, NULL, NULL);
		}
	for (uint32_t i = 0; i < t->need->slots * t->n_groups; i++)
		Cbc_addCol(t->cbc, "", 0.0, 1.0, 0.0, 1, 0, NULL, NULL);
}

/* A sum over columns in one slot: terms from first to last. */
static void put_sum(
    struct together *t, uint32_t slot, const struct choice_term *term, uint32_t n, char sense, double right)
{
	int at = 0;
	for (uint32_t i = 0; i < n; i++) {
		uint32_t place = t->place[term[i].column];
		if (place == CHOICE_NONE)
			continue;
		t->index[at] = up(t, slot, place);
		t->value[at++] = term[i].coef;
		t->index[at] = up(t, slot, place) + 1;
		t->value[at++] = -(double)term[i].coef;
	}
	if (at > 0)
		Cbc_addRow(t->cbc, "", at, t->index, t->value, sense, right);
}

static void put_deal(struct together *t)
{
	const struct choice_question *q = t->q;
	for (uint32_t s = 0; s < t->need->slots; s++)
		for (uint32_t i = 0; i < t->n; i++) {
			uint32_t g = q->group[t->usable[i]];
			if (g == CHOICE_NONE || choice_exempts(q, t->need, g))
				continue;
			for (int k = 0; k < 2; k++) { /* no change where the group is not this slot's */
				const double most =
				    reach(t, k == 0 ? q->up[t->usable[i]] : q->down[t->usable[i]]);
				const int index[2] = { up(t, s, i) + k, dealt(t, s, t->deal[g]) };
				const double value[2] = { 1.0, -most };
				Cbc_addRow(t->cbc, "", 2, index, value, 'L', 0.0);
			}
		}
	for (uint32_t g = 0; g < t->n_groups; g++) {
		for (uint32_t s = 0; s < t->need->slots; s++) {
			t->index[s] = dealt(t, s, g);
			t->value[s] = 1.0;
		}
		Cbc_addRow(t->cbc, "", (int)t->need->slots, t->index, t->value, 'L', 1.0);
	}
}

static bool solve(struct together *t, const struct program_ask *p, bool *none)
{
	const struct choice_question *q = t->q;
	char most[16];
	put_columns(t);
	for (uint32_t s = 0; s < t->need->slots; s++) {
		const struct choice_need *n = t->need + s;
		for (uint32_t r = 0; r < q->n_relations; r++)
			put_sum(t, s, q->entry + q->start[r], q->start[r + 1] - q->start[r], 'E', 0.0);
		put_sum(t, s, q->term + n->first, n->n, 'G', n->amp == 0 ? 1.0 : (double)n->amp);
	}
	put_deal(t);
	snprintf(most, sizeof most, "%u", p->nodes);
	Cbc_setParameter(t->cbc, "log", "0");
	Cbc_setParameter(t->cbc, "threads", "0");
	Cbc_setParameter(t->cbc, "maxNodes", most);
	Cbc_setParameter(t->cbc, "maxSolutions", "1");
	patience_cbc(p->patience, t->cbc);
	Cbc_solve(t->cbc);
	*none = Cbc_isProvenInfeasible(t->cbc) != 0 && !patience_over(p->patience);
	return Cbc_bestSolution(t->cbc) != NULL;
}

static bool read_slot(
    const struct together *t, uint32_t slot, uint32_t need, struct choice_step **step, uint32_t *n)
{
	const double *x = Cbc_bestSolution(t->cbc);
	uint32_t *start = calloc((size_t)need + 2, sizeof *start);
	*step = calloc((size_t)t->n + 1, sizeof **step);
	*n = 0;
	for (uint32_t i = 0; *step != NULL && i < t->n; i++) {
		int64_t by = llround(x[up(t, slot, i)]) - llround(x[up(t, slot, i) + 1]);
		if (by != 0)
			(*step)[(*n)++] = (struct choice_step){ t->usable[i], by };
	}
	bool ok = *step != NULL && start != NULL;
	if (ok) {
		start[need + 1] = *n;
		ok = choice_holds(t->q, &(struct choice_answer){ .start = start, .step = *step }, need);
	}
	free(start);
	return ok;
}

static void together_free(struct together *t)
{
	if (t->cbc != NULL)
		Cbc_deleteModel(t->cbc);
	free(t->usable);
	free(t->place);
	free(t->group);
	free(t->deal);
	free(t->index);
	free(t->value);
}

bool program_slots(const struct program_ask *p, const struct adjacency *a, uint32_t need,
    struct choice_step **step, uint32_t *n)
{
	struct together t = { .q = p->q, .need = &p->q->need[need] };
	if (one_by_one(p, a, need, step, n))
		return true;
	for (uint32_t s = 0; s < t.need->slots; s++) {
		free(step[s]);
		step[s] = NULL;
		n[s] = 0;
	}
	bool none = false;
	bool ok = together_make(&t, p) && solve(&t, p, &none);
	for (uint32_t s = 0; ok && s < t.need->slots; s++)
		ok = read_slot(&t, s, need + s, &step[s], &n[s]);
	if (!ok && !none && p->unsure != NULL)
		*p->unsure = true;
	together_free(&t);
	return ok;
}
