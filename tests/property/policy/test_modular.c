/* What follows exactly from equations (echelon.c, equations.c, modular.c), against a plain elimination of a full matrix that
 * shares nothing with them: random systems whose coefficients soon leave 1 and -1, and random patterns of random tables. */
#include "policy/modular.h"
#include "random.h"

#define SYSTEMS     400
#define PATTERNS    150
#define LEAVES_MAX  6u
#define PLAIN_PRIME UINT64_C(2305843009213693951)

/* ---- the plain way ---- */

__extension__ typedef unsigned __int128 wide;

struct matrix {
	uint32_t rows, columns, room;
	uint64_t *at; /* modulo PLAIN_PRIME */
};

static uint64_t multiply(uint64_t a, uint64_t b)
{
	return (uint64_t)((wide)a * b % PLAIN_PRIME);
}

static uint64_t *row_of(const struct matrix *m, uint32_t row)
{
	return m->at + (size_t)row * m->columns;
}

static uint64_t *new_row(struct matrix *m)
{
	if (m->rows == m->room) {
		m->room = m->room * 2 + 16;
		m->at = realloc(m->at, (size_t)m->room * m->columns * sizeof *m->at);
		assert_non_null(m->at);
	}
	return memset(row_of(m, m->rows++), 0, m->columns * sizeof *m->at);
}

static uint64_t one_over(uint64_t a)
{
	uint64_t result = 1;
	for (uint64_t power = PLAIN_PRIME - 2; power != 0; power >>= 1, a = multiply(a, a))
		if ((power & 1) != 0)
			result = multiply(result, a);
	return result;
}

static void clear_column(const struct matrix *m, uint32_t pivot, uint32_t column)
{
	uint64_t *p = row_of(m, pivot);
	uint64_t unit = one_over(p[column]);
	for (uint32_t c = 0; c < m->columns; c++)
		p[c] = multiply(p[c], unit);
	for (uint32_t i = 0; i < m->rows; i++) {
		uint64_t *r = row_of(m, i);
		uint64_t factor = r[column];
		for (uint32_t c = 0; i != pivot && factor != 0 && c < m->columns; c++)
			r[c] = (r[c] + multiply(PLAIN_PRIME - factor, p[c])) % PLAIN_PRIME;
	}
}

/* Fully reduced; a column follows if a row holds nothing else. */
static void plain_follows(const struct matrix *m, uint8_t *follows)
{
	uint32_t rank = 0;
	memset(follows, 0, m->columns);
	for (uint32_t c = 0; c < m->columns && rank < m->rows; c++) {
		uint32_t i = rank;
		while (i < m->rows && row_of(m, i)[c] == 0)
			i++;
		if (i == m->rows)
			continue;
		for (uint32_t k = 0; k < m->columns; k++) {
			uint64_t swap = row_of(m, i)[k];
			row_of(m, i)[k] = row_of(m, rank)[k];
			row_of(m, rank)[k] = swap;
		}
		clear_column(m, rank++, c);
	}
	for (uint32_t i = 0; i < rank; i++) {
		uint32_t n = 0;
		uint32_t last = 0;
		for (uint32_t c = 0; c < m->columns; c++)
			if (row_of(m, i)[c] != 0) {
				last = c;
				n++;
			}
		follows[last] |= n == 1;
	}
}

/* ---- random systems ---- */

static void add_random_row(
    struct rng *r, struct echelon *x, struct matrix *m, struct matrix *kept, uint32_t density)
{
	uint32_t item[64];
	uint32_t n = 0;
	uint64_t *plain = new_row(m);
	uint64_t *again = new_row(kept);
	for (uint32_t c = 0; c < m->columns; c++) {
		if (draw(r, 100) >= density)
			continue;
		bool minus = draw(r, 2) == 0;
		item[n++] = echelon_item(x, c, minus ? -1 : 1);
		plain[c] = again[c] = minus ? PLAIN_PRIME - 1 : 1;
	}
	if (n > 0)
		assert_true(echelon_add(x, item, n));
}

static void check_solution(const struct matrix *kept, const uint64_t *u, const uint8_t *follows)
{
	for (uint32_t i = 0; i < kept->rows; i++) {
		uint64_t sum = 0;
		for (uint32_t c = 0; c < kept->columns; c++)
			sum = (sum + multiply(row_of(kept, i)[c], u[c])) % PLAIN_PRIME;
		assert_true(sum == 0);
	}
	for (uint32_t c = 0; c < kept->columns; c++)
		assert_int_equal(u[c] == 0, follows[c]);
}

static void check_system(struct rng *r, uint32_t *left, uint32_t *solved)
{
	static const uint8_t seed[16] = { 3 };
	struct matrix m = { .columns = 1 + draw(r, 40) };
	struct matrix kept = { .columns = m.columns };
	struct echelon x;
	uint8_t follows[64];
	uint64_t u[64];
	uint32_t rows = draw(r, m.columns + 6);
	uint32_t density = 3 + draw(r, 40);
	assert_true(echelon_init(&x, m.columns, draw(r, 2) == 0 ? ECHELON_BITS_MIN : ECHELON_BITS));
	for (uint32_t i = 0; i < rows; i++)
		add_random_row(r, &x, &m, &kept, density);
	assert_true(echelon_solve(&x, ECHELON_ALL));
	*left += x.n_left;
	*solved += x.n_pivots;
	plain_follows(&m, follows);
	assert_true(modular_solution(&x, MODULAR_PRIME_1, seed, u));
	check_solution(&kept, u, follows);
	assert_true(modular_solution(&x, MODULAR_PRIME_2, seed, u));
	for (uint32_t c = 0; c < m.columns; c++)
		assert_int_equal(u[c] == 0, follows[c]);
	echelon_free(&x);
	free(m.at);
	free(kept.at);
}

static void test_systems(void **state)
{
	(void)state;
	struct rng r = { seed_of_run() };
	uint32_t left = 0;
	uint32_t solved = 0;
	for (int i = 0; i < SYSTEMS; i++)
		check_system(&r, &left, &solved);
	printf("equations solved in whole numbers %u, left %u\n", solved, left);
	assert_true(left > SYSTEMS / 4 && solved > 4 * SYSTEMS);
}

/* ---- random patterns ---- */

/* A total, groups or none, sometimes a view; the leaves' names into leaf. */
static uint32_t add_dimension(struct table_input *t, struct rng *r, const char *name, char leaf[][8])
{
	struct err e = { 0 };
	uint32_t n = 0;
	uint32_t groups = 1 + draw(r, 2);
	assert_true(table_add_dimension(t, name, 0, &e));
	assert_true(table_add_code(t, 1, "_T", 0, UINT32_MAX, false, 0, &e));
	for (uint32_t g = 0; g < groups; g++) {
		char code[8];
		snprintf(code, sizeof code, "g%u", g);
		if (groups > 1)
			assert_true(table_add_code(t, 2, code, 0, UINT32_MAX, false, 0, &e));
		for (uint32_t i = 2 + draw(r, 2); i > 0; i--) {
			snprintf(leaf[n], sizeof leaf[n], "c%u", n);
			assert_true(
			    table_add_code(t, groups > 1 ? 3 : 2, leaf[n++], 0, UINT32_MAX, false, 0, &e));
		}
	}
	if (draw(r, 2) == 0) { /* the same leaves, grouped in another way */
		assert_true(table_add_code(t, 1, "_T", 0, UINT32_MAX, false, 0, &e));
		for (uint32_t i = 0; i < 2; i++) {
			assert_true(table_add_code(t, 2, i == 0 ? "h0" : "h1", 0, UINT32_MAX, false, 0, &e));
			for (uint32_t k = i; k < n; k += 2)
				assert_true(table_add_code(t, 3, leaf[k], 0, UINT32_MAX, false, 0, &e));
		}
	}
	return n;
}

static struct table_input *make_table(struct rng *r)
{
	static const char *const name[] = { "a", "b", "c" };
	char leaf[3][LEAVES_MAX][8];
	uint32_t n[3] = { 1, 1, 1 };
	uint32_t dims = 2 + (draw(r, 4) == 0);
	struct err e = { 0 };
	struct table_input *t = table_new();
	assert_non_null(t);
	for (uint32_t d = 0; d < dims; d++)
		n[d] = add_dimension(t, r, name[d], leaf[d]);
	for (uint32_t i = 0; i < n[0] * n[1] * n[2]; i++) {
		const char *code[] = { leaf[0][i % n[0]], leaf[1][i / n[0] % n[1]],
			leaf[2][i / n[0] / n[1] % n[2]] };
		assert_true(table_add_cell(t, code, NULL, CELL_VALUE, 1, 0, &e));
	}
	if (!table_finish(t, &e))
		fail_msg("%s", e.text);
	return t;
}

/* All relations among the cells that are loose, a column a cell. */
static void plain_matrix(const struct grid *g, struct matrix *m)
{
	struct relation_walk w;
	struct relation r;
	m->columns = g->n_cells;
	relation_begin(&w, g);
	while (relation_next(&w, &r)) {
		uint64_t *row = new_row(m);
		if (grid_loose(g, r.parent))
			row[r.parent] = PLAIN_PRIME - 1;
		for (uint32_t j = 0; j < r.b->n; j++)
			row[relation_child(g, &r, j)] = grid_loose(g, relation_child(g, &r, j));
	}
}

static uint32_t check_pattern(struct grid *g)
{
	static const uint8_t seed[16] = { 5 };
	static const uint64_t prime[] = { MODULAR_PRIME_1, MODULAR_PRIME_2 };
	struct err e = { 0 };
	struct matrix m = { 0 };
	struct equations q;
	uint32_t found = 0;
	uint8_t *follows = malloc(g->n_cells);
	uint64_t *u = malloc(g->n_cells * sizeof *u);
	assert_true(follows != NULL && u != NULL);
	plain_matrix(g, &m);
	plain_follows(&m, follows);
	assert_true(equations_solve(&q, g, ECHELON_ALL));
	for (int k = 0; k < 2; k++) {
		if (!modular_null(&q, prime[k], seed, u, &e))
			fail_msg("%s", e.text);
		for (uint32_t c = 0; c < g->n_cells; c++) {
			assert_int_equal(u[c] == 0, !grid_loose(g, c) || follows[c] != 0);
			found += k == 0 && follows[c];
		}
	}
	equations_free(&q);
	free(follows);
	free(u);
	free(m.at);
	return found;
}

static void test_patterns(void **state)
{
	(void)state;
	static const uint8_t key[32] = { 0 };
	struct rng r = { seed_of_run() };
	uint32_t found = 0;
	for (int i = 0; i < PATTERNS; i++) {
		struct policy_params params = policy_params_default();
		struct err e = { 0 };
		struct grid g;
		struct table_input *t = make_table(&r);
		uint32_t share = 10 + draw(&r, 60);
		params.offices = false;
		if (!grid_init(&g, t, &params, key, &e))
			fail_msg("%s", e.text);
		for (uint32_t c = 0; c < g.n_cells; c++)
			g.frozen[c] = draw(&r, 100) < share;
		found += check_pattern(&g);
		grid_free(&g);
		table_free(t);
	}
	printf("cells that follow: %u\n", found);
	assert_true(found > PATTERNS);
}

int main(void)
{
	static const struct CMUnitTest tests[] = { cmocka_unit_test(test_systems),
		cmocka_unit_test(test_patterns) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
