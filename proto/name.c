#include "proto/name.h"

#include <string.h>

static bool is_lower_alnum(uint8_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

static bool is_alnum(uint8_t c)
{
	return is_lower_alnum(c) || (c >= 'A' && c <= 'Z');
}

static bool is_digits(struct bytes in)
{
	for (size_t i = 0; i < in.len; i++)
		if (in.at[i] < '0' || in.at[i] > '9')
			return false;
	return true;
}

static struct bytes part(struct bytes in, size_t from, size_t len)
{
	return (struct bytes){ in.at + from, len };
}

bool name_is_name(struct bytes in)
{
	if (in.len < 1 || in.len > LIMIT_NAME)
		return false;
	for (size_t i = 0; i < in.len; i++)
		if (!is_lower_alnum(in.at[i]) && in.at[i] != '-')
			return false;
	return true;
}

bool name_is_period(struct bytes in)
{
	if ((in.len != 4 && in.len != 7) || !is_digits(part(in, 0, 4)))
		return false;
	unsigned year = 0;
	for (size_t i = 0; i < 4; i++)
		year = 10 * year + (unsigned)(in.at[i] - '0');
	if (year < 1900 || year > 2199)
		return false;
	if (in.len == 4)
		return true;
	uint8_t kind = in.at[5];
	uint8_t last = in.at[6];
	if (in.at[4] != '-')
		return false;
	if (kind == 'Q')
		return last >= '1' && last <= '4';
	if (kind == 'S')
		return last == '1' || last == '2';
	return (kind == '0' && last >= '1' && last <= '9') || (kind == '1' && last >= '0' && last <= '2');
}

/* Parts joined by '/', none empty, each byte allowed by its check; "." and ".." are no parts. */
static bool is_parts(struct bytes in, bool (*allowed)(uint8_t))
{
	size_t start = 0;
	for (size_t i = 0; i <= in.len; i++) {
		if (i < in.len && in.at[i] != '/') {
			if (!allowed(in.at[i]))
				return false;
			continue;
		}
		struct bytes one = part(in, start, i - start);
		if (one.len == 0 || bytes_equal(one, bytes_text(".")) || bytes_equal(one, bytes_text("..")))
			return false;
		start = i + 1;
	}
	return true;
}

static bool in_origin(uint8_t c)
{
	return is_lower_alnum(c) || c == '.' || c == '-' || c == '_';
}

static bool in_path(uint8_t c)
{
	return is_alnum(c) || c == '.' || c == '-' || c == '_';
}

bool name_is_origin(struct bytes in)
{
	if (in.len < 1 || in.len > LIMIT_ORIGIN || !is_parts(in, in_origin))
		return false;
	for (size_t i = 0; i < in.len && in.at[i] != '/'; i++)
		if (in.at[i] == '_')
			return false; /* the authority is a DNS name */
	return true;
}

bool name_is_path(struct bytes in)
{
	return in.len >= 1 && in.len <= LIMIT_PATH && is_parts(in, in_path);
}

/* Length of the UTF-8 sequence at the start of in, 0 if it is none; its code point in *point. */
static size_t utf8_take(struct bytes in, uint32_t *point)
{
	static const uint32_t lowest[] = { 0, 0, 0x80, 0x800, 0x10000 };
	uint8_t c = in.at[0];
	size_t len = c < 0x80 ? 1 : c >> 5 == 6 ? 2 : c >> 4 == 14 ? 3 : c >> 3 == 30 ? 4 : 0;
	if (len == 0 || len > in.len)
		return 0;
	*point = len == 1 ? c : c & (0x7fu >> len);
	for (size_t i = 1; i < len; i++) {
		if (in.at[i] >> 6 != 2)
			return 0;
		*point = *point << 6 | (in.at[i] & 63u);
	}
	bool surrogate = *point >= 0xd800 && *point < 0xe000;
	return *point < lowest[len] || *point > 0x10ffff || surrogate ? 0 : len;
}

bool name_is_text(struct bytes in)
{
	size_t i = 0;
	while (i < in.len) {
		uint32_t point;
		size_t len = utf8_take(part(in, i, in.len - i), &point);
		if (len == 0 || point < 0x20 || (point >= 0x7f && point < 0xa0))
			return false;
		i += len;
	}
	return true;
}

static bool is_port(struct bytes in)
{
	if (in.len < 1 || in.len > 5 || in.at[0] == '0' || !is_digits(in))
		return false;
	unsigned port = 0;
	for (size_t i = 0; i < in.len; i++)
		port = 10 * port + (unsigned)(in.at[i] - '0');
	return port <= 65535;
}

static bool is_host(struct bytes in)
{
	bool bracketed = in.len > 4 && in.at[0] == '[' && in.at[in.len - 1] == ']';
	struct bytes inner = bracketed ? part(in, 1, in.len - 2) : in;
	for (size_t i = 0; i < inner.len; i++) {
		uint8_t c = inner.at[i];
		bool hex = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
		if (bracketed ? !hex && c != ':' && c != '.' : !is_alnum(c) && c != '.' && c != '-')
			return false;
	}
	return inner.len > 0 && inner.at[0] != '-' && inner.at[0] != '.';
}

bool name_is_endpoint(struct bytes in)
{
	static const char scheme[] = "tcp://";
	size_t skip = sizeof scheme - 1;
	if (in.len <= skip || in.len > LIMIT_ENDPOINT || memcmp(in.at, scheme, skip) != 0)
		return false;
	size_t colon = in.len - 1;
	while (colon > skip && in.at[colon] != ':')
		colon--;
	return in.at[colon] == ':' && is_host(part(in, skip, colon - skip)) &&
	       is_port(part(in, colon + 1, in.len - colon - 1));
}

bool name_copy(char *out, size_t room, struct bytes in)
{
	bool fits = in.len < room;
	if (fits && in.len > 0)
		memcpy(out, in.at, in.len);
	out[fits ? in.len : 0] = '\0';
	return fits;
}
