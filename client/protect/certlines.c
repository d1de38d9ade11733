#include "client/protect/certpart.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool cert_reader_line(struct reader *r)
{
	if (r->at == r->end)
		return false;
	const char *feed = memchr(r->at, '\n', (size_t)(r->end - r->at));
	if (feed == NULL)
		return false;
	r->line = r->at;
	r->line_end = feed;
	r->at = feed + 1;
	r->line_no++;
	return true;
}

bool cert_line_is(const struct reader *r, const char *text)
{
	size_t len = strlen(text);
	return (size_t)(r->line_end - r->line) == len && memcmp(r->line, text, len) == 0;
}

bool cert_line_begins(const struct reader *r, const char *text)
{
	size_t len = strlen(text);
	return (size_t)(r->line_end - r->line) >= len && memcmp(r->line, text, len) == 0;
}

/* One decimal number without leading zeros at *p, at most max. */
bool cert_take_number(const char **p, const char *end, uint64_t max, uint64_t *out)
{
	uint64_t value = 0;
	const char *at = *p;
	if (at == end || *at < '0' || *at > '9' ||
	    (*at == '0' && at + 1 < end && at[1] >= '0' && at[1] <= '9'))
		return false;
	for (; at < end && *at >= '0' && *at <= '9'; at++) {
		uint64_t digit = (uint64_t)(*at - '0');
		if (digit > max || value > (max - digit) / 10)
			return false;
		value = 10 * value + digit;
	}
	*p = at;
	*out = value;
	return true;
}

bool cert_take_within(const char **p, const char *end, uint64_t most, int64_t *out)
{
	uint64_t value;
	bool minus = *p < end && **p == '-';
	*p += minus;
	if (!cert_take_number(p, end, most, &value) || (minus && value == 0))
		return false;
	*out = minus ? -(int64_t)value : (int64_t)value;
	return true;
}

bool cert_take_signed(const char **p, const char *end, int64_t *out)
{
	return cert_take_within(p, end, INT32_MAX, out);
}

bool cert_take_char(const char **p, const char *end, char c)
{
	if (*p == end || **p != c)
		return false;
	(*p)++;
	return true;
}

bool cert_take_text(const char **p, const char *end, const char *text)
{
	size_t len = strlen(text);
	if ((size_t)(end - *p) < len || memcmp(*p, text, len) != 0)
		return false;
	*p += len;
	return true;
}

bool cert_bad(struct certcheck *k, struct err *e, const char *rule)
{
	return err_set(e, ERR_CRYPTO, "line %u: %s", k->r.line_no, rule);
}

static bool sums_grow(struct sums *s)
{
	struct sums more = { .room = s->room == 0 ? 1024 : 2 * s->room, .used = s->used };
	more.place = calloc(more.room, sizeof *more.place);
	if (more.place == NULL)
		return false;
	for (size_t i = 0; i < s->room; i++) {
		if (s->place[i].key == 0)
			continue;
		size_t at = (s->place[i].key * UINT64_C(0x9E3779B97F4A7C15)) >> 20 & (more.room - 1);
		while (more.place[at].key != 0)
			at = (at + 1) & (more.room - 1);
		more.place[at] = s->place[i];
	}
	free(s->place);
	*s = more;
	return true;
}

struct line_sum *cert_sums_at(struct sums *s, uint64_t key)
{
	if (2 * s->used >= s->room && !sums_grow(s))
		return NULL;
	size_t at = (key * UINT64_C(0x9E3779B97F4A7C15)) >> 20 & (s->room - 1);
	while (s->place[at].key != 0 && s->place[at].key != key)
		at = (at + 1) & (s->room - 1);
	if (s->place[at].key == 0) {
		s->place[at] = (struct line_sum){ .key = key };
		s->used++;
	}
	return &s->place[at];
}

void cert_sums_clear(struct sums *s)
{
	if (s->room > 4096) {
		free(s->place);
		*s = (struct sums){ 0 };
		return;
	}
	if (s->room > 0)
		memset(s->place, 0, s->room * sizeof *s->place);
	s->used = 0;
}

/* The same for the dimensions from the first one on. */
bool cert_visit_from(struct certcheck *k, uint32_t first, uint64_t cell, visit_line *visit, void *context)
{
	for (uint32_t d = first; d < k->g->n_dims; d++) {
		const struct latticedim *dim = &k->g->dim[d];
		uint32_t code = lattice_place(k->g, cell, d);
		uint64_t base = cell - code * k->g->stride[d];
		for (uint32_t i = dim->held_from[code]; i < dim->held_from[code + 1]; i++) {
			uint64_t relation = k->relation_base[d] + dim->held[i] / 2;
			uint64_t key = 1 + base + relation * k->g->n_cells;
			if (!visit(k, key, dim->held[i] % 2 == 0 ? 1 : -1, context))
				return false;
		}
	}
	return true;
}

/* Every relation that holds the cell: sign 1 as parent, -1 as child. */
bool cert_visit_lines(struct certcheck *k, uint64_t cell, visit_line *visit, void *context)
{
	return cert_visit_from(k, 0, cell, visit, context);
}

bool cert_add_signed(struct certcheck *k, uint64_t key, int sign, void *context)
{
	struct line_sum *line = cert_sums_at(&k->sums, key);
	if (line == NULL)
		return false;
	line->sum += (uint64_t)(sign * *(const int64_t *)context);
	return true;
}

bool cert_sums_zero(const struct sums *s)
{
	for (size_t i = 0; i < s->room; i++)
		if (s->place[i].key != 0 && s->place[i].sum != 0)
			return false;
	return true;
}
