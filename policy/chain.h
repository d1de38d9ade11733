/* chain - a sum of product moves where no single one will do.
 *
 * Internal to policy/. A first move may pass cells that it must not: visible ones, or such that hold too little. Each of
 * these is then brought back by another product move through it, until none is left. */
#ifndef POLICY_CHAIN_H
#define POLICY_CHAIN_H
#include "policy/search.h"

/* Adds to the delta a sum that changes the cell by amp * dir, buying visible cells only where s->pay, and for less than
 * `most` in all; *price: what was paid. False: none found, and the delta is as before; but what was bought on the way
 * stays bought, so that after a paid attempt the search must be reset. */
bool chain_find(struct search *s, uint32_t cell, int dir, int64_t amp, float most, float *price);
/* After it found one: as much more of the same, up to `most` times, as there is room for; answers how many times. */
int64_t chain_more(struct search *s, int64_t most);
#endif
