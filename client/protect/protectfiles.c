#include "client/protect/protectfiles.h"
#include "client/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proto/keys.h"
#include "proto/yamlnode.h"

bool protectfiles_read(struct buf *out, const char *path, size_t max, struct err *e)
{
	uint8_t chunk[65536];
	ssize_t n;
	int fd = open(path,
	    O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK); /* a pipe that nobody writes to is at its end */
	if (fd < 0 || fcntl(fd, F_SETFL, O_RDONLY) != 0) {
		int why = errno;
		if (fd >= 0)
			close(fd);
		return err_set(e, why == ENOENT ? ERR_NOT_FOUND : ERR_SYSTEM, "%s: %s", path, strerror(why));
	}
	out->max = max;
	while ((n = read(fd, chunk, sizeof chunk)) > 0)
		buf_put(out, chunk, (size_t)n);
	int error = errno;
	close(fd);
	sodium_memzero(chunk, sizeof chunk);
	if (n < 0)
		return err_set(e, ERR_SYSTEM, "%s: %s", path, strerror(error));
	if (out->failed)
		return err_set(e, ERR_LIMIT, "%s: the file is too large", path);
	return true;
}

static bool settings_take(struct policy_params *p, const struct yamlnode *map, struct err *e)
{
	struct setting *setting = calloc(map->n + 1, sizeof *setting);
	size_t n = 0;
	bool ok = false;
	if (setting == NULL)
		return err_set(e, ERR_MEMORY, "no memory");
	for (const struct yamlnode *child = map->first; child != NULL; child = child->next) {
		if (!yamlnode_want(child, YAML_TEXT, child->key, e))
			goto done;
		setting[n++] = (struct setting){ child->key, child->text, child->line };
	}
	ok = policy_params_from_settings(p, setting, n, e);
done:
	free(setting);
	return ok;
}

bool protectfiles_policy(struct policy_params *p, const char *path, struct err *e)
{
	struct buf file = { 0 };
	struct yamltree *tree = NULL;
	bool ok = false;
	if (!protectfiles_read(&file, path, LIMIT_CONFIG_FILE, e))
		goto done;
	struct bytes text = buf_bytes(&file);
	if (text.len >= 3 &&
	    memcmp(text.at, "\xef\xbb\xbf", 3) == 0) /* as spreadsheets and editors begin a file */
		text = bytes_of(text.at + 3, text.len - 3);
	tree = yamlnode_parse(text, e);
	if (tree == NULL)
		goto named;
	const struct yamlnode *map = yamlnode_root(tree);
	if (!yamlnode_want(map, YAML_MAP, "policy", e))
		goto named;
	if (yamlnode_get(map, "cellveil-config") != NULL && yamlnode_get(map, "policy") != NULL)
		map = yamlnode_get(map, "policy");
	ok = settings_take(p, map, e);
named:
	if (!ok)
		err_wrap(e, "%s", path);
done:
	yamlnode_free(tree);
	buf_free(&file);
	return ok;
}

static bool key_text(uint8_t key[32], struct bytes text, struct err *e)
{
	struct bytes line = text;
	while (line.len > 0 && (line.at[line.len - 1] == '\n' || line.at[line.len - 1] == '\r'))
		line.len--;
	if (hex_decode(key, 32, line))
		return true;
	return keys_secret_parse(key, KEY_CHOICE, text, e);
}

bool protectfiles_key(uint8_t key[32], const char *path, struct err *e)
{
	char text[512];
	struct stat st;
	bool ok = false;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK | O_NOFOLLOW);
	if (fd < 0)
		return err_set(e, ERR_SYSTEM, "%s: %s", path, strerror(errno));
	ssize_t n = read(fd, text, sizeof text);
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) || st.st_uid != geteuid() || (st.st_mode & 077) != 0)
		err_set(e, ERR_REFUSED, "%s: a key file is a regular file of yours with mode 0600", path);
	else if (n < 0 || (size_t)n == sizeof text)
		err_set(e, ERR_MALFORMED, "%s: not a key file", path);
	else
		ok = key_text(key, bytes_of(text, (size_t)n), e) || err_wrap(e, "%s", path);
	sodium_memzero(text, sizeof text);
	close(fd);
	return ok;
}

static bool known(const char *name, const struct outfile *file, size_t n, const char *more)
{
	/* what any run of `protect` may leave */
	static const char *const ours[] = { "RESULT.csv", "RESULT.jj", "DERIVED.csv", "certificate.cvc",
		"certificate.auditor.cvc", "explain.csv", "recode.csv", "summary.json" };
	for (size_t i = 0; i < sizeof ours / sizeof ours[0]; i++)
		if (strcmp(name, ours[i]) == 0)
			return true;
	for (size_t i = 0; i < n; i++)
		if (strcmp(name, file[i].name) == 0)
			return true;
	return strcmp(name, ".") == 0 || strcmp(name, "..") == 0 || (more != NULL && strcmp(name, more) == 0);
}

/* *exists says whether dir is there; it may hold nothing but our own files. */
static bool check_old(
    const char *dir, bool *exists, const struct outfile *file, size_t n, const char *more, struct err *e)
{
	DIR *d = opendir(dir);
	bool ok = true;
	*exists = d != NULL;
	if (d == NULL && errno != ENOENT)
		return err_set(e, ERR_SYSTEM, "%s: %s", dir, strerror(errno));
	for (struct dirent *entry; ok && d != NULL && (entry = readdir(d)) != NULL;)
		if (!known(entry->d_name, file, n, more))
			ok = err_set(e, ERR_REFUSED, "%s: holds other files too; name an empty folder", dir);
	if (d != NULL)
		closedir(d);
	return ok;
}

static void remove_folder(const char *dir)
{
	DIR *d = opendir(dir);
	if (d == NULL)
		return;
	for (struct dirent *entry; (entry = readdir(d)) != NULL;)
		unlinkat(dirfd(d), entry->d_name, 0);
	closedir(d);
	rmdir(dir);
}

static bool write_one(int dir, const struct outfile *file, struct err *e)
{
	int fd = openat(dir, file->name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	size_t done = 0;
	while (fd >= 0 && done < file->content.len) {
		ssize_t n = write(fd, file->content.at + done, file->content.len - done);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		done += (size_t)n;
	}
	bool ok = fd >= 0 && done == file->content.len && fsync(fd) == 0;
	if (!ok)
		err_set(e, ERR_SYSTEM, "%s: %s", file->name, strerror(errno));
	if (fd >= 0)
		close(fd);
	return ok;
}

bool protectfiles_put(const char *path, struct bytes content, struct err *e)
{
	return file_put(path, 0600, content, e);
}

/* ---- a folder of results: all of them or none ---- */

bool outfolder_begin(struct outfolder *f, const char *dir, const struct outfile *file, size_t n,
    const char *more, struct err *e)
{
	*f = (struct outfolder){ .dir = dir, .fd = -1 };
	int len = snprintf(f->fresh, sizeof f->fresh - 16, "%s", dir);
	while (len > 1 && f->fresh[len - 1] == '/')
		len--;
	if (len <= 0 || (size_t)len >= sizeof f->fresh - 16)
		return err_set(e, ERR_LIMIT, "the name of the folder is too long");
	memcpy(f->fresh + len, ".new-XXXXXX", sizeof ".new-XXXXXX");
	if (!check_old(dir, &f->exists, file, n, more, e))
		return false;
	if (mkdtemp(f->fresh) == NULL)
		return err_set(e, ERR_SYSTEM, "%s: %s", dir, strerror(errno));
	f->fd = open(f->fresh, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool ok = f->fd >= 0 || err_set(e, ERR_SYSTEM, "%s: %s", dir, strerror(errno));
	for (size_t i = 0; ok && i < n; i++)
		ok = write_one(f->fd, &file[i], e);
	if (!ok)
		outfolder_drop(f);
	return ok;
}

bool outfolder_add(struct outfolder *f, const struct outfile *file, struct err *e)
{
	return write_one(f->fd, file, e);
}

bool outfolder_finish(struct outfolder *f, struct err *e)
{
	bool ok = fsync(f->fd) == 0 &&
		  renameat2(AT_FDCWD, f->fresh, AT_FDCWD, f->dir, f->exists ? RENAME_EXCHANGE : 0) == 0;
	if (!ok)
		return err_set(e, ERR_SYSTEM, "%s: %s", f->dir, strerror(errno));
	if (f->exists)
		remove_folder(f->fresh); /* after the exchange: the earlier run's files */
	close(f->fd);
	f->fd = -1;
	return true;
}

void outfolder_drop(struct outfolder *f)
{
	if (f->fd < 0)
		return;
	close(f->fd);
	f->fd = -1;
	remove_folder(f->fresh);
}

bool protectfiles_write(const char *dir, const struct outfile *file, size_t n, struct err *e)
{
	struct outfolder f;
	bool ok = outfolder_begin(&f, dir, file, n, NULL, e) && outfolder_finish(&f, e);
	outfolder_drop(&f);
	return ok;
}

/* ---- one file that waits for others ---- */

bool staged_begin(struct staged *s, const char *path, struct bytes content, struct err *e)
{
	struct stat st;
	bool there = stat(path, &st) == 0;
	*s = (struct staged){ .path = path };
	size_t len = strlen(path);
	if (len == 0 || path[len - 1] == '/' || (there && S_ISDIR(st.st_mode)))
		return err_set(e, ERR_INVALID, "%s: a folder, where a file is to be written", path);
	if (there && !S_ISREG(st.st_mode))
		return protectfiles_put(
		    path, content, e); /* a pipe or a device: nothing to take the place of */
	if ((size_t)snprintf(s->part, sizeof s->part, "%s.%ld.part", path, (long)getpid()) >= sizeof s->part)
		return err_set(e, ERR_LIMIT, "the name of the file is too long");
	(void)unlink(s->part); /* of a run that was killed */
	const struct outfile file = { s->part, content };
	if (write_one(AT_FDCWD, &file, e))
		return true;
	err_set(e, ERR_SYSTEM, "%s: %s", path, strerror(errno));
	staged_drop(s);
	return false;
}

bool staged_finish(struct staged *s, struct err *e)
{
	if (s->part[0] != '\0' && rename(s->part, s->path) != 0)
		return err_set(e, ERR_SYSTEM, "%s: %s", s->path, strerror(errno));
	s->part[0] = '\0';
	return true;
}

void staged_drop(struct staged *s)
{
	if (s->part[0] != '\0')
		unlink(s->part);
	s->part[0] = '\0';
}
