#include "daemon/notify.h"
#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

bool notify_send(const char *text)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	if (path == NULL || path[0] == '\0')
		return true;
	size_t len = strlen(path);
	if ((path[0] != '/' && path[0] != '@') || len >= sizeof to.sun_path)
		return false;
	memcpy(to.sun_path, path, len);
	if (path[0] == '@')
		to.sun_path[0] = '\0';
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return false;
	socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
	ssize_t sent;
	do
		sent =
		    sendto(fd, text, strlen(text), MSG_NOSIGNAL | MSG_DONTWAIT, (struct sockaddr *)&to, size);
	while (sent < 0 && errno == EINTR);
	close(fd);
	return sent >= 0;
}

bool notify_status(const char *fmt, ...)
{
	char text[256] = "STATUS=";
	size_t used = strlen(text);
	va_list ap;
	va_start(ap, fmt);
	/* clang-tidy 14 forgets va_start when it reads a file a second time, for the other daemon */
	vsnprintf(text + used, sizeof text - used, fmt, ap); /* NOLINT(clang-analyzer-valist*) */
	va_end(ap);
	return notify_send(text);
}

static bool env_uint(const char *name, uint64_t *value)
{
	const char *text = getenv(name);
	char *end;
	if (text == NULL || text[0] < '0' || text[0] > '9')
		return false;
	errno = 0;
	*value = strtoull(text, &end, 10);
	return errno == 0 && *end == '\0';
}

uint64_t notify_watchdog_ms(void)
{
	uint64_t usec, pid;
	if (!env_uint("WATCHDOG_USEC", &usec))
		return 0;
	if (env_uint("WATCHDOG_PID", &pid) && pid != (uint64_t)getpid())
		return 0;
	return usec / 2000;
}

void notify_long_work(uint64_t seconds)
{
	char text[64];
	uint64_t usec;
	if (notify_watchdog_ms() == 0 || !env_uint("WATCHDOG_USEC", &usec))
		return;
	if (seconds > 0 && seconds < UINT64_MAX / 1000000 && seconds * 1000000 > usec)
		usec = seconds * 1000000;
	snprintf(text, sizeof text, "WATCHDOG=1\nWATCHDOG_USEC=%llu", (unsigned long long)usec);
	notify_send(text);
}
