/* The vault's end of the link against a gate that errs: strange sessions, repeated numbers, junk. */
#include "daemon/vault/link.h"
#include "world.h"

#include <zmq.h>

struct bed {
	struct world w;
	void *context, *gate;
	struct link_frame frame;
	uint8_t session[LINK_SESSION_BYTES];
	uint32_t n_principals; /* of the last REGISTRY */
};

static void *dealer(struct bed *b)
{
	char endpoint[128];
	int wait_ms = 200;
	int zero = 0;
	void *socket = zmq_socket(b->context, ZMQ_DEALER);
	assert_non_null(socket);
	snprintf(endpoint, sizeof endpoint, "ipc://%s/run/link/vault", b->w.dir);
	zmq_setsockopt(socket, ZMQ_RCVTIMEO, &wait_ms, sizeof wait_ms);
	zmq_setsockopt(socket, ZMQ_LINGER, &zero, sizeof zero);
	assert_int_equal(zmq_connect(socket, endpoint), 0);
	return socket;
}

static int setup(void **state)
{
	struct bed *b = calloc(1, sizeof *b);
	struct err e;
	assert_non_null(b);
	world_make(&b->w);
	world_open(&b->w);
	world_add_config(&b->w, NULL);
	world_enroll(&b->w, 0, "exempel", 0x01);
	check(link_open(&b->w.v, &e), &e);
	b->context = zmq_ctx_new();
	b->gate = dealer(b);
	memset(b->session, 0x5e, sizeof b->session);
	*state = b;
	return 0;
}

static int teardown(void **state)
{
	struct bed *b = *state;
	zmq_close(b->gate);
	zmq_ctx_term(b->context);
	link_close(&b->w.v, false);
	world_close(&b->w);
	world_remove(&b->w);
	free(b);
	return 0;
}

/* Lets the vault take what has been sent: waits for the first frame, then until all is quiet. */
static void serve(struct bed *b)
{
	zmq_pollitem_t item = { .socket = link_socket(&b->w.v), .events = ZMQ_POLLIN };
	struct err e;
	int wait_ms = 5000;
	while (zmq_poll(&item, 1, wait_ms) > 0) {
		check(link_receive(&b->w.v, 64, &e), &e);
		wait_ms = 20;
	}
}

static void send(struct bed *b, void *socket)
{
	struct buf bytes = { 0 };
	struct err e;
	memcpy(b->frame.session, b->session, sizeof b->session);
	check(link_encode(&bytes, &b->frame, &e), &e);
	assert_int_equal(zmq_send(socket, bytes.data, bytes.size, 0), (int)bytes.size);
	buf_free(&bytes);
	serve(b);
}

/* Kind of the next frame at the socket, 0 if there is none; the frame's scalars are in b->frame. */
static unsigned next(struct bed *b, void *socket)
{
	zmq_msg_t part;
	struct err e;
	unsigned kind = 0;
	zmq_msg_init(&part);
	if (zmq_msg_recv(&part, socket, 0) >= 0) {
		struct bytes body = bytes_of(zmq_msg_data(&part), zmq_msg_size(&part));
		check(link_decode(&b->frame, body, LINK_FROM_VAULT, &e), &e);
		kind = b->frame.kind;
		b->n_principals = kind == LINK_REGISTRY ? b->frame.registry.n_principals : 0;
		link_free(&b->frame);
	}
	zmq_msg_close(&part);
	return kind;
}

static void open_session(struct bed *b, void *socket)
{
	b->frame = (struct link_frame){ .kind = LINK_OPEN };
	send(b, socket);
	assert_int_equal(next(b, socket), LINK_OPENED);
	assert_int_equal(b->frame.opened.window_messages, LIMIT_LINK_WINDOW);
	assert_int_equal(next(b, socket), LINK_REGISTRY);
	assert_int_equal(b->n_principals, 1);
	assert_int_equal(next(b, socket), LINK_MODE);
}

static void forward(struct bed *b, uint64_t n, const char *body)
{
	b->frame = (struct link_frame){ .kind = LINK_FORWARD,
		.forward = { .n = n, .endpoint = LINK_SUBMIT, .body = bytes_text(body) } };
	memcpy(b->frame.forward.principal, b->w.principal[0], 8);
	send(b, b->gate);
}

static void test_session(void **state)
{
	struct bed *b = *state;
	struct err e;
	open_session(b, b->gate);
	b->frame = (struct link_frame){ .kind = LINK_PING, .ping = { .counter = 42 } };
	send(b, b->gate);
	assert_int_equal(next(b, b->gate), LINK_PONG);
	assert_int_equal(b->frame.pong.counter, 42);
	assert_memory_equal(b->frame.pong.boot_id, b->w.v.boot_id, 16);
	forward(b, 1, "junk");
	assert_int_equal(next(b, b->gate), LINK_REPLY);
	assert_int_equal(b->frame.reply.n, 1);
	check(vault_begin(&b->w.v, &e) && vault_disable_office(&b->w.v, "exempel", &e) &&
		  vault_commit(&b->w.v, &e),
	    &e);
	assert_int_equal(next(b, b->gate), LINK_REGISTRY);
	assert_int_equal(b->n_principals, 0);
	b->frame = (struct link_frame){ .kind = LINK_APPLIED,
		.applied = { .registry_serial = b->w.v.registry_serial } };
	send(b, b->gate);
	assert_int_equal(vault_gate_applied(&b->w.v), b->w.v.registry_serial);
	vault_set_mode(&b->w.v, MODE_READ_ONLY, true);
	assert_int_equal(next(b, b->gate), LINK_MODE);
	assert_int_equal(b->frame.mode.mode, MODE_READ_ONLY);
}

static void test_order(void **state)
{
	struct bed *b = *state;
	open_session(b, b->gate);
	forward(b, 5, "junk");
	assert_int_equal(next(b, b->gate), LINK_REPLY);
	forward(b, 5, "junk"); /* repeated */
	forward(b, 4, "junk"); /* out of order */
	assert_int_equal(next(b, b->gate), 0);
	assert_int_equal(link_counts(&b->w.v).dropped_frames, 2);
	forward(b, 6, "junk");
	assert_int_equal(next(b, b->gate), LINK_REPLY);
	assert_int_equal(link_counts(&b->w.v).waiting, 0);
}

static void test_strange_session(void **state)
{
	struct bed *b = *state;
	forward(b, 1, "junk");
	assert_int_equal(next(b, b->gate), LINK_CLOSED);
	assert_int_equal(b->frame.closed, CLOSED_UNKNOWN_SESSION);
	assert_memory_equal(b->frame.session, b->session, sizeof b->session);
}

static void test_superseded(void **state)
{
	struct bed *b = *state;
	void *second = dealer(b);
	open_session(b, b->gate);
	memset(b->session, 0x77, sizeof b->session);
	open_session(b, second);
	assert_int_equal(next(b, b->gate), LINK_CLOSED);
	assert_int_equal(b->frame.closed, CLOSED_SUPERSEDED);
	/* the old gate's word no longer counts */
	memset(b->session, 0x5e, sizeof b->session);
	forward(b, 1, "junk");
	assert_int_equal(next(b, b->gate), LINK_CLOSED);
	zmq_close(second);
}

static void test_junk(void **state)
{
	struct bed *b = *state;
	static const uint8_t junk[] = { 0xdf, 0xff, 0xff, 0xff, 0xff };
	open_session(b, b->gate);
	zmq_send(b->gate, "", 0, 0);
	serve(b);
	assert_int_equal(next(b, b->gate), LINK_CLOSED);
	assert_int_equal(b->frame.closed, CLOSED_MALFORMED);
	open_session(b, b->gate);
	zmq_send(b->gate, junk, sizeof junk, 0);
	serve(b);
	assert_int_equal(next(b, b->gate), LINK_CLOSED);
	open_session(b, b->gate);
	for (int i = 0; i < 100; i++) /* one message of many frames: read, counted, forgotten */
		zmq_send(b->gate, junk, sizeof junk, i < 99 ? ZMQ_SNDMORE : 0);
	serve(b);
	b->frame = (struct link_frame){ .kind = LINK_PING };
	send(b, b->gate);
	assert_int_equal(next(b, b->gate), LINK_PONG);
}

static void test_frames_of_the_vault(void **state)
{
	struct bed *b = *state;
	open_session(b, b->gate);
	b->frame = (struct link_frame){ .kind = LINK_MODE, .mode = { .mode = MODE_NORMAL } };
	send(b, b->gate);
	assert_int_equal(next(b, b->gate), LINK_CLOSED);
}

static void test_stopping(void **state)
{
	struct bed *b = *state;
	open_session(b, b->gate);
	link_close(&b->w.v, true);
	assert_int_equal(next(b, b->gate), LINK_CLOSED);
	assert_int_equal(b->frame.closed, CLOSED_STOPPING);
	assert_false(vault_gate_connected(&b->w.v));
}

static void test_file_taken(void **state)
{
	struct bed *b = *state;
	char path[96];
	assert_true(link_still_ours(&b->w.v));
	snprintf(path, sizeof path, "%s/run/link/vault", b->w.dir);
	assert_int_equal(unlink(path), 0);
	assert_false(link_still_ours(&b->w.v));
}

static void test_long_path(void **state)
{
	struct bed *b = *state;
	struct err e;
	link_close(&b->w.v, false);
	snprintf(b->w.conf.run, sizeof b->w.conf.run, "%s/%090d", b->w.dir, 1);
	assert_false(link_open(&b->w.v, &e));
	assert_non_null(strstr(e.text, "too long"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = { TEST(test_session), TEST(test_order), TEST(test_strange_session),
		TEST(test_superseded), TEST(test_junk), TEST(test_frames_of_the_vault), TEST(test_stopping),
		TEST(test_file_taken), TEST(test_long_path) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
