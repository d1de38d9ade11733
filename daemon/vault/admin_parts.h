/* admin_parts - what the files admin_command.c, admin_people.c and admin_release.c share. Nobody else includes this. */
#ifndef DAEMON_VAULT_ADMIN_PARTS_H
#define DAEMON_VAULT_ADMIN_PARTS_H
#include "daemon/vault/vault.h"
#include "proto/admin.h"

#include <sys/types.h>

struct command { /* all borrowed for the call */
	struct vault *v;
	uid_t uid;
	const struct admin_request *q;
	struct bytes upload;
	struct admin_answer *a;
};
typedef bool command_fn(struct command *c, struct err *e);

/* --- for every command: admin_command.c --- */

/* "2025-01-31 12:00", UTC; "-" for never. */
#define COMMAND_TIME_ROOM 20
const char *command_print_time(char out[COMMAND_TIME_ROOM], uint64_t seconds);
/* fn and the leaf that names the operator, in one transaction. */
bool command_change(struct command *c, command_fn *fn, struct err *e);
/* The dataset that was named, or the only one; the period of it that was named. */
bool command_find_dataset(struct command *c, struct dataset *out, struct err *e);
bool command_find_period(struct command *c, struct period *out, struct err *e);
/* Facts: the registry's serial, and whether the gate has it. */
void command_tell_gate(struct command *c);

/* --- offices and readers: admin_people.c --- */

command_fn command_office_add, command_office_list, command_disable, command_key_list, command_key_revoke;

/* --- periods and releases: admin_release.c --- */

command_fn command_period_change, command_period_status, command_release, command_release_table;
#endif
