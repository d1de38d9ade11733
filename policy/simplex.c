#include "policy/simplex.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define PIVOTS_MAX 20000u
#define STALL_MAX  200u /* steps without progress before Bland's rule takes over */
#define SMALL      1e-9
#define BLOCK      8u /* numbers taken together */

/* So that compilers use what vector instructions there are; each lane is rounded as a number by itself is. */
typedef double block __attribute__((vector_size(BLOCK * sizeof(double)), aligned(8), may_alias));

void simplex_free(struct simplex *s)
{
	free(s->item);
	free(s->first);
	free(s->a);
	free(s->low);
	free(s->high);
	free(s->cost);
	free(s->x);
	free(s->reduced);
	free(s->basic);
	free(s->other);
	free(s->pivot);
	free(s->count);
	free(s->column);
	free(s->in_basis);
}

bool simplex_init(struct simplex *s, uint32_t m, uint32_t n)
{
	*s = (struct simplex){ .m = m, .n = n };
	s->first = calloc((size_t)m + 1, sizeof *s->first);
	s->low = calloc(n, sizeof *s->low);
	s->high = calloc(n, sizeof *s->high);
	s->cost = calloc(n, sizeof *s->cost);
	s->x = calloc(n, sizeof *s->x);
	s->basic = malloc(((size_t)m + 1) * sizeof *s->basic);
	s->other = malloc(((size_t)n + 1) * sizeof *s->other);
	s->count = calloc(n, sizeof *s->count);
	s->in_basis = calloc(n, sizeof *s->in_basis);
	s->column = calloc((size_t)m + 1, sizeof *s->column);
	return s->first != NULL && s->low != NULL && s->high != NULL && s->cost != NULL && s->x != NULL &&
	       s->basic != NULL && s->other != NULL && s->count != NULL && s->in_basis != NULL &&
	       s->column != NULL;
}

static bool push_item(struct simplex *s, uint32_t column, double by)
{
	if (s->n_items == s->room) {
		size_t room = s->room == 0 ? 1024 : 2 * s->room;
		struct simplex_item *more = realloc(s->item, room * sizeof *more);
		if (more == NULL)
			return false;
		s->item = more;
		s->room = room;
	}
	s->item[s->n_items++] = (struct simplex_item){ column, by };
	return true;
}

void simplex_add(struct simplex *s, uint32_t row, uint32_t column, double by)
{
	assert(row < s->m && column < s->n && row + 1 >= s->rows_begun);
	for (; s->rows_begun <= row; s->rows_begun++)
		s->first[s->rows_begun] = s->n_items;
	s->failed = s->failed || !push_item(s, column, by);
	s->count[column]++;
}

/* ---- the first basis ---- */

static double *line(const struct simplex *s, uint32_t i)
{
	return s->a + (size_t)i * s->stride;
}

/* to -= factor * from, over whole blocks. */
static void subtract(double *to, const double *from, double factor, uint32_t n)
{
	for (uint32_t k = 0; k < n; k += BLOCK)
		*(block *)(to + k) -= factor * *(const block *)(from + k);
}

/* The column of the work row to be made basic: with fewest entries at the start. */
static uint32_t best_column(const struct simplex *s, const double *work)
{
	uint32_t best = UINT32_MAX;
	for (uint32_t k = 0; k < s->n; k++)
		if (fabs(work[k]) > 0.5 && !s->in_basis[k] &&
		    (best == UINT32_MAX || s->count[k] < s->count[best]))
			best = k;
	return best;
}

/* Rows one by one, each freed from the basic columns of those before it, and divided; they stand behind the rows that
 * came in. Rows that follow from others fall away: s->m becomes smaller. */
static bool eliminate(struct simplex *s, double *work, size_t *begin)
{
	uint32_t m = 0;
	for (uint32_t i = 0; i < s->m; i++) {
		memset(work, 0, s->n * sizeof *work);
		for (size_t t = s->first[i]; t < s->first[i + 1]; t++)
			work[s->item[t].column] += s->item[t].by;
		for (uint32_t r = 0; r < m; r++) {
			double factor = work[s->basic[r]];
			for (size_t t = begin[r]; factor != 0.0 && t < begin[r + 1]; t++)
				work[s->item[t].column] -= factor * s->item[t].by;
			work[s->basic[r]] = 0.0;
			s->touched += factor != 0.0 ? begin[r + 1] - begin[r] : 0;
		}
		uint32_t best = best_column(s, work);
		if (best == UINT32_MAX)
			continue;
		double by = 1.0 / work[best];
		begin[m] = s->n_items;
		for (uint32_t k = 0; k < s->n; k++)
			if (k != best && fabs(work[k] * by) >= SMALL && !push_item(s, k, work[k] * by))
				return false;
		s->basic[m++] = best;
		s->in_basis[best] = true;
		begin[m] = s->n_items;
	}
	s->m = m;
	return true;
}

/* From here on only the columns outside the basis have numbers: row by row, in blocks. Last row first, which frees
 * each from the basic columns of those after it. */
static bool condense(struct simplex *s, const size_t *begin)
{
	uint32_t *place = malloc(((size_t)s->n + 1) * sizeof *place);
	s->width = 0;
	for (uint32_t k = 0; k < s->n; k++)
		if (!s->in_basis[k])
			s->other[s->width++] = k;
	s->stride = (s->width + BLOCK - 1) / BLOCK * BLOCK;
	s->a = calloc((size_t)s->m * s->stride + BLOCK, sizeof *s->a);
	s->reduced = calloc((size_t)s->stride + BLOCK, sizeof *s->reduced);
	s->pivot = calloc((size_t)s->stride + BLOCK, sizeof *s->pivot);
	bool ok = place != NULL && s->a != NULL && s->reduced != NULL && s->pivot != NULL;
	for (uint32_t k = 0; ok && k < s->width; k++)
		place[s->other[k]] = k;
	for (uint32_t i = 0; ok && i < s->m; i++)
		place[s->basic[i]] = i;
	for (uint32_t i = s->m; ok && i-- > 0;) {
		for (size_t t = begin[i]; t < begin[i + 1]; t++) {
			const struct simplex_item *it = &s->item[t];
			if (s->in_basis[it->column])
				subtract(line(s, i), line(s, place[it->column]), it->by, s->stride);
			else
				line(s, i)[place[it->column]] += it->by;
		}
	}
	free(place);
	return ok;
}

bool simplex_crash(struct simplex *s)
{
	double *work = malloc(((size_t)s->n + 1) * sizeof *work);
	size_t *begin = malloc(((size_t)s->m + 1) * sizeof *begin);
	for (; s->rows_begun <= s->m; s->rows_begun++)
		s->first[s->rows_begun] = s->n_items;
	bool ok =
	    work != NULL && begin != NULL && !s->failed && eliminate(s, work, begin) && condense(s, begin);
	s->work += (uint64_t)s->m * s->n;
	free(work);
	free(begin);
	free(s->item);
	s->item = NULL;
	return ok;
}

/* ---- steps; a place is one of the columns outside the basis ---- */

/* Place j once, since its numbers lie far apart. */
static void read_column(const struct simplex *s, uint32_t j)
{
	const double *at = s->a + j;
	for (uint32_t i = 0; i < s->m; i++, at += s->stride)
		s->column[i] = *at;
}

/* Exchanges place j, which read_column has read, with the column that is basic in row r. */
static void pivot(struct simplex *s, uint32_t r, uint32_t j)
{
	double *row = line(s, r);
	double by = 1.0 / row[j];
	uint32_t leaving = s->basic[r];
	row[j] = 1.0;
	for (uint32_t k = 0; k < s->width; k++)
		s->pivot[k] = fabs(row[k] * by) < SMALL ? 0.0 : row[k] * by;
	memcpy(row, s->pivot, s->width * sizeof *row);
	s->work += s->n;
	s->touched += s->width + s->m;
	for (uint32_t i = 0; i < s->m; i++) {
		if (i == r || s->column[i] == 0.0)
			continue;
		line(s, i)[j] = 0.0;
		subtract(line(s, i), s->pivot, s->column[i], s->stride);
		s->touched += s->width;
	}
	double factor = s->reduced[j];
	s->reduced[j] = 0.0;
	if (factor != 0.0)
		subtract(s->reduced, s->pivot, factor, s->stride);
	s->basic[r] = s->other[j];
	s->other[j] = leaving;
	s->in_basis[s->basic[r]] = true;
	s->in_basis[leaving] = false;
}

static void price_out(struct simplex *s)
{
	for (uint32_t k = 0; k < s->width; k++)
		s->reduced[k] = s->cost[s->other[k]];
	for (uint32_t i = 0; i < s->m; i++)
		if (s->cost[s->basic[i]] != 0.0)
			subtract(s->reduced, line(s, i), s->cost[s->basic[i]], s->stride);
}

/* The place to change and its direction; UINT32_MAX: the solution is best. Bland's rule asks for the first column. */
static uint32_t entering(const struct simplex *s, bool bland, int *direction)
{
	uint32_t best = UINT32_MAX;
	double most = 1e-7;
	for (uint32_t k = 0; k < s->width; k++) {
		double d = s->reduced[k];
		uint32_t c = s->other[k];
		if (fabs(d) <= most || s->high[c] - s->low[c] < SMALL)
			continue;
		if (d < 0 ? s->x[c] >= s->high[c] - SMALL : s->x[c] <= s->low[c] + SMALL)
			continue;
		if (bland && best != UINT32_MAX && s->other[best] < c)
			continue;
		best = k;
		*direction = d < 0 ? 1 : -1;
		if (!bland)
			most = fabs(d);
	}
	return best;
}

/* How far place j can go; *leaving is the row that stops it, UINT32_MAX if its own bound does. */
static double ratio(const struct simplex *s, uint32_t j, int direction, uint32_t *leaving)
{
	uint32_t c = s->other[j];
	double far = direction > 0 ? s->high[c] - s->x[c] : s->x[c] - s->low[c];
	double strength = 0.0;
	*leaving = UINT32_MAX;
	for (uint32_t i = 0; i < s->m; i++) {
		double a = s->column[i] * direction;
		if (fabs(a) < 1e-7)
			continue;
		uint32_t b = s->basic[i];
		double room = a > 0 ? (s->x[b] - s->low[b]) / a : (s->high[b] - s->x[b]) / -a;
		if (room < 0)
			room = 0;
		if (room < far - SMALL ||
		    (room < far + SMALL && *leaving != UINT32_MAX && fabs(a) > strength)) {
			far = room < far ? room : far;
			*leaving = i;
			strength = fabs(a);
		}
	}
	return far;
}

bool simplex_run(struct simplex *s)
{
	unsigned stall = 0;
	price_out(s);
	for (unsigned step = 0; step < PIVOTS_MAX; step++) {
		int direction = 1;
		uint32_t leaving;
		uint32_t j = entering(s, stall > STALL_MAX, &direction);
		if (j == UINT32_MAX)
			return true;
		read_column(s, j);
		double far = ratio(s, j, direction, &leaving);
		if (far > 1e15 || (s->max_touched > 0 && s->touched > s->max_touched))
			return false;
		s->x[s->other[j]] += direction * far;
		for (uint32_t i = 0; i < s->m && far > 0; i++)
			s->x[s->basic[i]] -= s->column[i] * direction * far;
		stall = far > SMALL ? 0 : stall + 1;
		if (leaving != UINT32_MAX)
			pivot(s, leaving, j);
	}
	return false;
}
