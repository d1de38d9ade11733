#include "client/protect/latticepart.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/limits.h"

#define DEPTH_MAX 32

/* FNV-1a: the codes are the publisher's own, nobody gains by a collision but time. */
static uint32_t code_hash(const char *code)
{
	uint32_t h = 2166136261u;
	for (; *code != '\0'; code++)
		h = (h ^ (uint8_t)*code) * 16777619u;
	return h;
}

/* The slot that holds code, or the empty one where it would stand. */
static uint32_t *code_slot(const struct latticedim *d, const char *code)
{
	uint32_t at = code_hash(code) & (d->n_slots - 1);
	while (d->slot[at] != 0 && strcmp(d->code[d->slot[at] - 1], code) != 0)
		at = (at + 1) & (d->n_slots - 1);
	return &d->slot[at];
}

uint32_t lattice_code(const struct latticedim *d, const char *code)
{
	return d->n_slots == 0 ? UINT32_MAX : *code_slot(d, code) - 1; /* 0 - 1: none */
}

static bool slots_grow(struct latticedim *d)
{
	if (2 * (uint64_t)d->n_codes < d->n_slots)
		return true;
	uint32_t n = d->n_slots == 0 ? 16 : 2 * d->n_slots;
	uint32_t *slot = calloc(n, sizeof *slot);
	if (slot == NULL)
		return false;
	free(d->slot);
	d->slot = slot;
	d->n_slots = n;
	for (uint32_t i = 0; i < d->n_codes; i++)
		*code_slot(d, d->code[i]) = i + 1;
	return true;
}

static bool code_add(struct latticedim *d, const char *code, uint32_t *place, struct err *e)
{
	*place = lattice_code(d, code);
	if (*place != UINT32_MAX)
		return true;
	if (d->n_codes >= LIMIT_CODES)
		return err_set(e, ERR_LIMIT, "dimension %s has too many codes", d->name);
	if (!slots_grow(d))
		return err_set(e, ERR_MEMORY, "no memory");
	if ((d->n_codes & (d->n_codes - 1)) == 0) { /* room doubles at powers of two */
		char **more = realloc(d->code, (d->n_codes == 0 ? 1 : 2 * (size_t)d->n_codes) * sizeof *more);
		if (more == NULL)
			return err_set(e, ERR_MEMORY, "no memory");
		d->code = more;
	}
	d->code[d->n_codes] = strdup(code);
	if (d->code[d->n_codes] == NULL)
		return err_set(e, ERR_MEMORY, "no memory");
	*place = d->n_codes++;
	*code_slot(d, code) = *place + 1;
	return true;
}

/* A new breakdown of parent; children follow. */
static bool breakdown_open(struct latticedim *d, uint32_t parent, bool view, uint32_t *place, struct err *e)
{
	struct breakdown *more = realloc(d->breakdown, (d->n_breakdowns + 1) * sizeof *more);
	if (more == NULL)
		return err_set(e, ERR_MEMORY, "no memory");
	d->breakdown = more;
	more[d->n_breakdowns] = (struct breakdown){ .parent = parent, .view = view };
	*place = d->n_breakdowns++;
	return true;
}

static bool breakdown_add(struct breakdown *b, uint32_t child, struct err *e)
{
	if (b->n == 0 || (b->n & (b->n - 1)) == 0) {
		uint32_t *more = realloc(b->child, (b->n == 0 ? 1 : 2 * (size_t)b->n) * sizeof *more);
		if (more == NULL)
			return err_set(e, ERR_MEMORY, "no memory");
		b->child = more;
	}
	b->child[b->n++] = child;
	return true;
}

struct hier_line {
	unsigned level;
	uint32_t code;
	bool view;
};

struct hier_walk { /* the path from the top to the line before */
	struct hier_line at[DEPTH_MAX + 1];
	uint32_t breakdown[DEPTH_MAX + 1]; /* of that line's code, UINT32_MAX: not begun */
	unsigned depth;
};

/* fresh: the code stands here for the first time. */
static bool hier_take(
    struct latticedim *d, struct hier_walk *w, struct hier_line line, bool fresh, struct err *e)
{
	if (line.level == 0 || line.level > DEPTH_MAX || line.level > w->depth + 1)
		return err_set(e, ERR_MALFORMED, "level: one deeper than the line before at most");
	w->depth = line.level;
	w->at[line.level] = line;
	w->breakdown[line.level] = UINT32_MAX;
	if (line.level == 1)
		return true;
	unsigned up = line.level - 1;
	if (w->breakdown[up] == UINT32_MAX &&
	    !breakdown_open(d, w->at[up].code, w->at[up].view, &w->breakdown[up], e))
		return false;
	/* a child that stands again begins another grouping of its own: it is no child twice */
	struct breakdown *b = &d->breakdown[w->breakdown[up]];
	for (uint32_t i = 0; !fresh && i < b->n; i++)
		if (b->child[i] == line.code)
			return true;
	return breakdown_add(b, line.code, e);
}

/* Children before parents. A code that waits for itself is its own ancestor. */
bool latticedim_index(struct latticedim *d)
{
	size_t n = 0;
	for (uint32_t b = 0; b < d->n_breakdowns; b++)
		n += 1 + (size_t)d->breakdown[b].n;
	uint32_t *next = calloc((size_t)d->n_codes + 1, sizeof *next);
	d->held_from = calloc((size_t)d->n_codes + 2, sizeof *d->held_from);
	d->held = malloc((n + 1) * sizeof *d->held);
	bool ok = next != NULL && d->held_from != NULL && d->held != NULL;
	for (uint32_t b = 0; ok && b < d->n_breakdowns; b++) {
		d->held_from[d->breakdown[b].parent + 1]++;
		for (uint32_t c = 0; c < d->breakdown[b].n; c++)
			d->held_from[d->breakdown[b].child[c] + 1]++;
	}
	for (uint32_t i = 0; ok && i < d->n_codes; i++)
		next[i + 1] = d->held_from[i + 1] += d->held_from[i];
	for (uint32_t b = 0; ok && b < d->n_breakdowns; b++) {
		d->held[next[d->breakdown[b].parent]++] = 2 * b;
		for (uint32_t c = 0; c < d->breakdown[b].n; c++)
			d->held[next[d->breakdown[b].child[c]]++] = 2 * b + 1;
	}
	free(next);
	return ok;
}

static bool order_make(struct latticedim *d, struct err *e)
{
	bool *done = calloc((size_t)d->n_codes + 1, sizeof *done);
	d->order = calloc((size_t)d->n_codes + 1, sizeof *d->order);
	uint32_t n = 0;
	bool moved = true;
	if (done == NULL || d->order == NULL) {
		free(done);
		return err_set(e, ERR_MEMORY, "no memory");
	}
	bool *ready = calloc((size_t)d->n_codes + 1, sizeof *ready);
	while (ready != NULL && moved && n < d->n_codes) {
		moved = false;
		memset(ready, 1, d->n_codes * sizeof *ready);
		for (uint32_t b = 0; b < d->n_breakdowns; b++)
			for (uint32_t c = 0; c < d->breakdown[b].n; c++)
				if (!done[d->breakdown[b].child[c]])
					ready[d->breakdown[b].parent] = false;
		for (uint32_t i = 0; i < d->n_codes; i++)
			if (!done[i] && ready[i]) {
				done[i] = true;
				d->order[n++] = i;
				moved = true;
			}
	}
	free(ready);
	free(done);
	return n == d->n_codes || err_set(e, ERR_INVALID, "a code is its own ancestor");
}

/* How often a breakdown holds each code, down to those that have none themselves. first: by code, its first ordinary
 * breakdown, or UINT32_MAX. */
static void count_held(
    const struct latticedim *d, const struct breakdown *b, const uint32_t *first, uint32_t *held)
{
	memset(held, 0, d->n_codes * sizeof *held);
	for (uint32_t c = 0; c < b->n; c++)
		held[b->child[c]]++;
	for (uint32_t i = d->n_codes; i-- > 0;) { /* parents before children */
		uint32_t at = d->order[i];
		const struct breakdown *down = first[at] == UINT32_MAX ? NULL : &d->breakdown[first[at]];
		for (uint32_t c = 0; held[at] > 0 && down != NULL && c < down->n; c++)
			held[down->child[c]] += held[at] > 1 ? 2 : 1;
		held[at] = down == NULL ? held[at] : 0;
	}
}

static bool groupings_compare(const struct latticedim *d, uint32_t *room, struct err *e)
{
	uint32_t *first = room;
	uint32_t *one = room + d->n_codes;
	uint32_t *other = one + d->n_codes;
	for (uint32_t i = 0; i < d->n_codes; i++)
		first[i] = UINT32_MAX;
	for (uint32_t b = d->n_breakdowns; b-- > 0;)
		if (!d->breakdown[b].view)
			first[d->breakdown[b].parent] = b;
	for (uint32_t b = 0; b < d->n_breakdowns; b++) {
		const struct breakdown *at = &d->breakdown[b];
		if (at->view && at->n != 2)
			return err_set(e, ERR_INVALID, "a view does not have two children");
		if (at->view || first[at->parent] == b)
			continue;
		count_held(d, &d->breakdown[first[at->parent]], first, one);
		count_held(d, at, first, other);
		for (uint32_t i = 0; i < d->n_codes; i++)
			if (one[i] != other[i] || one[i] > 1)
				return err_set(e, ERR_INVALID,
				    "the breakdowns of a code do not hold the same codes once each");
	}
	return true;
}

/* All ordinary breakdowns of a code hold the same; a view is a pair. */
static bool groupings_agree(const struct latticedim *d, struct err *e)
{
	uint32_t *room = calloc(3 * (size_t)d->n_codes + 1, sizeof *room);
	bool ok = room != NULL ? groupings_compare(d, room, e) : err_set(e, ERR_MEMORY, "no memory");
	free(room);
	return ok;
}

bool latticedim_read(struct latticedim *d, const char *dir, const char *name, struct err *e)
{
	char file[128];
	char own[160];
	struct csvlines c;
	struct hier_walk w = { .depth = 0 };
	struct err end = { 0 };
	bool ok = false;
	snprintf(file, sizeof file, "hier_%s.csv", name);
	d->name = strdup(name);
	if (!csvlines_open(&c, dir, lattice_file_name(dir, file, own), e))
		goto done;
	if (c.n_columns < 2 || strcmp(c.field[0], "level") != 0 || strcmp(c.field[1], "code") != 0) {
		err_set(e, ERR_MALFORMED, "the first columns are level and code");
		csvlines_at(&c, e);
		goto done;
	}
	size_t view = SIZE_MAX;
	for (size_t i = 0; i < c.n_columns; i++)
		if (strcmp(c.field[i], "view") == 0)
			view = i;
	while (csvlines_next(&c, &end)) {
		struct hier_line line = { .level = (unsigned)strlen(c.field[0]),
			.view = view != SIZE_MAX && strcmp(c.field[view], "1") == 0 };
		uint32_t before = d->n_codes;
		if (view != SIZE_MAX && !line.view && c.field[view][0] != '\0' &&
		    strcmp(c.field[view], "0") != 0) {
			err_set(e, ERR_MALFORMED, "view: 1, 0 or nothing is expected");
			csvlines_at(&c, e);
			goto done;
		}
		if (!code_add(d, c.field[1], &line.code, e) ||
		    !hier_take(d, &w, line, d->n_codes > before, e)) {
			csvlines_at(&c, e);
			goto done;
		}
	}
	if (end.code != ERR_NONE) {
		*e = end;
		goto done;
	}
	ok = d->name != NULL && order_make(d, e) && groupings_agree(d, e) &&
	     (latticedim_index(d) || err_set(e, ERR_MEMORY, "no memory"));
	if (!ok)
		err_wrap(e, "%s/%s", dir, file);
done:
	csvlines_close(&c);
	return ok;
}

/* The contributors, where cells.csv has a column `office` that is no dimension. */
static int by_bytes(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Contributors stand in the order of their codes' bytes, whatever the order of lines. */
static void offices_sort(struct latticedim *d)
{
	if (d->n_codes > 1)
		qsort(d->code + 1, d->n_codes - 1, sizeof *d->code, by_bytes);
	memset(d->slot, 0, d->n_slots * sizeof *d->slot);
	for (uint32_t i = 0; i < d->n_codes; i++)
		*code_slot(d, d->code[i]) = i + 1;
}

bool lattice_offices_read(struct lattice *g, const char *dir, struct err *e)
{
	struct csvlines c;
	struct err end = { 0 };
	bool ok = false;
	size_t office = SIZE_MAX;
	uint32_t place;
	uint32_t all = 0;
	if (!csvlines_open(&c, dir, "cells.csv", e))
		goto done;
	for (size_t i = 0; i < c.n_columns; i++)
		if (strcmp(c.field[i], "office") == 0 && lattice_dim(g, "office") == UINT32_MAX)
			office = i;
	ok = office == SIZE_MAX;
	if (ok)
		goto done;
	struct latticedim *offices = &g->dim[g->n_dims++];
	offices->synthetic = true;
	offices->name = strdup("office");
	ok = offices->name != NULL && code_add(offices, "_T", &place, e);
	while (ok && csvlines_next(&c, &end)) {
		uint32_t before = offices->n_codes;
		ok = code_add(offices, c.field[office], &place, e) &&
		     (offices->n_breakdowns > 0 || breakdown_open(offices, 0, false, &all, e)) &&
		     (offices->n_codes == before || breakdown_add(&offices->breakdown[all], place, e));
	}
	if (ok)
		offices_sort(offices);
	ok = ok && end.code == ERR_NONE && order_make(offices, e) &&
	     (latticedim_index(offices) || err_set(e, ERR_MEMORY, "no memory"));
	if (ok && offices->n_breakdowns == 0) { /* nobody is known */
		latticedim_free(offices);
		*offices = (struct latticedim){ 0 };
		g->n_dims--;
	}
done:
	csvlines_close(&c);
	return ok;
}
