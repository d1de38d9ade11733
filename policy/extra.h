/* extra - cells that are hidden though no protected cell needs it: rule R7, and redundancy.
 *
 * Internal to policy/. Each gets a need of its own, so that it is hidden by a move and does not follow from the rest. */
#ifndef POLICY_EXTRA_H
#define POLICY_EXTRA_H
#include "policy/protect.h"

/* A keyed few more secondary cells than protection needs: a reader cannot take the pattern for the least one, and so not
 * rule out the tables that would have led to another (docs/disclosure.md "Choice by key"). */
void extra_redundant(struct plan *p, enum guarantee level);
/* R7: where the hidden cells of a relation add up to too little, hides the cheapest others that a move can hide. */
bool extra_hidden_sums(struct plan *p, enum guarantee level);
#endif
