/* keyset - the deployment's public keys and endpoints, signed by its root key.
 *
 * A signed note of which clients pin the root's vkey and the log origin. Text, states and rules:
 * proto/README.md. */
#ifndef PROTO_KEYSET_H
#define PROTO_KEYSET_H
#include "proto/bytes.h"
#include "proto/err.h"
#include "proto/keys.h"
#include "proto/limits.h"
#include "proto/name.h"
#include "proto/note.h"

#define KEYSET_KEYS_MAX      64u
#define KEYSET_ENDPOINTS_MAX 16u

enum keyset_state { KEYSET_ACTIVE, KEYSET_PENDING, KEYSET_ACCEPT_ONLY, KEYSET_REVOKED, KEYSET_STATES };
enum keyset_service { KEYSET_SERVE_FEED, KEYSET_SERVE_QUERY, KEYSET_SERVE_SUBMIT, KEYSET_SERVICES };

struct keyset_key {
	enum key_purpose purpose; /* curve, feed, intake, log, receipt, release */
	enum keyset_state state;
	uint64_t not_before, not_after; /* seconds */
	uint8_t id[8];                  /* keyset_key_fill() makes it from purpose and key */
	uint8_t key[32];
};

struct keyset_endpoint {
	enum keyset_service service;
	char address[LIMIT_ENDPOINT + 1]; /* tcp://host:port, as zmq_connect takes it */
	uint8_t curve_id[8];              /* of a curve key in the set */
};

struct keyset {
	char origin[LIMIT_ORIGIN + 1];
	uint64_t serial; /* 1 or more */
	uint64_t issued, valid_until;
	struct keyset_endpoint endpoint[KEYSET_ENDPOINTS_MAX];
	size_t n_endpoints;
	struct keyset_key key[KEYSET_KEYS_MAX];
	size_t n_keys;
};

const char *keyset_state_name(enum keyset_state state);
const char *keyset_service_name(enum keyset_service service);
void keyset_key_fill(struct keyset_key *key); /* the key id */

/* The text to be signed. Sorts endpoints and keys into their order first. ERR_INVALID if parsing would
 * refuse. */
bool keyset_put(struct buf *out, struct keyset *set, struct err *e);
bool keyset_parse(struct keyset *out, struct bytes text, struct err *e);

/* Opens the note: root's signature, text, origin, and against what is held: a lower serial, or an equal
 * serial with other text, is ERR_REFUSED. held_serial 0 and an empty held_note: nothing held. Validity is not
 * looked at: a reader takes the newest set and then asks keyset_expired. */
bool keyset_open(struct keyset *out, struct bytes note, const struct vkey *root, const char *origin,
    uint64_t held_serial, struct bytes held_note, struct err *e);

#define KEYSET_WARN_S (30u * 86400)
bool keyset_expired(const struct keyset *set, uint64_t now_s); /* refuse to submit */
bool keyset_warns(const struct keyset *set, uint64_t now_s);   /* less than 30 days left */

/* NULL if none. find: any state but revoked. */
const struct keyset_key *keyset_find(const struct keyset *set, enum key_purpose purpose, const uint8_t id[8]);
const struct keyset_key *keyset_active(const struct keyset *set, enum key_purpose purpose);
const struct keyset_endpoint *keyset_serves(const struct keyset *set, enum keyset_service service);
/* Copies the keys of purpose that signatures may be by, at most n_max; how many. As keyset_find, any state but
 * revoked: a reader whose set is a little old meets the next key as pending. */
size_t keyset_verifiers(const struct keyset *set, enum key_purpose purpose, uint8_t (*key)[32], size_t n_max);
#endif
