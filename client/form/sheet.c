#include "client/form/sheet.h"

#include "client/form/label.h"

#include <stdlib.h>
#include <string.h>

#define SHEET_ARENA_BYTES (256u * 1024 * 1024) /* SHEET_CELLS, with texts */

bool sheet_new(struct sheet *s, struct err *e)
{
	*s = (struct sheet){ .arena = arena_new(SHEET_ARENA_BYTES) };
	return s->arena != NULL || err_set(e, ERR_MEMORY, "out of memory");
}

void sheet_free(struct sheet *s)
{
	arena_free(s->arena);
	free(s->row);
	*s = (struct sheet){ .row = NULL };
}

static bool grow(struct sheet *s)
{
	uint32_t room = s->room == 0 ? 256 : 2 * s->room;
	struct sheet_row *row = realloc(s->row, room * sizeof *row);
	if (row == NULL)
		return false;
	s->row = row;
	s->room = room;
	return true;
}

bool sheet_add(struct sheet *s, uint32_t line, const struct sheet_cell *cell, uint16_t n, struct err *e)
{
	while (n > 0 && cell[n - 1].text[0] == '\0')
		n--;
	if (n == 0)
		return true;
	if (s->n_rows == SHEET_ROWS)
		return err_set(e, ERR_LIMIT, "more than %u rows", SHEET_ROWS);
	if (n > SHEET_CELLS - s->n_cells)
		return err_set(e, ERR_LIMIT, "more than %u cells", SHEET_CELLS);
	if (s->n_rows == s->room && !grow(s))
		return err_set(e, ERR_MEMORY, "out of memory");
	struct sheet_cell *copy = arena_alloc(s->arena, n, sizeof *copy);
	if (copy == NULL)
		return err_set(e, ERR_MEMORY, "out of memory");
	memcpy(copy, cell, n * sizeof *copy);
	s->n_cells += n;
	s->row[s->n_rows++] = (struct sheet_row){ copy, line, n };
	return true;
}

void sheet_span(struct sheet *s, uint32_t line, uint32_t column, uint32_t span)
{
	uint32_t low = 0;
	uint32_t high = s->n_rows;
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		if (s->row[middle].line < line)
			low = middle + 1;
		else
			high = middle;
	}
	if (low < s->n_rows && s->row[low].line == line && column < s->row[low].n_cells)
		s->row[low].cell[column].span = (uint16_t)(span > SHEET_COLUMNS ? SHEET_COLUMNS : span);
}

const char *sheet_text(struct sheet *s, struct bytes text)
{
	text = label_trim(text);
	return text.len == 0 ? "" : arena_text(s->arena, text.at, text.len);
}

const char *sheet_at(const struct sheet_row *row, uint16_t column)
{
	return column < row->n_cells ? row->cell[column].text : "";
}
