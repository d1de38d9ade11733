/* answer - requests about what is stored: STATUS, GET_PERIODS, SETPROOF. Only about the asker's own offices.
 */
#ifndef DAEMON_VAULT_ANSWER_H
#define DAEMON_VAULT_ANSWER_H
#include "daemon/vault/vault.h"
#include "proto/message.h"

/* Fills out from the request. Texts and bytes of out borrow from scratch. True with out->kind MSG_REJECT is
 * an answer too; false is our own trouble. */
bool answer_status(struct vault *v, const uint8_t principal[8], const struct msg_status *in,
    struct message *out, struct buf *scratch, struct err *e);
bool answer_get_periods(struct vault *v, const uint8_t principal[8], const struct msg_get_periods *in,
    struct message *out, struct err *e);
bool answer_setproof(struct vault *v, const uint8_t principal[8], const struct msg_setproof *in,
    struct message *out, struct err *e);

void answer_reject(struct message *out, enum reject_code code); /* class and text follow from the code */
#endif
