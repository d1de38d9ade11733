/* seal - signature and payload, padded and sealed to the vault's intake key.
 *
 * box = crypto_box_seal(pad(signature || payload)). Padding to a multiple of 1,024 hides digits and blanks.
 * Opening is daemon/vault/unseal's: nothing here takes a secret key. seal_box draws its ephemeral key from
 * libsodium. Source: docs/protocol.md "Submission". */
#ifndef PROTO_SEAL_H
#define PROTO_SEAL_H
#include "proto/bytes.h"
#include "proto/err.h"
#include "proto/keys.h"

#define SEAL_BLOCK    1024u
#define SEAL_OVERHEAD 48u /* crypto_box_SEALBYTES */

/* Appends pad(signature || payload) to out. */
bool seal_pad(struct buf *out, const uint8_t sig[KEY_SIG_BYTES], struct bytes payload, struct err *e);
/* Appends the sealed box to out. ERR_CRYPTO if the intake key is unusable. */
bool seal_box(struct buf *out, const uint8_t sig[KEY_SIG_BYTES], struct bytes payload,
    const uint8_t intake_public[KEY_BYTES], struct err *e);
/* 48 + k * 1,024 with k >= 1: the only lengths a box has. */
bool seal_length_ok(size_t box_bytes);
/* Finds signature and payload in what a box held; views into plain. False: bad padding, or too short. */
bool seal_unpad(struct bytes *sig, struct bytes *payload, struct bytes plain);
#endif
