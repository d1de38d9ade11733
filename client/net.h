/* net - a client's connections to a gate: questions over a DEALER, the feed over a SUB.
 *
 * One DEALER per address (rule K1), CURVE always, options of rule K2. A question is one message and one
 * answer, matched by its rid; strangers are ignored. The monitor tells why a connection does not come about,
 * so that a refused key and a wrong server key are named instead of waited for. Everything here waits;
 * nothing decides for how long: deadlines are the caller's, on net_now_ms()'s clock. Source: docs/protocol.md
 * "Transport". */
#ifndef CLIENT_NET_H
#define CLIENT_NET_H
#include "proto/message.h"

#define NET_FOR_EVER    INT64_MAX
#define NET_REPLY_MS    30000 /* an answer is late after this */
#define NET_AUTH_MS     60000 /* after a refused key, not again before this */
#define NET_BACKOFF_MAX 600000

enum net_result {
	NET_OK,
	NET_LATE,        /* no connection, or no answer, until the deadline or for NET_REPLY_MS */
	NET_KEY_REFUSED, /* the gate does not know our CURVE key (or does not admit it here) */
	NET_WRONG_SERVER, /* something answers there, again and again not with the gate's key; never if proven */
	NET_INTERRUPTED, /* SIGINT or SIGTERM */
	NET_BROKEN       /* our own trouble: memory, libzmq; see e */
};

struct net_target {
	char endpoint[256];        /* tcp://host:port */
	uint8_t server[KEY_BYTES]; /* the gate's CURVE key */
	const uint8_t *secret;     /* ours, 32 bytes; borrowed for the call */
	bool proven; /* a gate with that key has answered us: handshakes that break are a bad line */
};

struct net;

/* From the first connection on SIGINT and SIGTERM end every wait with NET_INTERRUPTED. For programs, at their start: a
 * library leaves the signals to whoever called it. */
void net_catch_signals(void);
/* The process's ZeroMQ context. */
void *net_context(struct err *e); /* NULL with e; the same one each time */
void net_end(void);               /* all sockets are closed before */
bool net_interrupted(void);

/* Connects in the background. topic NULL: a DEALER for questions; else a SUB with that subscription. */
struct net *net_open(const struct net_target *target, const char *topic, struct err *e);
void net_close(struct net *n); /* may be NULL */
/* "our key was refused by tcp://...": the last thing the monitor saw, in words for a person; may be "". */
const char *net_trouble(const struct net *n);

/* Sends ask (its rid is made here) and waits for its answer: at most NET_REPLY_MS and until deadline_ms.
 * reply's views borrow from body. An answer that is not in the profile is NET_BROKEN. */
enum net_result net_ask(struct net *n, struct message *ask, struct buf *body, struct message *reply,
    int64_t deadline_ms, struct err *e);
/* The second frame of the next message of a feed. Messages of another shape are skipped. */
enum net_result net_receive(struct net *n, struct buf *frame, int64_t deadline_ms, struct err *e);

int64_t net_now_ms(void);                    /* CLOCK_BOOTTIME */
enum net_result net_sleep(int64_t until_ms); /* NET_OK or NET_INTERRUPTED */
/* Sleeps, but if there was no connection when the last question went unanswered, only until there is one. */
enum net_result net_wait_up(struct net *n, int64_t until_ms);
/* Full jitter: uniform between 0 and the smaller of 1 s * 2^attempt and NET_BACKOFF_MAX; pure. */
int64_t net_backoff_ms(unsigned attempt, uint32_t random);
#endif
