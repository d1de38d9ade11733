/* witnesses - the reader's own rule whose signatures the log must bear: a c2sp.org/tlog-policy file `witnesses` in
 * our folder. Without the file nothing is asked for.
 *
 * A release is taken only if its leaf is in a log whose checkpoint the quorum has signed: then whoever else reads
 * that log, the witnesses for example, can see the same release. */
#ifndef CLIENT_WITNESSES_H
#define CLIENT_WITNESSES_H
#include "client/deployment.h"
#include "proto/checkpoint.h"
#include "proto/feed.h"
#include "proto/logentry.h"
#include "proto/tlogpolicy.h"

/* *found false: there is no such file. A file that is not in its format is an error. */
bool witnesses_load(const struct settings *s, struct tlogpolicy *p, bool *found, struct err *e);
/* A checkpoint's note against log key and policy. *enough: the quorum has signed. False: the log's own signature is
 * missing, or a known witness's is not good. */
bool witnesses_open(const struct tlogpolicy *p, const struct vkey *log, struct bytes note,
    struct checkpoint *out, bool *enough, struct err *e);
/* An entry of the log by its number: proved to be in a checkpoint of log. *enough false: the quorum has not signed that,
 * and out is not filled. An exit code; EXIT_OTHER: it does not hold. */
int witnesses_entry(struct deployment *d, const struct tlogpolicy *p, const struct vkey *log, uint64_t index,
    struct log_entry *out, bool *enough, struct err *e);
/* The release of an envelope, by a proof from the gate. Asks again, until the deadline, while signatures are missing.
 * An exit code; EXIT_OTHER: it does not hold. */
int witnesses_release(struct deployment *d, const struct feed_envelope *env, struct err *e);
#endif
