#include "policy/lift.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct lifting { /* what lift_make passes around */
	struct lift *l;
	const struct table_input *old, *now;
	uint32_t *map[TABLE_DIMS_MAX]; /* by earlier code: the later one */
	struct buf *why;
	struct err *e;
};

static bool no_memory(struct err *e)
{
	return err_set(e, ERR_MEMORY, "no memory for the earlier releases");
}

/* ---- do the lists go together? ---- */

bool lift_is_same(const struct table_input *old, const struct table_input *now)
{
	bool same = old->n_dims == now->n_dims && old->added_office == now->added_office;
	for (size_t d = 0; same && d < old->n_dims; d++)
		same = strcmp(old->dim[d].name, now->dim[d].name) == 0 &&
		       bytes_equal(buf_bytes(&old->dim[d].lines), buf_bytes(&now->dim[d].lines));
	return same;
}

static bool same_dimensions(const struct lifting *x)
{
	if (x->old->n_dims != x->now->n_dims || x->old->added_office != x->now->added_office) {
		buf_put_text(x->why, "the table has other dimensions: corrections of a period keep them");
		return false;
	}
	for (size_t d = 0; d < x->old->n_dims; d++)
		if (strcmp(x->old->dim[d].name, x->now->dim[d].name) != 0) {
			buf_printf(x->why,
			    "the table has a dimension %s in place of %s: corrections of a period keep their "
			    "dimensions, in their order",
			    x->now->dim[d].name, x->old->dim[d].name);
			return false;
		}
	return true;
}

/* Says of a code what is wrong with it, and where it stands. */
static bool wrong(const struct lifting *x, size_t d, uint32_t old, const char *what)
{
	bool column = x->now->added_office && d + 1 == x->now->n_dims;
	const char *name = x->now->dim[d].name;
	if (column)
		buf_printf(x->why, "column %s of cells.csv: %s %s", name, x->old->dim[d].code[old], what);
	else
		buf_printf(x->why, "dimension %s (hier_%s.csv): code %s %s", name, name,
		    x->old->dim[d].code[old], what);
	return false;
}

static bool find_codes(struct lifting *x, size_t d, bool *fits)
{
	const struct dim *old = &x->old->dim[d];
	x->map[d] = malloc(old->n_codes * sizeof *x->map[d]);
	x->l->born[d] = malloc(x->now->dim[d].n_codes);
	if (x->map[d] == NULL || x->l->born[d] == NULL)
		return no_memory(x->e);
	memset(x->l->born[d], 1, x->now->dim[d].n_codes);
	for (uint32_t c = 0; c < old->n_codes && *fits; c++) {
		uint32_t to = x->map[d][c] = dim_find(&x->now->dim[d], old->code[c]);
		if (to == NONE)
			*fits = wrong(x, d, c,
			    "is missing: keep what an earlier release had, as `structural`, `nr` or `na` "
			    "where "
			    "it counts nobody any more; what is printed is said in tables.csv");
		else
			x->l->born[d][to] = 0;
	}
	return true;
}

/* The same inner codes, but for new ones. */
static bool same_members(const struct lifting *x, size_t d, uint32_t c)
{
	const struct dim *old = &x->old->dim[d];
	const struct dim *now = &x->now->dim[d];
	uint32_t to = x->map[d][c];
	uint32_t kept = 0;
	for (uint32_t i = 0; i < list_size(&now->atoms, to); i++)
		kept += x->l->born[d][list_at(&now->atoms, to)[i]] == 0;
	for (uint32_t i = 0; i < list_size(&old->atoms, c); i++)
		if (!dim_is_above(now, to, x->map[d][list_at(&old->atoms, c)[i]]))
			return false;
	return kept == list_size(&old->atoms, c) && now->region[to] == x->map[d][old->region[c]];
}

/* Is there a view of this code with these children? */
static bool has_view(const struct dim *now, uint32_t code, const uint32_t *child, uint32_t n)
{
	for (uint32_t k = now->n_plain[code]; k < list_size(&now->down, code); k++) {
		const struct breakdown *b = dim_down(now, code, k);
		if (b->n == n && memcmp(now->child + b->first, child, n * sizeof *child) == 0)
			return true;
	}
	return false;
}

static bool same_views(const struct lifting *x, size_t d, uint32_t c)
{
	const struct dim *old = &x->old->dim[d];
	const struct dim *now = &x->now->dim[d];
	uint32_t to = x->map[d][c];
	if (list_size(&old->down, c) - old->n_plain[c] != list_size(&now->down, to) - now->n_plain[to])
		return false;
	for (uint32_t k = old->n_plain[c]; k < list_size(&old->down, c); k++) {
		const struct breakdown *b = dim_down(old, c, k);
		uint32_t child[2] = { NONE, NONE };
		for (uint32_t j = 0; j < b->n && j < 2; j++)
			child[j] = x->map[d][old->child[b->first + j]];
		if (b->n != 2 || !has_view(now, to, child, 2))
			return false;
	}
	return true;
}

/* What is said first is what the operator changed; groups differ in its wake. */
static bool same_meaning(const struct lifting *x, size_t d)
{
	const struct dim *old = &x->old->dim[d];
	for (uint32_t c = 0; c < old->n_codes; c++)
		if (dim_is_atom(old, c) && !dim_is_atom(&x->now->dim[d], x->map[d][c]))
			return wrong(x, d, c,
			    "was an inner code and has parts now: keep it without parts, beside the new "
			    "ones, "
			    "under a new code above them all");
	for (uint32_t c = 0; c < old->n_codes; c++)
		if (!same_views(x, d, c))
			return wrong(x, d, c,
			    "is asked other yes/no questions (views) than in the earlier release: those of a "
			    "period stay; print a new one from the next period on");
	for (uint32_t c = 0; c < old->n_codes; c++)
		if (!same_members(x, d, c))
			return wrong(x, d, c,
			    "holds other codes than in the earlier release: a code is never used again for "
			    "something else, call the new group by another name and keep the old one as it "
			    "was");
	return true;
}

static bool lists_fit(struct lifting *x, bool *fits)
{
	*fits = same_dimensions(x);
	for (size_t d = 0; *fits && d < x->old->n_dims; d++) {
		if (!find_codes(x, d, fits))
			return false;
		*fits = *fits && same_meaning(x, d);
	}
	return true;
}

/* ---- the table ---- */

bool lift_dimension(const struct dim *d, struct table_input *t, struct err *e)
{
	struct bytes in = buf_bytes(&d->lines); /* one spelling: marks, comma, code, comma, view */
	char code[TABLE_CODE_MAX + 1];
	if (!table_add_dimension(t, d->name, 0, e))
		return false;
	while (in.len > 0) {
		unsigned level = 0;
		size_t n = 0;
		for (; in.len > 0 && in.at[0] == '@'; in.at++, in.len--)
			level++;
		while (n + 1 < in.len && in.at[n + 1] != ',')
			n++;
		if (in.len < n + 4 || n > TABLE_CODE_MAX)
			return err_set(e, ERR_INTERNAL, "dimension %s: lines of another spelling", d->name);
		memcpy(code, in.at + 1, n);
		code[n] = '\0';
		if (!table_add_code(t, level, code, 0, UINT32_MAX, in.at[n + 2] == '1', 0, e))
			return false;
		in = bytes_of(in.at + n + 4, in.len - n - 4);
	}
	return true;
}

static uint64_t place_of(const struct lifting *x, uint64_t cell)
{
	uint64_t at = 0;
	for (size_t d = 0; d < x->old->n_dims; d++) {
		assert(x->map[d] != NULL); /* lists_fit made one for each */
		at += x->map[d][table_coord(x->old, cell, d)] * x->now->stride[d];
	}
	return at;
}

/* Every inner cell of the later grid: what the earlier release had there; where it had no such cell, nothing. */
static bool put_cells(const struct lifting *x)
{
	struct table_input *t = x->l->t;
	t->cell = calloc(t->n_cells, sizeof *t->cell);
	if (t->cell == NULL)
		return no_memory(x->e);
	t->room_given = (uint32_t)t->n_cells;
	for (uint64_t c = 0; c < x->old->n_cells; c++)
		if (table_is_inner(x->old, c))
			t->cell[t->n_given++] = (struct inner_cell){ .at = place_of(x, c),
				.freq = (uint64_t)x->old->value[c],
				.status = x->old->status[c] };
	for (uint64_t c = 0; c < t->n_cells; c++)
		if (table_is_inner(t, c) && lift_is_fresh(x->l, c))
			t->cell[t->n_given++] = (struct inner_cell){ .at = c, .status = CELL_STRUCTURAL };
	return true;
}

static bool put_printed(const struct lifting *x, const struct printed *p)
{
	struct table_input *t = x->l->t;
	struct printed *out = &t->printed[t->n_printed++];
	bool ok = true;
	memset(out, 0, sizeof *out);
	for (size_t d = 0; ok && d < t->n_dims; d++) {
		bool total = p == NULL && x->old->added_office && d + 1 == t->n_dims;
		out->set[d] = calloc(t->dim[d].n_codes, 1);
		ok = out->set[d] != NULL || no_memory(x->e);
		assert(x->map[d] != NULL);
		for (uint32_t c = 0; ok && c < x->old->dim[d].n_codes; c++)
			out->set[d][x->map[d][c]] = p != NULL ? p->set[d][c] : !total || c == 0;
	}
	return ok;
}

static bool put_tables(const struct lifting *x)
{
	struct table_input *t = x->l->t;
	size_t n = x->old->n_printed == 0 ? 1 : x->old->n_printed;
	bool ok = true;
	t->printed = calloc(n, sizeof *t->printed);
	t->room_printed = (uint32_t)n;
	if (t->printed == NULL)
		return no_memory(x->e);
	for (size_t i = 0; ok && i < n; i++)
		ok = put_printed(x, x->old->n_printed == 0 ? NULL : &x->old->printed[i]);
	return ok;
}

/* Those that speak of what is printed: what must be, and what is nought by definition, has left or stands in the cells. */
static bool put_patterns(const struct lifting *x)
{
	struct table_input *t = x->l->t;
	t->pattern = calloc(x->old->n_patterns + 1, sizeof *t->pattern);
	if (t->pattern == NULL)
		return no_memory(x->e);
	t->room_patterns = (uint32_t)x->old->n_patterns + 1;
	for (size_t i = 0; i < x->old->n_patterns; i++) {
		const struct pattern *p = &x->old->pattern[i];
		if (p->kind != PATTERN_COVERED && p->kind != PATTERN_ABSENT)
			continue;
		struct pattern *out = &t->pattern[t->n_patterns++];
		out->kind = p->kind;
		for (size_t d = 0; d < TABLE_DIMS_MAX; d++)
			out->code[d] = d >= t->n_dims || p->code[d] == NONE ? NONE : x->map[d][p->code[d]];
	}
	return true;
}

static bool put_derived(const struct lifting *x)
{
	struct table_input *t = x->l->t;
	t->derived = calloc(x->old->n_derived + 1, sizeof *t->derived);
	if (t->derived == NULL)
		return no_memory(x->e);
	t->room_derived = (uint32_t)x->old->n_derived + 1;
	for (size_t i = 0; i < x->old->n_derived; i++) {
		struct derived_figure *f = &t->derived[t->n_derived++];
		*f = x->old->derived[i];
		f->numerator = place_of(x, f->numerator);
		if (f->denominator != UINT64_MAX)
			f->denominator = place_of(x, f->denominator);
	}
	return true;
}

static bool make_table(const struct lifting *x)
{
	struct lift *l = x->l;
	size_t dim = 0;
	bool ok = true;
	l->size = (uint32_t)x->old->n_cells;
	l->t = table_new();
	l->place = malloc(l->size * sizeof *l->place);
	if (l->t == NULL || l->place == NULL)
		return no_memory(x->e);
	for (uint32_t c = 0; c < l->size; c++)
		l->place[c] = (uint32_t)place_of(x, c);
	for (size_t d = 0; ok && d < x->now->n_dims; d++)
		ok = lift_dimension(&x->now->dim[d], l->t, x->e);
	ok = ok && table_end_dimensions(l->t, &dim, x->e) && put_cells(x) && put_tables(x) &&
	     put_patterns(x) && put_derived(x) && table_finish(l->t, x->e);
	l->t->added_office = x->now->added_office;
	return ok;
}

bool lift_is_fresh(const struct lift *l, uint64_t cell)
{
	for (size_t d = 0; l->t != NULL && d < l->t->n_dims; d++)
		if (l->born[d][table_coord(l->t, cell, d)] != 0)
			return true;
	return false;
}

bool lift_make(struct lift *l, const struct table_input *old, const struct table_input *now, bool *fits,
    struct buf *why, struct err *e)
{
	struct lifting x = { .l = l, .old = old, .now = now, .why = why, .e = e };
	*l = (struct lift){ 0 };
	bool ok = lists_fit(&x, fits) && (!*fits || make_table(&x));
	for (size_t d = 0; d < TABLE_DIMS_MAX; d++)
		free(x.map[d]);
	return ok;
}

void lift_free(struct lift *l)
{
	table_free(l->t);
	free(l->place);
	for (size_t d = 0; d < TABLE_DIMS_MAX; d++)
		free(l->born[d]);
	*l = (struct lift){ 0 };
}
