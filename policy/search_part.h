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

static inline bool lacks_room(const struct search *s, uint32_t cell, uint16_t look)
{
	return look >> SPOT_ROOM_SHIFT < s->least_seen ||
	       (s->least_room > SPOT_ROOM_MOST && s->room[cell] < s->least_room);
}

/* What it takes to see at one glance that a change of a cell costs nothing, as most do. */
struct free_look {
	const uint16_t *look;
	int dir;
	int least_seen[2]; /* of what goes up, of what goes down */
};

static inline struct free_look free_look_of(const struct search *s)
{
	bool seen = s->least_room <= SPOT_ROOM_MOST;
	return (struct free_look){ s->look, s->dir, { 0, seen ? s->least_seen : SPOT_ROOM_MOST + 1 } };
}

/* Surely free; what is not may be so as well. */
static inline bool is_free(const struct free_look *f, uint32_t cell, int sign)
{
	uint16_t look = f->look[cell];
	return (look & (LOOK_BARRED | LOOK_SHOWN | SPOT_PINNED)) == 0 &&
	       look >> SPOT_ROOM_SHIFT >= f->least_seen[sign != f->dir];
}

/* Price of changing a cell by sign * dir * amp. Who asks counts the work. */
static inline float price_of(struct search *s, uint32_t cell, int sign)
{
	uint16_t look = s->look[cell];
	bool sinks = sign != s->dir;
	float price = 0.0f;
	if ((look & (LOOK_BARRED | SPOT_PINNED)) != 0)
		return NEVER;
	if ((look & (LOOK_SHOWN | SPOT_BOUGHT)) == LOOK_SHOWN) {
		price = search_price_shown(s, cell, sinks ? -s->amp : s->amp);
		if (price <= 0.0f || price == NEVER)
			return price;
		if (!search_may_buy(s, cell))
			return price; /* lenient */
	}
	if (sinks && lacks_room(s, cell, look)) {
		if (s->sizing && s->room[cell] > 0)
			return (float)(s->amp - s->room[cell]);
		return s->lenient ? price + LENIENT_PRICE : NEVER;
	}
	return price;
}
#endif
