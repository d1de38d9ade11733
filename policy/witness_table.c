#include <assert.h>
#include <math.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "policy/witness_part.h"

#define TOUCHED_MAX  UINT64_C(700000000) /* numbers changed for one component */
#define FAILURES_MAX 6u                  /* solutions that could not be made whole, in a row */
#define WHOLE        1e-6
#define FAR          1e-7

/* ---- the program: a column for each cell's height over its floor, and one for the printed values ---- */

static int64_t cell_floor(const struct component *k, uint32_t i)
{
	return k->in->s.state[k->cell[i]] == SHOWN_HIDDEN ? (int64_t)k->in->s.g->floor : 0;
}

/* sum of signed heights + constant * last = 0; the last column rises from 0 to 1. */
static void put_relation(struct component *k, uint32_t i)
{
	const struct relation *r = &k->relation[i];
	const struct shown *s = &k->in->s;
	for (uint32_t j = 0; j <= r->b->n; j++) {
		uint32_t c = s->same[relation_member(s->g, r, j)];
		double sign = j == 0 ? 1.0 : -1.0;
		if (!shown_is_loose(s, c)) {
			simplex_add(&k->x, i, k->n, sign * (double)s->value[c]);
			if (s->value[c] > k->ceiling)
				k->ceiling = s->value[c];
			continue;
		}
		uint32_t at = k->in->place[c];
		simplex_add(&k->x, i, at, sign);
		if (cell_floor(k, at) != 0)
			simplex_add(&k->x, i, k->n, sign * (double)cell_floor(k, at));
	}
}

static void put_ceilings(struct component *k)
{
	const struct shown *s = &k->in->s;
	double most = 4.0 * (double)k->ceiling + 16.0 * (double)s->g->p->threshold;
	for (uint32_t i = 0; i < k->n; i++)
		k->x.high[i] = most;
	for (uint32_t i = 0; i < k->n_relations; i++) {
		const struct relation *r = &k->relation[i];
		double high = (double)s->value[s->same[r->parent]];
		for (uint32_t j = 0; !shown_is_loose(s, r->parent) && j < r->b->n; j++) {
			uint32_t c = s->same[relation_child(s->g, r, j)];
			uint32_t at = k->in->place[c];
			if (shown_is_loose(s, c) && k->x.high[at] > high - (double)cell_floor(k, at))
				k->x.high[at] = fmax(0.0, high - (double)cell_floor(k, at));
		}
	}
}

/* Any solution, whole or not. */
static bool solve_base(struct component *k)
{
	if (!simplex_init(&k->x, k->n_relations, k->n + 1, 0))
		return false;
	k->x.max_touched = TOUCHED_MAX;
	for (uint32_t i = 0; i < k->n_relations; i++)
		put_relation(k, i);
	put_ceilings(k);
	k->x.high[k->n] = 1.0;
	k->x.cost[k->n] = -1.0;
	if (!simplex_crash(&k->x) || !simplex_run(&k->x) || k->x.x[k->n] < 1.0 - WHOLE)
		return false;
	k->x.low[k->n] = k->x.x[k->n] = 1.0;
	k->x.cost[k->n] = 0.0;
	return true;
}

static double noise(const struct component *k, uint32_t i)
{
	uint8_t in[12];
	uint8_t out[8];
	uint32_t word[3] = { k->root, k->cell[i], k->round };
	for (unsigned b = 0; b < 12; b++)
		in[b] = (uint8_t)(word[b / 4] >> (8 * (b % 4)));
	crypto_shorthash(out, in, sizeof in, k->in->seed);
	return (double)(out[0] + 256u * out[1]) / 65536.0;
}

/* ---- from a solution to whole numbers ---- */

static bool is_whole(double v)
{
	return fabs(v - nearbyint(v)) <= WHOLE;
}

/* Pushes a column to a value and keeps it there. */
static bool push_to(struct simplex *x, uint32_t j, double goal)
{
	double low = x->low[j];
	double high = x->high[j];
	bool up = goal > x->x[j];
	if (goal < low - WHOLE || goal > high + WHOLE)
		return false;
	memset(x->cost, 0, x->n * sizeof *x->cost);
	x->cost[j] = up ? -1.0 : 1.0;
	if (up)
		x->high[j] = goal;
	else
		x->low[j] = goal;
	if (simplex_run(x) && fabs(x->x[j] - goal) <= FAR) {
		x->low[j] = x->high[j] = x->x[j] = goal;
		return true;
	}
	x->low[j] = low;
	x->high[j] = high;
	return false;
}

/* Nails down the whole columns and leads the others, one by one, to a neighbour; what is not basic first. */
static bool dive(struct component *k)
{
	struct simplex *x = &k->x;
	for (uint32_t steps = 0; steps <= k->n; steps++) {
		uint32_t worst = NONE;
		double most = WHOLE;
		for (uint32_t i = 0; i < k->n; i++) {
			double off = fabs(x->x[i] - nearbyint(x->x[i]));
			if (off > most) {
				most = off;
				worst = i;
			}
		}
		if (worst == NONE)
			return true;
		double near = nearbyint(x->x[worst]);
		double other = near > x->x[worst] ? near - 1.0 : near + 1.0;
		if (!push_to(x, worst, near) && !push_to(x, worst, other))
			return false;
	}
	return false;
}

static int64_t value_now(const struct component *k, uint32_t cell)
{
	uint32_t first = k->in->s.same[cell];
	return shown_is_loose(&k->in->s, first) ? k->now[k->in->place[first]] : k->in->s.value[first];
}

/* In whole numbers: every relation, every floor. Nothing but this decides. */
static bool table_holds(struct component *k)
{
	const struct shown *s = &k->in->s;
	for (uint32_t i = 0; i < k->n; i++) {
		if (!is_whole(k->x.x[i]))
			return false;
		k->now[i] = cell_floor(k, i) + llround(k->x.x[i]);
		if (k->now[i] < cell_floor(k, i))
			return false;
	}
	for (uint32_t i = 0; i < k->n_relations; i++) {
		const struct relation *r = &k->relation[i];
		int64_t sum = 0;
		for (uint32_t j = 0; j <= r->b->n; j++) {
			int64_t v = value_now(k, relation_member(s->g, r, j));
			sum += j == 0 ? v : -v;
		}
		if (sum != 0)
			return false;
	}
	return true;
}

/* ---- enough tables ---- */

static bool cell_done(const struct component *k, uint32_t i)
{
	const struct policy_params *p = k->in->s.g->p;
	return k->in->s.aim[k->cell[i]] == 0 || (k->n_tables > 0 && k->largest[i] >= (int64_t)p->threshold &&
						    k->largest[i] - k->least[i] >= (int64_t)p->width);
}

static void put_table(struct component *k)
{
	uint32_t all = k->n + k->n_named;
	uint32_t i = 0;
	uint32_t j = k->n;
	buf_printf(&k->lines, " %u", all);
	k->n_tables++;
	while (i < k->n || j < all)
		if (j == all || (i < k->n && k->cell[i] < k->cell[j])) {
			buf_printf(&k->lines, " %u=%lld", k->cell[i], (long long)k->now[i]);
			i++;
		} else {
			buf_printf(&k->lines, " %u=%lld", k->cell[j], (long long)value_now(k, k->cell[j]));
			j++;
		}
	buf_put_text(&k->lines, "\n");
}

/* Keeps the table if some hidden cell gains by it. */
static bool table_keep(struct component *k)
{
	bool gain = k->n_tables == 0;
	for (uint32_t i = 0; i < k->n && !gain; i++)
		gain = !cell_done(k, i) && (k->now[i] > k->largest[i] || k->now[i] < k->least[i]);
	if (!gain)
		return false;
	for (uint32_t i = 0; i < k->n; i++) {
		k->least[i] = k->n_tables == 0 || k->now[i] < k->least[i] ? k->now[i] : k->least[i];
		k->largest[i] = k->n_tables == 0 || k->now[i] > k->largest[i] ? k->now[i] : k->largest[i];
	}
	put_table(k);
	return true;
}

static uint32_t first_undone(const struct component *k)
{
	for (uint32_t j = 0; j < k->n; j++) {
		uint32_t i = (j + k->round * 7919u) % k->n;
		if (!cell_done(k, i))
			return i;
	}
	return NONE;
}

/* A vertex where the cell is as large as can be (or as small, where it cannot rise), others by lot. */
static bool aim(struct component *k, uint32_t cell, bool up)
{
	struct simplex *x = &k->x;
	for (uint32_t i = 0; i <= k->n; i++)
		x->cost[i] = 0.0;
	for (uint32_t i = 0; i < k->n; i++)
		if (!cell_done(k, i))
			x->cost[i] = -(0.5 + noise(k, i)) / (double)k->n;
	x->cost[cell] = up ? -4.0 : 4.0;
	return simplex_run(x);
}

/* The least value the cell must take to be done, in heights; or the largest, downwards. */
static bool set_goal(struct component *k, uint32_t i, bool up)
{
	const struct policy_params *p = k->in->s.g->p;
	double reached = floor(k->x.x[i] + WHOLE) + (double)cell_floor(k, i);
	double goal = (double)p->threshold;
	if (k->n_tables == 0)
		return true;
	if (up) {
		if (k->largest[i] - k->least[i] < (int64_t)p->width &&
		    goal < (double)(k->least[i] + p->width))
			goal = (double)(k->least[i] + p->width);
		goal = fmin(goal, reached);
		if (goal <= (double)k->largest[i])
			return false;
		k->x.low[i] = goal - (double)cell_floor(k, i);
		return true;
	}
	goal = (double)(k->largest[i] - p->width);
	if (goal < (double)cell_floor(k, i) || k->x.x[i] + (double)cell_floor(k, i) > goal + WHOLE)
		return false;
	k->x.high[i] = goal - (double)cell_floor(k, i);
	return true;
}

/* One more table, aimed at a cell that still needs one. */
static bool next_table(struct component *k, double *low, double *high)
{
	struct simplex *x = &k->x;
	uint32_t cell = first_undone(k);
	bool up =
	    k->n_tables == 0 || k->largest[cell] < (int64_t)k->in->s.g->p->threshold || k->round % 2 == 0;
	memcpy(low, x->low, x->n * sizeof *low);
	memcpy(high, x->high, x->n * sizeof *high);
	bool ok = aim(k, cell, up) && set_goal(k, cell, up) && dive(k) && table_holds(k) && table_keep(k);
	memcpy(x->low, low, x->n * sizeof *low);
	memcpy(x->high, high, x->n * sizeof *high);
	return ok;
}

bool component_tables(struct component *k)
{
	assert(k->n > 0);
	double *low = calloc((size_t)k->n + 1, sizeof *low);
	double *high = calloc((size_t)k->n + 1, sizeof *high);
	k->now = calloc(k->n, sizeof *k->now);
	k->least = calloc(k->n, sizeof *k->least);
	k->largest = calloc(k->n, sizeof *k->largest);
	bool ok = low != NULL && high != NULL && k->now != NULL && k->least != NULL && k->largest != NULL &&
		  solve_base(k);
	while (ok && first_undone(k) != NONE) {
		k->failures = next_table(k, low, high) ? 0 : k->failures + 1;
		k->round++;
		ok = k->failures < FAILURES_MAX && k->x.touched < TOUCHED_MAX;
	}
	free(low);
	free(high);
	return ok && !k->lines.failed;
}

void component_free(struct component *k)
{
	simplex_free(&k->x);
	free(k->now);
	free(k->least);
	free(k->largest);
	buf_free(&k->lines);
}
