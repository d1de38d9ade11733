#include "daemon/gate/relay.h"
#include "daemon/gate/stats.h"
#include "daemon/say.h"
#include <stdlib.h>
#include <string.h>

#define RETRY_VAULT_MS 5000u
#define RETRY_QUEUE_MS 1000u
#define AGENT          "cellveil-gate " CELLVEIL_VERSION

enum relay_state { AWAY, OPENING, OPEN };

struct waiting { /* a FORWARD without reply; n == 0: free */
	uint64_t n, bytes, since_ms;
	struct relay_peer from;
	uint8_t principal[KEY_ID_BYTES];
	uint8_t rid[MESSAGE_RID_BYTES];
};

struct relay {
	struct relay_io io;
	struct relay_limits limits;
	enum relay_state state;
	uint8_t session[LINK_SESSION_BYTES];
	uint8_t boot_id[16];
	uint64_t next_open_ms; /* when OPEN is tried (again), unless OPENED comes */
	uint64_t ping_ms;      /* last PING sent */
	uint64_t heard_ms;     /* last frame of this session */
	uint64_t ping_counter;
	uint32_t pings_open; /* sent since the last PONG */
	uint64_t last_n;
	uint32_t window_messages;
	uint64_t window_bytes, max_message;
	enum link_mode mode;
	uint64_t mode_retry_ms;
	uint32_t n_waiting;
	uint64_t waiting_bytes;
	struct waiting waiting[LIMIT_LINK_WINDOW];
	struct link_frame in, out; /* large: kept here, not on the stack */
	struct message message;
	struct buf buf;
};

struct relay *relay_new(const struct relay_io *io, const struct relay_limits *limits, uint64_t now_ms)
{
	struct relay *r = calloc(1, sizeof *r);
	if (r == NULL)
		return NULL;
	r->io = *io;
	r->limits = *limits;
	if (r->limits.window_messages > LIMIT_LINK_WINDOW)
		r->limits.window_messages = LIMIT_LINK_WINDOW;
	r->heard_ms = now_ms;
	r->mode = MODE_NORMAL;
	r->max_message = LIMIT_MESSAGE_BYTES;
	r->buf.max = LIMIT_LINK_BYTES;
	return r;
}

void relay_free(struct relay *r)
{
	if (r == NULL)
		return;
	buf_free(&r->buf);
	free(r);
}

/* ---- to the askers ---- */

static void forget(struct relay *r, struct waiting *w)
{
	r->n_waiting--;
	r->waiting_bytes -= w->bytes;
	memset(w, 0, sizeof *w);
}

static void answer_busy(struct relay *r, const struct waiting *w, enum busy_reason reason)
{
	struct err e;
	r->message.kind = MSG_BUSY;
	memcpy(r->message.rid, w->rid, sizeof w->rid);
	r->message.busy = (struct msg_busy){ .retry_after_ms = RETRY_VAULT_MS, .reason = reason };
	buf_clear(&r->buf);
	if (message_encode(&r->buf, &r->message, &e))
		r->io.answer(r->io.arg, &w->from, buf_bytes(&r->buf));
}

static void let_go(struct relay *r, enum busy_reason reason)
{
	for (unsigned i = 0; i < LIMIT_LINK_WINDOW; i++) {
		if (r->waiting[i].n == 0)
			continue;
		answer_busy(r, &r->waiting[i], reason);
		forget(r, &r->waiting[i]);
	}
}

/* The session is over; nothing of it is kept (a retry fetches the stored receipt). */
static void lose(struct relay *r, const char *why, uint64_t now_ms)
{
	if (r->state == OPEN) {
		stats_add(STAT_LINK_LOST, 1);
		say(SAY_WARNING, "link-lost", "%s", why);
	}
	r->state = AWAY;
	r->next_open_ms = now_ms + RELAY_OPEN_EVERY_MS;
	let_go(r, BUSY_VAULT_AWAY);
}

void relay_stop(struct relay *r, enum busy_reason reason)
{
	r->state = AWAY;
	let_go(r, reason);
}

/* ---- to the vault ---- */

static bool send_out(struct relay *r, enum link_kind kind)
{
	struct err e;
	r->out.kind = kind;
	memcpy(r->out.session, r->session, sizeof r->session);
	buf_clear(&r->buf);
	if (!link_encode(&r->buf, &r->out, &e)) {
		say(SAY_ERROR, "link-encode", "%s: %s", link_kind_name(kind), e.text);
		return false;
	}
	return r->io.send(r->io.arg, buf_bytes(&r->buf));
}

/* G1: every OPEN is a new session with a random name. */
static void try_open(struct relay *r, uint64_t now_ms)
{
	r->io.random(r->io.arg, r->session, sizeof r->session);
	memset(&r->out.open, 0, sizeof r->out.open);
	r->out.open.agent = bytes_text(AGENT);
	r->out.open.registry_serial = r->io.registry_serial(r->io.arg);
	r->io.positions(r->io.arg, &r->out.open);
	r->last_n = 0;
	r->state = send_out(r, LINK_OPEN) ? OPENING : AWAY;
	r->next_open_ms = now_ms + (r->state == OPENING ? RELAY_OPEN_PATIENCE_MS : RELAY_OPEN_EVERY_MS);
}

static void ping(struct relay *r, uint64_t now_ms)
{
	if (r->pings_open >= RELAY_PINGS_LOST) {
		lose(r, "three pings without an answer", now_ms);
		return;
	}
	r->ping_ms = now_ms;
	r->out.ping = (struct link_ping){ .counter = ++r->ping_counter, .waiting = r->n_waiting };
	r->pings_open++;
	send_out(r, LINK_PING);
}

/* G3: after two minutes a FORWARD counts as done; a reply that still comes is dropped. */
static void expire(struct relay *r, uint64_t now_ms)
{
	for (unsigned i = 0; i < LIMIT_LINK_WINDOW; i++) {
		struct waiting *w = &r->waiting[i];
		if (w->n == 0 || now_ms - w->since_ms < RELAY_EXPIRY_MS)
			continue;
		stats_add(STAT_LINK_EXPIRED, 1);
		forget(r, w);
	}
}

uint64_t relay_tick(struct relay *r, uint64_t now_ms)
{
	expire(r, now_ms);
	if (r->state == OPEN && now_ms - r->ping_ms >= RELAY_PING_EVERY_MS)
		ping(r, now_ms);
	if (r->state != OPEN && now_ms >= r->next_open_ms)
		try_open(r, now_ms);
	return r->state == OPEN ? r->ping_ms + RELAY_PING_EVERY_MS : r->next_open_ms;
}

static enum busy_reason mode_reason(enum link_mode mode)
{
	switch (mode) {
	case MODE_READ_ONLY:
		return BUSY_READ_ONLY;
	case MODE_STORAGE_LOW:
		return BUSY_STORAGE;
	case MODE_LOG_STALLED:
		return BUSY_LOG_STALLED;
	case MODE_CLOCK_HOLD:
		return BUSY_CLOCK_HOLD;
	case MODE_NORMAL:
	case MODE_DRAINING:
		break;
	}
	return BUSY_STOPPING;
}

static uint32_t waiting_of(const struct relay *r, const uint8_t principal[KEY_ID_BYTES])
{
	uint32_t n = 0;
	for (unsigned i = 0; i < LIMIT_LINK_WINDOW; i++)
		n += r->waiting[i].n != 0 && memcmp(r->waiting[i].principal, principal, KEY_ID_BYTES) == 0;
	return n;
}

static struct waiting *free_place(struct relay *r)
{
	for (unsigned i = 0; i < LIMIT_LINK_WINDOW; i++)
		if (r->waiting[i].n == 0)
			return &r->waiting[i];
	return NULL;
}

/* Vault, mode, window: in this order, 0 if all let it pass. */
static unsigned hold_back(const struct relay *r, const uint8_t principal[KEY_ID_BYTES], size_t bytes,
    bool is_submission, uint64_t *retry_ms)
{
	if (r->state != OPEN) {
		*retry_ms = RETRY_VAULT_MS;
		return BUSY_VAULT_AWAY;
	}
	if (is_submission && r->mode != MODE_NORMAL) {
		*retry_ms = r->mode_retry_ms;
		return mode_reason(r->mode);
	}
	*retry_ms = RETRY_QUEUE_MS;
	if (r->n_waiting >= r->window_messages || r->waiting_bytes + bytes > r->window_bytes ||
	    waiting_of(r, principal) >= r->limits.per_principal)
		return BUSY_QUEUE;
	return 0;
}

unsigned relay_forward(struct relay *r, const struct relay_peer *from, const uint8_t principal[KEY_ID_BYTES],
    uint64_t peer_serial, const uint8_t rid[MESSAGE_RID_BYTES], struct bytes body, bool is_submission,
    uint64_t now_ms, uint64_t *retry_ms)
{
	unsigned busy = hold_back(r, principal, body.len, is_submission, retry_ms);
	struct waiting *w = free_place(r);
	if (busy != 0 || w == NULL)
		return busy != 0 ? busy : BUSY_QUEUE;
	r->out.forward = (struct link_forward){ .n = r->last_n + 1,
		.endpoint = from->endpoint,
		.registry_serial = r->io.registry_serial(r->io.arg),
		.peer_serial = peer_serial,
		.body = body };
	memcpy(r->out.forward.principal, principal, KEY_ID_BYTES);
	if (!send_out(
		r, LINK_FORWARD)) { /* a dead vault shows here first; PING will tell about the session */
		*retry_ms = RETRY_VAULT_MS;
		return BUSY_VAULT_AWAY;
	}
	w->n = ++r->last_n;
	w->bytes = body.len;
	w->since_ms = now_ms;
	w->from = *from;
	memcpy(w->principal, principal, KEY_ID_BYTES);
	memcpy(w->rid, rid, MESSAGE_RID_BYTES);
	r->n_waiting++;
	r->waiting_bytes += body.len;
	stats_add(STAT_FORWARDED, 1);
	return 0;
}

/* ---- from the vault ---- */

static void take_opened(struct relay *r, uint64_t now_ms)
{
	const struct link_opened *o = &r->in.opened;
	if (r->state != OPENING)
		return;
	r->state = OPEN;
	r->mode = MODE_NORMAL;
	memcpy(r->boot_id, o->boot_id, sizeof r->boot_id);
	r->window_messages = o->window_messages < r->limits.window_messages ? (uint32_t)o->window_messages
									    : r->limits.window_messages;
	r->window_bytes = o->window_bytes < r->limits.window_bytes ? o->window_bytes : r->limits.window_bytes;
	r->max_message =
	    o->max_message_bytes < LIMIT_MESSAGE_BYTES ? o->max_message_bytes : LIMIT_MESSAGE_BYTES;
	r->pings_open = 0;
	r->ping_ms = now_ms;
	stats_add(STAT_LINK_SESSIONS, 1);
	say(SAY_NOTICE, "link-open", "session with the vault, window %u messages", r->window_messages);
}

static void take_reply(struct relay *r)
{
	struct waiting *w = NULL;
	for (unsigned i = 0; i < LIMIT_LINK_WINDOW && w == NULL; i++)
		if (r->waiting[i].n == r->in.reply.n)
			w = &r->waiting[i];
	if (w == NULL || r->in.reply.n == 0) {
		stats_add(STAT_REPLY_LATE, 1);
		return;
	}
	stats_add(STAT_REPLIED, 1);
	r->io.answer(r->io.arg, &w->from, r->in.reply.body);
	if (message_decode(&r->message, r->in.reply.body, NULL) && r->message.kind == MSG_REJECT &&
	    r->message.reject.code == REJECT_BAD_ENVELOPE)
		r->io.bad_envelope(r->io.arg, w->principal);
	forget(r, w);
}

static void take_registry(struct relay *r)
{
	uint64_t serial = r->in.registry.serial;
	if (!r->io.registry(r->io.arg, &r->in.registry))
		return;
	r->out.applied.registry_serial = serial;
	send_out(r, LINK_APPLIED);
}

static void take_pong(struct relay *r, uint64_t now_ms)
{
	if (memcmp(r->in.pong.boot_id, r->boot_id, sizeof r->boot_id) != 0)
		lose(r, "the vault restarted", now_ms);
	else if (r->in.pong.counter == r->ping_counter)
		r->pings_open = 0;
}

static void take_closed(struct relay *r, uint64_t now_ms)
{
	static const char *const why[] = { "?", "another session took over", "the vault stops",
		"versions differ", "we sent something malformed", "the vault does not know the session" };
	unsigned reason = r->in.closed < sizeof why / sizeof *why ? r->in.closed : 0;
	if (r->state == OPENING)
		say(SAY_WARNING, "link-refused", "%s", why[reason]);
	lose(r, why[reason], now_ms);
	/* Two gates, or two versions: trying four times a second would only make noise. */
	if (r->in.closed != CLOSED_STOPPING && r->in.closed != CLOSED_UNKNOWN_SESSION)
		r->next_open_ms = now_ms + RELAY_OPEN_PATIENCE_MS;
}

static void dispatch(struct relay *r, uint64_t now_ms)
{
	switch (r->in.kind) {
	case LINK_OPENED:
		take_opened(r, now_ms);
		return;
	case LINK_CLOSED:
		take_closed(r, now_ms);
		return;
	case LINK_REGISTRY:
		take_registry(r);
		return;
	case LINK_REPLY:
		take_reply(r);
		return;
	case LINK_FEED:
		r->io.feed(r->io.arg, &r->in.feed);
		return;
	case LINK_PONG:
		take_pong(r, now_ms);
		return;
	case LINK_MODE:
		r->mode = r->in.mode.mode;
		r->mode_retry_ms = r->in.mode.retry_after_ms;
		say(SAY_NOTICE, "vault-mode", "mode %u", (unsigned)r->mode);
		return;
	case LINK_FILES: /* G8: a hint for caches, and we keep none */
	default:         /* link_decode lets nothing else of the vault's through */
		return;
	}
}

void relay_take(struct relay *r, struct bytes frame, uint64_t now_ms)
{
	struct err e;
	if (!link_decode(&r->in, frame, LINK_FROM_VAULT, &e)) {
		stats_add(STAT_LINK_BROKEN, 1);
		say(SAY_ERROR, "link-malformed", "%s", e.text);
		lose(r, "a frame of the vault is malformed", now_ms);
		return;
	}
	bool ours = r->state != AWAY && memcmp(r->in.session, r->session, sizeof r->session) == 0;
	/* Before OPENED nothing but it (or CLOSED) belongs to a session. */
	if (ours && r->state == OPENING && r->in.kind != LINK_OPENED && r->in.kind != LINK_CLOSED)
		ours = false;
	if (ours) {
		r->heard_ms = now_ms;
		dispatch(r, now_ms);
	} else {
		stats_add(STAT_LINK_STALE, 1);
	}
	link_free(&r->in);
}

void relay_cut(struct relay *r, uint64_t now_ms)
{
	lose(r, "the line was cut", now_ms);
}

bool relay_is_open(const struct relay *r)
{
	return r->state == OPEN;
}

uint32_t relay_waiting(const struct relay *r)
{
	return r->n_waiting;
}

uint64_t relay_max_message(const struct relay *r)
{
	return r->max_message;
}

uint64_t relay_heard_ms(const struct relay *r)
{
	return r->heard_ms;
}
