#include "policy/safe_table.h"

#include <stdlib.h>
#include <string.h>

static bool copy_dimension(struct safe_dim *to, const struct dim *d, uint64_t stride)
{
	to->stride = stride;
	to->name = strdup(d->name);
	to->code = calloc((size_t)d->n_codes + 1, sizeof *to->code);
	if (to->name == NULL || to->code == NULL)
		return false;
	for (; to->n_codes < d->n_codes; to->n_codes++) {
		to->code[to->n_codes] = strdup(d->code[to->n_codes]);
		if (to->code[to->n_codes] == NULL)
			return false;
	}
	return true;
}

static bool copy_rows(struct safe_table *s, const struct grid *g)
{
	size_t n = 0;
	for (uint32_t c = 0; c < g->n_cells; c++)
		n += g->mark[c] != '-';
	s->cell = malloc((n + 1) * sizeof *s->cell);
	s->state = malloc(n + 1);
	s->value = calloc(n + 1, sizeof *s->value);
	if (s->cell == NULL || s->state == NULL || s->value == NULL)
		return false;
	for (uint32_t c = 0; c < g->n_cells; c++) {
		if (g->mark[c] == '-')
			continue;
		s->cell[s->n_rows] = c;
		s->state[s->n_rows] = grid_hidden(g, c) ? MARK_HIDDEN : g->mark[c];
		if (s->state[s->n_rows] == MARK_PUBLISHED || s->state[s->n_rows] == MARK_PERTURBED)
			s->value[s->n_rows] = (uint64_t)g->value[c];
		s->n_rows++;
	}
	return true;
}

struct safe_table *safe_table_make(const struct grid *g)
{
	struct safe_table *s = calloc(1, sizeof *s);
	bool ok = s != NULL;
	for (size_t d = 0; ok && d < g->t->n_dims; d++) {
		s->n_dims++;
		ok = copy_dimension(&s->dim[d], &g->t->dim[d], g->t->stride[d]);
	}
	if (ok && copy_rows(s, g)) {
		s->n_dims -= g->t->added_office ? 1 : 0;
		return s;
	}
	safe_table_free(s);
	return NULL;
}

void safe_table_free(struct safe_table *s)
{
	if (s == NULL)
		return;
	for (size_t d = 0; d < TABLE_DIMS_MAX; d++) {
		for (uint32_t c = 0; c < s->dim[d].n_codes; c++)
			free(s->dim[d].code[c]);
		free(s->dim[d].code);
		free(s->dim[d].name);
	}
	free(s->cell);
	free(s->state);
	free(s->value);
	free(s);
}

size_t safe_table_dimensions(const struct safe_table *s)
{
	return s->n_dims;
}

const char *safe_table_dimension(const struct safe_table *s, size_t dim)
{
	return s->dim[dim].name;
}

bool safe_table_is_coarser(const struct safe_table *s)
{
	return s->coarser;
}

size_t safe_table_rows(const struct safe_table *s)
{
	return s->n_rows;
}

void safe_table_row(struct safe_table *s, size_t i, struct safe_row *out)
{
	for (size_t d = 0; d < s->n_dims; d++)
		s->row_code[d] = s->dim[d].code[s->cell[i] / s->dim[d].stride % s->dim[d].n_codes];
	*out = (struct safe_row){ s->row_code, s->state[i], s->value[i] };
}

bool safe_table_find(const struct safe_table *s, const char *const *code, char *state, uint64_t *value)
{
	uint64_t cell = 0;
	size_t low = 0;
	size_t high = s->n_rows;
	for (size_t d = 0; d < s->n_dims; d++) {
		uint32_t c = 0;
		while (c < s->dim[d].n_codes && strcmp(s->dim[d].code[c], code[d]) != 0)
			c++;
		if (c == s->dim[d].n_codes)
			return false;
		cell += c * s->dim[d].stride;
	}
	while (low < high) {
		size_t mid = (low + high) / 2;
		if (s->cell[mid] < cell)
			low = mid + 1;
		else
			high = mid;
	}
	if (low == s->n_rows || s->cell[low] != cell)
		return false;
	*state = s->state[low];
	*value = s->value[low];
	return true;
}
