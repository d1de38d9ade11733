/* What a correction's public tables show of the differences between releases (certpart.h). */
#include <stdlib.h>
#include <string.h>

#include "client/protect/certpart.h"

bool certdiff_open(struct certcheck *k)
{
	uint64_t n = k->g->n_cells;
	free(k->diff.least);
	free(k->diff.most);
	free(k->diff.seen);
	k->diff.least = calloc(n, sizeof *k->diff.least);
	k->diff.most = calloc(n, sizeof *k->diff.most);
	k->diff.seen = calloc(n, 1);
	return k->diff.least != NULL && k->diff.most != NULL && k->diff.seen != NULL;
}

void certdiff_close(struct certcheck *k)
{
	free(k->diff.least);
	free(k->diff.most);
	free(k->diff.seen);
}

static uint64_t count_cell(const struct certcheck *k, uint64_t release, uint64_t own)
{
	return releases_code(&k->joint->releases, release) * k->own->n_cells + own;
}

static uint64_t difference_cell(const struct certcheck *k, uint64_t from, uint64_t to, uint64_t own)
{
	return releases_span_code(&k->joint->releases, from, to) * k->own->n_cells + own;
}

static void note(const struct certcheck *k, uint64_t cell, int64_t by)
{
	if (k->diff.seen[cell] == 0 || by < k->diff.least[cell])
		k->diff.least[cell] = by;
	if (k->diff.seen[cell] == 0 || by > k->diff.most[cell])
		k->diff.most[cell] = by;
	k->diff.seen[cell] = 1;
}

void certdiff_take(
    const struct certcheck *k, uint64_t cell, const int64_t *value, const uint64_t *stamp, uint64_t now)
{
	uint64_t n = k->joint->releases.n;
	uint64_t own = cell % k->own->n_cells;
	uint64_t here = n - cell / k->own->n_cells;
	for (uint64_t v = 0; v <= n; v++) {
		uint64_t other = count_cell(k, v, own);
		if (v == here || (stamp[other] != now && k->g->value[other] < 0))
			continue;
		int64_t x = stamp[other] == now ? value[other] : k->g->value[other];
		note(k, difference_cell(k, v < here ? v : here, v < here ? here : v, own),
		    v < here ? value[cell] - x : x - value[cell]);
	}
}

/* What all tables leave of a count. False: none has it. */
static bool bounds_of(const struct certcheck *k, uint64_t cell, int64_t *least, int64_t *most)
{
	bool printed = k->g->value[cell] >= 0;
	*least = printed ? k->g->value[cell] : k->least[cell];
	*most = printed ? k->g->value[cell] : k->largest[cell];
	return *least >= 0;
}

/* Counts that stand in no table together hang together by nothing: any table of the one goes with any of the other. */
static bool is_open(const struct certcheck *k, uint64_t cell, uint64_t from, uint64_t to)
{
	int64_t width = k->report->width;
	int64_t far = k->report->threshold;
	int64_t least = k->diff.least[cell];
	int64_t most = k->diff.most[cell];
	int64_t a[2];
	int64_t b[2];
	if (k->diff.seen[cell] == 0) {
		if (!bounds_of(k, from, &a[0], &a[1]) || !bounds_of(k, to, &b[0], &b[1]))
			return false;
		least = b[0] - a[1];
		most = b[1] - a[0];
	}
	return most - least >= width && (most >= far || least <= -far);
}

void certdiff_count(const struct certcheck *k)
{
	uint64_t n = k->joint->releases.n;
	for (uint64_t to = 1; to <= n; to++)
		for (uint64_t from = 0; from < to; from++)
			for (uint64_t c = 0; c < k->own->n_cells; c++) {
				uint64_t a = count_cell(k, from, c);
				uint64_t b = count_cell(k, to, c);
				uint64_t d = difference_cell(k, from, to, c);
				bool asked = strchr("PH", k->g->mark[a]) != NULL &&
					     strchr("PH", k->g->mark[b]) != NULL &&
					     (k->g->value[a] < 0 || k->g->value[b] < 0) && k->shown[d] == 3;
				k->report->differences += asked;
				k->report->differences_open += asked && is_open(k, d, a, b);
			}
}
