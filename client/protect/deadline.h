/* deadline - `--max-seconds`: after that long the program ends with exit code 5 and nothing written.
 *
 * It only refuses: a result never depends on the time it took. */
#ifndef CLIENT_PROTECT_DEADLINE_H
#define CLIENT_PROTECT_DEADLINE_H
#include "client/command.h"

/* Starts the clock if the option is given. False (said on stderr): not a number of seconds. */
bool deadline_start(const struct args *args);
/* From here on results are being written: no more refusing. */
void deadline_stop(void);
#endif
