#include "policy/moves.h"
#include "policy/protect.h"

#include <float.h>
#include <stdlib.h>

#define CLEAN_USE 12u  /* moves through a secondary: with more it is hardly ever needless, and dear to try */
#define TRY_WORTH 4.0f /* price of a dear cell for each move that passes it: with less it is not tried */
#define WORTH_MOVES                                                                                          \
	20000.0f /* so many moves ask for one more; with less than twice that, it is tried only once */
#define DEAR_TRIES    4u
#define BYPASSES      6u
#define OUT_MAX       3u
#define IMPROVE_LEAST 150u  /* cells' worth of turns */
#define IMPROVE_SMALL 2700u /* cells from which on each gets its own turns only */
#define IMPROVE_TIMES 9u    /* as many below, up to those of so many cells */
#define IMPROVE_SHARE 0.003 /* of the whole pattern's price, at most */
#define IMPROVE_HEAT  15.0  /* at first a pattern dearer by this much is taken as often as not */
#define IMPROVE_WORK  2000u /* cells priced, on average, for one turn */

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
		count += cell_is_bought(p->g, c) && p->g->use[c] != 0 && p->g->frozen[c] == 0;
	struct order_key *k = malloc(((size_t)count + 1) * sizeof *k);
	*n = 0;
	for (uint32_t c = 0; k != NULL && c < p->g->n_cells; c++)
		if (cell_is_bought(p->g, c) && p->g->use[c] != 0 && p->g->frozen[c] == 0)
			k[(*n)++] = (struct order_key){ p->g->price[c], c };
	if (k != NULL)
		qsort(k, *n, sizeof *k, dearest_first);
	return k;
}

/* What a move to be added to the one at this place of the log must keep off: its open needs' offices and their cells. */
static void keep_off(struct plan *p, uint32_t at, bool on)
{
	for (uint32_t i = at; i < p->n_log && p->log[i].move == p->log[at].move; i++) {
		const struct need *n = &p->n->need[p->log[i].need];
		if (n->move != NONE)
			continue;
		need_avoid(p, p->log[i].need, on);
		if (n->virt == NONE)
			search_ban(&p->s, n->cell, SPOT_PINNED, on);
	}
}

struct without { /* a trial to do without some cells */
	const uint32_t *cell;
	uint32_t n;
	double most; /* what the pattern may cost */
};

/* Puts the move that was taken off together again, with free moves that lead it around the cells. */
static bool put_around(struct plan *p, const struct without *w, const struct move *m)
{
	struct search *s = &p->s;
	bool ok = true;
	search_reset(s);
	for (uint32_t i = 0; ok && i < m->n; i++)
		ok = search_put(s, move_cell(m, i), move_by(m, i));
	for (uint32_t i = 0; ok && i < w->n; i++) {
		int64_t by = search_delta(s, w->cell[i]);
		int dir = by > 0 ? -1 : 1;
		if (by != 0)
			ok = search_find(s, w->cell[i], NULL, dir, by > 0 ? by : -by) &&
			     search_take(s, dir, by > 0 ? by : -by);
	}
	for (uint32_t i = 0; ok && i < w->n; i++)
		ok = search_delta(s, w->cell[i]) == 0;
	return ok;
}

/* What putting that together would cost. */
static double put_price(const struct plan *p)
{
	double price = 0.0;
	for (uint32_t i = 0; i < p->s.n_touched; i++) {
		uint32_t c = p->s.touched[i];
		if ((p->s.look[c] & SPOT_BOUGHT) != 0 && search_delta(&p->s, c) != 0)
			price += (double)p->g->price[c];
	}
	return price;
}

/* Adds free moves to a move that was taken off, so that the sum leaves the cells alone. This finds patterns that are no
 * unions of boxes. */
static bool bypass(struct plan *p, uint32_t at, const struct without *w)
{
	struct search *s = &p->s;
	uint32_t need = p->log[at].need;
	uint32_t old = p->log[at].move;
	uint64_t seed = s->seed;
	bool ok = false;
	bool found = true;
	s->pay = false;
	s->any_room = p->n->need[need].amp == 0;
	for (unsigned t = 0; t < BYPASSES && found && !ok && !p->memory_failed; t++) {
		s->seed = seed * BYPASSES + t;
		keep_off(p, at, true);
		found = put_around(p, w, &p->move[old]);
		keep_off(p, at, false);
		ok = found && p->cost + put_price(p) < w->most && move_commit(p, need);
	}
	s->seed = seed;
	search_reset(s);
	return ok;
}

/* Slots stand in each other's way: serves all of a subject anew, this one first. */
static bool serve_together(struct plan *p, uint32_t need, double most)
{
	const struct need *n = &p->n->need[need];
	uint32_t first = need - n->slot;
	bool ok = n->slots > 1;
	for (uint32_t j = first; ok && j < first + n->slots; j++)
		if (j != need)
			need_assign(p, j, NONE);
	for (uint32_t j = 0; ok && j < n->slots; j++) {
		p->s.most = (float)(most - p->cost);
		ok = p->cost < most && need_serve(p, first + (n->slot + j) % n->slots, true);
	}
	return ok;
}

/* Place in the log of the need that the last trial without the cell could not serve; 0 if there is none. */
static uint32_t most_doubtful(const struct plan *p, const struct without *w)
{
	for (uint32_t i = 0; i < p->n_log; i++)
		if (p->log[i].need + 1 == p->stuck[w->cell[0]])
			return i;
	return 0;
}

/* Serves the needs that the trial left open, the most doubtful first; false as soon as one cannot be, or the cost passes
 * the bound. */
static bool serve_dropped(struct plan *p, const struct without *w)
{
	uint32_t n = p->n_log;
	uint32_t first = most_doubtful(p, w);
	bool ok = true;
	for (uint32_t k = 0; ok && k < n; k++) {
		uint32_t i = k == 0 ? first : k <= first ? k - 1 : k;
		uint32_t need = p->log[i].need;
		if (p->n->need[need].move != NONE)
			continue;
		p->s.most = (float)(w->most - p->cost);
		ok = p->cost < w->most && !plan_over_limit(p) &&
		     (bypass(p, i, w) || need_serve(p, need, true) || serve_together(p, need, w->most));
		if (!ok)
			p->stuck[w->cell[0]] = need + 1;
	}
	p->s.most = FLT_MAX;
	return ok && p->cost < w->most && !p->memory_failed;
}

/* Tries to do without some secondary cells, as often as `tries` with other noise on the prices; keeps the outcome if the cost stays
 * below the bound. */
static bool try_without(struct plan *p, const struct without *w, bool ban, unsigned tries)
{
	bool ok = false;
	plan_try(p);
	p->n_trials++;
	for (uint32_t i = 0; i < w->n; i++) {
		search_ban(&p->s, w->cell[i], SPOT_BANNED, ban);
		plan_drop_through(p, w->cell[i]);
	}
	struct mark dropped = plan_mark(p);
	for (unsigned i = 0; i < tries && !ok && !p->memory_failed; i++) {
		if (i > 0) {
			plan_undo(p, dropped);
			p->s.noise = 0.3f * (float)i;
			p->s.seed = i;
		}
		ok = serve_dropped(p, w);
	}
	for (uint32_t i = 0; i < w->n; i++)
		search_ban(&p->s, w->cell[i], SPOT_BANNED, false);
	if (ok)
		plan_settle(p);
	else
		plan_roll_back(p);
	return ok;
}

/* A cell that could not be taken out is not tried again before some cell beside the move of the need in the way was bought:
 * only that gives it another. */
static bool worth_trying(const struct plan *p, uint32_t cell)
{
	uint32_t since = p->tried[cell];
	uint32_t move = p->stuck[cell] == 0 ? NONE : p->n->need[p->stuck[cell] - 1].move;
	if (since == 0 || move == NONE)
		return true;
	const struct move *m = &p->move[move];
	for (uint32_t i = 0; i < m->n; i++)
		if (p->risen[move_cell(m, i)] >= since)
			return true;
	return move_change_at(m, cell) == 0;
}

/* Without the cell, the relation leaves a protected cell alone among printed ones, and none of them is cheaper. */
static bool relation_needs(const struct grid *g, const struct relation *r, uint32_t cell)
{
	uint32_t loose = 0;
	for (uint32_t j = 0; j <= r->b->n; j++) {
		uint32_t c = j == 0 ? r->parent : relation_child(g, r, j - 1);
		if (c == cell)
			continue;
		bool is_loose = grid_loose(g, c);
		if (is_loose ? g->primary[c] == 0 || ++loose > 1
			     : g->kind[c] == KIND_OPEN && g->price[c] < g->price[cell])
			return false;
	}
	return loose == 1;
}

static bool indispensable(const struct grid *g, uint32_t cell)
{
	for (size_t d = 0; d < g->t->n_dims; d++) {
		const struct dim *dim = &g->t->dim[d];
		uint32_t code = grid_coord(g, cell, d);
		const struct list *lists[] = { &dim->down, &dim->up };
		for (int k = 0; k < 2; k++)
			for (uint32_t i = 0; i < list_size(lists[k], code); i++) {
				const struct breakdown *b = &dim->breakdown[list_at(lists[k], code)[i]];
				struct relation r = { d, b, grid_with(g, cell, d, b->parent) };
				if (relation_needs(g, &r, cell))
					return true;
			}
	}
	return false;
}

/* What takes more moves off than its price is worth is not tried: it succeeds seldom, and costs the more. The price that a move must
 * be worth rises with their number, since the totals of a large table are passed by more of them. */
static unsigned tries_worth(const struct plan *p, const struct order_key *k)
{
	float use = (float)p->g->use[k->cell];
	float worth = TRY_WORTH + (float)p->n_moves / WORTH_MOVES;
	if (use <= CLEAN_USE)
		worth = 0.0f;
	if ((double)k->price < plan_dear(p))
		return worth > 0.0f ? 0 : 1;
	if (k->price < worth * use)
		return 0;
	return k->price < 2.0f * (TRY_WORTH + (float)p->n_moves / WORTH_MOVES) * use ? 1 : DEAR_TRIES;
}

/* Dear cells are tried several times, the later ones with noise on the prices. */
static bool clean_cell(struct plan *p, const struct order_key *k)
{
	unsigned tries = tries_worth(p, k);
	if (p->g->use[k->cell] == 0 || tries == 0 || !worth_trying(p, k->cell) ||
	    indispensable(p->g, k->cell))
		return false;
	bool ok = try_without(p, &(struct without){ &k->cell, 1, p->cost - 0.01 }, true, tries);
	p->s.noise = 0.0f;
	p->s.seed = 0;
	if (!ok)
		p->tried[k->cell] = p->n_trials;
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
			gained = clean_cell(p, &k[i]) || gained;
		free(k);
	}
	return !p->memory_failed;
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

/* A secondary cell of a move that passes this one, or NONE. */
static uint32_t neighbour(const struct plan *p, uint32_t cell, uint64_t dice)
{
	uint32_t at = node_active(p, p->head[cell]);
	for (uint32_t i = 0; i < dice % 4; i++) {
		uint32_t next = node_active(p, p->node[at].next);
		at = next == NONE ? at : next;
	}
	const struct move *m = &p->move[p->node[at].move];
	for (uint32_t i = 0; i < m->n; i++) {
		uint32_t c = move_cell(m, (uint32_t)((dice / 4 + i) % m->n));
		if (c != cell && cell_is_bought(p->g, c))
			return c;
	}
	return NONE;
}

/* Where the numbers of this beginning's draws start. */
static uint64_t draw_of(const struct plan *p)
{
	return (uint64_t)p->start << 40;
}

/* Leads the moves of up to OUT_MAX cells another way, or serves their needs anew: the same as cleaning, but with noise on the
 * prices, and at first a worse pattern may be taken. */
static bool improve_once(struct plan *p, uint32_t cell, uint64_t turn, double heat)
{
	uint64_t r = grid_random(p->g, 11, cell, turn + draw_of(p));
	uint32_t out[OUT_MAX] = { cell };
	uint32_t n = 1;
	for (; n < OUT_MAX && (r >> n & 1) != 0; n++) {
		out[n] = neighbour(p, out[n - 1], r >> 8);
		if (out[n] == NONE)
			break;
	}
	struct without w = { out, n, p->cost + heat * waiting(r) + 1e-6 };
	p->s.noise = 0.6f;
	p->s.seed = turn + draw_of(p) + 1;
	bool kept = try_without(p, &w, (r & 1) != 0, 1);
	p->s.noise = 0.0f;
	p->s.seed = 0;
	return kept;
}

/* Turns for each unit of effort: small tables get more, since there they cost little. */
static uint32_t turns_for(uint32_t n)
{
	if (n == 0 || n >= IMPROVE_SMALL)
		return n;
	uint32_t more = IMPROVE_TIMES * n;
	return more < IMPROVE_LEAST ? IMPROVE_LEAST : more > IMPROVE_SMALL ? IMPROVE_SMALL : more;
}

/* Anytime: every state between two turns is safe. The best pattern met is not kept but approached: the heat ends at
 * 0, and a last cleaning follows. */
bool plan_improve(struct plan *p, unsigned effort)
{
	uint32_t n = 0;
	struct order_key *k = list_secondaries(p, &n);
	uint64_t turns = (uint64_t)effort * turns_for(n);
	if (k == NULL)
		return false;
	double hot = p->cost * IMPROVE_SHARE < IMPROVE_HEAT ? p->cost * IMPROVE_SHARE : IMPROVE_HEAT;
	uint64_t most = p->s.work + turns * IMPROVE_WORK;
	for (uint64_t i = 0; i < turns && !p->memory_failed && !plan_over_limit(p) && p->s.work < most; i++) {
		double heat = hot * (double)(turns - i) / (double)turns;
		if (i % n == 0 && i > 0) { /* the pattern has changed */
			free(k);
			k = list_secondaries(p, &n);
			if (k == NULL || n == 0)
				break;
		}
		uint32_t cell = k[grid_random(p->g, 10, i, p->start) % n].cell;
		if (p->g->use[cell] != 0)
			improve_once(p, cell, i, heat);
	}
	free(k);
	return !p->memory_failed && plan_clean(p, 1);
}
