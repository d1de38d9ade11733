/* jjcert - the proof that no hidden cell of a JJ table follows from what is printed, and its verifier.
 *
 * Two vectors over the cells, one modulo each of two primes near 2^61: 0 on everything printed, sums along every relation
 * 0, not 0 on a hidden cell. A vector exists for a cell just where equations do not give its value. The verifier adds and
 * compares. */
#ifndef CLIENT_PROTECT_JJCERT_H
#define CLIENT_PROTECT_JJCERT_H
#include "client/command.h"
#include "client/protect/jj.h"

#define JJCERT_PRIME_1 ((UINT64_C(1) << 61) - 1)
#define JJCERT_PRIME_2 ((UINT64_C(1) << 61) - 31)

/* A random solution modulo the prime; the same marks give the same. u has n_cells places. */
bool jjcert_null(const struct jj *j, const char *mark, uint64_t prime, uint64_t *u, struct err *e);

struct jjclaim { /* the line `level` */
	unsigned level, threshold, width, floor;
};

bool jjcert_write(const struct jj *j, const char *mark, const struct jjclaim *claim, struct bytes result_csv,
    const uint64_t *u1, const uint64_t *u2, struct buf *out, struct err *e);

/* `cellveil verify-certificate --jj`. */
int jjcert_run(const struct args *args);
#endif
