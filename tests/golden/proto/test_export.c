/* The files people read, compared byte by byte with tests/data/export. After a change on purpose, run the
 * program with CELLVEIL_GOLDEN=write and read the difference. */
#include "proto/export.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <sodium.h>

#include "proto/config.h"
#include "tests/unit/proto/vectors.h"

#define FILE_MAX 65536

struct world {
	struct config *config;
	struct release_rows rows;
};

static struct bytes read_file(const char *name)
{
	char path[512];
	snprintf(path, sizeof path, "%s/%s", TEST_DATA, name);
	uint8_t *data = malloc(FILE_MAX);
	FILE *f = fopen(path, "rb");
	assert_non_null(data);
	if (f == NULL)
		return bytes_of(data, 0);
	size_t len = fread(data, 1, FILE_MAX, f);
	fclose(f);
	return bytes_of(data, len);
}

static void compare(const char *name, struct bytes got)
{
	char path[512];
	snprintf(path, sizeof path, "%s/%s", TEST_DATA, name);
	if (getenv("CELLVEIL_GOLDEN") != NULL) {
		FILE *f = fopen(path, "wb");
		assert_non_null(f);
		assert_int_equal(fwrite(got.at, 1, got.len, f), got.len);
		fclose(f);
	}
	struct bytes want = read_file(name);
	if (!bytes_equal(got, want))
		fail_msg("%s differs", path);
	vectors_free(want);
}

static struct release_rows_table *add_table(struct release_rows *r, const struct release_table *shape,
    const struct config *config, const struct release_row *row, size_t n)
{
	struct release_rows_table *t = release_rows_add(r, n, NULL);
	assert_non_null(t);
	strcpy(t->id, shape->id);
	t->n_dims = shape->n_dims;
	for (uint16_t d = 0; d < t->n_dims; d++)
		strcpy(t->dim[d], config->list[shape->dim[d]].name);
	memcpy(t->row, row, n * sizeof *row);
	return t;
}

#define P(m, a, b, v)                                                                                        \
	{                                                                                                    \
		.measure = m, .code = { a, b }, .state = RELEASE_PUBLISHED, .value = v                       \
	}
#define S(m, a, b, s)                                                                                        \
	{                                                                                                    \
		.measure = m, .code = { a, b }, .state = s                                                   \
	}
/* A made-up release of tests/data/config-small.yaml: office x sex, one of each state. */
static const struct release_row clients[] = { P(0, 0, 0, 121), P(0, 0, 1, 71), P(0, 0, 2, 50), P(0, 2, 0, 80),
	S(0, 2, 1, RELEASE_SUPPRESSED), S(0, 2, 2, RELEASE_SUPPRESSED), P(0, 3, 0, 41),
	S(0, 3, 1, RELEASE_NOT_REPORTED), S(0, 3, 2, RELEASE_STRUCTURAL) };
/* office x sex x reason, with one combination missing */
static const struct release_row reasons[] = {
	{ .measure = 2, .code = { 0, 0, 1 }, .state = RELEASE_PUBLISHED, .value = 12 },
	{ .measure = 2, .code = { 0, 0, 2 }, .state = RELEASE_NOT_ASKED },
	{ .measure = 2, .code = { 0, 1, 1 }, .state = RELEASE_PUBLISHED, .value = 0 },
};

static int setup(void **state)
{
	static struct world w;
	struct err e;
	struct bytes file = read_file("config-small.yaml");
	w.config = config_parse(file, &e);
	vectors_free(file);
	if (w.config == NULL)
		return -1;
	/* the golden files name it: a comment added to the configuration must not change them */
	memset(w.config->digest, 0xc0, sizeof w.config->digest);
	strcpy(w.rows.dataset, w.config->dataset);
	strcpy(w.rows.period, "2024");
	w.rows.revision = 1;
	memcpy(w.rows.config, w.config->digest, sizeof w.rows.config);
	add_table(&w.rows, &w.config->table[0], w.config, clients, sizeof clients / sizeof *clients);
	add_table(&w.rows, &w.config->table[1], w.config, reasons, sizeof reasons / sizeof *reasons);
	*state = &w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;
	release_rows_free(&w->rows);
	config_free(w->config);
	return 0;
}

static void the_csv_is_as_it_was(void **state)
{
	struct world *w = *state;
	struct buf b = { 0 };
	struct err e;
	assert_true(export_csv(&b, &w->rows, w->config, &e));
	compare("export/release.csv", buf_bytes(&b));
	buf_free(&b);
}

static void json_stat_is_as_it_was(void **state)
{
	struct world *w = *state;
	static const char *const files[2][2] = { { "export/release.json", "export/release.en.json" },
		{ "export/release-reasons.json", "export/release-reasons.en.json" } };
	for (size_t table = 0; table < 2; table++)
		for (int language = EXPORT_SV; language <= EXPORT_EN; language++) {
			struct buf b = { 0 };
			struct err e;
			assert_true(export_json_stat(
			    &b, &w->rows, table, w->config, (enum export_language)language, 1743379200, &e));
			compare(files[table][language], buf_bytes(&b));
			buf_free(&b);
		}
	char name[RELEASE_FILE_NAME_MAX + 1];
	export_json_name(name, &w->rows, 0);
	assert_string_equal(name, "release.json");
	export_json_name(name, &w->rows, 1);
	assert_string_equal(name, "release-reasons.json");
}

static void rows_that_do_not_fit_the_configuration_are_refused(void **state)
{
	struct world *w = *state;
	struct release_rows *r = &w->rows;
	struct release_row *row = r->table[0].row;
	const struct release_row kept = row[4];
	struct err e;
	assert_true(export_check(r, w->config, &e));
	row[4].value = 3; /* a value in a hidden cell */
	assert_false(export_check(r, w->config, &e));
	assert_int_equal(e.code, ERR_INVALID);
	row[4] = kept;
	row[4].code[1] = 3; /* no such sex */
	assert_false(export_check(r, w->config, &e));
	row[4] = kept;
	row[4].measure = 1; /* not of this table */
	assert_false(export_check(r, w->config, &e));
	row[4] = kept;
	r->config[0] ^= 1;
	assert_false(export_check(r, w->config, &e));
	r->config[0] ^= 1;
	r->table[1].id[0] ^= 1;
	assert_false(export_check(r, w->config, &e));
	r->table[1].id[0] ^= 1;
	assert_true(export_check(r, w->config, &e));
}

/* The mark in place of a number, and nothing of the number. */
static void a_measure_with_decimals_is_written_exactly(void **state)
{
	struct world *w = *state;
	static const struct {
		uint64_t value;
		const char *csv, *json;
	} cases[] = { { 250, ",2.50,", "[2.5]" }, { 200, ",2.00,", "[2]" }, { 5, ",0.05,", "[0.05]" },
		{ 0, ",0.00,", "[0]" }, { 1000, ",10.00,", "[10]" } };
	struct config config = *w->config;
	uint16_t posts = model_measure(&config, "posts");
	struct release_table shape = {
		.id = "posts", .label = { "Tjänster", "Posts" }, .measure = &posts, .n_measures = 1
	};
	config.table = &shape;
	config.n_tables = 1;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct release_rows r = w->rows;
		struct release_row row = {
			.measure = posts, .state = RELEASE_PUBLISHED, .value = cases[i].value
		};
		struct buf b = { 0 };
		struct err e;
		r.table = NULL;
		r.n_tables = 0;
		add_table(&r, &shape, &config, &row, 1);
		assert_true(export_csv(&b, &r, &config, &e));
		buf_put_byte(&b, 0);
		assert_non_null(strstr((const char *)b.data, cases[i].csv));
		buf_clear(&b);
		assert_true(export_json_stat(&b, &r, 0, &config, EXPORT_EN, 0, &e));
		buf_put_byte(&b, 0);
		assert_non_null(strstr((const char *)b.data, cases[i].json));
		assert_non_null(strstr((const char *)b.data, "\"1970-01-01\""));
		buf_free(&b);
		release_rows_free(&r);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_csv_is_as_it_was),
		cmocka_unit_test(json_stat_is_as_it_was),
		cmocka_unit_test(rows_that_do_not_fit_the_configuration_are_refused),
		cmocka_unit_test(a_measure_with_decimals_is_written_exactly),
	};
	if (sodium_init() < 0)
		return 1;
	return cmocka_run_group_tests(tests, setup, teardown);
}
