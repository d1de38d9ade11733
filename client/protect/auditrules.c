#include <stdlib.h>
#include <string.h>

#include "client/protect/auditledger.h"
#include "client/protect/auditpart.h"

static const char *const rule_name[RULES] = { "R1", "R2", "R3", "R4", "R5", "R12", "derivable", "R6",
	"difference", "R7", "redundant" };

bool audit_fails(const struct audit *a, const struct subject *s, enum rule rule, const char *why)
{
	struct buf name = { 0 };
	lattice_name(a->g, s->cell, &name);
	err_set(a->e, ERR_CRYPTO, "cell %.*s%s, %s: %s", (int)name.size, (const char *)name.data,
	    s->n > 0 ? " less some of its parts" : "", rule_name[rule], why);
	buf_free(&name);
	return false;
}

static int64_t larger(int64_t x, int64_t y)
{
	return x > y ? x : y;
}

/* ---- values, shifted to an office's part ---- */

uint64_t audit_part(const struct audit *a, uint64_t cell, uint32_t office)
{
	if (office == NO_OFFICE)
		return cell;
	const struct latticedim *d = &a->g->dim[a->office_dim];
	uint64_t stride = a->g->stride[a->office_dim];
	uint32_t code = lattice_place(a->g, cell, a->office_dim);
	if (!a->under[(size_t)code * d->n_codes + office])
		return UINT64_MAX;
	return cell - code * stride + office * stride;
}

static int64_t value_of(const struct audit *a, const struct subject *s, uint32_t office)
{
	uint64_t part = audit_part(a, s->cell, office);
	int64_t sum = part == UINT64_MAX ? 0 : a->g->truth[part];
	for (uint32_t i = 0; i < s->n; i++) {
		part = audit_part(a, s->minus[i], office);
		sum -= part == UINT64_MAX ? 0 : a->g->truth[part];
	}
	return sum;
}

static bool part_is_live(const struct audit *a, uint64_t cell, uint32_t office)
{
	uint64_t part = audit_part(a, cell, office);
	return part != UINT64_MAX && a->g->live[part] != 0;
}

/* Is the subject the parent less these children of this breakdown? *more: another child is live at the office. */
static bool is_breakdown_of(const struct audit *a, const struct subject *s, uint32_t d,
    const struct breakdown *k, uint32_t office, bool *more)
{
	uint32_t taken = 0;
	*more = false;
	for (uint32_t c = 0; c < k->n; c++) {
		uint64_t child = s->cell + (k->child[c] - (uint64_t)k->parent) * a->g->stride[d];
		bool off = false;
		for (uint32_t i = 0; i < s->n; i++)
			off |= s->minus[i] == child;
		taken += off;
		*more |= !off && part_is_live(a, child, office);
	}
	return taken == s->n;
}

/* Can anything be in this office's part of the subject? Of a sum: in a child that was not taken off. */
static bool live_at(const struct audit *a, const struct subject *s, uint32_t office)
{
	if (s->n == 0 || !part_is_live(a, s->cell, office))
		return part_is_live(a, s->cell, office);
	for (uint32_t d = 0; d < a->g->n_dims; d++) {
		const struct latticedim *dim = &a->g->dim[d];
		bool more = false;
		for (uint32_t b = 0; b < dim->n_breakdowns; b++)
			if (dim->breakdown[b].parent == lattice_place(a->g, s->cell, d) &&
			    is_breakdown_of(a, s, d, &dim->breakdown[b], office, &more))
				return more;
	}
	return false;
}

static int more_first(const void *x, const void *y, void *audit)
{
	const struct audit *a = audit;
	uint32_t i = *(const uint32_t *)x;
	uint32_t j = *(const uint32_t *)y;
	if (a->own[i] != a->own[j])
		return a->own[i] > a->own[j] ? -1 : 1;
	return (i > j) - (i < j);
}

void audit_look_at(struct audit *a, const struct subject *s)
{
	a->value = value_of(a, s, NO_OFFICE);
	a->n_ranked = 0;
	if (a->office_dim == NO_OFFICE)
		return;
	for (uint32_t i = 0; i < a->n_offices; i++) {
		uint32_t office = a->office[i];
		a->own[office] = live_at(a, s, office) ? value_of(a, s, office) : -1;
		if (a->own[office] >= 0)
			a->rank[a->n_ranked++] = office;
	}
	qsort_r(a->rank, a->n_ranked, sizeof *a->rank, more_first, a);
	auditbefore_look_at(a, s);
}

void audit_look_at_sum(struct audit *a, const uint64_t *cell, size_t n)
{
	a->value = 0;
	a->n_ranked = 0;
	auditbefore_look_at(a, NULL);
	for (size_t i = 0; i < n; i++)
		a->value += a->g->truth[cell[i]];
	if (a->office_dim == NO_OFFICE)
		return;
	for (uint32_t i = 0; i < a->n_offices; i++) {
		uint32_t office = a->office[i];
		a->own[office] = -1;
		for (size_t k = 0; k < n; k++) {
			uint64_t part = audit_part(a, cell[k], office);
			if (part == UINT64_MAX || a->g->live[part] == 0)
				continue;
			a->own[office] = larger(a->own[office], 0) + a->g->truth[part];
		}
		if (a->own[office] >= 0)
			a->rank[a->n_ranked++] = office;
	}
	qsort_r(a->rank, a->n_ranked, sizeof *a->rank, more_first, a);
}

/* ---- is a subject protected? ---- */

struct pool { /* attackers who know what all of them own */
	uint32_t office[POOL_LIMIT + 1];
	uint32_t n;
	bool down; /* asked about nought, not about more */
};

/* What the pool does not own; *all: it owns whatever can be there. */
static int64_t rest_of(const struct audit *a, const struct pool *who, bool *all)
{
	int64_t rest = a->value;
	uint32_t held = 0;
	for (uint32_t i = 0; i < who->n; i++) {
		rest -= larger(a->own[who->office[i]], 0);
		held += a->own[who->office[i]] >= 0;
	}
	*all = who->n > 0 && held == a->n_ranked;
	return rest;
}

static int64_t distance(const struct audit *a, const struct pool *who, int64_t rest)
{
	if (who->down)
		return rest;
	if (a->p->figures != FIGURES_AMOUNTS)
		return larger((int64_t)a->p->threshold - rest, a->p->width);
	int64_t first = a->n_ranked > 0 ? a->own[a->rank[0]] : 0;
	int64_t second = a->n_ranked > 1 ? a->own[a->rank[1]] : 0;
	int64_t target = first + second + (first * (int64_t)a->p->dominance_p + 99) / 100;
	return larger(target - a->value, a->p->width);
}

static bool is_far(const struct audit *a, const struct pool *who, const struct line *l, int64_t rest)
{
	int64_t by = audit_moved(a, l);
	return a->l1 ? by != 0 : (who->down ? -by : by) >= distance(a, who, rest);
}

static bool holds_against(struct audit *a, const struct subject *s, struct pool *who);

static bool holds_with(struct audit *a, const struct subject *s, struct pool *who, uint32_t office)
{
	for (uint32_t i = 0; i < who->n; i++)
		if (who->office[i] == office)
			return true;
	who->office[who->n++] = office;
	bool ok = holds_against(a, s, who);
	who->n--;
	return ok;
}

/* Some move that the pool cannot rule out goes far enough, and so for every larger pool. Only offices that the move
 * touches, or that own something, can do better than the pool by itself. */
static bool holds_against(struct audit *a, const struct subject *s, struct pool *who)
{
	bool all = false;
	int64_t rest = rest_of(a, who, &all);
	uint32_t at = audit_first(a, s);
	const struct line *l = NULL;
	bool zeros = a->p->residual == RESIDUAL_ZEROS && !who->down;
	if (all || (who->n > 0 && rest == 0 && a->value > 0 && !zeros) || audit_knew(a, who->office, who->n))
		return true;
	a->report->needs++;
	while ((l = audit_next(a, s, &at)) != NULL)
		if (is_far(a, who, l, rest) && !audit_touches(a, l, who->office, who->n))
			break;
	if (l == NULL || who->n == a->pool)
		return l != NULL;
	for (uint32_t i = 0; i < a->n_offices; i++) {
		uint32_t office = a->office[i];
		bool touched = audit_touches(a, l, &office, 1);
		if ((touched || a->own[office] > 0) && !holds_with(a, s, who, office))
			return false;
	}
	return true;
}

bool audit_has_left(const struct audit *a, uint64_t cell)
{
	return a->out != NULL && a->out[cell] != 0;
}

static void note_late(struct audit *a, uint64_t cell)
{
	a->report->late += a->out[cell] != OUT_LATE;
	a->out[cell] = OUT_LATE;
}

/* Protected against everybody. */
static bool subject_check(struct audit *a, const struct subject *s, enum rule rule)
{
	struct pool who = { .n = 0 };
	if (s->n == 0 && audit_has_left(a, s->cell)) {
		note_late(a, s->cell);
		return true;
	}
	a->report->subjects++;
	a->named[s->cell] |= s->n == 0;
	audit_look_at(a, s);
	if (s->n == 0 && a->g->mark[s->cell] == 'P')
		return audit_fails(a, s, rule, "it is printed");
	if (!audit_lines_fit(a, s, rule, false))
		return false;
	if (!holds_against(a, s, &who))
		return audit_fails(a, s, rule, "somebody is left without a move");
	who.down = true;
	if (a->p->zero_reach && !a->l1 && a->value > 0 && !holds_against(a, s, &who))
		return audit_fails(a, s, rule, "nought is out of reach for somebody");
	return true;
}

/* ---- the rules ---- */

bool audit_printed(const struct audit *a, uint64_t cell)
{
	return (a->g->mark[cell] == 'P' || a->g->mark[cell] == 'H') && a->g->live[cell] != 0;
}

static bool is_small(const struct audit *a, int64_t v)
{
	return v == 0 ? a->p->zeros == ZEROS_SENSITIVE : v < (int64_t)a->p->threshold;
}

/* R1, R2, R6 of the subject looked at; RULE_SPARE: none. */
static enum rule own_rule(const struct audit *a)
{
	if (a->p->figures != FIGURES_AMOUNTS)
		return !is_small(a, a->value) ? RULE_SPARE : a->value == 0 ? RULE_R2 : RULE_R1;
	int64_t first = a->n_ranked > 0 ? a->own[a->rank[0]] : 0;
	int64_t second = a->n_ranked > 1 ? a->own[a->rank[1]] : 0;
	return 100 * (a->value - first - second) < (int64_t)a->p->dominance_p * first ? RULE_R6 : RULE_SPARE;
}

/* R3 for pools that begin with who and go on with offices that own no more than rank[from]. *some: one is protected
 * against. */
static bool rests_check(struct audit *a, const struct subject *s, struct pool *who, uint32_t from, bool *some)
{
	int64_t k = a->p->threshold;
	for (uint32_t i = from; i < a->n_ranked; i++) {
		bool all = false;
		who->office[who->n++] = a->rank[i];
		int64_t rest = rest_of(a, who, &all);
		bool knew = audit_knew(a, who->office, who->n);
		bool wanted = rest < k && (rest > 0 || (a->p->residual == RESIDUAL_ZEROS && !all));
		*some = *some || (wanted && (!knew || (a->pool > 1 && a->n_ranked > a->pool)));
		wanted = wanted && !knew;
		who->down = false;
		if (wanted && s->n == 0 && a->g->mark[s->cell] == 'P')
			return audit_fails(a, s, RULE_R3, "it is printed");
		if (wanted && !holds_against(a, s, who))
			return audit_fails(a, s, RULE_R3, "an office is left without a move");
		who->down = true;
		if (wanted && a->p->zero_reach && !holds_against(a, s, who))
			return audit_fails(a, s, RULE_R3, "nought is out of reach for an office");
		if (rest >= k && who->n < a->pool && a->own[a->rank[i]] > 0 &&
		    !rests_check(a, s, who, i + 1, some))
			return false;
		who->n--;
	}
	return true;
}

/* Would R3 name the subject looked at? */
static bool has_small_rest(const struct audit *a, struct pool *who, uint32_t from)
{
	bool found = false;
	for (uint32_t i = from; i < a->n_ranked && !found; i++) {
		bool all = false;
		who->office[who->n++] = a->rank[i];
		int64_t rest = rest_of(a, who, &all);
		found = rest < (int64_t)a->p->threshold &&
			(rest > 0 || (a->p->residual == RESIDUAL_ZEROS && !all));
		if (!found && who->n < a->pool && a->own[a->rank[i]] > 0)
			found = has_small_rest(a, who, i + 1);
		who->n--;
	}
	return found;
}

/* R5 of the cell looked at. */
static bool has_few_offices(const struct audit *a)
{
	uint32_t n = 0;
	while (n < a->n_ranked && a->own[a->rank[n]] > 0)
		n++;
	return a->p->min_offices > 1 && a->n_ranked >= 2 && n < a->p->min_offices;
}

/* R3 of the subject looked at. */
static bool residual_check(struct audit *a, const struct subject *s)
{
	struct pool who = { .n = 0 };
	bool some = false;
	if (a->pool == 0 || a->p->residual == RESIDUAL_NO || a->value == 0)
		return true;
	if (!rests_check(a, s, &who, 0, &some))
		return false;
	a->report->subjects += some;
	/* pools among more offices than may pool: whoever they are, so everybody */
	bool all = audit_printed(a, s->cell) || (a->pool > 1 && a->n_ranked > a->pool);
	a->named[s->cell] |= some && s->n == 0 && all;
	/* where all are protected against, lines of another rule's name may be these */
	return !some || audit_lines_fit(a, s, RULE_R3, s->n == 0 && !(a->pool > 1 && a->n_ranked > a->pool));
}

/* R1, R2, R5, R6, R3 for one cell that a table prints. */
static bool cell_check(struct audit *a, uint64_t cell)
{
	struct subject s = { .cell = cell };
	struct pool who = { .n = 0 };
	audit_look_at(a, &s);
	enum rule rule = own_rule(a);
	if (rule != RULE_SPARE)
		return subject_check(a, &s, rule);
	if (a->value == 0 || a->office_dim == NO_OFFICE ||
	    lattice_is_leaf(&a->g->dim[a->office_dim], lattice_place(a->g, cell, a->office_dim)))
		return true;
	if (has_few_offices(a))
		return subject_check(a, &s, RULE_R5);
	if (a->pool == 0 || a->p->residual == RESIDUAL_NO)
		return true;
	if (audit_has_left(a, cell)) {
		if (has_small_rest(a, &who, 0))
			note_late(a, cell);
		return true;
	}
	return residual_check(a, &s);
}

/* R9 and R12 for one cell that follows. */
static bool told_check(struct audit *a, uint64_t cell)
{
	struct subject s = { .cell = cell };
	audit_look_at(a, &s);
	return own_rule(a) != RULE_SPARE ? subject_check(a, &s, RULE_R12) : residual_check(a, &s);
}

/* It left, or follows from what did. */
static bool is_gone(const struct audit *a, uint64_t cell)
{
	return audit_has_left(a, cell) || a->told[cell] == TOLD_GONE;
}

/* A sum that a subtraction shows: all children in `in`. One live child is that child. rest: R12, where R1, R2, R6 or R3
 * would name it; else R4. */
static bool sum_check(struct audit *a, uint64_t parent, const uint64_t *child, const bool *in, uint32_t n,
    uint64_t *scratch, bool rest)
{
	struct subject s = { .cell = parent, .minus = scratch };
	uint32_t held = 0;
	uint64_t only = 0;
	bool left = is_gone(a, parent);
	for (uint32_t i = 0; i < n; i++) {
		if (a->g->live[child[i]] == 0)
			continue;
		if (in[i]) {
			held++;
			only = child[i];
		} else {
			scratch[s.n++] = child[i];
			left = left && is_gone(a, child[i]);
		}
	}
	if (held == 0 || left)
		return true; /* nothing, or what earlier releases gave away */
	struct subject one = { .cell = only };
	audit_look_at(a, held > 1 ? &s : &one);
	bool sensitive = own_rule(a) != RULE_SPARE;
	if (rest)
		return sensitive ? subject_check(a, &s, RULE_R12) : residual_check(a, &s);
	if (held > 1)
		return subject_check(a, &s, RULE_R4);
	return (audit_printed(a, only) && sensitive) || subject_check(a, &one, RULE_R4);
}

struct parts { /* of one relation */
	uint64_t parent;
	uint64_t *child, *scratch;
	bool *in;
	uint32_t n;
};

/* Printed, or it follows. */
static bool is_known(const struct audit *a, uint64_t cell)
{
	return a->g->live[cell] != 0 && (audit_printed(a, cell) || a->told[cell] != TOLD_NOTHING);
}

/* R12: what is left beside the known parts of a known total. One cell would be known as well. */
static bool rest_check(struct audit *a, const struct parts *r)
{
	uint32_t shown = 0;
	uint32_t left = 0;
	for (uint32_t i = 0; i < r->n; i++) {
		bool live = a->g->live[r->child[i]] != 0;
		r->in[i] = live && !is_known(a, r->child[i]);
		shown += live && !r->in[i];
		left += r->in[i];
	}
	return shown == 0 || left == 0 || sum_check(a, r->parent, r->child, r->in, r->n, r->scratch, true);
}

/* R4, all of a group in one category. */
static bool full_check(struct audit *a, const struct parts *r)
{
	struct subject base = { .cell = r->parent };
	if (a->p->zeros == ZEROS_PUBLISHED)
		return is_small(a, a->g->truth[r->parent]) || subject_check(a, &base, RULE_R4);
	for (uint32_t i = 0; i < r->n; i++) {
		struct subject s = { .cell = r->child[i] };
		if (a->g->truth[s.cell] == 0 && a->g->live[s.cell] != 0 &&
		    !(audit_printed(a, s.cell) && a->p->zeros == ZEROS_SENSITIVE) &&
		    !subject_check(a, &s, RULE_R4))
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
		if (!audit_printed(a, r->child[i]) || rest >= (int64_t)a->p->threshold)
			continue;
		for (uint32_t j = 0; j < r->n; j++)
			r->in[j] = j != i;
		if (rest == 0 ? !full_check(a, r)
			      : !sum_check(a, r->parent, r->child, r->in, r->n, r->scratch, false))
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

/* Could this printed part have been hidden beside the others? By a move that raises it and all its totals, unless something
 * had to be printed, or left before. */
static bool could_hide(const struct audit *a, uint64_t cell)
{
	return a->g->live[cell] != 0 && a->g->mark[cell] == 'P' &&
	       a->g->truth[cell] >= (a->p->zeros == ZEROS_PUBLISHED) &&
	       (a->releases == NULL || auditledger_can_rise(a, cell));
}

/* R7: the hidden parts of a printed sum add up to enough, or no other part could have been hidden. */
static bool hidden_check(struct audit *a, const struct parts *r)
{
	struct subject s = { .cell = r->parent };
	int64_t sum = 0;
	bool some = false;
	for (uint32_t i = 0; i < r->n; i++) {
		char mark = a->g->mark[r->child[i]];
		if (a->g->live[r->child[i]] == 0)
			continue;
		if (mark != 'P' && mark != 'H')
			return true; /* nobody can tell the sum */
		some |= mark == 'H';
		sum += mark == 'H' ? a->g->truth[r->child[i]] : 0;
	}
	if (!some || a->g->has_forced || a->g->mark[r->parent] != 'P' || r->parent >= a->own_cells ||
	    sum >= (int64_t)policy_params_hidden_sum_min(a->p))
		return true;
	for (uint32_t i = 0; i < r->n; i++)
		if (could_hide(a, r->child[i]))
			return audit_fails(a, &s, RULE_R7, "its hidden parts are too few together");
	return true;
}

static bool breakdown_check(struct audit *a, uint32_t dim, const struct breakdown *b, struct parts *r)
{
	uint64_t stride = a->g->stride[dim];
	uint64_t block = stride * a->g->dim[dim].n_codes;
	r->n = b->n;
	for (uint64_t high = 0; high < a->g->n_cells; high += block)
		for (uint64_t low = high; low < high + stride; low++) {
			r->parent = low + b->parent * stride;
			if (!is_known(a, r->parent))
				continue;
			for (uint32_t i = 0; i < b->n; i++)
				r->child[i] = low + b->child[i] * stride;
			if (!rest_check(a, r))
				return false;
			if (!audit_printed(a, r->parent))
				continue;
			if (!hidden_check(a, r) || (is_group(a, dim) && !group_check(a, r)))
				return false;
		}
	return true;
}

static bool relations_check(struct audit *a)
{
	bool ok = true;
	for (uint32_t d = a->releases != NULL; ok && d < a->g->n_dims; d++) /* not that of releases */
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

/* R12 by inequality: what can only be small. */
static bool bounds_check(struct audit *a)
{
	if (a->l1 || a->p->figures == FIGURES_AMOUNTS)
		return true;
	if (!audit_bound(a))
		return false;
	uint32_t pool = a->pool;
	bool ok = true;
	for (uint64_t c = 0; ok && c < a->g->n_cells; c++) {
		struct subject s = { .cell = c };
		if (a->told[c] != TOLD_FEW)
			continue;
		if (a->g->truth[c] == 0 && a->p->zeros != ZEROS_SENSITIVE)
			a->pool = 0; /* offices may know that nobody is there */
		ok = subject_check(a, &s, RULE_R12);
		a->pool = pool;
	}
	return ok;
}

bool audit_rules(struct audit *a)
{
	a->named = calloc(a->g->n_cells, sizeof *a->named);
	if (a->named == NULL)
		return err_set(a->e, ERR_MEMORY, "no memory");
	if (!audit_tell(a))
		return false;
	for (uint64_t c = 0; c < a->g->n_cells; c++)
		if (audit_printed(a, c) ? !cell_check(a, c) : a->told[c] == TOLD_FOLLOWS && !told_check(a, c))
			return false;
	if (!relations_check(a) || !bounds_check(a))
		return false;
	for (uint32_t i = 0; i < a->n_lines; i++) {
		struct line *l = &a->line[i];
		bool free_rule = l->rule == RULE_LATER || l->rule == RULE_R7 || l->rule == RULE_SPARE;
		if (free_rule && !l->asked) {
			audit_look_at(a, &l->s);
			if (!audit_lines_fit(a, &l->s, l->rule, false))
				return false;
		}
		if (!l->asked) {
			a->k.r.line_no = l->line_no;
			return cert_bad(&a->k, a->e, "no rule asks for this requirement");
		}
	}
	return audit_unprinted(a);
}
