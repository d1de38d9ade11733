/* team - lets several threads share a piece of work.
 *
 * Work comes as jobs with numbers. A job reads what all share and writes only what belongs to its number, so the outcome
 * does not depend on how many threads there are, nor on who does which job when. Who calls decides how many there are; the
 * engine knows a team only as something that does jobs. */
#ifndef POLICY_TEAM_H
#define POLICY_TEAM_H
#include <stdint.h>

#define TEAM_MAX 64u /* threads */

typedef void team_job(void *work, uint32_t job);

struct team {
	void (*run)(struct team *t, team_job *job, void *work, uint32_t n);
};

/* Does jobs 0 .. n - 1, each once, begun in this order; back when all are done. NULL: a team of one. Never from within a
 * job. */
void team_run(struct team *t, team_job *job, void *work, uint32_t n);

/* A team of so many threads, the caller's among them: at least 1, at most TEAM_MAX. Threads that the system will not start are
 * missing, and their share is done by the others. NULL: no memory. */
struct team *team_new(unsigned threads);
void team_free(struct team *t); /* of team_new; NULL allowed */
#endif
