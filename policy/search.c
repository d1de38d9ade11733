#include "policy/search.h"

#include <float.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#define NEVER          FLT_MAX
#define FEW_ATOMS      12u /* so many are all tried */
#define DESCENTS_MAX   4u
#define FLIPS_MAX      6u
#define BUDGET         40000u /* cells priced in one product search */
#define LENIENT_BUDGET 4000u
#define LENIENT_MOST   4.5f

static bool no_memory(struct err *e)
{
	return err_set(e, ERR_MEMORY, "no memory for the search");
}

static bool is_tree(const struct dim *d)
{
	for (uint32_t c = 0; c < d->n_codes; c++)
		if (list_size(&d->up, c) > 1 || d->n_plain[c] > 1)
			return false;
	return true;
}

static bool init_dimension(struct search *s, size_t d)
{
	uint32_t n = s->g->t->dim[d].n_codes;
	s->stamp[d] = calloc(n, sizeof *s->stamp[d]);
	s->stamp_minus[d] = calloc(n, sizeof *s->stamp_minus[d]);
	s->option[d] = calloc(OPTIONS_MAX, sizeof *s->option[d]);
	s->memo[d] = calloc(n, sizeof *s->memo[d]);
	s->is_tree[d] = is_tree(&s->g->t->dim[d]);
	for (uint32_t i = 0; i < s->g->t->dim[d].n_breakdowns; i++)
		s->has_views[d] = s->has_views[d] || s->g->t->dim[d].breakdown[i].view;
	if (s->stamp[d] == NULL || s->stamp_minus[d] == NULL || s->option[d] == NULL || s->memo[d] == NULL)
		return false;
	for (uint32_t i = 0; i < OPTIONS_MAX; i++) {
		s->option[d][i].code = malloc(OPTION_CODES_MAX * sizeof(uint32_t));
		s->option[d][i].sign = malloc(OPTION_CODES_MAX);
		if (s->option[d][i].code == NULL || s->option[d][i].sign == NULL)
			return false;
	}
	return true;
}

bool search_init(struct search *s, const struct grid *g, struct err *e)
{
	memset(s, 0, sizeof *s);
	s->g = g;
	s->most = NEVER;
	s->delta = calloc(g->n_cells, sizeof *s->delta);
	s->bought = calloc(g->n_cells, 1);
	s->banned = calloc(g->n_cells, 1);
	s->avoid = calloc(g->office_dim == SIZE_MAX ? 1 : g->t->dim[g->office_dim].n_codes, 1);
	s->used = calloc(g->office_dim == SIZE_MAX ? 1 : g->t->dim[g->office_dim].n_codes, 1);
	s->term = malloc(TERMS_MAX * sizeof *s->term);
	s->chain = malloc(CHAIN_MAX * sizeof *s->chain);
	s->scratch_code = malloc(OPTION_CODES_MAX * sizeof *s->scratch_code);
	s->scratch_sign = malloc(OPTION_CODES_MAX);
	bool ok = s->delta != NULL && s->bought != NULL && s->banned != NULL && s->avoid != NULL &&
		  s->used != NULL && s->term != NULL && s->chain != NULL && s->scratch_code != NULL &&
		  s->scratch_sign != NULL;
	for (size_t d = 0; ok && d <= g->t->n_dims; d++) {
		s->level[d] = malloc(TERMS_MAX * sizeof *s->level[d]);
		ok = s->level[d] != NULL && (d == g->t->n_dims || init_dimension(s, d));
	}
	return ok || no_memory(e);
}

void search_free(struct search *s)
{
	if (s->delta != NULL)
		sodium_memzero(s->delta, s->g->n_cells * sizeof *s->delta);
	free(s->delta);
	free(s->touched);
	free(s->bought);
	free(s->banned);
	free(s->avoid);
	free(s->used);
	free(s->term);
	free(s->chain);
	free(s->scratch_code);
	free(s->scratch_sign);
	for (size_t d = 0; d < TABLE_DIMS_MAX; d++) {
		free(s->stamp[d]);
		free(s->memo[d]);
		free(s->stamp_minus[d]);
		for (uint32_t i = 0; s->option[d] != NULL && i < OPTIONS_MAX; i++) {
			free(s->option[d][i].code);
			free(s->option[d][i].sign);
		}
		free(s->option[d]);
	}
	for (size_t d = 0; d <= TABLE_DIMS_MAX; d++)
		free(s->level[d]);
	memset(s, 0, sizeof *s);
}

/* A draw for each cell, from one keyed draw for each seed: noise only paces the search. */
static uint32_t noise_of(struct search *s, uint32_t cell)
{
	if (s->noise_key == 0 || s->noise_seed != s->seed) {
		s->noise_key = grid_random(s->g, 7, 0, s->seed) | 1u;
		s->noise_seed = s->seed;
	}
	uint64_t x = s->noise_key + (uint64_t)cell * UINT64_C(0x9e3779b97f4a7c15);
	x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
	return (uint32_t)(x >> 40);
}

float search_price(struct search *s, uint32_t cell)
{
	float price = s->g->price[cell];
	if (s->noise > 0.0f)
		price *= 1.0f + s->noise * (float)noise_of(s, cell) / (float)(1u << 24);
	return price;
}

/* Leads a visible cell back towards what it shows, after a lenient move. */
static bool brings_back(const struct search *s, uint32_t cell, int64_t by)
{
	return by > 0 ? s->delta[cell] <= -by : s->delta[cell] >= -by;
}

/* Price of changing a cell by sign * dir * amp. */
static float price_of(struct search *s, uint32_t cell, int sign)
{
	const struct grid *g = s->g;
	float price = 0.0f;
	s->work++;
	if (g->kind[cell] == KIND_DEAD || g->kind[cell] == KIND_FORCED ||
	    (s->banned[cell] & SEARCH_PINNED) != 0)
		return NEVER;
	if (search_is_visible(s, cell)) {
		if (s->delta[cell] != 0 && brings_back(s, cell, sign * s->dir * s->amp))
			return 0.0f;
		if (search_may_buy(s, cell))
			price = search_price(s, cell);
		else if (s->lenient)
			return LENIENT_PRICE;
		else
			return NEVER;
	}
	if (!s->any_room && sign * s->dir < 0 &&
	    g->value[cell] + s->delta[cell] - grid_floor(g, cell) < s->amp)
		return s->lenient ? price + LENIENT_PRICE : NEVER;
	return price;
}

struct axis { /* one dimension of the cell under search */
	struct search *s;
	size_t k;
	const struct dim *d;
	uint32_t own;    /* the cell's code */
	uint64_t turn;   /* keyed: where scans start */
	uint32_t n_free; /* options of price 0 */
	bool tree;
	uint32_t base[64]; /* codes that move up whatever is chosen (a view's base and what hangs on it) */
	uint32_t n_base;
};

static bool office_barred(const struct search *s, const struct dim *d, uint32_t code)
{
	if (s->avoid[code] != 0)
		return true;
	return s->confined && s->any_used && s->used[code] == 0 && dim_is_leaf(d, code);
}

static float price_code(const struct axis *a, uint32_t code, int sign)
{
	struct search *s = a->s;
	if (a->k == s->g->office_dim && office_barred(s, a->d, code))
		return NEVER;
	return price_of(s, s->cell + (code - a->own) * (uint32_t)s->g->t->stride[a->k], sign);
}

/* Every code is met again and again while options are put together. */
static float axis_price(const struct axis *a, uint32_t code, int sign)
{
	struct axis_memo *memo = &a->s->memo[a->k][code];
	unsigned side = sign > 0 ? 0 : 1;
	if (memo->axis[side] != a->s->axis) {
		memo->axis[side] = a->s->axis;
		memo->price[side] = price_code(a, code, sign);
	}
	return memo->price[side];
}

static float plus(float a, float b)
{
	return a == NEVER || b == NEVER ? NEVER : a + b;
}

/* Cheapest way down from code to an atom, greedily; NONE if every child is barred. */
static uint32_t descend(const struct axis *a, uint32_t code, int sign)
{
	while (!dim_is_atom(a->d, code)) {
		const struct breakdown *b = dim_down(a->d, code, 0);
		uint32_t best = NONE;
		float least = NEVER;
		uint32_t from = (uint32_t)(a->turn % b->n);
		for (uint32_t j = 0; j < b->n && least > 0.0f; j++) {
			uint32_t child = a->d->child[b->first + (from + j) % b->n];
			float price = axis_price(a, child, sign);
			if (price < least) {
				least = price;
				best = child;
			}
		}
		if (best == NONE)
			return NONE;
		code = best;
	}
	return code;
}

struct bundle { /* option under construction in the search's scratch */
	uint32_t n;
	float price;
	bool full;
};

static void bundle_add(const struct axis *a, struct bundle *o, uint32_t code, int sign)
{
	struct search *s = a->s;
	if (s->stamp[a->k][code] == s->serial)
		return;
	if (o->n == OPTION_CODES_MAX) {
		o->full = true;
		return;
	}
	s->stamp[a->k][code] = s->serial;
	s->scratch_code[o->n] = code;
	s->scratch_sign[o->n++] = (int8_t)sign;
	o->price = plus(o->price, axis_price(a, code, sign));
}

/* With a virtual sum, an option must raise the sum itself, not shift it about inside. */
static bool raises_virt(const struct axis *a, uint32_t n)
{
	const struct virt *v = a->s->virt;
	int net = 0;
	if (v == NULL || v->r.dim != a->k)
		return true;
	for (uint32_t j = 0; j < v->r.b->n; j++) {
		uint32_t code = a->d->child[v->r.b->first + j];
		if (a->s->stamp[a->k][code] != a->s->serial || !virt_holds(a->s->g, v, j))
			continue;
		for (uint32_t i = 0; i < n; i++)
			if (a->s->scratch_code[i] == code)
				net += a->s->scratch_sign[i];
	}
	return net == 1;
}

static void keep_option(struct axis *a, const struct bundle *o)
{
	struct search *s = a->s;
	uint32_t *n = &s->n_options[a->k];
	uint32_t at = *n;
	if (o->price >= s->price || o->full || !raises_virt(a, o->n))
		return;
	if (*n == OPTIONS_MAX) {
		at = 0;
		for (uint32_t i = 1; i < OPTIONS_MAX; i++)
			if (s->option[a->k][i].price > s->option[a->k][at].price)
				at = i;
		if (s->option[a->k][at].price <= o->price)
			return;
	} else {
		(*n)++;
	}
	struct option *to = &s->option[a->k][at];
	memcpy(to->code, s->scratch_code, o->n * sizeof *to->code);
	memcpy(to->sign, s->scratch_sign, o->n);
	to->n = o->n;
	to->price = o->price;
	a->n_free += o->price <= 0.0f;
}

/* One option: up with the base codes and the atom `up`, down with the atom `down` (NONE: nobody goes down).
 * Views are not settled here: which child goes along depends on the other dimensions (expand_views). */
static void emit(struct axis *a, uint32_t up, uint32_t down)
{
	struct search *s = a->s;
	struct bundle o = { 0 };
	const uint32_t *above = list_at(&a->d->above, up);
	s->serial++;
	for (uint32_t i = 0; down != NONE && i < list_size(&a->d->above, down); i++)
		s->stamp_minus[a->k][list_at(&a->d->above, down)[i]] = s->serial;
	bundle_add(a, &o, a->own, 1);
	for (uint32_t i = 0; i < a->n_base; i++)
		bundle_add(a, &o, a->base[i], 1);
	for (uint32_t i = 0; i < list_size(&a->d->above, up); i++) {
		if (down != NONE && s->stamp_minus[a->k][above[i]] == s->serial)
			s->stamp[a->k][above[i]] = s->serial; /* both: no change */
		else
			bundle_add(a, &o, above[i], 1);
	}
	for (uint32_t i = 0; down != NONE && i < list_size(&a->d->above, down); i++)
		bundle_add(a, &o, list_at(&a->d->above, down)[i], -1);
	keep_option(a, &o);
}

/* Atoms below the code: all if there are few, else the greedy ends of its cheapest children. */
static uint32_t find_ups(const struct axis *a, uint32_t code, uint32_t up[FEW_ATOMS])
{
	uint32_t n = 0;
	if (list_size(&a->d->atoms, code) <= FEW_ATOMS) {
		for (uint32_t i = 0; i < list_size(&a->d->atoms, code); i++)
			if (axis_price(a, list_at(&a->d->atoms, code)[i], 1) < NEVER)
				up[n++] = list_at(&a->d->atoms, code)[i];
		return n;
	}
	float least[DESCENTS_MAX];
	uint32_t child[DESCENTS_MAX];
	uint32_t n_child = 0;
	const struct breakdown *b = dim_down(a->d, code, 0);
	for (uint32_t j = 0; j < b->n; j++) {
		uint32_t c = a->d->child[b->first + (a->turn + j) % b->n];
		float price = axis_price(a, c, 1);
		uint32_t at = n_child;
		while (at > 0 && least[at - 1] > price)
			at--;
		if (price == NEVER || at == DESCENTS_MAX)
			continue;
		if (n_child < DESCENTS_MAX)
			n_child++;
		for (uint32_t i = n_child - 1; i > at; i--) {
			least[i] = least[i - 1];
			child[i] = child[i - 1];
		}
		least[at] = price;
		child[at] = c;
		if (n_child == DESCENTS_MAX && least[n_child - 1] <= 0.0f)
			break;
	}
	for (uint32_t i = 0; i < n_child; i++) {
		uint32_t atom = descend(a, child[i], 1);
		if (atom != NONE)
			up[n++] = atom;
	}
	return n;
}

/* Partners for one atom: under each ancestor, nearest first, the siblings of what was passed. */
static bool pair_up(struct axis *a, uint32_t code, uint32_t up)
{
	const uint32_t *above = list_at(&a->d->above, code);
	for (uint32_t i = 1; i < list_size(&a->d->above, code); i++) {
		uint32_t p = above[i];
		for (uint32_t k = 0; k < a->d->n_plain[p]; k++) {
			const struct breakdown *b = dim_down(a->d, p, k);
			uint32_t from = (uint32_t)(a->turn % b->n);
			for (uint32_t j = 0; j < b->n && a->n_free < OPTIONS_MAX; j++) {
				uint32_t v = a->d->child[b->first + (from + j) % b->n];
				if (axis_price(a, v, -1) == NEVER || dim_is_above(a->d, v, up))
					continue;
				uint32_t down = descend(a, v, -1);
				if (down != NONE && !dim_is_above(a->d, code, down))
					emit(a, up, down);
			}
		}
		if (a->n_free >= OPTIONS_MAX && !a->s->wide)
			return false;
		float price = a->tree ? axis_price(a, p, 1) : 0.0f;
		if (price >= a->s->price || (price > 0.0f && a->s->n_options[a->k] >= 2 && !a->s->wide))
			return false;
	}
	return true;
}

/* A view's other child takes what this one gains; the base stays as it is. */
static void pair_view(struct axis *a, uint32_t root, uint32_t up)
{
	const struct breakdown *view = &a->d->breakdown[a->d->base_view[root]];
	for (uint32_t j = 0; j < view->n; j++) {
		uint32_t v = a->d->child[view->first + j];
		if (v == root || axis_price(a, v, -1) == NEVER)
			continue;
		uint32_t down = descend(a, v, -1);
		if (down != NONE)
			emit(a, up, down);
	}
}

/* All options of dimension k at the search's cell. */
static void find_options(struct search *s, size_t k, uint64_t turn)
{
	const struct dim *d = &s->g->t->dim[k];
	struct axis a = { .s = s, .k = k, .d = d, .own = grid_coord(s->g, s->cell, k), .turn = turn };
	uint32_t up[FEW_ATOMS];
	uint32_t code = a.own;
	a.tree = s->is_tree[k];
	s->axis++;
	s->n_options[k] = 0;
	for (;;) {
		bool root = true;
		uint32_t n = find_ups(&a, code, up);
		for (uint32_t i = 0; i < n; i++)
			root = pair_up(&a, code, up[i]) && root;
		uint32_t region = d->region[code];
		if (n == 0)
			return;
		for (uint32_t i = 0; i < n && root; i++) {
			if (d->base_view[region] == NONE)
				emit(&a, up[i], NONE);
			else
				pair_view(&a, region, up[i]);
		}
		if (d->base_view[region] == NONE || !root)
			return;
		/* go on with the view's base, which then changes as well */
		for (uint32_t i = 0; i < list_size(&d->above, up[0]); i++) {
			if (a.n_base == sizeof a.base / sizeof a.base[0])
				return;
			a.base[a.n_base++] = list_at(&d->above, up[0])[i];
		}
		code = d->breakdown[d->base_view[region]].parent;
		if (axis_price(&a, code, 1) == NEVER)
			return;
	}
}

/* Adds the terms so far times one code of dimension k; their price, NEVER if barred or too dear. */
static float multiply_code(
    struct search *s, uint32_t level, uint32_t n, uint32_t *at, uint32_t shift, int sign, float left)
{
	const struct term *from = s->level[level];
	struct term *to = s->level[level + 1];
	float price = 0.0f;
	if (*at + n > TERMS_MAX)
		return NEVER;
	for (uint32_t j = 0; j < n; j++) {
		uint32_t cell = from[j].cell + shift;
		price = plus(price, price_of(s, cell, from[j].sign * sign));
		if (price >= left)
			return NEVER;
		to[(*at)++] = (struct term){ cell, from[j].sign * sign };
	}
	return price;
}

/* What one code would cost along all terms so far. */
static float weigh_code(struct search *s, uint32_t level, uint32_t n, uint32_t shift, int sign)
{
	const struct term *from = s->level[level];
	float price = 0.0f;
	for (uint32_t j = 0; j < n && price < NEVER; j++)
		price = plus(price, price_of(s, from[j].cell + shift, from[j].sign * sign));
	return price;
}

struct expansion { /* of an option by the views of its codes */
	struct search *s;
	const struct dim *d;
	size_t k;
	uint32_t own, level, n_from; /* the option's own code; the terms multiplied */
	uint32_t n;                  /* codes in scratch */
};

static uint32_t shift_to(const struct expansion *x, uint32_t code)
{
	return (code - x->own) * (uint32_t)x->s->g->t->stride[x->k];
}

/* The view's child that costs least over all terms; among equals the one with fewer views of its own. */
static uint32_t choose_child(const struct expansion *x, const struct breakdown *view, int sign)
{
	uint32_t best = NONE;
	float least = NEVER;
	uint32_t views = UINT32_MAX;
	for (uint32_t j = 0; j < view->n; j++) {
		uint32_t child = x->d->child[view->first + j];
		if (x->s->stamp[x->k][child] == x->s->serial)
			return NONE;
		float price = weigh_code(x->s, x->level, x->n_from, shift_to(x, child), sign);
		uint32_t n = list_size(&x->d->down, child) - x->d->n_plain[child];
		if (price < least || (price == least && price < NEVER && n < views)) {
			least = price;
			views = n;
			best = child;
		}
	}
	return best == NONE ? UINT32_MAX - 1 : best;
}

static bool add_scratch(struct expansion *x, uint32_t code, int sign)
{
	if (x->n == OPTION_CODES_MAX)
		return false;
	x->s->stamp[x->k][code] = x->s->serial;
	x->s->scratch_code[x->n] = code;
	x->s->scratch_sign[x->n++] = (int8_t)sign;
	return true;
}

/* A child with breakdowns of its own goes down to an atom, cheapest first. */
static bool go_down(struct expansion *x, uint32_t code, int sign)
{
	while (!dim_is_atom(x->d, code)) {
		const struct breakdown *b = dim_down(x->d, code, 0);
		uint32_t best = NONE;
		float least = NEVER;
		for (uint32_t j = 0; j < b->n && least > 0.0f; j++) {
			uint32_t child = x->d->child[b->first + j];
			float price = weigh_code(x->s, x->level, x->n_from, shift_to(x, child), sign);
			if (price < least) {
				least = price;
				best = child;
			}
		}
		if (best == NONE || x->d->n_plain[code] > 1)
			return false; /* several groupings inside a view: not searched */
		code = best;
		if (!add_scratch(x, code, sign))
			return false;
	}
	return true;
}

/* Every code that changes takes one child of each of its views along: chosen now that the other signs are
 * known. */
static float expand_views(
    struct search *s, uint32_t level, uint32_t n, const struct option *o, size_t k, uint32_t *at, float left)
{
	struct expansion x = {
		.s = s, .d = &s->g->t->dim[k], .k = k, .own = o->code[0], .level = level, .n_from = n
	};
	float price = 0.0f;
	s->serial++;
	for (uint32_t i = 0; i < o->n; i++)
		if (!add_scratch(&x, o->code[i], o->sign[i]))
			return NEVER;
	for (uint32_t i = 0; i < x.n; i++) {
		uint32_t code = s->scratch_code[i];
		int sign = s->scratch_sign[i];
		for (uint32_t v = x.d->n_plain[code]; v < list_size(&x.d->down, code); v++) {
			uint32_t child = choose_child(&x, dim_down(x.d, code, v), sign);
			if (child == NONE)
				continue; /* the option decides this view itself */
			if (child == UINT32_MAX - 1 || !add_scratch(&x, child, sign) ||
			    !go_down(&x, child, sign))
				return NEVER;
		}
	}
	for (uint32_t i = o->n; i < x.n; i++) {
		price = plus(price, multiply_code(s, level, n, at, shift_to(&x, s->scratch_code[i]),
					s->scratch_sign[i], left - price));
		if (price >= left)
			return NEVER;
	}
	return price;
}

/* Multiplies the terms so far with an option; the price of the new cells, NEVER if barred or too dear.
 * *count: how many terms there are then. */
static float multiply(struct search *s, uint32_t level, uint32_t n, const struct option *o, size_t k,
    float left, uint32_t *count)
{
	uint32_t stride = (uint32_t)s->g->t->stride[k];
	float price = 0.0f;
	memcpy(s->level[level + 1], s->level[level], n * sizeof *s->level[level]);
	*count = n;
	for (uint32_t i = 1; i < o->n; i++) {
		price = plus(price, multiply_code(s, level, n, count, (o->code[i] - o->code[0]) * stride,
					o->sign[i], left - price));
		if (price >= left)
			return NEVER;
	}
	return s->has_views[k] ? plus(price, expand_views(s, level, n, o, k, count, left - price)) : price;
}

/* Cheapest first; among equals in the order of finding. */
static void sort_options(struct option *o, uint32_t n)
{
	for (uint32_t i = 1; i < n; i++) {
		struct option one = o[i];
		uint32_t at = i;
		for (; at > 0 && o[at - 1].price > one.price; at--)
			o[at] = o[at - 1];
		o[at] = one;
	}
}

/* Depth first over the dimensions; depth is bounded by TABLE_DIMS_MAX. */
static void multiply_all(
    struct search *s, const size_t *order, uint32_t level, uint32_t n, float so_far, float own)
{
	if (level == s->g->t->n_dims) {
		s->price = so_far;
		memcpy(s->term, s->level[level], n * sizeof *s->term);
		s->n_terms = n;
		return;
	}
	size_t k = order[level];
	for (uint32_t i = 0;
	     i < s->n_options[k] && s->price > 0.0f &&
	     (s->work < s->budget || (s->n_terms == 0 && !s->lenient && s->work < s->budget + 10 * BUDGET));
	     i++) {
		const struct option *o = &s->option[k][i];
		if (so_far + o->price - own >= s->price)
			break;
		uint32_t count = 0;
		float price = multiply(s, level, n, o, k, s->price - so_far, &count);
		if (price < NEVER)
			multiply_all(s, order, level + 1, count, so_far + price, own);
	}
}

/* Views come last, dimensions with few options first. */
static bool later(const struct search *s, size_t a, size_t b)
{
	if (s->has_views[a] != s->has_views[b])
		return s->has_views[a];
	return s->n_options[a] > s->n_options[b];
}

/* Product moves through one cell; improves s->price if it finds a cheaper one. */
static void find_at(struct search *s, uint32_t cell)
{
	size_t order[TABLE_DIMS_MAX] = { 0 };
	size_t n = s->g->t->n_dims;
	s->cell = cell;
	float own = price_of(s, cell, 1);
	if (own >= s->price)
		return;
	for (size_t k = 0; k < n; k++) {
		find_options(s, k, grid_random(s->g, 3 + k, cell, s->seed));
		if (s->n_options[k] == 0)
			return;
		sort_options(s->option[k], s->n_options[k]);
		size_t at = k;
		for (; at > 0 && later(s, order[at - 1], k); at--)
			order[at] = order[at - 1];
		order[at] = k;
	}
	s->budget = s->work + (s->lenient ? LENIENT_BUDGET : BUDGET);
	s->level[0][0] = (struct term){ cell, 1 };
	multiply_all(s, order, 0, 1, own, own);
}

static void find_anywhere(struct search *s, uint32_t cell, const struct virt *virt)
{
	if (virt == NULL)
		find_at(s, cell);
	for (uint32_t j = 0; virt != NULL && j < virt->r.b->n && s->price > 0.0f; j++) {
		uint32_t child = relation_child(s->g, &virt->r, j);
		if (virt_holds(s->g, virt, j) && s->g->kind[child] != KIND_DEAD)
			find_at(s, child);
	}
}

bool search_find(struct search *s, uint32_t cell, const struct virt *virt, int dir, int64_t amp)
{
	s->price = s->lenient ? (s->pay ? NEVER : LENIENT_MOST) : s->pay ? s->most : NEVER;
	s->virt = virt;
	s->dir = dir;
	s->amp = amp;
	s->n_terms = 0;
	find_anywhere(s, cell, virt);
	if (s->n_terms == 0 && s->pay && s->most == NEVER) {
		s->wide = true;
		find_anywhere(s, cell, virt);
		s->wide = false;
	}
	if (s->n_terms == 0)
		s->price = NEVER;
	return s->n_terms > 0;
}

static bool touch(struct search *s, uint32_t cell)
{
	if ((s->bought[cell] & SEARCH_TOUCHED) != 0)
		return true;
	if (s->n_touched == s->room_touched) {
		uint32_t room = s->room_touched == 0 ? 256 : s->room_touched * 2;
		uint32_t *bigger = realloc(s->touched, room * sizeof *bigger);
		if (bigger == NULL)
			return false;
		s->touched = bigger;
		s->room_touched = room;
	}
	s->touched[s->n_touched++] = cell;
	s->bought[cell] |= SEARCH_TOUCHED;
	return true;
}

bool search_lend(struct search *s, uint32_t cell, int64_t by)
{
	if (!touch(s, cell))
		return false;
	s->delta[cell] += by;
	uint32_t office = grid_office(s->g, cell);
	if (office != NONE) {
		s->used[office] = 1;
		s->any_used = true;
	}
	return true;
}

bool search_put(struct search *s, uint32_t cell, int64_t by)
{
	if (!search_lend(s, cell, by))
		return false;
	if (search_is_visible(s, cell))
		s->bought[cell] |= SEARCH_BOUGHT;
	return true;
}

bool search_is_bad(const struct search *s, uint32_t cell)
{
	if (search_is_visible(s, cell))
		return s->delta[cell] != 0;
	return !s->any_room && s->delta[cell] < 0 &&
	       s->g->value[cell] + s->delta[cell] < grid_floor(s->g, cell);
}

bool search_take(struct search *s, int dir, int64_t amp)
{
	for (uint32_t i = 0; i < s->n_terms; i++) {
		uint32_t cell = s->term[i].cell;
		int64_t by = s->term[i].sign * dir * amp;
		bool buys =
		    search_is_visible(s, cell) && !brings_back(s, cell, by) && search_may_buy(s, cell);
		if (!search_lend(s, cell, by))
			return false;
		s->bought[cell] |= buys ? SEARCH_BOUGHT : 0;
	}
	return true;
}

void search_reset(struct search *s)
{
	for (uint32_t i = 0; i < s->n_touched; i++) {
		uint32_t office = grid_office(s->g, s->touched[i]);
		if (office != NONE)
			s->used[office] = 0;
		s->delta[s->touched[i]] = 0;
		s->bought[s->touched[i]] = 0;
	}
	s->n_touched = 0;
	s->any_used = false;
}
