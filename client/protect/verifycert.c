#include "client/protect/verifycert.h"

#include <stdio.h>
#include <unistd.h>

#include "client/protect/auditor.h"
#include "client/protect/certificate.h"
#include "client/protect/jjcert.h"
#include "client/protect/moved.h"
#include "client/protect/movedaudit.h"
#include "client/protect/protect.h"
#include "client/protect/protectfiles.h"
#include "client/protect/suppressed.h"
#include "client/text.h"

#define CERTIFICATE_MAX (UINT64_C(1) << 31)

static void report_json(const struct certificate_report *r, bool holds)
{
	struct buf out = { 0 };
	buf_printf(&out,
	    "{\"holds\":%s,\"claimed\":\"%s\",\"threshold\":%u,\"width\":%u,\"floor\":%u,\"coalition\":%u,"
	    "\"hidden\":%llu,\"covered\":%llu,\"with_tables\":%llu,\"tables\":%llu,\"moved\":%llu,"
	    "\"reach\":%lld}\n",
	    holds ? "true" : "false", r->level, r->threshold, r->width, r->floor, r->coalition,
	    (unsigned long long)r->hidden, (unsigned long long)r->covered, (unsigned long long)r->with_tables,
	    (unsigned long long)r->tables, (unsigned long long)r->near, (long long)r->moved.reach);
	text_put(&out);
	buf_free(&out);
}

void verifycert_put_moved(struct buf *out, const struct certificate_report *r)
{
	if (r->moved.how == MOVED_ROUNDING)
		buf_printf(out,
		    _("Its certificate holds: %llu figures are multiples of %lld and add up, each less than "
		      "%lld "
		      "from the true one.\n"),
		    (unsigned long long)r->near, (long long)r->moved.base, (long long)r->moved.base);
	else
		buf_printf(out,
		    _("Its certificate holds: %llu figures are moved by noise, at most by %lld each; it "
		      "claims no "
		      "more.\n"),
		    (unsigned long long)r->near, (long long)r->moved.reach);
}

/* Who contributed, where a column of cells.csv says so, is part of the grid. */
static bool has_cells(const char *dir)
{
	char path[LATTICE_PATH_MAX];
	snprintf(path, sizeof path, "%s/cells.csv", dir);
	return access(path, R_OK) == 0;
}

bool verifycert_folder(const char *dir, struct certificate_report *report, struct err *e)
{
	struct buf file = { 0 };
	struct lattice g = { 0 };
	char path[LATTICE_PATH_MAX];
	snprintf(path, sizeof path, "%s/certificate.cvc", dir);
	bool ok =
	    lattice_read(&g, dir, NULL, false, e) && protectfiles_read(&file, path, CERTIFICATE_MAX, e) &&
	    ((lattice_figures_hold(&g, e) && certificate_check(&g, buf_bytes(&file), NULL, report, e)) ||
		err_wrap(e, "certificate.cvc"));
	lattice_free(&g);
	buf_free(&file);
	return ok;
}

/* The auditors' part, where it is asked for: steps 4 to 6 of docs/disclosure.md "Certificate". */
static bool audit(struct lattice *g, const struct args *args, const struct certificate_report *r,
    struct bytes certificate, struct auditor_report *out, struct err *e)
{
	struct policy_params p = policy_params_default();
	struct buf file = { 0 };
	const char *path = args_value(args, "auditor");
	bool ok =
	    (args_value(args, "policy") == NULL || protectfiles_policy(&p, args_value(args, "policy"), e)) &&
	    lattice_truth_file(g, args_value(args, "truth"), e) && lattice_figures_hold(g, e) &&
	    protectfiles_read(&file, path, CERTIFICATE_MAX, e);
	p = policy_params_effective(&p);
	if (r->floor == 0 && p.zeros == ZEROS_PUBLISHED)
		p.zeros = ZEROS_CAMOUFLAGE; /* a step of the ladder */
	if (ok && r->floor != (p.zeros == ZEROS_PUBLISHED))
		ok = err_set(e, ERR_CRYPTO, "the floor is not the policy's");
	if (ok && (p.threshold != r->threshold || p.width != r->width || p.coalition != r->coalition))
		ok = err_set(e, ERR_CRYPTO, "the level line is not the policy's");
	ok = ok && (auditor_check(g, &p, r->level, certificate, buf_bytes(&file), out, e) ||
		       err_wrap(e, "%s", path));
	buf_free(&file);
	return ok;
}

/* The same where figures were moved: each beside its count, and the tables that show the doubt. */
static bool audit_moved(struct lattice *g, const struct args *args, const struct certificate_report *r,
    struct bytes certificate, uint64_t *tables, struct err *e)
{
	struct policy_params p = policy_params_default();
	struct buf file = { 0 };
	const char *path = args_value(args, "auditor");
	bool ok =
	    (args_value(args, "policy") == NULL || protectfiles_policy(&p, args_value(args, "policy"), e)) &&
	    lattice_truth_file(g, args_value(args, "truth"), e) && moved_true(g, &r->moved, e) &&
	    protectfiles_read(&file, path, CERTIFICATE_MAX, e) &&
	    (movedaudit_check(g, &p, r, certificate, buf_bytes(&file), tables, e) || err_wrap(e, "%s", path));
	buf_free(&file);
	return ok;
}

/* Are certificate and auditors' part those that --manifest names? */
static bool is_bound(const struct args *args, struct bytes certificate, struct err *e)
{
	const char *path = args_value(args, "manifest");
	const char *part = args_value(args, "auditor");
	struct buf manifest = { 0 };
	struct buf auditor = { 0 };
	bool ok = path == NULL ||
		  (protectfiles_read(&manifest, path, CERTIFICATE_MAX, e) &&
		      (part == NULL || protectfiles_read(&auditor, part, CERTIFICATE_MAX, e)) &&
		      (suppressed_names(buf_bytes(&manifest), certificate, buf_bytes(&auditor), e) ||
			  err_wrap(e, "%s", path)));
	buf_free(&manifest);
	buf_free(&auditor);
	return ok;
}

static void moved_told(const struct certificate_report *r)
{
	struct buf line = { 0 };
	verifycert_put_moved(&line, r);
	if (line.size > 0)
		line.data[line.size - 1] = '\0'; /* its line feed */
	text_say("%s", line.failed ? "" : (const char *)line.data);
	buf_free(&line);
}

static int run(const struct args *args)
{
	struct certificate_report report = { 0 };
	struct auditor_report audited = { 0 };
	struct buf file = { 0 };
	struct lattice g = { 0 };
	struct err e = { 0 };
	int code = PROTECT_INPUT;
	char own[LATTICE_PATH_MAX];
	if (args_value(args, "jj") != NULL)
		return jjcert_run(args);
	const char *path = args->n > 2 ? args->at[2] : own;
	snprintf(own, sizeof own, "%s/certificate.cvc", args->at[0]);
	if ((args_value(args, "auditor") != NULL) != (args_value(args, "truth") != NULL)) {
		text_warn("%s", _("--auditor and --truth go together"));
		return PROTECT_INPUT;
	}
	if (!lattice_read(&g, args->at[0], args->n > 1 ? args->at[1] : NULL, has_cells(args->at[0]), &e) ||
	    !protectfiles_read(&file, path, CERTIFICATE_MAX, &e)) {
		text_error(&e);
		goto done;
	}
	uint64_t tables = 0;
	bool auditing = args_value(args, "auditor") != NULL;
	bool holds = is_bound(args, buf_bytes(&file), &e) && lattice_figures_hold(&g, &e) &&
		     certificate_check(&g, buf_bytes(&file), args_value(args, "ledger"), &report, &e);
	bool moved = report.moved.how != MOVED_NOT;
	if (holds && auditing && report.earlier > 0)
		holds = err_set(
		    &e, ERR_UNSUPPORTED, "the auditors' part of a correction cannot be checked here yet");
	else if (holds && auditing && moved)
		holds = audit_moved(&g, args, &report, buf_bytes(&file), &tables, &e);
	else if (holds && auditing)
		holds = audit(&g, args, &report, buf_bytes(&file), &audited, &e);
	if (args_flag(args, "json"))
		report_json(&report, holds);
	if (!holds) {
		err_wrap(&e, "%s", path);
		text_error(&e);
		code = e.code == ERR_MEMORY ? PROTECT_LIMIT : PROTECT_DISCLOSED;
		goto done;
	}
	if (moved) {
		moved_told(&report);
		if (auditing)
			text_say(
			    _("every figure fits the counts, and %llu tables leave the small ones in doubt; "
			      "whether offices are in doubt, `attack` tells"),
			    (unsigned long long)tables);
		code = PROTECT_SAFE;
		goto done;
	}
	text_say(_("holds: none of the %llu hidden cells can be computed from what is printed"),
	    (unsigned long long)report.hidden);
	text_say(_("%llu of them are shown to reach the threshold; the publisher claims %s"),
	    (unsigned long long)report.with_tables, report.level);
	if (report.joined)
		text_say(_("nor from that together with %llu earlier releases of the period"),
		    (unsigned long long)report.earlier);
	else if (report.earlier > 0)
		text_warn(_("protected together with %llu earlier releases of the period: what all of them "
			    "say together "
			    "is not checked here"),
		    (unsigned long long)report.earlier);
	if (auditing)
		text_say(_("auditors' part: %llu protected figures, each can be another for every attacker; "
			   "%s holds"),
		    (unsigned long long)audited.subjects, report.level);
	code = PROTECT_SAFE;
done:
	lattice_free(&g);
	buf_free(&file);
	return code;
}

const struct command verify_certificate_command = {
	.name = "verify-certificate",
	.arguments = "FOLDER [RESULT.csv [CERTIFICATE]]",
	.about = N_("check that hidden cells cannot be worked out, by additions and comparisons"),
	.example = "cellveil get 2024 -o release-2024; cellveil verify-certificate release-2024\n"
		   "cellveil verify-certificate tables/2024 protected/RESULT.csv protected/certificate.cvc\n"
		   "cellveil verify-certificate --jj linked.jj protected/RESULT.csv protected/certificate.cvc",
	.option = {
	    { "auditor", 0, "FILE", N_("the auditors' part, checked against the counts") },
	    { "truth", 0, "CELLS.csv", N_("the counts, for --auditor") },
	    { "ledger", 0, "DIR", N_("folders of earlier releases of the period: what all say together is checked") },
	    { "manifest", 0, "FILE", N_("the opened suppression manifest: certificate and auditors' part must be those it names") },
	    { "policy", 0, "FILE", N_("the protection rules, for --auditor") },
	    { "jj", 0, "FILE", N_("a table as a JJ file instead of a folder; then RESULT.csv and CERTIFICATE are named") },
	},
	.min = 1,
	.max = 3,
	.run = run,
};
