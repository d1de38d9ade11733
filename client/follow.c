#include "client/follow.h"
#include "client/command.h"
#include "client/text.h"
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define POSITION_BYTES_MAX 256u
#define STATE_BYTES_MAX    (4u * 1024 * 1024)
#define AGAIN              (-2) /* start over from HEAD */

static void position_name(const struct follow *f, char out[LIMIT_NAME + 8])
{
	(void)snprintf(out, LIMIT_NAME + 8, "feed-%s", f->reader.dataset);
}

static bool keep_position(const struct follow *f, struct err *e)
{
	struct buf text = { 0 };
	char name[LIMIT_NAME + 8];
	bool ok;

	position_name(f, name);
	buf_put_text(&text, "cellveil-position/1\nfeed ");
	buf_put_hex(&text, bytes_of(f->reader.feed_id, FEED_ID_BYTES));
	buf_printf(&text, "\nseq %llu\nlink ", (unsigned long long)f->reader.seq);
	buf_put_hex(&text, bytes_of(f->reader.link, sizeof f->reader.link));
	buf_put_text(&text, "\n");
	ok = text.failed ? err_set(e, ERR_MEMORY, "no memory for the position")
			 : file_write(f->deployment->settings.dir, name, 0644, buf_bytes(&text), e);
	buf_free(&text);
	return ok;
}

/* What stands after "<name> " up to the line feed; moves *at behind it. */
static bool take_line(const char **at, const char *name, char *out, size_t room)
{
	size_t n = strlen(name), len;

	if (strncmp(*at, name, n) != 0 || (*at)[n] != ' ')
		return false;
	*at += n + 1;
	len = strcspn(*at, "\n");
	if ((*at)[len] != '\n' || len >= room)
		return false;
	memcpy(out, *at, len);
	out[len] = 0;
	*at += len + 1;
	return true;
}

static bool parse_position(struct feed_reader *r, const char *text)
{
	char feed[2 * FEED_ID_BYTES + 1], seq[20], link[2 * KEY_DIGEST_BYTES + 1], *end;

	if (strncmp(text, "cellveil-position/1\n", 20) != 0)
		return false;
	text += 20;
	if (!take_line(&text, "feed", feed, sizeof feed) || !take_line(&text, "seq", seq, sizeof seq) ||
	    !take_line(&text, "link", link, sizeof link) || *text != 0 ||
	    !hex_decode(r->feed_id, FEED_ID_BYTES, bytes_text(feed)) ||
	    !hex_decode(r->link, sizeof r->link, bytes_text(link)))
		return false;
	r->seq = strtoull(seq, &end, 10);
	return seq[0] >= '0' && seq[0] <= '9' && *end == 0;
}

/* An unreadable position is as good as none: STATE gives a new one. */
static bool load_position(struct follow *f)
{
	struct buf text = { 0 };
	char path[FILE_PATH], name[LIMIT_NAME + 8];
	bool ok;

	position_name(f, name);
	ok = file_path(path, f->deployment->settings.dir, name, NULL) &&
	     file_read(&text, path, POSITION_BYTES_MAX, NULL);
	buf_put_byte(&text, 0);
	ok = ok && !text.failed && parse_position(&f->reader, (const char *)text.data);
	buf_free(&text);
	return ok;
}

int follow_open(struct follow *f, struct deployment *d, const char *dataset, bool forget, struct err *e)
{
	memset(f, 0, sizeof *f);
	f->deployment = d;
	f->newest = SIZE_MAX;
	f->frame.max = LIMIT_FEED_BYTES + 4096;
	(void)snprintf(f->reader.dataset, sizeof f->reader.dataset, "%s", dataset);
	f->reader.n_keys = keyset_verifiers(&d->keyset, KEY_FEED, f->reader.key, FEED_KEYS_MAX);
	if (f->reader.n_keys == 0) {
		(void)err_set(e, ERR_NOT_FOUND, "%s", _("the key set has no feed key"));
		return EXIT_KEY;
	}
	f->has_position = !forget && load_position(f);
	return EXIT_OK;
}

void follow_close(struct follow *f)
{
	net_close(f->feed);
	buf_free(&f->frame);
}

static int ask_state_chunk(struct follow *f, uint64_t offset, struct err *e)
{
	struct deployment *d = f->deployment;
	struct net *n = deployment_query(d, e);

	if (n == NULL)
		return EXIT_OTHER;
	d->ask = (struct message){ .kind = MSG_STATE, .state = { .offset = offset } };
	memcpy(d->ask.state.dataset, f->reader.dataset, sizeof d->ask.state.dataset);
	return deployment_ask(d, n, MSG_STATE_R, e);
}

/* The whole file; begins again when another one took its place meanwhile. */
static int fetch_state(struct follow *f, struct buf *file, struct err *e)
{
	const struct msg_state_r *r = &f->deployment->reply.state_r;
	uint64_t as_of = 0, total = 1;
	unsigned restarts = 0;

	for (buf_clear(file); file->size < total;) {
		int code = ask_state_chunk(f, file->size, e);
		if (code != EXIT_OK)
			return code;
		if (file->size > 0 && (r->as_of_seq != as_of || r->total != total) && ++restarts < 8) {
			buf_clear(file);
			total = 1;
			continue;
		}
		if (r->total > STATE_BYTES_MAX || r->offset != file->size || r->chunk.len == 0) {
			(void)err_set(e, ERR_MALFORMED, "%s", _("the gate's state of the feed is cut"));
			return EXIT_OTHER;
		}
		as_of = r->as_of_seq;
		total = r->total;
		buf_put_bytes(file, r->chunk);
		if (file->failed) {
			(void)err_set(e, ERR_MEMORY, "no memory for the feed's state");
			return EXIT_OTHER;
		}
	}
	return EXIT_OK;
}

int follow_state(struct follow *f, struct feed_state *state, struct err *e)
{
	struct buf file = { 0 };
	int code;

	memset(state, 0, sizeof *state);
	code = fetch_state(f, &file, e);
	if (code == EXIT_OK && !feed_state_open(state, buf_bytes(&file), (const uint8_t(*)[32])f->reader.key,
				   f->reader.n_keys, e))
		code = EXIT_OTHER;
	if (code == EXIT_OK && strcmp(state->dataset, f->reader.dataset) != 0) {
		(void)err_set(e, ERR_REFUSED, "%s", _("the state is of another dataset"));
		code = EXIT_OTHER;
	}
	buf_free(&file);
	if (code != EXIT_OK)
		return code;
	memcpy(f->reader.feed_id, state->feed_id, FEED_ID_BYTES);
	memcpy(f->reader.link, state->link, sizeof f->reader.link);
	f->reader.seq = state->as_of;
	f->has_position = true;
	return EXIT_OK;
}

static int ask_range(struct follow *f, uint64_t from, uint64_t max, struct err *e)
{
	struct deployment *d = f->deployment;
	struct net *n = deployment_query(d, e);

	if (n == NULL)
		return EXIT_OTHER;
	d->ask = (struct message){ .kind = MSG_RANGE, .range = { .from_seq = from, .max = max } };
	memcpy(d->ask.range.dataset, f->reader.dataset, sizeof d->ask.range.dataset);
	memcpy(d->ask.range.feed_id, f->reader.feed_id, FEED_ID_BYTES);
	return deployment_ask(d, n, MSG_RANGE_R, e);
}

static bool is_signed(const struct follow *f, uint64_t kind, const struct msg_envelope *m)
{
	for (size_t i = 0; i < f->reader.n_keys; i++) {
		if (feed_verify(kind, m->envelope, m->signature, f->reader.key[i]))
			return true;
	}
	return false;
}

int follow_envelope(
    struct follow *f, uint64_t seq, struct buf *frame, struct feed_envelope *env, struct err *e)
{
	const struct msg_range_r *r = &f->deployment->reply.range_r;
	int code = ask_range(f, seq, 1, e);

	if (code != EXIT_OK)
		return code;
	buf_clear(frame);
	if (r->n == 1)
		buf_put_bytes(frame, r->item[0].envelope);
	if (r->n == 1 && !frame->failed && feed_decode(env, buf_bytes(frame), e) &&
	    is_signed(f, env->kind, &r->item[0]) && env->seq == seq &&
	    memcmp(env->feed_id, f->reader.feed_id, FEED_ID_BYTES) == 0 &&
	    strcmp(env->dataset, f->reader.dataset) == 0)
		return EXIT_OK;
	(void)err_set(
	    e, ERR_CRYPTO, _("envelope %llu of the feed is not to be believed"), (unsigned long long)seq);
	return EXIT_OTHER;
}

/* An envelope in its place: fetch and verify, keep the position, then tell. */
static int apply(struct follow *f, const struct feed_envelope *env, struct err *e)
{
	int code = f->apply(f->user, env, e);

	if (code != EXIT_OK)
		return code;
	if (!keep_position(f, e))
		return EXIT_OTHER;
	return f->show(f->user, env, e);
}

static int compare_seq(const void *a, const void *b)
{
	const struct feed_state_row *x = a, *y = b;

	return x->seq < y->seq ? -1 : x->seq > y->seq;
}

/* Steps 3 and 4: what is in force, oldest first. The state's position holds for all of it. */
static int join_late(struct follow *f, struct err *e)
{
	struct feed_state state;
	struct buf frame = { .max = LIMIT_FEED_BYTES + 4096 };
	struct feed_envelope env;
	int code = follow_state(f, &state, e);

	if (code == EXIT_OK && state.n_rows > 1)
		qsort(state.row, state.n_rows, sizeof *state.row, compare_seq);
	for (size_t i = state.n_rows > f->newest ? state.n_rows - f->newest : 0;
	     code == EXIT_OK && i < state.n_rows; i++) {
		code = follow_envelope(f, state.row[i].seq, &frame, &env, e);
		if (code == EXIT_OK && memcmp(env.object, state.row[i].object, sizeof env.object) != 0) {
			(void)err_set(
			    e, ERR_CRYPTO, "%s", _("the state and the feed name different releases"));
			code = EXIT_OTHER;
		}
		if (code == EXIT_OK)
			code = apply(f, &env, e);
	}
	if (code == EXIT_OK && !keep_position(f, e))
		code = EXIT_OTHER;
	feed_state_free(&state);
	buf_free(&frame);
	return code;
}

static bool no_such_thing(int code, const struct err *e)
{
	return code == EXIT_REFUSED && e->detail == REJECT_NOT_FOUND;
}

/* Step 2: whose feed is it, and have we a place in it? */
static int begin(struct follow *f, struct err *e)
{
	struct deployment *d = f->deployment;
	struct net *n = deployment_query(d, e);
	struct feed_envelope beat;
	int code;

	if (n == NULL)
		return EXIT_OTHER;
	d->ask = (struct message){ .kind = MSG_HEAD };
	memcpy(d->ask.head.dataset, f->reader.dataset, sizeof d->ask.head.dataset);
	code = deployment_ask(d, n, MSG_HEAD_R, e);
	if (no_such_thing(code, e))
		return EXIT_OK; /* nothing was ever published: the first beat will come by itself */
	if (code != EXIT_OK)
		return code;
	if (!feed_decode(&beat, d->reply.head_r.envelope, e) || beat.kind != FEED_BEAT ||
	    !is_signed(f, beat.kind, &d->reply.head_r) || strcmp(beat.dataset, f->reader.dataset) != 0) {
		(void)err_set(e, ERR_CRYPTO, "%s", _("the gate's newest beat is not to be believed"));
		return EXIT_OTHER;
	}
	if (f->has_position && memcmp(beat.feed_id, f->reader.feed_id, FEED_ID_BYTES) == 0)
		return EXIT_OK;
	if (f->has_position)
		text_warn("%s", _("note: the feed began anew; everything in force is read again"));
	code = join_late(f, e);
	if (!no_such_thing(code, e))
		return code;
	memcpy(f->reader.feed_id, beat.feed_id, FEED_ID_BYTES); /* a feed without a first message */
	memset(f->reader.link, 0, sizeof f->reader.link);
	f->reader.seq = 0;
	f->has_position = true;
	return EXIT_OK;
}

/* Two signed truths for one place in the feed: kept for whoever asks. */
static int keep_evidence(const struct follow *f, struct bytes frame, struct err *e)
{
	char name[LIMIT_NAME + 64];
	struct err why;

	(void)snprintf(name, sizeof name, "evidence-%s-%llu-%08x", f->reader.dataset,
	    (unsigned long long)f->reader.seq, randombytes_random());
	if (!file_write(f->deployment->settings.dir, name, 0644, frame, &why))
		text_error(&why);
	(void)err_set(e, ERR_CRYPTO,
	    _("the feed says two different things at number %llu, both signed; kept as %s: tell the "
	      "auditors"),
	    (unsigned long long)f->reader.seq, name);
	return EXIT_OTHER;
}

static int count_resync(struct follow *f, struct err *e)
{
	int64_t now = net_now_ms();

	if (f->resyncs == 0 || now - f->window_ms > FOLLOW_WINDOW_MS) {
		f->window_ms = now;
		f->resyncs = 0;
	}
	if (++f->resyncs <= FOLLOW_RESYNCS)
		return AGAIN;
	(void)err_set(
	    e, ERR_REFUSED, _("the feed does not fit together: %d times in ten minutes"), FOLLOW_RESYNCS + 1);
	return EXIT_OTHER;
}

/* One frame through the reader. EXIT_OK: go on; AGAIN: fetch what is missing. */
static int step(struct follow *f, struct bytes frame, bool live, struct err *e)
{
	struct feed_envelope env;

	switch (feed_reader_step(&f->reader, frame, &env, e)) {
	case FEED_APPLY:
		return apply(f, &env, e);
	case FEED_FRESH:
		f->beat_ms = net_now_ms();
		f->stale_told = false;
		return EXIT_OK;
	case FEED_RANGE:
		return live ? AGAIN : count_resync(f, e);
	case FEED_RESTART:
		return count_resync(f, e);
	case FEED_STOP:
		return keep_evidence(f, frame, e);
	case FEED_ALERT:
		err_wrap(e, "%s", _("this program is too old for the feed"));
		return EXIT_OTHER;
	case FEED_DROP:
	case FEED_REFUSE:
		break;
	}
	return EXIT_OK;
}

/* Step 5. The answer is copied item by item: applying asks questions of its own. */
static int catch_up(struct follow *f, struct err *e)
{
	struct deployment *d = f->deployment;
	int code = EXIT_OK;
	uint64_t head = 0;

	do {
		struct buf frames = { .max = LIMIT_REPLY_BYTES };
		size_t end[LIMIT_RANGE] = { 0 }, n;

		code = ask_range(f, f->reader.seq + 1, LIMIT_RANGE, e);
		if (code == EXIT_REFUSED && e->detail == REJECT_FEED_CHANGED)
			return count_resync(f, e);
		if (code != EXIT_OK)
			return code;
		n = d->reply.range_r.n;
		head = d->reply.range_r.head_seq;
		for (size_t i = 0; i < n; i++) {
			const struct msg_envelope *m = &d->reply.range_r.item[i];
			if (!feed_frame_put(&frames, m->envelope, m->signature, e))
				code = EXIT_OTHER;
			end[i] = frames.size;
		}
		for (size_t i = 0; i < n && code == EXIT_OK; i++) {
			size_t start = i > 0 ? end[i - 1] : 0;
			code = step(f, bytes_of(frames.data + start, end[i] - start), false, e);
		}
		buf_free(&frames);
		if (n == 0 && f->reader.seq < head)
			code = count_resync(f, e);
	} while (code == EXIT_OK && f->reader.seq < head);
	return code;
}

static void check_stale(struct follow *f)
{
	if (f->stale_told || net_now_ms() - f->beat_ms < FOLLOW_STALE_MS)
		return;
	f->stale_told = true;
	text_warn(
	    "%s", _("note: no sign of life from the feed for 15 s; what you have may not be the newest"));
}

static int live(struct follow *f, struct err *e)
{
	int code = EXIT_OK;

	f->beat_ms = net_now_ms();
	while (code == EXIT_OK) {
		int64_t until = net_now_ms() + FOLLOW_STALE_MS / 3;
		enum net_result result;

		if (until > f->deployment->deadline_ms)
			until = f->deployment->deadline_ms;
		result = net_receive(f->feed, &f->frame, until, e);
		if (result == NET_OK) {
			code = step(f, buf_bytes(&f->frame), true, e);
		} else if (result == NET_INTERRUPTED) {
			code = EXIT_INTERRUPTED;
		} else if (result == NET_BROKEN) {
			code = EXIT_OTHER;
		} else if (result == NET_KEY_REFUSED || result == NET_WRONG_SERVER) {
			(void)err_set(e, ERR_REFUSED, "%s", net_trouble(f->feed));
			code = EXIT_KEY;
		} else if (net_now_ms() >= f->deployment->deadline_ms) {
			(void)err_set(e, ERR_SYSTEM, "%s", _("nothing new came in time"));
			code = EXIT_NOT_SENT;
		}
		check_stale(f);
	}
	return code;
}

static int subscribe(struct follow *f, struct err *e)
{
	struct net_target target;
	char topic[FEED_TOPIC_MAX];

	deployment_target(f->deployment, KEYSET_SERVE_FEED, &target);
	feed_topic(topic, f->reader.dataset);
	f->feed = net_open(&target, topic, e);
	return f->feed != NULL ? EXIT_OK : EXIT_OTHER;
}

int follow_run(struct follow *f, struct err *e)
{
	int code = subscribe(f, e);

	while (code == EXIT_OK || code == AGAIN) {
		code = begin(f, e);
		if (code == EXIT_OK && f->has_position)
			code = catch_up(f, e);
		if (code == EXIT_OK)
			code = live(f, e);
	}
	return code == FOLLOW_ENOUGH ? EXIT_OK : code;
}
