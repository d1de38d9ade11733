/* Files that are old or new, and key files that are refused. */
#include "daemon/os.h"

#include <dirent.h>
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

static char dir_name[] = "/tmp/cellveil-os-XXXXXX";
static int dir;

static int setup(void **state)
{
	struct err e;
	(void)state;
	strcpy(dir_name + sizeof dir_name - 7, "XXXXXX");
	if (mkdtemp(dir_name) == NULL)
		return -1;
	dir = os_open_dir(AT_FDCWD, dir_name, &e);
	return dir < 0 ? -1 : 0;
}

static int teardown(void **state)
{
	char command[64] = "rm -rf ";
	(void)state;
	close(dir);
	return system(strcat(command, dir_name));
}

/* struct os whose n-th call of the durable kinds fails */
struct faulty {
	unsigned left; /* calls that still succeed */
	bool short_writes, interrupted;
};

static int fails(struct faulty *f)
{
	if (f->left-- > 0)
		return 0;
	f->left = 0;
	errno = EIO;
	return -1;
}

static ssize_t faulty_write(void *context, int fd, const void *at, size_t len)
{
	struct faulty *f = context;
	if (f->short_writes) {
		f->interrupted = !f->interrupted;
		if (f->interrupted) {
			errno = EINTR;
			return -1;
		}
		return write(fd, at, 1);
	}
	return fails(f) != 0 ? -1 : write(fd, at, len);
}

static int faulty_sync(void *context, int fd)
{
	return fails(context) != 0 ? -1 : fsync(fd);
}

static int faulty_rename(void *context, int at, const char *from, const char *to)
{
	return fails(context) != 0 ? -1 : renameat(at, from, at, to);
}

static void expect_content(const char *path, const char *wanted)
{
	struct buf text = { 0 };
	struct err e;
	assert_true(os_read_file(dir, path, 100, &text, &e));
	assert_true(bytes_equal(buf_bytes(&text), bytes_text(wanted)));
	buf_free(&text);
}

static unsigned count_files(void)
{
	unsigned n = 0;
	DIR *d = opendir(dir_name);
	assert_non_null(d);
	for (struct dirent *entry = readdir(d); entry != NULL; entry = readdir(d))
		n += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
	closedir(d);
	return n;
}

static void test_old_or_new(void **state)
{
	struct faulty faulty = { 0 };
	struct os os = *os_real();
	struct err e;
	bool ok = false;
	(void)state;
	os.context = &faulty;
	os.write = faulty_write;
	os.sync = faulty_sync;
	os.rename = faulty_rename;
	assert_true(os_write_file(os_real(), dir, "f", bytes_text("old"), 0640, OS_DURABLE, &e));
	for (unsigned n = 0; !ok; n++) {
		faulty.left = n;
		ok = os_write_file(&os, dir, "f", bytes_text("new"), 0640, OS_DURABLE, &e);
		/* write, sync, rename, sync of the directory: the last failure comes after the rename */
		expect_content("f", n >= 3 ? "new" : "old");
		assert_int_equal(count_files(), 1);
		assert_true(n < 10);
	}
	faulty = (struct faulty){ .left = 9, .short_writes = true };
	assert_true(os_write_file(&os, dir, "f", bytes_text("in pieces"), 0640, OS_DURABLE, &e));
	expect_content("f", "in pieces");
}

static void test_mode(void **state)
{
	struct stat st;
	struct err e;
	(void)state;
	mode_t old = umask(0777);
	assert_true(os_write_file(os_real(), dir, "f", bytes_text("x"), 0644, OS_LOOSE, &e));
	assert_true(os_make_dirs(os_real(), dir, "a/b/c", 0755, &e));
	assert_true(os_make_dirs(os_real(), dir, "a/b/c", 0755, &e));
	umask(old);
	assert_int_equal(fstatat(dir, "f", &st, 0), 0);
	assert_int_equal(st.st_mode & 07777, 0644);
	assert_int_equal(fstatat(dir, "a/b", &st, 0), 0);
	assert_int_equal(st.st_mode & 07777, 0755);
}

static void put(const char *path, mode_t mode)
{
	struct err e;
	assert_true(os_write_file(os_real(), dir, path, bytes_text("secret"), mode, OS_LOOSE, &e));
}

static void test_secret(void **state)
{
	struct buf out = { 0 };
	struct err e;
	(void)state;
	put("good", 0600);
	put("world", 0604);
	put("group", 0620);
	assert_int_equal(symlinkat("good", dir, "link"), 0);
	assert_int_equal(mkfifoat(dir, "fifo", 0600), 0);
	assert_true(os_read_secret(dir, "good", 100, &out, &e));
	assert_false(os_read_secret(dir, "world", 100, &out, &e));
	assert_int_equal(e.code, ERR_REFUSED);
	assert_false(os_read_secret(dir, "group", 100, &out, &e));
	assert_false(os_read_secret(dir, "link", 100, &out, &e));
	assert_int_equal(e.code, ERR_REFUSED);
	assert_false(os_read_secret(dir, "fifo", 100, &out, &e));
	assert_false(os_read_secret(dir, "none", 100, &out, &e));
	assert_int_equal(e.code, ERR_NOT_FOUND);
	assert_false(os_read_secret(dir, "good", 5, &out, &e));
	assert_int_equal(e.code, ERR_LIMIT);
	buf_free(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test_setup_teardown(test_old_or_new, setup, teardown),
		cmocka_unit_test_setup_teardown(test_mode, setup, teardown),
		cmocka_unit_test_setup_teardown(test_secret, setup, teardown) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
