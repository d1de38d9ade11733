#include "policy/primary.h"

#include <stdlib.h>
#include <string.h>

#include "policy/bound.h"
#include "policy/ledger.h"
#include "policy/shares.h"
#include "policy/told.h"

static bool no_memory(struct err *e)
{
	return err_set(e, ERR_MEMORY, "no memory for the requirements");
}

bool primary_is_small(const struct policy_params *p, int64_t value)
{
	return value == 0 ? p->zeros == ZEROS_SENSITIVE : value > 0 && value < (int64_t)p->threshold;
}

static bool printed(const struct grid *g, uint32_t cell)
{
	return grid_counted(g, cell) && g->kind[cell] != KIND_DEAD;
}

/* R5: few contributing offices behind an aggregate. */
static bool has_few_offices(const struct grid *g, const struct shares *s, int64_t value)
{
	return g->p->min_offices > 1 && s->live >= 2 && value > 0 && s->contributors < g->p->min_offices;
}

/* R6: one office has so much of an amount that the second largest could estimate it too well. */
static bool is_dominated(const struct grid *g, const struct shares *s, int64_t value)
{
	return 100 * (value - s->largest[0] - s->largest[1]) < (int64_t)g->p->dominance_p * s->largest[0];
}

/* R1, R2 and R6 for a cell or a sum that a subtraction shows; 0: none of them. */
static uint16_t own_rule(const struct grid *g, const struct subject *s)
{
	bool live = false;
	int64_t value = shares_value(g, s, NONE, &live);
	if (g->p->figures == FIGURES_AMOUNTS) {
		struct shares shares = shares_of(g, s);
		return is_dominated(g, &shares, value) ? RULE_DOMINANCE : 0;
	}
	if (!primary_is_small(g->p, value))
		return 0;
	return value == 0 ? RULE_ZERO : RULE_THRESHOLD;
}

/* R1, R2, R3, R5, R6 for one printed cell. */
static bool find_cell(struct grid *g, struct needs *n, enum guarantee level, uint32_t cell, struct err *e)
{
	struct subject s = { cell, NULL, NONE };
	int64_t value = g->value[cell];
	bool offices = level >= LEVEL_3 && g->office_dim != SIZE_MAX;
	uint16_t rule = own_rule(g, &s);
	if (rule != 0)
		return needs_protect(g, n, level, &s, rule, e);
	if (value == 0 || g->office_dim == SIZE_MAX)
		return true;
	if (g->p->min_offices <= 1 && (!offices || g->p->residual == RESIDUAL_NO))
		return true;
	if (grid_office(g, cell) != NONE)
		return true;
	struct shares shares = shares_of(g, &s);
	if (has_few_offices(g, &shares, value))
		return needs_protect(g, n, level, &s, RULE_CONTRIBUTORS, e);
	if (offices && g->p->residual != RESIDUAL_NO)
		return needs_protect_rest(g, n, &s, e);
	return true;
}

/* R12 and R9 for one cell that no table prints and that follows from what is. */
static bool find_told(struct grid *g, struct needs *n, enum guarantee level, uint32_t cell, struct err *e)
{
	struct subject s = { cell, NULL, NONE };
	if (own_rule(g, &s) != 0)
		return needs_protect(g, n, level, &s, RULE_REST, e);
	if (level < LEVEL_3 || g->p->residual == RESIDUAL_NO || g->value[cell] == 0 ||
	    g->office_dim == SIZE_MAX || grid_office(g, cell) != NONE)
		return true;
	return needs_protect_rest(g, n, &s, e);
}

/* How many cells the sum is of: 0, 1 (then *cell is it), or 2 for more. Begins behind the child that is left out, where the
 * next ones are near: each child of a relation may be that in turn. */
static uint32_t virt_size(const struct grid *g, const struct virt *v, uint32_t *cell)
{
	uint32_t held = 0;
	uint32_t j = v->except == NONE ? 0 : v->except;
	for (uint32_t i = 0; i < v->r.b->n && held < 2; i++, j = j + 1 == v->r.b->n ? 0 : j + 1)
		if (virt_holds(g, v, j) && g->kind[relation_child(g, &v->r, j)] != KIND_DEAD) {
			*cell = relation_child(g, &v->r, j);
			held++;
		}
	return held;
}

/* Is `cell`, a child of v's parent in some breakdown, taken off it by v? */
static bool takes_off(const struct grid *g, const struct virt *v, uint32_t cell)
{
	uint32_t code = grid_coord(g, cell, v->r.dim);
	return dim_is_child(&g->t->dim[v->r.dim], v->r.b, code) && !virt_holds_code(g, v, v->r.dim, code);
}

/* Do both take the same cells off the same parent? Then they are one sum, whatever parts it has. */
static bool same_sum(const struct grid *g, const struct virt *v, const struct virt *w)
{
	uint32_t off = 0;
	for (uint32_t j = 0; j < v->r.b->n; j++) {
		uint32_t cell = relation_child(g, &v->r, j);
		if (virt_holds(g, v, j) || g->kind[cell] == KIND_DEAD)
			continue;
		off++;
		if (!takes_off(g, w, cell))
			return false;
	}
	for (uint32_t j = 0; j < w->r.b->n; j++)
		off -= !virt_holds(g, w, j) && g->kind[relation_child(g, &w->r, j)] != KIND_DEAD;
	return off == 0;
}

/* Is that also all but one of another breakdown's children, of which more than one remain? */
static bool leaves_same(const struct grid *g, const struct virt *v, const struct breakdown *b)
{
	const struct dim *d = &g->t->dim[v->r.dim];
	const struct relation r = { v->r.dim, b, v->r.parent };
	uint32_t off = virt_off(g, v);
	uint32_t held = 0;
	if (!dim_is_child(d, b, grid_coord(g, off, v->r.dim)))
		return false;
	for (uint32_t j = 0; j < b->n && held < 2; j++) {
		uint32_t child = relation_child(g, &r, j);
		held += child != off && g->kind[child] != KIND_DEAD;
	}
	return held > 1;
}

/* Has an earlier breakdown of the cell given the same sum? A code may stand in several: the total less one area is what is
 * left in each grouping that has the area. Of sums that did not leave with earlier releases. */
static bool stands_before(const struct grid *g, const struct virt *v)
{
	const struct dim *d = &g->t->dim[v->r.dim];
	uint32_t n = list_size(&d->down, v->r.b->parent);
	for (uint32_t i = 0; i < n; i++) {
		struct virt w = { { v->r.dim, dim_down(d, v->r.b->parent, i), v->r.parent }, NONE, NULL };
		uint32_t cell = NONE;
		if (w.r.b >= v->r.b)
			continue;
		if (v->except != NONE
			? leaves_same(g, v, w.r.b)
			: virt_size(g, &w, &cell) > 1 && !virt_has_left(g, &w) && same_sum(g, v, &w))
			return true;
	}
	return false;
}

static bool protect_virt(struct grid *g, struct needs *n, enum guarantee level, const struct virt *v,
    uint16_t rules, struct err *e)
{
	struct subject only = { NONE, NULL, NONE };
	uint32_t held = virt_size(g, v, &only.cell);
	if (held == 0 || virt_has_left(g, v) || (held > 1 && stands_before(g, v)))
		return true;
	if (held == 1) { /* a cell after all */
		if (printed(g, only.cell) && own_rule(g, &only) != 0)
			return true; /* that rule has it */
		return needs_protect(g, n, level, &only, rules, e);
	}
	struct subject s = { v->r.parent, v, needs_add_virt(n, *v) };
	return s.place == NONE ? no_memory(e) : needs_protect(g, n, level, &s, rules, e);
}

/* R12 and R9: what is neither printed nor told under a total that is, but is its rest beside parts that are. A single
 * cell of that kind is told. */
static bool find_rest(
    struct grid *g, struct needs *n, enum guarantee level, const struct relation *r, struct err *e)
{
	uint32_t shown = 0;
	uint32_t missing = 0;
	if (g->told == NULL || !told_is_known(g, r->parent))
		return true;
	for (uint32_t j = 0; j < r->b->n; j++) {
		uint32_t child = relation_child(g, r, j);
		bool known = told_is_known(g, child);
		shown += known;
		missing += !known && g->kind[child] != KIND_DEAD;
	}
	struct virt v = { *r, NONE, NULL };
	struct subject s = { r->parent, &v, NONE };
	if (shown == 0 || missing == 0 || virt_has_left(g, &v))
		return true;
	if (own_rule(g, &s) != 0)
		return protect_virt(g, n, level, &v, RULE_REST, e);
	if (level < LEVEL_3 || g->p->residual == RESIDUAL_NO || !needs_has_rest(g, &s) ||
	    stands_before(g, &v))
		return true;
	s.place = needs_add_virt(n, v);
	return s.place == NONE ? no_memory(e) : needs_protect_rest(g, n, &s, e);
}

static bool is_group_dim(const struct grid *g, size_t dim)
{
	for (uint32_t i = 0; i < g->p->n_group_dims; i++)
		if (strcmp(g->p->group_dim[i], g->t->dim[dim].name) == 0)
			return true;
	return g->p->n_group_dims == 0 && dim != g->office_dim &&
	       strcmp(g->t->dim[dim].name, g->p->office_dim) != 0;
}

/* R4: all of a group in one category, so each of the others says "nobody". Where noughts are published the group is
 * protected, else every nought, printed or not: printed ones may be R2's already. */
static bool find_full(
    struct grid *g, struct needs *n, enum guarantee level, const struct relation *r, struct err *e)
{
	if (g->p->zeros == ZEROS_PUBLISHED) {
		struct subject s = { r->parent, NULL, NONE };
		return needs_protect(g, n, level, &s, RULE_GROUP, e);
	}
	for (uint32_t j = 0; j < r->b->n; j++) {
		struct subject s = { relation_child(g, r, j), NULL, NONE };
		if (g->value[s.cell] == 0 && g->kind[s.cell] != KIND_DEAD &&
		    !needs_protect(g, n, level, &s, RULE_GROUP, e))
			return false;
	}
	return true;
}

/* R4 for one base and its children. */
static bool find_group(
    struct grid *g, struct needs *n, enum guarantee level, const struct relation *r, struct err *e)
{
	int64_t base = g->value[r->parent];
	uint32_t live = 0;
	if (g->p->group_min == 0 || base < (int64_t)g->p->group_min || !printed(g, r->parent) ||
	    !is_group_dim(g, r->dim))
		return true;
	for (uint32_t j = 0; j < r->b->n; j++)
		live += g->kind[relation_child(g, r, j)] != KIND_DEAD;
	for (uint32_t j = 0; live > 1 && j < r->b->n; j++) {
		uint32_t child = relation_child(g, r, j);
		int64_t rest = base - g->value[child];
		struct virt v = { *r, j, NULL };
		if (!printed(g, child) || rest >= (int64_t)g->p->threshold)
			continue;
		if (rest == 0 ? !find_full(g, n, level, r, e) : !protect_virt(g, n, level, &v, RULE_GROUP, e))
			return false;
	}
	return true;
}

/* R12 by inequality: what can only be small. At L1 nobody reckons with more than equations. A nought that is no secret is
 * protected so that a reader does not take it for a few persons; an office that knows it for a nought learns of nobody. */
static bool find_small(struct grid *g, struct needs *n, enum guarantee level, struct err *e)
{
	if (level == LEVEL_1 || g->p->figures == FIGURES_AMOUNTS || g->told == NULL)
		return true;
	if (!bound_find(g, e))
		return false;
	for (uint32_t c = 0; c < g->n_cells; c++) {
		struct subject s = { c, NULL, NONE };
		bool nobody = g->value[c] == 0 && g->p->zeros != ZEROS_SENSITIVE;
		if (g->told[c] == TOLD_SMALL &&
		    !needs_protect(g, n, nobody ? LEVEL_2 : level, &s, RULE_REST, e))
			return false;
	}
	return true;
}

bool primary_find(struct grid *g, enum guarantee level, struct needs *n, struct err *e)
{
	struct relation_walk w;
	struct relation r;
	memset(n, 0, sizeof *n);
	if (!told_find(g, e))
		return false;
	for (uint32_t c = 0; c < g->n_cells; c++)
		if ((printed(g, c) && !find_cell(g, n, level, c, e)) ||
		    (told_is_subject(g, c) && !find_told(g, n, level, c, e)))
			return false;
	relation_begin(&w, g);
	while (relation_next(&w, &r))
		if (!relation_of_releases(g, &r) &&
		    (!find_rest(g, n, level, &r, e) || !find_group(g, n, level, &r, e)))
			return false;
	if (!find_small(g, n, level, e))
		return false;
	return differences_find(g, level, n, e) && needs_index(g, n, e);
}

bool primary_add_derivable(
    struct grid *g, struct needs *n, enum guarantee level, uint32_t cell, struct err *e)
{
	struct need need = { .cell = cell,
		.virt = NONE,
		.avoid = NONE,
		.exempt = NONE,
		.band = NONE,
		.dir = 1,
		.slots = 1,
		.rules = RULE_DERIVABLE,
		.amp = level == LEVEL_1 ? 0 : (int32_t)g->p->width };
	if (!needs_add(n, need, e))
		return false;
	n->need[n->n - 1].next = n->first[cell];
	n->first[cell] = n->n - 1;
	return true;
}
