#include <stdlib.h>
#include <string.h>

#include "policy/space_rows.h"

#define WHOLE_MAX (1 << 20) /* a product of small numbers; a fraction is hardly ever that near 0 */

static uint32_t negative(uint32_t a)
{
	return a == 0 ? 0 : SPACE_PRIME - a;
}

static uint32_t inverse(uint32_t a)
{
	uint32_t result = 1;
	if (a == 1 || a == SPACE_PRIME - 1)
		return a;
	for (uint32_t power = SPACE_PRIME - 2; power != 0; power >>= 1) {
		if ((power & 1) != 0)
			result = times(result, a);
		a = times(a, a);
	}
	return result;
}

static bool widen(struct space *s, uint32_t room)
{
	uint32_t had[] = { s->room, s->room, s->room, s->room };
	if (!array_room(&s->row, &had[0], room, sizeof *s->row) ||
	    !array_room(&s->column, &had[1], room, sizeof *s->column) ||
	    !array_room(&s->seen, &had[2], room, sizeof *s->seen) ||
	    !array_room(&s->sum, &had[3], room, sizeof *s->sum))
		return false;
	size_t more = had[0] - s->room;
	memset(s->row + s->room, 0, more * sizeof *s->row);
	memset(s->column + s->room, 0, more * sizeof *s->column);
	memset(s->seen + s->room, 0, more * sizeof *s->seen);
	memset(s->sum + s->room, 0, more * sizeof *s->sum);
	s->room = had[0];
	return true;
}

bool space_init(struct space *s, uint32_t cells, uint32_t sums, uint32_t most)
{
	unsigned bits = 0;
	memset(s, 0, sizeof *s);
	while (bits < 31 && most >> bits != 0)
		bits++;
	if (31 - bits < SPACE_BITS_MIN)
		return false;
	s->shift = 31 - bits;
	s->half = UINT32_C(1) << (s->shift - 1);
	s->first_sum = cells;
	s->n_sums = sums;
	s->n = cells + sums;
	s->room = s->n + 1;
	s->row = calloc(s->room, sizeof *s->row);
	s->column = calloc(s->room, sizeof *s->column);
	s->seen = calloc(s->room, sizeof *s->seen);
	s->sum = calloc(s->room, sizeof *s->sum);
	return s->row != NULL && s->column != NULL && s->seen != NULL && s->sum != NULL;
}

uint32_t space_new(struct space *s)
{
	if (s->n == s->room && !widen(s, s->n + 1)) {
		s->failed = true;
		return UINT32_MAX;
	}
	return s->n++;
}

void space_free(struct space *s)
{
	free(s->row);
	free(s->column);
	free(s->word);
	free(s->place);
	free(s->scratch);
	free(s->packed);
	free(s->vector);
	free(s->seen);
	free(s->sum);
	memset(s, 0, sizeof *s);
}

/* Takes out the free place f[pivot].at so that f becomes 0. Keeps in s->vector the vector that is 1 there. */
static void take_out(struct space *s, const struct space_item *f, uint32_t n, uint32_t pivot)
{
	uint32_t out = f[pivot].at;
	uint32_t unit = negative(inverse(f[pivot].by));
	space_tidy(s, out);
	uint32_t m = s->column[out].n;
	if (!grow(s, &s->vector, &s->room_vector, m + 1, sizeof *s->vector))
		return;
	s->n_vector = m;
	for (uint32_t i = 0; i < m && !s->failed; i++) {
		uint32_t place = space_places(s, out)[i];
		uint32_t by = space_change(s, place, out);
		s->vector[i] = (struct space_item){ place, by };
		space_add_to_row(s, place, f, n, times(by, unit));
	}
	space_clear_column(s, out);
}

static uint32_t rarest(const struct space *s, const struct space_item *f, uint32_t n)
{
	uint32_t best = 0;
	for (uint32_t i = 1; i < n; i++)
		if (s->column[f[i].at].n < s->column[f[best].at].n)
			best = i;
	return best;
}

void space_impose(struct space *s, const struct space_item *item, uint32_t n)
{
	struct space_item *f = NULL;
	uint32_t room = 0;
	uint32_t k = space_functional(s, item, n, &f, &room);
	s->n_vector = 0;
	if (k > 0 && !s->failed)
		take_out(s, f, k, rarest(s, f, k));
	free(f);
}

void space_drop(struct space *s, uint32_t place)
{
	struct space_item one = { place, 1 };
	space_impose(s, &one, 1);
}

void space_define(struct space *s, uint32_t place, uint32_t cell, bool off)
{
	uint32_t n = space_copy_row(s, cell, &s->vector, &s->room_vector);
	s->n_vector = 0;
	if (!s->failed)
		space_add_to_row(s, place, s->vector, n, off ? SPACE_PRIME - 1 : 1);
}

/* v := v - what the free places in it make up; leaves the values in s->sum and the places in s->vector. */
static void reduce(struct space *s, const struct space_item *item, uint32_t n)
{
	uint32_t turn = 0;
	for (uint32_t i = 0; i < n; i++) /* tidy has turns of its own */
		if (space_change(s, item[i].at, item[i].at) == 1)
			space_tidy(s, item[i].at);
	turn = space_turn(s);
	s->n_vector = 0;
	for (uint32_t i = 0; i < n; i++) {
		uint32_t at = item[i].at;
		uint32_t m = space_is_free(s, at) ? s->column[at].n : 0;
		if (!grow(s, &s->vector, &s->room_vector, s->n_vector + m + 1, sizeof *s->vector))
			return;
		if (s->seen[at] != turn) {
			s->seen[at] = turn;
			s->vector[s->n_vector++].at = at;
		}
		s->sum[at] = plus(s->sum[at], item[i].by);
		for (uint32_t j = 0; j < m; j++) {
			uint32_t place = space_places(s, at)[j];
			if (s->seen[place] != turn) {
				s->seen[place] = turn;
				s->vector[s->n_vector++].at = place;
			}
			s->sum[place] =
			    plus(s->sum[place], times(negative(item[i].by), space_change(s, place, at)));
		}
		s->work += m;
	}
}

/* Makes a place of the reduced vector free. Leaves in s->vector what is 0 in all vectors that were there before. */
static bool put_in(struct space *s, uint32_t best)
{
	uint32_t q = s->vector[best].at;
	uint32_t unit = inverse(s->vector[best].by);
	struct space_item *f = NULL;
	uint32_t room = 0;
	uint32_t n = space_copy_row(s, q, &f, &room);
	for (uint32_t i = 0; i < s->n_vector; i++) {
		uint32_t by = times(s->vector[i].by, unit);
		if (n > 0)
			space_add_to_row(s, s->vector[i].at, f, n, negative(by));
		space_add_item(s, s->vector[i].at, q, by);
	}
	if (grow(s, &s->vector, &s->room_vector, n + 1, sizeof *s->vector)) {
		s->vector[0] = (struct space_item){ q, 1 };
		for (uint32_t i = 0; i < n; i++)
			s->vector[i + 1] = (struct space_item){ f[i].at, negative(f[i].by) };
		s->n_vector = n + 1;
	}
	free(f);
	return !s->failed;
}

bool space_add(struct space *s, const struct space_item *item, uint32_t n)
{
	uint32_t best = UINT32_MAX;
	uint32_t shortest = UINT32_MAX;
	uint32_t kept = 0;
	reduce(s, item, n);
	for (uint32_t i = 0; i < s->n_vector; i++) {
		uint32_t at = s->vector[i].at;
		uint32_t by = s->sum[at];
		s->sum[at] = 0;
		if (by != 0)
			s->vector[kept++] = (struct space_item){ at, by };
	}
	s->n_vector = kept;
	for (uint32_t i = 0; i < kept; i++) {
		uint32_t at = s->vector[i].at;
		if (space_is_sum(s, at) || s->row[at].n / 2 >= shortest) /* an item has two words at most */
			continue;
		uint32_t length = space_length(s, at);
		if (length < shortest) {
			best = i;
			shortest = length;
		}
	}
	if (best == UINT32_MAX || s->failed)
		return false;
	return put_in(s, best);
}

/* Is the row of b a multiple of that of a? */
static bool parallel(const struct space *s, uint32_t a, uint32_t b)
{
	struct space_walk x = space_walk(s, a);
	struct space_walk y = space_walk(s, b);
	struct space_item p = { 0 };
	struct space_item q = { 0 };
	uint32_t first_a = 0;
	uint32_t first_b = 0;
	if (!s->any_wide && s->row[a].n != s->row[b].n)
		return false;
	bool more_a = space_next(s, &x, &p);
	bool more_b = space_next(s, &y, &q);
	for (; more_a && more_b; more_a = space_next(s, &x, &p), more_b = space_next(s, &y, &q)) {
		if (p.at != q.at)
			return false;
		if (first_a == 0) {
			first_a = p.by;
			first_b = q.by;
		} else if (times(p.by, first_b) != times(q.by, first_a)) {
			return false;
		}
	}
	return more_a == more_b;
}

/* Of the row's free places the first of those with the shortest column. */
static uint32_t rarest_of(const struct space *s, uint32_t place)
{
	struct space_walk w = space_walk(s, place);
	struct space_item item;
	uint32_t best = UINT32_MAX;
	while (space_next(s, &w, &item))
		if (best == UINT32_MAX || s->column[item.at].n < s->column[best].n)
			best = item.at;
	return best;
}

uint32_t space_class(struct space *s, uint32_t place, uint32_t *out)
{
	uint32_t n = 0;
	out[n++] = place;
	if (s->row[place].n == 0)
		return n;
	uint32_t at = rarest_of(s, place);
	space_tidy(s, at);
	for (uint32_t i = 0; i < s->column[at].n; i++) {
		uint32_t other = space_places(s, at)[i];
		if (other != place && parallel(s, place, other))
			out[n++] = other;
	}
	s->work += s->column[at].n;
	return n;
}

uint64_t space_mark(const struct space *s, uint32_t place)
{
	struct space_walk w = space_walk(s, place);
	struct space_item item;
	uint32_t unit = 0;
	uint64_t sum = 0;
	while (space_next(s, &w, &item)) {
		uint64_t x = item.at + UINT64_C(0x9e3779b97f4a7c15);
		x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
		x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
		unit = unit == 0 ? inverse(item.by) : unit;
		sum += (x ^ x >> 31) * times(item.by, unit);
	}
	return sum;
}

bool space_whole(uint32_t by, uint32_t d, int64_t *out)
{
	uint32_t value = times(by, d);
	*out = value <= SPACE_PRIME / 2 ? (int64_t)value : (int64_t)value - SPACE_PRIME;
	return *out<WHOLE_MAX && * out> - WHOLE_MAX;
}
