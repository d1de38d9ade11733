/* What a release puts into the feed stays within the bound that readers and the link keep. */
#include "daemon/vault/publish_feed.h"
#include "publishfixture.h"

/* An envelope with so many bytes of rows, as row, file and frame: a reader takes it, the link carries it. Answers the
 * frame's bytes; *carried: whether the rows went along. */
static size_t feed_with_rows(size_t n_rows, struct feed_reader *reader, bool *carried)
{
	struct buf rows = { 0 }, frame = { 0 }, wire = { 0 };
	struct link_frame *feed = calloc(1, sizeof *feed);
	const struct period p = period();
	struct feed_envelope env;
	struct dataset d;
	struct err e;

	assert_non_null(feed);
	for (size_t i = 0; i < n_rows; i++)
		buf_put_byte(&rows, (uint8_t)i);
	const struct feed_news news = { .action = FEED_NEW,
		.bytes = n_rows,
		.object = digest,
		.minisig = bytes_text("signed"),
		.manifest = bytes_text("manifest"),
		.rows = buf_bytes(&rows) };
	check(vault_begin(&world.v, &e), &e);
	check(feed_add(&world.v, &p, &news, &e), &e);
	check(vault_commit(&world.v, &e), &e);
	check(vault_dataset(&world.v, "personal-support", &d, &e), &e);
	check(feed_files(&world.v, &d, NULL, &e), &e);
	newest_envelope(&frame, &env, d.feed_seq);
	*carried = env.rows.len > 0;
	assert_true(env.rows.len == 0 || bytes_equal(env.rows, buf_bytes(&rows)));
	assert_true(bytes_equal(env.manifest, bytes_text("manifest")));
	assert_int_equal(feed_reader_step(reader, buf_bytes(&frame), &env, &e), FEED_APPLY);
	feed->kind = LINK_FEED;
	memcpy(feed->feed.dataset, d.name, sizeof feed->feed.dataset);
	check(feed_frame_parse(&feed->feed.envelope, feed->feed.signature, buf_bytes(&frame), &e), &e);
	check(link_encode(&wire, feed, &e), &e);
	assert_true(wire.size <= LIMIT_LINK_BYTES);
	size_t size = frame.size;
	buf_free(&rows);
	buf_free(&frame);
	buf_free(&wire);
	free(feed);
	return size;
}

/* What is too large to be pushed goes out without its rows, to be fetched: never a wedge, never a frame that
 * readers refuse. */
static void test_the_feed_carries_what_fits(void **state)
{
	struct feed_reader reader = { .dataset = "personal-support", .n_keys = 1 };
	struct dataset d;
	struct err e;
	bool carried = false;

	(void)state;
	make("");
	check(vault_dataset(&world.v, "personal-support", &d, &e), &e);
	memcpy(reader.feed_id, d.feed_id, sizeof reader.feed_id);
	memcpy(reader.key[0], world.v.keys.feed->public, sizeof reader.key[0]);
	const size_t around = feed_with_rows(100000, &reader, &carried) - 100000;
	assert_true(carried && around < 1024);
	const size_t most = LIMIT_FEED_BYTES - around;
	for (size_t n_rows = most - 20; n_rows <= most + 3; n_rows++) {
		size_t frame = feed_with_rows(n_rows, &reader, &carried);

		assert_true(frame <= LIMIT_FEED_BYTES);
		assert_true(carried || n_rows > most - 16); /* the bound is kept with a few bytes to spare */
		assert_false(carried && n_rows > most);
	}
	static const size_t large[] = { LIMIT_FEED_BYTES - 50, LIMIT_FEED_BYTES - 1, LIMIT_FEED_BYTES,
		LIMIT_FEED_BYTES + 1, 4 * LIMIT_FEED_BYTES };
	for (size_t i = 0; i < sizeof large / sizeof *large; i++) {
		assert_true(feed_with_rows(large[i], &reader, &carried) < 2048);
		assert_false(carried);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_the_feed_carries_what_fits, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
