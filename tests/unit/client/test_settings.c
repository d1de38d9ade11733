#include "client/keyfile.h"
#include "client/settings.h"
#include <fcntl.h>
#include <setjmp.h>
#include <sodium.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char dir[] = "/tmp/cellveil-settings-XXXXXX";

static int make_dir(void **state)
{
	(void)state;
	return mkdtemp(dir) == NULL || sodium_init() < 0;
}

static int remove_dir(void **state)
{
	static const char *const names[] = { "cellveil.ini", "sign.key", "curve.key", "link", "a/b" };
	char path[FILE_PATH];

	(void)state;
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		if (file_path(path, dir, names[i], NULL))
			(void)unlink(path);
	}
	return rmdir(dir);
}

static struct join example_join(void)
{
	struct join j = { .kind = IDENTITY_OFFICE,
		.name = "north",
		.origin = "stats.example/log1",
		.submit = "tcp://gate.example:5701",
		.query = "tcp://gate.example:5702",
		.feed = "tcp://[::1]:5703",
		.n_datasets = 2,
		.dataset = { "births", "support" } };
	uint8_t seed[crypto_sign_SEEDBYTES] = { 7 }, secret[crypto_sign_SECRETKEYBYTES];

	assert_int_equal(crypto_sign_seed_keypair(j.root, secret, seed), 0);
	assert_int_equal(crypto_scalarmult_base(j.curve, seed), 0);
	return j;
}

static void test_round_trip(void **state)
{
	(void)state;
	struct settings s = { .kind = IDENTITY_OFFICE, .name = "north" }, again;
	struct join j = example_join();
	struct vkey root;
	struct err e = { 0 };

	memcpy(s.dir, dir, sizeof dir);
	assert_true(settings_save(&s, &e));
	assert_true(settings_load(&again, dir, &e));
	assert_false(again.joined);
	assert_true(settings_join(&s, &j, &e));
	assert_true(settings_save(&s, &e));
	assert_true(settings_load(&again, dir, &e));
	assert_true(again.joined);
	assert_memory_equal(&again.join, &j, sizeof j);
	assert_true(settings_root(&again, &root, &e));
	assert_string_equal(root.name, "stats.example/root");
	assert_string_equal(settings_dataset(&again, "support", &e), "support");
	assert_null(settings_dataset(&again, NULL, &e));
	assert_null(settings_dataset(&again, "deaths", &e));
}

static void test_join_refused(void **state)
{
	(void)state;
	struct settings s = { .kind = IDENTITY_OFFICE, .name = "north" };
	struct join j = example_join(), other;
	struct err e = { 0 };

	other = j;
	memcpy(other.name, "south", 6);
	assert_false(settings_join(&s, &other, &e));
	assert_true(settings_join(&s, &j, &e));
	other = j;
	other.root[0] ^= 1;
	assert_false(settings_join(&s, &other, &e));
	other = j;
	memcpy(other.origin, "stats.example/log2", 19);
	assert_false(settings_join(&s, &other, &e));
	other = j;
	memcpy(other.submit, "tcp://elsewhere.example:1", 26);
	assert_true(settings_join(&s, &other, &e)); /* the gate may move */
}

static void test_bad_files(void **state)
{
	(void)state;
	static const struct {
		const char *text, *says;
	} cases[] = {
		{ "[identity]\nkind = office\n", "kind and name" },
		{ "[identity]\nkind = office\nname = North\n", "line 3: name" },
		{ "[identity]\nkind = office\nname = north\ncolor = blue\n", "line 4: unknown" },
		{ "[identity]\nkind = office\nname = north\nname = north\n", "line 4: name stands twice" },
		{ "[identity]\nkind = office\nname = north\n[deployment]\norigin = stats.example/log1\n",
		    "not complete" },
		{ "[identity]\nkind = office\nname = north\n[deployment]\nroot = cellveil-root:AAAA\n",
		    "line 5: root" },
		{ "[identity]\nkind = office\nname = north\n[deployment]\nquery = http://x:1\n",
		    "line 5: query" },
		{ "no setting at all\n", "line 1" },
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct settings s = { 0 };
		struct err e = { 0 };
		assert_false(settings_parse(&s, cases[i].text, &e));
		if (strstr(e.text, cases[i].says) == NULL)
			fail_msg("%s: %s", cases[i].says, e.text);
	}
}

static void test_keys(void **state)
{
	(void)state;
	uint8_t made[KEY_BYTES], found[KEY_BYTES];
	struct key_signer *signer;
	struct stat st;
	struct err e = { 0 };
	char path[FILE_PATH], link_path[FILE_PATH];

	assert_true(keyfile_create(dir, KEY_SIGN, 0, made, &e));
	assert_true(file_path(path, dir, "sign.key", &e));
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_false(keyfile_create(dir, KEY_SIGN, 0, found, &e)); /* never overwritten */
	assert_int_equal(e.code, ERR_REFUSED);
	assert_true(keyfile_public(dir, KEY_SIGN, found, &e));
	assert_memory_equal(made, found, KEY_BYTES);
	signer = keyfile_signer(dir, KEY_SIGN, &e);
	assert_non_null(signer);
	assert_memory_equal(signer->public, made, KEY_BYTES);
	keyfile_signer_free(signer);

	assert_null(keyfile_read(dir, KEY_CURVE, &e));
	assert_int_equal(e.code, ERR_NOT_FOUND);
	assert_true(file_path(link_path, dir, "curve.key", &e));
	assert_int_equal(symlink(path, link_path), 0);
	assert_null(keyfile_read(dir, KEY_CURVE, &e));
	assert_int_equal(e.code, ERR_REFUSED);
	assert_int_equal(chmod(path, 0640), 0);
	assert_null(keyfile_read(dir, KEY_SIGN, &e));
	assert_int_equal(e.code, ERR_REFUSED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_join_refused),
		cmocka_unit_test(test_bad_files),
		cmocka_unit_test(test_keys),
	};

	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
