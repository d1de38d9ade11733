/* crash - named points at which a test kills the client. Only in builds with CELLVEIL_CRASH_POINTS.
 *
 * Points: file-written (not synced), file-synced (not renamed), file-renamed (directory not synced),
 * outbox-stored (nothing sent yet), answered (nothing looked at), receipt (verified, not stored),
 * receipt-stored. CELLVEIL_CRASH=name:n kills at the n-th passage of that point. */
#ifndef CLIENT_CRASH_H
#define CLIENT_CRASH_H
#ifdef CELLVEIL_CRASH_POINTS
#	include <signal.h>
#	include <stdlib.h>
#	include <string.h>
static inline void crash_here(const char *name)
{
	static unsigned long passed;
	const char *wanted = getenv("CELLVEIL_CRASH");
	size_t n = strlen(name);

	if (wanted != NULL && strncmp(wanted, name, n) == 0 && wanted[n] == ':' &&
	    ++passed == strtoul(wanted + n + 1, NULL, 10))
		(void)raise(SIGKILL);
}
#	define CV_CRASH(name) crash_here(name)
#else
#	define CV_CRASH(name) ((void)0)
#endif
#endif
