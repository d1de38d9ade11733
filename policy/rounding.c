#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "policy/rounding_part.h"

#define PHASE_STIR 22u
#define STIR_MAX   200000u
#define ROUNDS     4u
#define NEARLY     10u /* with more cells bad than that another round is not worth it */

/* ---- bounds ---- */

static bool allocate(struct rounding *r)
{
	size_t n = r->g->n_cells;
	r->q = calloc(n, sizeof *r->q);
	r->lo = calloc(n, sizeof *r->lo);
	r->hi = calloc(n, sizeof *r->hi);
	r->bad = malloc(n * sizeof *r->bad);
	r->bad_at = malloc(n * sizeof *r->bad_at);
	r->strict = calloc(n, 1);
	r->wide = calloc(n, 1);
	return r->strict != NULL && r->wide != NULL && r->q != NULL && r->lo != NULL && r->hi != NULL &&
	       r->bad != NULL && r->bad_at != NULL;
}

void rounding_free(struct rounding *r)
{
	size_t n = r->g == NULL ? 0 : r->g->n_cells;
	int64_t *secret[] = { r->q, r->lo, r->hi };
	for (int i = 0; i < 3; i++) {
		if (secret[i] != NULL)
			sodium_memzero(secret[i], n * sizeof *secret[i]);
		free(secret[i]);
	}
	free(r->bad);
	free(r->bad_at);
	free(r->strict);
	free(r->wide);
	memset(r, 0, sizeof *r);
}

/* Of leaf codes alone; offices from a column of their own, below whose total nothing is printed, do not count. */
static bool is_inner(const struct grid *g, uint32_t c)
{
	for (size_t d = 0; d < g->t->n_dims - (g->t->added_office ? 1 : 0); d++)
		if (!dim_is_leaf(&g->t->dim[d], grid_coord(g, c, d)))
			return false;
	return true;
}

static void set_bounds(struct rounding *r)
{
	const struct grid *g = r->g;
	for (uint32_t c = 0; c < g->n_cells; c++) {
		int64_t b = r->base;
		bool printed = g->kind[c] == KIND_OPEN || g->kind[c] == KIND_FORCED;
		r->lo[c] = printed ? g->value[c] / b : 0;
		r->hi[c] = printed ? (g->value[c] + b - 1) / b : INT64_MAX / 16;
		if (g->kind[c] == KIND_DEAD)
			r->hi[c] = 0;
		r->strict[c] = !printed || is_inner(g, c);
	}
}

void rounding_note(struct rounding *r, uint32_t c)
{
	bool bad = rounding_off_by(r, c, r->q[c]) != 0;
	uint32_t at = r->bad_at[c];
	if (bad && at == NONE) {
		r->bad_at[c] = r->n_bad;
		r->bad[r->n_bad++] = c;
	} else if (!bad && at != NONE) {
		uint32_t last = r->bad[--r->n_bad];
		r->bad[at] = last;
		r->bad_at[last] = at;
		r->bad_at[c] = NONE;
	}
}

/* ---- stirring: every table near enough may come out ---- */

/* In thousandths of a unit: minus ln of the share by which the figure is on this side of its neighbours, so that
 * a figure tends to the nearer multiple. */
static int64_t unlikely(const struct rounding *r, uint32_t c, int64_t q)
{
	static const int64_t minus_ln[] = { 0, 1609, 916, 511, 223, 0 }; /* n/5 */
	static const int64_t thirds[] = { 0, 1099, 405, 0 };
	int64_t up = r->g->value[c] % r->base;
	if (r->lo[c] == r->hi[c] || r->g->kind[c] == KIND_FREE)
		return 0;
	if (r->wide[c] != 0) /* back, if it can */
		return llabs(q * r->base - r->g->value[c]) < (int64_t)r->base ? 0 : 5000;
	int64_t share = q > r->lo[c] ? up : r->base - up;
	return r->base == 3 ? thirds[share] : minus_ln[share];
}

static bool fits(const struct rounding *r, const struct step *s)
{
	for (uint32_t i = 0; i < s->n; i++)
		if (rounding_off_by(r, s->cell[i], r->q[s->cell[i]] + s->by[i]) != 0)
			return false;
	return true;
}

/* Is a change that makes the table less likely by `loss` taken? With chance e^-loss, roughly. */
static bool taken(int64_t loss, struct draws *draws)
{
	int64_t reach = 0;
	while (reach < 20000 && draws_below(draws, 1000) >= 95) /* exponential, in steps of a tenth */
		reach += 100;
	return loss <= reach;
}

static void stir_once(struct rounding *r, struct step *s, uint32_t c, struct draws *draws)
{
	int dir = r->q[c] < r->hi[c] ? 1 : -1;
	int64_t loss = 0;
	if (!step_draw(s, c, dir, draws, rounding_may_move, r) || !fits(r, s))
		return;
	r->work += s->n;
	for (uint32_t i = 0; i < s->n; i++)
		loss += unlikely(r, s->cell[i], r->q[s->cell[i]] + s->by[i]) -
			unlikely(r, s->cell[i], r->q[s->cell[i]]);
	if (taken(loss, draws))
		rounding_apply(r, s);
}

void rounding_stir(struct rounding *r, struct step *s, uint32_t cell, unsigned times, uint64_t attempt)
{
	struct draws draws = draws_from(r->g, PHASE_STIR, cell, attempt + 1);
	for (unsigned i = 0; i < times; i++)
		if (r->lo[cell] != r->hi[cell])
			stir_once(r, s, cell, &draws);
}

static void stir_all(struct rounding *r, struct step *s, uint64_t attempt)
{
	struct draws draws = draws_from(r->g, PHASE_STIR, 0, attempt);
	uint64_t turns = (uint64_t)r->g->n_cells * 4;
	for (uint64_t i = 0; i < turns && i < STIR_MAX; i++) {
		uint32_t c = draws_below(&draws, r->g->n_cells);
		if (r->lo[c] < r->hi[c] && r->g->kind[c] != KIND_DEAD)
			stir_once(r, s, c, &draws);
	}
}

/* ---- the whole ---- */

/* The best table of several tries, each longer than the one before; another only where this one is nearly there. */
static bool lead_back(struct rounding *r, struct step *s, int64_t *best, uint64_t attempt, uint64_t max_work)
{
	uint32_t least = UINT32_MAX;
	size_t size = r->g->n_cells * sizeof *best;
	for (unsigned round = 0; round < ROUNDS; round++) {
		if (!rounding_anneal(r, s, round, attempt, max_work))
			return false;
		if (r->n_bad < least)
			memcpy(best, r->q, size);
		least = r->n_bad < least ? r->n_bad : least;
		if (least == 0 || least > NEARLY || (max_work != 0 && r->work > max_work))
			break;
	}
	memcpy(r->q, best, size);
	for (uint32_t c = 0; c < r->g->n_cells; c++)
		rounding_note(r, c);
	return true;
}

/* What is bad yet may be so: if these are totals, and one multiple off. */
static void widen(struct rounding *r)
{
	for (uint32_t i = 0; i < r->n_bad; i++)
		if (rounding_is_strict(r, r->bad[i]) || rounding_off_by(r, r->bad[i], r->q[r->bad[i]]) != 1)
			return;
	while (r->n_bad > 0) {
		uint32_t c = r->bad[r->n_bad - 1];
		r->lo[c] -= r->q[c] < r->lo[c];
		r->hi[c] += r->q[c] > r->hi[c];
		r->wide[c] = 1;
		r->n_wide++;
		rounding_note(r, c);
	}
}

static bool find(struct rounding *r, bool may_widen, uint64_t attempt, uint64_t max_work, struct err *e)
{
	struct step s = { 0 };
	int64_t *best = calloc((size_t)r->g->n_cells + 1, sizeof *best);
	bool ok = best != NULL || err_set(e, ERR_MEMORY, "no memory for rounding");
	ok = ok && step_init(&s, r->g, e);
	for (uint32_t c = 0; ok && c < r->g->n_cells; c++)
		r->bad_at[c] = NONE;
	if (ok && !(rounding_begin(r, &s, attempt) && lead_back(r, &s, best, attempt, max_work)))
		ok = err_set(e, ERR_MEMORY, "no memory for rounding");
	if (ok && may_widen)
		widen(r);
	if (ok && r->n_bad == 0)
		stir_all(r, &s, attempt);
	step_free(&s);
	if (best != NULL)
		sodium_memzero(best, r->g->n_cells * sizeof *best);
	free(best);
	return ok;
}

bool rounding_find(struct rounding *r, const struct grid *g, uint32_t base, bool may_widen, uint64_t attempt,
    uint64_t max_work, bool *found, struct err *e)
{
	*found = false;
	*r = (struct rounding){ .g = g, .base = base };
	if (!allocate(r))
		return err_set(e, ERR_MEMORY, "no memory for rounding");
	set_bounds(r);
	if (!find(r, may_widen, attempt, max_work, e))
		return false;
	*found = r->n_bad == 0 && rounding_holds(r);
	return true;
}

/* Near, and nought for nought; a wide total less than the second multiple away. */
static bool near_enough(const struct rounding *r, uint32_t c)
{
	int64_t error = r->q[c] * r->base - r->g->value[c];
	int64_t most = r->wide[c] != 0 ? 2 * (int64_t)r->base : r->base;
	if (r->g->value[c] == 0 || (r->wide[c] == 0 && r->g->value[c] % r->base == 0))
		return error == 0;
	return error > -most && error < most && !(r->wide[c] != 0 && rounding_is_strict(r, c));
}

bool rounding_holds(const struct rounding *r)
{
	const struct grid *g = r->g;
	struct relation_walk w;
	struct relation rel;
	relation_begin(&w, g);
	while (relation_next(&w, &rel)) {
		int64_t sum = 0;
		for (uint32_t j = 0; j < rel.b->n; j++)
			sum += r->q[relation_child(g, &rel, j)];
		if (sum != r->q[rel.parent])
			return false;
	}
	for (uint32_t c = 0; c < g->n_cells; c++) {
		bool printed = g->kind[c] == KIND_OPEN || g->kind[c] == KIND_FORCED;
		if (r->q[c] < 0 || (g->kind[c] == KIND_DEAD && r->q[c] != 0) ||
		    (printed && !near_enough(r, c)))
			return false;
	}
	return true;
}
