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
#define LENIENT_PRICE    1.0f
#define CHAIN_MAX        4096u

/* What the search knows of a cell stands beside grid_look, so that most prices need one place of memory. */
enum spot_state {
	SPOT_BOUGHT = 16, /* to be hidden by the moves put together so far */
	SPOT_TOUCHED = 32,
	SPOT_BANNED = 64,  /* must not be bought now */
	SPOT_PINNED = 128, /* must not change at all */
	SPOT_FLAGS = 255   /* and above them */
};
#define SPOT_ROOM_SHIFT 8   /* the cell's room, */
#define SPOT_ROOM_MOST  255 /* or this, where it is as much or more; 0 where it is none */

struct axis_memo {
	uint32_t axis[2];
	float price[2];
};

/* What one code costs along the terms it was last multiplied with (product.c). A price is summed up until it reaches a limit: so
 * it is the same for every limit above `before`, and up to `price` if it did not get through. */
struct weight {
	uint32_t prefix; /* which terms */
	uint32_t seen;   /* cells priced */
	float before, price;
	bool through;
};

struct change_by {
	uint32_t cell;
	bool bought;
	int64_t by;
};

struct search {
	const struct grid *g;
	uint16_t *look;    /* the grid's; enum grid_look, enum spot_state, room as far as it goes */
	int64_t *room;     /* by cell: what it holds above its floor, the changes so far included */
	uint32_t *touched; /* cells changed or bought */
	uint32_t n_touched, room_touched;
	uint8_t *avoid; /* by code of the office dimension */
	uint8_t *used;  /* likewise: offices that the moves put together so far touch */
	bool confined;  /* only offices used already, once there are any */
	bool wide;      /* all ancestors are tried, whatever they cost */
	bool any_used;
	bool any_room; /* L1: how much a cell holds does not matter */
	bool sizing;   /* search_most: room is asked for, not prices */
	bool pay;      /* visible cells may be bought */
	float most;    /* where visible cells may be bought: for less than this in one move */
	bool
	    lenient; /* what is barred for its visibility or its room costs LENIENT_PRICE instead (chain.c) */
	float enough; /* a move of this price ends the search */
	float noise;  /* prices times 1 .. 1 + noise */
	uint64_t seed;
	uint64_t noise_key, noise_seed; /* the seed's draw, once it was needed */
	uint64_t work;                  /* cells priced, or whose price was at hand */
	/* the move found */
	struct term *term;
	uint32_t n_terms;
	float price;
	struct term *aside; /* search_set_aside */
	uint32_t n_aside;
	float price_aside;
	uint64_t spent, spent_aside; /* work of the search that found it */
	struct change_by *chain;     /* what chain.c has put together */
	uint32_t n_chain;
	struct change_by *kept; /* search_keep */
	uint32_t n_kept, room_kept;
	/* inside: search.c, axis.c, product.c */
	struct option *option[TABLE_DIMS_MAX];
	uint32_t n_options[TABLE_DIMS_MAX];
	uint32_t *stamp[TABLE_DIMS_MAX], *stamp_minus[TABLE_DIMS_MAX];
	uint32_t serial;
	bool has_views[TABLE_DIMS_MAX], is_tree[TABLE_DIMS_MAX];
	struct axis_memo *memo[TABLE_DIMS_MAX]; /* prices of the axis at hand, by code, for + and - */
	uint32_t axis;                          /* which axis: what the memo holds is of this one */
	struct term *level[TABLE_DIMS_MAX + 1];
	struct weight *weight[TABLE_DIMS_MAX]; /* two for each code: + and - */
	uint32_t prefix;                       /* number of the terms multiplied last */
	uint32_t *scratch_code;
	int8_t *scratch_sign;
	const struct virt *virt;
	uint32_t cell;
	int dir;
	int64_t amp;
	int64_t least_room; /* of what goes down */
	int least_seen;     /* the same as far as `look` tells room */
	uint64_t budget;
};

bool search_init(struct search *s, const struct grid *g, struct err *e);
void search_free(struct search *s);

/* Cheapest product move found (free, or for less than s->most) that changes cell by amp * dir (amp >= 1) on top of what is put together; with virt, one that
 * changes the virtual sum so, starting at any of its cells. Answer: term, n_terms, price. false: none found.
 */
bool search_find(struct search *s, uint32_t cell, const struct virt *virt, int dir, int64_t amp);

/* The largest free product move of at most `most`; its size, 0: none found. */
int64_t search_most(struct search *s, uint32_t cell, const struct virt *virt, int dir, int64_t most);

/* Sets the move found aside, and brings it back after other searches: it is what the same search would find, as long as what is put
 * together is the same. Its work counts once more, as if it had been asked again. */
void search_set_aside(struct search *s);
void search_recall(struct search *s);

/* Puts the move found, times amp * dir, onto what is put together and marks what it bought; what it only brings back, or passes
 * leniently, is not bought. */
bool search_take(struct search *s, int dir, int64_t amp);
/* Adds a change of one cell; buys it if it is visible. False: no memory. */
bool search_put(struct search *s, uint32_t cell, int64_t by);
/* What the moves put together so far change of a cell. */
static inline int64_t search_delta(const struct search *s, uint32_t cell)
{
	return s->room[cell] - (s->g->value[cell] - grid_floor(s->g, cell));
}
static inline void search_set_room(struct search *s, uint32_t cell, int64_t room)
{
	int seen = room <= 0 ? 0 : room >= SPOT_ROOM_MOST ? SPOT_ROOM_MOST : (int)room;
	s->room[cell] = room;
	s->look[cell] = (uint16_t)((s->look[cell] & SPOT_FLAGS) | seen << SPOT_ROOM_SHIFT);
}
/* Sets or clears one of SPOT_BANNED, SPOT_PINNED. */
static inline void search_ban(struct search *s, uint32_t cell, uint8_t state, bool on)
{
	s->look[cell] = (uint16_t)((s->look[cell] & ~state) | (on ? state : 0));
}
/* Visible as far as the moves put together so far are concerned. */
static inline bool search_is_visible(const struct search *s, uint32_t cell)
{
	return (s->look[cell] & (LOOK_SHOWN | SPOT_BOUGHT)) == LOOK_SHOWN;
}
static inline bool search_may_buy(const struct search *s, uint32_t cell)
{
	return s->pay && (s->look[cell] & (SPOT_BANNED | LOOK_KEPT)) == 0;
}
/* May moves not pass, as things stand: it is visible and not to be bought, or below its floor. */
bool search_is_bad(const struct search *s, uint32_t cell);
/* Adds a change of one cell and buys nothing: a visible cell must be back at 0 in the end. */
bool search_lend(struct search *s, uint32_t cell, int64_t by);
/* Sets what is put together aside, and puts it together again. */
bool search_keep(struct search *s);
bool search_bring(struct search *s);
void search_reset(struct search *s); /* nothing is changed or bought again; bans stay */

float search_price(struct search *s, uint32_t cell);
#endif
