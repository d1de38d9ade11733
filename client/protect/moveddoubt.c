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
	bool fears_offices;
	uint32_t pool;  /* offices that may pool; 0: none is an attacker */
	bool *under;    /* by code and office: the office is below the code, or is it */
	uint32_t *leaf; /* the offices */
	uint32_t n_leaves;
	uint64_t *cell; /* of the count at hand: the first less the others */
	uint32_t n_cells;
	int64_t value, *own; /* own by code; -1: nothing can be there */
	bool *learns;        /* by code: owns some of it, or a table touches it */
	struct table *table; /* of the count at hand */
	size_t n_tables, room_tables;
	uint8_t *touched;
	size_t room_touched;
	uint8_t *nought; /* by cell: a nought that rule R4 names */
	uint32_t who[POOL_MAX];
	uint32_t n_who;
	bool added; /* a table, since the walk through the attackers began */
	moveddoubt_next *next;
	void *context;
	struct err *e;
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

static void look_at(struct moveddoubt *d)
{
	d->value = d->g->truth[d->cell[0]];
	d->n_tables = 0;
	for (uint32_t i = 1; i < d->n_cells; i++)
		d->value -= d->g->truth[d->cell[i]];
	for (uint32_t o = 0; o < d->n_leaves; o++) {
		uint32_t office = d->leaf[o];
		uint64_t part = part_of(d, d->cell[0], office);
		d->own[office] = part != UINT64_MAX && d->g->live[part] != 0 ? d->g->truth[part] : -1;
		for (uint32_t i = 1; d->own[office] >= 0 && i < d->n_cells; i++) {
			part = part_of(d, d->cell[i], office);
			d->own[office] -= part == UINT64_MAX ? 0 : d->g->truth[part];
		}
		d->learns[office] = d->own[office] > 0;
	}
}

static bool is_among(const struct moveddoubt *d, uint32_t office)
{
	for (uint32_t i = 0; i < d->n_who; i++)
		if (d->who[i] == office)
			return true;
	return false;
}

/* Must those who pool be left in doubt? */
static bool matters(const struct moveddoubt *d)
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
	return rest > 0 || d->p->zeros == ZEROS_SENSITIVE || (d->n_cells == 1 && d->nought[d->cell[0]] != 0);
}

/* Is so much of the count theirs who own most of it that somebody's rest may be small? */
static bool may_matter(const struct moveddoubt *d)
{
	int64_t most[POOL_MAX] = { 0 };
	int64_t rest = d->value;
	for (uint32_t i = 0; i < d->n_leaves; i++) {
		int64_t own = d->own[d->leaf[i]];
		for (uint32_t j = 0; j < d->pool; j++)
			if (own > most[j]) {
				int64_t less = most[j];
				most[j] = own;
				own = less;
			}
	}
	for (uint32_t j = 0; j < d->pool; j++)
		rest -= most[j];
	return rest < (int64_t)d->p->threshold;
}

/* ---- its tables ---- */

static bool leaves_alone(const struct moveddoubt *d, const struct table *t)
{
	for (uint32_t i = 0; i < d->n_who; i++)
		if (d->touched[t->touched + d->who[i]] != 0)
			return false;
	return true;
}

/* How far they lead the count, as far as those who pool can tell. */
static void find_reach(const struct moveddoubt *d, int64_t *low, int64_t *high)
{
	*low = 0;
	*high = 0;
	for (size_t i = 0; i < d->n_tables; i++) {
		const struct table *t = &d->table[i];
		if (!leaves_alone(d, t))
			continue;
		*low = t->led < *low ? t->led : *low;
		*high = t->led > *high ? t->led : *high;
	}
}

/* Who would see through if it were for the tables before alone. */
static bool fails(const struct moveddoubt *d)
{
	struct buf text = { 0 };
	lattice_name(d->g, d->cell[0], &text);
	buf_put_text(&text, d->n_who == 0 ? ": too little doubt is left for the public"
					  : ": too little doubt is left for office ");
	for (uint32_t i = 0; i < d->n_who; i++)
		buf_printf(&text, "%s%s", i == 0 ? "" : "+", d->g->dim[d->office_dim].code[d->who[i]]);
	err_wrap(d->e, "cell %.*s", (int)text.size, (const char *)text.data);
	buf_free(&text);
	return false;
}

static bool table_add(struct moveddoubt *d, int64_t led, const uint8_t *touched)
{
	size_t at = d->n_tables * d->n_codes;
	if (!make_room((void **)&d->table, sizeof *d->table, d->n_tables + 1, &d->room_tables) ||
	    !make_room((void **)&d->touched, 1, at + d->n_codes, &d->room_touched))
		return no_memory(d->e);
	d->table[d->n_tables++] = (struct table){ led, at };
	memcpy(d->touched + at, touched, d->n_codes);
	for (uint32_t i = 0; i < d->n_leaves; i++)
		d->learns[d->leaf[i]] = d->learns[d->leaf[i]] || touched[d->leaf[i]] != 0;
	d->added = true;
	return true;
}

static bool needless(const struct moveddoubt *d)
{
	err_set(d->e, ERR_CRYPTO, "a table is not needed beside the others");
	return fails(d);
}

/* Asks for tables until those who pool are in doubt: one, or one that leads up and one that leads down, where neither is enough. */
static bool leave_in_doubt(struct moveddoubt *d)
{
	struct moveddoubt_asked asked = { d->cell, d->n_cells, d->who, d->n_who, false };
	int64_t width = d->claims->width;
	int64_t low;
	int64_t high;
	int64_t highest;
	find_reach(d, &low, &high);
	for (highest = high; high - low < width; asked.second = true) {
		const uint8_t *touched = NULL;
		int64_t led = 0;
		if (!d->next(d->context, &asked, &led, &touched, d->e))
			return fails(d);
		if ((led >= low && led <= high) || (asked.second && (led > high || highest - led >= width)))
			return needless(d);
		if (!table_add(d, led, touched))
			return false;
		find_reach(d, &low, &high);
		if (high - low < width && (asked.second || high == highest))
			return needless(d);
	}
	return true;
}

/* Those who pool, and all larger pools of offices from place `from` on. Who owns nothing of it and is touched by no table learns no
 * more than those he pools with. */
static bool walk(struct moveddoubt *d, uint32_t from)
{
	bool ok = !matters(d) || leave_in_doubt(d);
	for (uint32_t i = from; ok && d->n_who < d->pool && i < d->n_leaves; i++) {
		if (!d->learns[d->leaf[i]])
			continue;
		d->who[d->n_who++] = d->leaf[i];
		ok = walk(d, i + 1);
		d->n_who--;
	}
	return ok;
}

/* Once more after the last table: it may touch offices that came before. */
static bool count_holds(struct moveddoubt *d)
{
	bool ok = true;
	look_at(d);
	if (!may_matter(d))
		return true;
	do {
		d->added = false;
		ok = walk(d, 0);
	} while (ok && d->added);
	return ok;
}

/* ---- which counts ---- */

static bool is_printed(const struct lattice *g, uint64_t cell)
{
	return g->mark[cell] == 'R' || g->mark[cell] == 'P';
}

static bool is_group_dim(const struct moveddoubt *d, uint32_t dim)
{
	const char *name = d->g->dim[dim].name;
	for (uint32_t i = 0; i < d->p->n_group_dims; i++)
		if (strcmp(d->p->group_dim[i], name) == 0)
			return true;
	return d->p->n_group_dims == 0 && strcmp(name, d->p->office_dim) != 0 &&
	       !(d->fears_offices && dim == d->office_dim);
}

struct group { /* a whole and its parts */
	uint32_t dim;
	const struct breakdown *b;
	uint64_t whole;
};

static uint64_t group_part(const struct moveddoubt *d, const struct group *r, uint32_t i)
{
	return r->whole + (r->b->child[i] - (uint64_t)r->b->parent) * d->g->stride[r->dim];
}

static uint32_t count_live(const struct moveddoubt *d, const struct group *r)
{
	uint32_t live = 0;
	for (uint32_t i = 0; i < r->b->n; i++)
		live += d->g->live[group_part(d, r, i)] != 0;
	return live;
}

/* Is it one that rule R4 is about? */
static bool is_group(const struct moveddoubt *d, const struct group *r)
{
	return d->p->group_min > 0 && is_group_dim(d, r->dim) &&
	       d->g->truth[r->whole] >= (int64_t)d->p->group_min && count_live(d, r) >= 2;
}

typedef bool visit_group(struct moveddoubt *d, const struct group *r);

/* Every relation: by dimension, breakdown, cell. */
static bool each_group(struct moveddoubt *d, visit_group *visit)
{
	const struct lattice *g = d->g;
	bool ok = true;
	for (uint32_t dim = 0; dim < g->n_dims; dim++)
		for (uint32_t b = 0; b < g->dim[dim].n_breakdowns; b++) {
			struct group r = { dim, &g->dim[dim].breakdown[b], 0 };
			uint64_t block = g->stride[dim] * g->dim[dim].n_codes;
			for (uint64_t high = 0; ok && high < g->n_cells; high += block)
				for (uint64_t low = high; ok && low < high + g->stride[dim]; low++) {
					r.whole = low + r.b->parent * g->stride[dim];
					ok = visit(d, &r);
				}
		}
	return ok;
}

/* R4: all of a printed group are in one printed part, so each other one says that nobody is there. */
static bool find_noughts(struct moveddoubt *d, const struct group *r)
{
	bool full = false;
	if (!is_printed(d->g, r->whole) || !is_group(d, r))
		return true;
	for (uint32_t i = 0; i < r->b->n; i++) {
		uint64_t part = group_part(d, r, i);
		full = full || (is_printed(d->g, part) && d->g->truth[part] == d->g->truth[r->whole]);
	}
	for (uint32_t i = 0; full && i < r->b->n; i++) {
		uint64_t part = group_part(d, r, i);
		d->nought[part] |= d->g->live[part] != 0 && d->g->truth[part] == 0;
	}
	return true;
}

/* A whole less the parts that are listed after it, where a few are left. */
static bool rest_holds(struct moveddoubt *d)
{
	int64_t rest = d->g->truth[d->cell[0]];
	for (uint32_t i = 1; i < d->n_cells; i++)
		rest -= d->g->truth[d->cell[i]];
	bool small =
	    rest >= 0 && rest < (int64_t)d->p->threshold && (rest > 0 || d->p->zeros == ZEROS_SENSITIVE);
	return !small || count_holds(d);
}

/* R12: several parts are not printed, and the others are. R4: the group without one of three parts or more. */
static bool sums_hold(struct moveddoubt *d, const struct group *r)
{
	const struct lattice *g = d->g;
	uint32_t live = count_live(d, r);
	uint32_t loose = 0;
	d->cell[0] = r->whole;
	d->n_cells = 1;
	for (uint32_t i = 0; i < r->b->n; i++) {
		uint64_t part = group_part(d, r, i);
		loose += g->live[part] != 0 && !is_printed(g, part);
		if (g->live[part] != 0 && is_printed(g, part))
			d->cell[d->n_cells++] = part;
	}
	if (loose > 1 && loose < live && is_printed(g, r->whole) && !rest_holds(d))
		return false;
	d->n_cells = 2;
	for (uint32_t i = 0; live >= 3 && is_group(d, r) && i < r->b->n; i++) {
		d->cell[1] = group_part(d, r, i);
		if (g->truth[d->cell[1]] < g->truth[r->whole] && !rest_holds(d))
			return false;
	}
	return true;
}

static bool cells_hold(struct moveddoubt *d)
{
	bool ok = true;
	d->n_cells = 1;
	for (uint64_t c = 0; ok && c < d->g->n_cells; c++) {
		d->cell[0] = c;
		ok = d->g->live[c] == 0 || count_holds(d);
	}
	return ok;
}

/* ---- the whole ---- */

static bool offices_find(struct moveddoubt *d)
{
	if (d->office_dim == UINT32_MAX)
		return true;
	const struct latticedim *dim = &d->g->dim[d->office_dim];
	d->under = calloc((size_t)dim->n_codes * dim->n_codes, sizeof *d->under);
	d->leaf = calloc(dim->n_codes, sizeof *d->leaf);
	if (d->under == NULL || d->leaf == NULL)
		return false;
	for (uint32_t i = 0; i < dim->n_codes; i++) {
		lattice_leaves(dim, i, d->under + (size_t)i * dim->n_codes);
		if (lattice_is_leaf(dim, i))
			d->leaf[d->n_leaves++] = i;
	}
	return true;
}

static bool begin(struct moveddoubt *d)
{
	const struct lattice *g = d->g;
	uint32_t most = 0;
	for (uint32_t i = 0; i < g->n_dims; i++)
		most = g->dim[i].n_codes > most ? g->dim[i].n_codes : most;
	d->n_codes = d->office_dim == UINT32_MAX ? 1 : g->dim[d->office_dim].n_codes;
	d->cell = calloc((size_t)most + 2, sizeof *d->cell);
	d->own = calloc(d->n_codes, sizeof *d->own);
	d->learns = calloc(d->n_codes, sizeof *d->learns);
	d->nought = calloc(g->n_cells + 1, 1);
	return d->cell != NULL && d->own != NULL && d->learns != NULL && d->nought != NULL && offices_find(d);
}

static void end(struct moveddoubt *d)
{
	if (d->own != NULL)
		sodium_memzero(d->own, d->n_codes * sizeof *d->own);
	if (d->table != NULL)
		sodium_memzero(d->table, d->room_tables * sizeof *d->table);
	free(d->under);
	free(d->leaf);
	free(d->own);
	free(d->learns);
	free(d->cell);
	free(d->table);
	free(d->touched);
	free(d->nought);
}

bool moveddoubt_check(const struct lattice *g, const struct policy_params *p,
    const struct certificate_report *claims, uint32_t office_dim, moveddoubt_next *next, void *context,
    struct err *e)
{
	struct moveddoubt d = { .g = g, .p = p, .claims = claims, .next = next, .context = context, .e = e };
	d.office_dim = p->offices ? office_dim : UINT32_MAX;
	d.fears_offices = claims->level[1] >= '3' && d.office_dim != UINT32_MAX;
	d.pool = d.fears_offices ? p->coalition : 0;
	d.pool = d.pool < POOL_MAX ? d.pool : POOL_MAX;
	bool ok = begin(&d) || no_memory(e);
	ok = ok && (p->zeros != ZEROS_CAMOUFLAGE || each_group(&d, find_noughts)) && cells_hold(&d) &&
	     each_group(&d, sums_hold);
	end(&d);
	return ok;
}
