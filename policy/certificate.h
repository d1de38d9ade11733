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
	const uint32_t *number;  /* of each move in the auditors' part */
};

/* What the two parts are put together from, each piece a job (team.h): shares of the moves, shares of the needs, null vectors. */
#define PIECE_SHARES 8u
enum {
	PIECE_MOVES,
	PIECE_NEEDS = PIECE_MOVES + PIECE_SHARES,
	PIECE_NULL_1 = PIECE_NEEDS + PIECE_SHARES,
	PIECE_NULL_2,
	PIECES
};

/* One letter a cell: P H Z N A, or - for a cell that is not printed. */
char proof_mark(const struct grid *g, uint32_t cell);
/* First 16 bytes of a digest of the pattern: the public seed of the null vectors. */
void proof_seed(const struct grid *g, uint8_t seed[16]);
/* sha256 over the canonical hier_*, tables, structural, forced and derived texts of the input. */
bool proof_grid_digest(const struct table_input *t, uint8_t out[32], struct err *e);

/* For proof.number; NULL: no memory. Caller frees. */
uint32_t *proof_number_moves(const struct plan *p);
void proof_piece(const struct proof *p, uint32_t piece, struct buf *out);

/* The public part, of its pieces, which are used up, and the tables. *report: how many components have public tables. */
bool certificate_write(const struct proof *p, struct buf piece[PIECES], struct witness *w, struct buf *out,
    struct witness_report *report, struct err *e);
bool auditor_write(const struct proof *p, struct bytes certificate, struct buf piece[PIECES], struct buf *out,
    struct err *e);
#endif
