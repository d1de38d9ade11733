#include "client/protect/auditor.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "client/protect/certpart.h"
#include "proto/limits.h"

#define NO_OFFICE  UINT32_MAX
#define MINUS_MAX  4096u /* cells taken off a parent in one subject */
#define RULES      7u
#define RULE_LATER 6u /* derivable: found by the engine's last look, not by a rule */

enum rule { RULE_R1, RULE_R2, RULE_R3, RULE_R4, RULE_R5, RULE_R12 };
static const char *const rule_name[RULES] = { "R1", "R2", "R3", "R4", "R5", "R12", "derivable" };

struct change { /* of one cell */
	uint64_t cell;
	int64_t by;
};

struct amount { /* a move: n changes from start, rising by cell */
	size_t start;
	uint64_t n;
};

/* A cell, or a parent less some of its children. */
struct subject {
	uint64_t cell;
	const uint64_t *minus; /* rising by place in the breakdown */
	uint32_t n;
};

struct line { /* a requirement as the file has it */
	struct subject s;
	int64_t target;
	uint32_t office; /* `office CODE`; NO_OFFICE else */
	uint32_t slot;   /* UINT32_MAX: none */
	uint32_t move;
	uint32_t rules; /* one bit */
	unsigned line_no;
	bool asked; /* a rule worked out here wants it */
};

struct audit {
	struct certcheck k;
	const struct lattice *g;
	const struct policy_params *p;
	struct auditor_report *report;
	struct change *change;
	size_t n_changes, room_changes;
	struct amount *move;
	uint32_t n_moves;
	size_t room_moves;
	uint64_t *minus;
	size_t n_minus, room_minus;
	struct line *line;
	uint32_t n_lines;
	size_t room_lines;
	uint32_t *by_cell; /* line numbers sorted by cell, then as they stand */
	uint32_t office_dim;
	uint32_t *office; /* leaves of the office dimension */
	uint32_t n_offices;
	bool l1, l3;
	struct err *e;
};

static bool make_room(void **array, size_t size, size_t n, size_t *room, struct err *e)
{
	if (n < *room)
		return true;
	size_t more = *room == 0 ? 256 : 2 * *room;
	void *memory = realloc(*array, more * size);
	if (memory == NULL)
		return err_set(e, ERR_MEMORY, "no memory");
	*array = memory;
	*room = more;
	return true;
}

/* ---- values, shifted to an office's part ---- */

/* The cell's part at another code of the office dimension. */
static uint64_t part_of(const struct audit *a, uint64_t cell, uint32_t office)
{
	if (office == NO_OFFICE)
		return cell;
	uint64_t stride = a->g->stride[a->office_dim];
	return cell - lattice_place(a->g, cell, a->office_dim) * stride + office * stride;
}

static int64_t value_of(const struct audit *a, const struct subject *s, uint32_t office)
{
	int64_t sum = a->g->truth[part_of(a, s->cell, office)];
	for (uint32_t i = 0; i < s->n; i++)
		sum -= a->g->truth[part_of(a, s->minus[i], office)];
	return sum;
}

/* Can anything be in this office's part of the subject? A sum is live if the parent has more live parts than are
 * taken off; where the parts say nothing the value does. */
static bool live_at(const struct audit *a, const struct subject *s, uint32_t office)
{
	uint64_t cell = part_of(a, s->cell, office);
	if (a->g->live[cell] == 0)
		return false;
	if (s->n == 0)
		return true;
	for (uint32_t d = 0; d < a->g->n_dims; d++) {
		const struct latticedim *dim = &a->g->dim[d];
		uint32_t code = lattice_place(a->g, s->cell, d);
		for (uint32_t b = 0; b < dim->n_breakdowns; b++) {
			const struct breakdown *k = &dim->breakdown[b];
			uint32_t taken = 0;
			bool more = false;
			for (uint32_t c = 0; k->parent == code && c < k->n; c++) {
				uint64_t child = s->cell + (k->child[c] - (uint64_t)code) * a->g->stride[d];
				bool off = false;
				for (uint32_t i = 0; i < s->n; i++)
					off |= s->minus[i] == child;
				taken += off;
				more |= !off && a->g->live[part_of(a, child, office)] != 0;
			}
			if (taken == s->n)
				return more;
		}
	}
	return false;
}

/* ---- moves ---- */

static int64_t change_at(const struct audit *a, const struct amount *m, uint64_t cell)
{
	size_t lo = m->start;
	size_t hi = m->start + m->n;
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		if (a->change[mid].cell == cell)
			return a->change[mid].by;
		if (a->change[mid].cell < cell)
			lo = mid + 1;
		else
			hi = mid;
	}
	return 0;
}

static int64_t moved(const struct audit *a, const struct amount *m, const struct subject *s)
{
	int64_t sum = change_at(a, m, s->cell);
	for (uint32_t i = 0; i < s->n; i++)
		sum -= change_at(a, m, s->minus[i]);
	return sum;
}

static bool touches(const struct audit *a, const struct amount *m, uint32_t office)
{
	for (uint64_t i = 0; i < m->n; i++)
		if (lattice_place(a->g, a->change[m->start + i].cell, a->office_dim) == office)
			return true;
	return false;
}

/* No office but the exempt one is touched by both. */
static bool disjoint(const struct audit *a, const struct amount *x, const struct amount *y, uint32_t exempt)
{
	for (uint32_t i = 0; i < a->n_offices; i++)
		if (a->office[i] != exempt && touches(a, x, a->office[i]) && touches(a, y, a->office[i]))
			return false;
	return true;
}

static bool change_take(struct audit *a, struct change c, uint64_t before, bool first)
{
	struct certcheck *k = &a->k;
	int64_t least = a->g->mark[c.cell] == 'H' ? a->p->zeros == ZEROS_PUBLISHED : 0;
	if (!first && c.cell <= before)
		return cert_bad(k, a->e, "entries rise by cell");
	if (a->g->value[c.cell] >= 0 || a->g->live[c.cell] == 0)
		return cert_bad(
		    k, a->e, "the move changes a cell that is printed, or that nothing can be in");
	if (!a->l1 && a->g->truth[c.cell] + c.by < least)
		return cert_bad(k, a->e, "the move takes a cell below what it is known to be at least");
	if (!cert_visit_lines(k, c.cell, cert_add_signed, &c.by) ||
	    !make_room((void **)&a->change, sizeof *a->change, a->n_changes, &a->room_changes, a->e))
		return err_set(a->e, ERR_MEMORY, "no memory");
	a->change[a->n_changes++] = c;
	return true;
}

/* a <id> <n> <cell>:<coef> ... */
static bool amount_take(struct audit *a)
{
	struct certcheck *k = &a->k;
	const char *p = k->r.line + 2;
	const char *end = k->r.line_end;
	uint64_t id;
	uint64_t n;
	struct change c = { 0 };
	if (!cert_take_number(&p, end, UINT32_MAX - 1, &id) || id != a->n_moves ||
	    !cert_take_char(&p, end, ' ') || !cert_take_number(&p, end, k->g->n_cells, &n) || n == 0)
		return cert_bad(k, a->e, "a move is: a, its number in turn, how many entries, entries");
	if (!make_room((void **)&a->move, sizeof *a->move, a->n_moves, &a->room_moves, a->e))
		return false;
	a->move[a->n_moves++] = (struct amount){ a->n_changes, n };
	cert_sums_clear(&k->sums);
	for (uint64_t i = 0; i < n; i++) {
		uint64_t before = c.cell;
		if (!cert_take_char(&p, end, ' ') || !cert_take_number(&p, end, k->g->n_cells - 1, &c.cell) ||
		    !cert_take_char(&p, end, ':') || !cert_take_signed(&p, end, &c.by) || c.by == 0)
			return cert_bad(k, a->e, "an entry is cell:coefficient");
		if (!change_take(a, c, before, i == 0))
			return false;
	}
	if (p != end)
		return cert_bad(k, a->e, "text after the last entry");
	return cert_sums_zero(&k->sums) || cert_bad(k, a->e, "the move breaks a relation");
}

/* ---- requirements as they stand in the file ---- */

static bool subject_take(struct audit *a, const char **p, const char *end, size_t *first, struct subject *s)
{
	*first = a->n_minus;
	if (!cert_take_number(p, end, a->g->n_cells - 1, &s->cell))
		return false;
	while (cert_take_char(p, end, '-')) {
		if (s->n == MINUS_MAX ||
		    !make_room((void **)&a->minus, sizeof *a->minus, a->n_minus, &a->room_minus, a->e) ||
		    !cert_take_number(p, end, a->g->n_cells - 1, &a->minus[a->n_minus]))
			return false;
		a->n_minus++;
		s->n++;
	}
	return cert_take_char(p, end, ' ');
}

static bool attacker_take(struct audit *a, const char **p, const char *end, struct line *l)
{
	char code[LIMIT_NAME + 2];
	uint64_t slot;
	if (cert_take_text(p, end, "public "))
		return true;
	if (cert_take_text(p, end, "slot ")) {
		bool ok = cert_take_number(p, end, 16, &slot) && cert_take_char(p, end, ' ');
		l->slot = ok ? (uint32_t)slot : 0;
		return ok;
	}
	if (!cert_take_text(p, end, "office ") || a->office_dim == NO_OFFICE)
		return false;
	const char *space = memchr(*p, ' ', (size_t)(end - *p));
	if (space == NULL || (size_t)(space - *p) >= sizeof code)
		return false;
	memcpy(code, *p, (size_t)(space - *p));
	code[space - *p] = '\0';
	*p = space + 1;
	l->office = lattice_code(&a->g->dim[a->office_dim], code);
	return l->office != UINT32_MAX && lattice_is_leaf(&a->g->dim[a->office_dim], l->office);
}

static bool rule_take(const char **p, const char *end, uint32_t *rule)
{
	for (uint32_t i = 0; i < RULES; i++)
		if ((size_t)(end - *p) == strlen(rule_name[i]) && cert_take_text(p, end, rule_name[i])) {
			*rule = 1u << i;
			return true;
		}
	return false;
}

/* r <cell> <target> <attacker> <move> <rule> */
static bool line_take(struct audit *a)
{
	struct certcheck *k = &a->k;
	const char *p = k->r.line + 2;
	const char *end = k->r.line_end;
	uint64_t target;
	uint64_t move;
	size_t first;
	struct line l = { .office = NO_OFFICE, .slot = UINT32_MAX, .line_no = k->r.line_no };
	if (!subject_take(a, &p, end, &first, &l.s) ||
	    !cert_take_number(&p, end, LIMIT_HASH_TOTAL, &target) || !cert_take_char(&p, end, ' ') ||
	    !attacker_take(a, &p, end, &l) || a->n_moves == 0 ||
	    !cert_take_number(&p, end, a->n_moves - 1, &move) || !cert_take_char(&p, end, ' ') ||
	    !rule_take(&p, end, &l.rules))
		return cert_bad(k, a->e, "a requirement is: r, cell, target, attacker, move, rule");
	l.s.minus = (const uint64_t *)(uintptr_t)first; /* a place until the array stands still */
	l.target = (int64_t)target;
	l.move = (uint32_t)move;
	if (!make_room((void **)&a->line, sizeof *a->line, a->n_lines, &a->room_lines, a->e))
		return false;
	a->line[a->n_lines++] = l;
	return true;
}

static int by_cell(const void *x, const void *y, void *context)
{
	const struct audit *a = context;
	uint32_t i = *(const uint32_t *)x;
	uint32_t j = *(const uint32_t *)y;
	if (a->line[i].s.cell != a->line[j].s.cell)
		return a->line[i].s.cell < a->line[j].s.cell ? -1 : 1;
	return (i > j) - (i < j);
}

static bool lines_index(struct audit *a)
{
	a->by_cell = calloc((size_t)a->n_lines + 1, sizeof *a->by_cell);
	if (a->by_cell == NULL)
		return err_set(a->e, ERR_MEMORY, "no memory");
	for (uint32_t i = 0; i < a->n_lines; i++) {
		a->line[i].s.minus = a->minus + (uintptr_t)a->line[i].s.minus;
		a->by_cell[i] = i;
	}
	if (a->n_lines > 0)
		qsort_r(a->by_cell, a->n_lines, sizeof *a->by_cell, by_cell, a);
	return true;
}

static bool same(const struct subject *x, const struct subject *y)
{
	return x->cell == y->cell && x->n == y->n &&
	       (x->n == 0 || memcmp(x->minus, y->minus, x->n * sizeof *x->minus) == 0);
}

/* The next line about s at or after *at in by_cell; NULL at the end. Begin with find_first. */
static struct line *next_line(const struct audit *a, const struct subject *s, uint32_t *at)
{
	for (; *at < a->n_lines && a->line[a->by_cell[*at]].s.cell == s->cell; ++*at)
		if (same(&a->line[a->by_cell[*at]].s, s))
			return &a->line[a->by_cell[(*at)++]];
	return NULL;
}

static uint32_t find_first(const struct audit *a, const struct subject *s)
{
	uint32_t lo = 0;
	uint32_t hi = a->n_lines;
	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;
		if (a->line[a->by_cell[mid]].s.cell < s->cell)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

/* ---- is a subject protected? ---- */

static bool fails(const struct audit *a, const struct subject *s, const char *rule, const char *why)
{
	struct buf name = { 0 };
	lattice_name(a->g, s->cell, &name);
	err_set(a->e, ERR_CRYPTO, "cell %.*s%s, %s: %s", (int)name.size, (const char *)name.data,
	    s->n > 0 ? " less some of its parts" : "", rule, why);
	buf_free(&name);
	return false;
}

static int64_t larger(int64_t x, int64_t y)
{
	return x > y ? x : y;
}

/* A move for this subject of at least amp that leaves the office alone. */
static bool answered(struct audit *a, const struct subject *s, int64_t amp, uint32_t office)
{
	uint32_t at = find_first(a, s);
	a->report->needs++;
	for (const struct line *l; (l = next_line(a, s, &at)) != NULL;) {
		const struct amount *m = &a->move[l->move];
		int64_t by = moved(a, m, s);
		if ((a->l1 ? by != 0 : by >= amp) && (office == NO_OFFICE || !touches(a, m, office)))
			return true;
	}
	return false;
}

/* Some coalition + 1 moves that pairwise touch different offices, each at least amp. The file's slots are tried. */
static bool slots_hold(const struct audit *a, const struct subject *s, int64_t amp, uint32_t exempt)
{
	const struct line *slot[17] = { 0 };
	uint32_t at = find_first(a, s);
	for (const struct line *l; (l = next_line(a, s, &at)) != NULL;) {
		if (l->slot > a->p->coalition || moved(a, &a->move[l->move], s) < amp)
			continue;
		slot[l->slot] = l;
		bool ok = l->slot == a->p->coalition;
		for (uint32_t i = 0; ok && i <= a->p->coalition; i++)
			for (uint32_t j = 0; ok && j < i; j++)
				ok = slot[i] != NULL && slot[j] != NULL &&
				     disjoint(a, &a->move[slot[i]->move], &a->move[slot[j]->move], exempt);
		if (ok)
			return true;
	}
	return false;
}

struct owners {
	uint32_t live, with_count;
	uint32_t sole,
	    whole; /* the only one that can have anything; the one that has it all; else NO_OFFICE */
};

static struct owners owners_of(const struct audit *a, const struct subject *s)
{
	struct owners o = { .sole = NO_OFFICE, .whole = NO_OFFICE };
	const struct latticedim *d = &a->g->dim[a->office_dim];
	bool *below = calloc(d->n_codes, sizeof *below);
	int64_t v = value_of(a, s, NO_OFFICE);
	if (below != NULL)
		lattice_leaves(d, lattice_place(a->g, s->cell, a->office_dim), below);
	for (uint32_t i = 0; below != NULL && i < a->n_offices; i++) {
		if (!below[a->office[i]] || !live_at(a, s, a->office[i]))
			continue;
		int64_t own = value_of(a, s, a->office[i]);
		o.sole = o.live++ == 0 ? a->office[i] : NO_OFFICE;
		o.with_count += own > 0;
		if (own == v && v > 0)
			o.whole = a->office[i];
	}
	free(below);
	return o;
}

static bool is_below(const struct audit *a, uint32_t office, uint32_t code)
{
	const struct latticedim *d = &a->g->dim[a->office_dim];
	bool *below = calloc(d->n_codes, sizeof *below);
	if (below != NULL)
		lattice_leaves(d, code, below);
	bool is = below != NULL && below[office];
	free(below);
	return is;
}

/* L3: whoever does not own all of it must be left with a move he cannot rule out. */
static bool offices_answered(struct audit *a, const struct subject *s, const char *rule)
{
	struct owners o = owners_of(a, s);
	int64_t v = value_of(a, s, NO_OFFICE);
	int64_t k = a->p->threshold;
	uint32_t code = lattice_place(a->g, s->cell, a->office_dim);
	uint32_t whole = a->p->residual == RESIDUAL_ZEROS ? NO_OFFICE : o.whole;
	uint32_t exempt = o.sole != NO_OFFICE ? o.sole : whole;
	if (a->p->coalition > 1 && !slots_hold(a, s, larger(k - v, a->p->width), exempt))
		return fails(a, s, rule, "no separate moves against coalitions");
	for (uint32_t i = 0; a->p->coalition == 1 && i < a->n_offices; i++) {
		uint32_t office = a->office[i];
		if (office == o.sole || office == whole)
			continue;
		int64_t own = is_below(a, office, code) ? value_of(a, s, office) : 0;
		if (!answered(a, s, larger(k - (v - own), a->p->width), office))
			return fails(a, s, rule, "no move against an office");
	}
	return true;
}

/* The lines of the file about s under this rule are wanted, and promise neither too little nor too much. */
static bool lines_fit(struct audit *a, const struct subject *s, enum rule rule, uint32_t office, int64_t amp)
{
	int64_t v = value_of(a, s, NO_OFFICE);
	uint32_t at = find_first(a, s);
	for (struct line *l; (l = next_line(a, s, &at)) != NULL;) {
		int64_t by = moved(a, &a->move[l->move], s);
		bool down = a->p->zero_reach && l->target == 0 && v > 0;
		if (l->rules != 1u << rule || l->office != office)
			continue;
		if (!a->l1 && !down && (l->target < v + amp || l->target > v + by))
			return fails(
			    a, s, rule_name[rule], "a target that the rules or the move do not give");
		if (!a->l1 && down && v + by != 0)
			return fails(a, s, rule_name[rule], "the move does not reach nought");
		l->asked = true;
	}
	return true;
}

/* Protected against everybody. */
static bool subject_check(struct audit *a, const struct subject *s, enum rule rule)
{
	int64_t amp = larger((int64_t)a->p->threshold - value_of(a, s, NO_OFFICE), a->p->width);
	a->report->subjects++;
	if (s->n == 0 && a->g->mark[s->cell] == 'P')
		return fails(a, s, rule_name[rule], "it is printed");
	if (!lines_fit(a, s, rule, NO_OFFICE, amp))
		return false;
	if (!answered(a, s, amp, NO_OFFICE))
		return fails(a, s, rule_name[rule], "no move for it");
	return !a->l3 || offices_answered(a, s, rule_name[rule]);
}

/* ---- the rules ---- */

static bool printed(const struct audit *a, uint64_t cell)
{
	return (a->g->mark[cell] == 'P' || a->g->mark[cell] == 'H') && a->g->live[cell] != 0;
}

static bool is_small(const struct audit *a, int64_t v)
{
	return v == 0 ? a->p->zeros == ZEROS_SENSITIVE : v < (int64_t)a->p->threshold;
}

/* R3 */
static bool rests_check(struct audit *a, uint64_t cell)
{
	struct subject s = { .cell = cell };
	struct owners o = owners_of(a, &s);
	uint32_t code = lattice_place(a->g, cell, a->office_dim);
	for (uint32_t i = 0; i < a->n_offices; i++) {
		uint32_t office = a->office[i];
		if (!is_below(a, office, code))
			continue;
		int64_t rest = a->g->truth[cell] - value_of(a, &s, office);
		int64_t amp = larger((int64_t)a->p->threshold - rest, a->p->width);
		if (rest >= (int64_t)a->p->threshold ||
		    (rest == 0 && (a->p->residual != RESIDUAL_ZEROS || office == o.sole)))
			continue;
		a->report->subjects++;
		if (a->g->mark[cell] == 'P')
			return fails(a, &s, "R3", "it is printed");
		if (!lines_fit(a, &s, RULE_R3, office, amp))
			return false;
		if (!answered(a, &s, amp, office))
			return fails(a, &s, "R3", "no move against an office");
	}
	return true;
}

/* R1, R2, R5, R3 for one cell that a table prints. */
static bool cell_check(struct audit *a, uint64_t cell)
{
	struct subject s = { .cell = cell };
	int64_t v = a->g->truth[cell];
	if (is_small(a, v))
		return subject_check(a, &s, v == 0 ? RULE_R2 : RULE_R1);
	if (v == 0 || a->office_dim == NO_OFFICE ||
	    lattice_is_leaf(&a->g->dim[a->office_dim], lattice_place(a->g, cell, a->office_dim)))
		return true;
	if (a->p->min_offices > 1) {
		struct owners o = owners_of(a, &s);
		if (o.live >= 2 && o.with_count < a->p->min_offices)
			return subject_check(a, &s, RULE_R5);
	}
	if (!a->l3 || a->p->residual == RESIDUAL_NO)
		return true;
	if (a->p->coalition == 1)
		return rests_check(a, cell);
	return lines_fit(
	    a, &s, RULE_R3, NO_OFFICE, a->p->width); /* coalitions: the slots, where there are some */
}

/* A sum that a subtraction shows: all children in `in`. One live child is that child. */
static bool sum_check(struct audit *a, uint64_t parent, const uint64_t *child, const bool *in, uint32_t n,
    uint64_t *scratch, enum rule rule)
{
	struct subject s = { .cell = parent, .minus = scratch };
	uint32_t held = 0;
	uint64_t only = 0;
	for (uint32_t i = 0; i < n; i++) {
		if (a->g->live[child[i]] == 0)
			continue;
		if (in[i]) {
			held++;
			only = child[i];
		} else {
			scratch[s.n++] = child[i];
		}
	}
	if (held == 0)
		return true;
	if (held > 1)
		return subject_check(a, &s, rule);
	struct subject one = { .cell = only };
	return (printed(a, only) && is_small(a, a->g->truth[only])) || subject_check(a, &one, rule);
}

struct parts { /* of one relation */
	uint64_t parent;
	uint64_t *child, *scratch;
	bool *in;
	uint32_t n;
};

/* R12: what is left beside the printed parts of a printed total. */
static bool rest_check(struct audit *a, const struct parts *r)
{
	int64_t rest = 0;
	uint32_t shown = 0;
	uint32_t left = 0;
	for (uint32_t i = 0; i < r->n; i++) {
		bool live = a->g->live[r->child[i]] != 0;
		r->in[i] = live && !printed(a, r->child[i]);
		shown += live && !r->in[i];
		left += r->in[i];
		rest += r->in[i] ? a->g->truth[r->child[i]] : 0;
	}
	return shown == 0 || left == 0 || !is_small(a, rest) ||
	       sum_check(a, r->parent, r->child, r->in, r->n, r->scratch, RULE_R12);
}

/* R4, all of a group in one category. */
static bool full_check(struct audit *a, const struct parts *r)
{
	struct subject base = { .cell = r->parent };
	if (a->p->zeros == ZEROS_PUBLISHED)
		return is_small(a, a->g->truth[r->parent]) || subject_check(a, &base, RULE_R4);
	for (uint32_t i = 0; a->p->zeros == ZEROS_CAMOUFLAGE && i < r->n; i++) {
		struct subject s = { .cell = r->child[i] };
		if (a->g->truth[s.cell] == 0 && a->g->live[s.cell] != 0 && !subject_check(a, &s, RULE_R4))
			return false;
	}
	return true;
}

/* R4 */
static bool group_check(struct audit *a, const struct parts *r)
{
	int64_t base = a->g->truth[r->parent];
	uint32_t live = 0;
	if (a->p->group_min == 0 || base < (int64_t)a->p->group_min)
		return true;
	for (uint32_t i = 0; i < r->n; i++)
		live += a->g->live[r->child[i]] != 0;
	for (uint32_t i = 0; live > 1 && i < r->n; i++) {
		int64_t rest = base - a->g->truth[r->child[i]];
		if (!printed(a, r->child[i]) || rest >= (int64_t)a->p->threshold)
			continue;
		for (uint32_t j = 0; j < r->n; j++)
			r->in[j] = j != i;
		if (rest == 0 ? !full_check(a, r)
			      : !sum_check(a, r->parent, r->child, r->in, r->n, r->scratch, RULE_R4))
			return false;
	}
	return true;
}

static bool is_group(const struct audit *a, uint32_t dim)
{
	const char *name = a->g->dim[dim].name;
	for (uint32_t i = 0; i < a->p->n_group_dims; i++)
		if (strcmp(a->p->group_dim[i], name) == 0)
			return true;
	return a->p->n_group_dims == 0 && strcmp(name, a->p->office_dim) != 0;
}

static bool breakdown_check(struct audit *a, uint32_t dim, const struct breakdown *b, struct parts *r)
{
	uint64_t stride = a->g->stride[dim];
	uint64_t block = stride * a->g->dim[dim].n_codes;
	r->n = b->n;
	for (uint64_t high = 0; high < a->g->n_cells; high += block)
		for (uint64_t low = high; low < high + stride; low++) {
			r->parent = low + b->parent * stride;
			if (!printed(a, r->parent))
				continue;
			for (uint32_t i = 0; i < b->n; i++)
				r->child[i] = low + b->child[i] * stride;
			if (!rest_check(a, r) || (is_group(a, dim) && !group_check(a, r)))
				return false;
		}
	return true;
}

static bool relations_check(struct audit *a)
{
	bool ok = true;
	for (uint32_t d = 0; ok && d < a->g->n_dims; d++)
		for (uint32_t b = 0; ok && b < a->g->dim[d].n_breakdowns; b++) {
			const struct breakdown *k = &a->g->dim[d].breakdown[b];
			struct parts r = { .child = calloc(k->n, sizeof *r.child),
				.scratch = calloc(k->n, sizeof *r.scratch),
				.in = calloc(k->n, sizeof *r.in) };
			ok = r.child != NULL && r.scratch != NULL && r.in != NULL
				 ? breakdown_check(a, d, k, &r)
				 : err_set(a->e, ERR_MEMORY, "no memory");
			free(r.child);
			free(r.scratch);
			free(r.in);
		}
	return ok;
}

static bool rules_check(struct audit *a)
{
	for (uint64_t c = 0; c < a->g->n_cells; c++)
		if (printed(a, c) && !cell_check(a, c))
			return false;
	if (!relations_check(a))
		return false;
	for (uint32_t i = 0; i < a->n_lines; i++) {
		const struct line *l = &a->line[i];
		if (l->rules == 1u << RULE_LATER ? moved(a, &a->move[l->move], &l->s) == 0 : !l->asked) {
			a->k.r.line_no = l->line_no;
			return cert_bad(&a->k, a->e, "no rule asks for this requirement");
		}
	}
	return true;
}

/* ---- the file ---- */

/* The printed values are the true ones; what is printed as nothing holds nothing. */
static bool truth_fits(const struct audit *a)
{
	for (uint64_t c = 0; c < a->g->n_cells; c++) {
		struct subject s = { .cell = c };
		if (a->g->value[c] >= 0 && a->g->value[c] != a->g->truth[c])
			return fails(a, &s, "the table", "what is printed is not the true value");
	}
	return true;
}

static bool head_take(struct audit *a, struct bytes certificate)
{
	struct certcheck *k = &a->k;
	uint8_t want[32];
	uint8_t got[32];
	crypto_hash_sha256(want, certificate.at, certificate.len);
	if (!cert_reader_line(&k->r) || !cert_line_is(&k->r, "cellveil-certificate-auditor 1"))
		return cert_bad(k, a->e, "not an auditors' part of version 1");
	if (!cert_reader_line(&k->r) || !cert_line_begins(&k->r, "public ") ||
	    !hex_decode(got, 32, bytes_of(k->r.line + 7, (size_t)(k->r.line_end - k->r.line) - 7)) ||
	    memcmp(got, want, 32) != 0)
		return cert_bad(k, a->e, "it belongs to another certificate");
	if (!cert_reader_line(&k->r) || !cert_line_begins(&k->r, "blind ") ||
	    !hex_decode(got, 32, bytes_of(k->r.line + 6, (size_t)(k->r.line_end - k->r.line) - 6)))
		return cert_bad(k, a->e, "blind and 64 hex digits are expected");
	return true;
}

static bool end_take(struct audit *a, struct bytes file)
{
	struct certcheck *k = &a->k;
	uint8_t want[32];
	uint8_t got[32];
	const size_t len = sizeof "end-auditor " - 1;
	if (!cert_line_begins(&k->r, "end-auditor ") || k->r.at != k->r.end ||
	    !hex_decode(got, 32, bytes_of(k->r.line + len, (size_t)(k->r.line_end - k->r.line) - len)))
		return cert_bad(k, a->e, "the last line is end-auditor and a digest");
	crypto_hash_sha256(want, file.at, (size_t)((const uint8_t *)k->r.line - file.at));
	return memcmp(got, want, 32) == 0 ||
	       cert_bad(k, a->e, "the file was changed: its own digest does not fit");
}

static bool file_take(struct audit *a, struct bytes certificate, struct bytes file)
{
	struct certcheck *k = &a->k;
	if (!head_take(a, certificate))
		return false;
	if (!cert_reader_line(&k->r) || !cert_line_is(&k->r, "section amplitudes"))
		return cert_bad(k, a->e, "section amplitudes is expected");
	while (cert_reader_line(&k->r) && cert_line_begins(&k->r, "a "))
		if (!amount_take(a))
			return false;
	if (!cert_line_is(&k->r, "section requirements"))
		return cert_bad(k, a->e, "section requirements is expected");
	while (cert_reader_line(&k->r) && cert_line_begins(&k->r, "r "))
		if (!line_take(a))
			return false;
	return end_take(a, file) && lines_index(a);
}

static bool offices_find(struct audit *a)
{
	a->office_dim = a->p->offices ? lattice_dim(a->g, a->p->office_dim) : NO_OFFICE;
	for (uint32_t d = 0; d < a->g->n_dims && a->p->offices; d++)
		if (a->g->dim[d].synthetic)
			a->office_dim = d;
	if (a->office_dim == NO_OFFICE)
		return true;
	const struct latticedim *d = &a->g->dim[a->office_dim];
	a->office = calloc(d->n_codes, sizeof *a->office);
	for (uint32_t i = 0; a->office != NULL && i < d->n_codes; i++)
		if (lattice_is_leaf(d, i))
			a->office[a->n_offices++] = i;
	return a->office != NULL || err_set(a->e, ERR_MEMORY, "no memory");
}

bool auditor_check(const struct lattice *g, const struct policy_params *p, const char *level,
    struct bytes certificate, struct bytes file, struct auditor_report *report, struct err *e)
{
	struct certificate_report unused = { 0 };
	struct audit a = { .g = g, .p = p, .report = report, .e = e };
	*report = (struct auditor_report){ 0 };
	a.k = (struct certcheck){ .g = g, .report = &unused };
	a.k.r = (struct reader){ .at = (const char *)file.at, .end = (const char *)file.at + file.len };
	for (uint32_t d = 1; d < g->n_dims; d++)
		a.k.relation_base[d] = a.k.relation_base[d - 1] + g->dim[d - 1].n_breakdowns;
	bool ok = offices_find(&a);
	a.l1 = strcmp(level, "L1") == 0;
	a.l3 = level[1] >= '3' && a.office_dim != NO_OFFICE;
	ok = ok && truth_fits(&a) && file_take(&a, certificate, file) && rules_check(&a);
	report->moves = a.n_moves;
	report->requirements = a.n_lines;
	if (a.change != NULL)
		sodium_memzero(a.change, a.room_changes * sizeof *a.change);
	if (a.line != NULL)
		sodium_memzero(a.line, a.room_lines * sizeof *a.line);
	free(a.change);
	free(a.move);
	free(a.minus);
	free(a.line);
	free(a.by_cell);
	free(a.office);
	free(a.k.sums.place);
	return ok;
}
