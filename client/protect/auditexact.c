/* What follows exactly from everything printed, by whatever combination of equations: no small count that no table prints
 * does, as the null vectors of the public part show. They were checked to be such (certificate.c). */
#include <stdlib.h>
#include <string.h>

#include "client/protect/auditledger.h"

/* Bit `bit` of each cell that the section at the reader's line names; the reader is left on the line after it. */
static void vector_read(const struct audit *a, struct reader *r, uint8_t bit, uint8_t *shown)
{
	uint64_t cell;
	while (cert_reader_line(r) && cert_line_begins(r, "n ")) {
		const char *p = r->line + 2;
		if (cert_take_number(&p, r->line_end, UINT64_MAX, &cell) && cell < a->own_cells)
			shown[cell] |= bit;
	}
}

static void vectors_read(const struct audit *a, struct bytes certificate, uint8_t *shown)
{
	struct reader r = { .at = (const char *)certificate.at,
		.end = (const char *)certificate.at + certificate.len };
	uint8_t bit = 1;
	while (bit < 4 && cert_reader_line(&r))
		for (; bit < 4 && cert_line_begins(&r, "section null "); bit <<= 1)
			vector_read(a, &r, bit, shown);
}

static bool is_asked(const struct audit *a, uint64_t cell)
{
	int64_t v = a->g->truth[cell];
	bool few = v == 0 ? a->p->zeros == ZEROS_SENSITIVE : v < (int64_t)a->p->threshold;
	return few && a->g->live[cell] != 0 && a->g->value[cell] < 0 && !audit_printed(a, cell) &&
	       !audit_has_left(a, cell) && a->told[cell] != TOLD_GONE;
}

bool audit_exact(struct audit *a, struct bytes certificate)
{
	bool ok = true;
	uint8_t *shown = calloc(a->own_cells, 1);
	if (shown == NULL)
		return err_set(a->e, ERR_MEMORY, "no memory");
	vectors_read(a, certificate, shown);
	for (uint64_t c = 0; ok && c < a->own_cells; c++) {
		struct subject s = { .cell = c };
		if (is_asked(a, c) && shown[c] != 3 && a->p->figures != FIGURES_AMOUNTS)
			ok = audit_fails(a, &s, RULE_LATER, "nothing shows that it cannot be computed");
	}
	free(shown);
	return ok;
}
