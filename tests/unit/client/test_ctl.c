/* cellveilctl's side of the operator's socket: where it is, and how an answer looks. */
#include "client/ctl.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void test_the_socket_follows_the_configuration(void **state)
{
	char run[64];
	struct err e;

	(void)state;
	assert_true(ctl_conf_run("[authority]\nname = example\n", run, sizeof run, &e));
	assert_string_equal(run, "/run/cellveil/example");
	assert_true(
	    ctl_conf_run("[authority]\nname = example\n[paths]\nrun = /tmp/x\n", run, sizeof run, &e));
	assert_string_equal(run, "/tmp/x");
	assert_false(ctl_conf_run("[paths]\n", run, sizeof run, &e));
	assert_false(ctl_conf_run("nonsense\n", run, sizeof run, &e));
	assert_false(ctl_conf_run("[authority]\nname = a-name-that-does-not-fit\n", run, 10, &e));
}

/* An answer as the vault would send it. */
static void make(struct buf *body, struct admin_reply *reply)
{
	static const char *const head[] = { "office", "machines" };
	static const uint8_t rid[ADMIN_RID_BYTES];
	struct admin_answer a = { 0 };
	struct err e;

	admin_answer_say(&a, "a \"quoted\" sentence");
	admin_answer_fact(&a, "mode", "normal");
	admin_answer_columns(&a, head, 2);
	admin_answer_cell(&a, "s\xc3\xb6"
			      "der");
	admin_answer_cell(&a, "10");
	admin_answer_cell(&a, "north");
	admin_answer_cell(&a, "2");
	assert_true(admin_answer_encode(body, &a, rid, &e));
	assert_true(admin_reply_decode(reply, buf_bytes(body), &e));
	admin_answer_free(&a);
}

static void assert_text(struct buf *out, const char *want)
{
	buf_put_byte(out, 0);
	assert_string_equal((const char *)out->data, want);
	buf_free(out);
}

static void test_a_table_is_aligned(void **state)
{
	struct buf body = { 0 }, out = { 0 };
	struct admin_reply reply;

	(void)state;
	make(&body, &reply);
	ctl_print(&out, &reply);
	assert_text(&out, "mode  normal\n\noffice  machines\ns\xc3\xb6"
			  "der         10\nnorth          2\n");
	admin_reply_free(&reply);
	buf_free(&body);
}

static void test_json_has_everything(void **state)
{
	struct buf body = { 0 }, out = { 0 };
	struct admin_reply reply;

	(void)state;
	make(&body, &reply);
	ctl_print_json(&out, &reply);
	assert_text(&out, "{\"outcome\":\"ok\",\"messages\":[\"a \\\"quoted\\\" "
			  "sentence\"],\"facts\":{\"mode\":\"normal\"},"
			  "\"rows\":[{\"office\":\"s\xc3\xb6"
			  "der\",\"machines\":\"10\"},{\"office\":\"north\",\"machines\":\"2\"}],"
			  "\"cut\":false}\n");
	admin_reply_free(&reply);
	buf_free(&body);
}

static void test_exit_codes(void **state)
{
	(void)state;
	assert_int_equal(ctl_exit_code(ADMIN_OK), EXIT_OK);
	assert_int_equal(ctl_exit_code(ADMIN_REFUSED), EXIT_REFUSED);
	assert_int_equal(ctl_exit_code(ADMIN_WITHHELD), EXIT_REFUSED);
	assert_int_equal(ctl_exit_code(ADMIN_FAILED), EXIT_OTHER);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_socket_follows_the_configuration),
		cmocka_unit_test(test_a_table_is_aligned),
		cmocka_unit_test(test_json_has_everything),
		cmocka_unit_test(test_exit_codes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
