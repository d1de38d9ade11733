/* link - frames between gate and vault: [1, kind, fields], the session in field 0 of each.
 *
 * The gate's word is trusted for one thing only: which CURVE key a message came from. Views in a decoded
 * frame borrow from the input; only REGISTRY owns memory (link_free). Source: docs/protocol.md "The link". */
#ifndef PROTO_LINK_H
#define PROTO_LINK_H
#include "proto/bytes.h"
#include "proto/err.h"
#include "proto/keys.h"
#include "proto/limits.h"
#include "proto/message.h"
#include "proto/name.h"

#define LINK_VERSION       1u
#define LINK_SESSION_BYTES 16u
#define LIMIT_LINK_FILES   500u
#define LIMIT_LINK_BYTES   (LIMIT_MESSAGE_BYTES + LIMIT_LINK_EXTRA_BYTES)

enum link_kind {
	LINK_OPEN = 1,
	LINK_OPENED = 2,
	LINK_FORWARD = 3,
	LINK_REPLY = 4,
	LINK_APPLIED = 5,
	LINK_REGISTRY = 6,
	LINK_PING = 7,
	LINK_FEED = 8,
	LINK_PONG = 10,
	LINK_FILES = 12,
	LINK_MODE = 14,
	LINK_CLOSED = 16
};
enum link_side { LINK_FROM_GATE, LINK_FROM_VAULT };
enum link_endpoint { LINK_SUBMIT = 1, LINK_QUERY = 2 };
enum link_mode {
	MODE_NORMAL = 1,
	MODE_READ_ONLY,
	MODE_DRAINING,
	MODE_STORAGE_LOW,
	MODE_LOG_STALLED,
	MODE_CLOCK_HOLD
};
enum link_closed {
	CLOSED_SUPERSEDED = 1,
	CLOSED_STOPPING,
	CLOSED_VERSION,
	CLOSED_MALFORMED,
	CLOSED_UNKNOWN_SESSION
};

struct link_feed_position {
	char dataset[LIMIT_NAME + 1];
	uint8_t feed_id[FEED_ID_BYTES];
	uint64_t seq; /* last published */
};
struct link_open {
	struct bytes agent;       /* at NULL: absent */
	uint64_t registry_serial; /* 0: none held */
	size_t n_feeds;
	struct link_feed_position feed[LIMIT_DATASETS];
};
struct link_opened {
	uint8_t boot_id[16];
	uint64_t window_messages, window_bytes, max_message_bytes;
};
struct link_forward {
	uint64_t n; /* 1, 2, 3 ... in the session */
	enum link_endpoint endpoint;
	uint8_t principal[KEY_ID_BYTES];
	uint64_t registry_serial, peer_serial;
	struct bytes body;
};
struct link_reply {
	uint64_t n;
	struct bytes body;
};
struct link_applied {
	uint64_t registry_serial;
};
struct link_principal {
	uint8_t key_id[KEY_ID_BYTES];
	uint8_t curve[KEY_BYTES];
	uint8_t roles; /* bits of enum role */
	uint8_t n_datasets;
	uint8_t dataset[LIMIT_PRINCIPAL_DATASETS]; /* places in link_registry.dataset */
};
struct link_config {
	uint8_t dataset; /* place in link_registry.dataset */
	uint8_t digest[KEY_DIGEST_BYTES];
};
/* The registry as the gate knows it: keys, roles, datasets; no office names. */
struct link_registry {
	uint64_t serial;
	uint32_t n_principals;
	struct link_principal *principal; /* heap; link_registry_free */
	size_t n_datasets;
	char dataset[LIMIT_DATASETS][LIMIT_NAME + 1];
	size_t n_configs;
	struct link_config config[LIMIT_DATASETS];
};
struct link_ping {
	uint64_t counter, waiting; /* FORWARDs without reply */
};
struct link_pong {
	uint8_t boot_id[16];
	uint64_t counter;
};
struct link_feed {
	char dataset[LIMIT_NAME + 1];
	struct bytes envelope;
	uint8_t signature[KEY_SIG_BYTES];
};
struct link_file {
	struct bytes path; /* under public/, name_is_path */
	uint64_t size_bytes;
	uint8_t digest[KEY_DIGEST_BYTES];
};
struct link_files {
	uint64_t generation;
	size_t n;
	struct link_file file[LIMIT_LINK_FILES];
};
struct link_mode_frame {
	enum link_mode mode;
	uint64_t retry_after_ms;
};

struct link_frame {
	enum link_kind kind;
	uint8_t session[LINK_SESSION_BYTES];
	union {
		struct link_open open;
		struct link_opened opened;
		struct link_forward forward;
		struct link_reply reply;
		struct link_applied applied;
		struct link_registry registry;
		struct link_ping ping;
		struct link_pong pong;
		struct link_feed feed;
		struct link_files files;
		struct link_mode_frame mode;
		enum link_closed closed;
	};
};

/* from: who sent it; a kind of the other side is ERR_MALFORMED, an unknown kind or version ERR_UNSUPPORTED.
 * After false there is nothing to free; after true, link_free. */
bool link_decode(struct link_frame *f, struct bytes in, enum link_side from, struct err *e);
bool link_encode(struct buf *out, const struct link_frame *f, struct err *e);
void link_free(struct link_frame *f);
const char *link_kind_name(uint64_t kind);

/* Place of name in the registry's datasets, added if absent; UINT8_MAX if there are LIMIT_DATASETS others. */
uint8_t link_registry_dataset(struct link_registry *r, const char *name);
/* Looks through all: a gate that asks for every message keeps an index of its own. NULL if there is none. */
const struct link_principal *link_registry_find(
    const struct link_registry *r, const uint8_t key_id[KEY_ID_BYTES]);
void link_registry_free(struct link_registry *r);
#endif
