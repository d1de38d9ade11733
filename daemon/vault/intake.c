#include "daemon/vault/intake.h"
#include "daemon/vault/journal.h"

#include "daemon/crash.h"
#include "daemon/say.h"
#include "daemon/vault/accept.h"
#include "daemon/vault/answer.h"
#include "daemon/vault/registry.h"
#include "proto/keys.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BATCH_MAX       256u                /* conf.c allows no more */
#define BAD_PRINCIPALS  256u                /* remembered; the longest quiet one gives way */
#define BAD_WINDOW_MS   (10u * 60u * 1000u) /* LIMIT_BAD_ENVELOPES in it, then BUSY for as long */
#define BUSY_MODE_MS    30000u
#define REPLY_BYTES_MAX LIMIT_REPLY_BYTES

struct pending { /* an answer that waits for the commit */
	struct link_origin origin;
	struct buf body;
};

struct bad_sender {
	uint8_t principal[8];
	uint64_t since_ms, busy_until_ms;
	unsigned n; /* 0: the place is free */
};

struct intake {
	struct pending pending[BATCH_MAX];
	unsigned n_pending;
	uint64_t due_ms;
	struct bad_sender bad[BAD_PRINCIPALS];
	struct intake_counts counts;
	struct message request, answer; /* large: one of each, for one thread */
};

bool intake_open(struct vault *v, struct err *e)
{
	v->intake = calloc(1, sizeof *v->intake);
	if (v->intake == NULL)
		return err_set(e, ERR_MEMORY, "intake: out of memory");
	return true;
}

void intake_close(struct vault *v)
{
	if (v->intake == NULL)
		return;
	for (unsigned i = 0; i < BATCH_MAX; i++)
		buf_free(&v->intake->pending[i].body);
	free(v->intake);
	v->intake = NULL;
}

struct intake_counts intake_counts(const struct vault *v)
{
	return v->intake->counts;
}

/* --- envelopes that do not open: twenty in ten minutes, then ten minutes of BUSY --- */

static struct bad_sender *find_bad(struct intake *k, const uint8_t principal[8])
{
	for (unsigned i = 0; i < BAD_PRINCIPALS; i++)
		if (k->bad[i].n > 0 && memcmp(k->bad[i].principal, principal, 8) == 0)
			return &k->bad[i];
	return NULL;
}

static uint64_t busy_for_ms(struct vault *v, const uint8_t principal[8])
{
	const struct bad_sender *bad = find_bad(v->intake, principal);
	uint64_t now_ms = os_boot_ms(v->os);
	return bad != NULL && bad->busy_until_ms > now_ms ? bad->busy_until_ms - now_ms : 0;
}

static struct bad_sender *place_for_bad(struct intake *k, const uint8_t principal[8])
{
	struct bad_sender *bad = find_bad(k, principal);
	if (bad != NULL)
		return bad;
	bad = &k->bad[0];
	for (unsigned i = 1; i < BAD_PRINCIPALS && bad->n > 0; i++)
		if (k->bad[i].n == 0 || k->bad[i].since_ms < bad->since_ms)
			bad = &k->bad[i];
	*bad = (struct bad_sender){ 0 };
	memcpy(bad->principal, principal, 8);
	return bad;
}

static void count_bad(struct vault *v, const uint8_t principal[8])
{
	char who[KEY_FINGERPRINT];
	struct bad_sender *bad = place_for_bad(v->intake, principal);
	uint64_t now_ms = os_boot_ms(v->os);
	if (bad->n == 0 || now_ms - bad->since_ms > BAD_WINDOW_MS) {
		bad->since_ms = now_ms;
		bad->n = 0;
	}
	if (++bad->n < LIMIT_BAD_ENVELOPES)
		return;
	bad->busy_until_ms = now_ms + BAD_WINDOW_MS;
	bad->n = 1;
	bad->since_ms = now_ms;
	keys_fingerprint(who, principal);
	say(SAY_WARNING, "bad-envelopes", "%u envelopes that do not open; key %s waits", LIMIT_BAD_ENVELOPES,
	    who);
}

/* --- answers --- */

static void answer_busy(struct message *out, enum busy_reason reason, uint64_t retry_after_ms)
{
	out->kind = MSG_BUSY;
	out->busy = (struct msg_busy){ .reason = reason, .retry_after_ms = retry_after_ms };
}

static enum busy_reason busy_reason_of(enum link_mode mode)
{
	switch (mode) {
	case MODE_DRAINING:
		return BUSY_STOPPING;
	case MODE_STORAGE_LOW:
		return BUSY_STORAGE;
	case MODE_LOG_STALLED:
		return BUSY_LOG_STALLED;
	case MODE_CLOCK_HOLD:
		return BUSY_CLOCK_HOLD;
	case MODE_NORMAL:
	case MODE_READ_ONLY:
		break;
	}
	return BUSY_READ_ONLY;
}

/* The vault signs every permanent refusal of a SUBMIT: only then may an outbox let go of the item. */
static bool sign_refusal(
    struct vault *v, const struct acceptance *a, struct msg_reject *out, struct buf *scratch, struct err *e)
{
	struct refusal refusal = { .code = a->code, .detail = a->detail, .refused_at_s = vault_now_s(v) };
	snprintf(refusal.origin, sizeof refusal.origin, "%s", v->conf->origin);
	memcpy(refusal.envelope_digest, a->envelope, sizeof refusal.envelope_digest);
	memcpy(refusal.receipt_key_id, v->keys.receipt->id, sizeof refusal.receipt_key_id);
	if (!refusal_encode(scratch, &refusal, e) ||
	    !refusal_sign(out->signature, v->keys.receipt, buf_bytes(scratch), e))
		return false;
	out->statement = buf_bytes(scratch);
	out->is_signed = true;
	return true;
}

static bool answer_refusal(
    struct vault *v, const struct acceptance *a, struct message *out, struct buf *scratch, struct err *e)
{
	answer_reject(out, a->code);
	out->reject.detail = a->detail;
	out->reject.has_retry_after = a->retry_after_ms > 0;
	out->reject.retry_after_ms = a->retry_after_ms;
	v->intake->counts.rejects[a->code]++;
	if (a->code == REJECT_BAD_ENVELOPE)
		count_bad(v, a->principal);
	return out->reject.class != CLASS_PERMANENT || sign_refusal(v, a, &out->reject, scratch, e);
}

static bool answer_accepted(
    struct vault *v, const struct acceptance *a, struct message *out, struct buf *scratch, struct err *e)
{
	bool duplicate = a->result == ACCEPT_DUPLICATE;
	if (duplicate)
		v->intake->counts.duplicates++;
	else
		v->intake->counts.receipts++;
	out->kind = MSG_RECEIPT;
	out->receipt = (struct msg_receipt){ .duplicate = duplicate };
	buf_put_bytes(scratch, buf_bytes(&a->receipt));
	out->receipt.statement = buf_bytes(scratch);
	memcpy(out->receipt.signature, a->signature, KEY_SIG_BYTES);
	return !scratch->failed || err_set(e, ERR_MEMORY, "receipt: out of memory");
}

static bool answer_submit(struct vault *v, const uint8_t principal[8], bool authorized,
    const struct msg_submit *in, struct message *out, struct buf *scratch, struct err *e)
{
	struct acceptance a = { .principal = principal,
		.header_bytes = in->header,
		.box = in->box,
		.intake_key_id = in->intake_key_id };
	uint64_t wait_ms = busy_for_ms(v, principal);
	vault_now_s(v); /* the clock may put us on hold */
	enum link_mode mode = vault_mode(v);
	if (wait_ms > 0 || mode != MODE_NORMAL) {
		v->intake->counts.busy++;
		answer_busy(out, wait_ms > 0 ? BUSY_RATE : busy_reason_of(mode),
		    wait_ms > 0 ? wait_ms : BUSY_MODE_MS);
		return true;
	}
	if (!authorized) {
		submission_envelope_digest(a.envelope, in->header, in->box);
		a.result = ACCEPT_REJECT;
		a.code = REJECT_NOT_AUTHORIZED;
	}
	bool ok = accept_submission(v, &a, e);
	if (ok && a.result == ACCEPT_REJECT)
		ok = answer_refusal(v, &a, out, scratch, e);
	else if (ok)
		ok = answer_accepted(v, &a, out, scratch, e);
	accept_free(&a);
	return ok;
}

/* Lines for a checkpoint that is the newest no more, bad ones, and strangers' are told alike: try again with
 * the newest. Only our own trouble stops us. */
static bool answer_cosign(
    struct vault *v, unsigned roles, const struct msg_cosign *in, struct message *out, struct err *e)
{
	struct err why = { 0 };
	size_t n = 0;
	if ((roles & ROLE_AUDITOR) == 0) {
		answer_reject(out, REJECT_NOT_AUTHORIZED);
		return true;
	}
	if (journal_cosign(v, in->lines, &n, &why)) {
		out->kind = MSG_COSIGN_R;
		out->cosign_r = (struct msg_cosign_r){ .accepted = n };
		return true;
	}
	if (why.code ==
	    ERR_FULL) { /* what was kept in the store is put under the checkpoint when it comes again */
		answer_busy(out, BUSY_STORAGE, BUSY_MODE_MS);
		return true;
	}
	if (why.code == ERR_SYSTEM || why.code == ERR_MEMORY || why.code == ERR_INTERNAL) {
		*e = why;
		return false;
	}
	say(SAY_WARNING, "cosign", "%s", why.text);
	answer_reject(out, why.code == ERR_CRYPTO ? REJECT_CONFLICT : REJECT_MALFORMED);
	return true;
}

static bool answer_request(struct vault *v, const struct link_forward *f, unsigned roles, struct message *out,
    struct buf *scratch, struct err *e)
{
	const struct message *in = &v->intake->request;
	bool office = (roles & ROLE_OFFICE) != 0;
	if (in->kind == MSG_SUBMIT && f->endpoint == LINK_SUBMIT)
		return answer_submit(v, f->principal, office, &in->submit, out, scratch, e);
	if (in->kind == MSG_COSIGN && f->endpoint == LINK_QUERY)
		return answer_cosign(v, roles, &in->cosign, out, e);
	answer_reject(out, REJECT_NOT_AUTHORIZED);
	if (in->kind == MSG_STATUS)
		return !office || answer_status(v, f->principal, &in->status, out, scratch, e);
	if (in->kind == MSG_GET_PERIODS)
		return !office || answer_get_periods(v, f->principal, &in->get_periods, out, e);
	if (in->kind == MSG_SETPROOF)
		return !office || answer_setproof(v, f->principal, &in->setproof, out, e);
	answer_reject(out, REJECT_UNSUPPORTED);
	return true;
}

/* Step 5: the profile and the registry again, whatever the gate found. */
static bool answer_body(
    struct vault *v, const struct link_forward *f, struct message *out, struct buf *scratch, struct err *e)
{
	struct intake *k = v->intake;
	struct err why = { 0 };
	uint64_t kind;
	unsigned roles;
	memset(out->rid, 0, sizeof out->rid);
	if (!message_peek(f->body, &kind, out->rid, &why) || !message_decode(&k->request, f->body, &why)) {
		answer_reject(out, reject_code_of(&why));
		k->counts.rejects[out->reject.code]++;
		return true;
	}
	return registry_roles(v, f->principal, &roles, e) && answer_request(v, f, roles, out, scratch, e);
}

/* Our own trouble: the asker learns a number by which the operator finds the line. */
static void answer_internal(struct vault *v, const struct err *why, struct message *out, struct buf *scratch)
{
	uint32_t incident;
	os_random(v->os, &incident, sizeof incident);
	say(SAY_ERROR, "internal", "incident %08x: %s", incident, why->text);
	buf_clear(scratch);
	buf_printf(scratch, "incident %08x", incident);
	answer_reject(out, REJECT_INTERNAL);
	out->reject.text = buf_bytes(scratch);
	v->intake->counts.rejects[REJECT_INTERNAL]++;
}

/* Makes the answer's bytes. False: the store is broken. */
static bool decide(struct vault *v, const struct link_forward *f, struct buf *body, struct err *e)
{
	struct message *out = &v->intake->answer;
	struct buf scratch = { .max = REPLY_BYTES_MAX };
	bool ok = answer_body(v, f, out, &scratch, e);
	if (!ok && store_broken(v->store))
		goto done;
	if (!ok)
		answer_internal(v, e, out, &scratch);
	body->max = REPLY_BYTES_MAX;
	ok = message_encode(body, out, e);
	if (!ok) {
		say(SAY_ERROR, "internal", "an answer cannot be encoded: %s", e->text);
		buf_clear(body);
		ok = true; /* no answer: the asker tries again */
	}
done:
	buf_free(&scratch);
	return ok;
}

static bool keep_pending(struct vault *v, const struct link_origin *origin, struct buf *body, struct err *e)
{
	struct intake *k = v->intake;
	if (k->n_pending == 0)
		k->due_ms = os_boot_ms(v->os) + v->conf->batch_ms;
	k->pending[k->n_pending++] = (struct pending){ .origin = *origin, .body = *body };
	*body = (struct buf){ 0 };
	if (k->n_pending < v->conf->batch && k->n_pending < BATCH_MAX)
		return true;
	return intake_commit(v, e);
}

bool intake_take(
    struct vault *v, const struct link_origin *origin, const struct link_forward *forward, struct err *e)
{
	struct buf body = { 0 };
	bool ok = decide(v, forward, &body, e);
	if (ok && store_in_transaction(v->store))
		ok = keep_pending(v, origin, &body, e);
	else if (ok)
		link_reply(v, origin, buf_bytes(&body));
	buf_free(&body);
	return ok;
}

uint64_t intake_due_ms(const struct vault *v)
{
	return v->intake->n_pending == 0 ? UINT64_MAX : v->intake->due_ms;
}

static void send_pending(struct vault *v)
{
	struct intake *k = v->intake;
	for (unsigned i = 0; i < k->n_pending; i++) {
		link_reply(v, &k->pending[i].origin, buf_bytes(&k->pending[i].body));
		buf_free(&k->pending[i].body);
		CV_CRASH("intake-after-reply");
	}
	k->n_pending = 0;
}

bool intake_commit(struct vault *v, struct err *e)
{
	if (!store_in_transaction(v->store))
		return true;
	CV_CRASH("intake-before-commit");
	if (!vault_commit(v, e))
		return false;
	CV_CRASH("intake-after-commit");
	v->intake->counts.commits++;
	send_pending(v);
	return true;
}

bool intake_answer(struct vault *v, const struct link_forward *forward, struct buf *answer, struct err *e)
{
	return decide(v, forward, answer, e) && intake_commit(v, e);
}
