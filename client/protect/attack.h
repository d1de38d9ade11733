/* attack - `cellveil attack`: whole-number intervals of every hidden cell, for the public, each office,
 * coalitions.
 *
 * Shares no code with the engine: grid reads the folder, system does the arithmetic. */
#ifndef CLIENT_PROTECT_ATTACK_H
#define CLIENT_PROTECT_ATTACK_H
#include "client/command.h"
#include "policy/params.h"
#include "proto/bytes.h"
#include "proto/err.h"

extern const struct command attack_command;

/* What one attacker can tell of one cell. Texts are borrowed for the call. */
struct attack_line {
	const char *who;  /* "public", "office:CODE", "coalition:A+B" */
	const char *cell; /* codes joined by |; of a sum " - " and what is taken off */
	const char *how;  /* as in the column `why`; "elimination" */
	int64_t lo, hi;   /* hi SYSTEM_UNBOUNDED: no upper end */
	int64_t own;      /* the attacker's part of it, where his figures are known */
	bool exact;       /* he knows the value */
	bool unknown;     /* exact, and we do not know what he knows: lo and hi say nothing */
	bool discloses;   /* by the rules of `attack`, as far as the figures at hand tell */
};
typedef bool attack_line_fn(void *context, const struct attack_line *line); /* false: no memory */

/* The public always; then one office, or every set of up to `coalition` offices. With figures of all offices the
 * protected cells' targets are judged too (L2, L3); with one office's only what it can compute; without any, which
 * cells an office could compute exactly, whatever its figures are. */
struct attack_question {
	const char *folder;  /* a release's */
	const char *figures; /* a cells.csv; NULL: none */
	const char *office;  /* this one only; NULL: all. With figures: they are this office's alone */
	uint32_t coalition;  /* 0: the public alone, unless office is named */
	bool judged;         /* also protected cells that miss their targets disclose: needs all figures */
	int64_t floor;
	const struct policy_params *policy; /* rules, and the name of the offices' dimension */
	attack_line_fn *line;
	void *context;
};
bool attack_ask(const struct attack_question *q, struct err *e);

/* What `attack` says last, of a folder or a JJ file, and its exit code. */
int attack_told(const struct args *args, uint64_t intervals, uint64_t disclosures, uint64_t programs);
#endif
