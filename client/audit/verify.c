/* `cellveil audit verify`: everything that can be computed again. */
#include "client/audit/manifests.h"
#include "client/audit/releasecheck.h"
#include "client/receipt_check.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RECEIPT_MAX 65536u

static bool is_form(const struct loglist *l, uint64_t i, const struct receipt *r)
{
	struct log_entry x;

	return loglist_entry_of(l, i, LOG_SUBMISSION, &x) &&
	       memcmp(x.statement, r->statement_digest, sizeof x.statement) == 0;
}

/* Whether an older store was put back since, and the form has not come again. */
static bool is_lost(const struct loglist *l, const struct receipt *r, uint64_t *leaf)
{
	struct log_entry x;
	bool lost = false;

	for (uint64_t i = r->log_index + 1; i < l->n; i++) {
		if (loglist_entry_of(l, i, LOG_RECOVERY, &x) && x.reason == LOG_RECOVERY_RESTORED &&
		    x.size <= r->log_index) {
			lost = true;
			*leaf = i;
		} else if (is_form(l, i, r)) {
			lost = false;
		}
	}
	return lost;
}

static bool receipt_leaf(const struct loglist *l, const struct receipt *r, struct err *e)
{
	uint64_t leaf = 0;

	if (r->log_index >= l->n)
		return err_set(e, ERR_CRYPTO,
		    _("it speaks of leaf %llu, the log has %llu: not yet in it, or the log lost it"),
		    (unsigned long long)r->log_index, (unsigned long long)l->n);
	if (!is_form(l, r->log_index, r))
		return err_set(e, ERR_CRYPTO, _("leaf %llu is not the form this receipt speaks of"),
		    (unsigned long long)r->log_index);
	return !is_lost(l, r, &leaf) || err_set(e, ERR_CRYPTO,
					    _("leaf %llu is its form, but leaf %llu says that an older store "
					      "was put back, without it: send "
					      "the form again"),
					    (unsigned long long)r->log_index, (unsigned long long)leaf);
}

static void check_receipt(const struct loglist *l, struct source *s, const char *path, struct verdicts *v)
{
	struct buf text = { 0 };
	struct receipt r;
	struct err e = { 0 };
	char sets[FILE_PATH];
	bool more = s->folder != NULL && file_path(sets, s->folder, "keysets", NULL);

	if (!file_read(&text, path, RECEIPT_MAX, &e))
		verdicts_add(v, VERDICT_UNCHECKED, "receipt", path, "%s", e.text);
	else if (receipt_check_text(&s->d, more ? sets : NULL, buf_bytes(&text), &r, &e) &&
		 receipt_leaf(l, &r, &e))
		verdicts_add(v, VERDICT_HOLDS, "receipt", path,
		    _("signed, and its form is leaf %llu of the log"), (unsigned long long)r.log_index);
	else
		verdicts_add(v, e.code == ERR_NOT_FOUND ? VERDICT_UNCHECKED : VERDICT_FAILS, "receipt", path,
		    "%s", e.text);
	buf_free(&text);
}

static void check_other(struct loglist *l, struct source *s, const char *path, struct verdicts *v)
{
	struct buf note = { 0 };
	struct err e = { 0 };

	if (!file_read(&note, path, LIMIT_NOTE_BYTES, &e))
		verdicts_add(v, VERDICT_UNCHECKED, "compare", path, "%s", e.text);
	else
		(void)loglist_compare(l, s, buf_bytes(&note), path, v, &e);
	buf_free(&note);
}

int audit_verify(const struct args *args)
{
	struct source *s = calloc(1, sizeof *s);
	struct loglist l = { 0 };
	struct verdicts v = { 0 };
	struct err e = { 0 };
	int code;

	if (s == NULL)
		return AUDIT_UNCHECKED;
	code = source_open(s, args, &e);
	if (code == AUDIT_USAGE || code == AUDIT_INTERRUPTED) {
		text_error(&e);
		goto done;
	}
	verdicts_add_code(&v, code, "key set", "", _("signed by the root key you hold"), &e);
	if (code == AUDIT_HOLDS)
		(void)loglist_read(&l, s, &v, true, &e);
	if (l.whole)
		(void)releasecheck_all(&l, s, &v, &e);
	if (l.whole)
		manifests_check(&l, s, &v);
	if (l.whole && args_value(args, "receipt") != NULL)
		check_receipt(&l, s, args_value(args, "receipt"), &v);
	if (l.whole && args_value(args, "checkpoint") != NULL)
		check_other(&l, s, args_value(args, "checkpoint"), &v);
	code = verdicts_tell(&v, args) ? verdicts_code(&v) : AUDIT_UNCHECKED;
done:
	verdicts_free(&v);
	loglist_free(&l);
	source_close(s);
	free(s);
	return code;
}
