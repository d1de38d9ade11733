/* system - what an attacker knows, as whole-number variables with bounds and relations that sum to a
 * constant.
 *
 * Variables are the cells he does not know; relations are equations over them. Bounds only ever narrow:
 * first by propagation along single relations, then by linear programs (CLP), each rounded inward to whole
 * numbers. Nothing here knows how a pattern was made. */
#ifndef CLIENT_PROTECT_SYSTEM_H
#define CLIENT_PROTECT_SYSTEM_H
#include <stddef.h>
#include <stdint.h>

#include "proto/bytes.h"
#include "proto/err.h"

#define SYSTEM_UNBOUNDED INT64_MAX

/* WHY_WITNESS: two tables that fit are that far apart; the true interval is at least as wide. */
enum system_why { WHY_NOTHING, WHY_PROPAGATION, WHY_PROGRAM, WHY_WITNESS };

struct system_var {
	uint64_t cell;  /* the caller's number */
	int64_t lo, hi; /* hi SYSTEM_UNBOUNDED: no bound */
	bool wanted;    /* an interval is asked for */
	uint8_t why;    /* enum system_why: what narrowed it last */
};

struct system_term {
	uint32_t var;
	int32_t coef;
};

struct system {
	struct system_var *var;
	uint32_t n_vars, room_vars;
	struct system_term *term;
	size_t n_terms, room_terms;
	size_t *start; /* n_relations + 1 places into term */
	int64_t *rhs;
	uint32_t n_relations, room_relations;
	uint32_t *component; /* of each variable, after system_solve */
	uint32_t n_components;
	uint64_t n_programs; /* linear programs solved */
};

/* UINT32_MAX without memory. */
uint32_t system_add_var(struct system *s, uint64_t cell, int64_t lo, int64_t hi, bool wanted);
bool system_add_term(struct system *s, uint32_t var, int32_t coef); /* to the relation being built */
bool system_end_relation(struct system *s, int64_t rhs);            /* an empty one is dropped */
void system_free(struct system *s);

/* How a system is solved. Zeroes: exact intervals, whatever they cost. */
struct system_plan {
	uint32_t max_program; /* components of more variables get propagation only */
	/* Would an interval that reaches from lo to hi be wide enough? Then tables met on the way show it, and the
	 * cell needs no program of its own: its bounds become lo and hi, its why WHY_WITNESS. NULL: never. */
	bool (*enough)(void *context, uint64_t cell, int64_t lo, int64_t hi);
	void (*progress)(void *context, double share); /* now and then, 0 to 1; NULL: silent */
	void *context;
};

/* Narrows the bounds of every wanted variable. ERR_INVALID: no assignment fits, so what was published contradicts
 * itself. */
bool system_solve(struct system *s, const struct system_plan *plan, struct err *e);
#endif
