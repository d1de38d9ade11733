/* attackers - slots taken apart: one need for each attacker.
 *
 * Internal to policy/. Slots ask for moves that share no office, so a few of them answer every set of offices that may pool.
 * Some tables have no such moves, and yet a move for each of these sets. Where slots cannot be served, the sets are
 * listed one by one: all that are as large as the coalition, or that no office could join without owning more of the subject,
 * less those that are exempt. Of a difference between releases: those whose rest is a few. Each then needs a move that touches none of its offices; one move may serve many. */
#ifndef POLICY_ATTACKERS_H
#define POLICY_ATTACKERS_H
#include "policy/protect.h"

#define ATTACKERS_MAX 6000u /* needs that one group of slots is taken apart into */

/* Replaces the group of slots that the need belongs to by needs for its attackers, if there are any, none of them served;
 * *first: the number of the first, or of what followed the group. False: it has no slots, or stands for too many attackers,
 * or there is no memory (plan.memory_failed). Not within a trial. Numbers of the needs behind the group change. */
bool attackers_split(struct plan *p, uint32_t need, uint32_t *first);
#endif
