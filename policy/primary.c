#include "policy/primary.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static bool no_memory(struct err *e)
{
	return err_set(e, ERR_MEMORY, "no memory for the requirements");
}

bool primary_is_small(const struct policy_params *p, int64_t value)
{
	return value == 0 ? p->zeros == ZEROS_SENSITIVE : value > 0 && value < (int64_t)p->threshold;
}

bool virt_holds(const struct grid *g, const struct virt *v, uint32_t child)
{
	if (v->except != NONE)
		return child != v->except;
	uint32_t cell = relation_child(g, &v->r, child);
	return g->mark[cell] != 'P' && g->kind[cell] != KIND_DEAD;
}

int64_t virt_value(const struct grid *g, const struct virt *v)
{
	int64_t sum = 0;
	for (uint32_t j = 0; j < v->r.b->n; j++)
		if (virt_holds(g, v, j))
			sum += g->value[relation_child(g, &v->r, j)];
	return sum;
}

#define PRIMARY_GROUP 2 /* in grid.primary: a base that R4 protects against everybody, not only an office */

/* Something that is protected: a cell, or a virtual sum of cells. */
struct subject {
	uint32_t cell;
	const struct virt *virt; /* NULL: the cell */
};

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

/* A subject's value, or what an office contributes to it. */
static int64_t subject_value(const struct grid *g, const struct subject *s, uint32_t office, bool *live)
{
	int64_t sum = 0;
	*live = false;
	if (s->virt == NULL) {
		*live = add_part(g, s->cell, office, &sum);
		return sum;
	}
	for (uint32_t j = 0; j < s->virt->r.b->n; j++)
		if (virt_holds(g, s->virt, j) && add_part(g, relation_child(g, &s->virt->r, j), office, &sum))
			*live = true;
	return sum;
}

/* What the offices below a subject contribute. */
struct shares {
	uint32_t live;          /* offices that own unknowns below it */
	uint32_t contributors;  /* offices with a count above 0 */
	uint32_t sole;          /* the only live office, or NONE */
	uint32_t whole;         /* the office that owns the whole value (> 0), or NONE */
	int64_t least_rest;     /* smallest residual against one office that counts, INT64_MAX if none */
	int64_t coalition_rest; /* smallest residual above 0 against `coalition` offices; INT64_MAX if none */
};

#define TOP_MAX 8

static void note_share(struct shares *s, const struct policy_params *p, uint32_t office, int64_t own,
    int64_t value, int64_t top[TOP_MAX])
{
	s->sole = s->live == 0 ? office : NONE;
	s->live++;
	if (own > 0)
		s->contributors++;
	if (own == value && value > 0)
		s->whole = office;
	if ((value > own || p->residual == RESIDUAL_ZEROS) && value - own < s->least_rest)
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

static struct shares shares_of(const struct grid *g, const struct subject *s)
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
	int64_t value = subject_value(g, s, NONE, &live);
	for (uint32_t i = 0; i < list_size(&d->atoms, code); i++) {
		uint32_t office = list_at(&d->atoms, code)[i];
		int64_t own = subject_value(g, s, office, &live);
		if (live)
			note_share(&out, g->p, office, own, value, top);
	}
	out.coalition_rest = rest_of_coalition(&out, g->p, value, top);
	if (out.sole != NONE)
		out.least_rest = INT64_MAX; /* it owns all there is: exempt */
	return out;
}

static bool push_need(struct needs *n, struct need need, struct err *e)
{
	if (n->n == n->room) {
		uint32_t room = n->room == 0 ? 256 : n->room * 2;
		struct need *bigger = room < n->room ? NULL : realloc(n->need, (size_t)room * sizeof *bigger);
		if (bigger == NULL)
			return no_memory(e);
		n->need = bigger;
		n->room = room;
	}
	need.move = NONE;
	need.next = NONE;
	n->need[n->n++] = need;
	return true;
}

static uint32_t push_virt(struct needs *n, struct virt v)
{
	if (n->n_virt == n->room_virt) {
		uint32_t room = n->room_virt == 0 ? 64 : n->room_virt * 2;
		struct virt *bigger =
		    room < n->room_virt ? NULL : realloc(n->virt, (size_t)room * sizeof *bigger);
		if (bigger == NULL)
			return NONE;
		n->virt = bigger;
		n->room_virt = room;
	}
	n->virt[n->n_virt] = v;
	return n->n_virt++;
}

static int32_t at_least(int64_t a, int64_t b)
{
	return (int32_t)(a > b ? a : b);
}

/* A protected cell must be hidden; a forced one can only be if the ladder says so. */
static bool hide_primary(struct grid *g, struct needs *n, uint32_t cell, struct err *e)
{
	if (g->kind[cell] == KIND_FORCED) {
		bool may = false;
		for (int i = 0; i < PARAMS_LADDER_MAX; i++)
			may = may || g->p->ladder[i] == LADDER_UNFREEZE;
		if (!may)
			return err_set(
			    e, ERR_REFUSED, "a cell that must be printed is one the policy protects");
		g->kind[cell] = KIND_OPEN;
		n->unfrozen = true;
	}
	if (g->kind[cell] == KIND_OPEN && g->primary[cell] == 0) {
		g->primary[cell] = 1;
		n->n_primary++;
	}
	return true;
}

/* How far a subject of value v must be able to go up, given what single offices and coalitions know of it. */
static int32_t amplitude(const struct grid *g, const struct shares *s, int64_t value)
{
	int64_t k = g->p->threshold;
	int64_t h = value < k ? k - value : 0;
	if (s->least_rest < k && k - s->least_rest > h)
		h = k - s->least_rest;
	if (g->p->coalition > 1 && k - s->coalition_rest > h)
		h = k - s->coalition_rest;
	return at_least(h, g->p->width);
}

/* Requirements of a subject that is protected against everybody. */
static bool protect_subject(struct grid *g, struct needs *n, enum guarantee level, const struct subject *s,
    uint32_t virt, uint8_t rules, struct err *e)
{
	bool live = false;
	int64_t value = subject_value(g, s, NONE, &live);
	bool offices = level >= LEVEL_3 && g->office_dim != SIZE_MAX;
	struct shares shares = {
		.sole = NONE, .whole = NONE, .least_rest = INT64_MAX, .coalition_rest = INT64_MAX
	};
	if (offices)
		shares = shares_of(g, s);
	struct need need = { .cell = s->cell,
		.virt = virt,
		.avoid = NONE,
		.exempt = NONE,
		.dir = 1,
		.rules = rules,
		.slots = 1 };
	need.amp = level == LEVEL_1 ? 0 : amplitude(g, &shares, value);
	if (offices) {
		need.slots = (uint8_t)(g->p->coalition + 1);
		need.exempt = shares.sole;
		if (need.exempt == NONE && g->p->residual != RESIDUAL_ZEROS)
			need.exempt = shares.whole;
	}
	if (virt == NONE && !hide_primary(g, n, s->cell, e))
		return false;
	for (int dir = 1; dir >= -1; dir -= 2) {
		if (dir < 0 && (level == LEVEL_1 || !g->p->zero_reach || value == 0))
			break;
		need.dir = (int8_t)dir;
		need.amp = dir < 0 ? at_least(value, 1) : need.amp;
		for (need.slot = 0; need.slot < need.slots; need.slot++)
			if (!push_need(n, need, e))
				return false;
	}
	return true;
}

static bool printed(const struct grid *g, uint32_t cell)
{
	return g->mark[cell] == 'P' && g->kind[cell] != KIND_DEAD;
}

/* R5: few contributing offices behind an aggregate. */
static bool has_few_offices(const struct grid *g, const struct shares *s, int64_t value)
{
	return g->p->min_offices > 1 && s->live >= 2 && value > 0 && s->contributors < g->p->min_offices;
}

/* R3: one need for each office to which the aggregate would show a small rest. Coalitions get disjoint slots.
 */
static bool find_residual(
    struct grid *g, struct needs *n, const struct subject *s, const struct shares *shares, struct err *e)
{
	const struct dim *d = &g->t->dim[g->office_dim];
	uint32_t code = grid_coord(g, s->cell, g->office_dim);
	int64_t value = g->value[s->cell];
	int64_t k = g->p->threshold;
	if (g->p->coalition > 1)
		return shares->coalition_rest >= k ||
		       protect_subject(g, n, LEVEL_3, s, NONE, RULE_RESIDUAL, e);
	for (uint32_t i = 0; i < list_size(&d->atoms, code); i++) {
		uint32_t office = list_at(&d->atoms, code)[i];
		int64_t rest = value - g->value[grid_with(g, s->cell, g->office_dim, office)];
		if (rest >= k || (rest == 0 && (g->p->residual != RESIDUAL_ZEROS || office == shares->sole)))
			continue;
		struct need need = { .cell = s->cell,
			.virt = NONE,
			.avoid = office,
			.exempt = NONE,
			.dir = 1,
			.rules = RULE_RESIDUAL,
			.slots = 1,
			.amp = at_least(k - rest, g->p->width) };
		if (!hide_primary(g, n, s->cell, e) || !push_need(n, need, e))
			return false;
	}
	return true;
}

/* R1, R2, R3, R5 for one printed cell. */
static bool find_cell(struct grid *g, struct needs *n, enum guarantee level, uint32_t cell, struct err *e)
{
	struct subject s = { cell, NULL };
	int64_t value = g->value[cell];
	bool offices = level >= LEVEL_3 && g->office_dim != SIZE_MAX;
	if (primary_is_small(g->p, value))
		return protect_subject(g, n, level, &s, NONE, value == 0 ? RULE_ZERO : RULE_THRESHOLD, e);
	if (value == 0 || g->office_dim == SIZE_MAX)
		return true;
	if (g->p->min_offices <= 1 && (!offices || g->p->residual == RESIDUAL_NO))
		return true;
	if (grid_office(g, cell) != NONE)
		return true;
	struct shares shares = shares_of(g, &s);
	if (has_few_offices(g, &shares, value))
		return protect_subject(g, n, level, &s, NONE, RULE_CONTRIBUTORS, e);
	if (offices && g->p->residual != RESIDUAL_NO)
		return find_residual(g, n, &s, &shares, e);
	return true;
}

static bool protect_virt(
    struct grid *g, struct needs *n, enum guarantee level, const struct virt *v, uint8_t rules, struct err *e)
{
	uint32_t only = NONE;
	uint32_t held = 0;
	for (uint32_t j = 0; j < v->r.b->n; j++)
		if (virt_holds(g, v, j) && g->kind[relation_child(g, &v->r, j)] != KIND_DEAD) {
			only = relation_child(g, &v->r, j);
			held++;
		}
	if (held == 0)
		return true;
	if (held == 1) { /* a cell after all */
		struct subject s = { only, NULL };
		if (printed(g, only) && primary_is_small(g->p, g->value[only]))
			return true; /* R1 and R2 have it */
		return protect_subject(g, n, level, &s, NONE, rules, e);
	}
	uint32_t place = push_virt(n, *v);
	if (place == NONE)
		return no_memory(e);
	struct subject s = { v->r.parent, v };
	return protect_subject(g, n, level, &s, place, rules, e);
}

/* R12 and R9: what is not printed under a printed total, but is its rest beside printed parts. */
static bool find_rest(
    struct grid *g, struct needs *n, enum guarantee level, const struct relation *r, struct err *e)
{
	uint32_t shown = 0;
	uint32_t missing = 0;
	if (!printed(g, r->parent))
		return true;
	for (uint32_t j = 0; j < r->b->n; j++) {
		uint32_t child = relation_child(g, r, j);
		shown += printed(g, child);
		missing += !printed(g, child) && g->kind[child] != KIND_DEAD;
	}
	if (shown == 0 || missing == 0)
		return true;
	struct virt v = { *r, NONE };
	if (!primary_is_small(g->p, virt_value(g, &v)))
		return true;
	return protect_virt(g, n, level, &v, RULE_REST, e);
}

static bool is_group_dim(const struct grid *g, size_t dim)
{
	for (uint32_t i = 0; i < g->p->n_group_dims; i++)
		if (strcmp(g->p->group_dim[i], g->t->dim[dim].name) == 0)
			return true;
	return g->p->n_group_dims == 0 && dim != g->office_dim &&
	       strcmp(g->t->dim[dim].name, g->p->office_dim) != 0;
}

/* R4: all of a group in one category. Noughts are protected by R2; where they are published, the group is. */
static bool find_full(
    struct grid *g, struct needs *n, enum guarantee level, const struct relation *r, struct err *e)
{
	if (g->p->zeros == ZEROS_PUBLISHED) {
		struct subject s = { r->parent, NULL };
		if ((g->primary[r->parent] & PRIMARY_GROUP) != 0)
			return true;
		bool ok = protect_subject(g, n, level, &s, NONE, RULE_GROUP, e);
		g->primary[r->parent] |= PRIMARY_GROUP;
		return ok;
	}
	for (uint32_t j = 0; g->p->zeros == ZEROS_CAMOUFLAGE && j < r->b->n; j++) {
		struct subject s = { relation_child(g, r, j), NULL };
		if (g->value[s.cell] == 0 && g->kind[s.cell] != KIND_DEAD && g->primary[s.cell] == 0 &&
		    !protect_subject(g, n, level, &s, NONE, RULE_GROUP, e))
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
		struct virt v = { *r, j };
		if (!printed(g, child) || rest >= (int64_t)g->p->threshold)
			continue;
		if (rest == 0 ? !find_full(g, n, level, r, e) : !protect_virt(g, n, level, &v, RULE_GROUP, e))
			return false;
	}
	return true;
}

/* Totals first: their moves serve many parts. Needs of one subject stay together (slot order). */
static int by_weight(const void *a, const void *b, void *grid)
{
	const struct need *x = a;
	const struct need *y = b;
	const struct grid *g = grid;
	int wx = 0;
	int wy = 0;
	for (size_t d = 0; d < g->t->n_dims; d++) {
		wx += !dim_is_leaf(&g->t->dim[d], grid_coord(g, x->cell, d));
		wy += !dim_is_leaf(&g->t->dim[d], grid_coord(g, y->cell, d));
	}
	if (wx != wy)
		return wy - wx;
	if (x->cell != y->cell)
		return x->cell < y->cell ? -1 : 1;
	return (x->move > y->move) - (x->move < y->move); /* order of finding, kept here while sorting */
}

static bool index_needs(struct grid *g, struct needs *n, struct err *e)
{
	assert(g->n_cells > 0);
	n->first = malloc((size_t)g->n_cells * sizeof *n->first);
	if (n->first == NULL)
		return no_memory(e);
	memset(n->first, 0xff, (size_t)g->n_cells * sizeof *n->first);
	for (uint32_t i = 0; i < n->n; i++)
		n->need[i].move = i;
	if (n->n > 0) /* qsort_r wants a place even for nothing */
		qsort_r(n->need, n->n, sizeof *n->need, by_weight, g);
	for (uint32_t i = n->n; i-- > 0;) {
		n->need[i].move = NONE;
		if (n->need[i].virt != NONE)
			continue;
		n->need[i].next = n->first[n->need[i].cell];
		n->first[n->need[i].cell] = i;
	}
	return true;
}

bool primary_find(struct grid *g, enum guarantee level, struct needs *n, struct err *e)
{
	struct relation_walk w;
	struct relation r;
	memset(n, 0, sizeof *n);
	for (uint32_t c = 0; c < g->n_cells; c++)
		if (printed(g, c) && !find_cell(g, n, level, c, e))
			return false;
	relation_begin(&w, g);
	while (relation_next(&w, &r))
		if (!find_rest(g, n, level, &r, e) || !find_group(g, n, level, &r, e))
			return false;
	return index_needs(g, n, e);
}

bool primary_add_derivable(
    struct grid *g, struct needs *n, enum guarantee level, uint32_t cell, struct err *e)
{
	struct need need = { .cell = cell,
		.virt = NONE,
		.avoid = NONE,
		.exempt = NONE,
		.dir = 1,
		.slots = 1,
		.rules = RULE_DERIVABLE,
		.amp = level == LEVEL_1 ? 0 : (int32_t)g->p->width };
	if (!push_need(n, need, e))
		return false;
	n->need[n->n - 1].next = n->first[cell];
	n->first[cell] = n->n - 1;
	return true;
}

void needs_free(struct needs *n)
{
	free(n->need);
	free(n->virt);
	free(n->first);
	memset(n, 0, sizeof *n);
}
