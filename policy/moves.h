/* moves - the plan's stored moves: which needs each serves, which cells it hides, and the way back.
 *
 * Internal to policy/, for protect.c and clean.c. A move without needs is gone: while a trial runs it waits in
 * limbo, so that plan_roll_back can give it back to its needs. */
#ifndef POLICY_MOVES_H
#define POLICY_MOVES_H
#include "policy/protect.h"

/* Hidden for the sake of moves only. */
static inline bool cell_is_bought(const struct grid *g, uint32_t cell)
{
	return g->kind[cell] == KIND_OPEN && g->primary[cell] == 0;
}

/* Makes a stored move of the search's delta; NONE without memory. It serves nobody yet. */
uint32_t move_store(struct plan *p);
/* The same of these changes (sign: by how much), of rising cells. */
uint32_t move_store_terms(struct plan *p, const struct term *term, uint32_t n);
/* The same of a move of another plan's for the same table. */
uint32_t move_store_copy(struct plan *p, const struct move *from);
/* Frees the place of a move that serves nobody; in a trial, later. */
void move_retire(struct plan *p, uint32_t move);
/* Would this move serve that need, beside the moves of its other slots? */
bool move_serves(const struct plan *p, uint32_t need, uint32_t move);

/* Gives a need a move (NONE: none). The one it had goes when it serves nobody else. */
void need_assign(struct plan *p, uint32_t need, uint32_t move);
/* Takes the delta as the need's move, and lets it serve whatever else it can. */
bool move_commit(struct plan *p, uint32_t need);

/* The next active move of a cell's list from this node on; NONE: there is none. */
static inline uint32_t node_active(const struct plan *p, uint32_t at)
{
	while (at != NONE && !p->move[p->node[at].move].active)
		at = p->node[at].next;
	return at;
}
/* Takes all moves off a secondary cell: their needs have none from now on. */
void plan_drop_through(struct plan *p, uint32_t cell);

/* Forgets, outside trials, which moves pass a cell: that takes more memory than the moves. Until plan_list finds it again, no moves
 * may be dropped by cell; needs may give theirs up. False: no memory. */
void plan_unlist(struct plan *p);
bool plan_list(struct plan *p);

/* Begins a trial. */
void plan_try(struct plan *p);
struct mark { /* how far a trial has come */
	uint32_t n_log, n_limbo, n_born;
};
struct mark plan_mark(const struct plan *p);
/* As if nothing had been done since. */
void plan_undo(struct plan *p, struct mark since);
/* Ends a trial: with what it did, or as if it had never been. */
void plan_settle(struct plan *p);
void plan_roll_back(struct plan *p);

/* Serves one need; may_pay: visible cells may be hidden for it. */
bool need_serve(struct plan *p, uint32_t need, bool may_pay);
/* The same with all means there are, but nothing visible is hidden; exact: the program on small tables too. */
bool need_serve_freely(struct plan *p, uint32_t need, bool exact);
/* A price from which on it is worth to think again. */
double plan_dear(const struct plan *p);
/* Bars (1) or frees (0) the offices that the need's move must not touch. */
void need_avoid(struct plan *p, uint32_t need, uint8_t value);
#endif
