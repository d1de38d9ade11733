/* What readers know to be the same in two releases of a period (ledger.h): the figures of offices that sent the same
 * where both releases asked. At codes that only one of the lists has nothing is known. */
#include <assert.h>
#include <stdlib.h>

#include "policy/ledger.h"

static bool no_memory(struct err *e)
{
	return err_set(e, ERR_MEMORY, "no memory for the earlier releases");
}

static bool is_live(const struct grid *g, uint32_t cell)
{
	return g->kind[cell] != KIND_DEAD;
}

static bool is_listed(const struct ledger *l, uint32_t release, uint32_t cell)
{
	return release == l->n || !lift_is_fresh(&l->past[release].lift, cell);
}

/* Has only one of the two lists this cell? */
static bool is_between_lists(const struct ledger *l, const struct span *s, uint32_t cell)
{
	return is_listed(l, s->from, cell) != is_listed(l, s->to, cell);
}

/* Why there is nothing (not reported, not asked, structural) is no figure. */
static bool cell_changed(const struct ledger *l, const struct span *s, uint32_t c)
{
	const struct table_input *a = ledger_input(l, s->from);
	const struct table_input *b = ledger_input(l, s->to);
	bool live = is_live(&l->g[s->to], c);
	if (a->value[c] != b->value[c] || is_live(&l->g[s->from], c) != live)
		return true;
	return live && (l->g[s->from].known[c] != l->g[s->to].known[c] ||
			   (table_is_inner(a, c) && a->status[c] != b->status[c]));
}

/* A total has parts that only one list has, and then it is not the same figure; its parts are looked at. */
static bool is_asked_alike(const struct ledger *l, uint32_t c)
{
	for (uint32_t v = 0; v < l->n; v++)
		if (l->past[v].lift.t != NULL)
			return table_is_inner(l->t, c);
	return true;
}

static void find_changed(const struct ledger *l, const struct span *s, const struct dim *d)
{
	assert(l->t != NULL);
	for (uint32_t c = 0; c < l->size; c++) {
		uint32_t office = ledger_office(l, c);
		if ((d != NULL && !dim_is_leaf(d, office)) || s->changed[office] != 0 ||
		    !is_asked_alike(l, c))
			continue;
		s->changed[office] = !is_between_lists(l, s, c) && cell_changed(l, s, c);
	}
	for (uint32_t i = 0; d != NULL && i < d->n_codes; i++)
		for (uint32_t k = 0; k < list_size(&d->atoms, i) && s->changed[i] == 0; k++)
			s->changed[i] = s->changed[list_at(&d->atoms, i)[k]];
}

/* Open inner cells make the totals above them open. */
static void carry_up(const struct ledger *l, uint8_t *open)
{
	for (size_t d = 0; d < l->t->n_dims; d++) {
		const struct dim *dim = &l->t->dim[d];
		uint64_t inner = l->t->stride[d];
		uint64_t outer = l->size / (inner * dim->n_codes);
		for (uint32_t i = 0; i < dim->n_codes; i++) /* children before parents */
			for (uint32_t k = 0; k < list_size(&dim->down, dim->order[i]); k++) {
				const struct breakdown *b = dim_down(dim, dim->order[i], k);
				for (uint64_t at = 0; at < outer * inner * b->n; at++) {
					uint8_t *base = open + at / b->n / inner * inner * dim->n_codes +
							at / b->n % inner;
					base[b->parent * inner] |=
					    base[dim->child[b->first + at % b->n] * inner];
				}
			}
	}
}

static bool add_span(struct ledger *l, uint32_t from, uint32_t to, struct err *e)
{
	const struct dim *d = l->office_dim == SIZE_MAX ? NULL : &l->t->dim[l->office_dim];
	size_t n = d == NULL ? 1 : d->n_codes;
	struct span *s = &l->span[l->n_spans++];
	*s = (struct span){ from, to, calloc(n, 1), calloc(l->size, 1) };
	if (s->changed == NULL || s->open == NULL)
		return no_memory(e);
	find_changed(l, s, d);
	for (uint32_t c = 0; c < l->size; c++) {
		if (!table_is_inner(l->t, c))
			continue;
		bool between =
		    is_between_lists(l, s, c) && (is_live(&l->g[from], c) || is_live(&l->g[to], c));
		s->open[c] = s->changed[ledger_office(l, c)] != 0 || between;
	}
	carry_up(l, s->open);
	return true;
}

bool ledger_find_spans(struct ledger *l, struct err *e)
{
	for (uint32_t to = 1; to <= l->n; to++)
		for (uint32_t from = to; from-- > 0;)
			if (!add_span(l, from, to, e))
				return false;
	return true;
}

uint32_t ledger_count_changed(const struct ledger *l, const struct span *s, uint32_t cell, uint32_t *live)
{
	const struct dim *d = &l->t->dim[l->office_dim];
	uint32_t code = ledger_office(l, cell);
	uint32_t n = 0;
	*live = list_size(&d->atoms, code);
	for (uint32_t i = 0; i < *live; i++)
		n += s->open[cell +
			     (list_at(&d->atoms, code)[i] - code) * (uint32_t)l->t->stride[l->office_dim]];
	return n;
}
