/* unseal - the only code that opens a box or a stored row. Figures are in the clear here, and wiped after.
 *
 * A row is frame(header) || signature || payload, encrypted with its period's data key and tied to its
 * submission id and statement digest. Data keys are wrapped by a CVatrest subkey of master and kept in
 * guarded memory once used. */
#ifndef DAEMON_VAULT_UNSEAL_H
#define DAEMON_VAULT_UNSEAL_H
#include "daemon/vault/vault.h"
#include "proto/submission.h"

/* Opens and unpads a box. plain receives the bytes of which signature and payload are views; buf_free wipes.
 * One code for everything that can be wrong: ERR_CRYPTO. */
bool unseal_box(const struct intake_key *key, struct bytes box, struct buf *plain, struct bytes *signature,
    struct bytes *payload, struct err *e);

/* A fresh data key for a period that is about to be inserted, wrapped, into out. */
bool unseal_new_data_key(struct vault *v, const struct period *p, struct buf *out, struct err *e);
/* Drops the key from memory: after the row's copy was destroyed. */
void unseal_forget(struct vault *v, uint64_t period_id);
void unseal_forget_all(struct vault *v);

struct stored_row { /* views into plain; buf_free(plain) wipes */
	struct bytes header, signature, payload;
};
struct row_name {
	const uint8_t *submission_id; /* 16 bytes */
	const uint8_t *statement;     /* digest, 32 bytes */
};
bool unseal_write_row(struct vault *v, const struct period *p, struct row_name name,
    const struct stored_row *row, struct buf *out, struct err *e);
bool unseal_read_row(struct vault *v, const struct period *p, struct row_name name, struct bytes row,
    struct buf *plain, struct stored_row *out, struct err *e);
#endif
