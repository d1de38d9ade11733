#include "client/protect/lattice.h"

#include <dirent.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/protect/csvlines.h"
#include "client/protect/moved.h"
#include "client/protect/protectfiles.h"
#include "proto/limits.h"

#define DEPTH_MAX 32

#define RELEASE_PREFIX "grid-"

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

uint32_t lattice_dim(const struct lattice *g, const char *name)
{
	for (uint32_t i = 0; i < g->n_dims; i++)
		if (strcmp(g->dim[i].name, name) == 0)
			return i;
	return UINT32_MAX;
}

uint32_t lattice_place(const struct lattice *g, uint64_t cell, uint32_t dim)
{
	return (uint32_t)(cell / g->stride[dim] % g->dim[dim].n_codes);
}

void lattice_name(const struct lattice *g, uint64_t cell, struct buf *out)
{
	for (uint32_t i = 0; i < g->n_dims; i++) {
		if (g->dim[i].synthetic)
			continue;
		if (i > 0)
			buf_put_byte(out, '|');
		buf_put_text(out, g->dim[i].code[lattice_place(g, cell, i)]);
	}
}

bool lattice_is_leaf(const struct latticedim *d, uint32_t code)
{
	for (uint32_t i = 0; i < d->n_breakdowns; i++)
		if (d->breakdown[i].parent == code)
			return false;
	return true;
}

bool lattice_is_inner(const struct lattice *g, uint64_t cell)
{
	for (uint32_t d = 0; d < g->n_dims; d++)
		if (!g->dim[d].synthetic && !lattice_is_leaf(&g->dim[d], lattice_place(g, cell, d)))
			return false;
	return true;
}

void lattice_leaves(const struct latticedim *d, uint32_t code, bool *out)
{
	/* order has children first: walk it backwards, from parents down */
	bool *in = calloc(d->n_codes, sizeof *in);
	memset(out, 0, d->n_codes * sizeof *out);
	if (in == NULL)
		return;
	in[code] = true;
	for (uint32_t i = d->n_codes; i-- > 0;) {
		uint32_t at = d->order[i];
		if (!in[at])
			continue;
		out[at] = lattice_is_leaf(d, at);
		for (uint32_t b = 0; b < d->n_breakdowns; b++)
			for (uint32_t c = 0; d->breakdown[b].parent == at && c < d->breakdown[b].n; c++)
				in[d->breakdown[b].child[c]] = true;
	}
	free(in);
}

/* ---- dimensions ---- */

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
	if (d->n_codes == UINT32_C(1) << 27 || !slots_grow(d))
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

/* ---- names of files ---- */

bool lattice_is_release(const char *dir)
{
	char path[LATTICE_PATH_MAX];
	snprintf(path, sizeof path, "%s/manifest.txt", dir);
	return access(path, F_OK) == 0;
}

bool lattice_result_path(const char *dir, char out[LATTICE_PATH_MAX])
{
	int n = snprintf(
	    out, LATTICE_PATH_MAX, "%s/%s", dir, lattice_is_release(dir) ? "result.csv" : "RESULT.csv");
	return n > 0 && n < LATTICE_PATH_MAX;
}

/* The file's name in this folder: a release has only a-z, 0-9, '.' and '-'. */
static const char *name_in(const char *dir, const char *name, char out[160])
{
	if (!lattice_is_release(dir))
		return name;
	snprintf(out, 160, RELEASE_PREFIX "%s", name);
	if (strncmp(name, "hier_", 5) == 0)
		out[strlen(RELEASE_PREFIX) + 4] = '-';
	return out;
}

/* The other way round: what a file of the folder is called in the digest. False: it is no part of it. */
static bool name_from(bool release, const char *file, char out[160])
{
	size_t skip = release ? strlen(RELEASE_PREFIX) : 0;
	size_t len = strlen(file);
	if (len >= 150 || strncmp(file, RELEASE_PREFIX, skip) != 0)
		return false;
	memcpy(out, file + skip, len + 1 - skip);
	if (release && strncmp(out, "hier-", 5) == 0)
		out[4] = '_';
	return true;
}

static bool dim_read(struct latticedim *d, const char *dir, const char *name, struct err *e)
{
	char file[128];
	char own[160];
	struct csvlines c;
	struct hier_walk w = { .depth = 0 };
	struct err end = { 0 };
	bool ok = false;
	snprintf(file, sizeof file, "hier_%s.csv", name);
	d->name = strdup(name);
	if (!csvlines_open(&c, dir, name_in(dir, file, own), e))
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
	ok = d->name != NULL && order_make(d, e) && groupings_agree(d, e);
	if (!ok)
		err_wrap(e, "%s/%s", dir, file);
done:
	csvlines_close(&c);
	return ok;
}

/* ---- marks ---- */

static bool cell_of(const struct lattice *g, const char *const *code, uint64_t *cell, struct err *e)
{
	uint64_t at = 0;
	for (uint32_t i = 0; i < g->n_dims; i++) {
		uint32_t place = g->dim[i].synthetic ? 0 : lattice_code(&g->dim[i], code[i]);
		if (place == UINT32_MAX)
			return err_set(e, ERR_INVALID, "%s: a code that hier_%s.csv lacks", g->dim[i].name,
			    g->dim[i].name);
		at += place * g->stride[i];
	}
	*cell = at;
	return true;
}

static bool number(const char *text, int64_t *out)
{
	int64_t value = 0;
	if (text[0] == '\0')
		return false;
	for (; *text != '\0'; text++) {
		if (*text < '0' || *text > '9' || value > (int64_t)LIMIT_HASH_TOTAL)
			return false;
		value = 10 * value + (*text - '0');
	}
	*out = value;
	return true;
}

static bool result_line(struct lattice *g, const struct csvlines *c, struct err *e)
{
	const char *code[LATTICE_DIMS_MAX] = { 0 };
	uint64_t cell = 0;
	const char *status = c->field[c->n_columns - 1];
	for (uint32_t i = 0; i < g->n_dims; i++)
		code[i] = g->dim[i].synthetic ? "" : c->field[i];
	if (!cell_of(g, code, &cell, e))
		return false;
	if (status[0] == '\0' || status[1] != '\0' || strchr("PHZNAR", status[0]) == NULL)
		return err_set(e, ERR_MALFORMED, "status: P, H, Z, N, A or R is expected");
	if (g->mark[cell] != '-')
		return err_set(e, ERR_MALFORMED, "the cell stands twice");
	const char *freq = c->field[c->n_columns - 2];
	if ((status[0] == 'Z' && strcmp(freq, "0") != 0) ||
	    (strchr("NA", status[0]) != NULL && freq[0] != '\0'))
		return err_set(e, ERR_MALFORMED, "freq: nothing is expected, or 0 for Z");
	g->mark[cell] = (uint8_t)status[0];
	if (status[0] == 'Z')
		g->value[cell] = 0;
	if (status[0] == 'R' && g->near == NULL && (g->near = calloc(g->n_cells, sizeof *g->near)) == NULL)
		return err_set(e, ERR_MEMORY, "no memory");
	if ((status[0] == 'R' && !number(c->field[c->n_columns - 2], &g->near[cell])) ||
	    (status[0] == 'P' && !number(c->field[c->n_columns - 2], &g->value[cell])))
		return err_set(e, ERR_MALFORMED, "freq: a whole number is expected");
	return true;
}

static bool open_path(struct csvlines *c, const char *path, struct err *e)
{
	const char *slash = strrchr(path, '/');
	char *dir = slash == NULL ? strdup(".") : strndup(path, (size_t)(slash - path) + 1);
	bool ok = dir != NULL || err_set(e, ERR_MEMORY, "no memory");
	ok = ok && csvlines_open(c, dir, slash == NULL ? path : slash + 1, e);
	free(dir);
	return ok;
}

/* Opens a result and checks its last columns. */
static bool result_open(struct csvlines *c, const char *path, struct err *e)
{
	bool ok = open_path(c, path, e);
	if (!ok || (c->n_columns >= 3 && strcmp(c->field[c->n_columns - 1], "status") == 0 &&
		       strcmp(c->field[c->n_columns - 2], "freq") == 0))
		return ok;
	err_set(e, ERR_MALFORMED, "the last columns are freq and status");
	return csvlines_at(c, e);
}

/* Dimension i is column i, as header_read found it. */
static bool same_columns(const struct lattice *g, const struct csvlines *c)
{
	bool same = true;
	for (uint32_t i = 0; same && i < g->n_dims; i++)
		same =
		    g->dim[i].synthetic || (i + 2 < c->n_columns && strcmp(g->dim[i].name, c->field[i]) == 0);
	return same;
}

static bool result_read(struct lattice *g, const char *path, struct err *e)
{
	struct csvlines c = { 0 };
	struct err end = { 0 };
	bool ok = result_open(&c, path, e) &&
		  (same_columns(g, &c) || err_set(e, ERR_MALFORMED, "%s: has changed meanwhile", path));
	while (ok && csvlines_next(&c, &end))
		ok = result_line(g, &c, e) || csvlines_at(&c, e);
	if (ok && end.code != ERR_NONE) {
		*e = end;
		ok = false;
	}
	csvlines_close(&c);
	return ok;
}

/* ---- declared cells ---- */

typedef void pattern_visit(struct lattice *g, uint8_t *flag, uint64_t cell);

static void set_structural(struct lattice *g, uint8_t *flag, uint64_t cell)
{
	(void)flag;
	if (g->mark[cell] == '-')
		g->value[cell] = 0;
}

static void set_flag(struct lattice *g, uint8_t *flag, uint64_t cell)
{
	(void)g;
	flag[cell] = 1;
}

/* Every cell a line of patterns names; `*` is any code. */
static bool pattern_line(struct lattice *g, const struct csvlines *c, const size_t *place,
    pattern_visit *visit, uint8_t *flag, struct err *e)
{
	uint32_t from[LATTICE_DIMS_MAX] = { 0 };
	uint32_t to[LATTICE_DIMS_MAX] = { 0 };
	uint32_t at[LATTICE_DIMS_MAX] = { 0 };
	for (uint32_t d = 0; d < g->n_dims; d++) {
		const char *code = g->dim[d].synthetic ? "*" : c->field[place[d]];
		bool any = strcmp(code, "*") == 0;
		from[d] = any ? 0 : lattice_code(&g->dim[d], code);
		if (from[d] == UINT32_MAX)
			return err_set(e, ERR_INVALID, "%s: unknown code", g->dim[d].name);
		to[d] = any ? g->dim[d].n_codes : from[d] + 1;
		at[d] = from[d];
	}
	for (;;) {
		uint64_t cell = 0;
		uint32_t d = g->n_dims;
		for (uint32_t i = 0; i < g->n_dims; i++)
			cell += at[i] * g->stride[i];
		visit(g, flag, cell);
		while (d > 0 && ++at[d - 1] == to[d - 1]) {
			at[d - 1] = from[d - 1];
			d--;
		}
		if (d == 0)
			return true;
	}
}

static bool patterns_read(
    struct lattice *g, const char *dir, const char *name, pattern_visit *visit, uint8_t *flag, struct err *e)
{
	struct csvlines c;
	struct err end = { 0 };
	size_t place[LATTICE_DIMS_MAX] = { 0 };
	bool ok = false;
	char own[160];
	if (!csvlines_open(&c, dir, name_in(dir, name, own), e)) {
		ok = e->code == ERR_NOT_FOUND;
		if (ok)
			*e = (struct err){ 0 }; /* the file need not be there */
		goto done;
	}
	for (size_t i = 0; i < c.n_columns; i++) {
		uint32_t dim = lattice_dim(g, c.field[i]);
		if (dim == UINT32_MAX) {
			err_set(e, ERR_MALFORMED, "%s: no such dimension", c.field[i]);
			csvlines_at(&c, e);
			goto done;
		}
		place[dim] = i;
	}
	while (csvlines_next(&c, &end))
		if (!pattern_line(g, &c, place, visit, flag, e)) {
			csvlines_at(&c, e);
			goto done;
		}
	ok = end.code == ERR_NONE;
	if (!ok)
		*e = end;
done:
	csvlines_close(&c);
	return ok;
}

/* Along one dimension: every code takes over what its children have (up), or gives them what it has. */
static void spread(const struct lattice *g, uint32_t dim, bool up, uint8_t *flag)
{
	const struct latticedim *d = &g->dim[dim];
	uint64_t stride = g->stride[dim];
	for (uint32_t i = 0; i < d->n_codes; i++) {
		uint32_t code = d->order[up ? i : d->n_codes - 1 - i];
		for (uint32_t b = 0; b < d->n_breakdowns; b++) {
			const struct breakdown *k = &d->breakdown[b];
			for (uint32_t c = 0; k->parent == code && c < k->n; c++) {
				uint8_t *to = flag + (up ? code : k->child[c]) * stride;
				const uint8_t *from = flag + (up ? k->child[c] : code) * stride;
				for (uint64_t base = 0; base < g->n_cells; base += stride * d->n_codes)
					for (uint64_t low = base; low < base + stride; low++)
						to[low] |= from[low];
			}
		}
	}
}

/* Codes of which an office reports as a whole: leaves, and those with nothing but yes/no views. */
static void find_bases(const struct latticedim *d, bool *base)
{
	for (uint32_t i = 0; i < d->n_codes; i++)
		base[i] = true;
	for (uint32_t b = 0; b < d->n_breakdowns; b++)
		base[d->breakdown[b].parent] &= d->breakdown[b].view;
}

/* Parts of sums that are printed, or hidden. */
static void find_parts(const struct lattice *g, uint8_t *part)
{
	for (uint32_t d = 0; d < g->n_dims; d++)
		for (uint32_t b = 0; b < g->dim[d].n_breakdowns; b++) {
			const struct breakdown *k = &g->dim[d].breakdown[b];
			uint64_t block = g->stride[d] * g->dim[d].n_codes;
			for (uint64_t low = 0; low < g->n_cells; low++)
				for (uint32_t i = 0; low % block < g->stride[d] && i < k->n; i++)
					part[low + k->child[i] * g->stride[d]] |=
					    strchr("PHR", g->mark[low + k->parent * g->stride[d]]) != NULL;
		}
}

/* Some part of a base is printed, so there may be persons there: whatever was not reported of the same base by another
 * view may be some of them. */
static void spread_views(const struct lattice *g, uint32_t dim, const uint8_t *missing, uint8_t *alive)
{
	const struct latticedim *d = &g->dim[dim];
	uint64_t stride = g->stride[dim];
	for (uint32_t i = d->n_codes; i-- > 0;)
		for (uint32_t b = 0; b < d->n_breakdowns; b++) {
			const struct breakdown *k = &d->breakdown[b];
			for (uint32_t c = 0; k->view && k->parent == d->order[i] && c < k->n; c++)
				for (uint64_t base = 0; base < g->n_cells; base += stride * d->n_codes)
					for (uint64_t low = base; low < base + stride; low++)
						alive[low + k->child[c] * stride] |=
						    alive[low + k->parent * stride] &
						    missing[low + k->child[c] * stride];
		}
}

/* Rule R12 as a reader can see it. A figure marked not reported or not asked adds nothing to any printed sum,
 * nor do its parts, unless it may be a part of a total that was reported (covered.csv), or some part of it is
 * printed. A sum over several offices or groups carries the mark for the sake of one of them: it is unknown, unless it is
 * part of a sum that was printed without it. */
static bool close_missing(struct lattice *g, uint8_t *alive, uint8_t *missing)
{
	uint8_t *part = calloc(g->n_cells, 1);
	if (part == NULL)
		return false;
	find_parts(g, part);
	for (uint32_t d = 0; d < g->n_dims; d++)
		spread(g, d, false, alive);
	for (uint64_t c = 0; c < g->n_cells; c++) {
		missing[c] = g->mark[c] == 'N' || g->mark[c] == 'A';
		alive[c] = (alive[c] != 0 && missing[c] != 0) || strchr("PHR", g->mark[c]) != NULL;
	}
	for (uint32_t d = 0; d < g->n_dims; d++)
		spread(g, d, true, alive);
	for (uint32_t d = 0; d < g->n_dims; d++)
		spread_views(g, d, missing, alive);
	for (uint32_t d = 0; d < g->n_dims; d++) {
		bool *base = calloc(g->dim[d].n_codes, sizeof *base);
		if (base == NULL) {
			free(part);
			return false;
		}
		find_bases(&g->dim[d], base);
		for (uint64_t c = 0; c < g->n_cells; c++)
			missing[c] &= base[lattice_place(g, c, d)] || (g->dim[d].synthetic && part[c] != 0);
		free(base);
	}
	free(part);
	for (uint64_t c = 0; c < g->n_cells; c++)
		missing[c] &= !alive[c];
	for (uint32_t d = 0; d < g->n_dims; d++)
		spread(g, d, false, missing);
	for (uint64_t c = 0; c < g->n_cells; c++)
		if (missing[c] != 0 && strchr("PHR", g->mark[c]) == NULL)
			g->value[c] = 0;
	return true;
}

static bool patterns_apply(struct lattice *g, const char *dir, struct err *e)
{
	uint8_t *alive = malloc(g->n_cells);
	uint8_t *missing = calloc(g->n_cells, 1);
	g->noted = calloc(g->n_cells, 1);
	bool ok =
	    (alive != NULL && missing != NULL && g->noted != NULL) || err_set(e, ERR_MEMORY, "no memory");
	ok = ok && patterns_read(g, dir, "structural.csv", set_structural, NULL, e) &&
	     patterns_read(g, dir, "covered.csv", set_flag, g->noted, e);
	if (ok) {
		memcpy(alive, g->noted, g->n_cells);
		ok = close_missing(g, alive, missing) || err_set(e, ERR_MEMORY, "no memory");
	}
	free(alive);
	free(missing);
	return ok;
}

/* ---- digests ---- */

struct part { /* a file the digest is over */
	char name[160], *file;
};

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct part *)a)->name, ((const struct part *)b)->name);
}

static bool digested(const char *name)
{
	static const char *const fixed[] = { "tables.csv", "structural.csv", "forced.csv", "derived.csv",
		"absent.csv", "covered.csv" };
	size_t len = strlen(name);
	for (size_t i = 0; i < sizeof fixed / sizeof fixed[0]; i++)
		if (strcmp(name, fixed[i]) == 0)
			return true;
	return len > 9 && strncmp(name, "hier_", 5) == 0 && strcmp(name + len - 4, ".csv") == 0;
}

static bool digest_file(
    crypto_hash_sha256_state *state, const char *dir, const struct part *part, struct err *e)
{
	struct buf file = { 0 };
	struct buf head = { 0 };
	char path[LATTICE_PATH_MAX];
	snprintf(path, sizeof path, "%s/%s", dir, part->file);
	bool ok = protectfiles_read(&file, path, CSVLINES_FILE_MAX, e);
	if (ok) {
		buf_put_le64(&head, strlen(part->name));
		buf_put_text(&head, part->name);
		buf_put_le64(&head, file.size);
		crypto_hash_sha256_update(state, head.data, head.size);
		crypto_hash_sha256_update(state, file.data, file.size);
	}
	buf_free(&head);
	buf_free(&file);
	return ok;
}

bool lattice_folder_digest(const char *dir, uint8_t out[32], struct err *e)
{
	crypto_hash_sha256_state state;
	struct part part[64];
	size_t n = 0;
	bool ok = true;
	bool release = lattice_is_release(dir);
	DIR *d = opendir(dir);
	if (d == NULL)
		return err_set(e, ERR_SYSTEM, "%s: cannot be opened", dir);
	for (struct dirent *entry; ok && (entry = readdir(d)) != NULL;) {
		if (!name_from(release, entry->d_name, part[n].name) || !digested(part[n].name))
			continue;
		part[n].file = strdup(entry->d_name);
		ok = part[n].file != NULL || err_set(e, ERR_MEMORY, "no memory");
		if (ok && ++n == sizeof part / sizeof part[0])
			ok = err_set(e, ERR_LIMIT, "%s: too many files", dir);
	}
	closedir(d);
	qsort(part, n, sizeof part[0], by_name);
	crypto_hash_sha256_init(&state);
	for (size_t i = 0; i < n; i++) {
		ok = ok && digest_file(&state, dir, &part[i], e);
		free(part[i].file);
	}
	crypto_hash_sha256_final(&state, out);
	return ok;
}

/* ---- the whole ---- */

static bool shape(struct lattice *g, struct err *e)
{
	g->n_cells = 1;
	for (uint32_t i = g->n_dims; i-- > 0;) {
		g->stride[i] = g->n_cells;
		if (g->dim[i].n_codes == 0 || g->n_cells > LATTICE_CELLS_MAX / g->dim[i].n_codes)
			return err_set(e, ERR_LIMIT, "the table has no cell, or too many");
		g->n_cells *= g->dim[i].n_codes;
	}
	g->mark = malloc(g->n_cells);
	g->value = malloc(g->n_cells * sizeof *g->value);
	if (g->mark == NULL || g->value == NULL)
		return err_set(e, ERR_MEMORY, "no memory");
	memset(g->mark, '-', g->n_cells);
	memset(g->value, 0xff, g->n_cells * sizeof *g->value);
	return true;
}

/* The dimensions, in the order of the result's columns: all but the last two, freq and status. */
static bool header_read(struct lattice *g, const char *dir, const char *result, struct err *e)
{
	struct csvlines c = { 0 };
	bool ok = false;
	if (!result_open(&c, result, e))
		goto done;
	for (size_t i = 0; i + 2 < c.n_columns; i++) {
		if (g->n_dims == LATTICE_DIMS_MAX - 1) {
			err_set(e, ERR_LIMIT, "%s: too many dimensions", c.path);
			goto done;
		}
		if (lattice_dim(g, c.field[i]) != UINT32_MAX) {
			err_set(e, ERR_MALFORMED, "%s: a column stands twice", c.path);
			goto done;
		}
		if (!dim_read(&g->dim[g->n_dims++], dir, c.field[i], e))
			goto done;
	}
	ok = g->n_dims > 0 || err_set(e, ERR_MALFORMED, "%s: no dimension", c.path);
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

static bool offices_read(struct lattice *g, const char *dir, struct err *e)
{
	struct csvlines c;
	struct err end = { 0 };
	bool ok = false;
	size_t office = SIZE_MAX;
	uint32_t place;
	uint32_t all;
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
	ok = offices->name != NULL && code_add(offices, "_T", &place, e) &&
	     breakdown_open(offices, 0, false, &all, e);
	while (ok && csvlines_next(&c, &end)) {
		uint32_t before = offices->n_codes;
		ok = code_add(offices, c.field[office], &place, e) &&
		     (offices->n_codes == before || breakdown_add(&offices->breakdown[all], place, e));
	}
	if (ok)
		offices_sort(offices);
	ok = ok && end.code == ERR_NONE && order_make(offices, e);
done:
	csvlines_close(&c);
	return ok;
}

static bool file_is_there(const char *dir, const char *name)
{
	char path[LATTICE_PATH_MAX];
	snprintf(path, sizeof path, "%s/%s", dir, name);
	return access(path, F_OK) == 0;
}

bool lattice_read(struct lattice *g, const char *dir, const char *result, bool own_offices, struct err *e)
{
	struct buf file = { 0 };
	char own[LATTICE_PATH_MAX];
	*g = (struct lattice){ 0 };
	if (result == NULL && !lattice_result_path(dir, own))
		return err_set(e, ERR_LIMIT, "the name of the folder is too long");
	result = result == NULL ? own : result;
	g->has_forced = file_is_there(dir, "forced.csv") || file_is_there(dir, "grid-forced.csv");
	if (!header_read(g, dir, result, e) || (own_offices && !offices_read(g, dir, e)) || !shape(g, e) ||
	    !result_read(g, result, e) || !patterns_apply(g, dir, e) || !lattice_figures(g, dir, result, e) ||
	    !lattice_folder_digest(dir, g->digest, e))
		return false;
	bool ok = (g->near == NULL || moved_beside(&g->moved, result, e)) &&
		  protectfiles_read(&file, result, CSVLINES_FILE_MAX, e);
	if (ok)
		crypto_hash_sha256(g->result_digest, file.data, file.size);
	buf_free(&file);
	return ok;
}

/* value[parent] = sum of the children of its first breakdown, one dimension after another. */
static void sum_up(struct lattice *g)
{
	for (uint32_t d = 0; d < g->n_dims; d++) {
		const struct latticedim *dim = &g->dim[d];
		uint64_t stride = g->stride[d];
		for (uint32_t i = 0; i < dim->n_codes; i++) {
			const struct breakdown *b = dim->breakdown;
			uint32_t k = 0;
			while (k < dim->n_breakdowns && b[k].parent != dim->order[i])
				k++;
			if (k == dim->n_breakdowns)
				continue;
			for (uint64_t base = 0; base < g->n_cells; base += stride * dim->n_codes)
				for (uint64_t low = base; low < base + stride; low++) {
					int64_t sum = 0;
					for (uint32_t c = 0; c < b[k].n; c++)
						sum += g->truth[low + b[k].child[c] * stride];
					g->truth[low + dim->order[i] * stride] = sum;
				}
		}
	}
}

/* One relation: a parent without a live part is dead, parts of a dead parent are. True if that changed anything. */
static bool settle(struct lattice *g, const struct breakdown *b, uint64_t base, uint64_t stride)
{
	uint8_t *parent = &g->live[base + b->parent * stride];
	uint8_t any = 0;
	for (uint32_t i = 0; i < b->n; i++)
		any |= g->live[base + b->child[i] * stride];
	if (*parent == any)
		return false;
	*parent = 0;
	for (uint32_t i = 0; i < b->n; i++)
		g->live[base + b->child[i] * stride] = 0;
	return true;
}

/* What is live above live leaves; then dead cells take their parts and their totals along. */
static void live_up(struct lattice *g)
{
	for (uint32_t d = 0; d < g->n_dims; d++)
		spread(g, d, true, g->live);
	for (bool changed = true; changed;) {
		changed = false;
		for (uint32_t d = 0; d < g->n_dims; d++)
			for (uint32_t b = 0; b < g->dim[d].n_breakdowns; b++) {
				uint64_t block = g->stride[d] * g->dim[d].n_codes;
				for (uint64_t high = 0; high < g->n_cells; high += block)
					for (uint64_t low = high; low < high + g->stride[d]; low++)
						changed |=
						    settle(g, &g->dim[d].breakdown[b], low, g->stride[d]);
			}
	}
}

/* Before cells.csv is read: every inner cell that is not zero by definition; a printed nought is no declaration. */
static void live_begin(struct lattice *g)
{
	for (uint64_t c = 0; c < g->n_cells; c++) {
		g->live[c] = g->value[c] != 0 || g->mark[c] == 'P';
		for (uint32_t d = 0; g->live[c] != 0 && d < g->n_dims; d++)
			g->live[c] = lattice_is_leaf(&g->dim[d], lattice_place(g, c, d));
	}
}

/* The cell of a line of cells.csv: inner codes only. */
static bool truth_cell(
    const struct lattice *g, const struct csvlines *c, const size_t *place, uint64_t *cell, struct err *e)
{
	for (uint32_t i = 0; i < g->n_dims; i++) {
		uint32_t code = lattice_code(&g->dim[i], c->field[place[i]]);
		if (code == UINT32_MAX)
			return err_set(e, ERR_INVALID, "%s: unknown code", g->dim[i].name);
		if (!lattice_is_leaf(&g->dim[i], code))
			return err_set(
			    e, ERR_INVALID, "%s: a total: only inner cells are given", g->dim[i].name);
		*cell += code * g->stride[i];
	}
	return true;
}

/* total: of all lines so far, so that no sum can pass 2^62. */
static bool truth_value(const char *text, int64_t *total, int64_t *value, struct err *e)
{
	*value = 0;
	if (text[0] != '\0' && !number(text, value))
		return err_set(e, ERR_MALFORMED, "freq: a whole number is expected");
	if (*value >= (int64_t)LIMIT_VALUE || *value > INT64_MAX / 2 - *total)
		return err_set(e, ERR_LIMIT, "freq: larger than any count of people");
	*total += *value;
	return true;
}

static bool truth_once(uint8_t *seen, uint64_t cell, struct err *e)
{
	if (seen[cell] != 0)
		return err_set(e, ERR_INVALID, "this cell was given before");
	seen[cell] = 1;
	return true;
}

bool lattice_truth(struct lattice *g, const char *dir, struct err *e)
{
	char path[LATTICE_PATH_MAX];
	snprintf(path, sizeof path, "%s/cells.csv", dir);
	return lattice_truth_file(g, path, e);
}

bool lattice_truth_file(struct lattice *g, const char *path, struct err *e)
{
	struct csvlines c;
	struct err end = { 0 };
	size_t place[LATTICE_DIMS_MAX];
	size_t freq = SIZE_MAX;
	size_t status = SIZE_MAX;
	uint32_t n_places = 0;
	int64_t total = 0;
	bool parts = false; /* a cell is parted among contributors that are no dimension here */
	bool ok = false;
	for (uint32_t i = 0; i < LATTICE_DIMS_MAX; i++)
		place[i] = SIZE_MAX;
	uint8_t *seen = calloc(g->n_cells, 1);
	g->truth = calloc(g->n_cells, sizeof *g->truth);
	g->live = calloc(g->n_cells, 1);
	if (g->truth == NULL || g->live == NULL || seen == NULL) {
		free(seen);
		return err_set(e, ERR_MEMORY, "no memory");
	}
	if (!open_path(&c, path, e)) {
		free(seen);
		return false;
	}
	for (size_t i = 0; i < c.n_columns; i++) {
		uint32_t dim = lattice_dim(g, c.field[i]);
		if (dim != UINT32_MAX) {
			n_places += place[dim] == SIZE_MAX;
			place[dim] = i;
		} else if (strcmp(c.field[i], "freq") == 0)
			freq = i;
		else if (strcmp(c.field[i], "status") == 0)
			status = i;
		else
			parts = true;
	}
	live_begin(g);
	if (freq == SIZE_MAX || n_places != g->n_dims) {
		err_set(e, ERR_MALFORMED, "%s: its columns are the dimensions and freq", c.path);
		goto done;
	}
	while (csvlines_next(&c, &end)) {
		uint64_t cell = 0;
		int64_t value = 0;
		if (!truth_cell(g, &c, place, &cell, e) || !truth_value(c.field[freq], &total, &value, e) ||
		    (!parts && !truth_once(seen, cell, e))) {
			csvlines_at(&c, e);
			goto done;
		}
		g->truth[cell] += value;
		if (status == SIZE_MAX || c.field[status][0] == '\0')
			continue;
		if (strcmp(c.field[status], "blank") == 0)
			g->noted[cell] |= 2;
		else
			g->live[cell] = 0;
	}
	ok = end.code == ERR_NONE;
	if (ok) {
		sum_up(g);
		live_up(g);
	} else {
		*e = end;
	}
done:
	free(seen);
	csvlines_close(&c);
	return ok;
}

void lattice_free(struct lattice *g)
{
	lattice_figures_free(g);
	for (uint32_t i = 0; i < g->n_dims; i++) {
		struct latticedim *d = &g->dim[i];
		for (uint32_t k = 0; k < d->n_codes; k++)
			free(d->code[k]);
		for (uint32_t k = 0; k < d->n_breakdowns; k++)
			free(d->breakdown[k].child);
		free(d->code);
		free(d->breakdown);
		free(d->order);
		free(d->slot);
		free(d->name);
	}
	if (g->truth != NULL)
		sodium_memzero(g->truth, g->n_cells * sizeof *g->truth);
	free(g->truth);
	free(g->live);
	free(g->noted);
	free(g->value);
	free(g->mark);
	free(g->near);
	*g = (struct lattice){ 0 };
}
