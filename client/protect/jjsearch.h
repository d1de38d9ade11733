/* jjsearch - a cheap pattern for any relations: serves every need with a move, then takes out what it can.
 *
 * A move is built by repair: change the need's column, then mend one relation after the other, cheapest column first, with
 * branch and bound. Where that finds nothing, and in small tables where it found something dear, a linear program is asked
 * (program.h). Works on the question of policy/choice.h; needs are of one column each. */
#ifndef CLIENT_PROTECT_JJSEARCH_H
#define CLIENT_PROTECT_JJSEARCH_H
#include "policy/choice.h"

/* factor: by column, at least 1, on prices: the keyed choice. Fills q->hidden and q->cost (without the factor) and the
 * answer's moves. False with *unserved set: no move was found for that need; with CHOICE_NONE: no memory. */
bool jjsearch_run(struct choice_question *q, const double *factor, struct choice_answer *out,
    uint32_t *unserved, struct err *e);
#endif
