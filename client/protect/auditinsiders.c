/* What offices get by subtraction with their own figures, of cells that no table prints (R12, "Insiders"): each such cell of
 * which 1 to k-1 is not theirs has a line that gives them room. Written from docs/disclosure.md.
 *
 * Each relation is kept as how many of its cells are unknown, and the sum of their numbers: of one that is left the sum is
 * its number, so that what follows from a cell is found without looking at the others, and is taken back as easily. */
#include <stdlib.h>

#include "client/protect/auditledger.h"

struct balance { /* of a relation */
	uint32_t unknown;
	uint32_t sum; /* of the unknown cells' numbers, modulo 2^32 */
};

struct pupil { /* who learns: the public, then sets of offices */
	struct audit *a;
	struct balance *relation;
	uint64_t first[LATTICE_DIMS_MAX]; /* relation of the dimension's first breakdown, first line */
	bool *unknown;                    /* by cell, of earlier releases too */
	uint32_t *learned;                /* cells, in the order of learning */
	uint32_t n_learned;
	uint32_t office[POOL_LIMIT], n_offices;
	uint64_t work;
};

/* Cells that are counts; those after them are differences between releases. */
static uint64_t n_counts(const struct audit *a)
{
	return a->releases == NULL ? a->g->n_cells : auditledger_n_counts(a);
}

/* ---- relations ---- */

static uint64_t n_lines(const struct pupil *p, uint32_t d)
{
	return p->a->g->n_cells / p->a->g->dim[d].n_codes;
}

static struct balance *balance_of(const struct pupil *p, uint32_t d, uint32_t breakdown, uint64_t cell)
{
	uint64_t stride = p->a->g->stride[d];
	uint64_t line = cell / (stride * p->a->g->dim[d].n_codes) * stride + cell % stride;
	return &p->relation[p->first[d] + breakdown * n_lines(p, d) + line];
}

/* One cell more is unknown in all its relations, or one less; then, what follows is learned. */
static void put(struct pupil *p, uint32_t cell, bool unknown)
{
	const struct lattice *g = p->a->g;
	p->unknown[cell] = unknown;
	for (uint32_t d = 0; d < g->n_dims; d++) {
		const struct latticedim *dim = &g->dim[d];
		uint32_t code = lattice_place(g, cell, d);
		for (uint32_t i = dim->held_from[code]; i < dim->held_from[code + 1]; i++) {
			struct balance *b = balance_of(p, d, dim->held[i] / 2, cell);
			b->unknown += unknown ? 1 : UINT32_MAX;
			b->sum += unknown ? cell : 0 - cell;
		}
	}
}

static void learn(struct pupil *p, uint32_t cell)
{
	if (!p->unknown[cell])
		return;
	put(p, cell, false);
	p->learned[p->n_learned++] = cell;
}

static void forget(struct pupil *p, uint32_t from)
{
	while (p->n_learned > from)
		put(p, p->learned[--p->n_learned], true);
}

/* What follows from the cells learned as number `from` and later. */
static void conclude(struct pupil *p, uint32_t from)
{
	const struct lattice *g = p->a->g;
	for (uint32_t at = from; at < p->n_learned; at++)
		for (uint32_t d = 0; d < g->n_dims; d++) {
			const struct latticedim *dim = &g->dim[d];
			uint32_t code = lattice_place(g, p->learned[at], d);
			for (uint32_t i = dim->held_from[code]; i < dim->held_from[code + 1]; i++) {
				const struct balance *b = balance_of(p, d, dim->held[i] / 2, p->learned[at]);
				if (b->unknown == 1)
					learn(p, b->sum);
			}
		}
}

/* ---- what everybody knows ---- */

static bool is_for_insiders(const struct line *l)
{
	return l->rule == RULE_LATER && l->n_offices > 0;
}

/* kept: hidden, or a figure that is, for another reason than lines of this kind. */
static void find_kept(const struct audit *a, bool *kept)
{
	for (uint32_t i = 0; i < a->n_lines; i++) {
		const struct amount *m = &a->move[a->line[i].move];
		for (uint64_t k = 0; !is_for_insiders(&a->line[i]) && k < m->n; k++)
			kept[a->change[m->start + k].cell] = true;
	}
	for (uint64_t c = 0; c < a->g->n_cells; c++)
		kept[c] = kept[c] || a->named[c] != 0 || c >= a->own_cells ||
			  (a->releases != NULL && auditledger_was_hidden(a, c));
}

static bool is_unknown(const struct audit *a, uint64_t cell, bool kept)
{
	return a->g->live[cell] != 0 && a->g->value[cell] < 0 && (kept || a->g->mark[cell] != 'H');
}

static void learn_public(struct pupil *p)
{
	uint64_t n = 0;
	for (uint32_t d = 0; d < p->a->g->n_dims; d++)
		n += n_lines(p, d) * p->a->g->dim[d].n_breakdowns;
	for (uint64_t i = 0; i < n; i++)
		if (p->relation[i].unknown == 1)
			learn(p, p->relation[i].sum);
	conclude(p, 0);
	p->n_learned = 0;
}

/* ---- what offices know besides ---- */

static void learn_office(struct pupil *p, uint32_t office)
{
	uint64_t stride = p->a->g->stride[p->a->office_dim];
	uint64_t block = stride * p->a->g->dim[p->a->office_dim].n_codes;
	uint32_t from = p->n_learned;
	for (uint64_t high = office * stride; high < p->a->g->n_cells; high += block)
		for (uint64_t cell = high; cell < high + stride; cell++)
			learn(p, (uint32_t)cell);
	conclude(p, from);
}

/* Does some line show that they cannot tell the cell from one that is larger? */
static bool has_room(const struct pupil *p, const struct subject *s)
{
	uint32_t at = audit_first(p->a, s);
	for (const struct line *l; (l = audit_next(p->a, s, &at)) != NULL;)
		if (audit_moved(p->a, l) >= (int64_t)p->a->p->width &&
		    !audit_touches(p->a, l, p->office, p->n_offices))
			return true;
	return false;
}

static bool complain(const struct pupil *p, const struct subject *s)
{
	struct buf why = { 0 };
	buf_put_text(&why, "it follows with the own figures of ");
	for (uint32_t i = 0; i < p->n_offices; i++)
		buf_printf(&why, "%s%s", i > 0 ? "+" : "", p->a->g->dim[p->a->office_dim].code[p->office[i]]);
	buf_put_byte(&why, '\0');
	audit_fails(p->a, s, RULE_LATER, why.failed ? "it follows" : (const char *)why.data);
	buf_free(&why);
	return false;
}

/* A cell that these offices learned. */
static bool cell_holds(const struct pupil *p, uint64_t cell)
{
	struct audit *a = p->a;
	struct subject s = { .cell = cell };
	int64_t rest = a->g->truth[cell];
	if (cell >= n_counts(a) || audit_printed(a, cell) || audit_has_left(a, cell) ||
	    a->told[cell] == TOLD_GONE)
		return true;
	for (uint32_t i = 0; i < p->n_offices; i++) {
		uint64_t part = audit_part(a, cell, p->office[i]);
		if (part == cell)
			return true; /* their own */
		rest -= part == UINT64_MAX ? 0 : a->g->truth[part];
	}
	if (rest < 1 || rest >= (int64_t)a->p->threshold)
		return true;
	a->report->needs++;
	return has_room(p, &s) || complain(p, &s);
}

static bool set_holds(struct pupil *p)
{
	p->work += p->n_learned;
	for (uint32_t i = 0; i < p->n_learned; i++)
		if (!cell_holds(p, p->learned[i]))
			return false;
	return true;
}

/* All sets of so many offices beside those at hand, of office number `from` and later. */
static bool sets_hold(struct pupil *p, uint32_t from, uint32_t more)
{
	bool ok = true;
	for (uint32_t i = from; ok && i < p->a->n_offices; i++) {
		uint32_t before = p->n_learned;
		if (p->n_offices + more > 1 && p->work > AUDIT_LEARNED_MAX)
			return true;
		p->office[p->n_offices++] = p->a->office[i];
		learn_office(p, p->a->office[i]);
		ok = more == 1 ? set_holds(p) : sets_hold(p, i + 1, more - 1);
		forget(p, before);
		p->n_offices--;
	}
	return ok;
}

/* ---- the release ---- */

static bool has_unprinted(const struct audit *a)
{
	for (uint64_t c = 0; c < n_counts(a); c++)
		if (a->g->live[c] != 0 && a->g->truth[c] > 0 && !audit_printed(a, c))
			return true;
	return false;
}

static bool pupil_open(struct pupil *p)
{
	struct audit *a = p->a;
	uint64_t n = 0;
	for (uint32_t d = 0; d < a->g->n_dims; d++) {
		p->first[d] = n;
		n += n_lines(p, d) * a->g->dim[d].n_breakdowns;
	}
	bool *kept = calloc(a->g->n_cells, sizeof *kept);
	p->relation = calloc(n + 1, sizeof *p->relation);
	p->unknown = calloc(a->g->n_cells, sizeof *p->unknown);
	p->learned = calloc(a->g->n_cells, sizeof *p->learned);
	bool ok = (kept != NULL && p->relation != NULL && p->unknown != NULL && p->learned != NULL) ||
		  err_set(a->e, ERR_MEMORY, "no memory");
	if (ok)
		find_kept(a, kept);
	for (uint64_t c = 0; ok && c < a->g->n_cells; c++)
		if (is_unknown(a, c, kept[c]))
			put(p, (uint32_t)c, true);
	free(kept);
	return ok;
}

bool audit_insiders(struct audit *a)
{
	struct pupil p = { .a = a };
	if (a->pool == 0 || a->p->residual == RESIDUAL_NO || a->p->threshold == 0 ||
	    a->p->figures == FIGURES_AMOUNTS || !has_unprinted(a))
		return true;
	bool ok = pupil_open(&p);
	if (ok)
		learn_public(&p);
	for (uint32_t n = 1; ok && n <= a->pool && n <= POOL_LIMIT; n++)
		ok = sets_hold(&p, 0, n);
	free(p.relation);
	free(p.unknown);
	free(p.learned);
	return ok;
}
