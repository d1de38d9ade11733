/* latticerows - is there a row for exactly what tables.csv lists, or without the file for every cell?
 *
 * Coarser codes (docs/disclosure.md "Ladder") leave rows out: a code that is printed stands for its parts, none of which has a
 * row. Which codes do is told by the suppression manifest; readers, who do not have it, can only see that nothing else is
 * missing. */
#ifndef CLIENT_PROTECT_LATTICEROWS_H
#define CLIENT_PROTECT_LATTICEROWS_H
#include "client/protect/lattice.h"

/* g as it was read from dir and result (NULL: the one in dir), in its own lists of codes. manifest: as the auditor opened it,
 * its coarser codes and no others; empty: not at hand. ERR_CRYPTO: a row too many or too few; e names file, line, rule. */
bool lattice_rows_hold(
    const struct lattice *g, const char *dir, const char *result, struct bytes manifest, struct err *e);
#endif
