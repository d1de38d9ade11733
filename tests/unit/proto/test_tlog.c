#include "proto/tlog.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <sodium.h>

#include "tests/unit/proto/vectors.h"

#define BIG 600u

static struct tlog_hash hash_of(const char *hex)
{
	struct tlog_hash h;
	assert_true(hex_decode(h.b, sizeof h.b, bytes_text(hex)));
	return h;
}

static bool same(const struct tlog_hash *a, const struct tlog_hash *b)
{
	return memcmp(a->b, b->b, sizeof a->b) == 0;
}

static struct tlog_path path_of(const json_t *list)
{
	struct tlog_path path = { .n = json_array_size(list) };
	assert_true(path.n <= TLOG_PATH_MAX);
	for (size_t i = 0; i < path.n; i++)
		path.hash[i] = hash_of(json_string_value(json_array_get(list, i)));
	return path;
}

static void assert_same_path(const struct tlog_path *a, const struct tlog_path *b)
{
	assert_int_equal(a->n, b->n);
	for (size_t i = 0; i < a->n; i++)
		assert_true(same(&a->hash[i], &b->hash[i]));
}

/* Roots of every size: incremental, from the source, and as the vectors have them. */
static void check_roots(const json_t *roots, struct tlog_leaves *leaves)
{
	struct tlog_source from = tlog_source_leaves(leaves);
	struct tlog_frontier f = { 0 };
	for (uint64_t size = 0; size <= leaves->n; size++) {
		struct tlog_hash folded;
		struct tlog_hash read;
		struct tlog_frontier loaded;
		char name[32];
		tlog_frontier_root(&folded, &f);
		assert_true(tlog_root(&read, &from, size, NULL));
		assert_true(same(&folded, &read));
		assert_true(tlog_frontier_load(&loaded, &from, size, NULL));
		tlog_frontier_root(&read, &loaded);
		assert_true(same(&folded, &read));
		snprintf(name, sizeof name, "%u", (unsigned)size);
		const json_t *want = json_object_get(roots, name);
		if (want != NULL) {
			struct tlog_hash root = hash_of(json_string_value(want));
			assert_true(same(&root, &folded));
		}
		if (size < leaves->n)
			tlog_frontier_add(&f, &leaves->leaf[size]);
	}
}

static void check_inclusions(const json_t *cases, struct tlog_leaves *leaves, const struct tlog_source *from)
{
	size_t i;
	json_t *c;
	json_array_foreach(cases, i, c)
	{
		uint64_t index = vectors_number(c, "index");
		uint64_t size = vectors_number(c, "size");
		struct tlog_path want = path_of(json_object_get(c, "path"));
		struct tlog_path got;
		struct tlog_hash root;
		assert_true(tlog_inclusion(&got, from, index, size, NULL));
		assert_same_path(&got, &want);
		assert_true(tlog_root(&root, from, size, NULL));
		assert_true(tlog_inclusion_verify(index, size, &leaves->leaf[index], &got, &root, NULL));
	}
}

static void check_consistencies(const json_t *cases, const struct tlog_source *from)
{
	size_t i;
	json_t *c;
	json_array_foreach(cases, i, c)
	{
		uint64_t old = vectors_number(c, "old");
		uint64_t new = vectors_number(c, "new");
		struct tlog_path want = path_of(json_object_get(c, "path"));
		struct tlog_path got;
		struct tlog_hash old_root;
		struct tlog_hash new_root;
		assert_true(tlog_consistency(&got, from, old, new, NULL));
		assert_same_path(&got, &want);
		assert_true(tlog_root(&old_root, from, old, NULL));
		assert_true(tlog_root(&new_root, from, new, NULL));
		assert_true(tlog_consistency_verify(old, &old_root, new, &new_root, &got, NULL));
	}
}

static void the_small_tree_follows_the_vectors(void **state)
{
	(void)state;
	json_t *log = vectors_load("log.json");
	const json_t *entries = json_object_get(log, "entries");
	struct tlog_hash leaf[16];
	struct tlog_leaves leaves = { leaf, json_array_size(entries) };
	struct tlog_source from = tlog_source_leaves(&leaves);
	for (size_t i = 0; i < leaves.n; i++) {
		struct bytes entry = vectors_copy(json_string_value(json_array_get(entries, i)));
		tlog_leaf(&leaf[i], entry);
		struct tlog_hash want =
		    hash_of(json_string_value(json_array_get(json_object_get(log, "leaf_hashes"), i)));
		assert_true(same(&leaf[i], &want));
		vectors_free(entry);
	}
	check_roots(json_object_get(log, "roots"), &leaves);
	check_inclusions(json_object_get(log, "inclusion"), &leaves, &from);
	check_consistencies(json_object_get(log, "consistency"), &from);
	assert_false(tlog_inclusion(&(struct tlog_path){ 0 }, &from, leaves.n, leaves.n, NULL));
	assert_false(tlog_consistency(&(struct tlog_path){ 0 }, &from, 5, 4, NULL));
	json_decref(log);
}

static void false_proofs_are_refused(void **state)
{
	(void)state;
	json_t *log = vectors_load("log.json");
	const char *top = vectors_text(json_object_get(log, "roots"), "7");
	struct tlog_hash root = hash_of(top);
	size_t i;
	json_t *c;
	json_array_foreach(json_object_get(log, "inclusion_negative"), i, c)
	{
		struct tlog_hash leaf = hash_of(vectors_text(c, "leaf"));
		struct tlog_path path = path_of(json_object_get(c, "path"));
		uint64_t size = vectors_number(c, "size");
		if (size == 4)
			root = hash_of(vectors_text(json_object_get(log, "roots"), "4"));
		assert_false(
		    tlog_inclusion_verify(vectors_number(c, "index"), size, &leaf, &path, &root, NULL));
		root = hash_of(top);
	}
	json_array_foreach(json_object_get(log, "consistency_negative"), i, c)
	{
		struct tlog_hash old_root = hash_of(vectors_text(c, "old_root"));
		struct tlog_hash new_root = hash_of(vectors_text(c, "new_root"));
		struct tlog_path path = path_of(json_object_get(c, "path"));
		assert_false(tlog_consistency_verify(
		    vectors_number(c, "old"), &old_root, vectors_number(c, "new"), &new_root, &path, NULL));
	}
	json_decref(log);
}

static void big_leaf(struct tlog_hash *out, unsigned i)
{
	char digits[16];
	uint8_t digest[32];
	struct buf entry = { 0 };
	int len = snprintf(digits, sizeof digits, "%u", i);
	crypto_hash_sha256(digest, (const uint8_t *)digits, (size_t)len);
	buf_printf(&entry, "{\"v\":1,\"i\":%u,\"t\":1767225600,\"k\":\"submission\",\"stmt\":\"", i);
	buf_put_hex(&entry, bytes_of(digest, sizeof digest));
	buf_put_text(&entry, "\"}");
	tlog_leaf(out, buf_bytes(&entry));
	buf_free(&entry);
}

struct tile_store {
	const struct tlog_hash *leaf;
	size_t reads;
};

/* Tiles of the big tree, made on the spot. */
static bool read_tile(void *arg, unsigned level, uint64_t index, unsigned width, uint8_t *out, struct err *e)
{
	struct tile_store *store = arg;
	store->reads++;
	if (level > 1)
		return err_set(e, ERR_NOT_FOUND, "no such tile");
	for (unsigned i = 0; i < width; i++) {
		uint64_t at = index * TLOG_TILE_WIDTH + i;
		struct tlog_hash node;
		if (level == 0)
			node = store->leaf[at];
		else
			tlog_tile_root(&node, (const uint8_t *)&store->leaf[at * TLOG_TILE_WIDTH]);
		memcpy(out + (size_t)i * TLOG_HASH_BYTES, node.b, TLOG_HASH_BYTES);
	}
	return true;
}

static void the_big_tree_reads_tiles(void **state)
{
	(void)state;
	static struct tlog_hash leaf[BIG];
	json_t *log = vectors_load("log.json");
	const json_t *big = json_object_get(log, "big");
	struct tlog_leaves leaves = { leaf, BIG };
	struct tile_store store = { leaf, 0 };
	struct tlog_tiles tiles = { .size = BIG, .tile = read_tile, .arg = &store };
	struct tlog_source from = tlog_source_tiles(&tiles);
	struct tlog_hash root[2];
	for (unsigned i = 0; i < BIG; i++)
		big_leaf(&leaf[i], i);
	check_roots(json_object_get(big, "roots"), &leaves);
	check_inclusions(json_object_get(big, "inclusion"), &leaves, &from);
	check_consistencies(json_object_get(big, "consistency"), &from);
	assert_true(store.reads > 0);
	tlog_tile_root(&root[0], (const uint8_t *)leaf);
	tlog_tile_root(&root[1], (const uint8_t *)&leaf[TLOG_TILE_WIDTH]);
	struct bytes want = vectors_hex(big, "tile_1_000_p_2");
	assert_int_equal(want.len, sizeof root);
	assert_memory_equal(want.at, root, sizeof root);
	vectors_free(want);
	/* a proof for a larger tree than the tiles hold */
	struct tlog_path path;
	assert_false(tlog_inclusion(&path, &from, 0, BIG + 1000, NULL));
	json_decref(log);
}

static void every_proof_of_small_trees_verifies_and_no_other(void **state)
{
	(void)state;
	enum { MOST = 40 };
	static struct tlog_hash leaf[MOST];
	struct tlog_leaves leaves = { leaf, MOST };
	struct tlog_source from = tlog_source_leaves(&leaves);
	struct tlog_path path;
	for (unsigned i = 0; i < MOST; i++)
		big_leaf(&leaf[i], i);
	for (uint64_t size = 1; size <= MOST; size++) {
		struct tlog_hash root;
		assert_true(tlog_root(&root, &from, size, NULL));
		for (uint64_t i = 0; i < size; i++) {
			assert_true(tlog_inclusion(&path, &from, i, size, NULL));
			assert_true(tlog_inclusion_verify(i, size, &leaf[i], &path, &root, NULL));
			for (uint64_t j = 0; j < size; j++)
				if (j != i)
					assert_false(
					    tlog_inclusion_verify(j, size, &leaf[i], &path, &root, NULL));
		}
		for (uint64_t old = 0; old <= size; old++) {
			struct tlog_hash old_root;
			assert_true(tlog_root(&old_root, &from, old, NULL));
			assert_true(tlog_consistency(&path, &from, old, size, NULL));
			assert_true(tlog_consistency_verify(old, &old_root, size, &root, &path, NULL));
			old_root.b[0] ^= 1;
			assert_false(tlog_consistency_verify(old, &old_root, size, &root, &path, NULL));
		}
	}
}

static void check_name(const struct tlog_tile *tile, const char *want)
{
	char name[TLOG_NAME_MAX];
	struct tlog_tile again;
	assert_true(tlog_tile_name(name, tile, NULL));
	assert_string_equal(name, want);
	struct bytes in = vectors_copy(want);
	assert_true(tlog_tile_parse(&again, in, NULL));
	vectors_free(in);
	assert_int_equal(again.index, tile->index);
	assert_int_equal(again.width, tile->width);
	assert_int_equal(again.level, tile->level);
	assert_int_equal(again.entries, tile->entries);
}

static void tiles_have_one_name(void **state)
{
	(void)state;
	json_t *log = vectors_load("log.json");
	const char *index;
	json_t *name;
	json_object_foreach(json_object_get(log, "path_names"), index, name)
	{
		char want[TLOG_NAME_MAX];
		snprintf(want, sizeof want, "tile/3/%s", json_string_value(name));
		check_name(
		    &(struct tlog_tile){ .level = 3, .index = strtoull(index, NULL, 10), .width = 256 },
		    want);
	}
	check_name(&(struct tlog_tile){ .index = 2, .width = 88 }, "tile/0/002.p/88");
	check_name(&(struct tlog_tile){ .entries = true, .index = 2, .width = 88 }, "tile/entries/002.p/88");
	check_name(&(struct tlog_tile){ .index = INT64_MAX, .width = 1 },
	    "tile/0/x009/x223/x372/x036/x854/x775/807.p/1");
	static const char *const bad[] = { "", "tile/", "tile/8/000", "tile/0/00", "tile/0/0000",
		"tile/0/x000/000", "tile/0/x001", "tile/0/001/000", "tile/0/000.p/0", "tile/0/000.p/256",
		"tile/0/000.p/088", "tile/entries/", "tile/00/000", "tile/0/000/",
		"tile/0/x009/x223/x372/x036/x854/x775/808", "tile/0/x001/x001/x001/x001/x001/x001/x001/000" };
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct tlog_tile tile;
		struct bytes in = vectors_copy(bad[i]);
		assert_false(tlog_tile_parse(&tile, in, NULL));
		vectors_free(in);
	}
	assert_int_equal(tlog_tile_width(600, 0, 1), 256);
	assert_int_equal(tlog_tile_width(600, 0, 2), 88);
	assert_int_equal(tlog_tile_width(600, 0, 3), 0);
	assert_int_equal(tlog_tile_width(600, 1, 0), 2);
	assert_int_equal(tlog_tile_width(600, 2, 0), 0);
	assert_int_equal(tlog_tile_width(512, 0, 2), 0);
	json_decref(log);
}

static void bundles_follow_the_vectors(void **state)
{
	(void)state;
	json_t *log = vectors_load("log.json");
	const json_t *entries = json_object_get(log, "entries");
	struct bytes want = vectors_hex(log, "entry_bundle_000_p_7");
	struct bytes rest = want;
	struct bytes entry;
	struct buf b = { 0 };
	size_t i;
	json_t *text;
	json_array_foreach(entries, i, text)
	{
		assert_true(tlog_bundle_put(&b, bytes_text(json_string_value(text)), NULL));
		assert_true(tlog_bundle_next(&rest, &entry, NULL));
		assert_true(bytes_equal(entry, bytes_text(json_string_value(text))));
	}
	assert_int_equal(rest.len, 0);
	assert_true(bytes_equal(buf_bytes(&b), want));
	rest = bytes_of(want.at, 1);
	assert_false(tlog_bundle_next(&rest, &entry, NULL));
	rest = bytes_of(want.at, 20);
	assert_false(tlog_bundle_next(&rest, &entry, NULL));
	vectors_free(want);
	buf_free(&b);
	json_decref(log);
}

static void the_sealed_set_is_a_tree(void **state)
{
	(void)state;
	json_t *log = vectors_load("log.json");
	const json_t *set = json_object_get(log, "seal_set");
	const json_t *digests = json_object_get(set, "digests_sorted");
	struct tlog_hash leaf[8];
	struct tlog_leaves leaves = { leaf, json_array_size(digests) };
	struct tlog_source from = tlog_source_leaves(&leaves);
	struct tlog_path path;
	struct tlog_hash root;
	for (size_t i = 0; i < leaves.n; i++) {
		struct bytes digest = vectors_from_hex(json_string_value(json_array_get(digests, i)));
		tlog_leaf(&leaf[i], digest);
		vectors_free(digest);
	}
	assert_true(tlog_root(&root, &from, leaves.n, NULL));
	struct tlog_hash want = hash_of(vectors_text(set, "root"));
	assert_true(same(&root, &want));
	struct tlog_path first = path_of(json_object_get(set, "path_of_first"));
	assert_true(tlog_inclusion(&path, &from, 0, leaves.n, NULL));
	assert_same_path(&path, &first);
	json_decref(log);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_small_tree_follows_the_vectors),
		cmocka_unit_test(false_proofs_are_refused),
		cmocka_unit_test(the_big_tree_reads_tiles),
		cmocka_unit_test(every_proof_of_small_trees_verifies_and_no_other),
		cmocka_unit_test(tiles_have_one_name),
		cmocka_unit_test(bundles_follow_the_vectors),
		cmocka_unit_test(the_sealed_set_is_a_tree),
	};
	if (sodium_init() < 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
