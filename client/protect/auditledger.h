/* auditledger - what the auditors' verifier asks of corrections beside the rules for one release: who changed, what left
 * before, what stays hidden, how many must change together, and the differences between releases.
 *
 * Part of the auditors' verifier (auditpart.h). Written from docs/disclosure.md, "Corrections"; shares no code with policy/. */
#ifndef CLIENT_PROTECT_AUDITLEDGER_H
#define CLIENT_PROTECT_AUDITLEDGER_H
#include "client/protect/auditpart.h"

/* Reads the counts of the earlier releases from their folders into the joint lattice. */
bool auditledger_counts(const struct auditor_question *q, struct err *e);
/* Are the offices that are said to have changed those whose figures are others? Were the earlier releases made by rules
 * that are no stricter? Fills a->releases and a->out. */
bool auditledger_open(struct audit *a, const struct auditor_question *q);
/* Differences, frozen cells, enough offices that changed. The file was read. */
bool auditledger_rules(struct audit *a);
/* The differences alone (auditdifferences.c). */
bool auditledger_differences(struct audit *a);
/* Cells of the joint lattice that are counts; those after them are differences. */
uint64_t auditledger_n_counts(const struct audit *a);
/* Could a move of one person hide this printed cell? True only if nothing stands in its way. */
bool auditledger_can_rise(const struct audit *a, uint64_t cell);
#endif
