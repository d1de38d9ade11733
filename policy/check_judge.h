/* check_judge - how the built-in checker judges one thing, a cell or a sum of cells: its value, its owners, and whether the stored
 * moves leave everybody in doubt. check_rules.c has that and the rules about single cells, check_relations.c those about
 * sums of cells.
 *
 * For these two only. */
#ifndef POLICY_CHECK_JUDGE_H
#define POLICY_CHECK_JUDGE_H
#include "policy/check_part.h"

struct way { /* how a stored move changes the thing looked at */
	const struct move *m;
	int64_t by;
};

struct judge {
	const struct checker *c;
	const struct table_input *t;
	const struct policy_params *params;
	const struct dim *offices; /* NULL: none */
	uint32_t most;             /* offices that pool; 0: the public alone */
	uint32_t *first_virt;      /* by virtual sum: its first need */
	uint32_t *next_need;       /* of the same sum, or NONE */
	uint32_t virt;             /* next virtual sum in order of the relations */
	/* of the thing looked at: */
	const char *rule;
	int64_t value;
	uint32_t *owner; /* offices with something live below it, most first */
	uint32_t n_owners;
	int64_t *own; /* by office: what it has of it; -1: no owner */
	struct thing thing;
	struct check_past past;
	struct way *way;
	size_t n_ways, room_ways;
	uint32_t *seen; /* by depth and office */
	uint32_t turn[10];
	uint32_t who[10];
};

/* j has c, t and params, else zeroes. False: no memory. judge_close is due in any case. */
bool judge_open(struct judge *j);
void judge_close(struct judge *j);
/* The cell of a thing's i-th child; the cell itself where it is one. */
uint32_t judge_part(const struct judge *j, const struct thing *t, uint32_t i);
/* Fills what stands under "of the thing looked at". t->in is borrowed until the next one. */
void judge_look_at(struct judge *j, const struct thing *t);
/* R1, R2, R6 of the thing looked at. */
bool judge_sensitive(const struct judge *j);
/* Is the thing looked at protected against everybody? virt: its place among the virtual sums, NONE: it has none. rule: for the
 * error where it is not. */
bool judge_protected(struct judge *j, const struct thing *t, uint32_t virt, const char *rule);
/* R3 for the thing looked at. */
bool judge_residual(struct judge *j, const struct thing *t, uint32_t virt);
#endif
