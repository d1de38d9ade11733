/* gate - the program between the network and the vault: owns sockets, link and snapshots, and turns the loop.
 *
 * One thread owns everything here; the ZAP handler is the only other one. What a message may do is decided in
 * one place, gate_judge, in the order of docs/protocol.md "Acceptance and refusal", steps 1-4. */
#ifndef DAEMON_GATE_GATE_H
#define DAEMON_GATE_GATE_H
#include "daemon/conf.h"

/* sysexits(3), for main.c */
enum gate_exit {
	GATE_EXIT_OK = 0,
	GATE_EXIT_USAGE = 64,
	GATE_EXIT_SOFTWARE = 70, /* self-test failed, or our own threads did */
	GATE_EXIT_CONFIG = 78
};

struct gate;

/* Reads the CURVE keys, opens public/ and audit/, makes the context, starts the ZAP thread, binds (Z1, Z2).
 * conf is borrowed. sodium_init() has run, and SIGTERM, SIGINT, SIGHUP are blocked. NULL with e filled:
 * nothing is left behind. */
struct gate *gate_new(const struct conf *conf, struct err *e);

/* Serves until a signal, read from signal_fd, ends it. READY=1 is told when the registry is in and the
 * self-test passed. SIGTERM or SIGINT: submissions get BUSY, what is under way is waited for (at most ten
 * seconds), a second one ends at once. SIGHUP: the self-test again. */
enum gate_exit gate_run(struct gate *g, int signal_fd);

void gate_free(struct gate *g); /* NULL is allowed */
#endif
