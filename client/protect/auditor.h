/* auditor - checks a certificate's auditors' part against the true counts.
 *
 * The rules R1 to R5 and R12 are applied once more, by code that the engine does not share, and for everything
 * they protect a stored change of the true table must be there that the attacker in question cannot rule out:
 * it keeps every relation, moves nothing that is printed, takes no cell below what it is known to be at least,
 * reaches the target, and leaves alone what the attacker owns. Guarantees L2 and L3; of a correction L4: its changes are of all releases of the
 * period together, the differences between them are protected as well, and the rules for corrections hold.
 * Format: docs/disclosure.md "Certificate". */
#ifndef CLIENT_PROTECT_AUDITOR_H
#define CLIENT_PROTECT_AUDITOR_H
#include "client/protect/certificate.h"
#include "policy/params.h"

struct auditor_report {
	uint64_t moves, requirements; /* read */
	uint64_t subjects;            /* cells and sums of cells that the rules protect */
	uint64_t needs;               /* subject and attacker, each answered by a move */
	uint64_t late;                /* cells that left before, and that the rules would protect now */
	struct buf late_cells; /* their codes joined by |, a line each, in order; the caller frees it */
};

struct auditor_question {        /* all borrowed for the call */
	const struct lattice *g; /* with the truth (lattice_truth) */
	const struct policy_params *p;
	struct certificate_joint *joint;         /* of a correction, checked with a ledger; gets the counts */
	const struct certificate_report *claims; /* of the public part */
	struct bytes certificate, file;          /* public part, auditors' part */
};

/* False: e says which line or which cell, and the rule; never a count. */
bool auditor_check(const struct auditor_question *q, struct auditor_report *report, struct err *e);
#endif
