#include "client/protect/jjcert.h"

#include <assert.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

/* Elimination modulo a prime. Rows come shortest first; each is freed of the columns that earlier rows own and then owns
 * one of those left. A row's columns are therefore nobody's or a later row's, which ends both loops below. */

__extension__ typedef unsigned __int128 wide;

struct owned { /* a row that owns a column */
	uint32_t *col;
	uint64_t *value;
	uint32_t n, own; /* place of its own column */
};

struct elimination {
	const struct jj *j;
	const char *mark;
	uint64_t prime;
	struct owned *row; /* in order of coming */
	uint32_t n_rows;
	uint32_t *owner; /* by cell: row, or UINT32_MAX */
	uint32_t *count; /* by cell: relations that hold it */
	uint64_t *value; /* by cell: of the row at hand */
	uint32_t *col;   /* its cells; some may have become 0 */
	uint8_t *listed;
	uint32_t n;
	uint32_t *heap; /* rows whose columns it holds, least first */
	uint32_t n_heap, room_heap;
};

static uint64_t times(const struct elimination *s, uint64_t a, uint64_t b)
{
	return (uint64_t)((wide)a * b % s->prime);
}

static uint64_t minus(const struct elimination *s, uint64_t a, uint64_t b)
{
	return a >= b ? a - b : a + (s->prime - b);
}

static uint64_t inverse(const struct elimination *s, uint64_t a)
{
	uint64_t result = 1;
	for (uint64_t power = s->prime - 2; power != 0; power >>= 1) {
		if ((power & 1) != 0)
			result = times(s, result, a);
		a = times(s, a, a);
	}
	return result;
}

static bool heap_push(struct elimination *s, uint32_t row)
{
	if (s->n_heap == s->room_heap) {
		uint32_t room = s->room_heap == 0 ? 256 : 2 * s->room_heap;
		uint32_t *more = realloc(s->heap, room * sizeof *more);
		if (more == NULL)
			return false;
		s->heap = more;
		s->room_heap = room;
	}
	uint32_t at = s->n_heap++;
	for (; at > 0 && s->heap[(at - 1) / 2] > row; at = (at - 1) / 2)
		s->heap[at] = s->heap[(at - 1) / 2];
	s->heap[at] = row;
	return true;
}

static uint32_t heap_pop(struct elimination *s)
{
	uint32_t top = s->heap[0];
	uint32_t last = s->heap[--s->n_heap];
	uint32_t at = 0;
	for (;;) {
		uint32_t child = 2 * at + 1;
		if (child + 1 < s->n_heap && s->heap[child + 1] < s->heap[child])
			child++;
		if (child >= s->n_heap || s->heap[child] >= last)
			break;
		s->heap[at] = s->heap[child];
		at = child;
	}
	s->heap[at] = last;
	return top;
}

static bool put(struct elimination *s, uint32_t col, uint64_t value)
{
	s->value[col] = value;
	if (s->listed[col] != 0)
		return true;
	s->listed[col] = 1;
	s->col[s->n++] = col;
	return s->owner[col] == UINT32_MAX || heap_push(s, s->owner[col]);
}

static bool load(struct elimination *s, uint32_t relation)
{
	for (uint32_t i = s->j->start[relation]; i < s->j->start[relation + 1]; i++) {
		struct jj_term t = s->j->term[i];
		uint64_t value = t.coef > 0 ? (uint64_t)t.coef : s->prime - (uint64_t)(-(int64_t)t.coef);
		if (s->mark[t.cell] == 'H' && !put(s, t.cell, value))
			return false;
	}
	return true;
}

static bool reduce(struct elimination *s)
{
	while (s->n_heap > 0) {
		const struct owned *r = &s->row[heap_pop(s)];
		assert(r->col != NULL); /* the heap holds rows that own a column */
		uint64_t factor = s->value[r->col[r->own]];
		if (factor == 0)
			continue;
		factor = times(s, factor, inverse(s, r->value[r->own]));
		for (uint32_t i = 0; i < r->n; i++)
			if (!put(s, r->col[i], minus(s, s->value[r->col[i]], times(s, factor, r->value[i]))))
				return false;
	}
	return true;
}

/* Keeps what is left as a row, if anything is; the row at hand is empty again. */
static bool settle(struct elimination *s)
{
	uint32_t n = 0;
	for (uint32_t i = 0; i < s->n; i++) {
		s->listed[s->col[i]] = 0;
		if (s->value[s->col[i]] != 0)
			s->col[n++] = s->col[i];
	}
	s->n = 0;
	if (n == 0)
		return true;
	struct owned *r = &s->row[s->n_rows];
	r->col = malloc(n * sizeof *r->col);
	r->value = malloc(n * sizeof *r->value);
	s->n_rows++;
	if (r->col == NULL || r->value == NULL)
		return false;
	for (uint32_t i = 0; i < n; i++) {
		r->col[i] = s->col[i];
		r->value[i] = s->value[s->col[i]];
		s->value[s->col[i]] = 0;
		if (s->count[s->col[i]] < s->count[r->col[r->own]])
			r->own = i;
	}
	r->n = n;
	s->owner[r->col[r->own]] = s->n_rows - 1;
	return true;
}

struct length {
	uint32_t n, relation;
};

static int by_length(const void *a, const void *b)
{
	const struct length *x = a;
	const struct length *y = b;
	return x->n != y->n ? (x->n > y->n) - (x->n < y->n)
			    : (x->relation > y->relation) - (x->relation < y->relation);
}

static uint64_t draw(uint32_t cell, uint64_t prime, const uint8_t seed[16])
{
	uint8_t in[12];
	uint8_t out[8];
	uint64_t word = 0;
	for (unsigned i = 0; i < 4; i++)
		in[i] = (uint8_t)(cell >> (8 * i));
	for (unsigned i = 0; i < 8; i++)
		in[4 + i] = (uint8_t)(prime >> (8 * i));
	crypto_shorthash(out, in, sizeof in, seed);
	for (unsigned i = 0; i < 8; i++)
		word |= (uint64_t)out[i] << (8 * i);
	return word % prime;
}

static void substitute(const struct elimination *s, uint64_t *u)
{
	uint8_t digest[32];
	crypto_hash_sha256(digest, (const uint8_t *)s->mark, s->j->n_cells);
	for (uint32_t c = 0; c < s->j->n_cells; c++)
		u[c] = s->mark[c] == 'H' ? draw(c, s->prime, digest) : 0;
	for (uint32_t i = s->n_rows; i-- > 0;) {
		const struct owned *r = &s->row[i];
		uint64_t sum = 0;
		for (uint32_t k = 0; k < r->n; k++)
			if (k != r->own)
				sum = minus(s, sum, times(s, r->value[k], u[r->col[k]]));
		u[r->col[r->own]] = times(s, sum, inverse(s, r->value[r->own]));
	}
}

static void close_all(struct elimination *s)
{
	for (uint32_t i = 0; s->row != NULL && i < s->n_rows; i++) {
		free(s->row[i].col);
		free(s->row[i].value);
	}
	free(s->row);
	free(s->owner);
	free(s->count);
	free(s->value);
	free(s->col);
	free(s->listed);
	free(s->heap);
}

bool jjcert_null(const struct jj *j, const char *mark, uint64_t prime, uint64_t *u, struct err *e)
{
	struct elimination s = { .j = j, .mark = mark, .prime = prime };
	size_t cells = (size_t)j->n_cells + 1;
	struct length *order = calloc((size_t)j->n_relations + 1, sizeof *order);
	s.row = calloc((size_t)j->n_relations + 1, sizeof *s.row);
	s.owner = malloc(cells * sizeof *s.owner);
	s.count = calloc(cells, sizeof *s.count);
	s.value = calloc(cells, sizeof *s.value);
	s.col = calloc(cells, sizeof *s.col);
	s.listed = calloc(cells, 1);
	bool ok = order != NULL && s.row != NULL && s.owner != NULL && s.count != NULL && s.value != NULL &&
		  s.col != NULL && s.listed != NULL;
	if (ok) {
		memset(s.owner, 0xff, cells * sizeof *s.owner);
		for (uint32_t i = 0; i < j->start[j->n_relations]; i++)
			s.count[j->term[i].cell]++;
		for (uint32_t r = 0; r < j->n_relations; r++)
			order[r] = (struct length){ j->start[r + 1] - j->start[r], r };
		qsort(order, j->n_relations, sizeof *order, by_length);
	}
	for (uint32_t r = 0; ok && r < j->n_relations; r++)
		ok = load(&s, order[r].relation) && reduce(&s) && settle(&s);
	if (ok)
		substitute(&s, u);
	else
		err_set(e, ERR_MEMORY, "no memory for the last check");
	close_all(&s);
	free(order);
	return ok;
}
