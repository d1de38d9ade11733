/* choice - the pattern as a question to somebody with a solver, and the answer taken in.
 *
 * The engine chooses by search (protect.c). For small tables a caller may know better: release_options.choose is shown
 * what may move, what that costs and what must be possible, and answers with moves. Nothing is believed: each move is
 * added along every relation and held against every cell's room in whole numbers, then serves its need like one the search
 * found, and the checker judges it with the rest. What does not pass changes nothing. The vault asks nobody. */
#ifndef POLICY_CHOICE_H
#define POLICY_CHOICE_H
#include <stdbool.h>
#include <stdint.h>

#include "proto/err.h"

#define CHOICE_NONE UINT32_MAX

struct choice_term {
	uint32_t column;
	int32_t coef;
};

/* There must be a move, that is a change of columns which keeps all relations, that changes the sum over the terms by
 * amp or more. Needs that stand together as slots want moves that touch no group in common, but for the listed ones. */
struct choice_need {
	uint32_t first, n; /* places in choice_question.term */
	int64_t amp;       /* 0: any change but 0, and how far columns can go does not matter */
	uint32_t
	    list; /* place in choice_question.list of n_listed groups, of which the first n_avoid stay as they are */
	uint32_t n_listed, n_avoid;
	uint32_t slot, slots;
};

struct choice_question {
	uint32_t n_columns;
	uint32_t *cell;  /* by column: its cell, for messages */
	double *price;   /* of hiding it; 0: hidden or not printed anyway */
	int64_t *down;   /* how far it can fall, once hidden */
	int64_t *up;     /* how far it can rise; INT64_MAX: no bound */
	uint32_t *group; /* office whose unknowns it holds, or CHOICE_NONE */
	uint8_t *hidden; /* the pattern found so far: 1 for a priced column that is hidden */
	double cost;     /* of that pattern */
	uint32_t n_groups;
	uint32_t n_relations;
	uint32_t *start;           /* n_relations + 1 places into entry */
	struct choice_term *entry; /* each relation: sum of coef * change = 0 */
	uint32_t n_needs;
	struct choice_need *need;
	struct choice_term *term;
	uint32_t *list; /* groups */
};

/* Among the first n of the need's list? CHOICE_NONE never is. */
static inline bool choice_lists(
    const struct choice_question *q, const struct choice_need *need, uint32_t n, uint32_t group)
{
	for (uint32_t i = 0; i < n; i++)
		if (q->list[need->list + i] == group)
			return true;
	return false;
}
static inline bool choice_avoids(
    const struct choice_question *q, const struct choice_need *need, uint32_t group)
{
	return choice_lists(q, need, need->n_avoid, group);
}
static inline bool choice_exempts(
    const struct choice_question *q, const struct choice_need *need, uint32_t group)
{
	return choice_lists(q, need, need->n_listed, group);
}

struct choice_step {
	uint32_t column;
	int64_t by;
};

struct choice_answer {
	double bound;             /* no pattern that serves all needs costs less */
	double cost;              /* of the pattern that the moves make */
	uint32_t *start;          /* n_needs + 1 places into step; NULL: nothing cheaper than what there is */
	struct choice_step *step; /* both from malloc, freed by who asked */
};

/* False: no memory or no answer, with e filled. */
typedef bool choice_ask(
    void *context, const struct choice_question *q, struct choice_answer *out, struct err *e);

void choice_question_free(struct choice_question *q);
void choice_answer_free(struct choice_answer *a);

/* Is the answer's move for this need one, in whole numbers? */
bool choice_holds(const struct choice_question *q, const struct choice_answer *a, uint32_t need);
/* Price of all columns that the answer's moves touch. */
double choice_cost(const struct choice_question *q, const struct choice_answer *a);

struct choice_outcome { /* for the summary */
	bool asked, adopted;
	double bound, cost_before;
	double cost; /* of the final pattern, counted as in the question: also what rules protect since */
};

struct plan;
struct grid;
/* Asks, checks and takes in. priced, zeros and a place for each cell, is set where hiding it has a price. True also where
 * nothing came of it. False: no memory. */
bool choice_improve(struct plan *p, choice_ask *ask, void *context, uint8_t *priced,
    struct choice_outcome *out, struct err *e);
/* What the hidden ones of the priced cells cost. */
double choice_total(const struct grid *g, const uint8_t *priced);
#endif
