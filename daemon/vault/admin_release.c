/* admin_release - the operator's commands about periods and releases. */
#include "daemon/vault/admin_parts.h"
#include "daemon/vault/publish.h"
#include "proto/config.h"
#include <string.h>

/* --- periods --- */

static bool open_period(struct command *c, struct err *e)
{
	struct dataset dataset;
	struct period p;
	struct err why;

	if (!command_find_dataset(c, &dataset, e))
		return false;
	if (!vault_period(c->v, dataset.name, c->q->period, &p, &why)) {
		if (why.code != ERR_NOT_FOUND)
			return err_set(e, why.code, "%s", why.text);
		if (!vault_plan_period(c->v, dataset.name, c->q->period, c->q->opens_s, c->q->closes_s, e) ||
		    !vault_period(c->v, dataset.name, c->q->period, &p, e))
			return false;
		if (p.opens_s > vault_now_s(c->v))
			return true;
	}
	return vault_step_period(c->v, &p, PERIOD_DO_OPEN, e);
}

static bool close_period(struct command *c, struct err *e)
{
	struct period p;

	return command_find_period(c, &p, e) && vault_step_period(c->v, &p, PERIOD_DO_CLOSE, e);
}

static bool void_period(struct command *c, struct err *e)
{
	struct period p;

	return command_find_period(c, &p, e) && vault_step_period(c->v, &p, PERIOD_DO_VOID, e);
}

static bool tell_period(struct command *c, const struct period *p, struct err *e)
{
	struct period_counts n;
	char at[COMMAND_TIME_ROOM];

	if (!vault_count_period(c->v, p, &n, e))
		return false;
	admin_answer_fact(c->a, "dataset", "%s", p->dataset);
	admin_answer_fact(c->a, "period", "%s", p->name);
	admin_answer_fact(c->a, "state", "%s", period_state_name(p->state));
	admin_answer_fact(c->a, "opens", "%s", command_print_time(at, p->opens_s));
	admin_answer_fact(c->a, "closes", "%s", command_print_time(at, p->closes_s));
	admin_answer_fact(c->a, "publication", "%s", command_print_time(at, p->publish_s));
	admin_answer_fact(c->a, "offices", "%llu", (unsigned long long)n.offices);
	admin_answer_fact(c->a, "submissions", "%llu", (unsigned long long)n.submissions);
	admin_answer_fact(c->a, "late", "%llu", (unsigned long long)n.late);
	admin_answer_fact(c->a, "held", "%llu", (unsigned long long)n.held);
	return true;
}

/* Who is expected in the period, and who has reported: names and yes or no, nothing else. */
static bool put_reporting(struct command *c, const struct period *p, struct err *e)
{
	static const char *const head[] = { "office", "reported" };
	const struct config *config = vault_config(c->v, p->config, e);

	if (!config)
		return false;
	const struct codelist *list = &config->list[config->office_list];
	admin_answer_columns(c->a, head, 2);
	for (uint16_t i = 0; i < list->n_codes; i++) {
		bool filed = false;

		if (!model_is_leaf(list, i) || !config_office_in(config, list->code[i].code, p->name))
			continue;
		if (!vault_office_filed(c->v, p, list->code[i].code, &filed, e))
			return false;
		admin_answer_cell(c->a, "%s", list->code[i].code);
		admin_answer_cell(c->a, "%s", filed ? "yes" : "no");
	}
	return true;
}

static bool put_period(void *context, const struct period *p, struct err *e)
{
	struct command *c = context;
	struct period_counts n;
	char at[COMMAND_TIME_ROOM];

	if (!vault_count_period(c->v, p, &n, e))
		return false;
	admin_answer_cell(c->a, "%s", p->dataset);
	admin_answer_cell(c->a, "%s", p->name);
	admin_answer_cell(c->a, "%s", period_state_name(p->state));
	admin_answer_cell(c->a, "%s", command_print_time(at, p->opens_s));
	admin_answer_cell(c->a, "%s", command_print_time(at, p->closes_s));
	admin_answer_cell(c->a, "%llu", (unsigned long long)n.offices);
	return true;
}

static bool put_periods_of(void *context, const struct dataset *dataset, struct err *e)
{
	struct command *c = context;

	if (c->q->dataset[0] && strcmp(c->q->dataset, dataset->name) != 0)
		return true;
	return vault_each_period(c->v, dataset->name, put_period, c, e);
}

bool command_period_status(struct command *c, struct err *e)
{
	static const char *const head[] = { "dataset", "period", "state", "opens", "closes", "offices" };
	struct period p;

	if (c->q->period[0])
		return command_find_period(c, &p, e) && tell_period(c, &p, e) && put_reporting(c, &p, e);
	admin_answer_columns(c->a, head, 6);
	return vault_each_dataset(c->v, put_periods_of, c, e);
}

bool command_period_change(struct command *c, struct err *e)
{
	command_fn *fn = c->q->kind == ADMIN_PERIOD_OPEN    ? open_period
			 : c->q->kind == ADMIN_PERIOD_CLOSE ? close_period
							    : void_period;
	struct period p;

	return command_change(c, fn, e) && command_find_period(c, &p, e) && tell_period(c, &p, e);
}

/* --- releases --- */

static bool only_leaf(struct command *c, struct err *e)
{
	(void)c;
	(void)e;
	return true;
}

static void put_cell(void *context, const struct publish_cell *cell)
{
	struct admin_answer *a = context;

	admin_answer_cell(a, "%s", cell->table);
	admin_answer_cell(a, "%s", cell->cell);
	admin_answer_cell(a, "%s", cell->state);
	admin_answer_cell(a, "%s", cell->value);
	admin_answer_cell(a, "%s", cell->why);
}

static void say_text(struct admin_answer *a, const struct buf *text)
{
	struct bytes rest = buf_bytes(text);

	while (rest.len > 0) {
		const uint8_t *end = memchr(rest.at, '\n', rest.len);
		size_t len = end ? (size_t)(end - rest.at) : rest.len;

		if (len > 0)
			admin_answer_say(a, "%.*s", (int)len, (const char *)rest.at);
		rest = bytes_of(rest.at + len + (end != NULL), rest.len - len - (end != NULL));
	}
}

static void tell_release(struct command *c, const struct period *p, const struct publish_report *r)
{
	struct buf hex = { 0 };

	admin_answer_fact(c->a, "dataset", "%s", p->dataset);
	admin_answer_fact(c->a, "period", "%s", p->name);
	admin_answer_fact(c->a, "revision", "%llu", (unsigned long long)r->revision);
	admin_answer_fact(c->a, "release", "%s", release_stage_name(r->stage));
	admin_answer_fact(c->a, "offices", "%llu", (unsigned long long)r->n_offices);
	admin_answer_fact(c->a, "cells", "%llu", (unsigned long long)r->n_cells);
	admin_answer_fact(c->a, "hidden", "%llu", (unsigned long long)r->n_suppressed);
	if (r->stage == STAGE_PUBLISHED || r->stage == STAGE_WITHDRAWN) {
		buf_put_hex(&hex, bytes_of(r->object, sizeof r->object));
		buf_put_byte(&hex, 0);
		admin_answer_fact(c->a, "feed", "%llu", (unsigned long long)r->seq);
		admin_answer_fact(c->a, "object", "%s", hex.failed ? "" : (const char *)hex.data);
	}
	if (r->stage == STAGE_WITHHELD)
		c->a->outcome = ADMIN_WITHHELD;
	say_text(c->a, &r->text);
	buf_free(&hex);
}

bool command_release(struct command *c, struct err *e)
{
	static const char *const head[] = { "table", "cell", "state", "value", "why" };
	bool cells = c->q->kind == ADMIN_RELEASE_SHOW || c->q->dry_run;
	struct publish_report r = { .cell = cells ? put_cell : NULL, .context = c->a };
	struct period p;
	bool ok;

	if (!command_find_period(c, &p, e))
		return false;
	if (cells)
		admin_answer_columns(c->a, head, 5);
	if (c->q->kind == ADMIN_RELEASE_SHOW)
		ok = publish_show(c->v, &p, &r, e);
	else if (c->q->dry_run)
		ok = publish_release(c->v, &p, true, &r, e);
	else if (c->q->kind == ADMIN_RELEASE_PUBLISH)
		ok = publish_may(&p, e) && command_change(c, only_leaf, e) &&
		     publish_release(c->v, &p, false, &r, e);
	else
		ok = command_change(c, only_leaf, e) &&
		     publish_withdraw(c->v, &p, (enum log_reason)c->q->reason, &r, e);
	if (ok)
		tell_release(c, &p, &r);
	publish_report_free(&r);
	return ok;
}

static bool put_file(void *context, const char *name, struct bytes content)
{
	struct admin_answer *a = context;

	admin_answer_file(a, name, content);
	return !a->cut;
}

/* Hands out counts: the log says that it was done, and by whom. */
bool command_release_table(struct command *c, struct err *e)
{
	static const char *const head[] = { "file", "piece" };
	struct period p;

	if (!command_find_period(c, &p, e) || !command_change(c, only_leaf, e))
		return false;
	admin_answer_columns(c->a, head, 2);
	return publish_table(c->v, &p, put_file, c->a, e);
}
