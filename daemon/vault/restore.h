/* restore - an operator puts a backup back on purpose: `cellveild --restored LEAVES`, on a stopped vault.
 *
 * The guard keeps an older store from starting: it would sign a second history. Here the entries that the store
 * lost are taken back from public/log, as far as the guard and the checkpoint say, and must lead to their roots;
 * so the log goes on and nothing in it is unsaid. What those entries speak of (forms, commands) stays lost:
 * a `recovery` leaf says from where to where the store went back, an `admin` leaf of class restore says who
 * did it. */
#ifndef DAEMON_VAULT_RESTORE_H
#define DAEMON_VAULT_RESTORE_H
#include "daemon/vault/vault.h"

/* leaves: what guard or checkpoint have seen, as the refusal said; another number is ERR_REFUSED, as is a lost
 * release, replacement or withdrawal: what has left must not be forgotten. out: the lost entries, a line each.
 * After false nothing has changed. */
bool restore_store(struct vault *v, uint64_t leaves, struct buf *out, struct err *e);
#endif
