/* commands - what `cellveil` can do: one function a command, each answers an exit code. The table is in
 * main.c.
 */
#ifndef CLIENT_COMMANDS_H
#define CLIENT_COMMANDS_H
#include "client/command.h"

int command_init(const struct args *args); /* identity.c */
/* Takes the operator's line if it is missing: from --join, or asked for on a terminal. */
int identity_complete(const struct args *args);   /* identity.c */
int command_join(const struct args *args);        /* identity.c */
int command_check(const struct args *args);       /* check.c */
int command_template(const struct args *args);    /* template.c */
int command_preview(const struct args *args);     /* preview.c */
int command_push(const struct args *args);        /* push.c */
int command_withdraw(const struct args *args);    /* push.c */
int command_status(const struct args *args);      /* status.c */
int command_outbox_list(const struct args *args); /* status.c */
int command_outbox_send(const struct args *args); /* outbox_send.c */
int command_outbox_remove(const struct args *args);
int command_outbox_clear(const struct args *args);   /* outbox_send.c */
int command_receipt_verify(const struct args *args); /* status.c */
int command_subscribe(const struct args *args);      /* subscribe.c */
int command_get(const struct args *args);            /* get.c */
int command_verify(const struct args *args);         /* verify.c */
#endif
