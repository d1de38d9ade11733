/* release - the only door to a table that may be published.
 *
 * release_build() is a pure function of input, policy and key: the same three give the same bytes. It ends
 * with an independent check of its own result; if that fails the outcome is ERR_INTERNAL and nothing else. */
#ifndef POLICY_RELEASE_H
#define POLICY_RELEASE_H
#include "policy/choice.h"
#include "policy/params.h"
#include "policy/table.h"
#include "policy/team.h"
#include "proto/bytes.h"

enum guarantee { LEVEL_1 = 1, LEVEL_2, LEVEL_3, LEVEL_4 };

enum cell_mark {
	MARK_PUBLISHED = 'P',
	MARK_PERTURBED =
	    'R',           /* rounded or moved by noise (policy `method`): the value is near the true one */
	MARK_HIDDEN = 'H', /* one mark, whatever the reason */
	MARK_STRUCTURAL = 'Z',
	MARK_NOT_REPORTED = 'N',
	MARK_NOT_ASKED = 'A'
};

enum refusal {
	REFUSAL_NONE,
	REFUSAL_MIN_REPORTING,
	REFUSAL_MIN_CHANGED,
	REFUSAL_REQUIREMENT,
	REFUSAL_LEDGER,
	REFUSAL_LIMIT
};

/* What stands in the suppression manifest's header and nowhere else. Zeros and empty texts will do for tests.
 */
struct release_options {
	enum guarantee level; /* 0: LEVEL_3, or LEVEL_4 with earlier releases */
	const char *dataset;  /* NULL: empty */
	const char *period;   /* NULL: empty */
	uint32_t revision;
	uint8_t config[32];
	uint8_t salt[32];
	bool has_grid;      /* grid is the digest of the folder the table was read from; */
	uint8_t grid[32];   /* else that of table_files() is taken */
	uint64_t max_work;  /* 0: no bound; work units, see summary. Reached: refused with REFUSAL_LIMIT */
	choice_ask *choose; /* a solver to ask for a cheaper pattern; NULL: none. See policy/choice.h */
	void *choose_context;
	/* Told when a stage begins: "pattern", "last check", "proof", "done". For progress and clocks; NULL: nobody. */
	void (*stage)(void *context, const char *name);
	void *stage_context;
	struct team
	    *team;  /* threads that share the work (team.h); NULL: one. Any number gives the same bytes */
	bool truth; /* RESULT.csv shows hidden counts and why: never for publication */
};

struct safe_table; /* made by release_build() only; holds printed counts and marks, no hidden count */

struct safe_row {
	const char *const *code; /* one for each dimension, valid as long as the table */
	char state;              /* enum cell_mark */
	uint64_t value;          /* 0 unless P or R */
};

size_t safe_table_dimensions(const struct safe_table *s);
const char *safe_table_dimension(const struct safe_table *s, size_t dim);
size_t safe_table_rows(const struct safe_table *s);
/* Row i in grid order. The code array is overwritten by the next call on the same table. */
void safe_table_row(struct safe_table *s, size_t i, struct safe_row *out);
/* false: that cell is not printed. Codes by name. */
bool safe_table_find(const struct safe_table *s, const char *const *code, char *state, uint64_t *value);
/* True if the ladder left codes out of the whole release (docs/disclosure.md, "Ladder"). */
bool safe_table_is_coarser(const struct safe_table *s);

struct release_summary {
	uint64_t printed, published, hidden, primary, secondary, structural, not_reported, not_asked;
	uint64_t secondary_value; /* confidential */
	uint64_t cost;
	uint64_t requirements;
	uint64_t served_free, served_gather, served_chain, served_pay, served_exact;
	uint64_t work; /* options looked at: the machine-independent measure of effort */
	uint64_t moves, move_entries;
	uint64_t components;             /* of cells that hang together, with hidden ones */
	uint64_t hidden_open_components; /* of these, without public witness tables */
	enum guarantee level;
	uint32_t floor;             /* L: what a hidden cell is known to be at least */
	enum ladder_step last_step; /* LADDER_END: none was needed */
	bool advise_recode;
	uint64_t earlier;             /* releases of the period that this one was protected together with */
	uint64_t late;                /* cells that left before and that the rules of today would protect */
	struct choice_outcome choice; /* of release_options.choose */
	enum release_method method;   /* not suppression: nothing is hidden, every figure is R */
	uint64_t redraws;             /* rounding, noise: draws before every office was left uncertain */
	uint64_t wide; /* rounding: totals that are the base or more from their count; confidential */
};

struct release_result {
	enum refusal refusal;     /* REFUSAL_NONE: table is there */
	struct safe_table *table; /* NULL when refused */
	struct buf result_csv;    /* may be published, as may certificate and derived_csv */
	struct buf derived_csv;
	struct buf certificate;
	struct buf auditor;     /* tells counts: stays in the vault */
	struct buf explain_csv; /* confidential */
	struct buf
	    manifest; /* suppression manifest: decisions without counts, for auditors; also when refused */
	struct buf
	    reasons; /* for the operator's eyes, no counts: why it is refused; else what the ladder did, and advice */
	struct release_summary summary;
};

/* true: *out is a release or an explicit refusal. false: bad input (ERR_INVALID, ERR_REFUSED for the policy),
 * no memory, or ERR_INTERNAL when the check of our own result failed. o may be NULL. */
bool release_build(const struct table_input *t, const struct policy_params *p, const uint8_t choice_key[32],
    const struct release_options *o, struct release_result **out, struct err *e);

void release_result_free(struct release_result *r); /* wipes; NULL allowed */
#endif
