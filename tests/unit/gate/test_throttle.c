/* throttle: rates, bursts, fines, and the bar after bad envelopes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka last */
#include <cmocka.h>

#include "daemon/gate/peers.h"
#include "daemon/gate/throttle.h"
#include <string.h>

static const struct throttle_rates rates = { .messages_s = 20,
	.burst = 100,
	.bytes_s = 1000000,
	.bytes_burst = 4000000,
	.bad_envelopes = 3,
	.bad_window_ms = 600000,
	.bar_ms = 600000 };
static const uint8_t anna[8] = "anna-key", bo[8] = "bo---key";

static unsigned passed(struct throttle *t, const uint8_t id[8], uint64_t now, unsigned tries, uint64_t size)
{
	unsigned n = 0;
	uint64_t retry;
	for (unsigned i = 0; i < tries; i++)
		n += throttle_take(t, id, now, size, &retry);
	return n;
}

static void test_burst_then_rate(void **state)
{
	(void)state;
	uint64_t retry = 0;
	struct throttle *t = throttle_new(&rates);
	assert_int_equal(passed(t, anna, 1000, 150, 10), 100);
	assert_false(throttle_take(t, anna, 1000, 10, &retry));
	assert_in_range(retry, 1, 51);
	assert_int_equal(passed(t, bo, 1000, 1, 10), 1); /* others do not feel it */
	assert_int_equal(passed(t, anna, 2000, 150, 10), 20);
	assert_int_equal(passed(t, anna, 90000, 150, 10), 100); /* never more than the burst */
	throttle_free(t);
}

static void test_bytes(void **state)
{
	(void)state;
	uint64_t retry = 0;
	struct throttle *t = throttle_new(&rates);
	assert_int_equal(passed(t, anna, 0, 10, 1000000), 4);
	assert_int_equal(passed(t, anna, 1000, 10, 1000000), 1);
	assert_int_equal(passed(t, bo, 0, 2, 9000000), 1); /* larger than the burst: on a full bucket only */
	assert_false(throttle_take(t, bo, 100, 9000000, &retry));
	throttle_charge(t, anna, 1000, 3000000);
	assert_false(throttle_take(t, anna, 2000, 1, &retry));
	assert_true(throttle_take(t, anna, 2000 + retry, 1, &retry));
	throttle_free(t);
}

static void test_fine_goes_below_nought(void **state)
{
	(void)state;
	struct throttle *t = throttle_new(&rates);
	throttle_fine(t, anna, 0, 10000);
	assert_int_equal(passed(t, anna, 400000, 1, 1), 0);
	assert_int_equal(passed(t, anna, 600001, 1, 1), 1); /* ten minutes at most */
	throttle_free(t);
}

static void test_bad_envelopes(void **state)
{
	(void)state;
	uint64_t retry = 0;
	struct throttle *t = throttle_new(&rates);
	throttle_bad_envelope(t, anna, 0);
	throttle_bad_envelope(t, anna, 1);
	throttle_bad_envelope(t, anna, 700000); /* the first two were too long ago */
	assert_true(throttle_take(t, anna, 700001, 1, &retry));
	throttle_bad_envelope(t, anna, 700002);
	throttle_bad_envelope(t, anna, 700003);
	assert_false(throttle_take(t, anna, 700004, 1, &retry));
	assert_int_equal(retry, 599999);
	assert_true(throttle_take(t, bo, 700004, 1, &retry));
	assert_true(throttle_take(t, anna, 700003 + 600000, 1, &retry));
	throttle_free(t);
}

static void test_many_principals(void **state)
{
	(void)state;
	struct throttle *t = throttle_new(&rates);
	for (uint64_t i = 0; i < 250000; i++) { /* more than the table holds at once */
		uint8_t id[8];
		memcpy(id, &(uint64_t){ i * 0x9e3779b97f4a7c15u }, 8);
		assert_int_equal(passed(t, id, 5, 1, 1), 1);
	}
	throttle_free(t);
}

static void test_peer_numbers(void **state)
{
	(void)state;
	struct peers *p = peers_new();
	uint8_t a[ROUTE_BYTES] = { 0, 1, 2, 3, 4 }, b[ROUTE_BYTES] = { 0, 1, 2, 3, 5 };
	assert_int_equal(peers_serial(p, 1, a), 1);
	assert_int_equal(peers_serial(p, 1, b), 2);
	assert_int_equal(peers_serial(p, 2, a), 3); /* another socket's peer */
	assert_int_equal(peers_serial(p, 1, a), 1);
	uint64_t last = 3;
	for (uint32_t i = 0; i < 200000; i++) { /* emptied on the way; numbers go on rising */
		uint8_t r[ROUTE_BYTES] = { 0, 9, (uint8_t)(i >> 16), (uint8_t)(i >> 8), (uint8_t)i };
		uint64_t n = peers_serial(p, 1, r);
		assert_true(n > last);
		last = n;
	}
	peers_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_burst_then_rate),
		cmocka_unit_test(test_bytes),
		cmocka_unit_test(test_fine_goes_below_nought),
		cmocka_unit_test(test_bad_envelopes),
		cmocka_unit_test(test_many_principals),
		cmocka_unit_test(test_peer_numbers),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
