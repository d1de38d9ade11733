#include "proto/checkpoint.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <sodium.h>

#include "tests/unit/proto/vectors.h"

struct parties {
	json_t *keys, *log_file;
	struct vkey log, witness;
	struct key_signer log_signer, witness_signer;
};

static void load_party(const json_t *keys, const char *who, struct vkey *key, struct key_signer *signer)
{
	const json_t *entry = json_object_get(keys, who);
	struct bytes seed = vectors_hex(entry, "seed");
	assert_true(vkey_parse(key, bytes_text(vectors_text(entry, "vkey")), NULL));
	keys_signer(signer, seed.at);
	vectors_free(seed);
}

static int setup(void **state)
{
	static struct parties p;
	p.keys = vectors_load("keys.json");
	p.log_file = vectors_load("log.json");
	load_party(p.keys, "log", &p.log, &p.log_signer);
	load_party(p.keys, "witness", &p.witness, &p.witness_signer);
	*state = &p;
	return 0;
}

static int teardown(void **state)
{
	struct parties *p = *state;
	json_decref(p->keys);
	json_decref(p->log_file);
	return 0;
}

static void checkpoints_follow_the_vectors(void **state)
{
	struct parties *p = *state;
	const char *size;
	json_t *want;
	json_object_foreach(json_object_get(p->log_file, "checkpoints"), size, want)
	{
		struct checkpoint c = { .size = strtoull(size, NULL, 10) };
		struct buf note = { 0 };
		strcpy(c.origin, "stats.example/log1");
		const char *root = vectors_text(json_object_get(p->log_file, "roots"), size);
		assert_true(hex_decode(c.root.b, sizeof c.root.b, bytes_text(root)));
		assert_true(checkpoint_sign(&note, &c, &p->log, &p->log_signer, NULL));
		assert_true(
		    checkpoint_cosign(&note, &p->witness, &p->witness_signer, 1767225600 + 9060, NULL));
		assert_true(bytes_equal(buf_bytes(&note), bytes_text(json_string_value(want))));
		buf_free(&note);
	}
}

static void notes_are_opened_as_the_vectors_say(void **state)
{
	struct parties *p = *state;
	size_t i;
	json_t *c;
	json_array_foreach(json_object_get(p->log_file, "checkpoint_cases"), i, c)
	{
		struct checkpoint out;
		bool cosigned = false;
		struct bytes note = vectors_bytes(c, "note");
		bool ok = checkpoint_open(&out, note, &p->log, &p->witness, 1, &cosigned, NULL);
		if (ok != vectors_true(c, "ok"))
			fail_msg("%s", vectors_text(c, "name"));
		if (ok)
			assert_int_equal(out.size, 7);
		if (strcmp(vectors_text(c, "name"), "as published") == 0)
			assert_true(cosigned);
		vectors_free(note);
	}
}

static const char *published(const struct parties *p)
{
	return vectors_text(json_object_get(p->log_file, "checkpoints"), "7");
}

static void cosignatures_of_known_witnesses_are_added_once(void **state)
{
	struct parties *p = *state;
	const char *whole = published(p);
	const char *line = strrchr(whole, '\xe2');
	struct buf note = { 0 };
	size_t n = 0;
	struct err e;
	buf_put(&note, whole, (size_t)(line - whole));
	assert_true(checkpoint_add_cosignatures(&note, bytes_text(line), &p->witness, 1, &n, &e));
	assert_int_equal(n, 1);
	assert_true(bytes_equal(buf_bytes(&note), bytes_text(whole)));
	assert_true(checkpoint_add_cosignatures(&note, bytes_text(line), &p->witness, 1, &n, &e));
	assert_int_equal(n, 0);
	assert_true(bytes_equal(buf_bytes(&note), bytes_text(whole)));
	assert_false(checkpoint_add_cosignatures(&note, bytes_text(line), &p->log, 1, &n, &e));
	assert_false(
	    checkpoint_add_cosignatures(&note, bytes_of(line, strlen(line) - 1), &p->witness, 1, &n, &e));
	assert_false(checkpoint_add_cosignatures(&note, bytes_text("x\n"), &p->witness, 1, &n, &e));
	buf_free(&note);
}

static void a_proof_file_is_read_and_written(void **state)
{
	struct parties *p = *state;
	struct tlog_proof proof;
	struct checkpoint c;
	struct tlog_hash leaf;
	struct buf again = { 0 };
	struct bytes in = vectors_bytes(p->log_file, "tlog_proof_index_3");
	assert_true(tlog_proof_parse(&proof, in, NULL));
	assert_int_equal(proof.index, 3);
	tlog_proof_put(&again, &proof);
	assert_true(bytes_equal(buf_bytes(&again), in));
	assert_true(checkpoint_open(&c, proof.note, &p->log, NULL, 0, NULL, NULL));
	const json_t *entries = json_object_get(p->log_file, "entries");
	tlog_leaf(&leaf, bytes_text(json_string_value(json_array_get(entries, 3))));
	assert_true(tlog_inclusion_verify(proof.index, c.size, &leaf, &proof.path, &c.root, NULL));
	for (size_t len = 0; len <= 167; len++)
		assert_false(tlog_proof_parse(&proof, bytes_of(in.at, len), NULL));
	buf_free(&again);
	vectors_free(in);
}

static void the_guard_file_is_exact(void **state)
{
	struct parties *p = *state;
	struct checkpoint c;
	struct buf again = { 0 };
	struct bytes in = vectors_bytes(p->log_file, "guard_file");
	assert_true(guard_parse(&c, in, NULL));
	assert_int_equal(c.size, 7);
	guard_put(&again, &c);
	assert_true(bytes_equal(buf_bytes(&again), in));
	for (size_t len = 0; len < in.len; len++) {
		struct bytes cut = bytes_of(in.at, len);
		assert_false(guard_parse(&c, cut, NULL));
	}
	buf_free(&again);
	vectors_free(in);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(checkpoints_follow_the_vectors),
		cmocka_unit_test(notes_are_opened_as_the_vectors_say),
		cmocka_unit_test(cosignatures_of_known_witnesses_are_added_once),
		cmocka_unit_test(a_proof_file_is_read_and_written),
		cmocka_unit_test(the_guard_file_is_exact),
	};
	if (sodium_init() < 0)
		return 1;
	return cmocka_run_group_tests(tests, setup, teardown);
}
