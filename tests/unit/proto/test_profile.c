#include "proto/mpread.h"
#include "proto/mpwrite.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <msgpack.h>

#include "tests/unit/proto/vectors.h"

/* hex, then fill repeated count times: exactly sized. */
static struct bytes input_of(const json_t *c)
{
	struct bytes head = vectors_hex(c, "hex");
	if (json_object_get(c, "fill") == NULL)
		return head;
	struct bytes fill = vectors_hex(c, "fill");
	size_t count = (size_t)vectors_number(c, "count");
	uint8_t *data = malloc(head.len + count > 0 ? head.len + count : 1);
	assert_non_null(data);
	memcpy(data, head.at, head.len);
	memset(data + head.len, fill.at[0], count);
	struct bytes all = { data, head.len + count };
	vectors_free(head);
	vectors_free(fill);
	return all;
}

/* A second opinion on what was accepted: msgpack-c reads it and packs it again. */
static void msgpack_packs_the_same(struct bytes in)
{
	msgpack_unpacked got;
	msgpack_sbuffer again;
	size_t used = 0;
	msgpack_unpacked_init(&got);
	msgpack_sbuffer_init(&again);
	assert_int_equal(
	    msgpack_unpack_next(&got, (const char *)in.at, in.len, &used), MSGPACK_UNPACK_SUCCESS);
	msgpack_packer pk;
	msgpack_packer_init(&pk, &again, msgpack_sbuffer_write);
	assert_int_equal(msgpack_pack_object(&pk, got.data), 0);
	assert_int_equal(again.size, in.len);
	assert_memory_equal(again.data, in.at, in.len);
	msgpack_sbuffer_destroy(&again);
	msgpack_unpacked_destroy(&got);
}

static void every_vector_is_accepted_or_refused_as_it_says(void **state)
{
	(void)state;
	json_t *all = vectors_load("profile.json");
	json_t *c;
	size_t i;
	json_array_foreach(json_object_get(all, "cases"), i, c)
	{
		struct bytes in = input_of(c);
		uint32_t nodes =
		    json_object_get(c, "nodes") ? (uint32_t)vectors_number(c, "nodes") : LIMIT_NODES;
		struct err e = { 0 };
		bool ok = profile_check(in, nodes, &e);
		if (ok != vectors_true(c, "ok"))
			fail_msg("%s: %s", vectors_text(c, "name"), ok ? "accepted" : e.text);
		if (ok)
			msgpack_packs_the_same(in);
		struct mpread r = mpread_open(in, nodes);
		mpread_skip(&r);
		assert_int_equal(mpread_close(&r, NULL), ok);
		vectors_free(in);
	}
	json_decref(all);
}

static void no_bytes_are_no_value(void **state)
{
	(void)state;
	struct mpread r = mpread_open((struct bytes){ NULL, 0 }, LIMIT_NODES);
	assert_int_equal(mpread_uint(&r, "x", 0, 9), 0);
	assert_false(mpread_close(&r, NULL));
}

/* Refused at the header that promises more than the input holds, not after reading up to its end. */
static void promises_are_checked_at_each_header(void **state)
{
	(void)state;
	static const struct {
		const char *hex, *text;
	} cases[] = {
		{ "9f9f9f9f0101010101010101010101010101010101010101",
		    "message profile: ends too soon (byte 1)" },
		{ "dd10000000", "message profile: ends too soon (byte 0)" },
		{ "840087008700010001000100010001000100010001", "message profile: ends too soon (byte 2)" },
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct err e;
		struct bytes in = vectors_from_hex(cases[i].hex);
		assert_false(profile_check(in, LIMIT_NODES, &e));
		assert_string_equal(e.text, cases[i].text);
		vectors_free(in);
	}
}

static void the_first_failure_is_the_one_that_is_told(void **state)
{
	(void)state;
	struct err e;
	struct bytes in = vectors_from_hex("93050607");
	struct mpread r = mpread_open(in, LIMIT_NODES);
	assert_int_equal(mpread_array(&r, "list", 3, 3), 3);
	assert_int_equal(mpread_uint(&r, "first", 0, 9), 5);
	assert_int_equal(mpread_uint(&r, "second", 0, 5), 0);
	assert_int_equal(mpread_uint(&r, "third", 9, 9), 0);
	assert_false(mpread_close(&r, &e));
	assert_int_equal(e.code, ERR_MALFORMED);
	assert_string_equal(e.text, "second: out of range (byte 2)");
	vectors_free(in);
}

static void what_was_not_read_is_refused(void **state)
{
	(void)state;
	struct bytes in = vectors_from_hex("920506");
	struct mpread r = mpread_open(in, LIMIT_NODES);
	mpread_array(&r, "list", 2, 2);
	mpread_uint(&r, "first", 0, 9);
	assert_false(mpread_close(&r, NULL));
	vectors_free(in);
}

/* Reads { 0 a, 2 b, 5 c? } from hex; the error code, ERR_NONE if all is well. */
static enum err_code map_of_three(const char *hex, bool *has_c)
{
	struct err e = { 0 };
	struct bytes in = vectors_from_hex(hex);
	struct mpread r = mpread_open(in, LIMIT_NODES);
	struct mpmap m = mpread_map(&r, "map");
	mpmap_need(&r, &m, 0, "a");
	mpread_uint(&r, "a", 0, 9);
	mpmap_need(&r, &m, 2, "b");
	mpread_uint(&r, "b", 0, 9);
	*has_c = mpmap_has(&r, &m, 5);
	if (*has_c)
		mpread_uint(&r, "c", 0, 9);
	mpmap_end(&r, &m);
	mpread_close(&r, &e);
	vectors_free(in);
	return e.code;
}

static void even_keys_are_critical_and_odd_ones_are_not(void **state)
{
	(void)state;
	bool c;
	assert_int_equal(map_of_three("8200010202", &c), ERR_NONE);
	assert_false(c);
	assert_int_equal(map_of_three("83000102020503", &c), ERR_NONE);
	assert_true(c);
	/* unknown odd keys between and after, with values of any shape */
	assert_int_equal(map_of_three("8400010192810001c3020209c40109", &c), ERR_NONE);
	assert_false(c);
	assert_int_equal(map_of_three("8500010192810001c3020205030781a0", &c), ERR_MALFORMED);
	assert_int_equal(map_of_three("8500010192810001c302020503078100a0", &c), ERR_NONE);
	assert_true(c);
	/* unknown even keys */
	assert_int_equal(map_of_three("83000102020403", &c), ERR_UNSUPPORTED);
	assert_int_equal(map_of_three("83000102020603", &c), ERR_UNSUPPORTED);
	/* missing */
	assert_int_equal(map_of_three("810001", &c), ERR_MALFORMED);
	assert_int_equal(map_of_three("810202", &c), ERR_MALFORMED);
	assert_int_equal(map_of_three("80", &c), ERR_MALFORMED);
	/* of the wrong type */
	assert_int_equal(map_of_three("820001"
				      "02c3",
			     &c),
	    ERR_MALFORMED);
}

static void choices_are_unsupported_rather_than_malformed(void **state)
{
	(void)state;
	struct err e;
	struct bytes in = vectors_from_hex("02");
	struct mpread r = mpread_open(in, LIMIT_NODES);
	mpread_choice(&r, "version", 1, 1);
	assert_false(mpread_close(&r, &e));
	assert_int_equal(e.code, ERR_UNSUPPORTED);
	vectors_free(in);
}

static void numbers_and_lengths_are_written_in_the_shortest_form(void **state)
{
	(void)state;
	static const uint64_t numbers[] = { 0, 127, 128, 255, 256, 65535, 65536, UINT32_MAX,
		(uint64_t)UINT32_MAX + 1, LIMIT_UINT };
	static const size_t lengths[] = { 0, 15, 16, 31, 32, 255, 256, 65535, 65536 };
	static char text[65537];
	struct buf b = { 0 };
	mpwrite_array(&b, 2);
	mpwrite_array(&b, sizeof numbers / sizeof *numbers);
	for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
		mpwrite_uint(&b, numbers[i]);
	mpwrite_map(&b, sizeof lengths / sizeof *lengths);
	memset(text, 'x', sizeof text);
	for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
		mpwrite_uint(&b, i);
		mpwrite_array(&b, 3);
		mpwrite_bin(&b, bytes_of(text, lengths[i]));
		mpwrite_str_bytes(&b, bytes_of(text, lengths[i]));
		mpwrite_bool(&b, i % 2 == 0);
	}
	struct err e;
	assert_true(mpwrite_done(&b, "numbers", &e));
	assert_true(profile_check(buf_bytes(&b), LIMIT_NODES, &e));
	buf_free(&b);
}

static void what_no_message_can_hold_is_not_written(void **state)
{
	(void)state;
	struct err e;
	struct buf b = { 0 };
	mpwrite_uint(&b, (uint64_t)LIMIT_UINT + 1);
	assert_false(mpwrite_done(&b, "number", &e));
	buf_free(&b);
	struct buf small = { .max = 3 };
	mpwrite_str(&small, "abc");
	assert_false(mpwrite_done(&small, "text", &e));
	assert_int_equal(e.code, ERR_LIMIT);
	buf_free(&small);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_vector_is_accepted_or_refused_as_it_says),
		cmocka_unit_test(no_bytes_are_no_value),
		cmocka_unit_test(promises_are_checked_at_each_header),
		cmocka_unit_test(the_first_failure_is_the_one_that_is_told),
		cmocka_unit_test(what_was_not_read_is_refused),
		cmocka_unit_test(even_keys_are_critical_and_odd_ones_are_not),
		cmocka_unit_test(choices_are_unsupported_rather_than_malformed),
		cmocka_unit_test(numbers_and_lengths_are_written_in_the_shortest_form),
		cmocka_unit_test(what_no_message_can_hold_is_not_written),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
