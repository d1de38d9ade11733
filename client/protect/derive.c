#include "client/protect/derive.h"

#include <stdlib.h>
#include <string.h>

#define PRIME ((UINT64_C(1) << 61) - 1)

__extension__ typedef unsigned __int128 wide_t;

struct term {
	uint32_t var;
	uint64_t coef; /* below PRIME, not 0 */
};

struct row {
	struct term *at; /* rising by var */
	uint32_t n;
	bool used; /* it gave its pivot */
};

struct list { /* rows in which a variable stood at some time */
	uint32_t *at;
	uint32_t n, room;
};

struct elimination {
	struct row *row;
	struct list *column;
	uint32_t n_rows, n_vars;
	uint64_t n_terms;
	uint32_t *queue;         /* ring of rows to look at, by number of terms: see next_row */
	uint32_t *order, *pivot; /* rows and their pivots' variables, as they were used */
	uint32_t n_used;
	struct term *scratch;
};

static uint64_t times(uint64_t a, uint64_t b)
{
	return (uint64_t)((wide_t)a * b % PRIME);
}

static uint64_t plus(uint64_t a, uint64_t b)
{
	uint64_t sum = a + b;

	return sum >= PRIME ? sum - PRIME : sum;
}

static uint64_t minus(uint64_t a)
{
	return a == 0 ? 0 : PRIME - a;
}

static uint64_t inverse(uint64_t a)
{
	uint64_t out = 1;

	for (uint64_t power = PRIME - 2; power > 0; power >>= 1) {
		out = power & 1 ? times(out, a) : out;
		a = times(a, a);
	}
	return out;
}

static int by_var(const void *a, const void *b)
{
	const struct term *x = a, *y = b;

	return x->var < y->var ? -1 : x->var > y->var;
}

static bool column_add(struct elimination *k, uint32_t var, uint32_t row, struct err *e)
{
	struct list *c = &k->column[var];

	if (c->n == c->room) {
		uint32_t room = c->room ? 2 * c->room : 4;
		uint32_t *more = realloc(c->at, room * sizeof *more);

		if (more == NULL)
			return err_set(e, ERR_MEMORY, "no memory");
		memset(more + c->n, 0, (room - c->n) * sizeof *more);
		c->at = more;
		c->room = room;
	}
	c->at[c->n++] = row;
	return true;
}

/* Terms of one variable become one; those of no weight go. */
static uint32_t collect(struct term *at, uint32_t n)
{
	uint32_t out = 0;

	qsort(at, n, sizeof *at, by_var);
	for (uint32_t i = 0; i < n; i++) {
		if (out > 0 && at[out - 1].var == at[i].var)
			at[out - 1].coef = plus(at[out - 1].coef, at[i].coef);
		else
			at[out++] = at[i];
		if (at[out - 1].coef == 0)
			out--;
	}
	return out;
}

static bool rows_make(struct elimination *k, const struct system *s, struct err *e)
{
	for (uint32_t r = 0; r < k->n_rows; r++) {
		size_t n = s->start[r + 1] - s->start[r];
		struct row *row = &k->row[r];

		row->at = malloc((n + 1) * sizeof *row->at);
		if (row->at == NULL)
			return err_set(e, ERR_MEMORY, "no memory");
		for (size_t i = 0; i < n; i++) {
			const struct system_term *t = &s->term[s->start[r] + i];
			row->at[i] = (struct term){ t->var,
				t->coef < 0 ? PRIME - (uint64_t) - (int64_t)t->coef : (uint64_t)t->coef };
		}
		row->n = collect(row->at, (uint32_t)n);
		k->n_terms += row->n;
		for (uint32_t i = 0; i < row->n; i++)
			if (!column_add(k, row->at[i].var, r, e))
				return false;
	}
	return true;
}

static const struct term *find(const struct row *row, uint32_t var)
{
	const struct term want = { var, 0 };

	return bsearch(&want, row->at, row->n, sizeof *row->at, by_var);
}

/* to = to + factor * from, where the pivot's variable goes; new variables join their columns. */
static bool add_row(struct elimination *k, uint32_t to, uint32_t from, uint64_t factor, struct err *e)
{
	const struct row *a = &k->row[from];
	struct row *b = &k->row[to];
	uint32_t i = 0, j = 0, n = 0;

	while (i < a->n || j < b->n) {
		bool left = j == b->n || (i < a->n && a->at[i].var <= b->at[j].var);
		bool right = i == a->n || (j < b->n && b->at[j].var <= a->at[i].var);
		struct term t = { left ? a->at[i].var : b->at[j].var, 0 };

		t.coef = plus(left ? times(factor, a->at[i].coef) : 0, right ? b->at[j].coef : 0);
		if (left && !right && !column_add(k, t.var, to, e))
			return false;
		if (t.coef != 0)
			k->scratch[n++] = t;
		i += left;
		j += right;
	}
	struct term *more = realloc(b->at, (n + 1) * sizeof *more);
	if (more == NULL)
		return err_set(e, ERR_MEMORY, "no memory");
	memcpy(more, k->scratch, n * sizeof *more);
	k->n_terms += n;
	k->n_terms -= b->n;
	b->at = more;
	b->n = n;
	return k->n_terms <= DERIVE_TERMS_MAX || err_set(e, ERR_LIMIT, "too many relations to eliminate");
}

/* The variable of the row that stands in fewest others: least is filled in. */
static uint32_t choose(const struct elimination *k, const struct row *row)
{
	uint32_t best = row->at[0].var;

	for (uint32_t i = 1; i < row->n; i++) {
		if (k->column[row->at[i].var].n < k->column[best].n)
			best = row->at[i].var;
	}
	return best;
}

static bool eliminate(struct elimination *k, uint32_t r, struct err *e)
{
	struct row *row = &k->row[r];
	uint32_t var = choose(k, row);
	uint64_t inv = inverse(find(row, var)->coef);
	const struct list column = k->column[var];

	row->used = true;
	k->order[k->n_used] = r;
	k->pivot[k->n_used++] = var;
	for (uint32_t i = 0; i < column.n; i++) {
		uint32_t other = column.at[i];
		const struct term *t = k->row[other].used ? NULL : find(&k->row[other], var);

		if (t != NULL && !add_row(k, other, r, minus(times(t->coef, inv)), e))
			return false;
	}
	return true;
}

/* Rows of few terms first: they cost least. Rounds by doubling length; what has grown waits for a later one. */
static bool eliminate_all(struct elimination *k, struct err *e)
{
	uint32_t left = k->n_rows;

	for (uint64_t most = 1; left > 0; most *= 2) {
		uint32_t kept = 0;

		for (uint32_t i = 0; i < left; i++) {
			uint32_t r = k->queue[i];

			if (k->row[r].n > most)
				k->queue[kept++] = r;
			else if (k->row[r].n > 0 && !eliminate(k, r, e))
				return false;
		}
		left = kept;
	}
	return true;
}

/* splitmix64: any numbers will do that nobody chose to fit the table. */
static uint64_t draw(uint64_t *state)
{
	uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return (z ^ z >> 31) % PRIME;
}

/* A change that keeps all relations: free variables at random, pivots from the last to the first. */
static bool change(const struct elimination *k, bool *follows, struct err *e)
{
	uint64_t *by = calloc(k->n_vars + (size_t)1, sizeof *by), seed = UINT64_C(0x63656c6c7665696c);

	if (by == NULL)
		return err_set(e, ERR_MEMORY, "no memory");
	for (uint32_t v = 0; v < k->n_vars; v++)
		by[v] = draw(&seed);
	for (uint32_t i = k->n_used; i-- > 0;) {
		const struct row *row = &k->row[k->order[i]];
		uint64_t sum = 0, coef = 1;

		for (uint32_t t = 0; t < row->n; t++) {
			if (row->at[t].var == k->pivot[i])
				coef = row->at[t].coef;
			else
				sum = plus(sum, times(row->at[t].coef, by[row->at[t].var]));
		}
		by[k->pivot[i]] = times(minus(sum), inverse(coef));
	}
	for (uint32_t v = 0; v < k->n_vars; v++)
		follows[v] = by[v] == 0;
	free(by);
	return true;
}

static void elimination_free(struct elimination *k)
{
	for (uint32_t r = 0; k->row != NULL && r < k->n_rows; r++)
		free(k->row[r].at);
	for (uint32_t v = 0; k->column != NULL && v < k->n_vars; v++)
		free(k->column[v].at);
	free(k->row);
	free(k->column);
	free(k->queue);
	free(k->order);
	free(k->pivot);
	free(k->scratch);
}

bool derive_follow(const struct system *s, bool *follows, struct err *e)
{
	struct elimination k = { .n_rows = s->n_relations, .n_vars = s->n_vars };
	size_t rows = k.n_rows + (size_t)1, vars = k.n_vars + (size_t)1;
	bool ok;

	k.row = calloc(rows, sizeof *k.row);
	k.column = calloc(vars, sizeof *k.column);
	k.queue = calloc(rows, sizeof *k.queue);
	k.order = calloc(rows, sizeof *k.order);
	k.pivot = calloc(rows, sizeof *k.pivot);
	k.scratch = calloc(vars, sizeof *k.scratch);
	ok = (k.row && k.column && k.queue && k.order && k.pivot && k.scratch) ||
	     err_set(e, ERR_MEMORY, "no memory");
	for (uint32_t r = 0; ok && r < k.n_rows; r++)
		k.queue[r] = r;
	ok = ok && rows_make(&k, s, e) && eliminate_all(&k, e) && change(&k, follows, e);
	elimination_free(&k);
	return ok;
}
