/* protect - serves every need with a move and keeps the pattern cheap.
 *
 * Internal to policy/. A cell is hidden because it is protected, because a stored move passes it (use > 0),
 * or because it was hidden in an earlier release (frozen): the pattern follows from the moves, so every state between two
 * steps is safe for the needs already served. */
#ifndef POLICY_PROTECT_H
#define POLICY_PROTECT_H
#include "policy/hints.h"
#include "policy/move.h"
#include "policy/search.h"

struct
    node { /* moves that pass a secondary cell, the newest first; some wait in limbo, some are dead (move.word NULL) */
	uint32_t move, next;
};

struct tie { /* a protected thing that could be worked out if the cell were shown (whole.h) */
	uint32_t cell, need;
};

struct change { /* for rolling back */
	uint32_t need, move;
};

struct plan {
	struct grid *g;
	struct needs *n;
	struct search s;
	struct move *move;
	uint32_t n_moves, room_moves, free_move;
	struct node *node;
	uint32_t n_nodes, room_nodes, free_node;
	uint32_t n_listed, n_stale; /* nodes in lists; at most so many of them of dead moves */
	uint32_t *head;             /* by cell: first node */
	double cost;
	struct change *log;
	uint32_t n_log, room_log;
	uint32_t *tried,
	    *risen;      /* by cell: trial in which it could not be taken out; kept trial that bought it */
	uint32_t *stuck; /* by cell: the need, + 1, that the last trial without it could not serve */
	uint32_t n_trials;
	uint32_t *met;    /* scratch: offices of one move */
	uint32_t *rising; /* cells bought in the trial at hand */
	uint32_t n_rising, room_rising;
	uint32_t *limbo; /* moves without needs, kept until the trial is decided */
	uint32_t n_limbo, room_limbo;
	uint32_t *born; /* moves listed in the trial at hand, in order */
	uint32_t n_born, room_born;
	struct entry *entry; /* scratch: a move's entries before they are packed */
	uint32_t room_entries;
	bool trial;
	bool part;  /* of a larger plan (zones.h): what cannot be served stays open, needs stay as they are */
	bool brief; /* is asked about and goes nowhere: without the last resort of serving (exact.h) */
	uint8_t *sum_tried; /* by cell: R7 tried to hide it; one still printed cannot be. NULL: not yet */
	unsigned start;     /* of several beginnings (starts.h): other draws */
	bool memory_failed;
	bool hopeless;     /* the last need asked about has no move at all, as things stood */
	uint32_t unserved; /* a need that could not be served, or NONE */
	uint64_t by_free, by_gather, by_pay, by_retry, by_exact;
	uint64_t max_work;
	struct hints hints; /* with earlier releases of the period */
	uint32_t whole;     /* the one move of an L1 pattern (whole.h), or NONE */
	struct tie *tie;    /* ascending cells */
	uint32_t n_ties, room_ties;
};

bool plan_init(struct plan *p, struct grid *g, struct needs *n, struct err *e);
void plan_free(struct plan *p);

/* Serves all open needs, those that can be in a part of a plan. false with p->unserved set: some need cannot be served (or the work limit was
 * reached); false without: no memory. */
bool plan_serve_all(struct plan *p);
/* Takes out secondaries that can be done without. */
bool plan_clean(struct plan *p, unsigned rounds);
/* Anytime improvement: iterations a secondary cell. */
bool plan_improve(struct plan *p, unsigned effort);
/* Gives every need a move of somebody else's making, which put() puts into the search's delta; all or none. The moves
 * must be moves: that is not looked at here. */
typedef bool plan_put(void *context, uint32_t need);
bool plan_adopt(struct plan *p, plan_put *put, void *context);
bool plan_over_limit(const struct plan *p);
/* How much a move changes what a need is about, in the need's direction. */
int64_t need_change(
    const struct grid *g, const struct needs *n, const struct need *need, const struct move *m);
#endif
