#include "proto/textline.h"

#include <string.h>

#include "proto/limits.h"

static void advance(struct bytes *rest, size_t n)
{
	rest->at += n;
	rest->len -= n;
}

bool line_next(struct bytes *rest, struct bytes *line)
{
	const uint8_t *end = rest->len == 0 ? NULL : memchr(rest->at, '\n', rest->len);
	if (end == NULL)
		return false;
	*line = bytes_of(rest->at, (size_t)(end - rest->at));
	advance(rest, line->len + 1);
	return true;
}

bool line_take(struct bytes *rest, const char *text)
{
	size_t len = strlen(text);
	if (rest->len < len || memcmp(rest->at, text, len) != 0)
		return false;
	advance(rest, len);
	return true;
}

bool line_word(struct bytes *rest, struct bytes *word)
{
	const uint8_t *space = rest->len == 0 ? NULL : memchr(rest->at, ' ', rest->len);
	size_t len = space == NULL ? rest->len : (size_t)(space - rest->at);
	if (len == 0)
		return false;
	*word = bytes_of(rest->at, len);
	advance(rest, len);
	if (space == NULL)
		return true;
	advance(rest, 1);
	return rest->len > 0; /* a space promises another word */
}

bool line_uint(uint64_t *out, struct bytes text)
{
	uint64_t value = 0;
	if (text.len == 0 || (text.len > 1 && text.at[0] == '0'))
		return false;
	for (size_t i = 0; i < text.len; i++) {
		if (text.at[i] < '0' || text.at[i] > '9')
			return false;
		uint64_t digit = (uint64_t)(text.at[i] - '0');
		if (value > ((uint64_t)LIMIT_UINT - digit) / 10)
			return false;
		value = 10 * value + digit;
	}
	*out = value;
	return true;
}

bool line_copy(char *out, size_t room, struct bytes text)
{
	if (text.len == 0 || text.len >= room)
		return false;
	for (size_t i = 0; i < text.len; i++)
		if (text.at[i] < 0x21 || text.at[i] > 0x7e)
			return false;
	memcpy(out, text.at, text.len);
	out[text.len] = '\0';
	return true;
}

bool line_is(struct bytes text, const char *want)
{
	return bytes_equal(text, bytes_text(want));
}

bool line_base64(uint8_t *out, size_t len, struct bytes text)
{
	size_t got = 0;
	return text.len == (len + 2) / 3 * 4 && base64_decode(out, len, &got, text) && got == len;
}

bool line_is_ascii(struct bytes text)
{
	for (size_t i = 0; i < text.len; i++)
		if ((text.at[i] < 0x20 || text.at[i] > 0x7e) && text.at[i] != '\n')
			return false;
	return true;
}
