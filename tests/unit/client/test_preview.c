/* What an office is shown of its own figures before it sends them. */
#include "client/form/form.h"
#include "client/preview.h"
#include "proto/config.h"
#include "proto/content.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void load(struct buf *out, const char *path)
{
	uint8_t part[4096];
	FILE *f = fopen(path, "rb");
	if (f == NULL)
		fail_msg("%s: cannot be opened", path);
	for (size_t n = fread(part, 1, sizeof part, f); n > 0; n = fread(part, 1, sizeof part, f))
		buf_put(out, part, n);
	fclose(f);
}

static struct config *config_2024(void)
{
	struct err e = { 0 };
	struct buf file = { 0 };
	struct buf filled = { 0 };
	load(&file, TEST_SOURCE "/policy/presets/po-redovisning-2024.yaml");
	assert_true(preset_fill(
	    buf_bytes(&file), "stats.example/log1", "personal-support", bytes_text(""), &filled, &e));
	struct config *c = config_parse(buf_bytes(&filled), &e);
	assert_non_null(c);
	buf_free(&file);
	buf_free(&filled);
	return c;
}

static void example(const struct config *c, struct form_result *r)
{
	struct err e = { 0 };
	struct buf file = { 0 };
	struct findings f;
	load(&file, TEST_DATA "/forms/po-redovisning-2024-exempel.csv");
	assert_true(form_read("form", buf_bytes(&file), c, NULL, &(struct form_options){ 0 }, r, &f, &e));
	findings_free(&f);
	buf_free(&file);
}

/* The made-up office: nothing from 1 to 4 is shown, no small cell alone in its sum is hidden, and the same form
 * gives the same preview. An office outside the list has one too. */
static void test_example(void **state)
{
	(void)state;
	static const char *const offices[] = { "efh", "exempel" };
	struct config *c = config_2024();
	struct form_result r;
	struct preview first = { .list = NULL };
	example(c, &r);
	for (size_t o = 0; o < 2; o++) {
		struct err e = { 0 };
		struct preview p;
		if (!preview_build(&p, c, "2024", offices[o], &r.figures, &e))
			fail_msg("%s", e.text);
		assert_false(p.refused);
		assert_int_equal(p.rows.n_tables, c->n_tables);
		assert_true(p.n_shown > 10 && p.n_hidden > 10);
		for (size_t t = 0; t < p.rows.n_tables; t++)
			for (size_t i = 0; i < p.rows.table[t].n_rows; i++) {
				const struct release_row *row = &p.rows.table[t].row[i];
				if (row->state == RELEASE_PUBLISHED)
					assert_true(row->value == 0 || row->value >= 5);
				else
					assert_int_equal(row->value, 0);
			}
		if (o == 1) {
			assert_int_equal(p.n_hidden, first.n_hidden);
			assert_int_equal(p.n_shown, first.n_shown);
			preview_free(&p);
		} else {
			first = p;
		}
	}
	preview_free(&first);
	figures_free(&r.figures);
	config_free(c);
}

/* A hidden part of a shown total is never alone. */
static void test_no_difference(void **state)
{
	(void)state;
	struct err e = { 0 };
	struct config *c = config_2024();
	struct form_result r;
	struct preview p;
	example(c, &r);
	assert_true(preview_build(&p, c, "2024", "efh", &r.figures, &e));
	const struct release_rows_table *t = &p.rows.table[0]; /* office, sex, age */
	const struct codelist *age = &p.config.list[model_list(c, "age")];
	for (size_t i = 0; i < t->n_rows; i++) {
		unsigned hidden = 0;
		if (t->row[i].state != RELEASE_PUBLISHED || t->row[i].code[2] != model_total(age))
			continue;
		for (size_t k = 0; k < t->n_rows; k++)
			hidden +=
			    t->row[k].code[1] == t->row[i].code[1] && t->row[k].state == RELEASE_SUPPRESSED;
		assert_int_not_equal(hidden, 1);
	}
	preview_free(&p);
	figures_free(&r.figures);
	config_free(c);
}

static void test_blank(void **state)
{
	(void)state;
	struct err e = { 0 };
	struct config *c = config_2024();
	struct figures figures;
	struct preview p;
	assert_true(figures_new(&figures, c, &e));
	if (!preview_build(&p, c, "2024", "efh", &figures, &e))
		fail_msg("%s", e.text);
	assert_int_equal(p.n_shown, 0);
	preview_free(&p);
	figures_free(&figures);
	config_free(c);
}

static void test_published(void **state)
{
	(void)state;
	struct config *c = config_2024();
	assert_true(preview_is_published(c, model_measure(c, "clients")));
	assert_false(preview_is_published(c, model_measure(c, "grant_used_sek")));
	config_free(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_example),
		cmocka_unit_test(test_no_difference),
		cmocka_unit_test(test_blank),
		cmocka_unit_test(test_published),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
