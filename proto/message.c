#include "proto/message.h"

#include "proto/fields.h"

#include <assert.h>
#include <string.h>

static_assert(sizeof(enum reject_code) == sizeof(unsigned), "see proto/fields.h");

#define STATEMENT_MAX 1024u /* a receipt's statement with every name at its longest is shorter */

/* ---- the tables of proto/README.md ---- */

static const struct field hello[] = {
	F_UINT(0, struct msg_hello, lowest),
	F(1, FIELD_TEXT, struct msg_hello, agent, 0, LIMIT_AGENT),
	F_UINT(2, struct msg_hello, highest),
};

static const struct field welcome_limits[] = {
	F_UINT(0, struct msg_welcome, max_message_bytes),
	F_UINT(2, struct msg_welcome, max_rows),
	F_UINT(4, struct msg_welcome, max_per_minute),
};
static const struct fields welcome_limits_map = FIELDS(welcome_limits);
static const struct field welcome_dataset[] = {
	F_NAME(0, struct msg_welcome_dataset, name),
	F_RAW(0, struct msg_welcome_dataset, config_digest),
};
static const struct fields welcome_dataset_row = FIELDS(welcome_dataset);
static const struct field welcome[] = {
	F_UINT(0, struct msg_welcome, version),
	F(1, FIELD_TEXT, struct msg_welcome, notice, 0, LIMIT_NOTICE),
	F_UINT(2, struct msg_welcome, now_s),
	F_MAP(4, &welcome_limits_map),
	F_UINT(6, struct msg_welcome, keyset_serial),
	F_LIST(8, struct msg_welcome, dataset, n_datasets, &welcome_dataset_row, LIMIT_DATASETS),
	F(10, FIELD_UINT, struct msg_welcome, roles, 0, 7),
};

static const struct field submit[] = {
	F(0, FIELD_BIN, struct msg_submit, header, 0, LIMIT_MESSAGE_BYTES),
	F(2, FIELD_BIN, struct msg_submit, box, 0, LIMIT_MESSAGE_BYTES),
	F_RAW(4, struct msg_submit, intake_key_id),
};
static const struct field receipt[] = {
	F(0, FIELD_BIN, struct msg_receipt, statement, 1, STATEMENT_MAX),
	F(1, FIELD_BOOL, struct msg_receipt, duplicate, 0, 0),
	F_RAW(2, struct msg_receipt, signature),
};
static const struct field reject[] = {
	F(0, FIELD_ENUM, struct msg_reject, code, REJECT_MALFORMED, REJECT_FEED_CHANGED),
	F(1, FIELD_TEXT, struct msg_reject, text, 0, LIMIT_TEXT),
	F(2, FIELD_ENUM, struct msg_reject, class, CLASS_PERMANENT, CLASS_TEMPORARY),
	F_HAS(3, FIELD_UINT, struct msg_reject, retry_after_ms, 0, LIMIT_UINT, has_retry_after),
	F_UINT(4, struct msg_reject, detail),
	F(5, FIELD_BIN, struct msg_reject, statement, 1, STATEMENT_MAX),
	F_HAS(7, FIELD_RAW, struct msg_reject, signature, 0, KEY_SIG_BYTES, is_signed),
};
static const struct field busy[] = {
	F_UINT(0, struct msg_busy, retry_after_ms),
	F(2, FIELD_ENUM, struct msg_busy, reason, BUSY_RATE, BUSY_READ_ONLY),
};
static const struct field status[] = {
	F_RAW(0, struct msg_status, submission_id),
	F_NAME(2, struct msg_status, office),
};
static const struct field unknown[] = { F_RAW(0, struct msg_unknown, submission_id) };
static const struct field get_keys[] = {
	F_HAS(1, FIELD_UINT, struct msg_get_keys, serial, 0, LIMIT_UINT, has_serial),
};
static const struct field keyset[] = {
	F(0, FIELD_BIN, struct msg_keyset, note, 0, LIMIT_NOTE_BYTES),
};
static const struct field get_periods[] = {
	F_NAME(0, struct msg_get_periods, dataset),
	F_NAME(2, struct msg_get_periods, office),
};
static const struct field period[] = {
	F(0, FIELD_PERIOD, struct msg_period, period, 0, 0),
	F(0, FIELD_ENUM, struct msg_period, state, PERIOD_PLANNED, PERIOD_VOID),
	F_UINT(0, struct msg_period, opens_s),
	F_UINT(0, struct msg_period, closes_s),
	F_RAW(0, struct msg_period, config_digest),
	F_UINT(0, struct msg_period, n_revisions),
	F_HAS(0, FIELD_RAW_NONE, struct msg_period, statement_digest, 0, KEY_DIGEST_BYTES, has_statement),
};
static const struct fields period_row = FIELDS(period);
static const struct field periods[] = {
	F_LIST(0, struct msg_periods, period, n, &period_row, LIMIT_PERIODS),
};

static const struct field head[] = { F_NAME(0, struct msg_head, dataset) };
static const struct field envelope[] = {
	F(0, FIELD_BIN, struct msg_envelope, envelope, 0, LIMIT_FEED_BYTES),
	F_RAW(2, struct msg_envelope, signature),
};
static const struct fields envelope_row = FIELDS(envelope);
static const struct field range[] = {
	F_NAME(0, struct msg_range, dataset),
	F_RAW(2, struct msg_range, feed_id),
	F_UINT(4, struct msg_range, from_seq),
	F(6, FIELD_UINT, struct msg_range, max, 1, LIMIT_RANGE),
};
static const struct field range_r[] = {
	F_LIST(0, struct msg_range_r, item, n, &envelope_row, LIMIT_RANGE),
	F_UINT(2, struct msg_range_r, next_seq),
	F_UINT(4, struct msg_range_r, head_seq),
};
static const struct field state[] = {
	F_NAME(0, struct msg_state, dataset),
	F_UINT(2, struct msg_state, offset),
};
static const struct field state_r[] = {
	F_UINT(0, struct msg_state_r, as_of_seq),
	F_UINT(2, struct msg_state_r, total),
	F_UINT(4, struct msg_state_r, offset),
	F(6, FIELD_BIN, struct msg_state_r, chunk, 0, LIMIT_CHUNK_BYTES),
};
static const struct field object[] = {
	F_RAW(0, struct msg_object, digest),
	F_UINT(2, struct msg_object, offset),
	F(4, FIELD_UINT, struct msg_object, length, 1, LIMIT_CHUNK_BYTES),
};
static const struct field object_r[] = {
	F_UINT(0, struct msg_object_r, total),
	F_UINT(2, struct msg_object_r, offset),
	F(4, FIELD_BIN, struct msg_object_r, chunk, 0, LIMIT_CHUNK_BYTES),
};

static const struct field log_request[] = {
	F(0, FIELD_ENUM, struct msg_log, what, LOG_CHECKPOINT, LOG_ENTRIES),
	F(2, FIELD_UINT, struct msg_log, level, 0, 63),
	F_UINT(4, struct msg_log, index),
	F(6, FIELD_UINT, struct msg_log, width, 1, 256),
};
static const struct field log_r[] = {
	F(0, FIELD_BIN, struct msg_log_r, file, 0, LIMIT_REPLY_BYTES),
};
static const struct field proof[] = { F_UINT(0, struct msg_proof, index) };
static const struct field proof_r[] = {
	F(0, FIELD_BIN, struct msg_proof_r, proof, 0, LIMIT_NOTE_BYTES),
};
static const struct field cosign[] = {
	F_UINT(0, struct msg_cosign, old_size),
	F(2, FIELD_BIN, struct msg_cosign, lines, 0, LIMIT_QUERY_BYTES),
};
static const struct field cosign_r[] = { F_UINT(0, struct msg_cosign_r, accepted) };
static const struct field setproof[] = {
	F_NAME(0, struct msg_setproof, dataset),
	F(2, FIELD_PERIOD, struct msg_setproof, period, 0, 0),
	F_UINT(4, struct msg_setproof, revision),
	F_RAW(6, struct msg_setproof, statement_digest),
};
static const struct field setproof_r[] = {
	F_UINT(0, struct msg_setproof_r, place),
	F_UINT(2, struct msg_setproof_r, set_size),
	{ FIELD_ROW(4, FIELD_LIST_RAW, struct msg_setproof_r, hash, 0, LIMIT_PROOF), .has = FIELD_NO_FLAG,
	    .count = offsetof(struct msg_setproof_r, n_hashes), .size = 32 },
	F_UINT(6, struct msg_setproof_r, seal_index),
};

struct kind {
	enum message_kind kind;
	bool is_request;
	const char *name;
	size_t size; /* of its struct */
	struct fields fields;
};

#define KIND(kind, is_request, name, table, S)                                                               \
	{                                                                                                    \
		kind, is_request, name, sizeof(S), FIELDS(table)                                             \
	}

static const struct kind kinds[] = {
	KIND(MSG_HELLO, true, "HELLO", hello, struct msg_hello),
	KIND(MSG_WELCOME, false, "WELCOME", welcome, struct msg_welcome),
	KIND(MSG_SUBMIT, true, "SUBMIT", submit, struct msg_submit),
	KIND(MSG_RECEIPT, false, "RECEIPT", receipt, struct msg_receipt),
	KIND(MSG_REJECT, false, "REJECT", reject, struct msg_reject),
	KIND(MSG_BUSY, false, "BUSY", busy, struct msg_busy),
	KIND(MSG_STATUS, true, "STATUS", status, struct msg_status),
	KIND(MSG_UNKNOWN, false, "UNKNOWN", unknown, struct msg_unknown),
	KIND(MSG_GET_KEYS, true, "GET_KEYS", get_keys, struct msg_get_keys),
	KIND(MSG_KEYSET, false, "KEYSET", keyset, struct msg_keyset),
	KIND(MSG_GET_PERIODS, true, "GET_PERIODS", get_periods, struct msg_get_periods),
	KIND(MSG_PERIODS, false, "PERIODS", periods, struct msg_periods),
	KIND(MSG_HEAD, true, "HEAD", head, struct msg_head),
	KIND(MSG_HEAD_R, false, "HEAD_R", envelope, struct msg_envelope),
	KIND(MSG_RANGE, true, "RANGE", range, struct msg_range),
	KIND(MSG_RANGE_R, false, "RANGE_R", range_r, struct msg_range_r),
	KIND(MSG_STATE, true, "STATE", state, struct msg_state),
	KIND(MSG_STATE_R, false, "STATE_R", state_r, struct msg_state_r),
	KIND(MSG_OBJECT, true, "OBJECT", object, struct msg_object),
	KIND(MSG_OBJECT_R, false, "OBJECT_R", object_r, struct msg_object_r),
	KIND(MSG_LOG, true, "LOG", log_request, struct msg_log),
	KIND(MSG_LOG_R, false, "LOG_R", log_r, struct msg_log_r),
	KIND(MSG_PROOF, true, "PROOF", proof, struct msg_proof),
	KIND(MSG_PROOF_R, false, "PROOF_R", proof_r, struct msg_proof_r),
	KIND(MSG_COSIGN, true, "COSIGN", cosign, struct msg_cosign),
	KIND(MSG_COSIGN_R, false, "COSIGN_R", cosign_r, struct msg_cosign_r),
	KIND(MSG_SETPROOF, true, "SETPROOF", setproof, struct msg_setproof),
	KIND(MSG_SETPROOF_R, false, "SETPROOF_R", setproof_r, struct msg_setproof_r),
};

static const struct kind *kind_find(uint64_t kind)
{
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
		if ((uint64_t)kinds[i].kind == kind)
			return &kinds[i];
	return NULL;
}

/* All kinds share the union's place. */
static const size_t fields_at = offsetof(struct message, hello);

/* ---- bodies ---- */

/* Reads up to the fields. Kind and rid are filled even where version or kind is one we do not know. */
static const struct kind *read_head(struct mpread *r, uint64_t *kind, uint8_t rid[MESSAGE_RID_BYTES])
{
	mpread_array(r, "body", 4, 4);
	uint64_t version = mpread_uint(r, "version", 0, LIMIT_UINT);
	*kind = mpread_uint(r, "kind", 0, LIMIT_UINT);
	mpread_bin_exact(r, "rid", rid, MESSAGE_RID_BYTES);
	const struct kind *known = kind_find(*kind);
	if (version != MESSAGE_VERSION)
		mpread_fail(r, ERR_UNSUPPORTED, "version", "not supported");
	else if (known == NULL)
		mpread_fail(r, ERR_UNSUPPORTED, "kind", "not supported");
	return known;
}

bool message_peek(struct bytes body, uint64_t *kind, uint8_t rid[MESSAGE_RID_BYTES], struct err *e)
{
	struct mpread r = mpread_open(body, LIMIT_NODES);
	read_head(&r, kind, rid);
	struct mpmap m = mpread_map(&r, "fields");
	for (uint64_t i = 0; i < 2 * m.left && !mpread_failed(&r); i++)
		mpread_skip(&r);
	return mpread_close(&r, e);
}

static void check_reject(struct mpread *r, const struct msg_reject *m)
{
	if ((m->statement.at != NULL) != m->is_signed)
		mpread_fail(r, ERR_MALFORMED, "statement", "has no signature, or a signature no statement");
}

bool message_decode(struct message *m, struct bytes body, struct err *e)
{
	struct mpread r = mpread_open(body, LIMIT_NODES);
	uint64_t kind;
	const struct kind *known = read_head(&r, &kind, m->rid);
	m->kind = (enum message_kind)(known != NULL ? known->kind : 0);
	if (known != NULL && !mpread_failed(&r)) {
		memset((uint8_t *)m + fields_at, 0, known->size);
		fields_read(&r, &known->fields, (uint8_t *)m + fields_at);
		if (kind == MSG_REJECT)
			check_reject(&r, &m->reject);
	}
	return mpread_close(&r, e);
}

bool message_encode(struct buf *out, const struct message *m, struct err *e)
{
	const struct kind *known = kind_find(m->kind);
	if (known == NULL)
		return err_set(e, ERR_UNSUPPORTED, "message: no such kind");
	mpwrite_array(out, 4);
	mpwrite_uint(out, MESSAGE_VERSION);
	mpwrite_uint(out, m->kind);
	mpwrite_bin(out, bytes_of(m->rid, MESSAGE_RID_BYTES));
	fields_write(out, &known->fields, (const uint8_t *)m + fields_at);
	return mpwrite_done(out, known->name, e);
}

bool message_is_request(uint64_t kind)
{
	const struct kind *known = kind_find(kind);
	return known != NULL && known->is_request;
}

/* ---- names ---- */

const char *message_kind_name(uint64_t kind)
{
	const struct kind *known = kind_find(kind);
	return known != NULL ? known->name : "?";
}

static const char *name_at(const char *const *names, size_t n, uint64_t number)
{
	return number >= 1 && number <= n ? names[number - 1] : "?";
}
#define NAME_AT(names, number) name_at(names, sizeof(names) / sizeof *(names), number)

const char *reject_code_name(uint64_t code)
{
	static const char *const names[] = { "MALFORMED", "UNSUPPORTED", "NOT_AUTHORIZED", "KEY_REVOKED",
		"UNKNOWN_DATASET", "PERIOD_NOT_OPEN", "PERIOD_CLOSED", "CONFIG_MISMATCH",
		"UNKNOWN_INTAKE_KEY", "BAD_ENVELOPE", "INVALID_CONTENT", "CONFLICT", "REVISION_STALE",
		"TOO_LARGE", "NOT_FOUND", "INTERNAL", "FEED_CHANGED" };
	return NAME_AT(names, code);
}

const char *busy_reason_name(uint64_t reason)
{
	static const char *const names[] = { "rate", "queue", "storage", "stopping", "log stalled",
		"vault away", "clock hold", "read-only" };
	return NAME_AT(names, reason);
}

const char *period_state_name(uint64_t number)
{
	static const char *const names[] = { "PLANNED", "OPEN", "GRACE", "CLOSED", "FINAL", "VOID" };
	return NAME_AT(names, number);
}

enum reject_class reject_class_of(enum reject_code code)
{
	switch (code) {
	case REJECT_CONFIG_MISMATCH:
	case REJECT_UNKNOWN_INTAKE_KEY:
	case REJECT_FEED_CHANGED:
		return CLASS_FIXABLE;
	case REJECT_PERIOD_NOT_OPEN:
	case REJECT_INTERNAL:
		return CLASS_TEMPORARY;
	default:
		return CLASS_PERMANENT;
	}
}

enum reject_code reject_code_of(const struct err *e)
{
	switch (e->code) {
	case ERR_MALFORMED:
		return REJECT_MALFORMED;
	case ERR_UNSUPPORTED:
		return REJECT_UNSUPPORTED;
	case ERR_LIMIT:
		return REJECT_TOO_LARGE;
	default:
		return REJECT_INTERNAL;
	}
}
