/* ball - the cells that a linear program about one cell looks at.
 *
 * Internal to policy/. The cells nearest to the need's, from relation to relation; and, where that is not enough,
 * the nearest among the cells of a few offices of every area: what goes out of one office must come into another, it matters
 * little which, and a table over a hundred offices has too many cells for them all. */
#ifndef POLICY_BALL_H
#define POLICY_BALL_H
#include "policy/primary.h"
#include "policy/search.h"

struct ball {
	struct search *s;
	const struct need *need;
	const struct virt *virt;   /* NULL: the need's cell itself */
	uint32_t *cell;            /* in order of distance */
	uint32_t n, most;          /* n == most: there may be more */
	uint32_t *place;           /* by grid cell: in cell[], or NONE */
	struct relation *relation; /* all that touch the ball, each once */
	uint32_t n_relations, room;
	uint8_t *left_out; /* by code of the office dimension: not looked at; NULL: all are */
	bool thin;         /* some are left out */
};

/* False: no memory; ball_free is due either way. */
bool ball_init(struct ball *b, struct search *s, const struct need *need, const struct virt *virt);
void ball_free(struct ball *b);

/* At most `most` cells, without what the search may not pass (avoid, bans). False: no memory. */
bool ball_make(struct ball *b, uint32_t most);

/* From now on only some offices, where they have more than `most` cells: the need's own and those of its area,
 * then of each area one after another, until they have that many. Attempt 0: those with most cells that can go
 * down first; others: in an order of its own. False: no memory. */
bool ball_thin(struct ball *b, uint32_t most, unsigned attempt);

/* From now on only the offices of those cells for which `met` is set, by place in cell[]. False: the table has no
 * offices, or no memory. */
bool ball_narrow(struct ball *b, const bool *met);
#endif
