#include "client/push.h"
#include "client/refusal.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void test_next_revision(void **state)
{
	(void)state;
	struct outbox_item newest = { .header = { .revision = 4 } };
	struct msg_period period = { .n_revisions = 0 };

	assert_int_equal(push_next_revision(NULL, &period), 0);
	assert_int_equal(push_next_revision(&newest, &period), 5);
	period.n_revisions = 9; /* sent from another machine */
	assert_int_equal(push_next_revision(&newest, &period), 9);
	assert_int_equal(push_next_revision(NULL, &period), 9);
}

static void test_choose_period(void **state)
{
	(void)state;
	static struct msg_periods periods = { .n = 4,
		.period = {
		    { .period = "2022", .state = PERIOD_FINAL, .opens_s = 1 },
		    { .period = "2023", .state = PERIOD_GRACE, .opens_s = 2 },
		    { .period = "2024", .state = PERIOD_OPEN, .opens_s = 3 },
		    { .period = "2025", .state = PERIOD_PLANNED, .opens_s = 4 },
		} };
	struct err e = { 0 };
	bool sure;

	assert_string_equal(filing_choose(&periods, NULL, &sure, &e)->period, "2024");
	assert_false(sure);
	assert_string_equal(filing_choose(&periods, "2022", &sure, &e)->period, "2022");
	assert_true(sure);
	assert_null(filing_choose(&periods, "2021", &sure, &e));
	periods.n = 2;
	assert_string_equal(filing_choose(&periods, NULL, &sure, &e)->period, "2023");
	assert_true(sure);
	periods.n = 1;
	assert_string_equal(filing_choose(&periods, NULL, &sure, &e)->period, "2022");
	assert_false(sure);
	periods.period[0].state = PERIOD_VOID;
	assert_null(filing_choose(&periods, NULL, &sure, &e));
}

/* Every refusal of the wire says what happened, what to do and its code, whole. */
static void test_refusals(void **state)
{
	(void)state;
	for (unsigned code = REJECT_MALFORMED; code <= REJECT_FEED_CHANGED; code++) {
		const char *name = reject_code_name((enum reject_code)code);
		const struct msg_reject r = {
			.code = (enum reject_code)code, .text = bytes_text(name), .detail = 7
		};
		struct err e = { 0 };
		refusal_text(&e, &r);
		assert_true(refusal_happened(r.code)[0] != 0 && refusal_advice(r.code)[0] != 0);
		assert_non_null(strstr(e.text, refusal_happened(r.code)));
		assert_non_null(strstr(e.text, refusal_advice(r.code)));
		assert_non_null(strstr(e.text, "rule 7; "));
		assert_int_equal(e.text[strlen(e.text) - 1], ']');
		assert_int_equal(e.detail, code);
	}
	assert_string_equal(refusal_happened((enum reject_code)0), "");
	assert_string_equal(refusal_advice((enum reject_code)99), "");
}

static void test_changes(void **state)
{
	(void)state;
	static const struct code codes[] = { { .code = "_T" }, { .code = "F" }, { .code = "M" } };
	static const struct codelist list = { .name = "sex", .code = codes, .n_codes = 3 };
	static const struct measure measure = { .name = "clients", .n_dims = 1 };
	static const struct cell_id asked[] = { { 0, { 0 } }, { 0, { 1 } }, { 0, { 2 } } };
	static const struct config config = { .list = &list,
		.n_lists = 1,
		.measure = &measure,
		.n_measures = 1,
		.asked = asked,
		.n_asked = 3 };
	uint8_t blank_last[] = { FIGURE_VALUE, FIGURE_VALUE, FIGURE_BLANK },
		all[] = { FIGURE_VALUE, FIGURE_VALUE, FIGURE_VALUE };
	uint64_t old[] = { 12, 5, 0 }, new[] = { 13, 5, 8 };
	struct figures before = { 3, blank_last, old }, after = { 3, all, new };
	struct buf out = { 0 };

	assert_false(push_same_figures(&before, &after));
	assert_true(push_same_figures(&before, &before));
	push_put_changes(&out, &config, &before, &after, 20);
	push_put_changes(&out, &config, &before, &after, 1);
	buf_put_byte(&out, 0);
	assert_string_equal((const char *)out.data, "  clients|_T: 12 -> 13\n"
						    "  clients|M: not reported -> 8\n"
						    "  clients|_T: 12 -> 13\n"
						    "  and 1 more\n");
	buf_free(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_next_revision),
		cmocka_unit_test(test_choose_period),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_changes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
