#include "client/audit/session.h"
#include "proto/export.h"
#include <stdlib.h>

static void tell_failures(const struct verdicts *v)
{
	for (size_t i = 0; i < v->n; i++) {
		if (v->at[i].verdict != VERDICT_HOLDS)
			text_warn("%s: %s %s: %s",
			    v->at[i].verdict == VERDICT_FAILS ? _("DOES NOT HOLD") : _("not checked"),
			    v->at[i].what, v->at[i].where, v->at[i].text);
	}
}

struct session *session_open(const struct args *args, int *code, struct err *e)
{
	struct session *s = calloc(1, sizeof *s);

	*code = AUDIT_UNCHECKED;
	if (s == NULL)
		return NULL;
	*code = source_open(&s->source, args, e);
	if (*code == AUDIT_HOLDS) {
		*code = loglist_read(&s->log, &s->source, &s->verdicts, true, e);
		tell_failures(&s->verdicts);
		if (*code != AUDIT_HOLDS)
			e->text[0] = 0; /* told already */
	}
	return s;
}

int session_close(struct session *s, int code, const struct err *e)
{
	if (code != AUDIT_HOLDS && e->text[0] != 0)
		text_error(e);
	if (s != NULL) {
		if (code == AUDIT_HOLDS && !s->signing)
			code = verdicts_code(&s->verdicts);
		verdicts_free(&s->verdicts);
		loglist_free(&s->log);
		source_close(&s->source);
	}
	free(s);
	return code;
}

struct session_release *session_fetch(struct session *s, const char *name, int *code, struct err *e)
{
	struct session_release *r = calloc(1, sizeof *r);
	uint64_t index;

	*code = AUDIT_UNCHECKED;
	if (r == NULL)
		return NULL;
	*code = loglist_find_release(&s->log, name, &index, &r->leaf, e);
	if (*code != AUDIT_HOLDS)
		return r;
	releasecheck_name(r->where, &r->leaf);
	if (r->leaf.kind != LOG_RELEASE) {
		(void)err_set(
		    e, ERR_NOT_FOUND, "%s", _("the policy refused this release: there are no files"));
		*code = AUDIT_USAGE;
		return r;
	}
	*code = releasecheck_fetch(&r->files, &s->log, &s->source, &r->leaf, e);
	if (*code == SOURCE_ABSENT) {
		(void)err_set(e, ERR_NOT_FOUND, "%s", _("withdrawn; its files are gone, as they should be"));
		*code = AUDIT_UNCHECKED;
	}
	if (*code == AUDIT_HOLDS)
		*code = source_config(&s->source, r->files.manifest.config, r->leaf.dataset, &r->config, e);
	if (*code == AUDIT_HOLDS && !export_check(&r->files.rows, r->config, e))
		*code = AUDIT_FAILS;
	if (*code == SOURCE_ABSENT)
		*code = AUDIT_FAILS;
	return r;
}

void session_drop(struct session_release *r)
{
	if (r == NULL)
		return;
	release_files_free(&r->files);
	config_free(r->config);
	free(r);
}
