#include "client/protect/attackpart.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/protect/derive.h"
#include "client/text.h"

#define PROGRAM_MAX 60000u /* variables of a component that still gets linear programs */

static void line_give(struct attack *a, uint64_t cell, const struct attack_line *like)
{
	struct attack_line line = *like;
	struct buf name = { 0 };

	attack_name(a, cell, &name);
	buf_put_byte(&name, 0);
	line.cell = (const char *)name.data;
	if (name.failed || !a->line(a->context, &line))
		a->out.failed = true;
	buf_free(&name);
}

static void line_put(
    struct attack *a, uint64_t cell, int64_t lo, int64_t hi, const char *why, const char *who)
{
	attack_name(a, cell, &a->out);
	buf_printf(&a->out, ",%lld,", (long long)lo);
	if (hi != SYSTEM_UNBOUNDED)
		buf_printf(&a->out, "%lld", (long long)hi);
	buf_printf(&a->out, ",%d,%s,%s\n", lo == hi, why, who);
}

/* Where figures were moved, nobody is promised to reach the threshold: a small count, or a small rest, must stay
 * in doubt by the width. Without a policy, by one. */
static bool discloses_moved(const struct attack *a, int64_t value, int64_t rest, int64_t lo, int64_t hi)
{
	bool open = value > 0 ? a->p.residual != RESIDUAL_ZEROS : a->p.zeros != ZEROS_SENSITIVE;
	if (rest >= a->threshold || (rest == 0 && open))
		return false;
	return hi - lo < (a->judged ? a->width : 1);
}

static bool is_group(const struct attack *a, uint32_t dim)
{
	const char *name = a->g.dim[dim].name;
	for (uint32_t i = 0; i < a->p.n_group_dims; i++)
		if (strcmp(a->p.group_dim[i], name) == 0)
			return true;
	return a->p.n_group_dims == 0 && strcmp(name, a->p.office_dim) != 0;
}

static bool is_counted(const struct attack *a, uint64_t cell)
{
	return a->g.mark[cell] == 'P' || a->g.mark[cell] == 'H';
}

/* Is all of a group in another part of this breakdown, as printed or hidden? */
static bool is_beside(const struct attack *a, uint64_t cell, uint32_t dim, const struct breakdown *b)
{
	uint64_t stride = a->g.stride[dim];
	uint32_t code = lattice_place(&a->g, cell, dim);
	uint64_t base = cell - code * stride;
	int64_t whole = a->g.truth[base + b->parent * stride];
	bool child = false;
	bool full = false;
	for (uint32_t j = 0; j < b->n; j++) {
		uint64_t part = base + b->child[j] * stride;
		child = child || b->child[j] == code;
		full = full || (is_counted(a, part) && a->g.truth[part] == whole);
	}
	return child && full && is_counted(a, base + b->parent * stride) && a->p.group_min > 0 &&
	       whole >= (int64_t)a->p.group_min;
}

/* Is somebody's whole group beside the nought, so that it says nobody of them is here (rule R4)? */
static bool beside_full(const struct attack *a, uint64_t cell)
{
	for (uint32_t d = 0; d < a->g.n_dims; d++)
		for (uint32_t i = 0; is_group(a, d) && i < a->g.dim[d].n_breakdowns; i++)
			if (is_beside(a, cell, d, &a->g.dim[d].breakdown[i]))
				return true;
	return false;
}

/* A nought that the policy does not protect: hidden for others' sake, or not at all. */
static bool is_open_nought(const struct attack *a, uint64_t cell)
{
	return a->p.zeros != ZEROS_SENSITIVE && a->g.truth != NULL && a->g.truth[cell] == 0 &&
	       !beside_full(a, cell);
}

/* Does this interval disclose? Rules: docs/disclosure.md "Commands", attack. */
static bool discloses(const struct attack *a, uint64_t cell, int64_t lo, int64_t hi)
{
	bool open = hi == SYSTEM_UNBOUNDED;
	if (attack_is_difference(a, cell))
		return attack_discloses_difference(a, cell, lo, hi);
	if (attack_is_unprinted(a, cell))
		return attack_unprinted_discloses(a, cell, lo, hi);
	if (a->own == NULL && !a->judged)
		return !open && lo == hi;
	int64_t value = lo == hi && a->own != NULL ? lo : a->g.truth[cell];
	int64_t mine = a->own == NULL ? 0 : attack_own_part(a, cell);
	int64_t rest = value - mine;
	bool whole = value > 0 && rest == 0 && a->p.residual != RESIDUAL_ZEROS;
	/* that is told, whichever release did */
	bool few = rest >= 1 && rest < a->threshold && a->p.residual != RESIDUAL_NO;
	if (a->own != NULL && (whole || !attack_others_live(a, cell) || (!few && attack_knew(a, cell))))
		return false;
	if (a->moved.how != MOVED_NOT)
		return discloses_moved(a, value, rest, lo, hi);
	if (is_open_nought(a, cell))
		return false;
	if (!open && lo == hi && (a->own == NULL || value < a->threshold))
		return true;
	if (!a->judged || rest >= a->threshold || open ||
	    (a->p.residual == RESIDUAL_NO && value >= a->threshold))
		return false;
	int64_t target = mine + (rest + a->width > a->threshold ? rest + a->width : a->threshold);
	return hi < target || hi - lo < a->width;
}

/* Of cells that no table prints only findings are told. */
static bool wide(void *context, uint64_t cell, int64_t lo, int64_t hi)
{
	const struct attack *a = context;
	if (!attack_is_unprinted(a, cell) && (!a->wide_is_enough || a->own == NULL))
		return false;
	int64_t shift = attack_is_difference(a, cell) ? a->all->shift : 0;
	return !discloses(a, cell, lo - shift, hi == SYSTEM_UNBOUNDED ? hi : hi - shift);
}

static void progress(void *context, double share)
{
	struct attack *a = context;
	fprintf(stderr, "\r\033[K%s %3.0f %%", a->now, 100 * share);
	a->telling = true;
}

static const char *how_of(const struct attack *a, const struct system_var *v)
{
	static const char *const why[] = { "open", "propagation", "program", "witness" };
	if (!attack_is_unprinted(a, v->cell))
		return why[v->why];
	return v->lo == v->hi ? "told" : "small";
}

static void hidden_put(struct attack *a, const struct system *s, const char *who)
{
	for (uint32_t i = 0; i < s->n_vars; i++) {
		struct system_var shifted = s->var[i];
		const struct system_var *v = &shifted;
		if (!v->wanted)
			continue;
		if (attack_is_difference(a, v->cell)) {
			shifted.lo -= a->all->shift;
			shifted.hi -= v->hi == SYSTEM_UNBOUNDED ? 0 : a->all->shift;
		}
		bool bad = discloses(a, v->cell, v->lo, v->hi);
		if (!bad && attack_is_unprinted(a, v->cell))
			continue;
		a->hidden++;
		a->found += bad;
		if (a->line == NULL) {
			line_put(a, v->cell, v->lo, v->hi, how_of(a, v), who);
			continue;
		}
		const struct attack_line line = { .who = who,
			.how = how_of(a, v),
			.lo = v->lo,
			.hi = v->hi,
			.own = attack_own_of(a, v->cell),
			.exact = v->lo == v->hi,
			.discloses = bad };
		line_give(a, v->cell, &line);
	}
}

/* Printed aggregates of which the attacker's own part leaves a small rest, or none where that is a secret too. */
static void residuals_put(struct attack *a, const char *who)
{
	for (uint64_t c = 0; c < a->g.n_cells; c++) {
		if (a->g.mark[c] != 'P' ||
		    lattice_is_leaf(&a->g.dim[a->office_dim], lattice_place(&a->g, c, a->office_dim)))
			continue;
		int64_t mine = attack_own_part(a, c);
		int64_t rest = a->g.value[c] - mine;
		if (mine == 0 || rest < 0 || rest >= a->threshold ||
		    (rest == 0 &&
			(a->p.residual != RESIDUAL_ZEROS || !attack_others_live(a, c) || attack_knew(a, c))))
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
		if (!attack_printed(a, before, &where) || !attack_printed(a, after, &where) ||
		    !attack_difference_asked(a, c, &rest) || (a->own != NULL && rest == a->g.truth[c]))
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
		if (a->g.mark[c] != 'H' || !attack_printed(a, c, &where))
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

/* Are there cells of which an interval need only be shown to be wide? */
static bool some_need_no_more(const struct attack *a, const struct system *s)
{
	bool some = a->wide_is_enough && a->own != NULL;
	for (uint32_t i = 0; i < s->n_vars && !some; i++)
		some = s->var[i].wanted && attack_is_unprinted(a, s->var[i].cell);
	return some;
}

bool attack_as(struct attack *a, const char *who, struct err *e)
{
	struct system s = { 0 };
	uint32_t *var = malloc(a->g.n_cells * sizeof *var);
	struct system_plan plan = {
		.max_program = PROGRAM_MAX, .progress = isatty(STDERR_FILENO) ? progress : NULL, .context = a
	};
	bool ok = var != NULL || err_set(e, ERR_MEMORY, "no memory");
	bool symbols = a->symbols && a->own != NULL;
	a->now = who;
	ok = ok && attack_before_make(a, e) && attack_system(a, &s, var, e);
	plan.enough = ok && some_need_no_more(a, &s) ? wide : NULL;
	ok = ok && ((symbols ? derived_put(a, &s, who, e)
			     : system_solve(&s, &plan, e) && attack_noughts_drop(a, &s, &plan, e)) ||
		       err_wrap(e, "%s", who));
	if (ok && !symbols)
		hidden_put(a, &s, who);
	if (ok && !symbols && a->own != NULL && a->p.residual != RESIDUAL_NO)
		residuals_put(a, who);
	if (ok)
		differences_put(a, who);
	if (ok && a->own == NULL)
		printed_put(a, who);
	a->programs += s.n_programs;
	if (a->telling)
		fputs("\r\033[K", stderr);
	a->telling = false;
	attack_before_free(a);
	system_free(&s);
	free(var);
	return ok;
}
