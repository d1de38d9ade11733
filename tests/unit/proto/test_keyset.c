#include "proto/keyset.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <sodium.h>

#include "tests/unit/proto/vectors.h"

#define NOW 1767225660u

static struct vkey root_key(void)
{
	struct vkey root;
	json_t *keys = vectors_load("keys.json");
	assert_true(vkey_parse(&root, bytes_text(vectors_text(json_object_get(keys, "root"), "vkey")), NULL));
	json_decref(keys);
	return root;
}

static const char *verdict(struct keyset *set, const json_t *c, struct bytes held)
{
	struct vkey root = root_key();
	uint64_t held_serial = vectors_number(c, "held_serial");
	struct bytes note = vectors_bytes(c, "note");
	struct err e;
	bool ok = keyset_open(set, note, &root, "stats.example/log1", held_serial,
	    held_serial == 0 ? (struct bytes){ 0 } : held, &e);
	vectors_free(note);
	if (!ok)
		return "REFUSE";
	return keyset_expired(set, NOW) ? "EXPIRED" : "ACCEPT";
}

static void the_reader_follows_the_vectors(void **state)
{
	(void)state;
	static struct keyset set;
	json_t *all = vectors_load("keyset.json");
	struct bytes held = bytes_text(vectors_text(all, "note"));
	size_t i;
	json_t *c;
	json_array_foreach(json_object_get(all, "cases"), i, c)
	{
		const char *got = verdict(&set, c, held);
		if (strcmp(got, vectors_text(c, "want")) != 0)
			fail_msg("%s: %s", vectors_text(c, "name"), got);
	}
	json_decref(all);
}

static void the_text_is_written_back(void **state)
{
	(void)state;
	static struct keyset set;
	json_t *all = vectors_load("keyset.json");
	struct note note;
	struct buf again = { 0 };
	struct err e;
	struct bytes in = vectors_bytes(all, "note");
	assert_true(note_parse(&note, in, &e));
	assert_true(keyset_parse(&set, note.text, &e));
	/* the writer sorts */
	struct keyset_key swap = set.key[0];
	set.key[0] = set.key[3];
	set.key[3] = swap;
	assert_true(keyset_put(&again, &set, &e));
	assert_true(bytes_equal(buf_bytes(&again), note.text));

	assert_int_equal(set.n_endpoints, 3);
	assert_string_equal(keyset_serves(&set, KEYSET_SERVE_SUBMIT)->address, "tcp://stats.example:7431");
	assert_int_equal(keyset_active(&set, KEY_INTAKE)->id[0], 0x5d);
	assert_null(keyset_active(&set, KEY_SIGN));
	uint8_t key[4][32];
	assert_int_equal(keyset_verifiers(&set, KEY_INTAKE, key, 4), 2);
	assert_int_equal(keyset_verifiers(&set, KEY_FEED, key, 4), 1);
	for (size_t i = 0; i < set.n_keys; i++) {
		struct keyset_key *k = &set.key[i];
		if (k->purpose == KEY_FEED) {
			k->state = KEYSET_PENDING;
			assert_int_equal(keyset_verifiers(&set, KEY_FEED, key, 4), 1);
			assert_ptr_equal(keyset_find(&set, KEY_FEED, k->id), k);
			k->state = KEYSET_REVOKED;
			assert_int_equal(keyset_verifiers(&set, KEY_FEED, key, 4), 0);
			assert_null(keyset_find(&set, KEY_FEED, k->id));
		}
	}
	assert_false(keyset_warns(&set, set.valid_until - KEYSET_WARN_S));
	assert_true(keyset_warns(&set, set.valid_until - KEYSET_WARN_S + 1));
	buf_free(&again);
	vectors_free(in);
	json_decref(all);
}

static void a_set_readers_would_refuse_is_not_written(void **state)
{
	(void)state;
	static struct keyset set;
	json_t *all = vectors_load("keyset.json");
	struct note note;
	struct buf b = { 0 };
	assert_true(note_parse(&note, bytes_text(vectors_text(all, "note")), NULL));
	assert_true(keyset_parse(&set, note.text, NULL));
	set.key[3].state = KEYSET_ACTIVE; /* a second active intake key */
	assert_false(keyset_put(&b, &set, NULL));
	buf_clear(&b);
	assert_true(keyset_parse(&set, note.text, NULL));
	set.key[0].key[0] ^= 1; /* and its id left as it was */
	assert_false(keyset_put(&b, &set, NULL));
	buf_free(&b);
	json_decref(all);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_reader_follows_the_vectors),
		cmocka_unit_test(the_text_is_written_back),
		cmocka_unit_test(a_set_readers_would_refuse_is_not_written),
	};
	if (sodium_init() < 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
