/* bindrows - two answers of `cellveild` on a stopped vault: does everything hold (--check), and binding the rows of a
 * store that an older program made (--bind-rows). */
#ifndef DAEMON_VAULT_BINDROWS_H
#define DAEMON_VAULT_BINDROWS_H
#include "daemon/vault/vault.h"

/* As a start does after vault_open: the log against guard, checkpoint and tiles, rows against the leaves that name them.
 * No leaf is added and nothing published. out: one line. */
bool bindrows_check(struct vault *v, const char *argument, struct buf *out, struct err *e);

/* After vault_open_older: the same, then bindrows_add in a transaction. */
bool bindrows_take(struct vault *v, const char *argument, struct buf *out, struct err *e);

/* In a transaction: each row is bound as it is; an `admin` leaf of class bind-rows says who did it. ERR_REFUSED: the store
 * is bound, or, by one of its first `leaves`, was. */
bool bindrows_add(struct vault *v, uint64_t leaves, struct err *e);
#endif
