/* publish - see publish.h. The parts: publish_rows (rows), publish_build (set to files), publish_feed,
 * publish_files, publish_keys. Here: the steps, in their order, and what is repeated after a crash. */
#include "daemon/crash.h"
#include "daemon/say.h"
#include "daemon/vault/journal.h"
#include "daemon/vault/publish_parts.h"
#include "proto/age.h"
#include "proto/keys.h"
#include "proto/minisign.h"
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BEAT_FILE_MS 60000u /* readers without ZeroMQ see the beat's file */
#define GREET_LAST   3u     /* envelopes a gate gets when it opens */

void publish_report_free(struct publish_report *r)
{
	buf_free(&r->text);
}

static bool again(struct vault *v)
{
	vault_rollback(v);
	return false;
}

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

/* --- sealing --- */

bool publish_may(const struct period *p, struct err *e)
{
	if (p->state == PERIOD_CLOSED)
		return true;
	return err_set(
	    e, ERR_REFUSED, "release: only of a closed period; this one is %s", period_state_name(p->state));
}

static bool seal_now(
    struct vault *v, const struct period *p, uint64_t revision, struct seal_row *seal, struct err *e)
{
	if (v->space_critical)
		return err_set(e, ERR_REFUSED, "the disk is nearly full: nothing is sealed");
	if (!vault_begin(v, e))
		return false;
	if (!seal_add(v, p, revision, seal, e) || !vault_commit(v, e))
		return again(v);
	CV_CRASH("release-sealed");
	return true;
}

/* Another release of a period needs another set than the newest one that stands. */
static bool something_new(
    struct vault *v, const struct period *p, const struct release_record *newest, struct err *e)
{
	struct seal_row before, now;

	if (newest->stage != STAGE_PUBLISHED)
		return true;
	if (!seal_read(v, p->id, newest->revision, &before, e) ||
	    !seal_look(v, p, newest->revision + 1, &now, e))
		return false;
	if (memcmp(before.root, now.root, sizeof now.root) != 0)
		return true;
	return err_set(e, ERR_REFUSED,
	    "release: revision %llu is published, and no office has sent anything new",
	    (unsigned long long)newest->revision);
}

/* Which revision comes next, and whether its set is sealed already. */
static bool next_revision(
    struct vault *v, const struct period *p, uint64_t *revision, bool *sealed, struct err *e)
{
	struct release_record newest;
	bool found = false;

	*revision = 0;
	*sealed = false;
	if (!record_newest(v, p->id, &newest, &found, e) || (found && !something_new(v, p, &newest, e)))
		return false;
	*sealed = found && (newest.stage == STAGE_SEALED || newest.stage == STAGE_PROTECTED);
	if (found)
		*revision = *sealed ? newest.revision : newest.revision + 1;
	return true;
}

/* --- withheld: outside nobody learns why --- */

static bool withhold_rows(struct vault *v, const struct period *p, const struct release_record *r,
    const struct built *b, struct err *e)
{
	struct log_entry leaf = leaf_of(LOG_NO_RELEASE, p, r->revision);

	memcpy(leaf.manifest, b->man, sizeof leaf.manifest);
	return record_move(v, p->id, r, STAGE_WITHHELD, e) && seal_manifest(v, b, e) &&
	       vault_add_leaf(v, &leaf, e) &&
	       store_run(v->store, e, "UPDATE release SET done = 1 WHERE period = ? AND revision = ?", "ii",
		   p->id, r->revision);
}

static bool withhold(struct vault *v, const struct period *p, const struct release_record *r,
    const struct built *b, struct err *e)
{
	if (!vault_begin(v, e))
		return false;
	if (!withhold_rows(v, p, r, b, e) || !vault_commit(v, e))
		return again(v);
	return files_audit(v, b->man, e) && journal_write(v, e);
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

/* Ledger, leaf and sealed manifest: what binds us to these bytes. */
static bool bind_rows(struct vault *v, const struct period *p, const struct release_record *r,
    const struct built *b, uint64_t *leaf, struct err *e)
{
	uint8_t ledger[32];

	if (!add_ledger_entry(v, p, r, b, ledger, e))
		return false;
	*leaf = vault_next_leaf(v);
	return add_release_leaf(v, p, r, b, ledger, e) && seal_manifest(v, b, e);
}

static bool publish_rows(
    struct vault *v, const struct period *p, const struct release_record *r, struct built *b, struct err *e)
{
	struct dataset d;
	uint64_t leaf = r->leaf;
	bool supersedes = false;

	if (!vault_dataset(v, p->dataset, &d, e) || !sign_manifest(v, p, &d, r, b, e) ||
	    !supersede(v, p, r->revision, &supersedes, e))
		return false;
	if (r->stage == STAGE_SEALED && !bind_rows(v, p, r, b, &leaf, e))
		return false;
	return store_release(v, p, r, b, d.feed_seq + 1, leaf, e) &&
	       add_news(v, p, r, b, supersedes ? FEED_SUPERSEDES : FEED_NEW, leaf, e);
}

/* --- witnesses: bound first, published when enough of them have seen it in the log --- */

static bool bind_now(
    struct vault *v, const struct period *p, struct release_record *r, const struct built *b, struct err *e)
{
	if (!vault_begin(v, e))
		return false;
	if (!bind_rows(v, p, r, b, &r->leaf, e) || !record_move(v, p->id, r, STAGE_PROTECTED, e) ||
	    !store_run(v->store, e,
		"UPDATE release SET object = ?, bytes = ?, leaf = ? WHERE period = ? AND revision = ?",
		"biiii", bytes_of(b->object, 32), b->bytes, r->leaf, p->id, r->revision) ||
	    !vault_commit(v, e))
		return again(v);
	CV_CRASH("release-bound");
	r->stage = STAGE_PROTECTED;
	memcpy(r->object, b->object, sizeof r->object);
	return files_audit(v, b->man, e) && journal_write(v, e);
}

/* --- after the transaction: repeatable, and repeated at start until done --- */

static bool mark_done(struct vault *v, const struct period *p, uint64_t revision, struct err *e)
{
	if (!vault_begin(v, e))
		return false;
	if (!store_run(v->store, e, "UPDATE release SET done = 1 WHERE period = ? AND revision = ?", "ii",
		p->id, revision) ||
	    !vault_commit(v, e))
		return again(v);
	return true;
}

static bool finish(struct vault *v, const struct period *p, const struct release_record *r, struct err *e)
{
	static const char *const told[] = { "log/checkpoint" };
	struct dataset d;

	if (!vault_dataset(v, p->dataset, &d, e))
		return false;
	bool files = r->stage == STAGE_WITHDRAWN ? files_withdraw(v, p, r->revision, e)
						 : files_release(v, p, r->revision, NULL, e);
	if (!files || !feed_files(v, &d, NULL, e))
		return false;
	CV_CRASH("release-files");
	if (!journal_write(v, e))
		return false;
	CV_CRASH("release-checkpoint");
	files_tell(v, told, 1);
	if (!feed_send_last(v, &d, 1, e) || !feed_beat(v, true, e))
		return false;
	CV_CRASH("release-feed");
	return mark_done(v, p, r->revision, e);
}

static bool publish_now(
    struct vault *v, const struct period *p, struct release_record *r, struct built *b, struct err *e)
{
	if (!vault_begin(v, e))
		return false;
	if (!publish_rows(v, p, r, b, e))
		return again(v);
	CV_CRASH("release-before-commit");
	if (!vault_commit(v, e))
		return again(v);
	CV_CRASH("release-commit");
	bool found = false;
	return record_in_force(v, p->id, r, &found, e) && files_audit(v, b->man, e) && finish(v, p, r, e);
}

static bool publish_built(struct vault *v, const struct period *p, struct release_record *r, struct built *b,
    struct publish_report *out, struct err *e)
{
	bool enough = false;

	if (r->stage == STAGE_PROTECTED && memcmp(b->object, r->object, sizeof r->object) != 0)
		return err_set(
		    e, ERR_INTERNAL, "release: making it again gives other bytes than the log is bound to");
	if (!record_witnessed(v, p, r, &enough, NULL, e))
		return false;
	if (!enough && r->stage == STAGE_SEALED && !bind_now(v, p, r, b, e))
		return false;
	return enough ? publish_now(v, p, r, b, e) : record_witnessed(v, p, r, &enough, &out->text, e);
}

/* --- the operator's words --- */

static void fill_report(struct publish_report *out, const struct release_record *r, const struct built *b)
{
	out->revision = r->revision;
	out->stage = r->stage;
	out->seq = r->seq;
	out->n_offices = b->n_offices;
	out->n_cells = b->n_cells;
	out->n_suppressed = b->n_suppressed;
	if (b->result != NULL && b->result->refusal == REFUSAL_NONE) /* what the ladder did, and advice */
		buf_put_bytes(&out->text, buf_bytes(&b->result->reasons));
	memcpy(out->object, b->object, sizeof out->object);
}

static void tell_refusal(struct publish_report *out, const struct built *b)
{
	buf_put_text(&out->text, "Nothing is published: the table cannot leave safely.\n");
	buf_put_bytes(&out->text, buf_bytes(&b->result->reasons));
}

/* Protects a sealed set and publishes or withholds it. */
static bool publish_sealed(struct vault *v, const struct period *p, const struct seal_row *seal,
    struct publish_report *out, struct err *e)
{
	struct built *b = calloc(1, sizeof *b);
	struct release_record r;
	bool found = false;
	bool ok = b != NULL || err_set(e, ERR_MEMORY, "release: no memory");

	ok = ok && record_newest(v, p->id, &r, &found, e) && built_make(v, p, seal, b, e);
	if (!ok)
		goto done;
	CV_CRASH("release-protected");
	if (b->result->refusal == REFUSAL_NONE) {
		ok = publish_built(v, p, &r, b, out, e);
	} else {
		ok = withhold(v, p, &r, b, e);
		r.stage = STAGE_WITHHELD;
		tell_refusal(out, b);
	}
	if (ok)
		fill_report(out, &r, b);
done:
	if (b)
		built_free(b);
	free(b);
	return ok;
}

/* What would happen, without a trace. */
static bool rehearse(struct vault *v, const struct period *p, const struct seal_row *seal,
    struct publish_report *out, struct err *e)
{
	struct built *b = calloc(1, sizeof *b);
	struct release_record r = { .revision = seal->revision };
	bool ok = b != NULL || err_set(e, ERR_MEMORY, "release: no memory");

	ok = ok && built_make(v, p, seal, b, e);
	if (ok && b->result->refusal != REFUSAL_NONE) {
		r.stage = STAGE_WITHHELD;
		tell_refusal(out, b);
	}
	ok = ok && built_tell(v, p, b, out, e);
	if (ok)
		fill_report(out, &r, b);
	if (b)
		built_free(b);
	free(b);
	return ok;
}

static bool read_or_look(struct vault *v, const struct period *p, uint64_t revision, bool sealed,
    struct seal_row *seal, struct err *e)
{
	return sealed ? seal_read(v, p->id, revision, seal, e) : seal_look(v, p, revision, seal, e);
}

bool publish_release(
    struct vault *v, const struct period *p, bool dry_run, struct publish_report *out, struct err *e)
{
	struct publish_report unheard = { 0 };
	struct seal_row seal;
	uint64_t revision = 0;
	bool sealed = false;

	if (!publish_may(p, e) || !next_revision(v, p, &revision, &sealed, e))
		return false;
	if (dry_run)
		return read_or_look(v, p, revision, sealed, &seal, e) && rehearse(v, p, &seal, out, e);
	if (!sealed &&
	    revision > 0) { /* a seal is public: first see whether the engine takes revisions at all */
		bool ok = seal_look(v, p, revision, &seal, e) && rehearse(v, p, &seal, &unheard, e);

		publish_report_free(&unheard);
		if (!ok)
			return false;
	}
	if (!(sealed ? seal_read(v, p->id, revision, &seal, e) : seal_now(v, p, revision, &seal, e)))
		return false;
	if (vault_reached(v, p->publish_s))
		return publish_sealed(v, p, &seal, out, e);
	out->revision = revision;
	out->stage = STAGE_SEALED;
	out->n_offices = seal.n;
	buf_put_text(
	    &out->text, "The set is sealed; it is published at the instant the configuration names.\n");
	return journal_write(v, e);
}

bool publish_show(struct vault *v, const struct period *p, struct publish_report *out, struct err *e)
{
	struct built *b = calloc(1, sizeof *b);
	struct release_record r;
	struct seal_row seal;
	bool found = false;
	bool ok = b != NULL || err_set(e, ERR_MEMORY, "release: no memory");

	ok = ok && record_newest(v, p->id, &r, &found, e);
	if (ok && !found)
		ok = err_set(e, ERR_NOT_FOUND,
		    "release: none of this period yet; publish --dry-run shows what it would be");
	ok = ok && seal_read(v, p->id, r.revision, &seal, e) && built_make(v, p, &seal, b, e);
	if (ok && b->result->refusal != REFUSAL_NONE)
		tell_refusal(out, b);
	if (ok && r.stage == STAGE_PUBLISHED && memcmp(b->object, r.object, sizeof r.object) != 0)
		ok = err_set(
		    e, ERR_INTERNAL, "release: making it again gives other bytes than were published");
	ok = ok && built_tell(v, p, b, out, e);
	if (ok && r.stage == STAGE_PROTECTED)
		ok = record_witnessed(v, p, &r, &found, &out->text, e);
	if (ok)
		fill_report(out, &r, b);
	if (b)
		built_free(b);
	free(b);
	return ok;
}

bool publish_table(
    struct vault *v, const struct period *p, publish_file_fn *file, void *context, struct err *e)
{
	struct release_record r;
	struct seal_row seal;
	bool found = false;

	if (!record_newest(v, p->id, &r, &found, e))
		return false;
	if (!found)
		return err_set(e, ERR_NOT_FOUND, "release: none of this period yet");
	return seal_read(v, p->id, r.revision, &seal, e) && built_table(v, p, &seal, file, context, e);
}

/* --- taking back --- */

static bool withdraw_rows(
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

bool publish_withdraw(struct vault *v, const struct period *p, enum log_reason reason,
    struct publish_report *out, struct err *e)
{
	struct release_record r;
	struct built none = { 0 };
	bool found = false;

	if (!record_in_force(v, p->id, &r, &found, e))
		return false;
	if (!found)
		return err_set(e, ERR_NOT_FOUND, "release: none of this period is published");
	if (!vault_begin(v, e))
		return false;
	if (!withdraw_rows(v, p, &r, reason, e) || !vault_commit(v, e))
		return again(v);
	CV_CRASH("release-commit");
	r.stage = STAGE_WITHDRAWN;
	if (!finish(v, p, &r, e))
		return false;
	fill_report(out, &r, &none);
	memcpy(out->object, r.object, sizeof out->object);
	buf_put_text(&out->text, "The files are gone; feed, log and ledger keep what was published.\n");
	return true;
}

/* --- by the clock, and at start --- */

/* The next period after the one of that id with a sealed set, or with steps left to do. */
static bool next_waiting(struct vault *v, uint64_t after, struct period *out, bool *found, struct err *e)
{
	char dataset[LIMIT_NAME + 1] = "", name[LIMIT_PERIOD + 1] = "";
	struct rows r;

	rows_open(&r, v->store,
	    "SELECT DISTINCT p.id, p.dataset, p.name FROM release r JOIN period p ON p.id = r.period"
	    " WHERE p.id > ? AND (r.stage IN (?, ?) OR (r.done = 0 AND r.stage IN (?, ?))) ORDER BY p.id "
	    "LIMIT 1",
	    "iiiii", after, (uint64_t)STAGE_SEALED, (uint64_t)STAGE_PROTECTED, (uint64_t)STAGE_PUBLISHED,
	    (uint64_t)STAGE_WITHDRAWN);
	*found = rows_next(&r) && rows_copy_text(&r, 1, dataset, sizeof dataset) &&
		 rows_copy_text(&r, 2, name, sizeof name);
	return rows_close(&r, e) && (!*found || vault_period(v, dataset, name, out, e));
}

/* A sealed set whose instant has come. What cannot be published is told once, and not tried again in this
 * run. */
static bool publish_due(
    struct vault *v, const struct period *p, const struct release_record *r, struct err *e)
{
	struct publish_report report = { 0 };
	struct seal_row seal;
	struct err why = { 0 };

	bool enough = true;

	if (p->state != PERIOD_CLOSED || !vault_reached(v, p->publish_s) || p->id == v->publish->tried_period)
		return true;
	if (r->stage == STAGE_PROTECTED && !record_witnessed(v, p, r, &enough, NULL, e))
		return false;
	if (!enough)
		return true;
	bool ok = seal_read(v, p->id, r->revision, &seal, &why) && publish_sealed(v, p, &seal, &report, &why);
	publish_report_free(&report);
	if (ok)
		return true;
	if (store_broken(v->store) || why.code == ERR_SYSTEM)
		return err_set(e, why.code, "%s", why.text);
	v->publish->tried_period = p->id;
	say(SAY_ERROR, "publish", "a sealed set could not be published: %s", why.text);
	return true;
}

static bool do_waiting(struct vault *v, bool finish_only, struct err *e)
{
	struct period p = { 0 };
	struct release_record r;
	bool found = false;

	for (;;) {
		if (!next_waiting(v, p.id, &p, &found, e))
			return false;
		if (!found)
			return true;
		if (!record_waiting(v, p.id, &r, &found, e))
			return false;
		bool sealed = r.stage == STAGE_SEALED || r.stage == STAGE_PROTECTED;
		if (sealed ? !finish_only && !publish_due(v, &p, &r, e) : !finish(v, &p, &r, e))
			return false;
	}
}

static bool files_of_feed(void *context, const struct dataset *d, struct err *e)
{
	return feed_files(context, d, NULL, e);
}

bool publish_files(struct vault *v, struct err *e)
{
	return files_plain(v, NULL, e) && vault_each_dataset(v, files_of_feed, v, e) && feed_beat(v, true, e);
}

bool publish_resume(struct vault *v, struct err *e)
{
	v->publish = calloc(1, sizeof *v->publish);
	if (!v->publish)
		return err_set(e, ERR_MEMORY, "publish: no memory");
	v->publish->files.dir = v->publish->audit.dir = -1;
	return files_open(v, e) && keys_open(v, e) && journal_write(v, e) && do_waiting(v, true, e) &&
	       files_repair(v, e) && feed_beat(v, true, e) && do_waiting(v, false, e);
}

void publish_close(struct vault *v)
{
	if (!v->publish)
		return;
	files_close(v);
	free(v->publish);
	v->publish = NULL;
}

bool publish_tick(struct vault *v, struct err *e)
{
	uint64_t now_ms = os_boot_ms(v->os);
	struct publish *pub = v->publish;

	if (now_ms >= pub->beat_ms) {
		bool to_file = now_ms >= pub->beat_file_ms;

		pub->beat_ms = now_ms + v->conf->beat_s * 1000;
		if (to_file)
			pub->beat_file_ms = now_ms + BEAT_FILE_MS;
		if (!feed_beat(v, to_file, e))
			return false;
	}
	return do_waiting(v, false, e);
}

static bool greet_dataset(void *context, const struct dataset *d, struct err *e)
{
	return feed_send_last(context, d, GREET_LAST, e);
}

bool publish_greet(struct vault *v, struct err *e)
{
	return vault_each_dataset(v, greet_dataset, v, e) && feed_beat(v, false, e);
}
