#include "policy/since.h"

#include "policy/ledger.h"
#include "policy/told.h"

/* Known to be nothing, or given away. */
static bool is_known(const struct grid *g, uint32_t cell)
{
	return g->kind[cell] == KIND_DEAD || told_has_left(g, cell);
}

/* Was the subject given away by the release whose cells stand `back` behind it? */
static bool had_left(const struct grid *g, const struct subject *s, uint32_t back)
{
	const struct virt *v = s->virt;
	const struct block *b = v == NULL ? NULL : v->block;
	for (uint32_t i = 0; b != NULL && i < b->n_known; i++)
		if (!is_known(g, b->known[i] + back))
			return false;
	if (b != NULL)
		return true;
	if (!told_has_left(g, s->cell + back))
		return false;
	if (v != NULL && v->except != NONE)
		return is_known(g, virt_off(g, v) + back);
	for (uint32_t j = 0; v != NULL && j < v->r.b->n; j++) {
		uint32_t child = relation_child(g, &v->r, j);
		if (!virt_holds(g, v, j) && g->kind[child] != KIND_DEAD && !is_known(g, child + back))
			return false;
	}
	return true;
}

uint32_t since_change(const struct grid *g, const struct subject *s)
{
	const struct ledger *l = g->ledger;
	if (l == NULL || s->cell / l->size > l->n)
		return NONE;
	uint32_t release = l->n - s->cell / l->size;
	for (uint32_t from = release; from-- > 0;)
		if (had_left(g, s, (release - from) * l->size))
			return ledger_span_code(l, ledger_span_between(from, release)) * l->size +
			       s->cell % l->size;
	return NONE;
}

bool since_is_open(const struct grid *g, uint32_t change, uint32_t office, bool live)
{
	if (change == NONE)
		return live;
	uint32_t code = grid_coord(g, change, g->office_dim);
	return dim_is_above(&g->t->dim[g->office_dim], code, office) &&
	       g->kind[grid_with(g, change, g->office_dim, office)] != KIND_DEAD;
}
