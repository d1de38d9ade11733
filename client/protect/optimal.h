/* optimal - the cheapest pattern there is, or how far the present one can be from it at most.
 *
 * Chooses what to hide by integer programs (CBC) over cuts (cuts.h): the master knows only inequalities that every pattern
 * keeps, so its least cost is a bound; what it chooses is held against every need, and gives new cuts or, with whole-number
 * moves for all, the answer. One thread, and bounds on rounds, nodes and programs, never on time: the same question gets
 * the same answer. */
#ifndef CLIENT_PROTECT_OPTIMAL_H
#define CLIENT_PROTECT_OPTIMAL_H
#include "policy/choice.h"

#define OPTIMAL_COLUMNS_MAX 20000u /* larger questions are answered with the bound 0 */

struct optimal_report {
	unsigned rounds;
	uint64_t programs, cuts;
	bool proven; /* the bound is the cost of the answer, or of the pattern there was */
	void (*tell)(
	    const struct optimal_report *r, double bound, double cost); /* now and then; NULL: silent */
};

/* A choice_ask; context is a struct optimal_report. */
bool optimal_ask(void *context, const struct choice_question *q, struct choice_answer *out, struct err *e);
#endif
