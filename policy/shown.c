#include "policy/shown.h"

#include <stdlib.h>

#include "policy/certificate.h"
#include "policy/ledger.h"

/* This release, alone: the only lines that see its values, where the mark says that they are printed. */
static void look_at_print(const struct shown *s)
{
	const struct grid *g = s->g;
	for (uint32_t c = 0; c < g->n_own; c++) {
		char mark = proof_mark(g, c);
		bool out = g->ledger != NULL && g->kind[c] != KIND_DEAD;
		if (grid_loose(g, c))
			s->mark[c] = mark == 'H' ? SHOWN_HIDDEN : SHOWN_UNPRINTED;
		else if (mark == 'P')
			s->value[c] = g->value[c];
		else if (out)
			s->mark[c] = SHOWN_UNPRINTED;
		else if (mark != 'Z')
			s->mark[c] = SHOWN_EMPTY;
	}
}

static void look_at_earlier(const struct shown *s, uint32_t release)
{
	const struct ledger *l = s->g->ledger;
	const struct past *past = &l->past[release];
	uint32_t at = ledger_release_code(l, release) * l->size;
	for (uint32_t c = 0; c < l->size; c++) {
		char state = past->state[c];
		if (state == 'P')
			s->value[at + c] = past->t->value[c];
		else if (s->g->kind[at + c] != KIND_DEAD)
			s->mark[at + c] = state == 'H' ? SHOWN_HIDDEN : SHOWN_UNPRINTED;
		else if (state != 'Z')
			s->mark[at + c] = SHOWN_EMPTY;
	}
}

/* Cells of offices that did not change between two releases. Earlier releases have larger numbers. */
static void find_same(const struct shown *s)
{
	const struct ledger *l = s->g->ledger;
	for (uint32_t v = l->n + 1; v-- > 0;)
		for (uint32_t i = 0; i < l->n_spans; i++) {
			const struct span *span = &l->span[i];
			uint32_t from = ledger_release_code(l, v) * l->size;
			uint32_t to = ledger_release_code(l, span->to) * l->size;
			if (span->from != v)
				continue;
			for (uint32_t c = 0; c < l->size; c++)
				if (span->open[c] == 0 && to + c < s->same[from + c])
					s->same[from + c] = to + c;
		}
}

static uint8_t stronger(uint8_t a, uint8_t b)
{
	static const uint8_t order[] = { SHOWN_PRINTED, SHOWN_EMPTY, SHOWN_HIDDEN, SHOWN_UNPRINTED };
	for (int i = 0; i < 4; i++)
		if (a == order[i] || b == order[i])
			return order[i];
	return a;
}

static void put_together(const struct shown *s, const uint64_t *const null[2])
{
	for (uint32_t c = 0; c < s->n_counts; c++)
		s->state[c] = s->mark[c];
	for (uint32_t c = 0; c < s->n_counts; c++) {
		uint32_t first = s->same[c];
		bool aim =
		    s->mark[c] == SHOWN_HIDDEN && (null == NULL || (null[0][c] != 0 && null[1][c] != 0));
		s->aim[first] = s->aim[first] != 0 || aim;
		if (s->mark[c] == SHOWN_PRINTED)
			s->value[first] = s->value[c];
		s->state[first] = stronger(s->state[first], s->mark[c]);
	}
}

bool shown_look(struct shown *s, const struct grid *g, const uint64_t *const null[2])
{
	size_t n = (size_t)g->n_cells + 1;
	*s = (struct shown){ .g = g, .n_counts = g->n_cells };
	s->mark = calloc(n, 1);
	s->state = calloc(n, 1);
	s->aim = calloc(n, 1);
	s->value = calloc(n, sizeof *s->value);
	s->same = calloc(n, sizeof *s->same);
	if (s->mark == NULL || s->state == NULL || s->aim == NULL || s->value == NULL || s->same == NULL)
		return false;
	for (uint32_t c = 0; c < g->n_cells; c++)
		s->same[c] = c;
	look_at_print(s);
	if (g->ledger != NULL) {
		s->n_counts = (g->ledger->n + 1) * g->n_own;
		for (uint32_t v = 0; v < g->ledger->n; v++)
			look_at_earlier(s, v);
		find_same(s);
	}
	put_together(s, null);
	return true;
}

void shown_free(struct shown *s)
{
	free(s->mark);
	free(s->state);
	free(s->aim);
	free(s->value);
	free(s->same);
	*s = (struct shown){ 0 };
}
