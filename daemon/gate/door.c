#include "daemon/gate/door.h"
#include "daemon/gate/stats.h"
#include "daemon/gate/zap.h"
#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

#ifndef ZMQ_ZAP_ENFORCE_DOMAIN /* hidden by Debian's header, taken by its library */
#	define ZMQ_ZAP_ENFORCE_DOMAIN 93
#endif

static const struct {
	const char *name, *domain;
	int type, mark; /* high-water mark, both ways: Z14 */
	int64_t max_body;
} door_is[DOORS] = {
	[DOOR_SUBMIT] = { "submit", ZAP_DOMAIN_SUBMIT, ZMQ_ROUTER, 200, LIMIT_MESSAGE_BYTES },
	[DOOR_QUERY] = { "query", ZAP_DOMAIN_QUERY, ZMQ_ROUTER, 100, LIMIT_QUERY_BYTES },
	/* XPUB, not PUB: the same to subscribers, but it tells us who subscribes to what */
	[DOOR_FEED] = { "feed", ZAP_DOMAIN_FEED, ZMQ_XPUB, 1000, LIMIT_FEED_INBOUND },
};

const char *door_name(enum door_kind kind)
{
	return door_is[kind].name;
}

static bool set_int(void *socket, int option, const char *name, int value, struct err *e)
{
	return zmq_setsockopt(socket, option, &value, sizeof value) == 0 ||
	       err_set(e, ERR_SYSTEM, "%s: %s", name, zmq_strerror(errno));
}

static bool set_options(void *socket, enum door_kind kind, struct err *e)
{
	static const struct {
		int option, value;
		const char *name;
	} common[] = {
		{ ZMQ_ZAP_ENFORCE_DOMAIN, 1, "ZAP_ENFORCE_DOMAIN" }, /* Z3 */
		{ ZMQ_CURVE_SERVER, 1, "CURVE_SERVER" },
		{ ZMQ_HANDSHAKE_IVL, 3000, "HANDSHAKE_IVL" }, /* Z12 */
		/* Half-open peers (Z13) are the kernel's to find: heartbeats of libzmq can end the process. */
		{ ZMQ_TCP_KEEPALIVE, 1, "TCP_KEEPALIVE" },
		{ ZMQ_TCP_KEEPALIVE_IDLE, 30, "TCP_KEEPALIVE_IDLE" },
		{ ZMQ_TCP_KEEPALIVE_INTVL, 10, "TCP_KEEPALIVE_INTVL" },
		{ ZMQ_TCP_KEEPALIVE_CNT, 3, "TCP_KEEPALIVE_CNT" },
		/* A peer that keeps its line open and never reads: what waits for it is dropped with it. */
		{ ZMQ_TCP_MAXRT, 60000, "TCP_MAXRT" },
		{ ZMQ_LINGER, 0, "LINGER" }, /* until a stop says otherwise: Z16 */
		{ ZMQ_IPV6, 1, "IPV6" },
		{ ZMQ_BACKLOG, 512, "BACKLOG" },
	};
	const char *domain = door_is[kind].domain;
	int64_t max_frame = door_is[kind].max_body + LIMIT_CURVE_OVERHEAD; /* Z10 */
	for (size_t i = 0; i < sizeof common / sizeof *common; i++)
		if (!set_int(socket, common[i].option, common[i].name, common[i].value, e))
			return false;
	if (zmq_setsockopt(socket, ZMQ_ZAP_DOMAIN, domain, strlen(domain)) != 0) /* Z3 */
		return err_set(e, ERR_SYSTEM, "ZAP_DOMAIN: %s", zmq_strerror(errno));
	if (zmq_setsockopt(socket, ZMQ_MAXMSGSIZE, &max_frame, sizeof max_frame) != 0)
		return err_set(e, ERR_SYSTEM, "MAXMSGSIZE: %s", zmq_strerror(errno));
	if (!set_int(socket, ZMQ_SNDHWM, "SNDHWM", door_is[kind].mark, e) ||
	    !set_int(socket, ZMQ_RCVHWM, "RCVHWM", door_is[kind].mark, e))
		return false;
	return kind == DOOR_FEED || /* Z7 */
	       (set_int(socket, ZMQ_ROUTER_MANDATORY, "ROUTER_MANDATORY", 1, e) &&
		   set_int(socket, ZMQ_ROUTER_HANDOVER, "ROUTER_HANDOVER", 0, e));
}

#define WATCHED                                                                                              \
	(ZMQ_EVENT_ACCEPTED | ZMQ_EVENT_ACCEPT_FAILED | ZMQ_EVENT_DISCONNECTED |                             \
	    ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL | ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL |                     \
	    ZMQ_EVENT_HANDSHAKE_FAILED_AUTH)

static bool open_monitor(struct door *d, void *zmq_context, struct err *e)
{
	char at[64];
	int none = 0;
	snprintf(at, sizeof at, "inproc://monitor.%s", door_name(d->kind));
	if (zmq_socket_monitor(d->socket, at, WATCHED) != 0)
		return err_set(e, ERR_SYSTEM, "monitor: %s", zmq_strerror(errno));
	d->monitor = zmq_socket(zmq_context, ZMQ_PAIR);
	if (d->monitor == NULL || zmq_setsockopt(d->monitor, ZMQ_LINGER, &none, sizeof none) != 0 ||
	    zmq_connect(d->monitor, at) != 0)
		return err_set(e, ERR_SYSTEM, "monitor: %s", zmq_strerror(errno));
	return true;
}

bool door_open(struct door *d, void *zmq_context, enum door_kind kind, struct err *e)
{
	*d = (struct door){ .kind = kind };
	d->socket = zmq_socket(zmq_context, door_is[kind].type);
	if (d->socket == NULL)
		return err_set(e, ERR_SYSTEM, "%s: %s", door_name(kind), zmq_strerror(errno));
	if (set_options(d->socket, kind, e) && open_monitor(d, zmq_context, e))
		return true;
	err_wrap(e, "%s", door_name(kind));
	door_close(d, 0);
	return false;
}

/* With IPV6 on, an IPv4 address is bound, and told, as [::ffff:a.b.c.d]. */
static void unmap(char *address)
{
	static const char mapped[] = "tcp://[::ffff:";
	char *at = address + strlen("tcp://"), *end = strchr(address, ']');
	if (strncmp(address, mapped, strlen(mapped)) != 0 || end == NULL)
		return;
	const char *from = address + strlen(mapped);
	size_t len = (size_t)(end - from);
	memmove(at, from, len);
	memmove(at + len, end + 1, strlen(end + 1) + 1);
}

bool door_bind(struct door *d, const char *address, const uint8_t secret[KEY_BYTES], struct err *e)
{
	if (d->n_bound == DOOR_ADDRESSES)
		return err_set(e, ERR_LIMIT, "%s: too many addresses", door_name(d->kind));
	char *bound = d->bound[d->n_bound].address;
	size_t size = DOOR_ADDRESS;
	if (!keys_public_of(d->bound[d->n_bound].server_key, KEY_CURVE, secret, e))
		return false;
	if (zmq_setsockopt(d->socket, ZMQ_CURVE_SECRETKEY, secret, KEY_BYTES) != 0)
		return err_set(
		    e, ERR_SYSTEM, "%s: CURVE_SECRETKEY: %s", door_name(d->kind), zmq_strerror(errno));
	if (zmq_bind(d->socket, address) != 0 ||
	    zmq_getsockopt(d->socket, ZMQ_LAST_ENDPOINT, bound, &size) != 0)
		return err_set(
		    e, ERR_SYSTEM, "%s: bind %s: %s", door_name(d->kind), address, zmq_strerror(errno));
	unmap(bound);
	d->n_bound++;
	return true;
}

void door_close(struct door *d, int linger_ms)
{
	if (d->socket != NULL) {
		zmq_socket_monitor(d->socket, NULL, 0);
		zmq_setsockopt(d->socket, ZMQ_LINGER, &linger_ms, sizeof linger_ms);
		zmq_close(d->socket);
	}
	if (d->monitor != NULL)
		zmq_close(d->monitor);
	d->socket = d->monitor = NULL;
}

/* ---- messages ---- */

struct inbox *inbox_new(void)
{
	struct inbox *in = calloc(1, sizeof *in);
	if (in == NULL || (in->held = malloc(sizeof(zmq_msg_t))) == NULL) {
		free(in);
		return NULL;
	}
	zmq_msg_init(in->held);
	return in;
}

void inbox_free(struct inbox *in)
{
	if (in == NULL)
		return;
	zmq_msg_close(in->held);
	free(in->held);
	free(in);
}

/* Rule Z5, as far as 4.3.4 lets it be kept: ids that the ROUTER gives are five bytes, the first one zero, and
 * a peer that chose its own shows it in the property "Identity". One that chose a zero and four more bytes
 * passes; it had to guess 32 bits to meet another's, and with HANDOVER off it would then be the one ignored.
 */
static bool route_is_ours(zmq_msg_t *route, struct inbox *in)
{
	const uint8_t *at = zmq_msg_data(route);
	if (zmq_msg_size(route) != ROUTE_BYTES || at[0] != 0)
		return false;
	memcpy(in->route, at, ROUTE_BYTES);
	return true;
}

static bool principal_of(zmq_msg_t *body, uint8_t id[KEY_ID_BYTES])
{
	const char *user = zmq_msg_gets(body, "User-Id");
	return user != NULL && hex_decode(id, KEY_ID_BYTES, bytes_text(user));
}

static bool chose_identity(zmq_msg_t *body)
{
	const char *identity = zmq_msg_gets(body, "Identity");
	return identity != NULL && identity[0] != '\0';
}

/* Reads and drops the frames after the body; nothing but their number is of interest (Z11). */
static void drain(void *socket, struct inbox *in)
{
	zmq_msg_t rest;
	while (zmq_msg_init(&rest) == 0 && zmq_msg_recv(&rest, socket, ZMQ_DONTWAIT) >= 0) {
		bool more = zmq_msg_more(&rest) != 0;
		zmq_msg_close(&rest);
		in->n_frames++;
		if (!more)
			return;
	}
	zmq_msg_close(&rest);
}

bool door_receive(struct door *d, struct inbox *in)
{
	zmq_msg_t route;
	void *held = in->held;
	*in = (struct inbox){ .held = held };
	zmq_msg_init(&route);
	if (zmq_msg_recv(&route, d->socket, ZMQ_DONTWAIT) < 0) {
		zmq_msg_close(&route);
		return false;
	}
	bool ours = route_is_ours(&route, in);
	bool more = zmq_msg_more(&route) != 0;
	zmq_msg_close(&route);
	if (more && zmq_msg_recv(held, d->socket, ZMQ_DONTWAIT) >= 0) {
		in->n_frames = 1;
		in->has_principal = principal_of(held, in->principal);
		in->body = bytes_of(zmq_msg_data(held), zmq_msg_size(held));
		ours = ours && !chose_identity(held);
		if (zmq_msg_more(held))
			drain(d->socket, in);
	}
	if (!ours)
		in->flaw = INBOX_CHOSEN_ROUTE;
	else if (in->n_frames > 1)
		in->flaw = INBOX_MULTIPART;
	else if (in->body.len == 0)
		in->flaw = INBOX_EMPTY;
	else if (!in->has_principal)
		in->flaw = INBOX_NO_USER;
	return true;
}

bool door_send(struct door *d, const uint8_t route[ROUTE_BYTES], struct bytes body)
{
	return zmq_send(d->socket, route, ROUTE_BYTES, ZMQ_SNDMORE | ZMQ_DONTWAIT) >= 0 &&
	       zmq_send(d->socket, body.at, body.len, ZMQ_DONTWAIT) >= 0;
}

bool door_subscription(struct door *d, struct subscription *out)
{
	zmq_msg_t in;
	struct inbox rest = { 0 };
	*out = (struct subscription){ 0 };
	zmq_msg_init(&in);
	bool got = zmq_msg_recv(&in, d->socket, ZMQ_DONTWAIT) >= 0;
	if (got && zmq_msg_more(&in)) {
		drain(d->socket, &rest);
	} else if (got && zmq_msg_size(&in) > 0) {
		out->added = *(const uint8_t *)zmq_msg_data(&in) == 1;
		out->size = zmq_msg_size(&in) - 1;
		out->has_principal = principal_of(&in, out->principal);
	}
	zmq_msg_close(&in);
	return got;
}

void door_publish(struct door *d, const char *topic, struct bytes frame)
{
	if (zmq_send(d->socket, topic, strlen(topic), ZMQ_SNDMORE | ZMQ_DONTWAIT) >= 0)
		zmq_send(d->socket, frame.at, frame.len, ZMQ_DONTWAIT);
}

static void count_event(unsigned event)
{
	switch (event) {
	case ZMQ_EVENT_ACCEPTED:
		stats_add(STAT_ACCEPTED, 1);
		return;
	case ZMQ_EVENT_DISCONNECTED:
		stats_add(STAT_DISCONNECTED, 1);
		return;
	case ZMQ_EVENT_ACCEPT_FAILED:
		stats_add(STAT_ACCEPT_FAILED, 1);
		return;
	case ZMQ_EVENT_HANDSHAKE_FAILED_AUTH:
		stats_add(STAT_HANDSHAKE_AUTH, 1);
		return;
	case ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL:
		stats_add(STAT_HANDSHAKE_PROTOCOL, 1);
		return;
	case ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL:
		stats_add(STAT_HANDSHAKE_OTHER, 1);
		return;
	default:
		return;
	}
}

void door_watch(struct door *d, unsigned most)
{
	while (most-- > 0) {
		uint8_t event[6];
		char address[256];
		if (zmq_recv(d->monitor, event, sizeof event, ZMQ_DONTWAIT) < 0)
			return;
		zmq_recv(d->monitor, address, sizeof address, ZMQ_DONTWAIT);
		count_event((unsigned)event[0] | (unsigned)event[1] << 8); /* the host's order: 16 bits */
	}
}
