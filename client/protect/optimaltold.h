/* optimaltold - what `--optimal` came to, for summary.json and for people. */
#ifndef CLIENT_PROTECT_OPTIMALTOLD_H
#define CLIENT_PROTECT_OPTIMALTOLD_H
#include "client/protect/optimal.h"
#include "proto/bytes.h"

struct optimaltold {
	const struct choice_outcome *outcome;
	const struct optimal_report *report;
	double cost; /* of the pattern that goes out, with what rules after the search hide */
};

/* Proven is the cost that goes out, not that of some pattern on the way. */
bool optimaltold_proven(const struct optimaltold *t);
/* How much less than this pattern another might cost at most, as a part of it; 0 if proven. */
double optimaltold_gap(const struct optimaltold *t);

void optimaltold_json(const struct optimaltold *t, struct buf *out); /* `"optimal":{..},` */
void optimaltold_say(const struct optimaltold *t);
#endif
