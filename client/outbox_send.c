#include "client/commands.h"
#include "client/send.h"
#include "client/text.h"
#include <limits.h>
#include <stdlib.h>
#include <string.h>

static struct outbox_item *find_prefix(struct outbox *o, const char *prefix)
{
	struct outbox_item *found = NULL;
	char name[OUTBOX_NAME];

	for (size_t i = 0; i < o->n; i++) {
		outbox_name(name, o->item[i].header.submission_id);
		if (strncmp(name, prefix, strlen(prefix)) != 0)
			continue;
		if (found != NULL)
			return NULL;
		found = &o->item[i];
	}
	return found;
}

/* Sends what waits; with all, also what is paused. A refused form does not stop the others. */
static int send_all(struct deployment *d, struct outbox *o, bool all, struct err *e)
{
	struct receipt receipt;
	int code = EXIT_OK, worst = EXIT_OK;

	for (size_t i = 0; i < o->n && (code == EXIT_OK || code == EXIT_REFUSED); i++) {
		struct outbox_item *item = &o->item[i];
		if (item->state == OUTBOX_PAUSED && all && outbox_resume(o, item, e))
			item->state = OUTBOX_WAITING;
		if (item->state != OUTBOX_WAITING)
			continue;
		code = send_item(d, o, item, &receipt, e);
		if (code == EXIT_OK)
			send_say_receipt(o, &receipt);
		else
			text_error(e);
		if (code != EXIT_OK)
			worst = code;
	}
	return worst;
}

int command_outbox_send(const struct args *args)
{
	struct deployment *d = calloc(1, sizeof *d);
	struct outbox o = { 0 };
	struct err e = { 0 };
	unsigned long wait;
	int code = EXIT_USAGE;

	if (d == NULL)
		return EXIT_OTHER;
	text_quiet(args_flag(args, "quiet"));
	if (!args_number(args, "wait", 30ul * 86400, (unsigned long)INT64_MAX, &wait))
		goto done;
	code = deployment_open(d, args_value(args, "dir"), &e);
	if (code == EXIT_OK && !outbox_open(&o, d->settings.dir, &e))
		code = EXIT_OTHER;
	deployment_wait(d, wait);
	if (code == EXIT_OK && !d->has_keyset)
		code = deployment_keys(d, &e);
	if (code == EXIT_OK)
		code = send_all(d, &o, args_flag(args, "all"), &e);
	else
		text_error(&e);
done:
	outbox_close(&o);
	deployment_close(d);
	free(d);
	return code;
}

int command_outbox_remove(const struct args *args)
{
	struct settings s;
	struct outbox o = { 0 };
	struct outbox_item *item;
	struct err e = { 0 };
	int code = EXIT_OTHER;

	if (!settings_load(&s, args_value(args, "dir"), &e)) {
		text_error(&e);
		return EXIT_KEY;
	}
	if (!outbox_open(&o, s.dir, &e)) {
		text_error(&e);
		return EXIT_OTHER;
	}
	item = find_prefix(&o, args->at[0]);
	if (item == NULL) {
		text_warn("%s", _("no form, or several, of that number; see: cellveil outbox list"));
		code = EXIT_USAGE;
	} else if (!args_flag(args, "yes") &&
		   !text_confirm(_("Remove the form and its receipt from this folder?"))) {
		text_warn("%s", _("Nothing was removed. --yes removes without asking."));
		code = EXIT_OPEN;
	} else if (outbox_remove(&o, item, &e)) {
		code = EXIT_OK;
	} else {
		text_error(&e);
	}
	outbox_close(&o);
	return code;
}
