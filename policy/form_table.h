/* form_table - from offices' forms to the engine's table, and from the safe table to a release's rows.
 *
 * How a form becomes a grid (policy/README.md, "Forms"): dimensions office, the shared dimensions of the
 * measures (sex, age), and `measure`, whose codes are the measures; `within` makes a view {M, M:not}
 * of the base, each code of a multiple response a view {M:code, M:code:not}. Offices of the list that are
 * valid in the period and did not contribute are not reported. */
#ifndef POLICY_FORM_TABLE_H
#define POLICY_FORM_TABLE_H
#include "policy/params.h"
#include "policy/release.h"
#include "policy/table.h"
#include "proto/model.h"

struct contribution {       /* borrowed */
	const char *office; /* a code of config's office list */
	const struct figures *figures;
};

/* The table of one period. The caller owns *out (table_free). ERR_INVALID where figures do not fit together
 * (naming office, measure and rule), ERR_UNSUPPORTED where the configuration asks for something that cannot
 * be protected yet, ERR_LIMIT where it asks for too much. No contributions (c NULL, n 0): whether a period could be
 * published at all. */
bool table_from_forms(const struct config *config, const char *period, const struct contribution *c, size_t n,
    const struct policy_params *p, struct table_input **out, struct err *e);

/* One row of a release table, places as in the configuration: what goes into release.msgpack and release.csv.
 */
struct form_row {
	uint16_t table;                /* place in config->table */
	uint16_t measure;              /* place in config->measure */
	uint16_t code[LIMIT_DIMS + 1]; /* for each of the table's dims, a place in its list */
	char state;                    /* P H N A Z, enum cell_mark */
	uint64_t value;                /* 0 unless P */
};

/* The rows of table number `table`, ascending by (measure, code...); every combination of the table's dims
 * that is valid in the period stands once. *rows is malloc'ed: free() it. */
bool form_rows(const struct safe_table *safe, const struct config *config, const char *period, uint16_t table,
    struct form_row **rows, size_t *n, struct err *e);
#endif
