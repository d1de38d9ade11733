/* keys - key ids, text forms, labels; signing and hashing under a label.
 *
 * A key does one thing: its purpose is part of its text form, its type part of its id, and every signed or
 * hashed input begins with a label of its own. Secret bytes live in memory the caller got from sodium_malloc;
 * functions here wipe what they copy. sodium_init() has run. Source: docs/protocol.md "Keys". */
#ifndef PROTO_KEYS_H
#define PROTO_KEYS_H
#include "proto/bytes.h"
#include "proto/err.h"

#define KEY_BYTES        32u
#define KEY_ID_BYTES     8u
#define KEY_SIG_BYTES    64u
#define KEY_DIGEST_BYTES 32u
#define KEY_FINGERPRINT  20u  /* "ba44 ca63 6c01 7378" and a NUL */
#define KEY_Z85_BYTES    41u  /* 40 characters and a NUL */
#define KEY_TEXT_MAX     128u /* no text form is longer */

#define LABEL_SUBMISSION "cellveil/1/submission"
#define LABEL_STATEMENT  "cellveil/1/stmt"
#define LABEL_ENVELOPE   "cellveil/1/envelope"
#define LABEL_KEYID      "cellveil/1/keyid"
#define LABEL_RECEIPT    "cellveil/1/receipt"
#define LABEL_REFUSAL    "cellveil/1/refusal"
#define LABEL_FEED       "cellveil/1/feed"
#define LABEL_BEAT       "cellveil/1/beat"
#define LABEL_STATE      "cellveil/1/state"
#define LABEL_LINK       "cellveil/1/link"

enum key_type { KEY_TYPE_ED25519 = 1, KEY_TYPE_INTAKE = 2, KEY_TYPE_CURVE = 3, KEY_TYPE_AGE = 4 };

/* In the order of the text forms' names below. CHOICE and MASTER have no public half. */
enum key_purpose {
	KEY_SIGN,
	KEY_RECEIPT,
	KEY_RELEASE,
	KEY_FEED,
	KEY_LOG,
	KEY_ROOT,
	KEY_WITNESS,
	KEY_INTAKE,
	KEY_CURVE,
	KEY_CHOICE,
	KEY_MASTER,
	KEY_PURPOSES
};

struct key_public {
	enum key_purpose purpose;
	uint8_t key[KEY_BYTES];
	uint8_t id[KEY_ID_BYTES];
};

/* What signs. Keep it in sodium_malloc memory; keys_signer_wipe when done. */
struct key_signer {
	uint8_t secret[64]; /* as crypto_sign wants it: seed, then public key */
	uint8_t public[KEY_BYTES];
	uint8_t id[KEY_ID_BYTES];
};

const char *keys_purpose_name(enum key_purpose purpose); /* "sign", "receipt", ... */
bool keys_purpose_parse(enum key_purpose *purpose, struct bytes name);
enum key_type keys_type(enum key_purpose purpose);

void keys_id(uint8_t id[KEY_ID_BYTES], enum key_type type, const uint8_t public[KEY_BYTES]);
void keys_fingerprint(char out[KEY_FINGERPRINT], const uint8_t id[KEY_ID_BYTES]);

/* cellveil-<purpose>:<base64>. Parsing refuses another purpose than want (KEY_PURPOSES: any), any other
 * spelling, and keys that keys_check refuses. ERR_MALFORMED, ERR_CRYPTO; the text never stands in the error.
 */
bool keys_public_parse(struct key_public *out, enum key_purpose want, struct bytes text, struct err *e);
void keys_public_print(struct buf *out, enum key_purpose purpose, const uint8_t public[KEY_BYTES]);

/* Refuses keys nobody should enrol: all zero, of small order, and for Ed25519 also points off the main
 * subgroup or in a second spelling. ERR_CRYPTO. */
bool keys_check(enum key_type type, const uint8_t public[KEY_BYTES], struct err *e);

/* A secret file: one comment line "# cellveil <purpose> <key id> <date>", then
 * cellveil-secret-<purpose>:<base64>, each ended by a line feed. Parsing wants exactly one secret line of the
 * wanted purpose; lines beginning with '#' are skipped. The secret of an Ed25519 key is its 32-byte seed. */
bool keys_secret_parse(uint8_t secret[KEY_BYTES], enum key_purpose want, struct bytes text, struct err *e);
void keys_secret_print(
    struct buf *out, enum key_purpose purpose, const uint8_t secret[KEY_BYTES], const char *date);
/* True for a secret of 32 equal bytes, as in the test vectors: programs refuse to load one. */
bool keys_secret_is_test(const uint8_t secret[KEY_BYTES]);
/* The public half of a secret. ERR_CRYPTO for purposes without one. */
bool keys_public_of(
    uint8_t public[KEY_BYTES], enum key_purpose purpose, const uint8_t secret[KEY_BYTES], struct err *e);

void keys_signer(struct key_signer *out, const uint8_t seed[KEY_BYTES]);
void keys_signer_wipe(struct key_signer *s);

/* Pure Ed25519 over label || 00 || part[0] || part[1] ... ; sign fails only for want of memory. */
bool keys_sign(uint8_t sig[KEY_SIG_BYTES], const struct key_signer *s, const char *label,
    const struct bytes *part, size_t n_parts, struct err *e);
bool keys_verify(const uint8_t sig[KEY_SIG_BYTES], const uint8_t public[KEY_BYTES], const char *label,
    const struct bytes *part, size_t n_parts, struct err *e);
/* BLAKE2b-256 over the same bytes. */
void keys_hash(uint8_t out[KEY_DIGEST_BYTES], const char *label, const struct bytes *part, size_t n_parts);
/* Plain BLAKE2b-256: digests of public files. */
void keys_file_digest(uint8_t out[KEY_DIGEST_BYTES], struct bytes file);

/* ZeroMQ's text of a CURVE key, made at the socket boundary and never stored. */
void keys_z85(char out[KEY_Z85_BYTES], const uint8_t key[KEY_BYTES]);
bool keys_z85_decode(uint8_t key[KEY_BYTES], struct bytes text);
#endif
