/* noise - figures moved by keyed draws of at most D.
 *
 * Internal to policy/. Every unknown (one office's inner cell) has a number of 32 bits, drawn with the series key, the
 * period and its codes; a cell's number is the sum of those below it, mod 2^32, whatever their counts. So the same
 * cell gets the same noise in every table it stands in, and no figure tells by its noise whether another is nought.
 * The cell's number, through the key again, picks from the table of its count. */
#ifndef POLICY_NOISE_H
#define POLICY_NOISE_H
#include "policy/grid.h"

/* Chances of one count, in 2^-32: symmetric around 0, so of mean 0, and of the variance asked for. reach is the most
 * that it is moved by: D, or the count itself where that is less, so that nothing falls below 0. */
struct noise_row {
	uint32_t reach;
	uint32_t
	    chance[PARAMS_NOISE_MAX + 1]; /* of 0, and of +d as of -d; what is left of 2^32 belongs to 0 */
};

/* For a reach of 1 to PARAMS_NOISE_MAX. Whole numbers only: chances fall as r^(d * d), with the r that gives the
 * variance, at most that of even chances. */
struct noise_row noise_row_make(uint32_t reach, uint32_t variance_permille);
int32_t noise_pick(const struct noise_row *row, uint32_t u);

/* shown[c] for every cell printed as a number; nought stays nought. attempt: another draw of the whole table. */
bool noise_draw(const struct grid *g, const char *period, uint64_t attempt, int64_t *shown, struct err *e);
/* What a reader knows of a figure that is shown like this. */
void noise_box(const struct policy_params *p, int64_t shown, int64_t *lo, int64_t *hi);
#endif
