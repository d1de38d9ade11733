/* optimal - the cheapest pattern there is, or how far the present one can be from it at most.
 *
 * Chooses what to hide by integer programs (CBC) over cuts (cuts.h): the master knows only inequalities that every pattern
 * keeps, so its least cost is a bound; what it chooses is held against every need, and gives new cuts or, with whole-number
 * moves for all, the answer. One thread, and bounds on rounds, nodes and programs: the same question gets the same answer,
 * unless the caller's patience ends first. Whatever ends the search, the bound holds. */
#ifndef CLIENT_PROTECT_OPTIMAL_H
#define CLIENT_PROTECT_OPTIMAL_H
#include "client/protect/patience.h"
#include "policy/choice.h"

#define OPTIMAL_COLUMNS_MAX 20000u /* larger questions are answered with the bound 0 */

enum optimal_end {      /* what ended the search */
	OPTIMAL_PROVEN, /* the bound is the cost of the answer, or of the pattern there was */
	OPTIMAL_TIME,   /* patience */
	OPTIMAL_WORK,   /* its own bounds */
	OPTIMAL_SIZE    /* too many columns: it did not begin */
};

const char *optimal_end_name(enum optimal_end end); /* as in summary.json */

struct optimal_report {
	struct patience patience; /* the caller's */
	unsigned rounds;
	uint64_t programs, cuts;
	enum optimal_end end;
	void (*tell)(
	    const struct optimal_report *r, double bound, double cost); /* now and then; NULL: silent */
};

/* A choice_ask; context is a struct optimal_report, begun anew each time. */
bool optimal_ask(void *context, const struct choice_question *q, struct choice_answer *out, struct err *e);
#endif
