#include "policy/choice.h"

#include <stdlib.h>
#include <string.h>

#include "policy/apart.h"

#define LESS 1e-6 /* a pattern dearer than this below the present one is not cheaper */

void choice_question_free(struct choice_question *q)
{
	free(q->cell);
	free(q->price);
	free(q->down);
	free(q->up);
	free(q->group);
	free(q->hidden);
	free(q->start);
	free(q->entry);
	free(q->need);
	free(q->term);
	free(q->list);
	*q = (struct choice_question){ 0 };
}

void choice_answer_free(struct choice_answer *a)
{
	free(a->start);
	free(a->step);
	*a = (struct choice_answer){ 0 };
}

/* ---- the question ---- */

static bool may_move(const struct grid *g, uint32_t c)
{
	if (g->kind[c] == KIND_DEAD || g->kind[c] == KIND_FORCED)
		return false;
	return grid_loose(g, c) || g->value[c] > 0 || g->floor == 0;
}

static bool is_priced(const struct grid *g, uint32_t c)
{
	return g->kind[c] == KIND_OPEN && g->primary[c] == 0 && g->frozen[c] == 0;
}

/* place: by cell, its column or NONE. */
static bool columns_make(struct choice_question *q, const struct grid *g, uint32_t *place)
{
	uint32_t n = 0;
	for (uint32_t c = 0; c < g->n_cells; c++)
		place[c] = may_move(g, c) ? n++ : NONE;
	size_t room = (size_t)n + 1;
	q->cell = calloc(room, sizeof *q->cell);
	q->price = calloc(room, sizeof *q->price);
	q->down = calloc(room, sizeof *q->down);
	q->up = calloc(room, sizeof *q->up);
	q->group = calloc(room, sizeof *q->group);
	q->hidden = calloc(room, 1);
	if (q->cell == NULL || q->price == NULL || q->down == NULL || q->up == NULL || q->group == NULL ||
	    q->hidden == NULL)
		return false;
	for (uint32_t c = 0; c < g->n_cells; c++) {
		uint32_t i = place[c];
		if (i == NONE)
			continue;
		int64_t down = g->value[c] - grid_floor(g, c);
		q->cell[i] = c;
		q->price[i] = is_priced(g, c) ? grid_price(g, c) : 0;
		q->down[i] = down > 0 ? down : 0;
		q->up[i] = INT64_MAX;
		q->group[i] = grid_office(g, c);
		q->hidden[i] = is_priced(g, c) && grid_hidden(g, c);
		q->cost += q->hidden[i] ? q->price[i] : 0;
	}
	q->n_columns = n;
	q->n_groups = g->office_dim == SIZE_MAX ? 0 : g->t->dim[g->office_dim].n_codes;
	return true;
}

/* Columns of one relation into out, if given; how many there are. */
static uint32_t relation_terms(
    const struct grid *g, const struct relation *r, const uint32_t *place, struct choice_term *out)
{
	uint32_t n = 0;
	if (place[r->parent] != NONE) {
		if (out != NULL)
			out[n] = (struct choice_term){ place[r->parent], -1 };
		n++;
	}
	for (uint32_t j = 0; j < r->b->n; j++) {
		uint32_t child = place[relation_child(g, r, j)];
		if (child == NONE)
			continue;
		if (out != NULL)
			out[n] = (struct choice_term){ child, 1 };
		n++;
	}
	return n;
}

static bool relations_make(struct choice_question *q, const struct grid *g, const uint32_t *place)
{
	struct relation_walk w;
	struct relation r;
	size_t relations = 0;
	size_t entries = 0;
	relation_begin(&w, g);
	while (relation_next(&w, &r)) {
		uint32_t n = relation_terms(g, &r, place, NULL);
		relations += n > 0;
		entries += n;
	}
	q->start = calloc(relations + 1, sizeof *q->start);
	q->entry = calloc(entries + 1, sizeof *q->entry);
	if (relations >= UINT32_MAX || entries >= UINT32_MAX || q->start == NULL || q->entry == NULL)
		return false;
	relation_begin(&w, g);
	while (relation_next(&w, &r)) {
		uint32_t at = q->start[q->n_relations];
		uint32_t n = relation_terms(g, &r, place, q->entry + at);
		if (n > 0)
			q->start[++q->n_relations] = at + n;
	}
	return true;
}

static uint32_t need_terms(
    const struct plan *p, const struct need *n, const uint32_t *place, struct choice_term *out)
{
	uint32_t count = 0;
	if (n->virt == NONE) {
		if (out != NULL && place[n->cell] != NONE)
			out[0] = (struct choice_term){ place[n->cell], n->dir };
		return place[n->cell] != NONE;
	}
	const struct virt *v = &p->n->virt[n->virt];
	for (uint32_t j = 0; j < v->r.b->n; j++) {
		uint32_t column = place[virt_part(p->g, v, j)];
		if (!virt_holds(p->g, v, j) || column == NONE)
			continue;
		if (out != NULL)
			out[count] = (struct choice_term){ column, n->dir };
		count++;
	}
	return count;
}

/* Offices that the need's move must not touch, then those that its slots may share, into out, if given. */
static uint32_t need_list(const struct plan *p, const struct need *n, uint32_t *out, uint32_t *n_avoid)
{
	const struct band *b = n->band == NONE ? NULL : &p->n->band[n->band];
	uint32_t count = 0;
	uint32_t listed = b == NULL ? 0 : b->n;
	*n_avoid = (n->avoid != NONE) + (b == NULL ? 0u : b->n_avoid);
	if (n->avoid != NONE && ++count > 0 && out != NULL)
		out[0] = n->avoid;
	for (uint32_t i = 0; i < listed; i++, count++)
		if (out != NULL)
			out[count] = p->n->office[b->first + i];
	if (n->exempt != NONE && ++count > 0 && out != NULL)
		out[count - 1] = n->exempt;
	return count;
}

static bool needs_make(struct choice_question *q, const struct plan *p, const uint32_t *place)
{
	size_t terms = 0;
	size_t lists = 0;
	uint32_t n_avoid = 0;
	for (uint32_t i = 0; i < p->n->n; i++) {
		terms += need_terms(p, &p->n->need[i], place, NULL);
		lists += need_list(p, &p->n->need[i], NULL, &n_avoid);
	}
	q->need = calloc((size_t)p->n->n + 1, sizeof *q->need);
	q->term = calloc(terms + 1, sizeof *q->term);
	q->list = calloc(lists + 1, sizeof *q->list);
	if (terms >= UINT32_MAX || lists >= UINT32_MAX || q->need == NULL || q->term == NULL ||
	    q->list == NULL)
		return false;
	uint32_t at = 0;
	uint32_t list = 0;
	for (uint32_t i = 0; i < p->n->n; i++) {
		const struct need *n = &p->n->need[i];
		uint32_t count = need_terms(p, n, place, q->term + at);
		uint32_t listed = need_list(p, n, q->list + list, &n_avoid);
		q->need[i] = (struct choice_need){ .first = at,
			.n = count,
			.amp = n->amp,
			.list = list,
			.n_listed = listed,
			.n_avoid = n_avoid,
			.slot = n->slot,
			.slots = n->slots };
		at += count;
		list += listed;
	}
	q->n_needs = p->n->n;
	return true;
}

/* ---- the answer ---- */

static bool in_range(const struct choice_question *q, const struct choice_answer *a)
{
	if (a->start[0] != 0)
		return false;
	for (uint32_t i = 0; i < q->n_needs; i++)
		if (a->start[i + 1] < a->start[i])
			return false;
	for (uint32_t k = 0; k < a->start[q->n_needs]; k++)
		if (a->step[k].column >= q->n_columns || a->step[k].by == 0 || a->step[k].by > INT32_MAX ||
		    a->step[k].by < -INT32_MAX)
			return false;
	return true;
}

bool choice_holds(const struct choice_question *q, const struct choice_answer *a, uint32_t need)
{
	const struct choice_need *n = &q->need[need];
	int64_t *by = calloc((size_t)q->n_columns + 1, sizeof *by);
	bool ok = by != NULL;
	for (uint32_t k = a->start[need]; ok && k < a->start[need + 1]; k++) {
		struct choice_step s = a->step[k];
		ok = by[s.column] == 0 && !choice_avoids(q, n, q->group[s.column]) &&
		     (n->amp == 0 || (-s.by <= q->down[s.column] && s.by <= q->up[s.column]));
		by[s.column] = s.by;
	}
	for (uint32_t r = 0; ok && r < q->n_relations; r++) {
		int64_t sum = 0;
		for (uint32_t i = q->start[r]; i < q->start[r + 1]; i++)
			sum += by[q->entry[i].column] * q->entry[i].coef;
		ok = sum == 0;
	}
	int64_t change = 0;
	for (uint32_t i = n->first; ok && i < n->first + n->n; i++)
		change += by[q->term[i].column] * q->term[i].coef;
	free(by);
	return ok && (n->amp == 0 ? change != 0 : change >= n->amp);
}

double choice_cost(const struct choice_question *q, const struct choice_answer *a)
{
	uint8_t *seen = calloc((size_t)q->n_columns + 1, 1);
	double cost = 0;
	for (uint32_t k = 0; seen != NULL && k < a->start[q->n_needs]; k++) {
		uint32_t c = a->step[k].column;
		cost += seen[c] ? 0 : q->price[c];
		seen[c] = 1;
	}
	free(seen);
	return cost;
}

struct adoption {
	struct plan *p;
	const struct choice_question *q;
	const struct choice_answer *a;
};

static bool put_move(void *context, uint32_t need)
{
	const struct adoption *d = context;
	for (uint32_t k = d->a->start[need]; k < d->a->start[need + 1]; k++)
		if (!search_put(&d->p->s, d->q->cell[d->a->step[k].column], d->a->step[k].by))
			return false;
	return true;
}

static bool is_cheaper(const struct choice_question *q, const struct choice_answer *a)
{
	if (a->start == NULL || a->step == NULL || !in_range(q, a))
		return false;
	for (uint32_t i = 0; i < q->n_needs; i++)
		if (!choice_holds(q, a, i))
			return false;
	return choice_cost(q, a) < q->cost - LESS;
}

double choice_total(const struct grid *g, const uint8_t *priced)
{
	double cost = 0;
	for (uint32_t c = 0; c < g->n_cells; c++)
		cost += priced[c] != 0 && grid_hidden(g, c) ? grid_price(g, c) : 0;
	return cost;
}

bool choice_improve(struct plan *p, choice_ask *ask, void *context, uint8_t *priced,
    struct choice_outcome *out, struct err *e)
{
	struct choice_question q = { 0 };
	struct choice_answer a = { 0 };
	if (!apart_slots(p) && !plan_serve_all(p))
		return err_set(e, ERR_MEMORY, "no memory for the requirements");
	uint32_t *place = malloc(((size_t)p->g->n_cells + 1) * sizeof *place);
	bool ok = place != NULL && columns_make(&q, p->g, place) && relations_make(&q, p->g, place) &&
		  needs_make(&q, p, place);
	if (!ok)
		err_set(e, ERR_MEMORY, "no memory for the question");
	for (uint32_t i = 0; ok && i < q.n_columns; i++)
		priced[q.cell[i]] = q.price[i] > 0;
	*out = (struct choice_outcome){ .asked = true, .cost_before = q.cost };
	ok = ok && ask(context, &q, &a, e);
	if (ok) {
		struct adoption d = { p, &q, &a };
		out->bound = a.bound;
		out->adopted = is_cheaper(&q, &a) && plan_adopt(p, put_move, &d);
		ok = !p->memory_failed || err_set(e, ERR_MEMORY, "no memory for the moves");
	}
	choice_answer_free(&a);
	choice_question_free(&q);
	free(place);
	return ok;
}
