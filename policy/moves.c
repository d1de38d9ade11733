#include "policy/moves.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "policy/array.h"

bool plan_init(struct plan *p, struct grid *g, struct needs *n, struct err *e)
{
	memset(p, 0, sizeof *p);
	p->g = g;
	p->n = n;
	p->free_move = NONE;
	p->free_node = NONE;
	p->unserved = NONE;
	p->whole = NONE;
	p->head = malloc((size_t)g->n_cells * sizeof *p->head);
	if (p->head == NULL)
		return err_set(e, ERR_MEMORY, "no memory for the plan");
	p->met = calloc(g->office_dim == SIZE_MAX ? 1 : g->t->dim[g->office_dim].n_codes, sizeof *p->met);
	p->stuck = calloc(g->n_cells, sizeof *p->stuck);
	p->tried = calloc(g->n_cells, sizeof *p->tried);
	p->risen = calloc(g->n_cells, sizeof *p->risen);
	if (p->tried == NULL || p->risen == NULL || p->met == NULL || p->stuck == NULL)
		return err_set(e, ERR_MEMORY, "no memory for the plan");
	memset(p->head, 0xff, (size_t)g->n_cells * sizeof *p->head);
	if (g->ledger != NULL &&
	    !hints_read(&p->hints, g->ledger, g->ledger->past[g->ledger->n - 1].auditor, e))
		return false;
	grid_see_all(g);
	return search_init(&p->s, g, e);
}

static void move_free(struct move *m)
{
	if (m->entry != NULL)
		sodium_memzero(m->entry, m->n * sizeof *m->entry);
	free(m->entry);
	free(m->office);
	m->entry = NULL;
	m->office = NULL;
}

void plan_free(struct plan *p)
{
	for (uint32_t i = 0; i < p->n_moves; i++)
		move_free(&p->move[i]);
	if (p->s.g != NULL)
		search_free(&p->s);
	hints_free(&p->hints);
	free(p->move);
	free(p->node);
	free(p->head);
	free(p->log);
	free(p->limbo);
	free(p->tried);
	free(p->stuck);
	free(p->met);
	free(p->sum_tried);
	free(p->risen);
	free(p->rising);
	free(p->tie);
	memset(p, 0, sizeof *p);
}

/* ---- moves in and out ---- */

static bool add_node(struct plan *p, uint32_t cell, uint32_t move, uint32_t *place)
{
	uint32_t at = p->free_node;
	if (at != NONE) {
		p->free_node = p->node[at].next;
	} else {
		if (!array_room(&p->node, &p->room_nodes, p->n_nodes + 1, sizeof *p->node))
			return false;
		at = p->n_nodes++;
	}
	p->node[at] = (struct node){ move, p->head[cell], NONE };
	if (p->head[cell] != NONE)
		p->node[p->head[cell]].before = at;
	p->head[cell] = at;
	*place = at;
	return true;
}

static void drop_node(struct plan *p, uint32_t cell, uint32_t at)
{
	struct node *n = &p->node[at];
	if (n->before != NONE)
		p->node[n->before].next = n->next;
	else
		p->head[cell] = n->next;
	if (n->next != NONE)
		p->node[n->next].before = n->before;
	n->next = p->free_node;
	p->free_node = at;
}

static void activate(struct plan *p, uint32_t move)
{
	struct move *m = &p->move[move];
	m->active = true;
	for (uint32_t i = 0; i < m->n; i++) {
		uint32_t c = m->entry[i].cell;
		m->entry[i].node = NONE;
		if ((p->g->look[c] & LOOK_SECOND) == 0)
			continue;
		if (!add_node(p, c, move, &m->entry[i].node)) {
			p->memory_failed = true;
			continue;
		}
		if (p->g->use[c]++ == 0) {
			p->cost += p->g->frozen[c] == 0 ? (double)p->g->price[c] : 0.0;
			grid_see(p->g, c);
		}
	}
}

static void deactivate(struct plan *p, uint32_t move)
{
	struct move *m = &p->move[move];
	m->active = false;
	for (uint32_t i = 0; i < m->n; i++) {
		uint32_t c = m->entry[i].cell;
		if (m->entry[i].node == NONE)
			continue;
		drop_node(p, c, m->entry[i].node);
		if (--p->g->use[c] == 0) {
			p->cost -= p->g->frozen[c] == 0 ? (double)p->g->price[c] : 0.0;
			grid_see(p->g, c);
		}
	}
}

void move_retire(struct plan *p, uint32_t move)
{
	if (p->trial) {
		if (!array_room(&p->limbo, &p->room_limbo, p->n_limbo + 1, sizeof *p->limbo))
			p->memory_failed = true;
		else
			p->limbo[p->n_limbo++] = move;
		return;
	}
	if (move == p->whole)
		p->whole = NONE;
	move_free(&p->move[move]);
	p->move[move].next_free = p->free_move;
	p->free_move = move;
}

void need_assign(struct plan *p, uint32_t need, uint32_t move)
{
	struct need *n = &p->n->need[need];
	uint32_t old = n->move;
	if (p->trial) {
		if (!array_room(&p->log, &p->room_log, p->n_log + 1, sizeof *p->log)) {
			p->memory_failed = true;
			return;
		}
		p->log[p->n_log++] = (struct change){ need, old };
	}
	if (old != NONE) {
		if (n->before != NONE)
			p->n->need[n->before].same = n->same;
		else
			p->move[old].first_need = n->same;
		if (n->same != NONE)
			p->n->need[n->same].before = n->before;
	}
	n->move = move;
	if (move != NONE) {
		struct move *m = &p->move[move];
		n->before = NONE;
		n->same = m->first_need;
		if (m->first_need != NONE)
			p->n->need[m->first_need].before = need;
		m->first_need = need;
		if (!m->active)
			activate(p, move);
	}
	if (old != NONE && p->move[old].first_need == NONE) {
		deactivate(p, old);
		move_retire(p, old);
	}
}

void plan_settle(struct plan *p)
{
	p->trial = false;
	for (uint32_t i = 0; i < p->n_rising; i++)
		p->risen[p->rising[i]] = p->n_trials;
	p->n_rising = 0;
	for (uint32_t i = 0; i < p->n_limbo; i++)
		if (p->move[p->limbo[i]].entry != NULL && !p->move[p->limbo[i]].active)
			move_retire(p, p->limbo[i]);
	p->n_limbo = 0;
	p->n_log = 0;
}

void plan_roll_back(struct plan *p)
{
	uint32_t n = p->n_log;
	p->n_rising = 0;
	while (n-- > 0) {
		struct change c = p->log[n];
		p->n_log = n; /* assign writes a log line of its own here, forgotten by the next turn */
		need_assign(p, c.need, c.move);
	}
	plan_settle(p);
}

/* ---- one move, from the search's delta ---- */

/* The offices of a move, ascending: entries mostly come that way. */
static bool collect_offices(struct plan *p, struct move *m)
{
	uint32_t *met = p->met;
	uint32_t n = 0;
	for (uint32_t i = 0; i < m->n; i++) {
		uint32_t o = grid_office(p->g, m->entry[i].cell);
		uint32_t at = n;
		if (o == NONE)
			continue;
		while (at > 0 && met[at - 1] > o)
			at--;
		if (at > 0 && met[at - 1] == o)
			continue;
		memmove(met + at + 1, met + at, (n - at) * sizeof *met);
		met[at] = o;
		n++;
	}
	m->office = malloc(((size_t)n + 1) * sizeof *m->office);
	if (m->office == NULL)
		return false;
	memcpy(m->office, met, n * sizeof *met);
	m->n_offices = n;
	return true;
}

/* Moves are short, and begin in order as products come out: insertion with growing care for the rest (Shell). */
static void sort_entries(struct entry *e, uint32_t n)
{
	static const uint32_t gaps[] = { 1093, 364, 121, 40, 13, 4, 1 };
	for (unsigned g = 0; g < sizeof gaps / sizeof gaps[0]; g++)
		for (uint32_t i = gaps[g]; i < n; i++) {
			struct entry one = e[i];
			uint32_t at = i;
			for (; at >= gaps[g] && e[at - gaps[g]].cell > one.cell; at -= gaps[g])
				e[at] = e[at - gaps[g]];
			e[at] = one;
		}
}

static void note_rising(struct plan *p, uint32_t cell)
{
	if (!p->trial)
		p->risen[cell] = p->n_trials;
	else if (!array_room(&p->rising, &p->room_rising, p->n_rising + 1, sizeof *p->rising))
		p->memory_failed = true;
	else
		p->rising[p->n_rising++] = cell;
}

/* A place for a move of at most so many entries; NONE: no memory. */
static uint32_t move_new(struct plan *p, uint32_t most)
{
	uint32_t at = p->free_move;
	if (at == NONE) {
		if (!array_room(&p->move, &p->room_moves, p->n_moves + 1, sizeof *p->move))
			return NONE;
		at = p->n_moves++;
		p->move[at] = (struct move){ .n = 0 };
	} else {
		p->free_move = p->move[at].next_free;
	}
	struct move *m = &p->move[at];
	m->n = 0;
	m->first_need = NONE;
	m->active = false;
	m->entry = malloc(((size_t)most + 1) * sizeof *m->entry);
	return at;
}

/* Its entries are in. NONE, and its place is free again, without memory. */
static uint32_t move_complete(struct plan *p, uint32_t at)
{
	struct move *m = &p->move[at];
	if (m->entry != NULL && collect_offices(p, m))
		return at;
	p->memory_failed = true;
	move_free(m);
	m->next_free = p->free_move;
	p->free_move = at;
	return NONE;
}

uint32_t move_store(struct plan *p)
{
	struct search *s = &p->s;
	uint32_t n = 0;
	for (uint32_t i = 0; i < s->n_touched; i++)
		n += search_delta(s, s->touched[i]) != 0;
	uint32_t at = move_new(p, n);
	if (at == NONE)
		return NONE;
	struct move *m = &p->move[at];
	for (uint32_t i = 0; m->entry != NULL && i < s->n_touched; i++) {
		int64_t by = search_delta(s, s->touched[i]);
		if (by != 0 && (s->spot[s->touched[i]].state & SPOT_BOUGHT) != 0)
			note_rising(p, s->touched[i]);
		if (by != 0)
			m->entry[m->n++] = (struct entry){ s->touched[i], (int32_t)by, NONE };
	}
	if (m->entry != NULL)
		sort_entries(m->entry, m->n);
	return move_complete(p, at);
}

uint32_t move_store_terms(struct plan *p, const struct term *term, uint32_t n)
{
	uint32_t at = move_new(p, n);
	if (at == NONE)
		return NONE;
	struct move *m = &p->move[at];
	for (uint32_t i = 0; m->entry != NULL && i < n; i++)
		m->entry[m->n++] = (struct entry){ term[i].cell, term[i].sign, NONE };
	return move_complete(p, at);
}

int64_t move_change_at(const struct move *m, uint32_t cell)
{
	uint32_t low = 0;
	uint32_t high = m->n;
	while (low < high) {
		uint32_t mid = (low + high) / 2;
		if (m->entry[mid].cell < cell)
			low = mid + 1;
		else
			high = mid;
	}
	return low < m->n && m->entry[low].cell == cell ? m->entry[low].by : 0;
}

int64_t need_change(
    const struct grid *g, const struct needs *n, const struct need *need, const struct move *m)
{
	int64_t sum = 0;
	if (need->virt == NONE)
		return move_change_at(m, need->cell) * need->dir;
	const struct virt *v = &n->virt[need->virt];
	for (uint32_t j = 0; j < v->r.b->n; j++)
		if (virt_holds(g, v, j))
			sum += move_change_at(m, relation_child(g, &v->r, j));
	return sum * need->dir;
}

static bool touches(const struct move *m, uint32_t office)
{
	uint32_t low = 0;
	uint32_t high = m->n_offices;
	while (low < high) {
		uint32_t mid = (low + high) / 2;
		if (m->office[mid] < office)
			low = mid + 1;
		else
			high = mid;
	}
	return low < m->n_offices && m->office[low] == office;
}

static bool touches_band(const struct needs *n, const struct need *need, const struct move *m)
{
	const struct band *b = &n->band[need->band];
	for (uint32_t i = 0; i < b->n_avoid; i++)
		if (touches(m, n->office[b->first + i]))
			return true;
	return false;
}

static bool meet(const struct needs *n, const struct need *need, const struct move *a, const struct move *b)
{
	uint32_t i = 0;
	uint32_t j = 0;
	while (i < a->n_offices && j < b->n_offices) {
		if (a->office[i] == b->office[j] && !need_exempts(n, need, a->office[i]))
			return true;
		if (a->office[i] <= b->office[j])
			i++;
		else
			j++;
	}
	return false;
}

bool move_serves(const struct plan *p, uint32_t need, uint32_t move)
{
	const struct need *n = &p->n->need[need];
	const struct move *m = &p->move[move];
	int64_t change = need_change(p->g, p->n, n, m);
	if (n->amp == 0 ? change == 0 : change < n->amp)
		return false;
	if (n->avoid != NONE && touches(m, n->avoid))
		return false;
	if (n->band != NONE && touches_band(p->n, n, m))
		return false;
	for (uint32_t i = need - n->slot; i < need - n->slot + n->slots; i++)
		if (i != need && p->n->need[i].move != NONE && meet(p->n, n, m, &p->move[p->n->need[i].move]))
			return false;
	return true;
}

bool move_commit(struct plan *p, uint32_t need)
{
	uint32_t move = move_store(p);
	if (move == NONE)
		return false;
	if (!move_serves(p, need, move)) {
		move_retire(p, move);
		return false;
	}
	need_assign(p, need, move);
	const struct move *m = &p->move[move];
	for (uint32_t i = 0; i < m->n; i++)
		for (uint32_t o = p->n->first[m->entry[i].cell]; o != NONE; o = p->n->need[o].next)
			if (p->n->need[o].move == NONE &&
			    (p->n->need[o].amp == 0) == (p->n->need[need].amp == 0) &&
			    move_serves(p, o, move))
				need_assign(p, o, move);
	return !p->memory_failed;
}
