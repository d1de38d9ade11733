/* submission - what an office signs: a header and a payload (figures, or a withdrawal).
 *
 * The header travels in the clear, the payload sealed (proto/seal.h); the signature covers both, so that an
 * envelope can be neither moved nor claimed. The exact bytes that were signed are kept and never rebuilt.
 * A decoded payload is raw: whether its cells exist, ascend and add up is proto/content's to say.
 * Source: docs/protocol.md "Submission". */
#ifndef PROTO_SUBMISSION_H
#define PROTO_SUBMISSION_H
#include "proto/bytes.h"
#include "proto/err.h"
#include "proto/keys.h"
#include "proto/limits.h"
#include "proto/message.h"
#include "proto/model.h"

#define SUBMISSION_SUITE 1u
#define BLIND_BYTES      32u

enum submission_act { ACT_FIGURES = 1, ACT_WITHDRAWAL = 2 };

struct submission_header {
	char dataset[LIMIT_NAME + 1];
	uint8_t config_digest[KEY_DIGEST_BYTES];
	char period[LIMIT_PERIOD + 1];
	char office[LIMIT_NAME + 1];
	uint8_t office_key_id[KEY_ID_BYTES];
	uint8_t submission_id[SUBMISSION_ID_BYTES];
	uint32_t revision; /* first = 0, <= LIMIT_REVISION */
	enum submission_act act;
	uint64_t created_s; /* the client's clock: informational */
};

bool submission_header_encode(struct buf *out, const struct submission_header *h, struct err *e);
/* ERR_MALFORMED; ERR_UNSUPPORTED (suite, act, unknown even key); ERR_LIMIT (revision, or longer than
 * LIMIT_HEADER_BYTES). Unknown odd keys are skipped: keep the bytes, never re-encode. */
bool submission_header_decode(struct submission_header *h, struct bytes in, struct err *e);

/* A list of cells as it came: entry i is element[start[i]] up to, not including, element[start[i + 1]]. An
 * entry of rows is measure, codes, value; one of blank is measure, codes. Entries may have any length, 0
 * included. */
struct payload_list {
	uint32_t n;
	const uint32_t *start; /* n + 1 places */
	const uint64_t *element;
};

struct payload {
	enum submission_act act;
	uint8_t blind[BLIND_BYTES];
	bool has_figures; /* act WITHDRAWAL, yet a key of 2-8 was there: content rule 12. Lists are empty then
			   */
	uint64_t n_cells, hash_total;
	struct payload_list rows, blank;
	void *memory; /* owned; payload_free wipes and frees it */
	size_t memory_bytes;
};

/* Decodes what h->act said. Allocates once, after the whole profile was checked, in proportion to in.len.
 * ERR_MALFORMED, ERR_UNSUPPORTED, ERR_LIMIT (more than LIMIT_CELLS entries), ERR_MEMORY; nothing to free
 * then. */
bool payload_decode(struct payload *p, enum submission_act act, struct bytes in, struct err *e);
void payload_free(struct payload *p); /* also after a failed decode, and twice */

/* figures is parallel to config->asked. The blind is 32 fresh random bytes of the caller's.
 * ERR_INVALID if the sum of all values reaches LIMIT_HASH_TOTAL. */
bool payload_encode_figures(struct buf *out, const struct config *config, const struct figures *figures,
    const uint8_t blind[BLIND_BYTES], struct err *e);
bool payload_encode_withdrawal(struct buf *out, const uint8_t blind[BLIND_BYTES], struct err *e);

/* Over header and payload, resp. header and box, each framed with its length. */
bool submission_sign(uint8_t sig[KEY_SIG_BYTES], const struct key_signer *office, struct bytes header,
    struct bytes payload, struct err *e);
bool submission_verify(const uint8_t sig[KEY_SIG_BYTES], const uint8_t office[KEY_BYTES], struct bytes header,
    struct bytes payload, struct err *e);
void submission_statement_digest(uint8_t out[KEY_DIGEST_BYTES], struct bytes header, struct bytes payload);
void submission_envelope_digest(uint8_t out[KEY_DIGEST_BYTES], struct bytes header, struct bytes box);
#endif
