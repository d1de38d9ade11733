#include "client/commands.h"
#include "client/filing.h"
#include "client/text.h"
#include "proto/content.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct check_run {
	struct filing filing;
	struct form_result form;
	struct findings findings;
};

int command_check(const struct args *args)
{
	struct check_run *c = calloc(1, sizeof *c);
	const char *office = args_value(args, "office");
	struct err e = { 0 };
	int code;

	if (c == NULL)
		return EXIT_OTHER;
	text_quiet(args_flag(args, "quiet"));
	code = filing_open_any(&c->filing, args, &e);
	if (code == EXIT_OK && office != NULL)
		(void)snprintf(c->filing.deployment.settings.name, LIMIT_NAME + 1, "%s", office);
	if (code == EXIT_OK)
		code = filing_read(&c->filing, args->at[0], args, &c->form, &c->findings, &e);
	if (code == EXIT_OK)
		code = filing_judge(&c->findings, args);
	if (code == EXIT_OK)
		text_say("%s", _("The form can be sent."));
	else if (e.text[0] != 0)
		text_error(&e);
	figures_free(&c->form.figures);
	findings_free(&c->findings);
	filing_close(&c->filing);
	free(c);
	return code;
}
