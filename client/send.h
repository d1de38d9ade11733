/* send - one form from the outbox to the vault, until a verified receipt or a reason to stop.
 *
 * Success is a receipt whose signature is good and whose every field is ours, stored beside the item; nothing
 * else removes an item from waiting but a refusal the vault signed for exactly these bytes. Any number of
 * sendings counts once. Source: docs/protocol.md "What the vault answers". */
#ifndef CLIENT_SEND_H
#define CLIENT_SEND_H
#include "client/deployment.h"
#include "client/outbox.h"
#include "proto/receipt.h"

/* Signs and seals. header lacks office_key_id and submission_id, which are filled in (random id, fresh
 * blind). figures NULL: a withdrawal. item is to be freed by the caller, also after failure. */
bool send_compose(struct outbox_item *item, const struct submission_header *header,
    const struct config *config, const struct figures *figures, const struct key_signer *signer,
    const struct keyset_key *intake, struct err *e);
/* Seals the same signed bytes to another intake key. */
bool send_seal_again(struct outbox_item *item, const struct keyset_key *intake, struct err *e);

/* Sends until d's deadline. EXIT_OK: receipt is filled, stored, item->state is RECEIVED. EXIT_REFUSED: signed
 * (item REFUSED) or not (item PAUSED), e says which and what to do. EXIT_NOT_SENT: it goes on waiting. */
int send_item(struct deployment *d, const struct outbox *o, struct outbox_item *item, struct receipt *receipt,
    struct err *e);

/* Verifies signature and key of a receipt with the key set in hand, and every field against the item. */
bool send_check_receipt(const struct deployment *d, const struct outbox_item *item, struct bytes statement,
    const uint8_t signature[KEY_SIG_BYTES], struct receipt *out, struct err *e);
/* "Received 2025-01-31 13:05 UTC: ... Number 17 in the public log of stats.example/log1.", on stderr. */
void send_say_receipt(const struct outbox *o, const struct receipt *r);
/* The same as one line of JSON. */
void send_put_receipt(struct buf *out, const struct outbox *o, const struct receipt *r);
#endif
