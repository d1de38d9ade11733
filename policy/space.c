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

/* ---- rows and columns: parts of two arenas ---- */

struct arena {
	void *array; /* address of the pointer */
	struct space_part *part;
	uint32_t *n, *room, *lost;
	size_t size;
};

static struct arena items_of(struct space *s)
{
	return (
	    struct arena){ &s->item, s->row, &s->n_items, &s->room_items, &s->lost_items, sizeof *s->item };
}

static struct arena places_of(struct space *s)
{
	return (struct arena){ &s->place, s->column, &s->n_placed, &s->room_placed, &s->lost_placed,
		sizeof *s->place };
}

/* Puts the parts together anew, without what lies between them. */
static bool close_up(struct space *s, const struct arena *a, uint64_t more)
{
	char *from = NULL;
	uint64_t room = (uint64_t)*a->n - *a->lost;
	room += room / 4 + more;
	char *to = room > UINT32_MAX ? NULL : malloc(room * a->size);
	if (to == NULL)
		return false;
	memcpy(&from, a->array, sizeof from);
	uint32_t n = 0;
	for (uint32_t i = 0; i < s->n; i++) {
		struct space_part *p = &a->part[i];
		if (p->n > 0)
			memcpy(to + n * a->size, from + p->first * a->size, p->n * a->size);
		*p = (struct space_part){ n, p->n, p->n };
		n += p->n;
	}
	free(from);
	memcpy(a->array, &to, sizeof to);
	*a->n = n;
	*a->room = (uint32_t)room;
	*a->lost = 0;
	return true;
}

/* Room for so many at the end of all. */
static bool extend(struct space *s, const struct arena *a, uint32_t more)
{
	if (more <= *a->room - *a->n)
		return true;
	if (*a->lost > *a->n / 2
		? close_up(s, a, more)
		: more < UINT32_MAX - *a->n && array_room(a->array, a->room, *a->n + more, a->size))
		return true;
	s->failed = true;
	return false;
}

/* Room for so many in one part, which may move; what stood there stays. */
static bool fit(struct space *s, const struct arena *a, uint32_t part, uint32_t need)
{
	char *at = NULL;
	if (need <= a->part[part].room)
		return true;
	uint32_t room = need + need / 8 + 1;
	if (!extend(s, a, room))
		return false;
	struct space_part *p = &a->part[part];
	memcpy(&at, a->array, sizeof at);
	if (p->n > 0)
		memcpy(at + *a->n * a->size, at + p->first * a->size, p->n * a->size);
	*a->lost += p->room;
	p->first = *a->n;
	p->room = room;
	*a->n += room;
	return true;
}

static void give_back(const struct arena *a, uint32_t part)
{
	*a->lost += a->part[part].room;
	a->part[part] = (struct space_part){ 0 };
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
	free(s->row);
	free(s->column);
	free(s->item);
	free(s->place);
	free(s->scratch);
	free(s->vector);
	free(s->seen);
	free(s->sum);
	memset(s, 0, sizeof *s);
}

static void link_column(struct space *s, uint32_t at, uint32_t place)
{
	struct arena a = places_of(s);
	if (fit(s, &a, at, s->column[at].n + 1))
		s->place[s->column[at].first + s->column[at].n++] = place;
}

static uint32_t value_in(const struct space *s, uint32_t place, uint32_t at)
{
	const struct space_item *item = space_items(s, place);
	uint32_t n = s->row[place].n;
	uint32_t low = 0;
	uint32_t high = n;
	while (low < high) {
		uint32_t mid = (low + high) / 2;
		if (item[mid].at < at)
			low = mid + 1;
		else
			high = mid;
	}
	return low < n && item[low].at == at ? item[low].by : 0;
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
void space_tidy(struct space *s, uint32_t at)
{
	struct space_part *c = &s->column[at];
	uint32_t *list = s->place + c->first;
	uint32_t turn = next_turn(s);
	uint32_t n = 0;
	for (uint32_t i = 0; i < c->n; i++) {
		uint32_t place = list[i];
		if (s->seen[place] == turn || value_in(s, place, at) == 0)
			continue;
		s->seen[place] = turn;
		list[n++] = place;
	}
	s->work += c->n;
	c->n = n;
}

/* The row becomes what stands in scratch. */
static void put_row(struct space *s, uint32_t place, uint32_t n)
{
	struct arena a = items_of(s);
	s->work += n;
	if (n == 0)
		give_back(&a, place);
	if (n == 0 || !fit(s, &a, place, n))
		return;
	memcpy(s->item + s->row[place].first, s->scratch, n * sizeof *s->item);
	s->row[place].n = n;
}

/* row := row + factor * f, where f's items ascend. */
static void add_to_row(
    struct space *s, uint32_t place, const struct space_item *f, uint32_t n, uint32_t factor)
{
	uint32_t had = s->row[place].n;
	if (!grow(s, &s->scratch, &s->room_scratch, had + n, sizeof *s->scratch))
		return;
	const struct space_item *r = space_items(s, place);
	uint32_t i = 0;
	uint32_t k = 0;
	for (uint32_t j = 0; j < n; j++) {
		uint32_t by = times(f[j].by, factor);
		while (i < had && r[i].at < f[j].at)
			s->scratch[k++] = r[i++];
		if (i < had && r[i].at == f[j].at)
			by = plus(by, r[i++].by);
		else
			link_column(s, f[j].at, place);
		if (by != 0)
			s->scratch[k++] = (struct space_item){ f[j].at, by };
	}
	while (i < had)
		s->scratch[k++] = r[i++];
	put_row(s, place, k);
}

static void add_item(struct space *s, uint32_t place, uint32_t at, uint32_t by)
{
	struct space_item one = { at, by };
	add_to_row(s, place, &one, 1, 1);
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
		const struct space_item *r = space_items(s, item[i].at);
		uint32_t length = s->row[item[i].at].n;
		if (!grow(s, to, room, k + length, sizeof **to))
			return 0;
		for (uint32_t j = 0; j < length; j++) {
			if (s->seen[r[j].at] != turn) {
				s->seen[r[j].at] = turn;
				(*to)[k++].at = r[j].at;
			}
			s->sum[r[j].at] = plus(s->sum[r[j].at], times(r[j].by, item[i].by));
		}
		s->work += length;
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
	space_tidy(s, out);
	uint32_t m = s->column[out].n;
	if (!grow(s, &s->vector, &s->room_vector, m + 1, sizeof *s->vector))
		return;
	s->n_vector = m;
	for (uint32_t i = 0; i < m && !s->failed; i++) {
		uint32_t place = space_places(s, out)[i];
		uint32_t by = value_in(s, place, out);
		s->vector[i] = (struct space_item){ place, by };
		add_to_row(s, place, f, n, times(by, unit));
	}
	struct arena a = places_of(s);
	give_back(&a, out);
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
	add_to_row(s, place, space_items(s, cell), s->row[cell].n, off ? SPACE_PRIME - 1 : 1);
}

/* v := v - what the free places in it make up; leaves the values in s->sum and the places in s->vector. */
static void reduce(struct space *s, const struct space_item *item, uint32_t n)
{
	uint32_t turn = 0;
	for (uint32_t i = 0; i < n; i++) /* tidy has turns of its own */
		if (value_in(s, item[i].at, item[i].at) == 1)
			space_tidy(s, item[i].at);
	turn = next_turn(s);
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
			    plus(s->sum[place], times(negative(item[i].by), value_in(s, place, at)));
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
		memcpy(f, space_items(s, q), n * sizeof *f);
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

/* Is the row of b a multiple of that of a? */
static bool parallel(const struct space *s, uint32_t a, uint32_t b)
{
	const struct space_item *x = space_items(s, a);
	const struct space_item *y = space_items(s, b);
	uint32_t n = s->row[a].n;
	if (n != s->row[b].n)
		return false;
	for (uint32_t i = 0; i < n; i++)
		if (x[i].at != y[i].at)
			return false;
	if (n == 1)
		return true;
	uint32_t ratio = times(y[0].by, inverse(x[0].by));
	for (uint32_t i = 1; i < n; i++)
		if (times(x[i].by, ratio) != y[i].by)
			return false;
	return true;
}

uint32_t space_class(struct space *s, uint32_t place, uint32_t *out)
{
	uint32_t n = 0;
	out[n++] = place;
	if (s->row[place].n == 0)
		return n;
	const struct space_item *r = space_items(s, place);
	uint32_t at = r[rarest(s, r, s->row[place].n)].at;
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
	const struct space_item *item = space_items(s, place);
	uint32_t unit = inverse(item[0].by);
	uint64_t sum = 0;
	for (uint32_t i = 0; i < s->row[place].n; i++) {
		uint64_t x = item[i].at + UINT64_C(0x9e3779b97f4a7c15);
		x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
		x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
		sum += (x ^ x >> 31) * times(item[i].by, unit);
	}
	return sum;
}

uint32_t space_change(const struct space *s, uint32_t place, uint32_t at)
{
	return value_in(s, place, at);
}

bool space_whole(uint32_t by, uint32_t d, int64_t *out)
{
	uint32_t value = times(by, d);
	*out = value <= SPACE_PRIME / 2 ? (int64_t)value : (int64_t)value - SPACE_PRIME;
	return *out<WHOLE_MAX && * out> - WHOLE_MAX;
}

/* ---- the space of equations ---- */

static uint32_t residue(int32_t by)
{
	return by < 0 ? SPACE_PRIME - (uint32_t)-by : (uint32_t)by;
}

/* The sum of one or two rows, times their factors, into scratch; how many items. */
static uint32_t sum_of_two(struct space *s, const struct space_item *part, uint32_t n)
{
	const struct space_item *a = space_items(s, part[0].at);
	const struct space_item *a_end = a + s->row[part[0].at].n;
	const struct space_item *b = n < 2 ? a_end : space_items(s, part[1].at);
	const struct space_item *b_end = n < 2 ? b : b + s->row[part[1].at].n;
	uint32_t k = 0;
	if (!grow(s, &s->scratch, &s->room_scratch, (uint32_t)(a_end - a + (b_end - b)), sizeof *s->scratch))
		return 0;
	while (a < a_end || b < b_end) {
		uint32_t x = a < a_end ? a->at : UINT32_MAX;
		uint32_t y = b < b_end ? b->at : UINT32_MAX;
		uint32_t by = 0;
		if (x <= y)
			by = times(a++->by, part[0].by);
		if (y <= x)
			by = plus(by, times(b++->by, part[1].by));
		if (by != 0)
			s->scratch[k++] = (struct space_item){ x < y ? x : y, by };
	}
	return k;
}

/* A row as it will stay for long: without room to spare. */
static void lay_row(struct space *s, uint32_t place, uint32_t n)
{
	struct arena a = items_of(s);
	if (n == 0 || !extend(s, &a, n))
		return;
	memcpy(s->item + s->n_items, s->scratch, n * sizeof *s->item);
	s->row[place] = (struct space_part){ s->n_items, n, n };
	s->n_items += n;
	s->work += n;
}

static bool load_pivot(struct space *s, const struct echelon *x, uint32_t pivot, const uint32_t *place)
{
	uint32_t first = x->pivot[pivot].first;
	uint32_t n = x->pivot[pivot + 1].first - first;
	uint32_t k = 0;
	if (!grow(s, &s->vector, &s->room_vector, n + 1, sizeof *s->vector))
		return false;
	for (uint32_t i = 0; i < n; i++) {
		struct echelon_term t = echelon_term(x, x->item[first + i]);
		if (s->row[place[t.column]].n > 0)
			s->vector[k++] = (struct space_item){ place[t.column], residue(t.by) };
	}
	if (k > 2)
		k = functional(s, s->vector, k, &s->scratch, &s->room_scratch);
	else if (k > 0)
		k = sum_of_two(s, s->vector, k);
	if (!s->failed)
		lay_row(s, place[x->pivot[pivot].column], k);
	return !s->failed;
}

/* Each column that is not solved for is a free place. */
static bool load_free(struct space *s, const struct echelon *x, const uint32_t *place)
{
	uint8_t *solved = calloc((size_t)x->n_columns + 1, 1);
	if (solved == NULL)
		return false;
	for (uint32_t i = 0; i < x->n_pivots; i++)
		solved[x->pivot[i].column] = 1;
	for (uint32_t c = 0; c < x->n_columns; c++)
		if (solved[c] == 0)
			add_item(s, place[c], place[c], 1);
	free(solved);
	return !s->failed;
}

/* Lists the columns anew, with room for more: what is shown adds to some of them. */
static bool load_columns(struct space *s)
{
	struct arena a = places_of(s);
	uint32_t at = 0;
	s->n_placed = s->lost_placed = 0;
	memset(s->column, 0, (size_t)s->n * sizeof *s->column);
	for (uint32_t i = 0; i < s->n; i++)
		for (uint32_t j = 0; j < s->row[i].n; j++)
			s->column[space_items(s, i)[j].at].room++;
	for (uint32_t c = 0; c < s->n; c++) {
		s->column[c].first = at;
		s->column[c].room += s->column[c].room / 8 + (s->column[c].room > 0);
		at += s->column[c].room;
	}
	if (!extend(s, &a, at))
		return false;
	for (uint32_t i = 0; i < s->n; i++)
		for (uint32_t j = 0; j < s->row[i].n; j++) {
			struct space_part *c = &s->column[space_items(s, i)[j].at];
			s->place[c->first + c->n++] = i;
		}
	s->n_placed = at;
	return true;
}

struct left {
	uint32_t length, number;
};

static int shortest_first(const void *a, const void *b)
{
	const struct left *x = a;
	const struct left *y = b;
	if (x->length != y->length)
		return x->length < y->length ? -1 : 1;
	return (x->number > y->number) - (x->number < y->number);
}

/* What is not solved, the shortest first: that keeps rows short. */
static bool impose_left(struct space *s, const struct echelon *x, const uint32_t *place)
{
	struct space_item *item = NULL;
	uint32_t room = 0;
	struct left *l = malloc(((size_t)x->n_left + 1) * sizeof *l);
	bool ok = l != NULL;
	for (uint32_t i = 0; ok && i < x->n_left; i++)
		l[i] = (struct left){ x->left[i + 1] - x->left[i], i };
	if (ok && x->n_left > 1)
		qsort(l, x->n_left, sizeof *l, shortest_first);
	for (uint32_t i = 0; ok && i < x->n_left; i++) {
		ok = grow(s, &item, &room, l[i].length, sizeof *item);
		for (uint32_t j = 0; ok && j < l[i].length; j++) {
			struct echelon_term t = echelon_term(x, x->item[x->left[l[i].number] + j]);
			item[j] = (struct space_item){ place[t.column], residue(t.by) };
		}
		if (ok)
			space_impose(s, item, l[i].length);
		ok = !s->failed;
	}
	free(item);
	free(l);
	return ok;
}

bool space_load(struct space *s, const struct echelon *x, const uint32_t *place)
{
	bool ok = load_free(s, x, place) && impose_left(s, x, place);
	for (uint32_t i = x->n_pivots; ok && i-- > 0;)
		ok = load_pivot(s, x, i, place);
	return ok && load_columns(s);
}
