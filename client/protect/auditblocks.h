/* auditblocks - sums that several lists leave together, and no table prints (R12, "Unprinted").
 *
 * Part of the auditors' verifier (auditpart.h). Written from docs/disclosure.md; shares no code with policy/. */
#ifndef CLIENT_PROTECT_AUDITBLOCKS_H
#define CLIENT_PROTECT_AUDITBLOCKS_H
#include "client/protect/auditpart.h"

struct block {
	uint64_t *part; /* cells whose sum it is */
	uint64_t *from; /* cells that it is reckoned from */
	size_t n_parts, n_from, room_parts, room_from;
};

typedef bool take_block(void *context, const struct block *b);
/* Each such sum that is 1 or more and that no earlier release gave away; borrowed for the call. False: take said so, or err is set.
 * After audit_tell. */
bool auditblocks_visit(struct audit *a, take_block *take, void *context);
#endif
