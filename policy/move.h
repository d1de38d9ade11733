/* move - one stored move: the cells it changes, by how much, and the offices whose unknowns it touches.
 *
 * Internal to policy/. A large table has tens of millions of changes, so one takes four bytes: the cell's number in 26 bits, how
 * often the move's unit in 5, and whether the cell is a secondary one. Moves that this cannot hold take eight. */
#ifndef POLICY_MOVE_H
#define POLICY_MOVE_H
#include "policy/grid.h"

struct entry {
	uint32_t cell;
	int32_t by; /* change of the cell's value */
};

struct move {
	uint32_t *word;      /* its entries, ascending cells, then its offices; NULL: this place is free */
	uint32_t n;          /* entries */
	uint32_t n_offices;  /* offices whose unknowns it touches, ascending codes */
	uint32_t first_need; /* NONE: serves nobody */
	uint32_t next_free;
	int32_t unit; /* every change is a multiple of it */
	bool wide;
	bool active; /* its cells are counted in grid.use */
	bool listed; /* it stands in the lists of its secondary cells */
};

#define MOVE_SECOND    0x80000000u /* hidden for moves' sake only: counted in grid.use */
#define MOVE_CELL_BITS 26
#define MOVE_CELL_MASK ((UINT32_C(1) << MOVE_CELL_BITS) - 1)
#define MOVE_TIMES_MAX 15

/* Packs entries with ascending cells. met: room for as many offices as there are codes. False: no memory. */
bool move_pack(struct move *m, const struct grid *g, const struct entry *entry, uint32_t n, uint32_t *met);
void move_free(struct move *m); /* wipes */
/* The same entries once more, serving nobody; what is secondary is asked anew. False: no memory. */
bool move_copy(struct move *m, const struct move *from, const struct grid *g);
/* How much the move changes the cell. */
int64_t move_change_at(const struct move *m, uint32_t cell);
bool move_touches(const struct move *m, uint32_t office);

/* So many words it is packed in. */
static inline size_t move_words(const struct move *m)
{
	return (m->wide ? 2 : 1) * (size_t)m->n + m->n_offices;
}
static inline uint32_t move_word(const struct move *m, uint32_t i)
{
	return m->word[m->wide ? 2 * i : i];
}
static inline bool move_is_second(const struct move *m, uint32_t i)
{
	return (move_word(m, i) & MOVE_SECOND) != 0;
}
static inline uint32_t move_cell(const struct move *m, uint32_t i)
{
	return move_word(m, i) & (m->wide ? ~MOVE_SECOND : MOVE_CELL_MASK);
}
static inline int32_t move_by(const struct move *m, uint32_t i)
{
	if (m->wide)
		return (int32_t)m->word[2 * i + 1];
	return ((int32_t)(m->word[i] >> MOVE_CELL_BITS & 31) - (MOVE_TIMES_MAX + 1)) * m->unit;
}
static inline struct entry move_entry(const struct move *m, uint32_t i)
{
	return (struct entry){ move_cell(m, i), move_by(m, i) };
}
static inline const uint32_t *move_offices(const struct move *m)
{
	return m->word + (m->wide ? 2 : 1) * (size_t)m->n;
}
#endif
