#include "client/audit/source.h"
#include "client/keyfile.h"
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define WAIT_S       30u
#define SEALED_MAX   (64u * 1024 * 1024)
#define STATE_MAX    (1u << 20) /* of 4096 releases */
#define TILE_MAX     ((LIMIT_LOG_ENTRY + 2u) * TLOG_TILE_WIDTH)
#define HEX_DIGEST   (2 * KEY_DIGEST_BYTES + 1)
#define EVIDENCE_DIR "evidence"

/* What a client's exit code means to an auditor. */
static int translate(int code, const struct err *e)
{
	if (code == EXIT_OK)
		return AUDIT_HOLDS;
	if (code == EXIT_INTERRUPTED)
		return AUDIT_INTERRUPTED;
	if (code == EXIT_REFUSED && e->detail == REJECT_NOT_FOUND)
		return SOURCE_ABSENT;
	if (code == EXIT_OTHER && (e->code == ERR_CRYPTO || e->code == ERR_INVALID ||
				      e->code == ERR_MALFORMED || e->code == ERR_LIMIT))
		return AUDIT_FAILS;
	return AUDIT_UNCHECKED;
}

static int read_file(const struct source *s, const char *name, size_t max, struct buf *out, struct err *e)
{
	char path[FILE_PATH];

	if (!file_path(path, s->folder, name, e))
		return AUDIT_USAGE;
	if (file_read(out, path, max, e))
		return AUDIT_HOLDS;
	return e->code == ERR_NOT_FOUND ? SOURCE_ABSENT
	       : e->code == ERR_LIMIT   ? AUDIT_FAILS
					: AUDIT_UNCHECKED;
}

/* --- key set and log key --- */

/* The folder's key set, held against the one we have. */
static int folder_keys(struct source *s, struct err *e)
{
	struct deployment *d = &s->d;
	struct buf note = { 0 };
	struct keyset set;
	int code = read_file(s, "keyset", LIMIT_NOTE_BYTES, &note, e);

	if (code == SOURCE_ABSENT)
		code = AUDIT_USAGE;
	if (code == AUDIT_HOLDS && !keyset_open(&set, buf_bytes(&note), &d->root, d->settings.join.origin,
				       d->has_keyset ? d->keyset.serial : 0, buf_bytes(&d->note), e)) {
		err_wrap(e, "%s/keyset", s->folder);
		code = AUDIT_FAILS;
	}
	if (code == AUDIT_HOLDS) {
		d->keyset = set;
		d->has_keyset = true;
	}
	buf_free(&note);
	return code;
}

static int open_keys(struct source *s, struct err *e)
{
	const struct keyset_key *key;
	int code = s->folder ? folder_keys(s, e) : translate(deployment_keys(&s->d, e), e);

	if (code != AUDIT_HOLDS)
		return code;
	key = keyset_active(&s->d.keyset, KEY_LOG);
	if (key == NULL) {
		(void)err_set(e, ERR_NOT_FOUND, "%s", _("the key set has no log key"));
		return AUDIT_FAILS;
	}
	return vkey_make(&s->log, s->d.settings.join.origin, VKEY_ED25519, key->key, e) ? AUDIT_HOLDS
											: AUDIT_FAILS;
}

int source_open(struct source *s, const struct args *args, struct err *e)
{
	unsigned long wait;

	memset(s, 0, sizeof *s);
	s->folder = args_value(args, "public");
	if (!args_number(args, "wait", 30ul * 86400, WAIT_S, &wait))
		return AUDIT_USAGE;
	text_quiet(args_flag(args, "quiet"));
	if (deployment_open(&s->d, args_value(args, "dir"), e) != EXIT_OK)
		return AUDIT_UNCHECKED;
	deployment_wait(&s->d, wait);
	if (!file_path(s->state, s->d.settings.dir, "audit", e) || !file_make_dir(s->state, 0700, e))
		return AUDIT_UNCHECKED;
	return open_keys(s, e);
}

void source_close(struct source *s)
{
	free(s->ahead.end);
	buf_free(&s->ahead.frames);
	deployment_close(&s->d);
}

/* --- questions --- */

static int ask(struct source *s, enum message_kind want, struct err *e)
{
	struct net *n = deployment_query(&s->d, e);

	return n == NULL ? AUDIT_UNCHECKED : translate(deployment_ask(&s->d, n, want, e), e);
}

static int taken(struct buf *out, struct err *e)
{
	if (!out->failed)
		return AUDIT_HOLDS;
	(void)err_set(e, ERR_MEMORY, "no memory for what the gate sent");
	return AUDIT_UNCHECKED;
}

static int ask_log(struct source *s, struct msg_log question, struct buf *out, struct err *e)
{
	int code;

	s->d.ask = (struct message){ .kind = MSG_LOG, .log = question };
	code = ask(s, MSG_LOG_R, e);
	if (code != AUDIT_HOLDS)
		return code;
	buf_put_bytes(out, s->d.reply.log_r.file);
	return taken(out, e);
}

int source_checkpoint(struct source *s, struct buf *note, struct err *e)
{
	buf_clear(note);
	if (s->folder)
		return read_file(s, "log/checkpoint", LIMIT_NOTE_BYTES, note, e);
	return ask_log(s, (struct msg_log){ .what = LOG_CHECKPOINT, .width = 1 }, note, e);
}

int source_tile(struct source *s, const struct tlog_tile *tile, struct buf *out, struct err *e)
{
	char name[TLOG_NAME_MAX], path[TLOG_NAME_MAX + 8];

	buf_clear(out);
	if (!tlog_tile_name(name, tile, e))
		return AUDIT_FAILS;
	(void)snprintf(path, sizeof path, "log/%s", name);
	if (s->folder)
		return read_file(s, path, TILE_MAX, out, e);
	return ask_log(s,
	    (struct msg_log){ .what = tile->entries ? LOG_ENTRIES : LOG_TILE,
		.level = tile->level,
		.index = tile->index,
		.width = tile->width },
	    out, e);
}

/* --- objects --- */

static int folder_object(struct source *s, const uint8_t digest[KEY_DIGEST_BYTES], const char *kind,
    size_t max, struct buf *out, struct err *e)
{
	char hex[HEX_DIGEST], path[HEX_DIGEST + 32];
	uint8_t found[KEY_DIGEST_BYTES];
	int code;

	sodium_bin2hex(hex, sizeof hex, digest, KEY_DIGEST_BYTES);
	if (strcmp(kind, "object") == 0)
		(void)snprintf(path, sizeof path, "object/%.2s/%s", hex, hex);
	else
		(void)snprintf(path, sizeof path, "%s/%s", kind, hex);
	code = read_file(s, path, max, out, e);
	if (code != AUDIT_HOLDS)
		return code;
	keys_file_digest(found, buf_bytes(out));
	if (memcmp(found, digest, sizeof found) == 0)
		return AUDIT_HOLDS;
	(void)err_set(e, ERR_CRYPTO, _("%s: the content is not what its name says"), path);
	return AUDIT_FAILS;
}

int source_object(
    struct source *s, const uint8_t digest[KEY_DIGEST_BYTES], size_t max, struct buf *out, struct err *e)
{
	buf_clear(out);
	if (s->folder)
		return folder_object(s, digest, "object", max, out, e);
	return translate(deployment_object(&s->d, digest, max, out, e), e);
}

int source_config(struct source *s, const uint8_t digest[KEY_DIGEST_BYTES], const char *dataset,
    struct config **out, struct err *e)
{
	struct buf file = { 0 };
	int code;

	*out = NULL;
	if (!s->folder)
		return translate(deployment_config(&s->d, digest, dataset, out, e), e);
	code = folder_object(s, digest, "config", LIMIT_CONFIG_FILE, &file, e);
	if (code == AUDIT_HOLDS) {
		*out = config_parse(buf_bytes(&file), e);
		if (*out == NULL)
			code = AUDIT_FAILS;
	}
	buf_free(&file);
	return code;
}

static int ask_sealed(struct source *s, const uint8_t man[KEY_DIGEST_BYTES], struct buf *out, struct err *e)
{
	const struct msg_object_r *r = &s->d.reply.object_r;

	for (uint64_t total = 1; out->size < total;) {
		int code;

		s->d.ask = (struct message){ .kind = MSG_OBJECT,
			.object = { .offset = out->size, .length = LIMIT_CHUNK_BYTES } };
		memcpy(s->d.ask.object.digest, man, KEY_DIGEST_BYTES);
		code = ask(s, MSG_OBJECT_R, e);
		if (code != AUDIT_HOLDS)
			return code;
		if (r->total > SEALED_MAX || r->offset != out->size || r->chunk.len == 0 ||
		    r->chunk.len > r->total - out->size) {
			(void)err_set(
			    e, ERR_LIMIT, "%s", _("the gate's file is larger than it may be, or cut"));
			return AUDIT_FAILS;
		}
		total = r->total;
		buf_put_bytes(out, r->chunk);
		if (out->failed)
			return taken(out, e);
	}
	return AUDIT_HOLDS;
}

int source_sealed(struct source *s, const uint8_t man[KEY_DIGEST_BYTES], struct buf *out, struct err *e)
{
	char hex[HEX_DIGEST], path[HEX_DIGEST + 16];

	buf_clear(out);
	if (!s->folder)
		return ask_sealed(s, man, out, e);
	sodium_bin2hex(hex, sizeof hex, man, KEY_DIGEST_BYTES);
	(void)snprintf(path, sizeof path, "../audit/%s.age", hex);
	return read_file(s, path, SEALED_MAX, out, e);
}

/* --- the feed --- */

int source_beat(struct source *s, const char *dataset, struct buf *frame, struct err *e)
{
	const struct msg_envelope *r = &s->d.reply.head_r;
	char path[LIMIT_NAME + 16];
	int code;

	buf_clear(frame);
	(void)snprintf(path, sizeof path, "feed/%s/beat", dataset);
	if (s->folder)
		return read_file(s, path, LIMIT_FEED_BYTES, frame, e);
	s->d.ask = (struct message){ .kind = MSG_HEAD };
	(void)snprintf(s->d.ask.head.dataset, sizeof s->d.ask.head.dataset, "%s", dataset);
	code = ask(s, MSG_HEAD_R, e);
	if (code != AUDIT_HOLDS)
		return code;
	return feed_frame_put(frame, r->envelope, r->signature, e) ? AUDIT_HOLDS : AUDIT_UNCHECKED;
}

static int ask_state(struct source *s, const char *dataset, struct buf *file, struct err *e)
{
	const struct msg_state_r *r = &s->d.reply.state_r;
	uint64_t as_of = 0;

	for (uint64_t total = 1; file->size < total;) {
		int code;

		s->d.ask = (struct message){ .kind = MSG_STATE, .state = { .offset = file->size } };
		(void)snprintf(s->d.ask.state.dataset, sizeof s->d.ask.state.dataset, "%s", dataset);
		code = ask(s, MSG_STATE_R, e);
		if (code != AUDIT_HOLDS)
			return code;
		if (r->total > STATE_MAX || r->offset != file->size || r->chunk.len == 0 ||
		    r->chunk.len > r->total - file->size || (file->size > 0 && r->as_of_seq != as_of)) {
			(void)err_set(e, ERR_MALFORMED, "%s", _("the gate's state of the feed is cut"));
			return AUDIT_UNCHECKED;
		}
		as_of = r->as_of_seq;
		total = r->total;
		buf_put_bytes(file, r->chunk);
		if (file->failed)
			break;
	}
	return taken(file, e);
}

int source_state(struct source *s, const char *dataset, struct buf *file, struct err *e)
{
	char path[LIMIT_NAME + 16];

	buf_clear(file);
	(void)snprintf(path, sizeof path, "feed/%s/state", dataset);
	return s->folder ? read_file(s, path, STATE_MAX, file, e) : ask_state(s, dataset, file, e);
}

static bool is_ahead(const struct source *s, const char *dataset, const uint8_t *feed_id, uint64_t seq)
{
	return s->ahead.n > 0 && seq >= s->ahead.first && seq - s->ahead.first < s->ahead.n &&
	       strcmp(s->ahead.dataset, dataset) == 0 &&
	       memcmp(s->ahead.feed_id, feed_id, FEED_ID_BYTES) == 0;
}

static int keep_ahead(struct source *s, uint64_t seq, struct err *e)
{
	const struct msg_range_r *r = &s->d.reply.range_r;

	s->ahead.first = seq;
	s->ahead.n = 0;
	buf_clear(&s->ahead.frames);
	if (s->ahead.end == NULL)
		s->ahead.end = calloc(LIMIT_RANGE, sizeof *s->ahead.end);
	if (s->ahead.end == NULL) {
		(void)err_set(e, ERR_MEMORY, "no memory for the feed");
		return AUDIT_UNCHECKED;
	}
	for (size_t i = 0; i < r->n; i++) {
		if (!feed_frame_put(&s->ahead.frames, r->item[i].envelope, r->item[i].signature, e))
			return AUDIT_UNCHECKED;
		s->ahead.end[s->ahead.n++] = s->ahead.frames.size;
	}
	return taken(&s->ahead.frames, e);
}

/* As many as the gate gives at once. */
static int ask_range(
    struct source *s, const char *dataset, const uint8_t *feed_id, uint64_t seq, struct err *e)
{
	int code;

	s->d.ask = (struct message){ .kind = MSG_RANGE, .range = { .from_seq = seq, .max = LIMIT_RANGE } };
	(void)snprintf(s->d.ask.range.dataset, sizeof s->d.ask.range.dataset, "%s", dataset);
	(void)snprintf(s->ahead.dataset, sizeof s->ahead.dataset, "%s", dataset);
	memcpy(s->d.ask.range.feed_id, feed_id, FEED_ID_BYTES);
	memcpy(s->ahead.feed_id, feed_id, FEED_ID_BYTES);
	s->ahead.n = 0;
	code = ask(s, MSG_RANGE_R, e);
	return code == AUDIT_HOLDS ? keep_ahead(s, seq, e) : code;
}

int source_envelope(struct source *s, const char *dataset, const uint8_t feed_id[FEED_ID_BYTES], uint64_t seq,
    struct buf *frame, struct err *e)
{
	char hex[2 * FEED_ID_BYTES + 1], path[LIMIT_NAME + 64];
	int code = AUDIT_HOLDS;

	buf_clear(frame);
	sodium_bin2hex(hex, sizeof hex, feed_id, FEED_ID_BYTES);
	(void)snprintf(path, sizeof path, "feed/%s/%s/%09llu", dataset, hex, (unsigned long long)seq);
	if (s->folder)
		return read_file(s, path, LIMIT_FEED_BYTES + 4096, frame, e);
	if (!is_ahead(s, dataset, feed_id, seq))
		code = ask_range(s, dataset, feed_id, seq, e);
	if (code != AUDIT_HOLDS)
		return code;
	if (!is_ahead(s, dataset, feed_id, seq))
		return SOURCE_ABSENT;
	size_t i = (size_t)(seq - s->ahead.first), start = i > 0 ? s->ahead.end[i - 1] : 0;
	buf_put(frame, s->ahead.frames.data + start, s->ahead.end[i] - start);
	return taken(frame, e);
}

/* --- evidence --- */

bool source_keep_evidence(struct source *s, const char *what, const struct source_file *file, size_t n,
    char out[FILE_PATH], struct err *e)
{
	char name[128], when[32] = "";
	time_t now = time(NULL);
	struct tm tm;

	if (gmtime_r(&now, &tm) != NULL)
		(void)strftime(when, sizeof when, "%Y%m%dT%H%M%SZ", &tm);
	(void)snprintf(name, sizeof name, EVIDENCE_DIR "/%s-%s", when, what);
	if (!file_path(out, s->state, name, e) || !file_make_dir(out, 0700, e))
		return false;
	for (size_t i = 0; i < n; i++) {
		if (file[i].content.at != NULL && !file_write(out, file[i].name, 0644, file[i].content, e))
			return false;
	}
	return true;
}
