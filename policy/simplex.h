/* simplex - a dense bounded simplex for small linear programs, in floating point. Rows are kept for the columns
 * outside the basis only: where rows are nearly as many as columns, that is little. An unknown that may go both ways is a pair
 * of columns, one the other's negative: of these one has numbers at most, and where one is in the basis, none.
 *
 * Internal to policy/. Minimises cost over rows = 0, low <= x <= high, beginning at x = 0, which must lie
 * within the bounds. Nothing may rest on its numbers: who uses an answer rounds it and checks it exactly. */
#ifndef POLICY_SIMPLEX_H
#define POLICY_SIMPLEX_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct simplex_item {
	uint32_t column;
	double by;
};

struct simplex {
	uint32_t m, n;             /* rows, columns */
	uint32_t n_pairs;          /* columns 2i and 2i + 1 for i < n_pairs are each other's negative */
	struct simplex_item *item; /* rows as they came in */
	size_t n_items, room;
	size_t *first; /* of each row */
	uint32_t rows_begun;
	bool failed; /* no memory for an item */
	double *
	    a; /* m * stride, row by row: the tableau, one lane for a column outside the basis or for a pair both outside */
	double *low, *high; /* of columns; may be changed between runs as long as x stays within */
	double *cost;
	double *x;              /* values of all columns */
	double *reduced;        /* by lane: reduced cost of the column whose numbers it has */
	double *turned;         /* the same of that column's twin; without pairs it is not kept */
	double *shadow;         /* by row: reduced cost of the twin of its basic column */
	double *pivot;          /* row of the step at hand */
	double *column;         /* of the step at hand */
	uint32_t *basic;        /* column of each row */
	uint32_t *other;        /* columns outside the basis: the places */
	uint32_t n_other;       /* how many */
	uint32_t *in_lane;      /* column whose numbers a lane has */
	uint32_t *at;           /* by column: its row, its lane, or its twin's row */
	uint32_t width, stride; /* lanes; a row's length with what fills its last block */
	uint32_t *count;        /* entries of each column at the start */
	bool *in_basis;
	uint64_t work;        /* pivots times columns */
	uint64_t touched;     /* numbers changed so far: what it costs */
	uint64_t max_touched; /* 0: no bound but that on pivots */
};

/* All zeroes; the first 2 * n_pairs columns are pairs. False: no memory; simplex_free is due either way. */
bool simplex_init(struct simplex *s, uint32_t m, uint32_t n, uint32_t n_pairs);
void simplex_free(struct simplex *s);

/* Adds to a coefficient; rows in ascending order; of a pair the first column's only, and the other's follows. Want of memory shows
 * in simplex_crash. */
void simplex_add(struct simplex *s, uint32_t row, uint32_t column, double by);

/* A first basis at x = 0: of each row the column with fewest entries. Rows that follow from others fall away. False: no memory. */
bool simplex_crash(struct simplex *s);
/* From the present x on, which stays within its bounds whatever the answer. False: a bound on steps or work
 * was reached, or there is no least cost. */
bool simplex_run(struct simplex *s);
#endif
