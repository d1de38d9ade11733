#include "daemon/crash.h"

#ifdef CELLVEIL_CRASH_POINTS
#	include <signal.h>
#	include <stdlib.h>
#	include <string.h>

void crash_here(const char *name)
{
	static unsigned long passed;
	const char *wanted = getenv("CELLVEIL_CRASH");
	size_t len = strlen(name);
	if (wanted == NULL || strncmp(wanted, name, len) != 0 || (wanted[len] != '\0' && wanted[len] != ':'))
		return;
	unsigned long at = wanted[len] == ':' ? strtoul(wanted + len + 1, NULL, 10) : 1;
	if (++passed == at)
		raise(SIGKILL);
}
#else
typedef int crash_points_are_off; /* ISO C wants a declaration in every file */
#endif
