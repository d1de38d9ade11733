#include "proto/atrest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <sodium.h>

#include "tests/unit/proto/vectors.h"

struct row {
	json_t *all;
	struct bytes key, nonce, primary_key, digest, plaintext, stored;
	struct atrest_place place;
};

static int setup(void **state)
{
	static struct row r;
	r.all = vectors_load("atrest.json");
	const json_t *c = json_object_get(r.all, "row");
	r.key = vectors_hex(c, "key");
	r.nonce = vectors_hex(c, "nonce");
	r.primary_key = vectors_hex(c, "primary_key");
	r.digest = vectors_hex(c, "statement_digest");
	r.plaintext = vectors_hex(c, "plaintext");
	r.stored = vectors_hex(c, "stored");
	r.place = (struct atrest_place){ vectors_text(c, "table"), r.primary_key, vectors_number(c, "schema"),
		{ 0 } };
	memcpy(r.place.digest, r.digest.at, 32);
	*state = &r;
	return 0;
}

static int teardown(void **state)
{
	struct row *r = *state;
	vectors_free(r->key);
	vectors_free(r->nonce);
	vectors_free(r->primary_key);
	vectors_free(r->digest);
	vectors_free(r->plaintext);
	vectors_free(r->stored);
	json_decref(r->all);
	return 0;
}

static void a_row_follows_the_vector(void **state)
{
	struct row *r = *state;
	struct buf b = { 0 };
	uint32_t epoch;
	struct err e;
	assert_true(atrest_seal(&b, r->plaintext, &r->place, 5, r->nonce.at, r->key.at, &e));
	assert_true(bytes_equal(buf_bytes(&b), r->stored));
	assert_true(atrest_epoch(&epoch, r->stored, &e));
	assert_int_equal(epoch, 5);
	buf_clear(&b);
	assert_true(atrest_open(&b, r->stored, &r->place, r->key.at, &e));
	assert_true(bytes_equal(buf_bytes(&b), r->plaintext));
	buf_free(&b);
}

static void a_changed_row_does_not_open(void **state)
{
	struct row *r = *state;
	struct buf b = { 0 };
	for (size_t i = 5; i < r->stored.len; i++) {
		struct bytes bent = vectors_hex(json_object_get(r->all, "row"), "stored");
		((uint8_t *)(uintptr_t)bent.at)[i] ^= 1;
		assert_false(atrest_open(&b, bent, &r->place, r->key.at, NULL));
		assert_int_equal(b.size, 0);
		assert_false(atrest_open(&b, bytes_of(r->stored.at, i), &r->place, r->key.at, NULL));
		vectors_free(bent);
	}
	buf_free(&b);
}

static void a_row_opens_only_in_its_place(void **state)
{
	struct row *r = *state;
	struct atrest_place other[4] = { r->place, r->place, r->place, r->place };
	struct buf b = { 0 };
	other[0].table = "receipt";
	other[1].primary_key.len--;
	other[2].schema++;
	other[3].digest[0] ^= 1;
	for (size_t i = 0; i < 4; i++) {
		struct err e;
		assert_false(atrest_open(&b, r->stored, &other[i], r->key.at, &e));
		assert_int_equal(e.code, ERR_CRYPTO);
	}
	buf_free(&b);
}

static void an_empty_row_is_a_row(void **state)
{
	struct row *r = *state;
	struct buf sealed = { 0 };
	struct buf opened = { 0 };
	assert_true(atrest_seal(&sealed, (struct bytes){ 0 }, &r->place, 1, r->nonce.at, r->key.at, NULL));
	assert_int_equal(sealed.size, ATREST_OVERHEAD);
	assert_true(atrest_open(&opened, buf_bytes(&sealed), &r->place, r->key.at, NULL));
	assert_int_equal(opened.size, 0);
	buf_free(&sealed);
	buf_free(&opened);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_row_follows_the_vector),
		cmocka_unit_test(a_changed_row_does_not_open),
		cmocka_unit_test(a_row_opens_only_in_its_place),
		cmocka_unit_test(an_empty_row_is_a_row),
	};
	if (sodium_init() < 0)
		return 1;
	return cmocka_run_group_tests(tests, setup, teardown);
}
