/* zap - the handler libzmq asks about every handshake (RFC 27): a thread of its own, up before the first
 * bind.
 *
 * Yes only to CURVE, on a domain we know, for a key of the registry whose role fits the domain. Source:
 * docs/protocol.md, rules Z2-Z6. */
#ifndef DAEMON_GATE_ZAP_H
#define DAEMON_GATE_ZAP_H
#include "daemon/gate/registry.h"

#define ZAP_DOMAIN_SUBMIT "cellveil.submit"
#define ZAP_DOMAIN_QUERY  "cellveil.query"
#define ZAP_DOMAIN_FEED   "cellveil.feed"

/* 300 lets a client try again, 400 silences it for good, 500 is never used: rule Z6. */
enum zap_status { ZAP_ALLOWED = 200, ZAP_LATER = 300, ZAP_REFUSED = 400 };

struct zap_request {
	struct bytes domain, identity, mechanism, credentials;
};

/* Pure. snapshot may be NULL. key_id is filled with ZAP_ALLOWED only. */
enum zap_status zap_decide(
    const struct zap_request *in, const struct snapshot *snapshot, uint8_t key_id[KEY_ID_BYTES]);

struct zap;

/* Binds inproc://zeromq.zap.01 in the context and starts the thread; both are borrowed until zap_stop. */
struct zap *zap_start(void *zmq_context, struct registry *registry, struct err *e);
/* Milliseconds (CLOCK_BOOTTIME) when the thread last went round its loop; it does so twice a second. */
uint64_t zap_seen_ms(const struct zap *z);
/* Waits for the thread. Before the context is ended, or zmq_ctx_term would wait for ever. NULL is allowed. */
void zap_stop(struct zap *z);
#endif
