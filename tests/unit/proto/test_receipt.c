#include "proto/receipt.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <sodium.h>

#include "tests/unit/proto/vectors.h"

static json_t *keys, *vectors;

static struct bytes receipt_key(void)
{
	return vectors_hex(json_object_get(keys, "receipt"), "public");
}

/* What the office of the vectors sent. */
static struct receipt sent(void)
{
	struct receipt want = { .origin = "stats.example/log1",
		.dataset = "personal-support",
		.period = "2025",
		.office = "exempel" };
	json_t *submissions = vectors_load("submission.json");
	const json_t *base = json_array_get(json_object_get(submissions, "positive"), 0);
	struct bytes digest = vectors_hex(base, "statement_digest");
	memcpy(want.statement_digest, digest.at, sizeof want.statement_digest);
	memset(want.submission_id, 0xaa, sizeof want.submission_id);
	vectors_free(digest);
	json_decref(submissions);
	return want;
}

static bool believes(const json_t *c, struct receipt *r)
{
	struct bytes statement = vectors_hex(c, "statement");
	struct bytes sig = vectors_hex(c, "signature");
	struct bytes public = receipt_key();
	struct receipt want = sent();
	bool ok = receipt_open(r, statement, sig.at, public.at, NULL) && receipt_check(r, &want, NULL);
	vectors_free(statement);
	vectors_free(sig);
	vectors_free(public);
	return ok;
}

static void signer_of(struct key_signer *s)
{
	struct bytes seed = vectors_hex(json_object_get(keys, "receipt"), "seed");
	keys_signer(s, seed.at);
	vectors_free(seed);
}

static void the_receipt_of_the_vectors_is_believed_and_made(void **state)
{
	(void)state;
	const json_t *c = json_object_get(vectors, "receipt");
	struct receipt r;
	struct key_signer signer;
	uint8_t sig[KEY_SIG_BYTES];
	struct buf again = { 0 };
	assert_true(believes(c, &r));
	signer_of(&signer);
	assert_true(receipt_encode(&again, &r, NULL));
	assert_true(receipt_sign(sig, &signer, buf_bytes(&again), NULL));
	struct bytes statement = vectors_hex(c, "statement");
	struct bytes want = vectors_hex(c, "signature");
	assert_true(bytes_equal(buf_bytes(&again), statement));
	assert_memory_equal(sig, want.at, sizeof sig);
	vectors_free(statement);
	vectors_free(want);
	buf_free(&again);
}

static void no_receipt_of_the_negatives_is_believed(void **state)
{
	(void)state;
	const json_t *c;
	size_t i;
	struct receipt r;
	json_array_foreach(json_object_get(vectors, "receipt_negative"), i, c)
	{
		if (believes(c, &r))
			fail_msg("%s", vectors_text(c, "name"));
	}
	assert_true(i >= 8);
}

static void the_refusal_of_the_vectors_is_believed_and_made(void **state)
{
	(void)state;
	const json_t *c = json_object_get(vectors, "refusal");
	struct bytes statement = vectors_hex(c, "statement");
	struct bytes want = vectors_hex(c, "signature");
	struct bytes public = receipt_key();
	struct refusal r, other;
	struct key_signer signer;
	uint8_t sig[KEY_SIG_BYTES];
	struct buf again = { 0 };
	struct err e;
	assert_true(refusal_open(&r, statement, want.at, public.at, NULL));
	assert_int_equal(r.code, REJECT_INVALID_CONTENT);
	assert_int_equal(r.detail, 10);
	assert_true(refusal_check(&r, &r, NULL));
	other = r;
	other.detail = 9;
	assert_false(refusal_check(&r, &other, NULL));
	other = r;
	other.envelope_digest[31] ^= 1;
	assert_false(refusal_check(&r, &other, &e));
	assert_string_equal(e.text, "refusal: envelope digest is not ours");
	assert_true(refusal_encode(&again, &r, NULL));
	assert_true(bytes_equal(buf_bytes(&again), statement));
	signer_of(&signer);
	assert_true(refusal_sign(sig, &signer, statement, NULL));
	assert_memory_equal(sig, want.at, sizeof sig);
	assert_true(receipt_sign(sig, &signer, statement, NULL));
	assert_false(refusal_open(&r, statement, sig, public.at, NULL));
	vectors_free(statement);
	vectors_free(want);
	vectors_free(public);
	buf_free(&again);
}

/* One change in each field that receipt_check must see. */
static void each_field_of_a_receipt_counts(void **state)
{
	(void)state;
	struct receipt good = sent();
	struct receipt r = good;
	assert_true(receipt_check(&r, &good, NULL));
	r.origin[0]++;
	assert_false(receipt_check(&r, &good, NULL));
	r = good;
	r.dataset[0]++;
	assert_false(receipt_check(&r, &good, NULL));
	r = good;
	r.period[3]++;
	assert_false(receipt_check(&r, &good, NULL));
	r = good;
	r.office[0]++;
	assert_false(receipt_check(&r, &good, NULL));
	r = good;
	r.submission_id[15]++;
	assert_false(receipt_check(&r, &good, NULL));
	r = good;
	r.statement_digest[31]++;
	assert_false(receipt_check(&r, &good, NULL));
	r = good;
	r.revision++;
	assert_false(receipt_check(&r, &good, NULL));
}

static void prints_name_what_is_public(void **state)
{
	(void)state;
	struct receipt r = sent();
	struct buf out = { 0 };
	r.outcome = OUTCOME_HELD;
	receipt_print(&out, &r);
	buf_put_byte(&out, 0);
	assert_non_null(strstr((const char *)out.data, "outcome held\n"));
	assert_non_null(strstr((const char *)out.data, "office exempel\n"));
	buf_clear(&out);
	refusal_print(&out, &(struct refusal){ .code = REJECT_CONFLICT });
	buf_put_byte(&out, 0);
	assert_non_null(strstr((const char *)out.data, "code CONFLICT\n"));
	buf_free(&out);
}

static int load(void **state)
{
	(void)state;
	keys = vectors_load("keys.json");
	vectors = vectors_load("statements.json");
	return 0;
}

static int unload(void **state)
{
	(void)state;
	json_decref(keys);
	json_decref(vectors);
	return 0;
}

int main(void)
{
	if (sodium_init() < 0)
		return 1;
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_receipt_of_the_vectors_is_believed_and_made),
		cmocka_unit_test(no_receipt_of_the_negatives_is_believed),
		cmocka_unit_test(the_refusal_of_the_vectors_is_believed_and_made),
		cmocka_unit_test(each_field_of_a_receipt_counts),
		cmocka_unit_test(prints_name_what_is_public),
	};
	return cmocka_run_group_tests(tests, load, unload);
}
