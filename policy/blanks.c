/* Cells left blank: each is part of a total that was reported (rule R12), and none is nought by definition. */
#include <stdlib.h>

#include "policy/input.h"

enum {
	COVERED = 1,    /* covered.csv names it, or what it is a part of */
	STRUCTURAL = 2, /* likewise structural.csv */
	SOMEBODY = 4,   /* something below was reported */
	ANSWER = 8      /* one side of a question about those */
};

static void mark(const struct table_input *t, enum pattern_kind kind, uint8_t bit, uint8_t *flag)
{
	struct walk w;
	uint64_t cell = 0;
	for (size_t i = 0; i < t->n_patterns; i++) {
		if (t->pattern[i].kind != kind)
			continue;
		walk_begin(&w, t, t->pattern[i].code, false);
		while (walk_next(&w, &cell))
			flag[cell] |= bit;
	}
}

static bool is_printed(const struct table_input *t, uint64_t cell)
{
	bool printed = t->n_printed == 0 && !t->added_office;
	for (size_t i = 0; i < t->n_printed && !printed; i++) {
		size_t d = 0;
		while (d < t->n_dims && t->printed[i].set[d][table_coord(t, cell, d)] != 0)
			d++;
		printed = d == t->n_dims;
	}
	return printed;
}

/* What everybody can see was reported: by covered.csv, or because a count stands there. Not a nought by definition. */
static void mark_reported(const struct table_input *t, uint8_t *flag)
{
	for (uint64_t c = 0; c < t->n_cells; c++)
		if (table_is_inner(t, c) && t->status[c] != CELL_STRUCTURAL &&
		    ((flag[c] & COVERED) != 0 || (t->status[c] == CELL_VALUE && is_printed(t, c))))
			flag[c] |= SOMEBODY;
}

/* Between each whole and its parts along one dimension. */
typedef void pass(uint8_t *whole, uint8_t *part);

static void pass_down(uint8_t *whole, uint8_t *part)
{
	*part |= *whole & (COVERED | STRUCTURAL);
}

static void pass_up(uint8_t *whole, uint8_t *part)
{
	*whole |= *part & SOMEBODY;
}

static void pass_answer(uint8_t *whole, uint8_t *part)
{
	if ((*whole & (SOMEBODY | ANSWER)) != 0)
		*part |= ANSWER;
}

static void along(const struct table_input *t, size_t d, const struct breakdown *b, uint64_t whole,
    pass *do_it, uint8_t *flag)
{
	const struct dim *dim = &t->dim[d];
	uint64_t inner = t->stride[d];
	for (uint32_t j = 0; j < b->n; j++) {
		uint64_t part = dim->child[b->first + j];
		for (uint64_t base = 0; base < t->n_cells; base += inner * dim->n_codes)
			for (uint64_t low = base; low < base + inner; low++)
				do_it(&flag[low + whole * inner], &flag[low + part * inner]);
	}
}

/* up: parts before the whole. views: of these breakdowns alone. */
static void give(const struct table_input *t, bool up, bool views, pass *do_it, uint8_t *flag)
{
	for (size_t d = 0; d < t->n_dims; d++) {
		const struct dim *dim = &t->dim[d];
		for (uint32_t i = 0; i < dim->n_codes; i++) {
			uint32_t whole = dim->order[up ? i : dim->n_codes - 1 - i];
			for (uint32_t k = 0; k < list_size(&dim->down, whole); k++) {
				const struct breakdown *b = dim_down(dim, whole, k);
				if (b->view || !views)
					along(t, d, b, whole, do_it, flag);
			}
		}
	}
}

static bool blank_fits(const struct inner_cell *c, uint8_t flag, struct err *e)
{
	if ((flag & STRUCTURAL) != 0)
		err_set(
		    e, ERR_INVALID, "status: blank, but structural.csv says that nobody can be in this cell");
	else if ((flag & (COVERED | ANSWER)) == 0)
		err_set(e, ERR_INVALID,
		    "status: blank, but covered.csv names no total above this cell, and nothing else that it "
		    "is "
		    "an answer about was reported (rule R12); what is part of no reported total is nr");
	else
		return true;
	return err_wrap(e, "line %u", c->line);
}

bool table_blanks_fit(const struct table_input *t, struct err *e)
{
	size_t first = 0;
	while (first < t->n_given && t->cell[first].status != CELL_BLANK)
		first++;
	if (first == t->n_given)
		return true;
	uint8_t *flag = calloc(t->n_cells, 1);
	if (flag == NULL)
		return err_set(e, ERR_MEMORY, "no memory for the table");
	mark(t, PATTERN_COVERED, COVERED, flag);
	mark(t, PATTERN_STRUCTURAL, STRUCTURAL, flag);
	give(t, false, false, pass_down, flag);
	mark_reported(t, flag);
	give(t, true, false, pass_up, flag);
	give(t, false, true, pass_answer, flag);
	bool ok = true;
	for (size_t i = first; ok && i < t->n_given; i++)
		if (t->cell[i].status == CELL_BLANK)
			ok = blank_fits(&t->cell[i], flag[t->cell[i].at], e);
	free(flag);
	return ok;
}
