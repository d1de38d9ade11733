/* witness_part - what finding public tables (witness_table.c) and sorting out where they are looked for (witness.c) share.
 *
 * Internal to policy/, for these two. */
#ifndef POLICY_WITNESS_PART_H
#define POLICY_WITNESS_PART_H
#include "policy/shown.h"
#include "policy/simplex.h"
#include "proto/bytes.h"

struct reader { /* of the published files */
	struct shown s;
	uint32_t *root;  /* component of each bare cell: its first cell */
	uint32_t *place; /* of a loose first cell in the component at hand */
	uint8_t seed[16];
};

struct component {
	const struct reader *in;
	uint32_t root, n, n_named, n_relations;
	const uint32_t *cell; /* n loose ones, then others that a table names; each part ascending */
	const struct relation *relation;
	struct simplex x;
	int64_t *now, *least, *largest; /* of each cell: in this table, in all so far */
	int64_t ceiling;                /* no cell is taken to hold more */
	uint32_t round, failures, n_tables;
	struct buf lines;
};

static inline uint32_t relation_member(const struct grid *g, const struct relation *r, uint32_t j)
{
	return j == 0 ? r->parent : relation_child(g, r, j - 1);
}

/* Whole-number tables of the component, one line each into k->lines, without what stands before their cells. False: none, or not
 * enough; no error. component_free in any case. */
bool component_tables(struct component *k);
void component_free(struct component *k);
#endif
