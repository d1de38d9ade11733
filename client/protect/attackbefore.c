/* What offices knew before the newest release of --ledger: by elimination over everything that left earlier, with figures of their
 * own. The rules' own word for it (docs/disclosure.md, "Known before") looks at one column and one relation after the other, so whatever
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

static void before_fill(const struct attack *a, bool *known)
{
	struct attack then = *a;
	struct system s = { 0 };
	struct err unused = { 0 };
	uint32_t *var = calloc(a->g.n_cells, sizeof *var);
	bool *follows = NULL;
	then.so_far = true;
	bool ok = var != NULL && attack_equations(&then, &s, var, &unused);
	follows = ok ? calloc(s.n_vars + (size_t)1, sizeof *follows) : NULL;
	ok = follows != NULL && derive_follow(&s, follows, &unused);
	for (uint64_t c = 0; ok && c < a->all->n_released; c++)
		known[c] = var[c] == UINT32_MAX || follows[var[c]];
	free(follows);
	free(var);
	system_free(&s);
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
