#include "client/protect/listsums.h"

#include <stdlib.h>
#include <string.h>

#define LISTS_MAX 64u /* docs/disclosure.md, "Limits" */
#define LOOKS_MAX UINT64_C(2000000000)

/* A code, with codes below it that are printed beside it: what is left of it. */
struct remainder {
	uint32_t *minuend; /* the code, then those taken off */
	uint32_t n_minuend;
	uint32_t *left;
	uint32_t n_left;
	bool several; /* codes of more than one breakdown */
};

struct dimlists {
	bool **list; /* by code: printed together with the others */
	uint32_t n_lists;
	struct remainder *remainder;
	uint32_t n_remainders;
};

struct listsums {
	const struct listsums_question *q;
	const struct lattice *g;
	struct dimlists dim[LATTICE_DIMS_MAX];
	const struct remainder *of[LATTICE_DIMS_MAX]; /* the choice at hand; NULL: one code */
	uint64_t looks;
	struct listsum sum;
};

static bool no_memory(const struct listsums *s)
{
	return err_set(s->q->e, ERR_MEMORY, "no memory");
}

/* ---- lists ---- */

/* Takes the list over: keeps it, unless it is known or there are enough. */
static bool list_add(struct listsums *s, uint32_t d, bool *list)
{
	struct dimlists *l = &s->dim[d];
	size_t n = s->g->dim[d].n_codes * sizeof *list;
	bool known = false;
	for (uint32_t i = 0; !known && i < l->n_lists; i++)
		known = memcmp(l->list[i], list, n) == 0;
	if (known || l->n_lists == LISTS_MAX) {
		free(list);
		return true;
	}
	bool **more = realloc(l->list, (l->n_lists + 1) * sizeof *more);
	if (more == NULL) {
		free(list);
		return no_memory(s);
	}
	l->list = more;
	l->list[l->n_lists++] = list;
	return true;
}

/* Which codes tables print in this line, or in that of another release, `further` behind it: at least two. */
static bool line_read(struct listsums *s, uint32_t d, uint64_t cell, uint64_t further)
{
	const struct lattice *g = s->g;
	uint32_t n = 0;
	bool *list = calloc(g->dim[d].n_codes, sizeof *list);
	if (list == NULL)
		return no_memory(s);
	for (uint32_t i = 0; i < g->dim[d].n_codes; i++) {
		uint64_t at = cell + i * g->stride[d];
		list[i] = g->mark[at] != '-' || g->mark[at + further] != '-';
		n += list[i];
	}
	if (n >= 2)
		return list_add(s, d, list);
	free(list);
	return true;
}

static bool lists_find(struct listsums *s, uint32_t d)
{
	const struct lattice *g = s->g;
	uint64_t release = s->q->first_dim == 0 ? s->q->n_counts : g->stride[0];
	for (uint64_t cell = 0; cell < s->q->n_counts; cell++)
		for (uint64_t more = 0; lattice_place(g, cell, d) == 0 && cell + more < s->q->n_counts;
		     more += release)
			if (!line_read(s, d, cell, more))
				return false;
	return true;
}

/* Two lines together have what both lists have. */
static bool lists_cross(struct listsums *s, uint32_t d)
{
	struct dimlists *l = &s->dim[d];
	uint32_t n_codes = s->g->dim[d].n_codes;
	for (uint32_t j = 1; j < l->n_lists; j++)
		for (uint32_t i = 0; i < j; i++) {
			bool *list = calloc(n_codes, sizeof *list);
			if (list == NULL)
				return no_memory(s);
			for (uint32_t c = 0; c < n_codes; c++)
				list[c] = l->list[i][c] && l->list[j][c];
			if (!list_add(s, d, list))
				return false;
		}
	return true;
}

/* ---- what they leave ---- */

/* The code's first ordinary breakdown, or the next after k; NULL: there are no more. */
static const struct breakdown *next_below(
    const struct latticedim *d, uint32_t code, const struct breakdown *k)
{
	for (uint32_t i = d->held_from[code]; i < d->held_from[code + 1]; i++) {
		const struct breakdown *b = &d->breakdown[d->held[i] / 2];
		if (d->held[i] % 2 == 0 && !b->view && (k == NULL || b > k))
			return b;
	}
	return NULL;
}

/* Is the code in the list, or one below it in ordinary breakdowns? */
static void reach_find(const struct latticedim *d, const bool *list, bool *reach)
{
	memcpy(reach, list, d->n_codes * sizeof *reach);
	for (uint32_t i = 0; i < d->n_codes; i++) { /* children before parents */
		uint32_t code = d->order[i];
		for (const struct breakdown *k = NULL; (k = next_below(d, code, k)) != NULL;)
			for (uint32_t c = 0; c < k->n; c++)
				reach[code] |= reach[k->child[c]];
	}
}

static bool is_reached(const struct breakdown *k, const bool *reach)
{
	for (uint32_t c = 0; c < k->n; c++)
		if (reach[k->child[c]])
			return true;
	return false;
}

/* Listed children are taken off. One that has listed codes below it is taken apart, by the first breakdown with such; the others
 * are left. */
static void breakdown_take(const struct latticedim *d, const struct breakdown *k, const bool *list,
    const bool *reach, struct remainder *r)
{
	for (uint32_t c = 0; c < k->n; c++) {
		uint32_t code = k->child[c];
		const struct breakdown *next = NULL;
		if (list[code]) {
			r->minuend[r->n_minuend++] = code;
			continue;
		}
		do
			next = next_below(d, code, next);
		while (next != NULL && !is_reached(next, reach));
		if (next == NULL) {
			r->left[r->n_left++] = code;
			continue;
		}
		r->several = true;
		breakdown_take(d, next, list, reach, r);
	}
}

static bool same_codes(const uint32_t *x, uint32_t n_x, const uint32_t *y, uint32_t n_y)
{
	return n_x == n_y && memcmp(x, y, n_x * sizeof *x) == 0;
}

static bool remainder_keep(struct listsums *s, uint32_t d, const struct remainder *r)
{
	struct dimlists *l = &s->dim[d];
	for (uint32_t i = 0; i < l->n_remainders; i++) {
		const struct remainder *o = &l->remainder[i];
		if (same_codes(o->minuend, o->n_minuend, r->minuend, r->n_minuend) &&
		    same_codes(o->left, o->n_left, r->left, r->n_left))
			return true;
	}
	struct remainder *more = realloc(l->remainder, (l->n_remainders + 1) * sizeof *more);
	if (more == NULL)
		return no_memory(s);
	l->remainder = more;
	struct remainder *own = &more[l->n_remainders];
	*own = *r;
	own->minuend = malloc(r->n_minuend * sizeof *own->minuend);
	own->left = malloc(r->n_left * sizeof *own->left);
	l->n_remainders++;
	if (own->minuend == NULL || own->left == NULL)
		return no_memory(s);
	memcpy(own->minuend, r->minuend, r->n_minuend * sizeof *own->minuend);
	memcpy(own->left, r->left, r->n_left * sizeof *own->left);
	return true;
}

/* room: for reach, and codes of a remainder. */
static bool remainders_find(
    struct listsums *s, uint32_t d, const bool *list, bool *reach, struct remainder *room)
{
	const struct latticedim *dim = &s->g->dim[d];
	bool ok = true;
	reach_find(dim, list, reach);
	for (uint32_t b = 0; ok && b < dim->n_breakdowns; b++) {
		const struct breakdown *k = &dim->breakdown[b];
		if (k->view || !list[k->parent])
			continue;
		room->minuend[0] = k->parent;
		room->n_minuend = 1;
		room->n_left = 0;
		room->several = false;
		breakdown_take(dim, k, list, reach, room);
		if (room->n_minuend > 1 && room->n_left > 1) /* one that is left is a cell */
			ok = remainder_keep(s, d, room);
	}
	return ok;
}

/* ---- several groupings ---- */

/* Is some code a child in two ordinary breakdowns, or the parent of two? */
static bool has_groupings(const struct latticedim *d)
{
	for (uint32_t c = 0; c < d->n_codes; c++) {
		uint32_t as[2] = { 0, 0 }; /* parent, child */
		for (uint32_t i = d->held_from[c]; i < d->held_from[c + 1]; i++)
			as[d->held[i] % 2] += !d->breakdown[d->held[i] / 2].view;
		if (as[0] > 1 || as[1] > 1)
			return true;
	}
	return false;
}

enum grain { FOREIGN, PRESENT, TAKEN }; /* of a code without an ordinary breakdown, as to the one looked at */

/* Does `is` hold for all that the code is made of? Then, or if so asked, it becomes `now`. *n grows by how many these are. */
static bool grains(const struct latticedim *d, uint32_t code, uint8_t *grain, int is, int now, uint32_t *n)
{
	const struct breakdown *k = next_below(d, code, NULL);
	bool all = true;
	if (k == NULL) {
		all = is < 0 || grain[code] == is;
		grain[code] = now < 0 ? grain[code] : (uint8_t)now;
		*n += 1;
		return all;
	}
	for (uint32_t c = 0; all && c < k->n; c++)
		all = grains(d, k->child[c], grain, is, now, n);
	return all;
}

/* Listed, made of less than `most`, and of nothing but what is present. */
static bool is_inside(
    const struct latticedim *d, const bool *list, uint8_t *grain, uint32_t code, uint32_t most)
{
	uint32_t n = 0;
	return list[code] && grains(d, code, grain, PRESENT, -1, &n) && n < most;
}

/* The code less the one `first`, and less all other listed ones in turn of which nothing is taken yet. */
static bool across_take(struct listsums *s, uint32_t d, const bool *list, uint8_t *grain, uint32_t code,
    uint32_t first, struct remainder *room)
{
	const struct latticedim *dim = &s->g->dim[d];
	uint32_t most = 0;
	uint32_t n = 0;
	room->minuend[0] = code;
	room->n_minuend = 1;
	room->n_left = 0;
	room->several = true;
	grains(dim, code, grain, -1, -1, &most);
	grains(dim, first, grain, -1, TAKEN, &n);
	for (uint32_t c = 0; c < dim->n_codes; c++) {
		bool next = c != first && is_inside(dim, list, grain, c, most);
		if (next)
			grains(dim, c, grain, -1, TAKEN, &n);
		if (next || c == first)
			room->minuend[room->n_minuend++] = c;
	}
	for (uint32_t c = 0; c < dim->n_codes; c++)
		if (grain[c] == PRESENT)
			room->left[room->n_left++] = c;
	grains(dim, code, grain, -1, PRESENT, &n);
	return room->n_left < 2 || remainder_keep(s, d, room);
}

static bool across_find(
    struct listsums *s, uint32_t d, const bool *list, uint8_t *grain, struct remainder *room)
{
	const struct latticedim *dim = &s->g->dim[d];
	bool ok = true;
	for (uint32_t c = 0; ok && c < dim->n_codes; c++) {
		uint32_t n = 0;
		if (!list[c] || next_below(dim, c, NULL) == NULL)
			continue;
		memset(grain, FOREIGN, dim->n_codes);
		grains(dim, c, grain, -1, PRESENT, &n);
		for (uint32_t o = 0; ok && o < dim->n_codes; o++)
			if (is_inside(dim, list, grain, o, n))
				ok = across_take(s, d, list, grain, c, o, room);
	}
	return ok;
}

static bool dimension_read(struct listsums *s, uint32_t d)
{
	uint32_t n = s->g->dim[d].n_codes;
	struct remainder room = { 0 };
	bool *reach = calloc(n, sizeof *reach);
	uint8_t *grain = calloc(n, 1);
	bool groupings = has_groupings(&s->g->dim[d]);
	room.minuend = calloc((size_t)n + 1, sizeof *room.minuend);
	room.left = calloc((size_t)n + 1, sizeof *room.left);
	bool ok =
	    (reach != NULL && grain != NULL && room.minuend != NULL && room.left != NULL) || no_memory(s);
	ok = ok && lists_find(s, d) && lists_cross(s, d);
	for (uint32_t i = 0; ok && i < s->dim[d].n_lists; i++)
		ok = remainders_find(s, d, s->dim[d].list[i], reach, &room) &&
		     (!groupings || across_find(s, d, s->dim[d].list[i], grain, &room));
	free(reach);
	free(grain);
	free(room.minuend);
	free(room.left);
	return ok;
}

/* ---- sums ---- */

static bool from_add(struct listsums *s, uint64_t cell, int8_t sign)
{
	struct listsum *b = &s->sum;
	if (b->n_from == b->room_from) {
		size_t room = b->room_from == 0 ? 64 : 2 * b->room_from;
		uint64_t *from = realloc(b->from, room * sizeof *from);
		if (from == NULL)
			return no_memory(s);
		b->from = from;
		int8_t *signs = realloc(b->sign, room * sizeof *signs);
		if (signs == NULL)
			return no_memory(s);
		b->sign = signs;
		b->room_from = room;
	}
	b->from[b->n_from] = cell;
	b->sign[b->n_from++] = sign;
	return true;
}

static bool part_add(struct listsums *s, uint64_t cell)
{
	struct listsum *b = &s->sum;
	if (b->n_parts == b->room_parts) {
		size_t room = b->room_parts == 0 ? 64 : 2 * b->room_parts;
		uint64_t *part = realloc(b->part, room * sizeof *part);
		if (part == NULL)
			return no_memory(s);
		b->part = part;
		b->room_parts = room;
	}
	b->part[b->n_parts++] = cell;
	return true;
}

/* Adds the cells of the choice in dimension d and later, at the codes that `cell` has in those before. *open: one that the sum
 * would be reckoned from is not settled. */
static bool cells_from(struct listsums *s, uint32_t d, uint64_t cell, int8_t sign, bool *open)
{
	if (d == s->g->n_dims) {
		s->looks++;
		*open = !s->q->settled(s->q->context, cell);
		return *open || from_add(s, cell, sign);
	}
	const struct remainder *r = s->of[d];
	if (r == NULL)
		return cells_from(s, d + 1, cell, sign, open);
	bool ok = true;
	for (uint32_t i = 0; ok && !*open && i < r->n_minuend; i++)
		ok = cells_from(
		    s, d + 1, cell + r->minuend[i] * s->g->stride[d], (int8_t)(i == 0 ? sign : -sign), open);
	return ok;
}

static bool parts_from(struct listsums *s, uint32_t d, uint64_t cell)
{
	if (d == s->g->n_dims) {
		s->looks++;
		return part_add(s, cell);
	}
	const struct remainder *r = s->of[d];
	bool ok = true;
	for (uint32_t i = 0; ok && i < (r == NULL ? 1 : r->n_left); i++)
		ok = parts_from(s, d + 1, cell + (r == NULL ? 0 : r->left[i] * s->g->stride[d]));
	return ok;
}

/* cell: the codes of dimensions without a remainder, 0 in the others. */
static bool sum_take(struct listsums *s, uint64_t cell)
{
	const struct listsums_question *q = s->q;
	struct listsum *b = &s->sum;
	bool open = false;
	bool left = q->left != NULL;
	b->n_from = b->n_parts = 0;
	if (s->looks > LOOKS_MAX)
		return err_set(s->q->e, ERR_LIMIT, "the tables leave too many sums to look at");
	if (!cells_from(s, q->first_dim, cell, 1, &open))
		return false;
	for (size_t i = 0; !open && left && i < b->n_from; i++)
		left = q->left(q->context, b->from[i]);
	return open || left || (parts_from(s, q->first_dim, cell) && q->take(q->context, b));
}

/* All codes, in dimension d and later, where no remainder was chosen. */
static bool sums_at(struct listsums *s, uint32_t d, uint64_t cell)
{
	const struct lattice *g = s->g;
	bool ok = true;
	if (d == g->n_dims)
		return sum_take(s, cell);
	if (s->of[d] != NULL)
		return sums_at(s, d + 1, cell);
	uint64_t n = d < s->q->first_dim ? s->q->n_counts / g->stride[d] : g->dim[d].n_codes;
	for (uint64_t c = 0; ok && c < n; c++)
		ok = sums_at(s, d + 1, cell + c * g->stride[d]);
	return ok;
}

/* n: remainders chosen; several: of one of them the codes are of more than one breakdown. */
static bool choices(struct listsums *s, uint32_t d, uint32_t n, bool several)
{
	if (d == s->g->n_dims)
		return (n < 2 && !several) || sums_at(s, 0, 0);
	s->of[d] = NULL;
	bool ok = choices(s, d + 1, n, several);
	for (uint32_t i = 0; ok && i < s->dim[d].n_remainders; i++) {
		s->of[d] = &s->dim[d].remainder[i];
		ok = choices(s, d + 1, n + 1, several || s->of[d]->several);
	}
	s->of[d] = NULL;
	return ok;
}

bool listsums_visit(const struct listsums_question *q)
{
	struct listsums s = { .q = q, .g = q->g };
	bool ok = true;
	if (memchr(q->g->mark, '-', q->n_counts) == NULL)
		return true; /* all is printed */
	for (uint32_t d = q->first_dim; ok && d < q->g->n_dims; d++)
		ok = dimension_read(&s, d);
	ok = ok && choices(&s, 0, 0, false);
	for (uint32_t d = 0; d < q->g->n_dims; d++) {
		for (uint32_t i = 0; i < s.dim[d].n_lists; i++)
			free(s.dim[d].list[i]);
		for (uint32_t i = 0; i < s.dim[d].n_remainders; i++) {
			free(s.dim[d].remainder[i].minuend);
			free(s.dim[d].remainder[i].left);
		}
		free(s.dim[d].list);
		free(s.dim[d].remainder);
	}
	free(s.sum.part);
	free(s.sum.from);
	free(s.sum.sign);
	return ok;
}
