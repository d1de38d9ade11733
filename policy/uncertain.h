/* uncertain - what moved figures leave open: for the public, each office and each coalition.
 *
 * Internal to policy/. Where figures are rounded or moved by noise, an attacker knows of each printed cell that the
 * true figure lies in a box around what is printed, and of its own unknowns everything. The true table agrees with
 * that; so does every table a sum of moves away from it that stays in all boxes and touches none of the attacker's
 * unknowns. A protected count is uncertain when two such tables are `width` apart in it. */
#ifndef POLICY_UNCERTAIN_H
#define POLICY_UNCERTAIN_H
#include "policy/spread.h"

struct uncertain {
	uint64_t subjects;   /* protected counts looked at, each against all attackers */
	uint64_t failed;     /* of them: pinned, or not shown to be uncertain */
	uint32_t first_cell; /* the first that failed, and against whom: */
	uint32_t avoid[8];   /* offices; n_avoid 0: the public */
	uint32_t n_avoid;
	uint32_t *cell; /* all that failed */
	uint32_t n_cells, room_cells;
	uint64_t work;
};

/* Which counts: 1 to k-1, noughts where the policy protects them, printed or not, and for each attacker every
 * total of which the others' part is so small. max_work 0: no bound. False: no memory. witness, or NULL, gets the
 * auditors' tables: count by count (cells, then sums relation by relation), for each attacker in turn that those before leave too
 * little doubt. */
bool uncertain_check(const struct boxes *b, uint64_t attempt, uint64_t max_work, struct uncertain *out,
    struct buf *witness, struct err *e);
void uncertain_free(struct uncertain *u);
#endif
