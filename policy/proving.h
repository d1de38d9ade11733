/* proving - what follows a finished pattern: our own check of it, the proof, and the lists. Much work in pieces that have nothing
 * to do with each other, so several threads may share it.
 *
 * Internal to policy/, for release.c. */
#ifndef POLICY_PROVING_H
#define POLICY_PROVING_H
#include "policy/certificate.h"
#include "policy/team.h"

struct proving {
	struct proof *proof;    /* all but result and number, which are filled here */
	const struct grid *own; /* this release's cells */
	bool truth;             /* RESULT.csv shows hidden counts */
	struct team *team;      /* NULL: one thread */
};

/* Fills result_csv, derived_csv, certificate, auditor and explain_csv of the release, the manifest's lines about hidden cells and
 * how many they are. ERR_INTERNAL if the check fails: then nothing of that may leave. */
bool proving_run(const struct proving *p, struct release_result *r, struct buf *lines, uint64_t *n_lines,
    struct witness_report *witness, struct err *e);
/* RESULT.csv. */
void release_put_result(const struct grid *g, bool truth, struct buf *out);
#endif
