/* shown - what a reader of the published files has: marks, printed values, and which cells hold the same.
 *
 * Internal to policy/, for witness.c. With earlier releases of the period (ledger.h) the reader has them all, and knows that
 * an office that did not send other figures has the same ones in both. Nothing else of the grid is looked at. */
#ifndef POLICY_SHOWN_H
#define POLICY_SHOWN_H
#include "policy/grid.h"

/* SHOWN_EMPTY cells add nothing to any sum (not reported, structural). */
enum { SHOWN_PRINTED, SHOWN_UNPRINTED, SHOWN_HIDDEN, SHOWN_EMPTY };

struct shown {
	const struct grid *g; /* for its relations, floor and policy only */
	uint8_t *mark;        /* by cell, as its own release shows it; differences count as printed */
	uint32_t *same;       /* by cell: the first one known to hold the same; mostly itself */
	uint8_t *state;       /* by such first cell: what all of them tell together */
	int64_t *value;       /* likewise: the printed value, or 0 */
	uint8_t *aim;         /* likewise: one of them is hidden, and does not follow from the rest */
	uint32_t n_counts;    /* cells that are counts; those after them are differences */
};

/* null: the two null vectors, or NULL: all hidden cells are aimed at. False: no memory. shown_free in any case. */
bool shown_look(struct shown *s, const struct grid *g, const uint64_t *const null[2]);
void shown_free(struct shown *s);

/* Nobody can read its value off the files. */
static inline bool shown_is_loose(const struct shown *s, uint32_t cell)
{
	uint8_t state = s->state[s->same[cell]];
	return state == SHOWN_UNPRINTED || state == SHOWN_HIDDEN;
}
/* Its own release does not print it: a table of the certificate must name it. */
static inline bool shown_is_bare(const struct shown *s, uint32_t cell)
{
	return s->mark[cell] != SHOWN_PRINTED;
}
#endif
