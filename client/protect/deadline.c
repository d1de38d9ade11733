#include "client/protect/deadline.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "client/protect/protect.h"
#include "client/text.h"

#define SECONDS_MAX 10000000ul

static const char *said; /* translated beforehand: a signal handler may not */

static void over(int number)
{
	(void)number;
	ssize_t n = write(STDERR_FILENO, said, strlen(said)); /* said or not: it ends */
	(void)n;
	_exit(PROTECT_LIMIT);
}

bool deadline_start(const struct args *args)
{
	unsigned long seconds;
	struct sigaction action = { .sa_handler = over };
	if (!args_number(args, "max-seconds", SECONDS_MAX, 0, &seconds))
		return false;
	said = _("refused: the time given was over; nothing was written\n");
	if (seconds > 0) {
		sigaction(SIGALRM, &action, NULL);
		alarm((unsigned)seconds);
	}
	return true;
}

void deadline_stop(void)
{
	alarm(0);
}
