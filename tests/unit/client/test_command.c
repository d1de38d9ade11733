#include "client/command.h"
#include "client/text.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static int nothing(const struct args *args)
{
	(void)args;
	return EXIT_OK;
}

static const struct command commands[] = {
	{ "push", "FILE", "send a form", "cellveil push form.csv",
	    { { "period", 'p', "PERIOD", "which period" }, { "yes", 'y', NULL, "do not ask" } }, 1, 1,
	    nothing },
	{ "outbox list", "", "what waits", "cellveil outbox list", { { 0 } }, 0, 0, nothing },
	{ "outbox send", "", "send it", "cellveil outbox send", { { 0 } }, 0, 0, nothing },
};

static const struct command *const plugged[] = { &commands[2] };

static const struct program program = { "cellveil", "Private counts.", "More: cellveil(1)",
	{ { "dir", 0, "DIR", "where keys are" } }, commands, 2, plugged, 1 };

struct parsed {
	struct args args;
	const char *room[8];
	bool help, ok;
	char problem[128];
};

/* Good until the next call. */
static struct parsed *parse(const struct command *command, int argc, const char *const *argv)
{
	static struct parsed p;
	struct buf problem = { 0 };
	char *copy[8];

	p = (struct parsed){ 0 };
	for (int i = 0; i < argc; i++)
		copy[i] = (char *)(uintptr_t)argv[i];
	p.ok = command_parse(&program, command, argc, copy, p.room, &p.args, &p.help, &problem);
	if (problem.size > 0)
		memcpy(p.problem, problem.data, problem.size);
	buf_free(&problem);
	return &p;
}

#define PARSE(command, ...)                                                                                  \
	parse(command, sizeof((const char *[]){ __VA_ARGS__ }) / sizeof(char *),                             \
	    (const char *[]){ __VA_ARGS__ })

static void test_options(void **state)
{
	(void)state;
	struct parsed *p = PARSE(&commands[0], "--period=2024", "-y", "form.csv", "--dir", "d");
	unsigned long number;

	assert_true(p->ok);
	assert_string_equal(args_value(&p->args, "period"), "2024");
	assert_true(args_flag(&p->args, "yes"));
	assert_string_equal(args_value(&p->args, "dir"), "d");
	assert_int_equal(p->args.n, 1);
	assert_string_equal(p->args.at[0], "form.csv");
	assert_true(args_number(&p->args, "period", 3000, 1, &number));
	assert_int_equal(number, 2024);
	assert_false(args_number(&p->args, "period", 2000, 1, &number));

	p = PARSE(&commands[0], "-p2024", "--", "-y");
	assert_true(p->ok);
	assert_string_equal(args_value(&p->args, "period"), "2024");
	assert_false(args_flag(&p->args, "yes"));
	assert_string_equal(p->args.at[0], "-y");

	p = PARSE(&commands[0], "-"); /* standard input is an argument */
	assert_true(p->ok);
	p = PARSE(&commands[0], "--help");
	assert_true(p->ok && p->help);
}

static void test_refused(void **state)
{
	(void)state;
	assert_string_equal(PARSE(&commands[0], "--pediod", "2024")->problem, "unknown option --pediod");
	assert_string_equal(PARSE(&commands[0], "-yx", "f")->problem, "unknown option -yx");
	assert_string_equal(PARSE(&commands[0], "--yes=1", "f")->problem, "option --yes takes no value");
	assert_string_equal(
	    PARSE(&commands[0], "f", "--period")->problem, "option --period needs a value: PERIOD");
	assert_string_equal(PARSE(&commands[0], "-y")->problem, "missing argument: FILE");
	assert_string_equal(PARSE(&commands[1], "x")->problem, "too many arguments");
}

static void test_find(void **state)
{
	(void)state;
	char *two[] = { (char[]){ "outbox" }, (char[]){ "send" } };
	char *one[] = { (char[]){ "outbox" } };
	int words;

	assert_ptr_equal(command_find(&program, 2, two, &words), &commands[2]);
	assert_int_equal(words, 2);
	assert_null(command_find(&program, 1, one, &words));
	assert_string_equal(command_suggest(&program, "pusch"), "push");
	assert_string_equal(command_suggest(&program, "outbx"), "outbox list");
	assert_null(command_suggest(&program, "x"));
	assert_null(command_suggest(&program, "subscribe-to-everything"));
}

static void test_help_has_example(void **state)
{
	(void)state;
	struct buf out = { 0 };

	command_help(&program, &commands[0], &out);
	buf_put_byte(&out, 0);
	assert_non_null(strstr((char *)out.data, "usage: cellveil push FILE [options]"));
	assert_non_null(strstr((char *)out.data, "  cellveil push form.csv\n"));
	assert_non_null(strstr((char *)out.data, "  -p, --period PERIOD          which period\n"));
	buf_free(&out);
}

static void test_width(void **state)
{
	(void)state;
	assert_int_equal(text_width(""), 0);
	assert_int_equal(text_width("K\xc3\xb6n"), 3);
	assert_int_equal(text_width("o\xcc\x88"), 1);
	assert_int_equal(text_width("\xe8\xa1\xa8"), 2);
}

static void test_json_and_time(void **state)
{
	(void)state;
	struct buf out = { 0 };

	text_json(&out, "a\"\\\n\xc3\xa5");
	text_time(&out, 1738328700);
	assert_int_equal(out.size, 15 + 20);
	assert_memory_equal(out.data, "\"a\\\"\\\\\\u000a\xc3\xa5\"2025-01-31 13:05 UTC", 35);
	buf_free(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_options),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_find),
		cmocka_unit_test(test_help_has_example),
		cmocka_unit_test(test_width),
		cmocka_unit_test(test_json_and_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
