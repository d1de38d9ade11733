/* From a closed period to a release anybody can verify, and back. */
#include "daemon/vault/publish_feed.h"
#include "proto/age.h"
#include "publishfixture.h"

static void test_a_release_verifies(void **state)
{
	struct publish_report r = { 0 };
	struct feed_envelope env;
	struct feed_state s;
	struct buf frame = { 0 };
	uint64_t size = 0;
	uint8_t root[32];

	(void)state;
	make("");
	file_large();
	publish(&r);
	assert_int_equal(r.stage, STAGE_PUBLISHED);
	assert_int_equal(r.n_offices, OFFICES);
	assert_int_equal(r.n_cells, 18); /* six offices and total, three sexes and total */
	assert_int_equal(r.n_suppressed, 0);
	verify_release(&r, 1);
	newest_envelope(&frame, &env, 1);
	assert_int_equal(env.action, FEED_NEW);
	assert_memory_equal(env.object, r.object, 32);
	journal_signed(&world.v, &size, root);
	assert_true(env.log_index < size); /* the checkpoint covers the leaf before anybody hears */
	read_state(&s);
	assert_int_equal(s.n_rows, 1);
	assert_int_equal(s.as_of, 1);
	assert_memory_equal(s.row[0].object, r.object, 32);
	assert_int_equal(count("SELECT count(*) FROM release WHERE done = 1 AND stage = 3"), 1);
	feed_state_free(&s);
	buf_free(&frame);
	publish_report_free(&r);
}

static void test_what_is_published_stays(void **state)
{
	struct publish_report r = { 0 }, again = { 0 }, shown = { 0 };
	struct period p;
	struct err e;

	(void)state;
	make("");
	file_large();
	publish(&r);
	p = period();
	assert_false(publish_release(&world.v, &p, false, &again, &e));
	assert_int_equal(e.code, ERR_REFUSED);
	assert_non_null(strstr(e.text, "no office has sent anything new"));
	restart();
	verify_release(&r, 1);
	check(publish_show(&world.v, &p, &shown, &e), &e); /* makes it again and compares the object */
	assert_memory_equal(shown.object, r.object, 32);
	assert_int_equal(count("SELECT count(*) FROM feed"), 1);
	publish_report_free(&r);
	publish_report_free(&again);
	publish_report_free(&shown);
}

static void test_only_closed_periods(void **state)
{
	struct publish_report r = { 0 };
	struct period p;
	struct err e;

	(void)state;
	make("");
	file_form(0, 50, 60, 0);
	check(intake_commit(&world.v, &e), &e);
	p = period();
	assert_false(publish_release(&world.v, &p, false, &r, &e));
	assert_int_equal(e.code, ERR_REFUSED);
	assert_int_equal(count("SELECT count(*) FROM seal"), 0);
	publish_report_free(&r);
}

static void test_too_few_offices_are_withheld(void **state)
{
	struct publish_report r = { 0 };

	(void)state;
	make("");
	file_form(0, 50, 60, 0);
	file_form(1, 50, 60, 0);
	close_period();
	publish(&r);
	assert_int_equal(r.stage, STAGE_WITHHELD);
	assert_true(r.text.size > 0);
	assert_false(has("public/release"));
	assert_int_equal(count("SELECT count(*) FROM feed"), 0);
	assert_int_equal(
	    count("SELECT count(*) FROM leaf WHERE CAST(entry AS TEXT) LIKE '%\"k\":\"no-release\"%'"), 1);
	assert_int_equal(count("SELECT count(*) FROM release_file"), 0);
	publish_report_free(&r);
}

static void test_a_dry_run_leaves_no_trace(void **state)
{
	struct publish_report r = { 0 };
	struct period p;
	uint64_t leaves;
	struct err e;

	(void)state;
	make("");
	file_large();
	p = period();
	leaves = world.v.log_saved;
	check(publish_release(&world.v, &p, true, &r, &e), &e);
	assert_int_equal(r.n_cells, 18);
	assert_int_equal(world.v.log_saved, leaves);
	assert_int_equal(count("SELECT count(*) FROM seal"), 0);
	assert_false(has("public/release"));
	publish_report_free(&r);
}

static unsigned hidden, explained;

static void count_hidden(void *context, const struct publish_cell *cell)
{
	(void)context;
	if (strcmp(cell->state, "hidden") == 0) {
		hidden++;
		explained += cell->why[0] != '\0';
		assert_string_equal(cell->value, "");
	}
}

static void test_small_counts_are_hidden_and_why(void **state)
{
	struct publish_report r = { 0 }, shown = { .cell = count_hidden };
	struct buf csv = { 0 };
	struct period p;
	struct err e;

	(void)state;
	make("");
	file_form(0, 2, 60, 0);
	for (unsigned i = 1; i < OFFICES; i++)
		file_form(i, 40 + 7 * i, 60 + 3 * i, 0);
	close_period();
	publish(&r);
	assert_int_equal(r.stage, STAGE_PUBLISHED);
	assert_true(r.n_suppressed >= 4); /* the small one, and what would give it back */
	hidden = explained = 0;
	p = period();
	check(publish_show(&world.v, &p, &shown, &e), &e);
	assert_int_equal(hidden, r.n_suppressed);
	assert_int_equal(explained, hidden);
	read_public("release/personal-support/2025/0/release.csv", &csv);
	buf_put_byte(&csv, 0);
	assert_null(strstr((const char *)csv.data, ",2,"));
	publish_report_free(&r);
	publish_report_free(&shown);
	buf_free(&csv);
}

static void pass_time(uint64_t seconds)
{
	world.now_s += seconds;
	world.boot_ms += seconds * 1000;
}

/* The instant comes from the configuration, not from when the work was done. */
static void test_the_instant_of_publication(void **state)
{
	struct publish_report r = { 0 };
	struct err e;

	(void)state;
	make("  publish: P60D\n");
	file_large();
	pass_time(period_end_s("2025") + 59u * 86400 - world.now_s);
	publish(&r);
	assert_int_equal(r.stage, STAGE_SEALED);
	check(publish_tick(&world.v, &e), &e);
	assert_false(has("public/release"));
	restart();
	assert_false(has("public/release"));
	world.now_s += 2u * 86400; /* a clock that jumps publishes nothing */
	check(publish_tick(&world.v, &e), &e);
	assert_false(has("public/release"));
	world.now_s -= 2u * 86400;
	pass_time(2u * 86400);
	check(publish_tick(&world.v, &e), &e);
	assert_true(has("public/release/personal-support/2025/0/release.csv"));
	publish_report_free(&r);
}

static void test_withdrawing_gives_nothing_back(void **state)
{
	struct publish_report r = { 0 }, w = { 0 }, again = { 0 };
	struct feed_envelope env;
	struct feed_state s;
	struct buf frame = { 0 }, csv = { 0 };
	uint8_t object[32];
	char path[160], hex[65];
	struct period p;
	struct err e;

	(void)state;
	make("");
	file_large();
	publish(&r);
	read_public("release/personal-support/2025/0/release.csv", &csv);
	release_digest(object, buf_bytes(&csv));
	p = period();
	check(publish_withdraw(&world.v, &p, LOG_REASON_ERROR, &w, &e), &e);
	sodium_bin2hex(hex, sizeof hex, object, 32);
	snprintf(path, sizeof path, "public/object/%.2s/%s", hex, hex);
	assert_false(has(path));
	assert_false(has("public/release/personal-support/2025/0"));
	newest_envelope(&frame, &env, 2);
	assert_int_equal(env.action, FEED_WITHDRAWS);
	assert_memory_equal(env.object, r.object, 32);
	read_state(&s);
	assert_int_equal(s.n_rows, 0);
	assert_int_equal(s.as_of, 2);
	feed_state_free(&s);
	assert_int_equal(count("SELECT count(*) FROM ledger"), 1);
	assert_int_equal(
	    count("SELECT count(*) FROM leaf WHERE CAST(entry AS TEXT) LIKE '%\"k\":\"withdraw\"%'"), 1);
	assert_false(publish_withdraw(&world.v, &p, LOG_REASON_ERROR, &w, &e));
	assert_int_equal(e.code, ERR_NOT_FOUND);
	restart(); /* F56: the withdrawn one counts for ever */
	assert_false(has("public/release/personal-support/2025/0"));
	if (publish_release(&world.v, &p, false, &again, &e))
		assert_int_equal(again.revision, 1);
	publish_report_free(&r);
	publish_report_free(&w);
	publish_report_free(&again);
	buf_free(&frame);
	buf_free(&csv);
}

static void enroll_auditor(const uint8_t secret[32])
{
	const char *dataset = "personal-support";
	uint8_t curve[32], seed[32] = { 0x55 }, key[32];
	char recipient[AGE_RECIPIENT_TEXT];
	struct err e;

	crypto_scalarmult_base(curve, seed);
	crypto_scalarmult_base(key, secret);
	age_recipient_print(recipient, key);
	const struct registry_change change = { .curve_key = curve,
		.roles = ROLE_AUDITOR,
		.dataset = &dataset,
		.n_datasets = 1,
		.age = recipient };
	check(vault_begin(&world.v, &e), &e);
	check(vault_enroll(&world.v, &change, &e), &e);
	check(vault_commit(&world.v, &e), &e);
}

static void check_sealed_manifest(const uint8_t secret[32])
{
	struct buf file = { 0 }, plain = { 0 };
	uint8_t man[32];
	struct rows r;
	char path[200], hex[65], leaf[400];
	struct err e;

	rows_open(&r, world.v.store, "SELECT digest FROM sealed_manifest", "");
	assert_true(rows_next(&r) && rows_copy(&r, 0, man, 32));
	check(rows_close(&r, &e), &e);
	sodium_bin2hex(hex, sizeof hex, man, 32);
	snprintf(path, sizeof path, "%s/state/audit/%s.age", world.dir, hex);
	check(os_read_file(AT_FDCWD, path, 1u << 24, &file, &e), &e);
	check(age_decrypt(&plain, buf_bytes(&file), secret, &e), &e);
	keys_file_digest(man, buf_bytes(&plain));
	sodium_bin2hex(leaf, 65, man, 32);
	assert_string_equal(leaf, hex);
	assert_int_equal(plain.size % 4096, 0); /* its size tells nothing */
	snprintf(leaf, sizeof leaf,
	    "SELECT count(*) FROM leaf WHERE CAST(entry AS TEXT) LIKE '%%\"man\":\"%s\"%%'", hex);
	assert_int_equal(count(leaf), 1);
	assert_memory_equal(plain.data, "{\"v\":1,\"salt\":", 14);
	buf_free(&file);
	buf_free(&plain);
}

static void test_auditors_can_open_the_manifest(void **state)
{
	const uint8_t secret[32] = { 0x42 };
	struct publish_report r = { 0 };

	(void)state;
	make("");
	enroll_auditor(secret);
	file_large();
	publish(&r);
	check_sealed_manifest(secret);
	restart();
	check_sealed_manifest(secret);
	publish_report_free(&r);
}

/* 65 by 65 codes: more combinations than an office's part of a table may have. */
static void put_wide_config(struct buf *yaml)
{
	buf_put_text(yaml, "cellveil-config: 1\norigin: stats.example/log1\ndataset: wide\n"
			   "form: {id: wide, version: \"1\", valid: \"2025..\"}\nperiod: YYYY\ncodes:\n"
			   "  office: [{code: _T}, {code: o0, of: [_T]}]\n");
	for (unsigned list = 0; list < 2; list++) {
		buf_printf(yaml, "  %s: [{code: _T}", list == 0 ? "age" : "area");
		for (unsigned i = 0; i < 64; i++)
			buf_printf(yaml, ", {code: c%u, of: [_T]}", i);
		buf_put_text(yaml, "]\n");
	}
	buf_put_text(yaml, "measures:\n  - {id: clients, dims: [age, area], max: 100000, unit: person, "
			   "about: client, en: Clients}\n"
			   "asked: [\"clients|c0|c0\"]\n"
			   "release: {office_dim: office, tables: [{id: clients, measures: [clients], dims: "
			   "[office, age, area]}]}\n"
			   "policy: {threshold: 5}\n");
}

static void test_what_cannot_be_published_is_not_asked_for(void **state)
{
	(void)state;
	struct buf yaml = { 0 };
	struct err e;
	make("");
	put_wide_config(&yaml);
	check(vault_begin(&world.v, &e), &e);
	check(vault_add_config(&world.v, buf_bytes(&yaml), digest, &e), &e);
	assert_false(vault_plan_period(&world.v, "wide", "2025", 1, 4000000000u, &e));
	assert_int_equal(e.code, ERR_LIMIT);
	assert_string_equal(e.text,
	    "configuration: nothing could be published: the printed measures' dimensions are too "
	    "large together");
	check(vault_commit(&world.v, &e), &e);
	buf_free(&yaml);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_a_release_verifies, teardown),
		cmocka_unit_test_teardown(test_what_is_published_stays, teardown),
		cmocka_unit_test_teardown(test_only_closed_periods, teardown),
		cmocka_unit_test_teardown(test_what_cannot_be_published_is_not_asked_for, teardown),
		cmocka_unit_test_teardown(test_too_few_offices_are_withheld, teardown),
		cmocka_unit_test_teardown(test_a_dry_run_leaves_no_trace, teardown),
		cmocka_unit_test_teardown(test_small_counts_are_hidden_and_why, teardown),
		cmocka_unit_test_teardown(test_the_instant_of_publication, teardown),
		cmocka_unit_test_teardown(test_withdrawing_gives_nothing_back, teardown),
		cmocka_unit_test_teardown(test_auditors_can_open_the_manifest, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
