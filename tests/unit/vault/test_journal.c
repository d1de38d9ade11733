/* The log's files: they follow the rows, survive every failure, and never contradict what was signed before.
 */
#include "daemon/vault/journal.h"
#include "proto/checkpoint.h"
#include "tests/unit/vault/world.h"
#include <errno.h>

static struct world world;

static unsigned calls, fail_at; /* of those that make something durable; 0: none */

static bool fails(void)
{
	errno = EIO;
	return fail_at > 0 && ++calls == fail_at;
}

static int failing_sync(void *context, int fd)
{
	(void)context;
	(void)fd;
	return fails() ? -1 : 0; /* nobody pulls the plug here */
}

static unsigned writes, full_from; /* from this write on the disk is full; 0: never */

static ssize_t full_write(void *context, int fd, const void *at, size_t len)
{
	if (full_from > 0 && ++writes >= full_from) {
		errno = ENOSPC;
		return -1;
	}
	return os_real()->write(context, fd, at, len);
}

static int failing_rename(void *context, int dir, const char *from, const char *to)
{
	return fails() ? -1 : os_real()->rename(context, dir, from, to);
}

static int setup(void **state)
{
	(void)state;
	world_make(&world);
	world.os.sync = failing_sync;
	world.os.rename = failing_rename;
	world.os.write = full_write;
	calls = fail_at = writes = full_from = 0;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	world_remove(&world);
	return 0;
}

static void start(void)
{
	struct err e;

	check(vault_open(&world.v, &world.os, &world.conf, &e), &e);
	check(journal_open(&world.v, &e), &e);
}

static bool start_refused(struct err *e)
{
	check(vault_open(&world.v, &world.os, &world.conf, e), e);
	bool opened = journal_open(&world.v, e);

	journal_close(&world.v);
	vault_close(&world.v);
	return !opened;
}

static void stop(bool clean)
{
	struct err e;

	if (clean) {
		check(vault_begin(&world.v, &e), &e);
		check(store_set_counter(world.v.store, "clean_stop", 1, &e), &e);
		check(vault_commit(&world.v, &e), &e);
	}
	journal_close(&world.v);
	vault_close(&world.v);
}

static void add_leaves(unsigned n)
{
	struct err e;

	check(vault_begin(&world.v, &e), &e);
	for (unsigned i = 0; i < n; i++) {
		struct log_entry leaf = { .kind = LOG_ADMIN, .class = "mode" };

		snprintf(leaf.by, sizeof leaf.by, "%u", i);
		check(vault_add_leaf(&world.v, &leaf, &e), &e);
	}
	check(vault_commit(&world.v, &e), &e);
}

static void path_of(char out[256], const char *name)
{
	snprintf(out, 256, "%s/state/public/log/%s", world.dir, name);
}

static void read_path(const char *name, struct buf *out)
{
	char path[256];
	struct err e;

	path_of(path, name);
	buf_clear(out);
	check(os_read_file(AT_FDCWD, path, 1u << 24, out, &e), &e);
}

static void read_checkpoint(struct checkpoint *c)
{
	struct vkey vkey;
	struct buf note = { 0 };
	uint8_t seed[32];
	struct key_signer signer;
	struct err e;

	memset(seed, 4, sizeof seed); /* world_make's log key */
	keys_signer(&signer, seed);
	check(vkey_make(&vkey, "stats.example/log1", VKEY_ED25519, signer.public, &e), &e);
	read_path("checkpoint", &note);
	check(checkpoint_open(c, buf_bytes(&note), &vkey, NULL, 0, NULL, &e), &e);
	buf_free(&note);
}

/* Oracle iv: the signed root is the root over the entries in the bundles, added one by one. */
static void check_bundles(void)
{
	struct tlog_frontier f = { 0 };
	struct tlog_hash root;
	struct checkpoint c;
	struct buf bundle = { 0 };

	read_checkpoint(&c);
	for (uint64_t k = 0; k * 256 < c.size; k++) {
		const struct tlog_tile tile = {
			.entries = true, .index = k, .width = (uint16_t)tlog_tile_width(c.size, 0, k)
		};
		char name[TLOG_NAME_MAX];
		struct err e;

		check(tlog_tile_name(name, &tile, &e), &e);
		read_path(name, &bundle);
		struct bytes rest = buf_bytes(&bundle), entry;
		while (rest.len > 0) {
			struct tlog_hash leaf;

			check(tlog_bundle_next(&rest, &entry, &e), &e);
			tlog_leaf(&leaf, entry);
			tlog_frontier_add(&f, &leaf);
		}
	}
	assert_int_equal(f.size, c.size);
	tlog_frontier_root(&root, &f);
	assert_memory_equal(root.b, c.root.b, sizeof root.b);
	buf_free(&bundle);
}

static void test_the_first_start_begins_the_log(void **state)
{
	struct checkpoint c;
	uint64_t size = 0;
	uint8_t root[32];

	(void)state;
	start();
	read_checkpoint(&c);
	assert_string_equal(c.origin, "stats.example/log1");
	assert_int_equal(c.size, 1);
	journal_signed(&world.v, &size, root);
	assert_int_equal(size, 1);
	assert_memory_equal(root, c.root.b, 32);
	check_bundles();
	stop(true);
}

static void test_files_follow_the_rows_over_a_tile(void **state)
{
	static const unsigned steps[] = { 1, 3, 250, 1, 1, 1, 260, 513 };
	struct checkpoint c;
	char path[256];
	struct err e;

	(void)state;
	start();
	for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
		add_leaves(steps[i]);
		check(journal_write(&world.v, &e), &e);
		read_checkpoint(&c);
		assert_int_equal(c.size, world.v.log_saved);
		check_bundles();
	}
	path_of(path, "tile/1/000.p/4");
	assert_int_equal(access(path, F_OK), 0);
	path_of(path, "tile/0/000.p"); /* the full tile is there: its partial ones may go */
	assert_int_not_equal(access(path, F_OK), 0);
	stop(true);
	start(); /* clean: nothing is added */
	assert_int_equal(world.v.log_saved, c.size);
	stop(false);
	start(); /* unclean: the recovery leaf */
	assert_int_equal(world.v.log_saved, c.size + 1);
	check_bundles();
	stop(true);
}

/* F3, F53: tiles that are short, changed or gone are made again from the rows. */
static void test_damaged_files_are_made_again(void **state)
{
	static const char *const name[] = { "tile/0/000", "tile/entries/000", "tile/1/000.p/2",
		"checkpoint" };
	struct buf before = { 0 }, after = { 0 };
	char path[256];
	struct err e;

	(void)state;
	start();
	add_leaves(600);
	check(journal_write(&world.v, &e), &e);
	for (size_t i = 0; i < sizeof name / sizeof *name; i++) {
		read_path(name[i], &before);
		path_of(path, name[i]);
		stop(true);
		if (i % 2 == 0)
			assert_int_equal(truncate(path, 10), 0);
		else
			assert_int_equal(unlink(path), 0);
		start();
		read_path(name[i], &after);
		assert_true(bytes_equal(buf_bytes(&before), buf_bytes(&after)));
	}
	check_bundles();
	stop(true);
	buf_free(&before);
	buf_free(&after);
}

/* F13: an older store comes back under a newer guard. */
static void test_a_store_from_the_past_is_refused(void **state)
{
	char command[512];
	struct err e;

	(void)state;
	start();
	stop(true);
	snprintf(command, sizeof command, "cp %s/state/vault/store %s/older && ls %s/state/vault >/dev/null",
	    world.dir, world.dir, world.dir);
	assert_int_equal(system(command), 0);
	start();
	add_leaves(5);
	check(journal_write(&world.v, &e), &e);
	stop(true);
	snprintf(command, sizeof command, "rm -f %s/state/vault/store-*; cp %s/older %s/state/vault/store",
	    world.dir, world.dir, world.dir);
	assert_int_equal(system(command), 0);
	assert_true(start_refused(&e));
	assert_int_equal(e.code, ERR_REFUSED);
	assert_non_null(strstr(e.text, "went back in time"));
	/* also when somebody removed the guard: the checkpoint that others hold says the same */
	snprintf(command, sizeof command, "rm %s/state/vault/guard", world.dir);
	assert_int_equal(system(command), 0);
	assert_true(start_refused(&e));
	assert_non_null(strstr(e.text, "went back in time"));
}

static void test_a_changed_leaf_is_refused(void **state)
{
	struct err e;

	(void)state;
	start();
	add_leaves(3);
	check(journal_write(&world.v, &e), &e);
	check(vault_begin(&world.v, &e), &e);
	check(store_run(world.v.store, &e, "UPDATE leaf SET entry = ? WHERE i = 2", "b", bytes_text("{}")) &&
		  vault_commit(&world.v, &e),
	    &e);
	stop(true);
	assert_true(start_refused(&e));
	assert_int_equal(e.code, ERR_REFUSED);
	assert_non_null(strstr(e.text, "the log was changed"));
}

/* F4: every sync and rename fails once; what is there afterwards always opens and is always whole. */
static void test_each_failure_leaves_old_or_new(void **state)
{
	struct checkpoint before, after;
	bool done = false;
	struct err e;

	(void)state;
	start();
	add_leaves(255);
	check(journal_write(&world.v, &e), &e);
	for (unsigned n = 1; !done; n++) {
		read_checkpoint(&before);
		add_leaves(2);
		calls = 0;
		fail_at = n;
		done = journal_write(&world.v, &e);
		fail_at = 0;
		read_checkpoint(&after);
		assert_true(after.size == before.size || after.size == world.v.log_saved);
		if (!done)
			assert_int_equal(e.code, ERR_SYSTEM);
		stop(false);
		start();
		check_bundles();
		assert_true(n < 100);
	}
	stop(true);
}

/* F9: the disk is full at each write in turn, stays so while more leaves come, and has room again: no restart. */
static void test_a_full_disk_is_waited_for(void **state)
{
	struct checkpoint before, after;
	bool done = false;
	struct err e;

	(void)state;
	start();
	for (unsigned n = 1; !done; n++) {
		read_checkpoint(&before);
		add_leaves(270); /* more than a tile: what is left out must be written later */
		writes = 0;
		full_from = n;
		done = journal_write(&world.v, &e);
		if (!done) {
			assert_int_equal(e.code, ERR_FULL);
			read_checkpoint(&after);
			assert_int_equal(after.size, before.size);
			add_leaves(5);
			assert_false(journal_write(&world.v, &e));
			assert_int_equal(e.code, ERR_FULL);
		}
		full_from = 0;
		check(journal_write(&world.v, &e), &e);
		read_checkpoint(&after);
		assert_int_equal(after.size, world.v.log_saved);
		check_bundles();
		assert_true(n < 100);
	}
	assert_true(world.v.log_saved > 2000);
	stop(true);
	start(); /* clean, and the files are whole */
	assert_int_equal(world.v.log_saved, after.size);
	stop(true);
}

/* What a sweep spares, and what it does not: a partial tile that somebody changed. */
static void test_explained_files(void **state)
{
	struct public_set set = { 0 };
	char path[256];
	struct err e;
	bool old = false, changed = false, now = false;

	(void)state;
	start();
	add_leaves(2);
	check(journal_write(&world.v, &e), &e);
	path_of(path, "tile/0/000.p/2");
	FILE *f = fopen(path, "w"); /* never written by us: three leaves came at once */
	assert_non_null(f);
	fputs("not a hash", f);
	fclose(f);
	check(journal_explain(&world.v, &set, &e), &e);
	for (size_t i = 0; i < set.n; i++) {
		now |= strcmp(set.path[i], "log/tile/0/000.p/3") == 0;
		old |= strcmp(set.path[i], "log/tile/0/000.p/1") == 0;
		changed |= strcmp(set.path[i], "log/tile/0/000.p/2") == 0;
	}
	assert_true(now);
	assert_true(old);
	assert_false(changed);
	public_set_free(&set);
	stop(true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_the_first_start_begins_the_log, setup, teardown),
		cmocka_unit_test_setup_teardown(test_files_follow_the_rows_over_a_tile, setup, teardown),
		cmocka_unit_test_setup_teardown(test_damaged_files_are_made_again, setup, teardown),
		cmocka_unit_test_setup_teardown(test_a_store_from_the_past_is_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(test_a_changed_leaf_is_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(test_each_failure_leaves_old_or_new, setup, teardown),
		cmocka_unit_test_setup_teardown(test_a_full_disk_is_waited_for, setup, teardown),
		cmocka_unit_test_setup_teardown(test_explained_files, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
