#include "policy/exact.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "policy/ball.h"
#include "policy/simplex.h"

#define NOISE_TRIES 4u   /* other prices, where a solution is not whole */
#define WHOLE       1e-3 /* off by no more: a whole number, which is then checked exactly */
#define LITTLE      1e-6 /* by which bounds are wider, where nothing whole was found */

#define BALL_FIRST  100u /* cells of the smallest neighbourhood; each is three times the one before */
#define ROUNDS      3u   /* neighbourhoods of 100, 300 and 900 cells */
#define ROUNDS_LAST 4u   /* and of 2,700 */

/* And of a few offices of each area: sets of them by turns, since one gives whole numbers where another does not. */
#define THIN_TRIES 12u
static const uint32_t thin_cells[] = { 4000, 3000, 6000 }; /* of the offices, without the totals above them */
#define BALL_MOST 10000u

#define FAR_WORK   UINT64_C(1000000000) /* numbers changed to go as far as it goes, */
#define PRICE_WORK UINT64_C(100000000)  /* and then to become cheap: both a second or less */

/* ---- the program: columns 2i and 2i + 1 are cell i upwards and downwards, the last is the need's change ---- */

static void put_coefficient(const struct ball *b, struct simplex *x, uint32_t row, uint32_t cell, double by)
{
	if (b->place[cell] != NONE)
		simplex_add(x, row, 2 * b->place[cell], by);
}

static void put_bounds(const struct ball *b, struct simplex *x, uint32_t i, int64_t amp)
{
	const struct search *s = b->s;
	uint32_t cell = b->cell[i];
	double wide = 4.0 * (double)amp + 8.0;
	double room = (double)(s->g->value[cell] - grid_floor(s->g, cell));
	x->high[2 * i] = wide;
	x->high[2 * i + 1] = s->any_room || room > wide ? wide : room < 0 ? 0 : room;
}

static bool program_make(const struct ball *b, struct simplex *x, int64_t amp)
{
	uint32_t last = 2 * b->n;
	if (!simplex_init(x, b->n_relations + 1, last + 1, b->n))
		return false;
	for (uint32_t i = 0; i < b->n_relations; i++) {
		const struct relation *r = &b->relation[i];
		put_coefficient(b, x, i, r->parent, 1.0);
		for (uint32_t j = 0; j < r->b->n; j++)
			put_coefficient(b, x, i, relation_child(b->s->g, r, j), -1.0);
	}
	uint32_t row = b->n_relations;
	if (b->virt == NULL)
		put_coefficient(b, x, row, b->need->cell, b->need->dir);
	for (uint32_t j = 0; b->virt != NULL && j < b->virt->r.b->n; j++)
		if (virt_holds(b->s->g, b->virt, j))
			put_coefficient(b, x, row, virt_part(b->s->g, b->virt, j), b->need->dir);
	simplex_add(x, row, last, -1.0);
	for (uint32_t i = 0; i < b->n; i++)
		put_bounds(b, x, i, amp);
	x->high[last] = (double)amp;
	return true;
}

/* Every bound a little wider, each by its own: a step goes nowhere in hardly any table then, and where it goes is mostly whole but for
 * these little numbers, which rounding takes off. */
static void loosen(const struct ball *b, struct simplex *x, unsigned attempt)
{
	for (uint32_t k = 0; k < 2 * b->n; k++) {
		uint64_t draw = grid_random(b->s->g, 15, b->cell[k / 2], 2 * attempt + k % 2);
		x->high[k] += LITTLE * (1.0 + (double)(draw >> 40) / (double)(1u << 24));
	}
}

/* As far as it goes. *too_far: the answer is that amp cannot be reached. */
static bool go_far(const struct ball *b, struct simplex *x, int64_t amp, bool *too_far)
{
	uint32_t last = 2 * b->n;
	memset(x->cost, 0, x->n * sizeof *x->cost);
	x->cost[last] = -1.0;
	x->max_touched = x->touched + FAR_WORK;
	bool ended = simplex_run(x);
	*too_far = ended && x->x[last] < (double)amp - WHOLE;
	return x->x[last] >= (double)amp - WHOLE;
}

/* As cheap as it goes, or as it went when the work was done: it goes as far all the time. */
static void become_cheap(const struct ball *b, struct simplex *x, int64_t amp, unsigned attempt)
{
	uint32_t last = 2 * b->n;
	const struct grid *g = b->s->g;
	x->low[last] = x->x[last] = (double)amp;
	x->cost[last] = 0.0;
	for (uint32_t i = 0; i < b->n; i++) {
		double noise = (double)(grid_random(g, 11, b->cell[i], attempt) >> 40) / (double)(1u << 24);
		double price =
		    grid_loose(g, b->cell[i]) ? 0.01 : 1.0 + (double)search_price(b->s, b->cell[i]);
		x->cost[2 * i] = x->cost[2 * i + 1] = price * (1.0 + 0.5 * attempt * noise);
	}
	x->max_touched = x->touched + PRICE_WORK;
	(void)simplex_run(x);
}

/* ---- the answer, in whole numbers ---- */

static double value(const struct simplex *x, uint32_t i)
{
	return x->x[2 * i] - x->x[2 * i + 1];
}

static bool whole(const struct ball *b, const struct simplex *x, int64_t *by)
{
	for (uint32_t i = 0; i < b->n; i++) {
		double v = value(x, i);
		by[i] = llround(v);
		if (fabs(v - (double)by[i]) > WHOLE)
			return false;
	}
	return true;
}

static bool relations_hold(const struct ball *b, const int64_t *by)
{
	for (uint32_t i = 0; i < b->n_relations; i++) {
		const struct relation *r = &b->relation[i];
		int64_t sum = b->place[r->parent] == NONE ? 0 : by[b->place[r->parent]];
		for (uint32_t j = 0; j < r->b->n; j++) {
			uint32_t place = b->place[relation_child(b->s->g, r, j)];
			sum -= place == NONE ? 0 : by[place];
		}
		if (sum != 0)
			return false;
	}
	return true;
}

static bool room_holds(const struct ball *b, const int64_t *by)
{
	const struct grid *g = b->s->g;
	for (uint32_t i = 0; i < b->n; i++)
		if (!b->s->any_room && by[i] < 0 && g->value[b->cell[i]] + by[i] < grid_floor(g, b->cell[i]))
			return false;
	return true;
}

static bool reaches(const struct ball *b, const int64_t *by, int64_t amp)
{
	int64_t sum = b->virt == NULL ? by[b->place[b->need->cell]] : 0;
	for (uint32_t j = 0; b->virt != NULL && j < b->virt->r.b->n; j++)
		if (virt_holds(b->s->g, b->virt, j) && b->place[virt_part(b->s->g, b->virt, j)] != NONE)
			sum += by[b->place[virt_part(b->s->g, b->virt, j)]];
	return sum == amp * b->need->dir;
}

static bool holds(const struct ball *b, const struct simplex *x, int64_t amp, int64_t *by)
{
	return whole(b, x, by) && reaches(b, by, amp) && relations_hold(b, by) && room_holds(b, by);
}

static bool answer_put(const struct ball *b, const int64_t *by)
{
	for (uint32_t i = 0; i < b->n; i++)
		if (by[i] != 0 && !search_put(b->s, b->cell[i], by[i]))
			return false;
	return true;
}

/* What was whole before it became cheap will do where nothing cheaper is. */
static bool end_whole(const struct ball *b, struct simplex *x, int64_t amp, unsigned attempt, int64_t *by)
{
	bool dear = holds(b, x, amp, by);
	become_cheap(b, x, amp, attempt);
	bool cheap = holds(b, x, amp, by + b->n);
	if (cheap)
		memcpy(by, by + b->n, b->n * sizeof *by);
	return cheap || dear;
}

/* tries: with so many prices, from attempt `first` on. last: whatever is whole will do, with wider bounds from attempt 1 on. */
static bool solve(const struct ball *b, int64_t amp, bool last, unsigned first, unsigned tries, bool *too_far)
{
	int64_t *by = malloc((2 * (size_t)b->n + 1) * sizeof *by);
	bool ok = false;
	bool far = by != NULL;
	*too_far = false;
	for (unsigned attempt = first; far && !ok && attempt < first + tries; attempt++) {
		struct simplex x;
		far = program_make(b, &x, amp) && simplex_crash(&x);
		if (last && far && attempt > 0)
			loosen(b, &x, attempt);
		far = far && go_far(b, &x, amp, too_far);
		if (far && last)
			ok = end_whole(b, &x, amp, attempt, by);
		if (far && !last) {
			become_cheap(b, &x, amp, attempt);
			ok = holds(b, &x, amp, by);
		}
		b->s->work += x.work;
		simplex_free(&x);
	}
	ok = ok && answer_put(b, by);
	free(by);
	return ok;
}

/* The ball, thinner or as it was made. *all: it holds all there is. */
static bool try_ball(struct ball *b, int64_t amp, uint32_t most, unsigned round, bool *all, bool *none)
{
	bool too_far;
	search_reset(b->s);
	if (!ball_make(b, most))
		return false;
	*all = b->n < most && !b->thin;
	*none = b->n == 0;
	if (*none)
		return false;
	bool ok = solve(b, amp, round >= ROUNDS, b->thin ? round : 0, b->thin ? 1 : NOISE_TRIES, &too_far);
	*none = !ok && too_far && *all;
	return ok;
}

bool exact_find(
    struct search *s, const struct need *need, const struct virt *virt, int64_t amp, bool last, bool *none)
{
	uint32_t most = BALL_FIRST;
	bool ok = false;
	bool all = false;
	*none = false;
	struct ball b;
	bool made = ball_init(&b, s, need, virt);
	unsigned rounds = last ? ROUNDS_LAST : ROUNDS;
	for (unsigned i = 0; made && !ok && !all && i < rounds; i++, most *= 3)
		ok = try_ball(&b, amp, most, i, &all, none);
	for (unsigned i = 0; made && last && !ok && !all && i < THIN_TRIES; i++) {
		made = ball_thin(&b, thin_cells[i % (sizeof thin_cells / sizeof *thin_cells)], i);
		ok = made && try_ball(&b, amp, BALL_MOST, ROUNDS_LAST + i, &all, none);
		all = all || !b.thin; /* no office is left out: the next would be the same */
	}
	if (!ok)
		search_reset(s);
	ball_free(&b);
	return ok;
}
