#include "policy/first.h"

#include <stdlib.h>

#include "policy/cover.h"
#include "policy/modular.h"

#define ROUNDS     6u     /* in which a wider surrounding is hidden at first */
#define AROUND_MAX 20000u /* cells of such surroundings */

struct first {
	struct plan *p;
	struct grid *g;
	uint64_t *u; /* by cell: a random change of the pattern, modulo MODULAR_PRIME_1 */
	uint8_t *around;
};

static bool out_of_memory(struct first *f)
{
	f->p->memory_failed = true;
	return false;
}

static bool solve(struct first *f)
{
	static const uint8_t seed[16] = { 0 };
	struct equations q;
	grid_see_all(f->g);
	bool ok = equations_solve(&q, f->g, ECHELON_ALL) && modular_vector(&q, MODULAR_PRIME_1, seed, f->u);
	if (ok)
		f->p->s.work += q.x.pivot[q.x.n_pivots].first;
	equations_free(&q);
	return ok || out_of_memory(f);
}

static uint64_t plus(uint64_t a, uint64_t b)
{
	return (a + b) % MODULAR_PRIME_1;
}

/* Can what the need is about be worked out? */
static bool is_exact(const struct first *f, const struct need *n)
{
	uint64_t sum = 0;
	if (n->virt == NONE)
		return f->u[n->cell] == 0;
	const struct virt *v = &f->p->n->virt[n->virt];
	if (v->except != NONE)
		return f->u[v->r.parent] == f->u[relation_child(f->g, &v->r, v->except)];
	for (uint32_t j = 0; j < v->r.b->n; j++)
		if (virt_holds(f->g, v, j))
			sum = plus(sum, f->u[virt_part(f->g, v, j)]);
	return sum == 0;
}

bool first_find(struct plan *p, uint32_t cell, const struct virt *v)
{
	p->s.pay = true;
	p->s.any_room = true;
	return search_find(&p->s, v == NULL ? cell : v->r.parent, v, 1, 1);
}

/* Hides what the move found passes, and lets it change by a random amount. */
static void buy(struct first *f, uint32_t need)
{
	struct grid *g = f->g;
	uint64_t by = 1 + grid_random(g, 23, need, 0) % (MODULAR_PRIME_1 - 1);
	for (uint32_t i = 0; i < f->p->s.n_terms; i++) {
		const struct term *t = &f->p->s.term[i];
		if (g->kind[t->cell] == KIND_OPEN && !grid_hidden(g, t->cell)) {
			g->use[t->cell] = 1;
			grid_see(g, t->cell);
		}
		f->u[t->cell] = plus(f->u[t->cell], t->sign > 0 ? by : MODULAR_PRIME_1 - by);
	}
}

/* Moves for what several relations give away together. The first that found none, or NONE. */
static uint32_t buy_exact(struct first *f)
{
	uint32_t missed = NONE;
	for (uint32_t i = 0; i < f->p->n->n; i++) {
		const struct need *n = &f->p->n->need[i];
		const struct virt *v = n->virt == NONE ? NULL : &f->p->n->virt[n->virt];
		if (!is_exact(f, n))
			continue;
		if ((v != NULL || grid_loose(f->g, n->cell)) && first_find(f->p, n->cell, v))
			buy(f, i);
		else if (missed == NONE)
			missed = i;
	}
	return missed;
}

/* Hides all that shares a relation with what is still exact, and with what was hidden so in the last round. */
static bool widen(struct first *f)
{
	struct grid *g = f->g;
	uint32_t n = 0;
	if (f->around == NULL && (f->around = calloc((size_t)g->n_cells + 1, 1)) == NULL)
		return out_of_memory(f);
	for (uint32_t i = 0; i < f->p->n->n; i++)
		if (is_exact(f, &f->p->n->need[i]))
			f->around[f->p->n->need[i].cell] = 1;
	for (uint32_t c = 0; c < g->n_cells; c++)
		f->around[c] = f->around[c] != 0 ? 2 : 0;
	for (uint32_t c = 0; c < g->n_cells && n < AROUND_MAX; c++)
		if (f->around[c] == 2)
			n += cover_around(g, c, f->around);
	return n > 0 && n < AROUND_MAX;
}

static bool begin(struct first *f, bool all)
{
	for (uint32_t c = 0; all && c < f->g->n_cells; c++)
		if (cover_may_hide(f->g, c))
			f->g->use[c] = 1;
	return all || cover_lines(f->g) || out_of_memory(f);
}

bool first_pattern(struct plan *p, bool all)
{
	struct first f = { .p = p, .g = p->g };
	uint32_t missed = NONE;
	f.u = malloc(((size_t)p->g->n_cells + 1) * sizeof *f.u);
	bool ok = (f.u != NULL || out_of_memory(&f)) && begin(&f, all) && solve(&f);
	for (unsigned i = 0; ok; i++) {
		missed = buy_exact(&f);
		if (missed == NONE || all)
			break;
		ok = i < ROUNDS && widen(&f) && solve(&f);
	}
	free(f.around);
	free(f.u);
	p->unserved = all ? missed : NONE; /* that a wide surrounding does not help proves nothing */
	return ok && missed == NONE;
}
