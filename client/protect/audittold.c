/* What follows by subtraction from everything that may be printed, and what can only be small beside it (R9, R12). */
#include <stdlib.h>
#include <string.h>

#include "client/protect/auditledger.h"

#define UNKNOWN_NONE UINT64_MAX

struct sheet { /* one relation */
	uint64_t parent;
	const struct breakdown *b;
	uint64_t stride;
};

typedef bool take_sheet(struct audit *a, const struct sheet *s);

static uint64_t child_of(const struct sheet *s, uint32_t i)
{
	return s->parent + (s->b->child[i] - (uint64_t)s->b->parent) * s->stride;
}

/* True if it was true for some relation. from: the first dimension; that of releases, if there is one, is 0. */
static bool each_sheet_from(struct audit *a, uint32_t from, take_sheet *take)
{
	bool some = false;
	for (uint32_t d = from; d < a->g->n_dims; d++)
		for (uint32_t k = 0; k < a->g->dim[d].n_breakdowns; k++) {
			struct sheet s = { .b = &a->g->dim[d].breakdown[k], .stride = a->g->stride[d] };
			uint64_t block = s.stride * a->g->dim[d].n_codes;
			for (uint64_t high = 0; high < a->g->n_cells; high += block)
				for (uint64_t low = high; low < high + s.stride; low++) {
					s.parent = low + s.b->parent * s.stride;
					some |= take(a, &s);
				}
		}
	return some;
}

static bool each_sheet(struct audit *a, take_sheet *take)
{
	return each_sheet_from(a, a->releases != NULL, take);
}

static bool is_unknown(const struct audit *a, uint64_t cell)
{
	bool told = a->told[cell] != TOLD_NOTHING && a->told[cell] != TOLD_FEW;
	return a->g->live[cell] != 0 && !audit_printed(a, cell) && !told;
}

/* Neither left nor follows from what did. */
static bool is_kept(const struct audit *a, uint64_t cell)
{
	return a->g->live[cell] != 0 && !audit_has_left(a, cell) && a->told[cell] != TOLD_GONE;
}

typedef bool is_open(const struct audit *a, uint64_t cell);

/* All but one cell of the relation are known: so is that one. */
static bool solve_by(struct audit *a, const struct sheet *s, is_open *open, enum told how)
{
	uint64_t which = open(a, s->parent) ? s->parent : UNKNOWN_NONE;
	for (uint32_t i = 0; i < s->b->n; i++) {
		if (!open(a, child_of(s, i)))
			continue;
		if (which != UNKNOWN_NONE)
			return false;
		which = child_of(s, i);
	}
	if (which == UNKNOWN_NONE)
		return false;
	a->told[which] = (uint8_t)how;
	return true;
}

static bool solve(struct audit *a, const struct sheet *s)
{
	return solve_by(a, s, is_unknown, TOLD_FOLLOWS);
}

static bool solve_left(struct audit *a, const struct sheet *s)
{
	return solve_by(a, s, is_kept, TOLD_GONE);
}

/* A parent of one living child is that child: it is judged once. */
static bool find_twice(struct audit *a, const struct sheet *s)
{
	uint64_t only = UNKNOWN_NONE;
	uint32_t living = 0;
	for (uint32_t i = 0; i < s->b->n; i++)
		if (a->g->live[child_of(s, i)] != 0) {
			only = child_of(s, i);
			living++;
		}
	if (living != 1)
		return false;
	if (a->told[only] == TOLD_FOLLOWS && !audit_printed(a, only))
		a->told[only] = TOLD_TWICE;
	else if (a->told[s->parent] == TOLD_FOLLOWS && audit_printed(a, only))
		a->told[s->parent] = TOLD_TWICE;
	return false;
}

bool audit_tell(struct audit *a)
{
	a->told = calloc(a->g->n_cells, sizeof *a->told);
	if (a->told == NULL)
		return err_set(a->e, ERR_MEMORY, "no memory");
	bool more = a->out != NULL;
	while (more)
		more = each_sheet(a, solve_left);
	for (more = true; more;)
		more = each_sheet(a, solve);
	each_sheet(a, find_twice);
	return true;
}

/* ---- at least, and at most ---- */

#define ROUNDS    8 /* docs/disclosure.md, R12 */
#define UNBOUNDED (INT64_C(1) << 54)
#define ENDLESS   (INT64_C(1) << 60) /* a sum of many unbounded ones */

struct limits {
	int64_t low, high;
};

struct reckoning {
	struct audit *a;
	struct limits *now, *then;
	bool open; /* as to all offices together: everything counted is known */
	bool news;
};

static bool is_difference(const struct audit *a, uint64_t cell)
{
	return a->releases != NULL && cell >= auditledger_n_counts(a);
}

/* A rule names it, and nobody is told. */
static bool is_secret(const struct audit *a, uint64_t cell)
{
	return a->named[cell] != 0 && !a->reckoning->open;
}

/* Before the first round. */
static struct limits given(const struct audit *a, uint64_t cell)
{
	int64_t v = a->g->truth[cell];
	int64_t floor = a->p->zeros == ZEROS_PUBLISHED && is_secret(a, cell) ? audit_printed(a, cell) : 0;
	if (a->g->live[cell] == 0)
		return (struct limits){ 0, 0 };
	if (is_difference(a, cell))
		return (struct limits){ -UNBOUNDED, UNBOUNDED };
	return !is_secret(a, cell) && !is_unknown(a, cell) ? (struct limits){ v, v }
							   : (struct limits){ floor, UNBOUNDED };
}

/* What the relation leaves to its unknown children is less than the threshold from the beginning. A nought, where no nought
 * is hidden, says that they all are noughts. */
static bool says_nothing(const struct audit *a, const struct sheet *s)
{
	struct limits top = given(a, s->parent);
	int64_t rest = top.low;
	bool releases =
	    a->releases != NULL && s->stride == a->own_cells; /* what two of them say of one cell */
	if (a->reckoning->open || releases || top.low < top.high ||
	    (top.high == 0 && a->p->zeros == ZEROS_PUBLISHED))
		return false;
	for (uint32_t i = 0; i < s->b->n; i++) {
		struct limits part = given(a, child_of(s, i));
		rest -= part.low == part.high ? part.low : 0;
	}
	return rest < (int64_t)a->p->threshold;
}

static void learn(struct reckoning *r, uint64_t cell, int64_t low, int64_t high)
{
	struct limits *l = &r->then[cell];
	if (is_secret(r->a, cell))
		return; /* it can be more */
	r->news |= low > l->low || high < l->high;
	l->low = low > l->low ? low : l->low;
	l->high = high < l->high ? high : l->high;
}

static bool reckon(struct audit *a, const struct sheet *s)
{
	struct reckoning *r = a->reckoning;
	struct limits all = { 0, 0 };
	struct limits top = r->now[s->parent];
	if (says_nothing(a, s))
		return false;
	for (uint32_t i = 0; i < s->b->n; i++) {
		all.low += r->now[child_of(s, i)].low;
		all.low = all.low < -ENDLESS ? -ENDLESS : all.low;
		all.high += r->now[child_of(s, i)].high;
		all.high = all.high > ENDLESS ? ENDLESS : all.high;
	}
	learn(r, s->parent, all.low, all.high);
	for (uint32_t i = 0; i < s->b->n; i++) {
		struct limits part = r->now[child_of(s, i)];
		learn(r, child_of(s, i), all.high == ENDLESS ? -ENDLESS : top.low - (all.high - part.high),
		    all.low == -ENDLESS ? ENDLESS : top.high - (all.low - part.low));
	}
	return r->news;
}

static void reckon_all(struct audit *a)
{
	struct reckoning *r = a->reckoning;
	uint64_t n = a->g->n_cells;
	r->news = true;
	for (uint64_t c = 0; c < n; c++)
		r->now[c] = r->then[c] = given(a, c);
	for (uint32_t i = 0; r->news && i < ROUNDS; i++) {
		r->news = false;
		each_sheet_from(a, 0, reckon);
		memcpy(r->now, r->then, n * sizeof *r->now);
	}
}

/* What can only be few, less the noughts that the offices' own figures leave no doubt of, where noughts may be known. */
static void mark_few(struct audit *a)
{
	struct reckoning *r = a->reckoning;
	uint64_t n = a->g->n_cells;
	bool noughts = false;
	reckon_all(a);
	for (uint64_t c = 0; c < n; c++) {
		int64_t high = r->now[c].high;
		if (!is_unknown(a, c) || is_difference(a, c) || a->named[c] != 0 ||
		    high >= (int64_t)a->p->threshold || (high <= 0 && a->p->zeros != ZEROS_SENSITIVE))
			continue;
		a->told[c] = TOLD_FEW;
		noughts = noughts || a->g->truth[c] == 0;
	}
	if (!noughts || a->p->zeros != ZEROS_PUBLISHED)
		return;
	r->open = true;
	reckon_all(a);
	for (uint64_t c = 0; c < n; c++)
		if (a->told[c] == TOLD_FEW && r->now[c].high == 0)
			a->told[c] = TOLD_NOTHING;
}

bool audit_bound(struct audit *a)
{
	struct reckoning r = { .a = a };
	uint64_t n = a->g->n_cells;
	uint64_t first = 0;
	while (first < n && !is_unknown(a, first))
		first++;
	if (first == n)
		return true;
	a->reckoning = &r;
	r.now = calloc(n, sizeof *r.now);
	r.then = calloc(n, sizeof *r.then);
	bool ok = (r.now != NULL && r.then != NULL) || err_set(a->e, ERR_MEMORY, "no memory");
	if (ok)
		mark_few(a);
	a->reckoning = NULL;
	free(r.now);
	free(r.then);
	return ok;
}
