#include "policy/spread.h"

#include <inttypes.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#define PHASE_UNCERTAIN 23u
#define TRIES           48u
#define TRIES_MORE      400u   /* before a count is said to be pinned */
#define OTHER_CELLS     40000u /* grid cells up to which the second table is tried */

/* How a cell counts in the subject: 1, -1 or not. */
static int sign_in(const struct grid *g, const struct doubted *s, uint32_t cell)
{
	if (cell == s->cell)
		return 1;
	if (!s->rest)
		return cell == s->minus ? -1 : 0;
	for (uint32_t j = 0; spread_is_number(g, cell) && j < s->r.b->n; j++)
		if (relation_child(g, &s->r, j) == cell)
			return -1;
	return 0;
}

static int64_t part_in(const struct grid *g, const int64_t *table, uint32_t cell, uint32_t office)
{
	return table[office == NONE ? cell : grid_with(g, cell, g->office_dim, office)];
}

/* The subject in a table, or, with an office, that office's part of it. */
int64_t spread_value(const struct grid *g, const struct doubted *s, const int64_t *table, uint32_t office)
{
	int64_t sum = part_in(g, table, s->cell, office);
	for (uint32_t j = 0; s->rest && j < s->r.b->n; j++)
		if (spread_is_number(g, relation_child(g, &s->r, j)))
			sum -= part_in(g, table, relation_child(g, &s->r, j), office);
	return s->minus == NONE ? sum : sum - part_in(g, table, s->minus, office);
}

/* ---- rooms ---- */

static bool has_room(const void *context, uint32_t cell, int dir)
{
	const struct spread *l = context;
	return dir > 0 ? l->at[cell] < l->b->hi[cell] : l->at[cell] > l->b->lo[cell];
}

static int64_t room_of(const struct spread *l, int64_t most)
{
	for (uint32_t i = 0; i < l->step.n && most > 0; i++) {
		uint32_t c = l->step.cell[i];
		if (l->step.by[i] < 0 && l->at[c] - l->b->lo[c] < most)
			most = l->at[c] - l->b->lo[c];
		else if (l->step.by[i] > 0 && l->b->hi[c] != INT64_MAX && l->b->hi[c] - l->at[c] < most)
			most = l->b->hi[c] - l->at[c];
	}
	return most;
}

static bool log_grow(struct spread *l)
{
	if (l->log.n + l->step.n <= l->log.room)
		return true;
	uint32_t room = 2 * (l->log.n + l->step.n);
	uint32_t *cell = realloc(l->log.cell, room * sizeof *cell);
	if (cell == NULL)
		return false;
	l->log.cell = cell;
	int64_t *by = realloc(l->log.by, room * sizeof *by);
	if (by == NULL)
		return false;
	l->log.by = by;
	l->log.room = room;
	return true;
}

static void apply(struct spread *l, int64_t h)
{
	if (!log_grow(l)) {
		l->memory_failed = true;
		return;
	}
	for (uint32_t i = 0; i < l->step.n; i++) {
		uint32_t c = l->step.cell[i];
		l->at[c] += h * l->step.by[i];
		l->log.cell[l->log.n] = c;
		l->log.by[l->log.n++] = h * l->step.by[i];
	}
}

static void take_back(struct spread *l, uint32_t from)
{
	while (l->log.n > from) {
		l->log.n--;
		l->at[l->log.cell[l->log.n]] -= l->log.by[l->log.n];
	}
}

/* The cell through which a step is to be drawn: of a sum, one of its parts. */
static uint32_t way_through(const struct spread *l, const struct doubted *s, struct draws *draws)
{
	uint32_t c = s->cell;
	bool is_sum = s->minus != NONE || s->rest;
	for (unsigned i = 0; is_sum && (c == s->cell || sign_in(l->g, s, c) < 0) && i < 64; i++)
		c = relation_child(l->g, &s->r, draws_below(draws, s->r.b->n));
	return c;
}

static int64_t effect_of(const struct spread *l, const struct doubted *s)
{
	int64_t sum = 0;
	for (uint32_t i = 0; i < l->step.n; i++)
		sum += sign_in(l->g, s, l->step.cell[i]) * l->step.by[i];
	return sum;
}

/* In the other table whole persons come in; see spread_other. */
static bool draw_through(struct spread *l, const struct doubted *s, int dir, struct draws *draws)
{
	uint32_t cell = way_through(l, s, draws);
	if (l->at == l->others && dir > 0 && l->n_members == 0)
		return step_draw_person(&l->step, cell, dir, draws, has_room, l);
	return step_draw(&l->step, cell, dir, draws, has_room, l);
}

/* How far the subject can be led in one direction, at most `most`, from the table at hand. */
static int64_t lead(
    struct spread *l, const struct doubted *s, int dir, int64_t most, unsigned tries, struct draws *draws)
{
	int64_t got = 0;
	for (unsigned i = 0; i < tries && got < most && !l->memory_failed; i++) {
		if (!draw_through(l, s, dir, draws))
			continue;
		l->work += l->step.n;
		if ((s->minus != NONE || s->rest) && effect_of(l, s) != dir)
			continue;
		int64_t h = room_of(l, most - got);
		if (h > 0)
			apply(l, h);
		got += h;
	}
	return got;
}

/* What the log did to the cell of its i-th entry; 0 if it is named again further on. */
static int64_t change_at(const struct spread_log *log, uint32_t i)
{
	int64_t by = 0;
	for (uint32_t j = i + 1; j < log->n; j++)
		if (log->cell[j] == log->cell[i])
			return 0;
	for (uint32_t j = 0; j <= i; j++)
		by += log->cell[j] == log->cell[i] ? log->by[j] : 0;
	return by;
}

/* The auditors' line: what the table at hand changed of the one it began with. */
static void put_witness(struct spread *l, const struct doubted *s, char which)
{
	const char *between = "";
	if (l->witness == NULL)
		return;
	buf_printf(l->witness, "%c %u", which, s->cell);
	for (uint32_t j = 0; (s->minus != NONE || s->rest) && j < s->r.b->n; j++)
		if (sign_in(l->g, s, relation_child(l->g, &s->r, j)) < 0)
			buf_printf(l->witness, "-%u", relation_child(l->g, &s->r, j));
	buf_put_text(l->witness, " ");
	for (uint32_t i = 0; i < l->n_members; i++) {
		buf_printf(l->witness, "%s%s", between, l->g->t->dim[l->g->office_dim].code[l->member[i]]);
		between = "+";
	}
	buf_put_text(l->witness, l->n_members == 0 ? "public" : "");
	for (uint32_t i = 0; i < l->log.n; i++) {
		int64_t by = change_at(&l->log, i);
		if (by != 0)
			buf_printf(l->witness, " %u:%" PRId64, l->log.cell[i], by);
	}
	buf_put_text(l->witness, "\n");
}

/* The rounded table, of which the lines `p` tell the changes. */
void spread_put_other(struct spread *l)
{
	const struct grid *g = l->g;
	if (l->witness == NULL || l->b->other == NULL)
		return;
	buf_put_text(l->witness, "b");
	for (uint32_t c = 0; c < g->n_cells; c++)
		if (l->b->other[c] != g->value[c])
			buf_printf(l->witness, " %u:%" PRId64, c, l->b->other[c] - g->value[c]);
	buf_put_text(l->witness, "\n");
}

bool spread_is_wide(const struct spread *l)
{
	return l->high - l->low >= (int64_t)l->g->p->width;
}

/* Does the table leave the attacker's offices alone? */
static bool leaves_alone(const struct spread *l, const struct spread_table *t)
{
	for (uint32_t i = 0; i < l->n_members; i++)
		if (l->touched[t->touched + l->member[i]] != 0)
			return false;
	return true;
}

/* How far those of the tables lead that the attacker at hand cannot rule out. */
void spread_find_reach(struct spread *l)
{
	l->low = 0;
	l->high = 0;
	for (size_t i = 0; i < l->n_tables; i++) {
		const struct spread_table *t = &l->table[i];
		if (!leaves_alone(l, t))
			continue;
		l->low = t->led < l->low ? t->led : l->low;
		l->high = t->led > l->high ? t->led : l->high;
	}
}

static bool tables_grow(struct spread *l)
{
	if (l->n_tables < l->room_tables)
		return true;
	size_t room = 2 * l->n_tables + 16;
	struct spread_table *table = realloc(l->table, room * sizeof *table);
	if (table == NULL)
		return false;
	l->table = table;
	uint8_t *touched = realloc(l->touched, room * l->n_codes);
	if (touched == NULL)
		return false;
	l->touched = touched;
	l->room_tables = room;
	return true;
}

/* Keeps the table at hand if it leads further than those before it. */
static void keep(struct spread *l, const struct doubted *s, char which)
{
	int64_t led = spread_value(l->g, s, l->at, NONE) - spread_value(l->g, s, l->g->value, NONE);
	if (l->memory_failed || (led >= l->low && led <= l->high))
		return;
	if (!tables_grow(l)) {
		l->memory_failed = true;
		return;
	}
	uint8_t *touched = l->touched + l->n_tables * l->n_codes;
	memset(touched, 0, l->n_codes);
	if (which == 'p')
		memcpy(touched, l->others_touch, l->n_codes);
	for (uint32_t i = 0; i < l->log.n; i++) {
		uint32_t office = grid_office(l->g, l->log.cell[i]);
		if (office != NONE && change_at(&l->log, i) != 0)
			touched[office] = 1;
	}
	l->table[l->n_tables] =
	    (struct spread_table){ led, l->n_tables * l->n_codes, l->witness == NULL ? 0 : l->witness->size };
	l->n_tables++;
	l->low = led < l->low ? led : l->low;
	l->high = led > l->high ? led : l->high;
	put_witness(l, s, which);
}

/* From the true table: up, back, down. */
static void from_true(struct spread *l, const struct doubted *s, unsigned tries)
{
	struct draws draws = draws_from(l->g, PHASE_UNCERTAIN, s->cell, l->attempt);
	int64_t width = l->g->p->width;
	lead(l, s, 1, l->low + width, tries, &draws);
	keep(l, s, 'u');
	take_back(l, 0);
	if (spread_is_wide(l))
		return;
	lead(l, s, -1, width - l->high, tries, &draws);
	keep(l, s, 'd');
	take_back(l, 0);
}

/* What the attacker owns, and its sums, as they are. */
static void put_back(struct spread *l)
{
	const struct grid *g = l->g;
	const struct dim *d = &g->t->dim[g->office_dim];
	for (uint32_t c = 0; c < g->n_cells; c++) {
		uint32_t code = grid_coord(g, c, g->office_dim);
		for (uint32_t i = 0; i < l->n_members; i++) {
			uint32_t own = grid_with(g, c, g->office_dim, l->member[i]);
			if (dim_is_above(d, code, l->member[i]))
				l->others[c] += g->value[own] - l->b->other[own];
		}
	}
}

/* The other table with the attacker's own unknowns as they are; false: it leaves a box. */
static bool set_other(struct spread *l)
{
	const struct grid *g = l->g;
	memcpy(l->others, l->b->other, g->n_cells * sizeof *l->others);
	memset(l->others_touch, 0, l->n_codes);
	if (l->n_members > 0)
		put_back(l);
	for (uint32_t c = 0; c < g->n_cells; c++) {
		uint32_t office = grid_office(g, c);
		if (l->others[c] < l->b->lo[c] || l->others[c] > l->b->hi[c])
			return false;
		if (office != NONE && l->others[c] != g->value[c])
			l->others_touch[office] = 1;
	}
	return true;
}

/* The same from the other table. The two tables themselves may be apart enough already. Readers without unknowns of their
 * own need no search: there, one person more fits everywhere, up to the base. */
static void from_other(struct spread *l, const struct doubted *s, unsigned tries)
{
	struct draws draws = draws_from(l->g, PHASE_UNCERTAIN, s->cell, l->attempt + 1);
	int64_t width = l->g->p->width;
	int64_t *true_table = l->at;
	if (l->b->other == NULL || (l->n_members > 0 && l->g->n_cells > OTHER_CELLS))
		return;
	if (l->n_members > 0 || !l->others_are_public) {
		l->others_are_public = false;
		if (!set_other(l))
			return;
	}
	l->others_are_public = l->n_members == 0;
	l->at = l->others;
	int64_t apart = spread_value(l->g, s, l->at, NONE) - spread_value(l->g, s, l->g->value, NONE);
	if (apart > l->high - width)
		lead(l, s, 1, l->low + width - apart, tries, &draws);
	keep(l, s, 'p');
	take_back(l, 0);
	if (!spread_is_wide(l)) {
		lead(l, s, -1, apart - (l->high - width), tries, &draws);
		keep(l, s, 'p');
		take_back(l, 0);
	}
	l->at = true_table;
}

typedef void spread_way(struct spread *l, const struct doubted *s, unsigned tries);

static void forget(struct spread *l, size_t place)
{
	struct spread_table *t = &l->table[place];
	size_t room = l->n_codes;
	if (l->witness != NULL) {
		size_t end = t[1].line;
		memmove(l->witness->data + t->line, l->witness->data + end, l->witness->size - end);
		l->witness->size -= end - t->line;
	}
	memmove(l->touched + t->touched, l->touched + t[1].touched, room);
	t->led = t[1].led;
	l->n_tables--;
}

/* One way to look for tables; what it finds is kept only if it is enough, and the first of two if the other is not. */
static bool enough(struct spread *l, const struct doubted *s, spread_way *way, unsigned tries)
{
	size_t written = l->witness == NULL ? 0 : l->witness->size;
	size_t before = l->n_tables;
	int64_t low = l->low;
	int64_t high = l->high;
	way(l, s, tries);
	if (spread_is_wide(l)) {
		if (l->n_tables == before + 2 && high - l->table[before + 1].led >= (int64_t)l->g->p->width)
			forget(l, before);
		return true;
	}
	l->n_tables = before;
	l->low = low;
	l->high = high;
	if (l->witness != NULL)
		l->witness->size = written;
	return false;
}

/* Tables that leave the attacker at hand in doubt. */
bool spread_find_tables(struct spread *l, const struct doubted *s)
{
	size_t before = l->n_tables;
	bool found = (l->g->office_dim == SIZE_MAX && enough(l, s, from_other, TRIES)) ||
		     enough(l, s, from_true, TRIES) || enough(l, s, from_other, TRIES) ||
		     enough(l, s, from_true, TRIES_MORE) || enough(l, s, from_other, TRIES_MORE);
	for (size_t i = before; i < l->n_tables; i++)
		for (uint32_t o = 0; o < l->n_codes; o++)
			l->learns[o] |= l->touched[l->table[i].touched + o];
	return found;
}

bool spread_init(
    struct spread *l, const struct boxes *b, uint64_t attempt, struct buf *witness, struct err *e)
{
	const struct grid *g = b->g;
	*l = (struct spread){ .b = b, .g = g, .attempt = attempt * 2, .witness = witness };
	l->n_codes = g->office_dim == SIZE_MAX ? 1 : g->t->dim[g->office_dim].n_codes;
	l->at = malloc(g->n_cells * sizeof *l->at);
	l->others = b->other == NULL ? NULL : malloc(g->n_cells * sizeof *l->others);
	l->others_touch = calloc(l->n_codes, 1);
	l->avoid = calloc(l->n_codes, 1);
	l->learns = calloc(l->n_codes, 1);
	if (l->at == NULL || (b->other != NULL && l->others == NULL) || l->others_touch == NULL ||
	    l->avoid == NULL || l->learns == NULL)
		return err_set(e, ERR_MEMORY, "no memory for the check");
	if (!step_init(&l->step, g, e))
		return false;
	l->step.avoid = l->avoid;
	memcpy(l->at, g->value, g->n_cells * sizeof *l->at);
	return true;
}

void spread_free(struct spread *l)
{
	if (l->at != NULL)
		sodium_memzero(l->at, l->g->n_cells * sizeof *l->at);
	if (l->others != NULL)
		sodium_memzero(l->others, l->g->n_cells * sizeof *l->others);
	if (l->table != NULL)
		sodium_memzero(l->table, l->room_tables * sizeof *l->table);
	free(l->others);
	free(l->others_touch);
	step_free(&l->step);
	free(l->at);
	free(l->avoid);
	free(l->table);
	free(l->touched);
	free(l->learns);
	free(l->log.cell);
	free(l->log.by);
}
