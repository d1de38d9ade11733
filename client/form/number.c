#include "client/form/number.h"

#include "client/form/label.h"

#include <string.h>
#include <strings.h>

static const char *const dashes[] = { "-", "\xe2\x80\x90", "\xe2\x80\x91", "\xe2\x80\x92", "\xe2\x80\x93",
	"\xe2\x80\x94", "\xe2\x88\x92" };

/* Length of the dash or minus text begins with, 0 if none. */
static size_t dash_len(const char *text)
{
	for (size_t i = 0; i < sizeof dashes / sizeof dashes[0]; i++)
		if (strncmp(text, dashes[i], strlen(dashes[i])) == 0)
			return strlen(dashes[i]);
	return 0;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_month(const char *text)
{
	static const char *const months[] = { "jan", "feb", "mar", "apr", "maj", "may", "jun", "jul", "aug",
		"sep", "okt", "oct", "nov", "dec" };
	for (size_t i = 0; i < sizeof months / sizeof months[0]; i++)
		if (strncasecmp(text, months[i], 3) == 0)
			return true;
	return false;
}

/* 2024-01-05, 5/1, 5.1.2024, 5-jan, jan-05 */
static bool is_date(const char *text)
{
	unsigned numbers = 0;
	unsigned marks = 0;
	bool point_only = true;
	if (is_month(text))
		return strpbrk(text, "0123456789") != NULL;
	while (*text != '\0') {
		size_t n = strspn(text, "0123456789");
		if (n == 0 || n > 4)
			return false;
		numbers++;
		text += n;
		if (*text == '\0')
			break;
		size_t mark = *text == '/' || *text == '.' ? 1 : dash_len(text);
		if (mark == 0)
			return false;
		point_only = point_only && *text == '.';
		marks++;
		text += mark;
		if (is_month(text))
			return true;
	}
	return numbers == marks + 1 && (marks == 2 || (marks == 1 && !point_only));
}

struct digits {
	uint64_t value; /* of all digits, without the point */
	unsigned n_decimals;
	char mark;            /* ',' '.' or 0 */
	bool overflow, zeros; /* zeros: all decimals are 0 */
};

static void add_digit(struct digits *d, char c)
{
	d->overflow = d->overflow || d->value > (UINT64_MAX - 9) / 10;
	if (!d->overflow)
		d->value = 10 * d->value + (uint64_t)(c - '0');
	if (d->mark != 0) {
		d->n_decimals++;
		d->zeros = d->zeros && c == '0';
	}
}

/* Digits with thousands parted by blanks, and decimals. Returns what is left, NULL if it is no number. */
static const char *read_digits(const char *text, struct digits *d)
{
	size_t group = 0;
	bool grouped = false;
	*d = (struct digits){ .zeros = true };
	if (!is_digit(*text))
		return NULL;
	for (;;) {
		size_t space = label_space_at(text);
		if (is_digit(*text)) {
			add_digit(d, *text++);
			group++;
			if (grouped && group > 3)
				return NULL;
		} else if (d->mark == 0 && space > 0 && is_digit(text[space])) {
			if (group > 3 || (grouped && group != 3))
				return NULL;
			grouped = true;
			group = 0;
			text += space;
		} else if (d->mark == 0 && (*text == ',' || *text == '.') && is_digit(text[1])) {
			if (grouped && group != 3)
				return NULL;
			d->mark = *text++;
			grouped = false;
		} else {
			return grouped && group != 3 ? NULL : text;
		}
	}
}

/* Nothing, or the unit, is left. */
static bool is_end(const char *text, const char *unit)
{
	struct bytes rest = label_trim(bytes_text(text));
	if (rest.len > 0 && rest.at[rest.len - 1] == '.')
		rest.len--;
	if (rest.len == 0)
		return *text == '\0' || *text == ' ';
	return unit != NULL && rest.len == strlen(unit) &&
	       strncasecmp((const char *)rest.at, unit, rest.len) == 0;
}

static enum number_kind scale(
    const struct digits *d, unsigned decimals, uint64_t max, bool point, uint64_t *value)
{
	unsigned n = d->n_decimals;
	uint64_t v = d->value;
	if (n > decimals && (!d->zeros || (n > 2 && !point)))
		return decimals == 0 ? NUMBER_DECIMAL : NUMBER_TOO_MANY_DECIMALS;
	if (d->overflow)
		return NUMBER_TOO_LARGE;
	for (; n > decimals; n--)
		v /= 10;
	for (; n < decimals; n++) {
		if (v > UINT64_MAX / 10)
			return NUMBER_TOO_LARGE;
		v *= 10;
	}
	if (v > max)
		return NUMBER_TOO_LARGE;
	*value = v;
	if (d->mark != 0 && decimals == 0 && !point)
		return NUMBER_WITH_DECIMALS;
	return d->mark == '.' && !point ? NUMBER_POINT : NUMBER_VALUE;
}

enum number_kind number_read(
    const char *text, const char *unit, unsigned decimals, uint64_t max, bool point, uint64_t *value)
{
	struct digits d;
	*value = 0;
	if (*text == '\0')
		return NUMBER_BLANK;
	if (*text == '=')
		return NUMBER_FORMULA;
	size_t dash = dash_len(text);
	if (dash > 0 && text[dash] == '\0')
		return NUMBER_DASH;
	if (is_date(text))
		return NUMBER_DATE;
	if (dash > 0) {
		const char *rest = text + dash;
		rest += label_space_at(rest);
		rest = read_digits(rest, &d);
		return rest != NULL && is_end(rest, unit) ? NUMBER_NEGATIVE : NUMBER_TEXT;
	}
	const char *rest = read_digits(text, &d);
	if (rest == NULL || !is_end(rest, unit))
		return NUMBER_TEXT;
	return scale(&d, decimals, max, point, value);
}
