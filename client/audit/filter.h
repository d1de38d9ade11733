/* filter - which decisions of the log are wanted: of leaves, and of cells inside releases. Pure. */
#ifndef CLIENT_AUDIT_FILTER_H
#define CLIENT_AUDIT_FILTER_H
#include "client/command.h"
#include "proto/logentry.h"

/* NULL: any. */
struct filter {
	const char *kind, *dataset, *period, *year, *outcome;
	const char *office, *table, *rule; /* of cells: the sealed manifests are opened */
};

/* From the command line. False: a kind, outcome or rule that does not exist (said on stderr). */
bool filter_take(struct filter *f, const struct args *args);
/* Is it about cells? */
bool filter_asks_cells(const struct filter *f);
bool filter_wants_leaf(const struct filter *f, const struct log_entry *x);
/* Dataset, period and year only. */
bool filter_wants_period(const struct filter *f, const struct log_entry *x);
/* "released", "withheld", "superseded", "withdrawn", "received"; "" where a leaf decides nothing. */
const char *filter_outcome(const struct log_entry *x);
#endif
