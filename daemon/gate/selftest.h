/* selftest - knocks at our own doors as a stranger, and demands to be refused.
 *
 * Before READY=1 and after each reload: proof instead of hope that ZAP, domain and CURVE are in force on
 * every bound address. Source: docs/protocol.md, rule Z4. */
#ifndef DAEMON_GATE_SELFTEST_H
#define DAEMON_GATE_SELFTEST_H
#include "daemon/gate/door.h"

/* Connects to each address of d with a random CURVE key, and once without CURVE. ERR_REFUSED names the
 * address that let a stranger in, or that did not say no within ten seconds: then the gate must not serve.
 * Needs the ZAP thread and a registry in force. */
bool selftest_door(const struct door *d, void *zmq_context, struct err *e);
#endif
