#include "policy/needs.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "policy/array.h"
#include "policy/bits.h"
#include "policy/shares.h"
#include "policy/since.h"
#include "policy/told.h"

static bool no_memory(struct err *e)
{
	return err_set(e, ERR_MEMORY, "no memory for the requirements");
}

bool virt_holds(const struct grid *g, const struct virt *v, uint32_t child)
{
	if (v->except != NONE)
		return child != v->except;
	if (v->block != NULL)
		return true;
	uint32_t cell = relation_child(g, &v->r, child);
	return !told_is_known(g, cell) && g->kind[cell] != KIND_DEAD;
}

bool virt_holds_code(const struct grid *g, const struct virt *v, size_t dim, uint32_t code)
{
	const struct dim *d = &g->t->dim[dim];
	if (v->block != NULL)
		return v->block->holds[dim][code] != 0;
	uint32_t cell = v->r.parent + (code - v->r.b->parent) * (uint32_t)g->t->stride[v->r.dim];
	if (!dim_is_child(d, v->r.b, code))
		return false;
	if (v->except != NONE)
		return code != d->child[v->r.b->first + v->except];
	return !told_is_known(g, cell) && g->kind[cell] != KIND_DEAD;
}

bool virt_has_left(const struct grid *g, const struct virt *v)
{
	bool left = told_has_left(g, v->r.parent);
	if (left && v->except != NONE)
		return g->kind[virt_off(g, v)] == KIND_DEAD || told_has_left(g, virt_off(g, v));
	for (uint32_t j = 0; left && j < v->r.b->n; j++) {
		uint32_t child = relation_child(g, &v->r, j);
		left = virt_holds(g, v, j) || g->kind[child] == KIND_DEAD || told_has_left(g, child);
	}
	return left;
}

int64_t virt_value(const struct grid *g, const struct virt *v)
{
	int64_t sum = 0;
	if (v->except != NONE)
		return g->value[v->r.parent] - g->value[virt_off(g, v)];
	for (uint32_t j = 0; j < v->r.b->n; j++)
		if (virt_holds(g, v, j))
			sum += g->value[virt_part(g, v, j)];
	return sum;
}

bool needs_add(struct needs *n, struct need need, struct err *e)
{
	if (!array_room(&n->need, &n->room, n->n + 1, sizeof *n->need))
		return no_memory(e);
	need.move = NONE;
	need.next = NONE;
	need.origin = NONE;
	n->need[n->n++] = need;
	return true;
}

uint32_t needs_add_virt(struct needs *n, struct virt v)
{
	if (!array_room(&n->virt, &n->room_virt, n->n_virt + 1, sizeof *n->virt))
		return NONE;
	n->virt[n->n_virt] = v;
	return n->n_virt++;
}

uint32_t needs_add_block(const struct grid *g, struct needs *n, const struct block *b)
{
	struct block *own = block_copy(g, b);
	uint32_t place =
	    own == NULL
		? NONE
		: needs_add_virt(n, (struct virt){ { SIZE_MAX, &own->whole, own->part[0] }, NONE, own });
	if (place == NONE)
		block_free(own);
	return place;
}

/* The chosen offices of the list first. NONE: no memory. */
uint32_t needs_add_band(struct needs *n, const uint32_t *office, uint32_t n_listed, uint32_t chosen)
{
	struct band b = { .first = n->n_offices, .n = (uint16_t)n_listed };
	if (!array_room(&n->band, &n->room_bands, n->n_bands + 1, sizeof *n->band))
		return NONE;
	for (int pass = 0; pass < 2; pass++)
		for (uint32_t i = 0; i < n_listed; i++) {
			if ((chosen >> i & 1) != (pass == 0))
				continue;
			if (!array_room(&n->office, &n->room_offices, n->n_offices + 1, sizeof *n->office))
				return NONE;
			n->office[n->n_offices++] = office[i];
			b.n_avoid += pass == 0;
		}
	n->band[n->n_bands] = b;
	return n->n_bands++;
}

#define PRIMARY_ALL   2 /* in grid.primary: protected against everybody, printed or not; 1: hidden for a rule */
#define PRIMARY_OTHER 2 /* shift: the rule other than R3 that asked for that, + 1 */

uint16_t needs_other_rule(const struct grid *g, uint32_t cell)
{
	unsigned rule = g->primary[cell] >> PRIMARY_OTHER;
	return (uint16_t)(rule == 0 ? 0 : 1u << (rule - 1));
}

static void note_rule(struct grid *g, uint32_t cell, uint16_t rules)
{
	if (rules != RULE_RESIDUAL && rules != 0 && needs_other_rule(g, cell) == 0)
		g->primary[cell] |= (uint8_t)((__builtin_ctz(rules) + 1) << PRIMARY_OTHER);
}

static bool refuse_forced(const struct grid *g, uint32_t cell, uint16_t rules, struct err *e)
{
	static const char *const name[RULE_COUNT] = RULE_NAMES;
	struct buf code = { 0 };
	unsigned rule = rules == 0 ? 0 : (unsigned)__builtin_ctz(rules);
	table_put_cell(g->t, cell, '|', &code);
	buf_put_byte(&code, 0);
	err_set(e, ERR_REFUSED, "%s must be printed, but rule %s protects it, and the ladder has no unfreeze",
	    code.failed ? "a cell" : (const char *)code.data, name[rule]);
	buf_free(&code);
	unsigned line = table_forced_line(g->t, cell);
	return line == 0 ? false : err_wrap(e, "forced.csv:%u", line);
}

/* A protected cell must be hidden; a forced one can only be if the ladder says so. */
bool needs_hide(struct grid *g, struct needs *n, uint32_t cell, uint16_t rules, struct err *e)
{
	if (g->kind[cell] == KIND_FORCED) {
		bool may = false;
		for (int i = 0; i < PARAMS_LADDER_MAX; i++)
			may = may || g->p->ladder[i] == LADDER_UNFREEZE;
		if (!may)
			return refuse_forced(g, cell, rules, e);
		g->kind[cell] = KIND_OPEN;
		n->unfrozen = true;
	}
	if (g->kind[cell] == KIND_OPEN && g->primary[cell] == 0) {
		g->primary[cell] = 1;
		n->n_primary++;
	}
	return true;
}

static int64_t larger(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

/* R6: the second largest office's estimate of the largest must be able to be p percent too high. */
static int64_t dominance_reach(const struct policy_params *p, const struct shares *s, int64_t value)
{
	int64_t more = (s->largest[0] * (int64_t)p->dominance_p + 99) / 100;
	return s->largest[0] + s->largest[1] + more - value;
}

/* How far a subject of value v must be able to go up, given what single offices and coalitions know of it. */
static int64_t amplitude(const struct grid *g, const struct shares *s, int64_t value)
{
	int64_t k = g->p->threshold;
	int64_t h = larger(k - value, g->p->width);
	if (g->p->figures == FIGURES_AMOUNTS)
		return larger(h, dominance_reach(g->p, s, value));
	if (s->least_rest < k)
		h = larger(h, k - s->least_rest);
	if (g->p->coalition > 1 && s->coalition_rest < k)
		h = larger(h, k - s->coalition_rest);
	return h;
}

#define AMPLITUDE_MAX (INT64_C(1) << 30)

/* One group: as many needs as there are slots. */
static bool add_group(struct needs *n, struct need need, int64_t amp, struct err *e)
{
	if (amp > AMPLITUDE_MAX)
		return err_set(e, ERR_LIMIT, "a figure is too large to be protected");
	need.amp = (int32_t)amp;
	for (need.slot = 0; need.slot < need.slots; need.slot++)
		if (!needs_add(n, need, e))
			return false;
	return true;
}

/* What a rule wants of the offices that pool: which of them are answered, and how far a move must go. */
enum want {
	WANT_UP,   /* protected against all who do not own everything */
	WANT_REST, /* R3: only those to whom a small rest shows */
	WANT_DOWN, /* zero_reach: what the others have must be able to be nought */
	WANT_REST_DOWN
};

struct pool { /* offices of which some pool */
	const struct subject *s;
	struct need need;
	enum want want;
	int64_t value;
	int64_t up; /* amplitude for amounts, where rests say nothing */
	uint32_t n;
	uint32_t office[SHARES_LIST_MAX];
	int64_t own[SHARES_LIST_MAX];
	struct since since; /* who knew it */
};

/* Must these offices (rest: what they do not own) be answered? *amp: how far. */
static bool pool_wants(const struct grid *g, const struct pool *pool, bool all, int64_t rest, int64_t *amp)
{
	int64_t k = g->p->threshold;
	bool zeros = g->p->residual == RESIDUAL_ZEROS && !all;
	*amp = larger(larger(k - rest, g->p->width), pool->up);
	switch (pool->want) {
	case WANT_UP:
		return rest > 0 || zeros || (pool->value == 0 && !all);
	case WANT_REST:
		return rest < k && (rest > 0 || zeros);
	case WANT_DOWN:
		*amp = rest;
		return rest > 0;
	case WANT_REST_DOWN:
		*amp = rest;
		return rest > 0 && rest < k;
	}
	return false;
}

/* Did the chosen ones know the subject before? rest: what they do not own. */
static bool chosen_knew(struct pool *pool, uint32_t chosen, int64_t rest)
{
	uint32_t office[SHARES_LIST_MAX];
	uint32_t n = 0;
	for (uint32_t i = 0; i < pool->n; i++)
		if ((chosen >> i & 1) != 0)
			office[n++] = pool->office[i];
	return since_knew(&pool->since, office, n, rest);
}

/* An office that knew the subject before by itself; NONE: no such. */
static uint32_t first_who_knew(const struct grid *g, struct pool *pool)
{
	const struct dim *d = &g->t->dim[g->office_dim];
	bool live = false;
	for (uint32_t o = 0; g->ledger != NULL && o < d->n_codes; o++)
		if (dim_is_leaf(d, o) &&
		    since_knew(&pool->since, &o, 1, pool->value - shares_value(g, pool->s, o, &live)))
			return o;
	return NONE;
}

/* Needs for each way in which some of the listed offices pool, with offices that are not listed to fill up: these own
 * nothing of the subject, so moves that share none of them answer all. */
static bool add_pools(struct grid *g, struct needs *n, struct pool *pool, struct err *e)
{
	uint32_t coalition = g->p->coalition;
	for (uint32_t chosen = 0; chosen < UINT32_C(1) << pool->n; chosen++) {
		uint32_t size = bits_count(chosen);
		int64_t rest = pool->value;
		int64_t amp = 0;
		if (size > coalition)
			continue;
		for (uint32_t i = 0; i < pool->n; i++)
			rest -= (chosen >> i & 1) != 0 ? pool->own[i] : 0;
		if (chosen_knew(pool, chosen, rest) || !pool_wants(g, pool, size == pool->n, rest, &amp) ||
		    (size == 0 && (pool->want == WANT_REST || pool->want == WANT_REST_DOWN)))
			continue;
		struct need need = pool->need;
		need.slots = (uint8_t)(coalition - size + 1);
		need.band = needs_add_band(n, pool->office, pool->n, chosen);
		if (need.band == NONE)
			return no_memory(e);
		if (!add_group(n, need, amp, e))
			return false;
	}
	return true;
}

#define POOL_MAX 12u /* offices whose every subset is gone through */

/* Lists the offices and adds their needs. *few: false if they are more than `most`; then nothing was added. */
static bool try_pools(
    struct grid *g, struct needs *n, struct pool *pool, uint32_t most, bool *few, struct err *e)
{
	most = most < POOL_MAX ? most : POOL_MAX;
	pool->n = shares_list(g, pool->s, pool->want >= WANT_DOWN, most, pool->office, pool->own);
	*few = pool->n <= most;
	return !*few || add_pools(g, n, pool, e);
}

/* The subject must be able to go down to what an attacker owns of it. */
static bool add_zero_reach(struct grid *g, struct needs *n, struct pool *pool, struct err *e)
{
	bool few = false;
	pool->want = pool->need.rules == RULE_RESIDUAL ? WANT_REST_DOWN : WANT_DOWN;
	pool->need.dir = -1;
	if (pool->value == 0)
		return true;
	if (g->office_dim == SIZE_MAX || pool->need.slots == 1)
		return add_group(n, pool->need, pool->value, e);
	return try_pools(g, n, pool, POOL_MAX, &few, e) && (few || add_group(n, pool->need, pool->value, e));
}

/* An office that every slot may touch. Of those that knew the subject one will do: where that is not enough the slots are
 * split (attackers.h). In pools others may join it to whom a few are left. */
static uint32_t exempt_of(const struct grid *g, struct pool *pool, const struct shares *shares)
{
	if (shares->sole != NONE)
		return shares->sole;
	if (shares->whole != NONE && g->p->residual != RESIDUAL_ZEROS)
		return shares->whole;
	return g->p->coalition == 1 ? first_who_knew(g, pool) : NONE;
}

static struct need need_of(const struct subject *s, uint16_t rules)
{
	return (struct need){ .cell = s->cell,
		.virt = s->virt == NULL ? NONE : s->place,
		.avoid = NONE,
		.exempt = NONE,
		.band = NONE,
		.dir = 1,
		.rules = rules,
		.slots = 1 };
}

/* What has left cannot be taken back: it is only named. */
static bool is_late(const struct grid *g, uint32_t cell)
{
	if (!grid_is_out(g, cell))
		return false;
	g->out[cell] = GRID_LATE;
	return true;
}

bool needs_protect(struct grid *g, struct needs *n, enum guarantee level, const struct subject *s,
    uint16_t rules, struct err *e)
{
	bool live = false;
	bool few = false; /* then the pools have needs of their own */
	bool offices = level >= LEVEL_3 && g->office_dim != SIZE_MAX;
	struct shares shares = {
		.sole = NONE, .whole = NONE, .least_rest = INT64_MAX, .coalition_rest = INT64_MAX
	};
	struct pool pool = { .s = s, .need = need_of(s, rules), .want = WANT_UP };
	if (s->virt == NULL) {
		if (is_late(g, s->cell))
			return true;
		if ((g->primary[s->cell] & PRIMARY_ALL) != 0) {
			note_rule(g, s->cell, rules);
			return true;
		}
		if (!needs_hide(g, n, s->cell, rules, e))
			return false;
		g->primary[s->cell] |= PRIMARY_ALL;
		note_rule(g, s->cell, rules);
	}
	pool.value = shares_value(g, s, NONE, &live);
	if (level == LEVEL_1)
		return add_group(n, pool.need, 0, e);
	if (offices || (g->office_dim != SIZE_MAX && g->p->figures == FIGURES_AMOUNTS))
		shares = shares_of(g, s);
	if (g->p->figures == FIGURES_AMOUNTS)
		pool.up = dominance_reach(g->p, &shares, pool.value);
	since_begin(&pool.since, g, s);
	if (offices) {
		pool.need.slots = (uint8_t)(g->p->coalition + 1);
		pool.need.exempt = exempt_of(g, &pool, &shares);
	}
	bool ok = !offices || g->p->coalition < 2 || try_pools(g, n, &pool, g->p->coalition, &few, e);
	ok = ok && (few || add_group(n, pool.need, amplitude(g, &shares, pool.value), e)) &&
	     (!g->p->zero_reach || add_zero_reach(g, n, &pool, e));
	since_end(&pool.since);
	return ok;
}

/* A virtual sum is of cells that are not printed. */
static bool hide_subject(
    struct grid *g, struct needs *n, const struct subject *s, uint16_t rules, struct err *e)
{
	return s->virt != NULL || needs_hide(g, n, s->cell, rules, e);
}

bool needs_has_rest(const struct grid *g, const struct subject *s)
{
	bool live = false;
	if (g->office_dim == SIZE_MAX || grid_office(g, s->cell) != NONE ||
	    shares_value(g, s, NONE, &live) == 0)
		return false;
	struct shares shares = shares_of(g, s);
	int64_t rest = g->p->coalition > 1 ? shares.coalition_rest : shares.least_rest;
	return rest < (int64_t)g->p->threshold;
}

/* R3 against single offices. */
static bool protect_rests(
    struct grid *g, struct needs *n, struct pool *pool, const struct shares *shares, struct err *e)
{
	const struct dim *d = &g->t->dim[g->office_dim];
	uint32_t code = grid_coord(g, pool->s->cell, g->office_dim);
	for (uint32_t i = 0; i < list_size(&d->atoms, code); i++) {
		bool live = false;
		int64_t amp = 0;
		uint32_t office = list_at(&d->atoms, code)[i];
		int64_t rest = pool->value - shares_value(g, pool->s, office, &live);
		if (office == shares->sole || !pool_wants(g, pool, false, rest, &amp) ||
		    since_knew(&pool->since, &office, 1, rest))
			continue;
		if (pool->s->virt == NULL && is_late(g, pool->s->cell))
			return true;
		struct need need = pool->need;
		need.avoid = office;
		if (!hide_subject(g, n, pool->s, RULE_RESIDUAL, e) || !add_group(n, need, amp, e))
			return false;
		need.dir = -1;
		if (g->p->zero_reach && rest > 0 && !add_group(n, need, rest, e))
			return false;
	}
	return true;
}

/* The same against pools. */
static bool protect_pooled_rests(struct grid *g, struct needs *n, struct pool *pool, struct err *e)
{
	bool few = false;
	uint32_t before = n->n;
	pool->need.slots = (uint8_t)(g->p->coalition + 1);
	if (!try_pools(g, n, pool, g->p->coalition, &few, e))
		return false;
	if (!few)
		return needs_protect(g, n, LEVEL_3, pool->s, RULE_RESIDUAL, e);
	if (n->n > before && !hide_subject(g, n, pool->s, RULE_RESIDUAL, e))
		return false;
	return !g->p->zero_reach || n->n == before || add_zero_reach(g, n, pool, e);
}

bool needs_protect_rest(struct grid *g, struct needs *n, const struct subject *s, struct err *e)
{
	bool live = false;
	bool ok = true;
	struct shares shares = shares_of(g, s);
	struct pool pool = { .s = s, .need = need_of(s, RULE_RESIDUAL), .want = WANT_REST };
	since_begin(&pool.since, g, s);
	pool.value = shares_value(g, s, NONE, &live);
	if (g->p->coalition == 1)
		ok = protect_rests(g, n, &pool, &shares, e);
	else if (shares.coalition_rest < (int64_t)g->p->threshold &&
		 (s->virt != NULL || !grid_is_out(g, s->cell)))
		ok = protect_pooled_rests(g, n, &pool, e);
	since_end(&pool.since);
	return ok;
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

bool needs_index(struct grid *g, struct needs *n, struct err *e)
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
		n->need[i].origin = i - n->need[i].slot;
		if (n->need[i].virt != NONE)
			continue;
		n->need[i].next = n->first[n->need[i].cell];
		n->first[n->need[i].cell] = i;
	}
	return true;
}

bool needs_put_avoided(const struct grid *g, const struct needs *n, const struct need *need, struct buf *out)
{
	const struct band *b = need->band == NONE ? NULL : &n->band[need->band];
	if (need->avoid != NONE)
		buf_put_text(out, g->t->dim[g->office_dim].code[need->avoid]);
	for (uint32_t i = 0; b != NULL && i < b->n_avoid; i++)
		buf_printf(
		    out, "%s%s", i == 0 ? "" : "+", g->t->dim[g->office_dim].code[n->office[b->first + i]]);
	return need->avoid != NONE || (b != NULL && b->n_avoid > 0);
}

void needs_free(struct needs *n)
{
	for (uint32_t i = 0; i < n->n_virt; i++)
		block_free(n->virt[i].block);
	free(n->need);
	free(n->virt);
	free(n->band);
	free(n->office);
	free(n->first);
	memset(n, 0, sizeof *n);
}
