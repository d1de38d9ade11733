/* certpart - what the two halves of the verifier share (certlines.c): lines, numbers, sums along relations.
 *
 * For certificate.c and auditor.c only. */
#ifndef CLIENT_PROTECT_CERTPART_H
#define CLIENT_PROTECT_CERTPART_H
#include "client/protect/certificate.h"

struct reader {
	const char *at, *end;
	const char *line, *line_end;
	unsigned line_no;
};

bool cert_reader_line(struct reader *r); /* false: no further line that ends with a line feed */
bool cert_line_is(const struct reader *r, const char *text);
bool cert_line_begins(const struct reader *r, const char *text);
/* One decimal number without leading zeros at *p, at most max; *p moves on. */
bool cert_take_number(const char **p, const char *end, uint64_t max, uint64_t *out);
/* Likewise, of either sign; cert_take_signed: as far as a move can change a grid's cell. */
bool cert_take_within(const char **p, const char *end, uint64_t most, int64_t *out);
bool cert_take_signed(const char **p, const char *end, int64_t *out);
bool cert_take_text(const char **p, const char *end, const char *text);
bool cert_take_char(const char **p, const char *end, char c);

struct line_sum {     /* of one relation: a breakdown at one combination of the other dimensions */
	uint64_t key; /* 0: empty place */
	uint64_t sum; /* modulo 2^64: signed sums, or modulo a prime */
	bool listed;
};

struct sums {
	struct line_sum *place;
	size_t room, used;
};

struct certpart { /* cells that are not printed and hang together: a relation holds two of them */
	uint32_t first, cells;
	uint32_t hidden; /* of them, those that its tables must leave open */
	bool told;       /* by a table */
};

struct certcheck {
	const struct lattice *g;   /* whose relations count: own, or joint */
	const struct lattice *own; /* the release that the certificate is about */
	const char *ledger;        /* folder of earlier releases, or NULL */
	const char *office_dim;    /* NULL: not known */
	struct certificate_joint *joint;
	struct reader r;
	struct certificate_report *report;
	uint64_t n_ids;
	uint8_t *shown;           /* bits of each cell: 1, 2: null vector for prime 1, 2 not zero */
	int64_t *least, *largest; /* of each hidden cell over the tables seen; least -1: none yet */
	struct {                  /* by cell of the joint lattice: what the tables make of a difference */
		int64_t *least, *most;
		uint8_t *seen;
	} diff;
	uint32_t *part_of;     /* by count: its component; UINT32_MAX: printed */
	struct certpart *part; /* rising by first cell */
	uint32_t n_parts;
	uint64_t *open; /* lines o: how many hidden cells each */
	uint32_t n_open;
	uint64_t relation_base[LATTICE_DIMS_MAX]; /* number of breakdowns in the dimensions before */
	struct sums sums;
};

/* certdiff.c, of a correction that is checked with its ledger: differences by the tables, a table's cell at a time. */
bool certdiff_open(struct certcheck *k);
void certdiff_close(struct certcheck *k);
void certdiff_take(
    const struct certcheck *k, uint64_t cell, const int64_t *value, const uint64_t *stamp, uint64_t now);
void certdiff_count(const struct certcheck *k); /* into the report */

/* A cell that may change: nobody can read its value off the table. */
static inline bool cert_movable(const struct lattice *g, uint64_t cell)
{
	return g->value[cell] < 0;
}
/* A correction's tables are of counts; the differences follow. */
static inline uint64_t cert_counts(const struct certcheck *k)
{
	return k->own->n_cells * (1 + k->report->earlier);
}
/* Are all releases here that the certificate speaks of? */
static inline bool cert_has_all(const struct certcheck *k)
{
	return k->report->earlier == 0 || k->report->joined;
}
/* Is all known here that makes components? Not where releases have different lists of codes: of what only one of them lists, the
 * counts say whether it may be another in the other. Then they may be unions of those found here. */
static inline bool cert_knows_parts(const struct certcheck *k)
{
	return cert_has_all(k) && !k->report->relisted;
}
/* Hidden, and cannot be computed: its component's tables must leave it open. What an earlier release hid may have come out
 * since. */
static inline bool cert_needs_tables(const struct certcheck *k, uint64_t cell)
{
	return (cell < k->own->n_cells || k->shown[cell] == 3) && k->g->mark[cell] == 'H';
}
/* Do the tables seen leave the cell below the threshold, or less than `width` apart? */
static inline bool cert_too_narrow(const struct certcheck *k, uint64_t cell)
{
	return k->largest[cell] < (int64_t)k->report->threshold ||
	       k->largest[cell] - k->least[cell] < (int64_t)k->report->width;
}

/* certparts.c: the components. False: no memory. After the null vectors. */
bool certparts_find(struct certcheck *k);
void certparts_free(struct certcheck *k);
/* Are the lines o those components with hidden cells that no table told of? */
bool certparts_open_fit(struct certcheck *k, struct err *e);

/* certtables.c: the two sections, each from the line after its head to the one after it. */
bool certtables_section(struct certcheck *k, struct err *e);
bool certtables_open_section(struct certcheck *k, struct err *e);

bool cert_bad(struct certcheck *k, struct err *e, const char *rule); /* "line N: rule"; always false */
void cert_sums_clear(struct sums *s);
struct line_sum *cert_sums_at(struct sums *s, uint64_t key); /* its place, made if need be; NULL: no memory */
bool cert_sums_zero(const struct sums *s);
typedef bool visit_line(struct certcheck *k, uint64_t key, int sign, void *context);

/* Every relation that holds the cell, sign 1 as parent, -1 as child; _from: in the dimensions from the first one on. */
bool cert_visit_from(struct certcheck *k, uint32_t first, uint64_t cell, visit_line *visit, void *context);
bool cert_visit_lines(struct certcheck *k, uint64_t cell, visit_line *visit, void *context);
bool cert_add_signed(
    struct certcheck *k, uint64_t key, int sign, void *context); /* context: an int64_t to add */
#endif
