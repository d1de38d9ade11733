/* Who knew a subject before this release (docs/disclosure.md, "Known before"): from what earlier releases gave away and figures of
 * their own, among the codes of the offices' dimension and from release to release. Shares no code with policy/. */
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "client/protect/auditledger.h"

struct audit_before { /* one column: release or difference by code of the offices' dimension */
	uint32_t n_codes, n_releases;
	bool filled;     /* everybody knows what is known of the subject at hand */
	bool *everybody; /* by place: n_codes * release + code */
	bool *known;     /* the same to those who are asked about */
	int64_t *count;  /* how many are there */
	int64_t *others; /* that are not of those who are asked about */
	uint32_t *fresh; /* places that became known, not followed yet */
	uint32_t n_fresh;
};

void auditbefore_free(struct audit *a)
{
	if (a->before == NULL)
		return;
	size_t places = (size_t)a->before->n_codes * a->before->n_releases;
	if (a->before->count != NULL)
		sodium_memzero(a->before->count, places * sizeof *a->before->count);
	if (a->before->others != NULL)
		sodium_memzero(a->before->others, places * sizeof *a->before->others);
	free(a->before->everybody);
	free(a->before->known);
	free(a->before->count);
	free(a->before->others);
	free(a->before->fresh);
	free(a->before);
	a->before = NULL;
}

bool auditbefore_open(struct audit *a)
{
	struct audit_before *b = a->before = calloc(1, sizeof *b);
	if (b == NULL)
		return err_set(a->e, ERR_MEMORY, "no memory");
	b->n_codes = a->g->dim[a->office_dim].n_codes;
	b->n_releases = a->g->dim[0].n_codes;
	size_t places = (size_t)b->n_codes * b->n_releases;
	b->everybody = calloc(places, sizeof *b->everybody);
	b->known = calloc(places, sizeof *b->known);
	b->count = calloc(places, sizeof *b->count);
	b->others = calloc(places, sizeof *b->others);
	b->fresh = calloc(places, sizeof *b->fresh);
	return (b->everybody != NULL && b->known != NULL && b->count != NULL && b->others != NULL &&
		   b->fresh != NULL) ||
	       err_set(a->e, ERR_MEMORY, "no memory");
}

void auditbefore_look_at(struct audit *a, const struct subject *s)
{
	a->of_one = s != NULL;
	if (s != NULL)
		a->of = *s;
	if (a->before != NULL)
		a->before->filled = false;
}

/* ---- what follows ---- */

static void note(struct audit_before *b, uint32_t place)
{
	if (b->known[place])
		return;
	b->known[place] = true;
	b->fresh[b->n_fresh++] = place;
}

/* The relation's codes stand `step` places apart; where one is not known it is told. */
static void follow(struct audit_before *b, const struct breakdown *k, uint32_t first, uint32_t step)
{
	uint32_t unknown = 0;
	uint32_t last = 0;
	for (uint32_t i = 0; unknown < 2 && i <= k->n; i++) {
		uint32_t place = first + (i < k->n ? k->child[i] : k->parent) * step;
		if (b->known[place])
			continue;
		unknown++;
		last = place;
	}
	if (unknown == 1)
		note(b, last);
}

/* A count and its parts at one release: where it is known, and nobody but theirs is in the parts that are not, they know these. */
static void follow_empty(struct audit_before *b, const struct breakdown *k, uint32_t first)
{
	int64_t left = b->others[first + k->parent];
	if (!b->known[first + k->parent])
		return;
	for (uint32_t i = 0; i < k->n; i++)
		left -= b->known[first + k->child[i]] ? b->others[first + k->child[i]] : 0;
	for (uint32_t i = 0; left == 0 && i < k->n; i++)
		note(b, first + k->child[i]);
}

static void follow_all(const struct audit *a)
{
	struct audit_before *b = a->before;
	const struct latticedim *offices = &a->g->dim[a->office_dim];
	const struct latticedim *releases = &a->g->dim[0];
	while (b->n_fresh > 0) {
		uint32_t place = b->fresh[--b->n_fresh];
		uint32_t code = place % b->n_codes;
		uint32_t release = place / b->n_codes;
		for (uint32_t h = offices->held_from[code]; h < offices->held_from[code + 1]; h++)
			follow(b, &offices->breakdown[offices->held[h] / 2], place - code, 1);
		for (uint32_t h = offices->held_from[code];
		     release <= a->releases->n && h < offices->held_from[code + 1]; h++)
			follow_empty(b, &offices->breakdown[offices->held[h] / 2], place - code);
		for (uint32_t h = releases->held_from[release]; h < releases->held_from[release + 1]; h++)
			follow(b, &releases->breakdown[releases->held[h] / 2], code, b->n_codes);
	}
}

/* ---- what everybody knows ---- */

static bool is_plain(const struct audit *a, uint64_t cell)
{
	return a->g->live[cell] == 0 || audit_has_left(a, cell) || a->told[cell] == TOLD_GONE;
}

/* Its parts are codes of the offices' dimension. */
static bool is_of_offices(const struct audit *a, const struct subject *s)
{
	return s->n > 0 &&
	       lattice_place(a->g, s->cell, a->office_dim) != lattice_place(a->g, s->minus[0], a->office_dim);
}

static void fill(const struct audit *a)
{
	struct audit_before *b = a->before;
	const struct subject *s = &a->of;
	uint64_t stride = a->g->stride[a->office_dim];
	uint64_t own = s->cell % a->own_cells;
	uint64_t corner = own - lattice_place(a->g, own, a->office_dim) * stride;
	bool sum = s->n > 0 && !is_of_offices(a, s);
	memset(b->known, 0, (size_t)b->n_codes * b->n_releases * sizeof *b->known);
	b->n_fresh = 0;
	for (uint32_t r = 0; r < b->n_releases; r++)
		for (uint32_t o = 0; o < b->n_codes; o++) {
			uint64_t cell = r * a->own_cells + corner + o * stride;
			bool plain = is_plain(a, cell);
			int64_t count = a->g->truth[cell];
			for (uint32_t i = 0; sum && i < s->n; i++) {
				plain = plain && is_plain(a, cell + s->minus[i] - s->cell);
				count -= a->g->truth[cell + s->minus[i] - s->cell];
			}
			b->count[r * b->n_codes + o] = b->others[r * b->n_codes + o] = count;
			if (plain)
				note(b, r * b->n_codes + o);
		}
	follow_all(a);
	memcpy(b->everybody, b->known, (size_t)b->n_codes * b->n_releases * sizeof *b->known);
	b->filled = true;
}

/* ---- who knew ---- */

static bool is_told(const struct audit *a, uint64_t cell)
{
	uint32_t release = (uint32_t)(cell / a->own_cells);
	return a->before->known[release * a->before->n_codes + lattice_place(a->g, cell, a->office_dim)];
}

static bool is_few(const struct audit *a, const uint32_t *office, uint32_t n)
{
	int64_t rest = a->value;
	for (uint32_t i = 0; i < n; i++)
		rest -= a->own[office[i]] > 0 ? a->own[office[i]] : 0;
	return rest >= 1 && rest < (int64_t)a->p->threshold && a->p->residual != RESIDUAL_NO;
}

static void set_others(const struct audit *a, const uint32_t *office, uint32_t n)
{
	struct audit_before *b = a->before;
	for (uint32_t r = 0; r < b->n_releases; r++)
		for (uint32_t c = 0; c < b->n_codes; c++) {
			uint32_t first = r * b->n_codes;
			b->others[first + c] = b->count[first + c];
			for (uint32_t i = 0; i < n; i++)
				if (a->under[(size_t)c * b->n_codes + office[i]])
					b->others[first + c] -= b->count[first + office[i]];
		}
}

bool audit_knew(const struct audit *a, const uint32_t *office, uint32_t n)
{
	struct audit_before *b = a->before;
	if (b == NULL || !a->of_one || n == 0 || a->of.cell >= auditledger_n_counts(a) ||
	    is_few(a, office, n))
		return false;
	if (!b->filled)
		fill(a);
	memcpy(b->known, b->everybody, (size_t)b->n_codes * b->n_releases * sizeof *b->known);
	b->n_fresh = 0;
	set_others(a, office, n);
	for (uint32_t i = 0; i < n; i++)
		for (uint32_t r = 0; r < b->n_releases; r++)
			note(b, r * b->n_codes + office[i]);
	for (uint32_t r = 0; r <= a->releases->n; r++)
		for (uint32_t k = 0; k < a->g->dim[a->office_dim].n_breakdowns; k++)
			follow_empty(b, &a->g->dim[a->office_dim].breakdown[k], r * b->n_codes);
	follow_all(a);
	bool told = is_told(a, a->of.cell);
	for (uint32_t i = 0; told && is_of_offices(a, &a->of) && i < a->of.n; i++)
		told = is_told(a, a->of.minus[i]);
	return told;
}
