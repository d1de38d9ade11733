/* jjwrite - a table folder as a JJ file, for comparison with other programs.
 *
 * Cells carry the numbers of the certificate. A count that R1 or R2 names is `u`, with UPL up to its target and SPL the width; the other
 * rules, offices and what they own have no words in the format. Printed noughts are `z` where noughts are published; cells
 * that are not printed are `s` at cost 0. */
#ifndef CLIENT_PROTECT_JJWRITE_H
#define CLIENT_PROTECT_JJWRITE_H
#include "policy/params.h"
#include "proto/bytes.h"

/* dir: the folder; result: the RESULT.csv that says what is printed. */
bool jjwrite_folder(
    const char *dir, const char *result, const struct policy_params *p, struct buf *out, struct err *e);
#endif
