/* receipt - what the vault says about a submission, signed: a receipt, or a refusal.
 *
 * The statement's exact bytes are what is signed and stored; nobody encodes again to check. "Signature good"
 * is not enough: the client compares every field with its own. Source: docs/protocol.md "Acceptance and
 * refusal". */
#ifndef PROTO_RECEIPT_H
#define PROTO_RECEIPT_H
#include "proto/bytes.h"
#include "proto/err.h"
#include "proto/keys.h"
#include "proto/limits.h"
#include "proto/message.h"

enum receipt_outcome { OUTCOME_COUNTS = 1, OUTCOME_HELD = 2 };

struct receipt {
	char origin[LIMIT_ORIGIN + 1];
	char dataset[LIMIT_NAME + 1];
	char period[LIMIT_PERIOD + 1];
	char office[LIMIT_NAME + 1];
	uint8_t submission_id[SUBMISSION_ID_BYTES];
	uint8_t statement_digest[KEY_DIGEST_BYTES];
	enum receipt_outcome outcome;
	uint64_t accepted_at_s;
	uint64_t log_index;
	uint8_t receipt_key_id[KEY_ID_BYTES];
	uint32_t revision;
};

struct refusal {
	char origin[LIMIT_ORIGIN + 1];
	enum reject_code code;
	uint64_t detail;
	uint8_t envelope_digest[KEY_DIGEST_BYTES];
	uint64_t refused_at_s;
	uint8_t receipt_key_id[KEY_ID_BYTES];
};

bool receipt_encode(struct buf *out, const struct receipt *r, struct err *e);
bool receipt_decode(struct receipt *r, struct bytes statement, struct err *e);
bool receipt_sign(
    uint8_t sig[KEY_SIG_BYTES], const struct key_signer *s, struct bytes statement, struct err *e);
/* Verifies, decodes, and compares the key id inside with the key. ERR_CRYPTO, ERR_MALFORMED, ERR_UNSUPPORTED.
 */
bool receipt_open(struct receipt *r, struct bytes statement, const uint8_t sig[KEY_SIG_BYTES],
    const uint8_t receipt_public[KEY_BYTES], struct err *e);
/* Does got speak of what was sent? Compares origin, dataset, period, office, submission id, statement digest
 * and revision of want; its other fields are ignored. ERR_INVALID names the first field that differs. */
bool receipt_check(const struct receipt *got, const struct receipt *want, struct err *e);
void receipt_print(struct buf *out, const struct receipt *r); /* lines of "name value", public facts only */

bool refusal_encode(struct buf *out, const struct refusal *r, struct err *e);
bool refusal_decode(struct refusal *r, struct bytes statement, struct err *e);
bool refusal_sign(
    uint8_t sig[KEY_SIG_BYTES], const struct key_signer *s, struct bytes statement, struct err *e);
bool refusal_open(struct refusal *r, struct bytes statement, const uint8_t sig[KEY_SIG_BYTES],
    const uint8_t receipt_public[KEY_BYTES], struct err *e);
/* Compares origin, envelope digest, code and detail of want (code and detail: what the REJECT said). */
bool refusal_check(const struct refusal *got, const struct refusal *want, struct err *e);
void refusal_print(struct buf *out, const struct refusal *r);
#endif
