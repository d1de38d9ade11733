#include "policy/witness.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "policy/certificate.h"
#include "policy/witness_part.h"

#define COMPONENT_MAX   2500u                /* cells of a component that is tried */
#define COMPONENT_SMALL 800u                 /* cells: tried before the others */
#define TABLEAU_MAX     7500000u             /* numbers in its program */
#define ALL_TOUCHED     UINT64_C(1600000000) /* for all together */

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

/* ---- who tries which ---- */

struct attempt { /* at one component with hidden cells */
	uint32_t root;
	uint32_t cells, relations; /* where its own begin */
	bool skipped, ok;
	uint32_t n_tables;
	uint64_t touched;
	struct buf lines;
};

struct witness {
	struct reader in;
	struct sorted o;
	struct attempt *attempt;
	uint32_t n;
	_Atomic uint64_t spent; /* by all that are done */
};

/* Small components first, so that a large one does not use up what they need. */
static bool list_attempts(struct witness *w)
{
	const struct sorted *o = &w->o;
	uint32_t n_cells = w->in.s.g->n_cells;
	uint32_t n = 0;
	for (uint32_t c = 0; c < n_cells; c++)
		n += o->hidden[c] > 0;
	w->attempt = calloc((size_t)n + 1, sizeof *w->attempt);
	for (int large = 0; w->attempt != NULL && large < 2; large++) {
		uint32_t cells = 0;
		uint32_t relations = 0;
		for (uint32_t c = 0; c < n_cells; c++) {
			if (o->hidden[c] > 0 && (o->cells[c] > COMPONENT_SMALL) == (large == 1))
				w->attempt[w->n++] =
				    (struct attempt){ .root = c, .cells = cells, .relations = relations };
			if (tried(o, c)) {
				cells += o->cells[c] + o->named[c];
				relations += o->relations[c];
			}
		}
	}
	return w->attempt != NULL;
}

static void attempt_make(const struct witness *w, struct attempt *a)
{
	const struct sorted *o = &w->o;
	struct component k = { .in = &w->in,
		.root = a->root,
		.n = o->cells[a->root],
		.n_named = o->named[a->root],
		.n_relations = o->relations[a->root],
		.cell = o->cell + a->cells,
		.relation = o->relation + a->relations };
	if (!tried(o, a->root) || (uint64_t)k.n_relations * (k.n + 1) > TABLEAU_MAX)
		return;
	for (uint32_t i = 0; i < k.n; i++)
		w->in.place[k.cell[i]] = i;
	a->ok = component_tables(&k);
	a->touched = k.x.touched;
	a->n_tables = k.n_tables;
	if (a->ok) {
		a->lines = k.lines;
		k.lines = (struct buf){ 0 };
	}
	component_free(&k);
}

uint32_t witness_jobs(const struct witness *w)
{
	return w->n;
}

/* Without those that come too late anyhow: mostly, since others may be done meanwhile that come later (witness_put). */
void witness_try(struct witness *w, uint32_t job)
{
	struct attempt *a = &w->attempt[job];
	a->skipped = atomic_load(&w->spent) > ALL_TOUCHED;
	if (a->skipped)
		return;
	attempt_make(w, a);
	atomic_fetch_add(&w->spent, a->touched);
}

static void put_lines(const struct attempt *a, uint32_t table, uint32_t id, struct buf *tables)
{
	const uint8_t *at = a->lines.data;
	const uint8_t *end = at + a->lines.size;
	while (at < end) {
		const uint8_t *next = (const uint8_t *)memchr(at, '\n', (size_t)(end - at)) + 1;
		buf_printf(tables, "w %u %u", table++, id);
		buf_put(tables, at, (size_t)(next - at));
		at = next;
	}
}

bool witness_put(struct witness *w, struct buf *tables, struct buf *open, struct witness_report *r)
{
	uint64_t touched = 0;
	uint32_t n_tables = 0;
	*r = (struct witness_report){ 0 };
	for (uint32_t i = 0; i < w->n; i++, r->components++) {
		struct attempt *a = &w->attempt[i];
		bool in_time = touched <= ALL_TOUCHED;
		if (in_time && a->skipped)
			attempt_make(w, a);
		touched += in_time ? a->touched : 0;
		if (in_time && a->ok) {
			put_lines(a, n_tables, r->components - r->open, tables);
			n_tables += a->n_tables;
		} else {
			buf_printf(open, "o %u %u\n", r->open, w->o.hidden[a->root]);
			r->open++;
		}
		buf_free(&a->lines);
	}
	return !tables->failed && !open->failed;
}

struct witness *witness_open(const struct grid *g, const uint64_t *const null[2], struct err *e)
{
	struct witness *w = calloc(1, sizeof *w);
	size_t n = (size_t)g->n_cells + 1;
	bool ok = false;
	if (w == NULL)
		goto done;
	w->in.root = calloc(n, sizeof *w->in.root);
	w->in.place = calloc(n, sizeof *w->in.place);
	proof_seed(g, w->in.seed);
	ok = shown_look(&w->in.s, g, null) && w->in.root != NULL && w->in.place != NULL;
	if (ok) {
		find_components(&w->in);
		ok = sorted_make(&w->in, null, &w->o) && list_attempts(w);
	}
done:
	if (ok)
		return w;
	witness_free(w);
	err_set(e, ERR_MEMORY, "no memory for the certificate");
	return NULL;
}

void witness_free(struct witness *w)
{
	if (w == NULL)
		return;
	shown_free(&w->in.s);
	free(w->in.root);
	free(w->in.place);
	free(w->o.cell);
	free(w->o.cells);
	free(w->o.relation);
	free(w->o.relations);
	free(w->o.hidden);
	free(w->o.named);
	for (uint32_t i = 0; i < w->n; i++)
		buf_free(&w->attempt[i].lines);
	free(w->attempt);
	free(w);
}
