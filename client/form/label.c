#include "client/form/label.h"

#include <string.h>

static const char *const spaces[] = { "\xc2\xa0", "\xe2\x80\x80", "\xe2\x80\x81", "\xe2\x80\x82",
	"\xe2\x80\x83", "\xe2\x80\x84", "\xe2\x80\x85", "\xe2\x80\x86", "\xe2\x80\x87", "\xe2\x80\x88",
	"\xe2\x80\x89", "\xe2\x80\x8a", "\xe2\x80\x8b", "\xe2\x80\xaf", "\xef\xbb\xbf" };

size_t label_space(struct bytes text)
{
	if (text.len > 0 && (text.at[0] == ' ' || (text.at[0] >= '\t' && text.at[0] <= '\r')))
		return 1;
	for (size_t i = 0; i < sizeof spaces / sizeof spaces[0]; i++) {
		size_t len = strlen(spaces[i]);
		if (text.len >= len && memcmp(text.at, spaces[i], len) == 0)
			return len;
	}
	return 0;
}

size_t label_space_at(const char *text)
{
	return label_space(bytes_of(text, strnlen(text, 3)));
}

struct bytes label_trim(struct bytes text)
{
	for (size_t n = label_space(text); n > 0; n = label_space(text))
		text = bytes_of(text.at + n, text.len - n);
	bool more = true;
	while (more && text.len > 0) {
		more = false;
		for (size_t back = 1; back <= 3 && back <= text.len; back++)
			if (label_space(bytes_of(text.at + text.len - back, back)) == back) {
				text.len -= back;
				more = true;
				break;
			}
	}
	return text;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

bool label_is_numbered(const char *text)
{
	size_t n = strspn(text, "0123456789");
	return n > 0 && n <= 2 && text[n] == '.';
}

/* A character of the label: '\0' if it is to be left out, ' ' if it parts words; else itself, small. Capital
 * letters outside ASCII are those of Latin-1: U+00C0-U+00DE, c3 80-c3 9e. */
static char small(unsigned char c, unsigned char before)
{
	if (c >= 'A' && c <= 'Z')
		return (char)(c + 32);
	if (before == 0xc3 && c >= 0x80 && c <= 0x9e)
		return (char)(c + 0x20);
	if (c >= 0x80 || (c >= 'a' && c <= 'z') || is_digit((char)c))
		return (char)c;
	return ' ';
}

/* Letter and combining mark (as some systems store them) to the one letter of Latin-1: out[n-1] and the mark
 * at text become two bytes. True if it did; the mark is two bytes long. */
static bool join_mark(char *out, size_t *n, const char *text)
{
	static const char *const pairs[] = { "a\x8a\xa5", "a\x88\xa4", "o\x88\xb6", "e\x81\xa9",
		"u\x88\xbc" };
	if (*n == 0 || text[0] != '\xcc')
		return false;
	for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++)
		if (out[*n - 1] == pairs[i][0] && text[1] == pairs[i][1]) {
			out[*n - 1] = '\xc3';
			out[(*n)++] = pairs[i][2];
			return true;
		}
	return false;
}

/* Drops a year at the end of out[0..n), and "under" before it. Called when a word has ended. */
static size_t drop_year(const char *out, size_t n)
{
	if (n < 4 || (n > 4 && out[n - 5] != ' '))
		return n;
	const char *word = out + n - 4;
	if (memcmp(word, "19", 2) != 0 && memcmp(word, "20", 2) != 0)
		return n;
	if (!is_digit(word[2]) || !is_digit(word[3]))
		return n;
	n -= 4;
	while (n > 0 && out[n - 1] == ' ')
		n--;
	if (n >= 5 && memcmp(out + n - 5, "under", 5) == 0 && (n == 5 || out[n - 6] == ' '))
		n -= 5;
	while (n > 0 && out[n - 1] == ' ')
		n--;
	return n;
}

void label_normal(char out[LABEL_ROOM], const char *text)
{
	size_t n = 0;
	unsigned depth = 0;
	unsigned char before = 0;
	if (label_is_numbered(text))
		text += strspn(text, "0123456789") + 1;
	for (; *text != '\0' && n + 2 < LABEL_ROOM; text++) {
		if (join_mark(out, &n, text)) {
			text++;
			continue;
		}
		size_t space = label_space_at(text);
		if (*text == '(')
			depth++;
		char c = depth > 0 || space > 0 ? ' ' : small((unsigned char)*text, before);
		if (*text == ')' && depth > 0)
			depth--;
		before = (unsigned char)*text;
		text += space > 1 ? space - 1 : 0;
		if (c != ' ')
			out[n++] = c;
		else if (n > 0 && out[n - 1] != ' ') {
			n = drop_year(out, n);
			if (n > 0)
				out[n++] = ' ';
		}
	}
	while (n > 0 && out[n - 1] == ' ')
		n--;
	n = drop_year(out, n);
	out[n] = '\0';
}

static bool same_digits(const char *a, const char *b)
{
	for (;;) {
		while (*a != '\0' && !is_digit(*a))
			a++;
		while (*b != '\0' && !is_digit(*b))
			b++;
		if (*a != *b)
			return false;
		if (*a == '\0')
			return true;
		a++;
		b++;
	}
}

/* Wrong letters between a and b, counted up to limit + 1: what is left after the common head and tail
 * decides, so that the table stays tiny. */
static size_t distance(const char *a, size_t na, const char *b, size_t nb, size_t limit)
{
	enum { WIDTH = 64 };
	size_t row[WIDTH + 1];
	while (na > 0 && nb > 0 && a[0] == b[0]) {
		a++;
		b++;
		na--;
		nb--;
	}
	while (na > 0 && nb > 0 && a[na - 1] == b[nb - 1]) {
		na--;
		nb--;
	}
	if (na > WIDTH || nb > WIDTH)
		return limit + 1;
	for (size_t j = 0; j <= nb; j++)
		row[j] = j;
	for (size_t i = 1; i <= na; i++) {
		size_t corner = row[0];
		row[0] = i;
		for (size_t j = 1; j <= nb; j++) {
			size_t change = corner + (a[i - 1] != b[j - 1]);
			corner = row[j];
			size_t best = row[j] < row[j - 1] ? row[j] + 1 : row[j - 1] + 1;
			row[j] = change < best ? change : best;
		}
	}
	return row[nb];
}

enum label_match label_compare(const char *a, const char *b)
{
	if (strcmp(a, b) == 0)
		return LABEL_SAME;
	size_t na = strlen(a);
	size_t nb = strlen(b);
	size_t longer = na > nb ? na : nb;
	size_t limit = longer < 5 ? 0 : longer < 12 ? 1 : 2;
	if (longer - (na < nb ? na : nb) > limit || limit == 0 || !same_digits(a, b))
		return LABEL_OTHER;
	return distance(a, na, b, nb, limit) <= limit ? LABEL_CLOSE : LABEL_OTHER;
}
