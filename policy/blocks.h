/* blocks - what several lists leave together, and no table prints.
 *
 * Internal to policy/. Rule R12, "Unprinted". A table prints an area and one of its offices, and of each all reasons and one of
 * them: so everybody can reckon how many came to the other offices for another reason. Such a number is a block: in one
 * dimension or more it takes what is left of a code (its rest) beside codes below it that are printed too, in the others
 * one code. It follows by adding and subtracting the cells that have the code itself or one of those taken off in every such
 * dimension, if all these are known. A rest beside codes of one breakdown, in one dimension, is no block: find_rest in
 * primary.c has it. Which codes are printed together is taken from the tables, line by line of the grid, and what two lines
 * have in common counts too. Rests follow ordinary breakdowns, and where a
 * code may stand in several groupings also what codes are made of; a view's other half is a cell. */
#ifndef POLICY_BLOCKS_H
#define POLICY_BLOCKS_H
#include "policy/grid.h"

struct block {
	uint32_t *part; /* cells whose sum it is; rising in no order */
	uint32_t n_parts;
	uint8_t
	    *holds[TABLE_DIMS_MAX]; /* by code: it is of the rest; NULL: the one code that all parts have */
	uint32_t *known;            /* cells that it is reckoned from, or nothing can be in */
	uint32_t n_known;
	struct breakdown whole; /* as many children as it has parts, and no parent (struct virt) */
};

/* Called with each block that follows from what may be printed, while nothing is hidden, and is 1 or more: borrowed for the call.
 * Not of a sum that an earlier release of the period gave away. False stops, with e set. */
typedef bool block_take(void *context, struct block *b, struct err *e);
/* *work grows by the cells looked at. ERR_LIMIT: too many lists or sums. */
bool blocks_visit(const struct grid *g, block_take *take, void *context, uint64_t *work, struct err *e);

/* A copy that block_free frees; NULL: no memory. */
struct block *block_copy(const struct grid *g, const struct block *b);
void block_free(struct block *b); /* NULL allowed */

struct block_list { /* of copies */
	struct block_item {
		struct block *is;
	} * item;
	uint32_t n, room;
};

bool block_list_add(struct block_list *l, const struct grid *g, const struct block *b); /* false: no memory */
void block_list_free(struct block_list *l);

static inline bool block_holds(const struct grid *g, const struct block *b, uint32_t cell)
{
	for (size_t d = 0; d < g->t->n_dims; d++) {
		uint32_t code = grid_coord(g, cell, d);
		if (b->holds[d] != NULL ? b->holds[d][code] == 0 : code != grid_coord(g, b->part[0], d))
			return false;
	}
	return true;
}
#endif
