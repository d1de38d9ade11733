/* protect - `cellveil protect`: the engine on a folder of CSV files. Exit codes: docs/disclosure.md
 * "Commands". */
#ifndef CLIENT_PROTECT_PROTECT_H
#define CLIENT_PROTECT_PROTECT_H
#include "client/command.h"

enum protect_exit {
	PROTECT_SAFE = 0,
	PROTECT_DISCLOSED = 1, /* attack found something; a certificate was rejected */
	PROTECT_INPUT = 2,
	PROTECT_INTERNAL = 3, /* our own check of our own result failed: nothing written */
	PROTECT_REFUSED = 4,
	PROTECT_LIMIT = 5
};

extern const struct command protect_command;
#endif
