/* vague - rule R10: what printed figures leave known to be small, beside the cells they are made of.
 *
 * Internal to policy/. While a pattern is made, a cell that figures tell about counts as printed, with its value. Its reader
 * knows a range, and a nought beside it, which would be no secret as a nought, may so become "one or two". Of the final
 * pattern every relation says of each of its cells "at least" and "at most", as in bound.h: first with what is printed alone,
 * then with the figures' ranges too, each until nothing changes or VAGUE_ROUNDS times. Where figures make the difference
 * they are withheld: those that the bound came from, of these the vague ones if there are any; then once more with what
 * is left. */
#ifndef POLICY_VAGUE_H
#define POLICY_VAGUE_H
#include "policy/grid.h"

#define VAGUE_ROUNDS 32
#define VAGUE_TURNS  16 /* then all figures over cells that no table prints go */

/* After derived_settle: marks cells 'i' none of whose figures may be printed. */
bool vague_withhold(struct grid *g, struct err *e);
#endif
