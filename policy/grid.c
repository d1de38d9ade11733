#include "policy/grid.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#define HAS_LIVE  1u /* something below may move */
#define HAS_NR    2u
#define HAS_NA    4u
#define HAS_BLANK 8u

uint64_t grid_random(const struct grid *g, uint64_t phase, uint64_t cell, uint64_t attempt)
{
	uint8_t in[24];
	uint8_t out[8];
	uint64_t word[3] = { phase, cell, attempt };
	for (unsigned i = 0; i < 24; i++)
		in[i] = (uint8_t)(word[i / 8] >> (8 * (i % 8)));
	crypto_shorthash(out, in, sizeof in, g->key);
	uint64_t r = 0;
	for (unsigned i = 0; i < 8; i++)
		r |= (uint64_t)out[i] << (8 * i);
	return r;
}

static void series_key(struct grid *g, const uint8_t choice_key[32])
{
	static const char label[] = "cellveil/1/series"; /* its NUL is part of the input */
	crypto_generichash_state s;
	crypto_generichash_init(&s, choice_key, 32, sizeof g->key);
	crypto_generichash_update(&s, (const uint8_t *)label, sizeof label);
	crypto_generichash_update(&s, (const uint8_t *)g->p->series, strlen(g->p->series));
	crypto_generichash_final(&s, g->key, sizeof g->key);
	sodium_memzero(&s, sizeof s);
}

static void find_offices(struct grid *g)
{
	const struct table_input *t = g->t;
	g->office_dim = SIZE_MAX;
	if (!g->p->offices)
		return;
	if (t->added_office)
		g->office_dim = t->n_dims - 1;
	for (size_t d = 0; d < t->n_dims && !t->added_office; d++)
		if (strcmp(t->dim[d].name, g->p->office_dim) == 0)
			g->office_dim = d;
	if (g->office_dim != SIZE_MAX)
		g->n_offices = t->dim[g->office_dim].n_leaves;
}

/* Flags of inner cells, carried up to every total: what stands anywhere below it. */
static void carry_up(const struct grid *g, uint8_t *has)
{
	for (size_t d = 0; d < g->t->n_dims; d++) {
		const struct dim *dim = &g->t->dim[d];
		uint64_t inner = g->t->stride[d];
		uint64_t outer = g->n_cells / (inner * dim->n_codes);
		for (uint32_t i = 0; i < dim->n_codes; i++) {
			uint32_t c = dim->order[i];
			for (uint32_t k = 0; k < list_size(&dim->down, c); k++) {
				const struct breakdown *b = dim_down(dim, c, k);
				for (uint32_t j = 0; j < b->n; j++)
					for (uint64_t o = 0; o < outer; o++)
						for (uint64_t n = 0; n < inner; n++)
							has[(o * dim->n_codes + c) * inner + n] |=
							    has[(o * dim->n_codes +
								    dim->child[b->first + j]) *
								    inner +
								n];
			}
		}
	}
}

/* Nothing can move in the cell any more. Where that is so because a view was not reported, nor is the cell. */
static void kill(uint8_t *has, uint8_t why)
{
	*has = (uint8_t)((*has & ~HAS_LIVE) | (why & HAS_NR));
}

/* A code none of whose members can move in one breakdown or view cannot move in the others either. */
static void kill_dead(const struct grid *g, uint8_t *has)
{
	struct relation_walk w;
	struct relation r;
	for (bool changed = true; changed;) {
		changed = false;
		relation_begin(&w, g);
		while (relation_next(&w, &r)) {
			uint32_t live = 0;
			uint8_t below = 0;
			for (uint32_t j = 0; j < r.b->n; j++) {
				live += has[relation_child(g, &r, j)] & HAS_LIVE;
				below |= has[relation_child(g, &r, j)];
			}
			if ((has[r.parent] & HAS_LIVE) != 0 && live == 0) {
				kill(&has[r.parent], below);
				changed = true;
			}
			for (uint32_t j = 0; live > 0 && (has[r.parent] & HAS_LIVE) == 0 && j < r.b->n; j++) {
				kill(&has[relation_child(g, &r, j)], has[r.parent]);
				changed = true;
			}
		}
	}
}

static void mark_pattern(const struct grid *g, enum pattern_kind kind, uint8_t *to, uint8_t bit)
{
	struct walk w;
	uint64_t cell = 0;
	for (size_t i = 0; i < g->t->n_patterns; i++) {
		if (g->t->pattern[i].kind != kind)
			continue;
		walk_begin(&w, g->t, g->t->pattern[i].code, false);
		while (walk_next(&w, &cell))
			to[cell] |= bit;
	}
}

static void flag_inner(const struct grid *g, uint8_t *has)
{
	static const uint8_t flag[] = { [CELL_VALUE] = HAS_LIVE,
		[CELL_NR] = HAS_NR,
		[CELL_NA] = HAS_NA,
		[CELL_STRUCTURAL] = 0,
		[CELL_BLANK] = HAS_LIVE | HAS_BLANK };
	for (uint32_t c = 0; c < g->n_cells; c++)
		if (table_is_inner(g->t, c)) {
			has[c] = flag[g->t->status[c]];
			g->blank[c] = g->t->status[c] == CELL_BLANK;
		}
}

/* Rule R12: a cell is known to the offices' forms if it was reported, or if some breakdown of it was, part by
 * part. */
static void find_reported(const struct grid *g, const uint8_t *has, uint8_t *reported)
{
	const struct table_input *t = g->t;
	uint32_t at[TABLE_DIMS_MAX] = { 0 };
	bool exclude = g->p->nr_in_totals == NR_EXCLUDE;
	for (uint32_t n = 0; n < g->n_cells; n++) {
		uint32_t cell = 0;
		uint32_t rest = n;
		for (size_t d = t->n_dims; d-- > 0; rest /= t->dim[d].n_codes)
			at[d] = t->dim[d].order[rest % t->dim[d].n_codes];
		for (size_t d = 0; d < t->n_dims; d++)
			cell += at[d] * (uint32_t)t->stride[d];
		if ((has[cell] & (HAS_NR | HAS_BLANK)) == 0)
			reported[cell] = 1;
		else if (table_is_inner(t, cell))
			reported[cell] |= exclude && g->blank[cell] == 0;
		for (size_t d = 0; d < t->n_dims && reported[cell] == 0; d++)
			for (uint32_t k = 0; k < list_size(&t->dim[d].down, at[d]) && reported[cell] == 0;
			     k++) {
				struct relation r = { d, dim_down(&t->dim[d], at[d], k), cell };
				uint32_t j = 0;
				while (j < r.b->n && reported[relation_child(g, &r, j)] != 0)
					j++;
				reported[cell] = j == r.b->n;
			}
	}
}

static void mark_printed(const struct grid *g, uint8_t *printed)
{
	const struct table_input *t = g->t;
	if (t->n_printed == 0 && !t->added_office)
		memset(printed, 1, g->n_cells);
	for (uint32_t c = 0; t->n_printed == 0 && t->added_office && c < g->n_cells; c++)
		printed[c] = table_coord(t, c, t->n_dims - 1) == 0;
	for (size_t i = 0; i < t->n_printed; i++)
		for (uint32_t c = 0; c < g->n_cells; c++) {
			size_t d = 0;
			while (d < t->n_dims && t->printed[i].set[d][table_coord(t, c, d)] != 0)
				d++;
			printed[c] |= d == t->n_dims;
		}
}

static char mark_of(uint8_t has, bool reported)
{
	if ((has & HAS_LIVE) != 0)
		return reported ? 'P' : 'N';
	if ((has & HAS_NR) != 0)
		return 'N';
	return (has & HAS_NA) != 0 ? 'A' : 'Z';
}

static void set_states(struct grid *g, const uint8_t *has, const uint8_t *reported, const uint8_t *absent,
    const uint8_t *printed)
{
	for (uint32_t c = 0; c < g->n_cells; c++) {
		g->mark[c] = printed[c] == 0 ? '-' : mark_of(has[c], reported[c] != 0);
		if (absent[c] != 0 && g->mark[c] != '-')
			g->mark[c] = 'A';
		if ((has[c] & HAS_LIVE) == 0)
			g->kind[c] = KIND_DEAD;
		else
			g->kind[c] = g->mark[c] == 'P' ? KIND_OPEN : KIND_FREE;
	}
}

static bool set_forced(struct grid *g, uint8_t *scratch)
{
	memset(scratch, 0, g->n_cells);
	mark_pattern(g, PATTERN_FORCED, scratch, 1);
	for (uint32_t c = 0; c < g->n_cells; c++)
		if (scratch[c] != 0 && g->kind[c] == KIND_OPEN)
			g->kind[c] = KIND_FORCED;
	return true;
}

double grid_price(const struct grid *g, uint32_t cell)
{
	double price = (double)g->p->price_count + (double)g->p->price_value * (double)g->value[cell];
	return price < 0.001 ? 0.001 : price; /* nothing is free: a hidden cell must be worth something */
}

static void set_prices(struct grid *g)
{
	float spread = (float)g->p->redundancy_permille / 100.0f;
	spread = spread < 0.003f ? 0.003f
		 : spread > 0.3f ? 0.3f
				 : spread; /* equals are told apart in any case */
	for (uint32_t c = 0; c < g->n_cells; c++) {
		float u = (float)(grid_random(g, 1, c, 0) >> 40) / (float)(1u << 24);
		g->price[c] = (float)grid_price(g, c) * (1.0f + spread * u);
	}
}

bool grid_init(struct grid *g, const struct table_input *t, const struct policy_params *p,
    const uint8_t choice_key[32], struct err *e)
{
	bool ok = false;
	memset(g, 0, sizeof *g);
	g->t = t;
	g->p = p;
	g->n_cells = g->n_own = (uint32_t)t->n_cells;
	g->value = t->value;
	g->floor = p->zeros == ZEROS_PUBLISHED ? 1 : 0;
	size_t n = g->n_cells;
	uint8_t *has = calloc(n, 1);
	uint8_t *reported = g->known = calloc(n, 1);
	uint8_t *absent = calloc(n, 1);
	uint8_t *printed = calloc(n, 1);
	g->kind = calloc(n, 1);
	g->blank = calloc(n, 1);
	g->mark = calloc(n, 1);
	g->primary = calloc(n, 1);
	g->frozen = calloc(n, 1);
	g->use = calloc(n, sizeof *g->use);
	g->look = calloc(n, sizeof *g->look);
	g->price = calloc(n, sizeof *g->price);
	if (has == NULL || reported == NULL || absent == NULL || printed == NULL || g->kind == NULL ||
	    g->blank == NULL || g->mark == NULL || g->primary == NULL || g->frozen == NULL ||
	    g->use == NULL || g->look == NULL || g->price == NULL) {
		err_set(e, ERR_MEMORY, "no memory for the grid");
		goto done;
	}
	series_key(g, choice_key);
	find_offices(g);
	flag_inner(g, has);
	mark_pattern(g, PATTERN_COVERED, reported, 1);
	carry_up(g, has);
	kill_dead(g, has);
	find_reported(g, has, reported);
	mark_pattern(g, PATTERN_ABSENT, absent, 1);
	mark_printed(g, printed);
	set_states(g, has, reported, absent, printed);
	set_forced(g, printed);
	set_prices(g);
	ok = true;
done:
	free(has);
	free(absent);
	free(printed);
	return ok;
}

void grid_free(struct grid *g)
{
	free(g->kind);
	free(g->blank);
	free(g->known);
	free(g->told);
	free(g->mark);
	free(g->primary);
	free(g->frozen);
	free(g->use);
	free(g->look);
	free(g->price);
	free(g->out);
	sodium_memzero(g, sizeof *g);
}

void grid_see_all(struct grid *g)
{
	for (uint32_t c = 0; c < g->n_cells; c++)
		grid_see(g, c);
}

void relation_begin(struct relation_walk *w, const struct grid *g)
{
	*w = (struct relation_walk){ .g = g };
}

bool relation_next(struct relation_walk *w, struct relation *r)
{
	const struct table_input *t = w->g->t;
	while (w->dim < t->n_dims) {
		const struct dim *d = &t->dim[w->dim];
		uint64_t inner = t->stride[w->dim];
		w->lines = w->g->n_cells / d->n_codes;
		if (w->breakdown < d->n_breakdowns && w->line < w->lines) {
			r->dim = w->dim;
			r->b = &d->breakdown[w->breakdown];
			r->parent = (uint32_t)((w->line / inner * d->n_codes + r->b->parent) * inner +
					       w->line % inner);
			w->line++;
			return true;
		}
		w->line = 0;
		if (++w->breakdown >= d->n_breakdowns) {
			w->breakdown = 0;
			w->dim++;
		}
	}
	return false;
}
