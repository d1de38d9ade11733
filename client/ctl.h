/* ctl - cellveilctl's side of the operator's socket: ask, print.
 *
 * One connection a command. The socket is --socket, else the one of --config FILE, else of
 * /etc/cellveil/NAME/cellveil.conf for --name NAME, else the only one under /run/cellveil. */
#ifndef CLIENT_CTL_H
#define CLIENT_CTL_H
#include "client/command.h"
#include "proto/admin.h"
#include "proto/bytes.h"
#include "proto/err.h"

#define CTL_PATH 108 /* of a Unix socket, with its NUL */

/* Where the socket is, for these arguments. */
bool ctl_socket_path(const struct args *args, char out[CTL_PATH], struct err *e);
/* The run directory that the text of a cellveil.conf leads to. */
bool ctl_conf_run(const char *text, char *out, size_t room, struct err *e);

/* Sends the pieces of upload (may be empty), then the request, and waits for the answer to it. reply borrows
 * from body; both are to be freed in any case. ERR_SYSTEM: nobody answers. */
bool ctl_exchange(const char *socket_path, struct bytes upload, const struct admin_request *q,
    struct buf *body, struct admin_reply *reply, struct err *e);

/* Asks and prints; answers the exit code. What a program that starts commands calls. */
int ctl_run(const struct args *args, const struct admin_request *q, struct bytes upload);

/* Prints an answer: for people (facts and an aligned table on stdout, sentences on stderr), or as JSON. A line for
 * an office to join with stands alone on stdout, to be sent as it is; its facts go to stderr. */
void ctl_print(struct buf *out, const struct admin_reply *reply);
void ctl_print_json(struct buf *out, const struct admin_reply *reply);
void ctl_say(const struct admin_reply *reply); /* its sentences, to stderr */
enum exit_code ctl_exit_code(enum admin_outcome outcome);
const char *ctl_outcome_name(enum admin_outcome outcome); /* "ok", "refused", ... */

/* Words and sentences of the vault's that are translated: ctl_words.c. */
extern const char *const ctl_words[];
extern const size_t ctl_n_words;

/* The sub-commands; main_ctl.c puts them into its table. */
int ctl_init(const struct args *args);
int ctl_keyset_sign(const struct args *args);
int ctl_keyset_install(const struct args *args);
int ctl_status(const struct args *args);
int ctl_mode(const struct args *args);
int ctl_office_add(const struct args *args);
int ctl_office_list(const struct args *args);
int ctl_office_disable(const struct args *args);
int ctl_reader_disable(const struct args *args);
int ctl_key_list(const struct args *args);
int ctl_key_revoke(const struct args *args);
int ctl_config_new(const struct args *args);
int ctl_config_add(const struct args *args);
int ctl_config_list(const struct args *args);
int ctl_period_open(const struct args *args);
int ctl_period_close(const struct args *args);
int ctl_period_status(const struct args *args);
int ctl_period_void(const struct args *args);
int ctl_release_publish(const struct args *args);
int ctl_release_show(const struct args *args);
int ctl_release_table(const struct args *args);
int ctl_release_withdraw(const struct args *args);
#endif
