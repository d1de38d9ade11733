#include "client/protect/deadline.h"

#include <signal.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "client/protect/protect.h"
#include "client/text.h"

#define SECONDS_MAX 10000000ul

static const char *said; /* translated beforehand: a signal handler may not */
static bool bounded;     /* the search of --optimal, until the second of now() below */
static double end_seconds;

static void over(int number)
{
	(void)number;
	ssize_t n = write(STDERR_FILENO, said, strlen(said)); /* said or not: it ends */
	(void)n;
	_exit(PROTECT_LIMIT);
}

static double now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

bool deadline_start(const struct args *args)
{
	unsigned long seconds;
	struct sigaction action = { .sa_handler = over };
	if (!args_number(args, "max-seconds", SECONDS_MAX, 0, &seconds))
		return false;
	bounded = seconds > 0 && args_flag(args, "optimal");
	end_seconds = now() + (double)seconds;
	said = _("refused: the time given was over; nothing was written\n");
	if (seconds > 0 && !bounded) {
		sigaction(SIGALRM, &action, NULL);
		alarm((unsigned)seconds);
	}
	return true;
}

void deadline_stop(void)
{
	alarm(0);
}

static double seconds_left(void *context)
{
	(void)context;
	return end_seconds - now();
}

struct patience deadline_patience(void)
{
	return (struct patience){ .left = bounded ? seconds_left : NULL };
}
