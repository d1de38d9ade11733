#include "daemon/gate/selftest.h"
#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <zmq.h>

#define PATIENCE_MS 10000

enum verdict { NO_ANSWER, LET_IN, SENT_AWAY };

/* An address to connect to: a wildcard becomes the loopback of its family. */
static void reachable(char *out, size_t room, const char *bound)
{
	static const char any4[] = "tcp://0.0.0.0:", any6[] = "tcp://[::]:";
	if (strncmp(bound, any4, strlen(any4)) == 0)
		snprintf(out, room, "tcp://127.0.0.1:%s", bound + strlen(any4));
	else if (strncmp(bound, any6, strlen(any6)) == 0)
		snprintf(out, room, "tcp://[::1]:%s", bound + strlen(any6));
	else
		snprintf(out, room, "%s", bound);
}

static bool with_curve(void *socket, const uint8_t server_key[KEY_BYTES])
{
	uint8_t secret[KEY_BYTES], public[KEY_BYTES];
	randombytes_buf(secret, sizeof secret);
	bool ok = keys_public_of(public, KEY_CURVE, secret, NULL) &&
		  zmq_setsockopt(socket, ZMQ_CURVE_SERVERKEY, server_key, KEY_BYTES) == 0 &&
		  zmq_setsockopt(socket, ZMQ_CURVE_PUBLICKEY, public, KEY_BYTES) == 0 &&
		  zmq_setsockopt(socket, ZMQ_CURVE_SECRETKEY, secret, KEY_BYTES) == 0;
	sodium_memzero(secret, sizeof secret);
	return ok;
}

/* CURVE: only a refusal by the handler counts as one (a wrong server key fails too, and proves nothing).
 * Without CURVE the line is cut, and not being let in is all there is to see. */
static enum verdict verdict_of(unsigned event, bool curve)
{
	if (event == ZMQ_EVENT_HANDSHAKE_SUCCEEDED)
		return LET_IN;
	if (event == ZMQ_EVENT_HANDSHAKE_FAILED_AUTH)
		return SENT_AWAY;
	if (!curve && (event == ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL ||
			  event == ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL || event == ZMQ_EVENT_DISCONNECTED))
		return SENT_AWAY;
	return NO_ANSWER;
}

static enum verdict wait_for_verdict(void *monitor, bool curve)
{
	int patience = PATIENCE_MS;
	zmq_setsockopt(monitor, ZMQ_RCVTIMEO, &patience, sizeof patience);
	for (int events = 0; events < 64; events++) {
		uint8_t event[6];
		char address[256];
		if (zmq_recv(monitor, event, sizeof event, 0) < 0)
			return NO_ANSWER;
		zmq_recv(monitor, address, sizeof address, 0);
		enum verdict v = verdict_of((unsigned)event[0] | (unsigned)event[1] << 8, curve);
		if (v != NO_ANSWER)
			return v;
	}
	return NO_ANSWER;
}

static bool knock(
    const struct door *d, unsigned i, bool curve, void *zmq_context, enum verdict *verdict, struct err *e)
{
	static unsigned knocks; /* libzmq lets go of an inproc name a little later than zmq_close */
	char address[DOOR_ADDRESS], at[48];
	int none = 0, ipv6 = 1;
	bool ok = false;
	void *monitor = zmq_socket(zmq_context, ZMQ_PAIR);
	void *socket = zmq_socket(zmq_context, d->kind == DOOR_FEED ? ZMQ_SUB : ZMQ_DEALER);
	reachable(address, sizeof address, d->bound[i].address);
	snprintf(at, sizeof at, "inproc://monitor.selftest.%u", knocks++);
	if (monitor == NULL || socket == NULL ||
	    zmq_setsockopt(socket, ZMQ_LINGER, &none, sizeof none) != 0 ||
	    zmq_setsockopt(monitor, ZMQ_LINGER, &none, sizeof none) != 0 ||
	    zmq_setsockopt(socket, ZMQ_IPV6, &ipv6, sizeof ipv6) != 0 ||
	    (curve && !with_curve(socket, d->bound[i].server_key)) ||
	    zmq_socket_monitor(socket, at, ZMQ_EVENT_ALL) != 0 || zmq_connect(monitor, at) != 0 ||
	    zmq_connect(socket, address) != 0) {
		err_set(e, ERR_SYSTEM, "self-test: %s", zmq_strerror(errno));
		goto done;
	}
	*verdict = wait_for_verdict(monitor, curve);
	ok = true;
done:
	if (socket != NULL) {
		zmq_socket_monitor(socket, NULL, 0);
		zmq_close(socket);
	}
	if (monitor != NULL)
		zmq_close(monitor);
	return ok;
}

bool selftest_door(const struct door *d, void *zmq_context, struct err *e)
{
	for (unsigned i = 0; i < d->n_bound; i++) {
		for (int curve = 0; curve < 2; curve++) {
			enum verdict v = NO_ANSWER;
			if (!knock(d, i, curve != 0, zmq_context, &v, e))
				return false;
			if (v != SENT_AWAY)
				return err_set(e, ERR_REFUSED, "self-test: %s %s %s a stranger %s CURVE",
				    door_name(d->kind), d->bound[i].address,
				    v == LET_IN ? "lets in" : "does not refuse", curve ? "with" : "without");
		}
	}
	return true;
}
