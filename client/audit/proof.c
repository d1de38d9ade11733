/* `cellveil audit proof` and `audit keys`: what others need to check the log with programs of their own. */
#include "client/audit/session.h"
#include "client/keyfile.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- a proof that travels: index, path, and the checkpoint with its cosignatures --- */

static bool put_proof(struct buf *out, struct loglist *l, uint64_t index, struct err *e)
{
	const struct tlog_source source = loglist_source(l);
	struct tlog_proof *p = calloc(1, sizeof *p);
	bool ok = p != NULL || err_set(e, ERR_MEMORY, "no memory");

	ok = ok && tlog_inclusion(&p->path, &source, index, l->n, e);
	if (ok) {
		p->index = index;
		p->note = buf_bytes(&l->note);
		tlog_proof_put(out, p);
		ok = !out->failed || err_set(e, ERR_MEMORY, "no memory");
	}
	free(p);
	return ok;
}

static int find_leaf(const struct session *s, const char *name, uint64_t *index, struct err *e)
{
	struct log_entry x;
	char *end;

	if (name[0] == 0 || strspn(name, "0123456789") != strlen(name) || name_is_period(bytes_text(name)))
		return loglist_find_release(&s->log, name, index, &x, e);
	*index = strtoull(name, &end, 10);
	if (*index < s->log.n)
		return AUDIT_HOLDS;
	(void)err_set(e, ERR_NOT_FOUND, "%s", _("the log has no such leaf"));
	return AUDIT_USAGE;
}

static int give(const char *path, struct buf *out, struct err *e)
{
	bool ok;

	if (path == NULL)
		ok = text_put(out) || err_set(e, ERR_SYSTEM, "%s", _("the output cannot be written"));
	else
		ok = file_put(path, 0644, buf_bytes(out), e);
	return ok ? AUDIT_HOLDS : AUDIT_UNCHECKED;
}

int audit_proof(const struct args *args)
{
	struct err e = { 0 };
	struct buf out = { 0 };
	uint64_t index = 0;
	int code;
	struct session *s = session_open(args, &code, &e);

	if (code == AUDIT_HOLDS)
		code = find_leaf(s, args->at[0], &index, &e);
	if (code == AUDIT_HOLDS && !put_proof(&out, &s->log, index, &e))
		code = AUDIT_UNCHECKED;
	if (code == AUDIT_HOLDS)
		code = give(args_value(args, "output"), &out, &e);
	buf_free(&out);
	return session_close(s, code, &e);
}

/* --- keys, as c2sp.org/tlog-policy wants them --- */

static bool put_witness(struct buf *out, const struct settings *who, struct err *e)
{
	struct key_signer *signer = keyfile_signer(who->dir, KEY_WITNESS, e);
	struct vkey key;
	bool ok = signer != NULL && checkpoint_witness(&key, who->join.origin, who->name, signer->public, e);

	if (ok) {
		buf_printf(out, "witness %s ", who->name);
		vkey_print(out, &key);
		buf_printf(out, "\nquorum %s\n", who->name);
	}
	keyfile_signer_free(signer);
	return ok;
}

static int put_keys(struct buf *out, const struct source *s, struct err *e)
{
	buf_put_text(out, "# root ");
	vkey_print(out, &s->d.root);
	buf_put_text(out, "\nlog ");
	vkey_print(out, &s->log);
	buf_put_text(out, "\n");
	if (s->d.settings.kind == IDENTITY_AUDITOR && !put_witness(out, &s->d.settings, e))
		return AUDIT_UNCHECKED;
	if (s->d.settings.kind != IDENTITY_AUDITOR)
		buf_put_text(out, "quorum none\n");
	return give(NULL, out, e);
}

int audit_keys(const struct args *args)
{
	struct source *s = calloc(1, sizeof *s);
	struct buf out = { 0 };
	struct err e = { 0 };
	int code;

	if (s == NULL)
		return AUDIT_UNCHECKED;
	code = source_open(s, args, &e);
	if (code == AUDIT_HOLDS)
		code = put_keys(&out, s, &e);
	if (code != AUDIT_HOLDS)
		text_error(&e);
	buf_free(&out);
	source_close(s);
	free(s);
	return code;
}
