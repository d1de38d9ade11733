/* cuts - what every pattern must hold for a need to be possible, as inequalities on what is hidden.
 *
 * A pattern z (1: hidden) allows column i to change between -down z and up z. The largest change of a need's sum is a
 * linear program; its dual prices give weights w with `sum of w z >= 1` for every pattern that serves the need. Weights are
 * valid for any dual prices whatever, so rounding in the solver costs strength and never truth. */
#ifndef CLIENT_PROTECT_CUTS_H
#define CLIENT_PROTECT_CUTS_H
#include "client/protect/patience.h"
#include "policy/choice.h"

struct cut { /* sum of weight * z[column] >= 1 */
	uint32_t *column;
	double *weight;
	uint32_t n;
};

struct cuts; /* the program, kept warm between needs */

/* NULL: no memory. Borrows both; patience may be NULL. */
struct cuts *cuts_open(const struct choice_question *q, const struct patience *patience);
void cuts_close(struct cuts *c);

enum cut_answer { CUT_NONE, CUT_FOUND, CUT_FAILED };

/* Does z, with a place for each column and between 0 and 1, let the need happen, while the columns of the groups that it
 * avoids stay, and of those that are marked in `avoid` (a place for each group)? No: a cut that z breaks, to be freed with cut_free. gentle: z is fractional, and columns are
 * taken to move no further than the need asks: finds more. touched, if given, has a place for each group: set where the
 * change found passes it. */
enum cut_answer cuts_find(struct cuts *c, const double *z, uint32_t need, const uint8_t *avoid, bool gentle,
    struct cut *out, uint8_t *touched);
void cut_free(struct cut *c);
uint64_t cuts_work(const struct cuts *c);     /* steps of the solver, times its columns and rows */
uint64_t cuts_programs(const struct cuts *c); /* solved so far */
#endif
