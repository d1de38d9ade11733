/* publish_decide - what a decision leaves in the store, each inside a transaction of publish.c: withheld, bound,
 * published, withdrawn. */
#include "daemon/vault/publish_parts.h"
#include "proto/age.h"
#include "proto/minisign.h"
#include <sodium.h>
#include <stdio.h>
#include <string.h>

/* --- the auditors' manifest --- */

struct recipients {
	uint8_t key[AGE_RECIPIENTS_MAX][32];
	size_t n;
};

static bool add_recipient(void *context, const char *text, struct err *e)
{
	struct recipients *r = context;

	if (r->n == AGE_RECIPIENTS_MAX)
		return err_set(e, ERR_LIMIT, "too many auditors for one sealed manifest");
	return age_recipient_parse(r->key[r->n++], bytes_text(text), e);
}

/* Encrypts the suppression manifest to the auditors. Without any, its digest in the leaf still binds us: the
 * manifest can be made again as long as the period's data key lives. */
static bool seal_manifest(struct vault *v, const struct built *b, struct err *e)
{
	struct recipients to = { 0 };
	struct age_random random;
	struct buf age = { 0 };

	if (!vault_each_auditor(v, add_recipient, &to, e))
		return false;
	if (to.n == 0)
		return true;
	os_random(v->os, &random, sizeof random);
	bool ok = age_encrypt(&age, buf_bytes(&b->result->manifest), (const uint8_t(*)[32])to.key, to.n,
		      &random, e) &&
		  store_run(v->store, e,
		      "INSERT INTO sealed_manifest(digest, age) VALUES(?, ?) ON CONFLICT DO NOTHING", "bb",
		      bytes_of(b->man, 32), buf_bytes(&age));
	sodium_memzero(&random, sizeof random);
	buf_free(&age);
	return ok;
}

/* --- leaves --- */

static struct log_entry leaf_of(enum log_kind kind, const struct period *p, uint64_t revision)
{
	struct log_entry leaf = { .kind = kind, .revision = revision };

	memcpy(leaf.dataset, p->dataset, sizeof leaf.dataset);
	memcpy(leaf.period, p->name, sizeof leaf.period);
	return leaf;
}

static bool add_taken_leaf(struct vault *v, enum log_kind kind, const struct period *p,
    const struct release_record *r, enum log_reason reason, struct err *e)
{
	struct log_entry leaf = leaf_of(kind, p, r->revision);

	memcpy(leaf.object, r->object, sizeof leaf.object);
	leaf.reason = reason;
	return vault_add_leaf(v, &leaf, e);
}

/* --- withheld: outside nobody learns why --- */

bool decide_withheld(struct vault *v, const struct period *p, const struct release_record *r,
    const struct built *b, struct err *e)
{
	struct log_entry leaf = leaf_of(LOG_NO_RELEASE, p, r->revision);

	memcpy(leaf.manifest, b->man, sizeof leaf.manifest);
	return record_move(v, p->id, r, STAGE_WITHHELD, e) && seal_manifest(v, b, e) &&
	       vault_add_leaf(v, &leaf, e) &&
	       store_run(v->store, e, "UPDATE release SET done = 1 WHERE period = ? AND revision = ?", "ii",
		   p->id, r->revision);
}

/* --- the publishing transaction --- */

/* Everything that ever left, as a chain of public facts: dataset, period, revision, object. */
static bool add_ledger_entry(struct vault *v, const struct period *p, const struct release_record *r,
    const struct built *b, uint8_t digest[32], struct err *e)
{
	uint8_t before[32] = { 0 };
	struct buf entry = { 0 };
	struct rows rows;

	rows_open(&rows, v->store, "SELECT digest FROM ledger ORDER BY n DESC LIMIT 1", "");
	if (rows_next(&rows))
		rows_copy(&rows, 0, before, sizeof before);
	if (!rows_close(&rows, e))
		return false;
	bool ok = (release_ledger(digest, before, p->dataset, p->name, r->revision, b->object, &entry) ||
		      err_set(e, ERR_MEMORY, "ledger: no memory")) &&
		  store_run(v->store, e,
		      "INSERT INTO ledger(dataset, period, revision, entry, digest) VALUES(?, ?, ?, ?, ?)",
		      "tiibb", p->dataset, p->id, r->revision, buf_bytes(&entry), bytes_of(digest, 32));
	buf_free(&entry);
	return ok;
}

static bool add_release_leaf(struct vault *v, const struct period *p, const struct release_record *r,
    const struct built *b, const uint8_t ledger[32], struct err *e)
{
	struct log_entry leaf = leaf_of(LOG_RELEASE, p, r->revision);

	memcpy(leaf.object, b->object, sizeof leaf.object);
	memcpy(leaf.manifest, b->man, sizeof leaf.manifest);
	memcpy(leaf.ledger, ledger, sizeof leaf.ledger);
	leaf.cells = b->n_cells;
	leaf.suppressed = b->n_suppressed;
	return vault_add_leaf(v, &leaf, e);
}

/* The release in force before this one, if any, is superseded. */
static bool supersede(struct vault *v, const struct period *p, uint64_t revision, bool *any, struct err *e)
{
	struct release_record before = { .stage = STAGE_PUBLISHED };
	struct rows r;

	rows_open(&r, v->store,
	    "SELECT revision, object FROM release WHERE period = ? AND stage = ? AND revision < ?", "iii",
	    p->id, (uint64_t)STAGE_PUBLISHED, revision);
	*any = rows_next(&r) && rows_copy(&r, 1, before.object, sizeof before.object);
	before.revision = *any ? rows_uint(&r, 0) : 0;
	if (!rows_close(&r, e))
		return false;
	return !*any || (record_move(v, p->id, &before, STAGE_SUPERSEDED, e) &&
			    add_taken_leaf(v, LOG_SUPERSEDE, p, &before, LOG_REASON_CORRECTED, e));
}

static bool sign_manifest(struct vault *v, const struct period *p, const struct dataset *d,
    const struct release_record *r, struct built *b, struct err *e)
{
	struct minisign_claim claim = { .time_s = vault_now_s(v),
		.file = "manifest.txt",
		.revision = r->revision,
		.seq = d->feed_seq + 1 };
	struct buf minisig = { 0 };

	snprintf(claim.origin, sizeof claim.origin, "%s", v->conf->origin);
	memcpy(claim.dataset, p->dataset, sizeof claim.dataset);
	memcpy(claim.period, p->name, sizeof claim.period);
	memcpy(claim.feed_id, d->feed_id, sizeof claim.feed_id);
	bool ok =
	    minisign_sign(&minisig, buf_bytes(built_file(b, "manifest.txt")), &claim, v->keys.release, e) &&
	    built_add(b, "manifest.txt.minisig", buf_bytes(&minisig), e);
	buf_free(&minisig);
	return ok;
}

static bool store_files(
    struct vault *v, const struct period *p, uint64_t revision, const struct built *b, struct err *e)
{
	for (size_t i = 0; i < b->n_files; i++) {
		if (!store_run(v->store, e,
			"INSERT INTO release_file(period, revision, name, data) VALUES(?, ?, ?, ?)", "iitb",
			p->id, revision, b->file[i].name, buf_bytes(&b->file[i].data)))
			return false;
	}
	return true;
}

static bool store_release(struct vault *v, const struct period *p, const struct release_record *r,
    const struct built *b, uint64_t seq, uint64_t leaf, struct err *e)
{
	struct release_record protected = *r;

	/* SEALED -> PROTECTED -> PUBLISHED: what was decided is durable only together with what it led to */
	if (r->stage == STAGE_SEALED && !record_move(v, p->id, r, STAGE_PROTECTED, e))
		return false;
	protected.stage = STAGE_PROTECTED;
	return record_move(v, p->id, &protected, STAGE_PUBLISHED, e) &&
	       store_run(v->store, e,
		   "UPDATE release SET object = ?, bytes = ?, seq = ?, leaf = ?, published_s = ?, done = 0"
		   " WHERE period = ? AND revision = ?",
		   "biiiiii", bytes_of(b->object, 32), b->bytes, seq, leaf, vault_now_s(v), p->id,
		   r->revision) &&
	       store_run(v->store, e, "UPDATE period SET released = 1 WHERE id = ?", "i", p->id) &&
	       store_files(v, p, r->revision, b, e);
}

static bool add_news(struct vault *v, const struct period *p, const struct release_record *r,
    const struct built *b, enum feed_action action, uint64_t leaf, struct err *e)
{
	const struct feed_news news = { .action = action,
		.revision = r->revision,
		.bytes = b->bytes,
		.log_index = leaf,
		.object = b->object,
		.minisig = buf_bytes(built_file(b, "manifest.txt.minisig")),
		.manifest = buf_bytes(built_file(b, "manifest.txt")),
		.rows = buf_bytes(built_file(b, "release.msgpack")) };

	return feed_add(v, p, &news, e);
}

bool decide_bound(struct vault *v, const struct period *p, const struct release_record *r,
    const struct built *b, uint64_t *leaf, struct err *e)
{
	uint8_t ledger[32];

	if (!add_ledger_entry(v, p, r, b, ledger, e))
		return false;
	*leaf = vault_next_leaf(v);
	return add_release_leaf(v, p, r, b, ledger, e) && seal_manifest(v, b, e);
}

bool decide_published(
    struct vault *v, const struct period *p, const struct release_record *r, struct built *b, struct err *e)
{
	struct dataset d;
	uint64_t leaf = r->leaf;
	bool supersedes = false;

	if (!vault_dataset(v, p->dataset, &d, e) || !sign_manifest(v, p, &d, r, b, e) ||
	    !supersede(v, p, r->revision, &supersedes, e))
		return false;
	if (r->stage == STAGE_SEALED && !decide_bound(v, p, r, b, &leaf, e))
		return false;
	return store_release(v, p, r, b, d.feed_seq + 1, leaf, e) &&
	       add_news(v, p, r, b, supersedes ? FEED_SUPERSEDES : FEED_NEW, leaf, e);
}

/* --- taking back --- */

bool decide_withdrawn(
    struct vault *v, const struct period *p, struct release_record *r, enum log_reason reason, struct err *e)
{
	struct publish_file file[BUILT_FILES];
	struct feed_news news = { .action = FEED_WITHDRAWS,
		.revision = r->revision,
		.bytes = r->bytes,
		.log_index = vault_next_leaf(v),
		.object = r->object };
	size_t n = 0;

	bool ok = record_files(v, p->id, r->revision, file, BUILT_FILES, &n, e);
	for (size_t i = 0; i < n; i++) {
		if (strcmp(file[i].name, "manifest.txt.minisig") == 0)
			news.minisig = buf_bytes(&file[i].data);
	}
	ok = ok && record_move(v, p->id, r, STAGE_WITHDRAWN, e) &&
	     add_taken_leaf(v, LOG_WITHDRAW, p, r, reason, e) && feed_add(v, p, &news, e) &&
	     store_run(v->store, e, "UPDATE release SET done = 0 WHERE period = ? AND revision = ?", "ii",
		 p->id, r->revision);
	for (size_t i = 0; i < n; i++)
		buf_free(&file[i].data);
	return ok;
}
