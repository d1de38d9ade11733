#include "daemon/say.h"
#include "proto/name.h"
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define EVENTS   64
#define AT_ONCE  10
#define SPELL_MS 10000

/* Event words are string literals: compared by text, kept by pointer. */
static struct {
	pthread_mutex_t lock;
	struct {
		const char *event;
		long long since_ms;
		unsigned said, kept_back;
	} spell[EVENTS];
} self = { .lock = PTHREAD_MUTEX_INITIALIZER };

static long long now_ms(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (long long)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* True if the line may be written; *kept_back says how many of the last spell were not. */
static bool allowed(const char *event, unsigned *kept_back)
{
	long long now = now_ms();
	*kept_back = 0;
	for (int i = 0; i < EVENTS; i++) {
		if (self.spell[i].event == NULL) {
			self.spell[i].event = event;
			self.spell[i].since_ms = now;
		}
		if (strcmp(self.spell[i].event, event) != 0)
			continue;
		if (now - self.spell[i].since_ms > SPELL_MS) {
			*kept_back = self.spell[i].kept_back;
			self.spell[i].since_ms = now;
			self.spell[i].said = self.spell[i].kept_back = 0;
		}
		if (self.spell[i].said < AT_ONCE) {
			self.spell[i].said++;
			return true;
		}
		self.spell[i].kept_back++;
		return false;
	}
	return true;
}

/* A damaged file may have put anything into an error's text: nothing of it steers a terminal or fakes a line. */
static void make_plain(char *text)
{
	for (; *text != '\0'; text++)
		if (*text < 0x20 || *text > 0x7e) /* below 0 where char is signed: also not plain */
			*text = '?';
}

void say(enum say_level level, const char *event, const char *fmt, ...)
{
	char text[600], line[720], prefix[8] = "", more[48] = "";
	unsigned kept_back;
	va_list ap;
	va_start(ap, fmt);
	/* clang-tidy 14 forgets va_start when it reads a file a second time, for the other daemon */
	vsnprintf(text, sizeof text, fmt, ap); /* NOLINT(clang-analyzer-valist*) */
	va_end(ap);
	pthread_mutex_lock(&self.lock);
	bool speak = allowed(event, &kept_back);
	pthread_mutex_unlock(&self.lock);
	if (!speak)
		return;
	if (!name_is_text(bytes_text(text)))
		make_plain(text);
	if (getenv("JOURNAL_STREAM") != NULL)
		snprintf(prefix, sizeof prefix, "<%d>", (int)level);
	if (kept_back > 0)
		snprintf(more, sizeof more, " (and %u more like it)", kept_back);
	int n = snprintf(line, sizeof line, "%s%s: %s%s\n", prefix, event, text, more);
	if (n >= (int)sizeof line)
		n = (int)sizeof line - 1;
	/* One write, so that lines of several threads stay whole; a full journal is not our fault. */
	ssize_t ignored = write(STDERR_FILENO, line, (size_t)n);
	(void)ignored;
}
