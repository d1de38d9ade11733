/* ledger - all releases of one period as one grid.
 *
 * Internal to policy/. Who has two releases of a period has twice the equations about the same persons. The
 * joint grid is this release's grid times a dimension of releases: rev1 = rev0 + (rev1 - rev0), and so on,
 * whose children are counts and differences. The difference of an office that did not change is 0 for
 * everybody; every other difference may have any sign, and what must not go below 0 is the count it leads to.
 * So the table of differences is part of the grid, and needs, moves, elimination and checks work on it as on
 * any other. See policy/README.md, "Revisions". */
#ifndef POLICY_LEDGER_H
#define POLICY_LEDGER_H
#include "policy/lift.h"
#include "policy/primary.h"
#include "policy/release.h"

#define LEDGER_RELEASES_MAX 9 /* earlier ones of a period; more are refused */
#define LEDGER_SPANS_MAX    (LEDGER_RELEASES_MAX * (LEDGER_RELEASES_MAX + 1) / 2)

struct past {                        /* an earlier release, borrowed from the table */
	const struct table_input *t; /* in this release's dimensions */
	struct lift lift;            /* where its lists were other ones; else empty */
	uint32_t revision;
	uint32_t level, threshold, width, coalition;
	uint32_t floor;     /* what a hidden cell was known to be at least */
	char *state;        /* by cell: P H N A Z as it said, '-' where it said nothing */
	uint8_t result[32]; /* sha256 of its RESULT.csv */
	struct bytes auditor;
};

struct span {              /* the difference between two releases: a code of the first dimension */
	uint32_t from, to; /* releases; n is this one */
	uint8_t *
	    changed; /* by code of the office dimension: an office below sent other figures where both asked */
	uint8_t *open; /* by cell: not known to be the same in both */
};

struct ledger {
	const struct table_input *t; /* this release */
	uint32_t revision;
	struct past past[LEDGER_RELEASES_MAX]; /* rising by revision */
	uint32_t n;                            /* earlier releases of the period; 0: nothing to do */
	uint32_t size;                         /* cells of one release */
	size_t office_dim;                     /* of t; SIZE_MAX: all are one contributor */
	struct policy_params params;
	struct grid g[LEDGER_RELEASES_MAX + 1]; /* each release alone, its cells not yet hidden */
	uint32_t n_grids;
	struct span span[LEDGER_SPANS_MAX]; /* every pair: by `to`, nearest `from` first */
	uint32_t n_spans;
	struct table_input *joint;
};

/* Looks at everything that left for the period before. False: bad input or no memory. *why is a refusal, its
 * reason added to reasons, where the releases cannot be put together, or where too few offices changed.
 * ledger_free is due in any case. */
bool ledger_open(struct ledger *l, const struct table_input *t, const struct policy_params *p,
    const uint8_t choice_key[32], const struct release_options *o, enum refusal *why, struct buf *reasons,
    struct err *e);
void ledger_free(struct ledger *l);

/* Says, if so, that the last release's auditors' part is lost, whose moves a refused one could have gone on with. */
void ledger_note_lost(const struct ledger *l, struct buf *out);

/* The joint grid as it is before anything is hidden for this release. p and l must outlive it. */
bool ledger_grid(const struct ledger *l, const struct policy_params *p, const uint8_t choice_key[32],
    struct grid *g, struct err *e);
/* This release's own grid, hidden where the joint one is. Borrowed from l. */
struct grid *ledger_own(struct ledger *l, const struct grid *joint);

/* False: something is known to be 1 or more because noughts were never hidden. */
bool ledger_may_hide_noughts(const struct ledger *l);

/* Code of a release, or of a span, in the joint grid's first dimension. */
static inline uint32_t ledger_release_code(const struct ledger *l, uint32_t release)
{
	return l->n - release;
}
static inline uint32_t ledger_span_code(const struct ledger *l, uint32_t span)
{
	return l->n + 1 + span;
}
/* The span's number. */
static inline uint32_t ledger_span_between(uint32_t from, uint32_t to)
{
	return to * (to - 1) / 2 + (to - 1 - from);
}
static inline const struct table_input *ledger_input(const struct ledger *l, uint32_t release)
{
	return release < l->n ? l->past[release].t : l->t;
}
static inline uint32_t ledger_office(const struct ledger *l, uint32_t cell)
{
	return l->office_dim == SIZE_MAX ? 0 : table_coord(l->t, cell, l->office_dim);
}
bool ledger_make_joint(struct ledger *l, struct err *e); /* versions.c */
bool ledger_find_spans(struct ledger *l, struct err *e); /* spans.c */
/* How many offices below a cell are not known to have the same there; *live: of how many. */
uint32_t ledger_count_changed(const struct ledger *l, const struct span *s, uint32_t cell, uint32_t *live);

/* Needs that keep small differences from being known (differences.c). */
bool differences_find(struct grid *g, enum guarantee level, struct needs *n, struct err *e);
#endif
