/* lattice - a table folder as the attacker and the certificate's verifier see it.
 *
 * Written apart from policy/: the programs that judge the engine's work share no code with it. Here a table
 * is what docs/disclosure.md says and no more: codes, breakdowns, printed marks, and the relation "parent =
 * sum of the children of one breakdown" for every breakdown of every code at every combination of the other
 * dimensions' codes.
 *
 * Cells are numbered from 0, row-major in the order of the dimension columns of RESULT.csv, codes in order of
 * first appearance in hier_DIM.csv, the last dimension fastest.
 *
 * The folder may also be a published release (one with a manifest.txt): there the result is result.csv, and a
 * file `hier_sex.csv` is `grid-hier-sex.csv`, `tables.csv` is `grid-tables.csv`, as docs/protocol.md "Release
 * files" says. It has no counts. */
#ifndef CLIENT_PROTECT_LATTICE_H
#define CLIENT_PROTECT_LATTICE_H
#include <stddef.h>
#include <stdint.h>

#include "proto/bytes.h"
#include "proto/err.h"

#define LATTICE_DIMS_MAX  10
#define LATTICE_CELLS_MAX (UINT64_C(1) << 26)

struct breakdown {
	uint32_t parent;
	bool view;
	uint32_t n;
	uint32_t *child;
};

struct latticedim {
	char *name;
	uint32_t n_codes;
	char **code;
	uint32_t n_breakdowns;
	struct breakdown *breakdown;
	uint32_t *slot; /* hash of codes: place + 1, 0 empty; n_slots is a power of two */
	uint32_t n_slots;
	uint32_t *order;     /* codes such that children stand before their parents */
	uint32_t *held_from; /* by code, and one more: where its share of held begins */
	uint32_t
	    *held; /* the breakdowns that a code is in, rising: 2 * place as parent, 2 * place + 1 as child */
	bool synthetic; /* the offices of a column `office`: below its total nothing is printed */
};

/* How printed figures were moved (marks R), as far as that is known. */
struct moved {
	enum { MOVED_NOT, MOVED_ROUNDING, MOVED_NOISE } how;
	int64_t base;     /* rounding */
	int64_t variance; /* noise: thousandths */
	int64_t reach;    /* the most a figure is away from the true one */
	int64_t totals;   /* the same of totals: cells that are not inner */
};

struct figure { /* derived.csv, and what DERIVED.csv prints of it */
	char *id;
	uint64_t numerator, denominator; /* cells; denominator UINT64_MAX: the constant */
	uint64_t constant;
	uint64_t scale; /* factor * 10^digits */
	uint32_t digits;
	uint64_t shown; /* times 10^digits, if printed */
	char status;    /* P R H N A; 0: DERIVED.csv has no line of it */
};

struct lattice {
	uint32_t n_dims;
	struct latticedim dim[LATTICE_DIMS_MAX];
	uint64_t stride[LATTICE_DIMS_MAX];
	uint64_t n_cells;
	uint8_t *mark;  /* P H Z N A R as in RESULT.csv; '-' not printed */
	int64_t *value; /* printed value where P; 0 where everybody can see that nothing is there; else -1 */
	int64_t *near;  /* NULL without marks R, or the printed figure where R */
	struct moved moved; /* from the certificate beside the result, where there are marks R */
	int64_t *truth;     /* NULL, or the true value of every cell (lattice_truth) */
	uint8_t *live;      /* with truth: 0 where nothing can be: structural, not reported, not asked */
	uint8_t *noted; /* bit 1: a total reported over blanks (covered.csv); 2, with truth: such a blank */
	uint8_t *
	    structural; /* by cell: structural.csv names it, or what it is a part of; NULL after lattice_lift */
	struct figure *figure;
	uint32_t n_figures, n_shown; /* n_shown: lines of DERIVED.csv */
	uint8_t digest[32];          /* as in a certificate's line `grid` */
	uint8_t result_digest[32];
	uint64_t not_absent; /* a cell of absent.csv with another mark than A; UINT64_MAX: there is none */
	bool has_forced;     /* some cells had to be printed */
	bool out_of_order;   /* the lines of the result do not rise by cell */
	bool shows_hidden;   /* a hidden cell's freq is not empty: a result with --truth */
	bool not_plain;      /* a number of the result begins with a needless 0 */
	bool *born[LATTICE_DIMS_MAX]; /* after lattice_lift, by code: not in this release's own list */
};

#define LATTICE_PATH_MAX 4096

/* Derived figures (figures.c): the definitions in dir, the values beside the result. Part of lattice_read. */
bool lattice_figures(struct lattice *g, const char *dir, const char *result, struct err *e);
/* With the truth: is each Z where nothing can be, by what is declared or follows from that? */
bool lattice_noughts_hold(const struct lattice *g, struct err *e);
/* The same without the counts, by structural.csv and what is marked as not reported or not asked alone. */
bool lattice_noughts_declared(const struct lattice *g, struct err *e);
/* What a printed figure tells of the one of its two cells that is not known: lo..hi. False: nothing. */
bool figure_bounds(const struct lattice *g, const struct figure *f, uint64_t *cell, int64_t *lo, int64_t *hi);
/* Is every figure that has a line what its cells give, and none printed that is made of a cell which is not? */
bool lattice_figures_hold(const struct lattice *g, struct err *e);
void lattice_figures_free(struct lattice *g);

/* Reads hier_*.csv, structural.csv and the result; result NULL: the RESULT.csv or result.csv in dir.
 * own_offices: where cells.csv has a column `office`, add the dimension of contributors. The caller frees with
 * lattice_free, also after false. */
bool lattice_read(struct lattice *g, const char *dir, const char *result, bool own_offices, struct err *e);
/* The digest of a folder's public files, as in a certificate's line `grid`. */
bool lattice_folder_digest(const char *dir, uint8_t out[32], struct err *e);
/* Is dir a published release, with its own names for the files? */
bool lattice_is_release(const char *dir);
/* Path of the result that lies in dir. False: too long. */
bool lattice_result_path(const char *dir, char out[LATTICE_PATH_MAX]);
/* Reads the counts of cells.csv and sums them into every cell. */
bool lattice_truth(struct lattice *g, const char *dir, struct err *e);
bool lattice_truth_file(struct lattice *g, const char *path, struct err *e); /* the same, of another file */
void lattice_free(struct lattice *g);                                        /* wipes the counts */

/* Puts g, an earlier release without counts yet, into the dimensions of a later one, whose lists hold all codes of g's
 * and may hold more. Where g had no such cell there is nobody, and nothing was printed. */
bool lattice_lift(struct lattice *g, const struct lattice *to, struct err *e);
/* Did the release's own list have all codes of the cell? */
bool lattice_is_listed(const struct lattice *g, uint64_t cell);
/* Two releases in the same dimensions: out[cell] 1 where an inner cell below, live in one of them at least if counts were read,
 * stands in one list only. Else untouched. */
void lattice_between(const struct lattice *a, const struct lattice *b, uint8_t *out);

/* Fills held, once the breakdowns are known; false: no memory. */
bool latticedim_index(struct latticedim *d);

uint32_t lattice_place(
    const struct lattice *g, uint64_t cell, uint32_t dim);           /* code of the cell in that dimension */
uint32_t lattice_code(const struct latticedim *d, const char *code); /* UINT32_MAX: none */
uint32_t lattice_dim(const struct lattice *g, const char *name);     /* UINT32_MAX: none */
void lattice_name(const struct lattice *g, uint64_t cell, struct buf *out); /* codes joined by | */
bool lattice_is_leaf(const struct latticedim *d, uint32_t code);
bool lattice_is_inner(
    const struct lattice *g, uint64_t cell); /* of leaf codes in all dimensions that are printed */
/* Along one dimension, by cell: every code takes over what its children have (up), or gives them what it has. */
void lattice_spread(const struct lattice *g, uint32_t dim, bool up, uint8_t *flag);
/* Leaves of below that no view of its own holds: true for each leaf at or under code. out has n_codes places.
 */
void lattice_leaves(const struct latticedim *d, uint32_t code, bool *out);
#endif
