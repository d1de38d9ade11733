/* lift - the table of an earlier release in the dimensions of a later one of the same period.
 *
 * Internal to policy/. Lists of codes may grow from release to release: offices and categories that are new, and new
 * codes above old ones (another geography, a merged office above the two it was made of). Whatever stood in the
 * earlier list must stand in the later one, hold the same inner codes but for new ones, and be asked the same
 * yes/no questions. Then the earlier release's cells are cells of the later grid, and where it had none it has
 * nothing: zero by definition, and not printed. */
#ifndef POLICY_LIFT_H
#define POLICY_LIFT_H
#include "policy/input.h"

struct lift {
	struct table_input *t; /* the earlier table in the later dimensions; NULL: the lists are the same */
	uint32_t *place;       /* by cell of the earlier table: the same cell there */
	uint32_t size;         /* cells of the earlier table */
	uint8_t *born[TABLE_DIMS_MAX]; /* by later code: it is new */
};

/* Are dimensions, codes and breakdowns the same, in the same order? Then nothing needs lifting. */
bool lift_is_same(const struct table_input *old, const struct table_input *now);

/* Both finished. True with *fits false: the lists do not go together, why and what can be done about it onto why.
 * False: no memory, or too large. lift_free is due in any case. */
bool lift_make(struct lift *l, const struct table_input *old, const struct table_input *now, bool *fits,
    struct buf *why, struct err *e);
void lift_free(struct lift *l);

/* One more dimension of t, with d's lines. */
bool lift_dimension(const struct dim *d, struct table_input *t, struct err *e);

static inline bool lift_is_born(const struct lift *l, size_t dim, uint32_t code)
{
	return l->t != NULL && l->born[dim][code] != 0;
}
/* Some code of this later cell is new. */
bool lift_is_fresh(const struct lift *l, uint64_t cell);
#endif
