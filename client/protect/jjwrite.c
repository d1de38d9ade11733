#include "client/protect/jjwrite.h"

#include <stdlib.h>

#include "client/protect/jj.h"
#include "client/protect/lattice.h"

static struct jj_cell cell_of(
    const struct lattice *g, uint64_t c, const struct policy_params *p, int64_t most)
{
	int64_t v = g->truth[c];
	bool printed = g->mark[c] == 'P' || g->mark[c] == 'H' || g->mark[c] == 'R';
	struct jj_cell cell = { .value = v, .ub = most, .status = JJ_SAFE };
	if (g->mark[c] == 'Z' || (!printed && v == 0 && g->value[c] == 0))
		return (struct jj_cell){ .status = JJ_PROTECTED };
	if (!printed)
		return cell;
	cell.cost = (double)p->price_count + (double)p->price_value * (double)v;
	if (v == 0 && p->zeros == ZEROS_PUBLISHED)
		cell.status = JJ_PROTECTED;
	if (v < p->threshold && (v > 0 || p->zeros == ZEROS_SENSITIVE)) {
		cell.status = JJ_UNSAFE;
		cell.upl = p->threshold - v > p->width ? p->threshold - v : p->width;
		cell.spl = p->width;
	}
	return cell;
}

/* Counts the relations and their terms; writes them where j has room. */
static void relations_walk(const struct lattice *g, struct jj *j, uint64_t *relations, uint64_t *terms)
{
	*relations = 0;
	*terms = 0;
	for (uint32_t d = 0; d < g->n_dims; d++) {
		uint64_t stride = g->stride[d];
		uint64_t block = stride * g->dim[d].n_codes;
		for (uint64_t line = 0;
		     line < (uint64_t)g->dim[d].n_breakdowns * (g->n_cells / g->dim[d].n_codes); line++) {
			const struct breakdown *b = &g->dim[d].breakdown[line % g->dim[d].n_breakdowns];
			uint64_t at = line / g->dim[d].n_breakdowns;
			uint64_t base = at / stride * block + at % stride;
			for (uint32_t k = 0; j->term != NULL && k <= b->n; k++)
				j->term[*terms + k] = (struct jj_term){
					(uint32_t)(base + (k == 0 ? b->parent : b->child[k - 1]) * stride),
					k == 0 ? -1 : 1
				};
			*terms += b->n + 1;
			*relations += 1;
			if (j->term != NULL)
				j->start[*relations] = (uint32_t)*terms;
		}
	}
}

static bool table_make(const struct lattice *g, const struct policy_params *p, struct jj *j, struct err *e)
{
	uint64_t relations;
	uint64_t terms;
	int64_t most = 0;
	relations_walk(g, j, &relations, &terms);
	for (uint64_t c = 0; c < g->n_cells; c++)
		most = g->truth[c] > most ? g->truth[c] : most;
	if (g->n_cells > JJ_CELLS_MAX || relations > JJ_CELLS_MAX || terms > UINT32_MAX ||
	    most > JJ_VALUE_MAX / 4)
		return err_set(e, ERR_LIMIT, "the table is too large for a JJ file");
	j->n_cells = (uint32_t)g->n_cells;
	j->n_relations = (uint32_t)relations;
	j->cell = calloc(g->n_cells + 1, sizeof *j->cell);
	j->start = calloc(relations + 1, sizeof *j->start);
	j->rhs = calloc(relations + 1, sizeof *j->rhs);
	j->term = calloc(terms + 1, sizeof *j->term);
	if (j->cell == NULL || j->start == NULL || j->rhs == NULL || j->term == NULL)
		return err_set(e, ERR_MEMORY, "no memory for the JJ file");
	relations_walk(g, j, &relations, &terms);
	for (uint32_t c = 0; c < j->n_cells; c++)
		j->cell[c] = cell_of(g, c, p, 2 * most + p->threshold + p->width);
	return true;
}

bool jjwrite_folder(
    const char *dir, const char *result, const struct policy_params *p, struct buf *out, struct err *e)
{
	struct lattice g = { 0 };
	struct jj j = { 0 };
	bool ok =
	    lattice_read(&g, dir, result, true, e) && lattice_truth(&g, dir, e) && table_make(&g, p, &j, e);
	if (ok)
		jj_put(&j, out);
	ok = ok && (!out->failed || err_set(e, ERR_MEMORY, "no memory for the JJ file"));
	jj_free(&j);
	lattice_free(&g);
	return ok;
}
