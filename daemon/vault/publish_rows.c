/* The rows of seals and releases: calls of publish_parts.h. */
#include "daemon/vault/publish_parts.h"
#include "proto/tlog.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool seal_read(struct vault *v, uint64_t period, uint64_t revision, struct seal_row *out, struct err *e)
{
	struct rows r;
	bool found;

	*out = (struct seal_row){ .revision = revision };
	rows_open(&r, v->store,
	    "SELECT n, root, upto, held, leaf, sealed_s FROM seal WHERE period = ? AND revision = ?", "ii",
	    period, revision);
	found = rows_next(&r) && rows_copy(&r, 1, out->root, sizeof out->root);
	if (found) {
		out->n = rows_uint(&r, 0);
		out->span = (struct seal_span){ .upto_seq = rows_uint(&r, 2), .held = rows_uint(&r, 3) != 0 };
		out->leaf = rows_uint(&r, 4);
		out->sealed_s = rows_uint(&r, 5);
	}
	if (!rows_close(&r, e))
		return false;
	return found || err_set(e, ERR_INTERNAL, "release: its seal is missing");
}

/* RFC 6962 root over the statement digests, ascending; the leaf input is the digest's 32 bytes. */
static bool set_root(uint8_t (*digest)[32], size_t n, uint8_t root[32], struct err *e)
{
	struct tlog_hash *leaf = calloc(n + 1, sizeof *leaf), top;

	if (!leaf)
		return err_set(e, ERR_MEMORY, "seal: no memory");
	for (size_t i = 0; i < n; i++)
		tlog_leaf(&leaf[i], bytes_of(digest[i], 32));
	struct tlog_leaves leaves = { .leaf = leaf, .n = n };
	struct tlog_source source = tlog_source_leaves(&leaves);
	bool ok = tlog_root(&top, &source, n, e);
	if (ok)
		memcpy(root, top.b, sizeof top.b);
	free(leaf);
	return ok;
}

bool seal_look(
    struct vault *v, const struct period *p, uint64_t revision, struct seal_row *out, struct err *e)
{
	const struct seal_row now = { .revision = revision,
		.sealed_s = vault_now_s(v),
		.leaf = vault_next_leaf(v),
		.span = { .upto_seq = vault_last_seq(v), .held = revision > 0 } };

	return seal_again(v, p, &now, out, e);
}

bool seal_again(
    struct vault *v, const struct period *p, const struct seal_row *seal, struct seal_row *out, struct err *e)
{
	uint8_t(*digest)[32] = NULL;
	size_t n = 0;

	*out = *seal;
	bool ok = vault_seal_digests(v, p, out->span, &digest, &n, e) && set_root(digest, n, out->root, e);
	out->n = n;
	free(digest);
	return ok;
}

static bool add_seal_leaf(struct vault *v, const struct period *p, const struct seal_row *s, struct err *e)
{
	struct log_entry leaf = { .kind = LOG_PERIOD_SEAL, .revision = s->revision, .n = s->n };

	memcpy(leaf.dataset, p->dataset, sizeof leaf.dataset);
	memcpy(leaf.period, p->name, sizeof leaf.period);
	memcpy(leaf.root, s->root, sizeof leaf.root);
	return vault_add_leaf(v, &leaf, e);
}

bool seal_add(struct vault *v, const struct period *p, uint64_t revision, struct seal_row *out, struct err *e)
{
	return seal_look(v, p, revision, out, e) &&
	       store_run(v->store, e,
		   "INSERT INTO seal(period, revision, n, root, upto, held, leaf, sealed_s) VALUES(?, ?, ?, "
		   "?, ?, ?, ?, ?)",
		   "iiibiiii", p->id, revision, out->n, bytes_of(out->root, 32), out->span.upto_seq,
		   (uint64_t)out->span.held, out->leaf, out->sealed_s) &&
	       store_run(v->store, e, "INSERT INTO release(period, revision, stage) VALUES(?, ?, ?)", "iii",
		   p->id, revision, (uint64_t)STAGE_SEALED) &&
	       add_seal_leaf(v, p, out, e);
}

#define RECORD_COLUMNS "revision, stage, done, bytes, seq, leaf, published_s, object"

static bool take_record(struct rows *r, struct release_record *out, bool *found, struct err *e)
{
	*out = (struct release_record){ 0 };
	*found = rows_next(r);
	if (*found) {
		out->revision = rows_uint(r, 0);
		out->stage = (enum release_stage)rows_uint(r, 1);
		out->done = rows_uint(r, 2) != 0;
		out->bytes = rows_uint(r, 3);
		out->seq = rows_uint(r, 4);
		out->leaf = rows_uint(r, 5);
		out->published_s = rows_uint(r, 6);
		if (rows_bytes(r, 7).len > 0)
			rows_copy(r, 7, out->object, sizeof out->object);
	}
	return rows_close(r, e);
}

bool record_newest(struct vault *v, uint64_t period, struct release_record *out, bool *found, struct err *e)
{
	struct rows r;

	rows_open(&r, v->store,
	    "SELECT " RECORD_COLUMNS " FROM release WHERE period = ? ORDER BY revision DESC LIMIT 1", "i",
	    period);
	return take_record(&r, out, found, e);
}

bool record_in_force(struct vault *v, uint64_t period, struct release_record *out, bool *found, struct err *e)
{
	struct rows r;

	rows_open(&r, v->store, "SELECT " RECORD_COLUMNS " FROM release WHERE period = ? AND stage = ?", "ii",
	    period, (uint64_t)STAGE_PUBLISHED);
	return take_record(&r, out, found, e);
}

bool record_waiting(struct vault *v, uint64_t period, struct release_record *out, bool *found, struct err *e)
{
	struct rows r;

	rows_open(&r, v->store,
	    "SELECT " RECORD_COLUMNS " FROM release WHERE period = ?"
	    " AND (stage IN (?, ?) OR (done = 0 AND stage IN (?, ?))) ORDER BY revision LIMIT 1",
	    "iiiii", period, (uint64_t)STAGE_SEALED, (uint64_t)STAGE_PROTECTED, (uint64_t)STAGE_PUBLISHED,
	    (uint64_t)STAGE_WITHDRAWN);
	return take_record(&r, out, found, e);
}

bool record_move(
    struct vault *v, uint64_t period, const struct release_record *r, enum release_stage to, struct err *e)
{
	if (!release_may(r->stage, to))
		return err_set(
		    e, ERR_REFUSED, "release: not possible while it is %s", release_stage_name(r->stage));
	return store_run(v->store, e, "UPDATE release SET stage = ? WHERE period = ? AND revision = ?", "iii",
	    (uint64_t)to, period, r->revision);
}

bool record_files(struct vault *v, uint64_t period, uint64_t revision, struct publish_file *file, size_t room,
    size_t *n, struct err *e)
{
	struct rows r;
	bool ok = true;

	*n = 0;
	rows_open(&r, v->store,
	    "SELECT name, data FROM release_file WHERE period = ? AND revision = ? ORDER BY name", "ii",
	    period, revision);
	while (ok && *n < room && rows_next(&r)) {
		file[*n] = (struct publish_file){ 0 };
		ok = rows_copy_text(&r, 0, file[*n].name, sizeof file[*n].name);
		buf_put_bytes(&file[*n].data, rows_bytes(&r, 1));
		ok = ok && !file[*n].data.failed;
		++*n;
	}
	if (!rows_close(&r, e))
		return false;
	return ok || err_set(e, ERR_MEMORY, "release: no memory for its files");
}

static bool count_witnesses(
    struct vault *v, const struct period *p, uint64_t revision, uint64_t *n, struct err *e)
{
	struct rows r;

	rows_open(&r, v->store, "SELECT count(*) FROM witnessed WHERE period = ? AND revision = ?", "ii",
	    p->id, revision);
	*n = rows_next(&r) ? rows_uint(&r, 0) : 0;
	return rows_close(&r, e);
}

bool record_witnessed(struct vault *v, const struct period *p, const struct release_record *r, bool *enough,
    struct buf *text, struct err *e)
{
	const struct config *config = vault_config(v, p->config, e);
	uint64_t n = 0;

	if (!config || !count_witnesses(v, p, r->revision, &n, e))
		return false;
	*enough = n >= config->witnesses;
	if (!*enough && text)
		buf_printf(text,
		    "Decided, and leaf %llu of the log; the files wait for witnesses: %llu of %u have "
		    "signed.\n",
		    (unsigned long long)r->leaf, (unsigned long long)n, config->witnesses);
	return true;
}
