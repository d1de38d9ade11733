/* found - a plan's moves, noted apart from it: for another plan, or for the same one when it has been changed.
 *
 * Internal to policy/. */
#ifndef POLICY_FOUND_H
#define POLICY_FOUND_H
#include "policy/protect.h"

struct found { /* { 0 } is empty */
	struct move *move;
	uint32_t n;
	uint32_t *word; /* the moves' own, in one piece */
	size_t n_words;
	uint32_t *of; /* by need noted: its move, or NONE */
};

/* Notes the moves of these needs (by number; NULL: all, up to n), each once. False: no memory. Caller frees, always. */
bool found_gather(struct found *f, const struct plan *p, const uint32_t *need, uint32_t n);
/* Gives these needs, which have none, the moves noted for them. False: no memory. */
bool found_give(struct plan *p, const struct found *f, const uint32_t *need, uint32_t n);
void found_free(struct found *f); /* wipes: moves tell counts */
#endif
