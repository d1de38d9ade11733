/* release_files - a whole release in memory: manifest, signature, files; verified as one thing.
 *
 * It holds only if the manifest is the object that was promised, its minisign file is good and claims exactly
 * this release, every file it names is there with its digest, and release.msgpack says the same dataset,
 * period, revision and configuration. Until then nothing of it is shown. Source: docs/protocol.md "Release
 * files". */
#ifndef CLIENT_RELEASE_FILES_H
#define CLIENT_RELEASE_FILES_H
#include "client/deployment.h"
#include "proto/feed.h"
#include "proto/minisign.h"
#include "proto/release.h"

#define RELEASE_BYTES_MAX (256u * 1024 * 1024) /* of all files together, before any is fetched */

struct release_files {
	struct buf manifest_text, minisig;
	struct manifest manifest;
	struct buf file[RELEASE_FILES_MAX]; /* parallel to manifest.file */
	struct release_rows rows;
	struct minisign_claim claim;
};

void release_files_free(struct release_files *r);
/* Manifest and signature against the release keys of the set. want: what it must be; a seq of 0 leaves feed
 * and seq open. */
bool release_files_check_manifest(
    struct release_files *r, const struct keyset *set, const struct minisign_claim *want, struct err *e);
/* All files in r->file: digests, sizes, rows. */
bool release_files_check(struct release_files *r, struct err *e);
/* Fetches and verifies what a RELEASE envelope promises; where our folder has a witness policy (client/witnesses.h),
 * its leaf too. An exit code: EXIT_OTHER if it does not hold. */
int release_files_fetch(
    struct release_files *r, struct deployment *d, const struct feed_envelope *env, struct err *e);
/* Reads and verifies a folder that `get -o` or a web server's copy made. */
bool release_files_read(
    struct release_files *r, const char *dir, const struct keyset *set, const char *origin, struct err *e);
bool release_files_write(const struct release_files *r, const char *dir, struct err *e);
/* NULL if there is no file of that name. */
const struct buf *release_files_find(const struct release_files *r, const char *name);
#endif
