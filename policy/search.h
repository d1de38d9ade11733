/* search - finds a cheap move through a cell.
 *
 * Internal to policy/. A product move takes in each dimension one person's codes with + and another's with -
 * (or one person's alone), and multiplies: every relation of the grid then sums to 0 by itself. See
 * policy/README.md, "Moves". */
#ifndef POLICY_SEARCH_H
#define POLICY_SEARCH_H
#include "policy/primary.h"

struct term {
	uint32_t cell;
	int32_t sign;
};

struct option { /* codes of one dimension with their signs; code[0] is the cell's own, + */
	uint32_t *code;
	int8_t *sign;
	uint32_t n;
	float price;
};

#define OPTIONS_MAX      24  /* kept for each dimension */
#define OPTION_CODES_MAX 512 /* codes of one option: views make bundles */
#define TERMS_MAX        (1u << 14)

struct search {
	const struct grid *g;
	int64_t *delta;    /* moves put together so far, by cell */
	uint32_t *touched; /* cells with delta or bought set */
	uint32_t n_touched, room_touched;
	uint8_t *bought; /* to be hidden by the moves put together so far */
	uint8_t *banned; /* must not be bought now */
	uint8_t *avoid;  /* by code of the office dimension */
	uint8_t *used;   /* likewise: offices that the moves put together so far touch */
	bool confined;   /* only offices used already, once there are any */
	bool wide;       /* all ancestors are tried, whatever they cost */
	bool any_used;
	bool any_room; /* L1: how much a cell holds does not matter */
	bool pay;      /* visible cells may be bought */
	float noise;   /* prices times 1 .. 1 + noise */
	uint64_t seed;
	uint64_t work; /* cells priced */
	/* the move found */
	struct term *term;
	uint32_t n_terms;
	float price;
	/* inside */
	struct option *option[TABLE_DIMS_MAX];
	uint32_t n_options[TABLE_DIMS_MAX];
	uint32_t *stamp[TABLE_DIMS_MAX], *stamp_minus[TABLE_DIMS_MAX];
	uint32_t serial;
	bool has_views[TABLE_DIMS_MAX];
	struct term *level[TABLE_DIMS_MAX + 1];
	uint32_t *scratch_code;
	int8_t *scratch_sign;
	const struct virt *virt;
	uint32_t cell;
	int dir;
	int64_t amp;
	uint64_t budget;
};

bool search_init(struct search *s, const struct grid *g, struct err *e);
void search_free(struct search *s);

/* Cheapest product move found that changes cell by amp * dir (amp >= 1) on top of delta; with virt, one that
 * changes the virtual sum so, starting at any of its cells. Answer: term, n_terms, price. false: none found.
 */
bool search_find(struct search *s, uint32_t cell, const struct virt *virt, int dir, int64_t amp);

/* Puts the move found, times amp * dir, onto delta and marks what it bought. */
bool search_take(struct search *s, int dir, int64_t amp);
/* Adds a change of one cell to delta; buys it if it is visible. False: no memory. */
bool search_put(struct search *s, uint32_t cell, int64_t by);
void search_reset(struct search *s); /* delta and bought are nothing again */

float search_price(const struct search *s, uint32_t cell);
#endif
