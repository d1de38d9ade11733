#include "policy/replay.h"

#include <inttypes.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "policy/bits.h"
#include "policy/primary.h"

#define STEPS_A_CELL 40u /* proposals between two tables, for each grid cell */

struct replay {
	const struct table_input *t;
	const struct policy_params *p; /* as the policy says it, for release_build */
	struct policy_params rules;    /* as they are for the kind of figures */
	struct grid g;
	struct bytes result;
	char *shown;    /* by cell: the published status, '-' not printed */
	int64_t *value; /* of the table at hand */
	int64_t *delta; /* all 0 between proposals */
	uint32_t *touched;
	uint32_t n_touched;
	int64_t ceiling;
	uint64_t *small, *weighed; /* by cell: tables in which it is sensitive; the same times matches */
	uint64_t draws;
};

static bool simple_enough(const struct table_input *t, struct err *e)
{
	if (t->n_cells > REPLAY_CELLS_MAX)
		return err_set(
		    e, ERR_LIMIT, "a table of more than %u cells cannot be replayed", REPLAY_CELLS_MAX);
	for (size_t d = 0; d < t->n_dims; d++)
		for (uint32_t i = 0; i < t->dim[d].n_breakdowns; i++)
			if (t->dim[d].breakdown[i].view)
				return err_set(e, ERR_UNSUPPORTED, "a table with views cannot be replayed");
	if (t->n_derived > 0 || t->n_earlier > 0)
		return err_set(e, ERR_UNSUPPORTED,
		    "a table with derived figures or earlier releases cannot be replayed");
	return true;
}

/* The status at the end of each line, in grid order. */
static bool read_marks(struct replay *r, struct err *e)
{
	const uint8_t *at = r->result.at;
	const uint8_t *end = at + r->result.len;
	const uint8_t *feed = memchr(at, '\n', r->result.len);
	for (uint32_t c = 0; c < r->g.n_cells; c++) {
		r->shown[c] = '-';
		if (r->g.mark[c] == '-')
			continue;
		at = feed == NULL ? end : feed + 1;
		feed = at < end ? memchr(at, '\n', (size_t)(end - at)) : NULL;
		if (feed == NULL || feed - at < 2)
			return err_set(e, ERR_INVALID, "the result is not one of this table");
		r->shown[c] = (char)feed[-1];
	}
	return true;
}

static uint64_t draw(struct replay *r, uint64_t below)
{
	return grid_random(&r->g, 30, r->draws++, 0) % below;
}

static uint32_t draw_atom(struct replay *r, size_t dim)
{
	const struct dim *d = &r->t->dim[dim];
	uint32_t n = list_size(&d->atoms, 0);
	return list_at(&d->atoms, 0)[draw(r, n)];
}

/* Adds `by` to an inner cell and to all totals above it. */
static void add_inner(struct replay *r, const uint32_t *code, int64_t by)
{
	uint32_t at[TABLE_DIMS_MAX] = { 0 };
	for (;;) {
		uint32_t cell = 0;
		size_t d = r->t->n_dims;
		for (size_t i = 0; i < d; i++)
			cell += list_at(&r->t->dim[i].above, code[i])[at[i]] * (uint32_t)r->t->stride[i];
		if (r->delta[cell] == 0)
			r->touched[r->n_touched++] = cell;
		r->delta[cell] += by;
		while (d > 0 && ++at[d - 1] == list_size(&r->t->dim[d - 1].above, code[d - 1]))
			at[--d] = 0;
		if (d == 0)
			return;
	}
}

/* One person here, one there, one less between: a change that is 0 on most totals. */
static void propose(struct replay *r)
{
	uint32_t pair[2][TABLE_DIMS_MAX] = { { 0 } };
	bool two[TABLE_DIMS_MAX] = { false };
	int64_t by = draw(r, 2) == 0 ? 1 : -1;
	for (size_t d = 0; d < r->t->n_dims; d++) {
		pair[0][d] = draw_atom(r, d);
		pair[1][d] = draw_atom(r, d);
		two[d] = pair[0][d] != pair[1][d] && draw(r, 4) != 0;
	}
	for (uint32_t corner = 0; corner < UINT32_C(1) << r->t->n_dims; corner++) {
		uint32_t code[TABLE_DIMS_MAX];
		bool used = true;
		for (size_t d = 0; d < r->t->n_dims; d++) {
			used = used && (two[d] || (corner >> d & 1) == 0);
			code[d] = pair[corner >> d & 1][d];
		}
		if (used)
			add_inner(r, code, bits_count(corner) % 2 == 0 ? by : -by);
	}
}

static bool fits(const struct replay *r)
{
	for (uint32_t i = 0; i < r->n_touched; i++) {
		uint32_t c = r->touched[i];
		int64_t v = r->value[c] + r->delta[c];
		bool loose = (r->shown[c] == 'H' || r->shown[c] == '-') && r->g.kind[c] != KIND_DEAD;
		if (r->delta[c] != 0 &&
		    (!loose || v < (r->shown[c] == 'H' ? (int64_t)r->g.floor : 0) || v > r->ceiling))
			return false;
	}
	return true;
}

static void next_table(struct replay *r)
{
	for (uint64_t i = 0; i < (uint64_t)STEPS_A_CELL * r->g.n_cells; i++) {
		r->n_touched = 0;
		propose(r);
		bool ok = fits(r);
		for (uint32_t j = 0; j < r->n_touched; j++) {
			uint32_t c = r->touched[j];
			r->value[c] += ok ? r->delta[c] : 0;
			r->delta[c] = 0;
		}
	}
}

static void make_key(const uint8_t seed[32], uint32_t number, uint8_t key[32])
{
	uint8_t in[4];
	for (unsigned i = 0; i < 4; i++)
		in[i] = (uint8_t)(number >> (8 * i));
	crypto_generichash(key, 32, in, sizeof in, seed, 32);
}

/* How many of the keys give the published result on the table at hand. */
static bool count_matches(
    struct replay *r, const uint8_t seed[32], uint32_t keys, uint64_t *matches, struct err *e)
{
	struct table_input other = *r->t;
	other.value = r->value;
	*matches = 0;
	for (uint32_t k = 0; k < keys; k++) {
		struct release_result *out = NULL;
		uint8_t key[32];
		make_key(seed, k, key);
		if (!release_build(&other, r->p, key, NULL, &out, e))
			return false;
		*matches += out->refusal == REFUSAL_NONE && out->result_csv.size == r->result.len &&
			    memcmp(out->result_csv.data, r->result.at, r->result.len) == 0;
		release_result_free(out);
	}
	return true;
}

static bool replay_tables(
    struct replay *r, const uint8_t seed[32], uint32_t keys, struct replay_report *report, struct err *e)
{
	for (uint32_t i = 0; i < REPLAY_TABLES; i++) {
		uint64_t matches = 0;
		if (!count_matches(r, seed, keys, &matches, e))
			return false;
		for (uint32_t c = 0; c < r->g.n_cells; c++) {
			bool small = primary_is_small(&r->rules, r->value[c]);
			r->small[c] += small;
			r->weighed[c] += small ? matches : 0;
		}
		report->tables++;
		report->matches += matches;
		next_table(r);
	}
	return true;
}

static void put_shares(const struct replay *r, struct buf *csv, struct replay_report *report)
{
	buf_put_text(csv, "cell,before,after\n");
	for (uint32_t c = 0; c < r->g.n_cells; c++) {
		if (r->shown[c] != 'H')
			continue;
		uint64_t before = r->small[c] * 1000 / report->tables;
		uint64_t after = report->matches == 0 ? before : r->weighed[c] * 1000 / report->matches;
		table_put_cell(r->t, c, '|', csv);
		buf_printf(csv, ",%" PRIu64 ",%" PRIu64 "\n", before, after);
		report->exceeded += after > r->p->posterior_permille && before <= r->p->posterior_permille;
	}
}

bool replay_run(const struct table_input *t, const struct policy_params *p, struct bytes result_csv,
    uint32_t keys, const uint8_t seed[32], struct buf *csv, struct replay_report *report, struct err *e)
{
	struct replay r = { .t = t, .p = p, .rules = policy_params_effective(p), .result = result_csv };
	bool ok = false;
	*report = (struct replay_report){ 0 };
	if (!simple_enough(t, e) || !grid_init(&r.g, t, &r.rules, seed, e))
		goto done;
	size_t n = (size_t)r.g.n_cells + 1;
	r.shown = calloc(n, 1);
	r.value = calloc(n, sizeof *r.value);
	r.delta = calloc(n, sizeof *r.delta);
	r.touched = calloc((n << (t->n_dims + 1)) + 1, sizeof *r.touched);
	r.small = calloc(n, sizeof *r.small);
	r.weighed = calloc(n, sizeof *r.weighed);
	if (r.shown == NULL || r.value == NULL || r.delta == NULL || r.touched == NULL || r.small == NULL ||
	    r.weighed == NULL) {
		err_set(e, ERR_MEMORY, "no memory for the replay");
		goto done;
	}
	memcpy(r.value, t->value, (n - 1) * sizeof *r.value);
	for (uint32_t c = 0; c < r.g.n_cells; c++)
		r.ceiling = t->value[c] > r.ceiling ? t->value[c] : r.ceiling;
	r.ceiling += 2 * (int64_t)p->threshold;
	ok = read_marks(&r, e) && replay_tables(&r, seed, keys, report, e);
	if (ok)
		put_shares(&r, csv, report);
done:
	if (r.value != NULL)
		sodium_memzero(r.value, r.g.n_cells * sizeof *r.value);
	free(r.shown);
	free(r.value);
	free(r.delta);
	free(r.touched);
	free(r.small);
	free(r.weighed);
	if (r.g.kind != NULL)
		grid_free(&r.g);
	return ok;
}
