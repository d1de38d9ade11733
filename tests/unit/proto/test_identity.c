#include "proto/identity.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <sodium.h>

#include "tests/unit/proto/vectors.h"

static void public_of(uint8_t out[KEY_BYTES], enum key_purpose purpose, uint8_t seed)
{
	uint8_t secret[KEY_BYTES] = { seed };
	assert_true(keys_public_of(out, purpose, secret, NULL));
}

static struct identity office(void)
{
	struct identity id = { .kind = IDENTITY_OFFICE, .name = "north", .has_sign = true };
	public_of(id.sign, KEY_SIGN, 1);
	public_of(id.curve, KEY_CURVE, 2);
	return id;
}

static struct join answer(void)
{
	struct join j = { .kind = IDENTITY_OFFICE,
		.name = "north",
		.origin = "stats.example/log1",
		.submit = "tcp://stats.example:7410",
		.query = "tcp://stats.example:7411",
		.feed = "tcp://[2001:db8::1]:7412",
		.n_datasets = 2,
		.dataset = { "personal-support", "births" } };
	public_of(j.root, KEY_ROOT, 3);
	public_of(j.curve, KEY_CURVE, 4);
	return j;
}

static void identities_of_each_kind_come_back(void **state)
{
	(void)state;
	struct identity id[4] = { office(), office(), office(), office() };
	id[1].kind = IDENTITY_RESEARCHER;
	id[1].has_sign = false;
	memset(id[1].sign, 0, KEY_BYTES);
	id[2].kind = IDENTITY_AUDITOR;
	strcpy(id[2].age, "age1wwed3dm24x6nvcqr90y0tk97uw36un3m8flafxk7s8mng7354f5qman8rh");
	id[3].kind = IDENTITY_AUDITOR;
	id[3].has_sign = false;
	memset(id[3].sign, 0, KEY_BYTES);
	for (size_t i = 0; i < 4; i++) {
		struct buf line = { 0 }, again = { 0 };
		struct identity got;
		struct err e = { 0 };
		identity_print(&line, &id[i]);
		assert_false(line.failed);
		if (!identity_parse(&got, buf_bytes(&line), &e))
			fail_msg("%s", e.text);
		assert_int_equal(got.kind, id[i].kind);
		assert_memory_equal(got.sign, id[i].sign, KEY_BYTES);
		assert_string_equal(got.age, id[i].age);
		identity_print(&again, &got);
		assert_true(bytes_equal(buf_bytes(&line), buf_bytes(&again)));
		buf_free(&line);
		buf_free(&again);
	}
}

static void a_join_line_comes_back_even_broken_by_mail(void **state)
{
	(void)state;
	struct join j = answer(), got;
	struct buf line = { 0 }, again = { 0 };
	struct err e = { 0 };
	buf_put_text(&line, "");
	join_print(&line, &j);
	for (size_t i = 0, n = 0; i < line.size; i++)
		if (line.data[i] == ' ' && ++n % 3 == 0)
			line.data[i] = '\n';
	if (!join_parse(&got, buf_bytes(&line), &e))
		fail_msg("%s", e.text);
	assert_string_equal(got.submit, j.submit);
	assert_string_equal(got.feed, j.feed);
	assert_int_equal(got.n_datasets, 2);
	assert_string_equal(got.dataset[1], "births");
	join_print(&again, &got);
	assert_int_equal(again.size, line.size);
	got.kind = IDENTITY_RESEARCHER;
	buf_clear(&again);
	join_print(&again, &got);
	assert_true(join_parse(&got, buf_bytes(&again), &e));
	assert_string_equal(got.submit, "");
	buf_free(&line);
	buf_free(&again);
}

/* Any one character changed, lost or doubled is found. */
static void slips_of_copying_are_found(void **state)
{
	(void)state;
	struct identity id = office(), got;
	struct buf line = { 0 };
	identity_print(&line, &id);
	size_t len = line.size - 1;
	for (size_t i = 0; i < len; i++) {
		uint8_t *copy = malloc(len + 1);
		assert_non_null(copy);
		memcpy(copy, line.data, len);
		copy[i] = copy[i] == 'x' ? 'y' : 'x';
		assert_false(identity_parse(&got, bytes_of(copy, len), NULL));
		memcpy(copy, line.data, i);
		memcpy(copy + i, line.data + i + 1, len - i - 1);
		assert_false(identity_parse(&got, bytes_of(copy, len - 1), NULL));
		free(copy);
	}
	buf_free(&line);
}

static void wrong_words_are_named(void **state)
{
	(void)state;
	struct identity id;
	static struct join j;
	struct err e;
	assert_false(identity_parse(&id, bytes_text(""), &e));
	assert_string_equal(e.text, "identity line: the word cellveil-id is missing");
	assert_false(identity_parse(&id, bytes_text("cellveil-id clerk north"), &e));
	assert_false(identity_parse(&id, bytes_text("cellveil-id office North"), &e));
	assert_false(identity_parse(&id, bytes_text("cellveil-id office north cellveil-curve:x"), &e));
	assert_non_null(strstr(e.text, "cellveil-sign:"));
	assert_false(join_parse(&j, bytes_text("cellveil-join office north origin:Stats/"), &e));
	assert_string_equal(e.text, "join line: the word origin:... breaks its grammar");
	/* a researcher has no business with a signing key */
	struct identity wrong = office();
	struct buf line = { 0 };
	wrong.kind = IDENTITY_RESEARCHER;
	identity_print(&line, &wrong);
	assert_false(identity_parse(&id, buf_bytes(&line), &e));
	buf_clear(&line);
	for (size_t i = 0; i < LIMIT_IDENTITY_LINE; i++)
		buf_put_byte(&line, ' ');
	buf_put_byte(&line, 'x');
	assert_false(identity_parse(&id, buf_bytes(&line), &e));
	assert_int_equal(e.code, ERR_LIMIT);
	buf_free(&line);
}

static void a_join_names_a_bounded_number_of_datasets(void **state)
{
	(void)state;
	struct join j = answer();
	static struct join got;
	struct buf line = { 0 };
	j.n_datasets = LIMIT_DATASETS;
	for (size_t i = 0; i < LIMIT_DATASETS; i++)
		strcpy(j.dataset[i], "births");
	join_print(&line, &j);
	assert_true(join_parse(&got, buf_bytes(&line), NULL));
	buf_clear(&line);
	j.n_datasets = 0;
	join_print(&line, &j);
	assert_false(join_parse(&got, buf_bytes(&line), NULL));
	buf_free(&line);
}

int main(void)
{
	if (sodium_init() < 0)
		return 1;
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(identities_of_each_kind_come_back),
		cmocka_unit_test(a_join_line_comes_back_even_broken_by_mail),
		cmocka_unit_test(slips_of_copying_are_found),
		cmocka_unit_test(wrong_words_are_named),
		cmocka_unit_test(a_join_names_a_bounded_number_of_datasets),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
