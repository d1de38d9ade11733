/* witness - whole-number tables that fit everything printed, found from what is printed.
 *
 * Internal to policy/. Two cells hang together if one relation holds both and neither is printed. For each such
 * component with hidden cells we look for tables of its cells, consistent with all that is published, so that
 * every hidden cell reaches the threshold in one and differs by the policy's width between two. Whoever reads
 * the certificate then sees, by additions alone, that the published file leaves all that open.
 *
 * The true counts are out of reach here: a linear program is made from the relations and the printed values,
 * and seeded by a digest of the pattern. So the tables tell nothing that the published file does not. */
#ifndef POLICY_WITNESS_H
#define POLICY_WITNESS_H
#include "policy/grid.h"

struct witness_report {
	uint32_t components; /* with hidden cells */
	uint32_t open;       /* of these, without tables: too large, too hard, or there are none */
};

struct witness;

/* null: the two null vectors; hidden cells of earlier releases on which one is 0 follow from the rest, and no table can
 * leave them open. NULL: there are none. All is borrowed until witness_free. NULL: no memory. */
struct witness *witness_open(const struct grid *g, const uint64_t *const null[2], struct err *e);
/* How many jobs there are, one for each component (team.h), and one of them. */
uint32_t witness_jobs(const struct witness *w);
void witness_try(struct witness *w, uint32_t job);
/* After all jobs, once: lines `w` for section tables and lines `o <number> <hidden cells>` for section open, each component
 * numbered from 0 in its section. The bound on work counts components in order, whoever was first. False: no memory. */
bool witness_put(struct witness *w, struct buf *tables, struct buf *open, struct witness_report *report);
void witness_free(struct witness *w); /* NULL allowed */
#endif
