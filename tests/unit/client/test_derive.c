/* derive: against ranks of small random systems, worked out apart; and by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "client/protect/derive.h"

#define VARS 9u
#define ROWS 8u
#define P    UINT64_C(1000000007)

static uint64_t power(uint64_t a, uint64_t n)
{
	uint64_t out = 1;
	for (; n > 0; n >>= 1, a = a * a % P)
		out = n & 1 ? out * a % P : out;
	return out;
}

/* Rank modulo another prime, dense. */
static unsigned rank_of(uint64_t m[ROWS + 1][VARS], unsigned rows)
{
	unsigned rank = 0;
	for (unsigned c = 0; c < VARS && rank < rows; c++) {
		unsigned pivot = rank;
		uint64_t swap[VARS];
		while (pivot < rows && m[pivot][c] == 0)
			pivot++;
		if (pivot == rows)
			continue;
		memcpy(swap, m[pivot], sizeof swap);
		memcpy(m[pivot], m[rank], sizeof swap);
		memcpy(m[rank], swap, sizeof swap);
		uint64_t inv = power(m[rank][c], P - 2);
		for (unsigned r = rank + 1; r < rows; r++) {
			uint64_t f = m[r][c] * inv % P;
			for (unsigned k = 0; k < VARS; k++)
				m[r][k] = (m[r][k] + (P - f) * m[rank][k]) % P;
		}
		rank++;
	}
	return rank;
}

static bool follows_by_rank(int coef[ROWS][VARS], unsigned rows, unsigned var)
{
	uint64_t m[ROWS + 1][VARS];
	for (int extra = 0; extra < 2; extra++) {
		for (unsigned r = 0; r < rows; r++)
			for (unsigned c = 0; c < VARS; c++)
				m[r][c] = (uint64_t)((int64_t)P + coef[r][c]) % P;
		memset(m[rows], 0, sizeof m[rows]);
		m[rows][var] = extra;
		static unsigned before;
		if (extra == 0)
			before = rank_of(m, rows);
		else
			return rank_of(m, rows + 1) == before;
	}
	return false;
}

static void small_random_systems(void **state)
{
	(void)state;
	const char *given = getenv("CELLVEIL_SEED");
	unsigned seed = given != NULL ? (unsigned)strtoul(given, NULL, 10) : (unsigned)time(NULL), found = 0;
	printf("CELLVEIL_SEED=%u\n", seed);
	srand(seed);
	for (int round = 0; round < 2000; round++) {
		int coef[ROWS][VARS] = { 0 };
		bool follows[VARS];
		struct system s = { 0 };
		struct err e = { 0 };
		unsigned rows = 1 + (unsigned)rand() % ROWS;
		for (unsigned v = 0; v < VARS; v++)
			assert_int_not_equal(system_add_var(&s, v, 0, SYSTEM_UNBOUNDED, true), UINT32_MAX);
		for (unsigned r = 0; r < rows; r++) {
			for (unsigned v = 0; v < VARS; v++) {
				coef[r][v] = rand() % 3 == 0 ? rand() % 3 - 1 : 0;
				if (coef[r][v] != 0)
					assert_true(system_add_term(&s, v, coef[r][v]));
			}
			assert_true(system_end_relation(&s, rand()));
		}
		assert_true(derive_follow(&s, follows, &e));
		for (unsigned v = 0; v < VARS; v++) {
			assert_int_equal(follows[v], follows_by_rank(coef, rows, v));
			found += follows[v];
		}
		system_free(&s);
	}
	assert_true(found > 100);
}

/* a + b = 5, b + c = 6, a - c = -1 says nothing new; d + e = 3, d - e = 1 gives both. */
static void by_hand(void **state)
{
	(void)state;
	static const int term[][3] = { { 0, 0, 1 }, { 0, 1, 1 }, { 1, 1, 1 }, { 1, 2, 1 }, { 2, 0, 1 },
		{ 2, 2, -1 }, { 3, 3, 1 }, { 3, 4, 1 }, { 4, 3, 1 }, { 4, 4, -1 } };
	static const bool want[] = { false, false, false, true, true };
	struct system s = { 0 };
	struct err e = { 0 };
	bool follows[5];
	for (unsigned v = 0; v < 5; v++)
		(void)system_add_var(&s, v, 0, SYSTEM_UNBOUNDED, true);
	for (size_t i = 0; i < 10; i++) {
		assert_true(system_add_term(&s, (uint32_t)term[i][1], term[i][2]));
		if (i == 9 || term[i + 1][0] != term[i][0])
			assert_true(system_end_relation(&s, 0));
	}
	assert_true(derive_follow(&s, follows, &e));
	assert_memory_equal(follows, want, sizeof want);
	system_free(&s);
}

static void nothing_known(void **state)
{
	(void)state;
	struct system s = { 0 };
	struct err e = { 0 };
	bool follows[1] = { true };
	assert_true(derive_follow(&s, follows, &e));
	assert_int_not_equal(system_add_var(&s, 0, 0, SYSTEM_UNBOUNDED, true), UINT32_MAX);
	assert_true(derive_follow(&s, follows, &e));
	assert_false(follows[0]);
	system_free(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(small_random_systems), cmocka_unit_test(by_hand),
		cmocka_unit_test(nothing_known) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
