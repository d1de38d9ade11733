/* The built-in checker's part about relations: that they add up, groups (R4), sums of what is hidden (R7), and what is left beside
 * printed parts (R9, R12). */
#include <stdlib.h>
#include <string.h>

#include "policy/check_judge.h"
#include "policy/told.h"

/* How many parts can move: 0, 1 (then *last is it), or 2 for more. */
static uint32_t count_alive(const struct judge *j, const struct thing *t, uint32_t *last)
{
	uint32_t total = 0;
	uint32_t from =
	    t->in == NULL ? t->off + 1 : 0; /* the next ones are near: any part may be off in turn */
	for (uint32_t k = 0; k < t->b->n && total < 2; k++) {
		uint32_t i = (from + k) % t->b->n;
		if ((t->in != NULL ? t->in[i] == 0 : i == t->off) ||
		    j->c->p->g->kind[judge_part(j, t, i)] == KIND_DEAD)
			continue;
		total++;
		*last = i;
	}
	return total;
}

static bool part_left(const struct judge *j, const struct thing *t, uint32_t i)
{
	uint32_t part = judge_part(j, t, i);
	return j->c->p->g->kind[part] == KIND_DEAD || told_has_left(j->c->p->g, part);
}

/* The parent and every part taken off it left in earlier releases. */
static bool has_left(const struct judge *j, const struct thing *t)
{
	const struct grid *g = j->c->p->g;
	if (!told_has_left(g, t->cell))
		return false;
	for (uint32_t i = 0; t->in != NULL && i < t->b->n; i++)
		if (t->in[i] == 0 && !part_left(j, t, i))
			return false;
	return t->in != NULL || part_left(j, t, t->off);
}

/* A sum of children that a reader gets by subtraction: one child is a cell like any other. */
static bool check_part(struct judge *j, struct thing *t, const char *rule)
{
	uint32_t last = 0;
	uint32_t n = count_alive(j, t, &last);
	struct relation r = { t->dim, t->b, (uint32_t)t->cell };
	if (n == 0 || has_left(j, t) || (n > 1 && check_less_before(j->c, &r, judge_part(j, t, t->off))))
		return true;
	if (n > 1) {
		judge_look_at(j, t);
		return judge_protected(j, t, j->virt++, rule);
	}
	struct thing one = { .cell = judge_part(j, t, last) };
	judge_look_at(j, &one);
	return judge_protected(j, &one, NONE, rule);
}

/* R4, all of a group in one category: where noughts are published the base is protected, else each nought. */
static bool check_full(struct judge *j, const struct relation *r)
{
	struct thing base = { .cell = r->parent };
	if (j->params->zeros == ZEROS_PUBLISHED) {
		judge_look_at(j, &base);
		return judge_protected(j, &base, NONE, "R4 base");
	}
	for (uint32_t i = 0; i < r->b->n; i++) {
		struct thing zero = { .cell = relation_child(j->c->p->g, r, i) };
		if (j->t->value[zero.cell] != 0 || j->c->p->g->kind[zero.cell] == KIND_DEAD)
			continue;
		judge_look_at(j, &zero);
		if (!judge_protected(j, &zero, NONE, "R4 nought"))
			return false;
	}
	return true;
}

static bool is_group(const struct judge *j, size_t dim)
{
	for (uint32_t i = 0; i < j->params->n_group_dims; i++)
		if (strcmp(j->params->group_dim[i], j->t->dim[dim].name) == 0)
			return true;
	return j->params->n_group_dims == 0 && dim != j->c->office_dim &&
	       strcmp(j->t->dim[dim].name, j->params->office_dim) != 0;
}

/* R4 for one base. */
static bool check_group(struct judge *j, const struct relation *r)
{
	const struct grid *g = j->c->p->g;
	struct thing t = { .cell = r->parent, .b = r->b, .dim = r->dim };
	int64_t base = j->t->value[r->parent];
	for (uint32_t i = 0; i < r->b->n; i++) {
		uint32_t child = relation_child(g, r, i);
		int64_t rest = base - j->t->value[child];
		if (!grid_counted(g, child) || g->kind[child] == KIND_DEAD ||
		    rest >= (int64_t)j->params->threshold)
			continue;
		t.off = i;
		if (rest == 0 ? !check_full(j, r) : !check_part(j, &t, "R4 group"))
			return false;
	}
	return true;
}

/* R7: hidden cells of a printed sum add up to enough, or no move could hide anything beside them. */
static bool check_hidden_sum(const struct judge *j, const struct relation *r)
{
	const struct grid *g = j->c->p->g;
	int64_t least = policy_params_hidden_sum_min(j->params);
	int64_t sum = 0;
	bool some = false;
	bool others = false;
	if (check_shown(j->c, r->parent) != 'P')
		return true;
	for (uint32_t i = 0; i < r->b->n; i++) {
		uint32_t child = relation_child(g, r, i);
		bool hidden = grid_counted(g, child) && check_shown(j->c, child) == 'H';
		if (g->kind[child] == KIND_FREE)
			return true;
		some = some || hidden;
		sum += hidden ? j->t->value[child] : 0;
		others = others || (!hidden && g->kind[child] == KIND_OPEN &&
				       !(j->c->p->sum_tried != NULL && j->c->p->sum_tried[child] != 0) &&
				       j->t->value[child] >= (int64_t)g->floor);
	}
	return !some || sum >= least || !others || check_fails(j->c, "R7 hidden sum");
}

/* The next virtual sum, if it is these cells; NONE: the sum has no needs. */
static uint32_t next_rest(struct judge *j, const struct thing *t)
{
	const struct needs *n = j->c->p->n;
	const struct virt *v = j->virt < n->n_virt ? &n->virt[j->virt] : NULL;
	bool it = v != NULL && v->r.parent == t->cell && v->r.b == t->b && v->except == NONE;
	return it ? j->virt++ : NONE;
}

/* R9 and R12: the sum of what is neither printed nor told. */
static bool check_rest(struct judge *j, const struct thing *t)
{
	struct relation r = { t->dim, t->b, (uint32_t)t->cell };
	if (has_left(j, t) || check_rest_before(j->c, &r, t->in))
		return true;
	uint32_t virt = next_rest(j, t);
	judge_look_at(j, t);
	if (judge_sensitive(j))
		return judge_protected(j, t, virt, "R12 rest");
	return judge_residual(j, t, virt);
}

/* in: a byte a child, for its use. */
static bool check_line(struct judge *j, const struct relation *r, uint8_t *in)
{
	const struct grid *g = j->c->p->g;
	struct thing t = { .cell = r->parent, .b = r->b, .dim = r->dim, .in = in };
	int64_t base = j->t->value[r->parent];
	uint32_t shown_parts = 0;
	uint32_t live = 0;
	uint32_t last = 0;
	int64_t sum = 0;
	for (uint32_t i = 0; i < r->b->n; i++)
		sum += j->t->value[relation_child(g, r, i)];
	if (sum != base)
		return check_fails(j->c, "a relation does not add up");
	if (relation_of_releases(g, r))
		return true; /* check_releases.c has it */
	if (!told_is_known(g, r->parent))
		return true;
	for (uint32_t i = 0; i < r->b->n; i++) {
		uint32_t child = relation_child(g, r, i);
		bool dead = g->kind[child] == KIND_DEAD;
		live += !dead;
		shown_parts += told_is_known(g, child);
		in[i] = !told_is_known(g, child) && !dead;
	}
	if (shown_parts > 0 && count_alive(j, &t, &last) > 0 && !check_rest(j, &t))
		return false;
	if (!grid_counted(g, r->parent))
		return true;
	if (!check_hidden_sum(j, r))
		return false;
	if (j->params->group_min == 0 || base < (int64_t)j->params->group_min || !is_group(j, r->dim) ||
	    live < 2)
		return true;
	return check_group(j, r);
}

static bool look_at_relations(struct judge *j)
{
	struct relation_walk w;
	struct relation r;
	uint32_t widest = 1;
	for (size_t d = 0; d < j->t->n_dims; d++)
		for (uint32_t i = 0; i < j->t->dim[d].n_breakdowns; i++)
			if (j->t->dim[d].breakdown[i].n > widest)
				widest = j->t->dim[d].breakdown[i].n;
	uint8_t *in = malloc(widest);
	if (in == NULL)
		return err_set(j->c->e, ERR_MEMORY, "no memory for the check");
	bool ok = true;
	relation_begin(&w, j->c->p->g);
	while (ok && relation_next(&w, &r))
		ok = check_line(j, &r, in);
	free(in);
	return ok;
}

bool check_relations(const struct checker *c)
{
	struct judge j = { .c = c, .t = c->t, .params = c->params };
	bool ok = judge_open(&j) && look_at_relations(&j);
	judge_close(&j);
	return ok;
}
