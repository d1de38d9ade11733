/* threads - --threads N of the commands that can use them. */
#ifndef CLIENT_PROTECT_THREADS_H
#define CLIENT_PROTECT_THREADS_H
#include "client/command.h"
#include "policy/team.h"

/* A team of as many threads as --threads asks for; *t is NULL for one. False: said why. Caller: team_free. */
bool threads_open(const struct args *args, struct team **t);
#endif
