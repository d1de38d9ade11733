/* zones - parts of a large table whose needs are served, and whose secondaries are taken out, side by side.
 *
 * Internal to policy/. A pattern is its moves, so moves found for some needs stay what they are whatever is done for others:
 * each zone works on needs of its own, in a plan of its own, and takes what the other zones' moves hide as hidden. Put
 * together again that is a pattern like any other; where two zones hide the same, neither can take it out, and a later round
 * with other zones, or the whole plan, will. Zones follow from table and needs alone, never from who does the work. */
#ifndef POLICY_ZONES_H
#define POLICY_ZONES_H
#include "policy/protect.h"
#include "policy/team.h"

/* Serves all needs, takes out what is not needed, improves (effort turns for each secondary cell; 0: no turns): as
 * plan_serve_all, plan_clean and plan_improve do, which small tables are left to. Same answer as plan_serve_all. */
bool zones_serve(struct plan *p, unsigned effort, struct team *team);
#endif
