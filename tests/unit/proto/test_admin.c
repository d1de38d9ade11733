/* The operator's frames: exactly the fields of a command, and answers that survive whatever they quote. */
#include "proto/admin.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const uint8_t rid[ADMIN_RID_BYTES] = { 1, 2, 3 };

static void test_requests_survive_the_trip(void **state)
{
	const struct admin_request cases[] = {
		{ .kind = ADMIN_STATUS },
		{ .kind = ADMIN_PART, .bytes = bytes_text("piece") },
		{ .kind = ADMIN_MODE, .mode = 2 },
		{ .kind = ADMIN_OFFICE_ADD, .line = bytes_text("cellveil-id office north") },
		{ .kind = ADMIN_OFFICE_DISABLE, .office = "north" },
		{ .kind = ADMIN_READER_DISABLE, .has_key_id = true, .key_id = { 7 } },
		{ .kind = ADMIN_KEY_LIST },
		{ .kind = ADMIN_KEY_REVOKE, .office = "north", .has_key_id = true, .key_id = { 7 } },
		{ .kind = ADMIN_PERIOD_OPEN,
		    .period = "2024",
		    .opens_s = 5,
		    .closes_s = 9,
		    .dataset = "support" },
		{ .kind = ADMIN_RELEASE_PUBLISH, .period = "2024-Q1", .dry_run = true },
		{ .kind = ADMIN_RELEASE_WITHDRAW, .period = "2024", .reason = 2 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct buf once = { 0 }, again = { 0 };
		struct admin_request back;
		struct err e;

		if (!admin_request_encode(&once, &cases[i], &e) ||
		    !admin_request_decode(&back, buf_bytes(&once), &e))
			fail_msg("case %zu: %s", i, e.text);
		assert_int_equal(back.kind, cases[i].kind);
		assert_string_equal(back.period, cases[i].period);
		assert_true(admin_request_encode(&again, &back, &e));
		assert_true(bytes_equal(buf_bytes(&once), buf_bytes(&again)));
		buf_free(&once);
		buf_free(&again);
	}
}

static void test_fields_must_fit_the_command(void **state)
{
	const struct admin_request cases[] = {
		{ .kind = ADMIN_STATUS, .period = "2024" },
		{ .kind = ADMIN_PERIOD_CLOSE },
		{ .kind = ADMIN_OFFICE_ADD },
		{ .kind = ADMIN_RELEASE_WITHDRAW, .period = "2024" },
		{ .kind = ADMIN_ANSWER },
		{ .kind = (enum admin_kind)99 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct buf out = { 0 };
		struct err e;

		assert_false(admin_request_encode(&out, &cases[i], &e));
		buf_free(&out);
	}
}

static void test_bad_bytes_are_refused(void **state)
{
	const struct admin_request q = { .kind = ADMIN_PERIOD_OPEN, .period = "2024", .dataset = "support" };
	struct admin_request back;
	struct buf out = { 0 };
	struct err e;

	(void)state;
	assert_true(admin_request_encode(&out, &q, &e));
	for (size_t len = 0; len < out.size; len++)
		assert_false(admin_request_decode(&back, bytes_of(out.data, len), &e));
	buf_put_byte(&out, 0);
	assert_false(admin_request_decode(&back, buf_bytes(&out), &e));
	buf_free(&out);
}

static void test_changing_commands_have_a_class(void **state)
{
	(void)state;
	assert_null(admin_class(ADMIN_STATUS));
	assert_null(admin_class(ADMIN_RELEASE_SHOW));
	assert_string_equal(admin_class(ADMIN_OFFICE_ADD), "enrol");
	assert_string_equal(admin_class(ADMIN_RELEASE_PUBLISH), "publish");
	assert_null(admin_class((enum admin_kind)99));
}

static void test_answers_survive_the_trip(void **state)
{
	static const char *const head[] = { "office", "keys" };
	struct admin_answer a = { 0 };
	struct admin_reply r;
	struct buf out = { 0 };
	struct err e;

	(void)state;
	a.outcome = ADMIN_WITHHELD;
	admin_answer_say(&a, "a line feed\nand a bad byte \xff become harmless");
	admin_answer_fact(&a, "revision", "%d", 3);
	admin_answer_columns(&a, head, 2);
	admin_answer_cell(&a, "north");
	admin_answer_cell(&a, "1");
	admin_answer_cell(&a, "half a row is left out");
	if (!admin_answer_encode(&out, &a, rid, &e) || !admin_reply_decode(&r, buf_bytes(&out), &e))
		fail_msg("%s", e.text);
	assert_int_equal(r.outcome, ADMIN_WITHHELD);
	assert_memory_equal(r.rid, rid, sizeof rid);
	assert_int_equal(r.n_lines, 1);
	assert_int_equal(r.n_facts, 1);
	assert_true(bytes_equal(r.fact[0].value, bytes_text("3")));
	assert_int_equal(r.n_columns, 2);
	assert_int_equal(r.n_rows, 1);
	assert_true(bytes_equal(r.cell[0], bytes_text("north")));
	admin_reply_free(&r);
	admin_answer_free(&a);
	buf_free(&out);
}

static void test_a_long_table_is_cut_and_says_so(void **state)
{
	static const char *const head[] = { "cell" };
	struct admin_answer a = { 0 };
	struct admin_reply r;
	struct buf out = { 0 };
	struct err e;

	(void)state;
	admin_answer_columns(&a, head, 1);
	for (unsigned i = 0; i < 100000; i++)
		admin_answer_cell(&a, "office=north sex=F age=18-29 number %u", i);
	assert_true(admin_answer_encode(&out, &a, rid, &e));
	assert_true(out.size <= ADMIN_ANSWER_BYTES);
	if (!admin_reply_decode(&r, buf_bytes(&out), &e))
		fail_msg("%s", e.text);
	assert_true(r.cut);
	admin_reply_free(&r);
	admin_answer_free(&a);
	buf_free(&out);
}

static void test_lengths(void **state)
{
	const uint8_t head[4] = { 0, 1, 0, 0 }, none[4] = { 0 }, huge[4] = { 0x80, 0, 0, 0 };
	size_t len = 0;
	struct err e;

	(void)state;
	assert_true(admin_length(head, LIMIT_ADMIN_BYTES, &len, &e));
	assert_int_equal(len, 65536);
	assert_false(admin_length(head, LIMIT_ADMIN_BYTES - 1, &len, &e));
	assert_false(admin_length(none, 10, &len, &e));
	assert_false(admin_length(huge, LIMIT_ADMIN_BYTES, &len, &e));
	assert_int_equal(e.code, ERR_LIMIT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_requests_survive_the_trip),
		cmocka_unit_test(test_fields_must_fit_the_command),
		cmocka_unit_test(test_bad_bytes_are_refused),
		cmocka_unit_test(test_changing_commands_have_a_class),
		cmocka_unit_test(test_answers_survive_the_trip),
		cmocka_unit_test(test_a_long_table_is_cut_and_says_so),
		cmocka_unit_test(test_lengths),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
