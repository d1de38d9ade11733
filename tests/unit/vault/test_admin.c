/* The operator's door: real sockets, a peer for every kind of trouble, and a leaf for every change. */
#include "daemon/vault/admin.h"
#include "daemon/vault/journal.h"
#include "daemon/vault/publish.h"
#include "proto/admin.h"
#include "tests/unit/vault/world.h"
#include <errno.h>
#include <sys/socket.h>
#include <sys/un.h>

static struct world world;

static int setup(void **state)
{
	struct err e;

	(void)state;
	world_make(&world);
	world_open(&world);
	check(journal_open(&world.v, &e) && publish_resume(&world.v, &e) && admin_open(&world.v, &e), &e);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	admin_close(&world.v);
	publish_close(&world.v);
	journal_close(&world.v);
	world_close(&world);
	world_remove(&world);
	return 0;
}

static int dial(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	snprintf(address.sun_path, sizeof address.sun_path, "%s/run/admin/socket", world.dir);
	assert_int_equal(connect(fd, (const struct sockaddr *)&address, sizeof address), 0);
	return fd;
}

/* One turn of the loop, as loop.c makes it; waits for nothing. */
static void turn(void)
{
	zmq_pollitem_t items[ADMIN_PEERS + 1];
	struct err e;
	size_t n = admin_poll(&world.v, items, ADMIN_PEERS + 1);

	assert_true(zmq_poll(items, (int)n, 0) >= 0);
	check(admin_serve(&world.v, items, n, &e), &e);
}

static void turns(unsigned n)
{
	while (n-- > 0)
		turn();
}

static void put_frame(struct buf *out, const struct admin_request *q)
{
	struct buf body = { 0 };
	struct err e;

	check(admin_request_encode(&body, q, &e), &e);
	admin_put_frame(out, buf_bytes(&body));
	buf_free(&body);
}

static void send_all(int fd, struct bytes data)
{
	assert_int_equal(send(fd, data.at, data.len, MSG_NOSIGNAL), (ssize_t)data.len);
}

/* Reads one answer, turning the loop until it is whole. */
static void receive(int fd, struct buf *body, struct admin_reply *reply)
{
	uint8_t chunk[4096];
	size_t want = ADMIN_LENGTH_BYTES;
	struct err e;

	buf_clear(body);
	for (unsigned i = 0; body->size < want; i++) {
		ssize_t n = recv(fd, chunk,
		    want - body->size < sizeof chunk ? want - body->size : sizeof chunk, MSG_DONTWAIT);

		assert_true(n != 0 && i < 1000);
		if (n > 0)
			buf_put(body, chunk, (size_t)n);
		else
			turn();
		if (body->size == ADMIN_LENGTH_BYTES) {
			check(admin_length(body->data, ADMIN_ANSWER_BYTES, &want, &e), &e);
			want += ADMIN_LENGTH_BYTES;
		}
	}
	check(admin_reply_decode(
		  reply, bytes_of(body->data + ADMIN_LENGTH_BYTES, body->size - ADMIN_LENGTH_BYTES), &e),
	    &e);
}

static enum admin_outcome ask_on(int fd, const struct admin_request *q)
{
	struct buf frame = { 0 }, body = { 0 };
	struct admin_reply reply;

	put_frame(&frame, q);
	send_all(fd, buf_bytes(&frame));
	receive(fd, &body, &reply);
	assert_memory_equal(reply.rid, q->rid, sizeof q->rid);
	enum admin_outcome outcome = reply.outcome;
	admin_reply_free(&reply);
	buf_free(&frame);
	buf_free(&body);
	return outcome;
}

static enum admin_outcome ask(const struct admin_request *q)
{
	int fd = dial();
	enum admin_outcome outcome = ask_on(fd, q);

	close(fd);
	turn();
	return outcome;
}

static bool is_cut(int fd)
{
	char c;

	return recv(fd, &c, 1, MSG_DONTWAIT) == 0 || errno == ECONNRESET;
}

static uint64_t leaves_with(const char *text)
{
	struct rows r;
	struct err e;
	char like[128];

	snprintf(like, sizeof like, "%%%s%%", text);
	rows_open(&r, world.v.store, "SELECT count(*) FROM leaf WHERE CAST(entry AS TEXT) LIKE ?", "t", like);
	uint64_t n = rows_next(&r) ? rows_uint(&r, 0) : 0;
	check(rows_close(&r, &e), &e);
	return n;
}

static void add_config(int fd, const char *text)
{
	size_t len = strlen(text), half = len / 2;
	const struct admin_request part[] = { { .kind = ADMIN_PART, .bytes = bytes_of(text, half) },
		{ .kind = ADMIN_PART, .bytes = bytes_of(text + half, len - half) },
		{ .kind = ADMIN_CONFIG_ADD } };

	for (size_t i = 0; i < 3; i++)
		assert_int_equal(ask_on(fd, &part[i]), ADMIN_OK);
}

static void test_every_change_names_its_operator(void **state)
{
	const struct admin_request open = {
		.kind = ADMIN_PERIOD_OPEN, .period = "2025", .opens_s = 1, .closes_s = 4000000000u
	};
	const struct admin_request close_it = { .kind = ADMIN_PERIOD_CLOSE, .period = "2025" };
	const struct admin_request status = { .kind = ADMIN_STATUS },
				   periods = { .kind = ADMIN_PERIOD_STATUS },
				   offices = { .kind = ADMIN_OFFICE_LIST };
	char by[64];
	int fd = dial();

	(void)state;
	add_config(fd, world_config);
	close(fd);
	assert_int_equal(ask(&open), ADMIN_OK);
	assert_int_equal(ask(&status), ADMIN_OK);
	assert_int_equal(ask(&periods), ADMIN_OK);
	assert_int_equal(ask(&offices), ADMIN_OK);
	assert_int_equal(leaves_with("\"k\":\"admin\""), 2); /* the two changes, not the questions */
	snprintf(by, sizeof by, "\"class\":\"period\",\"by\":\"%lu\"", (unsigned long)getuid());
	assert_int_equal(leaves_with(by), 1);
	assert_int_equal(ask(&close_it), ADMIN_OK);
	assert_int_equal(leaves_with(by), 2);
	assert_int_equal(ask(&close_it), ADMIN_REFUSED);
	assert_int_equal(leaves_with(by), 2); /* what was refused left nothing */
}

static void test_refusals_are_answers(void **state)
{
	const struct {
		struct admin_request q;
		enum admin_outcome want;
	} cases[] = {
		{ { .kind = ADMIN_PERIOD_OPEN, .period = "2025" }, ADMIN_NOT_FOUND },
		{ { .kind = ADMIN_OFFICE_DISABLE, .office = "nobody" }, ADMIN_NOT_FOUND },
		{ { .kind = ADMIN_OFFICE_ADD, .line = bytes_text("cellveil-id office north") },
		    ADMIN_INVALID },
		{ { .kind = ADMIN_CONFIG_ADD }, ADMIN_INVALID },
		{ { .kind = ADMIN_KEYSET_INSTALL }, ADMIN_INVALID },
		{ { .kind = ADMIN_RELEASE_PUBLISH, .period = "2025" }, ADMIN_NOT_FOUND },
		{ { .kind = ADMIN_RELEASE_SHOW, .period = "2025", .dataset = "none" }, ADMIN_NOT_FOUND },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		assert_int_equal(ask(&cases[i].q), cases[i].want);
	assert_int_equal(leaves_with("\"k\":\"admin\""), 0);
}

static void test_one_key_is_revoked(void **state)
{
	struct admin_request sign = { .kind = ADMIN_KEY_REVOKE, .office = "exempel", .has_key_id = true };
	struct admin_request machine = sign;
	const struct admin_request list = { .kind = ADMIN_KEY_LIST, .office = "exempel" };
	struct key_signer signer;
	uint8_t seed[32];
	int fd = dial();

	(void)state;
	add_config(fd, world_config);
	close(fd);
	world_enroll(&world, 0, "exempel", 0x01);
	world_enroll(&world, 1, "grannkommun", 0x11);
	memset(seed, 0x01, sizeof seed);
	keys_signer(&signer, seed);
	memcpy(sign.key_id, signer.id, sizeof sign.key_id);
	memcpy(machine.key_id, world.principal[1], sizeof machine.key_id);
	assert_int_equal(ask(&machine), ADMIN_NOT_FOUND); /* another office's */
	assert_int_equal(leaves_with("\"class\":\"revoke\""), 0);
	memcpy(machine.key_id, world.principal[0], sizeof machine.key_id);
	assert_int_equal(ask(&sign), ADMIN_OK);
	assert_int_equal(ask(&sign), ADMIN_NOT_FOUND);
	assert_int_equal(ask(&machine), ADMIN_OK);
	assert_int_equal(ask(&machine), ADMIN_NOT_FOUND);
	assert_int_equal(leaves_with("\"class\":\"revoke\""), 2);
	assert_int_equal(ask(&list), ADMIN_OK);
	snprintf(machine.office, sizeof machine.office, "grannkommun");
	memcpy(machine.key_id, world.principal[1], sizeof machine.key_id);
	assert_int_equal(ask(&machine), ADMIN_OK); /* the neighbour's was in force all the while */
}

/* B41: what nobody should send. The others are served meanwhile. */
static void test_rude_peers_are_cut(void **state)
{
	const struct admin_request status = { .kind = ADMIN_STATUS };
	const uint8_t huge[4] = { 0, 1, 0, 1 }, empty[4] = { 0 }, half[4] = { 0, 0, 0, 9 };
	int polite = dial(), large = dial(), nothing = dial(), slow = dial();

	(void)state;
	send_all(large, bytes_of(huge, 4));
	send_all(nothing, bytes_of(empty, 4));
	send_all(slow, bytes_of(half, 4));
	turns(8);
	assert_true(is_cut(large));
	assert_true(is_cut(nothing));
	assert_false(is_cut(slow));
	assert_int_equal(ask_on(polite, &status), ADMIN_OK);
	world.boot_ms += ADMIN_PEER_MS - 10;
	assert_int_equal(ask_on(polite, &status), ADMIN_OK); /* who speaks has a new deadline */
	world.boot_ms += 20;
	turns(2);
	assert_true(is_cut(slow));
	assert_int_equal(ask_on(polite, &status), ADMIN_OK);
	close(polite);
	close(large);
	close(nothing);
	close(slow);
}

static void test_rubbish_is_told_and_forgotten(void **state)
{
	static const uint8_t bytes[] = { 0, 0, 0, 3, 0xc1, 0xc1, 0xc1 };
	const struct admin_request status = { .kind = ADMIN_STATUS };
	struct admin_reply reply;
	struct buf body = { 0 };
	int fd = dial();

	(void)state;
	send_all(fd, bytes_of(bytes, sizeof bytes));
	receive(fd, &body, &reply);
	assert_int_equal(reply.outcome, ADMIN_INVALID);
	assert_int_equal(ask_on(fd, &status), ADMIN_OK);
	admin_reply_free(&reply);
	buf_free(&body);
	close(fd);
}

/* A frame arriving byte by byte, and more peers than there is room for. */
static void test_pieces_and_crowds(void **state)
{
	const struct admin_request status = { .kind = ADMIN_STATUS };
	struct buf frame = { 0 }, body = { 0 };
	struct admin_reply reply;
	int crowd[ADMIN_PEERS], one = dial();

	(void)state;
	put_frame(&frame, &status);
	for (size_t i = 0; i < frame.size; i++) {
		send_all(one, bytes_of(frame.data + i, 1));
		turn();
	}
	receive(one, &body, &reply);
	assert_int_equal(reply.outcome, ADMIN_OK);
	admin_reply_free(&reply);
	for (size_t i = 0; i < ADMIN_PEERS; i++) {
		crowd[i] = dial();
		turn();
	}
	send_all(crowd[ADMIN_PEERS - 1], buf_bytes(&frame)); /* waits: all places are taken */
	turns(4);
	close(one);
	receive(crowd[ADMIN_PEERS - 1], &body, &reply);
	assert_int_equal(reply.outcome, ADMIN_OK);
	admin_reply_free(&reply);
	for (size_t i = 0; i < ADMIN_PEERS; i++)
		close(crowd[i]);
	buf_free(&frame);
	buf_free(&body);
}

static void test_an_upload_is_bounded(void **state)
{
	static uint8_t zeros[ADMIN_PART_BYTES];
	const struct admin_request part = { .kind = ADMIN_PART, .bytes = bytes_of(zeros, sizeof zeros) };
	enum admin_outcome last = ADMIN_OK;
	size_t sent = 0;
	int fd = dial();

	(void)state;
	while (last == ADMIN_OK && sent <= 2 * (size_t)ADMIN_UPLOAD_MAX) {
		last = ask_on(fd, &part);
		sent += sizeof zeros;
	}
	assert_int_equal(last, ADMIN_INVALID);
	assert_true(sent <= ADMIN_UPLOAD_MAX + sizeof zeros);
	close(fd);
}

static void test_the_mode_survives_a_restart(void **state)
{
	const struct admin_request read_only = { .kind = ADMIN_MODE, .mode = MODE_READ_ONLY },
				   normal = { .kind = ADMIN_MODE, .mode = MODE_NORMAL };
	struct err e;

	(void)state;
	assert_int_equal(ask(&read_only), ADMIN_OK);
	admin_close(&world.v);
	vault_set_mode(&world.v, MODE_READ_ONLY, false);
	check(admin_open(&world.v, &e), &e);
	assert_int_equal(vault_mode(&world.v), MODE_READ_ONLY);
	assert_int_equal(ask(&normal), ADMIN_OK);
	assert_int_equal(vault_mode(&world.v), MODE_NORMAL);
}

static void test_the_socket_is_for_its_group(void **state)
{
	struct stat st;
	char path[128];

	(void)state;
	snprintf(path, sizeof path, "%s/run/admin/socket", world.dir);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0660);
	snprintf(path, sizeof path, "%s/run/admin", world.dir);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0007, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_every_change_names_its_operator, setup, teardown),
		cmocka_unit_test_setup_teardown(test_refusals_are_answers, setup, teardown),
		cmocka_unit_test_setup_teardown(test_one_key_is_revoked, setup, teardown),
		cmocka_unit_test_setup_teardown(test_rude_peers_are_cut, setup, teardown),
		cmocka_unit_test_setup_teardown(test_rubbish_is_told_and_forgotten, setup, teardown),
		cmocka_unit_test_setup_teardown(test_pieces_and_crowds, setup, teardown),
		cmocka_unit_test_setup_teardown(test_an_upload_is_bounded, setup, teardown),
		cmocka_unit_test_setup_teardown(test_the_mode_survives_a_restart, setup, teardown),
		cmocka_unit_test_setup_teardown(test_the_socket_is_for_its_group, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
