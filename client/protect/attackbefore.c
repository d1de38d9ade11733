/* What offices knew before the newest release of --ledger: by elimination over everything that left earlier, with figures of their
 * own, and because nobody is left for the rest of a count. The rules' own word for it (docs/disclosure.md, "Known before") looks at one column and one relation after the other, so whatever
 * is known by that is known here, too. */
#include <stdlib.h>

#include "client/protect/attackpart.h"
#include "client/protect/derive.h"

struct attack_before {
	bool made;
	bool *known; /* by cell of the releases */
};

bool attack_before_make(struct attack *a, struct err *e)
{
	if (a->all == NULL || a->own == NULL)
		return true;
	a->before = calloc(1, sizeof *a->before);
	if (a->before != NULL)
		a->before->known = calloc(a->all->n_released, sizeof *a->before->known);
	return (a->before != NULL && a->before->known != NULL) || err_set(e, ERR_MEMORY, "no memory");
}

void attack_before_free(struct attack *a)
{
	if (a->before != NULL)
		free(a->before->known);
	free(a->before);
	a->before = NULL;
}

struct knower {
	const struct attack *a;
	struct system s;
	uint32_t *var;
	bool *follows;   /* by variable */
	int64_t *others; /* by cell: how many are not the attacker's */
};

static bool is_told(const struct knower *k, uint64_t cell)
{
	return k->var[cell] == UINT32_MAX || k->follows[k->var[cell]];
}

static bool tell(struct knower *k, uint64_t cell)
{
	if (is_told(k, cell))
		return true;
	k->follows[k->var[cell]] = true;
	return system_add_term(&k->s, k->var[cell], 1) && system_end_relation(&k->s, 0);
}

/* Where a count is known, and nobody but the attacker's own is in what is not known of its parts, these are known too. */
static bool tell_parts(
    struct knower *k, const struct breakdown *b, uint64_t base, uint64_t stride, bool *news)
{
	int64_t others = k->others[base + b->parent * stride];
	bool all = true;
	bool ok = true;
	for (uint32_t i = 0; i < b->n; i++) {
		uint64_t part = base + b->child[i] * stride;
		all = all && is_told(k, part);
		others -= is_told(k, part) ? k->others[part] : 0;
	}
	if (all || others != 0 || !is_told(k, base + b->parent * stride))
		return true;
	*news = true;
	for (uint32_t i = 0; ok && i < b->n; i++)
		ok = tell(k, base + b->child[i] * stride);
	return ok;
}

static bool tell_empty(struct knower *k, bool *news)
{
	const struct lattice *g = &k->a->g;
	bool ok = true;
	*news = false;
	for (uint32_t d = 0; d < g->n_dims; d++) {
		uint64_t stride = g->stride[d];
		uint64_t block = stride * g->dim[d].n_codes;
		for (uint32_t b = 0; b < g->dim[d].n_breakdowns; b++)
			for (uint64_t high = 0; high < k->a->all->n_released; high += block)
				for (uint64_t low = high; ok && low < high + stride; low++)
					ok = tell_parts(k, &g->dim[d].breakdown[b], low, stride, news);
	}
	return ok;
}

/* Elimination, then what nobody is left for, and elimination again, until nothing is new. */
static void before_fill(const struct attack *a, bool *known)
{
	struct attack then = *a;
	struct knower k = { .a = a };
	struct err unused = { 0 };
	bool news = true;
	then.so_far = true;
	k.var = calloc(a->g.n_cells, sizeof *k.var);
	k.others = calloc(a->all->n_released, sizeof *k.others);
	bool ok = k.var != NULL && k.others != NULL && attack_equations(&then, &k.s, k.var, &unused);
	k.follows = ok ? calloc(k.s.n_vars + (size_t)1, sizeof *k.follows) : NULL;
	ok = k.follows != NULL;
	for (uint64_t c = 0; ok && c < a->all->n_released; c++)
		k.others[c] = a->g.truth[c] - attack_own_part(a, c);
	while (ok && news)
		ok = derive_follow(&k.s, k.follows, &unused) && tell_empty(&k, &news);
	for (uint64_t c = 0; ok && c < a->all->n_released; c++)
		known[c] = is_told(&k, c);
	free(k.follows);
	free(k.others);
	free(k.var);
	system_free(&k.s);
}

bool attack_knew(const struct attack *a, uint64_t cell)
{
	struct attack_before *b = a->before;
	if (b == NULL || cell >= a->all->n_released)
		return false;
	if (!b->made)
		before_fill(a, b->known);
	b->made = true;
	return b->known[cell];
}
