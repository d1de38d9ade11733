#include "policy/echelon.h"

#include <stdlib.h>
#include <string.h>

#include "policy/array.h"

#define NONE    UINT32_MAX
#define LENGTHS 256u /* longer rows are not told apart */

enum row_state {
	WAITS, /* in the ring of its length */
	LATE,  /* cannot be solved as it is */
	STUCK, /* would make a coefficient too large; not tried again */
	SOLVED
};

struct row {
	uint32_t first, n, room; /* of item, ascending columns */
	uint32_t next, before;   /* in the ring of rows of one length */
	uint32_t state;
};

struct column {
	uint32_t first; /* place in of_column: rows that had it from the beginning, up to the next column's */
	uint32_t count; /* of rows that have it now */
	uint32_t more;  /* rows that came to have it: a list in link */
};

struct link {
	uint32_t row, next;
};

struct solved {
	uint32_t row, column;
};

struct echelon_work {
	unsigned shift;
	uint32_t n_columns;
	uint32_t *item;
	uint64_t n_items, room_items;
	struct row *row;
	uint32_t n_rows, room_rows;
	struct column *column; /* one more than there are */
	uint32_t *of_column;
	struct link *link;
	uint32_t n_links, room_links, free_link;
	bool peels;
	struct solved *solved;
	uint32_t n_solved, room_solved;
	uint32_t *single; /* columns that one row alone has, or so it was */
	uint32_t n_single, room_single;
	uint32_t ring[LENGTHS + 1]; /* by length: a row */
	uint32_t shortest;          /* no ring below it has any */
	uint32_t *scratch, *others;
	uint32_t room_scratch, room_others;
};

static struct echelon_term term_of(const struct echelon_work *w, uint32_t item)
{
	uint32_t by = item & ((1u << w->shift) - 1);
	return (struct echelon_term){ item >> w->shift, (int32_t)by - (1 << (w->shift - 1)) };
}

static uint32_t item_of(const struct echelon_work *w, uint32_t column, int32_t by)
{
	return column << w->shift | (uint32_t)(by + (1 << (w->shift - 1)));
}

/* Room for so many items more, at the end of all. */
static bool reserve(struct echelon_work *w, uint64_t more)
{
	uint64_t need = w->n_items + more;
	if (need <= w->room_items)
		return true;
	uint64_t room = w->room_items + w->room_items / 4 + more + 1024;
	uint32_t *bigger = room > UINT32_MAX ? NULL : realloc(w->item, room * sizeof *bigger);
	if (bigger == NULL)
		return false;
	w->item = bigger;
	w->room_items = room;
	return true;
}

static void work_free(struct echelon_work *w)
{
	if (w == NULL)
		return;
	free(w->item);
	free(w->row);
	free(w->column);
	free(w->of_column);
	free(w->link);
	free(w->solved);
	free(w->single);
	free(w->scratch);
	free(w->others);
	free(w);
}

bool echelon_init(struct echelon *x, uint32_t n_columns, unsigned most)
{
	unsigned bits = 0;
	memset(x, 0, sizeof *x);
	while (bits < 31 && n_columns >> bits != 0)
		bits++;
	x->n_columns = n_columns;
	x->shift = 32 - bits < most ? 32 - bits : most;
	x->work = calloc(1, sizeof *x->work);
	if (x->shift < ECHELON_BITS_MIN || x->work == NULL)
		return false;
	x->work->shift = x->shift;
	x->work->n_columns = n_columns;
	x->work->free_link = NONE;
	x->work->shortest = LENGTHS + 1;
	memset(x->work->ring, 0xff, sizeof x->work->ring);
	x->work->column = calloc((size_t)n_columns + 1, sizeof *x->work->column);
	return x->work->column != NULL;
}

void echelon_free(struct echelon *x)
{
	work_free(x->work);
	free(x->item);
	free(x->pivot);
	free(x->left);
	memset(x, 0, sizeof *x);
}

bool echelon_add(struct echelon *x, const uint32_t *item, uint32_t n)
{
	struct echelon_work *w = x->work;
	if (!reserve(w, n) || !array_room(&w->row, &w->room_rows, w->n_rows + 1, sizeof *w->row))
		return false;
	w->row[w->n_rows++] = (struct row){ .first = (uint32_t)w->n_items, .n = n, .room = n };
	memcpy(w->item + w->n_items, item, n * sizeof *item);
	for (uint32_t i = 0; i < n; i++)
		w->column[item[i] >> w->shift].count++;
	w->n_items += n;
	return true;
}

/* ---- rows by length, columns with their rows ---- */

static uint32_t length_of(const struct row *r)
{
	return r->n < LENGTHS ? r->n : LENGTHS;
}

static void ring_put(struct echelon_work *w, uint32_t row)
{
	struct row *r = &w->row[row];
	uint32_t length = length_of(r);
	r->before = NONE;
	r->next = w->ring[length];
	if (r->next != NONE)
		w->row[r->next].before = row;
	w->ring[length] = row;
	w->shortest = length < w->shortest ? length : w->shortest;
	r->state = WAITS;
}

static void ring_take(struct echelon_work *w, uint32_t row, enum row_state now)
{
	struct row *r = &w->row[row];
	if (r->state == WAITS) {
		if (r->before != NONE)
			w->row[r->before].next = r->next;
		else
			w->ring[length_of(r)] = r->next;
		if (r->next != NONE)
			w->row[r->next].before = r->before;
	}
	r->state = now;
}

/* A column that is left in one row only. */
static bool note_single(struct echelon_work *w, uint32_t column)
{
	if (!array_room(&w->single, &w->room_single, w->n_single + 1, sizeof *w->single))
		return false;
	w->single[w->n_single++] = column;
	return true;
}

/* Lists every column's rows, and puts the rows into their rings. */
static bool list_all(struct echelon_work *w)
{
	uint32_t at = 0;
	bool ok = true;
	w->of_column = malloc((w->n_items + 1) * sizeof *w->of_column);
	if (w->of_column == NULL)
		return false;
	for (uint32_t c = 0; c <= w->n_columns; c++) {
		at += w->column[c].count;
		w->column[c].first = at;
		w->column[c].more = NONE;
		ok = ok && (w->column[c].count != 1 || note_single(w, c));
	}
	for (uint32_t i = w->n_rows; i-- > 0;) {
		for (uint32_t j = 0; j < w->row[i].n; j++)
			w->of_column[--w->column[w->item[w->row[i].first + j] >> w->shift].first] = i;
		ring_put(w, i);
	}
	return ok;
}

/* A row came to have the column. */
static bool enter(struct echelon_work *w, uint32_t column, uint32_t row)
{
	uint32_t l = w->free_link;
	if (l != NONE) {
		w->free_link = w->link[l].next;
	} else {
		if (!array_room(&w->link, &w->room_links, w->n_links + 1, sizeof *w->link))
			return false;
		l = w->n_links++;
	}
	w->link[l] = (struct link){ row, w->column[column].more };
	w->column[column].more = l;
	w->column[column].count++;
	return true;
}

/* One row less has the column. */
static bool leave(struct echelon_work *w, uint32_t column)
{
	return --w->column[column].count != 1 || note_single(w, column);
}

static void free_links(struct echelon_work *w, uint32_t column)
{
	uint32_t last = w->column[column].more;
	if (last == NONE)
		return;
	while (w->link[last].next != NONE)
		last = w->link[last].next;
	w->link[last].next = w->free_link;
	w->free_link = w->column[column].more;
	w->column[column].more = NONE;
}

/* The rows that have, or had, the column, into w->others; the processor is told that they are wanted soon. */
static bool gather(struct echelon_work *w, uint32_t column, uint32_t *n)
{
	uint32_t from = w->column[column].first;
	uint32_t end = w->column[column + 1].first;
	uint32_t k = 0;
	*n = end - from;
	for (uint32_t l = w->column[column].more; l != NONE; l = w->link[l].next)
		++*n;
	if (!array_room(&w->others, &w->room_others, *n, sizeof *w->others))
		return false;
	while (from < end)
		w->others[k++] = w->of_column[from++];
	for (uint32_t l = w->column[column].more; l != NONE; l = w->link[l].next)
		w->others[k++] = w->link[l].row;
	for (uint32_t i = 0; i < k; i++)
		__builtin_prefetch(&w->row[w->others[i]]);
	for (uint32_t i = 0; i < k; i++)
		__builtin_prefetch(&w->item[w->row[w->others[i]].first]);
	return true;
}

/* The row's coefficient; 0: it has not got the column. */
static int32_t value_in(const struct echelon_work *w, const struct row *r, uint32_t column)
{
	const uint32_t *item = w->item + r->first;
	uint32_t low = 0;
	uint32_t high = r->n;
	while (low < high) {
		uint32_t mid = (low + high) / 2;
		if (item[mid] >> w->shift < column)
			low = mid + 1;
		else
			high = mid;
	}
	return low < r->n && item[low] >> w->shift == column ? term_of(w, item[low]).by : 0;
}

/* ---- elimination ---- */

/* to - factor * from into scratch; how many items. NONE: a coefficient becomes too large. */
static uint32_t combine(
    const struct echelon_work *w, const struct row *to, const struct row *from, int32_t factor)
{
	int64_t most = (INT64_C(1) << (w->shift - 1)) - 1;
	const uint32_t *a = w->item + to->first;
	const uint32_t *a_end = a + to->n;
	const uint32_t *b = w->item + from->first;
	uint32_t *out = w->scratch;
	for (uint32_t i = 0; i < from->n; i++) {
		struct echelon_term t = term_of(w, b[i]);
		int64_t by = -(int64_t)t.by * factor;
		while (a < a_end && *a >> w->shift < t.column)
			*out++ = *a++;
		if (a < a_end && *a >> w->shift == t.column)
			by += term_of(w, *a++).by;
		if (by > most || by < -most)
			return NONE;
		if (by != 0)
			*out++ = item_of(w, t.column, (int32_t)by);
	}
	while (a < a_end)
		*out++ = *a++;
	return (uint32_t)(out - w->scratch);
}

/* The columns that the row gains and loses with what stands in scratch. */
static bool note_columns(struct echelon_work *w, uint32_t to, uint32_t n)
{
	const struct row *r = &w->row[to];
	uint32_t i = 0;
	uint32_t j = 0;
	while (i < r->n || j < n) {
		uint32_t was = i < r->n ? w->item[r->first + i] >> w->shift : NONE;
		uint32_t is = j < n ? w->scratch[j] >> w->shift : NONE;
		if (was < is && !leave(w, was))
			return false;
		if (is < was && !enter(w, is, to))
			return false;
		i += was <= is;
		j += is <= was;
	}
	return true;
}

/* The row becomes what stands in scratch. */
static bool replace(struct echelon_work *w, uint32_t to, uint32_t n)
{
	struct row *r = &w->row[to];
	if (!note_columns(w, to, n))
		return false;
	ring_take(w, to, r->state == STUCK ? STUCK : LATE);
	if (n > r->room) {
		uint32_t room = n + n / 4;
		if (!reserve(w, room))
			return false;
		r->first = (uint32_t)w->n_items;
		r->room = room;
		w->n_items += room;
	}
	if (n > 0)
		memcpy(w->item + r->first, w->scratch, n * sizeof *w->scratch);
	r->n = n;
	if (n > 0 && r->state != STUCK)
		ring_put(w, to);
	return true;
}

/* The row is solved for the column. */
static bool take_pivot(struct echelon_work *w, uint32_t row, uint32_t column)
{
	struct row *r = &w->row[row];
	if (!array_room(&w->solved, &w->room_solved, w->n_solved + 1, sizeof *w->solved))
		return false;
	w->solved[w->n_solved++] = (struct solved){ row, column };
	ring_take(w, row, SOLVED);
	for (uint32_t i = 0; i < r->n; i++)
		if (!leave(w, w->item[r->first + i] >> w->shift))
			return false;
	return true;
}

/* Takes the column out of another row. *ok: false, a coefficient would become too large. */
static bool subtract(
    struct echelon_work *w, uint32_t row, uint32_t other, uint32_t column, int32_t by, bool *ok)
{
	const struct row *r = &w->row[row];
	const struct row *o = &w->row[other];
	int32_t there = other == row || o->state == SOLVED ? 0 : value_in(w, o, column);
	if (there == 0)
		return true;
	if (!array_room(&w->scratch, &w->room_scratch, r->n + o->n, sizeof *w->scratch))
		return false;
	uint32_t n = combine(w, o, r, there * by);
	*ok = n != NONE;
	return !*ok || replace(w, other, n);
}

/* Solves the row for the column, whose coefficient there is 1 or -1, and takes it out of all others. */
static bool eliminate(struct echelon_work *w, uint32_t row, uint32_t column)
{
	int32_t by = value_in(w, &w->row[row], column);
	bool ok = true;
	uint32_t n = 0;
	if (!gather(w, column, &n))
		return false;
	for (uint32_t i = 0; ok && i < n; i++)
		if (!subtract(w, row, w->others[i], column, by, &ok))
			return false;
	if (!ok) { /* what was done to some rows is right, but the column stays in others */
		ring_take(w, row, STUCK);
		return true;
	}
	free_links(w, column);
	return take_pivot(w, row, column);
}

/* A row that is not solved and has the column; NONE: there is none. */
static uint32_t row_with(const struct echelon_work *w, uint32_t n, uint32_t column)
{
	for (uint32_t i = 0; i < n; i++) {
		const struct row *r = &w->row[w->others[i]];
		if (r->state != SOLVED && value_in(w, r, column) != 0)
			return w->others[i];
	}
	return NONE;
}

/* Rows with a column that no other has are solved for it, and nothing else changes. */
static bool peel(struct echelon_work *w)
{
	while (w->n_single > 0) {
		uint32_t column = w->single[--w->n_single];
		uint32_t n = 0;
		if (w->column[column].count != 1)
			continue;
		if (!gather(w, column, &n))
			return false;
		uint32_t row = row_with(w, n, column);
		int32_t by = row == NONE ? 0 : value_in(w, &w->row[row], column);
		if ((by == 1 || by == -1) && !take_pivot(w, row, column))
			return false;
	}
	return true;
}

/* Of the columns with a coefficient of 1 or -1 the one that the fewest rows have; NONE: there is none. */
static uint32_t choose(const struct echelon_work *w, const struct row *r)
{
	uint32_t best = NONE;
	for (uint32_t i = 0; i < r->n; i++) {
		struct echelon_term t = term_of(w, w->item[r->first + i]);
		if ((t.by == 1 || t.by == -1) &&
		    (best == NONE || w->column[t.column].count < w->column[best].count))
			best = t.column;
	}
	return best;
}

static bool solve_next(struct echelon_work *w, uint32_t row)
{
	uint32_t column = choose(w, &w->row[row]);
	if (column != NONE)
		return eliminate(w, row, column) && (!w->peels || peel(w));
	ring_take(w, row, LATE);
	return true;
}

static bool solve_all(struct echelon_work *w, uint32_t longest)
{
	w->peels = longest == ECHELON_ALL;
	bool ok = list_all(w) && (longest < ECHELON_ALL || peel(w));
	while (ok && w->shortest <= longest && w->shortest <= LENGTHS)
		if (w->ring[w->shortest] == NONE)
			w->shortest++;
		else
			ok = solve_next(w, w->ring[w->shortest]);
	return ok;
}

/* ---- what comes out ---- */

/* The row's other items, so that their sum is the column. */
static uint32_t put_solved(const struct echelon_work *w, const struct solved *s, uint32_t *to)
{
	const struct row *r = &w->row[s->row];
	int32_t own = value_in(w, r, s->column);
	uint32_t n = 0;
	for (uint32_t i = 0; i < r->n; i++) {
		struct echelon_term t = term_of(w, w->item[r->first + i]);
		if (t.column != s->column)
			to[n++] = item_of(w, t.column, -own * t.by);
	}
	return n;
}

static bool pack(struct echelon *x)
{
	const struct echelon_work *w = x->work;
	uint64_t size = 0;
	for (uint32_t i = 0; i < w->n_rows; i++) {
		size += w->row[i].n;
		x->n_left += w->row[i].n > 0 && w->row[i].state != SOLVED;
	}
	x->item = malloc((size + 1) * sizeof *x->item);
	x->pivot = malloc(((size_t)w->n_solved + 1) * sizeof *x->pivot);
	x->left = malloc(((size_t)x->n_left + 1) * sizeof *x->left);
	if (x->item == NULL || x->pivot == NULL || x->left == NULL)
		return false;
	uint32_t at = 0;
	for (uint32_t i = 0; i < w->n_solved; i++) {
		x->pivot[i] = (struct echelon_pivot){ w->solved[i].column, at };
		at += put_solved(w, &w->solved[i], x->item + at);
	}
	x->n_pivots = w->n_solved;
	x->pivot[x->n_pivots] = (struct echelon_pivot){ NONE, at };
	uint32_t k = 0;
	for (uint32_t i = 0; i < w->n_rows; i++) {
		const struct row *r = &w->row[i];
		if (r->n == 0 || r->state == SOLVED)
			continue;
		x->left[k++] = at;
		memcpy(x->item + at, w->item + r->first, r->n * sizeof *x->item);
		at += r->n;
	}
	x->left[k] = at;
	return true;
}

bool echelon_solve(struct echelon *x, uint32_t longest)
{
	bool ok = solve_all(x->work, longest) && pack(x);
	work_free(x->work);
	x->work = NULL;
	return ok;
}
