#include "daemon/gate/files.h"
#include "proto/limits.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define PATH_ROOM 512u

bool tree_open(struct tree *t, const char *path, struct err *e)
{
	t->fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return t->fd >= 0 || err_set(e, ERR_SYSTEM, "%s: %s", path, strerror(errno));
}

void tree_close(struct tree *t)
{
	if (t->fd >= 0)
		close(t->fd);
	t->fd = -1;
}

bool files_path_ok(const char *path)
{
	bool first = true; /* of its component */
	if (path[0] == '\0' || strlen(path) >= PATH_ROOM)
		return false;
	for (const char *p = path; *p != '\0'; p++) {
		if (first && (*p == '.' || *p == '/'))
			return false;
		first = *p == '/';
	}
	return !first;
}

int files_walk(int dir, const char *path)
{
	char part[PATH_ROOM];
	int at = dir;
	for (;;) {
		size_t len = strcspn(path, "/");
		bool last = path[len] == '\0';
		memcpy(part, path, len);
		part[len] = '\0';
		int flags = O_NOFOLLOW | O_CLOEXEC | (last ? O_RDONLY | O_NONBLOCK : O_PATH | O_DIRECTORY);
		int next = openat(at, part, flags);
		int saved = errno;
		if (at != dir)
			close(at);
		errno = saved;
		if (next < 0 || last)
			return next;
		at = next;
		path += len + 1;
	}
}

static int open_beneath(int dir, const char *path)
{
	struct open_how how = { .flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS };
	if (dir < 0 || !files_path_ok(path)) {
		errno = ENOENT;
		return -1;
	}
	int fd = (int)syscall(SYS_openat2, dir, path, &how, sizeof how);
	if (fd < 0 && (errno == ENOSYS || errno == EPERM)) /* an older kernel, a seccomp filter that lags */
		fd = files_walk(dir, path);
	return fd;
}

/* pread until length or the end. */
static bool read_part(int fd, uint64_t offset, uint8_t *to, size_t length, size_t *got)
{
	for (*got = 0; *got < length;) {
		ssize_t n = pread(fd, to + *got, length - *got, (off_t)(offset + *got));
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return false;
		if (n == 0)
			return true;
		*got += (size_t)n;
	}
	return true;
}

bool tree_read(const struct tree *t, const char *path, uint64_t offset, size_t length, struct buf *out,
    uint64_t *total, struct err *e)
{
	bool ok = false;
	uint8_t *room = NULL;
	size_t got = 0;
	struct stat st;
	int fd = open_beneath(t->fd, path);
	if (fd < 0 || fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) ||
	    (uint64_t)st.st_size > LIMIT_PUBLIC_FILE) {
		err_set(e, ERR_NOT_FOUND, "no such file");
		goto done;
	}
	*total = (uint64_t)st.st_size;
	if (offset >= *total)
		length = 0;
	else if (length > *total - offset)
		length = (size_t)(*total - offset);
	room = malloc(length + 1);
	if (room == NULL) {
		err_set(e, ERR_MEMORY, "out of memory");
		goto done;
	}
	if (!read_part(fd, offset, room, length, &got)) {
		err_set(e, ERR_SYSTEM, "read: %s", strerror(errno));
		goto done;
	}
	buf_put(out, room, got);
	ok = !out->failed || err_set(e, ERR_MEMORY, "out of memory");
done:
	free(room);
	if (fd >= 0)
		close(fd);
	return ok;
}

bool tree_read_all(const struct tree *t, const char *path, size_t max, struct buf *out, struct err *e)
{
	uint64_t total = 0;
	if (!tree_read(t, path, 0, max, out, &total, e))
		return false;
	return total <= max || err_set(e, ERR_LIMIT, "file too large");
}
