/* The joint grid of all releases of a period: see ledger.h. */
#include <stdlib.h>
#include <string.h>

#include "policy/ledger.h"

/* ---- its table ---- */

static uint32_t revision_of(const struct ledger *l, uint32_t release)
{
	return release < l->n ? l->past[release].revision : l->revision;
}

static bool add_release_line(struct table_input *t, unsigned level, uint32_t revision, struct err *e)
{
	char code[TABLE_CODE_MAX + 1];
	struct buf b = { 0 };
	buf_printf(&b, "rev%u", revision);
	bool ok = !b.failed && b.size <= TABLE_CODE_MAX;
	memcpy(code, b.data, ok ? b.size : 0);
	code[ok ? b.size : 0] = '\0';
	buf_free(&b);
	return ok ? table_add_code(t, level, code, 0, UINT32_MAX, false, 0, e)
		  : err_set(e, ERR_MEMORY, "no memory for the releases");
}

static bool add_span_line(
    const struct ledger *l, struct table_input *t, unsigned level, const struct span *s, struct err *e)
{
	char code[TABLE_CODE_MAX + 1];
	struct buf b = { 0 };
	buf_printf(&b, "rev%u-rev%u", revision_of(l, s->to), revision_of(l, s->from));
	bool ok = !b.failed && b.size <= TABLE_CODE_MAX;
	memcpy(code, b.data, ok ? b.size : 0);
	code[ok ? b.size : 0] = '\0';
	buf_free(&b);
	return ok ? table_add_code(t, level, code, 0, UINT32_MAX, false, 0, e)
		  : err_set(e, ERR_MEMORY, "no memory for the releases");
}

static const struct span *span_of(const struct ledger *l, uint32_t from, uint32_t to)
{
	return &l->span[ledger_span_between(from, to)];
}

/* rev2 = rev1 + (rev2 - rev1), rev1 = rev0 + (rev1 - rev0); and rev2 = rev0 + (rev2 - rev0), which is the sum of
 * the steps. Codes come in the order that ledger_release_code() and ledger_span_code() say. */
static bool add_releases(const struct ledger *l, struct table_input *t, struct err *e)
{
	bool ok = true;
	for (uint32_t v = l->n + 1; ok && v-- > 0;)
		ok = add_release_line(t, l->n - v + 1, revision_of(l, v), e);
	for (uint32_t to = 1; ok && to <= l->n; to++) {
		unsigned level = l->n - to + 1;
		ok = add_span_line(l, t, level + 1, span_of(l, to - 1, to), e);
		for (uint32_t from = to - 1; ok && from-- > 0;) {
			ok = add_release_line(t, level, revision_of(l, to), e) && /* another grouping of it */
			     add_release_line(t, level + 1, revision_of(l, from), e) &&
			     add_span_line(l, t, level + 1, span_of(l, from, to), e);
			for (uint32_t v = from; ok && v < to; v++)
				ok = add_span_line(l, t, level + 2, span_of(l, v, v + 1), e);
		}
	}
	return ok;
}

static bool add_release_dimension(const struct ledger *l, struct table_input *t, struct err *e)
{
	const char *name = "release";
	for (size_t d = 0; d < l->t->n_dims; d++)
		if (strcmp(l->t->dim[d].name, name) == 0)
			name = "release.of.the.period";
	return table_add_dimension(t, name, 0, e) && add_releases(l, t, e);
}

static void put_values(struct ledger *l)
{
	struct table_input *t = l->joint;
	for (uint32_t v = 0; v <= l->n; v++) {
		uint64_t at = (uint64_t)ledger_release_code(l, v) * l->size;
		memcpy(t->value + at, ledger_input(l, v)->value, l->size * sizeof *t->value);
		memcpy(t->status + at, ledger_input(l, v)->status, l->size);
	}
	for (uint32_t i = 0; i < l->n_spans; i++) {
		const int64_t *from = ledger_input(l, l->span[i].from)->value;
		const int64_t *to = ledger_input(l, l->span[i].to)->value;
		uint64_t at = (uint64_t)ledger_span_code(l, i) * l->size;
		for (uint32_t c = 0; c < l->size; c++) {
			t->value[at + c] = to[c] - from[c];
			t->status[at + c] = l->span[i].open[c] != 0 ? CELL_VALUE : CELL_STRUCTURAL;
		}
	}
}

bool ledger_make_joint(struct ledger *l, struct err *e)
{
	struct table_input *t = l->joint = table_new();
	size_t dim = 0;
	if (t == NULL)
		return err_set(e, ERR_MEMORY, "no memory for the releases");
	bool ok = add_release_dimension(l, t, e);
	for (size_t d = 0; ok && d < l->t->n_dims; d++)
		ok = lift_dimension(&l->t->dim[d], t, e);
	if (!ok || !table_end_dimensions(t, &dim, e))
		return false;
	if (t->n_cells / l->size != (uint64_t)l->n + 1 + l->n_spans)
		return err_set(e, ERR_INTERNAL, "the releases' codes are not as they should be");
	t->releases = true;
	t->added_office = l->t->added_office;
	t->value = calloc(t->n_cells, sizeof *t->value);
	t->status = calloc(t->n_cells, 1);
	if (t->value == NULL || t->status == NULL)
		return err_set(e, ERR_MEMORY, "no memory for the releases");
	put_values(l);
	t->finished = true;
	return true;
}

/* ---- what each cell is ---- */

static void copy_release(const struct ledger *l, uint32_t release, const struct grid *g)
{
	const struct grid *from = &l->g[release];
	uint32_t at = ledger_release_code(l, release) * l->size;
	memcpy(g->kind + at, from->kind, l->size);
	memcpy(g->mark + at, from->mark, l->size);
	memcpy(g->blank + at, from->blank, l->size);
	memcpy(g->known + at, from->known, l->size);
	memcpy(g->price + at, from->price, l->size * sizeof *g->price);
	for (uint32_t c = 0; release < l->n && c < l->size; c++) {
		char state = l->past[release].state[c];
		if (state == '-')
			g->mark[at + c] = '-';
		if (g->kind[at + c] != KIND_OPEN && g->kind[at + c] != KIND_FORCED)
			continue;
		g->kind[at + c] = state == '-' ? KIND_FREE : KIND_OPEN;
		if (state == '-')
			continue;
		if (state == 'P')
			g->out[at + c] = GRID_OUT;
		else
			g->frozen[at + c] = 1;
	}
}

/* Not printed, of any sign; nothing where nobody changed or where neither release has anything. */
static void set_span(const struct ledger *l, uint32_t i, const struct grid *g)
{
	const struct span *s = &l->span[i];
	uint32_t at = ledger_span_code(l, i) * l->size;
	for (uint32_t c = 0; c < l->size; c++) {
		bool live = s->open[c] != 0 &&
			    (l->g[s->from].kind[c] != KIND_DEAD || l->g[s->to].kind[c] != KIND_DEAD);
		g->kind[at + c] = live ? KIND_FREE : KIND_DEAD;
		g->mark[at + c] = '-';
		g->blank[at + c] = 0;
	}
}

/* Where a difference is known to be 0, what left of one side has left of the other. */
static void spread_out(const struct ledger *l, uint32_t i, const struct grid *g)
{
	uint32_t at = ledger_span_code(l, i) * l->size;
	uint32_t a = ledger_release_code(l, l->span[i].from) * l->size;
	uint32_t b = ledger_release_code(l, l->span[i].to) * l->size;
	for (uint32_t c = 0; c < l->size; c++) {
		if (g->kind[at + c] != KIND_DEAD || g->kind[a + c] == KIND_DEAD ||
		    g->kind[b + c] == KIND_DEAD)
			continue;
		if (g->out[a + c] != GRID_UNKNOWN || g->out[b + c] != GRID_UNKNOWN)
			g->out[a + c] = g->out[b + c] = GRID_OUT;
	}
}

/* What was hidden once starts hidden, and costs nothing. */
static void freeze(const struct ledger *l, const struct grid *g)
{
	for (uint32_t c = 0; c < l->size; c++) {
		bool hidden = false;
		for (uint32_t v = 0; v < l->n; v++)
			hidden = hidden || l->past[v].state[c] == 'H';
		if (hidden && g->kind[c] == KIND_OPEN && g->out[c] == GRID_UNKNOWN &&
		    (g->value[c] > 0 || g->floor == 0))
			g->frozen[c] = 1;
	}
}

static void settle_out(const struct grid *g)
{
	for (uint32_t c = 0; c < g->n_cells; c++) {
		if (g->out[c] == GRID_UNKNOWN)
			continue;
		g->frozen[c] = 0;
		if (g->kind[c] == KIND_OPEN || g->kind[c] == KIND_FREE)
			g->kind[c] = KIND_FORCED;
	}
}

bool ledger_grid(const struct ledger *l, const struct policy_params *p, const uint8_t choice_key[32],
    struct grid *g, struct err *e)
{
	if (!grid_init(g, l->joint, p, choice_key, e))
		return false;
	g->out = calloc(g->n_cells, 1);
	if (g->out == NULL)
		return err_set(e, ERR_MEMORY, "no memory for the releases");
	g->ledger = l;
	g->n_own = l->size;
	for (uint32_t v = 0; v <= l->n; v++)
		copy_release(l, v, g);
	for (uint32_t i = 0; i < l->n_spans; i++) {
		g->deltas |= UINT64_C(1) << ledger_span_code(l, i);
		set_span(l, i, g);
	}
	for (uint32_t i = 0; i < l->n_spans; i++)
		spread_out(l, i, g);
	for (uint32_t i = l->n_spans; i-- > 0;)
		spread_out(l, i, g);
	freeze(l, g);
	settle_out(g);
	return true;
}

struct grid *ledger_own(struct ledger *l, const struct grid *joint)
{
	struct grid *own = &l->g[l->n];
	own->floor = joint->floor;
	for (uint32_t c = 0; c < l->size; c++) {
		bool hidden = grid_hidden(joint, c);
		own->primary[c] = hidden && joint->primary[c] != 0;
		own->frozen[c] = hidden ? joint->frozen[c] : 0;
		own->use[c] = hidden ? joint->use[c] : 0;
	}
	return own;
}
