/* apart - all slots of a served plan taken apart (attackers.h), where these are few enough to be listed.
 *
 * Internal to policy/: who looks for a cheaper pattern asks for what was promised, a move for each set of offices
 * that may pool, and not for moves that share no office. The pattern stays as it was: for each of those sets one of
 * the slots' moves leaves it alone, and goes far enough. */
#ifndef POLICY_APART_H
#define POLICY_APART_H
#include "policy/protect.h"

#define APART_NEEDS_MAX 6000u /* in all; with more of them the slots stay as they are */

/* True: every need is served as before. False: some need is open, or there is no memory. Not within a trial. */
bool apart_slots(struct plan *p);
#endif
