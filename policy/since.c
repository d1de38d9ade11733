#include "policy/since.h"

#include <assert.h>
#include <sodium.h>
#include <stdlib.h>

#include "policy/ledger.h"
#include "policy/told.h"

void since_begin(struct since *k, const struct grid *g, const struct subject *s)
{
	*k = (struct since){ .g = g, .s = s };
}

void since_end(struct since *k)
{
	if (k->others != NULL)
		sodium_memzero(k->others, k->n_places * sizeof *k->others);
	if (k->open != NULL)
		sodium_memzero(k->open, k->n_relations * sizeof *k->open);
	free(k->known);
	free(k->learnt);
	free(k->along);
	free(k->across);
	free(k->open);
	free(k->others);
	since_begin(k, k->g, k->s);
}

/* ---- the column ---- */

static bool is_settled(const struct grid *g, uint32_t cell)
{
	return g->kind[cell] == KIND_DEAD || told_has_left(g, cell);
}

/* A sum of several offices has no column of its own: what it is reckoned from stands in its whole's. */
static bool lies_across(const struct since *k)
{
	return k->s->virt != NULL && k->s->virt->r.dim != k->g->office_dim;
}

/* Cells that the subject is reckoned from, its own or its whole first. */
static uint32_t n_from(const struct subject *s)
{
	return s->virt == NULL ? 1 : s->virt->except != NONE ? 2 : s->virt->r.b->n + 1;
}

/* NONE: a child that is not taken off, or in which nothing can be: whatever it was in another release, the sum goes without it. */
static uint32_t from(const struct grid *g, const struct subject *s, uint32_t i)
{
	const struct virt *v = s->virt;
	if (i == 0)
		return s->cell;
	uint32_t cell = v->except != NONE ? virt_off(g, v) : relation_child(g, &v->r, i - 1);
	bool taken = v->except != NONE || !virt_holds(g, v, i - 1);
	return taken && g->kind[cell] != KIND_DEAD ? cell : NONE;
}

/* The cell's fellow at another place of its column. */
static uint32_t cell_at(const struct since *k, uint32_t cell, uint32_t place)
{
	return grid_with(
	    k->g, grid_with(k->g, cell, 0, place / k->n_codes), k->g->office_dim, place % k->n_codes);
}

static uint32_t place_of(const struct since *k, uint32_t cell)
{
	return grid_coord(k->g, cell, 0) * k->n_codes + grid_coord(k->g, cell, k->g->office_dim);
}

/* How many are there, of the column. */
static int64_t count_at(const struct since *k, uint32_t place)
{
	const struct grid *g = k->g;
	int64_t count = 0;
	for (uint32_t i = 0; i < (lies_across(k) ? n_from(k->s) : 1); i++) {
		uint32_t cell = from(g, k->s, i);
		if (cell != NONE)
			count += (i == 0 ? 1 : -1) * g->value[cell_at(k, cell, place)];
	}
	return count;
}

/* ---- what follows ---- */

static void learn(struct since *k, uint32_t place)
{
	if (k->known[place] != 0)
		return;
	k->known[place] = 1;
	k->learnt[k->n_learnt++] = place;
}

/* A code became known: each relation that holds it has one cell fewer to be known (by 1; -1 takes that back), and where one
 * is left it is told. unknown: of the relations of this line; step: from one code's place to the next one's; first: of code 0. */
static void use_in(struct since *k, const struct dim *d, uint32_t code, uint32_t *unknown, uint32_t first,
    uint32_t step, int by)
{
	const struct list *in[] = { &d->down, &d->up };
	for (int l = 0; l < 2; l++)
		for (uint32_t i = 0; i < list_size(in[l], code); i++) {
			uint32_t number = list_at(in[l], code)[i];
			const struct breakdown *b = &d->breakdown[number];
			unknown[number] -= (uint32_t)by;
			if (by < 0 || unknown[number] != 1)
				continue;
			learn(k, first + b->parent * step);
			for (uint32_t j = 0; j < b->n; j++)
				learn(k, first + d->child[b->first + j] * step);
		}
}

/* Nobody else's are in what is not known of a whole that is: so each part is known. */
static void learn_noughts(struct since *k, const struct breakdown *b, uint32_t first, int64_t open)
{
	const struct dim *offices = &k->g->t->dim[k->g->office_dim];
	for (uint32_t j = 0; open == 0 && k->known[first + b->parent] != 0 && j < b->n; j++)
		learn(k, first + offices->child[b->first + j]);
}

/* A code became known at a release, as above; differences may be below nought. */
static void use_count(struct since *k, uint32_t place, int by)
{
	const struct dim *d = &k->g->t->dim[k->g->office_dim];
	uint32_t code = place % k->n_codes;
	uint32_t first = place - code;
	int64_t *open = k->open + (size_t)(place / k->n_codes) * d->n_breakdowns;
	if (place / k->n_codes > k->g->ledger->n)
		return;
	for (uint32_t i = 0; i < list_size(&d->up, code); i++)
		open[list_at(&d->up, code)[i]] -= by * k->others[place];
	const struct list *in[] = { &d->down, &d->up };
	for (int l = 0; by > 0 && l < 2; l++)
		for (uint32_t i = 0; i < list_size(in[l], code); i++) {
			uint32_t b = list_at(in[l], code)[i];
			learn_noughts(k, &d->breakdown[b], first, open[b]);
		}
}

static void use(struct since *k, uint32_t place, int by)
{
	use_count(k, place, by);
	const struct dim *offices = &k->g->t->dim[k->g->office_dim];
	const struct dim *releases = &k->g->t->dim[0];
	uint32_t office = place % k->n_codes;
	uint32_t release = place / k->n_codes;
	use_in(k, offices, office, k->along + (size_t)release * offices->n_breakdowns, place - office, 1, by);
	use_in(k, releases, release, k->across + (size_t)office * releases->n_breakdowns, office, k->n_codes,
	    by);
}

static void reckon(struct since *k)
{
	while (k->n_reckoned < k->n_learnt)
		use(k, k->learnt[k->n_reckoned++], 1);
}

static void forget(struct since *k, uint32_t n_learnt)
{
	while (k->n_learnt > n_learnt) {
		uint32_t place = k->learnt[--k->n_learnt];
		use(k, place, -1);
		k->known[place] = 0;
	}
	k->n_reckoned = n_learnt;
}

/* ---- what everybody knows ---- */

/* Everybody knows it: nothing can be there, or it left. *left: the second. */
static bool is_given(const struct since *k, uint32_t place, bool *left)
{
	bool given = true;
	bool some = false;
	for (uint32_t i = 0; given && i < (lies_across(k) ? n_from(k->s) : 1); i++) {
		uint32_t cell = from(k->g, k->s, i);
		cell = cell == NONE ? NONE : cell_at(k, cell, place);
		given = cell == NONE || is_settled(k->g, cell);
		some = some || (cell != NONE && k->g->kind[cell] != KIND_DEAD);
	}
	*left = *left || (given && some);
	return given;
}

static void count_unknown(uint32_t *unknown, const struct dim *d, uint32_t lines)
{
	for (uint32_t l = 0; l < lines; l++)
		for (uint32_t b = 0; b < d->n_breakdowns; b++)
			*unknown++ = d->breakdown[b].n + 1;
}

static void count_open(struct since *k)
{
	const struct dim *d = &k->g->t->dim[k->g->office_dim];
	for (uint32_t place = 0; place < k->n_places; place++)
		k->others[place] = count_at(k, place);
	for (uint32_t r = 0; r < k->g->t->dim[0].n_codes; r++)
		for (uint32_t b = 0; b < d->n_breakdowns; b++)
			for (uint32_t j = 0; j < d->breakdown[b].n; j++)
				k->open[(size_t)r * d->n_breakdowns + b] +=
				    k->others[r * k->n_codes + d->child[d->breakdown[b].first + j]];
}

static bool open_column(struct since *k)
{
	const struct dim *offices = &k->g->t->dim[k->g->office_dim];
	const struct dim *releases = &k->g->t->dim[0];
	k->n_codes = offices->n_codes;
	uint32_t n = releases->n_codes * k->n_codes;
	bool left = false;
	k->known = calloc(n, 1);
	k->learnt = malloc(n * sizeof *k->learnt);
	k->along = malloc(((size_t)releases->n_codes * offices->n_breakdowns + 1) * sizeof *k->along);
	k->across = malloc(((size_t)k->n_codes * releases->n_breakdowns + 1) * sizeof *k->across);
	k->n_relations = releases->n_codes * offices->n_breakdowns;
	k->open = calloc((size_t)k->n_relations + 1, sizeof *k->open);
	k->n_places = n;
	k->others = malloc(n * sizeof *k->others);
	if (k->known == NULL || k->learnt == NULL || k->along == NULL || k->across == NULL ||
	    k->open == NULL || k->others == NULL)
		return false;
	count_open(k);
	count_unknown(k->along, offices, releases->n_codes);
	count_unknown(k->across, releases, k->n_codes);
	for (uint32_t place = 0; place < n; place++)
		if (is_given(k, place, &left))
			learn(k, place);
	reckon(k);
	return left;
}

/* ---- the question ---- */

/* What the office has at a release is not others' any more (sign 1; -1 takes that back), wherever it is part of. */
static void take_own(struct since *k, uint32_t office, uint32_t release, int sign)
{
	const struct dim *d = &k->g->t->dim[k->g->office_dim];
	uint32_t first = release * k->n_codes;
	int64_t own = sign * count_at(k, first + office);
	int64_t *open = k->open + (size_t)release * d->n_breakdowns;
	for (uint32_t c = 0; own != 0 && c < d->n_codes; c++) {
		if (!dim_is_above(d, c, office))
			continue;
		k->others[first + c] -= own;
		for (uint32_t i = 0; k->known[first + c] == 0 && i < list_size(&d->up, c); i++)
			open[list_at(&d->up, c)[i]] -= own;
	}
}

/* Who has all there is of a count that is known knows what it is made of. */
static void learn_own(struct since *k, uint32_t release)
{
	const struct dim *d = &k->g->t->dim[k->g->office_dim];
	uint32_t first = release * k->n_codes;
	for (uint32_t b = 0; b < d->n_breakdowns; b++)
		learn_noughts(k, &d->breakdown[b], first, k->open[(size_t)release * d->n_breakdowns + b]);
}

static bool is_told(const struct since *k)
{
	bool told = true;
	for (uint32_t i = 0; told && i < (lies_across(k) ? 1 : n_from(k->s)); i++) {
		uint32_t cell = from(k->g, k->s, i);
		told = cell == NONE || k->known[place_of(k, cell)] != 0;
	}
	return told;
}

/* Nobody is asked about sums of several lists, nor about differences: of those only rests of 1 to k-1 are protected. */
static bool may_be_known(const struct since *k)
{
	const struct grid *g = k->g;
	return g->ledger != NULL && !k->nobody && !grid_is_delta(g, k->s->cell) &&
	       (k->s->virt == NULL || k->s->virt->block == NULL);
}

bool since_knew(struct since *k, const uint32_t *office, uint32_t n, int64_t rest)
{
	const struct policy_params *p = k->g->p;
	bool few = rest >= 1 && rest < (int64_t)p->threshold && p->residual != RESIDUAL_NO;
	if (n == 0 || few || !may_be_known(k))
		return false;
	if (k->known == NULL)
		k->nobody = !open_column(k);
	if (k->nobody)
		return false;
	uint32_t everybody = k->n_learnt;
	assert(k->g->t->dim[0].n_codes > 0);
	uint32_t n_counts = k->g->ledger->n + 1; /* differences stand behind them */
	for (uint32_t i = 0; i < n; i++)
		for (uint32_t r = 0; r < n_counts; r++)
			take_own(k, office[i], r, 1);
	for (uint32_t i = 0; i < n; i++)
		for (uint32_t r = 0; r < k->g->t->dim[0].n_codes; r++)
			learn(k, r * k->n_codes + office[i]);
	for (uint32_t r = 0; r < n_counts; r++)
		learn_own(k, r);
	reckon(k);
	bool told = is_told(k);
	forget(k, everybody);
	for (uint32_t i = 0; i < n; i++)
		for (uint32_t r = 0; r < n_counts; r++)
			take_own(k, office[i], r, -1);
	return told;
}
