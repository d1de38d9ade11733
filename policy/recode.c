#include "policy/recode.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "policy/certificate.h"
#include "policy/coarsen.h"
#include "policy/primary.h"
#include "policy/protect.h"

/* A pattern in short: what is printed, and what is hidden for other cells' sake. */
struct tally {
	uint64_t printed, printed_value;
	uint64_t secondary, secondary_value;
	bool served;
};

struct proposal {
	size_t dim;
	uint32_t code;
	uint32_t parts;
	struct tally tally;
};

static void count(const struct grid *g, struct tally *t)
{
	for (uint32_t c = 0; c < g->n_cells; c++) {
		bool hidden = grid_hidden(g, c);
		if (g->mark[c] == 'P' && !hidden) {
			t->printed++;
			t->printed_value += (uint64_t)g->value[c];
		}
		if (hidden && g->primary[c] == 0) {
			t->secondary++;
			t->secondary_value += (uint64_t)g->value[c];
		}
	}
}

/* Rules and the first pass, nothing cleaned: quick, and the same for every proposal. */
static bool quick(const struct table_input *t, const struct policy_params *p, const uint8_t key[32],
    enum guarantee level, uint64_t max_work, struct tally *out, struct err *e)
{
	struct grid g = { 0 };
	struct needs needs = { 0 };
	struct plan plan = { 0 };
	bool ok = false;
	*out = (struct tally){ 0 };
	if (!grid_init(&g, t, p, key, e))
		return false;
	if (!primary_find(&g, level, &needs, e) || !plan_init(&plan, &g, &needs, e))
		goto done;
	plan.max_work = max_work;
	plan.brief = true;
	out->served = plan_serve_all(&plan);
	ok = !plan.memory_failed || err_set(e, ERR_MEMORY, "no memory for the proposals");
	count(&g, out);
done:
	if (plan.g != NULL)
		plan_free(&plan);
	needs_free(&needs);
	grid_free(&g);
	return ok;
}

static bool try_code(const struct table_input *t, const struct policy_params *p, const uint8_t key[32],
    enum guarantee level, uint64_t max_work, struct proposal *out, bool *possible, struct err *e)
{
	struct coarse c;
	const struct dim *d = &t->dim[out->dim];
	bool ok = coarse_begin(&c, t, e);
	*possible = ok && coarse_may(&c, out->dim, out->code);
	if (*possible) {
		ok = coarse_take(&c, out->dim, out->code, e) &&
		     quick(&c.t, p, key, level, max_work, &out->tally, e);
		for (uint32_t i = 0; i < d->n_codes; i++)
			out->parts += c.dropped[out->dim][i] != 0;
	}
	coarse_free(&c);
	return ok;
}

/* Most freed first; then fewest cells lost. */
static int best_first(const void *a, const void *b)
{
	const struct proposal *x = a;
	const struct proposal *y = b;
	if (x->tally.served != y->tally.served)
		return x->tally.served ? -1 : 1;
	if (x->tally.secondary_value != y->tally.secondary_value)
		return x->tally.secondary_value < y->tally.secondary_value ? -1 : 1;
	if (x->tally.printed != y->tally.printed)
		return x->tally.printed > y->tally.printed ? -1 : 1;
	if (x->dim != y->dim)
		return x->dim < y->dim ? -1 : 1;
	return (x->code > y->code) - (x->code < y->code);
}

static void put_line(
    struct buf *csv, const struct table_input *t, const struct proposal *p, const struct tally *now)
{
	const struct tally *s = &p->tally;
	bool today = s == now;
	buf_printf(csv, "%s,%s,%u,", today ? "" : t->dim[p->dim].name,
	    today ? "" : t->dim[p->dim].code[p->code], p->parts);
	buf_printf(csv, "%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRId64 ",%" PRId64 ",%d\n",
	    s->printed, s->printed_value, s->secondary, s->secondary_value,
	    (int64_t)now->secondary - (int64_t)s->secondary,
	    (int64_t)now->secondary_value - (int64_t)s->secondary_value, s->served);
}

static bool collect(const struct table_input *t, const struct policy_params *p, const uint8_t key[32],
    enum guarantee level, uint64_t max_work, struct proposal *list, size_t *n, struct err *e)
{
	for (size_t d = 0; d < t->n_dims; d++)
		for (uint32_t c = 0; c < t->dim[d].n_codes; c++) {
			bool possible = false;
			list[*n] = (struct proposal){ .dim = d, .code = c };
			if (dim_is_atom(&t->dim[d], c))
				continue;
			if (!try_code(t, p, key, level, max_work, &list[*n], &possible, e))
				return false;
			*n += possible && list[*n].tally.printed > 0;
		}
	return true;
}

bool recode_propose(const struct table_input *t, const struct policy_params *p, const uint8_t choice_key[32],
    const struct release_options *o, struct buf *csv, struct err *e)
{
	struct policy_params params = policy_params_effective(p);
	enum guarantee level = o != NULL && o->level != 0 ? o->level : LEVEL_3;
	uint64_t max_work = o == NULL ? 0 : o->max_work;
	struct proposal today = { 0 };
	struct proposal *list = NULL;
	size_t room = 1;
	size_t n = 0;
	bool ok = false;
	if (!t->finished)
		return err_set(e, ERR_INVALID, "the table is not finished");
	for (size_t d = 0; d < t->n_dims; d++)
		room += t->dim[d].n_codes;
	list = calloc(room, sizeof *list);
	if (list == NULL)
		return err_set(e, ERR_MEMORY, "no memory for the proposals");
	if (!quick(t, &params, choice_key, level, max_work, &today.tally, e) ||
	    !collect(t, &params, choice_key, level, max_work, list, &n, e))
		goto done;
	qsort(list, n, sizeof *list, best_first);
	buf_put_text(csv, "dimension,code,parts,printed,printed_value,secondary,secondary_value,freed,freed_"
			  "value,served\n");
	put_line(csv, t, &today, &today.tally);
	for (size_t i = 0; i < n; i++)
		put_line(csv, t, &list[i], &today.tally);
	ok = !csv->failed || err_set(e, ERR_MEMORY, "no memory for the proposals");
done:
	free(list);
	return ok;
}
