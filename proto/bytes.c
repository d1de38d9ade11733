#include "proto/bytes.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct bytes bytes_of(const void *at, size_t len)
{
	return (struct bytes){ at, len };
}

struct bytes bytes_text(const char *text)
{
	return (struct bytes){ (const uint8_t *)text, strlen(text) };
}

bool bytes_equal(struct bytes a, struct bytes b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.at, b.at, a.len) == 0);
}

struct bytes buf_bytes(const struct buf *b)
{
	return (struct bytes){ b->data, b->size };
}

/* Makes room for len more bytes. Old memory is zeroed before it is given back: a buffer may hold figures. */
static bool buf_reserve(struct buf *b, size_t len)
{
	if (b->failed)
		return false;
	if (len > SIZE_MAX / 2 - b->size || (b->max != 0 && len > b->max - b->size)) {
		b->failed = true;
		return false;
	}
	size_t need = b->size + len;
	if (need <= b->room)
		return true;
	size_t room = b->room < 128 ? 128 : b->room;
	while (room < need)
		room += room / 2;
	uint8_t *data = malloc(room);
	if (data == NULL) {
		b->failed = true;
		return false;
	}
	if (b->size > 0)
		memcpy(data, b->data, b->size);
	if (b->data != NULL) {
		sodium_memzero(b->data, b->size);
		free(b->data);
	}
	b->data = data;
	b->room = room;
	return true;
}

void buf_put(struct buf *b, const void *at, size_t len)
{
	if (len == 0 || !buf_reserve(b, len))
		return;
	memcpy(b->data + b->size, at, len);
	b->size += len;
}

void buf_put_bytes(struct buf *b, struct bytes in)
{
	buf_put(b, in.at, in.len);
}

void buf_put_byte(struct buf *b, uint8_t byte)
{
	buf_put(b, &byte, 1);
}

void buf_put_le64(struct buf *b, uint64_t value)
{
	uint8_t out[8];
	for (unsigned i = 0; i < 8; i++)
		out[i] = (uint8_t)(value >> (8 * i));
	buf_put(b, out, sizeof out);
}

void buf_put_text(struct buf *b, const char *text)
{
	buf_put(b, text, strlen(text));
}

void buf_printf(struct buf *b, const char *fmt, ...)
{
	va_list args;
	va_start(args, fmt);
	int len = vsnprintf(NULL, 0, fmt, args);
	va_end(args);
	/* one byte more for the NUL that vsnprintf insists on */
	if (len < 0 || !buf_reserve(b, (size_t)len + 1)) {
		b->failed = true;
		return;
	}
	va_start(args, fmt);
	vsnprintf((char *)b->data + b->size, (size_t)len + 1, fmt, args);
	va_end(args);
	b->size += (size_t)len;
}

void buf_put_hex(struct buf *b, struct bytes in)
{
	static const char digits[] = "0123456789abcdef";
	for (size_t i = 0; i < in.len; i++) {
		buf_put_byte(b, (uint8_t)digits[in.at[i] >> 4]);
		buf_put_byte(b, (uint8_t)digits[in.at[i] & 15]);
	}
}

void buf_put_base64(struct buf *b, struct bytes in)
{
	size_t len = sodium_base64_encoded_len(in.len, sodium_base64_VARIANT_ORIGINAL);
	if (!buf_reserve(b, len))
		return;
	sodium_bin2base64((char *)b->data + b->size, len, in.at, in.len, sodium_base64_VARIANT_ORIGINAL);
	b->size += len - 1;
}

void buf_clear(struct buf *b)
{
	if (b->data != NULL)
		sodium_memzero(b->data, b->size);
	b->size = 0;
	b->failed = false;
}

void buf_free(struct buf *b)
{
	if (b == NULL)
		return;
	if (b->data != NULL)
		sodium_memzero(b->data, b->size);
	free(b->data);
	*b = (struct buf){ .max = b->max };
}

static int hex_digit(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return -1;
}

bool hex_decode(uint8_t *out, size_t len, struct bytes text)
{
	if (text.len != 2 * len)
		return false;
	for (size_t i = 0; i < len; i++) {
		int high = hex_digit(text.at[2 * i]);
		int low = hex_digit(text.at[2 * i + 1]);
		if (high < 0 || low < 0)
			return false;
		out[i] = (uint8_t)(high << 4 | low);
	}
	return true;
}

/* sodium_base642bin 1.0.18 takes some bytes above 0x7f for digits, so the alphabet is checked here. */
static bool is_base64(struct bytes text)
{
	for (size_t i = 0; i < text.len; i++) {
		uint8_t c = text.at[i];
		bool letter = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
		if (!letter && !(c >= '0' && c <= '9') && c != '+' && c != '/' && c != '=')
			return false;
	}
	return true;
}

bool base64_decode(uint8_t *out, size_t room, size_t *len, struct bytes text)
{
	const char *end = NULL;
	const char *start = (const char *)text.at;
	*len = 0;
	if (text.len == 0)
		return true;
	if (text.len % 4 != 0 || !is_base64(text))
		return false;
	if (sodium_base642bin(out, room, start, text.len, NULL, len, &end, sodium_base64_VARIANT_ORIGINAL) !=
	    0)
		return false;
	return end == start + text.len;
}
