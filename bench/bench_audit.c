/* bench: client - elimination over a large pattern: what an audit of a published table costs.
 *
 *   bench_audit DIR POLICY N      about N hidden cells; a line of JSON */
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "client/protect/protectfiles.h"
#include "client/protect/tabledir.h"
#include "policy/modular.h"

static double clock_s(void)
{
	struct timespec t;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* All small cells hidden, and of the others as many as it takes, drawn evenly. */
static uint32_t hide(struct grid *g, uint32_t wanted)
{
	uint32_t hidden = 0;
	uint32_t others = 0;
	for (uint32_t c = 0; c < g->n_cells; c++) {
		g->frozen[c] = g->value[c] > 0 && g->value[c] < (int64_t)g->p->threshold;
		hidden += g->frozen[c];
		others += g->value[c] >= (int64_t)g->p->threshold;
	}
	for (uint32_t c = 0; c < g->n_cells && wanted > hidden && others > 0; c++) {
		if (g->value[c] < (int64_t)g->p->threshold)
			continue;
		bool more = grid_random(g, 0, c, 0) % others < wanted - hidden;
		g->frozen[c] = more;
		hidden += more;
		others--;
	}
	return hidden;
}

static int audit(const char *dir, const char *policy, const char *wanted)
{
	static const uint8_t key[32] = { 0 };
	static const uint8_t seed[16] = { 1 };
	struct err e = { 0 };
	struct policy_params p;
	struct grid g = { 0 };
	struct equations q = { 0 };
	uint64_t *u = NULL;
	int code = 1;
	uint32_t derivable = 0;
	struct table_input *t = NULL;
	if (!protectfiles_policy(&p, policy, &e) || (t = tabledir_read(dir, true, &e)) == NULL ||
	    !grid_init(&g, t, &p, key, &e))
		goto done;
	uint32_t hidden = hide(&g, (uint32_t)strtoul(wanted, NULL, 10));
	u = calloc(g.n_cells, sizeof *u);
	double begin = clock_s();
	if (u == NULL || !equations_solve(&q, &g, ECHELON_ALL) ||
	    !modular_null(&q, MODULAR_PRIME_1, seed, u, &e))
		goto done;
	double spent = clock_s() - begin;
	for (uint32_t c = 0; c < g.n_cells; c++)
		derivable += g.frozen[c] != 0 && u[c] == 0;
	printf("{\"cells\":%u,\"hidden\":%u,\"derivable\":%u,\"audit_s\":%.6f}\n", g.n_cells, hidden,
	    derivable, spent);
	code = 0;
done:
	if (code != 0)
		fprintf(stderr, "bench_audit: %s\n", e.text);
	free(u);
	equations_free(&q);
	if (g.kind != NULL)
		grid_free(&g);
	table_free(t);
	return code;
}

int main(int argc, char **argv)
{
	if (argc != 4 || sodium_init() < 0) {
		fprintf(stderr, "usage: bench_audit DIR POLICY HIDDEN\n");
		return 2;
	}
	return audit(argv[1], argv[2], argv[3]);
}
