/* jjresult - does the RESULT.csv of a JJ table print what it may, in the one spelling there is? */
#ifndef CLIENT_PROTECT_JJRESULT_H
#define CLIENT_PROTECT_JJRESULT_H
#include "client/protect/jj.h"

/* file is what jj_read_result read mark and value from. What the JJ file says must be protected is hidden, what it says must be
 * printed is not; printed figures lie within their bounds, add up, and with counts are those of the JJ file. ERR_CRYPTO: no. */
bool jjresult_holds(const struct jj *j, struct bytes file, const char *mark, const int64_t *value,
    bool with_counts, struct err *e);
#endif
