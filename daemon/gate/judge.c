#include "daemon/gate/judge.h"
#include "daemon/gate/query.h"
#include <string.h>

#define RETRY_NO_REGISTRY_MS 5000u
#define RETRY_STOPPING_MS    5000u

static void reject(struct judgement *out, enum reject_code code)
{
	out->verdict = JUDGE_REJECT;
	out->code = code;
}

static void busy(struct judgement *out, enum busy_reason reason, uint64_t retry_ms)
{
	out->verdict = JUDGE_BUSY;
	out->reason = reason;
	out->retry_ms = retry_ms;
}

/* Which requests each door takes. */
static bool fits_door(enum door_kind door, uint64_t kind)
{
	switch (kind) {
	case MSG_SUBMIT:
		return door == DOOR_SUBMIT;
	case MSG_HELLO:
	case MSG_STATUS:
	case MSG_GET_KEYS:
	case MSG_GET_PERIODS:
	case MSG_SETPROOF:
		return true;
	default:
		return door == DOOR_QUERY && message_is_request(kind);
	}
}

/* Roles of which the asker needs one. */
static unsigned roles_for(enum door_kind door, uint64_t kind)
{
	switch (kind) {
	case MSG_SUBMIT:
	case MSG_STATUS:
	case MSG_GET_PERIODS:
	case MSG_SETPROOF:
		return ROLE_OFFICE;
	case MSG_COSIGN:
		return ROLE_AUDITOR;
	default:
		return door == DOOR_SUBMIT ? ROLE_OFFICE : ROLE_OFFICE | ROLE_RESEARCHER | ROLE_AUDITOR;
	}
}

/* Step 2. 0 if the body is one this door takes; else the code to refuse it with. */
static unsigned check_body(
    const struct judge_case *in, struct message *m, uint64_t kind, const struct err *peeked)
{
	struct err e;
	if (peeked != NULL)
		return reject_code_of(peeked);
	if (!message_is_request(kind) || !fits_door(in->door, kind))
		return REJECT_UNSUPPORTED;
	if (in->body.len > in->max_message_bytes)
		return REJECT_TOO_LARGE;
	return message_decode(m, in->body, &e) ? 0 : reject_code_of(&e);
}

/* The rid of a body that breaks the profile further on: array(4), version and kind of one byte each, bin(16).
 * So that an honest client with a fault learns of it; where not even this is there, nobody is answered (B1).
 */
static void rid_of_broken(struct bytes body, uint8_t rid[MESSAGE_RID_BYTES])
{
	const uint8_t *at = body.at;
	if (body.len >= 5 + MESSAGE_RID_BYTES && at[0] == 0x94 && at[1] < 0x80 && at[2] < 0x80 &&
	    at[3] == 0xc4 && at[4] == MESSAGE_RID_BYTES)
		memcpy(rid, at + 5, MESSAGE_RID_BYTES);
}

static bool has_rid(const uint8_t rid[MESSAGE_RID_BYTES])
{
	static const uint8_t none[MESSAGE_RID_BYTES];
	return memcmp(rid, none, MESSAGE_RID_BYTES) != 0;
}

void judge(const struct judge_case *in, struct throttle *throttle, struct message *m, struct judgement *out)
{
	static const uint8_t strangers[KEY_ID_BYTES]; /* one bucket for all who are not in the registry */
	uint64_t kind = 0, retry_ms = 0;
	struct err e;
	memset(out, 0, sizeof *out);
	if (in->registry != NULL && in->has_key_id)
		out->principal = snapshot_by_id(in->registry, in->key_id); /* Z9: for every message */
	bool peeked = message_peek(in->body, &kind, out->rid, &e);
	if (!peeked)
		rid_of_broken(in->body, out->rid);
	bool in_rate = throttle_take(throttle, out->principal != NULL ? out->principal->key_id : strangers,
	    in->now_ms, in->body.len, &retry_ms);
	/* Without a rid there is no question to answer; beyond the rate only honest questions get a word. */
	if (!has_rid(out->rid) || ((!peeked || out->principal == NULL) && !in_rate))
		return;
	if (in->registry == NULL) { /* G10 */
		busy(out, BUSY_VAULT_AWAY, RETRY_NO_REGISTRY_MS);
		return;
	}
	unsigned code = check_body(in, m, kind, peeked ? NULL : &e);
	if (code == 0 && (out->principal == NULL || (out->principal->roles & roles_for(in->door, kind)) == 0))
		code = REJECT_NOT_AUTHORIZED; /* step 3 */
	out->is_submission = kind == MSG_SUBMIT;
	if (code != 0)
		reject(out, (enum reject_code)code);
	else if (!in_rate) /* step 4; mode and window are the relay's */
		busy(out, BUSY_RATE, retry_ms);
	else if (in->stopping && !query_answers(kind))
		busy(out, BUSY_STOPPING, RETRY_STOPPING_MS);
	else
		out->verdict = query_answers(kind) ? JUDGE_ANSWER : JUDGE_FORWARD;
}
