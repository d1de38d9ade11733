/* A form against itself and against the office's own form of the period before. Nothing here stops a form. */
#include "client/form/formread.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SMALLEST_TOLD 10u /* persons, whole units: below it a doubling says nothing */
#define SMALLEST_BASE 3u  /* "all of them" about one or two is no pattern */

/* ---- figures of another form version ---- */

static bool carry_id(
    const struct config *now, const struct config *then, const struct cell_id *id, struct cell_id *out)
{
	const struct measure *m = &now->measure[id->measure];
	*out = (struct cell_id){ .measure = model_measure(then, m->name) };
	if (out->measure == NO_PLACE || then->measure[out->measure].n_dims != m->n_dims ||
	    then->measure[out->measure].decimals != m->decimals)
		return false;
	for (uint16_t d = 0; d < m->n_dims; d++) {
		const struct codelist *a = &now->list[m->dim[d]];
		const struct codelist *b = &then->list[then->measure[out->measure].dim[d]];
		if (strcmp(a->name, b->name) != 0)
			return false;
		out->code[d] = model_code(b, a->code[id->code[d]].code);
		if (out->code[d] == NO_PLACE)
			return false;
	}
	return true;
}

bool form_carry(const struct config *now, const struct config *then, const struct figures *from,
    struct figures *to, struct err *e)
{
	if (!figures_new(to, now, e))
		return false;
	for (uint32_t i = 0; i < now->n_asked; i++) {
		struct cell_id id;
		uint32_t k = carry_id(now, then, &now->asked[i], &id) ? model_asked(then, &id) : UINT32_MAX;
		to->state[i] = k == UINT32_MAX || k >= from->n ? FIGURE_NOT_ASKED : from->state[k];
		to->value[i] = to->state[i] == FIGURE_VALUE ? from->value[k] : 0;
	}
	return true;
}

/* ---- values ---- */

static bool value_at(
    const struct config *config, const struct figures *figures, const struct cell_id *id, uint64_t *value)
{
	uint32_t i = model_asked(config, id);
	if (i == UINT32_MAX || figures->state[i] != FIGURE_VALUE)
		return false;
	*value = figures->value[i];
	return true;
}

/* The value, or what a total and its other parts leave for a box that is open. */
static bool value_or_rest(const struct config *config, const struct figures *figures, struct cell_id id,
    uint16_t dim, uint64_t *value)
{
	const struct codelist *list = &config->list[config->measure[id.measure].dim[dim]];
	uint16_t own = id.code[dim];
	uint64_t rest;
	uint64_t part;
	if (value_at(config, figures, &id, value))
		return true;
	id.code[dim] = model_total(list);
	if (id.code[dim] == NO_PLACE || !value_at(config, figures, &id, &rest))
		return false;
	for (uint16_t c = 0; c < list->n_codes; c++) {
		id.code[dim] = c;
		if (c == own || !model_is_leaf(list, c) || model_asked(config, &id) == UINT32_MAX)
			continue;
		if (!value_at(config, figures, &id, &part) || part > rest)
			return false;
		rest -= part;
	}
	*value = rest;
	return true;
}

/* ---- last period's stock and this period's ---- */

struct flow {
	uint64_t before, left, come, now;
};

static struct cell_id of_measure(struct cell_id id, uint16_t measure)
{
	id.measure = measure;
	return id;
}

static void tell_flow(struct formread *f, uint32_t i, const struct flow *v)
{
	unsigned long long expected = v->before - v->left + v->come;
	formread_tell(f, FINDING_FLOW, SEVERITY_WARNING, formread_place(f, i),
	    "förra perioden %llu, därav %llu avslutade, och nu %llu nya ger %llu, inte %llu",
	    "last period %llu, of whom %llu ended, and now %llu new make %llu, not %llu",
	    (unsigned long long)v->before, (unsigned long long)v->left, (unsigned long long)v->come, expected,
	    (unsigned long long)v->now);
}

static void check_flow(struct formread *f, const struct layout_series *s, uint32_t i)
{
	const struct config *config = f->config;
	const struct figures *before = f->options->before;
	struct cell_id id = config->asked[i];
	struct cell_id left = of_measure(id, s->out);
	struct cell_id come = of_measure(id, s->in);
	struct flow v;
	if (!value_at(config, f->figures, &id, &v.now) || !value_at(config, before, &id, &v.before) ||
	    !value_at(config, before, &left, &v.left) || !value_at(config, f->figures, &come, &v.come))
		return;
	if (v.left <= v.before && v.before - v.left + v.come != v.now)
		tell_flow(f, i, &v);
}

/* Nobody grows out of the top: whoever was in it and did not end is in it still. */
static void check_top(struct formread *f, const struct layout_series *s, uint32_t i)
{
	const struct config *config = f->config;
	const struct figures *before = f->options->before;
	struct cell_id id = config->asked[i];
	struct flow v = { 0 };
	if (!value_or_rest(config, f->figures, id, s->dim, &v.now) ||
	    !value_or_rest(config, before, id, s->dim, &v.before) ||
	    !value_or_rest(config, before, of_measure(id, s->out), s->dim, &v.left))
		return;
	if (!value_or_rest(config, f->figures, of_measure(id, s->in), s->dim, &v.come))
		v.come = 0;
	unsigned long long expected = v.before - v.left + v.come;
	if (v.left <= v.before && v.now < expected)
		formread_tell(f, FINDING_OPEN_TOP, SEVERITY_WARNING, formread_place(f, i),
		    "förra perioden %llu, därav %llu avslutade: minst %llu väntas, inte %llu",
		    "last period %llu, of whom %llu ended: at least %llu are expected, not %llu",
		    (unsigned long long)v.before, (unsigned long long)v.left, expected,
		    (unsigned long long)v.now);
}

static void check_series(struct formread *f, const struct layout_series *s)
{
	const struct measure *m = &f->config->measure[s->stock];
	for (uint32_t i = 0; i < f->config->n_asked; i++) {
		const struct cell_id *id = &f->config->asked[i];
		if (id->measure != s->stock)
			continue;
		if (s->dim == NO_PLACE || id->code[s->dim] == model_total(&f->config->list[m->dim[s->dim]]))
			check_flow(f, s, i);
		else if (id->code[s->dim] == s->top)
			check_top(f, s, i);
	}
}

/* ---- notes ---- */

/* The cell a part is counted within: the same codes where dimensions are shared, totals elsewhere. */
static struct cell_id base_of(const struct config *config, const struct cell_id *id)
{
	const struct measure *m = &config->measure[id->measure];
	const struct measure *b = &config->measure[m->within];
	struct cell_id base = { .measure = m->within };
	for (uint16_t d = 0; d < b->n_dims; d++) {
		base.code[d] = model_total(&config->list[b->dim[d]]);
		for (uint16_t k = 0; k < m->n_dims; k++)
			if (m->dim[k] == b->dim[d])
				base.code[d] = id->code[k];
	}
	return base;
}

static bool is_full(const struct config *config, const struct figures *figures, const struct cell_id *id)
{
	struct cell_id base = base_of(config, id);
	uint64_t value;
	uint64_t whole;
	return value_at(config, figures, id, &value) && value_at(config, figures, &base, &whole) &&
	       whole >= SMALLEST_BASE && value == whole;
}

/* An answer that several may give: now all of them do, and last period not, or the other way round. */
static void check_pattern(struct formread *f, uint32_t i)
{
	const struct cell_id *id = &f->config->asked[i];
	struct cell_id base = base_of(f->config, id);
	uint64_t then;
	uint64_t whole;
	if (!is_full(f->config, f->figures, id) || is_full(f->config, f->options->before, id) ||
	    !value_at(f->config, f->options->before, id, &then) ||
	    !value_at(f->config, f->options->before, &base, &whole))
		return;
	formread_tell(f, FINDING_PATTERN, SEVERITY_NOTE, formread_place(f, i),
	    "gäller nu alla; förra perioden %llu av %llu", "now applies to all; last period to %llu of %llu",
	    (unsigned long long)then, (unsigned long long)whole);
}

static uint64_t unit_of(const struct measure *m)
{
	uint64_t unit = 1;
	for (uint16_t d = 0; d < m->decimals; d++)
		unit *= 10;
	return unit;
}

static void check_change(struct formread *f, uint32_t i)
{
	const struct measure *m = &f->config->measure[f->config->asked[i].measure];
	const struct cell_id *id = &f->config->asked[i];
	uint64_t now;
	uint64_t then;
	if (!value_at(f->config, f->figures, id, &now) || !value_at(f->config, f->options->before, id, &then))
		return;
	uint64_t low = now < then ? now : then;
	uint64_t high = now < then ? then : now;
	if (high < SMALLEST_TOLD * unit_of(m) || high / 2 <= low)
		return;
	formread_tell_text(f, FINDING_CHANGE, SEVERITY_NOTE, formread_place(f, i),
	    now > then ? "mer än dubbelt så mycket som förra perioden"
		       : "mindre än hälften av förra perioden",
	    now > then ? "more than twice last period's" : "less than half of last period's");
}

static bool is_amount(const struct measure *m)
{
	return m->unit != UNIT_BOOL && m->unit != UNIT_CODE;
}

/* Totals over ages and the like; parts follow them. */
static bool is_top_line(const struct config *config, const struct cell_id *id)
{
	const struct measure *m = &config->measure[id->measure];
	for (uint16_t d = 1; d < m->n_dims; d++)
		if (id->code[d] != model_total(&config->list[m->dim[d]]))
			return false;
	return true;
}

static void check_contradictions(struct formread *f)
{
	const struct layout *layout = f->config->layout;
	for (uint16_t k = 0; k < layout->n_contradictions; k++) {
		const struct layout_contradiction *c = &layout->contradiction[k];
		struct cell_id a = { .measure = c->a };
		struct cell_id b = { .measure = c->b };
		uint32_t i = model_asked(f->config, &b);
		uint64_t yes_a = 0;
		uint64_t yes_b = 0;
		if (value_at(f->config, f->figures, &a, &yes_a) &&
		    value_at(f->config, f->figures, &b, &yes_b) && yes_a == 1 && yes_b == 1)
			formread_tell_text(f, FINDING_CONTRADICTION, SEVERITY_WARNING, formread_place(f, i),
			    c->label.sv, c->label.en);
	}
}

/* The sum of a measure over what is asked of it: totals where there are, else the parts. False if one is open. */
static bool sum_of(const struct formread *f, uint16_t measure, uint64_t *sum, uint32_t *first)
{
	const struct config *config = f->config;
	const struct measure *m = &config->measure[measure];
	bool has_total[LIMIT_DIMS] = { false };
	*sum = 0;
	*first = UINT32_MAX;
	for (uint32_t i = 0; i < config->n_asked; i++)
		for (uint16_t d = 0; config->asked[i].measure == measure && d < m->n_dims; d++)
			has_total[d] =
			    has_total[d] || config->asked[i].code[d] == model_total(&config->list[m->dim[d]]);
	for (uint32_t i = 0; i < config->n_asked; i++) {
		bool counts = config->asked[i].measure == measure;
		for (uint16_t d = 0; counts && d < m->n_dims; d++)
			counts = has_total[d]
				     ? config->asked[i].code[d] == model_total(&config->list[m->dim[d]])
				     : model_is_leaf(&config->list[m->dim[d]], config->asked[i].code[d]);
		if (!counts)
			continue;
		if (f->figures->state[i] != FIGURE_VALUE || f->figures->value[i] > UINT64_MAX - *sum)
			return false;
		*first = *first == UINT32_MAX ? i : *first;
		*sum += f->figures->value[i];
	}
	return *first != UINT32_MAX;
}

/* A plausibility note, so floating point will do. */
static void check_ratio(struct formread *f, const struct layout_ratio *r)
{
	uint64_t unit_a = unit_of(&f->config->measure[r->of]);
	uint64_t unit_b = unit_of(&f->config->measure[r->per]);
	uint64_t of;
	uint64_t per;
	uint32_t at;
	uint32_t ignored;
	if (!sum_of(f, r->per, &per, &ignored) || !sum_of(f, r->of, &of, &at) || per == 0)
		return;
	double ratio = ((double)of / (double)unit_a) / ((double)per / (double)unit_b);
	if (ratio >= (double)r->least && ratio <= (double)r->most)
		return;
	char sv[512];
	char en[512];
	snprintf(sv, sizeof sv, "%s (%.0f)", r->label.sv, ratio);
	snprintf(en, sizeof en, "%s (%.0f)", r->label.en, ratio);
	formread_tell_text(f, FINDING_RATIO, SEVERITY_NOTE, formread_place(f, at), sv, en);
}

void formread_years(struct formread *f)
{
	const struct layout *layout = f->config->layout;
	if (layout == NULL)
		return;
	check_contradictions(f);
	for (uint16_t k = 0; k < layout->n_ratios; k++)
		check_ratio(f, &layout->ratio[k]);
	if (f->options->before == NULL)
		return;
	for (uint16_t k = 0; k < layout->n_series; k++)
		check_series(f, &layout->series[k]);
	for (uint32_t i = 0; i < f->config->n_asked; i++) {
		const struct measure *m = &f->config->measure[f->config->asked[i].measure];
		if (m->multiple && m->within != NO_PLACE)
			check_pattern(f, i);
		else if (is_amount(m) && is_top_line(f->config, &f->config->asked[i]))
			check_change(f, i);
	}
}
