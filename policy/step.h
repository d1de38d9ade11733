/* step - product moves drawn at random, for figures that are moved instead of hidden.
 *
 * Internal to policy/. A person of a dimension belongs to one atom of its main region, to all codes above it, and
 * for each of those to one child of every view, and so on. In each dimension a step takes one person, or one
 * person less another; their product over all dimensions keeps every relation of the grid. */
#ifndef POLICY_STEP_H
#define POLICY_STEP_H
#include "policy/grid.h"

#define STEP_CELLS_MAX 4096u

/* Draws that depend on where they started and nothing else. */
struct draws {
	uint64_t state;
};
struct draws draws_from(const struct grid *g, uint64_t phase, uint64_t cell, uint64_t attempt);
uint32_t draws_below(struct draws *r, uint32_t n); /* 0 .. n - 1; n > 0 */

struct step {
	const struct grid *g;
	struct step_axis {
		uint32_t *code; /* of this step, with its sign */
		int8_t *sign;
		uint32_t n;
		uint32_t *one, *two; /* the two persons */
		uint32_t n_one, n_two;
		int8_t *mark; /* by code; all 0 between calls */
	} axis[TABLE_DIMS_MAX];
	size_t view_dim; /* SIZE_MAX: no views. Its persons answer as the figures around them leave room */
	uint32_t *part;  /* the other dimensions' product, n_part cells and their signs */
	int8_t *part_by;
	uint32_t n_part;
	const uint8_t *avoid; /* by code of the office dimension: atoms not to be touched; NULL: none */
	uint32_t cell[STEP_CELLS_MAX];
	int8_t by[STEP_CELLS_MAX]; /* +1 or -1 */
	uint32_t n;
};

bool step_init(struct step *s, const struct grid *g, struct err *e);
void step_free(struct step *s);

/* Draws a step through the cell, which it changes by dir (+1, -1). wanted: by cell and direction, answers whether a
 * cell of atoms would rather be changed so; only a preference. False: none was found or it is too large. */
typedef bool step_wanted(const void *context, uint32_t cell, int dir);
bool step_draw(
    struct step *s, uint32_t cell, int dir, struct draws *r, step_wanted *wanted, const void *context);
/* The same of one person, dir of him: up or down in all his cells. */
bool step_draw_person(
    struct step *s, uint32_t cell, int dir, struct draws *r, step_wanted *wanted, const void *context);
/* The step of these atoms, in tables without views: in each dimension one[d], and two[d] less unless that is NONE. */
bool step_between(struct step *s, const uint32_t *one, const uint32_t *two, int dir);
#endif
