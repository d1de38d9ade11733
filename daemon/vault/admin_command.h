/* admin_command - what each command of the operator does. Inside of admin.c; nobody else calls it. */
#ifndef DAEMON_VAULT_ADMIN_COMMAND_H
#define DAEMON_VAULT_ADMIN_COMMAND_H
#include "daemon/vault/vault.h"
#include "proto/admin.h"

#include <sys/types.h>

/* Carries q out for the operator uid; a refusal is an answer. upload: the file that PARTs gathered. False:
 * the vault must stop (store_broken). */
bool admin_command_run(struct vault *v, uid_t uid, const struct admin_request *q, struct bytes upload,
    struct admin_answer *a, struct err *e);

/* read-only or draining, as the operator last said; survives a restart. */
bool admin_command_restore_mode(struct vault *v, struct err *e);
#endif
