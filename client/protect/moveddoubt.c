#include "client/protect/moveddoubt.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#define POOL_MAX 8u

struct table {
	int64_t led;
	size_t touched; /* where its codes begin */
};

struct moveddoubt {
	const struct lattice *g;
	const struct policy_params *p;
	const struct certificate_report *claims;
	uint32_t office_dim, n_codes;
	uint32_t pool;  /* offices that may pool; 0: none is an attacker */
	bool *under;    /* by code and office: the office is below the code, or is it */
	uint32_t *leaf; /* the offices */
	uint32_t n_leaves;
	uint64_t *cell; /* of the count at hand: the first less the others */
	uint32_t n_cells, room_cells;
	int64_t value, *own; /* own by code; -1: nothing can be there */
	struct table *table;
	size_t n_tables, room_tables;
	uint8_t *touched;
	size_t n_touched, room_touched;
	uint8_t *seen; /* by cell: a count with tables */
	uint32_t who[POOL_MAX];
	uint32_t n_who;
};

static bool no_memory(struct err *e)
{
	return err_set(e, ERR_MEMORY, "no memory");
}

static bool make_room(void **array, size_t size, size_t wanted, size_t *room)
{
	if (wanted <= *room)
		return true;
	void *memory = realloc(*array, 2 * wanted * size);
	if (memory == NULL)
		return false;
	*array = memory;
	*room = 2 * wanted;
	return true;
}

/* ---- the count at hand ---- */

/* The cell's part at an office; UINT64_MAX: none. */
static uint64_t part_of(const struct moveddoubt *d, uint64_t cell, uint32_t office)
{
	uint64_t stride = d->g->stride[d->office_dim];
	uint32_t code = lattice_place(d->g, cell, d->office_dim);
	if (!d->under[(size_t)code * d->n_codes + office])
		return UINT64_MAX;
	return cell - code * stride + office * stride;
}

static void look_at(struct moveddoubt *d, const uint64_t *cell, uint32_t n)
{
	d->value = d->g->truth[cell[0]];
	for (uint32_t i = 1; i < n; i++)
		d->value -= d->g->truth[cell[i]];
	for (uint32_t o = 0; o < d->n_leaves; o++) {
		uint32_t office = d->leaf[o];
		uint64_t part = part_of(d, cell[0], office);
		d->own[office] = part != UINT64_MAX && d->g->live[part] != 0 ? d->g->truth[part] : -1;
		for (uint32_t i = 1; d->own[office] >= 0 && i < n; i++) {
			part = part_of(d, cell[i], office);
			d->own[office] -= part == UINT64_MAX ? 0 : d->g->truth[part];
		}
	}
}

static bool is_among(const struct moveddoubt *d, uint32_t office)
{
	for (uint32_t i = 0; i < d->n_who; i++)
		if (d->who[i] == office)
			return true;
	return false;
}

/* Must those who pool be left in doubt? named: the file has tables of the count, so somebody must be. */
static bool matters(const struct moveddoubt *d, bool named)
{
	int64_t k = d->p->threshold;
	int64_t rest = d->value;
	bool others = d->n_leaves == 0 || d->n_who == 0;
	for (uint32_t i = 0; i < d->n_leaves; i++) {
		bool among = is_among(d, d->leaf[i]);
		rest -= among && d->own[d->leaf[i]] > 0 ? d->own[d->leaf[i]] : 0;
		others = others || (!among && d->own[d->leaf[i]] >= 0);
	}
	if (!others || rest >= k)
		return false;
	if (d->n_who > 0 && d->value > 0 && rest == 0)
		return d->p->residual == RESIDUAL_ZEROS;
	if (d->n_who > 0 && d->p->residual == RESIDUAL_NO && d->value >= k)
		return false;
	return rest > 0 || d->p->zeros == ZEROS_SENSITIVE || (named && d->value == 0);
}

/* ---- its tables ---- */

static bool leaves_alone(const struct moveddoubt *d, const struct table *t)
{
	for (uint32_t i = 0; i < d->n_who; i++)
		if (d->touched[t->touched + d->who[i]] != 0)
			return false;
	return true;
}

static bool in_doubt(const struct moveddoubt *d)
{
	int64_t low = 0;
	int64_t high = 0;
	for (size_t i = 0; i < d->n_tables; i++) {
		const struct table *t = &d->table[i];
		if (!leaves_alone(d, t))
			continue;
		low = t->led < low ? t->led : low;
		high = t->led > high ? t->led : high;
	}
	return high - low >= (int64_t)d->claims->width;
}

static bool fails(const struct moveddoubt *d, uint64_t cell, struct err *e)
{
	struct buf text = { 0 };
	lattice_name(d->g, cell, &text);
	buf_put_text(&text, d->n_who == 0 ? ": too little doubt is left for the public"
					  : ": too little doubt is left for office ");
	for (uint32_t i = 0; i < d->n_who; i++)
		buf_printf(&text, "%s%s", i == 0 ? "" : "+", d->g->dim[d->office_dim].code[d->who[i]]);
	err_set(e, ERR_CRYPTO, "cell %.*s", (int)text.size, (const char *)text.data);
	buf_free(&text);
	return false;
}

/* Who owns nothing of it and is touched by no table learns no more than those he pools with. */
static bool can_learn(const struct moveddoubt *d, uint32_t office)
{
	if (d->own[office] > 0)
		return true;
	for (size_t i = 0; i < d->n_tables; i++)
		if (d->touched[d->table[i].touched + office] != 0)
			return true;
	return false;
}

/* Those who pool, and all larger pools of offices from place `from` on. */
static bool holds(struct moveddoubt *d, uint32_t from, struct err *e)
{
	if (matters(d, true) && !in_doubt(d))
		return fails(d, d->cell[0], e);
	bool ok = true;
	for (uint32_t i = from; ok && d->n_who < d->pool && i < d->n_leaves; i++) {
		if (!can_learn(d, d->leaf[i]))
			continue;
		d->who[d->n_who++] = d->leaf[i];
		ok = holds(d, i + 1, e);
		d->n_who--;
	}
	return ok;
}

bool moveddoubt_count_ends(struct moveddoubt *d, struct err *e)
{
	if (d->n_cells == 0)
		return true;
	look_at(d, d->cell, d->n_cells);
	bool ok = holds(d, 0, e);
	d->n_who = 0;
	if (d->n_cells == 1)
		d->seen[d->cell[0]] = 1;
	d->n_cells = 0;
	d->n_tables = 0;
	d->n_touched = 0;
	return ok;
}

bool moveddoubt_table(struct moveddoubt *d, const uint64_t *cell, uint32_t n_cells, int64_t led,
    const uint8_t *touched, struct err *e)
{
	bool same = n_cells == d->n_cells && memcmp(cell, d->cell, n_cells * sizeof *cell) == 0;
	size_t room = d->room_cells;
	if (!same && !moveddoubt_count_ends(d, e))
		return false;
	if (!make_room((void **)&d->cell, sizeof *d->cell, n_cells, &room) ||
	    !make_room((void **)&d->table, sizeof *d->table, d->n_tables + 1, &d->room_tables) ||
	    !make_room((void **)&d->touched, 1, d->n_touched + d->n_codes + 1, &d->room_touched))
		return no_memory(e);
	d->room_cells = (uint32_t)room;
	memcpy(d->cell, cell, n_cells * sizeof *cell);
	d->n_cells = n_cells;
	d->table[d->n_tables++] = (struct table){ led, d->n_touched };
	if (touched != NULL)
		memcpy(d->touched + d->n_touched, touched, d->n_codes);
	d->n_touched += d->n_codes;
	return true;
}

/* ---- counts without tables ---- */

/* Does some pool have to be left in doubt of a cell that the file says nothing about? */
static bool somebody_matters(struct moveddoubt *d, uint32_t from)
{
	if (matters(d, false))
		return true;
	bool found = false;
	for (uint32_t i = from; !found && d->n_who < d->pool && i < d->n_leaves; i++) {
		if (d->own[d->leaf[i]] <= 0)
			continue;
		d->who[d->n_who++] = d->leaf[i];
		found = somebody_matters(d, i + 1);
		if (!found)
			d->n_who--;
	}
	return found;
}

bool moveddoubt_complete(struct moveddoubt *d, struct err *e)
{
	if (!moveddoubt_count_ends(d, e))
		return false;
	for (uint64_t c = 0; c < d->g->n_cells; c++) {
		if (d->g->live[c] == 0 || d->seen[c] != 0)
			continue;
		look_at(d, &c, 1);
		if (somebody_matters(d, 0))
			return fails(d, c, e);
	}
	return true;
}

/* ---- the whole ---- */

static bool offices_find(struct moveddoubt *d)
{
	if (d->office_dim == UINT32_MAX)
		return true;
	const struct latticedim *dim = &d->g->dim[d->office_dim];
	d->n_codes = dim->n_codes;
	d->under = calloc((size_t)dim->n_codes * dim->n_codes, sizeof *d->under);
	d->leaf = calloc(dim->n_codes, sizeof *d->leaf);
	d->own = calloc(dim->n_codes, sizeof *d->own);
	if (d->under == NULL || d->leaf == NULL || d->own == NULL)
		return false;
	for (uint32_t i = 0; i < dim->n_codes; i++) {
		lattice_leaves(dim, i, d->under + (size_t)i * dim->n_codes);
		if (lattice_is_leaf(dim, i))
			d->leaf[d->n_leaves++] = i;
	}
	return true;
}

struct moveddoubt *moveddoubt_new(const struct lattice *g, const struct policy_params *p,
    const struct certificate_report *claims, uint32_t office_dim)
{
	struct moveddoubt *d = calloc(1, sizeof *d);
	if (d == NULL)
		return NULL;
	d->g = g;
	d->p = p;
	d->claims = claims;
	d->office_dim = p->offices ? office_dim : UINT32_MAX;
	d->seen = calloc(g->n_cells + 1, 1);
	if (d->seen == NULL || !offices_find(d)) {
		moveddoubt_free(d);
		return NULL;
	}
	d->pool = claims->level[1] >= '3' && d->office_dim != UINT32_MAX ? p->coalition : 0;
	d->pool = d->pool < POOL_MAX ? d->pool : POOL_MAX;
	return d;
}

void moveddoubt_free(struct moveddoubt *d)
{
	if (d == NULL)
		return;
	if (d->own != NULL)
		sodium_memzero(d->own, d->n_codes * sizeof *d->own);
	if (d->table != NULL)
		sodium_memzero(d->table, d->room_tables * sizeof *d->table);
	free(d->under);
	free(d->leaf);
	free(d->own);
	free(d->cell);
	free(d->table);
	free(d->touched);
	free(d->seen);
	free(d);
}
