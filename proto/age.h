/* age - files only named recipients can open: the auditors' manifests, backups.
 *
 * Format v1 with X25519 recipients (age-encryption.org/v1), as Debian's `age` reads and writes it; keys in
 * age's own Bech32. Random bytes are arguments. */
#ifndef PROTO_AGE_H
#define PROTO_AGE_H
#include "proto/bytes.h"
#include "proto/err.h"
#include "proto/limits.h"

#define AGE_RECIPIENTS_MAX 20u
#define AGE_RECIPIENT_TEXT 63u /* "age1..." with the final NUL */
#define AGE_IDENTITY_TEXT  75u /* "AGE-SECRET-KEY-1..." with the final NUL */

void age_recipient_print(char out[AGE_RECIPIENT_TEXT], const uint8_t key[32]);
bool age_recipient_parse(uint8_t key[32], struct bytes text, struct err *e);
void age_identity_print(char out[AGE_IDENTITY_TEXT], const uint8_t secret[32]);
bool age_identity_parse(uint8_t secret[32], struct bytes text, struct err *e);

/* All fresh for every file, and wiped by the caller afterwards. */
struct age_random {
	uint8_t file_key[16];
	uint8_t nonce[16];
	uint8_t ephemeral[AGE_RECIPIENTS_MAX][32]; /* one for each recipient */
};

/* Writes a file the n recipients (1 or more) can open. */
bool age_encrypt(struct buf *out, struct bytes plaintext, const uint8_t (*recipient)[32], size_t n,
    const struct age_random *random, struct err *e);
/* Opens a file with one X25519 identity; stanzas of other kinds and recipients are skipped. Appends the
 * plaintext. ERR_REFUSED: not for this identity; ERR_CRYPTO: changed. */
bool age_decrypt(struct buf *out, struct bytes file, const uint8_t secret[32], struct err *e);
#endif
