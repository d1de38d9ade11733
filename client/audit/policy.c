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

static void put_setting(struct buf *out, const char *name, const char *was, const char *is, bool first)
{
	if (first)
		buf_printf(out, "        %s = %s\n", name, is);
	else if (strcmp(was, is) != 0)
		buf_printf(out, "        %s: %s -> %s\n", name, was[0] ? was : "-", is[0] ? is : "-");
}

static void put_settings(struct buf *out, const struct config *old, const struct config *new)
{
	for (uint16_t i = 0; i < new->n_policy; i++)
		put_setting(out, new->policy[i].name, setting_of(old, new->policy[i].name),
		    new->policy[i].value, old == NULL);
	for (uint16_t i = 0; old != NULL && i < old->n_policy; i++) {
		if (setting_of(new, old->policy[i].name)[0] == 0)
			put_setting(out, old->policy[i].name, old->policy[i].value, "", false);
	}
}

static int put_config(struct buf *out, struct session *s, const struct log_entry *x, struct err *e)
{
	struct config *old = NULL, *new = NULL;
	int code = source_config(&s->source, x->new_config, x->dataset, &new, e);

	if (code == AUDIT_HOLDS && x->has_old_config)
		code = source_config(&s->source, x->old_config, x->dataset, &old, e);
	if (code == AUDIT_HOLDS)
		put_settings(out, old, new);
	config_free(old);
	config_free(new);
	return code == SOURCE_ABSENT ? AUDIT_FAILS : code;
}

static int put_leaf(struct buf *out, struct session *s, uint64_t i, const struct log_entry *x,
    const struct args *args, struct err *e)
{
	bool is_config = x->kind == LOG_CONFIG, is_restore = x->kind == LOG_RECOVERY;
	struct log_entry next;
	const char *by = is_config || is_restore ? who(&s->log, i, &next) : x->by;
	const char *what = is_config ? x->dataset : is_restore ? "restored" : x->class;

	if (args_flag(args, "csv") || args_flag(args, "json")) {
		if (args_flag(args, "csv"))
			buf_printf(out, "%llu,%llu,%s,%s,%s,", (unsigned long long)i,
			    (unsigned long long)x->time_s, log_kind_name(x->kind), what, by);
		else
			buf_printf(out,
			    "{\"leaf\":%llu,\"time\":%llu,\"kind\":\"%s\",\"what\":\"%s\",\"by\":\"%s\","
			    "\"config\":\"",
			    (unsigned long long)i, (unsigned long long)x->time_s, log_kind_name(x->kind),
			    what, by);
		if (is_config)
			buf_put_hex(out, bytes_of(x->new_config, 32));
		buf_put_text(out, args_flag(args, "json") ? "\"}\n" : "\n");
		return AUDIT_HOLDS;
	}
	buf_printf(out, "%6llu  ", (unsigned long long)i);
	text_time(out, x->time_s);
	if (is_restore) {
		buf_put_text(out, "  ");
		leaftext_put(out, x);
		buf_printf(out, _(", by %s\n"), by);
		return AUDIT_HOLDS;
	}
	if (!is_config) {
		buf_printf(out, _("  command %s, by %s\n"), x->class, x->by);
		return AUDIT_HOLDS;
	}
	buf_printf(out, _("  configuration of %s, by %s: "), x->dataset, by);
	buf_put_hex(out, bytes_of(x->new_config, 8));
	buf_put_byte(out, '\n');
	return put_config(out, s, x, e);
}

int audit_policy(const struct args *args)
{
	struct err e = { 0 };
	struct buf out = { 0 };
	struct log_entry x;
	int code;
	struct session *s = session_open(args, &code, &e);

	if (args_flag(args, "csv"))
		buf_put_text(&out, "leaf,time,kind,what,by,config\n");
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
