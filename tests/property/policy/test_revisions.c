/* Small random tables released twice or three times for one period, some offices' figures changed, missing or
 * new in between, and then attacked as a union by a search of its own: for the public and for each office, is
 * there a set of persons that agrees with all files and in which the count, or the difference between two
 * releases, reaches what the rules ask? Nothing here uses the engine's arithmetic. */
#include "policy/release.h"
#include "random.h"

#define RELEASES  3
#define OFFICES   5
#define KINDS     3
#define AREAS     (OFFICES + 3) /* offices, two areas, everything */
#define CELLS     (RELEASES * AREAS * (KINDS + 1))
#define UNKNOWNS  (RELEASES * OFFICES * KINDS)
#define NODES_MAX 200000u

struct figure {
	uint64_t mask; /* unknowns */
	int64_t value;
	char state;
};

struct world {
	int n_offices, n_kinds, n_releases;
	bool two_areas;
	int64_t truth[RELEASES][OFFICES][KINDS];
	bool missing[RELEASES][OFFICES];
	int version[RELEASES][OFFICES]; /* the first release with these figures of the office */
	int unknown[RELEASES][OFFICES][KINDS];
	int64_t x[UNKNOWNS]; /* truth by unknown */
	int owner[UNKNOWNS];
	bool nobody[UNKNOWNS]; /* not reported: 0 for everybody */
	int n_unknowns;
	struct figure cell[RELEASES][AREAS][KINDS + 1];
	uint32_t floor[RELEASES];
	struct policy_params params;
	bool no_moves;       /* the earlier auditors' parts are lost: harder, not less safe */
	bool policy_changes; /* from release to release: then only that nothing breaks is looked at */
};

static const char *const office_name[] = { "a", "b", "c", "d", "e" };
static const char *const kind_name[] = { "x", "y", "z" };

/* Offices of an area: 0.. the offices, then north, south, everything. */
static bool in_area(const struct world *w, int area, int office)
{
	if (area < OFFICES)
		return area == office;
	if (area == OFFICES + 2)
		return true;
	return (area == OFFICES) == (office < w->n_offices / 2);
}

static bool is_area(const struct world *w, int area)
{
	return area < OFFICES ? area < w->n_offices : w->two_areas || area == OFFICES + 2;
}

static const char *area_name(int area)
{
	static const char *const name[] = { "north", "south", "_T" };
	return area < OFFICES ? office_name[area] : name[area - OFFICES];
}

/* ---- making the releases ---- */

static void change(struct world *w, struct rng *r, int v, int o)
{
	for (int k = 0; k < w->n_kinds; k++) {
		int64_t x = w->truth[v][o][k];
		if (draw(r, 3) == 0)
			x = draw(r, 12);
		else if (draw(r, 2) == 0)
			x += (int64_t)draw(r, 5) - 2;
		w->truth[v][o][k] = x < 0 ? 0 : x;
	}
}

static bool same(const struct world *w, int v, int u, int o)
{
	return w->missing[v][o] == w->missing[u][o] &&
	       memcmp(w->truth[v][o], w->truth[u][o], sizeof w->truth[v][o]) == 0;
}

static void name_unknowns(struct world *w)
{
	w->n_unknowns = 0;
	for (int v = 0; v < w->n_releases; v++)
		for (int o = 0; o < w->n_offices; o++) {
			int u = 0;
			while (!same(w, v, u, o))
				u++;
			w->version[v][o] = u;
			for (int k = 0; k < w->n_kinds; k++) {
				int *at = &w->unknown[v][o][k];
				*at = u < v ? w->unknown[u][o][k] : w->n_unknowns++;
				w->x[*at] = w->truth[v][o][k];
				w->owner[*at] = o;
				w->nobody[*at] = w->missing[v][o];
			}
		}
}

static void make_cells(struct world *w)
{
	for (int v = 0; v < w->n_releases; v++)
		for (int a = 0; a < AREAS; a++)
			for (int k = 0; k <= w->n_kinds; k++) {
				struct figure *f = &w->cell[v][a][k];
				*f = (struct figure){ .state = '-' };
				for (int o = 0; o < w->n_offices; o++)
					for (int j = 0; j < w->n_kinds; j++)
						if (in_area(w, a, o) && (k == w->n_kinds || j == k)) {
							f->mask |= UINT64_C(1) << w->unknown[v][o][j];
							f->value += w->truth[v][o][j];
						}
			}
}

static void make_world(struct world *w, struct rng *r)
{
	memset(w, 0, sizeof *w);
	w->n_offices = 3 + (int)draw(r, 3);
	w->n_kinds = 2 + (int)draw(r, 2);
	w->n_releases = 2 + (draw(r, 3) == 0);
	w->two_areas = w->n_offices >= 4 && draw(r, 2) == 0;
	for (int o = 0; o < w->n_offices; o++)
		for (int k = 0; k < w->n_kinds; k++)
			w->truth[0][o][k] = draw(r, 5) == 0 ? 0 : draw(r, 14);
	for (int v = 0; v < w->n_releases; v++)
		for (int o = 0; o < w->n_offices; o++) {
			if (v > 0)
				memcpy(w->truth[v][o], w->truth[v - 1][o], sizeof w->truth[v][o]);
			w->missing[v][o] = draw(r, 12) == 0;
			if (w->missing[v][o])
				memset(w->truth[v][o], 0, sizeof w->truth[v][o]);
			else if (v > 0 && (w->missing[v - 1][o] || draw(r, 2) == 0))
				change(w, r, v, o);
		}
	name_unknowns(w);
	make_cells(w);
	struct policy_params *p = &w->params;
	*p = policy_params_default();
	p->threshold = 3 + draw(r, 3);
	p->width = 1 + draw(r, 3);
	p->zeros = (enum zeros_rule)draw(r, 3);
	p->group_min = draw(r, 2) == 0 ? 0 : 3;
	w->policy_changes = draw(r, 8) == 0;
	w->no_moves = draw(r, 6) == 0;
	p->hidden_sum_min = draw(r, 2) == 0 ? 0 : UINT32_MAX;
	p->effort = draw(r, 2) * 10;
	p->min_reporting = 1;
	p->min_offices_changed = 1 + draw(r, 3);
	p->nr_in_totals = draw(r, 2) == 0 ? NR_PROPAGATE : NR_EXCLUDE;
}

/* ---- to the engine and back ---- */

static void must(bool ok, const struct err *e)
{
	if (!ok)
		fail_msg("%s", e->text);
}

static struct table_input *to_input(const struct world *w, int v)
{
	struct err e = { 0 };
	struct table_input *t = table_new();
	assert_non_null(t);
	must(table_add_dimension(t, "office", 0, &e) &&
		 table_add_code(t, 1, "_T", 0, UINT32_MAX, false, 0, &e),
	    &e);
	for (int a = OFFICES; a < OFFICES + (w->two_areas ? 2 : 1); a++) {
		if (w->two_areas)
			must(table_add_code(t, 2, area_name(a), 0, UINT32_MAX, false, 0, &e), &e);
		for (int o = 0; o < w->n_offices; o++)
			if (!w->two_areas || in_area(w, a, o))
				must(table_add_code(t, w->two_areas ? 3 : 2, office_name[o], 0, UINT32_MAX,
					 false, 0, &e),
				    &e);
	}
	must(table_add_dimension(t, "kind", 0, &e) && table_add_code(t, 1, "_T", 0, UINT32_MAX, false, 0, &e),
	    &e);
	for (int k = 0; k < w->n_kinds; k++)
		must(table_add_code(t, 2, kind_name[k], 0, UINT32_MAX, false, 0, &e), &e);
	for (int o = 0; o < w->n_offices; o++)
		for (int k = 0; k < w->n_kinds; k++) {
			const char *code[] = { office_name[o], kind_name[k] };
			must(table_add_cell(t, code, NULL, w->missing[v][o] ? CELL_NR : CELL_VALUE,
				 (uint64_t)w->truth[v][o][k], 0, &e),
			    &e);
		}
	must(table_finish(t, &e), &e);
	return t;
}

static void read_states(struct world *w, int v, const struct release_result *r)
{
	for (int a = 0; a < AREAS; a++)
		for (int k = 0; is_area(w, a) && k <= w->n_kinds; k++) {
			const char *code[] = { area_name(a), k == w->n_kinds ? "_T" : kind_name[k] };
			uint64_t value = 0;
			assert_true(safe_table_find(r->table, code, &w->cell[v][a][k].state, &value));
			if (w->cell[v][a][k].state == 'P')
				assert_int_equal(value, w->cell[v][a][k].value);
		}
}

/* ---- is there such a set of persons? ---- */

struct limit { /* lo <= sum of plus - sum of minus <= hi */
	uint64_t plus, minus;
	int64_t lo, hi;
};

struct question {
	const struct world *w;
	struct limit limit[CELLS + 1];
	int n_limits;
	int64_t x[UNKNOWNS], cap;
	uint64_t fixed;
	uint32_t nodes;
};

static bool still_fits(const struct question *q, int done)
{
	for (int i = 0; i < q->n_limits; i++) {
		const struct limit *l = &q->limit[i];
		int64_t least = 0;
		int64_t most = 0;
		if (((l->plus | l->minus) >> (done - 1) & 1) == 0)
			continue;
		for (int u = 0; u < q->w->n_unknowns; u++) {
			int sign = (int)(l->plus >> u & 1) - (int)(l->minus >> u & 1);
			bool open = u >= done && (q->fixed >> u & 1) == 0;
			least += sign * (open ? (sign < 0 ? q->cap : 0) : q->x[u]);
			most += sign * (open ? (sign > 0 ? q->cap : 0) : q->x[u]);
		}
		if (most < l->lo || least > l->hi)
			return false;
	}
	return true;
}

/* From the truth outwards. Depth is the number of unknowns. */
static bool search(struct question *q, int u)
{
	int64_t truth = u < q->w->n_unknowns ? q->w->x[u] : 0;
	if (u == q->w->n_unknowns)
		return true;
	if ((q->fixed >> u & 1) != 0)
		return search(q, u + 1);
	for (int64_t step = 0; step <= 2 * (q->cap + 1); step++) {
		q->x[u] = truth + (step % 2 == 1 ? step / 2 + 1 : -(step / 2));
		if (q->x[u] < 0 || q->x[u] > q->cap)
			continue;
		if (++q->nodes > NODES_MAX)
			return false;
		if (still_fits(q, u + 1) && search(q, u + 1))
			return true;
	}
	q->x[u] = truth;
	return false;
}

static void ask(struct question *q, const struct world *w, int releases, int attacker)
{
	memset(q, 0, sizeof *q);
	q->w = w;
	memcpy(q->x, w->x, sizeof q->x);
	for (int u = 0; u < w->n_unknowns; u++) {
		if (w->owner[u] == attacker || w->nobody[u])
			q->fixed |= UINT64_C(1) << u;
		if (w->x[u] > q->cap)
			q->cap = w->x[u];
	}
	q->cap += 2 * (w->params.threshold + w->params.width);
	for (int v = 0; v < releases; v++)
		for (int a = 0; a < AREAS; a++)
			for (int k = 0; is_area(w, a) && k <= w->n_kinds; k++) {
				const struct figure *f = &w->cell[v][a][k];
				if (f->state == 'P')
					q->limit[q->n_limits++] =
					    (struct limit){ f->mask, 0, f->value, f->value };
				if (f->state == 'H' && w->floor[v] > 0)
					q->limit[q->n_limits++] =
					    (struct limit){ f->mask, 0, w->floor[v], INT64_MAX / 4 };
			}
}

struct tally {
	unsigned asked, open; /* open: given up */
};

/* What was released, for who looks into a failure. */
static void show(const struct world *w, int releases)
{
	for (int v = 0; v < releases; v++)
		for (int a = 0; a < AREAS; a++) {
			if (!is_area(w, a))
				continue;
			printf("rev%d %s:", v, area_name(a));
			for (int k = 0; k <= w->n_kinds; k++)
				printf(" %d%c", (int)w->cell[v][a][k].value, w->cell[v][a][k].state);
			printf("%s\n", a < OFFICES && w->missing[v][a] ? " missing" : "");
		}
	printf(
	    "k %u, width %u, floors %u %u\n", w->params.threshold, w->params.width, w->floor[0], w->floor[1]);
}

/* Some set of persons must have plus - minus between lo and hi. */
static void must_reach(const struct world *w, int releases, int attacker, uint64_t plus, uint64_t minus,
    int64_t lo, int64_t hi, struct tally *t, const char *what)
{
	static struct question q;
	ask(&q, w, releases, attacker);
	q.limit[q.n_limits++] = (struct limit){ plus & ~minus, minus & ~plus, lo, hi };
	t->asked++;
	if (search(&q, 0))
		return;
	if (q.nodes > NODES_MAX)
		t->open++;
	else {
		show(w, releases);
		fail_msg("%s: after release %d attacker %d knows too much (%d..%d)", what, releases - 1,
		    attacker, (int)lo, (int)(hi > 999 ? 999 : hi));
	}
}

static int64_t own_part(const struct world *w, uint64_t mask, int attacker)
{
	int64_t sum = 0;
	for (int u = 0; u < w->n_unknowns; u++)
		sum += (mask >> u & 1) != 0 && w->owner[u] == attacker ? w->x[u] : 0;
	return sum;
}

static bool owns_all(const struct world *w, uint64_t mask, int attacker)
{
	for (int u = 0; u < w->n_unknowns; u++)
		if ((mask >> u & 1) != 0 && !w->nobody[u] && w->owner[u] != attacker)
			return false;
	return true;
}

/* An earlier release printed the cell, and whatever changed of it since is the attacker's. */
static bool knew(const struct world *w, int v, int area, int kind, int attacker)
{
	for (int u = 0; u < v && attacker >= 0; u++)
		if (w->cell[u][area][kind].state == 'P' &&
		    owns_all(w, w->cell[u][area][kind].mask ^ w->cell[v][area][kind].mask, attacker))
			return true;
	return false;
}

static int64_t larger(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

static void check_count(
    const struct world *w, int releases, const struct figure *f, int attacker, bool zeros, struct tally *t)
{
	int64_t k = w->params.threshold;
	int64_t own = own_part(w, f->mask, attacker);
	int64_t rest = f->value - own;
	if (f->state != 'P' && f->state != 'H')
		return;
	bool small = f->value == 0 ? zeros : f->value < k;
	bool residual = attacker >= 0 && own > 0 && rest >= 1 && rest < k;
	if ((!small && !residual) || owns_all(w, f->mask, attacker) || (f->value > 0 && rest == 0))
		return;
	assert_int_equal(f->state, 'H');
	must_reach(w, releases, attacker, f->mask, 0, own + larger(k, rest + w->params.width), INT64_MAX / 4,
	    t, "a count");
}

static int64_t size_of(int64_t v)
{
	return v < 0 ? -v : v;
}

static void check_difference(const struct world *w, int releases, const struct figure *from,
    const struct figure *to, int attacker, struct tally *t)
{
	int64_t k = w->params.threshold;
	int64_t d = to->value - from->value;
	uint64_t both = from->mask ^ to->mask;
	int64_t own = own_part(w, to->mask & both, attacker) - own_part(w, from->mask & both, attacker);
	int64_t rest = d - own;
	int64_t goal = larger(k, size_of(rest) + w->params.width);
	if (strchr("PH", from->state) == NULL || strchr("PH", to->state) == NULL)
		return;
	if (owns_all(w, both, attacker) || rest == 0 || size_of(rest) >= k)
		return;
	if (rest > 0)
		must_reach(
		    w, releases, attacker, to->mask, from->mask, own + goal, INT64_MAX / 4, t, "a rise");
	else
		must_reach(
		    w, releases, attacker, to->mask, from->mask, INT64_MIN / 4, own - goal, t, "a fall");
}

/* Everything that left so far, for one attacker (-1: the public). */
static void attack(const struct world *w, int releases, int attacker, const bool *zeros, struct tally *t)
{
	for (int a = 0; a < AREAS; a++)
		for (int k = 0; is_area(w, a) && k <= w->n_kinds; k++)
			for (int v = 0; v < releases; v++) {
				if (!knew(w, v, a, k, attacker))
					check_count(w, releases, &w->cell[v][a][k], attacker, zeros[v], t);
				for (int u = 0; u < v; u++)
					check_difference(
					    w, releases, &w->cell[u][a][k], &w->cell[v][a][k], attacker, t);
			}
}

/* A total over several offices that is in the tables twice with different values: enough offices changed below it. */
static void check_enough(const struct world *w, int v)
{
	for (int u = 0; u < v; u++)
		for (int a = OFFICES; a < AREAS; a++)
			for (int k = 0; is_area(w, a) && k <= w->n_kinds; k++) {
				const struct figure *from = &w->cell[u][a][k];
				const struct figure *to = &w->cell[v][a][k];
				unsigned changed = 0;
				unsigned below = 0;
				for (int o = 0; o < w->n_offices; o++) {
					below += in_area(w, a, o);
					changed += in_area(w, a, o) && w->version[v][o] != w->version[u][o];
				}
				if (strchr("PH", from->state) != NULL && strchr("PH", to->state) != NULL &&
				    below >= 2 && from->value != to->value)
					assert_true(changed >= w->params.min_offices_changed);
			}
}

/* ---- one world ---- */

struct outcome {
	unsigned first, further, late, refused[6];
	struct tally tally;
};

static void keep(struct table_input *t, const struct world *w, int v, struct table_input **input,
    struct release_result **said)
{
	struct err e = { 0 };
	for (int u = 0; u < v; u++) {
		struct earlier_facts f = { .period = "2001",
			.revision = (uint32_t)u,
			.result_csv = buf_bytes(&said[u]->result_csv),
			.certificate = buf_bytes(&said[u]->certificate),
			.auditor = w->no_moves ? bytes_of(NULL, 0) : buf_bytes(&said[u]->auditor) };
		input[u] = to_input(w, u);
		must(table_add_earlier(t, input[u], &f, &e), &e);
	}
}

static void run_world(struct world *w, uint8_t seed, struct outcome *out)
{
	struct release_result *said[RELEASES] = { NULL };
	struct table_input *input[RELEASES] = { NULL };
	bool zeros[RELEASES] = { false };
	uint8_t key[32] = { seed };
	for (int v = 0; v < w->n_releases; v++) {
		struct err e = { 0 };
		struct release_options o = { .period = "2001", .revision = (uint32_t)v };
		struct table_input *t = to_input(w, v);
		keep(t, w, v, input, said);
		if (w->policy_changes && v > 0)
			w->params.threshold = w->params.threshold == 3 ? 6 : 3;
		bool ok = release_build(t, &w->params, key, &o, &said[v], &e);
		table_free(t);
		must(ok, &e);
		if (said[v]->refusal != REFUSAL_NONE) {
			out->refused[said[v]->refusal]++;
			assert_true(said[v]->reasons.size > 0);
			break;
		}
		(*(v == 0 ? &out->first : &out->further))++;
		assert_true(
		    v == 0 || !w->policy_changes || w->params.threshold == 6); /* weaker rules: refused */
		w->floor[v] = said[v]->summary.floor;
		zeros[v] = w->params.zeros == ZEROS_SENSITIVE;
		read_states(w, v, said[v]);
		if (w->policy_changes)
			out->late += said[v]->summary.late;
		if (v == 0 || w->policy_changes)
			continue;
		assert_int_equal(said[v]->summary.late, 0);
		check_enough(w, v);
		for (int o2 = -1; o2 < w->n_offices; o2++)
			attack(w, v + 1, o2, zeros, &out->tally);
	}
	for (int v = 0; v < w->n_releases; v++)
		release_result_free(said[v]);
}

static void test_unions(void **state)
{
	struct rng r = { seed_of_run() };
	int cases = cases_of_run(80);
	struct world *w = malloc(sizeof *w);
	struct outcome out = { 0 };
	(void)state;
	assert_non_null(w);
	for (int i = 0; i < cases; i++) {
		make_world(w, &r);
		run_world(w, (uint8_t)i, &out);
	}
	printf("first %u, further %u; refused: too few changed %u, requirement %u, ledger %u; asked %u, "
	       "given up %u; late %u\n",
	    out.first, out.further, out.refused[REFUSAL_MIN_CHANGED], out.refused[REFUSAL_REQUIREMENT],
	    out.refused[REFUSAL_LEDGER], out.tally.asked, out.tally.open, out.late);
	assert_true(out.further * 4 > out.first);
	assert_true(out.tally.open * 4 < out.tally.asked);
	free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_unions),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
