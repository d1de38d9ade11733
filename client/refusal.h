/* refusal - what a refusal means, in words a person can act on.
 *
 * The wire has a code; the office reads what happened, what to do, and the code in brackets for whoever is called.
 * Source of the codes: docs/protocol.md "Refusals". */
#ifndef CLIENT_REFUSAL_H
#define CLIENT_REFUSAL_H
#include "proto/err.h"
#include "proto/message.h"

/* What happened and what to do, translated; "" for a code that is none. */
const char *refusal_happened(enum reject_code code);
const char *refusal_advice(enum reject_code code);
/* "the period is closed; call the operator [PERIOD_CLOSED]", with the sender's own words if it adds any.
 * e->detail is the code. */
void refusal_text(struct err *e, const struct msg_reject *r);
#endif
