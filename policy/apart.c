#include "policy/apart.h"

#include <stdlib.h>

#include "policy/attackers.h"
#include "policy/moves.h"

#define SLOTS_MAX 16u

/* The moves of a group's slots, kept while the needs change. */
struct kept {
	struct term *term[SLOTS_MAX];
	uint32_t n[SLOTS_MAX];
	uint32_t move[SLOTS_MAX]; /* stored again, or NONE */
	uint32_t slots;
};

static void kept_free(struct kept *k)
{
	for (uint32_t i = 0; i < k->slots; i++)
		free(k->term[i]);
}

static bool keep(struct kept *k, const struct plan *p, uint32_t first)
{
	k->slots = p->n->need[first].slots;
	for (uint32_t s = 0; s < k->slots; s++) {
		const struct move *m = &p->move[p->n->need[first + s].move];
		k->move[s] = NONE;
		k->term[s] = calloc((size_t)m->n + 1, sizeof *k->term[s]);
		if (k->term[s] == NULL)
			return false;
		for (k->n[s] = 0; k->n[s] < m->n; k->n[s]++)
			k->term[s][k->n[s]] = (struct term){ move_cell(m, k->n[s]), move_by(m, k->n[s]) };
	}
	return true;
}

/* One of the kept moves for the need. False: none will do. */
static bool give_back(struct plan *p, struct kept *k, uint32_t need)
{
	for (uint32_t s = 0; s < k->slots; s++) {
		if (k->move[s] == NONE)
			k->move[s] = move_store_terms(p, k->term[s], k->n[s]);
		if (k->move[s] == NONE)
			return false;
		if (!move_serves(p, need, k->move[s]))
			continue;
		need_assign(p, need, k->move[s]);
		return true;
	}
	return false;
}

/* Those that no need took. */
static void retire_unused(struct plan *p, const struct kept *k)
{
	for (uint32_t s = 0; s < k->slots; s++)
		if (k->move[s] != NONE && p->move[k->move[s]].first_need == NONE)
			move_retire(p, k->move[s]);
}

/* Splits the group; its needs are served by the moves that its slots had. */
static bool split_one(struct plan *p, uint32_t need)
{
	struct kept k = { .slots = 0 };
	uint32_t n = p->n->n;
	uint32_t first;
	bool ok = keep(&k, p, need);
	if (ok && attackers_split(p, need, &first)) {
		uint32_t more = p->n->n + k.slots - n;
		for (uint32_t i = first; i < first + more && !p->memory_failed; i++)
			if (p->n->need[i].move == NONE)
				ok = give_back(p, &k, i) && ok;
		retire_unused(p, &k);
	}
	kept_free(&k);
	return ok && !p->memory_failed;
}

/* How many sets of offices may pool, at most; beyond the bound it does not matter how many. */
static uint64_t sets_of(const struct grid *g)
{
	const struct dim *d = &g->t->dim[g->office_dim];
	uint64_t leaves = 0;
	uint64_t sets = 1;
	for (uint32_t o = 0; o < d->n_codes; o++)
		leaves += dim_is_leaf(d, o);
	for (uint64_t i = 0; i < g->p->coalition && i < leaves && sets <= APART_NEEDS_MAX; i++)
		sets = sets * (leaves - i) / (i + 1);
	return sets;
}

bool apart_slots(struct plan *p)
{
	uint64_t groups = 0;
	bool ok = true;
	if (p->g->office_dim == SIZE_MAX)
		return true;
	for (uint32_t i = 0; i < p->n->n; i++)
		groups += p->n->need[i].slots > 1 && p->n->need[i].slot == 0;
	if (groups * sets_of(p->g) > APART_NEEDS_MAX)
		return true;
	for (uint32_t i = p->n->n; i-- > 0 && !p->memory_failed;)
		if (p->n->need[i].slots > 1 && p->n->need[i].slot == 0 && p->n->need[i].slots <= SLOTS_MAX)
			ok = split_one(p, i) && ok; /* from the last: those before keep their numbers */
	return ok && !p->memory_failed;
}
