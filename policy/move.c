#include "policy/move.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

void move_free(struct move *m)
{
	if (m->word != NULL)
		sodium_memzero(m->word, move_words(m) * sizeof *m->word);
	free(m->word);
	m->word = NULL;
}

/* The offices of these cells, ascending: entries mostly come that way. */
static uint32_t collect_offices(const struct grid *g, const struct entry *entry, uint32_t n, uint32_t *met)
{
	uint32_t count = 0;
	for (uint32_t i = 0; i < n; i++) {
		uint32_t o = grid_office(g, entry[i].cell);
		uint32_t at = count;
		if (o == NONE)
			continue;
		while (at > 0 && met[at - 1] > o)
			at--;
		if (at > 0 && met[at - 1] == o)
			continue;
		memmove(met + at + 1, met + at, (count - at) * sizeof *met);
		met[at] = o;
		count++;
	}
	return count;
}

static uint32_t size_of(int32_t by)
{
	return by < 0 ? -(uint32_t)by : (uint32_t)by;
}

/* Greatest common divisor of all changes; 0: one of them has no opposite. */
static uint32_t unit_of(const struct entry *entry, uint32_t n)
{
	uint32_t unit = 0;
	for (uint32_t i = 0; i < n; i++) {
		uint32_t b = size_of(entry[i].by);
		if (b > INT32_MAX)
			return 0;
		while (b != 0) {
			uint32_t rest = unit % b;
			unit = b;
			b = rest;
		}
	}
	return unit;
}

static bool is_wide(const struct entry *entry, uint32_t n, uint32_t unit)
{
	bool wide = unit == 0;
	for (uint32_t i = 0; i < n && !wide; i++)
		wide = size_of(entry[i].by) / unit > MOVE_TIMES_MAX || entry[i].cell > MOVE_CELL_MASK;
	return wide;
}

bool move_pack(struct move *m, const struct grid *g, const struct entry *entry, uint32_t n, uint32_t *met)
{
	uint32_t unit = unit_of(entry, n);
	m->n = n;
	m->n_offices = collect_offices(g, entry, n, met);
	m->wide = is_wide(entry, n, unit);
	m->unit = m->wide ? 1 : (int32_t)unit;
	size_t words = (m->wide ? 2 : 1) * (size_t)n;
	m->word = malloc((words + m->n_offices + 1) * sizeof *m->word);
	if (m->word == NULL)
		return false;
	for (uint32_t i = 0; i < n; i++) {
		uint32_t cell = entry[i].cell;
		uint32_t second = (g->look[cell] & LOOK_SECOND) != 0 ? MOVE_SECOND : 0;
		if (m->wide) {
			m->word[2 * i] = cell | second;
			m->word[2 * i + 1] = (uint32_t)entry[i].by;
		} else {
			uint32_t times = (uint32_t)(entry[i].by / m->unit + MOVE_TIMES_MAX + 1);
			m->word[i] = cell | times << MOVE_CELL_BITS | second;
		}
	}
	memcpy(m->word + words, met, m->n_offices * sizeof *met);
	return true;
}

bool move_copy(struct move *m, const struct move *from, const struct grid *g)
{
	uint32_t step = from->wide ? 2 : 1;
	*m = (struct move){ .n = from->n,
		.n_offices = from->n_offices,
		.first_need = NONE,
		.unit = from->unit,
		.wide = from->wide };
	m->word = malloc((move_words(m) + 1) * sizeof *m->word);
	if (m->word == NULL)
		return false;
	memcpy(m->word, from->word, move_words(m) * sizeof *m->word);
	for (uint32_t i = 0; i < m->n; i++) {
		bool second = (g->look[move_cell(m, i)] & LOOK_SECOND) != 0;
		m->word[step * i] = (m->word[step * i] & ~MOVE_SECOND) | (second ? MOVE_SECOND : 0);
	}
	return true;
}

int64_t move_change_at(const struct move *m, uint32_t cell)
{
	uint32_t low = 0;
	uint32_t high = m->n;
	while (low < high) {
		uint32_t mid = (low + high) / 2;
		if (move_cell(m, mid) < cell)
			low = mid + 1;
		else
			high = mid;
	}
	return low < m->n && move_cell(m, low) == cell ? move_by(m, low) : 0;
}

bool move_touches(const struct move *m, uint32_t office)
{
	const uint32_t *list = move_offices(m);
	uint32_t low = 0;
	uint32_t high = m->n_offices;
	while (low < high) {
		uint32_t mid = (low + high) / 2;
		if (list[mid] < office)
			low = mid + 1;
		else
			high = mid;
	}
	return low < m->n_offices && list[low] == office;
}
