#include "client/push.h"
#include "client/commands.h"
#include "client/keyfile.h"
#include "client/send.h"
#include "client/text.h"
#include "proto/content.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define CHANGES_SHOWN 20

bool push_figures_of(const struct outbox_item *item, const struct config *config, struct figures *figures)
{
	struct payload payload;
	bool ok;

	memset(figures, 0, sizeof *figures);
	if (item->header.act != ACT_FIGURES ||
	    memcmp(item->header.config_digest, config->digest, KEY_DIGEST_BYTES) != 0 ||
	    !payload_decode(&payload, ACT_FIGURES, outbox_payload(item), NULL))
		return false;
	ok = content_check(config, item->header.period, &payload, figures, NULL);
	payload_free(&payload);
	return ok;
}

bool push_same_figures(const struct figures *a, const struct figures *b)
{
	if (a->n != b->n)
		return false;
	for (uint32_t i = 0; i < a->n; i++) {
		if (a->state[i] != b->state[i] || (a->state[i] == FIGURE_VALUE && a->value[i] != b->value[i]))
			return false;
	}
	return true;
}

uint32_t push_next_revision(const struct outbox_item *newest, const struct msg_period *period)
{
	uint64_t next = newest != NULL ? (uint64_t)newest->header.revision + 1 : 0;

	if (period->n_revisions > next)
		next = period->n_revisions;
	return next > UINT32_MAX ? UINT32_MAX : (uint32_t)next;
}

static void put_figure(struct buf *out, const struct config *config, const struct figures *f, uint32_t i)
{
	if (f->state[i] == FIGURE_VALUE)
		config_put_value(out, &config->measure[config->asked[i].measure], f->value[i]);
	else
		buf_put_text(out, _("not reported"));
}

void push_put_changes(struct buf *out, const struct config *config, const struct figures *before,
    const struct figures *after, size_t max)
{
	size_t n = 0;

	for (uint32_t i = 0; i < after->n; i++) {
		if (before->state[i] == after->state[i] &&
		    (after->state[i] != FIGURE_VALUE || before->value[i] == after->value[i]))
			continue;
		if (n++ >= max)
			continue;
		buf_put_text(out, "  ");
		config_put_cell(out, config, &config->asked[i]);
		buf_put_text(out, ": ");
		put_figure(out, config, before, i);
		buf_put_text(out, " -> ");
		put_figure(out, config, after, i);
		buf_put_text(out, "\n");
	}
	if (n > max) {
		buf_put_text(out, "  ");
		buf_printf(out, _("and %zu more"), n - max);
		buf_put_text(out, "\n");
	}
}

static void say_buf(struct buf *text)
{
	if (text->size > 0 && !text->failed)
		text_say("%.*s", (int)text->size - 1, (const char *)text->data);
	buf_free(text);
}

/* Would the receiver take it, as far as we can know? What it said long ago may not hold. */
static int may_be_taken(const struct push *p, struct err *e)
{
	const struct filing *f = &p->filing;
	const struct msg_period *period = &f->period;
	const char *office = f->deployment.settings.name;
	struct buf when = { 0 };

	if (!config_office_in(f->config, office, period->period)) {
		(void)err_set(e, ERR_REFUSED,
		    _("the list of offices for %s does not have %s; if offices have merged, each period is "
		      "corrected by those in its own list; otherwise ask the operator to add it"),
		    period->period, office);
		return EXIT_REFUSED;
	}
	if (f->deployment.stale || (period->state != PERIOD_PLANNED && period->state < PERIOD_FINAL))
		return EXIT_OK;
	text_time(&when, period->opens_s);
	if (period->state == PERIOD_PLANNED)
		(void)err_set(e, ERR_REFUSED, _("the period %s is not open yet; it opens %.*s, push then"),
		    period->period, (int)when.size, (const char *)when.data);
	else
		(void)err_set(e, ERR_REFUSED,
		    _("the period %s is closed for good; call the operator about a correction"),
		    period->period);
	buf_free(&when);
	return EXIT_REFUSED;
}

/* What will be sent, and what it changes in the form sent before. */
static void show_summary(const struct push *p, const struct outbox_item *newest)
{
	const struct figures *f = &p->form.figures;
	struct figures before;
	struct buf text = { 0 };
	uint32_t n_values = 0;

	for (uint32_t i = 0; i < f->n; i++)
		n_values += f->state[i] == FIGURE_VALUE;
	text_say(_("%s, %s, %s: %u figures, %u not reported"), p->filing.deployment.settings.name,
	    p->filing.dataset, p->filing.period.period, n_values, f->n - n_values);
	if (newest == NULL || !push_figures_of(newest, p->filing.config, &before))
		return;
	if (!push_same_figures(&before, f)) {
		buf_printf(&text, _("This replaces revision %u:"), newest->header.revision);
		buf_put_text(&text, "\n");
		push_put_changes(&text, p->filing.config, &before, f, CHANGES_SHOWN);
		say_buf(&text);
	}
	figures_free(&before);
}

/* "clients|F|_T 48", a line for each figure. */
static void put_figures(struct buf *out, const struct push *p)
{
	const struct figures *f = &p->form.figures;

	for (uint32_t i = 0; i < f->n; i++) {
		if (f->state[i] == FIGURE_NOT_ASKED)
			continue;
		config_put_cell(out, p->filing.config, &p->filing.config->asked[i]);
		buf_put_byte(out, ' ');
		put_figure(out, p->filing.config, f, i);
		buf_put_byte(out, '\n');
	}
}

/* {"state":"dry-run",...,"figures":{"clients|F|_T":48,...}} on one line; null is not reported. */
static void put_figures_json(struct buf *out, const struct push *p)
{
	const struct figures *f = &p->form.figures;
	const struct config *config = p->filing.config;
	const char *comma = "";
	struct buf cell = { 0 };

	buf_printf(out,
	    "{\"state\":\"dry-run\",\"office\":\"%s\",\"dataset\":\"%s\",\"period\":\"%s\",\"figures\":{",
	    p->filing.deployment.settings.name, p->filing.dataset, p->filing.period.period);
	for (uint32_t i = 0; i < f->n; i++) {
		if (f->state[i] == FIGURE_NOT_ASKED)
			continue;
		buf_put_text(out, comma);
		buf_clear(&cell);
		config_put_cell(&cell, config, &config->asked[i]);
		buf_put_byte(&cell, 0);
		text_json(out, cell.failed ? "" : (const char *)cell.data);
		buf_put_byte(out, ':');
		if (f->state[i] == FIGURE_VALUE)
			config_put_value(out, &config->measure[config->asked[i].measure], f->value[i]);
		else
			buf_put_text(out, "null");
		comma = ",";
	}
	buf_put_text(out, "}}\n");
	out->failed = out->failed || cell.failed;
	buf_free(&cell);
}

/* Everything that would be sent. */
static bool print_figures(const struct push *p, bool json)
{
	struct buf out = { 0 };

	if (json)
		put_figures_json(&out, p);
	else
		put_figures(&out, p);
	bool ok = text_put_or_say(&out);
	buf_free(&out);
	return ok;
}

static bool is_terminal(void)
{
	return isatty(STDIN_FILENO) && isatty(STDERR_FILENO);
}

/* Why nothing was sent: an answer, or Ctrl-C at the question. */
static int unsent(int code)
{
	return net_interrupted() ? EXIT_INTERRUPTED : code;
}

/* Findings, then questions. EXIT_OK: go on. */
static int may_send(const struct push *p, const struct args *args)
{
	int code = filing_judge(&p->findings, args);
	bool yes = args_flag(args, "yes");

	if (code == EXIT_FINDINGS)
		text_warn("%s", _("Nothing was sent. Correct the form and try again."));
	if (code != EXIT_OPEN || yes)
		return code == EXIT_OPEN ? EXIT_OK : code;
	if (!is_terminal() || args_flag(args, "strict")) {
		text_warn(
		    "%s", _("Nothing was sent: a box is open. --yes sends it as not reported, never as 0."));
		return EXIT_OPEN;
	}
	return text_confirm(_("Send the open boxes as not reported?")) ? EXIT_OK : unsent(EXIT_OPEN);
}

static struct submission_header header_of(const struct push *p, enum submission_act act, uint32_t revision)
{
	struct submission_header h = { .act = act, .revision = revision, .created_s = (uint64_t)time(NULL) };

	(void)snprintf(h.dataset, sizeof h.dataset, "%s", p->filing.dataset);
	(void)snprintf(h.office, sizeof h.office, "%s", p->filing.deployment.settings.name);
	memcpy(h.period, p->filing.period.period, sizeof h.period);
	memcpy(h.config_digest, p->filing.config->digest, KEY_DIGEST_BYTES);
	return h;
}

static struct outbox_item *find_item(struct outbox *o, const uint8_t id[SUBMISSION_ID_BYTES])
{
	for (size_t i = 0; i < o->n; i++) {
		if (memcmp(o->item[i].header.submission_id, id, SUBMISSION_ID_BYTES) == 0)
			return &o->item[i];
	}
	return NULL;
}

/* Is the newest item this very form (or withdrawal)? Then it is sent again, under its own id. */
static bool is_repeat(const struct push *p, const struct outbox_item *newest, enum submission_act act)
{
	struct figures before;
	bool same;

	if (newest == NULL || newest->header.act != act)
		return false;
	if (act == ACT_WITHDRAWAL)
		return true;
	if (!push_figures_of(newest, p->filing.config, &before))
		return false;
	same = push_same_figures(&before, &p->form.figures);
	figures_free(&before);
	return same;
}

static int compose_and_store(struct push *p, enum submission_act act, uint32_t revision, struct err *e)
{
	struct deployment *d = &p->filing.deployment;
	const struct keyset_key *intake = keyset_active(&d->keyset, KEY_INTAKE);
	struct key_signer *signer = keyfile_signer(d->settings.dir, KEY_SIGN, e);
	struct submission_header header = header_of(p, act, revision);
	struct outbox_item item = { 0 };
	int code = EXIT_KEY;

	if (signer == NULL)
		goto done;
	if (intake == NULL) {
		(void)err_set(e, ERR_NOT_FOUND, "%s", _("the key set has no active intake key"));
		goto done;
	}
	code = EXIT_OTHER;
	if (!send_compose(&item, &header, p->filing.config, act == ACT_FIGURES ? &p->form.figures : NULL,
		signer, intake, e) ||
	    !outbox_store(&p->outbox, &item, e) || !outbox_reload(&p->outbox, e))
		goto done;
	p->item = find_item(&p->outbox, item.header.submission_id);
	p->stored = true;
	code = p->item != NULL ? EXIT_OK : EXIT_OTHER;
done:
	outbox_item_free(&item);
	keyfile_signer_free(signer);
	return code;
}

int push_store(struct push *p, enum submission_act act, struct err *e)
{
	const struct filing *f = &p->filing;
	int code = EXIT_OTHER, lock = outbox_lock(&p->outbox, e);
	struct outbox_item *newest;

	if (lock < 0)
		return EXIT_OTHER;
	if (!outbox_reload(&p->outbox, e))
		goto done;
	newest = outbox_newest(&p->outbox, f->dataset, f->deployment.settings.name, f->period.period);
	if (is_repeat(p, newest, act)) {
		p->item = newest;
		code = newest->state != OUTBOX_PAUSED || outbox_resume(&p->outbox, newest, e) ? EXIT_OK
											      : EXIT_OTHER;
	} else {
		code = compose_and_store(p, act, push_next_revision(newest, &f->period), e);
	}
done:
	outbox_unlock(lock);
	return code;
}

static bool print_receipt(const struct push *p)
{
	struct buf out = { 0 };
	bool ok;

	send_put_receipt(&out, &p->outbox, &p->receipt);
	ok = text_put_or_say(&out);
	buf_free(&out);
	return ok;
}

int push_deliver(struct push *p, struct err *e)
{
	struct deployment *d = &p->filing.deployment;
	int code = EXIT_OK;

	for (size_t i = 0; i < p->outbox.n && code == EXIT_OK; i++) {
		struct outbox_item *item = &p->outbox.item[i];
		bool same_period = strcmp(item->header.period, p->item->header.period) == 0 &&
				   strcmp(item->header.dataset, p->item->header.dataset) == 0;
		if (item != p->item && item->state == OUTBOX_WAITING && same_period &&
		    item->header.revision < p->item->header.revision) {
			code = send_item(d, &p->outbox, item, &p->receipt, e);
			if (code == EXIT_REFUSED)
				code = EXIT_OK; /* told in `outbox list`; the newer one decides */
		}
	}
	return code == EXIT_OK ? send_item(d, &p->outbox, p->item, &p->receipt, e) : code;
}

static int deliver(struct push *p, const struct args *args, struct err *e)
{
	int code = push_deliver(p, e);

	if (code == EXIT_OK) {
		send_say_receipt(&p->outbox, &p->receipt);
		if (args_flag(args, "json") && !print_receipt(p))
			code = EXIT_OTHER;
	} else if (code == EXIT_NOT_SENT || code == EXIT_INTERRUPTED) {
		text_warn("%s", _("The form is in the outbox and not yet received. It will be sent by: "
				  "cellveil outbox send"));
	}
	return code;
}

static int finish(struct push *p, int code, const struct err *e)
{
	if (code != EXIT_OK && e->text[0] != 0)
		text_error(e);
	figures_free(&p->form.figures);
	findings_free(&p->findings);
	outbox_close(&p->outbox);
	filing_close(&p->filing);
	return code;
}

static int open_push(struct push *p, const struct args *args, struct err *e)
{
	int code;

	memset(p, 0, sizeof *p);
	code = filing_open(&p->filing, args, e);
	if (code == EXIT_OK && p->filing.deployment.settings.kind != IDENTITY_OFFICE) {
		(void)err_set(e, ERR_REFUSED, "%s", _("only an office sends forms; this identity is none"));
		code = EXIT_KEY;
	}
	if (code == EXIT_OK && !outbox_open(&p->outbox, p->filing.deployment.settings.dir, e))
		code = EXIT_OTHER;
	return code;
}

int command_push(const struct args *args)
{
	struct push *p = calloc(1, sizeof *p);
	struct err e = { 0 };
	const struct outbox_item *newest;
	int code;

	if (p == NULL)
		return EXIT_OTHER;
	text_quiet(args_flag(args, "quiet"));
	code = identity_complete(args);
	if (code == EXIT_OK)
		code = open_push(p, args, &e);
	if (code == EXIT_OK)
		code = filing_read(&p->filing, args->at[0], args, &p->form, &p->findings, &e);
	if (code == EXIT_OK)
		code = may_send(p, args);
	if (code == EXIT_OK)
		code = may_be_taken(p, &e);
	if (code != EXIT_OK)
		goto done;
	newest = outbox_newest(
	    &p->outbox, p->filing.dataset, p->filing.deployment.settings.name, p->filing.period.period);
	show_summary(p, newest);
	if (args_flag(args, "dry-run")) {
		if (!print_figures(p, args_flag(args, "json")))
			code = EXIT_OTHER;
		text_say("%s", _("Nothing was sent: --dry-run."));
		goto done;
	}
	if (is_terminal() && !args_flag(args, "yes") && !text_confirm(_("Send?"))) {
		code = unsent(EXIT_OTHER);
		text_say("%s", _("Nothing was sent."));
		goto done;
	}
	code = push_store(p, ACT_FIGURES, &e);
	if (code == EXIT_OK)
		code = deliver(p, args, &e);
done:
	code = finish(p, code, &e);
	free(p);
	return code;
}

int command_withdraw(const struct args *args)
{
	struct push *p = calloc(1, sizeof *p);
	struct err e = { 0 };
	int code;

	if (p == NULL)
		return EXIT_OTHER;
	text_quiet(args_flag(args, "quiet"));
	code = open_push(p, args, &e);
	if (code == EXIT_OK && !p->filing.sure) {
		(void)err_set(&e, ERR_INVALID, "%s", _("which period? choose one with --period"));
		code = EXIT_USAGE;
	}
	if (code != EXIT_OK)
		goto done;
	text_say(_("%s, %s, %s: the office's form is withdrawn; a new push brings it back."),
	    p->filing.deployment.settings.name, p->filing.dataset, p->filing.period.period);
	if (!args_flag(args, "yes") && !text_confirm(_("Withdraw?"))) {
		code = is_terminal() ? unsent(EXIT_OTHER) : EXIT_OPEN;
		text_warn("%s", _("Nothing was sent. --yes withdraws without asking."));
		goto done;
	}
	code = push_store(p, ACT_WITHDRAWAL, &e);
	if (code == EXIT_OK)
		code = deliver(p, args, &e);
done:
	code = finish(p, code, &e);
	free(p);
	return code;
}
