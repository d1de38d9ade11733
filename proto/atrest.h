/* atrest - a row of the vault's store, encrypted and tied to its place.
 *
 * 01 || key epoch LE32 || nonce 24 || XChaCha20-Poly1305(row). The associated data names table, primary key,
 * schema version and statement digest, so that rows cannot be swapped. Wrapped keys are rows with a digest of
 * zeros. Erasing a period is destroying its key. */
#ifndef PROTO_ATREST_H
#define PROTO_ATREST_H
#include "proto/bytes.h"
#include "proto/err.h"
#include "proto/limits.h"

#define ATREST_KEY_BYTES   32u
#define ATREST_NONCE_BYTES 24u
#define ATREST_OVERHEAD    (1u + 4u + 24u + 16u)

struct atrest_place {
	const char *table;        /* name of the table: a constant of ours */
	struct bytes primary_key; /* at most 255 bytes */
	uint64_t schema;
	uint8_t digest[32]; /* of the statement; zeros for wrapped keys */
};

/* nonce: 24 fresh random bytes. out gets plaintext + ATREST_OVERHEAD bytes. */
bool atrest_seal(struct buf *out, struct bytes plaintext, const struct atrest_place *place, uint32_t epoch,
    const uint8_t nonce[ATREST_NONCE_BYTES], const uint8_t key[ATREST_KEY_BYTES], struct err *e);
/* Which key a row wants. */
bool atrest_epoch(uint32_t *epoch, struct bytes row, struct err *e);
/* Appends the plaintext to out, whose memory is wiped by buf_free. ERR_CRYPTO if anything does not fit. */
bool atrest_open(struct buf *out, struct bytes row, const struct atrest_place *place,
    const uint8_t key[ATREST_KEY_BYTES], struct err *e);
#endif
