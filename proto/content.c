#include "proto/content.h"

#include "proto/submission.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#define RULE_CHECK 100u
#define GROUPINGS  64u /* numbers a list's groupings can have besides 0: proto/config_codes.c */

bool figures_new(struct figures *figures, const struct config *config, struct err *e)
{
	*figures = (struct figures){ .n = config->n_asked };
	figures->state = malloc(config->n_asked + 1u);
	figures->value = calloc(config->n_asked + 1u, sizeof *figures->value);
	if (figures->state == NULL || figures->value == NULL) {
		figures_free(figures);
		return err_set(e, ERR_MEMORY, "out of memory");
	}
	memset(figures->state, FIGURE_BLANK, config->n_asked + 1u);
	return true;
}

void figures_free(struct figures *figures)
{
	if (figures->state != NULL)
		sodium_memzero(figures->state, figures->n);
	if (figures->value != NULL)
		sodium_memzero(figures->value, figures->n * sizeof *figures->value);
	free(figures->state);
	free(figures->value);
	*figures = (struct figures){ .n = 0 };
}

bool content_asked_in(const struct config *config, uint32_t i, const char *period)
{
	const struct cell_id *id = &config->asked[i];
	const struct measure *m = &config->measure[id->measure];
	bool in = model_valid_in(m->valid, period);
	for (uint16_t d = 0; in && d < m->n_dims; d++)
		in = model_valid_in(config->list[m->dim[d]].code[id->code[d]].valid, period);
	return in;
}

/* ---- comparisons of one check ---- */

static bool comparisons_new(struct comparisons *out, const struct config *config, struct err *e)
{
	*out = (struct comparisons){ .n = 0 };
	out->of = malloc((config->n_asked + 1u) * sizeof *out->of);
	if (out->of == NULL)
		return err_set(e, ERR_MEMORY, "out of memory");
	memset(out->of, 0xff, (config->n_asked + 1u) * sizeof *out->of);
	return true;
}

void comparisons_free(struct comparisons *c)
{
	if (c->at != NULL)
		sodium_memzero(c->at, c->n * sizeof *c->at);
	free(c->at);
	free(c->of);
	*c = (struct comparisons){ .n = 0 };
}

/* Place of a new comparison with this total; UINT32_MAX without memory. */
static uint32_t add_comparison(struct comparisons *out, uint32_t whole)
{
	if (out->n == out->room) {
		uint32_t room = out->room == 0 ? 64 : 2 * out->room;
		struct comparison *at = realloc(out->at, room * sizeof *at);
		if (at == NULL)
			return UINT32_MAX;
		out->at = at;
		out->room = room;
	}
	out->at[out->n] = (struct comparison){ .whole = whole };
	return out->n++;
}

static void add_part(struct comparisons *out, uint32_t at, uint32_t part, const struct figures *figures)
{
	struct comparison *c = &out->at[at];
	out->of[part] = at;
	if (c->n_parts++ == 0)
		c->part = part;
	c->n_blank += figures->state[part] != FIGURE_VALUE;
	c->sum += figures->value[part];
}

/* The cell of b beside the cell id of a: shared dimensions as in a, b's others at their total. */
static uint32_t beside(const struct config *config, const struct cell_id *id, uint16_t b)
{
	const struct measure *ma = &config->measure[id->measure];
	const struct measure *mb = &config->measure[b];
	struct cell_id other = { .measure = b };
	for (uint16_t d = 0; d < mb->n_dims; d++) {
		uint16_t k = 0;
		while (k < ma->n_dims && ma->dim[k] != mb->dim[d])
			k++;
		other.code[d] = k < ma->n_dims ? id->code[k] : model_total(&config->list[mb->dim[d]]);
	}
	return model_asked(config, &other);
}

static bool compare_le(const struct config *config, const struct check *check, const struct figures *figures,
    struct comparisons *out)
{
	for (uint32_t i = 0; i < config->n_asked; i++) {
		if (config->asked[i].measure != check->a)
			continue;
		uint32_t whole = beside(config, &config->asked[i], check->b);
		if (whole == UINT32_MAX)
			continue;
		uint32_t at = add_comparison(out, whole);
		if (at == UINT32_MAX)
			return false;
		add_part(out, at, i, figures);
		struct comparison *c = &out->at[at];
		c->failed = figures->state[whole] == FIGURE_VALUE && c->n_blank == 0 &&
			    c->sum > figures->value[whole];
	}
	return true;
}

/* Marks the leaves that the total's breakdown `grouping` holds. The list's parents form no circle, and each
 * round marks one level. */
static bool mark_leaves(const struct codelist *list, uint16_t total, uint16_t grouping, uint8_t *below)
{
	bool more = true;
	bool any = false;
	memset(below, 0, list->n_codes);
	while (more) {
		more = false;
		for (uint16_t i = 0; i < list->n_codes; i++)
			for (uint16_t k = 0; below[i] == 0 && k < list->code[i].n_parents; k++) {
				const struct code_parent *p = &list->code[i].parent[k];
				if (p->of == total ? p->grouping == grouping : below[p->of] != 0) {
					below[i] = 1;
					more = true;
				}
			}
	}
	for (uint16_t i = 0; i < list->n_codes; i++)
		for (uint16_t k = 0; k < list->code[i].n_parents; k++)
			below[list->code[i].parent[k].of] = 0;
	for (uint16_t i = 0; i < list->n_codes; i++)
		any = any || below[i] != 0;
	return any;
}

/* Adds each asked leaf to the comparison of its total, making that when its first part comes. made[] is for
 * each asked cell the comparison of which it is the total, or UINT32_MAX. */
static bool sum_parts(const struct config *config, const struct check *check, const struct figures *figures,
    const uint8_t *leaf, uint32_t *made, struct comparisons *out)
{
	uint16_t total = model_total(&config->list[config->measure[check->a].dim[check->over]]);
	memset(made, 0xff, (config->n_asked + 1u) * sizeof *made);
	for (uint32_t i = 0; i < config->n_asked; i++) {
		struct cell_id id = config->asked[i];
		if (id.measure != check->a || leaf[id.code[check->over]] == 0)
			continue;
		id.code[check->over] = total;
		uint32_t whole = model_asked(config, &id);
		if (whole == UINT32_MAX)
			continue;
		if (made[whole] == UINT32_MAX)
			made[whole] = add_comparison(out, whole);
		if (made[whole] == UINT32_MAX)
			return false;
		add_part(out, made[whole], i, figures);
	}
	return true;
}

/* Total = sum where all parts are there; total >= sum of the parts present where one is blank. */
static bool sum_fails(const struct comparison *c, const struct figures *figures)
{
	if (figures->state[c->whole] != FIGURE_VALUE)
		return false;
	return c->n_blank == 0 ? c->sum != figures->value[c->whole] : c->sum > figures->value[c->whole];
}

/* One round for each grouping of the total: each is a breakdown of its own. */
static bool compare_sum(const struct config *config, const struct check *check, const struct figures *figures,
    struct comparisons *out)
{
	const struct codelist *list = &config->list[config->measure[check->a].dim[check->over]];
	uint8_t *leaf = malloc(list->n_codes);
	uint32_t *made = malloc((config->n_asked + 1u) * sizeof *made);
	bool ok = leaf != NULL && made != NULL;
	for (uint16_t grouping = 0; ok && grouping <= GROUPINGS; grouping++)
		if (mark_leaves(list, model_total(list), grouping, leaf))
			ok = sum_parts(config, check, figures, leaf, made, out);
	for (uint32_t i = 0; ok && i < out->n; i++)
		out->at[i].failed = sum_fails(&out->at[i], figures);
	free(leaf);
	free(made);
	return ok;
}

bool content_compare(const struct config *config, const struct check *check, const struct figures *figures,
    struct comparisons *out, struct err *e)
{
	if (!comparisons_new(out, config, e))
		return false;
	if (check->kind == CHECK_LE ? compare_le(config, check, figures, out)
				    : compare_sum(config, check, figures, out))
		return true;
	comparisons_free(out);
	return err_set(e, ERR_MEMORY, "out of memory");
}

/* ---- the rules, lowest first ---- */

struct reading {
	const struct config *config;
	const char *period;
	const struct payload *payload;
	struct figures *figures;
	struct err *e;
};

static bool refuse(struct err *e, unsigned rule, const char *why)
{
	return err_set_detail(e, ERR_INVALID, rule, "rule %u: %s", rule, why);
}

static uint32_t entry_len(const struct payload_list *list, uint32_t i)
{
	return list->start[i + 1] - list->start[i];
}

static const uint64_t *entry(const struct payload_list *list, uint32_t i)
{
	return list->element + list->start[i];
}

/* Rule 3 and rule 4: what the sender counted and added. */
static bool check_totals(const struct reading *r)
{
	const struct payload *p = r->payload;
	uint64_t sum = 0;
	if (p->n_cells != (uint64_t)p->rows.n + p->blank.n)
		return refuse(r->e, 3, "n_cells is not the number of rows and blanks");
	for (uint32_t i = 0; i < p->rows.n; i++) {
		uint32_t len = entry_len(&p->rows, i);
		uint64_t value = len == 0 ? 0 : entry(&p->rows, i)[len - 1];
		if (value >= LIMIT_HASH_TOTAL || sum + value >= LIMIT_HASH_TOTAL)
			return refuse(r->e, 4, "hash_total reaches 2^53");
		sum += value;
	}
	return p->hash_total == sum || refuse(r->e, 4, "hash_total is not the sum of the values");
}

/* Rule 5: measure known, one element for it, for each dimension and for the value. */
static bool check_shape(const struct reading *r, const struct payload_list *list, uint32_t extra)
{
	for (uint32_t i = 0; i < list->n; i++) {
		uint32_t len = entry_len(list, i);
		uint64_t measure = len == 0 ? UINT64_MAX : entry(list, i)[0];
		if (measure >= r->config->n_measures ||
		    len != 1u + r->config->measure[measure].n_dims + extra)
			return refuse(r->e, 5, "unknown measure or wrong number of elements");
	}
	return true;
}

/* Rule 6. Shapes were checked. */
static bool check_codes(const struct reading *r, const struct payload_list *list)
{
	for (uint32_t i = 0; i < list->n; i++) {
		const uint64_t *at = entry(list, i);
		const struct measure *m = &r->config->measure[at[0]];
		for (uint16_t d = 0; d < m->n_dims; d++)
			if (at[d + 1] >= r->config->list[m->dim[d]].n_codes)
				return refuse(r->e, 6, "a code is not in its list");
	}
	return true;
}

static struct cell_id entry_cell(const struct reading *r, const struct payload_list *list, uint32_t i)
{
	const uint64_t *at = entry(list, i);
	struct cell_id id = { .measure = (uint16_t)at[0] };
	for (uint16_t d = 0; d < r->config->measure[at[0]].n_dims; d++)
		id.code[d] = (uint16_t)at[d + 1];
	return id;
}

/* Rule 7. Codes were checked. */
static bool check_asked(const struct reading *r, const struct payload_list *list)
{
	for (uint32_t i = 0; i < list->n; i++) {
		struct cell_id id = entry_cell(r, list, i);
		uint32_t place = model_asked(r->config, &id);
		if (place == UINT32_MAX || r->figures->state[place] == FIGURE_NOT_ASKED)
			return refuse(r->e, 7, "a cell is not asked by this form version");
	}
	return true;
}

/* Rule 8. Places in config.asked ascend exactly if the cells do. */
static bool check_order(const struct reading *r, const struct payload_list *list)
{
	for (uint32_t i = 1; i < list->n; i++) {
		struct cell_id a = entry_cell(r, list, i - 1);
		struct cell_id b = entry_cell(r, list, i);
		if (cell_id_compare(r->config, &a, &b) >= 0)
			return refuse(r->e, 8, "a list of cells does not ascend");
	}
	return true;
}

/* Fills the figures: rules 9 (both lists), 10 (neither), 11 (too large). seen: 1 for each cell met. */
static bool take_cells(const struct reading *r, uint8_t *seen)
{
	const struct payload *p = r->payload;
	bool too_large = false;
	for (uint32_t i = 0; i < p->rows.n; i++) {
		struct cell_id id = entry_cell(r, &p->rows, i);
		uint32_t place = model_asked(r->config, &id);
		uint64_t value = entry(&p->rows, i)[entry_len(&p->rows, i) - 1];
		seen[place] = 1;
		r->figures->state[place] = FIGURE_VALUE;
		r->figures->value[place] = value;
		too_large = too_large || value > r->config->measure[id.measure].max;
	}
	for (uint32_t i = 0; i < p->blank.n; i++) {
		struct cell_id id = entry_cell(r, &p->blank, i);
		uint32_t place = model_asked(r->config, &id);
		if (seen[place] != 0)
			return refuse(r->e, 9, "a cell stands in rows and in blank");
		seen[place] = 1;
	}
	for (uint32_t i = 0; i < r->config->n_asked; i++)
		if (seen[i] == 0 && r->figures->state[i] != FIGURE_NOT_ASKED)
			return refuse(r->e, 10, "an asked cell is missing");
	return !too_large || refuse(r->e, 11, "a value is above its measure's maximum");
}

/* Rules 100 + id, in the order of the ids. */
static bool run_checks(const struct reading *r)
{
	for (uint16_t i = 0; i < r->config->n_checks; i++) {
		const struct check *check = &r->config->check[i];
		struct comparisons c;
		if (!content_compare(r->config, check, r->figures, &c, r->e))
			return false;
		bool failed = false;
		for (uint32_t k = 0; k < c.n; k++)
			failed = failed || c.at[k].failed;
		comparisons_free(&c);
		if (failed)
			return err_set_detail(r->e, ERR_INVALID, RULE_CHECK + check->id,
			    "rule %u: check '%s' fails", RULE_CHECK + check->id, check->rule);
	}
	return true;
}

static bool check_figures(const struct reading *r)
{
	const struct payload *p = r->payload;
	uint8_t *seen = calloc(r->config->n_asked + 1u, 1);
	if (seen == NULL)
		return err_set(r->e, ERR_MEMORY, "out of memory");
	for (uint32_t i = 0; i < r->config->n_asked; i++)
		if (!content_asked_in(r->config, i, r->period))
			r->figures->state[i] = FIGURE_NOT_ASKED;
	bool ok = check_totals(r) && check_shape(r, &p->rows, 1) && check_shape(r, &p->blank, 0) &&
		  check_codes(r, &p->rows) && check_codes(r, &p->blank) && check_asked(r, &p->rows) &&
		  check_asked(r, &p->blank) && check_order(r, &p->rows) && check_order(r, &p->blank) &&
		  take_cells(r, seen) && run_checks(r);
	free(seen);
	return ok;
}

bool content_check(const struct config *config, const char *period, const struct payload *payload,
    struct figures *out, struct err *e)
{
	*out = (struct figures){ .n = 0 };
	if (sodium_is_zero(payload->blind, sizeof payload->blind))
		return refuse(e, 1, "the blind is all zero");
	if (payload->act == ACT_WITHDRAWAL)
		return !payload->has_figures || refuse(e, 12, "a withdrawal carries figures");
	if (!figures_new(out, config, e))
		return false;
	struct reading r = { config, period, payload, out, e };
	if (check_figures(&r))
		return true;
	figures_free(out);
	return false;
}
