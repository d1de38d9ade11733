#include "policy/whole.h"

#include <stdlib.h>
#include <string.h>

#include "policy/array.h"
#include "policy/moves.h"
#include "policy/twins.h"

#define DENOMINATOR 60u                /* of a vector in whole numbers, at most */
#define SMALL       UINT32_C(1000)     /* whole, however often it is taken */
#define CHANGE_MAX  (INT64_C(1) << 24) /* of one cell */
#define FACTORS     7u                 /* a vector is taken so many times at most, at first */
#define TRIES       64                 /* factors tried where sums came to nought */
#define TIES_MAX    16u                /* needs named for one cell */

struct whole {
	struct plan *p;
	struct hiding *h;
	struct space *s;
	int64_t *by;        /* by place: its change so far */
	uint8_t *least;     /* by free place: makes its vector one of whole numbers; 0: none does */
	uint32_t *sum_need; /* by virtual sum: a need of it, or NONE */
};

static bool is_guarded(const struct whole *w, uint32_t place)
{
	if (space_is_sum(w->s, place))
		return w->sum_need[place - w->s->first_sum] != NONE;
	return w->p->n->first[w->h->cell_of[place]] != NONE;
}

/* The vector that is 1 at this free place and 0 at the others is one of whole numbers when taken so many times, or more;
 * 0: not of small ones. */
static uint8_t raise(uint8_t d, uint32_t by)
{
	int64_t whole = 0;
	if (by <= SMALL || by >= SPACE_PRIME - SMALL)
		return d;
	while (d != 0 && !space_whole(by, d, &whole))
		d = d < DENOMINATOR ? d + 1 : 0;
	return d;
}

/* How often each free place's vector must be taken at least, for all of them into w->least. */
static void find_denominators(const struct whole *w)
{
	memset(w->least, 1, w->s->n);
	for (bool more = true; more;) { /* what does for one row may not do for another */
		more = false;
		for (uint32_t i = 0; i < w->s->n; i++) {
			struct space_walk row = space_walk(w->s, i);
			struct space_item item;
			while (space_next(w->s, &row, &item)) {
				uint8_t d = raise(w->least[item.at], item.by);
				more = more || d != w->least[item.at];
				w->least[item.at] = d;
			}
		}
	}
}

/* Would all that is protected change, and nothing by too much, with that vector taken m times more? */
static bool fits(const struct whole *w, uint32_t at, int64_t m)
{
	const uint32_t *place = space_places(w->s, at);
	int64_t by = 0;
	for (uint32_t i = 0; i < w->s->column[at].n; i++) {
		space_whole(space_change(w->s, place[i], at), w->least[at], &by);
		by = w->by[place[i]] + by * m;
		if (by > CHANGE_MAX || by < -CHANGE_MAX || (by == 0 && is_guarded(w, place[i])))
			return false;
	}
	return true;
}

static void take(const struct whole *w, uint32_t at, int64_t m)
{
	const uint32_t *place = space_places(w->s, at);
	int64_t by = 0;
	for (uint32_t i = 0; i < w->s->column[at].n; i++) {
		space_whole(space_change(w->s, place[i], at), w->least[at], &by);
		w->by[place[i]] += by * m;
	}
}

/* Every vector, a few times or the other way round. */
static int64_t times_taken(const struct whole *w, uint32_t at)
{
	uint64_t dice = grid_random(w->h->g, 22, at, 0);
	int64_t m = 1 + (int64_t)(dice / 2 % FACTORS);
	return dice % 2 == 0 ? m : -m;
}

static bool take_all(const struct whole *w)
{
	int8_t *m = malloc((size_t)w->s->n + 1);
	for (uint32_t i = 0; m != NULL && i < w->s->n; i++)
		if (space_is_free(w->s, i))
			m[i] = (int8_t)times_taken(w, i);
	for (uint32_t i = 0; m != NULL && i < w->s->n; i++) {
		struct space_walk row = space_walk(w->s, i);
		struct space_item item;
		while (space_next(w->s, &row, &item)) {
			int64_t by = 0;
			if (w->least[item.at] != 0 && space_whole(item.by, w->least[item.at], &by))
				w->by[i] += by * m[item.at];
		}
	}
	free(m);
	return m != NULL;
}

/* A protected place whose change came to nought, or too far, by chance. */
static bool mend(const struct whole *w, uint32_t place)
{
	struct space_walk row = space_walk(w->s, place);
	struct space_item item;
	while (space_next(w->s, &row, &item)) {
		uint32_t at = item.at;
		space_tidy(w->s, at);
		for (int64_t m = 1; w->least[at] != 0 && m <= TRIES; m++)
			for (int side = -1; side <= 1; side += 2)
				if (fits(w, at, side * m)) {
					take(w, at, side * m);
					return true;
				}
	}
	return false;
}

static bool change_everything(const struct whole *w)
{
	find_denominators(w);
	if (!take_all(w)) {
		w->p->memory_failed = true;
		return false;
	}
	for (uint32_t i = 0; i < w->s->n; i++)
		if (w->by[i] == 0 && is_guarded(w, i) && !mend(w, i))
			return false;
	for (uint32_t i = 0; i < w->s->n; i++)
		if (w->by[i] > CHANGE_MAX || w->by[i] < -CHANGE_MAX)
			return false;
	return !w->s->failed;
}

static int by_cell(const void *a, const void *b)
{
	const struct term *x = a;
	const struct term *y = b;
	return (x->cell > y->cell) - (x->cell < y->cell);
}

/* The change as a stored move; NONE: no memory. */
static uint32_t store(const struct whole *w)
{
	uint32_t n = 0;
	struct term *term = malloc(((size_t)w->s->n + 1) * sizeof *term);
	if (term == NULL)
		return NONE;
	for (uint32_t i = 0; i < w->s->n; i++)
		if (w->by[i] != 0 && !space_is_sum(w->s, i))
			term[n++] = (struct term){ w->h->cell_of[i], (int32_t)w->by[i] };
	if (n > 1)
		qsort(term, n, sizeof *term, by_cell);
	uint32_t move = move_store_terms(w->p, term, n);
	free(term);
	return move;
}

/* ---- what hangs on each cell ---- */

static int by_tied(const void *a, const void *b)
{
	const struct tie *x = a;
	const struct tie *y = b;
	if (x->cell != y->cell)
		return x->cell < y->cell ? -1 : 1;
	return (x->need > y->need) - (x->need < y->need);
}

static bool guarded_place(const void *whole, uint32_t place)
{
	return is_guarded(whole, place);
}

static uint32_t need_of(const struct whole *w, uint32_t place)
{
	return space_is_sum(w->s, place) ? w->sum_need[place - w->s->first_sum]
					 : w->p->n->first[w->h->cell_of[place]];
}

/* The needs by the slots of twins, in the order of places. */
static bool list_guarded(const struct whole *w, const struct twins *t, struct tie **out, uint32_t *n)
{
	uint32_t room = 0;
	for (uint32_t i = 0; i < w->s->n; i++) {
		uint32_t slot = is_guarded(w, i) ? twins_slot(t, w->s, i) : NONE;
		if (slot == NONE)
			continue;
		if (!array_room(out, &room, *n + 1, sizeof **out))
			return false;
		(*out)[(*n)++] = (struct tie){ slot, need_of(w, i) };
	}
	if (*n > 1)
		qsort(*out, *n, sizeof **out, by_tied);
	return true;
}

/* The first of those that are about this cell or slot. */
static uint32_t find_tie(const struct tie *tie, uint32_t n, uint32_t cell)
{
	uint32_t low = 0;
	uint32_t high = n;
	while (low < high) {
		uint32_t mid = (low + high) / 2;
		if (tie[mid].cell < cell)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static bool tie_cell(struct plan *p, uint32_t cell, const struct tie *tie, uint32_t n)
{
	for (uint32_t i = 0; i < n && i < TIES_MAX && tie[i].cell == tie[0].cell; i++) {
		if (!array_room(&p->tie, &p->room_ties, p->n_ties + 1, sizeof *p->tie))
			return false;
		p->tie[p->n_ties++] = (struct tie){ cell, tie[i].need };
	}
	return true;
}

static bool tie_all(struct whole *w)
{
	struct twins t;
	struct tie *tie = NULL;
	uint32_t n = 0;
	bool ok = twins_find(&t, w->h, guarded_place, w) && list_guarded(w, &t, &tie, &n);
	w->p->n_ties = 0;
	for (uint32_t i = 0; ok && i < w->h->n_bag; i++) {
		uint32_t cell = w->h->bag[i];
		uint32_t slot = twins_slot(&t, w->s, w->h->place_of[cell]);
		uint32_t at = find_tie(tie, n, slot);
		if (at < n && tie[at].cell == slot)
			ok = tie_cell(w->p, cell, tie + at, n - at);
	}
	if (ok && w->p->n_ties > 1)
		qsort(w->p->tie, w->p->n_ties, sizeof *w->p->tie, by_tied);
	twins_free(&t);
	free(tie);
	return ok;
}

uint32_t whole_ties(const struct plan *p, uint32_t cell, uint32_t *n)
{
	uint32_t at = find_tie(p->tie, p->n_ties, cell);
	*n = 0;
	while (at + *n < p->n_ties && p->tie[at + *n].cell == cell)
		(*n)++;
	return at;
}

/* ---- the plan ---- */

static bool serve_all(struct plan *p, uint32_t move)
{
	for (uint32_t i = 0; i < p->n->n; i++)
		if (!move_serves(p, i, move)) {
			move_retire(p, move);
			return false;
		}
	for (uint32_t i = 0; i < p->n->n; i++)
		need_assign(p, i, move);
	p->whole = move;
	return !p->memory_failed;
}

bool whole_adopt(struct plan *p, struct hiding *h)
{
	struct whole w = { .p = p, .h = h, .s = &h->space };
	bool ok = false;
	w.by = calloc((size_t)w.s->n + 1, sizeof *w.by);
	w.sum_need = malloc(((size_t)p->n->n_virt + 1) * sizeof *w.sum_need);
	w.least = malloc((size_t)w.s->n + 1);
	if (w.by == NULL || w.sum_need == NULL || w.least == NULL) {
		p->memory_failed = true;
		hiding_end(h);
		goto done;
	}
	memset(w.sum_need, 0xff, p->n->n_virt * sizeof *w.sum_need);
	for (uint32_t i = p->n->n; i-- > 0;)
		if (p->n->need[i].virt != NONE)
			w.sum_need[p->n->need[i].virt] = i;
	ok = change_everything(&w);
	p->memory_failed = p->memory_failed || (ok && !tie_all(&w));
	hiding_end(h);
	if (!ok || p->memory_failed)
		goto done;
	uint32_t move = store(&w);
	p->memory_failed = move == NONE;
	ok = move != NONE && serve_all(p, move);
done:
	free(w.by);
	free(w.sum_need);
	free(w.least);
	return ok && !p->memory_failed;
}
