/* needs - requirements: "there must be a move of at least amp at this cell that this attacker cannot rule out".
 *
 * Internal to policy/. primary.c finds what is to be protected, this file turns it into needs, protect.c serves them. */
#ifndef POLICY_NEEDS_H
#define POLICY_NEEDS_H
#include "policy/blocks.h"
#include "policy/grid.h"
#include "policy/release.h"

enum {
	RULE_THRESHOLD = 1,
	RULE_ZERO = 2,
	RULE_RESIDUAL = 4,
	RULE_GROUP = 8,
	RULE_CONTRIBUTORS = 16,
	RULE_REST = 32,
	RULE_DERIVABLE = 64,
	RULE_DOMINANCE = 128,
	RULE_DIFFERENCE = 256, /* between releases of a period */
	RULE_SUM = 512,
	RULE_REDUNDANT = 1024
};
#define RULE_NAMES                                                                                           \
	{                                                                                                    \
		"R1", "R2", "R3", "R4", "R5", "R12", "derivable", "R6", "difference", "R7", "redundant"      \
	} /* by bit */
#define RULE_COUNT 11u

/* A sum of some children of one cell that is not a cell itself: all but one child (R4), or those not printed; or the parts of a
 * block, whose place a breakdown of as many children takes, which is no dimension's.
 */
struct virt {
	struct relation r;
	uint32_t except; /* child's place in the breakdown; NONE: the children not printed */
	struct block *block;
};

/* Offices below a subject: the first n_avoid must not be touched by a move; any of all n may be touched by the moves of
 * several slots, since whoever pools with them is answered by another need. */
struct band {
	uint32_t first; /* place in needs.office */
	uint16_t n_avoid, n;
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
	uint32_t band;         /* place in needs.band: more of both; or NONE */
	uint8_t slot,
	    slots;  /* needs of one group stand together: slot 0 .. slots - 1 touch different offices */
	int8_t dir; /* +1: upwards, -1: the cell must be able to go down */
	bool each;  /* one of those that stand for everybody in place of slots (attackers.h) */
	uint16_t rules;
	uint32_t origin; /* its group's first need when they were found; NONE: it came later */
};

struct needs {
	struct need *need;
	uint32_t n, room;
	struct virt *virt;
	uint32_t n_virt, room_virt;
	struct band *band;
	uint32_t n_bands, room_bands;
	uint32_t *office; /* of the bands */
	uint32_t n_offices, room_offices;
	uint32_t *first;    /* by cell: its first need that is not virtual, or NONE */
	uint32_t n_primary; /* cells */
	bool unfrozen;      /* a forced cell had to be treated as open */
};

/* Something that is protected: a cell, or a virtual sum of cells. */
struct subject {
	uint32_t cell;
	const struct virt *virt; /* NULL: the cell */
	uint32_t place;          /* of virt in needs.virt; NONE: the cell */
};

/* A sum that earlier releases of the period gave away: the parent and all that is taken off it are out. */
bool virt_has_left(const struct grid *g, const struct virt *v);
/* Cells 0 .. r.b->n - 1 that the sum may be of, and whether it is. */
static inline uint32_t virt_part(const struct grid *g, const struct virt *v, uint32_t i)
{
	return v->block != NULL ? v->block->part[i] : relation_child(g, &v->r, i);
}
bool virt_holds(const struct grid *g, const struct virt *v, uint32_t child);
/* Does the sum take only some of this dimension's codes? */
static inline bool virt_lies_along(const struct virt *v, size_t dim)
{
	return v->block != NULL ? v->block->holds[dim] != NULL : v->r.dim == dim;
}
/* Is the code of such a dimension one of them? */
bool virt_holds_code(const struct grid *g, const struct virt *v, size_t dim, uint32_t code);
int64_t virt_value(const struct grid *g, const struct virt *v);
/* Of a sum of all children but one: the cell it leaves out. The sum is the parent less that one, in counts and in moves. A
 * wide relation can have as many such sums as children, so nobody goes through the children of each. */
static inline uint32_t virt_off(const struct grid *g, const struct virt *v)
{
	return relation_child(g, &v->r, v->except);
}

/* Protects a subject against the public and, from L3 on, the offices, once; a cell is hidden from now on. ERR_REFUSED where a
 * cell must be printed and the ladder does not allow to unfreeze it. */
bool needs_protect(struct grid *g, struct needs *n, enum guarantee level, const struct subject *s,
    uint16_t rules, struct err *e);
/* Protects a subject against those offices and coalitions only to which it would show a small rest (R3). */
bool needs_protect_rest(struct grid *g, struct needs *n, const struct subject *s, struct err *e);
/* Would that protect the subject against anybody? */
bool needs_has_rest(const struct grid *g, const struct subject *s);
/* The rule that named the cell after R3 had, against everybody; 0: none. */
uint16_t needs_other_rule(const struct grid *g, uint32_t cell);
/* NONE: no memory. */
uint32_t needs_add_virt(struct needs *n, struct virt v);
/* A copy of the block as a sum. NONE: no memory. */
uint32_t needs_add_block(const struct grid *g, struct needs *n, const struct block *b);
/* A band of n_listed offices, of which those in the bits of chosen must not be touched. NONE: no memory. */
uint32_t needs_add_band(struct needs *n, const uint32_t *office, uint32_t n_listed, uint32_t chosen);
bool needs_add(struct needs *n, struct need need, struct err *e);
/* Marks a cell as protected, hence hidden. ERR_REFUSED as above, naming the cell, its line in forced.csv and a rule. */
bool needs_hide(struct grid *g, struct needs *n, uint32_t cell, uint16_t rules, struct err *e);
/* Puts the needs in their order and fills needs.first. Once, when all are there. */
bool needs_index(struct grid *g, struct needs *n, struct err *e);
void needs_free(struct needs *n);
/* Codes of the offices that a need's move must not touch, joined by +; false: there are none. */
bool needs_put_avoided(const struct grid *g, const struct needs *n, const struct need *need, struct buf *out);

static inline bool need_avoids(const struct needs *n, const struct need *need, uint32_t office)
{
	if (need->avoid == office)
		return true;
	const struct band *b = need->band == NONE ? NULL : &n->band[need->band];
	for (uint32_t i = 0; b != NULL && i < b->n_avoid; i++)
		if (n->office[b->first + i] == office)
			return true;
	return false;
}
static inline bool need_exempts(const struct needs *n, const struct need *need, uint32_t office)
{
	if (need->exempt == office)
		return true;
	const struct band *b = need->band == NONE ? NULL : &n->band[need->band];
	for (uint32_t i = 0; b != NULL && i < b->n; i++)
		if (n->office[b->first + i] == office)
			return true;
	return false;
}
#endif
