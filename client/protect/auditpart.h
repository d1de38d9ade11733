/* auditpart - what the parts of the auditors' verifier share: the file (auditor.c), the rules (auditrules.c), whom
 * lines name (auditattackers.c), and what is new in corrections (auditledger.c, auditdifferences.c, auditbefore.c).
 *
 * For those only. */
#ifndef CLIENT_PROTECT_AUDITPART_H
#define CLIENT_PROTECT_AUDITPART_H
#include "client/protect/auditor.h"
#include "client/protect/certpart.h"

#define NO_OFFICE      UINT32_MAX
#define POOL_LIMIT     8u     /* offices that a requirement may name */
#define AUDIT_SETS_MAX 50000u /* of offices that are looked at to see whether one was left out */
#define OUT_LATE       2u     /* in audit.out: it left before, and the rules would protect it now */

enum rule {
	RULE_R1,
	RULE_R2,
	RULE_R3,
	RULE_R4,
	RULE_R5,
	RULE_R12,
	RULE_LATER,
	RULE_R6,
	RULE_DIFFERENCE, /* between releases of a period */
	RULE_R7,
	RULE_SPARE,
	RULES
};

struct change { /* of one cell */
	uint64_t cell;
	int64_t by;
};

struct amount { /* a move: n changes from start, rising by cell */
	size_t start;
	uint64_t n;
	uint32_t lines; /* that name it */
};

/* A cell, or a parent less some of its children. */
struct subject {
	uint64_t cell;
	const uint64_t *minus; /* rising by place in the breakdown */
	uint32_t n;
};

struct line { /* a requirement as the file has it */
	struct subject s;
	int64_t reached;
	uint32_t office[POOL_LIMIT]; /* `office CODE+CODE` */
	uint32_t n_offices;
	uint32_t slot; /* UINT32_MAX: none */
	uint32_t move;
	enum rule rule;
	unsigned line_no;
	bool asked; /* a rule worked out here wants it */
};

enum told {
	TOLD_NOTHING,
	TOLD_FOLLOWS,
	TOLD_TWICE, /* and is another name of a cell that is judged */
	TOLD_GONE,  /* follows from what earlier releases said */
	TOLD_FEW    /* does not follow, but is known to be less than the threshold */
};

struct reckoning;

struct audit {
	struct certcheck k;
	const struct lattice *g;         /* of a correction: the joint one */
	uint64_t own_cells;              /* of this release; they stand first */
	const struct releases *releases; /* NULL: no correction */
	uint8_t *out;                    /* by cell: 0, or it left before; NULL: no correction */
	const struct policy_params *p;
	struct auditor_report *report;
	struct change *change;
	size_t n_changes, room_changes;
	struct amount *move;
	uint32_t n_moves;
	size_t room_moves;
	uint64_t *minus;
	size_t n_minus, room_minus;
	struct line *line;
	uint32_t n_lines;
	size_t room_lines;
	uint32_t *by_cell; /* line numbers sorted by cell, then as they stand */
	uint32_t office_dim;
	uint32_t *office; /* leaves of the office dimension */
	uint32_t n_offices;
	bool *under;   /* by code and office of that dimension: the office is below the code, or is it */
	uint32_t pool; /* offices that may pool; 0: none is an attacker */
	bool l1;
	uint8_t *
	    told; /* by cell, enum told: not printed, but follows from what is, nothing hidden (audittold.c) */
	struct reckoning *reckoning; /* audittold.c, while it runs */
	uint8_t *named;              /* by cell: a rule protects it by itself */
	/* of the subject looked at (auditrules.c): */
	int64_t value;
	int64_t *own;   /* by code of the office dimension; -1: nothing can be there */
	uint32_t *rank; /* offices below it, most first */
	uint32_t n_ranked;
	struct subject of; /* it, if that may be asked about below; else no */
	bool of_one;
	struct audit_before *before; /* auditbefore.c; NULL: no correction, or no offices */
	struct err *e;
};

int64_t audit_moved(const struct audit *a, const struct line *l);
bool audit_touches(const struct audit *a, const struct line *l, const uint32_t *office, uint32_t n);
/* The next line about s at or after *at; NULL at the end. Begin with audit_first. */
struct line *audit_next(const struct audit *a, const struct subject *s, uint32_t *at);
uint32_t audit_first(const struct audit *a, const struct subject *s);
/* Fills value, own, rank, n_ranked, of. */
void audit_look_at(struct audit *a, const struct subject *s);
/* The same of a sum of cells. */
void audit_look_at_sum(struct audit *a, const uint64_t *cell, size_t n);
/* These offices knew the subject looked at before this release, and no 1 to k-1 of it are others' (auditbefore.c). */
bool audit_knew(const struct audit *a, const uint32_t *office, uint32_t n);
bool auditbefore_open(struct audit *a); /* room for that, in corrections with offices */
void auditbefore_look_at(
    struct audit *a, const struct subject *s); /* NULL: a sum of which nobody is let off */
void auditbefore_free(struct audit *a);
/* The cell's part at an office; UINT64_MAX: the office is not below the cell's code. */
uint64_t audit_part(const struct audit *a, uint64_t cell, uint32_t office);
/* The same offices, whatever their order, are named by both. */
bool audit_same_offices(const struct line *x, const struct line *y);
/* The lines of the file about s, which was looked at, under this rule are wanted, say what their move does, and stand once for
 * each attacker, none left out (auditattackers.c). must: even if there is none at all, since no other rule's can stand for them. */
bool audit_lines_fit(struct audit *a, const struct subject *s, enum rule rule, bool must);
bool audit_fails(const struct audit *a, const struct subject *s, enum rule rule, const char *why); /* false */
/* What left in an earlier release cannot be protected any more. */
bool audit_has_left(const struct audit *a, uint64_t cell);
/* A table prints it, as a count or hidden. */
bool audit_printed(const struct audit *a, uint64_t cell);
/* Fills told: FOLLOWS and TWICE; once the rules have named their cells, FEW. */
bool audit_tell(struct audit *a);
bool audit_bound(struct audit *a);
/* What no table prints is left in doubt by some move, for the public and every set of offices that may pool
 * (auditunprinted.c). Once the rules have named their cells. */
bool audit_unprinted(struct audit *a);
/* No small count that no table prints follows exactly from what is: by the null vectors of the public part, after the rules. */
bool audit_exact(struct audit *a, struct bytes certificate);
/* All rules again. */
bool audit_rules(struct audit *a);
#endif
