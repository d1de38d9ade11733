#include "proto/receipt.h"

#include "proto/fields.h"

#include <string.h>

static const struct field receipt_rows[] = {
	F(0, FIELD_ORIGIN, struct receipt, origin, 0, 0),
	F_NAME(2, struct receipt, dataset),
	F(4, FIELD_PERIOD, struct receipt, period, 0, 0),
	F_NAME(6, struct receipt, office),
	F_RAW(8, struct receipt, submission_id),
	F_RAW(10, struct receipt, statement_digest),
	F(12, FIELD_ENUM, struct receipt, outcome, OUTCOME_COUNTS, OUTCOME_HELD),
	F_UINT(14, struct receipt, accepted_at_s),
	F_UINT(16, struct receipt, log_index),
	F_RAW(18, struct receipt, receipt_key_id),
	F(20, FIELD_U32, struct receipt, revision, 0, LIMIT_REVISION),
};
static const struct fields receipt_map = FIELDS(receipt_rows);

static const struct field refusal_rows[] = {
	F(0, FIELD_ORIGIN, struct refusal, origin, 0, 0),
	F(2, FIELD_ENUM, struct refusal, code, REJECT_MALFORMED, REJECT_FEED_CHANGED),
	F_UINT(4, struct refusal, detail),
	F_RAW(6, struct refusal, envelope_digest),
	F_UINT(8, struct refusal, refused_at_s),
	F_RAW(10, struct refusal, receipt_key_id),
};
static const struct fields refusal_map = FIELDS(refusal_rows);

/* Signature good and made by the key the statement names. */
static bool open_with(struct bytes statement, const char *label, const uint8_t sig[KEY_SIG_BYTES],
    const uint8_t public[KEY_BYTES], const uint8_t named_id[KEY_ID_BYTES], struct err *e)
{
	uint8_t id[KEY_ID_BYTES];
	if (!keys_verify(sig, public, label, &statement, 1, e))
		return false;
	keys_id(id, KEY_TYPE_ED25519, public);
	return memcmp(id, named_id, KEY_ID_BYTES) == 0 ||
	       err_set(e, ERR_CRYPTO, "names another key than the one that signed it");
}

static bool differs(struct err *e, const char *statement, const char *field)
{
	return err_set(e, ERR_INVALID, "%s: %s is not ours", statement, field);
}

/* ---- receipt ---- */

bool receipt_encode(struct buf *out, const struct receipt *r, struct err *e)
{
	return fields_encode(out, &receipt_map, r, "receipt", e);
}

bool receipt_decode(struct receipt *r, struct bytes statement, struct err *e)
{
	return fields_decode(&receipt_map, r, sizeof *r, statement, e) || err_wrap(e, "receipt");
}

bool receipt_sign(
    uint8_t sig[KEY_SIG_BYTES], const struct key_signer *s, struct bytes statement, struct err *e)
{
	return keys_sign(sig, s, LABEL_RECEIPT, &statement, 1, e);
}

bool receipt_open(struct receipt *r, struct bytes statement, const uint8_t sig[KEY_SIG_BYTES],
    const uint8_t receipt_public[KEY_BYTES], struct err *e)
{
	if (!receipt_decode(r, statement, e))
		return false;
	return open_with(statement, LABEL_RECEIPT, sig, receipt_public, r->receipt_key_id, e) ||
	       err_wrap(e, "receipt");
}

bool receipt_check(const struct receipt *got, const struct receipt *want, struct err *e)
{
	static const char what[] = "receipt";
	if (strcmp(got->origin, want->origin) != 0)
		return differs(e, what, "origin");
	if (strcmp(got->dataset, want->dataset) != 0)
		return differs(e, what, "dataset");
	if (strcmp(got->period, want->period) != 0)
		return differs(e, what, "period");
	if (strcmp(got->office, want->office) != 0)
		return differs(e, what, "office");
	if (memcmp(got->submission_id, want->submission_id, SUBMISSION_ID_BYTES) != 0)
		return differs(e, what, "submission id");
	if (memcmp(got->statement_digest, want->statement_digest, KEY_DIGEST_BYTES) != 0)
		return differs(e, what, "statement digest");
	if (got->revision != want->revision)
		return differs(e, what, "revision");
	return true;
}

static void print_hex(struct buf *out, const char *name, const uint8_t *at, size_t len)
{
	buf_printf(out, "%s ", name);
	buf_put_hex(out, bytes_of(at, len));
	buf_put_byte(out, '\n');
}

void receipt_print(struct buf *out, const struct receipt *r)
{
	buf_printf(out, "origin %s\ndataset %s\nperiod %s\noffice %s\n", r->origin, r->dataset, r->period,
	    r->office);
	print_hex(out, "submission", r->submission_id, SUBMISSION_ID_BYTES);
	print_hex(out, "statement", r->statement_digest, KEY_DIGEST_BYTES);
	buf_printf(out, "outcome %s\naccepted %llu\nlog-index %llu\n",
	    r->outcome == OUTCOME_HELD ? "held" : "counts", (unsigned long long)r->accepted_at_s,
	    (unsigned long long)r->log_index);
	print_hex(out, "receipt-key", r->receipt_key_id, KEY_ID_BYTES);
	buf_printf(out, "revision %lu\n", (unsigned long)r->revision);
}

/* ---- refusal ---- */

bool refusal_encode(struct buf *out, const struct refusal *r, struct err *e)
{
	return fields_encode(out, &refusal_map, r, "refusal", e);
}

bool refusal_decode(struct refusal *r, struct bytes statement, struct err *e)
{
	return fields_decode(&refusal_map, r, sizeof *r, statement, e) || err_wrap(e, "refusal");
}

bool refusal_sign(
    uint8_t sig[KEY_SIG_BYTES], const struct key_signer *s, struct bytes statement, struct err *e)
{
	return keys_sign(sig, s, LABEL_REFUSAL, &statement, 1, e);
}

bool refusal_open(struct refusal *r, struct bytes statement, const uint8_t sig[KEY_SIG_BYTES],
    const uint8_t receipt_public[KEY_BYTES], struct err *e)
{
	if (!refusal_decode(r, statement, e))
		return false;
	return open_with(statement, LABEL_REFUSAL, sig, receipt_public, r->receipt_key_id, e) ||
	       err_wrap(e, "refusal");
}

bool refusal_check(const struct refusal *got, const struct refusal *want, struct err *e)
{
	static const char what[] = "refusal";
	if (strcmp(got->origin, want->origin) != 0)
		return differs(e, what, "origin");
	if (memcmp(got->envelope_digest, want->envelope_digest, KEY_DIGEST_BYTES) != 0)
		return differs(e, what, "envelope digest");
	if (got->code != want->code)
		return differs(e, what, "code");
	if (got->detail != want->detail)
		return differs(e, what, "detail");
	return true;
}

void refusal_print(struct buf *out, const struct refusal *r)
{
	buf_printf(out, "origin %s\ncode %s\ndetail %llu\n", r->origin, reject_code_name(r->code),
	    (unsigned long long)r->detail);
	print_hex(out, "envelope", r->envelope_digest, KEY_DIGEST_BYTES);
	buf_printf(out, "refused %llu\n", (unsigned long long)r->refused_at_s);
	print_hex(out, "receipt-key", r->receipt_key_id, KEY_ID_BYTES);
}
