#include "policy/moves.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "policy/array.h"

#define SWEEP_LEAST 1024u

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
	free(p->born);
	if (p->entry != NULL)
		sodium_memzero(p->entry, p->room_entries * sizeof *p->entry);
	free(p->entry);
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

/* Puts the move into the lists of its secondary cells. It stays there while it waits for the end of a trial, and when it is dead,
 * until somebody sweeps. */
static void list_move(struct plan *p, uint32_t move)
{
	struct move *m = &p->move[move];
	m->listed = true;
	if (p->trial && !array_room(&p->born, &p->room_born, p->n_born + 1, sizeof *p->born))
		p->memory_failed = true;
	else if (p->trial)
		p->born[p->n_born++] = move;
	for (uint32_t i = 0; i < m->n; i++) {
		uint32_t at = p->free_node;
		if (!move_is_second(m, i))
			continue;
		if (at != NONE) {
			p->free_node = p->node[at].next;
		} else if (array_room(&p->node, &p->room_nodes, p->n_nodes + 1, sizeof *p->node)) {
			at = p->n_nodes++;
		} else {
			p->memory_failed = true;
			continue;
		}
		p->node[at] = (struct node){ move, p->head[move_cell(m, i)] };
		p->n_listed++;
		p->head[move_cell(m, i)] = at;
	}
}

static void drop_node(struct plan *p, uint32_t *from)
{
	uint32_t at = *from;
	*from = p->node[at].next;
	p->node[at].next = p->free_node;
	p->free_node = at;
	p->n_listed--;
}

/* Takes the newest of the listed moves out of the lists again. */
static void unlist_move(struct plan *p, uint32_t move)
{
	struct move *m = &p->move[move];
	m->listed = false;
	for (uint32_t i = m->n; i-- > 0;) {
		uint32_t *head = move_is_second(m, i) ? &p->head[move_cell(m, i)] : NULL;
		if (head != NULL && *head != NONE && p->node[*head].move == move)
			drop_node(p, head);
	}
}

static void empty_lists(struct plan *p)
{
	memset(p->head, 0xff, (size_t)p->g->n_cells * sizeof *p->head);
	p->free_node = NONE;
	p->n_nodes = 0;
	p->n_listed = 0;
	p->n_stale = 0;
}

static void free_place(struct plan *p, uint32_t move)
{
	p->move[move].listed = false;
	p->move[move].next_free = p->free_move;
	p->free_move = move;
}

/* Makes all lists anew, without the dead: their places are free from now on. */
static void sweep(struct plan *p)
{
	empty_lists(p);
	for (uint32_t i = p->n_moves; i-- > 0;) {
		if (p->move[i].listed && p->move[i].word != NULL)
			list_move(p, i);
		else if (p->move[i].listed)
			free_place(p, i);
	}
}

void plan_unlist(struct plan *p)
{
	empty_lists(p);
	free(p->node);
	p->node = NULL;
	p->room_nodes = 0;
	for (uint32_t i = p->n_moves; i-- > 0;) {
		if (p->move[i].listed && p->move[i].word == NULL)
			free_place(p, i);
		p->move[i].listed = false;
	}
}

static bool is_unlisted(const struct move *m)
{
	return m->word != NULL && m->active && !m->listed;
}

bool plan_list(struct plan *p)
{
	size_t n = p->n_nodes;
	for (uint32_t i = 0; i < p->n_moves; i++)
		for (uint32_t j = 0; is_unlisted(&p->move[i]) && j < p->move[i].n; j++)
			n += move_is_second(&p->move[i], j);
	if (n > UINT32_MAX || !array_room(&p->node, &p->room_nodes, (uint32_t)n, sizeof *p->node))
		p->memory_failed = true;
	for (uint32_t i = 0; i < p->n_moves && !p->memory_failed; i++)
		if (is_unlisted(&p->move[i]))
			list_move(p, i);
	return !p->memory_failed;
}

/* As soon as it costs no more than what made it necessary. */
static void sweep_if_due(struct plan *p)
{
	if (!p->trial && p->n_stale > p->n_listed / 2 && p->n_stale > SWEEP_LEAST + p->g->n_cells / 4)
		sweep(p);
}

static void activate(struct plan *p, uint32_t move)
{
	struct move *m = &p->move[move];
	m->active = true;
	if (!m->listed)
		list_move(p, move);
	for (uint32_t i = 0; i < m->n; i++) {
		uint32_t c = move_cell(m, i);
		if (move_is_second(m, i) && p->g->use[c]++ == 0) {
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
		uint32_t c = move_cell(m, i);
		if (move_is_second(m, i) && --p->g->use[c] == 0) {
			p->cost -= p->g->frozen[c] == 0 ? (double)p->g->price[c] : 0.0;
			grid_see(p->g, c);
		}
	}
}

/* The place of a listed move is not free before the lists are swept. */
static void kill(struct plan *p, uint32_t move)
{
	if (move == p->whole)
		p->whole = NONE;
	move_free(&p->move[move]);
	if (p->move[move].listed) {
		p->n_stale += p->move[move].n;
		return;
	}
	free_place(p, move);
}

void move_retire(struct plan *p, uint32_t move)
{
	if (!p->trial || !p->move[move].listed)
		kill(p, move);
	else if (!array_room(&p->limbo, &p->room_limbo, p->n_limbo + 1, sizeof *p->limbo))
		p->memory_failed = true;
	else
		p->limbo[p->n_limbo++] = move;
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

void plan_drop_through(struct plan *p, uint32_t cell)
{
	for (uint32_t *at = &p->head[cell]; *at != NONE && p->g->use[cell] != 0 && !p->memory_failed;) {
		struct move *m = &p->move[p->node[*at].move];
		if (m->word == NULL) {
			drop_node(p, at);
			continue;
		}
		while (!p->memory_failed && m->active && m->first_need != NONE)
			need_assign(p, m->first_need, NONE);
		at = &p->node[*at].next;
	}
}

/* ---- trials ---- */

void plan_try(struct plan *p)
{
	p->trial = true;
	p->n_log = 0;
}

struct mark plan_mark(const struct plan *p)
{
	return (struct mark){ p->n_log, p->n_limbo, p->n_born };
}

void plan_undo(struct plan *p, struct mark since)
{
	uint32_t n = p->n_log;
	p->n_rising = 0;
	while (n-- > since.n_log) {
		struct change c = p->log[n];
		p->n_log = n; /* assign writes a log line of its own here, forgotten by the next turn */
		need_assign(p, c.need, c.move);
	}
	p->n_log = since.n_log;
	p->n_limbo = since.n_limbo;
	while (p->n_born > since.n_born) {
		uint32_t move = p->born[--p->n_born];
		unlist_move(p, move);
		kill(p, move);
	}
}

void plan_settle(struct plan *p)
{
	p->trial = false;
	for (uint32_t i = 0; i < p->n_rising; i++)
		p->risen[p->rising[i]] = p->n_trials;
	p->n_rising = 0;
	for (uint32_t i = 0; i < p->n_limbo; i++)
		if (p->move[p->limbo[i]].word != NULL && !p->move[p->limbo[i]].active)
			kill(p, p->limbo[i]);
	p->n_limbo = 0;
	p->n_born = 0;
	p->n_log = 0;
	sweep_if_due(p);
}

void plan_roll_back(struct plan *p)
{
	plan_undo(p, (struct mark){ 0 });
	plan_settle(p);
}

/* ---- one move, from the search's delta ---- */

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

/* A place for a move; NONE: no memory. */
static uint32_t take_place(struct plan *p)
{
	sweep_if_due(p);
	uint32_t at = p->free_move;
	if (at != NONE)
		p->free_move = p->move[at].next_free;
	else if (array_room(&p->move, &p->room_moves, p->n_moves + 1, sizeof *p->move))
		at = p->n_moves++;
	return at;
}

/* What came of a move's place: without memory it is free again. */
static uint32_t made(struct plan *p, uint32_t at, bool ok)
{
	if (ok)
		return at;
	p->memory_failed = true;
	free_place(p, at);
	return NONE;
}

/* A move of the first n entries of the plan's scratch; NONE: no memory. */
static uint32_t move_make(struct plan *p, uint32_t n)
{
	uint32_t at = take_place(p);
	if (at == NONE)
		return NONE;
	p->move[at] = (struct move){ .first_need = NONE };
	return made(p, at, move_pack(&p->move[at], p->g, p->entry, n, p->met));
}

uint32_t move_store_copy(struct plan *p, const struct move *from)
{
	uint32_t at = take_place(p);
	return at == NONE ? NONE : made(p, at, move_copy(&p->move[at], from, p->g));
}

uint32_t move_store(struct plan *p)
{
	struct search *s = &p->s;
	uint32_t n = 0;
	if (!array_room(&p->entry, &p->room_entries, s->n_touched, sizeof *p->entry))
		return NONE;
	for (uint32_t i = 0; i < s->n_touched; i++) {
		int64_t by = search_delta(s, s->touched[i]);
		if (by != 0 && (s->look[s->touched[i]] & SPOT_BOUGHT) != 0)
			note_rising(p, s->touched[i]);
		if (by != 0)
			p->entry[n++] = (struct entry){ s->touched[i], (int32_t)by };
	}
	sort_entries(p->entry, n);
	return move_make(p, n);
}

uint32_t move_store_terms(struct plan *p, const struct term *term, uint32_t n)
{
	if (!array_room(&p->entry, &p->room_entries, n, sizeof *p->entry))
		return NONE;
	for (uint32_t i = 0; i < n; i++)
		p->entry[i] = (struct entry){ term[i].cell, term[i].sign };
	return move_make(p, n);
}

int64_t need_change(
    const struct grid *g, const struct needs *n, const struct need *need, const struct move *m)
{
	int64_t sum = 0;
	if (need->virt == NONE)
		return move_change_at(m, need->cell) * need->dir;
	const struct virt *v = &n->virt[need->virt];
	if (v->except != NONE)
		return (move_change_at(m, v->r.parent) - move_change_at(m, virt_off(g, v))) * need->dir;
	for (uint32_t j = 0; j < v->r.b->n; j++)
		if (virt_holds(g, v, j))
			sum += move_change_at(m, virt_part(g, v, j));
	return sum * need->dir;
}

static bool touches_band(const struct needs *n, const struct need *need, const struct move *m)
{
	const struct band *b = &n->band[need->band];
	for (uint32_t i = 0; i < b->n_avoid; i++)
		if (move_touches(m, n->office[b->first + i]))
			return true;
	return false;
}

static bool meet(const struct needs *n, const struct need *need, const struct move *a, const struct move *b)
{
	const uint32_t *x = move_offices(a);
	const uint32_t *y = move_offices(b);
	uint32_t i = 0;
	uint32_t j = 0;
	while (i < a->n_offices && j < b->n_offices) {
		if (x[i] == y[j] && !need_exempts(n, need, x[i]))
			return true;
		if (x[i] <= y[j])
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
	if (n->avoid != NONE && move_touches(m, n->avoid))
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
		for (uint32_t o = p->n->first[move_cell(m, i)]; o != NONE; o = p->n->need[o].next)
			if (p->n->need[o].move == NONE &&
			    (p->n->need[o].amp == 0) == (p->n->need[need].amp == 0) &&
			    move_serves(p, o, move))
				need_assign(p, o, move);
	return !p->memory_failed;
}
