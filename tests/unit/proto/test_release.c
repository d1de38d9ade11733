#include "proto/release.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <sodium.h>

#include "proto/mpwrite.h"
#include "tests/unit/proto/tools.h"
#include "tests/unit/proto/vectors.h"

static struct bytes file_of(const char *name)
{
	char path[512];
	snprintf(path, sizeof path, "%s/release/%s", TEST_VECTORS, name);
	FILE *f = fopen(path, "rb");
	assert_non_null(f);
	uint8_t *data = malloc(8192);
	assert_non_null(data);
	size_t len = fread(data, 1, 8192, f);
	fclose(f);
	return bytes_of(data, len);
}

static void manifests_follow_the_vectors(void **state)
{
	(void)state;
	static struct manifest m;
	static struct manifest built;
	json_t *all = vectors_load("release.json");
	struct bytes in = vectors_bytes(all, "manifest");
	struct buf again = { 0 };
	uint8_t digest[32];
	struct err e;
	assert_true(manifest_parse(&m, in, &e));
	assert_true(manifest_put(&again, &m, &e));
	assert_true(bytes_equal(buf_bytes(&again), in));
	release_digest(digest, in);
	struct bytes want = vectors_hex(all, "object_digest");
	assert_memory_equal(digest, want.at, 32);

	/* built from its files, in any order */
	static const char *const names[] = { "release.msgpack", "certificate.cvc", "release.json",
		"release.csv" };
	built = m;
	built.n_files = 0;
	built.bytes = 0;
	for (size_t i = 0; i < 4; i++) {
		struct bytes content = file_of(names[i]);
		assert_true(manifest_check_file(&m, names[i], content, &e));
		assert_true(manifest_add(&built, names[i], content, &e));
		assert_false(manifest_add(&built, names[i], content, &e));
		vectors_free(content);
	}
	assert_false(manifest_check_file(&m, "release.csv", bytes_text("changed"), &e));
	assert_int_equal(e.code, ERR_CRYPTO);
	assert_false(manifest_check_file(&m, "other", bytes_text(""), &e));
	assert_int_equal(e.code, ERR_NOT_FOUND);
	buf_clear(&again);
	assert_true(manifest_put(&again, &built, &e));
	assert_true(bytes_equal(buf_bytes(&again), in));
	buf_free(&again);
	vectors_free(want);
	vectors_free(in);
	json_decref(all);
}

static void bent_manifests_are_refused(void **state)
{
	(void)state;
	static struct manifest m;
	json_t *all = vectors_load("release.json");
	size_t i;
	json_t *c;
	json_array_foreach(json_object_get(all, "negative_manifest"), i, c)
	{
		struct bytes in = vectors_bytes(c, "manifest");
		if (manifest_parse(&m, in, NULL))
			fail_msg("%s", vectors_text(c, "name"));
		vectors_free(in);
	}
	struct bytes whole = vectors_bytes(all, "manifest");
	size_t refused = 0;
	for (size_t len = 0; len < whole.len; len++)
		refused += !manifest_parse(&m, bytes_of(whole.at, len), NULL);
	/* only the cuts after each of the first three files' lines are manifests */
	assert_int_equal(whole.len - refused, 3);
	vectors_free(whole);
	json_decref(all);
}

static void b2sum_checks_what_we_list(void **state)
{
	(void)state;
	static struct manifest m = { .origin = "stats.example/log1", .dataset = "d", .period = "2024" };
	struct workdir dir;
	struct buf text = { 0 };
	strcpy(m.certificate, "certificate.cvc");
	workdir_make(&dir);
	assert_true(manifest_add(&m, "certificate.cvc", bytes_text("witnesses\n"), NULL));
	assert_true(manifest_add(&m, "release.csv", bytes_text("table,measure\n"), NULL));
	assert_true(manifest_put(&text, &m, NULL));
	workdir_write(&dir, "manifest.txt", buf_bytes(&text));
	workdir_write(&dir, "certificate.cvc", bytes_text("witnesses\n"));
	workdir_write(&dir, "release.csv", bytes_text("table,measure\n"));
	assert_true(workdir_run(&dir, "b2sum -c manifest.txt"));
	workdir_write(&dir, "release.csv", bytes_text("table;measure\n"));
	assert_false(workdir_run(&dir, "b2sum -c manifest.txt"));
	workdir_remove(&dir);
	buf_free(&text);
}

static void fill_rows(struct release_rows *r)
{
	struct release_rows_table *t;
	strcpy(r->dataset, "personal-support");
	strcpy(r->period, "2024");
	t = release_rows_add(r, 4, NULL);
	assert_non_null(t);
	strcpy(t->id, "clients");
	t->n_dims = 2;
	strcpy(t->dim[0], "office");
	strcpy(t->dim[1], "sex");
	t->row[0] =
	    (struct release_row){ .measure = 0, .code = { 0, 0 }, .state = RELEASE_PUBLISHED, .value = 300 };
	t->row[1] = (struct release_row){ .measure = 0, .code = { 0, 1 }, .state = RELEASE_SUPPRESSED };
	t->row[2] = (struct release_row){ .measure = 0, .code = { 1, 0 }, .state = RELEASE_NOT_ASKED };
	t->row[3] = (struct release_row){ .measure = 2, .code = { 0, 0 }, .state = RELEASE_STRUCTURAL };
	t = release_rows_add(r, 0, NULL);
	assert_non_null(t);
	strcpy(t->id, "empty");
}

static void rows_travel_and_come_back(void **state)
{
	(void)state;
	struct release_rows r = { 0 };
	struct release_rows got = { 0 };
	struct buf b = { 0 };
	struct buf again = { 0 };
	struct err e;
	fill_rows(&r);
	assert_true(release_rows_encode(&b, &r, &e));
	assert_true(release_rows_decode(&got, buf_bytes(&b), &e));
	assert_int_equal(got.n_tables, 2);
	assert_int_equal(got.table[0].n_rows, 4);
	assert_int_equal(got.table[0].row[0].value, 300);
	assert_string_equal(got.table[0].dim[1], "sex");
	assert_true(release_rows_encode(&again, &got, &e));
	assert_true(bytes_equal(buf_bytes(&again), buf_bytes(&b)));
	release_rows_free(&got);
	for (size_t len = 0; len < b.size; len++) {
		uint8_t *cut = malloc(len > 0 ? len : 1);
		assert_non_null(cut);
		memcpy(cut, b.data, len);
		assert_false(release_rows_decode(&got, bytes_of(cut, len), NULL));
		release_rows_free(&got);
		free(cut);
	}
	release_rows_free(&r);
	buf_free(&b);
	buf_free(&again);
}

static void unsound_rows_are_not_written(void **state)
{
	(void)state;
	for (int what = 0; what < 5; what++) {
		struct release_rows r = { 0 };
		struct buf b = { 0 };
		struct err e;
		fill_rows(&r);
		struct release_row *row = r.table[0].row;
		if (what == 0)
			row[1].value = 1; /* a value in a hidden cell */
		else if (what == 1)
			row[1].code[1] = 0; /* twice */
		else if (what == 2)
			row[2].state = 0;
		else if (what == 3)
			row[2].measure = 3; /* not in order */
		else
			strcpy(r.period, "2024-13");
		assert_false(release_rows_encode(&b, &r, &e));
		assert_int_equal(e.code, ERR_INTERNAL);
		buf_free(&b);
		release_rows_free(&r);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(manifests_follow_the_vectors),
		cmocka_unit_test(bent_manifests_are_refused),
		cmocka_unit_test(b2sum_checks_what_we_list),
		cmocka_unit_test(rows_travel_and_come_back),
		cmocka_unit_test(unsound_rows_are_not_written),
	};
	if (sodium_init() < 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
