#include "client/lib/libcellveil.h"
#include "client/form/number.h"
#include "client/push.h"
#include "client/text.h"
#include "proto/content.h"
#include "proto/name.h"
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct cellveil {
	struct push push;
	struct err e;
	int opened; /* what opening came to: told by cellveil_begin */
	bool begun;
};

#define PUBLIC __attribute__((visibility("default")))

static int open_all(struct cellveil *c, const char *folder, const char *dataset)
{
	struct filing *f = &c->push.filing;
	int code;

	if (sodium_init() < 0)
		return EXIT_OTHER;
	code = deployment_open(&f->deployment, folder, &c->e);
	if (code != EXIT_OK)
		return code;
	if (f->deployment.settings.kind != IDENTITY_OFFICE) {
		(void)err_set(
		    &c->e, ERR_REFUSED, "%s", _("only an office sends forms; this identity is none"));
		return EXIT_KEY;
	}
	f->dataset = settings_dataset(&f->deployment.settings, dataset, &c->e);
	if (f->dataset == NULL)
		return EXIT_USAGE;
	return outbox_open(&c->push.outbox, f->deployment.settings.dir, &c->e) ? EXIT_OK : EXIT_OTHER;
}

PUBLIC struct cellveil *cellveil_open(const char *folder, const char *dataset)
{
	struct cellveil *c = calloc(1, sizeof *c);

	if (c != NULL)
		c->opened = open_all(c, folder, dataset);
	return c;
}

PUBLIC const char *cellveil_error(const struct cellveil *c)
{
	return c->e.text;
}

static int usage(struct cellveil *c, const char *text)
{
	(void)err_set(&c->e, ERR_INVALID, "%s", text);
	return CELLVEIL_USAGE;
}

static int take_period(struct cellveil *c, const char *period)
{
	struct filing *f = &c->push.filing;
	const struct msg_period *found;
	int code = deployment_keys(&f->deployment, &c->e);

	if (code == EXIT_OK)
		code = deployment_periods(&f->deployment, f->dataset, false, &c->e);
	if (code != EXIT_OK)
		return code;
	found = filing_choose(&f->deployment.reply.periods, period, &f->sure, &c->e);
	if (found == NULL)
		return EXIT_REFUSED;
	f->period = *found;
	config_free(f->config);
	f->config = NULL;
	return deployment_config(&f->deployment, f->period.config_digest, f->dataset, &f->config, &c->e);
}

PUBLIC int cellveil_begin(struct cellveil *c, const char *period, unsigned long seconds)
{
	struct figures *figures = &c->push.form.figures;
	const struct config *config;
	int code;

	c->begun = false;
	if (c->opened != EXIT_OK)
		return c->opened;
	c->e = (struct err){ .code = ERR_NONE };
	if (period == NULL || !name_is_period(bytes_text(period)))
		return usage(c, "a period is 2024, 2024-Q1, 2024-S1 or 2024-01");
	deployment_wait(&c->push.filing.deployment, seconds);
	code = take_period(c, period);
	if (code != EXIT_OK)
		return code;
	figures_free(figures);
	config = c->push.filing.config;
	if (!figures_new(figures, config, &c->e))
		return CELLVEIL_OTHER;
	for (uint32_t i = 0; i < figures->n; i++)
		if (!content_asked_in(config, i, period))
			figures->state[i] = FIGURE_NOT_ASKED;
	c->begun = true;
	return CELLVEIL_OK;
}

/* "clients|F|Y18-29" as an index in config.asked, or UINT32_MAX. */
static uint32_t find_cell(const struct config *config, const char *text)
{
	char part[LIMIT_DIMS + 1][72] = { "" };
	size_t n = 0;
	struct cell_id id = { .measure = NO_PLACE };

	for (const char *at = text; at != NULL; n++) {
		const char *bar = strchr(at, '|');
		size_t len = bar != NULL ? (size_t)(bar - at) : strlen(at);
		if (n > LIMIT_DIMS || len >= sizeof part[0])
			return UINT32_MAX;
		memcpy(part[n], at, len);
		part[n][len] = 0;
		at = bar != NULL ? bar + 1 : NULL;
	}
	id.measure = model_measure(config, part[0]);
	if (id.measure == NO_PLACE || config->measure[id.measure].n_dims != n - 1)
		return UINT32_MAX;
	for (size_t d = 0; d + 1 < n; d++) {
		id.code[d] = model_code(&config->list[config->measure[id.measure].dim[d]], part[d + 1]);
		if (id.code[d] == NO_PLACE)
			return UINT32_MAX;
	}
	return model_asked(config, &id);
}

PUBLIC int cellveil_set(struct cellveil *c, const char *cell, const char *value)
{
	const struct config *config = c->push.filing.config;
	struct figures *figures = &c->push.form.figures;
	const struct measure *m;
	uint64_t number = 0;
	uint32_t i;

	c->e.text[0] = 0;
	if (!c->begun)
		return usage(c, "cellveil_begin comes first");
	i = find_cell(config, cell);
	if (i == UINT32_MAX || figures->state[i] == FIGURE_NOT_ASKED) {
		(void)err_set(&c->e, ERR_INVALID, _("%.80s: the form does not ask for this cell"), cell);
		return CELLVEIL_USAGE;
	}
	m = &config->measure[config->asked[i].measure];
	if (value != NULL && number_read(value, NULL, m->decimals, m->max, true, &number) != NUMBER_VALUE) {
		(void)err_set(&c->e, ERR_INVALID, _("%.80s: not a number that may stand there"), cell);
		return CELLVEIL_USAGE;
	}
	figures->state[i] = value != NULL ? FIGURE_VALUE : FIGURE_BLANK;
	figures->value[i] = number;
	return CELLVEIL_OK;
}

PUBLIC int cellveil_check(struct cellveil *c)
{
	static const uint8_t blind[BLIND_BYTES] = { 1 }; /* for the check alone: never sent */
	const struct filing *f = &c->push.filing;
	struct buf bytes = { .max = LIMIT_MESSAGE_BYTES };
	struct payload payload = { 0 };
	struct figures found = { 0 };
	int code = CELLVEIL_FINDINGS;

	c->e.text[0] = 0;
	if (!c->begun)
		return usage(c, "cellveil_begin comes first");
	if (payload_encode_figures(&bytes, f->config, &c->push.form.figures, blind, &c->e) &&
	    payload_decode(&payload, ACT_FIGURES, buf_bytes(&bytes), &c->e) &&
	    content_check(f->config, f->period.period, &payload, &found, &c->e))
		code = CELLVEIL_OK;
	figures_free(&found);
	payload_free(&payload);
	buf_free(&bytes);
	return code;
}

static void fill_receipt(const struct cellveil *c, struct cellveil_receipt *out)
{
	const struct receipt *r = &c->push.receipt;

	memset(out, 0, sizeof *out);
	(void)snprintf(out->office, sizeof out->office, "%s", r->office);
	(void)snprintf(out->period, sizeof out->period, "%s", r->period);
	outbox_name(out->id, r->submission_id);
	sodium_bin2hex(out->digest, sizeof out->digest, r->statement_digest, sizeof r->statement_digest);
	(void)snprintf(out->path, sizeof out->path, "%s/%s.receipt", c->push.outbox.dir, out->id);
	out->revision = r->revision;
	out->accepted_at = r->accepted_at_s;
	out->log_index = r->log_index;
	out->held = r->outcome == OUTCOME_HELD;
}

PUBLIC int cellveil_push(struct cellveil *c, unsigned long seconds, struct cellveil_receipt *receipt)
{
	int code = cellveil_check(c);

	if (code != CELLVEIL_OK)
		return code;
	deployment_wait(&c->push.filing.deployment, seconds);
	code = push_store(&c->push, ACT_FIGURES, &c->e);
	if (code == EXIT_OK)
		code = push_deliver(&c->push, &c->e);
	if (code == EXIT_OK && receipt != NULL)
		fill_receipt(c, receipt);
	return code;
}

PUBLIC void cellveil_close(struct cellveil *c)
{
	if (c == NULL)
		return;
	figures_free(&c->push.form.figures);
	outbox_close(&c->push.outbox);
	filing_close(&c->push.filing);
	free(c);
}
