/* unprinted - small counts that no table prints: nobody may know them either, by whatever whole tables are possible.
 *
 * Internal to policy/. Rule R12, "Unprinted". For every such count, and every sum that several lists leave (blocks.h), and for the
 * public and every set of offices that may pool, to whom 1 to k-1 of it belongs to others: is there a stored move that changes it and touches none of them? Then another table
 * fits all that they know, of the finished pattern. Where there is none, a need is added and served for nothing if it can be,
 * by moves that hide nothing more. What cannot stays open: the pattern must be made again. */
#ifndef POLICY_UNPRINTED_H
#define POLICY_UNPRINTED_H
#include "policy/protect.h"

/* *open: some of the needs added have no move yet. From L2 on; offices from L3 on. */
bool unprinted_find(struct plan *p, enum guarantee level, bool *open, struct err *e);
#endif
