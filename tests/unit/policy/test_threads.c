/* A team does every job once, and any number of threads gives the same bytes. The same program is built a second time for
 * ThreadSanitizer (tests/CMakeLists.txt): there it is about races. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>
#include <sodium.h>

#include "policy/release.h"
#include "policy/team.h"

#define JOBS 1000
#ifdef WATCHED
#	define OFFICES 20 /* it is some ten times slower */
static const unsigned numbers[] = { 2, 4 };
#else
#	define OFFICES 50
static const unsigned numbers[] = { 1, 2, 3, 8 };
#endif

struct tally {
	_Atomic unsigned done[JOBS];
	uint32_t square[JOBS];
	uint32_t n;
};

static void count(void *work, uint32_t job)
{
	struct tally *t = work;
	atomic_fetch_add(&t->done[job], 1);
	for (uint32_t i = 0; i < job; i++) /* jobs of different length */
		t->square[job] += job;
}

static void test_each_job_once(void **state)
{
	static const uint32_t sizes[] = { 0, 1, 2, 7, JOBS };
	(void)state;
	for (unsigned threads = 0; threads <= 5; threads++) {
		struct team *t = threads == 0 ? NULL : team_new(threads);
		assert_true(threads == 0 || t != NULL);
		for (unsigned i = 0; i < 40; i++) {
			struct tally *tally = calloc(1, sizeof *tally);
			assert_non_null(tally);
			tally->n = sizes[i % 5];
			team_run(t, count, tally, tally->n);
			for (uint32_t j = 0; j < JOBS; j++) {
				assert_int_equal(tally->done[j], j < tally->n ? 1 : 0);
				assert_int_equal(tally->square[j], j < tally->n ? j * j : 0);
			}
			free(tally);
		}
		team_free(t);
	}
}

static void test_more_than_there_are(void **state)
{
	(void)state;
	struct team *t = team_new(100 * TEAM_MAX);
	struct tally *tally = calloc(1, sizeof *tally);
	assert_non_null(t);
	assert_non_null(tally);
	team_run(t, count, tally, JOBS);
	for (uint32_t j = 0; j < JOBS; j++)
		assert_int_equal(tally->done[j], 1);
	free(tally);
	team_free(t);
	team_free(NULL);
}

/* ---- releases ---- */

static uint64_t random_state;

static uint32_t draw(uint32_t n)
{
	random_state = random_state * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(random_state >> 33) % n;
}

static void add_tree(
    struct table_input *t, const char *name, char letter, uint32_t groups, uint32_t leaves, struct err *e)
{
	char code[16];
	assert_true(table_add_dimension(t, name, 0, e));
	assert_true(table_add_code(t, 1, "T", 0, UINT32_MAX, false, 0, e));
	for (uint32_t i = 0; i < leaves; i++) {
		if (i % (leaves / groups) == 0 && i / (leaves / groups) < groups) {
			snprintf(code, sizeof code, "%cg%u", letter, i / (leaves / groups));
			assert_true(table_add_code(t, 2, code, 0, UINT32_MAX, false, 0, e));
		}
		snprintf(code, sizeof code, "%c%u", letter, i);
		assert_true(table_add_code(t, 3, code, 0, UINT32_MAX, false, 0, e));
	}
}

/* Counts of up to so many persons, the small ones more often. */
static struct table_input *random_table(uint32_t offices, uint32_t ages, uint32_t causes, uint32_t most)
{
	struct err e = { 0 };
	struct table_input *t = table_new();
	char code[3][16];
	assert_non_null(t);
	add_tree(t, "geo", 'm', 5, offices, &e);
	add_tree(t, "age", 'a', 2, ages, &e);
	add_tree(t, "cause", 'c', 3, causes, &e);
	for (uint32_t i = 0; i < offices * ages * causes; i++) {
		const char *codes[] = { code[0], code[1], code[2] };
		snprintf(code[0], sizeof code[0], "m%u", i / (ages * causes));
		snprintf(code[1], sizeof code[1], "a%u", i / causes % ages);
		snprintf(code[2], sizeof code[2], "c%u", i % causes);
		uint32_t count = draw(1u + draw(most));
		assert_true(table_add_cell(t, codes, NULL, CELL_VALUE, count, 0, &e));
	}
	if (!table_finish(t, &e))
		fail_msg("%s", e.text);
	return t;
}

static struct release_result *release(
    const struct table_input *t, const struct policy_params *p, enum guarantee level, struct team *team)
{
	static const uint8_t key[32] = { 3 };
	struct release_options o = { .level = level, .team = team };
	struct release_result *r = NULL;
	struct err e = { 0 };
	if (!release_build(t, p, key, &o, &r, &e))
		fail_msg("%s", e.text);
	assert_int_equal(r->refusal, REFUSAL_NONE);
	return r;
}

static void same(const struct buf *a, const struct buf *b)
{
	assert_int_equal(a->size, b->size);
	if (a->size > 0)
		assert_memory_equal(a->data, b->data, a->size);
}

static void same_release(const struct release_result *a, const struct release_result *b)
{
	same(&a->result_csv, &b->result_csv);
	same(&a->certificate, &b->certificate);
	same(&a->auditor, &b->auditor);
	same(&a->explain_csv, &b->explain_csv);
	same(&a->manifest, &b->manifest);
	same(&a->reasons, &b->reasons);
	assert_int_equal(a->summary.work, b->summary.work);
	assert_int_equal(a->summary.components, b->summary.components);
	assert_int_equal(a->summary.hidden_open_components, b->summary.hidden_open_components);
}

static struct policy_params params(unsigned effort)
{
	struct policy_params p = policy_params_default();
	snprintf(p.office_dim, sizeof p.office_dim, "geo");
	p.effort = effort;
	return p;
}

/* As many threads as numbers says against none, from one level up to another. */
static void compare(const struct table_input *t, unsigned effort, int from, int to)
{
	struct policy_params p = params(effort);
	for (int level = from; level <= to; level++) {
		struct release_result *one = release(t, &p, (enum guarantee)level, NULL);
		assert_true(one->summary.hidden > OFFICES);
		for (unsigned i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
			struct team *team = team_new(numbers[i]);
			assert_non_null(team);
			struct release_result *more = release(t, &p, (enum guarantee)level, team);
			same_release(one, more);
			release_result_free(more);
			team_free(team);
		}
		release_result_free(one);
	}
}

static void seed(void)
{
	const char *text = getenv("CELLVEIL_SEED");
	random_state = text != NULL ? strtoull(text, NULL, 10) : (uint64_t)time(NULL);
	printf("CELLVEIL_SEED=%llu\n", (unsigned long long)random_state);
}

static void test_same_bytes(void **state)
{
	(void)state;
	seed();
	struct table_input *t = random_table(OFFICES, 6, 8, 40);
	compare(t, 2, 1, 3);
	table_free(t);
}

/* More than 20,000 cells: needs are served by zones. */
static void test_zones(void **state)
{
	(void)state;
	seed();
	struct table_input *t = random_table(76, 10, 16, 600);
#ifdef WATCHED
	compare(t, 0, 2, 2);
#else
	compare(t, 1, 2, 3);
#endif
	table_free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_job_once),
		cmocka_unit_test(test_more_than_there_are),
		cmocka_unit_test(test_same_bytes),
		cmocka_unit_test(test_zones),
	};
	if (sodium_init() < 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
