#include "policy/simplex.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define NONE       UINT32_MAX
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
	free(s->turned);
	free(s->shadow);
	free(s->basic);
	free(s->other);
	free(s->in_lane);
	free(s->at);
	free(s->pivot);
	free(s->count);
	free(s->column);
	free(s->in_basis);
}

bool simplex_init(struct simplex *s, uint32_t m, uint32_t n, uint32_t n_pairs)
{
	assert(n_pairs <= n / 2);
	*s = (struct simplex){ .m = m, .n = n, .n_pairs = n_pairs };
	s->first = calloc((size_t)m + 1, sizeof *s->first);
	s->low = calloc(n, sizeof *s->low);
	s->high = calloc(n, sizeof *s->high);
	s->cost = calloc(n, sizeof *s->cost);
	s->x = calloc(n, sizeof *s->x);
	s->basic = malloc(((size_t)m + 1) * sizeof *s->basic);
	s->other = malloc(((size_t)n + 1) * sizeof *s->other);
	s->in_lane = malloc(((size_t)n + 1) * sizeof *s->in_lane);
	s->at = malloc(((size_t)n + 1) * sizeof *s->at);
	s->count = calloc(n, sizeof *s->count);
	s->in_basis = calloc(n, sizeof *s->in_basis);
	s->column = calloc((size_t)m + 1, sizeof *s->column);
	s->shadow = calloc((size_t)m + 1, sizeof *s->shadow);
	return s->first != NULL && s->low != NULL && s->high != NULL && s->cost != NULL && s->x != NULL &&
	       s->basic != NULL && s->other != NULL && s->in_lane != NULL && s->at != NULL &&
	       s->count != NULL && s->in_basis != NULL && s->column != NULL && s->shadow != NULL;
}

static bool has_twin(const struct simplex *s, uint32_t column)
{
	return column < 2 * s->n_pairs;
}

/* Its twin is in the basis: -1 in the twin's row and 0 in all others. */
static bool is_shadow(const struct simplex *s, uint32_t column)
{
	return has_twin(s, column) && s->in_basis[column ^ 1u];
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
	uint32_t best = NONE;
	for (uint32_t k = 0; k < s->n; k++)
		if (fabs(work[k]) > 0.5 && !s->in_basis[k] && (best == NONE || s->count[k] < s->count[best]))
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
		if (best == NONE)
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

/* Who is where at first. A pair's second column has no items, so no row was solved for it. */
static void find_places(struct simplex *s)
{
	for (uint32_t i = 0; i < s->m; i++)
		s->at[s->basic[i]] = i;
	for (uint32_t k = 0; k < s->n; k++) {
		if (s->in_basis[k])
			continue;
		s->other[s->n_other++] = k;
		if (has_twin(s, k) && k % 2 == 1) {
			s->at[k] = s->at[k - 1];
			continue;
		}
		s->in_lane[s->width] = k;
		s->at[k] = s->width++;
	}
}

/* From here on only lanes have numbers: row by row, in blocks. Last row first, which frees each from the basic columns of
 * those after it. */
static bool condense(struct simplex *s, const size_t *begin)
{
	find_places(s);
	s->stride = (s->width + BLOCK - 1) / BLOCK * BLOCK;
	s->a = calloc((size_t)s->m * s->stride + BLOCK, sizeof *s->a);
	s->reduced = calloc((size_t)s->stride + BLOCK, sizeof *s->reduced);
	s->pivot = calloc((size_t)s->stride + BLOCK, sizeof *s->pivot);
	s->turned = s->n_pairs == 0 ? NULL : calloc((size_t)s->stride + BLOCK, sizeof *s->turned);
	bool ok =
	    s->a != NULL && s->reduced != NULL && s->pivot != NULL && (s->turned != NULL || s->n_pairs == 0);
	for (uint32_t i = s->m; ok && i-- > 0;) {
		for (size_t t = begin[i]; t < begin[i + 1]; t++) {
			const struct simplex_item *it = &s->item[t];
			if (s->in_basis[it->column])
				subtract(line(s, i), line(s, s->at[it->column]), it->by, s->stride);
			else
				line(s, i)[s->at[it->column]] += it->by;
		}
	}
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

/* A column once, since its numbers lie far apart. */
static void read_column(const struct simplex *s, uint32_t column)
{
	uint32_t at = s->at[column];
	if (is_shadow(s, column)) {
		memset(s->column, 0, s->m * sizeof *s->column);
		s->column[at] = -1.0;
		return;
	}
	const double *from = s->a + at;
	double sign = s->in_lane[at] == column ? 1.0 : -1.0;
	for (uint32_t i = 0; i < s->m; i++, from += s->stride)
		s->column[i] = sign * *from;
}

/* The lane has the numbers of the column that read_column has read, and not its twin's. */
static void face(struct simplex *s, uint32_t column)
{
	uint32_t at = s->at[column];
	if (s->in_lane[at] == column)
		return;
	for (uint32_t i = 0; i < s->m; i++)
		if (s->column[i] != 0.0)
			line(s, i)[at] = s->column[i];
	double reduced = s->reduced[at];
	s->reduced[at] = s->turned[at];
	s->turned[at] = reduced;
	s->in_lane[at] = column;
}

static void reduce_costs(struct simplex *s, const double *row, double factor)
{
	if (factor == 0.0)
		return;
	subtract(s->reduced, row, factor, s->stride);
	if (s->n_pairs > 0)
		subtract(s->turned, row, -factor, s->stride);
}

/* Row r divided by what the lane has there, and taken off all others. */
static void divide(struct simplex *s, uint32_t r, uint32_t lane)
{
	double *row = line(s, r);
	double by = 1.0 / row[lane];
	row[lane] = 1.0;
	for (uint32_t k = 0; k < s->width; k++)
		s->pivot[k] = fabs(row[k] * by) < SMALL ? 0.0 : row[k] * by;
	memcpy(row, s->pivot, s->width * sizeof *row);
	s->touched += s->width + s->m;
	for (uint32_t i = 0; i < s->m; i++) {
		if (i == r || s->column[i] == 0.0)
			continue;
		line(s, i)[lane] = 0.0;
		subtract(line(s, i), s->pivot, s->column[i], s->stride);
		s->touched += s->width;
	}
}

/* The lane of the column that comes in is from now on that of the one that leaves row r. */
static void exchange(struct simplex *s, uint32_t r, uint32_t comes, uint32_t leaves)
{
	uint32_t lane = s->at[comes];
	face(s, comes);
	divide(s, r, lane);
	double factor = s->reduced[lane];
	s->reduced[lane] = 0.0;
	if (s->n_pairs > 0) {
		double twin = s->turned[lane];
		s->turned[lane] = s->shadow[r];
		s->shadow[r] = twin + factor;
	}
	reduce_costs(s, s->pivot, factor);
	s->in_lane[lane] = leaves;
	s->at[leaves] = lane;
	if (has_twin(s, leaves))
		s->at[leaves ^ 1u] = lane;
	s->at[comes] = r;
	if (has_twin(s, comes))
		s->at[comes ^ 1u] = r;
}

/* A column takes its twin's place in the basis: all of its row changes its sign. */
static void turn_round(struct simplex *s, uint32_t r)
{
	double *row = line(s, r);
	for (uint32_t k = 0; k < s->width; k++)
		row[k] = fabs(row[k]) < SMALL ? 0.0 : -row[k];
	reduce_costs(s, row, s->shadow[r]);
	s->touched += s->width;
}

/* Exchanges place j, which read_column has read, with the column that is basic in row r. */
static void pivot(struct simplex *s, uint32_t r, uint32_t j)
{
	uint32_t comes = s->other[j];
	uint32_t leaves = s->basic[r];
	if (is_shadow(s, comes))
		turn_round(s, r);
	else
		exchange(s, r, comes, leaves);
	s->work += s->n;
	s->basic[r] = comes;
	s->other[j] = leaves;
	s->in_basis[comes] = true;
	s->in_basis[leaves] = false;
}

static void price_out(struct simplex *s)
{
	for (uint32_t k = 0; k < s->width; k++)
		s->reduced[k] = s->cost[s->in_lane[k]];
	for (uint32_t k = 0; s->n_pairs > 0 && k < s->width; k++)
		s->turned[k] = has_twin(s, s->in_lane[k]) ? s->cost[s->in_lane[k] ^ 1u] : 0.0;
	for (uint32_t i = 0; i < s->m; i++) {
		double cost = s->cost[s->basic[i]];
		reduce_costs(s, line(s, i), cost);
		if (has_twin(s, s->basic[i]))
			s->shadow[i] = s->cost[s->basic[i] ^ 1u] + cost;
	}
}

static double reduced_cost(const struct simplex *s, uint32_t column)
{
	uint32_t at = s->at[column];
	if (is_shadow(s, column))
		return s->shadow[at];
	return s->in_lane[at] == column ? s->reduced[at] : s->turned[at];
}

/* The place to change and its direction; NONE: the solution is best. Bland's rule asks for the first column. */
static uint32_t entering(const struct simplex *s, bool bland, int *direction)
{
	uint32_t best = NONE;
	double most = 1e-7;
	for (uint32_t k = 0; k < s->n_other; k++) {
		uint32_t c = s->other[k];
		double d = reduced_cost(s, c);
		if (fabs(d) <= most || s->high[c] - s->low[c] < SMALL)
			continue;
		if (d < 0 ? s->x[c] >= s->high[c] - SMALL : s->x[c] <= s->low[c] + SMALL)
			continue;
		if (bland && best != NONE && s->other[best] < c)
			continue;
		best = k;
		*direction = d < 0 ? 1 : -1;
		if (!bland)
			most = fabs(d);
	}
	return best;
}

/* How far column c can go; *leaving is the row that stops it, NONE if its own bound does. */
static double ratio(const struct simplex *s, uint32_t c, int direction, uint32_t *leaving)
{
	double far = direction > 0 ? s->high[c] - s->x[c] : s->x[c] - s->low[c];
	double strength = 0.0;
	*leaving = NONE;
	for (uint32_t i = 0; i < s->m; i++) {
		double a = s->column[i] * direction;
		if (fabs(a) < 1e-7)
			continue;
		uint32_t b = s->basic[i];
		double room = a > 0 ? (s->x[b] - s->low[b]) / a : (s->high[b] - s->x[b]) / -a;
		if (room < 0)
			room = 0;
		if (room < far - SMALL || (room < far + SMALL && *leaving != NONE && fabs(a) > strength)) {
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
		if (j == NONE)
			return true;
		uint32_t c = s->other[j];
		read_column(s, c);
		double far = ratio(s, c, direction, &leaving);
		if (far > 1e15 || (s->max_touched > 0 && s->touched > s->max_touched))
			return false;
		s->x[c] += direction * far;
		for (uint32_t i = 0; i < s->m && far > 0; i++)
			s->x[s->basic[i]] -= s->column[i] * direction * far;
		stall = far > SMALL ? 0 : stall + 1;
		if (leaving != NONE)
			pivot(s, leaving, j);
	}
	return false;
}
