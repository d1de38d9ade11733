/* verifycert - `cellveil verify-certificate`: does a certificate hold for a published table? */
#ifndef CLIENT_PROTECT_VERIFYCERT_H
#define CLIENT_PROTECT_VERIFYCERT_H
#include "client/command.h"

extern const struct command verify_certificate_command;
#endif
