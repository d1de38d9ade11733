/* Which attackers a subject's lines in the auditors' part may name, and whether none is left out. A pool of offices stands by
 * itself (`office A+B`), or a row of slots stands for it together with all pools that know as much. */
#include "client/protect/auditpart.h"

#define DOWN_LISTED 12u /* contributors up to which they are named one by one when nought must be in reach */

struct named { /* the lines of one subject, rule and direction */
	struct audit *a;
	const struct subject *s;
	enum rule rule;
	bool down;
	bool listed_all; /* everybody in whom something can be, or who contributes, has lines of his own */
	uint32_t office[POOL_LIMIT + 1];
	uint32_t n, n_sets;
};

bool audit_same_offices(const struct line *x, const struct line *y)
{
	uint32_t shared = 0;
	for (uint32_t i = 0; i < x->n_offices; i++)
		for (uint32_t j = 0; j < y->n_offices; j++)
			shared += x->office[i] == y->office[j];
	return x->n_offices == y->n_offices && shared == x->n_offices;
}

static bool is_known_rule(enum rule rule)
{
	return rule <= RULE_R12 || rule == RULE_R6;
}

static bool among(const uint32_t *office, uint32_t n, uint32_t one)
{
	for (uint32_t i = 0; i < n; i++)
		if (office[i] == one)
			return true;
	return false;
}

/* ---- pools ---- */

/* Has the office lines of its own, with and without others? */
static bool is_listed(const struct named *k, uint32_t office)
{
	int64_t own = k->a->own[office];
	return k->listed_all && (k->down ? own > 0 : own >= 0);
}

/* Must this pool be left with a move? */
static bool is_asked(const struct named *k, const uint32_t *office, uint32_t n)
{
	const struct audit *a = k->a;
	int64_t rest = a->value;
	uint32_t live = 0;
	for (uint32_t i = 0; i < n; i++) {
		rest -= a->own[office[i]] > 0 ? a->own[office[i]] : 0;
		live += a->own[office[i]] >= 0;
	}
	bool everything = n > 0 && live == a->n_ranked;
	bool few = rest < (int64_t)a->p->threshold;
	if ((k->rule == RULE_R3 && !few) || audit_knew(a, office, n))
		return false;
	if (rest > 0)
		return k->down || !everything;
	return !k->down && !everything &&
	       (a->p->residual == RESIDUAL_ZEROS || (a->value == 0 && k->rule != RULE_R3));
}

/* Nobody can join the pool, so that the larger one must be left with a move, too, and stands for this one. */
static bool is_whole(const struct named *k, const uint32_t *office, uint32_t n)
{
	const struct audit *a = k->a;
	uint32_t more[POOL_LIMIT + 1];
	bool joins = false;
	for (uint32_t i = 0; i < n; i++)
		more[i] = office[i];
	for (uint32_t i = 0; !joins && n < a->pool && i < a->n_offices; i++) {
		more[n] = a->office[i];
		joins = !among(office, n, more[n]) && !is_listed(k, more[n]) &&
			(!k->down || a->own[more[n]] <= 0) && is_asked(k, more, n + 1);
	}
	return !joins;
}

/* The next of the lines looked at; begin with audit_first. */
static struct line *next_named(const struct named *k, uint32_t *at)
{
	struct line *l;
	while ((l = audit_next(k->a, k->s, at)) != NULL)
		if (l->rule == k->rule && (audit_moved(k->a, l) < 0) == k->down)
			return l;
	return NULL;
}

/* Is there a line of these offices: the first of their slots, or one without? */
static bool has_line(const struct named *k, const uint32_t *office, uint32_t n, bool slots)
{
	struct line want = { .n_offices = n };
	uint32_t at = audit_first(k->a, k->s);
	for (uint32_t i = 0; i < n; i++)
		want.office[i] = office[i];
	for (const struct line *l; (l = next_named(k, &at)) != NULL;)
		if ((slots ? l->slot == 0 : l->slot == UINT32_MAX) && audit_same_offices(l, &want))
			return true;
	return false;
}

/* Every pool of those chosen so far and more that know nothing else, office[from] and later, is named. */
static bool all_join(struct named *k, uint32_t from)
{
	struct audit *a = k->a;
	if (++k->n_sets > AUDIT_SETS_MAX || (is_whole(k, k->office, k->n) && is_asked(k, k->office, k->n) &&
						!has_line(k, k->office, k->n, false)))
		return false;
	for (uint32_t i = from; k->n < a->pool && i < a->n_offices; i++) {
		if (is_listed(k, a->office[i]))
			continue;
		k->office[k->n++] = a->office[i];
		bool ok = all_join(k, i + 1);
		k->n--;
		if (!ok)
			return false;
	}
	return true;
}

/* Every pool of listed offices stands in slots, or all that it can be part of are named. */
static bool all_named(struct named *k, uint32_t from)
{
	struct audit *a = k->a;
	bool asked = k->listed_all || k->n > 0 ? is_asked(k, k->office, k->n) : true;
	k->n_sets = 0;
	if (asked && !has_line(k, k->office, k->n, true) && !all_join(k, 0))
		return false;
	for (uint32_t i = from; k->n < a->pool && i < a->n_offices; i++) {
		if (!is_listed(k, a->office[i]))
			continue;
		k->office[k->n++] = a->office[i];
		bool ok = all_named(k, i + 1);
		k->n--;
		if (!ok)
			return false;
	}
	return true;
}

/* ---- lines ---- */

/* A move that nothing but what no table prints needs has one line, of the first such cell that it changes. */
static bool is_for_unprinted(struct audit *a, const struct line *l)
{
	const struct amount *m = &a->move[l->move];
	const struct change *c = &a->change[m->start];
	uint64_t i = 0;
	while (i < m->n && audit_printed(a, c[i].cell))
		i++;
	return m->lines == 1 && l->n_offices == 0 && l->slot == UINT32_MAX && l->s.n == 0 && i < m->n &&
	       c[i].cell == l->s.cell;
}

/* May this line name its offices? One without slots names a pool that nobody stands for but itself. */
static bool attacker_fits(const struct named *k, const struct line *l)
{
	struct audit *a = k->a;
	bool pools = a->pool > 0 && is_known_rule(l->rule);
	uint32_t listed[POOL_LIMIT];
	uint32_t n = 0;
	if (l->rule == RULE_LATER)
		return is_for_unprinted(a, l);
	if (!pools)
		return l->n_offices == 0 && l->slot == UINT32_MAX;
	if (l->n_offices > a->pool || audit_touches(a, l, l->office, l->n_offices))
		return false;
	for (uint32_t i = 0; i < l->n_offices; i++)
		if (is_listed(k, l->office[i]))
			listed[n++] = l->office[i];
	if (l->slot == UINT32_MAX)
		return is_whole(k, l->office, l->n_offices) && is_asked(k, l->office, l->n_offices) &&
		       !has_line(k, listed, n, true);
	return l->n_offices < a->pool && l->slot <= a->pool - l->n_offices && n == l->n_offices &&
	       (n == 0 || is_asked(k, l->office, l->n_offices));
}

/* A line of these offices and this direction stands before it. */
static bool is_again(const struct named *k, const struct line *l)
{
	uint32_t at = audit_first(k->a, k->s);
	for (const struct line *o; (o = next_named(k, &at)) != l;)
		if (o->slot == l->slot && audit_same_offices(o, l))
			return true;
	return false;
}

/* Slots stand in rows, each of as many as there must be for its pool. last: NULL, or the line before a new row. */
static bool row_ends(const struct named *k, const struct line *last)
{
	return last == NULL || last->slot == UINT32_MAX || last->slot == k->a->pool - last->n_offices ||
	       audit_fails(k->a, k->s, k->rule, "a slot is missing");
}

static bool line_fits(const struct named *k, const struct line *l, const struct line *last)
{
	struct audit *a = k->a;
	int64_t by = audit_moved(a, l);
	bool first = l->slot == UINT32_MAX || l->slot == 0;
	bool follows = first || (last != NULL && audit_same_offices(last, l) && l->slot == last->slot + 1);
	if (by == 0 || l->reached != a->value + by)
		return audit_fails(a, k->s, k->rule, "the move does not give that value");
	if (!attacker_fits(k, l) || !follows)
		return audit_fails(a, k->s, k->rule, "not an attacker to be named here");
	if (first && !row_ends(k, last))
		return false;
	return !first || l->rule == RULE_LATER || !is_again(k, l) ||
	       audit_fails(a, k->s, k->rule, "an attacker is named twice");
}

/* How many contribute to the subject. */
static uint32_t contributors(const struct audit *a)
{
	uint32_t n = 0;
	while (n < a->n_ranked && a->own[a->rank[n]] > 0)
		n++;
	return n;
}

bool audit_lines_fit(struct audit *a, const struct subject *s, enum rule rule, bool must)
{
	for (int down = 0; down < 2; down++) {
		struct named k = { .a = a, .s = s, .rule = rule, .down = down != 0 };
		const struct line *last = NULL;
		uint32_t at = audit_first(a, s);
		k.listed_all =
		    k.down ? contributors(a) <= DOWN_LISTED : a->pool > 1 && a->n_ranked <= a->pool;
		for (struct line *l; (l = next_named(&k, &at)) != NULL; last = l) {
			if (!line_fits(&k, l, last))
				return false;
			l->asked = true;
		}
		if (!row_ends(&k, last))
			return false;
		bool some = last != NULL || (must && (!k.down || a->p->zero_reach));
		if (some && a->pool > 0 && is_known_rule(rule) && !all_named(&k, 0))
			return audit_fails(a, s, rule, "an attacker is not named");
	}
	return true;
}
