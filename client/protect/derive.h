/* derive - which unknowns follow from linear relations alone, whatever their constants are.
 *
 * For those who know which cells an attacker knows, but not the counts in them: an auditor asking what an
 * office could compute. A variable follows if it is the same in every real solution, that is if every change
 * that keeps all relations leaves it alone. Elimination modulo a prime, then one random change: a variable it
 * moves does not follow for certain; one it leaves alone follows but for a chance below 2^-59. Bounds (counts
 * are not negative) and whole numbers are not used: docs/auditor.md says what that leaves open. */
#ifndef CLIENT_PROTECT_DERIVE_H
#define CLIENT_PROTECT_DERIVE_H
#include "client/protect/system.h"

#define DERIVE_TERMS_MAX (UINT64_C(1) << 24) /* while eliminating, of all relations together */

/* follows has a place for each variable of s, whose constants are not read. ERR_LIMIT: too much to eliminate. */
bool derive_follow(const struct system *s, bool *follows, struct err *e);
#endif
