#include "daemon/gate/zap.h"
#include "daemon/gate/stats.h"
#include "daemon/say.h"
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <zmq.h>

#define FRAMES     7 /* version, request id, domain, address, identity, mechanism, key */
#define FRAME_ROOM 256
#define TURN_MS    500

struct zap {
	void *socket; /* the thread's, once it runs */
	struct registry *registry;
	pthread_t thread;
	_Atomic bool stop;
	_Atomic uint64_t seen_ms;
};

struct frames {
	uint8_t data[FRAMES][FRAME_ROOM];
	size_t len[FRAMES];
	unsigned n;
	bool odd; /* too many, or too long */
};

static uint64_t clock_ms(void)
{
	struct timespec t;
	clock_gettime(CLOCK_BOOTTIME, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static bool is_text(struct bytes in, const char *text)
{
	return bytes_equal(in, bytes_text(text));
}

/* Roles that may use the domain; 0 for a domain that is not ours. */
static unsigned domain_roles(struct bytes domain)
{
	if (is_text(domain, ZAP_DOMAIN_SUBMIT))
		return ROLE_OFFICE;
	if (is_text(domain, ZAP_DOMAIN_QUERY) || is_text(domain, ZAP_DOMAIN_FEED))
		return ROLE_OFFICE | ROLE_RESEARCHER | ROLE_AUDITOR;
	return 0;
}

/* in->identity is the routing id of *our* socket, which is never set: libzmq 4.3.4 asks before it has read
 * the peer's. That peers do not choose one is therefore checked on every message (door.c), and here only what
 * rule Z5 says literally. */
enum zap_status zap_decide(
    const struct zap_request *in, const struct snapshot *snapshot, uint8_t key_id[KEY_ID_BYTES])
{
	unsigned roles = domain_roles(in->domain);
	if (!is_text(in->mechanism, "CURVE") || in->credentials.len != KEY_BYTES || in->identity.len != 0 ||
	    roles == 0)
		return ZAP_REFUSED;
	if (snapshot == NULL)
		return ZAP_LATER;
	const struct link_principal *p = snapshot_by_curve(snapshot, in->credentials.at);
	if (p == NULL || (p->roles & roles) == 0)
		return ZAP_REFUSED;
	memcpy(key_id, p->key_id, KEY_ID_BYTES);
	return ZAP_ALLOWED;
}

/* Reads one whole request, however many frames it has. False: none came within TURN_MS. */
static bool request_read(void *socket, struct frames *in)
{
	int more = 1;
	size_t more_size = sizeof more;
	in->n = 0;
	in->odd = false;
	while (more) {
		uint8_t spare[FRAME_ROOM];
		bool fits = in->n < FRAMES;
		int got = zmq_recv(socket, fits ? in->data[in->n] : spare, FRAME_ROOM, 0);
		if (got < 0)
			return false;
		in->odd = in->odd || !fits || got > FRAME_ROOM;
		if (fits)
			in->len[in->n++] = (size_t)(got > FRAME_ROOM ? FRAME_ROOM : got);
		if (zmq_getsockopt(socket, ZMQ_RCVMORE, &more, &more_size) != 0)
			return false;
	}
	return true;
}

static struct bytes frame(const struct frames *in, unsigned i)
{
	return i < in->n ? bytes_of(in->data[i], in->len[i]) : bytes_of(NULL, 0);
}

static enum zap_status decide(
    struct registry *registry, const struct frames *in, uint8_t key_id[KEY_ID_BYTES])
{
	struct zap_request request = { frame(in, 2), frame(in, 4), frame(in, 5), frame(in, 6) };
	if (in->odd || in->n < 6 || !is_text(frame(in, 0), "1.0"))
		return ZAP_REFUSED;
	const struct snapshot *s = registry_acquire(registry);
	enum zap_status status = zap_decide(&request, s, key_id);
	registry_release(s);
	if (status == ZAP_ALLOWED && is_text(request.domain, ZAP_DOMAIN_FEED) &&
	    registry_barred(registry, key_id, clock_ms()))
		return ZAP_LATER;
	return status;
}

static void answer(void *socket, const struct frames *in, enum zap_status status, const uint8_t *key_id)
{
	static const char digit[] = "0123456789abcdef";
	char user[2 * KEY_ID_BYTES];
	const char *code = status == ZAP_ALLOWED ? "200" : status == ZAP_LATER ? "300" : "400";
	for (unsigned i = 0; i < KEY_ID_BYTES; i++) {
		user[2 * i] = digit[key_id[i] >> 4];
		user[2 * i + 1] = digit[key_id[i] & 15];
	}
	struct bytes id = frame(in, 1);
	zmq_send(socket, "1.0", 3, ZMQ_SNDMORE);
	zmq_send(socket, id.at, id.len, ZMQ_SNDMORE);
	zmq_send(socket, code, 3, ZMQ_SNDMORE);
	zmq_send(socket, "", 0, ZMQ_SNDMORE);
	zmq_send(socket, user, status == ZAP_ALLOWED ? sizeof user : 0, ZMQ_SNDMORE);
	zmq_send(socket, "", 0, 0);
	stats_add(status == ZAP_ALLOWED ? STAT_ZAP_OK
		  : status == ZAP_LATER ? STAT_ZAP_LATER
					: STAT_ZAP_REFUSED,
	    1);
}

static void *run(void *arg)
{
	struct zap *z = arg;
	struct frames in;
	while (!atomic_load(&z->stop)) {
		atomic_store(&z->seen_ms, clock_ms());
		if (!request_read(z->socket, &in)) {
			if (errno == EAGAIN || errno == EINTR)
				continue;
			if (errno != ETERM)
				say(SAY_ERROR, "zap-failed", "%s", zmq_strerror(errno));
			break;
		}
		uint8_t key_id[KEY_ID_BYTES] = { 0 };
		enum zap_status status = decide(z->registry, &in, key_id);
		answer(z->socket, &in, status, key_id);
	}
	zmq_close(z->socket);
	return NULL;
}

struct zap *zap_start(void *zmq_context, struct registry *registry, struct err *e)
{
	int turn = TURN_MS, none = 0;
	struct zap *z = calloc(1, sizeof *z);
	if (z == NULL) {
		err_set(e, ERR_MEMORY, "out of memory");
		return NULL;
	}
	z->registry = registry;
	atomic_store(&z->seen_ms, clock_ms());
	z->socket = zmq_socket(zmq_context, ZMQ_REP);
	if (z->socket == NULL || zmq_setsockopt(z->socket, ZMQ_RCVTIMEO, &turn, sizeof turn) != 0 ||
	    zmq_setsockopt(z->socket, ZMQ_LINGER, &none, sizeof none) != 0 ||
	    zmq_bind(z->socket, "inproc://zeromq.zap.01") != 0) {
		err_set(e, ERR_SYSTEM, "ZAP handler: %s", zmq_strerror(errno));
		goto failed;
	}
	/* The socket changes hands here, before its first use: pthread_create is the barrier it needs. */
	if (pthread_create(&z->thread, NULL, run, z) == 0)
		return z;
	err_set(e, ERR_SYSTEM, "ZAP thread: %s", strerror(errno));
failed:
	if (z->socket != NULL)
		zmq_close(z->socket);
	free(z);
	return NULL;
}

uint64_t zap_seen_ms(const struct zap *z)
{
	return atomic_load(&z->seen_ms);
}

void zap_stop(struct zap *z)
{
	if (z == NULL)
		return;
	atomic_store(&z->stop, true);
	pthread_join(z->thread, NULL);
	free(z);
}
