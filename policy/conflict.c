#include "policy/conflict.h"

#include <stdlib.h>
#include <string.h>

#include "policy/primary.h"
#include "policy/protect.h"

/* One try with the requirements of one cell alone; every cell in open may be hidden though it is forced. */
struct question {
	const struct ladder *l;
	const uint8_t *key;
	enum guarantee level;
	bool camouflage;
	const uint8_t *open; /* by cell */
	uint64_t max_work;
};

/* Leaves only the group of needs that begins at `first`. */
static void keep_group(struct needs *n, uint32_t first, uint32_t n_cells)
{
	uint32_t slots = n->need[first].slots == 0 ? 1 : n->need[first].slots;
	if (first + slots > n->n)
		slots = n->n - first;
	memmove(n->need, n->need + first, slots * sizeof *n->need);
	n->n = slots;
	for (uint32_t c = 0; c < n_cells; c++)
		n->first[c] = NONE;
	for (uint32_t i = slots; i-- > 0;) {
		n->need[i].next = NONE;
		if (n->need[i].virt != NONE)
			continue;
		n->need[i].next = n->first[n->need[i].cell];
		n->first[n->need[i].cell] = i;
	}
}

/* *served: would the requirement hold? */
static bool ask(const struct question *q, uint32_t need, bool *served, struct err *e)
{
	struct policy_params params = q->l->params;
	struct grid g = { 0 };
	struct needs needs = { 0 };
	struct plan plan = { 0 };
	bool ok = false;
	*served = false;
	if (q->camouflage && params.zeros == ZEROS_PUBLISHED)
		params.zeros = ZEROS_CAMOUFLAGE;
	if (!grid_init(&g, q->l->t, &params, q->key, e))
		return false;
	ladder_thaw(q->l, &g);
	for (uint32_t c = 0; c < g.n_cells; c++)
		if (g.kind[c] == KIND_FORCED && q->open[c] != 0)
			g.kind[c] = KIND_OPEN;
	if (!primary_find(&g, q->level, &needs, e))
		goto done;
	ok = need >= needs.n; /* other rules, other needs: no answer */
	if (ok)
		goto done;
	keep_group(&needs, need - needs.need[need].slot, g.n_cells);
	if (!plan_init(&plan, &g, &needs, e))
		goto done;
	plan.max_work = q->max_work;
	plan.brief = true;
	*served = plan_serve_all(&plan);
	ok = !plan.memory_failed || err_set(e, ERR_MEMORY, "no memory for the explanation");
done:
	if (plan.g != NULL)
		plan_free(&plan);
	needs_free(&needs);
	grid_free(&g);
	return ok;
}

static bool list_forced(
    const struct question *q, uint8_t *open, uint32_t *list, uint32_t *n, bool *more, struct err *e)
{
	struct grid g = { 0 };
	if (!grid_init(&g, q->l->t, &q->l->params, q->key, e))
		return false;
	*n = 0;
	*more = false;
	for (uint32_t c = 0; c < g.n_cells; c++) {
		if (g.kind[c] != KIND_FORCED || q->l->unfreeze)
			continue;
		*more = *more || *n == CONFLICT_FORCED_MAX;
		if (*n < CONFLICT_FORCED_MAX)
			list[(*n)++] = c;
		open[c] = 1;
	}
	grid_free(&g);
	return true;
}

/* Forced again, one after the other left out: those whose leaving out helps are the ones. */
static bool filter(struct question *q, uint8_t *open, const uint32_t *list, uint32_t n, uint32_t need,
    struct conflict *out, struct err *e)
{
	for (uint32_t i = 0; i < n; i++)
		open[list[i]] = 0;
	for (uint32_t i = 0; i < n; i++) {
		bool served = false;
		open[list[i]] = 1;
		if (!ask(q, need, &served, e))
			return false;
		if (served) {
			open[list[i]] = 0;
			out->forced[out->n_forced++] = list[i];
		}
	}
	return true;
}

bool conflict_find(const struct ladder *l, const uint8_t choice_key[32], enum guarantee level, uint32_t need,
    uint64_t max_work, struct conflict *out, struct err *e)
{
	uint64_t n_cells = l->t->n_cells;
	uint32_t list[CONFLICT_FORCED_MAX];
	uint32_t n = 0;
	bool served = false;
	uint8_t *open = calloc(n_cells + 1, 1);
	struct question q = { .l = l, .key = choice_key, .level = level, .open = open, .max_work = max_work };
	out->n_forced = 0;
	out->forced = malloc(CONFLICT_FORCED_MAX * sizeof *out->forced);
	bool ok =
	    (open != NULL && out->forced != NULL) || err_set(e, ERR_MEMORY, "no memory for the explanation");
	ok = ok && list_forced(&q, open, list, &n, &out->too_large, e);
	if (ok && n > 0)
		ok = ask(&q, need, &served, e) && (!served || filter(&q, open, list, n, need, out, e));
	if (ok && !served && l->params.zeros == ZEROS_PUBLISHED) {
		q.camouflage = true;
		ok = ask(&q, need, &out->zeros, e);
	}
	free(open);
	return ok;
}
