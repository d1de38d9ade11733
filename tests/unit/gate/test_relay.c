/* relay: the session as a machine, with a clock in the test's hand and the vault's frames made by the test. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka last */
#include <cmocka.h>

#include "daemon/gate/relay.h"
#include <string.h>

#define START 1000000u

static struct {
	struct relay *relay;
	bool cut; /* the socket takes nothing */
	unsigned opens, forwards, pings, applied;
	uint64_t last_n, last_ping;
	uint8_t session[LINK_SESSION_BYTES], random;
	unsigned answers, busy;
	unsigned last_reason;
	unsigned bad_envelopes;
} world;

static bool take_sent(void *arg, struct bytes frame)
{
	static struct link_frame f;
	(void)arg;
	if (world.cut)
		return false;
	assert_true(link_decode(&f, frame, LINK_FROM_GATE, NULL));
	world.opens += f.kind == LINK_OPEN;
	world.forwards += f.kind == LINK_FORWARD;
	world.pings += f.kind == LINK_PING;
	world.applied += f.kind == LINK_APPLIED;
	if (f.kind == LINK_OPEN)
		memcpy(world.session, f.session, sizeof world.session);
	if (f.kind == LINK_FORWARD)
		world.last_n = f.forward.n;
	if (f.kind == LINK_PING)
		world.last_ping = f.ping.counter;
	assert_memory_equal(world.session, f.session, sizeof world.session);
	link_free(&f);
	return true;
}

static void take_answer(void *arg, const struct relay_peer *to, struct bytes body)
{
	static struct message m;
	(void)arg;
	assert_int_equal(to->route[4], 9);
	world.answers++;
	if (message_decode(&m, body, NULL) && m.kind == MSG_BUSY) {
		world.busy++;
		world.last_reason = m.busy.reason;
	}
}

static bool take_registry(void *arg, struct link_registry *from)
{
	(void)arg;
	link_registry_free(from);
	return true;
}

static uint64_t no_serial(void *arg)
{
	(void)arg;
	return 0;
}

static void no_feed(void *arg, const struct link_feed *feed)
{
	(void)arg;
	(void)feed;
}

static void no_positions(void *arg, struct link_open *open)
{
	(void)arg;
	open->n_feeds = 0;
}

static void count_bad(void *arg, const uint8_t principal[KEY_ID_BYTES])
{
	(void)arg;
	(void)principal;
	world.bad_envelopes++;
}

static void next_random(void *arg, uint8_t *out, size_t len)
{
	(void)arg;
	memset(out, ++world.random, len);
}

static void from_vault(struct link_frame *f, uint64_t now)
{
	struct buf out = { 0 };
	memcpy(f->session, world.session, sizeof f->session);
	assert_true(link_encode(&out, f, NULL));
	relay_take(world.relay, buf_bytes(&out), now);
	buf_free(&out);
}

static void opened(uint64_t window, uint64_t bytes, uint64_t now)
{
	static struct link_frame f;
	f = (struct link_frame){ .kind = LINK_OPENED };
	f.opened = (struct link_opened){ .boot_id = { 7 },
		.window_messages = window,
		.window_bytes = bytes,
		.max_message_bytes = 4u << 20 };
	from_vault(&f, now);
}

static void reply(uint64_t n, struct bytes body, uint64_t now)
{
	static struct link_frame f;
	f = (struct link_frame){ .kind = LINK_REPLY };
	f.reply = (struct link_reply){ .n = n, .body = body };
	from_vault(&f, now);
}

static unsigned forward(uint8_t principal, size_t size, bool submission, uint64_t now)
{
	static uint8_t body[1u << 20];
	uint8_t id[KEY_ID_BYTES] = { principal }, rid[MESSAGE_RID_BYTES] = { principal };
	struct relay_peer from = { .endpoint = LINK_SUBMIT, .route = { 0, 0, 0, 0, 9 } };
	uint64_t retry;
	return relay_forward(world.relay, &from, id, 1, rid, bytes_of(body, size), submission, now, &retry);
}

static int setup(void **state)
{
	(void)state;
	struct relay_io io = { NULL, take_sent, take_answer, take_registry, no_serial, no_feed, no_positions,
		count_bad, next_random };
	struct relay_limits limits = { 256, LIMIT_LINK_WINDOW_BYTES, 4 };
	memset(&world, 0, sizeof world);
	world.relay = relay_new(&io, &limits, START);
	return world.relay == NULL;
}

static int teardown(void **state)
{
	(void)state;
	relay_free(world.relay);
	return 0;
}

static void test_opening(void **state)
{
	(void)state;
	world.cut = true;
	assert_int_equal(relay_tick(world.relay, START), START + RELAY_OPEN_EVERY_MS);
	assert_int_equal(forward(1, 10, true, START), BUSY_VAULT_AWAY);
	world.cut = false;
	relay_tick(world.relay, START + 250);
	assert_int_equal(world.opens, 1);
	relay_tick(world.relay, START + 1000); /* waits for OPENED */
	assert_int_equal(world.opens, 1);
	assert_int_equal(forward(1, 10, true, START + 1000), BUSY_VAULT_AWAY);
	relay_tick(world.relay, START + 250 + RELAY_OPEN_PATIENCE_MS);
	assert_int_equal(world.opens, 2); /* under another session's name */
	opened(256, 1 << 30, START + 6000);
	assert_true(relay_is_open(world.relay));
	assert_int_equal(forward(1, 10, true, START + 6000), 0);
	assert_int_equal(world.last_n, 1);
}

static void open_session(uint64_t window, uint64_t bytes)
{
	relay_tick(world.relay, START);
	opened(window, bytes, START);
	assert_true(relay_is_open(world.relay));
}

static void test_window(void **state)
{
	(void)state;
	open_session(10, 3u << 20);
	for (uint8_t p = 1; p <= 2; p++)
		for (int i = 0; i < 4; i++)
			assert_int_equal(forward(p, 10, true, START), 0);
	assert_int_equal(forward(1, 10, true, START), BUSY_QUEUE); /* four of one principal */
	assert_int_equal(forward(3, 10, true, START), 0);
	assert_int_equal(forward(3, 1u << 20, true, START), 0);
	assert_int_equal(forward(4, 10, true, START), BUSY_QUEUE); /* ten in all */
	reply(1, bytes_text("x"), START);
	assert_int_equal(forward(1, 1u << 20, true, START), 0);
	reply(2, bytes_text("x"), START);
	assert_int_equal(forward(4, 1u << 20, true, START), BUSY_QUEUE); /* bytes */
	assert_int_equal(forward(4, 10, true, START), 0);
	assert_int_equal(relay_waiting(world.relay), 10);
}

static void test_replies(void **state)
{
	(void)state;
	open_session(256, 1 << 30);
	assert_int_equal(forward(1, 10, true, START), 0);
	reply(2, bytes_text("x"), START);
	assert_int_equal(world.answers, 0);
	reply(1, bytes_text("x"), START);
	reply(1, bytes_text("x"), START); /* at most one */
	assert_int_equal(world.answers, 1);
	assert_int_equal(relay_waiting(world.relay), 0);
}

static void test_expiry(void **state)
{
	(void)state;
	open_session(256, 1 << 30);
	for (int i = 0; i < 4; i++)
		assert_int_equal(forward(1, 10, true, START), 0);
	for (uint64_t t = 0; t < RELAY_EXPIRY_MS; t += 1000) { /* the vault lives, but does not answer */
		static struct link_frame f;
		relay_tick(world.relay, START + t);
		f = (struct link_frame){ .kind = LINK_PONG };
		f.pong = (struct link_pong){ .boot_id = { 7 }, .counter = world.last_ping };
		from_vault(&f, START + t);
	}
	assert_int_equal(forward(1, 10, true, START + RELAY_EXPIRY_MS - 1), BUSY_QUEUE);
	relay_tick(world.relay, START + RELAY_EXPIRY_MS);
	assert_int_equal(relay_waiting(world.relay), 0);
	reply(1, bytes_text("x"), START + RELAY_EXPIRY_MS);
	assert_int_equal(world.answers, 0);
	assert_int_equal(forward(1, 10, true, START + RELAY_EXPIRY_MS), 0);
	assert_int_equal(world.last_n, 5);
}

static void test_pings(void **state)
{
	(void)state;
	open_session(256, 1 << 30);
	assert_int_equal(forward(1, 10, true, START), 0);
	for (unsigned i = 1; i <= RELAY_PINGS_LOST; i++) {
		relay_tick(world.relay, START + i * RELAY_PING_EVERY_MS);
		assert_int_equal(world.pings, i);
		assert_true(relay_is_open(world.relay));
	}
	relay_tick(world.relay, START + 4 * RELAY_PING_EVERY_MS);
	assert_false(relay_is_open(world.relay));
	assert_int_equal(world.busy, 1);
	assert_int_equal(world.last_reason, BUSY_VAULT_AWAY);
	assert_int_equal(relay_waiting(world.relay), 0);
}

static void test_another_boot_ends_the_session(void **state)
{
	(void)state;
	static struct link_frame f;
	open_session(256, 1 << 30);
	f = (struct link_frame){ .kind = LINK_PONG };
	f.pong = (struct link_pong){ .boot_id = { 8 }, .counter = 1 };
	from_vault(&f, START);
	assert_false(relay_is_open(world.relay));
}

static void test_mode_holds_submissions_only(void **state)
{
	(void)state;
	static const unsigned reason[] = { [MODE_READ_ONLY] = BUSY_READ_ONLY,
		[MODE_DRAINING] = BUSY_STOPPING,
		[MODE_STORAGE_LOW] = BUSY_STORAGE,
		[MODE_LOG_STALLED] = BUSY_LOG_STALLED,
		[MODE_CLOCK_HOLD] = BUSY_CLOCK_HOLD };
	static struct link_frame f;
	open_session(256, 1 << 30);
	for (unsigned mode = MODE_READ_ONLY; mode <= MODE_CLOCK_HOLD; mode++) {
		f = (struct link_frame){ .kind = LINK_MODE };
		f.mode = (struct link_mode_frame){ .mode = (enum link_mode)mode, .retry_after_ms = 5 };
		from_vault(&f, START);
		assert_int_equal(forward((uint8_t)mode, 10, true, START), reason[mode]);
		assert_int_equal(forward((uint8_t)mode, 10, false, START), 0);
	}
}

static void test_broken_and_foreign_frames(void **state)
{
	(void)state;
	open_session(256, 1 << 30);
	assert_int_equal(forward(1, 10, true, START), 0);
	uint8_t ours[LINK_SESSION_BYTES];
	memcpy(ours, world.session, sizeof ours);
	memset(world.session, 99, sizeof world.session);
	reply(1, bytes_text("x"), START); /* another session's */
	assert_int_equal(world.answers, 0);
	memcpy(world.session, ours, sizeof ours);
	relay_take(world.relay, bytes_text("rubbish"), START);
	assert_false(relay_is_open(world.relay));
	assert_int_equal(world.busy, 1);
	reply(1, bytes_text("x"), START); /* of a session that is over */
	assert_int_equal(world.answers, 1);
}

static void test_bad_envelopes_are_told(void **state)
{
	(void)state;
	static struct message m;
	struct buf body = { 0 };
	m.kind = MSG_REJECT;
	m.reject = (struct msg_reject){ .code = REJECT_BAD_ENVELOPE, .class = CLASS_PERMANENT };
	assert_true(message_encode(&body, &m, NULL));
	open_session(256, 1 << 30);
	assert_int_equal(forward(1, 10, true, START), 0);
	reply(1, buf_bytes(&body), START);
	assert_int_equal(world.bad_envelopes, 1);
	buf_free(&body);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_opening, setup, teardown),
		cmocka_unit_test_setup_teardown(test_window, setup, teardown),
		cmocka_unit_test_setup_teardown(test_replies, setup, teardown),
		cmocka_unit_test_setup_teardown(test_expiry, setup, teardown),
		cmocka_unit_test_setup_teardown(test_pings, setup, teardown),
		cmocka_unit_test_setup_teardown(test_another_boot_ends_the_session, setup, teardown),
		cmocka_unit_test_setup_teardown(test_mode_holds_submissions_only, setup, teardown),
		cmocka_unit_test_setup_teardown(test_broken_and_foreign_frames, setup, teardown),
		cmocka_unit_test_setup_teardown(test_bad_envelopes_are_told, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
