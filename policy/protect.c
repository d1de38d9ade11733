#include "policy/protect.h"

#include "policy/exact.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#define GATHER_STEPS 24u
#define RETRIES      24u
#define APART_TRIES  12u
#define CLEAN_USE    24u /* moves through a secondary: with more it is hardly ever needless, and dear to try */
#define BYPASSES     6u
#define IMPROVE_HEAT 5.0    /* at first a pattern dearer by this much is taken as often as not */
#define IMPROVE_WORK 2000u  /* cells priced, on average, for one turn */
#define EXACT_CELLS  20000u /* grid cells up to which the program is asked before the last resort */

static bool grow(void *array, uint32_t *room, uint32_t n, size_t size)
{
	void *now = NULL;
	if (n < *room)
		return true;
	uint32_t more = *room == 0 ? 64 : *room * 2;
	memcpy(&now, array, sizeof now);
	void *bigger = more < *room ? NULL : realloc(now, (size_t)more * size);
	if (bigger == NULL)
		return false;
	memcpy(array, &bigger, sizeof bigger);
	*room = more;
	return true;
}

bool plan_init(struct plan *p, struct grid *g, struct needs *n, struct err *e)
{
	memset(p, 0, sizeof *p);
	p->g = g;
	p->n = n;
	p->free_move = NONE;
	p->free_node = NONE;
	p->unserved = NONE;
	p->head = malloc((size_t)g->n_cells * sizeof *p->head);
	if (p->head == NULL)
		return err_set(e, ERR_MEMORY, "no memory for the plan");
	memset(p->head, 0xff, (size_t)g->n_cells * sizeof *p->head);
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
	free(p->move);
	free(p->node);
	free(p->head);
	free(p->log);
	free(p->limbo);
	memset(p, 0, sizeof *p);
}

bool plan_over_limit(const struct plan *p)
{
	return p->max_work != 0 && p->s.work > p->max_work;
}

/* ---- moves in and out ---- */

static bool is_bought(const struct grid *g, uint32_t cell)
{
	return g->kind[cell] == KIND_OPEN && g->primary[cell] == 0;
}

static void drop_nodes(struct plan *p, uint32_t cell)
{
	uint32_t at = p->head[cell];
	while (at != NONE) {
		uint32_t next = p->node[at].next;
		p->node[at].next = p->free_node;
		p->free_node = at;
		at = next;
	}
	p->head[cell] = NONE;
}

static bool add_node(struct plan *p, uint32_t cell, uint32_t move)
{
	uint32_t at = p->free_node;
	if (at != NONE) {
		p->free_node = p->node[at].next;
	} else {
		if (!grow(&p->node, &p->room_nodes, p->n_nodes, sizeof *p->node))
			return false;
		at = p->n_nodes++;
	}
	p->node[at] = (struct node){ move, p->move[move].serial, p->head[cell] };
	p->head[cell] = at;
	return true;
}

static void activate(struct plan *p, uint32_t move)
{
	struct move *m = &p->move[move];
	m->active = true;
	for (uint32_t i = 0; i < m->n; i++) {
		uint32_t c = m->entry[i].cell;
		if (!is_bought(p->g, c))
			continue;
		if (p->g->use[c]++ == 0 && p->g->sticky[c] == 0)
			p->cost += (double)p->g->price[c];
		if (!add_node(p, c, move))
			p->memory_failed = true;
	}
}

static void deactivate(struct plan *p, uint32_t move)
{
	struct move *m = &p->move[move];
	m->active = false;
	m->serial++;
	for (uint32_t i = 0; i < m->n; i++) {
		uint32_t c = m->entry[i].cell;
		if (!is_bought(p->g, c))
			continue;
		if (--p->g->use[c] == 0) {
			drop_nodes(p, c);
			if (p->g->sticky[c] == 0)
				p->cost -= (double)p->g->price[c];
		}
	}
}

static void retire(struct plan *p, uint32_t move)
{
	if (p->trial) {
		if (!grow(&p->limbo, &p->room_limbo, p->n_limbo, sizeof *p->limbo))
			p->memory_failed = true;
		else
			p->limbo[p->n_limbo++] = move;
		return;
	}
	move_free(&p->move[move]);
	p->move[move].next_free = p->free_move;
	p->free_move = move;
}

/* Gives a need a move (NONE: none). The one it had goes when it serves nobody else. */
static void assign(struct plan *p, uint32_t need, uint32_t move)
{
	struct need *n = &p->n->need[need];
	uint32_t old = n->move;
	if (p->trial) {
		if (!grow(&p->log, &p->room_log, p->n_log, sizeof *p->log)) {
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
		retire(p, old);
	}
}

static void settle(struct plan *p)
{
	p->trial = false;
	for (uint32_t i = 0; i < p->n_limbo; i++)
		if (p->move[p->limbo[i]].entry != NULL && !p->move[p->limbo[i]].active)
			retire(p, p->limbo[i]);
	p->n_limbo = 0;
	p->n_log = 0;
}

static void roll_back(struct plan *p)
{
	uint32_t n = p->n_log;
	while (n-- > 0) {
		struct change c = p->log[n];
		p->n_log = n; /* assign writes a log line of its own here, forgotten by the next turn */
		assign(p, c.need, c.move);
	}
	settle(p);
}

/* ---- one move, from the search's delta ---- */

static int by_cell(const void *a, const void *b)
{
	uint32_t x = 0;
	uint32_t y = 0;
	memcpy(&x, a, sizeof x);
	memcpy(&y, b, sizeof y);
	return (x > y) - (x < y);
}

static bool collect_offices(struct plan *p, struct move *m)
{
	const struct grid *g = p->g;
	m->office = malloc(((size_t)m->n + 1) * sizeof *m->office);
	if (m->office == NULL)
		return false;
	m->n_offices = 0;
	for (uint32_t i = 0; i < m->n; i++) {
		uint32_t o = grid_office(g, m->entry[i].cell);
		if (o != NONE)
			m->office[m->n_offices++] = o;
	}
	qsort(m->office, m->n_offices, sizeof *m->office, by_cell);
	uint32_t n = 0;
	for (uint32_t i = 0; i < m->n_offices; i++)
		if (n == 0 || m->office[n - 1] != m->office[i])
			m->office[n++] = m->office[i];
	m->n_offices = n;
	uint32_t *less = realloc(m->office, ((size_t)n + 1) * sizeof *less);
	m->office = less == NULL ? m->office : less;
	return true;
}

/* Makes a stored move of the delta; NONE without memory. It serves nobody yet. */
static uint32_t store_delta(struct plan *p)
{
	struct search *s = &p->s;
	uint32_t at = p->free_move;
	if (at == NONE) {
		if (!grow(&p->move, &p->room_moves, p->n_moves, sizeof *p->move))
			return NONE;
		at = p->n_moves++;
		p->move[at] = (struct move){ .serial = 0 };
	} else {
		p->free_move = p->move[at].next_free;
	}
	struct move *m = &p->move[at];
	m->n = 0;
	m->first_need = NONE;
	m->active = false;
	m->entry = malloc(((size_t)s->n_touched + 1) * sizeof *m->entry);
	for (uint32_t i = 0; m->entry != NULL && i < s->n_touched; i++) {
		int64_t by = s->delta[s->touched[i]];
		if (by != 0)
			m->entry[m->n++] = (struct entry){ s->touched[i], (int32_t)by };
	}
	if (m->entry == NULL || !collect_offices(p, m)) {
		p->memory_failed = true;
		move_free(m);
		m->next_free = p->free_move;
		p->free_move = at;
		return NONE;
	}
	qsort(m->entry, m->n, sizeof *m->entry, by_cell);
	return at;
}

static int64_t entry_at(const struct move *m, uint32_t cell)
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
		return entry_at(m, need->cell) * need->dir;
	const struct virt *v = &n->virt[need->virt];
	for (uint32_t j = 0; j < v->r.b->n; j++)
		if (virt_holds(g, v, j))
			sum += entry_at(m, relation_child(g, &v->r, j));
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

static bool meet(const struct move *a, const struct move *b, uint32_t exempt)
{
	uint32_t i = 0;
	uint32_t j = 0;
	while (i < a->n_offices && j < b->n_offices) {
		if (a->office[i] == b->office[j] && a->office[i] != exempt)
			return true;
		if (a->office[i] <= b->office[j])
			i++;
		else
			j++;
	}
	return false;
}

/* Would this move serve that need, beside the moves of its other slots? */
static bool serves(const struct plan *p, uint32_t need, uint32_t move)
{
	const struct need *n = &p->n->need[need];
	const struct move *m = &p->move[move];
	int64_t change = need_change(p->g, p->n, n, m);
	if (n->amp == 0 ? change == 0 : change < n->amp)
		return false;
	if (n->avoid != NONE && touches(m, n->avoid))
		return false;
	for (uint32_t i = need - n->slot; i < need - n->slot + n->slots; i++)
		if (i != need && p->n->need[i].move != NONE &&
		    meet(m, &p->move[p->n->need[i].move], n->exempt))
			return false;
	return true;
}

/* Takes the delta as the need's move, and lets it serve whatever else it can. */
static bool commit(struct plan *p, uint32_t need)
{
	uint32_t move = store_delta(p);
	if (move == NONE)
		return false;
	if (!serves(p, need, move)) {
		retire(p, move);
		return false;
	}
	assign(p, need, move);
	const struct move *m = &p->move[move];
	for (uint32_t i = 0; i < m->n; i++)
		for (uint32_t o = p->n->first[m->entry[i].cell]; o != NONE; o = p->n->need[o].next)
			if (p->n->need[o].move == NONE &&
			    (p->n->need[o].amp == 0) == (p->n->need[need].amp == 0) && serves(p, o, move))
				assign(p, o, move);
	return !p->memory_failed;
}

/* ---- serving ---- */

static void set_avoid(struct plan *p, uint32_t need, uint8_t value)
{
	const struct need *n = &p->n->need[need];
	if (n->avoid != NONE)
		p->s.avoid[n->avoid] = value;
	for (uint32_t i = need - n->slot; i < need - n->slot + n->slots; i++) {
		if (i == need || p->n->need[i].move == NONE)
			continue;
		const struct move *m = &p->move[p->n->need[i].move];
		for (uint32_t j = 0; j < m->n_offices; j++)
			if (m->office[j] != n->exempt)
				p->s.avoid[m->office[j]] = value;
	}
}

static const struct virt *need_virt(const struct plan *p, const struct need *n)
{
	return n->virt == NONE ? NULL : &p->n->virt[n->virt];
}

/* Largest free product move of at most `most` on top of the delta; 0: none. */
static int64_t free_step(struct plan *p, const struct need *n, int64_t most)
{
	p->s.pay = false;
	for (int64_t h = most; h >= 1; h /= 2)
		if (search_find(&p->s, n->cell, need_virt(p, n), n->dir, h))
			return search_take(&p->s, n->dir, h) ? h : 0;
	return 0;
}

static bool gather(struct plan *p, const struct need *n, int64_t amp)
{
	for (unsigned i = 0; i < GATHER_STEPS && amp > 0; i++) {
		int64_t h = free_step(p, n, amp);
		if (h == 0)
			return false;
		amp -= h;
	}
	return amp <= 0;
}

/* Leaves the cheaper paid move of one unit or of all that is left in the search; answers its size, 0 for
 * none. */
static int64_t cheaper_step(struct plan *p, const struct need *n, int64_t amp)
{
	const struct virt *v = need_virt(p, n);
	p->s.pay = true;
	bool one = search_find(&p->s, n->cell, v, n->dir, 1);
	float price = p->s.price;
	if (amp == 1)
		return one ? 1 : 0;
	if (search_find(&p->s, n->cell, v, n->dir, amp) && (!one || p->s.price <= price))
		return amp;
	return one && search_find(&p->s, n->cell, v, n->dir, 1) ? 1 : 0;
}

/* Steps: free when possible, else the cheaper of one unit and all that is left. Answers what was paid. */
static bool pay_steps(struct plan *p, const struct need *n, int64_t amp, float most, float *paid)
{
	*paid = 0.0f;
	for (unsigned i = 0; i < GATHER_STEPS && amp > 0; i++) {
		int64_t h = free_step(p, n, amp);
		if (h == 0) {
			h = cheaper_step(p, n, amp);
			if (h == 0)
				return false;
			*paid += p->s.price;
			if (*paid >= most || !search_take(&p->s, n->dir, h))
				return false;
		}
		amp -= h;
	}
	return amp <= 0;
}

/* The cheaper of one product move of full amplitude and a sum of steps. The delta holds the answer. */
static bool pay(struct plan *p, const struct need *n, int64_t amp)
{
	float paid = 0.0f;
	p->s.pay = true;
	bool whole = search_find(&p->s, n->cell, need_virt(p, n), n->dir, amp);
	float price = p->s.price;
	if (whole && (amp == 1 || price <= 0.0f))
		return search_take(&p->s, n->dir, amp);
	if (amp > 1 && pay_steps(p, n, amp, price, &paid))
		return true;
	search_reset(&p->s);
	p->s.pay = true;
	return whole && search_find(&p->s, n->cell, need_virt(p, n), n->dir, amp) &&
	       search_take(&p->s, n->dir, amp);
}

/* Where product moves found nothing, asks the program on small tables. Not where they found something dear: that was
 * tried, costs a thousand times the work and hides as much. */
static bool pay_exact(struct plan *p, uint32_t need, int64_t amp)
{
	const struct need *n = &p->n->need[need];
	if (p->trial || p->g->n_cells > EXACT_CELLS)
		return false;
	p->s.pay = true;
	return exact_find(&p->s, n, need_virt(p, n), amp);
}

/* Serves one need; may_pay: visible cells may be hidden for it. Where several slots must touch different
 * offices, a sum of moves keeps to as few offices as it can, and only then to any. */
static bool serve(struct plan *p, uint32_t need, bool may_pay)
{
	const struct need *n = &p->n->need[need];
	int64_t amp = n->amp == 0 ? 1 : n->amp;
	bool ok = false;
	set_avoid(p, need, 1);
	p->s.any_room = n->amp == 0;
	for (int free_choice = n->slots > 1 ? 0 : 1; !ok && free_choice < 2; free_choice++) {
		p->s.confined = free_choice == 0;
		search_reset(&p->s);
		if (gather(p, n, amp)) {
			ok = commit(p, need);
			p->by_free += ok && !may_pay;
			p->by_gather += ok && may_pay;
		}
		if (!ok && may_pay) {
			search_reset(&p->s);
			ok = (pay(p, n, amp) || pay_exact(p, need, amp)) && commit(p, need);
			p->by_pay += ok;
		}
	}
	p->s.confined = false;
	search_reset(&p->s);
	set_avoid(p, need, 0);
	return ok;
}

/* Which slot may touch the office in this attempt: offices are dealt out by key, each slot gets one of those
 * below the cell for certain; in the later attempts that one only. */
static uint32_t apart_slot(const struct plan *p, const struct need *n, uint32_t office, unsigned attempt)
{
	const struct dim *d = &p->g->t->dim[p->g->office_dim];
	uint32_t code = grid_coord(p->g, n->cell, p->g->office_dim);
	uint32_t below = list_size(&d->atoms, code);
	for (uint32_t j = 0; j < n->slots; j++)
		if (list_at(&d->atoms, code)[(attempt + j) % below] == office)
			return j;
	if (attempt % 2 == 1)
		return NONE;
	return (uint32_t)(grid_random(p->g, 13, office, attempt) % n->slots);
}

static void set_apart(struct plan *p, const struct need *n, uint32_t slot, unsigned attempt, bool on)
{
	const struct dim *d = &p->g->t->dim[p->g->office_dim];
	for (uint32_t o = 0; o < d->n_codes; o++)
		if (dim_is_leaf(d, o))
			p->s.avoid[o] = on && o != n->exempt && apart_slot(p, n, o, attempt) != slot;
}

/* Slots must touch different offices: where the first took them all, deal them out beforehand. */
static bool serve_apart(struct plan *p, uint32_t need)
{
	const struct need *n = &p->n->need[need];
	uint32_t first = need - n->slot;
	bool ok = false;
	if (n->slots < 2 || p->g->office_dim == SIZE_MAX)
		return false;
	for (unsigned i = 0; i < APART_TRIES && !ok && !plan_over_limit(p); i++) {
		for (uint32_t j = first; j < first + n->slots; j++)
			assign(p, j, NONE);
		ok = true;
		for (uint32_t j = 0; ok && j < n->slots; j++) {
			set_apart(p, n, j, i, true);
			ok = serve(p, first + j, true);
			set_apart(p, n, j, i, false);
		}
	}
	return ok;
}

/* Another try for all slots of a need together, with noise on the prices. */
static bool retry(struct plan *p, uint32_t need)
{
	const struct need *n = &p->n->need[need];
	uint32_t first = need - n->slot;
	bool ok = false;
	for (unsigned i = 1; i <= RETRIES && !ok && !plan_over_limit(p); i++) {
		for (uint32_t j = first; j < first + n->slots; j++)
			assign(p, j, NONE);
		p->s.noise = 0.5f + 2.0f * (float)i / RETRIES;
		p->s.seed = i;
		ok = true;
		for (uint32_t j = 0; ok && j < n->slots; j++) {
			uint32_t slot = first + (j + i) % n->slots;
			ok = p->n->need[slot].move != NONE || serve(p, slot, true);
		}
	}
	p->s.noise = 0.0f;
	p->s.seed = 0;
	p->by_retry += ok;
	return ok;
}

/* The last resort: programs on the neighbourhood, free cells first. */
static bool serve_exact(struct plan *p, uint32_t need)
{
	const struct need *n = &p->n->need[need];
	bool ok = false;
	for (uint32_t j = need - n->slot; j < need - n->slot + n->slots; j++) {
		if (p->n->need[j].move != NONE)
			continue;
		set_avoid(p, j, 1);
		p->s.any_room = n->amp == 0;
		p->s.pay = true;
		search_reset(&p->s);
		ok = exact_find(&p->s, &p->n->need[j], need_virt(p, n), n->amp == 0 ? 1 : n->amp) &&
		     commit(p, j);
		search_reset(&p->s);
		set_avoid(p, j, 0);
		if (!ok)
			return false;
		p->by_exact++;
	}
	return ok;
}

bool plan_serve_all(struct plan *p)
{
	p->unserved = NONE;
	for (uint32_t i = 0; i < p->n->n && !p->memory_failed; i++)
		if (p->n->need[i].move == NONE)
			serve(p, i, false);
	for (uint32_t i = 0; i < p->n->n && !p->memory_failed; i++) {
		if (p->n->need[i].move != NONE || serve(p, i, true) || serve_apart(p, i) || retry(p, i) ||
		    serve_exact(p, i))
			continue;
		p->unserved = i;
		return false;
	}
	if (plan_over_limit(p))
		p->unserved = 0;
	return !p->memory_failed && p->unserved == NONE;
}

/* ---- moves of somebody else's making ---- */

static bool adopt_one(struct plan *p, uint32_t need, plan_put *put, void *context)
{
	search_reset(&p->s);
	uint32_t move = put(context, need) ? store_delta(p) : NONE;
	if (move == NONE)
		return false;
	if (!serves(p, need, move)) {
		retire(p, move);
		return false;
	}
	assign(p, need, move);
	return true;
}

bool plan_adopt(struct plan *p, plan_put *put, void *context)
{
	bool ok = true;
	p->trial = true;
	p->n_log = 0;
	for (uint32_t i = 0; i < p->n->n; i++)
		assign(p, i, NONE);
	for (uint32_t i = 0; ok && i < p->n->n && !p->memory_failed; i++)
		ok = adopt_one(p, i, put, context);
	ok = ok && !p->memory_failed;
	search_reset(&p->s);
	if (ok)
		settle(p);
	else
		roll_back(p);
	return ok;
}

/* ---- taking out ---- */

struct order_key {
	float price;
	uint32_t cell;
};

static int dearest_first(const void *a, const void *b)
{
	const struct order_key *x = a;
	const struct order_key *y = b;
	if (x->price != y->price)
		return x->price < y->price ? 1 : -1;
	return (x->cell > y->cell) - (x->cell < y->cell);
}

/* Secondary cells in use, dearest first; *n of them. Caller frees. */
static struct order_key *list_secondaries(const struct plan *p, uint32_t *n)
{
	uint32_t count = 0;
	for (uint32_t c = 0; c < p->g->n_cells; c++)
		count += is_bought(p->g, c) && p->g->use[c] != 0;
	struct order_key *k = malloc(((size_t)count + 1) * sizeof *k);
	*n = 0;
	for (uint32_t c = 0; k != NULL && c < p->g->n_cells; c++)
		if (is_bought(p->g, c) && p->g->use[c] != 0)
			k[(*n)++] = (struct order_key){ p->g->price[c], c };
	if (k != NULL)
		qsort(k, *n, sizeof *k, dearest_first);
	return k;
}

static void avoid_for_all(struct plan *p, const struct move *m, uint8_t value)
{
	for (uint32_t i = m->first_need; i != NONE; i = p->n->need[i].same)
		set_avoid(p, i, value);
}

/* Gives all needs of one move another; false, and nothing changed, if it does not serve them all. One after the other,
 * since two slots of one cell may have shared the old move and cannot share the new one. */
static bool replace(struct plan *p, uint32_t old, uint32_t new)
{
	while (!p->memory_failed && p->move[old].active && p->move[old].first_need != NONE) {
		uint32_t need = p->move[old].first_need;
		if (serves(p, need, new)) {
			assign(p, need, new);
			continue;
		}
		while (!p->memory_failed && p->move[new].active && p->move[new].first_need != NONE)
			assign(p, p->move[new].first_need, old);
		return false;
	}
	return true;
}

/* Adds a free move through the cell to a stored move that passes it, so that the sum leaves the cell alone. This finds
 * patterns that are no unions of boxes. */
static bool bypass(struct plan *p, uint32_t move, uint32_t cell)
{
	struct search *s = &p->s;
	int64_t by = entry_at(&p->move[move], cell);
	uint64_t seed = s->seed;
	bool ok = false;
	s->pay = false;
	s->any_room = p->n->need[p->move[move].first_need].amp == 0;
	avoid_for_all(p, &p->move[move], 1);
	for (unsigned t = 0; t < BYPASSES && !ok && !p->memory_failed; t++) {
		bool put = true;
		search_reset(s);
		for (uint32_t i = 0; put && i < p->move[move].n; i++)
			put = search_put(s, p->move[move].entry[i].cell, p->move[move].entry[i].by);
		s->seed = seed * BYPASSES + t;
		if (!put || !search_find(s, cell, NULL, by > 0 ? -1 : 1, by > 0 ? by : -by))
			break;
		put = search_take(s, by > 0 ? -1 : 1, by > 0 ? by : -by);
		uint32_t new = put ? store_delta(p) : NONE;
		if (new == NONE)
			break;
		uint32_t serial = p->move[new].serial;
		avoid_for_all(p, &p->move[move], 0);
		ok = replace(p, move, new);
		if (!ok) {
			if (p->move[new].entry != NULL && !p->move[new].active &&
			    p->move[new].serial == serial)
				retire(p, new); /* it never came into use */
			avoid_for_all(p, &p->move[move], 1);
		}
	}
	if (!ok)
		avoid_for_all(p, &p->move[move], 0);
	s->seed = seed;
	search_reset(s);
	return ok;
}

/* Takes every move off the cell: another in its place, or else its needs stay open. */
static void drop_through(struct plan *p, uint32_t cell)
{
	while (p->g->use[cell] != 0 && !p->memory_failed) {
		uint32_t at = p->head[cell];
		while (at != NONE && p->move[p->node[at].move].serial != p->node[at].serial)
			at = p->node[at].next;
		if (at == NONE)
			return;
		uint32_t move = p->node[at].move;
		if (bypass(p, move, cell))
			continue;
		while (!p->memory_failed && p->move[move].active && p->move[move].first_need != NONE)
			assign(p, p->move[move].first_need, NONE);
	}
}

/* Serves the needs that the trial left open; false if one cannot be, or if the cost passes the bound. */
static bool serve_dropped(struct plan *p, double most)
{
	uint32_t n = p->n_log;
	for (uint32_t i = 0; i < n; i++) {
		if (p->n->need[p->log[i].need].move != NONE)
			continue;
		if (p->cost >= most || plan_over_limit(p) || !serve(p, p->log[i].need, true))
			return false;
	}
	return p->cost < most && !p->memory_failed;
}

/* Tries to do without a secondary cell; keeps the outcome if the cost stays below `most`. */
static bool try_without(struct plan *p, uint32_t cell, bool ban, double most)
{
	p->trial = true;
	p->n_log = 0;
	p->s.banned[cell] = ban;
	drop_through(p, cell);
	bool ok = serve_dropped(p, most);
	p->s.banned[cell] = 0;
	if (ok)
		settle(p);
	else
		roll_back(p);
	return ok;
}

bool plan_clean(struct plan *p, unsigned rounds)
{
	bool gained = true;
	for (unsigned r = 0; r < rounds && gained; r++) {
		uint32_t n = 0;
		struct order_key *k = list_secondaries(p, &n);
		gained = false;
		if (k == NULL)
			return false;
		for (uint32_t i = 0; i < n && !p->memory_failed && !plan_over_limit(p); i++)
			if (p->g->use[k[i].cell] != 0 && p->g->use[k[i].cell] <= CLEAN_USE &&
			    try_without(p, k[i].cell, true, p->cost - 0.01))
				gained = true;
		free(k);
	}
	return !p->memory_failed;
}

bool plan_hidden_sums(struct plan *p)
{
	const struct grid *g = p->g;
	int64_t least = policy_params_hidden_sum_min(g->p);
	struct relation_walk w;
	struct relation r;
	relation_begin(&w, g);
	while (relation_next(&w, &r)) {
		int64_t sum = 0;
		uint32_t hidden = 0;
		uint32_t free_cells = 0;
		uint32_t best = NONE;
		for (uint32_t j = 0; j < r.b->n; j++) {
			uint32_t c = relation_child(g, &r, j);
			free_cells += g->kind[c] == KIND_FREE;
			if (grid_hidden(g, c)) {
				hidden++;
				sum += g->value[c];
			} else if (g->kind[c] == KIND_OPEN && (g->value[c] > 0 || g->floor == 0) &&
				   (best == NONE || g->price[c] < g->price[best])) {
				best = c;
			}
		}
		if (hidden == 0 || free_cells > 0 || sum >= least || g->kind[r.parent] == KIND_FREE ||
		    grid_hidden(g, r.parent))
			continue;
		if (best != NONE)
			p->g->sticky[best] = 1;
	}
	return true;
}

/* -ln(u) for u uniform in (0, 1], from 32 random bits, to a few per cent: it only paces the search. Made of whole
 * numbers and one product, so that every machine draws the same. */
static double waiting(uint64_t r)
{
	uint32_t u = (uint32_t)(r >> 32) | 1u;
	unsigned zeros = (unsigned)__builtin_clz(u);
	double fraction =
	    (double)((u << zeros) & 0x7fffffffu) / 2147483648.0; /* u = 2^(31-zeros) (1 + fraction) */
	return ((double)zeros + 1.0 - fraction) * 0.6931471805599453;
}

/* Where a move of a cell's own pattern is replaced by another that leaves out the cell: the same as cleaning, but
 * with noise on the prices, and at first a worse pattern may be taken. */
static bool improve_once(struct plan *p, uint32_t cell, uint64_t turn, double heat)
{
	uint64_t r = grid_random(p->g, 11, cell, turn);
	double before = p->cost;
	p->s.noise = 0.6f;
	p->s.seed = turn + 1;
	bool kept = try_without(p, cell, (r & 1) != 0, before + heat * waiting(r) + 1e-6);
	p->s.noise = 0.0f;
	p->s.seed = 0;
	return kept;
}

/* Anytime: every state between two turns is safe. The best pattern met is not kept but approached: the heat ends at
 * 0, and a last cleaning follows. */
bool plan_improve(struct plan *p, unsigned effort)
{
	uint32_t n = 0;
	struct order_key *k = list_secondaries(p, &n);
	uint64_t turns = (uint64_t)effort * n;
	if (k == NULL)
		return false;
	uint64_t most = p->s.work + turns * IMPROVE_WORK;
	for (uint64_t i = 0; i < turns && !p->memory_failed && !plan_over_limit(p) && p->s.work < most; i++) {
		double heat = IMPROVE_HEAT * (double)(turns - i) / (double)turns;
		if (i % n == 0 && i > 0) { /* the pattern has changed */
			free(k);
			k = list_secondaries(p, &n);
			if (k == NULL || n == 0)
				break;
		}
		uint32_t cell = k[grid_random(p->g, 10, i, 0) % n].cell;
		if (p->g->use[cell] != 0)
			improve_once(p, cell, i, heat);
	}
	free(k);
	return !p->memory_failed && plan_clean(p, 1);
}
