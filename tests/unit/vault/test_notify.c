/* What the service manager is told before work that takes longer than its watch, and after it. */
#include "daemon/notify.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

static void expect(int fd, const char *text)
{
	char got[256] = "";
	ssize_t n = recv(fd, got, sizeof got - 1, MSG_DONTWAIT);

	assert_int_equal(n, text ? (ssize_t)strlen(text) : -1);
	if (text)
		assert_string_equal(got, text);
}

static void test_long_work(void **state)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	char folder[] = "/tmp/cellveil-test-XXXXXX";
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	(void)state;
	assert_non_null(mkdtemp(folder));
	snprintf(at.sun_path, sizeof at.sun_path, "%s/notify", folder);
	assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof at), 0);
	setenv("NOTIFY_SOCKET", at.sun_path, 1);
	unsetenv("WATCHDOG_USEC");
	unsetenv("WATCHDOG_PID");
	notify_long_work(600); /* nobody watches */
	expect(fd, NULL);
	setenv("WATCHDOG_USEC", "30000000", 1);
	notify_long_work(600);
	expect(fd, "WATCHDOG=1\nWATCHDOG_USEC=600000000");
	notify_long_work(0);
	expect(fd, "WATCHDOG=1\nWATCHDOG_USEC=30000000");
	notify_long_work(10); /* never less than the watch itself */
	expect(fd, "WATCHDOG=1\nWATCHDOG_USEC=30000000");
	unlink(at.sun_path);
	rmdir(folder);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_long_work) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
