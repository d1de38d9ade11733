#include "client/protect/jjcheck.h"

#include <stdlib.h>

#include "client/protect/jjattack.h"
#include "client/protect/system.h"

static int64_t larger(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

int64_t jjcheck_low(const struct jj_cell *c, const struct jjrule *rule)
{
	return c->lb == 0 && rule->floor > 0 ? rule->floor : c->lb;
}

struct jjreach jjcheck_reach(const struct jj_cell *c, const struct jjrule *rule)
{
	struct jjreach r = { 0 };
	if (c->status != JJ_UNSAFE && (c->status != JJ_MISSING || c->lb == c->ub))
		return r;
	if (c->status == JJ_MISSING || rule->level == 1) {
		r.width = 1;
		return r;
	}
	r = (struct jjreach){ c->lpl, c->upl, larger(c->spl, rule->width) };
	if (c->lpl == 0 && c->upl == 0 && c->spl == 0) /* the file leaves it to the policy */
		r.up = larger(rule->threshold - c->value, rule->width);
	return r;
}

/* ---- moves ---- */

/* By cell: how far the moves take it; by: scratch, all 0 before and after. */
struct spread {
	int64_t *down, *up, *by;
};

static bool move_holds(const struct jj *j, const char *mark, const struct jjrule *rule,
    const struct choice_answer *a, uint32_t move, struct spread *s)
{
	bool ok = true;
	for (uint32_t k = a->start[move]; k < a->start[move + 1]; k++)
		s->by[a->step[k].column] += a->step[k].by;
	for (uint32_t k = a->start[move]; k < a->start[move + 1]; k++) {
		uint32_t cell = a->step[k].column;
		const struct jj_cell *c = &j->cell[cell];
		int64_t now = c->value + s->by[cell];
		ok = ok && mark[cell] == 'H' &&
		     (rule->level == 1 || (now >= jjcheck_low(c, rule) && now <= c->ub));
		s->down[cell] = larger(s->down[cell], -s->by[cell]);
		s->up[cell] = larger(s->up[cell], s->by[cell]);
	}
	for (uint32_t r = 0; ok && r < j->n_relations; r++)
		ok = jj_sum(j, r, s->by) == 0;
	for (uint32_t k = a->start[move]; k < a->start[move + 1]; k++)
		s->by[a->step[k].column] = 0;
	return ok;
}

static bool moves_hold(const struct jj *j, const char *mark, const struct jjrule *rule,
    const struct choice_answer *a, uint32_t n_moves, struct err *e)
{
	size_t n = j->n_cells;
	struct spread s = { calloc(n, sizeof *s.down), calloc(n, sizeof *s.up), calloc(n, sizeof *s.by) };
	bool ok = (s.down != NULL && s.up != NULL && s.by != NULL) ||
		  err_set(e, ERR_MEMORY, "no memory for the check");
	for (uint32_t i = 0; ok && i < n_moves; i++)
		ok = move_holds(j, mark, rule, a, i, &s) ||
		     err_set(e, ERR_INTERNAL, "our own check failed: a move is none");
	for (uint32_t c = 0; ok && c < n; c++) {
		struct jjreach want = jjcheck_reach(&j->cell[c], rule);
		if (s.down[c] < want.down || s.up[c] < want.up || s.down[c] + s.up[c] < want.width)
			ok = err_set(e, ERR_INTERNAL, "our own check failed: cell %u is not protected", c);
	}
	free(s.down);
	free(s.up);
	free(s.by);
	return ok;
}

/* ---- an attacker ---- */

static bool interval_holds(const struct jj_cell *c, const struct jjrule *rule, const struct interval *in)
{
	struct jjreach want = jjcheck_reach(c, rule);
	if (in->lo > c->value - want.down)
		return false;
	return in->hi == SYSTEM_UNBOUNDED || (in->hi >= c->value + want.up && in->hi - in->lo >= want.width);
}

static bool attack_fails(const struct jj *j, const char *mark, const struct jjrule *rule, struct err *e)
{
	int64_t *value = calloc(j->n_cells, sizeof *value);
	struct interval *in = calloc(j->n_cells, sizeof *in);
	uint64_t programs = 0;
	bool ok = (value != NULL && in != NULL) || err_set(e, ERR_MEMORY, "no memory for the check");
	for (uint32_t c = 0; ok && c < j->n_cells; c++)
		value[c] = mark[c] == 'P' ? j->cell[c].value : 0;
	if (ok && !jjattack_intervals(j, mark, value, rule->floor, in, &programs, e))
		ok = e->code == ERR_MEMORY ? false
					   : err_set(e, ERR_INTERNAL, "our own check failed: no table fits");
	for (uint32_t c = 0; ok && c < j->n_cells; c++)
		if (mark[c] == 'H' && !interval_holds(&j->cell[c], rule, &in[c]))
			ok =
			    err_set(e, ERR_INTERNAL, "our own check failed: cell %u can be narrowed down", c);
	free(value);
	free(in);
	return ok;
}

static bool marks_hold(
    const struct jj *j, const char *mark, const uint64_t *u1, const uint64_t *u2, struct err *e)
{
	for (uint32_t c = 0; c < j->n_cells; c++) {
		char status = j->cell[c].status;
		bool must = status == JJ_UNSAFE || status == JJ_MISSING;
		if ((must && mark[c] != 'H') || (status == JJ_PROTECTED && mark[c] != 'P'))
			return err_set(
			    e, ERR_INTERNAL, "our own check failed: cell %u has the wrong mark", c);
		if (mark[c] == 'H' && (u1[c] == 0 || u2[c] == 0) && j->cell[c].lb < j->cell[c].ub)
			return err_set(e, ERR_INTERNAL, "our own check failed: cell %u can be worked out", c);
	}
	return true;
}

bool jjcheck_pattern(const struct jj *j, const char *mark, const struct jjrule *rule,
    const struct choice_answer *moves, uint32_t n_moves, const uint64_t *u1, const uint64_t *u2,
    struct err *e)
{
	return marks_hold(j, mark, u1, u2, e) && moves_hold(j, mark, rule, moves, n_moves, e) &&
	       (rule->level == 1 || attack_fails(j, mark, rule, e));
}
