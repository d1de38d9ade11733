#include "policy/rounding_part.h"

#include <stdlib.h>
#include <string.h>

#define PHASE_START 20u
#define PHASE_GROW  24u
#define GROW_VAIN   4000u /* persons that did not fit, one after another */

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

static bool begin_orders(struct begin *b)
{
	const struct table_input *t = b->r->g->t;
	for (size_t d = 0; d < t->n_dims; d++) {
		b->order[d] = malloc((t->dim[d].n_codes + 1) * sizeof *b->order[d]);
		if (b->order[d] == NULL)
			return false;
		put_atoms(b, d, 0, 0);
	}
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

/* ---- with views in two dimensions: one person after another ---- */

/* As many of this person as there is room for, at most `most`. */
static int64_t put_persons(struct rounding *r, const struct step *s, int64_t most)
{
	for (uint32_t i = 0; i < s->n && most > 0; i++) {
		int64_t room = r->hi[s->cell[i]] - r->q[s->cell[i]];
		most = room < most ? room : most;
	}
	for (uint32_t i = 0; i < s->n && most > 0; i++) {
		r->q[s->cell[i]] += most;
		rounding_note(r, s->cell[i]);
	}
	return most;
}

/* From an empty table, until nobody else fits: no split by one dimension's views would do for another's. */
static void grow(struct rounding *r, struct step *s, uint64_t attempt)
{
	struct draws draws = draws_from(r->g, PHASE_GROW, 0, attempt);
	for (unsigned vain = 0; vain < GROW_VAIN && r->n_bad > 0;) {
		uint32_t c = r->bad[draws_below(&draws, r->n_bad)];
		int64_t wanted = r->lo[c] - r->q[c];
		bool put =
		    step_draw_person(s, c, 1, &draws, rounding_may_move, r) && put_persons(r, s, wanted) > 0;
		r->work += s->n;
		vain = put ? 0 : vain + 1;
	}
}

/* ---- the whole ---- */

static size_t dims_with_views(const struct table_input *t)
{
	size_t n = 0;
	for (size_t d = 0; d < t->n_dims; d++) {
		bool has = false;
		for (uint32_t i = 0; i < t->dim[d].n_breakdowns && !has; i++)
			has = t->dim[d].breakdown[i].view;
		n += has;
	}
	return n;
}

bool rounding_begin(struct rounding *r, struct step *s, uint64_t attempt)
{
	struct begin b = {
		.r = r, .draws = draws_from(r->g, PHASE_START, 0, attempt), .view_dim = s->view_dim
	};
	bool simple = dims_with_views(r->g->t) < 2;
	bool ok = begin_orders(&b);
	if (ok && simple) {
		begin_atoms(&b);
		if (b.view_dim != SIZE_MAX)
			begin_views(&b);
		for (size_t d = 0; d < r->g->t->n_dims; d++)
			add_up(r, d);
	}
	for (size_t d = 0; d < TABLE_DIMS_MAX; d++)
		free(b.order[d]);
	for (uint32_t c = 0; ok && c < r->g->n_cells; c++)
		rounding_note(r, c);
	if (ok && !simple)
		grow(r, s, attempt);
	return ok;
}
