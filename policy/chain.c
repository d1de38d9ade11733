#include "policy/chain.h"

#define CANCELS_MAX 10u /* moves that bring cells back */

static int64_t by_of(const struct search *s, uint32_t i, int dir, int64_t amp)
{
	return s->term[i].sign * dir * amp;
}

/* The product found goes onto the delta and the list of what a failure must take back. */
static bool chain_take(struct search *s, int dir, int64_t amp)
{
	if (s->n_chain + s->n_terms > CHAIN_MAX)
		return false;
	for (uint32_t i = 0; i < s->n_terms; i++)
		s->chain[s->n_chain++] = (struct change_by){ s->term[i].cell, false, by_of(s, i, dir, amp) };
	return search_take(s, dir, amp);
}

static void chain_undo(struct search *s)
{
	while (s->n_chain > 0) {
		struct change_by *c = &s->chain[--s->n_chain];
		search_set_room(s, c->cell, s->room[c->cell] - c->by);
	}
}

/* By how much the cell is off: what a move through it has to add. */
static int64_t shortage(const struct search *s, uint32_t cell)
{
	if (search_is_visible(s, cell))
		return -search_delta(s, cell);
	return -s->room[cell];
}

static uint32_t first_bad(const struct search *s)
{
	for (uint32_t i = 0; i < s->n_chain; i++)
		if (search_is_bad(s, s->chain[i].cell))
			return s->chain[i].cell;
	return NONE;
}

/* Brings back cell after cell; the price so far is added to. */
static bool cancel_all(struct search *s, float most, float *price)
{
	for (unsigned i = 0; i <= CANCELS_MAX; i++) {
		uint32_t bad = first_bad(s);
		if (bad == NONE)
			return true;
		int64_t by = shortage(s, bad);
		int64_t size = by > 0 ? by : -by;
		int dir = by > 0 ? 1 : -1;
		s->most = most - *price;
		if (i == CANCELS_MAX || !search_find(s, bad, NULL, dir, size))
			return false;
		*price += s->price;
		if (*price >= most || !chain_take(s, dir, size))
			return false;
	}
	return false;
}

/* What the move found would cost if all its bad cells came back for nothing. */
static float sure_price(struct search *s)
{
	float price = 0.0f;
	for (uint32_t i = 0; i < s->n_terms; i++)
		if (search_is_visible(s, s->term[i].cell) && search_may_buy(s, s->term[i].cell))
			price += search_price(s, s->term[i].cell);
	return price;
}

bool chain_find(struct search *s, uint32_t cell, int dir, int64_t amp, float most, float *price)
{
	float before = s->most;
	s->n_chain = 0;
	s->lenient = true;
	s->enough = s->pay ? 0.0f : LENIENT_PRICE; /* a free product was looked for before */
	bool ok = search_find(s, cell, NULL, dir, amp);
	s->lenient = false;
	s->enough = 0.0f;
	*price = 0.0f;
	if (!ok)
		return false;
	*price = sure_price(s);
	search_ban(s, cell, SPOT_PINNED, true);
	ok = *price < most && chain_take(s, dir, amp) && cancel_all(s, most, price);
	search_ban(s, cell, SPOT_PINNED, false);
	s->most = before;
	if (!ok)
		chain_undo(s);
	return ok;
}

static void shift(struct search *s, const struct change_by *c, int64_t times)
{
	search_set_room(s, c->cell, s->room[c->cell] + c->by * times);
}

/* The chain found so many times more. */
static bool repeat(struct search *s, int64_t times)
{
	bool ok = true;
	for (uint32_t i = 0; i < s->n_chain; i++)
		shift(s, &s->chain[i], times);
	for (uint32_t i = 0; ok && i < s->n_chain; i++)
		ok = !search_is_bad(s, s->chain[i].cell);
	for (uint32_t i = 0; !ok && i < s->n_chain; i++)
		shift(s, &s->chain[i], -times);
	return ok;
}

int64_t chain_more(struct search *s, int64_t most)
{
	for (int64_t times = most; times >= 1; times /= 2)
		if (repeat(s, times))
			return times;
	return 0;
}
