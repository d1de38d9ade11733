/* conflict - which requirements cannot hold together, for a table that is refused.
 *
 * Internal to policy/. The cell that cannot be protected, and a least set of cells that must be printed (forced.csv) of which
 * each is needed for the refusal: without it the cell could be protected. Found by leaving out one after the other. */
#ifndef POLICY_CONFLICT_H
#define POLICY_CONFLICT_H
#include "policy/ladder.h"
#include "policy/release.h"

#define CONFLICT_FORCED_MAX 200u

struct conflict {
	uint32_t cell;    /* cannot be protected */
	uint32_t *forced; /* because these must be printed; malloc'ed, the caller frees */
	uint32_t n_forced;
	bool zeros;     /* and because noughts may not be hidden */
	bool too_large; /* there are more forced cells than were tried: those left may be more than needed */
};

/* need: the origin (needs.h) of the requirement that the last try failed at. l as it was then. */
bool conflict_find(const struct ladder *l, const uint8_t choice_key[32], enum guarantee level, uint32_t need,
    uint64_t max_work, struct conflict *out, struct err *e);
#endif
