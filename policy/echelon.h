/* echelon - homogeneous equations in whole numbers, solved as far as pivots of 1 and -1 go.
 *
 * Internal to policy/. A table's relations are sums of cells, so nearly every equation can be solved for one of its
 * unknowns without a fraction: what is left over a row is then right for every prime at once. Equations that have no
 * coefficient of 1, or whose use would make some coefficient too large, are left for the caller to solve modulo a prime.
 * Unknowns are numbers below n_columns. */
#ifndef POLICY_ECHELON_H
#define POLICY_ECHELON_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ECHELON_BITS_MIN 3u /* of a coefficient: up to 3, plus or minus */
#define ECHELON_BITS     16u

struct echelon_term {
	uint32_t column;
	int32_t by;
};

struct echelon_pivot {
	uint32_t column; /* is the sum of the items from first to the next one's first */
	uint32_t first;
};

struct echelon {
	uint32_t n_columns;
	unsigned shift; /* item: the column, and behind it so many bits of coefficient */
	/* solved: one pivot more than there are, for where the last one's items end. An item's column is solved for by a
	 * later pivot, or not at all. */
	uint32_t *item;
	struct echelon_pivot *pivot;
	uint32_t n_pivots;
	/* left: equation i is items [left[i], left[i + 1]), ascending columns that no pivot is solved for */
	uint32_t *left;
	uint32_t n_left;
	struct echelon_work *work; /* until then */
};

/* most: bits of a coefficient, ECHELON_BITS or less; fewer where there are many columns. False: no memory, or more columns than
 * leave room for coefficients; echelon_free in any case. */
bool echelon_init(struct echelon *x, uint32_t n_columns, unsigned most);
/* One more equation: coefficients of 1 and -1 for columns that ascend, put together as echelon_item(). */
bool echelon_add(struct echelon *x, const uint32_t *item, uint32_t n);
static inline uint32_t echelon_item(const struct echelon *x, uint32_t column, int32_t by)
{
	return column << x->shift | (uint32_t)(by + (1 << (x->shift - 1)));
}
static inline struct echelon_term echelon_term(const struct echelon *x, uint32_t item)
{
	uint32_t by = item & ((1u << x->shift) - 1);
	return (struct echelon_term){ item >> x->shift, (int32_t)by - (1 << (x->shift - 1)) };
}
#define ECHELON_ALL UINT32_MAX
/* Solves what it can of the equations with at most so many unknowns, and of those that come to have no more; once, when all
 * equations are there. False: no memory. */
bool echelon_solve(struct echelon *x, uint32_t longest);
void echelon_free(struct echelon *x);
#endif
