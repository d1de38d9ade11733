/* `cellveil audit attack`: what each kind of reader can work out from a release, worst first.
 *
 * The public from public facts. Offices with their figures where somebody has them: an office its own form, the
 * vault's host the table of `cellveilctl release table`. An auditor has no counts; for him the question is which
 * cells an office could compute exactly whatever its figures are, and the sealed manifest says whether that
 * matters: only what is hidden for itself was promised to be kept from offices. */
#include "client/protect/attack.h"
#include "client/audit/session.h"
#include "client/form/form.h"
#include "client/protect/system.h"
#include "client/protect/verifycert.h"
#include "policy/form_table.h"
#include "policy/params.h"
#include "proto/content.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define COALITION_MAX 8u
#define FORM_MAX      (64u * 1024 * 1024)
#define FIGURES       "cells.csv"

enum judgement { DISCLOSED, UNDECIDED, QUIET };
static const char *const judgement_name[] = { "disclosed", "undecided", "" };

struct found {
	char *cell, *who;
	const char *how;
	int64_t lo, hi;
	bool exact, unknown;
	enum judgement finding;
};

struct attack {
	struct session *session;
	struct session_release *release;
	struct sealed_manifest manifest;
	json_t *index; /* the manifest's lines by cell; NULL: we are no auditor */
	struct certificate_report certificate;
	struct policy_params policy;
	struct found *at;
	size_t n, room, disclosed, undecided;
	char dir[FILE_PATH]; /* the release's files, and figures.csv of an office's form */
	char figures[FILE_PATH];
};

/* --- judging --- */

static bool is_primary(const struct attack *a, const char *cell)
{
	const json_t *line = a->index ? json_object_get(a->index, cell) : NULL;

	return line != NULL && strcmp(sealed_class(line), "primary") == 0;
}

/* Beyond what `attack` itself says: what is hidden for itself must reach the threshold and be wide enough, for
 * whoever does not own it whole. */
static bool too_narrow(const struct attack *a, const struct attack_line *l)
{
	int64_t most = l->hi - l->own;

	if (strcmp(a->certificate.level, "L1") == 0 || l->hi == SYSTEM_UNBOUNDED || l->lo - l->own < 1)
		return false;
	return most < a->policy.threshold || l->hi - l->lo < a->policy.width;
}

static enum judgement judge(const struct attack *a, const struct attack_line *l)
{
	if (l->discloses)
		return DISCLOSED;
	if (l->unknown)
		return a->index == NULL || is_primary(a, l->cell) ? UNDECIDED : QUIET;
	return is_primary(a, l->cell) && too_narrow(a, l) ? DISCLOSED : QUIET;
}

static bool take(void *context, const struct attack_line *l)
{
	struct attack *a = context;

	if (a->n == a->room) {
		size_t room = a->room ? 2 * a->room : 256;
		struct found *more = realloc(a->at, room * sizeof *more);

		if (more == NULL)
			return false;
		a->at = more;
		a->room = room;
	}
	struct found *f = &a->at[a->n];
	*f = (struct found){ .cell = strdup(l->cell),
		.who = strdup(l->who),
		.how = l->how,
		.lo = l->lo,
		.hi = l->hi,
		.exact = l->exact,
		.unknown = l->unknown,
		.finding = judge(a, l) };
	a->n++;
	a->disclosed += f->finding == DISCLOSED;
	a->undecided += f->finding == UNDECIDED;
	return f->cell != NULL && f->who != NULL;
}

static uint64_t width_of(const struct found *f)
{
	if (f->exact)
		return 0;
	return f->hi == SYSTEM_UNBOUNDED ? UINT64_MAX : (uint64_t)(f->hi - f->lo);
}

static int worst_first(const void *a, const void *b)
{
	const struct found *x = a, *y = b;
	uint64_t wide = width_of(x), other = width_of(y);
	int order;

	if (x->finding != y->finding)
		return x->finding < y->finding ? -1 : 1;
	if (wide != other)
		return wide < other ? -1 : 1;
	order = strcmp(x->who, y->who);
	return order != 0 ? order : strcmp(x->cell, y->cell);
}

/* --- what is known --- */

static bool put_figures(void *context, const char *name, struct bytes text)
{
	struct attack *a = context;

	if (strcmp(name, FIGURES) != 0)
		return true;
	return file_path(a->figures, a->dir, "own-figures.csv", NULL) &&
	       file_write(a->dir, "own-figures.csv", 0600, text, NULL);
}

/* An office's form as the engine sees it, if it were the only one: only its own cells are asked for later. */
static bool take_form(struct attack *a, const char *path, const char *office, struct err *e)
{
	const struct form_options options = { .period = a->release->leaf.period,
		.blanks_not_reported = true };
	struct buf file = { 0 };
	struct form_result form = { .period = "" };
	struct findings findings = { .at = NULL };
	struct table_input *input = NULL;
	bool ok = file_read(&file, path, FORM_MAX, e);

	findings_init(&findings, path);
	ok = ok &&
	     (form_read(path, buf_bytes(&file), a->release->config, office, &options, &form, &findings, e) ||
		 err_wrap(e, "%s", path));
	if (ok && findings_worst(&findings) == SEVERITY_ERROR)
		ok = err_set(e, ERR_INVALID, _("%s: the form has errors; see `cellveil check`"), path);
	const struct contribution own = { .office = office, .figures = &form.figures };
	ok = ok &&
	     table_from_forms(a->release->config, a->release->leaf.period, &own, 1, &a->policy, &input, e) &&
	     (table_files(input, true, put_figures, a) ||
		 err_set(e, ERR_SYSTEM, "%s: cannot be written", a->dir));
	table_free(input);
	figures_free(&form.figures);
	findings_free(&findings);
	buf_free(&file);
	return ok;
}

static void index_manifest(struct attack *a)
{
	struct buf name = { 0 };
	json_t *line;
	size_t i;

	a->index = json_object();
	for (i = 0; (line = json_array_get(a->manifest.cells, i)) != NULL; i++) {
		buf_clear(&name);
		sealed_cell_name(&name, json_object_get(line, "cell"));
		buf_put_byte(&name, 0);
		if (!name.failed)
			(void)json_object_set(a->index, (const char *)name.data, line);
	}
	buf_free(&name);
}

/* The sealed manifest, if we can open it; that we cannot is no failure here. */
static int take_manifest(struct attack *a, struct err *e)
{
	struct buf plain = { 0 };
	struct session *s = a->session;
	int code = sealed_open(&a->manifest, &s->source, &a->release->leaf, NULL, &plain, e);

	buf_free(&plain);
	if (code == AUDIT_UNCHECKED) {
		e->text[0] = 0;
		text_say("%s",
		    _("without the sealed manifest: which cells were hidden for themselves is not known"));
		return AUDIT_HOLDS;
	}
	if (code == AUDIT_HOLDS)
		code = sealed_compare(
		    &a->manifest, &a->release->files, a->release->config, &s->verdicts, a->release->where, e);
	if (code == AUDIT_HOLDS)
		index_manifest(a);
	return code;
}

static int prepare(struct attack *a, struct err *e)
{
	struct session_release *r = a->release;

	if (!policy_params_from_settings(&a->policy, r->config->policy, r->config->n_policy, e))
		return AUDIT_FAILS;
	if (!releasecheck_unpack(&r->files, &a->session->source, a->dir, e))
		return AUDIT_UNCHECKED;
	if (!verifycert_folder(a->dir, &a->certificate, e)) {
		err_wrap(e, "%s", _("certificate"));
		return AUDIT_FAILS;
	}
	return take_manifest(a, e);
}

/* --- asking --- */

static int ask(struct attack *a, const struct args *args, struct err *e)
{
	const char *table = args_value(args, "figures"), *form = args_value(args, "form");
	const char *office = args_value(args, "office");
	struct attack_question q = { .folder = a->dir,
		.office = office,
		.policy = &a->policy,
		.judged = strcmp(a->certificate.level, "L1") != 0,
		.floor = a->certificate.floor,
		.line = take,
		.context = a };
	unsigned long coalition;

	if (!args_number(
		args, "coalition", COALITION_MAX, a->policy.offices ? a->policy.coalition : 0, &coalition))
		return AUDIT_USAGE;
	q.coalition = (uint32_t)coalition;
	if (form != NULL) {
		q.office = office != NULL ? office : a->session->source.d.settings.name;
		if (!take_form(a, form, q.office, e))
			return AUDIT_USAGE;
	} else if (table != NULL && !file_path(a->figures, table, FIGURES, e)) {
		return AUDIT_USAGE;
	}
	q.figures = a->figures[0] != 0 ? a->figures : NULL;
	if (attack_ask(&q, e))
		return AUDIT_HOLDS;
	return e->code == ERR_INVALID && strncmp(e->text, "--office", 8) == 0 ? AUDIT_USAGE : AUDIT_UNCHECKED;
}

/* --- telling --- */

static void put_ends(struct buf *out, const struct found *f, const char *none)
{
	if (f->unknown)
		buf_printf(out, "%s,%s", none, none);
	else if (f->hi == SYSTEM_UNBOUNDED)
		buf_printf(out, "%lld,%s", (long long)f->lo, none);
	else
		buf_printf(out, "%lld,%lld", (long long)f->lo, (long long)f->hi);
}

static void put_csv(struct buf *out, const struct attack *a, size_t n)
{
	buf_put_text(out, "finding,attacker,cell,least,most,exact,how\n");
	for (size_t i = 0; i < n; i++) {
		const struct found *f = &a->at[i];

		buf_printf(out, "%s,%s,", judgement_name[f->finding], f->who);
		verdicts_csv_field(out, f->cell);
		buf_put_byte(out, ',');
		put_ends(out, f, "");
		buf_printf(out, ",%d,%s\n", f->exact, f->how);
	}
}

static void put_json(struct buf *out, const struct attack *a, size_t n)
{
	buf_put_text(out, "{\"release\":");
	text_json(out, a->release->where);
	buf_printf(out, ",\"disclosed\":%zu,\"undecided\":%zu,\"cells\":[", a->disclosed, a->undecided);
	for (size_t i = 0; i < n; i++) {
		const struct found *f = &a->at[i];
		struct buf ends = { 0 };
		char *comma;

		put_ends(&ends, f, "null");
		buf_put_byte(&ends, 0);
		comma = ends.failed ? NULL : strchr((char *)ends.data, ',');
		buf_put_text(out, i > 0 ? ",\n{\"cell\":" : "\n{\"cell\":");
		text_json(out, f->cell);
		buf_put_text(out, ",\"attacker\":");
		text_json(out, f->who);
		if (comma != NULL)
			buf_printf(out, ",\"least\":%.*s,\"most\":%s", (int)(comma - (char *)ends.data),
			    (const char *)ends.data, comma + 1);
		buf_printf(out, ",\"exact\":%s,\"how\":\"%s\",\"finding\":\"%s\"}",
		    f->exact ? "true" : "false", f->how, judgement_name[f->finding]);
		buf_free(&ends);
	}
	buf_put_text(out, "\n]}\n");
}

static void put_text(struct buf *out, const struct attack *a, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct found *f = &a->at[i];
		const char *word = f->finding == DISCLOSED   ? _("DISCLOSED")
				   : f->finding == UNDECIDED ? _("undecided")
							     : "";
		char ends[64];

		if (f->unknown)
			(void)snprintf(ends, sizeof ends, "%s", _("exact"));
		else if (f->hi == SYSTEM_UNBOUNDED)
			(void)snprintf(ends, sizeof ends, "%lld–", (long long)f->lo);
		else
			(void)snprintf(ends, sizeof ends, "%lld–%lld", (long long)f->lo, (long long)f->hi);
		buf_printf(out, "%-10s %-14s %-28s %s\n", word, ends, f->who, f->cell);
	}
	buf_printf(out, _("%s: %zu lines; %zu disclosed, %zu undecided\n"), a->release->where, a->n,
	    a->disclosed, a->undecided);
	if (a->figures[0] == 0)
		buf_printf(out, "%s\n",
		    _("Of offices: only what they could compute exactly; intervals need their figures "
		      "(--form, "
		      "--figures)."));
	if (a->undecided > 0)
		buf_put_text(
		    out, _("Undecided: the office can compute the cell, and its own figures decide whether "
			   "anybody else is in "
			   "it. Ask again with --form there, or with --figures on the vault's host.\n"));
}

static int tell(struct attack *a, const struct args *args, struct err *e)
{
	struct buf out = { 0 };
	unsigned long worst;
	bool ok;

	if (!args_number(args, "worst", 1000000, 0, &worst))
		return AUDIT_USAGE;
	if (a->n > 1)
		qsort(a->at, a->n, sizeof *a->at, worst_first);
	size_t n = worst > 0 && worst < a->n ? worst : a->n;
	if (args_flag(args, "json"))
		put_json(&out, a, n);
	else if (args_flag(args, "csv"))
		put_csv(&out, a, n);
	else
		put_text(&out, a, n);
	ok = text_put(&out);
	buf_free(&out);
	if (!ok) {
		(void)err_set(e, ERR_SYSTEM, "%s", _("the output cannot be written"));
		return AUDIT_UNCHECKED;
	}
	return a->disclosed > 0 ? AUDIT_FAILS : a->undecided > 0 ? AUDIT_UNCHECKED : AUDIT_HOLDS;
}

static void attack_close(struct attack *a)
{
	for (size_t i = 0; i < a->n; i++) {
		free(a->at[i].cell);
		free(a->at[i].who);
	}
	free(a->at);
	json_decref(a->index);
	sealed_close(&a->manifest);
	if (a->dir[0] != 0)
		releasecheck_remove(a->dir);
	session_drop(a->release);
}

int audit_attack(const struct args *args)
{
	struct err e = { 0 };
	struct attack a = { .at = NULL };
	int code;

	a.session = session_open(args, &code, &e);
	if (code == AUDIT_HOLDS)
		a.release = session_fetch(a.session, args->at[0], &code, &e);
	if (code == AUDIT_HOLDS)
		code = prepare(&a, &e);
	if (code == AUDIT_HOLDS)
		code = ask(&a, args, &e);
	if (code == AUDIT_HOLDS)
		code = tell(&a, args, &e);
	attack_close(&a);
	return session_close(a.session, code, &e);
}
