/* vectors - reads tests/vectors in the tests of proto/. Aborts on a broken file: that is the tester's bug. */
#ifndef TESTS_VECTORS_H
#define TESTS_VECTORS_H
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/bytes.h"

static inline json_t *vectors_load(const char *name)
{
	char path[512];
	json_error_t why;
	snprintf(path, sizeof path, "%s/%s", TEST_VECTORS, name);
	json_t *all = json_load_file(path, JSON_ALLOW_NUL, &why);
	if (all == NULL) {
		fprintf(stderr, "%s: %s\n", path, why.text);
		abort();
	}
	return all;
}

static inline const char *vectors_text(const json_t *object, const char *name)
{
	const json_t *value = json_object_get(object, name);
	if (!json_is_string(value)) {
		fprintf(stderr, "vector without %s\n", name);
		abort();
	}
	return json_string_value(value);
}

static inline bool vectors_true(const json_t *object, const char *name)
{
	return json_is_true(json_object_get(object, name));
}

static inline uint64_t vectors_number(const json_t *object, const char *name)
{
	return (uint64_t)json_integer_value(json_object_get(object, name));
}

/* Heap memory of exactly the size, so that a sanitizer sees an over-read. Free with vectors_free. */
static inline struct bytes vectors_from_hex(const char *hex)
{
	size_t len = strlen(hex) / 2;
	uint8_t *data = malloc(len > 0 ? len : 1);
	if (data == NULL || !hex_decode(data, len, bytes_text(hex)))
		abort();
	return bytes_of(data, len);
}

static inline struct bytes vectors_hex(const json_t *object, const char *name)
{
	return vectors_from_hex(vectors_text(object, name));
}

/* The same for a text, which need not end in NUL. */
static inline struct bytes vectors_copy(const char *text)
{
	size_t len = strlen(text);
	uint8_t *data = malloc(len > 0 ? len : 1);
	if (data == NULL)
		abort();
	memcpy(data, text, len);
	return bytes_of(data, len);
}

static inline struct bytes vectors_bytes(const json_t *object, const char *name)
{
	return vectors_copy(vectors_text(object, name));
}

static inline void vectors_free(struct bytes in)
{
	free((void *)(uintptr_t)in.at);
}
#endif
