#include "policy/attackers.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "policy/array.h"
#include "policy/moves.h"
#include "policy/shares.h"
#include "policy/since.h"

#define POOL_MAX 8u     /* offices that may pool */
#define SETS_MAX 50000u /* of offices that are looked at for one group */

struct attacker {
	uint32_t office[POOL_MAX];
	uint32_t n;
	int64_t amp;
};

struct split {
	const struct grid *g;
	const struct needs *n;
	struct need need; /* of the group, as it stood */
	uint32_t most;    /* offices that may pool */
	uint32_t *office; /* all there are */
	int64_t *own;     /* by office's place in the list: what it has of the subject */
	uint8_t *live;    /* likewise: something of that can move */
	uint8_t *listed;  /* likewise: other needs answer whoever pools with it */
	uint32_t n_offices, n_owners;
	struct since since; /* who knew the subject */
	int64_t value, up;  /* up: amplitude for amounts */
	bool rest;          /* R3: only those to whom a small rest shows */
	bool difference;    /* between releases: of any sign, and only small rests count */
	struct attacker *attacker;
	uint32_t n_attackers, room, n_sets;
	bool failed;
};

static void split_free(struct split *s)
{
	if (s->own != NULL)
		sodium_memzero(
		    s->own, s->n_offices * sizeof *s->own); /* contributions, and what is left of them */
	if (s->attacker != NULL)
		sodium_memzero(s->attacker, s->n_attackers * sizeof *s->attacker);
	free(s->office);
	free(s->own);
	free(s->live);
	free(s->listed);
	since_end(&s->since);
	free(s->attacker);
}

/* ---- the subject ---- */

static bool list_offices(struct split *s, const struct subject *subject)
{
	const struct dim *d = &s->g->t->dim[s->g->office_dim];
	bool live = false;
	s->office = calloc((size_t)d->n_codes + 1, sizeof *s->office);
	s->own = calloc((size_t)d->n_codes + 1, sizeof *s->own);
	s->live = calloc((size_t)d->n_codes + 1, 1);
	s->listed = calloc((size_t)d->n_codes + 1, 1);
	if (s->office == NULL || s->own == NULL || s->live == NULL || s->listed == NULL)
		return false;
	s->value = shares_value(s->g, subject, NONE, &live);
	for (uint32_t o = 0; o < d->n_codes; o++) {
		if (!dim_is_leaf(d, o))
			continue;
		bool below = dim_is_above(d, grid_coord(s->g, subject->cell, s->g->office_dim), o);
		int64_t own = below ? shares_value(s->g, subject, o, &live) : 0;
		s->office[s->n_offices] = o;
		s->live[s->n_offices] = below && live;
		s->own[s->n_offices++] = below && live ? own : 0;
		s->n_owners += below && live;
	}
	return true;
}

/* Who stands in the group's band: the first of them pool already. */
static void begin_attacker(struct split *s, struct attacker *a)
{
	const struct band *b = s->need.band == NONE ? NULL : &s->n->band[s->need.band];
	if (s->need.avoid != NONE)
		a->office[a->n++] = s->need.avoid;
	for (uint32_t i = 0; b != NULL && i < b->n; i++) {
		uint32_t o = s->n->office[b->first + i];
		if (i < b->n_avoid)
			a->office[a->n++] = o;
		for (uint32_t k = 0; k < s->n_offices; k++)
			s->listed[k] |= s->office[k] == o;
	}
}

/* ---- who is an attacker ---- */

static uint32_t place_of(const struct split *s, uint32_t office)
{
	uint32_t i = 0;
	while (s->office[i] != office)
		i++;
	return i;
}

static bool holds(const struct attacker *a, uint32_t office)
{
	for (uint32_t i = 0; i < a->n; i++)
		if (a->office[i] == office)
			return true;
	return false;
}

/* Would the office know no more of the subject than whoever it joins? */
static bool adds_nothing(const struct split *s, uint32_t i)
{
	if (s->listed[i] != 0)
		return false;
	return s->need.band != NONE || (s->need.dir > 0 && !s->difference) || s->own[i] == 0;
}

/* What they do not own of the subject. */
static int64_t rest_of(const struct split *s, const struct attacker *a)
{
	int64_t rest = s->value;
	for (uint32_t i = 0; i < a->n; i++)
		rest -= s->own[place_of(s, a->office[i])];
	return rest;
}

/* They knew it before this release, and are none to be kept from it. */
static bool knew(struct split *s, const struct attacker *a)
{
	return since_knew(&s->since, a->office, a->n, rest_of(s, a));
}

static int64_t larger(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

/* Of a difference: is a few left, in the need's direction? Single offices that changed have needs of their own. */
static bool is_wanted_between(const struct split *s, struct attacker *a, int64_t rest, bool all)
{
	int64_t k = s->g->p->threshold;
	int64_t size = rest < 0 ? -rest : rest;
	bool rests = s->g->p->residual != RESIDUAL_NO && s->most > 1;
	a->amp = larger(k - size, s->g->p->width);
	if (all || size == 0 || size >= k || (rest < 0) != (s->need.dir < 0))
		return false;
	return rests || rest == s->value;
}

/* Must it be answered, and how far must the move go? */
static bool is_wanted(struct split *s, struct attacker *a)
{
	const struct policy_params *p = s->g->p;
	int64_t k = p->threshold;
	int64_t rest = rest_of(s, a);
	uint32_t held = 0;
	for (uint32_t i = 0; i < a->n; i++)
		held += s->live[place_of(s, a->office[i])];
	bool all = a->n > 0 && held == s->n_owners;
	if (knew(s, a))
		return false;
	bool zeros = p->residual == RESIDUAL_ZEROS && !all;
	if (s->difference)
		return is_wanted_between(s, a, rest, all);
	a->amp = s->need.dir < 0 ? rest : larger(larger(k - rest, p->width), s->up);
	if (s->need.dir < 0)
		return rest > 0 && (!s->rest || rest < k);
	if (s->rest)
		return rest < k && (rest > 0 || zeros);
	return rest > 0 || zeros || (s->value == 0 && !all);
}

/* Can another office join, so that the larger set stands for this one? Not where that must not be answered: they own or knew it all. */
static bool may_grow(struct split *s, struct attacker *a)
{
	bool may = false;
	for (uint32_t i = 0; !may && a->n < s->most && i < s->n_offices; i++) {
		if (holds(a, s->office[i]) || !adds_nothing(s, i))
			continue;
		a->office[a->n++] = s->office[i];
		may = is_wanted(s, a);
		a->n--;
	}
	return may;
}

static void note(struct split *s, const struct attacker *a)
{
	if (s->n_attackers == ATTACKERS_MAX ||
	    !array_room(&s->attacker, &s->room, s->n_attackers + 1, sizeof *s->attacker))
		s->failed = true;
	else
		s->attacker[s->n_attackers++] = *a;
}

/* All sets that hold the offices so far and others from this place on. */
static void list_attackers(struct split *s, struct attacker *a, uint32_t from)
{
	s->failed = s->failed || ++s->n_sets > SETS_MAX;
	if (!may_grow(s, a) && is_wanted(s, a))
		note(s, a);
	for (uint32_t i = from; a->n < s->most && i < s->n_offices && !s->failed; i++) {
		if (s->listed[i] != 0)
			continue;
		a->office[a->n++] = s->office[i];
		list_attackers(s, a, i + 1);
		a->n--;
	}
}

/* ---- the needs in their place ---- */

/* A need's number when `less` needs from `first` on have made room for `more`. */
static uint32_t moved(uint32_t need, uint32_t first, uint32_t less, uint32_t more)
{
	return need == NONE || need < first + less ? need : need - less + more;
}

static void renumber(struct plan *p, uint32_t first, uint32_t less, uint32_t more)
{
	struct needs *n = p->n;
	for (uint32_t i = 0; i < n->n; i++) {
		n->need[i].next = moved(n->need[i].next, first, less, more);
		n->need[i].same = moved(n->need[i].same, first, less, more);
		n->need[i].before = moved(n->need[i].before, first, less, more);
	}
	for (uint32_t i = 0; i < p->n_moves; i++)
		p->move[i].first_need = moved(p->move[i].first_need, first, less, more);
	for (uint32_t c = 0; c < p->g->n_cells; c++) {
		uint32_t stuck = p->stuck[c] == 0 ? NONE : p->stuck[c] - 1;
		bool gone = stuck != NONE && stuck >= first && stuck < first + less;
		n->first[c] = moved(n->first[c], first, less, more);
		p->stuck[c] = stuck == NONE || gone ? 0 : moved(stuck, first, less, more) + 1;
	}
}

/* A band of offices that must all be left alone. NONE: no memory. */
static uint32_t add_band(struct needs *n, const struct attacker *a)
{
	if (!array_room(&n->band, &n->room_bands, n->n_bands + 1, sizeof *n->band) ||
	    !array_room(&n->office, &n->room_offices, n->n_offices + a->n, sizeof *n->office))
		return NONE;
	n->band[n->n_bands] =
	    (struct band){ .first = n->n_offices, .n_avoid = (uint16_t)a->n, .n = (uint16_t)a->n };
	memcpy(n->office + n->n_offices, a->office, a->n * sizeof *a->office);
	n->n_offices += a->n;
	return n->n_bands++;
}

/* One need of the attacker, like those of the group but for its slots. */
static bool put_need(struct needs *n, const struct split *s, const struct attacker *a, uint32_t at)
{
	struct need need = s->need;
	need.move = need.same = need.before = NONE;
	need.amp = (int32_t)a->amp;
	need.avoid = a->n == 1 ? a->office[0] : NONE;
	need.exempt = need.band = NONE;
	need.slot = 0;
	need.slots = 1;
	need.each = s->need.band == NONE && !s->rest && (s->need.dir > 0 || s->difference);
	if (a->n > 1)
		need.band = add_band(n, a);
	n->need[at] = need;
	return a->n < 2 || need.band != NONE;
}

/* Nothing comes in place of the cell's needs from `first` to before `after`. */
static void skip(struct needs *n, uint32_t cell, uint32_t first, uint32_t after)
{
	uint32_t *to = &n->first[cell];
	while (*to != first)
		to = &n->need[*to].next;
	*to = after;
}

static bool replace(struct plan *p, const struct split *s, uint32_t first)
{
	struct needs *n = p->n;
	uint32_t less = s->need.slots;
	uint32_t more = s->n_attackers;
	uint32_t after = n->need[first + less - 1].next; /* of the cell, behind the group */
	if (!array_room(&n->need, &n->room, n->n + more, sizeof *n->need))
		return false;
	for (uint32_t i = first; i < first + less; i++)
		need_assign(p, i, NONE);
	if (more == 0 && s->need.virt == NONE)
		skip(n, s->need.cell, first, after);
	renumber(p, first, less, more);
	after = moved(after, first, less, more);
	memmove(n->need + first + more, n->need + first + less, (n->n - first - less) * sizeof *n->need);
	n->n = n->n - less + more;
	bool ok = true;
	for (uint32_t i = 0; i < more; i++) {
		ok = put_need(n, s, &s->attacker[i], first + i) && ok;
		n->need[first + i].next = s->need.virt != NONE ? NONE : i + 1 < more ? first + i + 1 : after;
	}
	return ok;
}

/* R3 named the subject first: its rests are all that is asked, unless another rule came after it. */
static void note_rule(struct split *s)
{
	uint16_t other = s->need.virt == NONE ? needs_other_rule(s->g, s->need.cell) : 0;
	s->rest = s->need.rules == RULE_RESIDUAL && (other == 0 || s->need.band != NONE);
	if (s->need.rules == RULE_RESIDUAL && !s->rest)
		s->need.rules = other;
}

bool attackers_split(struct plan *p, uint32_t need, uint32_t *first)
{
	const struct need *n = &p->n->need[need];
	struct split s = { .g = p->g, .n = p->n, .need = *n, .most = p->g->p->coalition };
	struct attacker none = { .n = 0 };
	struct subject subject = { n->cell, n->virt == NONE ? NULL : &p->n->virt[n->virt], n->virt };
	bool done = false;
	*first = need - n->slot;
	since_begin(&s.since, p->g, &subject);
	if (n->slots < 2 || p->g->office_dim == SIZE_MAX || s.most > POOL_MAX)
		return false;
	s.difference = n->rules == RULE_DIFFERENCE;
	note_rule(&s);
	s.failed = !list_offices(&s, &subject);
	if (p->g->p->figures == FIGURES_AMOUNTS)
		s.up = n->amp;
	if (!s.failed) {
		begin_attacker(&s, &none);
		list_attackers(&s, &none, 0);
		done = !s.failed && (s.n_attackers > 0 || s.difference);
	}
	for (uint32_t i = 0; i < s.n_attackers; i++)
		done = done && s.attacker[i].amp <= INT32_MAX;
	if (done && !replace(p, &s, *first)) {
		p->memory_failed = true;
		done = false;
	}
	split_free(&s);
	return done;
}
