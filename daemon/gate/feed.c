#include "daemon/gate/feed.h"
#include "daemon/gate/stats.h"
#include "daemon/say.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct position {
	char dataset[LIMIT_NAME + 1];
	uint8_t feed_id[FEED_ID_BYTES];
	uint64_t seq;    /* last published */
	struct buf beat; /* envelope of the newest one; empty: none yet */
	uint8_t beat_signature[64];
	uint64_t beat_seq, beat_time_s;
};

struct feeds {
	const struct tree *files;
	void (*publish)(void *arg, const char *topic, struct bytes frame);
	void *arg;
	struct position *position[LIMIT_DATASETS];
	size_t n;
	struct buf frame, file;
};

struct feeds *feeds_new(
    const struct tree *files, void (*publish)(void *arg, const char *topic, struct bytes frame), void *arg)
{
	struct feeds *f = calloc(1, sizeof *f);
	if (f == NULL)
		return NULL;
	f->files = files;
	f->publish = publish;
	f->arg = arg;
	return f;
}

void feeds_free(struct feeds *f)
{
	if (f == NULL)
		return;
	for (size_t i = 0; i < f->n; i++) {
		buf_free(&f->position[i]->beat);
		free(f->position[i]);
	}
	buf_free(&f->frame);
	buf_free(&f->file);
	free(f);
}

void feed_path(
    char out[FEED_PATH_ROOM], const char *dataset, const uint8_t feed_id[FEED_ID_BYTES], uint64_t seq)
{
	static const char digit[] = "0123456789abcdef";
	char hex[2 * FEED_ID_BYTES + 1] = { 0 };
	for (unsigned i = 0; i < FEED_ID_BYTES; i++) {
		hex[2 * i] = digit[feed_id[i] >> 4];
		hex[2 * i + 1] = digit[feed_id[i] & 15];
	}
	snprintf(out, FEED_PATH_ROOM, "feed/%s/%s/%09" PRIu64, dataset, hex, seq);
}

static struct position *position_of(const struct feeds *f, const char *dataset)
{
	for (size_t i = 0; i < f->n; i++)
		if (strcmp(f->position[i]->dataset, dataset) == 0)
			return f->position[i];
	return NULL;
}

/* The dataset's position, begun at seq if it is new, or if the feed was declared anew. */
static struct position *position_at(struct feeds *f, const struct feed_envelope *env, uint64_t seq)
{
	struct position *p = position_of(f, env->dataset);
	if (p != NULL && memcmp(p->feed_id, env->feed_id, FEED_ID_BYTES) == 0)
		return p;
	if (p == NULL) {
		if (f->n == LIMIT_DATASETS || (p = calloc(1, sizeof *p)) == NULL)
			return NULL;
		memcpy(p->dataset, env->dataset, sizeof p->dataset);
		f->position[f->n++] = p;
	} else {
		say(SAY_NOTICE, "feed-changed", "%s: a new feed id", env->dataset);
	}
	memcpy(p->feed_id, env->feed_id, FEED_ID_BYTES);
	p->seq = seq;
	p->beat_seq = p->beat_time_s = 0;
	buf_clear(&p->beat);
	return p;
}

static void publish(struct feeds *f, const char *dataset, struct bytes frame)
{
	char topic[FEED_TOPIC_MAX];
	feed_topic(topic, dataset);
	f->publish(f->arg, topic, frame);
	stats_add(STAT_PUBLISHED, 1);
}

/* Publishes p->seq + 1 … last from their files. A hole stays one: its readers see it and ask. */
static void fill(struct feeds *f, struct position *p, uint64_t last)
{
	char path[FEED_PATH_ROOM];
	uint64_t first = p->seq + 1;
	if (last > FEED_FILL_MOST && first < last - FEED_FILL_MOST)
		first = last - FEED_FILL_MOST;
	for (uint64_t seq = first; seq <= last; seq++) {
		struct bytes envelope;
		uint8_t signature[64];
		feed_path(path, p->dataset, p->feed_id, seq);
		buf_clear(&f->file);
		if (!tree_read_all(f->files, path, LIMIT_FEED_BYTES, &f->file, NULL) ||
		    !feed_frame_parse(&envelope, signature, buf_bytes(&f->file), NULL)) {
			stats_add(STAT_FEED_HOLES, 1);
			say(SAY_WARNING, "feed-hole", "public/%s is missing", path);
			continue;
		}
		stats_add(STAT_FEED_FILLED, 1);
		publish(f, p->dataset, buf_bytes(&f->file));
	}
	p->seq = last;
}

static void keep_beat(struct position *p, const struct feed_envelope *env, const struct link_feed *in)
{
	if (env->seq < p->beat_seq || env->time_s < p->beat_time_s)
		return;
	buf_clear(&p->beat);
	buf_put_bytes(&p->beat, in->envelope);
	memcpy(p->beat_signature, in->signature, sizeof p->beat_signature);
	p->beat_seq = env->seq;
	p->beat_time_s = env->time_s;
}

void feeds_take(struct feeds *f, const struct link_feed *in)
{
	struct feed_envelope env;
	struct err e;
	buf_clear(&f->frame);
	if (!feed_decode(&env, in->envelope, &e) || strcmp(env.dataset, in->dataset) != 0 ||
	    !feed_frame_put(&f->frame, in->envelope, in->signature, &e) || f->frame.size > LIMIT_FEED_BYTES) {
		stats_add(STAT_LINK_BROKEN, 1);
		say(SAY_ERROR, "feed-malformed", "an envelope for %s cannot be published", in->dataset);
		return;
	}
	bool is_beat = env.kind == FEED_BEAT;
	struct position *p = position_at(f, &env, is_beat || env.seq == 0 ? env.seq : env.seq - 1);
	if (p == NULL)
		return;
	if (!is_beat && env.seq <= p->seq) {
		stats_add(STAT_FEED_REPEATED, 1);
		return;
	}
	uint64_t before = is_beat ? env.seq : env.seq - 1; /* must be out before this one */
	if (before > p->seq)
		fill(f, p, before);
	if (is_beat)
		keep_beat(p, &env, in);
	else
		p->seq = env.seq;
	publish(f, p->dataset, buf_bytes(&f->frame));
}

void feeds_positions(const struct feeds *f, struct link_open *open)
{
	open->n_feeds = f->n;
	for (size_t i = 0; i < f->n; i++) {
		memcpy(open->feed[i].dataset, f->position[i]->dataset, sizeof open->feed[i].dataset);
		memcpy(open->feed[i].feed_id, f->position[i]->feed_id, FEED_ID_BYTES);
		open->feed[i].seq = f->position[i]->seq;
	}
}

/* After our own restart while the vault is away, the file is the newest we know. */
static bool head_from_file(struct feeds *f, const char *dataset, struct feed_head *out)
{
	char path[FEED_PATH_ROOM];
	struct feed_envelope env;
	snprintf(path, sizeof path, "feed/%s/beat", dataset);
	buf_clear(&f->file);
	if (!tree_read_all(f->files, path, LIMIT_FEED_BYTES, &f->file, NULL) ||
	    !feed_frame_parse(&out->envelope, out->signature, buf_bytes(&f->file), NULL) ||
	    !feed_decode(&env, out->envelope, NULL) || strcmp(env.dataset, dataset) != 0)
		return false;
	memcpy(out->feed_id, env.feed_id, FEED_ID_BYTES);
	out->seq = env.seq;
	return true;
}

bool feeds_head(struct feeds *f, const char *dataset, struct feed_head *out)
{
	const struct position *p = position_of(f, dataset);
	if (p == NULL || p->beat.size == 0)
		return head_from_file(f, dataset, out);
	memcpy(out->feed_id, p->feed_id, FEED_ID_BYTES);
	out->seq = p->beat_seq;
	out->envelope = buf_bytes(&p->beat);
	memcpy(out->signature, p->beat_signature, sizeof out->signature);
	return true;
}
