#include "policy/ladder.h"

#include <string.h>

#include "policy/explain.h"

#define FROZEN_PRICE 1000.0f /* times the price of a cell like it that may be hidden */
#define COARSE_MAX   256u    /* codes that may be given up */

static const char *const names[] = { "", "unfreeze", "camouflage", "coarsen", "withhold" };

bool ladder_begin(struct ladder *l, const struct table_input *t, const struct policy_params *p, struct err *e)
{
	memset(l, 0, sizeof *l);
	l->input = t;
	l->t = t;
	l->params = *p;
	l->may_change_table = true;
	l->may_camouflage = true;
	return coarse_begin(&l->coarse, t, e);
}

void ladder_free(struct ladder *l)
{
	coarse_free(&l->coarse);
	buf_free(&l->lines);
	buf_free(&l->words);
	memset(l, 0, sizeof *l);
}

static void say(struct ladder *l, enum ladder_step step, const char *words)
{
	l->last = step;
	l->n_lines++;
	buf_printf(&l->lines, "{\"ladder\":\"%s\"}\n", names[step]);
	buf_printf(&l->words, "%s: %s\n", names[step], words);
}

static bool has_forced(const struct grid *g)
{
	for (uint32_t c = 0; c < g->n_cells; c++)
		if (g->kind[c] == KIND_FORCED)
			return true;
	return false;
}

void ladder_thaw(const struct ladder *l, struct grid *g)
{
	for (uint32_t c = 0; l->unfreeze && c < g->n_cells; c++)
		if (g->kind[c] == KIND_FORCED) {
			g->kind[c] = KIND_OPEN;
			g->price[c] *= FROZEN_PRICE;
		}
}

void ladder_thawed(struct ladder *l)
{
	say(l, LADDER_UNFREEZE, "figures that had to be printed are hidden");
}

static bool coarsen(struct ladder *l, const struct grid *g, uint32_t cell, bool *again, struct err *e)
{
	size_t d = 0;
	uint32_t code = 0;
	*again = l->may_change_table && cell != NONE && l->coarse.n_steps < COARSE_MAX &&
		 coarse_choose(&l->coarse, g, cell, &d, &code);
	if (!*again)
		return true;
	if (!coarse_take(&l->coarse, d, code, e))
		return false;
	const struct dim *dim = &l->t->dim[d];
	l->last = LADDER_COARSEN;
	l->n_lines++;
	buf_put_text(&l->lines, "{\"ladder\":\"coarsen\",\"dimension\":");
	explain_json_text(&l->lines, dim->name);
	buf_put_text(&l->lines, ",\"code\":");
	explain_json_text(&l->lines, dim->code[code]);
	buf_put_text(&l->lines, "}\n");
	buf_printf(&l->words,
	    "coarsen: the parts of %s in %s are not printed, since this cannot be protected: ",
	    dim->code[code], dim->name);
	table_put_cell(l->t, cell, '|', &l->words);
	buf_put_text(&l->words, "\n");
	l->t = &l->coarse.t;
	return true;
}

bool ladder_next(struct ladder *l, const struct grid *g, uint32_t cell, bool *again, struct err *e)
{
	*again = false;
	for (; l->rung < PARAMS_LADDER_MAX && !*again; l->rung++) {
		switch (l->params.ladder[l->rung]) {
		case LADDER_UNFREEZE:
			*again = l->may_change_table && has_forced(g);
			l->unfreeze = l->unfreeze || *again;
			break;
		case LADDER_CAMOUFLAGE:
			*again = l->may_camouflage && l->params.zeros == ZEROS_PUBLISHED;
			if (*again) {
				l->params.zeros = ZEROS_CAMOUFLAGE;
				say(l, LADDER_CAMOUFLAGE, "noughts may be hidden as well");
			}
			break;
		case LADDER_COARSEN:
			if (!coarsen(l, g, cell, again, e))
				return false;
			if (*again)
				return true; /* this rung once more, if need be */
			break;
		case LADDER_WITHHOLD:
			say(l, LADDER_WITHHOLD, "nothing is released");
			l->rung = PARAMS_LADDER_MAX;
			return true;
		default:
			return true;
		}
	}
	return true;
}
