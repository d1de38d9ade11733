#include "daemon/gate/query.h"
#include "daemon/gate/stats.h"
#include "proto/checkpoint.h"
#include "proto/keyset.h"
#include "proto/mpread.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HEX_DIGEST (2 * KEY_DIGEST_BYTES + 1)
#define REPLY_ROOM (LIMIT_REPLY_BYTES - 4096u) /* for content, beside the frame around it */

struct query {
	struct query_from from;
	struct message reply;
	struct buf data;  /* file content the reply borrows */
	struct buf proof; /* likewise */
	struct tlog_tiles tiles;
	size_t start[LIMIT_RANGE]; /* of each envelope in data, which moves while it grows */
};

struct query *query_new(const struct query_from *from)
{
	struct query *q = calloc(1, sizeof *q);
	if (q != NULL)
		q->from = *from;
	return q;
}

void query_free(struct query *q)
{
	if (q == NULL)
		return;
	buf_free(&q->data);
	buf_free(&q->proof);
	free(q);
}

static void count_reject(enum reject_code code)
{
	stats_add(code == REJECT_MALFORMED        ? STAT_REJECT_MALFORMED
		  : code == REJECT_UNSUPPORTED    ? STAT_REJECT_UNSUPPORTED
		  : code == REJECT_NOT_AUTHORIZED ? STAT_REJECT_NOT_AUTHORIZED
		  : code == REJECT_NOT_FOUND      ? STAT_REJECT_NOT_FOUND
						  : STAT_REJECT_OTHER,
	    1);
}

void query_reject(struct buf *out, const uint8_t rid[MESSAGE_RID_BYTES], enum reject_code code)
{
	static struct message m; /* the loop's thread only; too large for the stack */
	memset(&m.reject, 0, sizeof m.reject);
	m.kind = MSG_REJECT;
	memcpy(m.rid, rid, MESSAGE_RID_BYTES);
	m.reject.code = code;
	m.reject.class = reject_class_of(code);
	buf_clear(out);
	if (message_encode(out, &m, NULL))
		count_reject(code);
}

void query_busy(
    struct buf *out, const uint8_t rid[MESSAGE_RID_BYTES], enum busy_reason reason, uint64_t retry_after_ms)
{
	static struct message m;
	m.kind = MSG_BUSY;
	memcpy(m.rid, rid, MESSAGE_RID_BYTES);
	m.busy = (struct msg_busy){ .reason = reason, .retry_after_ms = retry_after_ms };
	buf_clear(out);
	(void)message_encode(out, &m, NULL);
}

/* ---- the kinds; each fills q->reply or says why not (0: answered) ---- */

static unsigned code_of(const struct err *e)
{
	switch (e->code) {
	case ERR_NOT_FOUND:
		return REJECT_NOT_FOUND;
	case ERR_LIMIT:
		return REJECT_TOO_LARGE;
	default:
		return REJECT_INTERNAL;
	}
}

static unsigned read_all(struct query *q, const struct tree *tree, const char *path, size_t max)
{
	struct err e;
	return tree_read_all(tree, path, max, &q->data, &e) ? 0 : code_of(&e);
}

/* The serial on the newest key set's third line; clients check the signature, we only tell the number. */
static uint64_t keyset_serial(struct query *q)
{
	static const char word[] = "\nserial ";
	uint64_t serial = 0;
	if (read_all(q, q->from.public, "keyset", LIMIT_NOTE_BYTES) != 0)
		return 0;
	buf_put_byte(&q->data, 0);
	const char *at = q->data.failed ? NULL : strstr((const char *)q->data.data, word);
	for (at = at == NULL ? "" : at + strlen(word); *at >= '0' && *at <= '9' && serial < LIMIT_UINT / 16;
	     at++)
		serial = serial * 10 + (uint64_t)(*at - '0');
	return serial;
}

static unsigned hello(struct query *q, const struct message *in, const struct query_asker *asker)
{
	struct msg_welcome *w = &q->reply.welcome;
	const struct link_registry *r = snapshot_content(asker->registry);
	if (in->hello.lowest > MESSAGE_VERSION || in->hello.highest < MESSAGE_VERSION)
		return REJECT_UNSUPPORTED;
	w->version = MESSAGE_VERSION;
	w->now_s = asker->now_s;
	w->notice = bytes_of(NULL, 0);
	w->max_message_bytes = asker->max_message_bytes;
	w->max_rows = LIMIT_CELLS;
	w->max_per_minute = asker->messages_per_minute;
	w->keyset_serial = keyset_serial(q);
	w->roles = asker->principal->roles;
	w->n_datasets = r->n_configs;
	for (size_t i = 0; i < r->n_configs; i++) {
		memcpy(w->dataset[i].name, r->dataset[r->config[i].dataset], sizeof w->dataset[i].name);
		memcpy(w->dataset[i].config_digest, r->config[i].digest, KEY_DIGEST_BYTES);
	}
	return 0;
}

static unsigned get_keys(struct query *q)
{
	unsigned failed = read_all(q, q->from.public, "keyset", LIMIT_NOTE_BYTES);
	q->reply.keyset.note = buf_bytes(&q->data);
	return failed;
}

static unsigned head(struct query *q, const struct message *in)
{
	struct feed_head h;
	if (!feeds_head(q->from.feeds, in->head.dataset, &h))
		return REJECT_NOT_FOUND;
	q->reply.head_r.envelope = h.envelope;
	memcpy(q->reply.head_r.signature, h.signature, KEY_SIG_BYTES);
	return 0;
}

/* Reads envelope seq behind those already in q->data. False: no such file, or no room left for it. */
static bool range_add(struct query *q, const struct msg_range *in, const struct feed_head *h, uint64_t seq)
{
	char path[FEED_PATH_ROOM];
	struct msg_range_r *r = &q->reply.range_r;
	struct msg_envelope *item = &r->item[r->n];
	size_t start = q->data.size;
	feed_path(path, in->dataset, h->feed_id, seq);
	if (!tree_read_all(q->from.public, path, LIMIT_FEED_BYTES, &q->data, NULL) ||
	    q->data.size > REPLY_ROOM ||
	    !feed_frame_parse(
		&item->envelope, item->signature, bytes_of(q->data.data + start, q->data.size - start), NULL))
		return false;
	q->start[r->n++] = (size_t)(item->envelope.at - q->data.data);
	return true;
}

static unsigned range(struct query *q, const struct message *in)
{
	struct msg_range_r *r = &q->reply.range_r;
	struct feed_head h;
	if (!feeds_head(q->from.feeds, in->range.dataset, &h))
		return REJECT_NOT_FOUND;
	if (memcmp(h.feed_id, in->range.feed_id, FEED_ID_BYTES) != 0)
		return REJECT_FEED_CHANGED;
	uint64_t from = in->range.from_seq == 0 ? 1 : in->range.from_seq;
	r->n = 0;
	/* the files are the truth: after a restart of the vault they may be ahead of the newest beat */
	for (r->next_seq = from; r->n < in->range.max; r->next_seq++)
		if (!range_add(q, &in->range, &h, r->next_seq))
			break;
	r->head_seq = r->next_seq > h.seq + 1 ? r->next_seq - 1 : h.seq;
	for (size_t i = 0; i < r->n; i++)
		r->item[i].envelope.at = q->data.data + q->start[i];
	return r->n == 0 && from <= h.seq ? REJECT_NOT_FOUND : 0;
}

/* as_of of a state file: key 4 of its envelope. */
static bool state_as_of(struct bytes file, uint64_t *as_of)
{
	struct bytes envelope;
	uint8_t signature[64];
	if (!feed_frame_parse(&envelope, signature, file, NULL))
		return false;
	struct mpread r = mpread_open(envelope, LIMIT_NODES_LARGE);
	struct mpmap m = mpread_map(&r, "state");
	mpmap_need(&r, &m, 0, "version");
	mpread_skip(&r);
	mpmap_need(&r, &m, 2, "feed id");
	mpread_skip(&r);
	mpmap_need(&r, &m, 4, "as_of");
	*as_of = mpread_uint(&r, "as_of", 0, LIMIT_UINT);
	return !mpread_failed(&r);
}

static unsigned state(struct query *q, const struct message *in)
{
	char path[FEED_PATH_ROOM];
	struct msg_state_r *r = &q->reply.state_r;
	snprintf(path, sizeof path, "feed/%s/state", in->state.dataset);
	unsigned failed = read_all(q, q->from.public, path, LIMIT_MESSAGE_BYTES);
	if (failed != 0)
		return failed;
	if (!state_as_of(buf_bytes(&q->data), &r->as_of_seq))
		return REJECT_INTERNAL;
	size_t start = in->state.offset < q->data.size ? (size_t)in->state.offset : q->data.size;
	size_t left = q->data.size - start;
	r->total = q->data.size;
	r->offset = in->state.offset;
	r->chunk = bytes_of(q->data.data + start, left < LIMIT_CHUNK_BYTES ? left : LIMIT_CHUNK_BYTES);
	return 0;
}

static void hex(char *out, const uint8_t *in, size_t len)
{
	static const char digit[] = "0123456789abcdef";
	for (size_t i = 0; i < len; i++) {
		*out++ = digit[in[i] >> 4];
		*out++ = digit[in[i] & 15];
	}
	*out = '\0';
}

static unsigned object(struct query *q, const struct message *in, const struct query_asker *asker)
{
	const struct msg_object *o = &in->object;
	struct msg_object_r *r = &q->reply.object_r;
	char digest[HEX_DIGEST], path[HEX_DIGEST + 32];
	struct err e;
	size_t length = o->length < LIMIT_CHUNK_BYTES ? (size_t)o->length : LIMIT_CHUNK_BYTES;
	hex(digest, o->digest, KEY_DIGEST_BYTES);
	snprintf(path, sizeof path, "object/%.2s/%s", digest, digest);
	bool found = tree_read(q->from.public, path, o->offset, length, &q->data, &r->total, &e);
	if (!found && e.code == ERR_NOT_FOUND) {
		snprintf(path, sizeof path, "config/%s", digest);
		found = tree_read(q->from.public, path, o->offset, length, &q->data, &r->total, &e);
	}
	if (!found && e.code == ERR_NOT_FOUND && (asker->principal->roles & ROLE_AUDITOR) != 0) {
		snprintf(path, sizeof path, "%s.age", digest);
		found = tree_read(q->from.audit, path, o->offset, length, &q->data, &r->total, &e);
	}
	r->offset = o->offset;
	r->chunk = buf_bytes(&q->data);
	return found ? 0 : code_of(&e);
}

static unsigned log_file(struct query *q, const struct message *in)
{
	const struct msg_log *l = &in->log;
	char name[TLOG_NAME_MAX], path[TLOG_NAME_MAX + 8] = "log/checkpoint";
	if (l->what != LOG_CHECKPOINT) {
		/* level fits (message_decode), width too; what the log has no tile for is not found */
		struct tlog_tile tile = { .entries = l->what == LOG_ENTRIES,
			.level = (uint8_t)l->level,
			.index = l->index,
			.width = (uint16_t)l->width };
		if (!tlog_tile_name(name, &tile, NULL))
			return REJECT_NOT_FOUND;
		snprintf(path, sizeof path, "log/%s", name);
	}
	unsigned failed = read_all(q, q->from.public, path, REPLY_ROOM);
	q->reply.log_r.file = buf_bytes(&q->data);
	return failed;
}

static bool read_tile(void *arg, unsigned level, uint64_t index, unsigned width, uint8_t *out, struct err *e)
{
	const struct query *q = arg;
	char name[TLOG_NAME_MAX], path[TLOG_NAME_MAX + 8];
	struct tlog_tile tile = { .level = (uint8_t)level, .index = index, .width = (uint16_t)width };
	struct buf file = { 0 };
	if (!tlog_tile_name(name, &tile, e))
		return false;
	snprintf(path, sizeof path, "log/%s", name);
	bool ok = tree_read_all(q->from.public, path, TLOG_TILE_WIDTH * TLOG_HASH_BYTES, &file, e);
	if (ok && file.size != (size_t)width * TLOG_HASH_BYTES)
		ok = err_set(e, ERR_MALFORMED, "tile of another size");
	if (ok)
		memcpy(out, file.data, file.size);
	buf_free(&file);
	return ok;
}

/* The newest checkpoint's text without its signatures: clients verify, we only compute. */
static bool newest_checkpoint(struct query *q, struct checkpoint *c)
{
	struct note note;
	return read_all(q, q->from.public, "log/checkpoint", LIMIT_NOTE_BYTES) == 0 &&
	       note_parse(&note, buf_bytes(&q->data), NULL) && checkpoint_parse(c, note.text, NULL);
}

static unsigned proof(struct query *q, const struct message *in)
{
	struct checkpoint c;
	struct tlog_proof p = { .index = in->proof.index };
	struct err e;
	if (!newest_checkpoint(q, &c) || p.index >= c.size)
		return REJECT_NOT_FOUND;
	q->tiles = (struct tlog_tiles){ .size = c.size, .tile = read_tile, .arg = q };
	struct tlog_source source = tlog_source_tiles(&q->tiles);
	if (!tlog_inclusion(&p.path, &source, p.index, c.size, &e))
		return code_of(&e);
	p.note = buf_bytes(&q->data);
	buf_clear(&q->proof);
	tlog_proof_put(&q->proof, &p);
	q->reply.proof_r.proof = buf_bytes(&q->proof);
	return q->proof.failed ? REJECT_INTERNAL : 0;
}

bool query_answers(uint64_t kind)
{
	switch (kind) {
	case MSG_HELLO:
	case MSG_GET_KEYS:
	case MSG_HEAD:
	case MSG_RANGE:
	case MSG_STATE:
	case MSG_OBJECT:
	case MSG_LOG:
	case MSG_PROOF:
		return true;
	default:
		return false;
	}
}

static unsigned dispatch(struct query *q, const struct message *in, const struct query_asker *asker)
{
	switch (in->kind) {
	case MSG_HELLO:
		return hello(q, in, asker);
	case MSG_GET_KEYS:
		return get_keys(q);
	case MSG_HEAD:
		return head(q, in);
	case MSG_RANGE:
		return range(q, in);
	case MSG_STATE:
		return state(q, in);
	case MSG_OBJECT:
		return object(q, in, asker);
	case MSG_LOG:
		return log_file(q, in);
	case MSG_PROOF:
		return proof(q, in);
	default:
		return REJECT_UNSUPPORTED;
	}
}

void query_answer(struct query *q, const struct message *in, const struct query_asker *asker, struct buf *out)
{
	buf_clear(&q->data);
	q->reply.kind = (enum message_kind)(in->kind + 1); /* every answer's kind follows its question's */
	memcpy(q->reply.rid, in->rid, MESSAGE_RID_BYTES);
	unsigned failed = dispatch(q, in, asker);
	buf_clear(out);
	if (failed == 0 && message_encode(out, &q->reply, NULL))
		stats_add(STAT_ANSWERED, 1);
	else
		query_reject(out, in->rid, failed != 0 ? (enum reject_code)failed : REJECT_INTERNAL);
}
