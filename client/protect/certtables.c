/* A certificate's public tables, and the components said to be without (certpart.h). */
#include <stdlib.h>

#include "client/protect/certpart.h"
#include "proto/limits.h"

static bool mark_line(struct certcheck *k, uint64_t key, int sign, void *context)
{
	(void)sign;
	(void)context;
	struct line_sum *line = cert_sums_at(&k->sums, key);
	if (line != NULL)
		line->listed = true;
	return line != NULL;
}

/* The relation of a key, once more: parent - children over listed and printed cells must be zero. */
static bool relation_holds(
    const struct certcheck *k, uint64_t key, const int64_t *value, const uint64_t *stamp, uint64_t now)
{
	uint64_t base = (key - 1) % k->g->n_cells;
	uint64_t number = (key - 1) / k->g->n_cells;
	uint32_t d = k->g->n_dims - 1;
	while (k->relation_base[d] > number)
		d--;
	const struct breakdown *b = &k->g->dim[d].breakdown[number - k->relation_base[d]];
	int64_t sum = 0;
	for (uint32_t i = 0; i <= b->n; i++) {
		uint64_t cell = base + (i == 0 ? b->parent : b->child[i - 1]) * k->g->stride[d];
		int64_t x;
		if (stamp[cell] == now)
			x = value[cell];
		else if (k->g->value[cell] >= 0)
			x = k->g->value[cell];
		else
			return false; /* an unknown cell the table does not tell */
		sum += i == 0 ? x : -x;
	}
	return sum == 0;
}

struct tables {
	int64_t *value;
	uint64_t *stamp, now;
	uint64_t component, first; /* of the table before; first: its first cell */
	uint64_t *listed, n_listed;
	bool new_component; /* the table is the first of its component */
	bool gains;         /* some hidden cell that the tables before left too narrow goes further in it */
};

/* Tables of one component begin with the same cell, of the next with a later one. */
static bool table_in_turn(
    const struct certcheck *k, struct tables *t, uint64_t id, uint64_t component, uint64_t first)
{
	bool same = component == t->component && first == t->first;
	bool next = component == (k->report->tables == 0 ? 0 : t->component + 1) && first != t->first;
	t->component = component;
	t->first = first;
	t->new_component = !same || id == 0;
	t->gains = t->new_component;
	return id == k->report->tables && (next || (same && id > 0));
}

/* One entry of a table. What stands in earlier releases is passed over where these are not there. */
static bool entry_take(struct certcheck *k, struct tables *t, uint64_t cell, int64_t value, struct err *e)
{
	if (cell >= k->g->n_cells)
		return true;
	if (!cert_movable(k->g, cell) && value != k->g->value[cell])
		return cert_bad(k, e, "the table changes a cell that is printed or zero by definition");
	if (k->g->mark[cell] == 'H' && value < (int64_t)k->report->floor)
		return cert_bad(k, e, "a hidden cell falls below the floor");
	t->stamp[cell] = t->now;
	t->value[cell] = value;
	t->listed[t->n_listed++] = cell;
	if (!cert_visit_from(k, k->report->joined, cell, mark_line, NULL))
		return err_set(e, ERR_MEMORY, "no memory");
	bool wider = k->least[cell] < 0 || value < k->least[cell] || value > k->largest[cell];
	t->gains = t->gains || (wider && cert_needs_tables(k, cell) && cert_too_narrow(k, cell));
	if (k->least[cell] < 0 || value < k->least[cell])
		k->least[cell] = value;
	if (value > k->largest[cell])
		k->largest[cell] = value;
	return true;
}

/* A table names each cell of one component, and no other. Where not all is known, components of ours may hang together. */
static bool is_whole(struct certcheck *k, const struct tables *t)
{
	uint64_t cells = 0;
	uint64_t hidden = 0;
	uint32_t parts = 0;
	for (uint64_t i = 0; i < t->n_listed; i++) {
		uint32_t number = k->part_of[t->listed[i]];
		struct certpart *part = number == UINT32_MAX ? NULL : &k->part[number];
		if (part == NULL || t->stamp[part->first] != t->now || (part->told && t->new_component))
			return false;
		if (part->first != t->listed[i])
			continue;
		parts++;
		cells += part->cells;
		hidden += part->hidden;
	}
	for (uint64_t i = 0; i < t->n_listed; i++)
		k->part[k->part_of[t->listed[i]]].told = true;
	return cells == t->n_listed && (parts == 1 || !cert_knows_parts(k)) &&
	       (hidden > 0 || !cert_has_all(k));
}

/* An office that did not change between two releases holds the same in both. */
static bool same_in_all(const struct certcheck *k, const struct tables *t, uint64_t cell)
{
	const struct releases *r = &k->joint->releases;
	uint64_t own = cell % k->own->n_cells;
	uint64_t here = r->n - cell / k->own->n_cells;
	for (uint64_t v = 0; k->report->joined && v <= r->n; v++) {
		uint64_t span = releases_span_code(r, v < here ? v : here, v < here ? here : v);
		uint64_t other = releases_code(r, v) * k->own->n_cells + own;
		if (v == here || k->g->value[span * k->own->n_cells + own] != 0)
			continue;
		int64_t value = t->stamp[other] == t->now ? t->value[other] : k->g->value[other];
		if (value != t->value[cell])
			return false;
	}
	return true;
}

static bool table_holds(struct certcheck *k, const struct tables *t, struct err *e)
{
	if (!is_whole(k, t))
		return cert_bad(k, e, "a table names each cell of one component that has hidden ones");
	if (cert_has_all(k) && !t->gains)
		return cert_bad(k, e, "the table shows nothing that those before it do not");
	for (size_t i = 0; i < k->sums.room; i++)
		if (k->sums.place[i].key != 0 &&
		    !relation_holds(k, k->sums.place[i].key, t->value, t->stamp, t->now))
			return cert_bad(k, e, "the table contradicts a relation or what was printed");
	for (uint64_t i = 0; i < t->n_listed; i++)
		if (!same_in_all(k, t, t->listed[i]))
			return cert_bad(k, e, "the table changes an office that did not change");
	for (uint64_t i = 0; k->report->joined && i < t->n_listed; i++)
		certdiff_take(k, t->listed[i], t->value, t->stamp, t->now);
	return true;
}

/* w <id> <component> <n> <cell>=<value> ... */
static bool table_take(struct certcheck *k, struct tables *t, struct err *e)
{
	const char *p = k->r.line + 2;
	const char *end = k->r.line_end;
	uint64_t id;
	uint64_t component;
	uint64_t n;
	uint64_t cell;
	uint64_t value;
	uint64_t before = 0;
	uint64_t cells = cert_counts(k);
	if (!cert_take_number(&p, end, UINT32_MAX, &id) || !cert_take_char(&p, end, ' ') ||
	    !cert_take_number(&p, end, UINT32_MAX, &component) || !cert_take_char(&p, end, ' ') ||
	    !cert_take_number(&p, end, cells, &n) || n == 0)
		return cert_bad(k, e, "a table is: w, number, component, how many cells, cells");
	cert_sums_clear(&k->sums);
	t->now++;
	t->n_listed = 0;
	for (uint64_t i = 0; i < n; i++) {
		if (!cert_take_char(&p, end, ' ') || !cert_take_number(&p, end, cells - 1, &cell) ||
		    !cert_take_char(&p, end, '=') || !cert_take_number(&p, end, LIMIT_HASH_TOTAL, &value))
			return cert_bad(k, e, "a table's entry is cell=value");
		if (i > 0 && cell <= before)
			return cert_bad(k, e, "entries rise by cell");
		if (i == 0 && !table_in_turn(k, t, id, component, cell))
			return cert_bad(k, e, "tables and their components are numbered in turn");
		before = cell;
		if (!entry_take(k, t, cell, (int64_t)value, e))
			return false;
	}
	if (p != end)
		return cert_bad(k, e, "text after the last entry");
	k->report->tables++;
	return table_holds(k, t, e);
}

bool certtables_section(struct certcheck *k, struct err *e)
{
	struct tables t = { .first = UINT64_MAX };
	t.value = malloc(k->g->n_cells * sizeof *t.value);
	t.stamp = calloc(k->g->n_cells, sizeof *t.stamp);
	t.listed = malloc(k->g->n_cells * sizeof *t.listed);
	bool ok =
	    (t.value != NULL && t.stamp != NULL && t.listed != NULL) || err_set(e, ERR_MEMORY, "no memory");
	while (ok && cert_reader_line(&k->r) && cert_line_begins(&k->r, "w "))
		ok = table_take(k, &t, e);
	free(t.listed);
	free(t.value);
	free(t.stamp);
	return ok;
}

static bool open_keep(struct certcheck *k, uint64_t cells)
{
	if (k->n_open % 256 == 0) {
		uint64_t *more = realloc(k->open, ((size_t)k->n_open + 256) * sizeof *more);
		if (more == NULL)
			return false;
		k->open = more;
	}
	k->open[k->n_open++] = cells;
	return true;
}

/* o <number in turn> <hidden cells>: components without tables */
bool certtables_open_section(struct certcheck *k, struct err *e)
{
	for (uint64_t i = 0; cert_reader_line(&k->r) && cert_line_begins(&k->r, "o "); i++) {
		const char *p = k->r.line + 2;
		uint64_t number;
		uint64_t cells;
		if (!cert_take_number(&p, k->r.line_end, UINT32_MAX, &number) || number != i ||
		    !cert_take_char(&p, k->r.line_end, ' ') ||
		    !cert_take_number(&p, k->r.line_end, cert_counts(k), &cells) || p != k->r.line_end)
			return cert_bad(
			    k, e, "an open component is: o, its number in turn, how many hidden cells");
		if (k->n_open > cert_counts(k))
			return cert_bad(k, e, "more open components than there are cells");
		if (!open_keep(k, cells))
			return err_set(e, ERR_MEMORY, "no memory");
		k->report->open += cells;
	}
	return true;
}
