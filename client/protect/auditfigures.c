/* R10: which cells that no table prints are judged as if one did, since figures tell of them. */
#include <stdlib.h>
#include <string.h>

#include "client/protect/auditpart.h"

#define ANYTHING INT64_MAX

__extension__ typedef __int128 wide;

/* by cell, in audit.counted */
enum { NO_FIGURE, MAY_SHOW, MAY_NOT };

struct range {
	int64_t low, high;
};

struct looker { /* what the figures would tell, if all were printed */
	struct audit *a;
	struct range *of; /* by cell */
	uint8_t *bad;     /* by cell: its figures show a nought beside it */
};

static bool has_base(const struct audit *a, const struct figure *f)
{
	return f->denominator == UINT64_MAX ||
	       (strchr("PH", a->g->mark[f->denominator]) != NULL && a->g->truth[f->denominator] > 0);
}

/* All numerators of which the figure would be the same. */
static struct range range_of(const struct audit *a, const struct figure *f)
{
	bool constant = f->denominator == UINT64_MAX;
	wide below = constant ? (wide)f->constant : (wide)a->g->truth[f->denominator];
	wide step = 2 * (wide)f->scale;
	if (step == 0)
		return (struct range){ 0, ANYTHING };
	wide shown = (step * a->g->truth[f->numerator] + below) / (2 * below);
	wide low = shown == 0 ? 0 : ((2 * shown - 1) * below + step - 1) / step;
	wide high = ((2 * shown + 1) * below - 1) / step;
	return (struct range){ (int64_t)low, high > ANYTHING ? ANYTHING : (int64_t)high };
}

static bool is_few(const struct audit *a, int64_t high)
{
	return high > 0 && high < (int64_t)a->p->threshold;
}

/* Could be shown, as far as its own value goes. */
static void mark(struct audit *a)
{
	for (uint32_t i = 0; i < a->g->n_figures; i++) {
		const struct figure *f = &a->g->figure[i];
		struct subject s = { .cell = f->numerator };
		if (f->missing || !has_base(a, f) || strchr("-I", a->g->mark[s.cell]) == NULL ||
		    a->g->live[s.cell] == 0)
			continue;
		if (is_few(a, range_of(a, f).high) || audit_would_name(a, &s))
			a->counted[s.cell] = MAY_NOT;
		else if (a->counted[s.cell] == NO_FIGURE)
			a->counted[s.cell] = MAY_SHOW;
	}
	for (uint32_t i = 0; i < a->g->n_figures; i++)
		if (a->counted[a->g->figure[i].numerator] == MAY_NOT)
			a->counted[a->g->figure[i].numerator] = NO_FIGURE;
}

static bool is_wide(const struct looker *r, uint64_t cell)
{
	return r->a->counted[cell] == MAY_SHOW && r->of[cell].low < r->of[cell].high;
}

static void read_all(struct looker *r)
{
	const struct lattice *g = r->a->g;
	for (uint64_t c = 0; c < g->n_cells; c++)
		r->of[c] = r->a->counted[c] == MAY_SHOW ? (struct range){ 0, ANYTHING }
							: (struct range){ g->truth[c], g->truth[c] };
	for (uint32_t i = 0; i < g->n_figures; i++) {
		struct range *of = &r->of[g->figure[i].numerator];
		if (r->a->counted[g->figure[i].numerator] != MAY_SHOW || !has_base(r->a, &g->figure[i]))
			continue;
		struct range one = range_of(r->a, &g->figure[i]);
		of->low = one.low > of->low ? one.low : of->low;
		of->high = one.high < of->high ? one.high : of->high;
	}
}

/* Under this total something is not printed, is nought, and would be known to be few and not to be nobody. */
static bool shows_few(const struct looker *r, uint64_t parent, const struct breakdown *b, uint64_t stride)
{
	const struct audit *a = r->a;
	int64_t left = r->of[parent].high;
	bool some = false;
	if (a->g->live[parent] != 0 && !audit_printed(a, parent))
		return false;
	for (uint32_t i = 0; i < b->n; i++) {
		uint64_t child = parent + (b->child[i] - (uint64_t)b->parent) * stride;
		if (a->g->live[child] == 0)
			continue;
		if (audit_printed(a, child)) {
			left -= r->of[child].low;
			continue;
		}
		if (a->g->truth[child] != 0)
			return false;
		some = true;
	}
	return some && is_few(a, left);
}

/* Marks what must go, of one relation. */
static bool blame(struct looker *r, uint64_t parent, const struct breakdown *b, uint64_t stride)
{
	bool some = is_wide(r, parent);
	r->bad[parent] |= some;
	for (uint32_t i = 0; i < b->n; i++) {
		uint64_t child = parent + (b->child[i] - (uint64_t)b->parent) * stride;
		bool wide_one = is_wide(r, child);
		r->bad[child] |= wide_one;
		some |= wide_one;
	}
	return some;
}

static bool round_of(struct looker *r)
{
	const struct lattice *g = r->a->g;
	bool some = false;
	for (uint32_t d = 0; d < g->n_dims; d++)
		for (uint32_t k = 0; k < g->dim[d].n_breakdowns; k++) {
			const struct breakdown *b = &g->dim[d].breakdown[k];
			uint64_t block = g->stride[d] * g->dim[d].n_codes;
			for (uint64_t c = 0; c < g->n_cells; c++) {
				uint64_t parent = c + b->parent * g->stride[d];
				if (c % block < g->stride[d] && shows_few(r, parent, b, g->stride[d]))
					some |= blame(r, parent, b, g->stride[d]);
			}
		}
	for (uint64_t c = 0; some && c < g->n_cells; c++)
		if (r->bad[c] != 0)
			r->a->counted[c] = NO_FIGURE;
	return some;
}

bool audit_figures(struct audit *a)
{
	struct looker r = { .a = a };
	bool ok = (a->counted = calloc(a->g->n_cells, sizeof *a->counted)) != NULL;
	if (!ok || a->g->n_figures == 0)
		return ok || err_set(a->e, ERR_MEMORY, "no memory");
	mark(a);
	if (a->p->zeros != ZEROS_SENSITIVE) {
		r.of = calloc(a->g->n_cells, sizeof *r.of);
		r.bad = calloc(a->g->n_cells, sizeof *r.bad);
		ok = (r.of != NULL && r.bad != NULL) || err_set(a->e, ERR_MEMORY, "no memory");
		if (ok)
			read_all(&r);
		while (ok && round_of(&r))
			;
	}
	free(r.of);
	free(r.bad);
	for (uint64_t c = 0; ok && c < a->g->n_cells; c++) {
		struct subject s = { .cell = c };
		if (a->g->mark[c] == 'I' && a->counted[c] == NO_FIGURE && a->g->live[c] != 0)
			ok = audit_fails(a, &s, RULE_SPARE, "a printed figure tells it (R10)");
	}
	return ok;
}
