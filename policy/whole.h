/* whole - a pattern served by one stored move: a change of all of it that leaves no protected cell as it is.
 *
 * Internal to policy/, for L1, where how far a cell changes does not matter. One vector of the space proves for every
 * need what thousands of short moves would, in as many entries as cells are hidden. Which protected cells a hidden cell
 * is there for is told by the space: those that could be worked out if it were shown. */
#ifndef POLICY_WHOLE_H
#define POLICY_WHOLE_H
#include "policy/hiding.h"
#include "policy/protect.h"

/* Gives all needs, none of which has a move, one of the space's vectors, in whole numbers, and ends h. False: none of
 * small numbers was found, or no memory (then p->memory_failed). */
bool whole_adopt(struct plan *p, struct hiding *h);
/* Is it that move? */
static inline bool whole_is(const struct plan *p, uint32_t move)
{
	return move == p->whole;
}
/* Needs that hang on the cell, if that move serves them: place in p->tie of the first, the others follow; *n of them. */
uint32_t whole_ties(const struct plan *p, uint32_t cell, uint32_t *n);
#endif
