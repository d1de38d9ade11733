/* L1 on random tables: what follows exactly from a release is found here by elimination over the unknowns (inner
 * cells), where the engine works with cells and relations. Every small count and every small rest of a group must be
 * left open, nothing may be hidden in vain, and a refusal must be one that no pattern could have avoided. */
#include "policy/release.h"
#include "random.h"

#define PRIME        1000003u
#define CODES_MAX    10
#define UNKNOWNS_MAX 120
#define CELLS_MAX    400

/* A dimension: a total, groups, and leaves below them or straight below the total. */
struct dimension {
	int n_codes, n_leaves;
	unsigned level[CODES_MAX];
	unsigned leaves[CODES_MAX]; /* bits */
	char name[CODES_MAX][4];
};

struct world {
	int n_dims;
	struct dimension dim[3];
	int n_unknowns, n_cells;
	int64_t count[UNKNOWNS_MAX];
	int64_t value[CELLS_MAX];
	uint8_t below[CELLS_MAX][UNKNOWNS_MAX];
	char state[CELLS_MAX];
	bool forced[CELLS_MAX]; /* must be printed */
};

static void put_code(struct dimension *d, unsigned level, unsigned leaves)
{
	int i = d->n_codes++;
	d->level[i] = level;
	d->leaves[i] = leaves;
	snprintf(d->name[i], sizeof d->name[i], "%c%d", level == 1 ? 't' : 'c', i);
}

static void make_dimension(struct dimension *d, struct rng *r, bool nested)
{
	memset(d, 0, sizeof *d);
	put_code(d, 1, 0);
	int groups = nested ? 2 : 1;
	for (int g = 0; g < groups; g++) {
		int parent = d->n_codes;
		int n = 2 + (int)draw(r, 2);
		if (nested)
			put_code(d, 2, 0);
		for (int i = 0; i < n; i++) {
			unsigned bit = 1u << d->n_leaves++;
			put_code(d, nested ? 3 : 2, bit);
			d->leaves[0] |= bit;
			if (nested)
				d->leaves[parent] |= bit;
		}
	}
}

/* Codes of cell i, last dimension fastest; likewise for unknowns, counting leaves. */
static void codes_of(const struct world *w, int cell, int code[3])
{
	for (int d = w->n_dims - 1; d >= 0; d--) {
		code[d] = cell % w->dim[d].n_codes;
		cell /= w->dim[d].n_codes;
	}
}

static void leaves_of(const struct world *w, int unknown, int leaf[3])
{
	for (int d = w->n_dims - 1; d >= 0; d--) {
		leaf[d] = unknown % w->dim[d].n_leaves;
		unknown /= w->dim[d].n_leaves;
	}
}

static void make_world(struct world *w, struct rng *r)
{
	w->n_dims = 2 + (int)draw(r, 2);
	w->n_unknowns = w->n_cells = 1;
	for (int d = 0; d < w->n_dims; d++) {
		make_dimension(&w->dim[d], r, d < 2 && draw(r, 2) == 0);
		w->n_unknowns *= w->dim[d].n_leaves;
		w->n_cells *= w->dim[d].n_codes;
	}
	assert_true(w->n_unknowns <= UNKNOWNS_MAX && w->n_cells <= CELLS_MAX);
	bool sparse = draw(r, 3) == 0; /* some of these have no pattern */
	uint32_t most = 4 + draw(r, 20);
	for (int u = 0; u < w->n_unknowns; u++)
		w->count[u] =
		    sparse ? (draw(r, 8) == 0) * draw(r, 9) : (draw(r, 3) == 0 ? draw(r, 3) : draw(r, most));
	memset(w->below, 0, sizeof w->below);
	for (int c = 0; c < w->n_cells; c++) {
		int code[3];
		int leaf[3];
		codes_of(w, c, code);
		w->value[c] = 0;
		for (int u = 0; u < w->n_unknowns; u++) {
			bool in = true;
			leaves_of(w, u, leaf);
			for (int d = 0; d < w->n_dims; d++)
				in = in && (w->dim[d].leaves[code[d]] >> leaf[d] & 1) != 0;
			w->below[c][u] = in;
			w->value[c] += in ? w->count[u] : 0;
		}
	}
}

static int code_of_leaf(const struct dimension *d, int leaf)
{
	int code = 0;
	for (int i = 0; i < d->n_codes; i++)
		if (d->leaves[i] == 1u << leaf && d->level[i] > d->level[code])
			code = i;
	return code;
}

static struct table_input *to_input(const struct world *w)
{
	struct err e = { 0 };
	static const char *const name[] = { "a", "b", "c" };
	struct table_input *t = table_new();
	assert_non_null(t);
	for (int d = 0; d < w->n_dims; d++) {
		assert_true(table_add_dimension(t, name[d], 0, &e));
		for (int i = 0; i < w->dim[d].n_codes; i++)
			assert_true(table_add_code(
			    t, w->dim[d].level[i], w->dim[d].name[i], 0, UINT32_MAX, false, 0, &e));
	}
	for (int u = 0; u < w->n_unknowns; u++) {
		const char *code[3];
		int leaf[3];
		leaves_of(w, u, leaf);
		for (int d = 0; d < w->n_dims; d++)
			code[d] = w->dim[d].name[code_of_leaf(&w->dim[d], leaf[d])];
		assert_true(table_add_cell(t, code, NULL, CELL_VALUE, (uint64_t)w->count[u], 0, &e));
	}
	for (int c = 0; c < w->n_cells; c++) {
		const char *code[3];
		int at[3];
		codes_of(w, c, at);
		for (int d = 0; d < w->n_dims; d++)
			code[d] = w->dim[d].name[at[d]];
		assert_true(!w->forced[c] || table_add_forced(t, code, 0, &e));
	}
	if (!table_finish(t, &e))
		fail_msg("%s", e.text);
	return t;
}

/* ---- the attacker: rows over the unknowns, modulo a prime ---- */

struct known {
	uint32_t row[UNKNOWNS_MAX][UNKNOWNS_MAX]; /* by pivot; row[u][u] is 1 where has[u] */
	bool has[UNKNOWNS_MAX];
};

static uint32_t inverse(uint32_t a)
{
	uint64_t result = 1;
	uint64_t base = a;
	for (uint32_t power = PRIME - 2; power != 0; power >>= 1) {
		if ((power & 1) != 0)
			result = result * base % PRIME;
		base = base * base % PRIME;
	}
	return (uint32_t)result;
}

/* What is left of v when all that is known is taken off; true if nothing is. */
static bool reduces(const struct known *k, int n, uint32_t *v)
{
	bool nothing = true;
	for (int u = 0; u < n; u++) {
		uint64_t factor = k->has[u] ? v[u] : 0;
		for (int i = u; factor != 0 && i < n; i++)
			v[i] = (uint32_t)((v[i] + (PRIME - factor) * k->row[u][i]) % PRIME);
		nothing = nothing && v[u] == 0;
	}
	return nothing;
}

static void learn(struct known *k, int n, uint32_t *v)
{
	if (reduces(k, n, v))
		return;
	int u = 0;
	while (v[u] == 0)
		u++;
	uint64_t unit = inverse(v[u]);
	for (int i = 0; i < n; i++)
		k->row[u][i] = (uint32_t)(v[i] * unit % PRIME);
	k->has[u] = true;
}

/* The cell less another (-1: nothing), as a row. */
static void row_of(const struct world *w, int cell, int less, uint32_t *v)
{
	for (int u = 0; u < w->n_unknowns; u++)
		v[u] = (w->below[cell][u] + (less >= 0 && w->below[less][u] != 0 ? PRIME - 1 : 0)) % PRIME;
}

/* What is printed; at_least: what would be if everything were hidden that may be. */
static void learn_printed(const struct world *w, struct known *k, bool at_least, bool hides_zeros)
{
	uint32_t v[UNKNOWNS_MAX];
	memset(k, 0, sizeof *k);
	for (int c = 0; c < w->n_cells; c++) {
		if (at_least ? !w->forced[c] && (w->value[c] != 0 || hides_zeros) : w->state[c] == 'H')
			continue;
		row_of(w, c, -1, v);
		learn(k, w->n_unknowns, v);
	}
}

static bool is_known(const struct world *w, const struct known *k, int cell, int less)
{
	uint32_t v[UNKNOWNS_MAX];
	row_of(w, cell, less, v);
	return reduces(k, w->n_unknowns, v);
}

/* ---- what must be open ---- */

/* Children of base in dimension d: the codes one level below, until the next of its own level. */
static bool is_child(const struct world *w, int base, int child)
{
	int a[3];
	int b[3];
	int differs = -1;
	codes_of(w, base, a);
	codes_of(w, child, b);
	for (int d = 0; d < w->n_dims; d++) {
		if (a[d] == b[d])
			continue;
		if (differs >= 0)
			return false;
		differs = d;
	}
	if (differs < 0)
		return false;
	const struct dimension *d = &w->dim[differs];
	return d->level[b[differs]] == d->level[a[differs]] + 1 &&
	       (d->leaves[b[differs]] & ~d->leaves[a[differs]]) == 0;
}

/* Something protected follows exactly. */
static bool gives_away(const struct world *w, const struct policy_params *p, const struct known *k)
{
	for (int c = 0; c < w->n_cells; c++) {
		int64_t v = w->value[c];
		bool small = (v >= 1 && v < p->threshold) || (v == 0 && p->zeros == ZEROS_SENSITIVE);
		if (small && is_known(w, k, c, -1))
			return true;
		for (int j = 0; p->group_min > 0 && v >= p->group_min && j < w->n_cells; j++) {
			int64_t rest = v - w->value[j];
			if (rest >= 1 && rest < p->threshold && is_child(w, c, j) && is_known(w, k, c, j))
				return true;
		}
	}
	return false;
}

static void read_states(struct world *w, struct release_result *out)
{
	struct safe_row row;
	size_t i = 0;
	assert_int_equal(safe_table_rows(out->table), (size_t)w->n_cells);
	for (int c = 0; c < w->n_cells; c++) {
		safe_table_row(out->table, i++, &row);
		w->state[c] = row.state;
	}
}

/* Would the pattern still do with this cell printed? */
static bool in_vain(const struct world *w, const struct policy_params *p, int cell)
{
	struct known k;
	uint32_t v[UNKNOWNS_MAX];
	learn_printed(w, &k, false, false);
	row_of(w, cell, -1, v);
	learn(&k, w->n_unknowns, v);
	return !gives_away(w, p, &k);
}

static bool is_secondary(const struct world *w, const struct policy_params *p, int cell)
{
	return w->state[cell] == 'H' && w->value[cell] >= (int64_t)p->threshold;
}

static void check_release(struct world *w, const struct policy_params *p, struct release_result *out, int i)
{
	struct known k;
	bool camouflaged = out->summary.last_step == LADDER_CAMOUFLAGE;
	read_states(w, out);
	learn_printed(w, &k, false, false);
	for (int c = 0; c < w->n_cells; c++) {
		bool small = w->value[c] >= 1 && w->value[c] < (int64_t)p->threshold;
		assert_true(!small || w->state[c] == 'H');
		assert_true(
		    w->value[c] != 0 || p->zeros != ZEROS_PUBLISHED || camouflaged || w->state[c] == 'P');
	}
	if (gives_away(w, p, &k))
		fail_msg("table %d: something protected can be computed", i);
	/* full groups protect bases or noughts, which is not asked for here */
	for (int c = 0; c < w->n_cells && p->group_min == 0; c++)
		if (is_secondary(w, p, c) && in_vain(w, p, c))
			fail_msg("table %d: cell %d is hidden in vain", i, c);
}

static void test_random_tables(void **state)
{
	struct rng r = { seed_of_run() };
	struct world *w = malloc(sizeof *w);
	unsigned released = 0;
	unsigned secondary = 0;
	(void)state;
	assert_non_null(w);
	for (int i = 0; i < 300; i++) {
		struct err e = { 0 };
		struct release_result *out = NULL;
		struct release_options o = { .level = LEVEL_1 };
		struct policy_params p = policy_params_default();
		uint8_t key[32] = { (uint8_t)i };
		struct known k;
		make_world(w, &r);
		p.threshold = 3 + draw(&r, 3);
		p.zeros = (enum zeros_rule)draw(&r, 3);
		p.group_min = draw(&r, 2) == 0 ? 0 : 3;
		p.hidden_sum_min = 0;
		p.offices = false;
		p.effort = draw(&r, 2) * 5;
		p.redundancy_permille = 0; /* such cells are hidden in vain, on purpose */
		p.ladder[0] = LADDER_END;
		uint32_t one_in = p.group_min == 0 && draw(&r, 2) == 0 ? 1 + draw(&r, 4) : UINT32_MAX;
		for (int c = 0; c < w->n_cells; c++)
			w->forced[c] = w->value[c] >= (int64_t)p.threshold && draw(&r, one_in) == 0;
		struct table_input *t = to_input(w);
		if (!release_build(t, &p, key, &o, &out, &e))
			fail_msg("table %d: %s", i, e.text);
		if (out->refusal == REFUSAL_NONE) {
			check_release(w, &p, out, i);
			released++;
			secondary += out->summary.secondary > 0;
		} else if (p.group_min == 0) {
			learn_printed(w, &k, true, p.zeros != ZEROS_PUBLISHED);
			assert_true(gives_away(w, &p, &k));
		}
		release_result_free(out);
		table_free(t);
	}
	printf("released %u, with further cells hidden %u\n", released, secondary);
	assert_true(released > 100 && released < 300 && secondary > 50);
	free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_random_tables) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
