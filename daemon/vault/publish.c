/* publish - see publish.h. The parts: publish_rows (rows), publish_build (set to files), publish_decide (a decision's
 * rows), publish_feed, publish_files, publish_keys. Here: the steps, in their order, and what is repeated after a
 * crash. */
#include "daemon/crash.h"
#include "daemon/say.h"
#include "daemon/vault/journal.h"
#include "daemon/vault/publish_parts.h"
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

/* What a step came to. Files without room come after the commit: publish_tick goes on with them. */
static bool ended(struct vault *v, bool ok, const struct err *why, struct err *e)
{
	if (ok)
		return true;
	if (why->code != ERR_FULL)
		return err_set_detail(e, why->code, why->detail, "%s", why->text);
	v->publish->behind = true;
	return err_set(
	    e, ERR_FULL, "%s: decided and kept; its files are written when there is room", why->text);
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

static bool withhold(struct vault *v, const struct period *p, const struct release_record *r,
    const struct built *b, struct err *e)
{
	if (!vault_begin(v, e))
		return false;
	if (!decide_withheld(v, p, r, b, e) || !vault_commit(v, e))
		return again(v);
	return files_audit(v, b->man, e) && journal_write(v, e);
}

/* --- witnesses: bound first, published when enough of them have seen it in the log --- */

static bool bind_now(
    struct vault *v, const struct period *p, struct release_record *r, const struct built *b, struct err *e)
{
	if (!vault_begin(v, e))
		return false;
	if (!decide_bound(v, p, r, b, &r->leaf, e) || !record_move(v, p->id, r, STAGE_PROTECTED, e) ||
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
	if (!decide_published(v, p, r, b, e))
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

static bool release_steps(
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

bool publish_release(
    struct vault *v, const struct period *p, bool dry_run, struct publish_report *out, struct err *e)
{
	struct err why = { 0 };

	return ended(v, release_steps(v, p, dry_run, out, &why), &why, e);
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

bool publish_withdraw(struct vault *v, const struct period *p, enum log_reason reason,
    struct publish_report *out, struct err *e)
{
	struct release_record r;
	struct built none = { 0 };
	struct err why = { 0 };
	bool found = false;

	if (!record_in_force(v, p->id, &r, &found, e))
		return false;
	if (!found)
		return err_set(e, ERR_NOT_FOUND, "release: none of this period is published");
	if (!vault_begin(v, e))
		return false;
	if (!decide_withdrawn(v, p, &r, reason, e) || !vault_commit(v, e))
		return again(v);
	CV_CRASH("release-commit");
	r.stage = STAGE_WITHDRAWN;
	if (!ended(v, finish(v, p, &r, &why), &why, e))
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
	if (store_broken(v->store) || why.code == ERR_SYSTEM || why.code == ERR_FULL)
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

static bool files_now(struct vault *v, struct err *e)
{
	return files_plain(v, NULL, e) && vault_each_dataset(v, files_of_feed, v, e) && feed_beat(v, true, e);
}

bool publish_files(struct vault *v, struct err *e)
{
	struct err why = { 0 };

	return ended(v, files_now(v, &why), &why, e);
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

static bool beat_and_publish(struct vault *v, struct err *e)
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

bool publish_tick(struct vault *v, struct err *e)
{
	struct publish *pub = v->publish;
	struct err why = { 0 };

	bool ok = !pub->behind || (files_audit_all(v, NULL, &why) && files_now(v, &why));
	if (ok && beat_and_publish(v, &why)) {
		pub->behind = false;
		return true;
	}
	pub->behind = pub->behind || why.code == ERR_FULL;
	return err_set_detail(e, why.code, why.detail, "%s", why.text);
}

static bool greet_dataset(void *context, const struct dataset *d, struct err *e)
{
	return feed_send_last(context, d, GREET_LAST, e);
}

bool publish_greet(struct vault *v, struct err *e)
{
	return vault_each_dataset(v, greet_dataset, v, e) && feed_beat(v, false, e);
}
