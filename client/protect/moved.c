#include "client/protect/moved.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/protect/certpart.h"
#include "client/protect/protectfiles.h"

#define REACH_MAX       1000u
#define CERTIFICATE_MAX (UINT64_C(1) << 31)

/* ---- the line ---- */

static bool take_rounding(struct moved *m, const char **p, const char *end)
{
	uint64_t base;
	if (!cert_take_text(p, end, "rounding base ") || !cert_take_number(p, end, REACH_MAX, &base) ||
	    base < 2)
		return false;
	m->how = MOVED_ROUNDING;
	m->base = (int64_t)base;
	m->reach = (int64_t)base - 1;
	m->totals = m->reach;
	if (*p == end)
		return true;
	if (!cert_take_text(p, end, " totals ") || !cert_take_number(p, end, REACH_MAX, &base) ||
	    (int64_t)base != 2 * m->base - 1)
		return false;
	m->totals = (int64_t)base;
	return true;
}

static bool take_noise(struct moved *m, const char **p, const char *end)
{
	uint64_t most;
	uint64_t variance;
	if (!cert_take_text(p, end, "noise max ") || !cert_take_number(p, end, REACH_MAX, &most) ||
	    most < 1 || !cert_take_text(p, end, " variance ") ||
	    !cert_take_number(p, end, REACH_MAX * REACH_MAX, &variance) || end - *p != 4 || **p != '.')
		return false;
	m->variance = (int64_t)variance;
	for (int i = 1; i < 4; i++) {
		if ((*p)[i] < '0' || (*p)[i] > '9')
			return false;
		m->variance = 10 * m->variance + ((*p)[i] - '0');
	}
	*p += 4;
	m->how = MOVED_NOISE;
	m->reach = (int64_t)most;
	m->totals = m->reach;
	return true;
}

bool moved_parse(struct moved *m, struct bytes line)
{
	const char *p = (const char *)line.at;
	const char *end = p + line.len;
	*m = (struct moved){ 0 };
	return cert_take_text(&p, end, "method ") && (take_rounding(m, &p, end) || take_noise(m, &p, end)) &&
	       p == end;
}

bool moved_beside(struct moved *m, const char *result_path, struct err *e)
{
	char path[LATTICE_PATH_MAX];
	struct buf file = { 0 };
	struct err none = { 0 };
	const char *slash = strrchr(result_path, '/');
	int dir = slash == NULL ? 0 : (int)(slash - result_path) + 1;
	int len = snprintf(path, sizeof path, "%.*scertificate.cvc", dir, result_path);
	*m = (struct moved){ 0 };
	if (len < 0 || (size_t)len >= sizeof path)
		return err_set(e, ERR_LIMIT, "the name of the folder is too long");
	if (!protectfiles_read(
		&file, path, CERTIFICATE_MAX, &none)) { /* none: the caller may know otherwise */
		buf_free(&file);
		return true;
	}
	struct reader r = { .at = (const char *)file.data, .end = (const char *)file.data + file.size };
	for (unsigned i = 0; i < 6 && m->how == MOVED_NOT && cert_reader_line(&r); i++)
		(void)moved_parse(m, bytes_of(r.line, (size_t)(r.line_end - r.line)));
	buf_free(&file);
	return true;
}

/* ---- what it leaves open ---- */

void moved_interval(const struct moved *m, bool inner, int64_t near, int64_t *lo, int64_t *hi)
{
	int64_t most = inner ? m->reach : m->totals;
	*lo = near > most ? near - most : 0;
	*hi = near + most;
	if (m->how == MOVED_NOISE && 2 * *lo < near) /* no figure is moved by more than itself */
		*lo = (near + 1) / 2;
}

/* ---- what it says ---- */

static bool bad(const struct lattice *g, uint64_t cell, const char *rule, struct err *e)
{
	struct buf name = { 0 };
	lattice_name(g, cell, &name);
	buf_put_byte(&name, 0);
	err_set(e, ERR_CRYPTO, "%s: %s", name.failed ? "?" : (const char *)name.data, rule);
	buf_free(&name);
	return false;
}

/* What is printed of a cell: false, nothing. */
static bool printed(const struct lattice *g, uint64_t cell, int64_t *value)
{
	if (g->mark[cell] == 'R')
		*value = g->near[cell];
	else if (g->value[cell] >= 0)
		*value = g->value[cell];
	else
		return false;
	return true;
}

/* parent = sum of the children; with parts that are not printed, at least that of the others. */
static bool relation_adds(const struct lattice *g, const struct breakdown *b, uint64_t base, uint64_t stride)
{
	int64_t whole;
	int64_t part;
	int64_t sum = 0;
	bool all = true;
	if (!printed(g, base + b->parent * stride, &whole))
		return true;
	for (uint32_t i = 0; i < b->n; i++) {
		if (printed(g, base + b->child[i] * stride, &part))
			sum += part;
		else
			all = false;
	}
	return all ? sum == whole : sum <= whole;
}

static bool sums_hold(const struct lattice *g, struct err *e)
{
	for (uint32_t d = 0; d < g->n_dims; d++) {
		uint64_t stride = g->stride[d];
		uint64_t block = stride * g->dim[d].n_codes;
		for (uint32_t b = 0; b < g->dim[d].n_breakdowns; b++)
			for (uint64_t high = 0; high < g->n_cells; high += block)
				for (uint64_t low = high; low < high + stride; low++)
					if (!relation_adds(g, &g->dim[d].breakdown[b], low, stride))
						return bad(g, low + g->dim[d].breakdown[b].parent * stride,
						    "its parts do not add up", e);
	}
	return true;
}

bool moved_holds(const struct lattice *g, const struct moved *m, struct err *e)
{
	for (uint64_t c = 0; c < g->n_cells; c++) {
		if (g->mark[c] == 'P' || g->mark[c] == 'H')
			return bad(g, c, "a figure of another method", e);
		if (g->mark[c] == 'R' && m->how == MOVED_ROUNDING && g->near[c] % m->base != 0)
			return bad(g, c, "no multiple of the base", e);
	}
	return m->how != MOVED_ROUNDING || sums_hold(g, e);
}

bool moved_true(const struct lattice *g, const struct moved *m, struct err *e)
{
	for (uint64_t c = 0; c < g->n_cells; c++) {
		if (g->mark[c] != 'R')
			continue;
		bool wide = m->totals > m->reach && !lattice_is_inner(g, c);
		int64_t most = m->how == MOVED_NOISE && g->truth[c] < m->reach ? g->truth[c] : m->reach;
		if (m->how == MOVED_ROUNDING && (g->truth[c] == 0 || (!wide && g->truth[c] % m->base == 0)))
			most = 0;
		else if (wide)
			most = m->totals;
		if (llabs(g->near[c] - g->truth[c]) > most)
			return bad(g, c, "further from the count than the method allows", e);
	}
	return true;
}
