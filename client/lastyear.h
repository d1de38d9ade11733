/* lastyear - the office's own form of the period before, to hold this one against.
 *
 * It never leaves the machine: the signed form in the outbox (mode 0600) is the copy that a push kept, and
 * --last-year FILE names another. Figures come parallel to the new configuration's asked cells. */
#ifndef CLIENT_LASTYEAR_H
#define CLIENT_LASTYEAR_H
#include "client/filing.h"

/* Does the period a end where b begins, and is it as long? */
bool lastyear_precedes(const char *a, const char *b);
/* Fills before; before->n is 0 if there is no such form. An exit code. */
int lastyear_find(
    struct filing *f, const struct args *args, const char *period, struct figures *before, struct err *e);
#endif
