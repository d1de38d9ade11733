#include "client/filing.h"
#include "client/lastyear.h"
#include "client/text.h"
#include "proto/content.h"
#include <string.h>

const char *filing_period(const struct args *args)
{
	const char *period = args_value(args, "period");

	return period != NULL ? period : args_value(args, "year");
}

static bool takes_forms(const struct msg_period *p)
{
	return p->state == PERIOD_OPEN || p->state == PERIOD_GRACE;
}

const struct msg_period *filing_choose(
    const struct msg_periods *periods, const char *wanted, bool *sure, struct err *e)
{
	const struct msg_period *found = NULL, *closed = NULL;
	size_t n = 0;

	for (size_t i = 0; i < periods->n; i++) {
		const struct msg_period *p = &periods->period[i];
		if (p->state != PERIOD_VOID && (closed == NULL || p->opens_s >= closed->opens_s))
			closed = p;
		if (wanted != NULL ? strcmp(p->period, wanted) != 0 : !takes_forms(p))
			continue;
		if (found == NULL || p->opens_s >= found->opens_s)
			found = p;
		n++;
	}
	*sure = n == 1;
	if (n == 0 && wanted == NULL && closed != NULL)
		return closed;
	if (n == 0 && wanted != NULL)
		(void)err_set(e, ERR_NOT_FOUND,
		    _("the receiver has no period %s; `cellveil status` shows those it has"), wanted);
	else if (n == 0)
		(void)err_set(e, ERR_NOT_FOUND, "%s",
		    _("no period is open for forms; `cellveil status` shows when one opens"));
	return found;
}

/* Fetches keys and periods, and takes what is held if the gate does not answer in time. */
static int ask_around(struct filing *f, struct err *e)
{
	struct deployment *d = &f->deployment;
	int64_t deadline = d->deadline_ms, soon = net_now_ms() + QUESTION_MS;
	int code;

	if (soon < d->deadline_ms && d->has_keyset)
		d->deadline_ms = soon;
	code = deployment_keys(d, e);
	if (code == EXIT_NOT_SENT && d->has_keyset)
		code = EXIT_OK;
	if (code == EXIT_OK)
		code = deployment_periods(d, f->dataset, true, e);
	d->deadline_ms = deadline;
	return code;
}

static int take_period(struct filing *f, const struct msg_period *period, struct err *e)
{
	f->period = *period;
	config_free(f->config);
	return deployment_config(&f->deployment, f->period.config_digest, f->dataset, &f->config, e);
}

int filing_open(struct filing *f, const struct args *args, struct err *e)
{
	const struct msg_period *period;
	unsigned long wait;
	int code;

	memset(f, 0, sizeof *f);
	if (!args_number(args, "wait", 30ul * 86400, (unsigned long)INT64_MAX, &wait))
		return EXIT_USAGE;
	code = deployment_open(&f->deployment, args_value(args, "dir"), e);
	if (code != EXIT_OK)
		return code;
	deployment_wait(&f->deployment, wait);
	f->dataset = settings_dataset(&f->deployment.settings, args_value(args, "dataset"), e);
	if (f->dataset == NULL)
		return EXIT_USAGE;
	code = ask_around(f, e);
	if (code != EXIT_OK)
		return code;
	period = filing_choose(&f->deployment.reply.periods, filing_period(args), &f->sure, e);
	return period == NULL ? EXIT_REFUSED : take_period(f, period, e);
}

/* A definition, or one that still has a preset's placeholders for a deployment's names. */
static struct config *parse_definition(struct bytes file, struct err *e)
{
	static const char placeholder[] = "@ORIGIN@";
	struct buf filled = { 0 };
	struct config *config = NULL;

	if (file.len == 0 || memmem(file.at, file.len, placeholder, sizeof placeholder - 1) == NULL)
		return config_parse(file, e);
	if (preset_fill(file, "preset.invalid/log", "preset", bytes_of(NULL, 0), &filled, e))
		config = config_parse(buf_bytes(&filled), e);
	buf_free(&filled);
	return config;
}

int filing_open_offline(struct filing *f, const char *path, struct err *e)
{
	struct buf file = { 0 };
	bool ok = file_read(&file, path, LIMIT_CONFIG_FILE, e);

	memset(f, 0, sizeof *f);
	if (ok) {
		f->config = parse_definition(buf_bytes(&file), e);
		ok = f->config != NULL || err_wrap(e, "%s", path);
	}
	buf_free(&file);
	if (!ok)
		return EXIT_USAGE;
	f->sure = true;
	(void)settings_load(&f->deployment.settings, NULL, NULL);
	return EXIT_OK;
}

int filing_open_any(struct filing *f, const struct args *args, struct err *e)
{
	const char *config = args_value(args, "config");
	int code;

	if (config != NULL)
		return filing_open_offline(f, config, e);
	code = filing_open(f, args, e);
	if (code == EXIT_KEY && !f->deployment.settings.joined && e->code == ERR_NOT_FOUND) {
		struct err why = *e;
		(void)err_set(e, ERR_NOT_FOUND,
		    _("%s; or, without keys and receiver, --config FILE with the form's definition (YAML)"),
		    why.text);
	}
	return code;
}

void filing_close(struct filing *f)
{
	config_free(f->config);
	deployment_close(&f->deployment);
}

static bool read_form(const struct filing *f, const char *path, struct bytes file, const struct args *args,
    const struct figures *before, struct form_result *result, struct findings *findings, struct err *e)
{
	const char *blanks = args_value(args, "blanks");
	struct form_options options = {
		.period = filing_period(args), .blanks_not_reported = blanks != NULL, .before = before
	};

	findings_free(findings);
	figures_free(&result->figures);
	findings_init(findings, path);
	return form_read(path, file, f->config, f->deployment.settings.name, &options, result, findings, e);
}

static int change_over(struct filing *f, const char *period, struct err *e)
{
	const struct msg_period *other;
	int code = deployment_periods(&f->deployment, f->dataset, true, e);

	if (code != EXIT_OK)
		return code;
	other = filing_choose(&f->deployment.reply.periods, period, &f->sure, e);
	return other == NULL ? EXIT_REFUSED : take_period(f, other, e);
}

/* Reads the form once more, beside the one of the period before, if there is one. */
static int read_beside(struct filing *f, const char *path, struct bytes file, const struct args *args,
    struct form_result *result, struct findings *findings, struct err *e)
{
	struct figures before = { 0 };
	char period[LIMIT_PERIOD + 1];
	int code;

	memcpy(period, result->period, sizeof period);
	code = lastyear_find(f, args, period, &before, e);
	if (code == EXIT_OK && before.n > 0 && !read_form(f, path, file, args, &before, result, findings, e))
		code = EXIT_OTHER;
	figures_free(&before);
	return code;
}

int filing_read(struct filing *f, const char *path, const struct args *args, struct form_result *result,
    struct findings *findings, struct err *e)
{
	const char *blanks = args_value(args, "blanks");
	struct buf file = { 0 };
	int code = EXIT_OTHER;

	memset(result, 0, sizeof *result);
	findings_init(findings, path);
	if (blanks != NULL && strcmp(blanks, "not-reported") != 0) {
		(void)err_set(e, ERR_INVALID, "%s", _("--blanks knows one answer: not-reported"));
		return EXIT_USAGE;
	}
	if (!file_read(&file, path, FILING_FORM_BYTES, e) ||
	    !read_form(f, path, buf_bytes(&file), args, NULL, result, findings, e))
		goto done;
	code = EXIT_OK;
	if (result->period[0] == 0 && !f->sure) {
		code = EXIT_USAGE;
		(void)err_set(e, ERR_INVALID, "%s", _("which period? choose one with --period"));
	} else if (f->dataset != NULL && filing_period(args) == NULL && result->period[0] != 0 &&
		   strcmp(result->period, f->period.period) != 0) {
		code = change_over(f, result->period, e);
		if (code == EXIT_OK && !read_form(f, path, buf_bytes(&file), args, NULL, result, findings, e))
			code = EXIT_OTHER;
	}
	if (code == EXIT_OK)
		code = read_beside(f, path, buf_bytes(&file), args, result, findings, e);
done:
	buf_free(&file); /* wipes: counts */
	return code;
}

int filing_judge(const struct findings *findings, const struct args *args)
{
	struct buf text = { 0 };

	if (args_flag(args, "json"))
		findings_json(findings, &text);
	else
		findings_print(findings, &text, text_language());
	bool put = !args_flag(args, "json") || text_put_or_say(&text);
	if (!args_flag(args, "json") && text.size > 0)
		text_warn("%.*s", (int)text.size - 1, (const char *)text.data);
	buf_free(&text);
	if (!put)
		return EXIT_OTHER;
	if (findings->failed || findings_worst(findings) == SEVERITY_ERROR)
		return EXIT_FINDINGS;
	if (findings_open(findings) ||
	    (args_flag(args, "strict") && findings_worst(findings) == SEVERITY_WARNING))
		return EXIT_OPEN;
	return EXIT_OK;
}
