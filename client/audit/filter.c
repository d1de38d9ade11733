#include "client/audit/filter.h"
#include "client/text.h"
#include <string.h>

static const struct {
	enum log_kind kind;
	const char *outcome;
} outcomes[] = { { LOG_RELEASE, "released" }, { LOG_NO_RELEASE, "withheld" }, { LOG_SUPERSEDE, "superseded" },
	{ LOG_WITHDRAW, "withdrawn" }, { LOG_SUBMISSION, "received" } };
static const char *const of_cells[] = { "hidden", "primary", "secondary" };

const char *filter_outcome(const struct log_entry *x)
{
	for (size_t i = 0; i < sizeof outcomes / sizeof *outcomes; i++) {
		if (outcomes[i].kind == x->kind)
			return outcomes[i].outcome;
	}
	return "";
}

static bool is_cell_outcome(const char *outcome)
{
	for (size_t i = 0; outcome != NULL && i < sizeof of_cells / sizeof *of_cells; i++) {
		if (strcmp(of_cells[i], outcome) == 0)
			return true;
	}
	return false;
}

static bool known_outcome(const char *outcome)
{
	for (size_t i = 0; outcome != NULL && i < sizeof outcomes / sizeof *outcomes; i++) {
		if (strcmp(outcomes[i].outcome, outcome) == 0)
			return true;
	}
	return outcome == NULL || is_cell_outcome(outcome);
}

static bool known_kind(const char *kind)
{
	for (int k = 0; kind != NULL && k < LOG_KINDS; k++) {
		if (strcmp(kind, log_kind_name((enum log_kind)k)) == 0)
			return true;
	}
	return kind == NULL;
}

bool filter_take(struct filter *f, const struct args *args)
{
	*f = (struct filter){ .kind = args_value(args, "kind"),
		.dataset = args_value(args, "dataset"),
		.period = args_value(args, "period"),
		.year = args_value(args, "year"),
		.outcome = args_value(args, "outcome"),
		.office = args_value(args, "office"),
		.table = args_value(args, "table"),
		.rule = args_value(args, "rule") };
	if (!known_kind(f->kind))
		text_warn(_("%s: no kind of leaf; see docs/auditor.md"), f->kind);
	else if (!known_outcome(f->outcome))
		text_warn(_("%s: no outcome; they are released, withheld, superseded, withdrawn, received, "
			    "and of cells "
			    "hidden, primary, secondary"),
		    f->outcome);
	else if (f->kind != NULL && filter_asks_cells(f))
		text_warn(
		    "%s", _("--kind is for leaves; --office, --table, --rule and outcomes of cells are not"));
	else
		return true;
	return false;
}

bool filter_asks_cells(const struct filter *f)
{
	return f->office != NULL || f->table != NULL || f->rule != NULL || is_cell_outcome(f->outcome);
}

bool filter_wants_period(const struct filter *f, const struct log_entry *x)
{
	return (f->dataset == NULL || strcmp(f->dataset, x->dataset) == 0) &&
	       (f->period == NULL || strcmp(f->period, x->period) == 0) &&
	       (f->year == NULL ||
		   (strncmp(f->year, x->period, strlen(f->year)) == 0 && strlen(f->year) == 4));
}

bool filter_wants_leaf(const struct filter *f, const struct log_entry *x)
{
	return filter_wants_period(f, x) &&
	       (f->kind == NULL || strcmp(f->kind, log_kind_name(x->kind)) == 0) &&
	       (f->outcome == NULL || strcmp(f->outcome, filter_outcome(x)) == 0);
}
