#include "policy/space.h"

#include <stdlib.h>
#include <string.h>

#include "policy/array.h"

#define WHOLE_MAX (1 << 20) /* a product of small numbers; a fraction is hardly ever that near 0 */

static uint32_t times(uint32_t a, uint32_t b)
{
	uint64_t x = (uint64_t)a * b;
	uint64_t y = (x & SPACE_PRIME) + (x >> 31);
	return (uint32_t)(y >= SPACE_PRIME ? y - SPACE_PRIME : y);
}

static uint32_t plus(uint32_t a, uint32_t b)
{
	uint32_t x = a + b;
	return x >= SPACE_PRIME ? x - SPACE_PRIME : x;
}

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

static bool grow(struct space *s, void *array, uint32_t *room, uint32_t need, size_t size)
{
	if (array_room(array, room, need, size))
		return true;
	s->failed = true;
	return false;
}

/* Rows and columns are many and short, and live long: no more room than malloc would give anyway, or an eighth. */
static bool fit(struct space *s, void *array, uint32_t *room, uint32_t need, size_t size)
{
	void *now = NULL;
	if (need <= *room)
		return true;
	size_t bytes = ((size_t)need + need / 8) * size;
	bytes = (bytes + 7) / 16 * 16 + 8; /* what malloc hands out */
	memcpy(&now, array, sizeof now);
	void *bigger = realloc(now, bytes);
	if (bigger == NULL) {
		s->failed = true;
		return false;
	}
	memcpy(array, &bigger, sizeof bigger);
	*room = (uint32_t)(bytes / size);
	return true;
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

bool space_init(struct space *s, uint32_t cells, uint32_t sums)
{
	memset(s, 0, sizeof *s);
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
	for (uint32_t i = 0; i < s->n && s->row != NULL; i++)
		free(s->row[i].item);
	for (uint32_t i = 0; i < s->n && s->column != NULL; i++)
		free(s->column[i].place);
	free(s->row);
	free(s->column);
	free(s->scratch);
	free(s->vector);
	free(s->seen);
	free(s->sum);
	memset(s, 0, sizeof *s);
}

static void link_column(struct space *s, uint32_t at, uint32_t place)
{
	struct space_column *c = &s->column[at];
	if (fit(s, &c->place, &c->room, c->n + 1, sizeof *c->place))
		c->place[c->n++] = place;
}

static uint32_t value_in(const struct space_row *r, uint32_t at)
{
	uint32_t low = 0;
	uint32_t high = r->n;
	while (low < high) {
		uint32_t mid = (low + high) / 2;
		if (r->item[mid].at < at)
			low = mid + 1;
		else
			high = mid;
	}
	return low < r->n && r->item[low].at == at ? r->item[low].by : 0;
}

static uint32_t next_turn(struct space *s)
{
	if (++s->turn == 0) {
		memset(s->seen, 0, (size_t)s->n * sizeof *s->seen);
		s->turn = 1;
	}
	return s->turn;
}

/* Drops what is out of date from a column's list. */
static void tidy(struct space *s, uint32_t at)
{
	struct space_column *c = &s->column[at];
	uint32_t turn = next_turn(s);
	uint32_t n = 0;
	for (uint32_t i = 0; i < c->n; i++) {
		uint32_t place = c->place[i];
		if (s->seen[place] == turn || value_in(&s->row[place], at) == 0)
			continue;
		s->seen[place] = turn;
		c->place[n++] = place;
	}
	s->work += c->n;
	c->n = n;
}

/* row := row + factor * f, where f's items ascend. */
static void add_to_row(
    struct space *s, uint32_t place, const struct space_item *f, uint32_t n, uint32_t factor)
{
	struct space_row *r = &s->row[place];
	uint32_t i = 0;
	uint32_t j = 0;
	uint32_t k = 0;
	if (!grow(s, &s->scratch, &s->room_scratch, r->n + n, sizeof *s->scratch))
		return;
	while (i < r->n || j < n) {
		if (j == n || (i < r->n && r->item[i].at < f[j].at)) {
			s->scratch[k++] = r->item[i++];
			continue;
		}
		uint32_t by = times(f[j].by, factor);
		if (i < r->n && r->item[i].at == f[j].at)
			by = plus(by, r->item[i++].by);
		else
			link_column(s, f[j].at, place);
		if (by != 0)
			s->scratch[k++] = (struct space_item){ f[j].at, by };
		j++;
	}
	s->work += k;
	if (fit(s, &r->item, &r->room, k, sizeof *r->item) && k > 0)
		memcpy(r->item, s->scratch, k * sizeof *r->item);
	r->n = k;
	if (k == 0) {
		free(r->item);
		*r = (struct space_row){ 0 };
	}
}

static void add_item(struct space *s, uint32_t place, uint32_t at, uint32_t by)
{
	struct space_item one = { at, by };
	add_to_row(s, place, &one, 1, 1);
}

void space_release(struct space *s, uint32_t place)
{
	add_item(s, place, place, 1);
}

static int by_place(const void *a, const void *b)
{
	const struct space_item *x = a;
	const struct space_item *y = b;
	return (x->at > y->at) - (x->at < y->at);
}

/* The functional's own items over free places into `to`, ascending; how many. */
static uint32_t functional(
    struct space *s, const struct space_item *item, uint32_t n, struct space_item **to, uint32_t *room)
{
	uint32_t turn = next_turn(s);
	uint32_t k = 0;
	for (uint32_t i = 0; i < n; i++) {
		const struct space_row *r = &s->row[item[i].at];
		if (!grow(s, to, room, k + r->n, sizeof **to))
			return 0;
		for (uint32_t j = 0; j < r->n; j++) {
			if (s->seen[r->item[j].at] != turn) {
				s->seen[r->item[j].at] = turn;
				(*to)[k++].at = r->item[j].at;
			}
			s->sum[r->item[j].at] = plus(s->sum[r->item[j].at], times(r->item[j].by, item[i].by));
		}
		s->work += r->n;
	}
	uint32_t kept = 0;
	for (uint32_t i = 0; i < k; i++) {
		uint32_t at = (*to)[i].at;
		if (s->sum[at] != 0)
			(*to)[kept++] = (struct space_item){ at, s->sum[at] };
		s->sum[at] = 0;
	}
	if (kept > 1)
		qsort(*to, kept, sizeof **to, by_place);
	return kept;
}

/* Takes out the free place f[pivot].at so that f becomes 0. Keeps in s->vector the vector that is 1 there. */
static void take_out(struct space *s, const struct space_item *f, uint32_t n, uint32_t pivot)
{
	uint32_t out = f[pivot].at;
	uint32_t unit = negative(inverse(f[pivot].by));
	tidy(s, out);
	struct space_column *c = &s->column[out];
	if (!grow(s, &s->vector, &s->room_vector, c->n + 1, sizeof *s->vector))
		return;
	s->n_vector = c->n;
	for (uint32_t i = 0; i < c->n && !s->failed; i++) {
		uint32_t by = value_in(&s->row[c->place[i]], out);
		s->vector[i] = (struct space_item){ c->place[i], by };
		add_to_row(s, c->place[i], f, n, times(by, unit));
	}
	free(c->place);
	*c = (struct space_column){ 0 };
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
	uint32_t k = functional(s, item, n, &f, &room);
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
	const struct space_row *r = &s->row[cell];
	add_to_row(s, place, r->item, r->n, off ? SPACE_PRIME - 1 : 1);
}

/* v := v - what the free places in it make up; leaves the values in s->sum and the places in s->vector. */
static void reduce(struct space *s, const struct space_item *item, uint32_t n)
{
	uint32_t turn = 0;
	for (uint32_t i = 0; i < n; i++) /* tidy has turns of its own */
		if (value_in(&s->row[item[i].at], item[i].at) == 1)
			tidy(s, item[i].at);
	turn = next_turn(s);
	s->n_vector = 0;
	for (uint32_t i = 0; i < n; i++) {
		uint32_t at = item[i].at;
		bool is_free = s->row[at].n == 1 && s->row[at].item[0].at == at;
		const struct space_column *c = is_free ? &s->column[at] : NULL;
		uint32_t m = is_free ? c->n : 0;
		if (!grow(s, &s->vector, &s->room_vector, s->n_vector + m + 1, sizeof *s->vector))
			return;
		if (s->seen[at] != turn) {
			s->seen[at] = turn;
			s->vector[s->n_vector++].at = at;
		}
		s->sum[at] = plus(s->sum[at], item[i].by);
		for (uint32_t j = 0; j < m; j++) {
			uint32_t place = c->place[j];
			if (s->seen[place] != turn) {
				s->seen[place] = turn;
				s->vector[s->n_vector++].at = place;
			}
			s->sum[place] =
			    plus(s->sum[place], times(negative(item[i].by), value_in(&s->row[place], at)));
		}
		s->work += m;
	}
}

/* Makes a place of the reduced vector free. Leaves in s->vector what is 0 in all vectors that were there before. */
static bool put_in(struct space *s, uint32_t best)
{
	uint32_t q = s->vector[best].at;
	uint32_t unit = inverse(s->vector[best].by);
	uint32_t n = s->row[q].n;
	struct space_item *f = malloc(((size_t)n + 1) * sizeof *f);
	if (f == NULL) {
		s->failed = true;
		return false;
	}
	if (n > 0)
		memcpy(f, s->row[q].item, n * sizeof *f);
	for (uint32_t i = 0; i < s->n_vector; i++) {
		uint32_t by = times(s->vector[i].by, unit);
		if (n > 0)
			add_to_row(s, s->vector[i].at, f, n, negative(by));
		add_item(s, s->vector[i].at, q, by);
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
	for (uint32_t i = 0; i < kept; i++)
		if (!space_is_sum(s, s->vector[i].at) &&
		    (best == UINT32_MAX || s->row[s->vector[i].at].n < s->row[s->vector[best].at].n))
			best = i;
	if (best == UINT32_MAX || s->failed)
		return false;
	return put_in(s, best);
}

/* Is row b a multiple of row a? */
static bool parallel(const struct space_row *a, const struct space_row *b)
{
	if (a->n != b->n)
		return false;
	uint32_t ratio = 0;
	for (uint32_t i = 0; i < a->n; i++)
		if (a->item[i].at != b->item[i].at)
			return false;
	if (a->n == 1)
		return true;
	ratio = times(b->item[0].by, inverse(a->item[0].by));
	for (uint32_t i = 1; i < a->n; i++)
		if (times(a->item[i].by, ratio) != b->item[i].by)
			return false;
	return true;
}

uint32_t space_class(struct space *s, uint32_t place, uint32_t *out)
{
	const struct space_row *r = &s->row[place];
	uint32_t n = 0;
	out[n++] = place;
	if (r->n == 0)
		return n;
	uint32_t at = r->item[rarest(s, r->item, r->n)].at;
	tidy(s, at);
	const struct space_column *c = &s->column[at];
	for (uint32_t i = 0; i < c->n; i++)
		if (c->place[i] != place && parallel(r, &s->row[c->place[i]]))
			out[n++] = c->place[i];
	s->work += c->n;
	return n;
}

uint32_t space_column_size(struct space *s, uint32_t at)
{
	tidy(s, at);
	return s->column[at].n;
}

bool space_whole(const struct space *s, uint32_t place, uint32_t at, uint32_t d, int64_t *by)
{
	uint32_t value = times(value_in(&s->row[place], at), d);
	*by = value <= SPACE_PRIME / 2 ? (int64_t)value : (int64_t)value - SPACE_PRIME;
	return *by<WHOLE_MAX && * by> - WHOLE_MAX;
}
