#include "policy/modular.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "policy/array.h"

struct item {
	uint32_t col;
	uint64_t value;
};

struct row { /* ascending columns; the first is the one that it is solved for */
	struct item *item;
	uint32_t n;
};

struct system { /* equations that have no pivot in whole numbers */
	uint64_t prime;
	const struct echelon *x;
	struct row *row;
	uint32_t n_rows, room_rows;
	uint32_t *solved; /* by column: the row solved for it, or NONE; NULL: there are no rows */
	struct item *scratch;
	uint32_t room_scratch;
};

__extension__ typedef unsigned __int128 wide;

static uint64_t times(uint64_t prime, uint64_t a, uint64_t b)
{
	const uint64_t low = (UINT64_C(1) << 61) - 1;
	uint64_t less = low + 1 - prime; /* 2^61 is so much modulo the prime: 1 or 31 */
	wide x = (wide)a * b;
	wide y = (wide)((uint64_t)(x >> 61)) * less + ((uint64_t)x & low);
	uint64_t r = (uint64_t)(y >> 61) * less + ((uint64_t)y & low);
	return r >= prime ? r - prime : r;
}

static uint64_t plus(uint64_t prime, uint64_t a, uint64_t b)
{
	uint64_t sum = a + b;
	return sum >= prime ? sum - prime : sum;
}

static uint64_t negative(uint64_t prime, uint64_t a)
{
	return a == 0 ? 0 : prime - a;
}

static uint64_t inverse(uint64_t prime, uint64_t a)
{
	uint64_t result = 1;
	if (a == 1 || a == prime - 1)
		return a;
	for (uint64_t power = prime - 2; power != 0; power >>= 1) {
		if ((power & 1) != 0)
			result = times(prime, result, a);
		a = times(prime, a, a);
	}
	return result;
}

static uint64_t residue(uint64_t prime, int32_t by)
{
	return by < 0 ? prime - (uint64_t)-by : (uint64_t)by;
}

/* ---- what whole numbers left over ---- */

/* to := to - factor * from; both begin with the same column, which goes. */
static bool subtract(struct system *s, struct row *to, const struct row *from, uint64_t factor)
{
	uint64_t p = s->prime;
	uint32_t n = 0;
	uint32_t i = 1;
	uint32_t j = 1;
	if (!array_room(&s->scratch, &s->room_scratch, to->n + from->n, sizeof *s->scratch))
		return false;
	while (i < to->n || j < from->n) {
		uint32_t was = i < to->n ? to->item[i].col : NONE;
		uint32_t more = j < from->n ? from->item[j].col : NONE;
		struct item out = { was < more ? was : more, 0 };
		if (was <= more)
			out.value = to->item[i++].value;
		if (more <= was)
			out.value = plus(p, out.value, negative(p, times(p, factor, from->item[j++].value)));
		if (out.value != 0)
			s->scratch[n++] = out;
	}
	struct item *item = realloc(to->item, ((size_t)n + 1) * sizeof *item);
	if (item == NULL)
		return false;
	if (n > 0)
		memcpy(item, s->scratch, n * sizeof *item);
	to->item = item;
	to->n = n;
	return true;
}

static bool load_row(const struct system *s, uint32_t left, struct row *r)
{
	const struct echelon *x = s->x;
	uint32_t first = x->left[left];
	*r = (struct row){ .n = x->left[left + 1] - first };
	r->item = calloc(r->n, sizeof *r->item);
	for (uint32_t i = 0; r->item != NULL && i < r->n; i++) {
		struct echelon_term t = echelon_term(x, x->item[first + i]);
		r->item[i] = (struct item){ t.column, residue(s->prime, t.by) };
	}
	return r->item != NULL;
}

/* Takes out what is solved already, column by column, and solves the row for the first that is not. */
static bool add_row(struct system *s, uint32_t left)
{
	struct row r = { 0 };
	bool ok = array_room(&s->row, &s->room_rows, s->n_rows + 1, sizeof *s->row) && load_row(s, left, &r);
	while (ok && r.n > 0 && s->solved[r.item[0].col] != NONE) {
		const struct row *by = &s->row[s->solved[r.item[0].col]];
		uint64_t unit = inverse(s->prime, by->item[0].value);
		ok = subtract(s, &r, by, times(s->prime, r.item[0].value, unit));
	}
	if (!ok || r.n == 0) {
		free(r.item);
		return ok;
	}
	s->solved[r.item[0].col] = s->n_rows;
	s->row[s->n_rows++] = r;
	return true;
}

static bool solve_left(struct system *s)
{
	size_t size = (size_t)s->x->n_columns * sizeof *s->solved;
	bool ok = s->x->n_left == 0 || (s->solved = malloc(size)) != NULL;
	if (s->solved != NULL)
		memset(s->solved, 0xff, size);
	for (uint32_t i = 0; ok && i < s->x->n_left; i++)
		ok = add_row(s, i);
	return ok;
}

/* ---- the solution ---- */

static uint64_t draw(uint64_t prime, const uint8_t seed[16], uint32_t column)
{
	uint8_t in[12];
	uint8_t out[8];
	uint64_t word = 0;
	for (unsigned i = 0; i < 4; i++)
		in[i] = (uint8_t)(column >> (8 * i));
	for (unsigned i = 0; i < 8; i++)
		in[4 + i] = (uint8_t)(prime >> (8 * i));
	crypto_shorthash(out, in, sizeof in, seed);
	for (unsigned i = 0; i < 8; i++)
		word |= (uint64_t)out[i] << (8 * i);
	return word % prime;
}

static uint64_t row_solution(uint64_t p, const struct row *r, const uint64_t *u)
{
	uint64_t sum = 0;
	for (uint32_t i = 1; i < r->n; i++)
		sum = plus(p, sum, times(p, r->item[i].value, u[r->item[i].col]));
	return times(p, negative(p, sum), inverse(p, r->item[0].value));
}

static uint64_t pivot_solution(uint64_t p, const struct echelon *x, uint32_t pivot, const uint64_t *u)
{
	uint64_t sum = 0;
	for (uint32_t i = x->pivot[pivot].first; i < x->pivot[pivot + 1].first; i++) {
		struct echelon_term t = echelon_term(x, x->item[i]);
		uint64_t there = u[t.column];
		if (t.by == -1)
			there = negative(p, there);
		else if (t.by != 1)
			there = times(p, residue(p, t.by), there);
		sum = plus(p, sum, there);
	}
	return sum;
}

bool modular_solution(const struct echelon *x, uint64_t prime, const uint8_t seed[16], uint64_t *u)
{
	struct system s = { .prime = prime, .x = x };
	bool ok = solve_left(&s);
	for (uint32_t c = 0; c < x->n_columns; c++)
		u[c] = 1; /* free */
	for (uint32_t i = 0; i < x->n_pivots; i++)
		u[x->pivot[i].column] = 0;
	for (uint32_t c = x->n_columns; ok && c-- > 0;)
		if (s.solved != NULL && s.solved[c] != NONE)
			u[c] = row_solution(prime, &s.row[s.solved[c]], u);
		else if (u[c] != 0)
			u[c] = draw(prime, seed, c);
	for (uint32_t i = x->n_pivots; i-- > 0;)
		u[x->pivot[i].column] = pivot_solution(prime, x, i, u);
	for (uint32_t i = 0; i < s.n_rows; i++)
		free(s.row[i].item);
	free(s.row);
	free(s.solved);
	free(s.scratch);
	return ok;
}

/* Does u keep every relation? */
static bool adds_up(const struct grid *g, uint64_t prime, const uint64_t *u)
{
	struct relation_walk w;
	struct relation r;
	relation_begin(&w, g);
	while (relation_next(&w, &r)) {
		uint64_t sum = 0;
		for (uint32_t j = 0; j < r.b->n; j++)
			sum = plus(prime, sum, u[relation_child(g, &r, j)]);
		if (sum != u[r.parent])
			return false;
	}
	return true;
}

bool modular_vector(const struct equations *q, uint64_t prime, const uint8_t seed[16], uint64_t *u)
{
	uint32_t n = q->n_unknowns;
	if (!modular_solution(&q->x, prime, seed, u))
		return false;
	/* from columns to cells, in place: a cell is never in front of its column */
	for (uint32_t c = q->g->n_cells; c-- > 0;)
		u[c] = equations_is_open(q, c) ? u[--n] : 0;
	return true;
}

bool modular_null(
    const struct equations *q, uint64_t prime, const uint8_t seed[16], uint64_t *u, struct err *e)
{
	if (!modular_vector(q, prime, seed, u))
		return err_set(e, ERR_MEMORY, "no memory for the last check");
	return adds_up(q->g, prime, u) ||
	       err_set(e, ERR_INTERNAL, "our own check failed: a null vector does not add up");
}
