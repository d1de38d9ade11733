#include "client/protect/threads.h"

#include "client/text.h"

bool threads_open(const struct args *args, struct team **t)
{
	unsigned long n = 1;
	*t = NULL;
	if (!args_number(args, "threads", TEAM_MAX, 1, &n))
		return false;
	if (n == 0) {
		text_warn("%s", _("--threads is at least 1"));
		return false;
	}
	if (n > 1)
		*t = team_new((unsigned)n);
	if (n > 1 && *t == NULL)
		text_warn("%s", _("no memory for further threads: one does it all"));
	return true;
}
