#include "policy/zones.h"

#include <stdlib.h>
#include <string.h>

#include "policy/apart.h"
#include "policy/found.h"
#include "policy/moves.h"
#include "policy/starts.h"

#define ZONES_MAX   8u     /* as many threads have something to do */
#define CELLS_LEAST 20000u /* grid cells: smaller tables are one zone */
#define DIMS        2u     /* in turn, those with most branches */

struct zone { /* a plan for some needs of another */
	struct grid g;
	struct needs n;
	struct plan q;
	uint32_t *need; /* of the whole plan, by its own */
	struct found found;
	uint64_t work, by_free, by_gather, by_pay, by_retry;
	bool ok;
};

struct split {
	struct plan *p;
	uint8_t *zone; /* by need */
	struct zone *at;
	uint32_t n;
	unsigned rounds, effort; /* of taking out, of improvement */
};

/* ---- who belongs where ---- */

/* The child of the total that the code is or stands below; one beyond all codes: the total itself. */
static uint32_t branch_of(const struct dim *d, uint32_t code)
{
	while (d->base_view[d->region[code]] != NONE)
		code = d->breakdown[d->base_view[d->region[code]]].parent;
	uint32_t root = d->region[code];
	const struct breakdown *b = d->n_plain[root] == 0 ? NULL : dim_down(d, root, 0);
	for (uint32_t i = 0; b != NULL && i < list_size(&d->above, code); i++)
		if (dim_is_child(d, b, list_at(&d->above, code)[i]))
			return list_at(&d->above, code)[i];
	return d->n_codes;
}

/* Needs below each branch; one more than there are codes. NULL: no memory. Caller frees. */
static uint32_t *weigh(const struct plan *p, size_t dim, uint32_t *branch, uint32_t *n_branches)
{
	const struct dim *d = &p->g->t->dim[dim];
	uint32_t *weight = calloc((size_t)d->n_codes + 1, sizeof *weight);
	*n_branches = 0;
	for (uint32_t c = 0; weight != NULL && c < d->n_codes; c++)
		branch[c] = branch_of(d, c);
	for (uint32_t i = 0; weight != NULL && i < p->n->n; i++)
		*n_branches += weight[branch[grid_coord(p->g, p->n->need[i].cell, dim)]]++ == 0;
	return weight;
}

/* Deals the branches out, the heaviest first, to the zone with the fewest needs. */
static void deal(const struct split *s, uint32_t n_codes, uint32_t *weight, uint8_t *zone)
{
	uint32_t load[ZONES_MAX] = { 0 };
	for (;;) {
		uint32_t heaviest = 0;
		uint32_t least = 0;
		for (uint32_t c = 1; c <= n_codes; c++)
			if (weight[c] > weight[heaviest])
				heaviest = c;
		if (weight[heaviest] == 0)
			return;
		for (uint32_t z = 1; z < s->n; z++)
			if (load[z] < load[least])
				least = z;
		zone[heaviest] = (uint8_t)least;
		load[least] += weight[heaviest];
		weight[heaviest] = 0;
	}
}

/* All needs of one subject are about the same cell, so they come into the same zone. */
static bool split_needs(struct split *s, size_t dim)
{
	const struct plan *p = s->p;
	const struct dim *d = &p->g->t->dim[dim];
	uint32_t n_branches = 0;
	uint32_t *branch = calloc((size_t)d->n_codes + 1, sizeof *branch);
	uint8_t *zone = calloc((size_t)d->n_codes + 1, 1);
	uint32_t *weight = branch == NULL ? NULL : weigh(p, dim, branch, &n_branches);
	s->zone = calloc((size_t)p->n->n + 1, 1);
	bool ok = zone != NULL && weight != NULL && s->zone != NULL;
	s->n = n_branches < ZONES_MAX ? n_branches : ZONES_MAX;
	if (ok)
		deal(s, d->n_codes, weight, zone);
	for (uint32_t i = 0; ok && i < p->n->n; i++)
		s->zone[i] = zone[branch[grid_coord(p->g, p->n->need[i].cell, dim)]];
	free(branch);
	free(zone);
	free(weight);
	return ok;
}

/* Dimensions by the number of branches below their total, those with most first; *n: that have two or more. */
static void order_dimensions(const struct grid *g, size_t dim[TABLE_DIMS_MAX], uint32_t *n)
{
	uint32_t width[TABLE_DIMS_MAX] = { 0 };
	*n = 0;
	for (size_t d = 0; d < g->t->n_dims; d++) {
		const struct dim *one = &g->t->dim[d];
		for (uint32_t c = 0; c < one->n_codes; c++)
			width[d] += branch_of(one, c) == c;
		size_t at = *n;
		if (width[d] < 2)
			continue;
		for (; at > 0 && width[dim[at - 1]] < width[d]; at--)
			dim[at] = dim[at - 1];
		dim[at] = d;
		(*n)++;
	}
}

/* ---- one zone ---- */

static bool take_needs(struct zone *z, const struct split *s, uint32_t me)
{
	const struct needs *all = s->p->n;
	size_t n_cells = s->p->g->n_cells;
	uint32_t n = 0;
	for (uint32_t i = 0; i < all->n; i++)
		n += s->zone[i] == me;
	z->n = *all; /* sums, bands and their offices are shared */
	z->n.n = z->n.room = n;
	z->n.need = calloc((size_t)n + 1, sizeof *z->n.need);
	z->n.first = malloc(n_cells * sizeof *z->n.first);
	z->need = calloc((size_t)n + 1, sizeof *z->need);
	if (z->n.need == NULL || z->n.first == NULL || z->need == NULL)
		return false;
	memset(z->n.first, 0xff, n_cells * sizeof *z->n.first);
	for (uint32_t i = all->n; i-- > 0;) {
		if (s->zone[i] != me)
			continue;
		struct need *own = &z->n.need[--n];
		*own = all->need[i];
		own->move = own->next = NONE;
		z->need[n] = i;
		if (own->virt != NONE)
			continue;
		own->next = z->n.first[own->cell];
		z->n.first[own->cell] = n;
	}
	return true;
}

static bool serves_others(const struct split *s, const struct move *m, uint32_t me)
{
	for (uint32_t i = m->first_need; i != NONE; i = s->p->n->need[i].same)
		if (s->zone[i] != me)
			return true;
	return false;
}

/* What other zones' moves hide is hidden, and costs nothing. */
static bool take_grid(struct zone *z, const struct split *s, uint32_t me)
{
	const struct plan *p = s->p;
	size_t n = p->g->n_cells;
	z->g = *p->g;
	z->g.use = calloc(n, sizeof *z->g.use);
	z->g.look = calloc(n, sizeof *z->g.look);
	z->g.frozen = malloc(n);
	if (z->g.use == NULL || z->g.look == NULL || z->g.frozen == NULL)
		return false;
	memcpy(z->g.frozen, p->g->frozen, n);
	for (uint32_t i = 0; i < p->n_moves; i++) {
		bool others = p->move[i].active && serves_others(s, &p->move[i], me);
		for (uint32_t j = 0; others && j < p->move[i].n; j++)
			if (cell_is_bought(p->g, move_cell(&p->move[i], j)))
				z->g.frozen[move_cell(&p->move[i], j)] = 1;
	}
	return true;
}

static bool zone_open(struct zone *z, const struct split *s, uint32_t me)
{
	struct err unused = { 0 };
	struct found before = { 0 };
	bool ok = take_needs(z, s, me) && take_grid(z, s, me) && plan_init(&z->q, &z->g, &z->n, &unused) &&
		  found_gather(&before, s->p, z->need, z->n.n) && found_give(&z->q, &before, NULL, z->n.n);
	found_free(&before);
	z->q.part = true;
	z->q.max_work = s->p->max_work;
	z->q.s.work = s->p->s.work;
	return ok;
}

/* What has been found stays. */
static void zone_close(struct zone *z)
{
	if (z->q.g != NULL)
		plan_free(&z->q);
	free(z->n.need);
	free(z->n.first);
	free(z->g.use);
	free(z->g.look);
	free(z->g.frozen);
}

static void zone_work(void *work, uint32_t job)
{
	const struct split *s = work;
	struct zone *z = &s->at[job];
	struct plan *q = &z->q;
	bool ok = zone_open(z, s, job);
	bool served = ok && plan_serve_all(q);
	ok = ok && !q->memory_failed;
	if (served)
		ok = plan_clean(q, s->rounds) && (s->effort == 0 || plan_improve(q, s->effort));
	z->ok = ok && found_gather(&z->found, q, NULL, z->n.n);
	z->work = q->s.work - s->p->s.work;
	z->by_free = q->by_free;
	z->by_gather = q->by_gather;
	z->by_pay = q->by_pay;
	z->by_retry = q->by_retry;
	zone_close(z);
}

/* ---- all zones ---- */

static bool take_back(struct split *s)
{
	struct plan *p = s->p;
	bool ok = true;
	for (uint32_t i = 0; i < s->n; i++)
		ok = ok && s->at[i].ok;
	for (uint32_t i = 0; ok && i < p->n->n; i++)
		need_assign(p, i, NONE);
	for (uint32_t i = 0; ok && i < s->n; i++) {
		struct zone *z = &s->at[i];
		ok = found_give(p, &z->found, z->need, z->n.n);
		found_free(&z->found);
		p->s.work += z->work;
		p->by_free += z->by_free;
		p->by_gather += z->by_gather;
		p->by_pay += z->by_pay;
		p->by_retry += z->by_retry;
	}
	return ok;
}

static bool run_split(struct plan *p, size_t dim, unsigned rounds, unsigned effort, struct team *team)
{
	struct split s = { .p = p, .rounds = rounds, .effort = effort };
	bool ok = split_needs(&s, dim);
	s.at = calloc((size_t)s.n + 1, sizeof *s.at);
	if (ok && s.at != NULL) {
		plan_unlist(p);
		team_run(team, zone_work, &s, s.n);
		ok = take_back(&s);
	}
	for (uint32_t i = 0; s.at != NULL && i < s.n; i++) {
		found_free(&s.at[i].found);
		free(s.at[i].need);
	}
	p->memory_failed = p->memory_failed || !ok || s.at == NULL;
	free(s.at);
	free(s.zone);
	return !p->memory_failed;
}

/* Slots are soon served, but ask for more than was promised: the improvement knows the attackers one by one, where they are few. */
static bool serve_as_one(struct plan *p, unsigned effort)
{
	if (!plan_serve_all(p) || !plan_clean(p, 2))
		return false;
	if (effort == 0)
		return true;
	return (p->g->ledger != NULL || apart_slots(p) || plan_serve_all(p)) && starts_improve(p, effort);
}

bool zones_serve(struct plan *p, unsigned effort, struct team *team)
{
	size_t dim[TABLE_DIMS_MAX] = { 0 };
	uint32_t n = 0;
	if (p->g->n_cells > CELLS_LEAST && p->g->ledger == NULL)
		order_dimensions(p->g, dim, &n);
	n = n < DIMS ? n : DIMS;
	if (n == 0)
		return serve_as_one(p, effort);
	p->unserved = NONE;
	for (uint32_t i = 0; i < n; i++) /* what no zone could serve is served then */
		if (!run_split(p, dim[i], i == 0 ? 2 : 1, 0, team) || !plan_serve_all(p))
			return false;
	for (uint32_t i = 0; i < n && effort > 0; i++)
		if (!run_split(p, dim[i], 0, (effort + n - 1) / n, team))
			return false;
	return plan_serve_all(p);
}
