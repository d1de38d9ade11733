#include "policy/rounding.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#define PHASE_START  20u
#define PHASE_REPAIR 21u
#define PHASE_STIR   22u
#define CANDIDATES   12u
#define TURNS_A_CELL 60u
#define TURNS_LEAST  60000u
#define STIR_MAX     200000u

/* ---- bounds ---- */

static bool allocate(struct rounding *r)
{
	size_t n = r->g->n_cells;
	r->q = calloc(n, sizeof *r->q);
	r->lo = calloc(n, sizeof *r->lo);
	r->hi = calloc(n, sizeof *r->hi);
	r->bad = malloc(n * sizeof *r->bad);
	r->bad_at = malloc(n * sizeof *r->bad_at);
	return r->q != NULL && r->lo != NULL && r->hi != NULL && r->bad != NULL && r->bad_at != NULL;
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
	memset(r, 0, sizeof *r);
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
	}
}

static int64_t off_by(const struct rounding *r, uint32_t c, int64_t q)
{
	if (q < r->lo[c])
		return r->lo[c] - q;
	return q > r->hi[c] ? q - r->hi[c] : 0;
}

static void note_bad(struct rounding *r, uint32_t c)
{
	bool bad = off_by(r, c, r->q[c]) != 0;
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

/* ---- where to begin: cumulated shares in an order drawn by key, so that sums along it are nearly right ---- */

struct begin {
	struct rounding *r;
	struct draws draws;
	size_t view_dim; /* SIZE_MAX: no views */
	uint32_t *order[TABLE_DIMS_MAX];
	uint32_t n[TABLE_DIMS_MAX];
};

static void shuffle(uint32_t *item, uint32_t n, struct draws *r)
{
	for (uint32_t i = n; i > 1; i--) {
		uint32_t j = draws_below(r, i);
		uint32_t kept = item[i - 1];
		item[i - 1] = item[j];
		item[j] = kept;
	}
}

/* Atoms below the code, depth first along the first breakdowns, children in an order drawn by key. */
static void put_atoms(struct begin *b, size_t d, uint32_t code, unsigned depth)
{
	const struct dim *dim = &b->r->g->t->dim[d];
	uint32_t *child = NULL;
	if (dim_is_atom(dim, code) || depth == TABLE_DEPTH_MAX) {
		for (uint32_t i = 0; i < list_size(&dim->atoms, code); i++)
			b->order[d][b->n[d]++] = list_at(&dim->atoms, code)[i];
		return;
	}
	const struct breakdown *k = dim_down(dim, code, 0);
	child = malloc(k->n * sizeof *child);
	for (uint32_t j = 0; child != NULL && j < k->n; j++)
		child[j] = dim->child[k->first + j];
	if (child != NULL)
		shuffle(child, k->n, &b->draws);
	for (uint32_t j = 0; j < k->n; j++)
		put_atoms(b, d, child != NULL ? child[j] : dim->child[k->first + j], depth + 1);
	free(child);
}

static bool begin_orders(struct begin *b, const char **why, bool *possible)
{
	const struct table_input *t = b->r->g->t;
	b->view_dim = SIZE_MAX;
	*possible = true;
	for (size_t d = 0; d < t->n_dims; d++) {
		for (uint32_t i = 0; i < t->dim[d].n_breakdowns; i++) {
			if (!t->dim[d].breakdown[i].view)
				continue;
			if (b->view_dim != SIZE_MAX && b->view_dim != d)
				*possible = false;
			b->view_dim = d;
		}
		b->order[d] = malloc((t->dim[d].n_codes + 1) * sizeof *b->order[d]);
		if (b->order[d] == NULL)
			return false;
		put_atoms(b, d, 0, 0);
	}
	*why = *possible ? *why : "rounding cannot keep the sums of views in two dimensions";
	return true;
}

/* Calls for each combination of atoms of the main regions, the last dimension fastest. d skipped: the caller's. */
static bool next_combination(const struct begin *b, uint32_t *at, size_t skip)
{
	for (size_t d = b->r->g->t->n_dims; d-- > 0;) {
		if (d == skip)
			continue;
		if (++at[d] < b->n[d])
			return true;
		at[d] = 0;
	}
	return false;
}

static uint32_t combination_cell(const struct begin *b, const uint32_t *at, size_t skip)
{
	uint64_t cell = 0;
	for (size_t d = 0; d < b->r->g->t->n_dims; d++)
		if (d != skip)
			cell += b->order[d][at[d]] * b->r->g->t->stride[d];
	return (uint32_t)cell;
}

static void begin_atoms(struct begin *b)
{
	uint32_t at[TABLE_DIMS_MAX] = { 0 };
	struct rounding *r = b->r;
	int64_t base = r->base;
	int64_t sum = draws_below(&b->draws, r->base);
	do {
		uint32_t c = combination_cell(b, at, SIZE_MAX);
		r->q[c] = (sum % base + r->g->value[c]) / base;
		sum = (sum + r->g->value[c]) % base;
	} while (next_combination(b, at, SIZE_MAX));
}

/* Parts of a whole that is rounded already: each to its floor or above, in order of the draw. */
static void split(struct begin *b, uint32_t line, const uint32_t *part, uint32_t n, size_t d, int64_t whole)
{
	struct rounding *r = b->r;
	uint32_t stride = (uint32_t)r->g->t->stride[d];
	uint32_t from = draws_below(&b->draws, n);
	for (uint32_t i = 0; i < n; i++) {
		uint32_t c = line + part[i] * stride;
		r->q[c] = r->g->value[c] / r->base < whole ? r->g->value[c] / r->base : whole;
		whole -= r->q[c];
	}
	for (int round = 0; round < 2 && whole > 0; round++) /* first where the true figure is above */
		for (uint32_t i = 0; i < n && whole > 0; i++) {
			uint32_t c = line + part[(from + i) % n] * stride;
			if (round == 0 && r->g->value[c] % r->base == 0)
				continue;
			int64_t by = round == 0 ? 1 : r->g->kind[c] == KIND_DEAD ? 0 : whole;
			r->q[c] += by;
			whole -= by;
		}
}

/* One view at one combination of the other dimensions' atoms; then the atoms of each child's region. */
static void begin_view(struct begin *b, const struct breakdown *k, uint32_t line)
{
	const struct dim *dim = &b->r->g->t->dim[b->view_dim];
	uint32_t stride = (uint32_t)b->r->g->t->stride[b->view_dim];
	split(b, line, dim->child + k->first, k->n, b->view_dim, b->r->q[line + k->parent * stride]);
	for (uint32_t j = 0; j < k->n; j++) {
		uint32_t child = dim->child[k->first + j];
		if (!dim_is_atom(dim, child))
			split(b, line, list_at(&dim->atoms, child), list_size(&dim->atoms, child),
			    b->view_dim, b->r->q[line + child * stride]);
	}
}

static void add_line(struct rounding *r, size_t d, uint32_t line)
{
	const struct dim *dim = &r->g->t->dim[d];
	uint32_t stride = (uint32_t)r->g->t->stride[d];
	for (uint32_t i = 0; i < dim->n_codes; i++) {
		uint32_t code = dim->order[i];
		if (dim_is_atom(dim, code))
			continue;
		const struct breakdown *k = dim_down(dim, code, 0);
		int64_t sum = 0;
		for (uint32_t j = 0; j < k->n; j++)
			sum += r->q[line + dim->child[k->first + j] * stride];
		r->q[line + code * stride] = sum;
	}
}

/* Totals of one dimension, on every line of it. */
static void add_up(struct rounding *r, size_t d)
{
	uint64_t stride = r->g->t->stride[d];
	uint64_t block = stride * r->g->t->dim[d].n_codes;
	for (uint64_t high = 0; high < r->g->n_cells; high += block)
		for (uint64_t low = high; low < high + stride; low++)
			add_line(r, d, (uint32_t)low);
}

static void begin_views(struct begin *b)
{
	const struct dim *dim = &b->r->g->t->dim[b->view_dim];
	uint32_t at[TABLE_DIMS_MAX] = { 0 };
	do {
		uint32_t line = combination_cell(b, at, b->view_dim);
		add_line(b->r, b->view_dim, line); /* totals that have views */
		for (uint32_t i = dim->n_codes; i-- > 0;) {
			uint32_t code = dim->order[i]; /* parents before children */
			for (uint32_t k = dim->n_plain[code]; k < list_size(&dim->down, code); k++)
				begin_view(b, dim_down(dim, code, k), line);
			if (dim->n_plain[code] > 0 && dim->base_view[code] != NONE)
				add_line(b->r, b->view_dim, line);
		}
	} while (next_combination(b, at, b->view_dim));
}

static bool begin_table(struct rounding *r, uint64_t attempt, const char **why, bool *possible)
{
	struct begin b = { .r = r, .draws = draws_from(r->g, PHASE_START, 0, attempt) };
	bool ok = begin_orders(&b, why, possible);
	if (ok && *possible) {
		begin_atoms(&b);
		if (b.view_dim != SIZE_MAX)
			begin_views(&b);
		for (size_t d = 0; d < r->g->t->n_dims; d++)
			add_up(r, d);
	}
	for (size_t d = 0; d < TABLE_DIMS_MAX; d++)
		free(b.order[d]);
	return ok;
}

/* ---- repair ---- */

static bool may_move(const void *context, uint32_t cell, int dir)
{
	const struct rounding *r = context;
	return off_by(r, cell, r->q[cell] + dir) <= off_by(r, cell, r->q[cell]);
}

/* How much worse the table would be. */
static int64_t gain_of(const struct rounding *r, const struct step *s, int64_t stop)
{
	int64_t sum = 0;
	for (uint32_t i = 0; i < s->n; i++) {
		uint32_t c = s->cell[i];
		int64_t weight = r->g->kind[c] == KIND_FREE || r->g->kind[c] == KIND_DEAD ? 4 : 1;
		sum += weight * (off_by(r, c, r->q[c] + s->by[i]) - off_by(r, c, r->q[c]));
		if (sum > stop + (int64_t)(4 * (s->n - i)))
			return sum;
	}
	return sum;
}

static void apply(struct rounding *r, const struct step *s)
{
	for (uint32_t i = 0; i < s->n; i++) {
		r->q[s->cell[i]] += s->by[i];
		note_bad(r, s->cell[i]);
	}
}

/* One turn: the best of a few steps that lead a bad cell back; one that gains nothing is taken as well. */
static void repair_once(struct rounding *r, struct step *s, struct step *best, struct draws *draws)
{
	uint32_t c = r->bad[draws_below(draws, r->n_bad)];
	int dir = r->q[c] < r->lo[c] ? 1 : -1;
	int64_t least = INT64_MAX;
	for (unsigned i = 0; i < CANDIDATES && least >= 0; i++) {
		if (!step_draw(s, c, dir, draws, may_move, r))
			continue;
		r->work += s->n;
		int64_t worse = gain_of(r, s, least == INT64_MAX ? INT32_MAX : least);
		if (worse >= least)
			continue;
		least = worse;
		best->n = s->n;
		memcpy(best->cell, s->cell, s->n * sizeof *s->cell);
		memcpy(best->by, s->by, s->n);
	}
	if (least <= 0 || (least < 4 && draws_below(draws, 16) == 0))
		apply(r, best);
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
	int64_t share = q > r->lo[c] ? up : r->base - up;
	return r->base == 3 ? thirds[share] : minus_ln[share];
}

static bool fits(const struct rounding *r, const struct step *s)
{
	for (uint32_t i = 0; i < s->n; i++)
		if (off_by(r, s->cell[i], r->q[s->cell[i]] + s->by[i]) != 0)
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
	if (!step_draw(s, c, dir, draws, may_move, r) || !fits(r, s))
		return;
	r->work += s->n;
	for (uint32_t i = 0; i < s->n; i++)
		loss += unlikely(r, s->cell[i], r->q[s->cell[i]] + s->by[i]) -
			unlikely(r, s->cell[i], r->q[s->cell[i]]);
	if (taken(loss, draws))
		apply(r, s);
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

static bool find(struct rounding *r, uint64_t attempt, uint64_t max_work, struct err *e)
{
	struct step s = { 0 };
	struct step *best = calloc(1, sizeof *best);
	bool ok = best != NULL || err_set(e, ERR_MEMORY, "no memory for rounding");
	struct draws draws = draws_from(r->g, PHASE_REPAIR, 0, attempt);
	uint64_t turns = (uint64_t)r->g->n_cells * TURNS_A_CELL + TURNS_LEAST;
	ok = ok && step_init(&s, r->g, e);
	for (uint32_t c = 0; ok && c < r->g->n_cells; c++) {
		r->bad_at[c] = NONE;
		note_bad(r, c);
	}
	for (uint64_t i = 0; ok && i < turns && r->n_bad > 0; i++) {
		if (max_work != 0 && r->work > max_work)
			break;
		repair_once(r, &s, best, &draws);
	}
	if (ok && r->n_bad == 0)
		stir_all(r, &s, attempt);
	step_free(&s);
	free(best);
	return ok;
}

bool rounding_find(struct rounding *r, const struct grid *g, uint32_t base, uint64_t attempt,
    uint64_t max_work, bool *found, const char **why, struct err *e)
{
	bool possible = false;
	*found = false;
	*why = NULL;
	*r = (struct rounding){ .g = g, .base = base };
	if (!allocate(r))
		return err_set(e, ERR_MEMORY, "no memory for rounding");
	set_bounds(r);
	if (!begin_table(r, attempt, why, &possible))
		return err_set(e, ERR_MEMORY, "no memory for rounding");
	if (!possible)
		return true;
	if (!find(r, attempt, max_work, e))
		return false;
	*found = r->n_bad == 0 && rounding_holds(r);
	return true;
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
		int64_t error = r->q[c] * r->base - g->value[c];
		bool printed = g->kind[c] == KIND_OPEN || g->kind[c] == KIND_FORCED;
		if (r->q[c] < 0 || (g->kind[c] == KIND_DEAD && r->q[c] != 0))
			return false;
		if (printed && (error <= -(int64_t)r->base || error >= (int64_t)r->base ||
				   (g->value[c] % r->base == 0 && error != 0)))
			return false;
	}
	return true;
}
