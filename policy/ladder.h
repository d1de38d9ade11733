/* ladder - what is tried, one rung after the other, when some requirement cannot be met.
 *
 * Internal to policy/. Rungs in the policy's order: unfreeze (cells of forced.csv may be hidden, but are dearest),
 * camouflage (noughts may be hidden), coarsen (the parts of the smallest code around the cell in question are not
 * printed in the whole release; again until it helps), withhold. Each rung taken stands in the manifest and is told to the
 * operator. */
#ifndef POLICY_LADDER_H
#define POLICY_LADDER_H
#include "policy/coarsen.h"
#include "policy/needs.h"

struct ladder {
	const struct table_input *input; /* as it came */
	const struct table_input *t;     /* to be protected now: the input, or the coarser one below */
	struct policy_params params;     /* as of now */
	bool unfreeze;                   /* forced cells may be hidden */
	struct coarse coarse;
	bool may_change_table; /* unfreeze, coarsen: nothing of this period was printed before */
	bool may_camouflage;   /* nothing printed before relies on noughts never being hidden */
	int rung;
	enum ladder_step last;
	struct buf lines; /* of the manifest, n_lines of them */
	uint64_t n_lines;
	struct buf words; /* one line a rung, no counts */
};

bool ladder_begin(
    struct ladder *l, const struct table_input *t, const struct policy_params *p, struct err *e);
void ladder_free(struct ladder *l);
/* The next rung for a cell that cannot be protected (NONE: no one cell). *again: something has changed, try once more.
 * g: the grid of the last try. */
bool ladder_next(struct ladder *l, const struct grid *g, uint32_t cell, bool *again, struct err *e);
/* Opens the forced cells of a fresh grid, if that rung was taken. */
void ladder_thaw(const struct ladder *l, struct grid *g);
/* A rule had to hide a forced cell, or the pattern has: said once. */
void ladder_thawed(struct ladder *l);
#endif
