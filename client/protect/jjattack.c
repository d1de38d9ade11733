#include "client/protect/jjattack.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "client/protect/attack.h"
#include "client/protect/protect.h"
#include "client/protect/protectfiles.h"
#include "client/protect/system.h"
#include "client/text.h"

#define PROGRAM_MAX 60000u /* variables of a component that still gets linear programs */

static int64_t low(const struct jj_cell *c, int64_t floor)
{
	return c->lb == 0 && floor > 0 ? floor : c->lb;
}

static bool vars_make(const struct jj *j, const char *mark, int64_t floor, struct system *s, uint32_t *var)
{
	for (uint32_t i = 0; i < j->n_cells; i++) {
		const struct jj_cell *c = &j->cell[i];
		int64_t high = c->ub >= JJ_BOUND_MAX ? SYSTEM_UNBOUNDED : c->ub;
		var[i] = UINT32_MAX;
		if (mark[i] == 'P')
			continue;
		var[i] = system_add_var(s, i, low(c, floor), high, mark[i] == 'H');
		if (var[i] == UINT32_MAX)
			return false;
	}
	return true;
}

/* A relation all of whose cells are printed must hold; the others say something of the hidden ones. */
static bool relation_add(const struct jj *j, uint32_t r, const int64_t *value, const uint32_t *var,
    struct system *s, struct err *e)
{
	int64_t rhs = j->rhs[r];
	bool any = false;
	for (uint32_t i = j->start[r]; i < j->start[r + 1]; i++) {
		struct jj_term t = j->term[i];
		if (var[t.cell] == UINT32_MAX) {
			rhs -= t.coef * value[t.cell];
			continue;
		}
		any = true;
		if (!system_add_term(s, var[t.cell], t.coef))
			return err_set(e, ERR_MEMORY, "no memory");
	}
	if (!any && rhs != 0)
		return err_set(e, ERR_INVALID, "relation %u does not add up in what was published", r);
	return system_end_relation(s, rhs) || err_set(e, ERR_MEMORY, "no memory");
}

static void progress(void *context, double share)
{
	(void)context;
	fprintf(stderr, "\r\033[K%3.0f %%%s", 100 * share, share < 1 ? "" : "\r\033[K");
}

bool jjattack_intervals(const struct jj *j, const char *mark, const int64_t *value, int64_t floor,
    struct interval *out, uint64_t *programs, struct err *e)
{
	struct system s = { 0 };
	const struct system_plan plan = { .max_program = PROGRAM_MAX,
		.progress = isatty(STDERR_FILENO) ? progress : NULL };
	uint32_t *var = malloc((size_t)j->n_cells * sizeof *var);
	bool ok = (var != NULL && vars_make(j, mark, floor, &s, var)) || err_set(e, ERR_MEMORY, "no memory");
	for (uint32_t r = 0; ok && r < j->n_relations; r++)
		ok = relation_add(j, r, value, var, &s, e);
	ok = ok && system_solve(&s, &plan, e);
	for (uint32_t i = 0; ok && i < s.n_vars; i++)
		out[s.var[i].cell] = (struct interval){ s.var[i].lo, s.var[i].hi, s.var[i].why };
	*programs = s.n_programs;
	system_free(&s);
	free(var);
	return ok;
}

/* ---- the command ---- */

struct judged {
	uint64_t hidden, found, programs;
};

/* What is exact although the file's bounds alone did not make it so is a disclosure. */
static void put_intervals(const struct jj *j, const char *mark, int64_t floor, const struct interval *in,
    struct buf *out, struct judged *n)
{
	static const char *const why[] = { "open", "propagation", "program", "witness" };
	buf_put_text(out, "cell,lo,hi,exact,why,attacker\n");
	for (uint32_t i = 0; i < j->n_cells; i++) {
		if (mark[i] != 'H')
			continue;
		bool exact = in[i].lo == in[i].hi;
		n->hidden++;
		n->found += exact && low(&j->cell[i], floor) < j->cell[i].ub;
		buf_printf(out, "%u,%lld,", i, (long long)in[i].lo);
		if (in[i].hi != SYSTEM_UNBOUNDED)
			buf_printf(out, "%lld", (long long)in[i].hi);
		buf_printf(out, ",%d,%s,public\n", exact, why[in[i].why]);
	}
}

static bool attack(const struct args *args, struct buf *out, struct judged *n, struct err *e)
{
	struct jj j = { 0 };
	char *mark = NULL;
	int64_t *value = NULL;
	struct interval *in = NULL;
	unsigned long floor;
	bool ok = false;
	if (!args_number(args, "floor", 1, 0, &floor))
		return err_set(e, ERR_INVALID, "--floor is 0 or 1");
	if (!jj_load(&j, args_value(args, "jj"), false, e))
		goto done;
	mark = calloc(j.n_cells, 1);
	value = calloc(j.n_cells, sizeof *value);
	in = calloc(j.n_cells, sizeof *in);
	if (mark == NULL || value == NULL || in == NULL) {
		err_set(e, ERR_MEMORY, "no memory");
		goto done;
	}
	ok = jj_read_result(&j, args->at[0], mark, value, e) &&
	     (jjattack_intervals(&j, mark, value, (int64_t)floor, in, &n->programs, e) ||
		 err_wrap(e, "%s", args->at[0]));
	if (ok)
		put_intervals(&j, mark, (int64_t)floor, in, out, n);
done:
	jj_free(&j);
	free(mark);
	free(value);
	free(in);
	return ok;
}

int jjattack_run(const struct args *args)
{
	struct buf out = { 0 };
	struct judged n = { 0 };
	struct err e = { 0 };
	const char *path = args_value(args, "output");
	int code = PROTECT_INPUT;
	static const char *const folders[] = { "office", "all-offices", "coalition", "intervals", "policy",
		"level", "replay", "ledger", "period", NULL };
	if (!args_exclude(args, "--jj", folders))
		return PROTECT_INPUT;
	if (args->n != 1) {
		text_warn("%s", _("attack --jj takes one RESULT.csv"));
		return PROTECT_INPUT;
	}
	if (!attack(args, &out, &n, &e) ||
	    (path != NULL ? !protectfiles_put(path, buf_bytes(&out), &e) : !text_put(&out))) {
		text_error(&e);
		code = e.code == ERR_MEMORY ? PROTECT_LIMIT : PROTECT_INPUT;
		goto done;
	}
	code = attack_told(args, n.hidden, n.found, n.programs);
done:
	buf_free(&out);
	return code;
}
