/* moved - figures that were rounded or moved by noise: what is said of them, and what that leaves open.
 *
 * Written apart from policy/, as lattice.h says. Their certificate has the line `method rounding base B`, `method
 * rounding base B totals T` (totals may be up to T away, else less than B as all others) or `method noise max D variance V`
 * after its level line and nothing else. */
#ifndef CLIENT_PROTECT_MOVED_H
#define CLIENT_PROTECT_MOVED_H
#include "client/protect/lattice.h"

/* From the line, without its line feed. False: no such line. */
bool moved_parse(struct moved *m, struct bytes line);
/* From the file beside a result; moved.how stays MOVED_NOT without one. */
bool moved_beside(struct moved *m, const char *result_path, struct err *e);
/* The true figures that may be shown like this. inner: lattice_is_inner. */
void moved_interval(const struct moved *m, bool inner, int64_t near, int64_t *lo, int64_t *hi);
/* Do the marks and figures keep what the method says: no other mark for a figure, multiples of the base, and sums that
 * add up wherever all parts are printed (rounding)? */
bool moved_holds(const struct lattice *g, const struct moved *m, struct err *e);
/* With the counts (lattice_truth): is every figure as near as the method says, nought for nought, and a multiple of the
 * base left alone (not so among totals that may be further away)? */
bool moved_true(const struct lattice *g, const struct moved *m, struct err *e);
#endif
