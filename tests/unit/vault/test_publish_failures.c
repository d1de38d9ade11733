/* Whatever fails on the way to a release, and whatever is changed in public/, a later start mends. */
#include "publishfixture.h"

/* Oracle v and F5, F6: whatever fails, a later run ends with the same bytes, once. */
static void test_each_failure_ends_in_the_same_release(void **state)
{
	struct publish_report r = { 0 };
	struct period p;
	uint8_t object[32] = { 0 };
	struct err e;
	bool done = false;

	(void)state;
	for (unsigned n = 1; !done; n++) {
		if (n > 1) {
			stop();
			world_remove(&world);
		}
		make("");
		file_large();
		p = period();
		calls = 0;
		fail_at = n;
		done = publish_release(&world.v, &p, false, &r, &e);
		publish_report_free(&r);
		fail_at = 0;
		if (!done) {
			assert_int_equal(e.code, ERR_SYSTEM);
			restart(); /* what was sealed or committed is carried to its end */
			if (count("SELECT count(*) FROM release WHERE stage = 3") == 0)
				publish(&r);
		}
		assert_int_equal(count("SELECT count(*) FROM release WHERE stage = 3 AND done = 1"), 1);
		assert_int_equal(count("SELECT count(*) FROM feed"), 1);
		assert_int_equal(count("SELECT count(*) FROM ledger"), 1);
		r = (struct publish_report){ 0 };
		check(publish_show(&world.v, &p, &r, &e), &e);
		verify_release(&r, 1);
		if (n == 1)
			memcpy(object, r.object, 32);
		publish_report_free(&r);
		r = (struct publish_report){ 0 };
		assert_true(n < 200);
	}
}

/* The same again, but the failures strike at the repeated steps of a start. */
static void test_each_failure_at_start_is_repaired(void **state)
{
	struct publish_report r = { 0 };
	bool done = false;
	struct err e;

	(void)state;
	make("");
	file_large();
	publish(&r);
	for (unsigned n = 1; !done; n++) {
		char command[200];

		check(vault_begin(&world.v, &e), &e);
		check(store_run(world.v.store, &e, "UPDATE release SET done = 0", "") &&
			  vault_commit(&world.v, &e),
		    &e);
		stop();
		snprintf(command, sizeof command, "rm -rf %s/state/public/release %s/state/public/feed",
		    world.dir, world.dir);
		assert_int_equal(system(command), 0);
		calls = 0;
		fail_at = n;
		done = start_may_fail(&e);
		fail_at = 0;
		if (!done) {
			restart();
		}
		verify_release(&r, 1);
		assert_int_equal(count("SELECT count(*) FROM feed"), 1);
		assert_true(n < 300);
	}
	publish_report_free(&r);
}

/* F53: stray, missing, changed files, and a planted link. */
static void test_public_is_what_rows_explain(void **state)
{
	struct publish_report r = { 0 };
	char command[640];
	const char *d = NULL;

	(void)state;
	make("");
	file_large();
	publish(&r);
	d = world.dir;
	snprintf(command, sizeof command,
	    "cd %s/state/public && echo x >stray && mkdir -p release/personal-support/2024/0 &&"
	    " echo x >release/personal-support/2024/0/release.csv && rm keyset config/* "
	    "feed/personal-support/state;"
	    " echo x >>release/personal-support/2025/0/release.csv; ln -s /etc/passwd object/link;"
	    " echo x >../audit/stray.age",
	    d);
	assert_int_equal(system(command), 0);
	restart();
	verify_release(&r, 1);
	assert_false(has("public/stray"));
	assert_false(has("public/release/personal-support/2024"));
	assert_false(has("public/object/link"));
	assert_false(has("audit/stray.age"));
	assert_true(has("public/feed/personal-support/state"));
	publish_report_free(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_each_failure_ends_in_the_same_release, teardown),
		cmocka_unit_test_teardown(test_each_failure_at_start_is_repaired, teardown),
		cmocka_unit_test_teardown(test_public_is_what_rows_explain, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
