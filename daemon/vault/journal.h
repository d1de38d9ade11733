/* journal - the public log's files: entry bundles, tiles, guard, checkpoint, in that order.
 *
 * Leaves are rows, added in the transaction of the decision they record (vault_add_leaf). After the commit
 * this module brings the files up to the rows: bundles and tiles below public/log/tile, then the root
 * computed from the tiles must equal the one computed leaf by leaf, then vault/guard, then the signed
 * public/log/checkpoint. A checkpoint that does not extend the one before is never signed. Formats:
 * docs/protocol.md "The log". */
#ifndef DAEMON_VAULT_JOURNAL_H
#define DAEMON_VAULT_JOURNAL_H
#include "daemon/vault/public.h"
#include "daemon/vault/vault.h"

/* At start: guard against rows (ERR_REFUSED with what to do if the guard is ahead of the store), tiles
 * against rows, checkpoint against both; files that are short or changed are written again from the rows. The
 * first start of an origin adds the log-start leaf; a start after an unclean stop adds the recovery leaf. */
bool journal_open(struct vault *v, struct err *e);

/* The same check, and nothing else: no leaf, no checkpoint; nothing is left open. Files that are short or changed are
 * written again from the rows here too. */
bool journal_check(struct vault *v, struct err *e);

/* Files up to v->log_saved. Nothing to do: true at once. ERR_FULL: no room; the next call begins where
 * the last whole write ended. ERR_SYSTEM: stop, never retry. ERR_INTERNAL: the tree contradicts itself; nothing was
 * signed. */
bool journal_write(struct vault *v, struct err *e);

/* COSIGN: lines of enrolled witnesses for the newest checkpoint, put under it and kept in the store, so that a
 * restart does not lose them. Lines for another checkpoint, or of nobody we know, are ERR_CRYPTO; nothing is
 * taken then. n_added: how many were new. In no transaction of the caller's. */
bool journal_cosign(struct vault *v, struct bytes lines, size_t *n_added, struct err *e);

/* Size and root of the newest signed checkpoint; size 0 and the empty root before the first. */
void journal_signed(const struct vault *v, uint64_t *size, uint8_t root[32]);

/* Wall time of the last checkpoint, 0 before the first: for `status` and the stall rule. */
uint64_t journal_signed_at(const struct vault *v);

/* Adds the paths of the log's files to set, so that a sweep spares them: checkpoint, tiles, bundles, and
 * those shorter partial ones that still hold what the tree holds. */
bool journal_explain(struct vault *v, struct public_set *set, struct err *e);

void journal_close(struct vault *v); /* v->journal may be NULL */
#endif
