/* What an office is shown of its own figures before it sends them. */
#include "client/form/form.h"
#include "client/preview_print.h"
#include "client/text.h"
#include "formfixture.h"
#include "proto/config.h"
#include "proto/content.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void example(const struct config *c, struct form_result *r)
{
	struct err e = { 0 };
	struct buf file = { 0 };
	struct findings f;
	load(&file, TEST_DATA, "forms/po-redovisning-2024-exempel.csv");
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
	struct config *c = preset("2024");
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
	struct config *c = preset("2024");
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
	struct config *c = preset("2024");
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
	struct config *c = preset("2024");
	assert_true(preview_is_published(c, model_measure(c, "clients")));
	assert_false(preview_is_published(c, model_measure(c, "grant_used_sek")));
	config_free(c);
}

/* Every line of every table as wide as the others, and none wider than the terminal. */
static void assert_square(struct bytes text, size_t most)
{
	char line[1024];
	size_t n = 0;
	size_t width = 0;
	unsigned boxed = 0;
	for (size_t i = 0; i < text.len; i++) {
		if (text.at[i] != '\n') {
			assert_true(n + 1 < sizeof line);
			line[n++] = (char)text.at[i];
			continue;
		}
		line[n] = '\0';
		if (strncmp(line, "\xe2\x94\x8c", 3) == 0)
			width = text_width(line);
		if (strncmp(line, "\xe2\x94\x82", 3) == 0 || strncmp(line, "\xe2\x94\x9c", 3) == 0 ||
		    strncmp(line, "\xe2\x94\x94", 3) == 0) {
			boxed++;
			assert_int_equal(text_width(line), width);
			assert_true(width <= most);
		}
		n = 0;
	}
	assert_true(boxed > 40);
}

static bool has(const struct buf *text, const char *what)
{
	return memmem(text->data, text->size, what, strlen(what)) != NULL;
}

static void test_picture(void **state)
{
	(void)state;
	struct err e = { 0 };
	struct config *c = preset("2024");
	struct form_result r;
	struct preview p;
	example(c, &r);
	assert_true(preview_build(&p, c, "2024", "efh", &r.figures, &e));
	static const size_t widths[] = { 0, 200, 80, 60, 50 };
	for (size_t i = 0; i < 5; i++)
		for (int color = 0; color < 2; color++) {
			struct buf out = { 0 };
			struct preview_style style = { .language = i % 2 == 0 ? LANGUAGE_SV : LANGUAGE_EN,
				.color = color == 1,
				.width = widths[i] };
			assert_true(preview_put_picture(&out, &p, &style, &e));
			assert_int_equal(has(&out, "\x1b["), color);
			assert_true(has(&out, style.language == LANGUAGE_SV ? "Kvinnor" : "Women"));
			assert_true(has(&out, "\xe2\x96\x92\xe2\x96\x92\xe2\x96\x92"));
			assert_int_equal(has(&out, "\xe2\x80\xa6"), widths[i] > 0 && widths[i] <= 60);
			if (color == 0)
				assert_square(buf_bytes(&out), widths[i] == 0 ? 100 : widths[i]);
			buf_free(&out);
		}
	preview_free(&p);
	figures_free(&r.figures);
	config_free(c);
}

/* What the list and the JSON say of each figure agrees with the tables. */
static void test_sight(void **state)
{
	(void)state;
	struct err e = { 0 };
	struct config *c = preset("2024");
	struct form_result r;
	struct preview p;
	struct buf json = { 0 };
	unsigned n[4] = { 0 };
	example(c, &r);
	assert_true(preview_build(&p, c, "2024", "efh", &r.figures, &e));
	for (uint32_t i = 0; i < c->n_asked; i++) {
		enum preview_sight sight = preview_sight(&p, c, &r.figures, i);
		n[sight]++;
		if (sight == SIGHT_EVERYBODY)
			assert_true(r.figures.value[i] >= 5);
		assert_int_equal(sight == SIGHT_NO_TABLE, !preview_is_published(c, c->asked[i].measure));
	}
	assert_true(n[SIGHT_EVERYBODY] > 10 && n[SIGHT_HIDDEN] > 10 && n[SIGHT_NO_TABLE] > 20);
	assert_true(preview_put_json(&json, &p, c, &r.figures, LANGUAGE_SV, &e));
	json_t *root = json_loadb((const char *)json.data, json.size, 0, NULL);
	assert_non_null(root);
	assert_int_equal(json_array_size(json_object_get(root, "figures")), c->n_asked);
	json_decref(root);
	buf_free(&json);
	preview_free(&p);
	figures_free(&r.figures);
	config_free(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_example),
		cmocka_unit_test(test_no_difference),
		cmocka_unit_test(test_blank),
		cmocka_unit_test(test_published),
		cmocka_unit_test(test_picture),
		cmocka_unit_test(test_sight),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
