#include "client/protect/attack.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/protect/derive.h"
#include "client/protect/jjattack.h"
#include "client/protect/lattice.h"
#include "client/protect/moved.h"
#include "client/protect/protect.h"
#include "client/protect/protectfiles.h"
#include "client/protect/replay.h"
#include "client/protect/system.h"
#include "client/protect/together.h"
#include "client/text.h"

#define PROGRAM_MAX   60000u /* variables of a component that still gets linear programs */
#define COALITION_MAX 8u

struct attack {
	struct lattice g;
	struct together *all; /* --ledger: g is all releases of the period together */
	uint32_t office_dim;  /* UINT32_MAX: none */
	uint32_t *office;     /* codes of the offices, leaves of office_dim */
	uint32_t n_offices;
	bool *own; /* of each code of office_dim: every office below it is the attacker's */
	int64_t floor;
	int64_t threshold, width;
	struct moved moved; /* how figures marked R were moved */
	char series[PARAMS_NAME_MAX + 1];
	bool zeros_open; /* --policy: noughts are not protected */
	bool judged;     /* --policy and --level: also protected cells that miss their targets count */
	struct buf out;
	uint64_t found, hidden;
	uint64_t programs;
	const char *now;      /* who is attacking, for the eyes of someone who waits */
	bool telling;         /* a line on the terminal is being kept up to date */
	bool wide_is_enough;  /* many attackers: an interval need only be shown to be wide */
	bool symbols;         /* what the attacker owns is known to him, and its counts not to us */
	attack_line_fn *line; /* takes the findings instead of out */
	void *context;
};

/* ---- what the attacker knows of a cell ---- */

static bool owned(const struct attack *a, uint64_t cell)
{
	return a->own != NULL && a->own[lattice_place(&a->g, cell, a->office_dim)];
}

/* Printed, or plain to see; in another release it is the same cell if nobody below it sent other figures. */
static bool printed(const struct attack *a, uint64_t cell, uint64_t *where)
{
	uint64_t n = a->all != NULL ? a->all->n_cells : a->g.n_cells;
	uint64_t end = a->all != NULL ? a->all->n_released : cell + 1;
	uint64_t first = a->all != NULL ? together_earliest(a->all, cell) : cell;
	for (*where = first; *where < end; *where += n)
		if (a->g.value[*where] >= 0 && (a->all == NULL || together_earliest(a->all, *where) == first))
			return true;
	return false;
}

static bool known(const struct attack *a, uint64_t cell, int64_t *value)
{
	uint64_t where;
	if (printed(a, cell, &where)) {
		*value = a->g.value[where];
		return true;
	}
	if (!owned(a, cell))
		return false;
	*value = a->symbols ? 0 : a->g.truth[cell];
	return true;
}

/* The same cell in a later release: hidden in one is hidden. */
static void hidden_again(struct system_var *v, uint64_t cell, int64_t lo, bool hidden)
{
	if (!hidden)
		return;
	if (!v->wanted)
		v->cell = cell;
	v->wanted = true;
	v->lo = lo > v->lo ? lo : v->lo;
}

/* What printed figures of one release tell of cells from first on. */
static void figures_bind(const struct lattice *g, uint64_t first, struct system *s, const uint32_t *var)
{
	for (uint32_t i = 0; i < g->n_figures; i++) {
		uint64_t cell;
		int64_t lo;
		int64_t hi;
		if (!figure_bounds(g, &g->figure[i], &cell, &lo, &hi) || var[first + cell] == UINT32_MAX)
			continue;
		struct system_var *v = &s->var[var[first + cell]];
		v->lo = lo > v->lo ? lo : v->lo;
		v->hi = v->hi == SYSTEM_UNBOUNDED || hi < v->hi ? hi : v->hi;
	}
}

static bool vars_make(struct attack *a, struct system *s, uint32_t *var, struct err *e)
{
	int64_t value;
	uint64_t n = a->all != NULL ? a->all->n_released : a->g.n_cells;
	for (uint64_t c = 0; c < n; c++) {
		uint64_t first = a->all != NULL ? together_earliest(a->all, c) : c;
		bool hidden = a->g.mark[c] == 'H';
		int64_t lo = hidden ? a->floor : 0;
		int64_t hi = SYSTEM_UNBOUNDED;
		var[c] = first < c ? var[first] : UINT32_MAX;
		if (var[c] != UINT32_MAX)
			hidden_again(&s->var[var[c]], c, lo, hidden);
		if (var[c] != UINT32_MAX || known(a, c, &value))
			continue;
		if (a->g.mark[c] == 'R')
			moved_interval(&a->moved, lattice_is_inner(&a->g, c), a->g.near[c], &lo, &hi);
		var[c] = system_add_var(s, c, lo, hi, hidden || a->g.mark[c] == 'R');
		if (var[c] == UINT32_MAX)
			return err_set(e, ERR_MEMORY, "no memory");
	}
	figures_bind(&a->g, 0, s, var);
	for (uint32_t v = 0; a->all != NULL && v < a->all->n; v++)
		figures_bind(&a->all->release[v], v * a->all->n_cells, s, var);
	return true;
}

static bool term_add(
    struct attack *a, struct system *s, const uint32_t *var, uint64_t cell, int32_t coef, int64_t *rhs)
{
	int64_t value = 0;
	if (var[cell] != UINT32_MAX)
		return system_add_term(s, var[cell], coef);
	known(a, cell, &value);
	*rhs -= coef * value;
	return true;
}

/* parent - sum of children = 0 at one combination of the other dimensions. */
static bool relation_add(struct attack *a, struct system *s, const uint32_t *var, const struct breakdown *b,
    uint64_t base, uint64_t stride)
{
	int64_t rhs = 0;
	uint64_t parent = base + b->parent * stride;
	if (a->all != NULL && together_earliest(a->all, parent) != parent)
		return true; /* an earlier release's */
	bool ok = term_add(a, s, var, parent, 1, &rhs);
	for (uint32_t i = 0; ok && i < b->n; i++)
		ok = term_add(a, s, var, base + b->child[i] * stride, -1, &rhs);
	return ok && system_end_relation(s, rhs);
}

static bool relations_make(struct attack *a, struct system *s, const uint32_t *var, struct err *e)
{
	const struct lattice *g = &a->g;
	uint64_t n = a->all != NULL ? a->all->n_released : g->n_cells;
	for (uint32_t d = 0; d < g->n_dims; d++) {
		uint64_t stride = g->stride[d];
		uint64_t block = stride * g->dim[d].n_codes;
		for (uint32_t b = 0; b < g->dim[d].n_breakdowns; b++)
			for (uint64_t high = 0; high < n; high += block)
				for (uint64_t low = high; low < high + stride; low++)
					if (!relation_add(a, s, var, &g->dim[d].breakdown[b], low, stride))
						return err_set(e, ERR_MEMORY, "no memory");
	}
	return true;
}

/* ---- differences of two releases ---- */

static int64_t own_part(const struct attack *a, uint64_t cell);

static bool is_difference(const struct attack *a, uint64_t cell)
{
	return a->all != NULL && cell >= a->all->n_released;
}

/* A few persons that are not the attacker's, in a cell that both releases' tables have. rest: what is left of the
 * difference without his own. */
static bool difference_asked(const struct attack *a, uint64_t cell, int64_t *rest)
{
	uint64_t end[2];
	together_ends(a->all, cell, &end[0], &end[1]);
	for (int i = 0; i < 2; i++)
		if (a->g.mark[end[i]] != 'P' && a->g.mark[end[i]] != 'H')
			return false;
	if (!together_foreign(a->all, cell, a->own))
		return false;
	*rest = a->g.truth[cell] - (a->own == NULL ? 0 : own_part(a, cell));
	return *rest != 0 && *rest < a->threshold && -*rest < a->threshold;
}

static bool differences_make(struct attack *a, struct system *s, const uint32_t *var, struct err *e)
{
	uint64_t first = a->all != NULL ? a->all->n_released : a->g.n_cells;
	for (uint64_t c = first; c < a->g.n_cells; c++) {
		int64_t rest;
		int64_t rhs = -a->all->shift;
		uint64_t before;
		uint64_t after;
		together_ends(a->all, c, &before, &after);
		if ((var[before] == UINT32_MAX && var[after] == UINT32_MAX) || !difference_asked(a, c, &rest))
			continue;
		uint32_t d = system_add_var(s, c, 0, SYSTEM_UNBOUNDED, true);
		if (d == UINT32_MAX || !term_add(a, s, var, after, 1, &rhs) ||
		    !term_add(a, s, var, before, -1, &rhs) || !system_add_term(s, d, -1) ||
		    !system_end_relation(s, rhs))
			return err_set(e, ERR_MEMORY, "no memory");
	}
	return true;
}

/* The difference must be able to be larger in its own direction, as a small count must. */
static bool discloses_difference(const struct attack *a, uint64_t cell, int64_t lo, int64_t hi)
{
	int64_t mine = a->own == NULL ? 0 : own_part(a, cell);
	int64_t rest = a->g.truth[cell] - mine;
	int64_t few = rest < 0 ? -rest : rest;
	int64_t target = few + a->width > a->threshold ? few + a->width : a->threshold;
	bool open = hi == SYSTEM_UNBOUNDED;
	if (!a->judged)
		return lo == hi;
	return rest > 0 ? !open && hi < mine + target : lo > mine - target;
}

/* ---- findings ---- */

static void line_give(struct attack *a, uint64_t cell, const struct attack_line *like)
{
	struct attack_line line = *like;
	struct buf name = { 0 };

	lattice_name(&a->g, cell, &name);
	buf_put_byte(&name, 0);
	line.cell = (const char *)name.data;
	if (name.failed || !a->line(a->context, &line))
		a->out.failed = true;
	buf_free(&name);
}

static void line_put(
    struct attack *a, uint64_t cell, int64_t lo, int64_t hi, const char *why, const char *who)
{
	lattice_name(&a->g, cell, &a->out);
	buf_printf(&a->out, ",%lld,", (long long)lo);
	if (hi != SYSTEM_UNBOUNDED)
		buf_printf(&a->out, "%lld", (long long)hi);
	buf_printf(&a->out, ",%d,%s,%s\n", lo == hi, why, who);
}

/* The attacker's own part of a cell: the sum over its offices below the cell's office code. */
static int64_t own_part(const struct attack *a, uint64_t cell)
{
	const struct latticedim *d = &a->g.dim[a->office_dim];
	uint64_t base = cell - lattice_place(&a->g, cell, a->office_dim) * a->g.stride[a->office_dim];
	bool *below = calloc(d->n_codes, sizeof *below);
	int64_t sum = 0;
	if (below == NULL)
		return 0;
	lattice_leaves(d, lattice_place(&a->g, cell, a->office_dim), below);
	for (uint32_t i = 0; i < a->n_offices; i++)
		if (a->own[a->office[i]] && below[a->office[i]])
			sum += a->g.truth[base + a->office[i] * a->g.stride[a->office_dim]];
	free(below);
	return sum;
}

/* Where figures were moved, nobody is promised to reach the threshold: a small count, or a small rest, must stay
 * in doubt by the width. Without a policy, by one. */
static bool discloses_moved(const struct attack *a, int64_t value, int64_t rest, int64_t lo, int64_t hi)
{
	if (rest >= a->threshold || (rest == 0 && (value > 0 || a->zeros_open)))
		return false;
	return hi - lo < (a->judged ? a->width : 1);
}

/* Is somebody's whole group beside the nought, so that it says nobody of them is here (rule R4)? */
static bool beside_full(const struct attack *a, uint64_t cell)
{
	for (uint32_t d = 0; d < a->g.n_dims; d++) {
		uint32_t code = lattice_place(&a->g, cell, d);
		const int64_t *line = a->g.truth + (cell - code * a->g.stride[d]);
		for (uint32_t i = 0; d != a->office_dim && i < a->g.dim[d].n_breakdowns; i++) {
			const struct breakdown *b = &a->g.dim[d].breakdown[i];
			int64_t whole = line[b->parent * a->g.stride[d]];
			bool child = false;
			bool full = false;
			for (uint32_t j = 0; j < b->n; j++) {
				child = child || b->child[j] == code;
				full = full || line[b->child[j] * a->g.stride[d]] == whole;
			}
			if (child && full && whole > 0)
				return true;
		}
	}
	return false;
}

/* A nought that the policy does not protect: hidden for others' sake, or not at all. */
static bool is_open_nought(const struct attack *a, uint64_t cell)
{
	return a->zeros_open && a->g.truth != NULL && a->g.truth[cell] == 0 && !beside_full(a, cell);
}

/* Does this interval disclose? Rules: docs/disclosure.md "Commands", attack. */
static bool discloses(const struct attack *a, uint64_t cell, int64_t lo, int64_t hi)
{
	bool open = hi == SYSTEM_UNBOUNDED;
	if (is_difference(a, cell))
		return discloses_difference(a, cell, lo, hi);
	if (a->own == NULL && !a->judged)
		return !open && lo == hi;
	int64_t value = lo == hi && a->own != NULL ? lo : a->g.truth[cell];
	int64_t mine = a->own == NULL ? 0 : own_part(a, cell);
	int64_t rest = value - mine;
	if (a->own != NULL && value > 0 && rest == 0)
		return false;
	if (a->moved.how != MOVED_NOT)
		return discloses_moved(a, value, rest, lo, hi);
	if (is_open_nought(a, cell))
		return false;
	if (!open && lo == hi && (a->own == NULL || value < a->threshold))
		return true;
	if (!a->judged || rest >= a->threshold || open)
		return false;
	int64_t target = mine + (rest + a->width > a->threshold ? rest + a->width : a->threshold);
	return hi < target || hi - lo < a->width;
}

static bool wide(void *context, uint64_t cell, int64_t lo, int64_t hi)
{
	const struct attack *a = context;
	int64_t shift = is_difference(a, cell) ? a->all->shift : 0;
	return !discloses(a, cell, lo - shift, hi == SYSTEM_UNBOUNDED ? hi : hi - shift);
}

static void progress(void *context, double share)
{
	struct attack *a = context;
	fprintf(stderr, "\r\033[K%s %3.0f %%", a->now, 100 * share);
	a->telling = true;
}

static void hidden_put(struct attack *a, const struct system *s, const char *who)
{
	static const char *const why[] = { "open", "propagation", "program", "witness" };
	for (uint32_t i = 0; i < s->n_vars; i++) {
		struct system_var shifted = s->var[i];
		const struct system_var *v = &shifted;
		if (!v->wanted)
			continue;
		if (is_difference(a, v->cell)) {
			shifted.lo -= a->all->shift;
			shifted.hi -= v->hi == SYSTEM_UNBOUNDED ? 0 : a->all->shift;
		}
		bool bad = discloses(a, v->cell, v->lo, v->hi);
		a->hidden++;
		a->found += bad;
		if (a->line == NULL) {
			line_put(a, v->cell, v->lo, v->hi, why[v->why], who);
			continue;
		}
		const struct attack_line line = { .who = who,
			.how = why[v->why],
			.lo = v->lo,
			.hi = v->hi,
			.own = a->own != NULL ? own_part(a, v->cell) : 0,
			.exact = v->lo == v->hi,
			.discloses = bad };
		line_give(a, v->cell, &line);
	}
}

/* Printed aggregates of which the attacker's own part leaves a small rest. */
static void residuals_put(struct attack *a, const char *who)
{
	for (uint64_t c = 0; c < a->g.n_cells; c++) {
		if (a->g.mark[c] != 'P' ||
		    lattice_is_leaf(&a->g.dim[a->office_dim], lattice_place(&a->g, c, a->office_dim)))
			continue;
		int64_t mine = own_part(a, c);
		int64_t rest = a->g.value[c] - mine;
		if (mine == 0 || rest < 1 || rest >= a->threshold)
			continue;
		a->found++;
		if (a->line == NULL) {
			line_put(a, c, rest, rest, "residual", who);
			continue;
		}
		const struct attack_line line = { .who = who,
			.how = "residual",
			.lo = rest,
			.hi = rest,
			.exact = true,
			.discloses = true };
		line_give(a, c, &line);
	}
}

/* Small differences for which a subtraction will do: both figures are printed. The public's count for all. */
static void differences_put(struct attack *a, const char *who)
{
	uint64_t first = a->all != NULL ? a->all->n_released : a->g.n_cells;
	for (uint64_t c = first; c < a->g.n_cells; c++) {
		uint64_t before;
		uint64_t after;
		uint64_t where;
		int64_t rest;
		together_ends(a->all, c, &before, &after);
		if (!printed(a, before, &where) || !printed(a, after, &where) ||
		    !difference_asked(a, c, &rest) || (a->own != NULL && rest == a->g.truth[c]))
			continue;
		a->found++;
		line_put(a, c, rest, rest, "difference", who);
	}
}

/* Hidden in one release and printed in another, of the same figures: out, unless it was printed before. */
static void printed_put(struct attack *a, const char *who)
{
	for (uint64_t c = 0; a->all != NULL && c < a->all->n_released; c++) {
		uint64_t where;
		if (a->g.mark[c] != 'H' || !printed(a, c, &where))
			continue;
		a->found += where > c;
		line_put(a, c, a->g.value[where], a->g.value[where], where > c ? "release" : "late", who);
	}
}

/* Is all of the cell the attacker's, because everybody can see that nobody else has anything in it? */
static bool owned_in_effect(const struct attack *a, uint64_t cell)
{
	const struct latticedim *d = &a->g.dim[a->office_dim];
	uint32_t code = lattice_place(&a->g, cell, a->office_dim);
	uint64_t stride = a->g.stride[a->office_dim], base = cell - code * stride;
	bool all = a->own[code];

	for (uint32_t b = 0; !all && b < d->n_breakdowns; b++) {
		all = d->breakdown[b].parent == code;
		for (uint32_t i = 0; all && i < d->breakdown[b].n; i++) {
			uint64_t child = base + d->breakdown[b].child[i] * stride;
			all = a->g.value[child] == 0 || owned_in_effect(a, child);
		}
	}
	return all;
}

/* Without the attacker's counts: what he could compute exactly, knowing them. */
static bool derived_put(struct attack *a, const struct system *s, const char *who, struct err *e)
{
	bool *follows = calloc(s->n_vars + (size_t)1, sizeof *follows);
	const struct attack_line line = {
		.who = who, .how = "elimination", .hi = SYSTEM_UNBOUNDED, .exact = true, .unknown = true
	};
	bool ok = (follows != NULL || err_set(e, ERR_MEMORY, "no memory")) && derive_follow(s, follows, e);

	for (uint32_t i = 0; ok && i < s->n_vars; i++) {
		if (!s->var[i].wanted || owned_in_effect(a, s->var[i].cell))
			continue;
		a->hidden++;
		if (follows[i])
			line_give(a, s->var[i].cell, &line);
	}
	free(follows);
	return ok;
}

static bool attack_as(struct attack *a, const char *who, struct err *e)
{
	struct system s = { 0 };
	uint32_t *var = malloc(a->g.n_cells * sizeof *var);
	const struct system_plan plan = { .max_program = PROGRAM_MAX,
		.enough = a->wide_is_enough && a->own != NULL ? wide : NULL,
		.progress = isatty(STDERR_FILENO) ? progress : NULL,
		.context = a };
	bool ok = var != NULL || err_set(e, ERR_MEMORY, "no memory");
	bool symbols = a->symbols && a->own != NULL;
	a->now = who;
	ok = ok && vars_make(a, &s, var, e) && relations_make(a, &s, var, e) &&
	     differences_make(a, &s, var, e) &&
	     ((symbols ? derived_put(a, &s, who, e) : system_solve(&s, &plan, e)) || err_wrap(e, "%s", who));
	if (ok && !symbols)
		hidden_put(a, &s, who);
	if (ok && !symbols && a->own != NULL)
		residuals_put(a, who);
	if (ok)
		differences_put(a, who);
	if (ok && a->own == NULL)
		printed_put(a, who);
	a->programs += s.n_programs;
	if (a->telling)
		fputs("\r\033[K", stderr);
	a->telling = false;
	system_free(&s);
	free(var);
	return ok;
}

/* ---- offices and coalitions ---- */

static bool offices_find(struct attack *a, const char *dim, struct err *e)
{
	a->office_dim = lattice_dim(&a->g, dim);
	if (a->office_dim == UINT32_MAX)
		return err_set(e, ERR_INVALID, "no dimension %s: there are no offices to attack as", dim);
	const struct latticedim *d = &a->g.dim[a->office_dim];
	a->office = calloc(d->n_codes, sizeof *a->office);
	a->own = calloc(d->n_codes, sizeof *a->own);
	if (a->office == NULL || a->own == NULL)
		return err_set(e, ERR_MEMORY, "no memory");
	for (uint32_t i = 0; i < d->n_codes; i++)
		if (lattice_is_leaf(d, i))
			a->office[a->n_offices++] = i;
	return true;
}

/* Marks the members, and every code all of whose offices are members. */
static void own_set(struct attack *a, const uint32_t *member, uint32_t n)
{
	const struct latticedim *d = &a->g.dim[a->office_dim];
	memset(a->own, 0, d->n_codes * sizeof *a->own);
	for (uint32_t i = 0; i < n; i++)
		a->own[a->office[member[i]]] = true;
	for (uint32_t i = 0; i < d->n_codes; i++)
		for (uint32_t b = 0; b < d->n_breakdowns; b++) {
			bool all = d->breakdown[b].parent == d->order[i];
			for (uint32_t c = 0; all && c < d->breakdown[b].n; c++)
				all = a->own[d->breakdown[b].child[c]];
			if (all)
				a->own[d->order[i]] = true;
		}
}

static bool attack_members(struct attack *a, const uint32_t *member, uint32_t n, struct err *e)
{
	struct buf who = { 0 };
	buf_put_text(&who, n == 1 ? "office:" : "coalition:");
	for (uint32_t i = 0; i < n; i++) {
		if (i > 0)
			buf_put_byte(&who, '+');
		buf_put_text(&who, a->g.dim[a->office_dim].code[a->office[member[i]]]);
	}
	buf_put_byte(&who, '\0');
	own_set(a, member, n);
	bool ok = !who.failed && attack_as(a, (const char *)who.data, e);
	buf_free(&who);
	return ok;
}

/* Every set of exactly n offices, in order. */
static bool attack_sets(struct attack *a, uint32_t n, struct err *e)
{
	uint32_t member[COALITION_MAX];
	if (n > a->n_offices)
		return true;
	for (uint32_t i = 0; i < n; i++)
		member[i] = i;
	for (;;) {
		if (!attack_members(a, member, n, e))
			return false;
		uint32_t i = n;
		while (i > 0 && member[i - 1] == a->n_offices - n + i - 1)
			i--;
		if (i == 0)
			return true;
		member[i - 1]++;
		for (; i < n; i++)
			member[i] = member[i - 1] + 1;
	}
}

static bool attack_named(struct attack *a, const char *code, struct err *e)
{
	for (uint32_t i = 0; i < a->n_offices; i++) {
		uint32_t member[1] = { i };
		if (strcmp(a->g.dim[a->office_dim].code[a->office[i]], code) == 0)
			return attack_members(a, member, 1, e);
	}
	return err_set(e, ERR_INVALID, "--office: no such office");
}

/* ---- the command ---- */

static void attack_free(struct attack *a)
{
	if (a->all != NULL)
		together_free(a->all, &a->g);
	else
		lattice_free(&a->g);
	free(a->office);
	free(a->own);
	buf_free(&a->out);
}

static bool policy_take(struct attack *a, const struct args *args, char *office_dim, struct err *e)
{
	struct policy_params p = policy_params_default();
	unsigned long floor;
	const char *level = args_value(args, "level");
	if (args_value(args, "policy") != NULL && !protectfiles_policy(&p, args_value(args, "policy"), e))
		return false;
	if (!args_number(args, "floor", 1, 0, &floor))
		return err_set(e, ERR_INVALID, "--floor is 0 or 1");
	a->floor = (int64_t)floor;
	a->threshold = p.threshold;
	a->width = p.width;
	a->judged = args_value(args, "policy") != NULL && level != NULL && strcmp(level, "L1") != 0;
	memcpy(a->series, p.series, sizeof a->series);
	a->zeros_open = p.zeros != ZEROS_SENSITIVE;
	memcpy(office_dim, p.office_dim, sizeof p.office_dim);
	if (p.method == METHOD_ROUNDING)
		a->moved = (struct moved){ MOVED_ROUNDING, p.base, (int64_t)p.base - 1, (int64_t)p.base - 1 };
	if (p.method == METHOD_NOISE)
		a->moved = (struct moved){ MOVED_NOISE, 0, p.noise_max, p.noise_max };
	return true;
}

/* The certificate says how figures were moved, or else the policy. */
static bool method_known(struct attack *a, struct err *e)
{
	if (a->g.near == NULL || a->g.moved.how != MOVED_NOT)
		a->moved = a->g.moved;
	return a->g.near == NULL || a->moved.how != MOVED_NOT ||
	       err_set(e, ERR_INVALID,
		   "figures are rounded or moved by noise: how says certificate.cvc beside them, or "
		   "--policy");
}

/* --ledger: everything released of the period. Its folders have the counts that tell who sent other figures. */
static bool lattice_take(
    struct attack *a, const struct args *args, bool insiders, const char *office_dim, struct err *e)
{
	const struct together_question q = { .ledger = args_value(args, "ledger"),
		.folder = args->at[0],
		.result = args->n > 1 ? args->at[1] : NULL,
		.period = args_value(args, "period"),
		.series = args_value(args, "policy") != NULL ? a->series : NULL,
		.office_dim = office_dim };
	if (q.ledger != NULL)
		return together_read(a->all, &a->g, &q, e);
	return lattice_read(&a->g, q.folder, q.result, insiders, e) && method_known(a, e) &&
	       ((!insiders && !a->judged) || lattice_truth(&a->g, q.folder, e));
}

static bool attack_table(struct attack *a, const struct args *args, struct err *e)
{
	char office_dim[PARAMS_NAME_MAX + 1];
	unsigned long coalition;
	const char *office = args_value(args, "office");
	bool all = args_flag(args, "all-offices");
	if (!policy_take(a, args, office_dim, e))
		return false;
	if (!args_number(args, "coalition", COALITION_MAX, all ? 1 : 0, &coalition))
		return err_set(e, ERR_INVALID, "--coalition is a small whole number");
	bool insiders = office != NULL || coalition > 0;
	if (!lattice_take(a, args, insiders, office_dim, e))
		return false;
	if (!attack_as(a, "public", e))
		return false;
	if (insiders && !offices_find(a, office_dim, e))
		return false;
	a->wide_is_enough = !args_flag(args, "intervals");
	if (office != NULL)
		return attack_named(a, office, e);
	for (uint32_t n = 1; n <= coalition; n++)
		if (!attack_sets(a, n, e))
			return false;
	return true;
}

bool attack_public(const char *folder, struct buf *csv, struct err *e)
{
	struct attack a = { .office_dim = UINT32_MAX };
	buf_put_text(&a.out, "cell,lo,hi,exact,why,attacker\n");
	bool ok =
	    lattice_read(&a.g, folder, NULL, false, e) && method_known(&a, e) && attack_as(&a, "public", e);
	if (ok)
		buf_put_bytes(csv, buf_bytes(&a.out));
	attack_free(&a);
	return ok;
}

bool attack_ask(const struct attack_question *q, struct err *e)
{
	struct attack a = { .office_dim = UINT32_MAX,
		.floor = q->floor,
		.threshold = q->threshold,
		.width = q->width,
		.judged = q->judged && q->figures != NULL && q->office == NULL,
		.symbols = q->figures == NULL,
		.line = q->line,
		.context = q->context };
	bool insiders = q->office != NULL || q->coalition > 0;
	bool ok = lattice_read(&a.g, q->folder, NULL, false, e) && method_known(&a, e) &&
		  (q->figures == NULL || lattice_truth_file(&a.g, q->figures, e)) &&
		  attack_as(&a, "public", e) && (!insiders || offices_find(&a, q->office_dim, e));

	if (ok && q->office != NULL)
		ok = attack_named(&a, q->office, e);
	for (uint32_t n = 1; ok && q->office == NULL && n <= q->coalition; n++)
		ok = attack_sets(&a, n, e);
	ok = ok && (!a.out.failed || err_set(e, ERR_MEMORY, "no memory for the findings"));
	attack_free(&a);
	return ok;
}

int attack_told(const struct args *args, uint64_t intervals, uint64_t disclosures, uint64_t programs)
{
	if (args_flag(args, "json"))
		printf("{\"intervals\":%" PRIu64 ",\"disclosures\":%" PRIu64 ",\"programs\":%" PRIu64 "}\n",
		    intervals, disclosures, programs);
	text_say(_("%llu intervals, %llu disclosures"), (unsigned long long)intervals,
	    (unsigned long long)disclosures);
	return disclosures > 0 ? PROTECT_DISCLOSED : PROTECT_SAFE;
}

static int run(const struct args *args)
{
	struct together all = { 0 };
	struct attack a = { .office_dim = UINT32_MAX,
		.all = args_value(args, "ledger") != NULL ? &all : NULL };
	struct err e = { 0 };
	const char *out = args_value(args, "output");
	int code = PROTECT_INPUT;
	if (args_value(args, "jj") != NULL)
		return jjattack_run(args);
	if (args_value(args, "replay") != NULL)
		return replay_command(args);
	buf_put_text(&a.out, "cell,lo,hi,exact,why,attacker\n");
	if (!attack_table(&a, args, &e)) {
		text_error(&e);
		goto done;
	}
	if (out != NULL ? !protectfiles_put(out, buf_bytes(&a.out), &e) : !text_put(&a.out)) {
		text_error(&e);
		goto done;
	}
	code = attack_told(args, a.hidden, a.found, a.programs);
done:
	attack_free(&a);
	return code;
}

const struct command attack_command = {
	.name = "attack",
	.arguments = "FOLDER [RESULT.csv]",
	.about = N_("what readers and offices can work out from a published table"),
	.example = "cellveil get 2024 -o release-2024; cellveil attack release-2024\n"
		   "cellveil attack tables/2024 protected/RESULT.csv --all-offices -o intervals.csv\n"
		   "cellveil attack tables/2024 protected/RESULT.csv --ledger ledger --all-offices\n"
		   "cellveil attack --jj linked.jj protected/RESULT.csv",
	.option = {
	    { "office", 0, "CODE", N_("also as this office, with its own figures from cells.csv") },
	    { "all-offices", 0, NULL, N_("also as each office") },
	    { "coalition", 0, "N", N_("also as every set of up to N offices") },
	    { "intervals", 0, NULL, N_("exact intervals for offices too, not only whether they are wide") },
	    { "floor", 0, "N", N_("hidden cells are known to be at least this: 0 or 1") },
	    { "policy", 0, "FILE", N_("the protection rules, with --level: judge protected cells too") },
	    { "level", 0, "L2|L3", N_("the guarantee to judge by") },
	    { "replay", 0, "N", N_("with --policy: what the pattern tells who runs the program with N other keys") },
	    { "ledger", 0, "DIR", N_("together with all releases of the period there, as `protect --ledger` keeps them") },
	    { "period", 0, "PERIOD", N_("the period, where the ledger holds several") },
	    { "jj", 0, "FILE", N_("a table as a JJ file instead of a folder; then RESULT.csv alone is named") },
	    { "output", 'o', "FILE", N_("where the intervals go; standard output unless said") },
	},
	.min = 1,
	.max = 2,
	.run = run,
};
