/* minisign - the signature beside a manifest, in the format anybody's minisign checks.
 *
 * Prehashed ("ED"): Ed25519 over BLAKE2b-512 of the file. The format has no label, so the release key signs
 * nothing else, and the trusted comment says what the file is: a good signature on an old release is still
 * good, hence every field is compared. Source: jedisct1/minisign. */
#ifndef PROTO_MINISIGN_H
#define PROTO_MINISIGN_H
#include "proto/bytes.h"
#include "proto/err.h"
#include "proto/keys.h"
#include "proto/limits.h"

#define MINISIGN_BYTES_MAX 2048u

/* The trusted comment, field by field. */
struct minisign_claim {
	uint64_t time_s;
	char file[65];
	char origin[LIMIT_ORIGIN + 1];
	char dataset[LIMIT_NAME + 1];
	char period[LIMIT_PERIOD + 1];
	uint64_t revision;
	uint64_t seq; /* in the feed, 1 or more */
	uint8_t feed_id[16];
};

/* Writes the signature file of message. */
bool minisign_sign(struct buf *out, struct bytes message, const struct minisign_claim *claim,
    const struct key_signer *signer, struct err *e);

/* What the file claims, unverified: to look a key up, or to print. */
bool minisign_parse(struct minisign_claim *claim, uint8_t key_id[8], struct bytes file, struct err *e);

/* Verifies both signatures and compares every field of the trusted comment with want, except: time_s is only
 * filled in claim; seq 0 in want compares neither seq nor feed (a reader of plain files, without the feed's
 * envelope). claim may be NULL. ERR_CRYPTO, or ERR_REFUSED if a field differs. */
bool minisign_verify(struct bytes file, struct bytes message, const uint8_t key_id[8], const uint8_t key[32],
    const struct minisign_claim *want, struct minisign_claim *claim, struct err *e);

/* release.pub */
void minisign_put_public(struct buf *out, const uint8_t key_id[8], const uint8_t key[32]);
bool minisign_parse_public(uint8_t key_id[8], uint8_t key[32], struct bytes file, struct err *e);
#endif
