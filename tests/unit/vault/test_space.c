#include "daemon/vault/space.h"
#include "world.h"

static bool ballast(const struct world *w)
{
	return faccessat(w->v.vault_dir, "ballast", F_OK, 0) == 0;
}

static void test_marks(void **state)
{
	struct world w;
	(void)state;
	world_make(&w);
	w.conf.ballast_mib = 1;
	w.conf.space_low_mib = 0;
	w.conf.space_critical_mib = 0;
	world_open(&w);
	space_check(&w.v);
	assert_int_equal(vault_mode(&w.v), MODE_NORMAL);
	assert_false(w.v.space_critical);
	assert_true(ballast(&w));
	w.conf.space_low_mib = 1ull << 40; /* more than any disk has */
	space_check(&w.v);
	assert_int_equal(vault_mode(&w.v), MODE_STORAGE_LOW);
	assert_false(w.v.space_critical);
	assert_true(ballast(&w));
	w.conf.space_critical_mib = 1ull << 40;
	space_check(&w.v);
	assert_true(w.v.space_critical);
	assert_false(ballast(&w));
	space_check(&w.v);
	assert_false(ballast(&w)); /* not taken again while space is short */
	w.conf.space_low_mib = 0;
	w.conf.space_critical_mib = 0;
	space_check(&w.v);
	assert_int_equal(vault_mode(&w.v), MODE_NORMAL);
	assert_true(ballast(&w));
	world_close(&w);
	world_remove(&w);
}

/* What was thrown overboard at start is what the store needs to open its journal. */
static void test_full_disk_at_start(void **state)
{
	struct world w;
	(void)state;
	world_make(&w);
	w.conf.ballast_mib = 1;
	w.conf.space_low_mib = 0;
	w.conf.space_critical_mib = 0;
	world_open(&w);
	space_check(&w.v);
	assert_true(ballast(&w));
	world_close(&w);
	w.conf.space_critical_mib = 1ull << 40;
	world_open(&w);
	assert_false(ballast(&w));
	world_close(&w);
	world_remove(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_marks),
		cmocka_unit_test(test_full_disk_at_start) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
