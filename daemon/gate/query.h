/* query - answers what needs no vault: from the registry, public/ and, for auditors, audit/.
 *
 * Bytes to bytes: a decoded request in, the body of the answer out. Every path is made here from fields that
 * passed their grammar; what is not there, was withdrawn, or is not for the asker gives one and the same
 * NOT_FOUND. Also while the vault is away. Source: docs/protocol.md "Message kinds". */
#ifndef DAEMON_GATE_QUERY_H
#define DAEMON_GATE_QUERY_H
#include "daemon/gate/feed.h"
#include "daemon/gate/registry.h"
#include "proto/message.h"

struct query_from { /* borrowed; outlives the query */
	const struct tree *public, *audit;
	struct feeds *feeds;
};

struct query; /* room for one answer */

struct query *query_new(const struct query_from *from); /* NULL: out of memory */
void query_free(struct query *q);

struct query_asker {
	const struct link_principal *principal;
	const struct snapshot *registry;
	uint64_t now_s, max_message_bytes, messages_per_minute; /* for WELCOME */
};

bool query_answers(uint64_t kind); /* a kind the gate answers by itself */
/* Appends an answer to in (which query_answers accepts) to out: a REJECT where there is nothing better. */
void query_answer(
    struct query *q, const struct message *in, const struct query_asker *asker, struct buf *out);

/* A REJECT that only the gate vouches for: unsigned, so it never empties an outbox. */
void query_reject(struct buf *out, const uint8_t rid[MESSAGE_RID_BYTES], enum reject_code code);
void query_busy(
    struct buf *out, const uint8_t rid[MESSAGE_RID_BYTES], enum busy_reason reason, uint64_t retry_after_ms);
#endif
