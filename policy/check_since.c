/* The built-in checker's part about what earlier releases gave away: who reckons a thing from that and figures of his own, among
 * the codes of the offices' dimension and from release to release. Shares no code with since.c: goes through all relations of the
 * column until none tells anything new. */
#include <stdlib.h>
#include <string.h>

#include "policy/check_part.h"
#include "policy/ledger.h"
#include "policy/told.h"

static uint64_t place_of(const struct checker *c, uint32_t release, uint32_t office)
{
	return (uint64_t)release * c->t->dim[c->office_dim].n_codes + office;
}

/* A line of the column: codes of one dimension, the other fixed. step: between codes; its first place is known[0]. */
static bool tell(uint8_t *known, const struct dim *d, uint64_t step)
{
	bool news = false;
	for (uint32_t b = 0; b < d->n_breakdowns; b++) {
		const uint32_t *child = d->child + d->breakdown[b].first;
		uint8_t *last = known + d->breakdown[b].parent * step;
		uint32_t open = *last == 0;
		for (uint32_t i = 0; i < d->breakdown[b].n; i++)
			if (known[child[i] * step] == 0) {
				last = known + child[i] * step;
				open++;
			}
		news = news || open == 1;
		*last = open == 1 ? 1 : *last;
	}
	return news;
}

/* Offices' codes of one release, and what is others' there: if it is known of a whole, and nobody is left for the rest. */
static bool tell_empty(uint8_t *known, const int64_t *others, const struct dim *d)
{
	bool news = false;
	for (uint32_t b = 0; b < d->n_breakdowns; b++) {
		const uint32_t *child = d->child + d->breakdown[b].first;
		int64_t left = others[d->breakdown[b].parent];
		for (uint32_t i = 0; i < d->breakdown[b].n; i++)
			left -= known[child[i]] != 0 ? others[child[i]] : 0;
		for (uint32_t i = 0; left == 0 && known[d->breakdown[b].parent] != 0 && i < d->breakdown[b].n;
		     i++) {
			news = news || known[child[i]] == 0;
			known[child[i]] = 1;
		}
	}
	return news;
}

static void tell_all(const struct checker *c, const int64_t *others, uint8_t *known)
{
	const struct dim *offices = &c->t->dim[c->office_dim];
	uint32_t n_releases =
	    c->p->g->ledger->n + 1; /* differences stand behind them, and may be below nought */
	for (bool news = true; news;) {
		news = false;
		for (uint32_t r = 0; r < c->t->dim[0].n_codes; r++)
			news = tell(known + place_of(c, r, 0), offices, 1) || news;
		for (uint32_t r = 0; r < n_releases; r++)
			news = tell_empty(known + place_of(c, r, 0), others + place_of(c, r, 0), offices) ||
			       news;
		for (uint32_t o = 0; o < offices->n_codes; o++)
			news = tell(known + o, &c->t->dim[0], offices->n_codes) || news;
	}
}

/* ---- what left ---- */

/* A child of the thing's breakdown, at that place of its column. */
static uint32_t part_at(const struct checker *c, const struct thing *t, uint32_t i, uint32_t cell)
{
	uint32_t child = c->t->dim[t->dim].child[t->b->first + i];
	return cell + (child - t->b->parent) * (uint32_t)c->t->stride[t->dim];
}

/* What nothing can be in needs not be. */
static bool is_taken_off(const struct checker *c, const struct thing *t, uint32_t i)
{
	bool off = t->in != NULL ? t->in[i] == 0 : i == t->off;
	return off && c->p->g->kind[part_at(c, t, i, t->cell)] != KIND_DEAD;
}

static bool is_across(const struct checker *c, const struct thing *t)
{
	return t->b != NULL && t->dim != c->office_dim;
}

/* Its whole, and all that is taken off, at this cell of the whole's column: given away or empty. */
static bool is_given(const struct checker *c, const struct thing *t, uint32_t whole)
{
	const struct grid *g = c->p->g;
	bool given = g->kind[whole] == KIND_DEAD || told_has_left(g, whole);
	for (uint32_t i = 0; given && is_across(c, t) && i < t->b->n; i++) {
		uint32_t part = part_at(c, t, i, whole);
		given = !is_taken_off(c, t, i) || g->kind[part] == KIND_DEAD || told_has_left(g, part);
	}
	return given;
}

/* How many the thing's column has at this cell of its whole's. */
static int64_t count_of(const struct checker *c, const struct thing *t, uint32_t whole)
{
	int64_t n = c->p->g->value[whole];
	for (uint32_t i = 0; is_across(c, t) && i < t->b->n; i++)
		n -= is_taken_off(c, t, i) ? c->p->g->value[part_at(c, t, i, whole)] : 0;
	return n;
}

static void fill(const struct checker *c, const struct thing *t, int64_t *count, uint8_t *known)
{
	const struct grid *g = c->p->g;
	const struct dim *offices = &c->t->dim[c->office_dim];
	for (uint32_t r = 0; r < c->t->dim[0].n_codes; r++)
		for (uint32_t o = 0; o < offices->n_codes; o++) {
			uint32_t whole = grid_with(g, r * g->n_own + t->cell % g->n_own, c->office_dim, o);
			known[place_of(c, r, o)] = is_given(c, t, whole);
			count[place_of(c, r, o)] = count_of(c, t, whole);
		}
	tell_all(c, count, known);
}

/* ---- who knew ---- */

static bool is_known(const struct checker *c, const struct thing *t, const uint8_t *known)
{
	const struct grid *g = c->p->g;
	uint32_t release = t->cell / g->n_own;
	bool told = known[place_of(c, release, grid_coord(g, t->cell, c->office_dim))] != 0;
	for (uint32_t i = 0; told && t->b != NULL && !is_across(c, t) && i < t->b->n; i++)
		told = !is_taken_off(c, t, i) ||
		       known[place_of(c, release, c->t->dim[t->dim].child[t->b->first + i])] != 0;
	return told;
}

/* Takes what the office has off everything that it is part of. */
static void leave_own(const struct checker *c, const int64_t *count, uint32_t office, int64_t *others)
{
	const struct dim *offices = &c->t->dim[c->office_dim];
	for (uint32_t r = 0; r <= c->p->g->ledger->n; r++)
		for (uint32_t code = 0; code < offices->n_codes; code++)
			if (dim_is_above(offices, code, office))
				others[place_of(c, r, code)] -= count[place_of(c, r, office)];
}

bool check_knew(const struct checker *c, struct check_past *past, const struct thing *t, const uint32_t *who,
    uint32_t n, int64_t rest)
{
	const struct grid *g = c->p->g;
	const struct policy_params *p = c->params;
	bool secret = rest > 0 && rest < (int64_t)p->threshold && p->residual != RESIDUAL_NO;
	if (g->ledger == NULL || n == 0 || secret || t->cell / g->n_own > g->ledger->n)
		return false;
	uint64_t size = place_of(c, c->t->dim[0].n_codes, 0);
	if (past->known == NULL) {
		past->known = malloc(2 * size);
		past->count = malloc(2 * size * sizeof *past->count);
		past->of = NULL;
	}
	if (past->known == NULL || past->count == NULL)
		return false;
	if (past->of != t)
		fill(c, t, past->count, past->known);
	past->of = t;
	uint8_t *known = past->known + size; /* with figures of their own */
	int64_t *others = past->count + size;
	memcpy(known, past->known, size);
	memcpy(others, past->count, size * sizeof *others);
	for (uint32_t i = 0; i < n; i++)
		leave_own(c, past->count, who[i], others);
	for (uint32_t i = 0; i < n; i++)
		for (uint32_t r = 0; r < c->t->dim[0].n_codes; r++)
			known[place_of(c, r, who[i])] = 1;
	tell_all(c, others, known);
	return is_known(c, t, known);
}
