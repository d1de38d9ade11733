#include "proto/feed.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <sodium.h>

#include "tests/unit/proto/vectors.h"

static const char *const verdict_names[] = { "APPLY", "DROP", "FRESH", "RANGE", "REFUSE", "ALERT", "STOP",
	"RESTART" };

struct world {
	json_t *all;
	struct key_signer signer;
};

static int setup(void **state)
{
	static struct world w;
	json_t *keys = vectors_load("keys.json");
	struct bytes seed = vectors_hex(json_object_get(keys, "feed"), "seed");
	keys_signer(&w.signer, seed.at);
	vectors_free(seed);
	json_decref(keys);
	w.all = vectors_load("feed.json");
	*state = &w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;
	json_decref(w->all);
	return 0;
}

/* At seq 1, with its link, as the vectors ask. */
static struct feed_reader reader_at_one(const struct world *w)
{
	struct feed_reader r = { .n_keys = 2, .seq = 1 };
	strcpy(r.dataset, "personal-support");
	memcpy(r.key[1], w->signer.public, 32); /* key[0]: another one, of no use */
	memset(r.feed_id, 0xfe, sizeof r.feed_id);
	struct bytes link = vectors_hex(json_array_get(json_object_get(w->all, "chain"), 0), "link");
	memcpy(r.link, link.at, 32);
	vectors_free(link);
	return r;
}

static void check_envelope(const struct world *w, const json_t *c)
{
	struct bytes in = vectors_hex(c, "envelope");
	struct bytes want = vectors_hex(c, "signature");
	struct feed_envelope env;
	struct buf again = { 0 };
	uint8_t signature[64];
	struct err e;
	assert_true(feed_decode(&env, in, &e));
	assert_true(feed_encode(&again, &env, &e));
	assert_true(bytes_equal(buf_bytes(&again), in));
	assert_true(feed_sign(signature, env.kind, in, &w->signer, &e));
	assert_memory_equal(signature, want.at, 64);
	assert_true(feed_verify(env.kind, in, signature, w->signer.public));
	if (json_object_get(c, "frame") != NULL) {
		struct bytes frame = vectors_hex(c, "frame");
		struct buf b = { 0 };
		assert_true(feed_frame_put(&b, in, signature, &e));
		assert_true(bytes_equal(buf_bytes(&b), frame));
		buf_free(&b);
		vectors_free(frame);
	}
	buf_free(&again);
	vectors_free(in);
	vectors_free(want);
}

static void envelopes_follow_the_vectors(void **state)
{
	struct world *w = *state;
	size_t i;
	json_t *c;
	json_array_foreach(json_object_get(w->all, "chain"), i, c)
	{
		struct bytes in = vectors_hex(c, "envelope");
		struct bytes want = vectors_hex(c, "link");
		uint8_t link[32];
		check_envelope(w, c);
		feed_link(link, in);
		assert_memory_equal(link, want.at, 32);
		vectors_free(in);
		vectors_free(want);
	}
	check_envelope(w, json_object_get(w->all, "beat"));
	check_envelope(w, json_object_get(w->all, "beat_before_first_release"));
	char topic[FEED_TOPIC_MAX];
	feed_topic(topic, "personal-support");
	assert_string_equal(topic, vectors_text(w->all, "topic"));
}

static void the_state_file_follows_the_vectors(void **state)
{
	struct world *w = *state;
	const json_t *c = json_object_get(w->all, "state");
	struct bytes file = vectors_hex(c, "file");
	struct feed_state s;
	struct buf again = { 0 };
	struct err e;
	const uint8_t(*key)[32] = (const uint8_t(*)[32])w->signer.public;
	assert_true(feed_state_open(&s, file, key, 1, &e));
	assert_int_equal(s.n_rows, 1);
	assert_string_equal(s.row[0].period, "2025");
	assert_true(feed_state_put(&again, &s, &w->signer, &e));
	assert_true(bytes_equal(buf_bytes(&again), file));
	feed_state_free(&s);
	again.data[again.size - 1] ^= 1;
	assert_false(feed_state_open(&s, buf_bytes(&again), key, 1, &e));
	assert_int_equal(e.code, ERR_CRYPTO);
	feed_state_free(&s);
	buf_free(&again);
	vectors_free(file);
}

static void the_reader_follows_the_vectors(void **state)
{
	struct world *w = *state;
	size_t i;
	json_t *c;
	json_array_foreach(json_object_get(w->all, "reader"), i, c)
	{
		struct feed_reader r = reader_at_one(w);
		struct feed_envelope env;
		struct bytes frame = vectors_hex(c, "frame");
		enum feed_verdict got = feed_reader_step(&r, frame, &env, NULL);
		if (strcmp(verdict_names[got], vectors_text(c, "want")) != 0)
			fail_msg("%s: %s", vectors_text(c, "name"), verdict_names[got]);
		assert_int_equal(r.seq, got == FEED_APPLY ? 2 : 1);
		vectors_free(frame);
	}
}

static void a_reader_walks_the_chain_and_then_is_fresh(void **state)
{
	struct world *w = *state;
	struct feed_reader r = reader_at_one(w);
	struct feed_envelope env;
	r.seq = 0;
	memset(r.link, 0, sizeof r.link);
	struct bytes empty = vectors_hex(json_object_get(w->all, "beat_before_first_release"), "envelope");
	struct bytes signature =
	    vectors_hex(json_object_get(w->all, "beat_before_first_release"), "signature");
	struct buf frame_of_empty = { 0 };
	assert_true(feed_frame_put(&frame_of_empty, empty, signature.at, NULL));
	assert_int_equal(feed_reader_step(&r, buf_bytes(&frame_of_empty), &env, NULL), FEED_FRESH);
	size_t i;
	json_t *c;
	json_array_foreach(json_object_get(w->all, "chain"), i, c)
	{
		struct bytes frame = vectors_hex(c, "frame");
		assert_int_equal(feed_reader_step(&r, frame, &env, NULL), FEED_APPLY);
		assert_int_equal(feed_reader_step(&r, frame, &env, NULL), FEED_DROP);
		vectors_free(frame);
	}
	assert_int_equal(r.seq, 3);
	struct bytes beat = vectors_hex(json_object_get(w->all, "beat"), "frame");
	assert_int_equal(feed_reader_step(&r, beat, &env, NULL), FEED_FRESH);
	assert_int_equal(env.log_size, 7);
	assert_int_equal(feed_reader_step(&r, buf_bytes(&frame_of_empty), &env, NULL), FEED_DROP);
	buf_free(&frame_of_empty);
	vectors_free(empty);
	vectors_free(signature);
	vectors_free(beat);
}

static void two_truths_for_one_position_stop_the_reader(void **state)
{
	struct world *w = *state;
	const json_t *c = json_object_get(w->all, "equivocation");
	static const char *const envelope[] = { "a", "b" };
	static const char *const signature[] = { "sig_a", "sig_b" };
	static const enum feed_verdict want[] = { FEED_APPLY, FEED_STOP };
	struct feed_reader r = reader_at_one(w);
	for (size_t i = 0; i < 2; i++) {
		struct bytes in = vectors_hex(c, envelope[i]);
		struct bytes sig = vectors_hex(c, signature[i]);
		struct buf frame = { 0 };
		struct feed_envelope env;
		assert_true(feed_frame_put(&frame, in, sig.at, NULL));
		assert_int_equal(feed_reader_step(&r, buf_bytes(&frame), &env, NULL), want[i]);
		buf_free(&frame);
		vectors_free(in);
		vectors_free(sig);
	}
}

/* Signed and linked to us, but a number left out. */
static void a_seq_that_jumps_is_a_gap(void **state)
{
	struct world *w = *state;
	struct feed_reader r = reader_at_one(w);
	struct feed_envelope env = { .seq = 3, .kind = FEED_NOTICE, .time_s = 5 };
	struct buf envelope = { 0 };
	struct buf frame = { 0 };
	uint8_t signature[64];
	strcpy(env.dataset, r.dataset);
	memcpy(env.feed_id, r.feed_id, sizeof env.feed_id);
	memcpy(env.prev, r.link, sizeof env.prev);
	env.text = bytes_text("text");
	assert_true(feed_encode(&envelope, &env, NULL));
	assert_true(feed_sign(signature, FEED_NOTICE, buf_bytes(&envelope), &w->signer, NULL));
	assert_true(feed_frame_put(&frame, buf_bytes(&envelope), signature, NULL));
	assert_int_equal(feed_reader_step(&r, buf_bytes(&frame), &env, NULL), FEED_RANGE);
	assert_int_equal(r.seq, 1);
	buf_free(&envelope);
	buf_free(&frame);
}

static void a_release_carries_its_files(void **state)
{
	struct world *w = *state;
	(void)w;
	struct feed_envelope env = {
		.seq = 1, .kind = FEED_RELEASE, .time_s = 5, .period = "2024", .action = FEED_NEW, .bytes = 3
	};
	struct feed_envelope got;
	struct buf b = { 0 };
	struct err e;
	strcpy(env.dataset, "d");
	env.minisig = bytes_text("m");
	env.manifest = bytes_text("manifest");
	env.rows = bytes_text("rows");
	assert_true(feed_encode(&b, &env, &e));
	assert_true(feed_decode(&got, buf_bytes(&b), &e));
	assert_true(bytes_equal(got.manifest, env.manifest));
	assert_true(bytes_equal(got.rows, env.rows));
	for (size_t len = 0; len < b.size; len++)
		assert_false(feed_decode(&got, bytes_of(b.data, len), NULL));
	buf_clear(&b);
	env.seq = 0;
	assert_false(feed_encode(&b, &env, &e));
	buf_free(&b);
}

static void other_datasets_and_large_frames_are_refused(void **state)
{
	struct world *w = *state;
	struct feed_reader r = reader_at_one(w);
	struct feed_envelope env;
	struct err e;
	struct bytes frame = vectors_hex(json_array_get(json_object_get(w->all, "chain"), 1), "frame");
	strcpy(r.dataset, "personal");
	assert_int_equal(feed_reader_step(&r, frame, &env, &e), FEED_REFUSE);
	assert_int_equal(e.code, ERR_REFUSED);
	uint8_t *large = calloc(1, LIMIT_FEED_BYTES + 1);
	assert_non_null(large);
	assert_int_equal(feed_reader_step(&r, bytes_of(large, LIMIT_FEED_BYTES + 1), &env, &e), FEED_REFUSE);
	assert_int_equal(e.code, ERR_LIMIT);
	free(large);
	vectors_free(frame);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(envelopes_follow_the_vectors),
		cmocka_unit_test(the_state_file_follows_the_vectors),
		cmocka_unit_test(the_reader_follows_the_vectors),
		cmocka_unit_test(a_reader_walks_the_chain_and_then_is_fresh),
		cmocka_unit_test(two_truths_for_one_position_stop_the_reader),
		cmocka_unit_test(a_seq_that_jumps_is_a_gap),
		cmocka_unit_test(a_release_carries_its_files),
		cmocka_unit_test(other_datasets_and_large_frames_are_refused),
	};
	if (sodium_init() < 0)
		return 1;
	return cmocka_run_group_tests(tests, setup, teardown);
}
