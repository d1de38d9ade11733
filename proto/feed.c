#include "proto/feed.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/mpread.h"
#include "proto/mpwrite.h"

#define FEED_VERSION 1u
#define SEQ_MAX      999999999u /* files of the feed are named by nine digits */

static const char *label_of(uint64_t kind)
{
	return kind == FEED_BEAT ? LABEL_BEAT : LABEL_FEED;
}

/* Keys 0 to 12 of every envelope. A release may carry its files in odd keys among them. */
static void put_common(struct buf *out, const struct feed_envelope *env, size_t n_own)
{
	bool release = env->kind == FEED_RELEASE;
	bool manifest = release && env->manifest.at != NULL;
	bool rows = release && env->rows.at != NULL;
	mpwrite_map(out, 7 + n_own + manifest + rows);
	mpwrite_key_uint(out, 0, FEED_VERSION);
	if (manifest)
		mpwrite_key_bin(out, 1, env->manifest);
	mpwrite_key_raw(out, 2, env->feed_id, sizeof env->feed_id);
	if (rows)
		mpwrite_key_bin(out, 3, env->rows);
	mpwrite_key_uint(out, 4, env->seq);
	mpwrite_key_raw(out, 6, env->prev, sizeof env->prev);
	mpwrite_key_uint(out, 8, env->kind);
	mpwrite_key_uint(out, 10, env->time_s);
	mpwrite_key_str(out, 12, env->dataset);
}

static void put_release(struct buf *out, const struct feed_envelope *env)
{
	put_common(out, env, 7);
	mpwrite_key_str(out, 14, env->period);
	mpwrite_key_uint(out, 16, env->revision);
	mpwrite_key_uint(out, 18, env->action);
	mpwrite_key_raw(out, 20, env->object, sizeof env->object);
	mpwrite_key_uint(out, 22, env->bytes);
	mpwrite_key_bin(out, 24, env->minisig);
	mpwrite_key_uint(out, 26, env->log_index);
}

static void put_notice(struct buf *out, const struct feed_envelope *env)
{
	put_common(out, env, 1);
	mpwrite_uint(out, 14);
	mpwrite_str_bytes(out, env->text);
}

static void put_beat(struct buf *out, const struct feed_envelope *env)
{
	put_common(out, env, 2);
	mpwrite_key_uint(out, 14, env->log_size);
	mpwrite_key_raw(out, 16, env->log_root, sizeof env->log_root);
}

/* What was written is read back: nothing is signed that a reader would refuse. */
bool feed_encode(struct buf *out, const struct feed_envelope *env, struct err *e)
{
	size_t start = out->size;
	struct feed_envelope again;
	if (env->kind == FEED_RELEASE)
		put_release(out, env);
	else if (env->kind == FEED_NOTICE)
		put_notice(out, env);
	else if (env->kind == FEED_BEAT)
		put_beat(out, env);
	else
		return err_set(e, ERR_INTERNAL, "envelope: unknown kind");
	if (!mpwrite_done(out, "envelope", e))
		return false;
	return feed_decode(&again, bytes_of(out->data + start, out->size - start), e);
}

static void read_common(struct mpread *in, struct mpmap *map, struct feed_envelope *out, bool with_files)
{
	mpmap_need(in, map, 0, "version");
	mpread_choice(in, "version", FEED_VERSION, FEED_VERSION);
	if (with_files && mpmap_has(in, map, 1))
		out->manifest = mpread_bin(in, "manifest", 0, LIMIT_FEED_BYTES);
	mpmap_need(in, map, 2, "feed id");
	mpread_bin_exact(in, "feed id", out->feed_id, sizeof out->feed_id);
	if (with_files && mpmap_has(in, map, 3))
		out->rows = mpread_bin(in, "rows", 0, LIMIT_FEED_BYTES);
	mpmap_need(in, map, 4, "seq");
	out->seq = mpread_uint(in, "seq", 0, SEQ_MAX);
	mpmap_need(in, map, 6, "prev");
	mpread_bin_exact(in, "prev", out->prev, sizeof out->prev);
	mpmap_need(in, map, 8, "kind");
	out->kind = mpread_uint(in, "kind", 0, LIMIT_UINT);
	mpmap_need(in, map, 10, "time");
	out->time_s = mpread_uint(in, "time", 0, LIMIT_UINT);
	mpmap_need(in, map, 12, "dataset");
	mpread_name(in, "dataset", out->dataset);
	if (out->seq == 0 && out->kind != FEED_BEAT)
		mpread_fail(in, ERR_MALFORMED, "seq", "is 0");
}

/* The fields every kind has, whatever else the envelope holds. */
static bool decode_common(struct feed_envelope *out, struct bytes envelope, struct err *e)
{
	*out = (struct feed_envelope){ 0 };
	struct mpread in = mpread_open(envelope, LIMIT_NODES);
	struct mpmap map = mpread_map(&in, "envelope");
	read_common(&in, &map, out, false);
	/* not read to its end, so mpread_close is asked only what went wrong */
	return mpread_failed(&in) ? mpread_close(&in, e) : true;
}

static void read_release(struct mpread *in, struct mpmap *map, struct feed_envelope *out)
{
	mpmap_need(in, map, 14, "period");
	mpread_period(in, "period", out->period);
	mpmap_need(in, map, 16, "revision");
	out->revision = mpread_uint(in, "revision", 0, LIMIT_REVISION);
	mpmap_need(in, map, 18, "action");
	out->action = (enum feed_action)mpread_choice(in, "action", FEED_NEW, FEED_WITHDRAWS);
	mpmap_need(in, map, 20, "object");
	mpread_bin_exact(in, "object", out->object, sizeof out->object);
	mpmap_need(in, map, 22, "bytes");
	out->bytes = mpread_uint(in, "bytes", 0, LIMIT_UINT);
	mpmap_need(in, map, 24, "minisig");
	out->minisig = mpread_bin(in, "minisig", 1, FEED_MINISIG_MAX);
	mpmap_need(in, map, 26, "log index");
	out->log_index = mpread_uint(in, "log index", 0, LIMIT_UINT);
}

static void read_beat(struct mpread *in, struct mpmap *map, struct feed_envelope *out)
{
	mpmap_need(in, map, 14, "log size");
	out->log_size = mpread_uint(in, "log size", 0, LIMIT_UINT);
	mpmap_need(in, map, 16, "log root");
	mpread_bin_exact(in, "log root", out->log_root, sizeof out->log_root);
}

static bool is_known(uint64_t kind)
{
	return kind == FEED_RELEASE || kind == FEED_NOTICE || kind == FEED_BEAT;
}

bool feed_decode(struct feed_envelope *out, struct bytes envelope, struct err *e)
{
	if (!decode_common(out, envelope, e))
		return err_wrap(e, "envelope");
	if (!is_known(out->kind))
		return true;
	struct mpread in = mpread_open(envelope, LIMIT_NODES);
	struct mpmap map = mpread_map(&in, "envelope");
	read_common(&in, &map, out, out->kind == FEED_RELEASE);
	if (out->kind == FEED_RELEASE) {
		read_release(&in, &map, out);
	} else if (out->kind == FEED_BEAT) {
		read_beat(&in, &map, out);
	} else {
		mpmap_need(&in, &map, 14, "text");
		out->text = mpread_str(&in, "text", LIMIT_NOTICE);
	}
	mpmap_end(&in, &map);
	return mpread_close(&in, e) ? true : err_wrap(e, "envelope");
}

void feed_link(uint8_t out[32], struct bytes envelope)
{
	keys_hash(out, LABEL_LINK, &envelope, 1);
}

bool feed_sign(uint8_t signature[64], uint64_t kind, struct bytes envelope, const struct key_signer *signer,
    struct err *e)
{
	return keys_sign(signature, signer, label_of(kind), &envelope, 1, e);
}

bool feed_verify(uint64_t kind, struct bytes envelope, const uint8_t signature[64], const uint8_t key[32])
{
	return keys_verify(signature, key, label_of(kind), &envelope, 1, NULL);
}

void feed_topic(char out[FEED_TOPIC_MAX], const char *dataset)
{
	snprintf(out, FEED_TOPIC_MAX, "cellveil1|%s|", dataset);
}

bool feed_frame_put(struct buf *out, struct bytes envelope, const uint8_t signature[64], struct err *e)
{
	mpwrite_array(out, 2);
	mpwrite_bin(out, envelope);
	mpwrite_bin(out, bytes_of(signature, KEY_SIG_BYTES));
	return mpwrite_done(out, "frame", e);
}

bool feed_frame_parse(struct bytes *envelope, uint8_t signature[64], struct bytes frame, struct err *e)
{
	struct mpread in = mpread_open(frame, LIMIT_NODES);
	mpread_array(&in, "frame", 2, 2);
	*envelope = mpread_bin(&in, "envelope", 1, LIMIT_PUBLIC_FILE);
	mpread_bin_exact(&in, "signature", signature, KEY_SIG_BYTES);
	return mpread_close(&in, e) ? true : err_wrap(e, "frame");
}

static void put_state(struct buf *out, const struct feed_state *s)
{
	mpwrite_map(out, 7);
	mpwrite_key_uint(out, 0, FEED_VERSION);
	mpwrite_key_raw(out, 2, s->feed_id, sizeof s->feed_id);
	mpwrite_key_uint(out, 4, s->as_of);
	mpwrite_key_raw(out, 6, s->link, sizeof s->link);
	mpwrite_key_uint(out, 10, s->time_s);
	mpwrite_key_str(out, 12, s->dataset);
	mpwrite_uint(out, 14);
	mpwrite_array(out, s->n_rows);
	for (size_t i = 0; i < s->n_rows; i++) {
		const struct feed_state_row *row = &s->row[i];
		mpwrite_array(out, 5);
		mpwrite_str(out, row->period);
		mpwrite_uint(out, row->revision);
		mpwrite_uint(out, row->seq);
		mpwrite_bin(out, bytes_of(row->object, sizeof row->object));
		mpwrite_uint(out, row->bytes);
	}
}

static void read_state_row(struct mpread *in, struct feed_state *s, size_t i)
{
	struct feed_state_row *row = &s->row[i];
	mpread_array(in, "release", 5, 5);
	mpread_period(in, "period", row->period);
	row->revision = mpread_uint(in, "revision", 0, LIMIT_REVISION);
	row->seq = mpread_uint(in, "seq", 1, SEQ_MAX);
	mpread_bin_exact(in, "object", row->object, sizeof row->object);
	row->bytes = mpread_uint(in, "bytes", 0, LIMIT_UINT);
	if (i > 0 && strcmp(s->row[i - 1].period, row->period) >= 0)
		mpread_fail(in, ERR_MALFORMED, "releases", "are not in order of their periods");
	if (row->seq > s->as_of)
		mpread_fail(in, ERR_MALFORMED, "seq", "is above that of the state");
}

static bool decode_state(struct feed_state *s, struct bytes envelope, struct err *e)
{
	struct mpread in = mpread_open(envelope, LIMIT_NODES_LARGE);
	struct mpmap map = mpread_map(&in, "state");
	mpmap_need(&in, &map, 0, "version");
	mpread_choice(&in, "version", FEED_VERSION, FEED_VERSION);
	mpmap_need(&in, &map, 2, "feed id");
	mpread_bin_exact(&in, "feed id", s->feed_id, sizeof s->feed_id);
	mpmap_need(&in, &map, 4, "as of");
	s->as_of = mpread_uint(&in, "as of", 0, SEQ_MAX);
	mpmap_need(&in, &map, 6, "link");
	mpread_bin_exact(&in, "link", s->link, sizeof s->link);
	mpmap_need(&in, &map, 10, "time");
	s->time_s = mpread_uint(&in, "time", 0, LIMIT_UINT);
	mpmap_need(&in, &map, 12, "dataset");
	mpread_name(&in, "dataset", s->dataset);
	mpmap_need(&in, &map, 14, "releases");
	size_t n = mpread_array(&in, "releases", 0, FEED_STATE_ROWS_MAX);
	s->row = calloc(n > 0 ? n : 1, sizeof *s->row);
	if (s->row == NULL)
		return err_set(e, ERR_MEMORY, "state: out of memory");
	s->n_rows = n;
	for (size_t i = 0; i < n && !mpread_failed(&in); i++)
		read_state_row(&in, s, i);
	mpmap_end(&in, &map);
	return mpread_close(&in, e);
}

bool feed_state_put(
    struct buf *out, const struct feed_state *s, const struct key_signer *signer, struct err *e)
{
	struct buf envelope = { 0 };
	struct feed_state again = { 0 };
	uint8_t signature[KEY_SIG_BYTES];
	put_state(&envelope, s);
	struct bytes bytes = buf_bytes(&envelope);
	bool ok = mpwrite_done(&envelope, "state", e) && decode_state(&again, bytes, e) &&
		  keys_sign(signature, signer, LABEL_STATE, &bytes, 1, e) &&
		  feed_frame_put(out, bytes, signature, e);
	feed_state_free(&again);
	buf_free(&envelope);
	return ok;
}

void feed_state_free(struct feed_state *s)
{
	free(s->row);
	*s = (struct feed_state){ 0 };
}

static bool verified(const char *label, struct bytes envelope, const uint8_t signature[64],
    const uint8_t (*key)[32], size_t n_keys)
{
	for (size_t i = 0; i < n_keys; i++)
		if (keys_verify(signature, key[i], label, &envelope, 1, NULL))
			return true;
	return false;
}

bool feed_state_open(
    struct feed_state *s, struct bytes file, const uint8_t (*key)[32], size_t n_keys, struct err *e)
{
	struct bytes envelope;
	uint8_t signature[KEY_SIG_BYTES];
	*s = (struct feed_state){ 0 };
	if (file.len > LIMIT_PUBLIC_FILE)
		return err_set(e, ERR_LIMIT, "state: too large");
	if (!feed_frame_parse(&envelope, signature, file, e))
		return err_wrap(e, "state");
	if (!verified(LABEL_STATE, envelope, signature, key, n_keys))
		return err_set(e, ERR_CRYPTO, "state: not signed by a feed key");
	return decode_state(s, envelope, e) ? true : err_wrap(e, "state");
}

static bool is_link(const uint8_t a[32], const uint8_t b[32])
{
	return memcmp(a, b, 32) == 0;
}

/* A beat says where the feed is. */
static enum feed_verdict judge_beat(
    const struct feed_reader *r, const struct feed_envelope *env, struct err *e)
{
	if (env->seq > r->seq)
		return FEED_RANGE;
	if (env->seq < r->seq)
		return FEED_DROP;
	if (is_link(env->prev, r->link))
		return FEED_FRESH;
	err_set(e, ERR_CRYPTO, "feed: a beat names another envelope at our position");
	return FEED_STOP;
}

static enum feed_verdict judge_place(
    const struct feed_reader *r, const struct feed_envelope *env, const uint8_t link[32], struct err *e)
{
	if (env->seq == r->seq && !is_link(link, r->link)) {
		err_set(e, ERR_CRYPTO, "feed: two signed envelopes at one position");
		return FEED_STOP;
	}
	if (env->seq <= r->seq)
		return FEED_DROP;
	return env->seq == r->seq + 1 && is_link(env->prev, r->link) ? FEED_APPLY : FEED_RANGE;
}

/* Signed, and next in order: do we understand it? */
static enum feed_verdict judge_content(struct feed_envelope *env, struct bytes envelope, struct err *e)
{
	struct err why = { 0 };
	if (!is_known(env->kind) && env->kind % 2 == 0) {
		err_set(e, ERR_UNSUPPORTED, "feed: an envelope of a kind we must know and do not");
		return FEED_ALERT;
	}
	if (feed_decode(env, envelope, &why))
		return FEED_APPLY;
	err_set(e, why.code, "feed: %s", why.text);
	return why.code == ERR_UNSUPPORTED ? FEED_ALERT : FEED_REFUSE;
}

static enum feed_verdict judge(const struct feed_reader *r, struct feed_envelope *env, struct bytes envelope,
    uint8_t link[32], struct err *e)
{
	if (memcmp(env->feed_id, r->feed_id, sizeof env->feed_id) != 0)
		return FEED_RESTART;
	feed_link(link, envelope);
	enum feed_verdict place =
	    env->kind == FEED_BEAT ? judge_beat(r, env, e) : judge_place(r, env, link, e);
	if (place != FEED_APPLY && place != FEED_FRESH)
		return place;
	enum feed_verdict content = judge_content(env, envelope, e);
	return content == FEED_APPLY ? place : content;
}

enum feed_verdict feed_reader_step(
    struct feed_reader *r, struct bytes frame, struct feed_envelope *env, struct err *e)
{
	struct bytes envelope;
	uint8_t signature[KEY_SIG_BYTES];
	uint8_t link[32];
	enum feed_verdict verdict = FEED_REFUSE;

	*env = (struct feed_envelope){ 0 };
	if (frame.len > LIMIT_FEED_BYTES)
		err_set(e, ERR_LIMIT, "feed: frame too large");
	else if (!feed_frame_parse(&envelope, signature, frame, e) || !decode_common(env, envelope, e))
		err_wrap(e, "feed");
	else if (strcmp(env->dataset, r->dataset) != 0)
		err_set(e, ERR_REFUSED, "feed: of another dataset");
	else if (!verified(label_of(env->kind), envelope, signature, (const uint8_t(*)[32])r->key, r->n_keys))
		err_set(e, ERR_CRYPTO, "feed: not signed by a feed key");
	else
		verdict = judge(r, env, envelope, link, e);
	if (verdict == FEED_REFUSE)
		*env = (struct feed_envelope){ 0 };
	if (verdict == FEED_APPLY) {
		r->seq = env->seq;
		memcpy(r->link, link, sizeof r->link);
	}
	return verdict;
}
