/* publishfixture - one vault with five offices, a period to publish and ways to look at what came out; every call that writes,
 * syncs or renames can be made to fail. One of it a program: the world is a variable of the file. */
#ifndef TESTS_PUBLISHFIXTURE_H
#define TESTS_PUBLISHFIXTURE_H
#include "daemon/vault/journal.h"
#include "daemon/vault/publish.h"
#include "proto/feed.h"
#include "proto/link.h"
#include "proto/minisign.h"
#include "proto/release.h"
#include "proto/seal.h"
#include "world.h"

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

static inline bool fails(void)
{
	errno = EIO;
	return fail_at > 0 && ++calls == fail_at;
}

static inline ssize_t failing_write(void *context, int fd, const void *at, size_t len)
{
	return fails() ? -1 : os_real()->write(context, fd, at, len);
}

static inline int failing_sync(void *context, int fd)
{
	(void)context;
	(void)fd;
	return fails() ? -1 : 0; /* nobody pulls the plug here */
}

static inline int failing_rename(void *context, int dir, const char *from, const char *to)
{
	return fails() ? -1 : os_real()->rename(context, dir, from, to);
}

/* --- the world --- */

static inline bool start_may_fail(struct err *e)
{
	return vault_open(&world.v, &world.os, &world.conf, e) && intake_open(&world.v, e) &&
	       journal_open(&world.v, e) && publish_resume(&world.v, e) && journal_write(&world.v, e);
}

static inline void start(void)
{
	struct err e;

	check(start_may_fail(&e), &e);
}

static inline void stop(void)
{
	publish_close(&world.v);
	journal_close(&world.v);
	intake_close(&world.v);
	vault_close(&world.v);
}

static inline void restart(void)
{
	stop();
	start();
}

static inline void enroll_offices(void)
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
static inline void make(const char *publish)
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

static inline int teardown(void **state)
{
	(void)state;
	stop();
	world_remove(&world);
	return 0;
}

/* Files a form as an office would; the receipt is the only answer allowed. */
static inline void file_form(unsigned office, uint64_t women, uint64_t men, uint64_t revision)
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

static inline struct period period(void)
{
	struct period p;
	struct err e;

	check(vault_period(&world.v, "personal-support", "2025", &p, &e), &e);
	return p;
}

static inline void close_period(void)
{
	struct period p = period();
	struct err e;

	check(intake_commit(&world.v, &e), &e); /* the forms before, in one transaction */
	check(vault_begin(&world.v, &e), &e);
	check(vault_step_period(&world.v, &p, PERIOD_DO_CLOSE, &e), &e);
	check(vault_commit(&world.v, &e), &e);
}

/* Figures in which nothing is small. */
static inline void file_large(void)
{
	for (unsigned i = 0; i < OFFICES; i++)
		file_form(i, 40 + 7 * i, 60 + 3 * i, 0);
	close_period();
}

static inline void publish(struct publish_report *r)
{
	struct period p = period();
	struct err e;

	check(publish_release(&world.v, &p, false, r, &e), &e);
}

/* --- looking --- */

static inline void read_public(const char *name, struct buf *out)
{
	char path[256];
	struct err e;

	snprintf(path, sizeof path, "%s/state/public/%s", world.dir, name);
	buf_clear(out);
	check(os_read_file(AT_FDCWD, path, 1u << 24, out, &e), &e);
}

static inline bool has(const char *name)
{
	char path[256];

	snprintf(path, sizeof path, "%s/state/%s", world.dir, name);
	return access(path, F_OK) == 0;
}

static inline void read_state(struct feed_state *s)
{
	struct buf file = { 0 };
	struct err e;

	read_public("feed/personal-support/state", &file);
	check(feed_state_open(s, buf_bytes(&file), (const uint8_t(*)[32]) & world.v.keys.feed->public, 1, &e),
	    &e);
	buf_free(&file);
}

static inline void newest_envelope(struct buf *frame, struct feed_envelope *env, uint64_t seq)
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

static inline uint64_t count(const char *sql)
{
	struct rows r;
	struct err e;

	rows_open(&r, world.v.store, sql, "");
	uint64_t n = rows_next(&r) ? rows_uint(&r, 0) : 0;
	check(rows_close(&r, &e), &e);
	return n;
}

/* Everything a reader would check, over static files. */
static inline void verify_release(const struct publish_report *report, uint64_t seq)
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
#endif
