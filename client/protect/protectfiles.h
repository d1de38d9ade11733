/* protectfiles - policy and key in, a folder of results out, for the stand-alone disclosure commands. */
#ifndef CLIENT_PROTECT_PROTECTFILES_H
#define CLIENT_PROTECT_PROTECTFILES_H
#include "policy/params.h"
#include "proto/bytes.h"
#include "proto/err.h"

/* Reads a policy: a YAML mapping `name: value`, or a configuration, whose `policy:` is taken. */
bool protectfiles_policy(struct policy_params *p, const char *path, struct err *e);

/* Reads a choice key: a regular file of mode 0600 of our own with 64 hex digits, or a cellveil-secret-choice
 * line. */
bool protectfiles_key(uint8_t key[32], const char *path, struct err *e);

/* A whole file, at most max bytes. The caller frees out (buf_free). */
bool protectfiles_read(struct buf *out, const char *path, size_t max, struct err *e);

/* One file: written beside path, synced, renamed over it. Mode 0600. */
bool protectfiles_put(const char *path, struct bytes content, struct err *e);

struct outfile {
	const char *name;
	struct bytes content;
};

/* Puts the files into dir, all or none: they are written to a new folder beside it (mode 0700), synced, and
 * the two change places. dir may be absent, empty or the result of an earlier run; a folder with files of
 * other names is refused, since they would be lost. */
bool protectfiles_write(const char *dir, const struct outfile *file, size_t n, struct err *e);

/* The same in two steps: what can fail for want of room or leave fails in the first, beside dir. */
struct outfolder {
	const char *dir;
	char fresh[4096]; /* the new folder, until it takes dir's place */
	bool exists;
	int fd; /* -1: finished or dropped */
};

/* more: name of a file that outfolder_add will bring; NULL: none. Borrows dir. */
bool outfolder_begin(struct outfolder *f, const char *dir, const struct outfile *file, size_t n,
    const char *more, struct err *e);
bool outfolder_add(struct outfolder *f, const struct outfile *file, struct err *e);
bool outfolder_finish(struct outfolder *f, struct err *e);
void outfolder_drop(struct outfolder *f); /* unless finished, as if nothing had been written */

/* One file, mode 0600, likewise: written and synced beside path, later renamed over it. A pipe or device gets its content
 * in the first step. */
struct staged {
	const char *path;
	char part[4096]; /* empty: nothing waits */
};

bool staged_begin(struct staged *s, const char *path, struct bytes content, struct err *e); /* borrows path */
bool staged_finish(struct staged *s, struct err *e);
void staged_drop(struct staged *s);
#endif
