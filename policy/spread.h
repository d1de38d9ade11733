/* spread - tables that leave an attacker in doubt of a count, where figures are rounded or moved by noise.
 *
 * Internal to policy/, for uncertain. From the true table, or from the rounded one with the attacker's own figures put back, moves
 * are drawn that stay in the boxes around what is printed and touch none of the attacker's unknowns. A table is kept, and told in the
 * auditors' part, if it leads the count further than those kept before do that this attacker cannot rule out. */
#ifndef POLICY_SPREAD_H
#define POLICY_SPREAD_H
#include "policy/step.h"

struct boxes {
	const struct grid *g;
	int64_t *lo, *hi;     /* by cell: what a reader knows of the true figure; hi INT64_MAX: nothing */
	const int64_t *other; /* another table of the grid that agrees with all boxes, or NULL */
};

/* A cell, or what is left of it without one of its parts (rule R4), or without those that are printed (R12). */
struct doubted {
	uint32_t cell;
	uint32_t minus; /* NONE: a cell, or all printed parts */
	bool rest;
	struct relation r;
};

struct spread_table {
	int64_t led;    /* how far it leads the count at hand from the true one */
	size_t touched; /* where its offices begin */
	size_t line;    /* where its line in the witness does */
};

struct spread_log { /* what the table at hand changed so far */
	uint32_t *cell;
	int64_t *by;
	uint32_t n, room;
};

struct spread {
	const struct boxes *b;
	const struct grid *g;
	struct step step;
	int64_t *at;     /* the table at hand; between calls the true one */
	int64_t *others; /* the other table, with the attacker's own figures put back; NULL: there is none */
	uint8_t *others_touch;      /* by office code: it is another there than the true one */
	bool others_are_public;     /* it is the one for readers without any */
	uint8_t *avoid;             /* by office code: the attacker's */
	uint32_t member[8];         /* of the attacker, rising */
	uint32_t n_members;         /* 0: the public */
	uint32_t n_codes;           /* of the offices' dimension; 1 without */
	struct spread_table *table; /* of the count at hand, all attackers' */
	size_t n_tables, room_tables;
	uint8_t *touched; /* by table and office code */
	uint8_t *
	    learns; /* by office code: owns some of the count at hand (the caller's), or a table touches it */
	int64_t low, high; /* how far the tables that leave the attacker alone lead the count */
	struct spread_log log;
	uint64_t attempt, work;
	struct buf *witness;
	bool memory_failed;
};

/* witness, or NULL, gets a line for each table that is kept. The caller frees, also after false. */
bool spread_init(
    struct spread *l, const struct boxes *b, uint64_t attempt, struct buf *witness, struct err *e);
void spread_free(struct spread *l);
/* The rounded table's own line. */
void spread_put_other(struct spread *l);

/* low and high for the attacker at hand, of the tables there are; is it in doubt by them? */
void spread_find_reach(struct spread *l);
bool spread_is_wide(const struct spread *l);
/* More tables, until it is. False: none were found; nothing is kept. */
bool spread_find_tables(struct spread *l, const struct doubted *s);

/* The subject in a table, or, with an office, that office's part of it. */
int64_t spread_value(const struct grid *g, const struct doubted *s, const int64_t *table, uint32_t office);
/* Printed as a number? */
static inline bool spread_is_number(const struct grid *g, uint32_t cell)
{
	return g->kind[cell] == KIND_OPEN || g->kind[cell] == KIND_FORCED;
}
#endif
