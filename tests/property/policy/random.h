/* random - what the tests of random tables draw from, and how many of them there are.
 *
 * CELLVEIL_SEED replays a run, which prints its seed; CELLVEIL_EFFORT is how many cases, in percent of the usual. */
#ifndef TESTS_PROPERTY_RANDOM_H
#define TESTS_PROPERTY_RANDOM_H
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

struct rng {
	uint64_t state;
};

/* 0 to n - 1. */
static inline uint32_t draw(struct rng *r, uint32_t n)
{
	r->state = r->state * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(r->state >> 33) % n;
}

/* Printed, too. */
static inline uint64_t seed_of_run(void)
{
	const char *text = getenv("CELLVEIL_SEED");
	uint64_t seed = text != NULL ? strtoull(text, NULL, 10) : (uint64_t)time(NULL);
	printf("CELLVEIL_SEED=%llu\n", (unsigned long long)seed);
	return seed;
}

static inline int cases_of_run(int usual)
{
	const char *effort = getenv("CELLVEIL_EFFORT");
	return effort == NULL ? usual : (int)(usual * strtol(effort, NULL, 10) / 100) + 1;
}

#endif
