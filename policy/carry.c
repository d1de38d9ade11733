#include "policy/carry.h"

#define HINTS_MAX 128u /* looked at for one need */
#define TIMES_MAX 8    /* a hint is taken so often at most */
#define REPAIRS   12u

/* The cell furthest below its floor by what was put together so far; NONE: all hold. */
static uint32_t worst_short(const struct plan *p, int64_t *by)
{
	uint32_t worst = NONE;
	*by = 0;
	for (uint32_t i = 0; i < p->s.n_touched; i++) {
		uint32_t c = p->s.touched[i];
		int64_t missing = -p->s.room[c];
		if (missing > *by && search_delta(&p->s, c) < 0) {
			*by = missing;
			worst = c;
		}
	}
	return worst;
}

/* What one office gives up in one release another may have to give up in the next: no product does that. So
 * what fell below its floor is raised again. */
static bool repair(struct plan *p, bool may_pay)
{
	int64_t by = 0;
	p->s.pay = may_pay;
	for (unsigned i = 0; i < REPAIRS; i++) {
		uint32_t cell = worst_short(p, &by);
		if (cell == NONE)
			return true;
		if (!search_find(&p->s, cell, NULL, 1, by) || !search_take(&p->s, 1, by))
			return false;
	}
	return worst_short(p, &by) == NONE;
}

/* What the delta changes of what a need is about, in its direction. */
static int64_t delta_at(const struct plan *p, const struct need *n)
{
	const struct virt *v = n->virt == NONE ? NULL : &p->n->virt[n->virt];
	int64_t sum = v == NULL ? search_delta(&p->s, n->cell) : 0;
	if (v != NULL && v->except != NONE)
		sum = search_delta(&p->s, v->r.parent) - search_delta(&p->s, virt_off(p->g, v));
	for (uint32_t j = 0; v != NULL && v->except == NONE && j < v->r.b->n; j++)
		if (virt_holds(p->g, v, j))
			sum += search_delta(&p->s, virt_part(p->g, v, j));
	return sum * n->dir;
}

static float bought_price(const struct plan *p)
{
	float price = 0.0f;
	for (uint32_t i = 0; i < p->s.n_touched; i++)
		if ((p->s.look[p->s.touched[i]] & SPOT_BOUGHT) != 0)
			price += p->g->price[p->s.touched[i]];
	return price;
}

/* Hint number i in one of its ways, upwards or downwards, as often as the need asks for. */
static bool hint_serves(
    struct plan *p, const struct need *n, int64_t amp, uint32_t i, uint32_t way, bool may_pay)
{
	int64_t factor = way < HINT_WAYS ? 1 : -1;
	enum hint_way how = (enum hint_way)(way % HINT_WAYS);
	p->s.pay = may_pay;
	if (!hints_put(&p->hints, i, how, factor, &p->s) || delta_at(p, n) <= 0)
		return false;
	int64_t times = (amp + delta_at(p, n) - 1) / delta_at(p, n);
	return times <= TIMES_MAX && (times == 1 || hints_put(&p->hints, i, how, factor * times, &p->s)) &&
	       repair(p, may_pay) && delta_at(p, n) >= amp;
}

static uint32_t first_hint(const struct plan *p, const struct need *n)
{
	const struct virt *v = n->virt == NONE ? NULL : &p->n->virt[n->virt];
	uint32_t at = v == NULL ? p->hints.head[n->cell % p->g->n_own] : NONE;
	for (uint32_t j = 0; v != NULL && at == NONE && j < v->r.b->n; j++)
		if (virt_holds(p->g, v, j))
			at = p->hints.head[virt_part(p->g, v, j) % p->g->n_own];
	return at;
}

/* What has been looked at for one need. */
struct looking {
	const struct need *n;
	int64_t amp;
	bool may_pay;
	uint32_t tries;
	uint32_t best, best_way; /* hint; NONE */
	float least;
};

/* All ways of one hint; true: one that costs nothing, and the delta holds it. */
static bool look(struct plan *p, struct looking *k, uint32_t hint)
{
	for (uint32_t way = 0; way < 2 * HINT_WAYS; way++, k->tries++) {
		if (!hint_serves(p, k->n, k->amp, hint, way, k->may_pay))
			continue;
		float price = bought_price(p);
		if (price <= 0.0f)
			return true;
		if (price < k->least) {
			k->best = hint;
			k->best_way = way;
			k->least = price;
		}
	}
	return false;
}

/* First the moves that served the same slot, since those of different slots touch different offices. */
bool carry_find(struct plan *p, const struct need *n, int64_t amp, bool may_pay)
{
	const struct hints *h = &p->hints;
	struct looking k = { .n = n, .amp = amp, .may_pay = may_pay, .best = NONE, .least = p->s.most };
	if (h->n == 0 || n->amp == 0 || p->trial)
		return false;
	uint32_t own = n->cell % p->g->n_own;
	for (uint32_t i = n->virt == NONE ? h->use_head[own] : NONE; i != NONE && k.tries < HINTS_MAX;
	     i = h->use[i].next)
		if (h->use[i].slot == n->slot && look(p, &k, h->use[i].hint))
			return true;
	if (k.best == NONE)
		for (uint32_t at = first_hint(p, n); at != NONE && k.tries < 2 * HINTS_MAX; at = h->next[at])
			if (look(p, &k, h->of[at]))
				return true;
	if (k.best != NONE && hint_serves(p, n, amp, k.best, k.best_way, may_pay))
		return true;
	search_reset(&p->s);
	return false;
}
