/* jjattack - what anybody can work out of a JJ table of which some cells are printed.
 *
 * Shares nothing with the search for a pattern (jjsearch): the same propagation and linear programs as `attack` on a
 * folder. */
#ifndef CLIENT_PROTECT_JJATTACK_H
#define CLIENT_PROTECT_JJATTACK_H
#include "client/command.h"
#include "client/protect/jj.h"

struct interval {
	int64_t lo, hi; /* hi SYSTEM_UNBOUNDED: no bound */
	uint8_t why;    /* enum system_why */
};

/* Intervals of the cells marked H, given the values of those marked P (any other mark: hidden, not asked about), the bounds of the file, and that a hidden cell
 * whose lower bound is 0 is at least floor. out has n_cells places; those of printed cells stay as they are.
 * ERR_INVALID: what is printed contradicts itself. */
bool jjattack_intervals(const struct jj *j, const char *mark, const int64_t *value, int64_t floor,
    struct interval *out, uint64_t *programs, struct err *e);

/* `cellveil attack --jj`. */
int jjattack_run(const struct args *args);
#endif
