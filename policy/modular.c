#include "policy/modular.h"

#include <assert.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "policy/array.h"

#define BUCKETS 256u

struct item {
	uint32_t col;
	uint64_t value;
};

struct row { /* ascending columns */
	struct item *item;
	uint32_t n;
	bool done;
};

struct link { /* of a list */
	uint32_t at, next;
};

struct pivot {
	uint32_t row, col;
};

struct system {
	uint64_t prime;
	struct row *row;
	uint32_t n_rows, room_rows;
	struct link *of_col; /* rows that have (or had) the column */
	uint32_t n_of_col, room_of_col;
	uint32_t *col_head, *col_count;
	uint32_t *single; /* columns left in one row only, or so it was when they came in */
	uint32_t n_single, room_single;
	struct link *queued; /* rows by length, not always up to date */
	uint32_t n_queued, room_queued;
	uint32_t bucket[BUCKETS + 1];
	struct pivot *pivot;
	uint32_t n_pivots, room_pivots;
	struct item *scratch;
	uint32_t room_scratch;
};

__extension__ typedef unsigned __int128 wide;

static uint64_t times(const struct system *s, uint64_t a, uint64_t b)
{
	const uint64_t low = (UINT64_C(1) << 61) - 1;
	uint64_t less = low + 1 - s->prime; /* 2^61 is so much modulo the prime: 1 or 31 */
	wide x = (wide)a * b;
	wide y = (wide)((uint64_t)(x >> 61)) * less + ((uint64_t)x & low);
	uint64_t r = (uint64_t)(y >> 61) * less + ((uint64_t)y & low);
	return r >= s->prime ? r - s->prime : r;
}

static uint64_t minus(const struct system *s, uint64_t a, uint64_t b)
{
	return a >= b ? a - b : a + (s->prime - b);
}

static uint64_t inverse(const struct system *s, uint64_t a)
{
	uint64_t result = 1;
	if (a == 1 || a == s->prime - 1)
		return a;
	for (uint64_t power = s->prime - 2; power != 0; power >>= 1) {
		if ((power & 1) != 0)
			result = times(s, result, a);
		a = times(s, a, a);
	}
	return result;
}

/* One row less has the column. */
static bool leave_column(struct system *s, uint32_t col)
{
	if (--s->col_count[col] != 1)
		return true;
	if (!array_room(&s->single, &s->room_single, s->n_single + 1, sizeof *s->single))
		return false;
	s->single[s->n_single++] = col;
	return true;
}

static bool queue_row(struct system *s, uint32_t row)
{
	uint32_t length = s->row[row].n < BUCKETS ? s->row[row].n : BUCKETS;
	if (!array_room(&s->queued, &s->room_queued, s->n_queued + 1, sizeof *s->queued))
		return false;
	s->queued[s->n_queued] = (struct link){ row, s->bucket[length] };
	s->bucket[length] = s->n_queued++;
	return true;
}

static bool link_column(struct system *s, uint32_t col, uint32_t row)
{
	if (!array_room(&s->of_col, &s->room_of_col, s->n_of_col + 1, sizeof *s->of_col))
		return false;
	s->of_col[s->n_of_col] = (struct link){ row, s->col_head[col] };
	s->col_head[col] = s->n_of_col++;
	s->col_count[col]++;
	return true;
}

static int by_column(const void *a, const void *b)
{
	const struct item *x = a;
	const struct item *y = b;
	return (x->col > y->col) - (x->col < y->col);
}

static bool add_row(struct system *s, const struct item *item, uint32_t n)
{
	if (!array_room(&s->row, &s->room_rows, s->n_rows + 1, sizeof *s->row))
		return false;
	struct row *r = &s->row[s->n_rows];
	*r = (struct row){ .item = malloc(n * sizeof *item), .n = n };
	if (r->item == NULL)
		return false;
	memcpy(r->item, item, n * sizeof *item);
	qsort(r->item, n, sizeof *item, by_column);
	for (uint32_t i = 0; i < n; i++)
		if (!link_column(s, r->item[i].col, s->n_rows))
			return false;
	return queue_row(s, s->n_rows++);
}

static bool load(struct system *s, const struct grid *g)
{
	struct relation_walk w;
	struct relation r;
	relation_begin(&w, g);
	while (relation_next(&w, &r)) {
		uint32_t n = 0;
		if (!array_room(&s->scratch, &s->room_scratch, r.b->n + 1, sizeof *s->scratch))
			return false;
		if (grid_loose(g, r.parent))
			s->scratch[n++] = (struct item){ r.parent, s->prime - 1 };
		for (uint32_t j = 0; j < r.b->n; j++) {
			uint32_t c = relation_child(g, &r, j);
			if (grid_loose(g, c))
				s->scratch[n++] = (struct item){ c, 1 };
		}
		if (n > 0 && !add_row(s, s->scratch, n))
			return false;
	}
	return true;
}

static const struct item *item_of(const struct row *r, uint32_t col)
{
	struct item key = { col, 0 };
	return r->n == 0 ? NULL : bsearch(&key, r->item, r->n, sizeof key, by_column);
}

/* to := to - factor * from, column by column; new columns are linked. */
static bool subtract(struct system *s, uint32_t to, const struct row *from, uint64_t factor)
{
	struct row *r = &s->row[to];
	uint32_t n = 0;
	uint32_t i = 0;
	uint32_t j = 0;
	if (!array_room(&s->scratch, &s->room_scratch, r->n + from->n + 1, sizeof *s->scratch))
		return false;
	while (i < r->n || j < from->n) {
		struct item out;
		if (j == from->n || (i < r->n && r->item[i].col < from->item[j].col)) {
			out = r->item[i++];
		} else if (i == r->n || from->item[j].col < r->item[i].col) {
			out.col = from->item[j].col;
			out.value = minus(s, 0, times(s, factor, from->item[j++].value));
			if (!link_column(s, out.col, to))
				return false;
		} else {
			out.col = r->item[i].col;
			out.value = minus(s, r->item[i++].value, times(s, factor, from->item[j++].value));
			if (out.value == 0 && !leave_column(s, out.col))
				return false;
		}
		if (out.value != 0)
			s->scratch[n++] = out;
	}
	struct item *item = realloc(r->item, ((size_t)n + 1) * sizeof *item);
	if (item == NULL)
		return false;
	memcpy(item, s->scratch, n * sizeof *item);
	r->item = item;
	r->n = n;
	return queue_row(s, to);
}

/* The row is solved for the column. */
static bool take_pivot(struct system *s, uint32_t row, uint32_t col)
{
	struct row *r = &s->row[row];
	if (!array_room(&s->pivot, &s->room_pivots, s->n_pivots + 1, sizeof *s->pivot))
		return false;
	s->pivot[s->n_pivots++] = (struct pivot){ row, col };
	r->done = true;
	for (uint32_t i = 0; i < r->n; i++)
		if (!leave_column(s, r->item[i].col))
			return false;
	return true;
}

/* Rows with a column that no other row has are solved for it, and nothing else changes. */
static bool peel(struct system *s)
{
	assert(s->n_single == 0 || (s->row != NULL && s->of_col != NULL)); /* a single stands in some row */
	while (s->n_single > 0) {
		uint32_t col = s->single[--s->n_single];
		uint32_t l = s->col_count[col] == 1 ? s->col_head[col] : NONE;
		while (l != NONE &&
		       (s->row[s->of_col[l].at].done || item_of(&s->row[s->of_col[l].at], col) == NULL))
			l = s->of_col[l].next;
		if (l != NONE && !take_pivot(s, s->of_col[l].at, col))
			return false;
	}
	return true;
}

static bool eliminate(struct system *s, uint32_t row)
{
	const struct row *r = &s->row[row];
	const struct item *best = &r->item[0];
	for (uint32_t i = 1; i < r->n; i++)
		if (s->col_count[r->item[i].col] < s->col_count[best->col])
			best = &r->item[i];
	uint32_t col = best->col;
	uint64_t unit = inverse(s, best->value);
	if (!take_pivot(s, row, col))
		return false;
	for (uint32_t l = s->col_head[col]; l != NONE; l = s->of_col[l].next) {
		uint32_t other = s->of_col[l].at;
		if (s->row[other].done)
			continue;
		const struct item *there = item_of(&s->row[other], col);
		if (there != NULL && !subtract(s, other, r, times(s, there->value, unit)))
			return false;
	}
	return true;
}

static bool eliminate_all(struct system *s)
{
	for (uint32_t length = 0; length <= BUCKETS; length++) {
		while (s->bucket[length] != NONE) {
			assert(s->queued != NULL && s->row != NULL); /* a bucket holds only queued rows */
			uint32_t at = s->bucket[length];
			uint32_t row = s->queued[at].at;
			const struct row *r = &s->row[row];
			s->bucket[length] = s->queued[at].next;
			if (r->done || (r->n < BUCKETS ? r->n : BUCKETS) != length || r->n == 0)
				continue;
			if (!eliminate(s, row) || !peel(s))
				return false;
			length = 0; /* shorter rows may have come up */
		}
	}
	return true;
}

static bool find_single(struct system *s, uint32_t n_cells)
{
	for (uint32_t c = 0; c < n_cells; c++) {
		if (s->col_count[c] != 1)
			continue;
		if (!array_room(&s->single, &s->room_single, s->n_single + 1, sizeof *s->single))
			return false;
		s->single[s->n_single++] = c;
	}
	return true;
}

static void substitute(
    const struct system *s, uint32_t n_cells, const struct grid *g, const uint8_t seed[16], uint64_t *u)
{
	for (uint32_t c = 0; c < n_cells; c++) {
		uint8_t in[12];
		uint8_t out[8];
		uint64_t word = 0;
		for (unsigned i = 0; i < 4; i++)
			in[i] = (uint8_t)(c >> (8 * i));
		for (unsigned i = 0; i < 8; i++)
			in[4 + i] = (uint8_t)(s->prime >> (8 * i));
		crypto_shorthash(out, in, sizeof in, seed);
		for (unsigned i = 0; i < 8; i++)
			word |= (uint64_t)out[i] << (8 * i);
		u[c] = grid_loose(g, c) ? word % s->prime : 0;
	}
	for (uint32_t i = s->n_pivots; i-- > 0;) {
		const struct row *r = &s->row[s->pivot[i].row];
		uint64_t sum = 0;
		uint64_t own = 1;
		for (uint32_t j = 0; j < r->n; j++) {
			if (r->item[j].col == s->pivot[i].col)
				own = r->item[j].value;
			else
				sum = minus(s, sum, times(s, r->item[j].value, u[r->item[j].col]));
		}
		u[s->pivot[i].col] = times(s, sum, inverse(s, own));
	}
}

bool modular_null(const struct grid *g, uint64_t prime, const uint8_t seed[16], uint64_t *u, struct err *e)
{
	struct system s = { .prime = prime };
	bool ok = false;
	memset(s.bucket, 0xff, sizeof s.bucket);
	s.col_head = malloc((size_t)g->n_cells * sizeof *s.col_head);
	s.col_count = calloc(g->n_cells, sizeof *s.col_count);
	if (s.col_head != NULL && s.col_count != NULL) {
		memset(s.col_head, 0xff, (size_t)g->n_cells * sizeof *s.col_head);
		ok = load(&s, g) && find_single(&s, g->n_cells) && peel(&s) && eliminate_all(&s);
	}
	if (ok)
		substitute(&s, g->n_cells, g, seed, u);
	else
		err_set(e, ERR_MEMORY, "no memory for the last check");
	for (uint32_t i = 0; i < s.n_rows; i++)
		free(s.row[i].item);
	free(s.row);
	free(s.of_col);
	free(s.col_head);
	free(s.col_count);
	free(s.queued);
	free(s.single);
	free(s.pivot);
	free(s.scratch);
	return ok;
}
