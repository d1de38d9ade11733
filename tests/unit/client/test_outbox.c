#include "client/net.h"
#include "client/outbox.h"
#include "client/receipt_text.h"
#include "client/send.h"
#include "proto/seal.h"
#include <setjmp.h>
#include <sodium.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

struct world {
	char dir[64];
	struct outbox outbox;
	struct key_signer signer;
	struct keyset_key intake;
	uint8_t intake_secret[32];
};

static int open_world(void **state)
{
	struct world *w = calloc(1, sizeof *w);
	uint8_t seed[KEY_BYTES] = { 1 };
	struct err e;

	if (w == NULL || sodium_init() < 0)
		return 1;
	(void)snprintf(w->dir, sizeof w->dir, "/tmp/cellveil-outbox-XXXXXX");
	if (mkdtemp(w->dir) == NULL || !outbox_open(&w->outbox, w->dir, &e))
		return 1;
	keys_signer(&w->signer, seed);
	w->intake.purpose = KEY_INTAKE;
	w->intake_secret[0] = 2;
	if (crypto_scalarmult_base(w->intake.key, w->intake_secret) != 0)
		return 1;
	keyset_key_fill(&w->intake);
	*state = w;
	return 0;
}

static int close_world(void **state)
{
	struct world *w = *state;
	char command[128];

	outbox_close(&w->outbox);
	(void)snprintf(command, sizeof command, "rm -rf '%s'", w->dir);
	if (system(command) != 0) /* NOLINT(cert-env33-c,concurrency-mt-unsafe) */
		return 1;
	free(w);
	return 0;
}

static void compose(struct world *w, struct outbox_item *item, uint32_t revision)
{
	struct submission_header h = { .dataset = "support",
		.period = "2024",
		.office = "north",
		.revision = revision,
		.act = ACT_WITHDRAWAL,
		.created_s = 1000 + revision };
	struct err e = { 0 };

	assert_true(send_compose(item, &h, NULL, NULL, &w->signer, &w->intake, &e));
}

static void test_stored_and_read(void **state)
{
	struct world *w = *state;
	struct outbox_item item;
	struct err e = { 0 };
	struct stat st;
	char path[256], name[OUTBOX_NAME];

	compose(w, &item, 3);
	assert_true(outbox_store(&w->outbox, &item, &e));
	assert_true(outbox_reload(&w->outbox, &e));
	assert_int_equal(w->outbox.n, 1);
	assert_int_equal(w->outbox.item[0].state, OUTBOX_WAITING);
	assert_int_equal(w->outbox.item[0].header.revision, 3);
	assert_memory_equal(w->outbox.item[0].box.data, item.box.data, item.box.size);
	assert_memory_equal(
	    w->outbox.item[0].signed_bytes.data, item.signed_bytes.data, item.signed_bytes.size);
	outbox_name(name, item.header.submission_id);
	(void)snprintf(path, sizeof path, "%s/%s", w->outbox.dir, name);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	outbox_item_free(&item);
}

static void test_states(void **state)
{
	struct world *w = *state;
	struct outbox_item item;
	struct err e = { 0 };

	compose(w, &item, 0);
	assert_true(outbox_store(&w->outbox, &item, &e));
	assert_true(outbox_settle(&w->outbox, &item, OUTBOX_PAUSED, bytes_text("why"), &e));
	assert_true(outbox_reload(&w->outbox, &e));
	assert_int_equal(w->outbox.item[0].state, OUTBOX_PAUSED);
	assert_true(outbox_resume(&w->outbox, &item, &e));
	assert_true(outbox_settle(&w->outbox, &item, OUTBOX_REFUSED, bytes_text("no"), &e));
	assert_true(outbox_reload(&w->outbox, &e));
	assert_int_equal(w->outbox.item[0].state, OUTBOX_REFUSED);
	assert_null(outbox_newest(&w->outbox, "support", "north", "2024")); /* its revision is free again */
	assert_true(outbox_settle(&w->outbox, &item, OUTBOX_RECEIVED, bytes_text("yes"), &e));
	assert_true(outbox_reload(&w->outbox, &e));
	assert_int_equal(w->outbox.item[0].state, OUTBOX_RECEIVED); /* a receipt outweighs all */
	assert_true(outbox_remove(&w->outbox, &item, &e));
	assert_true(outbox_reload(&w->outbox, &e));
	assert_int_equal(w->outbox.n, 0);
	outbox_item_free(&item);
}

/* What a killed run leaves (no process has that number): a part file is swept, a file with another item's
 * name is refused by name. */
static void test_leftovers(void **state)
{
	struct world *w = *state;
	struct err e = { 0 };
	struct outbox_item item;
	struct buf file = { 0 };

	assert_true(file_write(
	    w->outbox.dir, "0123456789abcdef0123456789abcdef.4194305.part", 0600, bytes_text("x"), &e));
	outbox_close(&w->outbox);
	assert_true(outbox_open(&w->outbox, w->dir, &e));
	assert_false(file_exists(w->outbox.dir, "0123456789abcdef0123456789abcdef.4194305.part"));

	compose(w, &item, 0);
	assert_true(outbox_item_encode(&file, &item, &e));
	assert_true(
	    file_write(w->outbox.dir, "0123456789abcdef0123456789abcdef", 0600, buf_bytes(&file), &e));
	assert_false(outbox_reload(&w->outbox, &e));
	assert_non_null(strstr(e.text, "0123456789abcdef0123456789abcdef"));
	for (size_t n = 0; n < file.size; n++) { /* cut anywhere: refused, nothing read beyond */
		struct outbox_item cut;
		uint8_t *exact = malloc(n + 1);
		assert_non_null(exact);
		memcpy(exact, file.data, n);
		assert_false(outbox_item_decode(&cut, bytes_of(exact, n), &e));
		free(exact);
	}
	buf_free(&file);
	outbox_item_free(&item);
}

static void test_order(void **state)
{
	struct world *w = *state;
	struct outbox_item item;
	struct err e = { 0 };
	const struct outbox_item *newest;

	for (uint32_t revision = 5; revision-- > 0;) {
		compose(w, &item, revision);
		assert_true(outbox_store(&w->outbox, &item, &e));
		outbox_item_free(&item);
	}
	assert_true(outbox_reload(&w->outbox, &e));
	assert_int_equal(w->outbox.n, 5);
	for (uint32_t i = 0; i < 5; i++)
		assert_int_equal(w->outbox.item[i].header.revision, i);
	newest = outbox_newest(&w->outbox, "support", "north", "2024");
	assert_int_equal(newest->header.revision, 4);
	assert_null(outbox_newest(&w->outbox, "support", "south", "2024"));
}

/* Sealing again changes the box and its key id, never what was signed. */
static void test_sealed_again(void **state)
{
	struct world *w = *state;
	struct outbox_item item;
	struct keyset_key other = { .purpose = KEY_INTAKE };
	uint8_t secret[32] = { 3 }, plain[4096], public[32], before[KEY_DIGEST_BYTES],
		after[KEY_DIGEST_BYTES];
	struct bytes sig, payload;
	struct err e = { 0 };

	assert_int_equal(crypto_scalarmult_base(other.key, secret), 0);
	keyset_key_fill(&other);
	compose(w, &item, 0);
	submission_statement_digest(before, buf_bytes(&item.header_bytes), outbox_payload(&item));
	assert_true(send_seal_again(&item, &other, &e));
	assert_memory_equal(item.intake_key_id, other.id, KEY_ID_BYTES);
	submission_statement_digest(after, buf_bytes(&item.header_bytes), outbox_payload(&item));
	assert_memory_equal(before, after, sizeof before);
	assert_int_equal(crypto_scalarmult_base(public, secret), 0);
	assert_true(item.box.size <= sizeof plain);
	assert_int_equal(crypto_box_seal_open(plain, item.box.data, item.box.size, public, secret), 0);
	assert_true(seal_unpad(&sig, &payload, bytes_of(plain, item.box.size - SEAL_OVERHEAD)));
	assert_true(bytes_equal(payload, outbox_payload(&item)));
	assert_true(submission_verify(sig.at, w->signer.public, buf_bytes(&item.header_bytes), payload, &e));
	outbox_item_free(&item);
}

static void test_receipt_text(void **state)
{
	struct world *w = *state;
	struct receipt r = { .origin = "stats.example/log1",
		.dataset = "support",
		.period = "2024",
		.office = "north",
		.outcome = OUTCOME_COUNTS,
		.accepted_at_s = 1738328700,
		.log_index = 17 },
		       got;
	struct buf statement = { 0 }, text = { 0 }, back = { 0 };
	uint8_t sig[KEY_SIG_BYTES], sig_back[KEY_SIG_BYTES];
	struct err e = { 0 };
	char *at;

	memcpy(r.receipt_key_id, w->signer.id, KEY_ID_BYTES);
	assert_true(receipt_encode(&statement, &r, &e));
	assert_true(receipt_sign(sig, &w->signer, buf_bytes(&statement), &e));
	assert_true(receipt_text_print(&text, buf_bytes(&statement), sig, &e));
	assert_true(receipt_text_parse(&got, &back, sig_back, buf_bytes(&text), &e));
	assert_memory_equal(sig, sig_back, sizeof sig);
	assert_true(bytes_equal(buf_bytes(&statement), buf_bytes(&back)));
	assert_int_equal(got.log_index, 17);

	buf_put_byte(&text, 0);
	at = strstr((char *)text.data, "north"); /* one line altered */
	assert_non_null(at);
	memcpy(at, "south", 5);
	buf_clear(&back);
	assert_false(receipt_text_parse(&got, &back, sig_back, bytes_of(text.data, text.size - 1), &e));
	assert_int_equal(e.code, ERR_INVALID);
	assert_false(receipt_text_parse(&got, &back, sig_back, bytes_text("cellveil-receipt/1\n"), &e));
	buf_free(&statement);
	buf_free(&text);
	buf_free(&back);
}

/* A receipt signed by the right key is believed only if every field is ours. */
static void test_receipt_of_another(void **state)
{
	struct world *w = *state;
	struct deployment *d = calloc(1, sizeof *d);
	struct keyset_key *key;
	struct outbox_item item;
	struct receipt ours = { .origin = "stats.example/log1",
		.dataset = "support",
		.period = "2024",
		.office = "north",
		.outcome = OUTCOME_COUNTS,
		.revision = 3 };
	struct err e = { 0 };

	assert_non_null(d);
	memcpy(d->settings.join.origin, ours.origin, sizeof ours.origin);
	key = &d->keyset.key[d->keyset.n_keys++];
	key->purpose = KEY_RECEIPT;
	key->state = KEYSET_ACTIVE;
	memcpy(key->key, w->signer.public, KEY_BYTES);
	keyset_key_fill(key);
	compose(w, &item, 3);
	memcpy(ours.submission_id, item.header.submission_id, SUBMISSION_ID_BYTES);
	memcpy(ours.receipt_key_id, w->signer.id, KEY_ID_BYTES);
	submission_statement_digest(
	    ours.statement_digest, buf_bytes(&item.header_bytes), outbox_payload(&item));
	for (int i = 0; i < 10; i++) {
		struct receipt r = ours, got;
		struct buf statement = { 0 };
		uint8_t sig[KEY_SIG_BYTES];

		switch (i) {
		case 1:
			r.origin[0] = 'x';
			break;
		case 2:
			r.dataset[0] = 'x';
			break;
		case 3:
			r.period[3] = '5';
			break;
		case 4:
			r.office[0] = 'x';
			break;
		case 5:
			r.submission_id[15] ^= 1;
			break;
		case 6:
			r.statement_digest[31] ^= 1;
			break;
		case 7:
			r.revision = 2;
			break;
		default:
			break;
		}
		assert_true(receipt_encode(&statement, &r, &e));
		assert_true(receipt_sign(sig, &w->signer, buf_bytes(&statement), &e));
		sig[0] ^= i == 8;
		key->state = i == 9 ? KEYSET_REVOKED : KEYSET_ACTIVE;
		assert_int_equal(send_check_receipt(d, &item, buf_bytes(&statement), sig, &got, &e), i == 0);
		buf_free(&statement);
	}
	outbox_item_free(&item);
	free(d);
}

static void test_backoff(void **state)
{
	(void)state;
	assert_int_equal(net_backoff_ms(0, 0), 0);
	assert_int_equal(net_backoff_ms(0, UINT32_MAX), 1000);
	assert_int_equal(net_backoff_ms(3, UINT32_MAX), 8000);
	assert_int_equal(net_backoff_ms(9, UINT32_MAX), 512000);
	assert_int_equal(net_backoff_ms(10, UINT32_MAX), NET_BACKOFF_MAX);
	assert_int_equal(net_backoff_ms(4000000000u, UINT32_MAX), NET_BACKOFF_MAX);
	assert_int_equal(net_backoff_ms(1, 1u << 31), 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_stored_and_read, open_world, close_world),
		cmocka_unit_test_setup_teardown(test_states, open_world, close_world),
		cmocka_unit_test_setup_teardown(test_leftovers, open_world, close_world),
		cmocka_unit_test_setup_teardown(test_order, open_world, close_world),
		cmocka_unit_test_setup_teardown(test_sealed_again, open_world, close_world),
		cmocka_unit_test_setup_teardown(test_receipt_text, open_world, close_world),
		cmocka_unit_test_setup_teardown(test_receipt_of_another, open_world, close_world),
		cmocka_unit_test(test_backoff),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
