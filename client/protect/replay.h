/* replay - `cellveil attack --replay N`: what the pattern of hidden cells tells by itself. */
#ifndef CLIENT_PROTECT_REPLAY_H
#define CLIENT_PROTECT_REPLAY_H
#include "client/command.h"

int replay_command(const struct args *args);
#endif
