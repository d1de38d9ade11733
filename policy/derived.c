#include "policy/derived.h"

#include <inttypes.h>
#include <stdlib.h>

#include "policy/certificate.h"
#include "policy/primary.h"

#define MANY (INT64_C(1) << 54) /* more than any sum (LIMIT_HASH_TOTAL) */

struct between {
	int64_t least, most;
};

/* A figure over a printed nought is printed as not asked: it tells of no numerator. */
static bool denominator_shown(const struct grid *g, const struct derived_figure *f)
{
	return f->denominator == UINT64_MAX ||
	       (proof_mark(g, (uint32_t)f->denominator) == 'P' && g->value[f->denominator] > 0);
}

__extension__ typedef unsigned __int128 wide;

static uint64_t scale_of(const struct derived_figure *f)
{
	uint64_t scale = 1;
	for (unsigned i = 0; i < f->digits; i++)
		scale *= 10;
	return scale;
}

/* numerator * factor / denominator in units of the last digit, rounded half away from zero. */
static wide quotient(const struct derived_figure *f, uint64_t above, uint64_t below)
{
	return ((wide)above * f->factor * scale_of(f) * 2 + below) / ((wide)below * 2);
}

/* The numerators that give the same figure. */
static struct between same_figure(const struct grid *g, const struct derived_figure *f)
{
	uint64_t below = f->denominator == UINT64_MAX ? f->constant : (uint64_t)g->value[f->denominator];
	wide twice = 2 * quotient(f, (uint64_t)g->value[f->numerator], below);
	wide unit = (wide)f->factor * scale_of(f) * 2;
	if (unit == 0)
		return (struct between){ 0, MANY };
	wide least = twice == 0 ? 0 : ((twice - 1) * below + unit - 1) / unit;
	wide end = ((twice + 1) * below + unit - 1) / unit;
	return (struct between){ (int64_t)least, end > MANY ? MANY : (int64_t)end - 1 };
}

/* Less than the threshold for certain, and not certainly nought. */
static bool is_small(const struct grid *g, int64_t most)
{
	return most > 0 && most < (int64_t)g->p->threshold;
}

/* Of a cell that is no secret a range may still be one: "8 or 9" beside a printed 8 makes a nought "one at most". */
static bool is_exact(const struct grid *g, const struct derived_figure *f)
{
	struct between same = same_figure(g, f);
	return same.least == same.most;
}

/* May the figure be printed if its numerator may be told? */
static bool is_asked(const struct grid *g, const struct derived_figure *f)
{
	uint32_t cell = (uint32_t)f->numerator;
	return denominator_shown(g, f) && g->kind[cell] == KIND_FREE && g->known[cell] != 0;
}

void derived_begin(struct grid *g, enum guarantee level)
{
	const struct derived_figure *f = g->t->derived;
	for (size_t i = 0; i < g->t->n_derived; i++) { /* 's': by none of its figures */
		uint32_t cell = (uint32_t)f[i].numerator;
		if (g->mark[cell] == '-' && is_asked(g, &f[i]) &&
		    (primary_names(g, level, cell) || is_small(g, same_figure(g, &f[i]).most)))
			g->mark[cell] = 's';
	}
	for (size_t i = 0; i < g->t->n_derived; i++) {
		uint32_t cell = (uint32_t)f[i].numerator;
		if (g->mark[cell] != '-' || !is_asked(g, &f[i]) || !is_exact(g, &f[i]))
			continue;
		g->mark[cell] = 'I';
		g->kind[cell] = KIND_OPEN;
	}
	for (size_t i = 0; i < g->t->n_derived; i++)
		if (g->mark[f[i].numerator] == 's')
			g->mark[f[i].numerator] = '-';
}

static void put_quotient(struct buf *out, const struct derived_figure *f, uint64_t above, uint64_t below)
{
	uint64_t scale = scale_of(f);
	wide value = quotient(f, above, below);
	if (f->digits == 0)
		buf_printf(out, "%" PRIu64, (uint64_t)value);
	else
		buf_printf(out, "%" PRIu64 ".%0*" PRIu64, (uint64_t)(value / scale), (int)f->digits,
		    (uint64_t)(value % scale));
}

bool derived_same(const struct derived_figure *f, const int64_t *one, const int64_t *two)
{
	uint64_t below = f->denominator == UINT64_MAX ? f->constant : (uint64_t)one[f->denominator];
	return below == 0 || quotient(f, (uint64_t)one[f->numerator], below) ==
				 quotient(f, (uint64_t)two[f->numerator], below);
}

/* What a reader sees of a cell in a figure: P, or R where it was rounded or moved, stand for all that can be reckoned
 * with. */
static char part_mark(const struct grid *g, uint64_t cell)
{
	char mark = proof_mark(g, (uint32_t)cell);
	if (mark == '-')
		return g->known[cell] != 0 ? 'H' : 'N';
	return mark == 'Z' || mark == 'I' ? 'P' : mark;
}

void derived_settle(struct grid *g)
{
	for (uint32_t c = 0; c < g->n_cells; c++)
		g->mark[c] = g->mark[c] == 'I' ? 'i' : g->mark[c];
	for (size_t i = 0; i < g->t->n_derived; i++) {
		const struct derived_figure *f = &g->t->derived[i];
		if (denominator_shown(g, f) && g->mark[f->numerator] == 'i' && is_exact(g, f))
			g->mark[f->numerator] = 'I';
	}
}

void derived_write(const struct grid *g, struct buf *out)
{
	if (g->t->n_derived > 0)
		buf_put_text(out, "id,value,status\n");
	for (size_t i = 0; i < g->t->n_derived; i++) {
		const struct derived_figure *f = &g->t->derived[i];
		bool constant = f->denominator == UINT64_MAX;
		char mark = part_mark(g, f->numerator);
		char other = constant ? 'P' : part_mark(g, f->denominator);
		uint64_t below = constant ? f->constant : (uint64_t)g->value[f->denominator];
		if (!constant && proof_mark(g, (uint32_t)f->denominator) == 'I')
			other = 'H'; /* nobody could reckon with it */
		if (mark == 'P' || (mark == 'R' && other != 'P'))
			mark = other;
		bool shown = mark == 'P' || mark == 'R';
		if (shown && below == 0)
			mark = 'A';
		buf_printf(out, "%s,", f->id);
		if (shown && below > 0)
			put_quotient(out, f, (uint64_t)g->value[f->numerator], below);
		buf_printf(out, ",%c\n", mark);
	}
}
