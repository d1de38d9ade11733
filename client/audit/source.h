/* source - where an auditor's bytes come from: the gate, or a copy of the vault's public folder.
 *
 * Nothing read here is believed yet but the key set, which the root key signed. Functions answer an
 * audit_code; SOURCE_ABSENT where the thing is not there. Every read is bounded. */
#ifndef CLIENT_AUDIT_SOURCE_H
#define CLIENT_AUDIT_SOURCE_H
#include "client/audit/audit.h"
#include "client/deployment.h"
#include "proto/feed.h"
#include "proto/tlog.h"

#define SOURCE_ABSENT (-1)

struct source {
	struct deployment d;
	const char *folder;    /* --public, borrowed; NULL: the gate */
	char state[FILE_PATH]; /* DIR/audit: what we have seen, and evidence */
	struct vkey log;
	struct { /* envelopes that came with one asked for: the next in line */
		char dataset[LIMIT_NAME + 1];
		uint8_t feed_id[FEED_ID_BYTES];
		uint64_t first;
		size_t n, *end; /* end[i]: where frame i ends in frames */
		struct buf frames;
	} ahead;
};

/* Settings, key set, log key. *s is to be closed in any case. */
int source_open(struct source *s, const struct args *args, struct err *e);
void source_close(struct source *s);

int source_checkpoint(struct source *s, struct buf *note, struct err *e);
int source_tile(struct source *s, const struct tlog_tile *tile, struct buf *out, struct err *e);
/* A public object or configuration; its digest was compared. */
int source_object(
    struct source *s, const uint8_t digest[KEY_DIGEST_BYTES], size_t max, struct buf *out, struct err *e);
/* The configuration of that digest, parsed. config_free. */
int source_config(struct source *s, const uint8_t digest[KEY_DIGEST_BYTES], const char *dataset,
    struct config **out, struct err *e);
/* A sealed manifest, by the digest of what is inside. From a folder: ../audit/ beside it. */
int source_sealed(struct source *s, const uint8_t man[KEY_DIGEST_BYTES], struct buf *out, struct err *e);
/* The newest beat of a feed, and an envelope by its number: frames, unverified. */
int source_beat(struct source *s, const char *dataset, struct buf *frame, struct err *e);
/* The file that readers who join late begin with, unverified. */
int source_state(struct source *s, const char *dataset, struct buf *file, struct err *e);
int source_envelope(struct source *s, const char *dataset, const uint8_t feed_id[FEED_ID_BYTES], uint64_t seq,
    struct buf *frame, struct err *e);

/* Keeps files that contradict each other under state/evidence/<time>-<what>/; out gets the path. */
struct source_file {
	const char *name;
	struct bytes content;
};
bool source_keep_evidence(struct source *s, const char *what, const struct source_file *file, size_t n,
    char out[FILE_PATH], struct err *e);
#endif
