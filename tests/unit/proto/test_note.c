#include "proto/note.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <sodium.h>

#include "tests/unit/proto/vectors.h"

static struct vkey key_of(const json_t *keys, const char *who)
{
	struct vkey key;
	struct err e;
	assert_true(vkey_parse(&key, bytes_text(vectors_text(json_object_get(keys, who), "vkey")), &e));
	return key;
}

static struct key_signer signer_of(const json_t *keys, const char *who)
{
	struct key_signer signer;
	struct bytes seed = vectors_hex(json_object_get(keys, who), "seed");
	keys_signer(&signer, seed.at);
	vectors_free(seed);
	return signer;
}

static void vkeys_follow_the_vectors(void **state)
{
	(void)state;
	static const char *const who[] = { "log", "root", "witness" };
	json_t *keys = vectors_load("keys.json");
	for (size_t i = 0; i < sizeof who / sizeof *who; i++) {
		struct vkey key = key_of(keys, who[i]);
		struct vkey made;
		struct buf text = { 0 };
		struct err e;
		struct bytes public = vectors_hex(json_object_get(keys, who[i]), "public");
		assert_true(vkey_make(&made, key.name, key.type, public.at, &e));
		assert_int_equal(made.hash, key.hash);
		vkey_print(&text, &made);
		assert_true(bytes_equal(
		    buf_bytes(&text), bytes_text(vectors_text(json_object_get(keys, who[i]), "vkey"))));
		buf_free(&text);
		vectors_free(public);
	}
	json_decref(keys);
}

static void vkeys_of_another_form_are_refused(void **state)
{
	(void)state;
	static const char *const bad[] = {
		"",
		"+",
		"stats.example/log1",
		"stats.example/log1+5694d693",
		/* another hash, capitals, a space, a cut, a longer key, an unknown type */
		"stats.example/log1+5694d694+AcqTrBcFGHBx1nuDx/8O/oEI6OxFMFdddyaHkzPb2r58",
		"stats.example/log1+5694D693+AcqTrBcFGHBx1nuDx/8O/oEI6OxFMFdddyaHkzPb2r58",
		"stats example/log1+5694d693+AcqTrBcFGHBx1nuDx/8O/oEI6OxFMFdddyaHkzPb2r58",
		"stats.example/log1+5694d693+AcqTrBcFGHBx1nuDx/8O/oEI6OxFMFdddyaHkzPb2r5",
		"stats.example/log1+5694d693+AcqTrBcFGHBx1nuDx/8O/oEI6OxFMFdddyaHkzPb2r58AAAA",
		"stats.example/log1+5694d693+AsqTrBcFGHBx1nuDx/8O/oEI6OxFMFdddyaHkzPb2r58",
	};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct vkey key;
		struct bytes in = vectors_copy(bad[i]);
		assert_false(vkey_parse(&key, in, NULL));
		vectors_free(in);
	}
}

static void a_signed_note_verifies_and_a_changed_one_does_not(void **state)
{
	(void)state;
	json_t *keys = vectors_load("keys.json");
	struct vkey known[2] = { key_of(keys, "log"), key_of(keys, "witness") };
	struct key_signer log = signer_of(keys, "log");
	struct key_signer witness = signer_of(keys, "witness");
	struct bytes text = bytes_text("a text\nof two lines\n");
	struct buf signed_note = { 0 };
	struct note note;
	bool good[2];
	uint64_t time_s[2];
	struct err e;

	assert_true(note_sign(&signed_note, text, &known[0], &log, &e));
	assert_true(note_parse(&note, buf_bytes(&signed_note), &e));
	assert_true(bytes_equal(note.text, text));
	assert_true(note_verify(&note, known, 2, good, time_s, &e));
	assert_true(good[0] && !good[1]);
	assert_false(note_verify(&note, &known[1], 1, good, NULL, &e));

	assert_true(note_put_signature(&signed_note, text, &known[1], &witness, 1767225660, &e));
	assert_true(note_parse(&note, buf_bytes(&signed_note), &e));
	assert_true(note_verify(&note, known, 2, good, time_s, &e));
	assert_true(good[0] && good[1]);
	assert_int_equal(time_s[1], 1767225660);

	signed_note.data[0] ^= 1;
	assert_true(note_parse(&note, buf_bytes(&signed_note), &e));
	assert_false(note_verify(&note, known, 2, good, time_s, &e));
	assert_int_equal(e.code, ERR_CRYPTO);
	buf_free(&signed_note);
	json_decref(keys);
}

static void too_many_signatures_are_refused_and_unknown_kinds_skipped(void **state)
{
	(void)state;
	json_t *keys = vectors_load("keys.json");
	struct vkey log = key_of(keys, "log");
	struct key_signer signer = signer_of(keys, "log");
	struct bytes text = bytes_text("text\n");
	struct buf b = { 0 };
	struct note note;
	struct err e;
	assert_true(note_sign(&b, text, &log, &signer, &e));
	/* a signature of 2,424 bytes, as a key of a later kind would give */
	buf_put_text(&b, "\xe2\x80\x94 new.example/w ");
	for (size_t i = 0; i < 2424 / 3; i++)
		buf_put_text(&b, "AAAA");
	buf_put_byte(&b, '\n');
	assert_true(note_parse(&note, buf_bytes(&b), &e));
	assert_true(note_verify(&note, &log, 1, NULL, NULL, &e));
	for (size_t n = 2; n < LIMIT_NOTE_SIGNATURES; n++)
		assert_true(note_put_signature(&b, text, &log, &signer, 0, &e));
	assert_true(note_parse(&note, buf_bytes(&b), &e));
	assert_int_equal(note.n_signatures, LIMIT_NOTE_SIGNATURES);
	assert_true(note_put_signature(&b, text, &log, &signer, 0, &e));
	assert_false(note_parse(&note, buf_bytes(&b), &e));
	assert_int_equal(e.code, ERR_LIMIT);
	buf_free(&b);
	json_decref(keys);
}

static void texts_that_are_no_notes_are_not_signed(void **state)
{
	(void)state;
	static const char *const bad[] = { "", "no end", "a blank\n\nline\n", "a\ttab\n", "\xc3\n" };
	json_t *keys = vectors_load("keys.json");
	struct vkey log = key_of(keys, "log");
	struct key_signer signer = signer_of(keys, "log");
	struct buf b = { 0 };
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		assert_false(note_sign(&b, bytes_text(bad[i]), &log, &signer, NULL));
	buf_free(&b);
	json_decref(keys);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(vkeys_follow_the_vectors),
		cmocka_unit_test(vkeys_of_another_form_are_refused),
		cmocka_unit_test(a_signed_note_verifies_and_a_changed_one_does_not),
		cmocka_unit_test(too_many_signatures_are_refused_and_unknown_kinds_skipped),
		cmocka_unit_test(texts_that_are_no_notes_are_not_signed),
	};
	if (sodium_init() < 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
