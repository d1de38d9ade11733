/* file - whole files, read with a bound and written so that a crash leaves the old or the new one.
 *
 * Errors name the path and never the content. */
#ifndef CLIENT_FILE_H
#define CLIENT_FILE_H
#include "proto/bytes.h"
#include "proto/err.h"
#include <sys/types.h>

#define FILE_PATH 4096

/* "dir/name" into out (FILE_PATH bytes); false if it does not fit. */
bool file_path(char *out, const char *dir, const char *name, struct err *e);
/* Appends a file or a pipe of at most max bytes to out. "-" is standard input. ERR_NOT_FOUND if absent,
 * ERR_LIMIT if larger. */
bool file_read(struct buf *out, const char *path, size_t max, struct err *e);
/* A secret: regular, ours, nobody else may read it, not a link; else ERR_REFUSED. */
bool file_read_secret(struct buf *out, const char *path, size_t max, struct err *e);
/* dir/name becomes content: `name.<pid>.part`, sync, rename, sync of dir. */
bool file_write(const char *dir, const char *name, mode_t mode, struct bytes content, struct err *e);
/* The same at a path that a person named. What is there and is no file (a device, a pipe) is written to, not replaced. */
bool file_put(const char *path, mode_t mode, struct bytes content, struct err *e);
/* As file_write, but an existing file is refused (ERR_REFUSED): for secrets. */
bool file_write_new(const char *dir, const char *name, mode_t mode, struct bytes content, struct err *e);
/* Removes part files whose process is gone: what a killed run left. */
void file_sweep(const char *dir);
bool file_exists(const char *dir, const char *name);
bool file_make_dir(const char *path, mode_t mode, struct err *e); /* parents too; an existing one is fine */
bool file_sync_dir(const char *path, struct err *e);
/* An exclusive lock on dir/lock, given back by close(). -1 with e filled. Waits for another holder: locks are
 * held for moments only. */
int file_lock(const char *dir, struct err *e);
#endif
