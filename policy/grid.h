/* grid - the table while it is being protected: what each cell is, whether it may move, whether it is hidden.
 *
 * Internal to policy/. A cell number counts all combinations of codes, row-major, last dimension fastest. */
#ifndef POLICY_GRID_H
#define POLICY_GRID_H
#include "policy/input.h"
#include "policy/params.h"

enum cell_kind {
	KIND_DEAD,   /* nothing below it can move: structural, not asked, not reported */
	KIND_FREE,   /* not printed as a number: moves for nothing */
	KIND_OPEN,   /* printed unless we hide it */
	KIND_FORCED, /* printed, must not be hidden */
};

struct grid {
	const struct table_input *t;
	const struct policy_params *p;
	uint32_t n_cells;
	const int64_t *value;
	uint8_t *kind;
	uint8_t *blank;   /* not reported, but part of a reported total */
	uint8_t *known;   /* the forms give the cell's value (rule R12) */
	char *mark;       /* P Z N A, '-' not printed; what RESULT.csv says of a cell that is not hidden */
	uint8_t *told;    /* enum grid_told by cell (told.h); NULL: nothing is told beside what is printed */
	uint8_t *primary; /* protected by a rule, hence hidden */
	uint8_t *frozen;  /* was hidden in an earlier release and stays so, move or not */
	uint32_t *use;    /* moves that need this open cell hidden */
	uint16_t *look; /* all that in four bits, for searches: enum grid_look; grid_see keeps it. The rest is
			      the search's own (search.h) */
	float *price;   /* of hiding an open cell, with the keyed factor */
	size_t office_dim; /* SIZE_MAX: none */
	uint32_t n_offices;
	uint32_t floor;  /* L: least value of a hidden cell as everybody knows */
	uint8_t key[32]; /* of the series; its first half is the SipHash key */
	/* With earlier releases of the period (ledger.h). This release's cells stand first and keep their numbers. */
	const struct ledger *ledger; /* NULL: none */
	uint32_t n_own;              /* cells of this release; n_cells without a ledger */
	uint64_t
	    deltas;   /* bit c: code c of the first dimension is a difference of two releases, of any sign */
	uint8_t *out; /* enum grid_out by cell; NULL without a ledger */
};

enum grid_look {
	LOOK_BARRED = 1, /* must not move */
	LOOK_SHOWN = 2,  /* open, and nothing hides it */
	LOOK_KEPT = 4,   /* is never hidden for a move's sake: a nought where noughts are published */
	LOOK_SECOND = 8, /* if hidden, then for the sake of moves only */
	LOOK_ALL = 15
};

enum grid_out {
	GRID_UNKNOWN,
	GRID_OUT, /* its value left before and cannot be taken back */
	GRID_LATE /* and today's rules would protect it */
};

enum grid_told {
	TOLD_NOT,
	TOLD_BY_OTHERS,
	TOLD_SAME,  /* and it is another name of a cell that is judged */
	TOLD_SMALL, /* only that it is less than the threshold (bound.h) */
	TOLD_LEFT   /* earlier releases told it: it cannot be taken back */
};

bool grid_init(struct grid *g, const struct table_input *t, const struct policy_params *p,
    const uint8_t choice_key[32], struct err *e);
void grid_free(struct grid *g);

static inline uint32_t grid_coord(const struct grid *g, uint32_t cell, size_t dim)
{
	return cell / (uint32_t)g->t->stride[dim] % g->t->dim[dim].n_codes;
}
/* The same cell with another code in one dimension. */
static inline uint32_t grid_with(const struct grid *g, uint32_t cell, size_t dim, uint32_t code)
{
	uint32_t stride = (uint32_t)g->t->stride[dim];
	return cell + (code - grid_coord(g, cell, dim)) * stride;
}
static inline bool grid_hidden(const struct grid *g, uint32_t cell)
{
	return g->kind[cell] == KIND_OPEN &&
	       (g->primary[cell] != 0 || g->frozen[cell] != 0 || g->use[cell] != 0);
}
/* After a change of what stands above: one cell's look, or all. */
static inline void grid_see(struct grid *g, uint32_t cell)
{
	int look = LOOK_BARRED;
	if (g->kind[cell] != KIND_DEAD && g->kind[cell] != KIND_FORCED)
		look = (g->kind[cell] == KIND_OPEN && !grid_hidden(g, cell) ? LOOK_SHOWN : 0) |
		       (g->kind[cell] == KIND_OPEN && g->primary[cell] == 0 ? LOOK_SECOND : 0) |
		       (g->value[cell] > 0 || g->floor == 0 ? 0 : LOOK_KEPT);
	g->look[cell] = (uint16_t)((g->look[cell] & ~LOOK_ALL) | look);
}
void grid_see_all(struct grid *g);
/* Known to a reader as a number unless it is hidden. */
static inline bool grid_counted(const struct grid *g, uint32_t cell)
{
	return g->mark[cell] == 'P';
}
/* Moves may pass: not printed as a number. */
static inline bool grid_loose(const struct grid *g, uint32_t cell)
{
	return g->kind[cell] == KIND_FREE || grid_hidden(g, cell);
}
/* The office whose row the cell stands in; NONE for totals over offices or without an office dimension. */
static inline uint32_t grid_office(const struct grid *g, uint32_t cell)
{
	if (g->office_dim == SIZE_MAX)
		return NONE;
	uint32_t code = grid_coord(g, cell, g->office_dim);
	return dim_is_leaf(&g->t->dim[g->office_dim], code) ? code : NONE;
}
/* A difference between two releases, and not a count. */
static inline bool grid_is_delta(const struct grid *g, uint32_t cell)
{
	return g->deltas != 0 && (g->deltas >> (cell / g->n_own) & 1) != 0;
}
static inline bool grid_is_out(const struct grid *g, uint32_t cell)
{
	return g->out != NULL && g->out[cell] != GRID_UNKNOWN;
}
/* Least value a loose cell is known to have. */
static inline int64_t grid_floor(const struct grid *g, uint32_t cell)
{
	if (grid_is_delta(g, cell))
		return -(INT64_C(1) << 40); /* none; the counts on both sides have one */
	return g->kind[cell] == KIND_FREE ? 0 : (int64_t)g->floor;
}
/* Price of hiding the cell before the keyed factor. */
double grid_price(const struct grid *g, uint32_t cell);
uint64_t grid_random(const struct grid *g, uint64_t phase, uint64_t cell, uint64_t attempt);

/* Calls for each relation: parent = sum of the breakdown's children with the other coordinates of `base`,
 * where base is a cell whose coordinate in dim is the parent. */
struct relation {
	size_t dim;
	const struct breakdown *b;
	uint32_t parent; /* cell */
};
static inline uint32_t relation_child(const struct grid *g, const struct relation *r, uint32_t j)
{
	const struct dim *d = &g->t->dim[r->dim];
	return r->parent + (d->child[r->b->first + j] - r->b->parent) * (uint32_t)g->t->stride[r->dim];
}
/* It ties releases to each other: a rule about groups has no say in it (differences.c has). */
static inline bool relation_of_releases(const struct grid *g, const struct relation *r)
{
	return g->ledger != NULL && r->dim == 0;
}
struct relation_walk {
	const struct grid *g;
	size_t dim;
	uint32_t breakdown;
	uint64_t line, lines;
};
void relation_begin(struct relation_walk *w, const struct grid *g);
bool relation_next(struct relation_walk *w, struct relation *r);
#endif
