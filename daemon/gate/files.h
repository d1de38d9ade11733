/* files - read what the vault publishes, and nothing else.
 *
 * A tree is a directory descriptor; every path is relative to it, built by the caller from checked fields,
 * and opened with openat2(RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS), or where the kernel or its filter has no
 * openat2 by a walk with the same effect: one component at a time, O_NOFOLLOW. Absolute paths, empty
 * components, and components that begin with a dot ("..", ".tmp-...") are refused before any system call. */
#ifndef DAEMON_GATE_FILES_H
#define DAEMON_GATE_FILES_H
#include "proto/bytes.h"
#include "proto/err.h"

struct tree {
	int fd; /* -1: no such tree; every read says NOT_FOUND */
};

/* False with ERR_SYSTEM if path is no directory we may enter. Symbolic links in path are the operator's. */
bool tree_open(struct tree *t, const char *path, struct err *e);
void tree_close(struct tree *t);

/* Reads at most length bytes from offset of a regular file and appends them to out; *total is the file's
 * size. An offset beyond the end gives no bytes. ERR_NOT_FOUND if there is no such file, if it is not a
 * regular file, or if it is larger than LIMIT_PUBLIC_FILE. The caller bounds length. */
bool tree_read(const struct tree *t, const char *path, uint64_t offset, size_t length, struct buf *out,
    uint64_t *total, struct err *e);

/* The whole file, ERR_LIMIT if it has more than max bytes. */
bool tree_read_all(const struct tree *t, const char *path, size_t max, struct buf *out, struct err *e);

/* What tree_read opens with when openat2 is missing; public for its test. A descriptor or -1, errno set. */
int files_walk(int dir, const char *path);
bool files_path_ok(const char *path);
#endif
