#include <stdlib.h>
#include <string.h>

#include "policy/rounding_part.h"

#define PHASE_ANNEAL  21u
#define LEVELS        16u
#define WARM          5u    /* level at which later rounds begin: what was found is not all lost */
#define TURNS_A_CELL  4000u /* of a round's; the next takes twice as many */
#define TURNS_LEAST   200000u
#define TURNS_MOST    40000000u
#define VIEWS_TAKE    8u /* a turn in a table with views takes so many times as long */
#define LOSS_MAX      32
#define STRICT_WEIGHT 4
#define FOCUS_PERCENT 25u
#define NEAR_TRIES    6u
#define CORNER_DIMS   6u /* corners are looked at in so many dimensions at most */

struct anneal {
	struct rounding *r;
	struct step *s;
	struct draws draws;
	uint32_t chance[LOSS_MAX]; /* of 2^32: that a step which makes the table so much worse is taken */
	uint32_t *start;           /* cells that may go either way: unknowns; with views, any */
	uint32_t n_start;
	uint32_t one[TABLE_DIMS_MAX], two[TABLE_DIMS_MAX]; /* atoms; NONE: no second person */
};

/* 2^32 exp(-1/T), T falling evenly in its logarithm from 0.5 to 0.12: above, the table does not settle; below,
 * hardly anything moves. Written out, so that every machine draws alike. */
static const uint32_t CHANCE[LEVELS] = { 581260615, 476072991, 382228070, 300230113, 230207036, 171897998,
	124669972, 87564476, 59371660, 38724599, 24203043, 14433753, 8174877, 4374610, 2199347, 1032379 };

static void set_chances(struct anneal *a, unsigned level)
{
	a->chance[0] = UINT32_MAX;
	for (unsigned i = 1; i < LOSS_MAX; i++)
		a->chance[i] = (uint32_t)((uint64_t)a->chance[i - 1] * CHANCE[level] >> 32);
}

bool rounding_may_move(const void *context, uint32_t cell, int dir)
{
	const struct rounding *r = context;
	return rounding_off_by(r, cell, r->q[cell] + dir) <= rounding_off_by(r, cell, r->q[cell]);
}

void rounding_apply(struct rounding *r, const struct step *s)
{
	for (uint32_t i = 0; i < s->n; i++) {
		r->q[s->cell[i]] += s->by[i];
		rounding_note(r, s->cell[i]);
	}
}

/* How much worse the table would be. */
static int64_t loss_of(const struct rounding *r, const struct step *s)
{
	int64_t sum = 0;
	for (uint32_t i = 0; i < s->n; i++) {
		uint32_t c = s->cell[i];
		int64_t more = rounding_off_by(r, c, r->q[c] + s->by[i]) - rounding_off_by(r, c, r->q[c]);
		sum += more * (rounding_is_strict(r, c) ? STRICT_WEIGHT : 1);
	}
	return sum;
}

/* ---- tables without views: a step is one or two atoms a dimension ---- */

/* An atom below the code; NONE: there is none. */
static uint32_t any_atom(struct anneal *a, size_t d, uint32_t code)
{
	const struct list *atoms = &a->r->g->t->dim[d].atoms;
	uint32_t n = list_size(atoms, code);
	return n == 0 ? NONE : list_at(atoms, code)[draws_below(&a->draws, n)];
}

/* Another atom below a code above this one; that code, hence the step, is as likely near as far. */
static uint32_t other_atom(struct anneal *a, size_t d, uint32_t atom)
{
	const struct dim *dim = &a->r->g->t->dim[d];
	uint32_t n = list_size(&dim->above, atom);
	if (n < 2 || draws_below(&a->draws, 3) == 0)
		return NONE;
	uint32_t code = list_at(&dim->above, atom)[1 + draws_below(&a->draws, n - 1)];
	for (unsigned i = 0; i < NEAR_TRIES; i++) {
		uint32_t other = any_atom(a, d, code);
		if (other != atom)
			return other;
	}
	return NONE;
}

/* May all unknowns of the step move? They are its corners. */
static bool corners_may_move(const struct anneal *a, size_t n_dims, int dir)
{
	const struct grid *g = a->r->g;
	for (unsigned pick = 0; pick < 1u << n_dims; pick++) {
		uint64_t cell = 0;
		int by = dir;
		bool is = true;
		for (size_t d = 0; d < n_dims && is; d++) {
			bool second = (pick >> d & 1) != 0;
			is = !second || a->two[d] != NONE;
			cell += (second ? a->two[d] : a->one[d]) * (is ? g->t->stride[d] : 0);
			by = second ? -by : by;
		}
		if (is && !rounding_may_move(a->r, (uint32_t)cell, by))
			return false;
	}
	return true;
}

/* The unknown to begin with: any that has a choice, or one below a bad cell. */
static uint32_t begin_with(struct anneal *a, int *dir)
{
	const struct rounding *r = a->r;
	const struct grid *g = r->g;
	if (draws_below(&a->draws, 100) >= FOCUS_PERCENT) {
		uint32_t c = a->start[draws_below(&a->draws, a->n_start)];
		*dir = r->q[c] < r->hi[c] ? 1 : -1;
		return c;
	}
	uint32_t c = r->bad[draws_below(&a->draws, r->n_bad)];
	uint64_t unknown = 0;
	*dir = r->q[c] < r->lo[c] ? 1 : -1;
	for (size_t d = 0; d < g->t->n_dims; d++) {
		uint32_t atom = any_atom(a, d, grid_coord(g, c, d));
		if (atom == NONE)
			return NONE;
		unknown += atom * g->t->stride[d];
	}
	return (uint32_t)unknown;
}

static bool propose_atoms(struct anneal *a)
{
	const struct grid *g = a->r->g;
	size_t n_dims = g->t->n_dims;
	int dir;
	uint32_t unknown = begin_with(a, &dir);
	if (unknown == NONE || !rounding_may_move(a->r, unknown, dir))
		return false;
	for (size_t d = 0; d < n_dims; d++) {
		a->one[d] = grid_coord(g, unknown, d);
		a->two[d] = other_atom(a, d, a->one[d]);
	}
	return (n_dims > CORNER_DIMS || corners_may_move(a, n_dims, dir)) &&
	       step_between(a->s, a->one, a->two, dir);
}

/* ---- with views ---- */

static bool propose_persons(struct anneal *a)
{
	struct rounding *r = a->r;
	bool focus = draws_below(&a->draws, 100) < 2 * FOCUS_PERCENT;
	uint32_t c =
	    focus ? r->bad[draws_below(&a->draws, r->n_bad)] : a->start[draws_below(&a->draws, a->n_start)];
	int dir = r->q[c] < r->lo[c] || (r->q[c] == r->lo[c] && r->lo[c] < r->hi[c]) ? 1 : -1;
	return step_draw(a->s, c, dir, &a->draws, rounding_may_move, r);
}

/* ---- the whole ---- */

static bool is_unknown(const struct grid *g, uint32_t cell)
{
	for (size_t d = 0; d < g->t->n_dims; d++)
		if (!dim_is_atom(&g->t->dim[d], grid_coord(g, cell, d)))
			return false;
	return true;
}

static bool find_starts(struct anneal *a)
{
	const struct rounding *r = a->r;
	a->start = malloc(((size_t)r->g->n_cells + 1) * sizeof *a->start);
	if (a->start == NULL)
		return false;
	for (uint32_t c = 0; c < r->g->n_cells; c++)
		if (r->lo[c] < r->hi[c] && (a->s->view_dim != SIZE_MAX || is_unknown(r->g, c)))
			a->start[a->n_start++] = c;
	return true;
}

static uint64_t turns_of(const struct anneal *a, unsigned round)
{
	uint64_t turns = (uint64_t)a->n_start * TURNS_A_CELL;
	turns = turns < TURNS_LEAST ? TURNS_LEAST : turns > TURNS_MOST ? TURNS_MOST : turns;
	return (turns << round) / (a->s->view_dim == SIZE_MAX ? 1 : VIEWS_TAKE);
}

static void turn(struct anneal *a)
{
	bool views = a->s->view_dim != SIZE_MAX;
	if (!(views ? propose_persons(a) : propose_atoms(a)))
		return;
	a->r->work += a->s->n;
	int64_t loss = loss_of(a->r, a->s);
	if (loss <= 0 || (loss < LOSS_MAX && draws_below(&a->draws, UINT32_MAX) < a->chance[loss]))
		rounding_apply(a->r, a->s);
}

bool rounding_anneal(struct rounding *r, struct step *s, unsigned round, uint64_t attempt, uint64_t max_work)
{
	struct anneal a = { .r = r, .s = s, .draws = draws_from(r->g, PHASE_ANNEAL, round, attempt) };
	if (!find_starts(&a))
		return false;
	uint64_t turns = turns_of(&a, round);
	uint64_t stage = turns / LEVELS;
	for (uint64_t i = round == 0 ? 0 : stage * WARM; i < stage * LEVELS && r->n_bad > 0 && a.n_start > 0;
	     i++) {
		if (i % stage == 0)
			set_chances(&a, (unsigned)(i / stage));
		if (max_work != 0 && r->work > max_work)
			break;
		turn(&a);
	}
	free(a.start);
	return true;
}
