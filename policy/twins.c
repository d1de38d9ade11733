#include "policy/twins.h"

#include <stdlib.h>

#define TIED UINT64_C(1)

static uint32_t first_slot(const struct twins *t, uint64_t mark)
{
	return (uint32_t)(mark >> 32) & (t->size - 1);
}

/* The slot that holds the mark, or the free one where it would stand. */
static uint32_t look_up(const struct twins *t, uint64_t mark)
{
	uint32_t at = first_slot(t, mark);
	while (t->mark[at] != 0 && (t->mark[at] | TIED) != (mark | TIED))
		at = (at + 1) & (t->size - 1);
	return at;
}

uint32_t twins_slot(const struct twins *t, const struct space *s, uint32_t place)
{
	if (place == NONE || !space_moves(s, place))
		return NONE;
	uint32_t at = look_up(t, space_mark(s, place) & ~TIED);
	return t->mark[at] == 0 ? NONE : at;
}

bool twins_find(struct twins *t, const struct hiding *h, twins_guarded *is_guarded, const void *context)
{
	const struct space *s = &h->space;
	t->size = 4;
	while (t->size < UINT32_C(1) << 30 && t->size / 2 <= h->n_bag)
		t->size *= 2;
	t->mark = calloc(t->size, sizeof *t->mark);
	if (t->mark == NULL)
		return false;
	for (uint32_t i = 0; i < h->n_bag; i++) {
		uint32_t place = h->place_of[h->bag[i]];
		uint64_t mark = space_moves(s, place) ? space_mark(s, place) & ~TIED : 0;
		if (mark != 0)
			t->mark[look_up(t, mark)] = mark;
	}
	for (uint32_t i = 0; i < s->n; i++) {
		uint32_t at = is_guarded(context, i) ? twins_slot(t, s, i) : NONE;
		if (at != NONE)
			t->mark[at] |= TIED;
	}
	return true;
}

void twins_free(struct twins *t)
{
	free(t->mark);
	t->mark = NULL;
}

bool twins_is_tied(const struct twins *t, const struct hiding *h, uint32_t cell)
{
	uint32_t at = twins_slot(t, &h->space, h->place_of[cell]);
	return at != NONE && (t->mark[at] & TIED) != 0;
}
