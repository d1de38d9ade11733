#include "daemon/vault/answer.h"

#include "daemon/vault/registry.h"
#include "proto/tlog.h"

#include <stdlib.h>
#include <string.h>

void answer_reject(struct message *out, enum reject_code code)
{
	out->kind = MSG_REJECT;
	out->reject = (struct msg_reject){
		.code = code, .class = reject_class_of(code), .text = bytes_text(reject_code_name(code))
	};
}

/* Sets out to NOT_AUTHORIZED unless the office is the principal's. */
static bool check_office(struct vault *v, const uint8_t principal[8], const char *office, struct message *out,
    bool *may, struct err *e)
{
	if (!registry_binds(v, principal, office, may, e))
		return false;
	if (!*may)
		answer_reject(out, REJECT_NOT_AUTHORIZED);
	return true;
}

bool answer_status(struct vault *v, const uint8_t principal[8], const struct msg_status *in,
    struct message *out, struct buf *scratch, struct err *e)
{
	struct rows r;
	bool may;
	if (!check_office(v, principal, in->office, out, &may, e))
		return false;
	if (!may)
		return true;
	rows_open(&r, v->store, "SELECT receipt, signature FROM submission WHERE office = ? AND id = ?", "tb",
	    in->office, bytes_of(in->submission_id, SUBMISSION_ID_BYTES));
	out->kind = MSG_UNKNOWN;
	memcpy(out->unknown.submission_id, in->submission_id, SUBMISSION_ID_BYTES);
	if (rows_next(&r)) {
		out->kind = MSG_RECEIPT;
		out->receipt = (struct msg_receipt){ .duplicate = true };
		buf_put_bytes(scratch, rows_bytes(&r, 0));
		out->receipt.statement = buf_bytes(scratch);
		rows_copy(&r, 1, out->receipt.signature, KEY_SIG_BYTES);
	}
	return rows_close(&r, e);
}

/* How many of the office's revisions the period has, and the digest of the newest. */
static bool add_own(
    struct vault *v, uint64_t period, const char *office, struct msg_period *out, struct err *e)
{
	struct rows r;
	rows_open(&r, v->store,
	    "SELECT statement, count(*) OVER () FROM submission WHERE period = ? AND office = ?"
	    " ORDER BY revision DESC LIMIT 1",
	    "it", period, office);
	if (rows_next(&r)) {
		out->has_statement = rows_copy(&r, 0, out->statement_digest, KEY_DIGEST_BYTES);
		out->n_revisions = rows_uint(&r, 1);
	}
	return rows_close(&r, e);
}

struct listing {
	struct vault *v;
	const char *office;
	struct msg_periods *out;
};

static bool add_period(void *context, const struct period *p, struct err *e)
{
	const struct listing *listing = context;
	struct msg_periods *out = listing->out;
	if (out->n == LIMIT_PERIODS) /* the newest are the ones an office wants */
		memmove(&out->period[0], &out->period[1], --out->n * sizeof out->period[0]);
	struct msg_period *item = &out->period[out->n++];
	*item = (struct msg_period){ .state = p->state, .opens_s = p->opens_s, .closes_s = p->closes_s };
	memcpy(item->period, p->name, sizeof item->period);
	memcpy(item->config_digest, p->config, sizeof item->config_digest);
	return add_own(listing->v, p->id, listing->office, item, e);
}

bool answer_get_periods(struct vault *v, const uint8_t principal[8], const struct msg_get_periods *in,
    struct message *out, struct err *e)
{
	struct listing listing = { v, in->office, &out->periods };
	struct dataset dataset;
	struct err why = { 0 };
	bool may;
	if (!check_office(v, principal, in->office, out, &may, e))
		return false;
	if (!may)
		return true;
	if (!vault_dataset(v, in->dataset, &dataset, &why)) {
		*e = why;
		answer_reject(out, REJECT_UNKNOWN_DATASET);
		return why.code == ERR_NOT_FOUND;
	}
	out->kind = MSG_PERIODS;
	out->periods.n = 0;
	return vault_each_period(v, in->dataset, add_period, &listing, e);
}

/* --- SETPROOF: that a statement is in a sealed set --- */

struct seal {
	struct period period;
	struct seal_span span;
	uint64_t leaf;
};

/* *found: the seal exists and the statement is of an office of the principal. */
static bool find_seal(struct vault *v, const uint8_t principal[8], const struct msg_setproof *in,
    struct seal *seal, bool *found, struct err *e)
{
	struct rows r;
	struct err why = { 0 };
	*found = false;
	if (!vault_period(v, in->dataset, in->period, &seal->period, &why)) {
		*e = why;
		return why.code == ERR_NOT_FOUND;
	}
	if (in->revision > LIMIT_REVISION)
		return true;
	rows_open(&r, v->store,
	    "SELECT l.upto, l.held, l.leaf FROM seal l JOIN submission s ON s.period = l.period"
	    " JOIN principal_office b ON b.office = s.office"
	    " WHERE l.period = ? AND l.revision = ? AND s.statement = ? AND b.key_id = ?",
	    "iibb", seal->period.id, in->revision, bytes_of(in->statement_digest, 32),
	    bytes_of(principal, 8));
	*found = rows_next(&r);
	if (*found) {
		seal->span = (struct seal_span){ rows_uint(&r, 0), rows_uint(&r, 1) != 0 };
		seal->leaf = rows_uint(&r, 2);
	}
	return rows_close(&r, e);
}

static bool prove(uint8_t (*digests)[32], size_t n, size_t place, struct msg_setproof_r *out, struct err *e)
{
	struct tlog_path path;
	struct tlog_leaves leaves = { .n = n };
	struct tlog_hash *hashes = calloc(n, sizeof *hashes);
	if (hashes == NULL)
		return err_set(e, ERR_MEMORY, "proof: out of memory");
	for (size_t i = 0; i < n; i++)
		tlog_leaf(&hashes[i], bytes_of(digests[i], 32));
	leaves.leaf = hashes;
	struct tlog_source source = tlog_source_leaves(&leaves);
	bool ok = tlog_inclusion(&path, &source, place, n, e);
	for (size_t i = 0; ok && i < path.n; i++)
		memcpy(out->hash[i], path.hash[i].b, sizeof out->hash[i]);
	out->n_hashes = ok ? path.n : 0;
	out->place = place;
	out->set_size = n;
	free(hashes);
	return ok;
}

bool answer_setproof(struct vault *v, const uint8_t principal[8], const struct msg_setproof *in,
    struct message *out, struct err *e)
{
	struct seal seal;
	uint8_t(*digests)[32] = NULL;
	size_t n = 0;
	size_t place = 0;
	bool found;
	bool ok = false;
	answer_reject(out, REJECT_NOT_FOUND);
	if (!find_seal(v, principal, in, &seal, &found, e))
		return false;
	if (!found)
		return true;
	if (!vault_seal_digests(v, &seal.period, seal.span, &digests, &n, e))
		return false;
	while (place < n && memcmp(digests[place], in->statement_digest, 32) != 0)
		place++;
	ok = true;
	if (place < n) { /* else: stored, and replaced or withdrawn before the seal */
		out->kind = MSG_SETPROOF_R;
		out->setproof_r.seal_index = seal.leaf;
		ok = prove(digests, n, place, &out->setproof_r, e);
	}
	free(digests);
	return ok;
}
