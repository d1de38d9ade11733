/* From a closed period to a release anybody can verify, and back; with failures at every step. */
#include "daemon/vault/journal.h"
#include "daemon/vault/publish.h"
#include "daemon/vault/publish_feed.h"
#include "proto/age.h"
#include "proto/feed.h"
#include "proto/link.h"
#include "proto/minisign.h"
#include "proto/release.h"
#include "proto/seal.h"
#include "tests/unit/vault/world.h"
#include <errno.h>

#define OFFICES 5

static const char config_text[] =
    "cellveil-config: 1\norigin: stats.example/log1\ndataset: personal-support\n"
    "form: {id: f, version: \"1\"}\nperiod: YYYY\n"
    "codes:\n"
    "  sex: [{code: _T}, {code: F, of: [_T]}, {code: M, of: [_T]}]\n"
    "  office: [{code: _T}, {code: o0, of: [_T]}, {code: o1, of: [_T]}, {code: o2, of: [_T]}, {code: o3, of: "
    "[_T]},"
    " {code: o4, of: [_T]}]\n"
    "measures:\n"
    "  - {id: clients, dims: [sex], max: 100000, unit: person, about: client, sv: Klienter, en: Clients}\n"
    "asked: [\"clients|F,M\"]\n"
    "release:\n"
    "  office_dim: office\n"
    "  tables: [{id: clients, measures: [clients], dims: [office, sex]}]\n"
    "%s"
    "policy: {threshold: 5, width: 2, zeros: camouflage}\n";

static struct world world;
static struct key_signer office_key[OFFICES];
static struct intake_key intake_key; /* public half and id */
static uint8_t principal[8], digest[32];

/* --- failing calls --- */

static unsigned calls, fail_at;

static bool fails(void)
{
	errno = EIO;
	return fail_at > 0 && ++calls == fail_at;
}

static ssize_t failing_write(void *context, int fd, const void *at, size_t len)
{
	return fails() ? -1 : os_real()->write(context, fd, at, len);
}

static int failing_sync(void *context, int fd)
{
	(void)context;
	(void)fd;
	return fails() ? -1 : 0; /* nobody pulls the plug here */
}

static int failing_rename(void *context, int dir, const char *from, const char *to)
{
	return fails() ? -1 : os_real()->rename(context, dir, from, to);
}

/* --- the world --- */

static bool start_may_fail(struct err *e)
{
	return vault_open(&world.v, &world.os, &world.conf, e) && intake_open(&world.v, e) &&
	       journal_open(&world.v, e) && publish_resume(&world.v, e) && journal_write(&world.v, e);
}

static void start(void)
{
	struct err e;

	check(start_may_fail(&e), &e);
}

static void stop(void)
{
	publish_close(&world.v);
	journal_close(&world.v);
	intake_close(&world.v);
	vault_close(&world.v);
}

static void restart(void)
{
	stop();
	start();
}

static void enroll_offices(void)
{
	const char *dataset = "personal-support";
	uint8_t seed[32] = { 0x77 }, curve[32];
	char name[8];
	struct err e;

	crypto_scalarmult_base(curve, seed);
	keys_id(principal, KEY_TYPE_CURVE, curve);
	for (unsigned i = 0; i < OFFICES; i++) {
		memset(seed, 0x80 + (int)i, sizeof seed);
		keys_signer(&office_key[i], seed);
		snprintf(name, sizeof name, "o%u", i);
		const struct registry_change change = { .office = name,
			.curve_key = curve,
			.sign_key = office_key[i].public,
			.roles = ROLE_OFFICE,
			.dataset = &dataset,
			.n_datasets = 1 };
		check(vault_enroll(&world.v, &change, &e), &e);
	}
}

/* Daemon, configuration, offices, an open period. publish: a line of the configuration, or "". */
static void make(const char *publish)
{
	struct buf yaml = { 0 };
	uint8_t key_id[8];
	struct err e;

	world_make(&world);
	world.os.write = failing_write;
	world.os.sync = failing_sync;
	world.os.rename = failing_rename;
	calls = fail_at = 0;
	start();
	buf_printf(&yaml, config_text, publish);
	check(vault_begin(&world.v, &e), &e);
	check(vault_add_config(&world.v, buf_bytes(&yaml), digest, &e), &e);
	enroll_offices();
	check(vault_new_intake_key(&world.v, INTAKE_ACTIVE, 0, 4000000000u, key_id, &e), &e);
	check(vault_plan_period(&world.v, "personal-support", "2025", 1, 4000000000u, &e), &e);
	check(vault_commit(&world.v, &e), &e);
	check(vault_tick_periods(&world.v, &e), &e);
	check(publish_files(&world.v, &e), &e);
	intake_key = *vaultkeys_find_intake(&world.v.keys, key_id);
	buf_free(&yaml);
}

static int teardown(void **state)
{
	(void)state;
	stop();
	world_remove(&world);
	return 0;
}

/* Files a form as an office would; the receipt is the only answer allowed. */
static void file_form(unsigned office, uint64_t women, uint64_t men, uint64_t revision)
{
	struct buf header = { 0 }, payload = { 0 }, box = { 0 }, body = { 0 }, answer = { 0 };
	uint8_t sig[64], blind[32], states[2] = { FIGURE_VALUE, FIGURE_VALUE };
	uint64_t values[2] = { women, men };
	struct figures figures = { 2, states, values };
	struct submission_header h = {
		.dataset = "personal-support", .period = "2025", .revision = revision, .act = ACT_FIGURES
	};
	struct message m = { .kind = MSG_SUBMIT }, reply;
	struct link_forward forward = { .n = 1, .endpoint = LINK_SUBMIT };
	struct err e;

	snprintf(h.office, sizeof h.office, "o%u", office);
	memcpy(h.config_digest, digest, 32);
	memcpy(h.office_key_id, office_key[office].id, 8);
	randombytes_buf(h.submission_id, sizeof h.submission_id);
	randombytes_buf(blind, sizeof blind);
	check(submission_header_encode(&header, &h, &e), &e);
	check(payload_encode_figures(&payload, vault_config(&world.v, digest, &e), &figures, blind, &e), &e);
	check(submission_sign(sig, &office_key[office], buf_bytes(&header), buf_bytes(&payload), &e), &e);
	check(seal_box(&box, sig, buf_bytes(&payload), intake_key.public_key, &e), &e);
	m.submit.header = buf_bytes(&header);
	m.submit.box = buf_bytes(&box);
	memcpy(m.submit.intake_key_id, intake_key.key_id, 8);
	check(message_encode(&body, &m, &e), &e);
	forward.body = buf_bytes(&body);
	memcpy(forward.principal, principal, 8);
	check(intake_answer(&world.v, &forward, &answer, &e), &e);
	check(message_decode(&reply, buf_bytes(&answer), &e), &e);
	assert_int_equal(reply.kind, MSG_RECEIPT);
	buf_free(&header);
	buf_free(&payload);
	buf_free(&box);
	buf_free(&body);
	buf_free(&answer);
}

static struct period period(void)
{
	struct period p;
	struct err e;

	check(vault_period(&world.v, "personal-support", "2025", &p, &e), &e);
	return p;
}

static void close_period(void)
{
	struct period p = period();
	struct err e;

	check(intake_commit(&world.v, &e), &e); /* the forms before, in one transaction */
	check(vault_begin(&world.v, &e), &e);
	check(vault_step_period(&world.v, &p, PERIOD_DO_CLOSE, &e), &e);
	check(vault_commit(&world.v, &e), &e);
}

/* Figures in which nothing is small. */
static void file_large(void)
{
	for (unsigned i = 0; i < OFFICES; i++)
		file_form(i, 40 + 7 * i, 60 + 3 * i, 0);
	close_period();
}

static void publish(struct publish_report *r)
{
	struct period p = period();
	struct err e;

	check(publish_release(&world.v, &p, false, r, &e), &e);
}

/* --- looking --- */

static void read_public(const char *name, struct buf *out)
{
	char path[256];
	struct err e;

	snprintf(path, sizeof path, "%s/state/public/%s", world.dir, name);
	buf_clear(out);
	check(os_read_file(AT_FDCWD, path, 1u << 24, out, &e), &e);
}

static bool has(const char *name)
{
	char path[256];

	snprintf(path, sizeof path, "%s/state/%s", world.dir, name);
	return access(path, F_OK) == 0;
}

static void read_state(struct feed_state *s)
{
	struct buf file = { 0 };
	struct err e;

	read_public("feed/personal-support/state", &file);
	check(feed_state_open(s, buf_bytes(&file), (const uint8_t(*)[32]) & world.v.keys.feed->public, 1, &e),
	    &e);
	buf_free(&file);
}

static void newest_envelope(struct buf *frame, struct feed_envelope *env, uint64_t seq)
{
	struct dataset d;
	struct bytes bytes;
	uint8_t signature[64];
	char path[160], id[33];
	struct err e;

	check(vault_dataset(&world.v, "personal-support", &d, &e), &e);
	assert_int_equal(d.feed_seq, seq);
	sodium_bin2hex(id, sizeof id, d.feed_id, 16);
	snprintf(path, sizeof path, "feed/personal-support/%s/%09u", id, (unsigned)seq);
	read_public(path, frame);
	check(feed_frame_parse(&bytes, signature, buf_bytes(frame), &e), &e);
	assert_true(feed_verify(FEED_RELEASE, bytes, signature, world.v.keys.feed->public));
	check(feed_decode(env, bytes, &e), &e);
}

static uint64_t count(const char *sql)
{
	struct rows r;
	struct err e;

	rows_open(&r, world.v.store, sql, "");
	uint64_t n = rows_next(&r) ? rows_uint(&r, 0) : 0;
	check(rows_close(&r, &e), &e);
	return n;
}

/* Everything a reader would check, over static files. */
static void verify_release(const struct publish_report *report, uint64_t seq)
{
	struct manifest *m = calloc(1, sizeof *m);
	struct buf text = { 0 }, minisig = { 0 }, file = { 0 };
	struct minisign_claim want = { .file = "manifest.txt",
		.origin = "stats.example/log1",
		.dataset = "personal-support",
		.period = "2025",
		.revision = report->revision,
		.seq = seq };
	struct dataset d;
	uint8_t object[32];
	char path[160];
	struct err e;

	check(vault_dataset(&world.v, "personal-support", &d, &e), &e);
	memcpy(want.feed_id, d.feed_id, 16);
	read_public("release/personal-support/2025/0/manifest.txt", &text);
	read_public("release/personal-support/2025/0/manifest.txt.minisig", &minisig);
	check(minisign_verify(buf_bytes(&minisig), buf_bytes(&text), world.v.keys.release->id,
		  world.v.keys.release->public, &want, NULL, &e),
	    &e);
	release_digest(object, buf_bytes(&text));
	assert_memory_equal(object, report->object, 32);
	check(manifest_parse(m, buf_bytes(&text), &e), &e);
	for (size_t i = 0; i < m->n_files; i++) {
		snprintf(path, sizeof path, "release/personal-support/2025/0/%s", m->file[i].name);
		read_public(path, &file);
		check(manifest_check_file(m, m->file[i].name, buf_bytes(&file), &e), &e);
	}
	assert_non_null(manifest_find(m, "release.csv"));
	assert_non_null(manifest_find(m, "release.json"));
	assert_non_null(manifest_find(m, "release.msgpack"));
	assert_non_null(manifest_find(m, "certificate.cvc"));
	free(m);
	buf_free(&text);
	buf_free(&minisig);
	buf_free(&file);
}

/* --- tests --- */

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

/* Oracle v and F5, F6: whatever fails, a later run ends with the same bytes, once. */
static void test_each_failure_ends_in_the_same_release(void **state)
{
	struct publish_report r = { 0 };
	struct period p;
	uint8_t object[32] = { 0 };
	struct err e;
	bool done = false;

	(void)state;
	for (unsigned n = 1; !done; n++) {
		if (n > 1) {
			stop();
			world_remove(&world);
		}
		make("");
		file_large();
		p = period();
		calls = 0;
		fail_at = n;
		done = publish_release(&world.v, &p, false, &r, &e);
		publish_report_free(&r);
		fail_at = 0;
		if (!done) {
			assert_int_equal(e.code, ERR_SYSTEM);
			restart(); /* what was sealed or committed is carried to its end */
			if (count("SELECT count(*) FROM release WHERE stage = 3") == 0)
				publish(&r);
		}
		assert_int_equal(count("SELECT count(*) FROM release WHERE stage = 3 AND done = 1"), 1);
		assert_int_equal(count("SELECT count(*) FROM feed"), 1);
		assert_int_equal(count("SELECT count(*) FROM ledger"), 1);
		r = (struct publish_report){ 0 };
		check(publish_show(&world.v, &p, &r, &e), &e);
		verify_release(&r, 1);
		if (n == 1)
			memcpy(object, r.object, 32);
		publish_report_free(&r);
		r = (struct publish_report){ 0 };
		assert_true(n < 200);
	}
}

/* The same again, but the failures strike at the repeated steps of a start. */
static void test_each_failure_at_start_is_repaired(void **state)
{
	struct publish_report r = { 0 };
	bool done = false;
	struct err e;

	(void)state;
	make("");
	file_large();
	publish(&r);
	for (unsigned n = 1; !done; n++) {
		char command[200];

		check(vault_begin(&world.v, &e), &e);
		check(store_run(world.v.store, &e, "UPDATE release SET done = 0", "") &&
			  vault_commit(&world.v, &e),
		    &e);
		stop();
		snprintf(command, sizeof command, "rm -rf %s/state/public/release %s/state/public/feed",
		    world.dir, world.dir);
		assert_int_equal(system(command), 0);
		calls = 0;
		fail_at = n;
		done = start_may_fail(&e);
		fail_at = 0;
		if (!done) {
			restart();
		}
		verify_release(&r, 1);
		assert_int_equal(count("SELECT count(*) FROM feed"), 1);
		assert_true(n < 300);
	}
	publish_report_free(&r);
}

/* F53: stray, missing, changed files, and a planted link. */
static void test_public_is_what_rows_explain(void **state)
{
	struct publish_report r = { 0 };
	char command[640];
	const char *d = NULL;

	(void)state;
	make("");
	file_large();
	publish(&r);
	d = world.dir;
	snprintf(command, sizeof command,
	    "cd %s/state/public && echo x >stray && mkdir -p release/personal-support/2024/0 &&"
	    " echo x >release/personal-support/2024/0/release.csv && rm keyset config/* "
	    "feed/personal-support/state;"
	    " echo x >>release/personal-support/2025/0/release.csv; ln -s /etc/passwd object/link;"
	    " echo x >../audit/stray.age",
	    d);
	assert_int_equal(system(command), 0);
	restart();
	verify_release(&r, 1);
	assert_false(has("public/stray"));
	assert_false(has("public/release/personal-support/2024"));
	assert_false(has("public/object/link"));
	assert_false(has("audit/stray.age"));
	assert_true(has("public/feed/personal-support/state"));
	publish_report_free(&r);
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

/* --- the feed's bound --- */

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
		cmocka_unit_test_teardown(test_each_failure_ends_in_the_same_release, teardown),
		cmocka_unit_test_teardown(test_each_failure_at_start_is_repaired, teardown),
		cmocka_unit_test_teardown(test_public_is_what_rows_explain, teardown),
		cmocka_unit_test_teardown(test_auditors_can_open_the_manifest, teardown),
		cmocka_unit_test_teardown(test_the_feed_carries_what_fits, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
