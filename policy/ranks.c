#include "policy/ranks.h"

#include <stdlib.h>
#include <string.h>

#include "policy/hiding.h"
#include "policy/moves.h"

#define WHOLE_MAX   20000u   /* grid cells up to which everything is hidden at first */
#define CELLS_MAX   2000000u /* grid cells: some 400 bytes for each */
#define WORK_MAX    25e6     /* items touched, for one of effort: large tables stop there */
#define HEAT        5.0      /* at first a pattern dearer by this much is taken as often as not */
#define NOISE       0.6f
#define RELOADS     8u
#define MORE_LEAST  400u /* cells' worth of turns added: small tables are soon tried out */
#define MORE_MOST   3000u
#define TURN_WORK   2000.0 /* on average */
#define OUT_MAX     3u     /* cells shown in one turn, with what hangs on them */
#define BROKEN_MAX  64u    /* protected places one turn may have to repair */
#define NEIGHBOURS  8u     /* places looked at for one */
#define DENOMINATOR 60u    /* of a vector in whole numbers, at most */
#define CHANGE_MAX  10000  /* in a stored move */

struct ranks {
	struct plan *p;
	struct hiding h;
	uint8_t *guarded; /* by place: must be able to change */
	uint32_t *class;
	uint32_t broken[BROKEN_MAX], n_broken;
	uint32_t *now, *best; /* the cheapest bag met */
	uint32_t n_best;
	double best_cost;
};

static bool ranks_init(struct ranks *r, struct plan *p)
{
	uint32_t n = p->g->n_cells;
	uint32_t places = n + p->n->n_virt;
	*r = (struct ranks){ .p = p };
	r->guarded = calloc((size_t)places + 1, 1);
	r->class = malloc(((size_t)places + 1) * sizeof *r->class);
	r->now = malloc(((size_t)n + 1) * sizeof *r->now);
	r->best = malloc(((size_t)n + 1) * sizeof *r->best);
	if (!hiding_init(&r->h, p->g, p->n) || r->guarded == NULL || r->class == NULL || r->now == NULL ||
	    r->best == NULL)
		return false;
	for (uint32_t i = 0; i < p->n->n; i++)
		r->guarded[hiding_place(&r->h, &p->n->need[i])] = 1;
	return true;
}

static void ranks_free(struct ranks *r)
{
	hiding_free(&r->h);
	free(r->guarded);
	free(r->class);
	free(r->now);
	free(r->best);
}

/* ---- showing what nothing protected hangs on ---- */

/* Shows a cell, and all that becomes exact with it, if nothing protected does. */
static bool release(struct ranks *r, uint32_t cell)
{
	uint32_t n = space_class(&r->h.space, cell, r->class);
	if (space_moves(&r->h.space, cell)) {
		for (uint32_t i = 0; i < n; i++)
			if (r->guarded[r->class[i]] != 0)
				return false;
		hiding_drop(&r->h, cell);
	}
	for (uint32_t i = 0; i < n; i++)
		if (r->class[i] < r -> h.g->n_cells && hiding_has(&r->h, r->class[i]))
			hiding_show(&r->h, r->class[i]);
	return true;
}

struct dear {
	float price;
	uint32_t cell;
};

static int dearest_first(const void *a, const void *b)
{
	const struct dear *x = a;
	const struct dear *y = b;
	if (x->price != y->price)
		return x->price < y->price ? 1 : -1;
	return (x->cell > y->cell) - (x->cell < y->cell);
}

static bool release_all(struct ranks *r)
{
	uint32_t n = r->h.n_bag;
	struct dear *d = malloc(((size_t)n + 1) * sizeof *d);
	if (d == NULL)
		return false;
	for (uint32_t i = 0; i < n; i++)
		d[i] = (struct dear){ r->h.g->price[r->h.bag[i]], r->h.bag[i] };
	if (n > 0)
		qsort(d, n, sizeof *d, dearest_first);
	for (uint32_t i = 0; i < n && !r->h.space.failed; i++) {
		if (hiding_has(&r->h, d[i].cell))
			release(r, d[i].cell);
		hiding_keep(&r->h);
	}
	free(d);
	return !r->h.space.failed;
}

/* ---- one turn: destroy and repair ---- */

static bool find(struct ranks *r, uint32_t place)
{
	struct search *s = &r->p->s;
	s->pay = true;
	s->any_room = true;
	if (place < r->h.g->n_cells)
		return search_find(s, place, NULL, 1, 1);
	const struct virt *v = &r->h.n->virt[place - r->h.g->n_cells];
	return search_find(s, v->r.parent, v, 1, 1);
}

/* Shows the cell and what hangs on it, protected or not; notes what is to be repaired. */
static bool destroy(struct ranks *r, uint32_t cell)
{
	uint32_t n = space_class(&r->h.space, cell, r->class);
	hiding_drop(&r->h, cell);
	for (uint32_t i = 0; i < n; i++) {
		uint32_t place = r->class[i];
		if (r->guarded[place] != 0) {
			if (r->n_broken == BROKEN_MAX)
				return false;
			r->broken[r->n_broken++] = place;
		} else if (place < r->h.g->n_cells && hiding_has(&r->h, place)) {
			hiding_show(&r->h, place);
		}
	}
	return true;
}

static bool repair(struct ranks *r, double most, uint64_t dice)
{
	for (uint32_t left = r->n_broken; left > 0; left--) {
		uint32_t at = (uint32_t)(dice % left);
		uint32_t place = r->broken[at];
		dice /= left;
		r->broken[at] = r->broken[left - 1];
		if (space_moves(&r->h.space, place))
			continue;
		if (r->h.cost > most || !find(r, place))
			return false;
		hiding_add(&r->h, r->p->s.term, r->p->s.n_terms);
	}
	return r->h.cost <= most && !r->h.space.failed;
}

/* Another move through the cell, so that what hangs on it can change without it. */
static bool go_around(struct ranks *r, uint32_t cell, double most)
{
	if (!find(r, cell))
		return false;
	hiding_add(&r->h, r->p->s.term, r->p->s.n_terms);
	return r->h.cost - (double)r->h.g->price[cell] <= most && release(r, cell) && r->h.cost <= most;
}

/* What was hidden in this turn may not be needed in the end. */
static void tidy_turn(struct ranks *r)
{
	uint32_t n = r->h.n_steps;
	for (uint32_t i = 0; i < n && !r->h.space.failed; i++)
		if (r->h.step[i].what == HIDING_HID && hiding_has(&r->h, r->h.step[i].place))
			release(r, r->h.step[i].place);
}

/* A hidden cell that shares a vector with this one, or NONE. */
static uint32_t neighbour(struct ranks *r, uint32_t cell, uint64_t dice)
{
	const struct space_row *row = &r->h.space.row[cell];
	if (row->n == 0)
		return NONE;
	const struct space_column *c = &r->h.space.column[row->item[dice % row->n].at];
	for (uint32_t i = 0; i < NEIGHBOURS && c->n > 0; i++) {
		uint32_t place = c->place[(dice / 64 + i) % c->n];
		if (place != cell && place < r->h.g->n_cells && hiding_has(&r->h, place))
			return place;
	}
	return NONE;
}

static double waiting(uint64_t r)
{
	uint32_t u = (uint32_t)(r >> 32) | 1u;
	unsigned zeros = (unsigned)__builtin_clz(u);
	double fraction = (double)((u << zeros) & 0x7fffffffu) / 2147483648.0;
	return ((double)zeros + 1.0 - fraction) * 0.6931471805599453;
}

/* Up to OUT_MAX cells that hang together are shown, and what became exact is repaired at noisy prices. */
static bool rebuild(struct ranks *r, uint32_t cell, double most, uint64_t dice)
{
	struct search *s = &r->p->s;
	uint32_t out[OUT_MAX];
	uint32_t n = 0;
	bool ok = true;
	out[n++] = cell;
	for (; n < OUT_MAX && (dice & 1) != 0; dice >>= 1) {
		uint32_t next = neighbour(r, cell, dice >> 24);
		if (next == NONE)
			break;
		out[n++] = next;
	}
	r->n_broken = 0;
	for (uint32_t i = 0; ok && i < n; i++)
		ok = !hiding_has(&r->h, out[i]) || destroy(r, out[i]);
	for (uint32_t i = 0; i < n; i++)
		search_ban(s, out[i], SPOT_BANNED, (dice >> 8 & 1) != 0);
	ok = ok && repair(r, most, dice >> 16);
	for (uint32_t i = 0; i < n; i++)
		search_ban(s, out[i], SPOT_BANNED, false);
	return ok;
}

static void turn(struct ranks *r, uint64_t number, double heat)
{
	struct search *s = &r->p->s;
	uint64_t dice = grid_random(r->h.g, 15, number, 0);
	uint64_t more = grid_random(r->h.g, 16, number, 0);
	uint32_t cell = r->h.bag[(uint32_t)dice % r->h.n_bag];
	double most = r->h.cost + heat * waiting(dice) - 1e-6;
	s->noise = NOISE;
	s->seed = number + 1;
	bool ok = (more & 3) == 0 ? go_around(r, cell, most) : rebuild(r, cell, most, more >> 2);
	if (ok) {
		tidy_turn(r);
		hiding_keep(&r->h);
	} else {
		hiding_take_back(&r->h);
	}
	s->noise = 0.0f;
	s->seed = 0;
}

static bool goes_on(struct ranks *r)
{
	r->p->s.work += r->h.space.work;
	r->h.space.work = 0;
	return !r->h.space.failed && !plan_over_limit(r->p);
}

static void note_best(struct ranks *r)
{
	if (r->h.cost >= r->best_cost - 1e-6)
		return;
	r->best_cost = r->h.cost;
	r->n_best = r->h.n_bag;
	if (r->h.n_bag > 0)
		memcpy(r->best, r->h.bag, r->h.n_bag * sizeof *r->best);
}

/* Back to the cheapest pattern met, with all that it leaves open: turns add only the vectors they need. */
static bool go_back(struct ranks *r)
{
	return hiding_reload(&r->h, r->best, r->n_best) && release_all(r);
}

static bool renew(struct ranks *r)
{
	memcpy(r->now, r->h.bag, r->h.n_bag * sizeof *r->now);
	return hiding_reload(&r->h, r->now, r->h.n_bag) && release_all(r);
}

static void improve(struct ranks *r, unsigned effort)
{
	uint32_t more = r->h.n_bag < MORE_LEAST / 4  ? MORE_LEAST
			: r->h.n_bag < MORE_MOST / 4 ? 4 * r->h.n_bag
						     : MORE_MOST;
	uint64_t turns = (uint64_t)effort * (r->h.n_bag + more);
	double most =
	    (double)turns * TURN_WORK < effort * WORK_MAX ? (double)turns * TURN_WORK : effort * WORK_MAX;
	uint64_t begin = r->p->s.work;
	double left = 1.0;
	r->best_cost = r->h.cost + 1.0;
	note_best(r);
	for (uint64_t i = 0; turns > 0 && r->h.n_bag > 0 && left > 0.0 && goes_on(r); i++) {
		double turns_left = 1.0 - (double)i / ((double)turns + 1e-9);
		double work_left = 1.0 - (double)(r->p->s.work - begin) / most;
		left = turns_left < work_left ? turns_left : work_left;
		if (left > 0.0)
			turn(r, i, HEAT * left);
		note_best(r);
		if ((i + 1) % (turns / RELOADS + 1) == 0 && !renew(r))
			return;
	}
}

/* ---- moves for the plan ---- */

/* Puts the vector that is 1 at a free place, and 0 at all others, into the search's delta; false if it is not one of
 * small whole numbers. */
static bool put_column(struct ranks *r, uint32_t at)
{
	struct space *s = &r->h.space;
	int64_t by = 0;
	space_column_size(s, at);
	for (uint32_t d = 1; d <= DENOMINATOR; d++) {
		uint32_t i = 0;
		while (i < s->column[at].n && space_whole(s, s->column[at].place[i], at, d, &by) &&
		       by <= CHANGE_MAX && by >= -CHANGE_MAX)
			i++;
		if (i < s->column[at].n)
			continue;
		for (i = 0; i < s->column[at].n; i++) {
			uint32_t place = s->column[at].place[i];
			space_whole(s, place, at, d, &by);
			if (place < r->h.g->n_cells && !search_put(&r->p->s, place, by))
				return false;
		}
		return true;
	}
	return false;
}

/* The shortest vector of the basis that changes what the need is about, or else any. */
static bool put_move(struct ranks *r, uint32_t place)
{
	const struct space_row *row = &r->h.space.row[place];
	uint32_t best = 0;
	for (uint32_t i = 1; i < row->n; i++)
		if (r->h.space.column[row->item[i].at].n < r->h.space.column[row->item[best].at].n)
			best = i;
	for (uint32_t i = 0; i < row->n; i++) {
		search_reset(&r->p->s);
		if (put_column(r, row->item[(best + i) % row->n].at))
			return true;
	}
	return false;
}

/* The pattern as stored moves in place of those the plan had; all or none. */
static bool adopt(struct ranks *r)
{
	struct plan *p = r->p;
	bool ok = true;
	p->trial = true;
	p->n_log = 0;
	for (uint32_t i = 0; i < p->n->n; i++)
		need_assign(p, i, NONE);
	for (uint32_t i = 0; ok && i < p->n->n && !p->memory_failed; i++)
		ok = p->n->need[i].move != NONE ||
		     (put_move(r, hiding_place(&r->h, &p->n->need[i])) && move_commit(p, i));
	ok = ok && !p->memory_failed;
	search_reset(&p->s);
	if (ok)
		plan_settle(p);
	else
		plan_roll_back(p);
	return ok;
}

static uint32_t first_exact(const struct ranks *r)
{
	for (uint32_t i = 0; i < r->h.n->n; i++)
		if (!space_moves(&r->h.space, hiding_place(&r->h, &r->h.n->need[i])))
			return i;
	return NONE;
}

/* A pattern of its own for the plan's needs; false if there is none, or none in small whole numbers. */
static bool solve(struct ranks *r, bool all, unsigned effort)
{
	struct plan *p = r->p;
	bool ok = hiding_load(&r->h, all) && goes_on(r);
	p->unserved = ok ? first_exact(r) : NONE;
	ok = ok && p->unserved == NONE && release_all(r);
	if (ok)
		improve(r, effort);
	ok = ok && goes_on(r) && (effort == 0 || go_back(r));
	hiding_end(&r->h);
	return ok && adopt(r);
}

bool ranks_serve(struct plan *p, unsigned effort)
{
	struct ranks r;
	if (p->g->n_cells > CELLS_MAX)
		return false;
	grid_see_all(p->g);
	bool all = p->g->n_cells <= WHOLE_MAX || !plan_serve_all(p);
	if (p->memory_failed || plan_over_limit(p))
		return false;
	bool ok = ranks_init(&r, p) && solve(&r, all, effort);
	p->memory_failed = p->memory_failed || r.h.space.failed;
	ranks_free(&r);
	return ok;
}
