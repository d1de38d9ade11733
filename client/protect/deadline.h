/* deadline - `--max-seconds`: after that long the program ends with exit code 5 and nothing written.
 *
 * So it only refuses: a result does not depend on the time it took. With `--optimal` it refuses nothing: it ends the
 * search for the cheapest pattern, and the best one found so far goes on to the checks. */
#ifndef CLIENT_PROTECT_DEADLINE_H
#define CLIENT_PROTECT_DEADLINE_H
#include "client/command.h"
#include "client/protect/patience.h"

/* Starts the clock if the option is given. False (said on stderr): not a number of seconds. */
bool deadline_start(const struct args *args);
/* From here on results are being written: no more refusing. */
void deadline_stop(void);
/* For the search of `--optimal`. */
struct patience deadline_patience(void);
#endif
