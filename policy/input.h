/* input - what stands inside a table_input. Internal to policy/; callers use policy/table.h. */
#ifndef POLICY_INPUT_H
#define POLICY_INPUT_H
#include "policy/hierarchy.h"
#include "policy/table.h"

enum pattern_kind { PATTERN_FORCED, PATTERN_STRUCTURAL, PATTERN_ABSENT, PATTERN_COVERED };

struct pattern {
	enum pattern_kind kind;
	uint32_t code[TABLE_DIMS_MAX]; /* NONE: any */
	unsigned line;
};

struct printed {
	char id[TABLE_CODE_MAX + 1];
	uint8_t *set[TABLE_DIMS_MAX]; /* one byte a code: printed or not */
};

struct derived_figure {
	char id[TABLE_CODE_MAX + 1];
	uint64_t numerator, denominator; /* cells; denominator UINT64_MAX: the constant */
	uint64_t constant;
	uint32_t factor;
	unsigned digits, line;
};

struct inner_cell {
	uint64_t at; /* number in the grid without an added office dimension */
	uint64_t freq;
	uint32_t office;
	unsigned line;
	uint8_t status;
};

struct earlier_release {
	struct table_input *input;
	char period[LIMIT_PERIOD + 1];
	uint32_t revision;
	struct buf result_csv, certificate, auditor;
};

struct table_input {
	struct dim dim[TABLE_DIMS_MAX];
	size_t n_dims;
	bool frozen, finished;
	enum table_part fault;
	uint64_t stride[TABLE_DIMS_MAX]; /* the last dimension's is 1 */
	uint64_t n_cells;
	struct inner_cell *cell;
	size_t n_given;
	uint32_t room_given;
	struct pattern *pattern;
	size_t n_patterns;
	uint32_t room_patterns;
	struct printed *printed;
	size_t n_printed;
	uint32_t room_printed;
	struct derived_figure *derived;
	size_t n_derived;
	uint32_t room_derived;
	struct earlier_release *earlier;
	size_t n_earlier;
	uint32_t room_earlier;
	struct dim offices; /* codes of the column `office`, until table_finish makes it a dimension */
	bool office_column, office_known;
	bool added_office; /* the last dimension is that column's */
	bool
	    releases; /* the first dimension is that of several releases, this one its first code (ledger.h) */
	int64_t *value;  /* every grid cell's sum; table_finish */
	uint8_t *status; /* enum cell_status of inner cells */
};

/* Visits the grid cells of a pattern: each dimension one code, or those of a list. */
struct walk {
	const struct table_input *t;
	uint32_t from[TABLE_DIMS_MAX], to[TABLE_DIMS_MAX]; /* codes, end excluded */
	uint32_t at[TABLE_DIMS_MAX];
	bool leaves_only, ended;
};
void walk_begin(struct walk *w, const struct table_input *t, const uint32_t *code, bool leaves_only);
bool walk_next(struct walk *w, uint64_t *cell);

static inline uint32_t table_coord(const struct table_input *t, uint64_t cell, size_t dim)
{
	return (uint32_t)(cell / t->stride[dim] % t->dim[dim].n_codes);
}
bool table_is_inner(const struct table_input *t, uint64_t cell);
/* "code|code|..." of a cell, for messages and files. */
/* The line that says a cell must be printed; 0: none. */
unsigned table_forced_line(const struct table_input *t, uint64_t cell);
void table_put_cell(const struct table_input *t, uint64_t cell, char sep, struct buf *b);
#endif
