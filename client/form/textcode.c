#include "client/form/textcode.h"

#include <string.h>

/* 0x80-0x9f of Windows-1252; 0: not assigned */
static const uint16_t windows_high[32] = { 0x20ac, 0, 0x201a, 0x0192, 0x201e, 0x2026, 0x2020, 0x2021, 0x02c6,
	0x2030, 0x0160, 0x2039, 0x0152, 0, 0x017d, 0, 0, 0x2018, 0x2019, 0x201c, 0x201d, 0x2022, 0x2013,
	0x2014, 0x02dc, 0x2122, 0x0161, 0x203a, 0x0153, 0, 0x017e, 0x0178 };

/* Reads one character at *at; UINT32_MAX if it is not UTF-8 (shortest form, no surrogates). */
static uint32_t next_char(struct bytes t, size_t *at)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	uint8_t head = t.at[*at];
	size_t len = head < 0x80 ? 1 : head >= 0xc2 && head < 0xe0 ? 2 : head >= 0xe0 && head < 0xf0 ? 3 : 4;
	if ((head >= 0x80 && head < 0xc2) || head > 0xf4 || t.len - *at < len)
		return UINT32_MAX;
	uint32_t c = len == 1 ? head : head & (0xffu >> (len + 1));
	for (size_t i = 1; i < len; i++) {
		if ((t.at[*at + i] & 0xc0) != 0x80)
			return UINT32_MAX;
		c = c << 6 | (t.at[*at + i] & 0x3f);
	}
	*at += len;
	return c < least[len] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000) ? UINT32_MAX : c;
}

static void put_char(struct buf *out, uint32_t c)
{
	if (c < 0x80) {
		buf_put_byte(out, (uint8_t)c);
	} else if (c < 0x800) {
		buf_put_byte(out, (uint8_t)(0xc0 | c >> 6));
		buf_put_byte(out, (uint8_t)(0x80 | (c & 0x3f)));
	} else if (c < 0x10000) {
		buf_put_byte(out, (uint8_t)(0xe0 | c >> 12));
		buf_put_byte(out, (uint8_t)(0x80 | (c >> 6 & 0x3f)));
		buf_put_byte(out, (uint8_t)(0x80 | (c & 0x3f)));
	} else {
		buf_put_byte(out, (uint8_t)(0xf0 | c >> 18));
		buf_put_byte(out, (uint8_t)(0x80 | (c >> 12 & 0x3f)));
		buf_put_byte(out, (uint8_t)(0x80 | (c >> 6 & 0x3f)));
		buf_put_byte(out, (uint8_t)(0x80 | (c & 0x3f)));
	}
}

bool textcode_is_utf8(struct bytes text)
{
	for (size_t at = 0; at < text.len;)
		if (next_char(text, &at) == UINT32_MAX)
			return false;
	return true;
}

static uint32_t unit_at(struct bytes t, size_t at, bool big)
{
	return big ? (uint32_t)t.at[at] << 8 | t.at[at + 1] : (uint32_t)t.at[at + 1] << 8 | t.at[at];
}

static bool decode_utf16(struct bytes t, bool big, struct buf *out)
{
	if (t.len % 2 != 0)
		return false;
	for (size_t at = 0; at < t.len; at += 2) {
		uint32_t c = unit_at(t, at, big);
		if (c >= 0xdc00 && c < 0xe000)
			return false;
		if (c >= 0xd800 && c < 0xdc00) {
			uint32_t low = t.len - at >= 4 ? unit_at(t, at + 2, big) : 0;
			if (low < 0xdc00 || low >= 0xe000)
				return false;
			c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
			at += 2;
		}
		put_char(out, c);
	}
	return true;
}

static bool decode_windows(struct bytes t, struct buf *out)
{
	for (size_t i = 0; i < t.len; i++) {
		uint32_t c = t.at[i];
		if (c >= 0x80 && c < 0xa0)
			c = windows_high[c - 0x80];
		if (c == 0)
			return false;
		put_char(out, c);
	}
	return true;
}

enum textcode textcode_decode(struct bytes file, struct buf *out)
{
	bool mark = file.len >= 3 && memcmp(file.at, "\xef\xbb\xbf", 3) == 0;
	struct bytes rest = mark ? bytes_of(file.at + 3, file.len - 3) : file;
	bool little = file.len >= 2 && memcmp(file.at, "\xff\xfe", 2) == 0;
	if (little || (file.len >= 2 && memcmp(file.at, "\xfe\xff", 2) == 0)) {
		rest = bytes_of(file.at + 2, file.len - 2);
		if (!decode_utf16(rest, !little, out) ||
		    (out->size > 0 && memchr(out->data, '\0', out->size) != NULL))
			return TEXTCODE_UNKNOWN;
		return little ? TEXTCODE_UTF16LE : TEXTCODE_UTF16BE;
	}
	if (rest.len > 0 && memchr(rest.at, '\0', rest.len) != NULL)
		return TEXTCODE_UNKNOWN;
	if (textcode_is_utf8(rest)) {
		buf_put_bytes(out, rest);
		return TEXTCODE_UTF8;
	}
	return !mark && decode_windows(rest, out) ? TEXTCODE_WINDOWS_1252 : TEXTCODE_UNKNOWN;
}

/* Is c what Windows-1252 makes of a byte 0x80-0xbf? */
static bool is_continuation(uint32_t c)
{
	for (unsigned i = 0; i < 32; i++)
		if (windows_high[i] != 0 && windows_high[i] == c)
			return true;
	return c >= 0x80 && c < 0xc0;
}

bool textcode_is_double(struct bytes utf8)
{
	uint32_t before = 0;
	for (size_t at = 0; at < utf8.len;) {
		uint32_t c = next_char(utf8, &at);
		if (c == UINT32_MAX)
			return false;
		if (before == 0xc3 && is_continuation(c))
			return true;
		before = c;
	}
	return false;
}
