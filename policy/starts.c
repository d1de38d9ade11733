#include "policy/starts.h"

#include <string.h>

#include "policy/found.h"
#include "policy/moves.h"

#define FEW       40u /* secondary cells, up to which there are so many beginnings: */
#define STARTS    4u
#define NOISE     0.8f /* of the prices by which a beginning is served */
#define WORK_ROOM 3u   /* times the work of the first, below the limit, or there is no other */

static unsigned starts_for(const struct plan *p)
{
	uint32_t n = 0;
	for (uint32_t c = 0; c < p->g->n_cells && n <= FEW; c++)
		n += cell_is_bought(p->g, c) && p->g->use[c] != 0;
	return n == 0 || n > FEW ? 1 : STARTS;
}

static void clear(struct plan *p)
{
	for (uint32_t i = 0; i < p->n->n; i++)
		need_assign(p, i, NONE);
	memset(p->tried, 0, p->g->n_cells * sizeof *p->tried);
	memset(p->stuck, 0, p->g->n_cells * sizeof *p->stuck);
}

static bool is_served(const struct plan *p)
{
	for (uint32_t i = 0; i < p->n->n; i++)
		if (p->n->need[i].move == NONE)
			return false;
	return true;
}

/* From nothing, at other prices. True: all is served. */
static bool begin_again(struct plan *p, unsigned start, unsigned effort)
{
	clear(p);
	p->start = start;
	p->part = true; /* the needs stay as they are */
	p->s.noise = NOISE;
	p->s.seed = start;
	bool ok = plan_serve_all(p) && is_served(p);
	p->s.noise = 0.0f;
	p->s.seed = 0;
	ok = ok && plan_clean(p, 2) && plan_improve(p, effort) && !plan_over_limit(p);
	p->part = false;
	p->start = 0;
	return ok;
}

/* The pattern at hand, or a cheaper one from another beginning. */
static bool try_start(struct plan *p, unsigned start, unsigned effort)
{
	struct found best = { 0 };
	double cost = p->cost;
	bool ok = found_gather(&best, p, NULL, p->n->n);
	if (ok && (!begin_again(p, start, effort) || p->cost >= cost)) {
		clear(p);
		ok = !p->memory_failed && found_give(p, &best, NULL, p->n->n);
	}
	found_free(&best);
	p->unserved = NONE;
	p->memory_failed = p->memory_failed || !ok;
	return ok;
}

bool starts_improve(struct plan *p, unsigned effort)
{
	uint64_t most = p->max_work;
	uint64_t began = p->s.work;
	bool ok = plan_improve(p, effort);
	uint64_t worth = p->s.work - began + 1;
	unsigned n = ok && p->g->ledger == NULL && !plan_over_limit(p) ? starts_for(p) : 1;
	for (unsigned i = 1; ok && i < n; i++) {
		if (most != 0 && p->s.work + WORK_ROOM * worth > most)
			break;
		p->max_work = p->s.work + (WORK_ROOM - 1) * worth;
		ok = try_start(p, i, effort);
		p->max_work = most;
	}
	return ok;
}
