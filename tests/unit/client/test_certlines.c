/* Numbers of a certificate: what is more than a bound is refused, small bounds too. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "client/protect/certpart.h"

static bool take(const char *text, uint64_t max, uint64_t *out)
{
	const char *p = text;
	return cert_take_number(&p, text + strlen(text), max, out) && *p == '\0';
}

static void test_bounds(void **state)
{
	(void)state;
	for (uint64_t max = 0; max < 130; max++)
		for (uint64_t n = 0; n < 400; n++) {
			char text[24];
			uint64_t got = 999;
			snprintf(text, sizeof text, "%llu", (unsigned long long)n);
			assert_int_equal(take(text, max, &got), n <= max);
			assert_true(n > max || got == n);
		}
}

static void test_largest(void **state)
{
	(void)state;
	uint64_t got = 0;
	assert_true(take("18446744073709551615", UINT64_MAX, &got));
	assert_true(got == UINT64_MAX);
	assert_false(take("18446744073709551616", UINT64_MAX, &got));
	assert_false(take("00", 9, &got));
	assert_false(take("", 9, &got));
}

int main(void)
{
	static const struct CMUnitTest tests[] = { cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_largest) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
