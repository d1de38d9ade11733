/* together - all releases of a period as one lattice, for `cellveil attack --ledger`.
 *
 * The joint lattice has a first dimension `release`: each release from the oldest on, by its revision, then the
 * differences of any two ("2-0": release 2 less release 0). Offices that sent the same figures twice are known to all
 * (docs/disclosure.md "Corrections"), so a cell with none but such offices below it is one cell in both releases; a
 * difference is nothing but what the two cells' equations say. Written apart from policy/, and from `releases`. */
#ifndef CLIENT_PROTECT_TOGETHER_H
#define CLIENT_PROTECT_TOGETHER_H
#include "client/protect/lattice.h"

#define TOGETHER_MAX 10u /* releases of a period */

struct together {
	struct lattice release[TOGETHER_MAX];
	uint32_t n;
	char folder[TOGETHER_MAX][LATTICE_PATH_MAX]; /* of each */
	char label[TOGETHER_MAX * TOGETHER_MAX][24];
	uint64_t n_cells;    /* of one release */
	uint64_t n_released; /* of all: where the differences begin */
	uint32_t office;     /* a release's dimension of offices; UINT32_MAX: none */
	uint32_t n_codes;    /* its codes, or 1 */
	uint8_t *open;       /* [pair][cell of one release]: not known to be the same in both */
	int64_t shift;       /* no difference is below its negative */
};

struct together_question {                    /* all borrowed for the call */
	const char *ledger, *folder, *result; /* result NULL: the folder's own */
	const char *period, *series;          /* NULL: the only one that the ledger holds */
	const char *office_dim;
};

/* Reads the ledger's releases of the period with their counts, then the folder's, unless it is the newest of them.
 * The caller frees with together_free, also after false; *joint borrows from t. */
bool together_read(
    struct together *t, struct lattice *joint, const struct together_question *q, struct err *e);
void together_free(struct together *t, struct lattice *joint);

/* The earliest release's cell that is the same as this one of a release. */
uint64_t together_earliest(const struct together *t, uint64_t cell);
/* The cells of the two releases that a difference lies between. */
void together_ends(const struct together *t, uint64_t difference, uint64_t *before, uint64_t *after);
/* Did an office below the cell send other figures, and is it none of own (by office code; NULL: nobody's)? */
bool together_foreign(const struct together *t, uint64_t difference, const bool *own);
#endif
