/* hints - moves of the release before, carried on into this one.
 *
 * Internal to policy/. An earlier release's pattern is tight and cannot be widened any more: moves that pass it
 * are hard to find again, and its auditors' part has them. A hint is no proof: what comes of it goes through
 * the same checks as any move. */
#ifndef POLICY_HINTS_H
#define POLICY_HINTS_H
#include "policy/ledger.h"
#include "policy/search.h"

struct hint_entry {
	uint32_t release; /* earlier one */
	uint32_t cell;    /* of its own table */
	int32_t by;
};

struct hint_use { /* which move served which slot of a cell's needs */
	uint32_t cell, slot, hint, next;
};

struct hints {
	struct hint_entry *entry;
	uint32_t n_entries, room_entries;
	uint32_t *first; /* of each hint; one more than there are */
	uint32_t n, room;
	uint32_t *head, *next,
	    *of; /* by cell of a release's own table: the hints that change it, in any release */
	uint32_t n_links;
	struct hint_use *use;
	uint32_t n_uses, room_uses;
	uint32_t *use_head; /* by cell of a release's own table */
};

/* Reads the moves of an auditors' part of the release before. What it cannot read gives no hints; false only
 * without memory. */
bool hints_read(struct hints *h, const struct ledger *l, struct bytes auditor, struct err *e);
void hints_free(struct hints *h);

enum hint_way {
	HINT_ALONE,     /* this release stays as it is: offices that changed only */
	HINT_REPEATED,  /* the same in this release */
	HINT_UNCHANGED, /* in this release, what offices that did not change do; its totals take that up */
	HINT_WAYS
};

/* Puts hint number i, times factor, into the search's delta. False, and the delta reset, where it passes
 * something that cannot move, or an office to be avoided; cells may be left below their floor. */
bool hints_put(const struct hints *h, uint32_t i, enum hint_way way, int64_t factor, struct search *s);
#endif
