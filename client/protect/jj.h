/* jj - a table as cells and relations, in tau-ARGUS' JJ format.
 *
 * Any linked tables can be said so, with or without a grid behind them: cells with a value, a price, a status
 * and bounds that everybody knows; relations `sum of coefficient * value = right side`. Text, a record a line:
 *
 *     0
 *     <number of cells>
 *     <index> <value> <cost> <status> <lb> <ub> <LPL> <UPL> <SPL>       indexes from 0, in order
 *     <number of relations>
 *     <right side> <terms> : <cell> (<coefficient>) <cell> (<coefficient>) ...
 *
 * Values, right sides and coefficients are whole: "123.000" is, "0.5" is refused. Bounds and protection levels may have
 * fractions; since values are whole, bounds are rounded inwards and levels upwards. A bound beyond JJ_BOUND_MAX
 * (1e+20 in files of tau-ARGUS) is no bound. */
#ifndef CLIENT_PROTECT_JJ_H
#define CLIENT_PROTECT_JJ_H
#include "proto/bytes.h"
#include "proto/err.h"

#define JJ_FILE_MAX  (UINT64_C(1) << 30)
#define JJ_CELLS_MAX (1u << 22)
#define JJ_VALUE_MAX INT64_C(1000000000000) /* of values, levels and right sides, either sign */
#define JJ_BOUND_MAX INT64_C(2000000000000) /* -JJ_BOUND_MAX, JJ_BOUND_MAX: no bound */
#define JJ_COEF_SUM  1000000                /* of a relation's coefficients: its sums stay below 2^62 */

enum jj_status {
	JJ_SAFE = 's',      /* may be hidden, at its cost */
	JJ_UNSAFE = 'u',    /* must be protected */
	JJ_PROTECTED = 'z', /* must be printed */
	JJ_MISSING = 'm'    /* hidden already */
};

struct jj_cell {
	int64_t value, lb, ub; /* lb <= value <= ub */
	int64_t lpl, upl, spl; /* how far down, up and wide an attacker's interval must reach */
	double cost;           /* of hiding it, at least 0 */
	char status;           /* enum jj_status */
};

struct jj_term {
	uint32_t cell;
	int32_t coef; /* not 0 */
};

struct jj {
	struct jj_cell *cell;
	uint32_t n_cells;
	struct jj_term *term;
	uint32_t *start; /* n_relations + 1 places into term */
	int64_t *rhs;
	uint32_t n_relations;
};

/* Reads text; name stands in errors ("name:line: ..."). with_values: each relation must add up and each value lie
 * within its bounds, as where a table is to be protected. Otherwise only the structure is checked: an attacker's copy of
 * the file has no hidden values. The caller frees with jj_free, also after false. */
bool jj_read(struct jj *j, const char *name, struct bytes text, bool with_values, struct err *e);
bool jj_load(struct jj *j, const char *path, bool with_values, struct err *e); /* the same, from a file */
void jj_free(struct jj *j);                                                    /* wipes */

/* The one spelling of ours. jj_put_relations: the relation lines alone, which a certificate's `grid` digests. */
void jj_put(const struct jj *j, struct buf *out);
void jj_put_relations(const struct jj *j, struct buf *out);

/* Sum of coefficient * by[cell] over relation r; by has a place for each cell. */
int64_t jj_sum(const struct jj *j, uint32_t r, const int64_t *by);

/* A RESULT.csv for a JJ file: `cell,freq,status`, each cell once in order, P or H. mark and value have n_cells places;
 * value is 0 where hidden. */
bool jj_read_result(const struct jj *j, const char *path, char *mark, int64_t *value, struct err *e);
void jj_put_result(const struct jj *j, const char *mark, struct buf *out);
#endif
