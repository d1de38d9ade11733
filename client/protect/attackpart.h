/* attackpart - what the files of an attack share: who attacks what (attack.c), what he knows as a system of equations
 * (attacksystem.c), what that discloses (attackfindings.c), that of what no table prints (attackunprinted.c), and what he knew
 * before a correction (attackbefore.c). For them only. */
#ifndef CLIENT_PROTECT_ATTACKPART_H
#define CLIENT_PROTECT_ATTACKPART_H
#include "client/protect/attack.h"
#include "client/protect/moved.h"
#include "client/protect/system.h"
#include "client/protect/together.h"
#include "policy/params.h"

/* What is left of a cell beside those of its parts that are printed or hidden, or of several lists (listsums.h). */
struct attack_sum {
	size_t first; /* place in term and sign */
	uint32_t n;
	bool several; /* lists */
};

struct attack {
	struct lattice g;
	struct together *all; /* --ledger: g is all releases of the period together */
	uint32_t office_dim;  /* UINT32_MAX: none */
	uint32_t *office;     /* codes of the offices, leaves of office_dim */
	uint32_t n_offices;
	bool *own; /* of each code of office_dim: every office below it is the attacker's */
	int64_t floor;
	int64_t threshold, width;
	struct moved moved;     /* how figures marked R were moved */
	struct policy_params p; /* the protection rules, or the defaults */
	bool partial;           /* the figures at hand may be one office's alone */
	bool reveal;            /* what is hidden is known as well */
	struct attack_sum *sum; /* of cells no table prints: the system's cells from g.n_cells on */
	uint32_t n_sums;
	uint64_t *term; /* what they are reckoned from, the whole first; sign: 1 or -1 */
	int8_t *sign;
	size_t n_terms, room_terms;
	struct attack_before *before; /* --ledger: attack_knew; of the attacker at hand */
	bool so_far;                  /* only what left before the newest release counts */
	bool judged; /* --policy and --level: also protected cells that miss their targets count */
	struct buf out;
	uint64_t found, hidden;
	uint64_t programs;
	const char *now;      /* who is attacking, for the eyes of someone who waits */
	bool telling;         /* a line on the terminal is being kept up to date */
	bool wide_is_enough;  /* many attackers: an interval need only be shown to be wide */
	bool symbols;         /* what the attacker owns is known to him, and its counts not to us */
	attack_line_fn *line; /* takes the findings instead of out */
	void *context;
};

/* Every equation and bound the attacker has. var: a place for each cell's variable. */
bool attack_system(struct attack *a, struct system *s, uint32_t *var, struct err *e);
/* The same of cells alone: no differences, no sums. */
bool attack_equations(struct attack *a, struct system *s, uint32_t *var, struct err *e);
/* Can the attacker see or work out the cell at once; where: the release's cell that says so. */
bool attack_printed(const struct attack *a, uint64_t cell, uint64_t *where);
bool attack_known(const struct attack *a, uint64_t cell, int64_t *value);
/* His own part of a cell: the sum over his offices below the cell's office code. */
int64_t attack_own_part(const struct attack *a, uint64_t cell);
/* Can anything be there, as far as the figures at hand tell? At an office that is not the attacker's? */
bool attack_is_live(const struct attack *a, uint64_t cell);
bool attack_others_live(const struct attack *a, uint64_t cell);
/* Could the offices work the cell out by equations from what left before the newest release and figures of their own? Once it is
 * asked that is one elimination for all cells; where that is too much: no. */
bool attack_knew(const struct attack *a, uint64_t cell);
bool attack_before_make(struct attack *a, struct err *e); /* for the attacker at hand */
void attack_before_free(struct attack *a);
/* Cells of --ledger that are what two releases differ by; asked: of a few persons that are not all his, `rest`. */
bool attack_is_difference(const struct attack *a, uint64_t cell);
bool attack_difference_asked(const struct attack *a, uint64_t cell, int64_t *rest);
bool attack_discloses_difference(const struct attack *a, uint64_t cell, int64_t lo, int64_t hi);

/* Cells and sums of cells that no table prints: is anything asked about them, does this interval disclose (R9, R12)? */
bool attack_unprinted_asked(const struct attack *a, uint64_t cell);
bool attack_unprinted_discloses(const struct attack *a, uint64_t cell, int64_t lo, int64_t hi);
/* Is one of the cell's kind: no table prints it, as a count or hidden, or it is a sum of such cells. */
bool attack_is_unprinted(const struct attack *a, uint64_t cell);
/* Where noughts may be known: asks no more about those of which the offices' figures, all of them, leave no choice. */
bool attack_noughts_drop(struct attack *a, struct system *s, const struct system_plan *plan, struct err *e);
bool attack_sums_make(struct attack *a, struct system *s, const uint32_t *var, struct err *e);
/* Of a cell, or a sum; 0 for the public. */
int64_t attack_own_of(const struct attack *a, uint64_t cell);
/* Adds cell's name to out: codes joined by |; of a sum the whole and what is taken off. */
void attack_name(const struct attack *a, uint64_t cell, struct buf *out);
/* coef times the cell's variable joins the relation being built; *rhs takes what is known. */
bool attack_term(
    const struct attack *a, struct system *s, const uint32_t *var, uint64_t cell, int32_t coef, int64_t *rhs);

/* One attacker: the public, or those whose codes stand in a->own. who: its name for the findings. */
bool attack_as(struct attack *a, const char *who, struct err *e);
#endif
