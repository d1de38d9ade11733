/* message - the bodies that offices, readers, gate and vault exchange: [1, kind, rid, fields].
 *
 * One struct for each kind, one union for all, message_decode and message_encode for the lot. Texts that name
 * things are copied, with a NUL; bytes and free text are views into the decoded input. A struct message is
 * some tens of kilobytes because its arrays are bounded and inside: keep one per thread of work, not one per
 * call. Feed envelopes (kinds 40-43) are proto/feed's. Source: docs/protocol.md "Message kinds". */
#ifndef PROTO_MESSAGE_H
#define PROTO_MESSAGE_H
#include "proto/bytes.h"
#include "proto/err.h"
#include "proto/keys.h"
#include "proto/limits.h"

#define MESSAGE_VERSION     1u
#define MESSAGE_RID_BYTES   16u
#define SUBMISSION_ID_BYTES 16u
#define FEED_ID_BYTES       16u
#define LIMIT_PERIODS       500u /* of a dataset, in one PERIODS: 41 years of months, within LIMIT_NODES */
#define LIMIT_RANGE         256u /* envelopes in one RANGE_R */
#define LIMIT_PROOF         64u  /* hashes in one SETPROOF_R: a tree of 2^64 leaves */

enum message_kind {
	MSG_HELLO = 1,
	MSG_WELCOME = 2,
	MSG_SUBMIT = 3,
	MSG_RECEIPT = 4,
	MSG_REJECT = 5,
	MSG_BUSY = 6,
	MSG_STATUS = 7,
	MSG_UNKNOWN = 8,
	MSG_GET_KEYS = 9,
	MSG_KEYSET = 10,
	MSG_GET_PERIODS = 11,
	MSG_PERIODS = 12,
	MSG_HEAD = 20,
	MSG_HEAD_R = 21,
	MSG_RANGE = 22,
	MSG_RANGE_R = 23,
	MSG_STATE = 24,
	MSG_STATE_R = 25,
	MSG_OBJECT = 26,
	MSG_OBJECT_R = 27,
	MSG_LOG = 28,
	MSG_LOG_R = 29,
	MSG_PROOF = 30,
	MSG_PROOF_R = 31,
	MSG_COSIGN = 32,
	MSG_COSIGN_R = 33,
	MSG_SETPROOF = 34,
	MSG_SETPROOF_R = 35,
	MSG_FEED_RELEASE = 40,
	MSG_FEED_BEAT = 41,
	MSG_FEED_NOTICE = 43
};

enum reject_code {
	REJECT_MALFORMED = 1,
	REJECT_UNSUPPORTED,
	REJECT_NOT_AUTHORIZED,
	REJECT_KEY_REVOKED,
	REJECT_UNKNOWN_DATASET,
	REJECT_PERIOD_NOT_OPEN,
	REJECT_PERIOD_CLOSED,
	REJECT_CONFIG_MISMATCH,
	REJECT_UNKNOWN_INTAKE_KEY,
	REJECT_BAD_ENVELOPE,
	REJECT_INVALID_CONTENT,
	REJECT_CONFLICT,
	REJECT_REVISION_STALE,
	REJECT_TOO_LARGE,
	REJECT_NOT_FOUND,
	REJECT_INTERNAL,
	REJECT_FEED_CHANGED
};
enum reject_class { CLASS_PERMANENT = 1, CLASS_FIXABLE, CLASS_TEMPORARY };
enum busy_reason {
	BUSY_RATE = 1,
	BUSY_QUEUE,
	BUSY_STORAGE,
	BUSY_STOPPING,
	BUSY_LOG_STALLED,
	BUSY_VAULT_AWAY,
	BUSY_CLOCK_HOLD,
	BUSY_READ_ONLY
};
enum role { ROLE_OFFICE = 1, ROLE_RESEARCHER = 2, ROLE_AUDITOR = 4 }; /* bits */
enum period_state { PERIOD_PLANNED = 1, PERIOD_OPEN, PERIOD_GRACE, PERIOD_CLOSED, PERIOD_FINAL, PERIOD_VOID };
enum log_what { LOG_CHECKPOINT = 1, LOG_TILE, LOG_ENTRIES };

struct msg_hello {
	uint64_t lowest, highest; /* versions */
	struct bytes agent;       /* at NULL: absent */
};
struct msg_welcome_dataset {
	char name[LIMIT_NAME + 1];
	uint8_t config_digest[KEY_DIGEST_BYTES];
};
struct msg_welcome {
	uint64_t version, now_s;
	struct bytes notice; /* at NULL: absent */
	uint64_t max_message_bytes, max_rows, max_per_minute;
	uint64_t keyset_serial;
	size_t n_datasets;
	struct msg_welcome_dataset dataset[LIMIT_DATASETS];
	uint64_t roles;
};
struct msg_submit {
	struct bytes header, box;
	uint8_t intake_key_id[KEY_ID_BYTES];
};
struct msg_receipt {
	struct bytes statement;
	bool duplicate; /* always written; absent reads as false */
	uint8_t signature[KEY_SIG_BYTES];
};
struct msg_reject {
	enum reject_code code;
	struct bytes text; /* at NULL: absent */
	enum reject_class class;
	bool has_retry_after;
	uint64_t retry_after_ms;
	uint64_t detail;
	bool is_signed; /* statement and signature travel together or not at all */
	struct bytes statement;
	uint8_t signature[KEY_SIG_BYTES];
};
struct msg_busy {
	uint64_t retry_after_ms;
	enum busy_reason reason;
};
struct msg_status {
	uint8_t submission_id[SUBMISSION_ID_BYTES];
	char office[LIMIT_NAME + 1];
};
struct msg_unknown {
	uint8_t submission_id[SUBMISSION_ID_BYTES];
};
struct msg_get_keys {
	bool has_serial;
	uint64_t serial;
};
struct msg_keyset {
	struct bytes note;
};
struct msg_get_periods {
	char dataset[LIMIT_NAME + 1], office[LIMIT_NAME + 1];
};
struct msg_period {
	char period[LIMIT_PERIOD + 1];
	enum period_state state;
	uint64_t opens_s, closes_s;
	uint8_t config_digest[KEY_DIGEST_BYTES];
	uint64_t n_revisions; /* of the asking office, stored */
	bool has_statement;
	uint8_t statement_digest[KEY_DIGEST_BYTES]; /* the newest one's */
};
struct msg_periods {
	size_t n;
	struct msg_period period[LIMIT_PERIODS];
};
struct msg_head {
	char dataset[LIMIT_NAME + 1];
};
struct msg_envelope { /* as on the feed */
	struct bytes envelope;
	uint8_t signature[KEY_SIG_BYTES];
};
struct msg_range {
	char dataset[LIMIT_NAME + 1];
	uint8_t feed_id[FEED_ID_BYTES];
	uint64_t from_seq, max; /* max 1-256 */
};
struct msg_range_r {
	size_t n;
	struct msg_envelope item[LIMIT_RANGE];
	uint64_t next_seq, head_seq;
};
struct msg_state {
	char dataset[LIMIT_NAME + 1];
	uint64_t offset;
};
struct msg_state_r {
	uint64_t as_of_seq, total, offset;
	struct bytes chunk; /* <= LIMIT_CHUNK_BYTES */
};
struct msg_object {
	uint8_t digest[KEY_DIGEST_BYTES];
	uint64_t offset, length; /* length 1-LIMIT_CHUNK_BYTES */
};
struct msg_object_r {
	uint64_t total, offset;
	struct bytes chunk;
};
struct msg_log {
	enum log_what what;
	uint64_t level, index, width; /* level <= 63, width 1-256 */
};
struct msg_log_r {
	struct bytes file;
};
struct msg_proof {
	uint64_t index;
};
struct msg_proof_r {
	struct bytes proof;
};
struct msg_cosign {
	uint64_t old_size;
	struct bytes lines;
};
struct msg_cosign_r {
	uint64_t accepted; /* number of signature lines taken */
};
struct msg_setproof {
	char dataset[LIMIT_NAME + 1], period[LIMIT_PERIOD + 1];
	uint64_t revision; /* of the release */
	uint8_t statement_digest[KEY_DIGEST_BYTES];
};
struct msg_setproof_r {
	uint64_t place, set_size;
	size_t n_hashes;
	uint8_t hash[LIMIT_PROOF][32];
	uint64_t seal_index; /* of the period-seal leaf */
};

struct message {
	enum message_kind kind;
	uint8_t rid[MESSAGE_RID_BYTES]; /* random for each attempt, echoed in the answer */
	union {
		struct msg_hello hello;
		struct msg_welcome welcome;
		struct msg_submit submit;
		struct msg_receipt receipt;
		struct msg_reject reject;
		struct msg_busy busy;
		struct msg_status status;
		struct msg_unknown unknown;
		struct msg_get_keys get_keys;
		struct msg_keyset keyset;
		struct msg_get_periods get_periods;
		struct msg_periods periods;
		struct msg_head head;
		struct msg_envelope head_r;
		struct msg_range range;
		struct msg_range_r range_r;
		struct msg_state state;
		struct msg_state_r state_r;
		struct msg_object object;
		struct msg_object_r object_r;
		struct msg_log log;
		struct msg_log_r log_r;
		struct msg_proof proof;
		struct msg_proof_r proof_r;
		struct msg_cosign cosign;
		struct msg_cosign_r cosign_r;
		struct msg_setproof setproof;
		struct msg_setproof_r setproof_r;
	};
};

/* Version, kind and rid of a body, without its fields: what a gate needs to route and to answer. Checks the
 * whole profile. A kind that is not in the table is ERR_UNSUPPORTED, with kind and rid filled all the same.
 */
bool message_peek(struct bytes body, uint64_t *kind, uint8_t rid[MESSAGE_RID_BYTES], struct err *e);
/* Decodes a body of any kind of the table but 40-43. Views in m borrow from body. On failure m is not to be
 * used; ERR_MALFORMED or ERR_UNSUPPORTED. */
bool message_decode(struct message *m, struct bytes body, struct err *e);
/* Appends the body. ERR_MEMORY or ERR_LIMIT (buf.max). Encoding what was decoded gives the same bytes,
 * unknown odd keys apart. */
bool message_encode(struct buf *out, const struct message *m, struct err *e);
const char *message_kind_name(uint64_t kind); /* "SUBMIT"; "?" for others */
bool message_is_request(uint64_t kind);       /* something a server may be sent */

const char *reject_code_name(uint64_t code); /* "MALFORMED"; "?" for others */
enum reject_class reject_class_of(enum reject_code code);
/* How a decoder's error is answered: MALFORMED, UNSUPPORTED, TOO_LARGE; INTERNAL for our own troubles. */
enum reject_code reject_code_of(const struct err *e);
const char *busy_reason_name(uint64_t reason);
const char *period_state_name(uint64_t state); /* "OPEN"; "?" for others */
#endif
