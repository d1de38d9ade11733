#include "proto/keys.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <sodium.h>

#include "tests/unit/proto/vectors.h"

/* The purpose its text form names; KEY_PURPOSES where the form is another's (age) or nobody's. */
static enum key_purpose purpose_of(const char *text)
{
	enum key_purpose purpose = KEY_PURPOSES;
	const char *name = strchr(text, '-');
	const char *colon = strchr(text, ':');
	if (name != NULL && colon != NULL)
		keys_purpose_parse(&purpose, bytes_of(name + 1, (size_t)(colon - name - 1)));
	return purpose;
}

static void check_key(const json_t *key)
{
	bool is_sign = json_object_get(key, "seed") != NULL;
	struct bytes secret = vectors_hex(key, is_sign ? "seed" : "secret");
	struct bytes want = vectors_hex(key, "public");
	struct bytes id = vectors_hex(key, "key_id");
	const char *text = vectors_text(key, "text");
	enum key_purpose purpose = purpose_of(text);
	struct err e;
	if (purpose != KEY_PURPOSES) {
		uint8_t public[KEY_BYTES];
		struct key_public parsed;
		struct buf print = { 0 };
		assert_true(keys_public_of(public, purpose, secret.at, &e));
		assert_memory_equal(public, want.at, KEY_BYTES);
		assert_true(keys_public_parse(&parsed, KEY_PURPOSES, bytes_text(text), &e));
		assert_true(keys_public_parse(&parsed, purpose, bytes_text(text), &e));
		assert_memory_equal(parsed.id, id.at, KEY_ID_BYTES);
		assert_memory_equal(parsed.key, want.at, KEY_BYTES);
		keys_public_print(&print, purpose, public);
		assert_true(bytes_equal(buf_bytes(&print), bytes_text(text)));
		buf_free(&print);
	} else if (strncmp(text, "age1", 4) == 0) {
		uint8_t got[KEY_ID_BYTES];
		keys_id(got, KEY_TYPE_AGE, want.at);
		assert_memory_equal(got, id.at, KEY_ID_BYTES);
	}
	vectors_free(secret);
	vectors_free(want);
	vectors_free(id);
}

static void ids_and_text_forms_follow_the_vectors(void **state)
{
	(void)state;
	json_t *all = vectors_load("keys.json");
	const char *name;
	json_t *key;
	size_t n = 0;
	json_object_foreach(all, name, key)
	{
		if (json_object_get(key, "key_id") == NULL)
			continue;
		check_key(key);
		n++;
	}
	assert_true(n >= 13);
	json_decref(all);
}

static void a_secret_file_holds_one_secret_of_one_purpose(void **state)
{
	(void)state;
	json_t *all = vectors_load("keys.json");
	const char *example = vectors_text(all, "secret_text_example");
	uint8_t secret[KEY_BYTES];
	struct err e;
	assert_true(keys_secret_parse(secret, KEY_INTAKE, bytes_text(example), &e));
	assert_int_equal(secret[0], 2);
	assert_true(keys_secret_is_test(secret));
	assert_false(keys_secret_parse(secret, KEY_CURVE, bytes_text(example), &e));
	assert_int_equal(secret[0], 0);

	struct buf file = { 0 };
	randombytes_buf(secret, sizeof secret);
	assert_false(keys_secret_is_test(secret));
	keys_secret_print(&file, KEY_SIGN, secret, "2024-10-01");
	uint8_t again[KEY_BYTES];
	assert_true(keys_secret_parse(again, KEY_SIGN, buf_bytes(&file), &e));
	assert_memory_equal(again, secret, KEY_BYTES);
	keys_secret_print(&file, KEY_SIGN, secret, "2024-10-01");
	assert_false(keys_secret_parse(again, KEY_SIGN, buf_bytes(&file), &e));
	assert_false(keys_secret_parse(again, KEY_SIGN, bytes_text("# only a comment\n"), &e));
	assert_false(keys_secret_parse(again, KEY_SIGN, bytes_text(""), &e));
	buf_clear(&file);
	keys_secret_print(&file, KEY_MASTER, secret, "2024-10-01");
	assert_true(keys_secret_parse(again, KEY_MASTER, buf_bytes(&file), &e));
	assert_false(keys_public_of(again, KEY_MASTER, secret, &e));
	buf_free(&file);
	json_decref(all);
}

static void other_spellings_of_a_key_are_refused(void **state)
{
	(void)state;
	static const char *const bad[] = {
		"", "cellveil-sign:", "cellveil-sign:iojj3XQJ8ZX9UtstPLpdcspnCb8dlBIb83SIAbQPb1w",
		"cellveil-sign:iojj3XQJ8ZX9UtstPLpdcspnCb8dlBIb83SIAbQPb1x=", /* trailing bits */
		"cellveil-sign:iojj3XQJ8ZX9UtstPLpdcspnCb8dlBIb83SIAbQPb1w=\n",
		" cellveil-sign:iojj3XQJ8ZX9UtstPLpdcspnCb8dlBIb83SIAbQPb1w=",
		"cellveil-Sign:iojj3XQJ8ZX9UtstPLpdcspnCb8dlBIb83SIAbQPb1w=",
		"cellveil-none:Xf7dO2vUf2+ijuFdlp1bsOpTd01Ii9r53xxuASSz7yI=",
		"cellveil-master:iojj3XQJ8ZX9UtstPLpdcspnCb8dlBIb83SIAbQPb1w=",
		"cellveil-secret-sign:iojj3XQJ8ZX9UtstPLpdcspnCb8dlBIb83SIAbQPb1w=",
		"cellveil-sign:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", /* nobody's */
		"cellveil-curve:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
		"cellveil-intake:AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", /* of order 4 */
		/* the gate's key of the vectors with its ignored bit set: a second spelling */
		"cellveil-curve:93/0sQeIv9ymLKC7Fg1CfPV2LYXytcrWgH7Jw/673ok=",
		"cellveil-sign:AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", /* the neutral element */
	};
	struct key_public key;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		if (keys_public_parse(&key, KEY_PURPOSES, bytes_text(bad[i]), NULL))
			fail_msg("%s", bad[i]);
}

static void a_signature_holds_for_one_label_and_one_key(void **state)
{
	(void)state;
	uint8_t seed[KEY_BYTES] = { 1 };
	uint8_t sig[KEY_SIG_BYTES];
	struct key_signer signer, other;
	struct bytes two[] = { bytes_text("ab"), bytes_text("c") };
	struct bytes one = bytes_text("abc");
	keys_signer(&signer, seed);
	seed[0] = 2;
	keys_signer(&other, seed);
	assert_true(keys_sign(sig, &signer, LABEL_FEED, two, 2, NULL));
	assert_true(keys_verify(sig, signer.public, LABEL_FEED, &one, 1, NULL));
	assert_false(keys_verify(sig, signer.public, LABEL_BEAT, &one, 1, NULL));
	assert_false(keys_verify(sig, other.public, LABEL_FEED, &one, 1, NULL));
	assert_false(keys_verify(sig, signer.public, LABEL_FEED, two, 1, NULL));
	keys_signer_wipe(&signer);
	assert_int_equal(signer.secret[0] | signer.secret[31], 0);
}

static void a_fingerprint_is_read_aloud_in_fours(void **state)
{
	(void)state;
	static const uint8_t id[KEY_ID_BYTES] = { 0xba, 0x44, 0xca, 0x63, 0x6c, 0x01, 0x73, 0x78 };
	char out[KEY_FINGERPRINT];
	keys_fingerprint(out, id);
	assert_string_equal(out, "ba44 ca63 6c01 7378");
}

static void z85_is_zeromqs(void **state)
{
	(void)state;
	/* the example of ZeroMQ RFC 32, eight bytes, four times over */
	static const uint8_t word[8] = { 0x86, 0x4f, 0xd2, 0x6f, 0xb5, 0x59, 0xf7, 0x5b };
	uint8_t key[KEY_BYTES], again[KEY_BYTES];
	char text[KEY_Z85_BYTES];
	for (size_t i = 0; i < KEY_BYTES; i++)
		key[i] = word[i % 8];
	keys_z85(text, key);
	assert_string_equal(text, "HelloWorldHelloWorldHelloWorldHelloWorld");
	assert_true(keys_z85_decode(again, bytes_text(text)));
	assert_memory_equal(again, key, KEY_BYTES);
	text[3] = '~';
	assert_false(keys_z85_decode(again, bytes_text(text)));
	assert_false(keys_z85_decode(again, bytes_text("HelloWorld")));
	assert_false(keys_z85_decode(again, bytes_text("#####HelloHelloWorldHelloWorldHelloWorld")));
}

int main(void)
{
	if (sodium_init() < 0)
		return 1;
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ids_and_text_forms_follow_the_vectors),
		cmocka_unit_test(a_secret_file_holds_one_secret_of_one_purpose),
		cmocka_unit_test(other_spellings_of_a_key_are_refused),
		cmocka_unit_test(a_signature_holds_for_one_label_and_one_key),
		cmocka_unit_test(a_fingerprint_is_read_aloud_in_fours),
		cmocka_unit_test(z85_is_zeromqs),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
