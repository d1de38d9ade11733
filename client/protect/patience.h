/* patience - how long solvers may still take, for a caller that has not for ever.
 *
 * The solvers stop by the processor's clock, the caller's clock is its own and never slower. An answer that came when
 * patience was over is no answer: solvers that stop in between have been seen to say "infeasible". */
#ifndef CLIENT_PROTECT_PATIENCE_H
#define CLIENT_PROTECT_PATIENCE_H
#include <coin/Cbc_C_Interface.h>
#include <coin/Clp_C_Interface.h>
#include <stdbool.h>

struct patience {
	double (*left)(void *context); /* seconds; at 0 it is over, and stays so. NULL: for ever */
	void *context;
};

bool patience_over(const struct patience *p); /* NULL: never */
/* The next solve ends with it. */
void patience_clp(const struct patience *p, Clp_Simplex *clp);
void patience_cbc(const struct patience *p, Cbc_Model *cbc);
#endif
