/* formfixture - what tests of forms begin with: files, the presets as configurations, forms read and what was found. */
#ifndef TESTS_UNIT_CLIENT_FORMFIXTURE_H
#define TESTS_UNIT_CLIENT_FORMFIXTURE_H
#include "client/form/form.h"
#include "proto/config.h"
#include "proto/content.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Appends the file folder/name to out. */
static inline void load(struct buf *out, const char *folder, const char *name)
{
	char path[512];
	uint8_t part[4096];
	snprintf(path, sizeof path, "%s/%s", folder, name);
	FILE *f = fopen(path, "rb");
	if (f == NULL)
		fail_msg("%s: cannot be opened", path);
	for (size_t n = fread(part, 1, sizeof part, f); n > 0; n = fread(part, 1, sizeof part, f))
		buf_put(out, part, n);
	fclose(f);
}

/* The form definition of a year, as a deployment in tests has it; free with config_free. */
static inline struct config *preset(const char *year)
{
	char name[64];
	struct err e = { 0 };
	struct buf file = { 0 };
	struct buf filled = { 0 };
	snprintf(name, sizeof name, "po-redovisning-%s.yaml", year);
	load(&file, TEST_SOURCE "/policy/presets", name);
	if (!preset_fill(
		buf_bytes(&file), "stats.example/log1", "personal-support", bytes_text(""), &filled, &e))
		fail_msg("%s: %s", name, e.text);
	struct config *c = config_parse(buf_bytes(&filled), &e);
	if (c == NULL)
		fail_msg("%s: %s", name, e.text);
	buf_free(&file);
	buf_free(&filled);
	return c;
}

/* As their readers see them, to stdout: why a test failed. */
static inline void print_findings(const struct findings *f)
{
	struct buf out = { 0 };
	findings_print(f, &out, LANGUAGE_SV);
	fwrite(out.data, 1, out.size, stdout);
	buf_free(&out);
}

/* Reads a form from bytes; result and findings go back with end. */
static inline void read_bytes(const char *name, struct bytes file, const struct config *c, const char *office,
    struct form_options options, struct form_result *result, struct findings *f)
{
	struct err e = { 0 };
	if (!form_read(name, file, c, office, &options, result, f, &e))
		fail_msg("%s: %s", name, e.text);
}

/* The same from a file in tests/data. */
static inline void read_form(const char *name, const struct config *c, const char *office,
    struct form_options options, struct form_result *result, struct findings *f)
{
	struct buf file = { 0 };
	load(&file, TEST_DATA, name);
	read_bytes(name, buf_bytes(&file), c, office, options, result, f);
	buf_free(&file);
}

static inline void end(struct form_result *result, struct findings *f)
{
	figures_free(&result->figures);
	findings_free(f);
}

static inline void assert_same(
    const struct config *c, const struct figures *a, const struct figures *b, const char *name)
{
	assert_int_equal(a->n, b->n);
	for (uint32_t i = 0; i < a->n; i++)
		if (a->state[i] != b->state[i] || a->value[i] != b->value[i]) {
			struct buf cell = { 0 };
			config_put_cell(&cell, c, &c->asked[i]);
			fail_msg("%s: %.*s differs (%u/%u)", name, (int)cell.size, (const char *)cell.data,
			    a->state[i], b->state[i]);
		}
}

static inline unsigned count_code(const struct findings *f, enum finding_code code, enum severity severity)
{
	unsigned n = 0;
	for (uint32_t i = 0; i < f->n; i++)
		n += f->at[i].code == code && f->at[i].severity == severity;
	return n;
}
#endif
