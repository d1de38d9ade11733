/* R10: which cells that no table prints are judged as if one did, since figures tell of them. */
#include <stdlib.h>
#include <string.h>

#include "client/protect/auditpart.h"

#define ANYTHING INT64_MAX

__extension__ typedef __int128 wide;

/* by cell, in audit.counted, bits */
enum { NO_FIGURE = 0, MAY_SHOW = 1, MAY_NOT = 2, TOLD = 4 };

struct range {
	int64_t low, high;
};

/* The denominator is printed and not nought; or, `hidden`, might have been printed. */
static bool has_base(const struct audit *a, const struct figure *f, bool hidden)
{
	return f->denominator == UINT64_MAX ||
	       (strchr(hidden ? "PH" : "P", a->g->mark[f->denominator]) != NULL &&
		   a->g->truth[f->denominator] > 0);
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

/* What one figure says of its numerator, if no table prints that. */
static uint8_t verdict(struct audit *a, const struct figure *f)
{
	struct subject s = { .cell = f->numerator };
	if (f->missing || !has_base(a, f, true) || strchr("-I", a->g->mark[s.cell]) == NULL ||
	    a->g->live[s.cell] == 0)
		return NO_FIGURE;
	struct range of = range_of(a, f);
	if ((of.high > 0 && of.high < (int64_t)a->p->threshold) || audit_would_name(a, &s))
		return MAY_NOT;
	return of.low < of.high ? NO_FIGURE : has_base(a, f, false) ? MAY_SHOW | TOLD : MAY_SHOW;
}

bool audit_figures(struct audit *a)
{
	if ((a->counted = calloc(a->g->n_cells, sizeof *a->counted)) == NULL)
		return err_set(a->e, ERR_MEMORY, "no memory");
	for (uint32_t i = 0; i < a->g->n_figures; i++)
		a->counted[a->g->figure[i].numerator] |= verdict(a, &a->g->figure[i]);
	bool ok = true;
	for (uint64_t c = 0; ok && c < a->g->n_cells; c++) {
		struct subject s = { .cell = c };
		uint8_t said = a->counted[c];
		a->counted[c] = (said & (MAY_NOT | MAY_SHOW)) == MAY_SHOW;
		if (a->g->mark[c] == 'I' && a->g->live[c] != 0 && (said & MAY_NOT) != 0)
			ok = audit_fails(a, &s, RULE_SPARE, "a printed figure tells it (R10)");
		else if (a->g->mark[c] == 'I' && a->g->live[c] != 0 && (said & TOLD) == 0)
			ok = audit_fails(a, &s, RULE_SPARE, "printed figures tell a range of it (R10)");
	}
	return ok;
}
