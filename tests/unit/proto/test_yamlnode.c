#include "proto/limits.h"
#include "proto/yamlnode.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void test_tree(void **state)
{
	(void)state;
	struct err e = { 0 };
	struct yamltree *t = yamlnode_parse(
	    bytes_text("a: 1\nb: [x, \"y: z\"]   # comment\nc:\n  - {k: v, l: ''}\n  - m: no\n"), &e);
	assert_non_null(t);
	const struct yamlnode *root = yamlnode_root(t);
	assert_int_equal(root->kind, YAML_MAP);
	assert_int_equal(root->n, 3);
	const struct yamlnode *b = yamlnode_get(root, "b");
	assert_int_equal(b->n, 2);
	assert_string_equal(b->first->next->text, "y: z");
	const struct yamlnode *c = yamlnode_get(root, "c");
	assert_int_equal(c->key_line, 3);
	assert_int_equal(c->first->line, 4);
	assert_string_equal(yamlnode_get(c->first, "l")->text, "");
	assert_string_equal(yamlnode_get(c->first->next, "m")->text, "no");
	assert_null(yamlnode_get(root, "d"));
	yamlnode_free(t);
}

static void test_refused(void **state)
{
	(void)state;
	static const struct {
		const char *text, *want;
	} cases[] = {
		{ "", "line 1: the file is empty" },
		{ "a: 1\na: 2\n", "line 2: name 'a' stands twice (first on line 1)" },
		{ "x: {b: 1, c: 2, b: 3}\n", "line 1: name 'b' stands twice (first on line 1)" },
		{ "a: &x 1\n", "line 1: anchors are not allowed" },
		{ "a: &x [1]\n", "line 1: anchors and tags are not allowed" },
		{ "a: 1\nb: *a\n", "line 2: aliases are not allowed" },
		{ "a: !!str 1\n", "line 1: tags are not allowed" },
		{ "a: !foo {}\n", "line 1: anchors and tags are not allowed" },
		{ "a:\n  <<: {}\n", "line 2: merges (<<) are not allowed" },
		{ "? [1]\n: x\n", "line 1: a name must be plain text" },
		{ "a: 1\n---\nb: 2\n", "line 2: a second document in one file" },
		{ "%YAML 1.1\n---\na: 1\n", "line 1: directives are not allowed" },
		{ "a: \"x\\ty\"\n", "line 1: text holds a line feed" },
		{ "a: |\n  x\n", "line 1: text holds a line feed" },
		{ "a: 1\nb: \xff\n", "line 2: " },
		{ "a: [1\nb: 2\n", "line 2: " },
		{ "a: 1\n\tb: 2\n", "line 2: " },
		{ "'': 1\n", "line 1: empty name" },
		{ "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]",
		    "line 1: nested too deeply" },
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct err e = { 0 };
		struct yamltree *t = yamlnode_parse(bytes_text(cases[i].text), &e);
		if (t != NULL || strncmp(e.text, cases[i].want, strlen(cases[i].want)) != 0)
			print_message("case %zu: %s\n", i, e.text);
		assert_null(t);
		assert_int_equal(strncmp(e.text, cases[i].want, strlen(cases[i].want)), 0);
	}
}

static void test_utf16_is_refused(void **state)
{
	(void)state;
	struct err e = { 0 };
	assert_null(yamlnode_parse(bytes_of("\xff\xfe"
					    "a\0:\0 \0b\0",
				       10),
	    &e));
}

static void test_limits(void **state)
{
	(void)state;
	struct err e = { 0 };
	size_t len = LIMIT_CONFIG_FILE + 1;
	char *big = malloc(len);
	assert_non_null(big);
	memset(big, '#', len);
	assert_null(yamlnode_parse(bytes_of(big, len), &e));
	assert_int_equal(e.code, ERR_LIMIT);
	memset(big, 'a', 5000);
	assert_null(yamlnode_parse(bytes_of(big, 5000), &e));
	assert_int_equal(e.code, ERR_LIMIT);
	for (size_t i = 0; i + 1 < 1200000; i += 2)
		memcpy(big + i, i == 0 ? "[a" : ",a", 2);
	assert_null(yamlnode_parse(bytes_of(big, 1200000), &e));
	assert_int_equal(e.code, ERR_LIMIT);
	free(big);
}

static void test_reads(void **state)
{
	(void)state;
	struct err e = { 0 };
	struct yamltree *t =
	    yamlnode_parse(bytes_text("a: 17\nb: 017\nc: -1\nd: [1]\ne: 18446744073709551616\n"), &e);
	const struct yamlnode *root = yamlnode_root(t);
	static const char *const known[] = { "a", "b", "c", "d", NULL };
	uint64_t n = 0;
	assert_true(yamlnode_uint(yamlnode_get(root, "a"), "a", 1, 17, &n, &e));
	assert_int_equal(n, 17);
	assert_false(yamlnode_uint(yamlnode_get(root, "a"), "a", 1, 16, &n, &e));
	assert_false(yamlnode_uint(yamlnode_get(root, "b"), "b", 0, 100, &n, &e));
	assert_false(yamlnode_uint(yamlnode_get(root, "c"), "c", 0, 100, &n, &e));
	assert_false(yamlnode_uint(yamlnode_get(root, "d"), "d", 0, 100, &n, &e));
	assert_string_equal(e.text, "line 4: d: a text is expected");
	assert_false(yamlnode_uint(yamlnode_get(root, "e"), "e", 0, UINT64_MAX, &n, &e));
	assert_false(yamlnode_only(root, "the file", known, &e));
	assert_string_equal(e.text, "line 5: the file: unknown name 'e'");
	yamlnode_free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tree),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_utf16_is_refused),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_reads),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
