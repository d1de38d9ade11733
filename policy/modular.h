/* modular - which cells can be worked out exactly, by elimination modulo a prime.
 *
 * Internal to policy/. Unknowns are the cells that are not printed as numbers, equations the grid's relations
 * among them. A random solution u of the homogeneous system modulo a prime near 2^61 is 0 at every derivable
 * cell, and at one that is not only by a chance below cells / 2^61, which errs on the safe side. u != 0
 * proves that the cell is not derivable, unless the prime divides a minor of the system: hence two primes.
 * Most of the system is solved in whole numbers, once for all primes (equations.h); that u solves it is added up
 * again relation by relation, so that no mistake on the way can call a derivable cell safe. */
#ifndef POLICY_MODULAR_H
#define POLICY_MODULAR_H
#include "policy/equations.h"

#define MODULAR_PRIME_1 ((UINT64_C(1) << 61) - 1)
#define MODULAR_PRIME_2 ((UINT64_C(1) << 61) - 31)

/* Fills u (a word a cell, 0 for printed and dead cells). q: the solved equations of g's pattern as it is now. seed makes
 * the draw; the same pattern and seed give the same vector. */
bool modular_null(
    const struct equations *q, uint64_t prime, const uint8_t seed[16], uint64_t *u, struct err *e);
/* The same without adding up: where nothing rests on it. False: no memory. */
bool modular_vector(const struct equations *q, uint64_t prime, const uint8_t seed[16], uint64_t *u);
/* Within: a random solution of equations solved so far, a word a column. False: no memory. */
bool modular_solution(const struct echelon *x, uint64_t prime, const uint8_t seed[16], uint64_t *u);
#endif
