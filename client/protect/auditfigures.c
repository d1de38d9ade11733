/* R10: which cells that no table prints are judged as if one did, since figures tell of them. */
#include <stdlib.h>
#include <string.h>

#include "client/protect/auditpart.h"

#define ANYTHING INT64_MAX

__extension__ typedef __int128 wide;

/* by cell, in audit.counted */
enum { NO_FIGURE, MAY_SHOW, MAY_NOT };

bool audit_has_base(const struct audit *a, const struct figure *f)
{
	return f->denominator == UINT64_MAX ||
	       (strchr("PH", a->g->mark[f->denominator]) != NULL && a->g->truth[f->denominator] > 0);
}

struct range audit_range(const struct audit *a, const struct figure *f)
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
		if (f->missing || !audit_has_base(a, f) || strchr("-I", a->g->mark[s.cell]) == NULL ||
		    a->g->live[s.cell] == 0)
			continue;
		if (is_few(a, audit_range(a, f).high) || audit_would_name(a, &s))
			a->counted[s.cell] = MAY_NOT;
		else if (a->counted[s.cell] == NO_FIGURE)
			a->counted[s.cell] = MAY_SHOW;
	}
	for (uint32_t i = 0; i < a->g->n_figures; i++)
		if (a->counted[a->g->figure[i].numerator] == MAY_NOT)
			a->counted[a->g->figure[i].numerator] = NO_FIGURE;
}

bool audit_figures(struct audit *a)
{
	bool ok = (a->counted = calloc(a->g->n_cells, sizeof *a->counted)) != NULL ||
		  err_set(a->e, ERR_MEMORY, "no memory");
	if (ok)
		mark(a);
	for (uint64_t c = 0; ok && c < a->g->n_cells; c++) {
		struct subject s = { .cell = c };
		if (a->g->mark[c] == 'I' && a->counted[c] == NO_FIGURE && a->g->live[c] != 0)
			ok = audit_fails(a, &s, RULE_SPARE, "a printed figure tells it (R10)");
	}
	return ok && audit_vague(a);
}
