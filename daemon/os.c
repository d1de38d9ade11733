#include "daemon/os.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define OS_PATH 4096

static uint64_t real_wall_s(void *context)
{
	(void)context;
	struct timespec now;
	clock_gettime(CLOCK_REALTIME, &now);
	return now.tv_sec < 0 ? 0 : (uint64_t)now.tv_sec;
}

static uint64_t real_boot_ms(void *context)
{
	(void)context;
	struct timespec now;
	clock_gettime(CLOCK_BOOTTIME, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void real_random(void *context, void *out, size_t len)
{
	(void)context;
	randombytes_buf(out, len);
}

static ssize_t real_write(void *context, int fd, const void *at, size_t len)
{
	(void)context;
	return write(fd, at, len);
}

static int real_sync(void *context, int fd)
{
	(void)context;
	return fsync(fd);
}

static int real_rename(void *context, int dir, const char *from, const char *to)
{
	(void)context;
	return renameat(dir, from, dir, to);
}

static int real_unlink(void *context, int dir, const char *path)
{
	(void)context;
	return unlinkat(dir, path, 0);
}

const struct os *os_real(void)
{
	static const struct os real = { .wall_s = real_wall_s,
		.boot_ms = real_boot_ms,
		.random = real_random,
		.write = real_write,
		.sync = real_sync,
		.rename = real_rename,
		.unlink = real_unlink };
	return &real;
}

uint64_t os_wall_s(const struct os *os)
{
	return os->wall_s(os->context);
}

uint64_t os_boot_ms(const struct os *os)
{
	return os->boot_ms(os->context);
}

void os_random(const struct os *os, void *out, size_t len)
{
	os->random(os->context, out, len);
}

bool os_is_full(int number)
{
	return number == ENOSPC || number == EDQUOT;
}

#define NOT_SET UINT32_MAX /* /proc/self/loginuid of a process nobody logged in for */

unsigned long os_operator_id(void)
{
	char text[16] = "";
	int fd = open("/proc/self/loginuid", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
	unsigned long uid = n > 0 ? strtoul(text, NULL, 10) : NOT_SET;

	if (fd >= 0)
		close(fd);
	return uid == NOT_SET ? (unsigned long)getuid() : uid;
}

static bool fail_system(struct err *e, const char *path, const char *what)
{
	int number = errno;
	enum err_code code = os_is_full(number) ? ERR_FULL : number == ENOENT ? ERR_NOT_FOUND : ERR_SYSTEM;
	return err_set(e, code, "%s: %s: %s", path, what, strerror(number));
}

/* Reads fd to its end; size is bounded before anything is taken. */
static bool read_all(int fd, const char *path, size_t max, struct buf *out, struct err *e)
{
	uint8_t block[16384];
	size_t total = 0;
	bool ok = false;
	for (;;) {
		ssize_t n = read(fd, block, sizeof block);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			fail_system(e, path, "cannot read");
			goto done;
		}
		if (n == 0)
			break;
		total += (size_t)n;
		if (total > max) {
			err_set(e, ERR_LIMIT, "%s: the file is larger than %zu bytes", path, max);
			goto done;
		}
		buf_put(out, block, (size_t)n);
	}
	ok = !out->failed || err_set(e, ERR_MEMORY, "%s: out of memory", path);
done:
	sodium_memzero(block, sizeof block);
	return ok;
}

bool os_read_file(int dir, const char *path, size_t max, struct buf *out, struct err *e)
{
	int fd = openat(dir, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0)
		return fail_system(e, path, "cannot open");
	bool ok = read_all(fd, path, max, out, e);
	close(fd);
	return ok;
}

static bool check_secret_file(int fd, const char *path, struct err *e)
{
	struct stat st;
	if (fstat(fd, &st) != 0)
		return fail_system(e, path, "cannot look at the file");
	if (!S_ISREG(st.st_mode))
		return err_set(e, ERR_REFUSED, "%s: a key must be a regular file", path);
	if (st.st_uid != geteuid() && st.st_uid != 0)
		return err_set(e, ERR_REFUSED, "%s: a key file must belong to the user who reads it", path);
	if ((st.st_mode & 0037) != 0)
		return err_set(
		    e, ERR_REFUSED, "%s: others may read or change the key file (chmod 600)", path);
	return true;
}

bool os_read_secret(int dir, const char *path, size_t max, struct buf *out, struct err *e)
{
	int fd = openat(dir, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0 && errno == ELOOP)
		return err_set(e, ERR_REFUSED, "%s: a key file must not be a symbolic link", path);
	if (fd < 0)
		return fail_system(e, path, "cannot open");
	bool ok = check_secret_file(fd, path, e) && read_all(fd, path, max, out, e);
	close(fd);
	return ok;
}

static bool write_all(const struct os *os, int fd, const char *path, struct bytes content, struct err *e)
{
	size_t done = 0;
	while (done < content.len) {
		ssize_t n = os->write(os->context, fd, content.at + done, content.len - done);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return fail_system(e, path, "cannot write");
		if (n == 0)
			return err_set(e, ERR_SYSTEM, "%s: cannot write: nothing was taken", path);
		done += (size_t)n;
	}
	return true;
}

/* Splits path into its directory ("." if none) and says where the name begins. */
static bool split_path(const char *path, char *parent, size_t room, const char **name, struct err *e)
{
	const char *slash = strrchr(path, '/');
	size_t len = slash == NULL ? 1 : (size_t)(slash - path);
	if (len == 0)
		len = 1; /* "/name" */
	if (len >= room)
		return err_set(e, ERR_LIMIT, "the path is too long");
	memcpy(parent, slash == NULL ? "." : path, len);
	parent[len] = '\0';
	*name = slash == NULL ? path : slash + 1;
	return true;
}

bool os_sync_dir(const struct os *os, int dir, const char *path, struct err *e)
{
	int fd = os_open_dir(dir, path, e);
	if (fd < 0)
		return false;
	bool ok = os->sync(os->context, fd) == 0 || fail_system(e, path, "cannot sync the directory");
	close(fd);
	return ok;
}

static bool write_temporary(const struct os *os, int dir, const char *temporary, struct bytes content,
    mode_t mode, enum os_durable durable, struct err *e)
{
	bool ok = false;
	int fd = openat(dir, temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
	if (fd < 0)
		return fail_system(e, temporary, "cannot create");
	/* the mode asked for, whatever umask says */
	if (fchmod(fd, mode) != 0) {
		fail_system(e, temporary, "cannot set the mode");
		goto done;
	}
	if (!write_all(os, fd, temporary, content, e))
		goto done;
	if (durable == OS_DURABLE && os->sync(os->context, fd) != 0) {
		fail_system(e, temporary, "cannot sync");
		goto done;
	}
	ok = true;
done:
	close(fd);
	return ok;
}

bool os_write_file(const struct os *os, int dir, const char *path, struct bytes content, mode_t mode,
    enum os_durable durable, struct err *e)
{
	char parent[OS_PATH];
	char temporary[OS_PATH + 64];
	const char *name;
	uint64_t tail;
	if (!split_path(path, parent, sizeof parent, &name, e))
		return false;
	os_random(os, &tail, sizeof tail);
	snprintf(
	    temporary, sizeof temporary, "%s/.tmp-%.32s-%016llx", parent, name, (unsigned long long)tail);
	if (!write_temporary(os, dir, temporary, content, mode, durable, e))
		goto failed;
	if (os->rename(os->context, dir, temporary, path) != 0) {
		fail_system(e, path, "cannot rename into place");
		goto failed;
	}
	return durable == OS_LOOSE || os_sync_dir(os, dir, parent, e);
failed:
	os->unlink(os->context, dir, temporary);
	return false;
}

bool os_make_dirs(const struct os *os, int dir, const char *path, mode_t mode, struct err *e)
{
	char part[OS_PATH];
	char parent[OS_PATH];
	const char *name;
	size_t len = strlen(path);
	if (len >= sizeof part)
		return err_set(e, ERR_LIMIT, "the path is too long");
	for (size_t i = 1; i <= len; i++) {
		if (path[i] != '/' && path[i] != '\0')
			continue;
		memcpy(part, path, i);
		part[i] = '\0';
		if (mkdirat(dir, part, mode) != 0) {
			if (errno == EEXIST)
				continue;
			return fail_system(e, part, "cannot make the directory");
		}
		/* the mode asked for, whatever umask says */
		if (fchmodat(dir, part, mode, 0) != 0)
			return fail_system(e, part, "cannot set the mode");
		if (!split_path(part, parent, sizeof parent, &name, e) || !os_sync_dir(os, dir, parent, e))
			return false;
	}
	return true;
}

bool os_dir_closed(const char *path, mode_t mask, struct err *e)
{
	struct stat st;
	if (stat(path, &st) != 0)
		return fail_system(e, path, "cannot look at the directory");
	return (st.st_mode & mask) == 0 ||
	       err_set(e, ERR_INVALID, "%s: others may %s it (chmod %s)", path,
		   (mask & 0044) != 0 ? "look into" : "put files into", (mask & 0044) != 0 ? "700" : "go-w");
}

int os_open_dir(int dir, const char *path, struct err *e)
{
	int fd = openat(dir, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		fail_system(e, path, "cannot open the directory");
	return fd;
}
