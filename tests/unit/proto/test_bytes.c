#include "proto/bytes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "proto/err.h"
#include "proto/model.h"

static void buffer_refuses_growth_past_its_bound(void **state)
{
	(void)state;
	struct buf b = { .max = 4 };
	buf_put_text(&b, "abcd");
	assert_false(b.failed);
	buf_put_byte(&b, 'e');
	assert_true(b.failed);
	assert_int_equal(b.size, 4);
	buf_free(&b);
}

static void hex_and_base64_are_strict(void **state)
{
	(void)state;
	uint8_t out[8];
	size_t len;
	assert_true(hex_decode(out, 2, bytes_text("0aff")));
	assert_false(hex_decode(out, 2, bytes_text("0AFF")));
	assert_false(hex_decode(out, 2, bytes_text("0aff0")));
	assert_true(base64_decode(out, sizeof out, &len, bytes_text("AQI=")));
	assert_int_equal(len, 2);
	assert_false(base64_decode(out, sizeof out, &len, bytes_text("AQI")));
	assert_false(base64_decode(out, sizeof out, &len, bytes_text("AQJ=")));
	assert_false(base64_decode(out, sizeof out, &len, bytes_text("AQ I=")));
	assert_false(base64_decode(out, 1, &len, bytes_text("AQI=")));
	assert_false(base64_decode(out, sizeof out, &len,
	    bytes_text("k\xd1"
		       "ds")));
}

static void an_error_gains_its_place_on_the_way_up(void **state)
{
	(void)state;
	struct err e;
	assert_false(err_set_detail(&e, ERR_INVALID, 7, "not a whole number"));
	assert_false(err_wrap(&e, "%s:%d", "form.csv", 12));
	assert_string_equal(e.text, "form.csv:12: not a whole number");
	assert_int_equal(e.code, ERR_INVALID);
	assert_int_equal(e.detail, 7);
}

static void periods_become_months(void **state)
{
	(void)state;
	uint32_t first;
	uint32_t n;
	assert_true(model_period_months("2023-Q3", &first, &n));
	assert_int_equal(first, 12 * 2023 + 6);
	assert_int_equal(n, 3);
	assert_false(model_period_months("2023-Q5", &first, &n));
	assert_false(model_period_months("2025Q5", &first, &n));
	assert_false(model_period_months("1899", &first, &n));
	assert_true(model_valid_in((struct validity){ 12 * 2023 + 6, UINT32_MAX }, "2023"));
	assert_false(model_valid_in((struct validity){ 12 * 2023 + 6, UINT32_MAX }, "2022"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(buffer_refuses_growth_past_its_bound),
		cmocka_unit_test(hex_and_base64_are_strict),
		cmocka_unit_test(an_error_gains_its_place_on_the_way_up),
		cmocka_unit_test(periods_become_months),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
