/* rounding_part - what the parts of rounding share: rounding.c, rounding_begin.c, anneal.c. */
#ifndef POLICY_ROUNDING_PART_H
#define POLICY_ROUNDING_PART_H
#include "policy/rounding.h"

/* ---- how far from its bounds a cell would be ---- */

static inline int64_t rounding_off_by(const struct rounding *r, uint32_t c, int64_t q)
{
	if (q < r->lo[c])
		return r->lo[c] - q;
	return q > r->hi[c] ? q - r->hi[c] : 0;
}

/* Inner figures and cells that are not printed must end within their bounds; a printed total may not (wide). */
static inline bool rounding_is_strict(const struct rounding *r, uint32_t c)
{
	return r->strict[c] != 0;
}

/* Keeps the list of cells outside their bounds: call it after each change of q[c]. */
void rounding_note(struct rounding *r, uint32_t c);

/* ---- where to begin (rounding_begin.c) ---- */

/* Some table of q in which all sums add up, most of it near. False: no memory. */
bool rounding_begin(struct rounding *r, struct step *s, uint64_t attempt);

/* ---- how cells are led back (anneal.c) ---- */

/* Steps at random; one that makes the table worse is taken now and then, ever more seldom. Ends as soon as no cell is
 * bad. round: a longer one each time. False: no memory. */
bool rounding_anneal(struct rounding *r, struct step *s, unsigned round, uint64_t attempt, uint64_t max_work);
/* Takes the drawn step. */
void rounding_apply(struct rounding *r, const struct step *s);
/* Would rather not have a cell further from its bounds: step_wanted of a struct rounding. */
bool rounding_may_move(const void *context, uint32_t cell, int dir);
#endif
