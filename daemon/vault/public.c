/* public - see public.h. */
#include "daemon/vault/public.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MARK      ".cellveil"
#define DEPTH_MAX 12

static bool fail(struct err *e, const char *what, const char *path)
{
	int number = errno;

	return err_set(
	    e, os_is_full(number) ? ERR_FULL : ERR_SYSTEM, "%s: %s: %s", path, what, strerror(number));
}

static bool sync_fd(const struct public_dir *p, int fd)
{
	return p->os->sync(p->os->context, fd) == 0;
}

static mode_t dir_mode_of(mode_t file_mode)
{
	return file_mode | ((file_mode & 0444) >> 2);
}

/* One step down, never through a symbolic link. make: create it if it is missing, as a synced entry. A plain
 * file or a link planted in the place of a directory is removed when we may make. */
static int step_into(const struct public_dir *p, int at, const char *name, bool make)
{
	const int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
	int fd = openat(at, name, flags);

	if (fd >= 0 || !make)
		return fd;
	if (errno == ENOTDIR || errno == ELOOP)
		(void)unlinkat(at, name, 0);
	if (mkdirat(at, name, 0700) < 0 && errno != EEXIST)
		return -1;
	fd = openat(at, name, flags);
	if (fd >= 0 && (fchmod(fd, p->dir_mode) < 0 || p->os->sync(p->os->context, at) < 0)) {
		close(fd);
		return -1;
	}
	return fd;
}

/* Opens the directory that holds path and points *name at the last part. -1 with errno on failure. */
static int open_parent(const struct public_dir *p, const char *path, bool make, const char **name)
{
	char part[PUBLIC_PATH_ROOM];
	int fd = fcntl(p->dir, F_DUPFD_CLOEXEC, 0);

	for (const char *slash; fd >= 0 && (slash = strchr(path, '/')) != NULL; path = slash + 1) {
		size_t len = (size_t)(slash - path);
		int next = -1;

		if (len == 0 || len >= sizeof part || path[0] == '.') {
			errno = EINVAL;
		} else {
			memcpy(part, path, len);
			part[len] = '\0';
			next = step_into(p, fd, part, make);
		}
		int saved = errno;
		close(fd);
		errno = saved;
		fd = next;
	}
	*name = path;
	return fd;
}

static bool write_all(const struct os *os, int fd, struct bytes data)
{
	while (data.len > 0) {
		ssize_t n = os->write(os->context, fd, data.at, data.len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		data.at += n;
		data.len -= (size_t)n;
	}
	return true;
}

/* Writes data as name in directory at: temporary name, sync, rename, sync. */
static bool write_in(const struct public_dir *p, int at, const char *name, struct bytes data, bool sync)
{
	char temporary[PUBLIC_PATH_ROOM];
	bool ok = false;

	snprintf(temporary, sizeof temporary, ".tmp-%s", name);
	if (unlinkat(at, temporary, 0) < 0 && errno != ENOENT)
		return false;
	int fd = openat(at, temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return false;
	ok = write_all(p->os, fd, data) && fchmod(fd, p->file_mode) == 0 && (!sync || sync_fd(p, fd));
	int saved = errno;
	if (close(fd) < 0 && ok) {
		saved = errno;
		ok = false;
	}
	if (ok) {
		ok = p->os->rename(p->os->context, at, temporary, name) == 0 && (!sync || sync_fd(p, at));
		saved = errno;
	}
	if (!ok)
		(void)unlinkat(at, temporary, 0);
	errno = saved;
	return ok;
}

static bool put(struct public_dir *p, const char *path, struct bytes data, bool sync, struct err *e)
{
	const char *name = NULL;
	int at = open_parent(p, path, true, &name);

	if (at < 0)
		return fail(e, "cannot make its directory", path);
	bool ok = write_in(p, at, name, data, sync);
	if (!ok)
		fail(e, "cannot write", path);
	close(at);
	return ok;
}

bool public_put(struct public_dir *p, const char *path, struct bytes data, struct err *e)
{
	return put(p, path, data, true, e);
}

bool public_put_unsynced(struct public_dir *p, const char *path, struct bytes data, struct err *e)
{
	return put(p, path, data, false, e);
}

static bool read_fd(int fd, size_t size, struct buf *out)
{
	uint8_t chunk[16384];
	ssize_t n;

	while ((n = read(fd, chunk, sizeof chunk)) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return false;
		buf_put(out, chunk, (size_t)n);
		if (out->failed || out->size > size) {
			errno = out->failed ? ENOMEM : EFBIG;
			return false;
		}
	}
	return true;
}

static bool read_at(int at, const char *name, size_t max, struct buf *out)
{
	struct stat st;
	int fd = openat(at, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0)
		return false;
	bool ok = fstat(fd, &st) == 0;
	if (ok && (!S_ISREG(st.st_mode) || st.st_size < 0 || (uint64_t)st.st_size > max)) {
		errno = EFBIG;
		ok = false;
	}
	ok = ok && read_fd(fd, max, out);
	int saved = errno;
	close(fd);
	errno = saved;
	return ok;
}

bool public_read(const struct public_dir *p, const char *path, size_t max, struct buf *out, struct err *e)
{
	const char *name = NULL;
	int at = open_parent(p, path, false, &name);
	bool ok = false;

	buf_clear(out);
	if (at >= 0) {
		ok = read_at(at, name, max, out);
		int saved = errno;
		close(at);
		errno = saved;
	}
	if (!ok && (errno == ENOENT || errno == ENOTDIR || errno == ELOOP))
		return err_set(e, ERR_NOT_FOUND, "%s: no such file", path);
	return ok || fail(e, "cannot read", path);
}

/* Whether name in at is a regular file of our mode with exactly these bytes. */
static bool holds(const struct public_dir *p, int at, const char *name, struct bytes data)
{
	struct buf now = { 0 };
	struct stat st;
	bool same = fstatat(at, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode) &&
		    (st.st_mode & 07777) == p->file_mode && (uint64_t)st.st_size == data.len &&
		    read_at(at, name, data.len, &now) && bytes_equal(buf_bytes(&now), data);

	buf_free(&now);
	return same;
}

/* A directory in the place of a file: only a hand that is not ours can have put it there. */
static bool remove_tree(int at, const char *name, unsigned depth);

static bool clear_for_file(int at, const char *name)
{
	struct stat st;

	if (fstatat(at, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT;
	return !S_ISDIR(st.st_mode) || remove_tree(at, name, 0);
}

bool public_ensure(struct public_dir *p, const char *path, struct bytes data, bool *changed, struct err *e)
{
	const char *name = NULL;
	int at = open_parent(p, path, true, &name);

	*changed = false;
	if (at < 0)
		return fail(e, "cannot make its directory", path);
	bool ok = true;
	if (!holds(p, at, name, data)) {
		*changed = true;
		ok = clear_for_file(at, name) && write_in(p, at, name, data, true);
		if (!ok)
			fail(e, "cannot write", path);
	}
	close(at);
	return ok;
}

void public_object_path(char path[PUBLIC_PATH_ROOM], const uint8_t digest[32])
{
	char hex[65];

	sodium_bin2hex(hex, sizeof hex, digest, 32);
	snprintf(path, PUBLIC_PATH_ROOM, "object/%.2s/%s", hex, hex);
}

static void object_path_of(char path[PUBLIC_PATH_ROOM], struct bytes data)
{
	uint8_t digest[32];

	crypto_generichash(digest, sizeof digest, data.at, data.len, NULL, 0);
	public_object_path(path, digest);
}

bool public_ensure_object(struct public_dir *p, struct bytes data, bool *changed, struct err *e)
{
	char path[PUBLIC_PATH_ROOM];

	object_path_of(path, data);
	return public_ensure(p, path, data, changed, e);
}

void public_release_path(
    char path[PUBLIC_PATH_ROOM], const char *dataset, const char *period, uint64_t revision)
{
	snprintf(path, PUBLIC_PATH_ROOM, "release/%s/%s/%llu", dataset, period, (unsigned long long)revision);
}

static size_t count_entries(int dir)
{
	int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd >= 0 ? fdopendir(fd) : NULL;
	size_t n = 0;

	if (!d) {
		if (fd >= 0)
			close(fd);
		return SIZE_MAX;
	}
	for (struct dirent *entry; (entry = readdir(d)) != NULL;)
		n += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
	closedir(d);
	return n;
}

static bool release_holds(
    const struct public_dir *p, int at, const char *name, const struct public_entry *file, size_t n)
{
	int dir = step_into(p, at, name, false);
	bool same = dir >= 0 && count_entries(dir) == n;

	for (size_t i = 0; same && i < n; i++)
		same = holds(p, dir, file[i].name, file[i].data);
	if (dir >= 0)
		close(dir);
	return same;
}

static bool link_object(struct public_dir *p, int dir, const struct public_entry *file)
{
	char path[PUBLIC_PATH_ROOM];

	object_path_of(path, file->data);
	return linkat(p->dir, path, dir, file->name, 0) == 0;
}

static bool fill_release(
    struct public_dir *p, int at, const char *name, const struct public_entry *file, size_t n)
{
	char temporary[PUBLIC_PATH_ROOM];
	bool ok = true;

	snprintf(temporary, sizeof temporary, ".tmp-%s", name);
	if (!remove_tree(at, temporary, 0) || !remove_tree(at, name, 0))
		return false;
	int dir = step_into(p, at, temporary, true);
	if (dir < 0)
		return false;
	for (size_t i = 0; ok && i < n; i++)
		ok = link_object(p, dir, &file[i]);
	ok = ok && sync_fd(p, dir) && p->os->rename(p->os->context, at, temporary, name) == 0 &&
	     sync_fd(p, at);
	int saved = errno;
	close(dir);
	errno = saved;
	return ok;
}

bool public_ensure_release(struct public_dir *p, const char *dir, const struct public_entry *file,
    size_t n_files, bool *changed, struct err *e)
{
	const char *name = NULL;
	bool ok = true;

	*changed = false;
	for (size_t i = 0; i < n_files; i++) {
		bool wrote = false;

		if (!public_ensure_object(p, file[i].data, &wrote, e))
			return false;
		*changed = *changed || wrote;
	}
	int at = open_parent(p, dir, true, &name);
	if (at < 0)
		return fail(e, "cannot make its directory", dir);
	if (!release_holds(p, at, name, file, n_files)) {
		*changed = true;
		ok = fill_release(p, at, name, file, n_files) || fail(e, "cannot fill", dir);
	}
	close(at);
	return ok;
}

static bool remove_entries(int fd, unsigned depth)
{
	DIR *d = fdopendir(fd); /* owns fd from here */
	bool ok = d != NULL;

	if (!d) {
		close(fd);
		return false;
	}
	for (struct dirent *entry; ok && (entry = readdir(d)) != NULL;) {
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			ok = remove_tree(dirfd(d), entry->d_name, depth + 1);
	}
	int saved = errno;
	closedir(d);
	errno = saved;
	return ok;
}

static bool remove_tree(int at, const char *name, unsigned depth)
{
	if (unlinkat(at, name, 0) == 0 || errno == ENOENT)
		return true;
	if (errno != EISDIR && errno != EPERM)
		return false;
	if (depth > DEPTH_MAX) {
		errno = ELOOP;
		return false;
	}
	int fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return fd >= 0 && remove_entries(fd, depth) && unlinkat(at, name, AT_REMOVEDIR) == 0;
}

bool public_remove(struct public_dir *p, const char *path, struct err *e)
{
	const char *name = NULL;
	int at = open_parent(p, path, false, &name);

	if (at < 0)
		return errno == ENOENT || errno == ENOTDIR || errno == ELOOP || fail(e, "cannot open", path);
	bool ok = (remove_tree(at, name, 0) && sync_fd(p, at)) || fail(e, "cannot remove", path);
	close(at);
	return ok;
}

bool public_set_add(struct public_set *set, const char *path)
{
	if (set->n == set->room) {
		size_t room = set->room ? set->room * 2 : 64;
		char **grown = realloc(set->path, room * sizeof *grown);

		if (!grown) {
			set->failed = true;
			return false;
		}
		set->path = grown;
		set->room = room;
	}
	set->path[set->n] = strdup(path);
	if (!set->path[set->n]) {
		set->failed = true;
		return false;
	}
	set->n++;
	return true;
}

void public_set_free(struct public_set *set)
{
	for (size_t i = 0; i < set->n; i++)
		free(set->path[i]);
	free(set->path);
	*set = (struct public_set){ 0 };
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool set_has(const struct public_set *set, const char *path)
{
	return set->n > 0 && bsearch(&path, set->path, set->n, sizeof *set->path, by_text) != NULL;
}

struct sweep {
	const struct public_set *set;
	public_removed_fn *removed;
	void *arg;
	char path[PUBLIC_PATH_ROOM];
};

static bool sweep_dir(struct sweep *s, int fd, size_t len, unsigned depth);

/* Decides one entry; s->path holds its whole path. */
static bool sweep_entry(struct sweep *s, int at, const char *name, size_t len, unsigned depth)
{
	struct stat st;

	if (fstatat(at, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT;
	if (S_ISREG(st.st_mode) && set_has(s->set, s->path))
		return true;
	if (S_ISDIR(st.st_mode) && name[0] != '.' && depth < DEPTH_MAX) {
		int fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

		if (fd < 0 || !sweep_dir(s, fd, len, depth + 1))
			return false;
		return unlinkat(at, name, AT_REMOVEDIR) == 0 || errno == ENOTEMPTY || errno == EEXIST;
	}
	s->removed(s->arg, s->path);
	return remove_tree(at, name, 0);
}

static bool sweep_dir(struct sweep *s, int fd, size_t len, unsigned depth)
{
	DIR *d = fdopendir(fd);
	bool ok = d != NULL;

	if (!d) {
		close(fd);
		return false;
	}
	for (struct dirent *entry; ok && (entry = readdir(d)) != NULL;) {
		const char *name = entry->d_name;
		int n = snprintf(s->path + len, sizeof s->path - len, "%s%s", len ? "/" : "", name);

		if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0 ||
		    (depth == 0 && strcmp(name, MARK) == 0))
			continue;
		if (n < 0 || (size_t)n >= sizeof s->path - len)
			ok = remove_tree(dirfd(d), name, 0); /* longer than any of ours */
		else
			ok = sweep_entry(s, dirfd(d), name, len + (size_t)n, depth);
		s->path[len] = '\0';
	}
	int saved = errno;
	closedir(d);
	errno = saved;
	return ok;
}

bool public_sweep(
    struct public_dir *p, struct public_set *set, public_removed_fn *removed, void *arg, struct err *e)
{
	struct sweep s = { .set = set, .removed = removed, .arg = arg };

	if (set->failed)
		return err_set(
		    e, ERR_MEMORY, "not enough memory to compare the public directory with the store");
	if (set->n > 0)
		qsort(set->path, set->n, sizeof *set->path, by_text);
	int fd = openat(p->dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return fail(e, "cannot read", "public directory");
	return sweep_dir(&s, fd, 0, 0) || fail(e, "cannot clean", s.path[0] ? s.path : "public directory");
}

/* The mark says that we made what is here; without it only an empty directory is taken. A mark half written
 * when we were killed is no content. */
static bool take_directory(struct public_dir *p, const char *dir, struct err *e)
{
	struct stat st;

	if (fstatat(p->dir, MARK, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode))
		return true;
	if (unlinkat(p->dir, ".tmp-" MARK, 0) < 0 && errno != ENOENT)
		return fail(e, "cannot write", dir);
	if (count_entries(p->dir) != 0)
		return err_set(e, ERR_REFUSED,
		    "%s: not empty and without the mark %s: not a directory of ours", dir, MARK);
	return write_in(p, p->dir, MARK, bytes_text("written by cellveild; anything else here is removed\n"),
		   true) ||
	       fail(e, "cannot write", dir);
}

bool public_open(
    struct public_dir *p, const struct os *os, int dir, const char *name, mode_t file_mode, struct err *e)
{
	*p = (struct public_dir){
		.os = os, .dir = -1, .file_mode = file_mode, .dir_mode = dir_mode_of(file_mode)
	};
	p->dir = fcntl(dir, F_DUPFD_CLOEXEC, 0);
	if (p->dir < 0)
		return fail(e, "cannot open", name);
	if (take_directory(p, name, e))
		return true;
	public_close(p);
	return false;
}

void public_close(struct public_dir *p)
{
	if (p->dir >= 0)
		close(p->dir);
	p->dir = -1;
}
