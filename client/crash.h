/* crash - named points at which a test kills the client. Only in builds with CELLVEIL_CRASH_POINTS.
 *
 * Points: outbox-part (written, not synced), outbox-synced (not renamed), outbox-renamed (directory not
 * synced), outbox-stored (before sending), sent (before the answer), receipt (verified, not stored),
 * receipt-stored. CELLVEIL_CRASH=name kills at the first passage of that point. */
#ifndef CLIENT_CRASH_H
#define CLIENT_CRASH_H
#ifdef CELLVEIL_CRASH_POINTS
#	include <signal.h>
#	include <stdlib.h>
#	include <string.h>
static inline void crash_here(const char *name)
{
	const char *wanted = getenv("CELLVEIL_CRASH");

	if (wanted != NULL && strcmp(wanted, name) == 0)
		(void)raise(SIGKILL);
}
#	define CV_CRASH(name) crash_here(name)
#else
#	define CV_CRASH(name) ((void)0)
#endif
#endif
