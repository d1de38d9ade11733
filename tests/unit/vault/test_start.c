/* cellveild at its door: what stops it, with which exit code, and how it says so. */
#include "world.h"

#include <signal.h>
#include <sys/wait.h>

struct end {
	int code; /* exit code, or -signal */
	char said[2048];
};

/* Runs cellveild with the words of args (NULL at the end) and reads what it says. */
static struct end run(const struct world *w, const char *const *args)
{
	struct end end = { 0 };
	const char *argv[8] = { TEST_BIN "/cellveild" };
	char path[96];
	int status;
	for (size_t i = 0; args[i] != NULL; i++)
		argv[i + 1] = args[i];
	snprintf(path, sizeof path, "%s/said", w->dir);
	pid_t child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
		dup2(fd, 1);
		dup2(fd, 2);
		execv(argv[0], (char *const *)(uintptr_t)argv);
		_exit(127);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	end.code = WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
	int fd = open(path, O_RDONLY);
	assert_true(read(fd, end.said, sizeof end.said - 1) >= 0);
	close(fd);
	return end;
}

static void write_text(const struct world *w, const char *name, const char *text, mode_t mode)
{
	char path[96];
	struct err e;
	snprintf(path, sizeof path, "%s/%s", w->dir, name);
	check(os_write_file(os_real(), AT_FDCWD, path, bytes_text(text), mode, OS_LOOSE, &e), &e);
}

static int setup(void **state)
{
	struct world *w = calloc(1, sizeof *w);
	char text[512];
	assert_non_null(w);
	world_make(w);
	snprintf(text, sizeof text,
	    "[authority]\nname = test\norigin = stats.example/log1\n[paths]\nstate = %s/state\nrun = %s/run\n"
	    "keys = %s/keys\n",
	    w->dir, w->dir, w->dir);
	write_text(w, "conf", text, 0644);
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	world_remove(*state);
	free(*state);
	return 0;
}

static struct end start(const struct world *w)
{
	char path[96];
	snprintf(path, sizeof path, "%s/conf", w->dir);
	const char *const args[] = { "--config", path, NULL };
	return run(w, args);
}

/* The daemon stops with the code, and its words name what to look for; never a byte of the file. */
static void stops(const struct world *w, int code, const char *word)
{
	struct end end = start(w);
	assert_int_equal(end.code, code);
	if (strstr(end.said, word) == NULL)
		fail_msg("does not say '%s': %s", word, end.said);
	assert_null(strstr(end.said, "AAAA"));     /* the file's bytes */
	assert_null(strstr(end.said, "BwcHBwcH")); /* the release key's */
}

static void test_words(void **state)
{
	const struct world *w = *state;
	char path[96];
	snprintf(path, sizeof path, "%s/conf", w->dir);
	const char *const version[] = { "--version", NULL };
	const char *const help[] = { "--help", NULL };
	const char *const none[] = { NULL };
	const char *const unknown[] = { "--nonsense", NULL };
	const char *const checks[] = { "--config", path, "--check-config", NULL };
	assert_string_equal(run(w, version).said, "cellveild " CELLVEIL_VERSION "\n");
	assert_non_null(strstr(run(w, help).said, "--check-config"));
	assert_int_equal(run(w, none).code, 64);
	assert_int_equal(run(w, unknown).code, 64);
	assert_int_equal(run(w, checks).code, 0);
	write_text(w, "conf", "[authority]\nname = test\norigin = o\ncolour = red\n", 0644);
	struct end end = run(w, checks);
	assert_int_equal(end.code, 78);
	assert_non_null(strstr(end.said, "conf:4: unknown section or option"));
}

static void test_keys(void **state)
{
	const struct world *w = *state;
	char path[96];
	char other[96];
	snprintf(path, sizeof path, "%s/keys/log", w->dir);
	assert_int_equal(chmod(path, 0644), 0);
	stops(w, 78, "keys/log: others may read");
	assert_int_equal(chmod(path, 0600), 0);
	snprintf(other, sizeof other, "%s/keys/log.real", w->dir);
	assert_int_equal(rename(path, other), 0);
	stops(w, 78, "keys/log");
	assert_int_equal(symlink("log.real", path), 0);
	stops(w, 78, "symbolic link");
	unlink(path);
	write_text(w, "keys/log", "cellveil-secret-log:AAAA\n", 0600);
	stops(w, 78, "keys/log");
	snprintf(path, sizeof path, "%s/keys/release", w->dir); /* another purpose's key */
	snprintf(other, sizeof other, "%s/keys/log", w->dir);
	assert_int_equal(rename(path, other), 0);
	stops(w, 78, "keys/log");
}

static void test_lock(void **state)
{
	struct world *w = *state;
	world_open(w);
	stops(w, 74, "another vault");
	world_close(w);
}

static void test_damaged_store(void **state)
{
	struct world *w = *state;
	char path[96];
	char block[4096];
	world_open(w);
	world_add_config(w, NULL);
	world_close(w);
	snprintf(path, sizeof path, "%s/state/vault/store", w->dir);
	memset(block, 0xa5, sizeof block);
	int fd = open(path, O_WRONLY);
	assert_true(fd >= 0);
	for (int page = 1; page < 6; page++)
		assert_int_equal(pwrite(fd, block, sizeof block, page * 4096), sizeof block);
	close(fd);
	stops(w, 74, "store");
}

static void test_another_master(void **state)
{
	struct world *w = *state;
	struct err e;
	uint8_t key_id[8];
	world_open(w);
	check(vault_begin(&w->v, &e) && vault_new_intake_key(&w->v, INTAKE_ACTIVE, 0, 1, key_id, &e) &&
		  vault_commit(&w->v, &e),
	    &e);
	world_close(w);
	world_key_file(w, KEY_MASTER, 0x0e);
	struct end end = start(w);
	assert_int_equal(end.code, 78);
	assert_non_null(strstr(end.said, "master"));
}

static void test_newer_store(void **state)
{
	struct world *w = *state;
	struct err e;
	world_open(w);
	check(store_begin(w->v.store, &e) &&
		  store_run(w->v.store, &e, "INSERT INTO migration VALUES(999, x'00', 0)", "") &&
		  store_commit(w->v.store, &e),
	    &e);
	world_close(w);
	stops(w, 78, "newer version");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = { TEST(test_words), TEST(test_keys), TEST(test_lock),
		TEST(test_damaged_store), TEST(test_another_master), TEST(test_newer_store) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
