#include "client/commands.h"
#include "client/filing.h"
#include "client/text.h"
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* --format, else the ending of --output, else csv. */
static const char *format_of(const struct args *args)
{
	const char *format = args_value(args, "format"), *output = args_value(args, "output"), *dot;

	if (format != NULL)
		return format;
	dot = output != NULL ? strrchr(output, '.') : NULL;
	return dot != NULL ? dot + 1 : "csv";
}

static int put_form(const struct filing *f, const struct args *args, struct err *e)
{
	const char *format = format_of(args), *output = args_value(args, "output");
	const char *period = filing_period(args);
	struct buf out = { 0 };
	int code = EXIT_USAGE;

	if (period == NULL && f->sure && f->dataset != NULL)
		period = f->period.period;
	if (period != NULL && !config_period_in(f->config, period)) {
		(void)err_set(e, ERR_INVALID, _("this form version is not for %s"), period);
		goto done;
	}
	if (!form_template_as(f->config, period, format, &out, e))
		goto done;
	if (output == NULL && strcmp(format, "csv") != 0 && isatty(STDOUT_FILENO)) {
		(void)err_set(e, ERR_INVALID, "%s", _("a workbook is not for the screen; say -o FILE"));
		goto done;
	}
	code = EXIT_OK;
	if (output != NULL ? !file_put(output, 0644, buf_bytes(&out), e) : !text_put_or_say(&out))
		code = EXIT_OTHER;
done:
	buf_free(&out);
	return code;
}

int command_template(const struct args *args)
{
	struct filing *f = calloc(1, sizeof *f);
	struct err e = { 0 };
	int code;

	if (f == NULL)
		return EXIT_OTHER;
	text_quiet(args_flag(args, "quiet"));
	code = filing_open_any(f, args, &e);
	if (code == EXIT_OK)
		code = put_form(f, args, &e);
	if (code != EXIT_OK && e.text[0] != 0)
		text_error(&e);
	filing_close(f);
	free(f);
	return code;
}
