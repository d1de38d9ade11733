#include "policy/shares.h"

/* The part of a held child that an office owns; NONE: the child is not above the office. */
static uint32_t office_part(const struct grid *g, uint32_t child, uint32_t office)
{
	uint32_t code = grid_coord(g, child, g->office_dim);
	if (!dim_is_above(&g->t->dim[g->office_dim], code, office))
		return NONE;
	return grid_with(g, child, g->office_dim, office);
}

/* Adds one cell's part of an office (NONE: the whole cell) to *sum; true if something in it can move. */
static bool add_part(const struct grid *g, uint32_t cell, uint32_t office, int64_t *sum)
{
	uint32_t part = office == NONE ? cell : office_part(g, cell, office);
	if (part == NONE)
		return false;
	*sum += g->value[part];
	return g->kind[part] != KIND_DEAD;
}

/* Can something move in a part that the sum holds? It leaves one child out: begins behind that, where the next is near. */
static bool others_live(const struct grid *g, const struct virt *v, uint32_t office)
{
	int64_t sum = 0;
	for (uint32_t i = 1; i < v->r.b->n; i++)
		if (add_part(g, relation_child(g, &v->r, (v->except + i) % v->r.b->n), office, &sum))
			return true;
	return false;
}

/* Of all children but one: the total's less that one's. */
static int64_t value_less(const struct grid *g, const struct virt *v, uint32_t office, bool *live)
{
	int64_t whole = 0;
	int64_t off = 0;
	*live = add_part(g, v->r.parent, office, &whole);
	if (add_part(g, virt_off(g, v), office, &off) || g->ledger != NULL)
		*live = others_live(g, v, office);
	return whole - off;
}

int64_t shares_value(const struct grid *g, const struct subject *s, uint32_t office, bool *live)
{
	int64_t sum = 0;
	*live = false;
	if (s->virt == NULL) {
		*live = add_part(g, s->cell, office, &sum);
		return sum;
	}
	if (s->virt->except != NONE && (office == NONE || s->virt->r.dim != g->office_dim))
		return value_less(g, s->virt, office, live);
	for (uint32_t j = 0; j < s->virt->r.b->n; j++)
		if (virt_holds(g, s->virt, j) && add_part(g, virt_part(g, s->virt, j), office, &sum))
			*live = true;
	return sum;
}

#define TOP_MAX 8

static void note_share(struct shares *s, const struct policy_params *p, uint32_t office, int64_t own,
    int64_t value, int64_t top[TOP_MAX])
{
	s->live++;
	if (own > 0)
		s->contributors++;
	if (own == value && value > 0)
		s->whole = office;
	s->largest[1] = own > s->largest[0] ? s->largest[0] : own > s->largest[1] ? own : s->largest[1];
	s->largest[0] = own > s->largest[0] ? own : s->largest[0];
	if ((value > own || p->residual == RESIDUAL_ZEROS) && value - own < s->least_rest &&
	    office != s->sole)
		s->least_rest = value - own;
	for (uint32_t i = 0; i < p->coalition; i++)
		if (own > top[i]) {
			int64_t swap = top[i];
			top[i] = own;
			own = swap;
		}
}

/* The smallest rest above 0 that offices together can be left with: all but the largest, or, where they are so few
 * that they could own everything, all but the smallest. Who owns everything is exempt. */
static int64_t rest_of_coalition(
    const struct shares *s, const struct policy_params *p, int64_t value, const int64_t top[TOP_MAX])
{
	int64_t sum = 0;
	for (uint32_t i = 0; i < p->coalition && i < TOP_MAX; i++)
		sum += top[i];
	if (value > sum)
		return value - sum;
	if (p->residual == RESIDUAL_ZEROS && s->live > s->contributors)
		return 0;
	return s->contributors == 0 ? INT64_MAX : top[s->contributors - 1];
}

/* The only office that owns unknowns, if there is one. */
static uint32_t sole_of(const struct grid *g, const struct subject *s, const struct dim *d, uint32_t code)
{
	uint32_t sole = NONE;
	bool live = false;
	for (uint32_t i = 0; i < list_size(&d->atoms, code); i++) {
		uint32_t office = list_at(&d->atoms, code)[i];
		shares_value(g, s, office, &live);
		if (!live)
			continue;
		if (sole != NONE)
			return NONE;
		sole = office;
	}
	return sole;
}

struct shares shares_of(const struct grid *g, const struct subject *s)
{
	struct shares out = {
		.sole = NONE, .whole = NONE, .least_rest = INT64_MAX, .coalition_rest = INT64_MAX
	};
	int64_t top[TOP_MAX] = { 0 };
	if (g->office_dim == SIZE_MAX)
		return out;
	const struct dim *d = &g->t->dim[g->office_dim];
	uint32_t code = grid_coord(g, s->cell, g->office_dim);
	bool live = false;
	int64_t value = shares_value(g, s, NONE, &live);
	out.sole = sole_of(g, s, d, code);
	for (uint32_t i = 0; i < list_size(&d->atoms, code); i++) {
		uint32_t office = list_at(&d->atoms, code)[i];
		int64_t own = shares_value(g, s, office, &live);
		if (live)
			note_share(&out, g->p, office, own, value, top);
	}
	out.coalition_rest = rest_of_coalition(&out, g->p, value, top);
	return out;
}

uint32_t shares_list(const struct grid *g, const struct subject *s, bool contributors_only, uint32_t most,
    uint32_t office[SHARES_LIST_MAX], int64_t own[SHARES_LIST_MAX])
{
	const struct dim *d = &g->t->dim[g->office_dim];
	uint32_t code = grid_coord(g, s->cell, g->office_dim);
	uint32_t n = 0;
	for (uint32_t i = 0; i < list_size(&d->atoms, code) && n <= most; i++) {
		bool live = false;
		uint32_t o = list_at(&d->atoms, code)[i];
		int64_t value = shares_value(g, s, o, &live);
		if (!live || (contributors_only && value == 0))
			continue;
		if (n < most && n < SHARES_LIST_MAX) {
			office[n] = o;
			own[n] = value;
		}
		n++;
	}
	return n;
}
