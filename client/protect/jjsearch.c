#include "client/protect/jjsearch.h"

#include <stdlib.h>
#include <string.h>

#include "client/protect/program.h"

#define DEPTH_MAX    48u  /* columns of a repaired move */
#define WIDTH_MAX    6u   /* columns tried for one relation */
#define BUDGET_FREE  300u /* relations mended in one search, over hidden columns only */
#define BUDGET_PAY   2000u
#define SMALL        3000u /* columns up to which the program is asked for every paid move */
#define BALL         400u  /* columns of the first program, then all up to BALL_MAX */
#define BALL_MAX     20000u
#define NODES        200u
#define CLEAN_ROUNDS 3u
#define CHANGE_MAX   INT64_C(2000000000000) /* keeps sums over relations within 64 bits */
#define LARGER       4                      /* amplitudes tried, where coefficients do not divide */

struct line {
	struct choice_step *step; /* NULL: not served */
	uint32_t n;
};

struct jjsearch {
	const struct choice_question *q;
	struct adjacency adj;
	double *price; /* with the keyed factor */
	double mean;   /* of the positive ones */
	uint32_t *use; /* moves that pass a priced column */
	uint8_t *banned;
	struct line *line; /* by need */
	/* one search */
	const struct choice_need *need;
	bool pay;
	int64_t *delta;     /* by column */
	int64_t *violation; /* by relation */
	uint32_t *where;    /* by relation: place in broken[], or CHOICE_NONE */
	uint32_t *broken, n_broken;
	uint32_t path[DEPTH_MAX], depth;
	unsigned budget;
	double best;
	struct choice_step found[DEPTH_MAX];
	uint32_t n_found;
};

/* ---- one move ---- */

static double price_of(const struct jjsearch *s, uint32_t column)
{
	return s->use[column] > 0 ? 0 : s->price[column];
}

static void mark_relation(struct jjsearch *s, uint32_t r, bool broken)
{
	if (broken == (s->where[r] != CHOICE_NONE))
		return;
	if (broken) {
		s->where[r] = s->n_broken;
		s->broken[s->n_broken++] = r;
		return;
	}
	uint32_t last = s->broken[--s->n_broken];
	s->broken[s->where[r]] = last;
	s->where[last] = s->where[r];
	s->where[r] = CHOICE_NONE;
}

static void change(struct jjsearch *s, uint32_t column, int64_t by)
{
	s->delta[column] += by;
	for (uint32_t k = s->adj.start[column]; k < s->adj.start[column + 1]; k++) {
		uint32_t entry = s->adj.at[k];
		uint32_t r = s->adj.relation[entry];
		s->violation[r] += by * s->q->entry[entry].coef;
		mark_relation(s, r, s->violation[r] != 0);
	}
}

static bool has_room(const struct jjsearch *s, uint32_t column, int64_t by)
{
	if (by > CHANGE_MAX || by < -CHANGE_MAX)
		return false;
	return s->need->amp == 0 || (by <= s->q->up[column] && -by <= s->q->down[column]);
}

struct candidate {
	uint32_t column;
	int64_t by;
	double score;
};

/* How many relations a change would break, less those it would mend. */
static int broken_by(const struct jjsearch *s, uint32_t column, int64_t by)
{
	int n = 0;
	for (uint32_t k = s->adj.start[column]; k < s->adj.start[column + 1]; k++) {
		uint32_t entry = s->adj.at[k];
		int64_t before = s->violation[s->adj.relation[entry]];
		n += before == 0;
		n -= before + by * s->q->entry[entry].coef == 0;
	}
	return n;
}

/* Columns that mend relation r, best first. */
static uint32_t list_candidates(const struct jjsearch *s, uint32_t r, struct candidate *list)
{
	uint32_t n = 0;
	for (uint32_t i = s->q->start[r]; i < s->q->start[r + 1]; i++) {
		struct choice_term t = s->q->entry[i];
		struct candidate c = { .column = t.column };
		if (s->delta[t.column] != 0 || s->banned[t.column] != 0 || s->violation[r] % t.coef != 0)
			continue;
		c.by = -s->violation[r] / t.coef;
		double price = price_of(s, t.column);
		if ((!s->pay && price > 0) || !has_room(s, t.column, c.by))
			continue;
		c.score = price + s->mean * 0.5 * broken_by(s, t.column, c.by);
		uint32_t at = n < WIDTH_MAX ? n++ : WIDTH_MAX;
		for (; at > 0 && list[at - 1].score > c.score; at--)
			if (at < WIDTH_MAX)
				list[at] = list[at - 1];
		if (at < WIDTH_MAX)
			list[at] = c;
	}
	return n;
}

static uint32_t shortest_broken(const struct jjsearch *s)
{
	uint32_t best = s->broken[0];
	for (uint32_t i = 1; i < s->n_broken; i++) {
		uint32_t r = s->broken[i];
		if (s->q->start[r + 1] - s->q->start[r] < s->q->start[best + 1] - s->q->start[best])
			best = r;
	}
	return best;
}

static void keep(struct jjsearch *s, double price)
{
	s->best = price;
	s->n_found = s->depth;
	for (uint32_t i = 0; i < s->depth; i++)
		s->found[i] = (struct choice_step){ s->path[i], s->delta[s->path[i]] };
}

static void mend(struct jjsearch *s, double price)
{
	struct candidate list[WIDTH_MAX];
	if (price >= s->best)
		return;
	if (s->n_broken == 0) {
		keep(s, price);
		return;
	}
	if (s->depth == DEPTH_MAX || s->budget == 0)
		return;
	s->budget--;
	uint32_t n = list_candidates(s, shortest_broken(s), list);
	for (uint32_t i = 0; i < n && s->best > 0; i++) {
		change(s, list[i].column, list[i].by);
		s->path[s->depth++] = list[i].column;
		mend(s, price + price_of(s, list[i].column));
		s->depth--;
		change(s, list[i].column, -list[i].by);
	}
}

/* Cheapest repaired move of at least the need's amplitude, in found; false: none below the price `most`. */
static bool repair(struct jjsearch *s, uint32_t need, bool pay, double most)
{
	struct choice_term t = s->q->term[s->q->need[need].first];
	int64_t amp = s->q->need[need].amp == 0 ? 1 : s->q->need[need].amp;
	s->need = &s->q->need[need];
	s->pay = pay;
	s->best = most;
	s->n_found = 0;
	for (int64_t i = 0; i < LARGER && s->n_found == 0; i++) {
		int64_t by = (amp + i) * t.coef;
		if (s->banned[t.column] != 0 || !has_room(s, t.column, by))
			break;
		s->budget = pay ? BUDGET_PAY : BUDGET_FREE;
		change(s, t.column, by);
		s->path[0] = t.column;
		s->depth = 1;
		mend(s, price_of(s, t.column));
		change(s, t.column, -by);
	}
	return s->n_found > 0;
}

/* ---- serving ---- */

static void line_take(struct jjsearch *s, uint32_t need, struct choice_step *step, uint32_t n)
{
	s->line[need] = (struct line){ step, n };
	for (uint32_t i = 0; i < n; i++)
		s->use[step[i].column]++;
}

static struct line line_drop(struct jjsearch *s, uint32_t need)
{
	struct line old = s->line[need];
	for (uint32_t i = 0; i < old.n; i++)
		s->use[old.step[i].column]--;
	s->line[need] = (struct line){ 0 };
	return old;
}

static double steps_price(const struct jjsearch *s, const struct choice_step *step, uint32_t n)
{
	double price = 0;
	for (uint32_t i = 0; i < n; i++)
		price += price_of(s, step[i].column);
	return price;
}

/* Asks the program, near the need first. Better than what was found: it is taken. */
static bool ask_program(struct jjsearch *s, uint32_t need, double most, unsigned nodes)
{
	double *price = calloc((size_t)s->q->n_columns + 1, sizeof *price);
	struct choice_step *step = NULL;
	uint32_t n = 0;
	for (uint32_t c = 0; price != NULL && c < s->q->n_columns; c++)
		price[c] = s->banned[c] != 0 ? PROGRAM_BANNED : price_of(s, c);
	for (uint32_t most_columns = BALL; price != NULL && step == NULL && most_columns <= BALL_MAX;
	     most_columns *= 50) {
		struct program_ask ask = { s->q, price, most_columns, nodes, NULL, NULL };
		step = program_move(&ask, &s->adj, need, &n);
		if (s->q->n_columns <= most_columns)
			break;
	}
	free(price);
	if (step == NULL || steps_price(s, step, n) >= most) {
		free(step);
		return false;
	}
	line_take(s, need, step, n);
	return true;
}

/* Serves a need for less than `most`. */
static bool serve(struct jjsearch *s, uint32_t need, bool pay, double most)
{
	bool ok = repair(s, need, false, most) || (pay && repair(s, need, true, most));
	if (pay && (!ok || (s->best > 0 && s->q->n_columns <= SMALL)) &&
	    ask_program(s, need, ok ? s->best : most, ok ? 0 : NODES))
		return true;
	if (!ok)
		return false;
	struct choice_step *step = malloc(s->n_found * sizeof *step);
	if (step == NULL)
		return false;
	memcpy(step, s->found, s->n_found * sizeof *step);
	line_take(s, need, step, s->n_found);
	return true;
}

static bool serve_all(struct jjsearch *s, uint32_t *unserved)
{
	for (int pay = 0; pay < 2; pay++)
		for (uint32_t i = 0; i < s->q->n_needs; i++)
			if (s->line[i].step == NULL && !serve(s, i, pay != 0, 1e300) && pay != 0) {
				*unserved = i;
				return false;
			}
	return true;
}

/* ---- taking out ---- */

struct dear {
	double price;
	uint32_t column;
};

static int dearest_first(const void *a, const void *b)
{
	const struct dear *x = a;
	const struct dear *y = b;
	if (x->price != y->price)
		return x->price < y->price ? 1 : -1;
	return (x->column > y->column) - (x->column < y->column);
}

static bool passes(const struct line *l, uint32_t column)
{
	for (uint32_t i = 0; i < l->n; i++)
		if (l->step[i].column == column)
			return true;
	return false;
}

static double cost_of(const struct jjsearch *s)
{
	double cost = 0;
	for (uint32_t c = 0; c < s->q->n_columns; c++)
		cost += s->use[c] > 0 ? s->price[c] : 0;
	return cost;
}

/* Without that column: the moves through it are replaced, if that costs less. False: nothing changed. */
static bool try_without(struct jjsearch *s, uint32_t column, struct line *old)
{
	double before = cost_of(s);
	bool ok = true;
	s->banned[column] = 1;
	for (uint32_t i = 0; i < s->q->n_needs; i++) {
		old[i] = (struct line){ 0 };
		if (passes(&s->line[i], column))
			old[i] = line_drop(s, i);
	}
	for (uint32_t i = 0; ok && i < s->q->n_needs; i++)
		if (old[i].step != NULL)
			ok = serve(s, i, true, before);
	ok = ok && cost_of(s) < before - 1e-9;
	s->banned[column] = 0;
	for (uint32_t i = 0; i < s->q->n_needs; i++) {
		if (old[i].step == NULL)
			continue;
		if (ok) {
			free(old[i].step);
			continue;
		}
		free(line_drop(s, i).step);
		line_take(s, i, old[i].step, old[i].n);
	}
	return ok;
}

static bool clean(struct jjsearch *s)
{
	struct dear *list = malloc(((size_t)s->q->n_columns + 1) * sizeof *list);
	struct line *old = calloc((size_t)s->q->n_needs + 1, sizeof *old);
	bool gained = list != NULL && old != NULL;
	bool ok = gained;
	for (unsigned round = 0; gained && round < CLEAN_ROUNDS; round++) {
		size_t n = 0;
		gained = false;
		for (uint32_t c = 0; c < s->q->n_columns; c++)
			if (s->use[c] > 0 && s->price[c] > 0)
				list[n++] = (struct dear){ s->price[c], c };
		qsort(list, n, sizeof *list, dearest_first);
		for (size_t i = 0; i < n; i++)
			if (s->use[list[i].column] > 0 && try_without(s, list[i].column, old))
				gained = true;
	}
	free(list);
	free(old);
	return ok;
}

/* ---- the whole ---- */

static bool search_open(struct jjsearch *s, const struct choice_question *q, const double *factor)
{
	size_t columns = (size_t)q->n_columns + 1;
	size_t relations = (size_t)q->n_relations + 1;
	size_t priced = 0;
	s->q = q;
	s->price = calloc(columns, sizeof *s->price);
	s->use = calloc(columns, sizeof *s->use);
	s->banned = calloc(columns, 1);
	s->delta = calloc(columns, sizeof *s->delta);
	s->violation = calloc(relations, sizeof *s->violation);
	s->where = malloc(relations * sizeof *s->where);
	s->broken = calloc(relations, sizeof *s->broken);
	s->line = calloc((size_t)q->n_needs + 1, sizeof *s->line);
	if (s->price == NULL || s->use == NULL || s->banned == NULL || s->delta == NULL ||
	    s->violation == NULL || s->where == NULL || s->broken == NULL || s->line == NULL ||
	    !adjacency_make(&s->adj, q))
		return false;
	memset(s->where, 0xff, relations * sizeof *s->where);
	for (uint32_t c = 0; c < q->n_columns; c++) {
		s->price[c] = q->price[c] * factor[c];
		s->mean += s->price[c];
		priced += s->price[c] > 0;
	}
	s->mean /= priced > 0 ? (double)priced : 1.0;
	return true;
}

static void search_close(struct jjsearch *s)
{
	for (uint32_t i = 0; s->line != NULL && i < s->q->n_needs; i++)
		free(s->line[i].step);
	adjacency_free(&s->adj);
	free(s->price);
	free(s->use);
	free(s->banned);
	free(s->delta);
	free(s->violation);
	free(s->where);
	free(s->broken);
	free(s->line);
}

static bool answer_make(const struct jjsearch *s, struct choice_question *q, struct choice_answer *out)
{
	size_t steps = 0;
	for (uint32_t i = 0; i < q->n_needs; i++)
		steps += s->line[i].n;
	*out = (struct choice_answer){ .start = calloc((size_t)q->n_needs + 1, sizeof *out->start),
		.step = calloc(steps + 1, sizeof *out->step) };
	if (steps >= UINT32_MAX || out->start == NULL || out->step == NULL)
		return false;
	for (uint32_t i = 0; i < q->n_needs; i++) {
		memcpy(out->step + out->start[i], s->line[i].step, s->line[i].n * sizeof *out->step);
		out->start[i + 1] = out->start[i] + s->line[i].n;
	}
	q->cost = 0;
	for (uint32_t c = 0; c < q->n_columns; c++) {
		q->hidden[c] = q->price[c] > 0 && s->use[c] > 0;
		q->cost += q->hidden[c] ? q->price[c] : 0;
	}
	out->cost = q->cost;
	return true;
}

bool jjsearch_run(struct choice_question *q, const double *factor, struct choice_answer *out,
    uint32_t *unserved, struct err *e)
{
	struct jjsearch s = { 0 };
	*unserved = CHOICE_NONE;
	*out = (struct choice_answer){ 0 };
	bool ok = search_open(&s, q, factor) || err_set(e, ERR_MEMORY, "no memory for the search");
	if (ok && !serve_all(&s, unserved))
		ok = false;
	if (ok && (!clean(&s) || !answer_make(&s, q, out)))
		ok = err_set(e, ERR_MEMORY, "no memory for the search");
	search_close(&s);
	return ok;
}
