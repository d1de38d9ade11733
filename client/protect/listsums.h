/* listsums - sums that several lists leave together, and no table prints (R12, "Unprinted").
 *
 * For the programs that judge a release: written from docs/disclosure.md, shares no code with policy/. */
#ifndef CLIENT_PROTECT_LISTSUMS_H
#define CLIENT_PROTECT_LISTSUMS_H
#include "client/protect/lattice.h"

struct listsum {
	uint64_t *part; /* cells whose sum it is */
	uint64_t *from; /* cells that it is reckoned from */
	int8_t *sign;   /* by these: 1, or -1 */
	size_t n_parts, n_from, room_parts, room_from;
};

typedef bool listsums_take(void *context, const struct listsum *b);
typedef bool listsums_is(const void *context, uint64_t cell);

struct listsums_question {
	const struct lattice *g;
	uint32_t first_dim;   /* dimensions before it say of which release a cell is */
	uint64_t n_counts;    /* cells from 0 on that are counts, and not differences of releases */
	listsums_is *settled; /* known, or nothing can be in it */
	listsums_is
	    *left; /* the same by earlier releases: sums of such cells are passed over. NULL: none are */
	listsums_take *take;
	void *context; /* of the three */
	struct err *e;
};

/* take is called with each such sum, borrowed for the call. False: take said so, or err is set. */
bool listsums_visit(const struct listsums_question *q);
#endif
