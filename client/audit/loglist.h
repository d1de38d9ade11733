/* loglist - the whole public log, read and held against its signed checkpoint.
 *
 * loglist_read fetches the checkpoint and every entry bundle and tile of it, computes each hash again, and
 * tells in verdicts what holds: signature, entries against tiles, tiles against each other, root, what was
 * seen before (state/checkpoint and state/leaves, kept between runs), and the entries' own order. What
 * contradicts is kept as evidence and the path told. Source: docs/protocol.md "The log". */
#ifndef CLIENT_AUDIT_LOGLIST_H
#define CLIENT_AUDIT_LOGLIST_H
#include "client/audit/source.h"
#include "client/audit/verdicts.h"
#include "proto/checkpoint.h"
#include "proto/logentry.h"

#define LOGLIST_LEVELS 8u
#define LOGLIST_MAX    (UINT64_C(1) << 24) /* leaves; 32 bytes of hash and some hundred of text each */

struct loglist {
	struct checkpoint checkpoint;
	struct buf note; /* its bytes */
	uint64_t n;      /* leaves read: checkpoint.size, or less after a failure */
	struct buf text; /* entries end to end */
	size_t *end;     /* where entry i ends in text */
	struct tlog_hash *hash;
	struct tlog_hash *level
	    [LOGLIST_LEVELS];   /* roots of full tiles: level[1] of 256 leaves each, ...; level[0] is hash */
	uint8_t *kind;          /* enum log_kind of each leaf, once their order was checked */
	bool whole;             /* every leaf read, and root as signed */
	bool consistent;        /* with what was kept: may be cosigned */
	struct checkpoint kept; /* from the run before; size 0: none */
};

/* An audit_code; details in v. remember: keep what was seen if it is whole and consistent. */
int loglist_read(struct loglist *l, struct source *s, struct verdicts *v, bool remember, struct err *e);
void loglist_free(struct loglist *l);
struct bytes loglist_bytes(const struct loglist *l, uint64_t i);
bool loglist_entry(const struct loglist *l, uint64_t i, struct log_entry *out, struct err *e);
/* The leaf if it is of that kind: for loops over many that seek few. */
bool loglist_entry_of(const struct loglist *l, uint64_t i, enum log_kind kind, struct log_entry *out);
/* Where roots and proofs take their hashes from; borrows l. */
struct tlog_source loglist_source(struct loglist *l);
/* Root of the first n leaves. */
void loglist_root(const struct loglist *l, uint64_t n, struct tlog_hash *out);
/* A checkpoint that somebody else holds, against our tree: the same log, or a split view (evidence is kept).
 */
int loglist_compare(struct loglist *l, struct source *s, struct bytes note, const char *where,
    struct verdicts *v, struct err *e);
/* The newest release leaf of that name that stands, or NULL word for any: "[DATASET/]PERIOD[/REVISION]". */
int loglist_find_release(
    const struct loglist *l, const char *name, uint64_t *index, struct log_entry *out, struct err *e);
#endif
