/* public - the files anyone may read: written by the vault, served by the gate or any web server.
 *
 * Every file is written under a temporary name in its own directory, synced, renamed, and the directory
 * synced; a release directory is filled under a temporary name and renamed whole. A file is a copy of rows in
 * the store: losing one is repaired at the next start, and one that no row explains is removed then. Paths
 * are relative, made by us from checked names, and never contain "..", an empty part or a leading dot. One
 * thread. Layout: docs/protocol.md "Release object and public directory". */
#ifndef DAEMON_VAULT_PUBLIC_H
#define DAEMON_VAULT_PUBLIC_H
#include "daemon/os.h"
#include "proto/bytes.h"
#include "proto/err.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define PUBLIC_PATH_ROOM 512u

struct public_dir {
	const struct os *os;
	int dir; /* open directory, -1 when closed */
	mode_t file_mode;
	mode_t dir_mode;
};

struct public_entry {
	const char *name; /* [a-z0-9][a-z0-9.-]* */
	struct bytes data;
};

/* Paths that rows explain; public_sweep removes the rest. Zero-initialise, free with public_set_free. */
struct public_set {
	char **path;
	size_t n, room;
	bool failed; /* memory ran out: public_sweep refuses */
};

/* Takes dir, an open directory that is empty or was taken before (it gets the mark ".cellveil"): a
 * misconfigured path must never lose files. Keeps a descriptor of its own; name stands for dir in errors.
 * file_mode 0644 for public/, 0640 for audit/; directories get the matching search bits. */
bool public_open(
    struct public_dir *p, const struct os *os, int dir, const char *name, mode_t file_mode, struct err *e);
void public_close(struct public_dir *p);

/* Writes or replaces one file, making directories on the way. ERR_FULL: no room now, and the same call may be made
 * again, as for everything below that writes. ERR_SYSTEM: the caller must stop, never retry. public_put_unsynced renames without any sync (the beat: fresh every minute or worthless). */
bool public_put(struct public_dir *p, const char *path, struct bytes data, struct err *e);
bool public_put_unsynced(struct public_dir *p, const char *path, struct bytes data, struct err *e);

/* As public_put, but leaves a file alone that already holds exactly these bytes; *changed says whether it
 * wrote. */
bool public_ensure(struct public_dir *p, const char *path, struct bytes data, bool *changed, struct err *e);

/* Reads a whole regular file of at most max bytes into out (cleared first). ERR_NOT_FOUND if there is none;
 * symbolic links are not followed. */
bool public_read(const struct public_dir *p, const char *path, size_t max, struct buf *out, struct err *e);

/* "object/hh/hex" for a digest. */
void public_object_path(char path[PUBLIC_PATH_ROOM], const uint8_t digest[32]);

/* Stores data under its plain BLAKE2b-256. */
bool public_ensure_object(struct public_dir *p, struct bytes data, bool *changed, struct err *e);

/* "release/<dataset>/<period>/<revision>" */
void public_release_path(
    char path[PUBLIC_PATH_ROOM], const char *dataset, const char *period, uint64_t revision);

/* Objects first, then the directory of hard links, renamed whole. Repeatable: a directory that already holds
 * exactly these files is left alone, any other content is replaced. */
bool public_ensure_release(struct public_dir *p, const char *dir, const struct public_entry *file,
    size_t n_files, bool *changed, struct err *e);

/* Removes a file or a whole directory; true if it is already gone. */
bool public_remove(struct public_dir *p, const char *path, struct err *e);

bool public_set_add(struct public_set *set, const char *path);
void public_set_free(struct public_set *set);

/* Called for each path removed because no row explains it. */
typedef void public_removed_fn(void *arg, const char *path);

/* Removes everything in the directory that is not in set: files, links, sockets, leftover temporary names,
 * and directories that are empty afterwards. Sorts set. */
bool public_sweep(
    struct public_dir *p, struct public_set *set, public_removed_fn *removed, void *arg, struct err *e);
#endif
