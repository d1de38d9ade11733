/* primary - which cells the rules protect, against whom, and how far each must be able to move.
 *
 * Internal to policy/. Rules R1-R5 and R12 of docs/disclosure.md, one small function each. The outcome is a
 * list of needs: "there must be a move of at least amp at this cell that this attacker cannot rule out". */
#ifndef POLICY_PRIMARY_H
#define POLICY_PRIMARY_H
#include "policy/grid.h"
#include "policy/release.h"

enum {
	RULE_THRESHOLD = 1,
	RULE_ZERO = 2,
	RULE_RESIDUAL = 4,
	RULE_GROUP = 8,
	RULE_CONTRIBUTORS = 16,
	RULE_REST = 32,
	RULE_DERIVABLE = 64
};

/* A sum of some children of one cell that is not a cell itself: all but one child (R4), or those not printed.
 */
struct virt {
	struct relation r;
	uint32_t except; /* child's place in the breakdown; NONE: the children not printed */
};

struct need {
	uint32_t cell;         /* for a virtual sum: the relation's parent */
	uint32_t virt;         /* place in needs.virt, or NONE */
	uint32_t move;         /* who serves it; NONE while open */
	uint32_t next;         /* next need of the same cell, or NONE */
	uint32_t same, before; /* ring of needs served by one move (protect.c) */
	int32_t amp;           /* at least this much; 0: any move will do (L1) */
	uint32_t avoid;        /* office that must not be touched, or NONE */
	uint32_t exempt;       /* office that need not be kept out of its slot, or NONE */
	uint8_t slot,
	    slots;  /* needs of one cell stand together: slot 0 .. slots - 1 touch different offices */
	int8_t dir; /* +1: upwards, -1: the cell must be able to be 0 */
	uint8_t rules;
};

struct needs {
	struct need *need;
	uint32_t n, room;
	struct virt *virt;
	uint32_t n_virt, room_virt;
	uint32_t *first;    /* by cell: its first need that is not virtual, or NONE */
	uint32_t n_primary; /* cells */
	bool unfrozen;      /* a forced cell had to be treated as open */
};

/* Fills needs, sets grid.primary. ERR_REFUSED if a forced cell is sensitive and the policy's ladder does not
 * allow to unfreeze it. */
bool primary_find(struct grid *g, enum guarantee level, struct needs *out, struct err *e);
/* Adds an L1 need for a cell that is not printed but can be derived (last check). */
bool primary_add_derivable(
    struct grid *g, struct needs *n, enum guarantee level, uint32_t cell, struct err *e);
void needs_free(struct needs *n);

bool virt_holds(const struct grid *g, const struct virt *v, uint32_t child);
int64_t virt_value(const struct grid *g, const struct virt *v);
/* True if a count of this size is sensitive under R1 or R2. */
bool primary_is_small(const struct policy_params *p, int64_t value);
#endif
