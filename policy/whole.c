#include "policy/whole.h"

#include <stdlib.h>
#include <string.h>

#include "policy/array.h"
#include "policy/moves.h"

#define DENOMINATOR 60u                /* of a vector in whole numbers, at most */
#define CHANGE_MAX  (INT64_C(1) << 24) /* of one cell */
#define FACTORS     7u                 /* a vector is taken so many times at most, at first */
#define TRIES       64                 /* factors tried where sums came to nought */
#define TIES_MAX    16u                /* needs named for one cell */

struct whole {
	struct plan *p;
	struct hiding *h;
	struct space *s;
	int64_t *by;        /* by place: its change so far */
	uint32_t *sum_need; /* by virtual sum: a need of it, or NONE */
};

static bool is_guarded(const struct whole *w, uint32_t place)
{
	if (space_is_sum(w->s, place))
		return w->sum_need[place - w->s->first_sum] != NONE;
	return w->p->n->first[w->h->cell_of[place]] != NONE;
}

/* The vector that is 1 at this free place and 0 at the others is one of whole numbers when taken so many times; 0: not
 * of small ones. */
static uint32_t denominator(struct space *s, uint32_t at)
{
	int64_t by = 0;
	uint32_t n = space_column_size(s, at);
	for (uint32_t d = 1; d <= DENOMINATOR; d++) {
		uint32_t i = 0;
		while (i < n && space_whole(s, s->column[at].place[i], at, d, &by))
			i++;
		if (i == n)
			return d;
	}
	return 0;
}

/* Would all that is protected change, and nothing by too much, with that vector taken m times more? */
static bool fits(const struct whole *w, uint32_t at, uint32_t d, int64_t m)
{
	const struct space_column *c = &w->s->column[at];
	int64_t by = 0;
	for (uint32_t i = 0; i < c->n; i++) {
		space_whole(w->s, c->place[i], at, d, &by);
		by = w->by[c->place[i]] + by * m;
		if (by > CHANGE_MAX || by < -CHANGE_MAX || (by == 0 && is_guarded(w, c->place[i])))
			return false;
	}
	return true;
}

static void take(const struct whole *w, uint32_t at, uint32_t d, int64_t m)
{
	const struct space_column *c = &w->s->column[at];
	int64_t by = 0;
	for (uint32_t i = 0; i < c->n; i++) {
		space_whole(w->s, c->place[i], at, d, &by);
		w->by[c->place[i]] += by * m;
	}
}

static void take_all(const struct whole *w)
{
	for (uint32_t at = 0; at < w->s->n; at++) {
		const struct space_row *r = &w->s->row[at];
		if (r->n != 1 || r->item[0].at != at)
			continue;
		uint32_t d = denominator(w->s, at);
		uint64_t dice = grid_random(w->h->g, 22, at, 0);
		int64_t m = 1 + (int64_t)(dice / 2 % FACTORS);
		if (d != 0)
			take(w, at, d, dice % 2 == 0 ? m : -m);
	}
}

/* A protected place whose change came to nought, or too far, by chance. */
static bool mend(const struct whole *w, uint32_t place)
{
	const struct space_row *r = &w->s->row[place];
	for (uint32_t i = 0; i < r->n; i++) {
		uint32_t at = r->item[i].at;
		uint32_t d = denominator(w->s, at);
		for (int64_t m = 1; d != 0 && m <= TRIES; m++)
			for (int side = -1; side <= 1; side += 2)
				if (fits(w, at, d, side * m)) {
					take(w, at, d, side * m);
					return true;
				}
	}
	return false;
}

static bool change_everything(const struct whole *w)
{
	take_all(w);
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

static bool tie(struct whole *w, uint32_t cell, const uint32_t *class, uint32_t n)
{
	struct plan *p = w->p;
	uint32_t named = 0;
	for (uint32_t i = 0; i < n && named < TIES_MAX; i++) {
		if (!is_guarded(w, class[i]))
			continue;
		if (!array_room(&p->tie, &p->room_ties, p->n_ties + 1, sizeof *p->tie))
			return false;
		bool sum = space_is_sum(w->s, class[i]);
		p->tie[p->n_ties++] = (struct tie){ cell, sum ? w->sum_need[class[i] - w->s->first_sum]
							      : p->n->first[w->h->cell_of[class[i]]] };
		named++;
	}
	return true;
}

static int by_tied(const void *a, const void *b)
{
	const struct tie *x = a;
	const struct tie *y = b;
	if (x->cell != y->cell)
		return x->cell < y->cell ? -1 : 1;
	return (x->need > y->need) - (x->need < y->need);
}

static bool tie_all(struct whole *w)
{
	uint32_t *class = malloc(((size_t)w->s->n + 1) * sizeof *class);
	bool ok = class != NULL;
	w->p->n_ties = 0;
	for (uint32_t i = 0; ok && i < w->h->n_bag; i++) {
		uint32_t cell = w->h->bag[i];
		ok = tie(w, cell, class, space_class(w->s, w->h->place_of[cell], class));
	}
	if (ok && w->p->n_ties > 1)
		qsort(w->p->tie, w->p->n_ties, sizeof *w->p->tie, by_tied);
	free(class);
	return ok;
}

uint32_t whole_ties(const struct plan *p, uint32_t cell, uint32_t *n)
{
	uint32_t low = 0;
	uint32_t high = p->n_ties;
	while (low < high) {
		uint32_t mid = (low + high) / 2;
		if (p->tie[mid].cell < cell)
			low = mid + 1;
		else
			high = mid;
	}
	*n = 0;
	while (low + *n < p->n_ties && p->tie[low + *n].cell == cell)
		(*n)++;
	return low;
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
	if (w.by == NULL || w.sum_need == NULL) {
		p->memory_failed = true;
		hiding_end(h);
		goto done;
	}
	memset(w.sum_need, 0xff, p->n->n_virt * sizeof *w.sum_need);
	for (uint32_t i = p->n->n; i-- > 0;)
		if (p->n->need[i].virt != NONE)
			w.sum_need[p->n->need[i].virt] = i;
	ok = change_everything(&w);
	p->memory_failed = ok && !tie_all(&w);
	hiding_end(h);
	if (!ok || p->memory_failed)
		goto done;
	uint32_t move = store(&w);
	p->memory_failed = move == NONE;
	ok = move != NONE && serve_all(p, move);
done:
	free(w.by);
	free(w.sum_need);
	return ok && !p->memory_failed;
}
