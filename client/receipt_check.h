/* receipt_check - is a receipt signed by a key that the root key ever gave to this deployment?
 *
 * Receipts outlive keys: every key set held is asked, the newest last seen says which keys were revoked. */
#ifndef CLIENT_RECEIPT_CHECK_H
#define CLIENT_RECEIPT_CHECK_H
#include "client/deployment.h"
#include "proto/receipt.h"

/* text as client/receipt_text.h has it. more: another folder of key sets (a vault's public/keysets), or NULL.
 * ERR_NOT_FOUND: no key set at hand has the key, so nothing can be said; else what does not hold. */
bool receipt_check_text(
    const struct deployment *d, const char *more, struct bytes text, struct receipt *r, struct err *e);
#endif
