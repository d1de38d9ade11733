/* admin - the operator's door: a Unix stream socket, run/admin/socket.
 *
 * Frames are a 4-byte big-endian length and one body of proto/admin.h. The socket's mode admits root and its
 * group; SO_PEERCRED names the operator for the `admin` leaf of every changing command, and uid 65534
 * (somebody else's user namespace) is refused. A peer that sends too much, or too slowly, is cut; the others
 * are served. One thread: the vault's. */
#ifndef DAEMON_VAULT_ADMIN_H
#define DAEMON_VAULT_ADMIN_H
#include "daemon/vault/vault.h"

#include <sys/types.h>
#include <zmq.h>

#define ADMIN_PEERS      8     /* connections at a time; more wait in the kernel's queue */
#define ADMIN_PEER_MS    30000 /* to send a whole request, or to take a whole answer */
#define ADMIN_UPLOAD_MAX LIMIT_CONFIG_FILE

bool admin_open(struct vault *v, struct err *e);
void admin_close(struct vault *v); /* v->admin may be NULL */

/* Fills items to poll for, returns how many; admin_serve is given them back after the poll, in any case, and
 * cuts peers whose time is over. False: the store is broken. */
size_t admin_poll(struct vault *v, zmq_pollitem_t *items, size_t room);
bool admin_serve(struct vault *v, const zmq_pollitem_t *items, size_t n, struct err *e);

/* One request without a socket: request and answer are bodies of proto/admin.h. upload: what the peer's PART
 * requests gathered. False as admin_serve; a refused command is an answer. */
bool admin_answer(
    struct vault *v, uid_t uid, struct bytes request, struct buf *upload, struct buf *answer, struct err *e);
#endif
