/* check_part - what the parts of the built-in checker share: moves (check.c), rules (check_rules.c), what
 * no table prints (check_unprinted.c) and what they know from earlier releases (check_since.c).
 *
 * For those files only. The checker looks at the finished pattern and at the stored moves; which requirement a
 * move was made for, and how the rules were applied, it works out again by itself. */
#ifndef POLICY_CHECK_PART_H
#define POLICY_CHECK_PART_H
#include "policy/protect.h"

#define CHECK_FACTS_MAX                                                                                      \
	UINT64_C(100000000) /* cells that sets of offices learn; larger sets are left out then */

struct checker {
	const struct plan *p;
	const struct table_input *t;
	const struct policy_params *params;
	enum guarantee level;
	size_t office_dim; /* SIZE_MAX: none */
	struct err *e;
};

struct thing { /* a cell, or some children of one */
	uint32_t cell;
	const struct breakdown *b; /* NULL: the cell */
	size_t dim;
	const uint8_t *in; /* by child; NULL: all but one */
	uint32_t
	    off; /* which one. The sum is the cell less that one: check_line adds up every relation, check_move
	                    * every move. As there may be as many such sums as children, none of them adds up again. */
};

struct
    check_past { /* what everybody knew, for check_knew. Begins with nothing; known and count are freed by who has it */
	const struct thing *of; /* NULL: forget what stands here */
	uint8_t *known;
	int64_t *count; /* by place, as known */
};

/* Always false: "our own check failed: step". */
bool check_fails(const struct checker *c, const char *step);
/* What a reader sees in place of the cell. */
char check_shown(const struct checker *c, uint32_t cell);
/* A sum of children as its relation's parent less the others: did an earlier breakdown of that parent give the same one?
 * Of all children but the cell `off`, and of those that are neither printed nor told (in: by child, is it). */
bool check_less_before(const struct checker *c, const struct relation *r, uint32_t off);
bool check_rest_before(const struct checker *c, const struct relation *r, const uint8_t *in);
/* R1 to R7 and R12 of the finished pattern: what concerns single cells, from one up to before another, and what concerns
 * sums of cells. */
bool check_cells(const struct checker *c, uint32_t from, uint32_t to);
bool check_relations(const struct checker *c);
/* Did these offices know the thing from earlier releases and figures of their own? rest: what they do not own; not if it is a
 * secret itself (check_since.c). No memory: no. */
bool check_knew(const struct checker *c, struct check_past *past, const struct thing *t, const uint32_t *who,
    uint32_t n, int64_t rest);
/* R12: small counts that no table prints (check_unprinted.c). */
bool check_unprinted(const struct checker *c);
#endif
