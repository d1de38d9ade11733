/* The same figures as a tidy table: office, year, measure, its codes, value. */
#include "formfixture.h"

static void test_tidy(void **state)
{
	(void)state;
	static const struct {
		const char *from, *to;
		enum finding_code code;
	} cases[] = {
		{ "clients,F,_T,_Z,48", "clients,F,_T,_Z,48x", FINDING_TEXT },
		{ "clients,F,_T,_Z,48", "clients,F,_T,_Z,49", FINDING_SUM },
		{ "clients,F,_T,_Z,48", "clients,K,_T,_Z,48", FINDING_UNKNOWN_ROW },
		{ "clients,F,_T,_Z,48", "clients,_T,_T,_Z,48", FINDING_NOT_ASKED },
		{ "clients,F,_T,_Z,48", "clients,F,Y18-29,_Z,48", FINDING_CELL_TWICE },
		{ "clients,F,_T,_Z,48", "klienter,F,_T,_Z,48", FINDING_UNKNOWN_ROW },
		{ "exempel,2024,clients,F,_T", "annan,2024,clients,F,_T", FINDING_OFFICE },
		{ "exempel,2024,clients,F,_T", "exempel,2025,clients,F,_T", FINDING_PERIOD_OTHER },
		{ "exempel,2024,clients,F,_T,_Z,48\n", "", FINDING_ROW_MISSING },
		{ "measure,sex", "measure,kind", FINDING_COLUMN_UNKNOWN },
		{ "ombud_posts_fte,_Z,_Z,_Z,2.50", "ombud_posts_fte,_Z,_Z,_Z,2,50", FINDING_COLUMN_UNKNOWN },
	};
	struct config *c = preset("2024");
	struct buf file = { 0 };
	load(&file, TEST_DATA, "seeds/exempel-2024.csv");
	buf_put_byte(&file, '\0');
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct buf other = { 0 };
		struct form_result r;
		struct findings f;
		const char *at = strstr((char *)file.data, cases[i].from);
		assert_non_null(at);
		buf_put(&other, file.data, (size_t)(at - (char *)file.data));
		buf_put_text(&other, cases[i].to);
		buf_put_text(&other, at + strlen(cases[i].from));
		read_bytes("tabell.csv", buf_bytes(&other), c, NULL, (struct form_options){ 0 }, &r, &f);
		bool found = false;
		for (uint32_t k = 0; k < f.n; k++)
			found = found || f.at[k].code == cases[i].code;
		if (!found) {
			print_findings(&f);
			fail_msg("case %zu (%s)", i, cases[i].to);
		}
		end(&r, &f);
		buf_free(&other);
	}
	buf_free(&file);
	config_free(c);
}

/* One finding, not two: the year is not missing, only the office is. */
static void test_tidy_of_another_office(void **state)
{
	(void)state;
	struct config *c = preset("2024");
	struct form_result r;
	struct findings f;
	read_bytes("tabell.csv", bytes_text("office,year,measure,value\nannan,2024,waiting_days,3\n"), c,
	    "exempel", (struct form_options){ 0 }, &r, &f);
	assert_int_equal(f.n, 1);
	assert_int_equal(f.at[0].code, FINDING_OFFICE);
	end(&r, &f);
	config_free(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tidy),
		cmocka_unit_test(test_tidy_of_another_office),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
