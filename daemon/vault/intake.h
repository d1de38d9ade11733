/* intake - FORWARDs in, answers out; submissions are committed in groups, and answered after the commit.
 *
 * Whatever is answered while a transaction is open waits for its commit: an answer may rest on rows that are
 * not durable yet. A group is committed when it is full or its time is over (docs/protocol.md "Group
 * commit"); whoever else wants a transaction calls intake_commit first. */
#ifndef DAEMON_VAULT_INTAKE_H
#define DAEMON_VAULT_INTAKE_H
#include "daemon/vault/link.h"
#include "daemon/vault/vault.h"

bool intake_open(struct vault *v, struct err *e); /* sets v->intake */
void intake_close(struct vault *v);               /* forgets what was not committed; v->intake may be NULL */

/* One FORWARD. The answer leaves through link_reply, now or after the commit. False: the store is broken. */
bool intake_take(
    struct vault *v, const struct link_origin *origin, const struct link_forward *forward, struct err *e);

/* Commits the group, if there is one, then sends its answers. False: the store is broken; nothing is sent. */
bool intake_commit(struct vault *v, struct err *e);

/* Boot time in ms at which the group must be committed; UINT64_MAX if there is none. */
uint64_t intake_due_ms(const struct vault *v);

/* The answer to one body, committed, without a link: tests. */
bool intake_answer(struct vault *v, const struct link_forward *forward, struct buf *answer, struct err *e);

struct intake_counts { /* classes whose sizes are public; no office, no period */
	uint64_t receipts, duplicates, rejects[REJECT_FEED_CHANGED + 1], busy, commits;
};
struct intake_counts intake_counts(const struct vault *v);
#endif
