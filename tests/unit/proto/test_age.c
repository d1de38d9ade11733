#include "proto/age.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <sodium.h>

#include "tests/unit/proto/tools.h"
#include "tests/unit/proto/vectors.h"

struct world {
	json_t *all;
	const json_t *age;
	uint8_t recipient[32], identity[32];
};

static int setup(void **state)
{
	static struct world w;
	w.all = vectors_load("atrest.json");
	w.age = json_object_get(w.all, "age");
	*state = &w;
	return !age_recipient_parse(w.recipient, bytes_text(vectors_text(w.age, "recipient")), NULL) ||
	       !age_identity_parse(w.identity, bytes_text(vectors_text(w.age, "identity")), NULL);
}

static int teardown(void **state)
{
	struct world *w = *state;
	json_decref(w->all);
	return 0;
}

static void keys_follow_the_vectors(void **state)
{
	struct world *w = *state;
	char recipient[AGE_RECIPIENT_TEXT];
	char identity[AGE_IDENTITY_TEXT];
	uint8_t public[32];
	crypto_scalarmult_base(public, w->identity);
	assert_memory_equal(public, w->recipient, 32);
	age_recipient_print(recipient, w->recipient);
	assert_string_equal(recipient, vectors_text(w->age, "recipient"));
	age_identity_print(identity, w->identity);
	assert_string_equal(identity, vectors_text(w->age, "identity"));
	for (size_t i = 0; i + 1 < sizeof recipient; i++) {
		char bent[AGE_RECIPIENT_TEXT];
		memcpy(bent, recipient, sizeof bent);
		bent[i] = bent[i] == 'q' ? 'p' : 'q';
		assert_false(age_recipient_parse(public, bytes_text(bent), NULL));
	}
	/* a good checksum, but a bit set behind the last byte */
	assert_false(age_recipient_parse(
	    public, bytes_text("age1wwed3dm24x6nvcqr90y0tk97uw36un3m8flafxk7s8mng7354f5pxt8j79"), NULL));
	assert_false(age_recipient_parse(public, bytes_text(identity), NULL));
	assert_false(age_recipient_parse(public, bytes_text(""), NULL));
	assert_false(age_identity_parse(public, bytes_text(recipient), NULL));
}

static void random_of(struct age_random *random, const struct world *w)
{
	struct bytes key = vectors_hex(w->age, "file_key");
	struct bytes nonce = vectors_hex(w->age, "payload_nonce");
	struct bytes ephemeral = vectors_hex(w->age, "ephemeral_secret");
	memcpy(random->file_key, key.at, 16);
	memcpy(random->nonce, nonce.at, 16);
	for (size_t i = 0; i < AGE_RECIPIENTS_MAX; i++)
		memcpy(random->ephemeral[i], ephemeral.at, 32);
	vectors_free(key);
	vectors_free(nonce);
	vectors_free(ephemeral);
}

static void a_file_follows_the_vector(void **state)
{
	struct world *w = *state;
	struct age_random random;
	struct bytes plaintext = vectors_bytes(w->age, "plaintext");
	struct bytes want = vectors_hex(w->age, "file");
	struct buf b = { 0 };
	struct err e;
	random_of(&random, w);
	assert_true(age_encrypt(&b, plaintext, (const uint8_t(*)[32])w->recipient, 1, &random, &e));
	assert_true(bytes_equal(buf_bytes(&b), want));
	buf_clear(&b);
	assert_true(age_decrypt(&b, want, w->identity, &e));
	assert_true(bytes_equal(buf_bytes(&b), plaintext));
	buf_free(&b);
	vectors_free(plaintext);
	vectors_free(want);
}

static void a_changed_file_does_not_open(void **state)
{
	struct world *w = *state;
	struct buf b = { 0 };
	struct bytes file = vectors_hex(w->age, "file");
	uint8_t *at = (uint8_t *)(uintptr_t)file.at;
	uint8_t stranger[32] = { 9 };
	struct err e;
	assert_false(age_decrypt(&b, file, stranger, &e));
	assert_int_equal(e.code, ERR_REFUSED);
	for (size_t i = 0; i < file.len; i += i < 300 ? 1 : 97) {
		at[i] ^= 1;
		assert_false(age_decrypt(&b, file, w->identity, NULL));
		at[i] ^= 1;
		assert_false(age_decrypt(&b, bytes_of(file.at, i), w->identity, NULL));
	}
	buf_free(&b);
	vectors_free(file);
}

/* Sizes around the chunk's, and none at all. */
static void files_of_every_size_come_back(void **state)
{
	struct world *w = *state;
	static const size_t sizes[] = { 0, 1, 65535, 65536, 65537, 131072, 200000 };
	static uint8_t plain[200000];
	struct age_random random;
	random_of(&random, w);
	for (size_t i = 0; i < sizeof plain; i++)
		plain[i] = (uint8_t)(i * 7);
	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		struct buf file = { 0 };
		struct buf got = { 0 };
		struct err e;
		struct bytes in = { plain, sizes[i] };
		assert_true(age_encrypt(&file, in, (const uint8_t(*)[32])w->recipient, 1, &random, &e));
		assert_true(age_decrypt(&got, buf_bytes(&file), w->identity, &e));
		assert_true(bytes_equal(buf_bytes(&got), in));
		assert_false(age_decrypt(&got, bytes_of(file.data, file.size - 1), w->identity, &e));
		buf_free(&file);
		buf_free(&got);
	}
}

static void age_opens_ours_and_we_open_its(void **state)
{
	struct world *w = *state;
	struct workdir dir;
	struct age_random random;
	struct buf b = { 0 };
	uint8_t both[2][32];
	static uint8_t plain[100000];
	char command[256];
	random_of(&random, w);
	random.ephemeral[1][0] ^= 8;
	uint8_t second[32] = { 77 };
	memcpy(both[0], w->recipient, 32);
	crypto_scalarmult_base(both[1], second);
	memset(plain, 'x', sizeof plain);

	workdir_make(&dir);
	workdir_write(&dir, "key", bytes_text(vectors_text(w->age, "identity")));
	workdir_write(&dir, "plain", bytes_of(plain, sizeof plain));
	assert_true(
	    age_encrypt(&b, bytes_of(plain, sizeof plain), (const uint8_t(*)[32])both, 2, &random, NULL));
	workdir_write(&dir, "ours.age", buf_bytes(&b));
	assert_true(workdir_run(&dir, "age -d -i key ours.age | cmp - plain"));

	snprintf(command, sizeof command, "age -r %s -o its.age plain", vectors_text(w->age, "recipient"));
	assert_true(workdir_run(&dir, command));
	char path[128];
	static uint8_t its[200000];
	snprintf(path, sizeof path, "%s/its.age", dir.path);
	FILE *f = fopen(path, "rb");
	assert_non_null(f);
	size_t len = fread(its, 1, sizeof its, f);
	fclose(f);
	buf_clear(&b);
	assert_true(age_decrypt(&b, bytes_of(its, len), w->identity, NULL));
	assert_true(bytes_equal(buf_bytes(&b), bytes_of(plain, sizeof plain)));
	workdir_remove(&dir);
	buf_free(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keys_follow_the_vectors),
		cmocka_unit_test(a_file_follows_the_vector),
		cmocka_unit_test(a_changed_file_does_not_open),
		cmocka_unit_test(files_of_every_size_come_back),
		cmocka_unit_test(age_opens_ours_and_we_open_its),
	};
	if (sodium_init() < 0)
		return 1;
	return cmocka_run_group_tests(tests, setup, teardown);
}
