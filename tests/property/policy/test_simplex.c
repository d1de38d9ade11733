/* Random programs over unknowns that may go up and down (simplex.c): the same as pairs, which share their numbers, and as columns
 * of their own. Both reach as far and cost as much, and both answers keep rows and bounds. */
#include <math.h>

#include "policy/simplex.h"
#include "random.h"

#define PROGRAMS     2000
#define UNKNOWNS_MAX 24u
#define ROWS_MAX     16u
#define NEAR         1e-6

struct linear {
	uint32_t rows, unknowns;
	int8_t by[ROWS_MAX][UNKNOWNS_MAX]; /* the last row's sum is the change asked for, the last column */
	double high[2 * UNKNOWNS_MAX + 1], price[UNKNOWNS_MAX];
};

static void draw_program(struct linear *p, struct rng *r)
{
	p->unknowns = 2 + draw(r, UNKNOWNS_MAX - 1);
	p->rows = 2 + draw(r, ROWS_MAX - 1);
	memset(p->by, 0, sizeof p->by);
	for (uint32_t j = 0; j < p->unknowns;
	     j++) { /* from one relation to another, so that rows stay whole numbers */
		p->by[draw(r, p->rows - 1)][j] += 1;
		p->by[draw(r, p->rows - 1)][j] -= 1;
		p->by[p->rows - 1][j] = (int8_t)(draw(r, 4) == 0 ? (int)draw(r, 3) - 1 : 0);
	}
	for (uint32_t j = 0; j < p->unknowns; j++) {
		p->high[2 * j] = draw(r, 9);
		p->high[2 * j + 1] = draw(r, 9);
		p->price[j] = 0.01 + draw(r, 1000);
	}
	p->high[2 * p->unknowns] = 1 + draw(r, 6);
}

static void put_program(struct simplex *x, const struct linear *p, bool pairs)
{
	uint32_t last = 2 * p->unknowns;
	assert_true(simplex_init(x, p->rows, last + 1, pairs ? p->unknowns : 0));
	for (uint32_t i = 0; i < p->rows; i++) {
		for (uint32_t j = 0; j < p->unknowns; j++) {
			if (p->by[i][j] == 0)
				continue;
			simplex_add(x, i, 2 * j, p->by[i][j]);
			if (!pairs)
				simplex_add(x, i, 2 * j + 1, -p->by[i][j]);
		}
		if (i + 1 == p->rows)
			simplex_add(x, i, last, -1.0);
	}
	memcpy(x->high, p->high, (last + 1) * sizeof *x->high);
	assert_true(simplex_crash(x));
}

static void assert_keeps(const struct simplex *x, const struct linear *p)
{
	for (uint32_t i = 0; i < p->rows; i++) {
		double sum = i + 1 == p->rows ? -x->x[2 * p->unknowns] : 0.0;
		for (uint32_t j = 0; j < p->unknowns; j++)
			sum += p->by[i][j] * (x->x[2 * j] - x->x[2 * j + 1]);
		assert_true(fabs(sum) < NEAR);
	}
	for (uint32_t k = 0; k < x->n; k++)
		assert_true(x->x[k] > x->low[k] - NEAR && x->x[k] < x->high[k] + NEAR);
}

/* First as far as it goes, then as cheap as that can be had. */
static double solve(struct simplex *x, const struct linear *p, double *reached)
{
	uint32_t last = 2 * p->unknowns;
	double paid = 0.0;
	x->cost[last] = -1.0;
	assert_true(simplex_run(x));
	assert_keeps(x, p);
	*reached = x->x[last];
	x->low[last] = x->high[last] = x->x[last];
	x->cost[last] = 0.0;
	for (uint32_t j = 0; j < p->unknowns; j++)
		x->cost[2 * j] = x->cost[2 * j + 1] = p->price[j];
	assert_true(simplex_run(x));
	assert_keeps(x, p);
	for (uint32_t k = 0; k < x->n; k++)
		paid += x->cost[k] * x->x[k];
	return paid;
}

static void test_pairs(void **state)
{
	struct rng r = { seed_of_run() };
	int moved = 0;
	(void)state;
	for (int i = 0; i < cases_of_run(PROGRAMS); i++) {
		struct linear p;
		struct simplex x;
		double reached[2];
		double paid[2];
		draw_program(&p, &r);
		for (int pairs = 0; pairs < 2; pairs++) {
			put_program(&x, &p, pairs == 1);
			paid[pairs] = solve(&x, &p, &reached[pairs]);
			simplex_free(&x);
		}
		assert_true(fabs(reached[0] - reached[1]) < NEAR);
		assert_true(fabs(paid[0] - paid[1]) < NEAR * (1.0 + paid[0]));
		moved += reached[0] > 0.5;
	}
	assert_true(moved > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_pairs) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
