/* crash - named points where a test kills the program, as kill -9 would.
 *
 * CELLVEIL_CRASH=name or name:n in the environment kills at the first or n-th passing of CV_CRASH("name").
 * Only builds with CELLVEIL_CRASH_POINTS know them; elsewhere the macro is nothing. The names:
 *     intake-before-commit  intake-after-commit  intake-after-reply
 *     journal-tiles  journal-guard  journal-checkpoint     after each of them is in place
 *     release-sealed  release-protected  release-before-commit  release-commit
 *     release-files  release-checkpoint  release-feed      after each step of publishing
 *     period-before-commit  period-after-commit */
#ifndef DAEMON_CRASH_H
#define DAEMON_CRASH_H
#ifdef CELLVEIL_CRASH_POINTS
void crash_here(const char *name);
#	define CV_CRASH(name) crash_here(name)
#else
#	define CV_CRASH(name) ((void)0)
#endif
#endif
