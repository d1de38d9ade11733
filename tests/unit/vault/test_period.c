#include "daemon/vault/period.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static struct period sample(enum period_state state)
{
	return (struct period){
		.state = state, .opens_s = 100, .closes_s = 200, .grace_s = 300, .late = LATE_HOLD
	};
}

static void test_time(void **state)
{
	static const struct {
		enum period_state from;
		uint64_t now_s;
		enum period_state to;
		enum log_kind leaf;
		uint64_t wake_s;
	} cases[] = {
		{ PERIOD_PLANNED, 99, PERIOD_PLANNED, LOG_KINDS, 100 },
		{ PERIOD_PLANNED, 100, PERIOD_OPEN, LOG_PERIOD_OPEN, 200 },
		{ PERIOD_PLANNED, 9999, PERIOD_OPEN, LOG_PERIOD_OPEN, 200 }, /* one arrow at a time */
		{ PERIOD_OPEN, 199, PERIOD_OPEN, LOG_KINDS, 200 },
		{ PERIOD_OPEN, 200, PERIOD_GRACE, LOG_KINDS, 300 },
		{ PERIOD_GRACE, 299, PERIOD_GRACE, LOG_KINDS, 300 },
		{ PERIOD_GRACE, 300, PERIOD_CLOSED, LOG_PERIOD_CLOSE, 0 },
		{ PERIOD_CLOSED, 9999, PERIOD_CLOSED, LOG_KINDS, 0 },
		{ PERIOD_FINAL, 9999, PERIOD_FINAL, LOG_KINDS, 0 },
		{ PERIOD_VOID, 9999, PERIOD_VOID, LOG_KINDS, 0 },
	};
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct period p = sample(cases[i].from);
		struct period_effects out;
		period_step(&p, PERIOD_TICK, cases[i].now_s, &out);
		assert_false(out.refused);
		assert_int_equal(out.state, cases[i].to);
		assert_int_equal(out.leaf, cases[i].leaf);
		assert_int_equal(out.wake_s, cases[i].wake_s);
	}
}

static void test_until_the_operator_closes(void **state)
{
	(void)state;
	struct period p = sample(PERIOD_OPEN);
	struct period_effects out;
	p.closes_s = 0;
	p.grace_s = 0;
	period_step(&p, PERIOD_TICK, 99999, &out);
	assert_int_equal(out.state, PERIOD_OPEN);
	assert_int_equal(out.wake_s, 0);
}

/* Rows: state; columns: open, close, final, void. 0 is refused. */
static void test_commands(void **state)
{
	static const enum period_state wanted[6][4] = {
		{ PERIOD_OPEN, 0, 0, PERIOD_VOID },   /* PLANNED */
		{ 0, PERIOD_CLOSED, 0, PERIOD_VOID }, /* OPEN */
		{ 0, PERIOD_CLOSED, 0, PERIOD_VOID }, /* GRACE */
		{ 0, 0, PERIOD_FINAL, PERIOD_VOID },  /* CLOSED */
		{ 0, 0, 0, 0 },                       /* FINAL */
		{ 0, 0, 0, 0 },                       /* VOID */
	};
	(void)state;
	for (unsigned from = PERIOD_PLANNED; from <= PERIOD_VOID; from++) {
		for (unsigned event = PERIOD_DO_OPEN; event <= PERIOD_DO_VOID; event++) {
			struct period p = sample((enum period_state)from);
			struct period_effects out;
			enum period_state to = wanted[from - 1][event - PERIOD_DO_OPEN];
			period_step(&p, (enum period_event)event, 150, &out);
			assert_int_equal(out.refused, to == 0);
			assert_int_equal(out.state, to == 0 ? from : to);
		}
	}
}

static void test_no_void_after_a_release(void **state)
{
	(void)state;
	struct period p = sample(PERIOD_CLOSED);
	struct period_effects out;
	p.released = true;
	period_step(&p, PERIOD_DO_VOID, 500, &out);
	assert_true(out.refused);
}

static void test_take(void **state)
{
	(void)state;
	static const enum period_answer hold[] = { PERIOD_TOO_SOON, PERIOD_ACCEPT, PERIOD_ACCEPT, PERIOD_HOLD,
		PERIOD_TOO_LATE, PERIOD_TOO_LATE };
	for (unsigned s = PERIOD_PLANNED; s <= PERIOD_VOID; s++) {
		struct period p = sample((enum period_state)s);
		assert_int_equal(period_take(&p), hold[s - 1]);
		p.late = LATE_REFUSE;
		assert_int_equal(period_take(&p), s == PERIOD_CLOSED ? PERIOD_TOO_LATE : hold[s - 1]);
	}
}

static void test_release(void **state)
{
	(void)state;
	unsigned arrows = 0;
	for (unsigned from = STAGE_NONE; from <= STAGE_WITHHELD; from++)
		for (unsigned to = STAGE_NONE; to <= STAGE_WITHHELD; to++)
			arrows += release_may((enum release_stage)from, (enum release_stage)to);
	assert_int_equal(arrows, 7);
	assert_true(release_may(STAGE_PROTECTED, STAGE_PUBLISHED));
	assert_false(release_may(STAGE_SEALED, STAGE_PUBLISHED));
	assert_false(release_may(STAGE_PUBLISHED, STAGE_WITHHELD));
	assert_string_equal(release_stage_name(STAGE_WITHHELD), "withheld");
}

static void test_calendar(void **state)
{
	static const struct {
		const char *name;
		uint64_t start_s, end_s; /* date -u -d 2024-03-01 +%s and so on */
	} cases[] = { { "1970", 0, 31536000 }, { "2024", 1704067200, 1735689600 },
		{ "2024-02", 1706745600, 1709251200 }, { "2023-Q4", 1696118400, 1704067200 },
		{ "2025-S1", 1735689600, 1751328000 }, { "2100-02", 4105123200u, 4107542400u },
		{ "nonsense", 0, 0 } };
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		assert_int_equal(period_start_s(cases[i].name), cases[i].start_s);
		assert_int_equal(period_end_s(cases[i].name), cases[i].end_s);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_time),
		cmocka_unit_test(test_until_the_operator_closes), cmocka_unit_test(test_commands),
		cmocka_unit_test(test_no_void_after_a_release), cmocka_unit_test(test_take),
		cmocka_unit_test(test_release), cmocka_unit_test(test_calendar) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
