/* search_part - what the parts of a search share: search.c, axis.c (choices in one dimension), product.c (their product).
 *
 * Internal to policy/, for these three. */
#ifndef POLICY_SEARCH_PART_H
#define POLICY_SEARCH_PART_H
#include <float.h>

#include "policy/search.h"

#define NEVER  FLT_MAX
#define BUDGET 40000u /* cells priced in one product search */

/* All options of dimension k at the search's cell, cheapest first. turn: keyed, where scans start. */
void axis_options(struct search *s, size_t k, uint32_t turn);

/* Multiplies the options of all dimensions, in this order, cheapest first; improves s->price and the terms. own: the price of
 * the cell itself, which is in every option. */
void product_find(struct search *s, const size_t *order, float own);

/* What a visible cell costs, its room aside. */
float search_price_shown(struct search *s, uint32_t cell, int64_t by);

/* Prices of cells that change together. While a move's size is what is looked for (search_most), a price is what the cell lacks of
 * it, and the worst cell counts. */
static inline float price_add(const struct search *s, float a, float b)
{
	if (s->sizing)
		return a > b ? a : b;
	return a == NEVER || b == NEVER ? NEVER : a + b;
}

/* What is left of a limit. */
static inline float price_left(const struct search *s, float limit, float spent)
{
	return s->sizing ? limit : limit - spent;
}

/* Price of changing a cell by sign * dir * amp. */
static inline float price_of(struct search *s, uint32_t cell, int sign)
{
	uint8_t state = s->state[cell];
	uint8_t look = s->look[cell];
	bool sinks = sign != s->dir;
	float price = 0.0f;
	s->work++;
	if ((look & LOOK_BARRED) != 0 || (state & SPOT_PINNED) != 0)
		return NEVER;
	if ((look & LOOK_SHOWN) != 0 && (state & SPOT_BOUGHT) == 0) {
		price = search_price_shown(s, cell, sinks ? -s->amp : s->amp);
		if (price <= 0.0f || price == NEVER)
			return price;
		if (!search_may_buy(s, cell))
			return price; /* lenient */
	}
	if (sinks && s->room[cell] < s->least_room) {
		if (s->sizing && s->room[cell] > 0)
			return (float)(s->amp - s->room[cell]);
		return s->lenient ? price + LENIENT_PRICE : NEVER;
	}
	return price;
}
#endif
