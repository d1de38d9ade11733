/* Random forms of the yearly form version, blanks and all, through table_from_forms and release_build: what
 * is published is the sum of what was reported, nothing small is, and blanks stay blanks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "policy/form_table.h"
#include "proto/config.h"

#define OFFICES 6

static uint64_t random_state;

static uint32_t draw(uint32_t n)
{
	random_state = random_state * 6364136223846793005u + 1442695040888963407u;
	return n == 0 ? 0 : (uint32_t)(random_state >> 33) % n;
}

static struct config *read_preset(void)
{
	char text[65536];
	struct buf filled = { 0 };
	struct err e = { 0 };
	static const char offices[] =
	    "    - {code: _T, sv: Staden, en: City}\n"
	    "    - {code: north, of: [_T], sv: Norr, en: North}\n"
	    "    - {code: n1, of: [north], sv: Norr 1, en: North 1}\n"
	    "    - {code: n2, of: [north], sv: Norr 2, en: North 2}\n"
	    "    - {code: o3, of: [_T], sv: Tre, en: Three}\n"
	    "    - {code: o4, of: [_T], sv: Fyra, en: Four}\n"
	    "    - {code: o5, of: [_T], sv: Fem, en: Five}\n"
	    "    - {code: o6, of: [_T], sv: Sex, en: Six}\n"
	    "    - {code: gone, of: [_T], valid: \"2020..2021\", sv: Borta, en: Gone}\n";
	FILE *f = fopen(TEST_SOURCE "/policy/presets/po-redovisning-2024.yaml", "rb");
	assert_non_null(f);
	size_t n = fread(text, 1, sizeof text, f);
	assert_int_equal(fclose(f), 0);
	if (!preset_fill(bytes_of(text, n), "stats.example/log1", "personal-support",
		bytes_of(offices, sizeof offices - 1), &filled, &e))
		fail_msg("%s", e.text);
	struct config *c = config_parse(buf_bytes(&filled), &e);
	if (c == NULL)
		fail_msg("%s", e.text);
	buf_free(&filled);
	return c;
}

static struct figures new_figures(const struct config *c)
{
	struct figures f = { .n = c->n_asked };
	f.state = malloc(c->n_asked);
	f.value = calloc(c->n_asked, sizeof *f.value);
	assert_non_null(f.state);
	assert_non_null(f.value);
	memset(f.state, FIGURE_BLANK, c->n_asked);
	return f;
}

static uint32_t place(const struct config *c, const char *name)
{
	struct cell_id id;
	assert_true(config_read_cell(c, bytes_text(name), &id));
	uint32_t at = model_asked(c, &id);
	assert_int_not_equal(at, UINT32_MAX);
	return at;
}

static void put(const struct config *c, struct figures *f, const char *measure, const char *sex,
    const char *age, uint64_t v)
{
	char name[128];
	snprintf(name, sizeof name, age == NULL ? "%s|%s" : "%s|%s|%s", measure, sex, age);
	uint32_t at = place(c, name);
	f->state[at] = FIGURE_VALUE;
	f->value[at] = v;
}

static void blank(
    const struct config *c, struct figures *f, const char *measure, const char *sex, const char *age)
{
	char name[128];
	snprintf(name, sizeof name, "%s|%s|%s", measure, sex, age);
	f->state[place(c, name)] = FIGURE_BLANK;
	f->value[place(c, name)] = 0;
}

static const char *const sexes[] = { "F", "M" };
static const char *const ages[] = { "Y18-29", "Y30-49", "Y50-64", "Y_GE65" };
static const char *const reasons[] = { "economy", "housing", "occupation", "daily_structure", "isolation",
	"relationships", "existential", "authority_contact", "healthcare_contact", "other" };

static void fill(const struct config *c, struct figures *f, uint32_t size)
{
	for (int s = 0; s < 2; s++) {
		uint64_t clients = 0;
		uint64_t fresh = 0;
		uint64_t ended = 0;
		for (int a = 0; a < 4; a++) {
			uint64_t x = draw(size + 1);
			uint64_t n = draw((uint32_t)x + 1);
			uint64_t o = draw((uint32_t)x + 1);
			put(c, f, "clients", sexes[s], ages[a], x);
			put(c, f, "clients_new", sexes[s], ages[a], n);
			put(c, f, "clients_ended", sexes[s], ages[a], o);
			clients += x;
			fresh += n;
			ended += o;
		}
		put(c, f, "clients", sexes[s], "_T", clients);
		put(c, f, "clients_new", sexes[s], "_T", fresh);
		put(c, f, "clients_ended", sexes[s], "_T", ended);
		put(c, f, "clients_children_home", sexes[s], NULL, draw((uint32_t)clients + 1));
		for (int r = 0; r < 10; r++)
			put(c, f, "contact_reasons", sexes[s], reasons[r], draw((uint32_t)fresh + 1));
	}
}

static void blank_some(const struct config *c, struct figures *f)
{
	uint32_t s = draw(2);
	switch (draw(6)) {
	case 0: /* ages of one sex, the total stands */
		for (int a = 0; a < 4; a++)
			blank(c, f, "clients", sexes[s], ages[a]);
		for (int a = 0; a < 4; a++) {
			blank(c, f, "clients_new", sexes[s], ages[a]);
			blank(c, f, "clients_ended", sexes[s], ages[a]);
		}
		break;
	case 1: /* one box, which a subtraction fills */
		blank(c, f, "clients_new", sexes[s], ages[draw(4)]);
		break;
	case 2: /* three of four */
		for (int a = 1; a < 4; a++)
			blank(c, f, "clients_ended", sexes[s], ages[a]);
		break;
	case 3:
		blank(c, f, "contact_reasons", sexes[s], reasons[draw(10)]);
		break;
	case 4: /* new clients and reasons not reported at all */
		for (int a = 0; a < 4; a++)
			blank(c, f, "clients_new", sexes[s], ages[a]);
		blank(c, f, "clients_new", sexes[s], "_T");
		for (int r = 0; r < 10; r++)
			blank(c, f, "contact_reasons", sexes[s], reasons[r]);
		break;
	default:
		break;
	}
}

static void check_rows(const struct config *c, const struct release_result *r, const struct policy_params *p,
    const char *period, unsigned *published)
{
	struct err e = { 0 };
	for (uint16_t t = 0; t < c->n_tables; t++) {
		struct form_row *rows = NULL;
		size_t n = 0;
		if (!form_rows(r->table, c, period, t, &rows, &n, &e))
			fail_msg("%s", e.text);
		assert_true(n > 0);
		for (size_t i = 0; i < n; i++) {
			assert_non_null(strchr("PHNAZ", rows[i].state));
			if (rows[i].state != MARK_PUBLISHED) {
				assert_int_equal(rows[i].value, 0);
				continue;
			}
			(*published)++;
			assert_true(rows[i].value >= p->threshold ||
				    (rows[i].value == 0 && p->zeros != ZEROS_SENSITIVE));
			if (i > 0)
				assert_true(
				    memcmp(rows[i].code, rows[i - 1].code, sizeof rows[i].code) != 0 ||
				    rows[i].measure != rows[i - 1].measure);
		}
		free(rows);
	}
}

static void test_random_forms(void **state)
{
	struct config *c = read_preset();
	struct policy_params p;
	struct err e = { 0 };
	static const char *const offices[] = { "n1", "n2", "o3", "o4", "o5", "o6" };
	unsigned released = 0;
	unsigned published = 0;
	unsigned refused = 0;
	const char *seed = getenv("CELLVEIL_SEED");
	const char *effort = getenv("CELLVEIL_EFFORT"); /* percent */
	int cases = 12;                                 /* every combination of the rules below once */
	(void)state;
	random_state = seed != NULL ? strtoull(seed, NULL, 10) : (uint64_t)time(NULL);
	printf("CELLVEIL_SEED=%llu\n", (unsigned long long)random_state);
	if (effort != NULL)
		cases = (int)(cases * strtol(effort, NULL, 10) / 100) + 1;
	if (!policy_params_from_settings(&p, c->policy, c->n_policy, &e))
		fail_msg("%s", e.text);
	for (int i = 0; i < cases; i++) {
		struct contribution form[OFFICES];
		struct figures figures[OFFICES];
		struct table_input *t = NULL;
		struct release_result *r = NULL;
		uint8_t key[32] = { 1, (uint8_t)i };
		size_t n = 0;
		p.zeros = (enum zeros_rule)(i % 3);
		p.nr_in_totals = (enum nr_rule)(i / 3 % 2);
		for (int o = 0; o < OFFICES; o++) {
			if (i % 4 == 3 && o == 4)
				continue;
			figures[n] = new_figures(c);
			fill(c, &figures[n], 3 + draw(30));
			if (i % 2 == 1)
				blank_some(c, &figures[n]);
			form[n] = (struct contribution){ offices[o], &figures[n] };
			n++;
		}
		if (!table_from_forms(c, "2024", form, n, &p, &t, &e))
			fail_msg("forms %d: %s", i, e.text);
		if (!release_build(t, &p, key, NULL, &r, &e))
			fail_msg("forms %d: %s", i, e.text);
		if (r->refusal == REFUSAL_NONE) {
			released++;
			check_rows(c, r, &p, "2024", &published);
		} else {
			refused++;
			printf("%d: %.*s", i, (int)r->reasons.size, (const char *)r->reasons.data);
		}
		printf("%d %s%s: printed %llu published %llu hidden %llu (%llu secondary) not reported %llu, "
		       "work %llu\n",
		    i, i % 2 ? "blanks " : "", p.zeros == 0 ? "zeros published" : "",
		    (unsigned long long)r->summary.printed, (unsigned long long)r->summary.published,
		    (unsigned long long)r->summary.hidden, (unsigned long long)r->summary.secondary,
		    (unsigned long long)r->summary.not_reported, (unsigned long long)r->summary.work);
		release_result_free(r);
		table_free(t);
		for (size_t o = 0; o < n; o++) {
			free(figures[o].state);
			free(figures[o].value);
		}
	}
	printf("released %u, refused %u, cells published %u\n", released, refused, published);
	assert_true(2 * released >= (unsigned)cases); /* tiny areas may have no safe pattern */
	assert_true(published > 0);
	config_free(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_random_forms) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
