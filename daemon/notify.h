/* notify - tell the service manager how we are: READY=1, WATCHDOG=1, STATUS=..., STOPPING=1.
 *
 * The protocol of sd_notify(3): one datagram to the Unix socket named by $NOTIFY_SOCKET ('@' first:
 * abstract). Without that variable every call does nothing, so a program started by hand needs no special
 * case. */
#ifndef DAEMON_NOTIFY_H
#define DAEMON_NOTIFY_H
#include <stdbool.h>
#include <stdint.h>

/* Sends text, one or more NAME=value lines. False if a socket was named and could not be reached: worth a
 * warning, never a reason to stop. */
bool notify_send(const char *text);

/* notify_send("STATUS=" text): what `systemctl status` shows. */
bool notify_status(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* How often WATCHDOG=1 is due, in milliseconds: half of $WATCHDOG_USEC; 0 if nobody watches this process. */
uint64_t notify_watchdog_ms(void);

/* Work that takes at most so many seconds begins, in which no WATCHDOG=1 will come; 0: it is done, and the watch is as it
 * was. Nothing happens where nobody watches. */
void notify_long_work(uint64_t seconds);
#endif
