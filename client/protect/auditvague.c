/* R10: printed figures of several cells together leave nothing that no table prints known to be a few. */
#include <stdlib.h>
#include <string.h>

#include "client/protect/auditpart.h"

#define ROUNDS    32 /* docs/disclosure.md, R10 */
#define UNBOUNDED (INT64_C(1) << 54)
#define ENDLESS   (INT64_C(1) << 60) /* a sum of many unbounded ones */

struct knowledge { /* of the public, by cell */
	struct range *now, *then;
	bool news;
};

/* One who has nothing but the table. */
static struct range by_table(const struct audit *a, uint64_t cell)
{
	int64_t floor = a->g->mark[cell] == 'H' && a->p->zeros == ZEROS_PUBLISHED;
	if (a->g->live[cell] == 0)
		return (struct range){ 0, 0 };
	return a->g->mark[cell] == 'P' ? (struct range){ a->g->truth[cell], a->g->truth[cell] }
				       : (struct range){ floor, UNBOUNDED };
}

static void cut(struct range *r, int64_t low, int64_t high)
{
	r->low = low > r->low ? low : r->low;
	r->high = high < r->high ? high : r->high;
}

static void hear(struct knowledge *k, uint64_t cell, int64_t low, int64_t high)
{
	struct range *r = &k->then[cell];
	k->news |= low > r->low || high < r->high;
	cut(r, low, high);
}

static int64_t capped(int64_t sum)
{
	return sum > ENDLESS ? ENDLESS : sum;
}

static void use(struct knowledge *k, uint64_t parent, const struct breakdown *b, uint64_t stride)
{
	struct range all = { 0, 0 };
	struct range top = k->now[parent];
	uint64_t first = parent - b->parent * stride;
	for (uint32_t i = 0; i < b->n; i++) {
		const struct range *part = &k->now[first + b->child[i] * stride];
		all.low = capped(all.low + part->low);
		all.high = capped(all.high + part->high);
	}
	hear(k, parent, all.low, all.high);
	for (uint32_t i = 0; i < b->n; i++) {
		struct range part = k->now[first + b->child[i] * stride];
		int64_t others = all.high - part.high;
		hear(k, first + b->child[i] * stride, all.high == ENDLESS ? 0 : top.low - others,
		    top.high - (all.low - part.low));
	}
}

static void use_all(const struct lattice *g, struct knowledge *k)
{
	for (uint32_t d = 0; d < g->n_dims; d++)
		for (uint32_t i = 0; i < g->dim[d].n_breakdowns; i++) {
			const struct breakdown *b = &g->dim[d].breakdown[i];
			uint64_t block = g->stride[d] * g->dim[d].n_codes;
			for (uint64_t high = 0; high < g->n_cells; high += block)
				for (uint64_t low = high; low < high + g->stride[d]; low++)
					use(k, low + b->parent * g->stride[d], b, g->stride[d]);
		}
}

static void conclude(const struct lattice *g, struct knowledge *k)
{
	k->news = true;
	for (unsigned i = 0; k->news && i < ROUNDS; i++) {
		k->news = false;
		memcpy(k->then, k->now, g->n_cells * sizeof *k->now);
		use_all(g, k);
		memcpy(k->now, k->then, g->n_cells * sizeof *k->now);
	}
}

static bool tells(const struct audit *a, const struct figure *f)
{
	return f->printed && a->g->mark[f->numerator] == 'I' && audit_has_base(a, f);
}

static bool is_few(const struct audit *a, int64_t high)
{
	return high > 0 && high < (int64_t)a->p->threshold;
}

/* Few by the figures, and not without. */
static bool compare(struct audit *a, struct knowledge *k, uint8_t *few)
{
	const struct lattice *g = a->g;
	for (uint64_t c = 0; c < g->n_cells; c++)
		k->now[c] = by_table(a, c);
	conclude(g, k);
	for (uint64_t c = 0; c < g->n_cells; c++)
		few[c] = strchr("PH", g->mark[c]) != NULL || g->live[c] == 0 || is_few(a, k->now[c].high);
	for (uint32_t i = 0; i < g->n_figures; i++)
		if (tells(a, &g->figure[i])) {
			struct range r = audit_range(a, &g->figure[i]);
			cut(&k->now[g->figure[i].numerator], r.low, r.high);
		}
	conclude(g, k);
	for (uint64_t c = 0; c < g->n_cells; c++) {
		struct subject s = { .cell = c };
		if (few[c] == 0 && is_few(a, k->now[c].high))
			return audit_fails(
			    a, &s, RULE_SPARE, "printed figures leave it known to be small (R10)");
	}
	return true;
}

bool audit_vague(struct audit *a)
{
	struct knowledge k = { 0 };
	uint32_t i = 0;
	while (i < a->g->n_figures && !tells(a, &a->g->figure[i]))
		i++;
	if (i == a->g->n_figures || a->releases != NULL || a->p->figures == FIGURES_AMOUNTS)
		return true;
	uint8_t *few = calloc(a->g->n_cells, 1);
	k.now = calloc(a->g->n_cells, sizeof *k.now);
	k.then = calloc(a->g->n_cells, sizeof *k.then);
	bool ok = (few != NULL && k.now != NULL && k.then != NULL) || err_set(a->e, ERR_MEMORY, "no memory");
	ok = ok && compare(a, &k, few);
	free(few);
	free(k.now);
	free(k.then);
	return ok;
}
