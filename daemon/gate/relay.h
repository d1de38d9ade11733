/* relay - the gate's end of the link: opens the session, forwards sealed bytes, hands replies back.
 *
 * No socket and no clock of its own: time comes in as now_ms (never going back), frames come in by
 * relay_take, and what is to happen goes out through struct relay_io. Every request that is taken gets one
 * answer unless its asker left or 120 s passed; when the vault is gone it is BUSY, and nothing is kept for
 * later. Source: docs/protocol.md "The link between gate and vault", rules G1-G10. */
#ifndef DAEMON_GATE_RELAY_H
#define DAEMON_GATE_RELAY_H
#include "daemon/gate/peers.h"
#include "proto/link.h"

#define RELAY_OPEN_EVERY_MS    250u  /* between attempts while nothing listens */
#define RELAY_OPEN_PATIENCE_MS 5000u /* for OPENED after OPEN */
#define RELAY_PING_EVERY_MS    5000u
#define RELAY_PINGS_LOST       3u
#define RELAY_EXPIRY_MS        120000u

struct relay_peer { /* who asked */
	enum link_endpoint endpoint;
	uint8_t route[ROUTE_BYTES];
};

struct relay_io {
	void *arg;
	/* Sends one frame to the vault; false if nothing is connected or the queue is full. */
	bool (*send)(void *arg, struct bytes frame);
	/* Sends a body to whoever asked; dropped and counted if they left. */
	void (*answer)(void *arg, const struct relay_peer *to, struct bytes body);
	/* A REGISTRY came: takes its memory. True if it is in force now. */
	bool (*registry)(void *arg, struct link_registry *from);
	/* The serial in force, 0 if none. */
	uint64_t (*registry_serial)(void *arg);
	void (*feed)(void *arg, const struct link_feed *feed);
	/* Fills n_feeds and feed[] with the positions published so far. */
	void (*positions)(void *arg, struct link_open *open);
	/* The vault found an envelope of this principal bad (REJECT BAD_ENVELOPE). */
	void (*bad_envelope)(void *arg, const uint8_t principal[KEY_ID_BYTES]);
	void (*random)(void *arg, uint8_t *out, size_t len);
};

struct relay_limits {
	uint32_t window_messages; /* ours; the vault's OPENED may lower it */
	uint64_t window_bytes;
	uint32_t per_principal;
};

struct relay;

struct relay *relay_new(const struct relay_io *io, const struct relay_limits *limits, uint64_t now_ms);
void relay_free(struct relay *r); /* answers nobody: relay_stop first. NULL is allowed */

/* One frame from the vault. */
void relay_take(struct relay *r, struct bytes frame, uint64_t now_ms);
/* The line to the vault was cut: whoever waits is told at once, not after three pings. */
void relay_cut(struct relay *r, uint64_t now_ms);
/* Due work: opening, pings, expiry. Returns when it wants to be called again. */
uint64_t relay_tick(struct relay *r, uint64_t now_ms);

/* Forwards a request. 0 if it is under way, else the enum busy_reason to answer with; *retry_ms says when to
 * come back. is_submission: held back also while the vault's mode is not normal (G9). */
unsigned relay_forward(struct relay *r, const struct relay_peer *from, const uint8_t principal[KEY_ID_BYTES],
    uint64_t peer_serial, const uint8_t rid[MESSAGE_RID_BYTES], struct bytes body, bool is_submission,
    uint64_t now_ms, uint64_t *retry_ms);

bool relay_is_open(const struct relay *r);
uint32_t relay_waiting(const struct relay *r);     /* FORWARDs without reply */
uint64_t relay_max_message(const struct relay *r); /* what the vault takes; our own bound before OPENED */
/* When the vault was last heard in an open session, ms; the time of relay_new before that. */
uint64_t relay_heard_ms(const struct relay *r);
/* Ends the session: whoever waits is answered BUSY with reason. */
void relay_stop(struct relay *r, enum busy_reason reason);
#endif
