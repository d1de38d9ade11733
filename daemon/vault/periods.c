/* The periods' rows, and the arrows between their states: calls of vault.h. */
#include "daemon/crash.h"
#include "daemon/vault/dataset.h"
#include "daemon/vault/unseal.h"
#include "daemon/vault/vault.h"
#include "proto/config.h"

#include <stdio.h>
#include <string.h>

#define DAY_S 86400
#define PERIOD_COLUMNS                                                                                       \
	"id, dataset, name, state, opens_s, closes_s, grace_s, publish_s, config, late, released"

static bool read_period(struct rows *r, struct period *p)
{
	*p = (struct period){ .id = rows_uint(r, 0),
		.state = (enum period_state)rows_uint(r, 3),
		.opens_s = rows_uint(r, 4),
		.closes_s = rows_uint(r, 5),
		.grace_s = rows_uint(r, 6),
		.publish_s = rows_uint(r, 7),
		.late = (enum late_rule)rows_uint(r, 9),
		.released = rows_uint(r, 10) != 0 };
	return rows_copy_text(r, 1, p->dataset, sizeof p->dataset) &&
	       rows_copy_text(r, 2, p->name, sizeof p->name) && rows_copy(r, 8, p->config, 32);
}

bool vault_period(struct vault *v, const char *dataset, const char *name, struct period *out, struct err *e)
{
	struct rows r;
	rows_open(&r, v->store, "SELECT " PERIOD_COLUMNS " FROM period WHERE dataset = ? AND name = ?", "tt",
	    dataset, name);
	bool found = rows_next(&r) && read_period(&r, out);
	if (!rows_close(&r, e))
		return false;
	return found || err_set(e, ERR_NOT_FOUND, "no such period");
}

bool vault_each_period(
    struct vault *v, const char *dataset, vault_period_fn *fn, void *context, struct err *e)
{
	struct rows r;
	bool ok = true;
	rows_open(&r, v->store, "SELECT " PERIOD_COLUMNS " FROM period WHERE dataset = ? ORDER BY name", "t",
	    dataset);
	while (ok && rows_next(&r)) {
		struct period p;
		ok = read_period(&r, &p) && fn(context, &p, e);
	}
	return rows_close(&r, e) && ok;
}

static uint64_t add_days(uint64_t second, struct offset offset)
{
	int64_t moved = (int64_t)second + (int64_t)offset.days * DAY_S;
	return moved < 0 ? 0 : (uint64_t)moved;
}

/* Announced times: the operator's, else the configuration's, counted from the end of the period. */
static void set_times(struct period *p, const struct config *config, uint64_t now_s)
{
	uint64_t end_s = period_end_s(p->name);
	if (p->opens_s == 0)
		p->opens_s = config->opens.set ? add_days(end_s, config->opens) : now_s;
	if (p->closes_s == 0 && config->closes.set && add_days(end_s, config->closes) > now_s)
		p->closes_s = add_days(end_s, config->closes);
	if (p->closes_s != 0)
		p->grace_s = config->grace.set ? add_days(p->closes_s, config->grace) : p->closes_s;
	if (config->publish.set)
		p->publish_s = add_days(end_s, config->publish);
	p->late = config->late;
}

static bool check_open_periods(struct vault *v, const char *dataset, struct err *e)
{
	struct rows r;
	rows_open(&r, v->store, "SELECT count(*) FROM period WHERE dataset = ? AND state <= ?", "ti", dataset,
	    (uint64_t)PERIOD_GRACE);
	uint64_t n = rows_next(&r) ? rows_uint(&r, 0) : 0;
	if (!rows_close(&r, e))
		return false;
	return n < LIMIT_OPEN_PERIODS ||
	       err_set(e, ERR_LIMIT, "too many periods of the dataset are not closed");
}

static bool insert_period(struct vault *v, const struct period *p, struct bytes data_key, struct err *e)
{
	return store_run(v->store, e,
	    "INSERT INTO period(dataset, name, state, opens_s, closes_s, grace_s, publish_s, config, late,"
	    " data_key) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
	    "ttiiiiibib", p->dataset, p->name, (uint64_t)p->state, p->opens_s, p->closes_s, p->grace_s,
	    p->publish_s, bytes_of(p->config, 32), (uint64_t)p->late, data_key);
}

bool vault_plan_period(struct vault *v, const char *dataset, const char *period, uint64_t opens_s,
    uint64_t closes_s, struct err *e)
{
	struct period p = { .state = PERIOD_PLANNED, .opens_s = opens_s, .closes_s = closes_s };
	struct period old;
	struct err ignored;
	struct buf data_key = { 0 };
	bool ok = false;
	uint32_t months[2];
	if (strlen(dataset) > LIMIT_NAME || !model_period_months(period, &months[0], &months[1]))
		return err_set(e, ERR_INVALID, "period: not a dataset or period name");
	if (vault_period(v, dataset, period, &old, &ignored))
		return err_set(e, ERR_REFUSED, "period: exists already");
	if (!dataset_config_for(v, dataset, period, p.config, e) || !check_open_periods(v, dataset, e))
		return false;
	const struct config *config = vault_config(v, p.config, e);
	if (config == NULL || !dataset_fits(config, period, e))
		return false;
	snprintf(p.dataset, sizeof p.dataset, "%s", dataset);
	snprintf(p.name, sizeof p.name, "%s", period);
	set_times(&p, config, vault_now_s(v));
	if (p.closes_s != 0 && p.closes_s <= p.opens_s)
		return err_set(e, ERR_INVALID, "period: closes before it opens");
	ok = unseal_new_data_key(v, &p, &data_key, e) && insert_period(v, &p, buf_bytes(&data_key), e);
	buf_free(&data_key);
	return ok;
}

bool vault_step_period(struct vault *v, struct period *p, enum period_event event, struct err *e)
{
	struct period_effects out;
	struct log_entry entry = { 0 };
	period_step(p, event, vault_now_s(v), &out);
	if (out.refused)
		return err_set(
		    e, ERR_REFUSED, "period: not possible while it is %s", period_state_name(p->state));
	if (out.state == p->state)
		return true;
	if (!store_run(
		v->store, e, "UPDATE period SET state = ? WHERE id = ?", "ii", (uint64_t)out.state, p->id))
		return false;
	p->state = out.state;
	if (out.leaf == LOG_KINDS)
		return true;
	entry.kind = out.leaf;
	memcpy(entry.dataset, p->dataset, sizeof entry.dataset);
	memcpy(entry.period, p->name, strlen(p->name) + 1);
	return vault_add_leaf(v, &entry, e);
}

/* Steps one period until nothing changes: after a long sleep several arrows are due. */
static bool tick_period(struct vault *v, struct period *p, uint64_t now_s, struct err *e)
{
	struct period_effects out;
	for (;;) {
		period_step(p, PERIOD_TICK, now_s, &out);
		if (out.state == p->state)
			return true;
		if (!vault_step_period(v, p, PERIOD_TICK, e))
			return false;
	}
}

/* Reads the due periods first: a statement must not walk rows that another one changes. */
static bool due_periods(
    struct vault *v, uint64_t now_s, struct period *due, size_t room, size_t *n, struct err *e)
{
	struct rows r;
	bool ok = true;
	*n = 0;
	rows_open(&r, v->store, "SELECT " PERIOD_COLUMNS " FROM period WHERE state <= ? ORDER BY id", "i",
	    (uint64_t)PERIOD_GRACE);
	while (ok && *n < room && rows_next(&r)) {
		struct period_effects out;
		ok = read_period(&r, &due[*n]);
		period_step(&due[*n], PERIOD_TICK, now_s, &out);
		if (ok && out.state != due[*n].state)
			++*n;
	}
	return rows_close(&r, e) && ok;
}

bool vault_tick_periods(struct vault *v, struct err *e)
{
	struct period due[LIMIT_OPEN_PERIODS];
	size_t n;
	uint64_t now_s = vault_now_s(v);
	if (vault_mode(v) == MODE_CLOCK_HOLD)
		return true;
	if (!due_periods(v, now_s, due, LIMIT_OPEN_PERIODS, &n, e))
		return false;
	if (n == 0)
		return true;
	if (!vault_begin(v, e))
		return false;
	for (size_t i = 0; i < n; i++)
		if (!tick_period(v, &due[i], now_s, e))
			goto failed;
	CV_CRASH("period-before-commit");
	if (!vault_commit(v, e))
		goto failed;
	CV_CRASH("period-after-commit");
	return true;
failed:
	vault_rollback(v);
	return false;
}

bool vault_count_period(struct vault *v, const struct period *p, struct period_counts *out, struct err *e)
{
	struct rows r;
	*out = (struct period_counts){ 0 };
	rows_open(&r, v->store,
	    "SELECT count(DISTINCT office), count(*), coalesce(sum(act = 2), 0), coalesce(sum(late), 0),"
	    " coalesce(sum(outcome = 2), 0) FROM submission WHERE period = ?",
	    "i", p->id);
	if (rows_next(&r))
		*out = (struct period_counts){ rows_uint(&r, 0), rows_uint(&r, 1), rows_uint(&r, 2),
			rows_uint(&r, 3), rows_uint(&r, 4) };
	return rows_close(&r, e);
}

bool vault_office_filed(
    struct vault *v, const struct period *p, const char *office, bool *filed, struct err *e)
{
	struct rows r;
	rows_open(&r, v->store,
	    "SELECT act FROM submission WHERE period = ? AND office = ? ORDER BY revision DESC LIMIT 1", "it",
	    p->id, office);
	*filed = rows_next(&r) && rows_uint(&r, 0) == 1;
	return rows_close(&r, e);
}
