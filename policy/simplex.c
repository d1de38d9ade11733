#include "policy/simplex.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define PIVOTS_MAX 20000u
#define STALL_MAX  200u /* steps without progress before Bland's rule takes over */
#define SMALL      1e-9

void simplex_free(struct simplex *s)
{
	free(s->a);
	free(s->low);
	free(s->high);
	free(s->cost);
	free(s->x);
	free(s->reduced);
	free(s->basic);
	free(s->filled);
	free(s->count);
	free(s->column);
	free(s->in_basis);
}

bool simplex_init(struct simplex *s, uint32_t m, uint32_t n)
{
	*s = (struct simplex){ .m = m, .n = n };
	s->a = calloc((size_t)m * n + 1, sizeof *s->a);
	s->low = calloc(n, sizeof *s->low);
	s->high = calloc(n, sizeof *s->high);
	s->cost = calloc(n, sizeof *s->cost);
	s->x = calloc(n, sizeof *s->x);
	s->reduced = calloc(n, sizeof *s->reduced);
	s->basic = malloc(((size_t)m + 1) * sizeof *s->basic);
	s->filled = malloc(n * sizeof *s->filled);
	s->count = calloc(n, sizeof *s->count);
	s->in_basis = calloc(n, sizeof *s->in_basis);
	s->column = calloc((size_t)m + 1, sizeof *s->column);
	return s->a != NULL && s->low != NULL && s->high != NULL && s->cost != NULL && s->x != NULL &&
	       s->reduced != NULL && s->basic != NULL && s->filled != NULL && s->count != NULL &&
	       s->in_basis != NULL && s->column != NULL;
}

/* Column j once, since its numbers lie far apart. */
static void read_column(const struct simplex *s, uint32_t j)
{
	const double *at = s->a + j;
	for (uint32_t i = 0; i < s->m; i++, at += s->n)
		s->column[i] = *at;
}

/* Makes column j, which read_column has read, basic in row r. */
static void pivot(struct simplex *s, uint32_t r, uint32_t j)
{
	double *row = simplex_row(s, r);
	double by = 1.0 / row[j];
	uint32_t n = 0;
	s->work += s->n;
	s->touched += s->n + s->m;
	for (uint32_t k = 0; k < s->n; k++)
		if (row[k] != 0.0) {
			row[k] = fabs(row[k] * by) < SMALL ? 0.0 : row[k] * by;
			s->filled[n++] = k;
		}
	row[j] = 1.0;
	for (uint32_t i = 0; i < s->m; i++) {
		double factor = s->column[i];
		if (i == r || factor == 0.0)
			continue;
		double *other = simplex_row(s, i);
		for (uint32_t k = 0; k < n; k++)
			other[s->filled[k]] -= factor * row[s->filled[k]];
		other[j] = 0.0;
		s->touched += n;
	}
	double factor = s->reduced[j];
	for (uint32_t k = 0; factor != 0.0 && k < n; k++)
		s->reduced[s->filled[k]] -= factor * row[s->filled[k]];
	s->reduced[j] = 0.0;
	s->basic[r] = j;
	s->in_basis[j] = true;
}

static void drop_empty_rows(struct simplex *s)
{
	uint32_t m = 0;
	for (uint32_t i = 0; i < s->m; i++) {
		if (s->basic[i] == UINT32_MAX)
			continue;
		if (m < i)
			memcpy(simplex_row(s, m), simplex_row(s, i), s->n * sizeof *s->a);
		s->basic[m++] = s->basic[i];
	}
	s->m = m;
}

void simplex_crash(struct simplex *s)
{
	for (size_t i = 0; i < (size_t)s->m * s->n; i++)
		s->count[i % s->n] += s->a[i] != 0.0;
	for (uint32_t i = 0; i < s->m; i++) {
		const double *row = simplex_row(s, i);
		uint32_t best = UINT32_MAX;
		for (uint32_t k = 0; k < s->n; k++)
			if (fabs(row[k]) > 0.5 && !s->in_basis[k] &&
			    (best == UINT32_MAX || s->count[k] < s->count[best]))
				best = k;
		s->basic[i] = UINT32_MAX;
		if (best != UINT32_MAX) {
			read_column(s, best);
			pivot(s, i, best);
		}
	}
	drop_empty_rows(s);
}

static void price_out(struct simplex *s)
{
	memcpy(s->reduced, s->cost, s->n * sizeof *s->reduced);
	for (uint32_t i = 0; i < s->m; i++) {
		double c = s->basic[i] == UINT32_MAX ? 0.0 : s->cost[s->basic[i]];
		const double *row = simplex_row(s, i);
		for (uint32_t k = 0; c != 0.0 && k < s->n; k++)
			s->reduced[k] -= c * row[k];
	}
}

/* The column to change and its direction; UINT32_MAX: the solution is best. */
static uint32_t entering(const struct simplex *s, bool bland, int *direction)
{
	uint32_t best = UINT32_MAX;
	double most = 1e-7;
	for (uint32_t k = 0; k < s->n; k++) {
		double d = s->reduced[k];
		if (s->in_basis[k] || s->high[k] - s->low[k] < SMALL || fabs(d) <= most)
			continue;
		if (d < 0 ? s->x[k] >= s->high[k] - SMALL : s->x[k] <= s->low[k] + SMALL)
			continue;
		best = k;
		*direction = d < 0 ? 1 : -1;
		if (bland)
			return best;
		most = fabs(d);
	}
	return best;
}

/* How far column j can go; *leaving is the row that stops it, UINT32_MAX if its own bound does. */
static double ratio(const struct simplex *s, uint32_t j, int direction, uint32_t *leaving)
{
	double far = direction > 0 ? s->high[j] - s->x[j] : s->x[j] - s->low[j];
	double strength = 0.0;
	*leaving = UINT32_MAX;
	for (uint32_t i = 0; i < s->m; i++) {
		double a = s->column[i] * direction;
		if (s->basic[i] == UINT32_MAX || fabs(a) < 1e-7)
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
		s->x[j] += direction * far;
		for (uint32_t i = 0; i < s->m && far > 0; i++)
			if (s->basic[i] != UINT32_MAX)
				s->x[s->basic[i]] -= s->column[i] * direction * far;
		stall = far > SMALL ? 0 : stall + 1;
		if (leaving != UINT32_MAX) {
			s->in_basis[s->basic[leaving]] = false;
			pivot(s, leaving, j);
		}
	}
	return false;
}
