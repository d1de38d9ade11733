/* The reduced basis of a pattern's changes (space.c) against a plain matrix of vectors: random vectors added, places made exact,
 * equations imposed, sums defined, numbers small and large. Room for many more places than there are makes words of rows so short
 * that numbers of 4 and more need words of their own. */
#include "policy/space.h"
#include "random.h"

#define ROUNDS  60
#define STEPS   120
#define CELLS   14u
#define SUMS    2u
#define PLACES  (CELLS + SUMS)
#define VECTORS (CELLS + 1u)
#define MANY    (UINT32_C(1) << 27)

struct plain {
	uint64_t v[VECTORS][PLACES]; /* independent, modulo SPACE_PRIME */
	uint32_t n;
	uint32_t part[SUMS][CELLS]; /* what each sum takes a cell by: 1, 0, or -1 modulo the prime */
};

static uint64_t power(uint64_t a, uint64_t by)
{
	uint64_t result = 1;
	for (; by != 0; by >>= 1, a = a * a % SPACE_PRIME)
		if ((by & 1) != 0)
			result = result * a % SPACE_PRIME;
	return result;
}

static uint64_t dot(const uint64_t *v, const uint64_t *f)
{
	uint64_t sum = 0;
	for (uint32_t i = 0; i < PLACES; i++)
		sum = (sum + v[i] * f[i]) % SPACE_PRIME;
	return sum;
}

static void take(uint64_t *to, const uint64_t *from, uint64_t by)
{
	for (uint32_t i = 0; i < PLACES; i++)
		to[i] = (to[i] + (SPACE_PRIME - by) * from[i]) % SPACE_PRIME;
}

/* Keeps the combinations at which f is 0. */
static void plain_impose(struct plain *p, const uint64_t *f)
{
	uint32_t pivot = 0;
	while (pivot < p->n && dot(p->v[pivot], f) == 0)
		pivot++;
	if (pivot == p->n)
		return;
	uint64_t unit = power(dot(p->v[pivot], f), SPACE_PRIME - 2);
	for (uint32_t i = 0; i < p->n; i++)
		if (i != pivot)
			take(p->v[i], p->v[pivot], dot(p->v[i], f) * unit % SPACE_PRIME);
	p->n--;
	memmove(p->v[pivot], p->v[p->n], sizeof p->v[pivot]);
}

/* Is it a combination of those that are there? */
static bool plain_holds(const struct plain *p, const uint64_t *vector)
{
	struct plain q = *p;
	uint64_t left[PLACES];
	memcpy(left, vector, sizeof left);
	for (uint32_t c = 0; c < PLACES; c++) {
		uint32_t i = 0;
		while (i < q.n && q.v[i][c] == 0)
			i++;
		if (i == q.n)
			continue;
		uint64_t unit = power(q.v[i][c], SPACE_PRIME - 2);
		take(left, q.v[i], left[c] * unit % SPACE_PRIME);
		for (uint32_t j = 0; j < q.n; j++)
			if (j != i)
				take(q.v[j], q.v[i], q.v[j][c] * unit % SPACE_PRIME);
		memmove(q.v[i], q.v[--q.n], sizeof q.v[i]);
	}
	for (uint32_t c = 0; c < PLACES; c++)
		if (left[c] != 0)
			return false;
	return true;
}

/* Are the places' changes in all vectors multiples of each other? */
static bool plain_parallel(const struct plain *p, uint32_t a, uint32_t b)
{
	for (uint32_t i = 0; i < p->n; i++)
		for (uint32_t j = 0; j < p->n; j++)
			if (p->v[i][a] * p->v[j][b] % SPACE_PRIME != p->v[j][a] * p->v[i][b] % SPACE_PRIME)
				return false;
	return true;
}

static bool plain_moves(const struct plain *p, uint32_t place)
{
	for (uint32_t i = 0; i < p->n; i++)
		if (p->v[i][place] != 0)
			return true;
	return false;
}

static uint32_t draw_number(struct rng *r)
{
	static const uint32_t some[] = { 1, SPACE_PRIME - 1, 2, SPACE_PRIME - 2, 3, 4, 5, SPACE_PRIME - 3,
		SPACE_PRIME - 4, SPACE_PRIME - 5 };
	return draw(r, 5) == 0 ? 1 + draw(r, SPACE_PRIME - 1) : some[draw(r, sizeof some / sizeof some[0])];
}

/* A few cells; of a vector the sums too, which follow from them. */
static uint32_t draw_items(
    struct rng *r, const struct plain *p, bool sums, struct space_item *item, uint64_t *vector)
{
	uint32_t n = 0;
	memset(vector, 0, PLACES * sizeof *vector);
	for (uint32_t i = 1 + draw(r, 5); i > 0; i--)
		vector[draw(r, CELLS)] = draw_number(r);
	for (uint32_t k = 0; sums && k < SUMS; k++)
		for (uint32_t c = 0; c < CELLS; c++)
			vector[CELLS + k] = (vector[CELLS + k] + vector[c] * p->part[k][c]) % SPACE_PRIME;
	for (uint32_t i = 0; i < PLACES; i++)
		if (vector[i] != 0)
			item[n++] = (struct space_item){ i, (uint32_t)vector[i] };
	return n;
}

/* In every vector a place's change must be what its row makes of the changes at free places. */
static void assert_same(struct space *s, const struct plain *p)
{
	uint32_t class[PLACES];
	uint32_t n_free = 0;
	for (uint32_t i = 0; i < PLACES; i++) {
		struct space_walk w = space_walk(s, i);
		struct space_item item;
		uint32_t length = 0;
		uint32_t last = 0;
		assert_int_equal(space_moves(s, i), plain_moves(p, i));
		n_free += space_is_free(s, i);
		for (; space_next(s, &w, &item); length++) {
			assert_true(space_is_free(s, item.at) && item.by > 0 && item.by < SPACE_PRIME);
			assert_true(length == 0 || item.at > last);
			assert_int_equal(space_change(s, i, item.at), item.by);
			last = item.at;
		}
		assert_int_equal(space_length(s, i), length);
		for (uint32_t v = 0; v < p->n; v++) {
			uint64_t sum = 0;
			for (w = space_walk(s, i); space_next(s, &w, &item);)
				sum = (sum + item.by * p->v[v][item.at]) % SPACE_PRIME;
			assert_int_equal(sum, p->v[v][i]);
		}
	}
	assert_int_equal(n_free, p->n);
	for (uint32_t i = 0; i < PLACES; i++) {
		uint32_t same = 0;
		if (!space_moves(s, i))
			continue;
		for (uint32_t j = 0; j < PLACES; j++)
			same += j == i || (plain_moves(p, j) && plain_parallel(p, i, j));
		assert_int_equal(space_class(s, i, class), same);
		for (uint32_t j = 0; j < same; j++)
			assert_int_equal(space_mark(s, class[j]), space_mark(s, i));
	}
}

static void step(struct space *s, struct plain *p, struct rng *r)
{
	struct space_item item[PLACES];
	uint64_t vector[PLACES];
	uint32_t what = draw(r, 8);
	uint32_t n = draw_items(r, p, what < 5, item, vector);
	if (what < 5) {
		bool held = plain_holds(p, vector);
		assert_int_equal(space_add(s, item, n), !held);
		if (!held)
			memcpy(p->v[p->n++], vector, sizeof vector);
	} else if (what < 7) {
		uint32_t place = draw(r, PLACES);
		memset(vector, 0, sizeof vector);
		vector[place] = 1;
		space_drop(s, place);
		plain_impose(p, vector);
	} else {
		space_impose(s, item, n);
		plain_impose(p, vector);
	}
	assert_false(s->failed);
}

static void run(struct rng *r, uint32_t most)
{
	struct space s;
	struct plain p = { .n = 0 };
	assert_true(space_init(&s, CELLS, SUMS, most));
	for (uint32_t k = 0; k < SUMS; k++)
		for (uint32_t c = 0; c < CELLS; c++)
			p.part[k][c] = draw(r, 4) != 0 ? 0 : draw(r, 2) == 0 ? 1 : SPACE_PRIME - 1;
	for (int i = 0; i < STEPS; i++) {
		step(&s, &p, r);
		assert_same(&s, &p);
	}
	space_free(&s);
}

static void test_space(void **state)
{
	struct rng r = { seed_of_run() };
	(void)state;
	for (int i = 0; i < cases_of_run(ROUNDS); i++)
		run(&r, i % 2 == 0 ? PLACES : MANY);
}

static void test_too_many(void **state)
{
	struct space s;
	(void)state;
	assert_false(space_init(&s, 1, 0, UINT32_MAX));
	space_free(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_space), cmocka_unit_test(test_too_many) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
