/* hierarchy - one dimension: codes, breakdowns, views, and what follows from them.
 *
 * Internal to policy/. A code's ordinary breakdowns all hold the same atoms (codes without an ordinary
 * breakdown); each child of a view is the root of a region of its own. A region is what hangs together by
 * ordinary breakdowns. A person of the dimension picks one atom of the main region, and for every code it
 * then belongs to one child of each view, and so on: that is what a move carries (search.c). */
#ifndef POLICY_HIERARCHY_H
#define POLICY_HIERARCHY_H
#include "policy/table.h"

#define NONE UINT32_MAX

struct breakdown {
	uint32_t parent;
	uint32_t first, n; /* children: child[first .. first + n) */
	unsigned line;     /* where the parent stands; 0: unknown */
	bool view;
};

struct list { /* rows of a ragged table: item[first[i] .. first[i + 1]) */
	uint32_t *first;
	uint32_t *item;
};

struct dim {
	char name[TABLE_CODE_MAX + 1];
	char **code;
	uint32_t n_codes;
	struct breakdown *breakdown;
	uint32_t n_breakdowns;
	uint32_t *child;
	/* made by dim_finish */
	uint32_t *order;     /* all codes, children before parents */
	struct list down;    /* breakdowns of a code, ordinary ones first */
	struct list up;      /* breakdowns that hold the code */
	struct list above;   /* ordinary ancestors in the region, itself first, nearer before farther */
	struct list atoms;   /* atoms below a code in its region, itself if it is one; ascending */
	uint32_t *n_plain;   /* ordinary breakdowns of a code: the first of its down list */
	uint32_t *region;    /* root code of the region */
	uint32_t *base_view; /* for a region root: the view breakdown that holds it; else NONE */
	uint32_t n_leaves;   /* codes without any children */
	struct buf lines;    /* the lines in one fixed spelling: what a certificate's grid digest covers */
	struct build *build; /* while lines come in */
};

bool dim_init(struct dim *d, const char *name, struct err *e);
void dim_free(struct dim *d);
/* line: of the file, 0 if there is none. dim_finish names it where it can; the caller of dim_add_line knows it. */
bool dim_add_line(struct dim *d, unsigned level, const char *code, bool view, unsigned line, struct err *e);
bool dim_finish(struct dim *d, struct err *e);
uint32_t dim_find(const struct dim *d, const char *code); /* NONE if there is none */

static inline uint32_t list_size(const struct list *l, uint32_t i)
{
	return l->first[i + 1] - l->first[i];
}
static inline const uint32_t *list_at(const struct list *l, uint32_t i)
{
	return l->item + l->first[i];
}
static inline bool dim_is_leaf(const struct dim *d, uint32_t code)
{
	return list_size(&d->down, code) == 0;
}
static inline bool dim_is_atom(const struct dim *d, uint32_t code)
{
	return d->n_plain[code] == 0;
}
static inline const struct breakdown *dim_down(const struct dim *d, uint32_t code, uint32_t i)
{
	return &d->breakdown[list_at(&d->down, code)[i]];
}
/* Is the code one of the breakdown's children? */
bool dim_is_child(const struct dim *d, const struct breakdown *b, uint32_t code);
/* True if `upper` is an ordinary ancestor of code or code itself. */
bool dim_is_above(const struct dim *d, uint32_t upper, uint32_t code);
#endif
