#include "client/protect/optimaltold.h"

#include <math.h>

#include "client/text.h"

#define ROUNDING 1e-6 /* relative: of sums of prices */

bool optimaltold_proven(const struct optimaltold *t)
{
	double bound = t->outcome->bound;
	return t->report->end == OPTIMAL_PROVEN && t->cost <= bound + fmin(0.5, ROUNDING * (1.0 + bound));
}

/* Noughts may count as a little in the search and as nothing here. */
static double bound_of(const struct optimaltold *t)
{
	return fmin(t->outcome->bound, t->cost);
}

double optimaltold_gap(const struct optimaltold *t)
{
	double gap = t->cost - bound_of(t);
	return optimaltold_proven(t) || gap <= 0 ? 0 : gap / t->cost;
}

void optimaltold_json(const struct optimaltold *t, struct buf *out)
{
	buf_printf(out,
	    "\"optimal\":{\"adopted\":%s,\"cost_before\":%.15g,\"cost\":%.15g,\"bound\":%.15g,\"gap\":%.6g,"
	    "\"proven\":%s,\"ended\":\"%s\"},",
	    t->outcome->adopted ? "true" : "false", t->outcome->cost_before, t->cost, bound_of(t),
	    optimaltold_gap(t), optimaltold_proven(t) ? "true" : "false", optimal_end_name(t->report->end));
}

static const char *why(enum optimal_end end)
{
	switch (end) {
	case OPTIMAL_TIME:
		return _("the time given was over");
	case OPTIMAL_WORK:
		return _("the search reached its own bounds");
	case OPTIMAL_SIZE:
		return _("the table is too large for the search");
	default:
		return _("redundancy, rule R7 or the last check hide more than the cheapest pattern");
	}
}

void optimaltold_say(const struct optimaltold *t)
{
	if (optimaltold_proven(t))
		text_say(_("cost %.15g, proven: no pattern that keeps the guarantee is cheaper"), t->cost);
	else
		text_say(_("cost %.15g, not proven to be the least: at least %.15g is needed, a gap of %.1f "
			   "%% (%s)"),
		    t->cost, bound_of(t), 100 * optimaltold_gap(t), why(t->report->end));
}
