#include "proto/minisign.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <sodium.h>

#include "tests/unit/proto/tools.h"
#include "tests/unit/proto/vectors.h"

struct signing {
	json_t *all;
	struct key_signer signer;
	struct minisign_claim claim;
};

static int setup(void **state)
{
	static struct signing s;
	json_t *keys = vectors_load("keys.json");
	struct bytes seed = vectors_hex(json_object_get(keys, "release"), "seed");
	keys_signer(&s.signer, seed.at);
	vectors_free(seed);
	json_decref(keys);
	s.all = vectors_load("release.json");
	s.claim = (struct minisign_claim){ .time_s = 1767232800,
		.file = "manifest.txt",
		.origin = "stats.example/log1",
		.dataset = "personal-support",
		.period = "2025",
		.seq = 1 };
	memset(s.claim.feed_id, 0xfe, sizeof s.claim.feed_id);
	*state = &s;
	return 0;
}

static int teardown(void **state)
{
	struct signing *s = *state;
	json_decref(s->all);
	return 0;
}

static void files_follow_the_vectors(void **state)
{
	struct signing *s = *state;
	struct bytes manifest = vectors_bytes(s->all, "manifest");
	struct bytes want = vectors_bytes(s->all, "minisig");
	struct minisign_claim claim;
	uint8_t id[8];
	uint8_t key[32];
	struct buf b = { 0 };
	struct err e;
	assert_true(minisign_sign(&b, manifest, &s->claim, &s->signer, &e));
	assert_true(bytes_equal(buf_bytes(&b), want));
	assert_true(minisign_verify(want, manifest, s->signer.id, s->signer.public, &s->claim, &claim, &e));
	assert_int_equal(claim.time_s, s->claim.time_s);
	assert_true(minisign_parse(&claim, id, want, &e));
	assert_memory_equal(id, s->signer.id, 8);
	buf_clear(&b);
	minisign_put_public(&b, s->signer.id, s->signer.public);
	assert_true(bytes_equal(buf_bytes(&b), bytes_text(vectors_text(s->all, "public_key"))));
	assert_true(minisign_parse_public(id, key, buf_bytes(&b), &e));
	assert_memory_equal(key, s->signer.public, 32);
	buf_free(&b);
	vectors_free(manifest);
	vectors_free(want);
}

static void bent_files_are_refused(void **state)
{
	struct signing *s = *state;
	struct bytes manifest = vectors_bytes(s->all, "manifest");
	size_t i;
	json_t *c;
	json_array_foreach(json_object_get(s->all, "negative"), i, c)
	{
		struct bytes file = vectors_bytes(c, "minisig");
		if (minisign_verify(file, manifest, s->signer.id, s->signer.public, &s->claim, NULL, NULL))
			fail_msg("%s", vectors_text(c, "name"));
		vectors_free(file);
	}
	vectors_free(manifest);
}

static bool fits(struct signing *s, const struct minisign_claim *want)
{
	struct err e = { 0 };
	bool ok = minisign_verify(bytes_text(vectors_text(s->all, "minisig")),
	    bytes_text(vectors_text(s->all, "manifest")), s->signer.id, s->signer.public, want, NULL, &e);
	assert_true(ok || e.code == ERR_REFUSED);
	return ok;
}

static void every_field_is_compared(void **state)
{
	struct signing *s = *state;
	struct minisign_claim want = s->claim;
	assert_true(fits(s, &want));
	strcpy(want.file, "release.csv");
	assert_false(fits(s, &want));
	want = s->claim;
	strcpy(want.origin, "stats.example/log2");
	assert_false(fits(s, &want));
	want = s->claim;
	strcpy(want.dataset, "other");
	assert_false(fits(s, &want));
	want = s->claim;
	strcpy(want.period, "2024");
	assert_false(fits(s, &want));
	want = s->claim;
	want.revision = 1;
	assert_false(fits(s, &want));
	want = s->claim;
	want.seq = 2;
	assert_false(fits(s, &want));
	want = s->claim;
	want.feed_id[15] ^= 1;
	assert_false(fits(s, &want));
	want.seq = 0; /* without the feed neither is compared */
	assert_true(fits(s, &want));
}

static void minisign_agrees(void **state)
{
	struct signing *s = *state;
	struct workdir dir;
	struct bytes manifest = vectors_bytes(s->all, "manifest");
	struct buf b = { 0 };
	workdir_make(&dir);
	workdir_write(&dir, "manifest.txt", manifest);
	assert_true(minisign_sign(&b, manifest, &s->claim, &s->signer, NULL));
	workdir_write(&dir, "manifest.txt.minisig", buf_bytes(&b));
	buf_clear(&b);
	minisign_put_public(&b, s->signer.id, s->signer.public);
	workdir_write(&dir, "release.pub", buf_bytes(&b));
	assert_true(workdir_run(&dir, "minisign -V -p release.pub -m manifest.txt"));
	assert_false(workdir_run(&dir, "echo >>manifest.txt; minisign -V -p release.pub -m manifest.txt"));
	workdir_remove(&dir);
	buf_free(&b);
	vectors_free(manifest);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(files_follow_the_vectors),
		cmocka_unit_test(bent_files_are_refused),
		cmocka_unit_test(every_field_is_compared),
		cmocka_unit_test(minisign_agrees),
	};
	if (sodium_init() < 0)
		return 1;
	return cmocka_run_group_tests(tests, setup, teardown);
}
