#include "policy/witness.h"

#include <assert.h>
#include <math.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "policy/certificate.h"
#include "policy/shown.h"
#include "policy/simplex.h"

#define COMPONENT_MAX   2500u                /* cells of a component that is tried */
#define COMPONENT_SMALL 800u                 /* cells: tried before the others */
#define TABLEAU_MAX     7500000u             /* numbers in its program */
#define TOUCHED_MAX     UINT64_C(700000000)  /* numbers changed for one component */
#define ALL_TOUCHED     UINT64_C(1600000000) /* for all together */
#define FAILURES_MAX    6u                   /* solutions that could not be made whole, in a row */
#define WHOLE           1e-6
#define FAR             1e-7

struct reader { /* of the published files */
	struct shown s;
	uint32_t *root;  /* component of each bare cell: its first cell */
	uint32_t *place; /* of a loose first cell in the component at hand */
	uint8_t seed[16];
};

struct component {
	const struct reader *in;
	uint32_t id, first_table, n, n_named, n_relations;
	const uint32_t *cell; /* n loose ones, then others that a table names; each part ascending */
	const struct relation *relation;
	struct simplex x;
	int64_t *now, *least, *largest; /* of each cell: in this table, in all so far */
	int64_t ceiling;                /* no cell is taken to hold more */
	uint32_t round, failures, n_tables;
	struct buf lines;
};

static uint32_t find_root(uint32_t *root, uint32_t c)
{
	while (root[c] != c) {
		root[c] = root[root[c]];
		c = root[c];
	}
	return c;
}

static void unite(uint32_t *root, uint32_t a, uint32_t b)
{
	a = find_root(root, a);
	b = find_root(root, b);
	if (a < b)
		root[b] = a;
	else
		root[a] = b;
}

static uint32_t relation_member(const struct grid *g, const struct relation *r, uint32_t j)
{
	return j == 0 ? r->parent : relation_child(g, r, j - 1);
}

/* Among counts: what ties releases together is known from shown.same. */
static bool is_of_counts(const struct shown *s, const struct relation *r)
{
	return !relation_of_releases(s->g, r) && r->parent < s->n_counts;
}

/* First loose cell of a relation, or else the first bare one; NONE: all are printed. */
static uint32_t first_open(const struct shown *s, const struct relation *r)
{
	uint32_t first = NONE;
	for (uint32_t j = 0; is_of_counts(s, r) && j <= r->b->n; j++) {
		uint32_t c = relation_member(s->g, r, j);
		if (shown_is_loose(s, c))
			return c;
		if (first == NONE && shown_is_bare(s, c))
			first = c;
	}
	return first;
}

/* First loose cell; NONE: the relation says nothing about any. */
static uint32_t first_loose(const struct shown *s, const struct relation *r)
{
	uint32_t c = first_open(s, r);
	return c == NONE || shown_is_loose(s, c) ? c : NONE;
}

/* Bare cells that hold the same hang together. *last: by first cell, room for one of them. */
static void unite_same(const struct reader *in, uint32_t *last)
{
	for (uint32_t c = 0; c < in->s.n_counts; c++)
		last[c] = NONE;
	for (uint32_t c = 0; c < in->s.n_counts; c++) {
		uint32_t *before = &last[in->s.same[c]];
		if (!shown_is_bare(&in->s, c))
			continue;
		if (*before != NONE)
			unite(in->root, *before, c);
		*before = c;
	}
}

static void find_components(const struct reader *in)
{
	const struct shown *s = &in->s;
	struct relation_walk w;
	struct relation r;
	for (uint32_t c = 0; c < s->g->n_cells; c++)
		in->root[c] = c;
	unite_same(in, in->place);
	relation_begin(&w, s->g);
	while (relation_next(&w, &r)) {
		uint32_t first = first_open(s, &r);
		for (uint32_t j = 0; first != NONE && j <= r.b->n; j++)
			if (shown_is_bare(s, relation_member(s->g, &r, j)))
				unite(in->root, first, relation_member(s->g, &r, j));
	}
	for (uint32_t c = 0; c < s->g->n_cells; c++)
		in->root[c] = find_root(in->root, c);
}

/* ---- the program: a column for each cell's height over its floor, and one for the printed values ---- */

static int64_t cell_floor(const struct component *k, uint32_t i)
{
	return k->in->s.state[k->cell[i]] == SHOWN_HIDDEN ? (int64_t)k->in->s.g->floor : 0;
}

/* sum of signed heights + constant * last = 0; the last column rises from 0 to 1. */
static void put_relation(struct component *k, uint32_t i)
{
	const struct relation *r = &k->relation[i];
	const struct shown *s = &k->in->s;
	for (uint32_t j = 0; j <= r->b->n; j++) {
		uint32_t c = s->same[relation_member(s->g, r, j)];
		double sign = j == 0 ? 1.0 : -1.0;
		if (!shown_is_loose(s, c)) {
			simplex_add(&k->x, i, k->n, sign * (double)s->value[c]);
			if (s->value[c] > k->ceiling)
				k->ceiling = s->value[c];
			continue;
		}
		uint32_t at = k->in->place[c];
		simplex_add(&k->x, i, at, sign);
		if (cell_floor(k, at) != 0)
			simplex_add(&k->x, i, k->n, sign * (double)cell_floor(k, at));
	}
}

static void put_ceilings(struct component *k)
{
	const struct shown *s = &k->in->s;
	double most = 4.0 * (double)k->ceiling + 16.0 * (double)s->g->p->threshold;
	for (uint32_t i = 0; i < k->n; i++)
		k->x.high[i] = most;
	for (uint32_t i = 0; i < k->n_relations; i++) {
		const struct relation *r = &k->relation[i];
		double high = (double)s->value[s->same[r->parent]];
		for (uint32_t j = 0; !shown_is_loose(s, r->parent) && j < r->b->n; j++) {
			uint32_t c = s->same[relation_child(s->g, r, j)];
			uint32_t at = k->in->place[c];
			if (shown_is_loose(s, c) && k->x.high[at] > high - (double)cell_floor(k, at))
				k->x.high[at] = fmax(0.0, high - (double)cell_floor(k, at));
		}
	}
}

/* Any solution, whole or not. */
static bool solve_base(struct component *k)
{
	if (!simplex_init(&k->x, k->n_relations, k->n + 1))
		return false;
	k->x.max_touched = TOUCHED_MAX;
	for (uint32_t i = 0; i < k->n_relations; i++)
		put_relation(k, i);
	put_ceilings(k);
	k->x.high[k->n] = 1.0;
	k->x.cost[k->n] = -1.0;
	if (!simplex_crash(&k->x) || !simplex_run(&k->x) || k->x.x[k->n] < 1.0 - WHOLE)
		return false;
	k->x.low[k->n] = k->x.x[k->n] = 1.0;
	k->x.cost[k->n] = 0.0;
	return true;
}

static double noise(const struct component *k, uint32_t i)
{
	uint8_t in[12];
	uint8_t out[8];
	uint32_t word[3] = { k->id, k->cell[i], k->round };
	for (unsigned b = 0; b < 12; b++)
		in[b] = (uint8_t)(word[b / 4] >> (8 * (b % 4)));
	crypto_shorthash(out, in, sizeof in, k->in->seed);
	return (double)(out[0] + 256u * out[1]) / 65536.0;
}

/* ---- from a solution to whole numbers ---- */

static bool is_whole(double v)
{
	return fabs(v - nearbyint(v)) <= WHOLE;
}

/* Pushes a column to a value and keeps it there. */
static bool push_to(struct simplex *x, uint32_t j, double goal)
{
	double low = x->low[j];
	double high = x->high[j];
	bool up = goal > x->x[j];
	if (goal < low - WHOLE || goal > high + WHOLE)
		return false;
	memset(x->cost, 0, x->n * sizeof *x->cost);
	x->cost[j] = up ? -1.0 : 1.0;
	if (up)
		x->high[j] = goal;
	else
		x->low[j] = goal;
	if (simplex_run(x) && fabs(x->x[j] - goal) <= FAR) {
		x->low[j] = x->high[j] = x->x[j] = goal;
		return true;
	}
	x->low[j] = low;
	x->high[j] = high;
	return false;
}

/* Nails down the whole columns and leads the others, one by one, to a neighbour; what is not basic first. */
static bool dive(struct component *k)
{
	struct simplex *x = &k->x;
	for (uint32_t steps = 0; steps <= k->n; steps++) {
		uint32_t worst = NONE;
		double most = WHOLE;
		for (uint32_t i = 0; i < k->n; i++) {
			double off = fabs(x->x[i] - nearbyint(x->x[i]));
			if (off > most) {
				most = off;
				worst = i;
			}
		}
		if (worst == NONE)
			return true;
		double near = nearbyint(x->x[worst]);
		double other = near > x->x[worst] ? near - 1.0 : near + 1.0;
		if (!push_to(x, worst, near) && !push_to(x, worst, other))
			return false;
	}
	return false;
}

static int64_t value_now(const struct component *k, uint32_t cell)
{
	uint32_t first = k->in->s.same[cell];
	return shown_is_loose(&k->in->s, first) ? k->now[k->in->place[first]] : k->in->s.value[first];
}

/* In whole numbers: every relation, every floor. Nothing but this decides. */
static bool table_holds(struct component *k)
{
	const struct shown *s = &k->in->s;
	for (uint32_t i = 0; i < k->n; i++) {
		if (!is_whole(k->x.x[i]))
			return false;
		k->now[i] = cell_floor(k, i) + llround(k->x.x[i]);
		if (k->now[i] < cell_floor(k, i))
			return false;
	}
	for (uint32_t i = 0; i < k->n_relations; i++) {
		const struct relation *r = &k->relation[i];
		int64_t sum = 0;
		for (uint32_t j = 0; j <= r->b->n; j++) {
			int64_t v = value_now(k, relation_member(s->g, r, j));
			sum += j == 0 ? v : -v;
		}
		if (sum != 0)
			return false;
	}
	return true;
}

/* ---- enough tables ---- */

static bool cell_done(const struct component *k, uint32_t i)
{
	const struct policy_params *p = k->in->s.g->p;
	return k->in->s.aim[k->cell[i]] == 0 || (k->n_tables > 0 && k->largest[i] >= (int64_t)p->threshold &&
						    k->largest[i] - k->least[i] >= (int64_t)p->width);
}

static void put_table(struct component *k)
{
	uint32_t all = k->n + k->n_named;
	uint32_t i = 0;
	uint32_t j = k->n;
	buf_printf(&k->lines, "w %u %u %u", k->first_table + k->n_tables++, k->id, all);
	while (i < k->n || j < all)
		if (j == all || (i < k->n && k->cell[i] < k->cell[j])) {
			buf_printf(&k->lines, " %u=%lld", k->cell[i], (long long)k->now[i]);
			i++;
		} else {
			buf_printf(&k->lines, " %u=%lld", k->cell[j], (long long)value_now(k, k->cell[j]));
			j++;
		}
	buf_put_text(&k->lines, "\n");
}

/* Keeps the table if some hidden cell gains by it. */
static bool table_keep(struct component *k)
{
	bool gain = k->n_tables == 0;
	for (uint32_t i = 0; i < k->n && !gain; i++)
		gain = !cell_done(k, i) && (k->now[i] > k->largest[i] || k->now[i] < k->least[i]);
	if (!gain)
		return false;
	for (uint32_t i = 0; i < k->n; i++) {
		k->least[i] = k->n_tables == 0 || k->now[i] < k->least[i] ? k->now[i] : k->least[i];
		k->largest[i] = k->n_tables == 0 || k->now[i] > k->largest[i] ? k->now[i] : k->largest[i];
	}
	put_table(k);
	return true;
}

static uint32_t first_undone(const struct component *k)
{
	for (uint32_t j = 0; j < k->n; j++) {
		uint32_t i = (j + k->round * 7919u) % k->n;
		if (!cell_done(k, i))
			return i;
	}
	return NONE;
}

/* A vertex where the cell is as large as can be (or as small, where it cannot rise), others by lot. */
static bool aim(struct component *k, uint32_t cell, bool up)
{
	struct simplex *x = &k->x;
	for (uint32_t i = 0; i <= k->n; i++)
		x->cost[i] = 0.0;
	for (uint32_t i = 0; i < k->n; i++)
		if (!cell_done(k, i))
			x->cost[i] = -(0.5 + noise(k, i)) / (double)k->n;
	x->cost[cell] = up ? -4.0 : 4.0;
	return simplex_run(x);
}

/* The least value the cell must take to be done, in heights; or the largest, downwards. */
static bool set_goal(struct component *k, uint32_t i, bool up)
{
	const struct policy_params *p = k->in->s.g->p;
	double reached = floor(k->x.x[i] + WHOLE) + (double)cell_floor(k, i);
	double goal = (double)p->threshold;
	if (k->n_tables == 0)
		return true;
	if (up) {
		if (k->largest[i] - k->least[i] < (int64_t)p->width &&
		    goal < (double)(k->least[i] + p->width))
			goal = (double)(k->least[i] + p->width);
		goal = fmin(goal, reached);
		if (goal <= (double)k->largest[i])
			return false;
		k->x.low[i] = goal - (double)cell_floor(k, i);
		return true;
	}
	goal = (double)(k->largest[i] - p->width);
	if (goal < (double)cell_floor(k, i) || k->x.x[i] + (double)cell_floor(k, i) > goal + WHOLE)
		return false;
	k->x.high[i] = goal - (double)cell_floor(k, i);
	return true;
}

/* One more table, aimed at a cell that still needs one. */
static bool next_table(struct component *k, double *low, double *high)
{
	struct simplex *x = &k->x;
	uint32_t cell = first_undone(k);
	bool up =
	    k->n_tables == 0 || k->largest[cell] < (int64_t)k->in->s.g->p->threshold || k->round % 2 == 0;
	memcpy(low, x->low, x->n * sizeof *low);
	memcpy(high, x->high, x->n * sizeof *high);
	bool ok = aim(k, cell, up) && set_goal(k, cell, up) && dive(k) && table_holds(k) && table_keep(k);
	memcpy(x->low, low, x->n * sizeof *low);
	memcpy(x->high, high, x->n * sizeof *high);
	return ok;
}

static bool find_tables(struct component *k)
{
	assert(k->n > 0);
	double *low = calloc((size_t)k->n + 1, sizeof *low);
	double *high = calloc((size_t)k->n + 1, sizeof *high);
	k->now = calloc(k->n, sizeof *k->now);
	k->least = calloc(k->n, sizeof *k->least);
	k->largest = calloc(k->n, sizeof *k->largest);
	bool ok = low != NULL && high != NULL && k->now != NULL && k->least != NULL && k->largest != NULL &&
		  solve_base(k);
	while (ok && first_undone(k) != NONE) {
		k->failures = next_table(k, low, high) ? 0 : k->failures + 1;
		k->round++;
		ok = k->failures < FAILURES_MAX && k->x.touched < TOUCHED_MAX;
	}
	free(low);
	free(high);
	return ok && !k->lines.failed;
}

static void component_free(struct component *k)
{
	simplex_free(&k->x);
	free(k->now);
	free(k->least);
	free(k->largest);
	buf_free(&k->lines);
}

/* ---- all components ---- */

struct sorted { /* cells and relations of the components that are tried, one component after another */
	uint32_t *cell;
	struct relation *relation;
	uint32_t *cells, *named, *relations, *hidden; /* by root: how many; cells: loose ones */
};

static bool tried(const struct sorted *o, uint32_t root)
{
	return o->hidden[root] > 0 && o->cells[root] > 0 && o->cells[root] <= COMPONENT_MAX;
}

/* A column of its own in the program: the first of those that hold the same, if loose. */
static bool is_column(const struct shown *s, uint32_t cell)
{
	return cell < s->n_counts && s->same[cell] == cell && shown_is_loose(s, cell);
}

static bool follows(const uint64_t *const null[2], uint32_t cell)
{
	return null != NULL && (null[0][cell] == 0 || null[1][cell] == 0);
}

static bool sort_out(const struct reader *in, const uint64_t *const null[2], struct sorted *o,
    uint64_t *n_cells, uint64_t *n_relations)
{
	const struct shown *s = &in->s;
	struct relation_walk w;
	struct relation r;
	uint32_t n = s->g->n_cells;
	o->cells = calloc((size_t)n + 1, sizeof *o->cells);
	o->relations = calloc((size_t)n + 1, sizeof *o->relations);
	o->hidden = calloc((size_t)n + 1, sizeof *o->hidden);
	o->named = calloc((size_t)n + 1, sizeof *o->named);
	if (o->cells == NULL || o->named == NULL || o->relations == NULL || o->hidden == NULL)
		return false;
	for (uint32_t c = 0; c < n; c++)
		if ((s->g->mark[c] == 'I' || s->g->mark[c] == 'i') && !grid_loose(s->g, c))
			o->cells[in->root[c]] = COMPONENT_MAX + 1; /* too large, so to say */
	for (uint32_t c = 0; c < n; c++)
		if (shown_is_bare(s, c)) {
			o->cells[in->root[c]] += is_column(s, c);
			o->named[in->root[c]] += !is_column(s, c);
			o->hidden[in->root[c]] += s->mark[c] == SHOWN_HIDDEN && !follows(null, c);
		}
	relation_begin(&w, s->g);
	while (relation_next(&w, &r)) {
		uint32_t first = first_loose(s, &r);
		if (first != NONE)
			o->relations[in->root[first]]++;
	}
	for (uint32_t c = 0; c < n; c++)
		if (tried(o, c)) {
			*n_cells += o->cells[c] + o->named[c];
			*n_relations += o->relations[c];
		}
	return true;
}

/* Fills cell and relation; begin_*: room for where the next of each root goes. */
static void fill(
    const struct reader *in, const struct sorted *o, uint32_t *begin_cell, uint32_t *begin_relation)
{
	const struct shown *s = &in->s;
	struct relation_walk w;
	struct relation r;
	uint32_t cells = 0;
	uint32_t relations = 0;
	for (uint32_t c = 0; c < s->g->n_cells; c++)
		if (tried(o, c)) {
			begin_cell[c] = cells;
			begin_relation[c] = relations;
			cells += o->cells[c] + o->named[c];
			relations += o->relations[c];
		}
	for (uint32_t c = 0; c < s->g->n_cells; c++)
		if (is_column(s, c) && tried(o, in->root[c]))
			o->cell[begin_cell[in->root[c]]++] = c;
	for (uint32_t c = 0; c < s->g->n_cells; c++)
		if (shown_is_bare(s, c) && !is_column(s, c) && tried(o, in->root[c]))
			o->cell[begin_cell[in->root[c]]++] = c;
	relation_begin(&w, s->g);
	while (relation_next(&w, &r)) {
		uint32_t first = first_loose(s, &r);
		if (first != NONE && tried(o, in->root[first]))
			o->relation[begin_relation[in->root[first]]++] = r;
	}
}

/* Tables of one component onto *tables; false: none, which is no error. */
static bool component_try(const struct reader *in, struct component *k, struct buf *tables, uint64_t *touched)
{
	bool ok = false;
	if ((uint64_t)k->n_relations * (k->n + 1) > TABLEAU_MAX || *touched > ALL_TOUCHED)
		return false;
	for (uint32_t i = 0; i < k->n; i++)
		in->place[k->cell[i]] = i;
	ok = find_tables(k);
	*touched += k->x.touched;
	if (ok)
		buf_put(tables, k->lines.data, k->lines.size);
	return ok;
}

/* Where the tries stand. */
struct tries {
	struct buf *tables, *open;
	struct witness_report *report;
	uint32_t n_tables;
	uint64_t touched;
};

static void try_one(
    const struct reader *in, const struct sorted *o, uint32_t root, struct component *k, struct tries *t)
{
	struct witness_report *report = t->report;
	k->in = in;
	k->id = report->components - report->open;
	k->first_table = t->n_tables;
	k->n = o->cells[root];
	k->n_named = o->named[root];
	k->n_relations = o->relations[root];
	if (tried(o, root) && component_try(in, k, t->tables, &t->touched)) {
		t->n_tables += k->n_tables;
	} else {
		buf_printf(t->open, "o %u %u\n", report->open, o->hidden[root]);
		report->open++;
	}
	report->components++;
	component_free(k);
}

/* Small components first, so that a large one does not use up what they need. */
static void try_all(const struct reader *in, const struct sorted *o, struct tries *t)
{
	for (int large = 0; large < 2; large++) {
		uint32_t cells = 0;
		uint32_t relations = 0;
		for (uint32_t c = 0; c < in->s.g->n_cells; c++) {
			struct component k = { .cell = o->cell + cells, .relation = o->relation + relations };
			if (o->hidden[c] > 0 && (o->cells[c] > COMPONENT_SMALL) == (large == 1))
				try_one(in, o, c, &k, t);
			if (tried(o, c)) {
				cells += o->cells[c] + o->named[c];
				relations += o->relations[c];
			}
		}
	}
}

static bool sorted_make(const struct reader *in, const uint64_t *const null[2], struct sorted *o)
{
	size_t n = (size_t)in->s.g->n_cells + 1;
	uint64_t n_cells = 0;
	uint64_t n_relations = 0;
	bool ok = false;
	if (!sort_out(in, null, o, &n_cells, &n_relations))
		return false;
	uint32_t *begin_cell = calloc(n, sizeof *begin_cell);
	uint32_t *begin_relation = calloc(n, sizeof *begin_relation);
	o->cell = calloc(n_cells + 1, sizeof *o->cell);
	o->relation = calloc(n_relations + 1, sizeof *o->relation);
	ok = begin_cell != NULL && begin_relation != NULL && o->cell != NULL && o->relation != NULL;
	if (ok)
		fill(in, o, begin_cell, begin_relation);
	free(begin_cell);
	free(begin_relation);
	return ok;
}

bool witness_write(const struct grid *g, const uint64_t *const null[2], struct buf *tables, struct buf *open,
    struct witness_report *report, struct err *e)
{
	struct reader in = { 0 };
	struct sorted o = { 0 };
	struct tries t = { .tables = tables, .open = open, .report = report };
	size_t n = (size_t)g->n_cells + 1;
	*report = (struct witness_report){ 0 };
	in.root = calloc(n, sizeof *in.root);
	in.place = calloc(n, sizeof *in.place);
	proof_seed(g, in.seed);
	bool ok = shown_look(&in.s, g, null) && in.root != NULL && in.place != NULL;
	if (ok) {
		find_components(&in);
		ok = sorted_make(&in, null, &o);
	}
	if (ok)
		try_all(&in, &o, &t);
	shown_free(&in.s);
	free(in.root);
	free(in.place);
	free(o.cell);
	free(o.cells);
	free(o.relation);
	free(o.relations);
	free(o.hidden);
	free(o.named);
	return (ok && !tables->failed && !open->failed) ||
	       err_set(e, ERR_MEMORY, "no memory for the certificate");
}
