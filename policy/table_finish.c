/* table_finish: where each inner cell stands, and every total. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/input.h"

static bool no_memory(struct err *e)
{
	return err_set(e, ERR_MEMORY, "no memory for the table");
}

static bool at_line(unsigned line, struct err *e)
{
	return line == 0 ? false : err_wrap(e, "line %u", line);
}

static int by_text(const void *a, const void *b)
{
	const char *x = NULL;
	const char *y = NULL;
	memcpy(&x, a, sizeof x);
	memcpy(&y, b, sizeof y);
	return strcmp(x, y);
}

/* The column `office` becomes a flat last dimension, its codes in byte order so that the order of lines is
 * nothing. */
static bool add_office_dimension(struct table_input *t, struct err *e)
{
	uint32_t n = t->offices.n_codes - 1;
	struct dim *d = &t->dim[t->n_dims];
	const char **name = malloc(((size_t)n + 1) * sizeof *name);
	bool ok = false;
	if (name == NULL)
		return no_memory(e);
	for (uint32_t i = 0; i < n; i++)
		name[i] = t->offices.code[i + 1];
	qsort(name, n, sizeof *name, by_text);
	t->n_dims++;
	if (!dim_init(d, "office", e) || !dim_add_line(d, 1, "_T", false, 0, e))
		goto done;
	for (uint32_t i = 0; i < n; i++)
		if (!dim_add_line(d, 2, name[i], false, 0, e))
			goto done;
	if (!dim_finish(d, e))
		goto done;
	t->added_office = true;
	for (size_t i = 0; i < t->n_dims; i++)
		t->stride[i] = i + 1 < t->n_dims ? t->stride[i] * d->n_codes : 1;
	t->n_cells *= d->n_codes;
	for (size_t i = 0; i < t->n_given; i++)
		t->cell[i].at = t->cell[i].at * d->n_codes + dim_find(d, t->offices.code[t->cell[i].office]);
	for (size_t i = 0; i < t->n_derived; i++) {
		t->derived[i].numerator *= d->n_codes;
		if (t->derived[i].denominator != UINT64_MAX)
			t->derived[i].denominator *= d->n_codes;
	}
	ok = t->n_cells <= TABLE_CELLS_MAX ||
	     err_set(e, ERR_LIMIT, "the table has more than %u cells", TABLE_CELLS_MAX);
done:
	free(name);
	return ok;
}

static bool place_cells(struct table_input *t, struct err *e)
{
	uint8_t *given = calloc(t->n_cells, 1);
	bool ok = given != NULL || no_memory(e);
	for (size_t i = 0; ok && i < t->n_given; i++) {
		const struct inner_cell *c = &t->cell[i];
		if (given[c->at]) {
			err_set(e, ERR_INVALID, "this cell was given before");
			ok = at_line(c->line, e);
			t->fault = TABLE_CELLS;
		}
		given[c->at] = 1;
		t->value[c->at] = (int64_t)c->freq;
		t->status[c->at] = c->status;
	}
	free(given);
	return ok;
}

/* The leaves below code, views' included; every leaf for NONE. At least one. */
static uint32_t *leaves_below(const struct dim *d, uint32_t code, uint32_t *n)
{
	uint32_t *leaf = calloc((size_t)d->n_codes + 1, sizeof *leaf);
	uint8_t *mark = calloc((size_t)d->n_codes + 1, 1);
	*n = 0;
	if (leaf == NULL || mark == NULL) {
		free(leaf);
		free(mark);
		return NULL;
	}
	if (code == NONE)
		memset(mark, 1, d->n_codes);
	else
		mark[code] = 1;
	for (uint32_t i = d->n_codes; i-- > 0;) { /* parents before children */
		uint32_t c = d->order[i];
		for (uint32_t k = 0; mark[c] != 0 && k < list_size(&d->down, c); k++) {
			const struct breakdown *b = dim_down(d, c, k);
			for (uint32_t j = 0; j < b->n; j++)
				mark[d->child[b->first + j]] = 1;
		}
	}
	for (uint32_t c = 0; c < d->n_codes; c++)
		if (mark[c] != 0 && dim_is_leaf(d, c))
			leaf[(*n)++] = c;
	free(mark);
	return leaf;
}

static bool declare_structural(struct table_input *t, uint64_t cell, unsigned line, struct err *e)
{
	if (t->value[cell] != 0) {
		err_set(e, ERR_INVALID, "a cell declared structural holds a count");
		return at_line(line, e);
	}
	if (t->status[cell] == CELL_VALUE)
		t->status[cell] = CELL_STRUCTURAL;
	return true;
}

/* A pattern that names a total means every inner cell below it. */
static bool place_pattern(struct table_input *t, const struct pattern *p, struct err *e)
{
	uint32_t *leaf[TABLE_DIMS_MAX] = { NULL };
	uint32_t n[TABLE_DIMS_MAX] = { 0 };
	uint32_t at[TABLE_DIMS_MAX] = { 0 };
	bool ok = true;
	for (size_t d = 0; ok && d < t->n_dims; d++) {
		leaf[d] = leaves_below(&t->dim[d], p->code[d], &n[d]);
		ok = leaf[d] != NULL || no_memory(e);
	}
	for (bool more = ok; more && ok;) {
		uint64_t cell = 0;
		for (size_t d = 0; d < t->n_dims; d++)
			cell += leaf[d][at[d]] * t->stride[d];
		ok = declare_structural(t, cell, p->line, e);
		size_t d = t->n_dims;
		while (d-- > 0 && ++at[d] == n[d])
			at[d] = 0;
		more = d != SIZE_MAX;
	}
	for (size_t d = 0; d < TABLE_DIMS_MAX; d++)
		free(leaf[d]);
	return ok;
}

static bool place_structural(struct table_input *t, struct err *e)
{
	for (size_t i = 0; i < t->n_patterns; i++)
		if (t->pattern[i].kind == PATTERN_STRUCTURAL && !place_pattern(t, &t->pattern[i], e))
			return false;
	return true;
}

static int by_id(const void *a, const void *b)
{
	const struct derived_figure *x = a;
	const struct derived_figure *y = b;
	int order = strcmp(x->id, y->id);
	return order != 0 ? order : (x->line > y->line) - (x->line < y->line);
}

static bool check_derived(const struct table_input *t, struct err *e)
{
	struct derived_figure *sorted = calloc(t->n_derived + 1, sizeof *sorted);
	bool ok = sorted != NULL || no_memory(e);
	if (ok && t->n_derived > 0) {
		memcpy(sorted, t->derived, t->n_derived * sizeof *sorted);
		qsort(sorted, t->n_derived, sizeof *sorted, by_id);
	}
	for (size_t i = 1; ok && i < t->n_derived; i++)
		if (strcmp(sorted[i - 1].id, sorted[i].id) == 0) {
			err_set(e, ERR_INVALID, "derived figure %s stands twice", sorted[i].id);
			ok = at_line(sorted[i].line, e);
		}
	free(sorted);
	return ok;
}

/* The children's sum in one line of the grid; -1 if it is too large. */
static int64_t sum_children(
    const struct dim *d, const struct breakdown *b, const int64_t *base, uint64_t inner)
{
	int64_t sum = 0;
	for (uint32_t j = 0; j < b->n; j++) {
		sum += base[d->child[b->first + j] * inner];
		if (sum > (int64_t)LIMIT_HASH_TOTAL)
			return -1;
	}
	return sum;
}

/* Says of which cell, by its codes; never a count. */
static bool bad_sum(const struct table_input *t, uint64_t cell, const char *what, struct err *e)
{
	struct buf name = { 0 };
	table_put_cell(t, cell, '|', &name);
	buf_put_byte(&name, 0);
	err_set(e, ERR_INVALID, "%s: %.300s", what, name.failed ? "" : (const char *)name.data);
	buf_free(&name);
	return false;
}

/* Adds up along one dimension: every total code gets the sum of its first breakdown (or view). */
static bool sum_dimension(struct table_input *t, size_t d, struct err *e)
{
	const struct dim *dim = &t->dim[d];
	uint64_t inner = t->stride[d];
	uint64_t outer = t->n_cells / (inner * dim->n_codes);
	for (uint32_t i = 0; i < dim->n_codes; i++) {
		uint32_t c = dim->order[i];
		if (dim_is_leaf(dim, c))
			continue;
		const struct breakdown *b = dim_down(dim, c, 0);
		for (uint64_t o = 0; o < outer; o++)
			for (uint64_t n = 0; n < inner; n++) {
				int64_t *base = t->value + o * inner * dim->n_codes + n;
				int64_t sum = sum_children(dim, b, base, inner);
				if (sum < 0)
					return bad_sum(t, (o * dim->n_codes + c) * inner + n,
					    "a sum of the table is too large", e);
				base[c * inner] = sum;
			}
	}
	return true;
}

static bool unlike(const struct table_input *t, const struct dim *dim, const struct breakdown *b,
    uint64_t cell, struct err *e)
{
	char what[2 * TABLE_CODE_MAX + 80];
	snprintf(what, sizeof what, "dimension %s: the breakdowns or views of %s do not add up alike",
	    dim->name, dim->code[b->parent]);
	return bad_sum(t, cell, what, e);
}

/* Further groupings and views of a code must give the same sum. */
static bool check_dimension(const struct table_input *t, size_t d, struct err *e)
{
	const struct dim *dim = &t->dim[d];
	uint64_t inner = t->stride[d];
	uint64_t outer = t->n_cells / (inner * dim->n_codes);
	for (uint32_t i = 0; i < dim->n_breakdowns; i++) {
		const struct breakdown *b = &dim->breakdown[i];
		for (uint64_t o = outer; o-- > 0;) /* inner cells first: they say more than totals */
			for (uint64_t n = inner; n-- > 0;) {
				const int64_t *base = t->value + o * inner * dim->n_codes + n;
				if (sum_children(dim, b, base, inner) != base[b->parent * inner])
					return unlike(
					    t, dim, b, (o * dim->n_codes + b->parent) * inner + n, e);
			}
	}
	return true;
}

bool table_finish(struct table_input *t, struct err *e)
{
	if (t->finished)
		return err_set(e, ERR_INVALID, "the table is finished");
	size_t dim;
	if (!table_end_dimensions(t, &dim, e) || (t->office_column && !add_office_dimension(t, e)))
		return false;
	for (size_t i = 0; t->added_office && i < t->n_printed; i++) {
		t->printed[i].set[t->n_dims - 1] = calloc(t->dim[t->n_dims - 1].n_codes, 1);
		if (t->printed[i].set[t->n_dims - 1] == NULL)
			return no_memory(e);
		t->printed[i].set[t->n_dims - 1][0] = 1;
	}
	t->value = calloc(t->n_cells, sizeof *t->value);
	t->status = calloc(t->n_cells, 1);
	if (t->value == NULL || t->status == NULL)
		return no_memory(e);
	if (!place_cells(t, e))
		return false;
	t->fault = TABLE_STRUCTURAL;
	if (!place_structural(t, e))
		return false;
	t->fault = TABLE_DERIVED;
	if (!check_derived(t, e))
		return false;
	t->fault = TABLE_CELLS; /* sums */
	for (size_t d = 0; d < t->n_dims; d++)
		if (!sum_dimension(t, d, e))
			return false;
	for (size_t d = 0; d < t->n_dims; d++)
		if (!check_dimension(t, d, e))
			return false;
	t->finished = true;
	return true;
}
