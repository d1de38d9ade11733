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
static const uint32_t thin_cells[] = { 1500, 3000, 4500 }; /* of the offices, without the totals above them */
#define BALL_MOST 10000u

/* And, where the answer is fractions, of the offices that these went through; so often. */
#define NARROW_TRIES 4u
#define DRAWS_APART  16u /* more than there are attempts before it, so that no two draw the same */

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

/* One question, and what became of it. */
struct task {
	struct ball b;
	int64_t amp;
	bool last;      /* whatever is whole will do, with wider bounds from attempt 1 on */
	bool too_far;   /* amp cannot be reached */
	bool fractions; /* it can, but not in whole numbers; the ball is narrower now */
	bool all;       /* the ball held all there is */
	bool none;      /* and so no change exists */
};

/* Only the offices that the answer went through: where they have few cells, fractions are rare. */
static bool narrow(struct ball *b, const struct simplex *x)
{
	bool *met = calloc((size_t)b->n + 1, sizeof *met);
	for (uint32_t i = 0; met != NULL && i < b->n; i++)
		met[i] = fabs(value(x, i)) > WHOLE;
	bool ok = met != NULL && ball_narrow(b, met);
	free(met);
	return ok;
}

/* tries: with so many prices, from attempt `first` on. */
static bool solve(struct task *t, unsigned first, unsigned tries)
{
	struct ball *b = &t->b;
	int64_t *by = malloc((2 * (size_t)b->n + 1) * sizeof *by);
	bool ok = false;
	bool far = by != NULL;
	t->too_far = false;
	for (unsigned i = 0; far && !ok && i < tries; i++) {
		struct simplex x;
		far = program_make(b, &x, t->amp) && simplex_crash(&x);
		if (t->last && far && first + i > 0)
			loosen(b, &x, first + i);
		far = far && go_far(b, &x, t->amp, &t->too_far);
		if (far && t->last)
			ok = end_whole(b, &x, t->amp, first + i, by);
		if (far && !t->last) {
			become_cheap(b, &x, t->amp, first + i);
			ok = holds(b, &x, t->amp, by);
		}
		if (far && t->last && !ok && i + 1 == tries)
			t->fractions = narrow(b, &x);
		b->s->work += x.work;
		simplex_free(&x);
	}
	ok = ok && answer_put(b, by);
	free(by);
	return ok;
}

/* The ball, thinner or as it was made. */
static bool try_ball(struct task *t, uint32_t most, unsigned attempt)
{
	search_reset(t->b.s);
	t->fractions = false;
	if (!ball_make(&t->b, most))
		return false;
	t->all = t->b.n < most && !t->b.thin;
	t->none = t->b.n == 0;
	if (t->none)
		return false;
	bool thin = t->b.thin;
	bool ok = solve(t, thin ? attempt : 0, thin ? 1 : NOISE_TRIES);
	t->none = !ok && t->too_far && t->all;
	return ok;
}

/* Fewer offices from answer to answer, as long as these are not whole. */
static bool try_narrower(struct task *t, unsigned attempt)
{
	bool ok = false;
	for (unsigned i = 1; i <= NARROW_TRIES && t->fractions && !ok; i++)
		ok = try_ball(t, BALL_MOST, attempt + i * DRAWS_APART);
	return ok;
}

/* Sets of a few offices, until one gives whole numbers. */
static bool try_thin(struct task *t)
{
	bool ok = false;
	bool more = true;
	for (unsigned i = 0; more && !ok && i < THIN_TRIES; i++) {
		if (!ball_thin(&t->b, thin_cells[i % (sizeof thin_cells / sizeof *thin_cells)], i))
			return false;
		more = t->b.thin; /* where no office is left out the next would be the same */
		ok = try_ball(t, BALL_MOST, ROUNDS_LAST + i) || try_narrower(t, ROUNDS_LAST + i);
	}
	return ok;
}

bool exact_find(
    struct search *s, const struct need *need, const struct virt *virt, int64_t amp, bool last, bool *none)
{
	struct task t = { .amp = amp };
	uint32_t most = BALL_FIRST;
	bool ok = false;
	bool made = ball_init(&t.b, s, need, virt);
	unsigned rounds = last ? ROUNDS_LAST : ROUNDS;
	for (unsigned i = 0; made && !ok && !t.all && i < rounds; i++, most *= 3) {
		t.last = i >= ROUNDS;
		ok = try_ball(&t, most, i);
	}
	if (made && last && !ok && !t.none) {
		bool all = t.all;
		bool once_more = !t.last;
		t.last = true;
		ok = (once_more && try_ball(&t, BALL_MOST, 0)) || try_narrower(&t, ROUNDS) ||
		     (!all && try_thin(&t));
	}
	*none = t.none;
	if (!ok)
		search_reset(s);
	ball_free(&t.b);
	return ok;
}
