/* jjprotect - `cellveil protect --jj`: a table of any relations in, a pattern out, or an explicit refusal. */
#ifndef CLIENT_PROTECT_JJPROTECT_H
#define CLIENT_PROTECT_JJPROTECT_H
#include "client/command.h"

int jjprotect_run(const struct args *args);
#endif
