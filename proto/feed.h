/* feed - one dataset's news: releases, notices and beats, each signed and chained to the one before.
 *
 * A frame is array(2) [envelope bin, signature bin64]; what is signed is the envelope's bytes behind a label.
 * The row in the store is the truth, the file its copy, the published message a hint. feed_reader_step() is
 * the reader: pure, one frame in, one verdict out. Format: proto/README.md. */
#ifndef PROTO_FEED_H
#define PROTO_FEED_H
#include "proto/bytes.h"
#include "proto/err.h"
#include "proto/keys.h"
#include "proto/limits.h"

#define FEED_ID_BYTES    16u
#define FEED_TOPIC_MAX   (sizeof("cellveil1||") + LIMIT_NAME)
#define FEED_MINISIG_MAX 2048u

enum feed_kind { FEED_RELEASE = 40, FEED_BEAT = 41, FEED_NOTICE = 43 };
enum feed_action { FEED_NEW = 1, FEED_SUPERSEDES = 2, FEED_WITHDRAWS = 3 };

/* An envelope. Texts of variable size are borrowed: from the input after decoding, from the caller before
 * encoding. */
struct feed_envelope {
	uint8_t feed_id[FEED_ID_BYTES];
	uint64_t seq;     /* BEAT: last seq, 0 before the first */
	uint8_t prev[32]; /* link of seq - 1, zeros for seq 1; BEAT: link of seq */
	uint64_t kind;    /* enum feed_kind, or one we do not know */
	uint64_t time_s;
	char dataset[LIMIT_NAME + 1];
	/* RELEASE */
	char period[LIMIT_PERIOD + 1];
	uint64_t revision;
	enum feed_action action;
	uint8_t object[32];
	uint64_t bytes;
	struct bytes minisig;
	uint64_t log_index;
	struct bytes manifest, rows; /* at == NULL: not sent along */
	/* NOTICE */
	struct bytes text;
	/* BEAT */
	uint64_t log_size;
	uint8_t log_root[32];
};

/* Encodes and decodes one envelope. Decoding a kind we do not know fills the common fields. */
bool feed_encode(struct buf *out, const struct feed_envelope *env, struct err *e);
bool feed_decode(struct feed_envelope *out, struct bytes in, struct err *e);

void feed_link(uint8_t out[32], struct bytes envelope);
/* Ed25519 over the label the kind asks for ("beat" for BEAT, else "feed") and the envelope. */
bool feed_sign(uint8_t signature[64], uint64_t kind, struct bytes envelope, const struct key_signer *signer,
    struct err *e);
bool feed_verify(uint64_t kind, struct bytes envelope, const uint8_t signature[64], const uint8_t key[32]);

/* "cellveil1|<dataset>|": the last bar keeps longer names out of a prefix subscription. */
void feed_topic(char out[FEED_TOPIC_MAX], const char *dataset);
/* The second frame of a message, and the content of feed/.../<seq>, beat and state. */
bool feed_frame_put(struct buf *out, struct bytes envelope, const uint8_t signature[64], struct err *e);
bool feed_frame_parse(struct bytes *envelope, uint8_t signature[64], struct bytes frame, struct err *e);

/* The releases in force, for who joins late. */
struct feed_state_row {
	char period[LIMIT_PERIOD + 1];
	uint64_t revision, seq;
	uint8_t object[32];
	uint64_t bytes;
};
struct feed_state {
	uint8_t feed_id[FEED_ID_BYTES];
	uint64_t as_of; /* seq */
	uint8_t link[32];
	uint64_t time_s;
	char dataset[LIMIT_NAME + 1];
	struct feed_state_row *row; /* strictly ascending by period */
	size_t n_rows;
};
#define FEED_STATE_ROWS_MAX 4096u
/* The whole file, signed (label cellveil/1/state). */
bool feed_state_put(
    struct buf *out, const struct feed_state *s, const struct key_signer *signer, struct err *e);
/* Verifies against any of the n keys (32 bytes each) and decodes; s is to be freed also after failure. */
bool feed_state_open(
    struct feed_state *s, struct bytes file, const uint8_t (*key)[32], size_t n_keys, struct err *e);
void feed_state_free(struct feed_state *s);

enum feed_verdict {
	FEED_APPLY, /* next in order: the reader has advanced; an unknown odd kind is applied by doing nothing
		     */
	FEED_DROP,  /* known already, or an old beat */
	FEED_FRESH, /* a beat that names our position: nothing is missing at its time */
	FEED_RANGE, /* something is missing, or prev does not fit: ask from seq + 1 */
	FEED_REFUSE, /* malformed, another dataset, no good signature: drop and count */
	FEED_ALERT,  /* a kind we must understand and do not: tell, do not advance */
	FEED_STOP,   /* two properly signed truths for one position: keep both, stop */
	FEED_RESTART /* another feed id: start from STATE */
};

#define FEED_KEYS_MAX 4u
struct feed_reader {
	char dataset[LIMIT_NAME + 1];
	uint8_t key[FEED_KEYS_MAX][32]; /* feed keys of the key set: active and accept-only */
	size_t n_keys;
	uint8_t feed_id[FEED_ID_BYTES];
	uint64_t seq;     /* position: last applied, 0 none */
	uint8_t link[32]; /* of the envelope at seq, zeros at 0 */
};
/* env (not NULL) is filled unless the verdict is FEED_REFUSE, and borrows from frame. On FEED_APPLY seq and
 * link have advanced: store them after applying, before showing. e says why for REFUSE, ALERT, STOP; may be
 * NULL. */
enum feed_verdict feed_reader_step(
    struct feed_reader *r, struct bytes frame, struct feed_envelope *env, struct err *e);
#endif
