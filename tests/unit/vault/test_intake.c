/* The submission vectors, each through the whole intake with a store of its own. */
#include "../proto/vectors.h"
#include "world.h"

static const char *name_of(const struct message *m)
{
	if (m->kind == MSG_RECEIPT)
		return m->receipt.duplicate ? "RECEIPT_DUPLICATE" : "RECEIPT";
	return m->kind == MSG_REJECT ? reject_code_name(m->reject.code) : message_kind_name(m->kind);
}

static uint64_t count_rows(struct world *w, const char *which)
{
	struct rows r;
	struct err e;
	if (strcmp(which, "submission") == 0)
		rows_open(&r, w->v.store, "SELECT count(*) FROM submission", "");
	else
		rows_open(&r, w->v.store, "SELECT count(*) FROM leaf", "");
	assert_true(rows_next(&r));
	uint64_t n = rows_uint(&r, 0);
	check(rows_close(&r, &e), &e);
	return n;
}

/* A receipt must verify, a permanent refusal of a SUBMIT that could be read must be signed. */
static void check_signature(struct world *w, const struct message *m)
{
	struct err e;
	struct receipt receipt;
	struct refusal refusal;
	const uint8_t *key = w->v.keys.receipt->public;
	if (m->kind == MSG_RECEIPT)
		check(receipt_open(&receipt, m->receipt.statement, m->receipt.signature, key, &e), &e);
	else if (m->reject.is_signed)
		check(refusal_open(&refusal, m->reject.statement, m->reject.signature, key, &e), &e);
	else if (m->reject.class == CLASS_PERMANENT)
		assert_true(m->reject.code == REJECT_MALFORMED || m->reject.code == REJECT_UNSUPPORTED);
}

static void run_case(const json_t *item, struct bytes first, const uint8_t digest[32])
{
	struct world w;
	struct buf bytes = { 0 };
	struct message *answer = calloc(1, sizeof *answer);
	struct bytes body = vectors_hex(item, "body");
	unsigned place = strcmp(vectors_text(item, "principal"), "exempel") == 0 ? 0 : 1;
	assert_non_null(answer);
	world_vectors(&w, digest);
	if (vectors_true(item, "stored"))
		world_send(&w, 0, first, &bytes, answer);
	uint64_t rows = count_rows(&w, "submission");
	world_send(&w, place, body, &bytes, answer);
	if (strcmp(name_of(answer), vectors_text(item, "expect")) != 0)
		fail_msg("%s: %s, not %s", vectors_text(item, "name"), name_of(answer),
		    vectors_text(item, "expect"));
	if (answer->kind == MSG_REJECT)
		assert_int_equal(answer->reject.detail, vectors_number(item, "detail"));
	check_signature(&w, answer);
	bool kept = answer->kind == MSG_RECEIPT && !answer->receipt.duplicate;
	assert_int_equal(count_rows(&w, "submission"), rows + kept);
	vectors_free(body);
	free(answer);
	buf_free(&bytes);
	world_close(&w);
	world_remove(&w);
}

static void test_vectors(void **state)
{
	(void)state;
	uint8_t digest[32];
	json_t *all = vectors_load("submission.json");
	const json_t *config = json_object_get(all, "config");
	struct bytes first = vectors_hex(json_array_get(json_object_get(all, "positive"), 0), "body");
	size_t i;
	const json_t *item;
	assert_true(hex_decode(digest, 32, bytes_text(vectors_text(config, "digest"))));
	json_array_foreach(json_object_get(all, "cases"), i, item) run_case(item, first, digest);
	assert_true(i > 70);
	vectors_free(first);
	json_decref(all);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_vectors) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
