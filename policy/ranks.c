#include "policy/ranks.h"

#include <stdlib.h>
#include <string.h>

#include "policy/moves.h"
#include "policy/space.h"

#define WHOLE_MAX   20000u /* grid cells up to which everything is hidden at first */
#define HEAT        5.0    /* at first a pattern dearer by this much is taken as often as not */
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

enum { ADDED, DROPPED, HID, SHOWN };

struct step { /* of the turn being tried, for taking it back */
	uint32_t what, place;
	uint32_t first, n; /* DROPPED: the vector in kept */
};

struct ranks {
	struct plan *p;
	struct grid *g;
	const struct needs *n;
	struct space space;
	uint8_t *guarded;       /* by place: must be able to change */
	uint32_t *was;          /* grid.use before */
	uint32_t *sum_first;    /* by cell: places [first, next) of sum_of whose virtual sum holds the cell */
	uint32_t *sum_of;       /* virtual sum * 2, + 1 where the cell is taken off it */
	uint32_t *bag, *bag_at; /* hidden cells that could be shown; by cell its place in the bag, or NONE */
	uint32_t n_bag;
	uint32_t *class;
	struct space_item *vector;
	uint32_t room_vector;
	struct step *step;
	uint32_t n_steps, room_steps;
	struct space_item *kept;
	uint32_t n_kept, room_kept;
	uint32_t broken[BROKEN_MAX], n_broken;
	double cost;
	uint32_t *best; /* the cheapest bag met */
	uint32_t n_best;
	double best_cost;
};

static bool grow(struct ranks *r, void *array, uint32_t *room, uint32_t n, size_t size)
{
	void *now = NULL;
	if (n <= *room)
		return true;
	uint32_t more = *room == 0 ? 256 : *room;
	while (more < n)
		more *= 2;
	memcpy(&now, array, sizeof now);
	void *bigger = realloc(now, (size_t)more * size);
	if (bigger == NULL) {
		r->space.failed = true;
		return false;
	}
	memcpy(array, &bigger, sizeof bigger);
	*room = more;
	return true;
}

/* ---- virtual sums: parent less one child, or the children not printed ---- */

typedef void each_part(struct ranks *r, uint32_t sum, uint32_t cell, bool off);

static void walk_sum(struct ranks *r, uint32_t sum, each_part *each)
{
	const struct virt *v = &r->n->virt[sum];
	if (v->except != NONE) {
		each(r, sum, v->r.parent, false);
		each(r, sum, relation_child(r->g, &v->r, v->except), true);
		return;
	}
	for (uint32_t j = 0; j < v->r.b->n; j++)
		if (virt_holds(r->g, v, j))
			each(r, sum, relation_child(r->g, &v->r, j), false);
}

static void count_part(struct ranks *r, uint32_t sum, uint32_t cell, bool off)
{
	(void)sum;
	(void)off;
	r->sum_first[cell + 1]++;
}

static void put_part(struct ranks *r, uint32_t sum, uint32_t cell, bool off)
{
	r->sum_of[r->sum_first[cell]++] = sum * 2 + off;
}

static bool index_sums(struct ranks *r)
{
	uint32_t n = r->g->n_cells;
	r->sum_first = calloc((size_t)n + 2, sizeof *r->sum_first);
	if (r->sum_first == NULL)
		return false;
	for (uint32_t i = 0; i < r->n->n_virt; i++)
		walk_sum(r, i, count_part);
	for (uint32_t c = 0; c < n; c++)
		r->sum_first[c + 1] += r->sum_first[c];
	r->sum_of = malloc(((size_t)r->sum_first[n] + 1) * sizeof *r->sum_of);
	if (r->sum_of == NULL)
		return false;
	for (uint32_t i = 0; i < r->n->n_virt; i++)
		walk_sum(r, i, put_part);
	for (uint32_t c = n; c > 0; c--)
		r->sum_first[c] = r->sum_first[c - 1];
	r->sum_first[0] = 0;
	return true;
}

static void define_part(struct ranks *r, uint32_t sum, uint32_t cell, bool off)
{
	space_define(&r->space, r->g->n_cells + sum, cell, off);
}

/* ---- hiding and showing ---- */

static bool is_bought(const struct ranks *r, uint32_t cell)
{
	return r->bag_at[cell] != NONE;
}

static void bag_put(struct ranks *r, uint32_t cell)
{
	r->bag_at[cell] = r->n_bag;
	r->bag[r->n_bag++] = cell;
	r->g->use[cell] = 1;
	r->cost += (double)r->g->price[cell];
}

static void bag_take(struct ranks *r, uint32_t cell)
{
	uint32_t at = r->bag_at[cell];
	uint32_t last = r->bag[--r->n_bag];
	r->bag[at] = last;
	r->bag_at[last] = at;
	r->bag_at[cell] = NONE;
	r->g->use[cell] = 0;
	r->cost -= (double)r->g->price[cell];
}

static struct step *add_step(struct ranks *r, uint32_t what, uint32_t place)
{
	if (!grow(r, &r->step, &r->room_steps, r->n_steps + 1, sizeof *r->step))
		return NULL;
	r->step[r->n_steps] = (struct step){ what, place, 0, 0 };
	return &r->step[r->n_steps++];
}

static void hide(struct ranks *r, uint32_t cell)
{
	bag_put(r, cell);
	add_step(r, HID, cell);
}

static void show(struct ranks *r, uint32_t cell)
{
	bag_take(r, cell);
	add_step(r, SHOWN, cell);
}

/* Notes a step that is taken back with the vector the space left. */
static void keep_vector(struct ranks *r, uint32_t what, uint32_t place)
{
	const struct space *s = &r->space;
	if (s->failed || !grow(r, &r->kept, &r->room_kept, r->n_kept + s->n_vector, sizeof *r->kept))
		return;
	struct step *step = add_step(r, what, place);
	if (step == NULL)
		return;
	step->first = r->n_kept;
	step->n = s->n_vector;
	memcpy(r->kept + r->n_kept, s->vector, s->n_vector * sizeof *r->kept);
	r->n_kept += s->n_vector;
}

static void drop(struct ranks *r, uint32_t place)
{
	space_drop(&r->space, place);
	if (r->space.n_vector > 0)
		keep_vector(r, DROPPED, place);
}

static void add(struct ranks *r, const struct space_item *vector, uint32_t n)
{
	if (space_add(&r->space, vector, n))
		keep_vector(r, ADDED, NONE);
}

static void take_back(struct ranks *r)
{
	while (r->n_steps > 0 && !r->space.failed) {
		struct step *s = &r->step[--r->n_steps];
		if (s->what == HID)
			bag_take(r, s->place);
		else if (s->what == SHOWN)
			bag_put(r, s->place);
		else if (s->what == ADDED)
			space_impose(&r->space, r->kept + s->first, s->n);
		else
			space_add(&r->space, r->kept + s->first, s->n);
	}
	r->n_kept = 0;
}

static void keep_turn(struct ranks *r)
{
	r->n_steps = 0;
	r->n_kept = 0;
}

/* ---- the space of a pattern ---- */

static bool may_hide(const struct grid *g, uint32_t cell)
{
	return g->kind[cell] == KIND_OPEN && (g->value[cell] != 0 || g->floor == 0);
}

static uint32_t relation_vector(struct ranks *r, const struct relation *x)
{
	uint32_t n = 0;
	if (!grow(r, &r->vector, &r->room_vector, x->b->n + 1, sizeof *r->vector))
		return 0;
	if (grid_loose(r->g, x->parent))
		r->vector[n++] = (struct space_item){ x->parent, SPACE_PRIME - 1 };
	for (uint32_t j = 0; j < x->b->n; j++) {
		uint32_t c = relation_child(r->g, x, j);
		if (grid_loose(r->g, c))
			r->vector[n++] = (struct space_item){ c, 1 };
	}
	return n;
}

/* All relations, those with few loose cells first: that keeps rows short. */
static bool impose_all(struct ranks *r)
{
	struct relation_walk w;
	struct relation x;
	uint32_t longest = 0;
	for (uint32_t length = 1, next = 0; length != 0 && !r->space.failed; length = next) {
		next = 0;
		relation_begin(&w, r->g);
		while (relation_next(&w, &x)) {
			uint32_t n = relation_vector(r, &x);
			if (n == length || (length > 8 && n > longest && n <= length))
				space_impose(&r->space, r->vector, n);
			else if (n > length && (next == 0 || n < next))
				next = n;
		}
		longest = length;
		if (length >= 8 && next != 0)
			next = next * 2;
	}
	return !r->space.failed;
}

static bool load(struct ranks *r, bool all)
{
	struct grid *g = r->g;
	r->cost = 0.0;
	r->n_bag = 0;
	for (uint32_t c = 0; c < g->n_cells; c++) {
		bool bought = g->kind[c] == KIND_OPEN && g->primary[c] == 0 && g->sticky[c] == 0 &&
			      (g->use[c] != 0 || (all && may_hide(g, c)));
		r->bag_at[c] = NONE;
		if (bought)
			bag_put(r, c);
		if (grid_loose(g, c))
			space_release(&r->space, c);
	}
	if (!impose_all(r))
		return false;
	for (uint32_t i = 0; i < r->n->n_virt; i++)
		walk_sum(r, i, define_part);
	return !r->space.failed;
}

static uint32_t place_of(const struct ranks *r, const struct need *n)
{
	return n->virt == NONE ? n->cell : r->g->n_cells + n->virt;
}

static bool ranks_init(struct ranks *r, struct plan *p)
{
	uint32_t n = p->g->n_cells;
	uint32_t places = n + p->n->n_virt;
	*r = (struct ranks){ .p = p, .g = p->g, .n = p->n };
	r->guarded = calloc((size_t)places + 1, 1);
	r->was = malloc(((size_t)n + 1) * sizeof *r->was);
	r->bag = malloc(((size_t)n + 1) * sizeof *r->bag);
	r->bag_at = malloc(((size_t)n + 1) * sizeof *r->bag_at);
	r->best = malloc(((size_t)n + 1) * sizeof *r->best);
	r->class = malloc(((size_t)places + 1) * sizeof *r->class);
	if (!space_init(&r->space, n, p->n->n_virt) || r->guarded == NULL || r->was == NULL ||
	    r->bag == NULL || r->bag_at == NULL || r->best == NULL || r->class == NULL || !index_sums(r))
		return false;
	for (uint32_t i = 0; i < p->n->n; i++)
		r->guarded[place_of(r, &p->n->need[i])] = 1;
	memcpy(r->was, p->g->use, n * sizeof *r->was);
	return true;
}

static void ranks_free(struct ranks *r)
{
	space_free(&r->space);
	free(r->guarded);
	free(r->was);
	free(r->sum_first);
	free(r->sum_of);
	free(r->bag);
	free(r->bag_at);
	free(r->best);
	free(r->class);
	free(r->vector);
	free(r->step);
	free(r->kept);
}

/* ---- showing what nothing protected hangs on ---- */

/* Shows a cell, and all that becomes exact with it, if nothing protected does. */
static bool release(struct ranks *r, uint32_t cell)
{
	uint32_t n = space_class(&r->space, cell, r->class);
	if (space_moves(&r->space, cell)) {
		for (uint32_t i = 0; i < n; i++)
			if (r->guarded[r->class[i]] != 0)
				return false;
		drop(r, cell);
	}
	for (uint32_t i = 0; i < n; i++)
		if (r->class[i] < r -> g -> n_cells && is_bought(r, r->class[i]))
			show(r, r->class[i]);
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
	uint32_t n = r->n_bag;
	struct dear *d = malloc(((size_t)n + 1) * sizeof *d);
	if (d == NULL)
		return false;
	for (uint32_t i = 0; i < n; i++)
		d[i] = (struct dear){ r->g->price[r->bag[i]], r->bag[i] };
	if (n > 0)
		qsort(d, n, sizeof *d, dearest_first);
	for (uint32_t i = 0; i < n && !r->space.failed; i++) {
		if (is_bought(r, d[i].cell))
			release(r, d[i].cell);
		keep_turn(r);
	}
	free(d);
	return !r->space.failed;
}

/* ---- one turn: destroy and repair ---- */

/* Hides what the search found and adds its vector. */
static void take_found(struct ranks *r)
{
	const struct search *s = &r->p->s;
	const struct grid *g = r->g;
	uint32_t n = 0;
	for (uint32_t i = 0; i < s->n_terms; i++) {
		uint32_t cell = s->term[i].cell;
		uint32_t sums = r->sum_first[cell + 1] - r->sum_first[cell];
		if (!grow(r, &r->vector, &r->room_vector, n + 1 + sums, sizeof *r->vector))
			return;
		if (g->kind[cell] == KIND_OPEN && !grid_hidden(g, cell))
			hide(r, cell);
		uint32_t plus = s->term[i].sign > 0 ? 1 : SPACE_PRIME - 1;
		r->vector[n++] = (struct space_item){ cell, plus };
		for (uint32_t j = r->sum_first[cell]; j < r->sum_first[cell + 1]; j++)
			r->vector[n++] = (struct space_item){ g->n_cells + r->sum_of[j] / 2,
				r->sum_of[j] % 2 == 0 ? plus : SPACE_PRIME - plus };
	}
	add(r, r->vector, n);
}

static bool find(struct ranks *r, uint32_t place)
{
	struct search *s = &r->p->s;
	s->pay = true;
	s->any_room = true;
	if (place < r->g->n_cells)
		return search_find(s, place, NULL, 1, 1);
	const struct virt *v = &r->n->virt[place - r->g->n_cells];
	return search_find(s, v->r.parent, v, 1, 1);
}

/* Shows the cell and what hangs on it, protected or not; notes what is to be repaired. */
static bool destroy(struct ranks *r, uint32_t cell)
{
	uint32_t n = space_class(&r->space, cell, r->class);
	drop(r, cell);
	for (uint32_t i = 0; i < n; i++) {
		uint32_t place = r->class[i];
		if (r->guarded[place] != 0) {
			if (r->n_broken == BROKEN_MAX)
				return false;
			r->broken[r->n_broken++] = place;
		} else if (place < r->g->n_cells && is_bought(r, place)) {
			show(r, place);
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
		if (space_moves(&r->space, place))
			continue;
		if (r->cost > most || !find(r, place))
			return false;
		take_found(r);
	}
	return r->cost <= most && !r->space.failed;
}

/* Another move through the cell, so that what hangs on it can change without it. */
static bool go_around(struct ranks *r, uint32_t cell, double most)
{
	if (!find(r, cell))
		return false;
	take_found(r);
	return r->cost - (double)r->g->price[cell] <= most && release(r, cell) && r->cost <= most;
}

/* What was hidden in this turn may not be needed in the end. */
static void tidy_turn(struct ranks *r)
{
	uint32_t n = r->n_steps;
	for (uint32_t i = 0; i < n && !r->space.failed; i++)
		if (r->step[i].what == HID && is_bought(r, r->step[i].place))
			release(r, r->step[i].place);
}

/* A hidden cell that shares a vector with this one, or NONE. */
static uint32_t neighbour(struct ranks *r, uint32_t cell, uint64_t dice)
{
	const struct space_row *row = &r->space.row[cell];
	if (row->n == 0)
		return NONE;
	const struct space_column *c = &r->space.column[row->item[dice % row->n].at];
	for (uint32_t i = 0; i < NEIGHBOURS && c->n > 0; i++) {
		uint32_t place = c->place[(dice / 64 + i) % c->n];
		if (place != cell && place < r->g->n_cells && is_bought(r, place))
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
		ok = !is_bought(r, out[i]) || destroy(r, out[i]);
	for (uint32_t i = 0; i < n; i++)
		s->banned[out[i]] = (dice >> 8 & 1) != 0;
	ok = ok && repair(r, most, dice >> 16);
	for (uint32_t i = 0; i < n; i++)
		s->banned[out[i]] = 0;
	return ok;
}

static void turn(struct ranks *r, uint64_t number, double heat)
{
	struct search *s = &r->p->s;
	uint64_t dice = grid_random(r->g, 15, number, 0);
	uint64_t more = grid_random(r->g, 16, number, 0);
	uint32_t cell = r->bag[(uint32_t)dice % r->n_bag];
	double most = r->cost + heat * waiting(dice) - 1e-6;
	s->noise = NOISE;
	s->seed = number + 1;
	bool ok = (more & 3) == 0 ? go_around(r, cell, most) : rebuild(r, cell, most, more >> 2);
	if (ok) {
		tidy_turn(r);
		keep_turn(r);
	} else {
		take_back(r);
	}
	s->noise = 0.0f;
	s->seed = 0;
}

static bool goes_on(struct ranks *r)
{
	r->p->s.work += r->space.work;
	r->space.work = 0;
	return !r->space.failed && !plan_over_limit(r->p);
}

static void note_best(struct ranks *r)
{
	if (r->cost >= r->best_cost - 1e-6)
		return;
	r->best_cost = r->cost;
	r->n_best = r->n_bag;
	if (r->n_bag > 0)
		memcpy(r->best, r->bag, r->n_bag * sizeof *r->best);
}

/* All that the pattern leaves open: turns add only the vectors they need. */
static bool reload(struct ranks *r)
{
	space_free(&r->space);
	return space_init(&r->space, r->g->n_cells, r->n->n_virt) && load(r, false);
}

/* Back to the cheapest pattern met. */
static bool go_back(struct ranks *r)
{
	while (r->n_bag > 0)
		bag_take(r, r->bag[r->n_bag - 1]);
	for (uint32_t i = 0; i < r->n_best; i++)
		r->g->use[r->best[i]] = 1;
	return reload(r);
}

static void improve(struct ranks *r, unsigned effort)
{
	uint32_t more = r->n_bag < MORE_LEAST / 4  ? MORE_LEAST
			: r->n_bag < MORE_MOST / 4 ? 4 * r->n_bag
						   : MORE_MOST;
	uint64_t turns = (uint64_t)effort * (r->n_bag + more);
	uint64_t begin = r->p->s.work;
	double left = 1.0;
	r->best_cost = r->cost + 1.0;
	note_best(r);
	for (uint64_t i = 0; turns > 0 && r->n_bag > 0 && left > 0.0 && goes_on(r); i++) {
		double turns_left = 1.0 - (double)i / ((double)turns + 1e-9);
		double work_left = 1.0 - (double)(r->p->s.work - begin) / ((double)turns * TURN_WORK + 1e-9);
		left = turns_left < work_left ? turns_left : work_left;
		if (left > 0.0)
			turn(r, i, HEAT * left);
		note_best(r);
		if ((i + 1) % (turns / RELOADS + 1) == 0 && (!reload(r) || !release_all(r)))
			return;
	}
}

/* ---- moves for the plan ---- */

/* Puts the vector that is 1 at a free place, and 0 at all others, into the search's delta; false if it is not one of
 * small whole numbers. */
static bool put_column(struct ranks *r, uint32_t at)
{
	struct space *s = &r->space;
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
			if (place < r->g->n_cells && !search_put(&r->p->s, place, by))
				return false;
		}
		return true;
	}
	return false;
}

/* The shortest vector of the basis that changes what the need is about, or else any. */
static bool put_move(struct ranks *r, uint32_t place)
{
	const struct space_row *row = &r->space.row[place];
	uint32_t best = 0;
	for (uint32_t i = 1; i < row->n; i++)
		if (r->space.column[row->item[i].at].n < r->space.column[row->item[best].at].n)
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
		     (put_move(r, place_of(r, &p->n->need[i])) && move_commit(p, i));
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
	for (uint32_t i = 0; i < r->n->n; i++)
		if (!space_moves(&r->space, place_of(r, &r->n->need[i])))
			return i;
	return NONE;
}

/* A pattern of its own for the plan's needs; false if there is none, or none in small whole numbers. */
static bool solve(struct ranks *r, bool all, unsigned effort)
{
	struct plan *p = r->p;
	bool ok = load(r, all) && goes_on(r);
	p->unserved = ok ? first_exact(r) : NONE;
	ok = ok && p->unserved == NONE && release_all(r);
	if (ok)
		improve(r, effort);
	ok = ok && goes_on(r) && (effort == 0 || go_back(r)) && release_all(r);
	memcpy(p->g->use, r->was, p->g->n_cells * sizeof *r->was);
	return ok && adopt(r);
}

bool ranks_serve(struct plan *p, unsigned effort)
{
	struct ranks r;
	bool all = p->g->n_cells <= WHOLE_MAX || !plan_serve_all(p);
	if (p->memory_failed || plan_over_limit(p))
		return false;
	bool ok = ranks_init(&r, p) && solve(&r, all, effort);
	p->memory_failed = p->memory_failed || r.space.failed;
	ranks_free(&r);
	return ok;
}
