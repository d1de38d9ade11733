#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "policy/array.h"
#include "policy/search_part.h"

#define LENIENT_BUDGET 1000u
#define LENIENT_MOST   4.5f

static bool no_memory(struct err *e)
{
	return err_set(e, ERR_MEMORY, "no memory for the search");
}

static bool is_tree(const struct dim *d)
{
	for (uint32_t c = 0; c < d->n_codes; c++)
		if (list_size(&d->up, c) > 1 || d->n_plain[c] > 1)
			return false;
	return true;
}

static bool init_dimension(struct search *s, size_t d)
{
	uint32_t n = s->g->t->dim[d].n_codes;
	s->stamp[d] = calloc(n, sizeof *s->stamp[d]);
	s->stamp_minus[d] = calloc(n, sizeof *s->stamp_minus[d]);
	s->option[d] = calloc(OPTIONS_MAX, sizeof *s->option[d]);
	s->memo[d] = calloc(n, sizeof *s->memo[d]);
	s->weight[d] = calloc(n, 2 * sizeof *s->weight[d]);
	s->is_tree[d] = is_tree(&s->g->t->dim[d]);
	for (uint32_t i = 0; i < s->g->t->dim[d].n_breakdowns; i++)
		s->has_views[d] = s->has_views[d] || s->g->t->dim[d].breakdown[i].view;
	if (s->stamp[d] == NULL || s->stamp_minus[d] == NULL || s->option[d] == NULL || s->memo[d] == NULL ||
	    s->weight[d] == NULL)
		return false;
	for (uint32_t i = 0; i < OPTIONS_MAX; i++) {
		s->option[d][i].code = malloc(OPTION_CODES_MAX * sizeof(uint32_t));
		s->option[d][i].sign = malloc(OPTION_CODES_MAX);
		if (s->option[d][i].code == NULL || s->option[d][i].sign == NULL)
			return false;
	}
	return true;
}

bool search_init(struct search *s, const struct grid *g, struct err *e)
{
	memset(s, 0, sizeof *s);
	s->g = g;
	s->most = NEVER;
	s->look = g->look;
	s->room = calloc(g->n_cells, sizeof *s->room);
	s->avoid = calloc(g->office_dim == SIZE_MAX ? 1 : g->t->dim[g->office_dim].n_codes, 1);
	s->used = calloc(g->office_dim == SIZE_MAX ? 1 : g->t->dim[g->office_dim].n_codes, 1);
	s->term = malloc(TERMS_MAX * sizeof *s->term);
	s->aside = malloc(TERMS_MAX * sizeof *s->aside);
	s->chain = malloc(CHAIN_MAX * sizeof *s->chain);
	s->scratch_code = malloc(OPTION_CODES_MAX * sizeof *s->scratch_code);
	s->scratch_sign = malloc(OPTION_CODES_MAX);
	bool ok = s->room != NULL && s->avoid != NULL && s->used != NULL && s->term != NULL &&
		  s->aside != NULL && s->chain != NULL && s->scratch_code != NULL && s->scratch_sign != NULL;
	for (size_t d = 0; ok && d <= g->t->n_dims; d++) {
		s->level[d] = malloc(TERMS_MAX * sizeof *s->level[d]);
		ok = s->level[d] != NULL && (d == g->t->n_dims || init_dimension(s, d));
	}
	for (uint32_t c = 0; ok && c < g->n_cells; c++)
		search_set_room(s, c, g->value[c] - grid_floor(g, c));
	return ok || no_memory(e);
}

void search_free(struct search *s)
{
	if (s->room != NULL)
		sodium_memzero(s->room, s->g->n_cells * sizeof *s->room);
	free(s->room);
	free(s->touched);
	free(s->avoid);
	free(s->used);
	free(s->term);
	free(s->aside);
	free(s->chain);
	free(s->kept);
	free(s->scratch_code);
	free(s->scratch_sign);
	for (size_t d = 0; d < TABLE_DIMS_MAX; d++) {
		free(s->stamp[d]);
		free(s->memo[d]);
		free(s->weight[d]);
		free(s->stamp_minus[d]);
		for (uint32_t i = 0; s->option[d] != NULL && i < OPTIONS_MAX; i++) {
			free(s->option[d][i].code);
			free(s->option[d][i].sign);
		}
		free(s->option[d]);
	}
	for (size_t d = 0; d <= TABLE_DIMS_MAX; d++)
		free(s->level[d]);
	memset(s, 0, sizeof *s);
}

/* Draws for cells, from one keyed draw for each seed: they only pace the search. */
static uint64_t draw(struct search *s, uint64_t place)
{
	if (s->noise_key == 0 || s->noise_seed != s->seed) {
		s->noise_key = grid_random(s->g, 7, 0, s->seed) | 1u;
		s->noise_seed = s->seed;
	}
	uint64_t x = s->noise_key + place * UINT64_C(0x9e3779b97f4a7c15);
	x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
	return x;
}

float search_price(struct search *s, uint32_t cell)
{
	float price = s->g->price[cell];
	if (s->noise > 0.0f)
		price *= 1.0f + s->noise * (float)(draw(s, cell) >> 40) / (float)(1u << 24);
	return price;
}

/* Leads a visible cell back towards what it shows, after a lenient move. */
static bool brings_back(const struct search *s, uint32_t cell, int64_t by)
{
	if ((s->look[cell] & SPOT_TOUCHED) == 0)
		return false;
	int64_t delta = search_delta(s, cell);
	return delta != 0 && (by > 0 ? delta <= -by : delta >= -by);
}

float search_price_shown(struct search *s, uint32_t cell, int64_t by)
{
	if (brings_back(s, cell, by))
		return 0.0f;
	if (search_may_buy(s, cell))
		return search_price(s, cell);
	return s->lenient ? LENIENT_PRICE : NEVER;
}

/* Views come last, dimensions with few options first. */
static bool later(const struct search *s, size_t a, size_t b)
{
	if (s->has_views[a] != s->has_views[b])
		return s->has_views[a];
	return s->n_options[a] > s->n_options[b];
}

/* Product moves through one cell; improves s->price if it finds a cheaper one. */
static void find_at(struct search *s, uint32_t cell)
{
	size_t order[TABLE_DIMS_MAX] = { 0 };
	size_t n = s->g->t->n_dims;
	s->cell = cell;
	s->work++;
	float own = price_of(s, cell, 1);
	if (own >= s->price)
		return;
	for (size_t k = 0; k < n; k++) {
		axis_options(s, k, (uint32_t)(draw(s, (k + 1) << 32 | cell) >> 32));
		if (s->n_options[k] == 0)
			return;
		size_t at = k;
		for (; at > 0 && later(s, order[at - 1], k); at--)
			order[at] = order[at - 1];
		order[at] = k;
	}
	s->budget = s->work + (s->lenient ? LENIENT_BUDGET : BUDGET);
	product_find(s, order, own);
}

static void find_anywhere(struct search *s, uint32_t cell, const struct virt *virt)
{
	if (virt == NULL)
		find_at(s, cell);
	for (uint32_t j = 0; virt != NULL && j < virt->r.b->n && s->price > 0.0f; j++) {
		uint32_t child = virt_part(s->g, virt, j);
		if (virt_holds(s->g, virt, j) && s->g->kind[child] != KIND_DEAD)
			find_at(s, child);
	}
}

bool search_find(struct search *s, uint32_t cell, const struct virt *virt, int dir, int64_t amp)
{
	uint64_t before = s->work;
	s->price = s->lenient ? (s->pay ? NEVER : LENIENT_MOST) : s->pay ? s->most : NEVER;
	s->virt = virt;
	s->dir = dir;
	s->amp = amp;
	s->least_room = s->any_room ? INT64_MIN : amp;
	s->least_seen = s->any_room ? 0 : amp < SPOT_ROOM_MOST ? (int)amp : SPOT_ROOM_MOST;
	s->n_terms = 0;
	find_anywhere(s, cell, virt);
	if (s->n_terms == 0 && s->pay && s->most == NEVER) {
		s->wide = true;
		find_anywhere(s, cell, virt);
		s->wide = false;
	}
	if (s->n_terms == 0)
		s->price = NEVER;
	s->spent = s->work - before;
	return s->n_terms > 0;
}

void search_set_aside(struct search *s)
{
	struct term *found = s->term;
	s->term = s->aside;
	s->aside = found;
	s->n_aside = s->n_terms;
	s->price_aside = s->price;
	s->spent_aside = s->spent;
}

void search_recall(struct search *s)
{
	struct term *found = s->aside;
	s->aside = s->term;
	s->term = found;
	s->n_terms = s->n_aside;
	s->price = s->price_aside;
	s->work += s->spent_aside;
}

int64_t search_most(struct search *s, uint32_t cell, const struct virt *virt, int dir, int64_t most)
{
	s->pay = false;
	s->sizing = most > 1;
	bool found = search_find(s, cell, virt, dir, most);
	s->sizing = false;
	for (uint32_t i = 0; found && i < s->n_terms; i++) {
		int64_t room = s->room[s->term[i].cell];
		if (!s->any_room && s->term[i].sign != dir && room < most)
			most = room;
	}
	return found ? most : 0;
}

static bool touch(struct search *s, uint32_t cell)
{
	if ((s->look[cell] & SPOT_TOUCHED) != 0)
		return true;
	if (!array_room(&s->touched, &s->room_touched, s->n_touched + 1, sizeof *s->touched))
		return false;
	s->touched[s->n_touched++] = cell;
	s->look[cell] |= SPOT_TOUCHED;
	return true;
}

bool search_lend(struct search *s, uint32_t cell, int64_t by)
{
	if (!touch(s, cell))
		return false;
	search_set_room(s, cell, s->room[cell] + by);
	uint32_t office = grid_office(s->g, cell);
	if (office != NONE) {
		s->used[office] = 1;
		s->any_used = true;
	}
	return true;
}

bool search_put(struct search *s, uint32_t cell, int64_t by)
{
	if (!search_lend(s, cell, by))
		return false;
	if (search_is_visible(s, cell))
		s->look[cell] |= SPOT_BOUGHT;
	return true;
}

bool search_is_bad(const struct search *s, uint32_t cell)
{
	if (search_is_visible(s, cell))
		return search_delta(s, cell) != 0;
	return !s->any_room && s->room[cell] < 0 && search_delta(s, cell) < 0;
}

bool search_take(struct search *s, int dir, int64_t amp)
{
	for (uint32_t i = 0; i < s->n_terms; i++) {
		uint32_t cell = s->term[i].cell;
		int64_t by = s->term[i].sign * dir * amp;
		bool buys =
		    search_is_visible(s, cell) && !brings_back(s, cell, by) && search_may_buy(s, cell);
		if (!search_lend(s, cell, by))
			return false;
		s->look[cell] |= buys ? SPOT_BOUGHT : 0;
	}
	return true;
}

bool search_keep(struct search *s)
{
	if (!array_room(&s->kept, &s->room_kept, s->n_touched + 1, sizeof *s->kept))
		return false;
	s->n_kept = 0;
	for (uint32_t i = 0; i < s->n_touched; i++) {
		uint32_t cell = s->touched[i];
		int64_t by = search_delta(s, cell);
		if (by != 0)
			s->kept[s->n_kept++] =
			    (struct change_by){ cell, (s->look[cell] & SPOT_BOUGHT) != 0, by };
	}
	return true;
}

bool search_bring(struct search *s)
{
	for (uint32_t i = 0; i < s->n_kept; i++) {
		if (!search_lend(s, s->kept[i].cell, s->kept[i].by))
			return false;
		s->look[s->kept[i].cell] |= s->kept[i].bought ? SPOT_BOUGHT : 0;
	}
	return true;
}

void search_reset(struct search *s)
{
	for (uint32_t i = 0; i < s->n_touched; i++) {
		uint32_t cell = s->touched[i];
		uint32_t office = grid_office(s->g, cell);
		if (office != NONE)
			s->used[office] = 0;
		s->look[cell] &= LOOK_ALL | SPOT_BANNED | SPOT_PINNED;
		search_set_room(s, cell, s->g->value[cell] - grid_floor(s->g, cell));
	}
	s->n_touched = 0;
	s->any_used = false;
}
