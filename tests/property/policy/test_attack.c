/* Small random tables, released, and then attacked by counting: every whole-number table that agrees with
 * what was published is tried, for the public and for each office with its own figures. Nothing here uses the
 * engine's arithmetic: cells are sets of unknowns, rules are applied anew. */
#include "policy/release.h"
#include "random.h"

#define DIMS_MAX     3
#define CODES_MAX    12
#define UNKNOWNS_MAX 24
#define CELLS_MAX    512
#define LIMITS_MAX   1024
#define NODES_MAX    100000 /* tables tried; larger cases are left uncounted */

struct tcode {
	char name[8];
	uint32_t leaves; /* bits of the dimension's leaves */
	uint32_t other;  /* the same by its second view; 0: none */
	bool leaf;
};

struct tdim {
	const char *name;
	struct tcode code[CODES_MAX];
	int n_codes, n_leaves;
	struct {
		unsigned level;
		const char *code;
		bool view;
	} line[2 * CODES_MAX];
	int n_lines;
};

struct tcell {
	uint32_t mask; /* unknowns */
	int code[DIMS_MAX];
	int64_t value;
	char state;
	int64_t least[UNKNOWNS_MAX + 1], most[UNKNOWNS_MAX + 1]; /* by attacker: office, last the public */
};

struct limit { /* lo <= sum of plus - sum of minus <= hi */
	uint32_t plus, minus;
	int64_t lo, hi;
};

struct world {
	struct tdim dim[DIMS_MAX];
	int n_dims;
	int n_unknowns;
	int leaf_code[DIMS_MAX][32];
	int64_t truth[UNKNOWNS_MAX];
	bool structural[UNKNOWNS_MAX];
	struct tcell cell[CELLS_MAX];
	int n_cells;
	struct limit limit[LIMITS_MAX];
	int n_limits;
	struct policy_params params;
	bool with_views;
	bool margins_only; /* two linked tables of margins are printed, the inner cells are not */
};

/* ---- making a table ---- */

static void add_line(struct tdim *d, unsigned level, const char *code, bool view)
{
	d->line[d->n_lines].level = level;
	d->line[d->n_lines].code = code;
	d->line[d->n_lines++].view = view;
}

static int add_code(struct tdim *d, const char *name, uint32_t leaves, bool leaf)
{
	struct tcode *c = &d->code[d->n_codes];
	snprintf(c->name, sizeof c->name, "%s", name);
	c->leaves = leaves;
	c->leaf = leaf;
	d->n_leaves += leaf;
	return d->n_codes++;
}

static void make_flat(struct tdim *d, const char *name, int leaves)
{
	static const char *const names[] = { "a", "b", "c", "d", "e", "f" };
	d->name = name;
	add_code(d, "_T", (1u << leaves) - 1, false);
	for (int i = 0; i < leaves; i++)
		add_code(d, names[i], 1u << i, true);
	add_line(d, 1, "_T", false);
	for (int i = 0; i < leaves; i++)
		add_line(d, 2, names[i], false);
}

static void make_nested(struct tdim *d, const char *name)
{
	d->name = name;
	add_code(d, "_T", 15, false);
	add_code(d, "p", 3, false);
	add_code(d, "a", 1, true);
	add_code(d, "b", 2, true);
	add_code(d, "q", 12, false);
	add_code(d, "c", 4, true);
	add_code(d, "d", 8, true);
	add_line(d, 1, "_T", false);
	add_line(d, 2, "p", false);
	add_line(d, 3, "a", false);
	add_line(d, 3, "b", false);
	add_line(d, 2, "q", false);
	add_line(d, 3, "c", false);
	add_line(d, 3, "d", false);
}

/* Two groupings of four leaves: {ab, cd} and {ac, bd}. */
static void make_crossed(struct tdim *d, const char *name)
{
	make_nested(d, name);
	add_code(d, "r", 5, false);
	add_code(d, "s", 10, false);
	add_line(d, 1, "_T", false);
	add_line(d, 2, "r", false);
	add_line(d, 3, "a", false);
	add_line(d, 3, "c", false);
	add_line(d, 2, "s", false);
	add_line(d, 3, "b", false);
	add_line(d, 3, "d", false);
}

/* A base with two views of it: {n, o} and {e, k}. */
static void make_views(struct tdim *d, const char *name)
{
	d->name = name;
	add_code(d, "_T", 3, false);
	add_code(d, "n", 1, true);
	add_code(d, "o", 2, true);
	add_code(d, "e", 4, true);
	add_code(d, "k", 8, true);
	d->code[0].other = 12;
	add_line(d, 1, "_T", true);
	add_line(d, 2, "n", false);
	add_line(d, 2, "o", false);
	add_line(d, 1, "_T", true);
	add_line(d, 2, "e", false);
	add_line(d, 2, "k", false);
}

static uint32_t product_mask(const struct world *w, const uint32_t leaves[DIMS_MAX])
{
	uint32_t mask = 0;
	for (int u = 0; u < w->n_unknowns; u++) {
		int rest = u;
		bool in = true;
		for (int d = w->n_dims - 1; d >= 0; d--) {
			in = in && (leaves[d] >> (rest % w->dim[d].n_leaves) & 1) != 0;
			rest /= w->dim[d].n_leaves;
		}
		mask |= in ? 1u << u : 0;
	}
	return mask;
}

static int64_t sum_of(const struct world *w, const int64_t *x, uint32_t mask)
{
	int64_t sum = 0;
	for (int u = 0; u < w->n_unknowns; u++)
		sum += (mask >> u & 1) != 0 ? x[u] : 0;
	return sum;
}

static void add_limit(struct world *w, uint32_t plus, uint32_t minus, int64_t lo, int64_t hi)
{
	assert_true(w->n_limits < LIMITS_MAX);
	w->limit[w->n_limits++] = (struct limit){ plus, minus, lo, hi };
}

/* Truth: random small counts; the second view's leaves are split so that they fit. */
static void make_truth(struct world *w, struct rng *r)
{
	uint32_t high = 2 + draw(r, 9);
	for (int u = 0; u < w->n_unknowns; u++)
		w->truth[u] = draw(r, 4) == 0 ? 0 : (int64_t)draw(r, high);
	if (!w->with_views)
		return;
	struct tdim *last = &w->dim[w->n_dims - 1]; /* n o e k are the last dimension's leaves, fastest */
	(void)last;
	for (int u = 0; u < w->n_unknowns; u += 4) {
		int64_t base = w->truth[u] + w->truth[u + 1];
		w->truth[u + 2] = base == 0 ? 0 : (int64_t)draw(r, (uint32_t)base + 1);
		w->truth[u + 3] = base - w->truth[u + 2];
	}
}

static void make_cells(struct world *w)
{
	int at[DIMS_MAX] = { 0 };
	for (bool more = true; more;) {
		struct tcell *c = &w->cell[w->n_cells++];
		uint32_t leaves[DIMS_MAX];
		for (int d = 0; d < w->n_dims; d++) {
			c->code[d] = at[d];
			leaves[d] = w->dim[d].code[at[d]].leaves;
		}
		c->mask = product_mask(w, leaves);
		c->value = sum_of(w, w->truth, c->mask);
		int d = w->n_dims - 1;
		for (; d >= 0 && ++at[d] == w->dim[d].n_codes; d--)
			at[d] = 0;
		more = d >= 0;
	}
}

static void make_world(struct world *w, struct rng *r)
{
	memset(w, 0, sizeof *w);
	uint32_t shape = draw(r, 6);
	make_flat(&w->dim[0], "office", shape == 3 || shape == 5 ? 3 : 3 + (int)draw(r, 2));
	w->n_dims = 2;
	if (shape == 0)
		make_flat(&w->dim[1], "sex", 2);
	else if (shape == 1)
		make_flat(&w->dim[1], "age", 3);
	else if (shape == 2)
		make_nested(&w->dim[1], "age");
	else if (shape == 3)
		make_crossed(&w->dim[1], "area");
	else if (shape == 4)
		make_views(&w->dim[1], "measure");
	else {
		make_flat(&w->dim[1], "sex", 2);
		make_flat(&w->dim[2], "kind", 2);
		w->n_dims = 3;
	}
	w->with_views = shape == 4;
	w->n_unknowns = 1;
	for (int d = 0; d < w->n_dims; d++)
		w->n_unknowns *= w->dim[d].n_leaves;
	make_truth(w, r);
	make_cells(w);
}

static void make_params(struct world *w, struct rng *r)
{
	struct policy_params *p = &w->params;
	*p = policy_params_default();
	p->threshold = 3 + draw(r, 3);
	p->width = 1 + draw(r, 3);
	p->zeros = (enum zeros_rule)draw(r, 3);
	p->group_min = draw(r, 2) == 0 ? 0 : 3;
	p->hidden_sum_min = draw(r, 2) == 0 ? 0 : UINT32_MAX;
	p->effort = draw(r, 2) * 20;
	p->price_value = draw(r, 2);
	p->residual = (enum residual_rule)draw(r, 3);
}

/* ---- to the engine and back ---- */

static struct table_input *to_input(const struct world *w)
{
	struct err e = { 0 };
	struct table_input *t = table_new();
	assert_non_null(t);
	for (int d = 0; d < w->n_dims; d++) {
		assert_true(table_add_dimension(t, w->dim[d].name, 0, &e));
		for (int i = 0; i < w->dim[d].n_lines; i++)
			if (!table_add_code(t, w->dim[d].line[i].level, w->dim[d].line[i].code, 0, UINT32_MAX,
				w->dim[d].line[i].view, 0, &e))
				fail_msg("%s", e.text);
	}
	for (int u = 0; u < w->n_unknowns; u++) {
		const char *code[DIMS_MAX];
		int rest = u;
		for (int d = w->n_dims - 1; d >= 0; d--) {
			int leaf = rest % w->dim[d].n_leaves;
			rest /= w->dim[d].n_leaves;
			for (int c = 0; c < w->dim[d].n_codes; c++)
				if (w->dim[d].code[c].leaf && w->dim[d].code[c].leaves == 1u << leaf)
					code[d] = w->dim[d].code[c].name;
		}
		assert_true(table_add_cell(t, code, NULL, w->structural[u] ? CELL_STRUCTURAL : CELL_VALUE,
		    (uint64_t)w->truth[u], 0, &e));
	}
	for (int d = 0; w->margins_only && d < w->n_dims; d++) {
		const char *codes[DIMS_MAX] = { NULL };
		codes[d] = "*";
		assert_true(table_add_printed(t, w->dim[d].name, codes, 0, &e));
	}
	if (!table_finish(t, &e))
		fail_msg("%s", e.text);
	return t;
}

static void read_states(struct world *w, const struct release_result *r)
{
	for (int i = 0; i < w->n_cells; i++) {
		const char *code[DIMS_MAX];
		uint64_t value = 0;
		for (int d = 0; d < w->n_dims; d++)
			code[d] = w->dim[d].code[w->cell[i].code[d]].name;
		bool found = safe_table_find(r->table, code, &w->cell[i].state, &value);
		assert_true(found || w->margins_only);
		if (!found)
			w->cell[i].state = '-';
		if (w->cell[i].state == MARK_PUBLISHED)
			assert_int_equal(value, w->cell[i].value);
		else
			assert_int_equal(value, 0);
	}
}

/* ---- the attack ---- */

static void make_limits(struct world *w, uint32_t floor)
{
	w->n_limits = 0;
	for (int i = 0; i < w->n_cells; i++) {
		const struct tcell *c = &w->cell[i];
		if (c->state == '-')
			continue;
		if (c->state == MARK_HIDDEN)
			add_limit(w, c->mask, 0, floor, INT64_MAX / 4);
		else
			add_limit(w, c->mask, 0, c->value, c->value);
	}
	/* the second view adds up to the same base, at each combination of the other leaves */
	for (int u = 0; w->with_views && u < w->n_unknowns; u += 4)
		add_limit(w, 3u << u, 12u << u, 0, 0);
}

struct attack {
	struct world *w;
	int attacker; /* office leaf, or -1 the public */
	uint32_t fixed;
	int64_t x[UNKNOWNS_MAX];
	int64_t cap;
	uint64_t nodes, tables;
	int64_t extra_mask[CELLS_MAX];
};

static bool still_fits(const struct attack *a, int upto)
{
	uint32_t done = upto >= 32 ? UINT32_MAX : (1u << upto) - 1;
	for (int i = 0; i < a->w->n_limits; i++) {
		const struct limit *l = &a->w->limit[i];
		if (((l->plus | l->minus) >> (upto - 1) & 1) == 0)
			continue;
		int64_t sum = sum_of(a->w, a->x, l->plus & done) - sum_of(a->w, a->x, l->minus & done);
		bool complete = ((l->plus | l->minus) & ~done) == 0;
		if ((l->minus & ~done) == 0 && sum > l->hi)
			return false;
		if (complete && sum < l->lo)
			return false;
		if ((l->plus & ~done) == 0 && sum < l->lo)
			return false;
	}
	return true;
}

static void note_table(struct attack *a, int slot)
{
	a->tables++;
	for (int i = 0; i < a->w->n_cells; i++) {
		struct tcell *c = &a->w->cell[i];
		int64_t v = sum_of(a->w, a->x, c->mask);
		c->least[slot] = v < c->least[slot] ? v : c->least[slot];
		c->most[slot] = v > c->most[slot] ? v : c->most[slot];
	}
}

/* All values of unknown u and those after it. Depth is the number of unknowns. */
static void enumerate(struct attack *a, int u, int slot)
{
	if (++a->nodes > NODES_MAX)
		return;
	if (u == a->w->n_unknowns) {
		note_table(a, slot);
		return;
	}
	bool known = (a->fixed >> u & 1) != 0;
	int64_t from = known ? a->w->truth[u] : 0;
	int64_t to = known ? a->w->truth[u] : a->cap;
	for (a->x[u] = from; a->x[u] <= to && a->nodes <= NODES_MAX; a->x[u]++)
		if (still_fits(a, u + 1))
			enumerate(a, u + 1, slot);
}

/* False: too many tables to count them all. */
static bool run_attack(struct world *w, int office, int slot)
{
	struct attack *a = calloc(1, sizeof *a);
	int per_office = w->n_unknowns / w->dim[0].n_leaves;
	assert_non_null(a);
	a->w = w;
	for (int i = 0; i < w->n_cells; i++) {
		w->cell[i].least[slot] = INT64_MAX;
		w->cell[i].most[slot] = -1;
	}
	for (int u = 0; u < w->n_unknowns; u++) {
		if ((office >= 0 && u / per_office == office) || w->structural[u])
			a->fixed |= 1u << u;
		if (w->truth[u] > a->cap)
			a->cap = w->truth[u];
	}
	a->cap += w->params.threshold + w->params.width + 1;
	enumerate(a, 0, slot);
	bool complete = a->nodes <= NODES_MAX;
	if (complete)
		assert_true(a->tables > 0);
	free(a);
	return complete;
}

static int64_t larger(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

static bool small(const struct policy_params *p, int64_t v)
{
	return v == 0 ? p->zeros == ZEROS_SENSITIVE : v < (int64_t)p->threshold;
}

/* Is the cell as wide for this attacker as the rules ask? own: what of it is the attacker's. */
static void check_cell(const struct world *w, const struct tcell *c, int slot, int64_t own, uint32_t own_mask,
    enum zeros_rule zeros)
{
	int64_t k = w->params.threshold;
	int64_t rest = c->value - own;
	struct policy_params p = w->params;
	uint32_t live = 0;
	p.zeros = zeros;
	for (int u = 0; u < w->n_unknowns; u++)
		live |= (c->mask >> u & 1) != 0 && !w->structural[u] ? 1u << u : 0;
	if (c->state == '-')
		return;
	bool sensitive = small(&p, c->value);
	bool residual = own_mask != 0 && rest >= 1 && rest < k && p.residual != RESIDUAL_NO;
	if (p.residual == RESIDUAL_ZEROS && own_mask != 0 && rest == 0 && c->value > 0)
		residual = true;
	if (!sensitive && !residual)
		return;
	if ((live & ~own_mask) == 0)
		return; /* the attacker owns all of it */
	if (c->value > 0 && rest == 0 && p.residual != RESIDUAL_ZEROS)
		return;
	assert_int_equal(c->state, MARK_HIDDEN);
	if (c->most[slot] < own + larger(k, rest + (int64_t)w->params.width))
		fail_msg("a cell stays narrow: value %d own %d most %d", (int)c->value, (int)own,
		    (int)c->most[slot]);
}

static void attack_all(struct world *w, int level, enum zeros_rule zeros, unsigned *complete)
{
	int public = w->dim[0].n_leaves;
	int per_office = w->n_unknowns / w->dim[0].n_leaves;
	if (run_attack(w, -1, public)) {
		(*complete)++;
		for (int i = 0; i < w->n_cells; i++)
			check_cell(w, &w->cell[i], public, 0, 0, zeros);
	}
	for (int o = 0; level >= 3 && o < public; o++) {
		uint32_t own = ((1u << per_office) - 1) << (o * per_office);
		if (!run_attack(w, o, o))
			continue;
		(*complete)++;
		for (int i = 0; i < w->n_cells; i++)
			check_cell(w, &w->cell[i], o, sum_of(w, w->truth, w->cell[i].mask & own), own, zeros);
	}
}

static void test_random_tables(void **state)
{
	struct rng r = { seed_of_run() };
	struct world *w = malloc(sizeof *w);
	unsigned released = 0;
	unsigned refused = 0;
	unsigned complete = 0;
	(void)state;
	assert_non_null(w);
	int cases = cases_of_run(120);
	for (int i = 0; i < cases; i++) {
		struct err e = { 0 };
		struct release_result *out = NULL;
		struct release_options o = { .level = (enum guarantee)(2 + draw(&r, 2)) };
		uint8_t key[32] = { (uint8_t)i };
		make_world(w, &r);
		make_params(w, &r);
		w->margins_only = draw(&r, 4) == 0;
		if (draw(&r, 4) == 0)
			for (int u = 0; u < w->n_unknowns; u++)
				w->structural[u] = !w->with_views && w->truth[u] == 0 && draw(&r, 2) == 0;
		struct table_input *t = to_input(w);
		if (!release_build(t, &w->params, key, &o, &out, &e))
			fail_msg("table %d: %s", i, e.text);
		if (out->refusal == REFUSAL_NONE) {
			enum zeros_rule zeros = w->params.zeros;
			released++;
			if (out->summary.last_step == LADDER_CAMOUFLAGE)
				zeros = ZEROS_CAMOUFLAGE;
			read_states(w, out);
			make_limits(w, out->summary.floor);
			attack_all(w, (int)o.level, zeros, &complete);
		} else {
			refused++;
		}
		release_result_free(out);
		table_free(t);
	}
	printf("released %u, refused %u, attacks counted out %u\n", released, refused, complete);
	assert_true(2 * released > (unsigned)cases);
	free(w);
}

/* Same bytes for the same input, whatever the order of the cells; another key may choose otherwise. */
static void test_same_bytes(void **state)
{
	struct rng r = { seed_of_run() };
	struct world *w = malloc(sizeof *w);
	(void)state;
	assert_non_null(w);
	for (int i = 0; i < 20; i++) {
		struct err e = { 0 };
		struct release_result *one = NULL;
		struct release_result *two = NULL;
		uint8_t key[32] = { 7 };
		make_world(w, &r);
		make_params(w, &r);
		struct table_input *t = to_input(w);
		struct table_input *u = to_input(w);
		assert_true(release_build(t, &w->params, key, NULL, &one, &e));
		assert_true(release_build(u, &w->params, key, NULL, &two, &e));
		const struct buf *a[] = { &one->result_csv, &one->certificate, &one->auditor, &one->manifest,
			&one->explain_csv };
		const struct buf *b[] = { &two->result_csv, &two->certificate, &two->auditor, &two->manifest,
			&two->explain_csv };
		assert_int_equal(one->refusal, two->refusal);
		for (int j = 0; j < 5; j++) {
			assert_int_equal(a[j]->size, b[j]->size);
			if (a[j]->size > 0)
				assert_memory_equal(a[j]->data, b[j]->data, a[j]->size);
		}
		release_result_free(one);
		release_result_free(two);
		table_free(t);
		table_free(u);
	}
	free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random_tables),
		cmocka_unit_test(test_same_bytes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
