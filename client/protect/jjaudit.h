/* jjaudit - the verifier of a JJ table's auditors' part, written apart from its writer and from the search. */
#ifndef CLIENT_PROTECT_JJAUDIT_H
#define CLIENT_PROTECT_JJAUDIT_H
#include "client/protect/jj.h"

/* Does the part prove, with the counts in j, what the certificate's level line says of each cell that the
 * file protects? *moves: how many it holds. */
bool jjaudit_check(const struct jj *j, const char *mark, struct bytes certificate, struct bytes part,
    uint64_t *moves, struct err *e);
#endif
