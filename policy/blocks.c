#include "policy/blocks.h"

#include <stdlib.h>
#include <string.h>

#include "policy/array.h"
#include "policy/ledger.h"
#include "policy/told.h"

#define SETS_MAX 64u                  /* different lists of codes looked at in one dimension */
#define WORK_MAX UINT64_C(2000000000) /* cells looked at */

struct set { /* codes that are printed together somewhere; by code */
	uint8_t *has;
};

struct rest {           /* of a code: what is left beside others below it */
	uint32_t *code; /* first the code itself and those taken off, then what is left */
	uint32_t n_off, n;
	uint8_t *holds; /* by code: it is left */
	bool deep;      /* not all of one breakdown */
};

struct lists { /* one dimension's */
	struct set *set;
	uint32_t n_sets, room_sets;
	struct rest *rest;
	uint32_t n_rests, room_rests;
};

struct visit {
	const struct grid *g;
	struct lists of[TABLE_DIMS_MAX];
	const struct rest *chosen[TABLE_DIMS_MAX]; /* NULL: one code */
	uint32_t at[TABLE_DIMS_MAX];               /* that code */
	struct block block;
	uint32_t room_parts, room_known;
	block_take *take;
	void *context;
	uint64_t spent;
	bool failed;
	struct err *e;
};

static bool no_memory(struct err *e)
{
	return err_set(e, ERR_MEMORY, "no memory for what several lists leave");
}

/* ---- which codes are printed together ---- */

/* Keeps `has`, or frees it if it is known or there are enough. */
static bool keep_set(struct visit *v, size_t d, uint8_t *has)
{
	struct lists *l = &v->of[d];
	size_t n = v->g->t->dim[d].n_codes;
	for (uint32_t i = l->n_sets; i-- > 0;)
		if (memcmp(l->set[i].has, has, n) == 0) {
			free(has);
			return true;
		}
	if (l->n_sets == SETS_MAX) {
		free(has);
		return true;
	}
	if (!array_room(&l->set, &l->room_sets, l->n_sets + 1, sizeof *l->set)) {
		free(has);
		return no_memory(v->e);
	}
	l->set[l->n_sets++].has = has;
	return true;
}

/* The codes printed in this line of the grid, and, if another release's cells stand `back` behind it, in that one's. */
static bool read_line(struct visit *v, size_t d, uint32_t first, uint32_t back)
{
	const struct grid *g = v->g;
	uint32_t n = g->t->dim[d].n_codes;
	uint32_t some = 0;
	uint8_t *has = calloc(n, 1);
	if (has == NULL)
		return no_memory(v->e);
	for (uint32_t c = 0; c < n; c++) {
		uint32_t cell = first + c * (uint32_t)g->t->stride[d];
		some += has[c] = g->mark[cell] != '-' || g->mark[cell + back] != '-';
	}
	if (some >= 2)
		return keep_set(v, d, has);
	free(has);
	return true;
}

/* What did not change between two releases is known of both from what either printed. */
static bool read_lines(struct visit *v, size_t d)
{
	const struct grid *g = v->g;
	uint32_t stride = (uint32_t)g->t->stride[d];
	uint32_t block = stride * g->t->dim[d].n_codes;
	uint32_t counts = g->ledger == NULL ? g->n_cells : (g->ledger->n + 1) * g->n_own;
	for (uint32_t high = 0; high < counts; high += block)
		for (uint32_t low = high; low < high + stride; low++)
			for (uint32_t back = 0; low + back < counts; back += g->n_own)
				if (!read_line(v, d, low, back))
					return false;
	return true;
}

/* What any two of them have in common. */
static bool meet_sets(struct visit *v, size_t d)
{
	struct lists *l = &v->of[d];
	uint32_t n = v->g->t->dim[d].n_codes;
	for (uint32_t i = 0; i < l->n_sets; i++)
		for (uint32_t j = 0; j < i; j++) {
			uint8_t *both = malloc(n);
			if (both == NULL)
				return no_memory(v->e);
			for (uint32_t c = 0; c < n; c++)
				both[c] = l->set[i].has[c] & l->set[j].has[c];
			if (!keep_set(v, d, both))
				return false;
		}
	return true;
}

/* ---- what they leave ---- */

struct left { /* while a rest is put together */
	const struct dim *d;
	const uint8_t *has, *below; /* by code: it is printed; something below it is */
	uint32_t *off, *left;
	uint32_t n_off, n_left;
	bool deep;
};

/* By code: is something below it printed? */
static void look_below(const struct dim *d, const uint8_t *has, uint8_t *below)
{
	memset(below, 0, d->n_codes);
	for (uint32_t i = 0; i < d->n_codes; i++) {
		uint32_t c = d->order[i];
		for (uint32_t k = 0; k < d->n_plain[c]; k++) {
			const struct breakdown *b = dim_down(d, c, k);
			for (uint32_t j = 0; j < b->n; j++) {
				uint32_t child = d->child[b->first + j];
				below[c] |= has[child] | below[child];
			}
		}
	}
}

static bool is_below(const struct left *l, const struct breakdown *b)
{
	for (uint32_t j = 0; j < b->n; j++) {
		uint32_t child = l->d->child[b->first + j];
		if (l->has[child] != 0 || l->below[child] != 0)
			return true;
	}
	return false;
}

/* The breakdown's children: printed ones are taken off; one with printed ones below it is opened, by the first of its breakdowns
 * that has some; the others are left. */
static void open_breakdown(struct left *l, const struct breakdown *b)
{
	for (uint32_t j = 0; j < b->n; j++) {
		uint32_t child = l->d->child[b->first + j];
		uint32_t k = 0;
		if (l->has[child] != 0) {
			l->off[l->n_off++] = child;
			continue;
		}
		if (l->below[child] == 0) {
			l->left[l->n_left++] = child;
			continue;
		}
		while (!is_below(l, dim_down(l->d, child, k)))
			k++;
		l->deep = true;
		open_breakdown(l, dim_down(l->d, child, k));
	}
}

static bool keep_rest(struct visit *v, size_t d, const struct left *l, uint32_t parent)
{
	struct lists *to = &v->of[d];
	uint32_t n_off = l->n_off + 1;
	uint32_t n = n_off + l->n_left;
	struct rest r = { .n_off = n_off, .n = n, .deep = l->deep };
	r.code = malloc(n * sizeof *r.code);
	r.holds = calloc(l->d->n_codes, 1);
	bool ok = r.code != NULL && r.holds != NULL;
	if (ok) {
		r.code[0] = parent;
		memcpy(r.code + 1, l->off, l->n_off * sizeof *r.code);
		memcpy(r.code + n_off, l->left, l->n_left * sizeof *r.code);
		for (uint32_t i = n_off; i < n; i++)
			r.holds[r.code[i]] = 1;
	}
	for (uint32_t i = 0; ok && i < to->n_rests; i++)
		if (to->rest[i].n == n && to->rest[i].n_off == n_off &&
		    memcmp(to->rest[i].code, r.code, n * sizeof *r.code) == 0) {
			free(r.code);
			free(r.holds);
			return true;
		}
	ok = ok && array_room(&to->rest, &to->room_rests, to->n_rests + 1, sizeof *to->rest);
	if (!ok) {
		free(r.code);
		free(r.holds);
		return no_memory(v->e);
	}
	to->rest[to->n_rests++] = r;
	return true;
}

/* What one list leaves of each of its codes. One code that is left is a cell, and told. */
static bool find_rests(struct visit *v, size_t d, const uint8_t *has, struct left *l, uint8_t *below)
{
	look_below(l->d, has, below);
	l->has = has;
	l->below = below;
	for (uint32_t c = 0; c < l->d->n_codes; c++)
		for (uint32_t k = 0; has[c] != 0 && k < l->d->n_plain[c]; k++) {
			l->n_off = l->n_left = 0;
			l->deep = false;
			open_breakdown(l, dim_down(l->d, c, k));
			if (l->n_off > 0 && l->n_left > 1 && !keep_rest(v, d, l, c))
				return false;
		}
	return true;
}

/* Does every code stand in one grouping, and have one? Then breakdowns say all. */
static bool is_tree(const struct dim *d)
{
	for (uint32_t c = 0; c < d->n_codes; c++) {
		uint32_t parents = 0;
		for (uint32_t i = 0; i < list_size(&d->up, c); i++)
			parents += !d->breakdown[list_at(&d->up, c)[i]].view;
		if (parents > 1 || d->n_plain[c] > 1)
			return false;
	}
	return true;
}

/* Are all atoms of the code marked so? */
static bool all_are(const struct dim *d, uint32_t code, const uint8_t *mark, uint8_t what)
{
	for (uint32_t i = 0; i < list_size(&d->atoms, code); i++)
		if (mark[list_at(&d->atoms, code)[i]] != what)
			return false;
	return true;
}

static void mark_atoms(const struct dim *d, uint32_t code, uint8_t *mark, uint8_t what)
{
	for (uint32_t i = 0; i < list_size(&d->atoms, code); i++)
		mark[list_at(&d->atoms, code)[i]] = what;
}

enum { ATOM_OUT, ATOM_LEFT, ATOM_OFF };

/* Takes `first` off the code, then in their order all other listed codes of which nothing was taken yet. mark: the code's atoms are
 * LEFT, and are again afterwards. */
static bool take_across(
    struct visit *v, size_t d, struct left *l, uint32_t code, uint32_t first, uint8_t *mark)
{
	const struct dim *dim = l->d;
	uint32_t size = list_size(&dim->atoms, code);
	l->n_off = l->n_left = 0;
	l->deep = true;
	mark_atoms(dim, first, mark, ATOM_OFF);
	for (uint32_t c = 0; c < dim->n_codes; c++) {
		bool taken = c == first;
		if (!taken && l->has[c] != 0 && list_size(&dim->atoms, c) < size &&
		    all_are(dim, c, mark, ATOM_LEFT)) {
			mark_atoms(dim, c, mark, ATOM_OFF);
			taken = true;
		}
		if (taken)
			l->off[l->n_off++] = c;
	}
	for (uint32_t i = 0; i < size; i++) {
		uint32_t atom = list_at(&dim->atoms, code)[i];
		if (mark[atom] == ATOM_LEFT)
			l->left[l->n_left++] = atom;
		mark[atom] = ATOM_LEFT;
	}
	return l->n_left < 2 || keep_rest(v, d, l, code);
}

/* Where codes stand in several groupings: a listed code may hold listed ones that stand nowhere below it, and those taken off may
 * be of different groupings, as long as they share nothing. */
static bool find_across(struct visit *v, size_t d, const uint8_t *has, struct left *l, uint8_t *mark)
{
	const struct dim *dim = l->d;
	bool ok = true;
	memset(mark, ATOM_OUT, dim->n_codes);
	l->has = has;
	for (uint32_t c = 0; ok && c < dim->n_codes; c++) {
		if (has[c] == 0 || dim_is_atom(dim, c))
			continue;
		mark_atoms(dim, c, mark, ATOM_LEFT);
		for (uint32_t o = 0; ok && o < dim->n_codes; o++)
			if (has[o] != 0 && list_size(&dim->atoms, o) < list_size(&dim->atoms, c) &&
			    all_are(dim, o, mark, ATOM_LEFT))
				ok = take_across(v, d, l, c, o, mark);
		mark_atoms(dim, c, mark, ATOM_OUT);
	}
	return ok;
}

static bool read_dimension(struct visit *v, size_t d)
{
	const struct dim *dim = &v->g->t->dim[d];
	struct left l = { .d = dim };
	uint8_t *below = calloc(dim->n_codes, 1);
	l.off = malloc(dim->n_codes * sizeof *l.off);
	l.left = malloc(dim->n_codes * sizeof *l.left);
	bool across = !is_tree(dim);
	bool ok = (below != NULL && l.off != NULL && l.left != NULL) || no_memory(v->e);
	ok = ok && read_lines(v, d) && meet_sets(v, d);
	for (uint32_t i = 0; ok && i < v->of[d].n_sets; i++)
		ok = find_rests(v, d, v->of[d].set[i].has, &l, below) &&
		     (!across || find_across(v, d, v->of[d].set[i].has, &l, below));
	free(below);
	free(l.off);
	free(l.left);
	return ok;
}

/* ---- blocks ---- */

/* All cells that have one of these codes in every dimension: off, the rest's own code and those taken off, false if one is not
 * known; else what is left. */
static bool list_cells(struct visit *v, bool off, uint32_t **list, uint32_t *room, uint32_t *n)
{
	const struct table_input *t = v->g->t;
	uint32_t place[TABLE_DIMS_MAX] = { 0 };
	*n = 0;
	for (bool more = true; more;) {
		uint64_t cell = 0;
		size_t d = t->n_dims;
		for (size_t i = 0; i < t->n_dims; i++) {
			const struct rest *r = v->chosen[i];
			uint32_t code = r == NULL ? v->at[i] : r->code[place[i] + (off ? 0 : r->n_off)];
			cell += code * t->stride[i];
		}
		v->spent++;
		if (off && v->g->kind[cell] != KIND_DEAD && !told_is_known(v->g, (uint32_t)cell))
			return false;
		if (!array_room(list, room, *n + 1, sizeof **list)) {
			v->failed = true;
			return no_memory(v->e);
		}
		(*list)[(*n)++] = (uint32_t)cell;
		while (d-- > 0) {
			const struct rest *r = v->chosen[d];
			if (r != NULL && ++place[d] < (off ? r->n_off : r->n - r->n_off))
				break;
			place[d] = 0;
		}
		more = d != SIZE_MAX;
	}
	return true;
}

static bool has_left(const struct visit *v)
{
	for (uint32_t i = 0; i < v->block.n_known; i++)
		if (v->g->kind[v->block.known[i]] != KIND_DEAD && !told_has_left(v->g, v->block.known[i]))
			return false;
	return true;
}

/* The block of the choice at hand, if it follows. */
static bool take_block(struct visit *v)
{
	struct block *b = &v->block;
	int64_t value = 0;
	if (!list_cells(v, true, &b->known, &v->room_known, &b->n_known))
		return !v->failed;
	if (grid_is_delta(v->g, b->known[0]) || has_left(v))
		return true;
	if (!list_cells(v, false, &b->part, &v->room_parts, &b->n_parts))
		return false;
	b->whole = (struct breakdown){ .parent = NONE, .n = b->n_parts };
	for (uint32_t i = 0; i < b->n_parts; i++)
		value += v->g->value[b->part[i]];
	return value < 1 || v->take(v->context, b, v->e);
}

/* One code after the other in the dimensions of which no rest is taken. */
static bool take_blocks(struct visit *v)
{
	const struct table_input *t = v->g->t;
	size_t d = 0;
	memset(v->at, 0, sizeof v->at);
	while (d != SIZE_MAX) {
		if (v->spent > WORK_MAX)
			return err_set(v->e, ERR_LIMIT, "the tables leave too many sums to look at");
		if (!take_block(v))
			return false;
		d = t->n_dims;
		while (d-- > 0) {
			if (v->chosen[d] == NULL && ++v->at[d] < t->dim[d].n_codes)
				break;
			v->at[d] = 0;
		}
	}
	return true;
}

/* Every choice of rests, in dimensions d and later. deep: one of them is by itself more than one breakdown leaves. */
static bool choose(struct visit *v, size_t d, uint32_t n, bool deep)
{
	if (d == v->g->t->n_dims)
		return (n < 2 && !deep) || take_blocks(v);
	v->chosen[d] = NULL;
	v->block.holds[d] = NULL;
	if (!choose(v, d + 1, n, deep))
		return false;
	for (uint32_t i = 0; i < v->of[d].n_rests; i++) {
		v->chosen[d] = &v->of[d].rest[i];
		v->block.holds[d] = v->chosen[d]->holds;
		if (!choose(v, d + 1, n + 1, deep || v->chosen[d]->deep))
			return false;
	}
	v->chosen[d] = NULL;
	v->block.holds[d] = NULL;
	return true;
}

static void lists_free(struct lists *l)
{
	for (uint32_t i = 0; i < l->n_sets; i++)
		free(l->set[i].has);
	for (uint32_t i = 0; i < l->n_rests; i++) {
		free(l->rest[i].code);
		free(l->rest[i].holds);
	}
	free(l->set);
	free(l->rest);
}

bool blocks_visit(const struct grid *g, block_take *take, void *context, uint64_t *work, struct err *e)
{
	struct visit v = { .g = g, .take = take, .context = context, .e = e };
	bool ok = true;
	for (size_t d = g->ledger == NULL ? 0 : 1; ok && g->told != NULL && d < g->t->n_dims; d++)
		ok = read_dimension(&v, d);
	ok = ok && (g->told == NULL || choose(&v, 0, 0, false));
	*work += v.spent;
	for (size_t d = 0; d < g->t->n_dims; d++)
		lists_free(&v.of[d]);
	free(v.block.part);
	free(v.block.known);
	return ok;
}

/* All that b has, into room of its own. */
static bool fill(struct block *c, const struct grid *g, const struct block *b)
{
	c->n_parts = b->n_parts;
	c->n_known = b->n_known;
	c->whole = b->whole;
	c->part = malloc((size_t)b->n_parts * sizeof *c->part);
	c->known = malloc((size_t)b->n_known * sizeof *c->known);
	if (c->part == NULL || c->known == NULL)
		return false;
	memcpy(c->part, b->part, (size_t)b->n_parts * sizeof *c->part);
	memcpy(c->known, b->known, (size_t)b->n_known * sizeof *c->known);
	for (size_t d = 0; d < g->t->n_dims; d++) {
		if (b->holds[d] == NULL)
			continue;
		c->holds[d] = malloc(g->t->dim[d].n_codes);
		if (c->holds[d] == NULL)
			return false;
		memcpy(c->holds[d], b->holds[d], g->t->dim[d].n_codes);
	}
	return true;
}

struct block *block_copy(const struct grid *g, const struct block *b)
{
	struct block *c = calloc(1, sizeof *c);
	if (c != NULL && !fill(c, g, b)) {
		block_free(c);
		c = NULL;
	}
	return c;
}

void block_free(struct block *b)
{
	if (b == NULL)
		return;
	for (size_t d = 0; d < TABLE_DIMS_MAX; d++)
		free(b->holds[d]);
	free(b->part);
	free(b->known);
	free(b);
}

bool block_list_add(struct block_list *l, const struct grid *g, const struct block *b)
{
	if (!array_room(&l->item, &l->room, l->n + 1, sizeof *l->item))
		return false;
	struct block *own = block_copy(g, b);
	if (own == NULL)
		return false;
	l->item[l->n++].is = own;
	return true;
}

void block_list_free(struct block_list *l)
{
	for (uint32_t i = 0; i < l->n; i++)
		block_free(l->item[i].is);
	free(l->item);
	*l = (struct block_list){ 0 };
}
