#include "daemon/vault/link.h"

#include "daemon/say.h"
#include "daemon/vault/intake.h"
#include "daemon/vault/registry.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <zmq.h>

#define PEER_BYTES    255u /* of a routing id; libzmq makes five */
#define HANDSHAKE_MS  3000
#define LINGER_MS     2000
#define MARK          ((int)LIMIT_LINK_WINDOW + 64)
#define RETRY_MODE_MS 30000u

struct peer { /* a routing id */
	size_t len;
	uint8_t id[PEER_BYTES];
};

struct link {
	void *context, *socket;
	char path[LINK_PATH_BYTES + 1];
	struct stat file; /* what we bound */
	bool open;        /* a session is under way */
	bool greet;       /* it is new: publish has not been told */
	struct peer peer;
	uint8_t session[LINK_SESSION_BYTES];
	uint64_t last_n, waiting_bytes, applied, generation;
	struct link_counts counts;
	struct link_frame in, out; /* large: one of each, for one thread */
};

/* --- the socket --- */

static bool fail_zmq(struct err *e, const char *what)
{
	return err_set(e, ERR_SYSTEM, "link: %s: %s", what, zmq_strerror(zmq_errno()));
}

static bool set_int(void *socket, int option, int value)
{
	return zmq_setsockopt(socket, option, &value, sizeof value) == 0;
}

static bool set_options(struct link *l, struct err *e)
{
	int64_t max = LIMIT_LINK_BYTES;
	bool ok = zmq_setsockopt(l->socket, ZMQ_MAXMSGSIZE, &max, sizeof max) == 0 &&
		  set_int(l->socket, ZMQ_ROUTER_MANDATORY, 1) && set_int(l->socket, ZMQ_ROUTER_HANDOVER, 0) &&
		  set_int(l->socket, ZMQ_SNDHWM, MARK) && set_int(l->socket, ZMQ_RCVHWM, MARK) &&
		  set_int(l->socket, ZMQ_HANDSHAKE_IVL, HANDSHAKE_MS) &&
		  set_int(l->socket, ZMQ_LINGER, LINGER_MS);
	return ok || fail_zmq(e, "cannot set an option");
}

/* The file mode is the door: the directory lets the group in, the socket too. */
static bool bind_socket(struct vault *v, struct link *l, struct err *e)
{
	char dir[CONF_PATH + 8];
	char endpoint[LINK_PATH_BYTES + 8];
	int n = snprintf(l->path, sizeof l->path, "%s/link/vault", v->conf->run);
	if (n < 0 || (size_t)n > LINK_PATH_BYTES)
		return err_set(e, ERR_INVALID,
		    "link: [paths] run is too long: the socket's path may have %u bytes", LINK_PATH_BYTES);
	snprintf(dir, sizeof dir, "%s/link", v->conf->run);
	snprintf(endpoint, sizeof endpoint, "ipc://%s", l->path);
	if (!os_make_dirs(v->os, AT_FDCWD, dir, 0750, e) || !os_dir_closed(dir, 0022, e))
		return false;
	if (zmq_bind(l->socket, endpoint) != 0)
		return fail_zmq(e, "cannot bind");
	if (chmod(l->path, 0660) != 0 || stat(l->path, &l->file) != 0)
		return err_set(e, ERR_SYSTEM, "link: %s: %s", l->path, strerror(errno));
	return true;
}

bool link_open(struct vault *v, struct err *e)
{
	struct link *l = calloc(1, sizeof *l);
	if (l == NULL)
		return err_set(e, ERR_MEMORY, "link: out of memory");
	v->link = l;
	l->context = zmq_ctx_new();
	l->socket = l->context == NULL ? NULL : zmq_socket(l->context, ZMQ_ROUTER);
	if (l->socket == NULL) {
		fail_zmq(e, "cannot make the socket");
		goto failed;
	}
	if (set_options(l, e) && bind_socket(v, l, e))
		return true;
failed:
	link_close(v, false);
	return false;
}

void *link_socket(struct vault *v)
{
	return v->link->socket;
}

bool link_still_ours(const struct vault *v)
{
	struct stat now;
	return stat(v->link->path, &now) == 0 && now.st_ino == v->link->file.st_ino &&
	       now.st_dev == v->link->file.st_dev;
}

struct link_counts link_counts(const struct vault *v)
{
	return v->link->counts;
}

/* --- sending: never waits; what cannot go is dropped and counted, the other side asks again --- */

static bool send_bytes(struct link *l, const struct peer *peer, struct bytes body)
{
	if (zmq_send(l->socket, peer->id, peer->len, ZMQ_SNDMORE | ZMQ_DONTWAIT) >= 0 &&
	    zmq_send(l->socket, body.at, body.len, ZMQ_DONTWAIT) >= 0)
		return true;
	l->counts.dropped_replies++;
	return false;
}

static bool send_frame(struct link *l, const struct peer *peer, const struct link_frame *frame)
{
	struct buf bytes = { .max = LIMIT_LINK_BYTES };
	struct err e;
	bool ok = link_encode(&bytes, frame, &e);
	if (ok)
		ok = send_bytes(l, peer, buf_bytes(&bytes));
	else
		say(SAY_ERROR, "link-encode", "%s: %s", link_kind_name(frame->kind), e.text);
	buf_free(&bytes);
	return ok;
}

static struct link_frame *fresh_frame(struct link *l, enum link_kind kind)
{
	l->out = (struct link_frame){ .kind = kind };
	memcpy(l->out.session, l->session, sizeof l->session);
	return &l->out;
}

static void send_closed(
    struct link *l, const struct peer *peer, const uint8_t session[LINK_SESSION_BYTES], enum link_closed why)
{
	struct link_frame *frame = fresh_frame(l, LINK_CLOSED);
	memcpy(frame->session, session, sizeof frame->session);
	frame->closed = why;
	send_frame(l, peer, frame);
}

static void end_session(struct link *l, enum link_closed why)
{
	if (!l->open)
		return;
	send_closed(l, &l->peer, l->session, why);
	l->open = false;
	l->greet = false;
	l->applied = 0;
	l->counts.waiting = 0;
	l->waiting_bytes = 0;
	say(SAY_NOTICE, "link-closed", "the gate's session is over, reason %u", (unsigned)why);
}

void link_close(struct vault *v, bool stopping)
{
	struct link *l = v->link;
	if (l == NULL)
		return;
	if (stopping)
		end_session(l, CLOSED_STOPPING);
	if (l->socket != NULL)
		zmq_close(l->socket);
	if (l->context != NULL)
		zmq_ctx_term(l->context);
	free(l);
	v->link = NULL;
}

void link_reply(struct vault *v, const struct link_origin *origin, struct bytes body)
{
	struct link *l = v->link;
	if (l == NULL)
		return;
	if (!l->open || memcmp(origin->session, l->session, sizeof l->session) != 0) {
		l->counts.dropped_replies++;
		return;
	}
	if (l->counts.waiting > 0)
		l->counts.waiting--;
	if (l->counts.waiting == 0)
		l->waiting_bytes = 0;
	if (body.len == 0)
		return; /* nothing to say: the gate counts it as done after a while */
	struct link_frame *frame = fresh_frame(l, LINK_REPLY);
	frame->reply = (struct link_reply){ .n = origin->n, .body = body };
	send_frame(l, &l->peer, frame);
}

void link_push_registry(struct vault *v)
{
	struct link *l = v->link;
	struct err e;
	if (l == NULL || !l->open)
		return;
	struct link_frame *frame = fresh_frame(l, LINK_REGISTRY);
	if (registry_snapshot(v, &frame->registry, &e))
		send_frame(l, &l->peer, frame);
	else
		say(SAY_ERROR, "registry", "%s", e.text);
	link_registry_free(&frame->registry);
}

void link_push_mode(struct vault *v)
{
	struct link *l = v->link;
	if (l == NULL || !l->open)
		return;
	struct link_frame *frame = fresh_frame(l, LINK_MODE);
	enum link_mode mode = vault_mode(v);
	frame->mode = (struct link_mode_frame){ .mode = mode,
		.retry_after_ms = mode == MODE_NORMAL ? 0 : RETRY_MODE_MS };
	send_frame(l, &l->peer, frame);
}

void vault_send_feed(struct vault *v, const char *dataset, struct bytes envelope, const uint8_t signature[64])
{
	struct link *l = v->link;
	if (l == NULL || !l->open)
		return;
	struct link_frame *frame = fresh_frame(l, LINK_FEED);
	snprintf(frame->feed.dataset, sizeof frame->feed.dataset, "%s", dataset);
	frame->feed.envelope = envelope;
	memcpy(frame->feed.signature, signature, KEY_SIG_BYTES);
	send_frame(l, &l->peer, frame);
}

void vault_send_files(struct vault *v, const struct link_file *file, size_t n)
{
	struct link *l = v->link;
	if (l == NULL || !l->open)
		return;
	l->generation++;
	for (size_t done = 0; done < n; done += LIMIT_LINK_FILES) {
		struct link_frame *frame = fresh_frame(l, LINK_FILES);
		frame->files.generation = l->generation;
		frame->files.n = n - done < LIMIT_LINK_FILES ? n - done : LIMIT_LINK_FILES;
		memcpy(frame->files.file, file + done, frame->files.n * sizeof *file);
		send_frame(l, &l->peer, frame);
	}
}

bool vault_gate_connected(const struct vault *v)
{
	return v->link != NULL && v->link->open;
}

uint64_t vault_gate_applied(const struct vault *v)
{
	return vault_gate_connected(v) ? v->link->applied : 0;
}

bool link_wants_greeting(struct vault *v)
{
	bool wants = v->link != NULL && v->link->greet;
	if (wants)
		v->link->greet = false;
	return wants;
}

/* --- receiving --- */

static void drop(struct link *l)
{
	l->counts.dropped_frames++;
}

static void take_open(struct vault *v, const struct peer *peer)
{
	struct link *l = v->link;
	end_session(l, CLOSED_SUPERSEDED);
	l->peer = *peer;
	memcpy(l->session, l->in.session, sizeof l->session);
	l->open = true;
	l->greet = true;
	l->last_n = 0;
	l->counts.sessions++;
	struct link_frame *frame = fresh_frame(l, LINK_OPENED);
	frame->opened = (struct link_opened){ .window_messages = LIMIT_LINK_WINDOW,
		.window_bytes = LIMIT_LINK_WINDOW_BYTES,
		.max_message_bytes = LIMIT_MESSAGE_BYTES };
	memcpy(frame->opened.boot_id, v->boot_id, sizeof frame->opened.boot_id);
	send_frame(l, peer, frame);
	link_push_registry(v);
	link_push_mode(v);
	say(SAY_NOTICE, "link-open", "a gate has opened session number %llu",
	    (unsigned long long)l->counts.sessions);
}

static bool take_forward(struct vault *v, struct err *e)
{
	struct link *l = v->link;
	const struct link_forward *f = &l->in.forward;
	struct link_origin origin = { .n = f->n };
	if (f->n <= l->last_n) {
		drop(l);
		return true;
	}
	l->last_n = f->n;
	if (l->counts.waiting >= LIMIT_LINK_WINDOW || f->body.len > LIMIT_MESSAGE_BYTES ||
	    l->waiting_bytes + f->body.len > LIMIT_LINK_WINDOW_BYTES) {
		end_session(l, CLOSED_MALFORMED);
		return true;
	}
	l->counts.forwards++;
	l->counts.waiting++;
	l->waiting_bytes += f->body.len;
	memcpy(origin.session, l->session, sizeof origin.session);
	return intake_take(v, &origin, f, e);
}

static bool take_frame(struct vault *v, const struct peer *peer, struct err *e)
{
	struct link *l = v->link;
	if (l->in.kind == LINK_OPEN) {
		take_open(v, peer);
		return true;
	}
	if (!l->open || memcmp(l->in.session, l->session, sizeof l->session) != 0) {
		drop(l);
		if (l->in.kind == LINK_FORWARD)
			send_closed(l, peer, l->in.session, CLOSED_UNKNOWN_SESSION);
		return true;
	}
	if (l->in.kind == LINK_FORWARD)
		return take_forward(v, e);
	if (l->in.kind == LINK_APPLIED)
		l->applied = l->in.applied.registry_serial;
	if (l->in.kind == LINK_PING) {
		struct link_frame *frame = fresh_frame(l, LINK_PONG);
		frame->pong.counter = l->in.ping.counter;
		memcpy(frame->pong.boot_id, v->boot_id, sizeof frame->pong.boot_id);
		send_frame(l, &l->peer, frame);
	}
	return true;
}

static bool take_bytes(struct vault *v, const struct peer *peer, struct bytes body, struct err *e)
{
	struct link *l = v->link;
	struct err why = { 0 };
	if (!link_decode(&l->in, body, LINK_FROM_GATE, &why)) {
		drop(l);
		say(SAY_WARNING, "link-malformed", "a frame of the gate: %s", why.text);
		if (l->open && peer->len == l->peer.len && memcmp(peer->id, l->peer.id, peer->len) == 0)
			end_session(l, why.code == ERR_UNSUPPORTED ? CLOSED_VERSION : CLOSED_MALFORMED);
		return true;
	}
	bool ok = take_frame(v, peer, e);
	link_free(&l->in);
	return ok;
}

/* Reads one part. *more: others follow. False: nothing there. */
static bool receive_part(struct link *l, zmq_msg_t *part, bool *more)
{
	zmq_msg_init(part);
	if (zmq_msg_recv(part, l->socket, ZMQ_DONTWAIT) < 0) {
		zmq_msg_close(part);
		return false;
	}
	*more = zmq_msg_more(part) != 0;
	return true;
}

/* A message is one routing id and one body; whatever else follows is read, counted and forgotten. */
static bool receive_message(struct vault *v, bool *got, struct err *e)
{
	struct link *l = v->link;
	struct peer peer = { 0 };
	zmq_msg_t part;
	bool more;
	bool ok = true;
	*got = receive_part(l, &part, &more);
	if (!*got)
		return true;
	if (zmq_msg_size(&part) <= PEER_BYTES) {
		peer.len = zmq_msg_size(&part);
		memcpy(peer.id, zmq_msg_data(&part), peer.len);
	}
	zmq_msg_close(&part);
	if (!more || !receive_part(l, &part, &more)) {
		drop(l);
		return true;
	}
	if (more)
		drop(l);
	else
		ok = take_bytes(v, &peer, bytes_of(zmq_msg_data(&part), zmq_msg_size(&part)), e);
	zmq_msg_close(&part);
	while (more && receive_part(l, &part, &more))
		zmq_msg_close(&part);
	return ok;
}

bool link_receive(struct vault *v, unsigned room, struct err *e)
{
	bool got = true;
	for (unsigned i = 0; i < room && got; i++)
		if (!receive_message(v, &got, e))
			return false;
	return true;
}
