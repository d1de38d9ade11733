#include "client/audit/releasecheck.h"
#include "client/audit/statecheck.h"
#include "client/protect/certificate.h"
#include "client/protect/verifycert.h"
#include "proto/export.h"
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MANIFEST_MAX 65536u

const char *releasecheck_name(char room[128], const struct log_entry *x)
{
	(void)snprintf(
	    room, 128, "%s %s revision %llu", x->dataset, x->period, (unsigned long long)x->revision);
	return room;
}

/* --- a release leaf --- */

bool releasecheck_withdrawn(const struct loglist *l, const struct log_entry *release)
{
	struct log_entry x;

	for (uint64_t i = release->index + 1; i < l->n; i++) {
		if (loglist_entry_of(l, i, LOG_WITHDRAW, &x) &&
		    memcmp(x.object, release->object, sizeof x.object) == 0)
			return true;
	}
	return false;
}

static bool is_seal_of(const struct loglist *l, uint64_t i, const struct log_entry *release)
{
	struct log_entry x;

	return i < release->index && loglist_entry(l, i, &x, NULL) && x.kind == LOG_PERIOD_SEAL &&
	       strcmp(x.dataset, release->dataset) == 0 && strcmp(x.period, release->period) == 0 &&
	       x.revision == release->revision;
}

static bool config_was_logged(
    const struct loglist *l, const struct log_entry *release, const uint8_t config[32])
{
	struct log_entry x;

	for (uint64_t i = release->index; i-- > 0;) {
		if (loglist_entry_of(l, i, LOG_CONFIG, &x) && strcmp(x.dataset, release->dataset) == 0 &&
		    memcmp(x.new_config, config, 32) == 0)
			return true;
	}
	return false;
}

static bool fits_leaf(const struct loglist *l, struct source *s, const struct manifest *m,
    const struct log_entry *x, struct err *e)
{
	if (strcmp(m->origin, s->d.settings.join.origin) != 0 || strcmp(m->dataset, x->dataset) != 0 ||
	    strcmp(m->period, x->period) != 0 || m->revision != x->revision)
		return err_set(e, ERR_CRYPTO, "%s", _("the manifest is of another release"));
	if (!is_seal_of(l, m->seal, x))
		return err_set(
		    e, ERR_CRYPTO, "%s", _("the manifest names no seal of this period in the log"));
	return config_was_logged(l, x, m->config) ||
	       err_set(e, ERR_CRYPTO, "%s", _("the release's configuration does not stand in the log"));
}

static bool numbers_fit(const struct release_rows *rows, const struct log_entry *x, struct err *e)
{
	uint64_t cells = 0, hidden = 0;

	for (size_t t = 0; t < rows->n_tables; t++) {
		cells += rows->table[t].n_rows;
		for (size_t i = 0; i < rows->table[t].n_rows; i++)
			hidden += rows->table[t].row[i].state == RELEASE_SUPPRESSED;
	}
	return (cells == x->cells && hidden == x->suppressed) ||
	       err_set(e, ERR_CRYPTO, "%s", _("the leaf counts other cells than the release has"));
}

static int fetch_files(struct release_files *r, struct source *s, struct err *e)
{
	int code = AUDIT_HOLDS;

	if (r->manifest.bytes > RELEASE_BYTES_MAX) {
		(void)err_set(e, ERR_LIMIT, "%s", _("the release is larger than this program takes"));
		return AUDIT_UNCHECKED;
	}
	for (size_t i = 0; code == AUDIT_HOLDS && i < r->manifest.n_files; i++) {
		code = source_object(s, r->manifest.file[i].digest, LIMIT_PUBLIC_FILE, &r->file[i], e);
		if (code != AUDIT_HOLDS)
			err_wrap(e, "%s", r->manifest.file[i].name);
	}
	return code;
}

int releasecheck_fetch(struct release_files *r, const struct loglist *l, struct source *s,
    const struct log_entry *x, struct err *e)
{
	int code = source_object(s, x->object, MANIFEST_MAX, &r->manifest_text, e);

	if (code == SOURCE_ABSENT && !releasecheck_withdrawn(l, x)) {
		(void)err_set(e, ERR_NOT_FOUND, "%s", _("it stands in the log, and its files are not there"));
		return AUDIT_FAILS;
	}
	if (code != AUDIT_HOLDS)
		return code;
	if (!manifest_parse(&r->manifest, buf_bytes(&r->manifest_text), e) ||
	    !fits_leaf(l, s, &r->manifest, x, e))
		return AUDIT_FAILS;
	code = fetch_files(r, s, e);
	if (code != AUDIT_HOLDS)
		return code == SOURCE_ABSENT ? AUDIT_FAILS : code;
	return release_files_check(r, e) && numbers_fit(&r->rows, x, e) ? AUDIT_HOLDS : AUDIT_FAILS;
}

/* --- the certificate --- */

void releasecheck_remove(const char *dir)
{
	DIR *d = opendir(dir);
	const struct dirent *entry;
	char path[FILE_PATH];

	while (d != NULL && (entry = readdir(d)) != NULL) {
		if (entry->d_name[0] != '.' && file_path(path, dir, entry->d_name, NULL))
			(void)unlink(path);
	}
	if (d != NULL)
		(void)closedir(d);
	(void)rmdir(dir);
}

bool releasecheck_unpack(const struct release_files *r, struct source *s, char dir[FILE_PATH], struct err *e)
{
	if (!file_path(dir, s->state, "release-XXXXXX", e))
		return false;
	if (mkdtemp(dir) == NULL)
		return err_set(e, ERR_SYSTEM, "%s: cannot be made", dir);
	return release_files_write(r, dir, e);
}

int releasecheck_certificate(
    const struct release_files *r, struct source *s, struct verdicts *v, const char *where, struct err *e)
{
	struct certificate_report report = { 0 };
	char dir[FILE_PATH];
	int code = AUDIT_HOLDS;

	if (!releasecheck_unpack(r, s, dir, e))
		code = AUDIT_UNCHECKED;
	else if (!verifycert_folder(dir, &report, e))
		code = AUDIT_FAILS;
	if (code == AUDIT_HOLDS)
		verdicts_add(v, VERDICT_HOLDS, "certificate", where,
		    _("none of the %llu hidden cells can be computed from what is printed; the publisher "
		      "claims %s"),
		    (unsigned long long)report.hidden, report.level);
	else
		verdicts_add_code(v, code, "certificate", where, "", e);
	releasecheck_remove(dir);
	return code;
}

/* --- feeds --- */

/* The minisign file of an envelope, against the manifest that the leaf named. */
static bool check_signature(
    struct release_files *r, struct source *s, const struct feed_envelope *env, struct err *e)
{
	struct minisign_claim want = { .revision = env->revision, .seq = env->seq, .file = "manifest.txt" };

	(void)snprintf(want.origin, sizeof want.origin, "%s", s->d.settings.join.origin);
	memcpy(want.dataset, env->dataset, sizeof want.dataset);
	memcpy(want.period, env->period, sizeof want.period);
	memcpy(want.feed_id, env->feed_id, sizeof want.feed_id);
	buf_put_bytes(&r->minisig, env->minisig);
	return release_files_check_manifest(r, &s->d.keyset, &want, e);
}

/* The folder's copy of the files, as a web server gives them: byte for byte the objects. */
static bool check_folder(
    const struct release_files *r, struct source *s, const struct log_entry *x, struct err *e)
{
	char dir[FILE_PATH], path[FILE_PATH];
	uint8_t digest[KEY_DIGEST_BYTES];
	struct buf file = { 0 };
	bool ok = true;

	if (s->folder == NULL)
		return true;
	(void)snprintf(
	    path, sizeof path, "release/%s/%s/%llu", x->dataset, x->period, (unsigned long long)x->revision);
	if (!file_path(dir, s->folder, path, e))
		return false;
	for (size_t i = 0; ok && i < r->manifest.n_files + 2; i++) {
		size_t n = r->manifest.n_files;
		const char *name = i < n    ? r->manifest.file[i].name
				   : i == n ? "manifest.txt"
					    : "manifest.txt.minisig";
		const struct buf *want = i < n ? &r->file[i] : i == n ? &r->manifest_text : &r->minisig;

		buf_clear(&file);
		ok =
		    file_path(path, dir, name, e) && file_read(&file, path, LIMIT_PUBLIC_FILE, e) &&
		    (bytes_equal(buf_bytes(&file), buf_bytes(want)) ||
			err_set(e, ERR_CRYPTO, _("%s/%s: not what the log and the feed promise"), dir, name));
	}
	keys_file_digest(digest, buf_bytes(&r->minisig));
	ok = ok && source_object(s, digest, MINISIGN_BYTES_MAX, &file, e) == AUDIT_HOLDS;
	buf_free(&file);
	return ok;
}

/* The configuration is there and parses, and every row of the release has its place in it. */
static int check_config(const struct release_files *r, struct source *s, struct err *e)
{
	struct config *config = NULL;
	int code = source_config(s, r->manifest.config, r->manifest.dataset, &config, e);

	if (code == AUDIT_HOLDS && !export_check(&r->rows, config, e))
		code = AUDIT_FAILS;
	if (code != AUDIT_HOLDS)
		err_wrap(e, "%s", _("configuration"));
	config_free(config);
	return code == SOURCE_ABSENT ? AUDIT_FAILS : code;
}

static int check_release(const struct loglist *l, struct source *s, const struct feed_envelope *env,
    const struct log_entry *x, struct verdicts *v, struct err *e)
{
	struct release_files *r = calloc(1, sizeof *r);
	char where[128];
	int code;

	if (r == NULL)
		return AUDIT_UNCHECKED;
	releasecheck_name(where, x);
	code = releasecheck_fetch(r, l, s, x, e);
	if (code == AUDIT_HOLDS && (!check_signature(r, s, env, e) || !check_folder(r, s, x, e)))
		code = AUDIT_FAILS;
	if (code == AUDIT_HOLDS)
		code = check_config(r, s, e);
	if (code == SOURCE_ABSENT)
		verdicts_add(v, VERDICT_HOLDS, "release", where, "%s",
		    _("withdrawn; its files are gone, as they should be"));
	else
		verdicts_add_code(v, code, "release", where,
		    _("leaf, object, files, numbers, configuration, seal and signature fit together"), e);
	if (code == AUDIT_HOLDS)
		code = releasecheck_certificate(r, s, v, where, e);
	release_files_free(r);
	free(r);
	return code == SOURCE_ABSENT ? AUDIT_HOLDS : code;
}

/* One feed under way. */
struct chain {
	struct feed_reader reader;
	uint8_t *told; /* for each leaf: an envelope names it */
	bool late;     /* beyond the beat that was read */
	struct buf frame;
};

static int take_envelope(const struct loglist *l, struct source *s, struct chain *c,
    const struct feed_envelope *env, struct verdicts *v, struct err *e)
{
	struct log_entry x;
	char where[128];

	if (env->kind != FEED_RELEASE)
		return AUDIT_HOLDS;
	(void)snprintf(where, sizeof where, "%s %llu", env->dataset, (unsigned long long)env->seq);
	if (c->late && env->log_index >= l->n) {
		verdicts_add(v, VERDICT_UNCHECKED, "feed", where, "%s",
		    _("it came after the log was read: look again"));
		return AUDIT_UNCHECKED;
	}
	bool withdraws = env->action == FEED_WITHDRAWS;
	if (env->log_index >= l->n || !loglist_entry(l, env->log_index, &x, e) ||
	    x.kind != (withdraws ? LOG_WITHDRAW : LOG_RELEASE) || strcmp(x.dataset, env->dataset) != 0 ||
	    strcmp(x.period, env->period) != 0 || x.revision != env->revision ||
	    memcmp(x.object, env->object, sizeof x.object) != 0) {
		verdicts_add(v, VERDICT_FAILS, "feed", where, "%s",
		    _("the envelope's release does not stand in the log where it says"));
		return AUDIT_FAILS;
	}
	c->told[env->log_index] = 1;
	return withdraws ? AUDIT_HOLDS : check_release(l, s, env, &x, v, e);
}

/* The newest beat: where the feed stands, and a root of the log signed by the feed key. */
static int take_beat(struct source *s, struct chain *c, struct feed_envelope *beat, struct err *e)
{
	struct bytes envelope;
	uint8_t signature[KEY_SIG_BYTES];
	bool good = false;
	int code = source_beat(s, c->reader.dataset, &c->frame, e);

	if (code != AUDIT_HOLDS)
		return code;
	if (!feed_frame_parse(&envelope, signature, buf_bytes(&c->frame), e) ||
	    !feed_decode(beat, envelope, e))
		return AUDIT_FAILS;
	for (size_t i = 0; i < c->reader.n_keys; i++)
		good = good || feed_verify(FEED_BEAT, envelope, signature, c->reader.key[i]);
	if (!good || beat->kind != FEED_BEAT || strcmp(beat->dataset, c->reader.dataset) != 0) {
		(void)err_set(
		    e, ERR_CRYPTO, "%s", _("the beat is not signed by the feed key of the key set"));
		return AUDIT_FAILS;
	}
	memcpy(c->reader.feed_id, beat->feed_id, sizeof c->reader.feed_id);
	return AUDIT_HOLDS;
}

/* A beat of a moment after the checkpoint that was read: the log must have grown meanwhile. What cannot be computed
 * with the entries we have is left to the next look, which is held against this one. */
static int check_newer_beat(struct source *s, const struct feed_envelope *beat, struct verdicts *v)
{
	struct buf note = { 0 };
	struct checkpoint now = { 0 };
	struct err e = { 0 };
	bool grown = source_checkpoint(s, &note, &e) == AUDIT_HOLDS &&
		     checkpoint_open(&now, buf_bytes(&note), &s->log, NULL, 0, NULL, &e) &&
		     now.size >= beat->log_size;

	buf_free(&note);
	if (grown)
		return AUDIT_HOLDS;
	verdicts_add(v, VERDICT_UNCHECKED, "feed", beat->dataset,
	    _("the beat names a log of %llu entries, and the checkpoint is of fewer"),
	    (unsigned long long)beat->log_size);
	return AUDIT_UNCHECKED;
}

static int check_beat_root(
    const struct loglist *l, struct source *s, const struct feed_envelope *beat, struct verdicts *v)
{
	struct tlog_hash root;

	if (beat->log_size > l->n)
		return check_newer_beat(s, beat, v);
	loglist_root(l, beat->log_size, &root);
	if (memcmp(root.b, beat->log_root, sizeof root.b) == 0)
		return AUDIT_HOLDS;
	verdicts_add(v, VERDICT_FAILS, "feed", beat->dataset, "%s",
	    _("the beat names another root of the log than the log has"));
	return AUDIT_FAILS;
}

/* How old the beat is, is for the reader to judge: a log that stands still says the same for ever. */
static void tell_feed(const struct loglist *l, const struct feed_envelope *beat, struct verdicts *v)
{
	struct buf at = { 0 };

	text_time(&at, beat->time_s);
	buf_put_byte(&at, 0);
	verdicts_add(v, VERDICT_HOLDS, "feed", beat->dataset,
	    beat->log_size <= l->n
		? _("%llu envelopes, one chain, signed; the beat of %s names this log")
		: _("%llu envelopes, one chain, signed; the beat of %s names the log as it "
		    "went on while it was read"),
	    (unsigned long long)beat->seq, at.failed ? "" : (const char *)at.data);
	buf_free(&at);
}

/* On to that envelope. broken: it cannot be followed further, which was told. */
static int follow_to(const struct loglist *l, struct source *s, struct chain *c, uint64_t last, bool *broken,
    struct verdicts *v, struct err *e)
{
	int worst = AUDIT_HOLDS;
	char where[128];

	while (c->reader.seq < last) {
		struct feed_envelope env;
		uint64_t seq = c->reader.seq + 1;
		int code = source_envelope(s, c->reader.dataset, c->reader.feed_id, seq, &c->frame, e);

		(void)snprintf(where, sizeof where, "%s %llu", c->reader.dataset, (unsigned long long)seq);
		if (code == AUDIT_HOLDS &&
		    feed_reader_step(&c->reader, buf_bytes(&c->frame), &env, e) != FEED_APPLY) {
			(void)err_set(e, ERR_CRYPTO, "%s",
			    _("the envelope is not the next of the chain, or its signature is not good"));
			code = AUDIT_FAILS;
		}
		if (code != AUDIT_HOLDS) {
			verdicts_add_code(v, code, "feed", where, "", e);
			*broken = true;
			return code == SOURCE_ABSENT ? AUDIT_FAILS : code;
		}
		code = take_envelope(l, s, c, &env, v, e);
		worst = worst == AUDIT_HOLDS || code == AUDIT_FAILS ? code : worst;
	}
	return worst;
}

static int follow_chain(const struct loglist *l, struct source *s, struct chain *c,
    const struct feed_envelope *beat, struct verdicts *v, struct err *e)
{
	bool broken = false;
	int worst = check_beat_root(l, s, beat, v), code = follow_to(l, s, c, beat->seq, &broken, v, e);

	if (broken)
		return code;
	worst = worst == AUDIT_HOLDS || code == AUDIT_FAILS ? code : worst;
	if (worst == AUDIT_FAILS && memcmp(c->reader.link, beat->prev, sizeof beat->prev) == 0)
		return worst;
	if (memcmp(c->reader.link, beat->prev, sizeof beat->prev) == 0) {
		tell_feed(l, beat, v);
		return worst;
	}
	verdicts_add(v, VERDICT_FAILS, "feed", c->reader.dataset, "%s",
	    _("the chain does not end where the beat says"));
	return AUDIT_FAILS;
}

/* What readers who join late begin with. It is written before the beat that tells of it. */
static int check_state(
    const struct loglist *l, struct source *s, struct chain *c, struct verdicts *v, struct err *e)
{
	struct feed_state state;
	bool broken = false;
	int code = statecheck_read(s, &c->reader, &state, e);

	if (code == AUDIT_HOLDS && state.as_of > c->reader.seq) {
		c->late = true;
		code = follow_to(l, s, c, state.as_of, &broken, v, e);
		if (code != AUDIT_HOLDS)
			goto done; /* told */
	}
	if (code == AUDIT_HOLDS)
		code = statecheck(l, &c->reader, &state, c->told, e);
	verdicts_add_code(v, code, "state", c->reader.dataset,
	    _("readers who join late begin with the releases in force"), e);
done:
	feed_state_free(&state);
	return code == SOURCE_ABSENT ? AUDIT_FAILS : code;
}

static int check_feed(const struct loglist *l, struct source *s, const char *dataset, uint8_t *told,
    struct verdicts *v, struct err *e)
{
	struct chain *c = calloc(1, sizeof *c);
	struct feed_envelope beat;
	int code;

	if (c == NULL)
		return AUDIT_UNCHECKED;
	c->told = told;
	c->frame.max = LIMIT_FEED_BYTES + 8192;
	(void)snprintf(c->reader.dataset, sizeof c->reader.dataset, "%s", dataset);
	c->reader.n_keys = keyset_verifiers(&s->d.keyset, KEY_FEED, c->reader.key, FEED_KEYS_MAX);
	code = take_beat(s, c, &beat, e);
	if (code == AUDIT_HOLDS) {
		code = follow_chain(l, s, c, &beat, v, e);
		if (code == AUDIT_HOLDS)
			code = check_state(l, s, c, v, e);
	} else {
		verdicts_add_code(v, code, "feed", dataset, "", e);
		code = code == SOURCE_ABSENT ? AUDIT_FAILS : code;
	}
	buf_free(&c->frame);
	free(c);
	return code;
}

/* --- all --- */

static bool is_first_of_dataset(const struct loglist *l, uint64_t i, const struct log_entry *x)
{
	struct log_entry y;

	while (i-- > 0) {
		if (loglist_entry_of(l, i, LOG_CONFIG, &y) && strcmp(x->dataset, y.dataset) == 0)
			return false;
	}
	return true;
}

/* A configuration of the dataset asks for witnesses, and nothing came after the release in its period. */
static bool waits_for_witnesses(const struct loglist *l, struct source *s, const struct log_entry *release)
{
	struct log_entry x;
	struct err ignored = { 0 };
	bool asks = false;

	for (uint64_t i = release->index; !asks && i-- > 0;) {
		struct config *config = NULL;

		if (!loglist_entry_of(l, i, LOG_CONFIG, &x) || strcmp(x.dataset, release->dataset) != 0)
			continue;
		asks = source_config(s, x.new_config, x.dataset, &config, &ignored) == AUDIT_HOLDS &&
		       config->witnesses > 0;
		config_free(config);
	}
	for (uint64_t i = release->index + 1; asks && i < l->n; i++)
		asks =
		    !((loglist_entry_of(l, i, LOG_RELEASE, &x) || loglist_entry_of(l, i, LOG_WITHDRAW, &x)) &&
			strcmp(x.dataset, release->dataset) == 0 && strcmp(x.period, release->period) == 0);
	return asks;
}

static int check_told(const struct loglist *l, struct source *s, const uint8_t *told, struct verdicts *v)
{
	struct log_entry x;
	char where[128];
	int code = AUDIT_HOLDS;

	for (uint64_t i = 0; i < l->n; i++) {
		if (told[i] || !loglist_entry_of(l, i, LOG_RELEASE, &x))
			continue;
		if (waits_for_witnesses(l, s, &x)) {
			verdicts_add(v, VERDICT_UNCHECKED, "release", releasecheck_name(where, &x), "%s",
			    _("decided, and not published yet: it waits for witnesses to sign the log"));
			code = code == AUDIT_HOLDS ? AUDIT_UNCHECKED : code;
			continue;
		}
		verdicts_add(v, VERDICT_FAILS, "release", releasecheck_name(where, &x), "%s",
		    _("it stands in the log, and no envelope of the feed tells of it"));
		code = AUDIT_FAILS;
	}
	return code;
}

/* The chain over everything that ever left, as each release leaf carries it. */
static int check_ledger(const struct loglist *l, struct verdicts *v)
{
	uint8_t before[32] = { 0 }, after[32];
	struct buf entry = { 0 };
	struct log_entry x;
	char where[128];
	uint64_t n = 0;
	int code = AUDIT_HOLDS;

	for (uint64_t i = 0; code == AUDIT_HOLDS && i < l->n; i++) {
		if (!loglist_entry_of(l, i, LOG_RELEASE, &x))
			continue;
		n++;
		if (!release_ledger(after, before, x.dataset, x.period, x.revision, x.object, &entry) ||
		    memcmp(after, x.ledger, sizeof after) != 0)
			code = AUDIT_FAILS;
		memcpy(before, x.ledger, sizeof before);
	}
	if (code == AUDIT_HOLDS)
		verdicts_add(v, VERDICT_HOLDS, "ledger", "",
		    _("one chain over the %llu releases that ever left"), (unsigned long long)n);
	else
		verdicts_add(v, VERDICT_FAILS, "ledger", releasecheck_name(where, &x), "%s",
		    _("its leaf does not continue the chain over everything that left before"));
	buf_free(&entry);
	return code;
}

int releasecheck_all(const struct loglist *l, struct source *s, struct verdicts *v, struct err *e)
{
	uint8_t *told = calloc(l->n + 1, 1);
	struct log_entry x;
	int code = AUDIT_HOLDS, worst = AUDIT_HOLDS;

	if (told == NULL) {
		(void)err_set(e, ERR_MEMORY, "no memory for the releases");
		return AUDIT_UNCHECKED;
	}
	for (uint64_t i = 0; i < l->n; i++) {
		if (!loglist_entry_of(l, i, LOG_CONFIG, &x) || !is_first_of_dataset(l, i, &x))
			continue;
		code = check_feed(l, s, x.dataset, told, v, e);
		worst = worst == AUDIT_HOLDS || code == AUDIT_FAILS ? code : worst;
	}
	code = worst == AUDIT_HOLDS ? check_told(l, s, told, v) : worst;
	free(told);
	worst = check_ledger(l, v);
	return worst == AUDIT_FAILS ? worst : code;
}
