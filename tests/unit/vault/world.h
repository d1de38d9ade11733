/* world - a vault in a directory of its own, with a clock the test holds, for the tests of daemon/vault. */
#ifndef TESTS_WORLD_H
#define TESTS_WORLD_H
#include "daemon/vault/accept.h"
#include "daemon/vault/dataset.h"
#include "daemon/vault/intake.h"
#include "daemon/vault/vault.h"
#include "proto/config.h"
#include "proto/keys.h"

#include <fcntl.h>
#include <setjmp.h>
#include <sodium.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define WORLD_NOW 1767225600u /* created of the submission vectors */

struct world {
	char dir[64];
	struct os os;
	struct conf conf;
	struct vault v;
	uint64_t now_s, boot_ms;
	uint8_t curve[2][32]; /* CURVE keys of offices exempel and grannkommun */
	uint8_t principal[2][8];
};

static inline uint64_t world_wall(void *context)
{
	return ((const struct world *)context)->now_s;
}

static inline uint64_t world_boot(void *context)
{
	return ((const struct world *)context)->boot_ms;
}

/* Time passes, as both clocks see it. */
static inline void world_advance(struct world *w, uint64_t seconds)
{
	w->now_s += seconds;
	w->boot_ms += seconds * 1000;
}

static inline void check(bool ok, const struct err *e)
{
	if (!ok)
		fail_msg("%s", e->text);
}

static inline void world_key_file(const struct world *w, enum key_purpose purpose, uint8_t byte)
{
	uint8_t seed[32];
	char path[160];
	struct buf text = { 0 };
	struct err e;
	memset(seed, byte, sizeof seed);
	keys_secret_print(&text, purpose, seed, "2026-01-01");
	snprintf(path, sizeof path, "%s/keys/%s", w->dir, keys_purpose_name(purpose));
	check(os_write_file(os_real(), AT_FDCWD, path, buf_bytes(&text), 0600, OS_LOOSE, &e), &e);
	buf_free(&text);
}

/* Directory, keys and configuration of the daemon; nothing opened yet. */
static inline void world_make(struct world *w)
{
	char text[512];
	char path[96];
	struct err e;
	*w = (struct world){ .now_s = WORLD_NOW, .boot_ms = 1000 };
	assert_true(sodium_init() >= 0);
	snprintf(w->dir, sizeof w->dir, "/tmp/cellveil-test-XXXXXX");
	assert_non_null(mkdtemp(w->dir));
	snprintf(path, sizeof path, "%s/keys", w->dir);
	assert_int_equal(mkdir(path, 0700), 0);
	snprintf(path, sizeof path, "%s/state", w->dir);
	assert_int_equal(mkdir(path, 0755), 0);
	snprintf(path, sizeof path, "%s/state/first-start", w->dir); /* as cellveilctl init leaves it */
	assert_true(close(open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644)) == 0);
	world_key_file(w, KEY_MASTER, 0x0d);
	world_key_file(w, KEY_RECEIPT, 6);
	world_key_file(w, KEY_FEED, 8);
	world_key_file(w, KEY_LOG, 4);
	world_key_file(w, KEY_RELEASE, 7);
	snprintf(text, sizeof text,
	    "[authority]\nname = test\norigin = stats.example/log1\n"
	    "[paths]\nstate = %s/state\nrun = %s/run\nkeys = %s/keys\n",
	    w->dir, w->dir, w->dir);
	check(conf_parse(&w->conf, "test.conf", text, &e), &e);
	w->os = *os_real();
	w->os.context = w;
	w->os.wall_s = world_wall;
	w->os.boot_ms = world_boot;
}

static inline void world_open(struct world *w)
{
	struct err e;
	check(vault_open(&w->v, &w->os, &w->conf, &e) && intake_open(&w->v, &e), &e);
}

static inline void world_close(struct world *w)
{
	intake_close(&w->v);
	vault_close(&w->v);
}

static inline void world_remove(const struct world *w)
{
	char command[96];
	snprintf(command, sizeof command, "rm -rf %s", w->dir);
	assert_int_equal(system(command), 0);
}

/* The form of tests/vectors/submission.json, as a configuration that says the same. */
static const char world_config[] =
    "cellveil-config: 1\norigin: stats.example/log1\ndataset: personal-support\n"
    "form: {id: po-redovisning, version: \"2025.1\"}\nperiod: YYYY\n"
    "codes:\n"
    "  sex: [{code: _T}, {code: F, of: [_T]}]\n"
    "  age: [{code: _T}, {code: Y, of: [_T]}, {code: O, of: [_T]}]\n"
    "  office: [{code: _T}, {code: exempel, of: [_T]}, {code: grannkommun, of: [_T]}]\n"
    "measures:\n"
    "  - {id: clients, dims: [sex, age], max: 100000, unit: person}\n"
    "  - {id: children_home, dims: [sex], max: 100000, unit: person}\n"
    "  - {id: posts, decimals: 2, max: 1000, unit: post}\n"
    "  - {id: queue, max: 1, unit: bool}\n"
    "  - {id: old_question, max: 1, unit: bool}\n"
    "asked: [\"clients|*|*\", \"children_home|*\", posts, queue]\n";

/* Puts the form into the store, under another digest than its own if there is one. */
static inline void world_add_config(struct world *w, const uint8_t *digest)
{
	struct err e;
	uint8_t own[32];
	struct bytes yaml = bytes_text(world_config);
	check(vault_begin(&w->v, &e), &e);
	if (digest == NULL) {
		check(vault_add_config(&w->v, yaml, own, &e), &e);
	} else {
		struct config *config = config_parse(yaml, &e);
		static const uint8_t zeros[32];
		check(config != NULL, &e);
		memcpy(config->digest, digest, 32);
		check(dataset_keep(&w->v, config, &e), &e);
		check(store_run(w->v.store, &e,
			  "INSERT INTO config(digest, dataset, bytes, added_s) VALUES(?, ?, ?, 1)", "btb",
			  bytes_of(digest, 32), "personal-support", yaml),
		    &e);
		check(store_run(w->v.store, &e,
			  "INSERT INTO dataset(name, config, feed_id, feed_link) VALUES(?, ?, ?, ?)", "tbbb",
			  "personal-support", bytes_of(digest, 32), bytes_of(zeros, 16), bytes_of(zeros, 32)),
		    &e);
	}
	check(vault_commit(&w->v, &e), &e);
}

static inline void world_enroll(struct world *w, unsigned place, const char *office, uint8_t sign_seed)
{
	uint8_t seed[32];
	struct key_signer signer;
	struct err e;
	const char *dataset = "personal-support";
	memset(seed, sign_seed, sizeof seed);
	keys_signer(&signer, seed);
	memset(seed, 0x40 + place, sizeof seed);
	crypto_scalarmult_base(w->curve[place], seed);
	keys_id(w->principal[place], KEY_TYPE_CURVE, w->curve[place]);
	struct registry_change change = { .office = office,
		.curve_key = w->curve[place],
		.sign_key = signer.public,
		.roles = ROLE_OFFICE,
		.dataset = &dataset,
		.n_datasets = 1 };
	check(vault_begin(&w->v, &e), &e);
	check(vault_enroll(&w->v, &change, &e), &e);
	check(vault_commit(&w->v, &e), &e);
}

/* An intake key whose secret the test knows; in memory only. */
static inline void world_intake_key(struct world *w, uint8_t byte, enum intake_state state)
{
	struct intake_key *key = &w->v.keys.intake[w->v.keys.n_intake++];
	*key = (struct intake_key){ .state = state, .secret = vaultkeys_alloc(32) };
	assert_non_null(key->secret);
	memset(key->secret, byte, 32);
	crypto_scalarmult_base(key->public_key, key->secret);
	keys_id(key->key_id, KEY_TYPE_INTAKE, key->public_key);
}

static inline void world_period(struct world *w, const char *name, uint64_t opens_s, uint64_t closes_s)
{
	struct err e;
	check(vault_begin(&w->v, &e), &e);
	check(vault_plan_period(&w->v, "personal-support", name, opens_s, closes_s, &e), &e);
	check(vault_commit(&w->v, &e), &e);
	check(vault_tick_periods(&w->v, &e), &e);
}

/* The state in which every case of the submission vectors begins. */
static inline void world_vectors(struct world *w, const uint8_t digest[32])
{
	world_make(w);
	world_open(w);
	world_add_config(w, digest);
	world_enroll(w, 0, "exempel", 0x01);
	world_enroll(w, 1, "grannkommun", 0x11);
	world_intake_key(w, 0x02, INTAKE_ACTIVE);
	world_intake_key(w, 0x12, INTAKE_ACCEPT_ONLY);
	world_period(w, "2025", w->now_s - 100, w->now_s + 1000);
	world_period(w, "2026", w->now_s + 5000, w->now_s + 9000);
}

/* Sends a body as the principal; answer is decoded from bytes, which the caller frees. */
static inline void world_send(
    struct world *w, unsigned place, struct bytes body, struct buf *bytes, struct message *answer)
{
	static uint64_t n;
	struct err e;
	struct link_forward forward = { .n = ++n, .endpoint = LINK_SUBMIT, .body = body };
	memcpy(forward.principal, w->principal[place], 8);
	buf_clear(bytes);
	check(intake_answer(&w->v, &forward, bytes, &e), &e);
	check(message_decode(answer, buf_bytes(bytes), &e), &e);
}
#endif
