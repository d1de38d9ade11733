#include "proto/config.h"
#include "proto/layout.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void load(struct buf *out, const char *name)
{
	char path[512];
	uint8_t part[4096];
	snprintf(path, sizeof path, "%s/policy/presets/%s.yaml", TEST_SOURCE, name);
	FILE *f = fopen(path, "rb");
	assert_non_null(f);
	for (size_t n = fread(part, 1, sizeof part, f); n > 0; n = fread(part, 1, sizeof part, f))
		buf_put(out, part, n);
	fclose(f);
}

static struct config *filled(const char *name, const char *offices)
{
	struct err e = { 0 };
	struct buf preset = { 0 };
	struct buf out = { 0 };
	load(&preset, name);
	if (!preset_fill(
		buf_bytes(&preset), "stats.example/log1", "personal-support", bytes_text(offices), &out, &e))
		fail_msg("%s: %s", name, e.text);
	struct config *c = config_parse(buf_bytes(&out), &e);
	assert_non_null(c);
	buf_free(&preset);
	buf_free(&out);
	return c;
}

static void test_all_presets(void **state)
{
	(void)state;
	static const struct {
		const char *name, *period;
		uint32_t n_asked;
	} cases[] = {
		{ "po-redovisning-2020", "2020", 88 },
		{ "po-redovisning-2022", "2022", 80 },
		{ "po-redovisning-2023", "2023", 79 },
		{ "po-redovisning-2024", "2025", 79 },
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct config *c = filled(cases[i].name, "");
		assert_int_equal(c->n_asked, cases[i].n_asked);
		assert_int_equal(c->n_checks, 7);
		assert_int_equal(c->n_tables, 5);
		assert_non_null(c->layout);
		assert_int_equal(c->layout->n_checks, 2);
		assert_true(config_period_in(c, cases[i].period));
		assert_true(config_office_in(c, "efh", cases[i].period));
		assert_true(config_office_in(c, "spanga-tensta", cases[i].period));
		assert_true(config_office_in(c, "soderort", cases[i].period));
		assert_false(config_office_in(c, "jarva", cases[i].period));
		config_free(c);
	}
}

static void test_other_offices(void **state)
{
	(void)state;
	struct config *c =
	    filled("po-redovisning-2024", "# three\n- {code: _T, sv: Länet}\n- {code: a, of: [_T]}\n- {code: "
					  "b, of: [_T]}\n- {code: c, of: [_T]}");
	assert_int_equal(c->list[c->office_list].n_codes, 4);
	assert_true(config_office_in(c, "c", "2024"));
	assert_false(config_office_in(c, "efh", "2024"));
	assert_int_equal(c->n_measures, 31);
	config_free(c);
}

static void test_bad_filling(void **state)
{
	(void)state;
	struct err e = { 0 };
	struct buf preset = { 0 };
	struct buf out = { 0 };
	load(&preset, "po-redovisning-2024");
	assert_null(config_parse(buf_bytes(&preset), &e)); /* a preset is no configuration */
	assert_false(preset_fill(buf_bytes(&preset), "no origin", "d", bytes_text(""), &out, &e));
	assert_false(preset_fill(buf_bytes(&preset), "a.example/l", "D", bytes_text(""), &out, &e));
	assert_false(preset_fill(
	    buf_bytes(&preset), "a.example/l", "d", bytes_text("- {code: a}\n- {code: b}\n"), &out, &e));
	assert_non_null(strstr(e.text, "'b' has no parent"));
	buf_free(&preset);
	buf_free(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_presets),
		cmocka_unit_test(test_other_offices),
		cmocka_unit_test(test_bad_filling),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
