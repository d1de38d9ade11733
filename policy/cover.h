/* cover - a first pattern for L1: no relation with one hidden cell only.
 *
 * Internal to policy/. A relation in which one cell alone is hidden gives that cell away. Such relations get one more
 * hidden cell each, where the price and what the cell does to its other relations are least. What stays exact all the
 * same, by several relations together, is for the caller to find. */
#ifndef POLICY_COVER_H
#define POLICY_COVER_H
#include <stdbool.h>

#include "policy/grid.h"

/* Sets grid.use to 1 for the open cells to be hidden beside those that are hidden already. Two such patterns are laid
 * together, so that what is cheap and what is few can both be had when it is thinned out. False: no memory. */
bool cover_lines(struct grid *g);
/* Sets it for all cells that share a relation with this one and may be hidden, and around[] to 1 for all that share
 * one and were 0 there; how many are new to around. */
uint32_t cover_around(struct grid *g, uint32_t cell, uint8_t *around);
/* An open cell that is printed and could be hidden instead. */
bool cover_may_hide(const struct grid *g, uint32_t cell);
#endif
