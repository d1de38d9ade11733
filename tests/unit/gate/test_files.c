/* files: names that are refused, links that are not followed, bounds; and the walk that stands in for
 * openat2. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka last */
#include <cmocka.h>

#include "daemon/gate/files.h"
#include "proto/limits.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char root[] = "/tmp/cv-files-XXXXXX";
static struct tree tree = { -1 };

static void put(const char *path, const char *text)
{
	char at[256];
	snprintf(at, sizeof at, "%s/%s", root, path);
	FILE *f = fopen(at, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static void at_root(int (*make)(const char *, const char *), const char *a, const char *b)
{
	char at[256];
	snprintf(at, sizeof at, "%s/%s", root, b);
	assert_int_equal(make(a, at), 0);
}

static int make_dir(const char *unused, const char *at)
{
	(void)unused;
	return mkdir(at, 0755);
}

static int make_fifo(const char *unused, const char *at)
{
	(void)unused;
	return mkfifo(at, 0644);
}

static int setup(void **state)
{
	struct err e;
	char outside[64];
	(void)state;
	assert_non_null(mkdtemp(root));
	at_root(make_dir, NULL, "pub");
	at_root(make_dir, NULL, "pub/sub");
	put("secret", "secret");
	put("pub/a", "0123456789");
	put("pub/sub/b", "deep");
	put("pub/.tmp-x", "half");
	snprintf(outside, sizeof outside, "%s/secret", root);
	at_root(symlink, outside, "pub/link");
	at_root(symlink, "../secret", "pub/link2");
	at_root(symlink, "a", "pub/link3"); /* even inside */
	at_root(symlink, "sub", "pub/linkdir");
	at_root(make_fifo, NULL, "pub/fifo");
	put("pub/huge", "x");
	snprintf(outside, sizeof outside, "%s/pub/huge", root);
	assert_int_equal(truncate(outside, (off_t)LIMIT_PUBLIC_FILE + 1), 0);
	snprintf(outside, sizeof outside, "%s/pub", root);
	assert_true(tree_open(&tree, outside, &e));
	return 0;
}

static int teardown(void **state)
{
	char command[64];
	(void)state;
	tree_close(&tree);
	snprintf(command, sizeof command, "rm -rf '%s'", root);
	return system(command); /* NOLINT: a test's own directory */
}

static void test_read(void **state)
{
	(void)state;
	struct buf out = { 0 };
	struct err e;
	uint64_t total = 0;
	assert_true(tree_read(&tree, "a", 3, 4, &out, &total, &e));
	assert_true(bytes_equal(buf_bytes(&out), bytes_text("3456")));
	assert_int_equal(total, 10);
	assert_true(tree_read(&tree, "a", 8, 4, &out, &total, &e)); /* appended */
	assert_true(bytes_equal(buf_bytes(&out), bytes_text("345689")));
	buf_clear(&out);
	assert_true(tree_read(&tree, "a", UINT64_MAX, 4, &out, &total, &e));
	assert_int_equal(out.size, 0);
	assert_true(tree_read_all(&tree, "sub/b", 4, &out, &e));
	assert_true(bytes_equal(buf_bytes(&out), bytes_text("deep")));
	assert_false(tree_read_all(&tree, "a", 9, &out, &e));
	assert_int_equal(e.code, ERR_LIMIT);
	buf_free(&out);
}

static const char *const refused[] = { "", "/a", "a/", "sub//b", "../secret", "sub/../a", "./a", ".tmp-x",
	"sub/.", "none", "sub", "link", "link2", "link3", "linkdir/b", "fifo", "huge" };

static void test_refused(void **state)
{
	(void)state;
	struct buf out = { 0 };
	for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
		struct err e = { 0 };
		uint64_t total;
		if (tree_read(&tree, refused[i], 0, 10, &out, &total, &e) || e.code != ERR_NOT_FOUND)
			fail_msg("served: %s", refused[i]);
	}
	assert_int_equal(out.size, 0);
	struct tree none = { -1 };
	assert_false(tree_read_all(&none, "a", 10, &out, NULL));
	char longer[600];
	memset(longer, 'a', sizeof longer);
	longer[sizeof longer - 1] = '\0';
	assert_false(files_path_ok(longer));
	buf_free(&out);
}

/* The walk alone must refuse what openat2 refuses; what is not a regular file is tree_read's business. */
static void test_walk(void **state)
{
	(void)state;
	static const char *const open[] = { "a", "sub/b" };
	static const char *const closed[] = { "link", "link2", "link3", "linkdir/b", "none", "a/b",
		"sub/none" };
	for (size_t i = 0; i < sizeof open / sizeof *open; i++) {
		int fd = files_walk(tree.fd, open[i]);
		assert_true(fd >= 0);
		close(fd);
	}
	for (size_t i = 0; i < sizeof closed / sizeof *closed; i++)
		if (files_walk(tree.fd, closed[i]) >= 0)
			fail_msg("opened: %s", closed[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_read),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_walk),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
