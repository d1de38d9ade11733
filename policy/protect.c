#include "policy/protect.h"

#include "policy/attackers.h"
#include "policy/carry.h"
#include "policy/chain.h"
#include "policy/exact.h"
#include "policy/moves.h"

#include <float.h>

#define GATHER_STEPS    24u
#define RETRIES         24u
#define APART_TRIES     12u
#define SECOND_THOUGHTS 12u
#define VAIN            4u     /* of these in a row, and no more are asked for */
#define DEAR            10.0   /* times the price of a cell as large as the threshold */
#define EXACT_CELLS     20000u /* grid cells up to which the program is asked before the last resort */

bool plan_over_limit(const struct plan *p)
{
	return p->max_work != 0 && p->s.work > p->max_work;
}

/* ---- serving ---- */

void need_avoid(struct plan *p, uint32_t need, uint8_t value)
{
	const struct need *n = &p->n->need[need];
	if (n->avoid != NONE)
		p->s.avoid[n->avoid] = value;
	for (uint32_t i = 0; n->band != NONE && i < p->n->band[n->band].n_avoid; i++)
		p->s.avoid[p->n->office[p->n->band[n->band].first + i]] = value;
	for (uint32_t i = need - n->slot; i < need - n->slot + n->slots; i++) {
		if (i == need || p->n->need[i].move == NONE)
			continue;
		const struct move *m = &p->move[p->n->need[i].move];
		for (uint32_t j = 0; j < m->n_offices; j++)
			if (!need_exempts(p->n, n, move_offices(m)[j]))
				p->s.avoid[move_offices(m)[j]] = value;
	}
}

static const struct virt *need_virt(const struct plan *p, const struct need *n)
{
	return n->virt == NONE ? NULL : &p->n->virt[n->virt];
}

/* Largest free product move of at most `most` on top of what is put together; 0: none. */
static int64_t free_step(struct plan *p, const struct need *n, int64_t most)
{
	int64_t h = search_most(&p->s, n->cell, need_virt(p, n), n->dir, most);
	return h > 0 && search_take(&p->s, n->dir, h) ? h : 0;
}

/* The same by a chain: one unit, and as much more of the same as there is room for. */
static int64_t chain_step(struct plan *p, const struct need *n, int64_t most)
{
	float price = 0.0f;
	p->s.pay = false;
	if (n->virt != NONE || !chain_find(&p->s, n->cell, n->dir, 1, 0.5f, &price))
		return 0;
	return 1 + chain_more(&p->s, most - 1);
}

static int64_t any_free_step(struct plan *p, const struct need *n, int64_t most)
{
	int64_t h = free_step(p, n, most);
	return h > 0 ? h : chain_step(p, n, most);
}

/* Without chains: these are left to the paid pass, which asks again. */
static bool gather(struct plan *p, const struct need *n, int64_t amp, bool chains)
{
	for (unsigned i = 0; i < GATHER_STEPS && amp > 0; i++) {
		int64_t h = chains ? any_free_step(p, n, amp) : free_step(p, n, amp);
		if (h == 0)
			return false;
		amp -= h;
	}
	return amp <= 0;
}

/* Leaves the cheaper paid move of one unit or of all that is left in the search; answers its size, 0 for
 * none. */
static int64_t cheaper_step(struct plan *p, const struct need *n, int64_t amp)
{
	const struct virt *v = need_virt(p, n);
	p->s.pay = true;
	bool one = search_find(&p->s, n->cell, v, n->dir, 1);
	float price = p->s.price;
	if (amp == 1 || !one)
		return one ? 1 : 0; /* where one unit is too dear, more is */
	search_set_aside(&p->s);
	if (search_find(&p->s, n->cell, v, n->dir, amp) && p->s.price <= price)
		return amp;
	search_recall(&p->s);
	return 1;
}

/* Steps: free when possible, else the cheaper of one unit and all that is left. Answers what is left; *price: what was paid,
 * less than the search's `most`. */
static int64_t steps(struct plan *p, const struct need *n, int64_t amp, float *price)
{
	float most = p->s.most;
	*price = 0.0f;
	for (unsigned i = 0; i < GATHER_STEPS && amp > 0; i++) {
		int64_t h = any_free_step(p, n, amp);
		if (h == 0) {
			p->s.most = most == FLT_MAX ? most : most - *price;
			h = cheaper_step(p, n, amp);
			*price += p->s.price;
			if (h == 0 || !search_take(&p->s, n->dir, h))
				break;
		}
		amp -= h;
	}
	p->s.most = most;
	return amp;
}

/* One product move of full amplitude (if product), or a chain, for less than the search's `most`; left in what is put together. */
static bool at_once(struct plan *p, const struct need *n, int64_t amp, bool product)
{
	float most = p->s.most;
	float paid = 0.0f;
	p->s.pay = true;
	bool whole = product && search_find(&p->s, n->cell, need_virt(p, n), n->dir, amp);
	if (whole && p->s.price <= 0.0f)
		return search_take(&p->s, n->dir, amp);
	float price = p->s.price;
	if (whole)
		search_set_aside(&p->s);
	if (n->virt == NONE && chain_find(&p->s, n->cell, n->dir, amp, whole ? price : most, &paid))
		return true;
	search_reset(&p->s);
	if (!whole)
		return false;
	search_recall(&p->s);
	return search_take(&p->s, n->dir, amp);
}

/* The cheapest of a sum of steps, one product move of full amplitude, and a chain. What is put together holds the answer. */
static bool pay(struct plan *p, const struct need *n, int64_t amp)
{
	float most = p->s.most;
	float paid = most;
	int64_t left = steps(p, n, amp, &paid);
	bool ok = left <= 0;
	if (ok && paid <= 0.0f)
		return true;
	if (ok && !search_keep(&p->s))
		return false;
	search_reset(&p->s);
	p->s.most = ok ? paid : most;
	bool better = at_once(p, n, amp, left < amp); /* after not one step there is no product either */
	p->s.most = most;
	if (better || !ok)
		return better;
	search_reset(&p->s);
	return search_bring(&p->s);
}

/* Where product moves found nothing, asks the program on small tables. Not where they found something dear: that was
 * tried, costs a thousand times the work and hides as much. */
static bool pay_exact(struct plan *p, uint32_t need, int64_t amp)
{
	const struct need *n = &p->n->need[need];
	if (p->trial || p->g->n_cells > EXACT_CELLS || (p->g->ledger != NULL && p->s.noise > 0.0f))
		return false;
	p->s.pay = true;
	return exact_find(&p->s, n, need_virt(p, n), amp, false, &p->hopeless);
}

/* The moves of earlier releases first, then moves that cost nothing. */
static bool find_way(struct plan *p, uint32_t need, int64_t amp, bool may_pay)
{
	const struct need *n = &p->n->need[need];
	if (carry_find(p, n, amp, false) || ((!may_pay || p->hints.n > 0) && gather(p, n, amp, false)))
		return true;
	search_reset(&p->s);
	return may_pay && (carry_find(p, n, amp, true) || pay(p, n, amp) || pay_exact(p, need, amp));
}

/* Whatever it takes, but nothing more is hidden. */
static bool find_freely(struct plan *p, uint32_t need, int64_t amp, bool exact)
{
	const struct need *n = &p->n->need[need];
	if (carry_find(p, n, amp, false) || gather(p, n, amp, true))
		return true;
	search_reset(&p->s);
	p->s.pay = false;
	return exact && p->g->n_cells <= EXACT_CELLS &&
	       exact_find(&p->s, n, need_virt(p, n), amp, false, &p->hopeless);
}

bool need_serve_freely(struct plan *p, uint32_t need, bool exact)
{
	const struct need *n = &p->n->need[need];
	need_avoid(p, need, 1);
	p->s.any_room = false;
	search_reset(&p->s);
	bool ok = find_freely(p, need, n->amp, exact) && move_commit(p, need);
	p->by_free += ok;
	search_reset(&p->s);
	need_avoid(p, need, 0);
	return ok;
}

bool need_serve(struct plan *p, uint32_t need, bool may_pay)
{
	const struct need *n = &p->n->need[need];
	double before = p->cost;
	p->hopeless = false;
	need_avoid(p, need, 1);
	p->s.any_room = n->amp == 0;
	search_reset(&p->s);
	bool ok = find_way(p, need, n->amp == 0 ? 1 : n->amp, may_pay) && move_commit(p, need);
	p->by_free += ok && !may_pay;
	p->by_gather += ok && may_pay && p->cost <= before;
	p->by_pay += ok && may_pay && p->cost > before;
	search_reset(&p->s);
	need_avoid(p, need, 0);
	return ok;
}

/* Which slot may touch the office in this attempt: offices are dealt out by key, each slot gets one of those
 * below the cell for certain; in the later attempts that one only. */
static uint32_t apart_slot(const struct plan *p, const struct need *n, uint32_t office, unsigned attempt)
{
	const struct dim *d = &p->g->t->dim[p->g->office_dim];
	uint32_t code = grid_coord(p->g, n->cell, p->g->office_dim);
	uint32_t below = list_size(&d->atoms, code);
	for (uint32_t j = 0; j < n->slots; j++)
		if (list_at(&d->atoms, code)[(attempt + j) % below] == office)
			return j;
	if (attempt % 2 == 1)
		return NONE;
	return (uint32_t)(grid_random(p->g, 13, office, attempt) % n->slots);
}

static void set_apart(struct plan *p, const struct need *n, uint32_t slot, unsigned attempt, bool on)
{
	const struct dim *d = &p->g->t->dim[p->g->office_dim];
	for (uint32_t o = 0; o < d->n_codes; o++)
		if (dim_is_leaf(d, o))
			p->s.avoid[o] =
			    on && !need_exempts(p->n, n, o) && apart_slot(p, n, o, attempt) != slot;
}

/* Slots must touch different offices: where the first took them all, deal them out beforehand. */
static bool serve_apart(struct plan *p, uint32_t need)
{
	const struct need *n = &p->n->need[need];
	uint32_t first = need - n->slot;
	bool ok = false;
	if (n->slots < 2 || p->g->office_dim == SIZE_MAX)
		return false;
	for (unsigned i = 0; i < APART_TRIES && !ok && !plan_over_limit(p); i++) {
		for (uint32_t j = first; j < first + n->slots; j++)
			need_assign(p, j, NONE);
		ok = true;
		for (uint32_t j = 0; ok && j < n->slots; j++) {
			set_apart(p, n, j, i, true);
			ok = need_serve(p, first + j, true);
			set_apart(p, n, j, i, false);
		}
	}
	return ok;
}

/* Another try for all slots of a need together, with noise on the prices. */
static bool retry(struct plan *p, uint32_t need)
{
	const struct need *n = &p->n->need[need];
	uint32_t first = need - n->slot;
	bool ok = false;
	for (unsigned i = 1; i <= RETRIES && !ok && !plan_over_limit(p); i++) {
		for (uint32_t j = first; j < first + n->slots; j++)
			need_assign(p, j, NONE);
		p->s.noise = 0.5f + 2.0f * (float)i / RETRIES;
		p->s.seed = i;
		p->s.confined = i % 2 == 1; /* a slot that keeps to few offices leaves more to the others */
		ok = true;
		for (uint32_t j = 0; ok && j < n->slots; j++) {
			uint32_t slot = first + (j + i) % n->slots;
			ok = p->n->need[slot].move != NONE || need_serve(p, slot, true);
		}
	}
	p->s.noise = 0.0f;
	p->s.seed = 0;
	p->s.confined = false;
	p->by_retry += ok;
	return ok;
}

/* Programs on the neighbourhood, free cells first, for all slots that are open. */
static bool serve_exact(struct plan *p, uint32_t need, bool last)
{
	const struct need *n = &p->n->need[need];
	bool none = false;
	bool ok = false;
	for (uint32_t j = need - n->slot; j < need - n->slot + n->slots; j++) {
		if (p->n->need[j].move != NONE)
			continue;
		need_avoid(p, j, 1);
		p->s.any_room = n->amp == 0;
		p->s.pay = true;
		search_reset(&p->s);
		ok = exact_find(
			 &p->s, &p->n->need[j], need_virt(p, n), n->amp == 0 ? 1 : n->amp, last, &none) &&
		     move_commit(p, j);
		search_reset(&p->s);
		need_avoid(p, j, 0);
		if (!ok)
			return false;
		p->by_exact++;
	}
	return ok;
}

double plan_dear(const struct plan *p)
{
	const struct policy_params *k = p->g->p;
	return DEAR * ((double)k->price_count + (double)k->price_value * (double)k->threshold);
}

/* Where serving a subject was dear, serves all its slots again with noise on the prices, and keeps the cheapest. */
static void reconsider(struct plan *p, uint32_t need, double paid)
{
	const struct need *n = &p->n->need[need];
	uint32_t first = need - n->slot;
	if (paid < plan_dear(p))
		return;
	unsigned vain = 0;
	for (unsigned i = 1; i <= SECOND_THOUGHTS && vain < VAIN && !p->memory_failed && !plan_over_limit(p);
	     i++) {
		double most = p->cost - 0.01;
		bool ok = true;
		plan_try(p);
		for (uint32_t j = first; j < first + n->slots; j++)
			need_assign(p, j, NONE);
		p->s.noise = i == 1 ? 0.0f : 0.3f * (float)i;
		p->s.seed = i;
		for (uint32_t j = 0; ok && j < n->slots; j++) {
			uint32_t slot = first + (j + i) % n->slots;
			p->s.most = (float)(most - p->cost);
			ok = p->cost < most && (p->n->need[slot].move != NONE || need_serve(p, slot, true));
		}
		p->s.most = FLT_MAX;
		ok = ok && p->cost < most;
		vain = ok ? 0 : vain + 1;
		if (ok)
			plan_settle(p);
		else
			plan_roll_back(p);
	}
	p->s.noise = 0.0f;
	p->s.seed = 0;
}

/* Does another slot of its subject bar offices to it? */
static bool is_alone(const struct plan *p, uint32_t need)
{
	const struct need *n = &p->n->need[need];
	for (uint32_t j = need - n->slot; j < need - n->slot + n->slots; j++)
		if (j != need && p->n->need[j].move != NONE)
			return false;
	return true;
}

/* Whatever it takes: for this need, or for all its slots. Nothing more where the program says that no move exists: other
 * prices give none. */
static bool serve_hard(struct plan *p, uint32_t need)
{
	if (need_serve(p, need, true))
		return true;
	if (p->hopeless && is_alone(p, need))
		return false;
	return serve_apart(p, need) || retry(p, need) || serve_exact(p, need, false);
}

bool plan_serve_all(struct plan *p)
{
	uint32_t first;
	p->unserved = NONE;
	grid_see_all(p->g);
	for (uint32_t i = 0; i < p->n->n && !p->memory_failed; i++)
		if (p->n->need[i].move == NONE)
			need_serve(p, i, false);
	for (uint32_t i = 0; i < p->n->n && !p->memory_failed; i++) {
		double before = p->cost;
		if (p->n->need[i].move != NONE)
			continue;
		if (serve_hard(p, i)) {
			reconsider(p, i, p->cost - before);
		} else if (p->part && !plan_over_limit(p)) {
			continue; /* the whole plan's matter */
		} else if (!plan_over_limit(p) && attackers_split(p, i, &first)) {
			i = first - 1; /* now its attackers, one by one */
		} else if (p->brief || plan_over_limit(p) || !serve_exact(p, i, true)) {
			p->unserved = i;
			return false;
		}
	}
	if (plan_over_limit(p))
		p->unserved = 0;
	return !p->memory_failed && p->unserved == NONE;
}

/* ---- moves of somebody else's making ---- */

static bool adopt_one(struct plan *p, uint32_t need, plan_put *put, void *context)
{
	search_reset(&p->s);
	uint32_t move = put(context, need) ? move_store(p) : NONE;
	if (move == NONE)
		return false;
	if (!move_serves(p, need, move)) {
		move_retire(p, move);
		return false;
	}
	need_assign(p, need, move);
	return true;
}

bool plan_adopt(struct plan *p, plan_put *put, void *context)
{
	bool ok = true;
	plan_try(p);
	for (uint32_t i = 0; i < p->n->n; i++)
		need_assign(p, i, NONE);
	for (uint32_t i = 0; ok && i < p->n->n && !p->memory_failed; i++)
		ok = adopt_one(p, i, put, context);
	ok = ok && !p->memory_failed;
	search_reset(&p->s);
	if (ok)
		plan_settle(p);
	else
		plan_roll_back(p);
	return ok;
}
