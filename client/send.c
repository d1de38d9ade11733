#include "client/send.h"
#include "client/command.h"
#include "client/crash.h"
#include "client/receipt_text.h"
#include "client/refusal.h"
#include "client/text.h"
#include "proto/seal.h"
#include <sodium.h>
#include <string.h>
#include <time.h>

#define ROUNDS 4 /* a rotation of intake keys takes one; more is not a rotation */

bool send_seal_again(struct outbox_item *item, const struct keyset_key *intake, struct err *e)
{
	buf_clear(&item->box);
	memcpy(item->intake_key_id, intake->id, KEY_ID_BYTES);
	return seal_box(&item->box, item->signed_bytes.data, outbox_payload(item), intake->key, e);
}

static bool put_payload(
    struct buf *out, const struct config *config, const struct figures *figures, struct err *e)
{
	uint8_t blind[BLIND_BYTES];
	bool ok;

	randombytes_buf(blind, sizeof blind);
	ok = figures != NULL ? payload_encode_figures(out, config, figures, blind, e)
			     : payload_encode_withdrawal(out, blind, e);
	sodium_memzero(blind, sizeof blind);
	return ok;
}

bool send_compose(struct outbox_item *item, const struct submission_header *header,
    const struct config *config, const struct figures *figures, const struct key_signer *signer,
    const struct keyset_key *intake, struct err *e)
{
	uint8_t sig[KEY_SIG_BYTES];
	struct buf payload = { .max = LIMIT_MESSAGE_BYTES };
	bool ok = false;

	memset(item, 0, sizeof *item);
	item->header = *header;
	memcpy(item->header.office_key_id, signer->id, KEY_ID_BYTES);
	randombytes_buf(item->header.submission_id, SUBMISSION_ID_BYTES);
	if (!submission_header_encode(&item->header_bytes, &item->header, e) ||
	    !put_payload(&payload, config, figures, e) ||
	    !submission_sign(sig, signer, buf_bytes(&item->header_bytes), buf_bytes(&payload), e))
		goto done;
	buf_put(&item->signed_bytes, sig, sizeof sig);
	buf_put_bytes(&item->signed_bytes, buf_bytes(&payload));
	if (item->signed_bytes.failed) {
		(void)err_set(e, ERR_MEMORY, "no memory for the form");
		goto done;
	}
	ok = send_seal_again(item, intake, e);
done:
	buf_free(&payload);
	return ok;
}

bool send_check_receipt(const struct deployment *d, const struct outbox_item *item, struct bytes statement,
    const uint8_t signature[KEY_SIG_BYTES], struct receipt *out, struct err *e)
{
	const struct submission_header *h = &item->header;
	const struct keyset_key *key;
	struct receipt want = { .revision = h->revision };

	if (!receipt_decode(out, statement, e))
		return false;
	key = keyset_find(&d->keyset, KEY_RECEIPT, out->receipt_key_id);
	if (key == NULL)
		return err_set(e, ERR_NOT_FOUND, "%s", _("the receipt's key is not in the key set"));
	memcpy(want.origin, d->settings.join.origin, sizeof want.origin);
	memcpy(want.dataset, h->dataset, sizeof want.dataset);
	memcpy(want.period, h->period, sizeof want.period);
	memcpy(want.office, h->office, sizeof want.office);
	memcpy(want.submission_id, h->submission_id, sizeof want.submission_id);
	submission_statement_digest(
	    want.statement_digest, buf_bytes(&item->header_bytes), outbox_payload(item));
	return receipt_open(out, statement, signature, key->key, e) && receipt_check(out, &want, e);
}

/* The text a person finds beside the item, and the state it leaves it in. */
static int settle(const struct outbox *o, struct outbox_item *item, enum outbox_state state,
    struct bytes text, int code, struct err *e)
{
	struct err why = { 0 };

	if (!outbox_settle(o, item, state, text, &why)) {
		*e = why;
		return EXIT_OTHER;
	}
	item->state = state;
	return code;
}

static int pause_item(const struct outbox *o, struct outbox_item *item, struct err *e)
{
	return settle(o, item, OUTBOX_PAUSED, bytes_text(e->text), EXIT_REFUSED, e);
}

static int take_receipt(struct deployment *d, const struct outbox *o, struct outbox_item *item,
    struct receipt *receipt, struct err *e)
{
	struct buf statement = { 0 }, text = { 0 };
	uint8_t signature[KEY_SIG_BYTES];
	int code = EXIT_OTHER;
	bool good;

	buf_put_bytes(&statement, d->reply.receipt.statement); /* asking for keys overwrites the reply */
	memcpy(signature, d->reply.receipt.signature, sizeof signature);
	good = send_check_receipt(d, item, buf_bytes(&statement), signature, receipt, e);
	if (!good && e->code == ERR_NOT_FOUND && deployment_keys(d, e) == EXIT_OK)
		good = send_check_receipt(d, item, buf_bytes(&statement), signature, receipt, e);
	if (!good) {
		err_wrap(e, "%s", _("a receipt that is not to be believed"));
		code = pause_item(o, item, e);
		goto done;
	}
	CV_CRASH("receipt");
	if (receipt_text_print(&text, buf_bytes(&statement), signature, e))
		code = settle(o, item, OUTBOX_RECEIVED, buf_bytes(&text), EXIT_OK, e);
	CV_CRASH("receipt-stored");
done:
	buf_free(&statement);
	buf_free(&text);
	return code;
}

/* Did the vault sign this refusal, of exactly these bytes? */
static bool is_vaults_word(
    const struct deployment *d, const struct outbox_item *item, const struct msg_reject *r)
{
	struct refusal got, want = { .code = r->code, .detail = r->detail };
	const struct keyset_key *key;

	if (!r->is_signed || !refusal_decode(&got, r->statement, NULL))
		return false;
	key = keyset_find(&d->keyset, KEY_RECEIPT, got.receipt_key_id);
	memcpy(want.origin, d->settings.join.origin, sizeof want.origin);
	submission_envelope_digest(
	    want.envelope_digest, buf_bytes(&item->header_bytes), buf_bytes(&item->box));
	return key != NULL && refusal_open(&got, r->statement, r->signature, key->key, NULL) &&
	       refusal_check(&got, &want, NULL);
}

static int take_refusal(struct deployment *d, const struct outbox *o, struct outbox_item *item, struct err *e)
{
	const struct msg_reject *r = &d->reply.reject;

	refusal_text(e, r);
	if (r->class == CLASS_PERMANENT && is_vaults_word(d, item, r))
		return settle(o, item, OUTBOX_REFUSED, bytes_text(e->text), EXIT_REFUSED, e);
	if (r->class == CLASS_PERMANENT)
		err_wrap(e, "%s", _("refused without the vault's signature, so the form is kept"));
	return pause_item(o, item, e);
}

/* The vault has changed its intake key: the same signed bytes in a new box, under the same id. -1: send
 * again.
 */
static int seal_anew(struct deployment *d, const struct outbox *o, struct outbox_item *item, struct err *e)
{
	const struct keyset_key *intake;
	int lock, code = deployment_keys(d, e);
	bool ok;

	if (code != EXIT_OK)
		return code;
	intake = keyset_active(&d->keyset, KEY_INTAKE);
	if (intake == NULL || memcmp(intake->id, item->intake_key_id, KEY_ID_BYTES) == 0) {
		(void)err_set(e, ERR_REFUSED, "%s", _("the receiver refuses the intake key it publishes"));
		return pause_item(o, item, e);
	}
	lock = outbox_lock(o, e);
	ok = lock >= 0 && send_seal_again(item, intake, e) && outbox_store(o, item, e);
	outbox_unlock(lock);
	return ok ? -1 : EXIT_OTHER;
}

static int send_once(struct deployment *d, const struct outbox *o, struct outbox_item *item,
    struct receipt *receipt, struct err *e)
{
	struct net *n = deployment_submit(d, e);
	int code;

	if (n == NULL)
		return EXIT_OTHER;
	d->ask = (struct message){ .kind = MSG_SUBMIT,
		.submit = { .header = buf_bytes(&item->header_bytes), .box = buf_bytes(&item->box) } };
	memcpy(d->ask.submit.intake_key_id, item->intake_key_id, KEY_ID_BYTES);
	code = deployment_ask(d, n, MSG_REJECT, e);
	if (code != EXIT_OK)
		return code;
	CV_CRASH("answered");
	if (d->reply.kind == MSG_RECEIPT)
		return take_receipt(d, o, item, receipt, e);
	if (d->reply.kind == MSG_REJECT && d->reply.reject.code == REJECT_UNKNOWN_INTAKE_KEY)
		return seal_anew(d, o, item, e);
	if (d->reply.kind == MSG_REJECT)
		return take_refusal(d, o, item, e);
	(void)err_set(e, ERR_MALFORMED, "%s", _("the gate answered something else"));
	return EXIT_OTHER;
}

int send_item(struct deployment *d, const struct outbox *o, struct outbox_item *item, struct receipt *receipt,
    struct err *e)
{
	int code = -1;

	if (keyset_expired(&d->keyset, (uint64_t)time(NULL))) {
		struct buf now = { 0 };
		text_time(&now, (uint64_t)time(NULL));
		(void)err_set(e, ERR_REFUSED,
		    _("the key set has run out: the operator must renew it, or this computer's clock, which "
		      "says "
		      "%.*s, is wrong"),
		    (int)now.size, (const char *)now.data);
		buf_free(&now);
		return EXIT_KEY;
	}
	d->persist = true;
	for (int round = 0; code < 0 && round < ROUNDS; round++)
		code = send_once(d, o, item, receipt, e);
	if (code < 0) {
		(void)err_set(e, ERR_REFUSED, "%s", _("the receiver changes its intake key again and again"));
		code = pause_item(o, item, e);
	}
	return code;
}

void send_say_receipt(const struct outbox *o, const struct receipt *r)
{
	char name[OUTBOX_NAME];
	struct buf when = { 0 };

	text_time(&when, r->accepted_at_s);
	outbox_name(name, r->submission_id);
	text_say(_("Received %.*s: %s, %s, revision %u. Number %llu in the public log of %s."),
	    (int)when.size, (const char *)when.data, r->office, r->period, r->revision,
	    (unsigned long long)r->log_index, r->origin);
	if (r->outcome == OUTCOME_HELD)
		text_say("%s", _("It came after closing: kept for a later revision of the release."));
	text_say(_("Receipt: %s/%s.receipt"), o->dir, name);
	buf_free(&when);
}

void send_put_receipt(struct buf *out, const struct outbox *o, const struct receipt *r)
{
	char id[OUTBOX_NAME], path[FILE_PATH + 64];

	outbox_name(id, r->submission_id);
	(void)snprintf(path, sizeof path, "%s/%s.receipt", o->dir, id);
	buf_printf(out,
	    "{\"state\":\"received\",\"office\":\"%s\",\"dataset\":\"%s\",\"period\":\"%s\",\"revision\":%u,"
	    "\"id\":\"%s\",\"outcome\":\"%s\",\"accepted_at\":%llu,\"log_index\":%llu,\"digest\":\"",
	    r->office, r->dataset, r->period, r->revision, id, r->outcome == OUTCOME_HELD ? "held" : "counts",
	    (unsigned long long)r->accepted_at_s, (unsigned long long)r->log_index);
	buf_put_hex(out, bytes_of(r->statement_digest, KEY_DIGEST_BYTES));
	buf_put_text(out, "\",\"receipt\":");
	text_json(out, path);
	buf_put_text(out, "}\n");
}
