#include "policy/uncertain.h"

#include <inttypes.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "policy/primary.h"

#define PHASE_UNCERTAIN 23u
#define TRIES           48u
#define TRIES_MORE      400u   /* before a count is said to be pinned */
#define OTHER_CELLS     40000u /* grid cells up to which the second table is tried */

struct entry_log { /* what the tables found so far changed */
	uint32_t *cell;
	int64_t *by;
	uint32_t n, room;
};

/* A cell, or what is left of it without one of its parts (rule R4), or without those that are printed (R12). */
struct doubted {
	uint32_t cell;
	uint32_t minus; /* NONE: a cell, or all printed parts */
	bool rest;
	struct relation r;
	bool nought; /* protected although it is nought and the policy protects none for itself (R4) */
};

struct look {
	const struct boxes *b;
	const struct grid *g;
	struct uncertain *out;
	struct step step;
	int64_t *at;     /* the table at hand; between calls the true one */
	int64_t *others; /* the other table, with the attacker's own figures put back; NULL: there is none */
	bool others_are_public; /* it is the one for readers without any */
	uint8_t *avoid;         /* by office code: the attacker's */
	uint32_t member[8];     /* of the attacker, in order of the search */
	uint32_t n_members;
	uint8_t *touched; /* by office code: by the tables just found */
	struct entry_log log;
	uint64_t attempt, max_work;
	struct buf *witness;
	bool memory_failed;
};

static bool is_number(const struct grid *g, uint32_t cell)
{
	return g->kind[cell] == KIND_OPEN || g->kind[cell] == KIND_FORCED;
}

/* How a cell counts in the subject: 1, -1 or not. */
static int sign_in(const struct grid *g, const struct doubted *s, uint32_t cell)
{
	if (cell == s->cell)
		return 1;
	if (!s->rest)
		return cell == s->minus ? -1 : 0;
	for (uint32_t j = 0; is_number(g, cell) && j < s->r.b->n; j++)
		if (relation_child(g, &s->r, j) == cell)
			return -1;
	return 0;
}

static int64_t part_in(const struct grid *g, const int64_t *table, uint32_t cell, uint32_t office)
{
	return table[office == NONE ? cell : grid_with(g, cell, g->office_dim, office)];
}

/* The subject in a table, or, with an office, that office's part of it. */
static int64_t value_in(const struct grid *g, const struct doubted *s, const int64_t *table, uint32_t office)
{
	int64_t sum = part_in(g, table, s->cell, office);
	for (uint32_t j = 0; s->rest && j < s->r.b->n; j++)
		if (is_number(g, relation_child(g, &s->r, j)))
			sum -= part_in(g, table, relation_child(g, &s->r, j), office);
	return s->minus == NONE ? sum : sum - part_in(g, table, s->minus, office);
}

/* ---- rooms ---- */

static bool has_room(const void *context, uint32_t cell, int dir)
{
	const struct look *l = context;
	return dir > 0 ? l->at[cell] < l->b->hi[cell] : l->at[cell] > l->b->lo[cell];
}

static int64_t room_of(const struct look *l, int64_t most)
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

static bool log_grow(struct look *l)
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

static void apply(struct look *l, int64_t h)
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
		uint32_t office = grid_office(l->g, c);
		if (office != NONE)
			l->touched[office] = 1;
	}
}

static void take_back(struct look *l, uint32_t from)
{
	while (l->log.n > from) {
		l->log.n--;
		l->at[l->log.cell[l->log.n]] -= l->log.by[l->log.n];
	}
}

/* The cell through which a step is to be drawn: of a sum, one of its parts. */
static uint32_t way_through(const struct look *l, const struct doubted *s, struct draws *draws)
{
	uint32_t c = s->cell;
	bool is_sum = s->minus != NONE || s->rest;
	for (unsigned i = 0; is_sum && (c == s->cell || sign_in(l->g, s, c) < 0) && i < 64; i++)
		c = relation_child(l->g, &s->r, draws_below(draws, s->r.b->n));
	return c;
}

static int64_t effect_of(const struct look *l, const struct doubted *s)
{
	int64_t sum = 0;
	for (uint32_t i = 0; i < l->step.n; i++)
		sum += sign_in(l->g, s, l->step.cell[i]) * l->step.by[i];
	return sum;
}

/* In the other table whole persons come in; see spread_other. */
static bool draw_through(struct look *l, const struct doubted *s, int dir, struct draws *draws)
{
	uint32_t cell = way_through(l, s, draws);
	if (l->at == l->others && dir > 0 && l->n_members == 0)
		return step_draw_person(&l->step, cell, dir, draws, has_room, l);
	return step_draw(&l->step, cell, dir, draws, has_room, l);
}

/* How far the subject can be led in one direction, at most `most`, from the table at hand. */
static int64_t lead(
    struct look *l, const struct doubted *s, int dir, int64_t most, unsigned tries, struct draws *draws)
{
	int64_t got = 0;
	for (unsigned i = 0; i < tries && got < most && !l->memory_failed; i++) {
		if (!draw_through(l, s, dir, draws))
			continue;
		l->out->work += l->step.n;
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
static int64_t change_at(const struct entry_log *log, uint32_t i)
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
static void put_witness(struct look *l, const struct doubted *s, char which)
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
static void put_other(struct look *l)
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

/* From the true table: up, back, down. */
static int64_t spread(struct look *l, const struct doubted *s, unsigned tries)
{
	struct draws draws = draws_from(l->g, PHASE_UNCERTAIN, s->cell, l->attempt);
	int64_t width = l->g->p->width;
	int64_t up = lead(l, s, 1, width, tries, &draws);
	if (up > 0)
		put_witness(l, s, 'u');
	take_back(l, 0);
	int64_t down = up < width ? lead(l, s, -1, width - up, tries, &draws) : 0;
	if (down > 0)
		put_witness(l, s, 'd');
	take_back(l, 0);
	return up + down;
}

/* The other table with the attacker's own unknowns as they are; false: it leaves a box. */
static bool set_other(struct look *l)
{
	const struct grid *g = l->g;
	const struct dim *d = l->n_members == 0 ? NULL : &g->t->dim[g->office_dim];
	memcpy(l->others, l->b->other, g->n_cells * sizeof *l->others);
	for (uint32_t c = 0; c < g->n_cells && d != NULL; c++) {
		uint32_t code = grid_coord(g, c, g->office_dim);
		for (uint32_t i = 0; i < l->n_members; i++) {
			uint32_t own = grid_with(g, c, g->office_dim, l->member[i]);
			if (dim_is_above(d, code, l->member[i]))
				l->others[c] += g->value[own] - l->b->other[own];
		}
	}
	for (uint32_t c = 0; c < g->n_cells; c++)
		if (l->others[c] < l->b->lo[c] || l->others[c] > l->b->hi[c])
			return false;
	return true;
}

/* The same from the other table. The two tables themselves may be apart enough already. Readers without unknowns of their
 * own need no search: there, one person more fits everywhere, up to the base. */
static int64_t spread_other(struct look *l, const struct doubted *s, unsigned tries)
{
	struct draws draws = draws_from(l->g, PHASE_UNCERTAIN, s->cell, l->attempt + 1);
	int64_t width = l->g->p->width;
	int64_t *true_table = l->at;
	if (l->b->other == NULL || (l->n_members > 0 && l->g->n_cells > OTHER_CELLS))
		return 0;
	if ((l->n_members > 0 || !l->others_are_public) && !set_other(l))
		return 0;
	l->others_are_public = l->n_members == 0;
	l->at = l->others;
	int64_t apart = value_in(l->g, s, l->at, NONE) - value_in(l->g, s, l->g->value, NONE);
	int64_t up = lead(l, s, 1, width, tries, &draws);
	put_witness(l, s, 'p');
	take_back(l, 0);
	int64_t down = up < width ? lead(l, s, -1, width - up, tries, &draws) : 0;
	put_witness(l, s, 'p');
	take_back(l, 0);
	l->at = true_table;
	int64_t high = apart + up > 0 ? apart + up : 0;
	int64_t low = apart - down < 0 ? apart - down : 0;
	return high - low;
}

/* ---- attackers ---- */

/* The others' part of the subject, and whether any of it can be. */
static int64_t rest_of(const struct look *l, const struct doubted *s, bool *live)
{
	const struct grid *g = l->g;
	int64_t rest = value_in(g, s, g->value, NONE);
	*live = g->kind[s->cell] != KIND_DEAD;
	if (l->n_members == 0)
		return rest;
	const struct dim *d = &g->t->dim[g->office_dim];
	uint32_t code = grid_coord(g, s->cell, g->office_dim);
	*live = false;
	for (uint32_t i = 0; i < list_size(&d->atoms, code); i++) {
		uint32_t office = list_at(&d->atoms, code)[i];
		uint32_t own = grid_with(g, s->cell, g->office_dim, office);
		if (l->avoid[office] == 0)
			*live = *live || g->kind[own] != KIND_DEAD;
		else
			rest -= value_in(g, s, g->value, office);
	}
	return rest;
}

/* Must this attacker be left in doubt of the subject? */
static bool matters(const struct look *l, const struct doubted *s)
{
	bool live = false;
	int64_t value = value_in(l->g, s, l->g->value, NONE);
	int64_t rest = rest_of(l, s, &live);
	const struct policy_params *p = l->g->p;
	if (!live || rest >= p->threshold)
		return false;
	if (rest == 0 && l->n_members > 0 && value > 0)
		return p->residual == RESIDUAL_ZEROS;
	if (l->n_members > 0 && p->residual == RESIDUAL_NO && value >= (int64_t)p->threshold)
		return false;
	return rest > 0 || s->nought || p->zeros == ZEROS_SENSITIVE;
}

static void fail(struct look *l, uint32_t cell)
{
	struct uncertain *u = l->out;
	if (u->failed++ == 0) {
		u->first_cell = cell;
		u->n_avoid = l->n_members;
		memcpy(u->avoid, l->member, sizeof l->member);
	}
	if (u->n_cells > 0 && u->cell[u->n_cells - 1] == cell)
		return;
	if (u->n_cells == u->room_cells) {
		uint32_t room = u->room_cells == 0 ? 64 : 2 * u->room_cells;
		uint32_t *more = realloc(u->cell, room * sizeof *more);
		l->memory_failed = l->memory_failed || more == NULL;
		if (more == NULL)
			return;
		u->cell = more;
		u->room_cells = room;
	}
	u->cell[u->n_cells++] = cell;
}

enum tables { TABLES_NONE, TABLES_TRUE, TABLES_OTHER };

/* Which offices the next attackers must hold to see through the tables just found; without tables, any below. */
static uint32_t offices_met(struct look *l, uint32_t cell, enum tables found, uint32_t *out)
{
	const struct dim *d = &l->g->t->dim[l->g->office_dim];
	uint32_t code = grid_coord(l->g, cell, l->g->office_dim);
	uint32_t n = 0;
	for (uint32_t o = 0; o < d->n_codes; o++) {
		if (!dim_is_leaf(d, o) || l->avoid[o] != 0)
			continue;
		if (found == TABLES_OTHER || (found == TABLES_TRUE && l->touched[o] != 0) ||
		    (found == TABLES_NONE && dim_is_above(d, code, o)))
			out[n++] = o;
	}
	return n;
}

static void take_lines_back(struct look *l, size_t written)
{
	if (l->witness != NULL)
		l->witness->size = written;
}

/* Tables that leave the attacker at hand in doubt; TABLES_OTHER touch every office but its own. */
static enum tables find_tables(struct look *l, const struct doubted *s, bool needed)
{
	int64_t width = l->g->p->width;
	size_t written = l->witness == NULL ? 0 : l->witness->size;
	if (l->g->office_dim == SIZE_MAX && spread_other(l, s, TRIES) >= width)
		return TABLES_OTHER;
	take_lines_back(l, written);
	if (spread(l, s, TRIES) >= width)
		return TABLES_TRUE;
	if (!needed)
		return TABLES_NONE;
	if (spread_other(l, s, TRIES) >= width)
		return TABLES_OTHER;
	if (spread(l, s, TRIES_MORE) >= width)
		return TABLES_TRUE;
	return spread_other(l, s, TRIES_MORE) >= width ? TABLES_OTHER : TABLES_NONE;
}

/* The attacker at hand, then every larger one that the tables found do not serve: an attacker that holds none of the
 * offices they touch is left in doubt by them. */
static void look_at(struct look *l, const struct doubted *s)
{
	const struct grid *g = l->g;
	bool needed = matters(l, s);
	if (l->max_work != 0 && l->out->work > l->max_work)
		return;
	if (g->office_dim != SIZE_MAX)
		memset(l->touched, 0, g->t->dim[g->office_dim].n_codes);
	size_t written = l->witness == NULL ? 0 : l->witness->size;
	enum tables found = find_tables(l, s, needed);
	if (found == TABLES_NONE) /* asked for by nobody, and they show too little */
		take_lines_back(l, written);
	if (needed && found == TABLES_NONE) {
		fail(l, s->cell);
		return;
	}
	if (g->office_dim == SIZE_MAX || l->n_members == g->p->coalition || l->memory_failed)
		return;
	uint32_t *met = malloc((g->t->dim[g->office_dim].n_codes + 1) * sizeof *met);
	uint32_t n = met == NULL ? 0 : offices_met(l, s->cell, found, met);
	l->memory_failed = l->memory_failed || met == NULL;
	for (uint32_t i = 0; i < n && !l->memory_failed; i++) {
		l->avoid[met[i]] = 1;
		l->member[l->n_members++] = met[i];
		look_at(l, s);
		l->n_members--;
		l->avoid[met[i]] = 0;
	}
	free(met);
}

/* Largest part of a cell that so many offices have together. */
static int64_t largest_share(const struct look *l, uint32_t cell)
{
	const struct grid *g = l->g;
	int64_t most[8] = { 0 };
	int64_t sum = 0;
	if (g->office_dim == SIZE_MAX)
		return 0;
	const struct dim *d = &g->t->dim[g->office_dim];
	uint32_t code = grid_coord(g, cell, g->office_dim);
	for (uint32_t i = 0; i < list_size(&d->atoms, code); i++) {
		int64_t v = g->value[grid_with(g, cell, g->office_dim, list_at(&d->atoms, code)[i])];
		for (uint32_t j = 0; j < g->p->coalition; j++)
			if (v > most[j]) {
				int64_t kept = most[j];
				most[j] = v;
				v = kept;
			}
	}
	for (uint32_t j = 0; j < g->p->coalition; j++)
		sum += most[j];
	return sum;
}

static bool is_subject(const struct look *l, uint32_t cell)
{
	const struct grid *g = l->g;
	if (g->kind[cell] == KIND_DEAD)
		return false;
	if (primary_is_small(g->p, g->value[cell]))
		return true;
	return g->value[cell] > 0 && grid_office(g, cell) == NONE &&
	       g->value[cell] - largest_share(l, cell) < g->p->threshold;
}

static bool is_group_dim(const struct grid *g, size_t d)
{
	if (d == g->office_dim)
		return false;
	for (uint32_t i = 0; i < g->p->n_group_dims; i++)
		if (strcmp(g->p->group_dim[i], g->t->dim[d].name) == 0)
			return true;
	return g->p->n_group_dims == 0;
}

static void look_at_sum(struct look *l, const struct doubted *s)
{
	int64_t rest = value_in(l->g, s, l->g->value, NONE);
	if (rest < 0 || rest >= (int64_t)l->g->p->threshold ||
	    (rest == 0 && l->g->p->zeros != ZEROS_SENSITIVE))
		return;
	l->out->subjects++;
	look_at(l, s);
}

/* R4: all of a group in one part. The others say "nobody", each of them; where noughts are protected anyway, the printed
 * ones have been looked at. */
static void look_at_full(struct look *l, const struct relation *r)
{
	const struct grid *g = l->g;
	bool full = false;
	for (uint32_t j = 0; j < r->b->n; j++) {
		uint32_t child = relation_child(g, r, j);
		full = full || (is_number(g, child) && g->value[child] == g->value[r->parent]);
	}
	for (uint32_t j = 0; full && j < r->b->n; j++) {
		struct doubted zero = { relation_child(g, r, j), NONE, false, *r, true };
		bool seen = g->kind[zero.cell] != KIND_FREE && g->p->zeros == ZEROS_SENSITIVE;
		if (seen || g->kind[zero.cell] == KIND_DEAD || g->value[zero.cell] != 0)
			continue;
		l->out->subjects++;
		look_at(l, &zero);
	}
}

/* R4: all but a few of a group of three or more parts in one of them. Of two parts the other is a cell. R12: the parts
 * that are not printed, together. */
static void look_at_sums(struct look *l)
{
	const struct grid *g = l->g;
	struct relation_walk w;
	struct relation r;
	relation_begin(&w, g);
	while (!l->memory_failed && relation_next(&w, &r)) {
		uint32_t loose = 0;
		uint32_t live = 0;
		for (uint32_t j = 0; j < r.b->n; j++) {
			loose += g->kind[relation_child(g, &r, j)] == KIND_FREE;
			live += g->kind[relation_child(g, &r, j)] != KIND_DEAD;
		}
		if (loose > 1 && loose < live && is_number(g, r.parent))
			look_at_sum(l, &(struct doubted){ r.parent, NONE, true, r, false });
		if (g->p->group_min == 0 || !is_group_dim(g, r.dim) || live < 2 ||
		    g->value[r.parent] < (int64_t)g->p->group_min)
			continue;
		if (is_number(g, r.parent) && g->p->zeros != ZEROS_PUBLISHED)
			look_at_full(l, &r);
		if (live < 3)
			continue;
		for (uint32_t j = 0; j < r.b->n; j++) /* nought: each part is looked at by itself */
			if (g->value[relation_child(g, &r, j)] < g->value[r.parent])
				look_at_sum(l,
				    &(struct doubted){ r.parent, relation_child(g, &r, j), false, r, false });
	}
}

static void look_free(struct look *l)
{
	if (l->at != NULL)
		sodium_memzero(l->at, l->g->n_cells * sizeof *l->at);
	if (l->others != NULL)
		sodium_memzero(l->others, l->g->n_cells * sizeof *l->others);
	free(l->others);
	step_free(&l->step);
	free(l->at);
	free(l->avoid);
	free(l->touched);
	free(l->log.cell);
	free(l->log.by);
}

void uncertain_free(struct uncertain *u)
{
	free(u->cell);
	memset(u, 0, sizeof *u);
}

bool uncertain_check(const struct boxes *b, uint64_t attempt, uint64_t max_work, struct uncertain *out,
    struct buf *witness, struct err *e)
{
	const struct grid *g = b->g;
	struct look l = {
		.b = b, .g = g, .out = out, .attempt = attempt * 2, .max_work = max_work, .witness = witness
	};
	bool ok = false;
	size_t codes = g->office_dim == SIZE_MAX ? 1 : g->t->dim[g->office_dim].n_codes;
	memset(out, 0, sizeof *out);
	l.at = malloc(g->n_cells * sizeof *l.at);
	l.others = b->other == NULL ? NULL : malloc(g->n_cells * sizeof *l.others);
	l.avoid = calloc(codes, 1);
	l.touched = calloc(codes, 1);
	if (l.at == NULL || (b->other != NULL && l.others == NULL) || l.avoid == NULL || l.touched == NULL) {
		err_set(e, ERR_MEMORY, "no memory for the check");
		goto done;
	}
	if (!step_init(&l.step, g, e))
		goto done;
	l.step.avoid = l.avoid;
	memcpy(l.at, g->value, g->n_cells * sizeof *l.at);
	put_other(&l);
	for (uint32_t c = 0; c < g->n_cells && !l.memory_failed; c++) {
		const struct doubted s = { .cell = c, .minus = NONE };
		if (!is_subject(&l, c))
			continue;
		out->subjects++;
		look_at(&l, &s);
	}
	look_at_sums(&l);
	ok = !l.memory_failed || err_set(e, ERR_MEMORY, "no memory for the check");
done:
	look_free(&l);
	return ok;
}
