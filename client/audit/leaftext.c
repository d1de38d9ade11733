#include "client/audit/leaftext.h"
#include "client/text.h"
#include <string.h>

static const char *const words[LOG_KINDS] = {
	[LOG_START] = N_("the log begins"),
	[LOG_END] = N_("the log ends"),
	[LOG_CONFIG] = N_("configuration and policy set"),
	[LOG_KEY] = N_("key"),
	[LOG_SUBMISSION] = N_("form received"),
	[LOG_CONFLICT] = N_("two forms under one name"),
	[LOG_PERIOD_OPEN] = N_("period opened"),
	[LOG_PERIOD_CLOSE] = N_("period closed"),
	[LOG_PERIOD_FINAL] = N_("period final"),
	[LOG_PERIOD_VOID] = N_("period void"),
	[LOG_PERIOD_SEAL] = N_("set of forms sealed"),
	[LOG_RELEASE] = N_("released"),
	[LOG_NO_RELEASE] = N_("not released: the policy refused"),
	[LOG_SUPERSEDE] = N_("replaced by a newer revision"),
	[LOG_WITHDRAW] = N_("withdrawn"),
	[LOG_RETENTION] = N_("erased after its time"),
	[LOG_ADMIN] = N_("command of an operator"),
	[LOG_RECOVERY] = N_("start after an unclean stop"),
};

const char *leaftext_reason(const struct log_entry *x)
{
	static const char *const leave[] = { "", N_("corrected"), N_("error"), N_("order") };

	if ((x->kind == LOG_SUPERSEDE || x->kind == LOG_WITHDRAW) && x->reason > 0 && x->reason < 4)
		return _(leave[x->reason]);
	return "";
}

void leaftext_put(struct buf *out, const struct log_entry *x)
{
	const char *reason = leaftext_reason(x);

	if (x->kind == LOG_RECOVERY && x->reason == LOG_RECOVERY_RESTORED) {
		buf_printf(out, _("an older store was put back: of %llu entries it had %llu"),
		    (unsigned long long)x->index, (unsigned long long)x->size);
		return;
	}
	buf_put_text(out, _(words[x->kind]));
	if (x->kind == LOG_PERIOD_SEAL)
		buf_printf(out, _(": %llu forms"), (unsigned long long)x->n);
	if (x->kind == LOG_RELEASE)
		buf_printf(out, _(": %llu cells, %llu of them hidden"), (unsigned long long)x->cells,
		    (unsigned long long)x->suppressed);
	if (x->kind == LOG_ADMIN)
		buf_printf(out, _(": %s, by %s"), x->class, x->by);
	if (x->kind == LOG_KEY)
		buf_printf(out, ": %s, %s", x->purpose, x->state);
	if (x->kind == LOG_RETENTION)
		buf_printf(out, ": %s", x->what);
	if (reason[0] != 0)
		buf_printf(out, ": %s", reason);
}

void leaftext_put_object(struct buf *out, const struct log_entry *x)
{
	switch (x->kind) {
	case LOG_SUBMISSION:
	case LOG_CONFLICT:
		buf_put_hex(out, bytes_of(x->statement, sizeof x->statement));
		return;
	case LOG_CONFIG:
		buf_put_hex(out, bytes_of(x->new_config, sizeof x->new_config));
		return;
	case LOG_RELEASE:
	case LOG_SUPERSEDE:
	case LOG_WITHDRAW:
		buf_put_hex(out, bytes_of(x->object, sizeof x->object));
		return;
	case LOG_NO_RELEASE:
		buf_put_hex(out, bytes_of(x->manifest, sizeof x->manifest));
		return;
	case LOG_PERIOD_SEAL:
		buf_put_hex(out, bytes_of(x->root, sizeof x->root));
		return;
	case LOG_KEY:
		buf_put_hex(out, bytes_of(x->key_id, sizeof x->key_id));
		return;
	default:
		return;
	}
}
