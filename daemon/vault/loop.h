/* loop - waits, and lets each part do its work; the parts decide. */
#ifndef DAEMON_VAULT_LOOP_H
#define DAEMON_VAULT_LOOP_H
#include "daemon/vault/vault.h"

#define EXIT_INTERNAL 70 /* sysexits: our own check failed, or somebody took our socket */
#define EXIT_IO       74 /* the disk, the store: start again and verify */
#define EXIT_CONFIG   78 /* configuration or keys: starting again does not help */

/* Log check, unfinished publications, sockets: everything between vault_open and READY=1. */
bool loop_prepare(struct vault *v, struct err *e);

/* Serves until SIGTERM or SIGINT (which the caller has blocked), drains, notes the clean stop. Returns the
 * process's exit code; e is filled unless it is 0. */
int loop_run(struct vault *v, struct err *e);

/* Undoes loop_prepare, also a half done one. */
void loop_close(struct vault *v);
#endif
