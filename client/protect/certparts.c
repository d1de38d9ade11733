/* Which cells hang together, for a certificate's public tables (certpart.h). */
#include <stdlib.h>

#include "client/protect/certpart.h"

/* Its own release does not print it. */
static bool is_bare(const struct certcheck *k, uint64_t cell)
{
	return k->g->mark[cell] != 'P' && k->g->mark[cell] != 'Z';
}

static uint32_t find_root(uint32_t *root, uint32_t c)
{
	while (root[c] != c) {
		root[c] = root[root[c]];
		c = root[c];
	}
	return c;
}

static void unite(uint32_t *root, uint64_t x, uint64_t y)
{
	uint32_t a = find_root(root, (uint32_t)x);
	uint32_t b = find_root(root, (uint32_t)y);
	if (a < b)
		root[b] = a;
	else
		root[a] = b;
}

/* The cells of one relation; base: with the first code of its dimension. */
static void unite_relation(
    const struct certcheck *k, uint32_t *root, const struct breakdown *b, uint64_t base, uint64_t stride)
{
	uint64_t first = UINT64_MAX;
	for (uint32_t i = 0; i <= b->n; i++) {
		uint64_t cell = base + (i == 0 ? b->parent : b->child[i - 1]) * stride;
		if (!is_bare(k, cell))
			continue;
		if (first != UINT64_MAX)
			unite(root, first, cell);
		else
			first = cell;
	}
}

/* Releases hang together by offices that did not change, not by their differences. */
static void unite_relations(const struct certcheck *k, uint32_t *root, uint64_t n)
{
	for (uint32_t d = k->report->joined; d < k->g->n_dims; d++) {
		uint64_t stride = k->g->stride[d];
		uint64_t block = stride * k->g->dim[d].n_codes;
		for (uint32_t b = 0; b < k->g->dim[d].n_breakdowns; b++)
			for (uint64_t high = 0; high < n; high += block)
				for (uint64_t low = high; low < high + stride; low++)
					unite_relation(k, root, &k->g->dim[d].breakdown[b], low, stride);
	}
}

static void unite_releases(const struct certcheck *k, uint32_t *root)
{
	const struct releases *r = &k->joint->releases;
	uint64_t n = k->own->n_cells;
	for (uint64_t to = 1; to <= r->n; to++)
		for (uint64_t from = 0; from < to; from++) {
			uint64_t span = releases_span_code(r, from, to) * n;
			uint64_t a = releases_code(r, from) * n;
			uint64_t b = releases_code(r, to) * n;
			for (uint64_t c = 0; c < n; c++)
				if (k->g->value[span + c] == 0 && is_bare(k, a + c) && is_bare(k, b + c))
					unite(root, a + c, b + c);
		}
}

/* Numbers the components in order of their first cells: root becomes the number. */
static bool number_parts(struct certcheck *k, uint32_t *root, uint64_t n)
{
	for (uint64_t c = 0; c < n; c++) { /* roots are first cells, so these have got a number by then */
		uint32_t first = find_root(root, (uint32_t)c);
		root[c] = first;
		k->n_parts += first == c && is_bare(k, c);
	}
	k->part = calloc(k->n_parts + 1, sizeof *k->part);
	if (k->part == NULL)
		return false;
	uint32_t number = 0;
	for (uint64_t c = 0; c < n; c++) {
		if (!is_bare(k, c)) {
			root[c] = UINT32_MAX;
			continue;
		}
		if (root[c] == c)
			k->part[number] = (struct certpart){ .first = (uint32_t)c };
		root[c] = root[c] == c ? number++ : root[root[c]];
		struct certpart *part = &k->part[root[c]];
		part->cells++;
		part->hidden += cert_needs_tables(k, c);
	}
	return true;
}

bool certparts_find(struct certcheck *k)
{
	uint64_t n = k->report->joined ? cert_counts(k) : k->own->n_cells;
	uint32_t *root = malloc((n + 1) * sizeof *root);
	k->part_of = root;
	for (uint64_t c = 0; root != NULL && c < n; c++)
		root[c] = (uint32_t)c;
	if (root == NULL)
		return false;
	unite_relations(k, root, n);
	if (k->report->joined)
		unite_releases(k, root);
	return number_parts(k, root, n);
}

void certparts_free(struct certcheck *k)
{
	free(k->part_of);
	free(k->part);
	free(k->open);
}

static int rising(const void *x, const void *y)
{
	uint64_t a = *(const uint64_t *)x;
	uint64_t b = *(const uint64_t *)y;
	return (a > b) - (a < b);
}

/* Hidden cells of each component that no table told of, n of them. */
static uint64_t *without_tables(const struct certcheck *k, uint32_t *n, uint64_t *sum)
{
	uint64_t *without = calloc((size_t)k->n_parts + 1, sizeof *without);
	for (uint32_t i = 0; without != NULL && i < k->n_parts; i++)
		if (k->part[i].hidden > 0 && !k->part[i].told) {
			*sum += k->part[i].hidden;
			without[(*n)++] = k->part[i].hidden;
		}
	return without;
}

bool certparts_open_fit(struct certcheck *k, struct err *e)
{
	uint32_t n = 0;
	uint64_t sum = 0;
	uint64_t *without = without_tables(k, &n, &sum);
	if (without == NULL)
		return err_set(e, ERR_MEMORY, "no memory");
	bool exact = cert_knows_parts(k);
	bool ok = sum == k->report->open && (n == k->n_open || (!exact && k->n_open < n));
	if (ok && exact && n > 0) {
		qsort(without, n, sizeof *without, rising);
		qsort(k->open, n, sizeof *k->open, rising);
		for (uint32_t i = 0; ok && i < n; i++)
			ok = without[i] == k->open[i];
	}
	free(without);
	return ok || err_set(e, ERR_CRYPTO, "the hidden cells without tables are not those said to be open");
}
