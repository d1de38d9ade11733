/* statecheck - the file that readers who join late begin with: does it name the releases in force, all of them and no
 * other? */
#ifndef CLIENT_AUDIT_STATECHECK_H
#define CLIENT_AUDIT_STATECHECK_H
#include "client/audit/loglist.h"

/* The state, signed by one of the feed's keys. It may be newer than the beat: then the feed is to be followed on to
 * state->as_of. feed_state_free in any case. An audit_code or SOURCE_ABSENT. */
int statecheck_read(
    struct source *s, const struct feed_reader *feed, struct feed_state *state, struct err *e);
/* feed: followed to where it stands. told[i]: leaf i was told of in an envelope. An audit_code. */
int statecheck(const struct loglist *l, const struct feed_reader *feed, const struct feed_state *state,
    const uint8_t *told, struct err *e);
#endif
