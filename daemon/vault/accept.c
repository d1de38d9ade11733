#include "daemon/vault/accept.h"

#include "daemon/vault/registry.h"
#include "daemon/vault/unseal.h"
#include "proto/config.h"
#include "proto/content.h"

#include <stdio.h>
#include <string.h>

#define LABEL_BLIND                                                                                          \
	"cellveil/1/blind"       /* of the hash that finds a blind used twice; never leaves the store        \
				  */
#define RETRY_PERIOD_S     3600u /* a period nobody has announced: ask again in an hour */
#define RETRY_PERIOD_MAX_S 86400u
#define RULE_BLIND_USED    2u
#define RULE_NOTHING       13u /* a withdrawal of nothing */

/* Each step returns false only for our own trouble; a->result says whether to go on. */
typedef bool accept_step(struct vault *v, struct acceptance *a, struct err *e);

static bool reject(struct acceptance *a, enum reject_code code)
{
	a->result = ACCEPT_REJECT;
	a->code = code;
	return true;
}

/* A decoder's refusal is an answer; want of memory is our own trouble. */
static bool reject_decoded(struct acceptance *a, const struct err *why, struct err *e)
{
	if (reject_code_of(why) == REJECT_INTERNAL) {
		*e = *why;
		return false;
	}
	return reject(a, reject_code_of(why));
}

static bool step_header(struct vault *v, struct acceptance *a, struct err *e) /* 6 */
{
	struct err why = { 0 };
	(void)v;
	submission_envelope_digest(a->envelope, a->header_bytes, a->box);
	return submission_header_decode(&a->header, a->header_bytes, &why) || reject_decoded(a, &why, e);
}

static bool step_office(struct vault *v, struct acceptance *a, struct err *e) /* 7 */
{
	bool binds;
	enum registry_key key;
	if (!registry_binds(v, a->principal, a->header.office, &binds, e))
		return false;
	if (!binds)
		return reject(a, REJECT_NOT_AUTHORIZED);
	if (!registry_office_key(v, a->header.office, a->header.office_key_id, &key, a->sign_key, e))
		return false;
	if (key == REGISTRY_NO_KEY)
		return reject(a, REJECT_NOT_AUTHORIZED);
	return key == REGISTRY_KEY || reject(a, REJECT_KEY_REVOKED);
}

/* Looks the submission's id up. want: NULL, or the column and digest that must be equal. */
static bool stored_receipt(struct vault *v, struct acceptance *a, const uint8_t *envelope,
    const uint8_t *statement, uint8_t other[32], bool *known, struct err *e)
{
	struct rows r;
	uint8_t stored[2][32];
	rows_open(&r, v->store,
	    "SELECT envelope, statement, receipt, signature FROM submission WHERE office = ? AND id = ?",
	    "tb", a->header.office, bytes_of(a->header.submission_id, SUBMISSION_ID_BYTES));
	*known = rows_next(&r);
	if (*known && rows_copy(&r, 0, stored[0], 32) && rows_copy(&r, 1, stored[1], 32) &&
	    (envelope == NULL || memcmp(stored[0], envelope, 32) == 0) &&
	    (statement == NULL || memcmp(stored[1], statement, 32) == 0) &&
	    rows_copy(&r, 3, a->signature, sizeof a->signature)) {
		buf_clear(&a->receipt);
		buf_put_bytes(&a->receipt, rows_bytes(&r, 2));
		a->result = ACCEPT_DUPLICATE;
	}
	if (*known && other != NULL)
		memcpy(other, stored[1], 32);
	if (!rows_close(&r, e))
		return false;
	return !a->receipt.failed || err_set(e, ERR_MEMORY, "receipt: out of memory");
}

static bool step_same_envelope(struct vault *v, struct acceptance *a, struct err *e) /* 8 */
{
	bool known;
	return stored_receipt(v, a, a->envelope, NULL, NULL, &known, e);
}

/* Time passes between two ticks of the loop: a late form meets the state that the next tick will write. */
static void step_to_now(struct period *p, uint64_t now_s)
{
	struct period_effects out;
	for (;;) {
		period_step(p, PERIOD_TICK, now_s, &out);
		if (out.state == p->state)
			return;
		p->state = out.state;
	}
}

static bool reject_too_soon(struct acceptance *a, uint64_t now_s)
{
	uint64_t wait_s = RETRY_PERIOD_S;
	if (a->period.opens_s > now_s)
		wait_s = a->period.opens_s - now_s;
	if (wait_s > RETRY_PERIOD_MAX_S)
		wait_s = RETRY_PERIOD_MAX_S;
	a->retry_after_ms = wait_s * 1000;
	return reject(a, REJECT_PERIOD_NOT_OPEN);
}

static bool step_dataset(struct vault *v, struct acceptance *a, struct err *e) /* 9, first half */
{
	struct dataset dataset;
	struct err why = { 0 };
	bool has;
	if (!vault_dataset(v, a->header.dataset, &dataset, &why)) {
		*e = why;
		return why.code == ERR_NOT_FOUND && reject(a, REJECT_UNKNOWN_DATASET);
	}
	if (!registry_has_dataset(v, a->principal, a->header.dataset, &has, e))
		return false;
	return has || reject(a, REJECT_NOT_AUTHORIZED);
}

static bool step_period(struct vault *v, struct acceptance *a, struct err *e) /* 9, second half */
{
	uint64_t now_s = vault_now_s(v);
	struct err why = { 0 };
	bool known;
	if (!vault_period(v, a->header.dataset, a->header.period, &a->period, &why)) {
		*e = why;
		return why.code == ERR_NOT_FOUND && reject_too_soon(a, now_s);
	}
	step_to_now(&a->period, now_s);
	a->answer = period_take(&a->period);
	if (a->answer == PERIOD_TOO_SOON)
		return reject_too_soon(a, now_s);
	if (a->answer != PERIOD_TOO_LATE)
		return true;
	if (!stored_receipt(v, a, NULL, NULL, NULL, &known, e))
		return false;
	return known || reject(a, REJECT_PERIOD_CLOSED);
}

static bool step_config(struct vault *v, struct acceptance *a, struct err *e) /* 10 */
{
	if (memcmp(a->header.config_digest, a->period.config, 32) != 0)
		return reject(a, REJECT_CONFIG_MISMATCH);
	a->config = vault_config(v, a->period.config, e);
	if (a->config == NULL)
		return false;
	return config_office_in(a->config, a->header.office, a->header.period) ||
	       reject(a, REJECT_NOT_AUTHORIZED);
}

static bool step_intake_key(struct vault *v, struct acceptance *a, struct err *e) /* 11 */
{
	(void)e;
	a->intake_key = vaultkeys_find_intake(&v->keys, a->intake_key_id);
	bool usable = a->intake_key != NULL &&
		      (a->intake_key->state == INTAKE_ACTIVE || a->intake_key->state == INTAKE_ACCEPT_ONLY);
	return usable || reject(a, REJECT_UNKNOWN_INTAKE_KEY);
}

/* Stateless: needs the two keys and the bytes only. Where worker threads will one day take over. */
static bool step_open(struct vault *v, struct acceptance *a, struct err *e) /* 12 */
{
	struct err why = { 0 };
	(void)v;
	if (unseal_box(a->intake_key, a->box, &a->plain, &a->office_signature, &a->payload_bytes, &why) &&
	    submission_verify(a->office_signature.at, a->sign_key, a->header_bytes, a->payload_bytes, &why))
		return true;
	if (why.code == ERR_MEMORY) {
		*e = why;
		return false;
	}
	return reject(a, REJECT_BAD_ENVELOPE);
}

static bool step_payload(struct vault *v, struct acceptance *a, struct err *e) /* 13 */
{
	struct err why = { 0 };
	(void)v;
	return payload_decode(&a->payload, a->header.act, a->payload_bytes, &why) ||
	       reject_decoded(a, &why, e);
}

static bool begin(struct vault *v, struct err *e)
{
	return store_in_transaction(v->store) || vault_begin(v, e);
}

static bool log_conflict(struct vault *v, const uint8_t stored[32], const uint8_t other[32], struct err *e)
{
	struct log_entry entry = { .kind = LOG_CONFLICT };
	memcpy(entry.statement, stored, 32);
	memcpy(entry.other, other, 32);
	return begin(v, e) && vault_add_leaf(v, &entry, e);
}

static bool step_same_statement(struct vault *v, struct acceptance *a, struct err *e) /* 14 */
{
	uint8_t stored[32];
	bool known;
	submission_statement_digest(a->statement, a->header_bytes, a->payload_bytes);
	if (!stored_receipt(v, a, NULL, a->statement, stored, &known, e))
		return false;
	if (!known || a->result == ACCEPT_DUPLICATE)
		return true;
	return log_conflict(v, stored, a->statement, e) && reject(a, REJECT_CONFLICT);
}

static void blind_hash(const struct acceptance *a, uint8_t out[32])
{
	struct bytes blind = bytes_of(a->payload.blind, BLIND_BYTES);
	keys_hash(out, LABEL_BLIND, &blind, 1);
}

static bool blind_used(struct vault *v, const struct acceptance *a, bool *used, struct err *e)
{
	struct rows r;
	uint8_t hash[32];
	blind_hash(a, hash);
	rows_open(&r, v->store, "SELECT 1 FROM blind WHERE office = ? AND hash = ?", "tb", a->header.office,
	    bytes_of(hash, sizeof hash));
	*used = rows_next(&r);
	return rows_close(&r, e);
}

/* How many submissions the office has in the period, and the highest revision among them. */
struct filed {
	uint64_t n, revision;
};

static bool count_filed(struct vault *v, const struct acceptance *a, struct filed *out, struct err *e)
{
	struct rows r;
	*out = (struct filed){ 0 };
	rows_open(&r, v->store,
	    "SELECT count(*), coalesce(max(revision), 0) FROM submission WHERE period = ? AND office = ?",
	    "it", a->period.id, a->header.office);
	if (rows_next(&r))
		*out = (struct filed){ rows_uint(&r, 0), rows_uint(&r, 1) };
	return rows_close(&r, e);
}

/* The lowest rule that fails among content's own and the two that need the store. */
static bool step_content(struct vault *v, struct acceptance *a, struct err *e) /* 15 */
{
	struct figures figures = { 0 };
	struct filed filed;
	struct err why = { 0 };
	bool used;
	uint64_t rule = 0;
	if (!content_check(a->config, a->header.period, &a->payload, &figures, &why)) {
		if (why.code != ERR_INVALID) {
			*e = why;
			return false;
		}
		rule = why.detail;
	}
	figures_free(&figures);
	if (!blind_used(v, a, &used, e) || !count_filed(v, a, &filed, e))
		return false;
	if (used && (rule == 0 || rule > RULE_BLIND_USED))
		rule = RULE_BLIND_USED;
	if (a->header.act == ACT_WITHDRAWAL && filed.n == 0 && (rule == 0 || rule > RULE_NOTHING))
		rule = RULE_NOTHING;
	a->detail = rule;
	return rule == 0 || reject(a, REJECT_INVALID_CONTENT);
}

static bool step_revision(struct vault *v, struct acceptance *a, struct err *e) /* 16, and the quota */
{
	struct filed filed;
	if (!count_filed(v, a, &filed, e))
		return false;
	if (filed.n > 0 && a->header.revision <= filed.revision)
		return reject(a, REJECT_REVISION_STALE);
	return filed.n < LIMIT_IDS || reject(a, REJECT_TOO_LARGE);
}

/* --- 17: leaf, receipt, row --- */

static bool make_receipt(struct vault *v, struct acceptance *a, uint64_t leaf, struct err *e)
{
	struct receipt receipt = { .outcome = a->answer == PERIOD_HOLD ? OUTCOME_HELD : OUTCOME_COUNTS,
		.accepted_at_s = vault_now_s(v),
		.log_index = leaf,
		.revision = a->header.revision };
	snprintf(receipt.origin, sizeof receipt.origin, "%s", v->conf->origin);
	memcpy(receipt.dataset, a->header.dataset, sizeof receipt.dataset);
	memcpy(receipt.period, a->header.period, sizeof receipt.period);
	memcpy(receipt.office, a->header.office, sizeof receipt.office);
	memcpy(receipt.submission_id, a->header.submission_id, sizeof receipt.submission_id);
	memcpy(receipt.statement_digest, a->statement, sizeof receipt.statement_digest);
	memcpy(receipt.receipt_key_id, v->keys.receipt->id, sizeof receipt.receipt_key_id);
	return receipt_encode(&a->receipt, &receipt, e) &&
	       receipt_sign(a->signature, v->keys.receipt, buf_bytes(&a->receipt), e);
}

static bool insert_row(struct vault *v, struct acceptance *a, uint64_t leaf, struct err *e)
{
	struct buf row = { 0 };
	struct stored_row parts = { a->header_bytes, a->office_signature, a->payload_bytes };
	struct row_name name = { a->header.submission_id, a->statement };
	bool ok =
	    unseal_write_row(v, &a->period, name, &parts, &row, e) &&
	    store_run(v->store, e,
		"INSERT INTO submission(period, office, id, revision, act, outcome, late, received_s, "
		"statement,"
		" envelope, row, receipt, signature, leaf) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
		"itbiiiiibbbbbi", a->period.id, a->header.office,
		bytes_of(a->header.submission_id, SUBMISSION_ID_BYTES), (uint64_t)a->header.revision,
		(uint64_t)a->header.act, (uint64_t)(a->answer == PERIOD_HOLD ? OUTCOME_HELD : OUTCOME_COUNTS),
		(uint64_t)(a->period.state == PERIOD_GRACE), vault_now_s(v), bytes_of(a->statement, 32),
		bytes_of(a->envelope, 32), buf_bytes(&row), buf_bytes(&a->receipt),
		bytes_of(a->signature, KEY_SIG_BYTES), leaf);
	buf_free(&row);
	return ok;
}

static bool insert_all(struct vault *v, struct acceptance *a, struct err *e)
{
	struct log_entry entry = { .kind = LOG_SUBMISSION };
	uint8_t hash[32];
	uint64_t leaf = vault_next_leaf(v);
	memcpy(entry.statement, a->statement, 32);
	blind_hash(a, hash);
	return vault_add_leaf(v, &entry, e) && make_receipt(v, a, leaf, e) && insert_row(v, a, leaf, e) &&
	       store_run(v->store, e, "INSERT INTO blind VALUES(?, ?, ?)", "tbi", a->header.office,
		   bytes_of(hash, sizeof hash), a->period.id);
}

static bool step_store(struct vault *v, struct acceptance *a, struct err *e) /* 17 */
{
	struct err ignored;
	uint64_t log_size = v->log_size;
	if (!begin(v, e) || !store_savepoint(v->store, e))
		return false;
	if (!insert_all(v, a, e)) {
		store_undo(v->store, &ignored);
		v->log_size = log_size;
		return false;
	}
	a->result = ACCEPT_RECEIPT;
	return store_keep(v->store, e);
}

bool accept_submission(struct vault *v, struct acceptance *a, struct err *e)
{
	static accept_step *const steps[] = { step_header, step_office, step_same_envelope, step_dataset,
		step_period, step_config, step_intake_key, step_open, step_payload, step_same_statement,
		step_content, step_revision, step_store };
	for (size_t i = 0; i < sizeof steps / sizeof *steps && a->result == ACCEPT_GO_ON; i++)
		if (!steps[i](v, a, e))
			return false;
	return true;
}

void accept_free(struct acceptance *a)
{
	payload_free(&a->payload);
	buf_free(&a->plain);
	buf_free(&a->receipt);
}
