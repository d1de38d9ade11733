/* certificate - checks a certificate's public part by additions and comparisons.
 *
 * Written apart from the engine: it shares no code with policy/ and needs no solver and no secret. What it
 * proves:
 *
 *   null       two vectors modulo 2^61-1 and 2^61-31, 0 on everything printed, that keep every relation. A hidden cell on
 * which neither is 0 cannot be computed from what was printed, whatever its value (guarantee L1).
 *   tables     whole tables of counts that agree with everything printed; each hidden cell of their component
 * reaches the threshold in one and differs by `width` between two (guarantee L2).
 *
 * Format: docs/disclosure.md "Certificate". */
#ifndef CLIENT_PROTECT_CERTIFICATE_H
#define CLIENT_PROTECT_CERTIFICATE_H
#include "client/protect/releases.h"

struct certificate_report {
	char level[4]; /* as claimed; only L1, and L2 where tables stand, is proved by the public part */
	uint32_t threshold, width, floor, coalition;
	uint64_t hidden;      /* cells marked H */
	uint64_t covered;     /* of them, proved not computable */
	uint64_t with_tables; /* of them, shown to reach the threshold, beside all releases that were read */
	bool relisted;        /* joined, and releases have different lists of codes */
	bool joined;          /* what all releases of the period say together was checked too */
	uint64_t earlier;     /* releases of the period that it says it was protected together with */
	uint64_t
	    open; /* said to be in components without tables; of a correction, of all releases together */
	uint64_t earlier_hidden;   /* hidden in earlier releases, and still not computable from all */
	uint64_t came_out;         /* hidden in earlier releases, and known by now */
	uint64_t differences;      /* of two releases' counts, not both printed, that cannot be computed */
	uint64_t differences_open; /* of them, k persons or more and `width` apart in the tables */
	struct moved moved;        /* figures were moved, nothing is hidden: */
	uint64_t near;             /* so many */
	uint64_t tables, null_vectors;
};

/* What a correction's certificate was checked together with. */
struct certificate_joint {
	struct releases releases;
	struct lattice lattice;       /* all of them; borrows from this release's */
	struct releasefolder *folder; /* of each earlier release, or NULL */
};

/* ledger: a folder with folders of the earlier releases that a correction names, or NULL: then it is checked for this
 * release alone. office_dim: name of the offices' dimension, NULL where it is not known. The caller frees *joint
 * with certificate_joint_free, also after false; it borrows from g and file. False: the certificate does not
 * hold for this grid and these printed cells; e says which line and which rule. */
bool certificate_check(const struct lattice *g, struct bytes file, const char *ledger, const char *office_dim,
    struct certificate_joint *joint, struct certificate_report *report, struct err *e);
void certificate_joint_free(struct certificate_joint *joint);
/* Its first lines and its end alone: is it whole, of this grid and this result, and what does it claim? */
bool certificate_claims(
    const struct lattice *g, struct bytes file, struct certificate_report *report, struct err *e);
#endif
