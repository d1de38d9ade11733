/* fields - one table says how a struct is read from the wire and how it is written.
 *
 * A row of a table is a row of proto/README.md: key, type, bounds, and where the value lives in the struct.
 * The reader and the writer walk the same rows, so that they cannot drift apart. Rows stand in ascending
 * order of keys. Odd keys may be absent: then a view is NULL, a value with a `has` flag has it false, any
 * other value is zero; only views and flagged values are left out when writing. */
#ifndef PROTO_FIELDS_H
#define PROTO_FIELDS_H
#include "proto/mpread.h"
#include "proto/mpwrite.h"

enum field_type {
	FIELD_UINT,     /* uint64_t in min-max */
	FIELD_U32,      /* uint32_t in min-max */
	FIELD_ENUM,     /* an enum in min-max */
	FIELD_CHOICE,   /* the same, but another value is ERR_UNSUPPORTED */
	FIELD_BOOL,     /* bool */
	FIELD_BIN,      /* struct bytes, a view of min-max bytes */
	FIELD_RAW,      /* uint8_t[max], exactly */
	FIELD_RAW_NONE, /* uint8_t[max], or a bin of 0 bytes when `has` is false */
	FIELD_TEXT,     /* struct bytes, a view of text of at most max bytes */
	FIELD_PATH,     /* the same, held to name_is_path */
	FIELD_NAME,     /* char[LIMIT_NAME + 1] */
	FIELD_PERIOD,   /* char[LIMIT_PERIOD + 1] */
	FIELD_ORIGIN,   /* char[LIMIT_ORIGIN + 1] */
	FIELD_MAP,      /* a map of its own, into the same struct */
	FIELD_LIST,     /* at most max elements of `size` bytes, each an array as `of` says; size_t count */
	FIELD_LIST_RAW  /* at most max bins of `size` bytes; size_t count */
};

struct fields;
struct field {
	uint8_t key; /* unused in arrays */
	enum field_type type;
	const char *what; /* the struct's own name of it, for errors */
	size_t at;        /* offset in the struct */
	uint64_t min, max;
	size_t has;   /* offset of a bool, or FIELD_NO_FLAG */
	size_t count; /* lists: offset of the size_t count */
	size_t size;
	const struct fields *of;
};
struct fields {
	const struct field *field;
	size_t n;
};

#define FIELD_NO_FLAG SIZE_MAX
#define FIELDS(rows)                                                                                         \
	{                                                                                                    \
		rows, sizeof(rows) / sizeof *(rows)                                                          \
	}

/* Rows. S: the struct; f: its member. */
#define FIELD_ROW(key_, type_, S, f, min_, max_)                                                             \
	.key = (key_), .type = (type_), .what = #f, .at = offsetof(S, f), .min = (min_), .max = (max_)
#define F(key, type, S, f, min, max)                                                                         \
	{                                                                                                    \
		FIELD_ROW(key, type, S, f, min, max), .has = FIELD_NO_FLAG                                   \
	}
#define F_UINT(key, S, f) F(key, FIELD_UINT, S, f, 0, LIMIT_UINT)
#define F_RAW(key, S, f)  F(key, FIELD_RAW, S, f, 0, sizeof((S *)0)->f)
#define F_NAME(key, S, f) F(key, FIELD_NAME, S, f, 0, 0)
#define F_HAS(key, type, S, f, min, max, flag)                                                               \
	{                                                                                                    \
		FIELD_ROW(key, type, S, f, min, max), .has = offsetof(S, flag)                               \
	}
#define F_LIST(key, S, f, n, fields_, max)                                                                   \
	{                                                                                                    \
		FIELD_ROW(key, FIELD_LIST, S, f, 0, max), .has = FIELD_NO_FLAG, .count = offsetof(S, n),     \
							  .size = sizeof((S *)0)->f[0], .of = (fields_)      \
	}
#define F_MAP(key_, fields_)                                                                                 \
	{                                                                                                    \
		.key = (key_), .type = FIELD_MAP, .what = "map", .has = FIELD_NO_FLAG, .of = (fields_)       \
	}

/* One map under the cursor into *out, which the caller has zeroed. */
void fields_read(struct mpread *r, const struct fields *fields, void *out);
/* The map of *in. A list longer than its bound makes b fail. */
void fields_write(struct buf *b, const struct fields *fields, const void *in);
/* A whole input that is one such map, and its writer: statements and headers. what: for errors. */
bool fields_decode(const struct fields *fields, void *out, size_t out_size, struct bytes in, struct err *e);
bool fields_encode(
    struct buf *b, const struct fields *fields, const void *in, const char *what, struct err *e);
#endif
