/* auditor - checks a certificate's auditors' part against the true counts.
 *
 * The rules R1 to R5 and R12 are applied once more, by code that the engine does not share, and for everything
 * they protect a stored change of the true table must be there that the attacker in question cannot rule out:
 * it keeps every relation, moves nothing that is printed, takes no cell below what it is known to be at least,
 * reaches the target, and leaves alone what the attacker owns. Guarantees L2 and L3. Not read: earlier releases.
 * Format: docs/disclosure.md "Certificate". */
#ifndef CLIENT_PROTECT_AUDITOR_H
#define CLIENT_PROTECT_AUDITOR_H
#include "client/protect/certificate.h"
#include "policy/params.h"

struct auditor_report {
	uint64_t moves, requirements; /* read */
	uint64_t subjects;            /* cells and sums of cells that the rules protect */
	uint64_t needs;               /* subject and attacker, each answered by a move */
};

/* g holds the truth (lattice_truth); certificate is the public part, level the one it claims. False: e says which
 * line or which cell, and the rule; never a count. */
bool auditor_check(const struct lattice *g, const struct policy_params *p, const char *level,
    struct bytes certificate, struct bytes file, struct auditor_report *report, struct err *e);
#endif
