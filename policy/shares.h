/* shares - what the offices contribute to something that is protected.
 *
 * Internal to policy/. */
#ifndef POLICY_SHARES_H
#define POLICY_SHARES_H
#include "policy/needs.h"

struct shares {
	uint32_t live;         /* offices that own unknowns below it */
	uint32_t contributors; /* offices with a count above 0 */
	uint32_t sole;         /* the only one of them, or NONE */
	uint32_t whole;        /* the office that owns the whole value (> 0), or NONE */
	int64_t largest[2];    /* the two largest contributions */
	int64_t
	    least_rest; /* smallest residual against one office that counts, not the sole one; INT64_MAX if none */
	int64_t coalition_rest; /* smallest residual above 0 against `coalition` offices; INT64_MAX if none */
};

/* Without an office dimension: nobody contributes. */
struct shares shares_of(const struct grid *g, const struct subject *s);

/* A subject's value, or what an office contributes to it (NONE: all). *live: something of that can move. */
int64_t shares_value(const struct grid *g, const struct subject *s, uint32_t office, bool *live);

/* Up to `most` of the live offices below a subject, with what they contribute; those with nothing are left out if
 * contributors_only. More than that: answers most + 1. */
#define SHARES_LIST_MAX 32u
uint32_t shares_list(const struct grid *g, const struct subject *s, bool contributors_only, uint32_t most,
    uint32_t office[SHARES_LIST_MAX], int64_t own[SHARES_LIST_MAX]);
#endif
