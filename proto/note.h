/* note - C2SP signed notes: a text, a blank line, signature lines. Checkpoints and key sets travel as notes.
 *
 * Two kinds of key: Ed25519 (type 0x01) signs the text itself; a witness's cosignature/v1 key (type 0x04)
 * signs a time and the text. Nothing here knows what the text says. Source: c2sp.org/signed-note,
 * c2sp.org/tlog-cosignature. */
#ifndef PROTO_NOTE_H
#define PROTO_NOTE_H
#include "proto/bytes.h"
#include "proto/err.h"
#include "proto/keys.h"
#include "proto/limits.h"

enum vkey_type { VKEY_ED25519 = 1, VKEY_COSIGNATURE = 4 };

#define NOTE_SIGNATURE_MAX 160u /* bytes of one decoded signature line; longer ones are kinds we skip */
#define NOTE_ED25519_BYTES 64u
#define NOTE_COSIGN_BYTES  72u /* 8 bytes of time, big-endian, then the signature */

/* A key as others know it: <name>+<8 hex of hash>+<base64 of type and key>. */
struct vkey {
	char name[LIMIT_ORIGIN + 1];
	uint32_t hash; /* first four bytes of SHA-256(name LF type key), big-endian */
	enum vkey_type type;
	uint8_t key[32];
};

/* Fills out and computes the hash. ERR_MALFORMED if name is empty, too long, or has a space, plus or control.
 */
bool vkey_make(struct vkey *out, const char *name, enum vkey_type type, const uint8_t key[32], struct err *e);
bool vkey_parse(struct vkey *out, struct bytes text, struct err *e); /* the hash must fit */
void vkey_print(struct buf *out, const struct vkey *key);

struct note_signature {
	struct bytes name;
	uint32_t hash;
	uint8_t blob[NOTE_SIGNATURE_MAX]; /* after the four bytes of hash */
	size_t len;                       /* 0: longer than the room, of a kind we do not know */
};

struct note {
	struct bytes text; /* with its last line feed; borrowed from the input, as are the names */
	struct note_signature signature[LIMIT_NOTE_SIGNATURES];
	size_t n_signatures;
};

/* Splits a note at its first blank line. Refuses: more than LIMIT_NOTE_BYTES or LIMIT_NOTE_SIGNATURES, no
 * signature, control characters other than line feeds, invalid UTF-8, anything between the lines or after. */
bool note_parse(struct note *out, struct bytes in, struct err *e);

/* Checks the signatures of the n known keys; signatures of others are skipped. True if at least one verified
 * and none of a known key failed. good (n elements, or NULL) tells which keys signed; time_s (n, or NULL)
 * gets a cosignature's time, else 0. ERR_CRYPTO otherwise. */
bool note_verify(
    const struct note *note, const struct vkey *known, size_t n, bool *good, uint64_t *time_s, struct err *e);

/* Writes one signature line for text. signer holds the secret half of as. time_s: for VKEY_COSIGNATURE
 * only. */
bool note_put_signature(struct buf *out, struct bytes text, const struct vkey *as,
    const struct key_signer *signer, uint64_t time_s, struct err *e);
/* Writes text, a blank line and the signature line of an Ed25519 key. text ends in LF and has no blank line.
 */
bool note_sign(struct buf *out, struct bytes text, const struct vkey *as, const struct key_signer *signer,
    struct err *e);
#endif
