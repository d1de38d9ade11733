/* door - a TCP socket that faces the network: how it is set up, and how one message is read from it.
 *
 * Every option that keeps strangers out is set before the first bind, and read back where libzmq allows.
 * Source: docs/protocol.md, rules Z3, Z5, Z7, Z8, Z10-Z17. The loop's thread only. */
#ifndef DAEMON_GATE_DOOR_H
#define DAEMON_GATE_DOOR_H
#include "daemon/gate/peers.h"
#include "proto/keys.h"

#define DOOR_ADDRESS       128u
#define DOOR_ADDRESSES     4u
#define LIMIT_FEED_INBOUND 512u /* a subscription; Z10 adds the overhead of CURVE */

enum door_kind { DOOR_SUBMIT, DOOR_QUERY, DOOR_FEED, DOORS };

struct door {
	enum door_kind kind;
	void *socket, *monitor;
	unsigned n_bound;
	struct {
		char address[DOOR_ADDRESS]; /* as the system gave it: a port 0 became a number */
		uint8_t server_key[KEY_BYTES];
	} bound[DOOR_ADDRESSES];
};

const char *door_name(enum door_kind kind); /* "submit", "query", "feed" */

/* Makes socket and monitor. ERR_SYSTEM names the option that did not take. */
bool door_open(struct door *d, void *zmq_context, enum door_kind kind, struct err *e);
/* Binds one address with a server key of its own: the key set last counts for the bind that follows, so two
 * ports of one socket can have different keys while a key is rotated. */
bool door_bind(struct door *d, const char *address, const uint8_t secret[KEY_BYTES], struct err *e);
/* linger_ms: Z16. d may be zeroed. The addresses stay in d->bound, for opening again. */
void door_close(struct door *d, int linger_ms);

/* One message, read whole. Its body is a libzmq message: release it with inbox_clear. */
enum inbox_flaw {
	INBOX_GOOD,
	INBOX_EMPTY,        /* no body, or an empty one */
	INBOX_MULTIPART,    /* more than one frame */
	INBOX_CHOSEN_ROUTE, /* the peer set a routing id */
	INBOX_NO_USER       /* no User-Id: cannot be after ZAP, and is never trusted */
};
struct inbox {
	enum inbox_flaw flaw;
	uint8_t route[ROUTE_BYTES];
	bool has_principal;
	uint8_t principal[KEY_ID_BYTES]; /* from the User-Id of the body frame (Z8) */
	unsigned n_frames;               /* after the routing id */
	struct bytes body;
	void *held; /* the libzmq message behind body */
};

struct inbox *inbox_new(void);
void inbox_free(struct inbox *in);
/* False if nothing waits. Frames after the first are drained and counted, not kept. */
bool door_receive(struct door *d, struct inbox *in);
/* Sends body to the peer; never waits. False: gone, or its queue is full (Z7). */
bool door_send(struct door *d, const uint8_t route[ROUTE_BYTES], struct bytes body);
/* Feed: one subscription, withdrawal or other message from a subscriber; false if none waits. size is the
 * topic's. Topics that somebody holds already are not told, and cost next to nothing. */
struct subscription {
	bool added, has_principal;
	uint8_t principal[KEY_ID_BYTES];
	size_t size;
};
bool door_subscription(struct door *d, struct subscription *out);
/* Feed: one message to all subscribers. */
void door_publish(struct door *d, const char *topic, struct bytes frame);

/* Reads at most most monitor events and counts them (Z17). */
void door_watch(struct door *d, unsigned most);
#endif
