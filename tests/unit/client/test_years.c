/* A form against itself and against the office's form of the period before. */
#include "client/form/form.h"
#include "client/lastyear.h"
#include "formfixture.h"
#include "proto/config.h"
#include "proto/content.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The tidy example of 2024 as another year's, with texts replaced in pairs {from, to}. */
static void example(struct buf *out, const char *year, const char *const (*change)[2], size_t n)
{
	struct buf file = { 0 };
	load(&file, TEST_DATA, "seeds/exempel-2024.csv");
	buf_put_byte(&file, '\0');
	for (char *line = strtok((char *)file.data, "\n"); line != NULL; line = strtok(NULL, "\n")) {
		const char *text = line;
		for (size_t i = 0; i < n; i++)
			if (strcmp(line, change[i][0]) == 0)
				text = change[i][1];
		const char *at = strstr(text, ",2024,");
		if (at == NULL)
			buf_printf(out, "%s\n", text);
		else
			buf_printf(out, "%.*s,%s,%s\n", (int)(at - text), text, year, at + 6);
	}
	buf_free(&file);
}

static void read_with(struct bytes file, const struct config *c, const struct figures *before,
    struct form_result *r, struct findings *f)
{
	struct err e = { 0 };
	const struct form_options options = { .blanks_not_reported = true, .before = before };
	if (!form_read("form", file, c, NULL, &options, r, f, &e))
		fail_msg("%s", e.text);
}

static const struct finding *find(const struct findings *f, enum finding_code code, unsigned *n)
{
	const struct finding *found = NULL;
	*n = 0;
	for (uint32_t i = 0; i < f->n; i++)
		if (f->at[i].code == code) {
			found = &f->at[i];
			(*n)++;
		}
	return found;
}

/* A made-up office hands in the same figures twice: more came than went, so both cannot be right. */
static void test_example(void **state)
{
	(void)state;
	static const char *const none[1][2] = { { "", "" } };
	struct config *c = preset("2024");
	struct buf one = { 0 };
	struct buf two = { 0 };
	struct form_result before;
	struct form_result now;
	struct findings f;
	unsigned n;
	example(&one, "2024", none, 1);
	read_with(buf_bytes(&one), c, NULL, &before, &f);
	findings_free(&f);
	example(&two, "2025", none, 1);
	read_with(buf_bytes(&two), c, &before.figures, &now, &f);
	const struct finding *flow = find(&f, FINDING_FLOW, &n);
	/* the same stock twice holds only if as many came as went: 48 - 17 + 23 and 41 - 16 + 19 */
	assert_int_equal(n, 2);
	assert_int_equal(flow->severity, SEVERITY_WARNING);
	assert_false(flow->open);
	assert_non_null(strstr(flow->en, " new make "));
	assert_non_null(strstr(flow->sv, "förra perioden"));
	find(&f, FINDING_CHANGE, &n);
	assert_int_equal(n, 0);
	figures_free(&now.figures);
	findings_free(&f);
	figures_free(&before.figures);
	buf_free(&one);
	buf_free(&two);
	config_free(c);
}

static void set(const struct config *c, struct figures *figures, const char *measure, const char *sex,
    const char *other, uint64_t value)
{
	struct cell_id id = { .measure = model_measure(c, measure) };
	const struct measure *m = &c->measure[id.measure];
	if (m->n_dims > 0)
		id.code[0] = model_code(&c->list[m->dim[0]], sex);
	if (m->n_dims > 1)
		id.code[1] = model_code(&c->list[m->dim[1]], other);
	uint32_t i = model_asked(c, &id);
	assert_true(i < figures->n);
	figures->state[i] = FIGURE_VALUE;
	figures->value[i] = value;
}

/* The example against itself with one figure of the year before changed: what is told, and where. */
static void test_each(void **state)
{
	(void)state;
	static const struct {
		const char *measure, *sex, *other;
		uint64_t value;
		enum finding_code code;
		bool told;
	} cases[] = {
		{ "clients", "F", "_T", 42, FINDING_FLOW, false }, /* 42 - 17 + 23 = 48 */
		{ "clients", "F", "_T", 45, FINDING_FLOW, true },
		{ "clients", "F", "Y_GE65", 100, FINDING_OPEN_TOP, true },
		{ "clients", "F", "Y_GE65", 0, FINDING_OPEN_TOP, false },
		{ "waiting_days", "", "", 200, FINDING_CHANGE, true },
		{ "clients_children_home", "F", "", 60, FINDING_CHANGE, true },
	};
	struct config *c = preset("2024");
	struct buf text = { 0 };
	load(&text, TEST_DATA, "forms/po-redovisning-2024-exempel.csv");
	for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
		struct form_result before;
		struct form_result now;
		struct findings f;
		unsigned n;
		unsigned with = 0;
		read_with(buf_bytes(&text), c, NULL, &before, &f);
		assert_int_equal(f.n, 0);
		findings_free(&f);
		set(c, &before.figures, cases[k].measure, cases[k].sex, cases[k].other, cases[k].value);
		read_with(buf_bytes(&text), c, &before.figures, &now, &f);
		find(&f, cases[k].code, &n);
		for (uint32_t i = 0; i < f.n; i++)
			with += f.at[i].code == cases[k].code && f.at[i].line > 0 &&
				(cases[k].sex[0] == '\0' || strcmp(f.at[i].column, "Kvinnor") == 0);
		if ((with > 0) != cases[k].told)
			fail_msg("case %zu: %u of %u", k, with, n);
		figures_free(&now.figures);
		findings_free(&f);
		figures_free(&before.figures);
	}
	buf_free(&text);
	config_free(c);
}

/* Two real years of one office: findings F11 and F12, and nothing about the women, whose figures agree. The
 * form of 2022 is another version: it is carried over by names. */
static void test_two_years(void **state)
{
	(void)state;
	struct err e = { 0 };
	struct config *then = preset("2022");
	struct config *now = preset("2023");
	struct buf file = { 0 };
	struct form_result before;
	struct form_result result;
	struct figures carried;
	struct findings f;
	unsigned n;
	load(&file, TEST_DATA, "forms/po-redovisning-2022-efh.csv");
	read_with(buf_bytes(&file), then, NULL, &before, &f);
	findings_free(&f);
	buf_clear(&file);
	assert_true(form_carry(now, then, &before.figures, &carried, &e));
	load(&file, TEST_DATA, "forms/po-redovisning-2023-efh.csv");
	read_with(buf_bytes(&file), now, &carried, &result, &f);
	const struct finding *flow = find(&f, FINDING_FLOW, &n);
	assert_int_equal(n, 1);
	assert_string_equal(flow->column, "Män");
	const struct finding *top = find(&f, FINDING_OPEN_TOP, &n);
	assert_int_equal(n, 1);
	assert_string_equal(top->column, "Män");
	assert_non_null(strstr(top->field, "65"));
	find(&f, FINDING_DATED_EARLY, &n);
	assert_int_equal(n, 1);
	find(&f, FINDING_PATTERN, &n);
	assert_int_equal(n, 0); /* all new women had that reason the year before too */
	figures_free(&result.figures);
	figures_free(&carried);
	figures_free(&before.figures);
	findings_free(&f);
	buf_free(&file);
	config_free(then);
	config_free(now);
}

/* F20, F21: offered in one section, not offered in another. */
static void test_contradictions(void **state)
{
	(void)state;
	struct config *c = preset("2020");
	struct buf file = { 0 };
	struct form_result r;
	struct findings f;
	unsigned n;
	load(&file, TEST_DATA, "forms/po-redovisning-2020-spanga-tensta.csv");
	read_with(buf_bytes(&file), c, NULL, &r, &f);
	const struct finding *found = find(&f, FINDING_CONTRADICTION, &n);
	assert_int_equal(n, 2);
	assert_int_equal(found->severity, SEVERITY_WARNING);
	assert_true(found->line > 0);
	figures_free(&r.figures);
	findings_free(&f);
	buf_free(&file);
	config_free(c);
}

static void test_precedes(void **state)
{
	(void)state;
	assert_true(lastyear_precedes("2023", "2024"));
	assert_true(lastyear_precedes("2023-Q4", "2024-Q1"));
	assert_true(lastyear_precedes("2024-01", "2024-02"));
	assert_false(lastyear_precedes("2024", "2023"));
	assert_false(lastyear_precedes("2024", "2024"));
	assert_false(lastyear_precedes("2022", "2024"));
	assert_false(lastyear_precedes("2023", "2024-Q1"));
	assert_false(lastyear_precedes("", "2024"));
}

/* What a layout may say about years and answers, and what it may not. */
static void test_rules(void **state)
{
	(void)state;
	static const char *const bad[] = {
		"  series:\n    - {stock: clients, in: clients_new}\n",
		"  series:\n    - {stock: clients, in: clients_new, out: nobody}\n",
		"  series:\n    - {stock: clients, in: clients_new, out: waiting_days}\n",
		"  series:\n    - {stock: clients, in: clients_new, out: clients_ended, top: \"age=Y99\"}\n",
		"  series:\n    - {stock: clients, in: clients_new, out: clients_ended, top: \"Y_GE65\"}\n",
		"  series: none\n",
		"  series: []\n  contradictions:\n    - {a: clients, b: queue_yes}\n",
		"  series: []\n  contradictions:\n    - {a: queue_yes, b: nobody}\n",
		"  series: []\n  contradictions:\n    - {a: queue_yes}\n",
	};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct err e = { 0 };
		struct buf file = { 0 };
		struct buf text = { 0 };
		struct buf filled = { 0 };
		load(&file, TEST_SOURCE "/policy/presets", "po-redovisning-2024.yaml");
		buf_put_byte(&file, '\0');
		const char *at = strstr((char *)file.data, "  series:");
		assert_non_null(at);
		buf_put(&text, file.data, (size_t)(at - (char *)file.data));
		buf_put_text(&text, bad[i]);
		if (preset_fill(buf_bytes(&text), "stats.example/log1", "personal-support", bytes_text(""),
			&filled, &e))
			fail_msg("accepted: %s", bad[i]);
		assert_non_null(strstr(e.text, "line "));
		buf_free(&file);
		buf_free(&text);
		buf_free(&filled);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_example),
		cmocka_unit_test(test_each),
		cmocka_unit_test(test_two_years),
		cmocka_unit_test(test_contradictions),
		cmocka_unit_test(test_precedes),
		cmocka_unit_test(test_rules),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
