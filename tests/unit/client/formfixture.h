/* formfixture - what tests of forms begin with: files, the presets as configurations. */
#ifndef TESTS_UNIT_CLIENT_FORMFIXTURE_H
#define TESTS_UNIT_CLIENT_FORMFIXTURE_H
#include "proto/config.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

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
#endif
