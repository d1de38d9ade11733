/* rounding - a table of multiples of a base next to the true one, in which all sums still add up.
 *
 * Internal to policy/. Every printed figure goes to one of the two neighbouring multiples, a multiple and a nought
 * stay as they are, every relation of the grid is kept, and cells that are not printed stay at least 0. The choice
 * is drawn with the series key.
 *
 * In three dimensions and more such a table need not exist. Then totals may go one multiple further (wide), as few as the
 * search finds; inner figures never. */
#ifndef POLICY_ROUNDING_H
#define POLICY_ROUNDING_H
#include "policy/step.h"

struct rounding {
	const struct grid *g;
	uint32_t base;
	int64_t *q;       /* by cell: the rounded value divided by the base */
	int64_t *lo, *hi; /* what q may be; the same where the cell may not move */
	uint32_t *bad;    /* cells outside their bounds, in no order */
	uint32_t *bad_at; /* by cell: its place in bad, or NONE */
	uint32_t n_bad;
	uint8_t *strict; /* by cell: no printed total, which alone may be wide */
	uint8_t
	    *wide; /* by cell: a printed total that is base or more from the true one, and less than 2 base */
	uint32_t n_wide;
	uint64_t work; /* cells looked at */
};

/* *found false: none was met within the work allowed. may_widen: totals may be wide where nothing else was met.
 * max_work 0: no bound but its own. */
bool rounding_find(struct rounding *r, const struct grid *g, uint32_t base, bool may_widen, uint64_t attempt,
    uint64_t max_work, bool *found, struct err *e);
/* Other choices for what stands around a cell: keeps the table one that rounding_find could have found. */
void rounding_stir(struct rounding *r, struct step *s, uint32_t cell, unsigned times, uint64_t attempt);
void rounding_free(struct rounding *r);

/* Adds nothing up but the result: near (totals that are wide: within the next multiple), nought for nought, and every
 * relation kept. */
bool rounding_holds(const struct rounding *r);
#endif
