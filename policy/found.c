#include "policy/found.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "policy/moves.h"

void found_free(struct found *f)
{
	if (f->word != NULL)
		sodium_memzero(f->word, f->n_words * sizeof *f->word); /* they tell counts */
	free(f->word);
	free(f->move);
	free(f->of);
	*f = (struct found){ 0 };
}

/* Numbers the moves of the needs in the order they are met. place: by the plan's number; from: the plan's numbers. */
static void number_moves(
    struct found *f, const struct plan *p, const uint32_t *need, uint32_t n, uint32_t *place, uint32_t *from)
{
	memset(place, 0xff, ((size_t)p->n_moves + 1) * sizeof *place);
	for (uint32_t i = 0; i < n; i++) {
		uint32_t move = p->n->need[need == NULL ? i : need[i]].move;
		if (move != NONE && place[move] == NONE) {
			place[move] = f->n;
			from[f->n++] = move;
			f->n_words += move_words(&p->move[move]);
		}
		f->of[i] = move == NONE ? NONE : place[move];
	}
}

bool found_gather(struct found *f, const struct plan *p, const uint32_t *need, uint32_t n)
{
	uint32_t *place = malloc(((size_t)p->n_moves + 1) * sizeof *place);
	uint32_t *from = calloc((size_t)n + 1, sizeof *from);
	f->of = malloc(((size_t)n + 1) * sizeof *f->of);
	bool ok = place != NULL && from != NULL && f->of != NULL;
	if (ok)
		number_moves(f, p, need, n, place, from);
	f->move = calloc((size_t)f->n + 1, sizeof *f->move);
	f->word = calloc(f->n_words + 1, sizeof *f->word);
	ok = ok && f->move != NULL && f->word != NULL;
	uint32_t *to = f->word;
	for (uint32_t i = 0; ok && i < f->n; i++) {
		f->move[i] = p->move[from[i]];
		f->move[i].word = to;
		memcpy(to, p->move[from[i]].word, move_words(&f->move[i]) * sizeof *to);
		to += move_words(&f->move[i]);
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
		place[i] = move_store_copy(p, &f->move[i]);
		ok = place[i] != NONE;
	}
	for (uint32_t i = 0; ok && i < n; i++)
		if (f->of[i] != NONE)
			need_assign(p, need == NULL ? i : need[i], place[f->of[i]]);
	free(place);
	return ok && !p->memory_failed;
}
