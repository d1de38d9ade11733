/* The files of a table folder, rendered from the input: one spelling for each table. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/input.h"

struct emitter {
	const struct table_input *t;
	table_file_emit *emit;
	void *context;
};

static bool emit(const struct emitter *m, const char *name, struct buf *b)
{
	bool ok = !b->failed && m->emit(m->context, name, buf_bytes(b));
	buf_free(b);
	return ok;
}

static void put_header(const struct table_input *t, struct buf *b)
{
	for (size_t d = 0; d < t->n_dims; d++)
		buf_printf(b, "%s%s", d == 0 ? "" : ",", t->dim[d].name);
}

static bool emit_patterns(const struct emitter *m, enum pattern_kind kind, const char *name)
{
	const struct table_input *t = m->t;
	struct buf b = { 0 };
	for (size_t i = 0; i < t->n_patterns; i++) {
		if (t->pattern[i].kind != kind)
			continue;
		if (b.size == 0) {
			put_header(t, &b);
			buf_put_byte(&b, '\n');
		}
		for (size_t d = 0; d < t->n_dims; d++) {
			uint32_t code = t->pattern[i].code[d];
			buf_printf(&b, "%s%s", d == 0 ? "" : ",", code == NONE ? "*" : t->dim[d].code[code]);
		}
		buf_put_byte(&b, '\n');
	}
	return b.size == 0 || emit(m, name, &b);
}

static bool emit_tables(const struct emitter *m)
{
	const struct table_input *t = m->t;
	struct buf b = { 0 };
	if (t->n_printed == 0)
		return true;
	buf_put_text(&b, "table,dim,codes\n");
	for (size_t i = 0; i < t->n_printed; i++)
		for (size_t d = 0; d < t->n_dims; d++) {
			const char *between = "";
			buf_printf(&b, "%s,%s,", t->printed[i].id, t->dim[d].name);
			for (uint32_t c = 0; c < t->dim[d].n_codes; c++)
				if (t->printed[i].set[d][c] != 0) {
					buf_printf(&b, "%s%s", between, t->dim[d].code[c]);
					between = "|";
				}
			buf_put_byte(&b, '\n');
		}
	return emit(m, "tables.csv", &b);
}

static bool emit_derived(const struct emitter *m)
{
	const struct table_input *t = m->t;
	struct buf b = { 0 };
	if (t->n_derived == 0)
		return true;
	buf_put_text(&b, "id,numerator,denominator,factor,digits\n");
	for (size_t i = 0; i < t->n_derived; i++) {
		const struct derived_figure *f = &t->derived[i];
		buf_printf(&b, "%s,", f->id);
		table_put_cell(t, f->numerator, '|', &b);
		buf_put_byte(&b, ',');
		if (f->denominator == UINT64_MAX)
			buf_printf(&b, "%" PRIu64, f->constant);
		else
			table_put_cell(t, f->denominator, '|', &b);
		buf_printf(&b, ",%u,%u\n", f->factor, f->digits);
	}
	return emit(m, "derived.csv", &b);
}

/* Inner cells in order of arrival; an added office dimension is written as the column it came from. */
static bool emit_cells(const struct emitter *m)
{
	static const char *const status[] = { "", "nr", "na", "structural", "blank" };
	const struct table_input *t = m->t;
	size_t n_dims = t->n_dims - (t->added_office ? 1 : 0);
	struct buf b = { 0 };
	put_header(t, &b);
	buf_put_text(&b, ",freq,status\n");
	for (size_t i = 0; i < t->n_given; i++) {
		const struct inner_cell *c = &t->cell[i];
		uint64_t at = c->at;
		uint32_t code[TABLE_DIMS_MAX];
		for (size_t d = n_dims; d-- > 0;) {
			code[d] = (uint32_t)(at % t->dim[d].n_codes);
			at /= t->dim[d].n_codes;
		}
		for (size_t d = 0; d < n_dims; d++)
			buf_printf(&b, "%s%s", d == 0 ? "" : ",", t->dim[d].code[code[d]]);
		if (t->added_office)
			buf_printf(&b, ",%s", t->offices.code[c->office]);
		buf_printf(&b, ",%" PRIu64 ",%s\n", c->freq, status[c->status]);
	}
	return emit(m, "cells.csv", &b);
}

static int by_name(const void *a, const void *b)
{
	const struct dim *x = *(const struct dim *const *)a;
	const struct dim *y = *(const struct dim *const *)b;
	return strcmp(x->name, y->name);
}

/* The hierarchy lines "@@,code,0": the last column only where some breakdown is a view. */
static void put_lines(const struct dim *dim, struct buf *b)
{
	bool views = false;
	for (uint32_t i = 0; i < dim->n_breakdowns; i++)
		views = views || dim->breakdown[i].view;
	b->failed = dim->lines.failed;
	buf_put_text(b, views ? "level,code,view\n" : "level,code\n");
	const uint8_t *at = dim->lines.data;
	const uint8_t *end = at + dim->lines.size;
	while (at < end) {
		const uint8_t *feed = memchr(at, '\n', (size_t)(end - at));
		buf_put(b, at, (size_t)(feed - at) - (views ? 0 : 2));
		buf_put_byte(b, '\n');
		at = feed + 1;
	}
}

static bool emit_dimensions(const struct emitter *m)
{
	const struct dim *dim[TABLE_DIMS_MAX] = { 0 };
	char name[TABLE_CODE_MAX + 16];
	size_t n = m->t->n_dims - (m->t->added_office ? 1 : 0);
	for (size_t d = 0; d < n; d++)
		dim[d] = &m->t->dim[d];
	qsort(dim, n, sizeof(const struct dim *), by_name);
	for (size_t d = 0; d < n; d++) {
		struct buf b = { 0 };
		snprintf(name, sizeof name, "hier_%s.csv", dim[d]->name);
		put_lines(dim[d], &b);
		if (!emit(m, name, &b))
			return false;
	}
	return true;
}

bool table_files(const struct table_input *t, bool counts, table_file_emit *to, void *context)
{
	struct emitter m = { t, to, context };
	return emit_patterns(&m, PATTERN_ABSENT, "absent.csv") && (!counts || emit_cells(&m)) &&
	       emit_patterns(&m, PATTERN_COVERED, "covered.csv") && emit_derived(&m) &&
	       emit_patterns(&m, PATTERN_FORCED, "forced.csv") && emit_dimensions(&m) &&
	       emit_patterns(&m, PATTERN_STRUCTURAL, "structural.csv") && emit_tables(&m);
}
