#include "daemon/conf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define HEAD "[authority]\nname = example\norigin = stats.example/log1\n"

static void test_presets(void **state)
{
	struct conf conf;
	struct err e;
	(void)state;
	assert_true(conf_parse(&conf, "f", HEAD, &e));
	assert_string_equal(conf.state, "/var/lib/cellveil/example");
	assert_string_equal(conf.run, "/run/cellveil/example");
	assert_string_equal(conf.keys, "/etc/cellveil/example/keys");
	assert_int_equal(conf.batch, 64);
	assert_int_equal(conf.batch_ms, 5);
	assert_int_equal(conf.window, LIMIT_LINK_WINDOW);
}

static void test_values(void **state)
{
	struct conf conf;
	struct err e;
	(void)state;
	assert_true(conf_parse(&conf, "f",
	    HEAD "; a comment\n\n[vault]\nbatch = 8\n# another\n[gate]\nsubmit = tcp://127.0.0.1:1 "
		 "tcp://[::1]:2\n",
	    &e));
	assert_int_equal(conf.batch, 8);
	assert_int_equal(conf.submit.n, 2);
	assert_string_equal(conf.submit.address[1], "tcp://[::1]:2");
}

static void test_refused(void **state)
{
	static const struct {
		const char *text, *error;
	} cases[] = {
		{ HEAD "[vault]\nbath = 8\n", "f:5: unknown section or option" },
		{ HEAD "[wault]\nbatch = 8\n", "f:5: unknown section or option" },
		{ HEAD "[vault]\nbatch = 8\nbatch = 9\n", "f:6: the option stands twice" },
		{ HEAD "[vault]\nbatch = 8\n[vault]\nbeat_s = 5\n", "f:6: the section stands twice" },
		{ HEAD "[vault]\nbatch = 5ms\n", "f:5: the value is not a whole number" },
		{ HEAD "[vault]\nbatch = -1\n", "f:5: the value is not a whole number" },
		{ HEAD "[vault]\nbatch = 257\n", "f:5: the value is out of range" },
		{ HEAD "[vault]\nbatch = 0\n", "f:5: the value is out of range" },
		{ HEAD "[gate]\nsubmit = ipc:///tmp/x\n", "f:5: an address is tcp://" },
		{ HEAD "[gate]\nsubmit =\n", "f:5: no address" },
		{ HEAD "[paths]\nstate =\n", "f:5: the value is empty" },
		{ HEAD "[paths]\nstate = state\n", "f:5: a path begins with /" },
		{ HEAD "nonsense\n", "f:4: neither [section] nor option" },
		{ HEAD "[paths]\nstate = /a\n  /b\n", "f:6: a line must not begin with white space" },
		{ "[authority]\nname = Example\norigin = o\n", "f: [authority] name" },
		{ "[authority]\nname = example\n", "f: [authority] origin" },
		{ "", "f: [authority] name" },
	};
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct conf conf;
		struct err e = { 0 };
		assert_false(conf_parse(&conf, "f", cases[i].text, &e));
		if (strncmp(e.text, cases[i].error, strlen(cases[i].error)) != 0)
			fail_msg("case %zu: %s", i, e.text);
	}
}

static void test_long_line(void **state)
{
	char text[1024];
	struct conf conf;
	struct err e;
	(void)state;
	snprintf(text, sizeof text, "%s[paths]\nstate = /%0300d\n", HEAD, 1);
	assert_false(conf_parse(&conf, "f", text, &e));
	assert_non_null(strstr(e.text, "f:5: the line is too long"));
}

static void test_key_path(void **state)
{
	char path[64];
	struct conf conf;
	struct err e;
	(void)state;
	assert_true(conf_parse(&conf, "f", HEAD, &e));
	unsetenv("CREDENTIALS_DIRECTORY");
	assert_true(conf_key_path(&conf, "master", path, sizeof path, &e));
	assert_string_equal(path, "/etc/cellveil/example/keys/master");
	setenv("CREDENTIALS_DIRECTORY", "/run/credentials/x", 1);
	assert_true(conf_key_path(&conf, "master", path, sizeof path, &e));
	assert_string_equal(path, "/run/credentials/x/master");
	unsetenv("CREDENTIALS_DIRECTORY");
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_presets), cmocka_unit_test(test_values),
		cmocka_unit_test(test_refused), cmocka_unit_test(test_long_line),
		cmocka_unit_test(test_key_path) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
