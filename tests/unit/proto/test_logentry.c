#include "proto/logentry.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "tests/unit/proto/vectors.h"

/* One entry of every kind, written out by hand from the table in proto/README.md. */
#define D "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
static const char *const every_kind[] = {
	"{\"v\":1,\"i\":0,\"t\":0,\"k\":\"log-start\",\"origin\":\"stats.example/log1\"}",
	"{\"v\":1,\"i\":0,\"t\":1,\"k\":\"log-start\",\"origin\":\"a/log2\",\"prev\":\"a/"
	"log1\",\"prevroot\":\"" D "\"}",
	"{\"v\":1,\"i\":9,\"t\":1,\"k\":\"log-end\",\"origin\":\"a/log1\"}",
	"{\"v\":1,\"i\":1,\"t\":1,\"k\":\"config\",\"ds\":\"d\",\"new\":\"" D "\"}",
	"{\"v\":1,\"i\":1,\"t\":1,\"k\":\"config\",\"ds\":\"d\",\"old\":\"" D "\",\"new\":\"" D "\"}",
	"{\"v\":1,\"i\":1,\"t\":1,\"k\":\"key\",\"purpose\":\"intake\",\"id\":\"0123456789abcdef\",\"state\":"
	"\"active\"}",
	"{\"v\":1,\"i\":1,\"t\":1,\"k\":\"submission\",\"stmt\":\"" D "\"}",
	"{\"v\":1,\"i\":1,\"t\":1,\"k\":\"conflict\",\"stmt\":\"" D "\",\"other\":\"" D "\"}",
	"{\"v\":1,\"i\":1,\"t\":1,\"k\":\"period-open\",\"ds\":\"d\",\"p\":\"2024-Q1\"}",
	"{\"v\":1,\"i\":1,\"t\":1,\"k\":\"period-close\",\"ds\":\"d\",\"p\":\"2024\"}",
	"{\"v\":1,\"i\":1,\"t\":1,\"k\":\"period-final\",\"ds\":\"d\",\"p\":\"2024-12\"}",
	"{\"v\":1,\"i\":1,\"t\":1,\"k\":\"period-void\",\"ds\":\"d\",\"p\":\"2024\"}",
	"{\"v\":1,\"i\":1,\"t\":1,\"k\":\"period-seal\",\"ds\":\"d\",\"p\":\"2024\",\"rev\":0,\"n\":3,"
	"\"root\":\"" D "\"}",
	"{\"v\":1,\"i\":1,\"t\":1,\"k\":\"release\",\"ds\":\"d\",\"p\":\"2024\",\"rev\":0,\"obj\":\"" D
	"\",\"man\":\"" D "\",\"cells\":6,\"suppressed\":1,\"ledger\":\"" D "\"}",
	"{\"v\":1,\"i\":1,\"t\":1,\"k\":\"no-release\",\"ds\":\"d\",\"p\":\"2024\",\"rev\":1,\"man\":\"" D
	"\"}",
	"{\"v\":1,\"i\":1,\"t\":1,\"k\":\"supersede\",\"ds\":\"d\",\"p\":\"2024\",\"rev\":1,\"obj\":\"" D
	"\",\"reason\":1}",
	"{\"v\":1,\"i\":1,\"t\":1,\"k\":\"withdraw\",\"ds\":\"d\",\"p\":\"2024\",\"rev\":1,\"obj\":\"" D
	"\",\"reason\":3}",
	"{\"v\":1,\"i\":1,\"t\":1,\"k\":\"retention\",\"ds\":\"d\",\"p\":\"2024\",\"what\":\"data-key\"}",
	"{\"v\":1,\"i\":1,\"t\":1,\"k\":\"admin\",\"class\":\"office\",\"by\":\"1000\"}",
	"{\"v\":1,\"i\":1,\"t\":9223372036854775807,\"k\":\"recovery\",\"size\":12,\"reason\":1}",
};

static void round_trip(const char *text)
{
	struct log_entry entry;
	struct buf again = { 0 };
	struct err e = { 0 };
	struct bytes in = vectors_copy(text);
	if (!log_entry_parse(&entry, in, &e))
		fail_msg("%s: %s", text, e.text);
	assert_true(log_entry_put(&again, &entry, &e));
	assert_true(bytes_equal(buf_bytes(&again), in));
	for (size_t len = 0; len < in.len; len++)
		assert_false(log_entry_parse(&entry, bytes_of(in.at, len), NULL));
	buf_free(&again);
	vectors_free(in);
}

static void every_kind_has_one_form(void **state)
{
	(void)state;
	bool seen[LOG_KINDS] = { false };
	for (size_t i = 0; i < sizeof every_kind / sizeof *every_kind; i++) {
		struct log_entry entry;
		round_trip(every_kind[i]);
		assert_true(log_entry_parse(&entry, bytes_text(every_kind[i]), NULL));
		seen[entry.kind] = true;
	}
	for (size_t k = 0; k < LOG_KINDS; k++)
		assert_true(seen[k]);
}

static void the_vectors_entries_are_entries(void **state)
{
	(void)state;
	json_t *log = vectors_load("log.json");
	size_t i;
	json_t *text;
	json_array_foreach(json_object_get(log, "entries"), i, text)
	{
		struct log_entry entry;
		round_trip(json_string_value(text));
		assert_true(log_entry_parse(&entry, bytes_text(json_string_value(text)), NULL));
		assert_int_equal(entry.index, i);
	}
	json_decref(log);
}

static void other_forms_are_refused(void **state)
{
	(void)state;
	static const char *const bad[] = {
		"{\"v\":2,\"i\":1,\"t\":1,\"k\":\"submission\",\"stmt\":\"" D "\"}",
		"{\"v\":1, \"i\":1,\"t\":1,\"k\":\"submission\",\"stmt\":\"" D "\"}",
		"{\"v\":1,\"i\":01,\"t\":1,\"k\":\"submission\",\"stmt\":\"" D "\"}",
		"{\"v\":1,\"i\":-1,\"t\":1,\"k\":\"submission\",\"stmt\":\"" D "\"}",
		"{\"v\":1,\"i\":1,\"t\":9223372036854775808,\"k\":\"submission\",\"stmt\":\"" D "\"}",
		"{\"v\":1,\"i\":1,\"t\":1,\"k\":\"submission\",\"stmt\":\"" D "\"}\n",
		"{\"v\":1,\"i\":1,\"t\":1,\"k\":\"submission\",\"stmt\":\"" D "\",\"office\":\"north\"}",
		"{\"v\":1,\"i\":1,\"t\":1,\"k\":\"submission\"}",
		"{\"v\":1,\"i\":1,\"t\":1,\"k\":\"rumour\"}",
		"{\"v\":1,\"i\":1,\"t\":1,\"k\":\"period-open\",\"p\":\"2024\",\"ds\":\"d\"}",
		"{\"v\":1,\"i\":1,\"t\":1,\"k\":\"period-open\",\"ds\":\"D\",\"p\":\"2024\"}",
		"{\"v\":1,\"i\":1,\"t\":1,\"k\":\"period-open\",\"ds\":\"d\",\"p\":\"2024-Q5\"}",
		"{\"v\":1,\"i\":1,\"t\":1,\"k\":\"log-start\",\"origin\":\"a/log2\",\"prev\":\"a/log1\"}",
		"{\"v\":1,\"i\":1,\"t\":1,\"k\":\"log-start\",\"origin\":\"a/log2\",\"prevroot\":\"" D "\"}",
		"{\"v\":1,\"i\":1,\"t\":1,\"k\":\"withdraw\",\"ds\":\"d\",\"p\":\"2024\",\"rev\":1,\"obj\":"
		"\"" D "\",\"reason\":4}",
		"{\"v\":1,\"i\":1,\"t\":1,\"k\":\"withdraw\",\"ds\":\"d\",\"p\":\"2024\",\"rev\":1,\"obj\":"
		"\"" D "\",\"reason\":0}",
	};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct log_entry entry;
		struct bytes in = vectors_copy(bad[i]);
		if (log_entry_parse(&entry, in, NULL))
			fail_msg("accepted: %s", bad[i]);
		vectors_free(in);
	}
}

static void an_entry_with_a_missing_member_is_not_written(void **state)
{
	(void)state;
	struct log_entry entry = { .kind = LOG_PERIOD_OPEN, .dataset = "d" };
	struct buf b = { 0 };
	struct err e;
	assert_false(log_entry_put(&b, &entry, &e));
	assert_int_equal(e.code, ERR_INTERNAL);
	buf_free(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_kind_has_one_form),
		cmocka_unit_test(the_vectors_entries_are_entries),
		cmocka_unit_test(other_forms_are_refused),
		cmocka_unit_test(an_entry_with_a_missing_member_is_not_written),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
