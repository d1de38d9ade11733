/* Of a correction: is every difference of a few persons between two releases in doubt for the public and every set of offices
 * that may pool, and do the lines about it name whom they must? Written from docs/disclosure.md, "Corrections". */
#include <stdlib.h>
#include <string.h>

#include "client/protect/auditledger.h"

struct difference {
	struct audit *a;
	struct subject s;
	int64_t value;
	uint32_t *office; /* the changed ones below it */
	int64_t *own;     /* the change of each */
	uint32_t n;
	uint32_t who[POOL_LIMIT + 1]; /* attackers who pool */
	uint32_t n_who;
};

static int64_t size_of(int64_t v)
{
	return v < 0 ? -v : v;
}

static bool is_few(const struct difference *d, int64_t v)
{
	return v != 0 && size_of(v) < (int64_t)d->a->p->threshold;
}

static void difference_look_at(struct difference *d, uint64_t cell)
{
	const struct audit *a = d->a;
	d->s.cell = cell;
	d->value = a->g->truth[cell];
	d->n = 0;
	for (uint32_t i = 0; a->office_dim != NO_OFFICE && i < a->n_offices; i++) {
		uint64_t part = audit_part(a, cell, a->office[i]);
		if (part == UINT64_MAX || a->g->live[part] == 0)
			continue;
		d->office[d->n] = a->office[i];
		d->own[d->n++] = a->g->truth[part];
	}
}

static bool is_among(const struct difference *d, uint32_t office)
{
	for (uint32_t i = 0; i < d->n_who; i++)
		if (d->who[i] == office)
			return true;
	return false;
}

/* What the pool's own changes leave; *all: nobody else changed. */
static int64_t rest_of(const struct difference *d, bool *all)
{
	int64_t rest = d->value;
	uint32_t held = 0;
	for (uint32_t i = 0; i < d->n; i++)
		if (is_among(d, d->office[i])) {
			rest -= d->own[i];
			held++;
		}
	*all = d->n_who > 0 && held == d->n;
	return rest;
}

/* Is the pool to be left in doubt about the rest? */
static bool is_asked(const struct difference *d, int64_t rest, bool all)
{
	bool learns = d->a->p->residual != RESIDUAL_NO || rest == d->value;
	return !all && learns && is_few(d, rest);
}

/* A move of this difference, in the rest's own direction, far enough, that the pool cannot rule out. */
static const struct line *answer(const struct difference *d, int64_t rest)
{
	const struct audit *a = d->a;
	int64_t up = (int64_t)a->p->threshold - size_of(rest);
	int64_t amp = up > (int64_t)a->p->width ? up : (int64_t)a->p->width;
	uint32_t at = audit_first(a, &d->s);
	const struct line *l = NULL;
	while ((l = audit_next(a, &d->s, &at)) != NULL) {
		int64_t by = audit_moved(a, l);
		if ((a->l1 ? by != 0 : (rest < 0 ? -by : by) >= amp) &&
		    !audit_touches(a, l, d->who, d->n_who))
			return l;
	}
	return NULL;
}

static bool holds_against(struct difference *d, uint32_t from);

static bool holds_with(struct difference *d, uint32_t office, uint32_t from)
{
	d->who[d->n_who++] = office;
	bool ok = holds_against(d, from);
	d->n_who--;
	return ok;
}

/* The pool, and every larger one. Who touches no answer and changed nothing adds nothing to it. Those with a change of
 * their own are added in their order, from place `from` on. */
static bool holds_against(struct difference *d, uint32_t from)
{
	bool all = false;
	int64_t rest = rest_of(d, &all);
	const struct line *l = NULL;
	if (all)
		return true;
	if (is_asked(d, rest, all)) {
		d->a->report->needs++;
		l = answer(d, rest);
		if (l == NULL)
			return false;
	}
	if (d->n_who == d->a->pool)
		return true;
	for (uint32_t i = from; i < d->n; i++)
		if (d->own[i] != 0 && !is_among(d, d->office[i]) && !holds_with(d, d->office[i], i + 1))
			return false;
	for (uint32_t i = 0; l != NULL && i < d->a->n_offices; i++) {
		uint32_t office = d->a->office[i];
		if (!is_among(d, office) && audit_touches(d->a, l, &office, 1) &&
		    !holds_with(d, office, from))
			return false;
	}
	return true;
}

/* Does some pool of at most `left` more learn a few? */
static bool somebody_learns(struct difference *d, uint32_t from, uint32_t left)
{
	bool all = false;
	int64_t rest = rest_of(d, &all);
	if (is_asked(d, rest, all))
		return true;
	for (uint32_t i = from; left > 0 && i < d->n; i++) {
		d->who[d->n_who++] = d->office[i];
		bool found = somebody_learns(d, i + 1, left - 1);
		d->n_who--;
		if (found)
			return true;
	}
	return false;
}

/* ---- whom lines name ---- */

struct named { /* the lines of a difference in one direction */
	struct difference *d;
	bool down;
	bool slots; /* some stand in slots */
	uint32_t n_sets;
};

static struct line *next_named(const struct named *k, uint32_t *at)
{
	const struct audit *a = k->d->a;
	struct line *l;
	while ((l = audit_next(a, &k->d->s, at)) != NULL)
		if (l->rule == RULE_DIFFERENCE && (audit_moved(a, l) < 0) == k->down)
			return l;
	return NULL;
}

/* Offices that sent other figures here, and changed this. */
static bool has_own(const struct difference *d, uint32_t office)
{
	for (uint32_t i = 0; i < d->n; i++)
		if (d->office[i] == office)
			return d->own[i] != 0;
	return false;
}

/* Do slots stand for the pool? Of single offices only for those that changed nothing here. */
static bool in_slots(const struct named *k)
{
	const struct difference *d = k->d;
	return k->slots && (d->a->pool > 1 || d->n_who == 0 || !has_own(d, d->who[0]));
}

/* Must a line name the pool by itself? It learns a few in this direction, and nobody can join it and learn no other figure. */
static bool is_named(const struct named *k)
{
	const struct difference *d = k->d;
	const struct audit *a = d->a;
	bool all = false;
	int64_t rest = rest_of(d, &all);
	if (!is_asked(d, rest, all) || (rest < 0) != k->down || in_slots(k))
		return false;
	for (uint32_t i = 0; d->n_who < a->pool && i < a->n_offices; i++)
		if (!is_among(d, a->office[i]) && !has_own(d, a->office[i]))
			return false;
	return true;
}

static bool has_line(const struct named *k)
{
	struct line want = { .n_offices = k->d->n_who };
	uint32_t at = audit_first(k->d->a, &k->d->s);
	memcpy(want.office, k->d->who, k->d->n_who * sizeof *want.office);
	for (const struct line *l; (l = next_named(k, &at)) != NULL;)
		if (l->slot == UINT32_MAX && audit_same_offices(l, &want))
			return true;
	return false;
}

/* Every pool of those chosen so far and offices from place `from` on that must be named is. */
static bool all_named(struct named *k, uint32_t from)
{
	struct difference *d = k->d;
	if (++k->n_sets > AUDIT_SETS_MAX || (is_named(k) && !has_line(k)))
		return false;
	for (uint32_t i = from; d->n_who < d->a->pool && i < d->a->n_offices; i++) {
		d->who[d->n_who++] = d->a->office[i];
		bool ok = all_named(k, i + 1);
		d->n_who--;
		if (!ok)
			return false;
	}
	return true;
}

/* May a line of this difference name this attacker? */
static bool attacker_fits(const struct named *k, const struct line *l)
{
	struct difference *d = k->d;
	const struct audit *a = d->a;
	bool pools = a->pool > 1 && a->p->residual != RESIDUAL_NO;
	if (a->pool == 0)
		return l->n_offices == 0 && l->slot == UINT32_MAX && is_few(d, d->value) &&
		       (a->l1 || k->down == (d->value < 0));
	if (l->slot != UINT32_MAX)
		return l->n_offices == 0 && l->slot <= a->pool &&
		       (pools ? somebody_learns(d, 0, a->pool)
			      : is_few(d, d->value) && k->down == (d->value < 0));
	if (l->n_offices > a->pool || audit_touches(a, l, l->office, l->n_offices))
		return false;
	memcpy(d->who, l->office, l->n_offices * sizeof *d->who);
	d->n_who = l->n_offices;
	bool fits = is_named(k);
	d->n_who = 0;
	return fits;
}

/* A line of these offices stands before it. */
static bool is_again(const struct named *k, const struct line *l)
{
	uint32_t at = audit_first(k->d->a, &k->d->s);
	for (const struct line *o; (o = next_named(k, &at)) != l;)
		if (o->slot == l->slot && audit_same_offices(o, l))
			return true;
	return false;
}

static bool line_fits(const struct named *k, const struct line *l, const struct line *last)
{
	const struct audit *a = k->d->a;
	const struct subject *s = &k->d->s;
	int64_t by = audit_moved(a, l);
	bool follows = l->slot == UINT32_MAX || l->slot == 0 ||
		       (last != NULL && l->slot == last->slot + 1 && last->slot != UINT32_MAX);
	if (by == 0 || l->reached != k->d->value + by)
		return audit_fails(a, s, l->rule, "the move does not give that value");
	if (!follows || !attacker_fits(k, l))
		return audit_fails(a, s, l->rule, "not an attacker to be named here");
	return !is_again(k, l) || audit_fails(a, s, l->rule, "an attacker is named twice");
}

/* Every line of it is wanted, says what its move does, and stands once for each attacker, slots in turn; none is left out. */
static bool lines_fit(struct difference *d)
{
	const struct audit *a = d->a;
	for (int down = 0; down < 2; down++) {
		struct named k = { .d = d, .down = down != 0 };
		const struct line *last = NULL;
		uint32_t at = audit_first(a, &d->s);
		for (const struct line *l; (l = next_named(&k, &at)) != NULL;)
			k.slots = k.slots || l->slot == 0;
		at = audit_first(a, &d->s);
		for (struct line *l; (l = next_named(&k, &at)) != NULL; last = l) {
			if (!line_fits(&k, l, last))
				return false;
			l->asked = true;
		}
		bool covered = k.slots && a->pool > 1;
		if (last != NULL && a->pool > 0 && !covered && !all_named(&k, 0))
			return audit_fails(a, &d->s, RULE_DIFFERENCE, "an attacker is not named");
	}
	return true;
}

/* ---- all differences ---- */

static uint64_t count_cell(const struct audit *a, uint64_t release, uint64_t own)
{
	return releases_code(a->releases, release) * a->own_cells + own;
}

static uint64_t difference_cell(const struct audit *a, uint64_t from, uint64_t to, uint64_t own)
{
	return releases_span_code(a->releases, from, to) * a->own_cells + own;
}

/* Both releases have the cell in their tables, and not both printed it before. */
static bool is_between(const struct audit *a, uint64_t from, uint64_t to, uint64_t own)
{
	uint64_t x = count_cell(a, from, own);
	uint64_t y = count_cell(a, to, own);
	return strchr("PH", a->g->mark[x]) != NULL && strchr("PH", a->g->mark[y]) != NULL &&
	       a->g->live[x] != 0 && a->g->live[y] != 0 && (a->out[x] == 0 || a->out[y] == 0) &&
	       a->g->live[difference_cell(a, from, to, own)] != 0;
}

static bool difference_check(struct difference *d, uint64_t cell)
{
	struct audit *a = d->a;
	difference_look_at(d, cell);
	if (!somebody_learns(d, 0, a->pool))
		return true;
	a->report->subjects++;
	if (!lines_fit(d))
		return false;
	return holds_against(d, 0) ||
	       audit_fails(a, &d->s, RULE_DIFFERENCE, "somebody is left without a move");
}

bool auditledger_differences(struct audit *a)
{
	struct difference d = { .a = a };
	bool ok = true;
	d.office = calloc(a->n_offices + (size_t)1, sizeof *d.office);
	d.own = calloc(a->n_offices + (size_t)1, sizeof *d.own);
	if (d.office == NULL || d.own == NULL)
		ok = err_set(a->e, ERR_MEMORY, "no memory");
	for (uint64_t to = 1; ok && to <= a->releases->n; to++)
		for (uint64_t from = 0; ok && from < to; from++)
			for (uint64_t c = 0; ok && c < a->own_cells; c++)
				if (is_between(a, from, to, c))
					ok = difference_check(&d, difference_cell(a, from, to, c));
	free(d.office);
	free(d.own);
	return ok;
}
