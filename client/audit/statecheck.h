/* statecheck - the file that readers who join late begin with: does it name the releases in force, all of them and no
 * other? */
#ifndef CLIENT_AUDIT_STATECHECK_H
#define CLIENT_AUDIT_STATECHECK_H
#include "client/audit/loglist.h"

/* After a feed was followed to its end: feed says where that is. told[i]: leaf i was told of in an envelope. Adds the
 * verdict; answers an audit_code. */
int statecheck(const struct loglist *l, struct source *s, const struct feed_reader *feed, const uint8_t *told,
    struct verdicts *v, struct err *e);
#endif
