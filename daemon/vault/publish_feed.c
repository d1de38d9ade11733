/* The feed's rows, their files, the state file and the beats: calls of publish_feed.h. */
#include "daemon/vault/journal.h"
#include "daemon/vault/publish_parts.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* "feed/<dataset>/<feed id>/<seq>", nine digits */
static void envelope_path(char path[PUBLIC_PATH_ROOM], const struct dataset *d, uint64_t seq)
{
	char id[2 * FEED_ID_BYTES + 1];

	for (size_t i = 0; i < FEED_ID_BYTES; i++)
		snprintf(id + 2 * i, 3, "%02x", d->feed_id[i]);
	snprintf(path, PUBLIC_PATH_ROOM, "feed/%s/%s/%09" PRIu64, d->name, id, seq);
}

static void dataset_path(char path[PUBLIC_PATH_ROOM], const struct dataset *d, const char *name)
{
	snprintf(path, PUBLIC_PATH_ROOM, "feed/%s/%s", d->name, name);
}

static void fill_common(struct feed_envelope *env, const struct dataset *d, uint64_t time_s)
{
	memcpy(env->feed_id, d->feed_id, sizeof env->feed_id);
	memcpy(env->prev, d->feed_link, sizeof env->prev);
	env->time_s = time_s;
	memcpy(env->dataset, d->name, sizeof env->dataset);
}

/* --- envelopes --- */

static void fill_news(struct feed_envelope *env, const struct period *p, const struct feed_news *news)
{
	env->kind = FEED_RELEASE;
	memcpy(env->period, p->name, sizeof env->period);
	env->revision = news->revision;
	env->action = news->action;
	memcpy(env->object, news->object, sizeof env->object);
	env->bytes = news->bytes;
	env->minisig = news->minisig;
	env->log_index = news->log_index;
	env->manifest = news->manifest;
	env->rows = news->rows;
}

static bool insert_envelope(struct vault *v, const struct dataset *d, const struct feed_envelope *env,
    struct bytes bytes, struct err *e)
{
	uint8_t signature[64], link[32];

	if (!feed_sign(signature, env->kind, bytes, v->keys.feed, e))
		return false;
	feed_link(link, bytes);
	return store_run(v->store, e,
		   "INSERT INTO feed(dataset, seq, kind, envelope, signature) VALUES(?, ?, ?, ?, ?)", "tiibb",
		   d->name, env->seq, env->kind, bytes, bytes_of(signature, sizeof signature)) &&
	       store_run(v->store, e, "UPDATE dataset SET feed_seq = ?, feed_link = ? WHERE name = ?", "ibt",
		   env->seq, bytes_of(link, sizeof link), d->name);
}

/* Whether the frame around so many bytes of envelope may be pushed: array head, two bin heads, signature. */
static bool fits_frame(size_t envelope_bytes)
{
	return envelope_bytes + 64 + 16 <= LIMIT_FEED_BYTES;
}

bool feed_add(struct vault *v, const struct period *p, const struct feed_news *news, struct err *e)
{
	struct feed_envelope env = { 0 };
	struct dataset d;
	struct buf bytes = { 0 };

	if (!vault_dataset(v, p->dataset, &d, e))
		return false;
	fill_common(&env, &d, vault_now_s(v));
	fill_news(&env, p, news);
	env.seq = d.feed_seq + 1;
	if (!fits_frame(env.rows.len)) /* not even by themselves: an envelope with them is none */
		env.rows = bytes_of(NULL, 0);
	bool ok = feed_encode(&bytes, &env, e);
	if (ok && !fits_frame(bytes.size)) {
		env.rows = bytes_of(NULL, 0);
		buf_clear(&bytes);
		ok = feed_encode(&bytes, &env, e);
	}
	ok = ok && insert_envelope(v, &d, &env, buf_bytes(&bytes), e);
	buf_free(&bytes);
	return ok;
}

/* --- files --- */

static bool ensure_envelope(
    struct vault *v, const struct dataset *d, struct rows *r, struct public_set *set, struct err *e)
{
	char path[PUBLIC_PATH_ROOM];
	uint8_t signature[64];
	struct buf frame = { 0 };

	if (!rows_copy(r, 2, signature, sizeof signature))
		return false; /* rows_close tells */
	envelope_path(path, d, rows_uint(r, 0));
	bool ok = feed_frame_put(&frame, rows_bytes(r, 1), signature, e) &&
		  files_ensure(v, path, buf_bytes(&frame), set, e);
	buf_free(&frame);
	return ok;
}

/* Releases in force, ascending by period. */
static bool state_rows(struct vault *v, const struct dataset *d, struct feed_state *s, struct err *e)
{
	struct rows r;
	bool ok = true;

	s->row = calloc(FEED_STATE_ROWS_MAX, sizeof *s->row);
	if (!s->row)
		return err_set(e, ERR_MEMORY, "feed: no memory for the state");
	rows_open(&r, v->store,
	    "SELECT p.name, r.revision, r.seq, r.bytes, r.object FROM release r JOIN period p ON p.id = "
	    "r.period"
	    " WHERE p.dataset = ? AND r.stage = ? ORDER BY p.name",
	    "ti", d->name, (uint64_t)STAGE_PUBLISHED);
	while (ok && s->n_rows < FEED_STATE_ROWS_MAX && rows_next(&r)) {
		struct feed_state_row *row = &s->row[s->n_rows++];

		row->revision = rows_uint(&r, 1);
		row->seq = rows_uint(&r, 2);
		row->bytes = rows_uint(&r, 3);
		ok = rows_copy_text(&r, 0, row->period, sizeof row->period) &&
		     rows_copy(&r, 4, row->object, sizeof row->object);
	}
	return rows_close(&r, e) && ok;
}

/* When the feed came to where it is: the time of its last envelope, or of the dataset's first configuration.
 */
static bool state_time(struct vault *v, const struct dataset *d, uint64_t *time_s, struct err *e)
{
	struct rows r;
	struct feed_envelope env = { 0 };
	bool ok = true;

	*time_s = 0;
	if (d->feed_seq == 0)
		rows_open(&r, v->store, "SELECT min(added_s) FROM config WHERE dataset = ?", "t", d->name);
	else
		rows_open(&r, v->store, "SELECT envelope FROM feed WHERE dataset = ? AND seq = ?", "ti",
		    d->name, d->feed_seq);
	if (rows_next(&r)) {
		if (d->feed_seq == 0)
			*time_s = rows_uint(&r, 0);
		else if ((ok = feed_decode(&env, rows_bytes(&r, 0), e)))
			*time_s = env.time_s;
	}
	return rows_close(&r, e) && ok;
}

static bool ensure_state(struct vault *v, const struct dataset *d, struct public_set *set, struct err *e)
{
	struct feed_state s = { .as_of = d->feed_seq };
	char path[PUBLIC_PATH_ROOM];
	struct buf file = { 0 };

	memcpy(s.feed_id, d->feed_id, sizeof s.feed_id);
	memcpy(s.link, d->feed_link, sizeof s.link);
	memcpy(s.dataset, d->name, sizeof s.dataset);
	dataset_path(path, d, "state");
	bool ok = state_rows(v, d, &s, e) && state_time(v, d, &s.time_s, e) &&
		  feed_state_put(&file, &s, v->keys.feed, e) &&
		  files_ensure(v, path, buf_bytes(&file), set, e);
	feed_state_free(&s);
	buf_free(&file);
	return ok;
}

bool feed_files(struct vault *v, const struct dataset *d, struct public_set *set, struct err *e)
{
	char path[PUBLIC_PATH_ROOM];
	struct rows r;
	bool ok = true;

	/* a repair looks at all of them, a publication at the newest */
	rows_open(&r, v->store,
	    "SELECT seq, envelope, signature FROM feed WHERE dataset = ? AND seq >= ? ORDER BY seq", "ti",
	    d->name, set || d->feed_seq == 0 ? (uint64_t)0 : d->feed_seq);
	while (ok && rows_next(&r))
		ok = ensure_envelope(v, d, &r, set, e);
	if (!rows_close(&r, e) || !ok)
		return false;
	dataset_path(path, d, "beat");
	if (set)
		public_set_add(set, path);
	return ensure_state(v, d, set, e);
}

bool feed_send_last(struct vault *v, const struct dataset *d, unsigned n, struct err *e)
{
	struct rows r;
	uint64_t first = d->feed_seq > n ? d->feed_seq - n + 1 : 1;

	rows_open(&r, v->store,
	    "SELECT envelope, signature FROM feed WHERE dataset = ? AND seq >= ? ORDER BY seq", "ti", d->name,
	    first);
	while (rows_next(&r)) {
		uint8_t signature[64];

		if (rows_copy(&r, 1, signature, sizeof signature))
			vault_send_feed(v, d->name, rows_bytes(&r, 0), signature);
	}
	return rows_close(&r, e);
}

/* --- beats --- */

struct beating {
	struct vault *v;
	bool to_file;
};

static bool beat_one(void *context, const struct dataset *d, struct err *e)
{
	const struct beating *b = context;
	struct vault *v = b->v;
	struct feed_envelope env = { .kind = FEED_BEAT, .seq = d->feed_seq };
	struct buf bytes = { 0 }, frame = { 0 };
	char path[PUBLIC_PATH_ROOM];
	uint8_t signature[64];

	fill_common(&env, d, vault_now_s(v));
	journal_signed(v, &env.log_size, env.log_root);
	bool ok = feed_encode(&bytes, &env, e) &&
		  feed_sign(signature, FEED_BEAT, buf_bytes(&bytes), v->keys.feed, e);
	if (ok)
		vault_send_feed(v, d->name, buf_bytes(&bytes), signature);
	if (ok && b->to_file) {
		dataset_path(path, d, "beat");
		ok = feed_frame_put(&frame, buf_bytes(&bytes), signature, e) &&
		     public_put_unsynced(&v->publish->files, path, buf_bytes(&frame), e);
	}
	buf_free(&bytes);
	buf_free(&frame);
	return ok;
}

bool feed_beat(struct vault *v, bool to_file, struct err *e)
{
	struct beating b = { v, to_file };

	return vault_each_dataset(v, beat_one, &b, e);
}
