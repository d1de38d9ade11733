/* filing - everything a form needs around it: deployment, dataset, period, configuration.
 *
 * Shared by check, push and withdraw. The key set and the period's configuration are fetched and verified;
 * what the gate said last serves while it is away. */
#ifndef CLIENT_FILING_H
#define CLIENT_FILING_H
#include "client/command.h"
#include "client/deployment.h"
#include "client/form/form.h"

#define FILING_FORM_BYTES (64u * 1024 * 1024)

struct filing {
	struct deployment deployment;
	const char *dataset;      /* NULL: a check without a deployment */
	struct msg_period period; /* the one that was chosen */
	bool sure;                /* asked for, or the only open one: else the form itself must say */
	struct config *config;    /* its configuration; owned */
};

/* --period or its other name --year; NULL if neither is given. */
const char *filing_period(const struct args *args);
/* Opens the deployment and picks dataset and period by --dataset and --period: without a period, the one that
 * is open; several open ones are told apart by the file later (filing_read). An exit code. */
int filing_open(struct filing *f, const struct args *args, struct err *e);
void filing_close(struct filing *f);
/* Without a deployment, by the configuration file or preset `path`: for --config. */
int filing_open_offline(struct filing *f, const char *path, struct err *e);
/* By --config if it is given, else filing_open(); where there is no identity yet, e tells of --config. */
int filing_open_any(struct filing *f, const struct args *args, struct err *e);
/* Reads a form, and holds it against the office's form of the period before if there is one (lastyear.h); if it says another period than the chosen one and none was asked for, changes over to that.
 * result and findings are the caller's to free. */
int filing_read(struct filing *f, const char *path, const struct args *args, struct form_result *result,
    struct findings *findings, struct err *e);
/* The period wanted; if wanted is NULL, the one that opened last of those open (or in grace), or if there is none
 * the one that opened last of all: a form may be checked early and late. sure tells whether it was the only
 * one that is open. NULL with e. */
const struct msg_period *filing_choose(
    const struct msg_periods *periods, const char *wanted, bool *sure, struct err *e);
/* Shows findings as text on stderr or, with --json, on stdout. EXIT_OK, EXIT_FINDINGS, EXIT_OPEN. */
int filing_judge(const struct findings *findings, const struct args *args);
#endif
