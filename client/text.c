#include "client/text.h"
#include "client/form/textcode.h"
#include "client/net.h"
#include <errno.h>
#include <locale.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

static enum language language = LANGUAGE_EN;
static bool silent;

static enum language wanted(void)
{
	static const char *const names[] = { "LC_ALL", "LC_MESSAGES", "LANG" };

	for (size_t i = 0; i < 3; i++) {
		const char *value = getenv(names[i]);
		if (value != NULL && value[0] != 0)
			return strncmp(value, "sv", 2) == 0 ? LANGUAGE_SV : LANGUAGE_EN;
	}
	return LANGUAGE_EN;
}

/* Where the .mo files are: beside an uninstalled program, else the place of installation. */
static const char *catalogue_dir(char *room, size_t size)
{
	ssize_t n = readlink("/proc/self/exe", room, size - 1);
	char *slash;

	room[n > 0 ? n : 0] = 0;
	for (int up = 0; up < 2; up++) {
		slash = strrchr(room, '/');
		if (slash == NULL)
			return CELLVEIL_LOCALE_DIR;
		*slash = 0;
	}
	size_t len = strlen(room);
	static const char *const beside[] = { "/locale", "/share/locale" }; /* built; installed anywhere */
	for (size_t i = 0; i < sizeof beside / sizeof *beside; i++) {
		if (len + strlen(beside[i]) >= size)
			continue;
		memcpy(room + len, beside[i], strlen(beside[i]) + 1);
		if (access(room, R_OK) == 0)
			return room;
	}
	return CELLVEIL_LOCALE_DIR;
}

void text_init(void)
{
	char room[4096];

	language = wanted();
	/* gettext translates only in a locale other than C; C.UTF-8 is always there, sv_SE may not be. */
	if (setlocale(LC_CTYPE, "C.UTF-8") == NULL || setlocale(LC_MESSAGES, "C.UTF-8") == NULL)
		return;
	(void)setenv("LANGUAGE", language == LANGUAGE_SV ? "sv" : "en", 1);
	bindtextdomain("cellveil", catalogue_dir(room, sizeof room));
	bind_textdomain_codeset("cellveil", "UTF-8");
	textdomain("cellveil");
}

enum language text_language(void)
{
	return language;
}

const char *text_label(struct label label)
{
	return language == LANGUAGE_SV ? label.sv : label.en;
}

bool text_quiet(bool quiet)
{
	bool former = silent;

	silent = quiet;
	return former;
}

bool text_color(int fd)
{
	const char *no = getenv("NO_COLOR"), *term = getenv("TERM");

	return (no == NULL || no[0] == 0) && (term == NULL || strcmp(term, "dumb") != 0) && isatty(fd);
}

/* One code point from valid UTF-8; a stray byte counts as itself. */
static uint32_t next_point(const char **at)
{
	const unsigned char *s = (const unsigned char *)*at;
	int more = s[0] < 0xc0 ? 0 : s[0] < 0xe0 ? 1 : s[0] < 0xf0 ? 2 : 3;
	uint32_t point = more == 0 ? s[0] : s[0] & (0x3fu >> more);
	int i = 1;

	for (; i <= more && (s[i] & 0xc0) == 0x80; i++)
		point = point << 6 | (s[i] & 0x3f);
	*at += i;
	return point;
}

static bool is_in(uint32_t point, const uint32_t (*range)[2], size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (point >= range[i][0] && point <= range[i][1])
			return true;
	}
	return false;
}

size_t text_width(const char *utf8)
{
	static const uint32_t none[][2] = { { 0x300, 0x36f }, { 0x200b, 0x200f }, { 0xfe00, 0xfe0f },
		{ 0xfeff, 0xfeff } };
	static const uint32_t wide[][2] = { { 0x1100, 0x115f }, { 0x2e80, 0xa4cf }, { 0xac00, 0xd7a3 },
		{ 0xf900, 0xfaff }, { 0xfe30, 0xfe6f }, { 0xff00, 0xff60 }, { 0x1f300, 0x1faff } };
	size_t width = 0;

	while (*utf8 != 0) {
		uint32_t point = next_point(&utf8);
		if (is_in(point, none, sizeof none / sizeof none[0]))
			continue;
		width += is_in(point, wide, sizeof wide / sizeof wide[0]) ? 2 : 1;
	}
	return width;
}

void text_time(struct buf *out, uint64_t seconds)
{
	time_t t = (time_t)seconds;
	struct tm tm;
	char room[32];

	if (seconds > INT32_MAX * 4ull || gmtime_r(&t, &tm) == NULL ||
	    strftime(room, sizeof room, "%Y-%m-%d %H:%M UTC", &tm) == 0)
		buf_put_text(out, "?");
	else
		buf_put_text(out, room);
}

static void put_line(const char *fmt, va_list list) __attribute__((format(printf, 1, 0)));
static void put_line(const char *fmt, va_list list)
{
	(void)vfprintf(stderr, fmt, list);
	(void)fputc('\n', stderr);
}

void text_say(const char *fmt, ...)
{
	va_list list;

	if (silent)
		return;
	va_start(list, fmt);
	put_line(fmt, list);
	va_end(list);
}

void text_warn(const char *fmt, ...)
{
	va_list list;

	va_start(list, fmt);
	put_line(fmt, list);
	va_end(list);
}

void text_error(const struct err *e)
{
	struct buf text = { 0 };

	text_inner(&text, e->text);
	if (text.failed || text.size == 0)
		text_warn("%s: %s", program_invocation_short_name, e->text);
	else
		text_warn("%s: %.*s", program_invocation_short_name, (int)text.size, (const char *)text.data);
	buf_free(&text);
}

/* The next byte typed; -1 at the end, and at Ctrl-C, also one that came before: signals are let in only while we
 * wait, so that none falls between the test and the wait. */
static int next_byte(const sigset_t *let_in)
{
	struct pollfd in = { .fd = STDIN_FILENO, .events = POLLIN };
	unsigned char byte;

	while (!net_interrupted()) {
		if (ppoll(&in, 1, NULL, let_in) < 0) {
			if (errno != EINTR)
				return -1;
			continue;
		}
		return read(STDIN_FILENO, &byte, 1) == 1 ? byte : -1;
	}
	return -1;
}

bool text_ask(const char *question, char *line, size_t room)
{
	sigset_t stop, before;
	size_t n = 0;
	int c;

	(void)fprintf(stderr, "%s ", question);
	(void)sigemptyset(&stop);
	(void)sigaddset(&stop, SIGINT);
	(void)sigaddset(&stop, SIGTERM);
	(void)sigprocmask(SIG_BLOCK, &stop, &before);
	for (c = next_byte(&before); c >= 0 && c != '\n'; c = next_byte(&before)) {
		if (n + 1 < room)
			line[n++] = (char)c;
	}
	(void)sigprocmask(SIG_SETMASK, &before, NULL);
	line[n] = 0;
	if (c < 0)
		(void)fputc('\n', stderr);
	return c >= 0;
}

bool text_confirm(const char *question)
{
	char line[16] = { 0 }, whole[512];

	if (!isatty(STDIN_FILENO) || !isatty(STDERR_FILENO))
		return false;
	(void)snprintf(whole, sizeof whole, "%s %s", question, _("[y/N]"));
	if (!text_ask(whole, line, sizeof line))
		return false;
	/* TRANSLATORS: the first letter of yes, lower case */
	return line[0] == _("y")[0] || line[0] == 'y' || line[0] == 'Y' || line[0] == 'J';
}

bool text_put(const struct buf *out)
{
	if (out->failed)
		return false;
	return (out->size == 0 || fwrite(out->data, 1, out->size, stdout) == out->size) &&
	       fflush(stdout) == 0;
}

bool text_put_or_say(const struct buf *out)
{
	if (text_put(out))
		return true;
	text_warn("%s: %s", program_invocation_short_name, _("the output cannot be written"));
	return false;
}

void text_json(struct buf *out, const char *text)
{
	bool broken = !textcode_is_utf8(bytes_text(text));

	buf_put_byte(out, '"');
	for (; *text != 0; text++) {
		unsigned char c = (unsigned char)*text;
		if (c == '"' || c == '\\')
			buf_printf(out, "\\%c", c);
		else if (broken && c >= 0x80)
			buf_put_text(out, "\xef\xbf\xbd");
		else if (c < 0x20)
			buf_printf(out, "\\u%04x", c);
		else
			buf_put_byte(out, c);
	}
	buf_put_byte(out, '"');
}
