#include "policy/team.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

struct threads {
	struct team team; /* first: what callers hold */
	pthread_t thread[TEAM_MAX];
	unsigned n; /* beside the caller's */
	/* under the lock: */
	pthread_mutex_t lock;
	pthread_cond_t begun, ended;
	team_job *job;
	void *work;
	uint32_t next, all, left; /* the next job, how many there are, how many are not done */
	bool over;
};

/* Does jobs as long as there are any; comes and goes with the lock. */
static void do_jobs(struct threads *t)
{
	while (t->next < t->all) {
		uint32_t job = t->next++;
		team_job *run = t->job;
		void *work = t->work;
		pthread_mutex_unlock(&t->lock);
		run(work, job);
		pthread_mutex_lock(&t->lock);
		if (--t->left == 0)
			pthread_cond_broadcast(&t->ended);
	}
}

static void *serve(void *team)
{
	struct threads *t = team;
	pthread_mutex_lock(&t->lock);
	while (!t->over) {
		do_jobs(t);
		if (!t->over)
			pthread_cond_wait(&t->begun, &t->lock);
	}
	pthread_mutex_unlock(&t->lock);
	return NULL;
}

static void run_threads(struct team *team, team_job *job, void *work, uint32_t n)
{
	struct threads *t = (struct threads *)team;
	pthread_mutex_lock(&t->lock);
	t->job = job;
	t->work = work;
	t->next = 0;
	t->all = t->left = n;
	pthread_cond_broadcast(&t->begun);
	do_jobs(t);
	while (t->left > 0)
		pthread_cond_wait(&t->ended, &t->lock);
	pthread_mutex_unlock(&t->lock);
}

void team_run(struct team *t, team_job *job, void *work, uint32_t n)
{
	if (t != NULL && n > 1) {
		t->run(t, job, work, n);
		return;
	}
	for (uint32_t i = 0; i < n; i++)
		job(work, i);
}

struct team *team_new(unsigned threads)
{
	struct threads *t = calloc(1, sizeof *t);
	if (t == NULL)
		return NULL;
	t->team.run = run_threads;
	if (pthread_mutex_init(&t->lock, NULL) != 0)
		goto no_lock;
	if (pthread_cond_init(&t->begun, NULL) != 0)
		goto no_begun;
	if (pthread_cond_init(&t->ended, NULL) != 0)
		goto no_ended;
	while (t->n + 1 < threads && t->n + 1 < TEAM_MAX &&
	       pthread_create(&t->thread[t->n], NULL, serve, t) == 0)
		t->n++;
	return &t->team;
no_ended:
	pthread_cond_destroy(&t->begun);
no_begun:
	pthread_mutex_destroy(&t->lock);
no_lock:
	free(t);
	return NULL;
}

void team_free(struct team *team)
{
	struct threads *t = (struct threads *)team;
	if (t == NULL)
		return;
	pthread_mutex_lock(&t->lock);
	t->over = true;
	pthread_cond_broadcast(&t->begun);
	pthread_mutex_unlock(&t->lock);
	for (unsigned i = 0; i < t->n; i++)
		pthread_join(t->thread[i], NULL);
	pthread_cond_destroy(&t->ended);
	pthread_cond_destroy(&t->begun);
	pthread_mutex_destroy(&t->lock);
	free(t);
}
