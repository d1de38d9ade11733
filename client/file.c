#include "client/file.h"
#include "client/crash.h"
#include "client/text.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static bool fail(struct err *e, const char *path)
{
	int error = errno;
	enum err_code code = error == ENOENT ? ERR_NOT_FOUND : ERR_SYSTEM;

	return err_set(e, code, "%s: %s", path, strerror(error));
}

bool file_path(char *out, const char *dir, const char *name, struct err *e)
{
	int n = snprintf(out, FILE_PATH, "%s/%s", dir, name);

	return (n > 0 && n < FILE_PATH) ||
	       err_set(e, ERR_LIMIT, _("path is longer than %d bytes"), FILE_PATH - 1);
}

static bool read_all(struct buf *out, int fd, const char *path, size_t max, struct err *e)
{
	uint8_t *room = malloc(65536);
	size_t total = 0;
	ssize_t n = 0;
	bool ok = room != NULL;

	while (ok && (n = read(fd, room, 65536)) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			ok = fail(e, path);
		} else if (total + (size_t)n > max) {
			ok = err_set(e, ERR_LIMIT, _("%s: larger than %zu bytes"), path, max);
		} else {
			buf_put(out, room, (size_t)n);
			total += (size_t)n;
		}
	}
	if (room == NULL || (ok && out->failed))
		ok = err_set(e, ERR_MEMORY, "%s: not enough memory", path);
	if (room != NULL)
		explicit_bzero(room, 65536);
	free(room);
	return ok;
}

bool file_read(struct buf *out, const char *path, size_t max, struct err *e)
{
	struct stat st;
	int fd;
	bool ok;

	if (strcmp(path, "-") == 0)
		return read_all(out, STDIN_FILENO, path, max, e);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0)
		return fail(e, path);
	if (fstat(fd, &st) != 0)
		ok = fail(e, path);
	else if (S_ISDIR(st.st_mode))
		ok = err_set(e, ERR_INVALID, _("%s: is a directory"), path);
	else /* a pipe is waited for, as in check <(iconv ...); one that nobody writes to is at its end */
		ok = (fcntl(fd, F_SETFL, O_RDONLY) == 0 || fail(e, path)) && read_all(out, fd, path, max, e);
	(void)close(fd);
	return ok;
}

bool file_read_secret(struct buf *out, const char *path, size_t max, struct err *e)
{
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NOFOLLOW | O_NONBLOCK);
	bool ok;

	if (fd < 0 && errno == ELOOP)
		return err_set(e, ERR_REFUSED, _("%s: a secret may not be a symbolic link"), path);
	if (fd < 0)
		return fail(e, path);
	if (fstat(fd, &st) != 0)
		ok = fail(e, path);
	else if (!S_ISREG(st.st_mode) || st.st_uid != geteuid())
		ok = err_set(e, ERR_REFUSED, _("%s: must be a regular file of your own"), path);
	else if ((st.st_mode & 07777) != 0600 && (st.st_mode & 07777) != 0400)
		ok = err_set(
		    e, ERR_REFUSED, _("%s: others may read this secret; run: chmod 600 %s"), path, path);
	else
		ok = read_all(out, fd, path, max, e);
	(void)close(fd);
	return ok;
}

static bool write_rest(int fd, struct bytes content, const char *path, struct err *e)
{
	while (content.len > 0) {
		ssize_t n = write(fd, content.at, content.len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return fail(e, path);
		content = bytes_of(content.at + n, content.len - (size_t)n);
	}
	return true;
}

static bool write_all(int fd, struct bytes content, const char *path, struct err *e)
{
	if (!write_rest(fd, content, path, e))
		return false;
	CV_CRASH("file-written");
	return fsync(fd) == 0 || fail(e, path);
}

bool file_sync_dir(const char *path, struct err *e)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool ok;

	if (fd < 0)
		return fail(e, path);
	ok = fsync(fd) == 0 || fail(e, path);
	(void)close(fd);
	return ok;
}

/* Gives the part file its name. Some file systems (NFS) know no RENAME_NOREPLACE: there a second link does it. */
static bool take_place(const char *part, const char *path, unsigned flags, struct err *e)
{
	if (renameat2(AT_FDCWD, part, AT_FDCWD, path, flags) == 0)
		return true;
	if (errno == EINVAL && flags != 0 && link(part, path) == 0) {
		(void)unlink(part);
		return true;
	}
	return errno == EEXIST ? err_set(e, ERR_REFUSED, _("%s: exists already"), path) : fail(e, path);
}

/* flags for renameat2: RENAME_NOREPLACE or 0. The part file is removed if anything fails. */
static bool replace(
    const char *dir, const char *name, mode_t mode, struct bytes content, unsigned flags, struct err *e)
{
	char path[FILE_PATH], part[FILE_PATH];
	bool ok;
	int fd;

	if (!file_path(path, dir, name, e))
		return false;
	if (snprintf(part, sizeof part, "%s.%ld.part", path, (long)getpid()) >= (int)sizeof part)
		return err_set(e, ERR_LIMIT, _("path is longer than %d bytes"), FILE_PATH - 1);
	(void)unlink(part);
	fd = open(part, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
	if (fd < 0)
		return fail(e, path);
	ok = (fchmod(fd, mode) == 0 || fail(e, path)) && write_all(fd, content, path, e);
	if (close(fd) != 0 && ok)
		ok = fail(e, path);
	CV_CRASH("file-synced");
	ok = ok && take_place(part, path, flags, e);
	CV_CRASH("file-renamed");
	if (!ok)
		(void)unlink(part);
	return ok && file_sync_dir(dir, e);
}

bool file_write(const char *dir, const char *name, mode_t mode, struct bytes content, struct err *e)
{
	return replace(dir, name, mode, content, 0, e);
}

static bool put_stream(const char *path, struct bytes content, struct err *e)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY);
	bool ok;

	if (fd < 0)
		return fail(e, path);
	ok = write_rest(fd, content, path, e);
	if (close(fd) != 0 && ok)
		ok = fail(e, path);
	return ok;
}

bool file_put(const char *path, mode_t mode, struct bytes content, struct err *e)
{
	char dir[FILE_PATH];
	const char *slash = strrchr(path, '/');
	size_t len = slash == NULL ? 1 : slash == path ? 1 : (size_t)(slash - path);
	struct stat st;

	if (len >= sizeof dir)
		return err_set(e, ERR_LIMIT, _("path is longer than %d bytes"), FILE_PATH - 1);
	if (stat(path, &st) == 0 && !S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode))
		return put_stream(path, content, e);
	memcpy(dir, slash == NULL ? "." : path, len);
	dir[len] = 0;
	return file_write(dir, slash ? slash + 1 : path, mode, content, e);
}

bool file_write_new(const char *dir, const char *name, mode_t mode, struct bytes content, struct err *e)
{
	return replace(dir, name, mode, content, RENAME_NOREPLACE, e);
}

/* The process number in "name.123.part"; 0 if it is no such name. */
static long part_owner(const char *name)
{
	size_t len = strlen(name);
	const char *at;

	if (len < 7 || strcmp(name + len - 5, ".part") != 0)
		return 0;
	for (at = name + len - 5; at > name && at[-1] >= '0' && at[-1] <= '9'; at--)
		;
	return at > name && at[-1] == '.' ? strtol(at, NULL, 10) : 0;
}

void file_sweep(const char *dir)
{
	DIR *d = opendir(dir);
	struct dirent *entry;
	char path[FILE_PATH];

	while (d != NULL && (entry = readdir(d)) != NULL) {
		long owner = part_owner(entry->d_name);
		if (owner > 0 && kill((pid_t)owner, 0) != 0 && errno == ESRCH &&
		    file_path(path, dir, entry->d_name, NULL))
			(void)unlink(path);
	}
	if (d != NULL)
		(void)closedir(d);
}

bool file_exists(const char *dir, const char *name)
{
	char path[FILE_PATH];

	return file_path(path, dir, name, NULL) && access(path, F_OK) == 0;
}

bool file_make_dir(const char *path, mode_t mode, struct err *e)
{
	char part[FILE_PATH];
	size_t len = strlen(path);

	if (len == 0 || len >= sizeof part)
		return err_set(e, ERR_LIMIT, _("path is empty or longer than %d bytes"), FILE_PATH - 1);
	memcpy(part, path, len + 1);
	for (size_t i = 1; i <= len; i++) {
		if (path[i] != '/' && path[i] != 0)
			continue;
		part[i] = 0;
		if (mkdir(part, mode) != 0 && errno != EEXIST)
			return fail(e, part);
		part[i] = path[i];
	}
	return true;
}

int file_lock(const char *dir, struct err *e)
{
	char path[FILE_PATH];
	int fd;

	if (!file_path(path, dir, "lock", e))
		return -1;
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0) {
		(void)fail(e, path);
		return -1;
	}
	while (flock(fd, LOCK_EX) != 0) {
		if (errno != EINTR) {
			(void)fail(e, path);
			(void)close(fd);
			return -1;
		}
	}
	return fd;
}
