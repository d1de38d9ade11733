/* jjcheck - may this pattern of a JJ table go out? The last word before anything is written.
 *
 * Works from the file, the marks and the moves alone and shares nothing with the search but the words: moves are added
 * along every relation and held against every bound; the null vectors of the certificate must show every hidden cell free;
 * and an attacker's intervals, by propagation and linear programs, must reach as far as promised. */
#ifndef CLIENT_PROTECT_JJCHECK_H
#define CLIENT_PROTECT_JJCHECK_H
#include "client/protect/jj.h"
#include "policy/choice.h"

struct jjrule {         /* what the policy adds to the file */
	unsigned level; /* 1 or 2 */
	int64_t threshold, width;
	int64_t floor; /* what a hidden cell whose lower bound is 0 is known to be at least */
};

/* How far down and up an interval must reach from the cell's value, and how wide it must be; all 0 unless the status is u
 * or m. */
struct jjreach {
	int64_t down, up, width;
};
struct jjreach jjcheck_reach(const struct jj_cell *c, const struct jjrule *rule);
int64_t jjcheck_low(
    const struct jj_cell *c, const struct jjrule *rule); /* least value everybody knows it to have */

/* moves: start has n_moves + 1 places; columns are cells. u1, u2: the null vectors. ERR_INTERNAL: the pattern does not
 * hold. */
bool jjcheck_pattern(const struct jj *j, const char *mark, const struct jjrule *rule,
    const struct choice_answer *moves, uint32_t n_moves, const uint64_t *u1, const uint64_t *u2,
    struct err *e);
#endif
