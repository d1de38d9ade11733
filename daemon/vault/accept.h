/* accept - one SUBMIT through the steps 6 to 17 of acceptance, in their order.
 *
 * docs/protocol.md "Acceptance and refusal", "Idempotency and the outbox". The vault believes no client and
 * no gate: everything is checked here again. Steps before the commit only read; the commit is a savepoint in
 * the batch's transaction (intake.h). */
#ifndef DAEMON_VAULT_ACCEPT_H
#define DAEMON_VAULT_ACCEPT_H
#include "daemon/vault/vault.h"
#include "proto/receipt.h"
#include "proto/submission.h"

enum accept_result {
	ACCEPT_GO_ON,     /* not decided yet */
	ACCEPT_RECEIPT,   /* stored by this call; to be sent after the commit */
	ACCEPT_DUPLICATE, /* stored before: the same receipt again */
	ACCEPT_REJECT     /* code, detail, retry_after_ms */
};

struct acceptance {
	/* what came; borrowed */
	const uint8_t *principal; /* key id, 8 bytes */
	struct bytes header_bytes, box;
	const uint8_t *intake_key_id;

	/* what became of it */
	enum accept_result result;
	enum reject_code code;
	uint64_t detail;         /* rule of INVALID_CONTENT */
	uint64_t retry_after_ms; /* PERIOD_NOT_OPEN; else 0 */
	struct buf receipt;      /* statement */
	uint8_t signature[KEY_SIG_BYTES];
	uint8_t envelope[32]; /* digest: set in any case */

	/* on the way */
	struct submission_header header;
	uint8_t sign_key[32];
	struct period period;
	enum period_answer answer;
	const struct config *config;
	const struct intake_key *intake_key;
	struct buf plain; /* in the clear: wiped by accept_free */
	struct bytes office_signature, payload_bytes;
	struct payload payload;
	uint8_t statement[32];
};

/* Decides and, if it is to be kept, stores, inside a transaction that it begins if there is none. False: our
 * own trouble (nothing was kept, the answer is INTERNAL, or the store is broken). accept_free in any case. */
bool accept_submission(struct vault *v, struct acceptance *a, struct err *e);
void accept_free(struct acceptance *a);
#endif
