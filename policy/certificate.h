/* certificate - the proof that goes with a release, and the auditors' part that stays in the vault.
 *
 * Internal to policy/. Formats: docs/disclosure.md, "Certificates". The public part is computed from the
 * pattern alone; the auditors' part tells counts. */
#ifndef POLICY_CERTIFICATE_H
#define POLICY_CERTIFICATE_H
#include "policy/protect.h"
#include "policy/witness.h"

struct proof {
	const struct plan *plan;
	enum guarantee level;
	const uint64_t *null[2]; /* modulo MODULAR_PRIME_1 and _2 */
	uint8_t result[32];      /* sha256 of RESULT.csv */
	const uint8_t *grid;     /* digest of the folder the table came from; NULL: of table_files() */
};

/* One letter a cell: P H Z N A, or - for a cell that is not printed. */
char proof_mark(const struct grid *g, uint32_t cell);
/* First 16 bytes of a digest of the pattern: the public seed of the null vectors. */
void proof_seed(const struct grid *g, uint8_t seed[16]);
/* sha256 over the canonical hier_*, tables, structural, forced and derived texts of the input. */
bool proof_grid_digest(const struct table_input *t, uint8_t out[32], struct err *e);

/* The public part. *witness: how many components have public tables. */
bool certificate_write(const struct proof *p, struct buf *out, struct witness_report *witness, struct err *e);
bool auditor_write(const struct proof *p, struct bytes certificate, struct buf *out, struct err *e);
#endif
