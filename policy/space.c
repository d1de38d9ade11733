#include "policy/space.h"

#include <stdlib.h>
#include <string.h>

#include "policy/array.h"

#define WHOLE_MAX (1 << 20) /* a product of small numbers; a fraction is hardly ever that near 0 */
#define LOST_PART 3u        /* of an arena, given up before it is closed up */

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
	uint32_t **word;
	struct space_part *part;
	uint32_t *n, *room, *lost;
};

static struct arena words_of(struct space *s)
{
	return (struct arena){ &s->word, s->row, &s->n_words, &s->room_words, &s->lost_words };
}

static struct arena places_of(struct space *s)
{
	return (struct arena){ &s->place, s->column, &s->n_placed, &s->room_placed, &s->lost_placed };
}

/* Whose part begins at the word? The part's first word stands in `room` meanwhile. */
static void note_part(const struct arena *a, uint32_t part, uint64_t *begins)
{
	struct space_part *p = &a->part[part];
	if (p->n == 0) {
		*p = (struct space_part){ 0 };
		return;
	}
	begins[p->first / 64] |= UINT64_C(1) << (p->first % 64);
	p->room = (*a->word)[p->first];
	(*a->word)[p->first] = part;
}

static uint32_t move_part(const struct arena *a, uint32_t from, uint32_t to)
{
	uint32_t *word = *a->word;
	struct space_part *p = &a->part[word[from]];
	word[from] = p->room;
	memmove(word + to, word + from, p->n * sizeof *word);
	*p = (struct space_part){ to, p->n, p->n };
	return to + p->n;
}

/* Moves the parts down to where nothing is any more. Without memory for that they stay where they are. */
static void close_up(const struct space *s, const struct arena *a)
{
	uint32_t to = 0;
	uint64_t *begins = calloc((size_t)*a->n / 64 + 1, sizeof *begins);
	if (begins == NULL)
		return;
	for (uint32_t i = 0; i < s->n; i++)
		note_part(a, i, begins);
	for (uint32_t i = 0; i <= *a->n / 64; i++)
		for (uint64_t left = begins[i]; left != 0; left &= left - 1)
			to = move_part(a, 64 * i + (uint32_t)__builtin_ctzll(left), to);
	free(begins);
	*a->n = to;
	*a->lost = 0;
}

/* Room for so many at the end of all. */
static bool extend(struct space *s, const struct arena *a, uint32_t more)
{
	if (*a->lost > *a->n / LOST_PART + s->n)
		close_up(s, a);
	if (more <= *a->room - *a->n ||
	    (more < UINT32_MAX - *a->n && array_room(a->word, a->room, *a->n + more, sizeof **a->word)))
		return true;
	s->failed = true;
	return false;
}

/* Room for so many in one part, which may move; what stood there stays. */
static bool fit(struct space *s, const struct arena *a, uint32_t part, uint32_t need)
{
	if (need <= a->part[part].room)
		return true;
	uint32_t room = need + need / 8 + 1;
	if (!extend(s, a, room))
		return false;
	struct space_part *p = &a->part[part];
	if (p->n > 0)
		memcpy(*a->word + *a->n, *a->word + p->first, p->n * sizeof **a->word);
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

static void link_column(struct space *s, uint32_t at, uint32_t place)
{
	struct arena a = places_of(s);
	if (fit(s, &a, at, s->column[at].n + 1))
		s->place[s->column[at].first + s->column[at].n++] = place;
}

static uint32_t value_in(const struct space *s, uint32_t place, uint32_t at)
{
	const uint32_t *word = s->word + s->row[place].first;
	uint32_t low = 0;
	uint32_t high = s->row[place].n;
	int32_t key = (int32_t)(at << s->shift);
	struct space_item found = { 0 };
	while (low < high) {
		uint32_t mid = (low + high) / 2;
		uint32_t next = mid + 1;
		if ((int32_t)word[mid] < 0) /* belongs to the word before it */
			mid--;
		if ((int32_t)word[mid] < key)
			low = next;
		else
			high = mid;
	}
	if (low == s->row[place].n || word[low] >> s->shift != at)
		return 0;
	struct space_walk w = { word + low, word + s->row[place].n };
	space_next(s, &w, &found);
	return found.by;
}

static uint32_t count_items(const struct space *s, const uint32_t *word, uint32_t n)
{
	uint32_t items = n;
	for (uint32_t i = 0; s->any_wide && i < n; i++)
		items -= word[i] >> 31;
	return items;
}

uint32_t space_length(const struct space *s, uint32_t place)
{
	return count_items(s, s->word + s->row[place].first, s->row[place].n);
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

/* An item behind what is put together; what comes behind it. */
static uint32_t *put_item(struct space *s, uint32_t *to, uint32_t at, uint32_t by)
{
	uint32_t code = plus(by, s->half);
	if (code >> s->shift != 0)
		code = 0;
	*to++ = at << s->shift | code;
	if (code == 0) {
		*to++ = by | SPACE_WIDE;
		s->any_wide = true;
	}
	return to;
}

/* The row becomes what is put together. */
static void put_row(struct space *s, uint32_t place, uint32_t n)
{
	struct arena a = words_of(s);
	s->work += count_items(s, s->packed, n);
	if (n == 0)
		give_back(&a, place);
	if (n == 0 || !fit(s, &a, place, n))
		return;
	memcpy(s->word + s->row[place].first, s->packed, n * sizeof *s->word);
	s->row[place].n = n;
}

/* row := row + factor * f, where f's items ascend. */
static void add_to_row(
    struct space *s, uint32_t place, const struct space_item *f, uint32_t n, uint32_t factor)
{
	struct space_walk r = space_walk(s, place);
	struct space_item own = { 0 };
	if (!grow(s, &s->packed, &s->room_packed, s->row[place].n + 2 * n, sizeof *s->packed))
		return;
	uint32_t *to = s->packed;
	for (uint32_t j = 0; j < n; j++) {
		uint32_t by = times(f[j].by, factor);
		int32_t key = (int32_t)(f[j].at << s->shift);
		while (r.at < r.end && (int32_t)*r.at < key) /* with the words that belong to these */
			*to++ = *r.at++;
		if (r.at < r.end && *r.at >> s->shift == f[j].at && space_next(s, &r, &own))
			by = plus(by, own.by);
		else
			link_column(s, f[j].at, place);
		if (by != 0)
			to = put_item(s, to, f[j].at, by);
	}
	while (r.at < r.end)
		*to++ = *r.at++;
	put_row(s, place, (uint32_t)(to - s->packed));
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
		struct space_walk w = space_walk(s, item[i].at);
		struct space_item r;
		if (!grow(s, to, room, k + s->row[item[i].at].n, sizeof **to))
			return 0;
		for (; space_next(s, &w, &r); s->work++) {
			if (s->seen[r.at] != turn) {
				s->seen[r.at] = turn;
				(*to)[k++].at = r.at;
			}
			s->sum[r.at] = plus(s->sum[r.at], times(r.by, item[i].by));
		}
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

/* A row's items into *to; how many. */
static uint32_t copy_row(struct space *s, uint32_t place, struct space_item **to, uint32_t *room)
{
	struct space_walk w = space_walk(s, place);
	uint32_t n = 0;
	if (!grow(s, to, room, s->row[place].n, sizeof **to))
		return 0;
	while (space_next(s, &w, &(*to)[n]))
		n++;
	return n;
}

void space_define(struct space *s, uint32_t place, uint32_t cell, bool off)
{
	uint32_t n = copy_row(s, cell, &s->vector, &s->room_vector);
	s->n_vector = 0;
	if (!s->failed)
		add_to_row(s, place, s->vector, n, off ? SPACE_PRIME - 1 : 1);
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
	struct space_item *f = NULL;
	uint32_t room = 0;
	uint32_t n = copy_row(s, q, &f, &room);
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

/* The sum of one or two rows, times their factors, is put together; how many words. */
static uint32_t sum_of_two(struct space *s, const struct space_item *part, uint32_t n)
{
	struct space_walk v = space_walk(s, part[0].at);
	struct space_walk w = n < 2 ? (struct space_walk){ NULL, NULL } : space_walk(s, part[1].at);
	struct space_item a = { 0 };
	struct space_item b = { 0 };
	if (!grow(s, &s->packed, &s->room_packed, 2 * (uint32_t)(v.end - v.at + (w.end - w.at)),
		sizeof *s->packed))
		return 0;
	uint32_t *to = s->packed;
	bool more_a = space_next(s, &v, &a);
	bool more_b = space_next(s, &w, &b);
	while (more_a || more_b) {
		uint32_t x = more_a ? a.at : UINT32_MAX;
		uint32_t y = more_b ? b.at : UINT32_MAX;
		uint32_t by = 0;
		if (x <= y) {
			by = times(a.by, part[0].by);
			more_a = space_next(s, &v, &a);
		}
		if (y <= x) {
			by = plus(by, times(b.by, part[1].by));
			more_b = space_next(s, &w, &b);
		}
		if (by != 0)
			to = put_item(s, to, x < y ? x : y, by);
	}
	return (uint32_t)(to - s->packed);
}

/* The same of any sum of rows. */
static uint32_t sum_of_many(struct space *s, const struct space_item *part, uint32_t n)
{
	uint32_t k = functional(s, part, n, &s->scratch, &s->room_scratch);
	if (!grow(s, &s->packed, &s->room_packed, 2 * k, sizeof *s->packed))
		return 0;
	uint32_t *to = s->packed;
	for (uint32_t i = 0; i < k; i++)
		to = put_item(s, to, s->scratch[i].at, s->scratch[i].by);
	return (uint32_t)(to - s->packed);
}

/* A row as it will stay for long: without room to spare. */
static void lay_row(struct space *s, uint32_t place, uint32_t n)
{
	struct arena a = words_of(s);
	if (n == 0 || !extend(s, &a, n))
		return;
	memcpy(s->word + s->n_words, s->packed, n * sizeof *s->word);
	s->row[place] = (struct space_part){ s->n_words, n, n };
	s->n_words += n;
	s->work += count_items(s, s->packed, n);
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
		k = sum_of_many(s, s->vector, k);
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
	struct space_item item;
	uint32_t at = 0;
	s->n_placed = s->lost_placed = 0;
	memset(s->column, 0, (size_t)s->n * sizeof *s->column);
	for (uint32_t i = 0; i < s->n; i++)
		for (struct space_walk w = space_walk(s, i); space_next(s, &w, &item);)
			s->column[item.at].room++;
	for (uint32_t c = 0; c < s->n; c++) {
		s->column[c].first = at;
		s->column[c].room += s->column[c].room / 8 + (s->column[c].room > 0);
		at += s->column[c].room;
	}
	if (!extend(s, &a, at))
		return false;
	for (uint32_t i = 0; i < s->n; i++)
		for (struct space_walk w = space_walk(s, i); space_next(s, &w, &item);) {
			struct space_part *c = &s->column[item.at];
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
