#include "proto/fields.h"

#include <assert.h>
#include <string.h>

static_assert(sizeof(enum field_type) == sizeof(unsigned), "enums of the tables are read as unsigned");

static void read_array(struct mpread *r, const char *what, const struct fields *fields, uint8_t *out);
static void write_array(struct buf *b, const struct fields *fields, const uint8_t *in);

/* ---- reading ---- */

static void put_number(uint8_t *at, enum field_type type, uint64_t value)
{
	if (type == FIELD_UINT) {
		memcpy(at, &value, sizeof value);
	} else {
		uint32_t small = (uint32_t)value;
		memcpy(at, &small, sizeof small);
	}
}

static void read_view(struct mpread *r, const struct field *f, uint8_t *at)
{
	struct bytes view;
	if (f->type == FIELD_BIN)
		view = mpread_bin(r, f->what, f->min, f->max);
	else
		view = mpread_str(r, f->what, f->max);
	if (f->type == FIELD_PATH && !mpread_failed(r) && !name_is_path(view))
		mpread_fail(r, ERR_MALFORMED, f->what, "is not a path below public/");
	memcpy(at, &view, sizeof view);
}

static void read_list(struct mpread *r, const struct field *f, uint8_t *out)
{
	size_t n = mpread_array(r, f->what, 0, f->max);
	memcpy(out + f->count, &n, sizeof n);
	for (size_t i = 0; i < n && !mpread_failed(r); i++) {
		uint8_t *at = out + f->at + i * f->size;
		if (f->type == FIELD_LIST)
			read_array(r, f->what, f->of, at);
		else
			mpread_bin_exact(r, f->what, at, f->size);
	}
}

/* A bin of max bytes, or of none. */
static bool read_raw_none(struct mpread *r, const struct field *f, uint8_t *at)
{
	struct bytes data = mpread_bin(r, f->what, 0, f->max);
	if (data.len == f->max)
		memcpy(at, data.at, data.len);
	else if (data.len != 0)
		mpread_fail(r, ERR_MALFORMED, f->what, "has the wrong length");
	return data.len == f->max;
}

static void read_value(struct mpread *r, const struct field *f, uint8_t *out)
{
	uint8_t *at = out + f->at;
	bool flag = true;
	switch (f->type) {
	case FIELD_UINT:
	case FIELD_U32:
	case FIELD_ENUM:
		put_number(at, f->type, mpread_uint(r, f->what, f->min, f->max));
		break;
	case FIELD_CHOICE:
		put_number(at, f->type, mpread_choice(r, f->what, f->min, f->max));
		break;
	case FIELD_BOOL:
		*(bool *)at = mpread_bool(r, f->what);
		break;
	case FIELD_RAW:
		mpread_bin_exact(r, f->what, at, f->max);
		break;
	case FIELD_RAW_NONE:
		flag = read_raw_none(r, f, at);
		break;
	case FIELD_BIN:
	case FIELD_TEXT:
	case FIELD_PATH:
		read_view(r, f, at);
		break;
	case FIELD_NAME:
		mpread_name(r, f->what, (char *)at);
		break;
	case FIELD_PERIOD:
		mpread_period(r, f->what, (char *)at);
		break;
	case FIELD_ORIGIN:
		mpread_origin(r, f->what, (char *)at);
		break;
	case FIELD_MAP:
		fields_read(r, f->of, out);
		break;
	case FIELD_LIST:
	case FIELD_LIST_RAW:
		read_list(r, f, out);
		break;
	}
	if (f->has != FIELD_NO_FLAG)
		*(bool *)(out + f->has) = flag && !mpread_failed(r);
}

static void read_array(struct mpread *r, const char *what, const struct fields *fields, uint8_t *out)
{
	mpread_array(r, what, fields->n, fields->n);
	for (size_t i = 0; i < fields->n; i++)
		read_value(r, &fields->field[i], out);
}

void fields_read(struct mpread *r, const struct fields *fields, void *out)
{
	struct mpmap m = mpread_map(r, "fields");
	for (size_t i = 0; i < fields->n; i++) {
		const struct field *f = &fields->field[i];
		if (f->key % 2 == 0)
			mpmap_need(r, &m, f->key, f->what);
		else if (!mpmap_has(r, &m, f->key))
			continue;
		read_value(r, f, out);
	}
	mpmap_end(r, &m);
}

bool fields_decode(const struct fields *fields, void *out, size_t out_size, struct bytes in, struct err *e)
{
	memset(out, 0, out_size);
	struct mpread r = mpread_open(in, LIMIT_NODES);
	fields_read(&r, fields, out);
	return mpread_close(&r, e);
}

/* ---- writing ---- */

static uint64_t get_number(const uint8_t *at, enum field_type type)
{
	uint64_t value = 0;
	uint32_t small = 0;
	if (type == FIELD_UINT)
		memcpy(&value, at, sizeof value);
	else
		memcpy(&small, at, sizeof small);
	return type == FIELD_UINT ? value : small;
}

static struct bytes get_view(const uint8_t *at)
{
	struct bytes view;
	memcpy(&view, at, sizeof view);
	return view;
}

static bool is_view(const struct field *f)
{
	return f->type == FIELD_BIN || f->type == FIELD_TEXT || f->type == FIELD_PATH;
}

static bool is_present(const struct field *f, const uint8_t *in)
{
	if (f->key % 2 == 0)
		return true;
	if (f->has != FIELD_NO_FLAG)
		return *(const bool *)(in + f->has);
	return !is_view(f) || get_view(in + f->at).at != NULL;
}

static void write_list(struct buf *b, const struct field *f, const uint8_t *in)
{
	size_t n;
	memcpy(&n, in + f->count, sizeof n);
	if (n > f->max) {
		b->failed = true;
		return;
	}
	mpwrite_array(b, n);
	for (size_t i = 0; i < n; i++) {
		const uint8_t *at = in + f->at + i * f->size;
		if (f->type == FIELD_LIST)
			write_array(b, f->of, at);
		else
			mpwrite_bin(b, bytes_of(at, f->size));
	}
}

static void write_value(struct buf *b, const struct field *f, const uint8_t *in)
{
	const uint8_t *at = in + f->at;
	switch (f->type) {
	case FIELD_UINT:
	case FIELD_U32:
	case FIELD_ENUM:
	case FIELD_CHOICE:
		mpwrite_uint(b, get_number(at, f->type));
		break;
	case FIELD_BOOL:
		mpwrite_bool(b, *(const bool *)at);
		break;
	case FIELD_RAW:
		mpwrite_bin(b, bytes_of(at, f->max));
		break;
	case FIELD_RAW_NONE:
		mpwrite_bin(b, bytes_of(at, *(const bool *)(in + f->has) ? f->max : 0));
		break;
	case FIELD_BIN:
		mpwrite_bin(b, get_view(at));
		break;
	case FIELD_TEXT:
	case FIELD_PATH:
		mpwrite_str_bytes(b, get_view(at));
		break;
	case FIELD_NAME:
	case FIELD_PERIOD:
	case FIELD_ORIGIN:
		mpwrite_str(b, (const char *)at);
		break;
	case FIELD_MAP:
		fields_write(b, f->of, in);
		break;
	case FIELD_LIST:
	case FIELD_LIST_RAW:
		write_list(b, f, in);
		break;
	}
}

static void write_array(struct buf *b, const struct fields *fields, const uint8_t *in)
{
	mpwrite_array(b, fields->n);
	for (size_t i = 0; i < fields->n; i++)
		write_value(b, &fields->field[i], in);
}

void fields_write(struct buf *b, const struct fields *fields, const void *in)
{
	size_t n = 0;
	for (size_t i = 0; i < fields->n; i++)
		n += is_present(&fields->field[i], in);
	mpwrite_map(b, n);
	for (size_t i = 0; i < fields->n; i++) {
		const struct field *f = &fields->field[i];
		if (!is_present(f, in))
			continue;
		mpwrite_uint(b, f->key);
		write_value(b, f, in);
	}
}

bool fields_encode(
    struct buf *b, const struct fields *fields, const void *in, const char *what, struct err *e)
{
	fields_write(b, fields, in);
	return mpwrite_done(b, what, e);
}
