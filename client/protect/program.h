/* program - the cheapest move for one need, by linear and integer programs (CLP, CBC).
 *
 * Works on the question of policy/choice.h, so for tables with and without a grid. The program's answer is rounded and
 * held against the question in whole numbers; what does not hold is no answer. One thread, no clock but the
 * caller's patience: the same question gets the same answer. */
#ifndef CLIENT_PROTECT_PROGRAM_H
#define CLIENT_PROTECT_PROGRAM_H
#include "client/protect/patience.h"
#include "policy/choice.h"

#define PROGRAM_BANNED (-1.0)

struct program_ask {
	const struct choice_question *q;
	const double *price;  /* by column: 0 for nothing, PROGRAM_BANNED: not to be moved */
	uint32_t max_columns; /* of the neighbourhood of the need's columns */
	unsigned nodes; /* of the integer program, where the linear one's answer is not whole; 0: none */
	bool *unsure;   /* set where none was found, but there may be one; NULL: nobody asks */
	const struct patience *patience; /* NULL: for ever */
};

/* Columns and relations by column, for walking from one to the other. */
struct adjacency {
	uint32_t *start;    /* n_columns + 1 places into at */
	uint32_t *at;       /* places in question.entry */
	uint32_t *relation; /* of each entry of the question */
};
bool adjacency_make(struct adjacency *a, const struct choice_question *q);
void adjacency_free(struct adjacency *a);

/* A move for the need, that avoids what it must; *n steps. NULL with *n 0: none found, or no memory. Caller frees. */
struct choice_step *program_move(
    const struct program_ask *p, const struct adjacency *a, uint32_t need, uint32_t *n);

#define PROGRAM_SLOTS_MAX 16

/* Moves for a need and the slots after it that touch no group in common, but for those listed: step and n have a place
 * for each. False: none found; what step then holds is the caller's too. */
bool program_slots(const struct program_ask *p, const struct adjacency *a, uint32_t need,
    struct choice_step **step, uint32_t *n);
#endif
