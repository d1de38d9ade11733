/* attack - `cellveil attack`: whole-number intervals of every hidden cell, for the public, each office,
 * coalitions.
 *
 * Shares no code with the engine: grid reads the folder, system does the arithmetic. */
#ifndef CLIENT_PROTECT_ATTACK_H
#define CLIENT_PROTECT_ATTACK_H
#include "client/command.h"
#include "proto/bytes.h"
#include "proto/err.h"

extern const struct command attack_command;

/* What every reader can compute about a release's folder: the lines `attack` writes, for the public only. */
bool attack_public(const char *folder, struct buf *csv, struct err *e);
#endif
