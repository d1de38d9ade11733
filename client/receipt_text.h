/* receipt_text - a receipt as a small text file that an office can keep, print and check without a network.
 *
 *   cellveil-receipt/1
 *   origin stats.example/log1          lines of receipt_print(), for people
 *   ...
 *   signed <base64>                    the statement, byte for byte
 *   signature <base64>
 *
 * Reading renders the text again from the statement and compares: no line can be altered alone. */
#ifndef CLIENT_RECEIPT_TEXT_H
#define CLIENT_RECEIPT_TEXT_H
#include "proto/receipt.h"

bool receipt_text_print(
    struct buf *out, struct bytes statement, const uint8_t signature[KEY_SIG_BYTES], struct err *e);
/* Fills r, statement (appended to a buffer of the caller's) and signature; verifies nothing. */
bool receipt_text_parse(struct receipt *r, struct buf *statement, uint8_t signature[KEY_SIG_BYTES],
    struct bytes text, struct err *e);
#endif
