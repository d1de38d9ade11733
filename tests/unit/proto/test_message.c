#include "proto/message.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "tests/unit/proto/vectors.h"

static const uint64_t all_kinds[] = { MSG_HELLO, MSG_WELCOME, MSG_SUBMIT, MSG_RECEIPT, MSG_REJECT, MSG_BUSY,
	MSG_STATUS, MSG_UNKNOWN, MSG_GET_KEYS, MSG_KEYSET, MSG_GET_PERIODS, MSG_PERIODS, MSG_HEAD, MSG_HEAD_R,
	MSG_RANGE, MSG_RANGE_R, MSG_STATE, MSG_STATE_R, MSG_OBJECT, MSG_OBJECT_R, MSG_LOG, MSG_LOG_R,
	MSG_PROOF, MSG_PROOF_R, MSG_COSIGN, MSG_COSIGN_R, MSG_SETPROOF, MSG_SETPROOF_R };

/* One of each kind, every field filled. Static: it is large. */
static struct message *example(enum message_kind kind)
{
	static struct message m;
	struct bytes blob = bytes_text("some bytes");
	memset(&m, 0, sizeof m);
	m.kind = kind;
	memset(m.rid, 7, sizeof m.rid);
	switch ((int)kind) {
	case MSG_HELLO:
		m.hello =
		    (struct msg_hello){ .lowest = 1, .highest = 2, .agent = bytes_text("cellveil 0.1") };
		break;
	case MSG_WELCOME:
		m.welcome = (struct msg_welcome){ .version = 1,
			.now_s = 1730000000,
			.notice = bytes_text("Hej"),
			.max_message_bytes = LIMIT_MESSAGE_BYTES,
			.max_rows = 9,
			.max_per_minute = 60,
			.keyset_serial = 4,
			.n_datasets = 2,
			.roles = 5,
			.dataset = { { "births", { 1 } }, { "personal-support", { 2 } } } };
		break;
	case MSG_SUBMIT:
		m.submit = (struct msg_submit){ .header = blob, .box = blob, .intake_key_id = { 3 } };
		break;
	case MSG_RECEIPT:
		m.receipt = (struct msg_receipt){ .statement = blob, .duplicate = true, .signature = { 4 } };
		break;
	case MSG_REJECT:
		m.reject = (struct msg_reject){ .code = REJECT_INVALID_CONTENT,
			.class = CLASS_PERMANENT,
			.text = bytes_text("rule"),
			.has_retry_after = true,
			.retry_after_ms = 5,
			.detail = 101,
			.is_signed = true,
			.statement = blob,
			.signature = { 6 } };
		break;
	case MSG_BUSY:
		m.busy = (struct msg_busy){ .retry_after_ms = 1000, .reason = BUSY_QUEUE };
		break;
	case MSG_STATUS:
		m.status = (struct msg_status){ .submission_id = { 7 }, .office = "north" };
		break;
	case MSG_UNKNOWN:
		m.unknown = (struct msg_unknown){ .submission_id = { 8 } };
		break;
	case MSG_GET_KEYS:
		m.get_keys = (struct msg_get_keys){ .has_serial = true, .serial = 9 };
		break;
	case MSG_KEYSET:
		m.keyset.note = blob;
		break;
	case MSG_GET_PERIODS:
		m.get_periods = (struct msg_get_periods){ .dataset = "births", .office = "north" };
		break;
	case MSG_PERIODS:
		m.periods.n = LIMIT_PERIODS;
		for (size_t i = 0; i < LIMIT_PERIODS; i++)
			m.periods.period[i] = (struct msg_period){ .period = "2024-S1",
				.state = PERIOD_OPEN,
				.opens_s = 1,
				.closes_s = 2,
				.has_statement = i % 2 == 0,
				.statement_digest = { i % 2 == 0 } };
		break;
	case MSG_HEAD:
		m.head = (struct msg_head){ .dataset = "births" };
		break;
	case MSG_HEAD_R:
		m.head_r = (struct msg_envelope){ .envelope = blob, .signature = { 1 } };
		break;
	case MSG_RANGE:
		m.range =
		    (struct msg_range){ .dataset = "births", .feed_id = { 2 }, .from_seq = 3, .max = 256 };
		break;
	case MSG_RANGE_R:
		m.range_r.n = LIMIT_RANGE;
		for (size_t i = 0; i < LIMIT_RANGE; i++)
			m.range_r.item[i] = (struct msg_envelope){ .envelope = blob, .signature = { 3 } };
		m.range_r.next_seq = 300;
		break;
	case MSG_STATE:
		m.state = (struct msg_state){ .dataset = "births", .offset = 5 };
		break;
	case MSG_STATE_R:
		m.state_r = (struct msg_state_r){ .as_of_seq = 1, .total = 10, .chunk = blob };
		break;
	case MSG_OBJECT:
		m.object = (struct msg_object){ .digest = { 4 }, .offset = 1, .length = LIMIT_CHUNK_BYTES };
		break;
	case MSG_OBJECT_R:
		m.object_r = (struct msg_object_r){ .total = 10, .chunk = blob };
		break;
	case MSG_LOG:
		m.log = (struct msg_log){ .what = LOG_TILE, .level = 1, .index = 2, .width = 256 };
		break;
	case MSG_LOG_R:
		m.log_r.file = blob;
		break;
	case MSG_PROOF:
		m.proof.index = 5;
		break;
	case MSG_PROOF_R:
		m.proof_r.proof = blob;
		break;
	case MSG_COSIGN:
		m.cosign = (struct msg_cosign){ .old_size = 5, .lines = blob };
		break;
	case MSG_COSIGN_R:
		m.cosign_r.accepted = 1;
		break;
	case MSG_SETPROOF:
		m.setproof = (struct msg_setproof){ .dataset = "births", .period = "2024", .revision = 1 };
		break;
	case MSG_SETPROOF_R:
		m.setproof_r = (struct msg_setproof_r){
			.place = 1, .set_size = 2, .n_hashes = LIMIT_PROOF, .hash = { { 5 } }
		};
		break;
	default:
		fail();
	}
	return &m;
}

/* An exactly sized copy, so that a sanitizer sees an over-read. */
static struct bytes exact(struct bytes in)
{
	uint8_t *copy = malloc(in.len > 0 ? in.len : 1);
	assert_non_null(copy);
	if (in.len > 0)
		memcpy(copy, in.at, in.len);
	return bytes_of(copy, in.len);
}

static void every_kind_comes_back_as_it_left(void **state)
{
	(void)state;
	static struct message back;
	for (size_t i = 0; i < sizeof all_kinds / sizeof *all_kinds; i++) {
		struct err e = { 0 };
		struct buf first = { 0 }, second = { 0 };
		const struct message *m = example((enum message_kind)all_kinds[i]);
		assert_true(message_encode(&first, m, &e));
		struct bytes in = exact(buf_bytes(&first));
		if (!message_decode(&back, in, &e))
			fail_msg("%s: %s", message_kind_name(all_kinds[i]), e.text);
		assert_int_equal(back.kind, all_kinds[i]);
		assert_memory_equal(back.rid, m->rid, sizeof m->rid);
		assert_true(message_encode(&second, &back, &e));
		assert_true(bytes_equal(buf_bytes(&first), buf_bytes(&second)));
		vectors_free(in);
		buf_free(&first);
		buf_free(&second);
	}
}

static void no_beginning_of_a_body_is_a_body(void **state)
{
	(void)state;
	static struct message back;
	for (size_t i = 0; i < sizeof all_kinds / sizeof *all_kinds; i++) {
		struct buf b = { 0 };
		assert_true(message_encode(&b, example((enum message_kind)all_kinds[i]), NULL));
		for (size_t len = 0; len < b.size; len += 1 + len / 64) {
			struct bytes in = exact(bytes_of(b.data, len));
			assert_false(message_decode(&back, in, NULL));
			vectors_free(in);
		}
		buf_free(&b);
	}
}

/* Puts a field in that nobody knows, then takes all out. */
static void fields_are_required_and_even_ones_known(void **state)
{
	(void)state;
	static struct message back;
	for (size_t i = 0; i < sizeof all_kinds / sizeof *all_kinds; i++) {
		struct err e = { 0 };
		struct buf b = { 0 };
		assert_true(message_encode(&b, example((enum message_kind)all_kinds[i]), NULL));
		const size_t map_at = 3 + 18; /* array, version, kind, bin of 16 */
		assert_int_equal(b.data[map_at] & 0xf0, 0x80);
		b.data[map_at]++;
		buf_put(&b, "\x7e\x00", 2); /* key 126 */
		assert_false(message_decode(&back, buf_bytes(&b), &e));
		assert_int_equal(e.code, ERR_UNSUPPORTED);
		b.data[b.size - 2] = 127;
		assert_true(message_decode(&back, buf_bytes(&b), &e));
		b.size = map_at + 1;
		b.data[map_at] = 0x80;
		if (all_kinds[i] == MSG_GET_KEYS) {
			assert_true(message_decode(&back, buf_bytes(&b), &e));
		} else {
			assert_false(message_decode(&back, buf_bytes(&b), &e));
			assert_int_equal(e.code, ERR_MALFORMED);
		}
		buf_free(&b);
	}
}

static void a_refusal_is_signed_whole_or_not_at_all(void **state)
{
	(void)state;
	static struct message back;
	struct buf b = { 0 };
	struct message *m = example(MSG_REJECT);
	m->reject.is_signed = false;
	assert_true(message_encode(&b, m, NULL));
	assert_false(message_decode(&back, buf_bytes(&b), NULL));
	buf_clear(&b);
	m->reject.is_signed = true;
	m->reject.statement = (struct bytes){ NULL, 0 };
	assert_true(message_encode(&b, m, NULL));
	assert_false(message_decode(&back, buf_bytes(&b), NULL));
	buf_clear(&b);
	m->reject.is_signed = false;
	m->reject.has_retry_after = false;
	m->reject.text = (struct bytes){ NULL, 0 };
	assert_true(message_encode(&b, m, NULL));
	assert_true(message_decode(&back, buf_bytes(&b), NULL));
	assert_false(back.reject.is_signed);
	assert_false(back.reject.has_retry_after);
	buf_free(&b);
}

static void bounds_hold_on_both_sides(void **state)
{
	(void)state;
	static struct message back;
	struct buf b = { 0 };
	struct message *m = example(MSG_RANGE);
	m->range.max = LIMIT_RANGE + 1;
	assert_true(message_encode(&b, m, NULL));
	assert_false(message_decode(&back, buf_bytes(&b), NULL));
	buf_clear(&b);
	m = example(MSG_PERIODS);
	m->periods.n = LIMIT_PERIODS + 1;
	assert_false(message_encode(&b, m, NULL));
	buf_free(&b);
	struct buf small = { .max = 16 };
	struct err e;
	assert_false(message_encode(&small, example(MSG_STATUS), &e));
	assert_int_equal(e.code, ERR_LIMIT);
	buf_free(&small);
	m = example(MSG_STATUS);
	m->kind = MSG_FEED_BEAT;
	assert_false(message_encode(&b, m, &e));
}

/* A gate must be able to answer what it does not understand. */
static void peek_tells_whom_to_answer(void **state)
{
	(void)state;
	uint64_t kind;
	uint8_t rid[MESSAGE_RID_BYTES];
	struct err e;
	struct buf b = { 0 };
	assert_true(message_encode(&b, example(MSG_PERIODS), NULL));
	assert_true(message_peek(buf_bytes(&b), &kind, rid, &e));
	assert_int_equal(kind, MSG_PERIODS);
	b.data[2] = 99;
	assert_false(message_peek(buf_bytes(&b), &kind, rid, &e));
	assert_int_equal(e.code, ERR_UNSUPPORTED);
	assert_int_equal(kind, 99);
	assert_int_equal(rid[15], 7);
	b.data[1] = 2;
	memset(rid, 0, sizeof rid);
	assert_false(message_peek(buf_bytes(&b), &kind, rid, &e));
	assert_int_equal(rid[15], 7);
	buf_free(&b);
	/* fields that are no map */
	struct bytes in = vectors_from_hex("940107c4100000000000000000000000000000000090");
	assert_false(message_peek(in, &kind, rid, &e));
	assert_int_equal(e.code, ERR_MALFORMED);
	vectors_free(in);
}

static void the_bodies_of_the_vectors_decode(void **state)
{
	(void)state;
	static struct message m;
	json_t *all = vectors_load("statements.json");
	static const char *const names[] = { "receipt", "refusal" };
	for (size_t i = 0; i < 2; i++) {
		const json_t *c = json_object_get(all, names[i]);
		struct bytes body = vectors_hex(c, "body");
		struct bytes statement = vectors_hex(c, "statement");
		struct buf again = { 0 };
		assert_true(message_decode(&m, body, NULL));
		assert_true(bytes_equal(i == 0 ? m.receipt.statement : m.reject.statement, statement));
		assert_true(message_encode(&again, &m, NULL));
		assert_true(bytes_equal(buf_bytes(&again), body));
		buf_free(&again);
		vectors_free(statement);
		vectors_free(body);
	}
	json_decref(all);
}

static void names_and_classes_follow_the_tables(void **state)
{
	(void)state;
	assert_string_equal(reject_code_name(REJECT_FEED_CHANGED), "FEED_CHANGED");
	assert_string_equal(reject_code_name(0), "?");
	assert_string_equal(reject_code_name(18), "?");
	assert_string_equal(busy_reason_name(BUSY_READ_ONLY), "read-only");
	assert_string_equal(period_state_name(PERIOD_VOID), "VOID");
	assert_string_equal(message_kind_name(MSG_SETPROOF_R), "SETPROOF_R");
	assert_int_equal(reject_class_of(REJECT_CONFIG_MISMATCH), CLASS_FIXABLE);
	assert_int_equal(reject_class_of(REJECT_PERIOD_NOT_OPEN), CLASS_TEMPORARY);
	assert_int_equal(reject_class_of(REJECT_CONFLICT), CLASS_PERMANENT);
	assert_int_equal(reject_code_of(&(struct err){ .code = ERR_LIMIT }), REJECT_TOO_LARGE);
	assert_int_equal(reject_code_of(&(struct err){ .code = ERR_MEMORY }), REJECT_INTERNAL);
	assert_true(message_is_request(MSG_SUBMIT));
	assert_false(message_is_request(MSG_RECEIPT));
	assert_false(message_is_request(MSG_FEED_BEAT));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_kind_comes_back_as_it_left),
		cmocka_unit_test(no_beginning_of_a_body_is_a_body),
		cmocka_unit_test(fields_are_required_and_even_ones_known),
		cmocka_unit_test(a_refusal_is_signed_whole_or_not_at_all),
		cmocka_unit_test(bounds_hold_on_both_sides),
		cmocka_unit_test(peek_tells_whom_to_answer),
		cmocka_unit_test(the_bodies_of_the_vectors_decode),
		cmocka_unit_test(names_and_classes_follow_the_tables),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
