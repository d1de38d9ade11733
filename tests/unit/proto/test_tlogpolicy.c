/* tlogpolicy: the specification's own example, and what it forbids. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <sodium.h>
#include <string.h>

#include "proto/tlogpolicy.h"

/* In place of @X stands the vkey of a key made of letter X: a log's for L, a witness's else. */
static struct tlogpolicy *parse(const char *text, bool good)
{
	static struct tlogpolicy p;
	struct buf out = { 0 };
	struct err e = { 0 };
	for (const char *c = text; *c != 0; c++) {
		struct vkey key;
		uint8_t bytes[32];
		if (*c != '@') {
			buf_put_byte(&out, (uint8_t)*c);
			continue;
		}
		memset(bytes, *++c, sizeof bytes);
		assert_true(vkey_make(&key, *c == 'L' ? "stats.example/log1" : "stats.example/witness/w",
		    *c == 'L' ? VKEY_ED25519 : VKEY_COSIGNATURE, bytes, &e));
		vkey_print(&out, &key);
	}
	assert_int_equal(tlogpolicy_parse(&p, buf_bytes(&out), &e), good);
	buf_free(&out);
	return &p;
}

static void groups_of_groups(void **state)
{
	(void)state;
	const struct tlogpolicy *p =
	    parse("# two organisations\nlog @L https://stats.example/\n\nwitness X1 @a\nwitness X2 @b\n"
		  "\twitness  X3 @c\ngroup X 2 X1 X2 X3\nwitness Y1 @d\nwitness Y2 @e\n"
		  "group Y any Y1 Y2\ngroup both all X Y\nquorum both\n",
		true);
	assert_int_equal(p->n_witnesses, 5);
	assert_int_equal(p->n_logs, 1);
	for (unsigned set = 0; set < 32; set++) {
		bool by[TLOGPOLICY_KEYS_MAX] = { false };
		unsigned x = (set & 1) + (set >> 1 & 1) + (set >> 2 & 1);
		for (unsigned i = 0; i < 5; i++)
			by[i] = set >> i & 1;
		assert_int_equal(tlogpolicy_holds(p, by), x >= 2 && set >> 3 != 0);
	}
}

static void one_witness_or_none(void **state)
{
	(void)state;
	bool by[TLOGPOLICY_KEYS_MAX] = { false };
	const struct tlogpolicy *p = parse("quorum none\n", true);
	assert_true(tlogpolicy_holds(p, by));
	p = parse("witness a @a\nwitness b @b\nquorum b\n", true);
	by[0] = true;
	assert_false(tlogpolicy_holds(p, by));
	by[1] = true;
	assert_true(tlogpolicy_holds(p, by));
}

static void refused(void **state)
{
	(void)state;
	static const char *const bad[] = { "", "witness a @a\n", "quorum a\n",
		"witness a @a\nquorum a\nquorum a\n", "witness a @a\nwitness a @b\nquorum a\n",
		"witness a @a\nwitness b @a\nquorum a\n", "witness a @L\nquorum a\n", "log @a\nquorum none\n",
		"witness none @a\nquorum none\n", "witness a @a\ngroup g 0 a\nquorum g\n",
		"witness a @a\ngroup g 2 a\nquorum g\n", "witness a @a\ngroup g any\nquorum g\n",
		"witness a @a\ngroup g any a a\nquorum g\n",
		"witness a @a\ngroup g any a\ngroup h any a\nquorum h\n",
		"group g any a\nwitness a @a\nquorum g\n", "witness a @a\ngroup g any g\nquorum g\n",
		"witness a @a x y\nquorum a\n", "quorum none x\n", "quorum none", "oracle a\nquorum none\n",
		"witness a @a\r\nquorum a\n", "log @L\nlog @L\nquorum none\n" };
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		print_message("%s\n--\n", bad[i]);
		(void)parse(bad[i], false);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(groups_of_groups),
		cmocka_unit_test(one_witness_or_none), cmocka_unit_test(refused) };
	if (sodium_init() < 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
