/* judge - what one request may do at the gate: answered here, forwarded, told to wait, refused, or dropped.
 *
 * No socket: a request and its circumstances in, a verdict out; the loop carries it out. The order is that of
 * docs/protocol.md "Acceptance and refusal", steps 2-4. */
#ifndef DAEMON_GATE_JUDGE_H
#define DAEMON_GATE_JUDGE_H
#include "daemon/gate/door.h"
#include "daemon/gate/registry.h"
#include "daemon/gate/throttle.h"
#include "proto/message.h"

enum judge_verdict {
	JUDGE_DROP,   /* nothing to answer to, or not worth an answer */
	JUDGE_REJECT, /* code */
	JUDGE_BUSY,   /* reason, retry_ms */
	JUDGE_ANSWER, /* the gate knows; message is decoded */
	JUDGE_FORWARD /* the vault's; message is decoded */
};

struct judge_case {
	enum door_kind door;
	struct bytes body;
	const struct snapshot *registry; /* NULL: none in force */
	bool has_key_id;
	uint8_t key_id[KEY_ID_BYTES]; /* from ZAP */
	uint64_t now_ms, max_message_bytes;
	bool stopping;
};

struct judgement {
	enum judge_verdict verdict;
	enum reject_code code;
	enum busy_reason reason;
	uint64_t retry_ms;
	uint8_t rid[MESSAGE_RID_BYTES];
	bool is_submission;
	const struct link_principal *principal; /* lives as long as case.registry is held */
};

/* Takes tokens from throttle. m is scratch, and holds the request after ANSWER and FORWARD (views borrow from
 * body). */
void judge(const struct judge_case *in, struct throttle *throttle, struct message *m, struct judgement *out);
#endif
