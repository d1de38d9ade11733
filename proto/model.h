/* model - a form version and its protection rules, as plain structs.
 *
 * Filled by proto/config.c from a configuration file (YAML); read by the content check, by the client's form
 * reader and by policy/. No function here does more than look things up. Everything a struct config points to
 * belongs to it and lives until config_free (proto/config.h). Order is the file's order everywhere: a place
 * (uint16_t) is an index into the array concerned and is what travels on the wire.
 *
 * Source: docs/protocol.md "Configuration"; docs/disclosure.md. */
#ifndef PROTO_MODEL_H
#define PROTO_MODEL_H
#include "proto/bytes.h"
#include "proto/err.h"
#include "proto/limits.h"

#define NO_PLACE UINT16_MAX

struct label { /* NUL-terminated UTF-8; never NULL once parsed (falls back to the code) */
	const char *sv, *en;
};

/* Months since year 0 (12 * year + month - 1), both ends included. {0, UINT32_MAX} is always. */
struct validity {
	uint32_t from_month, to_month;
};

struct code_parent {
	uint16_t of; /* place of the parent in the same list */
	uint16_t
	    grouping; /* 0 unless the parent has several breakdowns; children with equal grouping form one */
};

struct code {
	const char *code; /* 1-64 bytes */
	struct label label;
	const struct code_parent *parent;
	uint16_t n_parents; /* 0: a root; a dimension has one root that is its total */
	struct validity valid;
};

struct codelist {
	const char *name; /* the dimension's name: sex, age, reason, office */
	struct label label;
	const struct code *code;
	uint16_t n_codes;
};

enum measure_about { ABOUT_NOTHING, ABOUT_CLIENT, ABOUT_STAFF };
enum measure_unit { UNIT_PERSON, UNIT_SEK, UNIT_POST, UNIT_DAY, UNIT_BOOL, UNIT_CODE, UNIT_OTHER };

struct measure {
	const char *name;
	struct label label;
	uint16_t dim[LIMIT_DIMS]; /* places of code lists, in wire order */
	uint16_t n_dims;
	uint16_t decimals; /* values travel multiplied by 10^decimals */
	uint64_t max;      /* scaled likewise; < LIMIT_VALUE */
	enum measure_unit unit;
	enum measure_about about;
	uint16_t within; /* place of the measure of which this is a view, or NO_PLACE */
	bool multiple; /* multiple response: one view for each code of its last dimension, never a sum over it
			*/
	struct validity valid;
};

struct cell_id { /* [measure, code...]: one code for each dimension of the measure, in its order */
	uint16_t measure;
	uint16_t code[LIMIT_DIMS];
};

/* sum: for each combination of the other dimensions, the sum over the leaves of `over` in the list's
 * hierarchy that are asked equals the cell at its total.  "sum(clients, age) = clients[_T]" le:  a <= b cell
 * by cell over the dimensions they share; b's others at their total. "contact_reasons <= clients_new" */
enum check_kind { CHECK_SUM, CHECK_LE };

struct check {
	uint32_t id; /* rule number on the wire is 100 + id */
	enum check_kind kind;
	uint16_t a, b; /* measures; equal for CHECK_SUM */
	uint16_t over; /* CHECK_SUM: place in a's dim[] */
	struct label label;
	const char *rule; /* as written */
};

/* A span of time relative to the end of a period, or none. */
struct offset {
	bool set;
	int32_t days;
};

struct release_table {
	const char *id; /* [a-z0-9-] */
	struct label label;
	const uint16_t *measure;
	uint16_t n_measures;
	uint16_t dim[LIMIT_DIMS + 1]; /* places of code lists; office_dim may be among them */
	uint16_t n_dims;
};

struct derived_cell { /* measure, then one code for each of table->dim: places */
	uint16_t measure;
	uint16_t code[LIMIT_DIMS + 1];
};

struct derived {
	const char *id;
	struct label label;
	uint16_t table; /* place in config.table whose dimensions the cells use */
	struct derived_cell numerator, denominator;
	uint64_t constant; /* denominator when it is a number; else 0 */
	uint32_t factor;
	uint16_t digits;
};

struct setting { /* one `name: value` under policy:, still text; policy/params.c reads it */
	const char *name, *value;
	uint32_t line;
};

enum late_rule { LATE_HOLD, LATE_REFUSE };

struct layout; /* how the form looks on paper: client/form reads it; NULL if the file has none */

struct config {
	uint8_t digest[32]; /* plain BLAKE2b-256 of the file's bytes */
	const char *origin, *dataset;
	const char *form_id, *form_version;
	struct validity valid;
	char period_kind; /* 'Y' 'Q' 'S' 'M': the period pattern */
	const struct codelist *list;
	uint16_t n_lists;
	const struct measure *measure;
	uint16_t n_measures;
	const struct cell_id *asked; /* ascending; a form's figures are parallel to it */
	uint32_t n_asked;
	const struct check *check;
	uint16_t n_checks;
	uint16_t office_list; /* place of the list of offices */
	struct offset opens, closes, grace, publish;
	enum late_rule late;
	uint16_t witnesses; /* cosignatures over the log with a release's leaf before it goes out; 0: none */
	const struct release_table *table;
	uint16_t n_tables;
	const struct derived *derived;
	uint16_t n_derived;
	const struct setting *policy;
	uint16_t n_policy;
	const struct layout *layout;
	void *arena; /* owns all of the above */
};

/* What one form says, parallel to config.asked. */
/* Not asked: the cell's measure or one of its codes is not valid in the form's period. */
enum figure_state { FIGURE_VALUE, FIGURE_BLANK, FIGURE_NOT_ASKED };

struct figures {
	uint32_t n; /* = config.n_asked */
	uint8_t *state;
	uint64_t *value; /* 0 unless FIGURE_VALUE */
};

uint16_t model_list(const struct config *config, const char *name);    /* NO_PLACE if none */
uint16_t model_measure(const struct config *config, const char *name); /* NO_PLACE if none */
uint16_t model_code(const struct codelist *list, const char *code);    /* NO_PLACE if none */
uint16_t model_total(const struct codelist *list); /* the root; NO_PLACE if there are none or several */
bool model_is_leaf(const struct codelist *list, uint16_t code);
int cell_id_compare(const struct config *config, const struct cell_id *a, const struct cell_id *b);
/* Index in config.asked, or UINT32_MAX. O(log n). */
uint32_t model_asked(const struct config *config, const struct cell_id *id);
/* First month and number of months of a period text that passed name_is_period(); false for any other text.
 */
bool model_period_months(const char *period, uint32_t *first_month, uint32_t *n_months);
bool model_valid_in(struct validity valid, const char *period); /* valid in any month of it */
#endif
