#include "client/preview.h"
#include "client/commands.h"
#include "client/filing.h"
#include "client/preview_print.h"
#include "client/text.h"
#include "policy/form_table.h"
#include "proto/content.h"
#include "proto/export.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define WORK_MAX UINT64_C(200000000) /* some seconds */

/* The configuration with the office as its only one: root and leaf of the list at once. */
static bool view_alone(struct preview *p, const struct config *config, const char *office, struct err *e)
{
	const struct codelist *offices = &config->list[config->office_list];
	uint16_t place = model_code(offices, office);

	p->config = *config;
	p->list = calloc(config->n_lists, sizeof *p->list);
	if (p->list == NULL)
		return err_set(e, ERR_MEMORY, "out of memory");
	memcpy(p->list, config->list, config->n_lists * sizeof *p->list);
	p->office = (struct code){ .code = office, .label = { office, office } };
	if (place != NO_PLACE)
		p->office.label = offices->code[place].label;
	p->office.valid = (struct validity){ 0, UINT32_MAX };
	p->list[config->office_list].code = &p->office;
	p->list[config->office_list].n_codes = 1;
	p->config.list = p->list;
	p->config.n_derived = 0; /* they are about cells of other offices */
	return true;
}

static uint8_t state_of(char mark)
{
	switch (mark) {
	case MARK_PUBLISHED:
		return RELEASE_PUBLISHED;
	case MARK_HIDDEN:
		return RELEASE_SUPPRESSED;
	case MARK_STRUCTURAL:
		return RELEASE_STRUCTURAL;
	case MARK_NOT_ASKED:
		return RELEASE_NOT_ASKED;
	case MARK_PERTURBED:
		return RELEASE_PERTURBED;
	default:
		return RELEASE_NOT_REPORTED;
	}
}

static void take_row(struct preview *p, struct release_row *to, const struct form_row *from)
{
	to->measure = from->measure;
	memcpy(to->code, from->code, sizeof to->code);
	to->state = state_of(from->state);
	to->value = release_has_value(to->state) ? from->value : 0;
	p->n_shown += to->state == RELEASE_PUBLISHED || to->state == RELEASE_PERTURBED;
	p->n_hidden += to->state == RELEASE_SUPPRESSED;
}

static bool take_table(
    struct preview *p, const struct safe_table *safe, const char *period, uint16_t place, struct err *e)
{
	const struct release_table *table = &p->config.table[place];
	struct form_row *row = NULL;
	size_t n = 0;

	if (!form_rows(safe, &p->config, period, place, &row, &n, e))
		return false;
	struct release_rows_table *out = release_rows_add(&p->rows, n, e);
	if (out != NULL) {
		(void)snprintf(out->id, sizeof out->id, "%s", table->id);
		out->n_dims = table->n_dims;
		for (uint16_t d = 0; d < table->n_dims; d++)
			(void)snprintf(
			    out->dim[d], sizeof out->dim[d], "%s", p->config.list[table->dim[d]].name);
		for (size_t i = 0; i < n; i++)
			take_row(p, &out->row[i], &row[i]);
	}
	free(row);
	return out != NULL;
}

static bool take_rows(struct preview *p, const struct safe_table *safe, const char *period, struct err *e)
{
	(void)snprintf(p->rows.dataset, sizeof p->rows.dataset, "%s", p->config.dataset);
	(void)snprintf(p->rows.period, sizeof p->rows.period, "%s", period);
	memcpy(p->rows.config, p->config.digest, sizeof p->rows.config);
	for (uint16_t t = 0; t < p->config.n_tables; t++)
		if (!take_table(p, safe, period, t, e))
			return false;
	return export_check(&p->rows, &p->config, e);
}

/* The policy, without what only a set of offices can keep or break. */
static bool policy_alone(struct policy_params *params, const struct config *config, struct err *e)
{
	if (!policy_params_from_settings(params, config->policy, config->n_policy, e))
		return false;
	if (params->figures == FIGURES_AMOUNTS)
		return err_set(e, ERR_UNSUPPORTED, "%s",
		    _("what is shown of amounts depends on the other offices' ones"));
	params->offices = false;
	params->coalition = 1;
	params->min_offices = 1;
	params->min_reporting = 1;
	params->min_offices_changed = 1;
	return true;
}

bool preview_build(struct preview *p, const struct config *config, const char *period, const char *office,
    const struct figures *figures, struct err *e)
{
	static const uint8_t key[32]; /* no secret: the same preview twice */
	const struct contribution own = { .office = office, .figures = figures };
	const struct release_options options = { .period = period, .max_work = WORK_MAX };
	struct policy_params params;
	struct table_input *input = NULL;
	struct release_result *result = NULL;
	bool ok = false;

	memset(p, 0, sizeof *p);
	if (!policy_alone(&params, config, e) || !view_alone(p, config, office, e) ||
	    !table_from_forms(&p->config, period, &own, 1, &params, &input, e) ||
	    !release_build(input, &params, key, &options, &result, e))
		goto done;
	if (result->refusal == REFUSAL_LIMIT) {
		(void)err_set(e, ERR_LIMIT, "%s", _("the preview takes too long for this form"));
		goto done;
	}
	p->refused = result->refusal != REFUSAL_NONE;
	(void)snprintf(p->rows.period, sizeof p->rows.period, "%s", period);
	ok = p->refused || take_rows(p, result->table, period, e);
done:
	release_result_free(result);
	table_free(input);
	return ok;
}

void preview_free(struct preview *p)
{
	release_rows_free(&p->rows);
	free(p->list);
	memset(p, 0, sizeof *p);
}

bool preview_is_published(const struct config *config, uint16_t measure)
{
	for (uint16_t t = 0; t < config->n_tables; t++)
		for (uint16_t i = 0; i < config->table[t].n_measures; i++)
			if (config->table[t].measure[i] == measure)
				return true;
	return false;
}

/* ---- the command ---- */

static void put_unpublished(struct buf *out, const struct config *config)
{
	bool first = true;

	for (uint16_t m = 0; m < config->n_measures; m++) {
		if (preview_is_published(config, m))
			continue;
		buf_put_text(out, first ? "  " : "; ");
		buf_put_text(out, text_label(config->measure[m].label));
		first = false;
	}
	if (!first)
		buf_put_text(out, "\n");
}

/* Does the policy in force protect hidden figures from the other offices, who know their own? */
static bool guards_offices(const struct config *config)
{
	struct policy_params params;

	return policy_params_from_settings(&params, config->policy, config->n_policy, NULL) && params.offices;
}

static void put_about(struct buf *out, const struct preview *p, const struct config *config)
{
	buf_printf(out, "%s\n", _("Who would see what, if this office's form stood alone:"));
	buf_printf(out,
	    ngettext("Everybody, the other offices among them: the %zu number shown, of form and sums.",
		"Everybody, the other offices among them: the %zu numbers shown, of form and sums.",
		p->n_shown),
	    p->n_shown);
	buf_put_text(out, "\n");
	buf_printf(out,
	    ngettext("Nobody outside the vault: the %zu hidden number. Auditors learn that it is hidden, not "
		     "what it is.",
		"Nobody outside the vault: the %zu hidden numbers. Auditors learn that they are hidden, not "
		"what they are.",
		p->n_hidden),
	    p->n_hidden);
	buf_printf(out, "\n%s\n",
	    guards_offices(config) ? _("The other offices know their own part of each sum: what is hidden is "
				       "hidden from them too.")
				   : _("The other offices know their own part of each sum: this policy does "
				       "not reckon with that."));
	buf_printf(out, "%s\n", _("In no table, and published nowhere:"));
	put_unpublished(out, config);
	buf_printf(
	    out, "%s\n", _("Free text, names, telephone numbers and addresses do not leave this computer."));
	buf_printf(out, "%s\n",
	    _("Which figures are hidden in the end depends on what all offices report: others than these may "
	      "be hidden too, so that no total gives a small figure away."));
}

static struct preview_style style_of_terminal(void)
{
	struct winsize size = { 0 };
	struct preview_style style = { .language = text_language(), .color = text_color(STDOUT_FILENO) };

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0)
		style.width = size.ws_col;
	return style;
}

enum preview_format { PREVIEW_PICTURE, PREVIEW_LIST, PREVIEW_CSV, PREVIEW_JSON, PREVIEW_FORMATS };

/* PREVIEW_FORMATS for a word that is none. */
static enum preview_format format_of(const struct args *args)
{
	static const char *const names[] = { "picture", "list", "csv" };
	const char *format = args_value(args, "format");
	unsigned i = 0;

	if (args_flag(args, "json"))
		return PREVIEW_JSON;
	while (format != NULL && i < PREVIEW_JSON && strcmp(format, names[i]) != 0)
		i++;
	return i < PREVIEW_JSON ? (enum preview_format)i : PREVIEW_FORMATS;
}

static bool put_preview(struct buf *out, const struct preview *p, const struct config *config,
    const struct figures *figures, enum preview_format format, struct err *e)
{
	struct preview_style style = style_of_terminal();

	if (format == PREVIEW_JSON)
		return preview_put_json(out, p, config, figures, style.language, e);
	if (p->refused) {
		buf_printf(out, "%s\n", _("Under this policy nothing of the form would be shown."));
		return true;
	}
	if (format == PREVIEW_CSV)
		return export_csv(out, &p->rows, &p->config, e);
	if (format == PREVIEW_LIST ? !preview_put_list(out, p, config, figures, style.language, e)
				   : !preview_put_picture(out, p, &style, e))
		return false;
	buf_put_text(out, "\n");
	put_about(out, p, config);
	return true;
}

static int show(
    const struct filing *f, const struct form_result *form, const struct args *args, struct err *e)
{
	const char *office = f->deployment.settings.name;
	enum preview_format format = format_of(args);
	struct preview p = { .list = NULL };
	struct buf out = { 0 };
	int code = EXIT_USAGE;

	if (format == PREVIEW_FORMATS) {
		(void)err_set(e, ERR_INVALID, "%s", _("--format knows picture, list and csv"));
		return code;
	}
	code = EXIT_OTHER;
	if (preview_build(
		&p, f->config, form->period, office[0] != 0 ? office : "office", &form->figures, e) &&
	    put_preview(&out, &p, f->config, &form->figures, format, e) && text_put_or_say(&out))
		code = EXIT_OK;
	buf_free(&out);
	preview_free(&p);
	return code;
}

int command_preview(const struct args *args)
{
	static const char *const format[] = { "format", NULL };
	struct filing *f = calloc(1, sizeof *f);
	const char *office = args_value(args, "office");
	struct form_result form = { .period = "" };
	struct findings findings = { .at = NULL };
	struct err e = { 0 };
	int code;

	if (f == NULL)
		return EXIT_OTHER;
	text_quiet(args_flag(args, "quiet"));
	code = args_flag(args, "json") && !args_exclude(args, "--json", format)
		   ? EXIT_USAGE
		   : filing_open_any(f, args, &e);
	if (code == EXIT_OK && office != NULL)
		(void)snprintf(f->deployment.settings.name, LIMIT_NAME + 1, "%s", office);
	if (code == EXIT_OK)
		code = filing_read(f, args->at[0], args, &form, &findings, &e);
	if (code == EXIT_OK && findings_worst(&findings) == SEVERITY_ERROR)
		code = filing_judge(&findings, args);
	if (code == EXIT_OK)
		code = show(f, &form, args, &e);
	if (code != EXIT_OK && e.text[0] != 0)
		text_error(&e);
	figures_free(&form.figures);
	findings_free(&findings);
	filing_close(f);
	free(f);
	return code;
}
