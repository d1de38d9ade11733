#include "client/protect/releases.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/protect/releasefolders.h"

static bool no_memory(struct err *e)
{
	return err_set(e, ERR_MEMORY, "no memory");
}

static bool same_dim(const struct latticedim *a, const struct latticedim *b)
{
	if (strcmp(a->name, b->name) != 0 || a->n_codes != b->n_codes || a->n_breakdowns != b->n_breakdowns)
		return false;
	for (uint32_t i = 0; i < a->n_codes; i++)
		if (strcmp(a->code[i], b->code[i]) != 0)
			return false;
	for (uint32_t i = 0; i < a->n_breakdowns; i++) {
		const struct breakdown *x = &a->breakdown[i];
		const struct breakdown *y = &b->breakdown[i];
		if (x->parent != y->parent || x->view != y->view || x->n != y->n ||
		    memcmp(x->child, y->child, x->n * sizeof *x->child) != 0)
			return false;
	}
	return true;
}

bool releases_same_grid(const struct lattice *a, const struct lattice *b)
{
	bool same = a->n_dims == b->n_dims && a->n_cells == b->n_cells;
	for (uint32_t d = 0; same && d < a->n_dims; d++)
		same = same_dim(&a->dim[d], &b->dim[d]);
	return same;
}

/* ---- the dimension of releases ---- */

static bool add_breakdown(struct latticedim *d, uint32_t parent, const uint32_t *child, uint32_t n)
{
	struct breakdown *b = &d->breakdown[d->n_breakdowns];
	b->child = malloc(n * sizeof *child);
	if (b->child == NULL)
		return false;
	memcpy(b->child, child, n * sizeof *child);
	b->parent = parent;
	b->n = n;
	d->n_breakdowns++;
	return true;
}

static uint32_t release_code(const struct releases *r, uint64_t release)
{
	return (uint32_t)releases_code(r, release);
}

static uint32_t span_code(const struct releases *r, uint64_t from, uint64_t to)
{
	return (uint32_t)releases_span_code(r, from, to);
}

static void make_names(struct releases *r)
{
	for (uint64_t v = 0; v <= r->n; v++)
		snprintf(r->code[release_code(r, v)], sizeof r->code[0], "rev%u", (unsigned)r->revision[v]);
	for (uint64_t to = 1; to <= r->n; to++)
		for (uint64_t from = 0; from < to; from++)
			snprintf(r->code[span_code(r, from, to)], sizeof r->code[0], "rev%u-rev%u",
			    (unsigned)r->revision[to], (unsigned)r->revision[from]);
}

/* A later release is an earlier one and their difference; a difference over several releases is the sum of its steps. */
static bool make_dimension(struct latticedim *d, struct releases *r)
{
	static char name[] = "release of the period"; /* no dimension's: it has spaces */
	uint32_t child[RELEASES_EARLIER_MAX];
	d->name = name;
	d->n_codes = (uint32_t)(r->n + 1 + r->n * (r->n + 1) / 2);
	d->breakdown = calloc(r->n * (r->n + 1), sizeof *d->breakdown);
	d->code = calloc(d->n_codes, sizeof *d->code);
	bool ok = d->breakdown != NULL && d->code != NULL;
	for (uint32_t i = 0; ok && i < d->n_codes; i++)
		d->code[i] = r->code[i];
	make_names(r);
	for (uint64_t to = 1; ok && to <= r->n; to++)
		for (uint64_t from = to; ok && from-- > 0;) {
			child[0] = release_code(r, from);
			child[1] = span_code(r, from, to);
			ok = add_breakdown(d, release_code(r, to), child, 2);
			for (uint64_t v = from; v < to; v++)
				child[v - from] = span_code(r, v, v + 1);
			if (ok && to - from > 1)
				ok = add_breakdown(d, span_code(r, from, to), child, (uint32_t)(to - from));
		}
	return ok && latticedim_index(d);
}

/* ---- what each cell tells ---- */

/* Marks the leaves named in the line. False: a name that is no office. */
static bool read_changed(const struct latticedim *d, struct bytes line, bool *changed)
{
	while (line.len > 0) {
		char name[128];
		const uint8_t *end = memchr(line.at + 1, ' ', line.len - 1);
		size_t n = (end == NULL ? line.len : (size_t)(end - line.at)) - 1;
		if (line.at[0] != ' ' || n == 0 || n >= sizeof name)
			return false;
		memcpy(name, line.at + 1, n);
		name[n] = '\0';
		uint32_t code = lattice_code(d, name);
		if (code == UINT32_MAX || !lattice_is_leaf(d, code))
			return false;
		changed[code] = true;
		line = bytes_of(line.at + n + 1, line.len - n - 1);
	}
	return true;
}

/* Are all offices that are said to have changed leaves of this dimension? */
static bool holds_offices(const struct latticedim *d, const struct releases *r)
{
	bool *scratch = calloc(d->n_codes, sizeof *scratch);
	bool all = scratch != NULL;
	for (uint64_t i = 0; all && i < r->n * (r->n + 1) / 2; i++)
		all = read_changed(d, r->changed[i], scratch);
	free(scratch);
	return all;
}

/* The offices' dimension; UINT32_MAX: the table has none, and a release changes as a whole. */
static bool find_office_dim(
    const struct lattice *g, const struct releases *r, const char *name, uint32_t *out, struct err *e)
{
	bool whole = true;
	*out = lattice_dim(g, name == NULL ? "office" : name);
	for (uint32_t d = 0; d < g->n_dims; d++)
		if (g->dim[d].synthetic)
			*out = d;
	for (uint64_t i = 0; i < r->n * (r->n + 1) / 2; i++)
		whole = whole && (r->changed[i].len == 0 || bytes_equal(r->changed[i], bytes_text(" *")));
	if (*out == UINT32_MAX && whole)
		return true;
	for (uint32_t d = 0; *out == UINT32_MAX && name == NULL && d < g->n_dims; d++)
		if (holds_offices(&g->dim[d], r))
			*out = d;
	return (*out != UINT32_MAX && holds_offices(&g->dim[*out], r)) ||
	       err_set(e, ERR_CRYPTO, "an office that changed is not one of the table's");
}

/* By code of the offices' dimension: is there an office below it that changed? One place without offices. */
static bool *find_changed(const struct lattice *g, uint32_t office, struct bytes line, struct err *e)
{
	const struct latticedim *d = office == UINT32_MAX ? NULL : &g->dim[office];
	size_t n = d == NULL ? 1 : d->n_codes;
	bool *changed = calloc(n, sizeof *changed);
	bool *above = calloc(n, sizeof *above);
	bool *leaf = calloc(n, sizeof *leaf);
	bool ok = (changed != NULL && above != NULL && leaf != NULL) || no_memory(e);
	if (ok && d == NULL)
		above[0] = line.len > 0;
	else if (ok && !read_changed(d, line, changed))
		ok = err_set(e, ERR_CRYPTO, "an office that changed is not one of the table's");
	for (uint32_t c = 0; ok && d != NULL && c < n; c++) {
		lattice_leaves(d, c, leaf);
		for (uint32_t i = 0; i < n; i++)
			above[c] = above[c] || (leaf[i] && changed[i]);
	}
	free(changed);
	free(leaf);
	if (ok)
		return above;
	free(above);
	return NULL;
}

/* Differences are free, but nought where nobody changed and both lists have all parts. */
static bool set_span(struct lattice *joint, const struct lattice *before, const struct lattice *after,
    uint32_t office, uint32_t code, struct bytes line, struct err *e)
{
	uint64_t n = joint->stride[0];
	bool *changed = find_changed(after, office, line, e);
	uint8_t *between = calloc(n, 1);
	bool ok = changed != NULL && (between != NULL || no_memory(e));
	if (ok)
		lattice_between(before, after, between);
	for (uint64_t c = 0; ok && c < n; c++) {
		uint32_t place = office == UINT32_MAX ? 0 : lattice_place(after, c, office);
		joint->mark[code * n + c] = '-';
		joint->value[code * n + c] = changed[place] || between[c] != 0 ? -1 : 0;
	}
	free(between);
	free(changed);
	return ok;
}

/* ---- the whole ---- */

static void put_earlier(struct lattice *joint, const struct releases *r, const struct releasefolder *folder)
{
	for (uint64_t v = 0; v < r->n; v++) {
		const struct lattice *old = &folder[v].g;
		uint64_t at = release_code(r, v) * old->n_cells;
		memcpy(joint->mark + at, old->mark, old->n_cells);
		memcpy(joint->value + at, old->value, old->n_cells * sizeof *old->value);
	}
}

bool releases_join(struct lattice *joint, const struct lattice *g, struct releases *r,
    const struct releasefolder *folder, const char *office_dim, struct err *e)
{
	uint32_t office;
	*joint = (struct lattice){ .n_dims = g->n_dims + 1 };
	if (r->n == 0 || r->n > RELEASES_EARLIER_MAX || joint->n_dims > LATTICE_DIMS_MAX)
		return err_set(e, ERR_LIMIT, "too many dimensions for several releases");
	for (uint32_t d = 0; d < g->n_dims; d++) {
		joint->dim[d + 1] = g->dim[d];
		joint->stride[d + 1] = g->stride[d];
	}
	joint->stride[0] = g->n_cells;
	if (!make_dimension(&joint->dim[0], r))
		return no_memory(e);
	joint->n_cells = g->n_cells * joint->dim[0].n_codes;
	if (joint->n_cells > LATTICE_CELLS_MAX)
		return err_set(e, ERR_LIMIT, "too many cells together");
	joint->mark = malloc(joint->n_cells);
	joint->value = malloc(joint->n_cells * sizeof *joint->value);
	if (joint->mark == NULL || joint->value == NULL)
		return no_memory(e);
	memcpy(joint->mark, g->mark, g->n_cells);
	memcpy(joint->value, g->value, g->n_cells * sizeof *g->value);
	put_earlier(joint, r, folder);
	bool ok = find_office_dim(g, r, office_dim, &office, e);
	for (uint64_t to = 1; ok && to <= r->n; to++)
		for (uint64_t from = to; ok && from-- > 0;) {
			uint64_t i = releases_span(from, to);
			ok = set_span(joint, &folder[from].g, to < r->n ? &folder[to].g : g, office,
			    span_code(r, from, to), r->changed[i], e);
		}
	return ok;
}

void releases_free(struct lattice *joint)
{
	struct latticedim *d = &joint->dim[0];
	for (uint32_t i = 0; i < d->n_breakdowns; i++)
		free(d->breakdown[i].child);
	free(d->breakdown);
	free(d->code);
	free(d->held_from);
	free(d->held);
	if (joint->truth != NULL)
		sodium_memzero(joint->truth, joint->n_cells * sizeof *joint->truth);
	free(joint->truth);
	free(joint->live);
	free(joint->mark);
	free(joint->value);
	*joint = (struct lattice){ 0 };
}
