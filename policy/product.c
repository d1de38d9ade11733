#include <string.h>

#include "policy/search_part.h"

/* The price of the first n terms of a level times one code, up to this limit. */
static struct weight weigh_up_to(
    struct search *s, const struct term *from, uint32_t n, uint32_t shift, int sign, float left)
{
	const struct free_look free_to = free_look_of(s);
	struct weight w = { .seen = n, .through = true };
	for (uint32_t j = 0; j < n; j++) {
		if (is_free(&free_to, from[j].cell + shift, from[j].sign * sign))
			continue;
		w.before = w.price;
		w.price = price_add(s, w.price, price_of(s, from[j].cell + shift, from[j].sign * sign));
		if (w.price >= left) {
			w.seen = j + 1;
			w.through = false;
			break;
		}
	}
	return w;
}

/* Adds the terms so far times one code. */
static void append_terms(struct search *s, uint32_t level, uint32_t n, uint32_t *at, uint32_t shift, int sign)
{
	const struct term *from = s->level[level];
	struct term *to = s->level[level + 1] + *at;
	for (uint32_t j = 0; j < n; j++)
		to[j] = (struct term){ from[j].cell + shift, from[j].sign * sign };
	*at += n;
}

/* Adds the terms so far times one code of dimension k; their price, NEVER if barred or too dear. */
static float multiply_code(
    struct search *s, uint32_t level, uint32_t n, uint32_t *at, uint32_t shift, int sign, float left)
{
	if (*at + n > TERMS_MAX)
		return NEVER;
	struct weight w = weigh_up_to(s, s->level[level], n, shift, sign, left);
	s->work += w.seen;
	if (!w.through)
		return NEVER;
	append_terms(s, level, n, at, shift, sign);
	return w.price;
}

/* What one code would cost along all terms so far. */
static float weigh_code(struct search *s, uint32_t level, uint32_t n, uint32_t shift, int sign)
{
	const struct term *from = s->level[level];
	float price = 0.0f;
	for (uint32_t j = 0; j < n && price < NEVER; j++, s->work++)
		price = price_add(s, price, price_of(s, from[j].cell + shift, from[j].sign * sign));
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
		price = price_add(s, price,
		    multiply_code(s, level, n, at, shift_to(&x, s->scratch_code[i]), s->scratch_sign[i],
			price_left(s, left, price)));
		if (price >= left)
			return NEVER;
	}
	return price;
}

/* What one code of an option costs along the terms that are being multiplied, which have this number. Options share codes: what was
 * summed up before is looked up. */
static float weigh_option_code(struct search *s, uint32_t level, uint32_t n, uint32_t prefix,
    const struct option *o, uint32_t i, size_t k, float left)
{
	struct weight *w = &s->weight[k][2 * o->code[i] + (o->sign[i] > 0 ? 0 : 1)];
	if (w->prefix != prefix || (w->through ? w->price >= left : w->before >= left || w->price < left)) {
		uint32_t shift = (o->code[i] - o->code[0]) * (uint32_t)s->g->t->stride[k];
		*w = weigh_up_to(s, s->level[level], n, shift, o->sign[i], left);
		w->prefix = prefix;
	}
	s->work += w->seen;
	return w->through ? w->price : NEVER;
}

/* Multiplies the terms so far with an option; the price of the new cells, NEVER if barred or too dear.
 * *count: how many terms there are then. */
static float multiply(struct search *s, uint32_t level, uint32_t n, uint32_t prefix, const struct option *o,
    size_t k, float left, uint32_t *count)
{
	uint32_t stride = (uint32_t)s->g->t->stride[k];
	float price = 0.0f;
	if ((uint64_t)n * o->n > TERMS_MAX)
		return NEVER;
	for (uint32_t i = 1; i < o->n; i++) {
		price = price_add(
		    s, price, weigh_option_code(s, level, n, prefix, o, i, k, price_left(s, left, price)));
		if (price >= left)
			return NEVER;
	}
	memcpy(s->level[level + 1], s->level[level], n * sizeof *s->level[level]);
	*count = n;
	for (uint32_t i = 1; i < o->n; i++)
		append_terms(s, level, n, count, (o->code[i] - o->code[0]) * stride, o->sign[i]);
	return s->has_views[k]
		   ? price_add(s, price, expand_views(s, level, n, o, k, count, price_left(s, left, price)))
		   : price;
}

/* The same for the cell alone: what that costs is the option's price. */
static void put_option(struct search *s, const struct option *o, size_t k, uint32_t *count)
{
	uint32_t stride = (uint32_t)s->g->t->stride[k];
	for (uint32_t i = 0; i < o->n; i++)
		s->level[1][i] = (struct term){ s->cell + (o->code[i] - o->code[0]) * stride, o->sign[i] };
	*count = o->n;
}

/* Another number than any terms had whose weights are still there. */
static uint32_t number_terms(struct search *s)
{
	if (++s->prefix == 0) {
		for (size_t d = 0; d < s->g->t->n_dims; d++)
			memset(s->weight[d], 0, 2 * (size_t)s->g->t->dim[d].n_codes * sizeof *s->weight[d]);
		s->prefix = 1;
	}
	return s->prefix;
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
	uint32_t prefix = number_terms(s);
	for (uint32_t i = 0;
	     i < s->n_options[k] && s->price > s->enough &&
	     (s->work < s->budget || (s->n_terms == 0 && !s->lenient && s->work < s->budget + 10 * BUDGET));
	     i++) {
		const struct option *o = &s->option[k][i];
		float least = s->sizing ? o->price : o->price - own;
		if (price_add(s, so_far, least) >= s->price)
			break;
		uint32_t count = 0;
		float price = level == 0 && !s->has_views[k] ? (put_option(s, o, k, &count), least)
							     : multiply(s, level, n, prefix, o, k,
								   price_left(s, s->price, so_far), &count);
		if (price < NEVER)
			multiply_all(s, order, level + 1, count, price_add(s, so_far, price), own);
	}
}

void product_find(struct search *s, const size_t *order, float own)
{
	s->level[0][0] = (struct term){ s->cell, 1 };
	multiply_all(s, order, 0, 1, own, own);
}
