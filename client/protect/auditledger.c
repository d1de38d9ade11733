#include "client/protect/auditledger.h"

#include <stdlib.h>
#include <string.h>

#include "client/protect/derive.h"
#include "client/protect/releasefolders.h"

static bool no_memory(struct err *e)
{
	return err_set(e, ERR_MEMORY, "no memory");
}

static uint64_t count_cell(const struct audit *a, uint64_t release, uint64_t own)
{
	return releases_code(a->releases, release) * a->own_cells + own;
}

static uint64_t difference_cell(const struct audit *a, uint64_t from, uint64_t to, uint64_t own)
{
	return releases_span_code(a->releases, from, to) * a->own_cells + own;
}

uint64_t auditledger_n_counts(const struct audit *a)
{
	return (a->releases->n + 1) * a->own_cells;
}

/* ---- the counts of all releases ---- */

static void put_release(struct lattice *joint, uint64_t code, const struct lattice *g)
{
	memcpy(joint->truth + code * g->n_cells, g->truth, g->n_cells * sizeof *g->truth);
	memcpy(joint->live + code * g->n_cells, g->live, g->n_cells);
}

/* Inner cells: may the difference be anything, as far as a reader knows, and is there something? */
static bool is_open(const struct lattice *joint, const struct lattice *before, const struct lattice *after,
    uint64_t difference, uint64_t own)
{
	bool inner = joint->value[difference] < 0 && (before->live[own] != 0 || after->live[own] != 0);
	for (uint32_t d = 0; inner && d < after->n_dims; d++)
		inner = lattice_is_leaf(&after->dim[d], lattice_place(after, own, d));
	return inner;
}

/* A difference is live where somebody changed, or one list lacks a part, and either release has something there. */
static bool put_difference(struct lattice *joint, const struct releases *r, const struct lattice *before,
    const struct lattice *after, uint64_t from, uint64_t to)
{
	uint64_t n = joint->stride[0];
	uint64_t a = releases_code(r, from) * n;
	uint64_t b = releases_code(r, to) * n;
	uint64_t d = releases_span_code(r, from, to) * n;
	uint8_t *open = calloc(n, 1);
	if (open == NULL)
		return false;
	for (uint64_t c = 0; c < n; c++)
		open[c] = is_open(joint, before, after, d + c, c);
	for (uint32_t i = 0; i < after->n_dims; i++)
		lattice_spread(after, i, true, open);
	for (uint64_t c = 0; c < n; c++) {
		joint->truth[d + c] = joint->truth[b + c] - joint->truth[a + c];
		joint->live[d + c] = open[c] != 0 && (joint->live[a + c] != 0 || joint->live[b + c] != 0);
	}
	free(open);
	return true;
}

static const struct lattice *lattice_of(const struct auditor_question *q, uint64_t release)
{
	return release < q->joint->releases.n ? &q->joint->folder[release].g : q->g;
}

bool auditledger_counts(const struct auditor_question *q, struct err *e)
{
	struct lattice *joint = &q->joint->lattice;
	const struct releases *r = &q->joint->releases;
	joint->truth = calloc(joint->n_cells, sizeof *joint->truth);
	joint->live = calloc(joint->n_cells, 1);
	if (joint->truth == NULL || joint->live == NULL)
		return no_memory(e);
	put_release(joint, 0, q->g);
	for (uint64_t v = 0; v < r->n; v++) {
		struct releasefolder *f = &q->joint->folder[v];
		if (!lattice_truth(&f->g, f->path, e))
			return err_wrap(e, "revision %llu: its counts", (unsigned long long)r->revision[v]);
		put_release(joint, releases_code(r, v), &f->g);
	}
	for (uint64_t to = 1; to <= r->n; to++)
		for (uint64_t from = 0; from < to; from++)
			if (!put_difference(joint, r, lattice_of(q, from), lattice_of(q, to), from, to))
				return no_memory(e);
	return true;
}

/* ---- who changed ---- */

/* Where lists grew, totals may have other parts: inner codes that both have are compared. */
static bool is_common(const struct lattice *x, const struct lattice *y, uint64_t own)
{
	bool inner = lattice_is_listed(x, own) && lattice_is_listed(y, own);
	bool grown = x->born[0] != NULL || y->born[0] != NULL;
	for (uint32_t d = 0; grown && inner && d < x->n_dims; d++)
		inner = lattice_is_leaf(&x->dim[d], lattice_place(x, own, d));
	return inner;
}

static bool office_differs(const struct audit *a, const struct auditor_question *q, uint64_t from,
    uint64_t to, uint32_t office, bool *listed)
{
	const struct lattice *x = lattice_of(q, from);
	const struct lattice *y = lattice_of(q, to);
	bool differs = false;
	for (uint64_t c = 0; c < a->own_cells; c++) {
		if ((office != NO_OFFICE && lattice_place(a->g, c, a->office_dim) != office) ||
		    !is_common(x, y, c))
			continue;
		*listed = a->g->value[difference_cell(a, from, to, c)] < 0;
		differs = differs || x->truth[c] != y->truth[c] || x->live[c] != y->live[c] ||
			  x->noted[c] != y->noted[c];
	}
	return differs;
}

static bool changed_fit(const struct audit *a, const struct auditor_question *q, uint64_t from, uint64_t to)
{
	const struct releases *r = a->releases;
	uint32_t n = a->office_dim == NO_OFFICE ? 1 : a->n_offices;
	for (uint32_t i = 0; i < n; i++) {
		bool listed = false;
		uint32_t office = a->office_dim == NO_OFFICE ? NO_OFFICE : a->office[i];
		bool differs = office_differs(a, q, from, to, office, &listed);
		if (differs != listed)
			return err_set(a->e, ERR_CRYPTO, "revisions %llu and %llu, %s: %s",
			    (unsigned long long)r->revision[from], (unsigned long long)r->revision[to],
			    office == NO_OFFICE ? "the figures" : a->g->dim[a->office_dim].code[office],
			    listed ? "said to have changed, and has the same figures"
				   : "has other figures, and is not said to have changed");
	}
	return true;
}

/* ---- the earlier releases ---- */

/* What was hidden by stricter rules, or known to be 1 or more, is not safe under these. */
static bool rules_fit(const struct audit *a, const struct auditor_question *q)
{
	const struct certificate_report *now = q->claims;
	for (uint64_t v = 0; v < a->releases->n; v++) {
		const struct certificate_report *then = &q->joint->folder[v].claims;
		bool weaker = then->threshold > now->threshold || then->width > now->width ||
			      (then->coalition > now->coalition && then->level[1] >= '3') ||
			      then->level[1] > now->level[1];
		if (weaker || then->floor > now->floor)
			return err_set(a->e, ERR_CRYPTO, "revision %llu was protected by stricter rules",
			    (unsigned long long)a->releases->revision[v]);
	}
	return true;
}

/* A cell left if an earlier release printed it, or printed it while those below it had the same figures. */
static void find_out(struct audit *a)
{
	uint64_t n = a->releases->n;
	for (uint64_t v = 0; v <= n; v++)
		for (uint64_t u = 0; u < n; u++)
			for (uint64_t c = 0; c < a->own_cells; c++) {
				uint64_t cell = count_cell(a, v, c);
				uint64_t from = count_cell(a, u, c);
				bool same =
				    u == v ||
				    a->g->value[difference_cell(a, u < v ? u : v, u < v ? v : u, c)] == 0;
				if (same && a->g->mark[from] == 'P' && a->g->live[from] != 0 &&
				    a->g->live[cell] != 0)
					a->out[cell] = 1;
			}
}

bool auditledger_open(struct audit *a, const struct auditor_question *q)
{
	a->releases = &q->joint->releases;
	a->out = calloc(a->g->n_cells, 1);
	if (a->out == NULL)
		return no_memory(a->e);
	if (a->p->figures == FIGURES_AMOUNTS)
		return err_set(a->e, ERR_CRYPTO, "amounts have no corrections");
	for (uint64_t to = 1; to <= a->releases->n; to++)
		for (uint64_t from = 0; from < to; from++)
			if (!changed_fit(a, q, from, to))
				return false;
	find_out(a);
	return (a->office_dim == NO_OFFICE || auditbefore_open(a)) && rules_fit(a, q);
}

/* ---- enough offices changed ---- */

static bool enough_changed(const struct audit *a, uint64_t from)
{
	const struct releases *r = a->releases;
	for (uint64_t c = 0; a->office_dim != NO_OFFICE && c < a->own_cells; c++) {
		uint64_t before = count_cell(a, from, c);
		uint32_t offices = 0;
		uint32_t changed = 0;
		if (strchr("PH", a->g->mark[before]) == NULL || strchr("PH", a->g->mark[c]) == NULL ||
		    a->g->live[c] == 0 || a->g->truth[before] == a->g->truth[c])
			continue;
		for (uint32_t i = 0; i < a->n_offices; i++) {
			uint64_t part = audit_part(a, difference_cell(a, from, r->n, c), a->office[i]);
			offices += part != UINT64_MAX;
			changed += part != UINT64_MAX && a->g->value[part] < 0;
		}
		struct subject s = { .cell = c };
		if (offices >= 2 && changed < a->p->min_offices_changed)
			return audit_fails(a, &s, RULE_DIFFERENCE, "too few offices below it have changed");
	}
	return true;
}

/* ---- what stays hidden ---- */

static bool was_hidden(const struct audit *a, uint64_t own)
{
	bool hidden = false;
	for (uint64_t v = 0; v < a->releases->n; v++)
		hidden = hidden || a->g->mark[count_cell(a, v, own)] == 'H';
	return hidden;
}

/* Hidden in an earlier release, printed in this one, and not known from one in between. */
static bool came_back(const struct audit *a, uint64_t own)
{
	return was_hidden(a, own) && a->g->mark[own] == 'P' && a->g->live[own] != 0 && a->out[own] == 0 &&
	       (a->g->truth[own] > 0 || a->p->zeros != ZEROS_PUBLISHED);
}

static bool relations_put(const struct audit *a, struct system *s, const uint32_t *var)
{
	for (uint32_t d = 0; d < a->g->n_dims; d++)
		for (uint32_t b = 0; b < a->g->dim[d].n_breakdowns; b++) {
			const struct breakdown *k = &a->g->dim[d].breakdown[b];
			uint64_t stride = a->g->stride[d];
			uint64_t block = stride * a->g->dim[d].n_codes;
			for (uint64_t base = 0; base < a->g->n_cells; base++) {
				if (base % block >= stride)
					continue;
				for (uint32_t i = 0; i <= k->n; i++) {
					uint64_t cell =
					    base + (i == 0 ? k->parent : k->child[i - 1]) * stride;
					if (var[cell] != UINT32_MAX &&
					    !system_add_term(s, var[cell], i == 0 ? 1 : -1))
						return false;
				}
				if (!system_end_relation(s, 0))
					return false;
			}
		}
	return true;
}

/* Does each of them follow from all else that is printed? By elimination: there is no vector to look at. */
static bool follows(const struct audit *a, const bool *back)
{
	struct system s = { 0 };
	uint32_t *var = calloc(a->g->n_cells, sizeof *var);
	bool *known = NULL;
	bool ok = var != NULL;
	for (uint64_t c = 0; ok && c < a->g->n_cells; c++) {
		bool loose = (a->g->value[c] < 0 && a->g->live[c] != 0) || (c < a->own_cells && back[c]);
		var[c] = loose ? system_add_var(&s, c, 0, 1, false) : UINT32_MAX;
		ok = !loose || var[c] != UINT32_MAX;
	}
	ok = ok && relations_put(a, &s, var) && (known = calloc(s.n_vars + (size_t)1, 1)) != NULL;
	ok = (ok || no_memory(a->e)) && derive_follow(&s, known, a->e);
	for (uint64_t c = 0; ok && c < a->own_cells; c++) {
		struct subject subject = { .cell = c };
		if (back[c] && !known[var[c]])
			ok = audit_fails(a, &subject, RULE_SPARE,
			    "it was hidden before, is printed now, and does not follow");
	}
	free(known);
	free(var);
	system_free(&s);
	return ok;
}

static bool stays_hidden(const struct audit *a)
{
	bool *back = calloc(a->own_cells, sizeof *back);
	bool some = false;
	bool ok = back != NULL || no_memory(a->e);
	for (uint64_t c = 0; ok && c < a->own_cells; c++) {
		back[c] = came_back(a, c);
		some = some || back[c];
	}
	ok = ok && (!some || follows(a, back));
	free(back);
	return ok;
}

/* ---- what could have been hidden as well (R7) ---- */

struct reach { /* by dimension and code, those of the releases left out */
	bool *in[LATTICE_DIMS_MAX];
};

static void reach_free(struct reach *r)
{
	for (uint32_t d = 0; d < LATTICE_DIMS_MAX; d++)
		free(r->in[d]);
	*r = (struct reach){ 0 };
}

static bool reach_make(const struct audit *a, struct reach *r)
{
	bool ok = true;
	*r = (struct reach){ 0 };
	for (uint32_t d = 1; d < a->g->n_dims; d++) {
		r->in[d] = calloc(a->g->dim[d].n_codes, sizeof *r->in[d]);
		ok = ok && r->in[d] != NULL;
	}
	return ok;
}

static bool reach_has(const struct audit *a, const struct reach *r, uint64_t cell)
{
	for (uint32_t d = 1; d < a->g->n_dims; d++)
		if (!r->in[d][lattice_place(a->g, cell, d)])
			return false;
	return true;
}

/* All codes that one person more at this code may change: those above it, and both parts of their views. */
static void reach_from(const struct latticedim *d, uint32_t code, bool *in)
{
	memset(in, 0, d->n_codes * sizeof *in);
	in[code] = true;
	for (bool more = true; more;) {
		more = false;
		for (uint32_t b = 0; b < d->n_breakdowns; b++) {
			const struct breakdown *k = &d->breakdown[b];
			for (uint32_t i = 0; i < k->n; i++) {
				bool parent = in[k->child[i]] && !in[k->parent];
				bool child = k->view && in[k->parent] && !in[k->child[i]];
				in[k->parent] = in[k->parent] || parent;
				in[k->child[i]] = in[k->child[i]] || child;
				more = more || parent || child;
			}
		}
	}
}

/* Is there nothing in this release that one person more at this unknown must not change? */
static bool is_free(const struct audit *a, uint64_t unknown, struct reach *above)
{
	for (uint64_t v = 0; v < a->releases->n; v++)
		if (a->g->value[difference_cell(a, v, a->releases->n, unknown)] == 0)
			return false;
	for (uint32_t d = 1; d < a->g->n_dims; d++)
		reach_from(&a->g->dim[d], lattice_place(a->g, unknown, d), above->in[d]);
	for (uint64_t c = 0; c < a->own_cells; c++)
		if ((a->out[c] != 0 || a->g->live[c] == 0) && reach_has(a, above, c))
			return false;
	return true;
}

bool auditledger_can_rise(const struct audit *a, uint64_t cell)
{
	struct reach below = { 0 };
	struct reach above = { 0 };
	bool found = false;
	if (reach_make(a, &below) && reach_make(a, &above)) {
		for (uint32_t d = 1; d < a->g->n_dims; d++)
			lattice_leaves(&a->g->dim[d], lattice_place(a->g, cell, d), below.in[d]);
		for (uint64_t c = 0; !found && c < a->own_cells; c++)
			found = a->g->live[c] != 0 && reach_has(a, &below, c) && is_free(a, c, &above);
	}
	reach_free(&below);
	reach_free(&above);
	return found;
}

bool auditledger_rules(struct audit *a)
{
	for (uint64_t from = 0; from < a->releases->n; from++)
		if (!enough_changed(a, from))
			return false;
	return auditledger_differences(a) && stays_hidden(a);
}
