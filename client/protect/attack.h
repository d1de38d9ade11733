/* attack - `cellveil attack`: whole-number intervals of every hidden cell, for the public, each office,
 * coalitions.
 *
 * Shares no code with the engine: grid reads the folder, system does the arithmetic. */
#ifndef CLIENT_PROTECT_ATTACK_H
#define CLIENT_PROTECT_ATTACK_H
#include "client/command.h"

extern const struct command attack_command;
#endif
