/* since - who knows a cell because an earlier release of the period gave it away, and all that changed since is his.
 *
 * Internal to policy/. An area printed nobody of kind y. In the correction one office of the area sent other figures, and
 * nobody is of kind y again: a reader may doubt that, that office cannot, whatever is hidden now. It owns all that is open
 * of the cell: what left is no unknown any more. See docs/disclosure.md, "Corrections". */
#ifndef POLICY_SINCE_H
#define POLICY_SINCE_H
#include "policy/needs.h"

/* The change of the subject's cell since the latest earlier release that gave the subject away; NONE: none did, or there is no
 * ledger. Of a sum: since all that it is reckoned from was given away. */
uint32_t since_change(const struct grid *g, const struct subject *s);

/* Is something of the office's part open? change: since_change of the subject; live: the office has something below it that can
 * move now. An office that had something only then is open too: who knows the rest of then has not got its part. */
bool since_is_open(const struct grid *g, uint32_t change, uint32_t office, bool live);
#endif
