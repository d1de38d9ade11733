#include "policy/ranks.h"

#include <stdlib.h>
#include <string.h>

#include "policy/array.h"
#include "policy/first.h"
#include "policy/hiding.h"
#include "policy/moves.h"
#include "policy/twins.h"
#include "policy/whole.h"

#define WHOLE_MAX  20000u /* grid cells up to which everything is hidden at first */
#define WORK_MAX   25e6   /* items touched, for one of effort: large tables stop there */
#define HEAT       6.0    /* at first a pattern dearer by this much is taken as often as not */
#define NOISE      0.6f
#define RELOADS    8u
#define MORE_LEAST 400u /* cells' worth of turns added: small tables are soon tried out */
#define MORE_MOST  3000u
#define TURN_WORK  2000.0 /* on average */
#define OUT_MAX    3u     /* cells shown in one turn, with what hangs on them */
#define BROKEN_MAX 64u    /* protected places one turn may have to repair */
#define NEIGHBOURS 8u     /* places looked at for one */

struct ranks {
	struct plan *p;
	struct hiding h;
	uint8_t *sum_guarded; /* by virtual sum: must be able to change */
	uint32_t *class;
	uint32_t room_class;
	uint32_t broken[BROKEN_MAX], n_broken;
	uint32_t *now, *best; /* the cheapest bag met */
	uint32_t room_now, n_best, room_best;
	double best_cost;
};

static bool ranks_init(struct ranks *r, struct plan *p)
{
	*r = (struct ranks){ .p = p };
	r->sum_guarded = calloc((size_t)p->n->n_virt + 1, 1);
	if (!hiding_init(&r->h, p->g, p->n) || r->sum_guarded == NULL)
		return false;
	for (uint32_t i = 0; i < p->n->n; i++)
		if (p->n->need[i].virt != NONE)
			r->sum_guarded[p->n->need[i].virt] = 1;
	return true;
}

static void ranks_free(struct ranks *r)
{
	hiding_free(&r->h);
	free(r->sum_guarded);
	free(r->class);
	free(r->now);
	free(r->best);
}

/* The place must be able to change. */
static bool is_guarded(const struct ranks *r, uint32_t place)
{
	const struct space *s = &r->h.space;
	if (space_is_sum(s, place))
		return r->sum_guarded[place - s->first_sum] != 0;
	return r->h.n->first[r->h.cell_of[place]] != NONE;
}

/* The places that become exact with this one into r->class; 0: no memory. */
static uint32_t class_of(struct ranks *r, uint32_t place)
{
	if (!array_room(&r->class, &r->room_class, r->h.space.n, sizeof *r->class)) {
		r->h.space.failed = true;
		return 0;
	}
	return space_class(&r->h.space, place, r->class);
}

/* The class's cells that are in the bag are shown. */
static void show_class(struct ranks *r, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		uint32_t cell = r->h.cell_of[r->class[i]];
		if (cell != NONE && hiding_has(&r->h, cell))
			hiding_show(&r->h, cell);
	}
}

/* ---- showing what nothing protected hangs on ---- */

/* Shows a cell, and all that becomes exact with it, if nothing protected does. */
static bool release(struct ranks *r, uint32_t cell)
{
	uint32_t place = r->h.place_of[cell];
	uint32_t n = class_of(r, place);
	if (space_moves(&r->h.space, place)) {
		for (uint32_t i = 0; i < n; i++)
			if (is_guarded(r, r->class[i]))
				return false;
		hiding_drop(&r->h, place);
	}
	show_class(r, n);
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

static bool guarded_place(const void *ranks, uint32_t place)
{
	return is_guarded(ranks, place);
}

/* The cells in the bag with which nothing protected becomes exact, the dearest first, into *out. Showing others never
 * makes that so of one more. */
static uint32_t list_untied(struct ranks *r, struct dear **out)
{
	struct twins t;
	uint32_t n = 0;
	struct dear *d = malloc(((size_t)r->h.n_bag + 1) * sizeof *d);
	bool ok = twins_find(&t, &r->h, guarded_place, r) && d != NULL;
	for (uint32_t i = 0; ok && i < r->h.n_bag; i++)
		if (!twins_is_tied(&t, &r->h, r->h.bag[i]))
			d[n++] = (struct dear){ r->h.g->price[r->h.bag[i]], r->h.bag[i] };
	twins_free(&t);
	if (n > 1)
		qsort(d, n, sizeof *d, dearest_first);
	r->h.space.failed = r->h.space.failed || !ok;
	*out = d;
	return n;
}

static bool release_all(struct ranks *r)
{
	struct dear *d = NULL;
	uint32_t n = list_untied(r, &d);
	for (uint32_t i = 0; i < n && !r->h.space.failed; i++) {
		if (hiding_has(&r->h, d[i].cell))
			release(r, d[i].cell);
		hiding_keep(&r->h);
	}
	free(d);
	return !r->h.space.failed;
}

/* ---- one turn: destroy and repair ---- */

/* A move through what the place stands for, in the search's terms. */
static bool find(struct ranks *r, uint32_t place)
{
	if (!space_is_sum(&r->h.space, place))
		return first_find(r->p, r->h.cell_of[place], NULL);
	return first_find(r->p, NONE, &r->h.n->virt[place - r->h.space.first_sum]);
}

/* Shows the cell and what hangs on it, protected or not; notes what is to be repaired. */
static bool destroy(struct ranks *r, uint32_t cell)
{
	uint32_t n = class_of(r, r->h.place_of[cell]);
	uint32_t kept = 0;
	hiding_drop(&r->h, r->h.place_of[cell]);
	for (uint32_t i = 0; i < n; i++) {
		uint32_t place = r->class[i];
		if (!is_guarded(r, place))
			r->class[kept++] = place;
		else if (r->n_broken < BROKEN_MAX)
			r->broken[r->n_broken++] = place;
		else
			return false;
	}
	show_class(r, kept);
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
	if (!find(r, r->h.place_of[cell]))
		return false;
	hiding_add(&r->h, r->p->s.term, r->p->s.n_terms);
	return r->h.cost - (double)r->h.g->price[cell] <= most && release(r, cell) && r->h.cost <= most;
}

/* What was hidden in this turn may not be needed in the end. */
static void tidy_turn(struct ranks *r)
{
	uint32_t n = r->h.n_steps;
	for (uint32_t i = 0; i < n && !r->h.space.failed; i++)
		if (r->h.step[i].what == HIDING_HID && hiding_has(&r->h, r->h.step[i].cell))
			release(r, r->h.step[i].cell);
}

/* A hidden cell that shares a vector with this one, or NONE. */
static uint32_t neighbour(struct ranks *r, uint32_t cell, uint64_t dice)
{
	const struct space *s = &r->h.space;
	struct space_walk w = space_walk(s, r->h.place_of[cell]);
	struct space_item item = { 0 };
	uint32_t length = space_length(s, r->h.place_of[cell]);
	if (length == 0)
		return NONE;
	for (uint64_t i = 0; space_next(s, &w, &item) && i < dice % length;)
		i++;
	uint32_t at = item.at;
	uint32_t n = s->column[at].n;
	for (uint32_t i = 0; i < NEIGHBOURS && n > 0; i++) {
		uint32_t other = r->h.cell_of[space_places(s, at)[(dice / 64 + i) % n]];
		if (other != NONE && other != cell && hiding_has(&r->h, other))
			return other;
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

static bool copy_bag(struct ranks *r, uint32_t **to, uint32_t *room)
{
	if (!array_room(to, room, r->h.n_bag + 1, sizeof **to)) {
		r->h.space.failed = true;
		return false;
	}
	if (r->h.n_bag > 0)
		memcpy(*to, r->h.bag, r->h.n_bag * sizeof **to);
	return true;
}

static void note_best(struct ranks *r)
{
	if (r->h.cost >= r->best_cost - 1e-6)
		return;
	r->best_cost = r->h.cost;
	r->n_best = copy_bag(r, &r->best, &r->room_best) ? r->h.n_bag : 0;
}

/* Back to the cheapest pattern met, with all that it leaves open: turns add only the vectors they need. */
static bool go_back(struct ranks *r)
{
	return hiding_reload(&r->h, r->best, r->n_best) && release_all(r);
}

static bool renew(struct ranks *r)
{
	return copy_bag(r, &r->now, &r->room_now) && hiding_reload(&r->h, r->now, r->h.n_bag) &&
	       release_all(r);
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

/* A pattern of its own for the plan's needs; false if there is none, or none in small whole numbers. */
static bool solve(struct ranks *r, bool all, unsigned effort)
{
	bool ok = first_pattern(r->p, all) && hiding_load(&r->h) && goes_on(r) && release_all(r);
	if (ok)
		improve(r, effort);
	ok = ok && goes_on(r) && (effort == 0 || go_back(r));
	if (ok)
		return whole_adopt(r->p, &r->h);
	hiding_end(&r->h);
	return false;
}

/* Needs without moves; what is protected by them is hidden all the same. */
static void start_anew(struct plan *p)
{
	for (uint32_t i = 0; i < p->n->n; i++)
		need_assign(p, i, NONE);
	for (uint32_t i = 0; i < p->n->n; i++) {
		uint32_t c = p->n->need[i].cell;
		if (p->n->need[i].virt == NONE && p->g->kind[c] == KIND_OPEN && !grid_hidden(p->g, c))
			p->g->use[c] = 1; /* for a rule that hides more than it protects (extra.h) */
	}
}

bool ranks_serve(struct plan *p, unsigned effort)
{
	return ranks_serve_from(p, p->g->n_cells <= WHOLE_MAX, effort);
}

bool ranks_serve_from(struct plan *p, bool all, unsigned effort)
{
	struct ranks r;
	start_anew(p);
	bool ok = ranks_init(&r, p) && solve(&r, all, effort);
	p->memory_failed = p->memory_failed || r.h.space.failed;
	ranks_free(&r);
	return ok;
}
