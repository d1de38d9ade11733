/* The L1 patterns of ranks.c on random tables, from both of its beginnings: everything hidden, or two cells a relation.
 * Elimination (modular.c; test_modular.c holds it against a plain one) says that nothing protected follows,
 * that nothing is hidden in vain, and that what a hidden cell is said to be there for follows once it is shown. */
#include "policy/modular.h"
#include "policy/moves.h"
#include "policy/primary.h"
#include "policy/ranks.h"
#include "policy/whole.h"
#include "random.h"

#define TABLES     60
#define LEAVES_MAX 9u

/* A total, one to three groups, two or three leaves in each; the leaves' names into leaf. */
static uint32_t add_dimension(struct table_input *t, struct rng *r, const char *name, char leaf[][8])
{
	struct err e = { 0 };
	uint32_t n = 0;
	uint32_t groups = 1 + draw(r, 3);
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
	return n;
}

static struct table_input *make_table(struct rng *r)
{
	static const char *const name[] = { "a", "b", "c" };
	char leaf[3][LEAVES_MAX][8];
	uint32_t n[3] = { 1, 1, 1 };
	uint32_t dims = 2 + draw(r, 2);
	struct err e = { 0 };
	struct table_input *t = table_new();
	assert_non_null(t);
	for (uint32_t d = 0; d < dims; d++)
		n[d] = add_dimension(t, r, name[d], leaf[d]);
	uint32_t zeros = draw(r, 95);
	for (uint32_t i = 0; i < n[0] * n[1] * n[2]; i++) {
		const char *code[] = { leaf[0][i % n[0]], leaf[1][i / n[0] % n[1]],
			leaf[2][i / n[0] / n[1] % n[2]] };
		uint64_t count = draw(r, 100) < zeros ? 0 : draw(r, 5) == 0 ? draw(r, 5) : 5 + draw(r, 40);
		assert_true(table_add_cell(t, code, NULL, CELL_VALUE, count, 0, &e));
	}
	if (!table_finish(t, &e))
		fail_msg("%s", e.text);
	return t;
}

/* Can what the need is about be worked out, by this null vector? */
static bool follows(const struct grid *g, const struct needs *n, const struct need *need, const uint64_t *u)
{
	uint64_t sum = 0;
	if (need->virt == NONE)
		return u[need->cell] == 0;
	const struct virt *v = &n->virt[need->virt];
	for (uint32_t j = 0; j < v->r.b->n; j++)
		if (virt_holds(g, v, j))
			sum = (sum + u[relation_child(g, &v->r, j)]) % MODULAR_PRIME_1;
	return sum == 0;
}

static uint32_t n_following(const struct grid *g, const struct needs *n, uint64_t *u)
{
	static const uint8_t seed[16] = { 7 };
	struct err e = { 0 };
	uint32_t found = 0;
	struct equations q;
	if (!equations_solve(&q, g, ECHELON_ALL) || !modular_null(&q, MODULAR_PRIME_1, seed, u, &e))
		fail_msg("%s", e.text);
	equations_free(&q);
	for (uint32_t i = 0; i < n->n; i++)
		found += follows(g, n, &n->need[i], u);
	return found;
}

static void check_shown(struct plan *p, uint32_t cell, uint64_t *u)
{
	uint32_t was = p->g->use[cell];
	uint32_t n = 0;
	uint32_t tied = whole_ties(p, cell, &n);
	p->g->use[cell] = 0;
	if (n_following(p->g, p->n, u) == 0)
		fail_msg("cell %u is hidden in vain", cell);
	assert_true(n > 0);
	for (uint32_t i = 0; i < n; i++)
		if (!follows(p->g, p->n, &p->n->need[p->tie[tied + i].need], u))
			fail_msg("cell %u is not there for what it is said to be", cell);
	p->g->use[cell] = was;
}

static void check_pattern(struct plan *p)
{
	const struct grid *g = p->g;
	uint64_t *u = calloc(g->n_cells, sizeof *u);
	assert_non_null(u);
	assert_int_equal(n_following(g, p->n, u), 0);
	for (uint32_t i = 0; i < p->n->n; i++)
		assert_true(need_change(g, p->n, &p->n->need[i], &p->move[p->n->need[i].move]) != 0);
	for (uint32_t c = 0; c < g->n_cells; c++)
		if (g->use[c] != 0 && cell_is_bought(g, c))
			check_shown(p, c, u);
	free(u);
}

/* Serves the table's needs; answers whether it could. */
static bool serve(const struct table_input *t, const struct policy_params *params, bool all, bool *none)
{
	static const uint8_t key[32] = { 0 };
	struct err e = { 0 };
	struct grid g;
	struct needs n = { 0 };
	struct plan p;
	if (!grid_init(&g, t, params, key, &e) || !primary_find(&g, LEVEL_1, &n, &e) ||
	    !plan_init(&p, &g, &n, &e))
		fail_msg("%s", e.text);
	bool ok = ranks_serve_from(&p, all, params->effort);
	assert_false(p.memory_failed);
	*none = p.unserved != NONE;
	if (ok)
		check_pattern(&p);
	plan_free(&p);
	needs_free(&n);
	grid_free(&g);
	return ok;
}

static void test_patterns(void **state)
{
	(void)state;
	struct rng r = { seed_of_run() };
	uint32_t served[2] = { 0, 0 };
	for (int i = 0; i < TABLES; i++) {
		struct policy_params params = policy_params_default();
		bool none[2];
		params.zeros = draw(&r, 2) == 0 ? ZEROS_PUBLISHED : ZEROS_CAMOUFLAGE;
		params.group_min = draw(&r, 2) == 0 ? 0 : 3;
		params.offices = false;
		params.effort = draw(&r, 3);
		struct table_input *t = make_table(&r);
		bool all = serve(t, &params, true, &none[0]);
		bool lines = serve(t, &params, false, &none[1]);
		assert_true(all || none[0]);
		assert_false(none[1]); /* only everything hidden proves that there is no pattern */
		assert_true(all || !lines);
		served[0] += all;
		served[1] += lines;
		table_free(t);
	}
	printf("served from everything %u, from two a relation %u\n", served[0], served[1]);
	assert_true(served[0] > TABLES / 3);
	assert_true(served[1] * 10 >= served[0] * 9);
}

int main(void)
{
	static const struct CMUnitTest tests[] = { cmocka_unit_test(test_patterns) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
