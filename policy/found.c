#include "policy/found.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "policy/moves.h"

static struct term term_of(const struct move *m, uint32_t i)
{
	return (struct term){ move_cell(m, i), move_by(m, i) };
}

void found_free(struct found *f)
{
	if (f->term != NULL)
		sodium_memzero(f->term, f->n_terms * sizeof *f->term); /* they tell counts */
	free(f->term);
	free(f->begin);
	free(f->move);
	*f = (struct found){ 0 };
}

bool found_gather(struct found *f, const struct plan *p, const uint32_t *need, uint32_t n)
{
	uint32_t *place = malloc(((size_t)p->n_moves + 1) * sizeof *place);
	uint32_t *from = calloc((size_t)n + 1, sizeof *from); /* by move noted */
	f->move = malloc(((size_t)n + 1) * sizeof *f->move);
	bool ok = place != NULL && from != NULL && f->move != NULL;
	if (ok)
		memset(place, 0xff, ((size_t)p->n_moves + 1) * sizeof *place);
	for (uint32_t i = 0; ok && i < n; i++) {
		uint32_t move = p->n->need[need == NULL ? i : need[i]].move;
		if (move != NONE && place[move] == NONE) {
			place[move] = f->n;
			from[f->n++] = move;
			f->n_terms += p->move[move].n;
		}
		f->move[i] = move == NONE ? NONE : place[move];
	}
	f->begin = calloc((size_t)f->n + 1, sizeof *f->begin);
	f->term = calloc(f->n_terms + 1, sizeof *f->term);
	ok = ok && f->begin != NULL && f->term != NULL && f->n_terms < UINT32_MAX;
	for (uint32_t i = 0; ok && i < f->n; i++) {
		f->begin[i + 1] = f->begin[i] + p->move[from[i]].n;
		for (uint32_t j = 0; j < p->move[from[i]].n; j++)
			f->term[f->begin[i] + j] = term_of(&p->move[from[i]], j);
	}
	free(place);
	free(from);
	return ok;
}

bool found_give(struct plan *p, const struct found *f, const uint32_t *need, uint32_t n)
{
	uint32_t *place = malloc(((size_t)f->n + 1) * sizeof *place);
	bool ok = place != NULL;
	for (uint32_t i = 0; ok && i < f->n; i++) {
		place[i] = move_store_terms(p, f->term + f->begin[i], f->begin[i + 1] - f->begin[i]);
		ok = place[i] != NONE;
	}
	for (uint32_t i = 0; ok && i < n; i++)
		if (f->move[i] != NONE)
			need_assign(p, need == NULL ? i : need[i], place[f->move[i]]);
	free(place);
	return ok && !p->memory_failed;
}
