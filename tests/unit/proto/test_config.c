#include "proto/config.h"
#include "proto/content.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static char *text; /* config-small.yaml */

static int read_file(void **state)
{
	(void)state;
	FILE *f = fopen(TEST_DATA "/config-small.yaml", "rb");
	if (f == NULL)
		return -1;
	text = calloc(1, 65536);
	size_t n = text == NULL ? 0 : fread(text, 1, 65535, f);
	fclose(f);
	return n > 0 ? 0 : -1;
}

static int free_file(void **state)
{
	(void)state;
	free(text);
	return 0;
}

static void test_reads(void **state)
{
	(void)state;
	struct err e = { 0 };
	struct config *c = config_parse(bytes_text(text), &e);
	if (c == NULL)
		print_message("%s\n", e.text);
	assert_non_null(c);
	assert_string_equal(c->origin, "stats.example/log1");
	assert_string_equal(c->form_version, "2024");
	assert_int_equal(c->valid.from_month, 12 * 2024);
	assert_int_equal(c->period_kind, 'Y');
	assert_int_equal(c->n_lists, 4);
	assert_string_equal(c->list[c->office_list].name, "office");
	assert_int_equal(c->list[1].n_codes, 4);
	assert_string_equal(c->list[1].code[0].label.sv, "All");
	assert_string_equal(c->list[1].code[1].label.en, "Y18-29");
	assert_int_equal(c->n_measures, 5);
	assert_int_equal(c->measure[2].within, 1);
	assert_true(c->measure[2].multiple);
	assert_int_equal(c->measure[3].max, 10000);
	assert_int_equal(c->n_asked, 8 + 8 + 4 + 1 + 1);
	for (uint32_t i = 1; i < c->n_asked; i++)
		assert_true(cell_id_compare(c, &c->asked[i - 1], &c->asked[i]) < 0);
	assert_int_equal(c->n_checks, 4);
	assert_int_equal(c->check[0].kind, CHECK_SUM);
	assert_int_equal(c->check[0].over, 1);
	assert_int_equal(c->check[3].kind, CHECK_LE);
	assert_string_equal(c->check[0].label.sv, "Åldrarna blir totalen");
	assert_int_equal(c->grace.days, 14);
	assert_int_equal(c->late, LATE_HOLD);
	assert_int_equal(c->n_tables, 2);
	assert_int_equal(c->table[1].n_dims, 3);
	assert_int_equal(c->n_derived, 1);
	assert_int_equal(c->derived[0].numerator.code[1], 1);
	assert_int_equal(c->n_policy, 3);
	assert_string_equal(c->policy[2].value, "unfreeze,withhold");
	assert_true(config_office_in(c, "north", "2022"));
	assert_false(config_office_in(c, "south", "2022"));
	assert_true(config_office_in(c, "south", "2023"));
	assert_false(config_office_in(c, "area", "2024"));
	assert_false(config_office_in(c, "_T", "2024"));
	assert_true(config_period_in(c, "2025"));
	assert_false(config_period_in(c, "2023"));
	assert_false(config_period_in(c, "2025-01"));
	config_free(c);
}

static void test_cell_texts(void **state)
{
	(void)state;
	struct err e = { 0 };
	struct buf out = { 0 };
	struct cell_id id;
	struct config *c = config_parse(bytes_text(text), &e);
	assert_non_null(c);
	assert_true(config_read_cell(c, bytes_text("contact_reasons|M|housing"), &id));
	config_put_cell(&out, c, &id);
	buf_put_byte(&out, '\0');
	assert_string_equal((char *)out.data, "contact_reasons|M|housing");
	assert_false(config_read_cell(c, bytes_text("contact_reasons|M"), &id));
	assert_false(config_read_cell(c, bytes_text("contact_reasons|M|nothing"), &id));
	assert_false(config_read_cell(c, bytes_text(""), &id));
	buf_clear(&out);
	config_put_value(&out, &c->measure[3], 205);
	config_put_value(&out, &c->measure[0], 17);
	buf_put_byte(&out, '\0');
	assert_string_equal((char *)out.data, "2.0517");
	buf_free(&out);
	config_free(c);
}

static void test_one_slip_stops(void **state)
{
	(void)state;
	/* what is replaced, by what, and how the refusal begins */
	static const struct {
		const char *from, *to, *want;
	} cases[] = {
		{ "cellveil-config: 1\n", "", "line 2: the file: 'cellveil-config' is missing" },
		{ "cellveil-config: 1", "cellveil-config: 2", "line 2: cellveil-config:" },
		{ "origin: stats.example/log1", "origin: Stats Example", "line 3: origin:" },
		{ "dataset: personal-support", "dataset: Personal", "line 4: dataset:" },
		{ "period: YYYY", "period: YY", "line 6: period:" },
		{ "period: YYYY", "periode: YYYY", "line 6: the file: unknown name 'periode'" },
		{ "valid: \"2024..\"", "valid: \"2024-13..\"", "line 5: valid:" },
		{ "valid: \"2024..\"", "valid: \"2024..2023\"", "line 5: valid:" },
		{ "{code: M, of: [_T]", "{code: M, of: [T]", "line 11: of: no code 'T' in sex" },
		{ "{code: M, of: [_T]", "{code: M", "line 11: codes: sex: 'M' has no parent" },
		{ "{code: _T, sv: Totalt", "{code: _T, of: [F], sv: Totalt",
		    "line 9: codes: sex: '_T' is above itself" },
		{ "{code: M, of: [_T]", "{code: F, of: [_T]", "line 9: codes: sex: code 'F' stands twice" },
		{ "{code: M, of: [_T]", "{code: M, of: [_T, _T]", "line 11: of: '_T' stands twice" },
		{ "{code: M,", "{code: \"M|N\",", "line 11: code:" },
		{ "{code: M, of: [_T], sv", "{code: M, of: [_T], swe", "line 11: codes: unknown name 'swe'" },
		{ "code: south", "code: South", "line 18: codes: office: an office has small letters" },
		{ "office_dim: office", "office_dim: unit",
		    "line 42: codes: there is no list 'unit' of offices" },
		{ "dims: [sex, age], decimals", "dims: [sex, ages], decimals",
		    "line 20: dims: no list 'ages'" },
		{ "dims: [sex, age], decimals", "dims: [sex, sex], decimals",
		    "line 20: dims: 'sex' stands twice" },
		{ "dims: [sex, age], decimals", "dims: [office], decimals",
		    "line 20: dims: offices are added" },
		{ "decimals: 0", "decimals: 7", "line 20: decimals:" },
		{ "max: 100000, unit: person, about: client, sv",
		    "max: 1099511627777, unit: person, about: client, sv", "line 20: max:" },
		{ "max: 100.00", "max: 100.001", "line 23: max:" },
		{ "max: 100.00, ", "", "line 23: measures: 'max' is missing" },
		{ "unit: bool", "unit: yes", "line 24: unit: not one of the words" },
		{ "{id: queue", "{id: posts", "line 24: measures: 'posts' stands twice" },
		{ "within: clients}", "within: client}", "line 21: within: no measure 'client'" },
		{ "within: clients}", "within: contact_reasons}",
		    "line 21: within: 'clients_new' is within itself" },
		{ "- queue\n", "- queues\n", "line 30: asked: 'queues': no such measure" },
		{ "\"clients|F,M|*\"", "\"clients|F,N|*\"",
		    "line 26: asked: 'clients|F,N|*': a code is not in" },
		{ "\"clients|F,M|*\"", "\"clients|F,M\"", "line 26: asked: 'clients|F,M': clients has 2" },
		{ "id: 2,", "id: 1,", "line 33: checks: ids ascend" },
		{ "\"clients_new <= clients\"", "\"clients_new < clients\"", "line 34: rule:" },
		{ "sum(clients, age) = clients[_T]", "sum(clients, age) = clients[F]",
		    "line 32: rule: [..] holds" },
		{ "sum(clients, age) = clients[_T]", "sum(clients, sex) = clients[_T]",
		    "line 32: rule: compares no cells" },
		{ "\"clients_new <= clients\"", "\"posts <= clients\"",
		    "line 34: rule: the two measures have" },
		{ "grace: P2W", "grace: 14", "line 39: grace:" },
		{ "late: hold", "late: maybe", "line 41: late:" },
		{ "dims: [office, sex]}", "dims: [office, reason]}",
		    "line 43: dims: measure 'clients' has no 'reason'" },
		{ "id: reasons", "id: clients", "line 43: tables: 'clients' stands twice" },
		{ "\"clients|_T|F\"", "\"clients|F\"", "line 44: derived: no table has these cells" },
		{ "width: 2", "threshold: 2", "line 45: name 'threshold' stands twice" },
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct buf file = { 0 };
		struct err e = { 0 };
		const char *at = strstr(text, cases[i].from);
		if (at == NULL)
			fail_msg("case %zu: %s is not in the file", i, cases[i].from);
		buf_put(&file, text, (size_t)(at - text));
		buf_put_text(&file, cases[i].to);
		buf_put_text(&file, at + strlen(cases[i].from));
		struct config *c = config_parse(buf_bytes(&file), &e);
		if (c != NULL || strncmp(e.text, cases[i].want, strlen(cases[i].want)) != 0)
			print_message("case %zu (%s): %s\n", i, cases[i].to, e.text);
		assert_null(c);
		assert_int_equal(strncmp(e.text, cases[i].want, strlen(cases[i].want)), 0);
		buf_free(&file);
	}
}

static void test_all_cells_without_asked(void **state)
{
	(void)state;
	struct err e = { 0 };
	static const char file[] =
	    "cellveil-config: 1\norigin: a.example/l\ndataset: d\n"
	    "form: {id: f, version: \"1\"}\nperiod: YYYY-MM\n"
	    "codes: {sex: [{code: _T}, {code: F, of: [_T]}], office: [{code: _T}, {code: o, of: [_T]}]}\n"
	    "measures: [{id: n, dims: [sex], max: 9, unit: person}, {id: q, max: 1, unit: bool}]\n";
	struct config *c = config_parse(bytes_text(file), &e);
	assert_non_null(c);
	assert_int_equal(c->n_asked, 3);
	assert_int_equal(c->late, LATE_HOLD);
	assert_false(c->publish.set);
	config_free(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reads),
		cmocka_unit_test(test_cell_texts),
		cmocka_unit_test(test_one_slip_stops),
		cmocka_unit_test(test_all_cells_without_asked),
	};
	return cmocka_run_group_tests(tests, read_file, free_file);
}
