/* `cellveil audit policy`: which configuration held when, what changed in it, and who gave which command. */
#include "client/audit/leaftext.h"
#include "client/audit/session.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A configuration's leaf, and that of a store put back, stand before the leaf of the command: one transaction. */
static const char *who(const struct loglist *l, uint64_t i, struct log_entry *x)
{
	return i + 1 < l->n && loglist_entry(l, i + 1, x, NULL) && x->kind == LOG_ADMIN ? x->by : "?";
}

static const char *setting_of(const struct config *config, const char *name)
{
	for (uint16_t i = 0; config != NULL && i < config->n_policy; i++) {
		if (strcmp(config->policy[i].name, name) == 0)
			return config->policy[i].value;
	}
	return "";
}

/* One of the list in out: an object, "name: was -> is", or a line of its own. */
static void put_setting(
    struct buf *out, const struct args *args, const char *name, const char *was, const char *is, bool first)
{
	if (!first && strcmp(was, is) == 0)
		return;
	if (args_flag(args, "json")) {
		buf_put_text(out, out->size > 0 ? ",{\"name\":" : "{\"name\":");
		text_json(out, name);
		buf_put_text(out, ",\"was\":");
		text_json(out, was);
		buf_put_text(out, ",\"is\":");
		text_json(out, is);
		buf_put_byte(out, '}');
		return;
	}
	bool csv = args_flag(args, "csv");
	buf_put_text(out, !csv ? "        " : out->size > 0 ? "; " : "");
	if (first)
		buf_printf(out, "%s = %s", name, is);
	else
		buf_printf(out, "%s: %s -> %s", name, was[0] ? was : "-", is[0] ? is : "-");
	buf_put_text(out, csv ? "" : "\n");
}

static void put_settings(
    struct buf *out, const struct args *args, const struct config *old, const struct config *new)
{
	for (uint16_t i = 0; i < new->n_policy; i++)
		put_setting(out, args, new->policy[i].name, setting_of(old, new->policy[i].name),
		    new->policy[i].value, old == NULL);
	for (uint16_t i = 0; old != NULL && i < old->n_policy; i++) {
		if (setting_of(new, old->policy[i].name)[0] == 0)
			put_setting(out, args, old->policy[i].name, old->policy[i].value, "", false);
	}
}

/* What the configuration sets, or changes. */
static int settings_of(
    struct buf *out, const struct args *args, struct session *s, const struct log_entry *x, struct err *e)
{
	struct config *old = NULL, *new = NULL;
	int code = source_config(&s->source, x->new_config, x->dataset, &new, e);

	if (code == AUDIT_HOLDS && x->has_old_config)
		code = source_config(&s->source, x->old_config, x->dataset, &old, e);
	if (code == AUDIT_HOLDS)
		put_settings(out, args, old, new);
	config_free(old);
	config_free(new);
	return code == SOURCE_ABSENT ? AUDIT_FAILS : code;
}

/* A leaf as the three formats tell it. settings: of a configuration, as put_setting wrote them. */
struct told {
	uint64_t i;
	const struct log_entry *x;
	const char *what, *by;
	struct buf settings;
};

static void put_csv(struct buf *out, struct told *t)
{
	buf_printf(out, "%llu,%llu,%s,%s,%s,", (unsigned long long)t->i, (unsigned long long)t->x->time_s,
	    log_kind_name(t->x->kind), t->what, t->by);
	if (t->x->kind == LOG_CONFIG)
		buf_put_hex(out, bytes_of(t->x->new_config, 32));
	buf_put_byte(out, ',');
	buf_put_byte(&t->settings, 0);
	if (!t->settings.failed)
		verdicts_csv_field(out, (const char *)t->settings.data);
	buf_put_byte(out, '\n');
}

static void put_json(struct buf *out, const struct told *t)
{
	buf_printf(out,
	    "{\"leaf\":%llu,\"time\":%llu,\"kind\":\"%s\",\"what\":\"%s\",\"by\":\"%s\",\"config\":\"",
	    (unsigned long long)t->i, (unsigned long long)t->x->time_s, log_kind_name(t->x->kind), t->what,
	    t->by);
	if (t->x->kind == LOG_CONFIG)
		buf_put_hex(out, bytes_of(t->x->new_config, 32));
	buf_put_text(out, "\",\"settings\":[");
	buf_put_bytes(out, buf_bytes(&t->settings));
	buf_put_text(out, "]}\n");
}

static void put_text(struct buf *out, const struct told *t)
{
	buf_printf(out, "%6llu  ", (unsigned long long)t->i);
	text_time(out, t->x->time_s);
	if (t->x->kind == LOG_RECOVERY) {
		buf_put_text(out, "  ");
		leaftext_put(out, t->x);
		buf_printf(out, _(", by %s\n"), t->by);
	} else if (t->x->kind == LOG_CONFIG) {
		buf_printf(out, _("  configuration of %s, by %s: "), t->x->dataset, t->by);
		buf_put_hex(out, bytes_of(t->x->new_config, 8));
		buf_put_byte(out, '\n');
		buf_put_bytes(out, buf_bytes(&t->settings));
	} else {
		buf_printf(out, _("  command %s, by %s\n"), t->x->class, t->x->by);
	}
}

static int put_leaf(struct buf *out, struct session *s, uint64_t i, const struct log_entry *x,
    const struct args *args, struct err *e)
{
	struct log_entry next;
	struct told t = { .i = i, .x = x, .what = x->class, .by = x->by };
	int code = AUDIT_HOLDS;

	if (x->kind != LOG_ADMIN) {
		t.by = who(&s->log, i, &next);
		t.what = x->kind == LOG_CONFIG ? x->dataset : "restored";
	}
	if (x->kind == LOG_CONFIG)
		code = settings_of(&t.settings, args, s, x, e);
	else if (x->kind == LOG_RECOVERY && args_flag(args, "json"))
		buf_printf(&t.settings, "{\"name\":\"entries\",\"was\":\"%llu\",\"is\":\"%llu\"}",
		    (unsigned long long)i, (unsigned long long)x->size);
	else if (x->kind == LOG_RECOVERY && args_flag(args, "csv"))
		leaftext_put(&t.settings, x);
	if (args_flag(args, "csv"))
		put_csv(out, &t);
	else if (args_flag(args, "json"))
		put_json(out, &t);
	else
		put_text(out, &t);
	buf_free(&t.settings);
	return code;
}

int audit_policy(const struct args *args)
{
	struct err e = { 0 };
	struct buf out = { 0 };
	struct log_entry x;
	int code;
	struct session *s = session_open(args, &code, &e);

	if (args_flag(args, "csv"))
		buf_put_text(&out, "leaf,time,kind,what,by,config,settings\n");
	for (uint64_t i = 0; code == AUDIT_HOLDS && i < s->log.n; i++) {
		if (loglist_entry_of(&s->log, i, LOG_CONFIG, &x) ||
		    loglist_entry_of(&s->log, i, LOG_ADMIN, &x) ||
		    (loglist_entry_of(&s->log, i, LOG_RECOVERY, &x) && x.reason == LOG_RECOVERY_RESTORED))
			code = put_leaf(&out, s, i, &x, args, &e);
	}
	if (code == AUDIT_HOLDS && !text_put(&out))
		code = AUDIT_UNCHECKED;
	buf_free(&out);
	return session_close(s, code, &e);
}
