#include "client/commands.h"
#include "client/deployment.h"
#include "client/keyfile.h"
#include "client/outbox.h"
#include "client/receipt_check.h"
#include "client/text.h"
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static int fail(const struct err *e, int code)
{
	if (e->text[0] != 0)
		text_error(e);
	return code;
}

static void put_item_json(struct buf *out, const struct outbox_item *item)
{
	const struct submission_header *h = &item->header;
	char id[OUTBOX_NAME];

	outbox_name(id, h->submission_id);
	buf_printf(out,
	    "{\"id\":\"%s\",\"dataset\":\"%s\",\"period\":\"%s\",\"office\":\"%s\",\"revision\":%u,\"act\":"
	    "\"%s\","
	    "\"created\":%llu,\"state\":\"%s\"}",
	    id, h->dataset, h->period, h->office, h->revision,
	    h->act == ACT_FIGURES ? "figures" : "withdrawal", (unsigned long long)h->created_s,
	    outbox_state_name(item->state));
}

static const char *state_text(enum outbox_state state)
{
	static const char *const text[] = { N_("waiting to be sent"), N_("received"), N_("refused"),
		N_("paused, wants you") };

	return _(text[state]);
}

static void put_item(struct buf *out, const struct outbox *o, const struct outbox_item *item)
{
	const struct submission_header *h = &item->header;
	struct buf note = { 0 };
	char id[OUTBOX_NAME];

	outbox_name(id, h->submission_id);
	buf_printf(out, "%.8s  %s  %s  %s %u%s  ", id, h->dataset, h->period, _("revision"), h->revision,
	    h->act == ACT_WITHDRAWAL ? _(" (withdrawal)") : "");
	text_time(out, h->created_s);
	buf_printf(out, "  %s", state_text(item->state));
	if ((item->state == OUTBOX_REFUSED || item->state == OUTBOX_PAUSED) &&
	    outbox_note(o, item, &note, NULL) && note.size > 0)
		buf_printf(out, ": %.*s", (int)note.size, (const char *)note.data);
	buf_put_text(out, "\n");
	buf_free(&note);
}

static void put_outbox(struct buf *out, const struct outbox *o, bool json)
{
	if (json)
		buf_put_text(out, "[");
	for (size_t i = 0; i < o->n; i++) {
		if (json && i > 0)
			buf_put_text(out, ",");
		if (json)
			put_item_json(out, &o->item[i]);
		else
			put_item(out, o, &o->item[i]);
	}
	if (json)
		buf_put_text(out, "]");
	else if (o->n == 0)
		buf_printf(out, "%s\n", _("The outbox is empty."));
}

int command_outbox_list(const struct args *args)
{
	struct settings s;
	struct outbox o = { 0 };
	struct buf out = { 0 };
	struct err e = { 0 };
	bool json = args_flag(args, "json");
	int code = EXIT_OTHER;

	if (!settings_load(&s, args_value(args, "dir"), &e))
		return fail(&e, EXIT_KEY);
	if (!outbox_open(&o, s.dir, &e))
		return fail(&e, EXIT_OTHER);
	put_outbox(&out, &o, json);
	if (json)
		buf_put_text(&out, "\n");
	if (text_put_or_say(&out))
		code = EXIT_OK;
	buf_free(&out);
	outbox_close(&o);
	return code;
}

static void put_identity(struct buf *out, const struct settings *s)
{
	struct identity id = { .kind = s->kind };
	uint8_t key_id[KEY_ID_BYTES];
	char fingerprint[KEY_FINGERPRINT];

	memcpy(id.name, s->name, sizeof id.name);
	buf_printf(out, "%s: %s %s\n", _("identity"), identity_kind_name(s->kind), s->name);
	if (keyfile_public(s->dir, KEY_CURVE, id.curve, NULL)) {
		keys_id(key_id, KEY_TYPE_CURVE, id.curve);
		keys_fingerprint(fingerprint, key_id);
		buf_printf(out, "%s: %s\n", _("curve key"), fingerprint);
	}
	if (s->kind != IDENTITY_OFFICE || !keyfile_public(s->dir, KEY_SIGN, id.sign, NULL))
		return;
	keys_id(key_id, KEY_TYPE_ED25519, id.sign);
	keys_fingerprint(fingerprint, key_id);
	buf_printf(out, "%s: %s\n%s: ", _("signing key"), fingerprint, _("line for the operator"));
	id.has_sign = true;
	identity_print(out, &id);
}

static void put_keyset(struct buf *out, const struct deployment *d)
{
	buf_printf(out, "%s: %s\n", _("deployment"), d->settings.join.origin);
	if (!d->has_keyset)
		return;
	buf_printf(
	    out, "%s: %llu, %s ", _("key set"), (unsigned long long)d->keyset.serial, _("valid until"));
	text_time(out, d->keyset.valid_until);
	buf_put_text(out, "\n");
}

static const char *period_text(enum period_state state)
{
	static const char *const text[] = { "?", N_("planned"), N_("open"), N_("open, past its end"),
		N_("closed"), N_("final"), N_("void") };

	return _(text[state <= PERIOD_VOID ? state : 0]);
}

static void put_periods(struct buf *out, const char *dataset, const struct msg_periods *periods)
{
	for (size_t i = 0; i < periods->n; i++) {
		const struct msg_period *p = &periods->period[i];
		buf_printf(out, "%s %s: %s", dataset, p->period, period_text(p->state));
		if (p->closes_s != 0) { /* 0: until the operator closes it */
			buf_printf(out, ", %s ", _("until"));
			text_time(out, p->closes_s);
		}
		buf_printf(out, _("; %llu of our forms received"), (unsigned long long)p->n_revisions);
		buf_put_text(out, "\n");
	}
}

/* Asks for the periods of every dataset, but not for long: status is for a quick look. */
static void put_news(struct buf *out, struct deployment *d)
{
	struct err e = { 0 };
	int code = EXIT_OK;

	deployment_wait(d, QUESTION_MS / 1000);
	if (d->settings.kind != IDENTITY_OFFICE)
		return;
	for (size_t i = 0; i < d->settings.join.n_datasets && code == EXIT_OK; i++) {
		code = deployment_periods(d, d->settings.join.dataset[i], true, &e);
		if (code == EXIT_OK)
			put_periods(out, d->settings.join.dataset[i], &d->reply.periods);
	}
	if (code != EXIT_OK)
		text_error(&e);
}

int command_status(const struct args *args)
{
	struct deployment *d = calloc(1, sizeof *d);
	struct outbox o = { 0 };
	struct buf out = { 0 };
	struct err e = { 0 };
	bool json = args_flag(args, "json");
	int code;

	if (d == NULL)
		return EXIT_OTHER;
	code = deployment_open(d, args_value(args, "dir"), &e);
	if (d->settings.name[0] == 0 || !outbox_open(&o, d->settings.dir, &e)) {
		code = fail(&e, code == EXIT_OK ? EXIT_OTHER : code);
		goto done;
	}
	if (json) {
		buf_printf(&out,
		    "{\"kind\":\"%s\",\"name\":\"%s\",\"origin\":\"%s\",\"keyset\":%llu,\"outbox\":",
		    identity_kind_name(d->settings.kind), d->settings.name, d->settings.join.origin,
		    (unsigned long long)d->keyset.serial);
		put_outbox(&out, &o, true);
		buf_put_text(&out, "}\n");
	} else {
		put_identity(&out, &d->settings);
		if (code == EXIT_OK) {
			put_keyset(&out, d);
			put_news(&out, d);
		}
		put_outbox(&out, &o, false);
	}
	if (code != EXIT_OK)
		text_error(&e);
	if (!text_put_or_say(&out) && code == EXIT_OK)
		code = EXIT_OTHER;
done:
	buf_free(&out);
	outbox_close(&o);
	deployment_close(d);
	free(d);
	return code;
}

/* Line ends and byte order mark as our own files have them: mail and editors change those, and they are not signed. */
static void mend_lines(struct buf *text)
{
	size_t n = 0, skip = text->size >= 3 && memcmp(text->data, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;

	for (size_t i = skip; i < text->size; i++) {
		if (text->data[i] != '\r')
			text->data[n++] = text->data[i];
	}
	text->size = n;
	if (n > 0 && text->data[n - 1] != '\n')
		buf_put_byte(text, '\n');
}

/* One file: its receipt on stdout if it holds. */
static int verify_file(const struct deployment *d, const char *path, struct buf *out)
{
	struct buf text = { 0 };
	struct receipt r;
	struct err e = { 0 };
	bool ok = false;

	if (file_read(&text, path, 65536, &e)) {
		mend_lines(&text);
		ok = receipt_check_text(d, NULL, buf_bytes(&text), &r, &e) || err_wrap(&e, "%s", path);
	}
	if (ok) {
		receipt_print(out, &r);
		text_say(_("%s: the receipt holds: signed by the receiver's key, nothing altered."), path);
	} else {
		text_error(&e);
	}
	buf_free(&text);
	return ok ? EXIT_OK : EXIT_OTHER;
}

int command_receipt_verify(const struct args *args)
{
	struct deployment *d = calloc(1, sizeof *d);
	struct buf out = { 0 };
	struct err e = { 0 };
	int code;

	if (d == NULL)
		return EXIT_OTHER;
	code = deployment_open(d, args_value(args, "dir"), &e);
	if (code != EXIT_OK)
		text_error(&e);
	for (size_t i = 0, n = code == EXIT_OK ? args->n : 0; i < n; i++) {
		if (verify_file(d, args->at[i], &out) != EXIT_OK)
			code = EXIT_OTHER;
	}
	if (!text_put_or_say(&out))
		code = EXIT_OTHER;
	buf_free(&out);
	deployment_close(d);
	free(d);
	return code;
}
