/* say - one line to the journal: what happened, for the people who run the daemon.
 *
 * Lines go to standard error; under systemd with the priority it reads ("<4>"), by hand without. Never a
 * figure, a payload, a key or an office's name: counts, key ids, kinds and rules only. Lines of one event
 * that come faster than ten in ten seconds are counted and told as one. Any thread. */
#ifndef DAEMON_SAY_H
#define DAEMON_SAY_H

enum say_level { SAY_ERROR = 3, SAY_WARNING = 4, SAY_NOTICE = 5, SAY_INFO = 6 };

/* event: a fixed word of the program ("link-open"), which greps and alert rules hold on to. */
void say(enum say_level level, const char *event, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

#endif
