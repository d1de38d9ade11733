/* releasecheck - a release leaf against the objects it names, and a dataset's feed against the log. */
#ifndef CLIENT_AUDIT_RELEASECHECK_H
#define CLIENT_AUDIT_RELEASECHECK_H
#include "client/audit/loglist.h"
#include "client/release_files.h"

/* "personal-support 2024 revision 0" */
const char *releasecheck_name(char room[128], const struct log_entry *x);

/* The files of a release leaf: fetched by digest, each compared; fields and numbers compared with the leaf.
 * The manifest's signature stands in the feed. SOURCE_ABSENT: withdrawn, and gone as it should be. r is to be
 * freed by release_files_free in any case. */
int releasecheck_fetch(struct release_files *r, const struct loglist *l, struct source *s,
    const struct log_entry *x, struct err *e);
/* Was it taken back later? */
bool releasecheck_withdrawn(const struct loglist *l, const struct log_entry *release);
/* Every release leaf, and every feed with its chain, its signatures and its releases' minisign files. */
int releasecheck_all(const struct loglist *l, struct source *s, struct verdicts *v, struct err *e);
/* The files in a new folder below state/, for programs that read folders; releasecheck_remove takes it away. */
bool releasecheck_unpack(const struct release_files *r, struct source *s, char dir[FILE_PATH], struct err *e);
void releasecheck_remove(const char *dir);
/* No hidden cell can be computed from what was printed: the public certificate, by additions and comparisons.
 */
int releasecheck_certificate(
    const struct release_files *r, struct source *s, struct verdicts *v, const char *where, struct err *e);
#endif
