#include <stdlib.h>

#include "policy/space_rows.h"

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
	uint32_t k = space_functional(s, part, n, &s->scratch, &s->room_scratch);
	if (!grow(s, &s->packed, &s->room_packed, 2 * k, sizeof *s->packed))
		return 0;
	uint32_t *to = s->packed;
	for (uint32_t i = 0; i < k; i++)
		to = put_item(s, to, s->scratch[i].at, s->scratch[i].by);
	return (uint32_t)(to - s->packed);
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
		space_lay_row(s, place[x->pivot[pivot].column], k);
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
			space_add_item(s, place[c], place[c], 1);
	free(solved);
	return !s->failed;
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
	return ok && space_list_columns(s);
}
