/* link - the vault's end of the link: one ROUTER on a Unix socket, one session at a time.
 *
 * A frame of another session is dropped and counted; an unknown kind, a malformed frame or more FORWARDs than
 * the window ends the session. Every FORWARD gets at most one REPLY. Rules G1-G10: docs/protocol.md "The
 * link". Called by the vault's one thread only. */
#ifndef DAEMON_VAULT_LINK_H
#define DAEMON_VAULT_LINK_H
#include "daemon/vault/vault.h"

#define LINK_PATH_BYTES 107u /* measured: libzmq binds no longer path */

struct link_origin { /* where an answer goes */
	uint8_t session[LINK_SESSION_BYTES];
	uint64_t n;
};

/* Binds ipc://RUN/link/vault. v->link is set. ERR_SYSTEM. */
bool link_open(struct vault *v, struct err *e);
void link_close(struct vault *v, bool stopping); /* CLOSED 2 to the gate if stopping; v->link may be NULL */

void *link_socket(struct vault *v); /* for zmq_poll */

/* Handles what has arrived, at most `room` frames. FORWARDs go to intake_take, which answers through
 * link_reply. False: the store is broken. */
bool link_receive(struct vault *v, unsigned room, struct err *e);

/* Sends body to where origin says; dropped and counted if that session is over. */
void link_reply(struct vault *v, const struct link_origin *origin, struct bytes body);

/* True once for each session that opened: the loop then lets publish send the feeds' last words. */
bool link_wants_greeting(struct vault *v);

void link_push_registry(struct vault *v); /* after a commit that changed it */
void link_push_mode(struct vault *v);

/* The socket file is still the one we bound; false: another process took the path (exit 70). */
bool link_still_ours(const struct vault *v);

struct link_counts {
	uint64_t sessions, dropped_frames, dropped_replies, forwards;
	unsigned waiting; /* FORWARDs not yet answered */
};
struct link_counts link_counts(const struct vault *v);
#endif
