#include "policy/derived.h"

#include <inttypes.h>

#include "policy/certificate.h"

__extension__ typedef unsigned __int128 wide;

/* numerator * factor / denominator, rounded half away from zero. */
static void put_quotient(struct buf *out, const struct derived_figure *f, uint64_t above, uint64_t below)
{
	uint64_t scale = 1;
	for (unsigned i = 0; i < f->digits; i++)
		scale *= 10;
	wide value = ((wide)above * f->factor * scale * 2 + below) / ((wide)below * 2);
	if (f->digits == 0)
		buf_printf(out, "%" PRIu64, (uint64_t)value);
	else
		buf_printf(out, "%" PRIu64 ".%0*" PRIu64, (uint64_t)(value / scale), (int)f->digits,
		    (uint64_t)(value % scale));
}

/* What a reader sees of a cell in a figure: P, or R where it was rounded or moved, stand for all that can be reckoned
 * with. */
static char part_mark(const struct grid *g, uint64_t cell)
{
	char mark = proof_mark(g, (uint32_t)cell);
	if (mark == '-')
		return g->known[cell] != 0 ? 'H' : 'N';
	return mark == 'Z' ? 'P' : mark;
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
