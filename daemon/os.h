/* os - the little that the daemons want from the machine: two clocks, randomness, and files that are either
 * old or new.
 *
 * struct os is what a fault test replaces: every call that makes something durable goes through it. Reading
 * is plain POSIX. Paths are relative to a directory descriptor (AT_FDCWD allowed) so that nobody builds long
 * absolute paths. A failed sync is never retried: the caller stops (docs/protocol.md, "Storage and crash
 * rules"). */
#ifndef DAEMON_OS_H
#define DAEMON_OS_H
#include "proto/bytes.h"
#include "proto/err.h"

#include <sys/types.h>

struct os {
	void *context;                      /* handed to each function */
	uint64_t (*wall_s)(void *context);  /* whole seconds since 1970, UTC */
	uint64_t (*boot_ms)(void *context); /* CLOCK_BOOTTIME: for timers, never steps */
	void (*random)(void *context, void *out, size_t len);
	ssize_t (*write)(void *context, int fd, const void *at, size_t len); /* as write(2) */
	int (*sync)(void *context, int fd);                                  /* as fsync(2) */
	int (*rename)(void *context, int dir, const char *from, const char *to);
	int (*unlink)(void *context, int dir, const char *path);
};

const struct os *os_real(void); /* the machine itself; static */

uint64_t os_wall_s(const struct os *os);
uint64_t os_boot_ms(const struct os *os);
void os_random(const struct os *os, void *out, size_t len);
/* The user id of who logged in, also behind sudo or a unit of the service's user; else of who runs this. */
unsigned long os_operator_id(void);

/* An errno that says there was no room. All functions below that write give ERR_FULL for it and ERR_SYSTEM for other
 * failures; no file is half replaced, so that the same call may be made again. */
bool os_is_full(int number);

/* Appends the file's content to out. ERR_NOT_FOUND, ERR_LIMIT if larger than max, ERR_SYSTEM. */
bool os_read_file(int dir, const char *path, size_t max, struct buf *out, struct err *e);

/* The same for a key file: regular file, not a symbolic link, owned by this user or root, no access for
 * others and none for the group except reading. ERR_REFUSED names the rule that does not hold. */
bool os_read_secret(int dir, const char *path, size_t max, struct buf *out, struct err *e);

enum os_durable {
	OS_LOOSE,  /* renamed into place, not synced: for what is rewritten every minute */
	OS_DURABLE /* content synced, renamed, directory synced */
};

/* Replaces path by content: readers see the old or the new file, never a part. The temporary file is
 * `.tmp-…` in the same directory. */
bool os_write_file(const struct os *os, int dir, const char *path, struct bytes content, mode_t mode,
    enum os_durable durable, struct err *e);

/* Creates path and its missing parents with mode, and syncs each parent. Existing directories are fine. */
bool os_make_dirs(const struct os *os, int dir, const char *path, mode_t mode, struct err *e);

/* Nobody has a permission of mask (0022: put files there; 0077: anything) on this directory; else ERR_INVALID. */
bool os_dir_closed(const char *path, mode_t mask, struct err *e);

/* Syncs the directory at path ("." for dir itself): makes a rename or unlink in it durable. */
bool os_sync_dir(const struct os *os, int dir, const char *path, struct err *e);

/* Opens a directory for use as dir above. -1 with e filled. */
int os_open_dir(int dir, const char *path, struct err *e);
#endif
