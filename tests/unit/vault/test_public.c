/* The public directory: whole files, whole releases, and nothing that no row explains. */
#include "daemon/vault/public.h"
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

/* Fails call number fail_at of those that make something durable; 0: none. */
static unsigned calls, fail_at;

static bool fails(void)
{
	errno = EIO;
	return ++calls == fail_at;
}

static ssize_t test_write(void *context, int fd, const void *at, size_t len)
{
	(void)context;
	return fails() ? -1 : write(fd, at, len > 3 ? 3 : len); /* short writes are normal */
}

static int test_sync(void *context, int fd)
{
	(void)context;
	return fails() ? -1 : fsync(fd);
}

static int test_rename(void *context, int dir, const char *from, const char *to)
{
	(void)context;
	return fails() ? -1 : renameat(dir, from, dir, to);
}

static const struct os test_os = { .write = test_write, .sync = test_sync, .rename = test_rename };

struct fixture {
	char dir[64];
	struct public_dir p;
	unsigned removed;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof *f);
	struct err e;

	strcpy(f->dir, "/tmp/cellveil-public-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	int dir = open(f->dir, O_RDONLY | O_DIRECTORY);
	if (!public_open(&f->p, &test_os, dir, f->dir, 0644, &e))
		fail_msg("%s", e.text);
	close(dir);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	char command[128];

	public_close(&f->p);
	snprintf(command, sizeof command, "rm -rf '%s'", f->dir);
	assert_int_equal(system(command), 0);
	free(f);
	return 0;
}

static void assert_content(struct fixture *f, const char *path, const char *want)
{
	struct buf got = { 0 };
	struct err e;

	if (!public_read(&f->p, path, 1000, &got, &e))
		fail_msg("%s", e.text);
	assert_int_equal(got.size, strlen(want));
	assert_memory_equal(got.data, want, got.size);
	buf_free(&got);
}

static void test_put_replaces_and_makes_directories(void **state)
{
	struct fixture *f = *state;
	struct stat st;
	char path[128];
	struct err e;

	assert_true(public_put(&f->p, "log/tile/0/000.p/3", bytes_text("one"), &e));
	assert_true(public_put(&f->p, "log/tile/0/000.p/3", bytes_text("three"), &e));
	assert_content(f, "log/tile/0/000.p/3", "three");
	snprintf(path, sizeof path, "%s/log/tile", f->dir);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0755);
	snprintf(path, sizeof path, "%s/log/tile/0/000.p/3", f->dir);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0644);
}

static void test_ensure_writes_only_what_differs(void **state)
{
	struct fixture *f = *state;
	bool changed = false;
	struct err e;

	assert_true(public_ensure(&f->p, "keyset", bytes_text("a"), &changed, &e));
	assert_true(changed);
	assert_true(public_ensure(&f->p, "keyset", bytes_text("a"), &changed, &e));
	assert_false(changed);
	assert_true(public_ensure(&f->p, "keyset", bytes_text("b"), &changed, &e));
	assert_true(changed);
}

/* F53: a planted link is replaced, never followed. */
static void test_ensure_does_not_follow_a_link(void **state)
{
	struct fixture *f = *state;
	char path[128];
	bool changed = false;
	struct err e;

	assert_true(public_put(&f->p, "victim", bytes_text("untouched"), &e));
	snprintf(path, sizeof path, "%s/keyset", f->dir);
	assert_int_equal(symlink("victim", path), 0);
	assert_true(public_ensure(&f->p, "keyset", bytes_text("mine"), &changed, &e));
	assert_true(changed);
	assert_content(f, "victim", "untouched");
	assert_content(f, "keyset", "mine");
	snprintf(path, sizeof path, "%s/feed", f->dir);
	assert_int_equal(symlink("/tmp", path), 0);
	assert_true(public_put(&f->p, "feed/x/beat", bytes_text("b"), &e));
	assert_int_not_equal(access("/tmp/x/beat", F_OK), 0);
}

static const struct public_entry two[] = {
	{ "manifest.txt", { (const uint8_t *)"m", 1 } },
	{ "release.csv", { (const uint8_t *)"c", 1 } },
};

static void test_release_is_whole_and_repeatable(void **state)
{
	struct fixture *f = *state;
	char dir[PUBLIC_PATH_ROOM], path[256];
	struct stat st;
	bool changed = false;
	struct err e;

	public_release_path(dir, "support", "2024", 0);
	assert_string_equal(dir, "release/support/2024/0");
	assert_true(public_ensure_release(&f->p, dir, two, 2, &changed, &e));
	assert_true(changed);
	assert_content(f, "release/support/2024/0/release.csv", "c");
	snprintf(path, sizeof path, "%s/%s/release.csv", f->dir, dir);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_nlink, 2); /* the object and the release name one file */
	assert_true(public_ensure_release(&f->p, dir, two, 2, &changed, &e));
	assert_false(changed);
	/* a changed and a stray file are both repaired */
	int fd = open(path, O_WRONLY | O_TRUNC);
	assert_true(fd >= 0);
	close(fd);
	assert_true(public_put(&f->p, "release/support/2024/0/extra", bytes_text("x"), &e));
	assert_true(public_ensure_release(&f->p, dir, two, 2, &changed, &e));
	assert_true(changed);
	assert_content(f, "release/support/2024/0/release.csv", "c");
	snprintf(path, sizeof path, "%s/%s/extra", f->dir, dir);
	assert_int_not_equal(access(path, F_OK), 0);
}

static void count_removed(void *arg, const char *path)
{
	struct fixture *f = arg;

	(void)path;
	f->removed++;
}

static void test_sweep_removes_what_no_row_explains(void **state)
{
	struct fixture *f = *state;
	struct public_set set = { 0 };
	char path[128];
	struct err e;

	assert_true(public_put(&f->p, "keyset", bytes_text("k"), &e));
	assert_true(public_put(&f->p, "config/aa", bytes_text("a"), &e));
	assert_true(public_put(&f->p, "config/bb", bytes_text("b"), &e));
	assert_true(public_put(&f->p, "stray/deep/file", bytes_text("b"), &e));
	snprintf(path, sizeof path, "%s/config/.tmp-cc", f->dir);
	assert_int_equal(symlink("/etc/passwd", path), 0);
	assert_true(public_set_add(&set, "keyset"));
	assert_true(public_set_add(&set, "config/aa"));
	assert_true(public_sweep(&f->p, &set, count_removed, f, &e));
	assert_int_equal(f->removed, 3);
	assert_content(f, "config/aa", "a");
	snprintf(path, sizeof path, "%s/stray", f->dir);
	assert_int_not_equal(access(path, F_OK), 0);
	public_set_free(&set);
}

static void test_only_our_own_directory_is_taken(void **state)
{
	struct fixture *f = *state;
	struct public_dir p;
	char path[128];
	struct err e;

	assert_true(public_open(&p, &test_os, f->p.dir, f->dir, 0644, &e)); /* marked */
	public_close(&p);
	assert_true(public_put(&f->p, "x/y", bytes_text("b"), &e));
	snprintf(path, sizeof path, "%s/x", f->dir);
	int dir = open(path, O_RDONLY | O_DIRECTORY);
	assert_false(public_open(&p, &test_os, dir, path, 0644, &e));
	close(dir);
	assert_int_equal(e.code, ERR_REFUSED);
}

/* Killed while the mark was being written: the directory is still ours to take. */
static void test_a_half_written_mark_is_no_content(void **state)
{
	struct fixture *f = *state;
	struct public_dir p;
	char path[128];
	struct err e;

	snprintf(path, sizeof path, "%s/.cellveil", f->dir);
	assert_int_equal(unlink(path), 0);
	snprintf(path, sizeof path, "%s/.tmp-.cellveil", f->dir);
	int fd = open(path, O_CREAT | O_WRONLY, 0600);
	assert_true(fd >= 0);
	close(fd);
	if (!public_open(&p, &test_os, f->p.dir, f->dir, 0644, &e))
		fail_msg("%s", e.text);
	public_close(&p);
}

static void test_bad_paths_are_refused(void **state)
{
	struct fixture *f = *state;
	struct buf out = { 0 };
	struct err e;

	assert_false(public_put(&f->p, "../x/y", bytes_text("b"), &e));
	assert_false(public_put(&f->p, "a//b", bytes_text("b"), &e));
	assert_false(public_read(&f->p, "nothing", 10, &out, &e));
	assert_int_equal(e.code, ERR_NOT_FOUND);
	buf_free(&out);
}

static void test_remove_takes_a_whole_release(void **state)
{
	struct fixture *f = *state;
	bool changed = false;
	char path[256];
	struct err e;

	assert_true(public_ensure_release(&f->p, "release/support/2024/0", two, 2, &changed, &e));
	assert_true(public_remove(&f->p, "release/support/2024/0", &e));
	assert_true(public_remove(&f->p, "release/support/2024/0", &e));
	snprintf(path, sizeof path, "%s/release/support/2024/0", f->dir);
	assert_int_not_equal(access(path, F_OK), 0);
}

/* Whatever fails, a release directory is whole or absent, and the next try completes it. */
static void test_a_failed_call_leaves_nothing_half(void **state)
{
	struct fixture *f = *state;
	const char *dir = "release/support/2024/0";
	bool changed = false, done = false;
	struct err e;

	for (unsigned n = 1; !done; n++) {
		char path[256];

		calls = 0;
		fail_at = n;
		done = public_ensure_release(&f->p, dir, two, 2, &changed, &e);
		fail_at = 0;
		snprintf(path, sizeof path, "%s/%s/manifest.txt", f->dir, dir);
		if (access(path, F_OK) == 0) {
			assert_content(f, "release/support/2024/0/manifest.txt", "m");
			assert_content(f, "release/support/2024/0/release.csv", "c");
		}
		assert_true(n < 100);
		if (!done)
			assert_int_equal(e.code, ERR_SYSTEM);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_put_replaces_and_makes_directories, setup, teardown),
		cmocka_unit_test_setup_teardown(test_ensure_writes_only_what_differs, setup, teardown),
		cmocka_unit_test_setup_teardown(test_ensure_does_not_follow_a_link, setup, teardown),
		cmocka_unit_test_setup_teardown(test_release_is_whole_and_repeatable, setup, teardown),
		cmocka_unit_test_setup_teardown(test_sweep_removes_what_no_row_explains, setup, teardown),
		cmocka_unit_test_setup_teardown(test_only_our_own_directory_is_taken, setup, teardown),
		cmocka_unit_test_setup_teardown(test_a_half_written_mark_is_no_content, setup, teardown),
		cmocka_unit_test_setup_teardown(test_bad_paths_are_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(test_a_failed_call_leaves_nothing_half, setup, teardown),
		cmocka_unit_test_setup_teardown(test_remove_takes_a_whole_release, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
