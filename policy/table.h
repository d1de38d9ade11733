/* table - the engine's input: what is to be printed and what it is made of. No files, no configuration.
 *
 * A table_input is a grid: dimensions with codes, and a count for every combination of leaf codes. It is
 * filled line by line in the order
 *
 *     table_add_dimension, its table_add_code lines, the next dimension ...
 *     then cells, printed tables, forced, structural, covered, derived, earlier releases, in any order
 *     table_finish
 *
 * Every function takes the line number it came from (0: none) and names it in its error together with the
 * rule broken, never the count. All texts are copied.
 *
 * Dimension lines are those of a hier_DIM.csv: depth-first, level = number of `@`, first line level 1 is the
 * total. Each appearance of a code with children is one breakdown of it; a total written again at level 1 is
 * a second grouping; view = true on the line of a code with children makes that breakdown a view: two
 * children of its own that answer a yes/no question about the same persons. A code with children elsewhere
 * may appear again without them, under another parent. */
#ifndef POLICY_TABLE_H
#define POLICY_TABLE_H
#include <stddef.h>
#include <stdint.h>

#include "proto/bytes.h"
#include "proto/err.h"
#include "proto/limits.h"

#define TABLE_DIMS_MAX    (LIMIT_DIMS + 2)
#define TABLE_CODE_MAX    64
#define TABLE_CELLS_MAX   (UINT32_C(1) << 26) /* grid cells before merging; 67 million */
#define TABLE_DEPTH_MAX   32
#define TABLE_ABOVE_MAX   256  /* codes above one another, by several groupings; itself too */
#define TABLE_PRINTED_MAX 4096 /* linked tables */

struct table_input;

enum cell_status {
	CELL_VALUE,
	CELL_NR,         /* not reported and in no total: adds nothing; its mark is printed, freq is 0 */
	CELL_NA,         /* not asked, freq is 0 */
	CELL_STRUCTURAL, /* zero by definition, declared and public, freq is 0 */
	CELL_BLANK       /* not reported, but part of totals that were: freq is any split that fits them */
};

struct table_input *table_new(void);    /* NULL: no memory */
void table_free(struct table_input *t); /* wipes the counts; NULL allowed */

/* Names [A-Za-z0-9_.-]{1,64}, each once. The dimension of this name that the policy calls office_dim is the
 * offices'. */
bool table_add_dimension(struct table_input *t, const char *name, unsigned line, struct err *e);

/* One hierarchy line of the dimension added last. from/to: months as in struct validity, {0, UINT32_MAX}
 * always. */
bool table_add_code(struct table_input *t, unsigned level, const char *code, uint32_t from_month,
    uint32_t to_month, bool view, unsigned line, struct err *e);

/* No dimensions after this; the first cell or table ends them too. Checks what can be told of them alone. On error
 * *dim is the place of the dimension it is about. */
bool table_end_dimensions(struct table_input *t, size_t *dim, struct err *e);

/* One inner cell: a leaf code for each dimension in order. office: who contributed it where no dimension
 * holds the offices, else NULL; all cells alike. A combination given twice is an error; one not given is a
 * nought (of no office). */
bool table_add_cell(struct table_input *t, const char *const *code, const char *office,
    enum cell_status status, uint64_t freq, unsigned line, struct err *e);

/* A printed table: per dimension NULL (its total only), "*" (all codes) or codes parted by '|'. Without any
 * table every cell of the grid is printed. id is for the caller's own use. */
bool table_add_printed(
    struct table_input *t, const char *id, const char *const *codes, unsigned line, struct err *e);

/* Patterns: a code per dimension, "*" any. forced: must be printed as it is. structural: zero by definition;
 * a count above zero in it is an error. absent: not printed whatever the tables say (cells that nobody
 * asked). */
bool table_add_forced(struct table_input *t, const char *const *code, unsigned line, struct err *e);
bool table_add_structural(struct table_input *t, const char *const *code, unsigned line, struct err *e);
bool table_add_absent(struct table_input *t, const char *const *code, unsigned line, struct err *e);

/* A total that was reported although parts of it are CELL_BLANK (rule R12): its value stands and is
 * printable. */
bool table_add_covered(struct table_input *t, const char *const *code, unsigned line, struct err *e);

/* A derived figure: numerator / denominator * factor, rounded to digits. denominator NULL: constant is used.
 */
bool table_add_derived(struct table_input *t, const char *id, const char *const *numerator,
    const char *const *denominator, uint64_t constant, uint32_t factor, unsigned digits, unsigned line,
    struct err *e);

/* A release that left before, as it left: borrowed for the call. */
struct earlier_facts {
	const char *period;
	uint32_t revision;
	struct bytes result_csv; /* RESULT.csv: states and printed values */
	struct bytes
	    certificate;      /* certificate.cvc: its header says under what rules, and names the result */
	struct bytes auditor; /* of the last one: certificate.auditor.cvc, whose moves help; may be empty */
};

/* An earlier release of the series (docs/disclosure.md, "Revisions"): what it was made of (finished; taken over on
 * success) and what it said. One of the same period is protected together with this release; of other periods
 * only that they exist is asked. release_build() refuses what does not fit together. */
bool table_add_earlier(
    struct table_input *t, struct table_input *earlier, const struct earlier_facts *facts, struct err *e);

/* No input after this. Checks: at least one dimension; no code its own ancestor; every breakdown of a code
 * holds the same leaves, each once; sums fit. Contributions: the offices that are to be counted as reporting
 * are those that own at least one cell that is neither nr nor na. */
bool table_finish(struct table_input *t, struct err *e);
/* After a false table_finish: what its error is about, hence whose line it names. */
enum table_part { TABLE_ALL, TABLE_CELLS, TABLE_STRUCTURAL, TABLE_DERIVED };
enum table_part table_fault(const struct table_input *t);

/* After table_finish: is every CELL_BLANK below a total that was reported (table_add_covered), or an answer about persons
 * of whom something else was reported, and none declared structural? What is part of no reported total is CELL_NR: readers
 * take it that nothing printed holds it. Errors name the line. */
bool table_blanks_fit(const struct table_input *t, struct err *e);

/* The table as the files of a folder (docs/disclosure.md "Files"), ascending by name, one spelling for each
 * table: what a release publishes beside its certificate, and what the certificate's digest `grid` is over.
 * counts: cells.csv too, which is confidential. emit is called once a file; false stops. False: emit said so,
 * or no memory. */
typedef bool table_file_emit(void *context, const char *name, struct bytes text);
bool table_files(const struct table_input *t, bool counts, table_file_emit *emit, void *context);

/* Looking up: for tests, form_table and the stand-alone commands. Valid after table_finish. */
size_t table_dimensions(const struct table_input *t);
const char *table_dimension_name(const struct table_input *t, size_t dim);
const char *table_code(
    const struct table_input *t, size_t dim, size_t code); /* in order of first appearance */
bool table_find_code(const struct table_input *t, size_t dim, const char *code, size_t *out);
#endif
