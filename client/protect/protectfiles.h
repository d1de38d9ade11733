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
#endif
