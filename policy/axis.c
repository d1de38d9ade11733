#include <string.h>

#include "policy/search_part.h"

#define FEW_ATOMS    12u   /* so many are all tried */
#define SCAN_MAX     1024u /* children of one code looked at, from a keyed one on */
#define DESCENTS_MAX 4u

struct axis { /* one dimension of the cell under search */
	struct search *s;
	size_t k;
	const struct dim *d;
	uint32_t own;            /* the cell's code */
	uint32_t origin, stride; /* the cell with code c: origin + c * stride */
	struct free_look free;
	bool offices;    /* the office dimension */
	uint32_t turn;   /* keyed: where scans start */
	uint32_t n_free; /* options of price 0 */
	bool tree;
	bool plain;        /* a tree, at its own codes, and no virtual sum lies along it */
	uint32_t base[64]; /* codes that move up whatever is chosen (a view's base and what hangs on it) */
	uint32_t n_base;
};

static inline bool office_barred(const struct search *s, const struct dim *d, uint32_t code)
{
	if (s->avoid[code] != 0)
		return true;
	return s->confined && s->any_used && s->used[code] == 0 && dim_is_leaf(d, code);
}

static inline float price_code(const struct axis *a, uint32_t code, int sign)
{
	struct search *s = a->s;
	uint32_t cell = a->origin + code * a->stride;
	if (a->offices && office_barred(s, a->d, code))
		return NEVER;
	s->work++;
	return is_free(&a->free, cell, sign) ? 0.0f : price_of(s, cell, sign);
}

/* Every code is met again and again while options are put together. */
static inline float axis_price(const struct axis *a, uint32_t code, int sign)
{
	struct axis_memo *memo = &a->s->memo[a->k][code];
	unsigned side = sign > 0 ? 0 : 1;
	if (memo->axis[side] != a->s->axis) {
		memo->axis[side] = a->s->axis;
		memo->price[side] = price_code(a, code, sign);
	}
	return memo->price[side];
}

/* How many of a breakdown's children are looked at. A search that goes through all of a wide relation takes as long as the
 * relation is wide, and there may be as many searches; so first it looks at some, and only the one for which nothing was found
 * at all (search_find) at the others. */
static uint32_t scanned(const struct axis *a, const struct breakdown *b)
{
	return a->s->wide || b->n < SCAN_MAX ? b->n : SCAN_MAX;
}

/* Cheapest way down from code to an atom, greedily; NONE if every child is barred. */
static uint32_t descend(const struct axis *a, uint32_t code, int sign)
{
	while (!dim_is_atom(a->d, code)) {
		const struct breakdown *b = dim_down(a->d, code, 0);
		uint32_t best = NONE;
		float least = NEVER;
		uint32_t from = a->turn % b->n;
		for (uint32_t j = 0; j < scanned(a, b) && least > 0.0f; j++) {
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
	o->price = price_add(s, o->price, axis_price(a, code, sign));
}

/* With a virtual sum, an option must raise the sum itself, not shift it about inside. */
static bool raises_virt(const struct axis *a, uint32_t n)
{
	const struct virt *v = a->s->virt;
	int net = 0;
	if (v == NULL || !virt_lies_along(v, a->k))
		return true;
	for (uint32_t i = 0; i < n; i++)
		if (virt_holds_code(a->s->g, v, a->k, a->s->scratch_code[i]))
			net += a->s->scratch_sign[i];
	return net == 1;
}

/* A place for an option of this price: a free one, or that of the dearest. NULL: it is too dear. */
static struct option *make_place(struct axis *a, float price)
{
	struct search *s = a->s;
	struct option *list = s->option[a->k];
	uint32_t at = s->n_options[a->k];
	if (price >= s->price)
		return NULL;
	if (at == OPTIONS_MAX) {
		at = 0;
		for (uint32_t i = 1; i < OPTIONS_MAX; i++)
			if (list[i].price > list[at].price)
				at = i;
		if (list[at].price <= price)
			return NULL;
	} else {
		s->n_options[a->k]++;
	}
	a->n_free += price <= 0.0f;
	return &list[at];
}

static void keep_option(struct axis *a, const struct bundle *o)
{
	struct search *s = a->s;
	if (o->full || !raises_virt(a, o->n))
		return;
	struct option *to = make_place(a, o->price);
	if (to == NULL)
		return;
	memcpy(to->code, s->scratch_code, o->n * sizeof *to->code);
	memcpy(to->sign, s->scratch_sign, o->n);
	to->n = o->n;
	to->price = o->price;
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
	for (uint32_t j = 0; j < scanned(a, b); j++) {
		uint32_t c = a->d->child[b->first + (a->turn % b->n + j) % b->n];
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

/* There are options that cost less than an ancestor. */
static bool dear_enough(const struct axis *a)
{
	return a->s->n_options[a->k] >= 2 && !a->s->wide && !a->s->sizing;
}

struct path { /* codes from an atom upwards, in a dimension that is a tree */
	uint32_t code[TABLE_DEPTH_MAX + 1];
	uint32_t n;
	float price;
};

static void path_add(const struct axis *a, struct path *p, uint32_t code, int sign)
{
	p->code[p->n++] = code;
	p->price = price_add(a->s, p->price, axis_price(a, code, sign));
}

/* As descend, with the codes passed; false as soon as they cost as much as `most`. */
static bool descend_path(const struct axis *a, uint32_t code, float most, struct path *p)
{
	p->n = 0;
	p->price = 0.0f;
	path_add(a, p, code, -1);
	while (p->price < most && !dim_is_atom(a->d, code)) {
		const struct breakdown *b = dim_down(a->d, code, 0);
		float least = NEVER;
		uint32_t n = scanned(a, b);
		uint32_t at = n > 1 ? a->turn % b->n : 0;
		for (uint32_t j = 0; j < n && least > 0.0f; j++) {
			uint32_t child = a->d->child[b->first + at];
			float price = axis_price(a, child, -1);
			if (price < least) {
				least = price;
				code = child;
			}
			at = at + 1 == b->n ? 0 : at + 1;
		}
		if (least == NEVER)
			return false;
		path_add(a, p, code, -1);
	}
	return p->price < most;
}

static void keep_paths(struct axis *a, const struct path *up, const struct path *down)
{
	float price = price_add(a->s, up->price, down->price);
	struct option *to = make_place(a, price);
	if (to == NULL)
		return;
	memcpy(to->code, up->code, up->n * sizeof *to->code);
	memcpy(to->code + up->n, down->code, down->n * sizeof *to->code);
	memset(to->sign, 1, up->n);
	memset(to->sign + up->n, -1, down->n);
	to->n = up->n + down->n;
	to->price = price;
}

/* Partners for one atom in a tree: under each ancestor, nearest first, the siblings of what was passed. What goes up is the
 * path from the atom to below that ancestor, what goes down is another. */
static bool pair_paths(struct axis *a, uint32_t atom)
{
	const struct search *s = a->s;
	const uint32_t *above = list_at(&a->d->above, atom);
	uint32_t n = list_size(&a->d->above, atom);
	struct path up;
	struct path down;
	uint32_t i = 0;
	up.n = 0;
	up.price = 0.0f;
	path_add(a, &up, a->own, 1);
	for (; above[i] != a->own; i++)
		path_add(a, &up, above[i], 1);
	for (i++; i < n; i++) {
		const struct breakdown *b = dim_down(a->d, above[i], 0);
		uint32_t at = a->turn % b->n;
		for (uint32_t j = 0; j < scanned(a, b) && a->n_free < OPTIONS_MAX; j++) {
			uint32_t v = a->d->child[b->first + at];
			at = at + 1 == b->n ? 0 : at + 1;
			if (v != above[i - 1] && descend_path(a, v, price_left(s, s->price, up.price), &down))
				keep_paths(a, &up, &down);
		}
		if (a->n_free >= OPTIONS_MAX && !s->wide)
			return false;
		float price = axis_price(a, above[i], 1);
		if (price >= s->price || (price > 0.0f && dear_enough(a)))
			return false;
		path_add(a, &up, above[i], 1);
	}
	return true;
}

/* The same where codes may have several parents: under each ancestor, nearest first, the siblings of what was passed. */
static bool pair_up(struct axis *a, uint32_t code, uint32_t up)
{
	const uint32_t *above = list_at(&a->d->above, code);
	for (uint32_t i = 1; i < list_size(&a->d->above, code); i++) {
		uint32_t p = above[i];
		for (uint32_t k = 0; k < a->d->n_plain[p]; k++) {
			const struct breakdown *b = dim_down(a->d, p, k);
			uint32_t from = a->turn % b->n;
			for (uint32_t j = 0; j < scanned(a, b) && a->n_free < OPTIONS_MAX; j++) {
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
		if (price >= a->s->price || (price > 0.0f && dear_enough(a)))
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
static void find_options(struct search *s, size_t k, uint32_t turn)
{
	const struct dim *d = &s->g->t->dim[k];
	struct axis a; /* its bases stay as they are: most searches have none */
	uint32_t up[FEW_ATOMS];
	uint32_t code = grid_coord(s->g, s->cell, k);
	a.s = s;
	a.k = k;
	a.d = d;
	a.own = code;
	a.stride = (uint32_t)s->g->t->stride[k];
	a.origin = s->cell - code * a.stride;
	a.free = free_look_of(s);
	a.offices = k == s->g->office_dim;
	a.turn = turn;
	a.n_free = 0;
	a.n_base = 0;
	a.tree = s->is_tree[k];
	a.plain = a.tree && (s->virt == NULL || !virt_lies_along(s->virt, k));
	s->axis++;
	s->n_options[k] = 0;
	for (;;) {
		bool root = true;
		uint32_t n = find_ups(&a, code, up);
		for (uint32_t i = 0; i < n; i++)
			root = (a.plain ? pair_paths(&a, up[i]) : pair_up(&a, code, up[i])) && root;
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
		a.plain = false;
		code = d->breakdown[d->base_view[region]].parent;
		if (axis_price(&a, code, 1) == NEVER)
			return;
	}
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

void axis_options(struct search *s, size_t k, uint32_t turn)
{
	find_options(s, k, turn);
	sort_options(s->option[k], s->n_options[k]);
}
