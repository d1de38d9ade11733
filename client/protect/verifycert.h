/* verifycert - `cellveil verify-certificate`: does a certificate hold for a published table? */
#ifndef CLIENT_PROTECT_VERIFYCERT_H
#define CLIENT_PROTECT_VERIFYCERT_H
#include "client/command.h"
#include "client/protect/certificate.h"

/* What a certificate of moved figures shows: one line for the terminal. */
void verifycert_put_moved(struct buf *out, const struct certificate_report *r);
/* The certificate that lies in a folder, against the table beside it. False: it does not hold. */
bool verifycert_folder(const char *dir, struct certificate_report *report, struct err *e);
/* The public part of what a folder's table came to, result and certificate, whoever made them: as a reader would check it. */
bool verifycert_public(const char *dir, const char *result, struct bytes certificate, struct err *e);

extern const struct command verify_certificate_command;
#endif
