/* The sealed set of a period, one form in the clear at a time: calls of vault.h. */
#include "daemon/vault/registry.h"
#include "daemon/vault/unseal.h"
#include "daemon/vault/vault.h"
#include "proto/content.h"
#include "proto/submission.h"

#include <stdlib.h>
#include <string.h>

/* For each office the statement of the highest revision in the span. Withdrawals are left out by act = 1,
 * after the highest was found. */
#define SEALED_SET                                                                                           \
	" FROM submission s WHERE s.period = ?1 AND s.seq <= ?2 AND (s.outcome = 1 OR ?3) AND s.act = 1"     \
	" AND s.revision = (SELECT max(m.revision) FROM submission m WHERE m.period = ?1"                    \
	" AND m.office = s.office AND m.seq <= ?2 AND (m.outcome = 1 OR ?3))"

struct visit {
	struct vault *v;
	const struct period *p;
	const struct config *config;
	vault_sealed_fn *fn;
	void *context;
};

/* What was acknowledged is what is counted: the statement's digest is the one in receipt and log, and the office
 * signed it. Whoever holds the data key could write another row, but not sign it. */
static bool check_row(const struct visit *visit, const char *office, struct row_name name,
    const struct stored_row *row, struct err *e)
{
	struct submission_header header;
	enum registry_key found;
	uint8_t digest[KEY_DIGEST_BYTES], key[KEY_BYTES];
	submission_statement_digest(digest, row->header, row->payload);
	if (memcmp(digest, name.statement, sizeof digest) != 0)
		return err_set(
		    e, ERR_CRYPTO, "the stored form is not the one its receipt and the log speak of");
	if (!submission_header_decode(&header, row->header, e) ||
	    !registry_office_key(visit->v, header.office, header.office_key_id, &found, key, e))
		return false;
	if (found == REGISTRY_NO_KEY || strcmp(header.office, office) != 0 ||
	    strcmp(header.dataset, visit->p->dataset) != 0 || strcmp(header.period, visit->p->name) != 0)
		return err_set(e, ERR_CRYPTO, "the stored form is of another office, key or period");
	return submission_verify(row->signature.at, key, row->header, row->payload, e);
}

static bool open_figures(const struct visit *visit, const char *office, struct row_name name,
    struct bytes row, struct figures *figures, struct err *e)
{
	struct buf plain = { 0 };
	struct stored_row parts;
	struct payload payload = { 0 };
	bool ok = unseal_read_row(visit->v, visit->p, name, row, &plain, &parts, e) &&
		  check_row(visit, office, name, &parts, e) &&
		  payload_decode(&payload, ACT_FIGURES, parts.payload, e) &&
		  content_check(visit->config, visit->p->name, &payload, figures, e);
	payload_free(&payload);
	buf_free(&plain);
	return ok;
}

static bool visit_row(const struct visit *visit, struct rows *r, struct err *e)
{
	struct figures figures = { 0 };
	uint8_t id[SUBMISSION_ID_BYTES];
	struct sealed form = { .office = rows_text(r, 0), .seq = rows_uint(r, 1), .figures = &figures };
	uint8_t statement[32];
	struct row_name name = { id, statement };
	if (!rows_copy(r, 2, statement, sizeof statement) || !rows_copy(r, 3, id, sizeof id))
		return false;
	form.statement = statement;
	if (!open_figures(visit, form.office, name, rows_bytes(r, 4), &figures, e))
		return err_wrap(e, "submission number %llu", (unsigned long long)form.seq);
	bool ok = visit->fn(visit->context, &form, e);
	figures_free(&figures);
	return ok;
}

bool vault_each_sealed(struct vault *v, const struct period *p, struct seal_span span, vault_sealed_fn *fn,
    void *context, struct err *e)
{
	struct rows r;
	struct visit visit = { v, p, vault_config(v, p->config, e), fn, context };
	bool ok = true;
	if (visit.config == NULL)
		return false;
	rows_open(&r, v->store,
	    "SELECT s.office, s.seq, s.statement, s.id, s.row" SEALED_SET " ORDER BY s.office", "iii", p->id,
	    span.upto_seq, (uint64_t)span.held);
	while (ok && rows_next(&r))
		ok = visit_row(&visit, &r, e);
	return rows_close(&r, e) && ok;
}

/* How many rows the set has: bounds the array before it is taken. */
static bool count_sealed(
    struct vault *v, const struct period *p, struct seal_span span, size_t *n, struct err *e)
{
	struct rows r;
	rows_open(
	    &r, v->store, "SELECT count(*)" SEALED_SET, "iii", p->id, span.upto_seq, (uint64_t)span.held);
	*n = rows_next(&r) ? (size_t)rows_uint(&r, 0) : 0;
	return rows_close(&r, e);
}

bool vault_seal_digests(struct vault *v, const struct period *p, struct seal_span span,
    uint8_t (**digests)[32], size_t *n, struct err *e)
{
	struct rows r;
	size_t i = 0;
	*digests = NULL;
	if (!count_sealed(v, p, span, n, e))
		return false;
	*digests = calloc(*n + 1, sizeof **digests);
	if (*digests == NULL)
		return err_set(e, ERR_MEMORY, "seal: out of memory");
	rows_open(&r, v->store, "SELECT s.statement" SEALED_SET " ORDER BY s.statement", "iii", p->id,
	    span.upto_seq, (uint64_t)span.held);
	while (i < *n && rows_next(&r) && rows_copy(&r, 0, (*digests)[i], 32))
		i++;
	if (rows_close(&r, e) && i == *n)
		return true;
	free(*digests);
	*digests = NULL;
	return false;
}

uint64_t vault_last_seq(struct vault *v)
{
	struct rows r;
	rows_open(&r, v->store, "SELECT coalesce(max(seq), 0) FROM submission", "");
	uint64_t seq = rows_next(&r) ? rows_uint(&r, 0) : 0;
	rows_close(&r, NULL);
	return seq;
}
