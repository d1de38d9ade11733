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

enum system_why { WHY_NOTHING, WHY_PROPAGATION, WHY_PROGRAM };

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

/* Narrows the bounds of every wanted variable. Components of more than max_program variables get propagation
 * only. progress may be NULL; it is called now and then with the share done, 0 to 1. ERR_INVALID: no
 * assignment fits, so what was published contradicts itself. */
bool system_solve(struct system *s, uint32_t max_program, void (*progress)(double share), struct err *e);
#endif
