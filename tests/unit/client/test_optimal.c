/* The search for the cheapest pattern, ended at every turn: whatever ends it, what it says is true. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "client/protect/optimal.h"

#define SIDE  4 /* a table of three dimensions with totals, which are coordinate 0 */
#define CELLS (SIDE * SIDE * SIDE)
#define K     5
#define TURNS 20u /* in each table */

struct table {
	int64_t value[CELLS];
	struct choice_question q;
	uint32_t cell[CELLS], group[CELLS], start[CELLS + 1], list[1];
	double price[CELLS];
	int64_t down[CELLS], up[CELLS];
	uint8_t hidden[CELLS];
	struct choice_term entry[4 * CELLS], term[CELLS];
	struct choice_need need[CELLS];
};

/* Along each dimension the first of SIDE cells is the sum of the others. */
static void relations_make(struct table *t)
{
	struct choice_question *q = &t->q;
	for (uint32_t step = 1; step < CELLS; step *= SIDE)
		for (uint32_t c = 0; c < CELLS; c++) {
			if (c / step % SIDE != 0)
				continue;
			uint32_t at = t->start[q->n_relations];
			for (uint32_t i = 0; i < SIDE; i++)
				t->entry[at + i] = (struct choice_term){ c + i * step, i == 0 ? -1 : 1 };
			t->start[++q->n_relations] = at + SIDE;
		}
}

static void values_make(struct table *t)
{
	for (uint32_t c = 0; c < CELLS; c++) {
		if (c % SIDE == 0 || c / SIDE % SIDE == 0 || c / SIDE / SIDE == 0)
			continue;
		int64_t v = rand() % 5 == 0 ? 1 + rand() % (K - 1) : K + rand() % 30;
		for (uint32_t above = 0; above < 8; above++) {
			uint32_t at = c;
			for (uint32_t d = 0, step = 1; d < 3; d++, step *= SIDE)
				at -= (above >> d & 1) != 0 ? at / step % SIDE * step : 0;
			t->value[at] += v;
		}
	}
}

static void table_make(struct table *t, unsigned seed)
{
	*t = (struct table){ 0 };
	srand(seed);
	values_make(t);
	t->q = (struct choice_question){ .n_columns = CELLS,
		.cell = t->cell,
		.price = t->price,
		.down = t->down,
		.up = t->up,
		.group = t->group,
		.hidden = t->hidden,
		.start = t->start,
		.entry = t->entry,
		.need = t->need,
		.term = t->term,
		.list = t->list };
	for (uint32_t i = 0; i < CELLS; i++) {
		bool small = t->value[i] < K;
		t->cell[i] = i;
		t->group[i] = CHOICE_NONE;
		t->up[i] = INT64_MAX;
		t->down[i] = t->value[i];
		t->hidden[i] = !small; /* the pattern there is: everything */
		t->price[i] = small ? 0 : 5.0 + (double)t->value[i];
		t->q.cost += t->price[i];
		if (!small)
			continue;
		t->term[t->q.n_needs] = (struct choice_term){ i, 1 };
		t->need[t->q.n_needs] =
		    (struct choice_need){ .first = t->q.n_needs, .n = 1, .amp = K - t->value[i], .slots = 1 };
		t->q.n_needs++;
	}
	relations_make(t);
}

/* A clock that stands still for so many looks, lets one more solver begin, and then is over. */
struct looks {
	unsigned left, seen;
};

static double look(void *context)
{
	struct looks *l = context;
	l->seen++;
	if (l->left == 0)
		return 0;
	return --l->left == 0 ? 0.001 : 1000.0;
}

/* What it says, once it is held against the question: the bound. */
static double judged(
    struct table *t, unsigned looks, struct looks *l, struct optimal_report *report, double *cost)
{
	struct choice_answer a;
	struct err e = { 0 };
	*l = (struct looks){ .left = looks };
	*report = (struct optimal_report){ .patience = { look, l }, .end = OPTIMAL_SIZE };
	assert_true(optimal_ask(report, &t->q, &a, &e));
	*cost = t->q.cost;
	if (a.start != NULL) {
		for (uint32_t i = 0; i < t->q.n_needs; i++)
			assert_true(choice_holds(&t->q, &a, i));
		*cost = choice_cost(&t->q, &a);
		assert_true(*cost <= t->q.cost);
	}
	double bound = a.bound;
	choice_answer_free(&a);
	return bound;
}

static void test_ended_at_every_turn(void **state)
{
	(void)state;
	static struct table t;
	const char *text = getenv("CELLVEIL_SEED");
	unsigned seed = text == NULL ? 20240614u : (unsigned)strtoul(text, NULL, 10);
	unsigned ended = 0;
	print_message("seed %u\n", seed);
	for (unsigned k = 0; k < 4; k++) {
		struct looks l;
		struct optimal_report report;
		double least;
		double cost;
		table_make(&t, seed + k);
		double bound = judged(&t, UINT32_MAX, &l, &report, &least);
		assert_int_equal(report.end, OPTIMAL_PROVEN);
		assert_true(bound == least);
		unsigned all = l.seen;
		for (unsigned n = 0; n <= TURNS; n++) {
			unsigned at = n < 4 ? n : n == TURNS ? all : (unsigned)rand() % (all + 1);
			bound = judged(&t, at, &l, &report, &cost);
			assert_true(bound <= least + 1e-6 && cost >= least - 1e-6);
			if (report.end == OPTIMAL_PROVEN)
				assert_true(cost <= least + 1e-6 && bound >= least - 1e-6);
			else
				assert_int_equal(report.end, OPTIMAL_TIME);
			ended += report.end == OPTIMAL_TIME;
		}
	}
	assert_true(ended > 6);
}

static void test_too_large(void **state)
{
	(void)state;
	static double price[OPTIMAL_COLUMNS_MAX + 1];
	struct choice_question q = { .n_columns = OPTIMAL_COLUMNS_MAX + 1, .price = price, .cost = 7 };
	struct optimal_report report = { 0 };
	struct choice_answer a;
	struct err e = { 0 };
	assert_true(optimal_ask(&report, &q, &a, &e));
	assert_int_equal(report.end, OPTIMAL_SIZE);
	assert_true(a.bound == 0 && a.start == NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_ended_at_every_turn),
		cmocka_unit_test(test_too_large) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
