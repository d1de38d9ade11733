#include "policy/space_rows.h"

#include <stdlib.h>
#include <string.h>

#define LOST_PART 3u /* of an arena, given up before it is closed up */

/* ---- parts of two arenas ---- */

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

/* ---- columns ---- */

static void link_column(struct space *s, uint32_t at, uint32_t place)
{
	struct arena a = places_of(s);
	if (fit(s, &a, at, s->column[at].n + 1))
		s->place[s->column[at].first + s->column[at].n++] = place;
}

uint32_t space_turn(struct space *s)
{
	if (++s->turn == 0) {
		memset(s->seen, 0, (size_t)s->n * sizeof *s->seen);
		s->turn = 1;
	}
	return s->turn;
}

uint32_t space_change(const struct space *s, uint32_t place, uint32_t at)
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

void space_tidy(struct space *s, uint32_t at)
{
	struct space_part *c = &s->column[at];
	uint32_t *list = s->place + c->first;
	uint32_t turn = space_turn(s);
	uint32_t n = 0;
	for (uint32_t i = 0; i < c->n; i++) {
		uint32_t place = list[i];
		if (s->seen[place] == turn || space_change(s, place, at) == 0)
			continue;
		s->seen[place] = turn;
		list[n++] = place;
	}
	s->work += c->n;
	c->n = n;
}

void space_clear_column(struct space *s, uint32_t at)
{
	struct arena a = places_of(s);
	give_back(&a, at);
}

bool space_list_columns(struct space *s)
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

/* ---- rows ---- */

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

void space_lay_row(struct space *s, uint32_t place, uint32_t n)
{
	struct arena a = words_of(s);
	if (n == 0 || !extend(s, &a, n))
		return;
	memcpy(s->word + s->n_words, s->packed, n * sizeof *s->word);
	s->row[place] = (struct space_part){ s->n_words, n, n };
	s->n_words += n;
	s->work += count_items(s, s->packed, n);
}

void space_add_to_row(
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

void space_add_item(struct space *s, uint32_t place, uint32_t at, uint32_t by)
{
	struct space_item one = { at, by };
	space_add_to_row(s, place, &one, 1, 1);
}

uint32_t space_copy_row(struct space *s, uint32_t place, struct space_item **to, uint32_t *room)
{
	struct space_walk w = space_walk(s, place);
	uint32_t n = 0;
	if (!grow(s, to, room, s->row[place].n, sizeof **to))
		return 0;
	while (space_next(s, &w, &(*to)[n]))
		n++;
	return n;
}

static int by_place(const void *a, const void *b)
{
	const struct space_item *x = a;
	const struct space_item *y = b;
	return (x->at > y->at) - (x->at < y->at);
}

uint32_t space_functional(
    struct space *s, const struct space_item *item, uint32_t n, struct space_item **to, uint32_t *room)
{
	uint32_t turn = space_turn(s);
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
