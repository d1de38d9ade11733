#include "policy/replay.h"

#include <inttypes.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "policy/primary.h"
#include "policy/step.h"

#define STEPS_A_CELL 40u /* proposals between two tables, for each grid cell */
#define PHASE_REPLAY 30u

struct replay {
	const struct table_input *t;
	const struct policy_params *p; /* as the policy says it, for release_build */
	struct policy_params rules;    /* as they are for the kind of figures */
	struct grid g;
	struct bytes result;
	char *shown;     /* by cell: the published status, '-' not printed */
	int64_t *value;  /* of the table at hand */
	uint32_t *loose; /* cells that a reader does not know */
	uint32_t n_loose;
	struct step step;
	int64_t ceiling;
	uint64_t *small, *weighed; /* by cell: tables in which it is sensitive; the same times matches */
};

static bool simple_enough(const struct table_input *t, enum release_method method, struct err *e)
{
	if (t->n_cells > REPLAY_CELLS_MAX)
		return err_set(
		    e, ERR_LIMIT, "a table of more than %u cells cannot be replayed", REPLAY_CELLS_MAX);
	if (t->n_earlier > 0)
		return err_set(e, ERR_UNSUPPORTED, "a table with earlier releases cannot be replayed");
	if (method != METHOD_SUPPRESSION)
		return err_set(e, ERR_UNSUPPORTED,
		    "figures that are rounded or moved by noise have no pattern to replay");
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

static bool is_loose(const struct replay *r, uint32_t c)
{
	return (r->shown[c] == 'H' || r->shown[c] == '-') && r->g.kind[c] != KIND_DEAD;
}

static bool fits_cell(const void *context, uint32_t c, int dir)
{
	const struct replay *r = context;
	int64_t v = r->value[c] + dir;
	return is_loose(r, c) && v >= (r->shown[c] == 'H' ? (int64_t)r->g.floor : 0) && v <= r->ceiling;
}

/* One person more here, one less there, or one for another: with views, with whatever he answers. */
static void propose(struct replay *r, struct draws *draws)
{
	uint32_t c = r->loose[draws_below(draws, r->n_loose)];
	int dir = draws_below(draws, 2) == 0 ? 1 : -1;
	if (!step_draw(&r->step, c, dir, draws, fits_cell, r))
		return;
	for (uint32_t i = 0; i < r->step.n; i++)
		if (!fits_cell(r, r->step.cell[i], r->step.by[i]))
			return;
	for (uint32_t i = 0; i < r->step.n; i++)
		r->value[r->step.cell[i]] += r->step.by[i];
}

static void next_table(struct replay *r, uint64_t number)
{
	struct draws draws = draws_from(&r->g, PHASE_REPLAY, number, 0);
	for (uint64_t i = 0; r->n_loose > 0 && i < (uint64_t)STEPS_A_CELL * r->g.n_cells; i++)
		propose(r, &draws);
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
		next_table(r, i);
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

static bool allocate(struct replay *r)
{
	size_t n = (size_t)r->g.n_cells + 1;
	r->shown = calloc(n, 1);
	r->value = calloc(n, sizeof *r->value);
	r->loose = calloc(n, sizeof *r->loose);
	r->small = calloc(n, sizeof *r->small);
	r->weighed = calloc(n, sizeof *r->weighed);
	return r->shown != NULL && r->value != NULL && r->loose != NULL && r->small != NULL &&
	       r->weighed != NULL;
}

static void replay_free(struct replay *r)
{
	if (r->value != NULL)
		sodium_memzero(r->value, r->g.n_cells * sizeof *r->value);
	free(r->shown);
	free(r->value);
	free(r->loose);
	free(r->small);
	free(r->weighed);
	step_free(&r->step);
	if (r->g.kind != NULL)
		grid_free(&r->g);
}

/* Where the drawing starts: the true table, and what a reader knows of it. */
static void begin(struct replay *r)
{
	memcpy(r->value, r->t->value, r->g.n_cells * sizeof *r->value);
	for (uint32_t c = 0; c < r->g.n_cells; c++) {
		r->ceiling = r->value[c] > r->ceiling ? r->value[c] : r->ceiling;
		if (is_loose(r, c))
			r->loose[r->n_loose++] = c;
	}
	r->ceiling += 2 * (int64_t)r->p->threshold;
}

bool replay_run(const struct table_input *t, const struct policy_params *p, struct bytes result_csv,
    uint32_t keys, const uint8_t seed[32], struct buf *csv, struct replay_report *report, struct err *e)
{
	struct replay r = { .t = t, .p = p, .rules = policy_params_effective(p), .result = result_csv };
	bool ok = false;
	*report = (struct replay_report){ 0 };
	if (!simple_enough(t, p->method, e) || !grid_init(&r.g, t, &r.rules, seed, e) ||
	    !step_init(&r.step, &r.g, e))
		goto done;
	if (!allocate(&r)) {
		err_set(e, ERR_MEMORY, "no memory for the replay");
		goto done;
	}
	ok = read_marks(&r, e);
	if (ok)
		begin(&r);
	ok = ok && replay_tables(&r, seed, keys, report, e);
	if (ok)
		put_shares(&r, csv, report);
done:
	replay_free(&r);
	return ok;
}
