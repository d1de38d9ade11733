#include "client/protect/auditblocks.h"

#include <stdlib.h>
#include <string.h>

#include "client/protect/auditledger.h"

#define LISTS_MAX 256u /* docs/disclosure.md, "Limits" */
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

struct blocks {
	struct audit *a;
	struct dimlists dim[LATTICE_DIMS_MAX];
	uint32_t first_dim;                           /* behind that of releases */
	const struct remainder *of[LATTICE_DIMS_MAX]; /* the choice at hand; NULL: one code */
	uint64_t n_counts, looks;
	struct block block;
	take_block *take;
	void *context;
};

static bool no_memory(const struct audit *a)
{
	return err_set(a->e, ERR_MEMORY, "no memory");
}

/* ---- lists ---- */

/* Takes the list over. */
static bool list_add(struct blocks *s, uint32_t d, bool *list)
{
	struct dimlists *l = &s->dim[d];
	size_t n = s->a->g->dim[d].n_codes * sizeof *list;
	bool known = false;
	for (uint32_t i = 0; !known && i < l->n_lists; i++)
		known = memcmp(l->list[i], list, n) == 0;
	if (known) {
		free(list);
		return true;
	}
	bool **more = l->n_lists == LISTS_MAX ? NULL : realloc(l->list, (l->n_lists + 1) * sizeof *more);
	if (more == NULL) {
		free(list);
		return l->n_lists == LISTS_MAX
			   ? err_set(s->a->e, ERR_LIMIT, "dimension %s: too many different lists of codes",
				 s->a->g->dim[d].name)
			   : no_memory(s->a);
	}
	l->list = more;
	l->list[l->n_lists++] = list;
	return true;
}

/* Of every line of the table: which of its codes a table prints, if there are two. */
static bool lists_find(struct blocks *s, uint32_t d)
{
	const struct lattice *g = s->a->g;
	uint32_t n_codes = g->dim[d].n_codes;
	for (uint64_t cell = 0; cell < s->n_counts; cell++) {
		uint32_t n = 0;
		if (lattice_place(g, cell, d) != 0)
			continue;
		bool *list = calloc(n_codes, sizeof *list);
		if (list == NULL)
			return no_memory(s->a);
		for (uint32_t i = 0; i < n_codes; i++) {
			list[i] = g->mark[cell + i * g->stride[d]] != '-';
			n += list[i];
		}
		if (n < 2)
			free(list);
		else if (!list_add(s, d, list))
			return false;
	}
	return true;
}

/* Two lines together have what both lists have. */
static bool lists_cross(struct blocks *s, uint32_t d)
{
	struct dimlists *l = &s->dim[d];
	uint32_t n_codes = s->a->g->dim[d].n_codes;
	for (uint32_t j = 1; j < l->n_lists; j++)
		for (uint32_t i = 0; i < j; i++) {
			bool *list = calloc(n_codes, sizeof *list);
			if (list == NULL)
				return no_memory(s->a);
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

static bool remainder_keep(struct blocks *s, uint32_t d, const struct remainder *r)
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
		return no_memory(s->a);
	l->remainder = more;
	struct remainder *own = &more[l->n_remainders];
	*own = *r;
	own->minuend = malloc(r->n_minuend * sizeof *own->minuend);
	own->left = malloc(r->n_left * sizeof *own->left);
	l->n_remainders++;
	if (own->minuend == NULL || own->left == NULL)
		return no_memory(s->a);
	memcpy(own->minuend, r->minuend, r->n_minuend * sizeof *own->minuend);
	memcpy(own->left, r->left, r->n_left * sizeof *own->left);
	return true;
}

/* room: for reach, and codes of a remainder. */
static bool remainders_find(
    struct blocks *s, uint32_t d, const bool *list, bool *reach, struct remainder *room)
{
	const struct latticedim *dim = &s->a->g->dim[d];
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

static bool dimension_read(struct blocks *s, uint32_t d)
{
	uint32_t n = s->a->g->dim[d].n_codes;
	struct remainder room = { 0 };
	bool *reach = calloc(n, sizeof *reach);
	room.minuend = calloc((size_t)n + 1, sizeof *room.minuend);
	room.left = calloc((size_t)n + 1, sizeof *room.left);
	bool ok = (reach != NULL && room.minuend != NULL && room.left != NULL) || no_memory(s->a);
	ok = ok && lists_find(s, d) && lists_cross(s, d);
	for (uint32_t i = 0; ok && i < s->dim[d].n_lists; i++)
		ok = remainders_find(s, d, s->dim[d].list[i], reach, &room);
	free(reach);
	free(room.minuend);
	free(room.left);
	return ok;
}

/* ---- sums ---- */

/* Printed or told, or nothing can be in it. */
static bool is_settled(const struct audit *a, uint64_t cell)
{
	return a->g->live[cell] == 0 || audit_printed(a, cell) ||
	       (a->told[cell] != TOLD_NOTHING && a->told[cell] != TOLD_FEW);
}

static bool has_left(const struct audit *a, uint64_t cell)
{
	return a->g->live[cell] == 0 || audit_has_left(a, cell) || a->told[cell] == TOLD_GONE;
}

static bool cell_add(uint64_t **list, size_t *n, size_t *room, uint64_t cell)
{
	if (*n == *room) {
		size_t wider = *room == 0 ? 64 : 2 * *room;
		uint64_t *more = realloc(*list, wider * sizeof *more);
		if (more == NULL)
			return false;
		*list = more;
		*room = wider;
	}
	(*list)[(*n)++] = cell;
	return true;
}

/* Adds the cells of the choice in dimension d and later, at the codes that `cell` has in those before. *open: one that the sum
 * would be reckoned from is not settled. */
static bool cells_from(struct blocks *s, uint32_t d, uint64_t cell, bool *open)
{
	struct block *b = &s->block;
	if (d == s->a->g->n_dims) {
		s->looks++;
		*open = !is_settled(s->a, cell);
		return *open || cell_add(&b->from, &b->n_from, &b->room_from, cell) || no_memory(s->a);
	}
	const struct remainder *r = s->of[d];
	bool ok = true;
	for (uint32_t i = 0; ok && !*open && i < (r == NULL ? 1 : r->n_minuend); i++)
		ok = cells_from(s, d + 1, cell + (r == NULL ? 0 : r->minuend[i] * s->a->g->stride[d]), open);
	return ok;
}

static bool parts_from(struct blocks *s, uint32_t d, uint64_t cell)
{
	struct block *b = &s->block;
	if (d == s->a->g->n_dims) {
		s->looks++;
		return cell_add(&b->part, &b->n_parts, &b->room_parts, cell) || no_memory(s->a);
	}
	const struct remainder *r = s->of[d];
	bool ok = true;
	for (uint32_t i = 0; ok && i < (r == NULL ? 1 : r->n_left); i++)
		ok = parts_from(s, d + 1, cell + (r == NULL ? 0 : r->left[i] * s->a->g->stride[d]));
	return ok;
}

/* cell: the codes of dimensions without a remainder, 0 in the others. */
static bool block_take(struct blocks *s, uint64_t cell)
{
	struct block *b = &s->block;
	int64_t value = 0;
	bool open = false;
	bool left = true;
	b->n_from = b->n_parts = 0;
	if (s->looks > LOOKS_MAX)
		return err_set(s->a->e, ERR_LIMIT, "the tables leave too many sums to look at");
	if (!cells_from(s, s->first_dim, cell, &open))
		return false;
	for (size_t i = 0; !open && left && i < b->n_from; i++)
		left = has_left(s->a, b->from[i]);
	if (open || left)
		return true;
	if (!parts_from(s, s->first_dim, cell))
		return false;
	for (size_t i = 0; i < b->n_parts; i++)
		value += s->a->g->truth[b->part[i]];
	return value < 1 || s->take(s->context, b);
}

/* All codes, in dimension d and later, where no remainder was chosen. */
static bool blocks_at(struct blocks *s, uint32_t d, uint64_t cell)
{
	const struct lattice *g = s->a->g;
	bool ok = true;
	if (d == g->n_dims)
		return block_take(s, cell);
	if (s->of[d] != NULL)
		return blocks_at(s, d + 1, cell);
	uint64_t n = d < s->first_dim ? s->n_counts / g->stride[d] : g->dim[d].n_codes;
	for (uint64_t c = 0; ok && c < n; c++)
		ok = blocks_at(s, d + 1, cell + c * g->stride[d]);
	return ok;
}

/* n: remainders chosen; several: of one of them the codes are of more than one breakdown. */
static bool choices(struct blocks *s, uint32_t d, uint32_t n, bool several)
{
	if (d == s->a->g->n_dims)
		return (n < 2 && !several) || blocks_at(s, 0, 0);
	s->of[d] = NULL;
	bool ok = choices(s, d + 1, n, several);
	for (uint32_t i = 0; ok && i < s->dim[d].n_remainders; i++) {
		s->of[d] = &s->dim[d].remainder[i];
		ok = choices(s, d + 1, n + 1, several || s->of[d]->several);
	}
	s->of[d] = NULL;
	return ok;
}

bool auditblocks_visit(struct audit *a, take_block *take, void *context)
{
	struct blocks s = { .a = a, .take = take, .context = context };
	bool ok = true;
	s.first_dim = a->releases != NULL;
	s.n_counts = a->releases == NULL ? a->g->n_cells : auditledger_n_counts(a);
	if (memchr(a->g->mark, '-', s.n_counts) == NULL)
		return true; /* all is printed */
	for (uint32_t d = s.first_dim; ok && d < a->g->n_dims; d++)
		ok = dimension_read(&s, d);
	ok = ok && choices(&s, 0, 0, false);
	for (uint32_t d = 0; d < a->g->n_dims; d++) {
		for (uint32_t i = 0; i < s.dim[d].n_lists; i++)
			free(s.dim[d].list[i]);
		for (uint32_t i = 0; i < s.dim[d].n_remainders; i++) {
			free(s.dim[d].remainder[i].minuend);
			free(s.dim[d].remainder[i].left);
		}
		free(s.dim[d].list);
		free(s.dim[d].remainder);
	}
	free(s.block.part);
	free(s.block.from);
	return ok;
}
