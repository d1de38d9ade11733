#include "proto/name.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "tests/unit/proto/vectors.h"

static void check_grammar(const json_t *cases, bool (*grammar)(struct bytes))
{
	json_t *c;
	size_t i;
	json_array_foreach(cases, i, c)
	{
		const json_t *value = json_object_get(c, "value");
		size_t len = json_string_length(value);
		uint8_t *exact = malloc(len > 0 ? len : 1);
		assert_non_null(exact);
		memcpy(exact, json_string_value(value), len);
		if (grammar(bytes_of(exact, len)) != vectors_true(c, "ok"))
			fail_msg("%s", json_string_value(value));
		free(exact);
	}
}

static void names_and_periods_follow_the_vectors(void **state)
{
	(void)state;
	json_t *all = vectors_load("profile.json");
	const json_t *grammar = json_object_get(all, "grammar");
	check_grammar(json_object_get(grammar, "name"), name_is_name);
	check_grammar(json_object_get(grammar, "period"), name_is_period);
	json_decref(all);
}

struct word {
	const char *text;
	bool ok;
};

static void check_words(const struct word *word, size_t n, bool (*grammar)(struct bytes))
{
	for (size_t i = 0; i < n; i++)
		if (grammar(bytes_text(word[i].text)) != word[i].ok)
			fail_msg("%s", word[i].text);
}
#define CHECK(words, grammar) check_words(words, sizeof(words) / sizeof *(words), grammar)

static void origins_are_an_authority_and_a_path(void **state)
{
	(void)state;
	static const struct word words[] = { { "stats.example/log1", true }, { "stats.example", true },
		{ "a/b/c_d", true }, { "", false }, { "/log1", false }, { "stats.example/", false },
		{ "stats.example//log1", false }, { "Stats.example/log1", false },
		{ "stats example/log1", false }, { "stats.example/../log1", false },
		{ "st_ats.example/log1", false }, { "stats+x/log", false },
		{ "stats.example/log1\n", false } };
	CHECK(words, name_is_origin);
}

static void paths_stay_below_public(void **state)
{
	(void)state;
	static const struct word words[] = { { "release/births/2024/0/manifest.txt", true },
		{ "keyset", true }, { "a/.hidden", true }, { "", false }, { "/etc/passwd", false },
		{ "release/../../x", false }, { "./x", false }, { "a//b", false }, { "a/", false },
		{ "..", false }, { "a\\b", false }, { "a b", false } };
	CHECK(words, name_is_path);
}

static void endpoints_name_a_host_and_a_port(void **state)
{
	(void)state;
	static const struct word words[] = { { "tcp://stats.example:7410", true },
		{ "tcp://10.0.0.1:1", true }, { "tcp://[2001:db8::1]:65535", true },
		{ "tcp://stats.example", false }, { "tcp://:7410", false },
		{ "tcp://stats.example:0", false }, { "tcp://stats.example:65536", false },
		{ "tcp://stats.example:07410", false }, { "tcp://stats.example:", false },
		{ "ipc:///run/x", false }, { "tcp://*:7410", false }, { "tcp://a b:1", false },
		{ "tcp://-a:1", false }, { "tcp://[]:1", false }, { "tcp://a:1;b:2", false }, { "", false } };
	CHECK(words, name_is_endpoint);
}

static void text_has_no_control_characters(void **state)
{
	(void)state;
	static const struct word words[] = { { "", true }, { "Stödinsats 2024", true }, { "a\tb", false },
		{ "a\xc2\x85", false }, { "\xed\xa0\x80", false }, { "\xf4\x90\x80\x80", false },
		{ "\xc3", false } };
	CHECK(words, name_is_text);
}

static void a_copy_fits_or_is_empty(void **state)
{
	(void)state;
	char out[4];
	assert_true(name_copy(out, sizeof out, bytes_text("abc")));
	assert_string_equal(out, "abc");
	assert_false(name_copy(out, sizeof out, bytes_text("abcd")));
	assert_string_equal(out, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_and_periods_follow_the_vectors),
		cmocka_unit_test(origins_are_an_authority_and_a_path),
		cmocka_unit_test(paths_stay_below_public),
		cmocka_unit_test(endpoints_name_a_host_and_a_port),
		cmocka_unit_test(text_has_no_control_characters),
		cmocka_unit_test(a_copy_fits_or_is_empty),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
