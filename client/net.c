#include "client/net.h"
#include "client/text.h"
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <zmq.h>

#define MONITOR_EVENTS                                                                                       \
	(ZMQ_EVENT_CONNECTED | ZMQ_EVENT_DISCONNECTED | ZMQ_EVENT_CLOSED | ZMQ_EVENT_CONNECT_RETRIED |       \
	    ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL |                           \
	    ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL | ZMQ_EVENT_HANDSHAKE_FAILED_AUTH)
#define RECONNECT_MAX 10000 /* of questions: somebody waits for the gate to come back */
#define FEED_QUEUE    64    /* messages of at most 256 KiB: 16 MiB; what is lost shows as a gap */
#define WRONG_SERVER_MIN                                                                                     \
	5 /* broken handshakes in a row before we speak of a wrong key: a bad line breaks some */

struct net {
	void *socket, *monitor;
	struct net_target target; /* secret is not kept */
	uint8_t secret[KEY_BYTES];
	char *topic;
	bool refused;    /* by ZAP */
	bool up;         /* the handshake is done */
	bool was_up;     /* when the last question went unanswered */
	bool asking;     /* a question is on its way: when the connection is lost, so is it */
	bool lost;       /* that happened */
	unsigned broken; /* handshakes that ended without reason, since the last good one */
	char trouble[400];
};

static void *context;
static volatile sig_atomic_t interrupted;

static bool catches; /* a program of ours, not somebody else's that uses the library */

void net_catch_signals(void)
{
	catches = true;
}

static void on_signal(int number)
{
	(void)number;
	interrupted = 1;
}

void *net_context(struct err *e)
{
	struct sigaction action = { .sa_handler = on_signal };

	if (context != NULL)
		return context;
	context = zmq_ctx_new();
	if (context == NULL) {
		(void)err_set(e, ERR_SYSTEM, "ZeroMQ: %s", zmq_strerror(errno));
		return NULL;
	}
	(void)zmq_ctx_set(context, ZMQ_IPV6, 1);
	if (catches) {
		(void)sigaction(SIGINT, &action, NULL);
		(void)sigaction(SIGTERM, &action, NULL);
	}
	return context;
}

void net_end(void)
{
	if (context != NULL)
		(void)zmq_ctx_term(context);
	context = NULL;
}

bool net_interrupted(void)
{
	return interrupted != 0;
}

int64_t net_now_ms(void)
{
	struct timespec t = { 0 };

	(void)clock_gettime(CLOCK_BOOTTIME, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

enum net_result net_sleep(int64_t until_ms)
{
	for (;;) {
		int64_t left = until_ms - net_now_ms();
		if (interrupted)
			return NET_INTERRUPTED;
		if (left <= 0)
			return NET_OK;
		(void)poll(
		    NULL, 0, left > 1000 ? 1000 : (int)left); /* a signal between test and poll costs 1 s */
	}
}

int64_t net_backoff_ms(unsigned attempt, uint32_t random)
{
	int64_t most = attempt >= 10 ? NET_BACKOFF_MAX : 1000LL << attempt;

	if (most > NET_BACKOFF_MAX)
		most = NET_BACKOFF_MAX;
	return (int64_t)random * (most + 1) >> 32;
}

static bool set(void *socket, int option, int value)
{
	return zmq_setsockopt(socket, option, &value, sizeof value) == 0;
}

static bool set_options(struct net *n)
{
	void *s = n->socket;
	int64_t most = n->topic != NULL ? LIMIT_FEED_BYTES + 1024 : LIMIT_REPLY_BYTES;

	most += LIMIT_CURVE_OVERHEAD;
	return set(s, ZMQ_LINGER, 0) && set(s, ZMQ_RECONNECT_IVL, 1000) &&
	       set(s, ZMQ_RECONNECT_IVL_MAX, n->topic != NULL ? 60000 : RECONNECT_MAX) &&
	       set(s, ZMQ_CONNECT_TIMEOUT, 10000) && set(s, ZMQ_HANDSHAKE_IVL, 10000) &&
	       set(s, ZMQ_TCP_KEEPALIVE, 1) && set(s, ZMQ_TCP_KEEPALIVE_IDLE, 30) &&
	       set(s, ZMQ_TCP_KEEPALIVE_INTVL, 10) && set(s, ZMQ_TCP_KEEPALIVE_CNT, 3) &&
	       set(s, ZMQ_RCVHWM, n->topic != NULL ? FEED_QUEUE : 10) &&
	       zmq_setsockopt(s, ZMQ_MAXMSGSIZE, &most, sizeof most) == 0 &&
	       (n->topic != NULL ? zmq_setsockopt(s, ZMQ_SUBSCRIBE, n->topic, strlen(n->topic)) == 0
				 : set(s, ZMQ_IMMEDIATE, 1) && set(s, ZMQ_SNDHWM, 10));
}

static bool set_keys(struct net *n)
{
	uint8_t public[KEY_BYTES];

	if (crypto_scalarmult_base(public, n->secret) != 0)
		return false;
	return zmq_setsockopt(n->socket, ZMQ_CURVE_SERVERKEY, n->target.server, KEY_BYTES) == 0 &&
	       zmq_setsockopt(n->socket, ZMQ_CURVE_PUBLICKEY, public, KEY_BYTES) == 0 &&
	       zmq_setsockopt(n->socket, ZMQ_CURVE_SECRETKEY, n->secret, KEY_BYTES) == 0;
}

static void close_sockets(struct net *n)
{
	if (n->socket != NULL)
		(void)zmq_close(n->socket);
	if (n->monitor != NULL)
		(void)zmq_close(n->monitor);
	n->socket = n->monitor = NULL;
}

static bool open_sockets(struct net *n, struct err *e)
{
	char name[64];
	void *zmq = net_context(e);

	if (zmq == NULL)
		return false;
	(void)snprintf(name, sizeof name, "inproc://monitor-%p-%08x", (void *)n, randombytes_random());
	n->socket = zmq_socket(zmq, n->topic != NULL ? ZMQ_SUB : ZMQ_DEALER);
	n->monitor = zmq_socket(zmq, ZMQ_PAIR);
	if (n->socket == NULL || n->monitor == NULL || !set(n->monitor, ZMQ_LINGER, 0) || !set_options(n) ||
	    !set_keys(n) || zmq_socket_monitor(n->socket, name, MONITOR_EVENTS) != 0 ||
	    zmq_connect(n->monitor, name) != 0 || zmq_connect(n->socket, n->target.endpoint) != 0) {
		(void)err_set(e, ERR_SYSTEM, "ZeroMQ: %s: %s", n->target.endpoint, zmq_strerror(errno));
		close_sockets(n);
		return false;
	}
	n->refused = n->up = n->asking = n->lost = false;
	n->broken = 0;
	return true;
}

struct net *net_open(const struct net_target *target, const char *topic, struct err *e)
{
	struct net *n = sodium_malloc(sizeof *n);

	if (n == NULL) {
		(void)err_set(e, ERR_MEMORY, "no memory for a connection");
		return NULL;
	}
	memset(n, 0, sizeof *n);
	n->target = *target;
	n->target.secret = NULL;
	memcpy(n->secret, target->secret, KEY_BYTES);
	n->topic = topic != NULL ? strdup(topic) : NULL;
	if ((topic != NULL && n->topic == NULL) || !open_sockets(n, e)) {
		net_close(n);
		return NULL;
	}
	return n;
}

void net_close(struct net *n)
{
	if (n == NULL)
		return;
	close_sockets(n);
	free(n->topic);
	sodium_free(n);
}

const char *net_trouble(const struct net *n)
{
	return n->trouble;
}

/* format: a msgid with three %s: the address, our key's fingerprint, the gate's. */
static void say_key(struct net *n, const char *format)
{
	uint8_t public[KEY_BYTES], id[KEY_ID_BYTES];
	char ours[KEY_FINGERPRINT], theirs[KEY_FINGERPRINT];

	if (crypto_scalarmult_base(public, n->secret) != 0)
		return;
	keys_id(id, KEY_TYPE_CURVE, public);
	keys_fingerprint(ours, id);
	keys_id(id, KEY_TYPE_CURVE, n->target.server);
	keys_fingerprint(theirs, id);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	(void)snprintf(n->trouble, sizeof n->trouble, format, n->target.endpoint, ours, theirs);
#pragma GCC diagnostic pop
}

static void note_event(struct net *n, uint16_t event)
{
	switch (event) {
	case ZMQ_EVENT_HANDSHAKE_SUCCEEDED:
		n->broken = 0;
		n->refused = false;
		n->up = true;
		n->target.proven = true;
		n->trouble[0] = 0;
		break;
	case ZMQ_EVENT_DISCONNECTED:
		n->up = false;
		n->lost = n->asking;
		if (n->asking)
			(void)snprintf(n->trouble, sizeof n->trouble, _("the connection to %s was lost"),
			    n->target.endpoint);
		break;
	case ZMQ_EVENT_HANDSHAKE_FAILED_AUTH:
		n->refused = true;
		say_key(
		    n, _("%s refuses our key %s: it is not enrolled yet, or was blocked. Ask the operator, "
			 "and compare the gate's key: %s"));
		break;
	case ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL:
	case ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL:
		n->broken++;
		if (n->target.proven) /* that key opened before: the line is likelier than a new key */
			(void)snprintf(n->trouble, sizeof n->trouble,
			    _("the line to %s is bad: the connection breaks off while it is made. If that "
			      "lasts, ask the operator"),
			    n->target.endpoint);
		else if (n->broken < WRONG_SERVER_MIN)
			(void)snprintf(
			    n->trouble, sizeof n->trouble, _("%s cannot be reached"), n->target.endpoint);
		else
			say_key(n, _("%s does not know the handshake (our key %s): server key mismatch? We "
				     "expect %s. "
				     "Ask the operator whether the gate has a new key"));
		break;
	case ZMQ_EVENT_CONNECT_RETRIED:
		if (n->broken == 0 && !n->refused)
			(void)snprintf(
			    n->trouble, sizeof n->trouble, _("%s cannot be reached"), n->target.endpoint);
		break;
	default:
		break;
	}
}

static void read_monitor(struct net *n)
{
	zmq_msg_t part;
	uint16_t event;

	while (zmq_msg_init(&part) == 0 && zmq_msg_recv(&part, n->monitor, ZMQ_DONTWAIT) >= 6) {
		memcpy(&event, zmq_msg_data(&part), sizeof event);
		bool more = zmq_msg_more(&part) != 0;
		(void)zmq_msg_close(&part);
		while (
		    more && zmq_msg_init(&part) == 0 && zmq_msg_recv(&part, n->monitor, ZMQ_DONTWAIT) >= 0) {
			more = zmq_msg_more(&part) != 0;
			(void)zmq_msg_close(&part);
		}
		note_event(n, event);
	}
	(void)zmq_msg_close(&part);
}

/* Waits until the socket is ready for events (ZMQ_POLLIN or ZMQ_POLLOUT). */
static enum net_result wait_for(struct net *n, short events, int64_t deadline_ms)
{
	zmq_pollitem_t item[2] = { { .socket = n->socket, .events = events },
		{ .socket = n->monitor, .events = ZMQ_POLLIN } };

	for (;;) {
		int64_t left = deadline_ms - net_now_ms();

		if (interrupted)
			return NET_INTERRUPTED;
		if (n->refused)
			return NET_KEY_REFUSED;
		if (n->broken >= WRONG_SERVER_MIN)
			return n->target.proven ? NET_LATE : NET_WRONG_SERVER;
		if (left <= 0 || n->lost)
			return NET_LATE;
		if (zmq_poll(item, 2, left > 1000 ? 1000 : (long)left) < 0 && errno != EINTR)
			return NET_BROKEN;
		if ((item[1].revents & ZMQ_POLLIN) != 0)
			read_monitor(n);
		if ((item[0].revents & events) != 0)
			return NET_OK;
	}
}

enum net_result net_wait_up(struct net *n, int64_t until_ms)
{
	zmq_pollitem_t item = { .socket = n->monitor, .events = ZMQ_POLLIN };

	if (n->was_up || n->monitor == NULL)
		return net_sleep(until_ms);
	while (!n->up && !n->refused && n->broken < WRONG_SERVER_MIN) {
		int64_t left = until_ms - net_now_ms();
		if (interrupted)
			return NET_INTERRUPTED;
		if (left <= 0)
			return NET_OK;
		if (zmq_poll(&item, 1, left > 1000 ? 1000 : (long)left) < 0 && errno != EINTR)
			return NET_BROKEN;
		if ((item.revents & ZMQ_POLLIN) != 0)
			read_monitor(n);
	}
	return NET_OK;
}

/* Takes one message; its last frame into body. Frames before it are dropped, as are their contents. */
static bool take(struct net *n, struct buf *body, unsigned *frames)
{
	zmq_msg_t part;
	bool more = true;

	*frames = 0;
	while (more) {
		if (zmq_msg_init(&part) != 0)
			return false;
		if (zmq_msg_recv(&part, n->socket, ZMQ_DONTWAIT) < 0) {
			(void)zmq_msg_close(&part);
			return false;
		}
		more = zmq_msg_more(&part) != 0;
		buf_clear(body);
		buf_put(body, zmq_msg_data(&part), zmq_msg_size(&part));
		(void)zmq_msg_close(&part);
		++*frames;
	}
	return !body->failed;
}

static enum net_result send_ask(struct net *n, struct message *ask, int64_t deadline_ms, struct err *e)
{
	struct buf out = { .max = LIMIT_MESSAGE_BYTES };
	enum net_result result;

	randombytes_buf(ask->rid, sizeof ask->rid);
	if (!message_encode(&out, ask, e)) {
		buf_free(&out);
		return NET_BROKEN;
	}
	do
		result = wait_for(n, ZMQ_POLLOUT, deadline_ms);
	while (result == NET_OK && zmq_send(n->socket, out.data, out.size, ZMQ_DONTWAIT) < 0);
	buf_free(&out);
	return result;
}

/* A connection that was refused or keeps silent is dead in 4.3.4: begin anew (rule K4). */
static enum net_result renew(struct net *n, enum net_result result, struct err *e)
{
	char trouble[sizeof n->trouble];

	if (result != NET_LATE && result != NET_KEY_REFUSED && result != NET_WRONG_SERVER)
		return result;
	memcpy(trouble, n->trouble, sizeof trouble);
	n->was_up = n->up;
	close_sockets(n);
	if (!open_sockets(n, e))
		return NET_BROKEN;
	memcpy(n->trouble, trouble, sizeof trouble);
	return result;
}

enum net_result net_ask(struct net *n, struct message *ask, struct buf *body, struct message *reply,
    int64_t deadline_ms, struct err *e)
{
	int64_t late = net_now_ms() + NET_REPLY_MS;
	enum net_result result;
	unsigned frames;

	if (n->socket == NULL && !open_sockets(n, e))
		return NET_BROKEN;
	if (late < deadline_ms)
		deadline_ms = late;
	n->asking = n->lost = false;
	result = send_ask(n, ask, deadline_ms, e);
	n->asking = result == NET_OK;
	while (result == NET_OK) {
		uint8_t rid[MESSAGE_RID_BYTES];
		uint64_t kind;

		result = wait_for(n, ZMQ_POLLIN, deadline_ms);
		if (result != NET_OK || !take(n, body, &frames) || frames != 1 ||
		    !message_peek(buf_bytes(body), &kind, rid, NULL) ||
		    memcmp(rid, ask->rid, sizeof rid) != 0)
			continue; /* late answers to earlier attempts, and anything else */
		if (!message_decode(reply, buf_bytes(body), e)) {
			err_wrap(e, "answer of the gate");
			return NET_BROKEN;
		}
		n->asking = false;
		return NET_OK;
	}
	return renew(n, result, e);
}

enum net_result net_receive(struct net *n, struct buf *frame, int64_t deadline_ms, struct err *e)
{
	enum net_result result = NET_OK;
	unsigned frames;

	if (n->socket == NULL && !open_sockets(n, e))
		return NET_BROKEN;
	while (result == NET_OK) {
		result = wait_for(n, ZMQ_POLLIN, deadline_ms);
		if (result == NET_OK && take(n, frame, &frames) && frames == 2)
			return NET_OK;
	}
	return result == NET_LATE ? result : renew(n, result, e);
}
