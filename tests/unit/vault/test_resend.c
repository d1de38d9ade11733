/* The table of docs/protocol.md "Idempotency and the outbox", clock, modes, quotas, and questions about what
 * is stored. */
#include "proto/content.h"
#include "proto/seal.h"
#include "proto/tlog.h"
#include "world.h"

struct bed { /* what every test lies on */
	struct world w;
	struct buf bytes, body;
	struct message answer;
	const struct config *config;
	uint8_t digest[32];
};

static int setup(void **state)
{
	struct bed *b = calloc(1, sizeof *b);
	struct err e;
	struct dataset dataset;
	assert_non_null(b);
	world_make(&b->w);
	world_open(&b->w);
	world_add_config(&b->w, NULL);
	world_enroll(&b->w, 0, "exempel", 0x01);
	world_enroll(&b->w, 1, "grannkommun", 0x11);
	world_intake_key(&b->w, 0x02, INTAKE_ACTIVE);
	world_period(&b->w, "2025", b->w.now_s - 100, b->w.now_s + 1000);
	check(vault_dataset(&b->w.v, "personal-support", &dataset, &e), &e);
	memcpy(b->digest, dataset.config, 32);
	b->config = vault_config(&b->w.v, b->digest, &e);
	check(b->config != NULL, &e);
	*state = b;
	return 0;
}

static int teardown(void **state)
{
	struct bed *b = *state;
	buf_free(&b->bytes);
	buf_free(&b->body);
	world_close(&b->w);
	world_remove(&b->w);
	free(b);
	return 0;
}

struct form {            /* what a test says of a submission */
	unsigned office; /* 0 exempel, 1 grannkommun */
	uint8_t id, blind;
	uint32_t revision;
	enum submission_act act;
	uint64_t value;
};

static void put_payload(const struct bed *b, const struct form *f, struct buf *out)
{
	struct figures figures;
	uint8_t blind[32];
	struct err e;
	memset(blind, f->blind, sizeof blind);
	if (f->act == ACT_WITHDRAWAL) {
		check(payload_encode_withdrawal(out, blind, &e), &e);
		return;
	}
	check(figures_new(&figures, b->config, &e), &e);
	figures.state[0] = FIGURE_VALUE;
	figures.value[0] = f->value;
	check(payload_encode_figures(out, b->config, &figures, blind, &e), &e);
	figures_free(&figures);
}

/* Makes the SUBMIT body; a fresh ephemeral key each time, so that the same form twice is "sealed again". */
static void make(struct bed *b, const struct form *f, uint8_t statement[32])
{
	struct submission_header h = {
		.dataset = "personal-support", .period = "2025", .revision = f->revision, .act = f->act
	};
	struct key_signer signer;
	uint8_t seed[32];
	uint8_t sig[64];
	struct buf header = { 0 };
	struct buf payload = { 0 };
	struct buf box = { 0 };
	struct err e;
	struct message *m = calloc(1, sizeof *m);
	assert_non_null(m);
	memset(seed, f->office == 0 ? 0x01 : 0x11, sizeof seed);
	keys_signer(&signer, seed);
	snprintf(h.office, sizeof h.office, "%s", f->office == 0 ? "exempel" : "grannkommun");
	memcpy(h.config_digest, b->digest, 32);
	memcpy(h.office_key_id, signer.id, 8);
	memset(h.submission_id, f->id, sizeof h.submission_id);
	check(submission_header_encode(&header, &h, &e), &e);
	put_payload(b, f, &payload);
	check(submission_sign(sig, &signer, buf_bytes(&header), buf_bytes(&payload), &e), &e);
	check(seal_box(&box, sig, buf_bytes(&payload), b->w.v.keys.intake[0].public_key, &e), &e);
	submission_statement_digest(statement, buf_bytes(&header), buf_bytes(&payload));
	m->kind = MSG_SUBMIT;
	m->submit.header = buf_bytes(&header);
	m->submit.box = buf_bytes(&box);
	memcpy(m->submit.intake_key_id, b->w.v.keys.intake[0].key_id, 8);
	buf_clear(&b->body);
	check(message_encode(&b->body, m, &e), &e);
	buf_free(&header);
	buf_free(&payload);
	buf_free(&box);
	free(m);
}

static const char *said(const struct bed *b)
{
	const struct message *m = &b->answer;
	if (m->kind == MSG_RECEIPT)
		return m->receipt.duplicate ? "duplicate" : "receipt";
	return m->kind == MSG_REJECT ? reject_code_name(m->reject.code) : message_kind_name(m->kind);
}

static void again(struct bed *b, unsigned place, const char *wanted)
{
	world_send(&b->w, place, buf_bytes(&b->body), &b->bytes, &b->answer);
	if (strcmp(said(b), wanted) != 0)
		fail_msg("%s, not %s", said(b), wanted);
}

static void push(struct bed *b, struct form f, const char *wanted)
{
	uint8_t statement[32];
	make(b, &f, statement);
	again(b, f.office, wanted);
}

static bool add(void *context, const struct sealed *form, struct err *e)
{
	(void)e;
	*(uint64_t *)context += form->figures->value[0];
	return true;
}

static uint64_t sum(struct bed *b, bool held)
{
	struct period p;
	struct err e;
	uint64_t total = 0;
	struct seal_span span = { vault_last_seq(&b->w.v), held };
	check(vault_period(&b->w.v, "personal-support", "2025", &p, &e), &e);
	check(vault_each_sealed(&b->w.v, &p, span, add, &total, &e), &e);
	return total;
}

#define FIRST                                                                                                \
	{                                                                                                    \
		.id = 1, .blind = 1, .act = ACT_FIGURES, .value = 1                                          \
	}

static void test_once(void **state)
{
	struct bed *b = *state;
	struct buf first = { 0 };
	push(b, (struct form)FIRST, "receipt");
	buf_put_bytes(&first, b->answer.receipt.statement);
	again(b, 0, "duplicate");
	assert_true(bytes_equal(buf_bytes(&first), b->answer.receipt.statement));
	push(b, (struct form)FIRST, "duplicate"); /* sealed again */
	assert_true(bytes_equal(buf_bytes(&first), b->answer.receipt.statement));
	assert_int_equal(sum(b, false), 1);
	push(b, (struct form){ .id = 1, .blind = 2, .act = ACT_FIGURES, .value = 2 }, "CONFLICT");
	push(b, (struct form){ .id = 2, .blind = 2, .act = ACT_FIGURES, .value = 2 }, "REVISION_STALE");
	push(b, (struct form){ .id = 3, .blind = 3, .revision = 7, .act = ACT_FIGURES, .value = 4 },
	    "receipt");
	assert_int_equal(sum(b, false), 4);
	push(b, (struct form){ .id = 4, .blind = 4, .revision = 6, .act = ACT_FIGURES }, "REVISION_STALE");
	push(b, (struct form){ .id = 5, .blind = 3, .revision = 8, .act = ACT_FIGURES }, "INVALID_CONTENT");
	assert_int_equal(b->answer.reject.detail, 2);
	/* another office may use the same id, and the same blind */
	push(
	    b, (struct form){ .office = 1, .id = 1, .blind = 1, .act = ACT_FIGURES, .value = 16 }, "receipt");
	assert_int_equal(sum(b, false), 20);
	buf_free(&first);
}

static void test_withdrawal(void **state)
{
	struct bed *b = *state;
	push(b, (struct form){ .id = 1, .blind = 1, .act = ACT_WITHDRAWAL }, "INVALID_CONTENT");
	assert_int_equal(b->answer.reject.detail, 13);
	push(b, (struct form)FIRST, "receipt");
	push(b, (struct form){ .id = 2, .blind = 2, .revision = 1, .act = ACT_WITHDRAWAL }, "receipt");
	assert_int_equal(sum(b, false), 0);
	push(b, (struct form){ .id = 3, .blind = 3, .revision = 2, .act = ACT_FIGURES, .value = 8 },
	    "receipt");
	assert_int_equal(sum(b, false), 8);
}

static void test_after_closing(void **state)
{
	struct bed *b = *state;
	struct form late = { .id = 2, .blind = 2, .revision = 1, .act = ACT_FIGURES, .value = 2 };
	uint8_t statement[32];
	struct err e;
	struct receipt receipt;
	push(b, (struct form)FIRST, "receipt");
	make(b, &late, statement);
	world_advance(&b->w, 5000); /* closed, though nobody has ticked yet */
	again(b, 0, "receipt");
	check(receipt_decode(&receipt, b->answer.receipt.statement, &e), &e);
	assert_int_equal(receipt.outcome, OUTCOME_HELD);
	assert_int_equal(sum(b, false), 1);
	assert_int_equal(sum(b, true), 2);
	check(vault_tick_periods(&b->w.v, &e), &e);
	again(b, 0, "duplicate");
}

static void test_final(void **state)
{
	struct bed *b = *state;
	struct period p;
	struct err e;
	push(b, (struct form)FIRST, "receipt");
	world_advance(&b->w, 5000);
	check(vault_tick_periods(&b->w.v, &e), &e);
	check(vault_period(&b->w.v, "personal-support", "2025", &p, &e), &e);
	assert_int_equal(p.state, PERIOD_CLOSED);
	check(vault_begin(&b->w.v, &e) && vault_step_period(&b->w.v, &p, PERIOD_DO_FINAL, &e) &&
		  vault_commit(&b->w.v, &e),
	    &e);
	push(b, (struct form){ .id = 2, .blind = 2, .revision = 1, .act = ACT_FIGURES }, "PERIOD_CLOSED");
	assert_true(b->answer.reject.is_signed);
	/* same id, any content: the receipt of what is stored */
	push(b, (struct form){ .id = 1, .blind = 9, .act = ACT_FIGURES, .value = 9 }, "duplicate");
	assert_int_equal(sum(b, false), 1);
}

static void test_clock_and_modes(void **state)
{
	struct bed *b = *state;
	struct form f = FIRST;
	uint8_t statement[32];
	struct period p;
	struct err e;
	make(b, &f, statement);
	b->w.now_s -= 121;
	again(b, 0, "BUSY");
	assert_int_equal(b->answer.busy.reason, BUSY_CLOCK_HOLD);
	b->w.now_s += 1;
	again(b, 0, "receipt");
	b->w.now_s += 86400; /* a day ahead while no day has passed */
	again(b, 0, "BUSY");
	assert_int_equal(b->answer.busy.reason, BUSY_CLOCK_HOLD);
	check(vault_tick_periods(&b->w.v, &e), &e);
	check(vault_period(&b->w.v, "personal-support", "2025", &p, &e), &e);
	assert_int_equal(p.state, PERIOD_OPEN);
	b->w.now_s -= 86400;
	again(b, 0, "duplicate");
	vault_set_mode(&b->w.v, MODE_STORAGE_LOW, true);
	again(b, 0, "BUSY");
	assert_int_equal(b->answer.busy.reason, BUSY_STORAGE);
	vault_set_mode(&b->w.v, MODE_STORAGE_LOW, false);
	again(b, 0, "duplicate");
}

static void test_bad_envelopes(void **state)
{
	struct bed *b = *state;
	struct form f = FIRST;
	uint8_t statement[32];
	make(b, &f, statement);
	b->body.data[b->body.size - 20] ^= 1; /* in the box: the id of the intake key follows it */
	for (unsigned i = 0; i < LIMIT_BAD_ENVELOPES; i++)
		again(b, 0, "BAD_ENVELOPE");
	assert_true(b->answer.reject.is_signed);
	again(b, 0, "BUSY");
	assert_true(b->answer.busy.retry_after_ms > 500000);
	push(b, (struct form){ .office = 1, .id = 1, .blind = 1, .act = ACT_FIGURES }, "receipt");
	b->w.boot_ms += 10 * 60 * 1000;
	push(b, (struct form)FIRST, "receipt");
}

static void test_registry(void **state)
{
	struct bed *b = *state;
	struct key_signer signer;
	uint8_t seed[32];
	struct err e;
	push(b, (struct form)FIRST, "receipt");
	memset(seed, 1, sizeof seed);
	keys_signer(&signer, seed);
	check(vault_begin(&b->w.v, &e) && vault_revoke_key(&b->w.v, "exempel", signer.id, &e) &&
		  vault_commit(&b->w.v, &e),
	    &e);
	push(b, (struct form){ .id = 2, .blind = 2, .revision = 1, .act = ACT_FIGURES }, "KEY_REVOKED");
	uint64_t serial = b->w.v.registry_serial;
	check(vault_begin(&b->w.v, &e) && vault_disable_office(&b->w.v, "grannkommun", &e) &&
		  vault_commit(&b->w.v, &e),
	    &e);
	assert_int_equal(b->w.v.registry_serial, serial + 1);
	push(b, (struct form){ .office = 1, .id = 2, .blind = 2, .act = ACT_FIGURES }, "NOT_AUTHORIZED");
	/* what was rolled back is not told to anybody */
	check(vault_begin(&b->w.v, &e) && vault_disable_principal(&b->w.v, b->w.principal[0], &e), &e);
	vault_rollback(&b->w.v);
	assert_int_equal(b->w.v.registry_serial, serial + 1);
}

static void test_bad_keys(void **state)
{
	struct bed *b = *state;
	uint8_t zeros[32] = { 0 };
	struct err e;
	struct registry_change change = {
		.office = "efh", .curve_key = b->w.curve[0], .sign_key = zeros, .roles = ROLE_OFFICE
	};
	check(vault_begin(&b->w.v, &e), &e);
	assert_false(vault_enroll(&b->w.v, &change, &e));
	vault_rollback(&b->w.v);
	change = (struct registry_change){ .curve_key = zeros, .roles = ROLE_RESEARCHER };
	check(vault_begin(&b->w.v, &e), &e);
	assert_false(vault_enroll(&b->w.v, &change, &e));
	change = (struct registry_change){ .curve_key = b->w.curve[0], .roles = 8 };
	assert_false(vault_enroll(&b->w.v, &change, &e));
	vault_rollback(&b->w.v);
}

/* The answer to a question other than SUBMIT. */
static void ask(struct bed *b, unsigned place, const struct message *question, const char *wanted)
{
	struct err e;
	buf_clear(&b->body);
	check(message_encode(&b->body, question, &e), &e);
	again(b, place, wanted);
}

static void test_questions(void **state)
{
	struct bed *b = *state;
	struct message *q = calloc(1, sizeof *q);
	assert_non_null(q);
	push(b, (struct form)FIRST, "receipt");
	q->kind = MSG_STATUS;
	memset(q->status.submission_id, 1, sizeof q->status.submission_id);
	snprintf(q->status.office, sizeof q->status.office, "exempel");
	ask(b, 0, q, "duplicate");
	ask(b, 1, q, "NOT_AUTHORIZED");
	memset(q->status.submission_id, 9, sizeof q->status.submission_id);
	ask(b, 0, q, "UNKNOWN");
	*q = (struct message){ .kind = MSG_GET_PERIODS,
		.get_periods = { .dataset = "personal-support", .office = "exempel" } };
	ask(b, 0, q, "PERIODS");
	assert_int_equal(b->answer.periods.n, 1);
	assert_int_equal(b->answer.periods.period[0].n_revisions, 1);
	assert_int_equal(b->answer.periods.period[0].state, PERIOD_OPEN);
	ask(b, 1, q, "NOT_AUTHORIZED");
	q->kind = MSG_HEAD;
	snprintf(q->head.dataset, sizeof q->head.dataset, "personal-support");
	ask(b, 0, q, "UNSUPPORTED");
	free(q);
}

static void insert_seal(struct bed *b)
{
	struct period p;
	struct err e;
	uint8_t root[32] = { 0 };
	check(vault_period(&b->w.v, "personal-support", "2025", &p, &e), &e);
	check(vault_begin(&b->w.v, &e), &e);
	check(store_run(b->w.v.store, &e, "INSERT INTO seal VALUES(?, 0, 2, ?, ?, 0, 77, 1)", "ibi", p.id,
		  bytes_of(root, 32), vault_last_seq(&b->w.v)),
	    &e);
	check(vault_commit(&b->w.v, &e), &e);
}

static void test_setproof(void **state)
{
	struct bed *b = *state;
	struct message *q = calloc(1, sizeof *q);
	uint8_t own[32];
	uint8_t old[32];
	struct form first = FIRST;
	struct form second = { .id = 2, .blind = 2, .revision = 1, .act = ACT_FIGURES };
	assert_non_null(q);
	make(b, &first, old);
	again(b, 0, "receipt");
	make(b, &second, own);
	again(b, 0, "receipt");
	push(b, (struct form){ .office = 1, .id = 1, .blind = 1, .act = ACT_FIGURES }, "receipt");
	q->kind = MSG_SETPROOF;
	snprintf(q->setproof.dataset, sizeof q->setproof.dataset, "personal-support");
	snprintf(q->setproof.period, sizeof q->setproof.period, "2025");
	memcpy(q->setproof.statement_digest, own, 32);
	ask(b, 0, q, "NOT_FOUND"); /* not sealed yet */
	insert_seal(b);
	ask(b, 1, q, "NOT_FOUND"); /* another's */
	memcpy(q->setproof.statement_digest, old, 32);
	ask(b, 0, q, "NOT_FOUND"); /* replaced before the seal */
	memcpy(q->setproof.statement_digest, own, 32);
	ask(b, 0, q, "SETPROOF_R");
	assert_int_equal(b->answer.setproof_r.set_size, 2);
	assert_int_equal(b->answer.setproof_r.n_hashes, 1);
	assert_int_equal(b->answer.setproof_r.seal_index, 77);
	free(q);
}

static void test_quota(void **state)
{
	struct bed *b = *state;
	for (unsigned i = 0; i < LIMIT_IDS; i++)
		push(b,
		    (struct form){ .id = (uint8_t)(i + 1),
			.blind = (uint8_t)(i + 1),
			.revision = i,
			.act = ACT_FIGURES },
		    "receipt");
	/* an honest retry does not starve, however many ids there are */
	again(b, 0, "duplicate");
	push(b, (struct form){ .id = 0, .blind = 255, .revision = 999, .act = ACT_FIGURES }, "TOO_LARGE");
}

/* Everything is there after a restart, and the counters agree. */
static void test_reopen(void **state)
{
	struct bed *b = *state;
	push(b, (struct form)FIRST, "receipt");
	uint64_t size = b->w.v.log_size;
	uint64_t serial = b->w.v.registry_serial;
	world_close(&b->w);
	world_open(&b->w);
	assert_int_equal(b->w.v.log_size, size);
	assert_int_equal(b->w.v.registry_serial, serial);
	assert_int_equal(sum(b, false), 1);
	again(b, 0, "duplicate");
}

static void test_second_vault(void **state)
{
	struct bed *b = *state;
	struct vault second;
	struct err e;
	assert_false(vault_open(&second, &b->w.os, &b->w.conf, &e));
	assert_non_null(strstr(e.text, "another vault"));
	vault_close(&second);
}

static void test_log_row_lost(void **state)
{
	struct bed *b = *state;
	struct vault v;
	struct err e;
	push(b, (struct form)FIRST, "receipt");
	check(store_begin(b->w.v.store, &e), &e);
	check(store_run(b->w.v.store, &e, "DELETE FROM leaf WHERE i = 1", ""), &e);
	check(store_commit(b->w.v.store, &e), &e);
	world_close(&b->w);
	assert_false(vault_open(&v, &b->w.os, &b->w.conf, &e));
	vault_close(&v);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = { TEST(test_once), TEST(test_withdrawal), TEST(test_after_closing),
		TEST(test_final), TEST(test_clock_and_modes), TEST(test_bad_envelopes), TEST(test_registry),
		TEST(test_bad_keys), TEST(test_questions), TEST(test_setproof), TEST(test_quota),
		TEST(test_reopen), TEST(test_second_vault), TEST(test_log_row_lost) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
