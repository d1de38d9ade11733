#include "policy/fits.h"

#include <string.h>

static const struct dim *find_dim(const struct table_input *t, const char *name)
{
	for (size_t d = 0; d < t->n_dims; d++)
		if (strcmp(t->dim[d].name, name) == 0)
			return &t->dim[d];
	return NULL;
}

bool fits_names(const struct table_input *t, const struct policy_params *p, struct err *e)
{
	for (uint32_t i = 0; i < p->n_group_dims; i++)
		if (find_dim(t, p->group_dim[i]) == NULL)
			return err_set(e, ERR_REFUSED,
			    "policy: group_dims: the table has no dimension %s (R4)", p->group_dim[i]);
	if (p->offices && !t->added_office && find_dim(t, p->office_dim) == NULL &&
	    strcmp(p->office_dim, policy_params_default().office_dim) != 0)
		return err_set(
		    e, ERR_REFUSED, "policy: office_dim: the table has no dimension %s", p->office_dim);
	return true;
}

static bool offices_have_views(const struct table_input *t, const struct policy_params *p)
{
	const struct dim *d = find_dim(t, p->office_dim);
	for (uint32_t i = 0; d != NULL && i < d->n_breakdowns; i++)
		if (d->breakdown[i].view)
			return true;
	return false;
}

static bool covers(const struct table_input *t, const struct pattern *p, uint64_t cell)
{
	for (size_t d = 0; d < t->n_dims; d++)
		if (p->code[d] != NONE && p->code[d] != table_coord(t, cell, d))
			return false;
	return true;
}

static bool is_printed(const struct table_input *t, uint64_t cell)
{
	bool printed = t->n_printed == 0;
	for (size_t i = 0; i < t->n_printed && !printed; i++) {
		printed = true;
		for (size_t d = 0; d < t->n_dims && printed; d++)
			printed = t->printed[i].set[d][table_coord(t, cell, d)] != 0;
	}
	for (size_t i = 0; i < t->n_patterns && printed; i++)
		printed = t->pattern[i].kind != PATTERN_ABSENT || !covers(t, &t->pattern[i], cell);
	return printed;
}

/* A line of forced.csv that no printed figure answers to asks for what does not exist. */
static bool forced_exist(const struct table_input *t, struct err *e)
{
	for (size_t i = 0; i < t->n_patterns; i++) {
		const struct pattern *p = &t->pattern[i];
		struct walk w;
		uint64_t cell = 0;
		bool any = p->kind != PATTERN_FORCED;
		walk_begin(&w, t, p->code, false);
		while (!any && walk_next(&w, &cell))
			any = is_printed(t, cell);
		if (!any)
			return err_set(e, ERR_INVALID,
			    "forced.csv:%u: must be printed, but no table prints it", p->line);
	}
	return true;
}

bool fits_check(const struct table_input *t, const struct policy_params *p, uint32_t offices, struct err *e)
{
	if (!policy_params_check(p, e) || !fits_names(t, p, e))
		return false;
	if (p->figures == FIGURES_AMOUNTS && offices == 0)
		return err_set(e, ERR_REFUSED, "policy: amounts need offices in the table (R6)");
	if (offices >= 2 && p->coalition >= offices)
		return err_set(e, ERR_REFUSED, "policy: coalition is not smaller than the number of offices");
	if (p->offices && offices_have_views(t, p))
		return err_set(e, ERR_INVALID, "dimension %s: offices cannot be a view", p->office_dim);
	return forced_exist(t, e);
}
